(** * Attention in several heads, as instructions

    An example is [tokens × features]. What the layer means is in
    [SelfAttention.v], and that the instructions compute it in [AttentionSound.v].

    Glossary
      - [Attention.fits]       the heads divide the features
      - [Attention.params], [Attention.emit]  as in [SpecLayer.v]
      - [Attention.part]       the queries, keys or values of all heads
      - [Attention.later]      a table: 1 where the column is beyond the row, else 0
      - [Attention.scores]     how much each token looks at each other one
      - [Attention.mixture]    the values, mixed as the scores say *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Grad Joins SpecToken.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Module Attention.

(** Of [m] features for each of the [heads]. *)
Definition fits (heads m : N) : bool :=
  [&& N.ltb 0 heads, N.ltb 0 (N.div m heads) & N.eqb (heads * N.div m heads) m].

Definition dense_params (name : string) (inputs features : N) (bias : bool)
    : seq (string * shape) :=
  ((name ++ ".weight")%string, [:: inputs; features])
  :: (if bias then [:: ((name ++ ".bias")%string, [:: features])] else [::]).
Definition params (bias : bool) (m : N) : seq (string * shape) :=
  dense_params "qkv" m (3 * m) bias ++ dense_params "proj" m m bias.

(** A batch of [n] examples of [t] tokens, in heads of [p] features. *)
Section Emit.
Variables n t h p : N.
Let m : N := (h * p)%num.
Definition in_heads : shape := [:: n; t; h; p].
Definition pairs : shape := [:: n; h; t; t].

(** Number [j] of three, of [qkv : n × t × 3m]. *)
Definition part (j qkv k : N) : prog :=
  [:: (k, slice_of (part_steps 3 2 (j * m)) [:: n; t; 3 * m] [:: n; t; m] qkv);
      (k + 1, Reshape [:: n; t; m] in_heads k)]%num.

(** A sequence of [t] zeros and [t] ones, in every row of a table; its cells in
    a line; of these, rows of [2t - 1], which begin one cell earlier each. *)
Definition later (k : N) : prog :=
  let long := (2 * t)%num in let short := (2 * t - 1)%num in
  [:: (k, Const [:: t] 1 1);
      (k + 1, pad_to (part_steps 1 0 t) [:: t] [:: long] k);
      (k + 2, repeat_over [:: t; long] [:: 1] (k + 1));
      (k + 3, Reshape [:: t; long] [:: t * long] (k + 2));
      (k + 4, slice_of (part_steps 1 0 (t - 1)) [:: t * long] [:: t * short] (k + 3));
      (k + 5, Reshape [:: t * short] [:: t; short] (k + 4));
      (k + 6, slice_of (part_steps 2 1 0) [:: t; short] [:: t; t] (k + 5))]%num.

(** The products of queries and keys, by the square root of [p]: [10⁹] less where
    a token looks at a later one, in causal attention. *)
Definition scores (causal : bool) (q keys k : N) : prog :=
  [:: (k, Const [::] (Z.of_N p) 1);
      (k + 1, Una [::] Rsqrt k);
      (k + 2, scalar_spread in_heads (k + 1));
      (k + 3, Bin in_heads Mul q (k + 2));
      (k + 4, product pairs [:: p]
         [:: View (k + 3) in_heads (proj [:: 0; 2; 1; 4]);
             View keys in_heads (proj [:: 0; 3; 1; 4])])]%num
  ++ (if causal then
        later (k + 5)
        ++ [:: (k + 12, Const [:: t; t] (-1000000000) 1);
               (k + 13, Bin [:: t; t] Mul (k + 11) (k + 12));
               (k + 14, repeat_over pairs [:: 2; 3] (k + 13));
               (k + 15, Bin pairs Add (k + 4) (k + 14))]
      else [::])%num.

Definition mixture (scores values k : N) : prog :=
  [:: (k, Softmax pairs scores);
      (k + 1, product [:: n; h; t; p] [:: t]
         [:: View k pairs (proj [:: 0; 1; 2; 4]);
             View values in_heads (proj [:: 0; 4; 1; 3])]);
      (k + 2, repeat_over in_heads [:: 0; 2; 1; 3] (k + 1));
      (k + 3, Reshape in_heads [:: n; t; m] (k + 2))]%num.

(** All but the two dense layers, on [qkv]. *)
Definition heads (causal : bool) (qkv k : N) : prog :=
  let s := scores causal (k + 1) (k + 3) (k + 6) in
  let k' := next_id (k + 6) s in
  part 0 qkv k ++ part 1 qkv (k + 2) ++ part 2 qkv (k + 4) ++ s
  ++ mixture (N.pred k') (k + 5) k'.

Definition emit (causal bias : bool) (ps : seq N) (x k : N) : option prog :=
  let count := Token.dense_count bias in
  if size ps == count + count then
    if Token.dense n t m (3 * m) x (take count ps) k is Some c then
      let k1 := next_id k c in
      let c1 := heads causal (N.pred k1) k1 in
      let k2 := next_id k1 c1 in
      omap (fun c2 => c ++ c1 ++ c2) (Token.dense n t m m (N.pred k2) (drop count ps) k2)
    else None
  else None.
End Emit.
End Attention.
