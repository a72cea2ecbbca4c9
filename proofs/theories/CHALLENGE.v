(** * What is claimed, in the words of the library alone

    Nothing of this development is imported here: whoever doubts a theorem
    reads this file, and sees in [Challenge_met.v] that each statement is
    proved. [differentiable] and ['d f x v] are MathComp-Analysis's Fréchet
    derivative and its value in direction [v]; ['D_v f x] is the derivative
    along [v]; [R^o] is [R] as a normed space over itself. A matrix
    ['M[R]_(m.+1, n.+1)] has [m + 1] rows.

    Every backward below is a formula, claimed to be the transpose of the
    derivative of a forward, at all sizes.

    Glossary
      - [inner a b]           the sum of the products of the elements
      - [is_backward f x b]   [f] is differentiable at [x], and [b] is the
                              transpose of its derivative there
      - [is_gradient f x g]   the same of a function into the reals
      - [challenge]           all statements together *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences exp trigo.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Challenge.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Notation vec n := 'rV[R]_n.+1.

Definition inner m n (a b : 'M[R]_(m, n)) : R := \sum_i \sum_j a i j * b i j.

Definition is_backward m n p q (f : mat m n -> mat p q) (x : mat m n) (b : mat p q -> mat m n) : Prop :=
  differentiable f x /\ forall dy v, inner (b dy) v = inner dy ('d f x v).

Definition is_gradient m n (f : mat m n -> R^o) (x g : mat m n) : Prop :=
  differentiable f x /\ forall v, 'd f x v = inner g v.

(** ** What a backward is *)

(** On row vectors: the Jacobian of partial derivatives, applied. *)
Definition backward_is_jacobian : Prop := forall n m (f : vec n -> vec m) x b,
  is_backward f x b <->
  differentiable f x /\
  forall dy i, b dy 0 i = \sum_j 'D_(delta_mx 0 i) (fun y => f y 0 j : R^o) x * dy 0 j.

Definition backward_unique : Prop := forall m n p q (f : mat m n -> mat p q) x b c,
  is_backward f x b -> is_backward f x c -> b =1 c.

(** ** The rules *)
Definition identity_rule : Prop := forall m n (x : mat m n), is_backward id x id.

Definition constant_rule : Prop := forall m n p q (c : mat p q) (x : mat m n),
  is_backward (fun _ => c) x (fun _ => 0).

Definition chain_rule : Prop :=
  forall m n p q r s (f : mat m n -> mat p q) (g : mat p q -> mat r s) x bf bg,
  is_backward f x bf -> is_backward g (f x) bg -> is_backward (g \o f) x (bf \o bg).

Definition sum_rule : Prop := forall m n p q (f g : mat m n -> mat p q) x bf bg,
  is_backward f x bf -> is_backward g x bg ->
  is_backward (fun y => f y + g y) x (fun dy => bf dy + bg dy).

Definition times m n (a b : mat m n) : mat m n := \matrix_(i, j) (a i j * b i j).

Definition product_rule : Prop := forall m n p q (f g : mat m n -> mat p q) x bf bg,
  is_backward f x bf -> is_backward g x bg ->
  is_backward (fun y => times (f y) (g y)) x
    (fun dy => bf (times dy (g x)) + bg (times dy (f x))).

Definition matrix_product_rule : Prop :=
  forall m n p q r (f : mat m n -> mat p q) (g : mat m n -> mat q r) x bf bg,
  is_backward f x bf -> is_backward g x bg ->
  is_backward (fun y => f y *m g y) x (fun dy => bf (dy *m (g x)^T) + bg ((f x)^T *m dy)).

Definition transpose_rule : Prop := forall m n (x : mat m n),
  is_backward (fun y : mat m n => y^T) x (fun dy => dy^T).

Definition scale_rule : Prop := forall m n p q c (f : mat m n -> mat p q) x b,
  is_backward f x b -> is_backward (fun y => c *: f y) x (fun dy => c *: b dy).

(** Of any finite family. *)
Definition finite_sum_rule : Prop :=
  forall (I : finType) m n p q (f : I -> mat m n -> mat p q) x (b : I -> mat p q -> mat m n),
  (forall i, is_backward (f i) x (b i)) ->
  is_backward (fun y => \sum_i f i y) x (fun dy => \sum_i b i dy).

(** A skip connection. *)
Definition residual_rule : Prop := forall m n (f : mat m n -> mat m n) x b,
  is_backward f x b -> is_backward (fun y => y + f y) x (fun dy => dy + b dy).

(** Each row by itself, by a function of its own. *)
Definition row_rule : Prop :=
  forall m n p (g : 'I_m.+1 -> vec n -> vec p) (x : mat m n) (b : 'I_m.+1 -> vec p -> vec n),
  (forall i, is_backward (g i) (row i x) (b i)) ->
  is_backward (fun y => \matrix_(i, j) g i (row i y) 0 j) x
    (fun dy => \matrix_(i, j) b i (row i dy) 0 j).

(** Cells read from elsewhere, some more than once, some not at all: a cotangent goes
    back to where its cell was read. Reshapes, slices, windows and, cell by cell, what a
    maximum selects. *)
Definition reading_rule : Prop :=
  forall m n p q (from : 'I_p.+1 -> 'I_q.+1 -> 'I_m.+1 * 'I_n.+1) (x : mat m n),
  is_backward (fun y : mat m n => \matrix_(i, j) y (from i j).1 (from i j).2) x
    (fun dy => \matrix_(k, l) \sum_i \sum_(j | from i j == (k, l)) dy i j).

(** ** Dense layers: rows are examples, columns features *)
Definition dense k n m (x : mat k n) (W : mat n m) (b : vec m) : mat k m :=
  \matrix_(i, j) (\sum_l x i l * W l j + b 0 j).
Definition sum_rows k m (dy : mat k m) : vec m := \row_j \sum_i dy i j.

Definition dense_backward : Prop := forall k n m (x : mat k n) (W : mat n m) (b : vec m),
  [/\ is_backward (fun x => dense x W b) x (fun dy => dy *m W^T),
      is_backward (fun W => dense x W b) W (fun dy => x^T *m dy)
    & is_backward (fun b => dense x W b) b (@sum_rows k m)].

(** ** Activations *)
Definition pointwise_rule : Prop := forall m n (u u' : R -> R) (x : mat m n),
  (forall i j, is_derive (x i j) 1 u (u' (x i j))) ->
  is_backward (map_mx u) x (fun dy => \matrix_(i, j) (u' (x i j) * dy i j)).

Definition relu m n (x : mat m n) : mat m n := \matrix_(i, j) Num.max (x i j) 0.
Definition relu_back m n (x dy : mat m n) : mat m n := \matrix_(i, j) (if 0 < x i j then dy i j else 0).

(** Off its kink; at 0 it is not differentiable. *)
Definition relu_backward : Prop := forall m n (x : mat m n), (forall i j, x i j != 0) ->
  is_backward (@relu m n) x (relu_back x).

Definition sigmoid (x : R) : R := (1 + expR (- x))^-1.

Definition sigmoid_backward : Prop := forall m n (x : mat m n), is_backward (map_mx sigmoid) x
  (fun dy => \matrix_(i, j) (sigmoid (x i j) * (1 - sigmoid (x i j)) * dy i j)).

Definition silu_backward : Prop := forall m n (x : mat m n),
  is_backward (map_mx (fun z => z * sigmoid z)) x (fun dy => \matrix_(i, j)
    (sigmoid (x i j) * (1 + x i j * (1 - sigmoid (x i j))) * dy i j)).

(** [x · Φ(x)] with [Φ] the distribution function of the standard normal, by the
    power series of the error function. *)
Definition erf_term (x : R) (n : nat) : R := (-1) ^+ n * x ^+ n.*2.+1 / (n`! * n.*2.+1)%:R.
Definition erf (x : R) : R := 2%:R / Num.sqrt pi * lim (series (erf_term x)).
Definition normal_cdf (x : R) : R := (1 + erf (x / Num.sqrt 2%:R)) / 2%:R.
Definition normal_pdf (x : R) : R := expR (- (x ^+ 2 / 2%:R)) / Num.sqrt (2%:R * pi).

Definition gelu_backward : Prop := forall m n (x : mat m n),
  is_backward (map_mx (fun z => z * normal_cdf z)) x (fun dy => \matrix_(i, j)
    ((normal_cdf (x i j) + x i j * normal_pdf (x i j)) * dy i j)).

(** ** Softmax of every row, and the mean cross-entropy with targets [t] *)
Definition softmax m n (z : mat m n) : mat m n :=
  \matrix_(i, j) (expR (z i j) / \sum_k expR (z i k)).
Definition softmax_back m n (s dy : mat m n) : mat m n :=
  \matrix_(i, j) (s i j * (dy i j - \sum_k dy i k * s i k)).

Definition softmax_backward : Prop := forall m n (z : mat m n),
  is_backward (@softmax m n) z (softmax_back (softmax z)).

Definition cross_entropy m n (t z : mat m n) : R :=
  - (\sum_i \sum_j t i j * ln (softmax z i j)) / m.+1%:R.

Definition cross_entropy_gradient : Prop := forall m n (t z : mat m n),
  (forall i, \sum_k t i k = 1) ->
  is_gradient (cross_entropy t) z (m.+1%:R^-1 *: (softmax z - t)).

(** ** Normalisation: the three terms *)
Definition mean n (l : 'I_n.+1 -> R) : R := (\sum_k l k) / n.+1%:R.
Definition deviation n (eps : R) (l : 'I_n.+1 -> R) : R :=
  Num.sqrt (mean (fun k => (l k - mean l) ^+ 2) + eps).

Definition layer_norm m n eps (g b : vec n) (x : mat m n) : mat m n :=
  \matrix_(i, j) ((x i j - mean (x i)) / deviation eps (x i) * g 0 j + b 0 j).
Definition batch_norm m n eps (g b : vec n) (x : mat m n) : mat m n :=
  \matrix_(i, j) ((x i j - mean (x^~ j)) / deviation eps (x^~ j) * g 0 j + b 0 j).

(** With [y] the result before the scales [g] and shifts [b]. *)
Definition layer_norm_backward : Prop := forall m n eps (g b : vec n) (x : mat m n), 0 < eps ->
  let y i j := (x i j - mean (x i)) / deviation eps (x i) in
  let h (dy : mat m n) i j := dy i j * g 0 j in
  is_backward (layer_norm eps g b) x (fun dy => \matrix_(i, j)
    ((h dy i j - mean (h dy i) - y i j * mean (fun k => h dy i k * y i k)) / deviation eps (x i))).

(** Over the rows: batch and, in images, places. *)
Definition batch_norm_backward : Prop := forall m n eps (g b : vec n) (x : mat m n), 0 < eps ->
  let y i j := (x i j - mean (x^~ j)) / deviation eps (x^~ j) in
  [/\ is_backward (batch_norm eps g b) x (fun dy => \matrix_(i, j)
        (g 0 j * (dy i j - mean (dy^~ j) - y i j * mean (fun k => dy k j * y k j))
         / deviation eps (x^~ j))),
      is_backward (fun g => batch_norm eps g b x) g (fun dy => \row_j \sum_i dy i j * y i j)
    & is_backward (fun b => batch_norm eps g b x) b (fun dy => \row_j \sum_i dy i j)].

(** ** Attention: [softmax (c · Q Kᵀ) V] *)
Definition attention t u d e c (Q : mat t d) (K : mat u d) (V : mat u e) : mat t e :=
  softmax (c *: (Q *m K^T)) *m V.

Definition attention_backward : Prop :=
  forall t u d e c (Q : mat t d) (K : mat u d) (V : mat u e),
  let P := softmax (c *: (Q *m K^T)) in
  let dS dy := c *: softmax_back P (dy *m V^T) in
  [/\ is_backward (fun Q => attention c Q K V) Q (fun dy => dS dy *m K),
      is_backward (fun K => attention c Q K V) K (fun dy => (dS dy)^T *m Q)
    & is_backward (fun V => attention c Q K V) V (fun dy => P^T *m dy)].

(** ** Convolution

    Of an image [x c i j], [C] channels of [H] by [W] pixels, with a kernel
    [k o c p q], [O] features of [C] channels of [P] by [Q] cells, stride [s],
    and [pad] zeros around the image; the result has [I] by [J] places.
    Pixels and kernel are functions of a point [v] of any normed space: with
    the images as that space, and a constant kernel, it is the derivative in
    the image, and the other way round. *)
Section Convolution.
Variables (C H W O P Q I J s pad : nat).

Definition pixel (x : nat -> nat -> nat -> R) (c i j : nat) : R :=
  if (pad <= i < pad + H)%N && (pad <= j < pad + W)%N then x c (i - pad)%N (j - pad)%N else 0.

Definition conv (x : nat -> nat -> nat -> R) (k : nat -> nat -> nat -> nat -> R) (b : nat -> R) o i j : R :=
  \sum_(c < C) \sum_(p < P) \sum_(q < Q) pixel x c (i * s + p)%N (j * s + q)%N * k o c p q + b o.

(** To a pixel come back all places that saw it. *)
Definition conv_back_image (k : nat -> nat -> nat -> nat -> R) (dy : nat -> nat -> nat -> R) c i j : R :=
  \sum_(o < O) \sum_(i' < I) \sum_(j' < J) \sum_(p < P | (i' * s + p == i + pad)%N)
    \sum_(q < Q | (j' * s + q == j + pad)%N) dy o i' j' * k o c p q.
Definition conv_back_kernel (x : nat -> nat -> nat -> R) (dy : nat -> nat -> nat -> R) o c p q : R :=
  \sum_(i < I) \sum_(j < J) dy o i j * pixel x c (i * s + p)%N (j * s + q)%N.
Definition conv_back_bias (dy : nat -> nat -> nat -> R) o : R := \sum_(i < I) \sum_(j < J) dy o i j.

Definition conv_backward : Prop := forall (V : normedModType R) (v0 : V)
    (x : V -> nat -> nat -> nat -> R) (k : V -> nat -> nat -> nat -> nat -> R) (b : V -> nat -> R),
  (forall c i j, differentiable (fun v => x v c i j : R^o) v0) ->
  (forall o c p q, differentiable (fun v => k v o c p q : R^o) v0) ->
  (forall o, differentiable (fun v => b v o : R^o) v0) ->
  let y v := conv (x v) (k v) (b v) in
  (forall o i j, differentiable (fun v => y v o i j : R^o) v0) /\
  forall (dy : nat -> nat -> nat -> R) (v : V),
    \sum_(o < O) \sum_(i < I) \sum_(j < J) dy o i j * 'd (fun v => y v o i j : R^o) v0 v
    = \sum_(c < C) \sum_(i < H) \sum_(j < W)
        conv_back_image (k v0) dy c i j * 'd (fun v => x v c i j : R^o) v0 v
    + \sum_(o < O) \sum_(c < C) \sum_(p < P) \sum_(q < Q)
        conv_back_kernel (x v0) dy o c p q * 'd (fun v => k v o c p q : R^o) v0 v
    + \sum_(o < O) conv_back_bias dy o * 'd (fun v => b v o : R^o) v0 v.
End Convolution.

(** ** A whole network: the perceptron with one hidden layer *)
Definition perceptron k n m p (x : mat k n) (W1 : mat n m) (b1 : vec m) (W2 : mat m p) (b2 : vec p) :=
  dense (relu (dense x W1 b1)) W2 b2.

Definition perceptron_gradient : Prop :=
  forall k n m p (x : mat k n) (t : mat k p) (W1 : mat n m) (b1 : vec m) (W2 : mat m p) (b2 : vec p),
  (forall i, \sum_j t i j = 1) -> (forall i j, dense x W1 b1 i j != 0) ->
  let h := dense x W1 b1 in
  let d2 := k.+1%:R^-1 *: (softmax (perceptron x W1 b1 W2 b2) - t) in
  let d1 := relu_back h (d2 *m W2^T) in
  let loss W1 b1 W2 b2 : R^o := cross_entropy t (perceptron x W1 b1 W2 b2) in
  [/\ is_gradient (fun W => loss W b1 W2 b2) W1 (x^T *m d1),
      is_gradient (fun b => loss W1 b W2 b2) b1 (sum_rows d1),
      is_gradient (fun W => loss W1 b1 W b2) W2 ((relu h)^T *m d2)
    & is_gradient (fun b => loss W1 b1 W2 b) b2 (sum_rows d2)].
End Challenge.

Definition challenge : Prop := forall R : realType,
  [/\ backward_is_jacobian R /\ backward_unique R,
      [/\ identity_rule R, constant_rule R, chain_rule R & sum_rule R],
      [/\ product_rule R, matrix_product_rule R, transpose_rule R, scale_rule R
        & [/\ finite_sum_rule R, residual_rule R, row_rule R & reading_rule R]],
      [/\ dense_backward R, pointwise_rule R, relu_backward R, sigmoid_backward R
        & silu_backward R /\ gelu_backward R]
    & [/\ softmax_backward R /\ cross_entropy_gradient R,
          layer_norm_backward R /\ batch_norm_backward R, attention_backward R,
          forall C H W O P Q I J s pad, conv_backward R C H W O P Q I J s pad
        & perceptron_gradient R]].
