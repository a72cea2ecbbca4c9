(** * Which operands an op takes, and the type of its result

    After the constraints of the StableHLO specification, for the forms that
    are printed: reals are floats of one format; the predicate of a select has
    the shape of its branches.

    Glossary
      - [fits o ts t]    op [o] takes operands of types [ts] and gives type [t]
      - [pick l ds]      the entries of [l] at the positions [ds]
      - [others n ds]    the dimensions below [n] that are not in [ds]
      - [place ds vs n]  the index of rank [n] with [vs] at the dimensions [ds]
      - [distinct n ds]  [ds] are different dimensions below [n]
      - [result_shape]   of a dot_general *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Stablehlo.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition pick (l : seq N) (ds : seq N) : seq N := [seq nth 0%num l (N.to_nat d) | d <- ds].
Definition others (n : nat) (ds : seq N) : seq N := [seq d <- first_dims n | d \notin ds].
Definition distinct (n : nat) (ds : seq N) : bool := uniq ds && all (mem (first_dims n)) ds.

Definition place (ds vs : seq N) (n : nat) : idx :=
  [seq nth 0%num vs (seq.index d ds) | d <- first_dims n].

Definition is_float (t : type) : bool := format (t_element t) != None.

(** *** dot_general *)
Definition lhs_free (d : dot_dims) (s : shape) : seq N :=
  others (size s) (lhs_batching d ++ lhs_contracting d).
Definition rhs_free (d : dot_dims) (s : shape) : seq N :=
  others (size s) (rhs_batching d ++ rhs_contracting d).
(** Batching dimensions, then the free ones of lhs, then those of rhs. *)
Definition result_shape (d : dot_dims) (s t : shape) : shape :=
  pick s (lhs_batching d) ++ pick s (lhs_free d s) ++ pick t (rhs_free d t).
Definition dot_fits (d : dot_dims) (s t : shape) : bool :=
  [&& distinct (size s) (lhs_batching d ++ lhs_contracting d),
      distinct (size t) (rhs_batching d ++ rhs_contracting d),
      pick s (lhs_batching d) == pick t (rhs_batching d)
    & pick s (lhs_contracting d) == pick t (rhs_contracting d)].

(** Dimension [d] of the operand becomes dimension [ds[d]] of the result; it
    has the same size there, or size 1. *)
Definition broadcast_fits (ds : seq N) (s t : shape) : bool :=
  [&& size ds == size s, distinct (size t) ds
    & all (fun p => (p.1 == 1%num) || (p.1 == p.2)) (zip s (pick t ds))].

Definition fits (o : operation) (ts : seq type) (t : type) : bool := match o, ts with
| Constant l, [::] => literal_value (t_element t) l != None
| Unary _, [:: a] => is_float a && (a == t)
| Binary _, [:: a; b] => [&& is_float a, a == b & a == t]
| Compare _, [:: a; b] => [&& is_float a, a == b & t == Tensor (t_shape a) I1]
| Select, [:: p; a; b] => [&& is_float a, a == b, a == t & p == Tensor (t_shape a) I1]
| DotGeneral d, [:: a; b] =>
    [&& is_float a, t_element a == t_element b, dot_fits d (t_shape a) (t_shape b)
      & t == Tensor (result_shape d (t_shape a) (t_shape b)) (t_element a)]
| BroadcastInDim ds, [:: a] =>
    [&& is_float a, t_element a == t_element t & broadcast_fits ds (t_shape a) (t_shape t)]
| Reduce _ ds, [:: a; init] =>
    let rank := size (t_shape a) in
    [&& is_float a, distinct rank ds, init == Tensor [::] (t_element a)
      & t == Tensor (pick (t_shape a) (others rank ds)) (t_element a)]
| Transpose ds, [:: a] =>
    let rank := size (t_shape a) in
    [&& is_float a, size ds == rank, distinct rank ds
      & t == Tensor (pick (t_shape a) ds) (t_element a)]
| ReshapeOp, [:: a] =>
    [&& is_float a, t_element a == t_element t & N.eqb (size_of (t_shape a)) (size_of (t_shape t))]
| _, _ => false
end.
