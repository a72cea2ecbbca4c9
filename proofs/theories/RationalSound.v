(** * What is computed over the rationals is the meaning

    [q_run_sound]: the values that [q_run] finds are those of the run over the
    reals. [q_off_sound]: where [q_off] says so, every op is off its kinks.

    Glossary
      - [shows k sh e m]   the values in [m] are below [k], and [e]'s *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences exp.
From Coq Require Import NArith ZArith Lia.
From Coq Require QArith_base.   (* a notation of it clashes *)
From Cotangent Require Import DenoteFacts Grad Tangent Scalar SmoothFacts Differential Kinks Number NumberSound Twin TwinSound.
From Cotangent Require Export Rational.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.
Local Notation Qeq_bool := QArith_base.Qeq_bool.

Section Ops.
Variable R : realType.
Notation q_real := (q_real R).
Implicit Types (x y z : q_tensor) (q : q_env).

Lemma q_real1 : q_real q_one = 1. Proof. exact: divr1. Qed.
Lemma q_real_lt a b : (q_real a < q_real b) = q_lt a b.
Proof. by rewrite ltNge q_real_le. Qed.
Lemma q_real_count n : q_real (q_count n) = int_real R (Z.of_N n).
Proof. exact: divr1. Qed.

Lemma q_real_una u a b : q_una u a = Some b -> q_real b = una_real u (q_real a).
Proof.
case: u => //= [[<-]|/(q_real_sqrt R) //||[<-]|[<-]|n d|n d m e [<-]]; first exact: q_realN.
- by case E: q_sqrt => [r|] //= [<-]; rewrite q_realV (q_real_sqrt R E).
- by rewrite q_real_max q_real0.
- exact: q_real_abs.
- by case: ifP => // h [<-]; rewrite -(q_real0 R) q_real_lt h.
by rewrite q_real_min q_real_max.
Qed.

Lemma q_real_bin b c d : q_real (q_bin b c d) = bin_real b (q_real c) (q_real d).
Proof.
case: b => /=; rewrite ?q_realD ?q_realN ?q_realM ?q_realV ?q_real_max //.
Qed.

Lemma q_real_cmp c a b : cmp_real c (q_real a) (q_real b) = q_cmp c a b.
Proof. by case: c => /=; rewrite ?q_real_eq ?q_real_lt ?q_real_le. Qed.

Section Reals.
Variables (q : q_env) (e : env R).
Hypothesis he : forall j i, e j i = q_real (q j i).

Lemma q_real_read v r : read e v r = q_real (q_read q v r).
Proof. by rewrite /read /q_read; case: at_map => [i|]; rewrite ?he ?q_real0. Qed.

Lemma q_real_product vs r : \prod_(v <- vs) read e v r = q_real (q_product q vs r).
Proof.
elim: vs => [|v vs ih]; first by rewrite big_nil q_real1.
by rewrite big_cons ih q_real_read -q_realM.
Qed.

Lemma q_real_mean s ds x c (X : tensor R) : (forall j, X j = q_real (x j)) ->
  mean s ds X c = q_real (q_mean s ds x c).
Proof.
move=> h; rewrite /mean /q_mean /QArith_base.Qdiv q_realM q_realV q_real_count -/(Denote.number R s ds); congr (_ / _).
by rewrite q_real_sum big_map big_filter; apply: eq_bigr.
Qed.

Lemma q_real_centred s ds x (X : tensor R) : (forall j, X j = q_real (x j)) ->
  forall j, centred s ds X j = q_real (q_centred s ds x j).
Proof. by move=> h j; rewrite /centred /q_centred /QArith_base.Qminus q_realD q_realN h (q_real_mean _ _ _ h). Qed.

Lemma q_real_variance s ds x c (X : tensor R) : (forall j, X j = q_real (x j)) ->
  variance s ds X c = q_real (q_variance s ds x c).
Proof.
move=> h; apply: q_real_mean => j.
by rewrite q_realM !(q_real_centred _ _ h).
Qed.

Lemma q_real_chosen s k m x i (X : tensor R) : (forall j, X j = q_real (x j)) ->
  chosen s k m X i = q_chosen s k m x i.
Proof.
move=> h; rewrite /chosen /q_chosen; case: cells => // b l; congr Some.
elim: l b => //= j l ih b; rewrite ih; congr q_first_greatest.
by rewrite !h q_real_lt.
Qed.

Lemma q_eachP s f t : q_each s f = Some t -> forall i, i \in idxs s -> f i = Some (t i).
Proof. by rewrite /q_each; case: ifP => // /allP h [<-] i /h; case: (f i). Qed.

Lemma q_real_softmax s z i c (Z : tensor R) : (forall j, Z j = q_real (z j)) ->
  q_softmax s z i = Some c -> softmax s Z i = q_real c.
Proof.
move=> h; rewrite /q_softmax; case: ifP => // /allP eqs [<-]; rewrite q_realV q_real_count int_real_nat.
rewrite Nnat.Nat2N.id /softmax.
have -> : row_sum s (fun j => expR (Z j)) i = expR (Z i) *+ size (q_row s i).
  rewrite /row_sum -big_filter -/(q_row s i) big_seq (eq_bigr (fun=> expR (Z i))) => [|j hj].
    by rewrite -big_seq big_const_seq count_predT iter_addr_0.
  by congr expR; apply/eqP; rewrite !h q_real_eq; exact: eqs.
by rewrite -[expR _ *+ _]mulr_natr invfM mulrA divff ?mul1r // gt_eqF // expR_gt0.
Qed.

Lemma q_den_reals o t : q_den o q = Some t -> forall i, i \in idxs (oshape o) -> den o e i = q_real (t i).
Proof.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s u a|s a|s z u|s out k m a|s out k m a ct
  |s ds a|s ds n d a] //= et i hi.
