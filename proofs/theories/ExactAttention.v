(** * Attention on integers

    Of balls, as in [ExactSmooth.v]: the products of queries and keys, their softmax,
    in which a whole number is taken off all of them first, and the values mixed as it
    says. The dense layers before and after are in [Exact.v].

    Glossary
      - [near_total], [near_dot]  the sum of balls; of products
      - [near_root]      one by the square root of a number
      - [near_power]     the exponential; that of what is far below 0 is near 0
      - [near_softmax]   each exponential by their sum
      - [part]           some features of a token
      - [head_scores], [head_row], [mixed_row]  of a token and a head: how much it
                         looks at each; what it gets; that of all heads
      - [attention_heads]  of all tokens *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index ExactTable ExactSmooth ExactTransposed.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope Z_scope.

Section Near.
Variable g : N.

Definition near_total (l : seq near) : near := foldr near_add (0, 0) l.
Fixpoint near_dot (a b : seq near) : near := match a, b with
| x :: a', y :: b' => near_add (near_mul g x y) (near_dot a' b')
| _, _ => (0, 0)
end.

Definition near_root (p : Z) : option near :=
  let top := Z.shiftl 1 (Z.of_N (g + g)) in let w := Z.sqrt (top / p) in
  if [&& Z.ltb 0 p, Z.leb 0 w, Z.leb (w * w * p) top & Z.leb top ((w + 1) * (w + 1) * p)]
  then Some (w, 1) else None.

Definition near_power (b : near) : option near :=
  if Z.leb (b.1 + b.2) (- Z.shiftl (Z.of_N g) (Z.of_N g)) then Some (0, 1) else near_exp g g b.

Definition near_softmax (l : seq near) : option (seq near) :=
  let whole (b : near) := Z.shiftr b.1 (Z.of_N g) in
  let c := foldr (fun b m => Z.max (whole b) m) (whole (head (0, 0) l)) l in
  let less b := near_add b (near_opp (near_int g c)) in
  if all_some [seq near_power (less b) | b <- l] is Some es then
    omap (fun q => [seq near_mul g e q | e <- es]) (near_inverse g (near_total es))
  else None.

(** Tokens of three times [m] features, of which each head has [p] of each third. *)
Section Heads.
Variables (t m p : N) (heads : N) (causal : bool) (tokens : seq (seq near)).

Definition part (from count : N) (r : seq near) : seq near := take (N.to_nat count) (drop (N.to_nat from) r).
Definition token (j : N) : seq near := nth [::] tokens (N.to_nat j).

Definition head_scores (root : near) (h i : N) : seq near :=
  let q := part (h * p) p (token i) in
  [seq near_add (near_mul g (near_dot q (part (m + h * p) p (token j))) root)
         (near_opp (near_int g (if causal && N.ltb i j then 1000000000 else 0))) | j <- Nrange t].
Definition head_row (root : near) (i h : N) : option (seq near) :=
  omap (fun ws => [seq near_dot ws [seq nth (0, 0) (token j) (N.to_nat (2 * m + h * p + f)) | j <- Nrange t]
                  | f <- Nrange p])
    (near_softmax (head_scores root h i)).
Definition mixed_row (i : N) : option (seq near) :=
  if near_root (Z.of_N p) is Some root then omap flatten (all_some [seq head_row root i h | h <- Nrange heads])
  else None.
End Heads.
End Near.

Definition attention_heads (fraction batch t m p heads : N) (causal : bool) (x : fixed) : fixed :=
  let g := (fraction + guard)%num in
  let make (_ : table) (_ : option idx) (i : idx) :=
    if all_rows (3 * m) x [seq [:: nth 0%num i 0; j] | j <- Nrange t] is Some es then
      let tokens := [seq [seq near_of g (f_exponent x) (z, f_radius x) | z <- e.2] | e : entry <- es] in
      omap (fun ps => (i, [seq q.1 | q : near <- ps] ++ [seq q.2 | q : near <- ps]))
        (mixed_row g t m p heads causal tokens (nth 0%num i 1))
    else None in
  rounded fraction (common_radius g (tabulate id key make (idxs [:: batch; t]))).

(** Two tokens with a query of 1 and keys of 0 and 1 look at values 3 and 5: the first
    gets between 4.46 and 4.47, and 3 where it may not look at the later one. *)
Example two_tokens :
  let x := Fixed 0 (tabulate fst (fun a => key a.1) (fun _ _ a => Some a.2)
    [:: ([:: 0; 0]%num, ([:: 0; 0]%num, [:: 1; 0; 3])); ([:: 0; 1]%num, ([:: 0; 1]%num, [:: 1; 1; 5]))]) false 0 in
  let hundredths causal (z : Z) := let y := attention_heads 64 1 2 1 1 1 causal x in
    if look (f_table y) [:: 0; 0]%num is Some (_, [:: v]) then
      Z.ltb (100 * f_radius y) (Z.shiftl 1 32) && Z.eqb ((v + f_radius y) * 100 / Z.shiftl 1 (Z.of_N (f_exponent y))) z
    else false in
  [/\ hundredths false 446, ~~ hundredths false 447 & hundredths true 300].
Proof. by vm_compute. Qed.
