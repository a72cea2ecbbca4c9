(** * Attention computes its formula

    The instructions of [SpecAttention.v] compute the formulas of
    [AttentionFormula.v].

    Glossary
      - [holds_heads]    the value is this tensor, in heads
      - [later_sound]    the table that causal attention makes is 1 where the
                         column is beyond the row, and 0 elsewhere
      - [scores_sound], [mixture_sound]  the scores; the values, weighted by them
      - [attention_sound], [across_sound]  attention, to the tokens themselves
                         and to others
      - [attention_eqt], [cross_attention_eqt]  it depends on the cells of the
                         inputs alone
      - [attention_smooth], [across_smooth]  no instruction has a kink *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Tangent Transpose Moments Scalar SmoothFacts Computes.
From Cotangent Require Import Stablehlo_sem RaiseGrouped Joins JoinsSound SpecToken SpecAttention SpecLayer NormsSound.
From Cotangent Require Import Tokens TokensSound AttentionFormula.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Numbers *)

Lemma join_below a f h p : (a < h)%num -> (f < p)%num -> (a * p + f < h * p)%num.
Proof. nia. Qed.

Section Sound.
Variables (R : realType) (n t u h p : N).
Let m : N := (h * p)%num.
Let pairs : shape := Attention.pairs n t u h.
Implicit Types (e : env R).

(** ** The parts *)

Lemma in_heads_sound count x k e b i a f :
  e k =1 den (Reshape [:: n; count; m] (Attention.in_heads n h p count) x) e ->
  N.ltb b n -> N.ltb i count -> N.ltb a h -> N.ltb f p ->
  e k [:: b; i; a; f] = of_head p (e x) b a i f.
Proof.
move=> hk hb hi /N.ltb_lt ha /N.ltb_lt hf; rewrite hk [LHS]/= /of_head; congr (e x _).
have hbi : [:: b; i] \in idxs [:: n; count] by rewrite mem_idxs /= hb hi.
exact: (reshape_split hbi ha hf).
Qed.

Lemma part_sound parts count j x k e b i a f :
  computes e (Attention.part n h p parts count j x k) -> (j < parts)%num ->
  N.ltb b n -> N.ltb i count -> N.ltb a h -> N.ltb f p ->
  e (k + 1)%num [:: b; i; a; f] = of_head p (from_feature (j * m) (e x)) b a i f.
Proof.
move=> /computes_cons [h0] /computes_cons [h1 _] hj hb hi ha hf.
rewrite (in_heads_sound h1) // /of_head /from_feature.
move: ha hf => /N.ltb_lt ha /N.ltb_lt hf; have hm := join_below ha hf.
rewrite h0 den_view ?mem_idxs /= ?hb ?hi /=; last by rewrite andbT; apply/N.ltb_lt.
by rewrite /read [v_map _]/= at_part2 // ifT //; apply/N.ltb_lt; exact: join_below.
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
(** That the value holds this tensor, in heads. *)
Definition holds_heads e (count x : N) (y : tensor R) : Prop := forall b a i f,
  N.ltb b n -> N.ltb a h -> N.ltb i count -> N.ltb f p -> e x [:: b; i; a; f] = of_head p y b a i f.

Variables (e : env R) (causal : bool) (q keys k : N) (Q K : tensor R).
Hypotheses (square : causal -> u = t) (hq : holds_heads e t q Q) (hk : holds_heads e u keys K).

Let code := Attention.scores n t u h p causal q keys k.

Lemma scores_sound b a i j : computes e code -> N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb j u ->
  e (N.pred (next_id k code)) [:: b; a; i; j] = score p causal Q K b a i j.
Proof.
rewrite /score.
move=> /computes_cat [] /computes_cons [h0] /computes_cons [h1] /computes_cons [h2].
move=> /computes_cons [h3] /computes_cons [h4 _] hc hb ha hi hj.
have hin : [:: b; a; i; j] \in idxs pairs by rewrite mem_idxs /= hb ha hi hj.
have main : e (k + 4)%num [:: b; a; i; j]
    = (\sum_(f <- Nrange p) of_head p Q b a i f * of_head p K b a j f)
      / Num.sqrt (int_real R (Z.of_N p)).
  rewrite h4 den_product1 // big_distrl !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => hf.
  have hbox : inb [:: n; h; t; u; p] [:: b; a; i; j; f] by rewrite /= hb ha hi hj hf.
  rewrite !(@read_proj _ _ _ _ [:: n; h; t; u; p]) //= hk // h3 /= hq // h2 den_scalar_spread.
    by rewrite h1 /= h0 /= /rational divr1 mulrAC.
  by rewrite mem_idxs /= hb hi ha hf.
