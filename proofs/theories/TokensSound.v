(** * The layers on tokens compute their formulas

    First, what the ops of [SpecToken.v] and [Joins.v] compute; then, the layers
    of [Tokens.v].

    Glossary
      - [idxs2], [idxs3], [idxs4]  an index, one coordinate after the other
      - [same_place_ones], [same_place_merged]  what a reshape reads: past
                         dimensions of size 1; where two are merged
      - [den_product1], [den_view]  a sum of products of two operands; one
                         operand, read where a map says
      - [dense_sound]    a dense layer
      - [rows_sound], [columns_sound]  an image each of whose rows, columns comes
                         [a] times
      - [token_sound]    the instructions of a layer compute it
      - [token_eqt]      it depends on the cells of the input alone
      - [token_smooth]   no instruction has a kink *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Tangent Transpose Moments SmoothFacts Computes.
From Cotangent Require Import Stablehlo_sem RaiseGrouped Joins JoinsSound SpecToken SpecLayer NormsSound Tokens.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Indices, one coordinate after the other *)

Lemma idxs2 a b i : i \in idxs [:: a; b] ->
  exists p q, [/\ i = [:: p; q], N.ltb p a & N.ltb q b].
Proof.
rewrite mem_idxs; case: i => [|p [|q [|r i]]] //=; rewrite ?andbF //.
by move=> /and3P [hp hq _]; exists p, q.
Qed.

Lemma idxs3 a b c i : i \in idxs [:: a; b; c] ->
  exists p q r, [/\ i = [:: p; q; r], N.ltb p a, N.ltb q b & N.ltb r c].
Proof.
rewrite mem_idxs; case: i => [|p [|q [|r [|? ?]]]] //=; rewrite ?andbF //.
by move=> /and4P [hp hq hr _]; exists p, q, r.
Qed.

Lemma idxs4 a b c d i : i \in idxs [:: a; b; c; d] ->
  exists p q r s, [/\ i = [:: p; q; r; s], N.ltb p a, N.ltb q b, N.ltb r c & N.ltb s d].
Proof.
rewrite mem_idxs; case: i => [|p [|q [|r [|s [|? ?]]]]] //=; rewrite ?andbF //.
by move=> /and5P [hp hq hr hs _]; exists p, q, r, s.
Qed.

(** A step of 1 along one dimension, from [j] on. *)
Lemma at_step (j k : N) m d s r :
  at_map (Aff (Z.of_N j) [:: (k, 1%Z)] :: m) (d :: s) r
  = let p := (j + nth 0%num r (N.to_nat k))%num in
    if N.ltb p d then omap (cons p) (at_map m s r) else None.
Proof.
have e : aff_at (Aff (Z.of_N j) [:: (k, 1%Z)]) r = Z.of_N (j + nth 0%num r (N.to_nat k)).
  rewrite N2Z.inj_add [RHS]Z.add_comm -[Z.of_N (nth _ _ _)]Z.mul_1_l.
  by [].
move: e; set a := Aff _ _ => e.
have -> : at_map (a :: m) (d :: s) r = let z := aff_at a r in
  if Z.leb 0 z && Z.ltb z (Z.of_N d) then omap (cons (Z.to_N z)) (at_map m s r) else None by [].
rewrite e /=; set p := (j + _)%num; have -> : Z.leb 0 (Z.of_N p) by apply/Z.leb_le; lia.
have -> : Z.ltb (Z.of_N p) (Z.of_N d) = N.ltb p d.
  by apply/idP/idP => [/Z.ltb_lt h|/N.ltb_lt h]; [apply/N.ltb_lt|apply/Z.ltb_lt]; lia.
by rewrite N2Z.id.
Qed.

Lemma at_part1 j n c m p q r : N.ltb p n -> N.ltb r m ->
  at_map (steps_map (part_steps 3 1 j)) [:: n; c; m] [:: p; q; r]
  = if N.ltb (j + q) c then Some [:: p; (j + q)%num; r] else None.
Proof.
move=> hp hr; have -> : steps_map (part_steps 3 1 j) = [:: Aff (Z.of_N 0) [:: (0%num, 1%Z)];
    Aff (Z.of_N j) [:: (1%num, 1%Z)]; Aff (Z.of_N 0) [:: (2%num, 1%Z)]] by [].
