(** * Rules for the layers in closed form

    How the backward of a layer follows from the backwards of its parts, on
    matrices: the chain rule is in [Layers.v], the others are here. A textbook
    layer is then a composition, and its backward a formula.

    Glossary
      - [is_vjp_mxE]     the differential as a variable, see [is_vjpE]
      - [is_vjp_mx_unique]  there is one vector-Jacobian product
      - [vjp_mx_id], [vjp_mx_const], [vjp_mx_linear]
      - [vjp_mx_add], [vjp_mx_sum], [vjp_mx_scale]  paths that meet in a sum
      - [hadamard a b], [vjp_mx_hadamard]  the elementwise product; its rule
      - [vjp_mx_mulmx]   the rule of the matrix product of two functions
      - [vjp_mx_trmx], [vjp_mx_gather]  transposition; cells read from elsewhere
      - [vjp_mx_rows]    the same function on every row, or one for each
      - [vjp_mx_residual]  [x + f x] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Cotangent Require Import Vjp DenoteFacts Tangent Scalar Differential Layers.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Rules.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

(** ** The inner product *)
Lemma mdotDl m n (a b c : 'M[R]_(m, n)) : mdot (a + b) c = mdot a c + mdot b c.
Proof. by rewrite /mdot mulmxDl linearD. Qed.
Lemma mdotDr m n (a b c : 'M[R]_(m, n)) : mdot a (b + c) = mdot a b + mdot a c.
Proof. by rewrite /mdot linearD mulmxDr linearD. Qed.
Lemma mdotZl m n k (a b : 'M[R]_(m, n)) : mdot (k *: a) b = k * mdot a b.
Proof. by rewrite /mdot -scalemxAl linearZ. Qed.
Lemma mdotZr m n k (a b : 'M[R]_(m, n)) : mdot a (k *: b) = k * mdot a b.
Proof. by rewrite /mdot linearZ -scalemxAr linearZ. Qed.
Lemma mdot0l m n (b : 'M[R]_(m, n)) : mdot 0 b = 0.
Proof. by rewrite /mdot mul0mx linear0. Qed.
Lemma mdot0r m n (a : 'M[R]_(m, n)) : mdot a 0 = 0.
Proof. by rewrite /mdot linear0 mulmx0 linear0. Qed.

Lemma mdot_mulr m n p (a : 'M[R]_(m, p)) (b : 'M[R]_(m, n)) (c : 'M[R]_(n, p)) :
  mdot a (b *m c) = mdot (a *m c^T) b.
Proof. by rewrite /mdot trmx_mul mulmxA. Qed.
Lemma mdot_mull m n p (a : 'M[R]_(m, p)) (b : 'M[R]_(m, n)) (c : 'M[R]_(n, p)) :
  mdot a (b *m c) = mdot (b^T *m a) c.
Proof. by rewrite /mdot trmx_mul mulmxA mxtrace_mulC mulmxA. Qed.
Lemma mdot_tr m n (a : 'M[R]_(n, m)) (b : 'M[R]_(m, n)) : mdot a b^T = mdot a^T b.
Proof. by rewrite /mdot trmxK -mxtrace_tr trmx_mul mxtrace_mulC. Qed.

Lemma mdot_delta m n (a : mat m n) i j : mdot a (delta_mx i j) = a i j.
Proof.
rewrite mdotE (bigD1 i) //= (bigD1 j) //= [X in _ + X + _]big1 ?[X in _ + X]big1 ?addr0.
- by rewrite mxE !eqxx mulr1.
- by move=> k ki; apply: big1 => l _; rewrite mxE (negPf ki) mulr0.
- by move=> l lj; rewrite mxE (negPf lj) andbF mulr0.
Qed.

(** ** What a backward is *)
Section Facts.
Variables (m n p q : nat).
Implicit Types (f : mat m n -> mat p q) (x : mat m n) (back : mat p q -> mat m n).

(** With [df] a variable, conversion never compares two differentials. *)
Lemma is_vjp_mxE f x back : is_vjp_mx f x back ->
  exists df : mat m n -> mat p q, is_diff x f df /\
    forall dy v, mdot (back dy) v = mdot dy (df v).
Proof. by move=> [df h]; exists ('d f x). Qed.

Lemma is_vjp_mx_unique f x b1 b2 : is_vjp_mx f x b1 -> is_vjp_mx f x b2 -> b1 = b2.
Proof.
move=> [_ h1] [_ h2]; apply/funext => dy; apply/matrixP => i j.
by rewrite -[LHS]mdot_delta -[RHS]mdot_delta h1 h2.
Qed.

Lemma is_vjp_mx_ext f g x b c : f =1 g -> b =1 c -> is_vjp_mx f x b -> is_vjp_mx g x c.
Proof. by move=> /funext -> /funext ->. Qed.

Theorem vjp_mx_const (c : mat p q) x : is_vjp_mx (fun _ : mat m n => c) x (fun _ => 0).
Proof. by apply: (is_vjp_mx_diff (is_diff_cst c x)) => dy v; rewrite mdot0l mdot0r. Qed.

Theorem vjp_mx_linear (f : {linear mat m n -> mat p q}) x back :
  (forall dy v, mdot (back dy) v = mdot dy (f v)) -> is_vjp_mx f x back.
Proof. exact: (is_vjp_mx_diff (is_diff_linear f x)). Qed.

(** Cotangents of paths that meet in a sum add. *)
Theorem vjp_mx_add f g x bf bg : is_vjp_mx f x bf -> is_vjp_mx g x bg ->
  is_vjp_mx (fun y => f y + g y) x (fun dy => bf dy + bg dy).
Proof.
move=> /is_vjp_mxE [df [Df hf]] /is_vjp_mxE [dg [Dg hg]].
by apply: (is_vjp_mx_diff (is_diffD Df Dg)) => dy v; rewrite mdotDl hf hg -mdotDr.
Qed.

Theorem vjp_mx_scale c f x b : is_vjp_mx f x b ->
  is_vjp_mx (fun y => c *: f y) x (fun dy => c *: b dy).
Proof.
move=> /is_vjp_mxE [df [Df hf]].
by apply: (is_vjp_mx_diff (is_diffZ c Df)) => dy v; rewrite mdotZl hf -mdotZr.
Qed.

Theorem vjp_mx_sum (I : finType) (f : I -> mat m n -> mat p q) x (b : I -> mat p q -> mat m n) :
  (forall i, is_vjp_mx (f i) x (b i)) ->
  is_vjp_mx (fun y => \sum_i f i y) x (fun dy => \sum_i b i dy).
Proof.
move=> h; elim: (index_enum I) => [|i l ih].
  apply: is_vjp_mx_ext (vjp_mx_const 0 x) => y; by rewrite big_nil.
by apply: is_vjp_mx_ext (vjp_mx_add (h i) ih) => y; rewrite big_cons.
Qed.
End Facts.

Theorem vjp_mx_id m n (x : mat m n) : is_vjp_mx id x id.
Proof. exact: (is_vjp_mx_diff (is_diff_id x)). Qed.

(** A skip connection: the cotangent passes through unchanged, and adds. *)
Corollary vjp_mx_residual m n (f : mat m n -> mat m n) x b : is_vjp_mx f x b ->
  is_vjp_mx (fun y => y + f y) x (fun dy => dy + b dy).
Proof. by move=> h; exact: (vjp_mx_add (vjp_mx_id x) h). Qed.

(** ** Products *)
Definition hadamard m n (a b : 'M[R]_(m, n)) : 'M[R]_(m, n) := \matrix_(i, j) (a i j * b i j).

Lemma mdot_hadamard m n (a b c : 'M[R]_(m, n)) : mdot a (hadamard b c) = mdot (hadamard a b) c.
Proof.
by rewrite !mdotE; apply: eq_bigr => i _; apply: eq_bigr => j _; rewrite !mxE mulrA.
Qed.

Theorem vjp_mx_hadamard m n p q (f g : mat m n -> mat p q) x bf bg :
  is_vjp_mx f x bf -> is_vjp_mx g x bg ->
  is_vjp_mx (fun y => hadamard (f y) (g y)) x
    (fun dy => bf (hadamard dy (g x)) + bg (hadamard dy (f x))).
Proof.
move=> /is_vjp_mxE [df [Df hf]] /is_vjp_mxE [dg [Dg hg]].
have D : is_diff x (fun y => hadamard (f y) (g y))
    (fun v => \matrix_(i, j) (f x i j * dg v i j + g x i j * df v i j : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y => f y i j * g y i j : R^o)).
    exact: (is_diff_mul (is_diff_coordf i j Df) (is_diff_coordf i j Dg)).
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite mdotDl hf hg -!mdot_hadamard -mdotDr.
by congr mdot; apply/matrixP => i j; rewrite !mxE addrC.
Qed.

Theorem vjp_mx_mulmx m n p q r (f : mat m n -> mat p q) (g : mat m n -> mat q r) x bf bg :
  is_vjp_mx f x bf -> is_vjp_mx g x bg ->
  is_vjp_mx (fun y => f y *m g y) x
    (fun dy => bf (dy *m (g x)^T) + bg ((f x)^T *m dy)).
Proof.
move=> /is_vjp_mxE [df [Df hf]] /is_vjp_mxE [dg [Dg hg]].
have D : is_diff x (fun y => f y *m g y)
    (fun v => \matrix_(i, j) (\sum_k (f x i k * dg v k j + g x k j * df v i k) : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y => \sum_k f y i k * g y k j : R^o)).
    by apply: is_diff_sum => k _; exact: (is_diff_mul (is_diff_coordf i k Df) (is_diff_coordf k j Dg)).
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite mdotDl hf hg -mdot_mulr -mdot_mull -mdotDr.
congr mdot; apply/matrixP => i j; rewrite !mxE -big_split; apply: eq_bigr => k _ /=.
by rewrite addrC; congr (_ + _); rewrite mulrC.
Qed.

(** ** Moving elements *)
Theorem vjp_mx_trmx m n (x : mat m n) : is_vjp_mx (fun y : mat m n => y^T) x (fun dy => dy^T).
Proof. by apply: (vjp_mx_linear (f := trmx_linear _ _ _)) => dy v /=; rewrite mdot_tr. Qed.

(** Cell [(i, j)] of the result is cell [σ i j] of the argument; each cotangent
    goes back to where its cell was read. *)
Definition gather m n p q (σ : 'I_p -> 'I_q -> 'I_m * 'I_n) (x : 'M[R]_(m, n)) : 'M[R]_(p, q) :=
  \matrix_(i, j) x (σ i j).1 (σ i j).2.
Definition scatter m n p q (σ : 'I_p -> 'I_q -> 'I_m * 'I_n) (dy : 'M[R]_(p, q)) : 'M[R]_(m, n) :=
  \matrix_(k, l) \sum_i \sum_(j | σ i j == (k, l)) dy i j.

Theorem vjp_mx_gather m n p q (σ : 'I_p.+1 -> 'I_q.+1 -> 'I_m.+1 * 'I_n.+1) (x : mat m n) :
  is_vjp_mx (gather σ) x (scatter σ).
Proof.
have D : is_diff x (gather σ) (fun v => \matrix_(i, j) (v (σ i j).1 (σ i j).2 : R^o)).
  apply: is_diff_mx => i j; rewrite (_ : (fun y => _) = (fun y : mat m n => y (σ i j).1 (σ i j).2 : R^o)).
    exact: is_diff_coord.
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE.
transitivity (\sum_(kl : 'I_m.+1 * 'I_n.+1) \sum_i \sum_(j | σ i j == kl) dy i j * v kl.1 kl.2).
  rewrite pair_big /=; apply: eq_bigr => -[k l] _; rewrite mxE mulr_suml; apply: eq_bigr => i _.
  by rewrite mulr_suml.
rewrite exchange_big /=; apply: eq_bigr => i _.
rewrite [RHS](partition_big (σ i) xpredT) //=; apply: eq_bigr => kl _.
by apply: eq_bigr => j /eqP <-; rewrite mxE.
Qed.

Lemma row_diff m n (i : 'I_m.+1) (x : mat m n) :
  is_diff x (row i : mat m n -> mat 0 n) (row i : mat m n -> mat 0 n).
Proof.
apply: (@is_diff_eq _ _ _ _ (fun v : mat m n => \matrix_(z < 1, k < n.+1) (v i k : R^o) : mat 0 n)).
  apply: is_diff_mx => z k; rewrite (_ : (fun y => _) = (fun y : mat m n => y i k : R^o)).
    exact: is_diff_coord.
  by apply/funext => y; rewrite mxE.
by apply/funext => v; apply/rowP => k; rewrite !mxE.
Qed.

(** Rows do not see each other. *)
Theorem vjp_mx_rows m n p (g : 'I_m.+1 -> 'rV[R]_n.+1 -> 'rV[R]_p.+1) (x : mat m n)
    (b : 'I_m.+1 -> 'rV[R]_p.+1 -> 'rV[R]_n.+1) :
  (forall i, is_vjp (g i) (row i x) (b i)) ->
  is_vjp_mx (fun y : mat m n => \matrix_(i, j) g i (row i y) 0 j) x
    (fun dy => \matrix_(i, j) b i (row i dy) 0 j).
Proof.
move=> h.
have {}h i : exists dg : 'rV[R]_n.+1 -> 'rV[R]_p.+1,
    is_diff (row i x) (g i) dg /\ forall dy v, dot (b i dy) v = dot dy (dg v) by exact: is_vjpE.
have [dg hdg] := choice h.
have D : is_diff x (fun y : mat m n => \matrix_(i, j) g i (row i y) 0 j)
    (fun v => \matrix_(i, j) (dg i (row i v) 0 j : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => (g i \o row i) y 0 j : R^o)); last first.
    by apply/funext => y; rewrite mxE.
  have [Dg _] := hdg i.
  have Dr := row_diff i x.
  exact: (is_diff_coordf 0 j (@is_diff_comp _ _ _ _ (row i) _ (g i) (dg i) x Dr Dg)).
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE; apply: eq_bigr => i _.
have [_ hg] := hdg i; transitivity (dot (b i (row i dy)) (row i v)).
  by apply: eq_bigr => j _; rewrite !mxE.
by rewrite hg; apply: eq_bigr => j _; rewrite !mxE.
Qed.
End Rules.
