(** * Networks in stages

    Stages of blocks: the first block of a stage may make the image smaller and
    change the features, the others keep both. What such stages come to, from
    what a block does, whatever the blocks are. The words are those of
    [FamiliesParts.v].

    Glossary
      - [no_stages_kinks] blocks without kinks
      - [stages_lead]     what the stages make of shapes, and their kinks *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Spec Meaning Families FamiliesLayers FamiliesChains FamiliesPartsFit.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

Section Stages.
Variables (stage : Type) (blocks : stage -> nat) (stride features : stage -> N).
Variables (block : nat -> nat -> stage -> N -> seq (chain -> chain)).
Variables (kinks_of_block : nat -> nat -> stage -> seq kink).
Local Notation features_after := (features_after blocks features).
Local Notation size_after := (size_after blocks stride).
Local Notation stride_of := (stride_of stride).
Local Notation stages_from := (stages_from blocks features block).
Local Notation stages_kinks := (stages_kinks blocks kinks_of_block).

Lemma no_stages_kinks i l : (forall i k st, kinks_of_block i k st = [::]) -> stages_kinks i l = [::].
Proof.
move=> h; elim: l i => //= st l ih i; rewrite ih cats0.
by elim: (iota _ _) => //= k ks ->; rewrite h.
Qed.

Variables (batch : N) (fits : stage -> bool).
Hypothesis fits_pos : forall st, fits st -> 0 < stride st /\ 0 < features st.
Hypothesis block_leads : forall i k st p q c (s := stride_of st k), fits st ->
  0 < p -> 0 < q -> 0 < c -> many batch (strided s p) (strided s q) ->
  leads_by batch (kinks_of_block i k st) (block i k st c)
    [:: p; q; c] [:: strided s p; strided s q; features st].

Lemma size_after_le st n : fits st -> 0 < n -> 0 < size_after n st /\ size_after n st <= n.
Proof.
move=> /fits_pos [hs _] hn; rewrite /size_after.
by case: (blocks st) => [|_]; [split=> //; lia | split; [exact: strided_pos | exact: strided_le]].
Qed.

Lemma sizes_le l n : all fits l -> 0 < n -> 0 < foldl size_after n l /\ foldl size_after n l <= n.
Proof.
elim: l n => [|st l ih] n /=; first by move=> _ hn; split=> //; lia.
move=> /andP [fit /ih {}ih] hn; have [h1 h2] := size_after_le fit hn.
by have [h3 h4] := ih _ h1; split=> //; lia.
Qed.

Lemma stages_lead l i p q k : all fits l -> 0 < p -> 0 < q -> 0 < k ->
  many batch (foldl size_after p l) (foldl size_after q l) ->
  leads_by batch (stages_kinks i l) (stages_from i l k) [:: p; q; k]
    [:: foldl size_after p l; foldl size_after q l; foldl features_after k l]
  /\ 0 < foldl features_after k l.
Proof.
elim: l i p q k => [|st l ih] i p q k /=; first by move=> *; split=> //; exact: leads_nil.
move=> /andP [fit ok] hp hq hk hm.
have [p1 p2] := size_after_le fit hp; have [q1 q2] := size_after_le fit hq.
have [hs hf] := fits_pos fit.
have k1 : 0 < features_after k st by rewrite /features_after; case: (blocks st).
have [ls ?] := ih i.+1 _ _ _ ok p1 q1 k1 hm; split=> //; apply: leads_by_cat ls.
have {}hm : many batch (size_after p st) (size_after q st).
  by apply: many_le hm; [have [] := sizes_le ok p1 | have [] := sizes_le ok q1].
move: hm p1 q1; rewrite /size_after /features_after; case: (blocks st) => [|n] hm p1 q1; first exact: leads_nil.
rewrite [iota 0 n.+1]/= !map_cons; apply: leads_by_cat (block_leads i (k := 0) fit hp hq hk hm) _.
rewrite -[1%nat]/(1 + 0)%nat iotaDl -!map_comp; apply: leads_blocks_by => j /=.
have := @block_leads i j.+1 st _ _ _ fit p1 q1 hf; rewrite !strided1 //; exact.
Qed.
End Stages.
