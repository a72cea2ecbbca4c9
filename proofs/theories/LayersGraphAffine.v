(** * Scales and shifts after a normalisation, and sums over places

    What reverse mode emits for a normalisation over any dimensions, scaled and
    shifted, at all ranks and sizes; [LayersGraphBatchNorm.v] and
    [LayersGraphLayerNorm.v] say it in the words of the two layers. Features are
    the last dimension: a cell is [i ++ [:: c]], [i] its place.

    Glossary
      - [norm_affine]      the instructions of both layers: input, scales and
                           shifts are inputs 0, 1, 2
      - [norm_affine_gradients]  the gradients in all three
      - [sum_feature], [sum_front]  sums over the places of one feature; over the
                           features of one place
      - [over_images]      a sum over batch, rows and columns *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Tangent Transpose Moments Computes SpecLayer ImagesSound NormsSound TokensSound LayersGraph LayersGraphCells.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Norms.
Variable R : realType.
Implicit Types (e y : env R) (dy : tensor R).

Section Any.
Variables (z : shape) (ds : seq N) (n : Z) (d : positive).
Let features := first_dims (size z).-1.
Let f := pick z (kept z features).
Let key (i : idx) := pick i (kept z ds).
Let feature (i : idx) := pick i (kept z features).
Notation eps := (rational R n d).

Definition norm_affine : prog :=
  [:: (3, Normalize z ds n d 0); (4, Layer.every_feature z 1); (5, Bin z Mul 3 4); (6, Layer.every_feature z 2); (7, Bin z Add 5 6)]%num.

Lemma norm_affine_gradients e dy (x := e 0%num) (gamma := e 1%num)
  (xhat := normalize z ds eps x) (g := fun i => dy i * gamma (feature i)) :
  exists dx dgamma dbeta,
  [/\ gradients norm_affine 8 7 [:: (0, z); (1, f); (2, f)]%num e dy = [:: dx; dgamma; dbeta],
   forall i, i \in idxs z -> dx i = (Denote.deviation z ds eps x (key i))^-1
     * (g i - Denote.mean z ds g (key i) - xhat i * Denote.mean z ds (fun k => g k * xhat k) (key i)),
   forall c, dgamma c = \sum_(j <- idxs z | feature j == c) dy j * xhat j
   & forall c, dbeta c = \sum_(j <- idxs z | feature j == c) dy j].
Proof.
have [//|//|//|y] := @gradients_computes R norm_affine 8 7 [:: (0, z); (1, f); (2, f)]%num 3 e dy.
rewrite [seq.map _ _]/= => -[-> hc low h8].
have {hc} := hc; rewrite /rev /=.
move=> /computes_cons [h3] /computes_cons [h4] /computes_cons [h5] /computes_cons [h6] /computes_cons [h7] /computes_cons [h9] /computes_cons [h10] /computes_cons [h11].
move=> /computes_cons [h12] /computes_cons [h13] /computes_cons [h14] /computes_cons [h15] /computes_cons [h16] /computes_cons [h17] /computes_cons [h18] /computes_cons [h19].
move=> /computes_cons [h20] /computes_cons [h21] /computes_cons [h22] /computes_cons [h23] /computes_cons [h24] /computes_cons [h25] /computes_cons [h26] /computes_cons [h27].
move=> /computes_cons [h28] /computes_cons [h29].
move=> _.
have total a c : den (Contract z f (proj (kept z features)) [:: View a z (id_map z)]) y c
    = \sum_(j <- idxs z | feature j == c) y a j by exact: den_total_over.
have y3 : y 3%num =1 xhat by move=> i; rewrite h3 /= low.
have y4 i : i \in idxs z -> y 4%num i = gamma (feature i) by move=> hi; rewrite h4 den_spread_over // low.
have y10 i : i \in idxs z -> y 10%num i = g i by move=> hi; rewrite h10 /= h8 y4.
exists (y 29%num), (y 12%num), (y 9%num); split=> //.
- move=> i hi; rewrite h29 /= h17 den_spread_over // h16 /= h15 /= h14 h13 /= low //.
  rewrite -/(Denote.deviation z ds eps x (key i)); congr (_ * _).
  rewrite h28 /= h27 h26 /= h21 h25 !den_spread_over // h24 h20 /= h19 h18 h23 den_mean_count !den_total_over.
  rewrite y3 y10 //; congr (_ - _ / _ - _ * (_ / _)); rewrite big_seq_cond [RHS]big_seq_cond; apply: eq_bigr => j /andP [hj _].
    by rewrite y10.
  by rewrite h22 /= y10 // y3.
- move=> c; rewrite h12 total; apply: eq_bigr => j _; rewrite h11 /= h8 y3.
  by [].
by move=> c; rewrite h9 total h8.
Qed.
End Any.

(** ** Sums over a front and a last dimension *)
Section Last.
Variables (front : shape) (C : N).
Notation z := (front ++ [:: C]).
Notation m := (size front).

Lemma last_in i c : i \in idxs front -> (c < C)%num -> i ++ [:: c] \in idxs z.
Proof.
move=> hi hc; have h1 : [:: c] \in idxs [:: C] by rewrite mem_idxs /= andbT; apply/N.ltb_lt.
by rewrite idxs_cat; apply/allpairsP; exists (i, [:: c]).
Qed.

Lemma size_last : (size z).-1 = m. Proof. by rewrite size_cat addn1. Qed.

Lemma pick_feature i c : i \in idxs front -> (c < C)%num ->
  pick (i ++ [:: c]) (kept z (first_dims m)) = [:: c].
Proof.
move=> hi hc; rewrite -size_last pick_last ?last_cat ?last_in //.
by rewrite size_cat addn1.
Qed.

Lemma kept_last : kept z [:: N.of_nat m] = first_dims m.
Proof.
rewrite /kept /others size_cat [first_dims _]/first_dims iotaD map_cat filter_cat -/(first_dims m) /= inE eqxx cats0.
apply/all_filterP/allP => d; rewrite mem_first_dims inE => hd; apply/negP => /eqP ed.
by move: hd; rewrite ed Nnat.Nat2N.id ltnn.
Qed.

Lemma pick_front i c : i \in idxs front -> pick (i ++ [:: c]) (kept z [:: N.of_nat m]) = i.
Proof.
rewrite mem_idxs => /inb_size hi; rewrite kept_last /pick map_first_dims -hi ?take_size_cat //.
by rewrite size_cat leq_addr.
Qed.

Lemma sum_last (F : idx -> R) : \sum_(j <- idxs z) F j = \sum_(i <- idxs front) \sum_(c <- Nrange C) F (i ++ [:: c]).
Proof.
rewrite idxs_cat big_allpairs_dep; apply: eq_bigr => i _.
exact: (sum_idxs1 C (fun r => F (i ++ r))).
Qed.

Lemma sum_feature (F : idx -> R) c : (c < C)%num ->
  \sum_(j <- idxs z | pick j (kept z (first_dims m)) == [:: c]) F j = \sum_(i <- idxs front) F (i ++ [:: c]).
Proof.
move=> hc; rewrite big_mkcond sum_last !big_seq; apply: eq_bigr => i hi.
have hc' : c \in Nrange C by rewrite mem_Nrange; apply/N.ltb_lt.
rewrite -[RHS](sum_pick (fun k => F (i ++ [:: k])) (Nrange_uniq C) hc').
rewrite [RHS]big_mkcond !big_seq; apply: eq_bigr => k; rewrite mem_Nrange => /N.ltb_lt hk.
by rewrite pick_feature //; congr (if _ then _ else _); apply/eqP/eqP => [[]|->].
Qed.

Lemma sum_front (F : idx -> R) i : i \in idxs front ->
  \sum_(j <- idxs z | pick j (kept z [:: N.of_nat m]) == i) F j = \sum_(c <- Nrange C) F (i ++ [:: c]).
Proof.
move=> hi; rewrite big_mkcond sum_last (bigD1_seq i) ?idxs_uniq //= [X in _ + X]big1_seq ?addr0 => [|k /andP [ki hk]].
  by apply: eq_bigr => c _; rewrite pick_front ?eqxx.
by apply: big1 => c _; rewrite pick_front // (negPf ki).
Qed.
End Last.

(** ** Sums over images *)
Section Images.
Variables (B H W : N).
Definition over_images (F : N -> N -> N -> R) : R :=
  \sum_(b <- Nrange B) \sum_(p <- Nrange H) \sum_(q <- Nrange W) F b p q.

Lemma over_imagesE (F : idx -> R) : \sum_(i <- idxs [:: B; H; W]) F i = over_images (fun b p q => F [:: b; p; q]).
Proof.
rewrite sum_cons; apply: eq_bigr => b _; rewrite sum_cons; apply: eq_bigr => p _.
by rewrite sum_cons; apply: eq_bigr => q _; rewrite big_seq1.
Qed.
End Images.
End Norms.
