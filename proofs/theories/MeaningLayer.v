(** * What a layer means

    Every layer as a function of real tensors, in formulas.

    Glossary
      - [pointwise_meaning]  an activation, of one number
      - [layer_meaning]   one layer, from its parameters and its input
      - [new_stats]       a layer's running statistics after a batch
      - [kink], [kink_text]  a place where a layer has no derivative
      - [kinks_of_layer]  the kinks a layer has
      - [off_kink]        the point at hand is not on it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith String DecimalString.
From Cotangent Require Import Ir Index Denote Smooth SpecLayer Images Norms Tokens AttentionFormula.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** Layer, its kind, and a number at which it has no derivative; a maximum over
    windows, which has none where the greatest cells are tied; a maximum of
    branches, which has none where two of them meet. *)
Inductive kink :=
| KinkAt of string & string & Z
| TiesAt of string & Layer.window & Layer.window
| MeetAt of string.

(** What the theorem assumes. *)
Definition kink_text (k : kink) : string := match k with
| KinkAt layer kind point =>
    (layer ++ ": " ++ kind ++ ": no entry of its input is "
       ++ DecimalString.NilZero.string_of_int (Z.to_int point))%string
| TiesAt layer _ _ =>
    (layer ++ ": max_pool: in every window the first greatest cell stays greatest nearby")%string
| MeetAt layer =>
    (layer ++ ": maximum: nowhere is a branch equal to the maximum of those before it")%string
end.

(** Kind, and points. *)
Definition pointwise_kinks (p : Layer.pointwise) : string * seq Z := match p with
| Layer.Relu => ("relu"%string, [:: 0])
| Layer.Relu6 => ("relu6"%string, [:: 0; 6])
| Layer.LeakyRelu _ _ => ("leaky_relu"%string, [:: 0])
| Layer.Elu n d => ("elu"%string, if Z.eqb n (Zpos d) then [::] else [:: 0])
| Layer.HardSigmoid => ("hard_sigmoid"%string, [:: -3; 3])
| Layer.HardSwish => ("hard_swish"%string, [:: -3; 3])
| Layer.Sigmoid | Layer.Tanh | Layer.Softplus | Layer.Silu => (""%string, [::])
| Layer.Gelu _ _ | Layer.GeluTanh _ _ _ _ => (""%string, [::])
end%Z.

Definition kinks_of_layer (name : string) (l : Layer.t) : seq kink :=
  match l with
  | Layer.Pointwise p =>
      let: (kind, points) := pointwise_kinks p in [seq KinkAt name kind z | z <- points]
  | Layer.MaxPool v u => [:: TiesAt name v u]
  | _ => [::]
  end.
Section MeaningLayer.
Variable R : realType.

Definition hard_sigmoid (x : R) : R := Num.min (Num.max (x + 3%:R) 0) 6%:R / 6%:R.

Definition tanh (x : R) : R := (expR x - expR (- x)) / (expR x + expR (- x)).

(** The constants of gelu are no binary fractions. [n / d] is what the file's
    element type stores for [sqrt (1 / 2)], so that the first factor in [Gelu]
    is [x] and the second twice the distribution function of the standard normal
    but for this rounding; in [GeluTanh] it is what is stored for 0.044715, and
    [m / e] for [sqrt (2 / pi)]. The theorems hold for any constants, and a
    certificate shows its own. *)
Definition pointwise_meaning (p : Layer.pointwise) (x : R) : R := match p with
| Layer.Relu => Num.max x 0
| Layer.Relu6 => Num.min (Num.max x 0) 6%:R
| Layer.LeakyRelu n d => if 0 < x then x else x * rational R n d
| Layer.Elu n d => if 0 < x then x else rational R n d * (expR x - 1)
| Layer.Sigmoid => 1 / (1 + expR (- x))
| Layer.Tanh => tanh x
| Layer.Softplus => ln (1 + expR x)
| Layer.Silu => x / (1 + expR (- x))
| Layer.HardSigmoid => hard_sigmoid x
| Layer.HardSwish => x * hard_sigmoid x
| Layer.Gelu n d => x / 2%:R * (1 + erf (x * rational R n d))
| Layer.GeluTanh n d m e =>
    x / 2%:R * (1 + tanh ((x + x ^+ 3 * rational R n d) * rational R m e))
end.

(** The layer on [batch] examples of shape [s]; the tensors' first index is
    the example. [ps] are its parameters, and after them, in evaluation, its
    running statistics, in training its masks. *)
