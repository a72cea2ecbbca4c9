(** * The instructions of a join compute its meaning

    And off its kinks, they are off theirs.

    Glossary
      - [fill s t i]        the index of shape [s], from that without the dimensions
                            in which [s] and [t] differ
      - [holds_parts]       in an environment, the parts are these tensors
      - [holds_family]      in environments that depend on a point, the parts are
                            these functions of it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir Index Dims Denote Smooth Computes SpecLayer SpecJoin MeaningLayer MeaningJoin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Dimensions of size 1, dropped and made anew *)

Definition narrowed (s : shape) (i : idx) : idx :=
  [seq if N.eqb q.1 1 then 0%num else q.2 | q <- zip s i].

Fixpoint fill (s t : shape) (i : idx) : idx := match s, t with
| a :: s', b :: t' =>
    if N.eqb a b then head 0%num i :: fill s' t' (behead i) else 0%num :: fill s' t' i
| _, _ => [::]
end.

Lemma stretches_cons a s b t : stretches (a :: s) (b :: t) ->
  (N.eqb a 1 || N.eqb a b) && stretches s t.
Proof. by move=> /andP [/eqP /= [hs] /andP [-> ha]]; rewrite /stretches hs eqxx. Qed.

Lemma stretches_nil s t : stretches s t -> (s == [::]) = (t == [::]).
Proof. by case: s t => [|a s] [|b t]. Qed.

Lemma idxs_fill s t : stretches s t ->
  idxs s = [seq fill s t i | i <- idxs (mask (same_dims s t) s)].
Proof.
elim: s t => [|a s ih] [|b t] // /stretches_cons /andP [ab /ih {}ih] /=.
move: ab; case: (N.eqb_spec a b) => [->|ne] /=.
  move=> _; rewrite {1}ih allpairs_mapr map_allpairs.
  by [].
rewrite orbF => /N.eqb_eq ->.
by rewrite /= cats0 {1}ih -map_comp.
Qed.

Lemma fill_mask s t i : stretches s t -> inb t i ->
  fill s t (mask (same_dims s t) i) = narrowed s i.
Proof.
elim: s t i => [|a s ih] [|b t] [|k i] // /stretches_cons /andP [ab st] /= /andP [/N.ltb_lt hk hi].
rewrite /narrowed /= -/(narrowed s i) -(ih t i st hi).
move: ab; case: (N.eqb_spec a b) => [->|ne] /=; last by rewrite orbF => ->.
by move=> _; congr (_ :: _); case: N.eqb_spec => // b1; move: hk; rewrite b1; lia.
Qed.

Lemma narrowed_in s t i : stretches s t -> inb t i -> inb s (narrowed s i).
Proof.
elim: s t i => [|a s ih] [|b t] [|k i] // /stretches_cons /andP [ab st] /= /andP [hk hi].
rewrite -/(narrowed s i) (ih t) // andbT; move: ab.
by case: (N.eqb_spec a 1) => [->|_] //= /N.eqb_eq ->.
Qed.

Lemma narrowed_id s i : inb s i -> narrowed s i = i.
Proof.
elim: s i => [|a s ih] [|k i] //= /andP [/N.ltb_lt hk /ih e]; rewrite /narrowed /= -/(narrowed s i) e.
by case: N.eqb_spec => // a1; congr (_ :: _); move: hk; rewrite a1; lia.
Qed.

Lemma mask_same s t : mask (same_dims s t) t = mask (same_dims s t) s.
Proof. by elim: s t => [|a s ih] [|b t] //=; rewrite ih; case: N.eqb_spec => // ->. Qed.

Section Sound.
Variable R : realType.
Implicit Types (e : env R).

Lemma den_read u w ks a e i : i \in idxs u -> all (fun k => N.to_nat k < size u)%nat ks ->
  w = [seq nth 0%num u (N.to_nat k) | k <- ks] ->
  den (Contract u u (proj (first_dims (size u))) [:: View a w (proj ks)]) e i
  = e a [seq nth 0%num i (N.to_nat k) | k <- ks].
