(** * Tensors as integers with an exponent and a radius

    A tensor is an exponent [e], a radius [r] and integers [z]: an entry is at
    most [r / 2^e] away from [z / 2^e], and is that where [r] is 0. It is kept by
    rows, the last dimension; each row says which other row is the same function
    of the parameters, such as the places of an image that see the same
    background.

    Glossary
      - [row], [entry], [table]  integers; with the index of a row, its model,
                         that is equal to it near the point; all rows, by index
      - [fixed]          a tensor; [f_rectified]: where it is 0, it is exactly
                         that and stays so
      - [tabulate]       a table, row after row; equal rows are found by a hash
      - [shared]         the same, of rows that are made from other rows: those
                         made from the same are computed once
      - [decode]         stored numbers at a common exponent
      - [combine], [row_times]  a row, rows times a matrix
      - [combine_rows], [of_groups]  the same where each column has a row of its own;
                         such rows, of grouped channels
      - [spread]         the radius after a matrix
      - [everywhere]     each integer of a tensor is so; [nonnegative], [zeros_stay],
                         [zeros_settled]  what a sum, a product, a maximum needs so that
                         where it is 0 it stays so
      - [rounded]        with fewer bits; [fraction], here and in what follows, is
                         how many a ball keeps after the binary point *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index Number Floats.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Tables *)
Definition row := seq Z.
Definition entry := (idx * row)%type.
Definition table := PositiveMap.t (idx * entry).
Record fixed := Fixed { f_exponent : N; f_table : table; f_rectified : bool; f_radius : Z }.

(** Different for the indices of a tensor with no dimension above 4096; were
    they not, a row would be missing. *)
Definition key (i : idx) : N := foldl (fun k d => 4096 * k + d)%num 0%num i.

Definition look (t : table) (i : idx) : option entry :=
  if get t (key i) is Some (j, e) then if i == j then Some e else None else None.

Section Tabulate.
Variables (A : Type) (at_ : A -> idx) (hash : A -> N).
Variable f : table -> option idx -> A -> option entry.

Definition visit (st : table * PositiveMap.t idx) (a : A) : table * PositiveMap.t idx :=
  let h := hash a in let model := get st.2 h in
  if f st.1 model a is Some e then
    (set (key (at_ a)) (at_ a, e) st.1, if model is None then set h (at_ a) st.2 else st.2)
  else st.

Definition tabulate (l : seq A) : table :=
  (foldl visit (PositiveMap.empty _, PositiveMap.empty _) l).1.
End Tabulate.

Definition has_length (n : N) (r : row) : bool := N.eqb (N.of_nat (size r)) n.

