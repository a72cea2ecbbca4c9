(** * The algebraic half of the central theorem

    For every well-formed program: the code that [grad] emits, run after the
    forward program, computes the transpose of forward mode.

    Glossary
      - [unmoved m k t]  values below [k] that [m] leaves out have no tangent *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose Adjoint.
From Cotangent Require Export Gradient.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma params_okP sh nin params : params_ok sh nin params ->
  uniq (ids params) /\ forall q, q \in params -> (q.1 < nin)%num /\ sh q.1 = q.2.
Proof.
move=> /andP [u /allP h]; split=> // q /h /andP [/N.ltb_lt ? /eqP ?].
by [].
Qed.

Lemma held_in o y : held o = Some y -> exists s, (y, s) \in oargs o.
Proof.
by case: o => // [s z t|s out k m a ct] [<-]; [exists s|exists out]; rewrite /= !inE eqxx orbT.
Qed.

Section GradAdjoint.
Variable R : realType.
Notation env := (env R).
Implicit Types (e t : env).

(** Values that the analysis of [targets_fixed] leaves out do not move. *)
Definition unmoved (m : amap) (k : N) (t : env) : Prop :=
  forall j, (j < k)%num -> aget m j = None -> still (t j).

Lemma unmoved_init l k t : (forall j, (j < k)%num -> j \notin l -> still (t j)) ->
  unmoved (foldr (fun j m => aset m j 0%num) aempty l) k t.
Proof.
move=> h j hj hm; apply: h => //; apply/negP => hl.
suff : aget (foldr (fun j m => aset m j 0%num) aempty l) j = Some 0%num by rewrite hm.
elim: l hl {hm} => //= x l ih; rewrite inE; have [->|ne] := N.eq_dec j x.
  by rewrite aget_set.
by rewrite aget_setN // => /orP [/eqP|/ih].
Qed.

Lemma unmoved_step m k t o e : unmoved m k t ->
  (forall a, a \in oargs o -> (a.1 < k)%num) ->
  unmoved (depends m (k, o)) (N.succ k) (upd t k (tangent o e t)).
Proof.
move=> h ha j hj; rewrite /depends /=; case: ifP => [_|/negbT /hasPn H].
  have [->|ne] := N.eq_dec j k; first by rewrite aget_set.
  by rewrite aget_setN // updN //; apply: h; lia.
have [->|ne] := N.eq_dec j k; last by rewrite updN //; apply: h; lia.
move=> _; rewrite updE; apply: tangent_still => a hin; apply: h; first exact: ha.
by have := H a hin; case: (aget m a.1).
Qed.

(** What a run computes is consistent with its own values and tangents. *)
Lemma consistent_run p k sh e t m base e0 t0 sh0 : wf p k sh ->
  base = (k + N.of_nat (size p))%num ->
  targets_fixed_from p m -> unmoved m k t ->
  (forall j, (j < base)%num ->
     [/\ e0 j = run p e j, t0 j = (trun p e t).2 j & sh0 j = shrun p sh j]) ->
  consistent e0 t0 sh0 base p k.
Proof.
elim: p k sh e t m => [|[d o] p ih] k sh e t m.
  by move=> _ -> _ _ _ /=; lia.
rewrite [size _]/= Nnat.Nat2N.inj_succ.
move=> /[dup] w0 /wf_cons [E ok ha w] hb /= /andP [tf tfs] hm h; subst d.
split=> //; last first.
  apply: (ih _ _ (step e (k, o)) (upd t k (tangent o e t)) _ w _ tfs) => [||j /h //].
    by lia.
  by apply: unmoved_step hm _ => a /ha [].
have st1 j : (j < N.succ k)%num ->
  [/\ e0 j = step e (k, o) j, t0 j = upd t k (tangent o e t) j & sh0 j = upd sh k (oshape o) j].
  move=> hj; have [|-> -> ->] := h j; first lia.
  split; [exact: run_stable w hj | exact: (trun_stable (step e (k, o)) _ w hj) |].
  exact: shrun_stable w hj.
have ag a : (a < k)%num -> [/\ e0 a = e a, t0 a = t a & sh0 a = sh a].
  move=> hk; have [|-> -> ->] := st1 a; first by lia.
  by rewrite /step /= !updN //; lia.
split=> //.
- have [|_ _ ->] := st1 k; first by lia.
  by rewrite updE.
- move=> i; have [|-> _ _] := st1 k; first by lia.
  by rewrite /step updE; apply: den_ext => a /ha [/ag [-> _ _] _].
- move=> i; have [|_ -> _] := st1 k; first by lia.
  by rewrite updE; apply: tangent_ext => a /ha [/ag [-> -> _] _].
- by move=> a /ha [hk <-]; split=> //; have [_ _ ->] := ag _ hk.
rewrite /target_still; case ho: (held o) tf => [y|] //= hy.
have [z hz] := held_in ho; have [hk _] := ha _ hz.
have [_ -> _] := ag _ hk; apply: hm hk _.
by move: hy; case: (aget m y).
Qed.

Theorem grad_adjoint p nin sh params e t dy out base :
  base = (nin + N.of_nat (size p))%num -> wf p nin sh -> (out < base)%num ->
  params_ok sh nin params -> targets_fixed p (ids params) ->
  (forall j, (j < nin)%num -> j \notin ids params -> still (t j)) ->
  let g := grad p base out params in
  let after := run g.1 (upd (run p e) base dy) in
  tdot (shrun p sh out) dy ((trun p e t).2 out)
  = \sum_(q <- zip params g.2) tdot q.1.2 (after q.2) (t q.1.1).
Proof.
move=> eb w ho /params_okP [u hin] tf ht g after.
pose e0 := upd (run p e) base dy; pose tF := (trun p e t).2; pose shF := shrun p sh.
have C : consistent e0 tF shF base p nin.
  apply: (consistent_run w eb tf (unmoved_init ht)) => j hj; split=> //.
  by rewrite /e0 updN //; lia.
pose s0 := St (N.succ base) [::] (aset aempty out base).
have a0 j : aget (adj s0) j = if N.eqb j out then Some base else None.
  have [->|ne] := N.eq_dec j out; first by rewrite aget_set N.eqb_refl.
  by rewrite aget_setN //; move/N.eqb_neq: ne => ->; exact: aget_empty.
have I0 : sinv e0 base s0.
  split=> /= [|//|j c]; first lia.
  by rewrite (a0 j); case: ifP => // _ [<-]; lia.
have [I1 T1] := back_spec I0 C.
have {}hin q : q \in params -> (q.1 < nin)%num /\ shF q.1 = q.2.
  by move=> /hin [hq <-]; split=> //; exact: shrun_stable w hq.
have [I2 T2 [_ G2]] := settle_spec tF I1 hin.
have gE : g = (rev (code (foldr settle (back p s0) params)),
  [seq odflt 0%num (aget (adj (foldr settle (back p s0) params)) q.1) | q <- params]) by [].
move: gE I2 T2 G2; set s2 := foldr settle _ _ => gE I2 T2 G2.
have T0 : pending e0 tF shF s0 base = tdot (shF out) dy (tF out).
  rewrite /pending (bigD1_seq out) ?Nrange_uniq //=; last first.
    by rewrite mem_Nrange; apply/N.ltb_lt.
  rewrite big1 ?addr0 => [|j /eqP /N.eqb_neq ne]; rewrite /adot a0.
    by rewrite N.eqb_refl /senv /= /e0 updE.
  by rewrite ne.
have tin j : (j < nin)%num -> tF j = t j by exact: trun_stable w.
rewrite -[LHS]T0 eb -T1 -T2 /pending gE.
rewrite (bigID (fun j => j \in ids params)) /= [X in _ + X]big_seq_cond [X in _ + X]big1 ?addr0; last first.
  move=> j /andP []; rewrite mem_Nrange => /N.ltb_lt hj hn.
  rewrite /adot; case: (aget _ _) => // c; apply: big1 => i _.
  by rewrite (tin _ hj) (ht _ hj hn) mulr0.
rewrite -big_filter (perm_big (ids params)) /=; last first.
  apply: uniq_perm => //; first exact/filter_uniq/Nrange_uniq.
  move=> j; rewrite mem_filter mem_Nrange; case hj: (j \in ids params) => //=.
  by case/mapP: hj => q /hin [hq _] ->; apply/N.ltb_lt.
have -> : zip params (map (fun q => odflt 0%num (aget (adj s2) q.1)) params)
  = map (fun q => (q, odflt 0%num (aget (adj s2) q.1))) params by elim: (params) => //= q l ->.
rewrite !big_map !big_seq; apply: eq_bigr => q hq /=.
have [hj <-] := hin q hq; have := G2 q hq; rewrite /adot (tin _ hj) /after gE.
by case: (aget _ _).
Qed.
End GradAdjoint.
