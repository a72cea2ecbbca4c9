(** * Activations made of exponentials, on integers

    Where the rows of their input are what [ExactTable.v] says, so are those of
    their output.

    Glossary
      - [smooth_sound]   of a number in a ball, the activation is in the ball
                         that [smooth] gives
      - [smooth_continuous]  where it gives one, the activation is continuous
      - [common_radius_sound]  rows that their radii follow
      - [smooth_value_sound]  of each entry, any function for which both hold
      - [smooth_layer_sound]  the layer, with fewer bits *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype sequences exp.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Scalar Number TwinNumbers SpecLayer MeaningLayer.
From Cotangent Require Import RingTactic ExactTable ExactNumbers ExactRows ExactLayers ExactNormSound ExactBentSound.
From Cotangent Require Import ExactNormLayer ExactSmooth ExactSmoothSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Smooth.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Notation int := (int_real R).
Notation is_near := (@is_near R).
Implicit Types h : V -> R.
Add Ring real_ring : (real_ring R).

(** ** Of numbers *)
Lemma exp_pos1 (v : R) : 0 < 1 + expR v.
Proof. by rewrite addr_gt0 ?ltr01 ?expR_gt0. Qed.

Lemma near_sigmoid_sound g e b p (v : R) : ball e b.2 b.1 v -> near_sigmoid g e b = Some p ->
  is_near g p (1 / (1 + expR (- v))).
Proof.
move=> hb; rewrite /near_sigmoid; case he: near_exp => [x|] //= hi.
have hx := near_exp_sound (ball_opp hb : ball e (near_opp b).2 (near_opp b).1 (- v)) he.
have [_] := near_inverse_sound (near_add_sound (near_int_sound R g 1) hx) hi.
by rewrite mul1r.
Qed.

Lemma tanhE (v : R) : tanh v = 1 - ((1 + expR (v + v))^-1 + (1 + expR (v + v))^-1).
Proof.
rewrite /tanh expRN expRD; set a := expR v; have a0 : 0 < a by exact: expR_gt0.
have an : a != 0 by rewrite gt_eqF.
have d0 : 1 + a * a != 0 by rewrite gt_eqF // addr_gt0 ?ltr01 ?mulr_gt0.
have -> : a + a^-1 = (1 + a * a) / a by rewrite mulrDl mul1r mulfK // addrC.
have -> : a - a^-1 = (a * a - 1) / a by rewrite mulrBl mul1r mulfK.
rewrite invf_div mulrA divfK //; apply: (mulIf d0); rewrite divfK //.
rewrite mulrBl mul1r mulrDl mulVf //.
by move: (a * a) => q; reals R.
Qed.

Lemma near_tanh_sound g e b p (v : R) : ball e b.2 b.1 v -> near_tanh g e b = Some p -> is_near g p (tanh v).
Proof.
move=> hb; rewrite /near_tanh; case he: near_exp => [x|] //=; case hi: near_inverse => [y|] //= [<-].
have hx := near_exp_sound (ball_add hb hb : ball e (near_add b b).2 (near_add b b).1 (v + v)) he.
have [_ hy] := near_inverse_sound (near_add_sound (near_int_sound R g 1) hx) hi.
rewrite tanhE; apply: near_add_sound; first exact: near_int_sound.
by apply: near_opp_sound; exact: near_add_sound.
Qed.

Lemma near_hard_sigmoid_sound g e b (v : R) : ball e b.2 b.1 v ->
  is_near g (near_hard_sigmoid g e b) (hard_sigmoid v).
Proof.
move=> hb; have r0 := ball_radius hb; have := near_of_sound g hb; set c := near_of g e b => hc.
have c0 : (0 <= c.2)%Z by exact: ball_radius hc.
have three : dyadic R g (Z.shiftl 3 (Z.of_N g)) = 3%:R by rewrite dyadic_int (int_real_nat R 3).
have six : dyadic R g (Z.shiftl 6 (Z.of_N g)) = 6%:R by rewrite dyadic_int (int_real_nat R 6).
rewrite /near_hard_sigmoid /hard_sigmoid -/c; apply: near_mul_sound; last first.
  by have := near_rational_sound R g 1 6; rewrite /rational div1r -[pos_real R 6]/(int 6) (int_real_nat R 6).
rewrite /ExactSmoothSound.is_near /=.
have minE a q : Num.min a q = - Num.max (- a) (- q) :> R by rewrite oppr_max !opprK.
set six' := Z.shiftl 6 _ in six *; rewrite minE.
have -> z : Z.min z six' = (- Z.max (- z) (- six'))%Z by lia.
apply: ball_opp; apply: ball_max; apply: ball_opp; last by rewrite -six; exact: ball_self.
apply: ball_max; last by rewrite -(dyadic0 R g); exact: ball_self.
rewrite -three -[c.2]Z.add_0_r; apply: ball_add => //; exact: ball_exact.
Qed.

