(** * Alternating series

    The exponential of what is not positive, sine, cosine and the error function
    lie between any two successive sums of the first terms of their series.

    Glossary
      - [alternating n t]  the sum of the first [n] terms [t], with signs in turn
      - [rest n v t]     how far [v] is from it, in the next term's direction
      - [exp_terms], [sin_terms], [cos_terms], [erf_terms]  without signs
      - [erf_limit]      the limit of the series in [erf] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp trigo.
From Cotangent Require Import RingTactic Erf.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Alternating.
Variable R : realType.
Implicit Types (x y : R) (t dt : nat -> R -> R) (f df : R -> R).
Add Ring real_ring : (real_ring R).

Definition alternating (n : nat) (t : nat -> R) : R := \sum_(k < n) (-1) ^+ k * t k.
Definition rest (n : nat) (v : R) (t : nat -> R) : R := (-1) ^+ n * (v - alternating n t).

Definition exp_terms (k : nat) x : R := x ^+ k / k`!%:R.
Definition sin_terms (k : nat) x : R := x ^+ k.*2.+1 / (k.*2.+1)`!%:R.
Definition cos_terms (k : nat) x : R := x ^+ k.*2 / (k.*2)`!%:R.
Definition erf_terms (k : nat) x : R := x ^+ k.*2.+1 / (k`! * k.*2.+1)%:R.
Definition erf_limit x : R := lim (series (erf_term x)).

(** ** Derivatives *)
Lemma increases f df a b : a <= b -> (forall x, a <= x <= b -> is_derive x 1 f (df x)) ->
  (forall x, a <= x <= b -> 0 <= df x) -> f a <= f b.
Proof.
move=> ab d d0; have inside x : x \in `]a, b[%R -> a <= x <= b.
  by rewrite in_itv /= => /andP [h1 h2]; rewrite !ltW.
have cont : {within `[a, b]%classic, continuous f}.
  apply: continuous_in_subspaceT => x; rewrite inE /= in_itv /= => /d h.
  apply: differentiable_continuous; apply/derivable1_diffP; exact: ex_derive.
have [c] := MVT_segment ab (fun x hx => d x (inside x hx)) cont.
rewrite in_itv /= => hc e; rewrite -subr_ge0 e mulr_ge0 ?subr_ge0 //; exact: d0.
Qed.

Lemma power_derive n c x : is_derive x 1 (fun y => y ^+ n.+1 * c) (n.+1%:R * x ^+ n * c).
Proof.
have h := is_deriveZ c (@is_deriveX _ _ (@id R) n x 1 1 (is_derive_id _ _)).
have -> : (fun y => y ^+ n.+1 * c) = c \*: ((@id R) ^+ n.+1).
  by apply/funext => y; rewrite /= [RHS]mulrC exprfctE.
by apply: (is_derive_eq h); rewrite /= [RHS]mulrC; congr (c * _); exact: mulr1.
Qed.

Lemma alternating_derive n t dt x : (forall k, is_derive x 1 (t k) (dt k x)) ->
  is_derive x 1 (fun y => alternating n (t ^~ y)) (alternating n (dt ^~ x)).
Proof.
move=> d; elim: n => [|n ih].
  rewrite (_ : (fun y => _) = cst 0); last by apply/funext => y; rewrite /alternating big_ord0.
  by rewrite /alternating big_ord0; exact: is_derive_cst.
rewrite (_ : (fun y => _) = (fun y => alternating n (t ^~ y)) + (-1) ^+ n \*: t n); last first.
  by apply/funext => y; rewrite /alternating big_ord_recr.
rewrite /alternating big_ord_recr /=; apply: is_deriveD; exact: is_deriveZ.
Qed.

Lemma rest_grows n f df t dt : (forall x, is_derive x 1 f (df x)) ->
  (forall k x, is_derive x 1 (t k) (dt k x)) -> f 0 = alternating n (t ^~ 0) ->
  (forall x, 0 <= x -> 0 <= rest n (df x) (dt ^~ x)) -> forall x, 0 <= x -> 0 <= rest n (f x) (t ^~ x).
Proof.
move=> d dk f0 h x x0; have <- : rest n (f 0) (t ^~ 0) = 0 by rewrite /rest f0 subrr mulr0.
apply: (increases (f := fun y => rest n (f y) (t ^~ y)) (df := fun y => rest n (df y) (dt ^~ y))) => //.
  by move=> y _; apply: is_deriveZ; apply: is_deriveB => //; exact: alternating_derive.
by move=> y /andP [y0 _]; exact: h.
Qed.

