(** * A check that computes, and what follows from it

    [check_sound]: where [check] accepts a module, it is [certified], in the
    words of [Certified.v]. [every_argument], [certified_everywhere]: readings
    of that. The words of the statements are those of [Certified.v] and
    [Check.v].

    Glossary
      - [returns_expected]    what the expected step holds, [@main] returns
      - [slope_is_gradient], [slope_tensors]  what reverse mode emits is the
                              gradient; the values that hold it
      - [holds_loss], [holds_logits]  the values that hold loss and logits
      - [every_argument]      all parameters are some row vector
      - [certified_everywhere]  without kinks no premise is left *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector MeaningSound.
From Cotangent Require Import Stablehlo Stablehlo_sem Raise RaiseSound Number Canonical FeaturesSound UpdateSound StepSound CheckSound.
From Cotangent Require Export Certified Check Explain.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** The check implies it *)

Lemma raise_main m r : raise m = Some r ->
  exists f, [/\ main_of m = Some f, r_arguments r = f_arguments f & r_results r = f_results f].
Proof.
rewrite /raise; case: main_of => [f|] //=; case: ifP => // _; case: raise_body => [st|] //=.
by case: all_some => [outs|] //=; case: eqP => // _ [<-]; exists f.
Qed.

(** Shapes of results. *)
Lemma shapes_ports role (l : seq (string * shape)) :
  [seq port_shape p | p <- ports role l] = [seq q.2 | q <- l].
Proof. by rewrite /ports -map_comp. Qed.

Lemma shapes_stats (R : realType) net opts (a : env R) :
  [seq st.1 | st <- stats_at_step net opts a] = [seq q.2 | q <- net_stats net].
Proof.
by rewrite /stats_at_step -/(unzip1 _) unzip1_zip // !size_map size_iota.
Qed.

Lemma shapes_train (R : realType) net batch o f (a g : env R) (opts := Options batch (Train o f)) :
  [seq st.1 | st <- textbook_step net o f a g ++ stats_at_step net opts a
                      ++ [:: loss_result net opts a; logits_result net opts a]]
  = [seq port_shape p | p <- result_ports net opts].
Proof.
rewrite [LHS]map_cat shapes_textbook_step [X in _ ++ X]map_cat shapes_stats /opts /result_ports.
rewrite [X in X ++ _]map_cat [X in (_ ++ X) ++ _]map_cat -!catA.
rewrite [RHS]map_cat shapes_ports [X in _ = _ ++ X]map_cat shapes_ports.
rewrite [X in _ = _ ++ (_ ++ X)]map_cat shapes_ports.
by rewrite [X in _ = _ ++ (_ ++ (_ ++ X))]map_cat shapes_ports.
Qed.

Section Sound.
Variables (R : realType) (net : spec) (opts : options) (m : module) (kinks : seq kink).
Variables (x : expected) (r : raised).
Let nin := first_at net (which opts).
Let inputs_shapes := [seq port_shape a | a <- argument_ports net opts].
Hypothesis raised_ok : raise m = Some r.
Hypothesis arguments_ok : is_interface (r_arguments r) (argument_ports net opts).
Hypothesis results_ok : is_interface (r_results r) (result_ports net opts).
Hypothesis count_ok : N.eqb (N.of_nat (size (argument_ports net opts))) nin.
Hypothesis same : same_values nin inputs_shapes [seq port_shape p | p <- result_ports net opts]
  (x_prog x) (r_program r) (x_results x) (r_outputs r).

Lemma returns_expected (a : env R) sts : holds (run (x_prog x) a) sts (x_results x) ->
  [seq st.1 | st <- sts] = [seq port_shape p | p <- result_ports net opts] ->
  returns net opts m a sts.
Proof.
move=> hold shapes_eq; have [f [hf ea er]] := raise_main raised_ok; exists f => //.
have sa : size (r_arguments r) = size (argument_ports net opts).
  by rewrite -(size_map port_shape) -(interface_shapes (is_interfaceP arguments_ok)) size_map.
