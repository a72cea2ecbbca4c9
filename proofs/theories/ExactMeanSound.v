(** * Means on integers are means

    Where the rows of a pool's input are what [ExactTable.v] says, so are those
    of its output.

    Glossary
      - [total_sound]    the sum of a feature over some places, and how far it is
                         from that of the integers
      - [mean_layer_sound]  any means of a layer's rows
      - [avg_pool_sound], [global_avg_pool_sound], [average_sound]  the layers
                         that are such
      - [mean_image]     a mean over rows and columns is a double sum *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number TwinNumbers SpecLayer CheckSound Images.
From Cotangent Require Import RingTactic Floats ExactTable ExactNumbers ExactRows ExactLayers ExactNormSound ExactMean.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma total_row_size c es : (size (total_row c es) <= N.to_nat c)%nat.
Proof.
elim: es => [|e es ih] /=; first by rewrite size_nseq.
by rewrite zip_with_size; apply: leq_trans (geq_minr _ _) ih.
Qed.

Lemma total_row_nth c es o : (o < size (total_row c es))%nat ->
  nth 0%Z (total_row c es) o = foldr Z.add 0%Z [seq nth 0%Z e.2 o | e : entry <- es].
Proof.
elim: es => [|e es ih] /=; first by rewrite size_nseq => ho; rewrite nth_nseq ho.
by move=> ho; have := ho; rewrite zip_with_size leq_min => /andP [_ /ih <-]; rewrite zip_with_nth.
Qed.

Section Mean.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Notation int := (int_real R).
Add Ring real_ring : (real_ring R).

Lemma quotient_shift (a b c d n : R) : a / n * (b * c) - d * c / n = (a * b - d) * (c / n).
Proof. by move: n^-1 => m; reals R. Qed.

Lemma ceiling_near u d : (0 < d)%Z -> `|int u / int d - int (- (- u / d))| <= 1.
Proof.
move=> d0; have /andP [] := floor_near R (- u) d0; rewrite !intN opprK mulNr -opprD => f1 f2.
by rewrite -normrN ger0_norm.
Qed.

(** The sum of a feature, over the sources. *)
Lemma total_sound c (X : V -> tensor R) x ps es o : holds X x ->
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) ps es -> (N.of_nat o < c)%num ->
  continuous_at x0 (fun v => \sum_(p <- ps) X v (rcons p (N.of_nat o)))
  /\ `|(\sum_(p <- ps) X x0 (rcons p (N.of_nat o))) * 2%:R ^+ N.to_nat (f_exponent x)
       - int (foldr Z.add 0%Z [seq nth 0%Z e.2 o | e : entry <- es])|
     <= int (Z.of_nat (size es) * f_radius x).
Proof.
move=> hX hF ho; have at_ p en : look (f_table x) p = Some en -> has_length c en.2 ->
    continuous_at x0 (fun v => X v (rcons p (N.of_nat o)))
    /\ ball (f_exponent x) (f_radius x) (nth 0%Z en.2 o) (X x0 (rcons p (N.of_nat o))).
  move=> hl hc; have ho' : (o < size en.2)%nat by have := length_lt hc ho; rewrite Nnat.Nat2N.id.
  by have [] := hX.2 _ _ hl o ho'.
split.
  by apply: continuous_sum => p hp; have [en _ [hl hc]] := Forall2_In hF hp; have [] := at_ _ _ hl hc.
have h : List.Forall2 (fun p z => `|X x0 (rcons p (N.of_nat o)) * 2%:R ^+ N.to_nat (f_exponent x) - int z|
    <= int (f_radius x)) ps [seq nth 0%Z e.2 o | e : entry <- es].
  apply: Forall2_mapr; apply: Forall2_weaken hF => p en [hl hc].
  by rewrite -ball_scaled; have [] := at_ _ _ hl hc.
by rewrite big_distrl; have := sum_near h; rewrite size_map.
Qed.

(** A sum of what is not below 0. *)
Lemma total_zero c (X : V -> tensor R) x ps es o : holds X x -> nonnegative x ->
  List.Forall2 (fun i en => look (f_table x) i = Some en /\ has_length c en.2) ps es -> (N.of_nat o < c)%num ->
  let total := foldr Z.add 0%Z [seq nth 0%Z e.2 o | e : entry <- es] in
  (0 <= total)%Z /\ (total = 0%Z -> \forall v \near x0, \sum_(p <- ps) X v (rcons p (N.of_nat o)) = 0).
Proof.
move=> hX hn hF hc; elim: hF => [|p en {}ps {}es [hl len] _ [ge zero]] /=.
  by split=> // _; apply: nearW => v; rewrite big_nil.
have ho : (o < size en.2)%nat by have := length_lt len hc; rewrite Nnat.Nat2N.id.
have [ge' zero'] := nonnegative_zero hX hn hl ho; split=> [|e0]; first by rewrite /= in ge; lia.
have [e1 e2] : nth 0%Z en.2 o = 0%Z /\ foldr Z.add 0%Z [seq nth 0%Z e.2 o | e : entry <- es] = 0%Z.
  by rewrite /= in ge; lia.
by apply: filterS2 (zero' e1) (zero e2) => v h1 h2; rewrite big_cons h1 h2 addr0.
Qed.

Lemma mean_layer_sound fraction c (sources : idx -> seq idx) (count : nat -> Z) (X Y : V -> tensor R) x places :
  holds X x ->
  (forall v i o, i \in places -> (o < c)%num ->
     Y v (rcons i o) = (\sum_(p <- sources i) X v (rcons p o)) / int (count (size (sources i)))) ->
  holds Y (mean_layer fraction c sources count x places).
Proof.
move=> hX hY; set e := mean_exponent fraction x; set k := Z.of_N (e - f_exponent x).
have sl a : Z.shiftl a k = (a * 2 ^ k)%Z by apply: Z.shiftl_mul_pow2; exact: N2Z.is_nonneg.
have p0 : (0 < 2 ^ k)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
split=> [|i en /= hl]; first by rewrite /= sl; have := hX.1; nia.
pose P i en := [/\ at_entry x0 e (Z.shiftl (f_radius x) k + 1) (nonnegative x) Y i en, (size en.2 <= N.to_nat c)%nat
  & i \in places].
suff : P i en by case.
move: i en hl; apply: look_shared => [i es /In_mem hi he|].
  have hF := all_rows_sound he; split=> //; last first.
    by rewrite /mean_row; case: ifP => // _; rewrite /= size_map; exact: total_row_size.
  apply: at_entry_self => o; rewrite /mean_row; case: ifP => // /andP [/Z.ltb_lt n0 /Z.leb_le le].
  rewrite size_map => ho.
  have hc : (N.of_nat o < c)%num by have /ssrnat.ltP := leq_trans ho (total_row_size _ _); lia.
  have sz : size (sources i) = size es by have [-> _] := Forall2_nth [::] ([::], [::]) hF.
  have [cont bound] := total_sound hX hF hc; set n := count (size es) in n0 le *.
  have form v : Y v (rcons i (N.of_nat o)) = (\sum_(p <- sources i) X v (rcons p (N.of_nat o))) / int n.
    by rewrite hY // sz.
  split.
    apply: (@continuous_near _ _ _ _ (fun v => (\sum_(p <- sources i) X v (rcons p (N.of_nat o))) / int n)).
      exact: nearW form.
    by apply: continuous_mul => //; exact: continuous_const.
  all: swap 1 2.
    rewrite (nth_map 0%Z) // total_row_nth // -/e -/k => hn; have [ge zero] := total_zero hX hn hF hc.
    rewrite /= in ge zero; move: (foldr _ _ _) ge zero => T ge zero e0.
    have T0 : T = 0%Z.
      have /Z.shiftl_eq_0_iff -> // : Z.shiftl T k = 0%Z; last exact: N2Z.is_nonneg.
      have q0 : (- Z.shiftl T k / n = 0)%Z by lia.
      have := Z.div_mod (- Z.shiftl T k) n ltac:(lia); have := Z.mod_pos_bound (- Z.shiftl T k) n n0.
      have := proj2 (Z.shiftl_nonneg T k) ge; rewrite q0; lia.
    by apply: filterS (zero T0) => v s0; rewrite form s0 mul0r.
  rewrite form (nth_map 0%Z) // total_row_nth //.
  move: bound; set S := \sum_(_ <- _) _; set T := foldr _ _ _ => bound.
  have n1 := int_gt0 R n0; have up := ceiling_near (Z.shiftl T k) n0.
  rewrite ball_scaled intD [int 1]/(1 : R).
  have ee : 2%:R ^+ N.to_nat e = 2%:R ^+ N.to_nat (f_exponent x) * 2%:R ^+ N.to_nat (e - f_exponent x) :> R.
    rewrite -exprD -plusE -Nnat.N2Nat.inj_add; congr (_ ^+ N.to_nat _).
    by rewrite /e /mean_exponent; lia.
  rewrite -[_ - int _](subrKA (int (Z.shiftl T k) / int n)); apply: le_trans (ler_norm_add _ _) _.
  apply: ler_add; last exact: up.
  rewrite /k !int_shift -/k ee.
  rewrite quotient_shift.
  have q0 : 0 < 2%:R ^+ N.to_nat (e - f_exponent x) :> R by rewrite exprn_gt0 // ltr0n.
  rewrite normrM [X in _ * X]gtr0_norm ?divr_gt0 // mulrA ler_pdivr_mulr //.
  rewrite mulrAC ler_pmul2r //; apply: le_trans bound _; rewrite mulrC -intM; apply: int_leP.
  by have := hX.1; nia.
move=> i j es es' en /In_mem hi hes hes' em [hen sz hj]; split=> //.
apply: (at_entry_as hen) => o ho.
have hc : (N.of_nat o < c)%num by have /ssrnat.ltP := leq_trans ho sz; lia.
have [s1 _] := Forall2_nth [::] ([::], [::]) (all_rows_sound hes).
have [s2 _] := Forall2_nth [::] ([::], [::]) (all_rows_sound hes').
have same : size es = size es' by rewrite -(size_map fst es) em size_map.
have := same_rows hX hc (all_rows_sound hes) (all_rows_sound hes') em.
apply: filterS => v h; rewrite !hY // s1 s2 same; congr (_ / _).
have := congr1 (fun l => \sum_(y <- l) y) h; rewrite !big_map; exact.
Qed.

Variables fraction batch : N.

Lemma avg_pool_sound h w c v u b (X : V -> tensor R) x : holds X x ->
  holds (fun z => Images.avg_pool h w v u b (X z)) (avg_pool fraction batch h w c v u b x).
Proof.
move=> hX; apply: mean_layer_sound hX _ => z i o /idxs3 [n [r [q [-> _ _ _]]]] _.
rewrite /Images.avg_pool /window_values /window_sources /= !big_map !size_map.
by case: b => //; rewrite -nat_N_Z int_real_nat Nnat.Nat2N.id.
Qed.

Lemma global_avg_pool_sound h w c (X : V -> tensor R) x : holds X x ->
  holds (fun v i => (\sum_(p <- Nrange h) \sum_(q <- Nrange w) X v [:: nth 0%num i 0; p; q; nth 0%num i 1])
                    / int (Z.of_N (h * w))) (global_avg_pool fraction batch h w c x).
Proof.
move=> hX; apply: mean_layer_sound hX _ => z i o; rewrite mem_idxs.
case: i => [|n [|? ?]] //=; rewrite ?andbF // => _ _; congr (_ / _).
by rewrite big_allpairs_dep.
Qed.

Lemma mean_image n h w c (x : tensor R) b o : (b < n)%num -> (o < c)%num ->
  mean [:: n; h; w; c] [:: 1; 2]%num x [:: b; o]
  = (\sum_(p <- Nrange h) \sum_(q <- Nrange w) x [:: b; p; q; o]) / int (Z.of_N (h * w)).
Proof.
move=> hb ho; rewrite /mean; have -> : Denote.number R [:: n; h; w; c] [:: 1; 2]%num = int (Z.of_N (h * w)).
  by rewrite /Denote.number /= N.mul_1_r.
congr (_ / _).
have one (k m : N) (F : N -> R) : (k < m)%num -> \sum_(a <- Nrange m) (if a == k then F a else 0) = F k.
  move=> hk; rewrite -big_mkcond -big_filter filter_pred1_uniq ?Nrange_uniq ?big_seq1 // mem_Nrange.
  exact/N.ltb_lt.
have idxsE m s : idxs (m :: s) = [seq a :: l | a <- Nrange m, l <- idxs s] by [].
rewrite big_mkcond idxsE big_allpairs_dep.
rewrite -[RHS](one b n (fun a => \sum_(p <- Nrange h) \sum_(q <- Nrange w) x [:: a; p; q; o]) hb).
apply: eq_bigr => a _; case: eqP => [->|ne].
  rewrite idxsE big_allpairs_dep; apply: eq_bigr => p _; rewrite idxsE big_allpairs_dep; apply: eq_bigr => q _.
  rewrite idxs1 big_map -[RHS](one o c (fun k => x [:: b; p; q; k]) ho); apply: eq_bigr => k _.
  by rewrite /pick /= !eqseq_cons eqxx /= andbT.
rewrite big1_seq // => l _; case: eqP => // e; case: ne.
by case: e.
Qed.

Lemma average_sound h w c keep (X : V -> tensor R) x : holds X x ->
  holds (fun v i => mean [:: batch; h; w; c] [:: 1; 2]%num (X v) [:: nth 0%num i 0; last 0%num i])
    (average fraction batch h w c keep x).
Proof.
move=> hX; apply: mean_layer_sound hX _ => z i o hi ho; rewrite last_rcons.
have {}hi : (nth 0%num i 0 < batch)%num /\ nth 0%num (rcons i o) 0 = nth 0%num i 0.
  case: keep hi; rewrite mem_idxs; case: i => [|b i] //= /andP [/N.ltb_lt hb _]; by split.
have [hb ->] := hi; rewrite (mean_image _ _ _ hb ho); congr (_ / _).
by rewrite big_allpairs_dep.
Qed.
End Mean.