Proof.
move=> hi hk ->; rewrite /den big_seq_cond (eq_bigl (fun r => (r \in idxs u) && (r == i))).
  rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1 /read /=.
  by rewrite at_map_proj // -mem_idxs.
by move=> r; case hr: (r \in idxs u) => //; rewrite !andTb at_map_id -?mem_idxs.
Qed.

Lemma stretched_in batch s t i : stretches s t -> i \in idxs (batch :: t) ->
  head 0%num i :: narrowed s (behead i) \in idxs (batch :: s).
Proof.
rewrite !mem_idxs; case: i => [|b i] //= st /andP [-> hi]; exact: narrowed_in st hi.
Qed.

Lemma stretched_eqt batch s t (x y : tensor R) : stretches s t -> eqt (batch :: s) x y ->
  eqt (batch :: t) (stretched s x) (stretched s y).
Proof. by move=> st h i hi; apply: h; exact: stretched_in st hi. Qed.

Lemma stretched_same batch s (y : tensor R) : eqt (batch :: s) y (stretched s y).
Proof.
move=> i; rewrite mem_idxs /stretched; case: i => [|b i] //= /andP [_ hi].
by rewrite -[[seq _ | _ <- _]]/(narrowed s i) narrowed_id.
Qed.

Lemma stretch_sound batch s t y k c w e : stretches s t -> stretch batch s t y k = (c, w) ->
  computes e c -> eqt (batch :: t) (e w) (stretched s (e y)).
Proof.
move=> st; rewrite /stretch; case: eqP => [<- [_ <-] _|_]; first exact: stretched_same.
move=> [<- <-] /computes_cons [h0] /computes_cons [h1 _] i hi; rewrite h1.
set u := batch :: t in hi *; set z := batch :: s; set m := same_dims z u.
have hm : [seq nth 0%num i (N.to_nat d) | d <- mask m (first_dims (size u))] = mask m i.
  rewrite map_mask map_first_dims; last by rewrite (@inb_size u) // -mem_idxs.
  by rewrite take_oversize // (@inb_size u) // -mem_idxs.
have hz : mask m z = [seq nth 0%num u (N.to_nat d) | d <- mask m (first_dims (size u))].
  by rewrite map_mask map_first_dims // take_size mask_same.
have hd : all (fun d => N.to_nat d < size u)%nat (mask m (first_dims (size u))).
  by apply/allP => d /mem_mask; rewrite mem_first_dims.
rewrite (den_read k e hi hd hz) hm h0.
have zu : stretches z u.
  by move: st => /andP [/eqP hs ha]; rewrite /stretches /= hs eqxx N.eqb_refl orbT.
have bi : inb u i by rewrite -mem_idxs.
have hw : mask m i \in idxs (mask m z).
  rewrite mem_idxs -[mask m z]mask_same -/m; move: (m) (u) (i) bi => {hm hz hd}.
  by elim=> [|b m' ih] [|a s'] [|d j] //= /andP [ha /ih hj]; case: b; rewrite /= ?ha.
rewrite [LHS]/= /same_place (idxs_fill zu) -/m (nth_map [::]) ?index_mem // nth_index //.
rewrite fill_mask //; congr (e y _); case: (i) bi => [|b i'] //= /andP [/N.ltb_lt hb hi'].
by congr (_ :: _); case: N.eqb_spec => //= b1; move: hb; rewrite b1; lia.
Qed.

(** ** Merging *)

Definition holds_parts (batch : N) e (parts : seq part) (ms : seq (shape * tensor R)) : Prop :=
  List.Forall2 (fun a b => a.2 = b.1 /\ eqt (batch :: b.1) (e a.1) b.2) parts ms.

Lemma holds_parts_shapes batch e parts ms : holds_parts batch e parts ms -> unzip2 parts = unzip1 ms.
Proof. by elim=> //= a b l l' [-> _] _ ->. Qed.

