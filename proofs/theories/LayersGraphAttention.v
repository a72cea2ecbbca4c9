(** * Backwards of attention and of dense layers on tokens

    Rules, in the sense of [LayersGraphRules.v], for the formulas of [Tokens.v] and
    [AttentionFormula.v]. A batch is examples × tokens × features, head [h] has the
    [h]-th run of [p] features. For each example and head, with [P] the weights,

      [dV = Pᵀ dO],  [dP = dO Vᵀ],  [dS = P ∘ (dP - rowsum (dP ∘ P))],
      [dQ = dS K / sqrt p],  [dK = dSᵀ Q / sqrt p].

    Glossary
      - [features_of F]    the tensor that has [F b h i f] at feature [f] of token
                           [i] in head [h] of example [b]
      - [d_values], [d_weight], [d_score], [d_queries], [d_keys]  as above, where
                           [dO] is [dy]
      - [input_gradient], [weight_gradient], [bias_gradient]  [dy wᵀ], [xᵀ dy] and
                           the sum of [dy], over the tokens of a batch
      - [three_parts]      the features of three tensors, one after the other
      - [mixed_pulls], [dense_pulls]  the rules *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Transpose Scalar Differential Computes ImagesSound NormsSound TokensSound.
From Cotangent Require Import SpecToken SpecAttention Tokens AttentionFormula AttentionSound LayersGraphRules.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Formulas.
Variable R : realType.
Implicit Types (q k v x w dy : tensor R) (b h i j f : N).

Definition features_of (p : N) (F : N -> N -> N -> N -> R) : tensor R := fun index =>
  let c := nth 0%num index 2 in
  F (nth 0%num index 0) (N.div c p) (nth 0%num index 1) (N.modulo c p).

(** [t] queries of [u] keys. *)
Section Heads.
Variables (t u p : N) (causal : bool).
Let root : R := Num.sqrt (int_real R (Z.of_N p)).

Definition d_values q k dy : tensor R := features_of p (fun b h j f =>
  \sum_(i <- Nrange t) weight u p causal q k b h i j * of_head p dy b h i f).
Definition d_weight v dy b h i j : R := \sum_(f <- Nrange p) of_head p dy b h i f * of_head p v b h j f.
Definition d_score q k v dy b h i j : R :=
  weight u p causal q k b h i j
  * (d_weight v dy b h i j - \sum_(l <- Nrange u) d_weight v dy b h i l * weight u p causal q k b h i l).
Definition d_queries q k v dy : tensor R := features_of p (fun b h i f =>
  (\sum_(j <- Nrange u) d_score q k v dy b h i j * of_head p k b h j f) / root).
Definition d_keys q k v dy : tensor R := features_of p (fun b h j f =>
  (\sum_(i <- Nrange t) d_score q k v dy b h i j * of_head p q b h i f) / root).
End Heads.

(** Of [n] examples of [t] tokens; [m] features go out. *)
Definition input_gradient (m : N) w dy : tensor R := fun index =>
  \sum_(o <- Nrange m) dy [:: nth 0%num index 0; nth 0%num index 1; o] * w [:: nth 0%num index 2; o].
Definition weight_gradient (n t : N) x dy : tensor R := fun index =>
  \sum_(b <- Nrange n) \sum_(i <- Nrange t) x [:: b; i; nth 0%num index 0] * dy [:: b; i; nth 0%num index 1].
Definition bias_gradient (n t : N) dy : tensor R := fun index =>
  \sum_(b <- Nrange n) \sum_(i <- Nrange t) dy [:: b; i; nth 0%num index 0].

Definition three_parts (m : N) (dq dk dv : tensor R) : tensor R := fun index =>
  let b := nth 0%num index 0 in let i := nth 0%num index 1 in let c := nth 0%num index 2 in
  if N.ltb c m then dq [:: b; i; c]
  else if N.ltb c (2 * m) then dk [:: b; i; (c - m)%num] else dv [:: b; i; (c - 2 * m)%num].
End Formulas.

(** ** Sums *)
Section Sums.
Variable R : realType.

Lemma sum_three a b c (F : idx -> R) : \sum_(r <- idxs [:: a; b; c]) F r
  = \sum_(i <- Nrange a) \sum_(j <- Nrange b) \sum_(k <- Nrange c) F [:: i; j; k].
Proof.
rewrite sum_cons; apply: eq_bigr => i _; rewrite sum_cons; apply: eq_bigr => j _.
exact: (sum_idxs1 c (fun r => F [:: i, j & r])).
Qed.

Lemma sum_two a b (F : idx -> R) : \sum_(r <- idxs [:: a; b]) F r
  = \sum_(i <- Nrange a) \sum_(j <- Nrange b) F [:: i; j].
Proof. by rewrite sum_cons; apply: eq_bigr => i _; exact: (sum_idxs1 b (fun r => F (i :: r))). Qed.

(** A number below [h · p] is a head and a feature of it. *)
Lemma sum_heads h p (F : N -> R) :
  \sum_(c <- Nrange (h * p)) F c = \sum_(a <- Nrange h) \sum_(f <- Nrange p) F (a * p + f)%num.
Proof.
transitivity (\sum_(c <- [seq (a * p + f)%num | a <- Nrange h, f <- Nrange p]) F c); last exact: big_allpairs_dep.
apply: perm_big; apply: uniq_perm; first exact: Nrange_uniq.
  apply: allpairs_uniq; rewrite ?Nrange_uniq // => -[a f] [a' f'] /allpairsP [[b g] /= [_ hf [-> ->]]].
  move=> /allpairsP [[b' g'] /= [_ hf' [-> ->]]]; move: hf hf'; rewrite !mem_Nrange => /N.ltb_lt hf /N.ltb_lt hf' e.
  have {}e : (p * b + g = p * b' + g')%num by rewrite ![(p * _)%num]N.mul_comm.
  by have [-> ->] := N.div_mod_unique _ _ _ _ _ hf hf' e.
move=> c; rewrite mem_Nrange; apply/idP/allpairsP => [/N.ltb_lt /split_below [ha hf e]|[[a f] /= [ha hf ->]]].
  by exists (N.div c p, N.modulo c p); rewrite !mem_Nrange; split=> //; apply/N.ltb_lt.
move: ha hf; rewrite !mem_Nrange => /N.ltb_lt ha /N.ltb_lt hf; apply/N.ltb_lt; exact: join_below.
Qed.

Lemma of_features p (F : N -> N -> N -> N -> R) b h i f : (f < p)%num ->
  of_head p (features_of p F) b h i f = F b h i f.
Proof.
move=> hf; rewrite /of_head /features_of /=.
by rewrite N.div_add_l ?N.div_small ?N.add_0_r ?[(h * p + f)%num]N.add_comm ?N.mod_add ?N.mod_small //; lia.
Qed.

Lemma tdot_heads n t h p (x y : tensor R) : tdot [:: n; t; h * p]%num x y
  = \sum_(b <- Nrange n) \sum_(a <- Nrange h) \sum_(i <- Nrange t) \sum_(f <- Nrange p) of_head p x b a i f * of_head p y b a i f.
Proof.
rewrite /tdot sum_three; apply: eq_bigr => b _; rewrite [RHS]exchange_big; apply: eq_bigr => i _.
by rewrite (sum_heads h p (fun c => x [:: b; i; c] * y [:: b; i; c])).
Qed.

(** What the rules come to, in one head. *)
Variables T U F : seq N.

Lemma mix_transpose (dy P : N -> N -> R) (V dV dP : N -> N -> R) :
  \sum_(i <- T) \sum_(f <- F) dy i f * (\sum_(j <- U) (P i j * dV j f + V j f * dP i j))
  = \sum_(j <- U) \sum_(f <- F) (\sum_(i <- T) P i j * dy i f) * dV j f
    + \sum_(i <- T) \sum_(j <- U) (\sum_(f <- F) dy i f * V j f) * dP i j.
Proof.
transitivity (\sum_(i <- T) \sum_(f <- F) \sum_(j <- U) (P i j * dy i f) * dV j f
    + \sum_(i <- T) \sum_(f <- F) \sum_(j <- U) (dy i f * V j f) * dP i j).
  rewrite -big_split; apply: eq_bigr => i _; rewrite -big_split; apply: eq_bigr => f _.
  rewrite -big_split big_distrr; apply: eq_bigr => j _ /=.
  by rewrite mulrDr !mulrA [dy i f * P i j]mulrC.
congr (_ + _).
  rewrite (eq_bigr (fun i => \sum_(j <- U) \sum_(f <- F) P i j * dy i f * dV j f)); last by move=> i _; exact: exchange_big.
  rewrite exchange_big; apply: eq_bigr => j _; rewrite exchange_big; apply: eq_bigr => f _.
  by rewrite big_distrl.
apply: eq_bigr => i _; rewrite exchange_big; apply: eq_bigr => j _.
by rewrite big_distrl.
Qed.

Lemma weight_transpose (G P dS : N -> R) :
  \sum_(j <- U) G j * (P j * (dS j - \sum_(l <- U) P l * dS l))
  = \sum_(j <- U) P j * (G j - \sum_(l <- U) G l * P l) * dS j.
Proof.
transitivity (\sum_(j <- U) G j * P j * dS j - (\sum_(l <- U) G l * P l) * (\sum_(l <- U) P l * dS l)).
  rewrite big_distrl -sumrB; apply: eq_bigr => j _ /=.
  by rewrite !mulrBr !mulrA.
rewrite big_distrr -sumrB; apply: eq_bigr => j _ /=.
by rewrite mulrBr mulrBl [P j * G j]mulrC mulrA [P j * _]mulrC.
Qed.

Lemma score_transpose c (S q k dq dk : N -> N -> R) :
  \sum_(i <- T) \sum_(j <- U) S i j * ((\sum_(f <- F) (q i f * dk j f + k j f * dq i f)) / c)
  = \sum_(i <- T) \sum_(f <- F) ((\sum_(j <- U) S i j * k j f) / c) * dq i f
    + \sum_(j <- U) \sum_(f <- F) ((\sum_(i <- T) S i j * q i f) / c) * dk j f.
Proof.
transitivity (\sum_(i <- T) \sum_(j <- U) \sum_(f <- F) S i j * k j f / c * dq i f
    + \sum_(i <- T) \sum_(j <- U) \sum_(f <- F) S i j * q i f / c * dk j f).
  rewrite -big_split; apply: eq_bigr => i _; rewrite -big_split; apply: eq_bigr => j _.
  rewrite -big_split big_distrl big_distrr; apply: eq_bigr => f _ /=.
  rewrite mulrDl mulrDr addrC; congr (_ + _).
    by rewrite -!mulrA [c^-1 * _]mulrC.
  by rewrite -!mulrA [c^-1 * _]mulrC.
congr (_ + _).
  apply: eq_bigr => i _; rewrite exchange_big; apply: eq_bigr => f _.
  by rewrite !big_distrl.
rewrite exchange_big; apply: eq_bigr => j _; rewrite exchange_big; apply: eq_bigr => f _.
by rewrite !big_distrl.
Qed.
End Sums.

Section Rules.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types (c : V -> tensor R) (L : tensor R -> V -> R).

(** ** Attention *)
Section Mixed.
Variables (n t u h p : N) (causal : bool).
Let m : N := (h * p)%num.
Variables (Q K W : V -> tensor R) (LQ LK LW : tensor R -> V -> R).
Hypotheses (hQ : pulls x0 [:: n; t; m] Q LQ) (hK : pulls x0 [:: n; u; m] K LK) (hW : pulls x0 [:: n; u; m] W LW).

Lemma head_moves count c dc b a i f : moves x0 [:: n; count; m] c dc ->
  b \in Nrange n -> a \in Nrange h -> i \in Nrange count -> f \in Nrange p ->
  is_diff x0 (fun x => of_head p (c x) b a i f : R^o) (fun v => of_head p (dc v) b a i f : R^o).
Proof.
rewrite !mem_Nrange => mc hb /N.ltb_lt ha hi /N.ltb_lt hf; apply: mc.
by rewrite mem_idxs /= hb hi /= andbT; apply/N.ltb_lt; exact: join_below.
Qed.

Theorem mixed_pulls : pulls x0 [:: n; t; m] (fun x => mixed u p causal (Q x) (K x) (W x))
  (fun dy v => LQ (d_queries u p causal (Q x0) (K x0) (W x0) dy) v
             + LK (d_keys t u p causal (Q x0) (K x0) (W x0) dy) v
             + LW (d_values t u p causal (Q x0) (K x0) dy) v).
Proof.
have [dQ mQ eQ] := pullsE hQ; have [dK mK eK] := pullsE hK; have [dW mW eW] := pullsE hW.
pose root : R := Num.sqrt (int_real R (Z.of_N p)).
pose dS b a i j v : R := (\sum_(f <- Nrange p) (of_head p (Q x0) b a i f * of_head p (dK v) b a j f
  + of_head p (K x0) b a j f * of_head p (dQ v) b a i f)) / root.
pose P b a i j : R := weight u p causal (Q x0) (K x0) b a i j.
pose dP b a i j v : R := P b a i j * (dS b a i j v - \sum_(l <- Nrange u) P b a i l * dS b a i l v).
have hS b a i j : b \in Nrange n -> a \in Nrange h -> i \in Nrange t -> j \in Nrange u ->
    is_diff x0 (fun x => score p causal (Q x) (K x) b a i j : R^o) (fun v => dS b a i j v : R^o).
  move=> hb ha hi hj.
  have d1 : is_diff x0 (fun x => \sum_(f <- Nrange p) of_head p (Q x) b a i f * of_head p (K x) b a j f : R^o)
      (fun v => \sum_(f <- Nrange p) (of_head p (Q x0) b a i f * of_head p (dK v) b a j f
        + of_head p (K x0) b a j f * of_head p (dQ v) b a i f) : R^o).
    by apply: is_diff_sum => f hf; apply: is_diff_mul; [exact: head_moves mQ _ _ _ _ | exact: head_moves mK _ _ _ _].
  have d2 := is_diff_mul d1 (is_diff_const x0 (root^-1)).
  apply: (is_diff_eq (is_diff_sub d2 (is_diff_const x0 _))); apply/funext => v.
  by rewrite subr0 mulr0 add0r mulrC.
have hP b a i j : b \in Nrange n -> a \in Nrange h -> i \in Nrange t -> j \in Nrange u ->
    is_diff x0 (fun x => weight u p causal (Q x) (K x) b a i j : R^o) (fun v => dP b a i j v : R^o).
  move=> hb ha hi hj.
  have de l : l \in Nrange u -> is_diff x0 (fun x => expR (score p causal (Q x) (K x) b a i l) : R^o)
      (fun v => expR (score p causal (Q x0) (K x0) b a i l) * dS b a i l v : R^o).
    by move=> hl; exact: is_diff_una (hS b a i l hb ha hi hl) (is_derive_expR _).
  have pos : 0 < \sum_(l <- Nrange u) expR (score p causal (Q x0) (K x0) b a i l).
    rewrite (bigD1_seq j) ?Nrange_uniq //= ltr_spaddl ?expR_gt0 //.
    by apply: sumr_ge0 => l _; exact/ltW/expR_gt0.
  have ds : is_diff x0 (fun x => \sum_(l <- Nrange u) expR (score p causal (Q x) (K x) b a i l) : R^o)
      (fun v => \sum_(l <- Nrange u) expR (score p causal (Q x0) (K x0) b a i l) * dS b a i l v : R^o).
    exact: is_diff_sum de.
  apply: (is_diff_eq (is_diff_div (lt0r_neq0 pos) (de j hj) ds)).
  apply/funext => v; rewrite /dP /P /weight mulrBr; congr (_ - _); first by rewrite mulrAC.
  rewrite -mulrA; congr (_ * _); rewrite big_distrl; apply: eq_bigr => l _ /=.
  by rewrite mulrAC.
apply: (@pulls_moves _ _ _ _ _ (fun v => features_of p (fun b a i f => \sum_(j <- Nrange u)
    (P b a i j * of_head p (dW v) b a j f + of_head p (W x0) b a j f * dP b a i j v)))).
  move=> i0 /idxs3 [b [i [c [-> hb hi /N.ltb_lt /split_below [/N.ltb_lt ha /N.ltb_lt hf _]]]]].
  rewrite /features_of /mixed /=; apply: is_diff_sum => j hj.
  rewrite -!mem_Nrange in hb hi ha hf.
  by apply: is_diff_mul; [exact: hP | exact: head_moves mW _ _ _ _].
move=> dy v; rewrite eQ eK eW !tdot_heads -!big_split !big_seq; apply: eq_bigr => b hb /=.
rewrite -!big_split !big_seq; apply: eq_bigr => a ha /=.
set O := fun i f => of_head p dy b a i f.
transitivity (\sum_(i <- Nrange t) \sum_(f <- Nrange p) O i f * \sum_(j <- Nrange u)
    (P b a i j * of_head p (dW v) b a j f + of_head p (W x0) b a j f * dP b a i j v)); last first.
  apply: eq_bigr => i _; rewrite !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => /N.ltb_lt hf.
  by rewrite of_features.
rewrite (mix_transpose (Nrange t) (Nrange u) (Nrange p) O (P b a) (of_head p (W x0) b a)
  (of_head p (dW v) b a) (fun i j => dP b a i j v)) addrC; congr (_ + _).
  apply: eq_bigr => j _; rewrite !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => /N.ltb_lt hf.
  by rewrite of_features.
pose G i j : R := d_weight p (W x0) dy b a i j.
have -> : \sum_(i <- Nrange t) \sum_(j <- Nrange u) (\sum_(f <- Nrange p) O i f * of_head p (W x0) b a j f) * dP b a i j v
    = \sum_(i <- Nrange t) \sum_(j <- Nrange u) d_score u p causal (Q x0) (K x0) (W x0) dy b a i j * dS b a i j v.
  apply: eq_bigr => i _.
  exact: (weight_transpose (Nrange u) (G i) (P b a i) (fun j => dS b a i j v)).
rewrite (score_transpose (Nrange t) (Nrange u) (Nrange p) root (d_score u p causal (Q x0) (K x0) (W x0) dy b a)
  (of_head p (Q x0) b a) (of_head p (K x0) b a) (of_head p (dQ v) b a) (of_head p (dK v) b a)); congr (_ + _).
  apply: eq_bigr => i _; rewrite !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => /N.ltb_lt hf.
  by rewrite of_features.
apply: eq_bigr => j _; rewrite !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => /N.ltb_lt hf.
by rewrite of_features.
Qed.
End Mixed.

(** ** Queries, keys and values side by side *)
Lemma from_feature_pulls n t d m k c L : (k + m <= d)%num -> pulls x0 [:: n; t; d] c L ->
  pulls x0 [:: n; t; m] (fun x => from_feature k (c x)) (fun dy => L (fun i =>
    let f := nth 0%num i 2 in
    if N.leb k f && N.ltb (f - k) m then dy [:: nth 0%num i 0; nth 0%num i 1; (f - k)%num] else 0)).
Proof.
move=> le /pullsE [dc mc e]; apply: (@pulls_moves _ _ _ _ _ (fun v => from_feature k (dc v))).
  move=> i /idxs3 [b [i' [f [-> hb hi /N.ltb_lt hf]]]]; apply: mc.
  by rewrite mem_idxs /= hb hi /= andbT; apply/N.ltb_lt; lia.
move=> dy v; rewrite e /tdot !sum_three; apply: eq_bigr => b _; apply: eq_bigr => i _ /=.
pose G f : R := if N.leb k f && N.ltb (f - k) m then dy [:: b; i; (f - k)%num] * dc v [:: b; i; f] else 0.
transitivity (\sum_(f <- Nrange d) G f); first by apply: eq_bigr => f _; rewrite /G; case: ifP => _; rewrite ?mul0r.
rewrite (bigID (fun f => N.leb k f && N.ltb (f - k) m)) /= [X in _ + X]big1 ?addr0 => [|f /negPf hf]; last by rewrite /G hf.
transitivity (\sum_(f <- [seq (k + g)%num | g <- Nrange m]) G f).
  rewrite -big_filter; apply: perm_big; apply: uniq_perm; first by rewrite filter_uniq ?Nrange_uniq.
    by rewrite map_inj_uniq ?Nrange_uniq // => a b' /N.add_cancel_l.
  move=> f; rewrite mem_filter mem_Nrange; apply/idP/mapP => [/andP [/andP [/N.leb_le h1 h2] _]|[g]].
    by exists (f - k)%num; [rewrite mem_Nrange | lia].
  rewrite mem_Nrange => /N.ltb_lt hg ->; rewrite (_ : (k + g - k = g)%num); last by lia.
  by rewrite !(proj2 (N.ltb_lt _ _)) ?(proj2 (N.leb_le _ _)) //; lia.
rewrite big_map !big_seq; apply: eq_bigr => g; rewrite mem_Nrange => /N.ltb_lt hg.
rewrite /G (_ : (k + g - k = g)%num); last by lia.
by rewrite (proj2 (N.ltb_lt _ _)) ?(proj2 (N.leb_le _ _)) //; lia.
Qed.

Lemma three_parts_pulls n t h p causal c L (m := (h * p)%num) : pulls x0 [:: n; t; 3 * m]%num c L ->
  let q := c x0 in let k := from_feature m (c x0) in let w := from_feature (2 * m) (c x0) in
  pulls x0 [:: n; t; m] (fun x => mixed t p causal (c x) (from_feature m (c x)) (from_feature (2 * m) (c x)))
    (fun dy => L (three_parts m (d_queries t p causal q k w dy) (d_keys t t p causal q k w dy) (d_values t t p causal q k dy))).
Proof.
move=> h3 q k w.
have [h0 h1 h2] : [/\ 0 + m <= 3 * m, m + m <= 3 * m & 2 * m + m <= 3 * m]%num.
  by clear -m; move: (m) => d; split; lia.
have hk := from_feature_pulls h1 h3; have hw := from_feature_pulls h2 h3.
have hq : pulls x0 [:: n; t; m] c (fun dy => L (fun i => let f := nth 0%num i 2 in
    if N.ltb f m then dy [:: nth 0%num i 0; nth 0%num i 1; f] else 0)).
  apply: pulls_eq (from_feature_pulls h0 h3) => [x i /idxs3 [b [i' [f [-> _ _ _]]]]|dy v]; first by [].
  apply: (pulls_eqt v h3) => i /idxs3 [b [i' [f [-> _ _ _]]]] /=; rewrite N.sub_0_r.
  by case: f.
apply: pulls_eq (mixed_pulls causal hq hk hw) => [x|dy v]; first by [].
rewrite -!(pullsD _ _ _ h3); apply: (pulls_eqt v h3) => i /idxs3 [b [i' [f [-> _ _ /N.ltb_lt hf]]]].
rewrite /tplus /three_parts; cbn [nth]; rewrite -/q -/k -/w.
have [m2 e2] : exists m2, m2 = (2 * m)%num by exists (2 * m)%num.
have {}hf : (f < m2 + m)%num by lia.
rewrite -e2; case: (N.ltb_spec f m) => h4.
  by rewrite (proj2 (N.leb_gt m f)) // (proj2 (N.leb_gt m2 f)) ?addr0 ?addr0 //; lia.
case: (N.ltb_spec f m2) => h5.
  rewrite (proj2 (N.leb_le m f)) // (proj2 (N.ltb_lt (f - m) m)); last by lia.
  by rewrite (proj2 (N.leb_gt m2 f)) // addr0 add0r.
rewrite (proj2 (N.ltb_ge (f - m) m)) ?andbF; last by lia.
by rewrite (proj2 (N.leb_le m2 f)) ?(proj2 (N.ltb_lt (f - m2) m)) ?addr0 ?add0r //; lia.
Qed.

(** ** Dense layers *)
Section Dense.
Variables (n t k m : N) (X W : V -> tensor R) (LX LW : tensor R -> V -> R).
Hypotheses (hX : pulls x0 [:: n; t; k] X LX) (hW : pulls x0 [:: k; m] W LW).

Lemma linear_pulls : pulls x0 [:: n; t; m] (fun x => linear k (W x) (X x))
  (fun dy v => LX (input_gradient m (W x0) dy) v + LW (weight_gradient n t (X x0) dy) v).
Proof.
have [dX mX eX] := pullsE hX; have [dW mW eW] := pullsE hW.
apply: (@pulls_moves _ _ _ _ _ (fun v i => \sum_(c <- Nrange k)
    (X x0 [:: nth 0%num i 0; nth 0%num i 1; c] * dW v [:: c; nth 0%num i 2]
     + W x0 [:: c; nth 0%num i 2] * dX v [:: nth 0%num i 0; nth 0%num i 1; c]))).
  move=> i0 /idxs3 [b [i [o [-> hb hi ho]]]]; apply: is_diff_sum => c; rewrite mem_Nrange => hc.
  by apply: is_diff_mul; [apply: mX; rewrite mem_idxs /= hb hi hc | apply: mW; rewrite mem_idxs /= hc ho].
move=> dy v; rewrite eX eW /tdot !sum_three sum_two /input_gradient /weight_gradient /=.
transitivity (\sum_(b <- Nrange n) \sum_(i <- Nrange t) \sum_(o <- Nrange m) \sum_(c <- Nrange k)
    dy [:: b; i; o] * W x0 [:: c; o] * dX v [:: b; i; c]
  + \sum_(b <- Nrange n) \sum_(i <- Nrange t) \sum_(o <- Nrange m) \sum_(c <- Nrange k)
    X x0 [:: b; i; c] * dy [:: b; i; o] * dW v [:: c; o]); last first.
  rewrite -big_split; apply: eq_bigr => b _; rewrite -big_split; apply: eq_bigr => i _.
  rewrite -big_split; apply: eq_bigr => o _; rewrite -big_split big_distrr; apply: eq_bigr => c _ /=.
  by rewrite mulrDr addrC !mulrA [dy _ * X _ _]mulrC.
congr (_ + _).
  apply: eq_bigr => b _; apply: eq_bigr => i _; rewrite exchange_big; apply: eq_bigr => c _.
  by rewrite big_distrl.
transitivity (\sum_(b <- Nrange n) \sum_(i <- Nrange t) \sum_(c <- Nrange k) \sum_(o <- Nrange m)
    X x0 [:: b; i; c] * dy [:: b; i; o] * dW v [:: c; o]); last first.
  by apply: eq_bigr => b _; apply: eq_bigr => i _; exact: exchange_big.
transitivity (\sum_(b <- Nrange n) \sum_(c <- Nrange k) \sum_(i <- Nrange t) \sum_(o <- Nrange m)
    X x0 [:: b; i; c] * dy [:: b; i; o] * dW v [:: c; o]); last first.
  by apply: eq_bigr => b _; exact: exchange_big.
rewrite [RHS]exchange_big; apply: eq_bigr => c _.
rewrite (eq_bigr (fun b => \sum_(o <- Nrange m) \sum_(i <- Nrange t) X x0 [:: b; i; c] * dy [:: b; i; o] * dW v [:: c; o])).
  rewrite exchange_big; apply: eq_bigr => o _; rewrite big_distrl; apply: eq_bigr => b _ /=.
  by rewrite big_distrl.
by move=> b _; exact: exchange_big.
Qed.

Lemma bias_pulls (B : V -> tensor R) LB : pulls x0 [:: m] B LB ->
  pulls x0 [:: n; t; m] (fun x i => B x [:: nth 0%num i 2]) (fun dy => LB (bias_gradient n t dy)).
Proof.
move=> /pullsE [dB mB eB]; apply: (@pulls_moves _ _ _ _ _ (fun v i => dB v [:: nth 0%num i 2])).
  by move=> i0 /idxs3 [b [i [o [-> hb hi ho]]]]; apply: mB; rewrite mem_idxs /= ho.
move=> dy v; rewrite eB /tdot sum_three sum_idxs1 /bias_gradient /=.
transitivity (\sum_(b <- Nrange n) \sum_(o <- Nrange m) \sum_(i <- Nrange t) dy [:: b; i; o] * dB v [:: o]); last first.
  by apply: eq_bigr => b _; exact: exchange_big.
rewrite [RHS]exchange_big; apply: eq_bigr => o _; rewrite big_distrl; apply: eq_bigr => b _ /=.
by rewrite big_distrl.
Qed.

Theorem dense_pulls (B : V -> tensor R) LB : pulls x0 [:: m] B LB ->
  pulls x0 [:: n; t; m] (fun x => dense k [:: W x; B x] (X x))
    (fun dy v => LX (input_gradient m (W x0) dy) v + LW (weight_gradient n t (X x0) dy) v
               + LB (bias_gradient n t dy) v).
Proof. by move=> hB; exact: pulls_add linear_pulls (bias_pulls hB). Qed.
End Dense.
End Rules.
