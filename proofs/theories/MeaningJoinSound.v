(** * The instructions of a join compute its meaning

    And off its kinks, they are off theirs.

    Glossary
      - [fill s t i]        the index of shape [s], from that without the dimensions
                            in which [s] and [t] differ
      - [holds_parts]       in an environment, the parts are these tensors
      - [holds_family]      in environments that depend on a point, the parts are
                            these functions of it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Joins SmoothFacts Computes SpecLayer SpecJoin JoinsSound.
From Cotangent Require Import AttentionFormula AttentionSound MeaningLayer MeaningJoin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Dimensions of size 1, dropped and made anew *)

Definition narrowed (s : shape) (i : idx) : idx :=
  [seq if N.eqb q.1 1 then 0%num else q.2 | q <- zip s i].

Fixpoint fill (s t : shape) (i : idx) : idx := match s, t with
| a :: s', b :: t' =>
    if N.eqb a b then head 0%num i :: fill s' t' (behead i) else 0%num :: fill s' t' i
| _, _ => [::]
end.

Lemma stretches_cons a s b t : stretches (a :: s) (b :: t) ->
  (N.eqb a 1 || N.eqb a b) && stretches s t.
Proof. by move=> /andP [/eqP /= [hs] /andP [-> ha]]; rewrite /stretches hs eqxx. Qed.

Lemma idxs_fill s t : stretches s t ->
  idxs s = [seq fill s t i | i <- idxs (mask (same_dims s t) s)].
Proof.
elim: s t => [|a s ih] [|b t] // /stretches_cons /andP [ab /ih {}ih] /=.
move: ab; case: (N.eqb_spec a b) => [->|ne] /=.
  move=> _; rewrite {1}ih allpairs_mapr map_allpairs.
  by [].
rewrite orbF => /N.eqb_eq ->.
by rewrite /= cats0 {1}ih -map_comp.
Qed.

Lemma fill_mask s t i : stretches s t -> inb t i ->
  fill s t (mask (same_dims s t) i) = narrowed s i.
Proof.
elim: s t i => [|a s ih] [|b t] [|k i] // /stretches_cons /andP [ab st] /= /andP [/N.ltb_lt hk hi].
rewrite /narrowed /= -/(narrowed s i) -(ih t i st hi).
move: ab; case: (N.eqb_spec a b) => [->|ne] /=; last by rewrite orbF => ->.
by move=> _; congr (_ :: _); case: N.eqb_spec => // b1; move: hk; rewrite b1; lia.
Qed.

Lemma narrowed_in s t i : stretches s t -> inb t i -> inb s (narrowed s i).
Proof.
elim: s t i => [|a s ih] [|b t] [|k i] // /stretches_cons /andP [ab st] /= /andP [hk hi].
rewrite -/(narrowed s i) (ih t) // andbT; move: ab.
by case: (N.eqb_spec a 1) => [->|_] //= /N.eqb_eq ->.
Qed.

Lemma narrowed_id s i : inb s i -> narrowed s i = i.
Proof.
elim: s i => [|a s ih] [|k i] //= /andP [/N.ltb_lt hk /ih e]; rewrite /narrowed /= -/(narrowed s i) e.
by case: N.eqb_spec => // a1; congr (_ :: _); move: hk; rewrite a1; lia.
Qed.

Lemma mask_same s t : mask (same_dims s t) t = mask (same_dims s t) s.
Proof. by elim: s t => [|a s ih] [|b t] //=; rewrite ih; case: N.eqb_spec => // ->. Qed.

Section Sound.
Variable R : realType.
Implicit Types (e : env R).

Lemma den_read u w ks a e i : i \in idxs u -> all (fun k => N.to_nat k < size u)%nat ks ->
  w = [seq nth 0%num u (N.to_nat k) | k <- ks] ->
  den (Contract u u (proj (first_dims (size u))) [:: View a w (proj ks)]) e i
  = e a [seq nth 0%num i (N.to_nat k) | k <- ks].
