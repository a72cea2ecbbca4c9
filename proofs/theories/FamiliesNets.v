(** * A residual perceptron, of any depth

    For every depth, all widths, every batch: the specification elaborates, the
    emitted gradient is the derivative of the loss off the kinks, and the kinks
    are a formula in the depth. Nothing is computed.

    Glossary
      - [residual_mlp], [mlp_kinks]  the network; its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String DecimalString.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness Families FamiliesLayers.
From Cotangent Require Export FamiliesParts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

(** ** Stacks *)
Section Stack.
Variables (block : nat -> chain -> chain) (n : nat) (rest : chain) (s : shape).
Hypothesis keeps : forall i c, output_shape (block i c) [::] s = output_shape c [::] s.

Lemma stack_output : output_shape (stack block n rest) [::] s = output_shape rest [::] s.
Proof. by rewrite /stack; elim: (iota 0 n) => //= i l <-. Qed.

Lemma stack_fits batch : (forall i c, chain_fits batch c [::] s -> chain_fits batch (block i c) [::] s) ->
  chain_fits batch rest [::] s -> chain_fits batch (stack block n rest) [::] s.
Proof. by move=> h hr; rewrite /stack; elim: (iota 0 n) => //= i l; exact: h. Qed.

Lemma stack_kinks ks : (forall i c, kinks_in (block i c) = (ks i ++ kinks_in c)%SEQ) ->
  kinks_in (stack block n rest) = (flatten [seq ks i | i <- iota 0 n] ++ kinks_in rest)%SEQ.
Proof. by move=> h; rewrite /stack; elim: (iota 0 n) => //= i l ih; rewrite h ih catA. Qed.
End Stack.

Section Plus.
Variables (name : string) (a rest : chain) (s : shape).
Hypothesis keeps : output_shape a [::] s = Some s.

Lemma plus_output : output_shape (plus name a rest) [::] s = output_shape rest [::] s.
Proof.
have [e _] := merge_fits Sum 1 1 s; rewrite /plus [LHS]/= keeps.
by rewrite -[LHS]/(obind (output_shape rest [::]) (joined_shape Sum (nseq 2 s))) e.
Qed.

Lemma plus_fits batch : chain_fits batch a [::] s -> chain_fits batch rest [::] s ->
  chain_fits batch (plus name a rest) [::] s.
Proof.
move=> fa fr; split=> //; exists s; split=> //; split=> //; exists s; split=> //.
by exists s; split=> //; exact: (merge_fits Sum batch 1 s).
Qed.
End Plus.

(** At least the first parameter has entries. *)
Lemma first_param name s c net : net_params net = (name, s) :: c -> 0 < size_of s ->
  0 < total (numbered_params net).
Proof. by rewrite /numbered_params => -> /=; lia. Qed.

(** ** A residual perceptron *)
Section Perceptron.
Variables (features width hidden classes_ : N).

Definition mlp_block (i : nat) : chain -> chain := plus (numbered "block" i)
  (in_turn [:: Next (numbered "up" i) (Layer.Dense hidden true); Next (numbered "relu" i) Layer.Relu;
               Next (numbered "down" i) (Layer.Dense width true)]).
Definition residual_mlp (depth : nat) : spec := Spec "residual_mlp" [:: features] Loss.SoftmaxCrossEntropy
  (Next "input" (Layer.Dense width true)
    (stack mlp_block depth (Next "output" (Layer.Dense classes_ true) End))).

Definition mlp_kinks (depth : nat) : seq kink :=
  [seq KinkAt (numbered "relu" i) "relu" 0 | i <- iota 0 depth].

Lemma residual_mlp_kinks depth : kinks_of (residual_mlp depth) = mlp_kinks depth.
Proof.
rewrite /kinks_of /= (@stack_kinks _ _ _ (fun i => [:: KinkAt (numbered "relu" i) "relu" 0])) //=.
by rewrite cats0 /mlp_kinks; elim: (iota 0 depth) => //= i l ->.
Qed.

Theorem residual_mlp_gradient depth batch : 0 < features -> 0 < width -> 0 < classes_ -> 0 < batch ->
  forall (R : realType) (other : env R) (θ : θ_space R (residual_mlp depth)),
  off_kinks (Options batch Steps.Grad) (mlp_kinks depth) other θ ->
  is_gradient (fun θ => loss_at (residual_mlp depth) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> hf hw hc hb R other θ; rewrite -residual_mlp_kinks.
apply: (@net_gradient (residual_mlp depth) batch classes_ erefl hb _ _ hc _ R other θ).
- exists [:: width]; split; first exact: dense_fits.
  apply: stack_fits => [i c h|]; last by exists [:: classes_]; split; first exact: dense_fits.
  apply: plus_fits => //.
  exists [:: hidden]; split; first exact: dense_fits.
  exists [:: hidden]; split; first exact: pointwise_fits.
  by exists [:: width]; split; first exact: dense_fits.
- by rewrite /= (stack_output depth) // => i c; exact: plus_output.
apply: (first_param (net := residual_mlp depth)); first by rewrite /net_params /params_in /=; reflexivity.
by rewrite -[size_of _]/(features * (width * 1)) N.mul_1_r; exact: N.mul_pos_pos.
Qed.
End Perceptron.
