(** * What is off its kinks

    Lemmas about [Smooth.v], and two conditions that are enough for a maximum
    over a window: one strict maximum ([strictly_greatest]), rectified cells that
    are all off ([all_off]).

    Glossary
      - [smooth_op_ext]   it depends on the operands alone
      - [near_all]        finitely many things that hold near [x0] hold together *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import BinNums.
From Cotangent Require Import DenoteFacts Scalar.
From Cotangent Require Export Smooth.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope. Local Open Scope classical_set_scope.

Section Facts.
Variables (R : realType) (V : normedModType R) (x0 : V).
Local Notation stays_greatest := (stays_greatest x0).
Local Notation smooth_op := (smooth_op x0).
Implicit Types E : V -> env R.

Lemma stays_greatest_eq s k m X Y i : (forall x, eqt s (X x) (Y x)) ->
  stays_greatest s k m X i -> stays_greatest s k m Y i.
Proof.
move=> h sm c j hc hj; rewrite -(chosen_eqt k m i (h x0)) in hc.
apply: filterS (sm c j hc hj) => x; rewrite !h //; first exact: cells_in (chosen_in hc).
exact: cells_in hj.
Qed.

Lemma smooth_op_ext o E E' : (forall a, a \in oargs o -> forall x, E x a.1 = E' x a.1) ->
  smooth_op o E -> smooth_op o E'.
Proof.
have m0 (T : eqType) (x : T) l : x \in x :: l by exact: mem_head.
have m1 (T : eqType) (x y : T) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a] h //=.
- by move=> sm i hi; rewrite -(h _ (m0 _ _ _)); exact: sm.
- by case: b h => h // sm i hi; rewrite -?(h _ (m0 _ _ _)) -?(h _ (m1 _ _ _ _)); exact: sm.
- by move=> sm i hi; rewrite -(h _ (m0 _ _ _)) -(h _ (m1 _ _ _ _)); exact: sm.
- by move=> sm i hi; apply: stays_greatest_eq (sm i hi) => x j _; rewrite (h _ (m0 _ _ _)).
- by move=> sm i hi; apply: stays_greatest_eq (sm i hi) => x j _; rewrite (h _ (m0 _ _ _)).
Qed.

Lemma near_all (T : eqType) (l : seq T) (P : T -> V -> Prop) :
  (forall j, j \in l -> \forall x \near x0, P j x) ->
  \forall x \near x0, forall j, j \in l -> P j x.
Proof.
elim: l => [|j l ih] h; first by apply: filterE => x j.
have hj := h j (mem_head _ _); have {}ih := ih (fun i hi => h i (mem_behead (s := j :: l) hi)).
by apply: filterS2 hj ih => x hj hl i; rewrite inE => /orP [/eqP ->|/hl].
Qed.

(** ** Enough for a maximum over a window *)

Lemma near_less (f g : V -> R) : {for x0, continuous (f : V -> R^o)} ->
  {for x0, continuous (g : V -> R^o)} -> f x0 < g x0 -> \forall x \near x0, f x < g x.
Proof.
move=> hf hg h; have d : {for x0, continuous ((fun x => g x - f x) : V -> R^o)} by exact: continuousB.
have p : 0 < g x0 - f x0 by rewrite subr_gt0.
have n : \forall x \near x0, 0 < g x - f x by exact: (d _ (near_pos p)).
by apply: filterS n => x; rewrite subr_gt0.
Qed.

Theorem strictly_greatest s k m X i : {in idxs s, forall j, {for x0, continuous ((fun x => X x j) : V -> R^o)}} ->
  (forall c j, chosen s k m (X x0) i = Some c -> j \in cells s k m i -> j != c -> X x0 j < X x0 c) ->
  stays_greatest s k m X i.
Proof.
move=> cont h c j hc hj; have [->|ne] := eqVneq j c; first by apply: filterE => x.
have := near_less (cont j (cells_in hj)) (cont c (cells_in (chosen_in hc))) (h c j hc hj ne).
by apply: filterS => x /ltW.
Qed.

(** Cells that are rectified, all off: they stay 0. *)
Theorem all_off s k m X Y i : {in idxs s, forall j, {for x0, continuous ((fun x => Y x j) : V -> R^o)}} ->
  (forall x, eqt s (X x) (fun j => Num.max (Y x j) 0)) ->
  {in cells s k m i, forall j, Y x0 j < 0} -> stays_greatest s k m X i.
Proof.
move=> cont hX off c j hc hj; have hc' := chosen_in hc.
have zero l : l \in cells s k m i -> \forall x \near x0, X x l = 0.
  move=> hl; have hs := cells_in hl.
  have n : \forall x \near x0, Y x l < 0 by exact: (cont l hs _ (near_neg (off l hl))).
  apply: filterS n => x y0.
  by rewrite hX // max_r // ltW.
by apply: filterS2 (zero j hj) (zero c hc') => x -> ->.
Qed.
End Facts.
