(** * Values of a network at a point

    Layers that are sums, products and maxima of stored numbers, computed in
    integers, [ExactTable.v]: exactly, or in balls after a layer that rounds,
    such as those in [ExactNorm.v], [ExactNormRows.v], [ExactNormGroups.v],
    [ExactSmooth.v] and [ExactErf.v]. Rows that an exact 0 multiplies are not looked at. Whatever else there is has no value, and no
    kink may depend on it. [ExactSound.v] proves it.

    Glossary
      - [layer_value]    a layer; [token_value], one on tokens; [attention_value]
      - [join_problems], [meet_problems]  where branches meet in a maximum
      - [problem]        why a kink's condition does not follow
      - [walk], [problems_at]  all of a chain, of a network *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Index Number Spec Meaning Images Steps Floats.
From Cotangent Require Export ExactTable ExactNorm ExactNormRows ExactNormGroups ExactJoin ExactMask ExactMean ExactBent ExactSmooth ExactErf ExactTransposed ExactTokens ExactAttention ExactBilinear.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Layers *)
Section Exact.
(** Arguments from [constant_from] on do not depend on the parameters. *)
Variables (fraction batch constant_from : N) (pt : point).

Definition literal_at (k : N) (s : shape) : option literal :=
  let fits l := [&& N.eqb (l_value l) k, l_shape l == s
                  & N.eqb (N.of_nat (size (l_rows l))) (size_of (lead s))] in
  if filter fits pt is l :: _ then Some l else None.

Definition bias_at (k m : N) : option (option (N * row)) :=
  if literal_at k [:: m] is Some l then
    if l_rows l is w :: _ then Some (Some (exponent_of l, decode (scale l) w)) else None
  else None.

Definition rows_of (s : shape) : seq idx := idxs (lead s).

(** The data, or a mask: exact. *)
Definition data_value (k : N) (s : shape) : option fixed :=
  if literal_at k s is Some l then
    let e0 := scale l in
    Some (constants (exponent_of l) (zip (rows_of s) [seq decode e0 w | w <- l_rows l]))
  else None.
Definition mask_value (k : N) (s : shape) : option fixed :=
  if N.leb constant_from k then data_value k s else None.

