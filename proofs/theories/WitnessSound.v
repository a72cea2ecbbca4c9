(** * What a witness implies

    [witness_sound]: where [witness] computes to true, the premise of the theorem
    about gradients is met, and what follows is not trivial.

    Glossary
      - [meets k]          the kink is where branches in a maximum meet
      - [layer_values_sound]  the values in the list are the inputs of the layers *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String.
From Coq Require QArith_base.
From Cotangent Require Import Ir IndexFacts DenoteFacts SmoothFacts Tangent Differential Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Number Canonical NumberSound TwinSound RationalSound.
From Cotangent Require Import Spec Meaning MeaningLayerSound MeaningJoinSound MeaningSound Steps StepSound Check CheckSound Main.
From Cotangent Require Export Witness.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.
Local Notation Q := QArith_base.Q.
Local Notation Qeq_bool := QArith_base.Qeq_bool.

(** ** The values are the inputs *)
Section Values.
Variable R : realType.

Definition meets (k : kink) : bool := if k is MeetAt _ then true else false.

Lemma no_join_inputs (V : Type) name j z (parts : seq (shape * (V -> tensor R))) :
  ~~ has meets (kinks_of_join name j) -> join_inputs name j z parts = [::].
Proof. by case: j => [[]||?]. Qed.

Lemma layer_values_sound (V : normedModType R) batch (theta : V -> N -> tensor R) c ready
    (rm : seq (shape * (V -> tensor R))) s p0 m0 x k code y o E xm :
  emit_layers batch c ready s p0 (Masks m0) x k = Some (code, y, o) -> ~~ has meets (kinks_in c) ->
  (forall v, computes (E v) code) ->
  (forall v, eqt (batch :: s) (E v x) (xm v)) ->
  holds_family batch E ready rm ->
  (forall v, agree (E v) (theta v) 0 (p0 + param_count c (unzip2 ready) s)) ->
  (forall v, agree (E v) (theta v) m0 (mask_count c (unzip2 ready) s)) ->
  List.Forall2 (fun q r => q.1 = r.1 /\ forall v, eqt q.1.2 (E v q.2) (r.2 v))
    (layer_values batch c ready s p0 m0 x k) (inputs_through batch theta c rm s p0 m0 xm).
Proof.
have nil := List.Forall2_nil.
elim: c ready rm s p0 m0 x k code y o xm
    => [|name l c ih|a iha c ih|name j c ih|p st a iha c ih] ready rm s p0 m0 x k code y o xm /=.
- by constructor.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _]; rewrite has_cat negb_or => /andP [_ nm] h12 hx hr.
  have [-> ->] := counts_next name c (unzip2 ready) hs; move=> hp hm; constructor; first by split.
  apply: (ih _ _ s' _ _ _ _ _ _ _ _ he nm) => // v; first by have [] := computes_cat (h12 v).
  - have [h1 _] := computes_cat (h12 v); have [hp1 _] := agree_next (hp v).
    by have [hm1 _] := agree_split (hm v); exact: next_sound hs hc h1 (hx v) hp1 hm1.
  - by have [] := agree_next (hp v).
  by have [] := agree_split (hm v).
- case hs: (output_shape a) => [t|] //.
  case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
  move=> [<- _ _]; rewrite has_cat negb_or => /andP [na nc] h12 hx hr.
  have [-> ->] := counts_branch c (unzip2 ready) hs; move=> hp hm.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  have hp1 v := proj1 (agree_next (hp v)); have hp2 v := proj2 (agree_next (hp v)).
  have hm1 v := proj1 (agree_split (hm v)); have hm2 v := proj2 (agree_split (hm v)).
  apply: List.Forall2_app; first exact: iha ea na h1 hx (nil _ _ _) hp1 hm1.
  have ya v : eqt (batch :: t) (E v y1) (through batch (theta v) a [::] s p0 (Masks m0) (xm v)).
    have [t' ea' ya] := emit_layers_sound ea (h1 v) (hx v) (nil _ _ _) (hp1 v) (hm1 v).
    by move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
  have h := ih _ _ _ _ _ _ _ _ _ _ _ ec nc h2 hx (family_rcons hr ya).
  by rewrite unzip2_rcons in h; exact: h hp2 hm2.
- case hj: joined_shape => [t|] //; case hc: emit_join => [c1 y1].
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _]; rewrite has_cat negb_or => /andP [nj nc] h12 hx hr.
  have [-> ->] := counts_join name c s hj => hp hm; rewrite no_join_inputs // -(family_shapes hr) hj /= ?hc.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  have hy v := emit_join_sound hj hc (h1 v) (family_at v hr).
  exact: ih _ _ _ _ _ _ _ _ _ _ _ he nc h2 hy (nil _ _ _) hp hm.
