(** * Exact values are the values

    Near a point [x0] of a normed module on which parameters depend
    continuously: the value at [x0] is within the ball that is computed, and rows
    with the same model are equal near [x0].

    Glossary
      - [continuous_at]  of a function of the point, at [x0]
      - [at_entry], [holds_fixed]  a row, a tensor is what was computed
      - [follows]        a value stays 0, or below it, where its integer is that *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Scalar SmoothFacts Number Canonical TwinSound.
From Cotangent Require Import Spec Meaning CheckSound MeaningLayerSound Images PoolsSound Floats Exact ExactNumbers.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma Forall2_map (A B C : Type) (P : B -> C -> Prop) (f : A -> B) (g : A -> C) l :
  (forall a, List.In a l -> P (f a) (g a)) -> List.Forall2 P [seq f a | a <- l] [seq g a | a <- l].
Proof.
elim: l => [|a l ih] h /=; constructor; first by apply: h; left.
by apply: ih => b hb; apply: h; right.
Qed.

Lemma Forall2_zip_in (A B : Type) (P : A -> B -> Prop) l l' : size l = size l' ->
  (forall a b, List.In (a, b) (zip l l') -> P a b) -> List.Forall2 P l l'.
Proof.
elim: l l' => [|a l ih] [|b l'] //= [hs] h; constructor; first by apply: h; left.
by apply: ih => // a' b' hab; apply: h; right.
Qed.

Lemma In_mem (A : eqType) (a : A) l : List.In a l <-> a \in l.
Proof.
elim: l => //= b l ih; rewrite inE; split=> [[->|/ih ->]|/orP [/eqP ->|/ih]]; rewrite ?eqxx ?orbT //.
  by left.
by right.
Qed.

Lemma filter_head (A : Type) (p : pred A) l a l' : seq.filter p l = a :: l' -> List.In a l /\ p a.
Proof.
elim: l => //= b l ih; case: ifP => [hb [<- _]|_ /ih [hin pa]]; first by split=> //; left.
by split=> //; right.
Qed.

Lemma idxs1 n : idxs [:: n] = [seq [:: i] | i <- Nrange n].
Proof. by rewrite /=; elim: (Nrange n) => //= i l ->. Qed.

Section Near.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types (f g : V -> R).

Definition continuous_at f : Prop := {for x0, continuous (f : V -> R^o)}.

Lemma continuous_const (a : R) : continuous_at (fun _ => a).
Proof. exact: cst_continuous. Qed.

Lemma continuous_add f g : continuous_at f -> continuous_at g -> continuous_at (fun v => f v + g v).
Proof. exact: continuousD. Qed.

Lemma continuous_mul f g : continuous_at f -> continuous_at g -> continuous_at (fun v => f v * g v).
Proof. exact: continuousM. Qed.

Lemma continuous_max f g : continuous_at f -> continuous_at g -> continuous_at (fun v => Num.max (f v) (g v)).
Proof.
move=> hf hg; rewrite (_ : (fun v => _) = (fun v => (f v + g v + `|f v - g v|) * 2%:R^-1)); last first.
  apply/funext => v; have two : 2%:R != 0 :> R by rewrite pnatr_eq0.
  case: (lerP (f v) (g v)) => h.
    by rewrite addrC addrA subrK -mulr2n -(mulr_natr (g v)) mulfK.
  by rewrite addrC [f v + _]addrC addrA subrK -mulr2n -(mulr_natr (f v)) mulfK.
apply: continuous_mul; last exact: continuous_const.
apply: continuous_add; first exact: continuous_add.
have d : {for x0, continuous ((fun v => f v - g v) : V -> R^o)} by exact: continuousB.
exact: (continuous_comp d (@norm_continuous R [normedModType R of R^o] _)).
Qed.

Lemma continuous_sum (T : Type) (L : seq T) (F : V -> T -> R) :
  (forall l, List.In l L -> continuous_at (fun v => F v l)) -> continuous_at (fun v => \sum_(l <- L) F v l).
Proof.
elim: L => [|l L ih] h.
  by rewrite (_ : (fun v => _) = (fun=> 0)); [exact: continuous_const|apply/funext => v; rewrite big_nil].
rewrite (_ : (fun v => _) = (fun v => F v l + \sum_(l <- L) F v l)); last first.
  by apply/funext => v; rewrite big_cons.
by apply: continuous_add; [apply: h; left|apply: ih => k hk; apply: h; right].
Qed.

Lemma near_value f g : (\forall v \near x0, f v = g v) -> f x0 = g x0.
Proof. exact: nbhs_singleton. Qed.

Lemma near_eq_trans f g h : (\forall v \near x0, f v = g v) -> (\forall v \near x0, g v = h v) ->
  \forall v \near x0, f v = h v.
Proof. by apply: filterS2 => v ->. Qed.

Lemma near_eq_sym f g : (\forall v \near x0, f v = g v) -> \forall v \near x0, g v = f v.
Proof. by apply: filterS => v ->. Qed.

Lemma continuous_near f g : (\forall v \near x0, f v = g v) -> continuous_at g -> continuous_at f.
Proof.
move=> h; rewrite /continuous_at /prop_for (near_value h) => c; apply: cvg_trans c.
by apply: (@near_eq_cvg _ _ (nbhs x0)); apply: filterS h => v ->.
Qed.
End Near.

Section Point.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation dyadic := (dyadic R).
Notation ball := (@ball R).
Implicit Types (X : V -> tensor R) (x : fixed).

Definition at_entry (e : N) (radius : Z) (zero_stays : bool) X (i : idx) (en : entry) : Prop :=
  forall j, (j < size en.2)%nat ->
  let cell := rcons i (N.of_nat j) in
  [/\ continuous_at x0 (fun v => X v cell), ball e radius (nth 0%Z en.2 j) (X x0 cell),
      (\forall v \near x0, X v cell = X v (rcons en.1 (N.of_nat j)))
    & zero_stays -> nth 0%Z en.2 j = 0%Z -> \forall v \near x0, X v cell = 0].

Definition holds_fixed X x : Prop := (0 <= f_radius x)%Z /\
  forall i en, look (f_table x) i = Some en ->
  at_entry (f_exponent x) (f_radius x) (f_rectified x) X i en.

(** A row that is its own model. *)
Lemma at_entry_self e radius (rect : bool) X i r : (forall j, (j < size r)%nat ->
    [/\ continuous_at x0 (fun v => X v (rcons i (N.of_nat j))),
        ball e radius (nth 0%Z r j) (X x0 (rcons i (N.of_nat j)))
      & rect -> nth 0%Z r j = 0%Z -> \forall v \near x0, X v (rcons i (N.of_nat j)) = 0]) ->
  at_entry e radius rect X i (i, r).
Proof. by move=> h j hj; have [c val zero] := h j hj; split=> //=; exact: nearW. Qed.

Lemma at_entry_own e radius X i r : (forall j, (j < size r)%nat ->
    continuous_at x0 (fun v => X v (rcons i (N.of_nat j)))
    /\ ball e radius (nth 0%Z r j) (X x0 (rcons i (N.of_nat j)))) ->
  at_entry e radius false X i (i, r).
Proof. by move=> h; apply: at_entry_self => j hj; have [c val] := h j hj. Qed.

(** Equal nearby to a row that has a model. *)
Lemma at_entry_as e radius (rect : bool) X i j en : at_entry e radius rect X j en ->
  (forall o, (o < size en.2)%nat ->
     \forall v \near x0, X v (rcons i (N.of_nat o)) = X v (rcons j (N.of_nat o))) ->
  at_entry e radius rect X i en.
Proof.
move=> h same o ho; have [c val near zero] := h o ho; have s := same o ho; split=> //.
- exact: continuous_near s c.
- by rewrite (near_value s).
- exact: near_eq_trans s near.
by move=> hr e0; exact: near_eq_trans s (zero hr e0).
Qed.

Lemma rounded_sound fraction X x : holds_fixed X x -> holds_fixed X (rounded fraction x).
Proof.
rewrite /rounded; case: ifP => [//|/negbT]; rewrite negb_or => /andP [_ /N.leb_spec0 big] [r0 hX].
split=> [|i en]; first by have := Z.shiftr_nonneg (f_radius x) (Z.of_N (f_exponent x - fraction)); rewrite /=; lia.
move=> /look_map [r /hX h er] j; rewrite er size_map => hj; have [c val near zero] := h j hj; split=> //.
  rewrite (nth_map 0%Z) // /=; apply: ball_round_entry; move: val; congr (ball _ _ _ _); lia.
by rewrite (nth_map 0%Z) // => rect /round_entry0; exact: zero.
Qed.

(** ** What stays 0 *)
Definition follows (z : Z) (f : V -> R) : Prop :=
  (z = 0%Z -> \forall v \near x0, f v = 0) /\ ((z < 0)%Z -> \forall v \near x0, f v < 0).

Lemma follows_max z z' f g : follows z f -> follows z' g -> follows (Z.max z z') (fun v => Num.max (f v) (g v)).
Proof.
move=> [f0 fn] [g0 gn]; split=> h.
  case: (Z.eq_dec z 0) => [/f0 nf|ne]; case: (Z.eq_dec z' 0) => [/g0 ng|ne'].
  - by apply: filterS2 nf ng => v -> ->; rewrite maxxx.
  - by have lt : (z' < 0)%Z by [lia]; apply: filterS2 nf (gn lt) => v -> hg; rewrite max_l // ltW.
  - by have lt : (z < 0)%Z by [lia]; apply: filterS2 (fn lt) ng => v hf ->; rewrite max_r // ltW.
  by exfalso; lia.
have [lt lt'] : (z < 0)%Z /\ (z' < 0)%Z by lia.
by apply: filterS2 (fn lt) (gn lt') => v hf hg; rewrite lt_maxl hf.
Qed.

Lemma follows_shift z k f : follows z f -> follows (Z.shiftl z (Z.of_N k)) f.
Proof.
move=> [f0 fn]; split; first by rewrite Z.shiftl_eq_0_iff; [exact: f0|exact: N2Z.is_nonneg].
by rewrite Z.shiftl_neg; exact: fn.
Qed.

Lemma settled_follows X x i en o : holds_fixed X x -> zeros_settled x -> look (f_table x) i = Some en ->
  (o < size en.2)%nat -> follows (nth 0%Z en.2 o) (fun v => X v (rcons i (N.of_nat o))).
Proof.
move=> hX hs hl ho; have [cont val _ zero] := hX.2 _ _ hl o ho; rewrite /= in cont val zero.
have /(all_nthP 0%Z) /(_ _ ho) := everywhere_look hs hl.
case: Z.ltb_spec => h; first by move=> _; split=> ?; exfalso; lia.
case: Z.eqb_spec => h0; first by move=> rect; split=> [|?]; [exact: zero rect|exfalso; lia].
move=> /Z.ltb_lt neg; split=> [?|_]; first by exfalso; lia.
have lt : X x0 (rcons i (N.of_nat o)) < 0 by rewrite -(dyadic0 R (f_exponent x)); apply: (ball_lt val); lia.
exact: (cont _ (near_neg lt)).
Qed.

Lemma nonnegative_zero X x i en o : holds_fixed X x -> nonnegative x -> look (f_table x) i = Some en ->
  (o < size en.2)%nat -> (0 <= nth 0%Z en.2 o)%Z
  /\ (nth 0%Z en.2 o = 0%Z -> \forall v \near x0, X v (rcons i (N.of_nat o)) = 0).
Proof.
move=> hX; rewrite /nonnegative; case: ifP => // rect ev hl ho; have [_ _ _ zero] := hX.2 _ _ hl o ho.
by split; [apply/Z.leb_le; exact: (all_nthP 0%Z (everywhere_look ev hl))|exact: zero].
Qed.

Lemma zeros_stay_zero X x i en o : holds_fixed X x -> zeros_stay x -> look (f_table x) i = Some en ->
  (o < size en.2)%nat -> nth 0%Z en.2 o = 0%Z -> \forall v \near x0, X v (rcons i (N.of_nat o)) = 0.
Proof.
move=> hX; rewrite /zeros_stay; case: ifP => [rect _|_ ev] hl ho e0.
  by have [_ _ _ zero] := hX.2 _ _ hl o ho; exact: zero.
by have := all_nthP 0%Z (everywhere_look ev hl) o ho; rewrite e0.
Qed.

(** ** Stored numbers *)

Lemma scale_le l : (scale l <= 150)%num. Proof. exact: N.le_min_l. Qed.

Lemma literal_atP k s l : literal_at pt k s = Some l ->
  [/\ List.In l pt, l_value l = k, l_shape l = s & size (l_rows l) = size (rows_of s)].
Proof.
rewrite /literal_at; case E: (seq.filter _ _) => [|l' ls] // [e]; subst l'.
have [hin /and3P [/N.eqb_eq e1 /eqP e2 /N.eqb_eq e3]] := filter_head E; split=> //.
by rewrite /rows_of size_idxs -e3 Nnat.Nat2N.id.
Qed.

Lemma literal_sound k s l : literal_at pt k s = Some l ->
  List.Forall2 (fun i w => forall j, (j < size (decode (scale l) w))%nat ->
      theta x0 k (rcons i (N.of_nat j)) = dyadic (exponent_of l) (nth 0%Z (decode (scale l) w) j))
    (rows_of s) (l_rows l).
Proof.
move=> /literal_atP [hin hk hs hsz]; apply: Forall2_zip_in => // i w hw j hj.
have [f hf ->] := decode_sound R (@scale_le l) hj.
by rewrite -hk; apply: (theta_at hin) hf; rewrite hs.
Qed.

Lemma bias_sound k m b : bias_at pt k m = Some b -> forall j, has_bias b j ->
  theta x0 k [:: N.of_nat j] = bias_value R b j.
Proof.
rewrite /bias_at; case E: literal_at => [l|] //; have := literal_sound E.
by case: l_rows => [|w ws] // h [<-] j /= hj; inversion h; subst; exact: H2.
Qed.

Lemma constants_sound (Y : V -> tensor R) e l : (forall v, Y v = Y x0) ->
  (forall i r j, List.In (i, r) l -> (j < size r)%nat -> Y x0 (rcons i (N.of_nat j)) = dyadic e (nth 0%Z r j)) ->
  holds_fixed Y (constants e l).
Proof.
move=> const hl; split=> // i en /= hk.
pose P (i : idx) (en : entry) := forall j, (j < size en.2)%nat ->
  Y x0 (rcons i (N.of_nat j)) = dyadic e (nth 0%Z en.2 j) /\ Y x0 (rcons i (N.of_nat j)) = Y x0 (rcons en.1 (N.of_nat j)).
have {hk} h : P i en.
  move: i en hk; apply: look_tabulate => t model [i r] en hin ih [<-].
  have own : P i (i, r) by move=> j hj; split=> //; exact: hl hin hj.
  case: model => [j|] //; case hj: look => [[m r']|] //.
  case: ifP => // /(list_eqbP (fun a b => proj1 (Z.eqb_eq a b))) er; rewrite /= in er; subst r'.
  move=> o ho; have [e1 _] := own o ho; have [e2 e3] := ih _ _ hj o ho.
  by split; rewrite // e1 -e3 e2.
move=> j hj; have [e1 e2] := h j hj; have all_v c v : Y v c = Y x0 c by rewrite const.
split.
- by apply: (continuous_near (g := fun=> Y x0 (rcons i (N.of_nat j)))); [exact: nearW|exact: continuous_const].
- by rewrite e1; exact: ball_exact.
- by apply: nearW => v; rewrite !all_v.
by move=> _ e0; apply: nearW => v; rewrite all_v e1 e0 dyadic0.
Qed.

Lemma data_sound k s x : (forall v, theta v k = theta x0 k) -> data_value pt k s = Some x ->
  holds_fixed (fun v => theta v k) x.
Proof.
move=> const; rewrite /data_value; case E: literal_at => [l|] // [<-]; apply: constants_sound => // i r j.
have := literal_sound E; move: (rows_of s) (l_rows l) => L W hF.
elim: hF => //= a w {}L {}W haw _ ih; case=> [[e1 e2] hj|]; last exact: ih.
by subst; exact: haw.
Qed.

(** ** Sums of products *)
Lemma cell_sound (T : Type) (L : seq T) (xf yf : V -> T -> R) (bf : V -> R) (W : Type) (dec : W -> row)
    ex ew bias xs (ws : seq W) m j radius t :
  (forall l, List.In l L -> continuous_at x0 (fun v => xf v l)) ->
  (forall l, continuous_at x0 (fun v => yf v l)) -> continuous_at x0 bf ->
  (has_bias bias j -> bf x0 = bias_value R bias j) ->
  (0 <= radius)%Z -> spread dec m ws radius = Some t ->
  List.Forall2 (fun l z => ball ex radius z (xf x0 l)) L xs ->
  List.Forall2 (fun l w => (j < size (dec w))%nat -> yf x0 l = dyadic ew (nth 0%Z (dec w) j)) L ws ->
  let r := out_row (ex + ew) bias (combine dec xs ws (nseq (N.to_nat m) 0%Z)) in
  (j < size r)%nat ->
  continuous_at x0 (fun v => \sum_(l <- L) xf v l * yf v l + bf v)
  /\ ball (out_exponent (ex + ew) bias) (out_radius (ex + ew) bias t) (nth 0%Z r j)
       (\sum_(l <- L) xf x0 l * yf x0 l + bf x0).
Proof.
move=> cx cy cb hb r0 ht hx hw r hj; have [h1 h2 e] := out_row_sound R hj; split.
  apply: continuous_add => //; apply: continuous_sum => l hl.
  by apply: continuous_mul; [exact: cx|exact: cy].
have hm : (j < N.to_nat m)%nat.
  by apply: leq_trans h1 _; apply: leq_trans (combine_size _ _ _ _) _; rewrite size_nseq.
have [full le] := spread_ball r0 ht hm; have := combine_ball hx hw full h1.
rewrite nth_nseq hm dyadic0 addr0 => bound.
rewrite /ball e hb // opprD addrACA subrr addr0; apply: le_trans bound _.
apply: le_trans (dyadic_leP R _ le) _; rewrite /out_radius.
have {1}-> : out_exponent (ex + ew) bias = (ex + ew + (out_exponent (ex + ew) bias - (ex + ew)))%num.
  by rewrite /out_exponent; case: bias {hb hj h2 e r} => [[eb b]|]; lia.
by rewrite dyadic_shift.
Qed.

Lemma spread_ge0 (W : Type) (dec : W -> row) m ws r t e bias : (0 <= r)%Z ->
  spread dec m ws r = Some t -> (0 <= out_radius e bias t)%Z.
Proof.
rewrite /spread /out_radius => h; case: Z.eqb_spec => [_ [<-]|_]; first by rewrite Z.shiftl_0_l.
case: ifP => // _ [<-]; rewrite Z.shiftl_nonneg; have : (0 <= foldr Z.max 0%Z (columns dec m ws))%Z.
  by elim: (columns _ _ _) => //= *; lia.
nia.
Qed.
End Point.
