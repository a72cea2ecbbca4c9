(** * What one instruction is raised to has its meaning

    [outcome_meaning]: an instruction that is no call; [recognise_meaning],
    [recognise_conv_meaning], [recognise_pool_meaning]: a call of a private
    function. Each has a meaning on operands that agree with what they are bound
    to in the graph, and that is what the graph's op computes.

    Glossary
      - [agrees]           what a StableHLO value has to do with the graph's
                           value that it is bound to
      - [outcome_agrees]   what an instruction's value has to do with what the
                           instruction becomes
      - [two a b]          the environment of these two *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith String Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Joins Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies RaiseRows RaiseConvolution RaiseGrouped RaiseGradients.
From Cotangent Require Import RaisePool RaiseMaxPool JoinsSound RaiseJoin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Outcome.
Variable R : realType.
Implicit Types (e : env R) (a : tensor R) (args results : seq (array R)).

(** ** One op *)

(** [x] is what the graph has as [b], below [next]. *)
Definition agrees e (next : N) (b : bound) (x : array R) : Prop := match b with
| Real t n is_zero => (n < next)%num /\
    exists2 a, x = Array t (Reals a) & eqt (t_shape t) a (e n) /\ (is_zero -> forall i, a i = 0)
| Predicate t c n k => (n < next)%num /\ (k < next)%num /\
    exists2 p, x = Array t (Booleans p)
      & {in idxs (t_shape t), forall i, p i = cmp_real c (e n i) (e k i)}
| Bottom t => x = Array t (Extended (fun _ => None))
end.

Definition outcome_agrees e (next : N) (t : type) (out : outcome) (c : cells R) : Prop :=
  match out with
  | Emit o is_zero =>
      exists2 a, c = Reals a & eqt (t_shape t) a (den o e) /\ (is_zero -> forall i, a i = 0)
  | EmitSum os => (0 < size os)%nat /\ exists2 a, c = Reals a & eqt (t_shape t) a
      (run (sum_code (t_shape t) next os) e (N.pred (next + sum_size os)))
  | Remember r n k => (n < next)%num /\ (k < next)%num /\
      exists2 p, c = Booleans p & {in idxs (t_shape t), forall i, p i = cmp_real r (e n i) (e k i)}
  | Lowest => c = Extended (fun _ => None)
  end.

Lemma agrees_type e next b x : agrees e next b x -> a_type x = bound_type b.
Proof. by case: b => [t n z|t|t c n k] /=; [case=> _ [a ->] | move=> -> | case=> _ [_ [p ->]]]. Qed.

Lemma read_swap e e' x x' s m r : eqt s (e x) (e' x') ->
  read e (View x s m) r = read e' (View x' s m) r.
Proof. by rewrite /read /=; case E: at_map => [i|] // h; rewrite h // (at_map_in E). Qed.

