(** * What it means that the twin computes the same

    The twin computes with rationals, the meaning is about real numbers.

    Glossary
      - [q_real q]         the real number that [q] is
      - [same x q]         an array and its rational twin: same type, same cells on
                           the index set
      - [same_results f g] where [g] gives results, [f] gives the same *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith QArith_base.
From Cotangent Require Import Index Denote Stablehlo Stablehlo_types Stablehlo_sem Twin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Close Scope Q_scope.
Local Open Scope ring_scope.

Definition q_real (R : realType) (q : Q) : R := rational R (Qnum q) (Qden q).

Section Same.
Variable R : realType.

Definition same_cells (s : shape) (c : cells R) (d : q_cells) : Prop := match c, d with
| Reals a, Rationals b => {in idxs s, forall i, a i = q_real R (b i)}
| Booleans p, Truths q => {in idxs s, forall i, p i = q i}
| Extended a, Bounded b => {in idxs s, forall i, a i = omap (q_real R) (b i)}
| _, _ => False
end.
Definition same (x : array R) (q : q_array) : Prop :=
  a_type x = q_type q /\ same_cells (t_shape (q_type q)) (a_cells x) (q_data q).

Definition same_results (f : procedure R) (g : q_procedure) : Prop := forall xs qs ys,
  List.Forall2 same xs qs -> g qs = Some ys ->
  exists2 zs, f xs = Some zs & List.Forall2 same zs ys.
End Same.
