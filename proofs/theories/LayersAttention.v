(** * Attention in closed form

    Scaled dot-product attention and what is built on it, each backward by the
    rules of products, transpositions, dense layers and softmax. Rows are
    tokens, columns features.

    Glossary
      - [softmax_back s dy]  [s · (dy - Σ dy·s)], on every row
      - [attention c Q K V]  [softmax (c · Q Kᵀ) V]; [c = 1 / sqrt d]
      - [attention_back]   its backward where [Q], [K], [V] are functions of [x]
      - [self_attention]   [Q], [K], [V] are dense layers of the same [x]
      - [multi_head]       a head has its own weights, and its share of the
                           output's; [concat(heads) W] is [Σ head · W_head]
                           ([concat_heads])
      - [transformer_block]  attention and a perceptron, each normalised before
                           and added to its argument *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Cotangent Require Import Vjp DenoteFacts Tangent Scalar Differential Layers LayersRules LayersNorm.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Attention.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Definition softmax_back m n (s dy : mat m n) : mat m n :=
  \matrix_(i, j) (s i j * (dy i j - \sum_k dy i k * s i k)).

(** [t] queries of [u] keys, of [d] features, with values of [e] features. *)
Section Dot.
Variables (t u d e : nat) (c : R).
Implicit Types (Q : mat t d) (K : mat u d) (V : mat u e).

Definition weights Q K : mat t u := softmax_mx (c *: (Q *m K^T)).
Definition attention Q K V : mat t e := weights Q K *m V.

(** The cotangent of the scores. *)
Definition scores_back Q K V (dy : mat t e) : mat t u :=
  c *: softmax_back (weights Q K) (dy *m V^T).

Section Chain.
Variables (m n : nat) (x : mat m n).
Variables (Q : mat m n -> mat t d) (K : mat m n -> mat u d) (V : mat m n -> mat u e).
Variables (bQ : mat t d -> mat m n) (bK : mat u d -> mat m n) (bV : mat u e -> mat m n).
Hypotheses (hQ : is_vjp_mx Q x bQ) (hK : is_vjp_mx K x bK) (hV : is_vjp_mx V x bV).

Definition attention_back (dy : mat t e) : mat m n :=
  let dS := scores_back (Q x) (K x) (V x) dy in
  bQ (dS *m K x) + bK (dS^T *m Q x) + bV ((weights (Q x) (K x))^T *m dy).

Theorem attention_vjp : is_vjp_mx (fun y => attention (Q y) (K y) (V y)) x attention_back.
Proof.
have hKt := is_vjp_mx_comp hK (vjp_mx_trmx (K x)).
have hS := vjp_mx_scale c (vjp_mx_mulmx hQ hKt).
have hP := is_vjp_mx_comp hS (softmax_vjp (c *: (Q x *m (K x)^T))).
apply: is_vjp_mx_ext (vjp_mx_mulmx hP hV) => // dy; rewrite /attention_back /=.
congr (_ + _); rewrite trmxK; set s := \matrix_(i, j) _.
have hQE := hQ; have hKE := hK; have [dQ [_ aQ]] := is_vjp_mxE hQE.
have [dK [_ aK]] := is_vjp_mxE hKE.
have -> : scores_back (Q x) (K x) (V x) dy = c *: s by [].
have sc (b : mat t d -> mat m n) (db : mat m n -> mat t d) z :
    (forall dy v, mdot (b dy) v = mdot dy (db v)) -> b (c *: z) = c *: b z.
  move=> h; apply/matrixP => i j; rewrite -mdot_delta h mdotZl -h -mdotZl.
  by rewrite mdot_delta.
have sc' (b : mat u d -> mat m n) (db : mat m n -> mat u d) z :
    (forall dy v, mdot (b dy) v = mdot dy (db v)) -> b (c *: z) = c *: b z.
  move=> h; apply/matrixP => i j; rewrite -mdot_delta h mdotZl -h -mdotZl.
  by rewrite mdot_delta.
rewrite -scalemxAl (sc _ dQ) // linearZ /= -scalemxAl (sc' _ dK) // -scalerDr.
by congr (_ *: (_ + bK _)); rewrite trmx_mul trmxK.
Qed.
End Chain.

(** In one operand at a time. *)
Corollary attention_Q Q K V : is_vjp_mx (fun Q => attention Q K V) Q
  (fun dy => scores_back Q K V dy *m K).
Proof.
have h := attention_vjp (vjp_mx_id Q) (vjp_mx_const K Q) (vjp_mx_const V Q).
by apply: is_vjp_mx_ext h => // dy; rewrite /attention_back !addr0.
Qed.

Corollary attention_K Q K V : is_vjp_mx (fun K => attention Q K V) K
  (fun dy => (scores_back Q K V dy)^T *m Q).
Proof.
have h := attention_vjp (vjp_mx_const Q K) (vjp_mx_id K) (vjp_mx_const V K).
by apply: is_vjp_mx_ext h => // dy; rewrite /attention_back add0r addr0.
Qed.

Corollary attention_V Q K V : is_vjp_mx (fun V => attention Q K V) V
  (fun dy => (weights Q K)^T *m dy).
Proof.
have h := attention_vjp (vjp_mx_const Q V) (vjp_mx_const K V) (vjp_mx_id V).
by apply: is_vjp_mx_ext h => // dy; rewrite /attention_back !add0r.
Qed.
End Dot.

(** ** Queries, keys and values of the same tokens *)
Section Heads.
Variables (t n d e o : nat) (c : R).
Implicit Types (x : mat t n) (Wq Wk : mat n d) (Wv : mat n e) (bq bk : 'rV[R]_d.+1) (bv : 'rV[R]_e.+1).

Definition self_attention Wq bq Wk bk Wv bv x : mat t e :=
  attention c (dense x Wq bq) (dense x Wk bk) (dense x Wv bv).

Definition self_attention_back Wq bq Wk bk Wv bv x (dy : mat t e) : mat t n :=
  let Q := dense x Wq bq in let K := dense x Wk bk in let V := dense x Wv bv in
  let dS := scores_back c Q K V dy in
  dS *m K *m Wq^T + dS^T *m Q *m Wk^T + (weights c Q K)^T *m dy *m Wv^T.

Theorem self_attention_vjp Wq bq Wk bk Wv bv x :
  is_vjp_mx (self_attention Wq bq Wk bk Wv bv) x (self_attention_back Wq bq Wk bk Wv bv x).
Proof. exact: (attention_vjp c (dense_input Wq bq x) (dense_input Wk bk x) (dense_input Wv bv x)). Qed.

(** Heads, indexed by [I]. *)
Variable I : finType.
Variables (Wq Wk : I -> mat n d) (Wv : I -> mat n e) (bq bk : I -> 'rV[R]_d.+1) (bv : I -> 'rV[R]_e.+1).
Variables (Wo : I -> mat e o) (bo : 'rV[R]_o.+1).

Definition head (h : I) x : mat t e := self_attention (Wq h) (bq h) (Wk h) (bk h) (Wv h) (bv h) x.
Definition multi_head x : mat t o := \sum_h head h x *m Wo h + spread t.+1 bo.

Definition multi_head_back x (dy : mat t o) : mat t n :=
  \sum_h self_attention_back (Wq h) (bq h) (Wk h) (bk h) (Wv h) (bv h) x (dy *m (Wo h)^T).

Theorem multi_head_vjp x : is_vjp_mx multi_head x (multi_head_back x).
Proof.
have one h : is_vjp_mx (fun y => head h y *m Wo h) x (fun dy =>
    self_attention_back (Wq h) (bq h) (Wk h) (bk h) (Wv h) (bv h) x (dy *m (Wo h)^T)).
  have D := vjp_mx_mulmx (self_attention_vjp (Wq h) (bq h) (Wk h) (bk h) (Wv h) (bv h) x)
    (vjp_mx_const (Wo h) x).
  by apply: is_vjp_mx_ext D => // dy; rewrite addr0.
apply: is_vjp_mx_ext (vjp_mx_add (vjp_mx_sum one) (vjp_mx_const (spread t.+1 bo) x)) => // dy.
by rewrite addr0.
Qed.

(** In the weights of the output. *)
Theorem multi_head_output_vjp x h (W : mat e o) :
  is_vjp_mx (fun W => head h x *m W) W (fun dy => (head h x)^T *m dy).
Proof.
have D := vjp_mx_mulmx (vjp_mx_const (head h x) W) (vjp_mx_id W).
by apply: is_vjp_mx_ext D => // dy; rewrite add0r.
Qed.
End Heads.

(** Heads side by side times the weights stacked is the sum of products. *)
Lemma concat_heads t p q o (A : 'M[R]_(t, p)) (B : 'M[R]_(t, q)) (V : 'M[R]_(p, o)) (W : 'M[R]_(q, o)) :
  row_mx A B *m col_mx V W = A *m V + B *m W.
Proof. exact: mul_row_col. Qed.

(** ** A block of a transformer *)
Section Block.
Variables (t n : nat) (x : mat t n) (eps : R).
Hypothesis eps0 : 0 < eps.
(** Attention and perceptron, with their backwards where they are applied. *)
Variables (att mlp batt bmlp : mat t n -> mat t n).
Variables (g1 b1 g2 b2 : 'rV[R]_n.+1).
Let norm g b (y : mat t n) := affine g b (normalize_mx eps y).
Let norm_back (g : 'rV[R]_n.+1) (y dy : mat t n) :=
  three_terms (deviation eps y) (normalize_mx eps y) (\matrix_(i, j) (dy i j * g 0 j)).

Definition block_attention (y : mat t n) := y + att (norm g1 b1 y).
Definition transformer_block (y : mat t n) :=
  block_attention y + mlp (norm g2 b2 (block_attention y)).
Hypothesis hatt : is_vjp_mx att (norm g1 b1 x) batt.
Hypothesis hmlp : is_vjp_mx mlp (norm g2 b2 (block_attention x)) bmlp.

Definition block_attention_back dy := dy + norm_back g1 x (batt dy).
Definition transformer_block_back dy :=
  block_attention_back (dy + norm_back g2 (block_attention x) (bmlp dy)).

Lemma block_attention_vjp : is_vjp_mx block_attention x block_attention_back.
Proof. exact: (vjp_mx_residual (is_vjp_mx_comp (layer_norm_layer_vjp g1 b1 x eps0) hatt)). Qed.

Theorem transformer_block_vjp : is_vjp_mx transformer_block x transformer_block_back.
Proof.
have h := vjp_mx_residual (is_vjp_mx_comp (layer_norm_layer_vjp g2 b2 (block_attention x) eps0) hmlp).
exact: (is_vjp_mx_comp block_attention_vjp h).
Qed.
End Block.
End Attention.
