(** * Reverse mode is correct

    For every well-formed program, every smooth dependence of its parameters
    on a point of a normed module, at every point off the kinks: the output is
    differentiable, and the code that [grad] emits, run after the program,
    computes the transpose of the differential.

    Glossary
      - [fixed ps E]     the inputs that are not parameters do not vary
      - [grad_correct]   for any cotangent of any output
      - [loss_grad_correct]  for a scalar output, with 1 as cotangent
      - [.._checked]     the same with all computation in hypotheses about
                         variables, to be applied to programs of any size *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose Adjoint GradAdjoint Scalar SmoothFacts Differential.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section GradCorrect.
Variables (R : realType) (V : normedModType R) (x0 : V).

Definition fixed (nin : N) (params : seq (N * shape)) (E : V -> env R) : Prop :=
  forall j, (j < nin)%num -> j \notin ids params -> forall x i, E x j i = E x0 j i.

(** The differential of element [i] of value [j]. *)
Definition differential (E : V -> env R) (j : N) (i : idx) (v : V) : R :=
  'd (fun x => E x j i : R^o) x0 v.

Theorem grad_correct p nin sh params base out (E : V -> env R) :
  checks p nin sh params base out ->
  (forall q, q \in params -> forall i, i \in idxs q.2 ->
     differentiable (fun x => E x q.1 i : R^o) x0) ->
  fixed nin params E -> smooth_run x0 p E ->
  let after dy := run (grad p base out params).1 (upd (run p (E x0)) base dy) in
  (forall i, i \in idxs (shrun p sh out) ->
     differentiable (fun x => run p (E x) out i : R^o) x0) /\
  forall (dy : tensor R) (v : V),
    \sum_(i <- idxs (shrun p sh out)) dy i * differential (fun x => run p (E x)) out i v
    = \sum_(q <- zip params (grad p base out params).2) \sum_(i <- idxs q.1.2)
        after dy q.2 i * differential E q.1.1 i v.
Proof.
move=> /and5P [w /N.eqb_eq eb /N.ltb_lt ho ok tf] hE hfix sm after.
have [u hp] := params_okP ok.
pose T (v : V) : env R := fun j i =>
  if j \in ids params then differential E j i v else 0.
have hT j : (j < nin)%num -> follows x0 E T (j, sh j).
  move=> hj i /= hi; rewrite /T; case: (boolP (j \in ids params)) => [/mapP [q hq e]|hn].
    apply: DiffDef => //; rewrite e; apply: hE => //.
    by have [_ <-] := hp q hq; rewrite -e.
  rewrite (_ : (fun x => _) = (fun=> E x0 j i : R^o)); first exact: is_diff_const.
  by apply/funext => x; exact: hfix.
have D := run_diff (j := out) w hT sm; rewrite eb in D.
split; first by move=> i hi; case: (D ho i hi).
move=> dy v.
have still_T j : (j < nin)%num -> j \notin ids params -> still (T v j).
  by move=> _ /negPf hj i; rewrite /T hj.
have A := grad_adjoint (E x0) dy (esym eb) w ho ok tf still_T.
transitivity (tdot (shrun p sh out) dy ((trun p (E x0) (T v)).2 out)).
  rewrite /tdot !big_seq; apply: eq_bigr => i hi.
  by have [_] := D ho i hi; rewrite /differential /= => ->.
rewrite A /tdot !big_seq; apply: eq_bigr => q hq; apply: eq_bigr => i _.
rewrite /T (_ : q.1.1 \in ids params) //.
suff : q.1 \in params by exact: map_f.
rewrite -[params](@unzip1_zip _ _ _ (grad p base out params).2); first exact: map_f.
by rewrite /= size_map.
Qed.

Theorem loss_grad_correct p nin sh params base out (E : V -> env R) :
  checks p nin sh params base out -> shrun p sh out = [::] ->
  (forall q, q \in params -> forall i, i \in idxs q.2 ->
     differentiable (fun x => E x q.1 i : R^o) x0) ->
  fixed nin params E -> smooth_run x0 p E ->
  let after := run (p ++ (loss_grad p base out params).1) (E x0) in
  differentiable (fun x => run p (E x) out [::] : R^o) x0 /\
  forall v : V,
    differential (fun x => run p (E x)) out [::] v
    = \sum_(q <- zip params (loss_grad p base out params).2) \sum_(i <- idxs q.1.2)
        after q.2 i * differential E q.1.1 i v.
Proof.
move=> ck sh0 hE hfix sm after.
have [df h] := grad_correct ck hE hfix sm.
split=> [|v]; first by apply: df; rewrite sh0 inE.
pose one := den (Const [::] 1 1) (run p (E x0)).
have one1 : one [::] = 1 by rewrite /one /= /rational divr1.
have := h one v; rewrite sh0 [idxs _]/= big_seq1 one1 mul1r => ->.
by rewrite /after run_cat.
Qed.

Theorem grad_correct_checked p nin sh params base out bwd gs (E : V -> env R) :
  checks p nin sh params base out = true -> grad p base out params = (bwd, gs) ->
  (forall q, q \in params -> forall i, i \in idxs q.2 ->
     differentiable (fun x => E x q.1 i : R^o) x0) ->
  fixed nin params E -> smooth_run x0 p E ->
  (forall i, i \in idxs (shrun p sh out) ->
     differentiable (fun x => run p (E x) out i : R^o) x0) /\
  forall (dy : tensor R) (v : V),
    \sum_(i <- idxs (shrun p sh out)) dy i * differential (fun x => run p (E x)) out i v
    = \sum_(q <- zip params gs) \sum_(i <- idxs q.1.2)
        run bwd (upd (run p (E x0)) base dy) q.2 i * differential E q.1.1 i v.
Proof. by move=> ck eg hE hfix sm; have := grad_correct ck hE hfix sm; rewrite eg. Qed.

Theorem loss_grad_correct_checked p nin sh params base out bwd gs (E : V -> env R) :
  checks p nin sh params base out = true -> shrun p sh out = [::] ->
  loss_grad p base out params = (bwd, gs) ->
  (forall q, q \in params -> forall i, i \in idxs q.2 ->
     differentiable (fun x => E x q.1 i : R^o) x0) ->
  fixed nin params E -> smooth_run x0 p E ->
  differentiable (fun x => run p (E x) out [::] : R^o) x0 /\
  forall v : V,
    differential (fun x => run p (E x)) out [::] v
    = \sum_(q <- zip params gs) \sum_(i <- idxs q.1.2)
        run (p ++ bwd) (E x0) q.2 i * differential E q.1.1 i v.
Proof. by move=> ck s0 eg hE hfix sm; have := loss_grad_correct ck s0 hE hfix sm; rewrite eg. Qed.
End GradCorrect.
