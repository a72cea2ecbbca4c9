(** * Reverse mode computes the transpose of forward mode

    Pure algebra. The transform is run against a fixed forward run [e0] with
    tangents [t]. Its invariant: the sum, over all values still to be visited,
    of (cotangent so far) · (tangent). A reverse step takes one value out of
    the sum and gives its share to the operands; the sum stays the same. At
    the start it is [Σ dy · (tangent of the output)], at the end
    [Σ gradient · (tangent of the input)].

    Glossary
      - [vstep_spec]    a step leaves the sum as it is
      - [back_spec]     so does the walk through a program
      - [settle_spec]   and that parameters without cotangent get zeros *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose.
From Cotangent Require Export AdjointState AdjointRules.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Pass.
Variable R : realType.
Variables (e0 t : env R) (sh : N -> shape) (base : N).
Local Notation good := (good e0 t sh).
Local Notation senv := (senv e0).
Local Notation sinv := (sinv e0 base).
Local Notation adot := (adot e0 t sh).
Local Notation pending := (pending e0 t sh).
Local Notation share := (share e0 t).
Local Notation consistent := (consistent e0 t sh base).
Local Notation push_grows := (push_grows t).

(** ** A step *)
Section Step.
Variables (k : N) (k_base : (k < base)%num).

Lemma vstep_spec o s : sinv s -> good k o ->
  sinv (vstep (k, o) s) /\ pending (vstep (k, o) s) k = pending s (N.succ k).
Proof.
move=> I g.
have -> : pending s (N.succ k) = pending s k + adot s k.
  by rewrite /pending Nrange_succ -cats1 big_cat big_seq1.
rewrite /vstep /adot /=; case hc: (aget (adj s) k) => [ct|]; last by rewrite addr0.
have hct := sinv_adj I hc.
have -> : tdot (sh k) (senv s ct) (t k) = share o s ct.
  by rewrite /share (good_shape g); apply: tdot_eq => i _; rewrite (good_tangent g).
case: o g => [z n d|z u a|z b x y|z c a b x y|box z f vs|z z' a|z a|z a y|z out q m a|z out q m a y
  |z ds a|z ds n d a] /= g.
- have -> : share (Const z n d) s ct = 0 by apply: big1 => i _; rewrite mulr0.
  by rewrite addr0.
- by have [I' _ ->] := una_grows k_base I hct g.
- by have [I' _ ->] := bin_grows k_base I hct g.
- by have [I' _ ->] := sel_grows k_base I hct g.
- by have [I' _ ->] := contract_grows k_base I hct g.
- have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
  have [I' _ ->] := push_grows (Reshape z' z ct) I ka sa; split=> //.
  by rewrite sa /share /= reshape_transpose //; exact/N.eqb_eq/(good_ok g).
- by have [I' _ ->] := softmax_grows k_base I hct g.
- by have [I' _ ->] := cross_entropy_grows k_base I hct g.
- have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
  have [I' _ ->] := push_grows (MaxPoolGrad z out q m a ct) I ka sa; split=> //.
  rewrite sa /share /= max_pool_transpose; congr (_ + _); apply: tdot_eq => j _; congr (_ * _).
  by rewrite /= (senv_below k_base I ka).
- have -> : share (MaxPoolGrad z out q m a y) s ct = 0; last by rewrite addr0.
  apply: big1 => j _; rewrite /= big1 ?mulr0 // => i _; exact: (good_target g).
- by have [I' _ ->] := variance_grows k_base I hct g.
- by have [I' _ ->] := normalize_grows k_base I hct g.
Qed.
End Step.

(** ** The walk *)
Lemma consistent_le p k : consistent p k -> (k + N.of_nat (size p) <= base)%num.
Proof.
elim: p k => [|[d o] p ih] k /=; first by lia.
by move=> [_ _ /ih]; lia.
Qed.

Lemma back_spec p k s : sinv s -> consistent p k ->
  sinv (back p s) /\ pending (back p s) k = pending s (k + N.of_nat (size p))%num.
Proof.
move=> I; elim: p k => [|[d o] p ih] k C; first by split=> //; rewrite N.add_0_r.
have kb := consistent_le C; case: C => -> g C.
have {ih} [I' T'] := ih _ C.
rewrite [size _]/= Nnat.Nat2N.inj_succ in kb *.
have [|I2 T2] := vstep_spec _ I' g; first by lia.
by split=> //; rewrite T2 T'; congr pending; lia.
Qed.

Lemma settle_spec params n s : sinv s ->
  (forall q, q \in params -> (q.1 < n)%num /\ sh q.1 = q.2) ->
  let s' := foldr settle s params in
  [/\ sinv s', pending s' n = pending s n &
      (forall j, aget (adj s) j <> None -> aget (adj s') j <> None) /\
      forall q, q \in params -> aget (adj s') q.1 <> None].
Proof.
move=> I; elim: params => [|[j z] l ih] h; first by split.
have [|I1 T1 [M1 G1]] := ih; first by move=> i hi; apply: h; rewrite inE hi orbT.
have [hj hz] : (j < n)%num /\ sh j = z := h (j, z) (mem_head _ _).
rewrite [foldr _ _ _]/=; set s1 := foldr _ _ _ in I1 T1 M1 G1 *.
rewrite /settle; case hc: (aget (adj s1) j) => [c|].
  split=> //; split=> // i; rewrite inE => /orP [/eqP->|/G1 //].
  by rewrite hc.
have [I2 E2 T2] := push_grows (zero_like z) I1 hj hz.
have hset : adj (push j z (zero_like z) s1) = aset (adj s1) j (nx s1).
  by rewrite /push /acc /= hc.
have mono i : aget (adj s1) i <> None -> aget (adj (push j z (zero_like z) s1)) i <> None.
  rewrite hset; have [->|ne] := N.eq_dec i j; first by rewrite aget_set.
  by rewrite aget_setN.
split=> //.
  rewrite [LHS]T2 T1 /tdot big1 ?addr0 // => i _.
  by rewrite den_zero_like mul0r.
split=> [i /M1 /mono //|i]; rewrite inE => /orP [/eqP->|/G1 /mono //].
by rewrite hset aget_set.
Qed.
End Pass.
