(** * The expected step computes what is certified

    For the expected program, run on any arguments: loss and logits are the
    specification's, the gradients are the loss's (off the kinks), and the rest
    is the textbook update at these gradients.

    Glossary
      - [loss_at], [logits_at]  of the specification, at a step's arguments
      - [holds e sts js]     in [e], the values [js] are the tensors [sts]
      - [is_gradient f x g]  [f] is differentiable at [x] with gradient [g] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Index Denote Smooth Computes Vjp Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning MeaningSound Optimizer Features Steps Textbook OptimizerSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section StepSound.
Variable R : realType.
Implicit Types (e a : env R).

Definition holds e (sts : seq (shape * tensor R)) (js : seq N) : Prop :=
  List.Forall2 (fun st j => eqt st.1 (e j) st.2) sts js.

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

(** Everything that the update reads is an argument. *)
Definition reads_arguments (net : spec) (w : what) : bool :=
  let ok j := N.ltb j (first_at net w) in
  if w is Train o _ then
    [&& ok (rate_at net w), all ok (powers_at net o)
      & all ok (flatten [seq slots_at net o q.1 | q <- numbered_params net])]
  else true.

(** ** The update at equal tensors *)
Lemma textbook_eqt o s (lr : R) power (p p' g g' : tensor R) slot slot' :
  eqt s p p' -> eqt s g g' -> slots_eqt s slot slot' -> size slot = size (slots o) ->
  let new := textbook o lr power p g slot in let new' := textbook o lr power p' g' slot' in
  eqt s new.1 new'.1 /\ slots_eqt s new.2 new'.2.
Proof.
move=> hp hg [hs hl].
case: o => [decay|mu decay|mu decay|b1 b2 eps decay|b1 b2 eps decay|alpha eps mu decay] /=.
- by move=> _; split=> // i hi; rewrite hp // hg.
- case: slot hs hl => [|v []] //; case: slot' => [|v' []] // _ hl _.
  have hv : eqt s v v' := hl 0%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hv.
  by apply: slots_eqt1 => i hi; rewrite hp // hg // hv.
- case: slot hs hl => [|v []] //; case: slot' => [|v' []] // _ hl _.
  have hv : eqt s v v' := hl 0%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hv.
  by apply: slots_eqt1 => i hi; rewrite hp // hg // hv.
- case: slot hs hl => [|m [|v []]] //; case: slot' => [|m' [|v' []]] // _ hl _.
  have hm : eqt s m m' := hl 0%nat; have hv : eqt s v v' := hl 1%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hm // hv.
  by apply: slots_eqt2 => i hi; rewrite hp // hg // ?hm // ?hv.
- case: slot hs hl => [|m [|v []]] //; case: slot' => [|m' [|v' []]] // _ hl _.
  have hm : eqt s m m' := hl 0%nat; have hv : eqt s v v' := hl 1%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hm // hv.
  by apply: slots_eqt2 => i hi; rewrite hg // ?hm // ?hv.
case: slot hs hl => [|v l] //; first by case: is_zero.
case: slot' => [|v' l'] // [hs] hl size_ok; have hv : eqt s v v' := hl 0%nat.
case: l hs hl size_ok => [|u [|? ?]]; case: l' => [|u' [|? ?]] // _ hl; last by case: is_zero.
  split=> [i hi|] /=; first by rewrite hp // hg // hv.
  by apply: slots_eqt1 => i hi; rewrite hp // hg // hv.
have hu : eqt s u u' := hl 1%nat.
split=> [i hi|] /=; first by rewrite hp // hg // hv // hu.
by apply: slots_eqt2 => i hi; rewrite hp // hg // hv // ?hu.
Qed.

Lemma size_textbook o (lr : R) power (p g : tensor R) slot : size slot = size (slots o) ->
  size (textbook o lr power p g slot).2 = size (slots o).
Proof.
case: o => [decay|mu decay|mu decay|b1 b2 eps decay|b1 b2 eps decay|alpha eps mu decay] //=.
1, 2: by case: slot => [|v []].
1, 2: by case: slot => [|m [|v []]].
by case: is_zero; case: slot => [|v [|u []]].
Qed.

(** ** All parameters *)

