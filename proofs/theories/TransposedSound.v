(** * The layer's contraction is the transposed convolution in formulas

    [conv_transpose_sound]: the op that [Layer.conv_transpose] emits computes
    [Images.conv_transpose2d]. [conv_transpose2d_eqt]: the formula depends on the
    cells of the input alone. [conv_transpose_adjoint]: it is what its name says,
    the adjoint of the convolution in formulas, with the same kernel.
    [places_enlarged]: that convolution is over an image on which its window has
    as many places as the input has cells.

    Glossary
      - [pt]   an index of the box, by its parts; the group, where there are some *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts ConvolutionIndex SpecLayer Images ImagesSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Lemma places_enlarged v extra n : Layer.enlarges v extra n ->
  Layer.window_fits v (Layer.enlarged v extra n) /\ Layer.places v (Layer.enlarged v extra n) = n.
Proof.
case/and5P=> /N.ltb_lt hn hk hs hd /andP [/N.ltb_lt he /N.ltb_lt hp].
rewrite /Layer.covered in hp; rewrite /Layer.window_fits /Layer.places hk hs hd /Layer.enlarged /Layer.covered.
have padded (a p q : N) : (p + q < a)%num -> (a - (p + q) + p + q = a)%num by lia.
have spanned (a b c : N) : (a + b + c - b = a + c)%num by lia.
rewrite padded // spanned N.div_add_l ?N.div_small //; last by lia.
by split; [rewrite !andTb; apply/N.leb_le; nia | lia].
Qed.

Section Layer.
Variables (n h w c m : N) (v u : Layer.window) (ea eb g : N).
Hypotheses (hc : Layer.divides g c) (hm : Layer.divides g m).
Let channels := N.div c g.
Let features := N.div m g.
Let s : shape := [:: n; h; w; c].
Let t : shape := [:: Layer.k_size v; Layer.k_size u; features; c].
Let out : shape := [:: n; Layer.enlarged v ea h; Layer.enlarged u eb w; m].
Let box : shape := [:: n; features; channels; h; w; Layer.k_size v; Layer.k_size u]
  ++ (if N.eqb g 1 then [::] else [:: g]).
Let summed : shape := [:: channels; h; w; Layer.k_size v; Layer.k_size u].

Let gl (q : N) : seq N := if N.eqb g 1 then [::] else [:: q].
Let pt b o a y z p q gr : idx := [:: b; o; a; y; z; p; q] ++ gl gr.

Let em : (g * features)%num = m. Proof. by case/andP: hm => _ /N.eqb_eq. Qed.
Let ec : (g * channels)%num = c. Proof. by case/andP: hc => _ /N.eqb_eq. Qed.

Let grouped_at share k b o a y z p q gr : (gr < g)%num -> k = 1%num \/ k = 2%num ->
  aff_at (Layer.grouped g share k) (pt b o a y z p q gr)
  = Z.of_N (gr * share + nth 0%num [:: b; o; a] (N.to_nat k))%num.
Proof.
move=> hg hk; have at_k : nth 0%num (pt b o a y z p q gr) (N.to_nat k) = nth 0%num [:: b; o; a] (N.to_nat k).
  by case: hk => ->.
rewrite /Layer.grouped -at_k; case: N.eqb_spec => [e|ne].
  by rewrite aff_at1; have : gr = 0%num by [lia]; lia.
have at_7 : nth 0%num (pt b o a y z p q gr) (N.to_nat 7) = gr by rewrite /pt /gl; case: N.eqb_spec.
by rewrite aff_at2 at_7; lia.
Qed.

Let in_box b o a y z p q gr : (gr < g)%num ->
  (pt b o a y z p q gr \in idxs box) =
  [&& N.ltb b n, N.ltb o features, N.ltb a channels, N.ltb y h, N.ltb z w,
      N.ltb p (Layer.k_size v) & N.ltb q (Layer.k_size u)].
Proof.
move=> hg; rewrite mem_idxs /pt /box /gl /=; case: N.eqb => /=; rewrite ?andbT //.
by rewrite (proj2 (N.ltb_lt _ _) hg) !andbT.
Qed.

Let points r : r \in idxs box -> exists b o a y z p q gr, r = pt b o a y z p q gr /\ (gr < g)%num.
Proof.
have hg : (0 < g)%num by case/andP: hc => /N.ltb_lt.
rewrite mem_idxs /box /pt /gl; case: N.eqb => hr; have := inb_size hr.
  case: r hr => [|b [|o [|a [|y [|z [|p [|q [|? ?]]]]]]]] // _ _.
  by exists b, o, a, y, z, p, q, 0%num.
case: r hr => [|b [|o [|a [|y [|z [|p [|q [|gr [|? ?]]]]]]]]] // hr _.
exists b, o, a, y, z, p, q, gr; split=> //.
by move: hr; rewrite /= => /and5P [_ _ _ _ /and5P [_ _ _ /N.ltb_lt]].
Qed.

Let reads_at k place cell r : aff_at (Layer.reads k place cell) r
  = reach k (nth 0%num r (N.to_nat place)) (nth 0%num r (N.to_nat cell)).
Proof. by rewrite /aff_at /reach /=; lia. Qed.

Let group_split o gr o1 : (o1 < features)%num -> (gr * features + o1)%num = o ->
  gr = N.div o features /\ o1 = N.modulo o features.
Proof.
move=> ho <-; split; first by rewrite N.div_add_l ?N.div_small //; lia.
by rewrite N.add_comm N.mod_add ?N.mod_small //; lia.
Qed.

Variable R : realType.
Implicit Types (e : env R).

Let image_at b o a y z p q gr : (gr < g)%num -> pt b o a y z p q gr \in idxs box ->
  at_map [:: coord 0; coord 3; coord 4; Layer.grouped g channels 2] s (pt b o a y z p q gr)
  = Some [:: b; y; z; (gr * channels + a)%num].
Proof.
move=> hg; rewrite in_box // => /and5P [hb ho ha hy /and3P [hz hp hq]].
apply/at_mapE => //; split.
  rewrite /s /= hb hy hz /= andbT; apply/N.ltb_lt; move/N.ltb_lt: ha; nia.
case=> [|[|[|[|k]]]] // _; rewrite [nth a0 _ _]/=; try by rewrite aff_at_coord.
by rewrite grouped_at //; right.
Qed.

Let kernel_at b o a y z p q gr : (gr < g)%num -> pt b o a y z p q gr \in idxs box ->
  at_map [:: coord 5; coord 6; coord 1; Layer.grouped g channels 2] t (pt b o a y z p q gr)
  = Some [:: p; q; o; (gr * channels + a)%num].
Proof.
move=> hg; rewrite in_box // => /and5P [hb ho ha hy /and3P [hz hp hq]].
apply/at_mapE => //; split.
  rewrite /t /= hp hq ho /= andbT; apply/N.ltb_lt; move/N.ltb_lt: ha; nia.
case=> [|[|[|[|k]]]] // _; rewrite [nth a0 _ _]/=; try by rewrite aff_at_coord.
by rewrite grouped_at //; right.
Qed.

Let result_at b o a y z p q gr b0 row column o0 : (gr < g)%num -> pt b o a y z p q gr \in idxs box ->
  [:: b0; row; column; o0] \in idxs out ->
  at_map [:: coord 0; Layer.reads v 3 5; Layer.reads u 4 6; Layer.grouped g features 1] out
    (pt b o a y z p q gr) = Some [:: b0; row; column; o0] <->
  [/\ b = b0, reach v y p = Z.of_N row, reach u z q = Z.of_N column & (gr * features + o)%num = o0].
Proof.
move=> hg hr hi; rewrite at_mapE //; split=> [[_ at_]|[e0 ey ez e3]].
  have [h0 h1] := (at_ 0%nat isT, at_ 1%nat isT); have [h2 h3] := (at_ 2%nat isT, at_ 3%nat isT).
  rewrite [nth a0 _ _]/= aff_at_coord in h0; rewrite [nth a0 _ _]/= reads_at in h1.
  rewrite [nth a0 _ _]/= reads_at in h2; rewrite [nth a0 _ _]/= grouped_at // in h3; last by left.
  by split; [exact: N2Z.inj h0 | exact: h1 | exact: h2 | exact: N2Z.inj h3].
subst b0 o0; split; first by move: hi; rewrite mem_idxs.
case=> [|[|[|[|k]]]] // _; rewrite [nth a0 _ _]/=; first by rewrite aff_at_coord.
- by rewrite reads_at.
- by rewrite reads_at.
by rewrite grouped_at //; left.
Qed.

Theorem conv_transpose_sound x k e :
  eqt out (den (Layer.conv_transpose n h w c m v u ea eb g x k) e)
    (conv_transpose2d h w c m v u g (e x) (e k)).
Proof.
move=> i hi; have := hi; rewrite mem_idxs; case: i hi => [|b [|row [|column [|o [|? ?]]]]] //=; rewrite ?andbF //.
move=> hi /and5P [hb _ _ /N.ltb_lt ho _].
have pos : (0 < features)%num by nia.
set gr := N.div o features; set o1 := N.modulo o features.
have eo : (gr * features + o1)%num = o by rewrite /gr /o1 N.mul_comm -N.div_mod //; lia.
have ho1 : (o1 < features)%num by apply: N.mod_lt; lia.
have hg : (gr < g)%num by nia.
pose Q (l : idx) := Z.eqb (reach v (nth 0%num l 1) (nth 0%num l 3)) (Z.of_N row)
  && Z.eqb (reach u (nth 0%num l 2) (nth 0%num l 4)) (Z.of_N column).
pose F (l : idx) := e x [:: b; nth 0%num l 1; nth 0%num l 2; (gr * channels + nth 0%num l 0)%num]
  * e k [:: nth 0%num l 3; nth 0%num l 4; o1; (gr * channels + nth 0%num l 0)%num].
transitivity (\sum_(l <- idxs summed | Q l) F l); last first.
  rewrite big_mkcond /conv_transpose2d sum_cons; apply: eq_bigr => a _.
  rewrite sum_cons; apply: eq_bigr => y _; rewrite sum_cons; apply: eq_bigr => z _.
  rewrite sum_cons [RHS]big_mkcond; apply: eq_bigr => p _; rewrite sum_cons /Q /=.
  case: Z.eqb => /=; last by rewrite big1 // => q _; rewrite big_seq1.
  by rewrite [RHS]big_mkcond; apply: eq_bigr => q _; rewrite big_seq1.
pose fo := [:: coord 0; Layer.reads v 3 5; Layer.reads u 4 6; Layer.grouped g features 1].
pose vx := View x s [:: coord 0; coord 3; coord 4; Layer.grouped g channels 2].
pose vk := View k t [:: coord 5; coord 6; coord 1; Layer.grouped g channels 2].
transitivity (\sum_(r <- idxs box | at_map fo out r == Some [:: b; row; column; o])
  \prod_(j <- [:: vx; vk]) read e j r); first by [].
apply: (sum_bij (h := fun r => [:: nth 0%num r 2; nth 0%num r 3; nth 0%num r 4; nth 0%num r 5; nth 0%num r 6])
  (g := fun l => pt b o1 (nth 0%num l 0) (nth 0%num l 1) (nth 0%num l 2) (nth 0%num l 3) (nth 0%num l 4) gr));
  try exact: idxs_uniq.
- move=> r hr; have [b1 [o2 [a [y [z [p [q [g1 [er hg1]]]]]]]]] := points hr; subst r.
  move=> /eqP /(result_at hg1 hr hi) [eb1 ey ez eo1]; subst b1.
  have := hr; rewrite in_box // => /and5P [_ /N.ltb_lt ho2 ha hy /and3P [hz hp hq]].
  have [eg eo2] := group_split ho2 eo1; subst g1 o2; split.
  + by rewrite mem_idxs /= ha hy hz hp hq.
  + by rewrite /Q /= ey ez !Z.eqb_refl.
  + by [].
  by rewrite !big_cons big_nil mulr1 /read image_at // kernel_at.
move=> l; rewrite mem_idxs => hl; have := inb_size hl.
case: l hl => [|a [|y [|z [|p [|q [|? ?]]]]]] // hl _ /= /andP [/Z.eqb_eq ey /Z.eqb_eq ez].
have hr : pt b o1 a y z p q gr \in idxs box.
  by rewrite in_box // hb (proj2 (N.ltb_lt _ _) ho1); move: hl => /= /and5P [-> -> -> -> /andP [-> _]].
by split=> //; apply/eqP/(result_at hg hr hi); split.
Qed.

Lemma conv_transpose2d_eqt (x y k : tensor R) : eqt s x y ->
  eqt out (conv_transpose2d h w c m v u g x k) (conv_transpose2d h w c m v u g y k).
Proof.
move=> hxy i; rewrite mem_idxs; case: i => [|b [|row [|column [|o [|? ?]]]]] //=; rewrite ?andbF //.
move=> /and5P [hb _ _ /N.ltb_lt ho _]; rewrite /conv_transpose2d /= -/channels -/features.
have hg : (N.div o features < g)%num by apply: N.div_lt_upper_bound; [nia | rewrite N.mul_comm em].
rewrite big_seq [RHS]big_seq; apply: eq_bigr => a; rewrite mem_Nrange => /N.ltb_lt ha.
rewrite big_seq [RHS]big_seq; apply: eq_bigr => j; rewrite mem_Nrange => hj.
rewrite big_seq [RHS]big_seq; apply: eq_bigr => l; rewrite mem_Nrange => hl.
apply: eq_bigr => p _; apply: eq_bigr => q _; congr (_ * _); apply: hxy.
by rewrite mem_idxs /= hb hj hl /= andbT; apply/N.ltb_lt; nia.
Qed.

Hypotheses (hv : Layer.enlarges v ea h) (hu : Layer.enlarges u eb w).

Theorem conv_transpose_adjoint (x y k : tensor R) :
  \sum_(i <- idxs out) y i * conv_transpose2d h w c m v u g x k i
  = \sum_(j <- idxs s) conv2d (Layer.enlarged v ea h) (Layer.enlarged u eb w) m c v u g y k j * x j.
Proof.
have [fv pv] := places_enlarged hv; have [fu pu] := places_enlarged hu.
pose e : env R := fun j => if j is 0%num then x else if j is 1%num then y else k.
pose fo := [:: coord 0; Layer.reads v 3 5; Layer.reads u 4 6; Layer.grouped g features 1].
pose fi := [:: coord 0; coord 3; coord 4; Layer.grouped g channels 2].
pose X r := read e (View 0 s fi) r.
pose Y r := read e (View 1 out fo) r.
pose K r := read e (View 2 t [:: coord 5; coord 6; coord 1; Layer.grouped g channels 2]) r.
transitivity (\sum_(r <- idxs box) Y r * (X r * K r)).
  apply: etrans (@sum_fiber R (idxs box) (idxs out) (at_map fo out) y (fun r => X r * K r)
    (idxs_uniq out) (fun r i => @at_map_in fo out r i)).
  rewrite !big_seq; apply: eq_bigr => i hi; congr (_ * _); rewrite -(@conv_transpose_sound 0 2 e) //=.
  by apply: eq_bigr => r _; rewrite !big_cons big_nil mulr1.
transitivity (\sum_(r <- idxs box) X r * (Y r * K r)); first by apply: eq_bigr => r _; rewrite mulrCA.
apply: etrans (esym (@sum_fiber R (idxs box) (idxs s) (at_map fi s) x (fun r => Y r * K r)
  (idxs_uniq s) (fun r i => @at_map_in fi s r i))) _.
rewrite !big_seq; apply: eq_bigr => j hj; rewrite mulrC; congr (_ * _).
have := @conv_sound n _ _ m c v u g fv fu hm hc R 1 2 e j; rewrite pv pu => <- //.
by rewrite /= pv pu; apply: eq_bigr => r _; rewrite !big_cons big_nil mulr1.
Qed.
End Layer.
