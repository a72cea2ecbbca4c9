From Coq Require Import String.
From Cotangent Require Import Ir.

(** The Rust ops that a constructor of [op] stands for. No match has a default:
    a constructor without a line does not compile. *)
Definition unary_name (u : unary) : string := match u with
| Neg => "negate" | Exp => "exponential" | Log => "log" | Sqrt => "sqrt" | Rsqrt => "rsqrt"
| Tanh => "tanh" | Logistic => "logistic" | Softplus => "softplus"
| Erf => "erf" | ErfGrad => "erf_grad" | Relu => "relu" | Abs => "abs"
| Elu _ _ => "elu" | Clamp _ _ _ _ => "clamp"
end.
Definition binary_name (b : binary) : string := match b with
| Add => "add" | Sub => "subtract" | Mul => "multiply" | Div => "divide" | Max => "maximum"
end.
Definition comparison_name (c : comparison) : string := match c with
| CEq => "compare_eq" | CGt => "compare_gt" | CGe => "compare_ge"
end.
(** A contraction is any linear or bilinear re-indexing; a concatenation is a sum
    of them, padded to the result. *)
Definition op_names (o : op) : seq string := match o with
| Const _ _ _ => [:: "constant"]
| Una _ u _ => [:: unary_name u]
| Bin _ b _ _ => [:: binary_name b]
| Sel _ c _ _ _ _ => [:: comparison_name c; "select"]
| Contract _ _ _ _ => [::
    "dot_general"; "convolution"; "conv_input_grad"; "conv_kernel_grad"; "broadcast_in_dim";
    "reduce_sum"; "transpose"; "slice"; "pad"; "concatenate"; "window_sum"; "window_sum_grad"]
| Reshape _ _ _ => [:: "reshape"]
| Softmax _ _ => [:: "softmax"]
| SoftmaxCrossEntropy _ _ _ => [:: "softmax_cross_entropy"]
| MaxPool _ _ _ _ _ => [:: "max_pool"]
| MaxPoolGrad _ _ _ _ _ _ => [:: "max_pool_grad"]
| Variance _ _ _ => [:: "variance"]
| Normalize _ _ _ _ _ => [:: "normalize"]
end.

(** One op of each constructor, and of each op, operation and comparison that it
    takes. *)
Definition unaries : seq unary :=
  [:: Neg; Exp; Log; Sqrt; Rsqrt; Tanh; Logistic; Softplus; Erf; ErfGrad; Relu; Abs;
      Elu 1 1; Clamp 0 1 1 1].
Definition each_op : seq op :=
  ([:: Const [::] 0 1] ++ [seq Una [::] u 0 | u <- unaries]
   ++ [seq Bin [::] b 0 0 | b <- [:: Add; Sub; Mul; Div; Max]]
   ++ [seq Sel [::] c 0 0 0 0 | c <- [:: CEq; CGt; CGe]]
   ++ [:: Contract [::] [::] [::] [::]; Reshape [::] [::] 0; Softmax [::] 0;
          SoftmaxCrossEntropy [::] 0 0; MaxPool [::] [::] [::] [::] 0;
          MaxPoolGrad [::] [::] [::] [::] 0 0; Variance [::] [::] 0;
          Normalize [::] [::] 0 1 0])%SEQ.

(** All of their names. *)
Definition names : seq string := flatten (map op_names each_op).
Lemma names_are_all (o : op) : all (fun name => has (String.eqb name) names) (op_names o).
Proof. by case: o => [s n d|s []|s []|s []|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct|s ds a|s ds n d a]. Qed.