Lemma holds_map (T U : Type) (f : T -> shape * tensor R) (h : U -> N) (P : T -> U -> Prop) e l l' :
  List.Forall2 P l l' -> (forall x y, P x y -> eqt (f x).1 (e (h y)) (f x).2) ->
  holds e [seq f x | x <- l] [seq h y | y <- l'].
Proof. by move=> hl hP; elim: hl => [|x y {}l {}l' hx _ ih]; constructor => //; exact: hP. Qed.

Lemma holds_cat e l js l' js' : holds e l js -> holds e l' js' -> holds e (l ++ l') (js ++ js').
Proof. exact: List.Forall2_app. Qed.

Lemma holds_flatten e (ns : seq nat) (f : nat -> seq (shape * tensor R)) (h : nat -> seq N) :
  (forall j, j \in ns -> holds e (f j) (h j)) ->
  holds e (flatten [seq f j | j <- ns]) (flatten [seq h j | j <- ns]).
Proof.
elim: ns => [|j ns ih] hj /=; first by constructor.
apply: holds_cat; first by apply: hj; rewrite inE eqxx.
by apply: ih => k hk; apply: hj; rewrite inE hk orbT.
Qed.

Lemma update_all_sound e spared o cs power power' scalars lr ps k c r :
  update_scalars o power scalars = (cs, power') -> computes e cs -> size power = size (powers o) ->
  update_all spared o scalars lr ps k = (c, r) -> computes e c ->
  all (fun p => size (p_slots p) == size (slots o)) ps ->
  List.Forall2 (fun p q =>
    let new := textbook (rule_for spared o (p_shape p)) (e lr [::]) [seq e j [::] | j <- power]
                 (e (p_value p)) (e (p_grad p)) [seq e j | j <- p_slots p] in
    eqt (p_shape p) (e q.1) new.1 /\ slots_eqt (p_shape p) [seq e j | j <- q.2] new.2) ps r.
Proof.
move=> hsc hcs hpw; elim: ps k c r => [|p ps ih] k c r /=.
  by case=> _ <- _ _; constructor.
case h1: update_one => [c1 [p' slot']]; case h2: update_all => [c2 r2].
move=> /pair_equal_spec [<- <-] /computes_cat [e1 e2] /andP [/eqP hs ha].
constructor; last exact: ih h2 e2 ha.
have [eq_sl eq_pw eq_sc _] := rule_for_same R spared o (p_shape p).
apply: update_one_sound hcs _ h1 e1 _; last by rewrite eq_sl.
  by rewrite eq_sc; exact: hsc.
by rewrite eq_pw.
Qed.

Lemma Forall2_zip (T U V W : Type) (mk : T * U -> V) (A : T -> U -> Prop) (B : V -> W -> Prop)
    (C : T -> W -> Prop) l us ws :
  List.Forall2 A l us -> List.Forall2 B [seq mk q | q <- zip l us] ws ->
  (forall q u w, List.In q l -> A q u -> B (mk (q, u)) w -> C q w) -> List.Forall2 C l ws.
Proof.
move=> hA; elim: hA ws => [|q u {}l {}us ha _ ih] ws h hC; inversion h; subst; constructor.
  by apply: hC ha _ => //; left.
by apply: ih => // q' u' w' hq; apply: hC; right.
Qed.

(** The update's code, among the values [e] of a step with arguments [a]. *)
Lemma update_sound net o f e a grads g k c r power' (w := Train o f) :
  update (spared f) o (rate_at net w) (trained_params net o grads) (powers_at net o) k = (c, (r, power')) ->
  computes e c -> reads_arguments net w ->
  (forall j, (j < first_at net w)%num -> e j = a j) ->
  (forall q, List.In q (numbered_params net) -> (q.1 < first_at net w)%num) ->
  List.Forall2 (fun q i => eqt q.2 (g q.1) (e i)) (numbered_params net) grads ->
  holds e (textbook_step net o f a g) (train_results 0%num (size (slots o)) r power').
Proof.
rewrite /update; case hsc: update_scalars => [cs pw]; case hall: update_all => [c2 r2].
move=> /pair_equal_spec [<- /pair_equal_spec [<- <-]] /computes_cat [e1 e2].
rewrite /reads_arguments {1}/w => /and3P [hlr /allP hpw /allP hsl] he hp hg.
have {}hlr : e (rate_at net w) = a (rate_at net w) by apply: he; apply/N.ltb_lt.
have {}hpw : [seq e j [::] | j <- powers_at net o] = [seq a j [::] | j <- powers_at net o].
  by apply/eq_in_map => j /hpw /N.ltb_lt hj; rewrite he.
have size_pw : size (powers_at net o) = size (powers o) by rewrite !size_map size_iota.
have size_sl q : size (slots_at net o q) = size (slots o) by rewrite !size_map size_iota.
have all_sl : all (fun p => size (p_slots p) == size (slots o)) (trained_params net o grads).
  by rewrite /trained_params all_map; apply/allP => q _; rewrite /= size_sl.
have F := update_all_sound hsc e1 size_pw hall e2 all_sl.
pose new (q : N * shape) := textbook (rule_for (spared f) o q.2) (a (rate_at net w) [::]) [seq a k [::] | k <- powers_at net o] (a q.1) (g q.1)
                 [seq a k | k <- slots_at net o q.1].
have {}F : List.Forall2 (fun (q : N * shape) u => eqt q.2 (e u.1) (new q).1 /\
    forall j, j \in iota 0 (size (slots o)) -> eqt q.2 (e (nth 0%num u.2 j)) (nth (fun _ => 0) (new q).2 j))
    (numbered_params net) r2.
  apply: Forall2_zip hg F _ => q i u hq hgi /= [hv hs].
  have sl : [seq e k | k <- slots_at net o q.1] = [seq a k | k <- slots_at net o q.1].
    apply/eq_in_map => j hj; apply: he; apply/N.ltb_lt/hsl; apply/flattenP.
    exists (slots_at net o q.1) => //; apply/mapP; exists q => //.
    by elim: (numbered_params net) hq => //= q' l ih [->|/ih h]; rewrite inE ?eqxx ?h ?orbT.
  rewrite hlr hpw sl (he _ (hp _ hq)) in hv hs.
  have [|||//|v_eq s_eq] := @textbook_eqt (rule_for (spared f) o q.2) q.2 (a (rate_at net w) [::])
     [seq a k [::] | k <- powers_at net o] (a q.1) (a q.1) (e i) (g q.1)
     [seq a k | k <- slots_at net o q.1] [seq a k | k <- slots_at net o q.1] => //.
  - exact: eqt_sym.
  - by have [-> _ _ _] := rule_for_same R (spared f) o q.2; rewrite size_map size_sl.
  split=> [|j]; first exact: eqt_trans hv v_eq.
  rewrite mem_iota add0n /= => hj; have [sz1 h1] := hs; have [sz2 h2] := s_eq.
  have := eqt_trans (h1 j) (h2 j); rewrite (nth_map 0%num) //.
  have [e_sl _ _ _] := rule_for_same R (spared f) o q.2.
  by move: sz1; rewrite size_map => ->; rewrite sz2 size_textbook e_sl // size_map size_sl.
rewrite /textbook_step /train_results; apply: holds_cat.
  by apply: holds_map F _ => q u [].
apply: holds_cat.
  apply: holds_flatten => j hj; rewrite -map_comp.
  by apply: holds_map F _ => q u [_ /(_ j hj)].
rewrite -hpw -(update_scalars_sound hsc e1).
elim: pw {hsc hall} => [|j pw ih]; constructor => //= i hi.
by move: hi; rewrite inE => /eqP ->.
Qed.

(** ** The gradient *)

Definition logits_at (net : spec) (opts : options) (a : env R) : tensor R :=
  logits_of net (batch_size opts) (running_at net (which opts)) a (a (data_at net (which opts))).

Definition loss_at (net : spec) (opts : options) (a : env R) : R :=
  loss_of net (batch_size opts) a (a (data_at net (which opts))) (a (target_at net (which opts))).

(** The running statistics after the step, with their shapes. *)
Definition stats_at_step (net : spec) (opts : options) (a : env R) : seq (shape * tensor R) :=
  zip [seq q.2 | q <- net_stats net]
    (stats_after net (batch_size opts) a (stats_at net (which opts)) (a (data_at net (which opts)))).

(** Of the arguments [A v], which depend on a point. *)
Definition inputs_at (V : Type) (net : spec) (opts : options) (A : V -> env R) :=
  layer_inputs net (batch_size opts) A (fun v => A v (data_at net (which opts))).

Definition is_gradient n (f : 'rV[R]_n.+1 -> R^o) (x g : 'rV[R]_n.+1) : Prop :=
  differentiable f x /\ forall v, 'd f x v = \sum_i g 0 i * v 0 i.

Lemma n_params_count net : n_params net = param_count (layers net) [::] (input_shape net).
Proof. by []. Qed.

Section Forward.
Variables (net : spec) (opts : options) (g : graph) (sh : N -> shape) (a : env R).
Let w := which opts.
Let nin := first_at net w.
Hypothesis el : elaborate net (batch_size opts) (position_of net w) = Some g.

Lemma below_params j : (j < n_params net)%num -> (j < nin)%num.
Proof. by rewrite /nin /first_at /data_at /stats_at; case: w => [||o]; lia. Qed.

Lemma below_stats t j : running_at net w = Some t ->
  (j < t + N.of_nat (size (net_stats net)))%num -> (j < nin)%num.
Proof. by rewrite /nin /first_at /data_at /running_at; case: w => [||o] // [<-] /=; lia. Qed.

Lemma below_data : (data_at net w < nin)%num.
Proof. by rewrite /nin /first_at; case: w => [||o]; lia. Qed.

(** In any program that starts with the forward pass. *)
Lemma logits_sound q : wf (g_forward g ++ q) nin sh ->
  eqt (logits_shape net (batch_size opts)) (run (g_forward g ++ q) a (g_logits g)) (logits_at net opts a).
Proof.
move=> wq; set e := run _ a; have [hf _] := computes_cat (wf_computes a wq).
have ha j : (j < nin)%num -> e j = a j by exact: run_stable wq.
rewrite /logits_at -(ha _ below_data).
apply: (forward_sound el hf (theta := a)) => [j _ hj|]; first by apply: ha; exact: below_params.
rewrite /= -/w; case hr: running_at => [t|] //= j _ hj; apply: ha; exact: below_stats hr hj.
Qed.

Lemma training_position : w <> Forward -> at_running (position_of net w) = None.
Proof. by rewrite /= /running_at; case: w. Qed.

Lemma loss_value q : w <> Forward -> wf (g_prog g ++ q) nin sh ->
  run (g_prog g ++ q) a (g_loss g) [::] = loss_at net opts a.
Proof.
move=> hw wq; set e := run _ a; have [hf _] := computes_cat (wf_computes a wq).
have ha j : (j < nin)%num -> e j = a j by exact: run_stable wq.
have ht : (target_at net w < nin)%num.
  by move: hw; rewrite /nin /first_at /target_at; case: w => [||o] //; lia.
rewrite /e (loss_sound el (training_position hw) hf (theta := a)) => [|j _ hj]; last first.
  by apply: ha; exact: below_params.
by rewrite /loss_at -(ha _ below_data) -(ha _ ht).
Qed.

(** In a train step, the running statistics. *)
Lemma stats_sound o f q u r e : w = Train o f -> computes e (g_forward g) -> computes e u ->
  (forall j, (j < nin)%num -> e j = a j) ->
  update_stats (batch_size opts) (layers net) [::] (input_shape net) 0 (stats_at net w) (data_at net w) nin
    q = (u, r) ->
  holds e (stats_at_step net opts a) r.
Proof.
move=> hw hf hu ha; move: el; rewrite /elaborate; case he: emit_layers => [[[c z] o']|] //.
case: output_of => // s; case: ifP => // _ [eg]; rewrite -eg /= in hf.
rewrite (_ : at_running _ = None) in he; last by rewrite /= hw.
rewrite /stats_at_step -/w /stats_after -(ha _ below_data) => hr.
apply: (update_stats_sound he hf (eqt_refl _) (List.Forall2_nil _) (theta := a) _ _ hr hu) => j hj hj'; apply: ha.
  exact: below_params hj'.
have {}hj' : (j < stats_at net w + N.of_nat (size (net_stats net)))%num := hj'.
by move: hj'; rewrite /nin /first_at /data_at hw /=; lia.
Qed.

Lemma loss_off_kinks (V : normedModType R) (x0 : V) (A : V -> env R) : w <> Forward ->
  wf (g_prog g) nin sh ->
  (forall k, List.In k (kinks_of net) -> off_kink x0 (inputs_at net opts A) k) ->
  smooth_run x0 (g_prog g) A.
Proof.
move=> hw wg off; have wg0 : wf (g_prog g ++ [::]) nin sh by rewrite cats0.
have ha v j : (j < nin)%num -> run (g_prog g) (A v) j = A v j by exact: run_stable wg.
apply: (wf_smooth wg); apply: (loss_smooth (theta := A) el (training_position hw)) => [v|v j _ hj|k hk].
- exact: wf_computes wg.
- by apply: ha; exact: below_params.
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
have -> : (fun θ : 'rV[R]_(dim params).+1 => loss_at net opts (inputs other θ) : R^o) = RowVector.loss (g_prog g) (g_loss g) other.
  apply: funext => θ'; rewrite /RowVector.loss; have <- := loss_value (inputs other θ') el hw wg0.
  by rewrite cats0.
by split=> // v; rewrite h.
Qed.
End Gradient.
End StepSound.
