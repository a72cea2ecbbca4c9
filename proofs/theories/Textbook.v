(** * The update, in textbook formulas

    What a train step makes of the parameters and of its state, given the
    gradient. The rules are those of PyTorch's documentation (SGD, Adam, AdamW,
    RMSprop). The step number [t] enters through powers: the state carries
    [beta^(t-1)], and the step makes [beta^t] of it. Nothing here speaks of
    instructions; that the instructions compute it is proved in
    [OptimizerSound.v] and [UpdateSound.v].

    Glossary
      - [real c]            an exact constant as a real number
      - [textbook]          new value and new slots of one parameter, from the
                            learning rate, the old powers, the parameter, its
                            gradient, its old slots
      - [textbook_powers]   the new powers
      - [clip_to]           gradients, scaled so that their norm is not too large
      - [given_gradient]    the gradient that the rule is given: the mean of those
                            accumulated, clipped
      - [textbook_step]     all results of the update, with their shapes
      - [sum_of_squares], [norm], [trust]  of a tensor; LAMB's trust ratio
      - [new_sum], [step_powers]  the sums of gradients and the powers of this step
      - [new_values], [new_average]  of one parameter: value and slots, average
      - [rule_results], [average_results], [waiting_results]  their lists, and what
                            a micro-step gives that does not update *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote Optimizer Features Spec Steps.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Textbook.
Variable R : realType.

Definition real (c : ratio) : R := let: Over n d := c in rational R n d.

Definition textbook_powers (o : optimizer) (power : seq R) : seq R := match o, power with
| Adam beta1 beta2 _ _, [:: p1; p2] | AdamW beta1 beta2 _ _, [:: p1; p2]
| Lamb beta1 beta2 _ _, [:: p1; p2] =>
    [:: p1 * real beta1; p2 * real beta2]
| _, _ => power end.

(** The Euclidean norm of a tensor of shape [s]. *)
Definition sum_of_squares (s : shape) (x : tensor R) : R := \sum_(i <- idxs s) x i ^+ 2.
Definition norm (s : shape) (x : tensor R) : R := Num.sqrt (sum_of_squares s x).

