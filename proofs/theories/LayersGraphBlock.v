(** * A block of a transformer as elaborated, and its gradients

    What reverse mode emits for the block of a vision transformer
    ([FamiliesVit.vit_block], without scales of the branches) as the specification
    elaborates it, at all sizes: the gradients of the input and of all twelve
    parameters, as the backwards of its layers composed. No condition on the
    numbers.

    Glossary
      - [block_chain]      the block as a specification has it
      - [block_gradients]  the theorem *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint GradCorrect Computes NormsSound.
From Cotangent Require Import Spec Meaning MeaningLayerSound MeaningJoinSound MeaningSound.
From Cotangent Require Import Families FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit FamiliesVit.
From Cotangent Require Import LayersGraphCells LayersGraphRules LayersGraphMultiHead LayersGraphTransformer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** The block as elaborated: its input is value 0, its parameters are 1 to 12 *)
Section Elaborated.
Variables (R : realType) (n t m heads wide : N) (num : Z) (den_ : positive) (root : Z) (root_d : positive) (number : nat).
Hypotheses (hn : (0 < n)%num) (ht : (0 < t)%num) (fits : Attention.fits heads m) (heps : Z.ltb 0 num).
Let p : N := N.div m heads.
Let gelu : Layer.pointwise := Layer.Gelu root root_d.

Definition block_chain : chain := in_turn (vit_block m heads wide false num den_ root root_d number).

Let s : shape := [:: t; m].

Lemma sum_of_two : joined_shape Sum [:: s; s] = Some s.
Proof. by have [] := merge_fits Sum n 1 s. Qed.

Lemma joined_two (x y : tensor R) : eqt (n :: s) (joined Sum [:: (s, y); (s, x)]) (tplus y x).
Proof. by move=> i hi; rewrite /= -!(stretched_same _ hi). Qed.

Section Residual.
Variables (name : string) (a c : chain).
Hypothesis a_out : output_shape a [::] s = Some s.
Let around_a : chain := Branch a (Branch End (Join name Sum c)).

Lemma params_residual : params_in around_a [::] s = params_in a [::] s ++ params_in c [::] s.
Proof.
by rewrite /around_a (params_branch _ _ a_out) (@params_branch End _ _ s s) // (params_join name c s sum_of_two).
Qed.

Lemma masks_residual : masks_in around_a [::] s = masks_in a [::] s ++ masks_in c [::] s.
Proof. rewrite /around_a; cbn [masks_in]; rewrite a_out; cbn [masks_in output_shape rcons cat].
by rewrite sum_of_two. Qed.

Lemma through_residual (theta : N -> tensor R) p0 m0 x : through n theta around_a [::] s p0 (Masks m0) x
  = through n theta c [::] s (past p0 (params_in a [::] s)) (Masks (past m0 (masks_in a [::] s)))
      (joined Sum [:: (s, through n theta a [::] s p0 (Masks m0) x); (s, x)]).
Proof.
rewrite /around_a; cbn [through]; rewrite a_out; cbn [through output_shape rcons cat odflt oapp unzip1 map fst].
rewrite sum_of_two /past_read /past !N.add_0_r.
by [].
Qed.
End Residual.

Let block := numbered "blocks." number.
Let first : chain := in_turn [:: normalised num den_ (block ++ ".norm1")%string;
  Next (block ++ ".attn")%string (Layer.Attention heads false true)].
Let second : chain := in_turn [:: normalised num den_ (block ++ ".norm2")%string;
  Next (block ++ ".mlp.fc1")%string (Token.Dense wide true); FamiliesParts.gelu root root_d (block ++ ".gelu_1")%string;
  Next (block ++ ".mlp.fc2")%string (Token.Dense m true)].

Lemma block_chainE : block_chain = Branch first (Branch End (Join block Sum (Branch second (Branch End (Join block Sum End))))).
Proof. by []. Qed.

Lemma first_out : output_shape first [::] s = Some s.
Proof. by rewrite /= fits. Qed.
Lemma second_out : output_shape second [::] s = Some s.
Proof. by []. Qed.

Lemma first_params : [seq q.2 | q <- params_in first [::] s]
  = [:: [:: m]; [:: m]; [:: m; 3 * m]; [:: 3 * m]; [:: m; m]; [:: m]]%num.
Proof. by rewrite /params_in /= fits. Qed.
Lemma second_params : [seq q.2 | q <- params_in second [::] s]
  = [:: [:: m]; [:: m]; [:: m; wide]; [:: wide]; [:: wide; m]; [:: m]]%num.
Proof. by []. Qed.

Lemma chain_params : [seq q.2 | q <- params_in block_chain [::] s]
  = [:: [:: m]; [:: m]; [:: m; 3 * m]; [:: 3 * m]; [:: m; m]; [:: m];
        [:: m]; [:: m]; [:: m; wide]; [:: wide]; [:: wide; m]; [:: m]]%num.
Proof.
by rewrite block_chainE (params_residual _ _ first_out) (params_residual _ _ second_out) map_cat first_params map_cat second_params.
Qed.

Lemma first_masks : masks_in first [::] s = [::].
Proof. by rewrite /= fits. Qed.
Lemma chain_masks : masks_in block_chain [::] s = [::].
Proof. by rewrite block_chainE (masks_residual _ _ first_out) (masks_residual _ _ second_out) first_masks. Qed.