Proof.
move=> hi hk ->; rewrite /den big_seq_cond (eq_bigl (fun r => (r \in idxs u) && (r == i))).
  rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1 /read /=.
  by rewrite at_map_proj // -mem_idxs.
by move=> r; case hr: (r \in idxs u) => //; rewrite !andTb at_map_id -?mem_idxs.
Qed.

Lemma stretched_in batch s t i : stretches s t -> i \in idxs (batch :: t) ->
  head 0%num i :: narrowed s (behead i) \in idxs (batch :: s).
Proof.
rewrite !mem_idxs; case: i => [|b i] //= st /andP [-> hi]; exact: narrowed_in st hi.
Qed.

Lemma stretched_eqt batch s t (x y : tensor R) : stretches s t -> eqt (batch :: s) x y ->
  eqt (batch :: t) (stretched s x) (stretched s y).
Proof. by move=> st h i hi; apply: h; exact: stretched_in st hi. Qed.

Lemma stretched_same batch s (y : tensor R) : eqt (batch :: s) y (stretched s y).
Proof.
move=> i; rewrite mem_idxs /stretched; case: i => [|b i] //= /andP [_ hi].
by rewrite -[[seq _ | _ <- _]]/(narrowed s i) narrowed_id.
Qed.

Lemma stretch_sound batch s t y k c w e : stretches s t -> stretch batch s t y k = (c, w) ->
  computes e c -> eqt (batch :: t) (e w) (stretched s (e y)).
Proof.
move=> st; rewrite /stretch; case: eqP => [<- [_ <-] _|_]; first exact: stretched_same.
move=> [<- <-] /computes_cons [h0] /computes_cons [h1 _] i hi; rewrite h1.
set u := batch :: t in hi *; set z := batch :: s; set m := same_dims z u.
have hm : [seq nth 0%num i (N.to_nat d) | d <- mask m (first_dims (size u))] = mask m i.
  rewrite map_mask map_first_dims; last by rewrite (@inb_size u) // -mem_idxs.
  by rewrite take_oversize // (@inb_size u) // -mem_idxs.
have hz : mask m z = [seq nth 0%num u (N.to_nat d) | d <- mask m (first_dims (size u))].
  by rewrite map_mask map_first_dims // take_size mask_same.
have hd : all (fun d => N.to_nat d < size u)%nat (mask m (first_dims (size u))).
  by apply/allP => d /mem_mask; rewrite mem_first_dims.
rewrite (den_read k e hi hd hz) hm h0.
have zu : stretches z u.
  by move: st => /andP [/eqP hs ha]; rewrite /stretches /= hs eqxx N.eqb_refl orbT.
have bi : inb u i by rewrite -mem_idxs.
have hw : mask m i \in idxs (mask m z).
  rewrite mem_idxs -[mask m z]mask_same -/m; move: (m) (u) (i) bi => {hm hz hd}.
  by elim=> [|b m' ih] [|a s'] [|d j] //= /andP [ha /ih hj]; case: b; rewrite /= ?ha.
rewrite [LHS]/= /same_place (idxs_fill zu) -/m (nth_map [::]) ?index_mem // nth_index //.
rewrite fill_mask //; congr (e y _); case: (i) bi => [|b i'] //= /andP [/N.ltb_lt hb hi'].
by congr (_ :: _); case: N.eqb_spec => //= b1; move: hb; rewrite b1; lia.
Qed.

(** ** Merging *)

Definition holds_parts (batch : N) e (parts : seq part) (ms : seq (shape * tensor R)) : Prop :=
  List.Forall2 (fun a b => a.2 = b.1 /\ eqt (batch :: b.1) (e a.1) b.2) parts ms.

Lemma holds_parts_shapes batch e parts ms : holds_parts batch e parts ms -> unzip2 parts = unzip1 ms.
Proof. by elim=> //= a b l l' [-> _] _ ->. Qed.

