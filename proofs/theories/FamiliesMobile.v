(** * MobileNetV2, of any stages

    The network of [crates/zoo/src/mobilenet.rs], name by name: stages of
    inverted residuals with ReLU6, of which those that keep the shape are added
    to what comes in. For all stages, widths, strides, expansions, odd kernels,
    sizes of image and batches: the specification elaborates, what is emitted is
    the derivative of the loss off the kinks, and the kinks are a formula in the
    stages.

    Glossary
      - [inverted]         a stage: how many blocks, stride of the first,
                           expansion, features
      - [inverted_body]    a block without what is around it
      - [inverted_block i k st c]  block [k] of stage [i], on [c] channels;
                           [inverted_kinks i k st] its kinks
      - [mobilenet_v2 l], [mobilenet_v2_kinks l]  the network; its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit FamiliesStages.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Record inverted := Inverted { i_blocks : nat; i_stride : N; i_expansion : N; i_features : N }.

Definition inverted_fits (st : inverted) : bool :=
  [&& N.ltb 0 (i_stride st), N.ltb 0 (i_expansion st) & N.ltb 0 (i_features st)].
Lemma inverted_pos st : inverted_fits st -> 0 < i_stride st /\ 0 < i_features st.
Proof. by move=> /and3P [/N.ltb_lt hs _ /N.ltb_lt hf]. Qed.

Definition expands (st : inverted) : bool := ~~ N.eqb (i_expansion st) 1.

Local Notation size_after := (size_after i_blocks i_stride).

Section Mobilenet.
(** Name; image and channels; features of the stem and before the mean; classes;
    kernel of the depthwise convolutions; rate of dropout; epsilon and momentum. *)
Variables (name : string) (h w c stem features classes_ kernel : N) (drop_n : Z) (drop_d : positive).
Variables (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).
Notation batch_normalised := (batch_normalised eps eps_d mom mom_d).

Definition inverted_body (block : string) (st : inverted) (s c : N) : seq (chain -> chain) :=
  let hidden := c * i_expansion st in
  let bn k := numbered (block ++ ".bn") (expands st + k) in
  ((if expands st then
      [:: conv hidden (around 1 1) 1 false (block ++ ".conv_pw");
          batch_normalised (block ++ ".bn1"); relu6 (block ++ ".relu6_1")]
    else [::])
   ++ [:: conv hidden (around kernel s) hidden false (block ++ ".conv_dw");
          batch_normalised (bn 1%nat); relu6 (numbered (block ++ ".relu6_") (expands st + 1));
          conv (i_features st) (around 1 1) 1 false (block ++ (if expands st then ".conv_pwl" else ".conv_pw"));
          batch_normalised (bn 2%nat)])%SEQ.

Definition inverted_block (i k : nat) (st : inverted) (c : N) : seq (chain -> chain) :=
  let block := numbered2 "blocks." i "." k in let s := stride_of i_stride st k in
  let body := inverted_body block st s c in
  if N.eqb s 1 && N.eqb c (i_features st) then residual block body else body.

Definition inverted_kinks (i k : nat) (st : inverted) : seq kink :=
  let block := numbered2 "blocks." i "." k in
  ((if expands st then relu6_kinks (block ++ ".relu6_1") else [::])
   ++ relu6_kinks (numbered (block ++ ".relu6_") (expands st + 1)))%SEQ.

Definition mobilenet_v2 (l : seq inverted) : spec := Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn
    ([:: conv stem (around 3 2) 1 false "conv_stem"; batch_normalised "bn1"; relu6 "relu6_1"]
     ++ stages_from i_blocks i_features inverted_block 0 l stem
     ++ [:: conv features (around 1 1) 1 false "conv_head"; batch_normalised "bn2"; relu6 "relu6_2";
            Next "global_avg_pool_1" Layer.GlobalAvgPool;
            Next "dropout_1" (Layer.Dropout drop_n drop_d);
            Next "classifier" (Layer.Dense classes_ true)])%SEQ).

Definition mobilenet_v2_kinks (l : seq inverted) : seq kink :=
  (relu6_kinks "relu6_1" ++ stages_kinks i_blocks inverted_kinks 0 l ++ relu6_kinks "relu6_2")%SEQ.

Variable batch : N.
Hypotheses (hb : 0 < batch) (heps : Z.ltb 0 eps) (hkernel : N.odd kernel).
Notation many := (many batch).

