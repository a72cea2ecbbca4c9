(** * Raising keeps the meaning

    [raise_sound]: if [raise] gives a program for a module, then on all argument
    tensors of the argument types the module has a meaning, and it is what the
    program computes, on the index set of every result.

    Glossary
      - [argument_arrays]  tensors with the types of a list of slots
      - [input_env xs]     the environment in which value [k] is the [k]-th of [xs]
      - [agrees], [sound]  what a StableHLO value has to do with the graph's
                           value that it is bound to; all of them *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith String Lia FMapPositive.
From Cotangent Require Import Ir Index Denote Joins Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies RaiseConvolution RaiseGrouped RaiseGradients.
From Cotangent Require Import RaisePool RaiseMaxPool JoinsSound RaiseJoin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** Defaults, for reading lists by position. *)
Definition no_slot : slot := Slot (Tensor [::] F32) [::].

Section Sound.
Variable R : realType.
Definition no_tensor : tensor R := fun _ => 0.

Definition argument_arrays (slots : seq slot) (xs : seq (tensor R)) : seq (array R) :=
  [seq Array (s_type p.1) (Reals p.2) | p <- zip slots xs].
Definition input_env (xs : seq (tensor R)) : env R := fun k => nth no_tensor xs (N.to_nat k).

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

(** ** All values so far *)

Section Run.
Variables (m : module) (e0 : env R).

Definition program_env (st : state) : env R := run (rev (st_code st)) e0.

Definition sound (st : state) args results : Prop :=
  st_result st = N.of_nat (size results) /\
  forall v b, find st v = Some b -> exists2 x, lookup args results v = Some x
    & agrees (program_env st) (st_next st) b x.

Lemma value_key_inj v w : value_key v = value_key w -> v = w.
Proof.
case: v w => n [] k //= [] h; congr (_ _); have := congr1 N.pos h; rewrite !N.succ_pos_spec; lia.
Qed.

Lemma find_bind st w b v r n code :
  find (State (bind w b st) r n code) v = if v == w then Some b else find st v.
Proof.
rewrite /find; case: eqP => [->|ne]; first exact: PositiveMap.gss.
by apply: PositiveMap.gso => /value_key_inj.
Qed.

Lemma lookup_rcons args results x v y :
  lookup args results v = Some y -> lookup args (rcons results x) v = Some y.
Proof.
case: v => //= k h; rewrite -cats1 -h; apply: List.nth_error_app1.
by apply/List.nth_error_Some; rewrite h.
Qed.

Lemma lookup_last args results x :
  lookup args (rcons results x) (Res (N.of_nat (size results))) = Some x.
Proof.
rewrite /= Nnat.Nat2N.id; elim: results => //= y l ih; exact: ih.
Qed.