rewrite /code /Attention.scores /next_id; case: (causal) square hc => /= sq hc; last first.
  by rewrite subr0 -main; congr (e _ _); lia.
have -> : (N.pred (k + 16) = k + 15)%num by lia.
have [hl] := computes_cat (p := Attention.later t (k + 5)) hc.
move=> /computes_cons [h12] /computes_cons [h13] /computes_cons [h14] /computes_cons [h15 _].
have hj' : N.ltb j t by rewrite -sq.
have := later_sound hl hi hj'; have -> : (k + 5 + 6 = k + 11)%num by lia.
move=> h11; rewrite h15 /= main h14 den_repeat_over // h13 /= h11 h12 /= /rational divr1.
by case: ifP => _; rewrite ?mul1r // mul0r oppr0.
Qed.
End Scores.

(** ** Mixing *)

Lemma row_sum_pairs (x : tensor R) b a i j : N.ltb b n -> N.ltb a h -> N.ltb i t ->
  row_sum pairs x [:: b; a; i; j] = \sum_(l <- Nrange u) x [:: b; a; i; l].
Proof.
move=> hb ha hi; rewrite -(sum_idxs1 u (fun r => x ([:: b; a; i] ++ r))).
have hin : [:: b; a; i] \in idxs [:: n; h; t] by rewrite mem_idxs /= hb ha hi.
rewrite -(@sum_box_cat _ [:: n; h; t] [:: u] _ x hin) /row_sum big_seq_cond [RHS]big_seq_cond.
apply: eq_bigl => r; case hr: (r \in _) => //.
by have [? [? [? [? [-> _ _ _]]]]] := idxs4 hr.
Qed.

Lemma mixture_sound e causal scores values k (Q K V : tensor R) :
  (forall b a i j, N.ltb b n -> N.ltb a h -> N.ltb i t -> N.ltb j u ->
     e scores [:: b; a; i; j] = score p causal Q K b a i j) ->
  holds_heads e u values V ->
  computes e (Attention.mixture n t u h p scores values k) ->
  eqt [:: n; t; m] (e (k + 3)%num) (mixed u p causal Q K V).
Proof.
move=> hS hV /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _].
move=> i0 /idxs3 [b [i [c [-> hb hi /N.ltb_lt hc]]]]; have [ha hf ec] := split_below hc.
rewrite /mixed [nth _ _ 0]/= [nth _ _ 1]/= [nth _ _ 2]/=.
move: ha hf (ha) (hf) => /N.ltb_lt ha /N.ltb_lt hf la lf.
set a := N.div c p in ha la ec *; set f := N.modulo c p in hf lf ec *.
have hbi : [:: b; i] \in idxs [:: n; t] by rewrite mem_idxs /= hb hi.
rewrite h3 [LHS]/=; have -> : same_place (Attention.in_heads n h p t) [:: n; t; m] [:: b; i; c]
    = [:: b; i; a; f].
  by rewrite -{1}ec; exact: (reshape_merged hbi la lf).
rewrite h2 den_repeat_over ?mem_idxs /= ?hb ?hi ?ha ?hf // h1 den_product1; last first.
  by rewrite mem_idxs /= hb ha hi hf.
rewrite !big_seq; apply: eq_bigr => j; rewrite mem_Nrange => hj.
have hbox : inb [:: n; h; t; p; u] [:: b; a; i; f; j] by rewrite /= hb ha hi hj hf.
rewrite !(@read_proj _ _ _ _ [:: n; h; t; p; u]) //= hV // h0 /= /softmax row_sum_pairs // hS //.
congr (_ / _ * _); rewrite !big_seq; apply: eq_bigr => l; rewrite mem_Nrange => hl.
by rewrite hS.
Qed.

Lemma attend_sound e causal q keys values k (Q K V : tensor R)
    (code := Attention.attend n t u h p causal q keys values k) : (causal -> u = t) ->
  holds_heads e t q Q -> holds_heads e u keys K -> holds_heads e u values V -> computes e code ->
  eqt [:: n; t; m] (e (N.pred (next_id k code))) (mixed u p causal Q K V).
