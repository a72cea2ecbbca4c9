(** * What signs leave to ask

    Of a run, in the words of which [SignsSound.v] says that the analysis in
    [Signs.v] is right.

    Glossary
      - [has_sign s x]    the sign of the number [x] is in the set [s]
      - [agrees sh given e]  the inputs [e] are as they are [given] to be
      - [off_sites p given E]  at the instructions in [sites p given], the
                          values [E x0] are smooth points *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith.
From Cotangent Require Import Denote Smooth Kinks.
From Cotangent Require Export Signs.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope ring_scope.

Definition has_sign (R : realType) (s : sign) (x : R) : bool :=
  [|| can_neg s && (x < 0), can_zero s && (x == 0) | can_pos s && (0 < x)].

Section Sites.
Variables (R : realType) (V : normedModType R) (x0 : V).

Definition agrees (sh : N -> shape) (given : seq (N * sign)) (e : env R) : Prop :=
  forall j s, List.In (j, s) given -> forall i, i \in idxs (sh j) -> has_sign s (e j i).

(** [E x] holds the values of the whole run. *)
Definition off_sites (p : prog) (given : seq (N * sign)) (E : V -> env R) : Prop := all_smooth x0 (sites p given) E.
End Sites.