Lemma holds_parts_rcons batch e parts ms y s x : holds_parts batch e parts ms ->
  eqt (batch :: s) (e y) x -> holds_parts batch e (rcons parts (y, s)) (rcons ms (s, x)).
Proof.
move=> h hx; rewrite -!cats1; apply: List.Forall2_app h _.
by constructor; [split|constructor].
Qed.

Lemma part_sound batch s t z k c w e (x : tensor R) : stretches s t ->
  stretch batch s t z k = (c, w) -> computes e c -> eqt (batch :: s) (e z) x ->
  eqt (batch :: t) (e w) (stretched s x).
Proof. by move=> st hc he hx; apply: eqt_trans (stretch_sound st hc he) _; exact: stretched_eqt. Qed.

Lemma merge_sound m z y w k e (x x' : tensor R) : e k =1 den (Bin z (merging_op m) y w) e ->
  eqt z (e y) x -> eqt z (e w) x' -> eqt z (e k) (fun i => combined m (x i) (x' i)).
Proof. by move=> h hx hx' i hi; rewrite h /= hx // hx' //; case: (m). Qed.

Lemma merge_parts_sound m batch t y parts k c w e x ms :
  merge_parts (merging_op m) batch t y parts k = (c, w) -> computes e c ->
  all (fun s => stretches s t) (unzip2 parts) -> eqt (batch :: t) (e y) x ->
  holds_parts batch e parts ms -> eqt (batch :: t) (e w) (merged m x ms).
Proof.
elim: parts y k c w x ms => [|[z s] parts ih] y k c w x ms /=.
  by case=> _ <- _ _ hx h; inversion h.