- by case: et => <-.
- by rewrite he; apply: esym; apply: q_real_una; exact: (q_eachP et hi).
- by case: et => <-; rewrite !he q_real_bin.
- by case: et => <-; rewrite !he q_real_cmp; case: q_cmp.
- case: et => <-; rewrite q_real_sum big_map big_filter; apply: eq_bigr => r _; exact: q_real_product.
- by case: et => <-; rewrite he.
- by apply: q_real_softmax (q_eachP et hi) => j; exact: he.
- case: et => <-; rewrite (q_real_chosen _ _ _ _ (he a)); case: q_chosen => [j|]; first exact: he.
  by rewrite q_real0.
- case: et => <-; rewrite q_real_sum big_map big_filter.
  by apply: eq_big => [j|j _]; [rewrite (q_real_chosen _ _ _ _ (he a)) | exact: he].
- by case: et => <-; rewrite (q_real_variance _ _ _ (he a)).
have := q_eachP et hi; case E: q_sqrt => [r|] //= [<-].
rewrite /normalize /deviation (q_real_centred _ _ (he a)) (q_real_variance _ _ _ (he a)).
by rewrite /QArith_base.Qdiv q_realM q_realV (q_real_sqrt R E) q_realD.
Qed.

Lemma q_smooth_una u a : q_una_smooth u a -> una_smooth u (q_real a).
Proof.
have nz b : ~~ Qeq_bool a b -> q_real a != q_real b by rewrite q_real_eq.
case: u => //=; try by rewrite -q_real_lt q_real0.
- by move=> /nz; rewrite q_real0.
- by move=> /nz; rewrite q_real0.
- move=> n d /orP [/nz|/Z.eqb_eq ->]; first by rewrite q_real0; left.
  by right; rewrite /rational divff // gt_eqF // pos_real_gt0.
by move=> n d m c /andP [/nz h1 /nz h2].
Qed.
End Reals.
End Ops.

(** ** Programs *)
Section Run.
Variable R : realType.
Notation q_real := (q_real R).
Implicit Types (m : point) (e : env R).

Definition shows (k : N) (sh : N -> shape) e m : Prop := forall j t, get m j = Some t ->
  (j < k)%num /\ forall i, i \in idxs (sh j) -> e j i = q_real (t i).

(** The operands, as the op sees them. *)
Lemma seen_eqt k sh e m o : shows k sh e m -> seen m o ->
  (forall a, a \in oargs o -> (a.1 < k)%num /\ sh a.1 = a.2) ->
  forall a, a \in oargs o -> eqt a.2 (e a.1) (fun i => q_real (look m a.1 i)).
Proof.
move=> hm /allP hs ha a hao i hi; have [_ esh] := ha a hao.
have := hs a hao; rewrite /look; case E: get => [t|] // _ /=.
by have [_ ->] := hm _ _ E; rewrite ?esh.
Qed.

Lemma q_step_sound k sh e m o p : wf ((k, o) :: p) k sh -> shows k sh e m ->
  shows (N.succ k) (upd sh k (oshape o)) (step e (k, o)) (q_step m (k, o)).
Proof.
move=> /wf_cons [_ ok ha _] hm.
have old : shows (N.succ k) (upd sh k (oshape o)) (step e (k, o)) m.
  move=> j t hj; have [hk h] := hm j t hj; split; first by lia.
  by rewrite /step !updN //=; lia.
rewrite /q_step [_.1]/= [_.2]/=; case hs: (seen m o) => //; case hd: (q_den o _) => [t|] //.
move=> j u; rewrite get_set; case: N.eqb_spec => [->|_]; last exact: old.
case=> <-; split; first exact: N.lt_succ_diag_r.
rewrite /step /= !updE => i hi; rewrite /tabulate /q_remember rememberE // q_real_red.
rewrite -(q_den_reals (e := fun j i => q_real (look m j i)) _ hd hi) //.
exact: (den_eqt ok (seen_eqt hm hs ha)).
Qed.

