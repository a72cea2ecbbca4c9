(** * What the graph's ops are in StableHLO

    Linear ops of StableHLO as contractions of the graph, and the private
    functions that are printed for ops that are no one instruction of
    StableHLO: [Raise.v] recognises a function by its body.

    Glossary
      - [contract_broadcast], [contract_reduce], [contract_transpose],
        [contract_dot], [contract_conv], [contract_pad], [contract_slice]
                       the op of that name as a contraction
      - [contract_grouped]  a convolution whose kernel has its features
                       exchanged within each group
      - [contract_window], [contract_window_back], [window_max]  sums over
                       windows, their gradient, maxima
      - [contract_parts]  the operands of a concatenation, padded to its result
      - [slide_map]    the cells of the windows
      - [meeting], [solvable]  which cell of the image, the kernel and the
                       windows meet; whether two of them give the third
      - [relu_body], [softplus_body], [erf_grad_body], [elu_body], [clamp_body],
        [softmax_body], [cross_entropy_body], [variance_body], [normalize_body]
                       the printed bodies
      - [shifted_exponentials]  how softmax and cross-entropy begin
      - [row], [rest]  the type without its last dimension, without some; [scalar]
                       without any
      - [max_pool_grad_body], [window_sum_grad_body]  those of the gradients of
                       pooling
      - [conv_body], [reversed_body], [grouped_body]  those of the gradients of
                       convolutions *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Index Joins Stablehlo Stablehlo_types.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Linear ops as contractions *)

Definition all_dims (s : shape) : seq N := first_dims (size s).

Definition contract_broadcast (ds : seq N) (s t : shape) (a : N) : op :=
  Contract t t (proj (all_dims t)) [:: View a s (proj ds)].

Definition contract_reduce (ds : seq N) (s : shape) (a : N) : op :=
  let kept := others (size s) ds in
  Contract s (pick s kept) (proj kept) [:: View a s (proj (all_dims s))].

Definition contract_transpose (ds : seq N) (s : shape) (a : N) : op :=
  Contract s (pick s ds) (proj ds) [:: View a s (proj (all_dims s))].

