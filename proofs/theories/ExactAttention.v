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
      - [nears]          a row in balls
      - [attention_heads]  of all tokens; [self_heads], to each other;
                         [context_heads], to those of another branch *)
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

Definition part (from count : N) (r : seq near) : seq near := take (N.to_nat count) (drop (N.to_nat from) r).

(** One token, whose first [m] features are its queries, looks at [u] tokens that have
    [m] keys from feature [keys] on, then [m] values. A head has [p] of each. *)
Section Heads.
Variables (u m p keys heads : N) (causal : bool) (query : seq near) (tokens : seq (seq near)).

Definition token (j : N) : seq near := nth [::] tokens (N.to_nat j).

Definition head_scores (root : near) (i h : N) : seq near :=
  let q := part (h * p) p query in
  [seq near_add (near_mul g (near_dot q (part (keys + h * p) p (token j))) root)
         (near_opp (near_int g (if causal && N.ltb i j then 1000000000 else 0))) | j <- Nrange u].
Definition head_row (root : near) (i h : N) : option (seq near) :=
  omap (fun ws => [seq near_dot ws [seq nth (0, 0) (token j) (N.to_nat (keys + m + h * p + f)) | j <- Nrange u]
                  | f <- Nrange p])
    (near_softmax (head_scores root i h)).
Definition mixed_row (i : N) : option (seq near) :=
  if near_root (Z.of_N p) is Some root then omap flatten (all_some [seq head_row root i h | h <- Nrange heads])
  else None.
End Heads.

Definition nears (x : fixed) (r : row) : seq near := [seq near_of g (f_exponent x) (z, f_radius x) | z <- r].
End Near.

(** The [t] tokens of [q], of [n] features, look at the [u] tokens of [x]. *)
Definition attention_heads (fraction batch t u n m p keys heads : N) (causal : bool) (q x : fixed) : fixed :=
  let g := (fraction + guard)%num in
  let make (_ : table) (_ : option idx) (i : idx) :=
    if (all_rows n q [:: i], all_rows (keys + 2 * m) x [seq [:: nth 0%num i 0; j] | j <- Nrange u])
      is (Some [:: e], Some es) then
      omap (fun ps => (i, [seq q.1 | q : near <- ps] ++ [seq q.2 | q : near <- ps]))
        (mixed_row g u m p keys heads causal (nears g q e.2) [seq nears g x e.2 | e : entry <- es] (nth 0%num i 1))
    else None in
  rounded fraction (common_radius g (tabulate id key make (idxs [:: batch; t]))).

(** Each to each other of three thirds: queries, keys and values. *)
Definition self_heads (fraction batch t m p heads : N) (causal : bool) (x : fixed) : fixed :=
  attention_heads fraction batch t t (3 * m) m p m heads causal x x.
(** [x] has keys, then values. *)
Definition context_heads (fraction batch t u m p heads : N) (x q : fixed) : fixed :=
  attention_heads fraction batch t u m m p 0 heads false q x.

(** Of one example with these tokens, in one head of one feature. *)
Definition of_tokens (rows : seq row) : fixed :=
  let at_ k := [:: 0; N.of_nat k]%num in
  Fixed 0 (tabulate fst (fun a => key a.1) (fun _ _ a => Some a.2)
    [seq (at_ k, (at_ k, nth [::] rows k)) | k <- iota 0 (size rows)]) false 0.
(** The first token has 1 feature, and so many hundredths, rounded down. *)
Definition hundredths (y : fixed) (z : Z) : bool :=
  if look (f_table y) [:: 0; 0]%num is Some (_, [:: v]) then
    Z.ltb (100 * f_radius y) (Z.shiftl 1 32) && Z.eqb ((v + f_radius y) * 100 / Z.shiftl 1 (Z.of_N (f_exponent y))) z
  else false.

(** Two tokens with a query of 1 and keys of 0 and 1 look at values 3 and 5: the first
    gets between 4.46 and 4.47, and 3 where it may not look at the later one. *)
Example two_tokens :
  let y causal := self_heads 64 1 2 1 1 1 causal (of_tokens [:: [:: 1; 0; 3]; [:: 1; 1; 5]]) in
  [/\ hundredths (y false) 446, ~~ hundredths (y false) 447 & hundredths (y true) 300].
Proof. by vm_compute. Qed.

(** One token looks at three others, of which two are the same: (6 + 5e) / (2 + e) is
    between 4.15 and 4.16. It has no value where one of them is missing, or is longer. *)
Example three_others :
  let others := [:: [:: 0; 3]; [:: 0; 3]; [:: 1; 5]] in
  let y u others := context_heads 64 1 1 u 1 1 1 (of_tokens others) (of_tokens [:: [:: 1]]) in
  [/\ hundredths (y 3%num others) 415, ~~ hundredths (y 3%num others) 416, hundredths (y 2%num others) 300,
      ~~ look (f_table (y 4%num others)) [:: 0; 0]%num
    & ~~ look (f_table (y 3%num (rcons (take 2 others) [:: 1; 5; 0]))) [:: 0; 0]%num].
Proof. by vm_compute. Qed.
