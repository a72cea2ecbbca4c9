(** * The steps that are expected

    From a specification and options: the program of [@main], its arguments and
    results in order, with names, roles and shapes, as the Rust crate [step]
    makes them. Argument [k] is value [k] of the program: parameters, optimiser
    state, running statistics, data, target, masks, learning rate, [apply]. A train step updates
    the statistics, the forward pass, which is evaluation, reads them.

    Glossary
      - [options]           batch size, and which step
      - [port]              name, role and shape of an argument or result
      - [stats_at], [data_at], [target_at], [masks_at], [rate_at], [apply_at], [slots_at],
        [powers_at], [sum_at], [average_at]
                            where the arguments are; [first_at] is past them
      - [slots_past], [sums_at], [averages_at]  the same, counted once for all parameters
      - [numbered_from]     items with their numbers; [numbered_params], [numbered_state]  the parameters, and the rule's
                            state, as value and shape
      - [argument_ports], [result_ports]  the interface of [@main]
      - [options_ok]        there are examples; constants and features are fit
      - [reads_arguments]   everything that the update reads is an argument
      - [update_stages]     accumulation, clipping, rule, averages, choice
      - [expected]          the program with its results
      - [expected_step]     the expected step, if the network is well formed
      - [what]              which step
      - [ports]             several, of one role
      - [state_of], [averages_of], [stats_read]  names and shapes of the state, the
                            moving averages, the statistics that are read
      - [n_params], [n_masks]  how many
      - [reading_at], [position_of]  where layers find what they read
      - [logits_shape]      shape of logits and target
      - [by_slot], [train_results], [trained_params]  results in their order *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Grad Spec Optimizer Features.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

Inductive what := Forward | Grad | Train of optimizer & features.
Record options := Options { batch_size : N; which : what }.

Definition options_ok (opts : options) : bool :=
  N.ltb 0 (batch_size opts) && (if which opts is Train o f then constants_ok o && features_ok f else true).

(** ** Arguments and results *)

Record port := Port { port_name : string; port_role : string; port_shape : shape }.

Definition ports (role : string) (l : seq (string * shape)) : seq port :=
  [seq Port q.1 role q.2 | q <- l].

(** The rule's state, then the sums of gradients. *)
Definition state_of (net : spec) (w : what) : seq (string * shape) :=
  if w is Train o f then
    state o (net_params net)
    ++ (if accumulate f is Some _ then
          [seq (("accumulated." ++ p.1)%string, p.2) | p <- net_params net] else [::])
  else [::].
Definition averages_of (net : spec) (w : what) : seq (string * shape) :=
  if w is Train o f then
    if ema f is Some _ then [seq (("ema." ++ p.1)%string, p.2) | p <- net_params net] else [::]
  else [::].

(** The gradient alone is that of training, without the updates. *)
Definition stats_read (net : spec) (w : what) : seq (string * shape) :=
  if w is Grad then [::] else net_stats net.

Definition n_params (net : spec) : N := N.of_nat (size (net_params net)).
Definition stats_at (net : spec) (w : what) : N :=
  n_params net + N.of_nat (size (state_of net w)) + N.of_nat (size (averages_of net w)).
Definition data_at (net : spec) (w : what) : N :=
  stats_at net w + N.of_nat (size (stats_read net w)).
Definition target_at (net : spec) (w : what) : N := data_at net w + 1.
Definition masks_at (net : spec) (w : what) : N := data_at net w + 2.
Definition n_masks (net : spec) : N := N.of_nat (size (net_masks net)).
Definition rate_at (net : spec) (w : what) : N := masks_at net w + n_masks net.
Definition apply_at (net : spec) (w : what) : N := rate_at net w + 1.
Definition first_at (net : spec) (w : what) : N :=
  data_at net w + match w with
                  | Forward => 1 | Grad => 2 + n_masks net
                  | Train _ f => (if accumulate f is Some _ then 4 else 3) + n_masks net end.

(** Evaluation reads running statistics, training reads masks. *)
Definition reading_at (net : spec) (w : what) : reading :=
  if w is Forward then Running (stats_at net w) 0 else Masks (masks_at net w).

(** Slot [j] of parameter [k] comes after the parameters, of which there are
    [count], and the slots before. *)
Definition slots_past (count : N) (o : optimizer) (k : N) : seq N :=
  [seq count * (j + 1) + k | j <- first_dims (size (slots o))].
Definition slots_at (net : spec) (o : optimizer) (k : N) : seq N := slots_past (n_params net) o k.
Definition powers_at (net : spec) (o : optimizer) : seq N :=
  [seq n_params net * (N.of_nat (size (slots o)) + 1) + i | i <- first_dims (size (powers o))].

(** The sum of gradients and the average of parameter [k]. *)
Definition sums_at (net : spec) (o : optimizer) : N :=
  n_params net + N.of_nat (size (state o (net_params net))).
Definition sum_at (net : spec) (o : optimizer) (k : N) : N := sums_at net o + k.
Definition averages_at (net : spec) (w : what) : N :=
  n_params net + N.of_nat (size (state_of net w)).
Definition average_at (net : spec) (w : what) (k : N) : N := averages_at net w + k.

Fixpoint numbered_from (T : Type) (k : N) (l : seq T) : seq (N * T) :=
  if l is x :: l' then (k, x) :: numbered_from (N.succ k) l' else [::].
Definition numbered_params (net : spec) : seq (N * shape) :=
  numbered_from 0 [seq q.2 | q <- net_params net].
Definition numbered_state (net : spec) (o : optimizer) : seq (N * shape) :=
  numbered_from (n_params net) [seq q.2 | q <- state o (net_params net)].

(** Shape of the logits and of the target. *)
Definition logits_shape (net : spec) (batch : N) : shape :=
  batch :: odflt [::] (output_of net).

Definition argument_ports (net : spec) (opts : options) : seq port :=
  let: Options batch w := opts in
  ports "param" (net_params net)
  ++ ports "state" (state_of net w) ++ ports "ema" (averages_of net w)
  ++ ports "stat" (stats_read net w)
  ++ [:: Port "x" "data" (batch :: input_shape net)]
  ++ (if w is Forward then [::] else [:: Port "target" "target" (logits_shape net batch)])
  ++ (if w is Forward then [::] else ports "mask" [seq (q.1, batch :: q.2) | q <- net_masks net])
  ++ (if w is Train _ f then
        Port "lr" "hyper" [::]
        :: (if accumulate f is Some _ then [:: Port "apply" "hyper" [::]] else [::])
      else [::]).

Definition result_ports (net : spec) (opts : options) : seq port :=
  let: Options batch w := opts in
  let loss := Port "loss" "loss" [::] in
  let logits := Port "logits" "logits" (logits_shape net batch) in
  match w with
  | Forward => [:: logits]
  | Grad => ports "grad" (net_params net) ++ [:: loss]
  | Train _ _ =>
      ports "param" (net_params net) ++ ports "state" (state_of net w)
      ++ ports "ema" (averages_of net w) ++ ports "stat" (net_stats net) ++ [:: loss; logits]
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
  let count := n_params net in
  [seq Trained q.1.1 q.1.2 q.2 (slots_past count o q.1.1) | q <- zip (numbered_params net) grads].

(** The whole update: the code of each stage in turn, and the new parameters,
    state, sums, averages. *)
Definition update_stages (net : spec) (o : optimizer) (f : features) (grads : seq N) (k : N)
    : seq prog * seq N :=
  let w := Train o f in let params := numbered_params net in
  let sums0 := sums_at net o in let averages0 := averages_at net w in
  let: (c1, (sums, means)) := accumulated (accumulate f)
    [seq (q.1.2, (sums0 + q.1.1, q.2)) | q <- zip params grads] k in
  let k2 := next_id k c1 in
  let: (c2, given) := clipped (clip f) [seq (q.1.2, q.2) | q <- zip params means] k2 in
  let k3 := next_id k2 c2 in
  let: (c3, (r, power)) :=
    update (spared f) o (rate_at net w) (trained_params net o given) (powers_at net o) k3 in
  let k4 := next_id k3 c3 in
  let: (c4, averages) := averaged (ema f)
    [seq (q.1.2, (averages0 + q.1.1, q.2.1)) | q <- zip params r] k4 in
  let k5 := next_id k4 c4 in
  let new := train_results 0 (size (slots o)) r power in
  if accumulate f is Some _ then
    let: (c5, zeros) := each (fun s _ => [:: zero_like s]) [seq q.2 | q <- params] k5 in
    let old := [seq q.1 | q <- params ++ numbered_state net o] ++ sums
      ++ (if ema f is Some _ then [seq averages0 + q.1 | q <- params] else [::]) in
    let shapes := [seq q.2 | q <- net_params net ++ state_of net w ++ averages_of net w] in
    let: (c6, results) :=
      applied (apply_at net w) (zip shapes (zip (new ++ zeros ++ averages) old)) (next_id k5 c5) in
    ([:: c1; c2; c3; c4; c5 ++ c6], results)
  else ([:: c1; c2; c3; c4], new ++ averages).

(** What the update reads beside gradients. *)
Definition arguments_read (net : spec) (o : optimizer) (f : features) : seq N :=
  let w := Train o f in let params := numbered_params net in let count := n_params net in
  let sums0 := sums_at net o in let averages0 := averages_at net w in
  rate_at net w :: powers_at net o ++ flatten [seq slots_past count o q.1 | q <- params]
  ++ (if accumulate f is Some _ then
        apply_at net w :: [seq (sums0 + q.1)%num | q <- params] ++ [seq q.1 | q <- numbered_state net o]
      else [::])
  ++ (if ema f is Some _ then [seq (averages0 + q.1)%num | q <- params] else [::]).

Definition reads_arguments (net : spec) (w : what) : bool :=
  let first := first_at net w in
  if w is Train o f then all (fun j => N.ltb j first) (arguments_read net o f) else true.

Definition position_of (net : spec) (w : what) : position :=
  At (reading_at net w) (data_at net w) (target_at net w) (first_at net w).

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
        let: (stages, new) := update_stages net o f grads (next_id first p) in
        let c := flatten stages in
        let stats0 := stats_at net w in
        let: (u, stats) :=
          update_stats batch stats0 (layers net) [::] (input_shape net) 0 (masks_at net w) 0
            aempty (data_at net w) first (next_id first (p ++ c)) in
        Some (Expected g p grads (p ++ c ++ u)
               (new ++ [seq latest stats0 stats q.1 | q <- numbered_from 0 (net_stats net)] ++ [:: g_loss g; g_logits g]))
    end
  else None.
