(** * Forward mode

    The tangent of every op, and of a program: how the value moves when the
    operands move by [t]. Differential.v shows that it is the differential;
    [Adjoint.v] that reverse mode computes its transpose.

    Glossary
      - [una_slope u x]     the derivative of a pointwise op
      - [tangent o e t]     the tangent of [o] at values [e], tangents [t]
      - [trun p e t]        values and tangents after [p]
      - [prod_tangent]      product rule over a list of views *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Tangent.
Variable R : realType.
Notation env := (env R).
Notation tensor := (tensor R).
Implicit Types (e t : env).

Definition una_slope (u : unary) (x : R) : R := match u with
| Neg => -1
| Exp => expR x
| Log => x^-1
| Sqrt => (Num.sqrt x + Num.sqrt x)^-1
| Rsqrt => - ((Num.sqrt x)^-1 / (x + x))
| Tanh => 1 - una_real Tanh x * una_real Tanh x
| Logistic => una_real Logistic x * (1 - una_real Logistic x)
| Softplus => una_real Logistic x
| Erf => erf_grad x
| ErfGrad => - ((x + x) * erf_grad x)
| Relu => if 0 < x then 1 else 0
| Abs => if 0 < x then 1 else if x < 0 then -1 else 0
| Elu n d => if 0 < x then 1 else rational R n d * expR x
| Clamp n d m e => if rational R n d < x then if x < rational R m e then 1 else 0 else 0 end.

Definition bin_tangent (b : binary) (x y dx dy : R) : R := match b with
| Add => dx + dy
| Sub => dx - dy
| Mul => x * dy + y * dx
| Div => dx / y - x / y * dy / y
| Max => if y < x then dx else if x < y then dy else (dx + dy) / 2%:R end.

Fixpoint prod_tangent (e t : env) (vs : seq view) (r : idx) : R := match vs with
| [::] => 0
| v :: vs' => read e v r * prod_tangent e t vs' r + (\prod_(w <- vs') read e w r) * read t v r
end.

Definition softmax_tangent (s : shape) (z dz : tensor) : tensor := fun i =>
  softmax s z i * (dz i - row_sum s (fun j => softmax s z j * dz j) i).

Definition log_softmax_tangent (s : shape) (z dz : tensor) : tensor := fun i =>
  dz i - row_sum s (fun j => softmax s z j * dz j) i.

Definition cross_entropy_tangent (s : shape) (z t dz dt : tensor) : R :=
  - (\sum_(i <- idxs s) (t i * log_softmax_tangent s z dz i + log_softmax s z i * dt i)) / rows R s.

Definition variance_tangent (s : shape) (ds : seq N) (x dx : tensor) (c : idx) : R :=
  let m := mean s ds (fun j => centred s ds x j * dx j) c in m + m.

Definition normalize_tangent (s : shape) (ds : seq N) (eps : R) (x dx : tensor) : tensor := fun j =>
  let y := normalize s ds eps x in let c := pick j (kept s ds) in
  (centred s ds dx j - y j * mean s ds (fun k => y k * dx k) c) / deviation s ds eps x c.

Definition tangent (o : op) (e t : env) : tensor := match o with
| Const _ _ _ => fun _ => 0
| Una _ u a => fun i => una_slope u (e a i) * t a i
| Bin _ b x y => fun i => bin_tangent b (e x i) (e y i) (t x i) (t y i)
| Sel _ c a b x y => fun i => if cmp_real c (e a i) (e b i) then t x i else t y i
| Contract box s f vs => fun i =>
    \sum_(r <- idxs box | at_map f s r == Some i) prod_tangent e t vs r
| Reshape s s' a => fun i => t a (same_place s s' i)
| Softmax s a => softmax_tangent s (e a) (t a)
| SoftmaxCrossEntropy s z y => fun _ => cross_entropy_tangent s (e z) (e y) (t z) (t y)
| MaxPool s _ k m a => fun i => if chosen s k m (e a) i is Some j then t a j else 0
| MaxPoolGrad s out k m a ct => fun j =>
    \sum_(i <- idxs out | chosen s k m (e a) i == Some j) t ct i
| Variance s ds a => variance_tangent s ds (e a) (t a)
| Normalize s ds n d a => normalize_tangent s ds (rational R n d) (e a) (t a)
end.

Definition tstep (et : env * env) (i : instr) : env * env :=
  (step et.1 i, upd et.2 i.1 (tangent i.2 et.1 et.2)).
Definition trun (p : prog) (e t : env) : env * env := foldl tstep (e, t) p.

Lemma trun_stable p k sh e t j : wf p k sh -> (j < k)%num -> (trun p e t).2 j = t j.
Proof.
elim: p k sh e t => [|[d o] p ih] k sh e t // /wf_cons [-> _ _ w] hj.
by rewrite [LHS](ih _ _ (step e (k, o)) (upd t k (tangent o e t)) w) ?updN //; lia.
Qed.

(** ** Only the operands matter *)
Lemma oargs_case o (P : N -> Prop) : (forall a, a \in oargs o -> P a.1) -> match o with
| Const _ _ _ => True
| Una _ _ a | Reshape _ _ a | Softmax _ a | MaxPool _ _ _ _ a => P a
| Variance _ _ a | Normalize _ _ _ _ a => P a
| Bin _ _ a b | SoftmaxCrossEntropy _ a b | MaxPoolGrad _ _ _ _ a b => P a /\ P b
| Sel _ _ a b x y => [/\ P a, P b, P x & P y]
| Contract _ _ _ vs => forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> P v.1
end.
Proof.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s s' a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a] //= h;
  do ?[split]; by [exact: (h (_, _) (mem_head _ _))
  | apply: (h (_, s)); rewrite !inE eqxx ?orbT | exact: h | apply: (h (_, out)); rewrite !inE eqxx ?orbT].
Qed.

Lemma read_ext e e' (v : view) r : e (v_id v) = e' (v_id v) -> read e v r = read e' v r.
Proof. by rewrite /read => ->. Qed.

Lemma prod_read_ext e e' (vs : seq view) r :
  (forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> e v.1 = e' v.1) ->
  \prod_(v <- vs) read e v r = \prod_(v <- vs) read e' v r.
Proof. by move=> h; apply: prod_read_eqt => v hv i _; rewrite h. Qed.

Lemma den_ext o e e' : (forall a, a \in oargs o -> e a.1 = e' a.1) ->
  forall i, den o e i = den o e' i.
Proof.
move=> ha; have {ha} := @oargs_case o (fun a => e a = e' a) ha; case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s s' a|s a|s z t|s out q m a|s out q m a ct
  |s ds a|s ds n d a] /=.
- by [].
- by move=> ->.
- by move=> [-> ->].
- by move=> [-> -> -> ->].
- by move=> h i; apply: eq_bigr => r _; exact: prod_read_ext.
- by move=> ->.
- by move=> ->.
- by move=> [-> ->].
- by move=> ->.
- by move=> [-> ->].
- by move=> ->.
- by move=> ->.
Qed.

Lemma prod_tangent_ext e e' t t' (vs : seq view) r :
  (forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> e v.1 = e' v.1 /\ t v.1 = t' v.1) ->
  prod_tangent e t vs r = prod_tangent e' t' vs r.
Proof.
elim: vs => //= v vs ih h.
have [he ht] := h _ (mem_head _ _).
rewrite ih => [|w hw]; last by apply: h; rewrite inE hw orbT.
rewrite (read_ext _ he) (read_ext _ ht) (prod_read_ext (e' := e')) // => w hw.
by have [] := h w; rewrite ?inE ?hw ?orbT.
Qed.

Lemma tangent_ext o e e' t t' : (forall a, a \in oargs o -> e a.1 = e' a.1 /\ t a.1 = t' a.1) ->
  forall i, tangent o e t i = tangent o e' t' i.
Proof.
move=> ha; have {ha} := @oargs_case o (fun a => e a = e' a /\ t a = t' a) ha; case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s s' a|s a|s z y|s out q m a|s out q m a ct
  |s ds a|s ds n d a] /=.
- by [].
- by move=> [-> ->].
- by move=> [[-> ->] [-> ->]].
- by move=> [[-> _] [-> _] [_ ->] [_ ->]].
- by move=> h i; apply: eq_bigr => r _; exact: prod_tangent_ext.
- by move=> [_ ->].
- by move=> [-> ->].
- by move=> [[-> ->] [-> ->]].
- by move=> [-> ->].
- by move=> [[-> _] [_ ->]].
- by move=> [-> ->].
- by move=> [-> ->].
Qed.

(** ** What does not depend on the parameters does not move *)
Definition still (t : tensor) : Prop := forall i, t i = 0.

Lemma row_sum0 s (x : tensor) i : still x -> row_sum s x i = 0.
Proof. by move=> h; apply: big1 => j _; rewrite h. Qed.

Lemma mean0 s ds (x : tensor) c : still x -> mean s ds x c = 0.
Proof. by move=> h; rewrite /mean big1 ?mul0r. Qed.

Lemma read_still t (v : view) r : still (t (v_id v)) -> read t v r = 0 :> R.
Proof. by rewrite /read => h; case: (at_map _ _ _) => [i|] //; exact: h. Qed.

Lemma prod_tangent_still e t (vs : seq view) r :
  (forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> still (t v.1)) ->
  prod_tangent e t vs r = 0.
Proof.
elim: vs => //= v vs ih h.
rewrite ih => [|w hw]; last by apply: h; rewrite inE hw orbT.
by rewrite (read_still _ (h _ (mem_head _ _))) !mulr0 addr0.
Qed.

Lemma tangent_still o e t : (forall a, a \in oargs o -> still (t a.1)) -> still (tangent o e t).
Proof.
move=> ha; have {ha} := @oargs_case o (fun a => still (t a)) ha; case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s s' a|s a|s z y|s out q m a|s out q m a ct
  |s ds a|s ds n d a] /=.
- by [].
- by move=> h i; rewrite h mulr0.
- by move=> [hx hy] i; rewrite hx hy; case: b => /=; rewrite ?(mulr0, mul0r, subr0, addr0) ?if_same.
- by move=> [_ _ hx hy] i; rewrite hx hy if_same.
- by move=> h i; apply: big1 => r _; exact: prod_tangent_still.
- by move=> h i; exact: h.
- move=> h i; rewrite /softmax_tangent h row_sum0 ?subr0 ?mulr0 // => j.
  by rewrite h mulr0.
- move=> [hz hy] i; rewrite /cross_entropy_tangent big1 ?oppr0 ?mul0r // => j _.
  rewrite /log_softmax_tangent hy hz row_sum0 ?subr0 ?mulr0 ?addr0 // => k.
  by rewrite hz mulr0.
- by move=> h i; case: chosen.
- by move=> [_ h] i; apply: big1.
- by move=> h i; rewrite /variance_tangent mean0 ?addr0 // => j; rewrite h mulr0.
- move=> h i; rewrite /normalize_tangent /centred h !mean0 ?(mulr0, subr0, mul0r) // => j.
  by rewrite h mulr0.
Qed.
End Tangent.
