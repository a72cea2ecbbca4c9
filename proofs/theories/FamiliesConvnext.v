(** * ConvNeXt, of any number of stages and blocks

    The networks of [crates/zoo/src/convnext.rs], name by name: an image in
    patches, then stages of blocks with patches of two by two between them, each
    block a depthwise convolution, a normalisation, two dense layers of the
    features around a gelu, a scale and stochastic depth, added to what comes
    in. For all numbers of stages and blocks, widths, odd kernels, rates, sizes of
    image and batches: the specification elaborates, and what is emitted is the
    derivative of the loss, everywhere. There are no kinks.

    Glossary
      - [convnext_block s i f]  block [i] of stage [s], of [f] features
      - [blocks s f n]      [n] of them
      - [later_stages s l]  stages from [s] on, of so many features and blocks
      - [convnext f n l]    the network, of which the first stage has [n] blocks of
                            [f] features, and [l] are the others *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Section Convnext.
(** Name; image and channels; classes; size of kernels, and how many times the
    features are in a block; whether there are scales; rates of stochastic depth;
    epsilon; what stands for [sqrt (1 / 2)]. *)
Variables (name : string) (h w c classes_ kernel expansion : N) (scales : bool).
Variables (rate : nat -> nat -> option (Z * positive)).
Variables (eps : Z) (eps_d : positive) (root : Z) (root_d : positive).

Definition convnext_block (stage i : nat) (f : N) : seq (chain -> chain) :=
  let block := numbered2 "stages." stage ".blocks." i in
  residual block
    ([:: conv f (around kernel 1) f true (block ++ ".conv_dw");
         normalised eps eps_d (block ++ ".norm");
         conv (f * expansion) (around 1 1) 1 true (block ++ ".mlp.fc1");
         gelu root root_d (block ++ ".gelu_1");
         conv f (around 1 1) 1 true (block ++ ".mlp.fc2")]
     ++ scaled scales block ++ dropped (rate stage i) (block ++ ".drop_path"))%SEQ.
Definition blocks (stage : nat) (f : N) (n : nat) : seq (chain -> chain) :=
  flatten [seq convnext_block stage i f | i <- iota 0 n].

Fixpoint later_stages (stage : nat) (l : seq (N * nat)) : seq (chain -> chain) :=
  if l is (f, n) :: l' then
    ([:: normalised eps eps_d (numbered "stages." stage ++ ".downsample.0");
         conv f (patch 2) 1 true (numbered "stages." stage ++ ".downsample.1")]
     ++ blocks stage f n ++ later_stages stage.+1 l')%SEQ
  else [::].

Definition convnext (f : N) (n : nat) (l : seq (N * nat)) : spec :=
  Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn
    ([:: conv f (patch 4) 1 true "stem.0"; normalised eps eps_d "stem.1"]
     ++ blocks 0 f n ++ later_stages 1 l
     ++ [:: Next "global_avg_pool_1" Layer.GlobalAvgPool; normalised eps eps_d "head.norm";
            Next "head.fc" (Layer.Dense classes_ true)])%SEQ).

Variable batch : N.
Hypotheses (hb : 0 < batch) (hc : 0 < c) (hclasses : 0 < classes_) (heps : Z.ltb 0 eps).
Hypothesis hkernel : N.odd kernel.

Lemma blocks_lead stage f n p q : 0 < f -> 0 < p -> 0 < q ->
  leads batch (blocks stage f n) [:: p; q; f] [:: p; q; f].
Proof.
move=> hf hp hq; apply: leads_blocks => i; apply: leads_residual.
have one k : Layer.divides 1 k := one_divides k.
apply: leads_cons (conv1_leads _ _ hkernel hp hq (divides_itself hf) (divides_itself hf)) _.
apply: leads_cons (normalised_leads _ _ heps _ (filled_image hb hp hq hf)) _ => //.
apply: leads_cons (conv1_leads _ _ _ hp hq (one _) (one _)) _ => //.
apply: pointwise_leads => //.
apply: leads_cons (conv1_leads _ _ _ hp hq (one _) (one _)) _ => //.
by apply: leads_cat; [apply: scaled_leads | apply: dropped_leads].
Qed.

(** Room for so many more stages. *)
Lemma room n k : 2 ^ N.of_nat n.+1 <= k -> 2 <= k /\ 2 ^ N.of_nat n <= k / 2.
Proof.
rewrite Nnat.Nat2N.inj_succ N.pow_succ_r' => hk.
have p : 0 < 2 ^ N.of_nat n by apply/N.neq_0_lt_0; exact: N.pow_nonzero.
by split; [lia | apply: N.div_le_lower_bound; lia].
Qed.

Lemma later_lead stage l p q f (k := N.of_nat (size l)) : all (fun s => N.ltb 0 s.1) l ->
  2 ^ k <= p -> 2 ^ k <= q -> 0 < f -> exists p' q' f', [/\ 0 < p', 0 < q', 0 < f' &
  leads batch (later_stages stage l) [:: p; q; f] [:: p'; q'; f']].
Proof.
rewrite {}/k; elim: l stage p q f => [|[g n] l ih] stage p q f.
  by move=> _ hp hq hf; exists p, q, f; split=> //; move: hp hq; rewrite /=; lia.
move=> /andP [/N.ltb_lt /= hg hl] /room [hp rp] /room [hq rq] hf.
have pos k : 2 <= k -> 0 < k / 2 by move=> hk; exact: div_pos.
have [p' [q' [f' [hp' hq' hf' ld]]]] := ih stage.+1 (p / 2) (q / 2) g hl rp rq hg.
exists p', q', f'; split=> //; have [p0 q0] : 0 < p /\ 0 < q by lia.
apply: leads_cons (normalised_leads _ _ heps _ (filled_image hb p0 q0 hf)) _ => //.
apply: leads_cons; first by apply: patches_leads hp hq.
exact: leads_cat (blocks_lead _ _ hg (pos _ hp) (pos _ hq)) ld.
Qed.

