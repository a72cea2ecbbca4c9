(** * What a backward is

    The backward of a function at a point is the transpose of its derivative
    there: on row vectors by partial derivatives, on matrices by inner products.
    What reverse mode emits is compared with it through a reading of tensors as
    matrices. [Vjp.v], [Layers.v] and [LayersGraph.v] have the theorems;
    [CHALLENGE.v] says it once more in the words of the library alone.

    Glossary
      - [dot a b], [mdot a b]  the inner product of row vectors, of matrices
      - [pdiv f x i j]     the partial derivative of [f]_j in direction [i]
      - [is_vjp f x back]  [f] is differentiable at [x], and [back] multiplies
                           a cotangent by its Jacobian there
      - [is_vjp_mx f x back] [f] is differentiable at [x], and
                           [mdot (back dy) v = mdot dy ('d f x v)]
      - [layout s m n]     which cell of a tensor of shape [s] is which cell of
                           a matrix
      - [as_mx l x], [as_tensor l X]  a tensor as a matrix; a matrix as a tensor
      - [emitted ...]      what the emitted code computes after the program *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith.
From Cotangent Require Import Denote Grad.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Definition dot (R : comRingType) n (a b : 'rV[R]_n) : R := \sum_i a 0 i * b 0 i.

(** ** On row vectors, on matrices *)
Section Backward.
Variable R : realType.
Notation vec n := 'rV[R]_n.+1.
Notation mat m n := 'M[R]_(m.+1, n.+1).

Definition pdiv n m (f : vec n -> vec m) x (i : 'I_n.+1) (j : 'I_m.+1) : R :=
  ('d f x (delta_mx 0 i)) 0 j.

Definition is_vjp n m (f : vec n -> vec m) x (back : vec m -> vec n) : Prop :=
  differentiable f x /\
  forall dy i, back dy 0 i = \sum_j pdiv f x i j * dy 0 j.

Definition mdot m n (a b : 'M[R]_(m, n)) : R := \tr (a *m b^T).

Definition is_vjp_mx m n p q (f : mat m n -> mat p q) x (back : mat p q -> mat m n) : Prop :=
  differentiable f x /\ forall dy v, mdot (back dy) v = mdot dy ('d f x v).
End Backward.

(** ** Tensors as matrices *)
Record layout (s : shape) (m n : nat) := Layout {
  cell :> 'I_m.+1 -> 'I_n.+1 -> idx;
  cell_inj : forall i j k l, cell i j = cell k l -> i = k /\ j = l;
  cell_onto : perm_eq (idxs s) [seq cell i j | i <- index_enum _, j <- index_enum _] }.

Section Emitted.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Notation tensor := (tensor R).
Notation env := (env R).

Definition as_mx s m n (l : layout s m n) (x : tensor) : mat m n := \matrix_(i, j) x (l i j).
Definition as_tensor s m n (l : layout s m n) (X : mat m n) : tensor :=
  fun k => \sum_i \sum_j (if l i j == k then X i j else 0).

(** What the code emitted for the input [j] of shape [s] computes after the
    program, from the cotangent [dy] of [out]. *)
Definition emitted (p : prog) (base out j : N) (s : shape) (e : env) (dy : tensor) : tensor :=
  let g := grad p base out [:: (j, s)] in
  run g.1 (upd (run p e) base dy) (head 0%num g.2).
End Emitted.
