(** * Which operands an op takes, and the type of its result

    After the constraints of the StableHLO specification, for the forms that
    are printed: reals are floats of one format; the predicate of a select has
    the shape of its branches.

    Glossary
      - [fits o ts t]    op [o] takes operands of types [ts] and gives type [t]
      - [place ds vs n]  the index of rank [n] with [vs] at the dimensions [ds]
      - [distinct n ds]  [ds] are different dimensions below [n]
      - [result_shape]   of a dot_general
      - [numbers n]      dimension numbers of a convolution, as one list
      - [conv_shape]     of a convolution
      - [slide_count], [padded_size], [slice_count]  sizes of the results of
                         reduce_window, pad and slice, along one dimension
      - [concatenate_fits d ss t]  shapes that side by side along [d] are [t]
      - [slide_meets]    no window lies outside of the operand
      - [all_dims2 f g s t]  [g] is a list, one entry for each dimension of [s]
                         and of [t], and [f] holds of each *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Stablehlo.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

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

(** *** convolution *)
Definition numbers (n : conv_numbers) : seq N := [:: n_first n, n_second n & n_spatial n].
Definition first_size (n : conv_numbers) (s : shape) : N := nth 0%num s (N.to_nat (n_first n)).
Definition second_size (n : conv_numbers) (s : shape) : N := nth 0%num s (N.to_nat (n_second n)).
Definition spatial_sizes (n : conv_numbers) (s : shape) : seq N := pick s (n_spatial n).

(** [n] cells, [d] apart *)
Definition dilate (n d : N) : N := if N.eqb n 0 then 0%num else (N.pred n * d + 1)%num.

(** In how many places the kernel, of size [k], lies inside lhs, of size [n]. *)
Definition window_count (w : conv_window) (n k : N) : N :=
  let padded := (Z.of_N (dilate n (w_lhs_dilation w)) + w_low w + w_high w)%Z in
  let kernel := Z.of_N (dilate k (w_rhs_dilation w)) in
  if Z.leb padded 0 || Z.ltb padded kernel then 0%num
  else (N.div (Z.to_N (padded - kernel)) (w_stride w) + 1)%num.

(** Batch over batch groups, output features, places of the window. *)
Definition conv_shape (c : conv_dims) (s t : shape) : shape :=
  let counts := [seq window_count p.1 p.2.1 p.2.2
    | p <- zip (c_windows c) (zip (spatial_sizes (c_lhs c) s) (spatial_sizes (c_rhs c) t))] in
  place (numbers (c_result c))
    [:: N.div (first_size (c_lhs c) s) (c_batch_groups c), second_size (c_rhs c) t & counts]
    (size s).

Definition window_ok (w : conv_window) : bool :=
  [&& N.ltb 0 (w_stride w), N.ltb 0 (w_lhs_dilation w) & N.ltb 0 (w_rhs_dilation w)].
Definition numbers_ok (n : conv_numbers) (rank windows : nat) : bool :=
  [&& distinct rank (numbers n), size (numbers n) == rank & size (n_spatial n) == windows].
Definition divides (d n : N) : bool := N.eqb (d * N.div n d) n.
Definition conv_fits (c : conv_dims) (s t : shape) : bool :=
  let rank := size s in let windows := size (c_windows c) in
  let fg := c_feature_groups c in let bg := c_batch_groups c in
  [&& numbers_ok (c_lhs c) rank windows, numbers_ok (c_rhs c) rank windows,
      numbers_ok (c_result c) rank windows, size t == rank, all window_ok (c_windows c),
      N.ltb 0 fg, N.ltb 0 bg, N.eqb fg 1 || N.eqb bg 1,
      N.eqb (second_size (c_lhs c) s) (fg * first_size (c_rhs c) t),
      divides bg (first_size (c_lhs c) s) & divides (fg * bg) (second_size (c_rhs c) t)].

(** *** reduce_window, pad, slice *)
Fixpoint all_dims2 (T : Type) (f : T -> N -> N -> bool) (ds : seq T) (s t : shape) : bool :=
  match ds, s, t with
  | [::], [::], [::] => true
  | d :: ds, n :: s, m :: t => f d n m && all_dims2 f ds s t
  | _, _, _ => false
  end.

Definition slide_count (w : slide_dim) (n : N) : N :=
  window_count (ConvWindow (d_stride w) (d_low w) (d_high w) 1 1) n (d_size w).
Definition slide_fits (w : slide_dim) (n m : N) : bool :=
  [&& N.ltb 0 (d_size w), N.ltb 0 (d_stride w) & N.eqb m (slide_count w n)].

(** Every window has a cell in the operand, or there is no window: the first
    one does not end before the operand begins, the last one begins before it
    ends. *)
Definition slide_meets (w : slide_dim) (n m : N) : bool :=
  N.eqb m 0 || [&& N.ltb 0 n, Z.ltb (d_low w) (Z.of_N (d_size w))
    & Z.ltb (Z.of_N ((m - 1) * d_stride w) - d_low w) (Z.of_N n)].

Definition padded_size (p : pad_dim) (n : N) : Z :=
  (Z.of_N (dilate n (p_interior p + 1)) + p_low p + p_high p)%Z.
Definition pad_fits (p : pad_dim) (n m : N) : bool := Z.eqb (Z.of_N m) (padded_size p n).

(** A part of a stride counts. *)
Definition slice_count (l : slice_dim) : N :=
  N.div (l_limit l - l_start l + (l_stride l - 1)) (l_stride l).
Definition slice_fits (l : slice_dim) (n m : N) : bool :=
  [&& N.leb (l_start l) (l_limit l), N.leb (l_limit l) n, N.ltb 0 (l_stride l)
    & N.eqb m (slice_count l)].

(** *** concatenate
    The operands are as the result, but along [d], where their sizes add up. *)
Definition concatenate_fits (d : N) (ss : seq shape) (t : shape) : bool :=
  let at_ s := nth 0%num s (N.to_nat d) in
  [&& N.ltb d (N.of_nat (size t)), 0 < size ss,
      all (fun s => (size s == size t) && (set_nth 0%num s (N.to_nat d) (at_ t) == t)) ss
    & N.eqb (foldr N.add 0%num (map at_ ss)) (at_ t)].

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
| Convolution c, [:: a; b] =>
    [&& is_float a, t_element a == t_element b, conv_fits c (t_shape a) (t_shape b)
      & t == Tensor (conv_shape c (t_shape a) (t_shape b)) (t_element a)]
| Reverse ds, [:: a] => [&& is_float a, distinct (size (t_shape a)) ds & a == t]
| ReduceWindow _ ws, [:: a; init] =>
    [&& is_float a, t_element a == t_element t, init == Tensor [::] (t_element a)
      & all_dims2 slide_fits ws (t_shape a) (t_shape t)]
| Pad ps, [:: a; fill] =>
    [&& is_float a, t_element a == t_element t, fill == Tensor [::] (t_element a)
      & all_dims2 pad_fits ps (t_shape a) (t_shape t)]
| Slice ls, [:: a] =>
    [&& is_float a, t_element a == t_element t & all_dims2 slice_fits ls (t_shape a) (t_shape t)]
| Concatenate d, ts =>
    [&& is_float t, all (fun a => t_element a == t_element t) ts
      & concatenate_fits d (map t_shape ts) (t_shape t)]
| _, _ => false
end.
