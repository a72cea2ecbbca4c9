(** * An update computes the textbook step

    All stages together, among the values of a step.

    Glossary
      - [rule_sound]         what the rule gives, stands where it says *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir DenoteFacts Computes Grad.
From Cotangent Require Import Spec Optimizer Features Steps StepsFacts Textbook OptimizerSound FeaturesSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section UpdateSound.
Variable R : realType.

Lemma size_textbook_powers o (l : seq R) : size (textbook_powers o l) = size l.
Proof. by case: o => * /=; case: l => [|p1 [|p2 []]]. Qed.

Lemma same_length (T U V : Type) (v : V) (l : seq T) (l' : seq U) :
  size l = size l' -> [seq v | _ <- l] = [seq v | _ <- l'].
Proof. by elim: l l' => [|x l ih] [|y l'] //= [/ih ->]. Qed.

(** ** All stages, among the values [e] of a step with arguments [a] *)
Section Stages.
Variables (net : spec) (o : optimizer) (f : features) (e a g : env R).
Let w := Train o f.
Let params : seq (N * shape) := numbered_params net.
Hypothesis reads : reads_arguments net w.
Hypothesis he : forall j, (j < first_at net w)%num -> e j = a j.
Hypothesis hp : forall q, List.In q params -> (q.1 < first_at net w)%num.

Lemma same_argument j : j \in arguments_read net o f -> e j = a j.
Proof. by move: reads => /allP h /h /N.ltb_lt; exact: he. Qed.