(** The box has the result's dimensions in order, then the contracting ones. *)
Definition contract_dot (d : dot_dims) (s t : shape) (a b : N) : op :=
  let out := result_shape d s t in
  let contracting := pick s (lhs_contracting d) in
  let batch := size (lhs_batching d) in
  let left := size (lhs_free d s) in
  let right := size (rhs_free d t) in
  let count from n := map N.of_nat (iota from n) in
  let summed := count (batch + left + right) (size contracting) in
  Contract (out ++ contracting) out (proj (first_dims (size out)))
    [:: View a s (proj (place (lhs_batching d ++ lhs_free d s ++ lhs_contracting d)
           (count 0 batch ++ count batch left ++ summed) (size s)));
        View b t (proj (place (rhs_batching d ++ rhs_free d t ++ rhs_contracting d)
           (count 0 batch ++ count (batch + left) right ++ summed) (size t)))].

(** *** convolution

    The box has dimensions for batch, input feature and output feature of a
    group, for a place and a cell of the kernel in each spatial dimension, and
    for the group where there is more than one. With
    [cell of lhs * lhs dilation = window * stride + cell of kernel * dilation - low],
    two of the three give the third. Without dilation of lhs the places are the
    windows, and give the cell of lhs. With stride 1 they are the cells of lhs,
    and give the window; so it is done for the gradient in the image, whose
    kernel is [flipped], which makes the cell of the kernel count backwards. *)

Definition place_forms (ds : seq N) (m : imap) (n : nat) : imap :=
  [seq nth (Aff 0 [::]) m (seq.index d ds) | d <- first_dims n].

Definition no_window : conv_window := ConvWindow 1 0 0 1 1.

(** A coordinate within a group, beside the group's dimension. *)
Definition in_group (groups : N) (dim : nat) (share : N) (within : N) : aff :=
  Aff 0 (if N.eqb groups 1 then [:: (within, 1%Z)]
         else [:: (N.of_nat dim, Z.of_N share); (within, 1%Z)]).

Definition meeting (flipped : bool) (n d : nat) (w : conv_window) (k : N) : aff :=
  let dilation := Z.of_N (w_rhs_dilation w) in
  Aff (if flipped then w_low w - (Z.of_N k - 1) * dilation else - w_low w)%Z
    [:: (N.of_nat (3 + d), Z.of_N (if flipped then w_lhs_dilation w else w_stride w));
        (N.of_nat (3 + (n + d)), dilation)].

Definition contract_conv (flipped : bool) (c : conv_dims) (s t : shape) (a b : N) : op :=
  let ws := c_windows c in let n := size ws in
  let group := 3 + (n + n) in
  let fg := c_feature_groups c in let bg := c_batch_groups c in let groups := (fg * bg)%num in
  let out := conv_shape c s t in
  let share := N.div (first_size (c_lhs c) s) bg in
  let inputs := first_size (c_rhs c) t in
  let outputs := N.div (second_size (c_rhs c) t) groups in
  let kernel := spatial_sizes (c_rhs c) t in
  let places := [seq coord (N.of_nat (3 + d)) | d <- iota 0 n] in
  let cells := [seq coord (N.of_nat (3 + (n + d))) | d <- iota 0 n] in
  let met := [seq meeting flipped n d (nth no_window ws d) (nth 0%num kernel d) | d <- iota 0 n] in
  let output := in_group groups group outputs 2 in
  Contract
    ([:: share; inputs; outputs]
       ++ (if flipped then spatial_sizes (c_lhs c) s else spatial_sizes (c_result c) out)
       ++ kernel ++ (if N.eqb groups 1 then [::] else [:: groups]))
    out
    (place_forms (numbers (c_result c))
       [:: coord 0, output & if flipped then met else places] (size s))
    [:: View a s (place_forms (numbers (c_lhs c))
          [:: in_group bg group share 0, in_group fg group inputs 1
            & if flipped then places else met] (size s));
        View b t (place_forms (numbers (c_rhs c)) [:: coord 1, output & cells] (size t))].

(** The kernel of a grouped convolution, whose input and output features are
    exchanged within each group for the gradient in the image, read where it
    was: [w] has [k ++ [:: inputs; groups * outputs]] dimensions, the exchanged
    kernel [k ++ [:: outputs; groups * inputs]]. *)
Definition kernel_numbers (n : nat) : conv_numbers :=
  ConvNumbers (N.of_nat (n + 0)) (N.of_nat (n + 1)) (first_dims n).
Definition exchange (n : nat) : seq N :=
  first_dims n ++ [:: N.of_nat (n + 2); N.of_nat (n + 1); N.of_nat (n + 0)].

Definition with_kernel (o : op) (w : view) : op :=
  if o is Contract box out f (v :: _) then Contract box out f [:: v; w] else o.
Definition contract_grouped (c : conv_dims) (s k : shape) (inputs outputs : N) (a b : N) : op :=
  let n := size (c_windows c) in let g := c_feature_groups c in
  let cells := [seq coord (N.of_nat (3 + (n + d))) | d <- iota 0 n] in
  with_kernel (contract_conv true c s (k ++ [:: outputs; (g * inputs)%num]) a b)
    (View b (k ++ [:: inputs; (g * outputs)%num])
       (cells ++ [:: coord 2; in_group g (3 + (n + n)) outputs 1])).

(** Whether [contract_conv flipped] is one for [c]. *)
Definition solvable (flipped : bool) (c : conv_dims) : bool :=
  all (fun w => N.eqb (if flipped then w_stride w else w_lhs_dilation w) 1) (c_windows c).

(** *** reduce_window

    Cell [o] of the window at [i]. *)
Definition slide_map (ws : seq slide_dim) : imap :=
  let n := size ws in
  [seq Aff (- d_low p.2) [:: (N.of_nat p.1, Z.of_N (d_stride p.2)); (N.of_nat (n + p.1), 1%Z)]
  | p <- zip (iota 0 n) ws].

Definition contract_window (ws : seq slide_dim) (s out : shape) (a : N) : op :=
  Contract (out ++ map d_size ws) out (proj (all_dims out)) [:: View a s (slide_map ws)].
Definition contract_window_back (ws : seq slide_dim) (s out : shape) (ct : N) : op :=
  Contract (out ++ map d_size ws) s (slide_map ws) [:: View ct out (proj (all_dims out))].
Definition window_max (ws : seq slide_dim) (s out : shape) (a : N) : op :=
  MaxPool s out (map d_size ws) (slide_map ws) a.

(** *** pad, slice, concatenate *)

Definition contract_pad (ps : seq pad_dim) : shape -> shape -> N -> op :=
  pad_to [seq (p_low p, p_interior p + 1)%num | p <- ps].
Definition contract_slice (ls : seq slice_dim) : shape -> shape -> N -> op :=
  slice_of [seq (Z.of_N (l_start l), l_stride l) | l <- ls].
(** The operands, padded to the result; they are to be added. *)
Definition contract_parts (d : N) (t : shape) (xs : seq (type * N)) : seq op :=
  part_pads d t 0 [seq (x.2, t_shape x.1) | x <- xs].

(** ** The bodies of the private functions *)

Definition zero : operation := Constant (Decimal 0 0).
Definition scalar (t : type) : type := Tensor [::] (t_element t).
Definition row (t : type) : type := Tensor (lead (t_shape t)) (t_element t).
Definition last_dim (t : type) : N := N.of_nat (size (t_shape t)).-1.
Definition over_last (t : type) : operation :=
  BroadcastInDim (first_dims (size (t_shape t)).-1).

Definition relu_body (t : type) : seq instruction := [::
  Instruction zero [::] t;
  Instruction (Binary Maximum) [:: Arg 0; Res 0] t].

(** [max(a, 0) + log(1 + exp(-|a|))] *)
Definition softplus_body (t : type) : seq instruction := [::
  Instruction zero [::] t;
  Instruction (Binary Maximum) [:: Arg 0; Res 0] t;
  Instruction (Unary AbsoluteValue) [:: Arg 0] t;
  Instruction (Unary Negate) [:: Res 2] t;
  Instruction (Unary Exponential) [:: Res 3] t;
  Instruction (Unary LogarithmPlusOne) [:: Res 4] t;
  Instruction (Binary Addition) [:: Res 1; Res 5] t].

(** [rsqrt(atan2(1, 1)) · exp(-(a·a))]; [atan2(1, 1)] is a quarter of pi. *)
Definition erf_grad_body (t : type) : seq instruction := [::
  Instruction (Constant (Decimal 1 0)) [::] t;
  Instruction (Binary Arctangent2) [:: Res 0; Res 0] t;
  Instruction (Unary ReciprocalRoot) [:: Res 1] t;
  Instruction (Binary Multiplication) [:: Arg 0; Arg 0] t;
  Instruction (Unary Negate) [:: Res 3] t;
  Instruction (Unary Exponential) [:: Res 4] t;
  Instruction (Binary Multiplication) [:: Res 2; Res 5] t].

(** [a] where [a > 0], else [alpha · (exp(min(a, 0)) - 1)] *)
Definition elu_body (alpha : literal) (t : type) : seq instruction := [::
  Instruction zero [::] t;
  Instruction (Compare GT) [:: Arg 0; Res 0] (Tensor (t_shape t) I1);
  Instruction (Binary Minimum) [:: Arg 0; Res 0] t;
  Instruction (Unary ExponentialMinusOne) [:: Res 2] t;
  Instruction (Constant alpha) [::] t;
  Instruction (Binary Multiplication) [:: Res 4; Res 3] t;
  Instruction Select [:: Res 1; Arg 0; Res 5] t].

(** [min(max(a, low), high)] *)
Definition clamp_body (low high : literal) (t : type) : seq instruction := [::
  Instruction (Constant low) [::] t;
  Instruction (Binary Maximum) [:: Arg 0; Res 0] t;
  Instruction (Constant high) [::] t;
  Instruction (Binary Minimum) [:: Res 1; Res 2] t].

Definition minus_infinity (t : type) : operation :=
  Constant (Pattern (if t_element t is F64 then 0xFFF0000000000000 else 0xFF800000)).

(** [a - max a], its exponential, and that one's sum, over the last dimension. *)
Definition shifted_exponentials (t : type) : seq instruction := [::
  Instruction (minus_infinity t) [::] (scalar t);
  Instruction (Reduce ReduceMaximum [:: last_dim t]) [:: Arg 0; Res 0] (row t);
  Instruction (over_last t) [:: Res 1] t;
  Instruction (Binary Subtraction) [:: Arg 0; Res 2] t;
  Instruction (Unary Exponential) [:: Res 3] t;
  Instruction zero [::] (scalar t);
  Instruction (Reduce ReduceAdd [:: last_dim t]) [:: Res 4; Res 5] (row t)].

Definition softmax_body (t : type) : seq instruction := shifted_exponentials t ++ [::
  Instruction (over_last t) [:: Res 6] t;
  Instruction (Binary Division) [:: Res 4; Res 7] t].

(** The number of rows, by which the sum is divided, exactly. *)
Definition row_count (t : type) : Z := Z.of_N (size_of (lead (t_shape t))).

Definition cross_entropy_body (t : type) : seq instruction := shifted_exponentials t ++ [::
  Instruction (Unary Logarithm) [:: Res 6] (row t);
  Instruction (over_last t) [:: Res 7] t;
  Instruction (Binary Subtraction) [:: Res 3; Res 8] t;
  Instruction (Binary Multiplication) [:: Arg 1; Res 9] t;
  Instruction zero [::] (scalar t);
  Instruction (Reduce ReduceAdd (all_dims (t_shape t))) [:: Res 10; Res 11] (scalar t);
  Instruction (Constant (Decimal (row_count t) 0)) [::] (scalar t);
  Instruction (Binary Division) [:: Res 12; Res 13] (scalar t);
  Instruction (Unary Negate) [:: Res 14] (scalar t)].

(** [a - mean a] is [Res 5], the mean of its squares [Res 9]. *)
Definition rest (ds : seq N) (t : type) : type :=
  Tensor (pick (t_shape t) (kept (t_shape t) ds)) (t_element t).
Definition cell_count (ds : seq N) (t : type) : Z := Z.of_N (size_of (pick (t_shape t) ds)).
Definition over_kept (ds : seq N) (t : type) : operation := BroadcastInDim (kept (t_shape t) ds).

Definition variance_body (ds : seq N) (t : type) : seq instruction := [::
  Instruction zero [::] (scalar t);
  Instruction (Reduce ReduceAdd ds) [:: Arg 0; Res 0] (rest ds t);
  Instruction (Constant (Decimal (cell_count ds t) 0)) [::] (rest ds t);
  Instruction (Binary Division) [:: Res 1; Res 2] (rest ds t);
  Instruction (over_kept ds t) [:: Res 3] t;
  Instruction (Binary Subtraction) [:: Arg 0; Res 4] t;
  Instruction (Binary Multiplication) [:: Res 5; Res 5] t;
  Instruction zero [::] (scalar t);
  Instruction (Reduce ReduceAdd ds) [:: Res 6; Res 7] (rest ds t);
  Instruction (Binary Division) [:: Res 8; Res 2] (rest ds t)].

Definition normalize_body (ds : seq N) (eps : literal) (t : type) : seq instruction :=
  variance_body ds t ++ [::
  Instruction (Constant eps) [::] (rest ds t);
  Instruction (Binary Addition) [:: Res 9; Res 10] (rest ds t);
  Instruction (Unary ReciprocalRoot) [:: Res 11] (rest ds t);
  Instruction (over_kept ds t) [:: Res 12] t;
  Instruction (Binary Multiplication) [:: Res 5; Res 13] t].
(** *** The gradient of a window's sum: the cotangents, as far apart as the
    windows are, summed over windows that end where those began. *)
Definition back_pad (w : slide_dim) (n m : N) : pad_dim :=
  let low := (Z.of_N (N.pred (d_size w)) - d_low w)%Z in
  let spread := Z.of_N (N.pred m * d_stride w + 1) in
  PadDim low (Z.of_N (n + N.pred (d_size w)) - low - spread) (N.pred (d_stride w)).
Definition back_slide (w : slide_dim) : slide_dim := SlideDim (d_size w) 1 0 0.

Definition zip3 (T U V W : Type) (f : T -> U -> V -> W) (a : seq T) (b : seq U) (c : seq V) : seq W :=
  [seq f p.1 p.2.1 p.2.2 | p <- zip a (zip b c)].

Definition window_sum_grad_body (ws : seq slide_dim) (ct t : type) : seq instruction :=
  let s := t_shape t in
  let padded := Tensor [seq (p.2 + N.pred (d_size p.1))%num | p <- zip ws s] (t_element t) in [::
  Instruction zero [::] (scalar t);
  Instruction (Pad (zip3 back_pad ws s (t_shape ct))) [:: Arg 0; Res 0] padded;
  Instruction zero [::] (scalar t);
  Instruction (ReduceWindow ReduceAdd (map back_slide ws)) [:: Res 1; Res 2] t].

(** *** The gradient of a maximum over windows

    The image with minus infinity around it. For each cell [o] of the window, in
    row-major order, its slice over all windows; so cell after cell, the maximum
    of all windows so far and the number of the cell it is from. Then for each
    cell the cotangents of the windows whose maximum is from it, put back in
    place, and their sum, without the padding. *)
Definition around_image (w : slide_dim) : pad_dim := PadDim (d_low w) (d_high w) 0.
Definition last_cell (w : slide_dim) (m o : N) : N := (o + N.pred m * d_stride w + 1)%num.
Definition cell_slice (w : slide_dim) (m o : N) : slice_dim :=
  SliceDim o (last_cell w m o) (d_stride w).
Definition cell_pad (w : slide_dim) (n m o : N) : pad_dim :=
  PadDim (Z.of_N o) (Z.of_N n + d_low w + d_high w - Z.of_N (last_cell w m o)) (N.pred (d_stride w)).
Definition off_padding (w : slide_dim) (n : N) : slice_dim :=
  let low := Z.to_N (d_low w) in SliceDim low (low + n) 1.

Section MaxPoolGrad.
Variables (ws : seq slide_dim) (t ct : type).
Let s := t_shape t.
Let out := t_shape ct.
Let mask_type := Tensor out I1.

Definition window_cells : seq idx := idxs (map d_size ws).
Definition padded_image : type :=
  Tensor [seq Z.to_N (Z.of_N p.2 + d_low p.1 + d_high p.1) | p <- zip ws s] (t_element t).
Definition take_cell (o : idx) : operation := Slice (zip3 cell_slice ws out o).
Definition put_cell (o : idx) : operation :=
  Pad [seq cell_pad p.1 p.2.1 p.2.2.1 p.2.2.2 | p <- zip ws (zip s (zip out o))].
Definition take_image : operation := Slice [seq off_padding p.1 p.2 | p <- zip ws s].
Definition cell_number (c : N) : operation := Constant (Decimal (Z.of_N c) 0).
(** Where the number of cell [c] is. *)
Definition number_at (c : N) : value := Res (if N.eqb c 0 then 3 else 5 * c)%num.

(** After the maximum and its index so far, from value [next] on. *)
Fixpoint choose_cells (cells : seq (N * idx)) (next : N) : seq instruction :=
  let maximum := Res (next - 2) in let index := Res (next - 1) in
  if cells is (c, o) :: rest then
    [:: Instruction (take_cell o) [:: Res 1] ct,
        Instruction (cell_number c) [::] ct,
        Instruction (Compare GT) [:: Res next; maximum] mask_type,
        Instruction Select [:: Res (next + 2); Res next; maximum] ct,
        Instruction Select [:: Res (next + 2); Res (next + 1); index] ct
      & choose_cells rest (next + 5)]
  else [::].

(** What cell [c] gets, in place; after the total so far. *)
Definition deal_one (index zeros : value) (c : N) (o : idx) (next : N) : seq instruction := [::
  Instruction (Compare EQ) [:: index; number_at c] mask_type;
  Instruction Select [:: Res next; Arg 1; zeros] ct;
  Instruction zero [::] (scalar t);
  Instruction (put_cell o) [:: Res (next + 1); Res (next + 2)] padded_image].
Fixpoint deal_cells (index zeros : value) (cells : seq (N * idx)) (next : N) : seq instruction :=
  if cells is (c, o) :: rest then
    deal_one index zeros c o next
    ++ Instruction (Binary Addition) [:: Res (next - 1); Res (next + 3)] padded_image
    :: deal_cells index zeros rest (next + 5)
  else [::].

Definition numbered_cells (first : nat) (cells : seq idx) : seq (N * idx) :=
  zip (map N.of_nat (iota first (size cells))) cells.
Definition max_pool_grad_body : seq instruction :=
  let n := N.of_nat (size window_cells) in
  let first := head [::] window_cells in
  let others := numbered_cells 1 (behead window_cells) in
  let index := Res (5 * n - 2) in let zeros := Res (5 * n - 1) in
  [:: Instruction (minus_infinity t) [::] (scalar t);
      Instruction (Pad (map around_image ws)) [:: Arg 0; Res 0] padded_image;
      Instruction (take_cell first) [:: Res 1] ct;
      Instruction (cell_number 0) [::] ct]
  ++ choose_cells others 4
  ++ Instruction zero [::] ct
  :: deal_one index zeros 0 first (5 * n)
  ++ deal_cells index zeros others (5 * n + 4)
  ++ [:: Instruction take_image [:: Res (10 * n - 2)] t].

(** The body is well typed, its constants are the numbers they look like, and
    the image begins after the padding. *)
Definition max_pool_grad_fits : bool :=
  let cells := window_cells in
  [&& is_float t, t_element ct == t_element t,
      all (fun w => [&& N.ltb 0 (d_size w), N.ltb 0 (d_stride w) & Z.leb 0 (d_low w)]) ws,
      size ws == size s, size ws == size out,
      fits (Pad (map around_image ws)) [:: t; scalar t] padded_image,
      fits take_image [:: padded_image] t,
      all (fun o => fits (take_cell o) [:: padded_image] ct
                    && fits (put_cell o) [:: ct; scalar t] padded_image) cells
    & all (fun c => literal_value (t_element t) (Decimal (Z.of_N c) 0) == Some (Finite (Z.of_N c) 1))
        (map N.of_nat (iota 0 (size cells)))].
End MaxPoolGrad.

(** The gradients of a convolution are convolutions: in the image of the
    cotangent with the kernel reversed, in the kernel of the image with the
    cotangent. With groups, the kernel's features are exchanged first. *)
Definition conv_body (c : conv_dims) (t : type) : seq instruction :=
  [:: Instruction (Convolution c) [:: Arg 0; Arg 1] t].
Definition reversed_body (c : conv_dims) (b t : type) : seq instruction :=
  [:: Instruction (Reverse (n_spatial (c_rhs c))) [:: Arg 1] b;
      Instruction (Convolution c) [:: Arg 0; Res 0] t].
Definition grouped_body (c : conv_dims) (b parts exchanged joined t : type) : seq instruction :=
  let n := size (c_windows c) in
  [:: Instruction (Reverse (n_spatial (c_rhs c))) [:: Arg 1] b;
      Instruction ReshapeOp [:: Res 0] parts;
      Instruction (Transpose (exchange n)) [:: Res 1] exchanged;
      Instruction ReshapeOp [:: Res 2] joined;
      Instruction (Convolution c) [:: Arg 0; Res 3] t].
