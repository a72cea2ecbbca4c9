(** * The error function on integers

    The alternating series of the error function, in balls, [ExactSmooth.v], until
    its terms are small. They are at first as large as [exp (x^2)], so there are
    more bits of them; far from 0 the function is 1 but for less than a unit of the
    last place.

    Glossary
      - [near_over]      a quotient by an integer
      - [alternate]      terms, with signs in turn, each made from the one before:
                         times [u], over [step]; they enter the sum over [part]
      - [near_cos]       the cosine, by its series
      - [half_pi], [root]  what [pi / 2] and [2 / sqrt pi] are near to
      - [erf_series], [near_erf], [near_gelu]  the functions
      - [gelu_layer]     of each entry *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir SpecLayer ExactTable ExactSmooth.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope Z_scope.

Definition near_over (d : positive) (b : near) : near := (b.1 / Zpos d, b.2 / Zpos d + 2).

Section Alternate.
(** All at exponent [w]; terms of at most [stop] are left out. *)
Variables (w : N) (u : near) (step part : positive -> positive) (stop : Z).

(** [k] terms are counted with [t], the next; [minus] is its sign. *)
Fixpoint alternate (fuel : nat) (k : positive) (minus : bool) (t s : near) : near :=
  if fuel is f.+1 then
    if Z.leb t.1 stop then (s.1, s.2 + Z.abs t.1 + t.2)
    else
      let p := near_over (part k) t in
      alternate f (Pos.succ k) (~~ minus) (near_over (step k) (near_mul w t u))
        (near_add s (if minus then near_opp p else p))
  else (s.1, s.2 + Z.abs t.1 + t.2).
End Alternate.

(** More than are needed. *)
Definition most : nat := 2000.

(** Of [a / 2^g], not below 0. *)
Definition near_cos (g : N) (a : Z) : near :=
  alternate g (near_of g (g + g) (a * a, 0)) (fun k => Pos.pred_double k * (2 * k))%positive (fun=> 1%positive)
    0 most 1 false (near_int g 1) (0, 0).

(** [pi / 2], within 2 units, and [2 / sqrt pi], within one: a fraction of more bits
    than these makes no smaller ball. *)
Definition pi_bits : N := 330.
Definition half_pi : Z :=
  3435725404268630484559790578800641659291747373786700262772278489268077167959964354610944199123988348.
Definition root_bits : N := 320.
Definition root : near :=
  (2410203272519249216264429303418431786590919952803993071303316359311055940753903742343790935809570, 1).

(** Of [a / 2^g], not below 0. *)
Definition erf_series (g : N) (a : Z) : near :=
  let square := a * a in
  let more := Z.to_N (3 * (Z.shiftr square (Z.of_N (g + g)) + 1) / 2 + 8) in let w := (g + more)%num in
  let sum := alternate w (near_of w (g + g) (square, 0)) id Pos.pred_double
    (Z.shiftl 1 (Z.of_N more - 4)) most 1 false (near_int w 1) (0, 0) in
  near_of g w (near_mul w (near_mul w (near_of w g (a, 0)) sum) (near_of w root_bits root)).

(** Where [exp (- x^2)] is less than a unit. *)
Definition far (g : N) (a : Z) : bool :=
  Z.leb (Z.shiftl 1 (Z.of_N g)) a && Z.leb (Z.shiftl (7 * Z.of_N g) (Z.of_N (g + g))) (10 * (a * a)).

Definition near_erf (g : N) (b : near) : near :=
  let a := Z.abs b.1 in
  let y := if Z.eqb a 0 then (0, 0) else if far g a then (Z.shiftl 1 (Z.of_N g), 1) else erf_series g a in
  ((if Z.ltb b.1 0 then - y.1 else y.1), y.2 + Z.shiftr (5 * b.2) 2 + 1).

(** The ball is at exponent [e], the result at [g]. *)
Definition near_gelu (g : N) (n : Z) (d : positive) (e : N) (b : near) : near :=
  let x := near_of g e b in
  near_mul g (near_mul g x (near_rational g 1 2))
    (near_add (near_int g 1) (near_erf g (near_mul g x (near_rational g n d)))).

Definition gelu_layer (fraction : N) (n : Z) (d : positive) (s : shape) (x : fixed) : fixed :=
  let g := (fraction + guard)%num in
  rounded fraction (smooth_value g (fun e b => Some (near_gelu g n d e b)) s x).

(** Of 1 it is between 0.8427 and 0.8428, within 2^-80; odd; 1 far from 0, there
    too within 2^-80. Gelu of 2 is between 1.9544 and 1.9545. *)
Example erf_1 : let says (p : near) (k : Z) :=
    Z.ltb p.2 (Z.shiftl 1 8) && Z.eqb (p.1 * 10000 / Z.shiftl 1 88) k in
  let at_ z d := near_erf 88 (near_rational 88 z d) in
  [&& says (at_ 1 1%positive) 8427, says (at_ (-1) 1%positive) (-8428), says (at_ 7 2%positive) 9999,
      says (at_ 0 1%positive) 0, says (at_ 100 1%positive) 10000,
      says (near_gelu 88 70710678 100000000 0 (2, 0)) 19544
    & ~~ says (at_ 1 1%positive) 8428].
Proof. by vm_compute. Qed.
