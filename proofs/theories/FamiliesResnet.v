(** * ResNet, of any stages

    The networks of [crates/zoo/src/resnet.rs], and ResNet-20 of
    [crates/zoo/src/cifar.rs], name by name: stages of basic or bottleneck
    blocks, each added to what comes in, which is projected where the shape
    changes; before them a convolution, and a maximum pool or none. For all
    stages, widths, strides, expansions, odd kernels, sizes of image and
    batches: the specification elaborates, what is emitted is the derivative of
    the loss off the kinks, and the kinks are a formula in the stages.

    Glossary
      - [resnet_stage]     how many blocks, stride of the first, width
      - [stem]             features, kernel and stride of the first convolution;
                           kernel and stride of the pool, if there is one
      - [resnet_block]     basic, or a bottleneck, of which the output has so many
                           times the features of the width
      - [shortcut_of]      what comes in, projected where the shape changes
      - [resnet b st l], [resnet_kinks b st l]  the network; its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit FamiliesStages.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Inductive resnet_block := Basic | Bottleneck of N.
Record resnet_stage := Residuals { r_blocks : nat; r_stride : N; r_width : N }.
Record stem := Stem { t_features : N; t_kernel : N; t_stride : N; t_pool : option (N * N) }.

Definition expansion_of (b : resnet_block) : N := if b is Bottleneck e then e else 1.
Definition resnet_features (b : resnet_block) (st : resnet_stage) : N := r_width st * expansion_of b.

Definition stage_fits (st : resnet_stage) : bool := N.ltb 0 (r_stride st) && N.ltb 0 (r_width st).
Definition window_fits (k s : N) : bool := N.odd k && N.ltb 0 s.
Definition stem_fits (t : stem) : bool :=
  [&& N.ltb 0 (t_features t), window_fits (t_kernel t) (t_stride t)
    & if t_pool t is Some (k, s) then window_fits k s else true].

(** The size that the stem leaves of [n]. *)
Definition size_in (t : stem) (n : N) : N :=
  let m := strided (t_stride t) n in if t_pool t is Some (_, s) then strided s m else m.

Local Notation size_after := (size_after r_blocks r_stride).

Section Resnet.
(** Name; blocks; image and channels; classes; epsilon and momentum. *)
Variables (name : string) (b : resnet_block) (h w c classes_ : N).
Variables (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).
Notation batch_normalised := (batch_normalised eps eps_d mom mom_d).

Definition resnet_body (block : string) (st : resnet_stage) (s : N) : seq (chain -> chain) :=
  let width := r_width st in if b is Bottleneck e then
    [:: conv width (around 1 1) 1 false (block ++ ".conv1");
        batch_normalised (block ++ ".bn1"); relu (block ++ ".act1");
        conv width (around 3 s) 1 false (block ++ ".conv2");
        batch_normalised (block ++ ".bn2"); relu (block ++ ".act2");
        conv (width * e) (around 1 1) 1 false (block ++ ".conv3");
        batch_normalised (block ++ ".bn3")]
  else
    [:: conv width (around 3 s) 1 false (block ++ ".conv1");
        batch_normalised (block ++ ".bn1"); relu (block ++ ".act1");
        conv width (around 3 1) 1 false (block ++ ".conv2");
        batch_normalised (block ++ ".bn2")].

Definition shortcut_of (block : string) (features s c : N) : seq (chain -> chain) :=
  if N.eqb s 1 && N.eqb c features then [::] else
    [:: conv features (around 1 s) 1 false (block ++ ".downsample.0");
        batch_normalised (block ++ ".downsample.1")].

Definition last_act : string := if b is Bottleneck _ then ".act3" else ".act2".

Definition block_of (i k : nat) (st : resnet_stage) (c : N) : seq (chain -> chain) :=
  let block := numbered2 "layer" i.+1 "." k in let s := stride_of r_stride st k in
  (summed block (resnet_body block st s) (shortcut_of block (resnet_features b st) s c)
   ++ [:: relu (block ++ last_act)])%SEQ.

Definition block_kinks (i k : nat) (st : resnet_stage) : seq kink :=
  let block := numbered2 "layer" i.+1 "." k in
  flatten [seq relu_kinks (block ++ act)
    | act <- if b is Bottleneck _ then [:: ".act1"; ".act2"; ".act3"] else [:: ".act1"; ".act2"]].

Definition resnet (t : stem) (l : seq resnet_stage) : spec := Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn
    ([:: conv (t_features t) (around (t_kernel t) (t_stride t)) 1 false "conv1";
         batch_normalised "bn1"; relu "relu_1"]
     ++ (if t_pool t is Some (k, s) then [:: Next "max_pool_1" (Layer.MaxPool (around k s) (around k s))]
         else [::])
     ++ stages_from r_blocks (resnet_features b) block_of 0 l (t_features t)
     ++ [:: Next "global_avg_pool_1" Layer.GlobalAvgPool; Next "fc" (Layer.Dense classes_ true)])%SEQ).

