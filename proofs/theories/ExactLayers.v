(** * Exact values of layers are their values

    Where the rows of a layer's input are what [Exact.v] says, so are those of
    its output: here of the layers with a matrix or a kernel.

    Glossary
      - [idxs_rows]      the indices of a tensor, row by row
      - [chosen_ge]      the cell that a window chooses is the greatest
      - [entry_at]       what is known of one entry
      - [same_rows]      rows with the same models are equal nearby
      - [dense_sound], [conv_sound]  a dense layer, a convolution with groups *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Scalar SmoothFacts Number RaiseGrouped.
From Cotangent Require Import Spec Meaning CheckSound MeaningLayerSound Images PoolsSound Floats Exact ExactNumbers ExactRows ExactGroups.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma Forall2_mapl (A B C : Type) (P : B -> C -> Prop) (f : A -> B) l l' :
  List.Forall2 P [seq f a | a <- l] l' -> List.Forall2 (fun a => P (f a)) l l'.
Proof. by elim: l l' => [|a l ih] l' /= h; inversion h; subst; constructor => //; exact: ih. Qed.

Lemma Forall2_mapr (A B C : Type) (P : A -> C -> Prop) (f : B -> C) l l' :
  List.Forall2 (fun a b => P a (f b)) l l' -> List.Forall2 P l [seq f b | b <- l'].
