(** * The program of a network computes its meaning

    By the layers' own lemmas, in [MeaningLayerSound.v]. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Index Denote Smooth Computes Spec Meaning.
From Cotangent Require Import NormsSound MeaningLayerSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Implicit Types (e : env R).

Definition param_count (c : chain) (s : shape) : N := N.of_nat (size (params_in c s)).
Definition stat_count (c : chain) (s : shape) : N := N.of_nat (size (stats_in c s)).

Lemma counts_next name l c s s' : Layer.output l s = Some s' ->
  param_count (Next name l c) s = (N.of_nat (size (Layer.params l s)) + param_count c s')%num
  /\ stat_count (Next name l c) s = (N.of_nat (size (Layer.stats l s)) + stat_count c s')%num.
Proof.
move=> hs; rewrite /param_count /stat_count /params_in /stats_in /= hs /= !size_cat !size_map.
by rewrite !Nnat.Nat2N.inj_add.
Qed.

Lemma counts_merge name m a b c s s' : output_shape a s = Some s' ->
  param_count (Merge name m a b c) s = (param_count a s + (param_count b s + param_count c s'))%num
  /\ stat_count (Merge name m a b c) s = (stat_count a s + (stat_count b s + stat_count c s'))%num.
Proof.
move=> hs; rewrite /param_count /stat_count /params_in /stats_in /= hs !map_cat !flatten_cat !size_cat.
by rewrite !Nnat.Nat2N.inj_add.
Qed.

Lemma same_shapeP u v s : same_shape u v = Some s -> u = Some s /\ v = Some s.
Proof.
by rewrite /same_shape; case: u => [a|] //; case: v => [b|] //; case: eqP => // -> [->].
Qed.

(** A layer reads its own parameters and statistics. *)
Definition agree (e : env R) (theta : N -> tensor R) (k n : N) : Prop :=
  forall j, (k <= j)%num -> (j < k + n)%num -> e j = theta j.

Lemma agree_split e theta k a b : agree e theta k (a + b) -> agree e theta k a /\ agree e theta (k + a) b.
Proof. by move=> h; split=> j h1 h2; apply: h; lia. Qed.

Lemma count_from_eq e theta k n : agree e theta k (N.of_nat n) ->
  [seq e j | j <- count_from k n] = [seq theta j | j <- count_from k n].
Proof.
move=> h; apply/eq_in_map => j /mapP [i]; rewrite mem_iota add0n /= => /ssrnat.ltP hi ->.
by apply: h; lia.
Qed.

Definition agree_stats (e : env R) (theta : N -> tensor R) (t0 : option N) (n : N) : Prop :=
  if t0 is Some t then agree e theta t n else True.

Lemma agree_stats_split e theta (T : Type) t0 (l : seq T) b :
  agree_stats e theta t0 (N.of_nat (size l) + b) ->
  agree_stats e theta t0 (N.of_nat (size l)) /\ agree_stats e theta (past_stats t0 l) b.
Proof. by case: t0 => //= t /agree_split. Qed.

Lemma merged_eqt z m (y y' w w' : tensor R) : eqt z y y' -> eqt z w w' ->
  eqt z (merged m y w) (merged m y' w').
Proof. by move=> h h' i hi; case: m; rewrite /merged h // h'. Qed.

Lemma merging_sound z m y w k e : computes e [:: (k, Bin z (merging_op m) y w)] ->
  eqt z (e k) (merged m (e y) (e w)).
Proof. by move=> /computes_cons [h _] i _; rewrite h; case: (m). Qed.

Lemma own_eq l s p0 t0 e theta : agree e theta p0 (N.of_nat (size (Layer.params l s))) ->
  agree_stats e theta t0 (N.of_nat (size (Layer.stats l s))) ->
  [seq e j | j <- own_values l s p0 t0] = [seq theta j | j <- own_values l s p0 t0].
Proof.
rewrite /own_values !map_cat => hp ht; congr (_ ++ _); first exact: count_from_eq.
by case: t0 ht => //= t; exact: count_from_eq.
Qed.

Lemma emit_layers_sound batch theta c s p0 t0 x k code y o e xm :
  emit_layers batch c s p0 t0 x k = Some (code, y, o) -> computes e code -> eqt (batch :: s) (e x) xm ->
  agree e theta p0 (param_count c s) -> agree_stats e theta t0 (stat_count c s) ->
  exists2 s', output_shape c s = Some s' &
    eqt (batch :: s') (e y) (through batch theta c s p0 t0 xm).
Proof.
elim: c s p0 t0 x k code y o xm => [|name l c ih|name m a iha b ihb c ihc] s p0 t0 x k code y o xm /=.
- by case=> <- <- _ _ hx _ _; exists s.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- <- _] /computes_cat [h1 h2] hx.
  have [-> ->] := counts_next name c hs; move=> /agree_split [hp hp'] /agree_stats_split [ht1 ht2].
  apply: (ih s' _ _ _ _ _ _ _ _ he h2 _ hp' ht2).
  by apply: eqt_trans (layer_sound hs hc h1) _; rewrite (own_eq hp ht1); exact: layer_eqt hs hx.
case hs: same_shape => [s'|] //; have [sa sb] := same_shapeP hs.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case eb: (emit_layers _ b) => [[[c2 y2] o2]|] //.
case ec: (emit_layers _ c) => [[[c3 y3] o3]|] // [<- <- _] /computes_cat [h1 /computes_cat [h2]].
rewrite -cat1s => /computes_cat [hm h3] hx; have [-> ->] := counts_merge name m b c sa.
move=> /agree_split [hp1 /agree_split [hp2 hp3]].
move=> /agree_stats_split [ht1 /agree_stats_split [ht2 ht3]].
have [sa' ea' ya] := iha _ _ _ _ _ _ _ _ _ ea h1 hx hp1 ht1.
have [sb' eb' yb] := ihb _ _ _ _ _ _ _ _ _ eb h2 hx hp2 ht2.
move: ea' eb'; rewrite sa sb => -[esa] [esb]; subst sa' sb'.
apply: (ihc s' _ _ _ _ _ _ _ _ ec h3 _ hp3 ht3).
by apply: eqt_trans (merging_sound hm) _; exact: merged_eqt.
Qed.

Lemma size_stats_through batch (theta : N -> tensor R) c s p0 t0 (xm : tensor R) :
  (size (stats_in c s) <= size (stats_through batch theta c s p0 t0 xm))%nat.
Proof.
elim: c s p0 t0 xm => [|name l c ih|name m a iha b ihb c ihc] s p0 t0 xm //=.
  rewrite /stats_in /= !size_cat size_map; apply: leq_add.
    by case: l => // *; rewrite /= /new_stats /new_running.
  by case: Layer.output => [s'|] //=; exact: ih.
rewrite /stats_in /= !map_cat !flatten_cat !size_cat.
apply: leq_add (iha _ _ _ _) (leq_add (ihb _ _ _ _) _).
by case: output_shape => [s'|] //=; exact: ihc.
Qed.

(** Where all layers fit, as many as there are. *)
Lemma size_stats_exact batch (theta : N -> tensor R) c s s' p0 t0 (xm : tensor R) : output_shape c s = Some s' ->
  size (stats_through batch theta c s p0 t0 xm) = size (stats_in c s).
Proof.
elim: c s s' p0 t0 xm => [|name l c ih|name m a iha b ihb c ihc] s s' p0 t0 xm //=.
  rewrite /stats_in /= !size_cat size_map; case: Layer.output => [s1|] //= /ih ->.
  by congr (_ + _)%nat; case: l => // *; rewrite /= /new_stats /new_running.
rewrite /stats_in /= !map_cat !flatten_cat !size_cat; case hs: same_shape => [s1|] //= hc.
have [ha hb] := same_shapeP hs; rewrite ha /= (ihc _ _ _ _ _ hc).
by rewrite (iha _ _ _ _ _ ha) (ihb _ _ _ _ _ hb).
Qed.

Definition holds_stats e (ss : seq (string * shape)) (ts : seq (tensor R)) (r : seq N) : Prop :=
  List.Forall2 (fun (q : shape * tensor R) j => eqt q.1 (e j) q.2) (zip [seq q.2 | q <- ss] ts) r.

Lemma holds_stats_cat e ss ss' ts ts' r r' : size ts = size ss -> holds_stats e ss ts r ->
  holds_stats e ss' ts' r' -> holds_stats e (ss ++ ss') (ts ++ ts') (r ++ r').
Proof.
move=> sz h h'; rewrite /holds_stats map_cat zip_cat ?size_map //; exact: List.Forall2_app.
Qed.

Lemma update_stats_sound batch theta c s p0 t0 x k code y o q u r e xm :
  emit_layers batch c s p0 None x k = Some (code, y, o) -> computes e code ->
  eqt (batch :: s) (e x) xm -> agree e theta p0 (param_count c s) ->
  agree e theta t0 (stat_count c s) ->
  update_stats batch c s p0 t0 x k q = (u, r) -> computes e u ->
  holds_stats e (stats_in c s) (stats_through batch theta c s p0 t0 xm) r.
Proof.
elim: c s p0 t0 x k code y o q u r xm
    => [|name l c ih|name m a iha b ihb c ihc] s p0 t0 x k code y o q u r xm /=.
- by case=> _ _ _ _ _ _ _ [_ <-] _; constructor.
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] /computes_cat [h1 h2] hx.
  have [-> ->] := counts_next name c hs; move=> /agree_split [hp hp'] /agree_split [ht ht'].
  case hu: Layer.new_stats => [u1 r1]; case hu': update_stats => [u2 r2] [<- <-].
  move=> /computes_cat [e1 e2].
  have [|sz new] := layer_stats_sound name _ hu e1 hx; first by rewrite size_map size_iota.
  rewrite (count_from_eq ht) in sz new.
  rewrite /stats_in /= hs; apply: holds_stats_cat; first by rewrite size_map.
    exact: new.
  apply: (ih s' _ _ _ _ _ _ _ _ _ _ _ he h2 _ hp' ht' hu' e2).
  by apply: eqt_trans (layer_sound hs hc h1) _; rewrite (own_eq hp) //; exact: layer_eqt hs hx.
case hs: same_shape => [s'|] //; have [sa sb] := same_shapeP hs.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case eb: (emit_layers _ b) => [[[c2 y2] o2]|] //.
case ec: (emit_layers _ c) => [[[c3 y3] o3]|] // [<- _ _] /computes_cat [h1 /computes_cat [h2]].
rewrite -cat1s => /computes_cat [hm h3] hx; have [-> ->] := counts_merge name m b c sa.
move=> /agree_split [hp1 /agree_split [hp2 hp3]] /agree_split [ht1 /agree_split [ht2 ht3]].
have [sa' ea' ya] := emit_layers_sound ea h1 hx hp1 (t0 := None) I.
have [sb' eb' yb] := emit_layers_sound eb h2 hx hp2 (t0 := None) I.
move: ea' eb'; rewrite sa sb => -[esa] [esb]; subst sa' sb'.
case hua: (update_stats _ a) => [u1 r1]; case hub: (update_stats _ b) => [u2 r2].
case huc: (update_stats _ c) => [u3 r3] [<- <-] /computes_cat [e1 /computes_cat [e2 e3]].
rewrite /stats_in /= sa !map_cat !flatten_cat.
apply: holds_stats_cat; first exact: size_stats_exact sa.
  exact: iha ea h1 hx hp1 ht1 hua e1.
apply: holds_stats_cat; first exact: size_stats_exact sb.
  exact: ihb eb h2 hx hp2 ht2 hub e2.
rewrite /= in huc; apply: (ihc _ _ _ _ _ _ _ _ _ _ _ _ ec h3 _ hp3 ht3 huc e3).
by apply: eqt_trans (merging_sound hm) _; exact: merged_eqt.
Qed.

(** ** Off the kinks of the specification, the program is off its own *)
Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma emit_layers_smooth batch theta c s p0 x k code y o E (xm : V -> tensor R) :
  emit_layers batch c s p0 None x k = Some (code, y, o) -> (forall v, computes (E v) code) ->
  (forall v, eqt (batch :: s) (E v x) (xm v)) ->
  (forall v, agree (E v) (theta v) p0 (param_count c s)) ->
  (forall q, List.In q (kinks_in c) -> off_kink x0 (inputs_through batch theta c s p0 xm) q) ->
  smooth_in x0 E code.
Proof.
elim: c s p0 x k code y o xm => [|name l c ih|name m a iha b ihb c ihc] s p0 x k code y o xm /=.
- by case=> <- _ _ _ _ _ _ d q [].
- case hs: (Layer.output l s) => [s'|] //; case hc: Layer.emit => [c1|] //.
  case he: emit_layers => [[[c2 y2] o2]|] // [<- _ _] h12 hx.
  have [-> _] := counts_next name c hs; move=> hp off.
  have h1 v : computes (E v) c1 by have [] := computes_cat (h12 v).
  have h2 v : computes (E v) c2 by have [] := computes_cat (h12 v).
  apply: smooth_in_cat.
    apply: (layer_smooth (name := name) _ hs hc h1) => [|q hq].
      by rewrite /own_values cats0 size_map size_iota.
    apply: (off_kink_eqt (fun v => eqt_sym (hx v))).
    have := off q (List.in_or_app _ _ _ (or_introl hq)).
    by rewrite -cat1s => /off_kink_cat [].
  set ym := fun v => layer_meaning l batch s [seq theta v j | j <- own_values l s p0 None] (xm v).
  have hy v : eqt (batch :: s') (E v (N.pred (next_id k c1))) (ym v).
    have [hp1 _] := agree_split (hp v).
    apply: eqt_trans (layer_sound hs hc (h1 v)) _; rewrite (own_eq hp1) //; exact: layer_eqt hs (hx v).
  apply: (ih s' _ _ _ _ _ _ _ he h2 hy) => [v|q hq]; first by have [] := agree_split (hp v).
  have := off q (List.in_or_app _ _ _ (or_intror hq)).
  by rewrite -cat1s => /off_kink_cat [].
case hs: same_shape => [s'|] //; have [sa sb] := same_shapeP hs.
case ea: (emit_layers _ a) => [[[c1 y1] o1]|] //; case eb: (emit_layers _ b) => [[[c2 y2] o2]|] //.
case ec: (emit_layers _ c) => [[[c3 y3] o3]|] // [<- _ _] h123 hx.
have [-> _] := counts_merge name m b c sa; move=> hp off.
have h1 v : computes (E v) c1 by have [] := computes_cat (h123 v).
have h23 v := proj2 (computes_cat (h123 v)).
have h2 v : computes (E v) c2 by have [] := computes_cat (h23 v).
have hm v := proj1 (@computes_cat _ _ [:: _] _ (proj2 (computes_cat (h23 v)))).
have h3 v : computes (E v) c3 := proj2 (@computes_cat _ _ [:: _] _ (proj2 (computes_cat (h23 v)))).
have hp1 v := proj1 (agree_split (hp v)); have hp23 v := proj2 (agree_split (hp v)).
have hp2 v := proj1 (agree_split (hp23 v)); have hp3 v := proj2 (agree_split (hp23 v)).
have in_ca (T : Type) (u : T) l l' l'' : List.In u l -> List.In u (l ++ l' ++ l'').
  by move=> h; apply: List.in_or_app; left.
have in_cb (T : Type) (u : T) l l' l'' : List.In u l' -> List.In u (l ++ l' ++ l'').
  by move=> h; apply: List.in_or_app; right; apply: List.in_or_app; left.
have in_cc (T : Type) (u : T) l l' l'' : List.In u l'' -> List.In u (l ++ l' ++ l'').
  by move=> h; apply: List.in_or_app; right; apply: List.in_or_app; right.
apply: smooth_in_cat.
  apply: (iha _ _ _ _ _ _ _ _ ea h1 hx hp1) => q hq.
  by have [] := off_kink_cat (off q (in_ca _ _ _ _ _ hq)).
apply: smooth_in_cat.
  apply: (ihb _ _ _ _ _ _ _ _ eb h2 hx hp2) => q hq.
  by have [_ /off_kink_cat []] := off_kink_cat (off q (in_cb _ _ _ _ _ hq)).
rewrite -cat1s; apply: smooth_in_cat; first by move=> d q [[_ <-]|//]; case: (m).
pose ym v := merged m (through batch (theta v) a s p0 None (xm v))
  (through batch (theta v) b s (past p0 (params_in a s)) None (xm v)).
have hy v : eqt (batch :: s') (E v (next_id (next_id k c1) c2)) (ym v).
  have [sa' ea' ya] := emit_layers_sound ea (h1 v) (hx v) (hp1 v) (t0 := None) I.
  have [sb' eb' yb] := emit_layers_sound eb (h2 v) (hx v) (hp2 v) (t0 := None) I.
  move: ea' eb'; rewrite sa sb => -[esa] [esb]; subst sa' sb'.
  by apply: eqt_trans (merging_sound (hm v)) _; exact: merged_eqt.
apply: (ihc s' _ _ _ _ _ _ ym ec h3 hy hp3) => q hq.
have := off q (in_cc _ _ _ _ _ hq); rewrite sa.
by move=> /off_kink_cat [_ /off_kink_cat []].
Qed.
End Smooth.

(** The forward pass at any place in a program: [e] holds the parameters at 0
    and after, the running statistics, and all results. *)
Lemma forward_sound net batch at_ g theta e : elaborate net batch at_ = Some g ->
  computes e (g_forward g) ->
  agree e theta 0 (param_count (layers net) (input_shape net)) ->
  agree_stats e theta (at_running at_) (stat_count (layers net) (input_shape net)) ->
  eqt [:: batch; odflt 0%num (classes net)] (e (g_logits g))
    (logits_of net batch (at_running at_) theta (e (at_data at_))).
Proof.
rewrite /elaborate /classes; case he: emit_layers => [[[c z] o]|] //.
case ho: output_shape => [[|n []]|] // [<-] /= hc hp ht.
have [s'] := emit_layers_sound he hc (eqt_refl (e (at_data at_))) hp ht.
by rewrite ho => -[<-].
Qed.

Lemma loss_op_of net batch at_ g : elaborate net batch at_ = Some g ->
  exists n, classes net = Some n /\
    g_loss_op g = match net_loss net with
      | Loss.SoftmaxCrossEntropy => SoftmaxCrossEntropy [:: batch; n] (g_logits g) (at_target at_) end.
Proof.
rewrite /elaborate; case: emit_layers => [[[c z] o]|] //.
by case: classes => // n [<-]; exists n.
Qed.

Lemma loss_sound net batch at_ g theta e : elaborate net batch at_ = Some g ->
  at_running at_ = None -> computes e (g_prog g) -> op_ok (g_loss_op g) ->
  agree e theta 0 (param_count (layers net) (input_shape net)) ->
  e (g_loss g) [::] = loss_of net batch theta (e (at_data at_)) (e (at_target at_)).
Proof.
move=> he training /computes_cat [hf hl] ok ht; have := forward_sound he hf ht.
rewrite training => /(_ I) hz.
move: hl => /computes_cons [hl _]; have [n [hn ho]] := loss_op_of he.
rewrite hn /= in hz; rewrite hl /loss_of ho hn; rewrite ho in ok.
case: (net_loss net) ok => ok /=.
pose e' : env R := fun k => if N.eqb k 0 then logits_of net batch None theta (e (at_data at_))
                            else e (at_target at_).
pose e1 : env R := fun k => if N.eqb k 0 then e (g_logits g) else e (at_target at_).
apply: (@den_eqt R (SoftmaxCrossEntropy [:: batch; n] 0 1) e1 e' ok _ [::]) => // a.
by rewrite !inE => /orP [] /eqP -> //=.
Qed.

Lemma loss_smooth (V : normedModType R) (x0 : V) net batch at_ g (theta : V -> N -> tensor R) (E : V -> env R) :
  elaborate net batch at_ = Some g -> at_running at_ = None ->
  (forall v, computes (E v) (g_prog g)) ->
  (forall v, agree (E v) (theta v) 0 (param_count (layers net) (input_shape net))) ->
  (forall q, List.In q (kinks_of net) ->
     off_kink x0 (layer_inputs net batch theta (fun v => E v (at_data at_))) q) ->
  smooth_in x0 E (g_prog g).
Proof.
move=> he training hc ht off; have [n [_ ho]] := loss_op_of he; apply: smooth_in_cat; last first.
  by move=> d q /= [[_ <-]|//]; rewrite ho; case: (net_loss net).
have hf v : computes (E v) (g_forward g) by have [] := computes_cat (hc v).
move: he hf off {ho hc}; rewrite /elaborate training; case he: emit_layers => [[[c z] o]|] //.
case: classes => // k [<-] /= hc off.
exact: (emit_layers_smooth (theta := theta) he hc _ ht off).
Qed.
End Sound.
