(** * The transposes of the linear maps

    For each op whose tangent is more than pointwise, the identity
    [Σ ct · tangent = Σ (transpose ct) · t] that its reverse rule rests on.

    Glossary
      - [tdot s a b]   [Σ a · b] over the index set of [s] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad Tangent.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Transpose.
Variable R : realType.
Notation env := (env R).
Notation tensor := (tensor R).
Implicit Types (e t : env) (a b x z : tensor).

Definition tdot (s : shape) a b : R := \sum_(i <- idxs s) a i * b i.

Lemma tdot_eq s a b a' b' : (forall i, i \in idxs s -> a i * b i = a' i * b' i) ->
  tdot s a b = tdot s a' b'.
Proof. by move=> h; rewrite /tdot !big_seq; apply: eq_bigr. Qed.

Lemma tdotD s a b c a' b' : (forall i, i \in idxs s -> a i * b i + a' i * b' i = c i) ->
  tdot s a b + tdot s a' b' = \sum_(i <- idxs s) c i.
Proof. by move=> h; rewrite /tdot -big_split !big_seq; apply: eq_bigr. Qed.

(** ** Sums over rows *)
Lemma row_sum_transpose s a b : tdot s a (row_sum s b) = tdot s (row_sum s a) b.
Proof.
rewrite /tdot /row_sum.
under eq_bigr do rewrite big_mkcond big_distrr /=.
under [RHS]eq_bigr do rewrite big_mkcond big_distrl /=.
rewrite exchange_big; apply: eq_bigr => j _; apply: eq_bigr => i _.
by rewrite eq_sym; case: ifP => _; rewrite ?mulr0 ?mul0r.
Qed.

Lemma softmax_transpose s ct z dz :
  tdot s ct (softmax_tangent s z dz)
  = tdot s (fun i => softmax s z i * (ct i - row_sum s (fun j => ct j * softmax s z j) i)) dz.
Proof.
set p := softmax s z.
transitivity (tdot s (fun i => ct i * p i) dz
              - tdot s (fun i => ct i * p i) (row_sum s (fun j => p j * dz j))).
  rewrite /tdot -sumrB; apply: eq_bigr => i _.
  by rewrite /softmax_tangent -/p mulrA mulrBr.
rewrite row_sum_transpose /tdot -sumrB; apply: eq_bigr => i _.
rewrite mulrBr mulrBl [p i * ct i]mulrC; congr (_ - _).
by rewrite mulrA [p i * _]mulrC.
Qed.

Lemma cross_entropy_transpose s c z y dz dy : (forall i, dy i = 0) ->
  c * cross_entropy_tangent s z y dz dy
  = tdot s (fun i => (row_sum s y i * softmax s z i - y i) * (c / rows R s)) dz.
Proof.
move=> dy0; set p := softmax s z.
have -> : cross_entropy_tangent s z y dz dy
    = - (tdot s y dz - tdot s y (row_sum s (fun j => p j * dz j))) / rows R s.
  rewrite /cross_entropy_tangent /tdot -sumrB; congr (- _ / _); apply: eq_bigr => i _.
  by rewrite dy0 mulr0 addr0 /log_softmax_tangent -/p mulrBr.
rewrite row_sum_transpose opprB /tdot -sumrB mulrCA mulr_suml.
by apply: eq_bigr => i _; rewrite [RHS]mulrAC; congr (_ * _); rewrite mulrBl mulrA.
Qed.

(** ** Contractions *)
Lemma contract_transpose box s f ct (X : idx -> R) :
  tdot s ct (fun i => \sum_(r <- idxs box | at_map f s r == Some i) X r)
  = \sum_(r <- idxs box) (if at_map f s r is Some i then ct i else 0) * X r.
Proof. by apply: sum_fiber; [exact: idxs_uniq | move=> r i /at_map_in]. Qed.

(** One operand's share of the product rule. *)
Lemma view_transpose box e t v (vs : seq view) :
  tdot (v_shape v) (den (Contract box (v_shape v) (v_map v) vs) e) (t (v_id v))
  = \sum_(r <- idxs box) (\prod_(w <- vs) read e w r) * read t v r.
Proof.
rewrite /tdot; under eq_bigr do rewrite mulrC.
apply: etrans (contract_transpose _ _ _ _ _) _.
by apply: eq_bigr => r _; rewrite mulrC.
Qed.

Lemma reshape_transpose s s' ct x : size_of s = size_of s' ->
  tdot s' ct (fun i => x (same_place s s' i)) = tdot s (fun j => ct (same_place s' s j)) x.
Proof. by move=> h; rewrite /tdot (sum_same_place (fun j i => ct i * x j) h). Qed.

Lemma max_pool_transpose s out k m x ct dx :
  tdot out ct (fun i => if chosen s k m x i is Some j then dx j else 0)
  = tdot s (fun j => \sum_(i <- idxs out | chosen s k m x i == Some j) ct i) dx.
Proof.
rewrite /tdot; under [RHS]eq_bigr do rewrite mulrC.
have in_s i j : chosen s k m x i = Some j -> j \in idxs s by move/chosen_in/cells_in.
rewrite (sum_fiber (idxs out) dx ct (idxs_uniq s) in_s).
by apply: eq_bigr => i _; rewrite mulrC.
Qed.

(** ** The ops that rules are made of *)
Lemma den_zero_like s e i : den (zero_like s) e i = 0.
Proof. by rewrite /= /rational /= mul0r. Qed.

Lemma read_id e v s r : r \in idxs s -> read e (View v s (id_map s)) r = e v r.
Proof. by rewrite mem_idxs /read /= /id_map => /at_map_id ->. Qed.

Lemma read_lead e v s r : r \in idxs s -> read e (View v (lead s) (lead_map s)) r = e v (lead r).
Proof. by rewrite mem_idxs /read /= /lead_map => /at_map_lead ->. Qed.

Lemma den_row_total s v e i : i \in idxs s -> den (row_total s v) e (lead i) = row_sum s (e v) i.
Proof.
move=> hi; rewrite /= /row_sum [LHS]big_seq_cond [RHS]big_seq_cond; apply: eq_big => r.
  case hr: (r \in idxs s) => //=.
  by rewrite /lead_map at_map_lead -?mem_idxs //; apply/eqP/eqP => [[]|->].
by move=> /andP [hr _]; rewrite big_seq1 read_id.
Qed.

Lemma sum_id_map s (X : idx -> R) i : i \in idxs s ->
  \sum_(r <- idxs s | at_map (id_map s) s r == Some i) X r = X i.
Proof.
move=> hi; rewrite -[RHS](@sum_pick _ _ (idxs s) i X) ?idxs_uniq //.
rewrite [LHS]big_seq_cond [RHS]big_seq_cond; apply: eq_bigl => r.
case hr: (r \in idxs s) => //=.
by rewrite /id_map at_map_id -?mem_idxs //; apply/eqP/eqP => [[]|->].
Qed.

Lemma den_row_spread s v e i : i \in idxs s -> den (row_spread s v) e i = e v (lead i).
Proof. by move=> hi; rewrite /= sum_id_map // big_seq1 read_lead. Qed.

Lemma den_scalar_spread s v e i : i \in idxs s -> den (scalar_spread s v) e i = e v [::].
Proof. by move=> hi; rewrite /= sum_id_map // big_seq1 /read. Qed.

Lemma den_row_count s e i : den (row_count s) e i = rows R s.
Proof. by rewrite /= /rational divr1. Qed.
End Transpose.
