(** * What a specification means

    The network as a function of real tensors, from the meaning of its layers.
    [MeaningSound.v] proves that the program [elaborate] makes computes it.

    Glossary
      - [logits_of], [loss_of]  the network's output and loss, as functions of
                          parameters (parameter [k] is [theta k]), data, target;
                          in training, or in evaluation with the running
                          statistics from [theta running] on
      - [stats_after]     the running statistics after a batch
      - [layer_inputs]    what comes into each layer
      - [kinks_of]        the kinks a network has *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Denote Spec.
From Cotangent Require Export MeaningLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Fixpoint kinks_in (c : chain) : seq kink := match c with
| End => [::]
| Next name l c' => kinks_of_layer name l ++ kinks_in c'
| Merge _ _ a b c' => kinks_in a ++ kinks_in b ++ kinks_in c'
end.
Definition kinks_of (net : spec) : seq kink := kinks_in (layers net).

Section Meaning.
Variable R : realType.

Section Net.
Variable batch : N.

Definition merged (m : merging) (y z : tensor R) : tensor R := fun i => match m with
| Sum => y i + z i
| Product => y i * z i
end.

(** Layers on an input [x] of shape [batch :: s]; their parameters start at
    [theta p0], in evaluation their running statistics at [theta t0]. *)
Fixpoint through (theta : N -> tensor R) (c : chain) (s : shape) (p0 : N) (t0 : option N)
    (x : tensor R) : tensor R := match c with
| End => x
| Next _ l c' =>
    let y := layer_meaning l batch s [seq theta k | k <- own_values l s p0 t0] x in
    through theta c' (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
      (past_stats t0 (Layer.stats l s)) y
| Merge _ m a b c' =>
    let p1 := past p0 (params_in a s) in let t1 := past_stats t0 (stats_in a s) in
    let p2 := past p1 (params_in b s) in let t2 := past_stats t1 (stats_in b s) in
    let y := merged m (through theta a s p0 t0 x) (through theta b s p1 t1 x) in
    through theta c' (odflt [::] (output_shape a s)) p2 t2 y
end.

(** What comes into each layer in training, as functions of a point [v] on which
    parameters and input depend. *)
Fixpoint inputs_through (V : Type) (theta : V -> N -> tensor R) (c : chain) (s : shape) (p0 : N)
    (x : V -> tensor R) : seq (string * shape * (V -> tensor R)) := match c with
| End => [::]
| Next name l c' =>
    let y v := layer_meaning l batch s [seq theta v k | k <- own_values l s p0 None] (x v) in
    (name, batch :: s, x)
      :: inputs_through theta c' (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s)) y
| Merge _ m a b c' =>
    let p1 := past p0 (params_in a s) in let p2 := past p1 (params_in b s) in
    let y v := merged m (through (theta v) a s p0 None (x v)) (through (theta v) b s p1 None (x v)) in
    inputs_through theta a s p0 x ++ inputs_through theta b s p1 x
      ++ inputs_through theta c' (odflt [::] (output_shape a s)) p2 y
end.

(** Of all layers; they start at [theta t0]. *)
Fixpoint stats_through (theta : N -> tensor R) (c : chain) (s : shape) (p0 t0 : N)
    (x : tensor R) : seq (tensor R) := match c with
| End => [::]
| Next _ l c' =>
    let running := [seq theta k | k <- count_from t0 (size (Layer.stats l s))] in
    let y := layer_meaning l batch s [seq theta k | k <- own_values l s p0 None] x in
    new_stats batch l s running x
      ++ stats_through theta c' (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
           (past t0 (Layer.stats l s)) y
| Merge _ m a b c' =>
    let p1 := past p0 (params_in a s) in let t1 := past t0 (stats_in a s) in
    let p2 := past p1 (params_in b s) in let t2 := past t1 (stats_in b s) in
    let y := merged m (through theta a s p0 None x) (through theta b s p1 None x) in
    stats_through theta a s p0 t0 x ++ stats_through theta b s p1 t1 x
      ++ stats_through theta c' (odflt [::] (output_shape a s)) p2 t2 y
end.
End Net.

Definition logits_of (net : spec) (batch : N) (running : option N) (theta : N -> tensor R)
    (x : tensor R) : tensor R :=
  through batch theta (layers net) (input_shape net) 0 running x.

Definition loss_of (net : spec) (batch : N) (theta : N -> tensor R) (x target : tensor R) : R :=
  let s := [:: batch; odflt 0%num (classes net)] in
  match net_loss net with
  | Loss.SoftmaxCrossEntropy => cross_entropy s (logits_of net batch None theta x) target
  end.

Definition layer_inputs (V : Type) (net : spec) (batch : N) (theta : V -> N -> tensor R)
    (x : V -> tensor R) :=
  inputs_through batch theta (layers net) (input_shape net) 0 x.

(** All running statistics after a batch [x] in training, which were [theta t0]
    and the following. *)
Definition stats_after (net : spec) (batch : N) (theta : N -> tensor R) (t0 : N) (x : tensor R)
    : seq (tensor R) :=
  stats_through batch theta (layers net) (input_shape net) 0 t0 x.
End Meaning.
