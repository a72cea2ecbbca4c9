(** * What a loss means

    Every loss as a function of real tensors, in formulas. Logits and targets
    are of one shape: the example, then, where there are such, tokens or places
    of an image, then the classes. No loss has a kink.

    Glossary
      - [kind_meaning]    one loss, of logits and targets of a shape;
                          [cross_entropy], in [Denote.v], is the mean over all
                          rows, a row being all but the classes, of
                          [- Σ_c y_c · ln (softmax z)_c]
      - [average]         the mean of all elements of a tensor
      - [features_from n x]  the features of [x] from number [n] on
      - [sum_of_parts]    of parts side by side: the sum of each one's weight times
                          its loss of the features that are its own
      - [loss_meaning]    any loss *)
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
Definition kind_meaning (l : Loss.kind) (s : shape) (z y : tensor R) : R := match l with
| Loss.SoftmaxCrossEntropy => cross_entropy s z y
| Loss.MeanSquaredError => average s (fun i => (z i - y i) ^+ 2)
| Loss.BinaryCrossEntropyWithLogits =>
    average s (fun i => - (y i * ln (sigmoid (z i)) + (1 - y i) * ln (1 - sigmoid (z i))))
end.

Definition features_from (n : N) (x : tensor R) : tensor R :=
  fun i => x (rcons (lead i) (n + last 0%num i)%num).

Fixpoint sum_of_parts (ps : seq Loss.part) (s : shape) (n : N) (z y : tensor R) : R :=
  if ps is p :: ps' then
    rational R (Loss.weight_num p) (Loss.weight_den p)
      * kind_meaning (Loss.kind_of p) (Loss.own_shape s p) (features_from n z) (features_from n y)
    + sum_of_parts ps' s (n + Loss.features p)%num z y
  else 0.

Definition loss_meaning (l : Loss.t) (s : shape) (z y : tensor R) : R := match l with
| Loss.Whole l => kind_meaning l s z y
| Loss.Parts ps => sum_of_parts ps s 0 z y
end.
End MeaningLoss.
