(** * Chains that fit

    Branches of different shapes, joined, and what a chain of layers comes to:
    its shapes, and its kinks. What is emitted for such a network is the
    derivative of its loss off these ([chain_gradient]); without kinks, at all
    parameters, inputs, targets and masks ([smooth_gradient]).

    Glossary
      - [flows_by b ks c ss s t]  on [b] examples of shape [s], where branches of
                         shapes [ss] wait, chain [c] fits, has the kinks [ks],
                         and gives examples of shape [t]
      - [leads_by b ks l s t]  so do the layers and joins [l], whatever comes after
      - [flows], [leads]  the same without kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector Joins.
From Cotangent Require Import MeaningJoinSound Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import Families FamiliesLayers.
From Cotangent Require Export FamiliesParts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

(** ** Branches that stretch *)
Lemma stretch_wf batch s t y k sh : stretches s t -> waits batch k sh (y, s) ->
  let: (code, z) := stretch batch s t y k in
  [/\ wf code k sh, z < next_id k code, shrun code sh z = batch :: t & no_targets code].
Proof.
move=> st [/= hy ey]; rewrite /stretch; case: eqP => [e|_].
  by rewrite /next_id N.add_0_r -e.
set z := batch :: s; set u := batch :: t; set d := same_dims z u.
have sz : size z = size u by have [/eqP e _] := andP st; rewrite /= e.
split; [| by rewrite /next_id /=; lia | by last_shape | by []].
apply: wf_step => //; [| by operands |].
  apply/N.eqb_eq; rewrite /d /same_dims /= N.eqb_refl /=; congr (batch * _).
  elim: s t st {hy ey z u d sz} => [|a s ih] [|b t] // /stretches_cons /andP [ab /ih {}ih].
  rewrite /= ih; case: (N.eqb_spec a b) ab => //= _; rewrite orbF => /N.eqb_eq ->.
  by rewrite N.mul_1_l.
apply: wf_step; [lia | | | by []].
  have sd : size d = size u by rewrite size_map size_zip sz minnn.
  have e : size (mask d (first_dims (size u))) = size (mask d z).
    by rewrite !size_mask ?size_first_dims // sd.
  apply/andP; split; first by rewrite size_map size_first_dims.
  by rewrite /all andbT; apply/eqP; rewrite -e; exact: size_map.
by constructor; [split=> /=; [lia | by shape_at] | constructor].
Qed.

Lemma merged_parts_wf b batch t y parts k sh : all (fun s => stretches s t) (unzip2 parts) ->
  waits batch k sh (y, t) -> List.Forall (waits batch k sh) parts ->
  let: (code, z) := merge_parts b batch t y parts k in
  [/\ wf code k sh, z < next_id k code, shrun code sh z = batch :: t & no_targets code].
Proof.
elim: parts y k sh => [|[z s] parts ih] y k sh /=.
  by move=> _ [/= hy ey] _; rewrite /next_id N.add_0_r.
move=> /andP [st sts] [/= hy ey] hw; have hz := List.Forall_inv hw; have hp := List.Forall_inv_tail hw.
have := stretch_wf st hz; case: stretch => c1 z' [w1 h1 e1 t1]; set k1 := next_id k c1 in h1 *.
have le : k <= k1 by rewrite /k1 /next_id; lia.
have kept i : i < k -> shrun c1 sh i = sh i by exact: shrun_stable w1.
set sh1 := upd (shrun c1 sh) k1 (batch :: t).
have := ih k1 (N.succ k1) sh1 sts; case: merge_parts => c2 w [].
- by split=> /=; [lia | rewrite /sh1 updE].
- apply: waits_kept hp => [|i hi]; first by lia.
  by rewrite /sh1 updN ?kept //; lia.
move=> w2 h2 e2 t2.
have nx : next_id k (c1 ++ (k1, Bin (batch :: t) b y z') :: c2)%SEQ = next_id (N.succ k1) c2.
  by rewrite Families.next_id_cat -/k1 /next_id [size _]/=; lia.
split; last by rewrite /no_targets all_cat; apply/andP.
- apply: wf_app w1 _; rewrite -/k1; apply: wf_step => //=; constructor; last by constructor; [split | constructor].
  by split=> /=; [lia | rewrite kept].
- by rewrite nx.
by rewrite /shrun foldl_cat.
Qed.

(** Element by element, dimensions of size 1 repeated. *)
Lemma merged_fits (m : merging) batch ss t : joined_shape m ss = Some t -> joins_here m batch ss t.
Proof.
move=> h; split=> // parts k sh e; have [] := merged_shape h; rewrite -e {e h}.
case: parts => [|[y s] parts] //= _ /andP [st sts] hw.
have hy := List.Forall_inv hw; have hp := List.Forall_inv_tail hw.
have := stretch_wf st hy; case: stretch => c1 y' [w1 h1 e1 t1].
have le : k <= next_id k c1 by rewrite /next_id; lia.
have kept i : i < k -> shrun c1 sh i = sh i by exact: shrun_stable w1.
have := @merged_parts_wf (merging_op m) batch t y' parts (next_id k c1) (shrun c1 sh) sts.
case: merge_parts => c2 w []; [by split | exact: waits_kept le kept hp |] => w2 h2 e2 t2.
split; last by rewrite /no_targets all_cat; apply/andP.
- exact: wf_app w1 w2.
- by rewrite Families.next_id_cat.
by rewrite /shrun foldl_cat.
Qed.

(** ** Along a chain *)
Section Chains.
Variable batch : N.

Definition flows_by (ks : seq kink) (c : chain) (ready : seq shape) (s t : shape) : Prop :=
  [/\ chain_fits batch c ready s, output_shape c ready s = Some t & kinks_in c = ks].

Definition leads_by (ks : seq kink) (l : seq (chain -> chain)) (s t : shape) : Prop :=
  forall c u ks', flows_by ks' c [::] t u ->
  flows_by (ks ++ ks')%SEQ (foldr (fun f c => f c) c l) [::] s u.
Notation flows := (flows_by [::]).
Notation leads := (leads_by [::]).
Implicit Types ks : seq kink.

Lemma leads_nil s : leads [::] s s.
Proof. by []. Qed.

Lemma leads_by_cat ks ks' a b s t u : leads_by ks a s t -> leads_by ks' b t u ->
  leads_by (ks ++ ks')%SEQ (a ++ b)%SEQ s u.
Proof. by move=> ha hb c v ks2 hc; rewrite foldr_cat -catA; apply/ha/hb. Qed.

Lemma leads_cat ks a b s t u : leads a s t -> leads_by ks b t u -> leads_by ks (a ++ b)%SEQ s u.
Proof. exact: leads_by_cat. Qed.

Lemma leads_cons ks f l s t u : leads [:: f] s t -> leads_by ks l t u -> leads_by ks (f :: l) s u.
Proof. by move=> ha hl; rewrite -cat1s; exact: leads_cat ha hl. Qed.

(** The kinks come first. *)
Lemma leads_before ks a b s t u : leads_by ks a s t -> leads b t u -> leads_by ks (a ++ b)%SEQ s u.
Proof. by move=> ha hb; rewrite -(cats0 ks); exact: leads_by_cat ha hb. Qed.

Lemma leads_in_turn ks a s t : leads_by ks a s t -> flows_by ks (in_turn a) [::] s t.
Proof. by move=> h; rewrite -(cats0 ks); apply: h; split. Qed.

Lemma leads_kinks ks name l ls s s' t : fits_here l batch s s' -> leads_by ks ls s' t ->
  leads_by (kinks_of_layer name l ++ ks)%SEQ (Next name l :: ls) s t.
Proof.
move=> fit hl c u ks' /hl [hc ho hk]; split; last by rewrite /= hk catA.
- by exists s'.
- by rewrite /= (proj1 fit).
Qed.

Lemma leads_layer ks name l ls s s' t : fits_here l batch s s' -> kinks_of_layer name l = [::] ->
  leads_by ks ls s' t -> leads_by ks (Next name l :: ls) s t.
Proof. by move=> fit smooth /(leads_kinks name fit); rewrite smooth. Qed.

Lemma leads_one name l s s' : fits_here l batch s s' -> kinks_of_layer name l = [::] ->
  leads [:: Next name l] s s'.
Proof. by move=> fit smooth; exact: leads_layer fit smooth (@leads_nil _). Qed.

(** As many blocks as there are numbers. *)
Lemma leads_blocks_by (ks : nat -> seq kink) (block : nat -> seq (chain -> chain)) s l :
  (forall i, leads_by (ks i) (block i) s s) ->
  leads_by (flatten [seq ks i | i <- l]) (flatten [seq block i | i <- l]) s s.
Proof. by move=> h; elim: l => //= i l ih; exact: leads_by_cat (h i) ih. Qed.

Lemma leads_blocks (block : nat -> seq (chain -> chain)) s l : (forall i, leads (block i) s s) ->
  leads (flatten [seq block i | i <- l]) s s.
Proof. by move=> h; elim: l => //= i l ih; exact: leads_cat (h i) ih. Qed.

(** ** What layers make of what comes in *)
Lemma leads_join ks ks' a b name j s t u v : leads_by ks a s t -> leads_by ks' b s u ->
  joins_here j batch [:: t; u] v -> kinks_of_join name j = [::] ->
  leads_by (ks ++ ks')%SEQ [:: Branch (in_turn a); Branch (in_turn b); Join name j] s v.
Proof.
move=> /leads_in_turn [fa oa ka] /leads_in_turn [fb ob kb] fit smooth c x kc [fc oc kkc]; split.
- split=> //; exists t; split=> //; split=> //; exists u; split=> //.
  by exists v; split.
- by rewrite /= oa /= ob /= (proj1 fit).
by rewrite /= ka kb smooth kkc catA.
Qed.

Lemma leads_summed ks name a b s t : leads_by ks a s t -> leads b s t -> leads_by ks (summed name a b) s t.
Proof.
move=> ha hb; rewrite -(cats0 ks); apply: (leads_join ha hb) => //.
exact: (merge_fits Sum batch 1).
Qed.

Lemma leads_residual ks name a s : leads_by ks a s s -> leads_by ks (residual name a) s s.
Proof. by move=> h; exact: leads_summed h (@leads_nil s). Qed.

Lemma leads_gated name a h w c : leads a [:: h; w; c] [:: 1; 1; c] ->
  leads (gated name a) [:: h; w; c] [:: h; w; c].
Proof.
move=> la; apply: (leads_join (@leads_nil _) la) => //; apply: (@merged_fits Product).
rewrite /joined_shape /= /widened /=.
case: (N.eqb_spec h 1) => [->|_]; case: (N.eqb_spec w 1) => [->|_]; case: (N.eqb_spec c 1) => [->|_];
  by rewrite /stretches /= ?N.eqb_refl ?orbT.
Qed.
End Chains.
Notation flows batch := (flows_by batch [::]).
Notation leads batch := (leads_by batch [::]).

(** ** Networks *)
Theorem chain_gradient (net : spec) (batch classes_ : N) (ks : seq kink) :
  net_loss net = Loss.SoftmaxCrossEntropy -> 0 < batch ->
  flows_by batch ks (layers net) [::] (input_shape net) [:: classes_] -> 0 < classes_ ->
  0 < total (numbered_params net) ->
  forall (R : realType) (other : env R) (θ : θ_space R net),
  off_kinks (Options batch Steps.Grad) ks other θ ->
  is_gradient (fun θ => loss_at net (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> loss hb [fit out <-] hc hp R other θ off.
exact: (@net_gradient net batch classes_ loss hb fit out hc hp R other θ off).
Qed.

Corollary smooth_gradient (net : spec) (batch classes_ : N) : net_loss net = Loss.SoftmaxCrossEntropy ->
  0 < batch -> flows batch (layers net) [::] (input_shape net) [:: classes_] -> 0 < classes_ ->
  0 < total (numbered_params net) ->
  forall (R : realType) (other : env R) (θ : θ_space R net),
  is_gradient (fun θ => loss_at net (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof. by move=> loss hb fl hc hp R other θ; exact: (chain_gradient loss hb fl hc hp). Qed.
