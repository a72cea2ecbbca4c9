(** * The families, at the zoo's sizes

    That the premises of the families' theorems can be met: the vision
    transformers, the ConvNeXts, the EfficientNets, the first two MobileNets, the
    ResNets and the plain networks of the zoo, in the words of a certificate for
    float32, are members, for every batch. The sizes are computed; nothing else is.

    Glossary
      - [root_half]        what float32 stores for [sqrt (1 / 2)]; [millionth],
                           [hundred_thousandth], [tenth] for these numbers
      - [drop_rate percent count k]  the rate of block [k], to four decimals, as a
                           fraction in lowest terms, if it is not 0 *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts GradCorrect RowVector Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import FamiliesLayers FamiliesVit FamiliesConvnext FamiliesEfficientnet.
From Cotangent Require Import FamiliesNets FamiliesMobileV1 FamiliesMobile FamiliesResnet FamiliesCnn.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Definition root_half : Z * positive := (11863283%Z, 16777216%positive).
Definition millionth : Z * positive := (8796093%Z, 8796093022208%positive).
Definition hundred_thousandth : Z * positive := (2748779%Z, 274877906944%positive).
Definition tenth : Z * positive := (13421773%Z, 134217728%positive).

Definition drop_rate (percent count k : N) : option (Z * positive) :=
  let n := 100 * percent * k / N.max count 1 in let g := N.gcd n 10000 in
  if (n / g, 10000 / g) is (Npos n', Npos d) then Some (Zpos n', d) else None.

(** Block [i] of stage [s] is so many after the first block. *)
Definition place (blocks : seq nat) (s i : nat) : N := N.of_nat (sumn (take s blocks) + i)%nat.

Notation everywhere net batch := (forall (R : realType) (other : env R) (θ : θ_space R net),
  is_gradient (fun θ => loss_at net (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ)).

Notation off_these ks net batch := (forall (R : realType) (other : env R) (θ : θ_space R net),
  off_kinks (Options batch Steps.Grad) ks other θ ->
  is_gradient (fun θ => loss_at net (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ)).

(** A premise about the places that the last stage leaves, so many. *)
Ltac places n := rewrite (_ : foldl _ _ _ * _ = n) //; lia.

(** ** Vision transformers *)
Definition zoo_vit (name : string) (heads : N) : spec :=
  vit name 224 224 3 16 16 (64 * heads) heads (4 * (64 * heads)) 1000 false
    millionth.1 millionth.2 root_half.1 root_half.2 12.
Definition vit_tiny : spec := zoo_vit "vit-tiny" 3.
Definition vit_small : spec := zoo_vit "vit-small" 6.
Definition vit_base : spec := zoo_vit "vit-base" 12.

Theorem vit_tiny_gradient batch : 0 < batch -> everywhere vit_tiny batch.
Proof. by move=> hb R other θ; apply: vit_gradient. Qed.

Theorem vit_small_gradient batch : 0 < batch -> everywhere vit_small batch.
Proof. by move=> hb R other θ; apply: vit_gradient. Qed.

Theorem vit_base_gradient batch : 0 < batch -> everywhere vit_base batch.
Proof. by move=> hb R other θ; apply: vit_gradient. Qed.

(** ** ConvNeXt *)
Definition zoo_convnext (name : string) (features : N) (third : nat) (percent : N) : spec :=
  let blocks := [:: 3; 3; third; 3]%nat in let last := N.of_nat (sumn blocks).-1 in
  convnext name 224 224 3 1000 7 4 true
    (fun s i => drop_rate percent last (place blocks s i))
    millionth.1 millionth.2 root_half.1 root_half.2
    features 3 [:: (2 * features, 3%nat); (4 * features, third); (8 * features, 3%nat)].
Definition convnext_tiny : spec := zoo_convnext "convnext-tiny" 96 9 10.
Definition convnext_small : spec := zoo_convnext "convnext-small" 96 27 40.
Definition convnext_base : spec := zoo_convnext "convnext-base" 128 27 50.

Theorem convnext_tiny_gradient batch : 0 < batch -> everywhere convnext_tiny batch.
Proof. by move=> hb R other θ; apply: convnext_gradient. Qed.

Theorem convnext_small_gradient batch : 0 < batch -> everywhere convnext_small batch.
Proof. by move=> hb R other θ; apply: convnext_gradient. Qed.

Theorem convnext_base_gradient batch : 0 < batch -> everywhere convnext_base batch.
Proof. by move=> hb R other θ; apply: convnext_gradient. Qed.

(** ** EfficientNet *)
Definition zoo_efficientnet (name : string) (image stem : N) (stages : seq stage) : spec :=
  let blocks := [seq s_blocks st | st <- stages] in
  efficientnet name image image 3 stem 1280 1000 (fun c => N.max 1 (c / 4))
    (fun s i => drop_rate 20 (N.of_nat (sumn blocks)) (place blocks s i)) 1 5
    hundred_thousandth.1 hundred_thousandth.2 tenth.1 tenth.2 stages.
Definition efficientnet_b0 : spec := zoo_efficientnet "efficientnet-b0" 224 32
  [:: Stage false 1 3 1 1 16; Stage false 2 3 2 6 24; Stage false 2 5 2 6 40; Stage false 3 3 2 6 80;
      Stage false 3 5 1 6 112; Stage false 4 5 2 6 192; Stage false 1 3 1 6 320].
Definition efficientnet_v2_s : spec := zoo_efficientnet "efficientnet-v2-s" 288 24
  [:: Stage true 2 3 1 1 24; Stage true 4 3 2 4 48; Stage true 4 3 2 4 64;
      Stage false 6 3 2 4 128; Stage false 9 3 1 6 160; Stage false 15 3 2 6 256].

Theorem efficientnet_b0_gradient batch : 0 < batch -> everywhere efficientnet_b0 batch.
Proof. by move=> hb R other θ; apply: efficientnet_gradient => //; places 49. Qed.

Theorem efficientnet_v2_s_gradient batch : 0 < batch -> everywhere efficientnet_v2_s batch.
Proof. by move=> hb R other θ; apply: efficientnet_gradient => //; places 81. Qed.

(** ** MobileNets *)
Definition separable_stages : seq separable :=
  [:: Separable 1 1 64; Separable 2 2 128; Separable 2 2 256; Separable 6 2 512; Separable 2 2 1024].
Definition zoo_mobilenet_v1 : spec :=
  mobilenet_v1 "mobilenet-v1" 224 224 3 32 1000 3 1 5
    hundred_thousandth.1 hundred_thousandth.2 tenth.1 tenth.2 separable_stages.

Theorem zoo_mobilenet_v1_gradient batch : 0 < batch ->
  off_these (mobilenet_v1_kinks separable_stages) zoo_mobilenet_v1 batch.
Proof. by move=> hb R other θ; apply: mobilenet_v1_gradient => //; places 49. Qed.

Definition mobilenet_stages : seq inverted :=
  [:: Inverted 1 1 1 16; Inverted 2 2 6 24; Inverted 3 2 6 32; Inverted 4 2 6 64;
      Inverted 3 1 6 96; Inverted 3 2 6 160; Inverted 1 1 6 320].
Definition zoo_mobilenet_v2 : spec :=
  mobilenet_v2 "mobilenet-v2" 224 224 3 32 1280 1000 3 1 5
    hundred_thousandth.1 hundred_thousandth.2 tenth.1 tenth.2 mobilenet_stages.

Theorem zoo_mobilenet_v2_gradient batch : 0 < batch ->
  off_these (mobilenet_v2_kinks mobilenet_stages) zoo_mobilenet_v2 batch.
Proof. by move=> hb R other θ; apply: mobilenet_v2_gradient => //; places 49. Qed.

(** ** ResNet *)
Definition zoo_resnet (name : string) (b : resnet_block) (image classes_ : N) : stem -> seq resnet_stage -> spec :=
  resnet name b image image 3 classes_ hundred_thousandth.1 hundred_thousandth.2 tenth.1 tenth.2.
Definition image_stem : stem := Stem 64 7 2 (Some (3, 2)).
Definition four_stages (n1 n2 n3 n4 : nat) : seq resnet_stage :=
  [:: Residuals n1 1 64; Residuals n2 2 128; Residuals n3 2 256; Residuals n4 2 512].
Definition resnet18 : spec := zoo_resnet "resnet18" Basic 224 1000 image_stem (four_stages 2 2 2 2).
Definition resnet34 : spec := zoo_resnet "resnet34" Basic 224 1000 image_stem (four_stages 3 4 6 3).
Definition resnet50 : spec := zoo_resnet "resnet50" (Bottleneck 4) 224 1000 image_stem (four_stages 3 4 6 3).
Definition resnet101 : spec := zoo_resnet "resnet101" (Bottleneck 4) 224 1000 image_stem (four_stages 3 4 23 3).

Definition cifar_stem : stem := Stem 16 3 1 None.
Definition cifar_stages : seq resnet_stage := [:: Residuals 3 1 16; Residuals 3 2 32; Residuals 3 2 64].
Definition cifar_resnet20 : spec := zoo_resnet "cifar-resnet20" Basic 32 10 cifar_stem cifar_stages.

Theorem resnet18_gradient batch : 0 < batch ->
  off_these (resnet_kinks Basic image_stem (four_stages 2 2 2 2)) resnet18 batch.
Proof. by move=> hb R other θ; apply: resnet_gradient => //; places 49. Qed.

Theorem resnet34_gradient batch : 0 < batch ->
  off_these (resnet_kinks Basic image_stem (four_stages 3 4 6 3)) resnet34 batch.
Proof. by move=> hb R other θ; apply: resnet_gradient => //; places 49. Qed.

Theorem resnet50_gradient batch : 0 < batch ->
  off_these (resnet_kinks (Bottleneck 4) image_stem (four_stages 3 4 6 3)) resnet50 batch.
Proof. by move=> hb R other θ; apply: resnet_gradient => //; places 49. Qed.

Theorem resnet101_gradient batch : 0 < batch ->
  off_these (resnet_kinks (Bottleneck 4) image_stem (four_stages 3 4 23 3)) resnet101 batch.
Proof. by move=> hb R other θ; apply: resnet_gradient => //; places 49. Qed.

Theorem cifar_resnet20_gradient batch : 0 < batch ->
  off_these (resnet_kinks Basic cifar_stem cifar_stages) cifar_resnet20 batch.
Proof. by move=> hb R other θ; apply: resnet_gradient => //; places 64. Qed.

(** ** Plain networks *)
Definition zoo_cnn (name : string) (image channels : N) (bias normalises all_cells : bool)
  (dense_norm : option (nat -> string)) : seq (nat * N) -> seq N -> spec :=
  cnn name image image channels 10 3 2 bias normalises all_cells None
    (fun _ j => numbered "conv2d_" j.+1) (fun _ j => numbered "batch_norm_" j.+1)
    (fun k => numbered "dense_" k.+1) dense_norm hundred_thousandth.1 hundred_thousandth.2 tenth.1 tenth.2.
Definition mnist_linear : spec := zoo_cnn "mnist-linear" 28 1 true false true None [::] [::].
Definition mnist_mlp : spec := zoo_cnn "mnist-mlp" 28 1 true false true None [::] [:: 512; 512].
Definition mnist_cnn : spec := zoo_cnn "mnist-cnn" 28 1 true false true None [:: (2%nat, 32)] [:: 512].
Definition mnist_cnn_bn : spec :=
  zoo_cnn "mnist-cnn-bn" 28 1 false true true (Some (fun k => numbered "batch_norm_" (k + 3)))
    [:: (2%nat, 32)] [:: 512].
Definition cifar_cnn_stages : seq (nat * N) := [:: (2%nat, 32); (2%nat, 64); (2%nat, 128)].
Definition cifar_cnn : spec := zoo_cnn "cifar-cnn" 32 3 true false true None cifar_cnn_stages [:: 256].
Definition cifar_cnn_bn : spec := zoo_cnn "cifar-cnn-bn" 32 3 false true false None cifar_cnn_stages [::].

(** In a unit are a convolution, a normalisation or none, and a rectifier. *)
Definition zoo_vgg (name : string) (normalises : bool) : seq (nat * N) -> seq N -> spec :=
  let place i j := ((if normalises then 3 else 2) * j + i)%nat in
  cnn name 224 224 3 1000 3 2 true normalises true (Some (1%Z, 2%positive))
    (fun i j => numbered "features." (place i j)) (fun i j => numbered "features." (place i j).+1)
    (fun k => numbered "classifier." (3 * k)) None hundred_thousandth.1 hundred_thousandth.2 tenth.1 tenth.2.
Definition vgg_stages : seq (nat * N) :=
  [:: (2%nat, 64); (2%nat, 128); (3%nat, 256); (3%nat, 512); (3%nat, 512)].
Definition vgg16 : spec := zoo_vgg "vgg16" false vgg_stages [:: 4096; 4096].
Definition vgg16_bn : spec := zoo_vgg "vgg16-bn" true vgg_stages [:: 4096; 4096].

Theorem mnist_linear_gradient batch : 0 < batch -> off_these (cnn_kinks 2 [::] [::]) mnist_linear batch.
Proof. by move=> hb R other θ; apply: cnn_gradient. Qed.

Theorem mnist_mlp_gradient batch : 0 < batch -> off_these (cnn_kinks 2 [::] [:: 512; 512]) mnist_mlp batch.
Proof. by move=> hb R other θ; apply: cnn_gradient. Qed.

Theorem mnist_cnn_gradient batch : 0 < batch -> off_these (cnn_kinks 2 [:: (2%nat, 32)] [:: 512]) mnist_cnn batch.
Proof. by move=> hb R other θ; apply: cnn_gradient. Qed.

(** A variance of rows is of more than one. *)
Theorem mnist_cnn_bn_gradient batch : 1 < batch ->
  off_these (cnn_kinks 2 [:: (2%nat, 32)] [:: 512]) mnist_cnn_bn batch.
Proof.
move=> hb R other θ; apply: cnn_gradient => //; first by lia.
by rewrite (_ : pooled _ _ _ * _ = 196) //; lia.
Qed.

Theorem cifar_cnn_gradient batch : 0 < batch -> off_these (cnn_kinks 2 cifar_cnn_stages [:: 256]) cifar_cnn batch.
Proof. by move=> hb R other θ; apply: cnn_gradient. Qed.

Theorem cifar_cnn_bn_gradient batch : 0 < batch ->
  off_these (cnn_kinks 2 cifar_cnn_stages [::]) cifar_cnn_bn batch.
Proof.
move=> hb R other θ; apply: cnn_gradient => // _.
by rewrite (_ : pooled _ _ _ * _ = 16) //; lia.
Qed.

Theorem vgg16_gradient batch : 0 < batch -> off_these (cnn_kinks 2 vgg_stages [:: 4096; 4096]) vgg16 batch.
Proof. by move=> hb R other θ; apply: cnn_gradient. Qed.

Theorem vgg16_bn_gradient batch : 0 < batch ->
  off_these (cnn_kinks 2 vgg_stages [:: 4096; 4096]) vgg16_bn batch.
Proof.
move=> hb R other θ; apply: cnn_gradient => // _.
by rewrite (_ : pooled _ _ _ * _ = 49) //; lia.
Qed.