Lemma holds_parts_rcons batch e parts ms y s x : holds_parts batch e parts ms ->
  eqt (batch :: s) (e y) x -> holds_parts batch e (rcons parts (y, s)) (rcons ms (s, x)).
Proof.
move=> h hx; rewrite -!cats1; apply: List.Forall2_app h _.
by constructor; [split|constructor].
Qed.

Lemma part_sound batch s t z k c w e (x : tensor R) : stretches s t ->
  stretch batch s t z k = (c, w) -> computes e c -> eqt (batch :: s) (e z) x ->
  eqt (batch :: t) (e w) (stretched s x).
Proof. by move=> st hc he hx; apply: eqt_trans (stretch_sound st hc he) _; exact: stretched_eqt. Qed.

Lemma merge_sound j z y w k e (x x' : tensor R) : e k =1 den (Bin z (joining_op j) y w) e ->
  eqt z (e y) x -> eqt z (e w) x' -> eqt z (e k) (fun i => combined j (x i) (x' i)).
Proof. by move=> h hx hx' i hi; rewrite h /= hx // hx' //; case: (j). Qed.

Lemma merge_parts_sound j batch t y parts k c w e x ms :
  merge_parts (joining_op j) batch t y parts k = (c, w) -> computes e c ->
  all (fun s => stretches s t) (unzip2 parts) -> eqt (batch :: t) (e y) x ->
  holds_parts batch e parts ms -> eqt (batch :: t) (e w) (merged j x ms).
Proof.
elim: parts y k c w x ms => [|[z s] parts ih] y k c w x ms /=.
  by case=> _ <- _ _ hx h; inversion h.
