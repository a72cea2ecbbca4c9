(** * No problem, no kink

    The layers that take maxima or move entries, then all layers; what the tests
    of kinks say about the input of a layer; chains.

    Glossary
      - [relu_sound], [max_pool_sound]  where the rows of the
                         input are what [Exact.v] says, so are those of the
                         output
      - [layer_value_sound]  the same of any layer that [layer_value] computes
      - [point_sound]    without a problem, no entry is at the kink
      - [tie_sound]      without a problem, the chosen cell of each window stays
                         the greatest
      - [layer_problems_sound]  a layer without problems is off its kinks
      - [idle_sound]     so is a chain that no kink names
      - [walk_sound]     where [walk] finds no problem, no kink of the chain is
                         met; and the rows that it ends in are those of the
                         chain's output *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Scalar SmoothFacts Number RaiseGrouped.
From Cotangent Require Import Spec Meaning CheckSound MeaningLayerSound Images PoolsSound Floats Exact ExactNumbers.
From Cotangent Require Import ExactRows ExactLayers ExactNormLayer ExactNormRowsSound ExactNormGroupsSound ExactBranches ExactMaskSound ExactJoinSound ExactMeanSound ExactBentSound ExactSmoothLayer ExactErfSound ExactTransposedSound ExactTokensSound ExactAttentionSound ExactBilinearSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma flatten_nil (A B : Type) (f : A -> seq B) l : flatten [seq f a | a <- l] = [::] ->
  forall a, List.In a l -> f a = [::].
Proof.
elim: l => //= b l ih h a; have : size (f b ++ flatten [seq f a | a <- l]) = 0%nat by rewrite h.
rewrite size_cat => /eqP; rewrite addn_eq0 => /andP [/eqP /size0nil h1 /eqP /size0nil h2].
by case=> [<-|/(ih h2)].
Qed.

Section Layers.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation dyadic := (dyadic R).
Notation ball := (@ball R).
Notation holds := (holds_fixed x0).
Implicit Types (X : V -> tensor R) (x : fixed).
Variables fraction batch constant_from : N.
Hypothesis theta_constant : forall k v, (constant_from <= k)%num -> theta v k = theta x0 k.

Lemma relu_sound s X x : holds X x -> holds (fun v i => Num.max (X v i) 0) (relu s x).
Proof.
move=> hX; split=> [|i en /=]; first exact: hX.1.
apply: look_tabulate => t model {}i {}en _ _.
case hl: look => [[mm r]|] //; case hz: has => // -[<-] j /=; rewrite size_map => hj.
have [cont val near _] := hX.2 _ _ hl j hj; rewrite /= in cont val near *.
have out : (f_radius x < Z.abs (nth 0%Z r j))%Z.
  apply/Z.nle_gt => /Z.leb_le le; suff : has (fun z => Z.leb (Z.abs z) (f_radius x)) r by rewrite hz.
  by apply/(has_nthP 0%Z); exists j.
rewrite (nth_map 0%Z) //; split.
- by apply: continuous_max => //; exact: continuous_const.
- by rewrite -(dyadic0 R (f_exponent x)); apply: ball_max => //; apply: ball_self; exact: hX.1.
- by apply: filterS near => v ->.
move=> _ h0; have x_neg : X x0 (rcons i (N.of_nat j)) < 0.
  by rewrite -(dyadic0 R (f_exponent x)); apply: (ball_lt val); lia.
have n : \forall v \near x0, X v (rcons i (N.of_nat j)) < 0 by exact: (cont _ (near_neg x_neg)).
by apply: filterS n => v h; rewrite max_r // ltW.
Qed.

(** ** Pools *)
Lemma greatest_sound c X x j js e es o : holds X x -> 
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) (j :: js) (e :: es) ->
  (o < size (foldr (fun e r => zip_with Z.max e.2 r) e.2 es))%nat ->
  let value v := greatest [seq X v (rcons i (N.of_nat o)) | i <- j :: js] in
  continuous_at x0 value
  /\ ball (f_exponent x) (f_radius x) (nth 0%Z (foldr (fun e r => zip_with Z.max e.2 r) e.2 es) o) (value x0).
