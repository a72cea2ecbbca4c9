(** * The program of a network computes its meaning

    By the lemmas on layers, joins and losses, in [MeaningLayerSound.v],
    [MeaningJoinSound.v] and [MeaningLossSound.v].

    Glossary
      - [param_count], [mask_count]  how many a chain has
      - [agree e theta k n]  the values from [k] on, [n] of them, are those of
                          [theta]; [agree_read], [agree_chain]: what layers read
                          beside parameters, and all that a chain reads
      - [current]         the values that stand for the running statistics now
                          are these tensors *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts SmoothFacts Computes Grad Adjoint Spec Meaning.
From Cotangent Require Import NormsSound MeaningLayerSound MeaningJoinSound MeaningLossSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma unzip2_rcons (S T : Type) (l : seq (S * T)) x y :
  unzip2 (rcons l (x, y)) = rcons (unzip2 l) y.
Proof. exact: map_rcons. Qed.

Section Sound.
Variable R : realType.
Implicit Types (e : env R).

Definition param_count (c : chain) (ready : seq shape) (s : shape) : N :=
  N.of_nat (size (params_in c ready s)).
Definition mask_count (c : chain) (ready : seq shape) (s : shape) : N :=
  N.of_nat (size (masks_in c ready s)).

Lemma counts_next name l c ready s s' : Layer.output l s = Some s' ->
  param_count (Next name l c) ready s
    = (N.of_nat (size (Layer.params l s)) + param_count c ready s')%num
  /\ mask_count (Next name l c) ready s
    = (N.of_nat (size (Layer.masks l s)) + mask_count c ready s')%num.
Proof.
move=> hs; rewrite /param_count /mask_count /params_in /= hs /=.
by rewrite !size_cat !size_map !Nnat.Nat2N.inj_add.
Qed.

Lemma counts_branch a c ready s t : output_shape a [::] s = Some t ->
  param_count (Branch a c) ready s = (param_count a [::] s + param_count c (rcons ready t) s)%num
  /\ mask_count (Branch a c) ready s = (mask_count a [::] s + mask_count c (rcons ready t) s)%num.
Proof.
move=> hs; rewrite /param_count /mask_count /params_in /= hs.
by rewrite map_cat flatten_cat !size_cat !Nnat.Nat2N.inj_add.
Qed.

Lemma counts_join name j c ready s t : joined_shape j ready = Some t ->
  param_count (Join name j c) ready s = param_count c [::] t
  /\ mask_count (Join name j c) ready s = mask_count c [::] t.
Proof. by move=> ht; rewrite /param_count /mask_count /params_in /= ht. Qed.

Lemma counts_again p st a c ready s t : output_shape a [::] s = Some t ->
  param_count (Again p st a c) ready s = param_count c ready t
  /\ mask_count (Again p st a c) ready s = (mask_count a [::] s + mask_count c ready t)%num.
Proof.
move=> ht; rewrite /param_count /mask_count /params_in /= ht.
by rewrite size_cat Nnat.Nat2N.inj_add.
Qed.

(** A layer reads its own parameters, and its own statistics or masks. *)
Definition agree (e : env R) (theta : N -> tensor R) (k n : N) : Prop :=
  forall j, (k <= j)%num -> (j < k + n)%num -> e j = theta j.

Lemma agree_split e theta k a b : agree e theta k (a + b) -> agree e theta k a /\ agree e theta (k + a) b.
Proof. by move=> h; split=> j h1 h2; apply: h; lia. Qed.

(** All parameters below. *)
Lemma agree_own e theta k n : agree e theta 0 (k + n) -> agree e theta k n.
Proof. by move=> h j h1 h2; apply: h; lia. Qed.

Lemma agree_next e theta k a b : agree e theta 0 (k + (a + b)) ->
  agree e theta 0 (k + a) /\ agree e theta 0 (k + a + b).
Proof. by move=> h; split=> j h1 h2; apply: h; lia. Qed.

Lemma agree_shared e theta a s p p0 n : may_share a s p p0 -> agree e theta 0 (p0 + n) ->
  agree e theta 0 (p + param_count a [::] s).
Proof.
move=> /N.leb_le h ha j h1 h2; apply: ha => //.
by rewrite /past in h; rewrite /param_count in h2; lia.
Qed.

Lemma count_from_eq e theta k n : agree e theta k (N.of_nat n) ->
  [seq e j | j <- count_from k n] = [seq theta j | j <- count_from k n].
Proof.
move=> h; apply/eq_in_map => j /mapP [i]; rewrite mem_iota add0n /= => /ssrnat.ltP hi ->.
by apply: h; lia.
Qed.

(** One layer reads [stats] running statistics, or [masks] masks. *)
Definition agree_read (e : env R) (theta : N -> tensor R) (r : reading) (stats masks : N) : Prop :=
  match r with
  | Running first t => agree e theta (first + t) stats
  | Masks m => agree e theta m masks
  end.

(** A chain reads running statistics among those of the network, or its masks. *)
Definition agree_chain (e : env R) (theta : N -> tensor R) (r : reading) (c : chain)
    (ready : seq shape) (s : shape) : Prop := match r with
| Running first t => exists2 ss, agree e theta first (N.of_nat (size ss)) & stats_fit ss c ready s t
| Masks m => agree e theta m (mask_count c ready s)
end.

(** Where a layer's statistics fit, there are as many. *)
Lemma fits_inside (ss own : seq shape) t0 j : take (size own) (drop (N.to_nat t0) ss) = own ->
  (t0 <= j)%num -> (j < t0 + N.of_nat (size own))%num -> (j < N.of_nat (size ss))%num.
Proof.
move=> h h1 h2; have : (size own <= size ss - N.to_nat t0)%nat.
  by rewrite -size_drop -{1}h size_take; case: ltnP => // /ltnW.
by move/ssrnat.leP; rewrite -minusE; lia.
Qed.

Lemma agree_next_read e theta r name l c ready s s' : Layer.output l s = Some s' ->
  agree_chain e theta r (Next name l c) ready s ->
  agree_read e theta r (N.of_nat (size (Layer.stats l s))) (N.of_nat (size (Layer.masks l s)))
  /\ agree_chain e theta (past_read r (Layer.stats l s) (Layer.masks l s)) c ready s'.
Proof.
move=> hs; case: r => [first t|m] /=; last first.
  by have [_ ->] := counts_next name c ready hs; exact: agree_split.
case=> ss ha; rewrite hs => /andP [/eqP fit rest]; split; last by exists ss.
move=> j h1 h2; apply: ha; first lia.
have := @fits_inside ss [seq q.2 | q <- Layer.stats l s] t (j - first) fit.
by rewrite size_map; lia.
Qed.

Lemma agree_branch_read e theta r a c ready s t : output_shape a [::] s = Some t ->
  agree_chain e theta r (Branch a c) ready s ->
  agree_chain e theta r a [::] s
  /\ agree_chain e theta (past_read r (stats_in a [::] s) (masks_in a [::] s)) c (rcons ready t) s.
Proof.
move=> hs; case: r => [first t0|m] /=; last first.
  by have [_ ->] := counts_branch c ready hs; exact: agree_split.
by case=> ss ha; rewrite hs => /andP [f1 f2]; split; exists ss.
Qed.

Lemma agree_join_read e theta r name j c ready s t : joined_shape j ready = Some t ->
  agree_chain e theta r (Join name j c) ready s -> agree_chain e theta r c [::] t.
Proof.
move=> hs; case: r => [first t0|m] /=; last by have [_ ->] := counts_join name c s hs.
by case=> ss ha; rewrite hs => f; exists ss.
Qed.

Lemma agree_again_read e theta r p st a c ready s t : output_shape a [::] s = Some t ->
  agree_chain e theta r (Again p st a c) ready s ->
  agree_chain e theta (shared_read r st) a [::] s
  /\ agree_chain e theta (past_read r [::] (masks_in a [::] s)) c ready t.
Proof.
move=> hs; case: r => [first t0|m] /=; last first.
  by have [_ ->] := counts_again p st c ready hs; exact: agree_split.
case=> ss ha; rewrite hs /past N.add_0_r => /andP [/andP [_ f1] f2]; split; exists ss => //.
Qed.

Lemma own_eq l s p0 t0 e theta : agree e theta p0 (N.of_nat (size (Layer.params l s))) ->
  agree_read e theta t0 (N.of_nat (size (Layer.stats l s))) (N.of_nat (size (Layer.masks l s))) ->
  [seq e j | j <- own_values l s p0 t0] = [seq theta j | j <- own_values l s p0 t0].
Proof.
rewrite /own_values !map_cat => hp ht; congr (_ ++ _); first exact: count_from_eq.
by case: t0 ht => [first t|m]; exact: count_from_eq.
Qed.

Lemma next_sound batch theta l s s' p0 t0 x k code e xm : Layer.output l s = Some s' ->
  Layer.emit l batch s (own_values l s p0 t0) x k = Some code -> computes e code ->
  eqt (batch :: s) (e x) xm -> agree e theta 0 (p0 + N.of_nat (size (Layer.params l s))) ->
  agree_read e theta t0 (N.of_nat (size (Layer.stats l s))) (N.of_nat (size (Layer.masks l s))) ->
  eqt (batch :: s') (e (N.pred (next_id k code)))
    (layer_meaning l batch s [seq theta j | j <- own_values l s p0 t0] xm).
Proof.
move=> hs hc h1 hx /agree_own hp ht; apply: eqt_trans (layer_sound hs hc h1) _.
by rewrite (own_eq hp ht); exact: layer_eqt hs hx.
Qed.

Lemma emit_layers_sound batch theta c ready rm s p0 t0 x k code y o e xm :
  emit_layers batch c ready s p0 t0 x k = Some (code, y, o) -> computes e code ->
  eqt (batch :: s) (e x) xm -> holds_parts batch e ready rm ->
  agree e theta 0 (p0 + param_count c (unzip2 ready) s) ->
  agree_chain e theta t0 c (unzip2 ready) s ->
  exists2 s', output_shape c (unzip2 ready) s = Some s' &
    eqt (batch :: s') (e y) (through batch theta c rm s p0 t0 xm).
Proof.
elim: c ready rm s p0 t0 x k code y o xm
    => [|name l c ih|a iha c ih|name j c ih|p st a iha c ih] ready rm s p0 t0 x k code y o xm /=.
- by case: ready => // -[<- <- _] _ hx hr _ _; exists s => //; inversion hr.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- <- _] /computes_cat [h1 h2] hx hr.
  have [-> _] := counts_next name c (unzip2 ready) hs.
  move=> /agree_next [hp hp'] /(agree_next_read hs) [ht1 ht2].
  by apply: (ih _ _ s' _ _ _ _ _ _ _ _ he h2 _ hr hp' ht2); exact: next_sound hs hc h1 hx hp ht1.
- case hs: (output_shape a) => [t|] //.
  case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
  move=> [<- <- _] /computes_cat [h1 h2] hx hr; have [-> _] := counts_branch c (unzip2 ready) hs.
  move=> /agree_next [hp hp'] /(agree_branch_read hs) [ht1 ht2].
  have [t' ea' ya] := iha _ _ _ _ _ _ _ _ _ _ _ ea h1 hx (List.Forall2_nil _) hp ht1.
  move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
  have := ih _ _ _ _ _ _ _ _ _ _ _ ec h2 hx (holds_parts_rcons hr ya).
  by rewrite unzip2_rcons; apply.
- case hj: joined_shape => [t|] //; case hc: emit_join => [c1 y1].
  case he: emit_layers => [[[c2 y2] o2]|] // [<- <- _] /computes_cat [h1 h2] hx hr.
  have [-> _] := counts_join name c s hj => hp /(agree_join_read hj) ht.
  rewrite -(holds_parts_shapes hr) hj /=.
  apply: (ih _ _ _ _ _ _ _ _ _ _ _ he h2 _ (List.Forall2_nil _) hp ht).
  exact: emit_join_sound hj hc h1 hr.
case share: may_share => //; case hs: (output_shape a) => [t|] //.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
move=> [<- <- _] /computes_cat [h1 h2] hx hr; have [-> _] := counts_again p st c (unzip2 ready) hs.
move=> hp /(agree_again_read hs) [hta htc]; have [t' ea' ya] := iha _ _ _ _ _ _ _ _ _ _ _ ea h1 hx (List.Forall2_nil _)
  (agree_shared share hp) hta.
move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
exact: ih _ _ _ _ _ _ _ _ _ _ _ ec h2 ya hr hp htc.
Qed.

(** Value [now i] is running statistic [i], which is [nowm i]. *)
Definition current e (ss : seq shape) (now : N -> N) (nowm : N -> tensor R) : Prop :=
  forall i, (i < N.of_nat (size ss))%num -> eqt (nth [::] ss (N.to_nat i)) (e (now i)) (nowm i).

Lemma nth_own (ss own : seq shape) t0 i : take (size own) (drop (N.to_nat t0) ss) = own ->
  (t0 <= i)%num -> (i < t0 + N.of_nat (size own))%num ->
  nth [::] own (N.to_nat (i - t0)) = nth [::] ss (N.to_nat i).
Proof.
move=> fit h1 h2; rewrite -{1}fit nth_take; last by apply/ssrnat.ltP; lia.
by rewrite nth_drop -plusE; congr nth; lia.
Qed.

Lemma holds_stats_from e now nowm own t0 :
  (forall i, (t0 <= i)%num -> (i < t0 + N.of_nat (size own))%num ->
     eqt (nth [::] own (N.to_nat (i - t0))) (e (now i)) (nowm i)) ->
  holds_stats e own [seq nowm i | i <- count_from t0 (size own)] [seq now i | i <- count_from t0 (size own)].
Proof.
elim: own t0 => [|s own ih] t0 h; first by constructor.
have -> : count_from t0 (size (s :: own)) = t0 :: count_from (N.succ t0) (size own).
  rewrite /count_from /= N.add_0_r (iotaDl 1) -map_comp; congr (_ :: _).
  by apply: eq_map => i /=; lia.
constructor; first by have := h t0; rewrite N.sub_diag; apply=> /=; lia.
apply: ih => i h1 h2; have := h i; rewrite [size _]/= => /(_ _ _).
have -> : N.to_nat (i - t0) = (N.to_nat (i - N.succ t0)).+1 by lia.
by apply; lia.
Qed.

Lemma holds_stats_nth e own ts r j d d' : holds_stats e own ts r -> size ts = size own ->
  (j < size own)%nat -> eqt (nth [::] own j) (e (nth d r j)) (nth d' ts j).
Proof.
elim: own ts r j => [|s own ih] [|t ts] r [|j] // h [sz] hj; inversion h as [|? i ? l h1 h2] => //=.
exact: ih.
Qed.

Lemma holds_stats_size e own ts r : holds_stats e own ts r -> size ts = size own -> size r = size own.
Proof.
by elim: own ts r => [|s own ih] [|t ts] r // h; inversion h => // -[sz]; rewrite /= (ih ts).
Qed.

Lemma current_own e ss now nowm (own : seq shape) t0 : current e ss now nowm ->
  take (size own) (drop (N.to_nat t0) ss) = own ->
  holds_stats e own [seq nowm i | i <- count_from t0 (size own)] [seq now i | i <- count_from t0 (size own)].
Proof.
move=> hn fit; apply: holds_stats_from => i h1 h2; rewrite (nth_own fit) //.
by apply: hn; exact: fits_inside fit h1 h2.
Qed.

Lemma current_replaced e ss now nowm (own : seq shape) t0 new newm : current e ss now nowm ->
  take (size own) (drop (N.to_nat t0) ss) = own -> size newm = size own -> holds_stats e own newm new ->
  current e ss (replaced now t0 new) (replaced nowm t0 newm).
Proof.
move=> hn fit sz h i hi; have sz' : size new = size own.
  exact: holds_stats_size h sz.
rewrite /replaced /past sz sz'; case: andP => [[/N.leb_le h1 /N.ltb_lt h2]|_]; last exact: hn.
by rewrite -(nth_own fit) //; apply: holds_stats_nth => //; apply/ssrnat.ltP; lia.
Qed.

Lemma latest_renewed first now k l i :
  latest first (renewed now k l) i = replaced (latest first now) k l i.
Proof.
elim: l now k => [|x l ih] now k /=.
  rewrite /replaced /past /= N.add_0_r; case: andP => // -[/N.leb_le h1 /N.ltb_lt h2]; lia.
rewrite ih /replaced /past /=; case: (N.eq_dec i k) => [->|ne].
  have -> : N.leb (N.succ k) k = false by apply/N.leb_gt; lia.
  have -> : N.leb k k && N.ltb k (k + N.pos (Pos.of_succ_nat (size l))) = true.
    by apply/andP; split; [apply/N.leb_le|apply/N.ltb_lt]; lia.
  by rewrite N.sub_diag /= /latest aget_set.
have -> : latest first (aset now k x) i = latest first now i by rewrite /latest aget_setN.
have -> : N.leb (N.succ k) i && N.ltb i (N.succ k + N.of_nat (size l))
    = N.leb k i && N.ltb i (k + N.pos (Pos.of_succ_nat (size l))).
  by apply/andP/andP => -[/N.leb_le h1 /N.ltb_lt h2]; split; try apply/N.leb_le; try apply/N.ltb_lt; lia.
case: andP => // -[/N.leb_le h1 _].
by have -> : N.to_nat (i - k) = (N.to_nat (i - N.succ k)).+1 by lia.
Qed.

Lemma current_renewed e ss first now nowm (own : seq shape) t0 new newm :
  current e ss (latest first now) nowm ->
  take (size own) (drop (N.to_nat t0) ss) = own -> size newm = size own -> holds_stats e own newm new ->
  current e ss (latest first (renewed now t0 new)) (replaced nowm t0 newm).
Proof.
move=> hn fit sz h i hi; rewrite latest_renewed.
exact: current_replaced hn fit sz h i hi.
Qed.

Lemma update_stats_sound ss batch first theta c ready rm s p0 m0 t0 now nowm x k code y o q u now' e xm :
  emit_layers batch c ready s p0 (Masks m0) x k = Some (code, y, o) -> computes e code ->
  eqt (batch :: s) (e x) xm -> holds_parts batch e ready rm ->
  agree e theta 0 (p0 + param_count c (unzip2 ready) s) ->
  agree e theta m0 (mask_count c (unzip2 ready) s) ->
  stats_fit ss c (unzip2 ready) s t0 -> current e ss (latest first now) nowm ->
  update_stats batch first c ready s p0 m0 t0 now x k q = (u, now') -> computes e u ->
  current e ss (latest first now') (stats_through batch theta c rm s p0 m0 t0 nowm xm).
Proof.
elim: c ready rm s p0 m0 t0 now nowm x k code y o q u now' xm
    => [|name l c ih|a iha c ih|name j c ih|p st a iha c ih] ready rm s p0 m0 t0 now nowm x k code y o q u now' xm /=.
- by move=> _ _ _ _ _ _ _ h [_ <-] _.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] /computes_cat [h1 h2] hx hr.
  have [-> ->] := counts_next name c (unzip2 ready) hs.
  move=> /agree_next [hp hp'] /agree_split [hm hm'] /andP [/eqP fit fit'] hn.
  case hu: Layer.new_stats => [u1 r1]; case hu': update_stats => [u2 now2] [<- <-].
  move=> /computes_cat [e1 e2]; have own := current_own hn fit; rewrite size_map in own.
  have [|sz new] := layer_stats_sound _ own hu e1 hx; first by rewrite !size_map size_iota.
  have hn' := current_renewed hn fit sz new.
  apply: (ih _ _ s' _ _ _ _ _ _ _ _ _ _ _ _ _ _ he h2 _ hr hp' hm' fit' hn' hu' e2).
  exact: next_sound hs hc h1 hx hp hm.
- case hs: (output_shape a) => [t|] //.
  case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
  move=> [<- _ _] /computes_cat [h1 h2] hx hr; have [-> ->] := counts_branch c (unzip2 ready) hs.
  move=> /agree_next [hp hp'] /agree_split [hm hm'] /andP [fit fit'] hn.
  case hua: (update_stats _ _ a) => [u1 now1]; case huc: (update_stats _ _ c) => [u2 now2] [<- <-].
  move=> /computes_cat [e1 e2]; have nil := List.Forall2_nil.
  have [t' ea' ya] := emit_layers_sound ea h1 hx (nil _ _ _) hp hm.
  move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
  have hn1 := iha _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ ea h1 hx (nil _ _ _) hp hm fit hn hua e1.
  have := ih _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ ec h2 hx (holds_parts_rcons hr ya).
  by rewrite unzip2_rcons => h; exact: h hp' hm' fit' hn1 huc e2.
- case hj: joined_shape => [t|] //; case hc: emit_join => [c1 y1].
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] /computes_cat [h1 h2] hx hr.
  have [-> ->] := counts_join name c s hj => hp hm fit hn /=; rewrite ?hc => hu eu.
  rewrite -(holds_parts_shapes hr) hj /=.
  apply: (ih _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ he h2 _ (List.Forall2_nil _) hp hm fit hn hu eu).
  exact: emit_join_sound hj hc h1 hr.
case share: may_share => //; case hs: (output_shape a) => [t|] //.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
move=> [<- _ _] /computes_cat [h1 h2] hx hr; have [-> ->] := counts_again p st c (unzip2 ready) hs.
move=> hp /agree_split [hm hm'] /andP [/andP [_ fit] fit'] hn.
case hua: (update_stats _ _ a) => [u1 now1]; case huc: (update_stats _ _ c) => [u2 now2] [<- <-].
move=> /computes_cat [e1 e2]; have hpa := agree_shared share hp; have nil := List.Forall2_nil.
have [t' ea' ya] := emit_layers_sound ea h1 hx (nil _ _ _) hpa hm.
move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
have hn1 := iha _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ ea h1 hx (nil _ _ _) hpa hm fit hn hua e1.
exact: ih _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ ec h2 ya hr hp hm' fit' hn1 huc e2.
Qed.

(** ** Off the kinks of the specification, the program is off its own *)
Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma emit_layers_smooth batch theta c ready rm s p0 m0 x k code y o E (xm : V -> tensor R) :
  emit_layers batch c ready s p0 (Masks m0) x k = Some (code, y, o) -> (forall v, computes (E v) code) ->
  (forall v, eqt (batch :: s) (E v x) (xm v)) -> holds_family batch E ready rm ->
  (forall v, agree (E v) (theta v) 0 (p0 + param_count c (unzip2 ready) s)) ->
  (forall v, agree (E v) (theta v) m0 (mask_count c (unzip2 ready) s)) ->
  (forall q, List.In q (kinks_in c) -> off_kink x0 (inputs_through batch theta c rm s p0 m0 xm) q) ->
  smooth_in x0 E code.
Proof.
elim: c ready rm s p0 m0 x k code y o xm
    => [|name l c ih|a iha c ih|name j c ih|p st a iha c ih] ready rm s p0 m0 x k code y o xm /=.
- by case: ready => // -[<- _ _] _ _ _ _ _ _ d q [].
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] h12 hx hr.
  have [-> ->] := counts_next name c (unzip2 ready) hs; move=> hp hm off.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  apply: smooth_in_cat.
    apply: (layer_smooth (name := name) _ hs hc h1) => [|q hq].
      by rewrite /own_values size_cat !size_map !size_iota.
    apply: (off_kink_eqt (fun v => eqt_sym (hx v))).
    have := off q (List.in_or_app _ _ _ (or_introl hq)).
    by rewrite -cat1s => /off_kink_cat [].
  set ym := fun v => layer_meaning l batch s [seq theta v j | j <- own_values l s p0 (Masks m0)] (xm v).
  have hy v : eqt (batch :: s') (E v (N.pred (next_id k c1))) (ym v).
    have [hp1 _] := agree_next (hp v); have [hm1 _] := agree_split (hm v).
    exact: (next_sound hs hc (h1 v) (hx v) hp1 hm1).
  apply: (ih _ _ s' _ _ _ _ _ _ _ _ he h2 hy hr) => [v|v|q hq].
  - by have [] := agree_next (hp v).
  - by have [] := agree_split (hm v).
  have := off q (List.in_or_app _ _ _ (or_intror hq)).
  by rewrite -cat1s => /off_kink_cat [].
- case hs: (output_shape a) => [t|] //.
  case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
  move=> [<- _ _] h12 hx hr; have [-> ->] := counts_branch c (unzip2 ready) hs; move=> hp hm off.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  have hp1 v := proj1 (agree_next (hp v)); have hp2 v := proj2 (agree_next (hp v)).
  have hm1 v := proj1 (agree_split (hm v)); have hm2 v := proj2 (agree_split (hm v)).
  have nil := List.Forall2_nil; apply: smooth_in_cat.
    apply: (iha _ _ _ _ _ _ _ _ _ _ _ ea h1 hx (nil _ _ _) hp1 hm1) => q hq.
    by have [] := off_kink_cat (off q (List.in_or_app _ _ _ (or_introl hq))).
  have ya v : eqt (batch :: t) (E v y1) (through batch (theta v) a [::] s p0 (Masks m0) (xm v)).
    have [t' ea' ya] := emit_layers_sound ea (h1 v) (hx v) (nil _ _ _) (hp1 v) (hm1 v).
    by move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
  have h := ih _ _ _ _ _ _ _ _ _ _ _ ec h2 hx (family_rcons hr ya).
  rewrite unzip2_rcons in h; apply: h hp2 hm2 _ => q hq.
  by have [_] := off_kink_cat (off q (List.in_or_app _ _ _ (or_intror hq))).
- case hj: joined_shape => [t|] //; case hc: emit_join => [c1 y1].
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] h12 hx hr.
  have [-> ->] := counts_join name c s hj => hp hm; rewrite -(family_shapes hr) hj /= => off.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  apply: smooth_in_cat.
    apply: (emit_join_smooth hj hc h1 hr) => q hq.
    by have [] := off_kink_cat (off q (List.in_or_app _ _ _ (or_introl hq))).
  have hy v := emit_join_sound hj hc (h1 v) (family_at v hr).
  apply: (ih _ _ _ _ _ _ _ _ _ _ _ he h2 hy (List.Forall2_nil _) hp hm) => q hq.
  by have [_] := off_kink_cat (off q (List.in_or_app _ _ _ (or_intror hq))).
case share: may_share => //; case hs: (output_shape a) => [t|] //.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case ec: (emit_layers _ c) => [[[c2 y2] o2]|] //.
move=> [<- _ _] h12 hx hr; have [-> ->] := counts_again p st c (unzip2 ready) hs; move=> hp hm off.
have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
have nil := List.Forall2_nil; have hpa v := agree_shared share (hp v).
have hm1 v := proj1 (agree_split (hm v)); have hm2 v := proj2 (agree_split (hm v)).
apply: smooth_in_cat.
  apply: (iha _ _ _ _ _ _ _ _ _ _ _ ea h1 hx (nil _ _ _) hpa hm1) => q hq.
  by have [] := off_kink_cat (off q (List.in_or_app _ _ _ (or_introl hq))).
have ya v : eqt (batch :: t) (E v y1) (through batch (theta v) a [::] s p (Masks m0) (xm v)).
  have [t' ea' ya] := emit_layers_sound ea (h1 v) (hx v) (nil _ _ _) (hpa v) (hm1 v).
  by move: ea'; rewrite [X in X = _]hs => -[et]; subst t'.
apply: (ih _ _ _ _ _ _ _ _ _ _ _ ec h2 ya hr hp hm2) => q hq.
by have [_] := off_kink_cat (off q (List.in_or_app _ _ _ (or_intror hq))).
Qed.
End Smooth.

(** The forward pass at any place in a program: [e] holds the parameters at 0
    and after, the running statistics or masks, and all results. *)
Lemma forward_sound net batch at_ g theta e : elaborate net batch at_ = Some g ->
  computes e (g_forward g) ->
  agree e theta 0 (param_count (layers net) [::] (input_shape net)) ->
  agree_chain e theta (at_reading at_) (layers net) [::] (input_shape net) ->
  eqt (batch :: odflt [::] (output_of net)) (e (g_logits g))
    (logits_of net batch (at_reading at_) theta (e (at_data at_))).
Proof.
rewrite /elaborate /output_of; case he: emit_layers => [[[c z] o]|] //.
case ho: output_shape => [s|] //; case: ifP => // _ [<-] /= hc hp ht.
have [s'] := emit_layers_sound he hc (eqt_refl (e (at_data at_))) (List.Forall2_nil _) hp ht.
by rewrite ho => -[<-].
Qed.

(** The loss of a graph is emitted after its forward pass. *)
Lemma loss_code_of net batch at_ g : elaborate net batch at_ = Some g ->
  let k := next_id (at_first at_) (g_forward g) in
  let s := batch :: odflt [::] (output_of net) in
  [/\ exists s', output_of net = Some s', Loss.fits (net_loss net) s,
      g_loss_code g = Loss.emit (net_loss net) s (g_logits g) (at_target at_) k
    & g_loss g = N.pred (next_id k (g_loss_code g))].
Proof.
rewrite /elaborate; case: emit_layers => [[[c z] o]|] //.
by case: output_of => // s; case: ifP => // /andP [fit _] [<-]; split=> //; exists s.
Qed.

Lemma elaborate_fits net batch at_ g : elaborate net batch at_ = Some g ->
  stats_fit [seq q.2 | q <- net_stats net] (layers net) [::] (input_shape net) 0.
Proof.
by rewrite /elaborate; case: emit_layers => [[[c z] o]|] //; case: output_of => // s; case: ifP => // /andP [].
Qed.

Lemma loss_sound net batch at_ g m theta e : elaborate net batch at_ = Some g ->
  at_reading at_ = Masks m -> computes e (g_prog g) ->
  agree e theta 0 (param_count (layers net) [::] (input_shape net)) ->
  agree e theta m (mask_count (layers net) [::] (input_shape net)) ->
  e (g_loss g) [::] = loss_of net batch m theta (e (at_data at_)) (e (at_target at_)).
Proof.
move=> he training /computes_cat [hf hl] ht hm; have := forward_sound he hf ht.
rewrite training => /(_ hm) hz; have [_ fit hcode hat] := loss_code_of he.
rewrite hat hcode emitted_loss_sound -?hcode //; exact: loss_meaning_eqt.
Qed.

Lemma loss_shape net batch at_ g sh : elaborate net batch at_ = Some g ->
  shrun (g_prog g) sh (g_loss g) = [::].
Proof.
move=> /loss_code_of [_ fit hcode hat]; rewrite hat hcode /shrun /g_prog hcode foldl_cat.
exact: emitted_loss_shape.
Qed.

Lemma loss_smooth (V : normedModType R) (x0 : V) net batch at_ g m (theta : V -> N -> tensor R) (E : V -> env R) :
  elaborate net batch at_ = Some g -> at_reading at_ = Masks m ->
  (forall v, computes (E v) (g_prog g)) ->
  (forall v, agree (E v) (theta v) 0 (param_count (layers net) [::] (input_shape net))) ->
  (forall v, agree (E v) (theta v) m (mask_count (layers net) [::] (input_shape net))) ->
  (forall q, List.In q (kinks_of net) ->
     off_kink x0 (layer_inputs net batch m theta (fun v => E v (at_data at_))) q) ->
  smooth_in x0 E (g_prog g).
Proof.
move=> he training hc ht hm off; have [_ fit hcode _] := loss_code_of he; apply: smooth_in_cat; last first.
  by rewrite hcode; apply: emitted_loss_smooth => // v; have [] := computes_cat (hc v); rewrite hcode.
have hf v : computes (E v) (g_forward g) by have [] := computes_cat (hc v).
move: he hf off {hcode hc}; rewrite /elaborate training; case he: emit_layers => [[[c z] o]|] //.
case: output_of => // s; case: ifP => // _ [<-] /= hc off.
exact: (emit_layers_smooth (theta := theta) he hc _ (List.Forall2_nil _) ht hm off).
Qed.
End Sound.