(** Rows of length [c]; [None] if one is missing. *)
Fixpoint all_rows (c : N) (x : fixed) (l : seq idx) : option (seq entry) := match l with
| [::] => Some [::]
| i :: l' =>
    if look (f_table x) i is Some e then
      if has_length c e.2 then omap (cons e) (all_rows c x l') else None
    else None
end.

(** ** Numbers *)
Fixpoint least (w : words) (n : N) : N := match w with
| Done => n
| F a b c d w' =>
    least w' (if float32 a b c d is Some (m, e) then if Z.eqb m 0 then n else N.min n e else n)
end.

(** The exponent [e0] that all have, at most 150. *)
Definition scale (l : literal) : N :=
  N.min 150 (foldl (fun n w => least w n) 150%num (l_rows l)).
Definition exponent_of (l : literal) : N := (150 - scale l)%num.

Fixpoint decode (e0 : N) (w : words) : row := match w with
| Done => [::]
| F a b c d w' =>
    if float32 a b c d is Some (m, e) then
      if Z.eqb m 0 then 0%Z :: decode e0 w'
      else if N.leb e0 e then Z.shiftl m (Z.of_N (e - e0)) :: decode e0 w' else [::]
    else [::]
end.

Fixpoint axpy (x : Z) (w acc : row) : row := match w, acc with
| a :: w', y :: acc' => Z.add y (Z.mul a x) :: axpy x w' acc'
| _, _ => [::]
end.

(** [acc + xs · ws] *)
Fixpoint combine (W : Type) (dec : W -> row) (xs : row) (ws : seq W) (acc : row) : row :=
match xs, ws with
| [::], _ => acc
| x :: xs', w :: ws' => combine dec xs' ws' (if Z.eqb x 0 then acc else axpy x (dec w) acc)
| _ :: _, [::] => [::]
end.

(** [acc + Σ x * w], element by element. *)
Fixpoint fma (x w acc : row) : row := match x, w, acc with
| a :: x', b :: w', y :: acc' => (y + a * b)%Z :: fma x' w' acc'
| _, _, _ => [::]
end.
Fixpoint combine_rows (xs ws : seq row) (acc : row) : row := match xs, ws with
| [::], _ => acc
| x :: xs', w :: ws' => combine_rows xs' ws' (if all (Z.eqb 0) x then acc else fma x w acc)
| _ :: _, [::] => [::]
end.

(** Of channels in [g] groups of [channels], number [a] of each, [features] times. *)
Fixpoint of_groups (features channels a g : nat) (r : row) : row :=
  if g is g'.+1 then nseq features (nth 0%Z r a) ++ of_groups features channels a g' (drop channels r)
  else [::].

(** The same of several rows: the matrix is decoded once. *)
Definition row_times (once : bool) (e0 : N) (ws : seq words) (acc : row) : row -> row :=
  if once then fun xs => combine (decode e0) xs ws acc
  else let decoded := [seq decode e0 w | w <- ws] in fun xs => combine id xs decoded acc.

Fixpoint zip_with (f : Z -> Z -> Z) (a b : row) : row := match a, b with
| x :: a', y :: b' => f x y :: zip_with f a' b'
| _, _ => [::]
end.

Definition align (k : N) (r : row) : row :=
  if N.eqb k 0 then r else [seq Z.shiftl z (Z.of_N k) | z <- r].

(** A bias has an exponent of its own. *)
Definition out_exponent (e : N) (bias : option (N * row)) : N :=
  if bias is Some (eb, _) then N.max e eb else e.
Definition out_row (e : N) (bias : option (N * row)) (r : row) : row :=
  if bias is Some (eb, b) then
    let e' := N.max e eb in zip_with Z.add (align (e' - e) r) (align (e' - eb) b)
  else r.

(** ** Sums *)

(** Of the absolute values in each column. *)
Definition columns (W : Type) (dec : W -> row) (m : N) (ws : seq W) : row :=
  foldr (fun w acc => zip_with (fun a y => Z.add (Z.abs a) y) (dec w) acc) (nseq (N.to_nat m) 0%Z) ws.

(** A ball times a matrix of [m] columns, all of which must be there. *)
Definition spread (W : Type) (dec : W -> row) (m : N) (ws : seq W) (r : Z) : option Z :=
  if Z.eqb r 0 then Some 0%Z else
  let cs := columns dec m ws in
  if has_length m cs then Some (Z.mul r (foldr Z.max 0%Z cs)) else None.

(** At the exponent that a bias gives. *)
Definition out_radius (e : N) (bias : option (N * row)) (r : Z) : Z :=
  Z.shiftl r (Z.of_N (out_exponent e bias - e)).

(** ** What stays 0 *)
Definition everywhere (p : Z -> bool) (x : fixed) : bool :=
  PositiveMap.fold (fun _ (q : idx * entry) b => if b then all p q.2.2 else false) (f_table x) true.

Definition nonnegative (x : fixed) : bool := if f_rectified x then everywhere (Z.leb 0) x else false.
Definition zeros_stay (x : fixed) : bool :=
  if f_rectified x then true else everywhere (fun z => ~~ Z.eqb z 0) x.

(** What is not above 0 is below it, or stays 0. *)
Definition zeros_settled (x : fixed) : bool :=
  let rect := f_rectified x in let r := f_radius x in
  everywhere (fun z => if Z.ltb 0 z then true else if Z.eqb z 0 then rect else Z.ltb (Z.add z r) 0) x.

(** ** Rounding *)

(** To 0 only what is 0. *)
Definition round_entry (k z : Z) : Z :=
  if Z.eqb z 0 then 0%Z else let q := Z.shiftr z k in if Z.eqb q 0 then 1%Z else q.

(** To [fraction] bits after the binary point. What is exact is left so. *)
Definition rounded (fraction : N) (x : fixed) : fixed :=
  if Z.eqb (f_radius x) 0 || N.leb (f_exponent x) fraction then x else
  let k := Z.of_N (f_exponent x - fraction) in
  Fixed fraction
    (PositiveMap.map (fun e : idx * entry => (e.1, (e.2.1, [seq round_entry k z | z <- e.2.2]))) (f_table x))
    (f_rectified x) (Z.add (Z.shiftr (f_radius x) k) 2).

(** ** Rows made from rows *)
Section Shared.
Variables (sources : idx -> option (seq entry)) (make : seq entry -> row).

Definition sources_hash (i : idx) : N :=
  if sources i is Some es then foldl (fun n e => 1099511627776 * n + key e.1 + 1)%num 1%num es else 0%num.

Definition shared (places : seq idx) : table :=
  let f (t : table) (model : option idx) i :=
    if sources i is Some es then
      let own := Some (i, make es) in
      if obind sources model is Some es' then
        if [seq e.1 | e <- es] == [seq e.1 | e <- es'] then
          if model is Some j then look t j else own
        else own
      else own
    else None in
  tabulate id sources_hash f places.
End Shared.

(** Rounding keeps a 0 apart from what is near it. A ball around -1 that reaches 0 may
    be the greatest beside a 0 that stays; one that does not reach it is not. *)
Example zeros : let t (z : Z) := set (key [:: 0%num]) ([:: 0%num], ([:: 0%num], [:: 0; z]%Z)) (PositiveMap.empty _) in
  [/\ [seq round_entry 3 z | z <- [:: 0; 1; 9; -1]%Z] = [:: 0; 1; 1; -1]%Z,
      zeros_settled (Fixed 0 (t (-3)%Z) true 2), ~~ zeros_settled (Fixed 0 (t (-1)%Z) true 2),
      ~~ zeros_settled (Fixed 0 (t 1%Z) false 0) & ~~ nonnegative (Fixed 0 (t (-1)%Z) true 0)].
Proof. by vm_compute. Qed.
