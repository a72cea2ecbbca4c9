(** * Inverted residual blocks, of any depth

    The same for blocks that expand, convolve every channel by itself, project
    and add, with batch normalisation and ReLU6: for every depth, all widths and
    image sizes, every batch.

    Glossary
      - [convolve f v g]     [f] features, window [v] both ways, [g] groups
      - [mobilenet], [mobilenet_kinks]  the network; its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Index Denote Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness Families FamiliesLayers FamiliesNets.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Definition one_place : Layer.window := Layer.Window 1 1 0 0 1.

Lemma one_place_fits h : 0 < h -> Layer.window_fits one_place h.
Proof. by move=> hh; rewrite /Layer.window_fits /=; apply/N.leb_le; rewrite /Layer.span /=; lia. Qed.
Lemma one_place_places h : 0 < h -> Layer.places one_place h = h.
Proof. by move=> hh; rewrite /Layer.places /Layer.span /= N.div_1_r; lia. Qed.
Lemma divides_itself n : 0 < n -> Layer.divides n n.
Proof.
move=> hn; rewrite /Layer.divides (proj2 (N.ltb_lt _ _) hn) N.div_same; last by lia.
by rewrite N.mul_1_r N.eqb_refl.
Qed.

Section Mobile.
(** Image and channels; width, and width within a block; features before the
    mean; classes; epsilon and momentum. *)
Variables (h w c width hidden features classes_ : N) (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).

Definition convolve (f : N) (v : Layer.window) (g : N) (name : string) : chain -> chain :=
  Next name (Layer.Conv2d f v v g false).
Definition then_norm (name : string) : chain -> chain :=
  Next name (Layer.BatchNorm eps eps_d mom mom_d true).
Definition then_relu6 (name : string) : chain -> chain := Next name Layer.Relu6.

Definition inverted_branch (i : nat) : chain := in_turn
  [:: convolve hidden one_place 1 (numbered "expand" i); then_norm (numbered "norm_a" i);
      then_relu6 (numbered "relu_a" i);
      convolve hidden same_pad hidden (numbered "depthwise" i); then_norm (numbered "norm_b" i);
      then_relu6 (numbered "relu_b" i);
      convolve width one_place 1 (numbered "project" i); then_norm (numbered "norm_c" i)].
Definition inverted_block (i : nat) : chain -> chain :=
  plus (numbered "block" i) (inverted_branch i).
Definition mobilenet (depth : nat) : spec := Spec "mobilenet" [:: h; w; c] Loss.SoftmaxCrossEntropy
  (convolve width same_pad 1 "stem" (then_norm "stem_norm" (then_relu6 "stem_relu"
    (stack inverted_block depth
      (convolve features one_place 1 "head" (then_norm "head_norm" (then_relu6 "head_relu"
        (in_turn [:: Next "average" Layer.GlobalAvgPool; Next "output" (Layer.Dense classes_ true)])))))))).

Definition relu6_kinks (name : string) : seq kink := [:: KinkAt name "relu6" 0; KinkAt name "relu6" 6].
Definition mobilenet_kinks (depth : nat) : seq kink :=
  (relu6_kinks "stem_relu" ++ flatten
    [seq relu6_kinks (numbered "relu_a" i) ++ relu6_kinks (numbered "relu_b" i) | i <- iota 0 depth]
  ++ relu6_kinks "head_relu")%SEQ.

Lemma mobilenet_kinksE depth : kinks_of (mobilenet depth) = mobilenet_kinks depth.
Proof.
rewrite /kinks_of /= (@stack_kinks _ _ _ (fun i =>
  relu6_kinks (numbered "relu_a" i) ++ relu6_kinks (numbered "relu_b" i))%SEQ) //=.
Qed.

Variable batch : N.
Hypotheses (hh : 0 < h) (hw : 0 < w) (hc : 0 < c) (hwidth : 0 < width) (hhidden : 0 < hidden).
Hypotheses (hfeatures : 0 < features) (hclasses : 0 < classes_).
Hypotheses (hb : 0 < batch) (many : 1 < batch * (h * w)) (heps : Z.ltb 0 eps).

(** A window that keeps the size. *)
Definition keeps (v : Layer.window) : Prop := forall n, 0 < n -> Layer.window_fits v n /\ Layer.places v n = n.
Lemma same_pad_keeps : keeps same_pad.
Proof. by move=> n hn; split; [exact: same_pad_fits | exact: same_pad_places]. Qed.
Lemma one_place_keeps : keeps one_place.
Proof. by move=> n hn; split; [exact: one_place_fits | exact: one_place_places]. Qed.

Lemma convolve_step k f v g name rest : keeps v -> Layer.divides g k -> Layer.divides g f ->
  chain_fits batch rest [::] [:: h; w; f] -> chain_fits batch (convolve f v g name rest) [::] [:: h; w; k].
Proof.
move=> kv gk gf hr; exists [:: h; w; f]; split=> //.
have [fh ph] := kv h hh; have [fw pw] := kv w hw.
by have := @conv_fits batch h w k f v v g false fh fw gk gf; rewrite ph pw.
Qed.

Lemma convolve_output k f v g name rest : keeps v -> Layer.divides g k -> Layer.divides g f ->
  output_shape (convolve f v g name rest) [::] [:: h; w; k] = output_shape rest [::] [:: h; w; f].
Proof.
move=> kv gk gf; have [fh ph] := kv h hh; have [fw pw] := kv w hw.
by rewrite /convolve /= fh fw gk gf /= ph pw.
Qed.

Lemma norm_output name rest s : output_shape (then_norm name rest) [::] s = output_shape rest [::] s.
Proof. by []. Qed.
Lemma relu6_output name rest s : output_shape (then_relu6 name rest) [::] s = output_shape rest [::] s.
Proof. by []. Qed.

Lemma then_norm_step f name rest : 0 < f -> chain_fits batch rest [::] [:: h; w; f] ->
  chain_fits batch (then_norm name rest) [::] [:: h; w; f].
Proof. by move=> hf hr; exists [:: h; w; f]; split=> //; apply: norm_fits. Qed.

Lemma relu6_step name rest s : chain_fits batch rest [::] s -> chain_fits batch (then_relu6 name rest) [::] s.
Proof. by move=> hr; exists s; split=> //; exact: pointwise_fits. Qed.

Let one_all n : Layer.divides 1 n := one_divides n.
Let itself : Layer.divides hidden hidden := divides_itself hhidden.

Lemma inverted_output i : output_shape (inverted_branch i) [::] [:: h; w; width] = Some [:: h; w; width].
Proof.
rewrite /inverted_branch [in_turn _]/= convolve_output ?norm_output ?relu6_output //; last exact: one_place_keeps.
rewrite convolve_output ?norm_output ?relu6_output //; last exact: same_pad_keeps.
by rewrite convolve_output //; exact: one_place_keeps.
Qed.

Lemma inverted_fits i : chain_fits batch (inverted_branch i) [::] [:: h; w; width].
Proof.
apply: convolve_step one_place_keeps _ _ _ => //; apply: then_norm_step => //; apply: relu6_step.
apply: convolve_step same_pad_keeps _ _ _ => //; apply: then_norm_step => //; apply: relu6_step.
by apply: convolve_step one_place_keeps _ _ _ => //; apply: then_norm_step.
Qed.

Theorem mobilenet_gradient depth (R : realType) (other : env R) (θ : θ_space R (mobilenet depth)) :
  off_kinks (Options batch Steps.Grad) (mobilenet_kinks depth) other θ ->
  is_gradient (fun θ => loss_at (mobilenet depth) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
rewrite -mobilenet_kinksE.
apply: (@net_gradient (mobilenet depth) batch classes_ erefl hb _ _ hclasses _ R other θ).
- apply: convolve_step same_pad_keeps _ _ _ => //; apply: then_norm_step => //; apply: relu6_step.
  apply: stack_fits => [i r hr|].
    by apply: plus_fits => //; [exact: inverted_output | exact: inverted_fits].
  apply: convolve_step one_place_keeps _ _ _ => //; apply: then_norm_step => //; apply: relu6_step.
  exists [:: features]; split; first exact: average_fits.
  by exists [:: classes_]; split; first exact: dense_fits.
- rewrite [layers _]/(convolve _ _ _ _ _) [input_shape _]/= convolve_output //; last exact: same_pad_keeps.
  rewrite norm_output relu6_output stack_output => [|i r].
    rewrite convolve_output ?norm_output ?relu6_output //; last exact: one_place_keeps.
    by rewrite /= (proj2 (N.ltb_lt _ _) (N.mul_pos_pos _ _ hh hw)).
  exact: plus_output (inverted_output i).
apply: (first_param (net := mobilenet depth)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(3 * (3 * (c / 1 * (width * 1)))) N.div_1_r N.mul_1_r.
have p := N.mul_pos_pos _ _ hc hwidth; lia.
Qed.
End Mobile.
