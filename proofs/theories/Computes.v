(** * A program's values, all at once

    A well-formed program assigns every value once, so after its run every
    instruction is an equation. Proofs about fragments then need the
    equations only: no order, no numbering.

    Glossary
      - [computes e p]     in [e], each instruction of [p] is an equation
      - [smooth_in E p]    in [E], each instruction of [p] is off its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts SmoothFacts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Computes.
Variable R : realType.
Implicit Types (e : env R) (o : op) (p q : prog).

Definition computes e p : Prop := forall d o, List.In (d, o) p -> e d =1 den o e.
Lemma computes_cons e d o p : computes e ((d, o) :: p) -> (e d =1 den o e) /\ computes e p.
Proof. by move=> h; split=> [|j q hq]; apply h; [left|right]. Qed.

Lemma computes_cat e p q : computes e (p ++ q) -> computes e p /\ computes e q.
Proof. by move=> h; split=> d o ho; apply h; apply: List.in_or_app; [left|right]. Qed.

(** ** Only operands matter *)
Let m0 (T : eqType) (x : T) l : x \in x :: l. Proof. exact: mem_head. Qed.
Let m1 (T : eqType) (x y : T) l : y \in [:: x, y & l]. Proof. by rewrite !inE eqxx orbT. Qed.
Let m2 (T : eqType) (x y z : T) l : z \in [:: x, y, z & l]. Proof. by rewrite !inE eqxx !orbT. Qed.
Let m3 (T : eqType) (x y z w : T) l : w \in [:: x, y, z, w & l].
Proof. by rewrite !inE eqxx !orbT. Qed.

Lemma den_ext o e e' : (forall a, a \in oargs o -> e a.1 = e' a.1) -> den o e =1 den o e'.
Proof.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a] h i //=.
- by rewrite (h _ (m0 _ _)).
- by rewrite (h _ (m0 _ _)) (h _ (m1 _ _ _)).
- by rewrite (h _ (m0 _ _)) (h _ (m1 _ _ _)) (h _ (m2 _ _ _ _)) (h _ (m3 _ _ _ _ _)).
- apply: eq_bigr => r _; elim: vs h => [|v vs ih] h; first by rewrite !big_nil.
  rewrite !big_cons ih => [|a ha]; last by apply: h; rewrite inE ha orbT.
  by rewrite /read (h _ (m0 _ _)).
- by rewrite (h _ (m0 _ _)).
- by rewrite (h _ (m0 _ _)).
- by rewrite (h _ (m0 _ _)) (h _ (m1 _ _ _)).
- by rewrite (h _ (m0 _ _)).
- by rewrite (h _ (m0 _ _)) (h _ (m1 _ _ _)).
- by rewrite (h _ (m0 _ _)).
- by rewrite (h _ (m0 _ _)).
Qed.

(** ** Well-formed programs *)
Lemma wf_step e p k sh o : wf ((k, o) :: p) k sh ->
  forall a, a \in oargs o -> run p (step e (k, o)) a.1 = e a.1.
Proof.
move=> /wf_cons [_ _ ha w] a /ha [hk _].
rewrite (run_stable _ w); last exact: N.lt_lt_succ_r.
by rewrite /step updN //; exact: N.lt_neq hk.
Qed.

Lemma wf_computes e p k sh : wf p k sh -> computes (run p e) p.
Proof.
elim: p k sh e => [|[d o] p ih] k sh e w; first by move=> d o [].
have [hd _ _ w'] := wf_cons w; subst d; move=> j q /= [[<- <-]|hq]; last exact: ih w' _ _ hq.
have := @run_stable R p _ _ (step e (k, o)) k w' (N.lt_succ_diag_r k).
rewrite /run /= => -> i; rewrite /step updE.
by apply: den_ext => a ha; exact: esym (wf_step e w ha).
Qed.

Lemma run_prefix e p q k sh j : wf (p ++ q) k sh -> (j < k + N.of_nat (size p))%num ->
  run (p ++ q) e j = run p e j.
Proof.
elim: p k sh e => [|[d o] p ih] k sh e; first by rewrite N.add_0_r; exact: run_stable.
move=> /wf_cons [_ _ _ w]; rewrite [size _]/= Nnat.Nat2N.inj_succ => hj.
by apply: ih w _; rewrite N.add_succ_l -N.add_succ_r.
Qed.

Lemma wf_cat p q k sh : wf (p ++ q) k sh ->
  wf p k sh /\ wf q (k + N.of_nat (size p))%num (shrun p sh).
Proof.
elim: p k sh => [|[d o] p ih] k sh; first by rewrite N.add_0_r.
move=> /and4P [hd ok ha /ih [wp wq]]; split; first by apply/and4P.
move/N.eqb_eq: hd => hd; subst d.
by rewrite [size _]/= Nnat.Nat2N.inj_succ N.add_succ_r -N.add_succ_l.
Qed.
End Computes.

(** ** Off the kinks *)
Section SmoothIn.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types (E : V -> env R) (p q : prog).

Definition smooth_in E p : Prop := forall d o, List.In (d, o) p -> smooth_op x0 o E.

Lemma smooth_in_cat E p q : smooth_in E p -> smooth_in E q -> smooth_in E (p ++ q).
Proof. by move=> hp hq d o ho; case: (List.in_app_or _ _ _ ho) => h; [exact: hp _ _ h|exact: hq _ _ h]. Qed.

Lemma wf_smooth E p k sh : wf p k sh -> smooth_in (fun x => run p (E x)) p -> smooth_run x0 p E.
Proof.
elim: p k sh E => [|[d o] p ih] k sh E // w h; have [hd _ _ w'] := wf_cons w; subst d.
split; last first.
  by apply: (ih _ _ (fun x => step (E x) (k, o)) w') => j q hq; exact: (h j q (or_intror hq)).
apply: (smooth_op_ext _ (h k o (or_introl erefl))) => a ha x.
exact: (wf_step (E x) w ha).
Qed.
End SmoothIn.