(** A contraction depends on its operands' index sets alone. *)
Lemma den_swap1 e e' x x' box out f s m i : eqt s (e x) (e' x') ->
  den (Contract box out f [:: View x s m]) e i = den (Contract box out f [:: View x' s m]) e' i.
Proof. by move=> h /=; apply: eq_bigr => r _; rewrite !big_seq1 (read_swap _ _ h). Qed.

Lemma den_swap2 e e' x x' y y' box out f s m t n i :
  eqt s (e x) (e' x') -> eqt t (e y) (e' y') ->
  den (Contract box out f [:: View x s m; View y t n]) e i
  = den (Contract box out f [:: View x' s m; View y' t n]) e' i.
Proof.
move=> hx hy /=; apply: eq_bigr => r _.
by rewrite !big_cons !big_nil (read_swap _ _ hx) (read_swap _ _ hy).
Qed.

(** Two tensors as values 0 and 1. *)
Definition two a a' : env R := fun k => if N.eqb k 0 then a else a'.

(** Operands that are reals. *)
Lemma agrees1 e next t n z xs : List.Forall2 (agrees e next) [:: Real t n z] xs ->
  exists2 a, xs = [:: Array t (Reals a)]
    & eqt (t_shape t) a (e n) /\ (z -> forall i, a i = 0).
Proof.
move=> h; inversion h as [|b x bs xs' hx hn]; subst; inversion hn; subst.
by case: hx => _ [a -> ha]; exists a.
Qed.

Lemma agrees_cons e next b bs xs : List.Forall2 (agrees e next) (b :: bs) xs ->
  exists x xs', [/\ xs = x :: xs', agrees e next b x & List.Forall2 (agrees e next) bs xs'].
Proof. by move=> h; inversion h as [|b' x bs' xs' hx hn]; subst; exists x, xs'. Qed.

Lemma agrees2 e next t n z t' n' z' xs :
  List.Forall2 (agrees e next) [:: Real t n z; Real t' n' z'] xs ->
  exists a a', [/\ xs = [:: Array t (Reals a); Array t' (Reals a')],
    eqt (t_shape t) a (e n), eqt (t_shape t') a' (e n'), z' -> forall i, a' i = 0
    & (n < next)%num /\ (n' < next)%num].
Proof.
case/agrees_cons=> x [xs' [-> [hn [a -> [ha _]]] /agrees_cons [y [ys [-> [hn' [a' -> [ha' hz]]]]]]]].
by move=> h; inversion h; subst; exists a, a'.
Qed.

Lemma agrees_reals e next bs ts xs : all_some (map real_of bs) = Some ts ->
  List.Forall2 (agrees e next) bs xs ->
  [/\ map fst ts = map bound_type bs, all (fun x => N.ltb x.2 next) ts
    & exists2 vs, all_some (map (@reals_of R) xs) = Some vs
      & List.Forall2 (fun v w => v.1 = w.1 /\ {in idxs w.1, forall i, v.2 i = w.2 i}) vs
          [seq (t_shape x.1, e x.2) | x <- ts]].
Proof.
move=> + h; elim: h ts => [|b x {}bs {}xs hx _ ih] ts /=.
  by case=> <-; split=> //; exists [::] => //; constructor.
case: b hx => [t n z|?|? ? ? ?] //= [/N.ltb_lt hn [a -> [ha _]]].
case E: (all_some _) => [l|] //= [<-]; have [et low [vs ev hvs]] := ih _ E.
split; rewrite /= ?et ?hn ?ev //.
by exists ((t_shape t, a) :: vs) => //; constructor.
Qed.

Lemma concatenate_meaning m d t bs xs out e next :
  outcome_of m (Concatenate d) t bs = Some out -> fits (Concatenate d) (map bound_type bs) t ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 c, op_meaning (Concatenate d) t xs = Some c & outcome_agrees e next t out c.
Proof.
rewrite /outcome_of /op_meaning; case A: (all_some _) => [ts|] //= [<-].
move=> /and3P [_ _ hf] hb; have [et low [vs -> hvs]] := agrees_reals A hb.
rewrite -et -map_comp in hf; have := hf => /and4P [/N.ltb_lt hd pos parts _].
exists (Reals (concatenate 0 d vs)) => //; split.
  by rewrite /contract_parts size_part_pads size_map; rewrite size_map in pos.
exists (concatenate 0 d vs) => // i hi; rewrite run_concatenate //.
apply: (concatenate_like (f := id)) hvs hi => //; first by apply/ssrnat.ltP; lia.
by rewrite -map_comp.
Qed.

Lemma outcome_meaning m o t bs xs out e next : ~~ is_call o ->
  outcome_of m o t bs = Some out -> fits o (map bound_type bs) t ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 c, op_meaning o t xs = Some c & outcome_agrees e next t out c.
Proof.
case: o => [l|u|o|d||d|ds|r ds|ds||f|c|ds|r ws|ps|ls|k] // _;
  last exact: concatenate_meaning; case: bs => [|[ta n za|ta|ta ca n n'] [|[tb k zb|tb|tb cb k k'] [|[tc l' zc|tc|tc cc l' l''] [|? ?]]]];
  rewrite /outcome_of //; try by case: (r).
- move=> ho _ hb; inversion hb; subst; move: ho; rewrite /=.
  case: (literal_value _ l) => [[n d|]|] // [<-]; last by exists (Extended (fun _ => None)).
  exists (Reals (fun=> rational R n d)) => //=; exists (fun=> rational R n d) => //.
  by split=> // /Z.eqb_eq -> i; exact: mul0r.
- case E: (unary_of u) => [v|] //= [<-] /andP [_ /eqP <-] /agrees1 [a -> [ha _]].
  exists (Reals (fun i => unary_real u (a i))) => //.
  exists (fun i => unary_real u (a i)) => //; split=> // i hi.
  by rewrite ha //; case: (u) E => //= -[<-].
- case E: (binary_of o) => [b|] //= [<-] /and3P [_ /eqP <- /eqP <-] /agrees2 [a [a' [-> ha ha' _ _]]].
  exists (Reals (fun i => binary_real o (a i) (a' i))) => //.
  exists (fun i => binary_real o (a i) (a' i)) => //; split=> // i hi.
  by rewrite ha // ha' //; case: (o) E => //= -[<-].
- move=> [<-] /= /and3P [_ /eqP <- /eqP ->] /agrees2 [a [a' [-> ha ha' _ lt]]].
  exists (Booleans (fun i => direction_real d (a i) (a' i))) => //.
  case: lt => ? ?; split=> //; split=> //.
  exists (fun i => direction_real d (a i) (a' i)) => // i hi.
  by rewrite ha // ha' //; case: (d).
- move=> [<-] /= /and4P [_ /eqP <- /eqP <- /eqP ->].
  case/agrees_cons=> x [xs' [-> [_ [_ [p -> hp]]] /agrees2 [a [a' [-> ha ha' _ _]]]]].
  exists (Reals (fun i => if p i then a i else a' i)) => //.
  exists (fun i => if p i then a i else a' i) => //; split=> // i hi.
  by rewrite ha // ha' // hp.
- move=> [<-] /= /and4P [_ _ hd /eqP ->] /agrees2 [a [a' [-> ha ha' _ _]]].
  set y := dot_general _ _ _ _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a' 0%num) -[a']/(two a a' 1%num) -(den_dot 0 1 (two a a') hd) //.
  exact: den_swap2.
- case: eqP => // hs [<-] /= /and3P [_ _ hd] /agrees1 [a -> [ha _]].
  set y := broadcast_in_dim _ _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a 0%num) -(den_broadcast 0 (two a a) hd) //.
  exact: den_swap1.
- case: r zb => -[] // [<-] /= /and4P [_ _ _ /eqP ->] /agrees2 [a [a' [-> ha ha' hz _]]].
  set y := reduce_add _ _ _; exists (Reals y); first by rewrite hz // eqxx.
  exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a 0%num) -den_reduce //.
  exact: den_swap1.
- move=> [<-] /= /and4P [_ /eqP hn hd /eqP ->] /agrees1 [a -> [ha _]].
  set y := transpose _ _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a 0%num) -den_transpose //.
  exact: den_swap1.
- move=> [<-] /= /and3P [_ _ /N.eqb_eq hn] /agrees1 [a -> [ha _]].
  set y := reshape _ _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  exact: ha (same_place_in hn hi).
- case: ifP => // hc [<-] /= /and4P [_ _ hd /eqP ->] /agrees2 [a [a' [-> ha ha' _ _]]].
  set y := convolution _ _ _ _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a' 0%num) -[a']/(two a a' 1%num) -(den_conv 0 1 (two a a') hd hc) //.
  exact: den_swap2.
- case: r zb => -[] // [<-] /= /and4P [_ _ _ hd] /agrees2 [a [a' [-> ha ha' hz _]]].
  set y := window_add _ _ _; exists (Reals y); first by rewrite hz // eqxx.
  exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a 0%num) -(den_window_add 0 (two a a) hd) //.
  exact: den_swap1.
- case: r => //; case: ifP => // meets [<-] /= /and4P [_ _ _ hd].
  case/agrees_cons=> x [xs' [-> [_ [a -> [ha _]]] /agrees_cons [y [ys [-> -> hys]]]]].
  inversion hys; subst; set z := window_maximum _ _ _; exists (Reals z); first by rewrite /= meets.
  exists z => //; split=> // i hi.
  rewrite /z -[a]/(two a a 0%num) -(den_window_max 0 (two a a) hd) //.
  by rewrite /= (chosen_eqt _ _ _ ha); case E: chosen => [j|] //; exact: ha (cells_in (chosen_in E)).
- case: zb => // -[<-] /= /and4P [_ _ _ hd] /agrees2 [a [a' [-> ha ha' hz _]]].
  rewrite hz //; set y := pad _ _ _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a 0%num) -(den_pad 0 (two a a) hd) //.
  exact: den_swap1.
- move=> [<-] /= /and3P [_ _ hd] /agrees1 [a -> [ha _]].
  set y := slice _ _; exists (Reals y) => //; exists y => //; split=> // i hi.
  rewrite /y -[a]/(two a a 0%num) -(den_slice 0 (two a a) hd) //.
  exact: den_swap1.
Qed.

(** ** Calls *)

Lemma softmax_eqt s a a' : all (N.ltb 0) s && (0 < size s)%nat ->
  eqt s a a' -> eqt s (softmax s a) (softmax s a').
Proof.
move=> ok h; apply: (@den_eqt R (Softmax s 0) (two a a) (two a' a') ok) => p.
by rewrite inE => /eqP ->.
Qed.

Lemma cross_entropy_eqt s a a' b b' : all (N.ltb 0) s && (0 < size s)%nat ->
  eqt s a a' -> eqt s b b' -> cross_entropy s a b = cross_entropy s a' b' :> R.
Proof.
move=> ok ha hb.
apply: (@den_eqt R (SoftmaxCrossEntropy s 0 1) (two a b) (two a' b') ok _ [::]) => //.
by move=> p; rewrite !inE => /orP [] /eqP ->.
Qed.

Lemma recognise_meaning f t bs ts o xs e next :
  all_some (map real_of bs) = Some ts -> recognise f t ts = Some o ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 y, function_meaning (@no_call R) f xs = Some [:: Array t (Reals y)]
    & eqt (t_shape t) y (den o e).
Proof.
case: bs => [|[ta n za|ta|ta ca n n'] [|[tb k zb|tb|tb cb k k'] [|b bs]]] //; first by move=> [<-].
- move=> [<-] /=; case: ifP => // /negbFE ft; case hm: moment_of => [p|].
    case=> <- /agrees1 [a -> [ha _]]; move: hm; rewrite /moment_of; case: ifP => // /negbFE fit.
    case: ifP => [/andP [/eqP -> hf] [<-]|_].
      have [y run hy] := variance_meaning a ft fit hf; exists y => //.
      by apply: eqt_trans hy _ => c _; exact: variance_eqt.
    case: ifP => // /andP [/eqP et hf]; subst t; case E: literal_value => [[m d|]|] // [<-].
    have [y run hy] := normalize_meaning a ft fit hf E; exists y => //.
    exact: eqt_trans hy (normalize_eqt _ _ ha).
  case: eqP => //= et; subst t; case hu: pointwise_of => [u|].
    case=> <- /agrees1 [a -> [ha _]].
    have [y run hy] := pointwise_meaning a ft hu; exists y => // i hi.
    by rewrite hy /= ha.
  case: ifP => // /andP [rt hf] -[<-] /agrees1 [a -> [ha _]].
  have [y run hy] := softmax_meaning a ft rt hf; exists y => //.
  exact: eqt_trans hy (softmax_eqt rt ha).
- move=> [<-] /=; case: ifP => // /and5P [ft /eqP eb rt hn /andP [/eqP et hf]]; subst tb t.
  move=> [<-] /agrees2 [a [b [-> ha hb _ _]]].
  have [y run hy] := cross_entropy_meaning a b ft rt hn hf; exists y => //.
  by apply: eqt_trans hy _ => i _; exact: cross_entropy_eqt.
- by case: b => [? ? ?|?|? ? ? ?] //=; case: (all_some _) => // l [<-].
Qed.

Lemma recognise_conv_meaning f t bs ts o xs e next :
  all_some (map real_of bs) = Some ts -> recognise_conv f t ts = Some o ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 y, function_meaning (@no_call R) f xs = Some [:: Array t (Reals y)]
    & eqt (t_shape t) y (den o e).
Proof.
move=> hb /recognised_conv [ta [n [tb [k [ets known]]]]].
have [za [zb ebs]] : exists za zb, bs = [:: Real ta n za; Real tb k zb].
  move: hb; rewrite ets; case: bs => [|[ta' n' za|?|? ? ? ?] [|[tb' k' zb|?|? ? ? ?] [|b bs]]] //=.
    by case=> -> -> -> ->; exists za, zb.
  by case: (real_of b) => //= ?; case: (all_some _).
rewrite ebs => /agrees2 [u [v [-> hu hv _ _]]].
case: known => [[c [flipped [hs ft -> hf]]]|].
  have [_ _ hd /eqP et] := and4P ft; rewrite et; case: flipped hs hf => hs hf.
  - exists (convolution c (t_shape ta) (t_shape tb) u (reverse (n_spatial (c_rhs c)) (t_shape tb) v)).
      by rewrite -et; exact: reversed_meaning hf ft.
    move=> i hi; rewrite -[u]/(two u v 0%num) -[v in LHS]/(two u v 1%num).
    rewrite -(den_conv_reversed 0 1 (two u v) hd hs) //; exact: den_swap2.
  - exists (convolution c (t_shape ta) (t_shape tb) u v).
      by rewrite -et; exact: conv_meaning hf ft.
    move=> i hi; rewrite -[u]/(two u v 0%num) -[v in LHS]/(two u v 1%num).
    rewrite -(den_conv 0 1 (two u v) hd hs) //; exact: den_swap2.
case=> [c [l [inputs [outputs [[hl eb hn hg hs] [hf fs ft ->]]]]]].
have spatial : n_spatial (c_rhs c) = first_dims (size (c_windows c)) by rewrite (numbers_inj hn).
have [_ _ hd /eqP et] := and4P ft; rewrite et.
exists (convolution c (t_shape ta) (l ++ [:: outputs; (c_feature_groups c * inputs)%num]) u
    (rearranged (size (c_windows c)) l inputs (c_feature_groups c) outputs v)).
  by rewrite -et; exact: grouped_meaning hl eb spatial hf fs ft.
move=> i hi; rewrite -[u]/(two u v 0%num) -[v in LHS]/(two u v 1%num).
rewrite -(den_grouped 0 1 (two u v) hl hn hg hd hs) //; rewrite eb in hv; exact: den_swap2.
Qed.

Lemma recognise_pool_meaning f t bs ts o xs e next :
  all_some (map real_of bs) = Some ts -> recognise_pool f t ts = Some o ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 y, function_meaning (@no_call R) f xs = Some [:: Array t (Reals y)]
    & eqt (t_shape t) y (den o e).
Proof.
case: bs => [|[ta n za|ta|ta ca n n'] [|[tb k zb|tb|tb cb k k'] [|b bs]]] //; first by move=> [<-].
- move=> [<-]; rewrite /recognise_pool; case: ifP => // /and5P [ft /eqP ec /eqP hs /eqP ho].
  move=> /and3P [ok hf fit] [<-] /agrees1 [a -> [ha _]].
  exact: window_sum_grad_meaning ft ec hs ho ok hf fit ha.
- move=> [<-]; rewrite /recognise_pool; case: ifP => // /and4P [_ /eqP et ok hf] [<-].
  subst ta; move=> /agrees2 [a [b [-> ha hb _ _]]].
  apply: max_pool_grad_meaning ok _ ha hb; move: hf.
  by rewrite /window_cells size_idxs Nnat.N2Nat.id.
- by case: b => [? ? ?|?|? ? ? ?] //=; case: (all_some _) => // l [<-].
Qed.
End Outcome.
