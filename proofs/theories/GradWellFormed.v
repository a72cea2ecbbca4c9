(** * What reverse mode emits is well-formed

    For every well-formed program: the code that [grad] emits is well-formed
    after it, at the cotangent's shape, and each gradient that it names is a
    value of that code, of its parameter's shape. So the program with its
    gradient is again a program to which all theorems about programs apply.

    Glossary
      - [sh0], [first]   the shapes that the emitted code finds; its first
                         identifier
      - [shaped s a z]   in state [s], [a] is a value, of shape [z]
      - [fits s o]       [o] may be appended: its attributes are in order, and
                         its operands are values of the shapes that it says
      - [typed s]        the state is in order: its code is well-formed, and
                         every cotangent is of the shape of what it belongs to
      - [entry i]        an instruction of the forward program, as found from
                         the emitted code *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Adjoint GradAdjoint.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Programs one after the other *)
Lemma shrun_cat p q sh : shrun (p ++ q) sh = shrun q (shrun p sh).
Proof. exact: foldl_cat. Qed.

Lemma wf_catE p q k sh :
  wf (p ++ q) k sh = wf p k sh && wf q (k + N.of_nat (size p))%num (shrun p sh).
Proof.
elim: p k sh => [|[d o] p ih] k sh; first by rewrite N.add_0_r.
rewrite [size _]/= Nnat.Nat2N.inj_succ N.add_succ_r -N.add_succ_l [LHS]/= ih [X in _ = X && _]/= -!andbA.
by case: N.eqb_spec => [->|].
Qed.

Lemma all_In (T : Type) (P : pred T) l : (forall x, List.In x l -> P x) -> all P l.
Proof. by elim: l => //= x l ih h; rewrite h ?ih //; [move=> y hy; apply: h; right | left]. Qed.

Section Code.
Variables (first : N) (sh0 : N -> shape).
Implicit Types (s : st) (o : op) (a j c : N) (z : shape).

Definition shapes_in s : N -> shape := shrun (rev (code s)) sh0.
Definition shaped s a z : Prop := (a < nx s)%num /\ shapes_in s a = z.
Fixpoint shaped_all s (l : seq (N * shape)) : Prop :=
  if l is a :: l' then shaped s a.1 a.2 /\ shaped_all s l' else True.
Definition fits s o : Prop := op_ok o /\ shaped_all s (oargs o).

Record typed s : Prop := Typed {
  typed_code : wf (rev (code s)) first sh0;
  typed_next : nx s = (first + N.of_nat (size (code s)))%num;
  typed_adj : forall j c, aget (adj s) j = Some c -> shaped s c (sh0 j) }.

(** ** Appending an instruction *)
Lemma shapes_emit o s : shapes_in (emit o s) = upd (shapes_in s) (nx s) (oshape o).
Proof. by rewrite /shapes_in /= rev_cons /shrun foldl_rcons. Qed.

Lemma shaped_emit o s a z : shaped s a z -> shaped (emit o s) a z.
Proof. by move=> [ha ez]; split=> /=; [lia | rewrite shapes_emit updN //; lia]. Qed.

Lemma shaped_new o s a z : a = nx s -> oshape o = z -> shaped (emit o s) a z.
Proof. by move=> -> <-; split=> /=; [lia | rewrite shapes_emit updE]. Qed.

Lemma shaped_acc j z' c s a z : shaped s a z -> shaped (acc j z' c s) a z.
Proof. by rewrite /acc; case: aget => // d h; exact: (@shaped_emit (Bin z' Add d c) s). Qed.

Lemma shaped_push j z' o s a z : shaped s a z -> shaped (push j z' o s) a z.
Proof. by move=> h; apply: shaped_acc; exact: shaped_emit. Qed.

Lemma shaped_old s a z : typed s -> (a < first)%num -> sh0 a = z -> shaped s a z.
Proof.
move=> T ha <-; split; first by rewrite (typed_next T); lia.
exact: shrun_stable (typed_code T) ha.
Qed.