(** LAMB's trust ratio. *)
Definition trust (s : shape) (p r : tensor R) : R :=
  if (0 < norm s p) && (0 < norm s r) then norm s p / norm s r else 1.

Definition textbook (o : optimizer) (s : shape) (lr : R) (power : seq R) (p g : tensor R)
    (slot : seq (tensor R)) : tensor R * seq (tensor R) :=
match o, slot with
| Sgd decay, _ =>
    let g' i := g i + real decay * p i in
    (fun i => p i - lr * g' i, [::])
| Momentum mu decay, [:: v] =>
    let g' i := g i + real decay * p i in
    let v' i := real mu * v i + g' i in
    (fun i => p i - lr * v' i, [:: v'])
| Nesterov mu decay, [:: v] =>
    let g' i := g i + real decay * p i in
    let v' i := real mu * v i + g' i in
    (fun i => p i - lr * (g' i + real mu * v' i), [:: v'])
| Adam beta1 beta2 eps decay, [:: m; v] =>
    let beta1_t := nth 0 (textbook_powers o power) 0 in
    let beta2_t := nth 0 (textbook_powers o power) 1 in
    let g' i := g i + real decay * p i in
    let m' i := real beta1 * m i + (1 - real beta1) * g' i in
    let v' i := real beta2 * v i + (1 - real beta2) * (g' i * g' i) in
    let m_hat i := m' i / (1 - beta1_t) in
    let v_hat i := v' i / (1 - beta2_t) in
    (fun i => p i - lr * m_hat i / (Num.sqrt (v_hat i) + real eps), [:: m'; v'])
| AdamW beta1 beta2 eps decay, [:: m; v] =>
    let beta1_t := nth 0 (textbook_powers o power) 0 in
    let beta2_t := nth 0 (textbook_powers o power) 1 in
    let m' i := real beta1 * m i + (1 - real beta1) * g i in
    let v' i := real beta2 * v i + (1 - real beta2) * (g i * g i) in
    let m_hat i := m' i / (1 - beta1_t) in
    let v_hat i := v' i / (1 - beta2_t) in
    (fun i => p i - lr * real decay * p i - lr * m_hat i / (Num.sqrt (v_hat i) + real eps),
     [:: m'; v'])
| RmsProp alpha eps mu decay, v :: velocity =>
    let g' i := g i + real decay * p i in
    let v' i := real alpha * v i + (1 - real alpha) * (g' i * g' i) in
    let q i := g' i / (Num.sqrt (v' i) + real eps) in
    if velocity is [:: u] then    (* the state of a momentum [mu] that is not 0 *)
      let u' i := real mu * u i + q i in
      (fun i => p i - lr * u' i, [:: v'; u'])
    else (fun i => p i - lr * q i, [:: v'])
| Lamb beta1 beta2 eps decay, [:: m; v] =>
    let beta1_t := nth 0 (textbook_powers o power) 0 in
    let beta2_t := nth 0 (textbook_powers o power) 1 in
    let m' i := real beta1 * m i + (1 - real beta1) * g i in
    let v' i := real beta2 * v i + (1 - real beta2) * (g i * g i) in
    let m_hat i := m' i / (1 - beta1_t) in
    let v_hat i := v' i / (1 - beta2_t) in
    let r i := m_hat i / (Num.sqrt (v_hat i) + real eps) + real decay * p i in
    (fun i => p i - lr * trust s p r * r i, [:: m'; v'])
| _, _ => (p, slot)
end.


(** ** Features

    Of several tensors, tensor [k] being [g k]; [params] are their numbers and
    shapes. *)

(** PyTorch's [clip_grad_norm_]: the norm is of all of them together. *)
Definition clip_to (largest eps : R) (params : seq (N * shape)) (g : env R) : env R :=
  let norm := Num.sqrt (\sum_(q <- params) sum_of_squares q.2 (g q.1)) in
  fun k i => g k i * Num.min 1 (largest / (norm + eps)).

(** The gradient that the rule is given. [sum] is the sum of the gradients since
    the last update, this one included. *)
Definition given_gradient (f : features) (params : seq (N * shape)) (sum g : env R) : env R :=
  let mean k i := if accumulate f is Some count then sum k i / real count else g k i in
  if clip f is Some (largest, eps) then clip_to (real largest) (real eps) params mean else mean.

(** ** The whole update

    Its results, with their shapes: parameters, the rule's state, the sums of
    gradients, the averages of parameters. The arguments are [a], the gradients
    [g]. *)
Section Step.
Variables (net : spec) (o : optimizer) (f : features) (a g : env R).
Let w := Train o f.
Let params : seq (N * shape) := numbered_params net.
Let for_params (x : N * shape -> tensor R) : seq (shape * tensor R) := [seq (q.2, x q) | q <- params].

Definition new_sum : env R := fun k i => a (sum_at net o k) i + g k i.

Definition step_powers : seq R := [seq a k [::] | k <- powers_at net o].

(** New value and new slots of a parameter. *)
Definition new_values (q : N * shape) : tensor R * seq (tensor R) :=
  textbook (rule_for (spared f) o q.2) q.2 (a (rate_at net w) [::]) step_powers
    (a q.1) (given_gradient f params new_sum g q.1) [seq a k | k <- slots_at net o q.1].

Definition new_average (decay : ratio) (q : N * shape) : tensor R := fun i =>
  real decay * a (average_at net w q.1) i + (1 - real decay) * (new_values q).1 i.

Definition rule_results : seq (shape * tensor R) :=
  for_params (fun q => (new_values q).1)
  ++ flatten [seq for_params (fun q => nth (fun _ => 0) (new_values q).2 j) | j <- iota 0 (size (slots o))]
  ++ [seq ([::], fun _ => p) | p <- textbook_powers o step_powers].

Definition average_results : seq (shape * tensor R) :=
  if ema f is Some decay then for_params (new_average decay) else [::].

(** A micro-step that does not update: only the sums are new. *)
Definition waiting_results : seq (shape * tensor R) :=
  for_params (fun q => a q.1)
  ++ [seq (q.2, a q.1) | q <- numbered_state net o]
  ++ for_params (fun q => new_sum q.1)
  ++ (if ema f is Some _ then for_params (fun q => a (average_at net w q.1)) else [::]).

Definition textbook_step : seq (shape * tensor R) :=
  if accumulate f is None then rule_results ++ average_results
  else if 0 < a (apply_at net w) [::]
  then rule_results ++ for_params (fun _ _ => 0) ++ average_results
  else waiting_results.
End Step.
End Textbook.