Definition dense (places : seq idx) (n m : N) (w : literal) (bias : option (N * row)) (x : fixed) : option fixed :=
  let e := (f_exponent x + exponent_of w)%num in let zeros := nseq (N.to_nat m) 0%Z in
  let times := row_times (size places <= 1) (scale w) (l_rows w) zeros in
  let f (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (_, r) then
      if has_length n r then Some (i, out_row e bias (times r)) else None
    else None in
  omap (fun r => Fixed (out_exponent e bias) (tabulate id key f places) false
                   (out_radius e bias r))
    (spread (decode (scale w)) m (l_rows w) (f_radius x)).

Definition relu (s : shape) (x : fixed) : fixed :=
  let f (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (model, r) then
      if has (fun z => Z.leb (Z.abs z) (f_radius x)) r then None
      else Some (model, [seq Z.max z 0 | z <- r])
    else None in
  Fixed (f_exponent x) (tabulate id key f (rows_of s)) true (f_radius x).

(** Groups share channels and features alike. *)
Definition grouped (c m g : N) : bool :=
  [&& N.ltb 0 (m / g), N.eqb (g * (c / g)) c & N.eqb (g * (m / g)) m]%num.

(** Of the images of [x], what place [i] of a convolution sees by the cell
    [p, q] of the kernel. *)
Section Conv.
Variables (h w c m : N) (v u : Layer.window) (g : N) (k : literal) (bias : option (N * row)) (x : fixed).
Let cells := idxs [:: Layer.k_size v; Layer.k_size u].

Definition seen (i : idx) (p q : N) : option idx :=
  let r := reach v (nth 0%num i 1) p in let s := reach u (nth 0%num i 2) q in
  if [&& Z.leb 0 r, Z.ltb r (Z.of_N h), Z.leb 0 s & Z.ltb s (Z.of_N w)]
  then Some [:: nth 0%num i 0; Z.to_N r; Z.to_N s] else None.

Definition seen_row (i : idx) (p q : N) : option (option entry) :=
  if seen i p q is Some j then
    if look (f_table x) j is Some e then if has_length c e.2 then Some (Some e) else None else None
  else Some None.

Definition whole (i : idx) : bool := all (fun l => seen_row i (nth 0%num l 0) (nth 0%num l 1)) cells.
Definition models (i : idx) : seq (option idx) :=
  [seq if seen_row i (nth 0%num l 0) (nth 0%num l 1) is Some (Some e) then Some e.1 else None | l <- cells].
Definition pixels (box : seq idx) (i : idx) : row :=
  [seq if seen_row i (nth 0%num l 0) (nth 0%num l 1) is Some (Some e)
       then nth 0%Z e.2 (N.to_nat (nth 0%num l 2)) else 0%Z | l <- box].
(** For each cell and channel of a group what the features see of it. *)
Definition pixel_rows (box : seq idx) (i : idx) : seq row :=
  let groups := N.to_nat g in let features := N.to_nat (m / g) in let channels := N.to_nat (c / g) in
  [seq if seen_row i (nth 0%num l 0) (nth 0%num l 1) is Some (Some e)
       then of_groups features channels (N.to_nat (nth 0%num l 2)) groups e.2
       else nseq (N.to_nat m) 0%Z | l <- box].
Definition models_hash (i : idx) : N :=
  foldl (fun n o => 1099511627776 * n + if o is Some j then key j + 1 else 0)%num 1%num (models i).

Definition conv : option fixed :=
  let e := (f_exponent x + exponent_of k)%num in let zeros := nseq (N.to_nat m) 0%Z in
  let e0 := scale k in let ws := [seq decode e0 w | w <- l_rows k] in
  let box := idxs [:: Layer.k_size v; Layer.k_size u; c / g]%num in
  let own i := if N.eqb g 1 then combine id (pixels box i) ws zeros
               else combine_rows (pixel_rows box i) ws zeros in
  let direct i := Some (i, out_row e bias (own i)) in
  let f (t : table) (model : option idx) i :=
    if whole i then
      if model is Some j then if whole j && (models i == models j) then look t j else direct i
      else direct i
    else None in
  omap (fun r => Fixed (out_exponent e bias)
    (tabulate id models_hash f (idxs [:: batch; Layer.places v h; Layer.places u w])) false
    (out_radius e bias r)) (spread id m ws (f_radius x)).
End Conv.

Definition window_rows (h w c : N) (v u : Layer.window) (x : fixed) (i : idx) : option (seq entry) :=
  all_rows c x [seq [:: nth 0%num i 0; p.1; p.2]
               | p <- window_cells h w v u (nth 0%num i 1) (nth 0%num i 2)].

Definition max_pool (h w c : N) (v u : Layer.window) (x : fixed) : fixed :=
  let make es := if es is e :: es' then foldr (fun e r => zip_with Z.max e.2 r) e.2 es' else [::] in
  Fixed (f_exponent x)
    (shared (window_rows h w c v u x) make (idxs [:: batch; Layer.places v h; Layer.places u w]))
    (zeros_settled x) (f_radius x).

(** Layers on tokens. *)
Definition token_value (l : Token.t) (s : shape) (ps : seq N) (x : fixed) : option fixed := match l, s, ps with
| Token.Dense m true, [:: t; n], [:: w; b] =>
    if (literal_at w [:: n; m], bias_at b m) is (Some w, Some b)
    then omap (rounded fraction) (dense (rows_of [:: batch; t; m]) n m w b x) else None
| Token.Dense m false, [:: t; n], [:: w] =>
    if literal_at w [:: n; m] is Some w
    then omap (rounded fraction) (dense (rows_of [:: batch; t; m]) n m w None x) else None
| Token.Scale, _ :: _, [:: w] =>
    if bias_at w (last 0%num s) is Some (Some w)
    then Some (scale_layer fraction (last 0%num s) (rows_of (batch :: s)) w x) else None
| Token.Position, [:: t; c], [:: w] =>
    if literal_at w [:: t; c] is Some w then Some (position batch t w x) else None
| Token.Reshape s', _, _ => reshape batch s s' x
| Token.Average keep, [:: t; c], _ => Some (token_means fraction batch t c keep x)
| Token.Average keep, [:: h; w; c], _ => Some (average fraction batch h w c keep x)
| Token.Class, [:: t; c], [:: w] =>
    if bias_at w c is Some (Some w) then Some (class_token batch t w x) else None
| Token.Select k, [:: _; c], _ => Some (select batch c k x)
| Token.Upsample a b, [:: h; w; c], _ => Some (upsample batch h w c a b x)
| _, _, _ => None
end.

Definition attention_value (heads : N) (causal bias : bool) (t m : N) (ps : seq N) (x : fixed) : option fixed :=
  let count := Token.dense_count bias in
  obind (token_value (Token.Dense m bias) [:: t; m] (drop count ps))
    (omap (self_heads fraction batch t m (m / heads) heads causal)
      (token_value (Token.Dense (3 * m) bias) [:: t; m] (take count ps) x)).

Definition layer_value (l : Layer.t) (s : shape) (ps : seq N) (x : fixed) : option fixed :=
match l, s, ps with
| Layer.Dense m true, [:: n], [:: w; b] =>
    if (literal_at w [:: n; m], bias_at b m) is (Some w, Some b)
    then omap (rounded fraction) (dense (rows_of [:: batch; m]) n m w b x) else None
| Layer.Dense m false, [:: n], [:: w] =>
    if literal_at w [:: n; m] is Some w
    then omap (rounded fraction) (dense (rows_of [:: batch; m]) n m w None x) else None
| Layer.Pointwise Layer.Relu, _, _ => Some (relu (batch :: s) x)
| Layer.Pointwise Layer.Relu6, _, _ => Some (relu6 (batch :: s) x)
| Layer.Pointwise (Layer.LeakyRelu n d), _, _ => Some (leaky_relu fraction n d (batch :: s) x)
| Layer.Pointwise (Layer.Gelu n d), _, _ => Some (gelu_layer fraction n d (batch :: s) x)
| Layer.Pointwise p, _, _ => Some (smooth_layer fraction p (batch :: s) x)
| Layer.Conv2d m v u g true, [:: h; w; c], [:: k; b] =>
    if (grouped c m g, literal_at k [:: Layer.k_size v; Layer.k_size u; c / g; m]%num, bias_at b m)
      is (true, Some k, Some b) then omap (rounded fraction) (conv h w c m v u g k b x) else None
| Layer.Conv2d m v u g false, [:: h; w; c], [:: k] =>
    if (grouped c m g, literal_at k [:: Layer.k_size v; Layer.k_size u; c / g; m]%num)
      is (true, Some k) then omap (rounded fraction) (conv h w c m v u g k None x) else None
| Layer.ConvTranspose2d m v u a b g true, [:: h; w; c], [:: k; e] =>
    if (strides_fit c m g v u, literal_at k [:: Layer.k_size v; Layer.k_size u; m / g; c]%num, bias_at e m)
      is (true, Some k, Some e) then omap (rounded fraction) (conv_transpose batch h w c m v u a b g k e x) else None
| Layer.ConvTranspose2d m v u a b g false, [:: h; w; c], [:: k] =>
    if (strides_fit c m g v u, literal_at k [:: Layer.k_size v; Layer.k_size u; m / g; c]%num)
      is (true, Some k) then omap (rounded fraction) (conv_transpose batch h w c m v u a b g k None x) else None
| Layer.Bilinear rows columns, [:: h; w; c], _ => Some (bilinear_layer fraction batch h w c rows columns x)
| Layer.MaxPool v u, [:: h; w; c], _ => Some (max_pool h w c v u x)
| Layer.AvgPool v u b, [:: h; w; c], _ => Some (avg_pool fraction batch h w c v u b x)
| Layer.GlobalAvgPool, [:: h; w; c], _ => Some (global_avg_pool fraction batch h w c x)
| Layer.Token l, _, _ => token_value l s ps x
| Layer.BatchNorm n d _ _ true, _, [:: w; b] =>
    let c := last batch s in
    if (bias_at w c, bias_at b c) is (Some (Some scale), Some (Some shift))
    then batch_norm fraction c (rows_of (batch :: s)) n d scale shift x else None
| Layer.BatchNorm n d _ _ false, _, [::] =>
    let c := last batch s in
    let every (z : Z) := (0%num, nseq (N.to_nat c) z) in
    batch_norm fraction c (rows_of (batch :: s)) n d (every 1%Z) (every 0%Z) x
| Layer.LayerNorm n d scale shift, _, _ =>
    let affine '(g, b) := affine_value fraction g b (rows_value fraction (normal_row fraction n d) (batch :: s) x) in
    omap affine (affine_at (bias_at ^~ (last batch s)) scale shift ps)
| Layer.RmsNorm n d scale, _, _ =>
    let affine '(g, b) := affine_value fraction g b (rows_value fraction (square_row fraction n d) (batch :: s) x) in
    omap affine (affine_at (bias_at ^~ (last batch s)) scale false ps)
| Layer.GroupNorm g n d scale, [:: h; w; c], _ =>
    if (group_norm_value fraction batch h w c g n d x, affine_at (bias_at ^~ c) scale scale ps)
      is (Some y, Some (g, b)) then Some (affine_value fraction g b y) else None
| Layer.Dropout _ _, _, [:: m] => omap (masked fraction (batch :: s) x) (mask_value m (batch :: s))
| Layer.DropPath _ _, _ :: _, [:: m] =>
    omap (masked fraction (batch :: s) x) (obind (every_entry (batch :: s)) (mask_value m [:: batch]))
| Layer.Dropout _ _, _, [::] | Layer.DropPath _ _, _, [::] => Some x
| Layer.Attention heads causal bias, [:: t; m], _ =>
    attention_value heads causal bias t m ps x
| Layer.Flatten, d :: s', _ => Some (flatten_rows batch (d :: s') x)
| _, _, _ => None
end.