Proof.
move=> hX h ho value; inversion h as [|? ? ? ? [hl hc] h2]; subst.
rewrite /value /greatest /=; elim: h2 ho => [|j' e' js' es' [hl' hc'] _ ih] /= ho.
  by have [] := hX.2 _ _ hl o ho.
have := ho; rewrite zip_with_size leq_min => /andP [ho1 ho2].
have [cont val] := ih ho2; have [cont' val' _ _] := hX.2 _ _ hl' o ho1.
rewrite /= in cont val cont' val' *; split; first exact: continuous_max cont' cont.
by rewrite zip_with_nth //; exact: ball_max.
Qed.

Lemma greatest_follows c X x j js e es o : holds X x -> zeros_settled x ->
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) (j :: js) (e :: es) ->
  (o < size (foldr (fun e r => zip_with Z.max e.2 r) e.2 es))%nat ->
  follows x0 (nth 0%Z (foldr (fun e r => zip_with Z.max e.2 r) e.2 es) o)
    (fun v => greatest [seq X v (rcons i (N.of_nat o)) | i <- j :: js]).
Proof.
move=> hX hs h ho; inversion h as [|? ? ? ? [hl hc] h2]; subst.
rewrite /greatest /=; elim: h2 ho => [|j' e' js' es' [hl' hc'] _ ih] /= ho; first exact: settled_follows hX hs hl ho.
have := ho; rewrite zip_with_size leq_min => /andP [ho1 ho2]; rewrite zip_with_nth //.
exact: follows_max (settled_follows hX hs hl' ho1) (ih ho2).
Qed.

Lemma max_row_size c (e : entry) (es : seq entry) : has_length c e.2 ->
  (size (foldr (fun (e : entry) r => zip_with Z.max e.2 r) e.2 es) <= N.to_nat c)%nat.
Proof.
move=> /N.eqb_eq h; elim: es => [|e' es ih] /=; first by apply/ssrnat.leP; lia.
by rewrite zip_with_size; apply: leq_trans (geq_minr _ _) ih.
Qed.

Lemma max_pool_sound h w c v u X x : holds X x ->
  holds (fun z => Images.max_pool h w v u (X z)) (max_pool batch h w c v u x).
Proof.
move=> hX; split=> [|i en /= hl]; first exact: hX.1.
pose P i en := [/\ at_entry x0 (f_exponent x) (f_radius x) (zeros_settled x)
    (fun z => Images.max_pool h w v u (X z)) i en, (size en.2 <= N.to_nat c)%nat
  & exists b r q, i = [:: b; r; q]].
suff : P i en by case.
have val b r q o z : Images.max_pool h w v u (X z) (rcons [:: b; r; q] (N.of_nat o))
    = greatest [seq X z (rcons i (N.of_nat o)) | i <- [seq [:: b; p.1; p.2] | p <- window_cells h w v u r q]].
  by rewrite -map_comp /Images.max_pool /window_values /=; congr greatest.
move: i en hl; apply: look_shared => [i es /In_mem /idxs3 [b [r [q [-> _ _ _]]]] he|].
  have hF := all_rows_sound he; rewrite /= in hF.
  have {}val := val b r q.
  move: hF val; set ps := [seq _ | _ <- _] => hF val; split; last by exists b, r, q.
    case: es hF {he} => [|e es] hF; first by apply: at_entry_self.
    case: ps hF val => [|j js] hF val; first by inversion hF.
    apply: at_entry_self => o ho; have [cont e0] := greatest_sound hX hF ho.
    split; [by apply: continuous_near cont; apply: nearW => z; rewrite val|by rewrite val|move=> hs z0].
    by have [zero _] := greatest_follows hX hs hF ho; apply: filterS (zero z0) => z; rewrite val.
  case: es hF {he} => [|e es] // hF; inversion hF as [|? ? ? ? [_ hc]]; subst.
  exact: max_row_size hc.
move=> i j es es' en /In_mem /idxs3 [b [r [q [-> _ _ _]]]] hi hj em [hen sz [b' [r' [q' ej]]]]; subst j.
split=> //; last by exists b, r, q.
apply: (at_entry_as hen) => o ho.
have hm : (N.of_nat o < c)%num by have /ssrnat.ltP := leq_trans ho sz; lia.
have := same_rows hX hm (all_rows_sound hi) (all_rows_sound hj) em.
by apply: filterS => z; rewrite !val /= => ->.
Qed.