case hs: stretch => [c1 z']; case hm: merge_parts => [c2 w2] [<- <-].
move=> /computes_cat [h1 /computes_cons [h2 h3]] /andP [st sts] hx h.
inversion h as [|? [s' x'] ? ms' [es hz] hp]; subst; simpl in *; subst s'.
apply: (ih _ _ _ _ _ _ hm h3 sts _ hp).
by apply: merge_sound h2 hx _; exact: part_sound st hs h1 hz.
Qed.

Lemma joined_shape_stretches j ss t : joined_shape j ss = Some t ->
  (0 < size ss)%nat /\ all (fun s => stretches s t) ss.
Proof. by rewrite /joined_shape; case: ss => [|s ss] //; case: ifP => // h [<-]. Qed.

Lemma emit_join_sound j batch t parts k c w e ms : joined_shape j (unzip2 parts) = Some t ->
  emit_join j batch t parts k = (c, w) -> computes e c -> holds_parts batch e parts ms ->
  eqt (batch :: t) (e w) (joined j ms).
Proof.
move=> /joined_shape_stretches []; case: parts => [|[y s] parts] //= _ /andP [st sts].
case hs: stretch => [c1 y1]; case hm: merge_parts => [c2 w2] [<- <-] /computes_cat [h1 h2] h.
inversion h as [|? [s' x] ? ms' [es hy] hp]; subst; simpl in *; subst s'.
by apply: merge_parts_sound hm h2 sts _ hp; exact: part_sound st hs h1 hy.
Qed.

(** ** Off the kinks *)
Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Definition holds_family (batch : N) E (parts : seq part) (ms : seq (shape * (V -> tensor R))) : Prop :=
  List.Forall2 (fun a b => a.2 = b.1 /\ forall v, eqt (batch :: b.1) (E v a.1) (b.2 v)) parts ms.

Lemma family_at batch E parts ms v : holds_family batch E parts ms ->
  holds_parts batch (E v) parts [seq (q.1, q.2 v) | q <- ms].
Proof. by elim=> [|a b l l' [es h] _ ih] /=; constructor => //; split; [|exact: h]. Qed.

Lemma family_shapes batch E parts ms : holds_family batch E parts ms -> unzip2 parts = unzip1 ms.
Proof. by elim=> //= a b l l' [-> _] _ ->. Qed.

Lemma family_rcons batch E parts ms y s x : holds_family batch E parts ms ->
  (forall v, eqt (batch :: s) (E v y) (x v)) ->
  holds_family batch E (rcons parts (y, s)) (rcons ms (s, x)).
Proof.
move=> h hx; rewrite -!cats1; apply: List.Forall2_app h _.
by constructor; [split|constructor].
Qed.

Lemma stretch_smooth batch s t y k E : smooth_in x0 E (stretch batch s t y k).1.
Proof. by rewrite /stretch; case: eqP => [_ d o []|_ d o /=]; repeat case=> [[_ <-] //|]. Qed.

Lemma merge_parts_smooth name j batch t y parts k c w E (x : V -> tensor R) ms :
  merge_parts (joining_op j) batch t y parts k = (c, w) -> (forall v, computes (E v) c) ->
  all (fun s => stretches s t) (unzip2 parts) -> (forall v, eqt (batch :: t) (E v y) (x v)) ->
  holds_family batch E parts ms ->
  (j = Maximum -> off_kink x0 (maximum_inputs name (batch :: t) x ms) (MeetAt name)) ->
  smooth_in x0 E c.
Proof.
elim: parts y k c w x ms => [|[z s] parts ih] y k c w x ms /=.
  by case=> <- _ _ _ _ _ _ d o [].
case hs: stretch => [c1 z']; case hm: merge_parts => [c2 w2] [<- _] hc /andP [st sts] hx h off.
inversion h as [|? [s' x'] ? ms' [es hz] hp]; subst; simpl in *; subst s'.
have h1 v := proj1 (computes_cat (hc v)).
have [h2 h3] : (forall v, E v (next_id k c1) =1 den (Bin (batch :: t) (joining_op j) y z') (E v))
    /\ forall v, computes (E v) c2.
  by split=> v; have [_ /computes_cons []] := computes_cat (hc v).
have hz' v : eqt (batch :: t) (E v z') (stretched s (x' v)) by exact: part_sound st hs (h1 v) (hz v).
apply: smooth_in_cat; first by have := @stretch_smooth batch s t z k E; rewrite hs.
rewrite -cat1s; apply: smooth_in_cat.
  move=> d o [[_ <-]|//]; case ej: (j) => //= i hi.
  have := off ej _ _ (or_introl erefl) i hi; rewrite subr_eq0.
  by rewrite -hx // -hz'.
apply: (ih _ _ _ _ _ _ hm h3 sts _ hp) => [v|ej]; first exact: merge_sound (h2 v) (hx v) (hz' v).
by rewrite ej in off *; move=> s1 x1 h1' ; exact: (off erefl s1 x1 (or_intror h1')).
Qed.

Lemma emit_join_smooth name j batch t parts k c w E ms : joined_shape j (unzip2 parts) = Some t ->
  emit_join j batch t parts k = (c, w) -> (forall v, computes (E v) c) ->
  holds_family batch E parts ms ->
  (forall q, List.In q (kinks_of_join name j) -> off_kink x0 (join_inputs name j (batch :: t) ms) q) ->
  smooth_in x0 E c.
Proof.
move=> /joined_shape_stretches []; case: parts => [|[y s] parts] //= _ /andP [st sts].
case hs: stretch => [c1 y1]; case hm: merge_parts => [c2 w2] [<- _] hc h off.
inversion h as [|? [s' x] ? ms' [es hy] hp]; subst; simpl in *; subst s'.
have h1 v := proj1 (computes_cat (hc v)); have h2 v := proj2 (computes_cat (hc v)).
apply: smooth_in_cat; first by have := @stretch_smooth batch s t y k E; rewrite hs.
apply: (merge_parts_smooth (name := name) hm h2 sts _ hp) => [v|ej].
  exact: part_sound st hs (h1 v) (hy v).
by move: off; rewrite ej => /(_ (MeetAt name) (or_introl erefl)).
Qed.
End Smooth.
End Sound.
