(** * Layers, as instructions

    A layer is data; [Layer.emit] makes its instructions. Nothing here mentions
    a real number: what a layer means is in [MeaningLayer.v], and that the
    instructions compute it in [MeaningLayerSound.v].

    To add a layer: a constructor of [Layer.t], a line in each of
    [Layer.output], [Layer.params] and [Layer.emit], and its meaning; for an
    activation, of [Layer.pointwise] and in [Layer.emit_pointwise]. Layers on
    tokens, attention and interpolation have files of their own, [SpecToken.v],
    [SpecAttention.v] and [SpecBilinear.v].

    Glossary
      - [Layer.output]    shape of one example going out; [None] if it does not fit
      - [Layer.params]    the layer's parameters, with their shapes
      - [Layer.stats]     its running statistics
      - [Layer.masks]     its random masks, for one example
      - [Layer.emit]      the layer on a batch, as instructions
      - [Layer.new_stats] its running statistics after the batch
      - [Layer.window]    how a window moves in one direction; [window_fits],
                          [pool_fits] whether it fits, [span], [places] how long it
                          is and at how many places; [covered], [enlarged],
                          [enlarges] the image that so many windows make
      - [matmul], [every_row], [every_place], [places_sum], [every_feature],
        [every_example], [conv], [conv_transpose], [max_pool], [pool_sum], [rms],
        [group_norm], [standardize], [hard_sigmoid], [gate], [emit_affine],
        [then_affine]     instructions of which layers are made; [grouped], [reads],
                          [pool_map], [pool_window], [pooled], [one_cell],
                          [in_groups] their index maps and shapes
      - [affine_params], [affine_count]  scales and shifts
      - [divides d n]     it does, and is not 0
      - [of_layer]        tensors under their full names *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Grad.
From Cotangent Require Export SpecToken SpecAttention SpecBilinear.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Module Layer.

(** Functions of single elements. *)
Inductive pointwise :=
| Relu | Relu6
| LeakyRelu of Z & positive   (** below 0 times this *)
| Elu of Z & positive         (** below 0 this times [exp x - 1] *)
| Sigmoid | Tanh | Softplus | Silu | HardSigmoid | HardSwish
| Gelu of Z & positive        (** what stands for [sqrt (1 / 2)] *)
| GeluTanh of Z & positive & Z & positive.    (** for 0.044715, for [sqrt (2 / pi)] *)

(** One direction of a window that moves over an image: how many cells, how far
    it moves, how many zeros are before and after the image, how far the cells
    are apart. *)
Record window := Window { k_size : N; k_stride : N; k_low : N; k_high : N; k_dilation : N }.

(** From the first cell to the last; whether it fits; at how many places. *)
Definition span (w : window) : N := (N.pred (k_size w) * k_dilation w + 1)%num.
Definition window_fits (w : window) (n : N) : bool :=
  [&& N.ltb 0 (k_size w), N.ltb 0 (k_stride w), N.ltb 0 (k_dilation w)
    & N.leb (span w) (n + k_low w + k_high w)].
Definition places (w : window) (n : N) : N := ((n + k_low w + k_high w - span w) / k_stride w + 1)%num.

(** The other way: the image over which a window has [n] places. It is as large
    as what the windows cover, and [extra] cells larger, which are fewer than a
    step, without the zeros around it; whether there is one. *)
Definition covered (w : window) (extra n : N) : N := (N.pred n * k_stride w + span w + extra)%num.
Definition enlarged (w : window) (extra n : N) : N := (covered w extra n - (k_low w + k_high w))%num.
Definition enlarges (w : window) (extra n : N) : bool :=
  [&& N.ltb 0 n, N.ltb 0 (k_size w), N.ltb 0 (k_stride w), N.ltb 0 (k_dilation w),
      N.ltb extra (k_stride w) & N.ltb (k_low w + k_high w) (covered w extra n)].

(** Cells of a pool are not apart, and every window has one in the image: the
    first and the last one reach it. *)
Definition pool_fits (v : window) (n : N) : bool :=
  [&& window_fits v n, N.eqb (k_dilation v) 1, N.ltb 0 n, N.ltb (k_low v) (k_size v)
    & N.ltb (N.pred (places v n) * k_stride v) (n + k_low v)].

Definition divides (d n : N) : bool := N.ltb 0 d && N.eqb (d * N.div n d) n.

Inductive t :=
| Dense of N & bool   (** features; whether there is a bias *)
| Pointwise of pointwise
| Flatten
| Conv2d of N & window & window & N & bool
    (** features, window downwards and across, groups, whether there is a bias *)
| ConvTranspose2d of N & window & window & N & N & N & bool
    (** a convolution transposed: features; its window downwards and across; how
        many rows and columns more; groups; whether there is a bias *)
| Bilinear of seq Bilinear.weights & seq Bilinear.weights
    (** an image enlarged: of each row, of each column become so many *)
| GlobalAvgPool
    (** the mean over all places of an image *)
| BatchNorm of Z & positive & Z & positive & bool
    (** epsilon, momentum, whether there are scales and shifts of the features *)
| LayerNorm of Z & positive & bool & bool
    (** epsilon, whether there are scales and shifts of the features *)
| RmsNorm of Z & positive & bool
    (** epsilon, whether there are scales *)
| GroupNorm of N & Z & positive & bool
    (** groups, epsilon, whether there are scales and shifts *)
| MaxPool of window & window
    (** downwards and across *)
| AvgPool of window & window & bool
    (** whether the divisor counts the zeros around the image *)
| Token of Token.t
    (** a layer on tokens, in [SpecToken.v] *)
| Dropout of Z & positive
    (** in training, times a mask of the shape of the input. Who trains draws it;
        an entry is 0 with this probability, else what keeps the mean. At
        probability 0 there is no mask *)
| DropPath of Z & positive
    (** the same with one number for each example *)
| Attention of N & bool & bool.
    (** heads, whether it is causal, whether there are biases; in [SpecAttention.v] *)

Definition output (l : t) (s : shape) : option shape := match l, s with
| Conv2d m v u g _, [:: h; w; c] =>
    if [&& window_fits v h, window_fits u w, divides g c & divides g m]
    then Some [:: places v h; places u w; m] else None
| Conv2d _ _ _ _ _, _ => None
| ConvTranspose2d m v u a b g _, [:: h; w; c] =>
    if [&& enlarges v a h, enlarges u b w, divides g c & divides g m]
    then Some [:: enlarged v a h; enlarged u b w; m] else None
| ConvTranspose2d _ _ _ _ _ _ _, _ => None
| Bilinear rows columns, [:: h; w; c] =>
    if nilp rows || nilp columns then None
    else Some [:: h * N.of_nat (size rows); w * N.of_nat (size columns); c]%num
| Bilinear _ _, _ => None
| GlobalAvgPool, [:: h; w; c] => if N.ltb 0 (h * w) then Some [:: c] else None
| GlobalAvgPool, _ => None
| MaxPool v u, [:: h; w; c] | AvgPool v u _, [:: h; w; c] =>
    if pool_fits v h && pool_fits u w then Some [:: places v h; places u w; c] else None
| MaxPool _ _, _ | AvgPool _ _ _, _ => None
| Dense features _, [:: _] => Some [:: features]
| Dense _ _, _ => None
| Pointwise _, _ => Some s
| Flatten, _ => Some [:: size_of s]
| BatchNorm _ _ _ _ _, _ | LayerNorm _ _ _ _, _ | RmsNorm _ _ _, _ => Some s
| GroupNorm g _ _ _, [:: h; w; c] => if divides g c then Some [:: h; w; c] else None
| GroupNorm _ _ _ _, _ => None
| Token l, _ => Token.output l s
| Dropout _ _, _ | DropPath _ _, _ => Some s
| Attention heads _ _, [:: _; m] => if Attention.fits heads m then Some s else None
| Attention _ _ _, _ => None
end.

(** Scales and shifts. *)
Definition affine_params (scale shift : bool) (features : N) : seq (string * shape) :=
  (if scale then [:: ("weight"%string, [:: features])] else [::])
  ++ (if shift then [:: ("bias"%string, [:: features])] else [::]).

Definition params (l : t) (s : shape) : seq (string * shape) := match l, s with
| Dense features bias, [:: inputs] =>
    ("weight"%string, [:: inputs; features])
    :: (if bias then [:: ("bias"%string, [:: features])] else [::])
| Conv2d features v u g bias, [:: _; _; channels] =>
    ("weight"%string, [:: k_size v; k_size u; N.div channels g; features])
    :: (if bias then [:: ("bias"%string, [:: features])] else [::])
| ConvTranspose2d features v u _ _ g bias, [:: _; _; channels] =>
    ("weight"%string, [:: k_size v; k_size u; N.div features g; channels])
    :: (if bias then [:: ("bias"%string, [:: features])] else [::])
| BatchNorm _ _ _ _ affine, _ => affine_params affine affine (last 0%num s)
| LayerNorm _ _ scale shift, _ => affine_params scale shift (last 0%num s)
| RmsNorm _ _ scale, _ => affine_params scale false (last 0%num s)
| GroupNorm _ _ _ affine, _ => affine_params affine affine (last 0%num s)
| Token l, _ => Token.params l s
| Attention _ _ bias, [:: _; m] => Attention.params bias m
| _, _ => [::]
end.

(** Training updates them, evaluation reads them. *)
Definition stats (l : t) (s : shape) : seq (string * shape) :=
  if l is BatchNorm _ _ _ _ _ then
    [:: ("running_mean"%string, [:: last 0%num s]); ("running_var"%string, [:: last 0%num s])]
  else [::].

(** Training reads them, evaluation does not. *)
Definition masks (l : t) (s : shape) : seq (string * shape) := match l with
| Dropout n _ => if Z.eqb n 0 then [::] else [:: ("mask"%string, s)]
| DropPath n _ => if Z.eqb n 0 then [::] else [:: ("mask"%string, [::])]
| _ => [::]
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

(** [x / 2 · (1 + inner)], of five instructions *)
Definition gate (s : shape) (x inner k : N) : prog :=
  [:: (k, Const s 1 1);
      (k + 1, Bin s Add inner k);
      (k + 2, Const s 1 2);
      (k + 3, Bin s Mul (k + 2) x);
      (k + 4, Bin s Mul (k + 3) (k + 1))]%num.

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
| Gelu n d =>
    [:: (k, Const s n d);
        (k + 1, Bin s Mul x k);
        (k + 2, Una s Erf (k + 1))]%num ++ gate s x (k + 2) (k + 3)
| GeluTanh n d m e =>
    [:: (k, Bin s Mul x x);
        (k + 1, Bin s Mul k x);
        (k + 2, Const s n d);
        (k + 3, Bin s Mul (k + 1) (k + 2));
        (k + 4, Bin s Add x (k + 3));
        (k + 5, Const s m e);
        (k + 6, Bin s Mul (k + 4) (k + 5));
        (k + 7, Una s Ir.Tanh (k + 6))]%num ++ gate s x (k + 7) (k + 8)
end.

(** Images [x : n × h × w × c] and a kernel. The box: image, channel and feature
    of a group, place, cell of the kernel, and the group where there is more
    than one. *)
Definition grouped (g share within : N) : aff :=
  Aff 0 (if N.eqb g 1 then [:: (within, 1%Z)] else [:: (7%num, Z.of_N share); (within, 1%Z)]).
Definition reads (v : window) (place cell : N) : aff :=
  Aff (- Z.of_N (k_low v)) [:: (place, Z.of_N (k_stride v)); (cell, Z.of_N (k_dilation v))].
Definition conv (n h w c m : N) (v u : window) (g x k : N) : op :=
  let channels := N.div c g in let features := N.div m g in
  Contract
    ([:: n; channels; features; places v h; places u w; k_size v; k_size u]
       ++ (if N.eqb g 1 then [::] else [:: g]))
    [:: n; places v h; places u w; m]
    [:: coord 0; coord 3; coord 4; grouped g features 2]
    [:: View x [:: n; h; w; c] [:: coord 0; reads v 3 5; reads u 4 6; grouped g channels 1];
        View k [:: k_size v; k_size u; channels; m]
          [:: coord 5; coord 6; coord 1; grouped g features 2]].

(** The same box, image and result exchanged: [x : n × h × w × c] has a number
    for each place of the window in images of [m] channels. *)
Definition conv_transpose (n h w c m : N) (v u : window) (a b g x k : N) : op :=
  let channels := N.div c g in let features := N.div m g in
  Contract
    ([:: n; features; channels; h; w; k_size v; k_size u]
       ++ (if N.eqb g 1 then [::] else [:: g]))
    [:: n; enlarged v a h; enlarged u b w; m]
    [:: coord 0; reads v 3 5; reads u 4 6; grouped g features 1]
    [:: View x [:: n; h; w; c] [:: coord 0; coord 3; coord 4; grouped g channels 2];
        View k [:: k_size v; k_size u; features; c]
          [:: coord 5; coord 6; coord 1; grouped g channels 2]].

(** a vector [b : m] at every place of [n × h × w × m] *)
Definition every_place (n h w m b : N) : op :=
  let s := [:: n; h; w; m] in
  Contract s s (proj [:: 0; 1; 2; 3]%num) [:: View b [:: m] (proj [:: 3]%num)].

(** the sum over all places *)
Definition places_sum (n h w c x : N) : op :=
  let s := [:: n; h; w; c] in
  Contract s [:: n; c] (proj [:: 0; 3]%num) [:: View x s (proj [:: 0; 1; 2; 3]%num)].

(** a vector of a number for each feature, the last dimension, at every place *)
Definition every_feature (s : shape) (v : N) : op := spread_over s (first_dims (size s).-1) v.

(** a vector of a number for each example, the first dimension, at every place *)
Definition every_example (s : shape) (v : N) : op := spread_over s (behead (first_dims (size s))) v.

(** [x] of shape [s], scaled and shifted. *)
Definition emit_affine (scale shift : bool) (s : shape) (ps : seq N) (x k : N) : option prog :=
match scale, shift, ps with
| true, true, [:: w; b] => Some
    [:: (k, every_feature s w); (k + 1, Bin s Mul x k);
        (k + 2, every_feature s b); (k + 3, Bin s Add (k + 1) (k + 2))]%num
| true, false, [:: w] => Some [:: (k, every_feature s w); (k + 1, Bin s Mul x k)]%num
| false, true, [:: b] => Some [:: (k, every_feature s b); (k + 1, Bin s Add x k)]%num
| false, false, [::] => Some [::]
| _, _, _ => None
end.

(** [x / sqrt (mean x² + ε)], the mean over [ds] *)
Definition rms (s : shape) (ds : seq N) (n : Z) (d : positive) (x k : N) : prog :=
  let z := pick s (kept s ds) in
  [:: (k, Bin s Mul x x);
      (k + 1, total_over s ds k);
      (k + 2, mean_count s ds);
      (k + 3, Bin z Div (k + 1) (k + 2));
      (k + 4, Const z n d);
      (k + 5, Bin z Add (k + 3) (k + 4));
      (k + 6, Una z Ir.Rsqrt (k + 5));
      (k + 7, spread_over s ds (k + 6));
      (k + 8, Bin s Mul x (k + 7))]%num.

(** The features of an image in groups. *)
Definition in_groups (batch h w c g : N) : shape := [:: batch; h; w; g; N.div c g].
Definition group_norm (batch h w c g : N) (n : Z) (d : positive) (x k : N) : prog :=
  let s := [:: batch; h; w; c] in let t := in_groups batch h w c g in
  [:: (k, Reshape s t x);
      (k + 1, Normalize t [:: 1; 2; 4] n d k);
      (k + 2, Reshape t s (k + 1))]%num.

(** [(x - mean) / sqrt (variance + ε)], a mean and a variance for each feature *)
Definition standardize (s : shape) (n : Z) (d : positive) (mean variance x k : N) : prog :=
  let z := [:: last 0%num s] in
  [:: (k, every_feature s mean);
      (k + 1, Bin s Sub x k);
      (k + 2, Const z n d);
      (k + 3, Bin z Add variance (k + 2));
      (k + 4, Una z Ir.Rsqrt (k + 3));
      (k + 5, every_feature s (k + 4));
      (k + 6, Bin s Mul (k + 1) (k + 5))]%num.

(** How many scales and shifts. *)
Definition affine_count (affine : bool) : nat := if affine then 2 else 0.

(** The last result of [c], scaled and shifted. *)
Definition then_affine (scale shift : bool) (s : shape) (ps : seq N) (k : N) (c : prog) : option prog :=
  let k' := (k + N.of_nat (size c))%num in
  omap (cat c) (emit_affine scale shift s ps (N.pred k') k').
(** Windows over images [x : n × h × w × c]: the places, then the cells of a
    window, which is one image and one channel. *)
Definition one_cell : window := Window 1 1 0 0 1.
Definition pool_map (v u : window) : imap :=
  [:: reads one_cell 0 4; reads v 1 5; reads u 2 6; reads one_cell 3 7].
Definition pool_window (v u : window) : shape := [:: 1; k_size v; k_size u; 1]%num.
Definition pooled (n h w c : N) (v u : window) : shape := [:: n; places v h; places u w; c].
Definition max_pool (n h w c : N) (v u : window) (x : N) : op :=
  Ir.MaxPool [:: n; h; w; c] (pooled n h w c v u) (pool_window v u) (pool_map v u) x.
Definition pool_sum (n h w c : N) (v u : window) (x : N) : op :=
  let out := pooled n h w c v u in
  Contract (out ++ pool_window v u) out (proj [:: 0; 1; 2; 3]%num)
    [:: View x [:: n; h; w; c] (pool_map v u)].

(** The layer on [batch] examples of shape [s]: [x] holds them, [ps] are the
    parameters, and after them, in evaluation, the running statistics, in
    training the masks; results are numbered from [k]; the last one is the
    output. A layer has at least one instruction. *)
Definition emit (l : t) (batch : N) (s : shape) (ps : seq N) (x k : N) : option prog :=
match l, s, ps with
| Dense m true, [:: n], [:: w; b] => Some
    [:: (k, matmul batch n m x w);
        (k + 1, every_row batch m b);
        (k + 2, Bin [:: batch; m] Add k (k + 1))]%num
| Dense m false, [:: n], [:: w] => Some [:: (k, matmul batch n m x w)]
| Pointwise p, s, [::] => Some (emit_pointwise p (batch :: s) x k)
| Conv2d m v u g true, [:: h; w; c], [:: f; b] =>
    let out := [:: batch; places v h; places u w; m] in Some
    [:: (k, conv batch h w c m v u g x f);
        (k + 1, every_place batch (places v h) (places u w) m b);
        (k + 2, Bin out Add k (k + 1))]%num
| Conv2d m v u g false, [:: h; w; c], [:: f] => Some [:: (k, conv batch h w c m v u g x f)]
| ConvTranspose2d m v u a b' g true, [:: h; w; c], [:: f; b] =>
    let out := [:: batch; enlarged v a h; enlarged u b' w; m] in Some
    [:: (k, conv_transpose batch h w c m v u a b' g x f);
        (k + 1, every_place batch (enlarged v a h) (enlarged u b' w) m b);
        (k + 2, Bin out Add k (k + 1))]%num
| ConvTranspose2d m v u a b' g false, [:: h; w; c], [:: f] => Some
    [:: (k, conv_transpose batch h w c m v u a b' g x f)]
| Bilinear rows columns, [:: h; w; c], [::] => Some (Bilinear.emit batch h w c rows columns x k)
| GlobalAvgPool, [:: h; w; c], [::] =>
    if N.ltb 0 (h * w) then Some
      [:: (k, places_sum batch h w c x);
          (k + 1, Const [:: batch; c] (Z.of_N (h * w)) 1);
          (k + 2, Bin [:: batch; c] Div k (k + 1))]%num
    else None
| MaxPool v u, [:: h; w; c], [::] => Some [:: (k, max_pool batch h w c v u x)]
| AvgPool v u true, [:: h; w; c], [::] =>
    let out := pooled batch h w c v u in Some
      [:: (k, pool_sum batch h w c v u x);
          (k + 1, Const out (Z.of_N (k_size v * k_size u)) 1);
          (k + 2, Bin out Div k (k + 1))]%num
| AvgPool v u false, [:: h; w; c], [::] => Some
    [:: (k, pool_sum batch h w c v u x);
        (k + 1, Const [:: batch; h; w; c] 1 1);
        (k + 2, pool_sum batch h w c v u (k + 1));
        (k + 3, Bin (pooled batch h w c v u) Div k (k + 2))]%num
| Flatten, s, [::] => Some [:: (k, Reshape (batch :: s) [:: batch; size_of s] x)]
| BatchNorm n d _ _ affine, _, _ =>
    let z := batch :: s in let ds := first_dims (size s) in let own := affine_count affine in
    if size ps == own then
      if N.ltb 1 (size_of (pick z ds))
      then then_affine affine affine z ps k [:: (k, Normalize z ds n d x)] else None
    else if drop own ps is [:: mean; variance] then
      then_affine affine affine z (take own ps) k (standardize z n d mean variance x k)
    else None
| LayerNorm n d scale shift, _, _ =>
    then_affine scale shift (batch :: s) ps k
      [:: (k, Normalize (batch :: s) [:: N.of_nat (size s)] n d x)]
| RmsNorm n d scale, _, _ =>
    let ds := [:: N.of_nat (size s)] in
    if averaged (batch :: s) ds && Z.ltb 0 n
    then then_affine scale false (batch :: s) ps k (rms (batch :: s) ds n d x k) else None
| GroupNorm g n d affine, [:: h; w; c], _ =>
    then_affine affine affine (batch :: s) ps k (group_norm batch h w c g n d x k)
| Token l, _, _ => Token.emit l batch s ps x k
| Dropout _ _, _, [:: m] => Some [:: (k, Bin (batch :: s) Mul x m)]
| DropPath _ _, _, [:: m] => Some
    [:: (k, every_example (batch :: s) m); (k + 1, Bin (batch :: s) Mul x k)]%num
| Dropout _ _, _, [::] | DropPath _ _, _, [::] => Some [:: (k, Reshape (batch :: s) (batch :: s) x)]
| Attention heads causal bias, [:: t; m], _ =>
    if Attention.fits heads m
    then Attention.emit batch t heads (N.div m heads) causal bias ps x k else None
| _, _, _ => None
end.

(** The running statistics [st] of the layer after a batch [x] in training: code
    from [k] on, results. A momentum of [m] moves them by [m] of the way to the
    batch's mean and unbiased variance. *)
Definition new_stats (l : t) (batch : N) (s : shape) (st : seq N) (x k : N) : prog * seq N :=
match l, st with
| BatchNorm _ _ n d _, [:: mean; variance] =>
    let z := batch :: s in let ds := first_dims (size s) in let c := pick z (kept z ds) in
    let count := size_of (pick z ds) in
    ([:: (k, total_over z ds x);
         (k + 1, mean_count z ds);
         (k + 2, Bin c Div k (k + 1));
         (k + 3, Const [::] 1 1);
         (k + 4, Const [::] n d);
         (k + 5, Bin [::] Sub (k + 3) (k + 4));
         (k + 6, scalar_spread c (k + 5));
         (k + 7, scalar_spread c (k + 4));
         (k + 8, Bin c Mul (k + 6) mean);
         (k + 9, Bin c Mul (k + 7) (k + 2));
         (k + 10, Bin c Add (k + 8) (k + 9));
         (k + 11, Variance z ds x);
         (k + 12, mean_count z ds);
         (k + 13, Bin c Mul (k + 11) (k + 12));
         (k + 14, Const c (Z.of_N count - 1) 1);
         (k + 15, Bin c Div (k + 13) (k + 14));
         (k + 16, Bin c Mul (k + 6) variance);
         (k + 17, Bin c Mul (k + 7) (k + 15));
         (k + 18, Bin c Add (k + 16) (k + 17))],
     [:: k + 10; k + 18])%num
| _, _ => ([::], [::])
end.
End Layer.
Coercion Layer.Pointwise : Layer.pointwise >-> Layer.t.
Coercion Layer.Token : Token.t >-> Layer.t.

(** The tensors of a layer, with their full names. *)
Definition of_layer (name : string) (l : seq (string * shape)) : seq (string * shape) :=
  [seq ((name ++ "." ++ q.1)%string, q.2) | q <- l].