Lemma shaped_allP s l : (forall q, List.In q l -> shaped s q.1 q.2) -> shaped_all s l.
Proof. by elim: l => //= q l ih h; split; [apply: h; left | apply: ih => r hr; apply: h; right]. Qed.

Lemma shaped_allE s l : shaped_all s l -> forall q, q \in l -> shaped s q.1 q.2.
Proof. by elim: l => //= b l ih [hb /ih h] a; rewrite inE => /orP [/eqP ->|/h]. Qed.

Lemma typed_emit o s : typed s -> fits s o -> typed (emit o s).
Proof.
move=> T [ok ha]; split=> [||j c h]; last exact/shaped_emit/(typed_adj T h).
- rewrite /= rev_cons -cats1 wf_catE (typed_code T) size_rev -(typed_next T) /= N.eqb_refl ok andbT /=.
  by apply/allP => a /(shaped_allE ha) [h1 h2]; apply/andP; split; [exact/N.ltb_lt | exact/eqP].
- rewrite -[nx _]/(N.succ (nx s)) -[size _]/(size (code s)).+1.
  by rewrite Nnat.Nat2N.inj_succ N.add_succ_r -(typed_next T).
Qed.

Lemma typed_acc j z c s : typed s -> sh0 j = z -> shaped s c z -> typed (acc j z c s).
Proof.
move=> T hz hc; rewrite /acc; case hd: (aget (adj s) j) => [d|]; last first.
  split=> [||i k] /=; [exact: typed_code T | exact: typed_next T |].
  have [->|ne] := N.eq_dec i j; first by rewrite aget_set hz => -[<-].
  by rewrite aget_setN // => /(typed_adj T).
have T1 : typed (emit (Bin z Add d c) s).
  by apply: typed_emit => //; split=> //=; split; first by rewrite -hz; exact: typed_adj T _ _ hd.
split=> [||i k] /=; [exact: typed_code T1 | exact: typed_next T1 |].
have [->|ne] := N.eq_dec i j; first by rewrite aget_set => -[<-]; exact: (@shaped_new (Bin z Add d c) s).
by rewrite aget_setN // => /(typed_adj T1).
Qed.

Lemma typed_push j o s : typed s -> sh0 j = oshape o -> fits s o -> forall z, z = oshape o ->
  typed (push j z o s).
Proof.
by move=> T hz ho z ->; apply: typed_acc => //; [exact: typed_emit | exact: shaped_new].
Qed.

(** ** The rules *)
Lemma size_id_map (z : shape) : size (id_map z) = size z.
Proof. by rewrite /id_map /proj !size_map size_iota. Qed.
Lemma size_lead_map (z : shape) : size (lead_map z) = size (lead z).
Proof. by rewrite /lead_map /proj !size_map size_iota size_takel ?leq_pred. Qed.
Lemma size_kept_map (z : shape) (ds : seq N) : size (proj (kept z ds)) = size (pick z (kept z ds)).
Proof. by rewrite !size_map. Qed.

Lemma row_total_ok z a : op_ok (row_total z a).
Proof. by rewrite /= size_lead_map size_id_map !eqxx. Qed.
Lemma row_spread_ok z a : op_ok (row_spread z a).
Proof. by rewrite /= size_lead_map size_id_map !eqxx. Qed.
Lemma scalar_spread_ok z a : op_ok (scalar_spread z a).
Proof. by rewrite /= size_id_map !eqxx. Qed.
Lemma total_over_ok z ds a : op_ok (total_over z ds a).
Proof. by rewrite /= size_kept_map size_id_map !eqxx. Qed.
Lemma spread_over_ok z ds a : op_ok (spread_over z ds a).
Proof. by rewrite /= size_kept_map size_id_map !eqxx. Qed.
End Code.

