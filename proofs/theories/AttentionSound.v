(** * Attention computes its formula

    [attention_sound]: the instructions of [SpecAttention.v] compute the formula
    of [SelfAttention.v]; [attention_eqt]: it depends on the cells of the input
    alone; [attention_smooth]: there is no kink. [later_sound]: the table that
    causal attention makes is 1 exactly where the column is beyond the row. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir Index Dims Denote Grad Tangent Transpose Moments Scalar Smooth Computes.
From Cotangent Require Import Stablehlo_sem RaiseGrouped Joins JoinsSound SpecToken SpecAttention SpecLayer NormsSound.
From Cotangent Require Import Tokens TokensSound SelfAttention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Numbers *)

Lemma join_below a f h p : (a < h)%num -> (f < p)%num -> (a * p + f < h * p)%num.
Proof. nia. Qed.

Lemma part_below j m c : (j < 3)%num -> (c < m)%num -> (j * m + c < 3 * m)%num.
Proof.
move=> hj hc; have : (j * m <= 2 * m)%num by apply: N.mul_le_mono_r; lia.
lia.
Qed.

Section Sound.
Variables (R : realType) (n t h p : N).
Let m : N := (h * p)%num.
Let heads : shape := Attention.in_heads n t h p.
Let pairs : shape := Attention.pairs n t h.
Implicit Types (e : env R).

(** ** The parts *)

Lemma part_sound j qkv k e b i a f : computes e (Attention.part n t h p j qkv k) -> (j < 3)%num ->
  N.ltb b n -> N.ltb i t -> N.ltb a h -> N.ltb f p ->
  e (k + 1)%num [:: b; i; a; f] = e qkv [:: b; i; (j * m + (a * p + f))%num].
Proof.
move=> /computes_cons [h0] /computes_cons [h1 _] hj hb hi /N.ltb_lt ha /N.ltb_lt hf.
have hm := join_below ha hf.
rewrite h1 [LHS]/=; have hbi : [:: b; i] \in idxs [:: n; t] by rewrite mem_idxs /= hb hi.
have -> : same_place [:: n; t; m] heads [:: b; i; a; f] = [:: b; i; (a * p + f)%num].
  exact: (reshape_split hbi ha hf).
rewrite h0 den_view ?mem_idxs /= ?hb ?hi /=; last by rewrite andbT; apply/N.ltb_lt.
by rewrite /read [v_map _]/= at_part2 // ifT //; apply/N.ltb_lt; exact: part_below.
Qed.

(** ** The table of later tokens *)

Lemma at_one j c d : at_map (steps_map (part_steps 1 0 j)) [:: d] [:: c]
  = if N.ltb (j + c) d then Some [:: (j + c)%num] else None.
Proof.
have -> : steps_map (part_steps 1 0 j) = [:: Aff (Z.of_N j) [:: (0%num, 1%Z)]] by [].
by rewrite at_step.
Qed.

Lemma later_sound k e i j : computes e (Attention.later t k) -> N.ltb i t -> N.ltb j t ->
  e (k + 6)%num [:: i; j] = if N.ltb i j then 1 else 0.
Proof.
have [L eL] : exists L, L = (2 * t)%num by exists (2 * t)%num.
have [L' eL'] : exists L', L' = (L - 1)%num by exists (L - 1)%num.
rewrite /Attention.later; cbv zeta; rewrite -eL -eL'.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5] /computes_cons [h6 _] hi hj.
move: hi hj (hi) (hj) => /N.ltb_lt hi /N.ltb_lt hj bi bj.
rewrite h6 den_view ?mem_idxs /= ?bi ?bj // /read [v_map _]/=.
have -> : steps_map (part_steps 2 1 0) = [:: Aff (Z.of_N 0) [:: (0%num, 1%Z)];
    Aff (Z.of_N 0) [:: (1%num, 1%Z)]] by [].
