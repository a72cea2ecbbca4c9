(** * Exponentials on integers are exponentials

    Each operation of [ExactSmooth.v] is the one on real numbers, within the
    radius it says.

    Glossary
      - [is_near]        the number is in the ball *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype sequences exp.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Scalar Number TwinNumbers SpecLayer MeaningLayer.
From Cotangent Require Import RingTactic ExactTable ExactNumbers ExactRows ExactLayers ExactNormSound ExactBentSound ExactBranches.
From Cotangent Require Import ExactNormLayer ExactExp ExactSmooth.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Near.
Variables (R : realType) (g : N).
Notation int := (int_real R).
Notation ball := (@ball R).
Add Ring real_ring : (real_ring R).
Let s : R := 2%:R ^+ N.to_nat g.

Definition is_near (b : near) (v : R) : Prop := ball g b.2 b.1 v.

Let s_gt0 : 0 < s. Proof. by rewrite exprn_gt0 // ltr0n. Qed.

Lemma near_of_sound e b v : ball e b.2 b.1 v -> is_near (near_of g e b) v.
Proof.
rewrite /near_of /is_near; case: N.leb_spec => h /= hb.
  have eg : g = (e + (g - e))%num by lia.
  by rewrite [X in ball X]eg ball_shift; exact: hb.
apply: ball_round; have -> : (g + (e - g))%num = e by lia.
exact: hb.
Qed.

Lemma near_int_sound n : is_near (near_int g n) (int n).
Proof. by rewrite /is_near -(dyadic_int R g); exact: ball_exact. Qed.

Lemma near_rational_sound n d : is_near (near_rational g n d) (rational R n d).
Proof.
rewrite /is_near ball_scaled /near_rational /=.
have d0 : (0 < Zpos d)%Z by [].
have := floor_near R (Z.shiftl n (Z.of_N g)) d0; rewrite int_shift -/s.
by rewrite /rational mulrAC => /andP [h1 h2]; rewrite ger0_norm.
Qed.

Lemma near_add_sound a b v w : is_near a v -> is_near b w -> is_near (near_add a b) (v + w).
Proof. exact: ball_add. Qed.

Lemma near_opp_sound a v : is_near a v -> is_near (near_opp a) (- v).
Proof. exact: ball_opp. Qed.

Lemma near_mul_sound a b v w : is_near a v -> is_near b w -> is_near (near_mul g a b) (v * w).
Proof.
move=> ha hb; apply: ball_round.
by apply: ball_mul; rewrite ?N.add_0_r //; lia.
Qed.

Lemma near_inverse_sound a p v : is_near a v -> near_inverse g a = Some p -> 0 < v /\ is_near p v^-1.
Proof.
rewrite /near_inverse /is_near !ball_scaled -/s; case: Z.ltb_spec => // pos + [<-] /=.
set top := Z.shiftl _ _; move=> h; have r0 : (0 <= a.2)%Z.
  by apply/Z.leb_le; rewrite -(int_le R); exact: le_trans (normr_ge0 _) h.
move: h; rewrite ler_distl -int_sub -intD => /andP [h1 h2].
have etop : int top = s * s.
  by rewrite /top int_shift mul1r Nnat.N2Nat.inj_add plusE exprD.
have lo : 0 < int (a.1 - a.2) by apply: int_gt0.
have vs : 0 < v * s by exact: lt_le_trans h1.
have v0 : 0 < v by move: vs; rewrite pmulr_lgt0.
have ev : v^-1 * s = int top / (v * s).
  by rewrite etop invfM mulrACA mulfV ?gt_eqF // mulr1 mulrC.
have p1 : (0 < a.1 + a.2)%Z by lia. have p2 : (0 < a.1 - a.2)%Z by lia.
have /andP [f1 _] := floor_near R top p1; have /andP [_ f2] := floor_near R top p2.
have t0 : 0 < int top by rewrite etop mulr_gt0.
have b1 : int (top / (a.1 + a.2)) <= v^-1 * s.
  move: f1; rewrite subr_ge0 => /le_trans; apply.
  by rewrite ev ler_pmul2l // lef_pinv ?posrE ?int_gt0.
have b2 : v^-1 * s <= int (top / (a.1 - a.2) + 1).
  apply: le_trans (_ : int top / int (a.1 - a.2) <= _).
    by rewrite ev ler_pmul2l // lef_pinv ?posrE.
  by rewrite intD -ler_subl_addl; apply: f2.
split=> //; rewrite ger0_norm ?subr_ge0 // int_sub ler_sub //.
Qed.

Lemma series_sound h a j t : (0 <= a)%Z -> (0 < j)%nat -> (a * 2 <= 2 ^ Z.of_N h)%Z ->
  let S := series g h a j t in
  [/\ (0 <= S)%Z, int S <= horner (dyadic R h a) j t * s & horner (dyadic R h a) j t * s <= int (S + 4)].
Proof.
move=> a0 j0 ah; elim: t j j0 => [|t ih] j j0 /=.
  rewrite int_shift -/s !mul1r; split=> //; first by rewrite Z.shiftl_nonneg.
  by rewrite intD int_shift -/s mul1r ler_addl; apply: (@int_leP R 0%Z).
have [S0 lo hi] := ih j.+1 isT; set S := series _ _ _ _ _ in S0 lo hi *; set T := horner _ _ _ in lo hi *.
have j1 : (0 < Z.of_nat j)%Z by move/ssrnat.ltP: j0; lia.
have p0 : (0 < 2 ^ Z.of_N h)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
set m := Z.shiftr _ _; have em : m = (S * a / 2 ^ Z.of_N h)%Z by rewrite /m Z.shiftr_div_pow2 //; exact: N2Z.is_nonneg.
have m0 : (0 <= m)%Z by rewrite em; apply: Z.div_pos => //; nia.
have q0 : (0 <= m / Z.of_nat j)%Z by exact: Z.div_pos.
have sh : int (Z.shiftl 1 (Z.of_N g)) = s by rewrite int_shift mul1r.
have one0 : (0 <= Z.shiftl 1 (Z.of_N g))%Z by rewrite Z.shiftl_nonneg.
split; first exact: Z.add_nonneg_nonneg.
all: set u := dyadic R h a; have u0 : 0 <= u by exact: dyadic_ge0.
all: have J : 0 < j%:R :> R by rewrite ltr0n.
all: have eJ : int (Z.of_nat j) = j%:R by rewrite -nat_N_Z int_real_nat Nnat.Nat2N.id.
all: have eu : int (S * a) / int (2 ^ Z.of_N h) = int S * u by rewrite intM -mulrA /u /dyadic int_pow2.
all: have /andP [f1 f2] := floor_near R (S * a) p0; rewrite -em eu in f1 f2.
all: have /andP [g1 g2] := floor_near R m j1; rewrite eJ in g1 g2.
  rewrite mulrDl mul1r intD sh ler_add2l; apply: le_trans (_ : int m / j%:R <= _); first by rewrite -subr_ge0.
  rewrite mulrAC ler_pmul2r ?invr_gt0 //; apply: le_trans (_ : int S * u <= _); first by rewrite -subr_ge0.
  by rewrite -mulrA mulrC; apply: ler_wpmul2r.
rewrite mulrDl mul1r -Z.add_assoc intD sh ler_add2l intD.
have hm : int S * u <= int m + 1 by rewrite -ler_subl_addl.
have hu : u <= 2%:R^-1.
  rewrite /u /dyadic ler_pdivr_mulr; last by rewrite exprn_gt0 // ltr0n.
  rewrite mulrC ler_pdivl_mulr ?ltr0n // -int_pow2 -(int_real_nat R 2) -intM.
  by apply: int_leP.
have J1 : j%:R^-1 <= 1 :> R by rewrite invf_le1 // ler1n.
have i0 : 0 <= j%:R^-1 :> R by rewrite invr_ge0 ler0n.
apply: le_trans (_ : (int m + 1 + 2%:R) / j%:R <= _).
  rewrite mulrAC ler_wpmul2r // -mulrA mulrC; apply: le_trans (_ : int (S + 4) * u <= _).
    by rewrite ler_wpmul2r // mulrC.
  rewrite intD mulrDl; apply: ler_add => //.
  have -> : int 4 = 2%:R * 2%:R by rewrite -natrM (int_real_nat R 4).
  by apply: le_trans (ler_wpmul2l _ hu) _; rewrite ?mulr_ge0 ?ler0n // mulfK // pnatr_eq0.
rewrite -addrA mulrDl; have -> : int 4 = 1 + (1 + 2%:R) by rewrite (int_real_nat R 4) -[1]/(1%:R) -!natrD.
rewrite [X in _ <= X]addrA; apply: ler_add; first by rewrite -ler_subl_addl.
by rewrite ler_pimulr // addr_ge0 ?ler01 ?ler0n.
Qed.

Lemma power_small (u : R) : 0 <= u -> u <= (2%:R ^+ 8)^-1 ->
  2%:R * (u ^+ (terms g).+1 / ((terms g).+1)`!%:R) * s <= 1.
Proof.
move=> u0 hu; have two k : 0 < 2%:R ^+ k :> R by rewrite exprn_gt0 // ltr0n.
have up : u ^+ (terms g).+1 <= (2%:R ^+ (8 * (terms g).+1))^-1.
  by rewrite exprM -exprVn; apply: ler_expn2r; rewrite ?nnegrE ?invr_ge0 ?exprn_ge0 ?ler0n.
have dv : (8 * (terms g).+1 = (N.to_nat g).+1 + (8 * (terms g).+1 - (N.to_nat g).+1))%nat.
  rewrite subnKC // /terms mulnC; apply: leq_trans (ltn_ceil (N.to_nat g) (isT : (0 < 8)%nat)) _.
  by rewrite leq_mul2r leqnSn orbT.
apply: le_trans (_ : 2%:R * (2%:R ^+ (8 * (terms g).+1))^-1 * s <= _).
  rewrite ler_pmul2r // ler_pmul2l ?ltr0n //; apply: le_trans up.
  rewrite ler_pdivr_mulr ?ltr0n ?fact_gt0 // ler_pemulr ?exprn_ge0 // ler1n; exact: fact_gt0.
rewrite dv exprD exprS invfM invfM -mulrA [X in _ * X]mulrC; set a := 2%:R ^+ _; set q := 2%:R ^+ (_ - _).
have -> : 2%:R * (s * (2%:R^-1 * s^-1 * q^-1)) = (2%:R / 2%:R) * (s / s) * q^-1.
  by move: (2%:R^-1) (s^-1) (q^-1) => x y z; reals R.
rewrite !divff ?pnatr_eq0 ?gt_eqF // !mul1r invf_le1 ?two //.
by rewrite exprn_ege1 // ler1n.
Qed.

Lemma exp_small_sound h b p u : ball h b.2 b.1 u -> exp_small g h b = Some p -> is_near p (expR u).
Proof.
rewrite /exp_small; case: Z.leb_spec => // small hb.
have p2 : 0 < 2%:R ^+ N.to_nat h :> R by rewrite exprn_gt0 // ltr0n.
have r0 := ball_radius hb; set z := Z.abs b.1 in small *.
have z0 : (0 <= z)%Z by exact: Z.abs_nonneg.
have two : (Z.shiftl 1 (Z.of_N h) = 2 ^ Z.of_N h)%Z by rewrite Z.shiftl_mul_pow2 ?Z.mul_1_l //; exact: N2Z.is_nonneg.
have big : (Z.shiftl (z + b.2) 8 = (z + b.2) * 256)%Z by rewrite Z.shiftl_mul_pow2.
rewrite two big in small; set w := dyadic R h z.
have w0 : 0 <= w by exact: dyadic_ge0.
have bound q : (q * 256 <= 2 ^ Z.of_N h)%Z -> dyadic R h q <= (2%:R ^+ 8)^-1.
  move=> hq; rewrite /dyadic ler_pdivr_mulr // mulrC ler_pdivl_mulr ?exprn_gt0 ?ltr0n //.
  by rewrite -int_pow2 -natrX -(int_real_nat R 256) -intM; apply: int_leP.
have half : (2%:R ^+ 8)^-1 <= 2%:R^-1 :> R.
  by rewrite lef_pinv ?posrE ?exprn_gt0 ?ltr0n // -natrX ler_nat.
have w8 : w <= (2%:R ^+ 8)^-1 by apply: bound; lia.
have w2 := le_trans w8 half.
have [S0 lo hi] := @series_sound h z 1 (terms g) z0 isT ltac:(lia).
rewrite horner1 -/w in lo hi; set S := series _ _ _ _ _ in S0 lo hi *.
have /andP [e1 e2] := exp_near (terms g).+1 w0 w2.
have up : is_near (S, 5%Z) (expR w).
  rewrite /is_near ball_scaled /= -/s ger0_norm; last first.
    by rewrite subr_ge0; apply: le_trans lo _; rewrite ler_pmul2r.
  rewrite ler_subl_addl; apply: le_trans (_ : (exp_sum (terms g).+1 w
      + 2%:R * (w ^+ (terms g).+1 / ((terms g).+1)`!%:R)) * s <= _); first by rewrite ler_pmul2r.
  rewrite mulrDl; apply: le_trans (ler_add hi (power_small w0 w8)) _.
  by rewrite -[X in _ + X <= _]/(int 1) -[X in _ <= _ + X]/(int 5) -!intD; apply: int_leP; lia.