Theorem convnext_gradient f n l : 0 < f -> all (fun s => N.ltb 0 s.1) l ->
  4 * 2 ^ N.of_nat (size l) <= h -> 4 * 2 ^ N.of_nat (size l) <= w ->
  forall (R : realType) (other : env R) (θ : θ_space R (convnext f n l)),
  is_gradient (fun θ => loss_at (convnext f n l) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> hf hl hh hw R other θ; set k := 2 ^ N.of_nat (size l) in hh hw.
have hk : 0 < k by apply/N.neq_0_lt_0; exact: N.pow_nonzero.
have fourth m : 4 * k <= m -> [/\ 4 <= m, k <= m / 4 & 0 < m / 4].
  move=> hm; have e : k <= m / 4 by apply: N.div_le_lower_bound.
  by split=> //; lia.
have [hh4 hhk hh0] := fourth h hh; have [hw4 hwk hw0] := fourth w hw.
apply: (@smooth_gradient (convnext f n l) batch classes_ erefl hb _ hclasses _ R other θ).
  have [p [q [g [hp hq hg ld]]]] := later_lead 1 hl hhk hwk hf.
  apply: leads_in_turn; apply: leads_cons; first by apply: patches_leads hh4 hw4.
  apply: leads_cons (normalised_leads _ _ heps _ (filled_image hb hh0 hw0 hf)) _ => //.
  apply: leads_cat (blocks_lead _ _ hf hh0 hw0) _; apply: leads_cat ld _.
  apply: leads_layer (average_fits _ _ hp hq) _ _ => //.
  apply: leads_cons (normalised_leads _ _ heps _ _) _ => //.
    by rewrite /= !(proj2 (N.ltb_lt _ _)).
  by apply: leads_one => //; exact: dense_fits.
apply: (first_param (net := convnext f n l)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(4 * (4 * (c / 1 * (f * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Convnext.
