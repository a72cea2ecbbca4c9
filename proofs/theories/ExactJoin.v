(** * Branches joined, on integers

    Sums, products, maxima and concatenations of branches, and attention of one to
    another.

    Glossary
      - [branch_rows]    the row of each branch at one place
      - [sum_row], [sum_value]  their sum, at the largest of their exponents
      - [source], [stretch_value]  the place of a branch that is repeated; all of it
      - [greatest_entry], [product_value]  no entry is further from 0; of two
      - [paired_value], [difference_value], [maximum_value]  of two, entry by entry
      - [part_rows], [concat_row], [concat_value]  of branches that have features of
                         their own number
      - [all_values], [all_stretched], [all_parts]  the branches, if all have a value
      - [joined_value]   of branches that wait *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index SpecJoin ExactTable ExactAttention.
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

Definition largest_exponent (xs : seq fixed) : N := foldr (fun x e => N.max (f_exponent x) e) 0%num xs.

Definition sum_value (s : shape) (xs : seq fixed) : fixed :=
  let e := largest_exponent xs in let c := last 0%num s in
  Fixed e (shared (branch_rows c xs) (sum_row c e xs) (idxs (lead s))) (all nonnegative xs)
    (sum_radius e xs).

(** ** Repeated *)

(** A branch of shape [s] for one example, as one of shape [t]. *)
Definition source (s : shape) (i : idx) : idx :=
  head 0%num i :: [seq if N.eqb q.1 1 then 0%num else q.2 | q <- zip (lead s) (behead i)].

Definition stretch_value (batch : N) (t s : shape) (x : fixed) : fixed :=
  let c := last 0%num s in
  let make (es : seq entry) := if es is [:: e] then
      if N.eqb c 1 then nseq (N.to_nat (last 0%num t)) (head 0%Z e.2) else e.2
    else [::] in
  Fixed (f_exponent x) (shared (fun i => all_rows c x [:: source s i]) make (idxs (lead (batch :: t)))) (f_rectified x)
    (f_radius x).

(** ** Products *)
Definition greatest_entry (x : fixed) : Z :=
  PositiveMap.fold (fun _ (q : idx * entry) m => foldr (fun z m => Z.max (Z.abs z) m) m q.2.2) (f_table x) 0%Z.
Definition within (m : Z) (r : row) : bool := all (fun z => Z.leb (Z.abs z) m) r.

Definition product_value (s : shape) (x y : fixed) : fixed :=
  let mx := greatest_entry x in let my := greatest_entry y in
  let rx := f_radius x in let ry := f_radius y in
  let make (es : seq entry) := if es is [:: a; b] then
      if within mx a.2 && within my b.2 then zip_with Z.mul a.2 b.2 else [::]
    else [::] in
  Fixed (f_exponent x + f_exponent y) (shared (branch_rows (last 0%num s) [:: x; y]) make (idxs (lead s)))
    (zeros_stay x && zeros_stay y) (mx * ry + my * rx + rx * ry)%Z.

(** ** Differences and maxima *)
Definition paired_value (op radius : Z -> Z -> Z) (rectified : bool) (s : shape) (x y : fixed) : fixed :=
  let e := N.max (f_exponent x) (f_exponent y) in
  let ex := (e - f_exponent x)%num in let ey := (e - f_exponent y)%num in
  let make (es : seq entry) := if es is [:: a; b] then zip_with op (align ex a.2) (align ey b.2) else [::] in
  Fixed e (shared (branch_rows (last 0%num s) [:: x; y]) make (idxs (lead s))) rectified
    (radius (Z.shiftl (f_radius x) (Z.of_N ex)) (Z.shiftl (f_radius y) (Z.of_N ey))).
Definition difference_value : shape -> fixed -> fixed -> fixed := paired_value Z.sub Z.add false.
Definition maximum_value (s : shape) (x y : fixed) : fixed :=
  paired_value Z.max Z.max (zeros_settled x && zeros_settled y) s x y.

(** ** Concatenations *)
Fixpoint part_rows (ps : seq (N * fixed)) (i : idx) : option (seq entry) := match ps with
| [::] => Some [::]
| (c, x) :: ps' =>
    if look (f_table x) i is Some e then
      if has_length c e.2 then omap (cons e) (part_rows ps' i) else None
    else None
end.

Fixpoint concat_row (e : N) (ps : seq (N * fixed)) (es : seq entry) : row := match ps, es with
| (_, x) :: ps', en :: es' => align (e - f_exponent x) en.2 ++ concat_row e ps' es'
| _, _ => [::]
end.

Definition concat_radius (e : N) (xs : seq fixed) : Z :=
  foldr (fun x r => Z.max (Z.shiftl (f_radius x) (Z.of_N (e - f_exponent x))) r) 0%Z xs.

Definition concat_value (s : shape) (ps : seq (N * fixed)) : fixed :=
  let xs := unzip2 ps in let e := largest_exponent xs in
  Fixed e (shared (part_rows ps) (concat_row e ps) (idxs (lead s))) (all f_rectified xs) (concat_radius e xs).

(** ** Branches that wait *)
Fixpoint all_values (s : shape) (ready : seq (shape * option fixed)) : option (seq fixed) := match ready with
| [::] => Some [::]
| (s', x) :: ready' =>
    if (s' == s, x) is (true, Some x) then omap (cons x) (all_values s ready') else None
end.

Fixpoint all_stretched (batch : N) (t : shape) (ready : seq (shape * option fixed)) : option (seq fixed) :=
match ready with
| [::] => Some [::]
| (s, x) :: ready' =>
    if (size s == size t, x) is (true, Some x)
    then omap (cons (stretch_value batch t s x)) (all_stretched batch t ready') else None
end.

Fixpoint all_parts (ready : seq (shape * option fixed)) : option (seq (N * fixed)) := match ready with
| [::] => Some [::]
| (s, Some x) :: ready' => omap (cons (feature_count s, x)) (all_parts ready')
| (_, None) :: _ => None
end.

(** The result has shape [batch :: t]. *)
Definition joined_value (fraction batch : N) (j : joining) (t : shape) (ready : seq (shape * option fixed))
    : option fixed := match j, ready with
| Merged Sum, _ :: _ =>
    if all (fun p => p.1 == t) ready then omap (sum_value (batch :: t)) (all_values t ready)
    else if 0 < size t then omap (sum_value (batch :: t)) (all_stretched batch t ready) else None
| Merged Product, _ :: _ =>
    if (0 < size t, all_stretched batch t ready) is (true, Some (x :: xs))
    then Some (foldl (fun y z => rounded fraction (product_value (batch :: t) y z)) x xs) else None
| Merged Maximum, _ :: _ =>
    if (0 < size t, all_stretched batch t ready) is (true, Some (x :: xs))
    then Some (foldl (maximum_value (batch :: t)) x xs) else None
| Concat, _ :: _ => omap (concat_value (batch :: t)) (all_parts ready)
| Attend heads, [:: ([:: u; _], Some kv); ([:: i; m], Some q)] =>
    Some (context_heads fraction batch i u m (m / heads) heads kv q)
| _, _ => None
end.
