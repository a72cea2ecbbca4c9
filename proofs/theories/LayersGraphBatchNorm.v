(** * Batch normalisation as its layer emits it, and its gradients

    With scales and shifts, of tensors of any rank and all sizes: what reverse
    mode emits for [Layer.emit]'s instructions, in the input, the scales and the
    shifts at once. No condition on the numbers: these are equations between what
    is computed. That they are the derivatives, is
    [LayersGraphCells.gradients_partial]. Input, scales and shifts are inputs 0, 1, 2.

    Glossary
      - [place_mean F]     the mean over all places, the batch among them
      - [place_sigma x c]  of channel [c], the root of variance and [eps]
      - [place_xhat x i c] the input less its mean, by that
      - [image_mean], [image_sigma], [image_xhat]  the same on images
      - [batch_norm_gradients], [batch_norm_image_gradients]  the theorem at any
                           rank; on images *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Tangent Transpose Moments Computes SpecLayer ImagesSound NormsSound TokensSound LayersGraph LayersGraphCells LayersGraphAffine.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Norms.
Variable R : realType.
Implicit Types (e y : env R) (x dy : tensor R).

(** ** Batch normalisation *)
Section Batch.
Variables (places : shape) (C : N).
Notation z := (places ++ [:: C]).
Notation m := (size places).

Definition place_mean (F : idx -> R) : R := (\sum_(i <- idxs places) F i) / (N.to_nat (size_of places))%:R.
Definition place_sigma (eps : R) x c : R :=
  Num.sqrt (place_mean (fun i => (x (i ++ [:: c]) - place_mean (fun k => x (k ++ [:: c]))) ^+ 2) + eps).
Definition place_xhat (eps : R) x i c : R :=
  (x (i ++ [:: c]) - place_mean (fun k => x (k ++ [:: c]))) / place_sigma eps x c.

Lemma mean_places x c : (c < C)%num ->
  Denote.mean z (first_dims m) x [:: c] = place_mean (fun i => x (i ++ [:: c])).
Proof.
move=> hc; rewrite /Denote.mean sum_feature //; congr (_ / _).
by rewrite /number int_real_nat /pick map_first_dims ?size_cat ?leq_addr // take_size_cat.
Qed.

Lemma place_mean_eq F G : {in idxs places, F =1 G} -> place_mean F = place_mean G.
Proof. by move=> h; rewrite /place_mean !big_seq; congr (_ / _); apply: eq_bigr => i /h. Qed.

Lemma centred_places x i c : i \in idxs places -> (c < C)%num ->
  centred z (first_dims m) x (i ++ [:: c]) = x (i ++ [:: c]) - place_mean (fun k => x (k ++ [:: c])).
Proof. by move=> hi hc; rewrite /centred pick_feature // mean_places. Qed.

Lemma sigma_places eps x c : (c < C)%num -> Denote.deviation z (first_dims m) eps x [:: c] = place_sigma eps x c.
Proof.
move=> hc; rewrite /Denote.deviation /variance mean_places //; congr (Num.sqrt (_ + _)).
by apply: place_mean_eq => i hi; rewrite centred_places // expr2.
Qed.

Lemma xhat_places eps x i c : i \in idxs places -> (c < C)%num ->
  normalize z (first_dims m) eps x (i ++ [:: c]) = place_xhat eps x i c.
Proof. by move=> hi hc; rewrite /normalize centred_places // pick_feature // sigma_places. Qed.
End Batch.

Theorem batch_norm_gradients batch front C n d a b p e dy
  (places := batch :: front) (x := e 0%num) (gamma := e 1%num) (eps := rational R n d)
  (sigma := place_sigma places eps x) (xhat := place_xhat places eps x) :
  Layer.emit (Layer.BatchNorm n d a b true) batch (front ++ [:: C]) [:: 1; 2]%num 0 3 = Some p ->
  exists dx dgamma dbeta,
  [/\ gradients p 8 7 [:: (0, places ++ [:: C]); (1, [:: C]); (2, [:: C])]%num e dy = [:: dx; dgamma; dbeta],
   forall i c, i \in idxs places -> (c < C)%num -> dx (i ++ [:: c])
     = gamma [:: c] / sigma c * (dy (i ++ [:: c]) - place_mean places (fun k => dy (k ++ [:: c]))
         - xhat i c * place_mean places (fun k => dy (k ++ [:: c]) * xhat k c)),
   forall c, (c < C)%num -> dgamma [:: c] = \sum_(i <- idxs places) dy (i ++ [:: c]) * xhat i c
   & forall c, (c < C)%num -> dbeta [:: c] = \sum_(i <- idxs places) dy (i ++ [:: c])].
Proof.
move=> hp; have ez : size (front ++ [:: C]) = size places by rewrite size_cat addn1.
have {hp} -> : p = norm_affine (places ++ [:: C]) (first_dims (size places)) n d.
  by move: hp; rewrite -ez /=; case: ifP => // _ [<-].
have ef : pick (places ++ [:: C]) (kept (places ++ [:: C]) (first_dims (size places))) = [:: C].
  by have := @pick_kept_front (places ++ [:: C]); rewrite size_last last_cat; apply.
have [dx [dgamma [dbeta [eg h0 h1 h2]]]] :=
  norm_affine_gradients (places ++ [:: C]) (first_dims (size places)) n d e dy.
move: eg h0 h1 h2; rewrite size_last ef => eg h0 h1 h2.
exists dx, dgamma, dbeta; split; [exact eg | clear eg | clear eg | clear eg].
- move=> i c hi hc; have hz := last_in hi hc; rewrite h0 // pick_feature // sigma_places // xhat_places //.
  rewrite !mean_places // -/sigma -/gamma -/xhat.
  have -> : place_mean places (fun k => dy (k ++ [:: c]) * gamma (pick (k ++ [:: c]) (kept (places ++ [:: C]) (first_dims (size places)))))
      = place_mean places (fun k => dy (k ++ [:: c])) * gamma [:: c].
    rewrite /place_mean [RHS]mulrAC [in RHS]mulr_suml !big_seq; congr (_ / _); apply: eq_bigr => k hk.
    by rewrite pick_feature.
  have -> : place_mean places (fun k => dy (k ++ [:: c]) * gamma (pick (k ++ [:: c]) (kept (places ++ [:: C]) (first_dims (size places))))
        * normalize (places ++ [:: C]) (first_dims (size places)) eps x (k ++ [:: c]))
      = place_mean places (fun k => dy (k ++ [:: c]) * xhat k c) * gamma [:: c].
    rewrite /place_mean [RHS]mulrAC [in RHS]mulr_suml !big_seq; congr (_ / _); apply: eq_bigr => k hk.
    by rewrite pick_feature // xhat_places // mulrAC.
  by rewrite [_ * (place_mean _ _ * _)]mulrA -!mulrBl [_ * gamma _]mulrC mulrA [_^-1 * _]mulrC.
- move=> c hc; rewrite h1 sum_feature // !big_seq; apply: eq_bigr => i hi.
  by rewrite xhat_places.
by move=> c hc; rewrite h2 sum_feature.
Qed.

(** On images, the places written out. *)
Section Image.
Variables (B H W : N).
Notation over_images := (over_images B H W).
Definition image_mean (F : N -> N -> N -> R) : R := over_images F / (N.to_nat (B * H * W))%:R.
Definition image_sigma (eps : R) x c : R := Num.sqrt (image_mean (fun b p q =>
  (x [:: b; p; q; c] - image_mean (fun b p q => x [:: b; p; q; c])) ^+ 2) + eps).
Definition image_xhat (eps : R) x b p q c : R :=
  (x [:: b; p; q; c] - image_mean (fun b p q => x [:: b; p; q; c])) / image_sigma eps x c.

Lemma place_meanE F : place_mean [:: B; H; W] F = image_mean (fun b p q => F [:: b; p; q]).
Proof.
rewrite /place_mean over_imagesE; congr (_ / (N.to_nat _)%:R).
by rewrite /= N.mul_1_r N.mul_assoc.
Qed.

Theorem batch_norm_image_gradients C n d a' b' code e dy (x := e 0%num) (gamma := e 1%num) (eps := rational R n d)
  (sigma := image_sigma eps x) (xhat := image_xhat eps x) :
  Layer.emit (Layer.BatchNorm n d a' b' true) B [:: H; W; C] [:: 1; 2]%num 0 3 = Some code ->
  exists dx dgamma dbeta,
  [/\ gradients code 8 7 [:: (0, [:: B; H; W; C]); (1, [:: C]); (2, [:: C])]%num e dy = [:: dx; dgamma; dbeta],
   forall b p q c, (b < B)%num -> (p < H)%num -> (q < W)%num -> (c < C)%num -> dx [:: b; p; q; c]
     = gamma [:: c] / sigma c * (dy [:: b; p; q; c] - image_mean (fun b p q => dy [:: b; p; q; c])
         - xhat b p q c * image_mean (fun b p q => dy [:: b; p; q; c] * xhat b p q c)),
   forall c, (c < C)%num -> dgamma [:: c] = over_images (fun b p q => dy [:: b; p; q; c] * xhat b p q c)
   & forall c, (c < C)%num -> dbeta [:: c] = over_images (fun b p q => dy [:: b; p; q; c])].
Proof.
have sE c : place_sigma [:: B; H; W] eps x c = sigma c.
  by rewrite /place_sigma !place_meanE.
have xE b p q c : place_xhat [:: B; H; W] eps x [:: b; p; q] c = xhat b p q c.
  by rewrite /place_xhat sE place_meanE.
move=> /(@batch_norm_gradients B [:: H; W] C n d a' b' code e dy) [dx [dgamma [dbeta [eg h0 h1 h2]]]].
exists dx, dgamma, dbeta; split; [exact eg | clear eg | clear eg | clear eg].
- move=> b p q c hb hp hq hc; have hi : [:: b; p; q] \in idxs [:: B; H; W].
    by rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)).
  have := h0 [:: b; p; q] c hi hc; rewrite [[:: b; p; q] ++ _]/= sE xE !place_meanE => ->.
  congr (_ * (_ - _ - _ * (_ / _))); rewrite /over_images.
  by apply: eq_bigr => b1 _; apply: eq_bigr => p1 _; apply: eq_bigr => q1 _; rewrite xE.
- move=> c hc; rewrite h1 // over_imagesE /over_images.
  by apply: eq_bigr => b _; apply: eq_bigr => p _; apply: eq_bigr => q _; rewrite -xE.
by move=> c hc; rewrite h2 // over_imagesE.
Qed.
End Image.
End Norms.
