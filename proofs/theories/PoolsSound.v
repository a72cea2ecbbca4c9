(** * The layers' windows are the pools in formulas

    [max_pool_sound], [pool_sum_sound]: the ops that [Layer.max_pool] and
    [Layer.pool_sum] emit compute the formulas of [Images.v].
    [window_values_eqt]: the formulas depend on the cells of the image alone.
    [window_cells_gt0]: where a pool fits, no window is empty.

    Glossary
      - [window_place]    a cell of a channel of an image *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
From Cotangent Require Import RaiseLinear ConvolutionIndex WindowIndex RaisePool SpecLayer Images.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma aff_reads q a d r : aff_at (Layer.reads q a d) r
  = (Z.of_N (nth 0%num r (N.to_nat a) * Layer.k_stride q + nth 0%num r (N.to_nat d) * Layer.k_dilation q)
     - Z.of_N (Layer.k_low q))%Z.
Proof. by rewrite aff_at2; lia. Qed.

Section Pools.
Variables (n h w c : N) (v u : Layer.window).
Let s : shape := [:: n; h; w; c].
Let out := Layer.pooled n h w c v u.
Let k := Layer.pool_window v u.
Let m := Layer.pool_map v u.

Definition window_place (b f : N) (p : N * N) : idx := [:: b; p.1; p.2; f].

Lemma at_pool_map b r q f p1 p2 : (b < n)%num -> (f < c)%num ->
  let z := (reach v r p1, reach u q p2) in
  at_map m s ([:: b; r; q; f] ++ [:: 0; p1; p2; 0]%num)
  = if [&& Z.leb 0 z.1, Z.ltb z.1 (Z.of_N h), Z.leb 0 z.2 & Z.ltb z.2 (Z.of_N w)]
    then Some (window_place b f (Z.to_N z.1, Z.to_N z.2)) else None.
Proof.
move=> hb hf z.
set r0 := [:: b; r; q; f] ++ _; have e0 : aff_at (Layer.reads Layer.one_cell 0 4) r0 = Z.of_N b.
  rewrite aff_reads; change (Z.of_N (b * 1 + 0 * 1) - 0 = Z.of_N b)%Z; lia.
have e1 : aff_at (Layer.reads v 1 5) r0 = z.1 by rewrite aff_reads.
have e2 : aff_at (Layer.reads u 2 6) r0 = z.2 by rewrite aff_reads.
have e3 : aff_at (Layer.reads Layer.one_cell 3 7) r0 = Z.of_N f.
  rewrite aff_reads; change (Z.of_N (f * 1 + 0 * 1) - 0 = Z.of_N f)%Z; lia.
clearbody r0; rewrite /m /Layer.pool_map (at_map_cons _ _ e0 hb) /at_map e1 e2 e3.
have -> : Z.leb 0 (Z.of_N f) && Z.ltb (Z.of_N f) (Z.of_N c).
  by apply/andP; split; [apply/Z.leb_le|apply/Z.ltb_lt]; lia.
rewrite N2Z.id.
by case: (Z.leb 0 z.1); case: (Z.ltb z.1 _); case: (Z.leb 0 z.2); case: (Z.ltb z.2 _).
Qed.
Let offsets := [seq (p, q) | p <- Nrange (Layer.k_size v), q <- Nrange (Layer.k_size u)].

Lemma idxs_window : idxs k = [seq [:: 0; p.1; p.2; 0]%num | p <- offsets].
Proof.
have e1 : idxs [:: Layer.k_size u; 1%num] = [seq [:: q; 0%num] | q <- Nrange (Layer.k_size u)].
  by rewrite /=; elim: (Nrange _) => //= q l ->.
have e2 : idxs [:: Layer.k_size v; Layer.k_size u; 1%num]
    = [seq [:: p; q; 0%num] | p <- Nrange (Layer.k_size v), q <- Nrange (Layer.k_size u)].
  by rewrite -[LHS]/[seq p :: r | p <- Nrange _, r <- idxs [:: Layer.k_size u; 1%num]] e1 allpairs_mapr.
rewrite -[LHS]/[seq p :: r | p <- Nrange 1, r <- idxs [:: Layer.k_size v; Layer.k_size u; 1%num]].
by rewrite e2 [LHS]/= cats0 map_allpairs /offsets map_allpairs.
Qed.

Lemma cells_pool b r q f : (b < n)%num -> (f < c)%num ->
  Index.cells s k m [:: b; r; q; f] = [seq window_place b f p | p <- window_cells h w v u r q].
Proof.
move=> hb hf; rewrite /Index.cells idxs_window /window_cells.
have -> : [seq (reach v r p1, reach u q p2)
    | p1 <- Nrange (Layer.k_size v), p2 <- Nrange (Layer.k_size u)]
    = [seq (reach v r p.1, reach u q p.2) | p <- offsets] by rewrite /offsets map_allpairs.
elim: offsets => // p l ih; rewrite 2!map_cons.
have -> g y t : pmap g (y :: t) = (if g y is Some z then cons z else id) (pmap g t) :> seq idx.
  by rewrite /=; case: (g y).
by rewrite at_pool_map //=; case: ifP => _ /=; rewrite ih.
Qed.

Section Real.
Variables (R : realType).
Implicit Types (e : env R) (a : tensor R).

Lemma pooled_index i : i \in idxs out -> exists b r q f,
  [/\ i = [:: b; r; q; f], (b < n)%num, (f < c)%num, (r < Layer.places v h)%num
    & (q < Layer.places u w)%num].
Proof.
rewrite mem_idxs; case: i => [|b [|r [|q [|f [|? ?]]]]] //=; rewrite ?andbF //.
by move=> /and5P [/N.ltb_lt hb /N.ltb_lt hr /N.ltb_lt hq /N.ltb_lt hf _]; exists b, r, q, f.
Qed.

Lemma values_cells a i : i \in idxs out ->
  window_values h w v u a i = [seq a j | j <- Index.cells s k m i].
Proof.
move=> /pooled_index [b [r [q [f [-> hb hf _ _]]]]]; rewrite cells_pool // -map_comp.
by apply: eq_map => p.
Qed.

Lemma max_pool_sound x e : eqt out (den (Layer.max_pool n h w c v u x) e) (max_pool h w v u (e x)).
Proof.
move=> i hi; rewrite /max_pool values_cells //= /chosen; case: Index.cells => // j l.
exact: esym (largest_first (e x) j l).
Qed.

Lemma pool_sum_sound x e i : i \in idxs out ->
  den (Layer.pool_sum n h w c v u x) e i = \sum_(y <- window_values h w v u (e x) i) y.
Proof.
move=> hi; rewrite values_cells // big_map /Index.cells sum_pmap.
exact: (den_sum_over s (Layer.pool_window v u) m x e hi).
Qed.

Lemma window_values_eqt a a' i : eqt s a a' -> i \in idxs out ->
  window_values h w v u a i = window_values h w v u a' i.
Proof.
move=> ha hi; rewrite !values_cells //; apply/eq_in_map => j hj; apply: ha.
exact: cells_in hj.
Qed.
End Real.

Lemma axis_cell p d r : Layer.pool_fits p d -> (r < Layer.places p d)%num ->
  exists2 o, (o < Layer.k_size p)%num & Z.leb 0 (reach p r o) && Z.ltb (reach p r o) (Z.of_N d).
Proof.
case/and5P=> _ /N.eqb_eq e1 /N.ltb_lt h1 /N.ltb_lt h2 /N.ltb_lt h3 hr.
exists (Layer.k_low p - r * Layer.k_stride p)%num; first lia.
rewrite /reach e1; set t := (r * _)%num in h2 *; set l := (N.pred _ * _)%num in h3.
have : (t <= l)%num by apply: N.mul_le_mono_r; lia.
by move=> h4; apply/andP; split; [apply/Z.leb_le|apply/Z.ltb_lt]; lia.
Qed.

Lemma window_cells_gt0 r q : Layer.pool_fits v h -> Layer.pool_fits u w ->
  (r < Layer.places v h)%num -> (q < Layer.places u w)%num ->
  (0 < size (window_cells h w v u r q))%nat.
Proof.
move=> fv fu /(axis_cell fv) [o ho hin] /(axis_cell fu) [o' ho' hin'].
rewrite size_map size_filter -has_count.
have -> : [seq (reach v r p, reach u q p')
    | p <- Nrange (Layer.k_size v), p' <- Nrange (Layer.k_size u)]
    = [seq (reach v r p.1, reach u q p.2) | p <- offsets] by rewrite /offsets map_allpairs.
rewrite has_map; apply/hasP; exists (o, o'); last by rewrite /= andbA hin hin'.
by apply/allpairsP; exists (o, o'); split=> //=; rewrite mem_Nrange; apply/N.ltb_lt.
Qed.
End Pools.
