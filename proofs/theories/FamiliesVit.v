(** * Vision transformers, of any depth

    The networks of [crates/zoo/src/vit.rs], name by name: an image in patches,
    a class token, positions, [depth] blocks of attention and a perceptron, each
    normalised before and added to what comes in, and a dense layer on the class
    token. For every depth, number of heads, width, size of image and patch,
    and batch: the specification elaborates, and what is emitted is the
    derivative of the loss, everywhere. There are no kinks.

    Glossary
      - [vit_block i]   block [i], of two residual branches
      - [vit depth]     the network *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Section Vit.
(** Name; image and channels; patch; features, heads, features within a block;
    classes; whether branches are scaled; epsilon; what stands for [sqrt (1 / 2)]. *)
Variables (name : string) (h w c ph pw features heads hidden classes_ : N) (scales : bool).
Variables (eps : Z) (eps_d : positive) (root : Z) (root_d : positive).

Definition vit_block (i : nat) : seq (chain -> chain) :=
  let block := numbered "blocks." i in
  (residual block
     ([:: normalised eps eps_d (block ++ ".norm1");
          Next (block ++ ".attn") (Layer.Attention heads false true)]
      ++ scaled scales (block ++ ".ls1"))
   ++ residual block
     ([:: normalised eps eps_d (block ++ ".norm2");
          Next (block ++ ".mlp.fc1") (Token.Dense hidden true);
          gelu root root_d (block ++ ".gelu_1");
          Next (block ++ ".mlp.fc2") (Token.Dense features true)]
      ++ scaled scales (block ++ ".ls2")))%SEQ.

Definition vit (depth : nat) : spec := Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn
    ([:: Next "patch_embed.proj" (Layer.Conv2d features (patch ph) (patch pw) 1 true);
         Next "patch_embed.reshape_1" (Token.Reshape [:: h / ph * (w / pw); features]);
         Next "cls_token" Token.Class;
         Next "pos_embed" Token.Position]
     ++ flatten [seq vit_block i | i <- iota 0 depth]
     ++ [:: normalised eps eps_d "norm";
            Next "select_token_1" (Token.Select 0);
            Next "head" (Layer.Dense classes_ true)])%SEQ).

Variable batch : N.
Hypotheses (hb : 0 < batch) (hc : 0 < c) (hclasses : 0 < classes_) (heps : Z.ltb 0 eps).
Hypotheses (hph : 0 < ph) (hh : ph <= h) (hpw : 0 < pw) (hw : pw <= w).
Hypothesis hheads : Attention.fits heads features.

Lemma features_pos : 0 < features.
Proof.
have [/N.ltb_lt h1 /N.ltb_lt h2 /N.eqb_eq e] := and3P hheads.
by rewrite -e; exact: N.mul_pos_pos.
Qed.

Lemma tokens_pos t : 0 < t -> filled [:: batch; t; features].
Proof. by move=> ht; rewrite /= !(proj2 (N.ltb_lt _ _)) //; exact: features_pos. Qed.

Lemma vit_block_leads i t : 0 < t -> leads batch (vit_block i) [:: t; features] [:: t; features].
Proof.
move=> /[dup] ht /tokens_pos pos; apply: leads_cat; apply: leads_residual.
  apply: leads_cons (normalised_leads _ _ heps _ pos) _ => //.
  apply: leads_layer (attention_fits _ _ hb ht hheads) _ _ => //.
  exact: scaled_leads.
apply: leads_cons (normalised_leads _ _ heps _ pos) _ => //.
apply: leads_layer (token_dense_fits _ _ _ _ _) _ _ => //.
apply: leads_layer (pointwise_fits _ _ _) _ _ => //.
apply: leads_layer (token_dense_fits _ _ _ _ _) _ _ => //.
exact: scaled_leads.
Qed.

Theorem vit_gradient depth (R : realType) (other : env R) (θ : θ_space R (vit depth)) :
  is_gradient (fun θ => loss_at (vit depth) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
pose t := h / ph * (w / pw).
have ht : 0 < t by apply: N.mul_pos_pos; exact: div_pos.
have [hf pos] := (features_pos, @tokens_pos (t + 1)).
apply: (@smooth_gradient (vit depth) batch classes_ erefl hb _ hclasses _ R other θ).
  apply: leads_in_turn; apply: leads_layer => //.
    apply: (conv_fits batch true (patch_fits hph hh) (patch_fits hpw hw) (one_divides c) (one_divides features)).
  rewrite !patch_places //; apply: leads_layer => //.
    by apply: reshape_fits; cbv [size_of foldr]; rewrite -N.mul_assoc.
  apply: leads_layer (class_fits _ _ _) _ _ => //; rewrite -/t.
  apply: leads_layer (position_fits _ _ _) _ _ => //.
  apply: (@leads_cat _ _ _ _ _ [:: t + 1; features]).
    by apply: leads_blocks => i; apply: vit_block_leads; lia.
  apply: leads_cons (normalised_leads _ _ heps _ _) _ => //; first by apply: pos; lia.
  apply: leads_layer => //; first by apply: select_fits; lia.
  by apply: leads_one => //; exact: dense_fits.
apply: (first_param (net := vit depth)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(ph * (pw * (c / 1 * (features * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Vit.
