(** * What a loss means

    Every loss as a function of real tensors, in formulas. Logits and targets
    are of one shape: the example, then, where there are such, tokens or places
    of an image, then the classes. No loss has a kink.

    Glossary
      - [loss_meaning]    a loss, of logits and targets of a shape;
                          [cross_entropy], in [Denote.v], is the mean over all
                          rows, a row being all but the classes, of
                          [- Σ_c y_c · ln (softmax z)_c]
      - [average]         the mean of all elements of a tensor *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecLoss.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section MeaningLoss.
Variable R : realType.

Definition average (s : shape) (x : tensor R) : R :=
  (\sum_(i <- idxs s) x i) / int_real R (Z.of_N (size_of s)).

Definition sigmoid (x : R) : R := 1 / (1 + expR (- x)).

(** Logits [z], targets [y]. *)
Definition loss_meaning (l : Loss.t) (s : shape) (z y : tensor R) : R := match l with
| Loss.SoftmaxCrossEntropy => cross_entropy s z y
| Loss.MeanSquaredError => average s (fun i => (z i - y i) ^+ 2)
| Loss.BinaryCrossEntropyWithLogits =>
    average s (fun i => - (y i * ln (sigmoid (z i)) + (1 - y i) * ln (1 - sigmoid (z i))))
end.
End MeaningLoss.