have shapes_r := interface_shapes (is_interfaceP results_ok).
have sr : size (r_results r) = size sts.
  by rewrite -(size_map (fun s => t_shape (s_type s))) shapes_r -shapes_eq size_map.
have [|ys hm [sy [so hy]]] := raise_sound raised_ok (xs := arguments_of net opts a).
  by rewrite !size_map size_iota.
exists ys; first by rewrite -ea -er.
have [wp wq sj sk values] := same_valuesP a same.
apply: (@nth_Forall2 _ _ _ ([::], fun _ => 0) (@no_tensor R)); first by rewrite sy sr.
move=> k hk; have hk' : (k < size ys)%nat by rewrite sy sr.
have n_results : size sts = size [seq port_shape p | p <- result_ports net opts].
  by rewrite -shapes_eq size_map.
have [|same_k [shape_k bound_k]] := values k; first by rewrite -n_results.
have [_ /(_ k) hold_k] := Forall2_nth ([::], fun _ => 0) 0%num hold.
have e_shape : (nth ([::], fun _ => 0) sts k).1 = nth [::] [seq port_shape p | p <- result_ports net opts] k.
  by rewrite -shapes_eq (nth_map ([::], fun _ => 0)).
have e_type : t_shape (s_type (nth no_slot (r_results r) k)) = (nth ([::], fun _ => 0) sts k).1.
  by rewrite e_shape -shapes_r (nth_map no_slot) // sr.
apply: (eqt_trans _ (hold_k hk)); rewrite e_shape; apply: (eqt_trans _ (eqt_sym same_k)).
have hy_k := hy k hk'; rewrite e_type e_shape in hy_k.
apply: (eqt_trans hy_k); rewrite shape_k; apply: run_eqt wq _ _ bound_k => j hj i _.
rewrite /input_env /arguments_of (nth_map 0%num) ?size_map ?size_iota.
  rewrite /first_dims (nth_map 0%nat) ?size_iota ?nth_iota ?add0n ?Nnat.N2Nat.id //.
all: by apply/ssrnat.ltP; move/N.eqb_eq: count_ok; lia.
Qed.
End Sound.

