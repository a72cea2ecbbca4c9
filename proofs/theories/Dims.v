(** * Lists of dimensions

    Reordering the dimensions of a multi-index, and splitting them in two.

    Glossary
      - [is_order ks n] [ks] lists the numbers below [n], each once
      - [unpick ks i n] the index of which [pick _ ks] is [i]
      - [sum_fibre]     a sum over the indices that agree outside [ds] *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir IndexFacts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

Definition is_order (ks : seq N) (n : nat) : bool :=
  [&& size ks == n, uniq ks & all (fun k => N.ltb k (N.of_nat n)) ks].

Lemma mem_first_dims n d : (d \in first_dims n) = (N.to_nat d < n).
Proof.
apply/mapP/idP => [[k]|h].
  by rewrite mem_iota add0n => /= hk ->; rewrite Nnat.Nat2N.id.
by exists (N.to_nat d); rewrite ?mem_iota ?add0n // Nnat.N2Nat.id.
Qed.

Lemma size_first_dims n : size (first_dims n) = n.
Proof. by rewrite size_map size_iota. Qed.

Lemma nth_first_dims n k : k < n -> nth 0%num (first_dims n) k = N.of_nat k.
Proof. by move=> h; rewrite (nth_map 0) ?size_iota // nth_iota. Qed.

Lemma pick_cat l a b : pick l (a ++ b) = pick l a ++ pick l b.
Proof. exact: map_cat. Qed.

Lemma nth_pick s ks (p : nat) : (p < size ks)%nat ->
  nth 0%num (pick s ks) p = nth 0%num s (N.to_nat (nth 0%num ks p)).
Proof. by move=> h; rewrite /pick (nth_map 0%num). Qed.

Lemma is_order_mem ks n : is_order ks n -> forall k, (k \in ks) = (N.to_nat k < n)%nat.
Proof.
move=> /and3P [/eqP hs hu /allP ha] k.
have sub : {subset ks <= first_dims n}.
  move=> j /ha /N.ltb_lt hj; apply/mapP; exists (N.to_nat j); last by rewrite Nnat.N2Nat.id.
  by rewrite mem_iota /= add0n; apply/ssrnat.ltP; lia.
have [|_ e] := uniq_min_size hu sub; first by rewrite size_map size_iota hs.
rewrite e; apply/mapP/idP => [[j]|h].
  by rewrite mem_iota /= add0n => hj ->; rewrite Nnat.Nat2N.id.
by exists (N.to_nat k); rewrite ?mem_iota ?Nnat.N2Nat.id.
Qed.

Lemma is_order_size ks n : is_order ks n -> size ks = n.
Proof. by move=> /and3P [/eqP]. Qed.

Lemma pick_inj ks n : is_order ks n ->
  forall r r' : idx, size r = n -> size r' = n -> pick r ks = pick r' ks -> r = r'.
Proof.
move=> h r r' hr hr' e; apply: (@eq_from_nth _ 0%num) => [|k hk]; first by rewrite hr'.
have hin : N.of_nat k \in ks by rewrite (is_order_mem h) Nnat.Nat2N.id -hr.
have := congr1 (fun l => nth 0%num l (index (N.of_nat k) ks)) e.
by rewrite !nth_pick ?index_mem // nth_index // Nnat.Nat2N.id.
Qed.

Lemma inb_from_nth s i : size i = size s ->
  (forall k, (k < size s)%nat -> N.ltb (nth 0%num i k) (nth 0%num s k)) -> inb s i.
Proof.
elim: s i => [|d s ih] [|k i] //= [hs] h; rewrite (h 0%nat) //=.
by apply: ih => // j hj; exact: (h j.+1).
Qed.

Lemma inb_order s ks i : is_order ks (size s) -> inb s i -> inb (pick s ks) (pick i ks).
Proof.
move=> h hi; apply: inb_from_nth; first by rewrite !size_map.
move=> k; rewrite size_map => hk; rewrite !nth_pick //; apply: inb_nth => //.
by rewrite -(is_order_mem h) mem_nth.
Qed.

(** The index whose picture under [pick _ ks] is [i]. *)
Definition unpick (ks i : seq N) (n : nat) : idx :=
  [seq nth 0%num i (index k ks) | k <- first_dims n].

Lemma pick_unpick ks i n : is_order ks n -> size i = n -> pick (unpick ks i n) ks = i.
Proof.
move=> h hi; have hs := is_order_size h.
apply: (@eq_from_nth _ 0%num) => [|k]; rewrite size_map hs ?hi // => hk.
have hm : (N.to_nat (nth 0%num ks k) < n)%nat by rewrite -(is_order_mem h) mem_nth ?hs.
rewrite nth_pick ?hs // (nth_map 0%num) ?size_first_dims // nth_first_dims //.
by rewrite Nnat.N2Nat.id index_uniq ?hs //; case/and3P: h.
Qed.

Lemma idxs_pick s ks : is_order ks (size s) ->
  perm_eq (idxs (pick s ks)) [seq pick r ks | r <- idxs s].
Proof.
move=> h; have hs := is_order_size h.
apply: uniq_perm => [||i]; first exact: idxs_uniq.
  rewrite map_inj_in_uniq ?idxs_uniq // => r r'; rewrite !mem_idxs => /inb_size hr /inb_size hr'.
  exact: (pick_inj h).
apply/idP/mapP => [|[r hr ->]]; last by rewrite mem_idxs inb_order // -mem_idxs.
rewrite mem_idxs => hi; have hsi := inb_size hi; rewrite size_map hs in hsi.
exists (unpick ks i (size s)); last by rewrite pick_unpick.
rewrite mem_idxs; apply: inb_from_nth; first by rewrite size_map size_first_dims.
move=> k hk; have hin : N.of_nat k \in ks by rewrite (is_order_mem h) Nnat.Nat2N.id.
rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims //.
have := inb_nth hi (n := index (N.of_nat k) ks); rewrite size_map index_mem hin => /(_ isT).
by rewrite nth_pick ?index_mem // nth_index // Nnat.Nat2N.id.
Qed.

(** The dimensions of a box in two groups. *)
Lemma kept_lt s ds : all (fun d => N.to_nat d < size s) (kept s ds).
Proof. by apply/allP => d; rewrite mem_filter mem_first_dims => /andP []. Qed.

Lemma at_key s ds r : inb s r ->
  at_map (proj (kept s ds)) (pick s (kept s ds)) r = Some (pick r (kept s ds)).
Proof. by move=> hr; apply: at_map_proj hr (kept_lt s ds). Qed.

Lemma key_in s ds r : r \in idxs s -> pick r (kept s ds) \in idxs (pick s (kept s ds)).
Proof. by rewrite mem_idxs => /(at_key ds) /at_map_in. Qed.

Lemma kept_order s ds : averaged s ds -> is_order (kept s ds ++ ds) (size s).
Proof.
case/and3P=> u /allP hd _; have fd : uniq (first_dims (size s)).
  by rewrite map_inj_uniq ?iota_uniq //; exact: Nnat.Nat2N.inj.
have lt d : (d \in first_dims (size s)) = N.ltb d (N.of_nat (size s)).
  rewrite mem_first_dims; apply/idP/idP => [/ssrnat.ltP h|/N.ltb_lt h]; first by apply/N.ltb_lt; lia.
  by apply/ssrnat.ltP; lia.
have uc : uniq (kept s ds ++ ds).
  rewrite cat_uniq u filter_uniq // andbT /=; apply/hasPn => d hd'.
  have : d \notin kept s ds by rewrite mem_filter hd'.
  by [].
have e : perm_eq (kept s ds ++ ds) (first_dims (size s)).
  apply: uniq_perm => // d; rewrite mem_cat mem_filter; case h: (d \in ds) => /=.
    by rewrite lt hd.
  by rewrite orbF.
rewrite /is_order (perm_size e) size_first_dims eqxx uc (perm_all _ e) /=.
by apply/allP => d; rewrite lt.
Qed.

Section Sums.
Variable R : comRingType.
Local Open Scope ring_scope.
Implicit Types (F : idx -> R).

Lemma idxs_cat s t : idxs (s ++ t) = [seq i ++ j | i <- idxs s, j <- idxs t].
Proof.
elim: s => [|d s ih] /=; first by rewrite cats0 map_id.
rewrite ih; elim: (Nrange d) => //= k l ihl.
by rewrite allpairs_cat ihl; congr (_ ++ _); rewrite map_allpairs allpairs_mapl.
Qed.

Lemma sum_box_cat s t i (F : idx -> R) : i \in idxs s ->
  \sum_(r <- idxs (s ++ t) | take (size s) r == i) F r = \sum_(c <- idxs t) F (i ++ c).
Proof.
move=> hi; rewrite big_mkcond idxs_cat big_allpairs_dep /=.
rewrite (bigD1_seq i) ?idxs_uniq //= [X in _ + X]big1_seq ?addr0 => [|j /andP [ne hj]].
  by apply: eq_bigr => c _; rewrite take_size_cat ?eqxx //; move: hi; rewrite mem_idxs => /inb_size.
rewrite big1 // => c _; rewrite take_size_cat ?(negPf ne) //.
by move: hj; rewrite mem_idxs => /inb_size.
Qed.

Lemma sum_fibre s ds c : averaged s ds -> c \in idxs (pick s (kept s ds)) ->
  \sum_(j <- idxs s | pick j (kept s ds) == c) (1 : R) = (N.to_nat (size_of (pick s ds)))%:R.
Proof.
move=> ok hc; set K := kept s ds in hc *; have ho := kept_order ok; rewrite -/K in ho.
have -> : \sum_(j <- idxs s | pick j K == c) (1 : R)
    = \sum_(r <- [seq pick j (K ++ ds) | j <- idxs s] | take (size (pick s K)) r == c) 1.
  rewrite big_map; apply: eq_bigl => j.
  by rewrite pick_cat take_size_cat ?size_map.
rewrite -(perm_big _ (idxs_pick ho)) pick_cat /= sum_box_cat //.
by rewrite big_const_seq count_predT iter_addr_0 size_idxs.
Qed.
End Sums.
