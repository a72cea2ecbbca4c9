(** * The expected step computes what is certified

    For the expected program, run on any arguments. Its updates are in
    [UpdateSound.v]; what is claimed is in [StepMeaning.v].

    Glossary
      - [gradient_tensors]  the tensors of a gradient, taken apart again, are
                         those it was made of
      - [logits_sound], [loss_value]  logits and loss are the specification's
      - [stats_sound]    in a train step, so are the running statistics
      - [loss_off_kinks] off the specification's kinks, the program is off its
                         own
      - [gradient_sound] there, what reverse mode emits is the loss's gradient *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts SmoothFacts Computes Vjp Grad Adjoint GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning MeaningSound Optimizer Features Steps StepsFacts Textbook FeaturesSound.
From Cotangent Require Export StepMeaning.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section StepSound.
Variable R : realType.
Implicit Types (e a : env R).

(** ** Parameters as one row vector *)

Lemma place_concat params gs e c x : uniq (ids params) -> size gs = size params ->
  (forall k, (k < N.to_nat (total params))%nat ->
     c k = nth 0 (concat [seq (q.1.2, e q.2) | q <- zip params gs]) k) ->
  List.Forall2 (fun q g => eqt q.2 (place params c x q.1) (e g)) params gs.
Proof.
rewrite /concat; elim: params gs c => [|[j s] params ih] [|g gs] c //=.
move=> /andP [hj u] [sz] hc; constructor => /=.
  move=> i hi; rewrite updE hc; last first.
    rewrite Nnat.N2Nat.inj_add -size_idxs; apply: (leq_trans (n := size (idxs s))).
      by rewrite index_mem.
    exact: leq_addr.
  by rewrite nth_cat size_map index_mem hi (nth_map [::]) ?index_mem // nth_index.
have : List.Forall2 (fun q g => eqt q.2 (place params (fun k => c (size (idxs s) + k)%nat) x q.1) (e g))
    params gs.
  apply: ih => // k hk; rewrite hc ?nth_cat ?size_map; last first.
    by rewrite Nnat.N2Nat.inj_add -size_idxs; rewrite -(ltn_add2l (size (idxs s))) in hk.
  by rewrite ltnNge leq_addr /= addKn.
have other q : q \in params -> q.1 <> j.
  by move=> hq ej; move: hj; rewrite -ej => /negP; apply; exact: map_f.
move: (place params _ x) => y h; elim: h other {u sz hc ih hj} => [|q g' l l' hq h ih] other; constructor.
  by rewrite updN //; exact: (other q (mem_head _ _)).
by apply: ih => q' hq'; apply: (other q'); rewrite inE hq' orbT.
Qed.

(** The tensors of a gradient, taken apart again, are those it was made of. *)
Lemma gradient_tensors params gs e x : uniq (ids params) -> size gs = size params ->
  (0 < total params)%num ->
  List.Forall2 (fun q g => eqt q.2 (inputs x (gradient params gs e) q.1) (e g)) params gs.
Proof.
move=> u sz pos; apply: place_concat => // k hk.
rewrite /entries mxE inordK // dim_total //.
Qed.

(** ** The gradient *)

Section Forward.
Variables (net : spec) (opts : options) (g : graph) (sh : N -> shape) (a : env R).
Let w := which opts.
Let nin := first_at net w.
Hypothesis el : elaborate net (batch_size opts) (position_of net w) = Some g.

Lemma below_data : (data_at net w < nin)%num.
Proof. by rewrite /nin /first_at; case: w => [||o f]; try case: (accumulate f); lia. Qed.

Lemma below_params j : (j < n_params net)%num -> (j < nin)%num.
Proof. by have := below_data; rewrite /data_at /stats_at; lia. Qed.

Lemma below_stats first t j : reading_at net w = Running first t ->
  (j < first + N.of_nat (size (net_stats net)))%num -> (j < nin)%num.
Proof.
rewrite /nin /first_at /reading_at /data_at; case: w => [||o f] // [<- _] h; apply: (N.lt_trans _ _ _ h).
exact: N.lt_add_pos_r.
Qed.

Lemma below_masks j : w <> Forward -> (j < masks_at net w + n_masks net)%num -> (j < nin)%num.
Proof.
by rewrite /nin /first_at /masks_at; case: w => [||o f] // _; try case: (accumulate f); lia.
Qed.

(** In any program that starts with the forward pass. *)
Lemma logits_sound q : wf (g_forward g ++ q) nin sh ->
  eqt (logits_shape net (batch_size opts)) (run (g_forward g ++ q) a (g_logits g)) (logits_at net opts a).
Proof.
move=> wq; set e := run _ a; have [hf _] := computes_cat (wf_computes a wq).
have ha j : (j < nin)%num -> e j = a j by exact: run_stable wq.
rewrite /logits_at -(ha _ below_data).
apply: (forward_sound el hf (theta := a)) => [j _ hj|]; first by apply: ha; exact: below_params.
rewrite /= -/w; case hr: reading_at => [first t|m]; last first.
  move=> j _ hj; apply: ha; apply: below_masks; last by move: hr; rewrite /reading_at; case: (w) => [||o f] // [->].
  by move: hr; case: (w).
exists [seq q.2 | q <- net_stats net]; last first.
  by have := elaborate_fits el; move: hr; rewrite /reading_at; case: (w) => [||o f] // -[_ <-].
by move=> j _; rewrite size_map => hj; apply: ha; exact: below_stats hr hj.
Qed.

Lemma training_position : w <> Forward -> at_reading (position_of net w) = Masks (masks_at net w).
Proof. by rewrite /= /reading_at; case: w. Qed.

Lemma loss_value q : w <> Forward -> wf (g_prog g ++ q) nin sh ->
  run (g_prog g ++ q) a (g_loss g) [::] = loss_at net opts a.
Proof.
move=> hw wq; set e := run _ a; have [hf _] := computes_cat (wf_computes a wq).
have ha j : (j < nin)%num -> e j = a j by exact: run_stable wq.
have ht : (target_at net w < nin)%num.
  by move: hw; rewrite /nin /first_at /target_at; case: w => [||o f] //; try case: (accumulate f); lia.
rewrite /e (loss_sound el (training_position hw) hf (theta := a)) => [|j _ hj|j _ hj].
- by rewrite /loss_at -(ha _ below_data) -(ha _ ht).
- by apply: ha; exact: below_params.
by apply: ha; exact: below_masks hj.
Qed.

(** In a train step, the running statistics. *)
Lemma stats_sound o f q u now e : w = Train o f -> computes e (g_forward g) -> computes e u ->
  (forall j, (j < nin)%num -> e j = a j) ->
  update_stats (batch_size opts) (stats_at net w) (layers net) [::] (input_shape net) 0 (masks_at net w) 0
    aempty (data_at net w) nin q = (u, now) ->
  holds e (stats_at_step net opts a) [seq latest (stats_at net w) now q.1 | q <- numbered_from 0 (net_stats net)].
Proof.
move=> hw hf hu ha; have fit := elaborate_fits el.
move: el; rewrite /elaborate; case he: emit_layers => [[[c z] o']|] //.
case: output_of => // s; case: ifP => // _ [eg]; rewrite -eg /= in hf.
rewrite (_ : at_reading _ = Masks (masks_at net w)) in he; last by rewrite /= hw.
rewrite /stats_at_step -/w /stats_after -(ha _ below_data) => hr.
set ss := [seq q.2 | q <- net_stats net] in fit *.
have start : current e ss (latest (stats_at net w) aempty) (fun i => a (stats_at net w + i)%num).
  move=> i; rewrite size_map => hi; rewrite /latest aget_empty /= ha; first exact: eqt_refl.
  by rewrite /nin /first_at /data_at hw /=; case: (accumulate f); lia.
set after := stats_through _ _ _ _ _ _ _ _ _ _.
have now_after : current e ss (latest (stats_at net w) now) after.
  apply: (update_stats_sound he hf (eqt_refl _) (List.Forall2_nil _) (theta := a) _ _ fit start hr hu) => j _ hj.
    by apply: ha; exact: below_params hj.
  by apply: ha; apply: below_masks hj; rewrite hw.
rewrite -[X in holds _ _ X]/(map (latest (stats_at net w) now \o fst) (numbered_from 0 (net_stats net))).
rewrite map_comp numbers_from0; have -> : size (net_stats net) = size ss by rewrite size_map.
apply: (@holds_stats_from R e (latest (stats_at net w) now) after ss 0) => i _ hi; rewrite N.sub_0_r; exact: now_after.
Qed.

Lemma loss_off_kinks (V : normedModType R) (x0 : V) (A : V -> env R) : w <> Forward ->
  wf (g_prog g) nin sh ->
  (forall k, List.In k (kinks_of net) -> off_kink x0 (inputs_at net opts A) k) ->
  smooth_run x0 (g_prog g) A.
Proof.
move=> hw wg off; have wg0 : wf (g_prog g ++ [::]) nin sh by rewrite cats0.
have ha v j : (j < nin)%num -> run (g_prog g) (A v) j = A v j by exact: run_stable wg.
apply: (wf_smooth wg); apply: (loss_smooth (theta := A) el (training_position hw)) => [v|v j _ hj|v j _ hj|k hk].
- exact: wf_computes wg.
- by apply: ha; exact: below_params.
- by apply: ha; exact: below_masks hj.
have eq_data : (fun v => A v (data_at net (which opts)))
    = (fun v => run (g_prog g) (A v) (data_at net w)).
  by apply: funext => v; apply: esym; exact: (ha v _ below_data).
by have := off k hk; rewrite /inputs_at eq_data.
Qed.
End Forward.

Section Gradient.
Variables (net : spec) (opts : options) (g : graph) (sh : N -> shape) (back : prog) (gs : seq N).
Let w := which opts.
Let nin := first_at net w.
Let params := numbered_params net.
Hypothesis hw : w <> Forward.
Hypothesis el : elaborate net (batch_size opts) (position_of net w) = Some g.
Hypothesis emitted : loss_grad (g_prog g) (N.succ (g_loss g)) (g_loss g) params = (back, gs).
Hypothesis wg : wf (g_prog g) nin sh.
Hypothesis base : N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g)).
Hypothesis params_fit : params_ok sh nin params.
Hypothesis targets : targets_fixed (g_prog g) (ids params).
Hypothesis pos : N.ltb 0 (total params).

Lemma gradient_sound (other : env R) (θ : 'rV[R]_(dim params).+1) :
  (forall k, List.In k (kinks_of net) -> off_kink θ (inputs_at net opts (inputs other)) k) ->
  is_gradient (fun θ : 'rV[R]_(dim params).+1 => loss_at net opts (inputs other θ)) θ
    (gradient params gs (run (g_prog g ++ back) (inputs other θ))).
Proof.
move=> off; have wg0 : wf (g_prog g ++ [::]) nin sh by rewrite cats0.
have ck : checks (g_prog g) nin sh params (N.succ (g_loss g)) (g_loss g) = true.
  by rewrite /checks wg base params_fit targets (proj2 (N.ltb_lt _ _) (N.lt_succ_diag_r _)).
have s0 : shrun (g_prog g) sh (g_loss g) = [::] := loss_shape sh el.
have sm : smooth_run θ (g_prog g) (inputs other) := loss_off_kinks el hw wg off.
have [df h] := loss_gradient ck pos s0 emitted sm.
have -> : (fun θ : 'rV[R]_(dim params).+1 => loss_at net opts (inputs other θ) : R^o) = Cotangent.Gradient.loss (g_prog g) (g_loss g) other.
  apply: funext => θ'; rewrite /Cotangent.Gradient.loss; have <- := loss_value (inputs other θ') el hw wg0.
  by rewrite cats0.
by split=> // v; rewrite h.
Qed.
End Gradient.
End StepSound.
