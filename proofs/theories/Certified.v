(** * What a certificate says

    [certified net opts m kinks]: the StableHLO module [m] is the step [opts]
    of the network [net]. In words:

      - [@main] has the arguments and results of that step, with their names,
        roles and shapes, in order;
      - on all arguments, over the real numbers, it returns what the network's
        meaning ([Meaning.v]) and the textbook formulas of the update
        ([Textbook.v]) say: the logits, which a forward pass alone takes from
        the running statistics, where a layer has such; the loss; for each
        parameter the gradient, or its new value and the new state, with the
        clipping, the moving averages and the accumulation that [opts] say; the
        new running statistics;
      - the gradient is the derivative of the network's loss in all parameters
        at once, for these data, targets and random masks, whatever they are,
        wherever no kink in the list is met. With an empty list there is no
        such condition.

    A certificate proves it for a literal module by one computation, through
    [check_sound] in [Main.v].

    Glossary
      - [arguments_of]     the argument list, from parameters and the rest
      - [returns]          [@main] returns these tensors
      - [has_interface]    [@main] has these arguments and results
      - [loss_result], [logits_result], [gradient_results]  the loss, the logits,
                           the gradients as results, with their shapes
      - [interface]        names, roles and shapes of arguments or results;
                           [argument_arrays]: tensors with their types
                           ([Interface.v])
      - [θ_space], [at_θ]  all parameters as one row vector; the arguments
                           where they are [θ] ([Gradient.v])
      - [computes_step]    on all arguments it returns the step's results
      - [loss_at], [logits_at]  of the network, at a list of arguments ([StepMeaning.v])
      - [is_gradient]      Fréchet derivative: [f] is differentiable, and its
                           differential at [v] is [Σ_i g_i v_i]
      - [off_kinks]        no kink of the list is met at these parameters
      - [tensors_of g]     parameter [k]'s part of a row vector *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith.
From Cotangent Require Import Ir Index Denote Stablehlo Stablehlo_sem Gradient Interface.
From Cotangent Require Export Spec Meaning Optimizer Features Steps Textbook StepMeaning.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** The interface *)

Definition has_interface (m : module) (arguments results : seq port) : Prop :=
  exists f, [/\ main_of m = Some f, interface (f_arguments f) = Some arguments
              & interface (f_results f) = Some results].

(** ** The results, over the reals *)
Section Certified.
Variables (R : realType) (net : spec) (opts : options) (m : module) (kinks : seq kink).

(** Argument [k] of [@main] is [a k]. *)
Definition arguments_of (a : N -> tensor R) : seq (tensor R) :=
  [seq a k | k <- first_dims (size (argument_ports net opts))].

(** On [a], [@main] returns tensors of these shapes, equal to these at all their
    indices. *)
Definition returns (a : N -> tensor R) (results : seq (shape * tensor R)) : Prop :=
  exists2 f, main_of m = Some f &
  exists2 ys, meaning m (argument_arrays (f_arguments f) (arguments_of a))
              = Some (argument_arrays (f_results f) ys)
            & List.Forall2 (fun r y => eqt r.1 y r.2) results ys.

Definition loss_result (a : N -> tensor R) : shape * tensor R := ([::], fun _ => loss_at net opts a).
Definition logits_result (a : N -> tensor R) : shape * tensor R :=
  (logits_shape net (batch_size opts), logits_at net opts a).

Let params : seq (N * shape) := numbered_params net.

(** All parameters as one row vector; [other] holds the other arguments. *)
Definition θ_space := 'rV[R]_(dim params).+1.
Definition at_θ (other : N -> tensor R) (θ : θ_space) : N -> tensor R := inputs other θ.
Definition tensors_of (g : θ_space) : N -> tensor R := inputs (fun _ _ => 0) g.

(** Where the parameters are [θ]. *)
Definition off_kinks (other : N -> tensor R) (θ : θ_space) : Prop :=
  forall k, List.In k kinks -> off_kink θ (inputs_at net opts (at_θ other)) k.

Definition gradient_results (g : θ_space) : seq (shape * tensor R) :=
  [seq (p.2, tensors_of g p.1) | p <- params].

Definition computes_step : Prop := match which opts with
| Forward => forall a, returns a [:: logits_result a]
| _ => forall (other : N -> tensor R) (θ : θ_space),
    let a := at_θ other θ in
    exists2 g : θ_space,
      off_kinks other θ -> is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ g
    & returns a match which opts with
      | Train o f => textbook_step net o f a (tensors_of g) ++ stats_at_step net opts a
                     ++ [:: loss_result a; logits_result a]
      | _ => gradient_results g ++ [:: loss_result a]
      end
end.
End Certified.

Definition certified (net : spec) (opts : options) (m : module) (kinks : seq kink) : Prop :=
  [/\ exists s, output_of net = Some s,
      options_ok opts,
      has_interface m (argument_ports net opts) (result_ports net opts)
    & forall R : realType, computes_step R net opts m kinks].
