(** * The backward of a block of a transformer

    Layer normalisation, self-attention, what comes in added; layer normalisation,
    a dense layer, an activation, a dense layer, what comes in added. Its gradients
    are the backwards of its layers, composed by the rules of [LayersGraphRules.v];
    that reverse mode emits them is in [LayersGraphBlock.v].

    Glossary
      - [norm g b x]       layer normalisation of [x], with scales [g], shifts [b]
      - [d_norm], [d_scale]  its gradients in the input and in the scales
      - [Block.attended], [Block.hidden]  what the first branch gives, with what
                           came in; what the first dense layer gives
      - [Block.block]      the formula of the block
      - [Block.back]       its gradients: of the input, of scales and shifts, of
                           weights and biases of attention, of scales and shifts,
                           of weights and biases of the two dense layers
      - [block_params]     the input of the block and its parameters, numbered
      - [norm_pulls], [block_backward]  the rules *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint Scalar SmoothFacts GradCorrect Computes Norms NormsSound TokensSound.
From Cotangent Require Import Tokens AttentionFormula MeaningLayer MeaningLayerSound SpecLayer Families FamiliesLayers.
From Cotangent Require Import LayersGraphCells LayersGraphPointwise LayersGraphAffine LayersGraphLayerNorm.
From Cotangent Require Import LayersGraphRules LayersGraphAttention LayersGraphMultiHead RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Norm.
Variables (R : realType) (n t m : N) (num : Z) (den_ : positive).
Let eps : R := rational R num den_.
Implicit Types (x g b dy : tensor R).

Definition norm g b x : tensor R := affine true true [:: g; b] (normalize [:: n; t; m] [:: 2%num] eps x).

Definition d_norm g x dy : tensor R := fun index =>
  let i := [:: nth 0%num index 0; nth 0%num index 1] in let k := nth 0%num index 2 in
  let xhat := feature_xhat m eps x i in let gdy (l : N) : R := g [:: l] * dy (i ++ [:: l]) in
  (gdy k - feature_mean m gdy - xhat k * feature_mean m (fun l => gdy l * xhat l)) / feature_sigma m eps x i.
Definition d_scale x dy : tensor R := fun index =>
  \sum_(i <- idxs [:: n; t]) dy (i ++ index) * feature_xhat m eps x i (nth 0%num index 0).
End Norm.

Module Block.
Section Block.
Variables (R : realType) (n t heads p wide : N) (num : Z) (den_ : positive) (act : Layer.pointwise).
Let m : N := (heads * p)%num.
Implicit Types (x g b w dy : tensor R).

(** Scales and shifts; weights and biases of attention; scales and shifts; weights
    and biases of two dense layers. *)
Variables (x g1 b1 w1 c1 w2 c2 g2 b2 w3 c3 w4 c4 : tensor R).

Definition attended : tensor R :=
  tplus (attention t m p false true [:: w1; c1; w2; c2] (norm n t m num den_ g1 b1 x)) x.
Definition hidden : tensor R := Tokens.dense m [:: w3; c3] (norm n t m num den_ g2 b2 attended).
Definition active : tensor R := fun i => pointwise_meaning act (hidden i).
Definition block : tensor R := tplus (Tokens.dense wide [:: w4; c4] active) attended.

Definition back dy : seq (tensor R) :=
  let dh : tensor R := fun i => pointwise_slope act (hidden i) * input_gradient m w4 dy i in
  let dnorm2 := input_gradient wide w3 dh in
  let du := tplus dy (d_norm m num den_ g2 attended dnorm2) in
  let at_ := self_attention_back n t heads p false (norm n t m num den_ g1 b1 x) w1 c1 w2 du in
  let dnorm1 := nth (fun=> 0) at_ 0 in
  [:: tplus du (d_norm m num den_ g1 x dnorm1);
      d_scale n t m num den_ x dnorm1; bias_gradient n t dnorm1]
  ++ behead at_
  ++ [:: d_scale n t m num den_ attended dnorm2; bias_gradient n t dnorm2;
         weight_gradient n t (norm n t m num den_ g2 b2 attended) dh; bias_gradient n t dh;
         weight_gradient n t active dy; bias_gradient n t dy].
End Block.
End Block.

(** ** The rule of layer normalisation *)
Lemma idxs1 a i : i \in idxs [:: a] -> exists2 k, i = [:: k] & (k < a)%num.
Proof.
by rewrite mem_idxs; case: i => [|k [|? ?]] //=; rewrite ?andbF // andbT => /N.ltb_lt hk; exists k.
Qed.

Section Rules.
Variables (R : realType) (V : normedModType R) (x0 : V) (n t m : N) (num : Z) (den_ : positive).
Hypotheses (hn : (0 < n)%num) (ht : (0 < t)%num) (hm : (0 < m)%num) (heps : Z.ltb 0 num).
Implicit Types (L : tensor R -> V -> R).

Theorem norm_pulls (X G B : V -> tensor R) LX LG LB :
  pulls x0 [:: n; t; m] X LX -> pulls x0 [:: m] G LG -> pulls x0 [:: m] B LB ->
  pulls x0 [:: n; t; m] (fun x => norm n t m num den_ (G x) (B x) (X x))
    (fun dy v => LX (d_norm m num den_ (G x0) (X x0) dy) v + LG (d_scale n t m num den_ (X x0) dy) v
               + LB (bias_gradient n t dy) v).
Proof.
move=> hX hG hB; pose sh (j : N) : shape := nth [::] [:: [:: n; t; m]; [:: m]; [:: m]] (N.to_nat j).
pose code := norm_affine [:: n; t; m] [:: 2%num] num den_.
pose params : seq (N * shape) := [:: (0, [:: n; t; m]); (1, [:: m]); (2, [:: m])]%num.
have ec : Layer.emit (Layer.LayerNorm num den_ true true) n [:: t; m] [:: 1; 2]%num 0 3 = Some code by [].
have pos : filled [:: n; t; m] by rewrite /= !(proj2 (N.ltb_lt _ _)).
have [_ fit] := @layer_norm_fits n [:: t; m] num den_ true true isT pos heps.
have pl : placed sh 1 (Layer.params (Layer.LayerNorm num den_ true true) [:: t; m]) by move=> [|[|?]].
have [c [ec' w _ es nt]] := fit 1%num 3%num 0%num 3%num sh erefl erefl (N.le_refl _) pl (N.le_refl _) (fun j h => False_ind _ (notF h)).
have {ec' c w es nt} [w es nt] : [/\ wf code 3 sh, shrun code sh 7 = [:: n; t; m] & no_targets code].
  by move: ec'; rewrite [X in X = _]ec => -[ecc]; subst c.
have ck : checks code 3 sh params 8 7 = true.
  by rewrite /checks w /params_ok /sh /= !eqxx; exact: no_targets_fixed.
pose E (x : V) : env R := fun j => nth (fun=> 0) [:: X x; G x; B x] (N.to_nat j).
have hfix : fixed x0 3 params E.
  by move=> j hj nj; case: j hj nj => [|[[?|?|]|[?|?|]|]] //; lia.
have cs v : computes (run code (E v)) code by exact: wf_computes w.
have sm : smooth_run x0 code E.
  apply: (wf_smooth w); apply: (layer_smooth (name := ""%string) (l := Layer.LayerNorm num den_ true true) _ _ ec) => //.
have := emitted_pulls ck hfix sm (L := fun k => nth LX [:: LX; LG; LB] k).
rewrite es => h; apply: pulls_eq (h _) => [x i hi|dy v|[|[|[|k]]]] //.
  have kept j : (j < 3)%num -> run code (E x) j = E x j by exact: run_stable w.
  have e0 := kept 0%num erefl; have e1 := kept 1%num erefl; have e2 := kept 2%num erefl.
  have := @layer_sound R (Layer.LayerNorm num den_ true true) n [:: t; m] [:: t; m] _ _ _ _ _ erefl ec (cs x) i hi.
  have -> : N.pred (next_id 3 code) = 7%num by [].
  by move: e0 e1 e2; move: (run code (E x)) => y e0 e1 e2 ->; rewrite /layer_meaning [map _ _]/= e0 e1 e2.
have [dx [dg [db [eg h0 h1 h2]]]] := @layer_norm_gradients R m n [:: t] num den_ code (E x0) dy ec.
rewrite [gradients _ _ _ _ _ _]eg !big_cons big_nil addr0 addrA; clear eg h sm hfix cs ck es w nt fit pl; clearbody code.
cbn [nth]; congr (_ + _ + _).
- apply: (pulls_eqt v hX) => i /idxs3 [b [i' [k [-> hb hi /N.ltb_lt hk]]]].
  by have := h0 [:: b; i'] k; rewrite mem_idxs /= hb hi => /(_ isT hk).
- by apply: (pulls_eqt v hG) => i /idxs1 [k -> hk]; exact: h1.
by apply: (pulls_eqt v hB) => i /idxs1 [k -> hk]; rewrite h2 // sum_two.
Qed.
End Rules.

(** ** The rule of the block *)
Definition block_params (n t m wide : N) : seq (N * shape) :=
  [:: (0, [:: n; t; m]); (1, [:: m]); (2, [:: m]); (3, [:: m; 3 * m]); (4, [:: 3 * m]); (5, [:: m; m]); (6, [:: m]);
      (7, [:: m]); (8, [:: m]); (9, [:: m; wide]); (10, [:: wide]); (11, [:: wide; m]); (12, [:: m])]%num.

Section BlockRule.
Variables (R : realType) (n t heads p wide : N) (num : Z) (den_ : positive) (act : Layer.pointwise).
Let m : N := (heads * p)%num.
Hypotheses (hn : (0 < n)%num) (ht : (0 < t)%num) (hm : (0 < m)%num) (heps : Z.ltb 0 num).
Hypothesis smooth : (pointwise_kinks act).2 = [::].
Add Ring real_numbers : (real_ring R).

Definition block_of (e : env R) : tensor R := Block.block n t heads p wide num den_ act
  (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num) (e 5%num) (e 6%num)
  (e 7%num) (e 8%num) (e 9%num) (e 10%num) (e 11%num) (e 12%num).
Definition block_back (e : env R) : tensor R -> seq (tensor R) := Block.back n t heads p wide num den_ act
  (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num) (e 5%num) (e 6%num)
  (e 7%num) (e 8%num) (e 9%num) (e 10%num) (e 11%num).

Theorem block_backward (e : env R) : is_backward (block_params n t m wide) [:: n; t; m] block_of e (block_back e).
Proof.
move=> V x0 E L e0 _ hL.
have h0 := hL 0%nat isT; have h1 := hL 1%nat isT; have h2 := hL 2%nat isT; have h3 := hL 3%nat isT.
have h4 := hL 4%nat isT; have h5 := hL 5%nat isT; have h6 := hL 6%nat isT; have h7 := hL 7%nat isT.
have h8 := hL 8%nat isT; have h9 := hL 9%nat isT; have h10 := hL 10%nat isT; have h11 := hL 11%nat isT.
have h12 := hL 12%nat isT; cbn [nth block_params fst snd] in h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, h12.
have hnorm1 := norm_pulls den_ hn ht hm heps h0 h1 h2.
have hmid := pulls_add (self_attention_pulls false hnorm1 h3 h4 h5 h6) h0.
have hnorm2 := norm_pulls den_ hn ht hm heps hmid h7 h8.
have hhidden := dense_pulls hnorm2 h9 h10.
have slope (c : tensor R) i : i \in idxs [:: n; t; wide] ->
    is_derive (c i) 1 (pointwise_meaning act : R -> R) (pointwise_slope act (c i)).
  by move=> _; apply: pointwise_derive; rewrite /off_points smooth.
have hact := pulls_map (slope _) hhidden.
have hblock := pulls_add (dense_pulls hact h11 h12) hmid.
apply: pulls_eq hblock => // dy v.
have add0 a b : L 0%nat (tplus a b) v = L 0%nat a v + L 0%nat b v := pullsD a b v h0.
have addm a b := pullsD a b v hmid.
have first a a' c7 c8 c9 c10 c11 c12 both : both = a' + a ->
    a + c7 + c8 + c9 + c10 + c11 + c12 + a' = both + (c7 + (c8 + (c9 + (c10 + (c11 + (c12 + 0)))))) :> R.
  by move=> ->; reals R.
have then_ d0 x l1 l2 l3 l4 l5 l6 c : x + l1 + l2 + (l3 + (l4 + (l5 + (l6 + 0)))) + d0 + c
    = d0 + x + (l1 + (l2 + (l3 + (l4 + (l5 + (l6 + c)))))) :> R by reals R.
apply: etrans (first _ _ _ _ _ _ _ _ _ (addm dy _)) _; rewrite e0; clear addm first.
rewrite [iota 0 (size _)]/= [iota 0 5]/= !big_cons !big_nil.
set b0 := L 0%nat (nth _ (block_back e dy) 0) v; have -> : b0 = _ + _ := add0 _ _.
exact: then_.
Qed.
End BlockRule.
