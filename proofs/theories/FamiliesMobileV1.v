(** * MobileNetV1, of any stages

    The network of [crates/zoo/src/mobilenet.rs], name by name: stages of
    depthwise convolutions, each with a convolution of single places after it,
    normalised, with ReLU6. For all stages, widths, strides, odd kernels, sizes
    of image and batches: the specification elaborates, what is emitted is the
    derivative of the loss off the kinks, and the kinks are a formula in the
    stages.

    Glossary
      - [separable]        a stage: how many blocks, stride of the first, features
      - [separable_block n i k st c]  block [k] of stage [i], on [c] channels, where
                           [n i k] blocks are before it; [separable_kinks n i k st]
                           its kinks
      - [before l]         how many blocks of the stages [l] are before one
      - [mobilenet_v1 l], [mobilenet_v1_kinks l]  the network; its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit FamiliesStages.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Record separable := Separable { d_blocks : nat; d_stride : N; d_features : N }.

Definition separable_fits (st : separable) : bool := N.ltb 0 (d_stride st) && N.ltb 0 (d_features st).
Lemma separable_pos st : separable_fits st -> 0 < d_stride st /\ 0 < d_features st.
Proof. by move=> /andP [/N.ltb_lt hs /N.ltb_lt hf]. Qed.

Definition before (l : seq separable) (i k : nat) : nat := (sumn (take i (map d_blocks l)) + k)%nat.

Local Notation size_after := (size_after d_blocks d_stride).

Section Mobilenet.
(** Name; image and channels; features of the stem; classes; kernel of the
    depthwise convolutions; rate of dropout; epsilon and momentum. *)
Variables (name : string) (h w c stem classes_ kernel : N) (drop_n : Z) (drop_d : positive).
Variables (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).
Notation batch_normalised := (batch_normalised eps eps_d mom mom_d).

(** The activations of a block, after that of the stem and two for each before. *)
Definition act_name (n j : nat) : string := numbered "relu6_" (2 + 2 * n + j).

Definition separable_block (n : nat -> nat -> nat) (i k : nat) (st : separable) (c : N) : seq (chain -> chain) :=
  let block := numbered2 "blocks." i "." k in
  [:: conv c (around kernel (stride_of d_stride st k)) c false (block ++ ".conv_dw");
      batch_normalised (block ++ ".bn1"); relu6 (act_name (n i k) 0);
      conv (d_features st) (around 1 1) 1 false (block ++ ".conv_pw");
      batch_normalised (block ++ ".bn2"); relu6 (act_name (n i k) 1)].
Definition separable_kinks (n : nat -> nat -> nat) (i k : nat) (_ : separable) : seq kink :=
  (relu6_kinks (act_name (n i k) 0) ++ relu6_kinks (act_name (n i k) 1))%SEQ.

Definition mobilenet_v1 (l : seq separable) : spec := Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn
    ([:: conv stem (around 3 2) 1 false "conv_stem"; batch_normalised "bn1"; relu6 "relu6_1"]
     ++ stages_from d_blocks d_features (separable_block (before l)) 0 l stem
     ++ [:: Next "global_avg_pool_1" Layer.GlobalAvgPool;
            Next "dropout_1" (Layer.Dropout drop_n drop_d);
            Next "classifier" (Layer.Dense classes_ true)])%SEQ).

Definition mobilenet_v1_kinks (l : seq separable) : seq kink :=
  (relu6_kinks "relu6_1" ++ stages_kinks d_blocks (separable_kinks (before l)) 0 l)%SEQ.

Variable batch : N.
Hypotheses (hb : 0 < batch) (heps : Z.ltb 0 eps) (hkernel : N.odd kernel).
Notation many := (many batch).

Lemma separable_leads n i j st p q k (s := stride_of d_stride st j) : separable_fits st ->
  0 < p -> 0 < q -> 0 < k -> many (strided s p) (strided s q) ->
  leads_by batch (separable_kinks n i j st) (separable_block n i j st k)
    [:: p; q; k] [:: strided s p; strided s q; d_features st].
Proof.
move=> /separable_pos [hst hf] hp hq hk hm.
have hs : 0 < s by rewrite /s /stride_of; case: (j).
have one m : Layer.divides 1 m := one_divides m.
have [sp sq] := (strided_pos s p, strided_pos s q).
rewrite /separable_block /separable_kinks -/s.
apply: leads_cons; first by apply: conv_leads => //; exact: divides_itself.
apply: leads_cons; first by apply: batch_normalised_leads.
apply: relu6_leads; apply: leads_cons; first by apply: conv1_leads.
apply: leads_cons; first by apply: batch_normalised_leads.
by rewrite -[relu6_kinks _]cats0; apply: relu6_leads; exact: leads_nil.
Qed.

Hypotheses (hh : 0 < h) (hw : 0 < w) (hc : 0 < c) (hstem : 0 < stem) (hclasses : 0 < classes_).

Theorem mobilenet_v1_gradient l : all separable_fits l ->
  1 < batch * (foldl size_after (strided 2 h) l * foldl size_after (strided 2 w) l) ->
  forall (R : realType) (other : env R) (θ : θ_space R (mobilenet_v1 l)),
  off_kinks (Options batch Steps.Grad) (mobilenet_v1_kinks l) other θ ->
  is_gradient (fun θ => loss_at (mobilenet_v1 l) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> fits hm R other θ; have one n : Layer.divides 1 n := one_divides n.
have [h1 w1] := (strided_pos 2 h, strided_pos 2 w).
have [p1 p2] := sizes_le d_blocks separable_pos fits h1; have [q1 q2] := sizes_le d_blocks separable_pos fits w1.
apply: (@chain_gradient (mobilenet_v1 l) batch classes_ _ erefl hb _ hclasses _ R other θ).
  have [ls f1] := stages_lead separable_pos (separable_leads (before l)) 0 fits h1 w1 hstem hm.
  apply: leads_in_turn; apply: leads_cons; first by apply: conv_leads.
  apply: leads_cons; first by apply: batch_normalised_leads => //; exact: many_le hm.
  apply: relu6_leads; apply: (leads_before ls); apply: leads_layer (average_fits _ _ p1 q1) _ _ => //.
  apply: leads_layer (dropout_fits _ _ _ _) _ _ => //.
  by apply: leads_one => //; exact: dense_fits.
apply: (first_param (net := mobilenet_v1 l)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(3 * (3 * (c / 1 * (stem * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Mobilenet.
