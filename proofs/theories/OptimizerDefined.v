(** * Updates divide by no zero and take no root of a negative

    Real division and roots are total functions in MathComp; under the
    conditions that an optimiser keeps, no such convention is used. Of every
    rule that divides: the conditions on its state hold again after the step,
    and its denominators are positive.

    Glossary
      - [at_least_0P], [above_0P], [below_1P]  what is checked of a constant
                         holds of the real number
      - [power_stays]    a power of a constant below 1 stays at most 1, and is
                         below 1 after a step
      - [second_moment_ge0]  a mean of squares stays at or above 0
      - [adamw_well_defined], [adam_well_defined], [lamb_well_defined], [rmsprop_well_defined]
                         these rules
      - [clip_well_defined]  clipping divides by a positive number, whatever the
                         gradient is *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Optimizer Textbook.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Defined.
Variable R : realType.
Notation real := (@real R).

Lemma at_least_0P c : at_least_0 c -> 0 <= real c.
Proof.
case: c => -[|n|n] d //= _; first by rewrite /rational mul0r.
by apply: divr_ge0; apply/ltW/pos_real_gt0.
Qed.

Lemma above_0P c : above_0 c -> 0 < real c.
Proof. by case: c => -[|n|n] d //= _; apply: divr_gt0; apply: pos_real_gt0. Qed.

Lemma below_1P c : below_1 c -> real c < 1.
Proof.
case: c => -[|n|n] d //= h; rewrite /rational ?mul0r ?ltr01 //.
  rewrite ltr_pdivr_mulr ?pos_real_gt0 // mul1r /int_real !pos_real_nat ltr_nat.
  by apply/ssrnat.ltP; have /Z.ltb_lt := h; lia.
apply: le_lt_trans ltr01; rewrite /int_real mulNr oppr_le0.
by apply: divr_ge0; apply/ltW/pos_real_gt0.
Qed.

Lemma power_stays (last beta : R) : 0 <= last <= 1 -> 0 <= beta < 1 ->
  0 <= last * beta <= 1 /\ 0 < 1 - last * beta.
Proof.
move=> /andP [l0 l1] /andP [b0 b1].
have h : last * beta < 1 by apply: le_lt_trans b1; rewrite ler_pimull.
by rewrite subr_gt0 h mulr_ge0 // ltW.
Qed.

Lemma second_moment_ge0 (beta v g : R) : 0 <= beta < 1 -> 0 <= v ->
  0 <= beta * v + (1 - beta) * (g * g).
Proof.
move=> /andP [b0 b1] v0; apply: addr_ge0; apply: mulr_ge0 => //.
  by rewrite subr_ge0 ltW.
by rewrite -expr2 sqr_ge0.
Qed.

Theorem adamw_well_defined beta1 beta2 eps decay (p1 p2 v g : R) :
  constants_ok (AdamW beta1 beta2 eps decay) -> 0 <= p1 <= 1 -> 0 <= p2 <= 1 -> 0 <= v ->
  let v' := real beta2 * v + (1 - real beta2) * (g * g) in
  let v_hat := v' / (1 - p2 * real beta2) in
  [/\ 0 < 1 - p1 * real beta1, 0 < 1 - p2 * real beta2, 0 <= v_hat
    & 0 < Num.sqrt v_hat + real eps]
  /\ [/\ 0 <= v', 0 <= p1 * real beta1 <= 1 & 0 <= p2 * real beta2 <= 1].
Proof.
move=> /= /and5P [/at_least_0P a0 /below_1P a1 /at_least_0P b0 /below_1P b1].
move=> /andP [/above_0P e0 _] h1 h2 v0.
have b1_ok : 0 <= real beta1 < 1 by rewrite a0.
have b2_ok : 0 <= real beta2 < 1 by rewrite b0.
have [k1 c1] := power_stays h1 b1_ok; have [k2 c2] := power_stays h2 b2_ok.
have hv := second_moment_ge0 g b2_ok v0.
split; split=> //; first by rewrite divr_ge0 // ltW.
by rewrite ltr_paddl // sqrtr_ge0.
Qed.

(** Adam's [g] is the gradient with the decay in it; LAMB divides by a norm only
    where it is positive. *)
Corollary lamb_well_defined beta1 beta2 eps decay (p1 p2 v g : R) :
  constants_ok (Lamb beta1 beta2 eps decay) -> 0 <= p1 <= 1 -> 0 <= p2 <= 1 -> 0 <= v ->
  let v' := real beta2 * v + (1 - real beta2) * (g * g) in
  let v_hat := v' / (1 - p2 * real beta2) in
  [/\ 0 < 1 - p1 * real beta1, 0 < 1 - p2 * real beta2, 0 <= v_hat
    & 0 < Num.sqrt v_hat + real eps]
  /\ [/\ 0 <= v', 0 <= p1 * real beta1 <= 1 & 0 <= p2 * real beta2 <= 1].
Proof. exact: (@adamw_well_defined beta1 beta2 eps decay). Qed.

Corollary adam_well_defined beta1 beta2 eps decay (p1 p2 v g : R) :
  constants_ok (Adam beta1 beta2 eps decay) -> 0 <= p1 <= 1 -> 0 <= p2 <= 1 -> 0 <= v ->
  let v' := real beta2 * v + (1 - real beta2) * (g * g) in
  let v_hat := v' / (1 - p2 * real beta2) in
  [/\ 0 < 1 - p1 * real beta1, 0 < 1 - p2 * real beta2, 0 <= v_hat
    & 0 < Num.sqrt v_hat + real eps]
  /\ [/\ 0 <= v', 0 <= p1 * real beta1 <= 1 & 0 <= p2 * real beta2 <= 1].
Proof. exact: (@adamw_well_defined beta1 beta2 eps decay). Qed.

Theorem rmsprop_well_defined alpha eps mu decay (v g : R) :
  constants_ok (RmsProp alpha eps mu decay) -> 0 <= v ->
  let v' := real alpha * v + (1 - real alpha) * (g * g) in
  0 <= v' /\ 0 < Num.sqrt v' + real eps.
Proof.
move=> /= /and5P [/at_least_0P a0 /below_1P a1 _ _] /andP [/above_0P e0 _] v0.
split; first by apply: second_moment_ge0; rewrite ?a0.
by rewrite ltr_paddl // sqrtr_ge0.
Qed.

Theorem clip_well_defined (eps : ratio) (norm_squared : R) : above_0 eps ->
  0 < Num.sqrt norm_squared + real eps.
Proof. by move=> /above_0P h; rewrite ltr_paddl // sqrtr_ge0. Qed.
End Defined.
