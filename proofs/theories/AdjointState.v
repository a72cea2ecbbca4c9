(** * The state of reverse mode

    What reverse mode keeps while it visits the values of a program, against a
    fixed forward run [e0] with tangents [t]: the sum, over all values still to
    be visited, of (cotangent so far) · (tangent). Emitting code leaves it as it
    is; adding a cotangent to a value adds its product with that tangent.

    Glossary
      - [good k o]      instruction [k] is what [e0], [t] and the shapes say
      - [consistent p k]  so are all of [p], numbered from [k]
      - [senv s]        the values after the code emitted so far
      - [pending s m]   the sum, over values below [m]
      - [sinv s]        the transform's state is well formed
      - [holds_from os n e]  in [e], values from [n] on are the ops [os]
      - [ext s s']      [s'] only adds values to [s]
      - [grows s s' m x]  [s'] extends [s] and its sum is larger by [x] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma aget_set m j c : aget (aset m j c) j = Some c.
Proof. exact: PositiveMap.gss. Qed.
Lemma aget_setN m j c i : i <> j -> aget (aset m j c) i = aget m i.
Proof. by move=> h; apply: PositiveMap.gso; lia. Qed.
Lemma aget_empty i : aget aempty i = None.
Proof. exact: PositiveMap.gempty. Qed.

Section Pass.
Variable R : realType.
Notation env := (env R).
Variables (e0 t : env) (sh : N -> shape) (base : N).

Definition target_still (o : op) : Prop :=
  if held o is Some y then still (t y) else True.

Record good (k : N) (o : op) : Prop := Good {
  good_ok : op_ok o;
  good_shape : sh k = oshape o;
  good_value : forall i, e0 k i = den o e0 i;
  good_tangent : forall i, t k i = tangent o e0 t i;
  good_args : forall a, a \in oargs o -> (a.1 < k)%num /\ sh a.1 = a.2;
  good_target : target_still o }.

Fixpoint consistent (p : prog) (k : N) : Prop := match p with
| [::] => (k <= base)%num
| (d, o) :: p' => [/\ d = k, good k o & consistent p' (N.succ k)] end.

Definition senv (s : st) : env := run (rev (code s)) e0.
Definition adot (s : st) (j : N) : R :=
  if aget (adj s) j is Some c then tdot (sh j) (senv s c) (t j) else 0.
Definition pending (s : st) (m : N) : R := \sum_(j <- Nrange m) adot s j.

Record sinv (s : st) : Prop := SInv {
  sinv_next : (base <= nx s)%num;
  sinv_run : forall j, (j < base)%num -> senv s j = e0 j;
  sinv_adj : forall j c, aget (adj s) j = Some c -> (c < nx s)%num }.

Definition ext (s s' : st) := (nx s <= nx s')%num /\
  forall c, (c < nx s)%num -> senv s' c = senv s c.

