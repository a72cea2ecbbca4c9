(** * Transposed convolutions on integers

    What a place of the result gets through a cell of the kernel comes from at most
    one place of the image. Of channels in another group a feature gets 0.

    Glossary
      - [reader]         the row (or column) that reaches a place by a cell
      - [kernel_rows]    for each cell and channel, what the features get of it
      - [pieces]         for each cell the channels that are seen
      - [strides_fit]    of the groups and both directions: covered
      - [conv_transpose] the layer *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index SpecLayer Images Floats ExactTable.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition reader (v : Layer.window) (n place p : N) : option N :=
  let t := Z.sub (Z.of_N (place + Layer.k_low v)) (Z.of_N (p * Layer.k_dilation v)) in
  let y := Z.to_N (Z.div t (Z.of_N (Layer.k_stride v))) in
  if [&& N.ltb 0 (Layer.k_stride v), N.ltb y n & Z.eqb (reach v y p) (Z.of_N place)] then Some y else None.

Fixpoint all_some (T : Type) (l : seq (option T)) : option (seq T) := match l with
| [::] => Some [::]
| Some a :: l' => omap (cons a) (all_some l')
| None :: _ => None
end.

Definition strides_fit (c m g : N) (v u : Layer.window) : bool :=
  [&& N.ltb 0 (c / g), N.ltb 0 (m / g), N.eqb (g * (c / g)) c, N.eqb (g * (m / g)) m,
      N.ltb 0 (Layer.k_stride v) & N.ltb 0 (Layer.k_stride u)]%num.

Section Transposed.
Variables (batch h w c m : N) (v u : Layer.window) (extra extra' g : N) (k : literal) (bias : option (N * row)).
Variable x : fixed.
Let kh := Layer.k_size v.
Let kw := Layer.k_size u.

(** Its rows are of cells and features of a group. *)
Definition kernel_table : table :=
  tabulate fst (fun a => key a.1) (fun _ _ a => Some a)
    (zip (idxs [:: kh; kw; m / g]%num) [seq decode (scale k) r | r <- l_rows k]).
Definition kernel_row (t : table) (l : idx) : option row :=
  let one (o : N) :=
    if N.eqb (nth 0%num l 2 / (c / g))%num (o / (m / g))%num then
      if look t [:: nth 0%num l 0; nth 0%num l 1; (o mod (m / g))%num] is Some e then
        if has_length c e.2 then Some (nth 0%Z e.2 (N.to_nat (nth 0%num l 2))) else None
      else None
    else Some 0%Z in
  all_some [seq one o | o <- Nrange m].
Definition kernel_rows : option (seq row) :=
  let t := kernel_table in all_some [seq kernel_row t l | l <- idxs [:: kh; kw; c]].

Definition piece (i cell : idx) : option row :=
  if (reader v h (nth 0%num i 1) (nth 0%num cell 0), reader u w (nth 0%num i 2) (nth 0%num cell 1))
    is (Some y, Some z) then
    if look (f_table x) [:: nth 0%num i 0; y; z] is Some e then
      if has_length c e.2 then Some e.2 else None
    else None
  else Some (nseq (N.to_nat c) 0%Z).
Definition pieces (i : idx) : option row :=
  omap flatten (all_some [seq piece i cell | cell <- idxs [:: kh; kw]]).

Definition conv_transpose : option fixed :=
  if kernel_rows is Some ws then
    let e := (f_exponent x + exponent_of k)%num in let zeros := nseq (N.to_nat m) 0%Z in
    let f (_ : table) (_ : option idx) i :=
      omap (fun xs => (i, out_row e bias (combine id xs ws zeros))) (pieces i) in
    omap (fun r => Fixed (out_exponent e bias)
      (tabulate id key f (idxs [:: batch; Layer.enlarged v extra h; Layer.enlarged u extra' w])) false
      (out_radius e bias r)) (spread id m ws (f_radius x))
  else None.
End Transposed.
