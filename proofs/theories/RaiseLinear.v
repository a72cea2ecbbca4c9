(** * The linear ops of StableHLO are contractions

    The index formulas of [Stablehlo_sem.v] and the contractions that
    [RaiseOps.v] makes of them agree on the index set of the result.

    Statements: [den_broadcast], [den_reduce], [den_transpose], [den_dot].

    Glossary
      - [count m n]       the numbers from [m] on, [n] of them *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

(** ** Positions *)

Lemma pick_first_dims l : pick l (first_dims (size l)) = l.
Proof. by rewrite /pick map_first_dims // take_size. Qed.

Lemma size_pick l a : size (pick l a) = size a.
Proof. exact: size_map. Qed.

Lemma pick_iota l m n : m + n <= size l ->
  pick l (map N.of_nat (iota m n)) = take n (drop m l).
Proof.
move=> h; have hd : n <= size (drop m l) by rewrite size_drop leq_subRL // (leq_trans _ h) ?leq_addr.
apply: (@eq_from_nth _ 0%num); first by rewrite !size_map size_iota size_takel.
move=> k; rewrite !size_map size_iota => hk; rewrite nth_take // nth_drop.
rewrite (nth_map 0%num) ?size_map ?size_iota // (nth_map 0) ?size_iota //.
by rewrite nth_iota // Nnat.Nat2N.id.
Qed.

(** The segments of a concatenation that dot_general's operands see. *)
Definition count (m n : nat) : seq N := map N.of_nat (iota m n).

Lemma pick_segment p q r : pick (p ++ q ++ r) (count (size p) (size q)) = q.
Proof.
rewrite pick_iota ?size_cat ?leq_add2l ?leq_addr //.
by rewrite drop_size_cat // take_size_cat.
Qed.

Lemma pick_segments b f g k (l := b ++ f ++ g ++ k) :
  [/\ pick l (count 0 (size b)) = b, pick l (count (size b) (size f)) = f,
      pick l (count (size b + size f) (size g)) = g
    & pick l (count (size b + size f + size g) (size k)) = k].
Proof.
split; [exact: (pick_segment [::]) | exact: pick_segment | |].
- by rewrite /l catA -size_cat pick_segment.
- by have := pick_segment (b ++ f ++ g) k [::]; rewrite cats0 -!catA !size_cat addnA.
Qed.

Lemma pick_lhs b f g k :
  pick (b ++ f ++ g ++ k) (count 0 (size b) ++ count (size b) (size f)
    ++ count (size b + size f + size g) (size k)) = b ++ f ++ k.
Proof. by have [eb ef _ ek] := pick_segments b f g k; rewrite !pick_cat eb ef ek. Qed.

Lemma pick_rhs b f g k :
  pick (b ++ f ++ g ++ k) (count 0 (size b) ++ count (size b + size f) (size g)
    ++ count (size b + size f + size g) (size k)) = b ++ g ++ k.
Proof. by have [eb _ eg ek] := pick_segments b f g k; rewrite !pick_cat eb eg ek. Qed.

Lemma distinctP n ds : distinct n ds -> uniq ds /\ forall d, d \in ds -> N.to_nat d < n.
Proof.
by case/andP=> u /allP h; split=> // d /h; rewrite /= -mem_first_dims.
Qed.

Lemma mem_others n ds d : (d \in others n ds) = (d \notin ds) && (N.to_nat d < n).
Proof. by rewrite mem_filter mem_first_dims. Qed.

(** ** Indices in range *)

Lemma inbP s i :
  reflect (size i = size s /\ forall k, k < size s -> N.ltb (nth 0%num i k) (nth 0%num s k))
    (inb s i).
Proof.
apply: (iffP idP) => [h|].
  by split=> [|k hk]; [exact: inb_size | exact: inb_nth].
elim: s i => [|d s ih] [|x i] //; try by case.
move=> [/= hs h]; rewrite (h 0) // ih //; split=> [|k hk]; first by case: hs.
exact: (h k.+1).
Qed.

Lemma inb_pick s i ds : inb s i -> {in ds, forall d, N.to_nat d < size s} ->
  inb (pick s ds) (pick i ds).
Proof.
move=> hi; elim: ds => //= d ds ih h; rewrite inb_nth ?h ?mem_head //.
by apply: ih => k hk; apply: h; rewrite inE hk orbT.
Qed.

Lemma inb_cat s t i j : size i = size s -> inb (s ++ t) (i ++ j) = inb s i && inb t j.
Proof. by elim: s i => [|d s ih] [|k i] //= [/ih ->]; rewrite andbA. Qed.

(** An operand seen through a projection. *)
Lemma at_map_pick box s ds r : inb box r -> {in ds, forall d, N.to_nat d < size box} ->
  pick box ds = s -> at_map (proj ds) s r = Some (pick r ds).
Proof. by move=> hr hd <-; apply: at_map_proj => //; apply/allP. Qed.

(** ** Placing *)

Lemma size_place ds vs n : size (place ds vs n) = n.
Proof. by rewrite size_map size_first_dims. Qed.

Lemma nth_place ds vs n k : k < n ->
  nth 0%num (place ds vs n) k = nth 0%num vs (seq.index (N.of_nat k) ds).
Proof. by move=> h; rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims. Qed.

Lemma pick_place_pick l ds vs n : (forall d, N.to_nat d < n -> d \in ds) ->
  size vs = size ds -> pick l (place ds vs n) = place ds (pick l vs) n.
Proof.
move=> cover hs; rewrite /pick /place -map_comp; apply/eq_in_map => d.
rewrite mem_first_dims => /cover hd /=.
by rewrite (nth_map 0%num) // hs index_mem.
Qed.

Lemma place_pick ds l : (forall d, N.to_nat d < size l -> d \in ds) ->
  place ds (pick l ds) (size l) = l.
Proof.
move=> cover; apply: (@eq_from_nth _ 0%num); first exact: size_place.
move=> k; rewrite size_place => hk; rewrite nth_place //.
have hd : N.of_nat k \in ds by apply: cover; rewrite Nnat.Nat2N.id.
by rewrite (nth_map 0%num) ?index_mem // nth_index // Nnat.Nat2N.id.
Qed.

Lemma pick_place ds vs n : distinct n ds -> size vs = size ds -> pick (place ds vs n) ds = vs.
Proof.
move=> /distinctP [u h] hs; apply: (@eq_from_nth _ 0%num); first by rewrite size_pick.
move=> k; rewrite size_pick => hk; rewrite (nth_map 0%num) //.
have hd := mem_nth 0%num hk.
by rewrite nth_place ?h // Nnat.N2Nat.id index_uniq.
Qed.

Lemma inb_place ds s vs : (forall d, N.to_nat d < size s -> d \in ds) ->
  inb (pick s ds) vs -> inb s (place ds vs (size s)).
Proof.
move=> cover h; apply/inbP; split=> [|k hk]; first exact: size_place.
have hd : N.of_nat k \in ds by apply: cover; rewrite Nnat.Nat2N.id.
rewrite nth_place //; have := inb_nth h (n := seq.index (N.of_nat k) ds).
rewrite size_pick index_mem => /(_ hd).
by rewrite (nth_map 0%num) ?index_mem // nth_index // Nnat.Nat2N.id.
Qed.

(** A list of [n] different dimensions below [n] has them all. *)
Lemma distinct_cover n ds : distinct n ds -> size ds = n ->
  forall d, N.to_nat d < n -> d \in ds.
Proof.
move=> /distinctP [u h] hs d; rewrite -mem_first_dims.
have sub : {subset ds <= first_dims n} by move=> k /h; rewrite mem_first_dims.
by have [|_ ->] := uniq_min_size u sub; rewrite ?size_first_dims ?hs.
Qed.

Lemma others_cover n a b d : N.to_nat d < n -> d \in a ++ others n (a ++ b) ++ b.
Proof.
move=> h; rewrite !mem_cat mem_others h andbT mem_cat.
by case: (d \in a); case: (d \in b).
Qed.

(** ** Sums over boxes *)
Section Sums.
Variable R : realType.
Local Open Scope ring_scope.
Implicit Types (F : idx -> R) (e : env R).

Lemma sum_at box f s g i F : {in idxs box, forall r, at_map f s r = Some (g r)} ->
  \sum_(r <- idxs box | at_map f s r == Some i) F r = \sum_(r <- idxs box | g r == i) F r.
Proof.
move=> h; rewrite big_seq_cond [RHS]big_seq_cond; apply: eq_bigl => r.
by case hr: (r \in idxs box) => //=; rewrite h.
Qed.

(** Reading a value through a projection. *)
Lemma read_pick e x s box ds r : inb box r ->
  {in ds, forall d, (N.to_nat d < size box)%nat} ->
  pick box ds = s -> read e (View x s (proj ds)) r = e x (pick r ds).
Proof. by move=> hr hd hs; rewrite /read (at_map_pick hr hd hs). Qed.

Lemma read_all e x s r : inb s r -> read e (View x s (proj (all_dims s))) r = e x r.
Proof. by move=> hr; rewrite /read at_map_id. Qed.

(** ** The four ops *)

(** Coordinates along dimensions of size 1 are 0 anyway. *)
Lemma broadcast_index s j : inb s j ->
  [seq if p.1 == 1%num then 0%num else p.2 | p <- zip s j] = j.
Proof.
elim: s j => [|d s ih] [|k j] //= /andP [/N.ltb_lt hk /ih ->]; congr (_ :: _).
by case: eqP => // hd; move: hk; rewrite hd; case: k => // -[].
Qed.

Theorem den_broadcast ds s t x e : broadcast_fits ds s t -> pick t ds = s ->
  {in idxs t, den (contract_broadcast ds s t x) e =1 broadcast_in_dim ds s (e x)}.
Proof.
case/and3P=> _ /distinctP [_ hd] _ hs i hi /=; rewrite mem_idxs in hi.
rewrite (sum_at (g := id)) => [|r]; last by rewrite mem_idxs; exact: at_map_id.
rewrite sum_pick ?idxs_uniq ?mem_idxs // big_seq1 (read_pick _ _ hi hd hs).
by rewrite /broadcast_in_dim /broadcast_source broadcast_index // -hs inb_pick.
Qed.

Theorem den_reduce ds s x e :
  {in idxs (pick s (others (size s) ds)),
    den (contract_reduce ds s x) e =1 reduce_add s ds (e x)}.
Proof.
move=> i hi /=; set kept := others _ _.
have hd : {in kept, forall d, (N.to_nat d < size s)%nat} by move=> d; rewrite mem_others => /andP [].
rewrite (sum_at (g := fun r => pick r kept)) => [|r]; last first.
  by rewrite mem_idxs => hr; exact: at_map_pick hr hd _.
rewrite /reduce_add /fibre big_filter big_seq_cond [RHS]big_seq_cond.
by apply: eq_bigr => r /andP [hr _]; rewrite big_seq1 read_all // -mem_idxs.
Qed.

Theorem den_transpose ds s x e : size ds = size s -> distinct (size s) ds ->
  {in idxs (pick s ds), den (contract_transpose ds s x) e =1 transpose ds s (e x)}.
Proof.
move=> hs hd i hi /=; have [_ hd'] := distinctP hd.
have cover := distinct_cover hd hs; rewrite mem_idxs in hi.
rewrite (sum_at (g := fun r => pick r ds)) => [|r]; last first.
  by rewrite mem_idxs => hr; exact: at_map_pick hr hd' _.
have hp : inb s (place ds i (size s)) by exact: inb_place.
transitivity (\sum_(r <- idxs s | r == place ds i (size s))
    \prod_(v <- [:: View x s (proj (all_dims s))]) read e v r); last first.
  by rewrite sum_pick ?idxs_uniq ?mem_idxs // big_seq1 read_all.
rewrite big_seq_cond [RHS]big_seq_cond; apply: eq_bigl => r.
case hr: (r \in idxs s) => //=; rewrite mem_idxs in hr; apply/eqP/eqP => [<-|->].
  by rewrite -(inb_size hr) place_pick // (inb_size hr).
by rewrite pick_place // (inb_size hi) size_pick.
Qed.

(** *** dot_general *)

Lemma read_placed e x s box ds ps r : inb box r ->
  (forall d, (N.to_nat d < size s)%nat -> d \in ds) -> size ps = size ds ->
  {in ps, forall d, (N.to_nat d < size box)%nat} -> pick box ps = pick s ds ->
  read e (View x s (proj (place ds ps (size s)))) r = e x (place ds (pick r ps) (size s)).
Proof.
move=> hr cover hs hp hb; rewrite (@read_pick _ _ _ box) //.
- by rewrite pick_place_pick.
- move=> d /mapP [k]; rewrite mem_first_dims => /cover hk ->.
  by apply: hp; rewrite mem_nth // hs index_mem.
- by rewrite pick_place_pick // hb place_pick.
Qed.

Lemma den_dot_sum d s t x y e i : i \in idxs (result_shape d s t) ->
  den (contract_dot d s t x y) e i
  = \sum_(c <- idxs (pick s (lhs_contracting d)))
      \prod_(v <- (if contract_dot d s t x y is Contract _ _ _ vs then vs else [::]))
         read e v (i ++ c).
Proof.
move=> hi; rewrite /contract_dot; set out := result_shape _ _ _; set k := pick _ _.
rewrite [LHS]/= (sum_at (g := take (size out))); first exact: sum_box_cat.
move=> r; rewrite mem_idxs => hr.
have := at_map_first (n := size out) hr; rewrite take_size_cat // => -> //.
by rewrite size_cat leq_addr.
Qed.

Lemma mem_count m n d : d \in count m n -> (N.to_nat d < m + n)%nat.
Proof. by case/mapP=> k; rewrite mem_iota => /andP [_ hk] ->; rewrite Nnat.Nat2N.id. Qed.

(** Both operands, the parts of box and index named. *)
Section Operands.
Variables (b f g k ib if_ ig c : seq N).
Hypotheses (hb : size ib = size b) (hf : size if_ = size f) (hg : size ig = size g).
Let box := b ++ f ++ g ++ k.
Let r := ib ++ if_ ++ ig ++ c.
Hypothesis hr : inb box r.

Let hc : size c = size k.
Proof. by move/inb_size: hr; rewrite /r /box !size_cat hb hf hg => /addnI /addnI /addnI. Qed.

Let summed := count (size b + size f + size g) (size k).

Lemma read_lhs e x s ds : (forall d, (N.to_nat d < size s)%nat -> d \in ds) ->
  b ++ f ++ k = pick s ds ->
  read e (View x s (proj (place ds (count 0 (size b) ++ count (size b) (size f) ++ summed)
    (size s)))) r = e x (place ds (ib ++ if_ ++ c) (size s)).
Proof.
move=> cover hs; have hp := pick_lhs b f g k.
rewrite (@read_placed _ _ _ box) ?hp //.
- by rewrite /summed -hb -hf -hg -hc pick_lhs.
- by rewrite -[RHS](size_pick s) -hs -(pick_lhs b f g k) size_pick.
- move=> d; rewrite /box !size_cat !mem_cat !addnA => /or3P [] /mem_count; rewrite ?add0n => h.
  + by rewrite -!addnA; exact: ltn_addr.
  + by rewrite -addnA; exact: ltn_addr.
  + exact: h.
Qed.

Lemma read_rhs e x s ds : (forall d, (N.to_nat d < size s)%nat -> d \in ds) ->
  b ++ g ++ k = pick s ds ->
  read e (View x s (proj (place ds (count 0 (size b) ++ count (size b + size f) (size g) ++ summed)
    (size s)))) r = e x (place ds (ib ++ ig ++ c) (size s)).
Proof.
move=> cover hs; have hp := pick_rhs b f g k.
rewrite (@read_placed _ _ _ box) ?hp //.
- by rewrite /summed -hb -hf -hg -hc pick_rhs.
- by rewrite -[RHS](size_pick s) -hs -(pick_rhs b f g k) size_pick.
- move=> d; rewrite /box !size_cat !mem_cat !addnA => /or3P [] /mem_count; rewrite ?add0n => h.
  + by rewrite -!addnA; exact: ltn_addr.
  + exact: ltn_addr.
  + exact: h.
Qed.
End Operands.

Lemma split_index (b f g i : seq N) : size i = size (b ++ f ++ g) ->
  exists ib if_ ig, [/\ i = ib ++ if_ ++ ig, size ib = size b, size if_ = size f & size ig = size g].
Proof.
rewrite !size_cat => hi; exists (take (size b) i), (take (size f) (drop (size b) i)).
exists (drop (size f) (drop (size b) i)).
have h1 : (size b <= size i)%nat by rewrite hi leq_addr.
have h2 : size (drop (size b) i) = (size f + size g)%nat by rewrite size_drop hi addKn.
split; first by rewrite !cat_take_drop.
- by rewrite size_takel.
- by rewrite size_takel // h2 leq_addr.
- by rewrite size_drop h2 addKn.
Qed.

Theorem den_dot d s t x y e : dot_fits d s t ->
  {in idxs (result_shape d s t),
    den (contract_dot d s t x y) e =1 dot_general d s t (e x) (e y)}.
Proof.
case/and4P=> _ _ /eqP hb /eqP hc i hi; rewrite den_dot_sum // /dot_general /lhs_index /rhs_index /=.
rewrite !big_seq; apply: eq_bigr => c hk; rewrite big_cons big_seq1.
move: hi hk; rewrite !mem_idxs => hi hk.
have hr : inb (result_shape d s t ++ pick s (lhs_contracting d)) (i ++ c).
  by rewrite inb_cat ?hi // (inb_size hi).
have [ib [if_ [ig [ei sb sf sg]]]] := split_index (inb_size hi).
move: hr; rewrite /result_shape ei -!catA => hr.
rewrite -[size (lhs_batching d)](size_pick s) -[size (lhs_free d s)](size_pick s).
rewrite -[size (rhs_free d t)](size_pick t).
congr (_ * _).
- rewrite (read_lhs sb sf sg hr) ?pick_cat // => [|k]; last exact: others_cover.
  by rewrite -sb -sf take_size_cat // drop_size_cat // take_size_cat.
- have parts : pick s (lhs_batching d) ++ pick t (rhs_free d t) ++ pick s (lhs_contracting d)
      = pick t (rhs_batching d ++ rhs_free d t ++ rhs_contracting d).
    by rewrite !pick_cat hb hc.
  rewrite (read_rhs sb sf sg hr _ _ _ parts) => [|k]; last exact: others_cover.
  by rewrite -sb -sf take_size_cat // -size_cat [X in drop _ X]catA drop_size_cat.
Qed.
End Sums.
