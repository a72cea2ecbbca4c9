(** * The error function

    The power series of Gauss's error function, and its derivative, which the
    library does not have. [erf_unique] says that there is one function with
    this derivative and value 0 at 0; so [erf x] is the integral of
    [2 / sqrt pi * exp (- t^2)] over [t] from 0 to [x].

    Glossary
      - [erf_term x n]  the term of order [2 n + 1] of the series
      - [erf]           [2 / sqrt pi] times the limit of the series
      - [erf_grad]      [2 / sqrt pi * exp (- x^2)], its derivative
      - [odd_terms], [even_terms]  coefficients of the series, and of its
                        derivative, by the power of [x] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype landau derive sequences realfun exp.
From mathcomp.analysis Require Import trigo.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope. Local Open Scope classical_set_scope.

Section Erf.
Variable R : realType.
Implicit Types x : R.

(** [(-1)^n x^(2n+1) / (n! (2n+1))] *)
Definition erf_term x (n : nat) : R := (-1) ^+ n * x ^+ n.*2.+1 / (n`! * n.*2.+1)%:R.
Definition erf x : R := 2%:R / Num.sqrt pi * lim (series (erf_term x)).
Definition erf_grad x : R := 2%:R / Num.sqrt pi * expR (- (x * x)).

(** ** As power series *)
Definition odd_terms (n : nat) : R := (odd n)%:R * ((-1) ^+ n./2 / (n./2`! * n)%:R).
Definition even_terms (n : nat) : R := (~~ odd n)%:R * ((-1) ^+ n./2 / n./2`!%:R).

Lemma odd_diffs : pseries_diffs odd_terms = even_terms.
Proof.
apply/funext => n; rewrite /pseries_diffs /odd_terms /even_terms /= uphalf_half.
case: (odd n) => /=; first by rewrite !mul0r mulr0.
rewrite !mul1r natrM invfM mulrCA; congr (_ * _).
by rewrite mulrCA divff ?mulr1 // pnatr_eq0.
Qed.

Lemma even_diffs n : pseries_diffs even_terms n.+1 = - 2%:R * even_terms n.
Proof.
rewrite /pseries_diffs /even_terms /= negbK; have [n_odd|n_even] := boolP (odd n).
  by rewrite !mul0r !mulr0.
rewrite !mul1r factS natrM invfM exprS.
have -> : n.+2 = (2 * n./2.+1)%N by rewrite -{1}(odd_double_half n) (negbTE n_even) mul2n.
have h : (n./2.+1)%:R != 0 :> R by rewrite pnatr_eq0.
by rewrite natrM mulN1r !mulNr mulrN -!mulrA; congr (- (_ * _)); rewrite mulrCA mulVKf.
Qed.

Lemma even_terms1 : even_terms 1 = 0. Proof. by rewrite /even_terms mul0r. Qed.

(** A series in [x^2], spread out to all powers of [x]. *)
Lemma even_sum x n : pseries even_terms x n = series (exp_coeff (- (x * x))) (uphalf n).
Proof.
rewrite /pseries /series /=; elim: n => [|n ih]; first by rewrite !big_geq.
rewrite big_nat_recr //= ih /even_terms [uphalf n]uphalf_half.
have := odd_double_half n; case: (odd n) => /= h; first by rewrite !mul0r addr0.
rewrite add0n in h *; rewrite [RHS]big_nat_recr //= mul1r; congr (_ + _).
rewrite /exp_coeff /= (_ : - (x * x) = -1 * x ^+ 2); last by rewrite mulN1r expr2.
by rewrite exprMn -exprM mul2n h mulrAC.
Qed.

Lemma odd_sum x n : series (erf_term x) n = pseries odd_terms x n.*2.
Proof.
rewrite /pseries /series /=; elim: n => [|n ih]; first by rewrite !big_geq.
rewrite doubleS !big_nat_recr //= ih -addrA; congr (_ + _).
rewrite /odd_terms /= odd_double /= !mul0r add0r mul1r uphalf_double.
by rewrite /erf_term mulrAC.
Qed.

Lemma uphalf_to_oo : uphalf @ \oo --> \oo.
Proof.
move=> A [N _ hN]; exists N.*2 => // n /= hn; apply: hN => /=.
by rewrite -(doubleK N) uphalf_half (leq_trans (half_leq hn)) // leq_addl.
Qed.

Lemma double_to_oo : double @ \oo --> \oo.
Proof.
move=> A [N _ hN]; exists N => // n /= hn; apply: hN => /=.
by rewrite -addnn (leq_trans hn) // leq_addr.
Qed.

Lemma cvg_even x : pseries even_terms x --> expR (- (x * x)).
Proof.
rewrite (_ : pseries _ _ = series (exp_coeff (- (x * x))) \o uphalf).
  by apply: cvg_comp uphalf_to_oo _; exact: is_cvg_series_exp_coeff.
by apply/funext => n; rewrite even_sum.
Qed.

Lemma is_cvg_even x : cvg (pseries even_terms x).
Proof. by apply/cvg_ex; exists (expR (- (x * x))); exact: cvg_even. Qed.

Lemma is_cvg_even_diffs x : cvg (pseries (pseries_diffs even_terms) x).
Proof.
have shift : (fun n => pseries (pseries_diffs even_terms) x n.+1)
    = (fun n => - 2%:R * x * pseries even_terms x n).
  apply/funext => n; rewrite /pseries /series /= big_nat_recl //= mulr_sumr.
  rewrite {1}/pseries_diffs even_terms1 mulr0 mul0r add0r; apply: eq_bigr => i _.
  rewrite even_diffs exprS; move: (even_terms i) (x ^+ i) => c y.
  by rewrite mulrA -[in RHS]mulrA [x * (c * y)]mulrCA !mulrA.
apply/cvg_ex; exists (- 2%:R * x * expR (- (x * x))).
rewrite -cvg_shiftS [X in X --> _]shift.
by apply: cvgM; [exact: cvg_cst | exact: cvg_even].
Qed.

(** Dividing the terms by their orders keeps the series convergent. *)
Lemma is_cvg_odd x : cvg (pseries odd_terms x).
Proof.
apply: normed_cvg; rewrite /normed_series_of /=.
have abs : cvg (series (fun n => `|x| * (`|even_terms n| * `|x| ^+ n))).
  have inside : `| `|x| | < `| (`|x| + 1) |.
    by rewrite normr_id [ltRHS]ger0_norm ?ltr_addl // addr_ge0.
  have := is_cvg_pseries_inside_norm (@is_cvg_even (`|x| + 1)) inside.
  by move=> /(@is_cvg_seriesZ _ _ `|x|).
have shift : (fun n => \sum_(0 <= i < n.+1) `|odd_terms i * x ^+ i|)
    = series (fun n => `|odd_terms n.+1 * x ^+ n.+1|).
  apply/funext => n; rewrite /series /= big_nat_recl //= /odd_terms mul0r mul0r normr0.
  by rewrite add0r.
have c : cvg (series (fun n => `|odd_terms n.+1 * x ^+ n.+1|)).
  apply: series_le_cvg abs => [n|n|n]; first exact: normr_ge0.
    by apply: mulr_ge0; [exact: normr_ge0 | apply: mulr_ge0; rewrite ?normr_ge0 ?exprn_ge0].
  have -> : odd_terms n.+1 = even_terms n / n.+1%:R.
    by rewrite -odd_diffs /pseries_diffs mulrAC divff ?mul1r // pnatr_eq0.
  move: (even_terms n) => e; rewrite !normrM normrX exprS mulrCA; apply: ler_wpmul2l => //.
  apply: ler_wpmul2r; first exact: exprn_ge0.
  by rewrite ler_pimulr // normfV invf_le1 ?normr_gt0 ?pnatr_eq0 // normr_nat ler1n.
by apply/cvg_ex; exists (lim (series (fun n => `|odd_terms n.+1 * x ^+ n.+1|)));
  rewrite -cvg_shiftS [X in X --> _]shift.
