(** * Multi-indices, index sets, index maps

    Which element is which. No real numbers. [IndexFacts.v] has the lemmas.

    Glossary
      - [Nrange n]         the numbers below [n]
      - [idxs s]           the multi-indices of shape [s], in row-major order;
                           [inb s i] whether [i] is one
      - [aff_at a r]       the value of an affine form at a multi-index
      - [at_map m s r]     where [m] sends [r] in shape [s]; [None] if outside
      - [same_place s t i] the index of [s] at the row-major position that [i]
                           has in [t]
      - [cells s k m i]    the cells of a window
      - [lead s]           all but the last *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition Nrange (n : N) : seq N := map N.of_nat (iota 0 (N.to_nat n)).

Fixpoint idxs (s : shape) : seq idx :=
  if s is d :: s' then [seq i :: r | i <- Nrange d, r <- idxs s'] else [:: [::]].

(** The test of membership in [idxs] that computes. *)
Fixpoint inb (s : shape) (i : idx) : bool := match s, i with
| [::], [::] => true | d :: s, k :: i => N.ltb k d && inb s i | _, _ => false end.

Definition aff_at (a : aff) (r : idx) : Z :=
  foldr (fun t z => Z.add (Z.mul t.2 (Z.of_N (nth 0%num r (N.to_nat t.1)))) z)
    (aff_base a) (aff_terms a).

Fixpoint at_map (m : imap) (s : shape) (r : idx) : option idx := match m, s with
| [::], [::] => Some [::]
| a :: m', d :: s' =>
    let z := aff_at a r in
    if Z.leb 0 z && Z.ltb z (Z.of_N d) then omap (cons (Z.to_N z)) (at_map m' s' r) else None
| _, _ => None end.

(** The cells of the window at [i]: those of the offsets in [k], in row-major
    order, that lie inside [s]. *)
Definition cells (s k : shape) (m : imap) (i : idx) : seq idx :=
  pmap (fun o => at_map m s (i ++ o)) (idxs k).

Definition same_place (s t : shape) (i : idx) : idx := nth [::] (idxs s) (index i (idxs t)).

Definition lead (T : Type) (s : seq T) : seq T := take (size s).-1 s.
