(** * Losses, as instructions

    A loss is data; [Loss.emit] makes its instructions. What a loss means is in
    [MeaningLoss.v], and that the instructions compute it in
    [MeaningLossSound.v].

    Glossary
      - [Loss.fits]       there are logits
      - [Loss.emit]       the loss of logits against targets of the same shape,
                          as instructions; the last one is the loss, a scalar *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Grad.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Module Loss.
Inductive t := SoftmaxCrossEntropy.

Definition fits (s : shape) : bool := all (N.ltb 0) s && (0 < size s).

(** Logits [z] and targets [y] of shape [s]; results are numbered from [k]. *)
Definition emit (l : t) (s : shape) (z y k : N) : prog := match l with
| SoftmaxCrossEntropy => [:: (k, Ir.SoftmaxCrossEntropy s z y)]
end.
End Loss.
