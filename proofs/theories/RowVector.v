(** * All parameters as one row vector

    Off the kinks the loss is differentiable in the row vector [θ] of all
    parameters, and its gradient is the concatenation of what the emitted code
    computes ([loss_gradient]); by components, [loss_partial]. The words are those
    of [Gradient.v].

    Glossary
      - [pairing l f]       the sum of [l_k f_k]
      - [inputs_layout]     the parameters that [inputs] places are [θ]
      - [inputs_diff]       they vary linearly with [θ] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Vjp DenoteFacts Grad GradAdjoint Scalar SmoothFacts Differential GradCorrect.
From Cotangent Require Export Gradient.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section RowVector.
Variable R : realType.
Notation env := (env R).
Notation tensor := (tensor R).
Implicit Types (x : env) (c : nat -> R).

(** ** Concatenation *)
Lemma dim_total params : (0 < total params)%num -> (dim params).+1 = N.to_nat (total params).
Proof.
by rewrite /dim; case: (total params) => // q _; rewrite /= prednK //; exact/ssrnat.ltP/Pos2Nat.is_pos.
Qed.

Lemma size_concat params gs (e : env) : size gs = size params ->
  size (concat [seq (q.1.2, e q.2) | q <- zip params gs]) = N.to_nat (total params).
Proof.
rewrite /concat; elim: params gs => [|q params ih] [|g gs] //= [/ih {}ih].
by rewrite size_cat size_map ih size_idxs Nnat.N2Nat.inj_add.
Qed.

Definition pairing (l : seq R) (f : nat -> R) : R := \sum_(0 <= k < size l) nth 0 l k * f k.

Lemma pairing_cat a b f : pairing (a ++ b) f = pairing a f + pairing b (fun k => f (size a + k)%nat).
Proof.
rewrite /pairing size_cat (@big_cat_nat _ _ _ (size a)) ?leq_addr //=; congr (_ + _).
  by apply: eq_big_nat => k /andP [_ hk]; rewrite nth_cat hk.
rewrite -{1}[size a]add0n big_addn addKn; apply: eq_bigr => k _.
by rewrite nth_cat addnC ltnNge leq_addr /= addKn.
Qed.

Lemma pairing_map s (a : tensor) f :
  pairing [seq a i | i <- idxs s] f = \sum_(i <- idxs s) a i * f (index i (idxs s)).
Proof.
rewrite /pairing size_map (big_nth [::]); apply: eq_big_nat => k /andP [_ hk].
by rewrite (nth_map [::]) // index_uniq ?idxs_uniq.
Qed.

Lemma place_other params c x j : j \notin ids params -> place params c x j = x j.
Proof.
elim: params c => //= -[d s] params ih c; rewrite inE negb_or => /andP [/eqP ne h].
by rewrite updN // ih.
Qed.

Lemma sum_place params gs c x (e : env) : uniq (ids params) -> size gs = size params ->
  \sum_(q <- zip params gs) \sum_(i <- idxs q.1.2) e q.2 i * place params c x q.1.1 i
  = pairing (concat [seq (q.1.2, e q.2) | q <- zip params gs]) c.
Proof.
rewrite /concat; elim: params gs c => [|[j s] params ih] [|g gs] c //=.
  by rewrite big_nil /pairing big_geq.
move=> /andP [hj u] [sz]; rewrite big_cons /= pairing_cat pairing_map updE; congr (_ + _).
rewrite -ih // big_seq [RHS]big_seq; apply: eq_bigr => q hq; apply: eq_bigr => i _.
rewrite size_map updN // => eq_j; move: hj; rewrite -eq_j => /negP; apply.
have : q.1 \in unzip1 (zip params gs) by exact: map_f.
by rewrite unzip1_zip ?sz // => h; exact: (map_f fst h).
Qed.

Lemma concat_place params c x : uniq (ids params) ->
  concat [seq (q.2, place params c x q.1) | q <- params] = mkseq c (N.to_nat (total params)).
Proof.
rewrite /concat; elim: params c => [|[j s] params ih] c //= /andP [hj u].
rewrite updE Nnat.N2Nat.inj_add -size_idxs.
have -> : mkseq c (size (idxs s) + N.to_nat (total params))%coq_nat
  = mkseq c (size (idxs s)) ++ mkseq (fun k => c (size (idxs s) + k)%nat) (N.to_nat (total params)).
  by rewrite /mkseq iotaD map_cat -[in iota (0 + _) _](addn0 (0 + _)%nat) iotaDl -map_comp.
congr (_ ++ _); last first.
  rewrite -ih //; congr flatten; rewrite -!map_comp; apply/eq_in_map => q hq /=.
  rewrite updN // => eq_j; move: hj; rewrite -eq_j => /negP; apply; exact: map_f.
apply: (@eq_from_nth _ 0); rewrite size_map ?size_mkseq // => k hk.
by rewrite (nth_map [::]) // index_uniq ?idxs_uniq // nth_mkseq.
Qed.

(** The layout: the parameters that [inputs] places are [θ]. *)
Lemma inputs_layout params x (θ : 'rV[R]_(dim params).+1) : uniq (ids params) ->
  (0 < total params)%num -> gradient params (ids params) (inputs x θ) = θ.
Proof.
move=> u pos; have -> : gradient params (ids params) (inputs x θ)
    = row_of _ (concat [seq (q.2, inputs x θ q.1) | q <- params]).
  rewrite /gradient; congr (row_of _ (concat _)).
  have -> : zip params (ids params) = [seq (q, q.1) | q <- params].
    by elim: (params) => //= q l ->.
  by rewrite -map_comp.
apply/rowP => k; rewrite mxE concat_place // nth_mkseq; first by rewrite /entries inord_val.
by rewrite -dim_total.
Qed.

(** ** The inputs vary linearly *)
Section Vary.
Variables (V : normedModType R) (x0 : V).

Lemma place_diff params (c dc : V -> nat -> R) x :
  (forall k, is_diff x0 (fun v => c v k : R^o) (fun v => dc v k : R^o)) ->
  forall j i, is_diff x0 (fun v => place params (c v) x j i : R^o)
                         (fun v => place params (dc v) (fun _ _ => 0) j i : R^o).
Proof.
elim: params c dc => [|[d s] params ih] c dc h j i /=; first exact: is_diff_const.
have [->|ne] := N.eq_dec j d.
  rewrite (_ : (fun v => _) = (fun v => c v (index i (idxs s)) : R^o)); last first.
    by apply/funext => v; rewrite updE.
  rewrite [X in is_diff_def _ _ X](_ : _ = (fun v => dc v (index i (idxs s)) : R^o)) //.
  by apply/funext => v; rewrite updE.
rewrite (_ : (fun v => _) = (fun v => place params (fun k => c v (size (idxs s) + k)%nat) x j i : R^o)); last first.
  by apply/funext => v; rewrite updN.
rewrite [X in is_diff_def _ _ X](_ : _ =
  (fun v => place params (fun k => dc v (size (idxs s) + k)%nat) (fun _ _ => 0) j i : R^o)); last first.
  by apply/funext => v; rewrite updN.
by apply: (ih (fun v k => c v (size (idxs s) + k)%nat) (fun v k => dc v (size (idxs s) + k)%nat)).
Qed.
End Vary.

Lemma inputs_diff params x (θ : 'rV[R]_(dim params).+1) j i :
  is_diff θ (fun θ => inputs x θ j i : R^o)
            (fun v => place params (entries v) (fun _ _ => 0) j i : R^o).
Proof. by apply: place_diff => k; exact: is_diff_coord. Qed.

(** ** The theorem *)
Section Headline.
Variables (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape)) (base out : N).
Variables (bwd : prog) (gs : seq N).
Hypothesis ck : checks p nin sh params base out = true.
Hypothesis pos : N.ltb 0 (total params) = true.
Hypothesis scalar : shrun p sh out = [::].
Hypothesis emitted : loss_grad p base out params = (bwd, gs).
Variables (x : env) (θ : 'rV[R]_(dim params).+1).
Local Notation loss := (loss p out x : 'rV[R]_(dim params).+1 -> R^o).
Local Notation computed := (computed p bwd gs x θ).
Hypothesis smooth : smooth_run θ p (inputs x).

Theorem loss_gradient : differentiable loss θ /\ forall v, 'd loss θ v = dot computed v.
Proof.
have [w e ho ok tf] := and5P ck; have [u hp] := params_okP ok.
have [||] := @loss_grad_correct_checked _ _ θ p nin sh params base out bwd gs
  (inputs x) ck scalar emitted _ _ smooth.
- by move=> q _ i _; case: (inputs_diff x θ q.1 i).
- by move=> j _ hj v i; rewrite /inputs !place_other.
move=> df h; split=> // v.
apply: etrans (h v) _.
have sz : size gs = size params.
  by have := congr1 (fun g => size g.2) emitted; rewrite /= size_map.
transitivity (\sum_(q <- zip params gs) \sum_(i <- idxs q.1.2)
    run (p ++ bwd) (inputs x θ) q.2 i * place params (entries v) (fun _ _ => 0) q.1.1 i).
  apply: eq_bigr => q _; apply: eq_bigr => i _; congr (_ * _).
  by have [_] := inputs_diff x θ q.1.1 i; rewrite /differential => ->.
rewrite sum_place // /pairing size_concat // -dim_total; last exact/N.ltb_lt.
rewrite big_mkord /dot; apply: eq_bigr => k _.
by rewrite mxE /entries inord_val.
Qed.

(** Component by component: partial derivatives. *)
Corollary loss_partial (k : 'I_(dim params).+1) :
  'D_(delta_mx 0 k) loss θ = computed 0 k.
Proof.
have [df h] := loss_gradient.
by rewrite deriveE // h dot_delta.
Qed.

(** As a vector-Jacobian product of a map between row vectors. *)
Corollary loss_is_vjp :
  is_vjp (fun θ => \row_(_ < 1) loss θ) θ (fun dy => dy 0 0 *: computed).
Proof.
have [df h] := loss_gradient.
have D : is_diff θ (fun θ => \row_(_ < 1) loss θ) (fun v => \matrix_(_ < 1, _ < 1) (dot computed v : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = loss); last by apply/funext => y; rewrite mxE.
  by apply: DiffDef => //; apply/funext => v; rewrite h.
apply: (is_vjp_isdiff D) => dy v; rewrite dotZl /dot big_ord1 mxE.
by [].
Qed.
End Headline.
End RowVector.
