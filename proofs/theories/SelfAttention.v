(** * The formula of attention

    What attention in several heads computes; to be read, not proved. Of the
    tokens [x] of an example, each with [m] features, a dense layer makes
    queries, keys and values; of [m] features each, of which head [h] has the
    [h]-th run of [p = m / heads]. In each head

      [softmax (Q Kᵀ / sqrt p) V],

    and a dense layer of all heads together. Causal: [10⁹] is taken off the
    score of a token with a later one, whose weight is then 0 for all but
    enormous scores.

    Glossary
      - [query], [key], [value]  feature [f] of token [i] in head [h], of example [b]
      - [score]    how much token [i] looks at token [j]
      - [weight]   the softmax of that over all [j]
      - [mixed]    what the heads give, one after the other
      - [attention]  the layer *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecToken SpecAttention Tokens.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Attention.
Variables (R : realType) (t m p : N) (causal : bool).
Implicit Types (qkv x : tensor R) (b h i j f : N).

Definition query qkv b h i f : R := qkv [:: b; i; (h * p + f)%num].
Definition key qkv b h j f : R := qkv [:: b; j; (m + (h * p + f))%num].
Definition value qkv b h j f : R := qkv [:: b; j; (2 * m + (h * p + f))%num].

Definition score qkv b h i j : R :=
  (\sum_(f <- Nrange p) query qkv b h i f * key qkv b h j f) / Num.sqrt (int_real R (Z.of_N p))
  - (if causal && N.ltb i j then int_real R 1000000000 else 0).

Definition weight qkv b h i j : R :=
  expR (score qkv b h i j) / \sum_(l <- Nrange t) expR (score qkv b h i l).

Definition mixed qkv : tensor R := fun index =>
  let b := nth 0%num index 0 in let i := nth 0%num index 1 in let c := nth 0%num index 2 in
  let h := N.div c p in let f := N.modulo c p in
  \sum_(j <- Nrange t) weight qkv b h i j * value qkv b h j f.

(** The parameters of the first dense layer, then those of the second. *)
Definition attention (bias : bool) (ps : seq (tensor R)) (x : tensor R) : tensor R :=
  let count := Token.dense_count bias in
  dense m (drop count ps) (mixed (dense m (take count ps) x)).
End Attention.
