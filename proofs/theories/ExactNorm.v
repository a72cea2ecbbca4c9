(** * Batch norm on integers

    The statistics of a feature are exact rational numbers of the integers; what
    the radius can make of them is bounded, and so is the inverse of a square
    root, on both sides. The bounds are tested, not trusted.

    For a feature with integers [z], of which there are [n], let
    [d = n z - sum z], so that [d / (n 2^e)] is what the entry has more than the
    mean. The true one times [n 2^e] differs by at most [delta = 2 n r], the sum
    of their squares by at most [err].

    Glossary
      - [feature]        of one feature: the sum of the [z]; the factor of [d];
                         what is added; the radius
      - [norm_entry]     [d] times the factor, divided by [den], shifted *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index ExactTable.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope Z_scope.

Record feature := Feature { ft_sum : Z; ft_factor : Z; ft_shift : Z; ft_radius : Z }.

Section Feature.
Variables (fraction e : N) (r n : Z) (eps_n : Z) (eps_d : positive).

Definition deviations (zs : row) : row := let m := foldr Z.add 0 zs in [seq n * z - m | z <- zs].

(** Bounds of the inverse of the deviation, times [2 ^ fraction]. *)
Definition inverse_root (ds : row) : option (Z * Z) :=
  let squares := foldr (fun d s => d * d + s) 0 ds in
  let sizes := foldr (fun d s => Z.abs d + s) 0 ds in
  let delta := 2 * n * r in
  let err := delta * (2 * sizes + n * delta) in
  let one := Z.shiftl (n * n * n) (Z.of_N (e + e)) in
  let lo := Zpos eps_d * (squares - err) + eps_n * one in
  let hi := Zpos eps_d * (squares + err) + eps_n * one in
  let top := Z.shiftl (Zpos eps_d * one) (Z.of_N (fraction + fraction)) in
  let w := Z.sqrt (top / hi) in let w' := Z.sqrt (top / lo) + 1 in
  if [&& Z.ltb 0 n, Z.ltb 0 lo, Z.leb 0 w, Z.leb 0 w', Z.leb (w * w * hi) top & Z.leb top (w' * w' * lo)]
  then Some (w, w') else None.

Definition denominator (e' : N) : Z := Z.shiftl n (Z.of_N (e + e')).

(** A scale and a shift, with their exponents. *)
Definition feature_of (scale shift : N * Z) (zs : row) : option feature :=
  let ds := deviations zs in
  if inverse_root ds is Some (w, w') then
    let most := foldr (fun d s => Z.max (Z.abs d) s) 0 ds in
    let den := denominator scale.1 in
    Some (Feature (foldr Z.add 0 zs) (scale.2 * w)
      (Z.shiftr (Z.shiftl shift.2 (Z.of_N fraction)) (Z.of_N shift.1))
      (Z.abs scale.2 * (2 * n * r * w' + most * (w' - w)) / den + 3))
  else None.

Definition norm_entry (den : Z) (ft : feature) (z : Z) : Z :=
  (n * z - ft_sum ft) * ft_factor ft / den + ft_shift ft.

Fixpoint norm_row (den : Z) (fts : seq feature) (zs : row) : row := match fts, zs with
| ft :: fts', z :: zs' => norm_entry den ft z :: norm_row den fts' zs'
| _, _ => [::]
end.
End Feature.

Fixpoint gather (T : Type) (f : nat -> option T) (l : seq nat) : option (seq T) := match l with
| [::] => Some [::]
| k :: l' => if f k is Some t then omap (cons t) (gather f l') else None
end.

(** Of [c] features, at these places: all rows are needed. *)
Definition batch_norm (fraction c : N) (places : seq idx) (eps_n : Z) (eps_d : positive)
    (scale shift : N * row) (x : fixed) : option fixed :=
  if (all_rows c x places, has_length c scale.2 && has_length c shift.2) is (Some es, true) then
    let n := Z.of_nat (size es) in let e := f_exponent x in
    let column j := [seq nth 0 en.2 j | en : entry <- es] in
    let one j := feature_of fraction e (f_radius x) n eps_n eps_d (scale.1, nth 0 scale.2 j) (shift.1, nth 0 shift.2 j)
                   (column j) in
    if gather one (iota 0 (N.to_nat c)) is Some fts then
      let den := denominator e n scale.1 in
      let f (_ : table) (_ : option idx) i :=
        if look (f_table x) i is Some (m, r) then
          Some (if Nat.eqb (size m) (size i) then m else i, norm_row n den fts r)
        else None in
      Some (Fixed fraction (tabulate id key f places) false
        (foldr (fun ft r => Z.max (ft_radius ft) r) 0 fts))
    else None
  else None.

(** Of 1 and 3, at a mean of 2 and a variance of 1, become -1 and 1, up to the
    radius; not -1 and 0. *)
Example one_and_three :
  let ft := odflt (Feature 0 0 0 0) (feature_of 64 0 0 2 0 1 (0%num, 1) (0%num, 0) [:: 1; 3]) in
  let near z y := Z.leb (Z.abs (norm_entry 2 (denominator 0 2 0) ft z - Z.shiftl y 64)) (ft_radius ft) in
  [/\ near 1 (-1), near 3 1, ~~ near 3 0 & Z.ltb (ft_radius ft) 16].
Proof. by vm_compute. Qed.
