(** * From StableHLO to the graph

    One pass over [@main]. Each instruction becomes one instruction of the
    graph, except that a comparison is remembered until it is selected by. A
    call is recognised by the body of the function called, which has to be the
    body printed for the op at that type; names carry no meaning.

    Glossary
      - [raised]       arguments and results of [@main], the program, the
                       value of each result; argument [k] is value [k]
      - [bound]        what a StableHLO value is in the graph
      - [relu_body], [softplus_body], [elu_body], [clamp_body], [softmax_body],
        [cross_entropy_body], [variance_body], [normalize_body]  the printed bodies
      - [pointwise_of] the pointwise op that a private function is
      - [recognise]    the op that a private function is
      - [raise]        the whole module *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Index Stablehlo Stablehlo_types.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Record raised := Raised {
  r_arguments : seq slot; r_results : seq slot;
  r_program : prog;
  r_outputs : seq N }.

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

(** [a - max a], its exponential, and that one's sum, over the last dimension. *)
Definition shifted_exponentials (t : type) : seq instruction :=
  let minus_infinity :=
    Constant (Pattern (if t_element t is F64 then 0xFFF0000000000000 else 0xFF800000)) in [::
  Instruction minus_infinity [::] (scalar t);
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

(** Rows that are not empty, and a number of them that the format stores. *)
Definition has_rows (t : type) : bool := all (N.ltb 0) (t_shape t) && (0 < size (t_shape t)).
Definition stores_row_count (t : type) : bool :=
  literal_value (t_element t) (Decimal (row_count t) 0) == Some (Finite (row_count t) 1).

Definition is_function (f : function) (ts : seq type) (body : seq instruction) (t : type)
    (result : N) : bool :=
  [&& map s_type (f_arguments f) == ts, f_body f == body,
      map s_type (f_results f) == [:: t] & f_returns f == [:: Res result]].

(** The literal of instruction [k]; some other one where that is no constant. *)
Definition literal_at (f : function) (k : nat) : literal :=
  if List.nth_error (f_body f) k is Some (Instruction (Constant l) _ _) then l else Decimal 0 0.

Definition pointwise_of (f : function) (t : type) : option unary :=
  let prints body result := is_function f [:: t] body t result in
  let value k := literal_value (t_element t) (literal_at f k) in
  if prints (relu_body t) 1%num then Some Relu
  else if prints (softplus_body t) 6%num then Some Softplus
  else if prints (elu_body (literal_at f 4) t) 6%num then
    if value 4%nat is Some (Finite n d) then Some (Elu n d) else None
  else if prints (clamp_body (literal_at f 0) (literal_at f 2) t) 3%num then
    if (value 0%nat, value 2%nat) is (Some (Finite n d), Some (Finite m e))
    then Some (Clamp n d m e) else None
  else None.

(** The dimensions of the first reduction. *)
Definition reduced_at (f : function) (k : nat) : seq N :=
  if List.nth_error (f_body f) k is Some (Instruction (Reduce _ ds) _ _) then ds else [::].

(** A mean is over different dimensions, and the format stores their size. *)
Definition can_average (ds : seq N) (t : type) : bool :=
  distinct (size (t_shape t)) ds
  && (literal_value (t_element t) (Decimal (cell_count ds t) 0)
        == Some (Finite (cell_count ds t) 1)).

Definition moment_of (f : function) (t a : type) (x : N) : option op :=
  let ds := reduced_at f 1 in
  if ~~ can_average ds a then None
  else if (t == rest ds a) && is_function f [:: a] (variance_body ds a) t 9
  then Some (Variance (t_shape a) ds x)
  else if (t == a) && is_function f [:: a] (normalize_body ds (literal_at f 10) a) t 14 then
    if literal_value (t_element a) (literal_at f 10) is Some (Finite n d)
    then Some (Normalize (t_shape a) ds n d x) else None
  else None.

(** The op that [f] computes, given the values it is called with. *)
Definition recognise (f : function) (t : type) (xs : seq (type * N)) : option op :=
  match xs with
  | [:: (a, x)] =>
      if ~~ is_float a then None
      else if moment_of f t a x is Some o then Some o
      else if t != a then None
      else if pointwise_of f a is Some u then Some (Una (t_shape a) u x)
      else if has_rows a && is_function f [:: a] (softmax_body a) a 8
      then Some (Softmax (t_shape a) x)
      else None
  | [:: (a, x); (b, y)] =>
      if [&& is_float a, b == a, has_rows a, stores_row_count a, t == scalar a
           & is_function f [:: a; a] (cross_entropy_body a) t 15]
      then Some (SoftmaxCrossEntropy (t_shape a) x y)
      else None
  | _ => None
  end.

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

Definition recognise_grouped (f : function) (c : conv_dims) (t a b : type) (x y : N)
    : option op :=
  let n := size (c_windows c) in let g := c_feature_groups c in
  let k := take n (t_shape b) in
  let inputs := nth 0%num (t_shape b) n in
  let outputs := N.div (nth 0%num (t_shape b) n.+1) g in
  let of_shape s := Tensor (k ++ s) (t_element b) in
  let parts := of_shape [:: inputs; g; outputs] in
  let exchanged := of_shape [:: outputs; g; inputs] in
  let joined := of_shape [:: outputs; (g * inputs)%num] in
  if [&& size k == n, b == of_shape [:: inputs; (g * outputs)%num],
         numbers (c_rhs c) == numbers (kernel_numbers n), N.eqb (c_batch_groups c) 1,
         solvable true c, is_function f [:: a; b] (grouped_body c b parts exchanged joined t) t 4,
         fits (Reverse (n_spatial (c_rhs c))) [:: b] b, fits ReshapeOp [:: b] parts,
         fits (Transpose (exchange n)) [:: parts] exchanged, fits ReshapeOp [:: exchanged] joined
       & fits (Convolution c) [:: a; joined] t]
  then Some (contract_grouped c (t_shape a) k inputs outputs x y) else None.

Definition conv_of (i : instruction) : option conv_dims :=
  if i_operation i is Convolution c then Some c else None.
Definition recognise_conv (f : function) (t : type) (xs : seq (type * N)) : option op :=
  if xs is [:: (a, x); (b, y)] then
    let plain flipped body result c :=
      if [&& solvable flipped c, is_function f [:: a; b] (body c) t result
           & fits (Convolution c) [:: a; b] t]
      then Some (contract_conv flipped c (t_shape a) (t_shape b) x y) else None in
    match f_body f with
    | [:: i] => obind (plain false (fun c => conv_body c t) 0%num) (conv_of i)
    | [:: _; i] => obind (plain true (fun c => reversed_body c b t) 1%num) (conv_of i)
    | [:: _; _; _; _; i] => obind (fun c => recognise_grouped f c t a b x y) (conv_of i)
    | _ => None
    end
  else None.

(** ** Instructions *)

Inductive bound :=
| Real of type & N & bool    (** value; whether it is known to be the constant 0 *)
| Predicate of type & comparison & N & N.

Definition bound_type (b : bound) : type := match b with
| Real t _ _ | Predicate t _ _ _ => t
end.
Definition real_of (b : bound) : option (type * N) :=
  if b is Real t x _ then Some (t, x) else None.

Definition unary_of (u : unary_op) : option unary := match u with
| Negate => Some Neg | Exponential => Some Exp | Logarithm => Some Log | SquareRoot => Some Sqrt
| ReciprocalRoot => Some Rsqrt | HyperbolicTangent => Some Tanh | Sigmoid => Some Logistic
| AbsoluteValue => Some Abs
| ExponentialMinusOne | LogarithmPlusOne => None
end.
Definition binary_of (b : binary_op) : option binary := match b with
| Addition => Some Add | Subtraction => Some Sub | Multiplication => Some Mul
| Division => Some Div | Maximum => Some Max
| Minimum => None
end.
Definition comparison_of (d : direction) : comparison := match d with
| EQ => CEq | GT => CGt | GE => CGe
end.

(** An instruction of the graph, or a comparison. *)
Inductive outcome := Emit of op & bool | Remember of comparison & N & N.

Definition outcome_of (m : module) (o : operation) (t : type) (xs : seq bound) : option outcome :=
  let s := t_shape t in
  match o, xs with
  | Constant l, [::] =>
      if literal_value (t_element t) l is Some (Finite n d)
      then Some (Emit (Const s n d) (Z.eqb n 0)) else None
  | Unary u, [:: Real _ a _] =>
      omap (fun u => Emit (Una s u a) false) (unary_of u)
  | Binary b, [:: Real _ x _; Real _ y _] =>
      omap (fun b => Emit (Bin s b x y) false) (binary_of b)
  | Compare d, [:: Real _ a _; Real _ b _] => Some (Remember (comparison_of d) a b)
  | Select, [:: Predicate _ c a b; Real _ x _; Real _ y _] =>
      Some (Emit (Sel s c a b x y) false)
  | DotGeneral d, [:: Real a x _; Real b y _] =>
      Some (Emit (contract_dot d (t_shape a) (t_shape b) x y) false)
  | BroadcastInDim ds, [:: Real a x _] =>
      if pick s ds == t_shape a
      then Some (Emit (contract_broadcast ds (t_shape a) s x) false) else None
  | Reduce ReduceAdd ds, [:: Real a x _; Real _ _ true] =>
      Some (Emit (contract_reduce ds (t_shape a) x) false)
  | Transpose ds, [:: Real a x _] => Some (Emit (contract_transpose ds (t_shape a) x) false)
  | ReshapeOp, [:: Real a x _] => Some (Emit (Reshape (t_shape a) s x) false)
  | Convolution c, [:: Real a x _; Real b y _] =>
      if solvable false c
      then Some (Emit (contract_conv false c (t_shape a) (t_shape b) x y) false) else None
  | Call f, xs =>
      obind (fun g => obind (fun xs => omap (fun o => Emit o false)
          (if recognise g t xs is Some o then Some o else recognise_conv g t xs))
        (all_some (map real_of xs))) (callee m f)
  | _, _ => None
  end.

(** What the values so far are; the next value of StableHLO and of the graph;
    the program, last instruction first. *)
Record state := State {
  st_bounds : PositiveMap.t bound; st_result : N; st_next : N; st_code : prog }.

Definition find (st : state) (v : value) : option bound :=
  PositiveMap.find (value_key v) (st_bounds st).
Definition bind (v : value) (b : bound) (st : state) : PositiveMap.t bound :=
  PositiveMap.add (value_key v) b (st_bounds st).

Definition is_call (o : operation) : bool := if o is Call _ then true else false.

Definition raise_instruction (m : module) (i : instruction) (st : state) : option state :=
  let: State _ result next code := st in
  let t := i_type i in
  obind (fun xs =>
    if is_call (i_operation i) || fits (i_operation i) (map bound_type xs) t then
      omap (fun o => match o with
        | Emit o is_zero => State (bind (Res result) (Real t next is_zero) st)
            (N.succ result) (N.succ next) ((next, o) :: code)
        | Remember c a b =>
            State (bind (Res result) (Predicate t c a b) st) (N.succ result) next code
        end) (outcome_of m (i_operation i) t xs)
    else None)
    (all_some (map (find st) (i_operands i))).

Fixpoint raise_body (m : module) (body : seq instruction) (st : state) : option state :=
  if body is i :: rest then obind (raise_body m rest) (raise_instruction m i st) else Some st.

(** Argument [k] is value [k]. *)
Fixpoint bind_arguments (ts : seq type) (k : N) (bounds : PositiveMap.t bound)
    : PositiveMap.t bound :=
  if ts is t :: rest then
    bind_arguments rest (N.succ k) (PositiveMap.add (value_key (Arg k)) (Real t k false) bounds)
  else bounds.
Definition initial (f : function) : state :=
  let ts := map s_type (f_arguments f) in
  State (bind_arguments ts 0 (PositiveMap.empty bound)) 0 (N.of_nat (size ts)) [::].

Definition raise (m : module) : option raised :=
  obind (fun f =>
    if all (fun a => is_float (s_type a)) (f_arguments f) then
      obind (fun st =>
        obind (fun outputs =>
          if map fst outputs == map s_type (f_results f) then
            Some (Raised (f_arguments f) (f_results f) (rev (st_code st)) (map snd outputs))
          else None)
          (all_some [seq obind real_of (find st v) | v <- f_returns f]))
        (raise_body m (f_body f) (initial f))
    else None) (main_of m).
