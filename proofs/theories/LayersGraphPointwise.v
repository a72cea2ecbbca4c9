(** * Activations as layers emit them: one gradient for all

    What reverse mode emits for the instructions of [Layer.emit_pointwise], on
    tensors of any shape: every cotangent times the slope of the activation, in
    closed form, where the input is off its kinks.

    Glossary
      - [pointwise_slope p x]  the derivative of [pointwise_meaning p] at [x]
      - [off_points p x]       [x] is none of the points in [pointwise_kinks]
      - [pointwise_derive]     that it is the derivative
      - [pointwise_gradients]  the theorem *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad Tangent GradAdjoint Scalar SmoothFacts GradCorrect Computes SpecLayer MeaningLayer MeaningLayerSound.
From Cotangent Require Import LayersPointwise LayersGelu LayersGraph LayersGraphCells.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Pointwise.
Variable R : realType.

Definition pointwise_slope (p : Layer.pointwise) (x : R) : R := match p with
| Layer.Relu => if 0 < x then 1 else 0
| Layer.Relu6 => if 0 < x then if x < 6%:R then 1 else 0 else 0
| Layer.LeakyRelu n d => if 0 < x then 1 else rational R n d
| Layer.Elu n d => if 0 < x then 1 else rational R n d * expR x
| Layer.Sigmoid => sigmoid x * (1 - sigmoid x)
| Layer.Tanh => 1 - LayersPointwise.tanh x ^+ 2
| Layer.Softplus => sigmoid x
| Layer.Silu => silu_slope x
| Layer.HardSigmoid => if - 3%:R < x then if x < 3%:R then 6%:R^-1 else 0 else 0
| Layer.HardSwish => hard_swish_slope x
| Layer.Gelu n d => gelu_slope (rational R n d) x
| Layer.GeluTanh n d m e => gelu_tanh_slope (rational R m e) (rational R n d) x
end.

Definition off_points (p : Layer.pointwise) (x : R) : Prop :=
  forall z, List.In z (pointwise_kinks p).2 -> x != int_real R z.

Lemma pointwise_derive p x : off_points p x -> is_derive x 1 (pointwise_meaning p : R -> R) (pointwise_slope p x).
Proof.
have three : - 3%:R = int_real R (- 3) by rewrite -int_nat3.
case: p => [||n d|n d|||||||n d|n d m e] off.
- exact: (@una_derive R Relu x (off 0%Z (or_introl erefl))).
- have h0 : x != rational R 0 1 by rewrite rational0; exact: (off 0%Z (or_introl erefl)).
  have h6 : x != rational R 6 1 by rewrite rational_int; exact: (off 6%Z (or_intror (or_introl erefl))).
  have h := @una_derive R (Clamp 0 1 6 1) x (conj h0 h6).
  rewrite (_ : pointwise_meaning _ = @una_real R (Clamp 0 1 6 1)); last first.
    by apply/funext => y; rewrite /= !rational_int int_nat6.
  by apply: (is_derive_eq h); rewrite /= !rational_int int_nat6.
- have h0 : x != 0 := off 0%Z (or_introl erefl).
  rewrite /pointwise_slope; have [lo|hi|e] := ltgtP 0 x; last by rewrite e eqxx in h0.
    apply: (@is_derive_near _ _ id).
    by apply: filterS (near_gt lo) => y y0; rewrite /= y0.
  have h := is_derive_mulr (is_derive_id x 1) (is_derive_cst (rational R n d) x 1).
  apply: (@is_derive_near _ _ (fun y => id y * cst (rational R n d) y)).
    by apply: filterS (near_lt hi) => y y0; rewrite /= ltNge (ltW y0).
  by apply: (is_derive_eq h); rewrite mulr0 add0r mulr1.
- have h : x != 0 \/ rational R n d = 1.
    move: off; rewrite /off_points /=; case: Z.eqb_spec => [->|_] off.
      by right; rewrite /rational /= divff // lt0r_neq0 // pos_real_gt0.
    by left; exact: (off 0%Z (or_introl erefl)).
  exact: (@una_derive R (Elu n d) x h).
- rewrite (_ : pointwise_meaning _ = @sigmoid R); first exact: sigmoid_derive.
  by apply/funext => y; rewrite /= div1r.
- exact: tanh_derive.
- exact: (@una_derive R Softplus x I).
- exact: silu_derive.
- have h0 : x + 3%:R != rational R 0 1.
    by rewrite rational0 addr_eq0 three; exact: (off _ (or_introl erefl)).
  have h6 : x + 3%:R != rational R 6 1.
    rewrite rational_int int_nat6 (natrD _ 3 3) (eqtype.inj_eq (addIr _)) -int_nat3.
    exact: (off _ (or_intror (or_introl erefl))).
  have din := is_derive_addr (is_derive_id x 1) (is_derive_cst (3%:R : R) x 1).
  have dc := @is_derive1_comp R (@una_real R (Clamp 0 1 6 1)) (fun y => id y + cst 3%:R y) x _ _
    (@una_derive R (Clamp 0 1 6 1) (x + 3%:R) (conj h0 h6)) din.
  have h := is_derive_mulr dc (is_derive_cst (6%:R^-1 : R) x 1).
  rewrite (_ : pointwise_meaning _ = (fun y => (@una_real R (Clamp 0 1 6 1) \o (fun y => id y + cst 3%:R y)) y
      * cst (6%:R^-1) y)); last first.
    by apply/funext => y; rewrite /= /hard_sigmoid !rational_int int_nat6.
  apply: (is_derive_eq h); rewrite mulr0 add0r /= !rational_int int_nat6 /cst.
  have -> : (0 < x + 3%:R) = (- 3%:R < x) by rewrite -[RHS]subr_gt0 opprK.
  have -> : (x + 3%:R < 6%:R) = (x < 3%:R) by rewrite -[6%:R]/((3 + 3)%:R) natrD ltr_add2r.
  by case: ifP => _; [case: ifP => _|]; rewrite ?addr0 ?mulr1 ?mulr0 ?mul0r.
- apply: hard_swish_derive; last by rewrite -int_nat3; exact: (off _ (or_intror (or_introl erefl))).
  by rewrite three; exact: (off _ (or_introl erefl)).
- rewrite (_ : pointwise_meaning _ = gelu (rational R n d)); first exact: gelu_derive.
  by apply/funext => y; rewrite /= /gelu /normal_cdf mulrAC -mulrA.
rewrite (_ : pointwise_meaning _ = gelu_tanh (rational R m e) (rational R n d)); first exact: gelu_tanh_derive.
apply/funext => y; rewrite /= /gelu_tanh; congr (_ * (1 + LayersPointwise.tanh _)).
by rewrite mulrC [_ ^+ 3 * _]mulrC.
Qed.

(** The number of instructions; the cotangent is the number after them. *)
Theorem pointwise_gradients p s (e : env R) dy (x := e 0%num) (code := Layer.emit_pointwise p s 0 1)
    (base := next_id 1 code) :
  (forall i, i \in idxs s -> off_points p (x i)) ->
  exists dx, gradients code base (N.pred base) [:: (0%num, s)] e dy = [:: dx] /\
    forall i, i \in idxs s -> dx i = pointwise_slope p (x i) * dy i.
Proof.
move=> off; have ck : checks code 1 (fun _ => s) [:: (0%num, s)] base (N.pred base) = true.
  by rewrite /base /code; case: (p) => *; rewrite /checks /next_id /= /params_ok /= ?eqxx.
have sh : shrun code (fun _ => s) (N.pred base) = s.
  by rewrite /base /code; case: (p) => *; rewrite /next_id /=.
have [w _] := andP ck.
exists (nth (fun=> 0) (gradients code base (N.pred base) [:: (0%num, s)] e dy) 0); split=> // i hi.
have val x' k : run code (vary e 0 i x') (N.pred base) k = pointwise_meaning p (if k == i then x' else e 0%num k).
  by rewrite (pointwise_sound (wf_computes (vary e 0 i x') w)) (run_stable _ w).
have sm : smooth_run (V := [normedModType R of R^o]) (e 0%num i) code (vary e 0 i).
  apply: (wf_smooth w); apply: pointwise_smooth => [x'|z hz k hk]; first exact: wf_computes w.
  by rewrite (run_stable _ w) // vary_same; exact: (off k hk z hz).
have [_ ->] := @gradients_partial R code 1 (fun _ => s) [:: (0%num, s)] base (N.pred base) e dy 0 0 s i ck erefl erefl hi sm.
rewrite sh (bigD1_seq i) ?idxs_uniq //= [X in _ + X]big1 ?addr0 => [|k /negPf ki]; last first.
  rewrite (_ : (fun x' => _) = cst (pointwise_meaning p (e 0%num k))) ?derive1_cst ?mulr0 //.
  by apply/funext => x'; rewrite val ki.
rewrite mulrC; congr (_ * _).
rewrite (_ : (fun x' => _) = pointwise_meaning p); last by apply/funext => x'; rewrite val eqxx.
by have [_ <-] := pointwise_derive (off i hi); rewrite derive1E.
Qed.
End Pointwise.
