(** * A residual perceptron and a residual convolutional network, of any depth

    For every depth, all widths, all image sizes, every batch: the specification
    elaborates, the emitted gradient is the derivative of the loss off the
    kinks, and the kinks are a formula in the depth. Nothing is computed.

    Glossary
      - [stack block n rest]   [n] blocks, numbered from 0, then [rest]
      - [plus name a rest]     the sum of what comes in and of what [a] makes of it,
                             then [rest]
      - [same_pad]             a window of three cells that keeps the size
      - [residual_mlp], [resnet]  the networks; [.._kinks] their kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String DecimalString.
From Cotangent Require Import Ir Index Denote Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness Families FamiliesLayers.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

(** ** Stacks *)
Definition stack (block : nat -> chain -> chain) (n : nat) (rest : chain) : chain :=
  foldr block rest (iota 0 n).
Definition numbered (name : string) (i : nat) : string :=
  name ++ NilZero.string_of_uint (Nat.to_uint i).

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

(** What comes in, and what a chain makes of it, added. *)
Definition plus (name : string) (a rest : chain) : chain := Branch a (Branch End (Join name Sum rest)).

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

(** ** A residual convolutional network *)
Definition same_pad : Layer.window := Layer.Window 3 1 1 1 1.

Lemma same_pad_fits h : 0 < h -> Layer.window_fits same_pad h.
Proof. by move=> hh; rewrite /Layer.window_fits /=; apply/N.leb_le; rewrite /Layer.span /=; lia. Qed.
Lemma same_pad_places h : 0 < h -> Layer.places same_pad h = h.
Proof. by move=> hh; rewrite /Layer.places /Layer.span /= N.div_1_r; lia. Qed.

Section Resnet.
(** Image and channels, width, classes; epsilon and momentum. *)
Variables (h w c width classes_ : N) (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).

Definition conv (name : string) : chain -> chain :=
  Next name (Layer.Conv2d width same_pad same_pad 1 false).
Definition norm (name : string) : chain -> chain :=
  Next name (Layer.BatchNorm eps eps_d mom mom_d true).

Definition branch (i : nat) : chain :=
  conv (numbered "conv_a" i) (norm (numbered "norm_a" i) (Next (numbered "relu_a" i) Layer.Relu
    (conv (numbered "conv_b" i) (norm (numbered "norm_b" i) End)))).
Definition basic_block (i : nat) (rest : chain) : chain :=
  plus (numbered "block" i) (branch i) (Next (numbered "relu_b" i) Layer.Relu rest).
Definition resnet (depth : nat) : spec := Spec "resnet" [:: h; w; c] Loss.SoftmaxCrossEntropy
  (conv "stem" (norm "stem_norm" (Next "stem_relu" Layer.Relu
    (stack basic_block depth
      (in_turn [:: Next "average" Layer.GlobalAvgPool; Next "output" (Layer.Dense classes_ true)]))))).

Definition resnet_kinks (depth : nat) : seq kink :=
  KinkAt "stem_relu" "relu" 0 :: flatten
    [seq [:: KinkAt (numbered "relu_a" i) "relu" 0; KinkAt (numbered "relu_b" i) "relu" 0]
    | i <- iota 0 depth].

Lemma resnet_kinksE depth : kinks_of (resnet depth) = resnet_kinks depth.
Proof.
rewrite /kinks_of /= (@stack_kinks _ _ _ (fun i =>
  [:: KinkAt (numbered "relu_a" i) "relu" 0; KinkAt (numbered "relu_b" i) "relu" 0])) //=.
by rewrite cats0.
Qed.

Variable batch : N.
Hypotheses (hh : 0 < h) (hw : 0 < w) (hc : 0 < c) (hwidth : 0 < width) (hclasses : 0 < classes_).
Hypotheses (hb : 0 < batch) (many : 1 < batch * (h * w)) (heps : Z.ltb 0 eps).

Lemma one_divides n : Layer.divides 1 n.
Proof. by rewrite /Layer.divides N.div_1_r N.mul_1_l N.eqb_refl. Qed.

Lemma conv_step k name rest : chain_fits batch rest [::] [:: h; w; width] ->
  chain_fits batch (conv name rest) [::] [:: h; w; k].
Proof.
move=> hr; exists [:: h; w; width]; split=> //.
have := @conv_fits batch h w k width same_pad same_pad 1 false (same_pad_fits hh) (same_pad_fits hw)
  (one_divides k) (one_divides width).
by rewrite !same_pad_places.
Qed.

Lemma conv_output k name rest : output_shape (conv name rest) [::] [:: h; w; k] = output_shape rest [::] [:: h; w; width].
Proof.
rewrite /conv /= !same_pad_fits // !one_divides /=.
by rewrite !same_pad_places.
Qed.

Lemma norm_step name rest : chain_fits batch rest [::] [:: h; w; width] ->
  chain_fits batch (norm name rest) [::] [:: h; w; width].
Proof. by move=> hr; exists [:: h; w; width]; split=> //; apply: norm_fits. Qed.

Lemma relu_step name rest s : chain_fits batch rest [::] s -> chain_fits batch (Next name Layer.Relu rest) [::] s.
Proof. by move=> hr; exists s; split=> //; exact: pointwise_fits. Qed.

Theorem resnet_gradient depth (R : realType) (other : env R) (θ : θ_space R (resnet depth)) :
  off_kinks (Options batch Steps.Grad) (resnet_kinks depth) other θ ->
  is_gradient (fun θ => loss_at (resnet depth) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
have branchE i : output_shape (branch i) [::] [:: h; w; width] = Some [:: h; w; width].
  rewrite /branch conv_output.
  rewrite -[LHS]/(output_shape (conv (numbered "conv_b" i) (norm (numbered "norm_b" i) End)) [::] [:: h; w; width]).
  by rewrite conv_output.
rewrite -resnet_kinksE.
apply: (@net_gradient (resnet depth) batch classes_ erefl hb _ _ hclasses _ R other θ).
- apply: conv_step; apply: norm_step; apply: relu_step; apply: stack_fits => [i r hr|].
    apply: plus_fits => //; last by apply: relu_step.
    apply: conv_step; apply: norm_step; apply: relu_step.
    by apply: conv_step; apply: norm_step.
  exists [:: width]; split; first exact: average_fits.
  by exists [:: classes_]; split; first exact: dense_fits.
- rewrite [layers _]/(conv _ _) [input_shape _]/= conv_output.
  rewrite -[LHS]/(output_shape (stack basic_block depth _) [::] [:: h; w; width]) stack_output => [|i r].
    by rewrite /= (proj2 (N.ltb_lt _ _) (N.mul_pos_pos _ _ hh hw)).
  exact: plus_output.
apply: (first_param (net := resnet depth)); first by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(3 * (3 * (c / 1 * (width * 1)))) N.div_1_r N.mul_1_r.
have p := N.mul_pos_pos _ _ hc hwidth; lia.
Qed.
End Resnet.
