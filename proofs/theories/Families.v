(** * Networks of any depth

    A specification whose layers fit elaborates to a well-formed program, of any
    depth: nothing is left to compute, and the theorem about gradients holds of
    whole families of networks at once ([net_gradient]). The other files
    [Families*.v] have such, with their kinks as a formula.

    Glossary
      - [placed sh p0 l]   the values from [p0] on have the shapes in [l]
      - [with_batch b l]   tensors of one example as those of [b] examples
      - [fits_here l b s s']  on [b] examples of shape [s], layer [l] gives a
                           well-formed program of which the result is [s']
      - [waits b k sh p]   the branch's output [p] is a value below [k]
      - [joins_here j b ss s]  so does join [j] on branches of shapes [ss]
      - [chain_fits b c ss s] so do all layers and joins of a chain, where
                           branches of shapes [ss] wait; not said of chains that
                           use parameters again *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning MeaningSound Steps StepsFacts StepSound Main Witness.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.

(** ** Well-formed programs, one after the other *)
Lemma wf_one d o p k sh : d = k -> op_ok o ->
  List.Forall (fun a => (a.1 < k)%num /\ sh a.1 = a.2) (oargs o) ->
  wf p (N.succ k) (upd sh k (oshape o)) -> wf ((d, o) :: p) k sh.
Proof.
move=> -> ok ha w; rewrite /= N.eqb_refl ok w andbT /=.
by elim: ha => //= a l [h1 ->] _ ->; rewrite eqxx (proj2 (N.ltb_lt _ _) h1).
Qed.

Lemma wf_app p q k sh : wf p k sh -> wf q (next_id k p) (shrun p sh) -> wf (p ++ q) k sh.
Proof.
rewrite /next_id; elim: p k sh => [|[d o] p ih] k sh; first by rewrite N.add_0_r.
rewrite [size _]/= Nnat.Nat2N.inj_succ N.add_succ_r -N.add_succ_l.
by move=> /and4P [hd ok ha w] h; apply/and4P; split=> //; move/N.eqb_eq: hd h => -> h; exact: ih.
Qed.

Lemma next_id_cat k p q : next_id k (p ++ q) = next_id (next_id k p) q.
Proof. by rewrite /next_id size_cat -plusE; lia. Qed.

(** ** One layer *)
Definition placed (sh : N -> shape) (p0 : N) (l : seq (string * shape)) : Prop :=
  forall j, (j < size l)%nat -> sh (p0 + N.of_nat j)%num = (nth (""%string, [::]) l j).2.

Definition no_targets (p : prog) : bool := all (fun i => ~~ isSome (held i.2)) p.

Definition with_batch (batch : N) (l : seq (string * shape)) : seq (string * shape) :=
  [seq (q.1, batch :: q.2) | q <- l].

Definition fits_here (l : Layer.t) (batch : N) (s s' : shape) : Prop :=
  Layer.output l s = Some s' /\
  forall p0 m0 x k sh, (x < k)%num -> sh x = batch :: s ->
  (past p0 (Layer.params l s) <= k)%num -> placed sh p0 (Layer.params l s) ->
  (past m0 (Layer.masks l s) <= k)%num -> placed sh m0 (with_batch batch (Layer.masks l s)) ->
  exists code, [/\ Layer.emit l batch s (own_values l s p0 (Masks m0)) x k = Some code,
    wf code k sh, code <> [::], shrun code sh (N.pred (next_id k code)) = batch :: s' & no_targets code].

(** ** One join *)
Definition waits (batch k : N) (sh : N -> shape) (p : part) : Prop :=
  (p.1 < k)%num /\ sh p.1 = batch :: p.2.

Definition joins_here (j : joining) (batch : N) (ss : seq shape) (s : shape) : Prop :=
  joined_shape j ss = Some s /\
  forall parts k sh, unzip2 parts = ss -> List.Forall (waits batch k sh) parts ->
  let: (code, y) := emit_join j batch s parts k in
  [/\ wf code k sh, (y < next_id k code)%num, shrun code sh y = batch :: s & no_targets code].

Lemma waits_kept batch k k' sh sh' parts : (k <= k')%num -> (forall j, (j < k)%num -> sh' j = sh j) ->
  List.Forall (waits batch k sh) parts -> List.Forall (waits batch k' sh') parts.
Proof. by move=> hk e; apply: List.Forall_impl => -[y s] [/= hy es]; split=> /=; [lia | rewrite e]. Qed.

Lemma merge_parts_wf b batch s n y parts k sh : unzip2 parts = nseq n s -> waits batch k sh (y, s) ->
  List.Forall (waits batch k sh) parts ->
  let: (code, z) := merge_parts b batch s y parts k in
  [/\ wf code k sh, (z < next_id k code)%num, shrun code sh z = batch :: s & no_targets code].
Proof.
elim: parts n y k sh => [|[z s'] parts ih] [|n] y k sh //= es [/= hy ey] hw.
  by split=> //; rewrite /next_id N.add_0_r.
move: es hw => [-> es] hw {s'}; have [/= hz ez] := List.Forall_inv hw; have hp := List.Forall_inv_tail hw.
rewrite /stretch eqxx (_ : next_id k [::] = k); last exact: N.add_0_r.
pose sh' := upd sh k (batch :: s).
have kept j : (j < k)%num -> sh' j = sh j by move=> hj; rewrite /sh' updN //; lia.
have := ih n k (N.succ k) sh' es; case: merge_parts => c w [].
- by split=> /=; [lia | rewrite /sh' updE].
- by apply: waits_kept kept hp; lia.
move=> wc hc ec nc; have nx : next_id k ((k, Bin (batch :: s) b y z) :: c) = next_id (N.succ k) c.
  by rewrite /next_id [size _]/=; lia.
split=> //; last by rewrite nx.
by apply: wf_one => //=; constructor; [split | constructor; [split | constructor]].
Qed.

Lemma stretches_itself s : stretches s s.
Proof. by rewrite /stretches eqxx; elim: s => //= a s ->; rewrite N.eqb_refl orbT. Qed.
Lemma widened_itself s : widened s s = s.
Proof. by elim: s => //= a s; rewrite /widened /= => ->; case: ifP. Qed.

(** Element by element, of one shape. *)
Lemma merge_fits (m : merging) batch n s : joins_here m batch (nseq n.+1 s) s.
Proof.
split=> [|parts k sh].
  have e : foldl widened s (nseq n s) = s by elim: n => //= n ih; rewrite widened_itself.
  by rewrite /= e stretches_itself all_nseq stretches_itself orbT.
case: parts => [|[y s'] parts] //= [-> es] hw; inversion hw as [|? ? hy hp]; subst.
rewrite /stretch eqxx /=; have := @merge_parts_wf (merging_op m) batch s n y parts k sh es hy hp.
by rewrite /next_id N.add_0_r; case: merge_parts.
Qed.

Fixpoint chain_fits (batch : N) (c : chain) (ready : seq shape) (s : shape) : Prop := match c with
| End => ready = [::]
| Next _ l c' => exists s', fits_here l batch s s' /\ chain_fits batch c' ready s'
| Branch a c' => chain_fits batch a [::] s /\
    exists t, output_shape a [::] s = Some t /\ chain_fits batch c' (rcons ready t) s
| Join _ j c' => exists t, joins_here j batch ready t /\ chain_fits batch c' [::] t
| Again _ _ _ _ => False
end.

(** ** All layers *)
Lemma placed_cat sh p0 a b : placed sh p0 (a ++ b) -> placed sh p0 a /\ placed sh (past p0 a) b.
Proof.
move=> h; split=> j hj.
  by rewrite h ?size_cat ?ltn_addr // nth_cat hj.
have := h (size a + j)%nat; rewrite size_cat ltn_add2l hj nth_cat ltnNge leq_addr /= addKn => <- //.
by rewrite /past -plusE; congr sh; lia.
Qed.

Lemma placed_layer sh p0 name l : placed sh p0 (of_layer name l) -> placed sh p0 l.
Proof.
move=> h j hj; rewrite h ?size_map // /of_layer.
by rewrite (nth_map (""%string, [::])).
Qed.

Lemma placed_kept sh sh' p0 l k : (past p0 l <= k)%num -> (forall j, (j < k)%num -> sh' j = sh j) ->
  placed sh p0 l -> placed sh' p0 l.
Proof.
move=> hk e h j hj; rewrite e ?h //; rewrite /past in hk.
by move/ssrnat.ltP: hj; lia.
Qed.

Lemma past_cat T (p0 : N) (a b : seq T) : past p0 (a ++ b) = past (past p0 a) b.
Proof. by rewrite /past size_cat -plusE; lia. Qed.
Lemma past_layer p0 name l : past p0 (of_layer name l) = past p0 l.
Proof. by rewrite /past size_map. Qed.

Lemma params_next name l c ready s s' : Layer.output l s = Some s' ->
  params_in (Next name l c) ready s = of_layer name (Layer.params l s) ++ params_in c ready s'.
Proof. by move=> h; rewrite /params_in /= h. Qed.
Lemma params_branch a c ready s t : output_shape a [::] s = Some t ->
  params_in (Branch a c) ready s = params_in a [::] s ++ params_in c (rcons ready t) s.
Proof. by move=> h; rewrite /params_in /= h map_cat flatten_cat. Qed.
Lemma params_join name j c ready s t : joined_shape j ready = Some t ->
  params_in (Join name j c) ready s = params_in c [::] t.
Proof. by move=> h; rewrite /params_in /= h. Qed.

Lemma past_batch m0 batch l : past m0 (with_batch batch l) = past m0 l.
Proof. by rewrite /past size_map. Qed.
Lemma with_batch_cat batch a b : with_batch batch (a ++ b) = with_batch batch a ++ with_batch batch b.
Proof. exact: map_cat. Qed.
Lemma with_batch_layer batch name l : with_batch batch (of_layer name l) = of_layer name (with_batch batch l).
Proof. by rewrite /with_batch /of_layer -!map_comp. Qed.

Lemma emit_layers_wf batch c ready s p0 m0 x k sh : chain_fits batch c (unzip2 ready) s ->
  (x < k)%num -> sh x = batch :: s -> List.Forall (waits batch k sh) ready ->
  (past p0 (params_in c (unzip2 ready) s) <= k)%num -> placed sh p0 (params_in c (unzip2 ready) s) ->
  (past m0 (masks_in c (unzip2 ready) s) <= k)%num ->
  placed sh m0 (with_batch batch (masks_in c (unzip2 ready) s)) ->
  exists code y o s', [/\ emit_layers batch c ready s p0 (Masks m0) x k = Some (code, y, o),
    output_shape c (unzip2 ready) s = Some s', wf code k sh, (y < next_id k code)%num
    & shrun code sh y = batch :: s' /\ no_targets code].
Proof.
elim: c ready s p0 m0 x k sh => [|name l c ih|a iha c ih|name j c ih|//] ready s p0 m0 x k sh.
- move=> /= hr hx es _ _ _ _ _; have -> : ready = [::] by case: ready hr.
  by exists [::], x, [::], s; split=> //; rewrite /next_id N.add_0_r.
- move=> /= [s' [[ho fit] hc]] hx es hr; rewrite ho /= (params_next name c _ ho) !past_cat !past_layer => hp.
  move=> /placed_cat [/placed_layer p1]; rewrite past_layer => p2 hm.
  rewrite with_batch_cat with_batch_layer => /placed_cat [/placed_layer m1]; rewrite past_layer past_batch => m2.
  have hp1 : (past p0 (Layer.params l s) <= k)%num by move: hp; rewrite /past; lia.
  have hm1 : (past m0 (Layer.masks l s) <= k)%num by move: hm; rewrite /past; lia.
  have [code [he w ne er nt]] := fit p0 m0 x k sh hx es hp1 p1 hm1 m1.
  have pos : (k < next_id k code)%num by case: code ne {he w er nt} => // i q _; rewrite /next_id /=; lia.
  have kept i : (i < k)%num -> shrun code sh i = sh i by exact: shrun_stable w.
  have [||||||code' [y [o [t [he' ho' w' hy [ey nt']]]]]] := ih ready s' (past p0 (Layer.params l s))
    (past m0 (Layer.masks l s)) (N.pred (next_id k code)) (next_id k code) (shrun code sh) hc _ er.
  + by lia.
  + by apply: waits_kept kept hr; lia.
  + by lia.
  + by apply: placed_kept kept p2; lia.
  + by lia.
  + by apply: placed_kept kept m2; rewrite ?past_batch; lia.
  exists (code ++ code'), y, ([seq (i.1, name) | i <- code] ++ o), t.
  rewrite he he'; split=> //; first exact: wf_app w w'.
    by rewrite next_id_cat.
  by split; [rewrite /shrun foldl_cat | rewrite /no_targets all_cat; apply/andP].
- move=> /= [fa [t [oa fc]]] hx es hr; rewrite oa (params_branch c _ oa) !past_cat => hp /placed_cat [pa pc] hm.
  rewrite with_batch_cat => /placed_cat [ma]; rewrite past_batch => mc.
  have hpa : (past p0 (params_in a [::] s) <= k)%num by move: hp; rewrite /past; lia.
  have hma : (past m0 (masks_in a [::] s) <= k)%num by move: hm; rewrite /past; lia.
  have [ca [ya [la [sa [ea oa' wa hya [eya na]]]]]] :=
    iha [::] s p0 m0 x k sh fa hx es (List.Forall_nil _) hpa pa hma ma.
  move: oa' eya; rewrite [X in X = _]oa => -[<-] eya.
  have kept i : (i < k)%num -> shrun ca sh i = sh i by exact: shrun_stable wa.
  have le : (k <= next_id k ca)%num by rewrite /next_id; lia.
  have := ih (rcons ready (ya, t)) s (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) x
    (next_id k ca) (shrun ca sh).
  rewrite unzip2_rcons => /(_ fc) [||||||| cc [yc [lc [sc [ec oc wc hyc [eyc nc]]]]]].
  + by lia.
  + by rewrite kept.
  + rewrite -cats1; apply/List.Forall_app; split; first exact: waits_kept le kept hr.
    by constructor; [split | constructor].
  + by lia.
  + exact: placed_kept kept pc.
  + by lia.
  + by apply: placed_kept kept mc; rewrite ?past_batch.
  exists (ca ++ cc), yc, (la ++ lc), sc; rewrite ea ec; split=> //; first exact: wf_app wa wc.
    by rewrite next_id_cat.
  by split; [rewrite /shrun foldl_cat | rewrite /no_targets all_cat; apply/andP].
move=> /= [t [[oj fit] fc]] hx es hr; rewrite oj (params_join name c _ oj) => hp pc hm mc.
have := fit ready k sh erefl hr; case: emit_join => cj yj [wj hyj eyj nj].
have kept i : (i < k)%num -> shrun cj sh i = sh i by exact: shrun_stable wj.
have le : (k <= next_id k cj)%num by rewrite /next_id; lia.
have [||||cc [yc [lc [sc [ec oc wc hyc [eyc nc]]]]]] :=
  ih [::] t p0 m0 yj (next_id k cj) (shrun cj sh) fc hyj eyj (List.Forall_nil _).
- by apply: N.le_trans le.
- by apply: placed_kept kept pc.
- by apply: N.le_trans le.
- by apply: placed_kept kept mc; rewrite ?past_batch.
exists (cj ++ cc), yc, ([seq (i.1, name) | i <- cj] ++ lc), sc; rewrite ec; split=> //; first exact: wf_app wj wc.
  by rewrite next_id_cat.
by split; [rewrite /shrun foldl_cat | rewrite /no_targets all_cat; apply/andP].
Qed.

(** Without a chain that is used again, each layer finds its own running statistics. *)
Lemma own_stats_fit batch c ready s ss before after : chain_fits batch c ready s ->
  ss = before ++ [seq q.2 | q <- stats_in c ready s] ++ after ->
  stats_fit ss c ready s (N.of_nat (size before)).
Proof.
have next (l m : seq shape) : past (N.of_nat (size l)) m = N.of_nat (size (l ++ m)).
  by rewrite /past size_cat -plusE; lia.
elim: c ready s before after => [|name l c ih|a iha c ih|name j c ih|//] ready s before after //=.
- move=> [s' [[hs _] fc]]; rewrite hs /stats_in /= hs map_cat -catA.
  rewrite (_ : [seq q.2 | q <- of_layer _ _] = [seq q.2 | q <- Layer.stats l s]); last first.
    by rewrite /of_layer -map_comp.
  move=> e; apply/andP; split; first by rewrite e Nnat.Nat2N.id drop_size_cat ?take_size_cat.
  rewrite (_ : past _ _ = past (N.of_nat (size before)) [seq q.2 | q <- Layer.stats l s]); last first.
    by rewrite /past size_map.
  by rewrite next; apply: ih fc _; rewrite -catA e.
- move=> [fa [t [hs fc]]]; rewrite hs /stats_in /= hs map_cat flatten_cat map_cat -catA => e.
  apply/andP; split; first exact: iha fa e.
  rewrite (_ : past _ _ = past (N.of_nat (size before)) [seq q.2 | q <- stats_in a [::] s]); last first.
    by rewrite /past size_map.
  by rewrite next; apply: ih fc _; rewrite -catA e.
by move=> [t [[hs _] fc]]; rewrite hs /stats_in /= hs; exact: ih fc.
Qed.

(** ** The whole network *)
Definition grad_shapes (net : spec) (batch : N) (j : N) : shape :=
  nth [::] [seq port_shape a | a <- argument_ports net (Options batch Steps.Grad)] (N.to_nat j).

Lemma grad_shapesE net batch : [seq port_shape a | a <- argument_ports net (Options batch Steps.Grad)]
  = [seq q.2 | q <- net_params net]
    ++ [:: batch :: input_shape net, logits_shape net batch & [seq batch :: q.2 | q <- net_masks net]].
Proof. by rewrite /argument_ports /= map_cat shapes_ports /= map_cat shapes_ports cats0 -map_comp. Qed.

Lemma targets_fixed_app p i m : no_targets p -> (forall a, a \in [seq q.1 | q <- p] -> Some a <> held i.2) ->
  (forall t, held i.2 = Some t -> aget m t = None) -> targets_fixed_from (p ++ [:: i]) m.
Proof.
elim: p m => [|[d o] p ih] m /=.
  move=> _ _ h; rewrite andbT; case e: (held i.2) => [t|] //.
  by rewrite h.
move=> /andP [hd hp] hn ht; case e: (held o) hd => [t|] // _ /=; apply: ih => // [a ha|t et].
  by apply: hn; rewrite inE ha orbT.
rewrite /depends /=; case: ifP => _; last exact: ht.
rewrite AdjointState.aget_setN; first exact: ht.
by move=> etd; apply: (hn d); rewrite ?mem_head // et etd.
Qed.

Lemma wf_dest p k sh d : wf p k sh -> d \in [seq q.1 | q <- p] -> (k <= d)%num.
Proof.
elim: p k sh => [|[d' o] p ih] k sh // w; have [e _ _ w'] := wf_cons w; subst d'.
by rewrite inE => /orP [/eqP -> /=|/(ih _ _ w')]; lia.
Qed.

Lemma aget_fold l j (m : amap) : j \notin l -> aget m j = None ->
  aget (foldr (fun j m => aset m j 0%num) m l) j = None.
Proof.
move=> hj hm; elim: l hj => //= a l ih; rewrite inE negb_or => /andP [/eqP ne /ih h].
by rewrite AdjointState.aget_setN.
Qed.

Section Network.
Variables (net : spec) (batch classes_ : N).
Let opts := Options batch Steps.Grad.
Hypothesis loss_is : net_loss net = Loss.SoftmaxCrossEntropy.
Hypothesis some_examples : (0 < batch)%num.
Hypothesis fit : chain_fits batch (layers net) [::] (input_shape net).
Hypothesis out : output_shape (layers net) [::] (input_shape net) = Some [:: classes_].
Hypothesis some_classes : (0 < classes_)%num.
Hypothesis some_params : (0 < total (numbered_params net))%num.
Let nin := first_at net Steps.Grad.
Let sh := grad_shapes net batch.

Lemma outputE : output_of net = Some [:: classes_].
Proof. exact: out. Qed.

Lemma ids_params : ids (numbered_params net) = first_dims (size (net_params net)).
Proof. by rewrite /ids numbered_paramsE -/(unzip1 _) unzip1_zip // !size_map size_iota. Qed.

Lemma sh_param j : (j < size (net_params net))%nat ->
  sh (N.of_nat j) = (nth (""%string, [::]) (net_params net) j).2.
Proof.
move=> hj; rewrite /sh /grad_shapes grad_shapesE Nnat.Nat2N.id nth_cat size_map hj.
by rewrite (nth_map (""%string, [::])).
Qed.

Lemma sh_data : sh (data_at net Steps.Grad) = batch :: input_shape net.
Proof.
rewrite /sh /grad_shapes grad_shapesE /data_at /stats_at /n_params /= !N.add_0_r Nnat.Nat2N.id.
by rewrite nth_cat size_map ltnn subnn.
Qed.

Lemma sh_target : sh (target_at net Steps.Grad) = [:: batch; classes_].
Proof.
rewrite /sh /grad_shapes grad_shapesE /target_at /data_at /stats_at /n_params /= !N.add_0_r.
rewrite N.add_1_r Nnat.N2Nat.inj_succ Nnat.Nat2N.id nth_cat size_map ltnNge leqnSn /= subSnn /=.
by rewrite /logits_shape outputE.
Qed.

Lemma sh_mask j : (j < size (net_masks net))%nat ->
  sh (masks_at net Steps.Grad + N.of_nat j) = batch :: (nth (""%string, [::]) (net_masks net) j).2.
Proof.
move=> hj; rewrite /sh /grad_shapes grad_shapesE /masks_at /data_at /stats_at /n_params /= !N.add_0_r.
have -> : N.to_nat (N.of_nat (size (net_params net)) + 2 + N.of_nat j) = (size (net_params net) + j.+2)%nat.
  by rewrite -plusE; lia.
rewrite nth_cat size_map ltnNge leq_addr /= addKn /=.
by rewrite (nth_map (""%string, [::])).
Qed.

Lemma net_elaborates : exists g, [/\ elaborate net batch (position_of net Steps.Grad) = Some g,
  wf (g_prog g) nin sh, N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g))
  & targets_fixed (g_prog g) (ids (numbered_params net))].
Proof.
have data_lt : (data_at net Steps.Grad < nin)%num by rewrite /nin /first_at; lia.
have params_lt : (past 0 (params_in (layers net) [::] (input_shape net)) <= nin)%num.
  by rewrite /nin /first_at /data_at /stats_at /n_params /past -/(net_params net); lia.
have pl : placed sh 0 (params_in (layers net) [::] (input_shape net)).
  by move=> j hj; rewrite N.add_0_l; exact: sh_param.
have masks_lt : (past (masks_at net Steps.Grad) (masks_in (layers net) [::] (input_shape net)) <= nin)%num.
  by rewrite /nin /first_at /masks_at /n_masks /past -/(net_masks net); lia.
have ml : placed sh (masks_at net Steps.Grad)
    (with_batch batch (masks_in (layers net) [::] (input_shape net))).
  move=> j; rewrite size_map => hj; rewrite sh_mask // /with_batch (nth_map (""%string, [::])) //.
have [code [y [o [s' [he ho w hy [ey nt]]]]]] :=
  emit_layers_wf (ready := [::]) fit data_lt sh_data (List.Forall_nil _) params_lt pl masks_lt ml.
move: ho ey; rewrite /= out => -[<-] ey.
pose k := next_id nin code.
exists (Graph code y [:: (k, SoftmaxCrossEntropy [:: batch; classes_] y (target_at net Steps.Grad))] k
  (o ++ [:: (k, "the loss"%string)])).
have t_lt : (target_at net Steps.Grad < nin)%num by rewrite /nin /first_at /target_at; lia.
have nin_k : (nin <= k)%num by rewrite /k /next_id; lia.
have logits : Loss.some_logits [:: batch; classes_].
  by rewrite /Loss.some_logits /= (proj2 (N.ltb_lt _ _) some_examples) (proj2 (N.ltb_lt _ _) some_classes).
have fits : Loss.fits Loss.SoftmaxCrossEntropy [:: batch; classes_] by rewrite /Loss.fits logits.
split.
- rewrite /elaborate [at_reading _]/= he outputE loss_is fits.
  rewrite (own_stats_fit (before := [::]) (after := [::]) fit) ?cats0 //=; congr (Some (Graph _ _ _ _ _)).
  by rewrite /next_id /= -/(next_id nin code) -/k; lia.
- apply: (wf_app w); apply: wf_one => //=.
  constructor; first by split.
  constructor; last by constructor.
  by split=> /=; [lia | rewrite (shrun_stable w) ?sh_target].
- apply/N.eqb_eq; rewrite /g_prog size_cat /= /k /next_id -plusE; lia.
apply: targets_fixed_app => // [a ha [ea]|t [<-]].
  by have := wf_dest w ha; rewrite ea /=; lia.
apply: aget_fold; last exact: AdjointState.aget_empty.
rewrite ids_params; apply/mapP => -[j]; rewrite mem_iota => /andP [_ hj].
rewrite /target_at /data_at /stats_at /n_params /=.
by move/ssrnat.ltP: hj; rewrite add0n; lia.
Qed.

Lemma net_params_ok : params_ok sh nin (numbered_params net).
Proof.
apply/andP; split.
  by rewrite ids_params map_inj_uniq ?iota_uniq //; exact: Nnat.Nat2N.inj.
apply/allP => q /(nthP (0%num, [::])) [j]; rewrite numbered_paramsE size_zip !size_map size_iota minnn => hj.
rewrite nth_zip ?size_map ?size_iota // => <- /=.
rewrite (nth_map 0%nat) ?size_iota // nth_iota // add0n (nth_map (""%string, [::])) // sh_param // eqxx andbT.
apply/N.ltb_lt; rewrite /nin /first_at /data_at /stats_at /n_params.
by move/ssrnat.ltP: hj; lia.
Qed.

Theorem net_gradient (R : realType) (other : env R) (θ : θ_space R net) :
  off_kinks opts (kinks_of net) other θ ->
  is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ (emitted_gradient batch other θ).
Proof.
move=> off; have [g [el wg base targets]] := net_elaborates.
have training : which opts <> Forward by [].
rewrite /emitted_gradient el; case emitted: loss_grad => [back gs].
exact: (@gradient_sound R net opts g sh back gs training el emitted wg base net_params_ok targets
  (proj2 (N.ltb_lt _ _) some_params) other θ off).
Qed.
End Network.
