(** * The parts fit

    Windows and layers of [FamiliesParts.v]: where they fit, what they make of
    shapes, and their kinks.

    Glossary
      - [.._fits], [.._pools], [.._places]  of windows: they fit, as those of a
                          pool; at how many places they are
      - [.._leads]        of layers, in the words of [FamiliesChains.v] *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Spec Meaning Families FamiliesNets FamiliesLayers FamiliesChains.
From Cotangent Require Export FamiliesParts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

(** ** Windows *)
Lemma patch_fits p n : 0 < p -> p <= n -> Layer.window_fits (patch p) n.
Proof.
move=> hp hn; have h := proj2 (N.ltb_lt _ _) hp.
by rewrite /Layer.window_fits /= h /=; apply/N.leb_le; rewrite /Layer.span /=; lia.
Qed.

Lemma patch_places p n : 0 < p -> p <= n -> Layer.places (patch p) n = n / p.
Proof.
move=> hp hn; rewrite /Layer.places /Layer.span /=.
have -> : n + 0 + 0 - (N.pred p * 1 + 1) = n - p by lia.
by rewrite -N.div_add ?N.mul_1_l; [congr (_ / _); lia | lia].
Qed.

Lemma patch_pools p n : 0 < p -> p <= n -> Layer.pool_fits (patch p) n.
Proof.
move=> hp hn; rewrite /Layer.pool_fits patch_fits // patch_places //=.
rewrite !(proj2 (N.ltb_lt _ _)) //=; last by lia.
rewrite N.add_0_r; have le := N.mul_div_le n p; have := N.div_str_pos n p; move: (n / p) le => q; nia.
Qed.

Lemma div_pos p n : 0 < p -> p <= n -> 0 < n / p.
Proof. by move=> hp hn; apply: N.div_str_pos; lia. Qed.

Lemma odd_halves k : N.odd k -> k / 2 + k / 2 + 1 = k.
Proof.
by rewrite -N.div2_div => o; have := N.div2_odd k; rewrite o -[N.b2n _]/1; lia.
Qed.

Lemma around_fits k s n : N.odd k -> 0 < s -> 0 < n -> Layer.window_fits (around k s) n.
Proof.
move=> /odd_halves; set q := k / 2 => e hs hn.
rewrite /Layer.window_fits /= -/q !(proj2 (N.ltb_lt _ _)) //=; last by lia.
by apply/N.leb_le; rewrite /Layer.span /=; lia.
Qed.

Lemma around_places k s n : N.odd k -> 0 < n -> Layer.places (around k s) n = strided s n.
Proof.
move=> /odd_halves; set q := k / 2 => e hn; rewrite /Layer.places /Layer.span /= -/q /strided.
by congr (_ / _ + 1); lia.
Qed.

Lemma around_pools k s n : N.odd k -> 0 < s -> 0 < n -> Layer.pool_fits (around k s) n.
Proof.
move=> ok hs hn; rewrite /Layer.pool_fits around_fits // around_places // /= (proj2 (N.ltb_lt _ _) hn) /=.
have [/N.ltb_lt -> /N.ltb_lt] : k / 2 < k /\ N.pred (strided s n) * s < n + k / 2; last by [].
have e := odd_halves ok; split; first by lia.
by rewrite /strided N.add_1_r N.pred_succ; have := N.mul_div_le (n - 1) s; lia.
Qed.

Lemma strided1 n : 0 < n -> strided 1 n = n.
Proof. by move=> hn; rewrite /strided N.div_1_r; lia. Qed.
Lemma strided_pos s n : 0 < strided s n.
Proof. by rewrite /strided N.add_1_r; exact: N.lt_0_succ. Qed.
Lemma strided_le s n : 0 < s -> 0 < n -> strided s n <= n.
Proof.
move=> hs hn; rewrite /strided.
have : (n - 1) / s <= n - 1 by apply: N.div_le_upper_bound; nia.
by move: (_ / _) => q; lia.
Qed.

Section Leads.
Variable batch : N.
Implicit Types ks : seq kink.
Local Notation many := (many batch).

Lemma many_le p q p' q' : p' <= p -> q' <= q -> many p' q' -> many p q.
Proof.
rewrite /many => hp hq m; apply: N.lt_le_trans m _.
by apply: N.mul_le_mono_l; exact: N.mul_le_mono.
Qed.

Lemma batch_normalised_leads eps eps_d mom mom_d n p q f : 0 < batch -> Z.ltb 0 eps ->
  0 < p -> 0 < q -> 0 < f -> many p q ->
  leads batch [:: batch_normalised eps eps_d mom mom_d n] [:: p; q; f] [:: p; q; f].
Proof. by move=> hb he hp hq hf hm; apply: leads_one => //; exact: norm_fits. Qed.

Lemma relu_leads ks name ls s t : leads_by batch ks ls s t ->
  leads_by batch (relu_kinks name ++ ks)%SEQ (relu name :: ls) s t.
Proof. by move=> h; exact: (leads_kinks name (pointwise_fits _ Layer.Relu _) h). Qed.
Lemma relu6_leads ks name ls s t : leads_by batch ks ls s t ->
  leads_by batch (relu6_kinks name ++ ks)%SEQ (relu6 name :: ls) s t.
Proof. by move=> h; exact: (leads_kinks name (pointwise_fits _ Layer.Relu6 _) h). Qed.

Lemma normalised_leads eps eps_d name s : Z.ltb 0 eps -> (0 < size s)%nat -> filled (batch :: s) ->
  leads batch [:: normalised eps eps_d name] s s.
Proof. by move=> he hs pos; apply: leads_one => //; exact: layer_norm_fits. Qed.

Lemma pointwise_leads ks name p ls s t : (pointwise_kinks p).2 = [::] -> leads_by batch ks ls s t ->
  leads_by batch ks (Next name (Layer.Pointwise p) :: ls) s t.
Proof.
move=> h; apply: leads_layer; first exact: pointwise_fits.
by move: h; rewrite /=; case: (pointwise_kinks p) => kind [].
Qed.

Lemma scaled_leads scales name s : (0 < size s)%nat -> leads batch (scaled scales name) s s.
Proof. by move=> hs; case: scales => //; apply: leads_one => //; exact: scale_fits. Qed.

Lemma dropped_leads rate name s : leads batch (dropped rate name) s s.
Proof. by case: rate => [[n d]|] //; apply: leads_one => //; exact: drop_path_fits. Qed.

Lemma patches_leads p f bias name h w c : 0 < p -> p <= h -> p <= w ->
  leads batch [:: conv f (patch p) 1 bias name] [:: h; w; c] [:: h / p; w / p; f].
Proof.
move=> hp hh hw; apply: leads_one => //; rewrite -(patch_places hp hh) -(patch_places hp hw).
exact: (conv_fits batch bias (patch_fits hp hh) (patch_fits hp hw) (one_divides c) (one_divides f)).
Qed.

(** [s] is 1 where the size is kept. *)
Lemma conv_leads f k s g bias name h w c : N.odd k -> 0 < s -> 0 < h -> 0 < w ->
  Layer.divides g c -> Layer.divides g f ->
  leads batch [:: conv f (around k s) g bias name] [:: h; w; c] [:: strided s h; strided s w; f].
Proof.
move=> ok hs hh hw gc gf; apply: leads_one => //; rewrite -(around_places s ok hh) -(around_places s ok hw).
exact: (conv_fits batch bias (around_fits ok hs hh) (around_fits ok hs hw) gc gf).
Qed.

Lemma conv1_leads f k g bias name h w c : N.odd k -> 0 < h -> 0 < w -> Layer.divides g c -> Layer.divides g f ->
  leads batch [:: conv f (around k 1) g bias name] [:: h; w; c] [:: h; w; f].
Proof.
by move=> ok hh hw gc gf; have := @conv_leads f k 1 g bias name h w c ok N.lt_0_1 hh hw gc gf; rewrite !strided1.
Qed.

Lemma max_pool_leads ks name k s h w c ls t : N.odd k -> 0 < s -> 0 < h -> 0 < w ->
  leads_by batch ks ls [:: strided s h; strided s w; c] t ->
  leads_by batch (TiesAt name (around k s) (around k s) :: ks)
    (Next name (Layer.MaxPool (around k s) (around k s)) :: ls) [:: h; w; c] t.
Proof.
move=> ok hs hh hw; rewrite -(around_places s ok hh) -(around_places s ok hw).
exact: (leads_kinks name (max_pool_fits batch c (around_pools ok hs hh) (around_pools ok hs hw))).
Qed.

Lemma filled_image h w c : 0 < batch -> 0 < h -> 0 < w -> 0 < c -> filled [:: batch; h; w; c].
Proof. by move=> hb hh hw hc; rewrite /= !(proj2 (N.ltb_lt _ _)). Qed.
End Leads.