Definition resnet_kinks (t : stem) (l : seq resnet_stage) : seq kink :=
  (relu_kinks "relu_1"
   ++ (if t_pool t is Some (k, s) then [:: TiesAt "max_pool_1" (around k s) (around k s)] else [::])
   ++ stages_kinks r_blocks block_kinks 0 l)%SEQ.

Variable batch : N.
Hypotheses (hb : 0 < batch) (heps : Z.ltb 0 eps) (hexpansion : 0 < expansion_of b).
Notation many := (many batch).

Lemma resnet_pos st : stage_fits st -> 0 < r_stride st /\ 0 < resnet_features b st.
Proof. by move=> /andP [/N.ltb_lt hs /N.ltb_lt hf]; split=> //; exact: N.mul_pos_pos. Qed.

Lemma shortcut_leads block f s p q k : 0 < s -> 0 < p -> 0 < q -> 0 < f -> many (strided s p) (strided s q) ->
  leads batch (shortcut_of block f s k) [:: p; q; k] [:: strided s p; strided s q; f].
Proof.
move=> hs hp hq hf hm; rewrite /shortcut_of.
case: ifP => [/andP [/N.eqb_eq -> /N.eqb_eq ->]|_]; first by rewrite !strided1 //; exact: leads_nil.
have [sp sq] := (strided_pos s p, strided_pos s q).
apply: leads_cons; first by apply: conv_leads => //; exact: one_divides.
exact: batch_normalised_leads.
Qed.

Lemma block_leads i j st p q k (s := stride_of r_stride st j) : stage_fits st ->
  0 < p -> 0 < q -> 0 < k -> many (strided s p) (strided s q) ->
  leads_by batch (block_kinks i j st) (block_of i j st k)
    [:: p; q; k] [:: strided s p; strided s q; resnet_features b st].
Proof.
move=> fit hp hq hk hm; have [hst hf] := resnet_pos fit; have [_ /N.ltb_lt hwidth] := andP fit.
have hs : 0 < s by rewrite /s /stride_of; case: (j).
have one n : Layer.divides 1 n := one_divides n.
have [sp sq] := (strided_pos s p, strided_pos s q).
have before : many p q := many_le (strided_le hs hp) (strided_le hs hq) hm.
rewrite /block_of /block_kinks -/s; move: (numbered2 _ _ _ _) => block.
have short := shortcut_leads block k hs hp hq hf hm.
have last_relu ks l : leads_by batch ks l [:: p; q; k] [:: strided s p; strided s q; resnet_features b st] ->
    leads_by batch (ks ++ relu_kinks (block ++ last_act))
      (summed block l (shortcut_of block (resnet_features b st) s k) ++ [:: relu (block ++ last_act)])%SEQ
      [:: p; q; k] [:: strided s p; strided s q; resnet_features b st].
  move=> hl; apply: (leads_by_cat (leads_summed block hl short)).
  by rewrite -[relu_kinks _]cats0; apply: relu_leads; exact: leads_nil.
