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
Inductive t := SoftmaxCrossEntropy | MeanSquaredError | BinaryCrossEntropyWithLogits.

Definition fits (s : shape) : bool := all (N.ltb 0) s && (0 < size s).

(** The mean of all elements of [x] of shape [s], of three instructions. *)
Definition mean_of_all (s : shape) (x k : N) : prog :=
  let ds := first_dims (size s) in
  [:: (k, total_over s ds x);
      (k + 1, mean_count s ds);
      (k + 2, Bin [::] Div k (k + 1))]%num.

(** Logits [z] and targets [y] of shape [s]; results are numbered from [k]. *)
Definition emit (l : t) (s : shape) (z y k : N) : prog := match l with
| SoftmaxCrossEntropy => [:: (k, Ir.SoftmaxCrossEntropy s z y)]
| MeanSquaredError =>
    [:: (k, Bin s Sub z y); (k + 1, Bin s Mul k k)]%num ++ mean_of_all s (k + 1) (k + 2)
| BinaryCrossEntropyWithLogits =>    (* the mean of [softplus z - y · z] *)
    [:: (k, Una s Softplus z); (k + 1, Bin s Mul y z); (k + 2, Bin s Sub k (k + 1))]%num
      ++ mean_of_all s (k + 2) (k + 3)
end.
End Loss.