Lemma alternating_first n (t : nat -> R) : alternating n.+1 t = t 0%N - alternating n (fun k => t k.+1).
Proof.
rewrite /alternating big_ord_recl expr0 mul1r; congr (_ + _); rewrite -sumrN; apply: eq_bigr => k _.
by rewrite exprS mulN1r mulNr.
Qed.

Lemma restN n v (s t : nat -> R) : alternating n.+1 s = - alternating n t -> rest n.+1 (- v) s = rest n v t.
Proof. by rewrite /rest => ->; rewrite -opprB opprK -addrC exprS mulN1r mulrN mulNr opprK addrC. Qed.

(** Between successive sums. *)
Lemma rest_near n v (t : nat -> R) : 0 <= rest n v t -> 0 <= rest n.+1 v t -> `|v - alternating n t| <= t n.
Proof.
move=> h0 h1; have -> : `|v - alternating n t| = rest n v t.
  by rewrite -(ger0_norm h0) /rest normrM normrX normrN1 expr1n mul1r.
have sq : (-1) ^+ n * (-1) ^+ n = 1 :> R by rewrite -expr2 sqrr_sign.
rewrite -subr_ge0; move: h1; rewrite /rest /alternating big_ord_recr exprS /=; congr (0 <= _).
move: ((-1) ^+ n) (\sum_(k < n) _) sq => s a sq.
by transitivity (s * s * t n - s * (v - a)); [reals R|rewrite sq mul1r].
Qed.

(** ** The exponential *)
Lemma exp_terms_derive k x : is_derive x 1 (exp_terms k) (if k is k'.+1 then exp_terms k' x else 0).
Proof.
case: k => [|k]; first by rewrite (_ : exp_terms 0 = cst 1); [exact: is_derive_cst|apply/funext => y; rewrite /exp_terms divr1].
apply: (is_derive_eq (power_derive k (k.+1)`!%:R^-1 x)).
rewrite /exp_terms factS natrM invfM mulrA; congr (_ * _).
by rewrite mulrAC divff ?mul1r // pnatr_eq0.
Qed.

Lemma exp_rest n x : 0 <= x -> 0 <= rest n (expR (- x)) (exp_terms ^~ x).
Proof.
elim: n x => [|n ih] x x0; first by rewrite /rest /alternating big_ord0 subr0 mul1r ltW ?expR_gt0.
apply: (@rest_grows n.+1 (fun y => expR (- y)) (fun y => - expR (- y)) exp_terms) => //.
- move=> y; have := is_derive1_comp (is_derive_expR (- y)) (is_deriveN (is_derive_id y 1)).
  by move=> h; apply: (is_derive_eq h); rewrite mulrN1.
- exact: exp_terms_derive.
- rewrite oppr0 expR0 alternating_first /exp_terms expr0 divr1 /alternating big1 ?subr0 // => k _.
  by rewrite exprS mul0r mul0r mulr0.
move=> y y0; rewrite (@restN _ _ _ (exp_terms ^~ y)); first exact: ih.
by rewrite alternating_first sub0r.
Qed.

(** ** Sine and cosine *)
Lemma sin_terms_derive k x : is_derive x 1 (sin_terms k) (cos_terms k x).
Proof.
apply: (is_derive_eq (power_derive k.*2 (k.*2.+1)`!%:R^-1 x)).
rewrite /cos_terms factS natrM invfM mulrA; congr (_ * _).
by rewrite mulrAC divff ?mul1r // pnatr_eq0.
Qed.

