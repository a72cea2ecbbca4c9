(** * A convolution is a contraction

    A result cell is a sum over the features and cells of the kernel. An
    iteration point of the contraction adds to it where its cell of the kernel
    lies over a cell of lhs ([ConvolutionIndex.meeting_cell]); the rest is
    bookkeeping of dimensions and groups.

    Glossary
      - [kernel_point]   what the kernel is read at, at an iteration point
      - [conv_index_in]  the indices that a convolution reads are in range
      - [den_conv]       what a convolution is raised to denotes it
      - [den_conv_reversed]  the same of the form whose kernel is reversed *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
From Cotangent Require Import RaiseLinear ConvolutionIndex.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

(** ** The contraction *)

Section Contraction.
Variables (R : realType) (flipped : bool) (c : conv_dims) (s t : shape) (x y : N) (e : env R).
Let ws := c_windows c.
Let n := size ws.
Let fg := c_feature_groups c.
Let bg := c_batch_groups c.
Let groups := (fg * bg)%num.
Let out := conv_shape c s t.
Let J := spatial_sizes (c_lhs c) s.
Let K := spatial_sizes (c_rhs c) t.
Let Q := spatial_sizes (c_result c) out.
Let P := if flipped then J else Q.
Let share := N.div (first_size (c_lhs c) s) bg.
Let inputs := first_size (c_rhs c) t.
Let outputs := N.div (second_size (c_rhs c) t) groups.
Let G : shape := if N.eqb groups 1 then [::] else [:: groups].
Let box := [:: share; inputs; outputs] ++ P ++ K ++ G.

Hypothesis fit : conv_fits c s t.
Hypothesis solved : solvable flipped c.

Let ok : [/\ numbers_ok (c_lhs c) (size s) n, numbers_ok (c_rhs c) (size t) n,
    numbers_ok (c_result c) (size s) n, size t = size s & all window_ok ws].
Proof. by move: fit => /and5P [-> h -> /eqP st /andP [w _]]; rewrite st. Qed.

Let sums : [/\ (0 < fg)%num, (0 < bg)%num, fg = 1%num \/ bg = 1%num &
  [/\ second_size (c_lhs c) s = (fg * inputs)%num, first_size (c_lhs c) s = (bg * share)%num
    & second_size (c_rhs c) t = (groups * outputs)%num]].
Proof.
move: fit => /and5P [_ _ _ _ /and5P [_ /N.ltb_lt h1 /N.ltb_lt h2 h3 /and3P [/N.eqb_eq h4 h5 h6]]].
split=> //; first by case/orP: h3 => /N.eqb_eq; [left | right].
by split=> //; apply: esym; apply/N.eqb_eq.
Qed.

Lemma numbers_okP m rank k : numbers_ok m rank k ->
  [/\ distinct rank (numbers m), size (numbers m) = rank & size (n_spatial m) = k].
Proof. by case/and3P=> ? /eqP ? /eqP ?. Qed.

Let size_out : size out = size s. Proof. exact: size_place. Qed.

Let out_sizes : pick out (numbers (c_result c)) = [:: share, (groups * outputs)%num & Q].
Proof.
have [h1 h2 h3 st _] := ok; have [_ _ _ [_ _ eo]] := sums.
have [_ _ s1] := numbers_okP h1; have [_ _ s2] := numbers_okP h2.
have [hd hn s3] := numbers_okP h3; rewrite -eo.
set counts := [seq window_count p.1 p.2.1 p.2.2
  | p <- zip (c_windows c) (zip (spatial_sizes (c_lhs c) s) (spatial_sizes (c_rhs c) t))].
have sc : size [:: share, second_size (c_rhs c) t & counts] = size (numbers (c_result c)).
  by rewrite /= size_map !size_zip !size_pick s1 s2 -/ws -/n !minnn s3.
have hp : pick out (numbers (c_result c)) = [:: share, second_size (c_rhs c) t & counts].
  exact: pick_place hd sc.
rewrite hp; congr [:: _, _ & _]; move: hp; rewrite /Q /spatial_sizes /=.
by case=> _ _ ->.
Qed.

(** *** Iteration points *)

Let gl (g : N) : seq N := if N.eqb groups 1 then [::] else [:: g].

Let is_point r b c' o p k g : Prop :=
  [/\ r = point b c' o p k (gl g), (b < share)%num, (c' < inputs)%num & (o < outputs)%num] /\
  [/\ inb P p, inb K k, (g < groups)%num & groups = 1%num -> g = 0%num].

