(** * What a step is about

    The network's loss, logits and statistics, as functions of the arguments
    [a] of a step: argument [k] of [@main] is [a k]. To be read, not proved.

    Glossary
      - [loss_at], [logits_at]  of the specification, at a step's arguments
      - [stats_at_step]     the running statistics after the step, with their
                            shapes
      - [inputs_at]         what comes into each layer
      - [is_gradient f x g]  [f] is differentiable at [x] with gradient [g] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith.
From Cotangent Require Import Ir Index Denote Spec Meaning Steps.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section StepMeaning.
Variable R : realType.
Implicit Types (a : env R).

Definition logits_at (net : spec) (opts : options) a : tensor R :=
  logits_of net (batch_size opts) (reading_at net (which opts)) a (a (data_at net (which opts))).

Definition loss_at (net : spec) (opts : options) a : R :=
  loss_of net (batch_size opts) (masks_at net (which opts)) a (a (data_at net (which opts))) (a (target_at net (which opts))).

(** The running statistics after the step, with their shapes. *)
Definition stats_at_step (net : spec) (opts : options) a : seq (shape * tensor R) :=
  zip [seq q.2 | q <- net_stats net]
    (stats_after net (batch_size opts) (masks_at net (which opts)) a (stats_at net (which opts))
       (a (data_at net (which opts)))).

(** Of the arguments [A v], which depend on a point. *)
Definition inputs_at (V : Type) (net : spec) (opts : options) (A : V -> env R) :=
  layer_inputs net (batch_size opts) (masks_at net (which opts)) A (fun v => A v (data_at net (which opts))).

Definition is_gradient n (f : 'rV[R]_n.+1 -> R^o) (x g : 'rV[R]_n.+1) : Prop :=
  differentiable f x /\ forall v, 'd f x v = \sum_i g 0 i * v 0 i.
End StepMeaning.
