(** * What a specification means

    The network as a function of real tensors, layer by layer, in formulas; and
    the proof that the program [elaborate] makes computes it.

    Glossary
      - [layer_meaning]   one layer, from its parameters and its input
      - [logits_of], [loss_of]  the network's output and loss, as functions of
                          parameters (parameter [k] is [theta k]), data, target;
                          in training, or in evaluation with the running
                          statistics from [theta running] on
      - [stats_after]     the running statistics after a batch
      - [layer_inputs]    what comes into each layer
      - [kink], [kink_text]  a place where the network has no derivative
      - [kinks_of]        the kinks a network has
      - [off_kink]        the point at hand is not on it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia String DecimalString.
From Cotangent Require Import Ir Index Denote Smooth Computes Spec Images ImagesSound Norms NormsSound.
From Cotangent Require Import PoolsSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** Layer, its kind, and a number at which it has no derivative; a maximum over
    windows, which has none where the greatest cells are tied. *)
Inductive kink := KinkAt of string & string & Z | TiesAt of string & Layer.window & Layer.window.

(** What the theorem assumes. *)
Definition kink_text (k : kink) : string := match k with
| KinkAt layer kind point =>
    (layer ++ ": " ++ kind ++ ": no entry of its input is "
       ++ DecimalString.NilZero.string_of_int (Z.to_int point))%string
| TiesAt layer _ _ =>
    (layer ++ ": max_pool: in every window the first greatest cell stays greatest nearby")%string
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
Fixpoint kinks_in (c : chain) : seq kink := match c with
| End => [::]
| Next name l c' => kinks_of_layer name l ++ kinks_in c'
| Merge _ _ a b c' => kinks_in a ++ kinks_in b ++ kinks_in c'
end.
Definition kinks_of (net : spec) : seq kink := kinks_in (layers net).

Section Meaning.
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
    running statistics. *)
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
| Layer.Flatten, _, _ => fun i => x (same_place (batch :: s) [:: batch; size_of s] i)
| _, _, _ => fun _ => 0   (* does not occur: [elaborate] refuses it *)
end.

Section Net.
Variable batch : N.

Definition merged (m : merging) (y z : tensor R) : tensor R := fun i => match m with
| Sum => y i + z i
| Product => y i * z i
end.

(** Layers on an input [x] of shape [batch :: s]; their parameters start at
    [theta p0], in evaluation their running statistics at [theta t0]. *)
Fixpoint through (theta : N -> tensor R) (c : chain) (s : shape) (p0 : N) (t0 : option N)
    (x : tensor R) : tensor R := match c with
| End => x
| Next _ l c' =>
    let y := layer_meaning l batch s [seq theta k | k <- own_values l s p0 t0] x in
    through theta c' (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
      (past_stats t0 (Layer.stats l s)) y
| Merge _ m a b c' =>
    let p1 := past p0 (params_in a s) in let t1 := past_stats t0 (stats_in a s) in
    let p2 := past p1 (params_in b s) in let t2 := past_stats t1 (stats_in b s) in
    let y := merged m (through theta a s p0 t0 x) (through theta b s p1 t1 x) in
    through theta c' (odflt [::] (output_shape a s)) p2 t2 y
end.

(** What comes into each layer in training, as functions of a point [v] on which
    parameters and input depend. *)
Fixpoint inputs_through (V : Type) (theta : V -> N -> tensor R) (c : chain) (s : shape) (p0 : N)
    (x : V -> tensor R) : seq (string * shape * (V -> tensor R)) := match c with
| End => [::]
| Next name l c' =>
    let y v := layer_meaning l batch s [seq theta v k | k <- own_values l s p0 None] (x v) in
    (name, batch :: s, x)
      :: inputs_through theta c' (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s)) y
| Merge _ m a b c' =>
    let p1 := past p0 (params_in a s) in let p2 := past p1 (params_in b s) in
    let y v := merged m (through (theta v) a s p0 None (x v)) (through (theta v) b s p1 None (x v)) in
    inputs_through theta a s p0 x ++ inputs_through theta b s p1 x
      ++ inputs_through theta c' (odflt [::] (output_shape a s)) p2 y
end.

(** The running statistics of a layer after a batch. *)
Definition new_stats (l : Layer.t) (s : shape) (running : seq (tensor R)) (x : tensor R)
    : seq (tensor R) :=
  if l is Layer.BatchNorm _ _ n d _ then new_running (batch :: s) (rational R n d) running x
  else [::].

(** Of all layers; they start at [theta t0]. *)
Fixpoint stats_through (theta : N -> tensor R) (c : chain) (s : shape) (p0 t0 : N)
    (x : tensor R) : seq (tensor R) := match c with
| End => [::]
| Next _ l c' =>
    let running := [seq theta k | k <- count_from t0 (size (Layer.stats l s))] in
    let y := layer_meaning l batch s [seq theta k | k <- own_values l s p0 None] x in
    new_stats l s running x
      ++ stats_through theta c' (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
           (past t0 (Layer.stats l s)) y
| Merge _ m a b c' =>
    let p1 := past p0 (params_in a s) in let t1 := past t0 (stats_in a s) in
    let p2 := past p1 (params_in b s) in let t2 := past t1 (stats_in b s) in
    let y := merged m (through theta a s p0 None x) (through theta b s p1 None x) in
    stats_through theta a s p0 t0 x ++ stats_through theta b s p1 t1 x
      ++ stats_through theta c' (odflt [::] (output_shape a s)) p2 t2 y
end.
End Net.

Definition logits_of (net : spec) (batch : N) (running : option N) (theta : N -> tensor R)
    (x : tensor R) : tensor R :=
  through batch theta (layers net) (input_shape net) 0 running x.

Definition loss_of (net : spec) (batch : N) (theta : N -> tensor R) (x target : tensor R) : R :=
  let s := [:: batch; odflt 0%num (classes net)] in
  match net_loss net with
  | Loss.SoftmaxCrossEntropy => cross_entropy s (logits_of net batch None theta x) target
  end.

Definition layer_inputs (V : Type) (net : spec) (batch : N) (theta : V -> N -> tensor R)
    (x : V -> tensor R) :=
  inputs_through batch theta (layers net) (input_shape net) 0 x.

(** All running statistics after a batch [x] in training, which were [theta t0]
    and the following. *)
Definition stats_after (net : spec) (batch : N) (theta : N -> tensor R) (t0 : N) (x : tensor R)
    : seq (tensor R) :=
  stats_through batch theta (layers net) (input_shape net) 0 t0 x.

(** At the point [x0]. *)
Definition off_kink (V : normedModType R) (x0 : V) (inputs : seq (string * shape * (V -> tensor R)))
    (k : kink) : Prop := match k with
