(** * The canonical form of an op means what the op means

    Reordered iteration dimensions, sorted operands, a fused transposition, a
    constant in lowest terms; and an alias is the value it stands for.

    Glossary
      - [defined def e]   the values [e] are those of the ops that [def] names *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import Ir DenoteFacts Number.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Equality of ops *)

Lemma list_eqbP (T : Type) (e : T -> T -> bool) : (forall x y, e x y -> x = y) ->
  forall a b, list_eqb e a b -> a = b.
Proof. by move=> h; elim=> [|x a ih] [|y b] //= /andP [/h -> /ih ->]. Qed.

Lemma N_eqbP (x y : N) : N.eqb x y -> x = y. Proof. by move/N.eqb_eq. Qed.

Lemma shape_eqbP a b : shape_eqb a b -> a = b.
Proof. exact: list_eqbP N_eqbP a b. Qed.

Lemma imap_eqbP a b : imap_eqb a b -> a = b.
Proof.
apply: list_eqbP => -[x s] [y t] /andP [/Z.eqb_eq /= -> h]; congr Aff.
by apply: list_eqbP h => -[i c] [j d] /andP [/N.eqb_eq /= -> /Z.eqb_eq /= ->].
Qed.

Lemma op_eqbP o p : op_eqb o p -> o = p.
Proof.
have views : forall vs vs', list_eqb view_eqb vs vs' -> vs = vs'.
  apply: list_eqbP => -[x s m] [y t n] /and3P [/N.eqb_eq /= -> /shape_eqbP -> /imap_eqbP ->].
  by [].
