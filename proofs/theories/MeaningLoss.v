(** * What a loss means

    Every loss as a function of real tensors, in formulas. Logits and targets
    are of one shape: the example, then, where there are such, tokens or places
    of an image, then the classes. No loss has a kink.

    Glossary
      - [loss_meaning]    a loss, of logits and targets of a shape;
                          [cross_entropy], in [Denote.v], is the mean over all
                          rows, a row being all but the classes, of
                          [- Σ_c y_c · ln (softmax z)_c] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecLoss.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section MeaningLoss.
Variable R : realType.

(** Logits [z], targets [y]. *)
Definition loss_meaning (l : Loss.t) (s : shape) (z y : tensor R) : R := match l with
| Loss.SoftmaxCrossEntropy => cross_entropy s z y
end.
End MeaningLoss.