(** Operands are what is at hand, or the results of code above; ops that only
    move numbers are in order. *)
Ltac value := first
  [ assumption
  | apply: shaped_new; [reflexivity | reflexivity]
  | apply: shaped_emit; value
  | apply: shaped_push; value
  | apply: shaped_acc; value ].
Ltac in_order := first
  [ assumption | exact: isT | exact: row_total_ok | exact: row_spread_ok | exact: scalar_spread_ok
  | exact: total_over_ok | exact: spread_over_ok ].
Ltac appended := split; [in_order | repeat match goal with
  | |- shaped_all _ _ _ => rewrite [shaped_all _ _ _]/= | |- _ /\ _ => split | |- True => exact: I
  | |- shaped _ _ _ _ => value end].
Ltac rule := first
  [ assumption
  | apply: typed_push; [rule | by [] | appended | by []]
  | apply: typed_emit; [rule | appended]
  | apply: typed_acc; [rule | by [] | value] ].

Section Rules.
Variables (first : N) (sh0 : N -> shape).
Implicit Types (s : st) (o : op) (a j c ct : N) (z : shape).
Notation typed := (typed first sh0).
Notation shaped := (shaped sh0).

Lemma una_typed z u a r s ct : typed s -> sh0 a = z ->
  shaped s a z -> shaped s r z -> shaped s ct z -> typed (una_rule z u a r ct s).
Proof.
move=> T ea ha hr hc; rewrite /una_rule.
by case: u => [||||||||||||p q|p q p' q']; rewrite /emits /=; rule.
Qed.

Lemma bin_typed z b x y r s ct : typed s -> sh0 x = z -> sh0 y = z ->
  shaped s x z -> shaped s y z -> shaped s r z -> shaped s ct z -> typed (bin_rule z b x y r ct s).
Proof. by move=> T ex ey hx hy hr hc; rewrite /bin_rule /emits; case: b; rewrite /=; rule. Qed.

Lemma sel_typed z cmp a b x y s ct : typed s -> sh0 x = z -> sh0 y = z ->
  shaped s a z -> shaped s b z -> shaped s x z -> shaped s y z -> shaped s ct z ->
  typed (sel_rule z cmp a b x y ct s).
Proof. by move=> T ex ey ha hb hx hy hc; rewrite /sel_rule; rule. Qed.

Lemma softmax_typed z a r s ct : typed s -> sh0 a = z ->
  shaped s r z -> shaped s ct z -> typed (softmax_rule z a r ct s).
Proof. by move=> T ea hr hc; rewrite /softmax_rule; rule. Qed.

Lemma cross_entropy_typed z a t s ct : op_ok (SoftmaxCrossEntropy z a t) -> typed s -> sh0 a = z ->
  shaped s a z -> shaped s t z -> shaped s ct [::] -> typed (cross_entropy_rule z a t ct s).
Proof. by move=> ok T ea ha ht hc; rewrite /cross_entropy_rule; rule. Qed.

Lemma variance_typed z ds a s ct : typed s -> sh0 a = z ->
  shaped s a z -> shaped s ct (pick z (kept z ds)) -> typed (variance_rule z ds a ct s).
Proof. by move=> T ea ha hc; rewrite /variance_rule /emits /=; rule. Qed.

Lemma normalize_typed z ds n d a r s ct : averaged z ds -> typed s -> sh0 a = z ->
  shaped s a z -> shaped s r z -> shaped s ct z -> typed (normalize_rule z ds n d a r ct s).
Proof. by move=> ok T ea ha hr hc; rewrite /normalize_rule /emits /=; rule. Qed.

(** An operand of a contraction. *)
Definition operand s (u : view) : Prop :=
  [/\ size (v_map u) == size (v_shape u), sh0 (v_id u) = v_shape u & shaped s (v_id u) (v_shape u)].

