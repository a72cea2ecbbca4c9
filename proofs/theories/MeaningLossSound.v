(** * The instructions of a loss compute its meaning

    And they are off their kinks, wherever they run. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir Index Denote Grad Smooth Computes SpecLayer SpecLoss MeaningLoss NormsSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Implicit Types (e : env R).

Lemma cross_entropy_eqt s (z z' y y' : tensor R) : Loss.fits s -> eqt s z z' -> eqt s y y' ->
  cross_entropy s z y = cross_entropy s z' y'.
Proof.
move=> ok hz hy.
pose e (z y : tensor R) : env R := fun k => if N.eqb k 0 then z else y.
apply: (@den_eqt R (SoftmaxCrossEntropy s 0 1) (e z y) (e z' y') ok _ [::]) => // a.
by rewrite !inE => /orP [] /eqP ->.
Qed.

(** What a loss depends on. *)
Lemma loss_meaning_eqt l s (z z' y : tensor R) : Loss.fits s -> eqt s z z' ->
  loss_meaning l s z y = loss_meaning l s z' y.
Proof. by case: l => ok h; exact: cross_entropy_eqt. Qed.

Lemma emitted_loss_sound l s z y k e : computes e (Loss.emit l s z y k) ->
  e (N.pred (next_id k (Loss.emit l s z y k))) [::] = loss_meaning l s (e z) (e y).
Proof.
case: l => /=.
by move=> /computes_cons [h _]; rewrite (last_at (n := 0)) //= N.add_0_r h.
Qed.

(** The last instruction gives the loss, a scalar. *)
Lemma emitted_loss_shape l s z y k sh :
  shrun (Loss.emit l s z y k) sh (N.pred (next_id k (Loss.emit l s z y k))) = [::].
Proof. by case: l; rewrite (last_at (n := 0)) //= N.add_0_r /shrun /= updE. Qed.

Lemma emitted_loss_smooth (V : normedModType R) (x0 : V) (E : V -> env R) l s z y k : Loss.fits s ->
  (forall v, computes (E v) (Loss.emit l s z y k)) -> smooth_in x0 E (Loss.emit l s z y k).
Proof. by case: l => ok hc d o /= [[_ <-]|]. Qed.
End Sound.
