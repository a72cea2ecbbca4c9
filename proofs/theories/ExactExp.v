(** * The exponential series, bounded

    How far the sum of the first terms is from the exponential, and how fast the
    exponential grows, near 0.

    Glossary
      - [exp_sum]        the sum of the first [n] terms
      - [horner]         the same, as [1 + u / j (1 + u / (j + 1) (…))] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype sequences exp.
From Cotangent Require Import RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Exp.
Variable R : realType.
Implicit Types x : R.
Add Ring real_ring : (real_ring R).

Definition exp_sum (n : nat) x : R := \sum_(k < n) x ^+ k / k`!%:R.

Lemma exp_sumE n x : exp_sum n x = series (exp_coeff x) n.
Proof. by rewrite seriesEord. Qed.

Lemma exp_sum_le n x : 0 <= x -> exp_sum n x <= expR x.
Proof.
move=> h; rewrite exp_sumE; apply: (nondecreasing_cvg_le (u_ := series (exp_coeff x))); last exact: is_cvg_series_exp_coeff.
apply/nondecreasing_seqP => k; rewrite seriesSr ler_addl; exact: exp_coeff_ge0.
Qed.

Lemma fact_mul_le n k : (n`! * k`! <= (n + k)`!)%nat.
Proof. by rewrite -(bin_fact (leq_addr k n)) addKn -[X in (X <= _)%nat]mul1n leq_mul2r bin_gt0 leq_addr orbT. Qed.

Lemma exp_sum_tail n m x : 0 <= x -> exp_sum (n + m) x <= exp_sum n x + x ^+ n / n`!%:R * exp_sum m x.
Proof.
move=> h; rewrite /exp_sum big_split_ord /= ler_add2l mulr_sumr; apply: ler_sum => k _ /=.
rewrite exprD mulf_div -natrM; apply: ler_wpmul2l; first by rewrite mulr_ge0 ?exprn_ge0.
by rewrite lef_pinv ?posrE ?ltr0n ?muln_gt0 ?fact_gt0 // ler_nat fact_mul_le.
Qed.

Lemma exp_le_sum n x : 0 <= x -> expR x <= exp_sum n x + x ^+ n / n`!%:R * expR x.
Proof.
move=> h; have cv := @is_cvg_series_exp_coeff R x; apply: limr_le => //.
near=> m; rewrite /= -exp_sumE; have -> : m = (n + (m - n))%nat by rewrite subnKC //; near: m; exists n.
apply: le_trans (exp_sum_tail _ _ h) _; rewrite ler_add2l; apply: ler_wpmul2l; last exact: exp_sum_le.
by rewrite divr_ge0 ?exprn_ge0 ?ler0n.
Unshelve. all: by end_near. Qed.

(** For small [x] the rest is at most twice the next term. *)
Lemma exp_le_half x : 0 <= x -> x <= 2%:R^-1 -> expR x <= 2%:R.
Proof.
move=> h h2; have := exp_le_sum 1 h; rewrite /exp_sum big_ord1 expr0 fact0 divr1 expr1 divr1.
have e0 := ltW (expR_gt0 x); move=> /le_trans /(_ (_ : _ <= 1 + expR x / 2%:R)) le.
have : expR x <= 1 + expR x / 2%:R by apply: le; rewrite ler_add2l mulrC ler_wpmul2l.
by rewrite {1}(splitr (expR x)) ler_add2r ler_pdivr_mulr ?ltr0n // mul1r.
Qed.

Lemma exp_near n x : 0 <= x -> x <= 2%:R^-1 ->
  exp_sum n x <= expR x <= exp_sum n x + 2%:R * (x ^+ n / n`!%:R).
Proof.
move=> h h2; rewrite exp_sum_le //=; apply: le_trans (exp_le_sum n h) _; rewrite ler_add2l mulrC.
by apply: ler_wpmul2r; [rewrite divr_ge0 ?exprn_ge0 ?ler0n|exact: exp_le_half].
Qed.

(** The slope is at most 2 up to 1/2. *)
Lemma exp_slope x y : x <= 2%:R^-1 -> y <= 2%:R^-1 -> `|expR x - expR y| <= 2%:R * `|x - y|.
Proof.
wlog le : x y / y <= x => [wl hx hy|hx _].
  by case/orP: (le_total y x) => h; [exact: wl|rewrite distrC (distrC x); exact: wl].
rewrite !ger0_norm ?subr_ge0 ?ler_expR //; set d := x - y; have d0 : 0 <= d by rewrite subr_ge0.
have ex : expR x <= 2%:R.
  apply: le_trans (_ : expR 2%:R^-1 <= _); first by rewrite ler_expR.
  by apply: exp_le_half => //; rewrite invr_ge0 ler0n.
have -> : expR y = expR x * expR (- d) by rewrite -expRD /d opprB addrC subrK.
rewrite -{1}[expR x]mulr1 -mulrBr; apply: le_trans (_ : expR x * d <= _); last exact: ler_wpmul2r.
apply: ler_wpmul2l; first exact: ltW (expR_gt0 _).
rewrite ler_subl_addr -ler_subl_addl expRN.
have := exp_le_sum 1 d0; rewrite /exp_sum big_ord1 expr0 fact0 divr1 expr1 divr1.
rewrite -ler_subl_addr -{1}[expR d]mul1r -mulrBl => h.
by rewrite -[(expR d)^-1]mul1r ler_pdivl_mulr ?expR_gt0.
Qed.

Fixpoint horner (u : R) (j t : nat) : R := if t is t'.+1 then 1 + u * horner u j.+1 t' / j%:R else 1.

Lemma horner_sum u i t : u ^+ i / i`!%:R * horner u i.+1 t = \sum_(i <= k < i + t.+1) u ^+ k / k`!%:R.
Proof.
elim: t i => [|t ih] i /=; first by rewrite addn1 big_nat1 mulr1.
rewrite addnS -addSn big_ltn ?leq_addr // -ih mulrDr mulr1; congr (_ + _).
rewrite factS natrM invfM exprSr.
by move: (_^-1) (_^-1) (horner _ _ _) (u ^+ i) => b c h p; reals R.
Qed.

Lemma horner1 u t : horner u 1 t = exp_sum t.+1 u.
Proof.
have := horner_sum u 0 t; rewrite expr0 fact0 divr1 mul1r => ->.
by rewrite /exp_sum add0n big_mkord.
Qed.
End Exp.
