(** * The closed forms, and what reverse mode emits

    A program computes a layer: its output, read as a matrix, is a function of
    one of its inputs, read as a matrix. Then what [grad] emits for that input,
    run after the program, is the closed form of the layer's backward: there is
    only one transpose of a derivative. One theorem ([emitted_form]) for all
    layers and sizes; below it, dense layers, pointwise functions and softmax
    as graphs with symbolic sizes.

    Glossary
      - [table], [list_of]  the usual [layout]s of [Backward.v]
      - [d n]               the size [n + 1] as a binary number *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Vjp DenoteFacts Grad Tangent GradAdjoint Scalar SmoothFacts Differential GradCorrect Kinks.
From Cotangent Require Import Layers LayersRules SpecLayer MeaningLayer MeaningLayerSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** Tensors as matrices *)
Definition d (n : nat) : N := N.of_nat n.+1.

Lemma ord_lt n (i : 'I_n.+1) : N.ltb (N.of_nat i) (d n).
Proof. by apply/N.ltb_lt; have /ssrnat.ltP := ltn_ord i; rewrite /d; lia. Qed.

Lemma to_ord n k : N.ltb k (d n) -> exists i : 'I_n.+1, k = N.of_nat i.
Proof.
move=> /N.ltb_lt h; have hk : (N.to_nat k < n.+1)%nat by apply/ssrnat.ltP; rewrite /d in h; lia.
by exists (Ordinal hk); rewrite /= Nnat.N2Nat.id.
Qed.

Lemma of_ord_inj n (i j : 'I_n.+1) : N.of_nat i = N.of_nat j -> i = j.
Proof. by move=> /Nnat.Nat2N.inj /ord_inj. Qed.

Definition table m n : layout [:: d m; d n] m n.
Proof.
exists (fun i j => [:: N.of_nat i; N.of_nat j]).
  by move=> i j k l [/of_ord_inj -> /of_ord_inj ->].
apply: uniq_perm; first exact: idxs_uniq.
  apply: allpairs_uniq; rewrite ?index_enum_uniq // => -[i j] [k l] _ _ /=.
  by move=> [/of_ord_inj -> /of_ord_inj ->].
move=> i; rewrite mem_idxs; apply/idP/allpairsP => [|[[a b] /= [_ _ ->]]]; last by rewrite /= !ord_lt.
case: i => [|a [|b [|? ?]]] //=; rewrite ?andbF // => /and3P [/to_ord [a' ->] /to_ord [b' ->] _].
by exists (a', b'); rewrite !mem_index_enum.
Defined.

Definition list_of n : layout [:: d n] 0 n.
Proof.
exists (fun _ j => [:: N.of_nat j]).
  by move=> i j k l [/of_ord_inj ->]; rewrite (ord1 i) (ord1 k).
apply: uniq_perm; first exact: idxs_uniq.
  apply: allpairs_uniq; rewrite ?index_enum_uniq // => -[i j] [k l] _ _ /=.
  by move=> [/of_ord_inj ->]; rewrite (ord1 i) (ord1 k).
move=> i; rewrite mem_idxs; apply/idP/allpairsP => [|[[a b] /= [_ _ ->]]]; last by rewrite /= !ord_lt.
case: i => [|b [|? ?]] //=; rewrite ?andbF // => /andP [/to_ord [b' ->] _].
by exists (ord0, b'); rewrite !mem_index_enum.
Defined.

Section Graph.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Notation tensor := (tensor R).
Notation env := (env R).

Section Layout.
Variables (s : shape) (m n : nat) (l : layout s m n).

Lemma sum_cells (F : idx -> R) : \sum_(k <- idxs s) F k = \sum_i \sum_j F (l i j).
Proof. by rewrite (perm_big _ (cell_onto l)) big_allpairs_dep. Qed.

Lemma cell_in i j : l i j \in idxs s.
Proof.
rewrite (perm_mem (cell_onto l)); apply/allpairsP; exists (i, j).
by rewrite !mem_index_enum.
Qed.

Lemma as_tensorE (X : mat m n) i j : as_tensor l X (l i j) = X i j.
Proof.
rewrite /as_tensor (bigD1 i) //= (bigD1 j) //= eqxx big1 ?[X in _ + X]big1 ?addr0 // => [k ki|k kj].
  by apply: big1 => q _; case: eqP => // /cell_inj [e _]; rewrite e eqxx in ki.
by case: eqP => // /cell_inj [_ e]; rewrite e eqxx in kj.
Qed.

Lemma as_tensorK (X : mat m n) : as_mx l (as_tensor l X) = X.
Proof. by apply/matrixP => i j; rewrite mxE as_tensorE. Qed.

Lemma as_tensor_diff (M : mat m n) k :
  is_diff M (fun X => as_tensor l X k : R^o) (fun v => as_tensor l v k : R^o).
Proof.
apply: is_diff_sum => i _; apply: is_diff_sum => j _.
by case: eqP => _; [exact: is_diff_coord | exact: is_diff_const].
Qed.
End Layout.

(** ** One transpose *)

Theorem emitted_form p nin sh j s base out (e : env)
    m n t m' n' (l : layout s m n) (l' : layout t m' n') (F : mat m n -> mat m' n') back M :
  checks p nin sh [:: (j, s)] base out = true -> shrun p sh out = t ->
  (forall X, as_mx l' (run p (upd e j (as_tensor l X)) out) = F X) ->
  is_vjp_mx F M back ->
  smooth_run M p (fun X => upd e j (as_tensor l X)) ->
  forall dy, as_mx l (emitted p base out j s (upd e j (as_tensor l M)) dy) = back (as_mx l' dy).
Proof.
move=> ck et hF /is_vjp_mxE [dF [DF hb]] sm dy.
have hE q : q \in [:: (j, s)] -> forall i, i \in idxs q.2 ->
    differentiable (fun X : mat m n => upd e j (as_tensor l X) q.1 i : R^o) M.
  rewrite inE => /eqP -> i _ /=; rewrite (_ : (fun X => _) = (fun X => as_tensor l X i : R^o)).
    by case: (as_tensor_diff l M i).
  by apply/funext => X; rewrite updE.
have hfix : fixed M nin [:: (j, s)] (fun X => upd e j (as_tensor l X)).
  by move=> k _; rewrite inE => /eqP kj X i; rewrite !updN.
have [_ H] := grad_correct_checked ck (surjective_pairing _) hE hfix sm.
apply/matrixP => a b; have := H dy (delta_mx a b); rewrite et /zip big_seq1 /=.
set A := emitted _ _ _ _ _ _ _; move=> {}H.
transitivity (mdot (as_mx l A) (delta_mx a b)); first by rewrite mdot_delta.
transitivity (\sum_(k <- idxs s) A k * differential M (fun X => upd e j (as_tensor l X)) j k (delta_mx a b)).
  rewrite mdotE (sum_cells l); apply: eq_bigr => i _; apply: eq_bigr => k _.
  rewrite mxE; congr (_ * _); rewrite /differential.
  rewrite (_ : (fun X => _) = (fun X => as_tensor l X (l i k) : R^o)); last first.
    by apply/funext => X; rewrite updE.
  by have [_ ->] := as_tensor_diff l M (l i k); rewrite as_tensorE.
rewrite -H (sum_cells l'); transitivity (mdot (as_mx l' dy) (dF (delta_mx a b))); last first.
  by rewrite -hb mdot_delta.
rewrite mdotE; apply: eq_bigr => i _; apply: eq_bigr => k _.
rewrite mxE; congr (_ * _); rewrite /differential.
rewrite (_ : (fun X => _) = (fun X => F X i k : R^o)); last first.
  by apply/funext => X; rewrite -hF mxE.
by have [_ ->] := is_diff_coordf i k DF.
Qed.

(** ** Dense layers *)
Section Dense.
Variables (k n m : nat).
Definition dense_inputs (j : N) : shape :=
  nth [::] [:: [:: d k; d n]; [:: d n; d m]; [:: d m]] (N.to_nat j).
Definition dense_graph : prog :=
  [:: (3%num, Layer.matmul (d k) (d n) (d m) 0 1); (4%num, Layer.every_row (d k) (d m) 2);
      (5%num, Bin [:: d k; d m] Add 3 4)].

Lemma sum_ord (G : N -> R) q : \sum_(c <- Nrange (d q)) G c = \sum_(c < q.+1) G (N.of_nat c).
Proof. by rewrite /Nrange big_map /d Nnat.Nat2N.id -[iota _ _]/(index_iota 0 q.+1) big_mkord. Qed.

Lemma dense_graphE (e : env) :
  as_mx (table k m) (run dense_graph e 5%num)
  = dense (as_mx (table k n) (e 0%num)) (as_mx (table n m) (e 1%num)) (as_mx (list_of m) (e 2%num)).
Proof.
apply/matrixP => i j; rewrite mxE.
have hin := cell_in (table k m) i j.
transitivity (den (Layer.matmul (d k) (d n) (d m) 0 1) e (table k m i j)
  + den (Layer.every_row (d k) (d m) 2) (upd e 3 (den (Layer.matmul (d k) (d n) (d m) 0 1) e)) (table k m i j)).
  by [].
rewrite matmul_sound // every_row_sound // /= sum_ord !mxE big_ord1 !mxE mul1r.
by congr (_ + _); apply: eq_bigr => c _; rewrite !mxE.
Qed.

Lemma dense_checks j s : (j, s) \in [:: (0%num, [:: d k; d n]); (1%num, [:: d n; d m]); (2%num, [:: d m])] ->
  checks dense_graph 3%num dense_inputs [:: (j, s)] 6%num 5%num = true.
Proof.
by rewrite !inE => /or3P [] /eqP [-> ->]; rewrite /checks /= ?eqxx //= /params_ok /= ?eqxx.
Qed.

Lemma dense_smooth (V : normedModType R) (v0 : V) E : smooth_run v0 dense_graph E.
Proof. by []. Qed.

Variables (e : env) (X : mat k n) (W : mat n m) (b : 'rV[R]_m.+1).
(** The inputs are these matrices. *)
Hypothesis hX : as_mx (table k n) (e 0%num) = X.
Hypothesis hW : as_mx (table n m) (e 1%num) = W.
Hypothesis hb : as_mx (list_of m) (e 2%num) = b.

Theorem dense_graph_input dy :
  as_mx (table k n) (emitted dense_graph 6 5 0 [:: d k; d n] (upd e 0%num (as_tensor (table k n) X)) dy)
  = as_mx (table k m) dy *m W^T.
Proof.
apply: (emitted_form (nin := 3%num) (sh := dense_inputs) (l' := table k m) (F := fun X => dense X W b) (back := fun dy => dy *m W^T)).
- by apply: dense_checks; rewrite !inE eqxx.
- by [].
- by move=> Y; rewrite dense_graphE !(updE, updN) // as_tensorK hW hb.
- exact: dense_input.
- exact: dense_smooth.
Qed.

Theorem dense_graph_weight dy :
  as_mx (table n m) (emitted dense_graph 6 5 1 [:: d n; d m] (upd e 1%num (as_tensor (table n m) W)) dy)
  = X^T *m as_mx (table k m) dy.
Proof.
apply: (emitted_form (nin := 3%num) (sh := dense_inputs) (l' := table k m) (F := fun W => dense X W b) (back := fun dy => X^T *m dy)).
- by apply: dense_checks; rewrite !inE eqxx orbT.
- by [].
- by move=> Y; rewrite dense_graphE !(updE, updN) // as_tensorK hX hb.
- exact: dense_weight.
- exact: dense_smooth.
Qed.

Theorem dense_graph_bias dy :
  as_mx (list_of m) (emitted dense_graph 6 5 2 [:: d m] (upd e 2%num (as_tensor (list_of m) b)) dy)
  = \row_j \sum_i as_mx (table k m) dy i j.
Proof.
apply: (emitted_form (nin := 3%num) (sh := dense_inputs) (l' := table k m) (F := fun b => dense X W b) (back := fun dy : mat k m => \row_j \sum_i dy i j)).
- by apply: dense_checks; rewrite !inE eqxx !orbT.
- by [].
- by move=> Y; rewrite dense_graphE !(updE, updN) // as_tensorK hX hW.
- exact: dense_bias.
- exact: dense_smooth.
Qed.
End Dense.

(** ** One op: its graph is itself *)
Section Op.
Variables (s : shape) (m n : nat) (l : layout s m n).
Implicit Types (e : env) (M X : mat m n).

Lemma as_tensor_in M i : i \in idxs s -> exists a b, i = l a b.
Proof.
by rewrite (perm_mem (cell_onto l)) => /allpairsP [[a b] /= [_ _ ->]]; exists a, b.
Qed.

(** Pointwise, on tensors of any shape. *)
Theorem pointwise_graph u M e : (forall i j, una_smooth u (M i j)) -> forall dy,
  as_mx l (emitted [:: (1%num, Una s u 0)] 2 1 0 s (upd e 0%num (as_tensor l M)) dy)
  = \matrix_(i, j) (una_slope u (M i j) * as_mx l dy i j).
Proof.
move=> h; apply: (emitted_form (nin := 1%num) (sh := fun _ => s) (l' := l) (F := map_mx (una_real u))
  (back := fun dy => \matrix_(i, j) (una_slope u (M i j) * dy i j))).
- by rewrite /checks /= /params_ok /= !eqxx.
- by [].
- by move=> X; apply/matrixP => i j; rewrite !mxE -(as_tensorE l X i j).
- by apply: map_vjp => i j; exact: una_derive.
- by split=> // i /(as_tensor_in M) [a [b ->]]; rewrite updE as_tensorE.
Qed.

Corollary relu_graph M e : (forall i j, M i j != 0) -> forall dy,
  as_mx l (emitted [:: (1%num, Una s Relu 0)] 2 1 0 s (upd e 0%num (as_tensor l M)) dy)
  = \matrix_(i, j) (if 0 < M i j then as_mx l dy i j else 0).
Proof.
move=> h dy; rewrite pointwise_graph //; apply/matrixP => i j; rewrite !mxE /=.
by case: ifP; rewrite ?mul1r ?mul0r.
Qed.
End Op.

(** ** Rows *)
Section Rows.
Variables (m n : nat) (e : env).
Notation s := [:: d m; d n].
Notation l := (table m n).
Implicit Types (M X : mat m n).

Lemma row_sumE (x : tensor) i j : row_sum s x (l i j) = \sum_k x (l i k).
Proof.
rewrite /row_sum big_mkcond (sum_cells l) (bigD1 i) //= [X in _ + X]big1 ?addr0.
  by apply: eq_bigr => k _; rewrite /lead /= eqxx.
move=> a ai; apply: big1 => k _; rewrite /lead /=; case: eqP => // -[/of_ord_inj e'].
by rewrite e' eqxx in ai.
Qed.

Theorem softmax_graph M dy (p := softmax_mx M) :
  as_mx l (emitted [:: (1%num, Softmax s 0)] 2 1 0 s (upd e 0%num (as_tensor l M)) dy)
  = \matrix_(i, j) (p i j * (as_mx l dy i j - \sum_k as_mx l dy i k * p i k)).
Proof.
apply: (emitted_form (nin := 1%num) (sh := fun _ => s) (l' := l) (F := @softmax_mx R m n)
  (back := fun dy => \matrix_(i, j) (p i j * (dy i j - \sum_k dy i k * p i k)))).
- by rewrite /checks /= /params_ok /= !eqxx.
- by [].
- move=> X; apply/matrixP => i j; rewrite !mxE.
  transitivity (softmax s (as_tensor l X) (l i j)); first by [].
  rewrite /softmax row_sumE as_tensorE; congr (_ / _); apply: eq_bigr => k _.
  by rewrite as_tensorE.
- exact: softmax_vjp.
- by [].
Qed.
End Rows.
End Graph.