(** A new value of the graph changes none below it. *)
Lemma agrees_later e e' next next' b x : (next <= next')%num ->
  (forall n, (n < next)%num -> e' n = e n) -> agrees e next b x -> agrees e' next' b x.
Proof.
move=> le he; case: b => [t n z|//|t c n k] /=.
  by case=> hn [a -> ha]; split; [lia | exists a => //; rewrite he].
by case=> hn [hk [p -> hp]]; split; [lia | split; [lia | exists p => //; rewrite !he]].
Qed.

Lemma operands_agree st args results vs bs : sound st args results ->
  all_some (map (find st) vs) = Some bs ->
  exists2 xs, all_some (map (lookup args results) vs) = Some xs
    & List.Forall2 (agrees (program_env st) (st_next st)) bs xs.
Proof.
move=> [_ h]; elim: vs bs => [|v vs ih] bs /=; first by case=> <-; exists [::].
case E: (find st v) => [b|] //=; have [x -> hx] := h _ _ E.
case F: (all_some _) => [l|] //= [<-]; have [xs -> hxs] := ih _ F.
by exists (x :: xs) => //; constructor.
Qed.

Lemma agree_types e next bs xs : List.Forall2 (agrees e next) bs xs ->
  map (@a_type R) xs = map bound_type bs.
Proof. by elim=> //= b x ? ? h _ ->; rewrite (agrees_type h). Qed.

Lemma one_instruction i bs out e next args results :
  is_call (i_operation i) || fits (i_operation i) (map bound_type bs) (i_type i) ->
  outcome_of m (i_operation i) (i_type i) bs = Some out ->
  forall xs, all_some (map (lookup args results) (i_operands i)) = Some xs ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 c, instruction_meaning (@call_of_private R m) args results i = Some (Array (i_type i) c)
    & outcome_agrees e next (i_type i) out c.
Proof.
case: i => o vs t hf ho xs hx hb; move: hf ho hx => /= hf ho hx.
have [C|C] := boolP (is_call o).
  clear hf; case: o C ho => // f _ /=; case G: (callee m f) => [g|] //=.
  case A: (all_some (map real_of bs)) => [ts|] //= hr.
  have [o [eo [y run hy]]] : exists o, Some out = Some (Emit o false) /\
      exists2 y, function_meaning (@no_call R) g xs = Some [:: Array t (Reals y)]
        & eqt (t_shape t) y (den o e).
    move: hr; case E: (recognise g t ts) => [o|] /=.
      by case=> <-; exists o; split=> //; exact: recognise_meaning A E hb.
    case E': (recognise_conv g t ts) => [o|] /=.
      by case=> <-; exists o; split=> //; exact: recognise_conv_meaning A E' hb.
    case E'': (recognise_pool g t ts) => [o|] //= [<-].
    by exists o; split=> //; exact: recognise_pool_meaning A E'' hb.
  case: eo => ->.
  exists (Reals y); last by exists y.
  by rewrite /instruction_meaning /= hx /= /call_of_private G run /= eqxx.
rewrite (negbTE C) /= in hf.
have [c hm hc] := outcome_meaning C ho hf hb.
exists c => //; apply: (@instruction_some R _ _ _ _ _ _ xs) => //.
by rewrite (agree_types hb).
Qed.

Lemma instruction_step i st st' args results :
  sound st args results -> raise_instruction m i st = Some st' ->
  exists2 x, instruction_meaning (@call_of_private R m) args results i = Some x
    & sound st' args (rcons results x).
Proof.
case: st => bounds result next code; set st := State _ _ _ _ => hs.
rewrite /raise_instruction -/st; case E: (all_some _) => [bs|] //=.
case: ifP => // hf; case O: (outcome_of _ _ _ _) => [out|] //= [<-].
have [xs hx hb] := operands_agree hs E.
have [c hm hc] := one_instruction hf O hx hb.
exists (Array (i_type i) c) => //; case: hs => hr h; rewrite /= in hr.
case: out {O} hc => [o z|os|r n k|] hc.
- have later n : (n < next)%num -> program_env (State (bind (Res result)
      (Real (i_type i) next z) st) (N.succ result) (N.succ next) ((next, o) :: code)) n
      = program_env st n.
    move=> hn; rewrite /program_env /= rev_cons /run foldl_rcons /step /= updN //; lia.
  split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind.
  case: eqP => [-> [<-]|_ /h [x found ha]].
    exists (Array (i_type i) c); first by rewrite hr lookup_last.
    split; first by rewrite /=; lia.
    case: hc => a -> ha; exists a => //.
    by rewrite /program_env /= rev_cons /run foldl_rcons /step /= updE.
  exists x; first exact: lookup_rcons.
  by apply: agrees_later ha => //=; lia.
- case: hc => pos [a -> ha]; set code' := sum_code _ _ _; set after := (next + sum_size os)%num.
  have lt : (next < after)%num by have := sum_size_gt0 pos; rewrite /after; lia.
  set b' := Real _ _ _; have env' : program_env (State (bind (Res result) b' st)
      (N.succ result) after (catrev code' code)) = run code' (program_env st).
    by rewrite /program_env /= catrevE rev_cat revK run_cat.
  split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind; case: eqP => [-> [<-]|_ /h [x found hx']].
    exists (Array (i_type i) (Reals a)); first by rewrite hr lookup_last.
    by split; [rewrite /=; lia | exists a => //; rewrite env'].
  exists x; first exact: lookup_rcons.
  apply: agrees_later hx' => [|n hn]; first by rewrite /=; lia.
  by rewrite env' run_sum_before.
- split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind.
  case: eqP => [-> [<-]|_ /h [x found ha]].
    exists (Array (i_type i) c); first by rewrite hr lookup_last.
    by case: hc => hn [hk [p -> hp]]; split=> //; split=> //; exists p.
  by exists x => //; exact: lookup_rcons.
- split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind.
  case: eqP => [-> [<-]|_ /h [x found ha]]; last by exists x => //; exact: lookup_rcons.
  exists (Array (i_type i) c); first by rewrite hr lookup_last.
  by rewrite hc.
Qed.

Lemma body_steps body st st' args results :
  sound st args results -> raise_body m body st = Some st' ->
  exists2 rs, body_meaning (@call_of_private R m) args results body = Some rs
    & sound st' args rs.
Proof.
elim: body st results => [|i body ih] st results hs /=; first by case=> <-; exists results.
case E: (raise_instruction m i st) => [st1|] //= hb.
have [x -> hx] := instruction_step hs E.
exact: ih hx hb.
Qed.
End Run.

(** ** The module *)

Lemma find_arguments ts k bounds v b :
  PositiveMap.find (value_key v) (bind_arguments ts k bounds) = Some b ->
  (exists2 j, (j < size ts)%nat &
     v = Arg (k + N.of_nat j) /\ b = Real (nth (scalar (Tensor [::] F32)) ts j) (k + N.of_nat j) false)
  \/ PositiveMap.find (value_key v) bounds = Some b.
Proof.
elim: ts k bounds => [|t ts ih] k bounds; first by right.
case/(ih (N.succ k) (PositiveMap.add (value_key (Arg k)) (Real t k false) bounds))
  => [[j hj [-> ->]]|].
  left; exists j.+1 => //; have -> : (k + N.of_nat j.+1 = N.succ k + N.of_nat j)%num by lia.
  by [].
case: (value_eq_dec v (Arg k)) => [->|ne].
  rewrite PositiveMap.gss => -[<-]; left; exists 0%nat => //.
  by rewrite N.add_0_r.
by rewrite PositiveMap.gso => [|/value_key_inj //]; right.
Qed.

Lemma nth_error_arguments slots xs k : size xs = size slots -> (k < size slots)%nat ->
  List.nth_error (argument_arrays slots xs) k
  = Some (Array (s_type (nth no_slot slots k)) (Reals (nth no_tensor xs k))).
Proof. by elim: slots xs k => [|s slots ih] [|x xs] [|k] //= [hs] hk; exact: ih. Qed.

Lemma initial_sound f xs : size xs = size (f_arguments f) ->
  sound (input_env xs) (initial f) (argument_arrays (f_arguments f) xs) [::].
Proof.
move=> hs; split=> // v b; rewrite /find /initial /=.
case/find_arguments => [[j hj [-> ->]]|]; last by rewrite PositiveMap.gempty.
rewrite size_map in hj; rewrite N.add_0_l /= Nnat.Nat2N.id.
exists (Array (s_type (nth no_slot (f_arguments f) j)) (Reals (nth no_tensor xs j))).
  exact: nth_error_arguments.
split; first by move/ssrnat.ltP: hj => hj; rewrite size_map; lia.
exists (nth no_tensor xs j); first by rewrite (nth_map no_slot).
by split=> // i _; rewrite /program_env /= /input_env Nnat.Nat2N.id.
Qed.

Lemma returns_agree st e0 args results vs outs :
  sound e0 st args results -> all_some [seq obind real_of (find st v) | v <- vs] = Some outs ->
  exists2 ys, all_some (map (lookup args results) vs)
      = Some [seq Array p.1 (Reals p.2) | p <- zip (map fst outs) ys]
    & size ys = size outs /\ forall k, (k < size ys)%nat ->
        eqt (t_shape (nth (scalar (Tensor [::] F32)) (map fst outs) k)) (nth no_tensor ys k)
          (program_env e0 st (nth 0%num (map snd outs) k)).
Proof.
move=> [_ h]; elim: vs outs => [|v vs ih] outs /=; first by case=> <-; exists [::].
case E: (find st v) => [[t n z|?|]|] //=; have [x -> [_ [a -> [ha _]]]] := h _ _ E.
case F: (all_some _) => [l|] //= [<-]; have [ys -> [hs hy]] := ih _ F.
exists (a :: ys) => //=; split; first by rewrite hs.
by case=> [|k] //; exact: hy.
Qed.

Lemma have_arguments slots xs : size xs = size slots ->
  have_types (argument_arrays slots xs) slots.
Proof.
move=> hs; apply/eqP; rewrite /argument_arrays -map_comp.
by elim: slots xs hs => [|s slots ih] [|x xs] //= [/ih ->].
Qed.

Theorem raise_sound m r xs : raise m = Some r -> size xs = size (r_arguments r) ->
  exists2 ys, meaning m (argument_arrays (r_arguments r) xs)
      = Some (argument_arrays (r_results r) ys)
    & size ys = size (r_results r) /\ size (r_outputs r) = size (r_results r) /\
      forall k, (k < size ys)%nat ->
        eqt (t_shape (s_type (nth no_slot (r_results r) k))) (nth no_tensor ys k)
          (run (r_program r) (input_env xs) (nth 0%num (r_outputs r) k)).
Proof.
rewrite /raise /meaning; case: (main_of m) => [f|] //=; case: ifP => // _.
case B: (raise_body m (f_body f) (initial f)) => [st|] //=.
case O: (all_some _) => [outs|] //=; case: eqP => // ht [<-] /= hs.
have [rs run hst] := body_steps (initial_sound hs) B.
have [ys hys [sy hy]] := returns_agree hst O.
have sizes : size outs = size (f_results f) by rewrite -(size_map fst) ht size_map.
exists ys; last first.
  rewrite sy size_map sizes; split=> //; split=> // k hk.
  have := hy k; rewrite sy sizes => /(_ hk).
  by rewrite ht (nth_map no_slot).
rewrite /function_meaning have_arguments // run /= hys /= ht.
have -> : [seq Array p.1 (Reals p.2) | p <- zip (map s_type (f_results f)) ys]
    = argument_arrays (f_results f) ys.
  rewrite /argument_arrays; elim: (f_results f) ys {hys hy sy} => [|s l ih] [|y ys] //=.
  by rewrite ih.
by rewrite have_arguments // sy.
Qed.
End Sound.
