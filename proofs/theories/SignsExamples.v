(** * Which conditions are left, on programs small enough to read

    What the analysis of signs settles, and what it must not. Value 0 is an
    input; what is listed is what the gradient theorem asks about.

    Glossary
      - [bump]            [x / (1 + x²)]
      - [written_softmax] a softmax in single ops
      - [root_mean_square]  [1 / sqrt (mean x² + ε)]
      - [running]         a division by the root of a given variance
      - [pool k]          a maximum over windows of [k] cells *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Grad Kinks Signs.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

Notation s := [:: 4; 3].

(** ** Settled *)

(** [x / (x · x + 1)] *)
Definition bump : prog :=
  [:: (1, Bin s Mul 0 0); (2, Const s 1 1); (3, Bin s Add 1 2); (4, Bin s Div 0 3)].
Example bump_sites : sites bump [::] = [::].
Proof. by vm_compute. Qed.
(** It is a kink as long as signs are not looked at. *)
Example bump_kinks : kinks bump = [:: (4, Bin s Div 0 3)].
Proof. by vm_compute. Qed.

(** Softmax, written out: each row of exponentials over its sum. *)
Definition written_softmax : prog :=
  [:: (1, Una s Exp 0); (2, row_total s 1); (3, row_spread s 2); (4, Bin s Div 1 3);
      (5, Una s Log 4)].
Example softmax_sites : sites written_softmax [::] = [::].
Proof. by vm_compute. Qed.

(** Root mean square over the last dimension, with an epsilon. *)
Definition root_mean_square (epsilon : Z) : prog :=
  [:: (1, Bin s Mul 0 0); (2, total_over s [:: 1] 1); (3, mean_count s [:: 1]);
      (4, Bin [:: 4] Div 2 3); (5, Const [:: 4] epsilon 1000); (6, Bin [:: 4] Add 4 5);
      (7, Una [:: 4] Rsqrt 6); (8, spread_over s [:: 1] 7); (9, Bin s Mul 0 8)].
Example rms_sites : sites (root_mean_square 1) [::] = [::].
Proof. by vm_compute. Qed.
Example rms_no_epsilon : sites (root_mean_square 0) [::] = [:: (7, Una [:: 4] Rsqrt 6)].
Proof. by vm_compute. Qed.

(** A rectifier of a positive number, a clamp of one to [-1, 0], and the maximum
    of a positive and a negative number. *)
Example far_from_kinks : sites
  [:: (1, Una s Exp 0); (2, Una s Relu 1); (3, Una s (Clamp (-1) 1 0 1) 2); (4, Una s Neg 1);
      (5, Bin s Max 1 4); (6, Una s Log 5)] [::] = [::].
Proof. by vm_compute. Qed.

(** A standardisation by a running variance, of which it is known that it is not
    negative. *)
Definition running : prog :=
  [:: (1, Const s 1 1000); (2, Bin s Add 0 1); (3, Una s Sqrt 2); (4, Bin s Div 1 3)].
Example running_sites : sites running [:: (0, nonneg)] = [::].
Proof. by vm_compute. Qed.

(** ** Not settled *)

Example unknown_variance : sites running [::] = [:: (3, Una s Sqrt 2); (4, Bin s Div 1 3)].
Proof. by vm_compute. Qed.

(** A division by an input; the root of a square, which is not differentiable at
    0; a rectifier; its square, whose root has no derivative at 0 either. *)
Example division : sites [:: (1, Bin s Div 0 0)] [::] = [:: (1, Bin s Div 0 0)].
Proof. by vm_compute. Qed.
Example root_of_square : sites [:: (1, Bin s Mul 0 0); (2, Una s Sqrt 1)] [::]
  = [:: (2, Una s Sqrt 1)].
Proof. by vm_compute. Qed.
Example rectifier : sites [:: (1, Una s Relu 0)] [::] = [:: (1, Una s Relu 0)].
Proof. by vm_compute. Qed.

(** A product of two different values is no square. *)
Example product : sites [:: (2, Bin s Mul 0 1); (3, Const s 1 1); (4, Bin s Add 2 3);
  (5, Una s Log 4)] [::] = [:: (5, Una s Log 4)].
Proof. by vm_compute. Qed.

(** A sum of positive terms is 0 where there are none: over an empty dimension,
    and in cells that no term reaches. *)
Example empty_sum : sites [:: (1, Const [:: 4; 0] 1 1); (2, row_total [:: 4; 0] 1);
  (3, Una [:: 4] Log 2)] [::] = [:: (3, Una [:: 4] Log 2)].
Proof. by vm_compute. Qed.
Example unreached : sites [:: (1, Const [:: 2] 1 1);
  (2, Contract [:: 2] [:: 4] [:: Aff 1 [:: (0, 1%Z)]] [:: View 1 [:: 2] (proj [:: 0])]);
  (3, Una [:: 4] Log 2)] [::] = [:: (3, Una [:: 4] Log 2)].
Proof. by vm_compute. Qed.
(** A padded window reads zeros from outside. *)
Example padded : sites [:: (1, Const [:: 2] 1 1);
  (2, Contract [:: 2] [:: 2] (proj [:: 0]) [:: View 1 [:: 2] [:: Aff (-1) [:: (0, 1%Z)]]]);
  (3, Una [:: 2] Log 2)] [::] = [:: (3, Una [:: 2] Log 2)].
Proof. by vm_compute. Qed.

(** A maximum over windows has ties; over windows of one cell it has none. *)
Definition pool (k : N) : prog :=
  [:: (1, MaxPool [:: 4] [:: 4] [:: k] [:: Aff 0 [:: (0, 1%Z); (1, 1%Z)]] 0)].
Example pool_sites : sites (pool 2) [::] = pool 2.
Proof. by vm_compute. Qed.
Example pool_one : sites (pool 1) [::] = [::].
Proof. by vm_compute. Qed.
