(** * Attention on integers is attention

    Where the rows of queries, keys and values are what [ExactTable.v] says, so is
    what the heads make of them.

    Glossary
      - [near_softmax_sound]  a softmax of balls is that of the numbers
      - [near_features]  a row in balls is of these numbers
      - [attention_heads_sound]  what [attention_heads] computes; so of
                         [self_heads_sound], [context_heads_sound] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype sequences exp.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Scalar SmoothFacts Number TwinNumbers RaiseGrouped CheckSound SpecLayer MeaningLayer AttentionFormula.
From Cotangent Require Import RingTactic ExactTable ExactNumbers ExactRows ExactLayers ExactNormSound ExactBentSound ExactBranches.
From Cotangent Require Import ExactNormLayer ExactExp ExactSmooth ExactSmoothSound ExactSmoothLayer ExactTransposed ExactTransposedSound ExactAttention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Near.
Variables (R : realType) (g : N).
Notation int := (int_real R).
Notation is_near := (@is_near R g).
Add Ring real_ring : (real_ring R).
Let s : R := 2%:R ^+ N.to_nat g.

Let s_gt0 : 0 < s. Proof. by rewrite exprn_gt0 // ltr0n. Qed.

Lemma near_zero : is_near (0, 0)%Z 0.
Proof. by rewrite /ExactSmoothSound.is_near -(dyadic0 R g); exact: ball_exact. Qed.

Lemma near_total_sound (T : Type) (L : seq T) (f : T -> R) l : List.Forall2 (fun a b => is_near b (f a)) L l ->
  is_near (near_total l) (\sum_(a <- L) f a).
Proof.
elim=> [|a b {}L {}l h _ ih] /=; first by rewrite big_nil; exact: near_zero.
by rewrite big_cons; exact: near_add_sound.
Qed.

Lemma near_dot_sound (T : Type) (L : seq T) (f h : T -> R) l l' :
  List.Forall2 (fun a b => is_near b (f a)) L l -> List.Forall2 (fun a b => is_near b (h a)) L l' ->
  is_near (near_dot g l l') (\sum_(a <- L) f a * h a).
Proof.
move=> hl; elim: hl l' => [|a b {}L {}l hb _ ih] l' hl'; inversion hl'; subst => /=.
  by rewrite big_nil; exact: near_zero.
by rewrite big_cons; apply: near_add_sound; [exact: near_mul_sound|exact: ih].
Qed.

Lemma near_root_sound p b : near_root g p = Some b -> is_near b (Num.sqrt (int p))^-1.
Proof.
rewrite /near_root; set top := Z.shiftl _ _; set w := Z.sqrt _.
case: ifP => // /and4P [/Z.ltb_lt p0 /Z.leb_le w0 /Z.leb_le lo /Z.leb_le hi] [<-].
have etop : int top = s * s.
  by rewrite /top int_shift mul1r Nnat.N2Nat.inj_add plusE exprD.
have q0 : 0 < int p by exact: int_gt0.
rewrite /ExactSmoothSound.is_near ball_scaled /= -/s; set v := _^-1.
have r0 : 0 < Num.sqrt (int p) by rewrite sqrtr_gt0.
have v0 : 0 < v by rewrite invr_gt0.
have unit : v * v * int p = 1.
  by rewrite -[X in _ * X](sqr_sqrtr (ltW q0)) expr2 mulrACA mulVf ?gt_eqF // mulr1.
have square c d : 0 <= c -> 0 <= d -> c * c * int p <= d * d * int p -> c <= d.
  by move=> c0 d0; rewrite ler_pmul2r // -!expr2 ler_sqr.
have vs : v * s * (v * s) * int p = s * s.
  have swap a c d : c * d * (c * d) * a = c * c * a * (d * d) :> R by reals R.
  by rewrite swap unit mul1r.
have W0 : 0 <= int w by apply: (@int_leP R 0%Z).
have lower : int w <= v * s.
  apply: square => //; first by rewrite mulr_ge0 // ltW.
  by rewrite vs -etop -!intM; exact: int_leP.
have upper : v * s <= int (w + 1).
  apply: square; first by rewrite mulr_ge0 // ltW.
    by apply: (@int_leP R 0%Z); lia.
  by rewrite vs -etop -!intM; exact: int_leP.
by rewrite ger0_norm ?subr_ge0 // ler_subl_addl; apply: le_trans upper _; rewrite intD.
Qed.

Lemma exp_below (v : R) : v <= - (N.to_nat g)%:R -> expR v <= s^-1.
Proof.
move=> h; apply: le_trans (_ : expR (- (N.to_nat g)%:R) <= _); first by rewrite ler_expR.
rewrite expRN lef_pinv ?posrE ?expR_gt0 //.
have -> : (N.to_nat g)%:R = (N.to_nat g)%:R * 1 :> R by rewrite mulr1.
rewrite expRMm; apply: ler_expn2r; rewrite ?nnegrE ?ler0n ?(ltW (expR_gt0 _)) //.
have := exp_sum_le 2 (@ler01 R); rewrite /exp_sum !big_ord_recl big_ord0 /= expr0 expr1 !divr1 addr0.
by rewrite -[1 + 1]/(2%:R).
Qed.

Lemma near_power_sound b p v : is_near b v -> near_power g b = Some p -> is_near p (expR v).
Proof.
move=> hb; rewrite /near_power; case: Z.leb_spec => [le [<-]|_]; last exact: near_exp_sound.
rewrite /ExactSmoothSound.is_near /ExactNumbers.ball dyadic0 subr0 ger0_norm ?(ltW (expR_gt0 _)) //.
have -> : dyadic R g 1 = s^-1 by rewrite /dyadic [int_real R 1]/(1 : R) mul1r.
apply: exp_below.
have up : v <= dyadic R g (b.1 + b.2).
  move: hb; rewrite /ExactSmoothSound.is_near /ball ler_distl => /andP [_]; by rewrite dyadicD.
apply: le_trans up _; have := dyadic_leP R g le; rewrite dyadicN dyadic_int.
by rewrite int_real_nat.
Qed.

Lemma near_softmax_sound (T : Type) (L : seq T) (f : T -> R) l ws :
  List.Forall2 (fun a b => is_near b (f a)) L l -> near_softmax g l = Some ws ->
  List.Forall2 (fun a w => is_near w (expR (f a) / (\sum_(k <- L) expR (f k)))) L ws
  /\ (\sum_(k <- L) expR (f k)) != 0.
Proof.
move=> hl; rewrite /near_softmax; move: (foldr _ _ _) => c; case he: all_some => [es|] //.
case hi: near_inverse => [q|] //= [<-].
have hes : List.Forall2 (fun a e => is_near e (expR (f a) * expR (- int c))) L es.
  move: (all_some_sound he); elim: hl es {he hi} => [|a b {}L {}l hb _ ih] es hF; inversion hF; subst; constructor.
    rewrite -expRD; apply: near_power_sound; last eassumption.
    by apply: near_add_sound => //; apply: near_opp_sound; exact: near_int_sound.
  exact: ih.
have [pos inv] := near_inverse_sound (near_total_sound hes) hi.
have k0 : 0 < expR (- int c) by exact: expR_gt0.
rewrite -mulr_suml in pos inv; split.
  apply: Forall2_mapr; apply: Forall2_weaken hes => a e h.
  have -> : expR (f a) / (\sum_(k <- L) expR (f k))
      = expR (f a) * expR (- int c) * ((\sum_(k <- L) expR (f k)) * expR (- int c))^-1.
    by rewrite invfM mulrACA divff ?mulr1 // gt_eqF.
  exact: near_mul_sound.
by move: pos; rewrite pmulr_lgt0 // => h; rewrite gt_eqF.
Qed.
End Near.

Lemma nth_Nrange n j : (j < n)%num -> nth 0%num (Nrange n) (N.to_nat j) = j.
Proof.
move=> h; have hj : (N.to_nat j < N.to_nat n)%nat by apply/ssrnat.ltP; lia.
by rewrite /Nrange (nth_map 0%nat) ?size_iota // nth_iota // add0n Nnat.N2Nat.id.
Qed.

(** Runs of the same length, one after the other. *)
Lemma nth_runs (T : Type) (d : T) (ls : seq (seq T)) p h f : all (fun l => size l == p) ls ->
  (h < size ls)%nat -> (f < p)%nat -> nth d (flatten ls) (h * p + f) = nth d (nth [::] ls h) f.
Proof.
elim: ls h => //= l ls ih h /andP [/eqP sz ok]; case: h => [_ hf|h hh hf] /=.
  by rewrite mul0n add0n nth_cat sz hf.
by rewrite nth_cat sz mulSn -addnA ltnNge leq_addr /= addKn; exact: ih.
Qed.

Lemma size_runs (T : Type) (ls : seq (seq T)) p : all (fun l => size l == p) ls -> size (flatten ls) = (size ls * p)%nat.
Proof. by elim: ls => //= l ls ih /andP [/eqP sz /ih e]; rewrite size_cat sz e mulSn. Qed.

(** A row of [n] features and what they are. *)
Section Features.
Variables (R : realType) (V : normedModType R) (x0 : V) (g : N).
Notation is_near := (@is_near R g).

Definition near_features (n : N) (F : N -> V -> R) (r : seq near) : Prop := size r = N.to_nat n /\
  forall c, (c < n)%num -> continuous_at x0 (F c) /\ is_near (nth (0, 0)%Z r (N.to_nat c)) (F c x0).

Lemma nears_sound (X : V -> tensor R) x i n en : holds_fixed x0 X x -> look (f_table x) i = Some en ->
  has_length n en.2 -> near_features n (fun c v => X v (rcons i c)) (nears g x en.2).
Proof.
move=> hX hl len; split; first by rewrite size_map; move/N.eqb_eq: len => <-; rewrite Nnat.Nat2N.id.
move=> c hc; have hs := length_lt len hc; have [cont val _ _] := entry_at hX hl hs.
by split=> //; rewrite (nth_map 0%Z) //; exact: near_of_sound.
Qed.

Lemma part_at n F r from count : near_features n F r -> (from + count <= n)%num ->
  List.Forall2 (fun f z => is_near z (F (from + f)%num x0)) (Nrange count) (part from count r).
Proof.
move=> [sz ok] le; have sp : size (part from count r) = N.to_nat count.
  by rewrite /part size_takel // size_drop sz; apply/ssrnat.leP; rewrite -minusE; lia.
apply: (@Nrange_Forall2 _ _ (0, 0)%Z) => [|k hk]; first by rewrite sp Nnat.N2Nat.id.
rewrite sp in hk; rewrite /part nth_take // nth_drop.
have /ssrnat.ltP hk' := hk; have [|_] := ok (from + N.of_nat k)%num; first by lia.
congr (is_near (nth _ _ _) _); rewrite -plusE; lia.
Qed.
End Features.

Section Heads.
Variables (R : realType) (V : normedModType R) (x0 : V) (g u n m p keys heads : N) (causal : bool).
Variables (Q X : V -> tensor R) (x : fixed) (b i : N) (query : seq near) (es : seq entry).
Hypothesis hX : holds_fixed x0 X x.
Hypothesis rows : all_rows (keys + 2 * m) x [seq [:: b; j] | j <- Nrange u] = Some es.
Hypothesis asks : near_features x0 g n (fun c v => Q v [:: b; i; c]) query.
Hypothesis wide : (m <= n)%num.
Hypothesis fits : (heads * p <= m)%num.
Notation int := (int_real R).
Notation is_near := (@is_near R g).
Let tokens := [seq nears g x e.2 | e : entry <- es].
Let key_of (v : V) : tensor R := from_feature keys (X v).
Let value_of (v : V) : tensor R := from_feature (keys + m) (X v).

Lemma token_sound j : (j < u)%num ->
  near_features x0 g (keys + 2 * m) (fun c v => X v [:: b; j; c]) (token tokens j).
Proof.
move=> hj; have hF := Forall2_mapl (all_rows_sound rows).
have [sz ok] := Forall2_nth 0%num ([::], [::]) hF; have hj' : (N.to_nat j < size (Nrange u))%nat.
  by rewrite size_Nrange; apply/ssrnat.ltP; lia.
have [hl hc] := ok _ hj'; rewrite nth_Nrange // in hl.
by rewrite /token /tokens (nth_map ([::], [::])) -?sz //; exact: nears_sound hX hl hc.
Qed.

Lemma head_le h : (h < heads)%num -> (h * p + p <= m)%num.
Proof. by move=> hh; have : ((h + 1) * p <= heads * p)%num; nia. Qed.

Lemma scores_at root h : is_near root (Num.sqrt (int (Z.of_N p)))^-1 -> (h < heads)%num ->
  List.Forall2 (fun j z => is_near z (score p causal (Q x0) (key_of x0) b h i j)) (Nrange u)
    (head_scores g u p keys causal query tokens root i h).
Proof.
move=> hr hh; have le := head_le hh; rewrite -[X in List.Forall2 _ X]map_id; apply: Forall2_map => j /In_mem.
rewrite mem_Nrange => /N.ltb_lt hj; rewrite /score; apply: near_add_sound; last first.
  by apply: near_opp_sound; case: ifP => _; [exact: (near_int_sound R g 1000000000)|exact: (near_int_sound R g 0)].
apply: near_mul_sound => //; apply: near_dot_sound; first by apply: (part_at asks); lia.
have at_ : (keys + h * p + p <= keys + 2 * m)%num by lia.
by apply: Forall2_weaken (part_at (token_sound hj) at_) => f z; rewrite /of_head /key_of /from_feature /= N.add_assoc.
Qed.

Lemma score_continuous h j : (h < heads)%num -> (j < u)%num ->
  continuous_at x0 (fun v => score p causal (Q v) (key_of v) b h i j).
Proof.
move=> hh hj; have le := head_le hh; apply: (@continuous_add _ _ x0); last exact: continuous_const.
apply: continuous_mul; last exact: continuous_const.
apply: continuous_sum => f /In_mem; rewrite mem_Nrange => /N.ltb_lt hf.
apply: continuous_mul; rewrite /of_head /key_of /from_feature /=.
  by have [] := asks.2 (h * p + f)%num ltac:(lia).
by have [] := (token_sound hj).2 (keys + (h * p + f))%num ltac:(lia).
Qed.

(** What head [h] gives the token. *)
Let given (v : V) (h f : N) : R :=
  \sum_(j <- Nrange u) weight u p causal (Q v) (key_of v) b h i j * of_head p (value_of v) b h j f.

Lemma head_row_at root h r : is_near root (Num.sqrt (int (Z.of_N p)))^-1 -> (h < heads)%num ->
  head_row g u m p keys causal query tokens root i h = Some r ->
  size r = N.to_nat p /\ forall f, (f < p)%num ->
    continuous_at x0 (fun v => given v h f) /\ is_near (nth (0, 0)%Z r (N.to_nat f)) (given x0 h f).
Proof.
move=> hr hh; rewrite /head_row; case hs: near_softmax => [ws|] //= [<-].
have [hw nz] := near_softmax_sound (scores_at hr hh) hs; split; first by rewrite size_map size_Nrange.
move=> f hf; have le := head_le hh.
have at_ j : List.In j (Nrange u) -> continuous_at x0 (fun v => of_head p (value_of v) b h j f)
    /\ is_near (nth (0, 0)%Z (token tokens j) (N.to_nat (keys + m + h * p + f))) (of_head p (value_of x0) b h j f).
  move=> /In_mem; rewrite mem_Nrange => /N.ltb_lt hj.
  have [c1 c2] := (token_sound hj).2 (keys + m + (h * p + f))%num ltac:(lia).
  by split; [exact: c1|rewrite -N.add_assoc; exact: c2].
have sc j : List.In j (Nrange u) -> continuous_at x0 (fun v => expR (score p causal (Q v) (key_of v) b h i j)).
  by move=> /In_mem; rewrite mem_Nrange => /N.ltb_lt hj; apply: continuous_exp; exact: score_continuous.
split.
  apply: continuous_sum => j hj; apply: continuous_mul; last by have [] := at_ j hj.
  apply: continuous_mul; first exact: sc.
  by apply: (@continuous_inverse _ _ x0) => //; exact: continuous_sum.
rewrite (nth_map 0%num) ?size_Nrange; last by apply/ssrnat.ltP; lia.
rewrite nth_Nrange //; apply: near_dot_sound => //.
by rewrite -[X in List.Forall2 _ X]map_id; apply: Forall2_map => j hj; have [] := at_ j hj.
Qed.

Lemma mixed_at r o : mixed_row g u m p keys heads causal query tokens i = Some r -> (o < size r)%nat ->
  continuous_at x0 (fun v => mixed u p causal (Q v) (key_of v) (value_of v) [:: b; i; N.of_nat o])
  /\ is_near (nth (0, 0)%Z r o) (mixed u p causal (Q x0) (key_of x0) (value_of x0) [:: b; i; N.of_nat o]).
Proof.
rewrite /mixed_row; case hq: near_root => [root|] //; have hr := near_root_sound R hq.
case ha: all_some => [rs|] //= [<-] ho.
have [sz ok] := Forall2_nth 0%num [::] (all_some_sound ha); rewrite size_Nrange in sz ok.
have good h : (h < heads)%num -> size (nth [::] rs (N.to_nat h)) = N.to_nat p /\ forall f, (f < p)%num ->
    continuous_at x0 (fun v => given v h f) /\ is_near (nth (0, 0)%Z (nth [::] rs (N.to_nat h)) (N.to_nat f)) (given x0 h f).
  move=> hh; have hh' : (N.to_nat h < N.to_nat heads)%nat by apply/ssrnat.ltP; lia.
  by have := ok _ hh'; rewrite nth_Nrange //; exact: head_row_at.
have runs : all (fun l => size l == N.to_nat p) rs.
  apply/(all_nthP [::]) => k hk; rewrite -sz in hk; have /ssrnat.ltP := hk => hk'.
  by have [] := good (N.of_nat k) ltac:(lia); rewrite Nnat.Nat2N.id => ->.
have so := ho; rewrite (size_runs runs) -sz in so; move/ssrnat.ltP: so; rewrite -multE => so.
have p0 : (p <> 0)%num by move=> e; rewrite e /= in so; lia.
have hf := N.mod_lt (N.of_nat o) p p0; have eo := N.div_mod' (N.of_nat o) p.
have hh : (N.of_nat o / p < heads)%num by apply: N.div_lt_upper_bound => //; lia.
have [_ /(_ _ hf) [cont val]] := good _ hh; split; first exact: cont.
suff -> : nth (0, 0)%Z (flatten rs) o
    = nth (0, 0)%Z (nth [::] rs (N.to_nat (N.of_nat o / p))) (N.to_nat (N.of_nat o mod p)) by exact: val.
rewrite -(nth_runs _ runs); first by congr nth; rewrite -multE -plusE; lia.
  by rewrite -sz; apply/ssrnat.ltP; lia.
by apply/ssrnat.ltP; lia.
Qed.
End Heads.

Lemma heads_fit m heads : (heads * (m / heads) <= m)%num.
Proof. by case: (N.eq_dec heads 0) => [->|nz]; [exact: N.le_0_l|exact: N.mul_div_le]. Qed.

Section Layer.
Variables (R : realType) (V : normedModType R) (x0 : V) (fraction batch t m p heads : N).
Notation holds := (holds_fixed x0).
Hypothesis fits : (heads * p <= m)%num.

Lemma attention_heads_sound u n keys causal (Q X : V -> tensor R) q x : (m <= n)%num -> holds Q q -> holds X x ->
  holds (fun v => mixed u p causal (Q v) (from_feature keys (X v)) (from_feature (keys + m) (X v)))
    (attention_heads fraction batch t u n m p keys heads causal q x).
Proof.
move=> wide hQ hX; apply: rounded_sound; apply: common_radius_sound.
apply: look_tabulate => tb model i en hi _.
have {}hi : i \in idxs [:: batch; t] := (In_mem i _).1 hi; move: hi; rewrite mem_idxs.
case: i => [|b [|i [|? ?]]] //=; rewrite ?andbF // => _.
case hq: look => [e|] //; case: ifP => //= len; case hr: all_rows => [es|] //; case hm: mixed_row => [ps|] //= [<-].
exists ps => // j hj; have [cont val] := mixed_at hX hr (nears_sound _ hQ hq len) wide fits hm hj.
by split=> //; exact: nearW.
Qed.

Lemma self_heads_sound causal (X : V -> tensor R) x : holds X x ->
  holds (fun v => mixed t p causal (X v) (from_feature m (X v)) (from_feature (2 * m) (X v)))
    (self_heads fraction batch t m p heads causal x).
Proof.
move=> hX; have -> : (2 * m = m + m)%num by lia.
by apply: attention_heads_sound => //; lia.
Qed.

Lemma context_heads_sound u (KV Q : V -> tensor R) x q : holds KV x -> holds Q q ->
  holds (fun v => cross_attention u m p (KV v) (Q v)) (context_heads fraction batch t u m p heads x q).
Proof.
by move=> hX hQ; have := @attention_heads_sound u m 0 false Q KV q x (N.le_refl m) hQ hX; apply: holds_ext.
Qed.
End Layer.