Lemma ball_above e r z (v : R) : ball e r z v -> ball e r (Z.max z 0) (Num.max v 0).
Proof.
move=> h; apply: ball_max => //; rewrite -(dyadic0 R e); apply: ball_self; exact: ball_radius h.
Qed.

Lemma ball_below e r z (v : R) : ball e r z v -> ball e r (Z.min z 0) (- Num.max (- v) 0).
Proof.
move=> h; have -> : Z.min z 0 = (- Z.max (- z) 0)%Z by lia.
by apply: ball_opp; apply: ball_above; exact: ball_opp.
Qed.

Lemma eluE (q v : R) : (if 0 < v then v else q * (expR v - 1)) = Num.max v 0 + q * (expR (- Num.max (- v) 0) - 1).
Proof.
case: (ltP 0 v) => h; last by rewrite max_l ?oppr_ge0 // opprK add0r.
by rewrite max_r ?oppr_le0 ?(ltW h) // oppr0 expR0 subrr mulr0 addr0.
Qed.

Lemma near_elu_sound g n d e b p (v : R) : ball e b.2 b.1 v -> near_elu g n d e b = Some p ->
  is_near g p (pointwise_meaning (Layer.Elu n d) v).
Proof.
move=> hb; rewrite /near_elu; case he: near_exp => [x|] //= [<-]; rewrite eluE.
apply: near_add_sound; first by apply: near_of_sound; exact: ball_above.
apply: near_mul_sound; first exact: near_rational_sound.
apply: near_add_sound; last by have := near_int_sound R g (-1); rewrite -[Zneg 1]/(Z.opp 1) intN.
apply: near_exp_sound he; exact: ball_below.
Qed.

Lemma near_log_sound g t p (v : R) : 0 < v -> is_near g t v -> near_log g t = Some p -> is_near g p (ln v).
Proof.
move=> v0 ht; rewrite /near_log; set y := newton _ _ _ _; set more := margin _ _ _.
case ha: near_exp => [a|] //; case hb: near_exp => [b|] //; case: ifP => // /andP [/Z.leb_le le1 /Z.leb_le le2] [<-].
have exact_exp z q : near_exp g g (z, 0%Z) = Some q -> is_near g q (expR (dyadic R g z)).
  by move=> hz; apply: near_exp_sound hz; exact: ball_exact.
have inside q w : is_near g q w -> dyadic R g (q.1 - q.2) <= w <= dyadic R g (q.1 + q.2).
  by rewrite /ExactSmoothSound.is_near /ExactNumbers.ball ler_distl dyadicB dyadicD.
have /andP [_ a2] := inside _ _ (exact_exp _ _ ha); have /andP [b1 _] := inside _ _ (exact_exp _ _ hb).
have /andP [t1 t2] := inside _ _ ht.
have low : dyadic R g (y - more) <= ln v.
  rewrite -[X in X <= _]expK ler_ln ?posrE ?expR_gt0 //; apply: le_trans a2 (le_trans _ t1).
  exact: dyadic_leP.
