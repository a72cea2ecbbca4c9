(** * The error function tends to 1

    It is odd, increases, and lies between [1 - exp (- x^2)] and 1 for [x] from 1
    on. The constant [2 / sqrt pi] comes from Wallis's product: the integrals of
    powers of the cosine from 0 to [pi / 2], between which the error function's
    limit is squeezed.

    Glossary
      - [cosines m]      the integral of the cosine's [m]-th power from 0 on
      - [wallis m]       the same up to [pi / 2] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp trigo.
From Cotangent Require Import RingTactic Erf AlternatingSeries.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Limit.
Variable R : realType.
Implicit Types (x y a : R).
Notation erf_limit := (@erf_limit R).
Add Ring real_ring : (real_ring R).

(** ** Powers of the cosine *)
Fixpoint cosines (m : nat) a : R :=
  if m is m1.+1 then
    if m1 is m2.+1 then (cos a ^+ m1 * sin a + m1%:R * cosines m2 a) / m%:R else sin a
  else a.
Definition wallis (m : nat) : R := cosines m (pi / 2%:R).

Lemma cosines_SS m a : cosines m.+2 a = (cos a ^+ m.+1 * sin a + m.+1%:R * cosines m a) / m.+2%:R.
Proof. by []. Qed.

Lemma sine_square a : sin a * sin a = 1 - cos a * cos a.
Proof. by apply/eqP; rewrite eq_sym subr_eq addrC -!expr2 cos2Dsin2. Qed.

Lemma cosines_derive m a : is_derive a 1 (cosines m) (cos a ^+ m).
Proof.
suff: is_derive a 1 (cosines m) (cos a ^+ m) /\ is_derive a 1 (cosines m.+1) (cos a ^+ m.+1) by case.
elim: m => [|m [ih ih1]]; first by rewrite expr0 expr1; split; [exact: is_derive_id|exact: is_derive_sin].
split=> //; have hp := is_deriveM (is_deriveX m (is_derive_cos a)) (is_derive_sin a).
have h := is_deriveZ m.+2%:R^-1 (is_deriveD hp (is_deriveZ m.+1%:R ih)).
rewrite (_ : cosines m.+2 = m.+2%:R^-1 \*: ((cos ^+ m.+1 * sin) + m.+1%:R \*: cosines m)); last first.
  by apply/funext => b; rewrite cosines_SS mulrC /= exprfctE.
apply: (is_derive_eq h) => /=; rewrite exprfctE /=.
have sq := sine_square a; move: sq; rewrite exprS [cos a ^+ m.+2]exprS [cos a ^+ m.+1]exprS.
move: (cos a) (sin a) (cos a ^+ m) => c s p sq.
apply: (@mulfI _ m.+2%:R); first by rewrite pnatr_eq0.
rewrite [LHS](@mulVKf _ m.+2%:R); last by rewrite pnatr_eq0.
transitivity (c * p * c - m.+1%:R * p * (s * s) + m.+1%:R * p).
  by move: (m.+1%:R : R) => n; reals R.
rewrite sq [m.+2%:R]mulrS; move: (m.+1%:R : R) => n; reals R.
Qed.

Lemma cosines0 m : cosines m 0 = 0.
Proof.
suff: cosines m 0 = 0 /\ cosines m.+1 0 = 0 by case.
elim: m => [|m [h h1]]; first by rewrite /= sin0.
by split=> //; rewrite cosines_SS h sin0 !mulr0 addr0 mul0r.
Qed.

Lemma cos_unit a : 0 <= a <= pi / 2%:R -> 0 <= cos a <= 1.
Proof.
move=> /andP [h1 h2]; rewrite cos_le1 andbT cos_ge0_pihalf // h2 andbT.
by apply: le_trans h1; rewrite oppr_le0 divr_ge0 ?pi_ge0 ?ler0n.
Qed.

Lemma cosines_increase m a b : 0 <= a -> a <= b -> b <= pi / 2%:R -> cosines m a <= cosines m b.
Proof.
move=> a0 ab b2; apply: (increases ab (fun x _ => cosines_derive m x)) => x /andP [h1 h2].
by have /andP [c0 _] := @cos_unit x (introT andP (conj (le_trans a0 h1) (le_trans h2 b2))); rewrite exprn_ge0.
Qed.

Lemma half_pi_ge0 : 0 <= pi / 2%:R :> R. Proof. by rewrite divr_ge0 ?pi_ge0 ?ler0n. Qed.

Lemma wallis_ge0 m : 0 <= wallis m.
Proof. by rewrite -[X in X <= _](cosines0 m); apply: cosines_increase => //; exact: half_pi_ge0. Qed.

Lemma wallis_decreases m : wallis m.+1 <= wallis m.
Proof.
have := @increases R (fun a => cosines m a - cosines m.+1 a) (fun a => cos a ^+ m - cos a ^+ m.+1) 0 _ half_pi_ge0.
rewrite !cosines0 subrr subr_ge0; apply=> a ha; first by apply: is_deriveB; exact: cosines_derive.
have /andP [c0 c1] := cos_unit ha; rewrite subr_ge0 exprS ler_pimull ?exprn_ge0 //.
Qed.

Lemma wallis_product m : m.+1%:R * (wallis m * wallis m.+1) = pi / 2%:R.
Proof.
elim: m => [|m ih]; first by rewrite mul1r /wallis /= sin_pihalf mulr1.
rewrite -ih {2}/wallis cosines_SS cos_pihalf exprS !mul0r add0r -/(wallis m).
have n0 : m.+2%:R != 0 :> R by rewrite pnatr_eq0.
move: (wallis m) (wallis m.+1) (m.+1%:R) (m.+2%:R : R) n0 => a b c d d0.
by transitivity (d / d * (c * (a * b))); [move: d^-1 => e; reals R|rewrite divff // mul1r].
Qed.

(** ** Sines below, tangents above *)
Lemma exp_below x : 0 <= x -> 1 - x <= expR (- x).
Proof.
move=> x0; rewrite -subr_ge0; have := exp_rest 2 x0.
by rewrite /rest sqrrN expr1n mul1r /alternating !big_ord_recl big_ord0 /exp_terms expr0 !expr1 !divr1 mul1r mulN1r addr0.
Qed.

Lemma exp_above x : 0 <= x -> (1 + x) * expR (- x) <= 1.
Proof. by move=> x0; rewrite expRN ler_pdivr_mulr ?expR_gt0 // mul1r expR_ge1Dx. Qed.

Lemma erf_limit_increases x y : x <= y -> erf_limit x <= erf_limit y.
Proof.
move=> xy; apply: (increases xy (fun z _ => erf_limit_derive z)) => z _; exact: ltW (expR_gt0 _).
Qed.

Lemma exp_power n x : expR (- (n%:R * x)) = expR (- x) ^+ n.
Proof. by rewrite -mulrN expRMm. Qed.

(** [s] for the root of [n]. *)
Lemma limit_above n (s : R) : 0 <= s -> s * s = n%:R -> s * wallis n.*2.+1 <= erf_limit s.
Proof.
move=> s0 ss; have d a : is_derive a 1 (fun a => erf_limit (s * sin a)) (expR (- ((s * sin a) * (s * sin a))) * (s * cos a)).
  exact: (@is_derive1_comp R erf_limit (fun b => s * sin b) a _ _ (erf_limit_derive _) (is_deriveZ s (is_derive_sin a))).
have dw a : is_derive a 1 (fun a => s * cosines n.*2.+1 a) (s * cos a ^+ n.*2.+1).
  exact: (is_deriveZ s (cosines_derive _ a)).
have := @increases R (fun a => erf_limit (s * sin a) - s * cosines n.*2.+1 a) _ _ _
  half_pi_ge0 (fun a _ => is_deriveB (d a) (dw a)).
rewrite sin0 sin_pihalf cosines0 mulr1 !mulr0 erf_limit0 subr0 subr_ge0; apply=> a ha.
have /andP [c0 _] := cos_unit ha; rewrite subr_ge0.
have -> : s * sin a * (s * sin a) = n%:R * (sin a * sin a) by rewrite mulrACA ss.
have -> : s * cos a ^+ n.*2.+1 = (cos a * cos a) ^+ n * (s * cos a).
  by rewrite exprSr -mul2n exprM expr2 mulrCA.
rewrite exp_power; apply: ler_wpmul2r; first exact: mulr_ge0.
have sq0 : 0 <= sin a * sin a by rewrite -expr2 sqr_ge0.
apply: ler_expn2r; rewrite ?nnegrE ?mulr_ge0 // ?(ltW (expR_gt0 _)) //.
by have -> : cos a * cos a = 1 - sin a * sin a; [rewrite sine_square opprB addrCA subrr addr0|exact: exp_below].
Qed.

Lemma atan_ge0 x : 0 <= x -> 0 <= atan x.
Proof.
rewrite leNgt => x0; rewrite leNgt; apply: contra x0 => a0; rewrite -(atanK x) /tan.
have c0 : 0 < cos (atan x) by rewrite cos_gt0_pihalf // atan_gtNpi2 atan_ltpi2.
rewrite pmulr_llt0 ?invr_gt0 // -oppr_gt0 -sinN sin_gt0_pihalf // oppr_gt0 a0 /=.
by rewrite ltr_oppl atan_gtNpi2.
Qed.

Lemma limit_below n (s x : R) : 0 < s -> s * s = n.+1%:R -> 0 <= x -> erf_limit x <= s * wallis n.*2.
Proof.
move=> s0 ss x0; set a := atan (x / s); have ta : s * tan a = x by rewrite /a atanK mulrC divfK ?gt_eqF.
have a2 : a < pi / 2%:R by exact: atan_ltpi2.
have a0 : 0 <= a by apply: atan_ge0; rewrite divr_ge0 // ltW.
have cpos b : 0 <= b <= a -> 0 < cos b.
  move=> /andP [h1 h2]; rewrite cos_gt0_pihalf // (le_lt_trans h2 a2) andbT.
  by apply: lt_le_trans h1; rewrite oppr_lt0 divr_gt0 ?pi_gt0 ?ltr0n.
have d b : 0 <= b <= a -> is_derive b 1 (fun b => erf_limit (s * tan b))
    (expR (- ((s * tan b) * (s * tan b))) * (s * (cos b) ^- 2)).
  move=> hb; have tb := is_derive_tan (lt0r_neq0 (cpos b hb)).
  exact: (@is_derive1_comp R erf_limit (fun b => s * tan b) b _ _ (erf_limit_derive _) (is_deriveZ s tb)).
have dw b : is_derive b 1 (fun b => s * cosines n.*2 b) (s * cos b ^+ n.*2).
  exact: (is_deriveZ s (cosines_derive _ b)).
apply: le_trans (_ : s * cosines n.*2 a <= _); last first.
  by apply: ler_wpmul2l; [exact: ltW|apply: cosines_increase => //; exact: ltW].
have := @increases R (fun b => s * cosines n.*2 b - erf_limit (s * tan b)) _ _ _
  a0 (fun b hb => is_deriveB (dw b) (d b hb)).
rewrite tan0 cosines0 !mulr0 erf_limit0 subr0 ta subr_ge0; apply=> b hb.
have c0 := cpos b hb; have cn : cos b != 0 by rewrite gt_eqF.
rewrite subr_ge0; have -> : s * tan b * (s * tan b) = n.+1%:R * (tan b * tan b) by rewrite mulrACA ss.
rewrite exp_power; have e : 1 + tan b * tan b = (cos b) ^- 2.
  apply: (@mulIf _ (cos b ^+ 2)); first by rewrite expf_neq0.
  rewrite mulVf ?expf_neq0 // mulrDl mul1r -expr2 -exprMn /tan divfK //; exact: cos2Dsin2.
have le : expR (- (tan b * tan b)) <= cos b ^+ 2.
  have := exp_above (_ : 0 <= tan b * tan b); rewrite -expr2 sqr_ge0 expr2 => /(_ isT).
  by rewrite e mulrC ler_pdivr_mulr ?exprn_gt0 // mul1r.
apply: le_trans (_ : (cos b ^+ 2) ^+ n.+1 * (s * (cos b) ^- 2) <= _).
  apply: ler_wpmul2r; first by rewrite mulr_ge0 ?(ltW s0) // invr_ge0 exprn_ge0 // ltW.
  by apply: ler_expn2r; rewrite ?nnegrE ?(ltW (expR_gt0 _)) // exprn_ge0 // ltW.
by rewrite mulrCA exprSr mulfK ?expf_neq0 // -exprM mul2n.
Qed.

(** ** The error function *)
Lemma erf_increases x y : x <= y -> erf x <= erf y.
Proof. by move=> xy; rewrite !erf_limitE; apply: ler_wpmul2l; [exact: ltW (root_pi_gt0 R)|exact: erf_limit_increases]. Qed.

Lemma erf_ge0 x : 0 <= x -> 0 <= erf x.
Proof. by move=> x0; rewrite -(erf0 R); exact: erf_increases. Qed.

Lemma root_pi_square : (2%:R / Num.sqrt pi) * (2%:R / Num.sqrt pi) * (pi / 2%:R) = 2%:R :> R.
Proof.
have p0 := @pi_gt0 R; have two : 2%:R / 2%:R = 1 :> R by rewrite divff // pnatr_eq0.
have e : (Num.sqrt pi)^-1 * (Num.sqrt pi)^-1 * pi = 1 :> R.
  by rewrite -invfM -expr2 sqr_sqrtr ?(ltW p0) // mulVf ?gt_eqF.
move: (Num.sqrt pi)^-1 (2%:R : R) (2%:R^-1 : R) two e => r t h th e.
by transitivity (t * (t * h) * (r * r * pi)); [reals R|rewrite th e !mulr1].
Qed.

Lemma square_below n x : 0 <= x -> erf x * erf x * n.+1%:R <= n.+2%:R.
Proof.
move=> x0; set s : R := Num.sqrt n.+2%:R; have s0 : 0 < s by rewrite sqrtr_gt0 ltr0n.
have ss : s * s = n.+2%:R by rewrite -expr2 sqr_sqrtr ?ler0n.
have f0 : 0 <= erf_limit x by rewrite -(erf_limit0 R); exact: erf_limit_increases.
have h := limit_below s0 ss x0; have w0 := wallis_ge0.
set c : R := 2%:R / Num.sqrt pi; have c0 : 0 <= c by exact: ltW (root_pi_gt0 R).
have sq : erf_limit x * erf_limit x <= n.+2%:R * (wallis n.*2.+2 * wallis n.*2.+1).
  apply: le_trans (ler_pmul f0 f0 h h) _; rewrite doubleS mulrACA ss; apply: ler_wpmul2l; first exact: ler0n.
  by apply: ler_wpmul2l => //; exact: wallis_decreases.
have -> : erf x * erf x * n.+1%:R = c * c * (erf_limit x * erf_limit x * n.+1%:R).
  by rewrite !erf_limitE -/c; move: (erf_limit x) (n.+1%:R : R) => f k; reals R.
have -> : n.+2%:R = c * c * (n.+2%:R * (pi / 2%:R) / 2%:R).
  by rewrite mulrA mulrCA root_pi_square mulfK ?pnatr_eq0.
apply: ler_wpmul2l; first exact: mulr_ge0.
apply: le_trans (ler_wpmul2r (ler0n _ _) sq) _.
rewrite -[X in X <= _]mulrA -[X in _ <= X]mulrA; apply: ler_wpmul2l; first exact: ler0n.
rewrite ler_pdivl_mulr ?ltr0n // -(wallis_product n.*2.+1) -mulrA -natrM [X in X <= _]mulrC [X in _ * X]mulrC.
apply: ler_wpmul2r; first exact: mulr_ge0.
by rewrite ler_nat muln2 doubleS.
Qed.

Lemma erf_le1 x : erf x <= 1.
Proof.
case: (leP 0 x) => [x0|x0]; last first.
  by apply: le_trans (erf_increases (ltW x0)) _; rewrite erf0 ler01.
rewrite leNgt; apply/negP => h; set e := erf x * erf x.
have e1 : 0 < e - 1 by rewrite subr_gt0 /e; apply: (lt_le_trans h); exact: (ler_pemulr (erf_ge0 x0) (ltW h)).
have := square_below (Num.bound (e - 1)^-1) x0; rewrite -/e leNgt => /negP; apply.
rewrite -[X in _ < X * _](subrK 1 e) mulrDl mul1r mulrS ltr_add2r -ltr_pdivr_mull // mulr1.
apply: lt_trans (archi_boundP _) _; first by rewrite invr_ge0 ltW.
by rewrite ltr_nat.
Qed.

Lemma square_above n (s : R) : 0 <= s -> s * s = n%:R -> n%:R <= erf s * erf s * n.+1%:R.
Proof.
move=> s0 ss; have h := limit_above s0 ss; have w0 := wallis_ge0.
set c : R := 2%:R / Num.sqrt pi; have c0 : 0 <= c by exact: ltW (root_pi_gt0 R).
have sw : 0 <= s * wallis n.*2.+1 by exact: mulr_ge0.
have sq : n%:R * (wallis n.*2.+1 * wallis n.*2.+2) <= erf_limit s * erf_limit s.
  apply: le_trans (ler_pmul sw sw h h); rewrite mulrACA ss; apply: ler_wpmul2l; first exact: ler0n.
  by apply: ler_wpmul2l => //; exact: wallis_decreases.
have -> : erf s * erf s * n.+1%:R = c * c * (erf_limit s * erf_limit s * n.+1%:R).
  by rewrite !erf_limitE -/c; move: (erf_limit s) (n.+1%:R : R) => f k; reals R.
have -> : n%:R = c * c * (n%:R * (pi / 2%:R) / 2%:R).
  by rewrite mulrA mulrCA root_pi_square mulfK ?pnatr_eq0.
apply: ler_wpmul2l; first exact: mulr_ge0.
apply: le_trans (ler_wpmul2r (ler0n _ _) sq).
rewrite -[X in X <= _]mulrA -[X in _ <= X]mulrA; apply: ler_wpmul2l; first exact: ler0n.
rewrite ler_pdivr_mulr ?ltr0n // -(wallis_product n.*2.+1) -[X in _ <= X]mulrA -natrM [X in _ <= X]mulrC.
apply: ler_wpmul2r; first exact: mulr_ge0.
by rewrite ler_nat muln2 doubleS.
Qed.

Lemma root_pi_le2 : 2%:R / Num.sqrt pi <= 2%:R :> R.
Proof.
rewrite ler_pdivr_mulr ?sqrtr_gt0 ?pi_gt0 // ler_pemulr ?ler0n // -sqrtr1 ler_sqrt ?pi_gt0 //.
by apply: le_trans (pi_ge2 R); rewrite ler1n.
Qed.

(** What is missing to 1 decreases. *)
Lemma erf_tail x y : 1 <= x -> x <= y -> erf y + expR (- (y * y)) <= erf x + expR (- (x * x)).
Proof.
move=> x1 xy; rewrite -ler_opp2.
pose df z : R := - (erf_grad z + expR (- (z * z)) * - (z * 1 + z * 1)).
apply: (@increases R (fun z => - (erf z + expR (- (z * z)))) df) => // z /andP [hz _].
  have sq := @is_deriveM _ _ (@id R) (@id R) z 1 1 1 (is_derive_id _ _) (is_derive_id _ _).
  have h := @is_derive1_comp R (@expR R) (fun y => - (y * y)) z _ _ (is_derive_expR _) (is_deriveN sq).
  exact: (is_deriveN (is_deriveD (is_derive_erf z) h)).
rewrite /df oppr_ge0 mulrN subr_le0 /erf_grad mulrC; apply: ler_wpmul2l; first exact: ltW (expR_gt0 _).
rewrite !mulr1; apply: le_trans root_pi_le2 _; have z1 := le_trans x1 hz.
exact: (ler_add z1 z1).
Qed.

Theorem erf_near1 x : 1 <= x -> 1 - expR (- (x * x)) <= erf x <= 1.
Proof.
move=> x1; rewrite erf_le1 andbT ler_subl_addr leNgt; apply/negP; set b := erf x + _ => b1.
have x0 : 0 <= x by exact: le_trans ler01 x1.
have b0 : 0 <= b by rewrite addr_ge0 ?erf_ge0 ?(ltW (expR_gt0 _)).
set e := b * b; have e1 : 0 < 1 - e by rewrite subr_gt0 /e; apply: (le_lt_trans _ b1); exact: (ler_pimull b0 (ltW b1)).
pose n := (Num.bound (1 - e)^-1 + Num.bound (x * x))%N; pose s : R := Num.sqrt n%:R.
have ss : s * s = n%:R by rewrite -expr2 sqr_sqrtr ?ler0n.
have s0 : 0 <= s by exact: sqrtr_ge0.
have xs : x <= s.
  rewrite -(@ler_pexpn2r _ 2) ?nnegrE // !expr2 ss; apply: le_trans (ltW (archi_boundP _)) _; first exact: mulr_ge0.
  by rewrite ler_nat leq_addl.
have le : erf s <= b.
  by apply: le_trans (erf_tail x1 xs); rewrite ler_addl ltW ?expR_gt0.
have := square_above s0 ss; rewrite leNgt => /negP; apply.
apply: le_lt_trans (_ : e * n.+1%:R < _).
  by apply: ler_wpmul2r; [exact: ler0n|apply: ler_pmul => //; exact: erf_ge0].
rewrite -[e](subKr 1) mulrBl mul1r mulrS ltr_subl_addr [X in X < _]addrC ltr_add2l -ltr_pdivr_mull // mulr1 -mulrS.
apply: lt_le_trans (archi_boundP _) _; first by rewrite invr_ge0 ltW.
by rewrite ler_nat /n; apply: leq_trans (leq_addr _ _) (leqnSn _).
Qed.
End Limit.
