(** * Networks of any depth

    A specification whose layers fit elaborates to a well-formed program, of any
    depth: nothing is left to compute, and the theorem about gradients holds of
    whole families of networks at once ([net_gradient]). [FamiliesNets.v] has
    two, with their kinks as a formula in the depth.

    Glossary
      - [placed sh p0 l]   the values from [p0] on have the shapes in [l]
      - [fits_here l b s s']  on [b] examples of shape [s], layer [l] gives a
                           well-formed program of which the result is [s']
      - [chain_fits b c s] so do all layers of a chain *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Index Denote Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
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

Definition fits_here (l : Layer.t) (batch : N) (s s' : shape) : Prop :=
  Layer.output l s = Some s' /\
  forall p0 x k sh, (x < k)%num -> sh x = batch :: s ->
  (past p0 (Layer.params l s) <= k)%num -> placed sh p0 (Layer.params l s) ->
  exists code, [/\ Layer.emit l batch s (own_values l s p0 None) x k = Some code,
    wf code k sh, code <> [::], shrun code sh (N.pred (next_id k code)) = batch :: s' & no_targets code].

Fixpoint chain_fits (batch : N) (c : chain) (s : shape) : Prop := match c with
| End => True
| Next _ l c' => exists s', fits_here l batch s s' /\ chain_fits batch c' s'
| Merge _ _ a b c' => chain_fits batch a s /\ chain_fits batch b s /\
    exists s', [/\ output_shape a s = Some s', output_shape b s = Some s' & chain_fits batch c' s']
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

Lemma params_next name l c s s' : Layer.output l s = Some s' ->
  params_in (Next name l c) s = of_layer name (Layer.params l s) ++ params_in c s'.
Proof. by move=> h; rewrite /params_in /= h. Qed.
Lemma params_merge name m a b c s s' : output_shape a s = Some s' ->
  params_in (Merge name m a b c) s = params_in a s ++ params_in b s ++ params_in c s'.
Proof. by move=> h; rewrite /params_in /= h !map_cat !flatten_cat. Qed.

Lemma emit_layers_wf batch c s p0 x k sh : chain_fits batch c s -> (x < k)%num -> sh x = batch :: s ->
  (past p0 (params_in c s) <= k)%num -> placed sh p0 (params_in c s) ->
  exists code y o s', [/\ emit_layers batch c s p0 None x k = Some (code, y, o),
    output_shape c s = Some s', wf code k sh, (y < next_id k code)%num
    & shrun code sh y = batch :: s' /\ no_targets code].
Proof.
elim: c s p0 x k sh => [|name l c ih|name m a iha b ihb c ihc] s p0 x k sh.
- move=> _ hx es _ _; exists [::], x, [::], s; split=> //.
  by rewrite /next_id N.add_0_r.
- move=> /= [s' [[ho fit] hc]] hx es; rewrite (params_next name c ho) past_cat past_layer => hp.
  move=> /placed_cat [/placed_layer p1]; rewrite past_layer => p2.
  have hp1 : (past p0 (Layer.params l s) <= k)%num by move: hp; rewrite /past; lia.
  have [code [he w ne er nt]] := fit p0 x k sh hx es hp1 p1.
  have pos : (k < next_id k code)%num by case: code ne {he w er nt} => // i q _; rewrite /next_id /=; lia.
  have kept j : (j < k)%num -> shrun code sh j = sh j by exact: shrun_stable w.
  have [|||code' [y [o [t [he' ho' w' hy [ey nt']]]]]] :=
    ih s' (past p0 (Layer.params l s)) (N.pred (next_id k code)) (next_id k code) (shrun code sh) hc _ er.
  + by lia.
  + by lia.
  + by apply: placed_kept kept p2; lia.
  exists (code ++ code'), y, ([seq (i.1, name) | i <- code] ++ o), t.
  rewrite ho he he'; split=> //; first exact: wf_app w w'.
    by rewrite next_id_cat.
  by split; [rewrite /shrun foldl_cat | rewrite /no_targets all_cat; apply/andP].
move=> /= [fa [fb [s' [oa ob fc]]]] hx es; rewrite (params_merge name m b c oa) !past_cat => hp.
move=> /placed_cat [pa /placed_cat [pb pc]].
have hpa : (past p0 (params_in a s) <= k)%num by move: hp; rewrite /past; lia.
have [ca [ya [la [sa [ea oa' wa hya [eya na]]]]]] := iha s p0 x k sh fa hx es hpa pa.
have ka j : (j < k)%num -> shrun ca sh j = sh j by exact: shrun_stable wa.
have le1 : (k <= next_id k ca)%num by rewrite /next_id; lia.
have [||||cb [yb [lb [sb [eb ob' wb hyb [eyb nb]]]]]] :=
  ihb s (past p0 (params_in a s)) x (next_id k ca) (shrun ca sh) fb.
- by lia.
- by rewrite ka.
- by move: hp; rewrite /past; lia.
- by apply: placed_kept ka pb; move: hp; rewrite /past; lia.
have le2 : (next_id k ca <= next_id (next_id k ca) cb)%num by rewrite /next_id; lia.
set k1 := next_id k ca in ea eb hya hyb wb le1 le2 *; set k2 := next_id k1 cb in hyb le2 *.
set sh1 := shrun ca sh in wb eyb eya ka *; set sh2 := shrun cb sh1 in eyb *.
have kb j : (j < k1)%num -> sh2 j = sh1 j by exact: shrun_stable wb.
move: oa' ob' eya eyb; rewrite oa ob => -[<-] [<-] eya eyb.
pose add : instr := (k2, Bin (batch :: s') (merging_op m) ya yb).
have wadd : wf [:: add] k2 sh2.
  apply: wf_one => //=; constructor; first by split=> /=; [lia | rewrite kb].
  by constructor; [split | constructor].
pose sh3 := upd sh2 k2 (batch :: s').
have k3 j : (j < k2)%num -> sh3 j = sh2 j by move=> hj; rewrite /sh3 updN //; lia.
have [||||cc [yc [lc [sc [ec oc wc hyc [eyc nc]]]]]] :=
  ihc s' (past (past p0 (params_in a s)) (params_in b s)) k2 (N.succ k2) sh3 fc.
- by lia.
- by rewrite /sh3 updE.
- by move: hp; rewrite /past; lia.
- apply: (placed_kept (sh := sh) (k := k)) pc; first by move: hp; rewrite /past; lia.
  by move=> j hj; rewrite k3 ?kb ?ka //; lia.
exists (ca ++ cb ++ add :: cc), yc, (la ++ lb ++ (k2, name) :: lc), sc.
have nx : next_id k (ca ++ cb ++ add :: cc) = next_id (N.succ k2) cc.
  by rewrite !next_id_cat -/k1 -/k2 /next_id /=; lia.
split.
- by rewrite /same_shape eqxx ea eb ec.
- by rewrite /same_shape eqxx /=.
- apply: (wf_app wa); apply: (wf_app wb); rewrite -cat1s; apply: (wf_app wadd).
  by move: wc; rewrite /next_id /= N.add_1_r.
- by rewrite nx.
split; first by rewrite /shrun !foldl_cat.
by rewrite /no_targets !all_cat; apply/and3P.
Qed.

(** ** The whole network *)
Definition grad_shapes (net : spec) (batch : N) (j : N) : shape :=
  nth [::] [seq port_shape a | a <- argument_ports net (Options batch Steps.Grad)] (N.to_nat j).

Lemma grad_shapesE net batch : [seq port_shape a | a <- argument_ports net (Options batch Steps.Grad)]
  = [seq q.2 | q <- net_params net] ++ [:: batch :: input_shape net; logits_shape net batch].
Proof. by rewrite /argument_ports /= !map_cat shapes_ports. Qed.

Lemma targets_fixed_app p i m : no_targets p -> (forall a, a \in [seq q.1 | q <- p] -> Some a <> held i.2) ->
  (forall t, held i.2 = Some t -> aget m t = None) -> targets_fixed_from (p ++ [:: i]) m.
Proof.
elim: p m => [|[d o] p ih] m /=.
  move=> _ _ h; rewrite andbT; case e: (held i.2) => [t|] //.
  by rewrite h.
move=> /andP [hd hp] hn ht; case e: (held o) hd => [t|] // _ /=; apply: ih => // [a ha|t et].
  by apply: hn; rewrite inE ha orbT.
rewrite /depends /=; case: ifP => _; last exact: ht.
rewrite Adjoint.aget_setN; first exact: ht.
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
by rewrite Adjoint.aget_setN.
Qed.

Section Network.
Variables (net : spec) (batch classes_ : N).
Let opts := Options batch Steps.Grad.
Hypothesis loss_is : net_loss net = Loss.SoftmaxCrossEntropy.
Hypothesis some_examples : (0 < batch)%num.
Hypothesis fit : chain_fits batch (layers net) (input_shape net).
Hypothesis out : output_shape (layers net) (input_shape net) = Some [:: classes_].
Hypothesis some_classes : (0 < classes_)%num.
Hypothesis some_params : (0 < total (numbered_params net))%num.
Let nin := first_at net Steps.Grad.
Let sh := grad_shapes net batch.

Lemma classesE : classes net = Some classes_.
Proof. by rewrite /classes out. Qed.

Lemma ids_params : ids (numbered_params net) = first_dims (size (net_params net)).
Proof. by rewrite /ids /numbered_params -/(unzip1 _) unzip1_zip // !size_map size_iota. Qed.

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
by rewrite /logits_shape classesE.
Qed.

Lemma net_elaborates : exists g, [/\ elaborate net batch (position_of net Steps.Grad) = Some g,
  wf (g_prog g) nin sh, N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g))
  & targets_fixed (g_prog g) (ids (numbered_params net))].
Proof.
have data_lt : (data_at net Steps.Grad < nin)%num by rewrite /nin /first_at; lia.
have params_lt : (past 0 (params_in (layers net) (input_shape net)) <= nin)%num.
  by rewrite /nin /first_at /data_at /stats_at /n_params /past -/(net_params net); lia.
have pl : placed sh 0 (params_in (layers net) (input_shape net)).
  by move=> j hj; rewrite N.add_0_l; exact: sh_param.
have [code [y [o [s' [he ho w hy [ey nt]]]]]] := emit_layers_wf fit data_lt sh_data params_lt pl.
move: ho ey; rewrite out => -[<-] ey.
pose k := next_id nin code.
exists (Graph code y (SoftmaxCrossEntropy [:: batch; classes_] y (target_at net Steps.Grad)) k
  (o ++ [:: (k, "the loss"%string)])).
have t_lt : (target_at net Steps.Grad < nin)%num by rewrite /nin /first_at /target_at; lia.
have nin_k : (nin <= k)%num by rewrite /k /next_id; lia.
split.
- by rewrite /elaborate [at_running _]/= he classesE loss_is.
- apply: (wf_app w); apply: wf_one => //=.
    by rewrite (proj2 (N.ltb_lt _ _) some_examples) (proj2 (N.ltb_lt _ _) some_classes).
  constructor; first by split.
  constructor; last by constructor.
  by split=> /=; [lia | rewrite (shrun_stable w) ?sh_target].
- apply/N.eqb_eq; rewrite /g_prog size_cat /= /k /next_id -plusE; lia.
apply: targets_fixed_app => // [a ha [ea]|t [<-]].
  by have := wf_dest w ha; rewrite ea /=; lia.
apply: aget_fold; last exact: Adjoint.aget_empty.
rewrite ids_params; apply/mapP => -[j]; rewrite mem_iota => /andP [_ hj].
rewrite /target_at /data_at /stats_at /n_params /=.
by move/ssrnat.ltP: hj; rewrite add0n; lia.
Qed.

Lemma net_params_ok : params_ok sh nin (numbered_params net).
Proof.
apply/andP; split.
  by rewrite ids_params map_inj_uniq ?iota_uniq //; exact: Nnat.Nat2N.inj.
apply/allP => q /(nthP (0%num, [::])) [j]; rewrite /numbered_params size_zip !size_map size_iota minnn => hj.
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
rewrite /emitted_gradient el; case emitted: loss_grad => [back gs].
exact: (@gradient_sound R net opts g sh back gs _ el emitted wg base net_params_ok targets
  (proj2 (N.ltb_lt _ _) some_params) other θ off).
Qed.
End Network.
