(** * The instructions of a loss compute its meaning

    And they are off their kinks, wherever they run. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir Index Denote Grad Moments Smooth Computes SpecLayer SpecLoss.
From Cotangent Require Import MeaningLoss NormsSound RaiseLinear RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Add Ring real_ring : (real_ring R).
Implicit Types (e : env R).

Lemma cross_entropy_eqt s (z z' y y' : tensor R) : Loss.fits s -> eqt s z z' -> eqt s y y' ->
  cross_entropy s z y = cross_entropy s z' y'.
Proof.
move=> ok hz hy.
pose e (z y : tensor R) : env R := fun k => if N.eqb k 0 then z else y.
apply: (@den_eqt R (SoftmaxCrossEntropy s 0 1) (e z y) (e z' y') ok _ [::]) => // a.
by rewrite !inE => /orP [] /eqP ->.
Qed.

(** ** The mean of all elements *)

Lemma kept_none s : kept s (first_dims (size s)) = [::].
Proof.
apply/eqP; rewrite -(negbK (_ == _)) -has_filter; apply/hasPn => d hd.
by rewrite negbK.
Qed.

Lemma average_eqt s (x x' : tensor R) : eqt s x x' -> average s x = average s x'.
Proof. by move=> h; rewrite /average !big_seq; congr (_ / _); apply: eq_bigr. Qed.

Lemma count_all s : number R s (first_dims (size s)) = int_real R (Z.of_N (size_of s)).
Proof. by rewrite /number pick_first_dims. Qed.

Lemma mean_of_all_sound s x k e : computes e (Loss.mean_of_all s x k) ->
  e (k + 2)%num [::] = average s (e x).
Proof.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _].
rewrite h2 [LHS]/= h0 h1 den_total_over den_mean_count count_all kept_none.
by congr (_ / _); apply: eq_bigl => j.
Qed.

Lemma size_of_gt0 s : all (N.ltb 0) s -> (0 < size_of s)%num.
Proof.
elim: s => //= n s ih /andP [/N.ltb_lt hn /ih hs]; exact: N.mul_pos_pos.
Qed.

Lemma mean_of_all_smooth (V : normedModType R) (x0 : V) (E : V -> env R) s x k : all (N.ltb 0) s ->
  (forall v, computes (E v) (Loss.mean_of_all s x k)) -> smooth_in x0 E (Loss.mean_of_all s x k).
Proof.
move=> pos /(_ x0) /computes_cons [_] /computes_cons [h1 _] d o /=.
case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|//] i _ /=.
rewrite h1 den_mean_count count_all; have := size_of_gt0 pos.
by case: (size_of s) => // p _; rewrite gt_eqF //= pos_real_gt0.
Qed.

(** ** Binary cross-entropy *)

Lemma softplus_sigmoid (y z : R) :
  ln (1 + expR z) - y * z = - (y * ln (sigmoid z) + (1 - y) * ln (1 - sigmoid z)).
Proof.
have pos x : 1 + expR x \in Num.pos by rewrite posrE addr_gt0 ?ltr01 ?expR_gt0.
have posE x : expR x \in Num.pos by rewrite posrE expR_gt0.
have hz : ln (1 + expR z) = z + ln (1 + expR (- z)).
  rewrite -{2}[z]expK -lnM ?posE ?pos //; congr ln.
  by rewrite mulrDr mulr1 expRxMexpNx_1 addrC.
have h1 : ln (sigmoid z) = - ln (1 + expR (- z)) by rewrite /sigmoid div1r lnV ?pos.
have h2 : ln (1 - sigmoid z) = - z - ln (1 + expR (- z)).
  rewrite -[X in X - ln _ ]expK -ln_div ?pos ?posE //; congr ln; rewrite /sigmoid.
  have ne : 1 + expR (- z) != 0 by rewrite lt0r_neq0 // -posrE pos.
  by rewrite -{1}(divff ne) -mulrBl addrAC subrr add0r.
rewrite h1 h2 hz; move: (ln _) => l; reals R.
Qed.

(** ** All losses *)

(** What a loss depends on. *)
Lemma loss_meaning_eqt l s (z z' y : tensor R) : Loss.fits s -> eqt s z z' ->
  loss_meaning l s z y = loss_meaning l s z' y.
Proof.
case: l => ok h; first exact: cross_entropy_eqt.
  by apply: average_eqt => i hi; rewrite h.
by apply: average_eqt => i hi; rewrite h.
Qed.

Lemma emitted_loss_sound l s z y k e : computes e (Loss.emit l s z y k) ->
  e (N.pred (next_id k (Loss.emit l s z y k))) [::] = loss_meaning l s (e z) (e y).
Proof.
case: l => /=.
- by move=> /computes_cons [h _]; rewrite (last_at (n := 0)) //= N.add_0_r h.
- move=> /computes_cons [h0] /computes_cons [h1] /mean_of_all_sound h.
  rewrite (last_at (n := 4)) //= (_ : k + 4 = k + 2 + 2)%num; last by lia.
  by rewrite h; apply: average_eqt => i _; rewrite h1 /= h0 /= expr2.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /mean_of_all_sound h.
rewrite (last_at (n := 5)) //= (_ : k + 5 = k + 3 + 2)%num; last by lia.
by rewrite h; apply: average_eqt => i _; rewrite h2 /= h0 h1 /= softplus_sigmoid.
Qed.

(** The last instruction gives the loss, a scalar. *)
Lemma emitted_loss_shape l s z y k sh :
  shrun (Loss.emit l s z y k) sh (N.pred (next_id k (Loss.emit l s z y k))) = [::].
Proof.
case: l; rewrite /shrun.
- by rewrite (last_at (n := 0)) //= N.add_0_r updE.
- by rewrite (last_at (n := 4)) //= (_ : k + 4 = k + 2 + 2)%num ?updE //; lia.
by rewrite (last_at (n := 5)) //= (_ : k + 5 = k + 3 + 2)%num ?updE //; lia.
Qed.

Lemma emitted_loss_smooth (V : normedModType R) (x0 : V) (E : V -> env R) l s z y k : Loss.fits s ->
  (forall v, computes (E v) (Loss.emit l s z y k)) -> smooth_in x0 E (Loss.emit l s z y k).
Proof.
case: l => /andP [ok _] hc; first by move=> d o /= [[_ <-]|].
  apply: smooth_in_cat; first by move=> d o /= [[_ <-]|[[_ <-]|]].
  by apply: mean_of_all_smooth => // v; have [] := computes_cat (hc v).
apply: smooth_in_cat; first by move=> d o /= [[_ <-]|[[_ <-]|[[_ <-]|]]].
by apply: mean_of_all_smooth => // v; have [] := computes_cat (hc v).
Qed.
End Sound.
