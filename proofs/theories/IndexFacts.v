(** * Re-indexing

    Lemmas about [Index.v], of which [sum_fiber] is the one that reverse mode
    rests on: the adjoint of reading through an index map is to collect through
    it.

    Glossary
      - [sum_pick]         a sum over the one index that is [j]
      - [sum_fiber], [sum_same_place]  sums over a re-indexing, exchanged *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir.
From Cotangent Require Export Index.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

(** ** Index sets *)
Lemma mem_Nrange n i : (i \in Nrange n) = N.ltb i n.
Proof.
apply/mapP/idP => [[k]|].
  by rewrite mem_iota /= add0n => /ltP hk ->; apply/N.ltb_lt; lia.
move=> /N.ltb_lt h; exists (N.to_nat i); last by rewrite Nnat.N2Nat.id.
by rewrite mem_iota /= add0n; apply/ltP; lia.
Qed.

Lemma Nrange_uniq n : uniq (Nrange n).
Proof. by rewrite map_inj_uniq ?iota_uniq //; exact: Nnat.Nat2N.inj. Qed.

Lemma Nrange_succ n : Nrange (N.succ n) = rcons (Nrange n) n.
Proof.
rewrite /Nrange Nnat.N2Nat.inj_succ -addn1 iotaD add0n map_cat /= cats1.
by rewrite Nnat.N2Nat.id.
Qed.

Lemma idxs_uniq s : uniq (idxs s).
Proof.
elim: s => //= d s ih; apply: allpairs_uniq => //; first exact: Nrange_uniq.
by move=> [a b] [c d'] _ _ /= [-> ->].
Qed.

Lemma mem_idxs s i : (i \in idxs s) = inb s i.
Proof.
elim: s i => [|d s ih] [|k i] //=.
  by apply/negP => /allpairsP [[a b]] /= [].
apply/allpairsP/andP => [[[a b]] /= [ha hb [-> ->]]|[hk hi]].
  by rewrite -mem_Nrange -ih.
by exists (k, i); rewrite mem_Nrange ih.
Qed.

Lemma size_Nrange n : size (Nrange n) = N.to_nat n.
Proof. by rewrite size_map size_iota. Qed.

Lemma size_idxs s : size (idxs s) = N.to_nat (size_of s).
Proof.
elim: s => //= d s ih; rewrite size_allpairs ih size_Nrange.
by rewrite Nnat.N2Nat.inj_mul.
Qed.

Lemma inb_size s i : inb s i -> size i = size s.
Proof. by elim: s i => [|d s ih] [|k i] //= /andP [_ /ih ->]. Qed.

Lemma inb_nth s i n : inb s i -> n < size s -> N.ltb (nth 0%num i n) (nth 0%num s n).
Proof. by elim: s i n => [|d s ih] [|k i] [|n] //= /andP [hk hi] //; exact: ih. Qed.

(** ** Index maps *)
Lemma at_map_in m s r j : at_map m s r = Some j -> j \in idxs s.
Proof.
rewrite mem_idxs; elim: m s j => [|a m ih] [|d s] j //=; first by case=> <-.
case: ifP => // /andP [/Z.leb_le h0 /Z.ltb_lt h1].
case E: (at_map m s r) => [q|] //= [<-] /=; rewrite (ih _ _ E) andbT.
by apply/N.ltb_lt; lia.
Qed.

Lemma cells_in s k m i j : j \in cells s k m i -> j \in idxs s.
Proof. by rewrite /cells mem_pmap => /mapP [o _ /esym /at_map_in]. Qed.

Lemma aff_at_coord k r : aff_at (coord k) r = Z.of_N (nth 0%num r (N.to_nat k)).
Proof.
change (aff_at (coord k) r) with (Z.add (Z.mul 1 (Z.of_N (nth 0%num r (N.to_nat k)))) 0).
by rewrite Z.add_0_r Z.mul_1_l.
Qed.

(** A projection to dimensions that exist is defined everywhere. *)
Lemma at_map_proj s (ks : seq N) r : inb s r -> all (fun k => N.to_nat k < size s) ks ->
  at_map (proj ks) [seq nth 0%num s (N.to_nat k) | k <- ks] r
  = Some [seq nth 0%num r (N.to_nat k) | k <- ks].
Proof.
move=> hr; elim: ks => // k ks ih /andP [hk /ih {}ih].
rewrite [LHS]/= -/(proj ks) aff_at_coord ih.
have /N.ltb_lt h := inb_nth hr hk.
have -> : Z.leb 0 (Z.of_N (nth 0%num r (N.to_nat k))) by apply/Z.leb_le; lia.
have -> : Z.ltb (Z.of_N (nth 0%num r (N.to_nat k))) (Z.of_N (nth 0%num s (N.to_nat k))).
  by apply/Z.ltb_lt; lia.
by rewrite /= N2Z.id.
Qed.

Lemma map_first_dims (T : Type) (d : T) n (s : seq T) : n <= size s ->
  [seq nth d s (N.to_nat k) | k <- first_dims n] = take n s.
Proof.
move=> h; apply: (@eq_from_nth _ d); first by rewrite !size_map size_iota size_takel.
move=> k; rewrite !size_map size_iota => hk; rewrite nth_take //.
rewrite (nth_map 0%num) ?size_map ?size_iota // (nth_map 0) ?size_iota //.
by rewrite nth_iota // add0n Nnat.Nat2N.id.
Qed.

Lemma at_map_first n s r : inb s r -> n <= size s ->
  at_map (proj (first_dims n)) (take n s) r = Some (take n r).
Proof.
move=> hr hn; rewrite -(map_first_dims 0%num hn) at_map_proj ?map_first_dims //.
  by rewrite (inb_size hr).
apply/allP => k /mapP [j]; rewrite mem_iota add0n => /= hj ->.
by rewrite Nnat.Nat2N.id (leq_trans hj hn).
Qed.

Lemma at_map_id s r : inb s r -> at_map (proj (first_dims (size s))) s r = Some r.
Proof.
by move=> hr; rewrite -{2}(take_size s) at_map_first // -(inb_size hr) take_size.
Qed.

Lemma at_map_lead s r : inb s r -> at_map (proj (first_dims (size s).-1)) (lead s) r = Some (lead r).
Proof. by move=> hr; rewrite at_map_first ?leq_pred // /lead (inb_size hr). Qed.

Lemma inb_take n s i : inb s i -> inb (take n s) (take n i).
Proof. by elim: s i n => [|d s ih] [|k i] [|n] //= /andP [-> /ih ->]. Qed.

Lemma inb_lead s i : inb s i -> inb (lead s) (lead i).
Proof. by move=> h; rewrite /lead (inb_size h) inb_take. Qed.

(** ** Row-major positions *)
Lemma same_place_in s t i : size_of s = size_of t -> i \in idxs t -> same_place s t i \in idxs s.
Proof. by move=> h hi; rewrite mem_nth // size_idxs h -size_idxs index_mem. Qed.

Lemma same_placeK s t : size_of s = size_of t -> {in idxs t, cancel (same_place s t) (same_place t s)}.
Proof.
move=> h i hi; rewrite /same_place index_uniq ?idxs_uniq ?nth_index //.
by rewrite size_idxs h -size_idxs index_mem.
Qed.

Lemma same_place_id s : {in idxs s, same_place s s =1 id}.
Proof. by move=> i hi; rewrite /same_place nth_index. Qed.

Lemma map_same_place s t : size_of s = size_of t -> [seq same_place s t i | i <- idxs t] = idxs s.
Proof.
move=> h; have e : size (idxs t) = size (idxs s) by rewrite !size_idxs h.
apply: (@eq_from_nth _ [::]); rewrite size_map // => k hk.
by rewrite (nth_map [::]) // /same_place index_uniq ?idxs_uniq.
Qed.

(** ** Sums *)
Section Sums.
Variable R : comRingType.
Local Open Scope ring_scope.

Lemma sum_pick (T : eqType) (r : seq T) j (F : T -> R) : uniq r -> j \in r ->
  \sum_(i <- r | i == j) F i = F j.
Proof.
move=> u h; rewrite big_mkcond (bigD1_seq j) //= eqxx big1 ?addr0 // => i /negPf.
by move=> ->.
Qed.

(** The adjoint of a partial re-indexing [f] from [box] to [s]: exchanging the
    sums turns "collect what lands at [i]" into "read at [f r]". *)
Lemma sum_fiber (box s : seq idx) (f : idx -> option idx) (ct X : idx -> R) :
  uniq s -> (forall r i, f r = Some i -> i \in s) ->
  \sum_(i <- s) ct i * (\sum_(r <- box | f r == Some i) X r)
  = \sum_(r <- box) (if f r is Some i then ct i else 0) * X r.
Proof.
move=> us fs; under eq_bigr do rewrite big_mkcond big_distrr /=.
rewrite exchange_big /=; apply: eq_bigr => r _.
case E: (f r) => [i|]; last by rewrite mul0r big1 // => i _; rewrite mulr0.
rewrite -(@sum_pick _ s i (fun o => ct o * X r)) ?(fs _ _ E) //.
rewrite [RHS]big_mkcond; apply: eq_bigr => o _.
have -> : (Some i == Some o) = (o == i) by apply/eqP/eqP => [[->]|->].
by case: ifP => // _; rewrite mulr0.
Qed.

Lemma sum_same_place s t (F : idx -> idx -> R) : size_of s = size_of t ->
  \sum_(i <- idxs t) F (same_place s t i) i = \sum_(j <- idxs s) F j (same_place t s j).
Proof.
move=> h; rewrite -(map_same_place h) big_map !big_seq; apply: eq_bigr => i hi.
by rewrite same_placeK.
Qed.
End Sums.
