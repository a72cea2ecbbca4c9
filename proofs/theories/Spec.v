(** * Networks as their authors declare them

    A specification is data; [elaborate] makes the program of its forward pass
    and loss. Nothing here mentions a real number: what a specification means
    is in [Meaning.v], where [elaborate] is proved to compute it.

    To add a layer: a constructor of [Layer.t], a line in each of
    [Layer.output], [Layer.params] and [Layer.emit], and its meaning; for an
    activation, of [Layer.pointwise] and in [Layer.emit_pointwise].

    Glossary
      - [spec]            a network: name, shape of one example, layers, loss
      - [Layer.output]    shape of one example going out; [None] if it does not fit
      - [Layer.params]    the layer's parameters, with their shapes
      - [Layer.emit]      the layer on a batch, as instructions
      - [net_params]      all parameters, named [layer.parameter], in order
      - [classes]         number of logits per example
      - [position]        which values the parameters, the data, the target are
      - [graph]           the program of the forward pass and the loss *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Grad.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Module Layer.

(** Functions of single elements. *)
Inductive pointwise :=
| Relu | Relu6
| LeakyRelu of Z & positive   (** below 0 times this *)
| Elu of Z & positive         (** below 0 this times [exp x - 1] *)
| Sigmoid | Tanh | Softplus | Silu | HardSigmoid | HardSwish.

Inductive t :=
| Dense of N & bool   (** features; whether there is a bias *)
| Pointwise of pointwise
| Flatten.

Definition output (l : t) (s : shape) : option shape := match l, s with
| Dense features _, [:: _] => Some [:: features]
| Dense _ _, _ => None
| Pointwise _, _ => Some s
| Flatten, _ => Some [:: size_of s]
end.

Definition params (l : t) (s : shape) : seq (string * shape) := match l, s with
| Dense features bias, [:: inputs] =>
    ("weight"%string, [:: inputs; features])
    :: (if bias then [:: ("bias"%string, [:: features])] else [::])
| _, _ => [::]
end.

(** [x · w], for [x : n × k] and [w : k × m] *)
Definition matmul (n k m x w : N) : op :=
  Contract [:: n; m; k] [:: n; m] (proj [:: 0; 1]%num)
    [:: View x [:: n; k] (proj [:: 0; 2]%num); View w [:: k; m] (proj [:: 2; 1]%num)].

(** a vector [b : m] as each of [n] rows *)
Definition every_row (n m b : N) : op :=
  Contract [:: n; m] [:: n; m] (proj [:: 0; 1]%num) [:: View b [:: m] (proj [:: 1]%num)].

(** [min(max(x + 3, 0), 6) / 6], of five instructions *)
Definition hard_sigmoid (s : shape) (x k : N) : prog :=
  [:: (k, Const s 3 1);
      (k + 1, Bin s Add x k);
      (k + 2, Una s (Clamp 0 1 6 1) (k + 1));
      (k + 3, Const s 6 1);
      (k + 4, Bin s Div (k + 2) (k + 3))]%num.

(** On [x] of shape [s]. *)
Definition emit_pointwise (p : pointwise) (s : shape) (x k : N) : prog := match p with
| Relu => [:: (k, Una s Ir.Relu x)]
| Relu6 => [:: (k, Una s (Clamp 0 1 6 1) x)]
| LeakyRelu n d =>
    [:: (k, zero_like s);
        (k + 1, Const s n d);
        (k + 2, Bin s Mul x (k + 1));
        (k + 3, Sel s CGt x k x (k + 2))]%num
| Elu n d => [:: (k, Una s (Ir.Elu n d) x)]
| Sigmoid => [:: (k, Una s Logistic x)]
| Tanh => [:: (k, Una s Ir.Tanh x)]
| Softplus => [:: (k, Una s Ir.Softplus x)]
| Silu => [:: (k, Una s Logistic x); (k + 1, Bin s Mul x k)]%num
| HardSigmoid => hard_sigmoid s x k
| HardSwish => hard_sigmoid s x k ++ [:: (k + 5, Bin s Mul x (k + 4))]%num
end.

(** The layer on [batch] examples of shape [s]: [x] holds them, [ps] are the
    parameters, results are numbered from [k]; the last one is the output.
    A layer has at least one instruction. *)
Definition emit (l : t) (batch : N) (s : shape) (ps : seq N) (x k : N) : option prog :=
match l, s, ps with
| Dense m true, [:: n], [:: w; b] => Some
    [:: (k, matmul batch n m x w);
        (k + 1, every_row batch m b);
        (k + 2, Bin [:: batch; m] Add k (k + 1))]%num
| Dense m false, [:: n], [:: w] => Some [:: (k, matmul batch n m x w)]
| Pointwise p, s, [::] => Some (emit_pointwise p (batch :: s) x k)
| Flatten, s, [::] => Some [:: (k, Reshape (batch :: s) [:: batch; size_of s] x)]
| _, _, _ => None
end.
End Layer.
Coercion Layer.Pointwise : Layer.pointwise >-> Layer.t.

Module Loss.
Inductive t := SoftmaxCrossEntropy.
End Loss.

(** Layers carry their names: parameters, kinks and errors refer to them. *)
Record spec := Spec {
  net_name : string;
  input_shape : shape;
  net_loss : Loss.t;
  layers : seq (string * Layer.t) }.

(** ** Shapes and parameters *)

(** Each layer with the shape of one example coming in. *)
Fixpoint plan (ls : seq (string * Layer.t)) (s : shape) : seq (string * Layer.t * shape) :=
  if ls is (name, l) :: ls' then
    (name, l, s) :: (if Layer.output l s is Some s' then plan ls' s' else [::])
  else [::].

(** Shape of one example after all layers; [None] where a layer does not fit. *)
Fixpoint output_shape (ls : seq (string * Layer.t)) (s : shape) : option shape :=
  if ls is (_, l) :: ls' then obind (output_shape ls') (Layer.output l s) else Some s.

Definition params_of (p : string * Layer.t * shape) : seq (string * shape) :=
  let: (name, l, s) := p in
  [seq ((name ++ "." ++ q.1)%string, q.2) | q <- Layer.params l s].

Definition net_params (net : spec) : seq (string * shape) :=
  flatten [seq params_of p | p <- plan (layers net) (input_shape net)].

Definition classes (net : spec) : option N :=
  if output_shape (layers net) (input_shape net) is Some [:: c] then Some c else None.

(** ** Elaboration *)

(** Parameters are the values from 0 on, in order. *)
Record position := At { at_data : N; at_target : N; at_first : N }.

Record graph := Graph {
  g_forward : prog;
  g_logits : N;
  g_loss_op : op;
  g_loss : N;                     (** the loss, the instruction after [g_forward] *)
  g_origin : seq (N * string) }.  (** the layer of each instruction *)

Definition g_prog (g : graph) : prog := g_forward g ++ [:: (g_loss g, g_loss_op g)].

Definition next_id (k : N) (p : prog) : N := (k + N.of_nat (size p))%num.

(** The layers on [x], parameters from [p0], results from [k]: the program,
    its last value, the layers' names. *)
Fixpoint emit_layers (batch : N) (ls : seq (string * Layer.t)) (s : shape) (p0 x k : N)
    : option (prog * N * seq (N * string)) :=
  if ls is (name, l) :: ls' then
    let n := size (Layer.params l s) in
    let ps := [seq (p0 + N.of_nat i)%num | i <- iota 0 n] in
    if Layer.output l s is Some s' then
      if Layer.emit l batch s ps x k is Some c then
        let k' := next_id k c in
        if emit_layers batch ls' s' (p0 + N.of_nat n) (N.pred k') k' is Some (c', y, o)
        then Some (c ++ c', y, [seq (i.1, name) | i <- c] ++ o)
        else None
      else None
    else None
  else Some ([::], x, [::]).

Definition elaborate (net : spec) (batch : N) (at_ : position) : option graph :=
  if (emit_layers batch (layers net) (input_shape net) 0 (at_data at_) (at_first at_), classes net)
    is (Some (c, z, o), Some n) then
    let k := next_id (at_first at_) c in
    let loss := match net_loss net with
      | Loss.SoftmaxCrossEntropy => SoftmaxCrossEntropy [:: batch; n] z (at_target at_) end in
    Some (Graph c z loss k (o ++ [:: (k, "the loss"%string)]))
  else None.
