(** * Hessian times vector

    The derivative of a loss in a direction is the inner product of its gradient
    with that direction: a scalar of the program that reverse mode emits. Its
    gradient, emitted in turn, is the Hessian of the loss times the direction.

    The code is that of [Along.v].

    Glossary
      - [inner params gs vs e]  the inner product, of what [e] holds
      - [slope_value]    the code computes the derivative in the direction
      - [hessian_vector] what is emitted for it is the gradient of that
      - [hessian_everywhere]  the same where signs settle all conditions *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Transpose GradAdjoint Scalar SmoothFacts Differential.
From Cotangent Require Import GradCorrect Vjp RowVector Signs SignsSound GradWellFormed GradTwice.
From Cotangent Require Export Along.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma last_along params gs vs k :
  last_of k (along params gs vs k) = last_of (N.succ k) (along_from params gs vs (N.succ k)).
Proof. by rewrite /last_of [size _]/=; lia. Qed.

Lemma shaped_as_later k k' sh sh' params l : (k <= k')%num ->
  (forall j, (j < k)%num -> sh' j = sh j) -> shaped_as k sh params l -> shaped_as k' sh' params l.
Proof.
move=> hk h; elim=> [|q j params' l' [hj e] _ ih]; constructor=> //.
by split; [lia | rewrite h].
Qed.

Lemma along_from_wf params gs vs k sh : (0 < k)%num -> sh (N.pred k) = [::] ->
  shaped_as k sh params gs -> shaped_as k sh params vs ->
  [/\ wf (along_from params gs vs k) k sh, ruled (along_from params gs vs k),
      no_pools (along_from params gs vs k)
    & shrun (along_from params gs vs k) sh (last_of k (along_from params gs vs k)) = [::]].
Proof.
elim: params gs vs k sh => [|q params ih] gs vs k sh hk hs hg hv.
  by split=> //=; rewrite /last_of /= N.add_0_r.
inversion hg as [|? g ? gs' [g1 g2] hg' e1 e2]; subst; inversion hv as [|? v ? vs' [v1 v2] hv' e1 e2]; subst.
pose sh' := upd (upd sh k [::]) (N.succ k) [::].
have old j : (j < k)%num -> sh' j = sh j by move=> hj; rewrite /sh' !updN //; lia.
have [|||| w r n e] := ih gs' vs' (N.succ (N.succ k)) sh'.
- lia.
- by rewrite N.pred_succ /sh' updE.
- by apply: shaped_as_later hg' => //; lia.
- by apply: shaped_as_later hv' => //; lia.
have lt a : (a < k)%num -> N.ltb a k by move=> h; exact/N.ltb_lt.
split=> //=.
- rewrite !N.eqb_refl !size_id_map eqxx g2 v2 !eqxx (lt _ g1) (lt _ v1) /=.
  rewrite updN ?hs ?updE /=; last lia.
  by rewrite w !(proj2 (N.ltb_lt _ _)) //; lia.
- move: e; rewrite /last_of /= -/(along_from params gs' vs' (N.succ (N.succ k))) => e.
  set c := along_from _ _ _ _ in e *.
  by rewrite (_ : N.pred _ = last_of (N.succ (N.succ k)) c) // /last_of; lia.
Qed.

Lemma shaped_as_lt k sh params l j : shaped_as k sh params l -> j \in l -> (j < k)%num.
Proof. by elim=> //= q i params' l' [hi _] _ ih; rewrite inE => /orP [/eqP ->|/ih]. Qed.

Section Sound.
Variable R : realType.
Notation env := (env R).

Lemma den_inner (s : shape) g v (e : env) :
  den (Contract s [::] [::] [:: View g s (id_map s); View v s (id_map s)]) e [::]
  = \sum_(i <- idxs s) e g i * e v i.
Proof.
rewrite /= big_seq_cond [RHS]big_seq; apply: eq_big => [r|r /andP [hr _]]; first by rewrite andbT.
rewrite !big_cons big_nil mulr1 /read /= /id_map at_map_id //.
by rewrite -mem_idxs.
Qed.

Fixpoint inner (params : seq (N * shape)) (gs vs : seq N) (e : env) : R := match params, gs, vs with
  | q :: params', g :: gs', v :: vs' => \sum_(i <- idxs q.2) e g i * e v i + inner params' gs' vs' e
  | _, _, _ => 0 end.

Lemma inner_old k sh params gs vs (e e' : env) : (forall j, (j < k)%num -> e' j = e j) ->
  shaped_as k sh params gs -> shaped_as k sh params vs -> inner params gs vs e' = inner params gs vs e.
Proof.
move=> h hg; elim: hg vs => //= q g params' gs' [hj _] _ ih vs hv.
by inversion hv as [|? v ? vs' [v1 _] hv' e1 e2]; subst; rewrite !h // ih.
Qed.

Lemma along_from_sound params gs vs k sh (e : env) : (0 < k)%num ->
  shaped_as k sh params gs -> shaped_as k sh params vs ->
  run (along_from params gs vs k) e (last_of k (along_from params gs vs k)) [::]
  = e (N.pred k) [::] + inner params gs vs e.
Proof.
elim: params gs vs k sh e => [|q params ih] gs vs k sh e hk hg hv.
  by rewrite /= addr0 /last_of /= N.add_0_r.
inversion hg as [|? g ? gs' [g1 g2] hg' e1 e2]; subst; inversion hv as [|? v ? vs' [v1 v2] hv' e1 e2]; subst.
set c := along_from params gs' vs' (N.succ (N.succ k)).
set o1 := Contract q.2 [::] [::] [:: View g q.2 (id_map q.2); View v q.2 (id_map q.2)].
pose e1 := step e (k, o1); pose e2 := step e1 (N.succ k, Bin [::] Add (N.pred k) k).
have -> : last_of k (along_from (q :: params) (g :: gs') (v :: vs') k) = last_of (N.succ (N.succ k)) c.
  by rewrite /last_of -[along_from _ _ _ k]/[:: _, _ & c] [size _]/=; lia.
rewrite -[run _ _]/(run c e2) (ih _ _ _ sh) => [|||]; last first.
- by apply: shaped_as_later hv' => //; lia.
- by apply: shaped_as_later hg' => //; lia.
- lia.
have old j : (j < k)%num -> e2 j = e j by move=> hj; rewrite /e2 /e1 /step !updN //=; lia.
rewrite N.pred_succ /= addrA (inner_old old hg' hv'); congr (_ + _).
  rewrite /e2 /step updE [LHS]/= /e1 /step updN ?updE; last by rewrite /=; lia.
  by rewrite -den_inner.
Qed.

Lemma held_same (params : seq (N * shape)) vs (e e' : env) : (forall v, v \in vs -> e v = e' v) ->
  [seq (q.1.2, e q.2) | q <- zip params vs] = [seq (q.1.2, e' q.2) | q <- zip params vs].
Proof.
elim: params vs => [|q l ih] [|v vs] //= h.
by rewrite h ?mem_head // ih // => j hj; apply: h; rewrite inE hj orbT.
Qed.

Lemma pairing_inner params gs vs (e : env) : size gs = size params -> size vs = size params ->
  pairing (concat [seq (q.1.2, e q.2) | q <- zip params gs])
          (nth 0 (concat [seq (q.1.2, e q.2) | q <- zip params vs])) = inner params gs vs e.
Proof.
rewrite /concat; elim: params gs vs => [|q params ih] [|g gs] [|v vs] //=.
  by rewrite /pairing big_geq.
move=> [hg] [hv]; rewrite pairing_cat pairing_map -(ih _ _ hg hv) size_map; congr (_ + _).
  rewrite !big_seq; apply: eq_bigr => i hi; rewrite nth_cat size_map index_mem hi.
  by rewrite (nth_map [::]) ?index_mem // nth_index.
by congr pairing; apply/funext => j; rewrite nth_cat size_map ltnNge leq_addr /= addKn.
Qed.

Lemma dot_inner params gs vs (e : env) : (0 < total params)%num ->
  size gs = size params -> size vs = size params ->
  dot (gradient params gs e) (gradient params vs e) = inner params gs vs e.
Proof.
move=> pos hg hv; rewrite -pairing_inner // /pairing size_concat // -dim_total //.
by rewrite big_mkord; apply: eq_bigr => k _; rewrite !mxE.
Qed.
End Sound.

Lemma smooth_run_head (R : realType) (V : normedModType R) (x0 : V) p q E :
  smooth_run x0 (p ++ q) E -> smooth_run x0 p E.
Proof. by elim: p E => //= i p ih E [h /ih]. Qed.

Section Hessian.
Variables (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape)) (base out : N).
Hypothesis ck : checks p nin sh params base out.
Hypothesis scalar : shrun p sh out = [::].
Hypothesis flat : no_pools p.
Hypothesis pos : (0 < total params)%num.

(** The direction: inputs of the parameters' shapes, that are not parameters. *)
Variable vs : seq N.
Hypothesis given : shaped_as nin sh params vs.
Hypothesis apart : forall v, v \in vs -> v \notin ids params.

Let g := loss_grad p base out params.
Let p1 := p ++ g.1.
Let k1 := (nin + N.of_nat (size p1))%num.
Local Notation slope_code := (slope_code p nin params base out vs).
Local Notation slope_at := (slope_at p nin params base out vs).
Local Notation slope_base := (slope_base p nin params base out vs).

Variables (R : realType) (x : env R).
Notation point := 'rV[R]_(dim params).+1.
Let direction : point := gradient params vs x.
Local Notation slope := (slope p out vs x : point -> R^o).
Local Notation hessian_direction := (hessian_direction p nin base out vs x).

Lemma slope_wf : [/\ wf (along params g.2 vs k1) k1 (shrun p1 sh), ruled (along params g.2 vs k1)
  & shrun slope_code sh slope_at = [::]].
Proof.
have [w /N.eqb_eq eb /N.ltb_lt hb ok _] := and5P ck.
have [w1 y1] := loss_grad_well_formed w (esym eb) hb ok scalar.
have hg : shaped_as k1 (shrun p1 sh) params g.2 by [].
have hv : shaped_as k1 (shrun p1 sh) params vs.
  by apply: shaped_as_later given => [|j hj]; [rewrite /k1; lia | exact: shrun_stable w1 hj].
have [|||| wa ra _ ea] := @along_from_wf params g.2 vs (N.succ k1) (upd (shrun p1 sh) k1 [::]).
- lia.
- by rewrite N.pred_succ updE.
- by apply: shaped_as_later hg => [|j hj]; [lia | rewrite updN //; lia].
- by apply: shaped_as_later hv => [|j hj]; [lia | rewrite updN //; lia].
split=> //=; first by rewrite N.eqb_refl.
by rewrite /slope_code shrun_cat /slope_at last_along -[RHS]ea.
Qed.

Lemma slope_base_eq : slope_base = (k1 + N.of_nat (size (along params g.2 vs k1)))%num.
Proof.
by rewrite -[slope_base]/(N.succ (last_of k1 (along params g.2 vs k1))) /last_of [size _]/=; lia.
Qed.

(** The scalar that the code computes. *)
Lemma slope_value (θ : point) : loss slope_code slope_at x θ = dot (computed p g.1 g.2 x θ) direction.
Proof.
have [w /N.eqb_eq eb /N.ltb_lt hb ok _] := and5P ck.
have [w1 y1] := loss_grad_well_formed w (esym eb) hb ok scalar.
pose e1 := run p1 (inputs x θ); pose e2 := step e1 (k1, Const [::] 0 1).
have hg : shaped_as k1 (shrun p1 sh) params g.2 by [].
have hv : shaped_as k1 (shrun p1 sh) params vs.
  by apply: shaped_as_later given => [|j hj]; [rewrite /k1; lia | exact: shrun_stable w1 hj].
rewrite /loss /slope_code run_cat -/e1.
have -> : run (along params g.2 vs k1) e1 slope_at [::] = inner params g.2 vs e1.
  rewrite -[run _ _]/(run (along_from params g.2 vs (N.succ k1)) e2).
  rewrite /slope_at last_along (@along_from_sound _ _ _ _ _ (upd (shrun p1 sh) k1 [::])) => [|||]; last first.
  - by apply: shaped_as_later hv => [|j hj]; [lia | rewrite updN //; lia].
  - by apply: shaped_as_later hg => [|j hj]; [lia | rewrite updN //; lia].
  - lia.
  rewrite N.pred_succ {1}/e2 /step updE /= /rational mul0r add0r.
  by apply: inner_old hg hv => j hj; rewrite /e2 /step updN //=; lia.
have sg : size g.2 = size params by rewrite /g /= size_map.
have sv : size vs = size params by elim: given => //= q v l l' _ _ ->.
have -> : direction = gradient params vs e1.
  rewrite /direction /gradient; congr (row_of _ (concat _)).
  apply: held_same => v hv'.
  by rewrite /e1 (run_stable _ w1 (shaped_as_lt given hv')) /inputs place_other ?apart.
by rewrite -dot_inner.
Qed.

Theorem hessian_vector (θ : point) :
  (\forall θ' \near θ, smooth_run (θ' : point) p (inputs x)) ->
  smooth_run θ slope_code (inputs x) ->
  differentiable (slope : point -> R^o) θ /\
  forall w, 'd (slope : point -> R^o) θ w = dot (hessian_direction θ) w.
Proof.
move=> near sm; have [wa ra sc] := slope_wf.
have at_lt : (slope_at < k1 + N.of_nat (size (along params g.2 vs k1)))%num.
  by rewrite -slope_base_eq -[slope_base]/(N.succ slope_at); lia.
have [df h] := @gradient_twice _ _ _ _ _ _ ck scalar _ wa ra flat R x θ slope_at at_lt sc
  (proj2 (N.ltb_lt _ _) pos) sm.
have D : is_diff θ (loss slope_code slope_at x : point -> R^o)
    (fun w => dot (hessian_direction θ) w : R^o).
  apply: DiffDef => //; apply/funext => w; rewrite h /hessian_direction slope_base_eq.
  by [].
have [ds es] : is_diff θ (slope : point -> R^o) (fun w => dot (hessian_direction θ) w : R^o).
  apply: is_diff_near D; apply: filterS near => θ' sm'.
  rewrite slope_value /slope.
  have [_ ->] := loss_gradient ck (proj2 (N.ltb_lt _ _) pos) scalar (surjective_pairing g) sm'.
  by [].
split; [exact: ds | by move=> w; rewrite es].
Qed.

(** Where signs settle all conditions, as they do where there are no kinks. *)
Corollary hessian_everywhere : sites slope_code [::] = [::] -> forall θ : point,
  differentiable (slope : point -> R^o) θ /\
  forall w, 'd (slope : point -> R^o) θ w = dot (hessian_direction θ) w.
Proof.
move=> es θ; have [wa _ _] := slope_wf.
have [w /N.eqb_eq eb /N.ltb_lt hb ok _] := and5P ck.
have [w1 _] := loss_grad_well_formed w (esym eb) hb ok scalar.
have sm (θ' : point) : smooth_run θ' slope_code (inputs x).
  by apply: (smooth_by_signs (sh := sh) (k := nin) (given := [::])) => //; rewrite /slope_code wf_catE w1.
apply: hessian_vector => //; apply: filterE => θ'.
by have := sm θ'; rewrite /slope_code /p1 -catA; exact: smooth_run_head.
Qed.
End Hessian.
