(** * Witnesses for four networks

    A perceptron, a convolutional network with a maximum pool, a residual block
    with batch normalisation, an inverted residual block with ReLU6: for each
    there are parameters, two images and a target such that no kink is met, and
    what is emitted is the gradient of the loss, not 0 and not the same for both
    images. This is said in the words of a certificate ([Main.v]): its premise can
    be met. The numbers are chosen so that what the gradient needs is rational:
    deviations are roots of squares, and the two logits are equal, so that their
    softmax is one half. The second image is the first one transposed.

    Glossary
      - [first_class]        the target: all on the first of two classes
      - [transposed n l]     an image of [n] by [n], transposed
      - [around k c]         a 3 by 3 kernel: [c] in the middle, else [k] *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith QArith_base String.
From Cotangent Require Import Ir IndexFacts Grad Spec Meaning Witness WitnessSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Definition whole (n : Z) : Q := (n # 1)%Q.
Definition first_class : seq Q := map whole [:: 1; 0]%Z.

(** ** A perceptron: 2, 3, 2 *)
Definition perceptron : spec := Spec "perceptron" [:: 2] Loss.SoftmaxCrossEntropy
  (in_turn [:: Next "hidden" (Layer.Dense 3 true); Next "relu" Layer.Relu;
               Next "output" (Layer.Dense 2 true)]).

(** The third hidden feature is off. *)
Definition perceptron_arguments : seq (seq Q) :=
  [:: map whole [:: 1; 0; -1;  0; 1; -1]%Z; map whole [:: 0; 0; 0]%Z;
      map whole [:: 1; 0;  1; 0;  1; 1]%Z; map whole [:: 0; 3]%Z;
      map whole [:: 1; 2]%Z; first_class].

Theorem perceptron_witness : not_vacuous perceptron 1.
Proof.
apply: (@witness_sound _ _ perceptron_arguments (map whole [:: 2; 1]%Z) 0%nat [:: 0; 0]).
by vm_compute.
Qed.

(** ** A convolutional network *)
Definition three : Layer.window := Layer.Window 3 1 1 1 1.
Definition two : Layer.window := Layer.Window 2 2 0 0 1.

Definition convolutional : spec := Spec "convolutional" [:: 4; 4; 1] Loss.SoftmaxCrossEntropy
  (in_turn [:: Next "conv" (Layer.Conv2d 1 three three 1 true); Next "relu" Layer.Relu;
               Next "pool" (Layer.MaxPool two two); Next "flatten" Layer.Flatten;
               Next "output" (Layer.Dense 2 true)]).

Definition transposed (n : nat) (l : seq Q) : seq Q :=
  [seq nth (whole 0) l (j * n + i)%nat | i <- iota 0 n, j <- iota 0 n].

Definition image4 : seq Q := map whole [:: 3; -1; 4; 1;  -5; 9; -2; 6;  5; 3; -5; 8;  9; -7; 9; 3]%Z.
Definition convolutional_arguments : seq (seq Q) :=
  [:: map whole [:: 0; -1; 0;  -1; 2; -1;  0; -1; 0]%Z; map whole [:: 1]%Z;
      map whole [:: 1; 0;  1; 0;  1; 0;  2; 0]%Z; map whole [:: 0; 112]%Z;
      image4; first_class].

(** In the kernel. *)
Theorem convolutional_witness : not_vacuous convolutional 1.
Proof.
apply: (@witness_sound _ _ convolutional_arguments (transposed 4 image4) 0%nat [:: 0; 1; 0; 0]).
by vm_compute.
Qed.

(** ** A residual block *)
Definition batch_norm : Layer.t := Layer.BatchNorm 1 10000 1 10 true.

Definition residual : spec := Spec "residual" [:: 2; 2; 1] Loss.SoftmaxCrossEntropy
  (in_turn [:: Branch (in_turn [:: Next "conv1" (Layer.Conv2d 1 three three 1 false); Next "norm1" batch_norm;
                                   Next "relu1" Layer.Relu;
                                   Next "conv2" (Layer.Conv2d 1 three three 1 false); Next "norm2" batch_norm]);
               Branch (in_turn [::]); Join "sum" Sum;
               Next "relu2" Layer.Relu; Next "mean" Layer.GlobalAvgPool;
               Next "output" (Layer.Dense 2 true)]).

Definition around (k c : Q) : seq Q := [:: k; k; k; k; c; k; k; k; k].
Definition image2 : seq Q := map whole [:: 1; 2; 3; 4]%Z.

Definition residual_arguments : seq (seq Q) :=
  [:: around (8 # 100) (16 # 100); [:: 9 # 4]; [:: 0 # 1];
      around (4 # 100) (8 # 100); [:: 5 # 4]; [:: -3 # 2];
      map whole [:: 1; 0]%Z; [:: 0 # 1; 3 # 2];
      image2; first_class]%Q.

(** In the kernel of the first convolution. *)
Theorem residual_witness : not_vacuous residual 1.
Proof.
apply: (@witness_sound _ _ residual_arguments (transposed 2 image2) 0%nat [:: 0; 1; 0; 0]).
by vm_compute.
Qed.

(** ** An inverted residual block *)
Definition one : Layer.window := Layer.Window 1 1 0 0 1.

Definition inverted : spec := Spec "inverted" [:: 2; 2; 1] Loss.SoftmaxCrossEntropy
  (in_turn [:: Branch (in_turn [:: Next "expand" (Layer.Conv2d 2 one one 1 false); Next "norm1" batch_norm;
                                   Next "relu1" Layer.Relu6;
                                   Next "depthwise" (Layer.Conv2d 2 three three 2 false); Next "norm2" batch_norm;
                                   Next "relu2" Layer.Relu6;
                                   Next "project" (Layer.Conv2d 1 one one 1 false); Next "norm3" batch_norm]);
               Branch (in_turn [::]); Join "sum" Sum;
               Next "relu3" Layer.Relu6; Next "mean" Layer.GlobalAvgPool;
               Next "output" (Layer.Dense 2 true)]).

Definition both (l : seq Q) : seq Q := flatten [seq [:: x; x] | x <- l].
Definition inverted_arguments : seq (seq Q) :=
  [:: [:: 8 # 100; -8 # 100]; [:: 9 # 4; 9 # 2]; [:: 0 # 1; 1 # 1];
      both (around (4 # 100) (8 # 100)); [:: 5 # 4; 10 # 3]; [:: 1 # 2; 0 # 1];
      [:: 1 # 75; 1 # 150]; [:: 5 # 4]; [:: -3 # 1];
      map whole [:: 1; 0]%Z; [:: 0 # 1; 1 # 2];
      image2; first_class]%Q.

(** In the kernel of the depthwise convolution. *)
Theorem inverted_witness : not_vacuous inverted 1.
Proof.
apply: (@witness_sound _ _ inverted_arguments (transposed 2 image2) 3%nat [:: 0; 1; 0; 1]).
by vm_compute.
Qed.

(** The check says no: where both images are the same, and where a rectifier is at 0. *)
Example same_image :
  witness residual 1 residual_arguments image2 0%nat [:: 0; 1; 0; 0] = false.
Proof. by vm_compute. Qed.
Example at_a_kink : witness perceptron 1 (set_nth [::] perceptron_arguments 1%nat (map whole [:: -1; 0; 0]%Z))
  (map whole [:: 2; 1]%Z) 0%nat [:: 0; 0] = false.
Proof. by vm_compute. Qed.
