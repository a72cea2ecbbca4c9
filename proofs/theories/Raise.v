(** * From StableHLO to the graph

    One pass over [@main]. Each instruction becomes one instruction of the
    graph, except that a comparison is remembered until it is selected by, and a
    concatenation becomes the sum of its parts. A call is recognised by the body of
    the function called, which has to be the body printed for the op at that type;
    names carry no meaning.

    Glossary
      - [raised]       arguments and results of [@main], the program, the
                       value of each result; argument [k] is value [k]
      - [is_function]  has these arguments, this body and this result
      - [pointwise_of], [moment_of]  the pointwise op, the variance or
                       normalisation, that a private function is
      - [recognise], [recognise_conv], [recognise_grouped], [recognise_pool]
                       the op that a private function is: of a row or pointwise;
                       the gradient of a convolution, of one in groups, of a pool
      - [window_of_sum_grad], [window_of_max_grad]  the window that a body has
      - [bound]        what a StableHLO value is in the graph
      - [outcome]      what an instruction becomes
      - [state]        after some instructions: what values are bound to, and the
                       program so far, the last instruction first
      - [forced]      is computed by now: true
      - [raise_instruction], [raise_body]  some instructions more
      - [raise]        the whole module *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Index Joins Stablehlo Stablehlo_types.
From Cotangent Require Export RaiseOps.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Record raised := Raised {
  r_arguments : seq slot; r_results : seq slot;
  r_program : prog;
  r_outputs : seq N }.

(** ** The private functions *)

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
  else if prints (erf_grad_body t) 6%num then Some ErfGrad
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

(** The window is read off the body, which then has to be the body for it. *)
Definition window_of_sum_grad (f : function) : seq slide_dim :=
  if f_body f is [:: _; Instruction (Pad ps) _ _; _; Instruction (ReduceWindow _ ws) _ _] then
    [seq SlideDim (d_size p.2) (p_interior p.1 + 1) (Z.of_N (N.pred (d_size p.2)) - p_low p.1) 0
    | p <- zip ps ws]
  else [::].
Definition slices_of (body : seq instruction) : seq (seq slice_dim) :=
  pmap (fun i => if i_operation i is Slice ls then Some ls else None) body.
(** The slice of the last cell is the last but one. *)
Definition window_of_max_grad (f : function) : seq slide_dim :=
  if f_body f is [:: _, Instruction (Pad ps) _ _ & _] then
    let last := head [::] (behead (rev (slices_of (f_body f)))) in
    [seq SlideDim (l_start p.2 + 1) (l_stride p.2) (p_low p.1) (p_high p.1) | p <- zip ps last]
  else [::].

Definition recognise_pool (f : function) (t : type) (xs : seq (type * N)) : option op :=
  match xs with
  | [:: (ct, y)] =>
      let ws := window_of_sum_grad f in
      let body := window_sum_grad_body ws ct t in
      if [&& is_float t, t_element ct == t_element t, size ws == size (t_shape t),
             size ws == size (t_shape ct), all (fun w => N.ltb 0 (d_size w) && N.ltb 0 (d_stride w)) ws,
             is_function f [:: ct] body t 3
           & if body is [:: _; Instruction o1 _ u; _; Instruction o2 _ _]
             then fits o1 [:: ct; scalar t] u && fits o2 [:: u; scalar t] t else false]
      then Some (contract_window_back ws (t_shape t) (t_shape ct) y) else None
  | [:: (a, x); (ct, y)] =>
      let ws := window_of_max_grad f in
      let n := size_of (map d_size ws) in
      (* a window of more cells has a longer body *)
      if [&& N.eqb (N.of_nat (size (slices_of (f_body f)))) (n + 1), t == a,
             max_pool_grad_fits ws t ct
           & is_function f [:: a; ct] (max_pool_grad_body ws t ct) t (10 * n - 1)]
      then Some (MaxPoolGrad (t_shape a) (t_shape ct) (map d_size ws) (slide_map ws) x y)
      else None
  | _ => None
  end.

(** ** Instructions *)

Inductive bound :=
| Real of type & N & bool    (** value; whether it is known to be the constant 0 *)
| Bottom of type             (** minus infinity *)
| Predicate of type & comparison & N & N.

Definition bound_type (b : bound) : type := match b with
| Real t _ _ | Predicate t _ _ _ | Bottom t => t
end.
Definition real_of (b : bound) : option (type * N) :=
  if b is Real t x _ then Some (t, x) else None.

Definition unary_of (u : unary_op) : option unary := match u with
| Negate => Some Neg | Exponential => Some Exp | Logarithm => Some Log | SquareRoot => Some Sqrt
| ReciprocalRoot => Some Rsqrt | HyperbolicTangent => Some Tanh | Sigmoid => Some Logistic
| AbsoluteValue => Some Abs | ErrorFunction => Some Erf
| ExponentialMinusOne | LogarithmPlusOne => None
end.
Definition binary_of (b : binary_op) : option binary := match b with
| Addition => Some Add | Subtraction => Some Sub | Multiplication => Some Mul
| Division => Some Div | Maximum => Some Max
| Minimum | Arctangent2 => None
end.
Definition comparison_of (d : direction) : comparison := match d with
| EQ => CEq | GT => CGt | GE => CGe
end.

(** An instruction of the graph, or the sum of some, or a comparison, or minus
    infinity. *)
Inductive outcome :=
| Emit of op & bool | EmitSum of seq op | Remember of comparison & N & N | Lowest.

Definition outcome_of (m : module) (o : operation) (t : type) (xs : seq bound) : option outcome :=
  let s := t_shape t in
  match o, xs with
  | Constant l, [::] =>
      match literal_value (t_element t) l with
      | Some (Finite n d) => Some (Emit (Const s n d) (Z.eqb n 0))
      | Some MinusInfinity => Some Lowest
      | None => None
      end
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
  | ReduceWindow ReduceAdd ws, [:: Real a x _; Real _ _ true] =>
      Some (Emit (contract_window ws (t_shape a) s x) false)
  | ReduceWindow ReduceMaximum ws, [:: Real a x _; Bottom _] =>
      if all_dims2 slide_meets ws (t_shape a) s
      then Some (Emit (window_max ws (t_shape a) s x) false) else None
  | Pad ps, [:: Real a x _; Real _ _ true] =>
      Some (Emit (contract_pad ps (t_shape a) s x) false)
  | Slice ls, [:: Real a x _] => Some (Emit (contract_slice ls (t_shape a) s x) false)
  | Concatenate d, xs => omap (fun xs => EmitSum (contract_parts d s xs)) (all_some (map real_of xs))
  | Call f, xs =>
      obind (fun g => obind (fun xs => omap (fun o => Emit o false)
          (if recognise g t xs is Some o then Some o
           else if recognise_conv g t xs is Some o then Some o else recognise_pool g t xs))
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
        | EmitSum os =>
            let after := (next + sum_size os)%num in
            State (bind (Res result) (Real t (N.pred after) false) st)
              (N.succ result) after (catrev (sum_code (t_shape t) next os) code)
        | Remember c a b =>
            State (bind (Res result) (Predicate t c a b) st) (N.succ result) next code
        | Lowest => State (bind (Res result) (Bottom t) st) (N.succ result) next code
        end) (outcome_of m (i_operation i) t xs)
    else None)
    (all_some (map (find st) (i_operands i))).

(** Always true ([forced_true]). To ask makes lazy reduction, by which [coqchk] computes, compute this
    much, so that it need not keep all earlier states until somebody asks. *)
Definition forced (st : state) : bool :=
  let: State bounds result next code := st in
  let number (n : N) := if n is 0%num then true else true in
  [&& number result, number next,
      if code is (k, o) :: rest then
        [&& number k, if o is Const _ _ _ then true else true & if rest is [::] then true else true]
      else true
    & if PositiveMap.find (value_key (Res (N.pred result))) bounds is Some b then
        if b is Real _ k zero then number k && (if zero then true else true) else true
      else true].

Fixpoint raise_body (m : module) (body : seq instruction) (st : state) : option state :=
  if body is i :: rest then
    obind (fun st => if forced st then raise_body m rest st else None) (raise_instruction m i st)
  else Some st.

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