(** ** Kinks *)

(** Layer and entry of its input, which is on the kink, or less than [2^-k] away
    from it and may be; layer and place of the window; the same in balls; a maximum
    and the entry where branches meet; the same in balls; a layer whose input has no
    value. *)
Inductive problem :=
| OnKink of string & idx & Z
| NearKink of string & idx & Z & Z
| Tied of string & idx
| NearlyTied of string & idx
| Meets of string & idx
| NearlyMeets of string & idx
| NotExact of string.

Definition point_problems (name : string) (s : shape) (z : Z) (x : fixed) : seq problem :=
  let target := Z.shiftl z (Z.of_N (f_exponent x)) in
  let close y := Z.leb (Z.abs (Z.sub y target)) (f_radius x) in
  flatten [seq
    if look (f_table x) i is Some (_, r) then
      if has_length (last 0%num s) r then
        if has close r then
          let cell := rcons i (N.of_nat (find close r)) in
          (* not only near, where it is kept at 0, as by a mask *)
          let on := if Z.eqb z 0 && f_rectified x then find (Z.eqb 0) r else size r in
          if on < size r then [:: OnKink name (rcons i (N.of_nat on)) z]
          else if Z.eqb (f_radius x) 0 then [:: OnKink name cell z]
          else [:: NearKink name cell z (Z.of_N (f_exponent x) - Z.log2_up (f_radius x))%Z]
        else [::]
      else [:: NotExact name]
    else [:: NotExact name] | i <- rows_of s].