Proof.
rewrite /code /Attention.attend; set s := Attention.scores _ _ _ _ _ _ _ _ _; set k' := next_id k s.
move=> square hq hk hv /computes_cat [cs cm].
have -> : N.pred (next_id k (s ++ Attention.mixture n t u h p (N.pred k') values k')) = (k' + 3)%num.
  by rewrite next_id_cat -/k' {cm}; move: k' => k'; rewrite /next_id [size _]/=; lia.
apply: mixture_sound hv cm => b a i j hb ha hi hj; exact: scores_sound.
Qed.

Lemma mixed_eqt causal (Q Q' K K' V V' : tensor R) : eqt [:: n; t; m] Q Q' ->
  eqt [:: n; u; m] K K' -> eqt [:: n; u; m] V V' ->
  eqt [:: n; t; m] (mixed u p causal Q K V) (mixed u p causal Q' K' V').
Proof.
move=> hQ hK hV i /idxs3 [b [i' [c [-> hb hi /N.ltb_lt hc]]]]; have [ha hf _] := split_below hc.
rewrite /mixed /= {hc}; move: (N.div c p) (N.modulo c p) ha hf => a f ha hf.
have head count (x y : tensor R) g g' : eqt [:: n; count; m] x y -> N.ltb g count -> (g' < p)%num ->
    of_head p x b a g g' = of_head p y b a g g'.
  move=> hxy hg hg'; apply: hxy; rewrite mem_idxs /= hb hg /= andbT; apply/N.ltb_lt.
  exact: join_below.
have hs j : N.ltb j u -> score p causal Q K b a i' j = score p causal Q' K' b a i' j.
  move=> hj; rewrite /score !big_seq; congr (_ / _ - _); apply: eq_bigr => g.
  by rewrite mem_Nrange => /N.ltb_lt hg; rewrite (head _ _ _ _ _ hQ hi hg) (head _ _ _ _ _ hK hj hg).
rewrite !big_seq; apply: eq_bigr => j; rewrite mem_Nrange => hj.
rewrite (head _ _ _ _ _ hV hj hf); congr (_ * _); rewrite /weight hs //; congr (_ / _).
by rewrite !big_seq; apply: eq_bigr => l; rewrite mem_Nrange => /hs ->.
Qed.

Lemma from_feature_eqt (parts j count : N) (x y : tensor R) : (j < parts)%num ->
  eqt [:: n; count; parts * m]%num x y ->
  eqt [:: n; count; m] (from_feature (j * m) x) (from_feature (j * m) y).
Proof.
move=> hj hxy i /idxs3 [b [i' [c [-> hb hi /N.ltb_lt hc]]]]; apply: hxy.
by rewrite mem_idxs /= hb hi /= andbT; apply/N.ltb_lt; exact: join_below.
Qed.

(** ** Attention to other tokens *)

Lemma across_sound q kv k e (code := Attention.across n t u h p q kv k) : computes e code ->
  eqt [:: n; t; m] (e (N.pred (next_id k code))) (cross_attention u m p (e kv) (e q)).
Proof.
rewrite /code /Attention.across; set a := Attention.attend _ _ _ _ _ _ _ _ _ _.
rewrite -cat1s => /computes_cat [c0] /computes_cat [c1] /computes_cat [c2 ca].
have -> : next_id k ([:: (k, Reshape [:: n; t; m] (Attention.in_heads n h p t) q)]
    ++ Attention.part n h p 2 u 0 kv (k + 1) ++ Attention.part n h p 2 u 1 kv (k + 3) ++ a)%num
    = next_id (k + 5) a.
  by clear ca; clearbody a; rewrite !next_id_cat; congr (next_id _ a); rewrite /next_id /=; lia.
apply: attend_sound ca => // b a' i f hb ha hi hf.
- by move/computes_cons: c0 => [h0 _]; exact: in_heads_sound h0 hb hi ha hf.
- have -> : (k + 2 = k + 1 + 1)%num by lia.
  by rewrite (part_sound c1).
have -> : (k + 4 = k + 3 + 1)%num by lia.
by rewrite (part_sound c2) // N.mul_1_l.
Qed.

Lemma cross_attention_eqt (kv kv' q q' : tensor R) : eqt [:: n; u; 2 * m]%num kv kv' ->
  eqt [:: n; t; m] q q' ->
  eqt [:: n; t; m] (cross_attention u m p kv q) (cross_attention u m p kv' q').
Proof.
move=> hkv hq; apply: mixed_eqt hq _ _; last first.
  by rewrite -[X in from_feature X]N.mul_1_l; exact: from_feature_eqt hkv.
move=> i hi; have := from_feature_eqt (erefl : (0 < 2)%num) hkv hi.
by case/idxs3: hi => [b [i' [c [-> _ _ _]]]].
Qed.

Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma part_smooth parts count j x k E : smooth_in x0 E (Attention.part n h p parts count j x k).
Proof. by move=> d o /=; repeat case=> [[_ <-] //|]. Qed.

Lemma attend_smooth causal q keys values k E : (0 < p)%num ->
  (forall v, computes (E v) (Attention.attend n t u h p causal q keys values k)) ->
  smooth_in x0 E (Attention.attend n t u h p causal q keys values k).
Proof.
rewrite /Attention.attend => pos hv; have [cs _] := computes_cat (hv x0).
apply: smooth_in_cat; last by move=> d o /=; repeat case=> [[_ <-] //|].
move: cs; rewrite /Attention.scores => /computes_cat [/computes_cons [h0 _] _].
apply: smooth_in_cat; last by case: causal {hv} => //= d o /=; repeat case=> [[_ <-] //|].
move=> d o /=; case=> [[_ <-] //|]; case=> [[_ <-]|]; last by repeat case=> [[_ <-] //|].
move=> i _ /=; rewrite h0 /= /rational divr1.
by case: (p) pos => // r _; exact: pos_real_gt0.
Qed.

Lemma across_smooth q kv k E : (0 < p)%num ->
  (forall v, computes (E v) (Attention.across n t u h p q kv k)) ->
  smooth_in x0 E (Attention.across n t u h p q kv k).
Proof.
rewrite /Attention.across -cat1s => pos hv.
apply: smooth_in_cat; first by move=> d o [[_ <-]|//].
do 2! (apply: smooth_in_cat; first exact: part_smooth).
apply: attend_smooth => // v; have [_ c1] := computes_cat (hv v).
by have [_ c2] := computes_cat c1; have [] := computes_cat c2.
Qed.
End Smooth.
End Sound.

(** ** The layer of self-attention *)
Section Self.
Variables (R : realType) (n t h p : N).
Let m : N := (h * p)%num.
Implicit Types (e : env R).

Lemma heads_sound causal qkv k e (code := Attention.heads n t h p causal qkv k) :
  computes e code ->
  eqt [:: n; t; m] (e (N.pred (next_id k code)))
    (mixed t p causal (e qkv) (from_feature m (e qkv)) (from_feature (2 * m) (e qkv))).
Proof.
rewrite /code /Attention.heads; set a := Attention.attend _ _ _ _ _ _ _ _ _ _.
move=> /computes_cat [c0] /computes_cat [c1] /computes_cat [c2 ca].
have -> : next_id k (Attention.part n h p 3 t 0 qkv k ++ Attention.part n h p 3 t 1 qkv (k + 2)
    ++ Attention.part n h p 3 t 2 qkv (k + 4) ++ a)%num = next_id (k + 6) a.
  by clear ca; clearbody a; rewrite !next_id_cat; congr (next_id _ a); rewrite /next_id /=; lia.
apply: attend_sound ca => // b a' i f hb ha hi hf.
- exact: (part_sound c0).
- have -> : (k + 3 = k + 2 + 1)%num by lia.
  by rewrite (part_sound c1) // N.mul_1_l.
have -> : (k + 5 = k + 4 + 1)%num by lia.
exact: (part_sound c2).
Qed.

Lemma qkv_eqt causal (x y : tensor R) : eqt [:: n; t; 3 * m]%num x y ->
  eqt [:: n; t; m] (mixed t p causal x (from_feature m x) (from_feature (2 * m) x))
    (mixed t p causal y (from_feature m y) (from_feature (2 * m) y)).
Proof.
move=> hxy; apply: mixed_eqt; last exact: from_feature_eqt hxy.
  move=> i hi; have := from_feature_eqt (erefl : (0 < 3)%num) hxy hi.
  by case/idxs3: hi => [b [i' [c [-> _ _ _]]]].
by rewrite -[X in from_feature X]N.mul_1_l; exact: from_feature_eqt hxy.
Qed.

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
by apply: qkv_eqt hj => {}i {}hi; rewrite (dense_sound E1 d1 hi) map_take.
Qed.

Lemma attention_eqt causal bias (ps : seq (tensor R)) x y : eqt [:: n; t; m] x y ->
  eqt [:: n; t; m] (attention t m p causal bias ps x) (attention t m p causal bias ps y).
Proof. by move=> hx; apply: dense_eqt; apply: qkv_eqt; exact: dense_eqt. Qed.

Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma attention_smooth causal bias ps x k c E : (0 < p)%num ->
  Attention.emit n t h p causal bias ps x k = Some c ->
  (forall v, computes (E v) c) -> smooth_in x0 E c.
Proof.
move=> pos /emit_code [c1 [c2 [E1 E2 ->]]]; set k1 := next_id k c1 in E2 *.
set hs := Attention.heads _ _ _ _ _ _ _ in E2 * => hv.
apply: smooth_in_cat; first exact: dense_smooth E1.
apply: smooth_in_cat; last exact: dense_smooth E2.
rewrite {E2}/hs in hv *; rewrite /Attention.heads in hv *.
do 3! (apply: smooth_in_cat; first exact: part_smooth).
apply: attend_smooth => // v; have [_ c3] := computes_cat (hv v); have [c4 _] := computes_cat c3.
by have [_ c5] := computes_cat c4; have [_ c6] := computes_cat c5; have [] := computes_cat c6.
Qed.
End Smooth.
End Self.
