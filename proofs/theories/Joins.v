(** * Padding, slices and concatenation in the graph

    A pad and a slice are contractions with one operand and one affine map,
    which is of the result for a pad, of the operand for a slice; so each is
    what reverse mode makes of the other. A concatenation is the sum of its
    parts, each padded to the whole. No real numbers here.

    Glossary
      - [steps]              per dimension: where the first cell is, and how far
                             apart any two are
      - [steps_map l]        cell [i] is at [first + i * apart], in each dimension
      - [pad_to l s t a]     value [a], of shape [s], with its cells at these
                             places among zeros, in shape [t]
      - [slice_of l s t a]   of value [a], of shape [s], the cells at these places,
                             as shape [t]
      - [part_steps n d k]   of rank [n]: from [k] on along dimension [d], all of
                             the others
      - [part_pads d t k ps] the parts [ps] (value and shape), one after the other
                             along [d] from [k] on, each padded to [t]
      - [values k os]        ops as values [k], [k + 1] and so on
      - [sum_up s x k xs]    [x] plus the values [xs], one after the other, from
                             value [k] on
      - [sum_code s k os]    from value [k] on, the sum of the results of [os], in
                             order; [sum_size os] instructions, the last of which
                             is the sum
      - [join d t k ps]      from value [k] on, the concatenation of the parts *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition steps := seq (Z * N).

Definition steps_map (l : steps) : imap :=
  [seq Aff p.2.1 [:: (N.of_nat p.1, Z.of_N p.2.2)] | p <- zip (iota 0 (size l)) l].

Definition pad_to (l : steps) (s t : shape) (a : N) : op :=
  Contract s t (steps_map l) [:: View a s (proj (first_dims (size s)))].
Definition slice_of (l : steps) (s t : shape) (a : N) : op :=
  Contract t t (proj (first_dims (size t))) [:: View a s (steps_map l)].

Definition part_steps (n : nat) (d k : N) : steps :=
  [seq (if N.eqb e d then Z.of_N k else 0%Z, 1%num) | e <- first_dims n].

Fixpoint part_pads (d : N) (t : shape) (k : N) (ps : seq (N * shape)) : seq op :=
  if ps is (a, s) :: ps' then
    pad_to (part_steps (size t) d k) s t a
    :: part_pads d t (k + nth 0%num s (N.to_nat d))%num ps'
  else [::].

Fixpoint values (k : N) (os : seq op) : prog :=
  if os is o :: os' then (k, o) :: values (N.succ k) os' else [::].

Fixpoint sum_up (s : shape) (x k : N) (xs : seq N) : prog :=
  if xs is y :: xs' then (k, Bin s Add x y) :: sum_up s k (N.succ k) xs' else [::].

(** The last op comes first: reverse mode then meets the first one first, as it
    meets the operands of any op. *)
Definition sum_code (s : shape) (k : N) (os : seq op) : prog :=
  let n := size os in
  let summands := rev [seq (k + N.of_nat j)%num | j <- iota 0 n] in
  values k (rev os)
  ++ (if summands is x :: xs then sum_up s x (k + N.of_nat n) xs else [::]).
Definition sum_size (os : seq op) : N := (N.of_nat (size os) + N.of_nat (size os).-1)%num.

Definition join (d : N) (t : shape) (k : N) (ps : seq (N * shape)) : prog :=
  sum_code t k (part_pads d t 0 ps).
