(** * Layers on tokens on integers are what they mean

    Where the rows of their input are what [ExactTable.v] says, so are those of
    their output.

    Glossary
      - [moved_sound]    rows that are other rows
      - [flatten_sound], [reshape_sound]  shapes
      - [scale_layer_sound], [position_sound], [class_token_sound]  with stored
                         numbers
      - [token_means_sound]  means over all tokens
      - [token_value_sound]  any layer on tokens that [token_value] computes *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Dims Scalar Number RaiseGrouped CheckSound TwinNumbers.
From Cotangent Require Import Spec Meaning Tokens Floats ExactTable ExactNumbers ExactRows ExactLayers ExactBranches ExactMeanSound Exact ExactTokens.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** Places *)
Lemma same_place_before p s t a i : size_of s = size_of t -> a \in idxs p -> i \in idxs t ->
  same_place (p ++ s) (p ++ t) (a ++ i) = a ++ same_place s t i.
Proof.
move=> h ha hi; have hj := same_place_in h hi.
have e : size (idxs t) = size (idxs s) by rewrite !size_idxs h.
have k : seq.index (same_place s t i) (idxs s) = seq.index i (idxs t).
  by rewrite /same_place index_uniq ?idxs_uniq // -e index_mem.
rewrite {1}/same_place index_idxs // e -k -index_idxs // nth_index // idxs_cat.
by apply/allpairsP; exists (a, same_place s t i).
Qed.

Lemma same_place_after p s t a i : size_of s = size_of t -> a \in idxs p -> i \in idxs t ->
  same_place (s ++ p) (t ++ p) (i ++ a) = same_place s t i ++ a.
Proof.
move=> h ha hi; have hj := same_place_in h hi.
have e : size (idxs t) = size (idxs s) by rewrite !size_idxs h.
have k : seq.index (same_place s t i) (idxs s) = seq.index i (idxs t).
  by rewrite /same_place index_uniq ?idxs_uniq // -e index_mem.
rewrite {1}/same_place index_idxs // -k -index_idxs // nth_index // idxs_cat.
by apply/allpairsP; exists (same_place s t i, a).
Qed.

Lemma lead_last (s : shape) : (0 < size s)%nat -> s = lead s ++ [:: last 0%num s].
Proof.
by case/lastP: s => // s z _; rewrite lead_rcons last_rcons cats1.
Qed.

Lemma size_of_after s c : size_of (s ++ [:: c]) = (size_of s * c)%num.
Proof.
elim: s => [|d s ih]; first by rewrite /= N.mul_1_r; case: c.
by rewrite cat_cons -[LHS]/(d * size_of (s ++ [:: c]))%num ih N.mul_assoc.
Qed.

Lemma one_in k n : (k < n)%num -> [:: k] \in idxs [:: n].
Proof. by move=> h; rewrite mem_idxs /= andbT; exact/N.ltb_lt. Qed.

Section Tokens.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation dyadic := (dyadic R).
Notation ball := (@ball R).
Notation holds := (holds_fixed x0).
Implicit Types (X Y : V -> tensor R) (x : fixed).
Variables fraction batch : N.

Lemma moved_sound c source X Y x places : holds X x ->
  (forall v i o, i \in places -> (o < c)%num -> Y v (rcons i o) = X v (rcons (source i) o)) ->
  holds Y (moved c source places x).
