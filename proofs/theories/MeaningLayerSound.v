(** * The instructions of a layer compute its meaning

    Layer by layer, by what is proved of each kind.

    Glossary
      - [holds_stats]    in an environment, running statistics of these shapes
                         are these tensors
      - [layer_eqt]      a layer's meaning depends on the cells of its input
                         alone
      - [layer_sound]    its instructions compute it
      - [layer_stats_sound]  the instructions for running statistics compute the
                         new ones
      - [layer_smooth]   off the layer's kinks, its instructions are off theirs
      - [off_kink_eqt], [off_kink_cat]  being off a kink depends on the cells
                         alone; of a list, it holds of both parts *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts SmoothFacts Computes SpecLayer Images ImagesSound TransposedSound BilinearSound Norms NormsSound.
From Cotangent Require Import PoolsSound Tokens TokensSound AttentionFormula AttentionSound MeaningLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Layers.
Variable R : realType.
Implicit Types (e : env R).

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

Lemma matmul_sound n k m x w e :
  eqt [:: n; m] (den (Layer.matmul n k m x w) e)
    (fun i => \sum_(c <- Nrange k) e x [:: nth 0%num i 0; c] * e w [:: c; nth 0%num i 1]).
Proof.
move=> i /idxs2 [p [q [-> /N.ltb_lt hp /N.ltb_lt hq]]]; rewrite /Layer.matmul /den sum_box // !big_seq.
apply: eq_bigr => c hc; have hb : inb [:: n; m; k] [:: p; q; c].
  by rewrite mem_Nrange in hc; rewrite /= hc !andbT; apply/andP; split; apply/N.ltb_lt.
rewrite big_cons big_cons big_nil mulr1.
by rewrite !(@read_proj _ _ _ _ [:: n; m; k]).
Qed.

Lemma every_row_sound n m b e :
  eqt [:: n; m] (den (Layer.every_row n m b) e) (fun i => e b [:: nth 0%num i 1]).
Proof.
move=> i hi; have hb : inb [:: n; m] i by rewrite -mem_idxs.
rewrite /Layer.every_row /den big_seq_cond (eq_bigl (fun r => (r \in idxs [:: n; m]) && (r == i))).
  rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1.
  by rewrite (@read_proj _ _ _ _ [:: n; m]).
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
  by rewrite (@read_proj _ _ _ _ [:: n; h; w; m]).
move=> r; case hr: (r \in idxs [:: n; h; w; m]) => //.
have hrb : inb [:: n; h; w; m] r by rewrite -mem_idxs.
rewrite !andTb; have -> : at_map (proj [:: 0; 1; 2; 3]%num) [:: n; h; w; m] r = Some r := at_map_id hrb.
by apply/eqP/eqP => [[->]|->].
Qed.

Lemma heads_divide heads c : Attention.fits heads c -> (heads * N.div c heads)%num = c.
Proof. by case/and3P => _ _ /N.eqb_eq. Qed.

(** What the output of a layer depends on. *)
Lemma layer_eqt l batch s s' (ps : seq (tensor R)) (x y : tensor R) : Layer.output l s = Some s' ->
  eqt (batch :: s) x y -> eqt (batch :: s') (layer_meaning l batch s ps x) (layer_meaning l batch s ps y).
Proof.
case: l => [m bias|p||m v u g bias|m v u a' b' g bias|rows columns||a b c1 d1 scale|a b scale shift|a b scale|g a b scale|v u|v u counted|l|n d|n d|heads causal bias] /=.
- case: s => [|n []] // [<-] h i hi; have [p [q [ei /N.ltb_lt hp /N.ltb_lt hq]]] := idxs2 hi.
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
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // /and4P [_ _ hc hm] [<-] hx i hi.
  have e k : conv_transpose2d h w c m v u g x k i = conv_transpose2d h w c m v u g y k i.
    exact: (@conv_transpose2d_eqt batch h w c m v u a' b' g hc hm R x y k hx i hi).
  by case: bias; case: ps => [|k [|b []]] //=; rewrite e.
- by case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // _ [<-]; exact: bilinear_eqt.
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // _ [<-] hx i /idxs2 [p [q [-> /N.ltb_lt hp /N.ltb_lt hq]]].
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
- case: s => [|h [|w [|c [|? ?]]]] //; case: ifP => // _ [<-] hx i hi.
  by rewrite /avg_pool (window_values_eqt hx hi).
- exact: token_eqt.
- by move=> [<-] h i hi; case: ps => [|m [|? ?]] //=; rewrite h.
- by move=> [<-] h i hi; case: ps => [|m [|? ?]] //=; rewrite h.
case: s => [|t [|c []]] //; case: ifP => // /heads_divide ec [<-].
by have := @attention_eqt R batch t heads (N.div c heads) causal bias ps x y; rewrite ec; apply.
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
case: l => [m bias|p||m v u g bias|m v u a' b' g bias|rows columns||a b c1 d1 scale|a b scale shift|a b scale|g a b scale|v u|v u counted|l|n d|n d|heads causal bias].
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
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // /and4P [_ _ hc hm] [<-].
  case: bias; case: ps => [|f [|b []]] //= [<-].
    move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
    have -> : N.pred (k + 3)%num = (k + 2)%num by lia.
    by rewrite h2 /= h0 h1 (conv_transpose_sound hc hm) // every_place_sound.
  move=> /computes_cons [h0 _] i hi; have -> : N.pred (k + 1)%num = k by lia.
  by rewrite h0 (conv_transpose_sound hc hm).
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // _ [<-]; case: ps => // -[<-].
  exact: bilinear_sound.
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
- rewrite /=; case: s => [|h [|w [|ch [|? ?]]]] //; case: ifP => // _ [<-].
  case: counted; case: ps => // -[<-].
    move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
    rewrite (_ : N.pred _ = k + 2)%num; last by rewrite /next_id /=; lia.
    by rewrite h2 [LHS]/= h0 h1 pool_sum_sound //= rational_int.
  move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _] i hi.
  rewrite (_ : N.pred _ = k + 3)%num; last by rewrite /next_id /=; lia.
  rewrite h3 [LHS]/= h0 h2 pool_sum_sound // count_sound //; last by move=> d o [[<- <-]|//].
  by rewrite /avg_pool /window_values !size_map.
- exact: token_sound.
- move=> [<-]; case: ps => [|m [|? ?]] // -[<-] /computes_cons [h0 _] i hi.
    by rewrite (last_at (n := 0)) //= N.add_0_r h0 /= same_place_id.
  by rewrite (last_at (n := 0)) //= N.add_0_r h0.
- move=> [<-]; case: ps => [|m [|? ?]] // -[<-] /computes_cons [h0].
    by move=> _ i hi; rewrite (last_at (n := 0)) //= N.add_0_r h0 /= same_place_id.
  by move=> /computes_cons [h1 _] i hi; rewrite (last_at (n := 1)) // h1 /= h0 every_example_sound.
rewrite /=; case: s => [|t [|m []]] //; case: ifP => // /heads_divide em [<-] hc.
by have := attention_sound hc; rewrite em; apply.
Qed.

(** Running statistics [ts], of shapes [ss], are the values [r]. *)
Definition holds_stats e (ss : seq shape) (ts : seq (tensor R)) (r : seq N) : Prop :=
  List.Forall2 (fun (q : shape * tensor R) j => eqt q.1 (e j) q.2) (zip ss ts) r.

Lemma layer_stats_sound l batch s st running x q u r e xm (own := [seq q.2 | q <- Layer.stats l s]) :
  size running = size own -> holds_stats e own running st ->
  Layer.new_stats l batch s st x q = (u, r) -> computes e u -> eqt (batch :: s) (e x) xm ->
  let new := new_stats batch l s running xm in size new = size own /\ holds_stats e own new r.
Proof.
rewrite /own {own} /holds_stats.
case: l => [m bias|p||m v w1 g bias|? ? ? ? ? ? ?|? ?||a b c d scale|a b scale shift|a b scale|g a b scale|w2 w3|w2 w3 counted|l0|? ?|? ?|heads causal bias] /=;
  try by move=> _ _ [_ <-] _ _; split=> //; constructor.
case: running => [|m' [|v' [|? ?]]] // _ hst hu hc hx.
inversion hst as [|? i ? l1 hm h1]; subst st; inversion h1 as [|? j ? l2 hv h2]; subst l1.
inversion h2; subst l2.
split=> //; have := NormsSound.new_stats_sound (affine := scale) (a := a) (b := b) hu hc hx => h.
inversion h as [|? ? ? ? n1 h3]; inversion h3 as [|? ? ? ? n2 h4].
inversion h4; subst; constructor; last constructor; last by constructor.
  by move=> k hk; rewrite n1 // (hm k hk).
