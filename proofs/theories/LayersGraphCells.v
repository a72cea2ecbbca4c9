(** * What reverse mode emits, cell by cell

    The layers of [SpecLayer.v] have tensors of any rank and several gradients.
    [gradients] are the tensors that the emitted code computes for all of them
    at once. What they are, is one sentence for all programs
    ([gradients_partial]): the gradient of a cell is the sum over the cells of
    the output of the cotangent times the partial derivative. The closed forms
    in the files [LayersGraph*.v] are equations about the same tensors.

    Glossary
      - [gradients p base out params e dy]  what the emitted code computes after
                         the program [p] at [e], from the cotangent [dy] of
                         [out], one tensor for each of [params]
      - [vary e j i x]   the tensors [e], but cell [i] of number [j] is [x]
      - [ordered p k]    destinations count up from [k], operands are earlier
      - [gradients_computes]  all values, forwards and backwards, as a system of
                         equations *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose Adjoint GradAdjoint Scalar SmoothFacts Differential GradCorrect Computes LayersGraph.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Fixpoint ordered (p : prog) (k : N) : bool := match p with
| [::] => true
| (d, o) :: p' => [&& N.eqb d k, all (fun a => N.ltb a.1 k) (oargs o) & ordered p' (N.succ k)]
end.

Section Cells.
Variable R : realType.
Implicit Types (e y : env R) (p : prog) (dy : tensor R).

Definition gradients (p : prog) (base out : N) (params : seq (N * shape)) (e : env R) (dy : tensor R)
    : seq (tensor R) :=
  let g := grad p base out params in
  [seq run g.1 (upd (run p e) base dy) k | k <- g.2].

Definition vary (e : env R) (j : N) (i : idx) (x : R) : env R :=
  upd e j (fun k => if k == i then x else e j k).

(** ** All values as equations *)
Lemma ordered_stable p k e j : ordered p k -> (j < k)%num -> run p e j = e j.
Proof.
elim: p k e => [|[d o] p ih] k e //= /and3P [/N.eqb_eq -> _ w] hj.
by rewrite [LHS](ih _ (step e (k, o)) w) /step /= ?updN //; lia.
Qed.

Lemma ordered_computes p k e : ordered p k -> computes (run p e) p.
Proof.
elim: p k e => [|[d o] p ih] k e; first by move=> _ d o [].
move=> /and3P [/N.eqb_eq -> ha w] j q /= [[<- <-]|hq]; last exact: ih w _ _ hq.
have := @ordered_stable p _ (step e (k, o)) k w (N.lt_succ_diag_r k).
rewrite /run /= => -> i; rewrite /step updE.
apply: den_ext => a /(allP ha) /N.ltb_lt hk.
have e1 := ordered_stable (step e (k, o)) w (N.lt_lt_succ_r _ _ hk).
by rewrite [RHS]e1 /step updN //; exact: N.lt_neq.
Qed.

Lemma ordered_mem p k d o (a : N * shape) : ordered p k -> List.In (d, o) p -> a \in oargs o ->
  (d < k + N.of_nat (size p))%num /\ (a.1 < k + N.of_nat (size p))%num.
