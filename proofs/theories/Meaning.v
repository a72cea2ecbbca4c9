(** * What a specification means

    The network as a function of real tensors, from the meaning of its layers.
    [MeaningSound.v] proves that the program [elaborate] makes computes it.

    Glossary
      - [logits_of], [loss_of]  the network's output and loss, as functions of
                          parameters (parameter [k] is [theta k]), data, target;
                          in training, with the random masks from [theta m] on,
                          or in evaluation, with the running statistics
      - [stats_after]     the running statistics after a batch
      - [layer_inputs]    what comes into each layer, and what a maximum of
                          branches compares
      - [kinks_of]        the kinks a network has
      - [through]         what a chain makes of its input
      - [inputs_through], [stats_through], [kinks_in]  the last three, of a chain *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Denote Spec.
From Cotangent Require Export MeaningLayer MeaningJoin MeaningLoss.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Fixpoint kinks_in (c : chain) : seq kink := match c with
| End => [::]
| Next name l c' => kinks_of_layer name l ++ kinks_in c'
| Branch a c' => kinks_in a ++ kinks_in c'
| Join name j c' => kinks_of_join name j ++ kinks_in c'
| Again _ _ a c' => kinks_in a ++ kinks_in c'
end.
Definition kinks_of (net : spec) : seq kink := kinks_in (layers net).

Section Meaning.
Variable R : realType.

Section Net.
Variable batch : N.

(** Layers on an input [x] of shape [batch :: s]; their parameters start at
    [theta p0], their running statistics or masks where [t0] says. [ready] are the
    branches' outputs that wait to be joined, with their shapes. *)
Fixpoint through (theta : N -> tensor R) (c : chain) (ready : seq (shape * tensor R)) (s : shape)
    (p0 : N) (t0 : reading) (x : tensor R) : tensor R := match c with
| End => x
| Next _ l c' =>
    let y := layer_meaning l batch s [seq theta k | k <- own_values l s p0 t0] x in
    through theta c' ready (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
      (past_read t0 (Layer.stats l s) (Layer.masks l s)) y
| Branch a c' =>
    let y := through theta a [::] s p0 t0 x in
    through theta c' (rcons ready (odflt [::] (output_shape a [::] s), y)) s
      (past p0 (params_in a [::] s)) (past_read t0 (stats_in a [::] s) (masks_in a [::] s)) x
| Join _ j c' =>
    through theta c' [::] (odflt [::] (joined_shape j (unzip1 ready))) p0 t0 (joined j ready)
| Again p st a c' =>
    let y := through theta a [::] s p (shared_read t0 st) x in
    through theta c' ready (odflt [::] (output_shape a [::] s)) p0
      (past_read t0 [::] (masks_in a [::] s)) y
end.

(** What comes into each layer in training, as functions of a point [v] on which
    parameters and input depend; and what a maximum of branches compares. Masks
    start at [theta v m0]. *)
Fixpoint inputs_through (V : Type) (theta : V -> N -> tensor R) (c : chain)
    (ready : seq (shape * (V -> tensor R))) (s : shape) (p0 m0 : N) (x : V -> tensor R)
    : seq (string * shape * (V -> tensor R)) := match c with
| End => [::]
| Next name l c' =>
    let y v := layer_meaning l batch s [seq theta v k | k <- own_values l s p0 (Masks m0)] (x v) in
    (name, batch :: s, x)
      :: inputs_through theta c' ready (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
           (past m0 (Layer.masks l s)) y
| Branch a c' =>
    let y v := through (theta v) a [::] s p0 (Masks m0) (x v) in
    inputs_through theta a [::] s p0 m0 x
      ++ inputs_through theta c' (rcons ready (odflt [::] (output_shape a [::] s), y)) s
           (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) x
| Join name j c' =>
    let t := odflt [::] (joined_shape j (unzip1 ready)) in
    join_inputs name j (batch :: t) ready
      ++ inputs_through theta c' [::] t p0 m0 (fun v => joined j [seq (q.1, q.2 v) | q <- ready])
| Again p _ a c' =>
    let y v := through (theta v) a [::] s p (Masks m0) (x v) in
    inputs_through theta a [::] s p m0 x
      ++ inputs_through theta c' ready (odflt [::] (output_shape a [::] s)) p0
           (past m0 (masks_in a [::] s)) y
end.

(** The running statistics after the batch in training. Number [i] is [now i];
    each layer in turn replaces its own, which start at number [t0]. A chain that is
    used again replaces those of its first use, as they are by then. Masks start at
    [theta m0]. *)
Fixpoint stats_through (theta : N -> tensor R) (c : chain) (ready : seq (shape * tensor R)) (s : shape)
    (p0 m0 t0 : N) (now : N -> tensor R) (x : tensor R) : N -> tensor R := match c with
| End => now
| Next _ l c' =>
    let y := layer_meaning l batch s [seq theta k | k <- own_values l s p0 (Masks m0)] x in
    let running := [seq now i | i <- count_from t0 (size (Layer.stats l s))] in
    stats_through theta c' ready (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
      (past m0 (Layer.masks l s)) (past t0 (Layer.stats l s))
      (replaced now t0 (new_stats batch l s running x)) y
| Branch a c' =>
    let y := through theta a [::] s p0 (Masks m0) x in
    stats_through theta c' (rcons ready (odflt [::] (output_shape a [::] s), y)) s
      (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) (past t0 (stats_in a [::] s))
      (stats_through theta a [::] s p0 m0 t0 now x) x
| Join _ j c' =>
    stats_through theta c' [::] (odflt [::] (joined_shape j (unzip1 ready))) p0 m0 t0 now
      (joined j ready)
| Again p st a c' =>
    let y := through theta a [::] s p (Masks m0) x in
    stats_through theta c' ready (odflt [::] (output_shape a [::] s)) p0
      (past m0 (masks_in a [::] s)) t0 (stats_through theta a [::] s p m0 st now x) y
end.
End Net.

Definition logits_of (net : spec) (batch : N) (r : reading) (theta : N -> tensor R)
    (x : tensor R) : tensor R :=
  through batch theta (layers net) [::] (input_shape net) 0 r x.

(** Masks are [theta masks] and the following. *)
Definition loss_of (net : spec) (batch masks : N) (theta : N -> tensor R) (x target : tensor R) : R :=
  loss_meaning (net_loss net) (batch :: odflt [::] (output_of net))
    (logits_of net batch (Masks masks) theta x) target.

Definition layer_inputs (V : Type) (net : spec) (batch masks : N) (theta : V -> N -> tensor R)
    (x : V -> tensor R) :=
  inputs_through batch theta (layers net) [::] (input_shape net) 0 masks x.

(** All running statistics after a batch [x] in training, which were [theta t0]
    and the following. *)
Definition stats_after (net : spec) (batch masks : N) (theta : N -> tensor R) (t0 : N) (x : tensor R)
    : seq (tensor R) :=
  let after := stats_through batch theta (layers net) [::] (input_shape net) 0 masks 0
    (fun i => theta (t0 + i)%num) x in
  [seq after i | i <- first_dims (size (net_stats net))].
End Meaning.
