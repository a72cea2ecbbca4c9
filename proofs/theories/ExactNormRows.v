(** * Layer norm and its like on integers

    Each row, or the entries of a group, have statistics of their own, which are
    those of [ExactNorm.v] without a scale or a shift; these come after.

    The mean square of [z] is the variance of [z] and [- z] together.

    Glossary
      - [statistics]     of integers at exponent [e] with radius [r]
      - [standard]       an entry, normalised
      - [normal_row], [square_row]  a row that is normalised, and by its mean square
                         alone; and its radius
      - [rows_value]     each row by itself; the radius is the greatest
      - [affine_at]      a layer's scales and shifts, at the point
      - [affine_value]   scaled and shifted, feature by feature *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index ExactTable ExactNorm.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope Z_scope.

Section Rows.
Variables (fraction : N) (eps_n : Z) (eps_d : positive).

Definition statistics (e : N) (r : Z) (zs : row) : option feature :=
  feature_of fraction e r (Z.of_nat (size zs)) eps_n eps_d (0%num, 1) (0%num, 0) zs.
Definition standard (e : N) (zs : row) (ft : feature) (z : Z) : Z :=
  let n := Z.of_nat (size zs) in norm_entry n (denominator e n 0) ft z.

Definition normal_row (e : N) (r : Z) (zs : row) : option (row * Z) :=
  omap (fun ft => ([seq standard e zs ft z | z <- zs], ft_radius ft)) (statistics e r zs).
Definition square_row (e : N) (r : Z) (zs : row) : option (row * Z) :=
  let both := zs ++ [seq - z | z <- zs] in
  omap (fun ft => ([seq standard e both ft z | z <- zs], ft_radius ft)) (statistics e r both).
End Rows.

Definition rows_value (fraction : N) (make : N -> Z -> row -> option (row * Z)) (s : shape) (x : fixed) : fixed :=
  let f (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (model, r) then
      if has_length (last 0%num s) r then
        omap (fun q => (if inb (lead s) model then model else i, q.2 :: q.1)) (make (f_exponent x) (f_radius x) r)
      else None
    else None in
  let t := tabulate id key f (idxs (lead s)) in
  let greatest := PositiveMap.fold (fun _ (q : idx * entry) m => Z.max (head 0 q.2.2) m) t 0 in
  let keep r := if Z.leb (head 0 r) greatest then behead r else [::] in
  Fixed fraction (PositiveMap.map (fun q : idx * entry => (q.1, (q.2.1, keep q.2.2))) t) false greatest.

(** ** Scales and shifts *)
Definition affine_at (vector : N -> option (option (N * row))) (scale shift : bool) (ps : seq N)
    : option (option (N * row) * option (N * row)) := match scale, shift, ps with
| true, true, [:: w; b] => if (vector w, vector b) is (Some g, Some h) then Some (g, h) else None
| true, false, [:: w] => omap (fun g => (g, None)) (vector w)
| false, true, [:: b] => omap (pair None) (vector b)
| false, false, [::] => Some (None, None)
| _, _, _ => None
end.

Definition affine_value (fraction : N) (scale shift : option (N * row)) (x : fixed) : fixed :=
  let: (e, times, r) := if scale is Some (eg, g)
    then ((f_exponent x + eg)%num, fun z => zip_with Z.mul z g, f_radius x * foldr (fun a m => Z.max (Z.abs a) m) 0 g)
    else (f_exponent x, id, f_radius x) in
  rounded fraction (Fixed (out_exponent e shift)
    (PositiveMap.map (fun q : idx * entry => (q.1, (q.2.1, out_row e shift (times q.2.2)))) (f_table x))
    false (out_radius e shift r)).

(** Of 1 and 3 become -1 and 1; by their mean square, 5, the root of 1/5 and three
    times that, which is not 1. Twice that and 1 more. *)
Example row_1_3 :
  let near (v : Z) (q : option (row * Z)) j := if q is Some (r, radius) then
    Z.leb (Z.abs (nth 0 r j - v)) radius && Z.ltb radius 16 else false in
  let one := Z.shiftl 1 64 in
  let root := Z.sqrt (Z.shiftl 1 128 / 5) in
  let normal := normal_row 64 0 1 0 0 [:: 1; 3] in let square := square_row 64 0 1 0 0 [:: 1; 3] in
  let x := Fixed 0 (tabulate id key (fun _ _ i => Some (i, [:: 1; 3])) [:: [:: 0%num]]) false 0 in
  let y := affine_value 64 (Some (0%num, [:: 2; 2])) (Some (1%num, [:: 2; 2])) (rows_value 64 (normal_row 64 0 1) [:: 1; 2]%num x) in
  [/\ near (- one) normal 0%nat && near one normal 1%nat, near root square 0%nat && near (3 * root) square 1%nat,
      near one square 1%nat = false
    & if look (f_table y) [:: 0%num] is Some (_, r) then near (- one) (Some (r, f_radius y)) 0%nat
        && near (3 * one) (Some (r, f_radius y)) 1%nat else false].
Proof. by vm_compute. Qed.
