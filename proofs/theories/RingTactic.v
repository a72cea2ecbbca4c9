(** * Coq's ring on real numbers

    The tactic [ring] looks rings up by the name of their type, which the
    hierarchy of structures spells in many ways. Here the operations get one
    name each, and [reals R] changes a goal to these before it calls [ring].

    To be used after [Add Ring real_ring : (real_ring R).] in a section over
    [R : realType]. Powers with literal exponents are expanded; other functions
    and numerals are atoms.

    Glossary
      - [r_zero], [r_one], [r_add], [r_mul], [r_sub], [r_opp]  the operations,
                          of one name each
      - [one_name]        a goal in these names
      - [reals]           [ring], after that *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Export Ring_theory Ring.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Ring.
Variable R : realType.
Definition r_zero : R := 0.
Definition r_one : R := 1.
Definition r_add : R -> R -> R := fun x y => x + y.
Definition r_mul : R -> R -> R := fun x y => x * y.
Definition r_sub : R -> R -> R := fun x y => x - y.
Definition r_opp : R -> R := fun x => - x.

Lemma real_ring : ring_theory r_zero r_one r_add r_mul r_sub r_opp (@eq R).
Proof.
split; first exact: add0r.
- exact: addrC.
- exact: addrA.
- exact: mul1r.
- exact: mulrC.
- exact: mulrA.
- exact: mulrDl.
- by [].
- exact: subrr.
Qed.
End Ring.

Ltac one_name R :=
  repeat match goal with
  | |- context [@GRing.add _ ?a ?b] => change (@GRing.add _ a b) with (@r_add R a b)
  | |- context [@GRing.mul _ ?a ?b] => change (@GRing.mul _ a b) with (@r_mul R a b)
  | |- context [@GRing.scale _ _ ?a ?b] => change (@GRing.scale _ _ a b) with (@r_mul R a b)
  | |- context [@GRing.opp _ ?a] => change (@GRing.opp _ a) with (@r_opp R a)
  | |- context [GRing.zero ?z] => change (GRing.zero z) with (r_zero R)
  | |- context [GRing.one ?z] => change (GRing.one z) with (r_one R)
  end.

Ltac reals R :=
  rewrite ?exprS ?expr0 ?mulrS ?mulr0n;
  match goal with |- @eq _ ?a ?b => change (@eq (Real.sort R) a b) end;
  one_name R; ring.
