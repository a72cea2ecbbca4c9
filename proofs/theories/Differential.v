(** * Forward mode is the differential

    Let the inputs of a program depend on a point of a normed module. At a
    smooth point every element of every value is differentiable, and its
    differential in direction [v] is the tangent that forward mode computes
    from the differentials of the inputs.

    Glossary
      - [follows]         the differential of an operand is its tangent *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Tangent Moments Scalar SmoothFacts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope. Local Open Scope classical_set_scope.

(** ** Rows *)
Section Rows.
Variable R : realType.
Implicit Types (z dz : tensor R).

Lemma row_sum_row s (x : tensor R) i j : lead j = lead i -> row_sum s x j = row_sum s x i.
Proof. by rewrite /row_sum => ->. Qed.

Lemma row_sum_exp_gt0 s z i : i \in idxs s -> 0 < row_sum s (fun j => expR (z j)) i.
Proof.
move=> hi; rewrite /row_sum big_mkcond (bigD1_seq i) ?idxs_uniq //= eqxx.
apply: ltr_spaddl; first exact: expR_gt0.
by apply: sumr_ge0 => j _; case: ifP => _ //; exact/ltW/expR_gt0.
Qed.

Lemma row_sum_softmax s z dz i :
  row_sum s (fun j => softmax s z j * dz j) i
  = row_sum s (fun j => expR (z j) * dz j) i / row_sum s (fun j => expR (z j)) i.
Proof.
rewrite {1 2}/row_sum mulr_suml; apply: eq_bigr => j /eqP hj.
by rewrite /softmax (row_sum_row _ _ hj) mulrAC.
Qed.
End Rows.

Section Diff.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation env := (env R).

Lemma is_diff_const (c : R) : is_diff x0 (fun=> c : R^o) (fun=> 0 : R^o).
Proof. exact: (is_diff_cst (c : R^o)). Qed.

(** ** A comparison off its kink is locally constant *)
Lemma near_positive (f df : V -> R^o) : is_diff x0 f df -> 0 < f x0 ->
  \forall y \near x0, 0 < f y.
Proof.
move=> [/differentiable_continuous cf _] h.
exact: (cf _ (near_pos h)).
Qed.

Lemma near_compare c (f g df dg : V -> R^o) : is_diff x0 f df -> is_diff x0 g dg ->
  f x0 != g x0 -> \forall y \near x0, cmp_real c (f y) (g y) = cmp_real c (f x0) (g x0).
Proof.
move=> hf hg ne; have hfg := is_diff_sub hf hg; have hgf := is_diff_sub hg hf.
have [lt|gt|eq] := ltgtP (f x0 : R) (g x0 : R); last by move: ne; rewrite -eq eqxx.
- have := near_positive hgf; rewrite subr_gt0 => /(_ lt); apply: filterS => y.
  rewrite subr_gt0 => hy; case: c => /=.
  + by rewrite lt_eqF // lt_eqF.
  + by rewrite !ltNge !ltW.
  + by rewrite !leNgt hy lt.
- have := near_positive hfg; rewrite subr_gt0 => /(_ gt); apply: filterS => y.
  rewrite subr_gt0 => hy; case: c => /=.
  + by rewrite gt_eqF // gt_eqF.
  + by rewrite hy gt.
  + by rewrite !ltW.
Qed.

Lemma max_diff (f g df dg : V -> R^o) : is_diff x0 f df -> is_diff x0 g dg -> f x0 != g x0 ->
  is_diff x0 (fun x => Num.max (f x) (g x) : R^o)
             (fun v => bin_tangent Max (f x0) (g x0) (df v) (dg v) : R^o).
Proof.
move=> hf hg ne; have cmp := near_compare CGt hf hg ne.
apply: (@is_diff_near _ _ _ _ _ (fun x => if cmp_real CGt (f x0) (g x0) then f x else g x : R^o)).
  by apply: filterS cmp => x <-; rewrite maxC.
rewrite /bin_tangent /=; have [lt|gt|eq] := ltgtP (f x0 : R) (g x0 : R); rewrite ?(ltW, lt, gt) //.
by move: ne; rewrite eq eqxx.
Qed.

(** ** One op *)
Section Op.
Variables (E : V -> env) (T : V -> env).
Definition follows (a : N * shape) : Prop := forall i, i \in idxs a.2 ->
  is_diff x0 (fun x => E x a.1 i : R^o) (fun v => T v a.1 i : R^o).

Lemma read_diff v r : follows (v_id v, v_shape v) ->
  is_diff x0 (fun x => read (E x) v r : R^o) (fun u => read (T u) v r : R^o).
Proof.
rewrite /read; case h: (at_map _ _ _) => [i|] D; last exact: is_diff_const.
by apply: D; exact: at_map_in h.
Qed.

Lemma prod_diff vs r : (forall v, v \in [seq (v_id v, v_shape v) | v <- vs] -> follows v) ->
  is_diff x0 (fun x => \prod_(v <- vs) read (E x) v r : R^o)
             (fun u => prod_tangent (E x0) (T u) vs r : R^o).
Proof.
elim: vs => [|v vs ih] h.
  rewrite (_ : (fun x => _) = (fun=> 1 : R^o)); first exact: is_diff_const.
  by apply/funext => x; rewrite big_nil.
rewrite (_ : (fun x => _) = (fun x => read (E x) v r * \prod_(w <- vs) read (E x) w r : R^o)).
  apply: is_diff_mul; first exact/read_diff/h/mem_head.
  by apply: ih => w hw; apply: h; rewrite inE hw orbT.
by apply/funext => x; rewrite big_cons.
Qed.

Lemma exp_diff s z i : follows (z, s) -> i \in idxs s ->
  is_diff x0 (fun x => expR (E x z i) : R^o) (fun v => expR (E x0 z i) * T v z i : R^o).
Proof. by move=> h hi; apply: is_diff_una (h i hi) (is_derive_expR _). Qed.

Lemma row_exp_diff s z i : follows (z, s) ->
  is_diff x0 (fun x => row_sum s (fun j => expR (E x z j)) i : R^o)
             (fun v => row_sum s (fun j => expR (E x0 z j) * T v z j) i : R^o).
Proof. by move=> h; apply: is_diff_sum => j hj; exact: exp_diff h hj. Qed.

Lemma softmax_diff s z i : follows (z, s) -> i \in idxs s ->
  is_diff x0 (fun x => softmax s (E x z) i : R^o)
             (fun v => softmax_tangent s (E x0 z) (T v z) i : R^o).
Proof.
move=> h hi; have S0 := row_sum_exp_gt0 (E x0 z) hi.
apply: (is_diff_eq (is_diff_div (lt0r_neq0 S0) (exp_diff h hi) (row_exp_diff i h))).
apply/funext => v; rewrite /softmax_tangent row_sum_softmax /softmax mulrBr.
by congr (_ - _); [rewrite mulrAC | rewrite mulrA].
Qed.

Lemma log_softmax_diff s z i : follows (z, s) -> i \in idxs s ->
  is_diff x0 (fun x => log_softmax s (E x z) i : R^o)
             (fun v => log_softmax_tangent s (E x0 z) (T v z) i : R^o).
Proof.
move=> h hi; have S0 := row_sum_exp_gt0 (E x0 z) hi.
apply: (is_diff_eq (is_diff_sub (h i hi) (is_diff_una (row_exp_diff i h) (is_derive1_ln S0)))).
by apply/funext => v; rewrite /log_softmax_tangent row_sum_softmax [in RHS]mulrC.
Qed.

Lemma cross_entropy_diff s z y : follows (z, s) -> follows (y, s) ->
  is_diff x0 (fun x => cross_entropy s (E x z) (E x y) : R^o)
             (fun v => cross_entropy_tangent s (E x0 z) (E x0 y) (T v z) (T v y) : R^o).
Proof.
move=> hz hy.
have D : is_diff x0 (fun x => \sum_(i <- idxs s) E x y i * log_softmax s (E x z) i : R^o)
    (fun v => \sum_(i <- idxs s) (E x0 y i * log_softmax_tangent s (E x0 z) (T v z) i
                                  + log_softmax s (E x0 z) i * T v y i) : R^o).
  apply: is_diff_sum => i hi; exact: is_diff_mul (hy i hi) (log_softmax_diff hz hi).
have := is_diff_mul (is_diff_const (- (rows R s)^-1)) D => {}D.
rewrite (_ : (fun x => _) = (fun x => - (rows R s)^-1 *
    (\sum_(i <- idxs s) E x y i * log_softmax s (E x z) i) : R^o)); last first.
  by apply/funext => x; rewrite /cross_entropy !mulNr mulrC.
apply: (is_diff_eq D); apply/funext => v.
by rewrite mulr0 addr0 /cross_entropy_tangent !mulNr mulrC.
Qed.

(** *** Means and what is made of them *)

Lemma mean_diff s ds c (F dF : idx -> V -> R^o) :
  (forall j, j \in idxs s -> is_diff x0 (F j) (dF j)) ->
  is_diff x0 (fun x => mean s ds (fun j => F j x) c : R^o)
             (fun v => mean s ds (fun j => dF j v) c : R^o).
Proof.
move=> h; have D := @is_diff_sum _ _ x0 _ (idxs s) (fun j => pick j (kept s ds) == c) F dF h.
apply: (is_diff_eq (is_diff_mul D (is_diff_const (number R s ds)^-1))).
by apply/funext => v; rewrite mulr0 add0r mulrC.
Qed.

Lemma centred_diff s ds a j : follows (a, s) -> j \in idxs s ->
  is_diff x0 (fun x => centred s ds (E x a) j : R^o) (fun v => centred s ds (T v a) j : R^o).
Proof.
move=> ha hj; apply: is_diff_sub; first exact: (ha j hj).
by apply: mean_diff => l hl; exact: (ha l hl).
Qed.

Lemma variance_diff s ds a c : averaged s ds -> follows (a, s) ->
  c \in idxs (pick s (kept s ds)) ->
  is_diff x0 (fun x => variance s ds (E x a) c : R^o)
             (fun v => variance_tangent s ds (E x0 a) (T v a) c : R^o).
Proof.
move=> ok ha hc.
have D : is_diff x0 (fun x => variance s ds (E x a) c : R^o)
    (fun v => mean s ds (fun j => centred s ds (E x0 a) j * centred s ds (T v a) j
                                + centred s ds (E x0 a) j * centred s ds (T v a) j) c : R^o).
  by apply: mean_diff => j hj; apply: is_diff_mul; exact: centred_diff.
apply: (is_diff_eq D); apply/funext => v.
by rewrite meanD /variance_tangent mean_centred2.
Qed.

Lemma normalize_diff s ds eps a j : averaged s ds -> 0 < eps -> follows (a, s) -> j \in idxs s ->
  is_diff x0 (fun x => normalize s ds eps (E x a) j : R^o)
             (fun v => normalize_tangent s ds eps (E x0 a) (T v a) j : R^o).
Proof.
move=> ok pos ha hj; set c := pick j (kept s ds).
have hc : c \in idxs (pick s (kept s ds)) := key_in ds hj.
have v0 : 0 < variance s ds (E x0 a) c + eps by apply: ltr_paddl pos; exact: variance_ge0.
have Dv := is_diff_add (variance_diff ok ha hc) (is_diff_const eps).
have Ds := is_diff_una Dv (is_derive_sqrt v0).
have d0 : deviation s ds eps (E x0 a) c != 0 by rewrite lt0r_neq0 // sqrtr_gt0.
have D := is_diff_div (g := fun x => deviation s ds eps (E x a) c : R^o) d0 (centred_diff ds ha hj) Ds.
apply: (is_diff_eq D); apply/funext => v.
rewrite addr0 /normalize_tangent /variance_tangent -/c.
have -> : mean s ds (fun k => normalize s ds eps (E x0 a) k * T v a k) c
    = mean s ds (fun k => centred s ds (E x0 a) k * T v a k) c / deviation s ds eps (E x0 a) c.
  rewrite -(mean_scale s ds _ (fun c => (deviation s ds eps (E x0 a) c)^-1)).
  by congr (_ / _); apply: eq_bigr => k _; rewrite /normalize mulrAC.
rewrite -/(deviation s ds eps (E x0 a) c) /normalize -/c.
move: (centred s ds (T v a) j) => t.
move: (centred s ds (E x0 a) j) (deviation s ds eps (E x0 a) c) d0 (mean _ _ _ _) => y r r0 m.
have r2 : r + r != 0 by rewrite -mulr2n mulrn_eq0.
rewrite mulrBl; congr (_ - _ * _ / _); rewrite mulrC; apply: (mulIf r2).
by rewrite mulfVK // mulrDr divfK.
Qed.

(** *** Maxima over windows *)

(** The first greatest is greater than what comes before, and at least what
    comes after; and what is so is the first greatest. *)
Lemma first_greatest_split (x : tensor R) b l :
  exists pre post, [/\ b :: l = pre ++ first_greatest x b l :: post,
    {in pre, forall j, x j < x (first_greatest x b l)}
    & {in post, forall j, x j <= x (first_greatest x b l)}].
Proof.
elim: l b => [|j l ih] b /=; first by exists [::], [::].
case: ifP => [lt|/negbT nlt]; last first.
  have le : x j <= x b by rewrite leNgt.
  have [[|b' pre] [post [e hpre hpost]]] := ih b; move: e hpre hpost => /= -[<- e] hpre hpost.
    exists [::], (j :: post); split=> //; first by rewrite /= e.
    by move=> i; rewrite inE => /orP [/eqP ->|/hpost].
  exists [:: b, j & pre], post; split=> //; first by rewrite /= {1}e.
  have hb := hpre b (mem_head _ _).
  move=> i; rewrite !inE => /or3P [/eqP ->|/eqP ->|hi] //; first exact: le_lt_trans le hb.
  by apply: hpre; rewrite inE hi orbT.
have [pre [post [e hpre hpost]]] := ih j; exists (b :: pre), post; split=> //.
  by rewrite /= e.
have hj : x j <= x (first_greatest x j l).
  have : j \in pre ++ first_greatest x j l :: post by rewrite -e mem_head.
  by rewrite mem_cat inE => /or3P [/hpre/ltW|/eqP <-|/hpost].
by move=> i; rewrite inE => /orP [/eqP ->|/hpre //]; exact: lt_le_trans lt hj.
Qed.

Lemma first_greatest_unique (x : tensor R) b l pre c post : b :: l = pre ++ c :: post ->
  {in pre, forall j, x j < x c} -> {in post, forall j, x j <= x c} ->
  first_greatest x b l = c.
Proof.
have after q : {in q, forall j, x j <= x c} -> first_greatest x c q = c.
  elim: q => //= j q ih h; rewrite ltNge h ?mem_head //=.
  by apply: ih => i hi; apply: h; rewrite inE hi orbT.
have before q b' : x b' < x c -> {in q, forall j, x j < x c} ->
    first_greatest x b' (q ++ c :: post) = first_greatest x c post.
  elim: q b' => [|j q ih] b' hb h /=; first by rewrite hb.
  apply: ih => [|i hi]; last by apply: h; rewrite inE hi orbT.
  by case: ifP => _ //; apply: h; rewrite mem_head.
case: pre => [|b' pre] /= [-> ->] hpre hpost; first exact: after.
rewrite before ?after //; first by apply: hpre; rewrite mem_head.
by move=> i hi; apply: hpre; rewrite inE hi orbT.
Qed.

Lemma chosen_near s k m a i : follows (a, s) -> stays_greatest x0 s k m (fun x => E x a) i ->
  \forall x \near x0, chosen s k m (E x a) i = chosen s k m (E x0 a) i.
Proof.
rewrite /stays_greatest /chosen => ha; case C: (cells s k m i) => [|b l] sm.
  by apply: filterE.
have in_s j : j \in b :: l -> j \in idxs s by rewrite -C; exact: cells_in.
have [pre [post [e hpre hpost]]] := first_greatest_split (E x0 a) b l.
set c := first_greatest (E x0 a) b l in e hpre hpost sm *.
have hc : c \in b :: l by exact: first_greatest_in.
have cont j : j \in b :: l -> {for x0, continuous ((fun x => E x a j) : V -> R^o)}.
  by move=> /in_s hj; have [d _] := ha j hj; exact: differentiable_continuous.
have near_pre : \forall x \near x0, forall j, j \in pre -> E x a j < E x a c.
  apply: near_all => j hj; have hl : j \in b :: l by rewrite e mem_cat hj.
  exact: (near_less (cont j hl) (cont c hc) (hpre j hj)).
have near_post : \forall x \near x0, forall j, j \in post -> E x a j <= E x a c.
  apply: near_all => j hj; apply: (sm c j) => //.
  by rewrite e mem_cat inE hj !orbT.
apply: filterS2 near_pre near_post => x hx hy; congr Some.
exact: first_greatest_unique e hx hy.
Qed.

Lemma den_diff o : op_ok o -> (forall a, a \in oargs o -> follows a) -> smooth_op x0 o E ->
  forall i, i \in idxs (oshape o) ->
  is_diff x0 (fun x => den o (E x) i : R^o) (fun v => tangent o (E x0) (T v) i : R^o).
Proof.
have m0 (U : eqType) (x : U) l : x \in x :: l by exact: mem_head.
have m1 (U : eqType) (x y : U) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
have m2 (U : eqType) (x y z : U) l : z \in [:: x, y, z & l] by rewrite !inE eqxx !orbT.
have m3 (U : eqType) (x y z w : U) l : w \in [:: x, y, z, w & l] by rewrite !inE eqxx !orbT.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s s' a|s a|s z y|s out k m a|s out k m a ct
  |s ds a|s ds n d a] ok h sm i hi.
- exact: is_diff_const.
- apply: is_diff_una (h _ (m0 _ _ _) i hi) (una_derive _).
  exact: sm.
- have hx := h _ (m0 _ _ _) i hi; have hy := h _ (m1 _ _ _ _) i hi.
  clear h; case: b ok sm hi => /= _ sm hi; [exact: is_diff_add | exact: is_diff_sub | exact: is_diff_mul | |].
    exact: is_diff_div (sm i hi) hx hy.
  exact: max_diff hx hy (sm i hi).
- have ha := h _ (m0 _ _ _) i hi; have hb := h _ (m1 _ _ _ _) i hi.
  have hx := h _ (m2 _ _ _ _ _) i hi; have hy := h _ (m3 _ _ _ _ _ _) i hi.
  have cmp := near_compare c ha hb (sm i hi).
  apply: (@is_diff_near _ _ _ _ _ (fun x1 => if cmp_real c (E x0 a i) (E x0 b i)
      then E x1 x i else E x1 y i : R^o)).
    by apply: filterS cmp => u /= ->.
  by move: hx hy => /=; case: (cmp_real c (E x0 a i) (E x0 b i)).
- by apply: is_diff_sum => r _; exact: prod_diff.
- by apply: (h _ (m0 _ _ _)); apply: same_place_in => //; exact/N.eqb_eq.
- exact: softmax_diff (h _ (m0 _ _ _)) hi.
- exact: cross_entropy_diff (h _ (m0 _ _ _)) (h _ (m1 _ _ _ _)).
- have ha := h _ (m0 _ _ _); have near := chosen_near ha (sm i hi).
  apply: (@is_diff_near _ _ _ _ _ (fun x => if chosen s k m (E x0 a) i is Some j
      then E x a j else 0 : R^o)).
    by apply: filterS near => x /= ->.
  rewrite /=; case C: chosen => [j|]; last exact: is_diff_const.
  exact: (ha j (cells_in (chosen_in C))).
- have ha := h _ (m0 _ _ _).
  have near : \forall x \near x0, forall j, j \in idxs out ->
      chosen s k m (E x a) j = chosen s k m (E x0 a) j.
    by apply: near_all => j hj; exact: chosen_near ha (sm j hj).
  apply: (@is_diff_near _ _ _ _ _ (fun x =>
      \sum_(j <- idxs out | chosen s k m (E x0 a) j == Some i) E x ct j : R^o)).
    apply: filterS near => x hx; rewrite /= big_seq_cond [RHS]big_seq_cond.
    by apply: eq_bigl => j; case hj: (j \in idxs out) => //=; rewrite hx.
  by apply: is_diff_sum => j hj; exact: (h _ (m1 _ _ _ _) j hj).
- exact: variance_diff ok (h _ (m0 _ _ _)) hi.
- have [av /Z.ltb_lt pos] := andP ok.
  apply: normalize_diff av _ (h _ (m0 _ _ _)) hi.
  case: n pos {ok sm h} => // p _; apply: divr_gt0; exact: pos_real_gt0.
Qed.
End Op.

(** ** A program *)
Theorem run_diff p k sh (E T : V -> env) : wf p k sh ->
  (forall j, (j < k)%num -> follows E T (j, sh j)) -> smooth_run x0 p E ->
  forall j, (j < k + N.of_nat (size p))%num ->
  follows (fun x => run p (E x)) (fun v => (trun p (E x0) (T v)).2) (j, shrun p sh j).
Proof.
elim: p k sh E T => [|[d o] p ih] k sh E T.
  by move=> _ h _ j hj; apply: h; move: hj; rewrite N.add_0_r.
move=> /wf_cons [-> ok ha w] h [sm smr] j; rewrite [size _]/= Nnat.Nat2N.inj_succ => hj.
apply: (ih (N.succ k) (upd sh k (oshape o)) (fun x => step (E x) (k, o))
           (fun v => upd (T v) k (tangent o (E x0) (T v)))) => //; last first.
  by move: hj; rewrite N.add_succ_r N.add_succ_l.
move=> {hj}{}j hj; rewrite /follows /step /=.
have [->|ne] := N.eq_dec j k.
  rewrite updE => i hi.
  rewrite (_ : (fun x => _) = (fun x => den o (E x) i : R^o)); last first.
    by apply/funext => x; rewrite updE.
  rewrite [X in is_diff_def _ _ X](_ : _ = (fun v => tangent o (E x0) (T v) i : R^o)); last first.
    by apply/funext => x; rewrite updE.
  apply: den_diff => // -[a z] /ha [/= ak <-]; exact: h.
rewrite updN // => i hi.
rewrite (_ : (fun x => _) = (fun x => E x j i : R^o)); last first.
  by apply/funext => x; rewrite updN.
rewrite [X in is_diff_def _ _ X](_ : _ = (fun v => T v j i : R^o)); last first.
  by apply/funext => x; rewrite updN.
by apply: (h j) => //; lia.
Qed.
End Diff.