case share: may_share => //; case hs: (output_shape a) => [t|] //.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
move=> [<- _ _]; rewrite has_cat negb_or => /andP [na nc] h12 hx hr.
have [-> ->] := counts_again p st c (unzip2 ready) hs; move=> hp hm.
have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
have hpa v := agree_shared share (hp v).
have hm1 v := proj1 (agree_split (hm v)); have hm2 v := proj2 (agree_split (hm v)).
apply: List.Forall2_app; first exact: iha ea na h1 hx (nil _ _ _) hpa hm1.
have ya v : eqt (batch :: t) (E v y1) (through batch (theta v) a [::] s p (Masks m0) (xm v)).
  have [t' ea' ya] := emit_layers_sound ea (h1 v) (hx v) (nil _ _ _) (hpa v) (hm1 v).
  by move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
exact: ih _ _ _ _ _ _ _ _ _ _ _ ec nc h2 ya hr hp hm2.
Qed.
End Values.

Lemma Forall2_In (T U : Type) (P : T -> U -> Prop) l l' u : List.Forall2 P l l' -> List.In u l' ->
  exists2 t, List.In t l & P t u.
Proof.
by elim=> [|x y {}l {}l' hx _ ih] //= [<-|/ih [t ht hu]]; [exists x; [left|] | exists t; [right|]].
Qed.

Lemma get_arguments k ss l j t : get (arguments k ss l) j = Some t -> (k <= j < k + N.of_nat (size ss))%num.
Proof.
have none : get (FMapPositive.PositiveMap.empty q_tensor) j = Some t -> False.
  by rewrite /get FMapPositive.PositiveMap.gempty.
elim: ss k l => [|s ss ih] k [|x l] /= h; try by case: (none h).
move: h; rewrite get_set; case: N.eqb_spec => [-> _|_ /ih]; lia.
Qed.

(** ** At one point *)
Section Point.
Variables (R : realType) (net : spec) (batch : N) (g : graph) (ms sg sb : shapes) (back : prog) (gs : seq N).
Let opts := Options batch Steps.Grad.
Let nin := first_at net Steps.Grad.
Let params := numbered_params net.
Let sh := shape_in ms.
Hypothesis el : elaborate net batch (position_of net Steps.Grad) = Some g.
Hypothesis emitted : loss_grad (g_prog g) (N.succ (g_loss g)) (g_loss g) params = (back, gs).
Hypothesis wfg : well_formed (g_prog g) nin ms = Some sg.
Hypothesis wfb : well_formed (g_prog g ++ back) nin ms = Some sb.
Hypothesis base : N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g)).
Hypothesis params_fit : params_ok sh nin params.
Hypothesis targets : targets_fixed (g_prog g) (ids params).
Hypothesis pos : N.ltb 0 (total params).
Variables (m : point) (other : env R) (θ : θ_space R net).
Hypothesis at_point : shows nin sh (at_θ other θ) m.
Variables (n : nat) (i : idx) (c : Q).
Hypothesis n_fit : (n < size params)%nat.
Hypothesis s_fit : has_shape sb (nth 0%num gs n, (nth (0%num, [::]) params n).2).
Hypothesis i_fit : inb (nth (0%num, [::]) params n).2 i.
Hypothesis computed : q_gradient net batch g sg back gs m n i = Some c.

Lemma has_shapeE (l : shapes) j s : has_shape l (j, s) -> shape_in l j = s.
Proof. by rewrite /has_shape /shape_in; case: get => //= u /shape_eqbP. Qed.

