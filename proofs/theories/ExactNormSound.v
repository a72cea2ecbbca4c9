(** * Batch norm on integers is batch norm

    What [ExactNorm.v] computes is within the radius it says.

    Glossary
      - [ball_scaled]    a ball, times its power of 2
      - [floor_near]     what rounding down loses
      - [sum_near], [squares_near]  sums of approximations, of their squares
      - [inverse_rootP]  what [inverse_root] gives bounds the inverse of the
                         deviation
      - [entry_sound]    an entry of batch norm is in the ball of [norm_entry] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype realfun.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number TwinNumbers TwinSound Moments Norms NormsSound SpecLayer.
From Cotangent Require Import RingTactic Floats ExactTable ExactNumbers ExactNorm ExactRows ExactLayers.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Feature.
Variable R : realType.
Notation int := (int_real R).
Add Ring real_ring : (real_ring R).
Notation ball := (@ball R).

Lemma int_norm z : `|int z| = int (Z.abs z).
Proof. by have := dyadic_norm R 0 z; rewrite /dyadic expr0 !divr1. Qed.
Lemma int_leP a b : (a <= b)%Z -> int a <= int b.
Proof. by move=> h; rewrite int_le; apply/Z.leb_le. Qed.
Lemma int_sub a b : int (a - b) = int a - int b.
Proof. by rewrite -Z.add_opp_r intD intN. Qed.

Lemma int_gt0 a : (0 < a)%Z -> 0 < int a.
Proof. by move=> h; rewrite ltNge -[0]/(int 0) int_le; apply/negP => /Z.leb_le; lia. Qed.

Lemma ball_scaled e r z v : ball e r z v = (`|v * 2%:R ^+ N.to_nat e - int z| <= int r).
Proof.
have s_gt0 : 0 < 2%:R ^+ N.to_nat e :> R by rewrite exprn_gt0 // ltr0n.
rewrite /ExactNumbers.ball /dyadic; set s := 2%:R ^+ _ in s_gt0 *.
rewrite -{1}[v](mulfK (x := s)) ?gt_eqF // -mulrBl normrM.
by rewrite [`|s^-1|]gtr0_norm ?invr_gt0 // ler_pmul2r // invr_gt0.
Qed.

Lemma floor_near u d : (0 < d)%Z -> 0 <= int u / int d - int (u / d) <= 1.
Proof.
move=> h; have d0 := int_gt0 h; have e := Z.div_mod u d ltac:(lia); have m := Z.mod_pos_bound u d h.
rewrite {1 3}e intD intM mulrDl mulrAC divff ?gt_eqF // mul1r addrAC subrr add0r.
apply/andP; split; first by apply: divr_ge0; [apply: (@int_leP 0%Z); lia|exact: ltW].
by rewrite ler_pdivr_mulr // mul1r; apply: int_leP; lia.
Qed.

(** Sums of approximations. *)
Lemma sum_near (T : Type) (L : seq T) (f : T -> R) zs r :
  List.Forall2 (fun l z => `|f l - int z| <= int r) L zs ->
  `|\sum_(l <- L) f l - int (foldr Z.add 0%Z zs)| <= int (Z.of_nat (size zs) * r).
Proof.
elim=> [|l z {}L {}zs h _ ih]; first by rewrite big_nil /= subrr normr0.
have -> : (Z.of_nat (size (z :: zs)) * r = r + Z.of_nat (size zs) * r)%Z by rewrite [size _]/=; lia.
rewrite big_cons [foldr _ _ _]/= intD opprD addrACA; apply: le_trans (ler_norm_add _ _) _.
by rewrite intD; exact: ler_add.
Qed.

Lemma squares_near (T : Type) (L : seq T) (f : T -> R) ds r :
  List.Forall2 (fun l d => `|f l - int d| <= int r) L ds ->
  `|\sum_(l <- L) f l * f l - int (foldr (fun d s => (d * d + s)%Z) 0%Z ds)|
  <= int (r * (2 * foldr (fun d s => (Z.abs d + s)%Z) 0%Z ds + Z.of_nat (size ds) * r)).
Proof.
elim=> [|l d {}L {}ds h _ ih]; first by rewrite big_nil /= subrr normr0 Z.mul_0_r.
have -> : Z.of_nat (size (d :: ds)) = (Z.of_nat (size ds) + 1)%Z by rewrite [size _]/=; lia.
rewrite big_cons ![foldr _ _ (_ :: _)]/= intD opprD addrACA; apply: le_trans (ler_norm_add _ _) _.
set a := foldr (fun d s => (Z.abs d + s)%Z) _ _ in ih *; set b := Z.of_nat (size ds) in ih *.
have -> : (r * (2 * (Z.abs d + a) + (b + 1) * r) = r * (2 * Z.abs d + r) + r * (2 * a + b * r))%Z by lia.
rewrite intD; apply: ler_add ih; rewrite intM -expr2 -[int d * _]expr2 subr_sqr normrM intM.
apply: ler_pmul => //.
rewrite (_ : f l + int d = (f l - int d) + int (2 * d)); last by rewrite intM /= mulr1 mulr_natl mulr2n addrA subrK.
apply: le_trans (ler_norm_add _ _) _; rewrite addrC intD; apply: ler_add h.
by rewrite int_norm; apply: int_leP; lia.
Qed.

Section One.
Variables (T : Type) (L : seq T) (x : T -> R) (zs : row) (fraction e : N) (r n : Z) (eps_n : Z) (eps_d : positive).
Hypothesis near : List.Forall2 (fun l z => ball e r z (x l)) L zs.
Hypothesis count : n = Z.of_nat (size zs).
Let s : R := 2%:R ^+ N.to_nat e.
Let mean := (\sum_(l <- L) x l) / int n.
Let var := (\sum_(l <- L) (x l - mean) * (x l - mean)) / int n.
Let eps := rational R eps_n eps_d.
Let most := foldr (fun d m => Z.max (Z.abs d) m) 0%Z (deviations n zs).

Let s_gt0 : 0 < s. Proof. by rewrite exprn_gt0 // ltr0n. Qed.

(** What an entry has more than the mean, scaled. *)
Let more (v : R) : R := int n * (v * s) - \sum_(l <- L) x l * s.

Lemma sum_scaled : `|\sum_(l <- L) x l * s - int (foldr Z.add 0%Z zs)| <= int (n * r).
Proof.
by rewrite count; apply: sum_near; apply: Forall2_weaken _ near => l z; rewrite ball_scaled.
Qed.

