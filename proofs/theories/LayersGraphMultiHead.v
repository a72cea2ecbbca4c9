(** * Attention as its layer emits it, and its gradients

    What reverse mode emits for the instructions of [SpecAttention.v], at all
    sizes: for attention from queries, keys and values in heads, scaled by the
    root of [p] that the program takes, and for the layer of self-attention with
    its two dense layers, causal or not. The gradients are those of
    [LayersGraphAttention.v], written out.

    Glossary
      - [agree_on params gs hs]  of each of [params] the tensors in [gs] and [hs]
                           have the same cells
      - [gives code k sh out s]  [code] is well-formed from value [k] on, and its
                           value [out] has shape [s]
      - [formula_gradients]  instructions without kinks that compute a formula
                           have the gradients of the formula
      - [in_heads p y], [of_heads p x]  features in heads of [p]; one after the other
      - [d_heads]          the cotangent of queries, keys and values side by side
      - [self_attention_back]  the gradients of the input, of weights and biases
                           of the first dense layer, and of the second
      - [attend_gradients], [self_attention_gradients]  the theorems *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint SmoothFacts GradCorrect Computes Transpose ImagesSound.
From Cotangent Require Import NormsSound TokensSound SpecLayer Tokens AttentionFormula AttentionSound.
From Cotangent Require Import Families FamiliesLayers LayersGraphCells LayersGraphRules LayersGraphAttention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Formulas.
Variable R : realType.
Implicit Types (x y w b dy : tensor R).

Definition agree_on (params : seq (N * shape)) (gs hs : seq (tensor R)) : Prop :=
  [/\ size gs = size params, size hs = size params &
      forall n, (n < size params)%nat -> eqt (nth (0%num, [::]) params n).2 (nth (fun=> 0) gs n) (nth (fun=> 0) hs n)].

Definition in_heads (p : N) y : tensor R := fun i =>
  y [:: nth 0%num i 0; nth 0%num i 1; (nth 0%num i 2 * p + nth 0%num i 3)%num].
Definition of_heads (p : N) x : tensor R := features_of p (fun b h i f : N => x [:: b; i; h; f]).

(** [n] examples of [t] tokens, [h] heads of [p] features. *)
Section Self.
Variables (n t h p : N) (causal : bool).
Let m : N := (h * p)%num.

Definition heads_mixed (qkv : tensor R) : tensor R :=
  mixed t p causal qkv (from_feature m qkv) (from_feature (2 * m) qkv).
Definition d_heads (qkv dmix : tensor R) : tensor R :=
  let q := qkv in let k := from_feature m qkv in let v := from_feature (2 * m) qkv in
  three_parts m (d_queries t p causal q k v dmix) (d_keys t t p causal q k v dmix) (d_values t t p causal q k dmix).

Definition self_attention_back x w b w' dy : seq (tensor R) :=
  let qkv := dense m [:: w; b] x in
  let dqkv := d_heads qkv (input_gradient m w' dy) in
  [:: input_gradient (3 * m) w dqkv; weight_gradient n t x dqkv; bias_gradient n t dqkv;
      weight_gradient n t (heads_mixed qkv) dy; bias_gradient n t dy].

(** Without biases. *)
Definition self_attention_back0 x w w' dy : seq (tensor R) :=
  let qkv := dense m [:: w] x in
  let dqkv := d_heads qkv (input_gradient m w' dy) in
  [:: input_gradient (3 * m) w dqkv; weight_gradient n t x dqkv; weight_gradient n t (heads_mixed qkv) dy].
End Self.
End Formulas.

(** ** Instructions without kinks that compute a formula *)
Lemma no_targets_fixed p m : no_targets p -> targets_fixed_from p m.
Proof.
by elim: p m => [|[d o] p ih] m //= /andP [hd hp]; case: (held o) hd => //= _; exact: ih.
Qed.

Definition gives (code : prog) (nin : N) (sh : N -> shape) (out : N) (s : shape) : Prop :=
  [/\ wf code nin sh, (out < next_id nin code)%num, shrun code sh out = s & no_targets code].

Lemma adds_gives code nin sh s : adds code nin sh s -> gives code nin sh (N.pred (next_id nin code)) s.
Proof.
move=> [w ne es nt]; split=> //; rewrite /next_id; case: code ne {w es nt} => // i c _.
by rewrite [size _]/=; lia.
Qed.

Section Emitted.
Variable R : realType.

(** At a point that is off the instructions' kinks. *)
Theorem formula_gradients_off code nin sh out s params (base := next_id nin code)
    (f : env R -> tensor R) (e : env R) (G : tensor R -> seq (tensor R)) dy :
  gives code nin sh out s -> params_ok sh nin params ->
  (forall e', (forall j, (j < nin)%num -> run code e' j = e' j) -> computes (run code e') code ->
     eqt s (run code e' out) (f e')) ->
  (forall (V : normedModType R) (x0 : V) (E : V -> env R), (forall j, (j < nin)%num -> E x0 j = e j) ->
     (forall v, computes (E v) code) -> smooth_in x0 E code) ->
  is_backward params s f e G -> size (G dy) = size params ->
  agree_on params (gradients code base out params e dy) (G dy).
Proof.
move=> [w /N.ltb_lt lt es nt] ok hf sm back sz.
have ck : checks code nin sh params base out = true.
  by rewrite /checks w ok lt N.eqb_refl; exact: no_targets_fixed.
have b : is_backward params (shrun code sh out) (fun e => run code e out) e G.
  move=> V x0 E L e0 fix_ hL; rewrite es.
  apply: pulls_eq (back V x0 E L e0 fix_ hL) => // x; apply: eqt_sym; apply: hf; last exact: wf_computes w.
  by move=> j; exact: run_stable w.
split=> //; first by rewrite !size_map.
apply: (gradients_backward ck dy b) => q i _ _; apply: (wf_smooth w); apply: sm => [j hj|v]; last exact: wf_computes w.
by rewrite (run_stable _ w) // vary_same.
Qed.

Theorem formula_gradients code nin sh out s params (base := next_id nin code) (f : env R -> tensor R) (e : env R)
    (G : tensor R -> seq (tensor R)) dy :
  gives code nin sh out s -> params_ok sh nin params ->
  (forall e', (forall j, (j < nin)%num -> run code e' j = e' j) -> computes (run code e') code ->
     eqt s (run code e' out) (f e')) ->
  (forall (V : normedModType R) (x0 : V) (E : V -> env R), (forall v, computes (E v) code) -> smooth_in x0 E code) ->
  is_backward params s f e G -> size (G dy) = size params ->
  agree_on params (gradients code base out params e dy) (G dy).
Proof.
move=> gv ok hf sm back sz; apply: (@formula_gradients_off code nin sh out s params f e G dy gv ok hf) => // V x0 E _.
exact: sm.
Qed.
End Emitted.

(** ** Rules *)
Section Rules.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types (c : V -> tensor R) (L : tensor R -> V -> R).

Lemma of_heads_pulls n t h p c L : pulls x0 [:: n; t; h; p] c L ->
  pulls x0 [:: n; t; h * p]%num (fun x => of_heads p (c x)) (fun dy => L (in_heads p dy)).
Proof.
move=> /pullsE [dc mc e]; apply: (@pulls_moves _ _ _ _ _ (fun v => of_heads p (dc v))).
  move=> i0 /idxs3 [b [i [f [-> hb hi /N.ltb_lt /split_below [/N.ltb_lt ha /N.ltb_lt hf _]]]]].
  by apply: mc; rewrite mem_idxs /= hb hi ha hf.
move=> dy v; rewrite e tdot_heads /tdot sum_cons; apply: eq_bigr => b _.
rewrite sum_cons [RHS]exchange_big; apply: eq_bigr => i _; rewrite (sum_two h p); apply: eq_bigr => a _.
rewrite !big_seq; apply: eq_bigr => f; rewrite mem_Nrange => /N.ltb_lt hf.
by rewrite of_features.
Qed.

Section Self.
Variables (n t h p : N) (causal : bool) (X W B W' B' : V -> tensor R) (LX LW LB LW' LB' : tensor R -> V -> R).
Let m : N := (h * p)%num.
Hypotheses (hX : pulls x0 [:: n; t; m] X LX) (hW : pulls x0 [:: m; 3 * m]%num W LW) (hB : pulls x0 [:: 3 * m]%num B LB).
Hypotheses (hW' : pulls x0 [:: m; m] W' LW') (hB' : pulls x0 [:: m] B' LB').

Theorem self_attention_pulls : pulls x0 [:: n; t; m]
  (fun x => attention t m p causal true [:: W x; B x; W' x; B' x] (X x))
  (fun dy v => let g := self_attention_back n t h p causal (X x0) (W x0) (B x0) (W' x0) dy in
     \sum_(k <- iota 0 5) nth LX [:: LX; LW; LB; LW'; LB'] k (nth (fun=> 0) g k) v).
Proof.
have h1 := three_parts_pulls causal (dense_pulls hX hW hB).
apply: pulls_eq (dense_pulls h1 hW' hB') => // dy v.
by rewrite /= !big_cons big_nil /= addr0 !addrA.
Qed.

Theorem self_attention_pulls0 : pulls x0 [:: n; t; m]
  (fun x => attention t m p causal false [:: W x; W' x] (X x))
  (fun dy v => let g := self_attention_back0 n t h p causal (X x0) (W x0) (W' x0) dy in
     \sum_(k <- iota 0 3) nth LX [:: LX; LW; LW'] k (nth (fun=> 0) g k) v).
Proof.
have h1 := three_parts_pulls causal (linear_pulls hX hW).
apply: pulls_eq (linear_pulls h1 hW') => // dy v.
by rewrite /= !big_cons big_nil /= addr0 !addrA.
Qed.
End Self.
End Rules.

(** ** Queries, keys and values, inputs 0, 1, 2, in heads *)
Section Attend.
Variables (R : realType) (n t u h p : N) (causal : bool).
Hypotheses (hn : (0 < n)%num) (ht : (0 < t)%num) (hu : (0 < u)%num) (hh : (0 < h)%num) (hp : (0 < p)%num).
(** Causal where each token has a query and a key. *)
Hypothesis square : causal -> u = t.

Theorem attend_gradients (e : env R) dy (code := Attention.attend n t u h p causal 0 1 2 3) (base := next_id 3 code)
    (params := [:: (0, [:: n; t; h; p]); (1, [:: n; u; h; p]); (2, [:: n; u; h; p])]%num)
    (q := of_heads p (e 0%num)) (k := of_heads p (e 1%num)) (v := of_heads p (e 2%num)) :
  agree_on params (gradients code base (N.pred base) params e dy)
    [:: in_heads p (d_queries u p causal q k v dy); in_heads p (d_keys t u p causal q k v dy);
        in_heads p (d_values t u p causal q k dy)].
Proof.
pose sh (j : N) : shape := nth [::] [:: [:: n; t; h; p]; [:: n; u; h; p]; [:: n; u; h; p]] (N.to_nat j).
have ad : adds code 3 sh [:: n; t; h * p]%num by apply: attend_adds.
apply: (formula_gradients (f := fun e => mixed u p causal (of_heads p (e 0%num)) (of_heads p (e 1%num)) (of_heads p (e 2%num)))
  (G := fun dy => [:: in_heads p (d_queries u p causal q k v dy); in_heads p (d_keys t u p causal q k v dy);
    in_heads p (d_values t u p causal q k dy)]) (adds_gives ad)) => //.
- by rewrite /params_ok /= !eqxx.
- move=> e' low cs.
  apply: (attend_sound square _ _ _ cs) => b a i f hb ha hi /N.ltb_lt hf; rewrite low //;
  by rewrite /of_heads of_features.
- by move=> V x0 E; exact: attend_smooth.
move=> V x0 E L e0 _ hL.
have := mixed_pulls causal (of_heads_pulls (hL 0%nat isT)) (of_heads_pulls (hL 1%nat isT)) (of_heads_pulls (hL 2%nat isT)).
rewrite /= e0; apply: pulls_eq => // dy' v'.
by rewrite !big_cons big_nil /= addr0 addrA.
Qed.
End Attend.

(** ** The layer: input 0, then weights and biases *)
Section Layer.
Variables (R : realType) (n t heads m : N) (causal : bool).
Hypotheses (hn : (0 < n)%num) (ht : (0 < t)%num) (fits : Attention.fits heads m).
Let p : N := N.div m heads.

Theorem self_attention_gradients (e : env R) dy code (base := next_id 5 code)
    (params := [:: (0, [:: n; t; m]); (1, [:: m; 3 * m]); (2, [:: 3 * m]); (3, [:: m; m]); (4, [:: m])]%num) :
  Layer.emit (Layer.Attention heads causal true) n [:: t; m] [:: 1; 2; 3; 4]%num 0 5 = Some code ->
  agree_on params (gradients code base (N.pred base) params e dy)
    (self_attention_back n t heads p causal (e 0%num) (e 1%num) (e 2%num) (e 3%num) dy).
Proof.
have [/N.ltb_lt hh /N.ltb_lt hp /N.eqb_eq em] := and3P fits.
rewrite /Layer.emit fits => hc; move: em hc hp; rewrite /params -/p; move: (p) => p' em.
rewrite -{}em => {params} hc hp; set m' := (heads * p')%num in hc *.
pose sh (j : N) : shape := nth [::] [:: [:: n; t; m']; [:: m'; 3 * m']; [:: 3 * m']; [:: m'; m']; [:: m']]%num (N.to_nat j).
have pl : placed sh 1 (Attention.params true m') by move=> [|[|[|[|?]]]].
have [c ec ad] := @attention_adds n t heads p' hn ht hh causal true 1 0 5 sh erefl erefl (N.le_refl _) pl.
have cE : c = code by move: ec; rewrite [X in X = _]hc => -[].
clear ec; rewrite {c}cE in ad.
apply: (formula_gradients (f := fun e => attention t m' p' causal true [:: e 1; e 2; e 3; e 4]%num (e 0%num))
  (G := self_attention_back n t heads p' causal (e 0%num) (e 1%num) (e 2%num) (e 3%num)) (adds_gives ad)) => //.
- by rewrite /params_ok /sh /= !eqxx.
- by move=> e' low cs; have := attention_sound hc cs; rewrite /= (low 0%num) // (low 1%num) // (low 2%num) // (low 3%num) // (low 4%num).
- by move=> V x0 E; exact: attention_smooth hp hc.
move=> V x0 E L e0 _ hL.
have := self_attention_pulls causal (hL 0%nat isT) (hL 1%nat isT) (hL 2%nat isT) (hL 3%nat isT) (hL 4%nat isT).
by rewrite /= e0; apply: pulls_eq => // dy' v'; rewrite !big_cons !big_nil.
Qed.

Theorem self_attention_gradients0 (e : env R) dy code (base := next_id 3 code)
    (params := [:: (0, [:: n; t; m]); (1, [:: m; 3 * m]); (2, [:: m; m])]%num) :
  Layer.emit (Layer.Attention heads causal false) n [:: t; m] [:: 1; 2]%num 0 3 = Some code ->
  agree_on params (gradients code base (N.pred base) params e dy)
    (self_attention_back0 n t heads p causal (e 0%num) (e 1%num) (e 2%num) dy).
Proof.
have [/N.ltb_lt hh /N.ltb_lt hp /N.eqb_eq em] := and3P fits.
rewrite /Layer.emit fits => hc; move: em hc hp; rewrite /params -/p; move: (p) => p' em.
rewrite -{}em => {params} hc hp; set m' := (heads * p')%num in hc *.
pose sh (j : N) : shape := nth [::] [:: [:: n; t; m']; [:: m'; 3 * m']; [:: m'; m']]%num (N.to_nat j).
have pl : placed sh 1 (Attention.params false m') by move=> [|[|?]].
have [c ec ad] := @attention_adds n t heads p' hn ht hh causal false 1 0 3 sh erefl erefl (N.le_refl _) pl.
have cE : c = code by move: ec; rewrite [X in X = _]hc => -[].
clear ec; rewrite {c}cE in ad.
apply: (formula_gradients (f := fun e => attention t m' p' causal false [:: e 1; e 2]%num (e 0%num))
  (G := self_attention_back0 n t heads p' causal (e 0%num) (e 1%num) (e 2%num)) (adds_gives ad)) => //.
- by rewrite /params_ok /sh /= !eqxx.
- by move=> e' low cs; have := attention_sound hc cs; rewrite /= (low 0%num) // (low 1%num) // (low 2%num).
- by move=> V x0 E; exact: attention_smooth hp hc.
move=> V x0 E L e0 _ hL.
have := self_attention_pulls0 causal (hL 0%nat isT) (hL 1%nat isT) (hL 2%nat isT).
by rewrite /= e0; apply: pulls_eq => // dy' v'; rewrite !big_cons !big_nil.
Qed.
End Layer.