Lemma point_off_kinks : off_kinks opts (kinks_of net) other θ.
Proof.
move: computed; rewrite /q_gradient; case: ifP => // /and3P [off shapes_ok kinks_off] _.
have [wg shg] := well_formedP wfg.
pose A := @at_θ R net other; pose E v := run (g_prog g) (A v).
pose T (v : θ_space R net) : env R := Gradient.place params (Gradient.entries v) (fun _ _ => 0).
have hf j : (j < nin)%num -> follows θ A T (j, sh j) by move=> _ k _; exact: inputs_diff.
have sm : smooth_run θ (g_prog g) A := q_off_sound wg hf at_point off.
have hrun := run_diff wg hf sm.
have hq := q_run_sound wg at_point.
have kept v j : (j < nin)%num -> E v j = A v j by exact: run_stable wg.
have data_lt : (data_at net Steps.Grad < nin)%num := below_data net opts.
have no_meets : ~~ has meets (kinks_of net).
  by rewrite -all_predC; apply: sub_all kinks_off; case.
have F : List.Forall2 (fun q r => q.1 = r.1 /\ forall v, eqt q.1.2 (E v q.2) (r.2 v))
    (net_values net batch (masks_at net Steps.Grad) (position_of net Steps.Grad)) (inputs_at net opts A).
  move: el wg; rewrite /elaborate; case he: emit_layers => [[[p y] o]|] //; case: output_of => // s.
  case: ifP => // _ [eg] wg.
  apply: (layer_values_sound he no_meets) => [v|v||v j _ hj|v j _ hj].
  - have : computes (E v) (g_prog g) by exact: wf_computes wg.
    by rewrite -eg => /computes_cat [].
  - by rewrite kept.
  - exact: List.Forall2_nil.
  - by apply: kept; exact: (@below_params net opts).
  by apply: kept; exact: (@below_masks net opts).
have value layer s x : List.In (layer, s, x) (inputs_at net opts A) -> exists2 j,
    List.In (layer, s, j) (net_values net batch (masks_at net Steps.Grad) (position_of net Steps.Grad)) &
    shrun (g_prog g) sh j = s /\ eqt s (E θ j) (x θ) /\ forall v, eqt s (E v j) (x v).
  move=> /(Forall2_In F) [[[l' s'] j] hj [[/= el' es'] hx]]; subst l' s'; exists j => //.
  split; last by split.
  by rewrite shg; apply: has_shapeE; exact: (all_In shapes_ok hj).
