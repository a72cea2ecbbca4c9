(** * Vector-Jacobian products on row vectors

    Glossary
      - [is_vjpP]          [is_vjp] of [Backward.v] is the same as: [dot (back dy) v = dot dy ('d f x v)]
      - [emul]             the elementwise product
      - [is_diff_mx], [differentiable_mxP]  differentiability by coordinates

    Rules: [vjp_id], [vjp_const], [vjp_comp] (the chain rule), [vjp_add],
    [vjp_mul] (the product rule), [vjp_reindex] (collect by source). *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Cotangent Require Export Backward.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** Inner product *)
Section Dot.
Variable R : comRingType.
Lemma dotC n (a b : 'rV[R]_n) : dot a b = dot b a.
Proof. by apply: eq_bigr => i _; rewrite mulrC. Qed.
Lemma dotDl n (a b c : 'rV[R]_n) : dot (a + b) c = dot a c + dot b c.
Proof. by rewrite -big_split; apply: eq_bigr => i _; rewrite mxE mulrDl. Qed.
Lemma dotDr n (a b c : 'rV[R]_n) : dot c (a + b) = dot c a + dot c b.
Proof. by rewrite dotC dotDl dotC (dotC b). Qed.
Lemma dotZl n k (a b : 'rV[R]_n) : dot (k *: a) b = k * dot a b.
Proof. by rewrite /dot big_distrr /=; apply: eq_bigr => i _; rewrite mxE -mulrA. Qed.
Lemma dot_delta n (a : 'rV[R]_n) i : dot a (delta_mx 0 i) = a 0 i.
Proof.
rewrite /dot (bigD1 i) //= big1 ?addr0 => [|k ki]; first by rewrite mxE !eqxx mulr1.
by rewrite mxE (negPf ki) andbF mulr0.
Qed.
End Dot.

(** ** Differentiability by coordinates *)
Section Coord.
Variables (R : realType) (V : normedModType R).

Lemma is_diff_coord m n (i : 'I_m.+1) (j : 'I_n.+1) (M : 'M[R]_(m.+1, n.+1)) :
  is_diff M (fun N : 'M[R]_(m.+1, n.+1) => N i j : R^o)
            (fun N : 'M[R]_(m.+1, n.+1) => N i j : R^o).
Proof.
have @f : {linear 'M[R]_(m.+1, n.+1) -> R^o}.
  by exists (fun N : 'M[R]_(_, _) => N i j); eexists; move=> ? ?; rewrite !mxE.
have cf : continuous f by exact: coord_continuous.
apply: DiffDef; first exact: (linear_differentiable _ cf).
exact: (diff_lin _ cf).
Qed.

Lemma diff_coordE m n (f : V -> 'M[R]_(m.+1, n.+1)) x i j :
  differentiable f x ->
  is_diff x (fun y => f y i j : R^o) (fun v => ('d f x v) i j : R^o).
Proof.
move=> df; pose c := (fun N : 'M[R]_(m.+1, n.+1) => N i j : R^o).
have hc := is_diff_coord i j (f x).
have hf := differentiableP df.
exact: (@is_diff_comp _ _ _ _ f _ c _ x hf hc).
Qed.

Lemma is_diff_coordf m n (f df : V -> 'M[R]_(m.+1, n.+1)) x i j :
  is_diff x f df ->
  is_diff x (fun y => f y i j : R^o) (fun v => df v i j : R^o).
Proof. by move=> [hf <-]; exact: diff_coordE. Qed.

Lemma mx_fun_sum m n (f : V -> 'M[R]_(m, n)) :
  f = \sum_i \sum_j (fun y => f y i j *: delta_mx i j).
Proof.
apply/funext => y; rewrite [LHS]matrix_sum_delta fct_sumE.
by apply: eq_bigr => i _; rewrite fct_sumE.
Qed.

Lemma differentiable_mxP m n (f : V -> 'M[R]_(m.+1, n.+1)) x :
  differentiable f x <-> (forall i j, differentiable (fun y => f y i j : R^o) x).
Proof.
split=> [df i j|df]; first by case: (diff_coordE i j df).
rewrite (mx_fun_sum f).
apply: differentiable_sum => i; apply: differentiable_sum => j.
exact: differentiableZl.
Qed.

Lemma is_diff_mx m n (f : V -> 'M[R]_(m.+1, n.+1)) (df : 'I_m.+1 -> 'I_n.+1 -> V -> R^o) x :
  (forall i j, is_diff x (fun y => f y i j : R^o) (df i j)) ->
  is_diff x f (fun v => \matrix_(i, j) df i j v).
Proof.
move=> h; have hf : differentiable f x by apply/differentiable_mxP => i j; case: (h i j).
apply: DiffDef => //; apply/funext => v; apply/matrixP => i j; rewrite mxE.
have [_ <-] := h i j; have [_ ->] := diff_coordE i j hf; by [].
Qed.
End Coord.

(** ** Partial derivatives and vector-Jacobian products *)
Section Vjp.
Variable R : realType.
Notation vec n := 'rV[R]_n.+1.

Lemma pdiv_partial n m (f : vec n -> vec m) x i j : differentiable f x ->
  pdiv f x i j = 'D_(delta_mx 0 i) (fun y => f y 0 j : R^o) x.
Proof.
move=> df; have h := diff_coordE 0 j df.
by rewrite deriveE ?diff_val //; case: h.
Qed.

Lemma diff_pdiv n m (f : vec n -> vec m) x v j :
  ('d f x v) 0 j = \sum_i pdiv f x i j * v 0 i.
Proof.
rewrite [v in LHS]row_sum_delta linear_sum summxE; apply: eq_bigr => i _.
by rewrite linearZ mxE mulrC.
Qed.

(** Adjoint form. *)
Lemma is_vjpP n m (f : vec n -> vec m) x back :
  is_vjp f x back <->
  differentiable f x /\ forall dy v, dot (back dy) v = dot dy ('d f x v).
Proof.
split=> -[df h]; split=> // dy.
  move=> v; rewrite /dot.
  under eq_bigr do rewrite h big_distrl /=.
  rewrite exchange_big /=; apply: eq_bigr => j _.
  rewrite diff_pdiv big_distrr /=; apply: eq_bigr => i _.
  by rewrite mulrAC mulrC.
move=> i; rewrite -dot_delta h /dot; apply: eq_bigr => j _.
by rewrite mulrC.
Qed.

Lemma is_vjp_isdiff n m (f df : vec n -> vec m) x (back : vec m -> vec n) :
  is_diff x f df -> (forall dy v, dot (back dy) v = dot dy (df v)) ->
  is_vjp f x back.
Proof. by move=> [dx e] h; apply/is_vjpP; split=> // dy v; rewrite e. Qed.

Lemma is_vjp_unique n m (f : vec n -> vec m) x b1 b2 :
  is_vjp f x b1 -> is_vjp f x b2 -> b1 = b2.
Proof.
move=> [_ h1] [_ h2]; apply/funext => dy; apply/rowP => i.
by rewrite h1 h2.
Qed.

Theorem vjp_id n (x : vec n) : is_vjp id x id.
Proof. by apply: (@is_vjp_isdiff _ _ _ _ _ _ (is_diff_id x)). Qed.

Theorem vjp_const n m (c : vec m) (x : vec n) : is_vjp (fun _ => c) x (fun _ => 0).
Proof.
apply: (@is_vjp_isdiff _ _ _ _ _ _ (is_diff_cst c x)) => dy v.
by rewrite /dot !big1 // => i _; rewrite ?mxE ?mul0r ?mulr0.
Qed.

(** Element [j] of the result is element [σ j] of the argument. *)
Theorem vjp_reindex n m (σ : 'I_m.+1 -> 'I_n.+1) (x : vec n) :
  is_vjp (fun y : vec n => \row_j y 0 (σ j)) x (fun dy => \row_i \sum_(j | σ j == i) dy 0 j).
Proof.
have D : is_diff x (fun y : vec n => \row_j y 0 (σ j)) (fun v => \matrix_(i, j) (v 0 (σ j) : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : vec n => y 0 (σ j) : R^o)); first exact: is_diff_coord.
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_isdiff D) => dy v; rewrite /dot.
rewrite (partition_big σ xpredT) //=; apply: eq_bigr => i _.
by rewrite mxE mulr_suml; apply: eq_bigr => j /eqP <-; rewrite mxE.
Qed.

Theorem vjp_comp n m p (f : vec n -> vec m) (g : vec m -> vec p) x bf bg :
  is_vjp f x bf -> is_vjp g (f x) bg -> is_vjp (g \o f) x (bf \o bg).
Proof.
move=> /is_vjpP [df hf] /is_vjpP [dg hg]; apply/is_vjpP; split.
  exact: (differentiable_comp df dg).
by move=> dy v; rewrite /= hf hg (diff_comp df dg).
Qed.

Theorem vjp_add n m (f g : vec n -> vec m) x bf bg :
  is_vjp f x bf -> is_vjp g x bg ->
  is_vjp (fun y => f y + g y) x (fun dy => bf dy + bg dy).
Proof.
move=> /is_vjpP [df hf] /is_vjpP [dg hg].
have hD := is_diffD (differentiableP df) (differentiableP dg).
apply: (is_vjp_isdiff hD) => dy v; rewrite dotDl hf hg.
by rewrite -dotDr.
Qed.

Definition emul n (a b : vec n) : vec n := \row_i (a 0 i * b 0 i).

Lemma dot_emul n (a b c : vec n) : dot (emul a b) c = dot b (emul a c).
Proof. by apply: eq_bigr => i _; rewrite !mxE mulrCA mulrA. Qed.

(** To be used instead of destructing [is_vjp]: with [df] a variable, conversion
    never compares two differentials, which can diverge. *)
Lemma is_vjpE n m (f : vec n -> vec m) x back : is_vjp f x back ->
  exists df : vec n -> vec m, is_diff x f df /\
    forall dy v, dot (back dy) v = dot dy (df v).
Proof.
move=> /is_vjpP [df hf]; exists ('d f x); split=> //.
Qed.

Theorem vjp_mul n m (f g : vec n -> vec m) x bf bg :
  is_vjp f x bf -> is_vjp g x bg ->
  is_vjp (fun y => emul (f y) (g y)) x
         (fun dy => bf (emul (g x) dy) + bg (emul (f x) dy)).
Proof.
move=> /is_vjpE [df [df_ hf]] /is_vjpE [dg [dg_ hg]].
pose d (i : 'I_1) j (v : vec n) : R^o := f x 0 j *: dg v 0 j + g x 0 j *: df v 0 j.
have hD : is_diff x (fun y => emul (f y) (g y)) (fun v => \matrix_(i,j) d i j v).
  apply: is_diff_mx => i j; rewrite (ord1 i) /d.
  rewrite (_ : (fun y => emul (f y) (g y) 0 j : R^o) =
               (fun y => f y 0 j : R^o) * (fun y => g y 0 j : R^o)); last first.
    by apply/funext => y; rewrite mxE.
  exact: (is_diffM (is_diff_coordf 0 j df_) (is_diff_coordf 0 j dg_)).
apply: (is_vjp_isdiff hD) => dy v.
rewrite dotDl hf hg !dot_emul -dotDr; congr dot.
by apply/rowP => j; rewrite !mxE /d addrC.
Qed.
End Vjp.
