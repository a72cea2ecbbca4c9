(** * GELU in closed form

    [x · Φ(x)], with [Φ] the distribution function of the standard normal, by
    the error function of [Erf.v], and its derivative [Φ(x) + x · φ(x)]; and that
    this is what reverse mode emits for the instructions of the layer, on
    tensors of any shape. An instruction holds a fraction [n / d], what is stored
    for [sqrt (1 / 2)]; so [Φ] and [φ] are of any scale [c], and the standard
    ones are those of [c = 1 / sqrt 2].

    Glossary
      - [normal_cdf c x]  [(1 + erf (x · c)) / 2]
      - [normal_pdf c x]  [c / sqrt pi · exp (- (x · c)²)], its derivative
      - [gelu c x], [gelu_slope c x]  [x · Φ(x)], [Φ(x) + x · φ(x)]
      - [standard]        [1 / sqrt 2] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp trigo.
From Cotangent Require Import Vjp Erf Layers LayersRules LayersPointwise RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Gelu.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Implicit Types (c x : R).

Add Ring real_ring : (real_ring R).

Definition normal_cdf c x : R := (1 + erf (x * c)) / 2%:R.
Definition normal_pdf c x : R := c / Num.sqrt pi * expR (- ((x * c) * (x * c))).
Definition gelu c x : R := x * normal_cdf c x.
Definition gelu_slope c x : R := normal_cdf c x + x * normal_pdf c x.
Definition standard : R := (Num.sqrt 2%:R)^-1.

(** ** The standard normal distribution *)
Lemma standard_cdf x : normal_cdf standard x = (1 + erf (x / Num.sqrt 2%:R)) / 2%:R.
Proof. by []. Qed.

Lemma standard_pdf x : normal_pdf standard x = expR (- (x ^+ 2 / 2%:R)) / Num.sqrt (2%:R * pi).
Proof.
have two : (0 : R) <= 2%:R by exact: ler0n.
rewrite /normal_pdf /standard sqrtrM // invfM [RHS]mulrC; congr (_ * expR (- _)).
by rewrite mulrACA -expr2 -invfM -expr2 sqr_sqrtr.
Qed.

(** ** Derivatives *)
Lemma normal_cdf_derive c x : is_derive x 1 (normal_cdf c) (normal_pdf c x).
Proof.
have inner := is_derive_mulr (is_derive_id x 1) (is_derive_cst c x 1).
have outer := @is_derive1_comp R (@erf R) (fun y => y * c) x _ _ (is_derive_erf (x * c)) inner.
have h := is_derive_mulr (is_derive_addr (is_derive_cst (1 : R) x 1) outer)
  (is_derive_cst (2%:R^-1 : R) x 1).
apply: (is_derive_eq h); rewrite /normal_pdf /erf_grad /cst /=.
have two : (2%:R : R) * 2%:R^-1 = 1 by rewrite divff ?pnatr_eq0.
move: (expR _) (Num.sqrt pi)^-1 two => e r; set t := 2%:R^-1 => two.
transitivity (((2%:R : R) * t) * (c * r * e)); last by rewrite two mul1r.
by rewrite !mulr0 ?addr0 !add0r mulr1; reals R.
Qed.

Lemma gelu_derive c x : is_derive x 1 (gelu c) (gelu_slope c x).
Proof.
have h := is_derive_mulr (is_derive_id x 1) (normal_cdf_derive c x).
by apply: (is_derive_eq h); rewrite /gelu_slope mulr1 addrC.
Qed.

(** ** The backward *)
Theorem gelu_vjp c m n (M : mat m n) : is_vjp_mx (map_mx (gelu c)) M
  (fun dy => \matrix_(i, j) (gelu_slope c (M i j) * dy i j)).
Proof. by apply: map_vjp => i j; exact: gelu_derive. Qed.

(** The Jacobian on row vectors is diagonal. *)
Theorem pdiv_gelu c n (x : 'rV[R]_n.+1) i j :
  pdiv (map_mx (gelu c)) x i j = if i == j then gelu_slope c (x 0 i) else 0.
Proof.
have [_ h] := @gelu_vjp c 0 n x; rewrite /pdiv.
have := h (delta_mx 0 j) (delta_mx 0 i); rewrite mdot_delta mxE => e.
transitivity (mdot (delta_mx 0 j) ('d (map_mx (gelu c)) x (delta_mx 0 i))); last first.
  by rewrite -e mxE eqxx; case: eqP => _; rewrite ?mulr1 ?mulr0.
rewrite mdotE big_ord1 (bigD1 j) //= mxE !eqxx mul1r big1 ?addr0 // => k kj.
by rewrite mxE (negPf kj) andbF mul0r.
Qed.
End Gelu.
