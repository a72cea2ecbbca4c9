(** * What a program computes, over the reals

    A tensor is a total function on multi-indices, read only on the index set
    of its shape; an environment gives every value its tensor. A program runs
    by adding one value after the other.

    Glossary
      - [tensor], [env]      a tensor; the tensors of all values
      - [eqt s a b]          equal on the index set of [s]
      - [pos_real], [int_real]  integers as real numbers
      - [rational n d]       the real number [n / d]
      - [una_real], [bin_real], [cmp_real]  the functions of pointwise ops
      - [read e v r]         the element that view [v] sees at [r]; 0 outside
      - [row_sum s x i]      the sum of [x] over the row (last dimension) of [i]
      - [softmax], [log_softmax], [cross_entropy]  of rows; the last divides by
                             their number, [rows]
      - [mean], [centred], [variance], [deviation], [normalize]  over some
                             dimensions, of which [number] cells are averaged:
                             the mean, what is left without it, the mean of its
                             squares, the root of that and eps, the quotient
      - [den], [step], [run] meaning of an op, an instruction, a program
      - [chosen s k m x i]   the first greatest cell of the window at [i]
      - [first_greatest]     the first of the greatest elements of a list
      - [una_smooth u x]     [u] is differentiable at [x]
      - [shrun p sh]         the shapes of all values after [p] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Export Ir Index Dims Erf.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Denote.
Variable R : realType.

Definition tensor := idx -> R.
Definition env := N -> tensor.

Definition eqt (s : shape) (a b : tensor) : Prop := {in idxs s, a =1 b}.

(** Binary, so that no unary number arises however large the constant. *)
Fixpoint pos_real (p : positive) : R := match p with
| xH => 1 | xO q => 2%:R * pos_real q | xI q => 1 + 2%:R * pos_real q end.
Definition int_real (z : Z) : R := match z with
| Z0 => 0 | Zpos p => pos_real p | Zneg p => - pos_real p end.
Definition rational (n : Z) (d : positive) : R := int_real n / pos_real d.

Definition una_real (u : unary) (x : R) : R := match u with
| Neg => - x
| Exp => expR x
| Log => ln x
| Sqrt => Num.sqrt x
| Rsqrt => (Num.sqrt x)^-1
| Tanh => (expR x - expR (- x)) / (expR x + expR (- x))
| Logistic => (1 + expR (- x))^-1
| Softplus => ln (1 + expR x)
| Erf => erf x
| ErfGrad => erf_grad x
| Relu => Num.max x 0
| Abs => `|x|
| Elu n d => if 0 < x then x else rational n d * (expR x - 1)
| Clamp n d m e => Num.min (Num.max x (rational n d)) (rational m e) end.
Definition bin_real (b : binary) (x y : R) : R := match b with
| Add => x + y | Sub => x - y | Mul => x * y | Div => x / y | Max => Num.max x y end.
Definition cmp_real (c : comparison) (x y : R) : bool := match c with
| CEq => x == y | CGt => y < x | CGe => y <= x end.

Definition read (e : env) (v : view) (r : idx) : R :=
  if at_map (v_map v) (v_shape v) r is Some i then e (v_id v) i else 0.

Definition row_sum (s : shape) (x : tensor) (i : idx) : R :=
  \sum_(j <- idxs s | lead j == lead i) x j.

Definition softmax (s : shape) (z : tensor) : tensor :=
  fun i => expR (z i) / row_sum s (fun j => expR (z j)) i.

Definition log_softmax (s : shape) (z : tensor) : tensor :=
  fun i => z i - ln (row_sum s (fun j => expR (z j)) i).

(** The number of rows, as a real number. *)
Definition rows (s : shape) : R := int_real (Z.of_N (size_of (lead s))).

Definition cross_entropy (s : shape) (z t : tensor) : R :=
  - (\sum_(i <- idxs s) t i * log_softmax s z i) / rows s.

(** The mean over the dimensions [ds] of the cells whose other coordinates are
    [c]; what is left of [x] without it; the biased variance. *)
Definition number (s : shape) (ds : seq N) : R := int_real (Z.of_N (size_of (pick s ds))).
Definition mean (s : shape) (ds : seq N) (x : tensor) (c : idx) : R :=
  (\sum_(j <- idxs s | pick j (kept s ds) == c) x j) / number s ds.
Definition centred (s : shape) (ds : seq N) (x : tensor) : tensor :=
  fun j => x j - mean s ds x (pick j (kept s ds)).
Definition variance (s : shape) (ds : seq N) (x : tensor) (c : idx) : R :=
  mean s ds (fun j => centred s ds x j * centred s ds x j) c.
Definition deviation (s : shape) (ds : seq N) (eps : R) (x : tensor) (c : idx) : R :=
  Num.sqrt (variance s ds x c + eps).
Definition normalize (s : shape) (ds : seq N) (eps : R) (x : tensor) : tensor :=
  fun j => centred s ds x j / deviation s ds eps x (pick j (kept s ds)).

(** The first of the greatest elements of [x] at [best] and at [l]. *)
Fixpoint first_greatest (x : tensor) (best : idx) (l : seq idx) : idx :=
  if l is j :: l' then first_greatest x (if x best < x j then j else best) l' else best.

(** The cell that a maximum over the window at [i] comes from. *)
Definition chosen (s k : shape) (m : imap) (x : tensor) (i : idx) : option idx :=
  if cells s k m i is j :: l then Some (first_greatest x j l) else None.

Definition den (o : op) (e : env) : tensor := match o with
| Const _ n d => fun _ => rational n d
| Una _ u a => fun i => una_real u (e a i)
| Bin _ b x y => fun i => bin_real b (e x i) (e y i)
| Sel _ c a b x y => fun i => if cmp_real c (e a i) (e b i) then e x i else e y i
| Contract box s f vs => fun i =>
    \sum_(r <- idxs box | at_map f s r == Some i) \prod_(v <- vs) read e v r
| Reshape s t a => fun i => e a (same_place s t i)
| Softmax s a => softmax s (e a)
| SoftmaxCrossEntropy s z t => fun _ => cross_entropy s (e z) (e t)
| MaxPool s _ k m a => fun i => if chosen s k m (e a) i is Some j then e a j else 0
| MaxPoolGrad s out k m a ct => fun j =>
    \sum_(i <- idxs out | chosen s k m (e a) i == Some j) e ct i
| Variance s ds a => variance s ds (e a)
| Normalize s ds n d a => normalize s ds (rational n d) (e a)
end.

Definition step (e : env) (i : instr) : env := upd e i.1 (den i.2 e).
Definition run (p : prog) (e : env) : env := foldl step e p.

Definition shrun (p : prog) (sh : N -> shape) : N -> shape :=
  foldl (fun sh (i : instr) => upd sh i.1 (oshape i.2)) sh p.

(** Where a pointwise function is differentiable. *)
(** With slope 1 at 0 from below, an ELU has no kink there. *)
Definition una_smooth (u : unary) (x : R) : Prop := match u with
| Log | Sqrt | Rsqrt => 0 < x
| Relu | Abs => x != 0
| Elu n d => x != 0 \/ rational n d = 1
| Clamp n d m e => x != rational n d /\ x != rational m e
| _ => True end.

(** ** Constants *)
Lemma pos_real_gt0 p : 0 < pos_real p.
Proof.
elim: p => [p ih|p ih|] /=; last exact: ltr01.
  by apply: addr_gt0; [exact: ltr01|apply: mulr_gt0; rewrite // ltr0n].
by apply: mulr_gt0; rewrite // ltr0n.
Qed.

Lemma pos_real_nat p : pos_real p = (Pos.to_nat p)%:R.
Proof.
elim: p => [p ih|p ih|] //=; rewrite ih.
  by rewrite Pos2Nat.inj_xI -natrM -mulrS.
by rewrite Pos2Nat.inj_xO -natrM.
Qed.

Lemma int_real_nat n : int_real (Z.of_N n) = (N.to_nat n)%:R.
Proof. by case: n => //= p; rewrite pos_real_nat. Qed.

Lemma rational0 : rational 0 1 = 0. Proof. exact: mul0r. Qed.
Lemma rational1 : rational 1 1 = 1. Proof. exact: divr1. Qed.

(** ** Equality on index sets is respected *)
Lemma eqt_refl s a : eqt s a a. Proof. by []. Qed.
Lemma eqt_sym s a b : eqt s a b -> eqt s b a.
Proof. by move=> h i hi; rewrite h. Qed.
Lemma eqt_trans s a b c : eqt s a b -> eqt s b c -> eqt s a c.
Proof. by move=> h g i hi; rewrite h ?g. Qed.

Lemma row_sum_eqt s x y i : eqt s x y -> row_sum s x i = row_sum s y i.
Proof.
move=> h; rewrite /row_sum big_seq_cond [RHS]big_seq_cond.
by apply: eq_bigr => j /andP [hj _]; exact: h.
Qed.

Lemma exp_eqt s x y : eqt s x y -> eqt s (fun i => expR (x i)) (fun i => expR (y i)).
Proof. by move=> h i hi; rewrite h. Qed.

Lemma read_eqt e e' v r : eqt (v_shape v) (e (v_id v)) (e' (v_id v)) -> read e v r = read e' v r.
Proof. by rewrite /read; case E: at_map => [i|] // h; rewrite h // (at_map_in E). Qed.

Lemma prod_read_eqt e e' vs r :
  (forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> eqt v.2 (e v.1) (e' v.1)) ->
  \prod_(v <- vs) read e v r = \prod_(v <- vs) read e' v r.
Proof.
elim: vs => [|v vs ih] h; first by rewrite !big_nil.
rewrite !big_cons ih => [|w hw]; last by apply: h; rewrite inE hw orbT.
by congr (_ * _); apply: read_eqt; apply: (h (v_id v, v_shape v)); rewrite inE eqxx.
Qed.

Lemma first_greatest_in x best l : first_greatest x best l \in best :: l.
Proof.
elim: l best => [|j l ih] best /=; first exact: mem_head.
by have := ih (if x best < x j then j else best); rewrite !inE; case: ifP => _ /orP [->|->]; rewrite ?orbT.
Qed.

Lemma chosen_in s k m x i j : chosen s k m x i = Some j -> j \in cells s k m i.
Proof. by rewrite /chosen; case: cells => // b l [<-]; exact: first_greatest_in. Qed.

Lemma first_greatest_eq x y best l : {in best :: l, x =1 y} ->
  first_greatest x best l = first_greatest y best l.
Proof.
elim: l best => //= j l ih best h.
rewrite !h ?inE ?eqxx ?orbT //; apply: ih => i; rewrite inE => /orP [/eqP ->|hi].
  by case: ifP => _; rewrite h ?inE ?eqxx ?orbT.
by rewrite h // !inE hi !orbT.
Qed.

Lemma chosen_eqt s k m x y i : eqt s x y -> chosen s k m x i = chosen s k m y i.
Proof.
move=> h; rewrite /chosen; case E: cells => [|b l] //; congr Some.
by apply: first_greatest_eq => j hj; apply: h; apply: (@cells_in s k m i); rewrite E.
Qed.

Lemma mean_eqt s ds x y c : eqt s x y -> mean s ds x c = mean s ds y c.
Proof.
move=> h; rewrite /mean big_seq_cond [X in _ = X / _]big_seq_cond; congr (_ / _).
by apply: eq_bigr => j /andP [hj _]; exact: h.
Qed.

Lemma centred_eqt s ds x y : eqt s x y -> eqt s (centred s ds x) (centred s ds y).
Proof. by move=> h j hj; rewrite /centred h // (mean_eqt ds _ h). Qed.

Lemma variance_eqt s ds x y c : eqt s x y -> variance s ds x c = variance s ds y c.
Proof. by move=> h; apply: mean_eqt => j hj; rewrite (centred_eqt ds h). Qed.

Lemma normalize_eqt s ds eps x y : eqt s x y -> eqt s (normalize s ds eps x) (normalize s ds eps y).
Proof.
by move=> h j hj; rewrite /normalize (centred_eqt ds h) // /deviation (variance_eqt ds _ h).
Qed.

Lemma den_eqt o e e' : op_ok o ->
  (forall a, a \in oargs o -> eqt a.2 (e a.1) (e' a.1)) -> eqt (oshape o) (den o e) (den o e').
Proof.
have m0 (T : eqType) (x : T) l : x \in x :: l by exact: mem_head.
have m1 (T : eqType) (x y : T) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
have m2 (T : eqType) (x y z : T) l : z \in [:: x, y, z & l] by rewrite !inE eqxx !orbT.
have m3 (T : eqType) (x y z w : T) l : w \in [:: x, y, z, w & l] by rewrite !inE eqxx !orbT.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a] ok /= h i hi //.
- by rewrite (h _ (m0 _ _ _) i hi).
- by rewrite (h _ (m0 _ _ _) i hi) (h _ (m1 _ _ _ _) i hi).
- rewrite (h _ (m0 _ _ _) i hi) (h _ (m1 _ _ _ _) i hi).
  by rewrite (h _ (m2 _ _ _ _ _) i hi) (h _ (m3 _ _ _ _ _ _) i hi).
- by apply: eq_bigr => r _; exact: prod_read_eqt.
- by apply: (h _ (m0 _ _ _)); apply: same_place_in => //; exact/N.eqb_eq.
- rewrite /softmax (h _ (m0 _ _ _) i hi); congr (_ / _).
  by apply: row_sum_eqt; apply: exp_eqt; exact: h (m0 _ _ _).
- rewrite /cross_entropy; congr (_ / _); congr (- _).
  rewrite !big_seq; apply: eq_bigr => j hj; rewrite (h _ (m1 _ _ _ _) j hj); congr (_ * _).
  rewrite /log_softmax (h _ (m0 _ _ _) j hj); congr (_ - ln _).
  by apply: row_sum_eqt; apply: exp_eqt; exact: h (m0 _ _ _).
- have ha : eqt s (e a) (e' a) := h _ (m0 _ _ _); rewrite (chosen_eqt k m i ha).
  by case E: chosen => [j|] //; rewrite ha // (cells_in (chosen_in E)).
- have ha : eqt s (e a) (e' a) := h _ (m0 _ _ _); rewrite big_seq_cond [RHS]big_seq_cond.
  apply: eq_big => [j|j /andP [hj _]]; first by rewrite (chosen_eqt k m j ha).
  exact: (h _ (m1 _ _ _ _) j hj).
- by apply: variance_eqt; exact: h _ (m0 _ _ _).
- by apply: normalize_eqt hi; exact: h _ (m0 _ _ _).
Qed.

(** ** Running *)
Lemma updE T (e : N -> T) k x : upd e k x k = x.
Proof. by rewrite /upd N.eqb_refl. Qed.
Lemma updN T (e : N -> T) k x j : j <> k -> upd e k x j = e j.
Proof. by rewrite /upd => /N.eqb_neq ->. Qed.

Lemma wf_cons d o p k sh : wf ((d, o) :: p) k sh ->
  [/\ d = k, op_ok o, forall a, a \in oargs o -> (a.1 < k)%num /\ sh a.1 = a.2
    & wf p (N.succ k) (upd sh k (oshape o))].
Proof.
rewrite /= => /and4P [/N.eqb_eq -> ok /allP h w]; split=> // a /h /andP [/N.ltb_lt ? /eqP ?].
by [].
Qed.

Lemma run_cat p q e : run (p ++ q) e = run q (run p e).
Proof. exact: foldl_cat. Qed.

Lemma run_stable p k sh e j : wf p k sh -> (j < k)%num -> run p e j = e j.
Proof.
elim: p k sh e => [|[d o] p ih] k sh e //.
move=> /wf_cons [-> _ _ w] hj.
by rewrite [LHS](ih _ _ (step e (k, o)) w) /step /= ?updN //; lia.
Qed.

Lemma shrun_stable p k sh j : wf p k sh -> (j < k)%num -> shrun p sh j = sh j.
Proof.
elim: p k sh => [|[d o] p ih] k sh // /wf_cons [-> _ _ w] hj.
by rewrite [LHS](ih _ _ w) /= ?updN //; lia.
Qed.

Lemma run_eqt p k sh e e' : wf p k sh ->
  (forall j, (j < k)%num -> eqt (sh j) (e j) (e' j)) ->
  forall j, (j < k + N.of_nat (size p))%num -> eqt (shrun p sh j) (run p e j) (run p e' j).
Proof.
elim: p k sh e e' => [|[d o] p ih] k sh e e'.
  by move=> _ h j; rewrite N.add_0_r; exact: h.
move=> /wf_cons [-> ok ha w] h j; rewrite [size _]/= Nnat.Nat2N.inj_succ => hj.
apply: (ih (N.succ k)) => //; last by move: hj; rewrite N.add_succ_r N.add_succ_l.
move=> {hj}{}j hj; rewrite /step /=.
have [->|ne] := N.eq_dec j k.
  rewrite !updE; apply: den_eqt => // a /ha [ak <-]; exact: h.
by rewrite !updN //; apply: h; lia.
Qed.
End Denote.