move=> k hk; have := all_In kinks_off hk; case: k {hk} => [layer kind z|layer w u|//] /= h.
- move=> s x /value [j /(all_In h) /=]; rewrite String.eqb_refl /= => /andP [hg /allP hz].
  move=> [es [hx _]] a ha; rewrite -hx //; move: hg (hz a ha); rewrite /look.
  case hj: get => [t|] // _ /=; have [_ ht] := hq _ _ hj; rewrite es in ht.
  have -> : int_real R z = q_real R (QArith_base.Qmake z 1) by rewrite /q_real /rational divr1.
  by rewrite -(q_real_eq R) -(ht a ha).
move=> n0 h0 l0 c0 x /value [j /(all_In h) /=]; rewrite String.eqb_refl /= => /andP [hg /allP hz].
move=> [es [_ hx]] a ha; apply: (stays_greatest_eq hx).
move: hg (hz a ha); rewrite /look; case hj: get => [t|] // _ /= hs.
have [hlt ht] := hq _ _ hj; rewrite es in ht.
by have := hrun j hlt; rewrite es => hfj; exact: (strict_sound hfj ht hs).
Qed.

Let grad_trains : which opts <> Forward.
Proof. by []. Qed.

Lemma point_gradient : is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ (emitted_gradient batch other θ).
Proof.
have [wg _] := well_formedP wfg; rewrite /emitted_gradient el emitted.
exact: (@gradient_sound R net opts g sh back gs grad_trains el emitted wg base params_fit targets pos
  other θ point_off_kinks).
Qed.

Lemma point_entry :
  tensors_of (emitted_gradient batch other θ) (nth (0%num, [::]) params n).1 i = q_real R c.
Proof.
have [wb shb] := well_formedP wfb; rewrite /emitted_gradient el emitted.
have hq := q_run_sound wb at_point.
move: computed; rewrite /q_gradient; case: ifP => // _.
have -> : q_run back (q_run (g_prog g) m) = q_run (g_prog g ++ back) m by rewrite /q_run foldl_cat.
case hg: get => [t|] //= [<-]; have [_ ht] := hq _ _ hg.
have [u _] := andP params_fit.
have sz : size gs = size params by have := congr1 (fun q => size q.2) emitted; rewrite /= size_map.
move/N.ltb_lt: (pos) => pos'.
have [_ F] := Forall2_nth (0%num, [::]) 0%num
  (gradient_tensors (run (g_prog g ++ back) (at_θ other θ)) (fun _ _ => 0 : R) u sz pos').
have hF := F n n_fit i; rewrite mem_idxs in hF; rewrite /tensors_of (hF i_fit).
by apply: ht; rewrite shb (has_shapeE s_fit) mem_idxs.
Qed.
End Point.

(** ** The theorem *)
Theorem witness_sound net batch args data n i : witness net batch args data n i -> not_vacuous net batch.
Proof.
rewrite /witness; set opts := Options batch Steps.Grad; set ss := [seq _ | _ <- _].
set nin := first_at _ _; set x := data_at _ _; set params := numbered_params net; set ms := shapes_from 0 ss.
set m := arguments 0 ss args; set m' := set x _ m.
case el: elaborate => [g|] //; case emitted: loss_grad => [back gs].
case wfg: well_formed => [sg|] //; case wfb: well_formed => [sb|] //.
move=> /and5P [/N.leb_le count /N.ltb_lt x_lt x_other base /and5P [fit targets pos n_fit /and3P [s_fit i_fit]]].
case hc: q_gradient => [c|] //; case hc': q_gradient => [c'|] // /and3P [c0 c0' cc'] R.
pose a : env R := fun j i => q_real R (look m j i).
pose b : env R := fun j i => q_real R (look m' j i).
pose θ : θ_space R net := gradient params (ids params) a.
have [u _] := andP fit; move/N.ltb_lt: (pos) => pos'.
have sz : size (ids params) = size params by rewrite size_map.
have same j : j <> x -> b j = a j.
  by move=> ne; apply: funext => k; rewrite /b /a /look /m' get_set; case: N.eqb_spec.
have fits (p : point) (e : env R) : (forall j t, get p j = Some t -> (j < nin)%num) ->
    (forall j k, e j k = q_real R (look p j k)) -> (forall j, j <> x -> e j = a j) ->
    shows nin (shape_in ms) (at_θ e θ) p.
  move=> hp he ea j t hj; split; first exact: hp hj.
  move=> k hk; have -> : q_real R (t k) = e j k by rewrite he /look hj.
  rewrite /at_θ /inputs; case: (boolP (j \in ids params)) => hjp; last by rewrite place_other.
  have ne : j <> x by move=> ej; rewrite ej (negPf x_other) in hjp.
  have [q hq ej] := mapP hjp; rewrite ea // ej.
  have [_ F] := Forall2_nth (0%num, [::]) 0%num (gradient_tensors a e u sz pos').
  have hi : (seq.index q params < size params)%nat by rewrite index_mem.
  have := F _ hi; rewrite nth_index // (nth_map (0%num, [::])) // nth_index //; apply.
  have [_ hs] := params_okP fit; have [_ es] := hs q hq.
  by rewrite -es -ej.
have ma j t : get m j = Some t -> (j < nin)%num by move=> /get_arguments; lia.
have hm : shows nin (shape_in ms) (at_θ a θ) m by apply: fits.
have hm' : shows nin (shape_in ms) (at_θ b θ) m'.
  apply: fits => // j t; rewrite get_set; case: N.eqb_spec => [-> //|_]; exact: ma.
exists a, b, θ, (nth (0%num, [::]) params n).1, i; split.
- by move=> k /same ->.
- split; first by move=> k; exact: (point_off_kinks el wfg hm hc).
  by move=> k; exact: (point_off_kinks el wfg hm' hc').
- exact: (point_gradient el emitted wfg base fit targets pos hm hc).
- exact: (point_gradient el emitted wfg base fit targets pos hm' hc').
rewrite !(point_entry el emitted wfb fit pos hm n_fit s_fit i_fit hc).
rewrite !(point_entry el emitted wfb fit pos hm' n_fit s_fit i_fit hc').
by rewrite -(q_real0 R) !q_real_eq.
Qed.