| KinkAt layer _ z =>
    forall s x, List.In (layer, s, x) inputs -> forall i, i \in idxs s -> x x0 i != int_real R z
| TiesAt layer v u =>
    forall n h w c x, List.In (layer, [:: n; h; w; c], x) inputs ->
    forall i, i \in idxs (Layer.pooled n h w c v u) ->
    stays_greatest x0 [:: n; h; w; c] (Layer.pool_window v u) (Layer.pool_map v u) x i
end.

(** ** Elaboration computes this *)
Implicit Types (e : env R).

Lemma idxs2 a b i : i \in idxs [:: a; b] ->
  exists p q, [/\ i = [:: p; q], (p < a)%num & (q < b)%num].
Proof.
rewrite mem_idxs; case: i => [|p [|q [|r i]]] //=; rewrite ?andbF //.
by move=> /andP [/N.ltb_lt hp /andP [/N.ltb_lt hq _]]; exists p, q.
Qed.

(** A sum over the box of a matrix product, at one entry of the result. *)
Lemma sum_box n m k p q (F : idx -> R) : (p < n)%num -> (q < m)%num ->
  \sum_(r <- idxs [:: n; m; k] | at_map (proj [:: 0; 1]%num) [:: n; m] r == Some [:: p; q]) F r
  = \sum_(c <- Nrange k) F [:: p; q; c].
Proof.
move=> hp hq; rewrite -big_filter -(big_map (fun c => [:: p; q; c]) predT F).
apply: perm_big; apply: uniq_perm => [||r]; first by rewrite filter_uniq ?idxs_uniq.
  by rewrite map_inj_uniq ?Nrange_uniq // => a b [].
rewrite mem_filter mem_idxs; apply/andP/mapP => [[e hr]|[c hc ->]]; last first.
  have hb : inb [:: n; m; k] [:: p; q; c].
    rewrite mem_Nrange in hc; rewrite /= hc !andbT; apply/andP.
    by split; apply/N.ltb_lt.
  by split=> //; rewrite (at_map_proj (ks := [:: 0; 1]%num) hb).
case: r hr e => [|a [|b [|c [|d r]]]] //; rewrite ?andbF //; try by rewrite /= !andbF.
move=> hb; rewrite (at_map_proj (ks := [:: 0; 1]%num) hb) // => /eqP [-> ->].
by exists c => //; rewrite mem_Nrange; move: hb => /and4P [].
Qed.

Lemma read_proj e x s box ks r : inb box r -> all (fun k => N.to_nat k < size box)%nat ks ->
  s = [seq nth 0%num box (N.to_nat k) | k <- ks] ->
  read e (View x s (proj ks)) r = e x [seq nth 0%num r (N.to_nat k) | k <- ks].
Proof. by move=> hr hk ->; rewrite /read /= at_map_proj. Qed.

Lemma matmul_sound n k m x w e :
  eqt [:: n; m] (den (Layer.matmul n k m x w) e)
    (fun i => \sum_(c <- Nrange k) e x [:: nth 0%num i 0; c] * e w [:: c; nth 0%num i 1]).
Proof.
move=> i /idxs2 [p [q [-> hp hq]]]; rewrite /Layer.matmul /den sum_box // !big_seq.
apply: eq_bigr => c hc; have hb : inb [:: n; m; k] [:: p; q; c].
  by rewrite mem_Nrange in hc; rewrite /= hc !andbT; apply/andP; split; apply/N.ltb_lt.
rewrite big_cons big_cons big_nil mulr1.
by rewrite !(@read_proj _ _ _ [:: n; m; k]).
Qed.

Lemma every_row_sound n m b e :
  eqt [:: n; m] (den (Layer.every_row n m b) e) (fun i => e b [:: nth 0%num i 1]).
Proof.
move=> i hi; have hb : inb [:: n; m] i by rewrite -mem_idxs.
rewrite /Layer.every_row /den big_seq_cond (eq_bigl (fun r => (r \in idxs [:: n; m]) && (r == i))).
  rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1.
  by rewrite (@read_proj _ _ _ [:: n; m]).
move=> r; case hr: (r \in idxs [:: n; m]) => //.
have hrb : inb [:: n; m] r by rewrite -mem_idxs.
rewrite !andTb; have -> : at_map (proj [:: 0; 1]%num) [:: n; m] r = Some r := at_map_id hrb.
by apply/eqP/eqP => [[->]|->].
Qed.

Lemma every_place_sound n h w m b e :
  eqt [:: n; h; w; m] (den (Layer.every_place n h w m b) e) (fun i => e b [:: nth 0%num i 3]).
Proof.
move=> i hi; have hb : inb [:: n; h; w; m] i by rewrite -mem_idxs.
rewrite /Layer.every_place /den big_seq_cond.
rewrite (eq_bigl (fun r => (r \in idxs [:: n; h; w; m]) && (r == i))).
  rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1.
  by rewrite (@read_proj _ _ _ [:: n; h; w; m]).
move=> r; case hr: (r \in idxs [:: n; h; w; m]) => //.
have hrb : inb [:: n; h; w; m] r by rewrite -mem_idxs.
rewrite !andTb; have -> : at_map (proj [:: 0; 1; 2; 3]%num) [:: n; h; w; m] r = Some r := at_map_id hrb.
by apply/eqP/eqP => [[->]|->].
Qed.