Proof.
move=> hX hY; apply: (@shared_holds _ _ _ c) => [|i es hi|i es o hi|i j es es' o hi hj].
- exact: hX.1.
- by move=> /one_row [e [-> _ /N.eqb_eq <-]]; rewrite Nnat.Nat2N.id.
- move=> /one_row [e [-> hl hc]] ho; have [cont val _ zero] := hX.2 _ _ hl o ho.
  have form v : Y v (rcons i (N.of_nat o)) = X v (rcons (source i) (N.of_nat o)).
    by apply: hY => //; move/N.eqb_eq: hc; move/ssrnat.ltP: ho; lia.
  split; [by apply: continuous_near cont; exact: nearW form|by rewrite form|].
  by move=> rect e0; apply: filterS (zero rect e0) => v; rewrite form.
move=> /one_row [e [-> hl hc]] /one_row [e' [-> hl' hc']] [em] ho.
by apply: filterS (same_place_rows hX hl hc hl' hc' em ho) => v; rewrite !hY.
Qed.

Lemma upsample_sound h w c a b X x : holds X x ->
  holds (fun v i => X v [:: nth 0 i 0; nth 0 i 1 / a; nth 0 i 2 / b; last 0 i]%num) (upsample batch h w c a b x).
Proof. by move=> hX; apply: moved_sound hX _ => v i o /idxs3 [p [q [r [-> _ _ _]]]] _. Qed.

Lemma select_sound c k X x : holds X x ->
  holds (fun v i => X v [:: nth 0 i 0; k; last 0 i]%num) (select batch c k x).
Proof.
move=> hX; apply: moved_sound hX _ => v i o; rewrite mem_idxs.
by case: i => [|b [|? ?]] //=; rewrite andbF.
Qed.

(** ** Shapes *)
Lemma flatten_place s b j : (b < batch)%num -> (j < size (idxs s))%nat ->
  same_place (batch :: s) [:: batch; size_of s] [:: b; N.of_nat j] = b :: nth [::] (idxs s) j.
Proof.
move=> hb hj; have hj' : (N.of_nat j < size_of s)%num by move: hj; rewrite size_idxs => /ssrnat.ltP; lia.
have := @same_place_before [:: batch] s [:: size_of s] [:: b] [:: N.of_nat j] (esym (N.mul_1_r _)).
move=> /(_ (one_in hb) (one_in hj')); rewrite /cat => ->.
by rewrite /same_place index_one // Nnat.Nat2N.id.
Qed.

Lemma flatten_sound s X x : (0 < size s)%nat -> holds X x ->
  holds (fun v i => X v (same_place (batch :: s) [:: batch; size_of s] i)) (flatten_rows batch s x).
Proof.
move=> hs hX; split=> [|i en /=]; first exact: hX.1.
apply: look_tabulate => t model {}i {}en hi _.
have {}hi : i \in idxs [:: batch] := (In_mem i _).1 hi; rewrite mem_idxs in hi.
case: i hi => [|b [|? ?]]; rewrite /= ?andbF // andbT => /N.ltb_lt hb.
case he: all_rows => [es|] //= [<-]; have hF := all_rows_sound he.
apply: at_entry_self => j hj.
have {}hF : List.Forall2 (fun l z => [/\ continuous_at x0 (fun v => X v (b :: l)),
    ball (f_exponent x) (f_radius x) z (X x0 (b :: l))
    & f_rectified x -> z = 0%Z -> \forall v \near x0, X v (b :: l) = 0]) (idxs s) (flatten [seq e.2 | e <- es]).
  rewrite idxs_rows //; apply: Forall2_flatten.
  apply: Forall2_mapr; move: hF; rewrite -[[seq _ | l <- _]]/[seq [:: b] ++ l | l <- idxs (lead s)].
  move=> /Forall2_mapl hF; elim: hF => [|l e ls es' [hl hc] _ ih] /=; constructor => //.
  have /N.eqb_eq hc' := hc; apply: (@Forall2_of_map _ _ _ _ (fun a => rcons l a)).
  apply: (@Nrange_Forall2 _ _ 0%Z) => // k hk.
  by have [cont val _ zero] := hX.2 _ _ hl k hk.
have [sz nth_ok] := Forall2_nth [::] 0%Z hF.
have hj' : (j < size (idxs s))%nat by rewrite sz.
have [cont val zero] := nth_ok j hj'; rewrite /= flatten_place //; split=> //.
Qed.

Lemma cut_sound s F Y f : holds F f ->
  (forall v b l o, (b < batch)%num -> l \in idxs (lead s) -> (o < N.to_nat (last 0%num s))%nat ->
     Y v (rcons (b :: l) (N.of_nat o))
     = F v [:: b; N.of_nat (seq.index l (idxs (lead s)) * N.to_nat (last 0%num s) + o)]) ->
  holds Y (cut_rows batch s f).
Proof.
move=> hF hY; split=> [|i en /=]; first exact: hF.1.
apply: look_tabulate => t model {}i {}en hi _.
have {}hi : i \in idxs (batch :: lead s) := (In_mem i _).1 hi; move: hi; rewrite mem_idxs.
case: i => [|b l] //= /andP [/N.ltb_lt hb]; rewrite -mem_idxs => hl.
rewrite take0; case hk: look => [[mm r]|] // [<-]; apply: at_entry_self => o.
set c := N.to_nat _ in hY *; set q := (seq.index l _ * c)%nat => ho.
have hc : (o < c)%nat by apply: leq_trans ho _; rewrite size_take_min geq_minl.
have hr : (q + o < size r)%nat.
  by move: ho; rewrite size_take_min size_drop leq_min ltn_subRL => /andP [_ h].
have [cont val _ zero] := hF.2 _ _ hk _ hr; rewrite /= in cont val zero.
have form v : Y v (rcons (b :: l) (N.of_nat o)) = F v [:: b; N.of_nat (q + o)] by exact: hY.
rewrite nth_take // nth_drop; split; [by apply: continuous_near cont; exact: nearW form|by rewrite form|].
by move=> rect e0; apply: filterS (zero rect e0) => v; rewrite form.
Qed.

Lemma reshape_sound s s' X x y : holds X x -> reshape batch s s' x = Some y ->
  holds (fun v i => X v (same_place (batch :: s) (batch :: s') i)) y.
Proof.
move=> hX; rewrite /reshape; case: ifP => // /and3P [hs hs' /N.eqb_eq sz] [<-].
case: ifP => [/andP [/N.eqb_eq same /N.ltb_lt c0]|_].
  apply: moved_sound hX _ => v i o hi ho; congr (X v _).
  have szl : size_of (batch :: lead s) = size_of (batch :: lead s').
    move: sz; rewrite [in RHS](lead_last hs) [in LHS](lead_last hs') !size_of_after same.
    have c1 : last 0%num s' <> 0%num by rewrite -same; lia.
    by move/(N.mul_cancel_r _ _ _ c1) => /= ->.
  have := @same_place_after [:: last 0%num s] (batch :: lead s) (batch :: lead s') [:: o] i szl (one_in ho) hi.
  by rewrite !cat_cons -(lead_last hs) same -(lead_last hs') !cats1.
apply: (cut_sound (flatten_sound hs hX)) => v b l o hb hl ho; congr (X v _).
have ho' : (N.of_nat o < last 0%num s')%num by move/ssrnat.ltP: ho; lia.
have hin : rcons l (N.of_nat o) \in idxs s'.
  rewrite [in idxs _](lead_last hs') idxs_cat -cats1; apply/allpairsP.
  by exists (l, [:: N.of_nat o]); split=> //; exact: one_in.
have ei : seq.index (rcons l (N.of_nat o)) (idxs s')
    = (seq.index l (idxs (lead s')) * N.to_nat (last 0%num s') + o)%nat.
  rewrite [in idxs s'](lead_last hs') -cats1 index_idxs ?one_in // index_one // Nnat.Nat2N.id.
  by rewrite size_idxs /= N.mul_1_r.
rewrite -ei flatten_place //; last by rewrite size_idxs -sz -size_idxs index_mem.
rewrite rcons_cons; exact: (@same_place_before [:: batch] s s' [:: b] _ (esym sz) (one_in hb) hin).
Qed.

(** ** Stored numbers *)
Lemma abs_most (r : row) j : (j < size r)%nat -> (Z.abs (nth 0%Z r j) <= foldr (fun z m => Z.max (Z.abs z) m) 0 r)%Z.
Proof. by elim: r j => //= z r ih [|j] //= => [_|/ih]; lia. Qed.

Lemma scale_layer_sound c places (wf : V -> tensor R) w X Y x :
  (forall i, continuous_at x0 (fun v => wf v i)) ->
  (forall j, (j < size w.2)%nat -> wf x0 [:: N.of_nat j] = dyadic w.1 (nth 0%Z w.2 j)) -> holds X x ->
  (forall v i, Y v i = X v i * wf v [:: last 0%num i]) ->
  holds Y (scale_layer fraction c places w x).
Proof.
move=> cw hw hX hY; apply: rounded_sound; set most := foldr _ _ _.
have m0 : (0 <= most)%Z by rewrite /most; elim: (w.2) => //= *; lia.
apply: (@shared_holds _ _ _ c) => // [|i es hi|i es o hi|i j es es' o hi hj].
- by have := hX.1; nia.
- move=> /one_row [e [-> _ /N.eqb_eq hc]]; rewrite zip_with_size; apply: leq_trans (geq_minl _ _) _.
  by rewrite -hc Nnat.Nat2N.id.
- move=> /one_row [e [-> hl hc]] ho; have := ho; rewrite zip_with_size leq_min => /andP [o1 o2].
  have [cont val _ _] := hX.2 _ _ hl o o1; rewrite /= in cont val.
  have form v : Y v (rcons i (N.of_nat o)) = X v (rcons i (N.of_nat o)) * wf v [:: N.of_nat o].
    by rewrite hY last_rcons.
  split=> //.
    by apply: continuous_near (continuous_mul cont (cw [:: N.of_nat o])); exact: nearW form.
  rewrite form hw // zip_with_nth //.
  have := ball_mul val (ball_exact R w.1 (nth 0%Z w.2 o)) (Z.le_refl _) (abs_most o2).
  by apply: ball_weaken; rewrite -/most; lia.
move=> /one_row [e [-> hl hc]] /one_row [e' [-> hl' hc']] [em] ho.
by apply: filterS (same_place_rows hX hl hc hl' hc' em ho) => v; rewrite !hY !last_rcons => ->.
Qed.

(** A finer exponent. *)
Lemma finer_ball e x z v : (f_exponent x <= e)%num -> ball (f_exponent x) (f_radius x) z v ->
  ball e (finer e x) (Z.shiftl z (Z.of_N (e - f_exponent x))) v.
Proof.
move=> le b; have ee : e = (f_exponent x + (e - f_exponent x))%num by lia.
by rewrite /finer [X in ball X]ee ball_shift.
Qed.

Lemma finer_ge0 e X x : holds X x -> (0 <= finer e x)%Z.
Proof. by move=> hX; rewrite /finer Z.shiftl_nonneg; exact: hX.1. Qed.

Lemma align_nth k r j : (j < size r)%nat -> nth 0%Z (align k r) j = Z.shiftl (nth 0%Z r j) (Z.of_N k).
Proof. by move=> h; rewrite /align; case: N.eqb_spec => [->|_]; [rewrite Z.shiftl_0_r|rewrite (nth_map 0%Z)]. Qed.

Lemma finer_dyadic e ew z : (ew <= e)%num -> dyadic e (Z.shiftl z (Z.of_N (e - ew))) = dyadic ew z.
Proof. by move=> le; have {1}-> : e = (ew + (e - ew))%num by [lia]; exact: dyadic_shift. Qed.

Lemma position_sound t k wk w X x : literal_at pt wk [:: t; k] = Some w -> holds X x ->
  holds (fun v i => X v i + theta v wk [:: nth 0 i 1; last 0 i]%num) (position batch t w x).
Proof.
move=> hw hX; rewrite /position; set e := N.max _ _; split=> [|i en /=]; first exact: finer_ge0 hX.
apply: look_tabulate => tb model {}i {}en hi _.
have {}hi : i \in idxs [:: batch; t] := (In_mem i _).1 hi.
case hl: look => [[mm r]|] // [<-].
move: hi hl; rewrite mem_idxs; case: i => [|b [|p [|? ?]]] //=; rewrite ?andbF // andbT.
move=> /andP [_ /N.ltb_lt hp] hl; apply: at_entry_own => j hj /=.
have := hj; rewrite zip_with_size align_size leq_min => /andP [j1 j2].
have [cont val _ _] := hX.2 _ _ hl j j1; rewrite /= in cont val; split.
  by apply: continuous_add.
rewrite zip_with_nth // align_nth //; rewrite -(Z.add_0_r (finer e x)); apply: ball_add.
  by apply: finer_ball => //; rewrite /e; lia.
have [sz rows] := Forall2_nth [::] Done (literal_sound theta_at hw).
have es : size (rows_of [:: t; k]) = N.to_nat t by rewrite size_idxs /= N.mul_1_r.
have q : (N.to_nat p < size (rows_of [:: t; k]))%nat by rewrite es; apply/ssrnat.ltP; lia.
have er : nth [::] (rows_of [:: t; k]) (N.to_nat p) = [:: p].
  rewrite /rows_of -[lead _]/[:: t] idxs1 (nth_map 0%num) ?size_Nrange; last by apply/ssrnat.ltP; lia.
  by rewrite /Nrange (nth_map 0%nat) ?size_iota ?nth_iota ?add0n ?Nnat.N2Nat.id //; apply/ssrnat.ltP; lia.
move: j2; rewrite (nth_map Done) -?sz // align_size => j2.
have := rows _ q j; rewrite er => -> //; rewrite align_nth // -(finer_dyadic (e := e)); first exact: ball_exact.
by rewrite /e; lia.
Qed.

Lemma class_token_sound t (wf : V -> tensor R) w X x :
  (forall i, continuous_at x0 (fun v => wf v i)) ->
  (forall j, (j < size w.2)%nat -> wf x0 [:: N.of_nat j] = dyadic w.1 (nth 0%Z w.2 j)) -> holds X x ->
  holds (fun v i => if nth 0%num i 1 == 0%num then wf v [:: last 0%num i]
                    else X v [:: nth 0 i 0; N.pred (nth 0 i 1); last 0 i]%num) (class_token batch t w x).
Proof.
move=> cw hw hX; rewrite /class_token; set e := N.max _ _; split=> [|i en /=]; first exact: finer_ge0 hX.
apply: look_tabulate => tb model {}i {}en hi _.
have {}hi : i \in idxs [:: batch; t + 1]%num := (In_mem i _).1 hi; move: hi; rewrite mem_idxs.
case: i => [|b [|p [|? ?]]] //=; rewrite ?andbF // => _.
case: N.eqb_spec => [-> [<-]|ne].
  apply: at_entry_own => j; rewrite align_size => hj; split; first exact: cw.
  rewrite /= hw // align_nth // -(finer_dyadic (e := e)); last exact: N.le_max_r.
  by apply: ball_self; exact: finer_ge0 hX.
case hl: look => [[mm r]|] // [<-]; apply: at_entry_own => j; rewrite align_size => hj.
have [cont val _ _] := hX.2 _ _ hl j hj; rewrite /= in cont val.
have -> : (p == 0%num) = false by apply/eqP.
by rewrite /=; split=> //; rewrite align_nth //; apply: finer_ball => //; rewrite /e; lia.
Qed.

(** ** Means *)
Lemma mean_tokens t c (y : tensor R) b o : (b < batch)%num -> (o < c)%num ->
  mean [:: batch; t; c] [:: 1]%num y [:: b; o] = (\sum_(p <- Nrange t) y [:: b; p; o]) / int_real R (Z.of_N t).
Proof.
move=> hb ho; rewrite /mean; have -> : Denote.number R [:: batch; t; c] [:: 1]%num = int_real R (Z.of_N t).
  by rewrite /Denote.number /= N.mul_1_r.
congr (_ / _).
have one (k m : N) (F : N -> R) : (k < m)%num -> \sum_(a <- Nrange m) (if a == k then F a else 0) = F k.
  move=> hk; rewrite -big_mkcond -big_filter filter_pred1_uniq ?Nrange_uniq ?big_seq1 // mem_Nrange.
  exact/N.ltb_lt.
have idxsE m s : idxs (m :: s) = [seq a :: l | a <- Nrange m, l <- idxs s] by [].
rewrite big_mkcond idxsE big_allpairs_dep.
rewrite -[RHS](one b batch (fun a => \sum_(p <- Nrange t) y [:: a; p; o]) hb).
apply: eq_bigr => a _; case: eqP => [->|ne].
  rewrite idxsE big_allpairs_dep; apply: eq_bigr => p _.
  rewrite idxs1 big_map -[RHS](one o c (fun k => y [:: b; p; k]) ho); apply: eq_bigr => k _.
  by rewrite /pick /= !eqseq_cons eqxx /= andbT.
rewrite big1_seq // => l _; case: eqP => // e; case: ne.
by case: e.
Qed.

Lemma token_means_sound t c keep X x : holds X x ->
  holds (fun v i => mean [:: batch; t; c] [:: 1]%num (X v) [:: nth 0%num i 0; last 0%num i])
    (token_means fraction batch t c keep x).
Proof.
move=> hX; apply: mean_layer_sound hX _ => z i o hi ho; rewrite last_rcons.
have [hb ->] : (nth 0%num i 0 < batch)%num /\ nth 0%num (rcons i o) 0 = nth 0%num i 0.
  by case: keep hi; rewrite mem_idxs; case: i => [|b i] //= /andP [/N.ltb_lt hb _].
by rewrite (mean_tokens _ _ hb ho) [in RHS]big_map.
Qed.

(** ** Layers *)
Lemma token_value_sound l s ps X x y : holds X x -> token_value fraction batch pt l s ps x = Some y ->
  holds (fun v => token_meaning l batch s [seq theta v k | k <- ps] (X v)) y.
Proof.
move=> hX; case: l => [m b|||s'|keep||k|a b] /=.
- case: b; case: s => [|t [|n [|? ?]]] //; case: ps => [|w [|b [|? ?]]] //=.
    case hw: literal_at => [k|] //; case hb: bias_at => [bias|] //; apply: omap_rounded => z hz.
    apply: (@dense_sound _ _ x0 theta pt (@theta_continuous) theta_at n m w k bias (fun v => theta v b)
      x X hw hX (@theta_continuous b) (bias_sound theta_at hb) _ _ _ hz) => v i o; rewrite mem_idxs.
    by case: i => [|p [|q [|? ?]]] //=; rewrite !andbF.
  case hw: literal_at => [k|] //; apply: omap_rounded => z hz.
  apply: (@dense_sound _ _ x0 theta pt (@theta_continuous) theta_at n m w k None (fun=> fun=> 0)
    x X hw hX (fun=> @continuous_const R V x0 0) (@no_bias _ _ x0) _ _ _ hz) => v i o; rewrite mem_idxs.
  by case: i => [|p [|q [|? ?]]] //=; rewrite ?andbF // addr0.
- case: s => // d s; case: ps => [|w [|? ?]] //; case hw: bias_at => [[[e bias]|]|] // [<-].
  by apply: (@scale_layer_sound _ _ (fun v => theta v w) (e, bias) X _ x (@theta_continuous w) (bias_sound theta_at hw) hX).
- case: s => [|t [|c [|? ?]]] //; case: ps => [|w [|? ?]] //; case hw: literal_at => [k|] // [<-].
  exact: position_sound hw hX.
- exact: reshape_sound.
- case: s => [|h [|w [|c [|? ?]]]] // [<-]; first exact: token_means_sound.
  exact: (@average_sound _ _ x0 fraction batch h w c keep X x hX).
- case: s => [|t [|c [|? ?]]] //; case: ps => [|w [|? ?]] //; case hw: bias_at => [[[e bias]|]|] // [<-].
  exact: (@class_token_sound t (fun v => theta v w) (e, bias) X x (@theta_continuous w) (bias_sound theta_at hw) hX).
- by case: s => [|t [|c [|? ?]]] // [<-]; exact: select_sound.
by case: s => [|h [|w [|c [|? ?]]]] // [<-]; exact: upsample_sound.
Qed.
End Tokens.