have high : ln v <= dyadic R g (y + more).
  rewrite -[X in _ <= X]expK ler_ln ?posrE ?expR_gt0 //; apply: le_trans t2 (le_trans _ b1).
  exact: dyadic_leP.
by rewrite /ExactSmoothSound.is_near /ExactNumbers.ball ler_distl -dyadicB -dyadicD low high.
Qed.

Lemma softplusE (v : R) : ln (1 + expR v) = Num.max v 0 + ln (1 + expR (- `|v|)).
Proof.
case: (leP 0 v) => h; last by rewrite add0r ltr0_norm // opprK.
rewrite ger0_norm // -{2}[v]expK -lnM ?posrE ?expR_gt0 ?exp_pos1 //.
by rewrite mulrDr mulr1 -expRD subrr expR0 addrC.
Qed.

Lemma near_softplus_sound g e b p (v : R) : ball e b.2 b.1 v -> near_softplus g e b = Some p ->
  is_near g p (ln (1 + expR v)).
Proof.
move=> hb; rewrite /near_softplus; case he: near_exp => [x|] //=; case hl: near_log => [y|] //= [<-].
rewrite softplusE; apply: near_add_sound; first by apply: near_of_sound; exact: ball_above.
have hx : is_near g x (expR (- `|v|)).
  apply: near_exp_sound he; apply: ball_opp; rewrite /ExactNumbers.ball -dyadic_norm.
  exact: le_trans (ler_dist_dist _ _) hb.
apply: near_log_sound hl; first exact: exp_pos1.
exact: (near_add_sound (near_int_sound R g 1) hx).
Qed.

Lemma smooth_sound g p e b q (v : R) : ball e b.2 b.1 v -> smooth g p e b = Some q ->
  is_near g q (pointwise_meaning p v).
Proof.
move=> hb; have hx := near_of_sound g hb; case: p => //=.
- by move=> n d; exact: near_elu_sound.
- exact: near_sigmoid_sound.
- exact: near_tanh_sound.
- exact: near_softplus_sound.
- case hs: near_sigmoid => [y|] //= [<-]; have := near_sigmoid_sound hb hs; rewrite mul1r.
  exact: near_mul_sound.
- by case=> <-; exact: near_hard_sigmoid_sound.
- by case=> <-; apply: near_mul_sound => //; exact: near_hard_sigmoid_sound.
move=> n d m k; set inner := near_mul g (near_add _ _) _; case ht: near_tanh => [t|] //= [<-].
have hi : is_near g inner ((v + v ^+ 3 * rational R n d) * rational R m k).
  rewrite /inner; apply: near_mul_sound; last exact: near_rational_sound.
  apply: near_add_sound => //; apply: near_mul_sound; last exact: near_rational_sound.
  by rewrite exprSr expr2; apply: near_mul_sound => //; exact: near_mul_sound.
apply: near_mul_sound.
  apply: near_mul_sound => //; have := near_rational_sound R g 1 2.
  by rewrite /rational div1r -[pos_real R 2]/(int 2) (int_real_nat R 2).
apply: near_add_sound; first exact: near_int_sound.
exact: near_tanh_sound hi ht.
Qed.

(** ** Continuity *)
Lemma continuous_opp h : continuous_at x0 h -> continuous_at x0 (fun v => - h v).
Proof. by move=> ch; exact: continuousN. Qed.

Lemma continuous_exp h : continuous_at x0 h -> continuous_at x0 (fun v => expR (h v)).
Proof. by move=> ch; exact: (continuous_comp ch (@continuous_expR R _)). Qed.

Lemma continuous_inverse h : continuous_at x0 h -> h x0 != 0 -> continuous_at x0 (fun v => (h v)^-1).
Proof. by move=> ch h0; exact: (continuous_comp ch (inv_continuous h0)). Qed.

