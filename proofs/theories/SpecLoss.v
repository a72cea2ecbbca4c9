(** * Losses, as instructions

    A loss is data; [Loss.emit] makes its instructions. What a loss means is in
    [MeaningLoss.v], and that the instructions compute it in
    [MeaningLossSound.v].

    Glossary
      - [Loss.kind]       one loss
      - [Loss.part]       a loss of some of the features, and its weight, a
                          numerator and a denominator
      - [Loss.t]          a loss of all features, or parts, side by side along
                          the last dimension
      - [Loss.some_logits]  there are logits
      - [Loss.fits]       there are, and parts take all features, each some, with
                          a weight above 0
      - [Loss.own_shape]  shape of a part's logits
      - [Loss.emit_kind]  the loss of logits against targets of the same shape,
                          as instructions; the last one is the loss, a scalar
      - [Loss.emit_part]  a part, times its weight
      - [Loss.emit]       the same for any loss; parts are added up in order *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Grad Joins SpecToken.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Module Loss.
Inductive kind := SoftmaxCrossEntropy | MeanSquaredError | BinaryCrossEntropyWithLogits.
Record part := Part { kind_of : kind; features : N; weight_num : Z; weight_den : positive }.
Inductive t := Whole of kind | Parts of seq part.

(** ** What fits *)
Definition some_logits (s : shape) : bool := all (N.ltb 0) s && (0 < size s).
Definition some_part (p : part) : bool := N.ltb 0 (features p) && Z.ltb 0 (weight_num p).
Definition fits (l : t) (s : shape) : bool :=
  some_logits s && (if l is Parts ps then
    [&& 0 < size ps, all some_part ps & N.eqb (foldr N.add 0%num (map features ps)) (last 0%num s)]
  else true).

(** ** Instructions *)

(** The mean of all elements of [x] of shape [s], of three instructions. *)
Definition mean_of_all (s : shape) (x k : N) : prog :=
  let ds := first_dims (size s) in
  [:: (k, total_over s ds x);
      (k + 1, mean_count s ds);
      (k + 2, Bin [::] Div k (k + 1))]%num.

(** Logits [z] and targets [y] of shape [s]; results are numbered from [k]. *)
Definition emit_kind (l : kind) (s : shape) (z y k : N) : prog := match l with
| SoftmaxCrossEntropy => [:: (k, Ir.SoftmaxCrossEntropy s z y)]
| MeanSquaredError =>
    [:: (k, Bin s Sub z y); (k + 1, Bin s Mul k k)]%num ++ mean_of_all s (k + 1) (k + 2)
| BinaryCrossEntropyWithLogits =>    (* the mean of [softplus z - y · z] *)
    [:: (k, Una s Softplus z); (k + 1, Bin s Mul y z); (k + 2, Bin s Sub k (k + 1))]%num
      ++ mean_of_all s (k + 2) (k + 3)
end.

Definition own_shape (s : shape) (p : part) : shape := rcons (lead s) (features p).

(** The features of [x] from [first] on. *)
Definition cut (s : shape) (p : part) (first x : N) : op :=
  slice_of (part_steps (size s) (N.of_nat (size s).-1) first) s (own_shape s p) x.

Definition emit_part (p : part) (s : shape) (first z y k : N) : prog :=
  let own := emit_kind (kind_of p) (own_shape s p) k (k + 1) (k + 2) in
  let w := next_id (k + 2) own in
  [:: (k, cut s p first z); (k + 1, cut s p first y)]%num ++ own
    ++ [:: (w, Const [::] (weight_num p) (weight_den p)); (w + 1, Bin [::] Mul (N.pred w) w)]%num.

(** The parts, from feature [first] on, added to the value [sum]. *)
Fixpoint add_parts (ps : seq part) (s : shape) (first z y sum k : N) : prog :=
  if ps is p :: ps' then
    let own := emit_part p s first z y k in
    let k' := next_id k own in
    own ++ (k', Bin [::] Add sum (N.pred k'))
      :: add_parts ps' s (first + features p) z y k' (N.succ k')
  else [::].

Definition emit (l : t) (s : shape) (z y k : N) : prog := match l with
| Whole l => emit_kind l s z y k
| Parts [::] => [::]
| Parts (p :: ps) =>
    let own := emit_part p s 0 z y k in
    let k' := next_id k own in
    own ++ add_parts ps s (features p) z y (N.pred k') k'
end.
End Loss.
Coercion Loss.Whole : Loss.kind >-> Loss.t.
