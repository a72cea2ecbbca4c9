(** * The update, in textbook formulas

    What a train step makes of the parameters and of its state, given the
    gradient. The rules are those of PyTorch's documentation (SGD, Adam, AdamW,
    RMSprop). The step number [t] enters through powers: the state carries
    [beta^(t-1)], and the step makes [beta^t] of it. Nothing here speaks of
    instructions; that the instructions compute it is proved in
    [OptimizerSound.v] and [StepSound.v].

    Glossary
      - [real c]            an exact constant as a real number
      - [textbook]          new value and new slots of one parameter, from the
                            learning rate, the old powers, the parameter, its
                            gradient, its old slots
      - [textbook_powers]   the new powers
      - [textbook_step]     all results of the update, with their shapes *)
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
| Adam beta1 beta2 _ _, [:: p1; p2] | AdamW beta1 beta2 _ _, [:: p1; p2] =>
    [:: p1 * real beta1; p2 * real beta2]
| _, _ => power end.

Definition textbook (o : optimizer) (lr : R) (power : seq R) (p g : tensor R) (slot : seq (tensor R))
    : tensor R * seq (tensor R) :=
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
| _, _ => (p, slot)
end.


(** The step's results but statistics, loss and logits: new parameters, new
    slots, new powers. The arguments are [a], the gradients [g]. *)
Definition textbook_step (net : spec) (o : optimizer) (f : features) (a : env R) (g : N -> tensor R)
    : seq (shape * tensor R) :=
  let w := Train o f in
  let power := [seq a k [::] | k <- powers_at net o] in
  let new (q : N * shape) := textbook (rule_for (spared f) o q.2) (a (rate_at net w) [::]) power
                 (a q.1) (g q.1) [seq a k | k <- slots_at net o q.1] in
  [seq (q.2, (new q).1) | q <- numbered_params net]
  ++ flatten [seq [seq (q.2, nth (fun _ => 0) (new q).2 j) | q <- numbered_params net]
                | j <- iota 0 (size (slots o))]
  ++ [seq ([::], fun _ => p) | p <- textbook_powers o power].
End Textbook.
