(** * Attention in several heads, as instructions

    An example is [tokens × features]. What the layer means is in
    [AttentionFormula.v], and that the instructions compute it in [AttentionSound.v].

    Glossary
      - [Attention.fits]       the heads divide the features
      - [Attention.params], [Attention.emit]  as in [SpecLayer.v]
      - [Attention.part]       the queries, keys or values of all heads
      - [Attention.later]      a table: 1 where the column is beyond the row, else 0
      - [Attention.scores]     how much each token looks at each other one
      - [Attention.mixture]    the values, mixed as the scores say
      - [Attention.attend]     both, from queries, keys and values in heads
      - [Attention.across]     from queries and from keys and values of other tokens
      - [Attention.heads]      from queries, keys and values of the same tokens *)
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

(** A batch of [n] examples, in heads of [p] features: queries of [t] tokens, keys
    and values of [u]. *)
Section Emit.
Variables n t u h p : N.
Let m : N := (h * p)%num.
Definition in_heads (count : N) : shape := [:: n; count; h; p].
Definition pairs : shape := [:: n; h; t; u].

(** Number [j] of [parts], of [x : n × count × parts·m]. *)
Definition part (parts count j x k : N) : prog :=
  [:: (k, slice_of (part_steps 3 2 (j * m)) [:: n; count; parts * m] [:: n; count; m] x);
      (k + 1, Reshape [:: n; count; m] (in_heads count) k)]%num.

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
    a token looks at a later one, in causal attention, where [u] is [t]. *)
Definition scores (causal : bool) (q keys k : N) : prog :=
  [:: (k, Const [::] (Z.of_N p) 1);
      (k + 1, Una [::] Rsqrt k);
      (k + 2, scalar_spread (in_heads t) (k + 1));
      (k + 3, Bin (in_heads t) Mul q (k + 2));
      (k + 4, product pairs [:: p]
         [:: View (k + 3) (in_heads t) (proj [:: 0; 2; 1; 4]);
             View keys (in_heads u) (proj [:: 0; 3; 1; 4])])]%num
  ++ (if causal then
        later (k + 5)
        ++ [:: (k + 12, Const [:: t; t] (-1000000000) 1);
               (k + 13, Bin [:: t; t] Mul (k + 11) (k + 12));
               (k + 14, repeat_over pairs [:: 2; 3] (k + 13));
               (k + 15, Bin pairs Add (k + 4) (k + 14))]
      else [::])%num.

Definition mixture (scores values k : N) : prog :=
  [:: (k, Softmax pairs scores);
      (k + 1, product [:: n; h; t; p] [:: u]
         [:: View k pairs (proj [:: 0; 1; 2; 4]);
             View values (in_heads u) (proj [:: 0; 4; 1; 3])]);
      (k + 2, repeat_over (in_heads t) [:: 0; 2; 1; 3] (k + 1));
      (k + 3, Reshape (in_heads t) [:: n; t; m] (k + 2))]%num.

Definition attend (causal : bool) (q keys values k : N) : prog :=
  let s := scores causal q keys k in let k' := next_id k s in s ++ mixture (N.pred k') values k'.

(** Queries [q : n × t × m] look at [kv : n × u × 2m]. *)
Definition across (q kv k : N) : prog :=
  ((k, Reshape [:: n; t; m] (in_heads t) q)
   :: part 2 u 0 kv (k + 1) ++ part 2 u 1 kv (k + 3) ++ attend false k (k + 2) (k + 4) (k + 5))%num.
End Emit.

(** ** Of a batch of [n] examples of [t] tokens, each of which looks at all *)
Section Self.
Variables n t h p : N.
Let m : N := (h * p)%num.

(** All but the two dense layers, on [qkv : n × t × 3m]. *)
Definition heads (causal : bool) (qkv k : N) : prog :=
  (part n h p 3 t 0 qkv k ++ part n h p 3 t 1 qkv (k + 2) ++ part n h p 3 t 2 qkv (k + 4)
   ++ attend n t t h p causal (k + 1) (k + 3) (k + 5) (k + 6))%num.

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
End Self.
End Attention.
