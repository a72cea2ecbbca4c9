(** * EfficientNet, of any stages

    The networks of [crates/zoo/src/efficientnet.rs], name by name: stages of
    inverted residuals with SiLU and squeeze-and-excitation, or, in the second
    version, of such whose expansion and depthwise convolution are one. For all
    stages, widths, odd kernels, strides, expansions, rates, sizes of image and
    batches: the specification elaborates, and what is emitted is the derivative
    of the loss, everywhere. There are no kinks.

    Glossary
      - [stage]            whether its blocks are fused, how many; kernel, stride
                           of the first, expansion, features
      - [squeeze_excite]   channels times a gate, from their means
      - [mb_body], [fused_body]  a block without what is around it
      - [mb_block i k st c]  block [k] of stage [i], on [c] channels
      - [efficientnet l]   the network *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit FamiliesStages.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Record stage := Stage {
  s_fused : bool; s_blocks : nat; s_kernel : N; s_stride : N; s_expansion : N; s_features : N }.

Definition stage_fits (st : stage) : bool :=
  [&& N.odd (s_kernel st), N.ltb 0 (s_stride st), N.ltb 0 (s_expansion st) & N.ltb 0 (s_features st)].

Lemma stage_pos st : stage_fits st -> 0 < s_stride st /\ 0 < s_features st.
Proof. by move=> /and4P [_ /N.ltb_lt hs _ /N.ltb_lt hf]. Qed.

Local Notation size_after := (size_after s_blocks s_stride).

Section Efficientnet.
(** Name; image and channels; features of the stem and before the mean; classes;
    features between the two layers of a squeeze-and-excitation, for so many
    channels; rates of stochastic depth and of dropout; epsilon and momentum. *)
Variables (name : string) (h w c stem features classes_ : N) (squeezed : N -> N).
Variables (rate : nat -> nat -> option (Z * positive)) (drop_n : Z) (drop_d : positive).
Variables (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).

Notation batch_normalised := (batch_normalised eps eps_d mom mom_d).

Definition squeeze_excite (se : string) (c reduced : N) : seq (chain -> chain) := gated se
  [:: Next (se ++ ".branch2_global_avg_pool_1") (Token.Average true);
      conv reduced (around 1 1) 1 true (se ++ ".conv_reduce");
      silu (se ++ ".branch2_silu_1");
      conv c (around 1 1) 1 true (se ++ ".conv_expand");
      Next (se ++ ".branch2_sigmoid_1") Layer.Sigmoid].

Definition mb_body (block : string) (st : stage) (s c : N) : seq (chain -> chain) :=
  let hidden := c * s_expansion st in let expands := ~~ N.eqb (s_expansion st) 1 in
  let bn k := numbered (block ++ ".bn") (expands + k) in
  ((if expands then
      [:: conv hidden (around 1 1) 1 false (block ++ ".conv_pw");
          batch_normalised (block ++ ".bn1"); silu (block ++ ".silu_1")]
    else [::])
   ++ [:: conv hidden (around (s_kernel st) s) hidden false (block ++ ".conv_dw");
          batch_normalised (bn 1%nat); silu (numbered (block ++ ".silu_") (expands + 1))]
   ++ squeeze_excite (block ++ ".se") hidden (squeezed c)
   ++ [:: conv (s_features st) (around 1 1) 1 false (block ++ (if expands then ".conv_pwl" else ".conv_pw"));
          batch_normalised (bn 2%nat)])%SEQ.

Definition fused_body (block : string) (st : stage) (s c : N) : seq (chain -> chain) :=
  let spread f conv_name :=
    [:: conv f (around (s_kernel st) s) 1 false (block ++ conv_name);
        batch_normalised (block ++ ".bn1"); silu (block ++ ".silu_1")] in
  if N.eqb (s_expansion st) 1 then spread (s_features st) ".conv" else
    (spread (c * s_expansion st) ".conv_exp"
     ++ [:: conv (s_features st) (around 1 1) 1 false (block ++ ".conv_pwl");
            batch_normalised (block ++ ".bn2")])%SEQ.

Definition mb_block (i k : nat) (st : stage) (c : N) : seq (chain -> chain) :=
  let block := numbered2 "blocks." i "." k in
  let s := if k is 0%nat then s_stride st else 1 in
  let body := (if s_fused st then fused_body else mb_body) block st s c in
  if N.eqb s 1 && N.eqb c (s_features st)
  then residual block (body ++ dropped (rate i k) (block ++ ".drop_path")) else body.

Definition efficientnet (l : seq stage) : spec := Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn
    ([:: conv stem (around 3 2) 1 false "conv_stem"; batch_normalised "bn1"; silu "silu_1"]
     ++ stages_from s_blocks s_features mb_block 0 l stem
     ++ [:: conv features (around 1 1) 1 false "conv_head"; batch_normalised "bn2"; silu "silu_2";
            Next "global_avg_pool_1" Layer.GlobalAvgPool;
            Next "dropout_1" (Layer.Dropout drop_n drop_d);
            Next "classifier" (Layer.Dense classes_ true)])%SEQ).

Variable batch : N.
Hypotheses (hb : 0 < batch) (heps : Z.ltb 0 eps).

Notation many := (many batch).

Lemma squeeze_excite_leads se r p q f : 0 < p -> 0 < q -> 0 < f ->
  leads batch (squeeze_excite se f r) [:: p; q; f] [:: p; q; f].
Proof.
move=> hp hq hf; apply: leads_gated.
apply: leads_cons; first by apply: leads_one => //; exact: average_keep_fits (filled_image hb hp hq hf).
apply: leads_cons; first by apply: conv1_leads => //; exact: one_divides.
apply: pointwise_leads => //.
apply: leads_cons; first by apply: conv1_leads => //; exact: one_divides.
by apply: pointwise_leads => //; exact: leads_nil.
Qed.