Let size_K : size K = n.
Proof. by have [_ /and3P [_ _ /eqP <-] _ _ _] := ok; rewrite size_pick. Qed.
Let size_J : size J = n.
Proof. by have [/and3P [_ _ /eqP <-] _ _ _ _] := ok; rewrite size_pick. Qed.
Let size_Q : size Q = n.
Proof. by have [_ _ /and3P [_ _ /eqP <-] _ _] := ok; rewrite size_pick. Qed.
Let size_P : size P = n. Proof. by rewrite /P; case: flipped. Qed.

Let box_point r : r \in idxs box -> exists b c' o p k g, is_point r b c' o p k g.
Proof.
rewrite mem_idxs /box; case: r => [|b [|c' [|o r]]] //=; rewrite ?andbF //.
move=> /andP [/N.ltb_lt hb /andP [/N.ltb_lt hc /andP [/N.ltb_lt ho hr]]].
have [p [k [g [er sp sk sg]]]] := split_index (inb_size hr).
move: hr; rewrite er inb_cat // => /andP [hp]; rewrite inb_cat // => /andP [hk hg].
exists b, c', o, p, k, (nth 0%num g 0); move: hg sg; rewrite /is_point /gl /G.
case: N.eqb_spec => e1; case: g er => [|g [|? ?]] //= er.
  by move=> _ _; split; split=> //; rewrite ?er // e1; lia.
by move=> /andP [/N.ltb_lt hg _] _; split; split=> //; rewrite ?er.
Qed.

Let point_in r b c' o p k g : is_point r b c' o p k g -> r \in idxs box.
Proof.
case=> [[-> hb hc ho] [hp hk hg h1]]; rewrite mem_idxs /= !inb_cat ?(inb_size hp) ?(inb_size hk) // hp hk.
have -> : inb G (gl g).
  by rewrite /G /gl; case: N.eqb => //=; rewrite andbT; apply/N.ltb_lt.
by rewrite !andbT; apply/and3P; split; apply/N.ltb_lt.
Qed.

(** *** Groups *)

Let gv (gr g : N) : N := if N.eqb gr 1 then 0%num else g.

Let gv_lt gr g : gr = fg \/ gr = bg -> (g < groups)%num -> (gv gr g < gr)%num.
Proof.
have [h1 h2 h3 _] := sums; rewrite /groups /gv => hg lt; case: N.eqb_spec => e1; first by rewrite e1.
by case: hg h3 e1 lt => -> [] ->; rewrite ?N.mul_1_l ?N.mul_1_r // => /(_ erefl).
Qed.

Let gv_div gr o : gr = fg \/ gr = bg -> (o < groups * outputs)%num ->
  N.div o (N.div (groups * outputs) gr) = gv gr (N.div o outputs).
Proof.
have [h1 h2 h3 _] := sums; rewrite /gv => hg ho; case: N.eqb_spec => [->|e1].
  by rewrite N.div_1_r N.div_small.
have -> : groups = gr by rewrite /groups; case: hg h3 e1 => -> [] ->; lia.
by rewrite N.mul_comm N.div_mul //; case: hg => ->; lia.
Qed.

Let gr_box gr g : gr = fg \/ gr = bg -> (groups = 1%num -> g = 0%num) ->
  (if N.eqb gr 1 then 0%num else nth 0%num (gl g) 0) = gv gr g.
Proof.
have [h1 h2 h3 _] := sums; rewrite /gv /gl => hg h; case: N.eqb_spec => // e1.
by case: N.eqb_spec => // e2; rewrite h.
Qed.

(** *** The three index maps *)

Let places := [seq coord (N.of_nat (3 + d)) | d <- iota 0 n].
Let cells := [seq coord (N.of_nat (3 + (n + d))) | d <- iota 0 n].
Let met := [seq meeting flipped n d (nth no_window ws d) (nth 0%num K d) | d <- iota 0 n].
Let output := in_group groups (3 + (n + n)) outputs 2.
Let spatial_out := if flipped then met else places.
Let spatial_lhs := if flipped then places else met.

Let at_output r b c' o p k g : is_point r b c' o p k g ->
  aff_at output r = Z.of_N (g * outputs + o)%num /\ (g * outputs + o < groups * outputs)%num.
Proof.
case=> [[-> hb hc ho] [hp hk hg h1]]; split; last by nia.
rewrite aff_at_in_group point_group ?(inb_size hp) ?(inb_size hk) //.
by rewrite /gl; case: N.eqb_spec => // e1; rewrite h1.
Qed.

Let at_result r b c' o p k g i b0 o0 q0 : is_point r b c' o p k g ->
  i \in idxs out -> pick i (numbers (c_result c)) = [:: b0, o0 & q0] ->
  (at_map (place_forms (numbers (c_result c)) [:: coord 0, output & spatial_out] (size s)) out r
    = Some i) <->
  [/\ b = b0, (g * outputs + o)%num = o0 & at_map spatial_out Q r = Some q0].
Proof.
move=> pt hi ei; have [go go_lt] := at_output pt; case: pt => [[er hb hc ho] _].
have [_ _ h3 _ _] := ok; have [hd hn s3] := numbers_okP h3.
have sp : size spatial_out = n by rewrite /spatial_out; case: flipped; rewrite size_map size_iota.
rewrite -size_out at_map_placed ?size_out //; last by rewrite /= sp -s3.
rewrite out_sizes (@at_map_cons _ _ _ _ _ b) // ?(@at_map_cons _ _ _ _ _ (g * outputs + o)%num) //; last first.
  by rewrite aff_at_coord er.
have sq q : at_map spatial_out Q r = Some q -> size q = n.
  by move=> /at_map_in; rewrite mem_idxs => /inb_size ->.
split=> [|[-> -> ->]]; last first.
  rewrite /= -ei -size_out -(inb_size (i := i)); last by rewrite -mem_idxs.
  rewrite place_pick // => d; rewrite (inb_size (s := out)) -?mem_idxs // size_out.
  exact: distinct_cover.
case E: (at_map _ _ _) => [q|] //= [ej].
have := congr1 (fun l => pick l (numbers (c_result c))) ej.
rewrite ei pick_place //; last by rewrite /= (sq _ E) s3.
by case=> -> -> ->.
Qed.

Let at_lhs r b c' o p k g : is_point r b c' o p k g ->
  at_map (place_forms (numbers (c_lhs c))
    [:: in_group bg (3 + (n + n)) share 0, in_group fg (3 + (n + n)) inputs 1 & spatial_lhs]
    (size s)) s r
  = omap (fun j => place (numbers (c_lhs c))
        [:: (gv bg g * share + b)%num, (gv fg g * inputs + c')%num & j] (size s))
      (at_map spatial_lhs J r).
Proof.
case=> [[er hb hc ho] [hp hk hg h1]].
have [h3 _ _ _ _] := ok; have [hd hn s3] := numbers_okP h3; have [_ _ _ [e1 e2 e3]] := sums.
have sp : size spatial_lhs = n by rewrite /spatial_lhs; case: flipped; rewrite size_map size_iota.
rewrite at_map_placed //; last by rewrite /= sp -s3.
have -> : pick s (numbers (c_lhs c)) = [:: (bg * share)%num, (fg * inputs)%num & J].
  by rewrite -e1 -e2.
have group gr sh w : gr = fg \/ gr = bg ->
    aff_at (in_group gr (3 + (n + n)) sh w) r = Z.of_N (gv gr g * sh + nth 0 r (N.to_nat w))%num.
  move=> h; rewrite aff_at_in_group er point_group ?(inb_size hp) ?(inb_size hk) //.
  by rewrite gr_box.
have lb : (gv bg g < bg)%num by apply: gv_lt => //; right.
have lf : (gv fg g < fg)%num by apply: gv_lt => //; left.
rewrite (@at_map_cons _ _ _ _ _ (gv bg g * share + b)%num); last by nia.
  rewrite (@at_map_cons _ _ _ _ _ (gv fg g * inputs + c')%num); last by nia.
    by case: (at_map spatial_lhs J r).
  by rewrite group; [rewrite er | left].
by rewrite group; [rewrite er | right].
Qed.

Let at_rhs r b c' o p k g : is_point r b c' o p k g ->
  at_map (place_forms (numbers (c_rhs c)) [:: coord 1, output & cells] (size t)) t r
  = Some (place (numbers (c_rhs c)) [:: c', (g * outputs + o)%num & k] (size t)).
Proof.
move=> pt; have [go go_lt] := at_output pt; case: pt => [[er hb hc ho] [hp hk hg h1]].
have [_ h3 _ _ _] := ok; have [hd hn s3] := numbers_okP h3; have [_ _ _ [e1 e2 e3]] := sums.
rewrite at_map_placed //; last by rewrite /= size_map size_iota -s3.
have -> : pick t (numbers (c_rhs c)) = [:: inputs, (groups * outputs)%num & K] by rewrite -e3.
rewrite (@at_map_cons _ _ _ _ _ c') ?(@at_map_cons _ _ _ _ _ (g * outputs + o)%num) //; last first.
  by rewrite aff_at_coord er.
have -> // : at_map cells K r = Some k.
apply/(at_mapE _ _ (etrans _ (esym size_K))); first by rewrite size_map size_iota.
split=> // d; rewrite size_K => hd'; rewrite (nth_map 0) ?size_iota // nth_iota // add0n.
by rewrite aff_at_coord Nnat.Nat2N.id er point_cell ?(inb_size hp) ?(inb_size hk).
Qed.

(** What the kernel is read at. *)
Lemma kernel_point r : r \in idxs box -> exists c' o k g,
  [/\ inb K k, (c' < inputs)%num, (o < outputs)%num & (g < groups)%num] /\
  [/\ at_map (place_forms (numbers (c_rhs c)) [:: coord 1, output & cells] (size t)) t r
        = Some (place (numbers (c_rhs c)) [:: c', (g * outputs + o)%num & k] (size t)),
      nth 0%num r 1 = c', nth 0%num r 2 = o,
      (if N.eqb groups 1 then 0%num else nth 0%num r (3 + (n + n))) = g
    & forall d, d < n -> nth 0%num r (3 + (n + d)) = nth 0%num k d].
Proof.
move=> /box_point [b [c' [o [p [k [g pt]]]]]]; exists c', o, k, g.
have [[er hb hc ho] [hp hk hg h1]] := pt; split=> //; split; rewrite ?(at_rhs pt) ?er //.
  rewrite point_group ?(inb_size hp) ?(inb_size hk) // /gl.
  by case: N.eqb_spec => // e1; rewrite h1.
by move=> d hd; rewrite (@point_cell n) ?(inb_size hp) ?(inb_size hk).
Qed.

(** *** Both sums *)

Let kernel_read : tensor R := if flipped then reverse (n_spatial (c_rhs c)) t (e y) else e y.

Let kernel_readE c' o k : inb K k ->
  kernel_read (place (numbers (c_rhs c)) [:: c', o & kernel_of flipped K k] (size t))
  = e y (place (numbers (c_rhs c)) [:: c', o & k] (size t)).
Proof.
move=> hk; rewrite /kernel_read /kernel_of; case: flipped => //.
have [_ h3 _ _ _] := ok; have [hd hn s3] := numbers_okP h3.
rewrite /reverse reverse_place // -/K ?flipK //.
by rewrite size_flip ?(inb_size hk) // size_K.
Qed.

Let lhs_indexE i b0 o0 q0 c' k (g := N.div o0 outputs) :
  pick i (numbers (c_result c)) = [:: b0, o0 & q0] -> (o0 < groups * outputs)%num ->
  conv_lhs_index c s t i (c' :: k)
  = omap (fun j => place (numbers (c_lhs c))
        [:: (gv bg g * share + b0)%num, (gv fg g * inputs + c')%num & j] (size s))
      (window_cell ws J q0 k).
Proof.
move=> ei ho; have [_ _ _ [_ _ e3]] := sums.
have f1 : fg = fg \/ fg = bg by left.
have f2 : bg = fg \/ bg = bg by right.
by rewrite /conv_lhs_index ei /= drop0 e3 -/fg -/bg !gv_div.
Qed.

Let result_index i : i \in idxs out -> exists b0 o0 q0,
  [/\ pick i (numbers (c_result c)) = [:: b0, o0 & q0], (b0 < share)%num,
      (o0 < groups * outputs)%num & inb Q q0].
Proof.
rewrite mem_idxs => hib; have [_ _ h3 _ _] := ok; have [hd hn s3] := numbers_okP h3.
have : inb (pick out (numbers (c_result c))) (pick i (numbers (c_result c))).
  by apply: inb_pick => // d; rewrite size_out; exact: (distinctP hd).2.
rewrite out_sizes; case ei: (pick i _) => [|b0 [|o0 q0]] //=; rewrite ?andbF //.
by move=> /and3P [/N.ltb_lt hb0 /N.ltb_lt ho0 hq0]; exists b0, o0, q0.
Qed.

Lemma index_in i r : i \in idxs out -> r \in idxs (conv_summed c t) ->
  conv_rhs_index c t i r \in idxs t /\
  (forall l, conv_lhs_index c s t i r = Some l -> l \in idxs s).
Proof.
move=> /result_index [b0 [o0 [q0 [ei hb0 ho0 hq0]]]].
have [h1 h2 _ _ w] := ok; have [_ _ _ [e1 e2 e3]] := sums.
have [hd1 hn1 _] := numbers_okP h1; have [hd2 hn2 _] := numbers_okP h2.
rewrite mem_idxs -/(idxs _); case: r => [|c' k] // /andP [/N.ltb_lt hc hk]; split.
  rewrite /conv_rhs_index ei mem_idxs; apply: inb_place; first exact: distinct_cover.
  have -> : pick t (numbers (c_rhs c)) = [:: inputs, (groups * outputs)%num & K] by rewrite -e3.
  by apply/and3P; split=> //; apply/N.ltb_lt.
move=> l; rewrite (lhs_indexE _ _ ei) //; case hw: (window_cell _ _ _ _) => [j|] // [<-].
have [hj _] := (window_cellP _ w size_J (etrans (inb_size hq0) size_Q)
  (etrans (inb_size hk) size_K)).1 hw.
rewrite mem_idxs; apply: inb_place; first exact: distinct_cover.
have -> : pick s (numbers (c_lhs c)) = [:: (bg * share)%num, (fg * inputs)%num & J].
  by rewrite -e1 -e2.
have po : (0 < outputs)%num by nia.
have hg : (N.div o0 outputs < groups)%num by apply: N.div_lt_upper_bound; lia.
have lb : (gv bg (N.div o0 outputs) < bg)%num by apply: gv_lt => //; right.
have lf : (gv fg (N.div o0 outputs) < fg)%num by apply: gv_lt => //; left.
by apply/and3P; split=> //; apply/N.ltb_lt; nia.
Qed.

Lemma den_conv_at i : i \in idxs out ->
  den (contract_conv flipped c s t x y) e i = convolution c s t (e x) kernel_read i.
Proof.
move=> hi; have [_ _ _ _ w] := ok; have [b0 [o0 [q0 [ei hb0 ho0 hq0]]]] := result_index hi.
have po : (0 < outputs)%num by nia.
set g0 := N.div o0 outputs; set o1 := N.modulo o0 outputs.
have eo : (g0 * outputs + o1)%num = o0 by rewrite /g0 /o1 N.mul_comm -N.div_mod //; lia.
have ho1 : (o1 < outputs)%num by apply: N.mod_lt; lia.
have hg0 : (g0 < groups)%num by nia.
have g1 : groups = 1%num -> g0 = 0%num by move: hg0 => /[swap] ->; lia.
have split_o g o : (o < outputs)%num -> (g * outputs + o)%num = o0 -> g = g0 /\ o = o1.
  move=> ho e1; split; first by rewrite /g0 -e1 N.div_add_l ?N.div_small //; lia.
  by rewrite /o1 -e1 N.add_comm N.mod_add ?N.mod_small //; lia.
have source c' k := lhs_indexE c' k ei ho0.
have weight c' k : conv_rhs_index c t i (c' :: k)
    = place (numbers (c_rhs c)) [:: c', o0 & k] (size t) by rewrite /conv_rhs_index ei.
pose h r := nth 0%num r 1 :: kernel_of flipped K (take n (drop (3 + n) r)).
pose back u := point b0 (nth 0%num u 0) o1
  (if flipped then odflt [::] (window_cell ws J q0 (behead u)) else q0)
  (kernel_of flipped K (behead u)) (gl g0).
have meets b c' o p k g r j : is_point r b c' o p k g ->
    (at_map spatial_out Q r = Some q0 /\ at_map spatial_lhs J r = Some j) <->
    (window_cell ws J q0 (kernel_of flipped K k) = Some j /\ p = if flipped then j else q0).
  case=> [[er _ _ _] [hp hk _ _]]; apply: meeting_cell => //.
  - by move=> d hd'; rewrite er (@point_place n) // (inb_size hp).
  - by move=> d hd'; rewrite er (@point_cell n) ?(inb_size hp) ?(inb_size hk).
pose fo := place_forms (numbers (c_result c)) [:: coord 0, output & spatial_out] (size s).
pose vx := View x s (place_forms (numbers (c_lhs c))
  [:: in_group bg (3 + (n + n)) share 0, in_group fg (3 + (n + n)) inputs 1 & spatial_lhs]
  (size s)).
pose vy := View y t (place_forms (numbers (c_rhs c)) [:: coord 1, output & cells] (size t)).
transitivity (\sum_(r <- idxs box | at_map fo out r == Some i)
    \prod_(v <- [:: vx; vy]) read e v r)%R; first by [].
rewrite /convolution; pose P1 r := (at_map fo out r == Some i) && isSome (at_map (v_map vx) s r).
pose Q1 u := isSome (window_cell ws J q0 (behead u)).
transitivity (\sum_(r <- idxs box | P1 r) read e vx r * read e vy r)%R.
  rewrite [RHS]big_mkcondr; apply: eq_bigr => r _; rewrite big_cons big_seq1.
  by rewrite /read; case: (at_map (v_map vx) (v_shape vx) r) => //=; rewrite mul0r.
transitivity (\sum_(u <- idxs (inputs :: K) | Q1 u)
    (if conv_lhs_index c s t i u is Some l then e x l else 0) * kernel_read (conv_rhs_index c t i u))%R.
  apply: (sum_bij (h := h) (g := back)); [exact: idxs_uniq | exact: idxs_uniq | |].
  - move=> r /box_point [b [c' [o [p [k [g pt]]]]]] /andP [/eqP hr hl].
    have [eb eg e1] := (at_result pt hi ei).1 hr.
    move: hl; rewrite (at_lhs pt); case e2: (at_map spatial_lhs J r) => [j|] // _.
    have [hw ep] := (meets _ _ _ _ _ _ _ _ pt).1 (conj e1 e2).
    have [[er hb hc ho] [hp hk hg _]] := pt; have [eg0 eo1] := split_o _ _ ho eg.
    have eh : h r = c' :: kernel_of flipped K k.
      by rewrite /h er /= -[drop _ _]/(drop (3 + n) (point b c' o p k (gl g))) point_cells
        ?(inb_size hp) ?(inb_size hk).
    split.
    + by rewrite eh mem_idxs /= inb_kernel_of // andbT; apply/N.ltb_lt.
    + by rewrite eh /Q1 /= hw.
    + by rewrite eh /back /= hw kernel_ofK // er -eb -eg0 -eo1 /=; congr point; case: flipped ep.
    + rewrite eh source weight hw /= kernel_readE // /read (at_lhs pt) e2 (at_rhs pt) /= eg.
      by rewrite eb eg0.
  - move=> u; rewrite mem_idxs; case: u => // c' k' /= /andP [/N.ltb_lt hc hk]; rewrite /Q1 /=.
    case hw: (window_cell ws J q0 k') => [j|] // _.
    have [hj _] := (window_cellP _ w size_J (etrans (inb_size hq0) size_Q)
      (etrans (inb_size hk) size_K)).1 hw.
    set p := if flipped then j else q0.
    have eb : back (c' :: k') = point b0 c' o1 p (kernel_of flipped K k') (gl g0).
      by rewrite /back /= hw.
    have pt : is_point (back (c' :: k')) b0 c' o1 p (kernel_of flipped K k') g0.
      by rewrite eb; split; split=> //; [rewrite /p /P; case: flipped | exact: inb_kernel_of].
    have [e1 e2] : at_map spatial_out Q (back (c' :: k')) = Some q0
        /\ at_map spatial_lhs J (back (c' :: k')) = Some j.
      by apply/(meets _ _ _ _ _ _ _ _ pt); rewrite kernel_ofK.
    split; first exact: point_in pt.
      apply/andP; split; first by apply/eqP/(at_result pt hi ei).
      by rewrite (at_lhs pt) e2.
    rewrite /h eb /= -[drop _ _]/(drop (3 + n) (point b0 c' o1 p (kernel_of flipped K k') (gl g0))).
    have hk' := inb_kernel_of flipped hk.
    rewrite point_cells ?(inb_size hk') ?kernel_ofK //.
    by rewrite /p; case: flipped; rewrite ?(inb_size hj) ?(inb_size hq0).
rewrite [LHS]big_mkcond big_seq [RHS]big_seq; apply: eq_bigr => -[|c' k]; first by rewrite mem_idxs.
by move=> _; rewrite /Q1 source /=; case: (window_cell _ _ _ _) => //=; rewrite mul0r.
Qed.
End Contraction.

Lemma conv_index_in c s t i r : conv_fits c s t ->
  i \in idxs (conv_shape c s t) -> r \in idxs (conv_summed c t) ->
  conv_rhs_index c t i r \in idxs t /\
  (forall l, conv_lhs_index c s t i r = Some l -> l \in idxs s).
Proof. by move=> h hi hr; exact: (index_in false h hi hr). Qed.

Theorem den_conv (R : realType) c s t x y (e : env R) : conv_fits c s t -> solvable false c ->
  {in idxs (conv_shape c s t),
    den (contract_conv false c s t x y) e =1 convolution c s t (e x) (e y)}.
Proof. by move=> h1 h2 i; exact: (@den_conv_at R false). Qed.

Theorem den_conv_reversed (R : realType) c s t x y (e : env R) :
  conv_fits c s t -> solvable true c ->
  {in idxs (conv_shape c s t), den (contract_conv true c s t x y) e
    =1 convolution c s t (e x) (reverse (n_spatial (c_rhs c)) t (e y))}.
Proof. by move=> h1 h2 i; exact: (@den_conv_at R true). Qed.