by move=> k hk; rewrite n2 // (hv k hk).
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

Lemma layer_smooth name l batch s s' ps x k c E : size ps = (size (Layer.params l s) + size (Layer.masks l s))%nat ->
  Layer.output l s = Some s' ->
  Layer.emit l batch s ps x k = Some c ->
  (forall v, computes (E v) c) ->
  (forall q, List.In q (kinks_of_layer name l) ->
     off_kink x0 [:: (name, batch :: s, fun v => E v x)] q) ->
  smooth_in x0 E c.
Proof.
move=> sz fit; have {sz} : if l is Layer.BatchNorm _ _ _ _ scale
    then size ps == Layer.affine_count scale else true by case: l sz {fit} => //= ? ? ? ? [] ->.
case: l fit => [m bias|p||m v u g bias|m v u a' b' g bias|rows columns||a b c1 d1 scale|a b scale shift|a b scale|g a b scale|v u|v u counted|l|n d|n d|heads causal bias] fit /= own.
- case: s {fit} => [|n []] //; case: bias; case: ps => [|w [|b []]] //= [<-] _ _ d o /=;
  by repeat case=> [[_ <-] //|].
- case: ps => // -[<-] hc h; apply: pointwise_smooth => // z hz i hi.
  case: (pointwise_kinks p) hz h => kind points /= hz h.
  apply: (h (KinkAt name kind z) _ (batch :: s) (fun v => E v x)) => //; last by left.
  by elim: points hz {h} => //= z' l ih [->|/ih]; [left|right].
- by case: ps => // -[<-] _ _ d o /= [[_ <-] /=|//].
- case: s {fit} => [|h [|w [|ch [|? ?]]]] //; case: bias; case: ps => [|f [|b []]] //= [<-] _ _ d o /=;
  by repeat case=> [[_ <-] //|].
- case: s {fit} => [|h [|w [|ch [|? ?]]]] //; case: bias; case: ps => [|f [|b []]] //= [<-] _ _ d o /=;
  by repeat case=> [[_ <-] //|].
- case: s {fit} => [|h [|w [|ch [|? ?]]]] //; case: ps => // -[<-] _ _; exact: bilinear_smooth.
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
- case: s fit => [|h [|w [|ch [|? ?]]]] //=; case: ifP => // /andP [fv fu] _.
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
- by move=> h hc _; exact: token_smooth h hc.
- by case: ps => [|m [|? ?]] // -[<-] _ _ d' o /= [[_ <-] //|].
- by case: ps => [|m [|? ?]] // -[<-] _ _ d' o /=; repeat case=> [[_ <-] //|].
case: s {fit} => [|t [|c' []]] //; case: ifP => // /and3P [_ /N.ltb_lt pos _] h hc _.
exact: attention_smooth pos h hc.
Qed.

Lemma off_kink_eqt name s (x y : V -> tensor R) q : (forall v, eqt s (x v) (y v)) ->
  off_kink x0 [:: (name, s, x)] q -> off_kink x0 [:: (name, s, y)] q.
Proof.
case: q => [layer kind z|layer v u|layer] h hx.
- move=> s' y' /= [[e1 e2 e3]|//] i; subst => hi.
  by rewrite -h // (hx s' x) //; left.
- move=> n h' w c y' /= [[e1 e2 e3]|//] i hi; subst.
  by apply: (stays_greatest_eq h); apply: (hx n h' w c x) => //; left.
move=> s' y' /= [[e1 e2 e3]|//] i; subst => hi.
by rewrite -h // (hx s' x) //; left.
Qed.

Lemma off_kink_cat (a b : seq (string * shape * (V -> tensor R))) q :
  off_kink x0 (a ++ b) q -> off_kink x0 a q /\ off_kink x0 b q.
Proof.
case: q => [layer kind z|layer v u|layer] h.
- by split=> s x hx; apply: (h s x); apply: List.in_or_app; [left | right].
- by split=> n h' w c x hx; apply: (h n h' w c x); apply: List.in_or_app; [left | right].
by split=> s x hx; apply: (h s x); apply: List.in_or_app; [left | right].
Qed.
End Smooth.
End Layers.