case: o p => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a]
  [s' n' d'|s' u' a'|s' b' x' y'|s' c' a' b' x' y'|box' s' f' vs'|s' t' a'|s' a'|s' z' t'
  |s' out' k' m' a'|s' out' k' m' a' ct'|s' ds' a'|s' ds' n' d' a'] //=.
- by move=> /and3P [/Z.eqb_eq -> /Pos.eqb_eq -> /shape_eqbP ->].
- move=> /and3P [hu /N.eqb_eq -> /shape_eqbP ->]; congr Una.
  case: u u' hu => [||||||||||||n d|n d m e] [||||||||||||n' d'|n' d' m' e'] //=.
    by move=> /andP [/Z.eqb_eq -> /Pos.eqb_eq ->].
  by move=> /and4P [/Z.eqb_eq -> /Pos.eqb_eq -> /Z.eqb_eq -> /Pos.eqb_eq ->].
- move=> /and4P [hb /N.eqb_eq -> /N.eqb_eq -> /shape_eqbP ->]; congr Bin.
  by case: b b' hb => -[].
- move=> /and5P [hc /N.eqb_eq -> /N.eqb_eq -> /N.eqb_eq -> /andP [/N.eqb_eq -> /shape_eqbP ->]].
  by congr Sel; case: c c' hc => -[].
- by move=> /and4P [/views -> /shape_eqbP -> /shape_eqbP -> /imap_eqbP ->].
- by move=> /and3P [/N.eqb_eq -> /shape_eqbP -> /shape_eqbP ->].
- by move=> /andP [/N.eqb_eq -> /shape_eqbP ->].
- by move=> /and3P [/N.eqb_eq -> /N.eqb_eq -> /shape_eqbP ->].
- by move=> /and5P [/N.eqb_eq -> /shape_eqbP -> /shape_eqbP -> /shape_eqbP -> /imap_eqbP ->].
- move=> /and5P [/N.eqb_eq -> /N.eqb_eq -> /shape_eqbP -> /shape_eqbP ->].
  by move=> /andP [/shape_eqbP -> /imap_eqbP ->].
- by move=> /and3P [/N.eqb_eq -> /shape_eqbP -> /(list_eqbP N_eqbP) ->].
- by move=> /and5P [/N.eqb_eq -> /Z.eqb_eq -> /Pos.eqb_eq -> /shape_eqbP -> /(list_eqbP N_eqbP) ->].
Qed.

Lemma list_eqb_refl (T : Type) (e : T -> T -> bool) : (forall x, e x x) -> forall a, list_eqb e a a.
Proof. by move=> h; elim=> //= x a ->; rewrite h. Qed.

Lemma op_eqb_refl o : op_eqb o o.
Proof.
have hs (s : shape) : shape_eqb s s by apply: list_eqb_refl => x; exact: N.eqb_refl.
have hl (s : seq N) : list_eqb N.eqb s s by exact: hs.
have hm (f : imap) : imap_eqb f f.
  apply: list_eqb_refl => -[z ts]; rewrite /aff_eqb Z.eqb_refl.
  by apply: list_eqb_refl => -[i c]; rewrite /term_eqb N.eqb_refl Z.eqb_refl.
have hv (vs : seq view) : list_eqb view_eqb vs vs.
  by apply: list_eqb_refl => -[x s f]; rewrite /view_eqb N.eqb_refl hs hm.
by case: o => *; rewrite /= ?N.eqb_refl ?Z.eqb_refl ?Pos.eqb_refl ?hs ?hl ?hm ?hv //;
  match goal with u : _ |- _ => by case: u => * /=; rewrite ?Z.eqb_refl ?Pos.eqb_refl end.
Qed.

(** ** Reordering the iteration dimensions *)

Lemma nth_place s ks k : k \in ks ->
  nth 0%num (pick s ks) (N.to_nat (place ks k)) = nth 0%num s (N.to_nat k).
Proof. by move=> h; rewrite Nnat.Nat2N.id nth_pick ?index_mem // nth_index. Qed.

Lemma aff_at_sorted z ts r : aff_at (Aff z (sort_terms ts)) r = aff_at (Aff z ts) r.
Proof.
pose value (t : N * Z) := Z.mul t.2 (Z.of_N (nth 0%num r (N.to_nat t.1))).
have ins t l : aff_at (Aff z (insert_term t l)) r = (value t + aff_at (Aff z l) r)%Z.
  elim: l => //= u l ih; case: ifP => // _; move: ih; rewrite /aff_at /= /value => ->.
  by rewrite !Z.add_assoc [(_ * _ + _)%Z]Z.add_comm.
by elim: ts => //= t ts ih; rewrite ins ih.
Qed.

Lemma at_map_relabel ks m s r : all (fun k => k \in ks) (reads m) ->
  at_map (relabel ks m) s (pick r ks) = at_map m s r.
Proof.
elim: m s => [|a m ih] [|d s] //=; rewrite /reads /= all_cat => /andP [ha /ih {}ih].
have -> : aff_at (Aff (aff_base a) (sort_terms [seq (place ks t.1, t.2) | t <- aff_terms a]))
    (pick r ks) = aff_at a r.
  rewrite aff_at_sorted; case: a ha => b ts; rewrite /aff_at /=; elim: ts => //= t ts iht /andP [ht /iht ->].
  by rewrite nth_place.
by rewrite ih.
Qed.

Section Sound.
Variable R : realType.
Implicit Types (e : env R) (o : op).

Lemma den_reorder box out f vs e : den (reorder box out f vs) e =1 den (Contract box out f vs) e.
Proof.
rewrite /reorder; set ks := first_use _ _ _; case: ifP => // /andP [ho /= /andP [hf hv]] i /=.
rewrite (perm_big _ (idxs_pick ho)) /= big_map.
under eq_bigl do rewrite at_map_relabel //.
apply: eq_bigr => r _; move: (ks) hv; move: vs {ks ho hf} => vs ks.
elim: vs => [|v vs ih] hv; first by rewrite !big_nil.
rewrite !big_cons; case/andP: hv => hv /ih ->; congr (_ * _).
by rewrite /read /= at_map_relabel.
Qed.

Lemma oshape_reorder box out f vs : oshape (reorder box out f vs) = out.
Proof. by rewrite /reorder; case: ifP. Qed.

Lemma prod_by_id vs (F : view -> R) : \prod_(v <- by_id vs) F v = \prod_(v <- vs) F v.
Proof.
have ins v l : \prod_(w <- insert v l) F w = F v * \prod_(w <- l) F w.
  elim: l => [|w l ih] /=; first by rewrite !big_cons.
  by case: ifP => _; rewrite !big_cons // ih mulrCA.
by elim: vs => //= v vs ih; rewrite ins ih big_cons.
Qed.

(** ** Transpositions *)

Lemma at_mapP m s r j : j \in idxs s -> size m = size s ->
  (at_map m s r == Some j) =
  all (fun p => Z.eqb (aff_at (nth (Aff 0 [::]) m p) r) (Z.of_N (nth 0%num j p))) (iota 0 (size s)).
Proof.
rewrite mem_idxs; elim: m s j => [|a m ih] [|d s] [|k j] //= /andP [/N.ltb_lt hk hj] [hs].
rewrite (iotaDl 1 0) all_map -(ih s j hj hs) /preim /=.
case: Z.eqb_spec => [->|ne] /=.
  have -> : Z.leb 0 (Z.of_N k) by apply/Z.leb_le; lia.
  have -> /= : Z.ltb (Z.of_N k) (Z.of_N d) by apply/Z.ltb_lt; lia.
  rewrite N2Z.id; case: (at_map m s r) => //= q.
  by apply/eqP/eqP => [[->]|[->]].
case: ifP => // /andP [/Z.leb_le h0 _]; case: (at_map m s r) => //= q.
by apply/eqP => -[e _]; apply: ne; lia.
Qed.

Lemma pick_first_dims s : pick s (first_dims (size s)) = s.
Proof. by rewrite /pick map_first_dims // take_size. Qed.

Lemma all_is_order ks n (P : nat -> bool) : is_order ks n ->
  all P (iota 0 n) = all (fun p => P (N.to_nat (nth 0%num ks p))) (iota 0 n).
Proof.
move=> h; have hs := is_order_size h; apply/allP/allP => hP p; rewrite mem_iota add0n => /= hp.
  by apply: hP; rewrite mem_iota add0n /= -(is_order_mem h) mem_nth // hs.
have hin : N.of_nat p \in ks by rewrite (is_order_mem h) Nnat.Nat2N.id.
have := hP (index (N.of_nat p) ks); rewrite mem_iota add0n /= -hs index_mem => /(_ hin).
by rewrite nth_index // Nnat.Nat2N.id.
Qed.

Lemma transposedP o ks v e i : transposed o = Some (ks, v) -> i \in idxs (oshape o) ->
  den o e i = e (v_id v) (pick i ks) /\ pick i ks \in idxs (v_shape v).
Proof.
case: o => // box out f [|w []] //=; set k := flatten _.
case: ifP => // /and5P [/shape_eqbP -> /imap_eqbP -> ho /imap_eqbP hm /shape_eqbP hs].
case=> hk hw; subst w; rewrite hk {k hk} in ho hm hs *; move=> hi.
have hin : pick i ks \in idxs (v_shape v) by rewrite mem_idxs hs inb_order // -mem_idxs.
split=> //; have hib : inb out i by rewrite -mem_idxs.
rewrite big_seq_cond (eq_bigl (fun r => (r \in idxs out) && (r == i))) => [|r]; last first.
  case hr: (r \in idxs out) => //=; have hrb : inb out r by rewrite -mem_idxs.
  by rewrite at_map_id //; apply/eqP/eqP => [[->]|->].
rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1 /read hm hs.
have := at_map_proj (ks := ks) hib; rewrite -!/(pick _ _) => -> //.
by apply/allP => j; rewrite (is_order_mem ho).
Qed.

(** ** Canonical form *)

Lemma oshape_fuse def o : oshape (fuse def o) = oshape o.
Proof.
rewrite /fuse; case: o => // box out f vs; case: transposed => // -[ks v].
case: (def _) => // -[] // box' s' f' vs'; case: ifP => // _; exact: oshape_reorder.
Qed.

Definition defined (def : N -> option op) e : Prop := forall k o, def k = Some o -> e k =1 den o e.

Lemma den_fuse def o e : defined def e -> eqt (oshape o) (den (fuse def o) e) (den o e).
Proof.
move=> hd i hi; rewrite /fuse; case: o hi => // box out f vs hi.
case ht: transposed => [[ks v]|] //.
case hv: (def _) => [p|] //; case: p hv => // box' s' f' vs' hv; case: ifP => // /andP [/shape_eqbP hs /eqP hf].
have [-> hin] := transposedP e ht hi; rewrite den_reorder (hd _ _ hv) /=.
have [out_s ho] : s' = pick out ks /\ is_order ks (size out).
  move: ht; rewrite hs /=; case: (vs) => [|w []] //; set k := flatten _.
  by case: ifP => // /and5P [_ _ ho _ /shape_eqbP hw] [<- <-].
apply: eq_bigl => r; rewrite -hs in hin; rewrite at_mapP //; last first.
  by rewrite size_map size_first_dims.
rewrite at_mapP // out_s size_map (is_order_size ho) (all_is_order _ ho).
apply: eq_in_all => p; rewrite mem_iota add0n /= => hp.
have hk : nth 0%num ks p \in ks by rewrite mem_nth // (is_order_size ho).
have hm : (N.to_nat (nth 0%num ks p) < size out)%nat by rewrite -(is_order_mem ho).
rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims // Nnat.N2Nat.id.
rewrite index_uniq ?(is_order_size ho) //; last by case/and3P: ho.
by rewrite nth_pick // (is_order_size ho).
Qed.

Lemma int_real_mul a b : int_real R (a * b) = int_real R a * int_real R b.
Proof.
have pm p q : pos_real R (p * q) = pos_real R p * pos_real R q.
  by rewrite !pos_real_nat Pos2Nat.inj_mul natrM.
by case: a => [|p|p]; case: b => [|q|q] /=; rewrite ?mul0r ?mulr0 ?pm ?mulNr ?mulrN ?opprK.
Qed.

Lemma den_constant s n d e : den (constant s n d) e =1 den (Const s n d) e.
Proof.
rewrite /constant; case: ifP => // _; case: Z.ggcd => g [n' [|d'|d']] //; case: Z.eqb_spec => // h i /=.
have nz p : int_real R (Zpos p) != 0 by rewrite gt_eqF //= pos_real_gt0.
have := congr1 (int_real R) h; rewrite !int_real_mul => h'.
rewrite /rational; apply/eqP; rewrite eqr_div ?(nz d) ?(nz d') //.
by rewrite -[pos_real R d]/(int_real R (Zpos d)) -[pos_real R d']/(int_real R (Zpos d')) h' mulrC.
Qed.

Lemma oshape_canonical def o : oshape (canonical def o) = oshape o.
Proof.
case: o => // [s n d|s [] x y|box out f vs] //=; try by case: ifP.
  by rewrite /constant; case: ifP => // _; case: Z.ggcd => g [n' [|d'|d']] //; case: ifP.
by rewrite oshape_fuse oshape_reorder.
Qed.

Lemma den_canonical def o e : defined def e -> eqt (oshape o) (den (canonical def o) e) (den o e).
Proof.
move=> hd i hi; case: o hi => // [s n d|s [] x y|box out f vs] hi //=.
- exact: den_constant.
- by case: ifP => // _ /=; rewrite addrC.
- by case: ifP => // _ /=; rewrite mulrC.
rewrite den_fuse ?oshape_reorder // den_reorder /=.
by apply: eq_bigr => r _; exact: prod_by_id.
Qed.

Lemma aliasP o a e : alias o = Some a -> eqt (oshape o) (den o e) (e a).
Proof.
have tr : (if transposed o is Some (ks, v) then
            if list_eqb N.eqb ks (first_dims (size ks)) then Some (v_id v) else None
          else None) = Some a -> eqt (oshape o) (den o e) (e a).
  case ht: transposed => [[ks v]|] //; case: ifP => // /(list_eqbP N_eqbP) hk [<-] i hi.
  have [-> _] := transposedP e ht hi; congr (e _ _); rewrite hk; suff -> : size ks = size i.
    exact: pick_first_dims.
  move: ht hi; case: (o) => // box out f [|w []] //=; set k := flatten _.
  case: ifP => // /and5P [_ _ ho _ _] [<- _]; rewrite mem_idxs => /inb_size ->.
  exact: is_order_size ho.
case: o tr => // s t b _ /=; case: ifP => // /shape_eqbP -> [->] i hi.
by rewrite same_place_id.
Qed.

Lemma oshape_rename num o : oshape (rename num o) = oshape o.
Proof. by case: o. Qed.

Lemma den_rename num o e : den (rename num o) e =1 den o (fun j => e (num j)).
Proof.
case: o => // box s f vs i /=; apply: eq_bigr => r _.
by elim: vs => [|v vs ih]; rewrite ?big_nil //= !big_cons ih.
Qed.

End Sound.
