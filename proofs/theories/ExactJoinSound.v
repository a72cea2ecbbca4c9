(** * Joins on integers are joins

    Where the branches are what [ExactTable.v] says, so is their join.

    Glossary
      - [total_at]       the sum of the branches at an index
      - [waiting]        branches of any shape, and what is known of their values
      - [sum_value_sound]  a sum of branches of one shape
      - [merged_product_sound]  a product
      - [joined_value_sound]  any join that [joined_value] computes *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number SpecJoin MeaningJoin MeaningJoinSound RaiseGrouped.
From Cotangent Require Import Floats ExactTable ExactNumbers ExactRows ExactLayers ExactJoin ExactBranches ExactAttentionSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma all_values_sound s ready xs : all_values s ready = Some xs ->
  List.Forall2 (fun p x => p.1 = s /\ p.2 = Some x) ready xs.
Proof.
elim: ready xs => [|[s' [x|]] ready ih] xs /=; first by case=> <-; constructor.
  case: eqP => // ->; case: all_values ih => //= ys /(_ _ erefl) h [<-].
  by constructor.
by case: eqP.
Qed.

Lemma branch_rows_sound c xs i es : branch_rows c xs i = Some es ->
  List.Forall2 (fun x en => look (f_table x) i = Some en /\ has_length c en.2) xs es.
Proof.
elim: xs es => [|x xs ih] es /=; first by case=> <-; constructor.
case hl: look => [en|] //; case: ifP => // hc; case hr: branch_rows => [es'|] //= [<-].
by constructor; [split|exact: ih].
Qed.

Lemma sum_row_size c e xs es : (size (sum_row c e xs es) <= N.to_nat c)%nat.
Proof.
elim: xs es => [|x xs ih] [|en es] /=; rewrite ?size_nseq //.
by rewrite zip_with_size; apply: leq_trans (geq_minr _ _) (ih _).
Qed.

Section Sum.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Notation branch := (shape * (V -> tensor R))%type.

Lemma sum_radius_ge0 e (rm : seq branch) xs : List.Forall2 (fun q x => holds q.2 x) rm xs ->
  (0 <= sum_radius e xs)%Z.
Proof.
elim=> //= q x _ {}xs [h _] _ ih.
have : (0 <= Z.shiftl (f_radius x) (Z.of_N (e - f_exponent x)))%Z by rewrite Z.shiftl_nonneg.
lia.
Qed.

(** What the branches have at a place. *)
Definition total_at (rm : seq branch) (i : idx) (v : V) : R := \sum_(q <- rm) q.2 v i.

Lemma sum_row_sound c e (rm : seq branch) xs i es o : List.Forall2 (fun q x => holds q.2 x) rm xs ->
  all (fun x => N.leb (f_exponent x) e) xs ->
  List.Forall2 (fun x en => look (f_table x) i = Some en /\ has_length c en.2) xs es ->
  (o < size (sum_row c e xs es))%nat ->
  continuous_at x0 (total_at rm (rcons i (N.of_nat o)))
  /\ ball e (sum_radius e xs) (nth 0%Z (sum_row c e xs es) o) (total_at rm (rcons i (N.of_nat o)) x0).
Proof.
move=> h; elim: h es => [|q x {}rm {}xs hx _ ih] es /=.
  move=> _ hF; inversion hF; subst => /= ho; rewrite /total_at; split.
    rewrite (_ : (fun v => _) = fun=> 0); first exact: continuous_const.
    by apply/funext => v; rewrite big_nil.
  by rewrite big_nil nth_nseq; case: ifP => _; rewrite -(dyadic0 R e); exact: ball_exact.
move=> /andP [/N.leb_le le ok] hF; inversion hF as [|? en ? es' [hl hc] h2]; subst => /=.
rewrite zip_with_size leq_min align_size => /andP [ho1 ho2].
have [cont val] := ih es' ok h2 ho2; have [cont' val' _ _] := hx.2 _ _ hl o ho1.
rewrite /= in cont' val'; split.
  rewrite /total_at (_ : (fun v => _) = fun v => q.2 v (rcons i (N.of_nat o)) + total_at rm (rcons i (N.of_nat o)) v).
    exact: continuous_add.
  by apply/funext => v; rewrite big_cons.
rewrite /total_at big_cons zip_with_nth ?zip_with_size ?align_size ?leq_min ?ho1 //; apply: ball_add val.
rewrite /align; have {1}-> : e = (f_exponent x + (e - f_exponent x))%num by lia.
case: N.eqb_spec => [e0|_]; last by rewrite (nth_map 0%Z) // ball_shift.
by rewrite e0 N.add_0_r Z.shiftl_0_r.
Qed.

Lemma sum_row_zero c e (rm : seq branch) xs i es o : List.Forall2 (fun q x => holds q.2 x) rm xs ->
  all nonnegative xs ->
  List.Forall2 (fun x en => look (f_table x) i = Some en /\ has_length c en.2) xs es ->
  (o < size (sum_row c e xs es))%nat ->
  (0 <= nth 0%Z (sum_row c e xs es) o)%Z
  /\ (nth 0%Z (sum_row c e xs es) o = 0%Z -> \forall v \near x0, total_at rm (rcons i (N.of_nat o)) v = 0).
Proof.
move=> h; elim: h es => [|q x {}rm {}xs hx _ ih] es /=.
  move=> _ hF; inversion hF; subst => /= ho; rewrite nth_nseq if_same; split=> // _.
  by apply: nearW => v; rewrite /total_at big_nil.
move=> /andP [hn ok] hF; inversion hF as [|? en ? es' [hl hc] h2]; subst => /= ho; have := ho.
rewrite zip_with_size leq_min align_size => /andP [ho1 ho2].
have [ge zero] := ih es' ok h2 ho2; have [ge' zero'] := nonnegative_zero hx hn hl ho1.
rewrite zip_with_nth //.
have al : nth 0%Z (align (e - f_exponent x) en.2) o = Z.shiftl (nth 0%Z en.2 o) (Z.of_N (e - f_exponent x)).
  by rewrite /align; case: N.eqb_spec => [->|_]; [rewrite Z.shiftl_0_r|rewrite (nth_map 0%Z)].
have sh : (0 <= Z.shiftl (nth 0%Z en.2 o) (Z.of_N (e - f_exponent x)))%Z by rewrite Z.shiftl_nonneg.
rewrite al; split=> [|e0]; first by lia.
have [e1 e2] : Z.shiftl (nth 0%Z en.2 o) (Z.of_N (e - f_exponent x)) = 0%Z /\ nth 0%Z (sum_row c e xs es') o = 0%Z by lia.
move/Z.shiftl_eq_0_iff: e1 => /(_ (N2Z.is_nonneg _)) /zero' n1.
by apply: filterS2 n1 (zero e2) => v h1 h3; rewrite /total_at big_cons h1 add0r; exact: h3.
Qed.

Lemma sum_row_same c (rm : seq branch) xs i j es es' o : List.Forall2 (fun q x => holds q.2 x) rm xs ->
  List.Forall2 (fun x en => look (f_table x) i = Some en /\ has_length c en.2) xs es ->
  List.Forall2 (fun x en => look (f_table x) j = Some en /\ has_length c en.2) xs es' ->
  [seq q.1 | q <- es] = [seq q.1 | q <- es'] -> (N.of_nat o < c)%num ->
  \forall v \near x0, total_at rm (rcons i (N.of_nat o)) v = total_at rm (rcons j (N.of_nat o)) v.
Proof.
move=> h h1 h2 em ho; elim: h es es' h1 h2 em => [|q x {}rm {}xs hx _ ih] es es' h1 h2.
  by move=> _; apply: nearW => v; rewrite /total_at !big_nil.
inversion h1 as [|? en ? es1 [hl hc] t1]; inversion h2 as [|? en' ? es2 [hl' hc'] t2]; subst.
move=> -[em] /(ih _ _ t1 t2) n.
have at_ k en0 : look (f_table x) k = Some en0 -> has_length c en0.2 ->
    \forall v \near x0, q.2 v (rcons k (N.of_nat o)) = q.2 v (rcons en0.1 (N.of_nat o)).
  move=> hk hc2; have ho' : (o < size en0.2)%nat by have := length_lt hc2 ho; rewrite Nnat.Nat2N.id.
  by have [] := hx.2 _ _ hk o ho'.
have n1 := at_ _ _ hl hc; have n2 := near_eq_sym (at_ _ _ hl' hc'); rewrite em in n1.
by apply: filterS2 n (near_eq_trans n1 n2) => v e1 e2; rewrite /total_at !big_cons e2; congr (_ + _).
Qed.

Lemma sum_value_sound s (rm : seq branch) xs : (0 < size s)%nat ->
  List.Forall2 (fun q x => holds q.2 x) rm xs -> forall X : V -> tensor R,
  (forall v i, i \in idxs s -> X v i = total_at rm i v) -> holds X (sum_value s xs).
Proof.
move=> hs h X hX; split=> [|i en /= hl]; first exact: sum_radius_ge0 h.
set e := largest_exponent _ in hl *; set c := last _ _ in hl.
have ok : all (fun x => N.leb (f_exponent x) e) xs by exact: largest_exponent_ge.
have cell k o : k \in idxs (lead s) -> (N.of_nat o < c)%num -> rcons k (N.of_nat o) \in idxs s.
  move=> hi ho; rewrite (idxs_rows hs); apply/flattenP; exists [seq rcons k a | a <- Nrange (last 0%num s)].
    exact: map_f.
  by apply: map_f; rewrite mem_Nrange; exact/N.ltb_lt.
pose P i en := [/\ at_entry x0 e (sum_radius e xs) (all nonnegative xs) X i en, (size en.2 <= N.to_nat c)%nat
  & i \in idxs (lead s)].
suff : P i en by case.
move: i en hl; apply: look_shared => [{}i es /In_mem hi he|].
  have hF := branch_rows_sound he; split=> //; last exact: sum_row_size.
  apply: at_entry_self => o ho; have [cont val] := sum_row_sound h ok hF ho.
  have hc : (N.of_nat o < c)%num by have /ssrnat.ltP := leq_trans ho (sum_row_size _ _ _ _); lia.
  have form v : X v (rcons i (N.of_nat o)) = total_at rm (rcons i (N.of_nat o)) v by rewrite hX //; exact: cell.
  split; [by apply: continuous_near cont; apply: nearW => v; rewrite form|by rewrite form|move=> hn e0].
  by have [_ zero] := sum_row_zero h hn hF ho; apply: filterS (zero e0) => v; rewrite form.
move=> i j es es' en /In_mem hi hes hes' em [hen sz hj]; split=> //.
apply: (at_entry_as hen) => o ho.
have hc : (N.of_nat o < c)%num by have /ssrnat.ltP := leq_trans ho sz; lia.
have := sum_row_same h (branch_rows_sound hes) (branch_rows_sound hes') em hc.
by apply: filterS => v; rewrite !hX //; exact: cell.
Qed.

Lemma merged_total batch t (rm : seq (shape * tensor R)) (y : tensor R) i : all (fun q => q.1 == t) rm ->
  i \in idxs (batch :: t) -> merged Sum y rm i = y i + \sum_(q <- rm) q.2 i.
Proof.
elim: rm y => [|[s z] rm ih] y /=; first by rewrite big_nil addr0.
by move=> /andP [/eqP -> ok] hi; rewrite ih // big_cons addrA -(stretched_same z hi).
Qed.

(** Branches of any shape, and what is known of their values. *)
Definition waiting (rm : seq branch) (ready : seq (shape * option fixed)) : Prop :=
  List.Forall2 (fun q p => q.1 = p.1 /\ forall f, p.2 = Some f -> holds q.2 f) rm ready.

Lemma all_stretched_sound batch t rm ready xs : (0 < size t)%nat -> waiting rm ready ->
  all_stretched batch t ready = Some xs ->
  List.Forall2 (fun q x => holds (fun v => stretched q.1 (q.2 v)) x) rm xs.
Proof.
move=> ht h; elim: h xs => [|q [s [x|]] {}rm {}ready [eq hq] _ ih] xs /=; first by case=> <-; constructor.
  case: eqP => // hs; case: all_stretched ih => //= ys /(_ _ erefl) hF [<-]; constructor=> //.
  by rewrite eq; apply: stretch_sound => //; exact: hq.
by case: eqP.
Qed.

Lemma all_parts_sound rm ready ps : waiting rm ready -> all_parts ready = Some ps -> parted x0 rm ps.
Proof.
move=> h; elim: h ps => [|q [s [x|]] {}rm {}ready [eq hq] _ ih] ps //=; first by case=> <-; constructor.
case: all_parts ih => //= ys /(_ _ erefl) hF [<-]; constructor=> //; split; first by rewrite eq.
exact: hq.
Qed.

Lemma merged_sum (rm : seq (shape * tensor R)) (y : tensor R) i :
  merged Sum y rm i = y i + \sum_(q <- rm) stretched q.1 q.2 i.
Proof. by elim: rm y => [|[s z] rm ih] y /=; rewrite ?big_nil ?addr0 // ih big_cons addrA. Qed.

Lemma merged_product_sound fraction s (rm : seq branch) xs : 
  List.Forall2 (fun q x => holds (fun v => stretched q.1 (q.2 v)) x) rm xs -> forall (Y : V -> tensor R) y, holds Y y ->
  holds (fun v => merged Product (Y v) [seq (q.1, q.2 v) | q <- rm])
    (foldl (fun y z => rounded fraction (product_value s y z)) y xs).
Proof.
elim=> [|q x {}rm {}xs hq _ ih] Y y hY //=.
by apply: ih; apply: rounded_sound; exact: product_sound.
Qed.

Lemma merged_maximum_sound s (rm : seq branch) xs :
  List.Forall2 (fun q x => holds (fun v => stretched q.1 (q.2 v)) x) rm xs -> forall (Y : V -> tensor R) y, holds Y y ->
  holds (fun v => merged Maximum (Y v) [seq (q.1, q.2 v) | q <- rm]) (foldl (maximum_value s) y xs).
Proof.
elim=> [|q x {}rm {}xs hq _ ih] Y y hY //=.
by apply: ih; exact: maximum_sound.
Qed.

Lemma joined_value_sound fraction batch j t (rm : seq branch) ready y : waiting rm ready ->
  joined_value fraction batch j t ready = Some y ->
  holds (fun v => joined j [seq (q.1, q.2 v) | q <- rm]) y.
Proof.
move=> h; rewrite /joined_value; case: j => [[| |]| |heads] //; case: ready h => [|p ready] // h.
- case: ifP => [hs|_].
    case ha: all_values => [xs|] //= [<-]; have hv := all_values_sound ha.
    have hx : List.Forall2 (fun q x => holds q.2 x) rm xs.
      elim: h xs {ha hs} hv => [|q p' rm' ready' [_ hq] _ ih] xs hv; inversion hv as [|? ? ? ? [_ e]]; subst; constructor.
        exact: hq.
      exact: ih.
    have same : all (fun q : branch => q.1 == t) rm.
      elim: h xs {ha hx hs} hv => [|q p' rm' ready' [eq _] _ ih] xs hv //=.
      by inversion hv as [|a1 a2 a3 a4 [e0 e1] tl]; rewrite eq e0 eqxx; exact: ih tl.
    apply: (sum_value_sound _ hx) => // v i hi; rewrite /joined.
    case: rm h hx same => [|q rm] h hx /=; first by inversion h.
    move=> /andP [/eqP eq ok]; rewrite (@merged_total batch t) //; last by rewrite all_map.
    by rewrite /total_at big_cons big_map /= eq -(stretched_same (q.2 v) hi).
  case: ifP => // ht; case ha: all_stretched => [xs|] //= [<-].
  pose rm' := [seq (t, fun v => stretched q.1 (q.2 v)) | q : branch <- rm].
  have hx : List.Forall2 (fun q x => holds q.2 x) rm' xs.
    by apply: Forall2_of_map; exact: all_stretched_sound ha.
  apply: (sum_value_sound _ hx) => // v i _; rewrite /joined /total_at big_map.
  by case: rm h {rm' hx} => [|q rm] h /=; [inversion h|rewrite merged_sum big_cons big_map].
- case: ifP => // ht; case ha: all_stretched => [[|x xs]|] // [<-].
  have := all_stretched_sound ht h ha; case: rm {h} => [|q rm] hF; inversion hF; subst.
  by apply: merged_product_sound.
- case: ifP => // ht; case ha: all_stretched => [[|x xs]|] // [<-].
  have := all_stretched_sound ht h ha; case: rm {h} => [|q rm] hF; inversion hF; subst.
  by apply: merged_maximum_sound.
- case ha: all_parts => [ps|] //= [<-]; exact: concat_sound (all_parts_sound h ha).
case: p h => [[|u [|? [|? ?]]] [kv|]] //; case: ready => [|[[|i [|m [|? ?]]] [q|]] [|? ?]] // h [<-].
inversion h as [|[s1 KV] ? ? ? [e1 hk] t1]; inversion t1 as [|[s2 Q] ? ? ? [e2 hq] t2]; inversion t2; rewrite /= in e1 e2 hk hq; subst.
exact: (context_heads_sound fraction batch i (@heads_fit m heads) u (hk _ erefl) (hq _ erefl)).
Qed.
End Sum.
