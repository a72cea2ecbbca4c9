(** * Layer norm on integers is layer norm

    Where the rows of its input are what [ExactTable.v] says, so are those of its
    output; the same of [rms_norm].

    Glossary
      - [row_mean], [row_var]  mean and variance of the entries at some places
      - [standard_sound] an entry that is normalised by such entries
      - [normalize_rows], [rms_norm_rows]  an entry is made from its row alone
      - [rows_value_sound]  rows that are made from one row each
      - [affine_value_sound]  scaled and shifted
      - [layer_norm_sound], [rms_norm_sound]  the layers, without that
      - [affine_layer_sound]  with the scales and shifts of a layer *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype realfun.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Scalar SmoothFacts Number TwinNumbers Norms NormsSound SpecLayer RaiseGrouped CheckSound.
From Cotangent Require Import Floats Exact ExactNumbers ExactRows ExactLayers ExactNormSound ExactNormLayer ExactBentSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma In_nth (T : Type) (d : T) l j : (j < size l)%nat -> List.In (nth d l j) l.
Proof. by elim: l j => //= a l ih [|j] hj; [left|right; exact: ih]. Qed.

Section Places.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Notation int := (int_real R).
Implicit Types T : Type.

Definition row_mean T (L : seq T) (x : T -> R) : R := (\sum_(l <- L) x l) / int (Z.of_nat (size L)).
Definition row_var T (L : seq T) (x : T -> R) : R :=
  (\sum_(l <- L) (x l - row_mean L x) * (x l - row_mean L x)) / int (Z.of_nat (size L)).

Lemma standard_sound T (L : seq T) (X : V -> T -> R) fraction eps_n eps_d e r zs ft z (h : V -> R) :
  (forall l, List.In l L -> continuous_at x0 (fun v => X v l)) ->
  List.Forall2 (fun l z => ball e r z (X x0 l)) L zs ->
  statistics fraction eps_n eps_d e r zs = Some ft ->
  continuous_at x0 h -> ball e r z (h x0) -> List.In z zs ->
  let value v := (h v - row_mean L (X v)) / Num.sqrt (row_var L (X v) + rational R eps_n eps_d) in
  continuous_at x0 value /\ ball fraction (ft_radius ft) (standard e zs ft z) (value x0).
Proof.
move=> cX near hft ch hz hin value; rewrite /statistics in hft.
have [sz _] : size L = size zs /\ True by split=> //; elim: near => //= ? ? ? ? _ _ ->.
have [w [w' bounds]] : exists w w', inverse_root fraction e r (Z.of_nat (size zs)) eps_n eps_d
    (deviations (Z.of_nat (size zs)) zs) = Some (w, w').
  by move: hft; rewrite /feature_of; case: inverse_root => [[w w']|] // _; exists w, w'.
have [_ var0 _ _ _] := inverse_rootP near erefl bounds.
have val := entry_sound near erefl bounds hft hz hin.
rewrite -sz -/(row_mean L (X x0)) -/(row_var L (X x0)) in var0 val.
have cM : continuous_at x0 (fun v => row_mean L (X v)).
  by apply: continuous_mul; [exact: continuous_sum|exact: continuous_const].
split.
  apply: continuous_mul; first exact: continuous_sub.
  apply: continuous_inv_sqrt => //; apply: continuous_add; last exact: continuous_const.
  apply: continuous_mul; last exact: continuous_const; apply: continuous_sum => l hl.
  by apply: continuous_mul; apply: continuous_sub => //; exact: cX.
move: val; rewrite /standard -sz /dyadic expr0 !divr1 mulr1.
by rewrite -[int 0]/(0 : R) addr0.
Qed.

(** ** Rows *)
Lemma rows_value_sound fraction make s (X Y : V -> tensor R) x : holds X x ->
  (forall i r q, i \in idxs (lead s) -> has_length (last 0%num s) r ->
    make (f_exponent x) (f_radius x) r = Some q ->
    (forall j, (j < size r)%nat -> continuous_at x0 (fun v => X v (rcons i (N.of_nat j)))
       /\ ball (f_exponent x) (f_radius x) (nth 0%Z r j) (X x0 (rcons i (N.of_nat j)))) ->
    size q.1 = size r /\ forall j, (j < size r)%nat -> continuous_at x0 (fun v => Y v (rcons i (N.of_nat j)))
       /\ ball fraction q.2 (nth 0%Z q.1 j) (Y x0 (rcons i (N.of_nat j)))) ->
  (forall i m v, i \in idxs (lead s) -> m \in idxs (lead s) ->
    (forall a, a \in Nrange (last 0%num s) -> X v (rcons i a) = X v (rcons m a)) ->
    forall a, a \in Nrange (last 0%num s) -> Y v (rcons i a) = Y v (rcons m a)) ->
  holds Y (rows_value fraction make s x).
Proof.
move=> hX own same; split=> [|i en] /=.
  rewrite PositiveMap.fold_1; elim/last_ind: (PositiveMap.elements _) => //= l a ih.
  by rewrite -cats1 List.fold_left_app /=; lia.
set top := PositiveMap.fold _ _ _.
move=> /(@look_map (fun r => if Z.leb (head 0%Z r) top then behead r else [::])) [r hl er].
pose P i (en : entry) := exists m r q, [/\ i \in idxs (lead s), look (f_table x) i = Some (m, r),
  has_length (last 0%num s) r, make (f_exponent x) (f_radius x) r = Some q
  & en = (if inb (lead s) m then m else i, q.2 :: q.1)].
have [m [r' [q [hi hk hc hm [em e]]]]] : P i (en.1, r).
  move: hl; apply: look_tabulate => t m a en' /In_mem ha _; case hk: look => [[m' r']|] //; case: ifP => // hc.
  by case hm: make => [q|] //= [<-]; exists m', r', q.
have hj' j (hj : (j < size r')%nat) := hX.2 _ _ hk j hj.
have [|sz each] := own _ _ _ hi hc hm; first by move=> j /hj' [].
move: er; rewrite e /=; case: Z.leb_spec => [le|_] er j; rewrite er // => hj.
rewrite sz in hj; have [cont val] := each j hj; split=> //; first exact: ball_weaken le val.
rewrite em; case: ifP => [|_]; last exact: nearW; rewrite -mem_idxs => hin.
have hja a : a \in Nrange (last 0%num s) -> \forall v \near x0, X v (rcons i a) = X v (rcons m a).
  rewrite mem_Nrange => /N.ltb_lt ha; have /N.eqb_eq hc' := hc.
  have [|_ _ near _] := hj' (N.to_nat a); first by apply/ssrnat.ltP; lia.
  by move: near; rewrite /= Nnat.N2Nat.id.
have := near_all hja; apply: filterS => v eqs; apply: (same _ _ _ hi hin eqs).
by rewrite mem_Nrange; apply/N.ltb_lt; have /N.eqb_eq := hc; move/ssrnat.ltP: hj; lia.
Qed.

(** ** Scales and shifts *)
Lemma affine_value_sound fraction (Y G B : V -> tensor R) scale shift y : holds Y y ->
  (forall i, continuous_at x0 (fun v => G v i)) -> (forall i, continuous_at x0 (fun v => B v i)) ->
  (if scale is Some p then forall j, (j < size p.2)%nat -> G x0 [:: N.of_nat j] = dyadic R p.1 (nth 0%Z p.2 j)
   else forall v i, G v i = 1) ->
  (forall j, has_bias shift j -> B x0 [:: N.of_nat j] = bias_value R shift j) ->
  holds (fun v i => Y v i * G v [:: last 0%num i] + B v [:: last 0%num i]) (affine_value fraction scale shift y).
Proof.
move=> hY cG cB hG hB; have r0 := hY.1.
set e := (if scale is Some p then f_exponent y + p.1 else f_exponent y)%num.
set times := (if scale is Some p then fun z => zip_with Z.mul z p.2 else id).
set top := (if scale is Some p then foldr (fun a m => Z.max (Z.abs a) m) 0%Z p.2 else 1%Z).
have -> : affine_value fraction scale shift y = rounded fraction (Fixed (out_exponent e shift)
    (PositiveMap.map (fun q : idx * entry => (q.1, (q.2.1, out_row e shift (times q.2.2)))) (f_table y))
    false (out_radius e shift (f_radius y * top))).
  by rewrite /affine_value /e /times /top; case: (scale) => [[? ?]|] //; rewrite Z.mul_1_r.
apply: rounded_sound.
have top0 : (0 <= top)%Z.
  by rewrite /top; case: (scale) => [[? g]|] //=; elim: g => //= *; lia.
split=> [|i en] /=; first by rewrite /out_radius Z.shiftl_nonneg; nia.
move=> /(@look_map (fun r => out_row e shift (times r))) [r hk er] j; rewrite er => hj.
have [hj1 hs eq] := out_row_sound R hj.
have hj2 : (j < size r)%nat.
  by move: hj1; rewrite /times; case: (scale) => [p|] //; rewrite zip_with_size leq_min => /andP [].
have [cont val near _] := hY.2 _ _ hk j hj2; rewrite /= in cont val near.
have G_at : ball e (f_radius y * top) (nth 0%Z (times r) j) (Y x0 (rcons i (N.of_nat j)) * G x0 [:: N.of_nat j]).
  move: hj1 hG; rewrite /e /times /top; case: (scale) => [[eg g]|] /=; last first.
    by move=> _ ->; rewrite mulr1 Z.mul_1_r.
  rewrite zip_with_size leq_min => /andP [_ hg] /(_ _ hg) ->; rewrite zip_with_nth ?zip_with_size ?leq_min ?hj2 //.
  have big : (Z.abs (nth 0 g j) <= foldr (fun a m => Z.max (Z.abs a) m) 0 g)%Z.
    elim: (g) (j) hg => //= a l ih [|k] hk' /=; first by lia.
    by have := ih k hk'; lia.
  rewrite /ExactNumbers.ball dyadicM -mulrBl normrM dyadic_norm dyadicM.
  apply: ler_pmul => //; [by apply: dyadic_ge0; lia|exact: dyadic_leP].
split=> //.
- rewrite (_ : (fun v => _) = fun v => Y v (rcons i (N.of_nat j)) * G v [:: N.of_nat j] + B v [:: N.of_nat j]); last first.
    by apply/funext => v; rewrite last_rcons.
  by apply: continuous_add => //; exact: continuous_mul.
- rewrite last_rcons hB // /ExactNumbers.ball eq opprD addrACA subrr addr0; apply: le_trans G_at _.
  rewrite /out_radius; have {1}-> : out_exponent e shift = (e + (out_exponent e shift - e))%num.
    by rewrite /out_exponent; case: (shift) => [[? ?]|]; lia.
  by rewrite dyadic_shift.
by apply: filterS near => v ->; rewrite !last_rcons.
Qed.
End Places.

(** ** Formulas *)
Section Last.
Variables (R : realType) (z : shape).
Hypothesis z0 : (0 < size z)%nat.
Notation int := (int_real R).
Let ds := [:: N.of_nat (size z).-1].
Let c := last 0%num z.
Definition row_cells (i : idx) : seq idx := [seq rcons i a | a <- Nrange c].

Lemma kept_last_dim : kept z ds = first_dims (size z).-1.
Proof.
rewrite /kept /others -{1}(prednK z0) -addn1 [first_dims (_ + 1)]/first_dims iotaD map_cat filter_cat.
rewrite -/(first_dims (size z).-1) /= inE eqxx cats0.
apply/all_filterP/allP => d; rewrite mem_first_dims inE => hd; apply/negP => /eqP ed.
by move: hd; rewrite ed Nnat.Nat2N.id ltnn.
Qed.

Lemma pick_row i a : i \in idxs (lead z) -> pick (rcons i a) (kept z ds) = i.
Proof.
move=> /size_place hi; rewrite kept_last_dim /pick map_first_dims -cats1.
  by rewrite take_size_cat // hi size_lead.
by rewrite size_cat hi size_lead leq_addr.
Qed.

Lemma mean_row (x : tensor R) i : i \in idxs (lead z) -> mean z ds x i = row_mean (row_cells i) x.
Proof.
move=> hi; rewrite /mean /row_mean /Denote.number size_map size_Nrange.
have -> : pick z ds = [:: c] by rewrite /pick /ds /= Nnat.Nat2N.id nth_last.
rewrite /= N.mul_1_r -N_nat_Z; congr (_ / _).
rewrite (idxs_rows z0) big_flatten /= big_map -/c.
rewrite (eq_big_seq (fun l => if l == i then \sum_(a <- Nrange c) x (rcons l a) else 0)); last first.
  move=> l hl; rewrite big_map; case: eqP => e.
    by rewrite big_seq_cond [RHS]big_seq_cond; apply: eq_bigl => a; rewrite pick_row // e eqxx andbT.
  by rewrite big1 // => a; rewrite pick_row // => /eqP.
by rewrite -big_mkcond -big_filter filter_pred1_uniq ?idxs_uniq // big_seq1 [RHS]big_map.
Qed.

Lemma normalize_rows eps (x : tensor R) i a : i \in idxs (lead z) -> (a < c)%num ->
  normalize z ds eps x (rcons i a)
  = (x (rcons i a) - row_mean (row_cells i) x) / Num.sqrt (row_var (row_cells i) x + eps).
Proof.
move=> hi ha; rewrite /normalize /centred /deviation /variance pick_row // !mean_row //.
congr (_ / Num.sqrt (_ + _)); rewrite /row_mean /row_var; congr (_ / _); rewrite !big_map.
by apply: eq_big_seq => k hk; rewrite /centred pick_row // mean_row.
Qed.

Lemma rms_norm_rows eps (x : tensor R) i a : i \in idxs (lead z) -> (a < c)%num ->
  let L := [seq (b, l) | b <- [:: false; true], l <- row_cells i] in
  let both (q : bool * idx) := if q.1 then - x q.2 else x q.2 in
  rms_norm z ds eps x (rcons i a) = (x (rcons i a) - row_mean L both) / Num.sqrt (row_var L both + eps).
Proof.
move=> hi ha L both; have c0 : int (Z.of_nat (size (row_cells i))) != 0.
  by rewrite gt_eqF //; apply: int_gt0; rewrite size_map size_Nrange; lia.
have eL : L = [seq (false, l) | l <- row_cells i] ++ [seq (true, l) | l <- row_cells i] by rewrite /L /= cats0.
have mean0 : row_mean L both = 0.
  by rewrite /row_mean eL big_cat !big_map /= sumrN subrr mul0r.
rewrite /rms_norm pick_row // mean_row // mean0 subr0; congr (_ / Num.sqrt (_ + _)).
rewrite /row_var mean0 /row_mean eL size_cat !size_map big_cat !big_map /=.
under [X in _ = (_ + X) / _]eq_bigr do rewrite subr0 mulrNN.
under [X in _ = (X + _) / _]eq_bigr do rewrite subr0.
rewrite -plusE Nat2Z.inj_add intD -!mulr2n -[X in _ = X / _]mulr_natr -[X in _ = _ / X]mulr_natr.
by rewrite -mulf_div divff ?mulr1 // pnatr_eq0.
Qed.
End Last.

(** ** The layers *)
Section Layers.
Variables (R : realType) (V : normedModType R) (x0 : V) (fraction : N) (z : shape) (eps_n : Z) (eps_d : positive).
Hypothesis z0 : (0 < size z)%nat.
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Let ds := [:: N.of_nat (size z).-1].
Let c := last 0%num z.

Lemma row_near e r zs (X : V -> tensor R) i : has_length c zs ->
  (forall j, (j < size zs)%nat -> continuous_at x0 (fun v => X v (rcons i (N.of_nat j)))
     /\ ball e r (nth 0%Z zs j) (X x0 (rcons i (N.of_nat j)))) ->
  List.Forall2 (fun l y => continuous_at x0 (fun v => X v l) /\ ball e r y (X x0 l)) (row_cells z i) zs.
Proof.
move=> /N.eqb_eq hc h; apply: (@Forall2_of_map _ _ _ _ (fun a => rcons i a)).
by apply: (@Nrange_Forall2 _ _ 0%Z).
Qed.

Lemma same_cells (X : V -> tensor R) v i m : (forall a, a \in Nrange c -> X v (rcons i a) = X v (rcons m a)) ->
  row_mean (row_cells z i) (X v) = row_mean (row_cells z m) (X v)
  /\ row_var (row_cells z i) (X v) = row_var (row_cells z m) (X v).
Proof.
move=> eqs; have em : row_mean (row_cells z i) (X v) = row_mean (row_cells z m) (X v).
  by rewrite /row_mean !size_map; congr (_ / _); rewrite [LHS]big_map [RHS]big_map; apply: eq_big_seq => a ha; exact: eqs.
split=> //; rewrite /row_var em !size_map; congr (_ / _); rewrite [LHS]big_map [RHS]big_map.
by apply: eq_big_seq => a ha; rewrite eqs.
Qed.

Lemma layer_norm_sound (X : V -> tensor R) x : holds X x ->
  holds (fun v => normalize z ds (rational R eps_n eps_d) (X v))
    (rows_value fraction (normal_row fraction eps_n eps_d) z x).
Proof.
move=> hX; apply: (rows_value_sound hX) => [i r q hi hc|i m v hi hm eqs a ha].
  rewrite /normal_row; case hs: statistics => [ft|] //= [<-] /= h; rewrite size_map; split=> // j hj.
  have /N.eqb_eq hc' := hc; have ha : (N.of_nat j < c)%num by move/ssrnat.ltP: hj; rewrite -/c in hc' *; lia.
  have hF := row_near hc h; have [cj vj] := h j hj.
  have [l hl|||cont val] := @standard_sound _ _ x0 _ (row_cells z i) (fun v l => X v l) fraction eps_n eps_d
    (f_exponent x) (f_radius x) r ft (nth 0%Z r j) (fun v => X v (rcons i (N.of_nat j))) _ _ hs cj vj.
  - by have [e _ []] := Forall2_In hF hl.
  - by apply: Forall2_weaken hF => l e [].
  - exact: In_nth.
  rewrite (nth_map 0%Z) // normalize_rows //; split=> //.
  by apply: continuous_near cont; apply: nearW => v; rewrite normalize_rows.
have ha' : (a < c)%num by apply/N.ltb_lt; rewrite -mem_Nrange.
by have [e1 e2] := same_cells eqs; rewrite !normalize_rows // e1 e2 eqs.
Qed.

Lemma rms_norm_sound (X : V -> tensor R) x : holds X x ->
  holds (fun v => rms_norm z ds (rational R eps_n eps_d) (X v))
    (rows_value fraction (square_row fraction eps_n eps_d) z x).
Proof.
move=> hX; apply: (rows_value_sound hX) => [i r q hi hc|i m v hi hm eqs a ha].
  rewrite /square_row; case hs: statistics => [ft|] //= [<-] /= h; rewrite size_map; split=> // j hj.
  have /N.eqb_eq hc' := hc; have ha : (N.of_nat j < c)%num by move/ssrnat.ltP: hj; rewrite -/c in hc' *; lia.
  have hF := row_near hc h; have [cj vj] := h j hj.
  pose both v (q : bool * idx) := if q.1 then - X v q.2 else X v q.2.
  pose L := [seq (b, l) | b <- [:: false; true], l <- row_cells z i].
  have eL : L = [seq (false, l) | l <- row_cells z i] ++ [seq (true, l) | l <- row_cells z i] by rewrite /L /= cats0.
  have hB : List.Forall2 (fun l y => continuous_at x0 (fun v => both v l)
      /\ ball (f_exponent x) (f_radius x) y (both x0 l)) L (r ++ [seq (- y)%Z | y <- r]).
    rewrite eL; apply: List.Forall2_app; first by apply: Forall2_of_map; apply: Forall2_weaken hF => l e [].
    apply: Forall2_of_map; apply: Forall2_mapr; apply: Forall2_weaken hF => l e [cl vl]; split.
      exact: continuousN.
    exact: ball_opp.
  have [l hl|||cont val] := @standard_sound _ _ x0 _ L both fraction eps_n eps_d
    (f_exponent x) (f_radius x) _ ft (nth 0%Z r j) (fun v => X v (rcons i (N.of_nat j))) _ _ hs cj vj.
  - by have [e _ []] := Forall2_In hB hl.
  - by apply: Forall2_weaken hB => l e [].
  - by apply: List.in_or_app; left; exact: In_nth.
  rewrite (nth_map 0%Z) // rms_norm_rows //; split=> //.
  by apply: continuous_near cont; apply: nearW => v; rewrite rms_norm_rows.
have ha' : (a < c)%num by apply/N.ltb_lt; rewrite -mem_Nrange.
rewrite /rms_norm !pick_row // !mean_row // eqs //; congr (_ / Num.sqrt (_ + _)).
rewrite /row_mean !size_map; congr (_ / _); rewrite [LHS]big_map [RHS]big_map.
by apply: eq_big_seq => k hk; rewrite eqs.
Qed.
End Layers.

(** ** With the parameters of the layer *)
Section Affine.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation holds := (holds_fixed x0).

Lemma affine_layer_sound fraction c scale shift ps g b (Y : V -> tensor R) y : holds Y y ->
  affine_at (bias_at pt ^~ c) scale shift ps = Some (g, b) ->
  holds (fun v => affine scale shift [seq theta v k | k <- ps] (Y v)) (affine_value fraction g b y).
Proof.
move=> hY; have none : forall j, has_bias None j -> (0 : R) = bias_value R None j by [].
have ones : forall (v : V) (i : idx), (1 : R) = 1 by [].
have c1 (a : R) (i : idx) : continuous_at x0 (fun _ : V => a) by exact: continuous_const.
have given k p : bias_at pt k c = Some p -> if p is Some q then forall j, (j < size q.2)%nat ->
    theta x0 k [:: N.of_nat j] = dyadic R q.1 (nth 0%Z q.2 j) else forall v i, theta v k i = 1.
  move=> hk; have := bias_sound theta_at hk; case: p hk => [[e r]|] //.
  by rewrite /bias_at; case: literal_at => // l; case: l_rows.
case: scale; case: shift => /=; case: ps => [|w [|k [|? ?]]] //=.
- case hw: bias_at => [p|] //; case hk: bias_at => [q|] // [<- <-].
  exact: (@affine_value_sound _ _ x0 fraction Y (fun v => theta v w) (fun v => theta v k) p q y hY
    (@theta_continuous w) (@theta_continuous k) (given _ _ hw) (bias_sound theta_at hk)).
- case hw: bias_at => [p|] //= [<- <-].
  have := @affine_value_sound _ _ x0 fraction Y (fun v => theta v w) (fun=> fun=> 0) p None y hY
    (@theta_continuous w) (c1 0) (given _ _ hw) none.
  by apply: holds_ext => v i; rewrite addr0.
- case hk: bias_at => [q|] //= [<- <-].
  have := @affine_value_sound _ _ x0 fraction Y (fun=> fun=> 1) (fun v => theta v w) None q y hY
    (c1 1) (@theta_continuous w) ones (bias_sound theta_at hk).
  by apply: holds_ext => v i; rewrite mulr1.
case=> <- <-; have := @affine_value_sound _ _ x0 fraction Y (fun=> fun=> 1) (fun=> fun=> 0) None None y hY
  (c1 1) (c1 0) ones none.
by apply: holds_ext => v i; rewrite mulr1 addr0.
Qed.
End Affine.
