(** * The challenge is met

    Each statement of [CHALLENGE.v], from the theorems of this development.

    Glossary
      - [is_backwardE]  [is_backward] is [is_vjp_mx] of [Layers.v]
      - [gradient_of]   from the backward of a 1 by 1 matrix to a gradient
      - [conv_diff], [conv_adjoint]  the derivative of a convolution; its transpose
      - [.._met]        the statement of that name *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Cotangent Require Import CHALLENGE Vjp DenoteFacts Tangent Scalar Differential Layers LayersRules.
From Cotangent Require Import LayersPointwise LayersGelu LayersNorm LayersAttention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Met.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Notation vec n := 'rV[R]_n.+1.

Lemma is_backwardE m n p q (f : mat m n -> mat p q) x b : is_backward f x b <-> is_vjp_mx f x b.
Proof.
by split=> -[d h]; split=> // dy v; have := h dy v; rewrite !mdotE.
Qed.

Lemma gradient_of m n (f : mat m n -> R^o) (F : mat m n -> mat 0 0) x back g :
  (forall y, F y 0 0 = f y) -> is_vjp_mx F x back -> back (const_mx 1) = g -> is_gradient f x g.
Proof.
move=> e /is_vjp_mxE [dF [D h]] <-; have D0 := is_diff_coordf 0 0 D.
have fE : (fun y => F y 0 0 : R^o) = f by apply/funext.
rewrite fE in D0; case: D0 => [d e']; split=> // v.
rewrite e'; have := h (const_mx 1) v; rewrite [mdot _ (dF v)]mdotE !big_ord1 mxE mul1r => <-.
by rewrite mdotE.
Qed.

(** ** Rules *)
Theorem backward_is_jacobian_met : backward_is_jacobian R.
Proof.
move=> n m f x b; rewrite is_backwardE is_vjp_mx_row.
split=> -[d h]; split=> // dy i; rewrite h; apply: eq_bigr => j _; by rewrite pdiv_partial.
Qed.

Theorem backward_unique_met : backward_unique R.
Proof. by move=> m n p q f x b c /is_backwardE hb /is_backwardE hc y; rewrite (is_vjp_mx_unique hb hc). Qed.

Theorem identity_rule_met : identity_rule R.
Proof. by move=> m n x; apply/is_backwardE; exact: vjp_mx_id. Qed.
Theorem constant_rule_met : constant_rule R.
Proof. by move=> m n p q c x; apply/is_backwardE; exact: vjp_mx_const. Qed.
Theorem chain_rule_met : chain_rule R.
Proof.
move=> m n p q r s f g x bf bg /is_backwardE hf /is_backwardE hg; apply/is_backwardE.
exact: is_vjp_mx_comp hf hg.
Qed.
Theorem sum_rule_met : sum_rule R.
Proof.
move=> m n p q f g x bf bg /is_backwardE hf /is_backwardE hg; apply/is_backwardE.
exact: vjp_mx_add hf hg.
Qed.
Theorem product_rule_met : product_rule R.
Proof.
move=> m n p q f g x bf bg /is_backwardE hf /is_backwardE hg; apply/is_backwardE.
exact: vjp_mx_hadamard hf hg.
Qed.
Theorem matrix_product_rule_met : matrix_product_rule R.
Proof.
move=> m n p q r f g x bf bg /is_backwardE hf /is_backwardE hg; apply/is_backwardE.
exact: vjp_mx_mulmx hf hg.
Qed.
Theorem transpose_rule_met : transpose_rule R.
Proof. by move=> m n x; apply/is_backwardE; exact: vjp_mx_trmx. Qed.
Theorem scale_rule_met : scale_rule R.
Proof. by move=> m n p q c f x b /is_backwardE h; apply/is_backwardE; exact: vjp_mx_scale h. Qed.
Theorem finite_sum_rule_met : finite_sum_rule R.
Proof.
move=> I m n p q f x b h; apply/is_backwardE; apply: vjp_mx_sum => i.
by apply/is_backwardE.
Qed.
Theorem residual_rule_met : residual_rule R.
Proof. by move=> m n f x b /is_backwardE h; apply/is_backwardE; exact: vjp_mx_residual h. Qed.
Theorem row_rule_met : row_rule R.
Proof.
move=> m n p g x b h; apply/is_backwardE; apply: vjp_mx_rows => i.
by apply/is_vjp_mx_row/is_backwardE.
Qed.
Theorem reading_rule_met : reading_rule R.
Proof. by move=> m n p q from x; apply/is_backwardE; exact: vjp_mx_gather. Qed.

(** ** Dense layers and activations *)
Lemma denseE k n m (x : mat k n) (W : mat n m) b : CHALLENGE.dense x W b = Layers.dense x W b.
Proof. by apply/matrixP => i j; rewrite !mxE big_ord1 !mxE mul1r. Qed.

Theorem dense_backward_met : dense_backward R.
Proof.
move=> k n m x W b; split; apply/is_backwardE.
- by apply: is_vjp_mx_ext (dense_input W b x) => // y; rewrite denseE.
- by apply: is_vjp_mx_ext (dense_weight x b W) => // y; rewrite denseE.
- by apply: is_vjp_mx_ext (dense_bias x W b) => // y; rewrite denseE.
Qed.

Theorem pointwise_rule_met : pointwise_rule R.
Proof. by move=> m n u u' x h; apply/is_backwardE; exact: map_vjp. Qed.

Lemma relu_is_vjp m n (x : mat m n) : (forall i j, x i j != 0) ->
  is_vjp_mx (@relu R m n) x (relu_back x).
Proof. by move=> h; apply: is_vjp_mx_ext (relu_vjp h) => // y; apply/matrixP => i j; rewrite !mxE. Qed.

Theorem relu_backward_met : relu_backward R.
Proof. by move=> m n x h; apply/is_backwardE; exact: relu_is_vjp. Qed.
Theorem sigmoid_backward_met : sigmoid_backward R.
Proof. by move=> m n x; apply/is_backwardE; exact: sigmoid_vjp. Qed.
Theorem silu_backward_met : silu_backward R.
Proof. by move=> m n x; apply/is_backwardE; exact: silu_vjp. Qed.
Theorem gelu_backward_met : gelu_backward R.
Proof.
move=> m n x; apply/is_backwardE; apply: is_vjp_mx_ext (gelu_vjp (standard R) x) => // dy.
by apply/matrixP => i j; rewrite !mxE /gelu_slope standard_pdf.
Qed.

(** ** Softmax *)
Theorem softmax_backward_met : softmax_backward R.
Proof. by move=> m n z; apply/is_backwardE; exact: softmax_vjp. Qed.

Lemma cross_entropyE m n (t z : mat m n) : loss_mx t z 0 0 = CHALLENGE.cross_entropy t z.
Proof.
rewrite mxE /CHALLENGE.cross_entropy; congr (- _ / _).
apply: eq_bigr => i _; apply: eq_bigr => j _; congr (_ * _).
by rewrite mxE ln_div ?posrE ?sum_exp_gt0 ?expR_gt0 // expK.
Qed.

Lemma cross_entropy_is_vjp m n (t z : mat m n) : (forall i, \sum_k t i k = 1) ->
  is_vjp_mx (@loss_mx R m n t) z
    (fun dy : mat 0 0 => (dy 0 0 / m.+1%:R) *: (CHALLENGE.softmax z - t)).
Proof.
move=> h; apply: is_vjp_mx_ext (cross_entropy_vjp1 z h) => // dy.
by apply/matrixP => i j; rewrite !mxE mulrC.
Qed.

Theorem cross_entropy_gradient_met : cross_entropy_gradient R.
Proof.
move=> m n t z h; apply: (gradient_of (F := loss_mx t)) (cross_entropy_is_vjp z h) _.
  by move=> y; exact: cross_entropyE.
by rewrite mxE mul1r.
Qed.

(** ** Normalisation *)
Theorem layer_norm_backward_met : layer_norm_backward R.
Proof.
move=> m n eps g b x e0 y h; apply/is_backwardE.
apply: is_vjp_mx_ext (layer_norm_layer_vjp g b x e0) => [z|dy]; first by apply/matrixP => i j; rewrite !mxE.
apply/matrixP => i j; rewrite [LHS]mxE [RHS]mxE.
have hE k : (\matrix_(i, j) (dy i j * g 0 j)) i k = h dy i k by rewrite mxE.
have yE k : normalize_mx eps x i k = y i k by rewrite mxE.
rewrite hE yE; congr ((_ - _ - _ * _) / _).
  by congr LayersNorm.mean; apply/funext => k; exact: hE.
by congr LayersNorm.mean; apply/funext => k; rewrite hE yE.
Qed.

Theorem batch_norm_backward_met : batch_norm_backward R.
Proof.
move=> m n eps g b x e0 y.
have yE i k : batch_normalize eps x i k = y i k by rewrite mxE.
have fE (g' b' : vec n) : affine g' b' (batch_normalize eps x) = CHALLENGE.batch_norm eps g' b' x.
  by apply/matrixP => i j; rewrite !mxE.
split; apply/is_backwardE.
- apply: is_vjp_mx_ext (batch_norm_layer_vjp g b x e0) => [z|dy]; first by apply/matrixP => i j; rewrite !mxE.
  apply/matrixP => i j; rewrite [LHS]mxE [RHS]mxE yE; congr (_ * (_ - _ - _ * _) / _).
  by congr LayersNorm.mean; apply/funext => k; rewrite yE.
- apply: is_vjp_mx_ext (affine_scale_vjp g b (batch_normalize eps x)) => [z|dy]; first exact: fE.
  by apply/rowP => j; rewrite !mxE; apply: eq_bigr => i _; rewrite yE.
- by apply: is_vjp_mx_ext (affine_shift_vjp g b (batch_normalize eps x)) => [z|dy]; first exact: fE.
Qed.

(** ** Attention *)
Theorem attention_backward_met : attention_backward R.
Proof.
move=> t u d e c Q K V P dS; split; apply/is_backwardE.
- exact: (attention_Q c Q K V).
- exact: (attention_K c Q K V).
- exact: (attention_V c Q K V).
Qed.

(** ** The perceptron *)
Theorem perceptron_gradient_met : perceptron_gradient R.
Proof.
move=> k n m p x t W1 b1 W2 b2 ht off h d2 d1 loss.
have off' i j : Layers.dense x W1 b1 i j != 0 by rewrite -denseE.
have hE : h = Layers.dense x W1 b1 by exact: denseE.
pose z := Layers.dense (relu h) W2 b2.
have zE : perceptron x W1 b1 W2 b2 = z by rewrite /perceptron -/h denseE.
have lE w1 c1 w2 c2 : loss_mx t (Layers.dense (relu (Layers.dense x w1 c1)) w2 c2) 0 0 = loss w1 c1 w2 c2.
  by rewrite cross_entropyE /loss /perceptron !denseE.
have L := cross_entropy_is_vjp z ht.
have d2E : ((const_mx 1 : mat 0 0) 0 0 / k.+1%:R) *: (CHALLENGE.softmax z - t) = d2.
  by rewrite /d2 zE mxE mul1r.
have L1 : is_vjp_mx (fun a => loss_mx t (Layers.dense (relu a) W2 b2)) (Layers.dense x W1 b1)
    (fun dy => relu_back h ((dy 0 0 / k.+1%:R) *: (CHALLENGE.softmax z - t) *m W2^T)).
  have h1 := is_vjp_mx_comp (relu_is_vjp off) (dense_input W2 b2 (relu h)).
  by rewrite -hE; exact: (is_vjp_mx_comp h1 L).
split.
- apply: (gradient_of _ (is_vjp_mx_comp (dense_weight x b1 W1) L1)) => [y|]; first exact: lE.
  by rewrite /= d2E.
- apply: (gradient_of _ (is_vjp_mx_comp (dense_bias x W1 b1) L1)) => [y|]; first exact: lE.
  by rewrite /= d2E.
- have D := is_vjp_mx_comp (dense_weight (relu h) b2 W2) L.
  apply: (gradient_of _ D) => [y|]; first by rewrite -lE -hE.
  by rewrite /= d2E.
- have D := is_vjp_mx_comp (dense_bias (relu h) W2 b2) L.
  apply: (gradient_of _ D) => [y|]; first by rewrite -lE -hE.
  by rewrite /= d2E.
Qed.

(** ** Convolution *)
Section Sums.
Implicit Types A B C D E : finType.

Lemma push2 A B D (F : A -> B -> D -> R) :
  \sum_a \sum_b \sum_d F a b d = \sum_d \sum_a \sum_b F a b d.
Proof. by rewrite [RHS]exchange_big; apply: eq_bigr => a _; rewrite exchange_big. Qed.

Lemma push3 A B C D (F : A -> B -> C -> D -> R) :
  \sum_a \sum_b \sum_c \sum_d F a b c d = \sum_d \sum_a \sum_b \sum_c F a b c d.
Proof. by rewrite [RHS]exchange_big; apply: eq_bigr => a _; exact: push2. Qed.
End Sums.

Section Convolution.
Variables (C H W O P Q I J s pad : nat).
Notation pixel := (@CHALLENGE.pixel R H W pad).

Lemma pixelE (z : nat -> nat -> nat -> R) c i j : pixel z c i j
  = \sum_(r < H) \sum_(t < W) (if (i == r + pad)%N && (j == t + pad)%N then z c r t else 0).
Proof.
rewrite /CHALLENGE.pixel; case: ifP => [/andP [/andP [i0 i1] /andP [j0 j1]]|out].
  have hi : (i - pad < H)%N by rewrite ltn_subLR.
  have hj : (j - pad < W)%N by rewrite ltn_subLR.
  rewrite (bigD1 (Ordinal hi)) //= (bigD1 (Ordinal hj)) //= !subnK // !eqxx /=.
  rewrite big1 ?[X in _ + X]big1 ?addr0 // => [r ne|t ne].
    apply: big1 => t _; case: ifP => // /andP [/eqP e _]; case/eqP: ne.
    by apply: val_inj; rewrite /= e addnK.
  case: ifP => // /eqP e; case/eqP: ne.
  by apply: val_inj; rewrite /= e addnK.
rewrite big1 // => r _; apply: big1 => t _; case: ifP => // /andP [/eqP ei /eqP ej].
by move: out; rewrite ei ej !leq_addl !(addnC _ pad) !ltn_add2l !ltn_ord.
Qed.

Section Diff.
Variables (V : normedModType R) (v0 : V).
Variables (x dx : V -> nat -> nat -> nat -> R) (k dk : V -> nat -> nat -> nat -> nat -> R).
Variables (b db : V -> nat -> R).
Hypothesis hx : forall c i j, is_diff v0 (fun v => x v c i j : R^o) (fun v => dx v c i j : R^o).
Hypothesis hk : forall o c p q, is_diff v0 (fun v => k v o c p q : R^o) (fun v => dk v o c p q : R^o).
Hypothesis hb : forall o, is_diff v0 (fun v => b v o : R^o) (fun v => db v o : R^o).

Definition conv_tangent v o i j : R :=
  \sum_(c < C) \sum_(p < P) \sum_(q < Q)
    (pixel (x v0) c (i * s + p)%N (j * s + q)%N * dk v o c p q
     + k v0 o c p q * pixel (dx v) c (i * s + p)%N (j * s + q)%N) + db v o.

Lemma pixel_diff c i j : is_diff v0 (fun v => pixel (x v) c i j : R^o) (fun v => pixel (dx v) c i j : R^o).
Proof. by rewrite /CHALLENGE.pixel; case: (_ && _); [exact: hx | exact: is_diff_const]. Qed.

Lemma conv_diff o i j :
  is_diff v0 (fun v => conv C H W P Q s pad (x v) (k v) (b v) o i j : R^o) (fun v => conv_tangent v o i j : R^o).
Proof.
apply: (is_diff_add _ (hb o)); apply: is_diff_sum => c _; apply: is_diff_sum => p _.
by apply: is_diff_sum => q _; exact: (is_diff_mul (pixel_diff c _ _) (hk o c p q)).
Qed.

Lemma conv_adjoint (dy : nat -> nat -> nat -> R) v :
  \sum_(o < O) \sum_(i < I) \sum_(j < J) dy o i j * conv_tangent v o i j
  = \sum_(c < C) \sum_(i < H) \sum_(j < W)
      conv_back_image O P Q I J s pad (k v0) dy c i j * dx v c i j
  + \sum_(o < O) \sum_(c < C) \sum_(p < P) \sum_(q < Q)
      conv_back_kernel H W I J s pad (x v0) dy o c p q * dk v o c p q
  + \sum_(o < O) conv_back_bias I J dy o * db v o.
Proof.
pose Kern o i j c p q := dy o i j * (pixel (x v0) c (i * s + p)%N (j * s + q)%N * dk v o c p q).
pose Img o i j c p q := dy o i j * (k v0 o c p q * pixel (dx v) c (i * s + p)%N (j * s + q)%N).
transitivity (\sum_(o < O) \sum_(i < I) \sum_(j < J)
    (\sum_(c < C) \sum_(p < P) \sum_(q < Q) Img o i j c p q
     + \sum_(c < C) \sum_(p < P) \sum_(q < Q) Kern o i j c p q + dy o i j * db v o)).
  apply: eq_bigr => o _; apply: eq_bigr => i _; apply: eq_bigr => j _; rewrite mulrDr; congr (_ + _).
  rewrite mulr_sumr -big_split; apply: eq_bigr => c _ /=.
  rewrite mulr_sumr -big_split; apply: eq_bigr => p _ /=.
  rewrite mulr_sumr -big_split; apply: eq_bigr => q _ /=; by rewrite mulrDr addrC.
have split3 (F G : nat -> nat -> nat -> R) :
    \sum_(o < O) \sum_(i < I) \sum_(j < J) (F o i j + G o i j)
    = \sum_(o < O) \sum_(i < I) \sum_(j < J) F o i j + \sum_(o < O) \sum_(i < I) \sum_(j < J) G o i j.
  rewrite -big_split; apply: eq_bigr => o _; rewrite -big_split; apply: eq_bigr => i _.
  by rewrite -big_split.
apply: etrans (split3 (fun o i j => \sum_(c < C) \sum_(p < P) \sum_(q < Q) Img o i j c p q
     + \sum_(c < C) \sum_(p < P) \sum_(q < Q) Kern o i j c p q) (fun o i j => dy o i j * db v o)) _.
apply: etrans (congr1 (+%R^~ _) (split3 (fun o i j => \sum_(c < C) \sum_(p < P) \sum_(q < Q) Img o i j c p q)
  (fun o i j => \sum_(c < C) \sum_(p < P) \sum_(q < Q) Kern o i j c p q))) _.
congr (_ + _ + _).
- rewrite push3; apply: eq_bigr => c _.
  transitivity (\sum_(o < O) \sum_(i < I) \sum_(j < J) \sum_(r < H) \sum_(t < W)
      \sum_(p < P | (i * s + p == r + pad)%N) \sum_(q < Q | (j * s + q == t + pad)%N)
        dy o i j * k v0 o c p q * dx v c r t).
    apply: eq_bigr => o _; apply: eq_bigr => i _; apply: eq_bigr => j _.
    rewrite /Img; under eq_bigr do under eq_bigr do rewrite pixelE mulrA.
    transitivity (\sum_(p < P) \sum_(q < Q) \sum_(r < H) \sum_(t < W)
      (if (i * s + p == r + pad)%N && (j * s + q == t + pad)%N then dy o i j * k v0 o c p q * dx v c r t else 0)).
      apply: eq_bigr => p _; apply: eq_bigr => q _; rewrite mulr_sumr; apply: eq_bigr => r _.
      by rewrite mulr_sumr; apply: eq_bigr => t _; case: ifP; rewrite ?mulr0.
    rewrite push2; apply: eq_bigr => r _; rewrite push2; apply: eq_bigr => t _.
    rewrite [RHS]big_mkcond; apply: eq_bigr => p _; case: ifP => _ /=; last by rewrite big1.
    by rewrite [RHS]big_mkcond.
  rewrite push3; apply: eq_bigr => r _; rewrite push3; apply: eq_bigr => t _.
  rewrite /conv_back_image mulr_suml; apply: eq_bigr => o _; rewrite mulr_suml; apply: eq_bigr => i _.
  rewrite mulr_suml; apply: eq_bigr => j _; rewrite mulr_suml; apply: eq_bigr => p _.
  by rewrite mulr_suml.
- apply: eq_bigr => o _; rewrite push2; apply: eq_bigr => c _; rewrite push2; apply: eq_bigr => p _.
  rewrite push2; apply: eq_bigr => q _; rewrite /conv_back_kernel mulr_suml; apply: eq_bigr => i _.
  by rewrite mulr_suml; apply: eq_bigr => j _; rewrite /Kern mulrA.
- apply: eq_bigr => o _; rewrite mulr_suml; apply: eq_bigr => i _.
  by rewrite mulr_suml.
Qed.
End Diff.

Theorem conv_backward_met : conv_backward R C H W O P Q I J s pad.
Proof.
move=> V v0 x k b hx hk hb y.
have Dx c i j := differentiableP (hx c i j); have Dk o c p q := differentiableP (hk o c p q).
have Db o := differentiableP (hb o).
move: Dx Dk Db; rewrite {hx hk hb}.
pose dx v c i j : R := 'd (fun v => x v c i j : R^o) v0 v.
pose dk v o c p q : R := 'd (fun v => k v o c p q : R^o) v0 v.
pose db v o : R := 'd (fun v => b v o : R^o) v0 v.
move=> Dx Dk Db; have D := conv_diff (dx := dx) (dk := dk) (db := db) Dx Dk Db.
split=> [o i j|dy v]; first by case: (D o i j).
rewrite -(conv_adjoint v0 x dx k dk db dy v).
apply: eq_bigr => o _; apply: eq_bigr => i _; apply: eq_bigr => j _; congr (_ * _).
by case: (D o i j) => _ ->.
Qed.
End Convolution.
End Met.

Theorem challenge_met : challenge.
Proof.
move=> R; split.
- by split; [exact: backward_is_jacobian_met | exact: backward_unique_met].
- by split; [exact: identity_rule_met | exact: constant_rule_met | exact: chain_rule_met | exact: sum_rule_met].
- split; [exact: product_rule_met | exact: matrix_product_rule_met | exact: transpose_rule_met
    | exact: scale_rule_met | ].
  by split; [exact: finite_sum_rule_met | exact: residual_rule_met | exact: row_rule_met
    | exact: reading_rule_met].
- split; [exact: dense_backward_met | exact: pointwise_rule_met | exact: relu_backward_met
    | exact: sigmoid_backward_met | by split; [exact: silu_backward_met | exact: gelu_backward_met]].
- split; [ | | exact: attention_backward_met | exact: conv_backward_met | exact: perceptron_gradient_met].
  + by split; [exact: softmax_backward_met | exact: cross_entropy_gradient_met].
  + by split; [exact: layer_norm_backward_met | exact: batch_norm_backward_met].
Qed.