Lemma cos_terms_derive k x : is_derive x 1 (cos_terms k) (if k is k'.+1 then sin_terms k' x else 0).
Proof.
case: k => [|k]; first by rewrite (_ : cos_terms 0 = cst 1); [exact: is_derive_cst|apply/funext => y; rewrite /cos_terms divr1].
rewrite /cos_terms doubleS; apply: (is_derive_eq (power_derive k.*2.+1 (k.*2.+2)`!%:R^-1 x)).
rewrite /sin_terms factS natrM invfM mulrA; congr (_ * _).
by rewrite mulrAC divff ?mul1r // pnatr_eq0.
Qed.

Lemma sin_cos_rest n x : 0 <= x ->
  0 <= rest n.+1 (cos x) (cos_terms ^~ x) /\ 0 <= rest n.+1 (sin x) (sin_terms ^~ x).
Proof.
have at0 m : cos 0 = alternating m.+1 (cos_terms ^~ 0).
  rewrite cos0 alternating_first /cos_terms expr0 divr1 /alternating big1 ?subr0 // => k _.
  by rewrite doubleS exprS mul0r mul0r mulr0.
have sat0 m : sin 0 = alternating m (sin_terms ^~ 0).
  by rewrite sin0 /alternating big1 // => k _; rewrite /sin_terms exprS mul0r mul0r mulr0.
have next m : (forall y, 0 <= y -> 0 <= rest m (cos y) (cos_terms ^~ y)) ->
    forall y, 0 <= y -> 0 <= rest m (sin y) (sin_terms ^~ y).
  move=> h; apply: rest_grows h => // k y; exact: sin_terms_derive.
elim: n x => [|n ih] x x0.
  have c1 y : 0 <= y -> 0 <= rest 1 (cos y) (cos_terms ^~ y).
    move=> _; rewrite /rest /alternating big_ord1 expr1 expr0 mul1r /cos_terms expr0 divr1 mulN1r opprB.
    by rewrite subr_ge0 cos_le1.
  by split; [exact: c1|exact: next x0].
have c y : 0 <= y -> 0 <= rest n.+2 (cos y) (cos_terms ^~ y).
  apply: (@rest_grows n.+2 (@cos R) (fun z => - sin z) cos_terms) => // [k z|z z0]; first exact: cos_terms_derive.
  rewrite (@restN _ _ _ (sin_terms ^~ z)); first exact: (ih z z0).2.
  by rewrite alternating_first sub0r.
by split; [exact: c|exact: next x0].
Qed.

Lemma cos_near n x : 0 <= x -> `|cos x - alternating n.+1 (cos_terms ^~ x)| <= cos_terms n.+1 x.
Proof. by move=> x0; apply: rest_near; [exact: (sin_cos_rest n x0).1|exact: (sin_cos_rest n.+1 x0).1]. Qed.

(** ** The error function *)
Lemma erf_limitE x : erf x = 2%:R / Num.sqrt pi * erf_limit x. Proof. by []. Qed.

Lemma root_pi_gt0 : 0 < 2%:R / Num.sqrt pi :> R.
Proof. by rewrite divr_gt0 ?ltr0n // sqrtr_gt0 pi_gt0. Qed.

Lemma erf_limit_derive x : is_derive x 1 erf_limit (expR (- (x * x))).
Proof.
have c0 : 2%:R / Num.sqrt pi != 0 :> R by rewrite gt_eqF // root_pi_gt0.
have -> : erf_limit = (2%:R / Num.sqrt pi)^-1 \*: (@erf R).
  by apply/funext => y; exact: (esym (mulKf c0 _)).
by apply: (is_derive_eq (is_deriveZ _ (is_derive_erf x))); exact: (mulKf c0).
Qed.

Lemma erf_limit0 : erf_limit 0 = 0.
Proof. by apply: (mulfI (lt0r_neq0 root_pi_gt0)); rewrite -erf_limitE erf0 mulr0. Qed.

Lemma erf_terms_derive k x : is_derive x 1 (erf_terms k) (exp_terms k (x * x)).
Proof.
apply: (is_derive_eq (power_derive k.*2 (k`! * k.*2.+1)%:R^-1 x)).
rewrite /exp_terms natrM invfM -expr2 -exprM mul2n [X in X * _]mulrC -mulrA; congr (_ * _).
by rewrite mulrCA divff ?mulr1 // pnatr_eq0.
Qed.

Lemma erf_rest n x : 0 <= x -> 0 <= rest n (erf_limit x) (erf_terms ^~ x).
Proof.
apply: (@rest_grows n erf_limit _ erf_terms _ erf_limit_derive erf_terms_derive) => [|y y0].
  by rewrite erf_limit0 /alternating big1 // => k _; rewrite /erf_terms exprS mul0r mul0r mulr0.
by apply: exp_rest; rewrite mulr_ge0.
Qed.

Lemma erf_near n x : 0 <= x -> `|erf_limit x - alternating n (erf_terms ^~ x)| <= erf_terms n x.
Proof. by move=> x0; apply: rest_near; exact: erf_rest. Qed.

Lemma erf_termN k x : erf_term (- x) k = - erf_term x k.
Proof. by rewrite /erf_term [(- x) ^+ _]exprNn exprS -mul2n [(-1) ^+ (2 * k)%N]exprM sqrrN !expr1n mulr1 mulN1r mulrN mulNr. Qed.

Lemma erfN x : erf (- x) = - erf x.
Proof.
have s n : series (erf_term (- x)) n = - series (erf_term x) n.
  by rewrite /series /= -sumrN; apply: eq_bigr => k _; exact: erf_termN.
rewrite /erf -mulrN; congr (_ * _); rewrite (_ : series (erf_term (- x)) = - series (erf_term x)); last exact/funext.
by apply: limN; exact: erf_converges.
Qed.
End Alternating.
