(** * Differentiating a gradient

    A program with its gradient is a program, so reverse mode applies to it
    again. What decides whether the check passes the second time is whether an
    operand without a rule, in the emitted code, depends on the parameters
    ([gradient_checksE]). Only [MaxPool] is differentiated with such: its gradient
    routes cotangents and has no rule for them. Of programs without it the check
    passes from one differentiation to the next, any number of times
    ([gradient_checks], [gradient_no_pools]).

    Glossary
      - [ruled p]        every operand of [p] has a rule
      - [no_pools p]     no instruction of [p] is a [MaxPool]
      - [moving p m]     the values that depend on those in [m], after [p]
      - [gradient_twice] a scalar computed from the gradient has the gradient
                         that is emitted for the whole *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint SmoothFacts GradCorrect Vjp RowVector GradWellFormed.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.

Definition ruled (p : prog) : bool := all (fun i => ~~ isSome (held i.2)) p.
Definition pool (o : op) : bool := if o is MaxPool _ _ _ _ _ then true else false.
Definition no_pools (p : prog) : bool := all (fun i => ~~ pool i.2) p.

(** ** Which ops are emitted *)
Section Emitted.
Variable P : op -> bool.
Let only (s : st) : bool := all (fun i => P i.2) (code s).

(** [P] holds of the ops that the rules of [o] append. *)
Hypothesis P_const : forall s n d, P (Const s n d).
Hypothesis P_una : forall s u a, P (Una s u a).
Hypothesis P_bin : forall s b x y, P (Bin s b x y).
Hypothesis P_sel : forall s c a b x y, P (Sel s c a b x y).
Hypothesis P_contract : forall box s f vs, P (Contract box s f vs).
Hypothesis P_reshape : forall s t a, P (Reshape s t a).
Hypothesis P_softmax : forall s a, P (Softmax s a).
Hypothesis P_variance : forall s ds a, P (Variance s ds a).

Lemma only_emit o s : P o -> only s -> only (emit o s).
Proof. by rewrite /only /= => -> ->. Qed.
Lemma only_acc j z c s : only s -> only (acc j z c s).
Proof. by rewrite /acc; case: aget => [d|] h //; exact: (only_emit (P_bin _ _ _ _)). Qed.
Lemma only_push j z o s : P o -> only s -> only (push j z o s).
Proof. by move=> h hs; apply: only_acc; exact: only_emit. Qed.
Lemma only_contract box v pre vs s : only s -> only (contract_rule box v pre vs s).
Proof. by elim: vs pre s => //= u vs ih pre s h; apply: ih; exact: only_push. Qed.

Ltac emitted := repeat first
  [ assumption | apply: only_push | apply: only_emit | apply: only_acc
  | exact: P_const | exact: P_una | exact: P_bin | exact: P_sel | exact: P_contract
  | exact: P_reshape | exact: P_softmax | exact: P_variance ].

Lemma only_vstep i s : (forall z out k m a ct, i.2 = MaxPool z out k m a -> P (MaxPoolGrad z out k m a ct)) ->
  only s -> only (vstep i s).
Proof.
case: i => k o /= hp hs; rewrite /vstep /=; case: aget => [ct|//].
case: o hp => [z n d|z u a|z b x y|z cmp a b x y|box z f vs|z z' a|z a|z a t
  |z out kk m a|z out kk m a c|z ds a|z ds n d a] hp //; try by emitted.
- by rewrite /una_rule; case: u {hp} => [||||||||||||p q|p q p' q']; rewrite /emits /=; emitted.
- by rewrite /bin_rule /emits; case: b {hp} => /=; emitted.
- exact: only_contract.
- by apply: only_push => //; exact: hp.
Qed.

Lemma only_grad p base out params :
  (forall i, List.In i p ->
     forall z out k m a ct, i.2 = MaxPool z out k m a -> P (MaxPoolGrad z out k m a ct)) ->
  all (fun i => P i.2) (grad p base out params).1.
Proof.
move=> h; rewrite /grad /= all_rev.
suff: only (back p (St (N.succ base) [::] (aset aempty out base))).
  elim: params => //= q params ih /ih hs; rewrite {1}/settle; case: aget => [//|].
  by apply: only_push => //; exact: P_const.
elim: p h => //= i p ih h; apply: only_vstep; first by move=> z o k m a ct; apply: (h i); left.
by apply: ih => j hj; apply: h; right.
Qed.
End Emitted.

(** No gradient has a maximum pool in it, and operands without a rule only where
    the program had one. *)
Lemma grad_no_pools p base out params : no_pools (grad p base out params).1.
Proof. by apply: (only_grad (P := fun o => ~~ pool o)). Qed.

Lemma grad_ruled p base out params : no_pools p -> ruled (grad p base out params).1.
Proof.
move=> h; apply: (only_grad (P := fun o => ~~ isSome (held o))) => // i hi z o k m a ct e.
by elim: p h hi => //= j p ih /andP [hj /ih h] [ej|/h //]; rewrite ej e in hj.
Qed.

(** ** The check, again *)
Lemma ruled_fixed p m : ruled p -> targets_fixed_from p m.
Proof. by elim: p m => //= i p ih m /andP []; case: held => //= _ /ih. Qed.

Definition moving (p : prog) (m : amap) : amap := foldl depends m p.

Lemma targets_fixed_cat p q m :
  targets_fixed_from (p ++ q) m = targets_fixed_from p m && targets_fixed_from q (moving p m).
Proof. by elim: p m => //= i p ih m; rewrite ih andbA. Qed.

Section Again.
Variables (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape)) (base out : N).
Hypothesis ck : checks p nin sh params base out.
Hypothesis scalar : shrun p sh out = [::].

(** The program, its gradient, and what is computed from that. *)
Variable q : prog.
Let g := loss_grad p base out params.
Let p1 := p ++ g.1.
Let k1 := (nin + N.of_nat (size p1))%num.
Hypothesis well : wf q k1 (shrun p1 sh).
Hypothesis q_ruled : ruled q.

(** All that is to be checked of the whole is that the emitted code holds no
    operand without a rule that moves with the parameters. *)
Theorem gradient_checksE out' : (out' < k1 + N.of_nat (size q))%num ->
  checks (p1 ++ q) nin sh params (k1 + N.of_nat (size q)) out'
  = targets_fixed_from g.1 (moving p (foldr (fun j m => aset m j 0%num) aempty (ids params))).