have slope : `|u - dyadic R h b.1| <= dyadic R h b.2 by exact: hb.
have u2 : u <= 2%:R^-1.
  move: slope; rewrite ler_distl => /andP [_ le]; apply: le_trans le _; rewrite -dyadicD.
  by apply: le_trans half; apply: bound; lia.
have c2 : dyadic R h b.1 <= 2%:R^-1.
  by apply: le_trans w2; apply: dyadic_leP; rewrite /z; lia.
have widen q : is_near q (expR (dyadic R h b.1)) ->
    is_near (q.1, q.2 + Z.shiftr (Z.shiftl b.2 (Z.of_N (g + 1))) (Z.of_N h) + 1)%Z (expR u).
  rewrite /is_near !ball_scaled -/s /= => hq.
  rewrite -[_ - int _](subrKA (expR (dyadic R h b.1) * s)).
  apply: le_trans (ler_norm_add _ _) _; rewrite -Z.add_assoc intD addrC; apply: ler_add => //.
  rewrite -mulrBl normrM [X in _ * X]gtr0_norm //.
  apply: le_trans (_ : 2%:R * dyadic R h b.2 * s <= _).
    rewrite ler_pmul2r //; apply: le_trans (exp_slope u2 c2) _; rewrite ler_pmul2l ?ltr0n //.
  have p0 : (0 < 2 ^ Z.of_N h)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
  have /andP [_ f] := floor_near R (Z.shiftl b.2 (Z.of_N (g + 1))) p0.
  rewrite Z.shiftr_div_pow2; last exact: N2Z.is_nonneg.
  rewrite intD -ler_subl_addl; move: f; rewrite int_pow2; congr (_ - _ <= _).
  rewrite int_shift Nnat.N2Nat.inj_add plusE exprD -/s expr1 /dyadic.
  by move: (2%:R ^+ N.to_nat h)^-1 => k; reals R.
case: Z.ltb_spec => side; last first.
  case=> <-; apply: (widen (S, 5%Z)); rewrite (_ : dyadic R h b.1 = w) // /w /z Z.abs_eq //.
case hi': near_inverse => [q|] //= [<-]; apply: widen.
have [_ inv] := near_inverse_sound up hi'.
rewrite (_ : dyadic R h b.1 = - w); last by rewrite -dyadicN /z; congr dyadic; lia.
by rewrite expRN.
Qed.

Lemma squared_sound k b v : is_near b v -> is_near (squared g k b) (v ^+ expn 2 k).
Proof.
elim: k b v => [|k ih] b v h /=; first by rewrite expr1.
by rewrite expnS exprM; apply: ih; rewrite expr2; exact: near_mul_sound.
Qed.

Lemma near_exp_sound e b p v : ball e b.2 b.1 v -> near_exp g e b = Some p -> is_near p (expR v).
Proof.
move=> hb; rewrite /near_exp; set k := Z.to_N _; case: ifP => // _; case hs: exp_small => [q|] //= [<-].
have two : 2%:R ^+ N.to_nat k != 0 :> R by rewrite expf_neq0 // pnatr_eq0.
have -> : expR v = expR (v / 2%:R ^+ N.to_nat k) ^+ expn 2 (N.to_nat k).
  by rewrite -expRMm natrX mulrC divfK.
apply: squared_sound; apply: exp_small_sound hs.
move: hb; rewrite !ball_scaled Nnat.N2Nat.inj_add plusE exprD; congr (`|_ - _| <= _).
by rewrite [X in _ = _ * X]mulrC mulrA divfK.
Qed.
End Near.
