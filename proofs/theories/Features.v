(** * What a train step does around the optimiser

    The features of the Rust crate [step], as instructions: gradients are
    accumulated and clipped before the optimiser's rule sees them, parameters
    are averaged after it, and where gradients accumulate the input [apply]
    chooses between all this and waiting. The formulas are in [Textbook.v], the
    proof is in [FeaturesSound.v].

    Glossary
      - [features]     which of them a step has; [plain] has none
      - [each]         a list of ops for each item, one after the other; where
                       the ops of each start
      - [norm_of]      the norm of several tensors together
      - [accumulated], [clipped], [averaged], [applied]  the stages; an item is
                       a shape with the values that belong to one tensor
      - [features_ok]  what is expected of their constants
      - [squares_from], [clip_factor]  sums of squares; the factor that clips *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Grad Optimizer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Record features := Features {
  accumulate : option ratio;       (** number of gradients of which an update takes the mean *)
  clip : option (ratio * ratio);   (** largest norm of the gradient; what is added to the norm *)
  ema : option ratio;              (** decay of the parameters' moving average *)
  spared : bool                    (** parameters of rank 0 and 1 are spared the weight decay *)
}.
Definition plain : features := Features None None None false.

(** What is expected of their constants: as in the Rust crate. *)
Definition features_ok (f : features) : bool :=
  [&& (if accumulate f is Some count then above_0 count else true),
      (if clip f is Some (largest, eps) then above_0 largest && above_0 eps else true)
    & if ema f is Some decay then at_least_0 decay && below_1 decay else true].

(** ** Code *)
Local Open Scope N_scope.

Fixpoint each (T : Type) (make : T -> N -> seq op) (l : seq T) (k : N) : prog * seq N :=
  if l is x :: l' then
    let ops := make x k in
    let: (c, starts) := each make l' (after k ops) in
    (write k ops ++ c, k :: starts)
  else ([::], [::]).

(** [sum + g] and [(sum + g) / count]; [g] alone where nothing accumulates. *)
Definition accumulated (count : option ratio) (l : seq (shape * (N * N))) (k : N)
    : prog * (seq N * seq N) :=
  if count is Some n then
    let make (q : shape * (N * N)) j := let: (s, (sum, g)) := q in
      [:: Bin s Add sum g; const s n; Bin s Div j (j + 1)] in
    let: (c, starts) := each make l k in
    (c, (starts, [seq j + 2 | j <- starts]))
  else ([::], ([::], [seq q.2.2 | q <- l])).

(** [sum] and the squares of all elements. *)
Fixpoint squares_from (sum : N) (l : seq (shape * N)) (k : N) : prog * N :=
  if l is (s, x) :: l' then
    let: (c, r) := squares_from (k + 2) l' (k + 3) in
    (write k [:: Bin s Mul x x; grand_total s k; Bin [::] Add sum (k + 1)] ++ c, r)
  else ([::], sum).

Definition norm_of (l : seq (shape * N)) (k : N) : prog * N :=
  if l is (s, x) :: l' then
    let: (c, r) := squares_from (k + 1) l' (k + 2) in
    let k1 := k + 2 + N.of_nat (size c) in
    (write k [:: Bin s Mul x x; grand_total s k] ++ c ++ write k1 [:: Una [::] Sqrt r], k1)
  else (write k [:: Const [::] 0 1], k).

(** [min(1, largest / (norm + eps))], a scalar; the result is [k + 5]. *)
Definition clip_factor (largest eps : ratio) (norm k : N) : seq op :=
  [:: const [::] eps; Bin [::] Add norm k; const [::] largest; Bin [::] Div (k + 2) (k + 1);
      Const [::] 1 1; Sel [::] CGt (k + 4) (k + 3) (k + 3) (k + 4)].

Definition clipped (c : option (ratio * ratio)) (l : seq (shape * N)) (k : N) : prog * seq N :=
  if c is Some (largest, eps) then
    let: (squares, norm) := norm_of l k in
    let k1 := k + N.of_nat (size squares) in
    let make (q : shape * N) j := [:: scalar_spread q.1 (k1 + 5); Bin q.1 Mul q.2 j] in
    let: (code, starts) := each make l (k1 + 6) in
    (squares ++ write k1 (clip_factor largest eps norm k1) ++ code, [seq j + 1 | j <- starts])
  else ([::], [seq q.2 | q <- l]).

(** [decay · old + (1 - decay) · new] *)
Definition averaged (decay : option ratio) (l : seq (shape * (N * N))) (k : N) : prog * seq N :=
  if decay is Some d then
    let make (q : shape * (N * N)) j := let: (s, (old, new)) := q in average s d (k + 2) old new j in
    let: (c, starts) := each make l (k + 3) in
    (write k (complement d k) ++ c, [seq j + 4 | j <- starts])
  else ([::], [::]).

(** [new] where [apply] is above 0, elsewhere [old]. *)
Definition applied (apply : N) (l : seq (shape * (N * N))) (k : N) : prog * seq N :=
  let make (q : shape * (N * N)) j := let: (s, (new, old)) := q in
    [:: scalar_spread s apply; zero_like s; Sel s CGt j (j + 1) new old] in
  let: (c, starts) := each make l k in
  (c, [seq j + 2 | j <- starts]).