(** ** Tests of kinks *)
Lemma point_sound name s z X x : (0 < size s)%nat -> holds X x -> point_problems name s z x = [::] ->
  forall i, i \in idxs s -> X x0 i != int_real R z.
Proof.
move=> hs hX h i /(idxs_row hs) [l [a [-> hl ha]]].
have := flatten_nil h ((In_mem l _).2 hl); case hk: look => [[mm r]|] //.
case: ifP => // hc; set close := fun _ => Z.leb _ _; case hz: (has close r); first by cbv zeta; do ?case: ifP.
move=> _.
have hr := length_lt hc ha; have [_ val _ _] := entry_at hX hk hr; rewrite /= in val.
have far : (f_radius x < Z.abs (nth 0%Z r (N.to_nat a) - Z.shiftl z (Z.of_N (f_exponent x))))%Z.
  apply/Z.nle_gt => /Z.leb_le le; suff : has close r by rewrite hz.
  by apply/(has_nthP 0%Z); exists (N.to_nat a).
rewrite -(dyadic_int R (f_exponent x) z).
case: (Z.leb_spec 0 (nth 0%Z r (N.to_nat a) - Z.shiftl z (Z.of_N (f_exponent x)))) => side.
  by rewrite gt_eqF //; apply: (ball_gt val); lia.
by rewrite lt_eqF //; apply: (ball_lt val); lia.
Qed.

Lemma all_in (T : Type) (P : T -> bool) l : all P l -> forall y, List.In y l -> P y.
Proof. by elim: l => //= y l ih /andP [hy /ih h] z [<-|/h]. Qed.

Lemma tie_sound name n h w c v u X x : holds X x -> tie_problems name n h w c v u x = [::] ->
  forall i, i \in idxs (Layer.pooled n h w c v u) ->
  stays_greatest x0 [:: n; h; w; c] (Layer.pool_window v u) (Layer.pool_map v u) X i.
Proof.
move=> hX hp i /pooled_index [b [r [q [f [-> hb hf hr hq]]]]] c0 j hc hj.
have hin : [:: b; r; q] \in idxs [:: n; Layer.places v h; Layer.places u w].
  by rewrite mem_idxs /= andbT; apply/and3P; split; apply/N.ltb_lt.
have := flatten_nil hp ((In_mem _ _).2 hin); case he: window_rows => [es|] //; case: ifP => // hes _.
have hF := all_rows_sound he; have ge := chosen_ge hc hj; have := chosen_in hc.
have row p : p \in window_cells h w v u r q -> exists2 en, List.In en es &
    look (f_table x) [:: b; p.1; p.2] = Some en /\ has_length c en.2.
  move=> hp'; apply: (Forall2_In hF); apply/In_mem.
  exact: (map_f (fun p : N * N => [:: b; p.1; p.2])).
