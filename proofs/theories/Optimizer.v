(** * Optimisers, as instructions

    The update rules of the emitted train steps, in the arrangement of the
    Rust crate [step]. The formulas they compute are in [Textbook.v], the proof
    that they do in [OptimizerSound.v].

    Glossary
      - [ratio]          an exact constant, [numerator / denominator]
      - [optimizer]      update rule with its constants; the learning rate is
                         an input of the step
      - [rule_for]       the rule for one parameter, some being spared the decay
                         ([without_decay])
      - [constants_ok]   they are what the rule expects: [at_least_0], [above_0],
                         [below_1]
      - [slots]          prefixes of the state kept for each parameter
      - [powers]         scalars of state kept once
      - [state]          names and shapes of the whole state, in the step's order
      - [write]          a list of ops as a program from a number on; [after] is
                         the number after it
      - [const]          a constant tensor; [is_zero] constants emit nothing
      - [descend], [descend_quotient]  a step against a direction, or a quotient
      - [coupled], [decoupled]  weight decay in the gradient, or beside it
      - [pushed]         a velocity and its push
      - [complement], [moment]  scalars of an average, and of one of Adam's
      - [average], [corrected], [root_plus]  an average, without its bias; a root
                         and eps
      - [moments]        both averages of Adam
      - [grand_total], [norm_code], [trust_code]  the sum of all elements, the
                         norm, LAMB's quotient of norms
      - [trained]        a parameter: its value, shape, gradient and slots
      - [update_one], [update_scalars], [update_all]  one parameter, the scalars
                         of all, all parameters
      - [update]         the program of the update; its results *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Grad.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Inductive ratio := Over of Z & positive.

Inductive optimizer :=
| Sgd of ratio                              (** weight decay *)
| Momentum of ratio & ratio                 (** momentum, weight decay *)
| Nesterov of ratio & ratio                 (** momentum, weight decay *)
| Adam of ratio & ratio & ratio & ratio     (** beta1, beta2, eps, weight decay *)
| AdamW of ratio & ratio & ratio & ratio    (** beta1, beta2, eps, weight decay *)
| RmsProp of ratio & ratio & ratio & ratio  (** alpha, eps, momentum, weight decay *)
| Lamb of ratio & ratio & ratio & ratio.    (** beta1, beta2, eps, weight decay *)

Definition is_zero (c : ratio) : bool := let: Over n _ := c in Z.eqb n 0.

(** The rule with no weight decay; the rule for a parameter of shape [s] where
    biases, scales and shifts, which have rank 0 or 1, are spared the decay. *)
Definition without_decay (o : optimizer) : optimizer := let none := Over 0 1 in match o with
| Sgd _ => Sgd none
| Momentum mu _ => Momentum mu none
| Nesterov mu _ => Nesterov mu none
| Adam b1 b2 eps _ => Adam b1 b2 eps none
| AdamW b1 b2 eps _ => AdamW b1 b2 eps none
| RmsProp alpha eps mu _ => RmsProp alpha eps mu none
| Lamb b1 b2 eps _ => Lamb b1 b2 eps none
end.
Definition rule_for (spared : bool) (o : optimizer) (s : shape) : optimizer :=
  if spared && (size s <= 1) then without_decay o else o.

Definition slots (o : optimizer) : seq string := match o with
| Sgd _ => [::]
| Momentum _ _ | Nesterov _ _ => [:: "momentum"%string]
| Adam _ _ _ _ | AdamW _ _ _ _ | Lamb _ _ _ _ => [:: "m"%string; "v"%string]
| RmsProp _ _ mu _ => if is_zero mu then [:: "v"%string] else [:: "v"%string; "momentum"%string] end.

Definition powers (o : optimizer) : seq string := match o with
| Adam _ _ _ _ | AdamW _ _ _ _ | Lamb _ _ _ _ => [:: "beta1_power"%string; "beta2_power"%string]
| _ => [::] end.

(** Slot by slot, parameter by parameter; then the powers. *)
Definition state (o : optimizer) (params : seq (string * shape)) : seq (string * shape) :=
  flatten [seq [seq ((slot ++ "." ++ p.1)%string, p.2) | p <- params] | slot <- slots o]
  ++ [seq (power, [::]) | power <- powers o].

(** What the rule expects of its constants: decay at least 0, eps above 0,
    momentum, alpha and betas at least 0 and below 1. *)
Definition at_least_0 (c : ratio) : bool := let: Over n _ := c in Z.leb 0 n.
Definition above_0 (c : ratio) : bool := let: Over n _ := c in Z.ltb 0 n.
Definition below_1 (c : ratio) : bool := let: Over n d := c in Z.ltb n (Zpos d).

Definition constants_ok (o : optimizer) : bool := match o with
| Sgd decay => at_least_0 decay
| Momentum mu decay | Nesterov mu decay => [&& at_least_0 mu, below_1 mu & at_least_0 decay]
| Adam b1 b2 eps decay | AdamW b1 b2 eps decay | Lamb b1 b2 eps decay =>
    [&& at_least_0 b1, below_1 b1, at_least_0 b2, below_1 b2, above_0 eps & at_least_0 decay]
| RmsProp alpha eps mu decay =>
    [&& at_least_0 alpha, below_1 alpha, at_least_0 mu, below_1 mu, above_0 eps & at_least_0 decay]
end.

(** ** Code *)
Local Open Scope N_scope.

Definition const (s : shape) (c : ratio) : op := let: Over n d := c in Const s n d.

Fixpoint write (k : N) (ops : seq op) : prog :=
  if ops is o :: ops' then (k, o) :: write (N.succ k) ops' else [::].

(** A piece of program: its first free number, code, and results. *)
Definition after (k : N) (ops : seq op) : N := k + N.of_nat (size ops).

(** [p - lr · direction] *)
Definition descend (s : shape) (lr p direction k : N) : seq op :=
  [:: scalar_spread s lr; Bin s Mul k direction; Bin s Sub p (k + 1)].

(** [g + decay · p], [g] itself where the decay is zero; the value, and code. *)
Definition coupled (s : shape) (decay : ratio) (p g k : N) : N * seq op :=
  if is_zero decay then (g, [::])
  else (k + 2, [:: const s decay; Bin s Mul k p; Bin s Add g (k + 1)]).

(** [p - lr · decay · p], [p] itself where the decay is zero. *)
Definition decoupled (s : shape) (decay : ratio) (lr p k : N) : N * seq op :=
  if is_zero decay then (p, [::])
  else (k + 4, [:: const [::] decay; Bin [::] Mul lr k; scalar_spread s (k + 1);
                   Bin s Mul (k + 2) p; Bin s Sub p (k + 3)]).

(** [mu · v + d]; the result is [k + 2]. *)
Definition pushed (s : shape) (mu : ratio) (v d k : N) : seq op :=
  [:: const s mu; Bin s Mul k v; Bin s Add (k + 1) d].

(** Scalars of an average: [k + 2] is [1 - beta]. *)
Definition complement (beta : ratio) (k : N) : seq op :=
  [:: Const [::] 1 1; const [::] beta; Bin [::] Sub k (k + 1)].

(** Scalars of one of Adam's averages, from [beta] and the last power:
    [k + 2] is [1 - beta], [k + 3] the power, [k + 4] is [1 - power]. *)
Definition moment (beta : ratio) (last k : N) : seq op :=
  complement beta k ++ [:: Bin [::] Mul last (k + 1); Bin [::] Sub k (k + 3)].

(** [beta · old + (1 - beta) · new]; the result is [k + 4]. *)
Definition average (s : shape) (beta : ratio) (rest old new k : N) : seq op :=
  [:: const s beta; Bin s Mul k old; scalar_spread s rest; Bin s Mul (k + 2) new;
      Bin s Add (k + 1) (k + 3)].

(** [average / (1 - power)]; the result is [k + 1]. *)
Definition corrected (s : shape) (correction a k : N) : seq op :=
  [:: scalar_spread s correction; Bin s Div a k].

(** [√v + eps]; the result is [k + 2]. *)
Definition root_plus (s : shape) (eps : ratio) (v k : N) : seq op :=
  [:: Una s Sqrt v; const s eps; Bin s Add k (k + 1)].

(** Adam's moments of [g]: [k + 4] and [k + 10] are the new [m] and [v], [k + 12]
    is m̂, [k + 17] is [√v̂ + eps]. [scalars] is where the scalars of the two
    averages start. *)
Definition moments (b1 b2 eps : ratio) (scalars : N) (s : shape) (m v g k : N) : prog :=
  write k (average s b1 (scalars + 2) m g k)
  ++ write (k + 5) [:: Bin s Mul g g]
  ++ write (k + 6) (average s b2 (scalars + 7) v (k + 5) (k + 6))
  ++ write (k + 11) (corrected s (scalars + 4) (k + 4) (k + 11))
  ++ write (k + 13) (corrected s (scalars + 9) (k + 10) (k + 13))
  ++ write (k + 15) (root_plus s eps (k + 14) (k + 15)).

(** [p - lr · numerator / denominator]; the result is [k + 3]. *)
Definition descend_quotient (s : shape) (lr p numerator denominator k : N) : seq op :=
  [:: scalar_spread s lr; Bin s Mul k numerator; Bin s Div (k + 1) denominator;
      Bin s Sub p (k + 2)].

(** The sum of all elements. *)
Definition grand_total (s : shape) (a : N) : op := Contract s [::] [::] [:: View a s (id_map s)].

(** The norm of [x], a scalar; the result is [k + 2]. *)
Definition norm_code (s : shape) (x k : N) : seq op :=
  [:: Bin s Mul x x; grand_total s k; Una [::] Sqrt (k + 1)].

(** The quotient of the norms of [p] and [r] if both are positive, else 1; the
    result is [k + 10]. *)
Definition trust_code (s : shape) (p r k : N) : prog :=
  write k (norm_code s p k) ++ write (k + 3) (norm_code s r (k + 3))
  ++ write (k + 6) [:: Const [::] 0 1; Const [::] 1 1; Bin [::] Div (k + 2) (k + 5);
                       Sel [::] CGt (k + 5) (k + 6) (k + 8) (k + 7);
                       Sel [::] CGt (k + 2) (k + 6) (k + 9) (k + 7)].

(** One parameter: its new value and its new slots. [scalars] is where the
    rule's scalars start. *)
Definition update_one (o : optimizer) (scalars lr : N) (s : shape) (p g : N) (slot : seq N) (k : N)
    : prog * (N * seq N) :=
match o, slot with
| Sgd decay, _ =>
    let: (g', c) := coupled s decay p g k in
    let k1 := after k c in
    (write k c ++ write k1 (descend s lr p g' k1), (k1 + 2, [::]))
| Momentum mu decay, [:: v] =>
    let: (g', c) := coupled s decay p g k in
    let k1 := after k c in let k2 := k1 + 3 in
    (write k c ++ write k1 (pushed s mu v g' k1) ++ write k2 (descend s lr p (k1 + 2) k2),
     (k2 + 2, [:: k1 + 2]))
| Nesterov mu decay, [:: v] =>
    let: (g', c) := coupled s decay p g k in
    let k1 := after k c in let k2 := k1 + 3 in let k3 := k2 + 3 in
    (write k c ++ write k1 (pushed s mu v g' k1) ++ write k2 (pushed s mu (k1 + 2) g' k2)
       ++ write k3 (descend s lr p (k2 + 2) k3),
     (k3 + 2, [:: k1 + 2]))
| Adam b1 b2 eps decay, [:: m; v] =>
    let: (g', c) := coupled s decay p g k in
    let k1 := after k c in let k2 := k1 + 18 in
    (write k c ++ moments b1 b2 eps scalars s m v g' k1
       ++ write k2 (descend_quotient s lr p (k1 + 12) (k1 + 17) k2),
     (k2 + 3, [:: k1 + 4; k1 + 10]))
| AdamW b1 b2 eps decay, [:: m; v] =>
    let k1 := k + 18 in
    let: (q, c) := decoupled s decay lr p k1 in
    let k2 := after k1 c in
    (moments b1 b2 eps scalars s m v g k ++ write k1 c
       ++ write k2 (descend_quotient s lr q (k + 12) (k + 17) k2),
     (k2 + 3, [:: k + 4; k + 10]))
| RmsProp alpha eps mu decay, v :: velocity =>
    let: (g', c) := coupled s decay p g k in
    let square := after k c in let k1 := square + 1 in let k2 := k1 + 5 in let k3 := k2 + 4 in
    let quotient := k2 + 3 in
    let start := write k c ++ write square [:: Bin s Mul g' g']
                   ++ write k1 (average s alpha (scalars + 2) v square k1)
                   ++ write k2 (root_plus s eps (k1 + 4) k2)
                   ++ write quotient [:: Bin s Div g' (k2 + 2)] in
    if velocity is [:: u] then
      (start ++ write k3 (pushed s mu u quotient k3)
         ++ write (k3 + 3) (descend s lr p (k3 + 2) (k3 + 3)),
       (k3 + 5, [:: k1 + 4; k3 + 2]))
    else (start ++ write k3 (descend s lr p quotient k3), (k3 + 2, [:: k1 + 4]))
| Lamb b1 b2 eps decay, [:: m; v] =>
    let r := k + 18 in let: (r', c) := coupled s decay p r (k + 19) in
    let k1 := after (k + 19) c in let rate := k1 + 11 in
    (moments b1 b2 eps scalars s m v g k ++ write r [:: Bin s Div (k + 12) (k + 17)]
       ++ write (k + 19) c ++ trust_code s p r' k1
       ++ write rate [:: Bin [::] Mul lr (k1 + 10)]
       ++ write (k1 + 12) (descend s rate p r' (k1 + 12)),
     (k1 + 14, [:: k + 4; k + 10]))
| _, _ => ([::], (p, slot))
end.

(** The scalars, once: code, and the new powers. *)
Definition update_scalars (o : optimizer) (power : seq N) (k : N) : prog * seq N :=
match o, power with
| Adam b1 b2 _ _, [:: p1; p2] | AdamW b1 b2 _ _, [:: p1; p2] | Lamb b1 b2 _ _, [:: p1; p2] =>
    (write k (moment b1 p1 k) ++ write (k + 5) (moment b2 p2 (k + 5)), [:: k + 3; k + 8])
| RmsProp alpha _ _ _, _ => (write k (complement alpha k), power)
| _, _ => ([::], power)
end.

(** A parameter of the step: its value, shape, gradient and slots. *)
Record trained := Trained { p_value : N; p_shape : shape; p_grad : N; p_slots : seq N }.

Fixpoint update_all (spared : bool) (o : optimizer) (scalars lr : N) (ps : seq trained) (k : N)
    : prog * seq (N * seq N) :=
  if ps is p :: ps' then
    let rule := rule_for spared o (p_shape p) in
    let: (c, r) := update_one rule scalars lr (p_shape p) (p_value p) (p_grad p) (p_slots p) k in
    let: (cs, rs) := update_all spared o scalars lr ps' (k + N.of_nat (size c)) in
    (c ++ cs, r :: rs)
  else ([::], [::]).

(** Code; each parameter's new value and slots; the new powers. *)
Definition update (spared : bool) (o : optimizer) (lr : N) (ps : seq trained) (power : seq N) (k : N)
    : prog * (seq (N * seq N) * seq N) :=
  let: (c, power') := update_scalars o power k in
  let: (cs, rs) := update_all spared o k lr ps (k + N.of_nat (size c)) in
  (c ++ cs, (rs, power')).
