(** * Derivatives of the scalar functions, at smooth points

    Glossary
      - [una_derive]           the derivatives of the pointwise functions
      - [is_diff_near]         local equality transfers differentials
      - [is_diff_sum], [is_diff_mul], [is_diff_una]  sums, products and
                               compositions with a scalar function *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype landau derive sequences realfun exp.
From Coq Require Import BinNums.
From Cotangent Require Import DenoteFacts Smooth Tangent.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope. Local Open Scope classical_set_scope.

Section Scalar.
Variable R : realType.

Lemma is_diff_of_derive (f : R -> R) (x a : R) :
  is_derive x 1 f a -> is_diff (x : R^o) (f : R^o -> R^o) (fun h : R^o => a * h : R^o).
Proof.
move=> [dx <-]; have h := (derivable1_diffP (f : R^o -> R^o) x).1 dx.
apply: DiffDef => //; rewrite diff1E // derive1E.
by apply/funext => k; rewrite /= mulrC.
Qed.

Lemma is_derive_near (f g : R -> R) (x a : R) :
  (\forall y \near x, f y = g y) -> is_derive x 1 g a -> is_derive x 1 f a.
Proof.
move=> fg /is_derive1_caratheodory [phi [pE pc pa]].
have fx : f x = g x by exact: nbhs_singleton fg.
apply/is_derive1_caratheodory.
exists (fun z => if f z == g z then phi z else (f z - f x) / (z - x)); split.
- move=> z; case: eqP => [->|ne]; first by rewrite fx.
  rewrite divfK // subr_eq0; apply/eqP => zx; apply: ne; by rewrite zx.
- have h : phi @ x --> phi x by exact: pc.
  suff : (fun z => if f z == g z then phi z else (f z - f x) / (z - x)) @ x --> phi x.
    by move=> k; rewrite /prop_for /= (introT eqP fx).
  apply: cvg_trans h; apply: (@near_eq_cvg _ _ (nbhs x)).
  by apply: filterS fg => y ->; rewrite eqxx.
- by rewrite fx eqxx.
Qed.

Lemma near_gt (c x : R) : c < x -> \forall y \near x, c < y.
Proof. by move=> h; exact: (open_nbhs_nbhs (conj (@open_gt _ c) h)). Qed.
Lemma near_lt (c x : R) : x < c -> \forall y \near x, y < c.
Proof. by move=> h; exact: (open_nbhs_nbhs (conj (@open_lt _ c) h)). Qed.
Lemma near_pos (x : R) : 0 < x -> \forall y \near x, 0 < y. Proof. exact: near_gt. Qed.
Lemma near_neg (x : R) : x < 0 -> \forall y \near x, y < 0. Proof. exact: near_lt. Qed.

(** Absent from the library: through the inverse of the square. *)
Lemma is_derive_sqrt (x : R) : 0 < x ->
  is_derive x 1 Num.sqrt (Num.sqrt x + Num.sqrt x)^-1.
Proof.
move=> x0; have s0 : 0 < Num.sqrt x by rewrite sqrtr_gt0.
have e : Num.sqrt x ^+ 2 = x by rewrite sqr_sqrtr // ltW.
rewrite -[X in is_derive X](e).
apply: (@is_derive_inverse R (fun y => y ^+ 2) Num.sqrt).
- by apply: filterS (near_pos s0) => y /ltW y0; rewrite /= sqrtr_sqr ger0_norm.
- by apply: filterS (near_pos s0) => y _; exact: exprn_continuous.
- have h := @is_deriveM _ _ (@id R) (@id R) (Num.sqrt x) 1 1 1 (is_derive_id _ _) (is_derive_id _ _).
  rewrite (_ : (fun y : R => y ^+ 2) = (@id R) * (@id R)); last by apply/funext => y; rewrite expr2.
  apply: (is_derive_eq h).
  by move: (Num.sqrt x) => r; change (r * 1 + r * 1 = r + r :> R); rewrite mulr1.
- by apply: lt0r_neq0; apply: addr_gt0.
Qed.

Lemma is_derive_inv (x : R) : x != 0 -> is_derive x 1 (fun y : R => y^-1) (- (x ^- 2)).
Proof.
move=> x1; have := @is_deriveV _ id x 1 1 x1 (is_derive_id x 1).
by rewrite /= [_ *: _]mulr1.
Qed.

Lemma is_derive_rsqrt (x : R) : 0 < x -> is_derive x 1 (@una_real R Rsqrt) (una_slope Rsqrt x).
Proof.
move=> x0; have s0 : Num.sqrt x != 0 by rewrite lt0r_neq0 // sqrtr_gt0.
have := is_derive1_comp (is_derive_inv s0) (is_derive_sqrt x0).
move=> h; apply: (is_derive_eq h) => /=.
have -> : x + x = Num.sqrt x * (Num.sqrt x + Num.sqrt x).
  by rewrite mulrDr -expr2 sqr_sqrtr // ltW.
by rewrite mulNr expr2 !invfM mulrA.
Qed.

Lemma is_derive_expN (x : R) : is_derive x 1 (fun y => expR (- y)) (- expR (- x)).
Proof.
have := is_derive1_comp (is_derive_expR (- x)) (is_deriveN (is_derive_id x 1)).
by move=> h; apply: (is_derive_eq h); rewrite mulrN1.
Qed.

Lemma is_derive_logistic x : is_derive x 1 (@una_real R Logistic) (una_slope Logistic x).
Proof.
have e0 := expR_gt0 (- x); have d0 : 1 + expR (- x) != 0 by rewrite lt0r_neq0 ?addr_gt0 ?ltr01.
have h := @is_derive1_comp R (fun y => y^-1) (fun y => 1 + expR (- y)) x _ _ (is_derive_inv d0)
  (is_deriveD (is_derive_cst (1 : R) x 1) (is_derive_expN x)).
apply: (is_derive_eq h) => /=; move: (expR _) d0 {h e0} => e d0.
rewrite add0r mulrNN expr2 invfM -mulrA; congr (_ * _); rewrite mulrC.
by rewrite -[X in _ = X - _](divff d0) -[X in _ - X]mul1r -mulrBl addrAC subrr add0r.
Qed.

Lemma is_derive_softplus x : is_derive x 1 (@una_real R Softplus) (una_slope Softplus x).
Proof.
have e0 := expR_gt0 x; have d0 : 0 < 1 + expR x by rewrite addr_gt0 ?ltr01.
have h := @is_derive1_comp R (@ln R) (fun y => 1 + expR y) x _ _ (is_derive1_ln d0)
  (is_deriveD (is_derive_cst (1 : R) x 1) (is_derive_expR x)).
apply: (is_derive_eq h) => /=; rewrite expRN.
rewrite add0r; move: (expR x) (lt0r_neq0 e0) => e e1.
have -> : 1 + e^-1 = (1 + e) / e by rewrite mulrDl divff // mul1r addrC.
by rewrite invf_div mulrC.
Qed.

Lemma is_derive_tanh x : is_derive x 1 (@una_real R Tanh) (una_slope Tanh x).
Proof.
have d0 : expR x + expR (- x) != 0 by rewrite lt0r_neq0 // addr_gt0 ?expR_gt0.
have hn := is_deriveB (is_derive_expR x) (is_derive_expN x).
have hd := is_deriveD (is_derive_expR x) (is_derive_expN x).
have h := is_deriveM hn (@is_derive1_comp R (fun y => y^-1) (fun y => expR y + expR (- y)) x _ _
  (is_derive_inv d0) hd).
apply: (is_derive_eq h) => /=.
change ((expR x - expR (- x)) * (- ((expR x + expR (- x)) ^- 2) * (expR x - expR (- x)))
  + (expR x + expR (- x))^-1 * (expR x - - expR (- x))
  = 1 - (expR x - expR (- x)) / (expR x + expR (- x))
        * ((expR x - expR (- x)) / (expR x + expR (- x))) :> R).
move: (expR x) (expR (- x)) d0 {hn hd h} => a b d0.
rewrite opprK; move: (a - b) (a + b) d0 => n d d0.
rewrite mulVf // mulNr mulrN addrC; congr (1 - _).
by rewrite expr2 invfM mulrCA [RHS]mulrACA mulrC.
Qed.

(** Exponential below, the identity above: they meet with slope 1. *)
Lemma is_derive_elu1 (f : R -> R) : (forall x, f x = if 0 < x then x else expR x - 1) ->
  is_derive (0 : R) 1 f 1.
Proof.
move=> fE; have := is_deriveB (is_derive_expR (0 : R)) (is_derive_cst (1 : R) (0 : R) 1).
rewrite subr0 expR0 => /is_derive1_caratheodory [phi [pE pc pa]].
apply/is_derive1_caratheodory; exists (fun z => if 0 < z then 1 else phi z); split.
- move=> z; rewrite !fE ltxx expR0 subrr subr0; case: ifP => _; first by rewrite mul1r subr0.
  have : expR z - 1 - (expR 0 - 1) = phi z * (z - 0) := pE z.
  by rewrite expR0 subrr !subr0.
- have pc1 : phi @ (0 : R) --> (1 : R) by rewrite -pa; exact: pc.
  suff : (fun z => if 0 < z then 1 else phi z) @ (0 : R) --> (1 : R).
    by move=> h; rewrite /prop_for /= ltxx pa.
  apply/cvgrPdist_lt => e e0; move/cvgrPdist_lt: pc1 => /(_ e e0); apply: filterS => z.
  by case: ifP => _ //; rewrite subrr normr0.
- by rewrite ltxx.
Qed.

Lemma una_derive u x : una_smooth u x -> is_derive x 1 (@una_real R u) (una_slope u x).
Proof.
have elu (n : Z) (d : positive) : x != 0 -> is_derive x 1 (@una_real R (Elu n d)) (una_slope (Elu n d) x).
  rewrite /=; have [xp _|xn _|//] := ltgtP 0 x.
    apply: (@is_derive_near _ id).
    by apply: filterS (near_pos xp) => y /= ->.
  have h := is_deriveZ (rational R n d) (is_deriveB (is_derive_expR x) (is_derive_cst (1 : R) x 1)).
  rewrite subr0 in h; apply: is_derive_near h.
  by apply: filterS (near_neg xn) => y y0; rewrite /= ltNge ltW.
case: u => [||||||||||||n d|n d m e] /=.
- by move=> _; exact: (is_deriveN (is_derive_id x 1)).
- by move=> _; exact: is_derive_expR.
- by move=> x0; exact: is_derive1_ln.
- by move=> x0; exact: is_derive_sqrt.
- exact: is_derive_rsqrt.
- by move=> _; exact: is_derive_tanh.
- by move=> _; exact: is_derive_logistic.
- by move=> _; exact: is_derive_softplus.
- by move=> _; exact: is_derive_erf.
- by move=> _; exact: is_derive_erf_grad.
- move=> x0; have [xp|xn|xe] := ltgtP 0 x; last by rewrite -xe eqxx in x0.
    apply: (@is_derive_near _ id).
    by apply: filterS (near_pos xp) => y y0; apply/max_idPl/ltW.
  apply: (@is_derive_near _ (cst 0)).
  by apply: filterS (near_neg xn) => y y0; apply/max_idPr/ltW.
- move=> x0; have [xp|xn|xe] := ltgtP 0 x; last by rewrite -xe eqxx in x0.
    apply: (@is_derive_near _ id).
    by apply: filterS (near_pos xp) => y y0; rewrite /= gtr0_norm.
  apply: (@is_derive_near _ (fun y => - y)).
  by apply: filterS (near_neg xn) => y y0; rewrite /= ltr0_norm.
- move=> [x0|a1]; first exact: elu.
  have [x0|x0] := boolP (x == 0); last exact: elu.
  rewrite (eqP x0) ltxx expR0 mulr1 a1; apply: is_derive_elu1 => y /=.
  by rewrite a1 mul1r.
- set a := rational R n d; set b := rational R m e => -[xa xb].
  have [ax|xa'|eq] := ltgtP a x; last by rewrite eq eqxx in xa.
    have [xb'|bx|eq] := ltgtP x b; last by rewrite eq eqxx in xb.
      apply: (@is_derive_near _ id); apply: filterS2 (near_gt ax) (near_lt xb') => y hy hb.
      by rewrite /= max_l ?min_l // ltW.
    apply: (@is_derive_near _ (cst b)); apply: filterS2 (near_gt ax) (near_gt bx) => y hy hb.
    by rewrite /= max_l ?min_r // ltW.
  apply: (@is_derive_near _ (cst (Num.min a b))); apply: filterS (near_lt xa') => y hy.
  by rewrite /= max_r // ltW.
Qed.
End Scalar.

Section Diff.
Variables (R : realType) (V : normedModType R) (x0 : V).

Lemma is_diff_near (W : normedModType R) (f g dg : V -> W) :
  (\forall y \near x0, f y = g y) -> is_diff x0 g dg -> is_diff x0 f dg.
Proof.
move=> fg [/diff_locallyP [gc ge] gd].
have fx : f x0 = g x0 by exact: nbhs_singleton fg.
have h : f \o shift x0 = cst (f x0) + 'd g x0 +o_ (0 : V) id.
  rewrite fx; apply/eqaddoP => e e0.
  have ge' := (proj1 (eqaddoP _ _ _ _)) ge e e0.
  have fg0 : \forall y \near (0 : V), (f \o shift x0) y = (g \o shift x0) y.
    by have := fg; rewrite (near_shift 0 x0) subr0.
  apply: filterS2 fg0 ge' => y E /=.
  set k := (cst (g x0) + _ : V -> W).
  change (`|(g \o shift x0) y - k y| <= e * `|y| -> `|(f \o shift x0) y - k y| <= e * `|y|).
  by rewrite E.
have E : 'd f x0 = 'd g x0 :> (V -> W) by exact: diff_unique.
apply: DiffDef; last by rewrite E gd.
by apply/diff_locallyP; rewrite E.
Qed.

Lemma is_diff_sum (T : eqType) (s : seq T) (P : pred T) (F dF : T -> V -> R^o) :
  (forall r, r \in s -> is_diff x0 (F r) (dF r)) ->
  is_diff x0 (fun y => \sum_(r <- s | P r) F r y : R^o)
             (fun v => \sum_(r <- s | P r) dF r v : R^o).
Proof.
elim: s => [|r s ih] h.
  rewrite (_ : (fun y => _) = cst (0 : R^o)); last by apply/funext => y; rewrite big_nil.
  rewrite (_ : (fun v => _) = 0); last by apply/funext => y; rewrite big_nil.
  exact: is_diff_cst.
have {}ih := ih (fun q hq => h q (mem_behead (s := r :: s) hq)).
have hr := h r (mem_head _ _).
case Pr : (P r); last first.
  rewrite (_ : (fun y => _) = (fun y => \sum_(r <- s | P r) F r y : R^o)).
    rewrite [X in is_diff_def _ _ X](_ : _ = (fun y => \sum_(r <- s | P r) dF r y : R^o)) //.
    by apply/funext => y; rewrite big_cons Pr.
  by apply/funext => y; rewrite big_cons Pr.
rewrite (_ : (fun y => _) = F r + (fun y => \sum_(r <- s | P r) F r y : R^o)).
  rewrite [X in is_diff_def _ _ X](_ : _ = dF r + (fun y => \sum_(r <- s | P r) dF r y : R^o)) //.
    exact: is_diffD.
  by apply/funext => y; rewrite big_cons Pr.
by apply/funext => y; rewrite big_cons Pr.
Qed.

Lemma is_diff_mul (f g df dg : V -> R^o) :
  is_diff x0 f df -> is_diff x0 g dg ->
  is_diff x0 (fun y => f y * g y : R^o) (fun v => f x0 * dg v + g x0 * df v : R^o).
Proof. by move=> hf hg; exact: (is_diffM hf hg). Qed.

Lemma is_diff_add (f g df dg : V -> R^o) :
  is_diff x0 f df -> is_diff x0 g dg ->
  is_diff x0 (fun y => f y + g y : R^o) (fun v => df v + dg v : R^o).
Proof. by move=> hf hg; exact: (is_diffD hf hg). Qed.

Lemma is_diff_sub (f g df dg : V -> R^o) :
  is_diff x0 f df -> is_diff x0 g dg ->
  is_diff x0 (fun y => f y - g y : R^o) (fun v => df v - dg v : R^o).
Proof. by move=> hf hg; exact: (is_diffB hf hg). Qed.

Lemma is_diff_una (u : R -> R) (a : R) (f df : V -> R^o) :
  is_diff x0 f df -> is_derive (f x0 : R) 1 u a ->
  is_diff x0 (fun y => u (f y) : R^o) (fun v => a * df v : R^o).
Proof.
move=> hf /is_diff_of_derive hu.
exact: (@is_diff_comp _ _ _ _ f df (u : R^o -> R^o) _ x0 hf hu).
Qed.

Lemma is_diff_div (f g df dg : V -> R^o) : g x0 != 0 ->
  is_diff x0 f df -> is_diff x0 g dg ->
  is_diff x0 (fun y => f y / g y : R^o)
             (fun v => df v / g x0 - f x0 / g x0 * dg v / g x0 : R^o).
Proof.
move=> g0 hf hg; have hi := is_diff_una hg (is_derive_inv g0).
apply: (is_diff_eq (is_diff_mul hf hi)); apply/funext => v.
move: (f x0) (g x0) (df v) (dg v) => a b da db.
change (a * (- (b ^- 2) * db) + b^-1 * da = da / b - a / b * db / b :> R).
rewrite addrC mulNr mulrN; congr (_ - _); first by rewrite mulrC.
by rewrite expr2 invfM -!mulrA; do 2 congr (_ * _); rewrite mulrC.
Qed.
End Diff.