Lemma Forall2_imp (T U : Type) (P Q : T -> U -> Prop) l l' : List.Forall2 P l l' ->
  (forall q i, List.In i l' -> P q i -> Q q i) -> List.Forall2 Q l l'.
Proof.
elim=> [|q i {}l {}l' hq _ ih] h; constructor; first by apply: h hq; left.
by apply: ih => q' i' hi; apply: h; right.
Qed.

Lemma all_In (T : Type) (P : T -> bool) l : all P l -> forall x, List.In x l -> P x.
Proof. by elim: l => //= y l ih /andP [hy /ih h] x [<-|/h]. Qed.

Lemma holds_params (R : realType) (T : Type) (f : T -> shape * tensor R) (P : T -> N -> Prop) e l js :
  List.Forall2 P l js -> (forall x j, P x j -> eqt (f x).1 (e j) (f x).2) ->
  holds e [seq f x | x <- l] js.
Proof. by move=> h hP; rewrite -[js]map_id; exact: holds_map h hP. Qed.

(** The parts that gradient and train steps share: a program that starts with
    the differentiated forward pass, of which [c] is the rest. *)
Section Differentiated.
Variables (R : realType) (net : spec) (opts : options) (g : graph) (back c : prog) (grads : seq N).
Variable ms : shapes.
Let sh := shape_in ms.
Let w := which opts.
Let nin := first_at net w.
Let params := numbered_params net.
Let p := g_prog g ++ back.
Hypothesis not_forward : w <> Forward.
Hypothesis el : elaborate net (batch_size opts) (position_of net w) = Some g.
Hypothesis emitted : loss_grad (g_prog g) (N.succ (g_loss g)) (g_loss g) params = (back, grads).
Hypothesis reverse_fit : reverse_ok net nin ms (Expected g p grads (p ++ c) [::]).
Hypothesis program_fit : wf (p ++ c) nin sh.
Variables (other : env R) (θ : θ_space R net).
Let a : env R := at_θ other θ.
Let e := run (p ++ c) a.
Let slope : θ_space R net := gradient params grads (run p a).

Lemma slope_is_gradient : off_kinks opts (kinks_of net) other θ ->
  is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ slope.
Proof.
move=> off; have [wp _] := wf_cat program_fit; have [wg _] := wf_cat wp.
case/and5P: reverse_fit => _ base order targets pos; have fit := params_in_orderP order.
exact: (gradient_sound not_forward el emitted wg base fit targets pos off).
Qed.

Lemma slope_tensors : List.Forall2 (fun q i => eqt q.2 (tensors_of slope q.1) (e i)) params grads.
Proof.
case/and5P: reverse_fit => bound _ order _ /N.ltb_lt pos; have fit := params_in_orderP order.
have [u _] := andP fit.
have sz : size grads = size params.
  by have := congr1 (fun q => size q.2) emitted; rewrite /= size_map.
apply: Forall2_imp (gradient_tensors (run p a) (fun _ _ => 0) u sz pos) _ => q i hi hq.
by rewrite /e (run_prefix a program_fit) //; apply/N.ltb_lt; exact: all_In bound _ hi.
Qed.

Lemma arguments_kept j : (j < nin)%num -> e j = a j.
Proof. exact: run_stable program_fit. Qed.

Lemma holds_loss : eqt [::] (e (g_loss g)) (fun _ => loss_at net opts a).
Proof.
have h : wf (g_prog g ++ (back ++ c)) nin sh by rewrite catA.
have v := loss_value a el not_forward h; rewrite catA in v.
by move=> i; rewrite inE => /eqP ->; exact: v.
Qed.

Lemma holds_logits :
  eqt (logits_shape net (batch_size opts)) (e (g_logits g)) (logits_at net opts a).
Proof.
have E : p ++ c = g_forward g ++ (g_loss_code g ++ back ++ c).
  by rewrite /p /g_prog -!catA.
by rewrite /e E; apply: (logits_sound a el); rewrite -E; exact: program_fit.
Qed.
End Differentiated.

Theorem check_sound net opts m kinks : check net opts m kinks = true -> certified net opts m kinks.
Proof.
rewrite /check; case hx: expected_step => [x|] //; case hr: raise => [r|] //.
move=> /and5P [options_fit /(list_eqbP kink_eqbP) -> arguments_fit results_fit].
move=> /and4P [count_fit reads_fit reverse_fit same].
have out : exists s, output_of net = Some s.
  move: hx; rewrite /expected_step; case: (opts) => batch w.
  by case el: elaborate => [g|] // _; have [] := loss_code_of el.
split=> //.
  have [f [hf ea er]] := raise_main hr; exists f; split=> //.
    by rewrite -ea; exact: is_interfaceP.
  by rewrite -er; exact: is_interfaceP.
move=> R; have ret := @returns_expected R net opts m x r hr arguments_fit results_fit count_fit same.
have [wx _ _ _ _] := same_valuesP (fun _ _ => 0 : R) same.
move: hx ret wx reverse_fit reads_fit {same arguments_fit results_fit count_fit}.
rewrite /computes_step; case: opts {options_fit} => batch w; rewrite /expected_step.
case el: elaborate => [g|] //; case emitted: loss_grad => [back grads].
set ms := shapes_from 0 _.
case: w el emitted ms => [||o fs] el emitted ms.
- case=> <- ret wx _ _ a; apply: ret => //=; constructor; last by constructor.
  have := @logits_sound R net (Options batch Forward) g (shape_in ms) a el [::].
  by rewrite cats0; apply.
- case=> <- ret wx rev _ other θ.
  have {}wx : wf ((g_prog g ++ back) ++ [::]) (first_at net Grad) (shape_in ms) by rewrite cats0.
  have {}rev : reverse_ok net (first_at net Grad) ms
    (Expected g (g_prog g ++ back) grads ((g_prog g ++ back) ++ [::]) [::]) by [].
  exists (gradient (numbered_params net) grads (run (g_prog g ++ back) (at_θ other θ))).
    exact: (@slope_is_gradient R net (Options batch Grad) g back [::] grads ms _ el emitted rev wx).
  have slopes := @slope_tensors R net (Options batch Grad) g back [::] grads ms emitted rev wx other θ.
  have loss := @holds_loss R net (Options batch Grad) g back [::] ms _ el wx other θ.
  rewrite cats0 in slopes loss; apply: ret => /=; last first.
    by rewrite /gradient_results !map_cat -map_comp shapes_ports -shapes_params.
  apply: holds_cat; last by constructor; [exact: loss|constructor].
  by rewrite /gradient_results; apply: (holds_params slopes) => q i hq j hj; exact: esym (hq j hj).
case hu: update_stages => [stages new]; case hs: update_stats => [u stats] [<-] ret wx rev reads other θ.
set c := flatten stages in ret wx rev hs *.
have {}rev : reverse_ok net (first_at net (Train o fs)) ms
  (Expected g (g_prog g ++ back) grads ((g_prog g ++ back) ++ c ++ u) [::]) by [].
exists (gradient (numbered_params net) grads (run (g_prog g ++ back) (at_θ other θ))).
  exact: (@slope_is_gradient R net (Options batch (Train o fs)) g back (c ++ u) grads ms _ el emitted rev wx).
have slopes := @slope_tensors R net (Options batch (Train o fs)) g back (c ++ u) grads ms emitted rev wx other θ.
have loss := @holds_loss R net (Options batch (Train o fs)) g back (c ++ u) ms _ el wx other θ.
have logits := @holds_logits R net (Options batch (Train o fs)) g back (c ++ u) ms el wx other θ.
have kept := @arguments_kept R net (Options batch (Train o fs)) g back (c ++ u) ms wx other θ.
have [hp /computes_cat [hc hu']] := computes_cat (wf_computes (at_θ other θ) wx).
have [/computes_cat [hf _] _] := computes_cat hp.
have new_stats := @stats_sound R net (Options batch (Train o fs)) g (at_θ other θ) el o fs _ u stats _
  erefl hf hu' kept hs.
apply: ret; last exact: shapes_train.
apply: holds_cat.
  apply: (update_stages_sound reads kept _ hu hc slopes) => q hq.
  have /and5P [_ _ /andP [_ /allP fit] _ _] := rev.
  suff /fit /andP [/N.ltb_lt] : q \in numbered_params net by [].
  by elim: (numbered_params net) hq => //= q' l ih [->|/ih h]; rewrite inE ?eqxx ?h ?orbT.
apply: holds_cat new_stats _.
by constructor; [exact: loss|constructor; [exact: logits|constructor]].
Qed.

(** ** Readings of it *)

(** The parameters of any arguments are some [θ]: [certified] leaves none out. *)
Lemma every_argument (R : realType) net (a : N -> tensor R) (params := numbered_params net) :
  uniq (ids params) -> (0 < total params)%num ->
  List.Forall2 (fun p k => eqt p.2 (at_θ (net := net) a (gradient params (ids params) a) p.1) (a k))
    params (ids params).
Proof. by move=> u pos; apply: gradient_tensors => //; rewrite size_map. Qed.

(** A network without kinks: no premise is left. *)
Theorem certified_everywhere net opts m : certified net opts m [::] -> which opts <> Forward ->
  forall (R : realType) (other : N -> tensor R) (θ : θ_space R net),
  let a := at_θ other θ in
  exists2 g : θ_space R net,
    is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ g
  & returns net opts m a match which opts with
      | Train o f => textbook_step net o f a (tensors_of g) ++ stats_at_step net opts a
                     ++ [:: loss_result net opts a; logits_result net opts a]
      | _ => gradient_results g ++ [:: loss_result net opts a]
      end.
Proof.
move=> [_ _ _ h] hw R other θ; have := h R; rewrite /computes_step.
by case: (which opts) hw => [|_|o f _] // /(_ other θ) [g hg ret]; exists g => //; apply: hg => k [].
Qed.
