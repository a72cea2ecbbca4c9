(** * The layers that normalise compute their formulas

    Of the formulas of [Norms.v]: [_sound], instructions compute it; [_eqt], it
    depends on the cells of the input alone; [_smooth], they have no kink.

    Glossary
      - [every_feature_sound], [every_example_sound]  a vector along the last,
                         along the first dimension
      - [affine_sound]   scale and shift, behind any instructions
      - [standardize_sound]  by a given mean and variance
      - [rms_sound], [group_norm_sound]  by the root of the mean square; in
                         groups of channels
      - [new_stats_sound]  running statistics after a batch *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Tangent Transpose Moments SmoothFacts Computes.
From Cotangent Require Import Stablehlo_sem RaiseGrouped SpecLayer Norms.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Implicit Types (e : env R) (y : tensor R) (z : shape).

Lemma kept_front z : (0 < size z)%nat ->
  kept z (first_dims (size z).-1) = [:: N.of_nat (size z).-1].
Proof.
have front m : [seq d <- first_dims (m + 1) | d \notin first_dims m] = [:: N.of_nat m].
  rewrite [first_dims (m + 1)]/first_dims iotaD map_cat filter_cat -/(first_dims m).
  have -> : [seq d <- first_dims m | d \notin first_dims m] = [::].
    by apply/eqP; rewrite -(negbK (_ == _)) -has_filter; apply/hasPn => d ->.
  by rewrite /= mem_first_dims Nnat.Nat2N.id ltnn.
by move=> hz; have := front (size z).-1; rewrite addn1 prednK.
Qed.

Lemma pick_kept_front z : (0 < size z)%nat ->
  pick z (kept z (first_dims (size z).-1)) = [:: last 0%num z].
Proof. by move=> hz; rewrite kept_front //= Nnat.Nat2N.id nth_last. Qed.

Lemma pick_last z i : (0 < size z)%nat -> i \in idxs z ->
  pick i (kept z (first_dims (size z).-1)) = [:: last 0%num i].
Proof.
rewrite mem_idxs => hz /inb_size hi; have hk := kept_front hz.
by rewrite hk /= Nnat.Nat2N.id -hi nth_last.
Qed.

Lemma every_feature_sound z v e : (0 < size z)%nat ->
  eqt z (den (Layer.every_feature z v) e) (fun i => e v [:: last 0%num i]).
Proof. by move=> hz i hi; rewrite den_spread_over // pick_last. Qed.

Lemma kept_first z : (0 < size z)%nat -> kept z (behead (first_dims (size z))) = [:: 0%num].
Proof.
rewrite /kept /others; case: (size z) => // n _ /=.
set l := map _ _; have -> : 0%num \notin l.
  by apply/mapP => -[i]; rewrite mem_iota => /andP [] hi _; case: i hi.
congr (_ :: _); apply/eqP; rewrite -(negbK (_ == _)) -has_filter; apply/hasPn => d ->.
by [].
Qed.

Lemma every_example_sound z v e : (0 < size z)%nat ->
  eqt z (den (Layer.every_example z v) e) (fun i => e v [:: nth 0%num i 0]).
Proof. by move=> hz i hi; rewrite den_spread_over // kept_first. Qed.

Lemma affine_eqt z scale shift (ps : seq (tensor R)) y y' : eqt z y y' ->
  eqt z (affine scale shift ps y) (affine scale shift ps y').
Proof.
by move=> h i hi; case: scale; case: shift; case: ps => [|w [|b [|? ?]]] /=; rewrite h.
Qed.

Lemma last_at n k (c : prog) : size c = n.+1 -> N.pred (next_id k c) = (k + N.of_nat n)%num.
Proof. by rewrite /next_id => ->; lia. Qed.

Lemma affine_start z scale shift ps k c c' e : Layer.then_affine scale shift z ps k c = Some c' ->
  computes e c' -> computes e c.
Proof.
by rewrite /Layer.then_affine; case: Layer.emit_affine => [a|] //= [<-] /computes_cat [].
Qed.

Lemma affine_sound z scale shift ps k c c' e y : (0 < size z)%nat -> (0 < size c)%nat ->
  Layer.then_affine scale shift z ps k c = Some c' -> computes e c' ->
  eqt z (e (N.pred (next_id k c))) y ->
  eqt z (e (N.pred (next_id k c'))) (affine scale shift [seq e p | p <- ps] y).
Proof.
move=> hz hc; rewrite /Layer.then_affine -/(next_id k c); set k' := next_id k c.
case E: Layer.emit_affine => [a|] //= [<-] /computes_cat [_ ha] hy.
have -> : next_id k (c ++ a) = next_id k' a by rewrite /k' /next_id size_cat Nnat.Nat2N.inj_add N.add_assoc.
move: E ha; case: scale; case: shift; case: ps => [|w [|b [|? ?]]] //= [<-].
- move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _] i hi.
  rewrite (last_at (n := 3)) //=.
  by rewrite h3 /= h1 /= h0 h2 !every_feature_sound // hy.
- move=> /computes_cons [h0] /computes_cons [h1 _] i hi.
  rewrite (last_at (n := 1)) //=.
  by rewrite h1 /= h0 every_feature_sound // hy.
- move=> /computes_cons [h0] /computes_cons [h1 _] i hi.
  rewrite (last_at (n := 1)) //=.
  by rewrite h1 /= h0 every_feature_sound // hy.
- by move=> _ i hi; rewrite /next_id /= N.add_0_r hy.
Qed.

Lemma standardize_last z n d mean variance x k :
  N.pred (next_id k (Layer.standardize z n d mean variance x k)) = (k + 6)%num.
Proof. by rewrite /next_id /=; lia. Qed.

Lemma standardize_sound z n d mean variance x k e : (0 < size z)%nat ->
  computes e (Layer.standardize z n d mean variance x k) ->
  eqt z (e (k + 6)%num) (standardize (rational R n d) (e mean) (e variance) (e x)).
Proof.
move=> hz /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5] /computes_cons [h6 _] i hi.
by rewrite h6 /= h1 /= h0 h5 !every_feature_sound // h4 /= h3 /= h2.
Qed.

Lemma batch_norm_eqt z eps running (x y : tensor R) : eqt z x y ->
  eqt z (batch_norm z eps running x) (batch_norm z eps running y).
Proof.
rewrite /batch_norm => h; case: running => [|a [|b [|? ?]]]; try exact: normalize_eqt.
by move=> i hi; rewrite /standardize h.
Qed.

Lemma int_real_pred n : int_real R (Z.of_N n - 1) = int_real R (Z.of_N n) - 1.
Proof.
case: n => [|p]; first by rewrite /= sub0r.
have -> : (Z.of_N (N.pos p) - 1)%Z = Z.of_N (N.pred (N.pos p)) by lia.
rewrite !int_real_nat Nnat.N2Nat.inj_pred -[in RHS](@prednK (N.to_nat (N.pos p))).
  by rewrite mulrSr addrK.
by apply/ssrnat.ltP; lia.
Qed.

Lemma new_stats_sound a b n d affine batch s mean' variance' x q u r e xm :
  Layer.new_stats (Layer.BatchNorm a b n d affine) batch s [:: mean'; variance'] x q = (u, r) ->
  computes e u -> eqt (batch :: s) (e x) xm ->
  List.Forall2 (fun y j => eqt [:: last 0%num s] (e j) y)
    (new_running (batch :: s) (rational R n d) [:: e mean'; e variance'] xm) r.
Proof.
case=> <- <- /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5] /computes_cons [h6] /computes_cons [h7].
move=> /computes_cons [h8] /computes_cons [h9] /computes_cons [h10] /computes_cons [h11].
move=> /computes_cons [h12] /computes_cons [h13] /computes_cons [h14] /computes_cons [h15].
move=> /computes_cons [h16] /computes_cons [h17] /computes_cons [h18 _] hx.
have in_c c : c \in idxs [:: last 0%num s] ->
    c \in idxs (pick (batch :: s) (kept (batch :: s) (first_dims (size s)))).
  by case: (s) => // k l; rewrite (pick_kept_front (z := [:: batch, k & l])).
have old c : c \in idxs [:: last 0%num s] -> e (q + 6)%num c = 1 - rational R n d.
  by move=> /in_c hc; rewrite h6 den_scalar_spread // h5 /= h3 h4 /= rational1.
have new c : c \in idxs [:: last 0%num s] -> e (q + 7)%num c = rational R n d.
  by move=> /in_c hc; rewrite h7 den_scalar_spread // h4.
constructor; [|constructor; last by constructor] => c hc.
  rewrite h10 /= h8 /= h9 /= old // new // h2 /= h0 h1 den_total_over den_mean_count /moved.
  by rewrite -(mean_eqt _ _ hx).
rewrite h18 /= h16 /= h17 /= old // new // h15 /= h13 /= h11 h12 h14 /= /rational !divr1 /moved.
by rewrite -(variance_eqt _ _ hx) int_real_pred.
Qed.

Lemma rms_norm_eqt z ds eps (x y : tensor R) : eqt z x y -> eqt z (rms_norm z ds eps x) (rms_norm z ds eps y).
Proof.
move=> h i hi; rewrite /rms_norm h //; congr (_ / Num.sqrt (_ + _)).
by apply: mean_eqt => j hj; rewrite h.
Qed.

Lemma rms_last z ds n d x k : N.pred (next_id k (Layer.rms z ds n d x k)) = (k + 8)%num.
Proof. by rewrite /next_id /=; lia. Qed.

Lemma rms_sound z ds n d x k e : computes e (Layer.rms z ds n d x k) ->
  eqt z (e (k + 8)%num) (rms_norm z ds (rational R n d) (e x)).
Proof.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5] /computes_cons [h6] /computes_cons [h7].
move=> /computes_cons [h8 _] i hi.
rewrite h8 [LHS]/= h7 den_spread_over // h6 /= h5 /= h4 /= h3 /= h2 den_mean_count h1 den_total_over.
rewrite /rms_norm /mean; congr (_ / Num.sqrt (_ / _ + _)).
by apply: eq_bigr => j _; rewrite h0.
Qed.

Lemma group_norm_last n h w c g a b x k :
  N.pred (next_id k (Layer.group_norm n h w c g a b x k)) = (k + 2)%num.
Proof. by rewrite /next_id /=; lia. Qed.

Section Groups.
Variables (n h w c g : N).
Hypothesis divided : Layer.divides g c.
Let per := N.div c g.
Let s : shape := [:: n; h; w; c].
Let t : shape := Layer.in_groups n h w c g.

Lemma groups_size : (g * per)%num = c.
Proof. by case/andP: divided => _ /N.eqb_eq. Qed.

Lemma split_in i0 i1 i2 f : [:: i0; i1; i2; f] \in idxs s ->
  [:: i0; i1; i2; N.div f per; N.modulo f per] \in idxs t
  /\ same_place t s [:: i0; i1; i2; f] = [:: i0; i1; i2; N.div f per; N.modulo f per].
Proof.
rewrite mem_idxs /= andbT => /and4P [h0 h1 h2 /N.ltb_lt hf].
have pos : (0 < per)%num by move: hf; rewrite -groups_size; case: per => //; rewrite N.mul_0_r; lia.
have hp : [:: i0; i1; i2] \in idxs [:: n; h; w] by rewrite mem_idxs /= h0 h1 h2.
have hg : (N.div f per < g)%num.
  by apply: N.div_lt_upper_bound; [lia|rewrite N.mul_comm groups_size].
have hm : (N.modulo f per < per)%num by apply: N.mod_upper_bound; lia.
split; first exact: (in_split hp hg hm).
have := reshape_merged hp hg hm; rewrite [(g * per)%num]groups_size.
by rewrite [(_ * per)%num]N.mul_comm -N.div_mod; last lia.
Qed.

Lemma join_in i0 i1 i2 a b : [:: i0; i1; i2; a; b] \in idxs t ->
  [:: i0; i1; i2; (a * per + b)%num] \in idxs s
  /\ same_place s t [:: i0; i1; i2; a; b] = [:: i0; i1; i2; (a * per + b)%num].
Proof.
rewrite mem_idxs /= andbT => /and5P [h0 h1 h2 /N.ltb_lt ha /N.ltb_lt hb].
have hp : [:: i0; i1; i2] \in idxs [:: n; h; w] by rewrite mem_idxs /= h0 h1 h2.
have := in_merged hp ha hb; have := reshape_split hp ha hb.
by rewrite [(g * per)%num]groups_size.
Qed.

Lemma group_norm_eqt eps (x y : tensor R) : eqt s x y ->
  eqt s (group_norm n h w c g eps x) (group_norm n h w c g eps y).
Proof.
move=> hxy i hi; have hsz := hi; rewrite mem_idxs in hsz; have {hsz} := inb_size hsz.
case: i hi => [|i0 [|i1 [|i2 [|f [|? ?]]]]] // hi _; rewrite /group_norm.
have [ht _] := split_in hi.
apply: (@normalize_eqt R t) ht => j hj; have hsz := hj; rewrite mem_idxs in hsz.
have {hsz} := inb_size hsz; case: j hj => [|j0 [|j1 [|j2 [|a [|b [|? ?]]]]]] // hj _.
by apply: hxy; have [] := join_in hj.
Qed.

Lemma group_norm_sound a b x k e : computes e (Layer.group_norm n h w c g a b x k) ->
  eqt s (e (k + 2)%num) (group_norm n h w c g (rational R a b) (e x)).
Proof.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
have hsz := hi; rewrite mem_idxs in hsz; have {hsz} := inb_size hsz.
case: i hi => [|i0 [|i1 [|i2 [|f [|? ?]]]]] // hi _; have [ht et] := split_in hi.
rewrite h2 /= et h1 /=; apply: (@normalize_eqt R t) ht => j hj; rewrite h0 /=.
have hsz := hj; rewrite mem_idxs in hsz; have {hsz} := inb_size hsz.
case: j hj => [|j0 [|j1 [|j2 [|p [|q [|? ?]]]]]] // hj _.
by have [_ ->] := join_in hj.
Qed.
End Groups.

Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma affine_smooth scale shift z ps k c c' E :
  Layer.then_affine scale shift z ps k c = Some c' ->
  smooth_in x0 E c -> smooth_in x0 E c'.
Proof.
rewrite /Layer.then_affine; case E': Layer.emit_affine => [a|] //= [<-] hc.
apply: smooth_in_cat hc _.
by move: E'; case: scale; case: shift; case: ps => [|w [|b [|? ?]]] //= [<-] d o /=;
   repeat case=> [[_ <-] //|].
Qed.

Lemma rms_smooth z ds n d x k E : averaged z ds -> Z.ltb 0 n ->
  (forall v, computes (E v) (Layer.rms z ds n d x k)) ->
  smooth_in x0 E (Layer.rms z ds n d x k).
Proof.
move=> ok pos /(_ x0).
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5] _ d' o /=.
case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|].
  by move=> i _ /=; rewrite h2 den_mean_count lt0r_neq0 // number_gt0.
case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|]; last first.
  by case=> [[_ <-] //|]; case=> [[_ <-] //|].
move=> i _ /=; rewrite h5 /= h4 /= h3 /= h2 den_mean_count h1 den_total_over.
apply: ltr_paddl.
  apply: divr_ge0; last exact/ltW/number_gt0.
  by apply: sumr_ge0 => j _; rewrite h0 /= -expr2 sqr_ge0.
apply: divr_gt0; last exact: pos_real_gt0.
by case: n pos {h4 h5} => //= p _; exact: pos_real_gt0.
Qed.

Lemma group_norm_smooth n h w c g a b x k E : smooth_in x0 E (Layer.group_norm n h w c g a b x k).
Proof. by move=> d o /=; repeat case=> [[_ <-] //|]. Qed.
End Smooth.
End Sound.