Lemma continuous_sigmoid h : continuous_at x0 h -> continuous_at x0 (fun v => (1 + expR (- h v))^-1).
Proof.
move=> ch; apply: continuous_inverse; last by rewrite gt_eqF // exp_pos1.
apply: continuous_add; first exact: continuous_const.
by apply: continuous_exp; exact: continuous_opp.
Qed.

Lemma continuous_tanh h : continuous_at x0 h -> continuous_at x0 (fun v => tanh (h v)).
Proof.
move=> ch; rewrite (_ : (fun v => _) = fun v => 1 + - ((1 + expR (h v + h v))^-1 + (1 + expR (h v + h v))^-1)).
  have ci : continuous_at x0 (fun v => (1 + expR (h v + h v))^-1).
    apply: continuous_inverse; last by rewrite gt_eqF // exp_pos1.
    by apply: continuous_add; [exact: continuous_const|apply: continuous_exp; exact: continuous_add].
  by apply: continuous_add; [exact: continuous_const|apply: (continuous_opp (h := fun v => _ + _)); exact: continuous_add].
by apply/funext => v; rewrite tanhE.
Qed.

Lemma continuous_hard_sigmoid h : continuous_at x0 h -> continuous_at x0 (fun v => hard_sigmoid (h v)).
Proof.
move=> ch; rewrite (_ : (fun v => _) = fun v => - Num.max (- Num.max (h v + 3%:R) 0) (- 6%:R) / 6%:R).
  apply: continuous_mul; last exact: continuous_const.
  apply: (continuous_opp (h := fun v => Num.max _ _)); apply: continuous_max; last exact: continuous_const.
  apply: (continuous_opp (h := fun v => Num.max _ _)); apply: continuous_max; last exact: continuous_const.
  by apply: continuous_add => //; exact: continuous_const.
by apply/funext => v; rewrite oppr_max !opprK.
Qed.

Lemma smooth_continuous g p e b q h : smooth g p e b = Some q -> continuous_at x0 h ->
  continuous_at x0 (fun v => pointwise_meaning p (h v)).
Proof.
case: p => //= [n d _ ch|_ ch|_ ch|_ ch|_ ch|_ ch|_ ch|n d m k _ ch].
- rewrite (_ : (fun v => _) = fun v => Num.max (h v) 0 + rational R n d * (expR (- Num.max (- h v) 0) + - 1)); last first.
    by apply/funext => v; rewrite eluE.
  have c0 : continuous_at x0 (fun=> 0 : R) by exact: continuous_const.
  apply: continuous_add; first exact: continuous_max.
  apply: continuous_mul; first exact: continuous_const.
  apply: continuous_add; last exact: continuous_const.
  by apply: continuous_exp; apply: continuous_opp; apply: continuous_max => //; exact: continuous_opp.
- by apply: continuous_mul; [exact: continuous_const|exact: continuous_sigmoid].
- exact: continuous_tanh.
- have ce : continuous_at x0 (fun v => 1 + expR (h v)).
    by apply: continuous_add; [exact: continuous_const|exact: continuous_exp].
  exact: (continuous_comp ce (continuous_ln (exp_pos1 _))).
- by apply: continuous_mul => //; exact: continuous_sigmoid.
- exact: continuous_hard_sigmoid.
- by apply: continuous_mul => //; exact: continuous_hard_sigmoid.
apply: continuous_mul; first by apply: continuous_mul => //; exact: continuous_const.
apply: continuous_add; first exact: continuous_const.
apply: continuous_tanh; apply: continuous_mul; last exact: continuous_const.
apply: continuous_add => //; apply: continuous_mul; last exact: continuous_const.
rewrite (_ : (fun v => _) = fun v => h v * h v * h v); last by apply/funext => v; rewrite exprSr expr2.
by apply: continuous_mul => //; exact: continuous_mul.
Qed.

