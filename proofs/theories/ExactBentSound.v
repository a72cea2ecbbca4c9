(** * Other rectifiers on integers are what they mean

    Where the rows of their input are what [ExactTable.v] says, so are those of
    their output.

    Glossary
      - [bent_sound]     of an activation that is continuous and that the
                         integers follow ball by ball
      - [relu6_sound], [leaky_sound]  two of these *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar SmoothFacts Number TwinNumbers SpecLayer MeaningLayer.
From Cotangent Require Import RingTactic Floats ExactTable ExactNumbers ExactRows ExactLayers ExactNormSound ExactBent.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Bent.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Notation int := (int_real R).
Add Ring real_ring : (real_ring R).

Lemma bent_sound points f e r (rectified : bool) (F : R -> R) s (X : V -> tensor R) x : (0 <= r)%Z ->
  (forall h : V -> R, continuous_at x0 h -> continuous_at x0 (fun v => F (h v))) ->
  (forall z v, clear (f_exponent x) (f_radius x) points z -> ball (f_exponent x) (f_radius x) z v ->
     ball e r (f z) (F v)) ->
  (forall z (h : V -> R), rectified -> clear (f_exponent x) (f_radius x) points z -> f z = 0%Z ->
     continuous_at x0 h -> ball (f_exponent x) (f_radius x) z (h x0) -> \forall v \near x0, F (h v) = 0) ->
  holds X x -> holds (fun v i => F (X v i)) (bent points f e r rectified s x).
Proof.
move=> r0 cF bF zF hX; split=> // i en; apply: look_tabulate => t model {}i {}en _ _.
case hl: look => [[mm row]|] //; case: ifP => // ok [<-] j /=; rewrite size_map => hj.
have [cont val near _] := hX.2 _ _ hl j hj; rewrite /= in cont val near.
have here : clear (f_exponent x) (f_radius x) points (nth 0%Z row j).
  exact: (all_nthP 0%Z ok).
rewrite (nth_map 0%Z) //; split.
- exact: cF.
- exact: bF.
- by apply: filterS near => v ->.
by move=> rect h0; apply: (zF _ _ rect here h0 cont val).
Qed.

Lemma ball_opp e r z v : ball e r z v -> ball e r (- z) (- v).
Proof. by rewrite /ExactNumbers.ball dyadicN -opprD normrN. Qed.

Lemma relu6_sound s (X : V -> tensor R) x : holds X x ->
  holds (fun v i => Num.min (Num.max (X v i) 0) 6%:R) (relu6 s x).
Proof.
move=> hX; have six : dyadic R (f_exponent x) (Z.shiftl 6 (Z.of_N (f_exponent x))) = 6%:R.
  by rewrite dyadic_int (int_real_nat R 6).
set six' := Z.shiftl _ _ in six.
have minE a b : Num.min a b = - Num.max (- a) (- b) :> R by rewrite oppr_max !opprK.
apply: (@bent_sound _ _ _ _ _ (fun a => Num.min (Num.max a 0) 6%:R) s X x) => //; first exact: hX.1.
- move=> h ch; rewrite (_ : (fun v => _) = fun v => - Num.max (- Num.max (h v) 0) (- 6%:R)); last first.
    by apply/funext => v; rewrite minE.
  have neg g : continuous_at x0 g -> continuous_at x0 (fun v => - g v) by move=> cg; exact: continuousN.
  apply: (neg); apply: continuous_max; last exact: continuous_const.
  by apply: (neg); apply: continuous_max => //; exact: continuous_const.
- move=> z v _ b; rewrite minE.
  have -> : Z.min (Z.max z 0) six' = (- Z.max (- Z.max z 0) (- six'))%Z by lia.
  apply: ball_opp; apply: ball_max; apply: ball_opp; last by rewrite -six; apply: ball_self; exact: hX.1.
  by apply: ball_max => //; rewrite -(dyadic0 R (f_exponent x)); apply: ball_self; exact: hX.1.