Lemma inverted_body_leads i j st p q k (s := stride_of i_stride st j) : inverted_fits st ->
  0 < p -> 0 < q -> 0 < k -> many (strided s p) (strided s q) ->
  leads_by batch (inverted_kinks i j st) (inverted_body (numbered2 "blocks." i "." j) st s k)
    [:: p; q; k] [:: strided s p; strided s q; i_features st].
Proof.
move=> /and3P [/N.ltb_lt hst /N.ltb_lt he /N.ltb_lt hf] hp hq hk hm.
have hs : 0 < s by rewrite /s /stride_of; case: (j).
have one n : Layer.divides 1 n := one_divides n.
have [sp sq] := (strided_pos s p, strided_pos s q).
have before : many p q := many_le (strided_le hs hp) (strided_le hs hq) hm.
rewrite /inverted_body /inverted_kinks; set hidden := k * i_expansion st.
have hh : 0 < hidden by exact: N.mul_pos_pos.
apply: (@leads_by_cat _ _ _ _ _ _ [:: p; q; hidden]).
  rewrite /expands; case: N.eqb_spec => [e|_] /=; first by rewrite /hidden e N.mul_1_r; exact: leads_nil.
  apply: leads_cons; first by apply: conv1_leads.
  apply: leads_cons; first by apply: batch_normalised_leads.
  by rewrite -[relu6_kinks _]cats0; apply: relu6_leads; exact: leads_nil.
apply: leads_cons; first by apply: conv_leads => //; exact: divides_itself.
apply: leads_cons; first by apply: batch_normalised_leads.
rewrite -[relu6_kinks _]cats0; apply: relu6_leads.
apply: leads_cons; first by apply: conv1_leads.
exact: batch_normalised_leads.
Qed.

Lemma inverted_leads i j st p q k (s := stride_of i_stride st j) : inverted_fits st ->
  0 < p -> 0 < q -> 0 < k -> many (strided s p) (strided s q) ->
  leads_by batch (inverted_kinks i j st) (inverted_block i j st k)
    [:: p; q; k] [:: strided s p; strided s q; i_features st].
Proof.
move=> fit hp hq hk hm; have := inverted_body_leads i fit hp hq hk hm; rewrite -/s => lb.
rewrite /inverted_block -/s; case: ifP => [/andP [/N.eqb_eq e1 /N.eqb_eq ek]|//].
by move: lb; rewrite e1 !strided1 // -ek => lb; exact: leads_residual.
Qed.

Hypotheses (hh : 0 < h) (hw : 0 < w) (hc : 0 < c) (hstem : 0 < stem) (hfeatures : 0 < features).
Hypothesis hclasses : 0 < classes_.

Theorem mobilenet_v2_gradient l : all inverted_fits l ->
  1 < batch * (foldl size_after (strided 2 h) l * foldl size_after (strided 2 w) l) ->
  forall (R : realType) (other : env R) (θ : θ_space R (mobilenet_v2 l)),
  off_kinks (Options batch Steps.Grad) (mobilenet_v2_kinks l) other θ ->
  is_gradient (fun θ => loss_at (mobilenet_v2 l) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> fits hm R other θ; have one n : Layer.divides 1 n := one_divides n.
have [h1 w1] := (strided_pos 2 h, strided_pos 2 w).
have [p1 p2] := sizes_le i_blocks inverted_pos fits h1; have [q1 q2] := sizes_le i_blocks inverted_pos fits w1.
apply: (@chain_gradient (mobilenet_v2 l) batch classes_ _ erefl hb _ hclasses _ R other θ).
  have [ls f1] := stages_lead inverted_pos inverted_leads 0 fits h1 w1 hstem hm.
  apply: leads_in_turn; apply: leads_cons; first by apply: conv_leads.
  apply: leads_cons; first by apply: batch_normalised_leads => //; exact: many_le hm.
  apply: relu6_leads; apply: (leads_by_cat ls).
  apply: leads_cons; first by apply: conv1_leads.
  apply: leads_cons; first by apply: batch_normalised_leads.
  rewrite -[relu6_kinks _]cats0; apply: relu6_leads; apply: leads_layer (average_fits _ _ p1 q1) _ _ => //.
  apply: leads_layer (dropout_fits _ _ _ _) _ _ => //.
  by apply: leads_one => //; exact: dense_fits.
apply: (first_param (net := mobilenet_v2 l)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(3 * (3 * (c / 1 * (stem * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Mobilenet.