Lemma rule_sound given k c r power' :
  update (spared f) o (rate_at net w) (trained_params net o given) (powers_at net o) k
    = (c, (r, power')) -> computes e c ->
  stands e params (given_gradient f params (new_sum net o a g) g) given ->
  holds e (rule_results net o f a g) (train_results 0%num (size (slots o)) r power')
  /\ List.Forall2 (fun q u => eqt q.2 (e u.1) (new_values net o f a g q).1) params r.
Proof.
rewrite /update; case hsc: update_scalars => [cs pw]; case hall: update_all => [c2 r2].
move=> /pair_equal_spec [<- /pair_equal_spec [<- <-]] /computes_cat [e1 e2] hg.
have hlr : e (rate_at net w) = a (rate_at net w) by apply: same_argument; rewrite inE eqxx.
have hpw : [seq e j [::] | j <- powers_at net o] = [seq a j [::] | j <- powers_at net o].
  by apply/eq_in_map => j hj; rewrite same_argument // inE mem_cat hj orbT.
have size_pw : size (powers_at net o) = size (powers o) by rewrite !size_map size_iota.
have size_sl q : size (slots_at net o q) = size (slots o) by rewrite !size_map size_iota.
have all_sl : all (fun p => size (p_slots p) == size (slots o)) (trained_params net o given).
  by rewrite /trained_params all_map; apply/allP => q _; rewrite /= size_sl.
have F := update_all_sound hsc e1 size_pw hall e2 all_sl.
pose new := new_values net o f a g.
have {}F : List.Forall2 (fun (q : N * shape) u => eqt q.2 (e u.1) (new q).1 /\
    forall j, j \in iota 0 (size (slots o)) -> eqt q.2 (e (nth 0%num u.2 j)) (nth (fun _ => 0) (new q).2 j))
    params r2.
  apply: Forall2_zip hg F _ => q i u hq hgi /= [hv hs].
  have sl : [seq e k | k <- slots_at net o q.1] = [seq a k | k <- slots_at net o q.1].
    apply/eq_in_map => j hj; apply: same_argument; rewrite inE mem_cat mem_cat.
    suff -> : j \in flatten [seq slots_at net o q.1 | q <- params] by rewrite !orbT.
    apply/flattenP; exists (slots_at net o q.1) => //; apply/mapP; exists q => //.
    by elim: (params) hq => //= q' l ih [->|/ih h]; rewrite inE ?eqxx ?h ?orbT.
  rewrite hlr hpw sl (he (hp hq)) in hv hs.
  have [e_sl _ _ _] := rule_for_same R (spared f) o q.2.
  have [|||//|v_eq s_eq] := @textbook_eqt R (rule_for (spared f) o q.2) q.2 (a (rate_at net w) [::])
     (step_powers net o a) (a q.1) (a q.1) (e i) (given_gradient f params (new_sum net o a g) g q.1)
     [seq a k | k <- slots_at net o q.1] [seq a k | k <- slots_at net o q.1] => //.
  - exact: eqt_sym.
  - by rewrite e_sl size_map size_sl.
  split=> [|j]; first exact: eqt_trans hv v_eq.
  rewrite mem_iota add0n /= => hj; have [sz1 h1] := hs; have [sz2 h2] := s_eq.
  have := eqt_trans (h1 j) (h2 j); rewrite (nth_map 0%num) //.
  by move: sz1; rewrite size_map => ->; rewrite sz2 size_textbook e_sl // size_map size_sl.
split; last by elim: F => [|q u l l' [hq _] _ ih]; constructor.
rewrite /rule_results /train_results; apply: holds_cat.
  by apply: holds_map F _ => q u [].
apply: holds_cat.
  apply: holds_flatten => j hj; rewrite -map_comp.
  by apply: holds_map F _ => q u [_ /(_ j hj)].
rewrite /step_powers -hpw -(update_scalars_sound hsc e1).
elim: pw {hsc hall} => [|j pw ih]; constructor => //= i hi.
by move: hi; rewrite inE => /eqP ->.
Qed.

(** Shapes of the results. *)
Lemma shapes_params : [seq q.2 | q <- params] = [seq q.2 | q <- net_params net].
Proof.
rewrite /params numbered_paramsE -/(unzip2 _) unzip2_zip //.
by rewrite !size_map size_iota.
Qed.

Lemma shapes_for (x : N * shape -> tensor R) :
  [seq st.1 | st <- [seq (q.2, x q) | q <- params]] = [seq q.2 | q <- net_params net].
Proof. by rewrite -map_comp; exact: shapes_params. Qed.

Lemma shapes_by_slot (T : Type) (F : nat -> seq (shape * T)) (S : seq shape) (l : seq string) k :
  (forall j, [seq st.1 | st <- F j] = S) ->
  [seq st.1 | st <- flatten [seq F j | j <- iota k (size l)]] = flatten [seq S | _ <- l].
Proof. by move=> h; elim: l k => //= _ l ih k; rewrite map_cat h ih. Qed.

Lemma shapes_rule : [seq st.1 | st <- rule_results net o f a g]
  = [seq q.2 | q <- net_params net] ++ [seq q.2 | q <- state o (net_params net)].
Proof.
rewrite /rule_results /state !map_cat shapes_for; congr (_ ++ (_ ++ _)).
  rewrite (@shapes_by_slot _ _ [seq q.2 | q <- net_params net]) => [|j]; last exact: shapes_for.
  by rewrite map_flatten -map_comp; congr flatten; apply: eq_map => slot; rewrite /= -map_comp.
rewrite -!map_comp; apply: same_length.
by rewrite size_textbook_powers !size_map size_iota.
Qed.

Lemma shapes_averages : [seq st.1 | st <- average_results net o f a g] = [seq q.2 | q <- averages_of net w].
Proof.
by rewrite /average_results /averages_of /=; case: (ema f) => // d; rewrite shapes_for -map_comp.
Qed.

Lemma shapes_state : [seq q.2 | q <- numbered_state net o] = [seq q.2 | q <- state o (net_params net)].
Proof.
rewrite numbered_stateE -/(unzip2 _) unzip2_zip //.
by rewrite !size_map size_iota.
Qed.

Lemma shapes_sums count : accumulate f = Some count -> [seq q.2 | q <- state_of net w]
  = [seq q.2 | q <- state o (net_params net)] ++ [seq q.2 | q <- net_params net].
Proof. by rewrite /state_of /w => ->; rewrite map_cat -[X in _ ++ X]map_comp. Qed.

Lemma shapes_waiting count : accumulate f = Some count ->
  [seq st.1 | st <- waiting_results net o f a g]
  = [seq q.2 | q <- net_params net ++ state_of net w ++ averages_of net w].
Proof.
move=> h; rewrite [RHS]map_cat [X in _ = _ ++ X]map_cat (shapes_sums h) /waiting_results.
rewrite -shapes_averages /average_results -!catA 3!map_cat !shapes_for.
congr (_ ++ (_ ++ (_ ++ _))); first by rewrite -map_comp; exact: shapes_state.
by case: (ema f) => // d; rewrite !shapes_for.
Qed.

Lemma shapes_updated count : accumulate f = Some count ->
  [seq st.1 | st <- rule_results net o f a g ++ [seq (q.2, fun _ => 0) | q <- params]
                      ++ average_results net o f a g]
  = [seq q.2 | q <- net_params net ++ state_of net w ++ averages_of net w].
Proof.
move=> h; rewrite [RHS]map_cat [X in _ = _ ++ X]map_cat (shapes_sums h).
by rewrite map_cat [X in _ ++ X]map_cat shapes_rule shapes_for shapes_averages -!catA.
Qed.

Lemma shapes_textbook_step : [seq st.1 | st <- textbook_step net o f a g]
  = [seq q.2 | q <- net_params net ++ state_of net w ++ averages_of net w].
Proof.
rewrite /textbook_step; case h: (accumulate f) => [count|].
  by case: ifP => _; [exact: shapes_updated h|exact: shapes_waiting h].
rewrite [RHS]map_cat [X in _ = _ ++ X]map_cat map_cat shapes_rule shapes_averages -catA.
congr (_ ++ (_ ++ _)); by rewrite /state_of /w h cats0.
Qed.

Lemma holds_arguments (at_ : N -> N) l : (forall q, List.In q l -> e (at_ q.1) = a (at_ q.1)) ->
  holds e [seq (q.2, a (at_ q.1)) | q <- l] [seq at_ q.1 | q <- l].
Proof.
elim: l => [|q l ih] h; constructor; first by move=> i _; rewrite /= h //; left.
by apply: ih => q' hq; apply: h; right.
Qed.

Lemma In_map (T : Type) (h : T -> N) (l : seq T) q : List.In q l -> h q \in [seq h q | q <- l].
Proof. by elim: l => //= q' l ih [->|/ih]; rewrite inE ?eqxx // => ->; rewrite orbT. Qed.

Theorem update_stages_sound grads k stages new :
  update_stages net o f grads k = (stages, new) -> computes e (flatten stages) ->
  stands e params g grads -> holds e (textbook_step net o f a g) new.
Proof.
rewrite /update_stages -/w -/params.
case h1: accumulated => [c1 [sums means]]; case h2: clipped => [c2 given].
case h3: update => [c3 [r power]]; case h4: averaged => [c4 averages].
have sum_kept n q : accumulate f = Some n -> List.In q params ->
    e (sum_at net o q.1) = a (sum_at net o q.1).
  move=> hn hq; apply: same_argument; rewrite /arguments_read hn inE !mem_cat inE mem_cat.
  by rewrite (In_map (fun q => sum_at net o q.1) hq) !orbT.
have average_kept d q : ema f = Some d -> List.In q params ->
    e (average_at net w q.1) = a (average_at net w q.1).
  move=> hd hq; apply: same_argument; rewrite /arguments_read hd inE !mem_cat.
  by rewrite (In_map (fun q => average_at net w q.1) hq) !orbT.
have sound : computes e c1 -> computes e c2 -> computes e c3 -> computes e c4 ->
    stands e params g grads ->
  [/\ if accumulate f is Some _ then stands e params (new_sum net o a g) sums else True,
      holds e (rule_results net o f a g) (train_results 0%num (size (slots o)) r power)
    & holds e (average_results net o f a g) averages].
  move=> e1 e2 e3 e4 hg.
  have [hs hm] := accumulated_sound (old := fun k => a (sum_at net o k)) h1 e1 hg sum_kept.
  have [hr hn] := rule_sound h3 e3 (clipped_sound h2 e2 hm).
  split=> //; move: h4; rewrite /average_results; case hd: (ema f) => [d|] h4.
    exact: (averaged_sound (old := fun k => a (average_at net w k)) h4 e4 hn (average_kept d ^~ hd)).
  by case: h4 => _ <-.
move: sound sum_kept; rewrite /textbook_step; case hacc: (accumulate f) => [count|] sound sum_kept; last first.
  move=> /pair_equal_spec [<- <-] /computes_cat [e1] /computes_cat [e2] /computes_cat [e3].
  by move=> /computes_cat [e4 _] hg; have [_ hr ha] := sound e1 e2 e3 e4 hg; exact: holds_cat.
case h5: each => [c5 zeros]; case h6: applied => [c6 results] /pair_equal_spec [<- <-].
move=> /computes_cat [e1] /computes_cat [e2] /computes_cat [e3] /computes_cat [e4].
move=> /computes_cat [/computes_cat [e5 e6] _] hg; have [hs hr ha] := sound e1 e2 e3 e4 hg.
have kept_apply : e (apply_at net w) = a (apply_at net w).
  by apply: same_argument; rewrite /arguments_read hacc inE !mem_cat inE eqxx !orbT.
rewrite -kept_apply; rewrite -(shapes_updated hacc) in h6.
apply: (applied_sound _ _ _ h6 e6).
- by rewrite (shapes_waiting hacc) (shapes_updated hacc).
- by apply: holds_cat hr _; apply: holds_cat ha; exact: zeros_sound h5 e5.
rewrite /waiting_results map_cat -!catA; apply: holds_cat.
  by apply: (holds_arguments (at_ := id)) => q /hp hq; exact: he.
apply: holds_cat.
  apply: (holds_arguments (at_ := id)) => q hq; apply: same_argument; rewrite /arguments_read hacc inE !mem_cat inE mem_cat.
  by rewrite (In_map (fun q => q.1) hq) !orbT.
apply: holds_cat; first exact: stands_holds.
case hd: (ema f) => [d|]; last by constructor.
exact: (holds_arguments (average_kept d ^~ hd)).
Qed.
End Stages.
End UpdateSound.
