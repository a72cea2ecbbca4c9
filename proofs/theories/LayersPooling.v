(** * Layers that gather and gate, in closed form

    Global average pooling, squeeze-and-excitation and the embedding of patches,
    on matrices: rows are the places of an image, columns its channels.

    Glossary
      - [average x]      the mean of every column
      - [gate g x]       every column of [x] times its number in the row [g x]
      - [squeeze_excite] the gate of a perceptron on the averages
      - [patches σ x]    cell [(k, l)] is the cell of the image that [σ] says:
                         patch [k], its [l]-th number
      - [patch_embed]    a dense layer on the patches, plus positions *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Cotangent Require Import Vjp DenoteFacts Tangent Scalar Differential Layers LayersRules LayersNorm.
From Cotangent Require Import LayersPointwise.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Pooling.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

(** ** The mean over all places *)
Definition average m n (x : mat m n) : 'rV[R]_n.+1 := \row_j mean (x^~ j).

Theorem average_vjp m n (x : mat m n) :
  is_vjp_mx (@average m n) x (fun dy => \matrix_(i, j) (dy 0 j / m.+1%:R)).
Proof.
apply: is_vjp_mx_ext (vjp_mx_scale (m.+1%:R^-1) (col_sums_vjp x)) => [z|dy].
  by apply/rowP => j; rewrite !mxE mulrC.
by apply/matrixP => i j; rewrite !mxE mulrC.
Qed.

(** ** Gates: the product rule *)
Definition gate m n (g : mat m n -> 'rV[R]_n.+1) (x : mat m n) : mat m n :=
  \matrix_(i, j) (x i j * g x 0 j).

Theorem gate_vjp m n (g : mat m n -> 'rV[R]_n.+1) (x : mat m n) bg : is_vjp_mx g x bg ->
  is_vjp_mx (gate g) x
    (fun dy => \matrix_(i, j) (dy i j * g x 0 j) + bg (\row_j \sum_i dy i j * x i j)).
Proof.
move=> hg.
have h := vjp_mx_hadamard (vjp_mx_id x) (is_vjp_mx_comp hg (spread_vjp m (g x))).
apply: is_vjp_mx_ext h => [z|dy] /=; first by apply/matrixP => i j; rewrite !mxE.
congr (_ + bg _); first by apply/matrixP => i j; rewrite !mxE.
by apply/rowP => j; rewrite !mxE; apply: eq_bigr => i _; rewrite mxE.
Qed.

(** The gate is [sigmoid (silu (average x · W1 + b1) · W2 + b2)]. *)
Section Squeeze.
Variables (m n r : nat) (W1 : mat n r) (b1 : 'rV[R]_r.+1) (W2 : mat r n) (b2 : 'rV[R]_n.+1).
Implicit Types (x dy : mat m n).

Definition squeezed x : 'rV[R]_r.+1 := dense (average x) W1 b1.
Definition excited x : 'rV[R]_n.+1 := dense (map_mx (@silu R) (squeezed x)) W2 b2.
Definition excitation x : 'rV[R]_n.+1 := map_mx (@sigmoid R) (excited x).
Definition squeeze_excite x : mat m n := gate excitation x.

(** Cotangents of the gates, through the sigmoid, through the perceptron. *)
Definition excitation_back x (ds : 'rV[R]_n.+1) : mat m n :=
  let s := excitation x in
  let de : 'rV[R]_n.+1 := \row_j (s 0 j * (1 - s 0 j) * ds 0 j) in
  let dq := de *m W2^T in
  let dz : 'rV[R]_r.+1 := \row_k (silu_slope (squeezed x 0 k) * dq 0 k) in
  \matrix_(i, j) ((dz *m W1^T) 0 j / m.+1%:R).

Lemma excitation_vjp x : is_vjp_mx excitation x (excitation_back x).
Proof.
have h1 := is_vjp_mx_comp (average_vjp x) (dense_input W1 b1 (average x)).
have h2 := is_vjp_mx_comp h1 (silu_vjp (squeezed x)).
have h3 := is_vjp_mx_comp h2 (dense_input W2 b2 (map_mx (@silu R) (squeezed x))).
have h4 := is_vjp_mx_comp h3 (sigmoid_vjp (excited x)).
apply: is_vjp_mx_ext h4 => // ds; rewrite /excitation_back /=; apply/matrixP => i j.
rewrite [LHS]mxE [RHS]mxE; congr (mulmx _ _ _ _ / _); apply/rowP => k.
rewrite [LHS]mxE [RHS]mxE; congr (_ * mulmx _ _ _ _); apply/rowP => l.
by rewrite [LHS]mxE [RHS]mxE /excitation !mxE.
Qed.

Theorem squeeze_excite_vjp x : is_vjp_mx squeeze_excite x
  (fun dy => \matrix_(i, j) (dy i j * excitation x 0 j)
    + excitation_back x (\row_j \sum_i dy i j * x i j)).
Proof. exact: (gate_vjp (excitation_vjp x)). Qed.
End Squeeze.

(** ** Patches *)
Section Patches.
Variables (h w p k d : nat) (σ : 'I_p.+1 -> 'I_k.+1 -> 'I_h.+1 * 'I_w.+1).
Variables (W : mat k d) (b : 'rV[R]_d.+1) (positions : mat p d).

Definition patch_embed (x : mat h w) : mat p d := dense (gather σ x) W b + positions.

Theorem patch_embed_vjp (x : mat h w) :
  is_vjp_mx patch_embed x (fun dy => scatter σ (dy *m W^T)).
Proof.
have g := is_vjp_mx_comp (vjp_mx_gather σ x) (dense_input W b (gather σ x)).
by apply: is_vjp_mx_ext (vjp_mx_add g (vjp_mx_const positions x)) => // dy /=; rewrite addr0.
Qed.

Theorem patch_embed_weight (x : mat h w) (V : mat k d) :
  is_vjp_mx (fun V => dense (gather σ x) V b + positions) V (fun dy => (gather σ x)^T *m dy).
Proof.
by apply: is_vjp_mx_ext (vjp_mx_add (dense_weight (gather σ x) b V) (vjp_mx_const positions V))
  => // dy /=; rewrite addr0.
Qed.
End Patches.
End Pooling.
