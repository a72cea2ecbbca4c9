(** * Sums of branches on integers

    Branches of the same shape, added at the largest of their exponents. Other
    joins have no value.

    Glossary
      - [branch_rows]    the row of each branch at one place
      - [sum_row]        their sum
      - [joined_value]   of branches that wait, where all have a value *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index SpecJoin ExactTable.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** Of length [c]; [None] if one is missing. *)
Fixpoint branch_rows (c : N) (xs : seq fixed) (i : idx) : option (seq entry) := match xs with
| [::] => Some [::]
| x :: xs' =>
    if look (f_table x) i is Some e then
      if has_length c e.2 then omap (cons e) (branch_rows c xs' i) else None
    else None
end.

Fixpoint sum_row (c e : N) (xs : seq fixed) (es : seq entry) : row := match xs, es with
| x :: xs', en :: es' => zip_with Z.add (align (e - f_exponent x) en.2) (sum_row c e xs' es')
| _, _ => nseq (N.to_nat c) 0%Z
end.

Definition sum_radius (e : N) (xs : seq fixed) : Z :=
  foldr (fun x r => Z.add (Z.shiftl (f_radius x) (Z.of_N (e - f_exponent x))) r) 0%Z xs.

Definition sum_value (s : shape) (xs : seq fixed) : fixed :=
  let e := foldr (fun x e => N.max (f_exponent x) e) 0%num xs in let c := last 0%num s in
  Fixed e (shared (branch_rows c xs) (sum_row c e xs) (idxs (lead s))) false (sum_radius e xs).

Fixpoint all_values (s : shape) (ready : seq (shape * option fixed)) : option (seq fixed) := match ready with
| [::] => Some [::]
| (s', x) :: ready' =>
    if (s' == s, x) is (true, Some x) then omap (cons x) (all_values s ready') else None
end.

(** The result has shape [batch :: s]. *)
Definition joined_value (batch : N) (j : joining) (s : shape) (ready : seq (shape * option fixed))
    : option fixed :=
  if (j, ready) is (Merged Sum, _ :: _) then omap (sum_value (batch :: s)) (all_values s ready) else None.
