(** * Layers on tokens, on integers

    Layers that move rows, scale them, add to them, and put a row before others;
    the meanings are in [Tokens.v]. Products with a matrix are in [Exact.v], and
    means in [ExactMean.v].

    Glossary
      - [moved]          each row is another
      - [upsample], [select], [reshape]  layers that move rows; [reshape] also cuts
                         them
      - [flatten_rows], [cut_rows]  all rows of an example are one; and back
      - [scale_layer]    each feature times a stored number
      - [position], [class_token]  what is added to each token; a stored token before
                         the others
      - [token_means]    over all tokens *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Number Floats ExactTable ExactMean.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition moved (c : N) (source : idx -> idx) (places : seq idx) (x : fixed) : fixed :=
  let make (es : seq entry) := if es is [:: e] then e.2 else [::] in
  Fixed (f_exponent x) (shared (fun i => all_rows c x [:: source i]) make places) (f_rectified x) (f_radius x).

Definition upsample (batch h w c a b : N) : fixed -> fixed :=
  moved c (fun i => [:: nth 0 i 0; nth 0 i 1 / a; nth 0 i 2 / b])%num (idxs [:: batch; h * a; w * b]%num).
Definition select (batch c k : N) : fixed -> fixed :=
  moved c (fun i => [:: nth 0 i 0; k])%num (idxs [:: batch]).

(** ** Shapes *)
Definition flatten_rows (batch : N) (s : shape) (x : fixed) : fixed :=
  let places := idxs (lead s) in
  let f (_ : table) (_ : option idx) (i : idx) :=
    omap (fun es => (i, flatten [seq e.2 | e <- es]))
      (all_rows (last 0%num s) x [seq i ++ l | l <- places]) in
  Fixed (f_exponent x) (tabulate id key f (idxs [:: batch])) (f_rectified x) (f_radius x).

Definition cut_rows (batch : N) (s : shape) (x : fixed) : fixed :=
  let c := N.to_nat (last 0%num s) in let places := idxs (lead s) in
  let f (_ : table) (_ : option idx) (i : idx) :=
    if look (f_table x) (take 1 i) is Some (_, r)
    then Some (i, take c (drop (index (behead i) places * c) r)) else None in
  Fixed (f_exponent x) (tabulate id key f (idxs (batch :: lead s))) (f_rectified x) (f_radius x).

(** From [s] to [s'], for one example; where a row stays one, it is moved. *)
Definition reshape (batch : N) (s s' : shape) (x : fixed) : option fixed :=
  if [&& 0 < size s, 0 < size s' & N.eqb (size_of s') (size_of s)] then
    let c := last 0%num s in
    Some (if N.eqb c (last 0%num s') && N.ltb 0 c
          then moved c (same_place (batch :: lead s) (batch :: lead s')) (idxs (batch :: lead s')) x
          else cut_rows batch s' (flatten_rows batch s x))
  else None.

(** ** Stored numbers *)

(** Those of the features, with their exponent. *)
Definition scale_layer (fraction c : N) (places : seq idx) (w : N * row) (x : fixed) : fixed :=
  let most := foldr (fun z m => Z.max (Z.abs z) m) 0%Z w.2 in
  let make (es : seq entry) := if es is [:: e] then zip_with Z.mul e.2 w.2 else [::] in
  rounded fraction
    (Fixed (f_exponent x + w.1) (shared (fun i => all_rows c x [:: i]) make places) false (most * f_radius x)%Z).

Definition finer (e : N) (x : fixed) : Z := Z.shiftl (f_radius x) (Z.of_N (e - f_exponent x)).

Definition position (batch t : N) (w : literal) (x : fixed) : fixed :=
  let e := N.max (f_exponent x) (exponent_of w) in
  let ws := [seq align (e - exponent_of w) (decode (scale w) r) | r <- l_rows w] in
  let f (_ : table) (_ : option idx) (i : idx) :=
    if look (f_table x) i is Some (_, r) then
      Some (i, zip_with Z.add (align (e - f_exponent x) r) (nth [::] ws (N.to_nat (nth 0%num i 1))))
    else None in
  Fixed e (tabulate id key f (idxs [:: batch; t])) false (finer e x).

Definition class_token (batch t : N) (w : N * row) (x : fixed) : fixed :=
  let e := N.max (f_exponent x) w.1 in
  let f (_ : table) (_ : option idx) (i : idx) :=
    if N.eqb (nth 0%num i 1) 0 then Some (i, align (e - w.1) w.2)
    else if look (f_table x) [:: nth 0 i 0; N.pred (nth 0 i 1)]%num is Some (_, r)
    then Some (i, align (e - f_exponent x) r) else None in
  Fixed e (tabulate id key f (idxs [:: batch; t + 1]%num)) false (finer e x).

(** ** Means *)
Definition token_means (fraction batch t c : N) (keep : bool) (x : fixed) : fixed :=
  mean_layer fraction c (fun i => [seq [:: nth 0%num i 0; p] | p <- Nrange t]) (fun _ => Z.of_N t) x
    (idxs (if keep then [:: batch; 1] else [:: batch])%num).

(** Three pairs become two rows of three: the second begins with what was last but
    two. A row that was one is where it was, and a pixel is where it is repeated. *)
Example pairs_and_pixels :
  let pair (k : N) (z : Z) := ([:: 0; k]%num, ([:: 0; k]%num, [:: z; z + 1]%Z)) in
  let pairs := [:: pair 0%num 1%Z; pair 1%num 3%Z; pair 2%num 5%Z] in
  let x := Fixed 0 (tabulate fst (fun a => key a.1) (fun _ _ a => Some a.2) pairs) false 0 in
  let row y i := omap snd (obind (fun f => look (f_table f) i) y) in
  [/\ row (reshape 1 [:: 3; 2] [:: 2; 3] x) [:: 0; 1] = Some [:: 4; 5; 6]%Z,
      row (reshape 1 [:: 3; 2] [:: 3; 1; 2] x) [:: 0; 1; 0] = Some [:: 3; 4]%Z,
      row (reshape 1 [:: 3; 2] [:: 2; 2] x) [:: 0; 1] = None,
      row (Some (class_token 1 3 (1, [:: 1; 1]%Z) x)) [:: 0; 0] = Some [:: 1; 1]%Z
    & row (Some (class_token 1 3 (1, [:: 1; 1]%Z) x)) [:: 0; 3] = Some [:: 10; 12]%Z]%num.
Proof. by vm_compute. Qed.
