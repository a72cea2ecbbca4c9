(** * Bilinear enlargement of an image, as instructions

    One dimension after the other, of a tensor [P ++ [:: n] ++ Q]: of each of the
    [n] lines become [f]. What the layer means is in [Images.v], and that the
    instructions compute it in [BilinearSound.v].

    Glossary
      - [Bilinear.weights]     of a new line: of the line it lies in, and of the
                               one on that side
      - [Bilinear.sized]       the tensor with the dimension replaced
      - [Bilinear.neighbours]  of each line the one before and the one after, which
                               are values [Bilinear.before] and [Bilinear.after]
      - [Bilinear.phase]       the new line number [j] of every line
      - [Bilinear.line]        the enlargement along the dimension
      - [Bilinear.emit]        of the rows, then of the columns *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Joins SpecToken.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Module Bilinear.

(** Numerators and denominators. *)
Record weights := Weights { near : Z * positive; far : Z * positive }.

Section Line.
Variables (P Q : shape) (n : N).
Definition sized (l : shape) : shape := P ++ l ++ Q.
Let s := sized [:: n].
Let d := N.of_nat (size P).

(** The lines but the last, behind the first; the lines but the first, before
    the last: of each line the one before it and the one after it, at the border
    the line itself. *)
Definition neighbours (x k : N) : prog :=
  if N.eqb n 1 then [::] else
  let one := sized [:: 1%num] in let rest := sized [:: (n - 1)%num] in
  let cut j t := slice_of (part_steps (size s) d j) s t x in
  [:: (k, cut 0 one); (k + 1, cut (n - 1) one); (k + 2, cut 0 rest); (k + 3, cut 1 rest)]%num
  ++ join d s (k + 4) [:: (k, one); (k + 2, rest)]%num
  ++ join d s (k + 7) [:: (k + 3, rest); (k + 1, one)]%num.
Definition before (x k : N) : N := if N.eqb n 1 then x else (k + 6)%num.
Definition after (x k : N) : N := if N.eqb n 1 then x else (k + 9)%num.

(** Of [f], of which the first half lies before the middle of the line. *)
Definition phase (f j : N) (w : weights) (x b a k : N) : prog :=
  let apart := sized [:: n; 1%num] in
  if N.eqb (2 * j + 1) f then [:: (k, Reshape s apart x)] else
  let other := if N.ltb (2 * j + 1) f then b else a in
  [:: (k, Const s (near w).1 (near w).2);
      (k + 1, Bin s Mul x k);
      (k + 2, Const s (far w).1 (far w).2);
      (k + 3, Bin s Mul other (k + 2));
      (k + 4, Bin s Add (k + 1) (k + 3));
      (k + 5, Reshape s apart (k + 4))]%num.

(** From number [j] on: code, and its results. *)
Fixpoint phases (f j : N) (ws : seq weights) (x b a k : N) : prog * seq N :=
  if ws is w :: ws' then
    let c := phase f j w x b a k in let k' := next_id k c in
    let: (c', ys) := phases f (j + 1) ws' x b a k' in
    (c ++ c', N.pred k' :: ys)
  else ([::], [::]).

(** A copy if there is one for each. *)
Definition line (ws : seq weights) (x k : N) : prog :=
  let f := N.of_nat (size ws) in
  if N.eqb f 1 then [:: (k, Reshape s s x)] else
  let c := neighbours x k in let k1 := next_id k c in
  let: (c1, ys) := phases f 0 ws x (before x k) (after x k) k1 in let k2 := next_id k1 c1 in
  let c2 := join (d + 1) (sized [:: n; f]) k2 [seq (y, sized [:: n; 1%num]) | y <- ys] in
  let k3 := next_id k2 c2 in
  c ++ c1 ++ c2 ++ [:: (k3, Reshape (sized [:: n; f]) (sized [:: (n * f)%num]) (N.pred k3))].
End Line.

(** Images [x : batch × h × w × c]. *)
Definition emit (batch h w c : N) (rows columns : seq weights) (x k : N) : prog :=
  let h' := (h * N.of_nat (size rows))%num in
  let tall := line [:: batch] [:: w; c] h rows x k in let k' := next_id k tall in
  tall ++ line [:: batch; h'] [:: c] w columns (N.pred k') k'.
End Bilinear.
