(** * Bilinear enlargement on integers

    Of rows, then of columns, in the balls of [ExactSmooth.v]; the meaning is in
    [Images.v].

    Glossary
      - [enlarged]       a new row of pixels: one of [x], or two, weighted
      - [line_layer]     at all places
      - [bilinear_layer] in both directions *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index SpecLayer Images ExactTable ExactSmooth.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Section Line.
Variables (g c : N) (ws : seq Bilinear.weights) (n : N) (x : fixed).

Definition near_row (i : idx) : option (seq near) :=
  if look (f_table x) i is Some e then
    if has_length c e.2 then Some [seq near_of g (f_exponent x) (z, f_radius x) | z <- e.2] else None
  else None.

(** Number [r] of a line whose pixels are at [source]. *)
Definition enlarged (r : N) (source : N -> idx) : option (seq near) :=
  let f := N.of_nat (size ws) in let i := (r / f)%num in let j := (r mod f)%num in
  let w := nth no_weights ws (N.to_nat j) in
  let weighted (q : near * near) :=
    near_add (near_mul g q.1 (near_rational g (Bilinear.near w).1 (Bilinear.near w).2))
             (near_mul g q.2 (near_rational g (Bilinear.far w).1 (Bilinear.far w).2)) in
  let mixed k :=
    if (near_row (source i), near_row (source k)) is (Some a, Some b)
    then Some [seq weighted q | q <- zip a b] else None in
  match N.compare (2 * j + 1) f with
  | Lt => mixed (N.pred i)
  | Eq => near_row (source i)
  | Gt => mixed (N.min (i + 1) (n - 1))
  end%num.

Definition line_layer (number : idx -> N) (source : idx -> N -> idx) (places : seq idx) : fixed :=
  let make (_ : table) (_ : option idx) (i : idx) :=
    omap (fun ps => (i, [seq q.1 | q : near <- ps] ++ [seq q.2 | q : near <- ps])) (enlarged (number i) (source i)) in
  common_radius g (tabulate id key make places).
End Line.

Definition bilinear_layer (fraction batch h w c : N) (rows columns : seq Bilinear.weights) (x : fixed) : fixed :=
  let g := (fraction + guard)%num in
  let h' := (h * N.of_nat (size rows))%num in let w' := (w * N.of_nat (size columns))%num in
  let tall := line_layer g c rows h x (fun i => nth 0%num i 1) (fun i p => [:: nth 0 i 0; p; nth 0 i 2]%num)
    (idxs [:: batch; h'; w]) in
  rounded fraction
    (line_layer g c columns w tall (fun i => nth 0%num i 2) (fun i q => [:: nth 0 i 0; nth 0 i 1; q]%num)
      (idxs [:: batch; h'; w'])).

(** Of 1 and 3, next to each other, become 1, 3/2, 5/2 and 3. *)
Example two_pixels :
  let x := Fixed 0 (tabulate fst (fun a => key a.1) (fun _ _ a => Some a.2)
    [:: ([:: 0; 0; 0]%num, ([:: 0; 0; 0]%num, [:: 1]%Z)); ([:: 0; 0; 1]%num, ([:: 0; 0; 1]%num, [:: 3]%Z))]) false 0 in
  let quarter := Bilinear.Weights (3%Z, 4%positive) (1%Z, 4%positive) in
  let y := bilinear_layer 64 1 1 2 1 [:: no_weights] [:: quarter; quarter] x in
  let halves (q : N) (z : Z) := if look (f_table y) [:: 0; 0; q]%num is Some (_, [:: v]) then
      Z.leb (Z.abs (2 * v - Z.shiftl z (Z.of_N (f_exponent y)))) (2 * f_radius y) else false in
  [&& halves 0%num 2%Z, halves 1%num 3%Z, halves 2%num 5%Z, halves 3%num 6%Z, ~~ halves 1%num 4%Z
    & Z.ltb (f_radius y) 16].
Proof. by vm_compute. Qed.