Proof.
elim: p k => [|[d' o'] p ih] k // /and3P [/N.eqb_eq -> /allP ha w].
rewrite [size _]/= Nnat.Nat2N.inj_succ => -[[<- <-] /ha /N.ltb_lt hk|hi ha']; first by move: (a.1) hk => a1 hk; split; lia.
by have := ih _ w hi ha'; lia.
Qed.

Lemma ordered_dest p k d o : ordered p k -> List.In (d, o) p -> (d < k + N.of_nat (size p))%num.
Proof.
elim: p k => [|[d' o'] p ih] k // /and3P [/N.eqb_eq -> _ w].
rewrite [size _]/= Nnat.Nat2N.inj_succ => -[[<- _]|hi]; first by lia.
by have := ih _ w hi; lia.
Qed.

Lemma gradients_computes p base out params nin e dy (g := grad p base out params) :
  ordered p nin -> base = (nin + N.of_nat (size p))%num -> ordered g.1 (N.succ base) ->
  exists y, [/\ gradients p base out params e dy = [seq y k | k <- g.2],
    computes y (p ++ g.1), forall j, (j < nin)%num -> y j = e j & y base = dy].
Proof.
move=> wp eb wg; exists (run g.1 (upd (run p e) base dy)).
have low j : (j < base)%num -> run g.1 (upd (run p e) base dy) j = run p e j.
  by move=> hj; rewrite (ordered_stable _ wg) ?updN //; lia.
split=> //.
- move=> d o hin; case: (List.in_app_or _ _ _ hin) => [hp|hg]; last exact: ordered_computes wg _ _ hg.
  move=> i; rewrite low; last by rewrite eb; exact: ordered_dest wp hp.
  rewrite (ordered_computes e wp hp); apply: den_ext => a ha; rewrite low //.
  by have [_ h] := ordered_mem wp hp ha; rewrite eb.
- by move=> j hj; rewrite low ?(ordered_stable _ wp) //; lia.
by rewrite (ordered_stable _ wg) ?updE //; lia.
Qed.

(** ** What they are *)
Lemma vary_same e j i : vary e j i (e j i) = e.
Proof.
apply/funext => k; apply/funext => c; rewrite /vary /upd; case: N.eqb_spec => [->|//].
by case: eqP => [->|].
Qed.

Lemma vary_diff e j i x0 k c : is_diff x0 (fun x : R^o => vary e j i x k c : R^o)
  (fun v : R^o => if (k == j) && (c == i) then v else 0 : R^o).
Proof.
rewrite /vary /upd; have -> : N.eqb k j = (k == j) by apply/idP/eqP => [/N.eqb_eq|->]; rewrite ?N.eqb_refl.
case: eqP => _; last exact: is_diff_const.
by case: eqP => _; [exact: is_diff_id | exact: is_diff_const].
Qed.

Theorem gradients_partial p nin sh params base out e dy n j s i :
  checks p nin sh params base out = true ->
  (n < size params)%nat -> nth (0%num, [::]) params n = (j, s) -> i \in idxs s ->
  smooth_run (V := [normedModType R of R^o]) (e j i) p (vary e j i) ->
  (forall k, k \in idxs (shrun p sh out) -> derivable (fun x : R^o => run p (vary e j i x) out k : R^o) (e j i) 1) /\
  nth (fun=> 0) (gradients p base out params e dy) n i
  = \sum_(k <- idxs (shrun p sh out)) dy k * derive1 (fun x : R^o => run p (vary e j i x) out k : R^o) (e j i).
Proof.
move=> ck hn ej hi sm.
have hparam : (j, s) \in params by rewrite -ej; exact: mem_nth.
have u : uniq (ids params) by case/and5P: ck => _ _ _ /params_okP [].
have hE q : q \in params -> forall c, c \in idxs q.2 ->
    differentiable (fun x : R^o => vary e j i x q.1 c : R^o) (e j i : R^o).
  by move=> _ c _; case: (vary_diff e j i (e j i) q.1 c).
have hfix : fixed (e j i : R^o) nin params (vary e j i).
  move=> k _ hk x c; rewrite /vary !updN // => ekj; move: hk; rewrite ekj => /negP; apply; exact: (map_f fst hparam).
have [df H] := grad_correct ck hE hfix sm.
split=> [k hk|]; first by apply/derivable1_diffP; exact: df.
have := H dy (1 : R^o); rewrite vary_same.
have D k c : differential (e j i : R^o) (vary e j i) k c (1 : R^o) = if (k == j) && (c == i) then 1 else 0.
  by rewrite /differential; have [_ ->] := vary_diff e j i (e j i) k c.
set gs := (grad p base out params).2 => h.
have sz : size gs = size params by rewrite size_map.
transitivity (\sum_(k <- idxs (shrun p sh out)) dy k * differential (e j i : R^o) (fun x => run p (vary e j i x)) out k (1 : R^o)).
  rewrite h (big_nth ((0%num, [::]), 0%num)) big_mkord size_zip sz minnn (bigD1 (Ordinal hn)) //=.
  rewrite nth_zip // ej [X in _ + X]big1 ?addr0 => [|m /eqP mn]; last first.
    apply: big1 => c _; rewrite D nth_zip //=; case: eqP => em; last by rewrite mulr0.
    case: mn; apply/val_inj/eqP; rewrite -(nth_uniq 0%num _ _ u) ?size_map //=.
    by rewrite !(nth_map (0%num, [::])) //= ej em.
  rewrite (bigD1_seq i) ?idxs_uniq //= [X in _ + X]big1 ?addr0 => [|c /negPf ci]; last first.
    by rewrite D ci andbF mulr0.
  by rewrite D !eqxx mulr1 /gradients (nth_map 0%num) // -/gs sz.
rewrite !big_seq; apply: eq_bigr => k hk; congr (_ * _).
by rewrite /differential derive1E deriveE //; exact: df.
Qed.
End Cells.
