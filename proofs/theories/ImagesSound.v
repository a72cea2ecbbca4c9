(** * The layer's contraction is the convolution in formulas

    [conv_sound]: the op that [Layer.conv] emits computes [Images.conv2d]. It
    is the op that StableHLO's convolution is raised to ([conv_is]), so the sum
    is the one of [RaiseConvolution.den_conv]. [conv2d_eqt]: the formula depends
    on the cells of the image alone.

    [places_sum_sound]: the sum over all places.

    Glossary
      - [forward_dims]   the attributes of the layer's convolution *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
From Cotangent Require Import RaiseLinear ConvolutionIndex RaiseConvolution SpecLayer Images.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Definition forward_window (v : Layer.window) : conv_window :=
  ConvWindow (Layer.k_stride v) (Z.of_N (Layer.k_low v)) (Z.of_N (Layer.k_high v)) 1
    (Layer.k_dilation v).
Definition forward_dims (v u : Layer.window) (g : N) : conv_dims :=
  ConvDims (ConvNumbers 0 3 [:: 1; 2]%num) (ConvNumbers 2 3 [:: 0; 1]%num)
    (ConvNumbers 0 3 [:: 1; 2]%num) [:: forward_window v; forward_window u] 1 g.

Lemma window_countE v n : Layer.window_fits v n ->
  window_count (forward_window v) n (Layer.k_size v) = Layer.places v n.
Proof.
case/and4P=> /N.ltb_lt hk /N.ltb_lt hs /N.ltb_lt hd /N.leb_le hf.
have dk : dilate (Layer.k_size v) (Layer.k_dilation v) = Layer.span v.
  by rewrite /dilate; case: N.eqb_spec => // e; move: hk; rewrite e.
have dn : dilate n 1 = n by rewrite /dilate; case: N.eqb_spec; lia.
have h0 : (0 < Layer.span v)%num by rewrite /Layer.span N.add_1_r; exact: N.lt_0_succ.
rewrite /window_count /Layer.places [w_lhs_dilation _]/= [w_rhs_dilation _]/= dk dn /=.
case: Z.leb_spec => h1 /=; first lia.
case: Z.ltb_spec => h2 /=; first lia.
by congr (N.add (N.div _ _) _); lia.
Qed.

Lemma sum_cons (R : realType) k l (F : idx -> R) :
  \sum_(r <- idxs (k :: l)) F r = \sum_(i <- Nrange k) \sum_(r <- idxs l) F (i :: r).
Proof. exact: big_allpairs_dep. Qed.

Lemma places_sum_sound (R : realType) n h w c x (e : env R) :
  eqt [:: n; c] (den (Layer.places_sum n h w c x) e)
    (fun i => \sum_(p <- Nrange h) \sum_(q <- Nrange w)
       e x [:: nth 0%num i 0; p; q; nth 0%num i 1]).
Proof.
move=> i hi; pose s : shape := [:: n; h; w; c].
have -> : den (Layer.places_sum n h w c x) e i = reduce_add s [:: 1; 2]%num (e x) i.
  exact: (den_reduce (ds := [:: 1; 2]%num) (s := s) x e hi).
move: hi; rewrite mem_idxs; case: i => [|b [|f [|? ?]]] //=; rewrite ?andbF //.
move=> /and3P [hb hf _]; rewrite /reduce_add /fibre big_filter.
have m2 y z : N.ltb y h -> N.ltb z w -> [:: y; z] \in idxs [:: h; w].
  by move=> h1 h2; rewrite mem_idxs /= h1 h2.
have m4 y z : N.ltb y h -> N.ltb z w -> [:: b; y; z; f] \in idxs s.
  by move=> h1 h2; rewrite mem_idxs /= hb h1 h2 hf.
transitivity (\sum_(u <- idxs [:: h; w] | predT u) e x [:: b; nth 0%num u 0; nth 0%num u 1; f]).
  apply: (sum_bij (h := fun r => [:: nth 0%num r 1; nth 0%num r 2])
    (g := fun u => [:: b; nth 0%num u 0; nth 0%num u 1; f])); try exact: idxs_uniq.
  - move=> r; rewrite mem_idxs; case: r => [|r0 [|r1 [|r2 [|r3 [|? ?]]]]] //; rewrite /s /= ?andbF //.
    by move=> /and5P [_ h1 h2 _ _] /eqP [-> ->]; split=> //; exact: m2.
  - move=> u; rewrite mem_idxs; case: u => [|u0 [|u1 [|? ?]]] //=; rewrite ?andbF //.
    by move=> /and3P [h1 h2 _] _; split=> //; exact: m4.
rewrite sum_cons; apply: eq_bigr => p _; rewrite sum_cons; apply: eq_bigr => q _.
by rewrite big_seq1.
Qed.

Section Layer.
Variables (n h w c m : N) (v u : Layer.window) (g : N).
Hypotheses (hv : Layer.window_fits v h) (hu : Layer.window_fits u w).
Hypotheses (hc : Layer.divides g c) (hm : Layer.divides g m).
Let s : shape := [:: n; h; w; c].
Let t : shape := [:: Layer.k_size v; Layer.k_size u; N.div c g; m].
Let out : shape := [:: n; Layer.places v h; Layer.places u w; m].
Let d := forward_dims v u g.

Lemma conv_fitsE : conv_fits d s t.
Proof.
case/andP: hc => hg hc'; case/andP: hm => _ hm'.
case/and4P: hv => _ v1 v2 _; case/and4P: hu => _ u1 u2 _.
rewrite /conv_fits /numbers_ok /window_ok /divides /second_size /first_size /= v1 v2 u1 u2 hg /=.
have one : forall j : N, (match j with 0 => 0 | N.pos q => N.pos q end = j)%num by case.
by rewrite orbT N.eqb_sym hc' N.div_1_r N.mul_1_r one N.eqb_refl hm'.
Qed.

Lemma conv_shapeE : conv_shape d s t = out.
Proof.
by rewrite /conv_shape /= /first_size /second_size /= N.div_1_r !window_countE.
Qed.

Lemma conv_is x k : Layer.conv n h w c m v u g x k = contract_conv false d s t x k.
Proof.
rewrite /contract_conv conv_shapeE /= N.mul_1_r.
by rewrite /first_size /second_size /= N.div_1_r.
Qed.

Section Real.
Variables (R : realType).
Implicit Types (e : env R) (a b : tensor R).

Lemma padded_cell1 q k z (from := (z - Z.of_N (Layer.k_low q))%Z) :
  padded_cell (forward_window q) k z
  = if Z.leb 0 from && Z.ltb from (Z.of_N k) then Some (Z.to_N from) else None.
Proof. by rewrite /padded_cell /= Z.div_1_r Z.mul_1_r Z.eqb_refl. Qed.

Lemma group_lt o : (o < m)%num -> (N.div o (N.div m g) < g)%num.
Proof.
case/andP: hm => /N.ltb_lt hg /N.eqb_eq em ho; apply: N.div_lt_upper_bound; first by nia.
by rewrite N.mul_comm em.
Qed.

Lemma convolutionE a b : eqt out (convolution d s t a b) (conv2d h w c m v u g a b).
Proof.
move=> i; rewrite mem_idxs; case: i => [|i0 [|i1 [|i2 [|o [|? ?]]]]] //=; rewrite ?andbF //.
move=> /and4P [_ _ _ /andP [/N.ltb_lt ho _]].
have m0 : N.div o m = 0%num by exact: N.div_small.
rewrite /convolution /conv2d /conv_summed sum_cons; apply: eq_bigr => f _.
rewrite sum_cons; apply: eq_bigr => p _; rewrite sum_cons; apply: eq_bigr => q _.
rewrite big_seq1; congr (_ * _).
rewrite /conv_lhs_index /first_size /second_size /= !N.div_1_r m0 /=.
rewrite /pixel /reach !padded_cell1.
set z := (Z.of_N (i1 * _ + _) - _)%Z; set y := (Z.of_N (i2 * _ + _) - _)%Z.
by case: (Z.leb 0 z); case: (Z.ltb z _) => //; case: (Z.leb 0 y); case: (Z.ltb y _).
Qed.

Lemma conv_sound x k e :
  eqt out (den (Layer.conv n h w c m v u g x k) e) (conv2d h w c m v u g (e x) (e k)).
Proof.
move=> i hi; rewrite conv_is den_conv ?conv_fitsE ?conv_shapeE //; exact: convolutionE.
Qed.

Lemma conv2d_eqt a a' b : eqt s a a' ->
  eqt out (conv2d h w c m v u g a b) (conv2d h w c m v u g a' b).
Proof.
move=> ha i; rewrite mem_idxs; case: i => [|i0 [|i1 [|i2 [|o [|? ?]]]]] //=; rewrite ?andbF //.
move=> /and4P [hi _ _ /andP [/N.ltb_lt ho _]]; rewrite /conv2d /=.
rewrite big_seq [RHS]big_seq; apply: eq_bigr => f; rewrite mem_Nrange => /N.ltb_lt hf.
apply: eq_bigr => p _; apply: eq_bigr => q _; congr (_ * _).
rewrite /pixel; case: ifP => // /and4P [/Z.leb_le h1 /Z.ltb_lt h2 /Z.leb_le h3 /Z.ltb_lt h4].
apply: ha; rewrite mem_idxs /= hi /=; have := group_lt ho; case/andP: hc => _ /N.eqb_eq ec hg.
by rewrite andbT; apply/and3P; split; apply/N.ltb_lt; nia.
Qed.
End Real.
End Layer.