(** What the output of a layer depends on. *)
Lemma layer_eqt l batch s s' ps x y : Layer.output l s = Some s' ->
  eqt (batch :: s) x y -> eqt (batch :: s') (layer_meaning l batch s ps x) (layer_meaning l batch s ps y).
Proof.
case: l => [m bias|p||m v u g bias||a b c1 d1 scale|a b scale shift|a b scale|g a b scale|v u|v u counted] /=.
- case: s => [|n []] // [<-] h i hi; have [p [q [ei hp hq]]] := idxs2 hi.
  have hx k : k \in Nrange n -> x [:: nth 0%num i 0; k] = y [:: nth 0%num i 0; k].
    by rewrite mem_Nrange => hk; apply: h; rewrite ei mem_idxs /= hk !andbT; apply/N.ltb_lt.
  have hsum w : \sum_(k <- Nrange n) x [:: nth 0%num i 0; k] * w [:: k; nth 0%num i 1]
      = \sum_(k <- Nrange n) y [:: nth 0%num i 0; k] * w [:: k; nth 0%num i 1].
    by rewrite !big_seq; apply: eq_bigr => k /hx ->.
  by case: bias; case: ps => [|w [|b []]] //=; rewrite ?hsum.
- by move=> [<-] h i hi; rewrite h.
- move=> [<-] h i hi; apply: h; apply: same_place_in => //.
  by rewrite /size_of /= N.mul_1_r.
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // /and4P [hv hu hc hm] [<-] hx i hi.
  have e k : conv2d h w c m v u g x k i = conv2d h w c m v u g y k i.
    exact: (@conv2d_eqt batch h w c m v u g hc hm R x y k hx i hi).
  by case: bias; case: ps => [|k [|b []]] //=; rewrite e.
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // _ [<-] hx i /idxs2 [p [q [-> hp hq]]].
  congr (_ / _); rewrite !big_seq; apply: eq_bigr => a ha; rewrite !big_seq; apply: eq_bigr => b hb.
  apply: hx; move: ha hb; rewrite !mem_Nrange mem_idxs /= => -> ->.
  by rewrite /= andbT; apply/andP; split; apply/N.ltb_lt.
- by move=> [<-] h; apply: affine_eqt; exact: batch_norm_eqt.
- by move=> [<-] h; apply: affine_eqt; exact: normalize_eqt.
- by move=> [<-] h; apply: affine_eqt; exact: rms_norm_eqt.
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // hc [<-] hx.
by apply: affine_eqt; exact: group_norm_eqt.
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // _ [<-] hx i hi.
  by rewrite /max_pool (window_values_eqt hx hi).
case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // _ [<-] hx i hi.
by rewrite /avg_pool (window_values_eqt hx hi).
Qed.

Lemma int_nat3 : int_real R 3 = 3%:R. Proof. by rewrite /= mulr1 (natrD _ 1 2). Qed.
Lemma int_nat6 : int_real R 6 = 6%:R.
Proof. by rewrite -[LHS]/(2%:R * int_real R 3) int_nat3 -natrM. Qed.
Lemma rational_int z : rational R z 1 = int_real R z. Proof. exact: divr1. Qed.

Lemma hard_sigmoid_sound s x k e : computes e (Layer.hard_sigmoid s x k) ->
  forall i, e (k + 4)%num i = hard_sigmoid (e x i).
Proof.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4 _] i; rewrite h4 /= h3 h2 /= h1 /= h0 /= !rational_int int_nat3 int_nat6.
by [].
Qed.

Lemma half_real (x : R) : rational R 1 2 * x = x / 2%:R.
Proof. by rewrite /rational /= mulr1 mul1r mulrC. Qed.

Lemma gate_sound s x y k e : computes e (Layer.gate s x y k) ->
  forall i, e (k + 4)%num i = e x i / 2%:R * (1 + e y i).
Proof.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4 _] i.
by rewrite h4 /= h3 /= h2 h1 /= h0 /= half_real rational1 addrC.
Qed.

Lemma pointwise_sound p s x k e : computes e (Layer.emit_pointwise p s x k) ->
  forall i, e (N.pred (next_id k (Layer.emit_pointwise p s x k))) i = pointwise_meaning p (e x i).
Proof.
have last n (c : prog) : size c = n.+1 -> N.pred (next_id k c) = (k + N.of_nat n)%num.
  by rewrite /next_id => ->; lia.
case: p => [||n d|n d|||||||n d|n d m g].
- by move=> /computes_cons [h _] i; rewrite (last 0%nat) //= N.add_0_r h.
- move=> /computes_cons [h _] i; rewrite (last 0%nat) //= N.add_0_r h /= !rational_int int_nat6.
  by [].
- move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _] i.
  rewrite (last 3%nat) // h3 /= h0 h2 /= h1 /= rational0.
  by [].
- by move=> /computes_cons [h _] i; rewrite (last 0%nat) //= N.add_0_r h.
- by move=> /computes_cons [h _] i; rewrite (last 0%nat) //= N.add_0_r h /= div1r.
- by move=> /computes_cons [h _] i; rewrite (last 0%nat) //= N.add_0_r h.
- by move=> /computes_cons [h _] i; rewrite (last 0%nat) //= N.add_0_r h.
- move=> /computes_cons [h0] /computes_cons [h1 _] i.
  by rewrite (last 1%nat) // h1 /= h0.
- by move=> h i; rewrite (last 4%nat) //; exact: hard_sigmoid_sound h i.
- move=> /computes_cat [h /computes_cons [h5 _]] i.
  by rewrite (last 5%nat) // h5 /= (hard_sigmoid_sound h).
- move=> /computes_cat [/computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] /gate_sound g] i.
  rewrite (last 7%nat) //; have -> : (k + 7 = k + 3 + 4)%num by lia.
  by rewrite g h2 /= h1 /= h0.
- move=> /computes_cat [/computes_cons [h0] /computes_cons [h1] /computes_cons [h2]].
  move=> /computes_cons [h3] /computes_cons [h4] /computes_cons [h5] /computes_cons [h6].
  move=> /computes_cons [h7 _] /gate_sound gated i.
  rewrite (last 12%nat) //; have -> : (k + 12 = k + 8 + 4)%num by lia.
  by rewrite gated h7 /= h6 /= h5 h4 /= h3 /= h2 h1 /= h0 /= !exprS expr0 mulr1 mulrA.
Qed.

Lemma count_sound batch h w c v u x e : computes e [:: (x, Const [:: batch; h; w; c] 1 1)] ->
  {in idxs (Layer.pooled batch h w c v u), forall i,
     den (Layer.pool_sum batch h w c v u x) e i = (size (window_values h w v u (e x) i))%:R}.
Proof.
move=> /computes_cons [hx _] i hi; rewrite pool_sum_sound // /window_values big_map size_map.
rewrite -sum1_size natr_sum; apply: eq_bigr => p _.
by rewrite hx /= rational1.
Qed.