rewrite !at_step /= hp hr.
by case: ifP.
Qed.

Lemma at_part2 j n t m b i f : N.ltb b n -> N.ltb i t ->
  at_map (steps_map (part_steps 3 2 j)) [:: n; t; m] [:: b; i; f]
  = if N.ltb (j + f) m then Some [:: b; i; (j + f)%num] else None.
Proof.
move=> hb hi; have -> : steps_map (part_steps 3 2 j) = [:: Aff (Z.of_N 0) [:: (0%num, 1%Z)];
    Aff (Z.of_N 0) [:: (1%num, 1%Z)]; Aff (Z.of_N j) [:: (2%num, 1%Z)]] by [].
rewrite !at_step /= hb hi.
by case: ifP.
Qed.

(** Dimensions of size 1 do not move anything. *)
Lemma index_ones n j s :
  seq.index (nseq n 0%num ++ j) (idxs (nseq n 1%num ++ s)) = seq.index j (idxs s).
Proof.
elim: n => //= n ih; rewrite cats0 index_map //; by move=> a b [].
Qed.

Lemma mem_ones n s i : i \in idxs (nseq n 1%num ++ s) ->
  exists2 j, i = nseq n 0%num ++ j & j \in idxs s.
Proof.
elim: n i => [|n ih] i /=; first by exists i.
by rewrite cats0 => /mapP [r /ih [j -> hj] ->]; exists j.
Qed.

Lemma same_place_ones n b a f i s : b :: i \in idxs (a :: nseq n 1%num ++ s) ->
  f = drop n i ->
  same_place (a :: s) (a :: nseq n 1%num ++ s) (b :: i) = b :: f.
Proof.
move=> hi ->; have := hi; rewrite mem_idxs /= => /andP [hb]; rewrite -mem_idxs => /mem_ones [j ej hj].
have hj' : nseq n 0%num ++ j \in idxs (nseq n 1%num ++ s) by rewrite -ej; move: hi; rewrite !mem_idxs => /andP [].
have hb' : [:: b] \in idxs [:: a] by rewrite mem_idxs /= hb.
have e : size (idxs (nseq n 1%num ++ s)) = size (idxs s).
  by rewrite !size_idxs; congr N.to_nat; elim: (n) => //= k ->; case: size_of.
