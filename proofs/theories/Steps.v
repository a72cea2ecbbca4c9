(** * The steps that are expected

    From a specification and options: the program of [@main], its arguments and
    results in order, with names, roles and shapes, as the Rust crate [step]
    makes them. Argument [k] is value [k] of the program: parameters, optimiser
    state, running statistics, data, target, learning rate. A train step updates
    the statistics, the forward pass, which is evaluation, reads them.

    Glossary
      - [options]           batch size, and which step
      - [port]              name, role and shape of an argument or result
      - [stats_at], [data_at], [target_at], [rate_at], [slots_at], [powers_at]
                            where the arguments are; [first_at] is past them
      - [numbered_params]   the parameters, as value and shape
      - [argument_ports], [result_ports]  the interface of [@main]
      - [expected]          the program with its results
      - [expected_step]     the expected step, if the network is well formed *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Grad Spec Optimizer Features.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

Inductive what := Forward | Grad | Train of optimizer & features.
Record options := Options { batch_size : N; which : what }.

(** ** Arguments and results *)

Record port := Port { port_name : string; port_role : string; port_shape : shape }.

Definition ports (role : string) (l : seq (string * shape)) : seq port :=
  [seq Port q.1 role q.2 | q <- l].

Definition state_of (net : spec) (w : what) : seq (string * shape) :=
  if w is Train o _ then state o (net_params net) else [::].

(** The gradient alone is that of training, without the updates. *)
Definition stats_read (net : spec) (w : what) : seq (string * shape) :=
  if w is Grad then [::] else net_stats net.

Definition n_params (net : spec) : N := N.of_nat (size (net_params net)).
Definition stats_at (net : spec) (w : what) : N :=
  n_params net + N.of_nat (size (state_of net w)).
Definition data_at (net : spec) (w : what) : N :=
  stats_at net w + N.of_nat (size (stats_read net w)).
Definition target_at (net : spec) (w : what) : N := data_at net w + 1.
Definition rate_at (net : spec) (w : what) : N := data_at net w + 2.
Definition first_at (net : spec) (w : what) : N :=
  data_at net w + match w with Forward => 1 | Grad => 2 | Train _ _ => 3 end.

(** Where the layers read running statistics. *)
Definition running_at (net : spec) (w : what) : option N :=
  if w is Forward then Some (stats_at net w) else None.

(** Slot [j] of parameter [k] comes after the parameters and the slots before. *)
Definition slots_at (net : spec) (o : optimizer) (k : N) : seq N :=
  [seq n_params net * (j + 1) + k | j <- first_dims (size (slots o))].
Definition powers_at (net : spec) (o : optimizer) : seq N :=
  [seq n_params net * (N.of_nat (size (slots o)) + 1) + i | i <- first_dims (size (powers o))].

Definition numbered_params (net : spec) : seq (N * shape) :=
  zip (first_dims (size (net_params net))) [seq q.2 | q <- net_params net].

(** Shape of the logits and of the target. *)
Definition logits_shape (net : spec) (batch : N) : shape :=
  batch :: odflt [::] (output_of net).

Definition argument_ports (net : spec) (opts : options) : seq port :=
  let: Options batch w := opts in
  ports "param" (net_params net)
  ++ ports "state" (state_of net w)
  ++ ports "stat" (stats_read net w)
  ++ [:: Port "x" "data" (batch :: input_shape net)]
  ++ (if w is Forward then [::] else [:: Port "target" "target" (logits_shape net batch)])
  ++ (if w is Train _ _ then [:: Port "lr" "hyper" [::]] else [::]).

Definition result_ports (net : spec) (opts : options) : seq port :=
  let: Options batch w := opts in
  let loss := Port "loss" "loss" [::] in
  let logits := Port "logits" "logits" (logits_shape net batch) in
  match w with
  | Forward => [:: logits]
  | Grad => ports "grad" (net_params net) ++ [:: loss]
  | Train _ _ =>
      ports "param" (net_params net) ++ ports "state" (state_of net w)
      ++ ports "stat" (net_stats net) ++ [:: loss; logits]
  end.

(** ** Programs *)

Record expected := Expected {
  x_graph : graph;       (** the forward pass and the loss, with which the program starts *)
  x_back : prog;         (** those, then reverse mode *)
  x_grads : seq N;       (** the gradients, in the order of the parameters *)
  x_prog : prog;         (** the whole *)
  x_results : seq N }.

(** Slot by slot, parameter by parameter; [none] is not reached. *)
Definition by_slot (T : Type) (none : T) (n : nat) (l : seq (seq T)) : seq T :=
  flatten [seq [seq nth none q j | q <- l] | j <- iota 0 n].

(** New parameters, new slots, new powers. *)
Definition train_results (T : Type) (none : T) (slot_count : nat) (r : seq (T * seq T)) (power : seq T)
    : seq T :=
  [seq q.1 | q <- r] ++ by_slot none slot_count [seq q.2 | q <- r] ++ power.

Definition trained_params (net : spec) (o : optimizer) (grads : seq N) : seq trained :=
  [seq Trained q.1.1 q.1.2 q.2 (slots_at net o q.1.1) | q <- zip (numbered_params net) grads].

Definition position_of (net : spec) (w : what) : position :=
  At (running_at net w) (data_at net w) (target_at net w) (first_at net w).

Definition expected_step (net : spec) (opts : options) : option expected :=
  let: Options batch w := opts in
  let first := first_at net w in
  if elaborate net batch (position_of net w) is Some g then
    let: (back, grads) :=
      loss_grad (g_prog g) (N.succ (g_loss g)) (g_loss g) (numbered_params net) in
    let p := g_prog g ++ back in
    match w with
    | Forward => Some (Expected g p grads (g_forward g) [:: g_logits g])
    | Grad => Some (Expected g p grads p (grads ++ [:: g_loss g]))
    | Train o f =>
        let: (c, (r, power)) :=
          update (spared f) o (rate_at net w) (trained_params net o grads) (powers_at net o) (next_id first p) in
        let: (u, stats) :=
          update_stats batch (layers net) [::] (input_shape net) 0 (stats_at net w) (data_at net w) first
            (next_id first (p ++ c)) in
        Some (Expected g p grads (p ++ c ++ u)
               (train_results 0 (size (slots o)) r power ++ stats ++ [:: g_loss g; g_logits g]))
    end
  else None.
