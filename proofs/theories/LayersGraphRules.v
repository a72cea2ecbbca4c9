(** * Backwards of formulas, composed

    A layer's instructions compute a formula; what reverse mode emits is then the
    backward of the formula, whatever the instructions are. Backwards compose
    here without derivatives being written: a tensor that moves with a point
    takes every cotangent back to the point ([pulls]), and a rule for a layer says
    how its output does, from how its inputs do. Applied one after the other the
    rules are the chain rule. [emitted_pulls]: what is emitted for a program is
    such a rule; [gradients_backward]: it is the only one, so that a composition
    of rules for a program's formula is what is emitted for the program.

    Glossary
      - [pulls x0 s c L]   the tensor [c x], of shape [s], moves with the point
                           [x]; the inner product of a cotangent [dy] with it has
                           at [x0] the differential [L dy]
      - [moves x0 s c dc]  each cell has at [x0] the differential in [dc]
      - [is_backward params s f e G]  [f] is a function of the tensors [params];
                           at [e] it takes a cotangent [dy] to the gradients [G dy],
                           one for each of [params]
      - [tplus]            the sum of tensors *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose Adjoint GradAdjoint Scalar SmoothFacts Differential GradCorrect Computes NormsSound.
From Cotangent Require Import LayersGraph LayersGraphCells.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Pulls.
Variable R : realType.
Implicit Types (e : env R) (dy : tensor R).

Definition pulls (V : normedModType R) (x0 : V) (s : shape) (c : V -> tensor R)
    (L : tensor R -> V -> R) : Prop :=
  forall dy, is_diff x0 (fun x => tdot s dy (c x) : R^o) (fun v => L dy v : R^o).

Definition moves (V : normedModType R) (x0 : V) (s : shape) (c dc : V -> tensor R) : Prop :=
  forall i, i \in idxs s -> is_diff x0 (fun x => c x i : R^o) (fun v => dc v i : R^o).

Definition is_backward (params : seq (N * shape)) (s : shape) (f : env R -> tensor R) (e : env R)
    (G : tensor R -> seq (tensor R)) : Prop :=
  forall (V : normedModType R) (x0 : V) (E : V -> env R) (L : nat -> tensor R -> V -> R),
  E x0 = e -> (forall j, j \notin ids params -> forall x, E x j = E x0 j) ->
  (forall n, (n < size params)%nat ->
     pulls x0 (nth (0%num, [::]) params n).2 (fun x => E x (nth (0%num, [::]) params n).1) (L n)) ->
  pulls x0 s (fun x => f (E x))
    (fun dy v => \sum_(n <- iota 0 (size params)) L n (nth (fun=> 0) (G dy) n) v).

Definition tplus (a b : tensor R) : tensor R := fun i => a i + b i.

Section Point.
Variables (V : normedModType R) (x0 : V).
Implicit Types (s : shape) (c dc : V -> tensor R) (L : tensor R -> V -> R).

(** ** By cells *)
Lemma is_diff_unique (f df dg : V -> R^o) : is_diff x0 f df -> is_diff x0 f dg -> df = dg.
Proof. by move=> [_ <-] [_ <-]. Qed.

Lemma moves_tdot s c dc dy : moves x0 s c dc ->
  is_diff x0 (fun x => tdot s dy (c x) : R^o) (fun v => tdot s dy (dc v) : R^o).
Proof.
move=> h; apply: is_diff_sum => i hi.
apply: (is_diff_eq (is_diff_mul (is_diff_const x0 (dy i)) (h i hi))).
by apply/funext => v; rewrite mulr0 addr0.
Qed.

Lemma pulls_moves s c dc L : moves x0 s c dc -> (forall dy v, L dy v = tdot s dy (dc v)) -> pulls x0 s c L.
Proof.
move=> h e dy; apply: (is_diff_eq (moves_tdot dy h)).
by apply/funext => v; rewrite e.
Qed.

Lemma tdot_one s i (x : tensor R) : i \in idxs s -> tdot s (fun k => (k == i)%:R) x = x i.
Proof.
move=> hi; rewrite /tdot (bigD1_seq i) ?idxs_uniq //= eqxx mul1r big1 ?addr0 // => k /negPf ki.
by rewrite ki mul0r.
Qed.

Lemma pullsE s c L : pulls x0 s c L ->
  exists2 dc, moves x0 s c dc & forall dy v, L dy v = tdot s dy (dc v).
Proof.
move=> h; have m : moves x0 s c (fun v i => L (fun k => (k == i)%:R) v).
  move=> i hi; rewrite (_ : (fun x => c x i : R^o) = (fun x => tdot s (fun k => (k == i)%:R) (c x))).
    exact: h.
  by apply/funext => x; rewrite tdot_one.
exists (fun v i => L (fun k => (k == i)%:R) v) => // dy v.
exact: (congr1 (fun f : V -> R^o => f v) (is_diff_unique (h dy) (moves_tdot dy m))).
Qed.

Lemma pulls_eq s c c' L L' : (forall x, eqt s (c x) (c' x)) -> (forall dy v, L dy v = L' dy v) ->
  pulls x0 s c L -> pulls x0 s c' L'.
Proof.
move=> ec eL h dy; rewrite (_ : (fun x => _) = (fun x => tdot s dy (c x) : R^o)).
  by apply: (is_diff_eq (h dy)); apply/funext => v; rewrite eL.
by apply/funext => x; apply: tdot_eq => i hi; rewrite ec.
Qed.

(** ** What takes cotangents back, does so cell by cell and linearly *)
Lemma pulls_eqt s c L dy dy' v : pulls x0 s c L -> eqt s dy dy' -> L dy v = L dy' v.
Proof. by move=> /pullsE [dc _ e] h; rewrite !e; apply: tdot_eq => i /h ->. Qed.

Lemma pullsD s c L a b v : pulls x0 s c L -> L (tplus a b) v = L a v + L b v.
Proof.
move=> /pullsE [dc _ e]; rewrite !e /tdot -big_split; apply: eq_bigr => i _.
by rewrite mulrDl.
Qed.

(** ** Rules *)
Lemma pulls_add s c c' L L' : pulls x0 s c L -> pulls x0 s c' L' ->
  pulls x0 s (fun x => tplus (c x) (c' x)) (fun dy v => L dy v + L' dy v).
Proof.
move=> h h' dy; rewrite (_ : (fun x => _) = (fun x => tdot s dy (c x) + tdot s dy (c' x) : R^o)).
  exact: is_diff_add.
