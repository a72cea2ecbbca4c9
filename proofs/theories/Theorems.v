(** * The theorems, to be read

    What this development proves, in ten statements; each is another file's
    theorem, stated in full once more. Nothing rests on this file. The words of
    the first three are defined in [Ir.v], [Index.v], [Denote.v], [Smooth.v],
    [Grad.v], [Gradient.v] and [Backward.v], of the fourth in [CHALLENGE.v], of
    those about files in [Stablehlo*.v], [Interface.v], [Printer.v] and
    [TwinSame.v], of the last in [Certified.v], [CertifiedAt.v] and [Witness.v]:
    files of definitions.

    Glossary
      - [loss p out x θ]     the output [out] of the program [p], as a function
                             of its parameters, one row vector [θ]; [x] holds
                             the other inputs
      - [computed p bwd gs x θ]  what the emitted code [bwd] leaves in the
                             values [gs], as one row vector
      - [certified]          the module is this step of this network
      - [emitted]            the cotangent that reverse mode computes *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith String.
From Cotangent Require Import Ir Index Denote Smooth Grad Gradient Backward Signs CHALLENGE.
From Cotangent Require Import RowVector SignsSound LayersGraphMore Challenge_met.
From Cotangent Require Import Stablehlo Stablehlo_types Stablehlo_sem Literals Printer Pieces Raise Interface RaiseSound.
From Cotangent Require Import Twin TwinSame TwinSound Certified CertifiedAt Main MainAt Witness WitnessNets.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** Gradients of programs *)

(** 1. The code that reverse mode emits for a program with a scalar output
    computes the gradient in all parameters at once, wherever no op is at a
    kink. *)
Theorem gradient_of_a_program (R : realType) p nin sh params base out bwd gs :
  checks p nin sh params base out = true -> N.ltb 0 (total params) = true ->
  shrun p sh out = [::] -> loss_grad p base out params = (bwd, gs) ->
  forall (x : env R) (θ : 'rV[R]_(dim params).+1),
  smooth_run θ p (inputs x) ->
  differentiable (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ /\
  forall v, 'd (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ v = dot (computed p bwd gs x θ) v.
Proof. by move=> ck pos s0 eg x θ; exact: (loss_gradient ck pos s0 eg). Qed.

(** 2. Where the signs of its values settle every kink, at all parameters and all
    inputs. *)
Theorem gradient_without_condition (R : realType) p nin sh params base out bwd gs :
  checks p nin sh params base out = true -> N.ltb 0 (total params) = true ->
  shrun p sh out = [::] -> loss_grad p base out params = (bwd, gs) -> sites p [::] = [::] ->
  forall (x : env R) (θ : 'rV[R]_(dim params).+1),
  differentiable (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ /\
  forall v, 'd (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ v = dot (computed p bwd gs x θ) v.
Proof. exact: gradient_everywhere. Qed.

(** 3. What is emitted for a program that computes a layer, on matrices, is the
    backward of that layer. *)
Theorem emitted_is_the_backward (R : realType) p nin sh j s base out (e : env R)
    m n t m' n' (l : layout s m n) (l' : layout t m' n') M :
  checks p nin sh [:: (j, s)] base out = true -> shrun p sh out = t ->
  smooth_run M p (fun X => upd e j (as_tensor l X)) ->
  is_vjp_mx (fun X : 'M[R]_(m.+1, n.+1) => as_mx l' (run p (upd e j (as_tensor l X)) out)) M
    (fun dY => as_mx l (emitted p base out j s (upd e j (as_tensor l M)) (as_tensor l' dY))).
Proof. exact: emitted_backward. Qed.

(** 4. The rules and the textbook layers, in the words of the library alone. *)
Theorem rules_and_layers : challenge.
Proof. exact: challenge_met. Qed.

(** ** Files *)

(** 5. A module is printed to these bytes. *)
Theorem printed_to_its_bytes m :
  String.string_of_list_byte (flatten [seq bytes p | p <- flatten (pieces m)])
  = text [seq (line ++ newline)%string | line <- print m].
Proof. exact: pieces_text. Qed.

(** 6. The meaning given to StableHLO is that of the program it is raised to. *)
Theorem meaning_of_a_module (R : realType) m r (xs : seq (tensor R)) :
  raise m = Some r -> size xs = size (r_arguments r) ->
  exists2 ys, meaning m (argument_arrays (r_arguments r) xs)
      = Some (argument_arrays (r_results r) ys)
    & size ys = size (r_results r) /\ size (r_outputs r) = size (r_results r) /\
      forall k, (k < size ys)%nat ->
        eqt (t_shape (s_type (nth no_slot (r_results r) k))) (nth (@no_tensor R) ys k)
          (run (r_program r) (input_env xs) (nth 0%num (r_outputs r) k)).
Proof. exact: raise_sound. Qed.

(** 7. It is the meaning that [cargo xtask twin] executes over the rationals and
    compares with XLA. *)
Theorem meaning_is_executable (R : realType) m : same_results (@meaning R m) (q_meaning m).
Proof. exact: twin_sound. Qed.

(** ** Certificates *)

(** 8. What a certificate computes implies what it says: the module is the step,
    and its gradients are the derivatives of the network's loss. *)
Theorem certificate net opts m kinks : check net opts m kinks = true -> certified net opts m kinks.
Proof. exact: check_sound. Qed.

(** 9. At stored numbers where no kink is met, as balls of any number of bits tell,
    without a condition. *)
Theorem certificate_at_a_point bits net opts m kinks pt :
  certified net opts m kinks -> discharged bits net opts kinks pt = true -> certified_at net opts m pt.
Proof. exact: at_sound. Qed.

(** 10. It is not about nothing: a residual block with batch normalisation has
    parameters and images off its kinks whose gradients are not 0, and differ. *)
Theorem premises_are_met : not_vacuous residual 1.
Proof. exact: residual_witness. Qed.