(** Rows that are equal nearby, or differ everywhere but where they stay 0. *)
Definition width (zero_stays : bool) (r z : Z) : Z := if zero_stays && Z.eqb z 0 then 0%Z else r.
Definition apart (zero_stays : bool) (r : Z) (a b : entry) : bool :=
  (a.1 == b.1) || all (fun q =>
    [|| zero_stays && (Z.eqb q.1 0 && Z.eqb q.2 0)
      | Z.ltb (Z.add (width zero_stays r q.1) (width zero_stays r q.2)) (Z.abs (Z.sub q.1 q.2))])
    (zip a.2 b.2).

Definition tie_problems (name : string) (n h w c : N) (v u : Layer.window) (x : fixed) : seq problem :=
  flatten [seq
    if window_rows h w c v u x i is Some es then
      if all (fun a => all (apart (f_rectified x) (f_radius x) a) es) es then [::]
      else [:: if Z.eqb (f_radius x) 0 then Tied name i else NearlyTied name i]
    else [:: NotExact name] | i <- idxs [:: n; Layer.places v h; Layer.places u w]].

Variable ks : seq kink.

Definition layer_of (k : kink) : string := match k with KinkAt n _ _ | TiesAt n _ _ | MeetAt n => n end.

(** Of the layer [name], whose input is [x]. *)
Definition layer_problems (name : string) (s : shape) (x : option fixed) : seq problem :=
  flatten [seq
    if x is Some x then match k, s with
      | KinkAt _ _ z, _ => point_problems name s z x
      | TiesAt _ v u, [:: n; h; w; c] => tie_problems name n h w c v u x
      | TiesAt _ _ _, _ => [::]
      | MeetAt _, _ => [:: NotExact name]
      end
    else [:: NotExact name] | k <- ks & String.eqb (layer_of k) name].

