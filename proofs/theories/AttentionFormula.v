(** * The formula of attention

    What attention in several heads computes; to be read, not proved. Tokens make
    queries [Q], keys [K] and values [V], of [m] features each, of which head [h]
    has the [h]-th run of [p = m / heads]. In each head

      [softmax (Q Kᵀ / sqrt p) V].

    In self-attention all three are of the same tokens: a dense layer makes them,
    and another takes what the heads give, one after the other. In
    cross-attention keys and values are of other tokens. Causal: [10⁹] is taken
    off the score of a token with a later one, whose weight is then 0 for all but
    enormous scores.

    Glossary
      - [of_head]  feature [f] of token [i] in head [h], of example [b]
      - [score]    how much token [i] looks at token [j]
      - [weight]   the softmax of that over all [j], of which there are [u]
      - [mixed]    what the heads give, one after the other
      - [from_feature]  the features from number [c] on
      - [attention]  the layer of self-attention
      - [cross_attention]  from keys and values side by side, and queries *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecToken SpecAttention Tokens.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Heads.
Variables (R : realType) (u p : N) (causal : bool).
Implicit Types (q k v x : tensor R) (b h i j f : N).

Definition of_head x b h i f : R := x [:: b; i; (h * p + f)%num].

Definition score q k b h i j : R :=
  (\sum_(f <- Nrange p) of_head q b h i f * of_head k b h j f) / Num.sqrt (int_real R (Z.of_N p))
  - (if causal && N.ltb i j then int_real R 1000000000 else 0).

Definition weight q k b h i j : R :=
  expR (score q k b h i j) / \sum_(l <- Nrange u) expR (score q k b h i l).

Definition mixed q k v : tensor R := fun index =>
  let b := nth 0%num index 0 in let i := nth 0%num index 1 in let c := nth 0%num index 2 in
  let h := N.div c p in let f := N.modulo c p in
  \sum_(j <- Nrange u) weight q k b h i j * of_head v b h j f.
End Heads.

Section Attention.
Variable R : realType.
Implicit Types x kv q : tensor R.

Definition from_feature (c : N) x : tensor R := fun index =>
  x [:: nth 0%num index 0; nth 0%num index 1; (c + nth 0%num index 2)%num].

(** Of [t] tokens, with the parameters of the first dense layer, then those of the
    second. *)
Definition attention (t m p : N) (causal bias : bool) (ps : seq (tensor R)) x : tensor R :=
  let count := Token.dense_count bias in
  let qkv := dense m (take count ps) x in
  dense m (drop count ps) (mixed t p causal qkv (from_feature m qkv) (from_feature (2 * m) qkv)).

(** The [u] tokens looked at have their [m] features of keys before those of
    values. *)
Definition cross_attention (u m p : N) kv q : tensor R :=
  mixed u p false q kv (from_feature m kv).
End Attention.