Proof. by elim=> [|a b {}l {}l' h _ ih] /=; constructor. Qed.

Lemma Forall2_of_map (A B C : Type) (P : B -> C -> Prop) (f : A -> B) l l' :
  List.Forall2 (fun a => P (f a)) l l' -> List.Forall2 P [seq f a | a <- l] l'.
Proof. by elim=> [|a b {}l {}l' h _ ih] /=; constructor. Qed.

Lemma Forall2_weaken (A B : Type) (P Q : A -> B -> Prop) l l' :
  (forall a b, P a b -> Q a b) -> List.Forall2 P l l' -> List.Forall2 Q l l'.
Proof. by move=> h; elim=> [|a b {}l {}l' hp _ ih]; constructor => //; exact: h. Qed.

Lemma Forall2_flatten (A B : Type) (P : A -> B -> Prop) ls ls' :
  List.Forall2 (List.Forall2 P) ls ls' -> List.Forall2 P (flatten ls) (flatten ls').
Proof. by elim=> [|a b l l' h _ ih] /=; [constructor|exact: List.Forall2_app]. Qed.

Lemma Forall2_In (A B : Type) (P : A -> B -> Prop) l l' a : List.Forall2 P l l' -> List.In a l ->
  exists2 b, List.In b l' & P a b.
Proof.
elim=> [|a' b {}l {}l' h _ ih] //= [<-|/ih [b' hb' hp]]; first by exists b => //; left.
by exists b' => //; right.
Qed.

Lemma Nrange_Forall2 (B : Type) (P : N -> B -> Prop) b0 n l : N.of_nat (size l) = n ->
  (forall k, (k < size l)%nat -> P (N.of_nat k) (nth b0 l k)) -> List.Forall2 P (Nrange n) l.
Proof.
move=> <- h; rewrite /Nrange Nnat.Nat2N.id; apply: (nth_Forall2 (t := 0%num) (u := b0)).
  by rewrite size_map size_iota.
move=> k; rewrite size_map size_iota => hk.
by rewrite (nth_map 0%nat) ?size_iota // nth_iota // add0n; exact: h.
Qed.

Lemma idxs3 a b c i : i \in idxs [:: a; b; c] ->
  exists p q r, [/\ i = [:: p; q; r], (p < a)%num, (q < b)%num & (r < c)%num].
Proof.
rewrite mem_idxs; case: i => [|p [|q [|r [|? ?]]]] //=; rewrite ?andbF //.
by move=> /and4P [/N.ltb_lt hp /N.ltb_lt hq /N.ltb_lt hr _]; exists p, q, r.
Qed.

(** Rows, then the entries of each. *)
Lemma idxs_rows s : (0 < size s)%nat ->
  idxs s = flatten [seq [seq rcons l a | a <- Nrange (last 0%num s)] | l <- idxs (lead s)].
Proof.
case/lastP: s => // s z _; have -> : lead (rcons s z) = s.
  by rewrite /lead size_rcons /= -cats1 take_size_cat.
rewrite last_rcons -cats1 [in LHS]idxs_cat idxs1; congr flatten; apply: eq_map => l.
by rewrite -map_comp; apply: eq_map => a /=; rewrite cats1.
Qed.

Lemma idxs_row s i : (0 < size s)%nat -> i \in idxs s ->
  exists l a, [/\ i = rcons l a, l \in idxs (lead s) & (a < last 0%num s)%num].
Proof.
move=> h; rewrite idxs_rows // => /flattenP [_ /mapP [l hl ->] /mapP [a ha ->]].
by exists l, a; split=> //; apply/N.ltb_lt; rewrite -mem_Nrange.
Qed.

Lemma first_greatest_ge (R : realType) (x : tensor R) b l : {in b :: l, forall j, x j <= x (first_greatest x b l)}.
Proof.
have up : forall l b, x b <= x (first_greatest x b l).
  elim=> [|j {}l ih] {}b //=; apply: le_trans (ih _).
  by case: ifP => // /ltW.
elim: l b => [|j l ih] b i; first by rewrite inE => /eqP ->.
rewrite in_cons => /orP [/eqP ->|]; first exact: (up (j :: l)).
rewrite in_cons /= => /orP [/eqP ->|hi]; last by apply: ih; rewrite in_cons hi orbT.
by apply: le_trans (up _ _); case: ifP => // /negbT; rewrite -leNgt.
Qed.

Lemma chosen_ge (R : realType) s k m (x : tensor R) i c j : chosen s k m x i = Some c ->
  j \in cells s k m i -> x j <= x c.
Proof. by rewrite /chosen; case: cells => // b l [<-]; exact: first_greatest_ge. Qed.

Section Layers.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation dyadic := (dyadic R).
Notation ball := (@ball R).
Notation holds := (holds_fixed x0).
Implicit Types (X : V -> tensor R) (x : fixed).
Variable batch : N.

Lemma entry_at X x i en a : holds X x -> look (f_table x) i = Some en -> (N.to_nat a < size en.2)%nat ->
  [/\ continuous_at x0 (fun v => X v (rcons i a)),
      ball (f_exponent x) (f_radius x) (nth 0%Z en.2 (N.to_nat a)) (X x0 (rcons i a)),
      (\forall v \near x0, X v (rcons i a) = X v (rcons en.1 a))
    & f_rectified x -> nth 0%Z en.2 (N.to_nat a) = 0%Z -> \forall v \near x0, X v (rcons i a) = 0].
Proof. by move=> [_ hX] hl ha; have := hX _ _ hl _ ha; rewrite Nnat.N2Nat.id. Qed.

Lemma length_lt c a r : has_length c r -> (a < c)%num -> (N.to_nat a < size r)%nat.
Proof. by move=> /N.eqb_eq h ha; apply/ssrnat.ltP; lia. Qed.

Lemma holds_ext X Y x : (forall v i, X v i = Y v i) -> holds X x -> holds Y x.
Proof. by move=> h; rewrite (_ : X = Y) //; apply/funext => v; apply/funext => i. Qed.

(** ** Lists of rows *)
Lemma all_rows_sound c x ps es : all_rows c x ps = Some es ->
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) ps es.
Proof.
elim: ps es => [|i ps ih] es /=; first by case=> <-; constructor.
case hl: look => [en|] //; case: ifP => // hc; case hr: all_rows => [es'|] //= [<-].
by constructor; [split|exact: ih].
Qed.

(** Rows with the same models are equal nearby. *)
Lemma same_rows c X x ps ps' es es' o : holds X x -> (N.of_nat o < c)%num ->
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) ps es ->
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) ps' es' ->
  [seq q.1 | q <- es] = [seq q.1 | q <- es'] ->
  \forall v \near x0, [seq X v (rcons i (N.of_nat o)) | i <- ps] = [seq X v (rcons i (N.of_nat o)) | i <- ps'].
Proof.
move=> hX ho h; elim: h ps' es' => [|i e {}ps {}es [hl hc] _ ih] ps' es' h'.
  by inversion h' as [|i' e']; subst => // _; exact: nearW.
inversion h' as [|i' e' ps2 es2 [hl' hc'] h2]; subst => // -[em /(ih _ _ h2) n].
have at_ j en : look (f_table x) j = Some en -> has_length c en.2 ->
    \forall v \near x0, X v (rcons j (N.of_nat o)) = X v (rcons en.1 (N.of_nat o)).
  move=> hj hc2; have ho' : (o < size en.2)%nat by have := length_lt hc2 ho; rewrite Nnat.Nat2N.id.
  by have [] := hX.2 _ _ hj o ho'.
have n1 := at_ _ _ hl hc; have n2 := near_eq_sym (at_ _ _ hl' hc'); rewrite em in n1.
by apply: filterS2 n (near_eq_trans n1 n2) => v /= -> ->.
Qed.

Lemma omap_rounded fraction X (x : option fixed) y : (forall f, x = Some f -> holds X f) ->
  omap (rounded fraction) x = Some y -> holds X y.
Proof. by case: x => //= f /(_ _ erefl) h [<-]; exact: rounded_sound. Qed.

Lemma no_bias j : has_bias None j -> (fun=> fun=> 0 : R) x0 [:: N.of_nat j] = bias_value R None j.
Proof. by []. Qed.

Section Dense.
Variables (n m wk : N) (w : literal) (bias : option (N * row)) (bf : V -> tensor R) (x : fixed) (X : V -> tensor R).
Hypothesis hw : literal_at pt wk [:: n; m] = Some w.
Hypothesis hX : holds X x.
Hypothesis bf_continuous : forall i, continuous_at x0 (fun v => bf v i).
Hypothesis bf_at : forall j, has_bias bias j -> bf x0 [:: N.of_nat j] = bias_value R bias j.

Lemma dense_sound places Y y : dense places n m w bias x = Some y ->
  (forall v i o, i \in places -> Y v (rcons i o)
     = \sum_(k <- Nrange n) X v (rcons i k) * theta v wk [:: k; o] + bf v [:: o]) -> holds Y y.
Proof.
rewrite /dense; case ht: spread => [rad|] //= [<-] hY; split=> [|i en /=].
  by apply: spread_ge0 ht; exact: hX.1.
apply: look_tabulate => t model {}i {}en /In_mem hi _.
case hl: look => [[mm r]|] //; case: ifP => // hr [<-]; rewrite row_timesE.
apply: at_entry_own => j hj.
have /N.eqb_eq hr' := hr; have form v := hY v i (N.of_nat j) hi.
suff [cont val] : continuous_at x0 (fun v => \sum_(k <- Nrange n) X v (rcons i k) * theta v wk [:: k; N.of_nat j]
      + bf v [:: N.of_nat j])
    /\ ball (out_exponent (f_exponent x + exponent_of w) bias) (out_radius (f_exponent x + exponent_of w) bias rad)
      (nth 0%Z (out_row (f_exponent x + exponent_of w) bias
        (combine (decode (scale w)) r (l_rows w) (nseq (N.to_nat m) 0%Z))) j)
      (\sum_(k <- Nrange n) X x0 (rcons i k) * theta x0 wk [:: k; N.of_nat j] + bf x0 [:: N.of_nat j]).
  by split; [apply: continuous_near cont; exact: nearW form|rewrite form].
apply: (@cell_sound _ _ _ _ (Nrange n) (fun v k => X v (rcons i k)) (fun v k => theta v wk [:: k; N.of_nat j])
  (fun v => bf v [:: N.of_nat j]) _ (decode (scale w)) (f_exponent x) (exponent_of w) bias r (l_rows w)
  m j (f_radius x) rad) => //.
- move=> k /In_mem; rewrite mem_Nrange => /N.ltb_lt hk.
  by have [] := entry_at hX hl (length_lt hr hk).
- exact: bf_at.
- exact: hX.1.
- apply: (@Nrange_Forall2 _ _ 0%Z) => // k hk.
  by have [_ val _ _] := hX.2 _ _ hl _ hk.
have := literal_sound theta_at hw; rewrite /rows_of -[lead _]/[:: n] idxs1.
move=> /Forall2_mapl; apply: Forall2_weaken => k r' h; exact: h.
Qed.
End Dense.

Section Conv.
Variables (h w c m : N) (v u : Layer.window) (g kk : N) (k : literal) (bias : option (N * row)).
Variables (bf : V -> tensor R) (x : fixed) (X : V -> tensor R).
Hypothesis groups : grouped c m g.
Hypothesis hk : literal_at pt kk [:: Layer.k_size v; Layer.k_size u; (c / g)%num; m] = Some k.
Hypothesis hX : holds X x.
Hypothesis bf_continuous : forall i, continuous_at x0 (fun v => bf v i).
Hypothesis bf_at : forall j, has_bias bias j -> bf x0 [:: N.of_nat j] = bias_value R bias j.
Let box := idxs [:: Layer.k_size v; Layer.k_size u; (c / g)%num].
Notation see := (seen_row h w c v u x).

(** What feature [o] at place [i] sees by the kernel's cell and channel [l]. *)
Let channel (o a : N) : N := (o / (m / g) * (c / g) + a)%num.
Let pixel_at (z : V) (i : idx) (o : N) (l : idx) : R :=
  if seen h w v u i (nth 0%num l 0) (nth 0%num l 1) is Some s then X z (rcons s (channel o (nth 0%num l 2)))
  else 0.

Let F (z : V) : tensor R := fun i => conv2d h w c m v u g (X z) (theta z kk) i + bf z [:: nth 0%num i 3].

Lemma groupedP : [/\ (0 < m / g)%num, (g * (c / g) = c)%num & (g * (m / g) = m)%num].
Proof. by case/and3P: groups => /N.ltb_lt ? /N.eqb_eq ? /N.eqb_eq. Qed.

Lemma channel_lt o a : (o < m)%num -> (a < c / g)%num -> (channel o a < c)%num.
Proof.
have [hm hc em] := groupedP => ho ha; rewrite /channel.
have ho' : (o / (m / g) < g)%num by apply: N.div_lt_upper_bound; lia.
nia.
Qed.

Lemma conv2d_box z b r q o : F z [:: b; r; q; o]
  = \sum_(l <- box) pixel_at z [:: b; r; q] o l * theta z kk (rcons l o) + bf z [:: o].
Proof.
rewrite /F /conv2d /=; congr (_ + _).
have -> : box = [seq p :: l | p <- Nrange (Layer.k_size v),
    l <- [seq q :: l | q <- Nrange (Layer.k_size u), l <- [seq [:: a] | a <- Nrange (c / g)%num]]].
  by rewrite /box -idxs1.
rewrite big_allpairs_dep exchange_big /=; apply: eq_bigr => p _.
rewrite big_allpairs_dep exchange_big /=; apply: eq_bigr => p' _.
rewrite big_map; apply: eq_bigr => a _; congr (_ * _).
by rewrite /pixel_at /seen /pixel /=; case: ifP.
Qed.

Lemma whole_cell i p q a : whole h w c v u x i -> [:: p; q; a] \in box ->
  (seen h w v u i p q = None /\ see i p q = Some None)
  \/ exists s en, [/\ seen h w v u i p q = Some s, see i p q = Some (Some en),
        look (f_table x) s = Some en
      & forall o, (o < m)%num -> (N.to_nat (channel o a) < size en.2)%nat].
Proof.
move=> /allP hw' /idxs3 [p' [q' [a' [[<- <- <-] hp hq ha]]]].
have /hw' : [:: p; q] \in idxs [:: Layer.k_size v; Layer.k_size u].
  by rewrite mem_idxs /= andbT; apply/andP; split; apply/N.ltb_lt.
rewrite /= /seen_row; case: seen => [s|]; last by left.
case hl: look => [en|] //; case: ifP => // hc _; right; exists s, en; split=> // o ho.
exact: length_lt hc (channel_lt ho ha).
Qed.

Lemma box_cell l : l \in box -> exists p q a, l = [:: p; q; a].
Proof. by move=> /idxs3 [p [q [a [-> _ _ _]]]]; exists p, q, a. Qed.

(** What feature [o] sees, as numbers. *)
Let pixels_of (i : idx) (o : N) : row :=
  if N.eqb g 1 then pixels h w c v u x box i
  else [seq nth 0%Z r (N.to_nat o) | r <- pixel_rows h w c m v u g x box i].

Lemma pixels_sound i o : whole h w c v u x i -> (o < m)%num ->
  List.Forall2 (fun l z => ball (f_exponent x) (f_radius x) z (pixel_at x0 i o l)) box (pixels_of i o).
Proof.
have [hm hc em] := groupedP => hi ho; rewrite /pixels_of; case: N.eqb_spec => [g1|_].
  rewrite -[X in List.Forall2 _ X]map_id; apply: Forall2_map => l /In_mem hl.
  have [p [q [a el]]] := box_cell hl; subst l; rewrite /pixel_at /=.
  have [[-> ->]|[s [en [-> -> hs ha]]]] := whole_cell hi hl.
    by rewrite -(dyadic0 R (f_exponent x)); apply: ball_self; exact: hX.1.
  have [_ val _ _] := entry_at hX hs (ha o ho); move: val.
  by rewrite /channel g1 !N.div_1_r N.div_small.
rewrite /pixel_rows -map_comp -[X in List.Forall2 _ X]map_id; apply: Forall2_map => l /In_mem hl.
have [p [q [a el]]] := box_cell hl; subst l; rewrite /pixel_at /=.
have [[-> ->]|[s [en [-> -> hs ha]]]] := whole_cell hi hl.
  by rewrite nth_nseq if_same -(dyadic0 R (f_exponent x)); apply: ball_self; exact: hX.1.
have [_ val _ _] := entry_at hX hs (ha o ho); move: val.
have := N.div_mod' o (m / g); set q' := (o / _)%num; set o' := (o mod _)%num => eo.
have ho' : (o' < m / g)%num by apply: N.mod_lt; lia.
have hq : (q' < g)%num by apply: N.div_lt_upper_bound; lia.
have -> : N.to_nat o = (N.to_nat q' * N.to_nat (m / g) + N.to_nat o')%nat by rewrite -multE -plusE; lia.
rewrite of_groups_nth; try by apply/ssrnat.ltP; lia.
by congr (ball _ _ (nth _ _ _) _); rewrite /channel -/q' -multE -plusE; lia.
Qed.

Lemma pixel_continuous i o l : whole h w c v u x i -> l \in box -> (o < m)%num ->
  continuous_at x0 (fun z => pixel_at z i o l).
Proof.
move=> hi hl ho; have [p [q [a el]]] := box_cell hl; subst l; rewrite /pixel_at /=.
have [[-> _]|[s [en [-> _ hs ha]]]] := whole_cell hi hl; first exact: continuous_const.
by have [] := entry_at hX hs (ha o ho).
Qed.

Lemma pixel_models i j o l : whole h w c v u x i -> whole h w c v u x j ->
  models h w c v u x i = models h w c v u x j -> l \in box -> (o < m)%num ->
  \forall z \near x0, pixel_at z i o l = pixel_at z j o l.
Proof.
move=> hi hj /eq_in_map same hl ho; have [p [q [a el]]] := box_cell hl; subst l.
have /same /= : [:: p; q] \in idxs [:: Layer.k_size v; Layer.k_size u].
  have [p' [q' [a' [[-> -> _] hp hq _]]]] := idxs3 hl.
  by rewrite mem_idxs /= andbT; apply/andP; split; apply/N.ltb_lt.
rewrite /pixel_at /=.
have [[-> ->]|[s [en [-> -> hs ha]]]] := whole_cell hi hl;
  have [[-> ->]|[s' [en' [-> -> hs' ha']]]] := whole_cell hj hl => //.
  by move=> _; exact: nearW.
case=> e; have [_ _ n1 _] := entry_at hX hs (ha o ho); have [_ _ n2 _] := entry_at hX hs' (ha' o ho).
by rewrite e in n1; exact: near_eq_trans n1 (near_eq_sym n2).
Qed.

Let zeros : row := nseq (N.to_nat m) 0%Z.
Let own (ws : seq row) (i : idx) : row :=
  if N.eqb g 1 then combine id (pixels h w c v u x box i) ws zeros
  else combine_rows (pixel_rows h w c m v u g x box i) ws zeros.

Lemma own_size e ws i j : (j < size (out_row e bias (own ws i)))%nat -> (j < N.to_nat m)%nat.
Proof.
move=> /(out_row_sound R) [hj _ _]; apply: leq_trans hj _; rewrite /own.
by case: ifP => _; [apply: leq_trans (combine_size _ _ _ _) _|apply: leq_trans (combine_rows_size _ _ _) _];
  rewrite size_nseq.
Qed.

Lemma own_as e ws i j : (j < size (out_row e bias (own ws i)))%nat ->
  let r := out_row e bias (combine id (pixels_of i (N.of_nat j)) ws zeros) in
  (j < size r)%nat /\ nth 0%Z (out_row e bias (own ws i)) j = nth 0%Z r j.
Proof.
move=> hj; have hm := own_size hj; have [hr _ _] := out_row_sound R hj.
suff [h1 h2] : (j < size (combine id (pixels_of i (N.of_nat j)) ws zeros))%nat
    /\ nth 0%Z (own ws i) j = nth 0%Z (combine id (pixels_of i (N.of_nat j)) ws zeros) j.
  exact: out_row_as.
move: hr; rewrite /own /pixels_of; case: ifP => // _ hr; rewrite Nnat.Nat2N.id.
by apply: combine_rows_at => //; rewrite size_nseq.
Qed.

Lemma conv_sound y : conv batch h w c m v u g k bias x = Some y -> holds F y.
Proof.
rewrite /conv; case ht: spread => [rad|] //= [<-]; split.
  by apply: spread_ge0 ht; exact: hX.1.
pose P i en := [/\ at_entry x0 (out_exponent (f_exponent x + exponent_of k) bias)
    (out_radius (f_exponent x + exponent_of k) bias rad) false F i en,
  (size en.2 <= N.to_nat m)%nat & exists b r q, i = [:: b; r; q]].
move=> i en /= hl; suff : P i en by case.
move: i en hl; apply: look_tabulate => t model i en /In_mem /idxs3 [b [r [q [-> _ _ _]]]] ih.
case: ifP => // hi.
have own_ok : P [:: b; r; q] ([:: b; r; q], out_row (f_exponent x + exponent_of k) bias
    (own [seq decode (scale k) w | w <- l_rows k] [:: b; r; q])).
  split; last by exists b, r, q.
    apply: at_entry_own => j hj; have hm : (N.of_nat j < m)%num by have /ssrnat.ltP := own_size hj; lia.
    have [hj' ->] := own_as hj; rewrite /= conv2d_box //.
    have [|||||||| cont val] := @cell_sound _ _ x0 _ box (fun z l => pixel_at z [:: b; r; q] (N.of_nat j) l)
      (fun z l => theta z kk (rcons l (N.of_nat j))) (fun z => bf z [:: N.of_nat j]) _ id
      (f_exponent x) (exponent_of k) bias _ _ m j (f_radius x) rad _ _ _ _ _ _ _ _ hj'.
    - by move=> l /In_mem hl; exact: pixel_continuous.
    - by move=> l; exact: theta_continuous.
    - exact: bf_continuous.
    - exact: bf_at.
    - exact: hX.1.
    - exact: ht.
    - exact: pixels_sound.
    - apply: Forall2_mapr; have := literal_sound theta_at hk.
      rewrite /rows_of -[lead _]/[:: Layer.k_size v; Layer.k_size u; (c / g)%num].
      by apply: Forall2_weaken => l r' hw; exact: hw.
    by split=> //; apply: continuous_near cont; apply: nearW => z; rewrite conv2d_box.
  by rewrite leqNgt; apply/negP => /own_size; rewrite ltnn.
case: model => [j|]; last by case=> <-.
case: ifP => [/andP [hj /eqP same] hl|_]; last by case=> <-.
have [hen sz [b' [r' [q' ej]]]] := ih _ _ hl; subst j; split=> //; last by exists b, r, q.
apply: (at_entry_as hen) => o ho.
have hm : (N.of_nat o < m)%num by have /ssrnat.ltP := leq_trans ho sz; lia.
have := near_all (fun l hl => pixel_models hi hj same hl hm).
apply: filterS => z hz /=; rewrite !conv2d_box //; congr (_ + _); apply: eq_big_seq => l hb.
by rewrite hz.
Qed.
End Conv.
End Layers.