Definition grows (s s' : st) (m : N) (x : R) :=
  [/\ sinv s', ext s s' & pending s' m = pending s m + x].

Lemma ext_refl s : ext s s. Proof. by split=> //; lia. Qed.
Lemma ext_trans s2 s1 s3 : ext s1 s2 -> ext s2 s3 -> ext s1 s3.
Proof.
move=> [a b] [c d]; split; first lia.
by move=> k hk; rewrite d ?b //; lia.
Qed.

Lemma grows_refl s m : sinv s -> grows s s m 0.
Proof. by move=> I; split=> //; [exact: ext_refl | rewrite addr0]. Qed.
Lemma grows_trans s2 s1 s3 m x y : grows s1 s2 m x -> grows s2 s3 m y -> grows s1 s3 m (x + y).
Proof.
move=> [_ E1 T1] [I2 E2 T2]; split=> //; first exact: ext_trans E1 E2.
by rewrite T2 T1 addrA.
Qed.
Lemma grows_eq s s' m x y : grows s s' m x -> x = y -> grows s s' m y.
Proof. by move=> h <-. Qed.

(** ** Emitting *)
Lemma senv_emit o s : senv (emit o s) = upd (senv s) (nx s) (den o (senv s)).
Proof. by rewrite /senv /= rev_cons /run -cats1 foldl_cat. Qed.

Lemma ext_emit o s : ext s (emit o s).
Proof. by split=> [|c hc]; [rewrite /=; lia | rewrite senv_emit updN //; lia]. Qed.

Lemma emit_grows o s m : sinv s -> grows s (emit o s) m 0.
Proof.
move=> I; have E := ext_emit o s; split=> //.
  split=> /= [|j hj|j c hc]; first by have := sinv_next I; lia.
    by rewrite (proj2 E) ?(sinv_run I) //; have := sinv_next I; lia.
  by have := sinv_adj I hc; lia.
rewrite addr0; apply: eq_bigr => j _; rewrite /adot /=; case hc: (aget _ _) => [c|//].
by rewrite (proj2 E) //; exact: sinv_adj hc.
Qed.

(** A value emitted keeps its meaning in every later environment. *)
Lemma senv_new o s s' : ext (emit o s) s' ->
  (forall a, a \in oargs o -> (a.1 < nx s)%num) ->
  forall i, senv s' (nx s) i = den o (senv s') i.
Proof.
move=> E h i; rewrite (proj2 E) /=; last lia.
rewrite senv_emit updE; apply: den_ext => a /h ha.
have /N.lt_neq ne := ha.
by rewrite (proj2 E); [rewrite senv_emit updN | exact: N.lt_lt_succ_r].
Qed.

(** *** Several values at once *)
Fixpoint below_all (l : seq (N * shape)) (n : N) : Prop :=
  if l is a :: l' then (a.1 < n)%num /\ below_all l' n else True.
Fixpoint scoped (os : seq op) (n : N) : Prop :=
  if os is o :: os' then below_all (oargs o) n /\ scoped os' (N.succ n) else True.
Fixpoint holds_from (os : seq op) (n : N) (e : env) : Prop :=
  if os is o :: os' then (forall i, e n i = den o e i) /\ holds_from os' (N.succ n) e else True.

Lemma below_allP l n : below_all l n -> forall a, a \in l -> (a.1 < n)%num.
Proof.
by elim: l => //= b l ih [hb /ih hl] a; rewrite inE => /orP [/eqP ->|/hl].
Qed.

Lemma emits_grows os s m : sinv s -> scoped os (nx s) ->
  grows s (emits os s) m 0 /\
  forall s', ext (emits os s) s' -> holds_from os (nx s) (senv s').
Proof.
elim: os s => [|o os ih] s I sc; first by split=> //; exact: grows_refl.
case: sc => /below_allP ho sc; have G1 := emit_grows o m I; have [I1 _ _] := G1.
have [G2 H] := ih _ I1 sc; split; first by rewrite -[0]addr0; exact: grows_trans G1 G2.
move=> s' E; split; last exact: H.
by apply: senv_new ho; have [_ E2 _] := G2; exact: ext_trans E2 E.
Qed.

(** ** Adding a cotangent *)
Lemma total_upd s s' m j x : (j < m)%num ->
  adot s' j = adot s j + x -> (forall i, i <> j -> adot s' i = adot s i) ->
  pending s' m = pending s m + x.
Proof.
move=> hj hx hi; have hm : j \in Nrange m by rewrite mem_Nrange; apply/N.ltb_lt.
rewrite /pending (bigD1_seq j) ?Nrange_uniq //= [in RHS](bigD1_seq j) ?Nrange_uniq //=.
rewrite hx addrAC; congr (_ + _ + _); apply: eq_bigr => i /eqP; exact: hi.
Qed.

Lemma acc_grows j z c s m : sinv s -> (j < m)%num -> (c < nx s)%num -> sh j = z ->
  grows s (acc j z c s) m (tdot (sh j) (senv s c) (t j)).
Proof.
move=> I hj hc hz; rewrite /acc; case hd: (aget (adj s) j) => [d|].
  have [I' E _] := emit_grows (Bin z Add d c) m I.
  have hd' := sinv_adj I hd.
  have hv : senv (emit (Bin z Add d c) s) (nx s) = den (Bin z Add d c) (senv s).
    by rewrite senv_emit updE.
  set s1 := emit _ _ in I' E hv *; set s2 := St _ _ _.
  have es : senv s2 = senv s1 by [].
  split.
  - split=> [|k hk|i k] /=; [exact: sinv_next I'|rewrite es; exact: sinv_run I' _ hk|].
    have [->|ne] := N.eq_dec i j; first by rewrite aget_set => -[<-]; lia.
    by rewrite aget_setN //; exact: (sinv_adj I').
  - exact: E.
  - apply: (total_upd hj) => [|i ne]; rewrite /adot /= ?aget_set ?es.
      rewrite hd hv /tdot -big_split; apply: eq_bigr => i _ /=.
      by rewrite mulrDl.
    rewrite aget_setN //; case hk: (aget _ _) => [k|//].
    by rewrite (proj2 E) //; exact: sinv_adj hk.
set s2 := St _ _ _; have es : senv s2 = senv s by [].
split.
- split=> [|k hk|i k] /=; [exact: sinv_next I|rewrite es; exact: sinv_run I _ hk|].
  have [->|ne] := N.eq_dec i j; first by rewrite aget_set => -[<-].
  by rewrite aget_setN //; exact: (sinv_adj I).
- exact: ext_refl.
- apply: (total_upd hj) => [|i ne]; rewrite /adot /= ?aget_set ?es.
    by rewrite hd add0r.
  by rewrite aget_setN.
Qed.

Lemma push_grows j z o s m : sinv s -> (j < m)%num -> sh j = z ->
  grows s (push j z o s) m (tdot (sh j) (den o (senv s)) (t j)).
Proof.
move=> I hj hz; rewrite /push.
have [I1 E1 T1] := emit_grows o m I.
have hc : (nx s < nx (emit o s))%num by rewrite /=; lia.
have [I2 E2 T2] := acc_grows I1 hj hc hz.
split=> //; first exact: ext_trans E1 E2.
by rewrite T2 T1 addr0 senv_emit updE.
Qed.
End Pass.
