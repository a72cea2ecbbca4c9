(** * Normalisation in closed form

    Layer normalisation works on the rows of a matrix, batch normalisation on
    its columns: rows are then the examples and, for images, all their places.
    The backward has three terms: the cotangent, less its mean, less its
    component along the result.

    Glossary
      - [mean l]            the mean of a family of numbers
      - [centred_mx x]      every row less its mean
      - [deviation eps x i] [sqrt (variance + eps)] of row [i]
      - [normalize_mx]      [centred / deviation], of every row
      - [batch_normalize]   the same of every column
      - [rms_normalize]     [x / sqrt (mean x² + eps)], of every row
      - [three_terms]       the backward of the first two
      - [spread], [col_sums]  a row repeated; the sums of the columns
      - [affine g b y]      [y · g + b], a scale and a shift for each column *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Cotangent Require Import Vjp DenoteFacts Tangent Scalar Differential Layers LayersRules RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Norm.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Add Ring real_ring : (real_ring R).

Definition mean n (l : 'I_n.+1 -> R) : R := (\sum_k l k) / n.+1%:R.

Definition centred_mx m n (x : mat m n) : mat m n := \matrix_(i, j) (x i j - mean (x i)).
Definition deviation m n (eps : R) (x : mat m n) i : R :=
  Num.sqrt (mean (fun k => (x i k - mean (x i)) ^+ 2) + eps).
Definition normalize_mx m n (eps : R) (x : mat m n) : mat m n :=
  \matrix_(i, j) ((x i j - mean (x i)) / deviation eps x i).

Definition batch_deviation m n (eps : R) (x : mat m n) j : R :=
  Num.sqrt (mean (fun k => (x k j - mean (x^~ j)) ^+ 2) + eps).
Definition batch_normalize m n (eps : R) (x : mat m n) : mat m n :=
  \matrix_(i, j) ((x i j - mean (x^~ j)) / batch_deviation eps x j).

Definition rms_deviation m n (eps : R) (x : mat m n) i : R :=
  Num.sqrt (mean (fun k => x i k ^+ 2) + eps).
Definition rms_normalize m n (eps : R) (x : mat m n) : mat m n :=
  \matrix_(i, j) (x i j / rms_deviation eps x i).

Definition spread m n (b : 'rV[R]_n) : 'M[R]_(m, n) := \matrix_(_, j) b 0 j.
Definition col_sums m n (dy : 'M[R]_(m, n)) : 'rV[R]_n := \row_j \sum_i dy i j.
Definition affine m n (g b : 'rV[R]_n) (y : 'M[R]_(m, n)) : 'M[R]_(m, n) :=
  \matrix_(i, j) (y i j * g 0 j + b 0 j).

(** ** Means *)
Section Mean.
Variable n : nat.
Implicit Types (g y v : 'I_n.+1 -> R).

Lemma mean_mul g v : (\sum_j g j) * mean v = mean g * (\sum_j v j).
Proof. by rewrite /mean mulrCA mulrC. Qed.

(** The transpose of [v ↦ (v - mean v - y · mean (y (v - mean v))) / s], for a
    centred [y]. *)
Lemma three_terms_sum g y v (s : R) : \sum_j y j = 0 ->
  \sum_j (g j - mean g - y j * mean (fun k => g k * y k)) / s * v j
  = \sum_j g j * ((v j - mean v) / s - y j * mean (fun k => y k * (v k - mean v)) / s).
Proof.
move=> y0; have -> : mean (fun k => y k * (v k - mean v)) = mean (fun k => y k * v k).
  rewrite /mean; congr (_ / _).
  rewrite (eq_bigr (fun k => y k * v k - y k * mean v)) => [|k _]; last by rewrite mulrBr.
  by rewrite sumrB -mulr_suml y0 mul0r subr0.
set a := mean (fun k => g k * y k); set b := mean (fun k => y k * v k).
transitivity (s^-1 * (\sum_j g j * v j - mean g * (\sum_j v j) - a * (\sum_j y j * v j))).
  rewrite !mulr_sumr -!sumrB mulr_sumr; apply: eq_bigr => j _; reals R.
have -> : a * (\sum_j y j * v j) = (\sum_j g j * y j) * b by rewrite mean_mul.
rewrite -mean_mul !mulr_suml -!sumrB mulr_sumr; apply: eq_bigr => j _; reals R.
Qed.

Lemma rms_sum g y v (s : R) :
  \sum_j (g j - y j * mean (fun k => g k * y k)) / s * v j
  = \sum_j g j * (v j / s - y j * mean (fun k => y k * v k) / s).
Proof.
set a := mean (fun k => g k * y k); set b := mean (fun k => y k * v k).
transitivity (s^-1 * (\sum_j g j * v j - a * (\sum_j y j * v j))).
  rewrite !mulr_sumr -!sumrB mulr_sumr; apply: eq_bigr => j _; reals R.
have -> : a * (\sum_j y j * v j) = (\sum_j g j * y j) * b by rewrite mean_mul.
rewrite !mulr_suml -!sumrB mulr_sumr; apply: eq_bigr => j _; reals R.
Qed.

Lemma sum_centred (l : 'I_n.+1 -> R) : \sum_j (l j - mean l) = 0.
Proof.
rewrite sumrB sumr_const card_ord /mean -[X in _ - X]mulr_natr -mulrA mulVf ?pnatr_eq0 //.
by rewrite mulr1 subrr.
Qed.

Lemma mean_sqr_ge0 (l : 'I_n.+1 -> R) : 0 <= mean (fun k => l k ^+ 2).
Proof. by apply: mulr_ge0; rewrite ?invr_ge0 ?ler0n // sumr_ge0 // => k _; exact: sqr_ge0. Qed.

Lemma is_diff_mean (V : normedModType R) (x0 : V) (l dl : 'I_n.+1 -> V -> R^o) :
  (forall k, is_diff x0 (l k) (dl k)) ->
  is_diff x0 (fun x => mean (l^~ x) : R^o) (fun w => mean (dl^~ w) : R^o).
Proof.
move=> h.
have S : is_diff x0 (fun x => \sum_k l k x : R^o) (fun w => \sum_k dl k w : R^o).
  by apply: is_diff_sum => k _; exact: h.
have D := is_diff_mul (is_diff_const x0 (n.+1%:R^-1)) S.
rewrite (_ : (fun x => _) = (fun x => n.+1%:R^-1 * \sum_k l k x : R^o)); last first.
  by apply/funext => x; rewrite /mean mulrC.
apply: (is_diff_eq D); apply/funext => v; rewrite /mean mulr0 addr0 mulrC.
by [].
Qed.

(** The deviation of a family, through the square root. *)
Lemma is_diff_deviation (V : normedModType R) (x0 : V) (l dl : 'I_n.+1 -> V -> R^o) (eps : R) :
  (forall k, is_diff x0 (l k) (dl k)) -> 0 < eps ->
  is_diff x0 (fun x => Num.sqrt (mean (fun k => l k x ^+ 2) + eps) : R^o)
    (fun w => mean (fun k => l k x0 / Num.sqrt (mean (fun k => l k x0 ^+ 2) + eps) * dl k w) : R^o).
Proof.
move=> h e0; set s := Num.sqrt _.
have p0 : 0 < mean (fun k => (l k x0 : R) ^+ 2) + eps.
  by rewrite ltr_spaddr // mean_sqr_ge0.
have dm : is_diff x0 (fun x => mean (fun k => (l k x : R) ^+ 2) + eps : R^o)
    (fun w => mean (fun k => l k x0 * dl k w + l k x0 * dl k w) : R^o).
  have d2 k : is_diff x0 (fun x => (l k x : R) ^+ 2 : R^o) (fun w => l k x0 * dl k w + l k x0 * dl k w : R^o).
    exact: (is_diff_mul (h k) (h k)).
  have := is_diff_add (is_diff_mean d2) (is_diff_const x0 eps).
  by move=> D; apply: (is_diff_eq D); apply/funext => v; rewrite addr0.
apply: (is_diff_eq (is_diff_una dm (is_derive_sqrt p0))); apply/funext => v.
rewrite -/s /mean mulrA [_ * (\sum_k _)]mulr_sumr; congr (_ / _); apply: eq_bigr => k _.
have s0 : s != 0 by rewrite lt0r_neq0 // sqrtr_gt0.
move: (l k x0 : R) (dl k v : R) => a b; change ((s + s)^-1 * (a * b + a * b) = a / s * b :> R).
have -> : s + s = 2%:R * s by rewrite mulr_natl mulr2n.
rewrite -mulr2n -[a * b *+ 2]mulr_natl invfM mulrACA mulVf ?pnatr_eq0 // mul1r.
by rewrite mulrC mulrAC.
Qed.
End Mean.

(** ** Rows *)
Section Rows.
Variables (m n : nat).
Implicit Types (x dy v : mat m n).

Definition three_terms (s : 'I_m.+1 -> R) (y dy : mat m n) : mat m n := \matrix_(i, j)
  ((dy i j - mean (dy i) - y i j * mean (fun k => dy i k * y i k)) / s i).

Lemma centred_diff x i j : is_diff x (fun y : mat m n => y i j - mean (y i) : R^o)
  (fun v : mat m n => v i j - mean (v i) : R^o).
Proof. exact: (is_diff_sub (is_diff_coord i j x) (is_diff_mean (fun k => is_diff_coord i k x))). Qed.

Theorem centred_vjp x : is_vjp_mx (@centred_mx m n) x (@centred_mx m n).
Proof.
have D : is_diff x (@centred_mx m n) (fun v => \matrix_(i, j) (v i j - mean (v i) : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => y i j - mean (y i) : R^o)).
    exact: centred_diff.
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE; apply: eq_bigr => i _.
rewrite (eq_bigr (fun j => dy i j * v i j - mean (dy i) * v i j)) => [|j _]; last by rewrite mxE mulrBl.
rewrite [RHS](eq_bigr (fun j => dy i j * v i j - dy i j * mean (v i))) => [|j _]; last by rewrite mxE mulrBr.
by rewrite !sumrB -mulr_sumr -mulr_suml mean_mul.
Qed.

Variable eps : R.
Hypothesis eps0 : 0 < eps.

Lemma deviation_gt0 x i : 0 < deviation eps x i.
Proof. by rewrite sqrtr_gt0 ltr_spaddr // mean_sqr_ge0. Qed.

Lemma deviation_diff x i : is_diff x (fun y : mat m n => deviation eps y i : R^o)
  (fun v : mat m n => mean (fun k => (x i k - mean (x i)) / deviation eps x i * (v i k - mean (v i))) : R^o).
Proof. exact: (is_diff_deviation (fun k => centred_diff x i k) eps0). Qed.

(** The reciprocal of the deviation, over its row. *)
Theorem inverse_deviation_vjp x :
  is_vjp_mx (fun y : mat m n => \matrix_(i, j) (deviation eps y i)^-1 : mat m n) x
    (fun dy : mat m n => \matrix_(i, j)
      (- (\sum_k dy i k) * (x i j - mean (x i)) / (n.+1%:R * deviation eps x i ^+ 3))).
Proof.
pose d i v := mean (fun k => (x i k - mean (x i)) / deviation eps x i * ((v : mat m n) i k - mean (v i))).
have D : is_diff x (fun y : mat m n => \matrix_(i, j) (deviation eps y i)^-1 : mat m n)
    (fun v : mat m n => \matrix_(i, j) (- (deviation eps x i ^- 2) * d i v : R^o) : mat m n).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => (deviation eps y i)^-1 : R^o)).
    exact: (is_diff_una (deviation_diff x i) (is_derive_inv (lt0r_neq0 (deviation_gt0 x i)))).
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE; apply: eq_bigr => i _.
have s0 := lt0r_neq0 (deviation_gt0 x i); set s := deviation eps x i in s0 *.
rewrite [RHS](eq_bigr (fun j => dy i j * (- (s ^- 2) * d i v))) => [|j _]; last by rewrite mxE.
rewrite -mulr_suml; have -> : d i v = (\sum_k (x i k - mean (x i)) * v i k) / (s * n.+1%:R).
  have e := sum_centred (x i).
  rewrite /d /mean -/s invfM mulrA; congr (_ / _); rewrite mulr_suml -/(mean (x i)) -/(mean (v i)).
  rewrite (eq_bigr (fun k => (x i k - mean (x i)) * v i k / s - (x i k - mean (x i)) * (mean (v i) / s))).
    by rewrite sumrB -[X in _ - X]mulr_suml e mul0r subr0.
  by move=> k _; reals R.
set G := \sum_(k < n.+1) dy i k.
rewrite [in RHS]mulr_suml !mulr_sumr; apply: eq_bigr => j _; rewrite mxE -/G -/s exprS !invfM.
by reals R.
Qed.

Lemma normalize_mx_diff x : is_diff x (normalize_mx eps : mat m n -> mat m n)
  (fun v => \matrix_(i, j) ((v i j - mean (v i)) / deviation eps x i
     - normalize_mx eps x i j * mean (fun k => normalize_mx eps x i k * (v i k - mean (v i)))
       / deviation eps x i : R^o)).
Proof.
apply: is_diff_mx => i j.
rewrite (_ : (fun y => _) = (fun y : mat m n => (y i j - mean (y i)) / deviation eps y i : R^o)); last first.
  by apply/funext => y; rewrite mxE.
have D := @is_diff_div R _ x _ (fun y : mat m n => deviation eps y i : R^o) _ _
  (lt0r_neq0 (deviation_gt0 x i)) (centred_diff x i j) (deviation_diff x i).
apply: (is_diff_eq D); apply/funext => v; congr (_ - _ * _ / _); first by rewrite mxE.
by rewrite /mean; congr (_ / _); apply: eq_bigr => k _; rewrite mxE.
Qed.

Theorem layer_norm_vjp x :
  is_vjp_mx (normalize_mx eps) x (three_terms (deviation eps x) (normalize_mx eps x)).
Proof.
apply: (is_vjp_mx_diff (normalize_mx_diff x)) => dy v; rewrite !mdotE; apply: eq_bigr => i _.
rewrite (eq_bigr (fun j => (dy i j - mean (dy i) - normalize_mx eps x i j
    * mean (fun k => dy i k * normalize_mx eps x i k)) / deviation eps x i * v i j)).
  rewrite three_terms_sum; first by apply: eq_bigr => j _; rewrite [in RHS]mxE.
  rewrite (eq_bigr (fun j => (x i j - mean (x i)) / deviation eps x i)) => [|j _]; last by rewrite mxE.
  by rewrite -mulr_suml sum_centred mul0r.
by move=> j _; rewrite [in LHS]mxE.
Qed.

Theorem rms_norm_vjp x (y := rms_normalize eps x) :
  is_vjp_mx (rms_normalize eps) x (fun dy => \matrix_(i, j)
    ((dy i j - y i j * mean (fun k => dy i k * y i k)) / rms_deviation eps x i)).
Proof.
have s0 i : rms_deviation eps x i != 0 by rewrite lt0r_neq0 // sqrtr_gt0 ltr_spaddr // mean_sqr_ge0.
have D : is_diff x (rms_normalize eps : mat m n -> mat m n)
  (fun v => \matrix_(i, j) (v i j / rms_deviation eps x i
     - y i j * mean (fun k => y i k * v i k) / rms_deviation eps x i : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => y i j / rms_deviation eps y i : R^o)); last first.
    by apply/funext => z; rewrite mxE.
  have D := @is_diff_div R _ x _ (fun y : mat m n => rms_deviation eps y i : R^o) _ _
    (s0 i) (is_diff_coord i j x)
    (is_diff_deviation (fun k => is_diff_coord i k x) eps0).
  apply: (is_diff_eq D); apply/funext => v; congr (_ - _ * _ / _); first by rewrite mxE.
  by rewrite /mean; congr (_ / _); apply: eq_bigr => k _; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE; apply: eq_bigr => i _.
rewrite (eq_bigr (fun j => (dy i j - y i j * mean (fun k => dy i k * y i k))
    / rms_deviation eps x i * v i j)) => [|j _]; last by rewrite mxE.
by rewrite rms_sum; apply: eq_bigr => j _; rewrite [in RHS]mxE.
Qed.
End Rows.

(** ** Columns *)
Theorem batch_norm_vjp m n (eps : R) (x : mat m n) (y := batch_normalize eps x) : 0 < eps ->
  is_vjp_mx (batch_normalize eps) x (fun dy => \matrix_(i, j)
    ((dy i j - mean (dy^~ j) - y i j * mean (fun k => dy k j * y k j)) / batch_deviation eps x j)).
Proof.
move=> eps0.
have rowE (z : mat m n) j : z^T j = z^~ j by apply/funext => k; rewrite mxE.
have devE (z : mat m n) j : deviation eps z^T j = batch_deviation eps z j.
  by rewrite /deviation rowE; congr (Num.sqrt (mean _ + _)); apply/funext => k; rewrite mxE.
have fE (z : mat m n) : (normalize_mx eps z^T)^T = batch_normalize eps z.
  by apply/matrixP => i j; rewrite !mxE rowE devE.
have h := is_vjp_mx_comp (is_vjp_mx_comp (vjp_mx_trmx x) (layer_norm_vjp eps0 x^T)) (vjp_mx_trmx _).
apply: is_vjp_mx_ext h => [z|dy] /=; first exact: fE.
apply/matrixP => i j; have yE k : normalize_mx eps x^T j k = y k j by rewrite /y -fE [RHS]mxE.
rewrite [LHS]mxE [LHS]mxE [RHS]mxE devE yE rowE.
by congr ((_ - _ - _ * mean _) / _); apply/funext => k; rewrite yE.
Qed.

(** ** Scales and shifts *)
Section Affine.
Variables (m n : nat).
Implicit Types (y dy : mat m n) (g b : 'rV[R]_n.+1).

Theorem spread_vjp b : is_vjp_mx (@spread m.+1 n.+1) b (@col_sums m.+1 n.+1).
Proof.
have D : is_diff b (@spread m.+1 n.+1) (fun v => \matrix_(i, j) (v 0 j : R^o)).
  apply: is_diff_mx => i j; rewrite (_ : (fun z => _) = (fun z : 'rV[R]_n.+1 => z 0 j : R^o)).
    exact: is_diff_coord.
  by apply/funext => z; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE big_ord1 exchange_big; apply: eq_bigr => j _ /=.
by rewrite mxE mulr_suml; apply: eq_bigr => i _; rewrite mxE.
Qed.

Theorem col_sums_vjp y : is_vjp_mx (@col_sums m.+1 n.+1) y (@spread m.+1 n.+1).
Proof.
have D : is_diff y (@col_sums m.+1 n.+1) (fun v => \matrix_(i, j) (\sum_k v k j : R^o)).
  apply: is_diff_mx => i j; rewrite (_ : (fun y => _) = (fun y : mat m n => \sum_k y k j : R^o)).
    by apply: is_diff_sum => k _; exact: is_diff_coord.
  by apply/funext => z; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE big_ord1 exchange_big; apply: eq_bigr => j _ /=.
by rewrite mxE mulr_sumr; apply: eq_bigr => i _; rewrite mxE.
Qed.

Lemma affineE g b y : affine g b y = hadamard y (spread m.+1 g) + spread m.+1 b.
Proof. by apply/matrixP => i j; rewrite !mxE. Qed.

Theorem affine_vjp g b y : is_vjp_mx (affine g b) y (fun dy => \matrix_(i, j) (dy i j * g 0 j)).
Proof.
have h := vjp_mx_add (vjp_mx_hadamard (vjp_mx_id y) (vjp_mx_const (spread m.+1 g) y))
  (vjp_mx_const (spread m.+1 b) y).
apply: is_vjp_mx_ext h => [z|dy]; first by rewrite affineE.
by rewrite !addr0; apply/matrixP => i j; rewrite !mxE.
Qed.

Theorem affine_scale_vjp g b y :
  is_vjp_mx (fun g => affine g b y) g (fun dy => \row_j \sum_i dy i j * y i j).
Proof.
have h := vjp_mx_add (vjp_mx_hadamard (vjp_mx_const y g) (spread_vjp g))
  (vjp_mx_const (spread m.+1 b) g).
apply: is_vjp_mx_ext h => [z|dy]; first by rewrite affineE.
by rewrite add0r addr0; apply/rowP => j; rewrite !mxE; apply: eq_bigr => i _; rewrite mxE.
Qed.

Theorem affine_shift_vjp g b y :
  is_vjp_mx (fun b => affine g b y) b (fun dy => \row_j \sum_i dy i j).
Proof.
have h := vjp_mx_add (vjp_mx_const (hadamard y (spread m.+1 g)) b) (spread_vjp b).
by apply: is_vjp_mx_ext h => [z|dy]; rewrite ?affineE ?add0r.
Qed.

(** With scales and shifts: the three terms, at the scaled cotangent. *)
Theorem batch_norm_layer_vjp eps g b (x : mat m n) (y := batch_normalize eps x) : 0 < eps ->
  is_vjp_mx (fun x => affine g b (batch_normalize eps x)) x (fun dy => \matrix_(i, j)
    (g 0 j * (dy i j - mean (dy^~ j) - y i j * mean (fun k => dy k j * y k j))
     / batch_deviation eps x j)).
Proof.
move=> eps0; have h := is_vjp_mx_comp (batch_norm_vjp x eps0) (affine_vjp g b y).
apply: is_vjp_mx_ext h => // dy; apply/matrixP => i j; rewrite [LHS]mxE [RHS]mxE.
set A := \matrix_(_, _) _; have AE k : A k j = dy k j * g 0 j by rewrite mxE.
have -> : mean (A^~ j) = g 0 j * mean (dy^~ j).
  by rewrite /mean mulrA mulr_sumr; congr (_ / _); apply: eq_bigr => k _; rewrite AE mulrC.
have -> : mean (fun k => A k j * y k j) = g 0 j * mean (fun k => dy k j * y k j).
  rewrite /mean mulrA mulr_sumr; congr (_ / _); apply: eq_bigr => k _.
  by rewrite AE; reals R.
by rewrite AE -/y; congr (_ / _); reals R.
Qed.

Theorem layer_norm_layer_vjp eps g b (x : mat m n) : 0 < eps ->
  is_vjp_mx (fun x => affine g b (normalize_mx eps x)) x (fun dy =>
    three_terms (deviation eps x) (normalize_mx eps x) (\matrix_(i, j) (dy i j * g 0 j))).
Proof. by move=> eps0; exact: (is_vjp_mx_comp (layer_norm_vjp eps0 x) (affine_vjp g b _)). Qed.
End Affine.
End Norm.