Lemma through_second (e : env R) x : through n e second [::] s 7 (Masks 13) x
  = layer_meaning (Layer.Token (Token.Dense m true)) n [:: t; wide] [:: e 11%num; e 12%num]
      (layer_meaning (Layer.Pointwise gelu) n [:: t; wide] [::]
        (layer_meaning (Layer.Token (Token.Dense wide true)) n s [:: e 9%num; e 10%num]
          (layer_meaning (Layer.LayerNorm num den_ true true) n s [:: e 7%num; e 8%num] x))).
Proof. by []. Qed.

Lemma through_block (e : env R) : eqt (n :: s) (through n e block_chain [::] s 1 (Masks 13) (e 0%num))
  (block_of n t heads p wide num den_ gelu e).
Proof.
have em : (heads * p)%num = m by exact: heads_divide.
have p6 : size (params_in first [::] s) = 6%nat by rewrite -(size_map (fun q => q.2)) first_params.
rewrite block_chainE (through_residual _ _ first_out) (through_residual _ _ second_out) first_masks /past p6.
set u := joined Sum [:: (s, through n e first _ _ _ _ _); _].
have hu : eqt (n :: s) u (Block.attended n t heads p num den_ (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num) (e 5%num) (e 6%num)).
  by rewrite /Block.attended em; exact: joined_two.
have h1 := @layer_eqt R (Layer.LayerNorm num den_ true true) n s s [:: e 7%num; e 8%num] _ _ erefl hu.
have h2 := @layer_eqt R (Layer.Token (Token.Dense wide true)) n s [:: t; wide] [:: e 9%num; e 10%num] _ _ erefl h1.
have h3 := @layer_eqt R (Layer.Pointwise gelu) n [:: t; wide] [:: t; wide] [::] _ _ erefl h2.
have h4 := @layer_eqt R (Layer.Token (Token.Dense m true)) n [:: t; wide] s [:: e 11%num; e 12%num] _ _ erefl h3.
rewrite -[(1 + N.of_nat 6)%num]/7%num -[(13 + N.of_nat (size [::]))%num]/13%num through_second.
move=> i hi; rewrite [LHS](joined_two _ _ hi) /tplus (h4 i hi) (hu i hi).
rewrite /block_of /Block.block /tplus /Block.active /Block.hidden em.
by [].
Qed.

Theorem block_gradients (e : env R) dy code y o (params := block_params n t m wide) :
  emit_layers n block_chain [::] s 1 (Masks 13) 0 13 = Some (code, y, o) ->
  agree_on params (gradients code (next_id 13 code) y params e dy) (block_back n t heads p wide num den_ gelu e dy).
Proof.
move=> he; have em : (heads * p)%num = m by exact: heads_divide.
have hm : (0 < heads * p)%num by have [/N.ltb_lt h1 /N.ltb_lt h2 _] := and3P fits; exact: N.mul_pos_pos.
have [hc ho hk] := leads_in_turn (vit_block_leads wide false den_ root root_d hn heps fits number ht).
pose sh (j : N) : shape := (nth (0%num, [::]) params (N.to_nat j)).2.
have np : size (params_in block_chain [::] s) = 12%nat by rewrite -(size_map (fun q => q.2)) chain_params.
have pl : placed sh 1 (params_in block_chain [::] s).
  move=> j; rewrite np => hj; rewrite -(nth_map _ [::] (fun q => q.2)) ?np // chain_params.
  by do 12 (case: j hj => [|j] hj //).
have le12 : (past 1 (params_in block_chain [::] s) <= 13)%num by rewrite /past np.
have le13 : (past 13 (masks_in block_chain [::] s) <= 13)%num by rewrite chain_masks.
have ml : placed sh 13 (with_batch n (masks_in block_chain [::] s)) by rewrite chain_masks.
have [code' [y' [o' [s' [he' ho' w lt [es nt]]]]]] :=
  @emit_layers_wf n block_chain [::] s 1 13 0 13 sh hc erefl erefl (List.Forall_nil _) le12 pl le13 ml.
move: he'; rewrite [X in X = _]he => -[ec ey _]; subst code' y'.
have es' : s' = s by move: ho'; rewrite [X in X = _]ho => -[].
rewrite {}es' in es; clear ho'.
have gv : gives code 13 sh y (n :: s) by split.
apply: (formula_gradients (f := block_of n t heads p wide num den_ gelu)
  (G := block_back n t heads p wide num den_ gelu e) gv).
- by rewrite /params_ok /sh /params /= !eqxx.
- move=> e' low cs; have e0 : eqt (n :: s) (run code e' 0%num) (e' 0%num) by rewrite low.
  have ap : agree (run code e') e' 0 (1 + param_count block_chain [::] s).
    by move=> j _; rewrite /param_count np => hj; exact: low.
  have am : agree_chain (run code e') e' (Masks 13) block_chain [::] s.
    by move=> j h1; rewrite /mask_count chain_masks N.add_0_r => h2; lia.
  have [s2 ho2 h] := emit_layers_sound he cs e0 (List.Forall2_nil _) ap am.
  have es2 : s2 = s by move: ho2; rewrite [X in X = _]ho => -[].
  by rewrite es2 in h; apply: eqt_trans h _; exact: through_block.
- move=> V x0 E cs.
  have nil : holds_family n E ([::] : seq part) [::] by exact: List.Forall2_nil.
  apply: (emit_layers_smooth (theta := E) (xm := fun v => E v 0%num) he cs _ nil) => [v|v j|v j h1|q].
  + by [].
  + by [].
  + by rewrite /mask_count chain_masks N.add_0_r => h2; lia.
  by rewrite [kinks_in _]hk.
- by have := @block_backward R n t heads p wide num den_ gelu hn ht hm heps erefl e; rewrite em.
by [].
Qed.
End Elaborated.
