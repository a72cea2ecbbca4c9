(** * Layer normalisation as its layer emits it, and its gradients

    With scales and shifts, of tensors of any rank and all sizes, vectors and
    tokens among them: what reverse mode emits for [Layer.emit]'s instructions, in
    the input, the scales and the shifts at once. No condition on the numbers.
    That they are the derivatives, is [LayersGraphCells.gradients_partial]. Input,
    scales and shifts are inputs 0, 1, 2.

    Glossary
      - [i ++ [:: k]]        feature [k] of token [i]; the index [i] begins with
                             the example
      - [feature_mean F]     the mean over the features
      - [feature_sigma x i]  of token [i], the root of variance and [eps]
      - [feature_xhat x i k] the input less its mean, by that
      - [layer_norm_gradients]  the theorem *)
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

(** ** Layer normalisation *)
Section Layer.
Variables (D : N).
Definition feature_mean (F : N -> R) : R := (\sum_(k <- Nrange D) F k) / (N.to_nat D)%:R.
Definition feature_sigma (eps : R) x i : R := Num.sqrt (feature_mean (fun k =>
  (x (i ++ [:: k]) - feature_mean (fun k => x (i ++ [:: k]))) ^+ 2) + eps).
Definition feature_xhat (eps : R) x i k : R :=
  (x (i ++ [:: k]) - feature_mean (fun k => x (i ++ [:: k]))) / feature_sigma eps x i.

Section Front.
Variable (front : shape).
Notation z := (front ++ [:: D]).
Notation ds := [:: N.of_nat (size front)].

Lemma mean_features x i : i \in idxs front ->
  Denote.mean z ds x i = feature_mean (fun k => x (i ++ [:: k])).
Proof.
move=> hi; rewrite /Denote.mean sum_front //; congr (_ / _).
by rewrite /number int_real_nat /pick /= Nnat.Nat2N.id nth_cat ltnn subnn N.mul_1_r.
Qed.

Lemma feature_mean_eq F G : {in Nrange D, F =1 G} -> feature_mean F = feature_mean G.
Proof. by move=> h; rewrite /feature_mean !big_seq; congr (_ / _); apply: eq_bigr => i /h. Qed.

Lemma centred_features x i k : i \in idxs front -> 
  centred z ds x (i ++ [:: k]) = x (i ++ [:: k]) - feature_mean (fun k => x (i ++ [:: k])).
Proof. by move=> hi; rewrite /centred pick_front // mean_features. Qed.

Lemma sigma_features eps x i : i \in idxs front -> Denote.deviation z ds eps x i = feature_sigma eps x i.
Proof.
move=> hi; rewrite /Denote.deviation /variance mean_features //; congr (Num.sqrt (_ + _)).
by apply: feature_mean_eq => k _; rewrite centred_features // expr2.
Qed.

Lemma xhat_features eps x i k : i \in idxs front ->
  normalize z ds eps x (i ++ [:: k]) = feature_xhat eps x i k.
Proof. by move=> hi; rewrite /normalize centred_features // pick_front // sigma_features. Qed.
End Front.

Theorem layer_norm_gradients batch front n d p e dy
  (tokens := batch :: front) (x := e 0%num) (gamma := e 1%num) (eps := rational R n d)
  (sigma := feature_sigma eps x) (xhat := feature_xhat eps x)
  (g := fun i k => gamma [:: k] * dy (i ++ [:: k])) :
  Layer.emit (Layer.LayerNorm n d true true) batch (front ++ [:: D]) [:: 1; 2]%num 0 3 = Some p ->
  exists dx dgamma dbeta,
  [/\ gradients p 8 7 [:: (0, tokens ++ [:: D]); (1, [:: D]); (2, [:: D])]%num e dy = [:: dx; dgamma; dbeta],
   forall i k, i \in idxs tokens -> (k < D)%num -> dx (i ++ [:: k])
     = (g i k - feature_mean (g i) - xhat i k * feature_mean (fun l => g i l * xhat i l)) / sigma i,
   forall k, (k < D)%num -> dgamma [:: k] = \sum_(i <- idxs tokens) dy (i ++ [:: k]) * xhat i k
   & forall k, (k < D)%num -> dbeta [:: k] = \sum_(i <- idxs tokens) dy (i ++ [:: k])].
Proof.
move=> hp; have ez : size (front ++ [:: D]) = size tokens by rewrite size_cat addn1.
have {hp} -> : p = norm_affine (tokens ++ [:: D]) [:: N.of_nat (size tokens)] n d.
  by move: hp; rewrite -ez => -[<-].
have ef : pick (tokens ++ [:: D]) (kept (tokens ++ [:: D]) (first_dims (size tokens))) = [:: D].
  by have := @pick_kept_front (tokens ++ [:: D]); rewrite size_last last_cat; apply.
have [dx [dgamma [dbeta [eg h0 h1 h2]]]] :=
  norm_affine_gradients (tokens ++ [:: D]) [:: N.of_nat (size tokens)] n d e dy.
move: eg h0 h1 h2; rewrite size_last ef => eg h0 h1 h2.
exists dx, dgamma, dbeta; split; [exact eg | clear eg | clear eg | clear eg].
- move=> i k hi hk; have hz := last_in hi hk; rewrite h0 // pick_front // sigma_features // xhat_features //.
  rewrite !mean_features // pick_feature // -/sigma -/gamma -/xhat mulrC.
  have eg' l : l \in Nrange D -> dy (i ++ [:: l]) * gamma (pick (i ++ [:: l]) (kept (tokens ++ [:: D]) (first_dims (size tokens)))) = g i l.
    by rewrite mem_Nrange => /N.ltb_lt hl; rewrite pick_feature // mulrC.
  rewrite (feature_mean_eq eg') [dy _ * _]mulrC -/(g i k); congr ((_ - _ - _ * _) / _).
  by apply: feature_mean_eq => l hl; rewrite eg' // xhat_features.
- move=> k hk; rewrite h1 sum_feature // !big_seq; apply: eq_bigr => i hi.
  by rewrite xhat_features.
by move=> k hk; rewrite h2 sum_feature.
Qed.
End Layer.
End Norms.
