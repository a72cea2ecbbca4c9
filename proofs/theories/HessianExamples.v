(** * Gradients of gradients, checked by computation

    A perceptron differentiated twice inside Coq; a Hessian small enough to do by
    hand; what is refused.

    Glossary
      - [smooth_perceptron]  the one of [Examples], with a hyperbolic tangent
      - [directional]    its derivative in a direction, as a program
      - [perceptron_hessian]  what is emitted for its gradient is its gradient:
                         the Hessian times the direction
      - [second]         the program with that gradient, to be differentiated
                         again
      - [product_hessian], [by_hand]  the Hessian of [x·x·y] times a direction,
                         in rationals
      - [pooled], [pooled_sum]  squares of a maximum pool; its sum *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint GradCorrect Vjp RowVector Signs Number Rational.
From Cotangent Require Import GradWellFormed GradTwice Hessian Examples.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import numFieldNormedType.Exports.
Local Open Scope N_scope.
Local Notation Q := QArith_base.Q.

(** ** A perceptron without kinks
    That of [Examples] with a hyperbolic tangent. A direction in its parameters
    comes as three more inputs, 5 to 7. *)
Definition smooth_inputs : seq shape := perceptron_inputs ++ [:: [:: 3; 5]; [:: 5; 2]; [:: 2]].
Definition smooth_perceptron : prog :=
  [:: (8, dense 4 3 5 0 2);
      (9, Una [:: 4; 5] Tanh 8);
      (10, dense 4 5 2 9 3);
      (11, Contract [:: 4; 2] [:: 4; 2] (proj [:: 0; 1]) [:: View 4 [:: 2] (proj [:: 1])]);
      (12, Bin [:: 4; 2] Add 10 11);
      (13, SoftmaxCrossEntropy [:: 4; 2] 12 1)].
Definition direction : seq N := [:: 5; 6; 7].

Example smooth_checks :
  checks smooth_perceptron 8 (shape_of smooth_inputs) parameters 14 13 = true.
Proof. by vm_compute. Qed.

(** Its derivative in the direction: the program, what reverse mode emits, and
    an inner product. It is checked as any program is, and no kink is in it. *)
Definition directional : prog := slope_code smooth_perceptron 8 parameters 14 13 direction.
Example directional_checks :
  checks directional 8 (shape_of smooth_inputs) parameters 40 39 = true.
Proof. by vm_compute. Qed.
Example directional_sites : sites directional [::] = [::].
Proof. by vm_compute. Qed.

(** So its gradient, the Hessian times the direction, is what is emitted for it:
    at all images, targets, directions and parameters. *)
Example perceptron_hessian (R : realType) (x : env R) (θ : 'rV[R]_(dim parameters).+1) :
  let slope_θ : 'rV[R]_(dim parameters).+1 -> R^o := slope smooth_perceptron 13 direction x in
  differentiable slope_θ θ /\ forall w, 'd slope_θ θ w
    = dot (hessian_direction smooth_perceptron 8 14 13 direction x θ) w.
Proof.
apply: (hessian_everywhere smooth_checks) => //.
- by repeat constructor.
- by move=> v; rewrite !inE => /or3P [] /eqP ->.
Qed.

(** A third time: the second gradient has no instruction in the way, either. *)
Definition second : prog := directional ++ (loss_grad directional 40 39 parameters).1.
Example third_checks :
  checks (second ++ [:: (93, Bin [::] Mul 39 39)]) 8 (shape_of smooth_inputs) parameters 94 93 = true.
Proof. by vm_compute. Qed.

(** ** A Hessian by hand
    [x·x·y] at [(2, 3)]: it is [[2y, 2x], [2x, 0]], times [(1, 10)] is [(46, 4)].
    Inputs 2 and 3 are the direction. *)
Definition product : prog := [:: (4, Bin [::] Mul 0 0); (5, Bin [::] Mul 4 1)].
Definition variables : seq (N * shape) := [:: (0, [::]); (1, [::])].
Definition product_slope : prog := slope_code product 4 variables 6 5 [:: 2; 3].
Definition product_at : N := slope_at product 4 variables 6 5 [:: 2; 3].
Definition whole (n : Z) : Q := QArith_base.Qmake n 1.
Definition numbers (l : seq Z) : point :=
  foldr (fun q m => set q.1 (fun _ => whole q.2) m) (FMapPositive.PositiveMap.empty _) (zip (first_dims (size l)) l).
Definition product_hessian : seq Q :=
  let g := loss_grad product_slope (N.succ product_at) product_at variables in
  let r := q_run (product_slope ++ g.1) (numbers [:: 2; 3; 1; 10]%Z) in
  [seq look r c [::] | c <- g.2].
Example by_hand : product_hessian = [seq whole n | n <- [:: 46; 4]%Z].
Proof. by vm_compute. Qed.

(** ** What is refused *)

(** A maximum pool, then squares: its gradient routes cotangents that depend on
    the parameters, for which there is no rule. *)
Definition window : imap := [:: Aff 0 [:: (0, 2%Z); (1, 1%Z)]].
Definition pooled : prog :=
  [:: (2, MaxPool [:: 4] [:: 2] [:: 2] window 0);
      (3, Bin [:: 2] Mul 2 2);
      (4, Contract [:: 2] [::] [::] [:: View 3 [:: 2] (proj [:: 0])])].
Definition pooled_shapes : N -> shape := shape_of [:: [:: 4]; [:: 4]].
Notation again p out :=
  (checks (slope_code p 2 [:: (0, [:: 4])] (N.succ out) out [:: 1]) 2 pooled_shapes [:: (0, [:: 4])]
     (slope_base p 2 [:: (0, [:: 4])] (N.succ out) out [:: 1])
     (slope_at p 2 [:: (0, [:: 4])] (N.succ out) out [:: 1])).

Example pooled_once : checks pooled 2 pooled_shapes [:: (0, [:: 4])] 5 4 = true.
Proof. by vm_compute. Qed.
Example pooled_twice : (no_pools pooled, again pooled 4) = (false, false).
Proof. by vm_compute. Qed.

(** Its cotangents constant, the check lets it pass; [no_pools] does not. *)
Definition pooled_sum : prog :=
  [:: (2, MaxPool [:: 4] [:: 2] [:: 2] window 0);
      (3, Contract [:: 2] [::] [::] [:: View 2 [:: 2] (proj [:: 0])])].
Example pooled_sum_twice : (no_pools pooled_sum, again pooled_sum 3) = (false, true).
Proof. by vm_compute. Qed.

(** Code numbered from elsewhere; 1 as the cotangent of what is no scalar. *)
Example elsewhere : wf (smooth_perceptron ++ (loss_grad smooth_perceptron 15 13 parameters).1) 8
  (shape_of smooth_inputs) = false.
Proof. by vm_compute. Qed.
Example not_scalar : wf (smooth_perceptron ++ (loss_grad smooth_perceptron 14 12 parameters).1) 8
  (shape_of smooth_inputs) = false.
Proof. by vm_compute. Qed.