rewrite ej drop_size_cat ?size_nseq // /same_place.
rewrite (index_idxs (s := [:: a]) hb' hj') index_ones e -(index_idxs (s := [:: a]) hb' hj).
by rewrite nth_index // mem_idxs /= hb -mem_idxs.
Qed.

(** Two digits of a number. *)

Lemma split_below c h p : (c < h * p)%num ->
  [/\ (N.div c p < h)%num, (N.modulo c p < p)%num & (N.div c p * p + N.modulo c p = c)%num].
Proof.
move=> hc; have pos : p <> 0%num by move=> e; move: hc; rewrite e N.mul_0_r; exact: N.nlt_0_r.
split; [by apply: N.div_lt_upper_bound; rewrite // N.mul_comm | exact: N.mod_upper_bound |].
by rewrite N.mul_comm -N.div_mod.
Qed.

Lemma div_below i a b : N.ltb i (a * b) -> N.ltb (N.div i b) a.
Proof. by move=> /N.ltb_lt /split_below [h _ _]; apply/N.ltb_lt. Qed.

(** A dimension that is two merged. *)
Lemma same_place_merged P p G B i Q q : p \in idxs P -> q \in idxs Q -> N.ltb i (G * B) ->
  same_place (P ++ [:: G; B] ++ Q) (P ++ [:: (G * B)%num] ++ Q) (p ++ [:: i] ++ q)
  = p ++ [:: N.div i B; N.modulo i B] ++ q.
Proof.
move=> hp hq /N.ltb_lt /split_below [hg hb e].
have ht := in_merged hp hg hb; have hs := in_split hp hg hb.
rewrite /same_place !catA -{1}e (index_idxs ht hq) (same_index hp hg hb) -(index_idxs hs hq).
by rewrite nth_index // idxs_cat; apply/allpairsP; exists (p ++ [:: N.div i B; N.modulo i B], q).
Qed.

Lemma next_id_cat k c c' : next_id k (c ++ c') = next_id (next_id k c) c'.
Proof. by rewrite /next_id size_cat Nnat.Nat2N.inj_add N.add_assoc. Qed.

Section Ops.
Variable R : realType.
Implicit Types (e : env R).

Lemma den_product out c vs e i : i \in idxs out ->
  den (product out c vs) e i = \sum_(r <- idxs c) \prod_(v <- vs) read e v (i ++ r).
Proof.
move=> hi; rewrite /product -(@sum_box_cat _ _ c _ (fun r => \prod_(v <- vs) read e v r) hi) /=.
rewrite big_seq_cond [RHS]big_seq_cond.
apply: eq_bigl => r; case hr: (r \in _) => //=; rewrite mem_idxs in hr.
have := at_map_first (n := size out) hr; rewrite take_size_cat // size_cat leq_addr => -> //.
Qed.

Lemma sum_idxs1 k (F : idx -> R) : \sum_(r <- idxs [:: k]) F r = \sum_(c <- Nrange k) F [:: c].
Proof. by rewrite big_allpairs_dep; apply: eq_bigr => c _; rewrite big_seq1. Qed.

(** A sum of products of two operands, over one index. *)
Lemma den_product1 out k v w e i : i \in idxs out ->
  den (product out [:: k] [:: v; w]) e i
  = \sum_(c <- Nrange k) read e v (i ++ [:: c]) * read e w (i ++ [:: c]).
Proof.
move=> hi; rewrite den_product // sum_idxs1; apply: eq_bigr => c _.
by rewrite !big_cons big_nil mulr1.
Qed.

(** One operand, read where a map says. *)
Lemma den_view s v e i : i \in idxs s ->
  den (Contract s s (id_map s) [:: v]) e i = read e v i.
Proof. by move=> hi; rewrite /= sum_id_map // big_seq1. Qed.

Lemma read_proj e x s box ks r : inb box r -> all (fun k => N.to_nat k < size box)%nat ks ->
  s = [seq nth 0%num box (N.to_nat k) | k <- ks] ->
  read e (View x s (proj ks)) r = e x [seq nth 0%num r (N.to_nat k) | k <- ks].
Proof. by move=> hr hk ->; rewrite /read /= at_map_proj. Qed.

Lemma den_repeat_over s ds v e i : all (fun k => N.to_nat k < size s)%nat ds -> i \in idxs s ->
  den (repeat_over s ds v) e i = e v (pick i ds).
Proof. by move=> hd hi; rewrite den_view // (@read_proj _ _ _ s) // -mem_idxs. Qed.

Lemma pick_feature z i : i \in idxs z -> pick i [:: N.of_nat (size z).-1] = [:: last 0%num i].
Proof. by rewrite mem_idxs => /inb_size <-; congr [:: _]; rewrite Nnat.Nat2N.id nth_last. Qed.

Lemma den_matmul n t k m x w e : eqt [:: n; t; m] (den (Token.matmul n t k m x w) e) (linear k (e w) (e x)).
Proof.
move=> i hi; rewrite /Token.matmul den_product1 // /linear !big_seq; apply: eq_bigr => c.
rewrite mem_Nrange => hc; have [p [q [r [-> hp hq hr]]]] := idxs3 hi.
by rewrite !(@read_proj _ _ _ [:: n; t; m; k]) //= hp hq hr hc.
Qed.

(** A part that begins at [j], along the second dimension. *)
Lemma den_part1 n c t m j a e p q r : N.ltb p n -> N.ltb q t -> N.ltb r m ->
  den (pad_to (part_steps 3 1 j) [:: n; c; m] [:: n; t; m] a) e [:: p; q; r]
  = if N.leb j q && N.ltb (q - j) c then e a [:: p; (q - j)%num; r] else 0.
Proof.
move=> hp hq hr; apply: (@den_part R 1 [:: n; t; m] isT j [:: n; c; m] a e [:: p; q; r]).
  by rewrite /resizes /= eqxx.
by rewrite mem_idxs /= hp hq hr.
Qed.

Section Layers.
Implicit Types (w b : tensor R).

Lemma dense_sound n t k m x ps first c e : Token.dense n t k m x ps first = Some c -> computes e c ->
  eqt [:: n; t; m] (e (N.pred (next_id first c))) (dense k [seq e p | p <- ps] (e x)).
Proof.
case: ps => [|w [|b [|? ?]]] //= [<-].
  move=> /computes_cons [h0 _] i hi.
  by rewrite (last_at (n := 0)) //= N.add_0_r h0 den_matmul.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
rewrite (last_at (n := 2)) // h2 /= h0 h1 den_matmul // den_repeat_over //.
Qed.

Lemma linear_eqt n t k m w (x y : tensor R) : eqt [:: n; t; k] x y -> eqt [:: n; t; m] (linear k w x) (linear k w y).
Proof.
move=> h i /idxs3 [p [q [r [-> hp hq _]]]]; rewrite /linear !big_seq; apply: eq_bigr => c.
by rewrite mem_Nrange => hc; rewrite h // mem_idxs /= hp hq hc.
Qed.

Lemma dense_eqt n t k m (ps : seq (tensor R)) x y : eqt [:: n; t; k] x y -> eqt [:: n; t; m] (dense k ps x) (dense k ps y).
Proof.
by move=> h i hi; case: ps => [|w [|b [|? ?]]] //=; rewrite (linear_eqt (m := m) w h).
Qed.

Lemma rows_sound (n h w c a x k p q r f : N) e : computes e (Token.rows n h w c a x k) ->
  N.ltb p n -> N.ltb q (h * a) -> N.ltb r w -> N.ltb f c ->
  e (N.pred (next_id k (Token.rows n h w c a x k))) [:: p; q; r; f] = e x [:: p; N.div q a; r; f].
Proof.
rewrite /Token.rows; case: N.eqb_spec => [->|_] + hp hq hr hf.
  rewrite N.mul_1_r in hq; move=> /computes_cons [h0 _].
  by rewrite (last_at (n := 0)) //= N.add_0_r h0 /= same_place_id ?N.div_1_r // mem_idxs /= hp hq hr hf.
move=> /computes_cons [h0] /computes_cons [h1 _]; rewrite (last_at (n := 1)) // h1 [LHS]/=.
have hm : N.ltb (N.modulo q a) a by move: hq => /N.ltb_lt /split_below [_ h' _]; apply/N.ltb_lt.
rewrite (same_place_merged (P := [:: n]) (p := [:: p]) (Q := [:: w; c]) (q := [:: r; f])) //; last first.
- by rewrite mem_idxs /= hr hf.
- by rewrite mem_idxs /= hp.
by rewrite h0 den_repeat_over // mem_idxs /= hp (div_below hq) hm hr hf.
Qed.

Lemma columns_sound (n h w c a x k p q r f : N) e : computes e (Token.columns n h w c a x k) ->
  N.ltb p n -> N.ltb q h -> N.ltb r (w * a) -> N.ltb f c ->
  e (N.pred (next_id k (Token.columns n h w c a x k))) [:: p; q; r; f] = e x [:: p; q; N.div r a; f].
Proof.
rewrite /Token.columns; case: N.eqb_spec => [->|_] + hp hq hr hf.
  rewrite N.mul_1_r in hr; move=> /computes_cons [h0 _].
  by rewrite (last_at (n := 0)) //= N.add_0_r h0 /= same_place_id ?N.div_1_r // mem_idxs /= hp hq hr hf.
move=> /computes_cons [h0] /computes_cons [h1 _]; rewrite (last_at (n := 1)) // h1 [LHS]/=.
have hm : N.ltb (N.modulo r a) a by move: hr => /N.ltb_lt /split_below [_ h' _]; apply/N.ltb_lt.
rewrite (same_place_merged (P := [:: n; h]) (p := [:: p; q]) (Q := [:: c]) (q := [:: f])) //; last first.
- by rewrite mem_idxs /= hf.
- by rewrite mem_idxs /= hp hq.
by rewrite h0 den_repeat_over // mem_idxs /= hp hq (div_below hr) hm hf.
Qed.

Lemma token_eqt l batch s s' (ps : seq (tensor R)) x y : Token.output l s = Some s' -> eqt (batch :: s) x y ->
  eqt (batch :: s') (token_meaning l batch s ps x) (token_meaning l batch s ps y).
Proof.
case: l => [m bias|||s0|keep||j|a a'] /=.
- case: s => [|t [|n []]] // [<-]; exact: dense_eqt.
- case: s => // d s [<-] h; case: ps => [|w []] // i hi.
  by rewrite h.
- case: s => [|t [|n []]] // [<-] h; case: ps => [|w []] // i hi.
  by rewrite h.
- case: N.eqb_spec => // es [<-] h i hi; apply: h; apply: same_place_in => //.
  by rewrite /= es.
- case: s => // d s [_] h i _; exact: mean_eqt.
- case: s => [|t [|n []]] // [<-] h; case: ps => [|w []] // i /idxs3 [p [q [r [-> hp hq hr]]]].
  rewrite /=; move/N.ltb_lt: hq => hq.
  case: eqP => // ne; apply: h; rewrite mem_idxs /= hp hr !andbT; apply/N.ltb_lt; lia.
- case: s => [|t [|n []]] //; case: ifP => // hj [<-] h i /idxs2 [p [r [-> hp hr]]] /=.
  by apply: h; rewrite mem_idxs /= hp hj hr.
case: s => [|d [|w [|c []]]] //; case: ifP => // _ [<-] h i /idxs4 [p [q [r [f [-> hp hq hr hf]]]]] /=.
by apply: h; rewrite mem_idxs /= hp hf !div_below.
Qed.

Lemma token_sound l batch s s' ps x k c e : Token.output l s = Some s' ->
  Token.emit l batch s ps x k = Some c -> computes e c ->
  eqt (batch :: s') (e (N.pred (next_id k c))) (token_meaning l batch s [seq e p | p <- ps] (e x)).
Proof.
case: l => [m bias|||s0|keep||j|a a'].
- rewrite /=; case: s => [|t [|n []]] // [<-]; case: ifP => // _; exact: dense_sound.
- case: s => // d s [<-]; case: ps => [|w []] // [<-].
  move=> /computes_cons [h0] /computes_cons [h1 _] i hi.
  rewrite (last_at (n := 1)) // h1 [LHS]/= h0 den_repeat_over //.
    by rewrite (pick_feature (z := [:: batch, d & s])).
  by apply/allP => j; rewrite inE => /eqP ->; rewrite -[N.pos _]/(N.of_nat (size s).+1) Nnat.Nat2N.id.
- rewrite /=; case: s => [|t [|n []]] // [<-]; case: ps => [|w []] // [<-].
  move=> /computes_cons [h0] /computes_cons [h1 _] i hi.
  rewrite (last_at (n := 1)) // h1 /= h0 den_repeat_over //=.
  by have [p [q [r [-> _ _ _]]]] := idxs3 hi.
- rewrite /=; case: N.eqb_spec => // es [<-]; case: ps => // -[<-] /computes_cons [h0 _] i hi.
  by rewrite (last_at (n := 0)) //= N.add_0_r h0.
- rewrite /=; case: s => // d s [<-]; case: ps => //; case: ifP => // _ [<-].
  case: keep => /= /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 hc] i hi.
    have [h3 _] := computes_cons hc.
    rewrite (last_at (n := 3)) // h3 [LHS]/=; case: i hi => [|b i] hi; first by move: hi; rewrite mem_idxs.
    rewrite (same_place_ones hi erefl) h2 [LHS]/= h0 h1 den_total_over den_mean_count /mean.
    have /mem_ones [j -> hj] : i \in idxs (nseq (size s) 1%num ++ [:: last d s]).
      by move: hi; rewrite !mem_idxs => /andP [].
    rewrite drop_size_cat ?size_nseq // [last _ _]/= last_cat.
    by move: hj; rewrite mem_idxs; case: j => [|f [|? ?]] //; rewrite /= andbF.
  rewrite (last_at (n := 2)) // h2 [LHS]/= h0 h1 den_total_over den_mean_count /mean.
  by have [p [q [-> _ _]]] := idxs2 hi.
- rewrite /=; case: s => [|t [|m []]] // [<-]; case: ps => [|w []] // [<-].
  move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _] i hi.
  rewrite (last_at (n := 3)) //; have -> : (k + 3 = k + 1 + 2)%num by lia.
  rewrite h3 [LHS]/=; have -> : (k + 1 + 1 = N.succ (k + 1))%num by lia.
  rewrite N.add_0_r h1 h2; have [p [q [r [-> hp hq hr]]]] := idxs3 hi.
  rewrite (den_part1 1%num 0%num) //.
  rewrite (den_part1 t 1%num) //.
  rewrite /token_meaning [nth _ _ 1]/= [nth _ _ 0]/= [last _ _]/=; case: eqP => hq0.
    rewrite hq0 [_ && _]/= addr0 h0 den_repeat_over //.
    by rewrite mem_idxs /= hp hr.
  move: hq => /N.ltb_lt hq.
  have -> : N.leb 0 q && N.ltb (q - 0) 1 = false by apply/negP => /andP [_ /N.ltb_lt]; lia.
  have -> : N.leb 1 q && N.ltb (q - 1) t by apply/andP; split; [apply/N.leb_le|apply/N.ltb_lt]; lia.
  by rewrite add0r N.sub_1_r.
- case: s => [|t [|m []]] //=; case: ifP => // hj [<-]; case: ps => // -[<-].
  move=> /computes_cons [h0] /computes_cons [h1 _] i /idxs2 [p [r [-> hp hr]]].
  rewrite (last_at (n := 1)) // h1 [LHS]/=.
  have -> : same_place [:: batch; 1; m]%num [:: batch; m] [:: p; r] = [:: p; 0; r]%num.
    have hi : [:: p; 0; r]%num \in idxs [:: batch; 1; m]%num by rewrite mem_idxs /= hp hr.
    rewrite -(same_place_ones (n := 1) (i := [:: 0; r]%num) hi erefl) same_placeK //.
    by rewrite -[RHS]/(batch * (1 * (m * 1)))%num N.mul_1_l.
  rewrite h0 den_view ?mem_idxs /= ?hp ?hr // /read [v_map _]/= at_part1 //.
  by rewrite N.add_0_r hj.
case: s => [|d [|w [|c' []]]] //=; case: ifP => // _ [<-]; case: ps => // -[<-].
move=> /computes_cat [hr hc] i /idxs4 [p [q [r [f [-> hp hq hr' hf]]]]].
rewrite next_id_cat (columns_sound hc) // (rows_sound hr) //.
exact: div_below.
Qed.

Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma dense_smooth n t k m x ps first c E : Token.dense n t k m x ps first = Some c ->
  smooth_in x0 E c.
Proof. by case: ps => [|w [|b [|? ?]]] //= [<-] d o /=; repeat case=> [[_ <-] //|]. Qed.

Lemma token_smooth l batch s ps x k c E : Token.emit l batch s ps x k = Some c ->
  (forall v, computes (E v) c) -> smooth_in x0 E c.
Proof.
case: l => [m bias|||s0|keep||j|a a'].
- rewrite /=; case: s => [|t [|n []]] //; case: ifP => // _ h _; exact: dense_smooth h.
- rewrite /=; case: s => // d s; case: ps => [|w []] // -[<-] _ d' o /=; by repeat case=> [[_ <-] //|].
- rewrite /=; case: s => [|t [|n []]] //; case: ps => [|w []] // -[<-] _ d' o /=; by repeat case=> [[_ <-] //|].
- rewrite /=; case: ps => // -[<-] _ d' o /=; by repeat case=> [[_ <-] //|].
- rewrite /=; case: s => // d s; case: ps => //; case: ifP => // ok [<-] /(_ x0) hc.
  have /computes_cons [_ /computes_cons [h1 _]] := hc.
  move=> d' o /=; case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|].
    by move=> i _ /=; rewrite h1 den_mean_count lt0r_neq0 // number_gt0.
  by case: keep {hc} => //=; case=> [[_ <-] //|].
- rewrite /=; case: s => [|t [|n []]] //; case: ps => [|w []] // -[<-] _ d' o /=; by repeat case=> [[_ <-] //|].
- rewrite /=; case: s => [|t [|n []]] //; case: ps => // -[<-] _ d' o /=; by repeat case=> [[_ <-] //|].
rewrite /=; case: s => [|d [|w [|c' []]]] //; case: ps => // -[<-] _; apply: smooth_in_cat.
  by rewrite /Token.rows; case: ifP => _ d' o /=; repeat case=> [[_ <-] //|].
by rewrite /Token.columns; case: ifP => _ d' o /=; repeat case=> [[_ <-] //|].
Qed.
End Smooth.
End Layers.
End Ops.