move: hf short last_relu; rewrite /resnet_body /last_act /resnet_features.
case: b hexpansion => [|e] he hf _ last_relu.
  apply: (last_relu (relu_kinks (block ++ ".act1"))).
  apply: leads_cons; first by apply: conv_leads.
  apply: leads_cons; first by apply: batch_normalised_leads.
  rewrite -[relu_kinks _]cats0; apply: relu_leads.
  apply: leads_cons; first by apply: conv1_leads.
  by rewrite N.mul_1_r; exact: batch_normalised_leads.
apply: (last_relu (relu_kinks (block ++ ".act1") ++ relu_kinks (block ++ ".act2"))%SEQ).
apply: leads_cons; first by apply: conv1_leads.
apply: leads_cons; first by apply: batch_normalised_leads.
apply: relu_leads; apply: leads_cons; first by apply: conv_leads.
apply: leads_cons; first by apply: batch_normalised_leads.
rewrite -[relu_kinks _]cats0; apply: relu_leads; apply: leads_cons; first by apply: conv1_leads.
exact: batch_normalised_leads.
Qed.

Hypotheses (hh : 0 < h) (hw : 0 < w) (hc : 0 < c) (hclasses : 0 < classes_).

Theorem resnet_gradient t l : stem_fits t -> all stage_fits l ->
  1 < batch * (foldl size_after (size_in t h) l * foldl size_after (size_in t w) l) ->
  forall (R : realType) (other : env R) (θ : θ_space R (resnet t l)),
  off_kinks (Options batch Steps.Grad) (resnet_kinks t l) other θ ->
  is_gradient (fun θ => loss_at (resnet t l) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> /and3P [/N.ltb_lt hstem /andP [ok /N.ltb_lt hs] hpool] fits hm R other θ.
have one n : Layer.divides 1 n := one_divides n.
have [h1 w1] := (strided_pos (t_stride t) h, strided_pos (t_stride t) w).
have in_le n : 0 < strided (t_stride t) n -> 0 < size_in t n /\ size_in t n <= strided (t_stride t) n.
  move=> hn; rewrite /size_in; case: (t_pool t) hpool => [[k s] /andP [_ /N.ltb_lt s0]|_]; last by split=> //; lia.
  by split; [exact: strided_pos | exact: strided_le].
have [h2 h3] := in_le h h1; have [w2 w3] := in_le w w1.
have [p1 p2] := sizes_le r_blocks resnet_pos fits h2; have [q1 q2] := sizes_le r_blocks resnet_pos fits w2.
apply: (@chain_gradient (resnet t l) batch classes_ _ erefl hb _ hclasses _ R other θ).
  have [ls f1] := stages_lead resnet_pos block_leads 0 fits h2 w2 hstem hm.
  apply: leads_in_turn; apply: leads_cons; first by apply: conv_leads.
  apply: leads_cons; first by apply: batch_normalised_leads => //; apply: many_le hm; lia.
  apply: relu_leads; apply: (@leads_by_cat _ _ _ _ _ _ [:: size_in t h; size_in t w; t_features t]).
    rewrite /size_in; case: (t_pool t) hpool => [[k s] /andP [ko /N.ltb_lt s0]|_]; last exact: leads_nil.
    by apply: max_pool_leads => //; exact: leads_nil.
  apply: (leads_before ls); apply: leads_layer (average_fits _ _ p1 q1) _ _ => //.
  by apply: leads_one => //; exact: dense_fits.
apply: (first_param (net := resnet t l)); first by rewrite /net_params /params_in /=; reflexivity.
have k0 : 0 < t_kernel t by case: (t_kernel t) ok.
rewrite -[size_of _]/(t_kernel t * (t_kernel t * (c / 1 * (t_features t * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Resnet.
