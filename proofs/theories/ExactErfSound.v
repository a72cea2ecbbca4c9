(** * The error function on integers is the error function

    Each operation of [ExactErf.v] is the one on real numbers, within the radius it
    says; so is gelu.

    Glossary
      - [alternate_sound]  a number between the successive sums of a series
      - [pi_between]     [pi / 2] is between two numbers, as their cosines say
      - [root_between]   so is [2 / sqrt pi]
      - [half_pi_bounds], [root_sound]  the constants
      - [near_erf_sound], [near_gelu_sound], [gelu_layer_sound]  the functions *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences exp trigo.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number TwinNumbers SpecLayer MeaningLayer Erf.
From Cotangent Require Import RingTactic ExactTable ExactNumbers ExactRows ExactLayers ExactNormSound ExactBentSound.
From Cotangent Require Import ExactNormLayer ExactExp ExactSmooth ExactSmoothSound ExactSmoothLayer.
From Cotangent Require Import AlternatingSeries ErfLimit ExactErf.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Erf.
Variable R : realType.
Notation ball := (@ball R).
Notation int := (int_real R).
Notation is_near := (@is_near R).
Add Ring real_ring : (real_ring R).

(** ** Series *)
Lemma near_over_sound w d b (v : R) : is_near w b v -> is_near w (near_over d b) (v / pos_real R d).
Proof.
rewrite /ExactSmoothSound.is_near !ball_scaled /near_over /= => h.
have d0 : (0 < Zpos d)%Z by []. have p0 : 0 < int (Zpos d) by exact: int_gt0.
have p1 : 1 <= int (Zpos d) by rewrite -[X in X <= _]/(int 1); apply: int_leP; lia.
have /andP [f1 f2] := floor_near R b.1 d0; have /andP [_ g2] := floor_near R b.2 d0.
rewrite -[pos_real R d]/(int (Zpos d)); set p := int (Zpos d) in p0 p1 f1 f2 g2 *.
have -> : v / p * 2%:R ^+ N.to_nat w - int (b.1 / Zpos d)
    = (v * 2%:R ^+ N.to_nat w - int b.1) / p + (int b.1 / p - int (b.1 / Zpos d)).
  by rewrite mulrBl addrA subrK mulrAC.
apply: le_trans (ler_norm_add _ _) _; rewrite [X in _ <= int X](_ : _ = b.2 / Zpos d + 1 + 1)%Z; last by lia.
rewrite [X in _ <= X]intD; apply: ler_add; last by rewrite ger0_norm.
rewrite normrM [`|p^-1|]ger0_norm ?invr_ge0 ?(ltW p0) //.
apply: le_trans (_ : int b.2 / p <= _); first by apply: ler_wpmul2r => //; rewrite invr_ge0 ltW.
by rewrite intD -ler_subl_addl.
Qed.

Section Alternate.
Variables (w : N) (u : near) (step part : positive -> positive) (stop : Z) (x V : R) (T : nat -> R).
Hypotheses (hu : is_near w u x)
  (hT : forall n, T n.+1 = T n * x / pos_real R (step (Pos.of_succ_nat n))).
Let S n : R := T n / pos_real R (part (Pos.of_succ_nat n)).
Hypothesis (hV : forall n, `|V - alternating n S| <= T n).

Lemma alternate_sound fuel n t s : is_near w t (T n) -> is_near w s (alternating n S) ->
  is_near w (alternate w u step part stop fuel (Pos.of_succ_nat n) (odd n) t s) V.
Proof.
have end_ m t' s' : is_near w t' (T m) -> is_near w s' (alternating m S) ->
    is_near w (s'.1, s'.2 + Z.abs t'.1 + t'.2)%Z V.
  move=> ht hs; rewrite /ExactSmoothSound.is_near /= -[s'.1]Z.add_0_r -Z.add_assoc.
  rewrite -(subrK (alternating m S) V) [_ + alternating _ _]addrC; apply: ball_add => //.
  rewrite /ExactNumbers.ball dyadic0 subr0; apply: le_trans (hV m) _; apply: le_trans (ler_norm _) _.
  rewrite -[T m](subrK (dyadic R w t'.1)) addrC dyadicD -dyadic_norm.
  by apply: le_trans (ler_norm_add _ _) _; rewrite ler_add2l.
elim: fuel n t s => [|fuel ih] n t s ht hs /=; first exact: (end_ n).
case: Z.leb_spec => _; first exact: (end_ n).
rewrite -/(Pos.of_succ_nat n.+1) -/(odd n.+1); apply: ih.
  by rewrite hT; apply: near_over_sound; exact: near_mul_sound.
rewrite /alternating big_ord_recr /= -signr_odd; apply: near_add_sound => //.
have hp := near_over_sound (part (Pos.of_succ_nat n)) ht.
by case: (odd n); rewrite ?expr1 ?expr0 ?mulN1r ?mul1r //; exact: near_opp_sound.
Qed.

Lemma alternate_start fuel : T 0%nat = 1 ->
  is_near w (alternate w u step part stop fuel 1 false (near_int w 1) (0%Z, 0%Z)) V.
Proof.
move=> T0; apply: (@alternate_sound fuel 0%nat); first by rewrite T0; exact: (near_int_sound R w 1).
by rewrite /alternating big_ord0 /ExactSmoothSound.is_near /= -(dyadic0 R w); exact: ball_exact.
Qed.
End Alternate.

Lemma pos_nat p n : Zpos p = Z.of_nat n -> pos_real R p = n%:R.
Proof. by move=> e; rewrite -[pos_real R p]/(int (Zpos p)) e -nat_N_Z int_real_nat Nnat.Nat2N.id. Qed.

Lemma pos_succ n : pos_real R (Pos.of_succ_nat n) = n.+1%:R.
Proof. exact: pos_nat. Qed.

Lemma pos_odd n : pos_real R (Pos.pred_double (Pos.of_succ_nat n)) = n.*2.+1%:R.
Proof.
apply: pos_nat; rewrite -[Zpos _]/(Z.pred_double (Z.of_nat n.+1)) Z.pred_double_spec -addnn.
by rewrite -plusE; lia.
Qed.

Lemma pos_even n : pos_real R (2 * Pos.of_succ_nat n) = n.*2.+2%:R.
Proof. by apply: pos_nat; rewrite Pos2Z.inj_mul -[Zpos (Pos.of_succ_nat n)]/(Z.of_nat n.+1) -addnn -plusE; lia. Qed.

Lemma near_square g a : ball (g + g) 0 (a * a) (dyadic R g a * dyadic R g a).
Proof. by rewrite -dyadicM; exact: ball_exact. Qed.

(** ** The constants *)
Lemma near_cos_sound g a : (0 <= a)%Z -> is_near g (near_cos g a) (cos (dyadic R g a)).
Proof.
move=> a0; set x := dyadic R g a; have x0 : 0 <= x by exact: dyadic_ge0.
have hu : is_near g (near_of g (g + g) ((a * a)%Z, 0%Z)) (x * x) by apply: near_of_sound; exact: near_square.
pose step k := (Pos.pred_double k * (2 * k))%positive; pose T n := cos_terms n x.
have hT n : T n.+1 = T n * (x * x) / pos_real R (step (Pos.of_succ_nat n)).
  rewrite -[pos_real R _]/(int (Zpos (_ * _)%positive)) Pos2Z.inj_mul intM.
  rewrite -![int (Zpos _)]/(pos_real R _) pos_odd pos_even /T /cos_terms doubleS !factS !natrM !exprS !invfM.
  by move: (_^-1) (_^-1) (_^-1) => b c d; reals R.
have hV n : `|cos x - alternating n (fun m => T m / pos_real R 1)| <= T n.
  have -> : alternating n (fun m => T m / pos_real R 1) = alternating n (@cos_terms R ^~ x).
    by apply: eq_bigr => k _; rewrite divr1.
  case: n => [|n]; last exact: cos_near.
  by rewrite /alternating big_ord0 subr0 /T /cos_terms expr0 divr1 cos_max.
have T0 : T 0%nat = 1 by rewrite /T /cos_terms expr0 divr1.
rewrite /near_cos; move: most => fuel.
exact: (@alternate_start g _ step (fun=> 1%positive) 0%Z _ _ T hu hT hV fuel T0).
Qed.

(** Positive at [a], negative at [b]. *)
Definition pi_between (g : N) (a b : Z) : bool :=
  [&& Z.leb 0 a, Z.leb a b, Z.leb b (Z.shiftl 2 (Z.of_N g)),
      Z.ltb (near_cos g a).2 (near_cos g a).1 & Z.ltb (near_cos g b).2 (- (near_cos g b).1)].

Lemma pi_between_sound g a b : pi_between g a b -> dyadic R g a <= pi / 2%:R <= dyadic R g b.
Proof.
rewrite /pi_between => /andP [/Z.leb_le a0 /andP [/Z.leb_le ab /andP [/Z.leb_le b2 /andP [/Z.ltb_lt ha /Z.ltb_lt hb]]]].
have b0 := Z.le_trans _ _ _ a0 ab; have p2 : 2%:R <= pi :> R by exact: pi_ge2.
have inside z : (0 <= z)%Z -> (z <= b)%Z -> dyadic R g z \in `[0, pi].
  move=> z0 zb; rewrite in_itv /= dyadic_ge0 //=; apply: le_trans p2.
  by rewrite -(int_real_nat R 2) -(dyadic_int R g); apply: dyadic_leP; exact: Z.le_trans zb b2.
have half : (pi / 2%:R : R) \in `[0, pi].
  by rewrite in_itv /= half_pi_ge0 /= ler_pdivr_mulr ?ltr0n // ler_pemulr ?pi_ge0 // ler1n.
have ca := near_cos_sound g a0; have cb := near_cos_sound g b0; apply/andP; split; apply: ltW.
  rewrite -(ltr_cos (inside _ a0 ab) half) cos_pihalf -(dyadic0 R g); apply: (ball_gt ca); lia.
rewrite -(ltr_cos half (inside _ b0 (Z.le_refl b))) cos_pihalf -(dyadic0 R g); apply: (ball_lt cb); lia.
Qed.

Lemma half_pi_computed : pi_between (pi_bits + 20) (Z.shiftl (half_pi - 1) 20) (Z.shiftl (half_pi + 2) 20).
Proof. by vm_compute. Qed.

Lemma half_pi_bounds : dyadic R pi_bits (half_pi - 1) <= pi / 2%:R <= dyadic R pi_bits (half_pi + 2).
Proof. by have := pi_between_sound half_pi_computed; rewrite (dyadic_shift R pi_bits 20) (dyadic_shift R pi_bits 20). Qed.

Definition root_between (g p : N) (lo hi a b : Z) : bool :=
  [&& Z.leb 0 lo, Z.leb 0 hi, Z.leb 0 a, Z.leb 0 b, Z.leb (lo * lo * b) (Z.shiftl 2 (Z.of_N (g + g + p)))
    & Z.leb (Z.shiftl 2 (Z.of_N (g + g + p))) (hi * hi * a)].

Lemma root_between_sound g p lo hi a b : root_between g p lo hi a b ->
  dyadic R p a <= pi / 2%:R <= dyadic R p b -> dyadic R g lo <= 2%:R / Num.sqrt pi <= dyadic R g hi.
Proof.
rewrite /root_between => /andP [/Z.leb_le l0 /andP [/Z.leb_le h0 /andP [/Z.leb_le a0 /andP [/Z.leb_le b0]]]].
move=> /andP [/Z.leb_le lo2 /Z.leb_le hi2] /andP [pa pb]; set v : R := 2%:R / Num.sqrt pi; have v0 : 0 < v by exact: root_pi_gt0.
have e : v * v * (pi / 2%:R) = 2%:R by exact: root_pi_square.
have two : dyadic R (g + g + p) (Z.shiftl 2 (Z.of_N (g + g + p))) = 2%:R by rewrite dyadic_int (int_real_nat R 2).
have hp : 0 < pi / 2%:R :> R by rewrite divr_gt0 ?pi_gt0 ?ltr0n.
have l0' := dyadic_ge0 R g l0; have h0' := dyadic_ge0 R g h0.
have le x y : 0 <= x -> 0 <= y -> x * x * (pi / 2%:R) <= y * y * (pi / 2%:R) -> x <= y :> R.
  by move=> x0 y0; rewrite ler_pmul2r // -!expr2 ler_pexpn2r.
apply/andP; split; apply: le => //; try exact: ltW.
  rewrite e -[X in _ <= X]two; apply: le_trans (dyadic_leP R _ lo2); rewrite !dyadicM.
  by apply: ler_wpmul2l => //; exact: mulr_ge0.
rewrite e -[X in X <= _]two; apply: le_trans (dyadic_leP R _ hi2) _; rewrite !dyadicM.
by apply: ler_wpmul2l => //; exact: mulr_ge0.
Qed.

Lemma root_computed : root_between root_bits pi_bits (root.1 - 1) (root.1 + 1) (half_pi - 1) (half_pi + 2).
Proof. by vm_compute. Qed.

Lemma root_bounds : dyadic R root_bits (root.1 - 1) <= 2%:R / Num.sqrt pi <= dyadic R root_bits (root.1 + 1).
Proof. exact: root_between_sound root_computed half_pi_bounds. Qed.

Lemma root_sound : is_near root_bits root (2%:R / Num.sqrt pi).
Proof.
have := root_bounds; rewrite /ExactSmoothSound.is_near /ExactNumbers.ball dyadicB dyadicD.
by rewrite -[root.2]/1%Z ler_distl.
Qed.

Lemma root_le : 2%:R / Num.sqrt pi <= dyadic R 2 5.
Proof.
have /andP [_ h] := root_bounds; apply: le_trans h _.
by rewrite -(dyadic_shift R 2 318); apply: dyadic_leP; apply/Z.leb_le; vm_compute.
Qed.

(** ** The error function *)
Lemma erf_series_sound g a : (0 < a)%Z -> is_near g (erf_series g a) (erf (dyadic R g a)).
Proof.
move=> a0; set x := dyadic R g a; have x0 : 0 < x by rewrite -(dyadic0 R g) dyadic_lt; apply/Z.ltb_lt.
have xn : x != 0 by rewrite gt_eqF.
rewrite /erf_series; set m := Z.to_N _; set w := (g + m)%num; set stop := Z.shiftl 1 _; move: most stop => fuel stop.
have hu : is_near w (near_of w (g + g) ((a * a)%Z, 0%Z)) (x * x) by apply: near_of_sound; exact: near_square.
pose T n := exp_terms n (x * x); pose V := erf_limit x / x.
have hT n : T n.+1 = T n * (x * x) / pos_real R (id (Pos.of_succ_nat n)).
  rewrite pos_succ /T /exp_terms factS natrM exprS invfM.
  by move: (_^-1) (_^-1) => b c; reals R.
have terms k : erf_terms k x = T k / pos_real R (Pos.pred_double (Pos.of_succ_nat k)) * x.
  rewrite pos_odd /T /exp_terms /erf_terms natrM invfM exprS -mul2n exprM expr2.
  by move: (_^-1) (_^-1) ((x * x) ^+ k) => b c p; reals R.
have hV n : `|V - alternating n (fun k => T k / pos_real R (Pos.pred_double (Pos.of_succ_nat k)))| <= T n.
  rewrite -(ler_pmul2r x0) -[X in `|_| * X](gtr0_norm x0) -normrM mulrBl divfK //.
  have -> : alternating n (fun k => T k / pos_real R (Pos.pred_double (Pos.of_succ_nat k))) * x = alternating n (@erf_terms R ^~ x).
    by rewrite /alternating mulr_suml; apply: eq_bigr => k _; rewrite -mulrA -terms.
  apply: le_trans (erf_near n (ltW x0)) _; rewrite terms ler_pmul2r // pos_odd.
  by rewrite ler_pdivr_mulr ?ltr0n // ler_pemulr ?ler1n // /T /exp_terms divr_ge0 ?ler0n // exprn_ge0 // mulr_ge0 // ltW.
have T0 : T 0%nat = 1 by rewrite /T /exp_terms expr0 divr1.
have hs := @alternate_start w _ id Pos.pred_double stop _ V T hu hT hV fuel T0.
apply: near_of_sound; rewrite erf_limitE mulrC; have -> : erf_limit x = x * V by rewrite mulrC divfK.
apply: (@near_mul_sound R w); last by apply: near_of_sound; exact: root_sound.
by apply: near_mul_sound => //; apply: near_of_sound; exact: ball_exact.
Qed.

(** The exponential of 7/10 is more than 2. *)
Lemma exp_7_10_computed :
  if near_exp 20 20 (near_rational 20 7 10) is Some p then Z.leb (Z.shiftl 2 20) (p.1 - p.2) else false.
Proof. by vm_compute. Qed.

Lemma exp_7_10 : 2%:R <= expR (rational R 7 10).
Proof.
have := exp_7_10_computed; case he: near_exp => [p|] // /Z.leb_le h.
have := near_exp_sound (near_rational_sound R 20 7 10) he.
rewrite /ExactSmoothSound.is_near /ExactNumbers.ball ler_distl => /andP [lo _]; apply: le_trans lo.
by rewrite -dyadicB -(int_real_nat R 2) -(dyadic_int R 20); exact: dyadic_leP.
Qed.

Lemma far_sound g a : far g a -> is_near g (Z.shiftl 1 (Z.of_N g), 1%Z) (erf (dyadic R g a)).
Proof.
rewrite /far => /andP [/Z.leb_le h1 /Z.leb_le h2]; set x := dyadic R g a.
have x1 : 1 <= x by rewrite -[1]/(int 1) -(dyadic_int R g); exact: dyadic_leP.
have /andP [lo hi] := erf_near1 x1; rewrite /ExactSmoothSound.is_near /ExactNumbers.ball /= dyadic_int.
rewrite -[int 1]/1 distrC ger0_norm ?subr_ge0 // ler_subl_addr addrC -ler_subl_addr; apply: le_trans lo.
rewrite ler_add2l ler_opp2 expRN.
have sq : rational R 7 10 * (N.to_nat g)%:R <= x * x.
  rewrite /rational mulrAC ler_pdivr_mulr ?pos_real_gt0 // -int_real_nat -[pos_real R 10]/(int 10) -intM.
  by rewrite /x -dyadicM -(dyadic_int R (g + g)) mulrC -(dyadic_int R 0) -dyadicM; exact: dyadic_leP.
have two : 2%:R ^+ N.to_nat g <= expR (x * x) :> R.
  apply: le_trans (_ : expR (rational R 7 10 * (N.to_nat g)%:R) <= _); last by rewrite ler_expR.
  rewrite mulrC expRMm; apply: ler_expn2r; rewrite ?nnegrE ?ler0n ?(ltW (expR_gt0 _)) //; exact: exp_7_10.
by rewrite /dyadic div1r lef_pinv ?posrE ?expR_gt0 ?exprn_gt0 ?ltr0n.
Qed.

(** As steep as at 0 at most. *)
Lemma erf_lipschitz (x y : R) : `|erf x - erf y| <= dyadic R 2 5 * `|x - y|.
Proof.
wlog le : x y / y <= x => [wl|].
  by case/orP: (le_total y x) => h; [exact: wl|rewrite distrC (distrC x); exact: wl].
rewrite !ger0_norm ?subr_ge0 ?erf_increases //; set c := dyadic R 2 5.
have d z : is_derive z 1 (fun z => c * z - erf z) (c * 1 - erf_grad z).
  exact: (is_deriveB (is_deriveZ c (is_derive_id z 1)) (is_derive_erf z)).
have : c * y - erf y <= c * x - erf x.
  apply: (increases le (fun z _ => d z)) => z _; rewrite mulr1 subr_ge0; apply: le_trans root_le.
  rewrite /erf_grad ler_pimulr ?(ltW (root_pi_gt0 R)) // -expR0 ler_expR oppr_le0 -expr2 sqr_ge0 //.
move=> h; rewrite -subr_ge0; move: h; rewrite -subr_ge0; congr (0 <= _).
by move: (erf x) (erf y) => p q; reals R.
Qed.

Lemma near_erf_sound g b (v : R) : is_near g b v -> is_near g (near_erf g b) (erf v).
Proof.
move=> hb; have r0 := ball_radius hb; rewrite /near_erf.
set more := Z.shiftr _ 2; set y := if Z.eqb _ _ then _ else _.
have hy : is_near g y (erf (dyadic R g (Z.abs b.1))).
  rewrite /y; case: Z.eqb_spec => [->|n0].
    by rewrite dyadic0 erf0 /ExactSmoothSound.is_near -(dyadic0 R g); exact: ball_exact.
  case: ifP => [/far_sound //|_]; apply: erf_series_sound; lia.
have hs : is_near g ((if Z.ltb b.1 0 then (- y.1)%Z else y.1), y.2) (erf (dyadic R g b.1)).
  case: Z.ltb_spec => h; last by move: hy; rewrite Z.abs_eq.
  have -> : dyadic R g b.1 = - dyadic R g (Z.abs b.1) by rewrite -dyadicN; congr dyadic; lia.
  rewrite erfN; exact: (near_opp_sound hy).
rewrite -(subrK (erf (dyadic R g b.1)) (erf v)) addrC /ExactSmoothSound.is_near /=.
rewrite -[if _ then _ else _]Z.add_0_r -Z.add_assoc; apply: ball_add => //.
rewrite /ExactNumbers.ball dyadic0 subr0; apply: le_trans (erf_lipschitz _ _) _.
apply: le_trans (_ : dyadic R 2 5 * dyadic R g b.2 <= _).
  by apply: ler_wpmul2l; [exact: dyadic_ge0|exact: hb].
rewrite -dyadicM N.add_comm -(dyadic_shift R g 2); apply: dyadic_leP.
rewrite /more; move: (5 * b.2)%Z => q; rewrite -[Z.of_N 2]/2%Z Z.shiftl_mul_pow2 // Z.shiftr_div_pow2 //.
rewrite -[(2 ^ 2)%Z]/4%Z; have := Z.mod_pos_bound q 4 erefl; have := Z.div_mod q 4 ltac:(by []); lia.
Qed.

Lemma near_gelu_sound g n d e b (v : R) : ball e b.2 b.1 v ->
  is_near g (near_gelu g n d e b) (pointwise_meaning (Layer.Gelu n d) v).
Proof.
move=> hb; have hx := near_of_sound g hb; rewrite /near_gelu /=; apply: near_mul_sound.
  apply: near_mul_sound => //; have := near_rational_sound R g 1 2.
  by rewrite /rational div1r -[pos_real R 2]/(int 2) (int_real_nat R 2).
apply: near_add_sound; first exact: near_int_sound.
apply: near_erf_sound; apply: near_mul_sound => //; exact: near_rational_sound.
Qed.
End Erf.

Section Layer.
Variables (R : realType) (V : normedModType R) (x0 : V).

Lemma continuous_gelu n d (h : V -> R) : continuous_at x0 h ->
  continuous_at x0 (fun v => pointwise_meaning (Layer.Gelu n d) (h v)).
Proof.
move=> ch; apply: continuous_mul; first by apply: continuous_mul => //; exact: continuous_const.
apply: continuous_add; first exact: continuous_const.
have ci : continuous_at x0 (fun v => h v * rational R n d) by apply: continuous_mul => //; exact: continuous_const.
apply: (continuous_comp ci); apply: differentiable_continuous; apply/derivable1_diffP.
by have de := is_derive_erf (h x0 * rational R n d); exact: ex_derive.
Qed.

Lemma gelu_layer_sound fraction n d s (X : V -> tensor R) x : holds_fixed x0 X x ->
  holds_fixed x0 (fun v i => pointwise_meaning (Layer.Gelu n d) (X v i)) (gelu_layer fraction n d s x).
Proof.
move=> hX; apply: rounded_sound; apply: smooth_value_sound hX => e b q; last by move=> h _; exact: continuous_gelu.
by move=> v hb [<-]; exact: near_gelu_sound.
Qed.
End Layer.