by apply/funext => x; rewrite /tdot -big_split; apply: eq_bigr => i _; rewrite mulrDr.
Qed.

(** A function of each cell. *)
Lemma pulls_map s c L (u u' : R -> R) : (forall i, i \in idxs s -> is_derive (c x0 i) 1 u (u' (c x0 i))) ->
  pulls x0 s c L -> pulls x0 s (fun x i => u (c x i)) (fun dy => L (fun i => u' (c x0 i) * dy i)).
Proof.
move=> hu /pullsE [dc m e].
apply: (@pulls_moves _ _ (fun v i => u' (c x0 i) * dc v i)) => [i hi|dy v].
  exact: is_diff_una (m i hi) (hu i hi).
by rewrite e; apply: eq_bigr => i _; rewrite mulrCA mulrA.
Qed.
End Point.

(** ** What is emitted *)
Section Emitted.
Variables (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape)) (base out : N).
Hypothesis ck : checks p nin sh params base out = true.

(** The composition of rules goes through programs. *)
Theorem emitted_pulls (V : normedModType R) (x0 : V) (E : V -> env R) (L : nat -> tensor R -> V -> R) :
  fixed x0 nin params E -> smooth_run x0 p E ->
  (forall n, (n < size params)%nat ->
     pulls x0 (nth (0%num, [::]) params n).2 (fun x => E x (nth (0%num, [::]) params n).1) (L n)) ->
  pulls x0 (shrun p sh out) (fun x => run p (E x) out)
    (fun dy v => \sum_(n <- iota 0 (size params)) L n (nth (fun=> 0) (gradients p base out params (E x0) dy) n) v).
Proof.
move=> hfix sm hL; have {hL} hm n : exists dc : V -> tensor R, (n < size params)%nat ->
    moves x0 (nth (0%num, [::]) params n).2 (fun x => E x (nth (0%num, [::]) params n).1) dc
    /\ forall dy v, L n dy v = tdot (nth (0%num, [::]) params n).2 dy (dc v).
  case: (ltnP n (size params)) => [hn|hn]; last by exists (fun _ _ => 0).
  by have [dc m e] := pullsE (hL n hn); exists dc.
have [dc {}hm] := choice hm.
have hE q : q \in params -> forall i, i \in idxs q.2 -> differentiable (fun x => E x q.1 i : R^o) x0.
  move=> /(nthP (0%num, [::])) [n hn <-] i hi.
  by have [m _] := hm n hn; case: (m i hi).
have [df H] := grad_correct ck hE hfix sm.
apply: (@pulls_moves _ _ _ _ (fun v k => differential x0 (fun x => run p (E x)) out k v)) => [k hk|dy v].
  by apply: DiffDef => //; exact: df.
rewrite [RHS]H; set gs := (grad p base out params).2.
have sz : size gs = size params by rewrite size_map.
rewrite (big_nth ((0%num, [::]), 0%num)) size_zip sz minnn /index_iota subn0 !big_seq.
apply: eq_bigr => n; rewrite mem_iota add0n => /= hn; have [m ->] := hm n hn.
rewrite nth_zip // /gradients (nth_map 0%num) -/gs ?sz //.
rewrite /tdot !big_seq; apply: eq_bigr => i hi; congr (_ * _).
by rewrite /differential; have [_ ->] := m i hi.
Qed.

(** There is only one. *)
Theorem gradients_backward e G dy :
  is_backward params (shrun p sh out) (fun e => run p e out) e G ->
  (forall q i, q \in params -> i \in idxs q.2 ->
     smooth_run (V := [normedModType R of R^o]) (e q.1 i) p (vary e q.1 i)) ->
  forall n, (n < size params)%nat ->
  eqt (nth (0%num, [::]) params n).2 (nth (fun=> 0) (gradients p base out params e dy) n) (nth (fun=> 0) (G dy) n).
Proof.
move=> back smooth n hn i hi; set q := nth _ params n in hi.
have hq : q \in params by exact: mem_nth.
have u : uniq (ids params) by case/and5P: ck => _ _ _ /params_okP [].
have e0 : vary e q.1 i (e q.1 i) = e by exact: vary_same.
have hfix j : j \notin ids params -> forall x, vary e q.1 i x j = vary e q.1 i (e q.1 i) j.
  move=> hj x; rewrite /vary !updN // => ej; move: hj; rewrite ej => /negP; apply; exact: (map_f fst hq).
pose L (m : nat) (d : tensor R) (v : R^o) : R := if m == n then d i * v else 0.
have hL m : (m < size params)%nat -> pulls (V := [normedModType R of R^o]) (e q.1 i)
    (nth (0%num, [::]) params m).2 (fun x => vary e q.1 i x (nth (0%num, [::]) params m).1) (L m).
  move=> hm; apply: (@pulls_moves _ _ _ _ (fun v c => if ((nth (0%num, [::]) params m).1 == q.1) && (c == i) then v else 0)).
    by move=> c _; exact: vary_diff.
  move=> d v; rewrite /L; have -> : ((nth (0%num, [::]) params m).1 == q.1) = (m == n).
    rewrite -[m == n](nth_uniq 0%num _ _ u) ?size_map //.
    by rewrite !(nth_map (0%num, [::])).
  case: eqP => [->|_] /=; last by rewrite /tdot big1 // => k _; rewrite mulr0.
  rewrite /tdot (bigD1_seq i) ?idxs_uniq //= eqxx big1 ?addr0 // => k /negPf ->.
  by rewrite mulr0.
have smq : smooth_run (V := [normedModType R of R^o]) (e q.1 i) p (vary e q.1 i) by exact: smooth.
have hfix' : fixed (V := [normedModType R of R^o]) (e q.1 i) nin params (vary e q.1 i).
  by move=> j _ hj x k; rewrite (hfix j hj).
have h1 := emitted_pulls hfix' smq hL; have h2 := back _ _ _ _ e0 hfix hL.
have := congr1 (fun f : R^o -> R^o => f 1) (is_diff_unique (h1 dy) (h2 dy)); rewrite e0 /=.
have pick (F : nat -> tensor R) : \sum_(m <- iota 0 (size params)) L m (F m) (1 : R) = F n i.
  rewrite (bigD1_seq n) ?iota_uniq ?mem_iota //= {1}/L eqxx mulr1 big1 ?addr0 // => m /negPf mn.
  by rewrite /L mn.
by rewrite (pick (fun m => nth _ _ m)) (pick (fun m => nth (fun=> 0) (G dy) m)).
Qed.
End Emitted.
End Pulls.