Definition layer_meaning (l : Layer.t) (batch : N) (s : shape) (ps : seq (tensor R)) (x : tensor R)
    : tensor R :=
let row i := nth 0%num i 0 in let column i := nth 0%num i 1 in
match l, s, ps with
| Layer.Dense _ true, [:: n], [:: w; b] =>
    fun i => \sum_(k <- Nrange n) x [:: row i; k] * w [:: k; column i] + b [:: column i]
| Layer.Dense _ false, [:: n], [:: w] =>
    fun i => \sum_(k <- Nrange n) x [:: row i; k] * w [:: k; column i]
| Layer.Pointwise p, _, _ => fun i => pointwise_meaning p (x i)
| Layer.Conv2d m v u g true, [:: h; w; c], [:: k; b] =>
    fun i => conv2d h w c m v u g x k i + b [:: nth 0%num i 3]
| Layer.Conv2d m v u g false, [:: h; w; c], [:: k] => conv2d h w c m v u g x k
| Layer.ConvTranspose2d m v u _ _ g true, [:: h; w; c], [:: k; b] =>
    fun i => conv_transpose2d h w c m v u g x k i + b [:: nth 0%num i 3]
| Layer.ConvTranspose2d m v u _ _ g false, [:: h; w; c], [:: k] => conv_transpose2d h w c m v u g x k
| Layer.Bilinear rows columns, [:: h; w; _], _ => bilinear h w rows columns x
| Layer.GlobalAvgPool, [:: h; w; _], _ => fun i =>
    (\sum_(p <- Nrange h) \sum_(q <- Nrange w) x [:: row i; p; q; column i])
    / int_real R (Z.of_N (h * w))
| Layer.BatchNorm n d _ _ scale, _, _ =>
    let own := Layer.affine_count scale in
    affine scale scale (take own ps) (batch_norm (batch :: s) (rational R n d) (drop own ps) x)
| Layer.LayerNorm n d scale shift, _, _ =>
    affine scale shift ps (normalize (batch :: s) [:: N.of_nat (size s)] (rational R n d) x)
| Layer.RmsNorm n d scale, _, _ =>
    affine scale false ps (rms_norm (batch :: s) [:: N.of_nat (size s)] (rational R n d) x)
| Layer.GroupNorm g n d scale, [:: h; w; c], _ =>
    affine scale scale ps (group_norm batch h w c g (rational R n d) x)
| Layer.MaxPool v u, [:: h; w; _], _ => max_pool h w v u x
| Layer.AvgPool v u padding_counts, [:: h; w; _], _ => avg_pool h w v u padding_counts x
| Layer.Token l, _, _ => token_meaning l batch s ps x
| Layer.Dropout _ _, _, [:: m] => fun i => x i * m i
| Layer.DropPath _ _, _, [:: m] => fun i => x i * m [:: row i]
| Layer.Dropout _ _, _, [::] | Layer.DropPath _ _, _, [::] => x
| Layer.Attention heads causal bias, [:: t; m], _ => attention t m (N.div m heads) causal bias ps x
| Layer.Flatten, _, _ => fun i => x (same_place (batch :: s) [:: batch; size_of s] i)
| _, _, _ => fun _ => 0   (* does not occur: [elaborate] refuses it *)
end.

(** The running statistics of a layer after a batch. *)
Definition new_stats (batch : N) (l : Layer.t) (s : shape) (running : seq (tensor R)) (x : tensor R)
    : seq (tensor R) :=
  if l is Layer.BatchNorm _ _ n d _ then new_running (batch :: s) (rational R n d) running x
  else [::].

(** At the point [x0]. [inputs] has what comes into each layer, and of each
    branch in a maximum its difference from the maximum of those before it. *)
Definition off_kink (V : normedModType R) (x0 : V) (inputs : seq (string * shape * (V -> tensor R)))
    (k : kink) : Prop := match k with
| KinkAt layer _ z =>
    forall s x, List.In (layer, s, x) inputs -> forall i, i \in idxs s -> x x0 i != int_real R z
| TiesAt layer v u =>
    forall n h w c x, List.In (layer, [:: n; h; w; c], x) inputs ->
    forall i, i \in idxs (Layer.pooled n h w c v u) ->
    stays_greatest x0 [:: n; h; w; c] (Layer.pool_window v u) (Layer.pool_map v u) x i
| MeetAt layer =>
    forall s x, List.In (layer, s, x) inputs -> forall i, i \in idxs s -> x x0 i != 0
end.
End MeaningLayer.
