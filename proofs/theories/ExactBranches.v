(** * Branches on integers are branches

    Where branches are what [ExactTable.v] says, so are they repeated, multiplied,
    concatenated, subtracted, and their maxima.

    Glossary
      - [shared_holds]   rows that are made from other rows, all at once *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Scalar Number SpecJoin MeaningJoin RaiseGrouped.
From Cotangent Require Import RingTactic Floats ExactTable ExactNumbers ExactRows ExactLayers ExactJoin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma lead_rcons (i : idx) o : lead (rcons i o) = i.
Proof. by rewrite /lead size_rcons /= -cats1 take_size_cat. Qed.

Lemma part_rows_sound ps i es : part_rows ps i = Some es ->
  List.Forall2 (fun p en => look (f_table p.2) i = Some en /\ has_length p.1 en.2) ps es.
Proof.
elim: ps es => [|[c x] ps ih] es /=; first by case=> <-; constructor.
case hl: look => [en|] //; case: ifP => // hc; case hr: part_rows => [es'|] //= [<-].
by constructor; [split|exact: ih].
Qed.

Lemma one_row c x k es : all_rows c x [:: k] = Some es ->
  exists e, [/\ es = [:: e], look (f_table x) k = Some e & has_length c e.2].
Proof. by rewrite /=; case: look => [e|] //; case: ifP => // hc [<-]; exists e. Qed.

Section Branches.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Add Ring real_ring : (real_ring R).

Lemma shared_holds (c : N) e r (rect : bool) (X : V -> tensor R) sources make places : (0 <= r)%Z ->
  (forall i es, i \in places -> sources i = Some es -> (size (make es) <= N.to_nat c)%nat) ->
  (forall i es o, i \in places -> sources i = Some es -> (o < size (make es))%nat ->
     [/\ continuous_at x0 (fun v => X v (rcons i (N.of_nat o))),
         ball e r (nth 0%Z (make es) o) (X x0 (rcons i (N.of_nat o)))
       & rect -> nth 0%Z (make es) o = 0%Z -> \forall v \near x0, X v (rcons i (N.of_nat o)) = 0]) ->
  (forall i j es es' o, i \in places -> j \in places -> sources i = Some es -> sources j = Some es' ->
     [seq q.1 | q <- es] = [seq q.1 | q <- es'] -> (N.of_nat o < c)%num ->
     \forall v \near x0, X v (rcons i (N.of_nat o)) = X v (rcons j (N.of_nat o))) ->
  holds X (Fixed e (shared sources make places) rect r).
Proof.
move=> r0 hsz own same; split=> // i en /= hl.
pose P i en := [/\ at_entry x0 e r rect X i en, (size en.2 <= N.to_nat c)%nat & i \in places].
suff : P i en by case.
move: i en hl; apply: look_shared => [i es /In_mem hi he|i j es es' en /In_mem hi hes hes' em [hen sz hj]].
  split=> //; last exact: hsz hi he.
  by move=> o ho; have [cont val zero] := own _ _ _ hi he ho; split=> //=; exact: nearW.
split=> // o ho; have [cont val near zero] := hen o ho.
have hc : (N.of_nat o < c)%num by have /ssrnat.ltP := leq_trans ho sz; lia.
have s := same _ _ _ _ _ hi hj hes hes' em hc; split.
- exact: continuous_near s cont.
- by rewrite (near_value s).
- exact: near_eq_trans s near.
by move=> hr e0; apply: filterS2 s (zero hr e0) => v -> ->.
Qed.

Lemma same_place_rows (X : V -> tensor R) x i j en en' c o : holds X x ->
  look (f_table x) i = Some en -> has_length c en.2 -> look (f_table x) j = Some en' -> has_length c en'.2 ->
  en.1 = en'.1 -> (N.of_nat o < c)%num ->
  \forall v \near x0, X v (rcons i (N.of_nat o)) = X v (rcons j (N.of_nat o)).
Proof.
move=> hX h1 c1 h2 c2 em ho.
have [_ _ n1 _] := entry_at hX h1 (length_lt c1 ho); have [_ _ n2 _] := entry_at hX h2 (length_lt c2 ho).
by rewrite em in n1; exact: near_eq_trans n1 (near_eq_sym n2).
Qed.

(** ** Repeated *)
Lemma stretched_source s (y : tensor R) i o : (0 < size s)%nat -> size i = size s ->
  stretched s y (rcons i o) = y (rcons (source s i) (if N.eqb (last 0%num s) 1 then 0%num else o)).
Proof.
case/lastP: s => // s z _; rewrite size_rcons; case: i => // b i [hi].
rewrite /stretched /source lead_rcons last_rcons rcons_cons /=; congr (y (_ :: _)).
by rewrite -!cats1 zip_cat // map_cat.
Qed.

Lemma stretch_sound batch t s (X : V -> tensor R) x : (0 < size t)%nat -> size s = size t -> holds X x ->
  holds (fun v => stretched s (X v)) (stretch_value batch t s x).
Proof.
move=> ht hs hX; have s0 : (0 < size s)%nat by rewrite hs.
have place i : i \in idxs (lead (batch :: t)) -> size i = size s.
  by rewrite mem_idxs => /inb_size ->; rewrite hs /lead size_takel //= leqnSn.
set c := last 0%num s.
apply: (@shared_holds (if N.eqb c 1 then last 0%num t else c)) => [|i es hi|i es o hi|i j es es' o hi hj].
- exact: hX.1.
- move=> /one_row [e [-> _ /N.eqb_eq hc]]; rewrite -/c in hc *.
  by case: N.eqb; rewrite ?size_nseq // -hc Nnat.Nat2N.id.
- move=> /one_row [e [-> hk hc]]; rewrite -/c in hc * => ho.
  pose o' := if N.eqb c 1 then 0%num else N.of_nat o.
  have ho' : (N.to_nat o' < size e.2)%nat.
    rewrite /o'; move: ho; case: N.eqb_spec => [e1 _|_]; last by rewrite Nnat.Nat2N.id.
    by move/N.eqb_eq: hc; rewrite e1; case: (size e.2).
  have [cont val _ zero] := entry_at hX hk ho'.
  have form v : stretched s (X v) (rcons i (N.of_nat o)) = X v (rcons (source s i) o').
    by rewrite stretched_source ?place.
  have -> : nth 0%Z (if N.eqb c 1 then nseq (N.to_nat (last 0%num t)) (head 0%Z e.2) else e.2) o
      = nth 0%Z e.2 (N.to_nat o').
    rewrite /o'; move: ho; case: N.eqb_spec => [_|_]; last by rewrite Nnat.Nat2N.id.
    by rewrite size_nseq => ho; rewrite nth_nseq ho nth0.
  split; [by apply: continuous_near cont; apply: nearW => v; rewrite form|by rewrite form|].
  by move=> rect e0; apply: filterS (zero rect e0) => v; rewrite form.
move=> /one_row [e1 [-> k1 c1]] /one_row [e2 [-> k2 c2]] /= -[em] ho.
have n : \forall v \near x0, X v (rcons (source s i) (N.of_nat (N.to_nat (if N.eqb c 1 then 0%num else N.of_nat o))))
    = X v (rcons (source s j) (N.of_nat (N.to_nat (if N.eqb c 1 then 0%num else N.of_nat o)))).
  apply: (same_place_rows hX k1 c1 k2 c2 em); rewrite Nnat.N2Nat.id; move: ho.
  by rewrite -/c; case: N.eqb_spec => // ->.
by apply: filterS n => v; rewrite Nnat.N2Nat.id !stretched_source ?place.
Qed.

(** ** Products *)
Lemma within_nth m r j : within m r -> (j < size r)%nat -> (Z.abs (nth 0%Z r j) <= m)%Z.
Proof. by move=> /(all_nthP 0%Z) h /h /Z.leb_le. Qed.

Lemma ball_mul e e' r r' z z' m m' v v' : ball e r z v -> ball e' r' z' v' ->
  (Z.abs z <= m)%Z -> (Z.abs z' <= m')%Z ->
  ball (e + e') (m * r' + m' * r + r * r') (z * z') (v * v').
Proof.
move=> b b' hm hm'; have r0 := ball_radius b; have r0' := ball_radius b'.
rewrite /ExactNumbers.ball dyadicM.
rewrite (_ : v * v' - _ = dyadic R e z * (v' - dyadic R e' z') + (v - dyadic R e z) * dyadic R e' z'
    + (v - dyadic R e z) * (v' - dyadic R e' z')); last first.
  by move: (dyadic R e z) (dyadic R e' z') => a b0; reals R.
have n1 : `|dyadic R e z| <= dyadic R e m by rewrite dyadic_norm; exact: dyadic_leP.
have n2 : `|dyadic R e' z'| <= dyadic R e' m' by rewrite dyadic_norm; exact: dyadic_leP.
have n3 : `|v - dyadic R e z| <= dyadic R e r by exact: b.
have n4 : `|v' - dyadic R e' z'| <= dyadic R e' r' by exact: b'.
rewrite !dyadicD (Z.mul_comm m') !dyadicM; apply: le_trans (ler_norm_add _ _) _; apply: ler_add.
  by apply: le_trans (ler_norm_add _ _) _; apply: ler_add; rewrite normrM; apply: ler_pmul.
by rewrite normrM; apply: ler_pmul.
Qed.

Lemma fold_abs_ge0 m0 r : (0 <= m0)%Z -> (0 <= foldr (fun z m => Z.max (Z.abs z) m) m0 r)%Z.
Proof. by elim: r => //= z r ih /ih; lia. Qed.

Lemma greatest_ge0 x : (0 <= greatest_entry x)%Z.
Proof.
rewrite /greatest_entry PositiveMap.fold_1; elim/last_ind: (PositiveMap.elements _) => //= l a ih.
by rewrite -cats1 List.fold_left_app /=; exact: fold_abs_ge0.
Qed.

Lemma product_sound s (X Y : V -> tensor R) x y : holds X x -> holds Y y ->
  holds (fun v i => X v i * Y v i) (product_value s x y).
Proof.
move=> hX hY; have mx : (0 <= greatest_entry x)%Z by exact: greatest_ge0.
have my : (0 <= greatest_entry y)%Z by exact: greatest_ge0.
rewrite /product_value; set c := last _ s; set Mx := greatest_entry x in mx *; set My := greatest_entry y in my *.
have two i es : branch_rows c [:: x; y] i = Some es -> exists a b,
    [/\ es = [:: a; b], look (f_table x) i = Some a, has_length c a.2, look (f_table y) i = Some b & has_length c b.2].
  rewrite /=; case ha: look => [a|] //; case: ifP => // la; case hb: look => [b|] //; case: ifP => //= lb [<-].
  by exists a, b.
have len r : has_length c r -> size r = N.to_nat c by move=> /N.eqb_eq <-; rewrite Nnat.Nat2N.id.
apply: (@shared_holds c) => [|i es hi|i es o hi|i j es es' o hi hj].
- by have := hX.1; have := hY.1; nia.
- move=> /two [a [b [-> _ la _ _]]]; case: ifP => // _.
  by rewrite zip_with_size; apply: leq_trans (geq_minl _ _) _; rewrite (len _ la).
- move=> /two [a [b [-> ha la hb lb]]]; case: ifP => // /andP [wa wb].
  move=> ho; have := ho; rewrite zip_with_size leq_min => /andP [oa ob].
  have [ca va _ _] := hX.2 _ _ ha o oa; have [cb vb _ _] := hY.2 _ _ hb o ob; rewrite /= in ca va cb vb.
  rewrite zip_with_nth //; split; first exact: continuous_mul.
    by apply: ball_mul => //; exact: within_nth.
  move=> /andP [zx zy] /Z.mul_eq_0 [e0|e0].
    by apply: filterS (zeros_stay_zero hX zx ha oa e0) => v ->; rewrite mul0r.
  by apply: filterS (zeros_stay_zero hY zy hb ob e0) => v ->; rewrite mulr0.
move=> /two [a [b [-> ha la hb lb]]] /two [a' [b' [-> ha' la' hb' lb']]] [ea eb] ho.
apply: filterS2 (same_place_rows hX ha la ha' la' ea ho) (same_place_rows hY hb lb hb' lb' eb ho) => v e1 e2.
by rewrite e1 e2.
Qed.

(** ** Differences and maxima *)
Lemma ball_sub e r r' z z' (v v' : R) : ball e r z v -> ball e r' z' v' -> ball e (r + r') (z - z') (v - v').
Proof. by move=> h h'; rewrite -Z.add_opp_r; apply: ball_add => //; rewrite /ExactNumbers.ball dyadicN -opprD normrN. Qed.

Lemma paired_sound (F : R -> R -> R) op radius (rect : bool) s (X Y : V -> tensor R) x y :
  (forall e r r' z z' v v', ball e r z v -> ball e r' z' v' -> ball e (radius r r') (op z z') (F v v')) ->
  (forall f g : V -> R, continuous_at x0 f -> continuous_at x0 g -> continuous_at x0 (fun v => F (f v) (g v))) ->
  (forall r r', (0 <= r)%Z -> (0 <= r')%Z -> (0 <= radius r r')%Z) ->
  (forall i a b o k k', rect -> look (f_table x) i = Some a -> look (f_table y) i = Some b ->
     (o < size a.2)%nat -> (o < size b.2)%nat ->
     op (Z.shiftl (nth 0%Z a.2 o) (Z.of_N k)) (Z.shiftl (nth 0%Z b.2 o) (Z.of_N k')) = 0%Z ->
     \forall v \near x0, F (X v (rcons i (N.of_nat o))) (Y v (rcons i (N.of_nat o))) = 0) ->
  holds X x -> holds Y y ->
  holds (fun v i => F (X v i) (Y v i)) (paired_value op radius rect s x y).
Proof.
move=> hop hc hr hz hX hY; rewrite /paired_value; set c := last _ s; set e := N.max _ _.
have two i es : branch_rows c [:: x; y] i = Some es -> exists a b,
    [/\ es = [:: a; b], look (f_table x) i = Some a, has_length c a.2, look (f_table y) i = Some b & has_length c b.2].
  rewrite /=; case ha: look => [a|] //; case: ifP => // la; case hb: look => [b|] //; case: ifP => //= lb [<-].
  by exists a, b.
have len r : has_length c r -> size r = N.to_nat c by move=> /N.eqb_eq <-; rewrite Nnat.Nat2N.id.
have fine e0 r0 z0 v0 : (e0 <= e)%num -> ball e0 r0 z0 v0 ->
    ball e (Z.shiftl r0 (Z.of_N (e - e0))) (Z.shiftl z0 (Z.of_N (e - e0))) v0.
  move=> le b0; have ee : e = (e0 + (e - e0))%num by lia.
  by rewrite [X in ball X]ee ball_shift; exact: b0.
have al k r o : (o < size r)%nat -> nth 0%Z (align k r) o = Z.shiftl (nth 0%Z r o) (Z.of_N k).
  by rewrite /align; case: N.eqb_spec => [->|_] ho; [rewrite Z.shiftl_0_r|rewrite (nth_map 0%Z)].
apply: (@shared_holds c) => [|i es hi|i es o hi|i j es es' o hi hj].
- by apply: hr; rewrite Z.shiftl_nonneg; [exact: hX.1|exact: hY.1].
- move=> /two [a [b [-> _ la _ _]]].
  by rewrite zip_with_size align_size; apply: leq_trans (geq_minl _ _) _; rewrite (len _ la).
- move=> /two [a [b [-> ha la hb lb]]] ho; have := ho; rewrite zip_with_size !align_size leq_min => /andP [oa ob].
  have [ca va _ _] := hX.2 _ _ ha o oa; have [cb vb _ _] := hY.2 _ _ hb o ob; rewrite /= in ca va cb vb.
  rewrite zip_with_nth // !al //; split; first exact: hc.
    by apply: hop; apply: fine => //; rewrite /e; lia.
  by move=> hrect; exact: hz ha hb oa ob.
move=> /two [a [b [-> ha la hb lb]]] /two [a' [b' [-> ha' la' hb' lb']]] [ea eb] ho.
apply: filterS2 (same_place_rows hX ha la ha' la' ea ho) (same_place_rows hY hb lb hb' lb' eb ho) => v e1 e2.
by rewrite e1 e2.
Qed.

Lemma difference_sound s (X Y : V -> tensor R) x y : holds X x -> holds Y y ->
  holds (fun v i => X v i - Y v i) (difference_value s x y).
Proof.
apply: (@paired_sound (fun a b => a - b)) => // [e r r' z z' v v'|f k cf ck|r r' ? ?].
- exact: ball_sub.
- exact: continuousB.
lia.
Qed.

Lemma maximum_sound s (X Y : V -> tensor R) x y : holds X x -> holds Y y ->
  holds (fun v i => Num.max (X v i) (Y v i)) (maximum_value s x y).
Proof.
move=> hX hY.
apply: (@paired_sound Num.max) => // [e r r' z z' v v' b b'|f k cf ck|r r' ? ?|i a b o k k' /andP [sx sy] ha hb oa ob].
- by apply: ball_max; [apply: ball_weaken b|apply: ball_weaken b']; lia.
- exact: continuous_max.
- lia.
have [zero _] := follows_max (follows_shift k (settled_follows hX sx ha oa)) (follows_shift k' (settled_follows hY sy hb ob)).
exact: zero.
Qed.

(** ** Concatenations *)
Notation branch := (shape * (V -> tensor R))%type.
Definition parted (rm : seq branch) (ps : seq (N * fixed)) : Prop :=
  List.Forall2 (fun q p => feature_count q.1 = p.1 /\ holds q.2 p.2) rm ps.

Lemma concat_row_sound e rm ps i es o : parted rm ps ->
  all (fun x => N.leb (f_exponent x) e) (unzip2 ps) ->
  List.Forall2 (fun p en => look (f_table p.2) i = Some en /\ has_length p.1 en.2) ps es ->
  (o < size (concat_row e ps es))%nat ->
  let value v := concatenated [seq (q.1, q.2 v) | q <- rm] i (N.of_nat o) in
  [/\ continuous_at x0 value, ball e (concat_radius e (unzip2 ps)) (nth 0%Z (concat_row e ps es) o) (value x0)
    & all f_rectified (unzip2 ps) -> nth 0%Z (concat_row e ps es) o = 0%Z -> \forall v \near x0, value v = 0].
Proof.
move=> h; elim: h es o => [|q [c x] {}rm {}ps [ec hx] _ ih] es o /=; first by move=> _ hF; inversion hF.
move=> /andP [/N.leb_le le ok] hF; inversion hF as [|? en ? es' [hl hc] h2]; subst => /=; rewrite /= in hl hc ec hx.
have /N.eqb_eq hc' := hc; rewrite size_cat nth_cat align_size => ho; rewrite ec.
case: (N.ltb_spec (N.of_nat o) c) => side.
  have ho' : (o < size en.2)%nat by apply/ssrnat.ltP; lia.
  have [cont val _ zero] := hx.2 _ _ hl o ho'; rewrite /= in cont val zero; rewrite ho'.
  have al : nth 0%Z (align (e - f_exponent x) en.2) o = Z.shiftl (nth 0%Z en.2 o) (Z.of_N (e - f_exponent x)).
    rewrite /align; case: N.eqb_spec => [->|_]; first by rewrite Z.shiftl_0_r.
    by rewrite (nth_map 0%Z).
  split=> //.
    apply: (@ball_weaken _ _ (Z.shiftl (f_radius x) (Z.of_N (e - f_exponent x)))); first by lia.
    rewrite al; have {1}-> : e = (f_exponent x + (e - f_exponent x))%num by lia.
    by rewrite ball_shift.
  move=> /andP [rx _]; rewrite al Z.shiftl_eq_0_iff; last exact: N2Z.is_nonneg.
  exact: zero.
have ho' : (size en.2 <= o)%nat by apply/ssrnat.leP; lia.
rewrite ltnNge ho' /=.
have eo : (N.of_nat o - c)%num = N.of_nat (o - size en.2).
  by rewrite Nnat.Nat2N.inj_sub -hc'.
have [|cont val zero] := ih es' (o - size en.2)%nat ok h2; first by rewrite ltn_subLR.
rewrite eo; split=> //; first by apply: ball_weaken val; lia.
by move=> /andP [_ r]; exact: zero.
Qed.

Lemma concat_row_size e ps i es : 
  List.Forall2 (fun p en => look (f_table p.2) i = Some en /\ has_length p.1 en.2) ps es ->
  size (concat_row e ps es) = N.to_nat (foldr N.add 0%num (unzip1 ps)).
Proof.
elim=> //= -[c x] en {}ps {}es [_ /N.eqb_eq hc] _ ih; rewrite /= in hc *.
by rewrite size_cat align_size ih Nnat.N2Nat.inj_add -hc Nnat.Nat2N.id.
Qed.

Lemma concat_same rm ps i j es es' k : parted rm ps ->
  List.Forall2 (fun p en => look (f_table p.2) i = Some en /\ has_length p.1 en.2) ps es ->
  List.Forall2 (fun p en => look (f_table p.2) j = Some en /\ has_length p.1 en.2) ps es' ->
  [seq q.1 | q <- es] = [seq q.1 | q <- es'] ->
  \forall v \near x0, concatenated [seq (q.1, q.2 v) | q <- rm] i k = concatenated [seq (q.1, q.2 v) | q <- rm] j k.
Proof.
move=> h; elim: h es es' k => [|q [c x] {}rm {}ps [ec hx] _ ih] es es' k h1 h2; first by move=> _; exact: nearW.
inversion h1 as [|? en ? es1 [hl hc] t1]; inversion h2 as [|? en' ? es2 [hl' hc'] t2]; subst.
move=> -[em] /(ih _ _ (k - c)%num t1 t2) n; rewrite /= ec in hl hc hl' hc' hx n *.
case: N.ltb_spec => [lt|//]; rewrite -(Nnat.N2Nat.id k).
by apply: (same_place_rows hx hl hc hl' hc' em); rewrite Nnat.N2Nat.id.
Qed.

Lemma largest_exponent_ge xs : all (fun x => N.leb (f_exponent x) (largest_exponent xs)) xs.
Proof.
elim: xs => //= x l ih; apply/andP; split; first by apply/N.leb_le; lia.
by apply: sub_all ih => y /N.leb_le hy; apply/N.leb_le; lia.
Qed.

Lemma concat_sound s rm ps : parted rm ps ->
  holds (fun v i => concatenated [seq (q.1, q.2 v) | q <- rm] (lead i) (last 0%num i)) (concat_value s ps).
Proof.
move=> h; rewrite /concat_value; set e := largest_exponent _.
apply: (@shared_holds (foldr N.add 0%num (unzip1 ps))) => [|i es hi /part_rows_sound hF|i es o hi /part_rows_sound hF ho|].
- by rewrite /concat_radius; elim: (unzip2 ps) => //= *; lia.
- by rewrite (concat_row_size _ hF).
- have [cont val zero] := concat_row_sound h (largest_exponent_ge _) hF ho.
  split.
  + by apply: continuous_near cont; apply: nearW => v; rewrite lead_rcons last_rcons.
  + by rewrite lead_rcons last_rcons.
  by move=> r e0; apply: filterS (zero r e0) => v; rewrite lead_rcons last_rcons.
move=> i j es es' o hi hj /part_rows_sound h1 /part_rows_sound h2 em ho.
by apply: filterS (concat_same (N.of_nat o) h h1 h2 em) => v; rewrite !lead_rcons !last_rcons.
Qed.
End Branches.
