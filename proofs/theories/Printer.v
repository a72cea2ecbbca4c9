(** * StableHLO syntax to text

    The bytes of the file, line by line. A certificate prints its module with
    this printer, and [cmp] compares the text with the file that trains; so
    what the theorem speaks of is the file, whoever wrote or read it.

    The text states the type of every operand; it is the type of the operand's
    definition, looked up in [types].

    Glossary
      - [print m]     the lines of [m]
      - [text]        concatenation; [commas] puts [", "] between
      - [types f]     the type of every value of [f]
      - [nat_text], [int_text]  numbers in decimal *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive String Ascii DecimalString.
From Cotangent Require Import Ir Stablehlo.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.

Definition text (parts : seq string) : string := foldr String.append "" parts.
Definition commas (items : seq string) : string := String.concat ", " items.

Definition nat_text (n : N) : string := NilEmpty.string_of_uint (N.to_uint n).
Definition int_text (z : Z) : string := match z with
| Zneg p => "-" ++ nat_text (Npos p)
| _ => nat_text (Z.to_N z)
end.
Definition list_text (l : seq N) : string := text [:: "["; commas (map nat_text l); "]"].

(** ** Numbers *)

(** Digits of [n] in base [base], [count] of them, the highest first. *)
Fixpoint digits (base : N) (count : nat) (n : N) (after : string) : string :=
  if count is k.+1 then
    let d := N.modulo n base in
    let code := (if N.ltb d 10 then 48 + d else 55 + d)%num in
    digits base k (N.div n base) (String (ascii_of_N code) after)
  else after.

(** [rest / 2^k] is [rest * 5^k / 10^k]: exactly [k] digits after the point,
    the last not 0 in lowest terms; an integer is written with one. *)
Definition decimal_text (n : Z) (k : N) : string :=
  let size := Z.abs_N n in
  let rest := N.modulo size (N.shiftl 1 k) in
  text [:: if Z.ltb n 0 then "-" else ""; nat_text (N.shiftr size k); ".";
    digits 10 (N.to_nat (N.max k 1)) (rest * 5 ^ k) ""].

Definition literal_text (e : element) (l : literal) : string := match l with
| Decimal n k => decimal_text n k
| Pattern bits => "0x" ++ digits 16 (if e is F64 then 16 else 8)%nat bits ""
end.

(** ** Types and attributes *)

Definition element_text (e : element) : string := match e with
| F32 => "f32" | F64 => "f64" | I1 => "i1"
end.
Definition type_text (t : type) : string :=
  text [:: "tensor<"; text [seq nat_text d ++ "x" | d <- t_shape t];
    element_text (t_element t); ">"].

(** Bytes that are not printable ASCII are escaped. *)
Fixpoint escaped (s : string) : string :=
  if s is String c rest then
    let n := N_of_ascii c in
    let more := escaped rest in
    if N.eqb n 10 then "\n" ++ more
    else if N.eqb n 34 || N.eqb n 92 then "\" ++ String c more
    else if N.leb 32 n && N.leb n 126 then String c more
    else "\" ++ digits 16 2 n more
  else "".

Definition attribute_text (a : attribute) : string := match a with
| AString s => text [:: """"; escaped s; """"]
| AInteger n => int_text n ++ " : i64"
| AIntegers l =>
    text [:: "array<i64"; if l is [::] then "" else ": "; commas (map int_text l); ">"]
end.
Definition attributes_text (l : attributes) : string :=
  text [:: "{"; commas [seq text [:: a.1; " = "; attribute_text a.2] | a <- l]; "}"].

Definition slot_text (s : slot) : string :=
  type_text (s_type s) ++
  (if s_attributes s is [::] then "" else " " ++ attributes_text (s_attributes s)).

(** ** Values *)

Definition value_text (v : value) : string := match v with
| Arg k => "%arg" ++ nat_text k
| Res k => "%" ++ nat_text k
end.
Definition values_text (l : seq value) : string := commas (map value_text l).

Definition type_map := PositiveMap.t type.
Fixpoint numbered_from (T : Type) (k : N) (l : seq T) : seq (N * T) :=
  if l is x :: l' then (k, x) :: numbered_from (N.succ k) l' else [::].
Definition numbered (T : Type) (l : seq T) : seq (N * T) := numbered_from 0 l.
Definition types (f : function) : type_map :=
  let define key m (a : N * type) := PositiveMap.add (value_key (key a.1)) a.2 m in
  foldl (define Res)
    (foldl (define Arg) (PositiveMap.empty type) (numbered (map s_type (f_arguments f))))
    (numbered (map i_type (f_body f))).
Definition type_in (m : type_map) (v : value) : string :=
  if PositiveMap.find (value_key v) m is Some t then type_text t else "?".

(** ** Instructions *)

Definition unary_text (u : unary_op) : string := match u with
| Negate => "negate" | Exponential => "exponential" | Logarithm => "log" | SquareRoot => "sqrt"
| ExponentialMinusOne => "exponential_minus_one" | LogarithmPlusOne => "log_plus_one"
| ReciprocalRoot => "rsqrt" | HyperbolicTangent => "tanh" | Sigmoid => "logistic"
| AbsoluteValue => "abs" | ErrorFunction => "erf"
end.
Definition dialect (u : unary_op) : string := if u is ErrorFunction then "chlo." else "stablehlo.".
Definition binary_text (b : binary_op) : string := match b with
| Addition => "add" | Subtraction => "subtract" | Multiplication => "multiply"
| Division => "divide" | Maximum => "maximum" | Minimum => "minimum" | Arctangent2 => "atan2"
end.
Definition direction_text (d : direction) : string := match d with
| EQ => "EQ" | GT => "GT" | GE => "GE"
end.
Definition reducer_text (r : reducer) : string := match r with
| ReduceAdd => "add" | ReduceMaximum => "maximum"
end.

Definition pair_text (l r : seq N) : string :=
  text [:: list_text l; " x "; list_text r].
Definition dot_text (d : dot_dims) : string :=
  text [::
    match lhs_batching d, rhs_batching d with
    | [::], [::] => ""
    | l, r => text [:: "batching_dims = "; pair_text l r; ", "]
    end;
    "contracting_dims = "; pair_text (lhs_contracting d) (rhs_contracting d)].

(** Letters by position: [letters "b" "f" n] for lhs and result. *)
Definition letters (first second : string) (n : conv_numbers) : string :=
  let rank := (2 + size (n_spatial n))%nat in
  let letter d :=
    if N.eqb d (n_first n) then first
    else if N.eqb d (n_second n) then second
    else nat_text (N.of_nat (seq.index d (n_spatial n))) in
  text [:: "["; commas [seq letter (N.of_nat d) | d <- iota 0 rank]; "]"].
Definition conv_text (c : conv_dims) : string :=
  let ws := c_windows c in
  let pair w := text [:: "["; int_text (w_low w); ", "; int_text (w_high w); "]"] in
  text [:: "dim_numbers = "; letters "b" "f" (c_lhs c); "x"; letters "i" "o" (c_rhs c); "->";
    letters "b" "f" (c_result c);
    ", window = {stride = "; list_text (map w_stride ws);
    ", pad = ["; commas (map pair ws);
    "], lhs_dilate = "; list_text (map w_lhs_dilation ws);
    ", rhs_dilate = "; list_text (map w_rhs_dilation ws);
    "} {batch_group_count = "; nat_text (c_batch_groups c);
    " : i64, feature_group_count = "; nat_text (c_feature_groups c); " : i64}"].

Definition slide_text (ws : seq slide_dim) : string :=
  let pair w := text [:: "["; int_text (d_low w); ", "; int_text (d_high w); "]"] in
  let numbers l := attribute_text (AIntegers (map Z.of_N l)) in
  text [:: "padding = dense<";
    if ws is [::] then "" else text [:: "["; commas (map pair ws); "]"];
    "> : tensor<"; nat_text (N.of_nat (size ws)); "x2xi64>, window_dimensions = ";
    numbers (map d_size ws); ", window_strides = "; numbers (map d_stride ws)].
Definition range_text (l : slice_dim) : string :=
  text [:: nat_text (l_start l); ":"; nat_text (l_limit l);
    if N.eqb (l_stride l) 1 then "" else ":" ++ nat_text (l_stride l)].

(** Op, operands and attributes. *)
Definition application (i : instruction) : string :=
  let operands := values_text (i_operands i) in
  match i_operation i with
  | Constant l =>
      text [:: "stablehlo.constant dense<"; literal_text (t_element (i_type i)) l; ">"]
  | Unary u => text [:: dialect u; unary_text u; " "; operands]
  | Binary b => text [:: "stablehlo."; binary_text b; " "; operands]
  | Compare d => text [:: "stablehlo.compare "; direction_text d; ", "; operands; ", FLOAT"]
  | Select => "stablehlo.select " ++ operands
  | DotGeneral d => text [:: "stablehlo.dot_general "; operands; ", "; dot_text d]
  | BroadcastInDim dims =>
      text [:: "stablehlo.broadcast_in_dim "; operands; ", dims = "; list_text dims]
  | Reduce r dims =>
      text [:: "stablehlo.reduce(";
        if i_operands i is [:: a; init] then text [:: value_text a; " init: "; value_text init]
        else operands;
        ") applies stablehlo."; reducer_text r; " across dimensions = "; list_text dims]
  | Transpose dims => text [:: "stablehlo.transpose "; operands; ", dims = "; list_text dims]
  | ReshapeOp => "stablehlo.reshape " ++ operands
  | Call f => text [:: "call @"; f; "("; operands; ")"]
  | Convolution c => text [:: "stablehlo.convolution("; operands; ") "; conv_text c]
  | Reverse dims => text [:: "stablehlo.reverse "; operands; ", dims = "; list_text dims]
  | ReduceWindow _ ws =>
      text [:: """stablehlo.reduce_window""("; operands; ") <{"; slide_text ws; "}>"]
  | Pad ps => text [:: "stablehlo.pad "; operands;
      ", low = ["; commas [seq int_text (p_low p) | p <- ps];
      "], high = ["; commas [seq int_text (p_high p) | p <- ps];
      "], interior = "; list_text (map p_interior ps)]
  | Slice ls => text [:: "stablehlo.slice "; operands; " ["; commas (map range_text ls); "]"]
  | Concatenate d => text [:: "stablehlo.concatenate "; operands; ", dim = "; nat_text d]
  end.

(** How the types are stated: that of the result, since all are alike; for an
    op of chlo the operand's and the result's; for a select the predicate's and
    the result's; otherwise all of them. *)
Definition signature (m : type_map) (i : instruction) : string :=
  let result := type_text (i_type i) in
  match i_operation i, i_operands i with
  | Unary ErrorFunction, [:: a] => text [:: type_in m a; " -> "; result]
  | Constant _, _ | Unary _, _ | Binary _, _ | Reverse _, _ => result
  | Select, p :: _ => text [:: type_in m p; ", "; result]
  | _, operands => text [:: "("; commas (map (type_in m) operands); ") -> "; result]
  end.

(** A reduce_window has its reducer as a region, on lines of its own. *)
Definition instruction_lines (m : type_map) (i : N * instruction) : seq string :=
  let head := text [:: "    "; value_text (Res i.1); " = "; application i.2] in
  let types := " : " ++ signature m i.2 in
  if i_operation i.2 is ReduceWindow r _ then
    let scalar := type_text (Tensor [::] (t_element (i_type i.2))) in
    [:: head ++ " ({"; text [:: "    ^bb0(%a: "; scalar; ", %b: "; scalar; "):"];
        text [:: "      %r = stablehlo."; reducer_text r; " %a, %b : "; scalar];
        text [:: "      stablehlo.return %r : "; scalar]; "    })" ++ types]
  else [:: head ++ types].

(** ** Functions and modules *)

Definition results_text (l : seq slot) : string := match l with
| [::] => ""
| [:: Slot t [::]] => " -> " ++ type_text t
| _ => text [:: " -> ("; commas (map slot_text l); ")"]
end.

Definition function_lines (f : function) : seq string :=
  let m := types f in
  let argument a := text [:: value_text (Arg a.1); ": "; slot_text a.2] in
  let header := text [:: "  func.func "; if f_public f then "public" else "private"; " @";
    f_name f; "("; commas (map argument (numbered (f_arguments f))); ")";
    results_text (f_results f);
    if f_attributes f is [::] then "" else " attributes " ++ attributes_text (f_attributes f);
    " {"] in
  let returned := "    return" ++ (if f_returns f is [::] then "" else
    text [:: " "; values_text (f_returns f); " : "; commas (map (type_in m) (f_returns f))]) in
  (header :: flatten (map (instruction_lines m) (numbered (f_body f))) ++ [:: returned; "  }"])%SEQ.

Definition print (m : module) : seq string :=
  (text [:: "module @"; m_name m; " attributes "; attributes_text (m_attributes m); " {"]
    :: flatten (map function_lines (m_functions m)) ++ [:: "}"])%SEQ.