Section Block.
Variables (st : stage) (s p q k : N) (block : string).
Hypotheses (fit : stage_fits st) (hs : 0 < s) (hp : 0 < p) (hq : 0 < q) (hk : 0 < k).
Hypothesis hm : many (strided s p) (strided s q).

Let sp := strided_pos s p.
Let sq := strided_pos s q.
Let before : many p q := many_le (strided_le hs hp) (strided_le hs hq) hm.

Lemma fused_body_leads : leads batch (fused_body block st s k) [:: p; q; k]
  [:: strided s p; strided s q; s_features st].
Proof.
have [ok _ /N.ltb_lt he /N.ltb_lt hf] := and4P fit.
have hh : 0 < k * s_expansion st by exact: N.mul_pos_pos.
have one n : Layer.divides 1 n := one_divides n.
have spread f n : 0 < f -> leads batch [:: conv f (around (s_kernel st) s) 1 false n;
    batch_normalised (block ++ ".bn1"); silu (block ++ ".silu_1")] [:: p; q; k] [:: strided s p; strided s q; f].
  move=> f0; apply: leads_cons; first by apply: conv_leads.
  apply: leads_cons; first by apply: batch_normalised_leads.
  by apply: pointwise_leads => //; exact: leads_nil.
rewrite /fused_body; case: ifP => _; first exact: spread.
apply: (leads_cat (spread _ _ hh)); apply: leads_cons; first by apply: conv1_leads.
exact: batch_normalised_leads.
Qed.

Lemma mb_body_leads : leads batch (mb_body block st s k) [:: p; q; k]
  [:: strided s p; strided s q; s_features st].
Proof.
have [ok _ /N.ltb_lt he /N.ltb_lt hf] := and4P fit.
have one n : Layer.divides 1 n := one_divides n.
rewrite /mb_body; set hidden := k * s_expansion st.
have hh : 0 < hidden by exact: N.mul_pos_pos.
apply: (@leads_cat _ _ _ _ _ [:: p; q; hidden]).
  case: N.eqb_spec => [e|_] /=; first by rewrite /hidden e N.mul_1_r; exact: leads_nil.
  apply: leads_cons; first by apply: conv1_leads.
  apply: leads_cons; first by apply: batch_normalised_leads.
  by apply: pointwise_leads => //; exact: leads_nil.
apply: leads_cons; first by apply: conv_leads => //; exact: divides_itself.
apply: leads_cons; first by apply: batch_normalised_leads.
apply: pointwise_leads => //.
apply: leads_cat; first by apply: squeeze_excite_leads.
apply: leads_cons; first by apply: conv1_leads.
exact: batch_normalised_leads.
Qed.
End Block.

Lemma mb_block_leads i j st p q k (s := stride_of s_stride st j) : stage_fits st ->
  0 < p -> 0 < q -> 0 < k -> many (strided s p) (strided s q) ->
  leads batch (mb_block i j st k) [:: p; q; k] [:: strided s p; strided s q; s_features st].
Proof.
move=> fit hp hq hk hm; have [_ /N.ltb_lt hst _ _] := and4P fit.
have hs : 0 < s by rewrite /s /stride_of; case: (j).
rewrite /mb_block -/(stride_of s_stride st j) -/s.
set block := numbered2 _ _ _ _; set body := (if s_fused st then _ else _) _ _ _ _.
have lb : leads batch body [:: p; q; k] [:: strided s p; strided s q; s_features st].
  by rewrite /body; case: (s_fused st); [exact: fused_body_leads | exact: mb_body_leads].
case: ifP => [/andP [/N.eqb_eq e1 /N.eqb_eq ek]|//].
move: lb; rewrite e1 !strided1 // -ek => lb.
by apply: leads_residual; apply: (leads_cat lb); apply: dropped_leads.
Qed.

Hypotheses (hh : 0 < h) (hw : 0 < w) (hc : 0 < c) (hstem : 0 < stem) (hfeatures : 0 < features).
Hypothesis hclasses : 0 < classes_.

Theorem efficientnet_gradient l : all stage_fits l ->
  1 < batch * (foldl size_after (strided 2 h) l * foldl size_after (strided 2 w) l) ->
  forall (R : realType) (other : env R) (θ : θ_space R (efficientnet l)),
  is_gradient (fun θ => loss_at (efficientnet l) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> fits hm R other θ; have one n : Layer.divides 1 n := one_divides n.
have [h1 w1] := (strided_pos 2 h, strided_pos 2 w).
have [p1 p2] := sizes_le s_blocks stage_pos fits h1; have [q1 q2] := sizes_le s_blocks stage_pos fits w1.
apply: (@smooth_gradient (efficientnet l) batch classes_ erefl hb _ hclasses _ R other θ).
  have [ls f1] :=
    stages_lead (kinks_of_block := fun _ _ _ => [::]) stage_pos mb_block_leads 0 fits h1 w1 hstem hm.
  rewrite no_stages_kinks // in ls.
  apply: leads_in_turn; apply: leads_cons; first by apply: conv_leads.
  apply: leads_cons; first by apply: batch_normalised_leads => //; exact: many_le hm.
  apply: pointwise_leads => //; apply: (leads_cat ls).
  apply: leads_cons; first by apply: conv1_leads.
  apply: leads_cons; first by apply: batch_normalised_leads.
  apply: pointwise_leads => //; apply: leads_layer (average_fits _ _ p1 q1) _ _ => //.
  apply: leads_layer (dropout_fits _ _ _ _) _ _ => //.
  by apply: leads_one => //; exact: dense_fits.
apply: (first_param (net := efficientnet l)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(3 * (3 * (c / 1 * (stem * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Efficientnet.
