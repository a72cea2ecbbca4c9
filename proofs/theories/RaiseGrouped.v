(** * The gradient in the image of a convolution with groups

    Its kernel is reversed, its input and output features exchanged within each
    group, by a reshape, a transposition and a reshape. [rearranged_at] says
    which cell of the kernel stands where; [den_grouped], that
    [RaiseOps.contract_grouped] computes the convolution by it.

    Glossary
      - [rearranged]     the kernel after these four ops *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
From Cotangent Require Import RaiseLinear ConvolutionIndex RaiseConvolution.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

(** *** Row-major positions *)

Lemma index_pairs (L M : seq idx) i j : i \in L -> j \in M -> {in L, forall k, size k = size i} ->
  seq.index (i ++ j) [seq k ++ m | k <- L, m <- M] = seq.index i L * size M + seq.index j M.
Proof.
elim: L => // k L ih; rewrite inE => hi hj hs.
have inj (x : idx) : injective (fun m : idx => x ++ m) by move=> a b /eqP; rewrite eqseq_cat // eqxx => /eqP.
rewrite allpairs_cons index_cat /=; case: eqP hi => [->|ne] /= hi.
  by rewrite eqxx map_f // index_map // mul0n.
rewrite eq_sym; case: eqP => [e|_]; first by case: ne.
rewrite ifF; last first.
  apply/negP => /mapP [m _] /eqP; rewrite eqseq_cat ?hs ?mem_head // => /andP [/eqP e _].
  by case: ne.
by rewrite size_map ih // ?mulSn ?addnA // => x hx; apply: hs; rewrite inE hx orbT.
Qed.

Lemma index_idxs s t i j : i \in idxs s -> j \in idxs t ->
  seq.index (i ++ j) (idxs (s ++ t)) = seq.index i (idxs s) * size (idxs t) + seq.index j (idxs t).
Proof.
move=> hi hj; rewrite idxs_cat index_pairs // => k; move: hi; rewrite !mem_idxs.
by move=> /inb_size -> /inb_size ->.
Qed.

Lemma index_one n k : (k < n)%num -> seq.index [:: k] (idxs [:: n]) = N.to_nat k.
Proof.
move=> h; have -> : idxs [:: n] = [seq [:: x] | x <- Nrange n].
  by rewrite /=; elim: (Nrange n) => //= x l ->.
rewrite index_map; last by move=> a b [].
rewrite -{1}[k]Nnat.N2Nat.id /Nrange index_map; last exact: Nnat.Nat2N.inj.
have hk : N.to_nat k < N.to_nat n by apply/ltP; lia.
by rewrite -{1}[N.to_nat k]add0n -{1}(nth_iota 0 0 hk) index_uniq ?iota_uniq ?size_iota.
Qed.

Section Merge.
Variables (P p : seq N) (G B g b : N).
Hypotheses (hp : p \in idxs P) (hg : (g < G)%num) (hb : (b < B)%num).
Let s := P ++ [:: G; B].
Let t := P ++ [:: (G * B)%num].

Lemma in_split : p ++ [:: g; b] \in idxs s.
Proof.
move: hp; rewrite !mem_idxs => h; rewrite inb_cat ?(inb_size h) // h /= andbT.
by apply/andP; split; apply/N.ltb_lt.
Qed.
Lemma in_merged : p ++ [:: (g * B + b)%num] \in idxs t.
Proof.
move: hp; rewrite !mem_idxs => h; rewrite inb_cat ?(inb_size h) // h /= andbT.
by apply/N.ltb_lt; nia.
Qed.

Lemma same_index : seq.index (p ++ [:: (g * B + b)%num]) (idxs t) = seq.index (p ++ [:: g; b]) (idxs s).
Proof.
have h1 : [:: g] \in idxs [:: G] by rewrite mem_idxs /= andbT; apply/N.ltb_lt.
have h2 : [:: b] \in idxs [:: B] by rewrite mem_idxs /= andbT; apply/N.ltb_lt.
have h3 : [:: (g * B + b)%num] \in idxs [:: (G * B)%num].
  by rewrite mem_idxs /= andbT; apply/N.ltb_lt; nia.
have h4 : [:: g] ++ [:: b] \in idxs ([:: G] ++ [:: B]).
  by rewrite mem_idxs /= andbT; apply/andP; split; apply/N.ltb_lt.
rewrite (index_idxs hp h3) (index_idxs hp h4) (index_idxs h1 h2) !index_one //; last by nia.
rewrite !size_idxs /= !N.mul_1_r; congr (_ + _)%nat.
by rewrite Nnat.N2Nat.inj_add Nnat.N2Nat.inj_mul.
Qed.

Lemma reshape_merged : reshape_source s t (p ++ [:: (g * B + b)%num]) = p ++ [:: g; b].
Proof. by rewrite /reshape_source same_index nth_index // in_split. Qed.
Lemma reshape_split : reshape_source t s (p ++ [:: g; b]) = p ++ [:: (g * B + b)%num].
Proof. by rewrite /reshape_source -same_index nth_index // in_merged. Qed.
End Merge.

(** *** Dimensions by number *)
Section Tail.
Variables (n : nat) (k : seq N).
Hypothesis hk : size k = n.

Lemma pick_head l : pick (k ++ l) (first_dims n) = k.
Proof. by rewrite /pick map_first_dims ?size_cat ?hk ?leq_addr // -hk take_size_cat. Qed.

Lemma nth_tail l j : nth 0%num (k ++ l) (N.to_nat (N.of_nat (n + j))) = nth 0%num l j.
Proof. by rewrite Nnat.Nat2N.id nth_cat hk ltnNge leq_addr /= addKn. Qed.
End Tail.

Lemma place_exchange n k a b c : size k = n ->
  place (exchange n) (k ++ [:: a; b; c]) (n + 3) = k ++ [:: c; b; a].
Proof.
move=> hk; have <- : place (exchange n) (pick (k ++ [:: c; b; a]) (exchange n))
    (size (k ++ [:: c; b; a])) = k ++ [:: c; b; a].
  apply: place_pick => d; rewrite size_cat hk /exchange mem_cat mem_first_dims => h.
  case: ltnP => //= hd; have [j [hj ->]] : exists j, j < 3 /\ d = N.of_nat (n + j).
    by exists (N.to_nat d - n); rewrite ltn_subLR // subnKC // Nnat.N2Nat.id.
  by case: j hj => [|[|[|j]]] // _; rewrite !inE eqxx ?orbT.
by rewrite size_cat hk /exchange pick_cat pick_head // /pick [map _ [:: _; _; _]]/= !nth_tail.
Qed.

Lemma place_kernel n k a b : size k = n ->
  place (numbers (kernel_numbers n)) [:: a, b & k] (n + 2) = k ++ [:: a; b].
Proof.
move=> hk; have <- : place (numbers (kernel_numbers n))
    (pick (k ++ [:: a; b]) (numbers (kernel_numbers n))) (size (k ++ [:: a; b])) = k ++ [:: a; b].
  apply: place_pick => d; rewrite size_cat hk !inE mem_first_dims => h.
  case: (ltnP (N.to_nat d) n) => hd; rewrite ?orbT //.
  have [j [hj ->]] : exists j, j < 2 /\ d = N.of_nat (n + j).
    by exists (N.to_nat d - n); rewrite ltn_subLR // subnKC // Nnat.N2Nat.id.
  by case: j hj => [|[|j]] // _; rewrite eqxx ?orbT.
by rewrite size_cat hk /numbers -cat1s -[n_second _ :: _]cat1s !pick_cat pick_head // /pick /= !nth_tail.
Qed.

Lemma reverse_head n K k l m : size K = n -> size k = n -> size l = size m ->
  reverse_source (first_dims n) (K ++ m) (k ++ l) = flip K k ++ l.
Proof.
move=> hK hk hl; apply: (@eq_from_nth _ 0%num).
  by rewrite size_map size_first_dims !size_cat size_flip ?hk ?hK // hl.
move=> d; rewrite size_map size_first_dims => hd.
rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims // Nnat.Nat2N.id mem_first_dims.
rewrite Nnat.Nat2N.id !nth_cat size_flip ?hK ?hk //.
by case: ltnP => // h; rewrite nth_flip ?hK ?hk.
Qed.

Section Kernel.
Variables (R : realType) (n : nat) (K : shape) (ci g f : N) (v : tensor R).
Hypothesis hK : size K = n.
Let whole := K ++ [:: ci; (g * f)%num].
Let parts := K ++ [:: ci; g; f].
Let exchanged := K ++ [:: f; g; ci].
Let joined := K ++ [:: f; (g * ci)%num].

Definition rearranged : tensor R :=
  reshape exchanged joined (transpose (exchange n) parts (reshape whole parts
    (reverse (first_dims n) whole v))).

Lemma rearranged_at k a q c : inb K k -> (a < f)%num -> (q < g)%num -> (c < ci)%num ->
  rearranged (k ++ [:: a; (q * ci + c)%num]) = v (flip K k ++ [:: c; (q * f + a)%num]).
Proof.
move=> hk ha hq hc; have sk : size k = n by rewrite (inb_size hk).
have one x y : (x < y)%num -> k ++ [:: x] \in idxs (K ++ [:: y]).
  by move=> h; rewrite mem_idxs inb_cat ?(inb_size hk) // hk /= andbT; apply/N.ltb_lt.
have e1 : reshape_source exchanged joined (k ++ [:: a; (q * ci + c)%num]) = k ++ [:: a; q; c].
  by have := reshape_merged (one _ _ ha) hq hc; rewrite -!catA.
have e2 : reshape_source whole parts (k ++ [:: c; q; a]) = k ++ [:: c; (q * f + a)%num].
  by have := reshape_split (one _ _ hc) hq ha; rewrite -!catA.
rewrite /rearranged /reshape e1 /transpose /transpose_source size_cat hK place_exchange //.
by rewrite e2 /reverse reverse_head.
Qed.
End Kernel.

(** ** The contraction *)

Lemma reverse_sourceK ds s i : inb s i -> reverse_source ds s (reverse_source ds s i) = i.
Proof.
move=> hi; apply: (@eq_from_nth _ 0%num); rewrite size_map size_first_dims ?(inb_size hi) //.
move=> d hd; rewrite /reverse_source (nth_map 0%num) ?size_first_dims // nth_first_dims //.
rewrite Nnat.Nat2N.id (nth_map 0%num) ?size_first_dims // nth_first_dims // Nnat.Nat2N.id.
have := inb_nth hi hd; case: (N.of_nat d \in ds) => // /N.ltb_lt; lia.
Qed.

Lemma numbers_inj a b : numbers a = numbers b -> a = b.
Proof. by case: a b => x y z [x' y' z'] [-> -> ->]. Qed.

Section Grouped.
Variables (R : realType) (c : conv_dims) (s k : shape) (inputs outputs x y : N) (e : env R).
Let n := size (c_windows c).
Let g := c_feature_groups c.
Let whole := k ++ [:: inputs; (g * outputs)%num].
Let joined := k ++ [:: outputs; (g * inputs)%num].
Hypotheses (hk : size k = n) (hn : numbers (c_rhs c) = numbers (kernel_numbers n)).
Hypotheses (hb : c_batch_groups c = 1%num).
Hypotheses (fit : conv_fits c s joined) (solved : solvable true c).

Let kernel := rearranged n k inputs g outputs (e y).
Let spatial : n_spatial (c_rhs c) = first_dims n. Proof. by rewrite (numbers_inj hn). Qed.

Lemma read_some (e0 : env R) x' s' m r l :
  at_map m s' r = Some l -> read e0 (View x' s' m) r = e0 x' l.
Proof. by rewrite /read => /= ->. Qed.

Theorem den_grouped : {in idxs (conv_shape c s joined),
  den (contract_grouped c s k inputs outputs x y) e =1 convolution c s joined (e x) kernel}.
Proof.
move=> i hi; pose e' : env R := fun j => if N.eqb j 0 then e x
  else reverse (n_spatial (c_rhs c)) joined kernel.
transitivity (den (contract_conv true c s joined 0 1) e' i); last first.
  rewrite (den_conv_reversed 0 1 e' fit solved hi) /convolution !big_seq.
  apply: eq_bigr => r hr; congr (_ * _)%R; have [h _] := conv_index_in fit hi hr.
  by rewrite /e' /= /reverse reverse_sourceK // -mem_idxs.
have step box out f v v' w w' :
    {in idxs box, forall r, read e v r * read e w r = read e' v' r * read e' w' r}%R ->
    den (Contract box out f [:: v; w]) e i = den (Contract box out f [:: v'; w']) e' i.
  move=> h; rewrite /den big_seq_cond [RHS]big_seq_cond; apply: eq_bigr => r /andP [hr _].
  by rewrite !big_cons !big_nil !mulr1 h.
apply: step => r hr; congr (_ * _)%R.
have [c' [o [q [gr [[hq hc ho hg] [hm e1 e2 eg cells]]]]]] := @kernel_point true c s joined fit r hr.
have hJ : first_size (c_rhs c) joined = outputs.
  by rewrite /first_size (numbers_inj hn) /= nth_tail.
have hO : second_size (c_rhs c) joined = (g * inputs)%num.
  by rewrite /second_size (numbers_inj hn) /= nth_tail.
have hK : spatial_sizes (c_rhs c) joined = k by rewrite /spatial_sizes spatial pick_head.
have g0 : (0 < g)%num by move: fit => /and5P [_ _ _ _ /and5P [_ /N.ltb_lt]].
rewrite hb N.mul_1_r -/g in ho hg eg; rewrite hO in ho; rewrite hJ in hc; rewrite hK in hq.
have gi : ((g * inputs) / g = inputs)%num by rewrite N.mul_comm N.div_mul //; lia.
rewrite gi in ho.
have sq : size q = n by rewrite (inb_size hq).
have hw : at_map ([seq coord (N.of_nat (3 + (n + d))) | d <- iota 0 n]
    ++ [:: coord 2; in_group g (3 + (n + n)) outputs 1]) whole r
    = Some (q ++ [:: o; (gr * outputs + c')%num]).
  apply/at_mapE; first by rewrite !size_cat size_map size_iota hk.
  split; first rewrite inb_cat ?sq // hq /= andbT.
    by apply/andP; split; apply/N.ltb_lt; nia.
  move=> d; rewrite size_cat hk => hd; rewrite !nth_cat size_map size_iota sq.
  case: ltnP => h.
    by rewrite (nth_map 0) ?size_iota // nth_iota // add0n aff_at_coord Nnat.Nat2N.id cells.
  have : d - n < 2 by rewrite ltn_subLR.
  case: (d - n) => [|[|//]] _ /=; first by rewrite aff_at_coord e2.
  by rewrite aff_at_in_group eg e1.
apply: etrans (read_some e y hw) _; apply: esym; apply: etrans (read_some e' 1 hm) _.
rewrite hb N.mul_1_r hO -/g gi.
rewrite -[e' 1%num _]/(kernel (reverse_source (n_spatial (c_rhs c)) joined _)).
rewrite reverse_place; last first.
- by rewrite sq spatial size_first_dims.
- by rewrite hn size_cat hk /= size_first_dims addn2.
- by move: fit => /and5P [_ /and3P [h' _ _] _ /eqP st _]; rewrite st.
rewrite hK (numbers_inj hn) size_cat hk place_kernel ?size_flip ?sq //.
by rewrite /kernel rearranged_at ?inb_flip // flipK.
Qed.
End Grouped.