case hs: stretch => [c1 z']; case hm: merge_parts => [c2 w2] [<- <-].
move=> /computes_cat [h1 /computes_cons [h2 h3]] /andP [st sts] hx h.
inversion h as [|? [s' x'] ? ms' [es hz] hp]; subst; simpl in *; subst s'.
apply: (ih _ _ _ _ _ _ hm h3 sts _ hp).
by apply: merge_sound h2 hx _; exact: part_sound st hs h1 hz.
Qed.

Lemma merged_shape (m : merging) ss t : joined_shape m ss = Some t ->
  (0 < size ss)%nat /\ all (fun s => stretches s t) ss.
Proof. by rewrite /joined_shape; case: ss => [|s ss] //; case: ifP => // h [<-]. Qed.

(** ** Concatenation *)

Lemma computes_values e k os : computes e (values k os) ->
  forall j, (j < size os)%nat -> e (k + N.of_nat j)%num =1 den (nth (Const [::] 0 1) os j) e.
Proof.
elim: os k => //= o os ih k /computes_cons [h0 /ih {}ih] [|j] hj; first by rewrite N.add_0_r.
by rewrite (_ : k + N.of_nat j.+1 = N.succ k + N.of_nat j)%num; [exact: ih|lia].
Qed.

Lemma computes_sum_up e s x k xs : computes e (sum_up s x k xs) ->
  e (if xs is [::] then x else k + N.of_nat (size xs) - 1)%num =1 (fun i => \sum_(y <- x :: xs) e y i).
Proof.
elim: xs x k => [|y xs ih] x k /=; first by move=> _ i; rewrite big_seq1.
move=> /computes_cons [h0 /ih {}ih] i; rewrite !big_cons addrA -[e x i + _]/(den (Bin s Add x y) e i).
rewrite -h0; have := ih i; rewrite big_cons => <-; congr (e _ i).
by case: (xs) => [|? ?] /=; lia.
Qed.

Lemma size_values k os : size (values k os) = size os.
Proof. by elim: os k => //= o os ih k; rewrite ih. Qed.

Lemma size_sum_up s x k xs : size (sum_up s x k xs) = size xs.
Proof. by elim: xs x k => //= y xs ih x k; rewrite ih. Qed.

Lemma computes_sum s k os e : computes e (sum_code s k os) -> (0 < size os)%nat ->
  e (N.pred (next_id k (sum_code s k os))) =1 (fun i => \sum_(o <- os) den o e i).
Proof.
rewrite /sum_code; set n := size os; set ids := rev (map _ _) => h pos i.
have sz : size ids = n by rewrite size_rev size_map size_iota.
have [hv hs] := computes_cat h.
have total : \sum_(y <- ids) e y i = \sum_(o <- os) den o e i.
  rewrite /ids (perm_big _ (permEl (perm_rev _))) /= big_map.
  rewrite [RHS](big_nth (Const [::] 0 1)) big_nat_rev /index_iota subn0 add0n -/n.
  rewrite big_seq [RHS]big_seq; apply: eq_bigr => j; rewrite mem_iota add0n => /= hj.
  by rewrite -nth_rev // (computes_values hv) // size_rev.
have first_id : n = 1%nat -> ids = [:: k] by rewrite /ids => ->; rewrite /= N.add_0_r.
rewrite -total; case E: ids sz hs => [|x xs]; first by move=> /= h0; rewrite -h0 in pos.
move=> /= sx /computes_sum_up <-; congr (e _ i).
rewrite /next_id size_cat size_values size_rev size_sum_up -/n -sx Nnat.Nat2N.inj_add.
case: xs sx E => [|y xs] sx E; last by rewrite /=; lia.
by move: (first_id (esym sx)); rewrite E => -[->] /=; lia.
Qed.

(** The last dimension apart. *)
Lemma rconsP (s : seq N) : (0 < size s)%nat -> s = rcons (lead s) (last 0%num s).
Proof.
case/lastP: s => // s k _; rewrite last_rcons; congr rcons.
by rewrite /lead size_rcons -cats1 take_size_cat.
Qed.

Lemma nth_rcons_size (s : seq N) k : nth 0%num (rcons s k) (size s) = k.
Proof. by rewrite nth_rcons ltnn eqxx. Qed.

Lemma set_nth_rcons (s : seq N) k n : set_nth 0%num (rcons s k) (size s) n = rcons s n.
Proof. by elim: s => //= a s ->. Qed.

Lemma inb_rcons s d i k : inb (rcons s d) (rcons i k) = inb s i && N.ltb k d.
Proof.
elim: s i => [|a s ih] [|b i] //=; rewrite ?andbT ?ih ?andbA //.
  by case: i => [|? ?]; rewrite /= ?andbF.
by case: s {ih} => [|? ?]; rewrite /= ?andbF.
Qed.

(** Parts that have [l] as their first dimensions. *)
Definition starts_with (l : shape) (parts : seq part) : bool :=
  all (fun p => p.2 == rcons l (feature_count p.2)) parts.

Lemma side_concatenated d batch l e parts ms i k : N.to_nat d = (size l).+1 ->
  starts_with l parts -> holds_parts batch e parts ms -> inb (batch :: l) i ->
  side_by_side d [seq (p.2, e p.1) | p <- [seq (p.1, batch :: p.2) | p <- parts]] (rcons i k)
  = concatenated ms i k.
Proof.
move=> hd sw hp hi; have si : size i = (size l).+1 by exact: inb_size hi.
elim: hp k sw => [|[y s] [s' x] {}parts {}ms [/= <- hy] _ ih] k //= /andP [/eqP es sw].
rewrite hd -si nth_rcons_size set_nth_rcons si.
have -> : nth 0%num (batch :: s) (size l).+1 = feature_count s.
  by rewrite es /= nth_rcons_size /feature_count last_rcons.
case hk: (N.ltb k (feature_count s)); last exact: ih.
by apply: hy; rewrite mem_idxs es -rcons_cons inb_rcons hi.
Qed.

Lemma concat_sound d batch l n parts k e ms : N.to_nat d = (size l).+1 ->
  starts_with l parts -> (0 < size parts)%nat ->
  let c := join d (batch :: rcons l n) k [seq (p.1, batch :: p.2) | p <- parts] in
  computes e c -> holds_parts batch e parts ms ->
  eqt (batch :: rcons l n) (e (N.pred (next_id k c)))
    (fun i => concatenated ms (lead i) (last 0%num i)).
Proof.
set t := batch :: rcons l n; set ps := map _ parts => hd sw pos c hc hp i hi.
have low : (N.to_nat d < size t)%nat by rewrite hd /= size_rcons.
have hps : all (fun p => resizes d t p.2) ps.
  rewrite all_map; apply: sub_all sw => -[y s] /= /eqP es; rewrite /resizes hd es /t.
  rewrite -!rcons_cons !size_rcons eqxx /=.
  by rewrite nth_rcons_size set_nth_rcons.
rewrite (computes_sum hc) ?size_part_pads ?size_map // (parts_sum low e hps hi (N.le_0_l _)).
have bi : inb t i by rewrite -mem_idxs.
have si : size i = (size l).+2 by rewrite (inb_size bi) /= size_rcons.
have ei : i = rcons (lead i) (last 0%num i) by apply: rconsP; rewrite si.
have sl : size (lead i) = (size l).+1 by rewrite /lead size_takel si.
rewrite N.sub_0_r {1 2}ei hd -sl nth_rcons_size set_nth_rcons.
apply: side_concatenated hd sw hp _; move: bi; rewrite ei /t -rcons_cons inb_rcons => /andP [].
by rewrite -ei.
Qed.

Lemma concat_shapeP ss t : joined_shape Concat ss = Some t ->
  exists l, [/\ t = rcons l (foldr N.add 0%num [seq feature_count u | u <- ss]), (0 < size ss)%nat
              & all (fun u => u == rcons l (feature_count u)) ss].
Proof.
rewrite /joined_shape; case: ss => [|s ss] //; case: ifP => // /andP [h pos] [<-].
exists (lead s); split=> //; apply: sub_all h => u /andP [/eqP hu /eqP <-].
by apply/eqP; apply: rconsP; rewrite hu.
Qed.

(** ** Attention *)

Lemma attend_shapeP heads ss s : joined_shape (Attend heads) ss = Some s ->
  exists u t m, [/\ ss = [:: [:: u; 2 * m]; [:: t; m]]%num, s = [:: t; m],
                    (heads * N.div m heads)%num = m & (0 < N.div m heads)%num].
Proof.
case: ss => [|[|u [|m2 [|? ?]]] [|[|t [|m [|? ?]]] [|? ?]]] //=.
case: ifP => // /andP [/and3P [_ /N.ltb_lt pos /N.eqb_eq hm] /N.eqb_eq ->] [<-].
by exists u, t, m.
Qed.

Lemma attend_sound heads batch s parts k c w e ms : joined_shape (Attend heads) (unzip2 parts) = Some s ->
  emit_join (Attend heads) batch s parts k = (c, w) -> computes e c -> holds_parts batch e parts ms ->
  eqt (batch :: s) (e w) (joined (Attend heads) ms).
Proof.
move=> /attend_shapeP [u [t [m [es -> em _]]]].
case: parts es => [|[kv ?] [|[q ?] [|? ?]]] // [-> ->] /= [<- <-] hc hp.
inversion hp as [|? [s1 x1] ? ms1 [e1 h1] hp1]; subst; inversion hp1 as [|? [s2 x2] ? ms2 [e2 h2] hp2]; subst.
inversion hp2; subst; simpl in *; subst s1 s2; rewrite /joined; move: h1 h2 hc; move: (N.div m heads) em => p <- h1 h2 hc.
by apply: eqt_trans (across_sound hc) _; exact: cross_attention_eqt.
Qed.

Lemma emit_join_sound j batch t parts k c w e ms : joined_shape j (unzip2 parts) = Some t ->
  emit_join j batch t parts k = (c, w) -> computes e c -> holds_parts batch e parts ms ->
  eqt (batch :: t) (e w) (joined j ms).
Proof.
case: j => [m /merged_shape []|/concat_shapeP [l [et pos]]|heads]; last exact: attend_sound.
  case: parts => [|[y s] parts] //= _ /andP [st sts].
  case hs: stretch => [c1 y1]; case hm: merge_parts => [c2 w2] [<- <-] /computes_cat [h1 h2] h.
  inversion h as [|? [s' x] ? ms' [es hy] hp]; subst; simpl in *; subst s'.
  by apply: merge_parts_sound hm h2 sts _ hp; exact: part_sound st hs h1 hy.
rewrite all_map => sw hc hk hp; rewrite /joined {}et in hc *.
case: parts pos sw hc hp => [|[y s] [|p parts]] // _ sw /= hc hp.
  case: hc => _ <-; inversion hp as [|? [s' x] ? ms' [es hy] hp']; subst; inversion hp'; subst.
  simpl in *; subst s'; move: sw => /andP [/eqP es _].
  rewrite N.add_0_r -es => i hi; rewrite hy //; move: hi; rewrite mem_idxs => bi.
  have ei : i = rcons (lead i) (last 0%num i) by apply: rconsP; rewrite (inb_size bi).
  move: bi; rewrite {1}ei es -rcons_cons inb_rcons -es => /andP [_ ->].
  by rewrite -ei.
case: hc => ec ew; subst c w.
by apply: (concat_sound (parts := (y, s) :: p :: parts)) hk hp => //; rewrite Nnat.Nat2N.id size_rcons.
Qed.

(** ** Off the kinks *)
Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Definition holds_family (batch : N) E (parts : seq part) (ms : seq (shape * (V -> tensor R))) : Prop :=
  List.Forall2 (fun a b => a.2 = b.1 /\ forall v, eqt (batch :: b.1) (E v a.1) (b.2 v)) parts ms.

Lemma family_at batch E parts ms v : holds_family batch E parts ms ->
  holds_parts batch (E v) parts [seq (q.1, q.2 v) | q <- ms].
Proof. by elim=> [|a b l l' [es h] _ ih] /=; constructor => //; split; [|exact: h]. Qed.

Lemma family_shapes batch E parts ms : holds_family batch E parts ms -> unzip2 parts = unzip1 ms.
Proof. by elim=> //= a b l l' [-> _] _ ->. Qed.

Lemma family_rcons batch E parts ms y s x : holds_family batch E parts ms ->
  (forall v, eqt (batch :: s) (E v y) (x v)) ->
  holds_family batch E (rcons parts (y, s)) (rcons ms (s, x)).
Proof.
move=> h hx; rewrite -!cats1; apply: List.Forall2_app h _.
by constructor; [split|constructor].
Qed.

Lemma stretch_smooth batch s t y k E : smooth_in x0 E (stretch batch s t y k).1.
Proof. by rewrite /stretch; case: eqP => [_ d o []|_ d o /=]; repeat case=> [[_ <-] //|]. Qed.

Lemma merge_parts_smooth name m batch t y parts k c w E (x : V -> tensor R) ms :
  merge_parts (merging_op m) batch t y parts k = (c, w) -> (forall v, computes (E v) c) ->
  all (fun s => stretches s t) (unzip2 parts) -> (forall v, eqt (batch :: t) (E v y) (x v)) ->
  holds_family batch E parts ms ->
  (m = Maximum -> off_kink x0 (maximum_inputs name (batch :: t) x ms) (MeetAt name)) ->
  smooth_in x0 E c.
Proof.
elim: parts y k c w x ms => [|[z s] parts ih] y k c w x ms /=.
  by case=> <- _ _ _ _ _ _ d o [].
case hs: stretch => [c1 z']; case hm: merge_parts => [c2 w2] [<- _] hc /andP [st sts] hx h off.
inversion h as [|? [s' x'] ? ms' [es hz] hp]; subst; simpl in *; subst s'.
have h1 v := proj1 (computes_cat (hc v)).
have [h2 h3] : (forall v, E v (next_id k c1) =1 den (Bin (batch :: t) (merging_op m) y z') (E v))
    /\ forall v, computes (E v) c2.
  by split=> v; have [_ /computes_cons []] := computes_cat (hc v).
have hz' v : eqt (batch :: t) (E v z') (stretched s (x' v)) by exact: part_sound st hs (h1 v) (hz v).
apply: smooth_in_cat; first by have := @stretch_smooth batch s t z k E; rewrite hs.
rewrite -cat1s; apply: smooth_in_cat.
  move=> d o [[_ <-]|//]; case em: (m) => //= i hi.
  have := off em _ _ (or_introl erefl) i hi; rewrite subr_eq0.
  by rewrite -hx // -hz'.
apply: (ih _ _ _ _ _ _ hm h3 sts _ hp) => [v|em]; first exact: merge_sound (h2 v) (hx v) (hz' v).
by rewrite em in off *; move=> s1 x1 h1'; exact: (off erefl s1 x1 (or_intror h1')).
Qed.

(** Contractions and additions. *)
Definition additive (o : op) : bool :=
  match o with Contract _ _ _ _ | Bin _ Add _ _ => true | _ => false end.

Lemma additive_join d t k ps : all (fun i => additive i.2) (join d t k ps).
Proof.
rewrite /join /sum_code all_cat; apply/andP; split; last first.
  case: (rev _) => //= x xs; move: (k + _)%num => j; elim: xs x j => //= y xs ih x j; exact: ih.
have : all additive (rev (part_pads d t 0 ps)).
  by rewrite all_rev; move: 0%num; elim: ps => //= -[a s] ps ih j; exact: ih.
by elim: (rev _) k => //= o os ih k /andP [-> /ih]; exact.
Qed.

Lemma join_smooth d t k ps E : smooth_in x0 E (join d t k ps).
Proof.
move=> d' o; elim: (join d t k ps) (additive_join d t k ps) => //= -[j o'] c ih /andP [ho hc].
by case=> [[_ <-]|/(ih hc) //]; case: o' ho => // s [].
Qed.

Lemma emit_join_smooth name j batch t parts k c w E ms : joined_shape j (unzip2 parts) = Some t ->
  emit_join j batch t parts k = (c, w) -> (forall v, computes (E v) c) ->
  holds_family batch E parts ms ->
  (forall q, List.In q (kinks_of_join name j) -> off_kink x0 (join_inputs name j (batch :: t) ms) q) ->
  smooth_in x0 E c.
Proof.
case: j => [m /merged_shape []|_|heads /attend_shapeP [u [n [m [es -> em pos]]]]]; last first.
- case: parts es => [|[kv ?] [|[q ?] [|? ?]]] // [-> ->] /= [<- _] hc _ _.
  exact: across_smooth pos hc.
- case: parts => [|[y s] [|p parts]] [<- _] _ _ _; try by move=> d o [].
  exact: join_smooth.
case: parts => [|[y s] parts] //= _ /andP [st sts].
case hs: stretch => [c1 y1]; case hm: merge_parts => [c2 w2] [<- _] hc h off.
inversion h as [|? [s' x] ? ms' [es hy] hp]; subst; simpl in *; subst s'.
have h1 v := proj1 (computes_cat (hc v)); have h2 v := proj2 (computes_cat (hc v)).
apply: smooth_in_cat; first by have := @stretch_smooth batch s t y k E; rewrite hs.
apply: (merge_parts_smooth (name := name) hm h2 sts _ hp) => [v|em].
  exact: part_sound st hs (h1 v) (hy v).
by move: off; rewrite em => /(_ (MeetAt name) (or_introl erefl)).
Qed.
End Smooth.
End Sound.