Lemma layer_sound l batch s s' ps x k c e : Layer.output l s = Some s' ->
  Layer.emit l batch s ps x k = Some c -> computes e c ->
  eqt (batch :: s') (e (N.pred (next_id k c)))
    (layer_meaning l batch s [seq e p | p <- ps] (e x)).
Proof.
case: l => [m bias|p||m v u g bias||a b c1 d1 scale|a b scale shift|a b scale|g a b scale|v u|v u counted].
- rewrite /=; case: s => [|n []] // [<-]; case: bias; case: ps => [|w [|b []]] //= [<-].
    move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
    have -> : N.pred (k + 3)%num = (k + 2)%num by lia.
    by rewrite h2 /= h0 h1 matmul_sound // every_row_sound.
  move=> /computes_cons [h0 _] i hi; have -> : N.pred (k + 1)%num = k by lia.
  by rewrite h0 matmul_sound.
- by move=> [<-]; case: ps => // -[<-] h i hi; exact: pointwise_sound h i.
- move=> [<-]; case: ps => // -[<-] /computes_cons [h0 _] i hi.
  by rewrite /next_id (_ : N.pred _ = k) ?h0 //= ; lia.
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // /and4P [hv hu hc hm] [<-].
  case: bias; case: ps => [|f [|b []]] //= [<-].
    move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
    have -> : N.pred (k + 3)%num = (k + 2)%num by lia.
    by rewrite h2 /= h0 h1 (conv_sound hv hu hc hm) // every_place_sound.
  move=> /computes_cons [h0 _] i hi; have -> : N.pred (k + 1)%num = k by lia.
  by rewrite h0 (conv_sound hv hu hc hm).
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // _ [<-]; case: ps => // -[<-].
  move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
  have -> : N.pred (next_id k [:: (k, Layer.places_sum batch h w ch x);
      (k + 1, Const [:: batch; ch] (Z.of_N (h * w)) 1); (k + 2, Bin [:: batch; ch] Div k (k + 1))])%num
      = (k + 2)%num by rewrite /next_id /=; lia.
  by rewrite h2 [LHS]/= h0 h1 (@places_sum_sound R batch h w ch x e i hi) /= /rational divr1.
- move=> [<-] /=; case: eqP => [own|_].
    case: ifP => // _ ha hc; rewrite take_oversize ?drop_oversize ?size_map ?own //.
    apply: (affine_sound _ _ ha hc) => // i hi; have /computes_cons [h0 _] := affine_start ha hc.
    by rewrite (last_at (n := 0)) //= N.add_0_r h0.
  case E: (drop _ ps) => [|mean [|variance [|? ?]]] // ha hc.
  rewrite -map_take -map_drop E; apply: (affine_sound _ _ ha hc) => //.
  by rewrite standardize_last; apply: standardize_sound => //; exact: affine_start ha hc.
- move=> [<-] ha hc; apply: (affine_sound _ _ ha hc) => // i hi.
  have /computes_cons [h0 _] := affine_start ha hc.
  by rewrite (last_at (n := 0)) //= N.add_0_r h0.
- move=> [<-] /=; case: ifP => // _ ha hc; apply: (affine_sound _ _ ha hc) => //.
  by rewrite rms_last; apply: rms_sound; exact: affine_start ha hc.
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // hg [<-] ha hc.
apply: (affine_sound _ _ ha hc) => //; rewrite group_norm_last.
by apply: group_norm_sound => //; exact: affine_start ha hc.
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // _ [<-]; case: ps => // -[<-].
  move=> /computes_cons [h0 _] i hi; have -> : N.pred (k + 1)%num = k by lia.
  by rewrite h0; exact: max_pool_sound.
rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // _ [<-].
case: counted; case: ps => // -[<-].
  move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
  rewrite (_ : N.pred _ = k + 2)%num; last by rewrite /next_id /=; lia.
  by rewrite h2 [LHS]/= h0 h1 pool_sum_sound //= rational_int.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _] i hi.
rewrite (_ : N.pred _ = k + 3)%num; last by rewrite /next_id /=; lia.
rewrite h3 [LHS]/= h0 h2 pool_sum_sound // count_sound //; last by move=> d o [[<- <-]|//].
by rewrite /avg_pool /window_values !size_map.
Qed.

Definition param_count (c : chain) (s : shape) : N := N.of_nat (size (params_in c s)).
Definition stat_count (c : chain) (s : shape) : N := N.of_nat (size (stats_in c s)).

Lemma counts_next name l c s s' : Layer.output l s = Some s' ->
  param_count (Next name l c) s = (N.of_nat (size (Layer.params l s)) + param_count c s')%num
  /\ stat_count (Next name l c) s = (N.of_nat (size (Layer.stats l s)) + stat_count c s')%num.
Proof.
move=> hs; rewrite /param_count /stat_count /params_in /stats_in /= hs /= !size_cat !size_map.
by rewrite !Nnat.Nat2N.inj_add.
Qed.

Lemma counts_merge name m a b c s s' : output_shape a s = Some s' ->
  param_count (Merge name m a b c) s = (param_count a s + (param_count b s + param_count c s'))%num
  /\ stat_count (Merge name m a b c) s = (stat_count a s + (stat_count b s + stat_count c s'))%num.
Proof.
move=> hs; rewrite /param_count /stat_count /params_in /stats_in /= hs !map_cat !flatten_cat !size_cat.
by rewrite !Nnat.Nat2N.inj_add.
Qed.

Lemma same_shapeP u v s : same_shape u v = Some s -> u = Some s /\ v = Some s.
Proof.
by rewrite /same_shape; case: u => [a|] //; case: v => [b|] //; case: eqP => // -> [->].
Qed.

(** A layer reads its own parameters and statistics. *)
Definition agree (e : env R) (theta : N -> tensor R) (k n : N) : Prop :=
  forall j, (k <= j)%num -> (j < k + n)%num -> e j = theta j.

Lemma agree_split e theta k a b : agree e theta k (a + b) -> agree e theta k a /\ agree e theta (k + a) b.
Proof. by move=> h; split=> j h1 h2; apply: h; lia. Qed.

Lemma count_from_eq e theta k n : agree e theta k (N.of_nat n) ->
  [seq e j | j <- count_from k n] = [seq theta j | j <- count_from k n].
Proof.
move=> h; apply/eq_in_map => j /mapP [i]; rewrite mem_iota add0n /= => /ssrnat.ltP hi ->.
by apply: h; lia.
Qed.

Definition agree_stats (e : env R) (theta : N -> tensor R) (t0 : option N) (n : N) : Prop :=
  if t0 is Some t then agree e theta t n else True.

Lemma agree_stats_split e theta (T : Type) t0 (l : seq T) b :
  agree_stats e theta t0 (N.of_nat (size l) + b) ->
  agree_stats e theta t0 (N.of_nat (size l)) /\ agree_stats e theta (past_stats t0 l) b.
Proof. by case: t0 => //= t /agree_split. Qed.

Lemma merged_eqt z m (y y' w w' : tensor R) : eqt z y y' -> eqt z w w' ->
  eqt z (merged m y w) (merged m y' w').
Proof. by move=> h h' i hi; case: m; rewrite /merged h // h'. Qed.

Lemma merging_sound z m y w k e : computes e [:: (k, Bin z (merging_op m) y w)] ->
  eqt z (e k) (merged m (e y) (e w)).
Proof. by move=> /computes_cons [h _] i _; rewrite h; case: (m). Qed.

Lemma own_eq l s p0 t0 e theta : agree e theta p0 (N.of_nat (size (Layer.params l s))) ->
  agree_stats e theta t0 (N.of_nat (size (Layer.stats l s))) ->
  [seq e j | j <- own_values l s p0 t0] = [seq theta j | j <- own_values l s p0 t0].
Proof.
rewrite /own_values !map_cat => hp ht; congr (_ ++ _); first exact: count_from_eq.
by case: t0 ht => //= t; exact: count_from_eq.
Qed.

Lemma layer_stats_sound name l batch s st x q u r e xm : size st = size (Layer.stats l s) ->
  Layer.new_stats l batch s st x q = (u, r) -> computes e u -> eqt (batch :: s) (e x) xm ->
  let new := new_stats batch l s [seq e j | j <- st] xm in
  size new = size (Layer.stats l s) /\
  List.Forall2 (fun (q : shape * tensor R) j => eqt q.1 (e j) q.2)
    (zip [seq q.2 | q <- of_layer name (Layer.stats l s)] new) r.
Proof.
case: l => [m bias|p||m v w1 g bias||a b c d scale|a b scale shift|a b scale|g a b scale|w2 w3|w2 w3 counted] /=;
  try by case: st => // _ [_ <-] _ _; split=> //; constructor.
case: st => [|i [|j [|? ?]]] // _ hu hc hx; split=> //.
have := NormsSound.new_stats_sound (affine := scale) (a := a) (b := b) hu hc hx.
move=> h; inversion h as [|? ? ? ? h1 h2]; inversion h2 as [|? ? ? ? h3 h4]; inversion h4; subst.
by constructor; [exact: h1|constructor; [exact: h3|constructor]].
Qed.

Lemma emit_layers_sound batch theta c s p0 t0 x k code y o e xm :
  emit_layers batch c s p0 t0 x k = Some (code, y, o) -> computes e code -> eqt (batch :: s) (e x) xm ->
  agree e theta p0 (param_count c s) -> agree_stats e theta t0 (stat_count c s) ->
  exists2 s', output_shape c s = Some s' &
    eqt (batch :: s') (e y) (through batch theta c s p0 t0 xm).
Proof.
elim: c s p0 t0 x k code y o xm => [|name l c ih|name m a iha b ihb c ihc] s p0 t0 x k code y o xm /=.
- by case=> <- <- _ _ hx _ _; exists s.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- <- _] /computes_cat [h1 h2] hx.
  have [-> ->] := counts_next name c hs; move=> /agree_split [hp hp'] /agree_stats_split [ht1 ht2].
  apply: (ih s' _ _ _ _ _ _ _ _ he h2 _ hp' ht2).
  by apply: eqt_trans (layer_sound hs hc h1) _; rewrite (own_eq hp ht1); exact: layer_eqt hs hx.
case hs: same_shape => [s'|] //; have [sa sb] := same_shapeP hs.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case eb: (emit_layers _ b) => [[[c2 y2] o2]|] //.
case ec: (emit_layers _ c) => [[[c3 y3] o3]|] // [<- <- _] /computes_cat [h1 /computes_cat [h2]].
rewrite -cat1s => /computes_cat [hm h3] hx; have [-> ->] := counts_merge name m b c sa.
move=> /agree_split [hp1 /agree_split [hp2 hp3]].
move=> /agree_stats_split [ht1 /agree_stats_split [ht2 ht3]].
have [sa' ea' ya] := iha _ _ _ _ _ _ _ _ _ ea h1 hx hp1 ht1.
have [sb' eb' yb] := ihb _ _ _ _ _ _ _ _ _ eb h2 hx hp2 ht2.
move: ea' eb'; rewrite sa sb => -[esa] [esb]; subst sa' sb'.
apply: (ihc s' _ _ _ _ _ _ _ _ ec h3 _ hp3 ht3).
by apply: eqt_trans (merging_sound hm) _; exact: merged_eqt.
Qed.

Lemma size_stats_through batch theta c s p0 t0 xm :
  (size (stats_in c s) <= size (stats_through batch theta c s p0 t0 xm))%nat.
Proof.
elim: c s p0 t0 xm => [|name l c ih|name m a iha b ihb c ihc] s p0 t0 xm //=.
  rewrite /stats_in /= !size_cat size_map; apply: leq_add.
    by case: l => // *; rewrite /= /new_stats /new_running.
  by case: Layer.output => [s'|] //=; exact: ih.
rewrite /stats_in /= !map_cat !flatten_cat !size_cat.
apply: leq_add (iha _ _ _ _) (leq_add (ihb _ _ _ _) _).
by case: output_shape => [s'|] //=; exact: ihc.
Qed.

(** Where all layers fit, as many as there are. *)
Lemma size_stats_exact batch theta c s s' p0 t0 xm : output_shape c s = Some s' ->
  size (stats_through batch theta c s p0 t0 xm) = size (stats_in c s).
Proof.
elim: c s s' p0 t0 xm => [|name l c ih|name m a iha b ihb c ihc] s s' p0 t0 xm //=.
  rewrite /stats_in /= !size_cat size_map; case: Layer.output => [s1|] //= /ih ->.
  by congr (_ + _)%nat; case: l => // *; rewrite /= /new_stats /new_running.
rewrite /stats_in /= !map_cat !flatten_cat !size_cat; case hs: same_shape => [s1|] //= hc.
have [ha hb] := same_shapeP hs; rewrite ha /= (ihc _ _ _ _ _ hc).
by rewrite (iha _ _ _ _ _ ha) (ihb _ _ _ _ _ hb).
Qed.

Definition holds_stats e (ss : seq (string * shape)) (ts : seq (tensor R)) (r : seq N) : Prop :=
  List.Forall2 (fun (q : shape * tensor R) j => eqt q.1 (e j) q.2) (zip [seq q.2 | q <- ss] ts) r.

Lemma holds_stats_cat e ss ss' ts ts' r r' : size ts = size ss -> holds_stats e ss ts r ->
  holds_stats e ss' ts' r' -> holds_stats e (ss ++ ss') (ts ++ ts') (r ++ r').
Proof.
move=> sz h h'; rewrite /holds_stats map_cat zip_cat ?size_map //; exact: List.Forall2_app.
Qed.

Lemma update_stats_sound batch theta c s p0 t0 x k code y o q u r e xm :
  emit_layers batch c s p0 None x k = Some (code, y, o) -> computes e code ->
  eqt (batch :: s) (e x) xm -> agree e theta p0 (param_count c s) ->
  agree e theta t0 (stat_count c s) ->
  update_stats batch c s p0 t0 x k q = (u, r) -> computes e u ->
  holds_stats e (stats_in c s) (stats_through batch theta c s p0 t0 xm) r.
Proof.
elim: c s p0 t0 x k code y o q u r xm
    => [|name l c ih|name m a iha b ihb c ihc] s p0 t0 x k code y o q u r xm /=.
- by case=> _ _ _ _ _ _ _ [_ <-] _; constructor.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] /computes_cat [h1 h2] hx.
  have [-> ->] := counts_next name c hs; move=> /agree_split [hp hp'] /agree_split [ht ht'].
  case hu: Layer.new_stats => [u1 r1]; case hu': update_stats => [u2 r2] [<- <-].
  move=> /computes_cat [e1 e2].
  have [|sz new] := layer_stats_sound name _ hu e1 hx; first by rewrite size_map size_iota.
  rewrite (count_from_eq ht) in sz new.
  rewrite /stats_in /= hs; apply: holds_stats_cat; first by rewrite size_map.
    exact: new.
  apply: (ih s' _ _ _ _ _ _ _ _ _ _ _ he h2 _ hp' ht' hu' e2).
  by apply: eqt_trans (layer_sound hs hc h1) _; rewrite (own_eq hp) //; exact: layer_eqt hs hx.
case hs: same_shape => [s'|] //; have [sa sb] := same_shapeP hs.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case eb: (emit_layers _ b) => [[[c2 y2] o2]|] //.
case ec: (emit_layers _ c) => [[[c3 y3] o3]|] // [<- _ _] /computes_cat [h1 /computes_cat [h2]].
rewrite -cat1s => /computes_cat [hm h3] hx; have [-> ->] := counts_merge name m b c sa.
move=> /agree_split [hp1 /agree_split [hp2 hp3]] /agree_split [ht1 /agree_split [ht2 ht3]].
have [sa' ea' ya] := emit_layers_sound ea h1 hx hp1 (t0 := None) I.
have [sb' eb' yb] := emit_layers_sound eb h2 hx hp2 (t0 := None) I.
move: ea' eb'; rewrite sa sb => -[esa] [esb]; subst sa' sb'.
case hua: (update_stats _ a) => [u1 r1]; case hub: (update_stats _ b) => [u2 r2].
case huc: (update_stats _ c) => [u3 r3] [<- <-] /computes_cat [e1 /computes_cat [e2 e3]].
rewrite /stats_in /= sa !map_cat !flatten_cat.
apply: holds_stats_cat; first exact: size_stats_exact sa.
  exact: iha ea h1 hx hp1 ht1 hua e1.
apply: holds_stats_cat; first exact: size_stats_exact sb.
  exact: ihb eb h2 hx hp2 ht2 hub e2.
rewrite /= in huc; apply: (ihc _ _ _ _ _ _ _ _ _ _ _ _ ec h3 _ hp3 ht3 huc e3).
by apply: eqt_trans (merging_sound hm) _; exact: merged_eqt.
Qed.

(** ** Off the kinks of the specification, the program is off its own *)
Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma hard_sigmoid_smooth s x k E : (forall v, computes (E v) (Layer.hard_sigmoid s x k)) ->
  (forall i, i \in idxs s -> E x0 x i != - 3%:R /\ E x0 x i != 3%:R) ->
  smooth_in x0 E (Layer.hard_sigmoid s x k).
Proof.
move=> /(_ x0) /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _].
move=> off d o /=; case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|].
  move=> i /off [a b] /=; rewrite h1 /= h0 /= !rational_int int_nat3 int_nat6 /=.
  by split; [rewrite addr_eq0 | rewrite (natrD _ 3 3) (eqtype.inj_eq (addIr _))].
case=> [[_ <-] //|]; case=> [[_ <-] i _ /=|//].
by rewrite h3 /= rational_int int_nat6 pnatr_eq0.
Qed.

Lemma gate_smooth s x y k E : smooth_in x0 E (Layer.gate s x y k).
Proof. by move=> d o /=; repeat case=> [[_ <-] //|]. Qed.

Lemma pointwise_smooth p s x k E : (forall v, computes (E v) (Layer.emit_pointwise p s x k)) ->
  (forall z, List.In z (pointwise_kinks p).2 -> forall i, i \in idxs s -> E x0 x i != int_real R z) ->
  smooth_in x0 E (Layer.emit_pointwise p s x k).
Proof.
have three : - 3%:R = int_real R (- 3) by rewrite -int_nat3.
have hard i : (forall z, List.In z [:: (-3); 3]%Z -> E x0 x i != int_real R z) ->
    E x0 x i != - 3%:R /\ E x0 x i != 3%:R.
  move=> h; rewrite three -int_nat3; split; first exact: (h _ (or_introl erefl)).
  exact: (h _ (or_intror (or_introl erefl))).
case: p => [||n d|n d|||||||n d|n d m g] hc off.
- by move=> d o [[_ <-]|//] i hi; exact: (off 0%Z (or_introl erefl)).
- move=> d o [[_ <-]|//] i hi /=; rewrite !rational_int; split.
    exact: (off 0%Z (or_introl erefl)).
  exact: (off 6%Z (or_intror (or_introl erefl))).
- have /computes_cons [h0 _] := hc x0.
  move=> e o /=; case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|//].
  by move=> i hi; rewrite h0 /= rational0; exact: (off 0%Z (or_introl erefl)).
- move=> e o [[_ <-]|//] i hi /=; rewrite /= in off.
  case: Z.eqb_spec off => [->|_] off; last by left; exact: (off 0%Z (or_introl erefl)).
  by right; rewrite /rational divff // gt_eqF // pos_real_gt0.
- by move=> d o [[_ <-]|//].
- by move=> d o [[_ <-]|//].
- by move=> d o [[_ <-]|//].
- by move=> d o /= [[_ <-] //|[[_ <-] //|//]].
- by apply: hard_sigmoid_smooth => // i hi; apply: hard => z hz; exact: off hz i hi.
- apply: smooth_in_cat; last by move=> d o [[_ <-]|//].
  apply: hard_sigmoid_smooth => [v|i hi]; first by have [] := computes_cat (hc v).
  by apply: hard => z hz; exact: off hz i hi.
- apply: smooth_in_cat; last exact: gate_smooth.
  by move=> e o /=; repeat case=> [[_ <-] //|].
- apply: smooth_in_cat; last exact: gate_smooth.
  by move=> e o /=; repeat case=> [[_ <-] //|].
Qed.

Lemma layer_smooth name l batch s s' ps x k c E : size ps = size (Layer.params l s) ->
  Layer.output l s = Some s' ->
  Layer.emit l batch s ps x k = Some c ->
  (forall v, computes (E v) c) ->
  (forall q, List.In q (kinks_of_layer name l) ->
     off_kink x0 [:: (name, batch :: s, fun v => E v x)] q) ->
  smooth_in x0 E c.
Proof.
move=> sz fit; have {sz} : if l is Layer.BatchNorm _ _ _ _ scale
    then size ps == Layer.affine_count scale else true by case: l sz {fit} => //= ? ? ? ? [] ->.
case: l fit => [m bias|p||m v u g bias||a b c1 d1 scale|a b scale shift|a b scale|g a b scale|v u|v u counted] fit /= own.
- case: s {fit} => [|n []] //; case: bias; case: ps => [|w [|b []]] //= [<-] _ _ d o /=;
  by repeat case=> [[_ <-] //|].
- case: ps => // -[<-] hc h; apply: pointwise_smooth => // z hz i hi.
  case: (pointwise_kinks p) hz h => kind points /= hz h.
  apply: (h (KinkAt name kind z) _ (batch :: s) (fun v => E v x)) => //; last by left.
  by elim: points hz {h} => //= z' l ih [->|/ih]; [left|right].
- by case: ps => // -[<-] _ _ d o /= [[_ <-] /=|//].
- case: s {fit} => [|h [|w [|ch [|? ?]]]] //; case: bias; case: ps => [|f [|b []]] //= [<-] _ _ d o /=;
  by repeat case=> [[_ <-] //|].
- case: s {fit} => [|h [|w [|ch [|? ?]]]] //; case: ps => //; case: ifP => // /N.ltb_lt pos [<-] hc _.
  move=> d o /= [[_ <-] //|[[_ <-] //|[[_ <-]|//]]] i _ /=.
  have [_ /computes_cons [h1 _]] := computes_cons (hc x0).
  rewrite h1 /= /rational divr1; case: (h * w)%num pos => // p _.
  by rewrite gt_eqF //= pos_real_gt0.
- rewrite own.
  case: ifP => // _ ha _ _; apply: (affine_smooth ha) => d o /=; by repeat case=> [[_ <-] //|].
- move=> ha _ _; apply: (affine_smooth ha) => d o /=; by repeat case=> [[_ <-] //|].
- case: ifP => // /andP [ok pos] ha hc _; apply: (affine_smooth ha).
  by apply: rms_smooth => // v; exact: affine_start ha (hc v).
- case: s {fit} => [|h [|w [|ch [|? ?]]]] // ha _ _; apply: (affine_smooth ha); exact: group_norm_smooth.
- case: s fit => [|h [|w [|ch [|? ?]]]] //= fit; case: ps => // -[<-] _ off d o /= [[_ <-]|//] i hi.
  by apply: (off (TiesAt name v u) (or_introl erefl) batch h w ch (fun v => E v x)) => //; left.
case: s fit => [|h [|w [|ch [|? ?]]]] //=; case: ifP => // /andP [fv fu] _.
case: counted; case: ps => // -[<-] hc _ d o /=.
  case=> [[_ <-] //|[[_ <-] //|[[_ <-]|//]]] i _ /=.
  have [_ /computes_cons [h1 _]] := computes_cons (hc x0).
  rewrite h1 /= rational_int; move: fv fu => /and5P [/and4P [/N.ltb_lt pv _ _ _] _ _ _ _].
  move=> /and5P [/and4P [/N.ltb_lt pu _ _ _] _ _ _ _]; have := N.mul_pos_pos _ _ pv pu.
  by case: (N.mul _ _) => // p _; rewrite gt_eqF //= pos_real_gt0.
case=> [[_ <-] //|[[_ <-] //|[[_ <-] //|[[_ <-]|//]]]] i hi /=.
have [_ /computes_cons [h1 /computes_cons [h2 _]]] := computes_cons (hc x0).
rewrite h2 count_sound //; last by move=> d' o' [[<- <-]|//].
have [b [r [q [f [-> _ _ hr hq]]]]] := pooled_index hi.
by rewrite /window_values size_map pnatr_eq0 -lt0n; exact: window_cells_gt0.
Qed.

Lemma off_kink_eqt name s (x y : V -> tensor R) q : (forall v, eqt s (x v) (y v)) ->
  off_kink x0 [:: (name, s, x)] q -> off_kink x0 [:: (name, s, y)] q.
Proof.
case: q => [layer kind z|layer v u] h hx.
  move=> s' y' /= [[e1 e2 e3]|//] i; subst => hi.
  by rewrite -h // (hx s' x) //; left.
move=> n h' w c y' /= [[e1 e2 e3]|//] i hi; subst.
by apply: (stays_greatest_eq h); apply: (hx n h' w c x) => //; left.
Qed.

Lemma off_kink_cat (a b : seq (string * shape * (V -> tensor R))) q :
  off_kink x0 (a ++ b) q -> off_kink x0 a q /\ off_kink x0 b q.
Proof.
case: q => [layer kind z|layer v u] h.
  by split=> s x hx; apply: (h s x); apply: List.in_or_app; [left | right].
by split=> n h' w c x hx; apply: (h n h' w c x); apply: List.in_or_app; [left | right].
Qed.

Lemma emit_layers_smooth batch theta c s p0 x k code y o E (xm : V -> tensor R) :
  emit_layers batch c s p0 None x k = Some (code, y, o) -> (forall v, computes (E v) code) ->
  (forall v, eqt (batch :: s) (E v x) (xm v)) ->
  (forall v, agree (E v) (theta v) p0 (param_count c s)) ->
  (forall q, List.In q (kinks_in c) -> off_kink x0 (inputs_through batch theta c s p0 xm) q) ->
  smooth_in x0 E code.
Proof.
elim: c s p0 x k code y o xm => [|name l c ih|name m a iha b ihb c ihc] s p0 x k code y o xm /=.
- by case=> <- _ _ _ _ _ _ d q [].
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] h12 hx.
  have [-> _] := counts_next name c hs; move=> hp off.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  apply: smooth_in_cat.
    apply: (layer_smooth (name := name) _ hs hc h1) => [|q hq].
      by rewrite /own_values cats0 size_map size_iota.
    apply: (off_kink_eqt (fun v => eqt_sym (hx v))).
    have := off q (List.in_or_app _ _ _ (or_introl hq)).
    by rewrite -cat1s => /off_kink_cat [].
  set ym := fun v => layer_meaning l batch s [seq theta v j | j <- own_values l s p0 None] (xm v).
  have hy v : eqt (batch :: s') (E v (N.pred (next_id k c1))) (ym v).
    have [hp1 _] := agree_split (hp v).
    apply: eqt_trans (layer_sound hs hc (h1 v)) _; rewrite (own_eq hp1) //; exact: layer_eqt hs (hx v).
  apply: (ih s' _ _ _ _ _ _ _ he h2 hy) => [v|q hq]; first by have [] := agree_split (hp v).
  have := off q (List.in_or_app _ _ _ (or_intror hq)).
  by rewrite -cat1s => /off_kink_cat [].
case hs: same_shape => [s'|] //; have [sa sb] := same_shapeP hs.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case eb: (emit_layers _ b) => [[[c2 y2] o2]|] //.
case ec: (emit_layers _ c) => [[[c3 y3] o3]|] // [<- _ _] h123 hx.
have [-> _] := counts_merge name m b c sa; move=> hp off.
have h1 v : computes (E v) c1 by have [] := computes_cat (h123 v).
have h23 v := proj2 (computes_cat (h123 v)).
have h2 v : computes (E v) c2 by have [] := computes_cat (h23 v).
have hm v := proj1 (@computes_cat _ _ [:: _] _ (proj2 (computes_cat (h23 v)))).
have h3 v : computes (E v) c3 := proj2 (@computes_cat _ _ [:: _] _ (proj2 (computes_cat (h23 v)))).
have hp1 v := proj1 (agree_split (hp v)); have hp23 v := proj2 (agree_split (hp v)).
have hp2 v := proj1 (agree_split (hp23 v)); have hp3 v := proj2 (agree_split (hp23 v)).
have in_ca (T : Type) (u : T) l l' l'' : List.In u l -> List.In u (l ++ l' ++ l'').
  by move=> h; apply: List.in_or_app; left.
have in_cb (T : Type) (u : T) l l' l'' : List.In u l' -> List.In u (l ++ l' ++ l'').
  by move=> h; apply: List.in_or_app; right; apply: List.in_or_app; left.
have in_cc (T : Type) (u : T) l l' l'' : List.In u l'' -> List.In u (l ++ l' ++ l'').
  by move=> h; apply: List.in_or_app; right; apply: List.in_or_app; right.
apply: smooth_in_cat.
  apply: (iha _ _ _ _ _ _ _ _ ea h1 hx hp1) => q hq.
  by have [] := off_kink_cat (off q (in_ca _ _ _ _ _ hq)).
apply: smooth_in_cat.
  apply: (ihb _ _ _ _ _ _ _ _ eb h2 hx hp2) => q hq.
  by have [_ /off_kink_cat []] := off_kink_cat (off q (in_cb _ _ _ _ _ hq)).
rewrite -cat1s; apply: smooth_in_cat; first by move=> d q [[_ <-]|//]; case: (m).
pose ym v := merged m (through batch (theta v) a s p0 None (xm v))
  (through batch (theta v) b s (past p0 (params_in a s)) None (xm v)).
have hy v : eqt (batch :: s') (E v (next_id (next_id k c1) c2)) (ym v).
  have [sa' ea' ya] := emit_layers_sound ea (h1 v) (hx v) (hp1 v) (t0 := None) I.
  have [sb' eb' yb] := emit_layers_sound eb (h2 v) (hx v) (hp2 v) (t0 := None) I.
  move: ea' eb'; rewrite sa sb => -[esa] [esb]; subst sa' sb'.
  by apply: eqt_trans (merging_sound (hm v)) _; exact: merged_eqt.
apply: (ihc s' _ _ _ _ _ _ ym ec h3 hy hp3) => q hq.
have := off q (in_cc _ _ _ _ _ hq); rewrite sa.
by move=> /off_kink_cat [_ /off_kink_cat []].
Qed.
End Smooth.

(** The forward pass at any place in a program: [e] holds the parameters at 0
    and after, the running statistics, and all results. *)
Lemma forward_sound net batch at_ g theta e : elaborate net batch at_ = Some g ->
  computes e (g_forward g) ->
  agree e theta 0 (param_count (layers net) (input_shape net)) ->
  agree_stats e theta (at_running at_) (stat_count (layers net) (input_shape net)) ->
  eqt [:: batch; odflt 0%num (classes net)] (e (g_logits g))
    (logits_of net batch (at_running at_) theta (e (at_data at_))).
Proof.
rewrite /elaborate /classes; case he: emit_layers => [[[c z] o]|] //.
case ho: output_shape => [[|n []]|] // [<-] /= hc hp ht.
have [s'] := emit_layers_sound he hc (eqt_refl (e (at_data at_))) hp ht.
by rewrite ho => -[<-].
Qed.

Lemma loss_op_of net batch at_ g : elaborate net batch at_ = Some g ->
  exists n, classes net = Some n /\
    g_loss_op g = match net_loss net with
      | Loss.SoftmaxCrossEntropy => SoftmaxCrossEntropy [:: batch; n] (g_logits g) (at_target at_) end.
Proof.
rewrite /elaborate; case: emit_layers => [[[c z] o]|] //.
by case: classes => // n [<-]; exists n.
Qed.

Lemma loss_sound net batch at_ g theta e : elaborate net batch at_ = Some g ->
  at_running at_ = None -> computes e (g_prog g) -> op_ok (g_loss_op g) ->
  agree e theta 0 (param_count (layers net) (input_shape net)) ->
  e (g_loss g) [::] = loss_of net batch theta (e (at_data at_)) (e (at_target at_)).
Proof.
move=> he training /computes_cat [hf hl] ok ht; have := forward_sound he hf ht.
rewrite training => /(_ I) hz.
move: hl => /computes_cons [hl _]; have [n [hn ho]] := loss_op_of he.
rewrite hn /= in hz; rewrite hl /loss_of ho hn; rewrite ho in ok.
case: (net_loss net) ok => ok /=.
pose e' : env R := fun k => if N.eqb k 0 then logits_of net batch None theta (e (at_data at_))
                            else e (at_target at_).
pose e1 : env R := fun k => if N.eqb k 0 then e (g_logits g) else e (at_target at_).
apply: (@den_eqt R (SoftmaxCrossEntropy [:: batch; n] 0 1) e1 e' ok _ [::]) => // a.
by rewrite !inE => /orP [] /eqP -> //=.
Qed.

Lemma loss_smooth (V : normedModType R) (x0 : V) net batch at_ g (theta : V -> N -> tensor R) (E : V -> env R) :
  elaborate net batch at_ = Some g -> at_running at_ = None ->
  (forall v, computes (E v) (g_prog g)) ->
  (forall v, agree (E v) (theta v) 0 (param_count (layers net) (input_shape net))) ->
  (forall q, List.In q (kinks_of net) ->
     off_kink x0 (layer_inputs net batch theta (fun v => E v (at_data at_))) q) ->
  smooth_in x0 E (g_prog g).
Proof.
move=> he training hc ht off; have [n [_ ho]] := loss_op_of he; apply: smooth_in_cat; last first.
  by move=> d q /= [[_ <-]|//]; rewrite ho; case: (net_loss net).
have hf v : computes (E v) (g_forward g) by have [] := computes_cat (hc v).
move: he hf off {ho hc}; rewrite /elaborate training; case he: emit_layers => [[[c z] o]|] //.
case: classes => // k [<-] /= hc off.
exact: (emit_layers_smooth (theta := theta) he hc _ ht off).
Qed.
End Meaning.
