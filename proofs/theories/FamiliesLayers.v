(** * Layers and joins that fit

    What the families of networks are made of, on all batches of all shapes on
    which a layer is defined: its instructions are well-formed, and its result
    has the shape that the specification says.

    Glossary
      - [adds code k sh s]   [code] is well-formed from value [k] on, has an
                             instruction, and its last value has shape [s]
      - [filled s]           no dimension of [s] is 0 *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad Joins.
From Cotangent Require Import NormsSound TokensSound MeaningJoinSound Spec Families.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope N_scope.

Notation filled s := (all (N.ltb 0) s).

(** ** Instructions, one after the other *)
Definition adds (code : prog) (k : N) (sh : N -> shape) (s : shape) : Prop :=
  [/\ wf code k sh, code <> [::], shrun code sh (N.pred (next_id k code)) = s & no_targets code].

Lemma adds_cat c c' k sh s s' : adds c k sh s -> adds c' (next_id k c) (shrun c sh) s' ->
  adds (c ++ c')%SEQ k sh s'.
Proof.
move=> [w n e t] [w' n' e' t']; split; first exact: wf_app w w'.
- by case: c n {w e t w' e'}.
- by rewrite Families.next_id_cat /shrun foldl_cat.
by rewrite /no_targets all_cat; apply/andP.
Qed.

Lemma wf_step d o p k sh : d = k -> op_ok o ->
  List.Forall (fun a => a.1 < k /\ sh a.1 = a.2) (oargs o) ->
  wf p (N.succ d) (upd sh d (oshape o)) -> wf ((d, o) :: p) k sh.
Proof. by move=> ->; exact: wf_one. Qed.

Ltac shape_at := repeat first [rewrite updE | rewrite updN; [|lia]
  | match goal with |- upd _ ?j _ ?i = _ => replace i with j by lia; rewrite updE end].
Ltac operands := rewrite /=; repeat (apply: List.Forall_cons;
    [split; [rewrite /=; lia | rewrite /=; shape_at; solve [assumption | reflexivity]] |]);
  apply: List.Forall_nil.
(** Next instruction; then what its attributes must be, where that is not clear. *)
Ltac attributes := first [by [] | apply/N.eqb_eq; cbv [size_of foldr Attention.in_heads Attention.pairs]; lia].
Ltac next_op := apply: wf_step; [lia | attributes | operands |].
Ltac last_shape := rewrite /next_id /shrun /=; shape_at; solve [assumption | reflexivity].

Lemma adds_keeps c k sh s j : adds c k sh s -> j < k -> shrun c sh j = sh j.
Proof. by move=> [w _ _ _]; exact: shrun_stable w. Qed.
Lemma adds_last c k sh s j : adds c k sh s -> j = N.pred (next_id k c) -> shrun c sh j = s.
Proof. by move=> [_ _ e _] ->. Qed.
Lemma adds_next c k sh s : adds c k sh s -> k < next_id k c.
Proof. by move=> [_ n _ _]; case: c n => // *; rewrite /next_id /=; lia. Qed.

Lemma own_params l s p0 m0 : Layer.masks l s = [::] ->
  own_values l s p0 (Masks m0) = count_from p0 (size (Layer.params l s)).
Proof. by rewrite /own_values => ->; rewrite cats0. Qed.

Lemma fits_adds l batch s s' : Layer.output l s = Some s' ->
  (forall p0 m0 x k sh, x < k -> sh x = batch :: s ->
   past p0 (Layer.params l s) <= k -> placed sh p0 (Layer.params l s) ->
   past m0 (Layer.masks l s) <= k -> placed sh m0 (with_batch batch (Layer.masks l s)) ->
   exists2 code, Layer.emit l batch s (own_values l s p0 (Masks m0)) x k = Some code
     & adds code k sh (batch :: s')) ->
  fits_here l batch s s'.
Proof.
move=> ho h; split=> // p0 m0 x k sh hx es hp pl hm ml.
by have [code e [w n es' t]] := h p0 m0 x k sh hx es hp pl hm ml; exists code.
Qed.

(** ** Activations *)
Lemma pointwise_fits batch p s : fits_here (Layer.Pointwise p) batch s s.
Proof.
apply: fits_adds => // p0 m0 x k sh hx es _ _ _ _.
exists (Layer.emit_pointwise p (batch :: s) x k) => //.
by case: p => *; split=> //; cbv [Layer.emit_pointwise Layer.hard_sigmoid Layer.gate cat];
  solve [repeat next_op; by [] | last_shape].
Qed.

(** ** Dense layers and convolutions *)
Lemma dense_fits batch n m bias : fits_here (Layer.Dense m bias) batch [:: n] [:: m].
Proof.
apply: fits_adds => // p0 m0 x k sh hx es; rewrite /past.
case: bias => /= hp pl _ _; have w := pl 0%nat isT; rewrite /= in w.
  have b := pl 1%nat isT; rewrite /= in b; eexists; first by [].
  by split=> //; [repeat next_op | last_shape].
by eexists; first by []; split=> //; [repeat next_op | last_shape].
Qed.

Lemma conv_fits batch h w c m v u g bias : Layer.window_fits v h -> Layer.window_fits u w ->
  Layer.divides g c -> Layer.divides g m ->
  fits_here (Layer.Conv2d m v u g bias) batch [:: h; w; c] [:: Layer.places v h; Layer.places u w; m].
Proof.
move=> hv hu hc hm; apply: fits_adds => [|p0 m0 x k sh hx es]; first by rewrite /= hv hu hc hm.
rewrite /past; case: bias => /= hp pl _ _; have f := pl 0%nat isT; rewrite /= in f.
  have b := pl 1%nat isT; rewrite /= in b; eexists; first by [].
  by split=> //; [repeat next_op | last_shape].
by eexists; first by []; split=> //; [repeat next_op | last_shape].
Qed.

Lemma one_divides n : Layer.divides 1 n.
Proof. by rewrite /Layer.divides N.div_1_r N.mul_1_l N.eqb_refl. Qed.
Lemma divides_itself n : 0 < n -> Layer.divides n n.
Proof.
move=> hn; rewrite /Layer.divides (proj2 (N.ltb_lt _ _) hn) N.div_same; last by lia.
by rewrite N.mul_1_r N.eqb_refl.
Qed.

Lemma token_dense_fits batch t n m bias : fits_here (Layer.Token (Token.Dense m bias)) batch [:: t; n] [:: t; m].
Proof.
apply: fits_adds => // p0 m0 x k sh hx es; rewrite /past.
case: bias => /= hp pl _ _; have w := pl 0%nat isT; rewrite /= in w.
  have b := pl 1%nat isT; rewrite /= in b; eexists; first by [].
  by split=> //; [repeat next_op | last_shape].
by eexists; first by []; split=> //; [repeat next_op | last_shape].
Qed.

(** ** Scales and shifts *)
Lemma op_ok_spread s ds v : op_ok (spread_over s ds v).
Proof. by rewrite /= !size_map !size_iota !eqxx. Qed.

Lemma then_affine_adds scale shift z p0 k sh c (l := Layer.affine_params scale shift (last 0 z)) :
  (0 < size z)%nat -> adds c k sh z -> past p0 l <= k -> placed sh p0 l ->
  exists2 code, Layer.then_affine scale shift z (count_from p0 (size l)) k c = Some code & adds code k sh z.
Proof.
move=> hz ac hp pl; rewrite /Layer.then_affine -/(next_id k c); set k' := next_id k c.
have le : k < k' by exact: adds_next ac.
have [wc _ ec _] := ac.
have kept i : i < k -> shrun c sh i = sh i by exact: shrun_stable wc.
have feature v : oargs (Layer.every_feature z v) = [:: (v, [:: last 0 z])].
  by rewrite /Layer.every_feature /= pick_kept_front.
have spread v sh' q : v < q -> sh' v = [:: last 0 z] ->
    List.Forall (fun a => a.1 < q /\ sh' a.1 = a.2) (oargs (Layer.every_feature z v)).
  by move=> hv es; rewrite feature; constructor; [split | constructor].
have last_c : shrun c sh (N.pred k') = z by [].
set sh' := shrun c sh in last_c kept *.
have param j : (j < size l)%nat -> sh' (p0 + N.of_nat j) = (nth (""%string, [::]) l j).2.
  move=> hj; rewrite kept ?pl //.
  by move: hp hj; rewrite /past => hp /ssrnat.ltP hj; lia.
move: hp param; rewrite /l /past {pl l}; case: scale; case: shift => /= hp param.
- have w := param 0%nat isT; have b := param 1%nat isT; rewrite /= in w b.
  eexists; first by []; apply: adds_cat ac _; rewrite -/k' -/sh'; split=> //.
    apply: wf_step => //; [exact: op_ok_spread | apply: spread => //; lia |].
    next_op; apply: wf_step; [lia | exact: op_ok_spread | apply: spread; [lia | by shape_at] |].
    by next_op.
  by last_shape.
- have w := param 0%nat isT; rewrite /= in w.
  eexists; first by []; apply: adds_cat ac _; rewrite -/k' -/sh'; split=> //.
    apply: wf_step => //; [exact: op_ok_spread | apply: spread => //; lia |].
    by next_op.
  by last_shape.
- have b := param 0%nat isT; rewrite /= in b.
  eexists; first by []; apply: adds_cat ac _; rewrite -/k' -/sh'; split=> //.
    apply: wf_step => //; [exact: op_ok_spread | apply: spread => //; lia |].
    by next_op.
  by last_shape.
by exists c; rewrite ?cats0.
Qed.

Lemma last_batch batch s : (0 < size s)%nat -> last 0 (batch :: s) = last 0 s.
Proof. by case: s. Qed.

Lemma layer_norm_fits batch s n d scale shift : (0 < size s)%nat -> filled (batch :: s) -> Z.ltb 0 n ->
  fits_here (Layer.LayerNorm n d scale shift) batch s s.
Proof.
move=> hs pos hn; apply: fits_adds => // p0 m0 x k sh hx es hp pl _ _; rewrite own_params //.
have a0 : adds [:: (k, Normalize (batch :: s) [:: N.of_nat (size s)] n d x)] k sh (batch :: s).
  split=> //; last by last_shape.
  apply: wf_step => //; last by operands.
  rewrite [op_ok _]/= /Ir.averaged hn pos !andbT /= andbT.
  by apply/N.ltb_lt; lia.
move: hp pl; rewrite [Layer.params _ _]/= -(last_batch batch hs) => hp pl.
exact: then_affine_adds a0 hp pl.
Qed.

Lemma scale_fits batch s : (0 < size s)%nat -> fits_here (Layer.Token Token.Scale) batch s s.
Proof.
move=> hs; have e : pick (batch :: s) [:: N.of_nat (size s)] = [:: last 0 s].
  by rewrite /pick [map _ _]/= Nnat.Nat2N.id -[size s]/((size (batch :: s)).-1) nth_last last_batch.
case: s hs e => // a s _ e; apply: fits_adds => // p0 m0 x k sh hx es; rewrite /past /= => hp pl _ _.
have w := pl 0%nat isT; rewrite /= in w; eexists; first by [].
split=> //; last by last_shape.
apply: wf_step => //; [by rewrite /= !size_map !size_iota !eqxx | | by next_op].
rewrite -[oargs _]/[:: (p0 + 0, pick (batch :: a :: s) [:: N.of_nat (size (a :: s))])] e.
by constructor; [split; [rewrite /=; lia | exact: w] | constructor].
Qed.

(** ** Batch normalisation, of images and of rows *)
Lemma norm_fits batch h w c n d a b : 0 < batch -> 0 < h -> 0 < w -> 0 < c -> 1 < batch * (h * w) ->
  Z.ltb 0 n -> fits_here (Layer.BatchNorm n d a b true) batch [:: h; w; c] [:: h; w; c].
Proof.
move=> hb hh hw hc many hn; apply: fits_adds => // p0 m0 x k sh hx es hp pl _ _.
have many' : N.ltb 1 (batch * (h * (w * 1))) by apply/N.ltb_lt; lia.
have a0 : adds [:: (k, Normalize [:: batch; h; w; c] [:: 0; 1; 2] n d x)] k sh [:: batch; h; w; c].
  split=> //; last by last_shape.
  apply: wf_step => //; last by operands.
  by rewrite /= /Ir.averaged /= hn !(proj2 (N.ltb_lt _ _)).
have [code e a1] := @then_affine_adds true true [:: batch; h; w; c] p0 _ _ _ isT a0 hp pl; exists code => //.
by rewrite own_params // -e /Layer.emit -/(size_of [:: batch; h; w]) [size_of _]/= many'.
Qed.

Lemma norm_rows_fits batch m n d a b : 1 < batch -> 0 < m -> Z.ltb 0 n ->
  fits_here (Layer.BatchNorm n d a b true) batch [:: m] [:: m].
Proof.
move=> hb hm hn; apply: fits_adds => // p0 m0 x k sh hx es hp pl _ _.
have many : N.ltb 1 (batch * 1) by apply/N.ltb_lt; lia.
have a0 : adds [:: (k, Normalize [:: batch; m] [:: 0] n d x)] k sh [:: batch; m].
  split=> //; last by last_shape.
  apply: wf_step => //; last by operands.
  by rewrite /= /Ir.averaged /= hn !(proj2 (N.ltb_lt _ _)) //; lia.
have [code e a1] := @then_affine_adds true true [:: batch; m] p0 _ _ _ isT a0 hp pl; exists code => //.
by rewrite own_params // -e /Layer.emit -/(size_of [:: batch]) [size_of _]/= many.
Qed.

(** ** Tokens *)
Lemma position_fits batch t m : fits_here (Layer.Token Token.Position) batch [:: t; m] [:: t; m].
Proof.
apply: fits_adds => // p0 m0 x k sh hx es; rewrite /past /= => hp pl _ _.
have w := pl 0%nat isT; rewrite /= in w; eexists; first by [].
by split=> //; [repeat next_op | last_shape].
Qed.

Lemma reshape_fits batch s s' : size_of s' = size_of s ->
  fits_here (Layer.Token (Token.Reshape s')) batch s s'.
Proof.
move=> e; apply: fits_adds => [|p0 m0 x k sh hx es _ _ _ _]; first by rewrite /= e N.eqb_refl.
exists [:: (k, Ir.Reshape (batch :: s) (batch :: s') x)]; first by case: s es e.
split=> //; last by last_shape.
apply: wf_step => //; last by operands.
by rewrite /= e N.eqb_refl.
Qed.

Lemma class_fits batch t m : fits_here (Layer.Token Token.Class) batch [:: t; m] [:: t + 1; m].
Proof.
apply: fits_adds => // p0 m0 x k sh hx es; rewrite /past /= => hp pl _ _.
have w := pl 0%nat isT; rewrite /= in w; pose z := [:: batch; t + 1; m].
exists [:: (k, repeat_over [:: batch; 1; m] [:: 2] (p0 + 0));
           (k + 1, pad_to (part_steps 3 1 (0 + 1)) [:: batch; t; m] z x);
           (N.succ (k + 1), pad_to (part_steps 3 1 0) [:: batch; 1; m] z k);
           (k + 1 + 2, Bin z Add (k + 1 + 1) (k + 1 + 0))] => //.
by split=> //; [repeat next_op | last_shape].
Qed.

Lemma select_fits batch t m j : j < t -> fits_here (Layer.Token (Token.Select j)) batch [:: t; m] [:: m].
Proof.
move=> /N.ltb_lt hj; apply: fits_adds => [|p0 m0 x k sh hx es _ _ _ _]; first by rewrite /= hj.
eexists; first by []; split=> //; last by last_shape.
by repeat next_op.
Qed.

(** ** The mean over the places of an image *)
Lemma average_fits batch h w c : 0 < h -> 0 < w -> fits_here Layer.GlobalAvgPool batch [:: h; w; c] [:: c].
Proof.
move=> hh hw; have pos : N.ltb 0 (h * w) by apply/N.ltb_lt; exact: N.mul_pos_pos.
apply: fits_adds => [|p0 m0 x k sh hx es _ _ _ _]; first by rewrite /= pos.
by rewrite /= pos; eexists; first by []; split=> //; [repeat next_op | last_shape].
Qed.

Lemma average_keep_fits batch h w c : filled [:: batch; h; w; c] ->
  fits_here (Layer.Token (Token.Average true)) batch [:: h; w; c] [:: 1; 1; c].
Proof.
move=> pos; apply: fits_adds => // p0 m0 x k sh hx es _ _ _ _.
have av : averaged [:: batch; h; w; c] (Token.between [:: h; w; c]) by rewrite /Ir.averaged pos.
rewrite [Layer.emit _ _ _ _ _ _]/= av; eexists; first by []; split=> //; last by last_shape.
do 3 by repeat next_op.
Qed.

(** ** Greatest cells; all cells in a row *)
Lemma max_pool_fits batch h w c v u : Layer.pool_fits v h -> Layer.pool_fits u w ->
  fits_here (Layer.MaxPool v u) batch [:: h; w; c] [:: Layer.places v h; Layer.places u w; c].
Proof.
move=> hv hu; apply: fits_adds => [|p0 m0 x k sh hx es _ _ _ _]; first by rewrite /= hv hu.
by eexists; first by []; split=> //; [repeat next_op | last_shape].
Qed.

Lemma flatten_fits batch s : fits_here Layer.Flatten batch s [:: size_of s].
Proof.
apply: fits_adds => // p0 m0 x k sh hx es _ _ _ _.
exists [:: (k, Ir.Reshape (batch :: s) [:: batch; size_of s] x)]; first by case: s es.
split=> //; last by last_shape.
apply: wf_step => //; last by operands.
by apply/N.eqb_eq; rewrite /= N.mul_1_r.
Qed.

(** ** Masks *)
Lemma drop_path_fits batch n d s : fits_here (Layer.DropPath n d) batch s s.
Proof.
apply: fits_adds => // p0 m0 x k sh hx es _ _; rewrite /own_values /=; case: (Z.eqb n 0) => /=.
  move=> _ _; eexists; first by case: (s).
  split=> //; last by last_shape.
  by apply: wf_step => //; [rewrite /= N.eqb_refl | operands].
rewrite /past /= => hm pl; have w := pl 0%nat isT; rewrite /= in w.
eexists; first by case: (s).
split=> //; last by last_shape.
apply: wf_step => //; [exact: op_ok_spread | | by next_op].
have e := @kept_first (batch :: s) isT; rewrite /= in e; rewrite /Layer.every_example /= e.
by constructor; [split=> /=; [lia|] | constructor].
Qed.

Lemma dropout_fits batch n d s : fits_here (Layer.Dropout n d) batch s s.
Proof.
apply: fits_adds => // p0 m0 x k sh hx es _ _; rewrite /own_values /=; case: (Z.eqb n 0) => /=.
  move=> _ _; eexists; first by case: (s).
  split=> //; last by last_shape.
  by apply: wf_step => //; [rewrite /= N.eqb_refl | operands].
rewrite /past /= => hm pl; have w := pl 0%nat isT; rewrite /= in w.
eexists; first by case: (s).
by split=> //; [repeat next_op | last_shape].
Qed.

(** ** Attention *)
Section Attention.
Variables (batch t heads p : N).
Let m := heads * p.
Hypotheses (hb : 0 < batch) (ht : 0 < t) (hh : 0 < heads).

Lemma dense_adds n q x w b bias k sh (ps := if bias then [:: w; b] else [:: w]) : x < k -> sh x = [:: batch; t; n] ->
  w < k -> sh w = [:: n; q] -> (bias -> b < k /\ sh b = [:: q]) ->
  exists2 c, Token.dense batch t n q x ps k = Some c & adds c k sh [:: batch; t; q].
Proof.
move=> hx ex hw ew hbias; rewrite /ps; case: bias hbias {ps} => [/(_ isT) [hb' eb]|_].
  by eexists; first by []; split=> //; [repeat next_op | last_shape].
by eexists; first by []; split=> //; [repeat next_op | last_shape].
Qed.

Lemma pairs_positive u : 0 < u -> filled (Attention.pairs batch t u heads).
Proof. by move=> hu; rewrite /= !(proj2 (N.ltb_lt _ _)). Qed.

Lemma part_adds parts j x k sh : x < k -> sh x = [:: batch; t; parts * m] ->
  adds (Attention.part batch heads p parts t j x k) k sh [:: batch; t; heads; p].
Proof.
move=> hq eq; split=> //; last by last_shape.
by repeat next_op.
Qed.

Lemma scores_adds u (causal : bool) q keys k sh : (causal -> u = t) -> q < k -> sh q = [:: batch; t; heads; p] ->
  keys < k -> sh keys = [:: batch; u; heads; p] ->
  adds (Attention.scores batch t u heads p causal q keys k) k sh [:: batch; heads; t; u].
Proof.
move=> sq hq eq hk ek; rewrite /Attention.scores; case: causal sq => [/(_ isT) eu|_]; last first.
  by rewrite cats0; split=> //; [repeat next_op | last_shape].
by subst u; split=> //; [repeat next_op | last_shape].
Qed.

Lemma mixture_adds u scores values k sh : 0 < u -> scores < k -> sh scores = [:: batch; heads; t; u] ->
  values < k -> sh values = [:: batch; u; heads; p] ->
  adds (Attention.mixture batch t u heads p scores values k) k sh [:: batch; t; m].
Proof.
move=> hu hs es hv ev; split=> //; last by last_shape.
by apply: wf_step => //; [apply/andP; split; first exact: pairs_positive | operands |]; repeat next_op.
Qed.

Lemma attend_adds u (causal : bool) q keys values k sh : (causal -> u = t) -> 0 < u ->
  q < k -> sh q = [:: batch; t; heads; p] -> keys < k -> sh keys = [:: batch; u; heads; p] ->
  values < k -> sh values = [:: batch; u; heads; p] ->
  adds (Attention.attend batch t u heads p causal q keys values k) k sh [:: batch; t; m].
Proof.
move=> sq hu hq eq hk ek hv ev; have as_ := scores_adds sq hq eq hk ek.
apply: (adds_cat as_); have ks := adds_keeps as_; have ls := adds_last as_.
have le := adds_next as_.
by apply: mixture_adds; [exact: hu | lia | exact: ls | lia | rewrite ks].
Qed.

Lemma heads_adds causal qkv k sh : qkv < k -> sh qkv = [:: batch; t; 3 * m] ->
  adds (Attention.heads batch t heads p causal qkv k) k sh [:: batch; t; m].
Proof.
move=> hq eq; rewrite /Attention.heads.
have after j q : next_id q (Attention.part batch heads p 3 t j qkv q) = q + 2 by rewrite /next_id /=; lia.
have a0 := @part_adds 3 0 qkv k sh hq eq; apply: (adds_cat a0); rewrite after; set sh0 := shrun _ sh in a0 *.
have k0 := adds_keeps a0; have l0 := adds_last a0; rewrite after in l0; rewrite -/sh0 in k0 l0.
have a1 : adds (Attention.part batch heads p 3 t 1 qkv (k + 2)) (k + 2) sh0 [:: batch; t; heads; p].
  by apply: part_adds; [lia | rewrite k0].
apply: (adds_cat a1); rewrite after; set sh1 := shrun _ sh0 in a1 *.
have k1 := adds_keeps a1; have l1 := adds_last a1; rewrite after in l1; rewrite -/sh1 in k1 l1.
rewrite (_ : k + 2 + 2 = k + 4) in l1 *; last by lia.
have a2 : adds (Attention.part batch heads p 3 t 2 qkv (k + 4)) (k + 4) sh1 [:: batch; t; heads; p].
  by apply: part_adds; [lia | rewrite k1 ?k0 //; lia].
apply: (adds_cat a2); rewrite after; set sh2 := shrun _ sh1 in a2 *.
have k2 := adds_keeps a2; have l2 := adds_last a2; rewrite after in l2; rewrite -/sh2 in k2 l2.
rewrite (_ : k + 4 + 2 = k + 6) in l2 *; last by lia.
have e1 : sh2 (k + 1) = [:: batch; t; heads; p].
  by rewrite k2 ?k1 ?l0 //; lia.
have e3 : sh2 (k + 3) = [:: batch; t; heads; p] by rewrite k2 ?l1 //; lia.
have e5 : sh2 (k + 5) = [:: batch; t; heads; p] by apply: l2; lia.
by apply: attend_adds => //; lia.
Qed.

Lemma attention_adds causal bias p0 x k sh (l := Attention.params bias m) : x < k -> sh x = [:: batch; t; m] ->
  past p0 l <= k -> placed sh p0 l ->
  exists2 c, Attention.emit batch t heads p causal bias (count_from p0 (size l)) x k = Some c
    & adds c k sh [:: batch; t; m].
Proof.
move=> hx ex hp pl.
pose ps := count_from p0 (size l); pose q := Token.dense_count bias.
have [w1 hw1 [b1 hb1 e1]] : exists2 w, w < k /\ sh w = [:: m; 3 * m] &
    exists2 b, (bias -> b < k /\ sh b = [:: 3 * m]) & take q ps = if bias then [:: w; b] else [:: w].
  move: hp pl; rewrite /ps /q /l /past {l ps q}; case: bias => /= hp pl.
    have w := pl 0%nat isT; have b := pl 1%nat isT; rewrite /= in w b.
    by exists (p0 + 0); [split; [lia|] | exists (p0 + 1) => //; split; [lia|]].
  have w := pl 0%nat isT; rewrite /= in w.
  by exists (p0 + 0); [split; [lia|] | exists 0].
have [w2 hw2 [b2 hb2 e2]] : exists2 w, w < k /\ sh w = [:: m; m] &
    exists2 b, (bias -> b < k /\ sh b = [:: m]) & drop q ps = if bias then [:: w; b] else [:: w].
  move: hp pl; rewrite /ps /q /l /past {l ps q e1}; case: bias {hb1} => /= hp pl.
    have w := pl 2%nat isT; have b := pl 3%nat isT; rewrite /= in w b.
    by exists (p0 + 2); [split; [lia|] | exists (p0 + 3) => //; split; [lia|]].
  have w := pl 1%nat isT; rewrite /= in w.
  by exists (p0 + 1); [split; [lia|] | exists 0].
case: hw1 hw2 => [hw1 ew1] [hw2 ew2].
have [c1 d1 a1] := @dense_adds m (3 * m) x w1 b1 bias k sh hx ex hw1 ew1 hb1.
have k1 := adds_keeps a1; have l1 := adds_last a1; have n1 := adds_next a1.
have ah := @heads_adds causal (N.pred (next_id k c1)) (next_id k c1) (shrun c1 sh) _ (l1 _ erefl).
have {}ah := ah (ltac:(lia)).
set hs := Attention.heads _ _ _ _ _ _ _ in ah.
have k2 := adds_keeps ah; have l2 := adds_last ah; have n2 := adds_next ah.
have [||||c2 d2 a2] := @dense_adds m m (N.pred (next_id (next_id k c1) hs)) w2 b2 bias
    (next_id (next_id k c1) hs) (shrun hs (shrun c1 sh)) _ (l2 _ erefl).
- by lia.
- by lia.
- by rewrite k2 ?k1 //; lia.
- by move=> /hb2 [lb eb]; split; [lia | rewrite k2 ?k1 //; lia].
exists (c1 ++ hs ++ c2)%SEQ; last by apply: (adds_cat a1); exact: adds_cat ah a2.
rewrite /Attention.emit -/q -/ps e1 d1 -/hs e2 d2 /=.
by rewrite /ps /q /l; case: (bias).
Qed.
End Attention.

Lemma attention_fits batch t m heads causal bias : 0 < batch -> 0 < t -> Attention.fits heads m ->
  fits_here (Layer.Attention heads causal bias) batch [:: t; m] [:: t; m].
Proof.
move=> hb ht hm; apply: fits_adds => [|p0 m0 x k sh hx es]; first by rewrite /= hm.
have [/N.ltb_lt hh _ /N.eqb_eq em] := and3P hm.
rewrite own_params // /Layer.emit hm [Layer.params _ _]/=.
move: (N.div m heads) em {hm} => p em; move: es; rewrite -em => es hp pl _ _.
exact: attention_adds.
Qed.
