(** * The parts of the check say what they should

    What follows from each of the booleans in [Check.v].

    Glossary
      - [.._eqbP]          what is found equal is the same
      - [well_formedP]     well-formed by finite maps: [Ir.wf], and the shapes
      - [is_interfaceP], [interface_shapes]  [@main] has this interface; the
                           shapes in it are those of its types
      - [params_in_orderP] parameters in order are distinct inputs
      - [nth_Forall2], [Forall2_nth]  lists related position by position
      - [same_valuesP]     results found the same are, on all inputs *)
From mathcomp Require Import all_ssreflect.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint.
From Cotangent Require Import Stablehlo Raise Spec Meaning Steps Number Canonical NumberSound.
From Cotangent Require Export Interface Check.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Well-formedness *)
Lemma wf_ext p k sh sh' : (forall j, sh j = sh' j) -> wf p k sh -> wf p k sh'.
Proof.
elim: p k sh sh' => //= -[d o] p ih k sh sh' h /and4P [-> -> ha w] /=; apply/andP; split.
  by rewrite -(eq_all (a1 := fun a => N.ltb a.1 k && (sh a.1 == a.2))) // => a; rewrite h.
by apply: ih w => j; rewrite /upd h.
Qed.

Lemma shrun_ext p sh sh' : (forall j, sh j = sh' j) -> forall j, shrun p sh j = shrun p sh' j.
Proof.
elim: p sh sh' => //= -[d o] p ih sh sh' h j.
by apply: ih => i; rewrite /upd h.
Qed.

Lemma well_formedP p k m m' : well_formed p k m = Some m' ->
  wf p k (shape_in m) /\ forall j, shrun p (shape_in m) j = shape_in m' j.
Proof.
elim: p k m => [|[d o] p ih] k m /=; first by case=> ->.
case: ifP => // /and4P [/N.eqb_eq -> -> /allP ha _] /ih [w s].
have e j : shape_in (set k (oshape o) m) j = upd (shape_in m) k (oshape o) j.
  by rewrite /shape_in get_set /upd; case: N.eqb.
split; last by move=> j; rewrite -s; apply: shrun_ext => i; rewrite e.
rewrite N.eqb_refl /=; apply/andP; split; last exact: wf_ext e w.
apply/allP => a /ha /andP [-> /=]; rewrite /has_shape /shape_in.
by case: get => // s' /shape_eqbP ->.
Qed.

(** ** The interface *)
Lemma port_eqbP a b : port_eqb a b -> a = b.
Proof.
case: a b => n r s [n' r' s'] /and3P [/= /String.eqb_eq -> /String.eqb_eq -> /shape_eqbP ->].
by [].
Qed.

Lemma window_eqbP v u : window_eqb v u -> v = u.
Proof.
case: v u => a b c d e [a' b' c' d' e'] /and5P [/N.eqb_eq /= -> /N.eqb_eq /= -> /N.eqb_eq /= ->].
by move=> /N.eqb_eq /= -> /N.eqb_eq /= ->.
Qed.

Lemma kink_eqbP a b : kink_eqb a b -> a = b.
Proof.
case: a b => [x c z|x v u|x] [y d w|y w t|y] //.
- by move=> /and3P [/String.eqb_eq -> /String.eqb_eq -> /Z.eqb_eq ->].
- by move=> /and3P [/String.eqb_eq -> /window_eqbP -> /window_eqbP ->].
by move=> /String.eqb_eq ->.
Qed.

Lemma is_interfaceP l ps : is_interface l ps -> interface l = Some ps.
Proof. by rewrite /is_interface; case: interface => // qs /(list_eqbP port_eqbP) ->. Qed.

(** ** Parameters *)
Lemma params_in_orderP sh nin params : params_in_order sh nin params -> params_ok sh nin params.
Proof.
case/andP => order fits; rewrite /params_ok fits andbT; apply: sorted_uniq order => //.
- by move=> j i k /N.ltb_lt h1 /N.ltb_lt h2; apply/N.ltb_lt; exact: N.lt_trans h1 h2.
by move=> i; apply/negbTE/negP => /N.ltb_lt; exact: N.lt_irrefl.
Qed.

(** ** Results *)

Lemma nth_Forall2 (T U : Type) (P : T -> U -> Prop) t u l l' : size l = size l' ->
  (forall k, (k < size l)%nat -> P (nth t l k) (nth u l' k)) -> List.Forall2 P l l'.
Proof.
elim: l l' => [|x l ih] [|y l'] //= [sz] h; constructor; first exact: (h 0%nat).
by apply: ih => // k hk; exact: (h k.+1).
Qed.

Lemma Forall2_nth (T U : Type) (P : T -> U -> Prop) t u l l' : List.Forall2 P l l' ->
  size l = size l' /\ forall k, (k < size l)%nat -> P (nth t l k) (nth u l' k).
Proof.
elim=> [|x y {}l {}l' hx _ [sz h]] //=; split; first by rewrite sz.
by case=> [|k] //; exact: h.
Qed.

Lemma interface_shapes l ps : interface l = Some ps ->
  [seq t_shape (s_type s) | s <- l] = [seq port_shape p | p <- ps].
Proof.
rewrite /interface; elim: l ps => [|s l ih] ps /=; first by case=> <-.
rewrite /port_of_slot; case: text_of => [n|] //; case: text_of => [r|] //=.
by case h: all_some => [qs|] //= [<-] /=; rewrite (ih _ h).
Qed.

Section Same.
Variable R : realType.

Lemma same_valuesP nin inputs results p q js ks (a : env R) :
  same_values nin inputs results p q js ks ->
  let sh := shape_in (shapes_from 0 inputs) in
  [/\ wf p nin sh, wf q nin sh, size js = size results, size ks = size results
    & forall k, (k < size results)%nat -> eqt (nth [::] results k)
        (run p a (nth 0%num js k)) (run q a (nth 0%num ks k))
      /\ nth [::] results k = shrun q sh (nth 0%num ks k) /\ (nth 0%num ks k < next_id nin q)%num].
Proof.
rewrite /same_values; case hp: well_formed => [sa|] //; case hq: well_formed => [sb|] //.
case hn: number_two => [[m m']|] // /and3P [/eqP sj /eqP sk /allP h].
set sh := shape_in (shapes_from 0 inputs).
have [wp ep] := well_formedP hp; have [wq eq] := well_formedP hq.
split=> // k hk; have sz : size results = size (zip js ks) by rewrite size_zip sj sk minnn.
have hin : nth ([::], (0%num, 0%num)) (zip results (zip js ks)) k \in zip results (zip js ks).
  by rewrite mem_nth // !size_zip sj sk !minnn.
have := h _ hin; rewrite nth_zip // nth_zip ?sj ?sk //.
move=> /and5P [/N.eqb_eq e /N.ltb_lt hi /N.ltb_lt hj /= hsa hsb].
have sa_eq : shrun p sh (nth 0%num js k) = nth [::] results k.
  by rewrite ep /shape_in; move: hsa; rewrite /has_shape; case: get => //= s /shape_eqbP.
have sb_eq : shrun q sh (nth 0%num ks k) = nth [::] results k.
  by rewrite eq /shape_in; move: hsb; rewrite /has_shape; case: get => //= s /shape_eqbP.
split; last by rewrite sb_eq.
by rewrite -sa_eq; apply: (number_two_sound a hn wp wq hi hj e); rewrite sa_eq sb_eq.
Qed.
End Same.
