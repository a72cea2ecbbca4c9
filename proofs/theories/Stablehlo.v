(** * StableHLO syntax as data

    What the text of an emitted file says, and no more: one constructor per
    form of the text. Values are named by position. The type of an operand is
    not repeated where it is used, since it is the type of the value's
    definition; the printer ([Printer.v]) writes it from there.

    Only the ops that the proofs cover are forms here; a file with any other op
    has no [module], hence no certificate.

    Glossary
      - [element], [type]   element types; [Tensor shape element]
      - [attribute]         value of an attribute of a module, argument, result
      - [conv_dims]         dimension numbers, windows and groups of a convolution
      - [slide_dim], [pad_dim], [slice_dim]  attributes of reduce_window, pad and
                            slice along one dimension
      - [literal]           a number as the text writes it
      - [literal_value]     the rational that the literal stores, in lowest terms
      - [operation]         a StableHLO op with its attributes, or a call
      - [instruction]       operation, operands, type of the one result
      - [function], [module], [main_of]  as in the text; the public function
      - [well_named]        names are words, none twice
      - [type_eqb], [instruction_eqb] and such  are the same, by which [==] is decided;
                            [same] of what has decidable equality *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith Ascii String.
From Cotangent Require Import Ir.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Inductive element := F32 | F64 | I1.

(** [tensor<2x3xf32>] is [Tensor [:: 2; 3] F32]. *)
Record type := Tensor { t_shape : shape; t_element : element }.

Inductive attribute :=
| AString of string           (** ["text"] *)
| AInteger of Z               (** [n : i64] *)
| AIntegers of seq Z.         (** [array<i64: n, ..>] *)

Definition attributes := seq (string * attribute).

(** ** Numbers *)

Inductive literal :=
| Decimal of Z & N   (** [Decimal n k]: the decimal expansion of [n / 2^k] *)
| Pattern of N.      (** the bits of a float, in hexadecimal *)

(** A floating-point format: bits of the fraction and of the exponent field. *)
Definition format (e : element) : option (N * N) := match e with
| F32 => Some (23, 8)%num
| F64 => Some (52, 11)%num
| I1 => None
end.

(** [n / d] in lowest terms, for [d] a power of two. *)
Fixpoint halve (n d : positive) : positive * positive := match n, d with
| xO n', xO d' => halve n' d'
| _, _ => (n, d)
end.
Definition dyadic (n : Z) (d : positive) : Z * positive := match n with
| Z0 => (Z0, xH)
| Zpos p => let (p', d') := halve p d in (Zpos p', d')
| Zneg p => let (p', d') := halve p d in (Zneg p', d')
end.

Definition pow2 (k : N) : positive := Pos.shiftl xH k.

(** What a bit pattern stores, after IEEE 754: a number, or minus infinity.
    Plus infinity and NaN have no meaning here. *)
Inductive stored := Finite of Z & positive | MinusInfinity.

Definition pattern_value (fraction_bits exponent_bits bits : N) : option stored :=
  let all_ones := (N.ones exponent_bits)%num in
  let fraction := N.land bits (N.ones fraction_bits) in
  let exponent := N.land (N.shiftr bits fraction_bits) all_ones in
  let negative := N.shiftr bits (fraction_bits + exponent_bits) in
  (* the exponent field of numbers with unit [1] in the last place *)
  let unit := (N.ones (exponent_bits - 1) + fraction_bits)%num in
  let signed (n : N) :=
    if N.eqb negative 0 then Z.of_N n else Z.opp (Z.of_N n) in
  if N.ltb 1 negative then None
  else if N.eqb exponent all_ones then
    if N.eqb negative 1 && N.eqb fraction 0 then Some MinusInfinity else None
  else
    let significand :=
      if N.eqb exponent 0 then fraction else (N.shiftl 1 fraction_bits + fraction)%num in
    let field := N.max exponent 1 in
    let: (n, d) :=
      if N.leb unit field
      then (signed (N.shiftl significand (field - unit)), xH)
      else dyadic (signed significand) (pow2 (unit - field)) in
    Some (Finite n d).

(** A decimal means itself where the format stores it exactly: its odd part
    fits the significand. (The printer writes [k <= 8] and sizes up to [10^9]
    as decimals, far from overflow and underflow; others are refused.) *)
Definition decimal_value (fraction_bits : N) (n : Z) (k : N) : option stored :=
  let: (m, d) := dyadic n (pow2 k) in
  let odd := (dyadic m (pow2 (N.log2 (Z.abs_N m)))).1 in
  if [&& N.leb k 8, N.leb (Z.abs_N n) (N.shiftl 1000000000 k)
       & N.leb (N.log2 (Z.abs_N odd)) fraction_bits]
  then Some (Finite m d) else None.

Definition literal_value (e : element) (l : literal) : option stored :=
  if format e is Some (fraction_bits, exponent_bits) then
    match l with
    | Decimal n k => decimal_value fraction_bits n k
    | Pattern bits => pattern_value fraction_bits exponent_bits bits
    end
  else None.

(** ** Instructions *)

(** [%argN], and [%N], the result of instruction [N]. *)
Inductive value := Arg of N | Res of N.

Inductive unary_op :=
| Negate | Exponential | Logarithm | SquareRoot
| ExponentialMinusOne | LogarithmPlusOne
| ReciprocalRoot | HyperbolicTangent | Sigmoid | AbsoluteValue
| ErrorFunction.                 (** [chlo.erf]: StableHLO has none *)
Inductive binary_op :=
| Addition | Subtraction | Multiplication | Division | Maximum | Minimum
| Arctangent2.                   (** [atan2] *)
Inductive direction := EQ | GT | GE.
Inductive reducer := ReduceAdd | ReduceMaximum.

(** [batching_dims = lhs x rhs, contracting_dims = lhs x rhs] *)
Record dot_dims := DotDims {
  lhs_batching : seq N; rhs_batching : seq N;
  lhs_contracting : seq N; rhs_contracting : seq N }.

(** What the dimensions of an operand or the result of a convolution are, as
    dimension numbers: of lhs and of the result [batch], [feature] and the
    spatial ones in order; of rhs, the kernel, [input feature], [output feature]
    and the spatial ones. *)
Record conv_numbers := ConvNumbers { n_first : N; n_second : N; n_spatial : seq N }.

(** The window along one spatial dimension: stride, low and high padding
    (negative padding crops), dilation of lhs, dilation of the kernel. *)
Record conv_window := ConvWindow {
  w_stride : N; w_low : Z; w_high : Z; w_lhs_dilation : N; w_rhs_dilation : N }.

Record conv_dims := ConvDims {
  c_lhs : conv_numbers; c_rhs : conv_numbers; c_result : conv_numbers;
  c_windows : seq conv_window;
  c_batch_groups : N; c_feature_groups : N }.

(** A window along one dimension: its size, its stride, low and high padding
    (negative padding crops). *)
Record slide_dim := SlideDim { d_size : N; d_stride : N; d_low : Z; d_high : Z }.

(** Padding along one dimension: in front, behind, between any two cells. *)
Record pad_dim := PadDim { p_low : Z; p_high : Z; p_interior : N }.

(** [start:limit:stride] *)
Record slice_dim := SliceDim { l_start : N; l_limit : N; l_stride : N }.

Inductive operation :=
| Constant of literal          (** every element is the literal *)
| Unary of unary_op
| Binary of binary_op
| Compare of direction
| Select
| DotGeneral of dot_dims
| BroadcastInDim of seq N      (** where each operand dimension goes *)
| Reduce of reducer & seq N    (** operand, initial value; dimensions *)
| Transpose of seq N           (** result dimension [k] is operand dimension [[k]] *)
| ReshapeOp
| Call of string
| Convolution of conv_dims
| Reverse of seq N             (** the dimensions that run backwards *)
| ReduceWindow of reducer & seq slide_dim    (** operand, initial value *)
| Pad of seq pad_dim           (** operand, what the padding holds *)
| Slice of seq slice_dim
| Concatenate of N.             (** the dimension in which they follow each other *)

Record instruction := Instruction {
  i_operation : operation; i_operands : seq value; i_type : type }.

(** An argument or a result. *)
Record slot := Slot { s_type : type; s_attributes : attributes }.

Record function := Function {
  f_name : string;
  f_public : bool;
  f_arguments : seq slot;
  f_results : seq slot;
  f_attributes : attributes;
  f_body : seq instruction;
  f_returns : seq value }.

Record module := Module {
  m_name : string; m_attributes : attributes; m_functions : seq function }.

(** Names are words, and no two in one place are the same; so the text that a
    module prints as can be read in one way only. *)
Definition is_word_char (c : Ascii.ascii) : bool := match c with
| "a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m"
| "n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z"
| "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "J" | "K" | "L" | "M"
| "N" | "O" | "P" | "Q" | "R" | "S" | "T" | "U" | "V" | "W" | "X" | "Y" | "Z"
| "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "_" | "$" | "." => true
| _ => false
end%char.
Fixpoint all_word_chars (s : string) : bool :=
  if s is String c rest then is_word_char c && all_word_chars rest else true.
Fixpoint names_ok (l : seq string) : bool :=
  if l is s :: rest then
    [&& all_word_chars s, ~~ String.eqb s "", all (fun r => ~~ String.eqb s r) rest
      & names_ok rest]
  else true.
Definition function_names_ok (f : function) : bool :=
  [&& all (fun s => names_ok (map fst (s_attributes s))) (f_arguments f ++ f_results f),
      names_ok (map fst (f_attributes f))
    & all (fun i => if i_operation i is Call name then names_ok [:: name] else true) (f_body f)].
Definition well_named (m : module) : bool :=
  [&& names_ok [:: m_name m], names_ok (map fst (m_attributes m)),
      names_ok (map f_name (m_functions m)) & all function_names_ok (m_functions m)].

(** The public function, which is [@main], and the private ones, which [Call]
    names. *)
Definition publics (m : module) : seq function := [seq f <- m_functions m | f_public f].
Definition privates (m : module) : seq function := [seq f <- m_functions m | ~~ f_public f].
Definition main_of (m : module) : option function :=
  if publics m is [:: f] then
    if String.eqb (f_name f) "main" && well_named m then Some f else None
  else None.
Definition callee (m : module) (name : string) : option function :=
  ohead [seq f <- privates m | String.eqb (f_name f) name].

Definition attribute_of (l : attributes) (name : string) : option attribute :=
  omap snd (ohead [seq a <- l | String.eqb a.1 name]).
Definition text_of (l : attributes) (name : string) : option string :=
  if attribute_of l name is Some (AString s) then Some s else None.

Definition all_some (T : Type) (l : seq (option T)) : option (seq T) :=
  foldr (fun x l => obind (fun x => omap (cons x) l) x) (Some [::]) l.

(** Values as keys of finite maps, so that lookups stay fast. *)
Definition value_key (v : value) : positive := match v with
| Arg n => xO (N.succ_pos n)
| Res n => xI (N.succ_pos n)
end.

(** ** Decidable equality

    As booleans that compare from the front: [coqchk] and the kernel's lazy
    reduction compute them often. *)

Lemma equality_axiom (T : Type) (e : T -> T -> bool) :
  (forall a b, e a b -> a = b) -> (forall a, e a a) -> Equality.axiom e.
Proof. by move=> sound refl a b; apply: (iffP idP) => [/sound|->]. Qed.

Definition element_eqb (a b : element) : bool :=
  match a, b with F32, F32 | F64, F64 | I1, I1 => true | _, _ => false end.
Lemma element_eqP : Equality.axiom element_eqb.
Proof. by apply: equality_axiom => [[] []|[]]. Qed.
Canonical element_eqType := Eval hnf in EqType element (EqMixin element_eqP).

Definition type_eqb (a b : type) : bool :=
  (t_shape a == t_shape b) && element_eqb (t_element a) (t_element b).
Lemma type_eqP : Equality.axiom type_eqb.
Proof.
apply: equality_axiom => [[s e] [t d] /andP [/eqP /= -> /element_eqP ->] //|[s e]].
by rewrite /type_eqb eqxx; apply/element_eqP.
Qed.
Canonical type_eqType := Eval hnf in EqType type (EqMixin type_eqP).

Definition stored_eqb (a b : stored) : bool := match a, b with
| Finite n d, Finite m e => Z.eqb n m && Pos.eqb d e
| MinusInfinity, MinusInfinity => true
| _, _ => false
end.
Lemma stored_eqP : Equality.axiom stored_eqb.
Proof.
apply: equality_axiom => [[n d|] [m e|] //=|[n d|] //=]; last by rewrite Z.eqb_refl Pos.eqb_refl.
by move=> /andP [/Z.eqb_eq -> /Pos.eqb_eq ->].
Qed.
Canonical stored_eqType := Eval hnf in EqType stored (EqMixin stored_eqP).

Definition literal_eqb (a b : literal) : bool := match a, b with
| Decimal n k, Decimal m j => Z.eqb n m && N.eqb k j
| Pattern n, Pattern m => N.eqb n m
| _, _ => false
end.
Lemma literal_eqP : Equality.axiom literal_eqb.
Proof.
apply: equality_axiom => [[n k|n] [m j|m] //=|[n k|n] /=]; rewrite ?Z.eqb_refl ?N.eqb_refl //.
  by move=> /andP [/Z.eqb_eq -> /N.eqb_eq ->].
by move/N.eqb_eq ->.
Qed.
Canonical literal_eqType := Eval hnf in EqType literal (EqMixin literal_eqP).

Definition value_eqb (a b : value) : bool := match a, b with
| Arg n, Arg m | Res n, Res m => N.eqb n m
| _, _ => false
end.
Lemma value_eqP : Equality.axiom value_eqb.
Proof.
by apply: equality_axiom => [[] n [] m //= /N.eqb_eq ->|[] n /=]; rewrite ?N.eqb_refl.
Qed.
Canonical value_eqType := Eval hnf in EqType value (EqMixin value_eqP).

Definition unary_op_eq_dec (a b : unary_op) : {a = b} + {a <> b}.
Proof. decide equality. Defined.
Definition binary_op_eq_dec (a b : binary_op) : {a = b} + {a <> b}.
Proof. decide equality. Defined.
Definition direction_eq_dec (a b : direction) : {a = b} + {a <> b}.
Proof. decide equality. Defined.
Definition reducer_eq_dec (a b : reducer) : {a = b} + {a <> b}.
Proof. decide equality. Defined.
Definition dot_dims_eq_dec (a b : dot_dims) : {a = b} + {a <> b}.
Proof. decide equality; exact: (List.list_eq_dec N.eq_dec). Defined.
Definition conv_numbers_eq_dec (a b : conv_numbers) : {a = b} + {a <> b}.
Proof. decide equality; first [exact: (List.list_eq_dec N.eq_dec) | exact: N.eq_dec]. Defined.
Definition conv_window_eq_dec (a b : conv_window) : {a = b} + {a <> b}.
Proof. decide equality; first [exact: N.eq_dec | exact: Z.eq_dec]. Defined.
Definition conv_dims_eq_dec (a b : conv_dims) : {a = b} + {a <> b}.
Proof.
decide equality; first [exact: (List.list_eq_dec conv_window_eq_dec) | exact: conv_numbers_eq_dec
  | exact: N.eq_dec].
Defined.
Definition slide_dim_eq_dec (a b : slide_dim) : {a = b} + {a <> b}.
Proof. decide equality; first [exact: N.eq_dec | exact: Z.eq_dec]. Defined.
Definition pad_dim_eq_dec (a b : pad_dim) : {a = b} + {a <> b}.
Proof. decide equality; first [exact: N.eq_dec | exact: Z.eq_dec]. Defined.
Definition slice_dim_eq_dec (a b : slice_dim) : {a = b} + {a <> b}.
Proof. decide equality; exact: N.eq_dec. Defined.

Definition same (T : Type) (dec : forall a b : T, {a = b} + {a <> b}) (a b : T) : bool :=
  if dec a b then true else false.
Lemma same_eq T (dec : forall a b : T, {a = b} + {a <> b}) a b : same dec a b -> a = b.
Proof. by rewrite /same; case: (dec a b). Qed.
Lemma same_refl T dec (a : T) : same dec a a.
Proof. by rewrite /same; case: (dec a a). Qed.

Definition operation_eqb (a b : operation) : bool := match a, b with
| Constant l, Constant m => literal_eqb l m
| Unary u, Unary v => same unary_op_eq_dec u v
| Binary u, Binary v => same binary_op_eq_dec u v
| Compare c, Compare d => same direction_eq_dec c d
| Select, Select | ReshapeOp, ReshapeOp => true
| DotGeneral c, DotGeneral d => same dot_dims_eq_dec c d
| BroadcastInDim ds, BroadcastInDim es | Transpose ds, Transpose es | Reverse ds, Reverse es => ds == es
| Reduce r ds, Reduce q es => same reducer_eq_dec r q && (ds == es)
| Call f, Call g => String.eqb f g
| Convolution c, Convolution d => same conv_dims_eq_dec c d
| ReduceWindow r ws, ReduceWindow q vs =>
    same reducer_eq_dec r q && same (List.list_eq_dec slide_dim_eq_dec) ws vs
| Pad ps, Pad qs => same (List.list_eq_dec pad_dim_eq_dec) ps qs
| Slice ls, Slice ms => same (List.list_eq_dec slice_dim_eq_dec) ls ms
| Concatenate d, Concatenate e => N.eqb d e
| _, _ => false
end.
Lemma operation_eqbP a b : operation_eqb a b -> a = b.
Proof.
case: a b => [l|u|u|c||c|ds|r ds|ds||f|c|ds|r ws|ps|ls|d] [m|v|v|e||e|es|q es|es||g|e|es|q vs|qs|ms|e] //=.
- by move=> /literal_eqP ->.
- by move=> h; rewrite (same_eq h).
- by move=> h; rewrite (same_eq h).
- by move=> h; rewrite (same_eq h).
- by move=> h; rewrite (same_eq h).
- by move=> /eqP ->.
- by case/andP => h /eqP ->; rewrite (same_eq h).
- by move=> /eqP ->.
- by move=> /String.eqb_eq ->.
- by move=> h; rewrite (same_eq h).
- by move=> /eqP ->.
- by case/andP => h k; rewrite (same_eq h) (same_eq k).
- by move=> h; rewrite (same_eq h).
- by move=> h; rewrite (same_eq h).
- by move=> /N.eqb_eq ->.
Qed.
Lemma operation_eqb_refl a : operation_eqb a a.
Proof.
by case: a => [l|u|u|c||c|ds|r ds|ds||f|c|ds|r ws|ps|ls|d] //=;
  rewrite ?same_refl ?eqxx ?String.eqb_refl ?N.eqb_refl //; apply/literal_eqP.
Qed.

Definition instruction_eqb (a b : instruction) : bool :=
  [&& operation_eqb (i_operation a) (i_operation b), i_operands a == i_operands b
    & type_eqb (i_type a) (i_type b)].
Lemma instruction_eqP : Equality.axiom instruction_eqb.
Proof.
apply: equality_axiom => [[o vs t] [p ws u]|[o vs t]]; rewrite /instruction_eqb /=.
  by move=> /and3P [/operation_eqbP -> /eqP -> /type_eqP ->].
by rewrite operation_eqb_refl eqxx; apply/type_eqP.
Qed.
Canonical instruction_eqType := Eval hnf in EqType instruction (EqMixin instruction_eqP).

(** ** Examples *)

Example tenth : literal_value F32 (Pattern 0x3DCCCCCD) = Some (Finite 13421773 134217728).
Proof. by vm_compute. Qed.
Example half : literal_value F32 (Decimal 1 1) = Some (Finite 1 2).
Proof. by vm_compute. Qed.
Example minus_infinity : literal_value F32 (Pattern 0xFF800000) = Some MinusInfinity.
Proof. by vm_compute. Qed.
Example minus_infinity_64 : literal_value F64 (Pattern 0xFFF0000000000000) = Some MinusInfinity.
Proof. by vm_compute. Qed.
Example smallest : literal_value F32 (Pattern 0x80000001) = Some (Finite (-1) (2 ^ 149)).
Proof. by vm_compute. Qed.
Example largest :
  literal_value F32 (Pattern 0x7F7FFFFF) = Some (Finite (2 ^ 128 - 2 ^ 104) 1).
Proof. by vm_compute. Qed.
Example nan : literal_value F32 (Pattern 0x7FC00000) = None.
Proof. by vm_compute. Qed.
(** [2^24 + 1] is not an f32: the text would be read as another number. *)
Example not_stored : literal_value F32 (Decimal 16777217 0) = None.
Proof. by vm_compute. Qed.
Example stored_in_f64 : literal_value F64 (Decimal 16777217 0) = Some (Finite 16777217 1).
Proof. by vm_compute. Qed.
(** A name that would print as more than a name. *)
Example no_name : names_ok [:: "name = ""x"", role"%string] = false.
Proof. by vm_compute. Qed.