move=> z h _ /andP [/Z.ltb_lt far _] h0 ch b.
have pos : (0 < six')%Z by rewrite /six' Z.shiftl_mul_pow2; [apply: Z.mul_pos_pos => //; apply: Z.pow_pos_nonneg|]; lia.
rewrite Z.shiftl_0_l in far.
have neg : h x0 < 0 by rewrite -(dyadic0 R (f_exponent x)); apply: (ball_lt b); lia.
have n : \forall v \near x0, h v < 0 by exact: (ch _ (near_neg neg)).
by apply: filterS n => v hv; rewrite max_r ?ltW // min_l // ler0n.
Qed.

Lemma leaky_sound fraction n d s (X : V -> tensor R) x : holds X x ->
  holds (fun v i => if 0 < X v i then X v i else X v i * rational R n d) (leaky_relu fraction n d s x).
Proof.
move=> hX; rewrite /leaky_relu; set e := N.max _ _; set k := Z.of_N (e - f_exponent x).
have fineE z : dyadic R e (Z.shiftl z k) = dyadic R (f_exponent x) z.
  have {1}-> : e = (f_exponent x + (e - f_exponent x))%num by rewrite /e; lia.
  exact: dyadic_shift.
have fine0 : (0 <= Z.shiftl (f_radius x) k)%Z by rewrite Z.shiftl_nonneg; exact: hX.1.
have d0 : (0 < Zpos d)%Z by [].
have q0 : (0 <= Z.shiftl (f_radius x) k * Z.abs n / Zpos d)%Z by apply: Z.div_pos => //; nia.
apply: (@bent_sound _ _ _ _ _ (fun a => if 0 < a then a else a * rational R n d) s X x) => //; first by lia.
- move=> h ch; rewrite (_ : (fun v => _) = fun v => Num.max (h v) 0 + - Num.max (- h v) 0 * rational R n d).
    apply: continuous_add; first by apply: continuous_max => //; exact: continuous_const.
    apply: continuous_mul; last exact: continuous_const.
    have neg (g : V -> R) : continuous_at x0 g -> continuous_at x0 (fun v => - g v) by move=> cg; exact: continuousN.
    apply: (neg (fun v => Num.max (- h v) 0)); apply: continuous_max; last exact: continuous_const.
    exact: (neg h).
  apply/funext => v; case: (ltrP 0 (h v)) => hv.
    have -> : Num.max (- h v) 0 = 0 by rewrite max_r // oppr_le0 ltW.
    by rewrite oppr0 mul0r addr0.
  have -> : Num.max (- h v) 0 = - h v by rewrite max_l // oppr_ge0.
  by rewrite opprK add0r.
move=> z v; rewrite /clear /= andbT Z.shiftl_0_l Z.sub_0_r => /Z.ltb_lt far b.
have b' : ball e (Z.shiftl (f_radius x) k) (Z.shiftl z k) v by rewrite /ExactNumbers.ball !fineE.
case: Z.ltb_spec => hz.
  have -> : 0 < v by rewrite -(dyadic0 R (f_exponent x)); apply: (ball_gt b); lia.
  by apply: ball_weaken b'; lia.
have -> : (0 < v) = false.
  apply/negbTE; rewrite -leNgt; apply: ltW; rewrite -(dyadic0 R (f_exponent x)); apply: (ball_lt b); lia.
move: b'; rewrite !ball_scaled; set a := Z.shiftl z k; set r := Z.shiftl (f_radius x) k; set p := 2%:R ^+ _ => b'.
have /andP [f1 f2] := floor_near R (a * n) d0; have /andP [_ g2] := floor_near R (r * Z.abs n) d0.
set q := (r * Z.abs n / Zpos d)%Z in g2 *.
apply: le_trans (_ : int (q + 1) + 1 <= _); last first.
  by rewrite -[1]/(int 1) -intD; apply: int_leP; lia.
rewrite -[_ - int _](subrKA (int (a * n) / int (Zpos d))); apply: le_trans (ler_norm_add _ _) _.
apply: ler_add; last by rewrite ger0_norm.
have dR : 0 < int (Zpos d) by exact: pos_real_gt0.
have -> : v * rational R n d * p - int (a * n) / int (Zpos d) = (v * p - int a) * (int n / int (Zpos d)).
  by rewrite intM /rational -[pos_real R d]/(int (Zpos d)); move: ((int (Zpos d))^-1) => m; reals R.
rewrite normrM normrM [X in _ * (_ * X)]gtr0_norm ?invr_gt0 // int_norm.
apply: le_trans (_ : int (r * Z.abs n) / int (Zpos d) <= _).
  rewrite mulrA ler_pmul2r ?invr_gt0 // intM; apply: ler_wpmul2r b'.
  by apply: (@int_leP R 0%Z); lia.
by rewrite intD; move: g2; rewrite ler_subl_addl.
Qed.
End Bent.
