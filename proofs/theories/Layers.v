(** * Textbook layers in closed form

    The backward passes that every course writes on the board, each proved to
    be the vector-Jacobian product of its forward, on matrices: rows are
    examples, columns features.

    Glossary
      - [is_vjp_mx_row]      on row vectors, [is_vjp_mx] of [Backward.v] is [is_vjp]
      - [dense x W b]        [x W + 1 b]: the bias added to every row
      - [softmax_mx z]       softmax of every row
      - [loss_mx t z]        the mean over rows of softmax cross-entropy, as a
                             1 by 1 matrix; [t] are the targets *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Cotangent Require Import DenoteFacts Tangent Scalar Differential.
From Cotangent Require Export Vjp.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Layers.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Definition dense bt n m (x : mat bt n) (W : mat n m) (b : 'rV[R]_m.+1) : mat bt m :=
  x *m W + const_mx 1 *m b.

Definition softmax_mx m n (z : mat m n) : mat m n :=
  \matrix_(i, j) (expR (z i j) / \sum_k expR (z i k)).

Definition loss_mx m n (t z : mat m n) : mat 0 0 :=
  const_mx (- (\sum_i \sum_j t i j * (z i j - ln (\sum_k expR (z i k)))) / m.+1%:R).

(** ** Inner products *)
Lemma mdotE m n (a b : 'M[R]_(m, n)) : mdot a b = \sum_i \sum_j a i j * b i j.
Proof. by apply: eq_bigr => i _; rewrite mxE; apply: eq_bigr => j _; rewrite mxE. Qed.

Lemma mdot_dot n (a b : 'rV[R]_n) : mdot a b = dot a b.
Proof. by rewrite mdotE big_ord1. Qed.

(** On row vectors this is [is_vjp]: partial derivatives. *)
Lemma is_vjp_mx_row n m (f : 'rV[R]_n.+1 -> 'rV[R]_m.+1) x back :
  is_vjp_mx f x back <-> is_vjp f x back.
Proof.
rewrite is_vjpP; split=> -[df h]; split=> // dy v; first by rewrite -!mdot_dot.
by rewrite !mdot_dot.
Qed.

Lemma is_vjp_mx_diff m n p q (f df : mat m n -> mat p q) x back :
  is_diff x f df -> (forall dy v, mdot (back dy) v = mdot dy (df v)) -> is_vjp_mx f x back.
Proof. by move=> [d e] h; split=> // dy v; rewrite e. Qed.

Theorem is_vjp_mx_comp m n p q r s (f : mat m n -> mat p q) (g : mat p q -> mat r s) x bf bg :
  is_vjp_mx f x bf -> is_vjp_mx g (f x) bg -> is_vjp_mx (g \o f) x (bf \o bg).
Proof.
move=> [df hf] [dg hg]; split; first exact: (differentiable_comp df dg).
by move=> dy v; rewrite /= hf hg (diff_comp df dg).
Qed.

(** ** Dense *)
Lemma is_diff_linear m n p q (f : {linear mat m n -> mat p q}) x : is_diff x f f.
Proof.
have fE y i j : f y i j = \sum_k \sum_l f (delta_mx k l) i j * y k l.
  rewrite [y in LHS]matrix_sum_delta linear_sum summxE; apply: eq_bigr => k _.
  rewrite linear_sum summxE; apply: eq_bigr => l _.
  by rewrite linearZ mxE mulrC.
have h : is_diff x f (fun v => \matrix_(i, j) (\sum_k \sum_l f (delta_mx k l) i j * v k l : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => \sum_k \sum_l f (delta_mx k l) i j * y k l : R^o)).
    apply: is_diff_sum => k _; apply: is_diff_sum => l _.
    exact: (is_diffZ (f (delta_mx k l) i j) (is_diff_coord k l x)).
  by apply/funext => y; rewrite fE.
by apply: is_diff_eq h _; apply/funext => v; apply/matrixP => i j; rewrite mxE fE.
Qed.

Lemma is_vjp_mx_affine m n p q (f : {linear mat m n -> mat p q}) c x back :
  (forall dy v, mdot (back dy) v = mdot dy (f v)) -> is_vjp_mx (fun y => f y + c) x back.
Proof.
move=> h; have := is_diffD (is_diff_linear f x) (is_diff_cst c x).
by rewrite addr0 => D; exact: (is_vjp_mx_diff D h).
Qed.

Section Dense.
Variables (bt n m : nat).
Implicit Types (x : mat bt n) (W : mat n m) (b : 'rV[R]_m.+1).

Theorem dense_input W b x : is_vjp_mx (fun x => dense x W b) x (fun dy => dy *m W^T).
Proof.
apply: (is_vjp_mx_affine (f := mulmxr_linear _ W)) => dy v.
by rewrite /mdot /= /mulmxr trmx_mul mulmxA.
Qed.

(** The outer product. *)
Theorem dense_weight x b W : is_vjp_mx (fun W => dense x W b) W (fun dy => x^T *m dy).
Proof.
apply: (is_vjp_mx_affine (f := mulmx_linear _ x)) => dy v.
by rewrite /mdot /= trmx_mul mulmxA [RHS]mxtrace_mulC mulmxA.
Qed.

(** The sum over the batch. *)
Theorem dense_bias x W b :
  is_vjp_mx (fun b => dense x W b) b (fun dy => \row_j \sum_i dy i j).
Proof.
have -> : (fun dy : mat bt m => \row_j \sum_i dy i j) = (fun dy => (const_mx 1 : 'cV_bt.+1)^T *m dy).
  apply/funext => dy; apply/rowP => j; rewrite !mxE; apply: eq_bigr => i _.
  by rewrite !mxE mul1r.
have -> : (fun b => dense x W b) = (fun b => mulmx_linear _ (const_mx 1) b + x *m W).
  by apply/funext => b'; rewrite /dense addrC.
apply: is_vjp_mx_affine => dy v.
by rewrite /mdot /= trmx_mul mulmxA [RHS]mxtrace_mulC mulmxA.
Qed.
End Dense.

(** ** Pointwise *)
Theorem map_vjp m n (u u' : R -> R) (x : mat m n) :
  (forall i j, is_derive (x i j) 1 u (u' (x i j))) ->
  is_vjp_mx (map_mx u) x (fun dy => \matrix_(i, j) (u' (x i j) * dy i j)).
Proof.
move=> h.
have D : is_diff x (map_mx u) (fun v => \matrix_(i, j) (u' (x i j) * v i j : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => u (y i j) : R^o)).
    exact: (is_diff_una (is_diff_coord i j x) (h i j)).
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE.
by apply: eq_bigr => i _; apply: eq_bigr => j _; rewrite !mxE mulrCA mulrA.
Qed.

Corollary exp_vjp m n (x : mat m n) :
  is_vjp_mx (map_mx (@expR R)) x (fun dy => \matrix_(i, j) (expR (x i j) * dy i j)).
Proof. by apply: map_vjp => i j; exact: is_derive_expR. Qed.

(** Off 0. *)
Corollary relu_vjp m n (x : mat m n) : (forall i j, x i j != 0) ->
  is_vjp_mx (map_mx (fun z => Num.max z 0)) x
    (fun dy => \matrix_(i, j) (if 0 < x i j then dy i j else 0)).
Proof.
move=> h; have := map_vjp (fun i j => @una_derive R Relu _ (h i j)).
rewrite (_ : (fun dy : mat m n => _)
  = (fun dy : mat m n => \matrix_(i, j) (if 0 < x i j then dy i j else 0))) //.
apply/funext => dy; apply/matrixP => i j; rewrite !mxE /=.
by case: ifP => _; rewrite ?mul1r ?mul0r.
Qed.

(** ** Softmax: a diagonal with a rank-1 correction *)
Section Softmax.
Variables (m n : nat).
Implicit Types (z v t : mat m n).

Lemma sum_exp_gt0 z i : 0 < \sum_k expR (z i k) :> R.
Proof.
rewrite big_ord_recl ltr_spaddl ?expR_gt0 //.
by apply: sumr_ge0 => k _; exact/ltW/expR_gt0.
Qed.

Lemma exp_coord_diff z i j :
  is_diff z (fun y : mat m n => expR (y i j) : R^o) (fun v : mat m n => expR (z i j) * v i j : R^o).
Proof. exact: (is_diff_una (is_diff_coord i j z) (is_derive_expR _)). Qed.

Lemma sum_exp_diff z i :
  is_diff z (fun y : mat m n => \sum_k expR (y i k) : R^o)
            (fun v : mat m n => \sum_k expR (z i k) * v i k : R^o).
Proof. by apply: is_diff_sum => k _; exact: exp_coord_diff. Qed.

Lemma sum_softmax z v i :
  \sum_k softmax_mx z i k * v i k = (\sum_k expR (z i k) * v i k) / \sum_k expR (z i k).
Proof. by rewrite mulr_suml; apply: eq_bigr => k _; rewrite mxE mulrAC. Qed.

Lemma softmax_mx_diff z : is_diff z (@softmax_mx m n)
  (fun v => \matrix_(i, j) (softmax_mx z i j * (v i j - \sum_k softmax_mx z i k * v i k) : R^o)).
Proof.
apply: is_diff_mx => i j.
rewrite (_ : (fun y => _) = (fun y : mat m n => expR (y i j) / \sum_k expR (y i k) : R^o)).
  have S0 := lt0r_neq0 (sum_exp_gt0 z i).
  apply: (is_diff_eq (is_diff_div S0 (exp_coord_diff z i j) (sum_exp_diff z i))).
  apply/funext => v; rewrite sum_softmax mxE mulrBr.
  by congr (_ - _); [rewrite mulrAC | rewrite mulrA].
by apply/funext => y; rewrite mxE.
Qed.

Theorem softmax_vjp z (s := softmax_mx z) :
  is_vjp_mx (@softmax_mx m n) z
    (fun dy => \matrix_(i, j) (s i j * (dy i j - \sum_k dy i k * s i k))).
Proof.
apply: (is_vjp_mx_diff (softmax_mx_diff z)) => dy v; rewrite !mdotE -/s.
apply: eq_bigr => i _; move: (s) => p.
transitivity (\sum_j p i j * dy i j * v i j - (\sum_k dy i k * p i k) * (\sum_j p i j * v i j)).
  rewrite mulr_sumr -sumrB; apply: eq_bigr => j _; rewrite mxE mulrBr mulrBl.
  by congr (_ - _); rewrite mulrAC mulrC.
rewrite mulr_suml -sumrB; apply: eq_bigr => j _; rewrite mxE !mulrBr.
by congr (_ - _); rewrite mulrA // [p i j * _]mulrC.
Qed.

(** ** Softmax cross-entropy: softmax minus targets *)
Lemma sum_log_softmax_diff t z :
  is_diff z (fun y : mat m n => \sum_i \sum_j t i j * (y i j - ln (\sum_k expR (y i k))) : R^o)
    (fun v => \sum_i \sum_j t i j * (v i j - \sum_k softmax_mx z i k * v i k) : R^o).
Proof.
apply: is_diff_sum => i _; apply: is_diff_sum => j _.
have d := is_diff_sub (is_diff_coord i j z)
  (is_diff_una (sum_exp_diff z i) (is_derive1_ln (sum_exp_gt0 z i))).
apply: (is_diff_eq (is_diff_mul (is_diff_const z (t i j)) d)).
apply/funext => v; rewrite mulr0 addr0 sum_softmax.
by congr (_ * (_ - _)); rewrite mulrC.
Qed.

Lemma loss_mx_diff t z : is_diff z (@loss_mx m n t)
  (fun v => \matrix_(_ < 1, _ < 1)
     (- (m.+1%:R)^-1 * \sum_i \sum_j t i j * (v i j - \sum_k softmax_mx z i k * v i k) : R^o)).
Proof.
apply: is_diff_mx => i0 j0.
rewrite (_ : (fun y => _) = (fun y : mat m n => - (m.+1%:R)^-1 *
    (\sum_i \sum_j t i j * (y i j - ln (\sum_k expR (y i k)))) : R^o)); last first.
  by apply/funext => y; rewrite mxE !mulNr mulrC.
have D := is_diff_mul (is_diff_const z (- (m.+1%:R)^-1)) (sum_log_softmax_diff t z).
by apply: (is_diff_eq D); apply/funext => v; rewrite mulr0 addr0.
Qed.

(** For any targets; [softmax - t] where every row of targets sums to 1. *)
Theorem cross_entropy_vjp t z (s := softmax_mx z) :
  is_vjp_mx (@loss_mx m n t) z (fun dy => \matrix_(i, j)
    (((\sum_k t i k) * s i j - t i j) * (dy 0 0 / m.+1%:R))).
Proof.
apply: (is_vjp_mx_diff (loss_mx_diff t z)) => dy v; rewrite !mdotE.
rewrite [RHS]big_ord1 big_ord1 [X in _ = _ * X]mxE -/s mulrA mulrN mulNr -mulrN.
rewrite -sumrN mulr_sumr; apply: eq_bigr => i _.
have -> : - (\sum_j t i j * (v i j - \sum_k s i k * v i k))
  = \sum_j ((\sum_k t i k) * s i j - t i j) * v i j.
  rewrite (eq_bigr (fun j => t i j * v i j - t i j * \sum_k s i k * v i k)); last first.
    by move=> j _; rewrite mulrBr.
  rewrite sumrB opprB -mulr_suml mulr_sumr -sumrB; apply: eq_bigr => j _.
  by rewrite mulrBl mulrA.
rewrite mulr_sumr; apply: eq_bigr => j _.
by rewrite mxE mulrAC mulrC.
Qed.

Corollary cross_entropy_vjp1 t z : (forall i, \sum_k t i k = 1) ->
  is_vjp_mx (@loss_mx m n t) z (fun dy => \matrix_(i, j)
    ((softmax_mx z i j - t i j) * (dy 0 0 / m.+1%:R))).
Proof.
move=> h; have := cross_entropy_vjp t z; rewrite /=.
rewrite (_ : (fun dy : mat 0 0 => _) = (fun dy : mat 0 0 => \matrix_(i, j)
    ((softmax_mx z i j - t i j) * (dy 0 0 / m.+1%:R)))) //.
by apply/funext => dy; apply/matrixP => i j; rewrite !mxE h mul1r.
Qed.
End Softmax.
End Layers.