Proof.
move=> ho; have [w /N.eqb_eq eb /N.ltb_lt hb ok tf] := and5P ck.
have [w1 _] := loss_grad_well_formed w (esym eb) hb ok scalar.
have eN : (nin + N.of_nat (size (p1 ++ q)) = k1 + N.of_nat (size q))%num.
  by rewrite /k1 size_cat -plusE; lia.
rewrite /checks wf_catE w1 well eN N.eqb_refl (proj2 (N.ltb_lt _ _) ho) ok /=.
rewrite /targets_fixed /p1 !targets_fixed_cat -/(targets_fixed p (ids params)) tf /=.
by rewrite (ruled_fixed _ q_ruled) andbT.
Qed.

(** There is none without pools. *)
Hypothesis flat : no_pools p.

Theorem gradient_checks out' : (out' < k1 + N.of_nat (size q))%num ->
  checks (p1 ++ q) nin sh params (k1 + N.of_nat (size q)) out'.
Proof. by move=> ho; rewrite gradient_checksE //=; apply: ruled_fixed; exact: grad_ruled. Qed.

(** So it passes any number of times. *)
Lemma gradient_no_pools : no_pools q -> no_pools (p1 ++ q).
Proof. by move=> nq; rewrite /no_pools !all_cat -andbA; apply/and3P; split=> //; exact: grad_no_pools. Qed.

Variables (R : realType) (x : env R) (θ : 'rV[R]_(dim params).+1) (out' : N).
Hypothesis some_value : (out' < k1 + N.of_nat (size q))%num.
Hypothesis scalar' : shrun (p1 ++ q) sh out' = [::].
Hypothesis pos : N.ltb 0 (total params) = true.
Let g' := loss_grad (p1 ++ q) (k1 + N.of_nat (size q)) out' params.

Theorem gradient_twice : smooth_run θ (p1 ++ q) (inputs x) ->
  differentiable (loss (p1 ++ q) out' x : 'rV[R]_(dim params).+1 -> R^o) θ /\
  forall v, 'd (loss (p1 ++ q) out' x : 'rV[R]_(dim params).+1 -> R^o) θ v
            = dot (computed (p1 ++ q) g'.1 g'.2 x θ) v.
Proof.
by move=> sm; apply: (loss_gradient (gradient_checks some_value) pos scalar' (surjective_pairing g') sm).
Qed.
End Again.