(** No kink of the list has this name; none is in the chain. *)
Definition nameless (name : string) : bool := all (fun k => ~~ String.eqb (layer_of k) name) ks.
Fixpoint idle (c : chain) : bool := match c with
| End => true
| Next name _ c' | Join name _ c' => nameless name && idle c'
| Branch a c' | Again _ _ a c' => idle a && idle c'
end.

(** That a difference of branches is 0, in the words of a maximum. *)
Definition meeting (p : problem) : problem := match p with
| OnKink name i _ => Meets name i
| NearKink name i _ _ => NearlyMeets name i
| _ => p end.

(** Of branches of shape [s], the first of which is [y] by now. *)
Fixpoint meet_problems (name : string) (s : shape) (y : fixed) (xs : seq fixed) : seq problem :=
  if xs is x :: xs' then [seq meeting p | p <- point_problems name s 0 (difference_value s y x)]
                         ++ meet_problems name s (maximum_value s y x) xs'
  else [::].

Definition only_meets (name : string) (k : kink) : bool :=
  if k is MeetAt _ then true else ~~ String.eqb (layer_of k) name.
Definition join_problems (name : string) (j : joining) (t : shape) (ready : seq (shape * option fixed))
    : seq problem :=
  if nameless name then [::] else
  if (all (only_meets name) ks && (0 < size t), j, all_stretched batch t ready)
    is (true, Merged Maximum, Some (x :: xs)) then meet_problems name (batch :: t) x xs
  else [:: NotExact name].

(** What is wrong, and the value, if it is needed. [ready] are the branches that
    wait, with their shapes. *)
Fixpoint walk (need : bool) (c : chain) (ready : seq (shape * option fixed)) (s : shape) (p0 m0 : N)
    (x : option fixed) : seq problem * option fixed := match c with
| End => ([::], x)
| Next name l c' =>
    let here := layer_problems name (batch :: s) x in
    if ~~ need && idle c' then (here, None) else
    let: (rest, y) := walk need c' ready (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
      (past m0 (Layer.masks l s)) (obind (layer_value l s (own_values l s p0 (Masks m0))) x) in
    (here ++ rest, y)
| Branch a c' =>
    let: (pa, ya) := walk (need || ~~ idle c') a [::] s p0 m0 x in
    let: (pc, y) := walk need c' (rcons ready (odflt [::] (output_shape a [::] s), ya)) s
      (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) x in
    (pa ++ pc, y)
| Join name j c' =>
    let t := odflt [::] (joined_shape j (unzip1 ready)) in
    let: (pc, y) := walk need c' [::] t p0 m0
      (if ~~ need && idle c' then None else joined_value fraction batch j t ready) in
    (join_problems name j t ready ++ pc, y)
| Again p _ a c' =>
    let: (pa, ya) := walk (need || ~~ idle c') a [::] s p m0 x in
    let: (pc, y) := walk need c' ready (odflt [::] (output_shape a [::] s)) p0
      (past m0 (masks_in a [::] s)) ya in
    (pa ++ pc, y)
end.
End Exact.

Definition problems_at (fraction : N) (net : spec) (opts : options) (pt : point) : seq problem :=
  let batch := batch_size opts in let masks := masks_at net (which opts) in
  (walk fraction batch masks pt (kinks_of net) false (layers net) [::] (input_shape net) 0 masks
    (data_value pt (data_at net (which opts)) (batch :: input_shape net))).1.
