(** * Examples, checked by computation

    What the definitions do on programs small enough to read: a perceptron with
    one hidden layer, its gradient as a literal program, and programs that the
    checks refuse.

    Glossary
      - [shape_of]        the shapes of inputs, as a function
      - [perceptron]      two dense layers, a rectifier between them, and the
                          cross-entropy; [perceptron_inputs], its inputs;
                          [parameters], those that are trained
      - [dense]           a product of matrices, as an op *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir IndexFacts Joins Grad GradAdjoint GradCorrect.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

(** ** A perceptron
    Inputs: 0 the images [4,3], 1 the targets [4,2], 2 and 3 the weights [3,5]
    and [5,2], 4 the bias [2]. *)
Definition shape_of (l : seq shape) (j : N) : shape := nth [::] l (N.to_nat j).
Definition perceptron_inputs : seq shape :=
  [:: [:: 4; 3]; [:: 4; 2]; [:: 3; 5]; [:: 5; 2]; [:: 2]].

(** [dense b i o x w]: [b] rows times an [i] by [o] matrix. *)
Definition dense (b i o x w : N) : op :=
  Contract [:: b; o; i] [:: b; o] (proj [:: 0; 1])
    [:: View x [:: b; i] (proj [:: 0; 2]); View w [:: i; o] (proj [:: 2; 1])].

Definition perceptron : prog :=
  [:: (5, dense 4 3 5 0 2);
      (6, Una [:: 4; 5] Relu 5);
      (7, dense 4 5 2 6 3);
      (8, Contract [:: 4; 2] [:: 4; 2] (proj [:: 0; 1]) [:: View 4 [:: 2] (proj [:: 1])]);
      (9, Bin [:: 4; 2] Add 7 8);
      (10, SoftmaxCrossEntropy [:: 4; 2] 9 1)].

Definition parameters : seq (N * shape) := [:: (2, [:: 3; 5]); (3, [:: 5; 2]); (4, [:: 2])].

Example perceptron_checks :
  checks perceptron 5 (shape_of perceptron_inputs) parameters 11 10 = true.
Proof. by vm_compute. Qed.

Example perceptron_backward : loss_grad perceptron 11 10 parameters =
  ([:: (11, Const [::] 1 1);
     (* cross-entropy: (Σt · softmax z - t) · (ct / 4) *)
     (12, Softmax [:: 4; 2] 9);
     (13, Contract [:: 4; 2] [:: 4] (proj [:: 0]) [:: View 1 [:: 4; 2] (proj [:: 0; 1])]);
     (14, Contract [:: 4; 2] [:: 4; 2] (proj [:: 0; 1]) [:: View 13 [:: 4] (proj [:: 0])]);
     (15, Bin [:: 4; 2] Mul 14 12);
     (16, Bin [:: 4; 2] Sub 15 1);
     (17, Const [::] 4 1);
     (18, Bin [::] Div 11 17);
     (19, Contract [:: 4; 2] [:: 4; 2] (proj [:: 0; 1]) [:: View 18 [::] [::]]);
     (20, Bin [:: 4; 2] Mul 16 19);
     (* the bias sums over the batch *)
     (21, Contract [:: 4; 2] [:: 2] (proj [:: 1]) [:: View 20 [:: 4; 2] (proj [:: 0; 1])]);
     (* second layer: cotangent times weightsᵀ, hiddenᵀ times cotangent *)
     (22, Contract [:: 4; 2; 5] [:: 4; 5] (proj [:: 0; 2])
       [:: View 20 [:: 4; 2] (proj [:: 0; 1]); View 3 [:: 5; 2] (proj [:: 2; 1])]);
     (23, Contract [:: 4; 2; 5] [:: 5; 2] (proj [:: 2; 1])
       [:: View 6 [:: 4; 5] (proj [:: 0; 2]); View 20 [:: 4; 2] (proj [:: 0; 1])]);
     (* rectifier: the cotangent where the preactivation is positive *)
     (24, Const [:: 4; 5] 0 1);
     (25, Sel [:: 4; 5] CGt 5 24 22 24);
     (* first layer; 26 is the cotangent of the images, which nobody reads *)
     (26, Contract [:: 4; 5; 3] [:: 4; 3] (proj [:: 0; 2])
       [:: View 25 [:: 4; 5] (proj [:: 0; 1]); View 2 [:: 3; 5] (proj [:: 2; 1])]);
     (27, Contract [:: 4; 5; 3] [:: 3; 5] (proj [:: 2; 1])
       [:: View 0 [:: 4; 3] (proj [:: 0; 2]); View 25 [:: 4; 5] (proj [:: 0; 1])])],
   [:: 27; 23; 21]).
Proof. by vm_compute. Qed.

(** ** A concatenation

    Of 3 and 2 columns; the cotangent is cut where the parts meet. *)
Example joined_backward :
  grad (join 1 [:: 2; 5] 2 [:: (0, [:: 2; 3]); (1, [:: 2; 2])]) 5 4 [:: (0, [:: 2; 3]); (1, [:: 2; 2])]
  = ([:: (6, slice_of [:: (0%Z, 1); (0%Z, 1)] [:: 2; 5] [:: 2; 3] 5);
         (7, slice_of [:: (0%Z, 1); (3%Z, 1)] [:: 2; 5] [:: 2; 2] 5)], [:: 6; 7]).
Proof. by vm_compute. Qed.

(** ** What the checks refuse *)

(** The targets as a parameter. *)
Example moving_targets : checks perceptron 5 (shape_of perceptron_inputs)
  ((1, [:: 4; 2]) :: parameters) 11 10 = false.
Proof. by vm_compute. Qed.

(** Targets computed from a parameter: the logits as their own targets. *)
Example self_targets : targets_fixed
  [:: (5, dense 4 3 2 0 2); (6, SoftmaxCrossEntropy [:: 4; 2] 5 5)] [:: 2] = false.
Proof. by vm_compute. Qed.

(** A parameter named twice; a value that is no input; an operand from the
    future; an operand at another shape. *)
Example twice : checks perceptron 5 (shape_of perceptron_inputs)
  (nseq 2%nat (4, [:: 2])) 11 10 = false.
Proof. by vm_compute. Qed.
Example no_input : checks perceptron 5 (shape_of perceptron_inputs)
  [:: (9, [:: 4; 2])] 11 10 = false.
Proof. by vm_compute. Qed.
Example future : wf [:: (1, Una [::] Exp 1)] 1 (fun _ => [::]) = false.
Proof. by vm_compute. Qed.
Example other_shape : wf [:: (1, Una [:: 2] Exp 0)] 1 (fun _ => [::]) = false.
Proof. by vm_compute. Qed.
