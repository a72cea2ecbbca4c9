(** * The two-argument arctangent

    The angle of a point of the plane, as IEEE 754 has it for numbers that are
    neither infinite nor a negative zero: in the interval from [-pi], which it
    excludes, to [pi]. [atan2_polar] says that this is what [atan2] is.

    Glossary
      - [atan2 y x]  the angle of the point [(x, y)]; 0 for the origin *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals trigo.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Atan2.
Variable R : realType.
Implicit Types x y : R.

Definition atan2 y x : R :=
  if 0 < x then atan (y / x)
  else if x < 0 then (if 0 <= y then atan (y / x) + pi else atan (y / x) - pi)
  else if 0 < y then pi / 2%:R
  else if y < 0 then - (pi / 2%:R)
  else 0.

Lemma atan2_11 : atan2 1 1 = pi / 4%:R.
Proof. by rewrite /atan2 ltr01 divr1 atan1. Qed.

(** Length and angle of [(1, z)]. *)
Let polar x z : 0 < x -> let r := Num.sqrt (x ^+ 2 + (z * x) ^+ 2) in
  r * cos (atan z) = x /\ r * sin (atan z) = z * x.
Proof.
move=> x0 r; have q0 : 0 < 1 + z ^+ 2 by rewrite ltr_paddr ?sqr_ge0 ?ltr01.
have c0 : cos (atan z) != 0.
  by rewrite cos_atan invr_eq0 sqrtr_eq0 -ltNge.
have rE : r = x * Num.sqrt (1 + z ^+ 2).
  rewrite /r exprMn -{1}[x ^+ 2]mul1r -mulrDl mulrC sqrtrM ?sqr_ge0 //.
  by rewrite sqrtr_sqr gtr0_norm.
have rc : r * cos (atan z) = x.
  by rewrite rE cos_atan mulfK // sqrtr_eq0 -ltNge.
split=> //; have t := atanK z; rewrite /tan in t.
by rewrite -[in RHS]t -[in RHS]rc mulrCA divfK.
Qed.

Theorem atan2_polar y x : (x, y) != (0, 0) ->
  let r := Num.sqrt (x ^+ 2 + y ^+ 2) in
  [/\ - pi < atan2 y x <= pi, r * cos (atan2 y x) = x & r * sin (atan2 y x) = y].
Proof.
move=> nz r; have p0 : 0 < pi :> R := pi_gt0 R.
have h0 : 0 < pi / 2%:R :> R by rewrite divr_gt0 ?ltr0n.
have hp : pi / 2%:R < pi :> R by rewrite ltr_pdivr_mulr ?ltr0n // ltr_pmulr // ltr1n.
have neg : - pi < 0 :> R by rewrite oppr_lt0.
have low z : - pi < atan z :> R by apply: lt_trans (atan_gtNpi2 z); rewrite ltr_opp2.
have high z : atan z < pi :> R := lt_trans (atan_ltpi2 z) hp.
rewrite /atan2; have [xp|xn|x0] := ltgtP 0 x.
- have [c s] := polar (y / x) xp; rewrite divfK ?gt_eqF // -/r in c s.
  by split=> //; rewrite low ltW.
- have mx : 0 < - x by rewrite oppr_gt0.
  have [] := polar (y / x) mx; rewrite mulrN divfK ?lt_eqF // !sqrrN -/r => c s.
  have [lc ls] : r * cos (atan (y / x) + pi) = x /\ r * sin (atan (y / x) + pi) = y.
    by rewrite cosDpi sinDpi !mulrN c s !opprK.
  have [rc rs] : r * cos (atan (y / x) - pi) = x /\ r * sin (atan (y / x) - pi) = y.
    by rewrite -[_ - pi]opprK opprB cosN sinN [pi - _]addrC cosDpi sinDpi cosN sinN opprK
      !mulrN c s !opprK.
  have [y0|y0] := leP 0 y.
    have a0 : atan (y / x) <= 0.
      have : tan (atan (y / x)) <= 0 by rewrite atanK mulr_ge0_le0 // invr_le0 ltW.
      apply: contraTT; rewrite -!ltNge => a0.
      by rewrite /tan divr_gt0 ?sin_gt0_pihalf ?cos_gt0_pihalf // ?a0 ?atan_ltpi2 ?atan_gtNpi2.
    rewrite ger_addr a0 andbT.
    by split=> //; apply: lt_trans neg _; rewrite -ltr_subl_addr sub0r.
  have a0 : 0 < atan (y / x).
    have : 0 < tan (atan (y / x)) by rewrite atanK nmulr_rgt0 // invr_lt0.
    apply: contraTT; rewrite -!leNgt => a0.
    apply: mulr_le0_ge0; last first.
      by rewrite invr_ge0; apply: cos_ge0_pihalf; rewrite !ltW ?atan_ltpi2 ?atan_gtNpi2.
    have := @sin_ge0_pi R (- atan (y / x)); rewrite sinN !oppr_ge0; apply.
    by rewrite a0 ler_oppl ltW.
  split=> //; rewrite ltr_addr a0 ler_subl_addr ltW // (lt_trans (high _)) //.
  by rewrite ltr_addl.
have rE : r = `|y| by rewrite /r -x0 expr0n add0r sqrtr_sqr.
have [yp|yn|y0] := ltgtP 0 y; last by move: nz; rewrite -x0 -y0 eqxx.
  by rewrite cos_pihalf sin_pihalf mulr0 mulr1 rE gtr0_norm // ltW ?(lt_trans neg).
rewrite cosN sinN cos_pihalf sin_pihalf mulr0 mulrN1 rE ltr0_norm // opprK ltr_opp2 hp.
by split=> //; rewrite ltW // (lt_trans _ p0) // oppr_lt0.
Qed.
End Atan2.