Theorem q_run_sound p k sh e m : wf p k sh -> shows k sh e m ->
  shows (k + N.of_nat (size p))%num (shrun p sh) (run p e) (q_run p m).
Proof.
elim: p k sh e m => [|[d o] p ih] k sh e m; first by rewrite N.add_0_r.
move=> w hm; have [ed _ _ w'] := wf_cons w; subst d.
have := ih _ _ _ _ w' (q_step_sound w hm).
by rewrite [size _]/= Nnat.Nat2N.inj_succ N.add_succ_l -N.add_succ_r.
Qed.
End Run.

(** ** Kinks *)
Section Off.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation q_real := (q_real R).
Implicit Types (E T : V -> env R) (m : point).

Lemma strict_sound s k w E T a x i : follows x0 E T (a, s) ->
  {in idxs s, forall j, E x0 a j = q_real (x j)} -> q_strict s k w x i ->
  stays_greatest x0 s k w (fun v => E v a) i.
Proof.
move=> hf hx hs; apply: strictly_greatest => [j hj|c j hc hj ne].
  have [df _] := hf j hj; exact: differentiable_continuous df.
rewrite (@chosen_eqt R s k w (E x0 a) (fun j => q_real (x j))) // (q_real_chosen _ _ _ _ (x := x)) // in hc.
move: hs; rewrite /q_strict hc => /allP /(_ j hj); rewrite (negPf ne) /=.
have hcs : c \in idxs s.
  apply: (@cells_in s k w i); apply: (@chosen_in R s k w (fun j => q_real (x j))).
  by rewrite (q_real_chosen _ _ _ _ (x := x)).
by rewrite -(q_real_lt R) (hx j (cells_in hj)) (hx c hcs).
Qed.

Lemma q_smooth_sound o E T m : (forall a, a \in oargs o -> follows x0 E T a) ->
  (forall a, a \in oargs o -> eqt a.2 (E x0 a.1) (fun i => q_real (look m a.1 i))) ->
  q_smooth o (look m) -> smooth_op x0 o E.
Proof.
have m0 (U : eqType) (x : U) l : x \in x :: l by exact: mem_head.
have m1 (U : eqType) (x y : U) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s u a|s a|s z u|s out k w a|s out k w a ct
  |s ds a|s ds n d a] hf hm //=.
- move=> /allP h i hi; rewrite (hm _ (m0 _ _ _) i hi); exact: q_smooth_una (h i hi).
- case: b hf hm => // hf hm /allP h i hi; rewrite (hm _ (m1 _ _ _ _) i hi).
    by rewrite -(q_real0 R) q_real_eq h.
  by rewrite (hm _ (m0 _ _ _) i hi) q_real_eq h.
- by move=> /allP h i hi; rewrite (hm _ (m0 _ _ _) i hi) (hm _ (m1 _ _ _ _) i hi) q_real_eq h.
- move=> /allP h i hi; exact: (strict_sound (hf _ (m0 _ _ _)) (hm _ (m0 _ _ _)) (h i hi)).
move=> /allP h i hi; exact: (strict_sound (hf _ (m0 _ _ _)) (hm _ (m0 _ _ _)) (h i hi)).
Qed.

Theorem q_off_sound p k sh E T m : wf p k sh -> (forall j, (j < k)%num -> follows x0 E T (j, sh j)) ->
  shows k sh (E x0) m -> q_off p m -> smooth_run x0 p E.
Proof.
elim: p k sh E T m => [|[d o] p ih] k sh E T m // w hf hm.
have [ed ok ha w'] := wf_cons w; subst d; move=> /andP [h1 h2].
have hfa a : a \in oargs o -> follows x0 E T a by case: a => a s /ha [/= hk <-]; exact: hf.
have sm : smooth_op x0 o E.
  move: h1 => /= /orP [/negbTE|/andP [hs]]; first exact: smooth_no_kink.
  by apply: q_smooth_sound hfa _; exact: seen_eqt hm hs ha.
split=> //; apply: (ih _ _ (fun x => step (E x) (k, o))
  (fun v => upd (T v) k (tangent o (E x0) (T v))) (q_step m (k, o)) w' _ _ h2); last exact: q_step_sound w hm.
have wo : wf [:: (k, o)] k sh.
  by move: w; rewrite /= => /and4P [-> -> -> _].
move=> j hj; have := run_diff (j := j) wo hf (conj sm I); apply.
by rewrite /= N.add_1_r.
Qed.
End Off.
