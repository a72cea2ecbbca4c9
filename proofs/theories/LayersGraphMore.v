(** * More closed forms of what reverse mode emits

    Instances of [LayersGraph.emitted_form], all with symbolic sizes: the loss,
    normalisation over rows and over columns, skip connections and gates around
    any program, attention in queries, keys and values, the exact GELU. And, without a closed
    form to begin with: of any program, what is emitted is the backward of what
    it computes ([emitted_backward]); of a maximum over windows this is a
    selection.

    Glossary
      - [scalar]           the one cell of a tensor without dimensions
      - [positive_eps]     the number that an instruction adds to a variance
      - [attention_graph]  [softmax (c · Q Kᵀ) V], of four contractions and a
                           softmax; queries, keys, values are inputs 0, 1, 2 *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Vjp DenoteFacts Grad Tangent GradAdjoint Scalar SmoothFacts Differential GradCorrect Kinks.
From Cotangent Require Import Layers LayersRules LayersNorm LayersAttention LayersGelu SpecLayer MeaningLayer TokensSound MeaningLayerSound LayersGraph.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Definition scalar : layout [::] 0 0.
Proof.
exists (fun _ _ => [::]); first by move=> i j k l _; rewrite !ord1.
apply: uniq_perm => //; first by apply: allpairs_uniq; rewrite ?index_enum_uniq // => -[i j] [k l] _ _ _; rewrite !ord1.
move=> i; rewrite inE; apply/eqP/allpairsP => [->|[[a b] [_ _ ->]]] //.
by exists (ord0, ord0); rewrite !mem_index_enum.
Defined.

Section Rows.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Variables (m n : nat) (e : env R).
Notation s := [:: d m; d n].
Notation l := (table m n).
Implicit Types (M X : mat m n).

Lemma one_size q : int_real R (Z.of_N (size_of [:: d q])) = q.+1%:R.
Proof.
rewrite int_real_nat; have -> : size_of [:: d q] = d q by exact: N.mul_1_r.
by rewrite /d Nnat.Nat2N.id.
Qed.

(** ** The loss *)
Theorem cross_entropy_graph (T : mat m n) M (p := softmax_mx M) : as_mx l (e 1%num) = T -> forall dy,
  as_mx l (emitted [:: (2%num, SoftmaxCrossEntropy s 0 1)] 3 2 0 s (upd e 0%num (as_tensor l M)) dy)
  = \matrix_(i, j) (((\sum_k T i k) * p i j - T i j) * (dy [::] / m.+1%:R)).
Proof.
move=> hT dy; transitivity (\matrix_(i, j)
    (((\sum_k T i k) * p i j - T i j) * (as_mx scalar dy 0 0 / m.+1%:R)) : mat m n); last first.
  by apply/matrixP => i j; rewrite !mxE.
apply: (emitted_form (nin := 2%num) (sh := fun _ => s) (l' := scalar) (F := @loss_mx R m n T)
  (back := fun dy => \matrix_(i, j) (((\sum_k T i k) * p i j - T i j) * (dy 0 0 / m.+1%:R)))).
- by rewrite /checks /= /params_ok /= !eqxx.
- by [].
- move=> X; apply/matrixP => i0 j0; rewrite !mxE.
  transitivity (cross_entropy s (as_tensor l X) (e 1%num)); first by [].
  rewrite /cross_entropy (sum_cells l); congr (- _ / _); last first.
    exact: (one_size m).
  apply: eq_bigr => i _; apply: eq_bigr => j _; rewrite -hT mxE; congr (_ * _).
  rewrite /log_softmax row_sumE as_tensorE; congr (_ - ln _).
  by apply: eq_bigr => k _; rewrite as_tensorE.
- exact: cross_entropy_vjp.
- by [].
Qed.

(** ** Normalisation *)
Variables (num : Z) (den_ : positive).
Hypothesis positive : Z.ltb 0 num.
Notation eps := (rational R num den_).

Lemma positive_eps : 0 < eps.
Proof. by case: num positive => // q _; apply: divr_gt0; exact: pos_real_gt0. Qed.

Lemma row_mean (x : tensor R) (i : 'I_m.+1) : Denote.mean s [:: 1%num] x [:: N.of_nat i]
  = LayersNorm.mean (fun k : 'I_n.+1 => x (l i k)).
Proof.
rewrite /Denote.mean; have -> : kept s [:: 1%num] = [:: 0%num] by [].
congr (_ / _); last exact: (one_size n).
rewrite big_mkcond (sum_cells l) (bigD1 i) //= [X in _ + X]big1 ?addr0.
  by apply: eq_bigr => k _; rewrite /pick /= eqxx.
move=> a ai; apply: big1 => k _; rewrite /pick /=; case: eqP => // -[/of_ord_inj e'].
by rewrite e' eqxx in ai.
Qed.

Lemma column_mean (x : tensor R) (j : 'I_n.+1) : Denote.mean s [:: 0%num] x [:: N.of_nat j]
  = LayersNorm.mean (fun k : 'I_m.+1 => x (l k j)).
Proof.
rewrite /Denote.mean; have -> : kept s [:: 0%num] = [:: 1%num] by [].
congr (_ / _); last exact: (one_size m).
rewrite big_mkcond (sum_cells l); apply: eq_bigr => k _.
rewrite (bigD1 j) //= [X in _ + X]big1 ?addr0 => [|a aj]; first by rewrite /pick /= eqxx.
by rewrite /pick /=; case: eqP => // -[/of_ord_inj e']; rewrite e' eqxx in aj.
Qed.

Lemma normalize_checks k : (k < 2)%num ->
  checks [:: (1%num, Normalize s [:: k] num den_ 0)] 1 (fun _ => s) [:: (0%num, s)] 2 1 = true.
Proof.
move=> hk; have [->|->] : k = 0%num \/ k = 1%num by lia.
  by rewrite /checks /= /params_ok /= !eqxx /= positive.
by rewrite /checks /= /params_ok /= !eqxx /= positive.
Qed.

Theorem layer_norm_graph M dy :
  as_mx l (emitted [:: (1%num, Normalize s [:: 1%num] num den_ 0)] 2 1 0 s (upd e 0%num (as_tensor l M)) dy)
  = three_terms (LayersNorm.deviation eps M) (normalize_mx eps M) (as_mx l dy).
Proof.
apply: (emitted_form (nin := 1%num) (sh := fun _ => s) (l' := l) (F := normalize_mx eps)
  (back := three_terms (LayersNorm.deviation eps M) (normalize_mx eps M))).
- exact: normalize_checks.
- by [].
- move=> X; apply/matrixP => i j; rewrite !mxE.
  transitivity (normalize s [:: 1%num] eps (as_tensor l X) (l i j)); first by [].
  have h (k : 'I_n.+1) : Denote.centred s [:: 1%num] (as_tensor l X) (l i k) = X i k - LayersNorm.mean (X i).
    rewrite /Denote.centred; have -> : pick (l i k) (kept s [:: 1%num]) = [:: N.of_nat i] by [].
    rewrite row_mean as_tensorE; congr (_ - LayersNorm.mean _).
    by apply/funext => q; rewrite as_tensorE.
  rewrite /normalize h /Denote.deviation /variance.
  have -> : pick (l i j) (kept s [:: 1%num]) = [:: N.of_nat i] by [].
  rewrite row_mean; congr (_ / Num.sqrt (LayersNorm.mean _ + _)).
  by apply/funext => q; rewrite h expr2.
- exact: layer_norm_vjp positive_eps M.
- by [].
Qed.

Theorem batch_norm_graph M dy (y := batch_normalize eps M) (dY := as_mx l dy) :
  as_mx l (emitted [:: (1%num, Normalize s [:: 0%num] num den_ 0)] 2 1 0 s (upd e 0%num (as_tensor l M)) dy)
  = \matrix_(i, j) ((dY i j - LayersNorm.mean (dY^~ j)
      - y i j * LayersNorm.mean (fun k => dY k j * y k j)) / batch_deviation eps M j).
Proof.
apply: (emitted_form (nin := 1%num) (sh := fun _ => s) (l' := l) (F := batch_normalize eps)
  (back := fun dY : mat m n => \matrix_(i, j) ((dY i j - LayersNorm.mean (dY^~ j)
      - y i j * LayersNorm.mean (fun k => dY k j * y k j)) / batch_deviation eps M j))).
- exact: normalize_checks.
- by [].
- move=> X; apply/matrixP => i j; rewrite !mxE.
  transitivity (normalize s [:: 0%num] eps (as_tensor l X) (l i j)); first by [].
  have h (k : 'I_m.+1) : Denote.centred s [:: 0%num] (as_tensor l X) (l k j) = X k j - LayersNorm.mean (X^~ j).
    rewrite /Denote.centred; have -> : pick (l k j) (kept s [:: 0%num]) = [:: N.of_nat j] by [].
    rewrite column_mean as_tensorE; congr (_ - LayersNorm.mean _).
    by apply/funext => q; rewrite as_tensorE.
  rewrite /normalize h /Denote.deviation /variance.
  have -> : pick (l i j) (kept s [:: 0%num]) = [:: N.of_nat j] by [].
  rewrite column_mean; congr (_ / Num.sqrt (LayersNorm.mean _ + _)).
  by apply/funext => q; rewrite h expr2.
- exact: batch_norm_vjp positive_eps.
- by [].
Qed.
End Rows.

(** ** Around any program *)
Section Around.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Lemma smooth_run_rcons (V : normedModType R) (v0 : V) p (i : instr) E : smooth_run v0 p E ->
  smooth_op v0 i.2 (fun v => run p (E v)) -> smooth_run v0 (p ++ [:: i]) E.
Proof. by elim: p E => [|k p ih] E //= [h1 h2] h3; split=> //; exact: ih. Qed.

(** [p] computes [F] of the input [j]; then comes one op on the input and the
    result, at the shape of both. *)
Variables (p : prog) (nin : N) (sh : N -> shape) (j : N) (s : shape) (base out : N) (e : env R).
Variables (m n : nat) (l : layout s m n) (F : mat m n -> mat m n) (back : mat m n -> mat m n) (M : mat m n).
Hypothesis j_input : (j < nin)%num.
Hypothesis computes_F : forall X, as_mx l (run p (upd e j (as_tensor l X)) out) = F X.
Hypothesis F_back : is_vjp_mx F M back.
Hypothesis smooth : smooth_run M p (fun X => upd e j (as_tensor l X)).

Lemma then_op o nout : checks (p ++ [:: (base, Bin s o j out)]) nin sh [:: (j, s)] nout base = true ->
  forall X i k, run (p ++ [:: (base, Bin s o j out)]) (upd e j (as_tensor l X)) base (l i k)
    = bin_real o (X i k) (F X i k).
Proof.
case/and5P=> w _ _ _ _ X i k; have [wp _] := Computes.wf_cat w.
rewrite run_cat /= /step /= updE -computes_F mxE; congr (bin_real o _ _).
by rewrite (run_stable _ wp j_input) updE as_tensorE.
Qed.

Theorem residual_graph (q := p ++ [:: (base, Bin s Add j out)]) :
  checks q nin sh [:: (j, s)] (N.succ base) base = true ->
  forall dy, as_mx l (emitted q (N.succ base) base j s (upd e j (as_tensor l M)) dy)
    = as_mx l dy + back (as_mx l dy).
Proof.
move=> ck; apply: (emitted_form (l' := l) (F := fun X => X + F X) (back := fun dy => dy + back dy) ck).
- by rewrite /shrun foldl_cat /= updE.
- by move=> X; apply/matrixP => i k; rewrite [LHS]mxE (then_op ck) !mxE.
- exact: vjp_mx_add (vjp_mx_id M) F_back.
- exact: smooth_run_rcons smooth _.
Qed.

(** With [F] that spreads a gate over the places, a squeeze-and-excitation. *)
Theorem gate_graph (q := p ++ [:: (base, Bin s Mul j out)]) :
  checks q nin sh [:: (j, s)] (N.succ base) base = true ->
  forall dy, as_mx l (emitted q (N.succ base) base j s (upd e j (as_tensor l M)) dy)
    = hadamard (as_mx l dy) (F M) + back (hadamard (as_mx l dy) M).
Proof.
move=> ck; apply: (emitted_form (l' := l) (F := fun X => hadamard X (F X))
  (back := fun dy => hadamard dy (F M) + back (hadamard dy M)) ck).
- by rewrite /shrun foldl_cat /= updE.
- by move=> X; apply/matrixP => i k; rewrite [LHS]mxE (then_op ck) !mxE.
- exact: vjp_mx_hadamard (vjp_mx_id M) F_back.
- exact: smooth_run_rcons smooth _.
Qed.
End Around.

(** ** Attention *)
Section Attention.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Variables (t u f h : nat) (num : Z) (den_ : positive) (e : env R).
Notation c := (rational R num den_).

Definition scores (q k : N) : op :=
  Contract [:: d t; d u; d f] [:: d t; d u] (proj [:: 0; 1]%num)
    [:: View q [:: d t; d f] (proj [:: 0; 2]%num); View k [:: d u; d f] (proj [:: 1; 2]%num)].
Definition attention_graph : prog :=
  [:: (3%num, scores 0 1); (4%num, Const [:: d t; d u] num den_);
      (5%num, Bin [:: d t; d u] Mul 4 3); (6%num, Softmax [:: d t; d u] 5);
      (7%num, Layer.matmul (d t) (d u) (d h) 6 2)].
Definition attention_inputs (j : N) : shape :=
  nth [::] [:: [:: d t; d f]; [:: d u; d f]; [:: d u; d h]] (N.to_nat j).

Lemma scoresE q k (x : env R) i j :
  den (scores q k) x (table t u i j)
  = (as_mx (table t f) (x q) *m (as_mx (table u f) (x k))^T) i j.
Proof.
rewrite /scores /den sum_box; [|exact/N.ltb_lt/ord_lt|exact/N.ltb_lt/ord_lt].
rewrite sum_ord mxE; apply: eq_bigr => r _; rewrite !mxE big_cons big_cons big_nil mulr1.
have hb : inb [:: d t; d u; d f] [:: N.of_nat i; N.of_nat j; N.of_nat r] by rewrite /= !ord_lt.
by rewrite !(@read_proj _ _ _ _ [:: d t; d u; d f]).
Qed.

Lemma attention_graphE (x : env R) :
  as_mx (table t h) (run attention_graph x 7%num)
  = attention c (as_mx (table t f) (x 0%num)) (as_mx (table u f) (x 1%num)) (as_mx (table u h) (x 2%num)).
Proof.
apply/matrixP => i j; rewrite mxE.
set y := run (take 4 attention_graph) x.
transitivity (den (Layer.matmul (d t) (d u) (d h) 6 2) y (table t h i j)); first by [].
rewrite matmul_sound ?cell_in // /= sum_ord /attention [RHS]mxE; apply: eq_bigr => k _.
rewrite [in RHS]mxE; congr (_ * _); last by rewrite mxE.
set z := run (take 3 attention_graph) x.
transitivity (softmax [:: d t; d u] (z 5%num) (table t u i k)); first by [].
have hz a b : z 5%num (table t u a b) = (c *: (as_mx (table t f) (x 0%num) *m (as_mx (table u f) (x 1%num))^T)) a b.
  transitivity (c * den (scores 0 1) x (table t u a b)); first by [].
  by rewrite scoresE [RHS]mxE.
rewrite /softmax row_sumE hz /weights mxE; congr (_ / _); apply: eq_bigr => r _; by rewrite hz.
Qed.

Lemma attention_checks j s : (j, s) \in [:: (0%num, [:: d t; d f]); (1%num, [:: d u; d f]); (2%num, [:: d u; d h])] ->
  checks attention_graph 3%num attention_inputs [:: (j, s)] 8%num 7%num = true.
Proof. by rewrite !inE => /or3P [] /eqP [-> ->]; rewrite /checks /= ?eqxx //= /params_ok /= ?eqxx. Qed.

Variables (Q : mat t f) (K : mat u f) (V : mat u h).
Hypothesis hQ : as_mx (table t f) (e 0%num) = Q.
Hypothesis hK : as_mx (table u f) (e 1%num) = K.
Hypothesis hV : as_mx (table u h) (e 2%num) = V.

Theorem attention_graph_Q dy :
  as_mx (table t f) (emitted attention_graph 8 7 0 [:: d t; d f] (upd e 0%num (as_tensor (table t f) Q)) dy)
  = scores_back c Q K V (as_mx (table t h) dy) *m K.
Proof.
apply: (emitted_form (nin := 3%num) (sh := attention_inputs) (l' := table t h)
  (F := fun Q => attention c Q K V) (back := fun dy => scores_back c Q K V dy *m K)).
- by apply: attention_checks; rewrite !inE eqxx.
- by [].
- by move=> X; rewrite attention_graphE !(updE, updN) // as_tensorK hK hV.
- exact: attention_Q.
- by [].
Qed.

Theorem attention_graph_K dy :
  as_mx (table u f) (emitted attention_graph 8 7 1 [:: d u; d f] (upd e 1%num (as_tensor (table u f) K)) dy)
  = (scores_back c Q K V (as_mx (table t h) dy))^T *m Q.
Proof.
apply: (emitted_form (nin := 3%num) (sh := attention_inputs) (l' := table t h)
  (F := fun K => attention c Q K V) (back := fun dy => (scores_back c Q K V dy)^T *m Q)).
- by apply: attention_checks; rewrite !inE eqxx orbT.
- by [].
- by move=> X; rewrite attention_graphE !(updE, updN) // as_tensorK hQ hV.
- exact: attention_K.
- by [].
Qed.

Theorem attention_graph_V dy :
  as_mx (table u h) (emitted attention_graph 8 7 2 [:: d u; d h] (upd e 2%num (as_tensor (table u h) V)) dy)
  = (weights c Q K)^T *m as_mx (table t h) dy.
Proof.
apply: (emitted_form (nin := 3%num) (sh := attention_inputs) (l' := table t h)
  (F := fun V => attention c Q K V) (back := fun dy => (weights c Q K)^T *m dy)).
- by apply: attention_checks; rewrite !inE eqxx !orbT.
- by [].
- by move=> X; rewrite attention_graphE !(updE, updN) // as_tensorK hQ hK.
- exact: attention_V.
- by [].
Qed.
End Attention.

(** ** The exact GELU, on tensors of any shape *)
Section Gelu.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Theorem gelu_graph num den_ s m n (l : layout s m n) (M : mat m n) (e : env R) dy
    (c := rational R num den_) :
  as_mx l (emitted (Layer.emit_pointwise (Layer.Gelu num den_) s 0 1) 9 8 0 s (upd e 0%num (as_tensor l M)) dy)
  = \matrix_(i, j) (gelu_slope c (M i j) * as_mx l dy i j).
Proof.
set p := Layer.emit_pointwise _ _ _ _.
have ck : checks p 1 (fun _ => s) [:: (0%num, s)] 9 8 = true by rewrite /checks /= /params_ok /= !eqxx.
have [w _] := andP ck.
apply: (emitted_form (nin := 1%num) (sh := fun _ => s) (l' := l) (F := map_mx (gelu c))
  (back := fun dy => \matrix_(i, j) (gelu_slope c (M i j) * dy i j)) ck) => //.
- move=> X; apply/matrixP => i j; rewrite !mxE.
  have := pointwise_sound (Computes.wf_computes (upd e 0%num (as_tensor l X)) w) (l i j).
  rewrite -[N.pred _]/8%num => ->; rewrite (run_stable _ w) // updE as_tensorE /=.
  by rewrite /gelu /normal_cdf -/c mulrAC -mulrA.
exact: gelu_vjp.
Qed.
End Gelu.

(** ** Any program: what is emitted is the backward of what is computed *)
Section Backward.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Theorem emitted_backward p nin sh j s base out (e : env R)
    m n t m' n' (l : layout s m n) (l' : layout t m' n') M :
  checks p nin sh [:: (j, s)] base out = true -> shrun p sh out = t ->
  smooth_run M p (fun X => upd e j (as_tensor l X)) ->
  is_vjp_mx (fun X : mat m n => as_mx l' (run p (upd e j (as_tensor l X)) out)) M
    (fun dY => as_mx l (emitted p base out j s (upd e j (as_tensor l M)) (as_tensor l' dY))).
Proof.
move=> ck et sm; pose E (X : mat m n) := upd e j (as_tensor l X).
have EE k (X : mat m n) : E X j (l k.1 k.2) = X k.1 k.2 by rewrite /E updE as_tensorE.
have hE q : q \in [:: (j, s)] -> forall i, i \in idxs q.2 -> differentiable (fun X => E X q.1 i : R^o) M.
  rewrite inE => /eqP -> i _ /=; rewrite (_ : (fun X => _) = (fun X => as_tensor l X i : R^o)).
    by case: (as_tensor_diff l M i).
  by apply/funext => X; rewrite /E updE.
have hfix : fixed M nin [:: (j, s)] E.
  by move=> k _; rewrite inE => /eqP kj X i; rewrite /E !updN.
have [df H] := grad_correct_checked ck (surjective_pairing _) hE hfix sm.
rewrite et in df H.
have D : is_diff M (fun X : mat m n => as_mx l' (run p (E X) out))
    (fun v => \matrix_(a, b) (differential M (fun X => run p (E X)) out (l' a b) v : R^o)).
  apply: is_diff_mx => a b; rewrite (_ : (fun y => _) = (fun X => run p (E X) out (l' a b) : R^o)); last first.
    by apply/funext => X; rewrite mxE.
  by apply: DiffDef => //; apply: df; exact: cell_in.
apply: (is_vjp_mx_diff D) => dY v; have := H (as_tensor l' dY) v; rewrite /zip big_seq1 /=.
set A := emitted _ _ _ _ _ _ _ => {}H.
transitivity (\sum_(i <- idxs s) A i * differential M E j i v).
  rewrite mdotE (sum_cells l); apply: eq_bigr => a _; apply: eq_bigr => b _.
  rewrite mxE; congr (_ * _); rewrite /differential.
  rewrite (_ : (fun X => _) = (fun X => as_tensor l X (l a b) : R^o)); last first.
    by apply/funext => X; rewrite /E updE.
  by have [_ ->] := as_tensor_diff l M (l a b); rewrite as_tensorE.
rewrite -H (sum_cells l') mdotE; apply: eq_bigr => a _; apply: eq_bigr => b _.
by rewrite as_tensorE mxE.
Qed.

(** ** Maxima over windows: each cotangent goes to the cell it came from *)
Theorem max_pool_graph s out k w m n m' n' (l : layout s m n) (l' : layout out m' n') (e : env R) (M : mat m n) :
  (forall i, i \in idxs out -> stays_greatest M s k w (fun X => as_tensor l X) i) ->
  let graph := [:: (1%num, MaxPool s out k w 0)] in
  let back (dY : mat m' n') : mat m n := \matrix_(a, b)
    \sum_(i <- idxs out | chosen s k w (as_tensor l M) i == Some (l a b)) as_tensor l' dY i in
  is_vjp_mx (fun X => \matrix_(a, b)
    (if chosen s k w (as_tensor l X) (l' a b) is Some c then as_tensor l X c else 0)) M back
  /\ forall dY, as_mx l (emitted graph 2 1 0 s (upd e 0%num (as_tensor l M)) (as_tensor l' dY)) = back dY.
Proof.
move=> sm graph back.
have hb dY : as_mx l (emitted graph 2 1 0 s (upd e 0%num (as_tensor l M)) (as_tensor l' dY)) = back dY.
  by apply/matrixP => a b; rewrite !mxE.
split=> //; apply: (is_vjp_mx_ext _ hb (@emitted_backward graph 1 (fun _ => s) 0 s 2 1 e m n out m' n' l l' M _ _ _)).
- by move=> X; apply/matrixP => a b; rewrite !mxE.
- by rewrite /checks /= /params_ok /= !eqxx.
- by [].
by split.
Qed.
End Backward.
