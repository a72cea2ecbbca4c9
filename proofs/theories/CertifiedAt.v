(** * What a certificate at a point says

    [certified_at net opts m pt]: the StableHLO module [m] is the step [opts] of
    the network [net], as in [certified] ([Certified.v]); and at the numbers that
    [pt] holds, bit for bit, whatever the arguments are that it leaves open, the
    gradient that the step computes with is the derivative of the loss: no
    condition about kinks is left. There are such arguments: the statement is
    not empty.

    Glossary
      - [point], [at_point]  numbers as they are stored; the arguments hold them
                           ([Floats.v])
      - the rest           [Certified.v] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith.
From Cotangent Require Import Ir Index Denote Gradient Stablehlo.
From Cotangent Require Export Floats Certified.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Definition certified_at (net : spec) (opts : options) (m : module) (pt : point) : Prop :=
  [/\ exists s, output_of net = Some s,
      options_ok opts,
      has_interface m (argument_ports net opts) (result_ports net opts),
      forall R : realType, exists (other : N -> tensor R) (θ : θ_space R net), at_point pt (at_θ other θ)
    & forall (R : realType) (other : N -> tensor R) (θ : θ_space R net),
      let a := at_θ other θ in
      at_point pt a ->
      exists2 g : θ_space R net,
        is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ g
      & returns net opts m a match which opts with
          | Train o f => textbook_step net o f a (tensors_of g) ++ stats_at_step net opts a
                         ++ [:: loss_result net opts a; logits_result net opts a]
          | _ => gradient_results g ++ [:: loss_result net opts a]
          end].