have hs : N.ltb j L' by apply/N.ltb_lt; lia.
rewrite !at_step /= bi hs /= h5 [LHS]/=.
have -> : same_place [:: t * L']%num [:: t; L'] [:: i; j] = [:: i * L' + j]%num.
  by apply: (reshape_split (P := [::]) (p := [::])) => //; apply/N.ltb_lt.
have in4 : N.ltb (i * L' + j) (t * L') by apply/N.ltb_lt; apply: join_below; lia.
rewrite h4 den_view ?mem_idxs /= ?in4 // /read [v_map _]/= at_one.
have hc : (t - 1 + j - i < L)%num by lia.
have -> : (t - 1 + (i * L' + j) = i * L + (t - 1 + j - i))%num by nia.
rewrite ifT; last by apply/N.ltb_lt; exact: join_below.
rewrite h3 [LHS]/=.
have -> : same_place [:: t; L] [:: t * L]%num [:: i * L + (t - 1 + j - i)]%num
    = [:: i; t - 1 + j - i]%num by exact: (reshape_merged (P := [::]) (p := [::])).
have bc : N.ltb (t - 1 + j - i) L by apply/N.ltb_lt.
rewrite h2 den_repeat_over ?mem_idxs /= ?bi ?bc // h1.
have at_ r : r \in idxs [:: t] -> exists2 l, r = [:: l] & (l < t)%num
    /\ at_map (steps_map (part_steps 1 0 t)) [:: L] r = Some [:: t + l]%num.
  rewrite mem_idxs; case: r => [|l [|? ?]] //; rewrite [inb _ _]/= ?andbF // andbT => /N.ltb_lt hl.
  by exists l => //; split=> //; rewrite at_one ifT //; apply/N.ltb_lt; lia.
case: (N.ltb_spec i j) => hij.
  have hit : [:: j - i - 1]%num \in idxs [:: t].
    by rewrite mem_idxs /= andbT; apply/N.ltb_lt; lia.
  rewrite (@den_pad_to _ _ _ _ _ _ _ [:: j - i - 1]%num) //; first by rewrite h0 /= rational1.
  by have [l [el] [_ ->]] := at_ _ hit; congr (Some [:: _]); lia.
by rewrite den_pad_to0 // => r /at_ [l -> [hl ->]] [e1]; lia.
Qed.

(** ** Scores *)

Section Scores.
Variables (e : env R) (causal : bool) (q keys k : N).
Variables (Q K : N -> N -> N -> N -> R).
Hypothesis hq : forall b a i f, N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb f p ->
  e q [:: b; i; a; f] = Q b a i f.
Hypothesis hk : forall b a i f, N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb f p ->
  e keys [:: b; i; a; f] = K b a i f.

Let code := Attention.scores n t h p causal q keys k.

Lemma scores_sound b a i j : computes e code -> N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb j t ->
  e (N.pred (next_id k code)) [:: b; a; i; j]
  = (\sum_(f <- Nrange p) Q b a i f * K b a j f) / Num.sqrt (int_real R (Z.of_N p))
    - (if causal && N.ltb i j then int_real R 1000000000 else 0).
Proof.
move=> /computes_cat [] /computes_cons [h0] /computes_cons [h1] /computes_cons [h2].
move=> /computes_cons [h3] /computes_cons [h4 _] hc hb ha hi hj.
have hin : [:: b; a; i; j] \in idxs pairs by rewrite mem_idxs /= hb ha hi hj.
have main : e (k + 4)%num [:: b; a; i; j]
    = (\sum_(f <- Nrange p) Q b a i f * K b a j f) / Num.sqrt (int_real R (Z.of_N p)).
  rewrite h4 den_product1 // big_distrl !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => hf.
  have hbox : inb [:: n; h; t; t; p] [:: b; a; i; j; f] by rewrite /= hb ha hi hj hf.
  rewrite !(@read_proj _ _ _ _ [:: n; h; t; t; p]) //= hk // h3 /= hq // h2 den_scalar_spread.
    by rewrite h1 /= h0 /= /rational divr1 mulrAC.
  by rewrite mem_idxs /= hb hi ha hf.
rewrite /code /Attention.scores /next_id; case: (causal) hc => /= hc; last first.
  by rewrite subr0 -main; congr (e _ _); lia.
have -> : (N.pred (k + 16) = k + 15)%num by lia.
have [hl] := computes_cat (p := Attention.later t (k + 5)) hc.
move=> /computes_cons [h12] /computes_cons [h13] /computes_cons [h14] /computes_cons [h15 _].
have := later_sound hl hi hj; have -> : (k + 5 + 6 = k + 11)%num by lia.
move=> h11; rewrite h15 /= main h14 den_repeat_over // h13 /= h11 h12 /= /rational divr1.
by case: ifP => _; rewrite ?mul1r // mul0r oppr0.
Qed.
End Scores.

(** ** Mixing *)

Lemma row_sum_pairs (x : tensor R) b a i j : N.ltb b n -> N.ltb a h -> N.ltb i t ->
  row_sum pairs x [:: b; a; i; j] = \sum_(l <- Nrange t) x [:: b; a; i; l].
Proof.
move=> hb ha hi; rewrite -(sum_idxs1 t (fun r => x ([:: b; a; i] ++ r))).
have hin : [:: b; a; i] \in idxs [:: n; h; t] by rewrite mem_idxs /= hb ha hi.
rewrite -(@sum_box_cat _ [:: n; h; t] [:: t] _ x hin) /row_sum big_seq_cond [RHS]big_seq_cond.
apply: eq_bigl => r; case hr: (r \in _) => //.
by have [? [? [? [? [-> _ _ _]]]]] := idxs4 hr.
Qed.

Lemma mixture_sound e scores values k (S V : N -> N -> N -> N -> R) b i c :
  (forall b a i j, N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb j t ->
     e scores [:: b; a; i; j] = S b a i j) ->
  (forall b a i f, N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb f p ->
     e values [:: b; i; a; f] = V b a i f) ->
  computes e (Attention.mixture n t h p scores values k) ->
  N.ltb b n -> N.ltb i t -> N.ltb c m ->
  e (k + 3)%num [:: b; i; c]
  = \sum_(j <- Nrange t)
      (expR (S b (N.div c p) i j) / \sum_(l <- Nrange t) expR (S b (N.div c p) i l))
      * V b (N.div c p) j (N.modulo c p).
Proof.
move=> hS hV /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _].
move=> hb hi /N.ltb_lt hc; have [ha hf ec] := split_below hc.
move: ha hf (ha) (hf) => /N.ltb_lt ha /N.ltb_lt hf la lf.
set a := N.div c p in ha la ec *; set f := N.modulo c p in hf lf ec *.
have hbi : [:: b; i] \in idxs [:: n; t] by rewrite mem_idxs /= hb hi.
rewrite h3 [LHS]/=; have -> : same_place heads [:: n; t; m] [:: b; i; c] = [:: b; i; a; f].
  by rewrite -{1}ec; exact: (reshape_merged hbi la lf).
rewrite h2 den_repeat_over ?mem_idxs /= ?hb ?hi ?ha ?hf // h1 den_product1; last first.
  by rewrite mem_idxs /= hb ha hi hf.
rewrite !big_seq; apply: eq_bigr => j; rewrite mem_Nrange => hj.
have hbox : inb [:: n; h; t; p; t] [:: b; a; i; f; j] by rewrite /= hb ha hi hj hf.
rewrite !(@read_proj _ _ _ _ [:: n; h; t; p; t]) //= hV // h0 /= /softmax row_sum_pairs // hS //.
congr (_ / _ * _); rewrite !big_seq; apply: eq_bigr => l; rewrite mem_Nrange => hl.
by rewrite hS.
Qed.

Lemma mixed_eqt causal (x y : tensor R) : eqt [:: n; t; 3 * m]%num x y ->
  eqt [:: n; t; m] (mixed t m p causal x) (mixed t m p causal y).
Proof.
move=> hx i /idxs3 [b [i' [c [-> hb hi /N.ltb_lt hc]]]]; have [ha hf _] := split_below hc.
rewrite /mixed /= {hc}; move: (N.div c p) (N.modulo c p) ha hf => a f ha hf.
have below j g g' : (j < 3)%num -> N.ltb g t -> (g' < p)%num ->
    x [:: b; g; j * m + (a * p + g')]%num = y [:: b; g; j * m + (a * p + g')]%num.
  move=> hj hg hg'; apply: hx; rewrite mem_idxs /= hb hg /= andbT; apply/N.ltb_lt.
  by apply: part_below hj _; exact: join_below.
have hs j : N.ltb j t -> score m p causal x b a i' j = score m p causal y b a i' j.
  move=> hj; rewrite /score !big_seq; congr (_ / _ - _); apply: eq_bigr => g.
  rewrite mem_Nrange => /N.ltb_lt hg; rewrite /query /key.
  have := below 0%num i' g erefl hi hg; rewrite N.mul_0_l N.add_0_l => ->.
  by have := below 1%num j g erefl hj hg; rewrite N.mul_1_l => ->.
rewrite !big_seq; apply: eq_bigr => j; rewrite mem_Nrange => hj.
rewrite /value below //; congr (_ * _); rewrite /weight hs //; congr (_ / _).
by rewrite !big_seq; apply: eq_bigr => l; rewrite mem_Nrange => /hs ->.
Qed.

Lemma heads_sound causal qkv k e (code := Attention.heads n t h p causal qkv k) :
  computes e code ->
  eqt [:: n; t; m] (e (N.pred (next_id k code))) (mixed t m p causal (e qkv)).
Proof.
rewrite /code /Attention.heads; set s := Attention.scores _ _ _ _ _ _ _ _.
move=> /computes_cat [c0] /computes_cat [c1] /computes_cat [c2] /computes_cat [cs cm].
move=> i /idxs3 [b [i' [c [-> hb hi hc]]]].
set k' := next_id (k + 6) s in cm *.
have -> : N.pred (next_id k (Attention.part n t h p 0 qkv k ++ Attention.part n t h p 1 qkv (k + 2)
    ++ Attention.part n t h p 2 qkv (k + 4) ++ s
    ++ Attention.mixture n t h p (N.pred k') (k + 5) k'))%num = (k' + 3)%num.
  have npc q' k0 k1 : next_id k0 (Attention.part n t h p q' qkv k1) = (k0 + 2)%num by [].
  rewrite next_id_cat npc next_id_cat npc next_id_cat npc next_id_cat; have -> : (k + 2 + 2 + 2 = k + 6)%num by lia.
  by rewrite -/k' {cm}; move: k' => k'; rewrite /next_id [size _]/=; lia.
apply: (mixture_sound (S := score m p causal (e qkv)) (V := value m p (e qkv)) _ _ cm) => //.
  move=> b' a i'' j hb' ha hi' hj.
  apply: (scores_sound (Q := query p (e qkv)) (K := key m p (e qkv)) _ _ cs) => // {hb' ha hi' hj b' a i'' j}.
    move=> b' a i'' f hb' ha hi' hf; exact: (part_sound c0).
  move=> b' a i'' f hb' ha hi' hf; have -> : (k + 3 = k + 2 + 1)%num by lia.
  by rewrite (part_sound c1) // N.mul_1_l.
move=> b' a i'' f hb' ha hi' hf; have -> : (k + 5 = k + 4 + 1)%num by lia.
by rewrite (part_sound c2).
Qed.

(** ** The layer *)

Lemma emit_code causal bias ps x k c : Attention.emit n t h p causal bias ps x k = Some c ->
  exists c1 c2 (count := Token.dense_count bias) (k1 := next_id k c1)
    (heads := Attention.heads n t h p causal (N.pred k1) k1) (k2 := next_id k1 heads),
  [/\ Token.dense n t m (3 * m) x (take count ps) k = Some c1,
      Token.dense n t m m (N.pred k2) (drop count ps) k2 = Some c2
    & c = c1 ++ heads ++ c2].
Proof.
rewrite /Attention.emit; case: eqP => // _; case E1: Token.dense => [c1|] //=.
case E2: Token.dense => [c2|] //= [<-].
by exists c1, c2; split.
Qed.

Lemma attention_sound causal bias ps x k c e :
  Attention.emit n t h p causal bias ps x k = Some c -> computes e c ->
  eqt [:: n; t; m] (e (N.pred (next_id k c)))
    (attention t m p causal bias [seq e j | j <- ps] (e x)).
Proof.
move=> /emit_code [c1 [c2 [E1 E2 ->]]]; set k1 := next_id k c1 in E2 *.
set hs := Attention.heads _ _ _ _ _ _ _ in E2 *; set k2 := next_id k1 hs in E2 *.
move=> /computes_cat [d1] /computes_cat [dh d2].
have -> : next_id k (c1 ++ hs ++ c2) = next_id k2 c2.
  by rewrite next_id_cat next_id_cat.
move=> i hi; rewrite (dense_sound E2 d2 hi) map_drop /attention.
apply: dense_eqt hi => j hj; rewrite (heads_sound dh hj).
apply: mixed_eqt hj => {}i {}hi; rewrite (dense_sound E1 d1 hi).
by rewrite map_take.
Qed.

Lemma attention_eqt causal bias (ps : seq (tensor R)) x y : eqt [:: n; t; m] x y ->
  eqt [:: n; t; m] (attention t m p causal bias ps x) (attention t m p causal bias ps y).
Proof. by move=> hx; apply: dense_eqt; apply: mixed_eqt; exact: dense_eqt. Qed.

Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma attention_smooth causal bias ps x k c E : (0 < p)%num ->
  Attention.emit n t h p causal bias ps x k = Some c ->
  (forall v, computes (E v) c) -> smooth_in x0 E c.
Proof.
move=> pos /emit_code [c1 [c2 [E1 E2 ->]]]; set k1 := next_id k c1 in E2 *.
set hs := Attention.heads _ _ _ _ _ _ _ in E2 * => hv.
have [_ hr] := computes_cat (hv x0); have [hc _] := computes_cat hr.
apply: smooth_in_cat; first exact: dense_smooth E1.
apply: smooth_in_cat; last exact: dense_smooth E2.
rewrite {E2 hr hv}/hs in hc *; move: k1 hc => k1; rewrite /Attention.heads.
set s := Attention.scores _ _ _ _ _ _ _ _.
move=> hc; have [_ hc1] := computes_cat hc; have [_ hc2] := computes_cat hc1.
have [_ hc3] := computes_cat hc2; have [cs _] := computes_cat hc3.
do 3! (apply: smooth_in_cat; first by move=> d o /=; repeat case=> [[_ <-] //|]).
apply: smooth_in_cat; last by move=> d o /=; repeat case=> [[_ <-] //|].
move: cs {hc hc1 hc2 hc3}; rewrite /s {s} /Attention.scores => /computes_cat [/computes_cons [h0 _] _].
apply: smooth_in_cat; last by case: causal => //= d o /=; repeat case=> [[_ <-] //|].
move=> d o /=; case=> [[_ <-] //|]; case=> [[_ <-]|]; last by repeat case=> [[_ <-] //|].
move=> i _ /=; rewrite h0 /= /rational divr1.
by case: (p) pos => // q _; exact: pos_real_gt0.
Qed.
End Smooth.
End Sound.