(** ** Of tensors *)
Lemma all_near_sound f x r ps : all_near f x r = Some ps ->
  size ps = size r /\ forall j, (j < size r)%nat ->
    f (f_exponent x) (nth 0%Z r j, f_radius x) = Some (nth (0, 0)%Z ps j).
Proof.
elim: r ps => [|z r ih] ps /=; first by case=> <-.
case hz: f => [p|] //; case: all_near ih => //= qs /(_ _ erefl) [sz ok] [<-] /=.
by rewrite sz; split=> // -[|j] hj //=; exact: ok.
Qed.

Lemma common_radius_sound g t (X : V -> tensor R) :
  (forall i en, look t i = Some en -> exists2 ps, en.2 = [seq p.1 | p <- ps] ++ [seq p.2 | p <- ps]
     & forall j, (j < size ps)%nat -> [/\ continuous_at x0 (fun v => X v (rcons i (N.of_nat j))),
         is_near g (nth (0, 0)%Z ps j) (X x0 (rcons i (N.of_nat j)))
       & \forall v \near x0, X v (rcons i (N.of_nat j)) = X v (rcons en.1 (N.of_nat j))]) ->
  holds X (common_radius g t).
Proof.
move=> ht; split=> [|i en] /=.
  rewrite PositiveMap.fold_1; elim/last_ind: (PositiveMap.elements _) => //= l a ih.
  rewrite -cats1 List.fold_left_app /=; move: (List.fold_left _ _ _) ih => m ih.
  by elim: (drop _ _) => //= z r; lia.
set top := PositiveMap.fold _ _ _; pose half (r : row) := (size r)./2.
move=> /(@look_map (fun r => if all (fun z => Z.leb z top) (drop (half r) r) then take (half r) r else [::])) [r hl er].
have [ps e ok] := ht _ _ hl; rewrite /= in e ok.
have eh : half r = size ps by rewrite /half e size_cat !size_map addnn doubleK.
move: er; rewrite eh e drop_size_cat ?size_map // take_size_cat ?size_map //.
case: ifP => [/(all_nthP 0%Z) le|_] er j; rewrite er // size_map => hj.
have [cont val near] := ok j hj; split=> //.
rewrite (nth_map (0, 0)%Z) //; have := le j; rewrite size_map (nth_map (0, 0)%Z) // => /(_ hj) /Z.leb_le.
by move=> small; exact: ball_weaken small val.
Qed.

Lemma smooth_value_sound g f (F : R -> R) s (X : V -> tensor R) x :
  (forall e b q v, ball e b.2 b.1 v -> f e b = Some q -> is_near g q (F v)) ->
  (forall e b q h, f e b = Some q -> continuous_at x0 h -> continuous_at x0 (fun v => F (h v))) ->
  holds X x -> holds (fun v i => F (X v i)) (smooth_value g f s x).
Proof.
move=> fF cF hX; apply: common_radius_sound; apply: look_tabulate => t m i en _ _.
case hk: look => [[m' r]|] //; case ha: all_near => [ps|] //= [<-]; exists ps => // j hj.
have [sz ok] := all_near_sound ha; have hj' : (j < size r)%nat by rewrite -sz.
have [cont val near _] := hX.2 _ _ hk j hj'; rewrite /= in cont val near.
have hf := ok j hj'; split.
- exact: (cF _ _ _ _ hf cont).
- exact: fF hf.
by apply: filterS near => v ->.
Qed.

Lemma smooth_layer_sound fraction p s (X : V -> tensor R) x : holds X x ->
  holds (fun v i => pointwise_meaning p (X v i)) (smooth_layer fraction p s x).
Proof.
move=> hX; apply: rounded_sound; apply: smooth_value_sound hX => e b q; last exact: smooth_continuous.
by move=> v; exact: smooth_sound.
Qed.
End Smooth.
