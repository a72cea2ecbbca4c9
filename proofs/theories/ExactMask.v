(** * Masks on integers

    A mask is an argument that the parameters do not change, so that an entry
    which it makes 0 stays 0.

    Glossary
      - [constants]      rows of numbers that are exact and stay what they are;
                         [row_hash] finds rows that may be equal
      - [masked]         a tensor times a mask; the radius is what the greatest
                         number of the mask makes of it
      - [every_entry]    of one number for each example, one for each entry *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index Number ExactTable ExactJoin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** Of the first few numbers: a path as long as a long row would be expensive. *)
Definition row_hash (a : idx * row) : N :=
  if a.1 is [:: _; _; _] then foldl (fun h z => 4294967296 * h + Z.abs_N z)%num 1%num (take 4 a.2) else key a.1.

(** Rows that are equal have the same model. *)
Definition constants (e : N) (l : seq (idx * row)) : fixed :=
  let f (t : table) model (a : idx * row) := Some (
    if model is Some j then
      if look t j is Some (m, r) then if list_eqb Z.eqb a.2 r then (m, r) else a else a
    else a) in
  Fixed e (tabulate fst row_hash f l) true 0.

(** Shape [s], with the examples. *)
Definition masked (fraction : N) (s : shape) (x m : fixed) : fixed :=
  rounded fraction (product_value s x m).

Definition every_entry (s : shape) (m : fixed) : option fixed :=
  if look (f_table m) [::] is Some (_, r) then
    Some (constants (f_exponent m)
      [seq (i, nseq (N.to_nat (last 0%num s)) (nth 0%Z r (N.to_nat (head 0%num i)))) | i <- idxs (lead s)
      & N.ltb (head 0%num i) (N.of_nat (size r))])
  else None.

(** Twice 3 is 6, and 5 times 0 is 0, and stays so. *)
Example mask_2_0 :
  let x := Fixed 0 (tabulate id key (fun _ _ i => Some (i, [:: 3; 5]%Z)) [:: [:: 0%num]]) true 0 in
  let y := masked 64 [:: 1; 2]%num x (constants 0 [:: ([:: 0%num], [:: 2; 0]%Z)]) in
  [/\ look (f_table y) [:: 0%num] = Some ([:: 0%num], [:: 6; 0]%Z), f_radius y = 0%Z & f_rectified y = true].
Proof. by vm_compute. Qed.