Lemma more_near z v : ball e r z v -> `|more v - int (n * z - foldr Z.add 0%Z zs)| <= int (2 * n * r).
Proof.
rewrite ball_scaled => h; rewrite /more int_sub intM.
rewrite (_ : _ - _ - _ = int n * (v * s - int z) - (\sum_(l <- L) x l * s - int (foldr Z.add 0%Z zs))); last first.
  by rewrite mulrBr !opprB addrACA [RHS]addrACA; congr (_ + _); rewrite addrC.
apply: le_trans (ler_norm_sub _ _) _; have -> : (2 * n * r = n * r + n * r)%Z by lia.
rewrite intD; apply: ler_add sum_scaled; rewrite normrM intM int_norm Z.abs_eq; last by lia.
by apply: ler_wpmul2l h; apply: (@int_leP 0%Z); lia.
Qed.

Lemma squares_scaled : let ds := deviations n zs in let delta := (2 * n * r)%Z in
  `|\sum_(l <- L) more (x l) * more (x l) - int (foldr (fun d m => (d * d + m)%Z) 0%Z ds)|
  <= int (delta * (2 * foldr (fun d m => (Z.abs d + m)%Z) 0%Z ds + n * delta)).
Proof.
have h : List.Forall2 (fun l d => `|more (x l) - int d| <= int (2 * n * r)) L (deviations n zs).
  apply: Forall2_mapr; apply: Forall2_weaken near => l z; exact: more_near.
by have := squares_near h; rewrite {1}/deviations size_map -count.
Qed.

Let scale_gt0 : 0 < 2%:R ^+ N.to_nat fraction :> R. Proof. by rewrite exprn_gt0 // ltr0n. Qed.
Let q_gt0 : 0 < int (Zpos eps_d). Proof. exact: pos_real_gt0. Qed.

Lemma moreE v : (0 < n)%Z -> more v = int n * s * (v - mean).
Proof.
move=> /int_gt0 n0; rewrite /more -big_distrl /= mulrBr; congr (_ - _); first by rewrite -mulrA [s * v]mulrC.
by rewrite /mean mulrA -[int n * s * _]mulrA [int n * (s * _)]mulrC mulfK ?gt_eqF // mulrC.
Qed.

(** [var + eps] as a quotient of what is computed. *)
Lemma var_scaled one : (0 < n)%Z -> one = Z.shiftl (n * n * n) (Z.of_N (e + e)) ->
  0 < int one /\ var + eps = (int (Zpos eps_d) * (\sum_(l <- L) more (x l) * more (x l)) + int eps_n * int one)
               / (int (Zpos eps_d) * int one).
Proof.
move=> n0 ->; have nR := int_gt0 n0; set one' := int _.
have eone : one' = int n * (int n * s) ^+ 2.
  by rewrite /one' int_shift !intM Nnat.N2Nat.inj_add exprD -/s expr2 [RHS]mulrA mulrACA -!mulrA.
have o0 : 0 < one' by rewrite eone mulr_gt0 // exprn_gt0 // mulr_gt0.
split=> //; have [qn on] : int (Zpos eps_d) != 0 /\ one' != 0 by rewrite !gt_eqF.
have -> : \sum_(l <- L) more (x l) * more (x l) = (int n * s) ^+ 2 * \sum_(l <- L) (x l - mean) * (x l - mean).
  by rewrite big_distrr /=; apply: eq_bigr => l _; rewrite moreE // mulrACA -expr2.
rewrite [int (Zpos eps_d) * (_ * _)]mulrC [int (Zpos eps_d) * one']mulrC -addf_div //; congr (_ + _).
have sq : (int n * s) ^+ 2 != 0 by rewrite gt_eqF // exprn_gt0 // mulr_gt0.
by rewrite eone [int n * (_ ^+ 2)]mulrC -mulf_div divff // mul1r.
Qed.

Variables (w w' : Z).
Hypothesis bounds : inverse_root fraction e r n eps_n eps_d (deviations n zs) = Some (w, w').

Lemma inverse_rootP : [/\ (0 < n)%Z, 0 < var + eps, (0 <= w <= w')%Z,
  int w <= (Num.sqrt (var + eps))^-1 * 2%:R ^+ N.to_nat fraction
  & (Num.sqrt (var + eps))^-1 * 2%:R ^+ N.to_nat fraction <= int w'].
Proof.
move: bounds; rewrite /inverse_root; set ds := deviations _ _.
set squares := foldr _ _ _; set sizes := foldr _ _ _; set delta := (2 * n * r)%Z; set err := (delta * _)%Z.
have [o eo] : exists o, o = Z.shiftl (n * n * n) (Z.of_N (e + e)) by eexists.
rewrite -eo.
set lo := (_ * (_ - _) + _)%Z; set hi := (_ * (_ + _) + _)%Z; set top := Z.shiftl _ _.
case: ifP => // /and5P [/Z.ltb_lt n0 /Z.ltb_lt lo0 /Z.leb_le w0 /Z.leb_le w'0 /andP [/Z.leb_le low /Z.leb_le high]].
case=> ew ew'; rewrite ew in low w0; rewrite ew' in high w'0.
have [o0 ev] := var_scaled n0 eo; set t := \sum_(l <- L) _ in ev; set Q := int (Zpos eps_d) * int o in ev.
have Q0 : 0 < Q by rewrite mulr_gt0.
have near_t : `|t - int squares| <= int err by exact: squares_scaled.
set big := int (Zpos eps_d) * t + int eps_n * int o in ev.
have lo_le : int lo <= big.
  rewrite /big /lo intD !intM ler_add2r ler_pmul2l // int_sub.
  by move: near_t; rewrite ler_distl => /andP [].
have le_hi : big <= int hi.
  rewrite /big /hi intD !intM ler_add2r ler_pmul2l // intD.
  by move: near_t; rewrite ler_distl => /andP [].
have big0 : 0 < big by apply: lt_le_trans lo_le; exact: int_gt0.
have etop : int top = Q * (2%:R ^+ N.to_nat fraction) ^+ 2.
  by rewrite /top int_shift intM Nnat.N2Nat.inj_add plusE exprD expr2.
have v0 : 0 < var + eps by rewrite ev divr_gt0.
set root := (Num.sqrt (var + eps))^-1; set f := 2%:R ^+ N.to_nat fraction in etop *.
have r0 : 0 <= root by rewrite invr_ge0 sqrtr_ge0.
have rf0 : 0 <= root * f by rewrite mulr_ge0 // ltW.
have sq : (root * f) ^+ 2 * big = int top.
  rewrite exprMn exprVn sqr_sqrtr ?ltW // ev etop invf_div mulrAC divfK ?gt_eqF //.
have nn a : (0 <= a)%Z -> 0 <= int a by move=> h; rewrite -[0]/(int 0); exact: int_leP.
have l1 : int w <= root * f.
  rewrite -(ler_pexpn2r (n := 2)) ?nnegrE ?nn // -(ler_pmul2r big0) sq.
  apply: le_trans (_ : int w ^+ 2 * int hi <= _); first by apply: ler_wpmul2l => //; exact: sqr_ge0.
  by rewrite expr2 -!intM; exact: int_leP.
have l2 : root * f <= int w'.
  rewrite -(ler_pexpn2r (n := 2)) ?nnegrE ?nn // -(ler_pmul2r big0) sq.
  apply: le_trans (_ : int w' ^+ 2 * int lo <= _); last by apply: ler_wpmul2l => //; exact: sqr_ge0.
  by rewrite expr2 -!intM; exact: int_leP.
split=> //; split=> //; apply/Z.leb_le; rewrite -(int_le R); exact: le_trans l1 l2.
Qed.

Lemma entry_sound g b ft z v : feature_of fraction e r n eps_n eps_d g b zs = Some ft -> ball e r z v -> List.In z zs ->
  ball fraction (ft_radius ft) (norm_entry n (denominator e n g.1) ft z)
    ((v - mean) / Num.sqrt (var + eps) * dyadic R g.1 g.2 + dyadic R b.1 b.2).
Proof.
rewrite /feature_of bounds => -[<-] hz hin; rewrite /= -/most.
have [n0 _ hw l1 l2] := inverse_rootP; set root := (Num.sqrt _)^-1 in l1 l2 *.
have nR := int_gt0 n0; set d := (n * z - foldr Z.add 0%Z zs)%Z.
have hA : `|more v - int d| <= int (2 * n * r) by exact: more_near.
have hd : `|int d| <= int most.
  rewrite int_norm; apply: int_leP; rewrite /most /d /deviations; move: (foldr Z.add 0%Z zs) => m.
  by elim: zs hin => //= z' l' ih [->|/ih]; lia.
set den := denominator e n g.1; have den0 : (0 < den)%Z.
  by rewrite /den /denominator Z.shiftl_mul_pow2; [apply: Z.mul_pos_pos => //; apply: Z.pow_pos_nonneg|]; lia.
have eden : int den = int n * s * 2%:R ^+ N.to_nat g.1.
  by rewrite /den /denominator int_shift Nnat.N2Nat.inj_add plusE exprD mulrA.
set f := 2%:R ^+ N.to_nat fraction in l1 l2 *; set tau := root * f in l1 l2.
rewrite /norm_entry /= -/d -/den; set E := (Z.abs g.2 * _)%Z; set u := (d * _)%Z; set B := Z.shiftr _ _.
have p2 k : 2%:R ^+ k != 0 :> R by rewrite expf_neq0 // pnatr_eq0.
rewrite ball_scaled -/f mulrDl.
have -> : (v - mean) * root * dyadic R g.1 g.2 * f = more v * tau * int g.2 / int den.
  rewrite moreE // eden /tau /dyadic.
  have ns : int n * s != 0 by rewrite gt_eqF // mulr_gt0.
  set a := int n * s in ns *; set g2 := 2%:R ^+ _; have g20 : g2 != 0 by exact: p2.
  have -> : a * (v - mean) * (root * f) * int g.2 = a * ((v - mean) * (root * f) * int g.2) by reals R.
  rewrite -mulf_div divff // mul1r; move: (g2^-1) => h; reals R.
have hB : `|dyadic R b.1 b.2 * f - int B| <= 1.
  have -> : dyadic R b.1 b.2 * f = int (Z.shiftl b.2 (Z.of_N fraction)) / int (2 ^ Z.of_N b.1).
    by rewrite int_shift int_pow2 /dyadic mulrAC.
  rewrite /B Z.shiftr_div_pow2; last exact: N2Z.is_nonneg.
  have p0 : (0 < 2 ^ Z.of_N b.1)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
  by have /andP [h1 h2] := floor_near (Z.shiftl b.2 (Z.of_N fraction)) p0; rewrite ger0_norm.
have hu : `|int u / int den - int (u / den)| <= 1.
  by have /andP [h1 h2] := floor_near u den0; rewrite ger0_norm.
have w0 : 0 <= int w by apply: (@int_leP 0%Z); lia.
have hE : `|more v * tau * int g.2 / int den - int u / int den| <= int (E / den) + 1.
  have /andP [_ hfl] := floor_near E den0; move: hfl; rewrite ler_subl_addl => /(le_trans _); apply.
  rewrite -mulrBl normrM [X in _ * X]gtr0_norm ?invr_gt0 ?int_gt0 // ler_pmul2r ?invr_gt0 ?int_gt0 //.
  have -> : more v * tau * int g.2 - int u = int g.2 * ((more v - int d) * tau + int d * (tau - int w)).
    by rewrite /u !intM; reals R.
  rewrite normrM int_norm /E intM; apply: ler_wpmul2l; first by apply: (@int_leP 0%Z); lia.
  apply: le_trans (ler_norm_add _ _) _; rewrite intD [X in X + _ <= _]normrM [X in _ + X <= _]normrM [int (2 * n * r * w')]intM [int (most * _)]intM.
  have t0 : 0 <= tau by exact: le_trans w0 l1.
  apply: ler_add; first by apply: ler_pmul => //; rewrite ger0_norm.
  by apply: ler_pmul => //; rewrite ger0_norm ?subr_ge0 // int_sub ler_add2r.
rewrite (_ : _ - _ = (more v * tau * int g.2 / int den - int u / int den)
    + (int u / int den - int (u / den)) + (dyadic R b.1 b.2 * f - int B)); last first.
  rewrite intD; move: (_ / int den) (int u / _) (int (u / den)) => a1 a2 a3.
  by rewrite subrKA opprD addrACA.
apply: le_trans (ler_norm_add _ _) _; have -> : (E / den + 3 = E / den + 1 + 1 + 1)%Z by lia.
rewrite [X in _ <= X]intD [X in _ <= X + _]intD [X in _ <= X + _ + _]intD.
by apply: ler_add hB; apply: le_trans (ler_norm_add _ _) _; exact: ler_add.
Qed.
End One.
End Feature.
