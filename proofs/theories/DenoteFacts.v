(** * What a program computes depends on what it reads

    Lemmas about [Denote.v]: constants as real numbers; what is equal on the
    index sets stays so under every op and every run; values stay what they are
    when code is added.

    Glossary
      - [.._eqt]           equal operands give equal results
      - [run_stable], [shrun_stable]  a run changes no value that is there
      - [run_eqt]          equal inputs give equal values *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Export Denote IndexFacts Dims.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Facts.
Variable R : realType.
Local Notation pos_real := (@pos_real R).
Local Notation int_real := (@int_real R).
Local Notation rational := (@rational R).
Implicit Types (x y : tensor R) (e : env R).

(** ** Constants *)
Lemma pos_real_gt0 p : 0 < pos_real p.
Proof.
elim: p => [p ih|p ih|] /=; last exact: ltr01.
  by apply: addr_gt0; [exact: ltr01|apply: mulr_gt0; rewrite // ltr0n].
by apply: mulr_gt0; rewrite // ltr0n.
Qed.

Lemma pos_real_nat p : pos_real p = (Pos.to_nat p)%:R.
Proof.
elim: p => [p ih|p ih|] //=; rewrite ih.
  by rewrite Pos2Nat.inj_xI -natrM -mulrS.
by rewrite Pos2Nat.inj_xO -natrM.
Qed.

Lemma int_real_nat n : int_real (Z.of_N n) = (N.to_nat n)%:R.
Proof. by case: n => //= p; rewrite pos_real_nat. Qed.

Lemma rational0 : rational 0 1 = 0. Proof. exact: mul0r. Qed.
Lemma rational1 : rational 1 1 = 1. Proof. exact: divr1. Qed.

(** ** Equality on index sets is respected *)
Lemma eqt_refl s (a : tensor R) : eqt s a a. Proof. by []. Qed.
Lemma eqt_sym s (a b : tensor R) : eqt s a b -> eqt s b a.
Proof. by move=> h i hi; rewrite h. Qed.
Lemma eqt_trans s (a b c : tensor R) : eqt s a b -> eqt s b c -> eqt s a c.
Proof. by move=> h g i hi; rewrite h ?g. Qed.

Lemma row_sum_eqt s x y i : eqt s x y -> row_sum s x i = row_sum s y i.
Proof.
move=> h; rewrite /row_sum big_seq_cond [RHS]big_seq_cond.
by apply: eq_bigr => j /andP [hj _]; exact: h.
Qed.

Lemma exp_eqt s x y : eqt s x y -> eqt s (fun i => expR (x i)) (fun i => expR (y i)).
Proof. by move=> h i hi; rewrite h. Qed.

Lemma read_eqt e e' v r : eqt (v_shape v) (e (v_id v)) (e' (v_id v)) -> read e v r = read e' v r.
Proof. by rewrite /read; case E: at_map => [i|] // h; rewrite h // (at_map_in E). Qed.

Lemma prod_read_eqt e e' vs r :
  (forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> eqt v.2 (e v.1) (e' v.1)) ->
  \prod_(v <- vs) read e v r = \prod_(v <- vs) read e' v r.
Proof.
elim: vs => [|v vs ih] h; first by rewrite !big_nil.
rewrite !big_cons ih => [|w hw]; last by apply: h; rewrite inE hw orbT.
by congr (_ * _); apply: read_eqt; apply: (h (v_id v, v_shape v)); rewrite inE eqxx.
Qed.

Lemma first_greatest_in x best l : first_greatest x best l \in best :: l.
Proof.
elim: l best => [|j l ih] best /=; first exact: mem_head.
by have := ih (if x best < x j then j else best); rewrite !inE; case: ifP => _ /orP [->|->]; rewrite ?orbT.
Qed.

Lemma chosen_in s k m x i j : chosen s k m x i = Some j -> j \in cells s k m i.
Proof. by rewrite /chosen; case: cells => // b l [<-]; exact: first_greatest_in. Qed.

Lemma first_greatest_eq x y best l : {in best :: l, x =1 y} ->
  first_greatest x best l = first_greatest y best l.
Proof.
elim: l best => //= j l ih best h.
rewrite !h ?inE ?eqxx ?orbT //; apply: ih => i; rewrite inE => /orP [/eqP ->|hi].
  by case: ifP => _; rewrite h ?inE ?eqxx ?orbT.
by rewrite h // !inE hi !orbT.
Qed.

Lemma chosen_eqt s k m x y i : eqt s x y -> chosen s k m x i = chosen s k m y i.
Proof.
move=> h; rewrite /chosen; case E: cells => [|b l] //; congr Some.
by apply: first_greatest_eq => j hj; apply: h; apply: (@cells_in s k m i); rewrite E.
Qed.

Lemma mean_eqt s ds x y c : eqt s x y -> mean s ds x c = mean s ds y c.
Proof.
move=> h; rewrite /mean big_seq_cond [X in _ = X / _]big_seq_cond; congr (_ / _).
by apply: eq_bigr => j /andP [hj _]; exact: h.
Qed.

Lemma centred_eqt s ds x y : eqt s x y -> eqt s (centred s ds x) (centred s ds y).
Proof. by move=> h j hj; rewrite /centred h // (mean_eqt ds _ h). Qed.

Lemma variance_eqt s ds x y c : eqt s x y -> variance s ds x c = variance s ds y c.
Proof. by move=> h; apply: mean_eqt => j hj; rewrite (centred_eqt ds h). Qed.

Lemma normalize_eqt s ds eps x y : eqt s x y -> eqt s (normalize s ds eps x) (normalize s ds eps y).
Proof.
by move=> h j hj; rewrite /normalize (centred_eqt ds h) // /deviation (variance_eqt ds _ h).
Qed.

Lemma den_eqt o e e' : op_ok o ->
  (forall a, a \in oargs o -> eqt a.2 (e a.1) (e' a.1)) -> eqt (oshape o) (den o e) (den o e').
Proof.
have m0 (T : eqType) (x : T) l : x \in x :: l by exact: mem_head.
have m1 (T : eqType) (x y : T) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
have m2 (T : eqType) (x y z : T) l : z \in [:: x, y, z & l] by rewrite !inE eqxx !orbT.
have m3 (T : eqType) (x y z w : T) l : w \in [:: x, y, z, w & l] by rewrite !inE eqxx !orbT.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a] ok /= h i hi //.
- by rewrite (h _ (m0 _ _ _) i hi).
- by rewrite (h _ (m0 _ _ _) i hi) (h _ (m1 _ _ _ _) i hi).
- rewrite (h _ (m0 _ _ _) i hi) (h _ (m1 _ _ _ _) i hi).
  by rewrite (h _ (m2 _ _ _ _ _) i hi) (h _ (m3 _ _ _ _ _ _) i hi).
- by apply: eq_bigr => r _; exact: prod_read_eqt.
- by apply: (h _ (m0 _ _ _)); apply: same_place_in => //; exact/N.eqb_eq.
- rewrite /softmax (h _ (m0 _ _ _) i hi); congr (_ / _).
  by apply: row_sum_eqt; apply: exp_eqt; exact: h (m0 _ _ _).
- rewrite /cross_entropy; congr (_ / _); congr (- _).
  rewrite !big_seq; apply: eq_bigr => j hj; rewrite (h _ (m1 _ _ _ _) j hj); congr (_ * _).
  rewrite /log_softmax (h _ (m0 _ _ _) j hj); congr (_ - ln _).
  by apply: row_sum_eqt; apply: exp_eqt; exact: h (m0 _ _ _).
- have ha : eqt s (e a) (e' a) := h _ (m0 _ _ _); rewrite (chosen_eqt k m i ha).
  by case E: chosen => [j|] //; rewrite ha // (cells_in (chosen_in E)).
- have ha : eqt s (e a) (e' a) := h _ (m0 _ _ _); rewrite big_seq_cond [RHS]big_seq_cond.
  apply: eq_big => [j|j /andP [hj _]]; first by rewrite (chosen_eqt k m j ha).
  exact: (h _ (m1 _ _ _ _) j hj).
- by apply: variance_eqt; exact: h _ (m0 _ _ _).
- by apply: normalize_eqt hi; exact: h _ (m0 _ _ _).
Qed.

(** ** Running *)
Lemma updE T (e : N -> T) k (x : T) : upd e k x k = x.
Proof. by rewrite /upd N.eqb_refl. Qed.
Lemma updN T (e : N -> T) k (x : T) j : j <> k -> upd e k x j = e j.
Proof. by rewrite /upd => /N.eqb_neq ->. Qed.

Lemma wf_cons d o p k sh : wf ((d, o) :: p) k sh ->
  [/\ d = k, op_ok o, forall a, a \in oargs o -> (a.1 < k)%num /\ sh a.1 = a.2
    & wf p (N.succ k) (upd sh k (oshape o))].
Proof.
rewrite /= => /and4P [/N.eqb_eq -> ok /allP h w]; split=> // a /h /andP [/N.ltb_lt ? /eqP ?].
by [].
Qed.

Lemma run_cat p q e : run (p ++ q) e = run q (run p e).
Proof. exact: foldl_cat. Qed.

Lemma run_stable p k sh e j : wf p k sh -> (j < k)%num -> run p e j = e j.
Proof.
elim: p k sh e => [|[d o] p ih] k sh e //.
move=> /wf_cons [-> _ _ w] hj.
by rewrite [LHS](ih _ _ (step e (k, o)) w) /step /= ?updN //; lia.
Qed.

Lemma shrun_stable p k sh j : wf p k sh -> (j < k)%num -> shrun p sh j = sh j.
Proof.
elim: p k sh => [|[d o] p ih] k sh // /wf_cons [-> _ _ w] hj.
by rewrite [LHS](ih _ _ w) /= ?updN //; lia.
Qed.

Lemma run_eqt p k sh e e' : wf p k sh ->
  (forall j, (j < k)%num -> eqt (sh j) (e j) (e' j)) ->
  forall j, (j < k + N.of_nat (size p))%num -> eqt (shrun p sh j) (run p e j) (run p e' j).
Proof.
elim: p k sh e e' => [|[d o] p ih] k sh e e'.
  by move=> _ h j; rewrite N.add_0_r; exact: h.
move=> /wf_cons [-> ok ha w] h j; rewrite [size _]/= Nnat.Nat2N.inj_succ => hj.
apply: (ih (N.succ k)) => //; last by move: hj; rewrite N.add_succ_r N.add_succ_l.
move=> {hj}{}j hj; rewrite /step /=.
have [->|ne] := N.eq_dec j k.
  rewrite !updE; apply: den_eqt => // a /ha [ak <-]; exact: h.
by rewrite !updN //; apply: h; lia.
Qed.
End Facts.
