(** * Activations in closed form

    A pointwise function has a diagonal Jacobian: its backward is one
    multiplication. [map_vjp] in [Layers.v] is the rule; here are the
    derivatives of the usual activations. The smooth ones hold everywhere, the
    others off their kinks.

    Glossary
      - [sigmoid x], [tanh x]  [1 / (1 + exp (-x))]; of the ops of the graph
      - [silu x]        [x · sigmoid x]
      - [hard_swish x]  [x · min (max (x + 3) 0) 6 / 6]
      - [gelu_tanh c k x]  [x / 2 · (1 + tanh (c · (x + k · x³)))]; the usual
                        constants are [c = sqrt (2 / pi)], [k = 0.044715]
      - [diagonal_vjp]  a function of one element for each place *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import BinNums.
From Cotangent Require Import Vjp DenoteFacts Tangent Scalar Differential Layers LayersRules RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Pointwise.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Add Ring real_ring : (real_ring R).

Definition sigmoid (x : R) : R := (1 + expR (- x))^-1.
Definition tanh (x : R) : R := (expR x - expR (- x)) / (expR x + expR (- x)).
Definition silu (x : R) : R := x * sigmoid x.
Definition hard_swish (x : R) : R := x * (Num.min (Num.max (x + 3%:R) 0) 6%:R / 6%:R).
Definition gelu_tanh (c k x : R) : R := x / 2%:R * (1 + tanh (c * (x + k * x ^+ 3))).

Definition silu_slope (x : R) : R := sigmoid x * (1 + x * (1 - sigmoid x)).
Definition hard_swish_slope (x : R) : R :=
  if - 3%:R < x then if x < 3%:R then (x + x + 3%:R) / 6%:R else 1 else 0.
Definition gelu_tanh_slope (c k x : R) : R :=
  let t := tanh (c * (x + k * x ^+ 3)) in
  (1 + t) / 2%:R + x / 2%:R * (1 - t ^+ 2) * (c * (1 + 3%:R * k * x ^+ 2)).

(** ** Derivatives *)
Lemma is_derive_mulr (f g : R -> R) x a b : is_derive x 1 f a -> is_derive x 1 g b ->
  is_derive x 1 (fun y => f y * g y) (f x * b + g x * a).
Proof. by move=> hf hg; exact: (is_derive_eq (is_deriveM hf hg)). Qed.
Lemma is_derive_addr (f g : R -> R) x a b : is_derive x 1 f a -> is_derive x 1 g b ->
  is_derive x 1 (fun y => f y + g y) (a + b).
Proof. by move=> hf hg; exact: (is_deriveD hf hg). Qed.

Lemma sigmoid_derive x : is_derive x 1 sigmoid (sigmoid x * (1 - sigmoid x)).
Proof. exact: (@is_derive_logistic R x). Qed.

Lemma tanh_derive x : is_derive x 1 tanh (1 - tanh x ^+ 2).
Proof. by rewrite expr2; exact: (@is_derive_tanh R x). Qed.

Lemma silu_derive x : is_derive x 1 silu (silu_slope x).
Proof.
have h := is_derive_mulr (is_derive_id x 1) (sigmoid_derive x).
apply: (is_derive_eq h); rewrite /silu_slope /=; move: (sigmoid x) => s; reals R.
Qed.

Lemma hard_swish_derive x : x != - 3%:R -> x != 3%:R -> is_derive x 1 hard_swish (hard_swish_slope x).
Proof.
move=> h0 h1; rewrite /hard_swish_slope.
have n3 y : (0 < y + 3%:R) = (- 3%:R < y) by rewrite -[RHS]subr_gt0 opprK.
have n6 y : (y + 3%:R < 6%:R) = (y < 3%:R).
  by rewrite -[6%:R]/((3 + 3)%:R) natrD ltr_add2r.
have [lo|hi|e] := ltgtP (- 3%:R) x; last by rewrite e eqxx in h0.
- have [lo1|hi1|e] := ltgtP x 3%:R; last by rewrite e eqxx in h1.
  + have h := is_derive_mulr (is_derive_id x 1)
      (is_derive_addr (is_derive_id x 1) (is_derive_cst (3%:R : R) x 1)).
    have {}h := is_deriveZ (6%:R^-1) h; rewrite addr0 in h.
    apply: (@is_derive_near _ _ (fun y => 6%:R^-1 * (y * (y + 3%:R)))).
      apply: filterS2 (near_gt lo) (near_lt lo1) => y y0 y1.
      rewrite /hard_swish max_l ?min_l; last by rewrite ltW // n3.
        by rewrite mulrA mulrC.
      by rewrite ltW // n6.
    apply: (is_derive_eq h); rewrite /= /id.
    change (6%:R^-1 * (x * 1 + (x + 3%:R) * 1) = (x + x + 3%:R) / 6%:R :> R); reals R.
  + apply: (@is_derive_near _ _ id).
    have lo' : (- 3%:R : R) < 3%:R by rewrite gt0_cp // ltr0n.
    apply: filterS (near_gt hi1) => y y1; have y0 := lt_trans lo' y1.
    rewrite /hard_swish max_l ?min_r; last by rewrite ltW // n3.
      by rewrite divff ?mulr1 // pnatr_eq0.
    by rewrite leNgt n6 -leNgt ltW.
- apply: (@is_derive_near _ _ (cst 0)).
  apply: filterS (near_lt hi) => y y0.
  rewrite /hard_swish max_r; last by rewrite leNgt n3 -leNgt ltW.
  by rewrite min_l ?mul0r ?mulr0 // ler0n.
Qed.

Lemma gelu_tanh_derive c k x : is_derive x 1 (gelu_tanh c k) (gelu_tanh_slope c k x).
Proof.
have d3 : is_derive x 1 (fun y : R => y ^+ 3) (3%:R * x ^+ 2).
  have := is_derive_mulr (is_derive_id x 1) (is_derive_mulr (is_derive_id x 1) (is_derive_id x 1)).
  rewrite (_ : (fun y : R => y * (y * y)) = (fun y : R => y ^+ 3)); last by apply/funext => y; rewrite !exprS expr0 mulr1.
  by move=> h; apply: (is_derive_eq h); rewrite /=; reals R.
have din := is_derive_mulr (is_derive_cst c x 1)
  (is_derive_addr (is_derive_id x 1) (is_derive_mulr (is_derive_cst k x 1) d3)).
have dt := is_derive1_comp (tanh_derive _) din.
have h := is_derive_mulr (is_derive_mulr (is_derive_id x 1) (is_derive_cst (2%:R^-1 : R) x 1))
  (is_derive_addr (is_derive_cst (1 : R) x 1) dt).
apply: (is_derive_eq h); rewrite /gelu_tanh_slope /cst /=; move: (tanh _) => t; reals R.
Qed.

(** ** Backwards *)
Section Backward.
Variables (m n : nat).
Implicit Types (x dy : mat m n).

Theorem sigmoid_vjp x : is_vjp_mx (map_mx sigmoid) x
  (fun dy => \matrix_(i, j) (sigmoid (x i j) * (1 - sigmoid (x i j)) * dy i j)).
Proof. by apply: (map_vjp (u' := fun y => sigmoid y * (1 - sigmoid y))) => i j; exact: sigmoid_derive. Qed.

Theorem tanh_vjp x : is_vjp_mx (map_mx tanh) x
  (fun dy => \matrix_(i, j) ((1 - tanh (x i j) ^+ 2) * dy i j)).
Proof. by apply: (map_vjp (u' := fun y => 1 - tanh y ^+ 2)) => i j; exact: tanh_derive. Qed.

Theorem silu_vjp x : is_vjp_mx (map_mx silu) x
  (fun dy => \matrix_(i, j) (silu_slope (x i j) * dy i j)).
Proof. by apply: map_vjp => i j; exact: silu_derive. Qed.

Theorem hard_swish_vjp x : (forall i j, x i j != - 3%:R /\ x i j != 3%:R) ->
  is_vjp_mx (map_mx hard_swish) x (fun dy => \matrix_(i, j) (hard_swish_slope (x i j) * dy i j)).
Proof. by move=> h; apply: map_vjp => i j; have [h0 h1] := h i j; exact: hard_swish_derive. Qed.

Theorem gelu_tanh_vjp c k x : is_vjp_mx (map_mx (gelu_tanh c k)) x
  (fun dy => \matrix_(i, j) (gelu_tanh_slope c k (x i j) * dy i j)).
Proof. by apply: map_vjp => i j; exact: gelu_tanh_derive. Qed.

(** Between its two ends; [a = 0], [b = 6] is ReLU6. *)
Theorem clamp_vjp (a b : Z * positive) x
    (lo := rational R a.1 a.2) (hi := rational R b.1 b.2) :
  (forall i j, x i j != lo /\ x i j != hi) ->
  is_vjp_mx (map_mx (fun y => Num.min (Num.max y lo) hi)) x
    (fun dy => \matrix_(i, j) (if (lo < x i j) && (x i j < hi) then dy i j else 0)).
Proof.
move=> h; apply: is_vjp_mx_ext (map_vjp (fun i j => @una_derive R (Clamp a.1 a.2 b.1 b.2) _ (h i j))) => //.
move=> dy; apply/matrixP => i j; rewrite !mxE /= -/lo -/hi.
by case: (lo < x i j); case: (x i j < hi); rewrite /= ?mul1r ?mul0r.
Qed.

(** A function for each place, as with a slope for each channel. *)
Theorem diagonal_vjp (u u' : 'I_m.+1 -> 'I_n.+1 -> R -> R) x :
  (forall i j, is_derive (x i j) 1 (u i j) (u' i j (x i j))) ->
  is_vjp_mx (fun y : mat m n => \matrix_(i, j) u i j (y i j)) x
    (fun dy => \matrix_(i, j) (u' i j (x i j) * dy i j)).
Proof.
move=> h.
have D : is_diff x (fun y : mat m n => \matrix_(i, j) u i j (y i j))
    (fun v => \matrix_(i, j) (u' i j (x i j) * v i j : R^o)).
  apply: is_diff_mx => i j.
  rewrite (_ : (fun y => _) = (fun y : mat m n => u i j (y i j) : R^o)).
    exact: (is_diff_una (is_diff_coord i j x) (h i j)).
  by apply/funext => y; rewrite mxE.
apply: (is_vjp_mx_diff D) => dy v; rewrite !mdotE.
by apply: eq_bigr => i _; apply: eq_bigr => j _; rewrite !mxE mulrCA mulrA.
Qed.
End Backward.
End Pointwise.