Lemma operands_fit s box (v u : view) pre vs : (forall w, List.In w (pre ++ vs) -> operand s w) ->
  size (v_map v) == size (v_shape v) -> shaped s (v_id v) (v_shape v) ->
  size (v_map u) == size (v_shape u) ->
  fits sh0 s (Contract box (v_shape u) (v_map u) (pre ++ v :: vs)).
Proof.
move=> h mv hv mu.
have h' w : List.In w (pre ++ v :: vs) ->
    size (v_map w) == size (v_shape w) /\ shaped s (v_id w) (v_shape w).
  move=> hw; case: (List.in_app_or _ _ _ hw) => [hp|[<- //|hp]].
    by case: (h w) => //; apply: List.in_or_app; left.
  by case: (h w) => //; apply: List.in_or_app; right.
split; first by rewrite /= mu /=; apply: all_In => w /h' [].
by apply: shaped_allP => q hq; case: (proj1 (List.in_map_iff _ _ _) hq) => w [<- /h' []].
Qed.

Lemma contract_typed box v pre vs s : typed s ->
  (forall w, List.In w (pre ++ vs) -> operand s w) ->
  size (v_map v) == size (v_shape v) -> shaped s (v_id v) (v_shape v) ->
  typed (contract_rule box v pre vs s).
Proof.
elim: vs pre s => [|u vs ih] pre s T hs mv hv //=.
have [|mu eu _] := hs u; first by apply: List.in_or_app; right; left.
have hs' w : List.In w (pre ++ vs) -> operand s w.
  by move=> hw; apply: hs; case: (List.in_app_or _ _ _ hw) => h; apply: List.in_or_app; [left|right; right].
apply: ih => //=; last exact: shaped_push.
- by apply: typed_push => //; exact: operands_fit.
- by move=> w; rewrite cat_rcons => /hs [mw ew hw]; split=> //; exact: shaped_push.
Qed.

(** ** Programs *)
Definition entry (i : instr) : Prop :=
  [/\ op_ok i.2, sh0 i.1 = oshape i.2, (i.1 < first)%num
    & forall q, q \in oargs i.2 -> (q.1 < first)%num /\ sh0 q.1 = q.2].

Let q0 (T : eqType) (x : T) l : x \in x :: l. Proof. exact: mem_head. Qed.
Let q1 (T : eqType) (x y : T) l : y \in [:: x, y & l]. Proof. by rewrite !inE eqxx orbT. Qed.
Let q2 (T : eqType) (x y z : T) l : z \in [:: x, y, z & l]. Proof. by rewrite !inE eqxx !orbT. Qed.
Let q3 (T : eqType) (x y z w : T) l : w \in [:: x, y, z, w & l].
Proof. by rewrite !inE eqxx !orbT. Qed.

Lemma vstep_typed i s : typed s -> entry i -> typed (vstep i s).
Proof.
case: i => k o T [/= ok ek hk ha]; rewrite /vstep /=; case hc: (aget (adj s) k) => [ct|//].
have {hc} := typed_adj T hc; rewrite ek => hc.
have {hk} := shaped_old T hk ek => hr.
have hs q : q \in oargs o -> sh0 q.1 = q.2 /\ shaped s q.1 q.2.
  by move=> /ha [h e]; split=> //; exact: shaped_old T h e.
case: o ok ek ha hc hr hs => [z n d|z u a|z b x y|z cmp a b x y|box z f vs|z z' a|z a|z a t
  |z out kk m a|z out kk m a c|z ds a|z ds n d a] /= ok ek ha hc hr hs //.
- by have [e0 h0] := hs _ (q0 _ _); exact: una_typed.
- by have [e0 h0] := hs _ (q0 _ _); have [e1 h1] := hs _ (q1 _ _ _); exact: bin_typed.
- have [e0 h0] := hs _ (q0 _ _); have [e1 h1] := hs _ (q1 _ _ _).
  have [e2 h2] := hs _ (q2 _ _ _ _); have [e3 h3] := hs _ (q3 _ _ _ _ _); exact: sel_typed.
- have /andP [mf mv] := ok; apply: contract_typed => //= u hu.
  have [|eu su] := hs (v_id u, v_shape u).
    by elim: vs hu {ok ha hs mv} => //= w vs ih [->|/ih h]; rewrite inE ?eqxx // h orbT.
  by split=> //; elim: vs hu mv {ok ha hs} => //= w vs ih [->|/ih h] /andP [].
- have [e0 h0] := hs _ (q0 _ _); apply: typed_push => //; split=> //=.
  by rewrite N.eqb_sym.
- by have [e0 h0] := hs _ (q0 _ _); exact: softmax_typed.
- by have [e0 h0] := hs _ (q0 _ _); have [e1 h1] := hs _ (q1 _ _ _); exact: cross_entropy_typed.
- by have [e0 h0] := hs _ (q0 _ _); apply: typed_push => //; split.
- by have [e0 h0] := hs _ (q0 _ _); exact: variance_typed.
- by have [e0 h0] := hs _ (q0 _ _); have /andP [av _] := ok; exact: normalize_typed.
Qed.

Lemma back_typed p s : typed s -> (forall i, List.In i p -> entry i) -> typed (back p s).
Proof.
elim: p => //= i p ih T h; apply: vstep_typed; last by apply: h; left.
by apply: ih => // j hj; apply: h; right.
Qed.

(** ** Parameters *)
Lemma acc_keeps j z c s i : i = j \/ isSome (aget (adj s) i) -> isSome (aget (adj (acc j z c s)) i).
Proof.
move=> h; have set_keeps m d : m = adj s -> isSome (aget (aset m j d) i).
  by move=> ->; have [->|ne] := N.eq_dec i j; [rewrite aget_set | rewrite aget_setN //; case: h].
by rewrite /acc; case: (aget (adj s) j) => [d|]; exact: set_keeps.
Qed.

Lemma settle_keeps q s i : i = q.1 \/ isSome (aget (adj s) i) -> isSome (aget (adj (settle q s)) i).
Proof.
rewrite /settle; case hq: (aget (adj s) q.1) => [c|] h; last exact: acc_keeps.
by case: h => // ->; rewrite hq.
Qed.

Lemma settle_typed (q : N * shape) s : typed s -> sh0 q.1 = q.2 -> typed (settle q s).
Proof.
move=> T e; rewrite /settle; case: aget => [//|].
by apply: typed_push; rewrite ?e.
Qed.

Lemma settled_typed params s : typed s -> (forall q, q \in params -> sh0 q.1 = q.2) ->
  let s' := foldr settle s params in
  typed s' /\ forall q, q \in params -> shaped s' (odflt 0%num (aget (adj s') q.1)) q.2.
Proof.
move=> T h s'; suff [T' k] : typed s' /\ forall q, q \in params -> isSome (aget (adj s') q.1).
  split=> // q hq; case hc: (aget (adj s') q.1) (k q hq) => [c|//] _.
  by rewrite -(h q hq); exact: typed_adj T' _ _ hc.
rewrite /s' => {s'}; elim: params h => //= p params ih h.
have [|T' k] := ih; first by move=> q hq; apply: h; rewrite inE hq orbT.
split; first by apply: settle_typed => //; apply: h; exact: mem_head.
by move=> q; rewrite inE => /orP [/eqP ->|/k hq]; apply: settle_keeps; [left|right].
Qed.
End Rules.

(** ** The theorem *)

Lemma wf_entry p k sh i : wf p k sh -> List.In i p ->
  entry (k + N.of_nat (size p))%num (shrun p sh) i.
Proof.
elim: p k sh => [|[d o] p ih] k sh // w.
have [e ok ha w'] := wf_cons w; subst d.
rewrite [size _]/= Nnat.Nat2N.inj_succ N.add_succ_r -N.add_succ_l /= => -[<- /=|]; last exact: ih.
have st j : (j < N.succ k)%num -> shrun p (upd sh k (oshape o)) j = upd sh k (oshape o) j.
  exact: shrun_stable.
split=> //=; [rewrite st ?updE //; lia | lia |].
move=> q /ha [hq e]; set j := q.1 in hq e *; split; first lia.
by rewrite st ?updN ?e //; lia.
Qed.

Section Whole.
Variables (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape)) (base out : N).
Hypothesis well : wf p nin sh.
Hypothesis at_base : base = (nin + N.of_nat (size p))%num.
Hypothesis some_value : (out < base)%num.
Hypothesis parameters : params_ok sh nin params.

(** The cotangent, at the identifier [base], is given. *)
Theorem grad_well_formed (g := grad p base out params)
    (sh' := upd (shrun p sh) base (shrun p sh out)) :
  wf g.1 (N.succ base) sh'
  /\ shaped_as (N.succ base + N.of_nat (size g.1)) (shrun g.1 sh') params g.2.
Proof.
have [_ hp] := params_okP parameters.
pose s0 := St (N.succ base) [::] (aset aempty out base).
have old j : (j < base)%num -> sh' j = shrun p sh j by move=> hj; rewrite /sh' updN //; lia.
have T0 : typed (N.succ base) sh' s0.
  split=> //= [|j c]; first by rewrite N.add_0_r.
  have [->|ne] := N.eq_dec j out; last by rewrite aget_setN // aget_empty.
  rewrite aget_set => -[<-]; split=> /=; first lia.
  by rewrite /shapes_in /= (old out) // /sh' updE.
have T1 : typed (N.succ base) sh' (back p s0).
  apply: back_typed => // i /(wf_entry well) [ok ei hi ha]; rewrite -at_base in hi ha.
  split=> //; [by rewrite old | lia |].
  by move=> q /ha [hq <-]; set j := q.1 in hq *; split; [lia | rewrite old].
have [|T2 hg] := settled_typed T1 (params := params).
  move=> q /hp [hq <-]; set j := q.1 in hq *; rewrite old; first exact: shrun_stable well hq.
  by rewrite at_base; lia.
split; first exact: typed_code T2.
rewrite /g /=; set s2 := foldr settle _ _ in T2 hg *.
rewrite size_rev -(typed_next T2).
by elim: (params) hg => [|q l ih] h /=; constructor;
  [exact: h (mem_head _ _) | apply: ih => r hr; apply: h; rewrite inE hr orbT].
Qed.

(** The cotangent is computed by an instruction. *)
Corollary grad_program_well_formed ct (g := grad p base out params) :
  wf [:: (base, ct)] base (shrun p sh) -> oshape ct = shrun p sh out ->
  let whole := p ++ (base, ct) :: g.1 in
  wf whole nin sh /\ shaped_as (nin + N.of_nat (size whole)) (shrun whole sh) params g.2.
Proof.
move=> wc ec whole; have [wg yg] := grad_well_formed.
have e : whole = p ++ ([:: (base, ct)] ++ g.1) by [].
have sz : (nin + N.of_nat (size whole) = N.succ base + N.of_nat (size g.1))%num.
  by rewrite e !size_cat /= at_base -!plusE; lia.
split; first by rewrite e wf_catE well -at_base wf_catE wc /= ec N.add_1_r.
by rewrite sz e !shrun_cat /= ec.
Qed.

(** Of a scalar, with 1 as cotangent. *)
Corollary loss_grad_well_formed (g := loss_grad p base out params) :
  shrun p sh out = [::] ->
  let whole := p ++ g.1 in
  wf whole nin sh /\ shaped_as (nin + N.of_nat (size whole)) (shrun whole sh) params g.2.
Proof. by move=> scalar whole; apply: (@grad_program_well_formed (Const [::] 1 1)) => //=; rewrite N.eqb_refl. Qed.
End Whole.