move: hj; rewrite cells_pool // => /mapP [p /row [en hen [hl len]] ej].
move=> /mapP [p' /row [en' hen' [hl' len']] ec]; subst j c0.
have [cj vj nj zj] := entry_at hX hl (length_lt len hf).
have [cc vc nc zc] := entry_at hX hl' (length_lt len' hf).
rewrite /= in cj vj nj zj cc vc nc zc *; rewrite /window_place in ge *.
case/orP: (all_in (all_in hes hen) hen') => [/eqP same|/(all_nthP (0%Z, 0%Z)) diff].
  rewrite same in nj; have := near_eq_trans nj (near_eq_sym nc).
  by apply: filterS => z ->.
have sz : size en.2 = size en'.2.
  by move/N.eqb_eq: len; move/N.eqb_eq: len' => <- /Nnat.Nat2N.inj.
have := diff (N.to_nat f); rewrite size_zip sz minnn nth_zip //= => /(_ (length_lt len' hf)).
case/orP=> [/and3P [rect /Z.eqb_eq e1 /Z.eqb_eq e2]|/Z.ltb_lt far].
  by apply: filterS2 (zj rect e1) (zc rect e2) => z -> ->.
suff lt : X x0 [:: b; p.1; p.2; f] < X x0 [:: b; p'.1; p'.2; f].
  by apply: filterS (near_less cj cc lt) => z /ltW.
have narrow en0 y : ball (f_exponent x) (f_radius x) en0 y ->
    (f_rectified x -> en0 = 0%Z -> \forall v \near x0, y = 0) ->
    ball (f_exponent x) (width (f_rectified x) (f_radius x) en0) en0 y.
  rewrite /width; case: f_rectified => //=; case: Z.eqb_spec => // -> _ /(_ isT erefl) /nbhs_singleton ->.
  by rewrite -(dyadic0 R (f_exponent x)); exact: ball_exact.
have {}vj := narrow _ _ vj _; have {}vc := narrow _ _ vc _.
have {}vj := vj (fun r e => filterS (fun=> fun=> near_value (zj r e)) (zj r e)).
have {}vc := vc (fun r e => filterS (fun=> fun=> near_value (zc r e)) (zc r e)).
rewrite lt_neqAle ge andbT; apply/eqP => e; move: vj vc far; rewrite e; move: (width _ _ _) (width _ _ _).
move=> r1 r2 vj vc far; have : ball (f_exponent x) (r1 + r2) 0 (dyadic (f_exponent x)
    (nth 0%Z en.2 (N.to_nat f) - nth 0%Z en'.2 (N.to_nat f))).
  rewrite /ball dyadic0 subr0 dyadicB Z.add_comm dyadicD.
  rewrite -[dyadic _ _ - _](subrKA (X x0 [:: b; p'.1; p'.2; f])).
  apply: le_trans (ler_norm_add _ _) _; by apply: ler_add; [rewrite distrC; exact: vj|exact: vc].
by rewrite /ball dyadic0 subr0 dyadic_norm dyadic_le => /Z.leb_le; lia.
Qed.

(** ** Layers and chains *)
Lemma attention_value_sound heads causal bias t m ps X x y : holds X x ->
  attention_value fraction batch pt heads causal bias t m ps x = Some y ->
  holds (fun v => AttentionFormula.attention t m (m / heads) causal bias [seq theta v k | k <- ps] (X v)) y.
Proof.
move=> hX; rewrite /attention_value; set count := Token.dense_count bias.
case hq: (omap _ _) => [z|] // hy; move: hq hy.
case hq: (token_value _ _ _ _ _ _ _) => [qkv|] // [<-] hy.
have hQ := token_value_sound (@theta_continuous) theta_at hX hq.
have fits := @heads_fit m heads.
have := token_value_sound (@theta_continuous) theta_at (self_heads_sound fraction batch t fits causal hQ) hy.
by apply: holds_ext => v i; rewrite /AttentionFormula.attention -map_take -map_drop.
Qed.

Lemma layer_value_sound l s ps X x y : holds X x -> layer_value fraction batch constant_from pt l s ps x = Some y ->
  holds (fun v => layer_meaning l batch s [seq theta v k | k <- ps] (X v)) y.
Proof.
move=> hX; case: l => [m b|p||m v u g b|m v u a a' g b|? ?||n d ? ? affine|n d scale shift|n d scale|g n d scale|v u|? ? ?|token|? ?|? ?|heads causal bias] //=.
- case: b; case: s => [|n [|? ?]] //; case: ps => [|w [|b [|? ?]]] //=.
    case hw: literal_at => [k|] //; case hb: bias_at => [bias|] //; apply: omap_rounded => z hz.
    apply: (@dense_sound _ _ x0 theta pt (@theta_continuous) theta_at n m w k bias (fun v => theta v b)
      x X hw hX (@theta_continuous b) (bias_sound theta_at hb) _ _ _ hz) => v i o; rewrite mem_idxs.
    by case: i => [|e [|? ?]] //=; rewrite andbF.
  case hw: literal_at => [k|] //; apply: omap_rounded => z hz.
  apply: (@dense_sound _ _ x0 theta pt (@theta_continuous) theta_at n m w k None (fun=> fun=> 0)
    x X hw hX (fun=> @continuous_const R V x0 0) (@no_bias _ _ x0) _ _ _ hz) => v i o; rewrite mem_idxs.
  by case: i => [|e [|? ?]] //=; rewrite ?andbF // addr0.
- have smooth := @smooth_layer_sound _ _ x0 fraction _ (batch :: s) X x hX.
  have gelu n d := @gelu_layer_sound _ _ x0 fraction n d (batch :: s) X x hX.
  by case: p => [||? ?|? ?|||||||? ?|] > [<-];
    [exact: relu_sound|exact: relu6_sound|exact: leaky_sound|first [exact: smooth|exact: gelu]..].
- by case: s => // d s [<-]; exact: (flatten_sound batch).
- case: b; case: s => [|h [|w [|c [|? ?]]]] //; case: ps => [|k [|b [|? ?]]] //=.
    case hg: grouped => //; case hk: literal_at => [kernel|] //; case hb: bias_at => [bias|] //.
    apply: omap_rounded => z.
    exact: (@conv_sound _ _ x0 theta pt (@theta_continuous) theta_at batch h w c m v u g k kernel bias
      (fun v => theta v b) x X hg hk hX (@theta_continuous b) (bias_sound theta_at hb)).
  case hg: grouped => //; case hk: literal_at => [kernel|] //; apply: omap_rounded => z hz.
  have := @conv_sound _ _ x0 theta pt (@theta_continuous) theta_at batch h w c m v u g k kernel None
    (fun=> fun=> 0) x X hg hk hX (fun=> @continuous_const R V x0 0) (@no_bias _ _ x0) _ hz.
  by apply: holds_ext => ? i; rewrite addr0.
- case: b; case: s => [|h [|w [|c [|? ?]]]] //; case: ps => [|k [|b [|? ?]]] //=.
    case hg: strides_fit => //; case hk: literal_at => [kernel|] //; case hb: bias_at => [bias|] //.
    apply: omap_rounded => z.
    exact: (@conv_transpose_sound _ _ x0 theta pt (@theta_continuous) theta_at batch h w c m v u a a' g k kernel bias
      (fun v => theta v b) x X hg hk hX (@theta_continuous b) (bias_sound theta_at hb)).
  case hg: strides_fit => //; case hk: literal_at => [kernel|] //; apply: omap_rounded => z hz.
  have := @conv_transpose_sound _ _ x0 theta pt (@theta_continuous) theta_at batch h w c m v u a a' g k kernel None
    (fun=> fun=> 0) x X hg hk hX (fun=> @continuous_const R V x0 0) (@no_bias _ _ x0) _ hz.
  by apply: holds_ext => ? i; rewrite addr0.
- by case: s => [|h [|w [|c [|? ?]]]] // [<-]; exact: bilinear_sound.
- by case: s => [|h [|w [|c [|? ?]]]] // [<-]; exact: global_avg_pool_sound.
- case: affine; case: ps => [|w [|b [|? ?]]] //=.
    case hw: bias_at => [[[e1 scale]|]|] //; case hb: bias_at => [[[e2 shift]|]|] //.
    exact: (@batch_norm_sound _ _ x0 fraction (batch :: s) X (fun v => theta v w) (fun v => theta v b) n d
      (e1, scale) (e2, shift) x y isT (@theta_continuous w) (@theta_continuous b) (bias_sound theta_at hw) (bias_sound theta_at hb) hX).
  have one j : (j < size (nseq (N.to_nat (last batch s)) 1%Z))%nat ->
      1 = dyadic 0 (nth 0%Z (nseq (N.to_nat (last batch s)) 1%Z) j).
    by rewrite size_nseq => hj; rewrite nth_nseq hj /dyadic expr0 divr1.
  have nil j : (j < size (nseq (N.to_nat (last batch s)) 0%Z))%nat ->
      0 = dyadic 0 (nth 0%Z (nseq (N.to_nat (last batch s)) 0%Z) j).
    by rewrite size_nseq => hj; rewrite nth_nseq hj dyadic0.
  move=> /(@batch_norm_sound _ _ x0 fraction (batch :: s) X (fun=> fun=> 1) (fun=> fun=> 0) n d (0%num, _) (0%num, _)
    x y isT (fun=> @continuous_const R V x0 1) (fun=> @continuous_const R V x0 0) one nil hX).
  by apply: holds_ext => v i; rewrite mulr1 addr0.
- case ha: affine_at => [[g b]|] //= [<-].
  exact: (affine_layer_sound theta_continuous theta_at fraction
    (@layer_norm_sound _ _ x0 fraction (batch :: s) n d isT X x hX) ha).
- case ha: affine_at => [[g b]|] //= [<-].
  exact: (affine_layer_sound theta_continuous theta_at fraction
    (@rms_norm_sound _ _ x0 fraction (batch :: s) n d isT X x hX) ha).
- case: s => [|h [|w [|c [|? ?]]]] //; case hg: group_norm_value => [f|] //.
  case ha: affine_at => [[e b]|] //= [<-].
  exact: (affine_layer_sound theta_continuous theta_at fraction (group_norm_value_sound hX hg) ha).
- by case: s => [|h [|w [|c [|? ?]]]] // [<-]; exact: max_pool_sound.
- by case: s => [|h [|w [|c [|? ?]]]] // [<-]; exact: avg_pool_sound.
- exact: (token_value_sound (@theta_continuous) theta_at hX).
- case: ps => [[<-] //|k [|? ?]] //=; case hk: mask_value => [m|] //= [<-].
  exact: (@masked_sound _ _ x0 fraction (batch :: s) X (fun v => theta v k) x m hX
    (mask_value_sound theta_at theta_constant hk)).
- case: ps => [|k [|? ?]]; [by case: s => [|? ?] [<-]| |by case: s].
  case: s => // d s /=; case hk: mask_value => [m|] //=; case he: every_entry => [w|] //= [<-].
  exact: (@masked_sound _ _ x0 fraction (batch :: d :: s) X (fun v i => theta v k [:: nth 0%num i 0]) x w hX
    (path_value_sound theta_at theta_constant (isT : (0 < size (d :: s))%nat) hk he)).
by case: s => [|t [|m [|? ?]]] //; exact: attention_value_sound.
Qed.

Lemma In_filter (T : Type) (p : pred T) a l : List.In a l -> p a -> List.In a (seq.filter p l).
Proof.
by elim: l => //= b l ih [->|/ih h] pa; [rewrite pa; left|case: ifP => _; [right|]; exact: h].
Qed.

Variable ks : seq kink.

Lemma layer_problems_sound name s (x : option fixed) X : (0 < size s)%nat ->
  (forall f, x = Some f -> holds X f) -> layer_problems ks name s x = [::] ->
  forall k, List.In k ks -> off_kink x0 [:: (name, s, X)] k.
Proof.
move=> hs hX h k hk; case e: (String.eqb (layer_of k) name); last first.
  by case: k e {hk} => [n' kind z|n' v u|n'] /= /String.eqb_neq ne; [move=> s' x'|move=> n h' w c x'|move=> s' x'];
    case=> // -[e1]; case: ne.
have := flatten_nil h (In_filter hk e); case: x hX {h} => [f|] hX //; have {}hX := hX _ erefl.
case: k {e hk} => [n' kind z|n' v u|n'] /= hp //.
  by move=> s' x' /= [[_ <- <-]|//]; exact: (point_sound hs hX hp).
move=> n h' w c x' /= [[_ es <-]|//]; rewrite es in hp.
exact: (tie_sound hX hp).
Qed.

(** Nothing has a name that is none of the list's. *)
Lemma nameless_sound name (l : seq (string * shape * (V -> tensor R))) k : nameless ks name ->
  (forall e, List.In e l -> e.1.1 = name) -> List.In k ks -> off_kink x0 l k.
Proof.
move=> /all_in hn hl /hn; case: k => [n kind z|n v u|n] /= /negPf /String.eqb_neq ne.
- by move=> s x /hl /= /ne.
- by move=> n' h w c x /hl /= /ne.
by move=> s x /hl /= /ne.
Qed.

Lemma join_names name j z parts e : List.In e (@join_inputs R V name j z parts) -> e.1.1 = name.
Proof.
rewrite /join_inputs; case: j => [[| |]| |?] //; case: parts => [|[s y] parts] //.
have : forall y', List.In e (maximum_inputs name z y' parts) -> e.1.1 = name.
  by elim: parts => //= -[s' w] parts ih y' [<-|/ih].
by apply.
Qed.

Lemma off_kink_both (a b : seq (string * shape * (V -> tensor R))) k :
  off_kink x0 a k -> off_kink x0 b k -> off_kink x0 (a ++ b) k.
Proof.
case: k => [n kind z|n v u|n] ha hb.
- by move=> s x /(@List.in_app_or _ _ _ _) [/ha|/hb].
- by move=> n' h w c x /(@List.in_app_or _ _ _ _) [/ha|/hb].
by move=> s x /(@List.in_app_or _ _ _ _) [/ha|/hb].
Qed.

Lemma idle_sound (A : V -> N -> tensor R) c rm s p0 m0 (X : V -> tensor R) k : idle ks c -> List.In k ks ->
  off_kink x0 (inputs_through batch A c rm s p0 m0 X) k.
Proof.
move=> + hk; elim: c rm s p0 m0 X => [|name l c ih|a iha c ih|name j c ih|p st a iha c ih] rm s p0 m0 X /=.
- by move=> _; case: k {hk} => [n' kind z|n' v u|n'] // ? ? //.
- move=> /andP [ne hc]; rewrite -cat1s; apply: off_kink_both (ih _ _ _ _ _ hc).
  by apply: (nameless_sound ne) hk => e [<-|].
- by move=> /andP [ha hc]; apply: off_kink_both; [exact: iha|exact: ih].
- move=> /andP [ne hc]; apply: off_kink_both (ih _ _ _ _ _ hc).
  by apply: (nameless_sound ne) hk => e; exact: join_names.
by move=> /andP [ha hc]; apply: off_kink_both; [exact: iha|exact: ih].
Qed.

Lemma cat_nil (T : Type) (a b : seq T) : a ++ b = [::] -> a = [::] /\ b = [::].
Proof. by case: a. Qed.

Notation waiting := (waiting x0).

Lemma waiting_shapes rm ready : waiting rm ready -> unzip1 ready = unzip1 rm.
Proof. by elim=> //= q p rm' ready' [-> _] _ ->. Qed.

Lemma waiting_rcons rm ready q p : waiting rm ready -> q.1 = p.1 -> (forall f, p.2 = Some f -> holds q.2 f) ->
  waiting (rcons rm q) (rcons ready p).
Proof. by move=> h e hq; rewrite -!cats1; apply: List.Forall2_app h _; constructor. Qed.

Lemma meet_sound name s rm xs : (0 < size s)%nat ->
  List.Forall2 (fun q x => holds (fun v => stretched q.1 (q.2 v)) x) rm xs -> forall (Y : V -> tensor R) y, holds Y y ->
  meet_problems name s y xs = [::] ->
  forall n t Z, List.In (n, t, Z) (maximum_inputs name s Y rm) -> forall i, i \in idxs t -> Z x0 i != 0.
Proof.
move=> hs; elim=> [|[s' w] x {}rm {}xs hq _ ih] Y y hY //= /cat_nil [met rest] n t Z [[_ <- <-]|] => [i hi|].
  have here : point_problems name s 0 (difference_value s y x) = [::].
    by apply: size0nil; rewrite -(size_map meeting) met.
  exact: (point_sound hs (difference_sound s hY hq) here).
by apply: ih rest _ _ _; exact: maximum_sound.
Qed.

Lemma join_problems_sound name j t rm ready : waiting rm ready -> join_problems batch ks name j t ready = [::] ->
  forall k, List.In k ks -> off_kink x0 (join_inputs name j (batch :: t) rm) k.
Proof.
rewrite /join_problems; case: ifP => [hn _ _ k hk|_ hw].
  by apply: (nameless_sound hn) hk => e; exact: join_names.
case: ifP => // /andP [/all_in only ht]; case: j => // -[] //; case ha: all_stretched => [[|x xs]|] // hp k hk.
have := all_stretched_sound ht hw ha; case: rm {hw} => [|[s y] rm] hF; inversion hF as [|? ? ? ? hy hr]; subst.
have off := meet_sound (isT : (0 < size (batch :: t))%nat) hr hy hp.
have := only k hk; case: k {hk} => [n kind z|n v u|n] /= ne.
- move=> s' x' /(@join_names _ Maximum) /= e; by rewrite e String.eqb_refl in ne.
- move=> n' h w c x' /(@join_names _ Maximum) /= e; by rewrite e String.eqb_refl in ne.
by move=> s' x'; exact: off.
Qed.

Lemma walk_sound need c rm ready s p0 m0 (x y : option fixed) X : (forall f, x = Some f -> holds X f) ->
  waiting rm ready -> walk fraction batch constant_from pt ks need c ready s p0 m0 x = ([::], y) ->
  (forall k, List.In k ks -> off_kink x0 (inputs_through batch theta c rm s p0 m0 X) k)
  /\ (forall f, y = Some f -> holds (fun v => through batch (theta v) c [seq (q.1, q.2 v) | q <- rm] s p0 (Masks m0) (X v)) f).
Proof.
elim: c need rm ready s p0 m0 x y X => [|name l c ih|a iha c ih|name j c ih|p st a iha c ih]
  need rm ready s p0 m0 x y X hX hw /=.
- by case=> <-; split=> // -[n' kind z|n' v u|n'] _ // ? ?.
- case hi: (~~ need && idle ks c).
    case=> here <-; split=> // k hk; rewrite -cat1s; apply: off_kink_both.
      exact: layer_problems_sound here k hk.
    by apply: idle_sound => //; case/andP: hi.
  case hr: walk => [rest z] [/cat_nil [here er] <-]; rewrite er in hr.
  have [|off val] := ih _ _ _ _ _ _ _ _
    (fun v => layer_meaning l batch s [seq theta v k | k <- own_values l s p0 (Masks m0)] (X v)) _ hw hr.
    by case: x hX {here hr} => [f|] //= hX g; apply: layer_value_sound; exact: hX.
  split=> // k hk; rewrite -cat1s; apply: off_kink_both; last exact: off.
  exact: layer_problems_sound here k hk.
- case ha: walk => [pa ya]; case hc: walk => [pc yc].
  move=> [/cat_nil [ea ec] <-]; rewrite ea in ha; rewrite ec in hc.
  have [offa vala] := iha _ [::] [::] _ _ _ _ _ X hX (List.Forall2_nil _) ha.
  pose rm' := rcons rm (odflt [::] (output_shape a [::] s), fun v => through batch (theta v) a [::] s p0 (Masks m0) (X v)).
  have hw' : waiting rm' (rcons ready (odflt [::] (output_shape a [::] s), ya)) by exact: waiting_rcons.
  have [offc val] := ih _ _ _ _ _ _ _ _ X hX hw' hc.
  split=> [k hk|f ef]; first by apply: off_kink_both; [exact: offa|exact: offc].
  by have := val f ef; apply: holds_ext => v i; rewrite /rm' map_rcons.
- rewrite (waiting_shapes hw); case hc: walk => [pc yc] [/cat_nil [ej ec] <-]; rewrite ec in hc.
  set X' := fun v => joined j [seq (q.1, q.2 v) | q <- rm].
  have [f|offc val] := ih _ [::] [::] _ _ _ _ _ X' _ (List.Forall2_nil _) hc.
    by case: ifP => // _; exact: joined_value_sound hw.
  split=> [k hk|f ef].
    by apply: off_kink_both (offc k hk); exact: join_problems_sound hw ej k hk.
  have := val f ef; apply: holds_ext => v i /=.
  by rewrite (_ : unzip1 [seq (q.1, q.2 v) | q <- rm] = unzip1 rm) // /unzip1 -map_comp.
case ha: walk => [pa ya]; case hc: walk => [pc yc].
move=> [/cat_nil [ea ec] <-]; rewrite ea in ha; rewrite ec in hc.
have [offa vala] := iha _ [::] [::] _ _ _ _ _ X hX (List.Forall2_nil _) ha.
have [offc val] := ih _ _ _ _ _ _ _ _ (fun v => through batch (theta v) a [::] s p (Masks m0) (X v)) vala hw hc.
by split=> // k hk; apply: off_kink_both; [exact: offa|exact: offc].
Qed.
End Layers.