Qed.

(** ** The derivative *)

(** The series converges everywhere; so [lim] in [erf] is its limit. *)
Lemma cvg_erf x : series (erf_term x) --> lim (pseries odd_terms x).
Proof.
rewrite (_ : series _ = pseries odd_terms x \o double).
  by apply: cvg_comp double_to_oo _; exact: is_cvg_odd.
by apply/funext => n; rewrite odd_sum.
Qed.

Lemma erf_converges x : cvg (series (erf_term x)).
Proof. by apply/cvg_ex; exists (lim (pseries odd_terms x)); exact: cvg_erf. Qed.

Lemma erfE x : erf x = 2%:R / Num.sqrt pi * lim (pseries odd_terms x).
Proof. by rewrite /erf; congr (_ * _); apply: cvg_lim => //; exact: cvg_erf. Qed.

Theorem is_derive_erf x : is_derive x 1 erf (erf_grad x).
Proof.
have D : is_derive x 1 (fun x => lim (pseries odd_terms x)) (expR (- (x * x))).
  rewrite -(cvg_lim (@Rhausdorff R) (@cvg_even x)) -odd_diffs.
  apply: (@pseries_snd_diffs _ _ (`|x| + 1)).
  - exact: is_cvg_odd.
  - by rewrite odd_diffs; exact: is_cvg_even.
  - by rewrite odd_diffs; exact: is_cvg_even_diffs.
  - by rewrite [ltRHS]ger0_norm ?ltr_addl // addr_ge0.
rewrite (_ : erf = (2%:R / Num.sqrt pi) \*: (fun x => lim (pseries odd_terms x) : R)).
  exact: is_deriveZ.
by apply/funext => y; rewrite erfE.
Qed.

Lemma erf0 : erf 0 = 0.
Proof.
rewrite /erf (_ : series _ = cst 0); first by rewrite lim_cst ?mulr0.
apply/funext => n; rewrite /series /= big1 // => i _.
by rewrite /erf_term expr0n mulr0 mul0r.
Qed.

(** What a stranger may take for the definition. *)
Theorem erf_unique (f : R -> R) : f 0 = 0 -> (forall x, is_derive x 1 f (erf_grad x)) ->
  forall x, f x = erf x.
Proof.
move=> f0 df x; have d y : is_derive y 1 (f - erf) 0.
  by rewrite -(subrr (erf_grad y)); apply: is_deriveB => //; exact: is_derive_erf.
have := is_derive_0_is_cst x 0 d; rewrite !fctE f0 erf0 subrr => /eqP.
by rewrite subr_eq0 => /eqP.
Qed.

(** The second derivative. *)
Lemma is_derive_erf_grad x : is_derive x 1 erf_grad (- ((x + x) * erf_grad x)).
Proof.
have sq := @is_deriveM _ _ (@id R) (@id R) x 1 1 1 (is_derive_id _ _) (is_derive_id _ _).
have h := is_deriveZ (2%:R / Num.sqrt pi : R)
  (@is_derive1_comp R (@expR R) (fun y => - (y * y)) x _ _ (is_derive_expR _) (is_deriveN sq)).
apply: (is_derive_eq h).
rewrite /erf_grad; move: (2%:R / Num.sqrt pi) (expR _) => c e.
change (c * (e * - (x * 1 + x * 1)) = - ((x + x) * (c * e)) :> R).
by rewrite !mulr1 !mulrN mulrA mulrC.
Qed.
End Erf.
