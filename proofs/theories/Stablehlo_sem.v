(** * What a StableHLO module computes, over the reals

    Each op after the text of the StableHLO specification, with real numbers
    for floats: no rounding, no overflow, no NaN. (Where floats answer with
    infinity or NaN, division by 0 and logarithms and roots of negative numbers,
    the real functions of MathComp-Analysis have some value, mostly 0.) The
    definitions of this file are to be read, not proved: they say what the
    emitted file means.

    A meaning is partial. What does not type check ([Stablehlo_types.v]) or has
    no real meaning is [None]. Minus infinity is written in the files as the
    initial value of a maximum and around an image whose cells are compared; it
    is smaller than every number, and no arithmetic takes it.

    Glossary
      - [array]             a type and cells: reals, booleans, or reals and minus
                            infinity, which is [None]
      - [lhs_index], [rhs_index]  where a dot_general reads; [conv_lhs_index],
                            [conv_rhs_index] where a convolution does, which sums
                            over [conv_summed]
      - [broadcast_source], [transpose_source], [reshape_source], [reverse_source],
        [slide_source], [pad_source], [slice_source]  where the op of that name reads
      - [padded_cell], [window_cell], [inside], [slide_cells]  cells of what is
                            padded, of a window, of a shape, of all in a window
      - [unary_real], [binary_real], [direction_real]  elementwise ops;
                            [direction_extended] compares with minus infinity
      - [dot_general], [broadcast_in_dim], [transpose], [reshape], [reverse],
        [convolution], [reduce_add], [reduce_maximum], [window_add],
        [window_maximum], [pad], [slice], [concatenate]  the op of that name
      - [op_meaning o t xs] the cells of op [o] on [xs], for result type [t]
      - [lookup], [reals_of]  what an operand is; if it is real
      - [have_types]        arrays of the types of these slots
      - [procedure]         from arguments to results: [instruction_meaning],
                            [body_meaning], [call_of_private], [function_meaning],
                            [meaning] of the module
      - [fibre s ds i]      the indices of [s] that are [i] away from [ds]
      - [largest l]         the maximum of a list that is not empty *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Denote Atan2 Stablehlo Stablehlo_types.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Definition fibre (s : shape) (ds : seq N) (i : idx) : seq idx :=
  [seq r <- idxs s | pick r (others (size s) ds) == i].

(** *** Where the linear ops read *)

(** The result index of a dot_general is the batching index, the free index of
    lhs, the free index of rhs; [c] is an index of the contracting dimensions. *)
Definition lhs_index (d : dot_dims) (s : shape) (i c : idx) : idx :=
  let batch := size (lhs_batching d) in
  let free := size (lhs_free d s) in
  place (lhs_batching d ++ lhs_free d s ++ lhs_contracting d)
    (take batch i ++ take free (drop batch i) ++ c) (size s).
Definition rhs_index (d : dot_dims) (s t : shape) (i c : idx) : idx :=
  let batch := size (lhs_batching d) in
  let free := size (lhs_free d s) in
  place (rhs_batching d ++ rhs_free d t ++ rhs_contracting d)
    (take batch i ++ drop (batch + free) i ++ c) (size t).

(** Dimension [d] of the operand is read at coordinate [ds[d]] of the result
    index, or at 0 where the operand's size is 1. *)
Definition broadcast_source (ds : seq N) (s : shape) (i : idx) : idx :=
  [seq if p.1 == 1%num then 0%num else p.2 | p <- zip s (pick i ds)].

(** Result index [i] is operand index [j] with [i[d] = j[ds[d]]]. *)
Definition transpose_source (ds : seq N) (s : shape) (i : idx) : idx := place ds i (size s).

(** The same place in row-major order. *)
Definition reshape_source (s t : shape) (i : idx) : idx :=
  nth [::] (idxs s) (seq.index i (idxs t)).

(** Dimensions [ds] of the operand are read backwards. *)
Definition reverse_source (ds : seq N) (s : shape) (i : idx) : idx :=
  [seq (let n := nth 0%num s (N.to_nat d) in let k := nth 0%num i (N.to_nat d) in
        if d \in ds then (n - 1 - k)%num else k) | d <- first_dims (size s)].

(** *** Where a convolution reads *)

(** Along one spatial dimension, lhs, of size [n], is first spread out (its
    cells [w_lhs_dilation] apart), then padded by [w_low] in front (or cropped,
    where that is negative). What lies at place [z] of the outcome: a cell of
    lhs; [None], where there is a 0, between cells and in the padding. *)
Definition padded_cell (w : conv_window) (n : N) (z : Z) : option N :=
  let from := Z.sub z (w_low w) in
  let step := Z.of_N (w_lhs_dilation w) in
  let cell := Z.div from step in
  if [&& Z.eqb (Z.mul cell step) from, Z.leb 0 cell & Z.ltb cell (Z.of_N n)]
  then Some (Z.to_N cell) else None.

(** The window is at [q], in strides; cell [k] of the kernel is over the place
    [q * stride + k * dilation]. *)
Fixpoint window_cell (ws : seq conv_window) (n : shape) (q k : idx) : option idx :=
  match ws, n, q, k with
  | [::], [::], [::], [::] => Some [::]
  | w :: ws, n :: ns, q :: qs, k :: ks =>
      let z := Z.of_N (q * w_stride w + k * w_rhs_dilation w) in
      obind (fun j => omap (cons j) (window_cell ws ns qs ks)) (padded_cell w n z)
  | _, _, _, _ => None
  end.

(** The index set that is summed over: an input feature of the kernel, then a
    cell of its window. *)
Definition conv_summed (c : conv_dims) (t : shape) : shape :=
  first_size (c_rhs c) t :: spatial_sizes (c_rhs c) t.

(** With groups, output feature [o] belongs to group [o / (features / groups)],
    which sees its own share of lhs: of the features, or of the batch. *)
Definition conv_lhs_index (c : conv_dims) (s t : shape) (i r : idx) : option idx :=
  let at_ := pick i (numbers (c_result c)) in
  let batch := nth 0%num at_ 0 in let o := nth 0%num at_ 1 in let q := drop 2 at_ in
  let inputs := first_size (c_rhs c) t in let outputs := second_size (c_rhs c) t in
  let feature_group := N.div o (N.div outputs (c_feature_groups c)) in
  let batch_group := N.div o (N.div outputs (c_batch_groups c)) in
  let share := N.div (first_size (c_lhs c) s) (c_batch_groups c) in
  omap (fun j => place (numbers (c_lhs c))
      [:: (batch_group * share + batch)%num, (feature_group * inputs + nth 0%num r 0)%num & j]
      (size s))
    (window_cell (c_windows c) (spatial_sizes (c_lhs c) s) q (behead r)).
Definition conv_rhs_index (c : conv_dims) (t : shape) (i r : idx) : idx :=
  let o := nth 0%num (pick i (numbers (c_result c))) 1 in
  place (numbers (c_rhs c)) [:: nth 0%num r 0, o & behead r] (size t).

(** *** Where windows, padding and slices read *)

(** A place, one integer per dimension, as an index; [None] outside of [s]. *)
Fixpoint inside (s : shape) (z : seq Z) : option idx := match s, z with
| [::], [::] => Some [::]
| n :: s, k :: z =>
    if Z.leb 0 k && Z.ltb k (Z.of_N n) then omap (cons (Z.to_N k)) (inside s z) else None
| _, _ => None
end.

(** Cell [o] of the window at [i]; the operand begins after the low padding. *)
Definition slide_source (ws : seq slide_dim) (s : shape) (i o : idx) : option idx :=
  inside s [seq (Z.of_N (p.2.1 * d_stride p.1 + p.2.2) - d_low p.1)%Z | p <- zip ws (zip i o)].

(** What lies at [i] once cells are [p_interior + 1] apart and padded: a cell;
    [None], where there is padding. *)
Fixpoint pad_source (ps : seq pad_dim) (s : shape) (i : idx) : option idx := match ps, s, i with
| [::], [::], [::] => Some [::]
| p :: ps, n :: s, k :: i =>
    let spread := ConvWindow 1 (p_low p) (p_high p) (p_interior p + 1) 1 in
    obind (fun j => omap (cons j) (pad_source ps s i)) (padded_cell spread n (Z.of_N k))
| _, _, _ => None
end.

Definition slice_source (ls : seq slice_dim) (i : idx) : idx :=
  [seq (l_start p.1 + p.2 * l_stride p.1)%num | p <- zip ls i].

Section Meaning.
Variable R : realType.

Inductive cells :=
| Reals of tensor R
| Booleans of (idx -> bool)
| Extended of (idx -> option R).    (** [None] is minus infinity *)

Record array := Array { a_type : type; a_cells : cells }.

(** ** Elementwise *)
Definition unary_real (u : unary_op) (x : R) : R := match u with
| Negate => - x
| Exponential => expR x
| Logarithm => ln x
| SquareRoot => Num.sqrt x
| ExponentialMinusOne => expR x - 1
| LogarithmPlusOne => ln (1 + x)
| ReciprocalRoot => (Num.sqrt x)^-1
| HyperbolicTangent => (expR x - expR (- x)) / (expR x + expR (- x))
| Sigmoid => (1 + expR (- x))^-1
| AbsoluteValue => `|x|
| ErrorFunction => erf x
end.
Definition binary_real (b : binary_op) (x y : R) : R := match b with
| Addition => x + y
| Subtraction => x - y
| Multiplication => x * y
| Division => x / y
| Maximum => Num.max x y
| Minimum => Num.min x y
| Arctangent2 => atan2 x y
end.
Definition direction_real (d : direction) (x y : R) : bool := match d with
| EQ => x == y
| GT => x > y
| GE => x >= y
end.

(** Minus infinity is equal to itself and less than every number. *)
Definition direction_extended (d : direction) (x y : option R) : bool := match x, y with
| Some a, Some b => direction_real d a b
| Some _, None => if d is EQ then false else true
| None, Some _ => false
| None, None => if d is GT then false else true
end.

(** ** Linear *)
Definition dot_general (d : dot_dims) (s t : shape) (a b : tensor R) : tensor R := fun i =>
  \sum_(c <- idxs (pick s (lhs_contracting d))) a (lhs_index d s i c) * b (rhs_index d s t i c).
Definition broadcast_in_dim (ds : seq N) (s : shape) (a : tensor R) : tensor R := fun i =>
  a (broadcast_source ds s i).
Definition transpose (ds : seq N) (s : shape) (a : tensor R) : tensor R := fun i =>
  a (transpose_source ds s i).
Definition reshape (s t : shape) (a : tensor R) : tensor R := fun i =>
  a (reshape_source s t i).

Definition reverse (ds : seq N) (s : shape) (a : tensor R) : tensor R := fun i =>
  a (reverse_source ds s i).
Definition convolution (c : conv_dims) (s t : shape) (a b : tensor R) : tensor R := fun i =>
  \sum_(r <- idxs (conv_summed c t))
    (if conv_lhs_index c s t i r is Some l then a l else 0) * b (conv_rhs_index c t i r).

(** ** Reductions *)

(** The initial value may enter a reduction any number of times, so it has to be
    neutral: 0 for a sum; for a maximum minus infinity, which leaves the maximum
    of the cells, of which there have to be some. *)
Definition reduce_add (s : shape) (ds : seq N) (a : tensor R) : tensor R := fun i =>
  \sum_(r <- fibre s ds i) a r.
Definition largest (l : seq R) : R := foldr Num.max (head 0 l) (behead l).
Definition reduce_maximum (s : shape) (ds : seq N) (a : tensor R) : tensor R := fun i =>
  largest [seq a r | r <- fibre s ds i].

(** Over the cells of each window that lie in the operand. *)
Definition slide_cells (ws : seq slide_dim) (s : shape) (i : idx) : seq idx :=
  pmap (slide_source ws s i) (idxs (map d_size ws)).
Definition window_add (ws : seq slide_dim) (s : shape) (a : tensor R) : tensor R := fun i =>
  \sum_(r <- slide_cells ws s i) a r.
Definition window_maximum (ws : seq slide_dim) (s : shape) (a : tensor R) : tensor R := fun i =>
  largest [seq a r | r <- slide_cells ws s i].

(** ** Padding and slices *)
Definition pad (T : Type) (ps : seq pad_dim) (s : shape) (a : idx -> T) (fill : T) : idx -> T :=
  fun i => if pad_source ps s i is Some j then a j else fill.
Definition slice (T : Type) (ls : seq slice_dim) (a : idx -> T) : idx -> T := fun i =>
  a (slice_source ls i).

(** ** Concatenation
    Along dimension [d], an index is in the first operand, or else in the others
    at what is left of its coordinate. There is no index behind all of them. *)
Fixpoint concatenate (T : Type) (none : T) (d : N) (xs : seq (shape * (idx -> T))) (i : idx) : T :=
  if xs is (s, a) :: rest then
    let k := nth 0%num i (N.to_nat d) in let n := nth 0%num s (N.to_nat d) in
    if N.ltb k n then a i
    else concatenate none d rest (set_nth 0%num i (N.to_nat d) (k - n)%num)
  else none.
Definition reals_of (x : array) : option (shape * tensor R) :=
  if a_cells x is Reals a then Some (t_shape (a_type x), a) else None.

(** ** All ops *)
Definition op_meaning (o : operation) (t : type) (xs : seq array) : option cells :=
  match o, xs with
  | Constant l, [::] => match literal_value (t_element t) l with
    | Some (Finite n d) => Some (Reals (fun _ => rational R n d))
    | Some MinusInfinity => Some (Extended (fun _ => None))
    | None => None
    end
  | Unary u, [:: Array _ (Reals a)] => Some (Reals (fun i => unary_real u (a i)))
  | Binary o, [:: Array _ (Reals a); Array _ (Reals b)] =>
      Some (Reals (fun i => binary_real o (a i) (b i)))
  | Compare d, [:: Array _ (Reals a); Array _ (Reals b)] =>
      Some (Booleans (fun i => direction_real d (a i) (b i)))
  | Select, [:: Array _ (Booleans p); Array _ (Reals a); Array _ (Reals b)] =>
      Some (Reals (fun i => if p i then a i else b i))
  | DotGeneral d, [:: Array s (Reals a); Array t (Reals b)] =>
      Some (Reals (dot_general d (t_shape s) (t_shape t) a b))
  | BroadcastInDim ds, [:: Array s (Reals a)] =>
      Some (Reals (broadcast_in_dim ds (t_shape s) a))
  | Reduce ReduceAdd ds, [:: Array s (Reals a); Array _ (Reals init)] =>
      if init [::] == 0 then Some (Reals (reduce_add (t_shape s) ds a)) else None
  | Reduce ReduceMaximum ds, [:: Array s (Reals a); Array _ (Extended init)] =>
      if ~~ init [::] && (0%num \notin pick (t_shape s) ds)
      then Some (Reals (reduce_maximum (t_shape s) ds a)) else None
  | Transpose ds, [:: Array s (Reals a)] => Some (Reals (transpose ds (t_shape s) a))
  | ReshapeOp, [:: Array s (Reals a)] => Some (Reals (reshape (t_shape s) (t_shape t) a))
  | Convolution c, [:: Array s (Reals a); Array t (Reals b)] =>
      Some (Reals (convolution c (t_shape s) (t_shape t) a b))
  | Reverse ds, [:: Array s (Reals a)] => Some (Reals (reverse ds (t_shape s) a))
  | ReduceWindow ReduceAdd ws, [:: Array s (Reals a); Array _ (Reals init)] =>
      if init [::] == 0 then Some (Reals (window_add ws (t_shape s) a)) else None
  | ReduceWindow ReduceMaximum ws, [:: Array s (Reals a); Array _ (Extended init)] =>
      if ~~ init [::] && all_dims2 slide_meets ws (t_shape s) (t_shape t)
      then Some (Reals (window_maximum ws (t_shape s) a)) else None
  | Pad ps, [:: Array s (Reals a); Array _ (Reals fill)] =>
      Some (Reals (pad ps (t_shape s) a (fill [::])))
  | Pad ps, [:: Array s (Reals a); Array _ (Extended fill)] =>
      Some (Extended (pad ps (t_shape s) (fun i => Some (a i)) (fill [::])))
  | Slice ls, [:: Array _ (Reals a)] => Some (Reals (slice ls a))
  | Slice ls, [:: Array _ (Extended a)] => Some (Extended (slice ls a))
  | Concatenate d, xs =>
      omap (fun xs => Reals (concatenate 0 d xs)) (all_some (map reals_of xs))
  | Compare d, [:: Array _ (Extended a); Array _ (Extended b)] =>
      Some (Booleans (fun i => direction_extended d (a i) (b i)))
  | Select, [:: Array _ (Booleans p); Array _ (Extended a); Array _ (Extended b)] =>
      Some (Extended (fun i => if p i then a i else b i))
  | _, _ => None
  end.

(** ** Functions *)
Definition procedure := seq array -> option (seq array).

Definition lookup (args results : seq array) (v : value) : option array := match v with
| Arg n => List.nth_error args (N.to_nat n)
| Res n => List.nth_error results (N.to_nat n)
end.

Definition instruction_meaning (call : string -> procedure) (args results : seq array)
    (i : instruction) : option array :=
  let t := i_type i in
  obind (fun xs => match i_operation i with
    | Call f =>
        if call f xs is Some [:: y] then if a_type y == t then Some y else None else None
    | o => if fits o (map a_type xs) t then omap (Array t) (op_meaning o t xs) else None
    end) (all_some (map (lookup args results) (i_operands i))).

(** The results of all instructions, in order. *)
Fixpoint body_meaning (call : string -> procedure) (args results : seq array)
    (body : seq instruction) : option (seq array) := match body with
| [::] => Some results
| i :: rest =>
    obind (fun x => body_meaning call args (rcons results x) rest)
      (instruction_meaning call args results i)
end.

Definition have_types (xs : seq array) (slots : seq slot) : bool :=
  map a_type xs == map s_type slots.

Definition function_meaning (call : string -> procedure) (f : function) : procedure := fun args =>
  if have_types args (f_arguments f) then
    obind (fun results =>
      obind (fun ys => if have_types ys (f_results f) then Some ys else None)
        (all_some (map (lookup args results) (f_returns f))))
      (body_meaning call args [::] (f_body f))
  else None.

(** A private function calls no other. *)
Definition call_of_private (m : module) (name : string) : procedure :=
  if callee m name is Some f then function_meaning (fun _ _ => None) f else fun _ => None.

Definition meaning (m : module) : procedure :=
  if main_of m is Some f then function_meaning (call_of_private m) f else fun _ => None.
End Meaning.
Arguments Array {R}.
Arguments Reals {R}.
Arguments Booleans {R}.
Arguments Extended {R}.
