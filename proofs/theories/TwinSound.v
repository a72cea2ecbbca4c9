(** * The executable twin computes the meaning

    [twin_sound]: what [Twin.q_meaning] computes from rational arguments is,
    read as real numbers, the meaning of the module at those arguments.

    Glossary
      - [.._source_in]  where an op reads is in the operand
      - [give]         a tabulated result is the same *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith QArith_base Qreduction Qabs String Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear ConvolutionIndex RaiseConvolution JoinsSound RaiseJoin Twin.
From Cotangent Require Export TwinNumbers.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Close Scope Q_scope.
Local Open Scope ring_scope.

(** ** Where ops read lies in the operand *)

Lemma broadcast_inb s u j : size s = size u ->
  all (fun p => (p.1 == 1%num) || (p.1 == p.2)) (zip s u) -> inb u j ->
  inb s [seq if p.1 == 1%num then 0%num else p.2 | p <- zip s j].
Proof.
elim: s u j => [|d s ih] [|d' u] [|k j] //= [hs] /andP [hd h] /andP [hk hj].
rewrite (ih u) // andbT; case: eqP hd => [-> //|_] /= /eqP -> //.
Qed.

Lemma broadcast_source_in ds s t i : broadcast_fits ds s t -> i \in idxs t ->
  broadcast_source ds s i \in idxs s.
Proof.
case/and3P=> /eqP hs /distinctP [_ hd] h; rewrite !mem_idxs => hi.
by apply: (broadcast_inb _ h); rewrite ?size_pick // inb_pick.
Qed.

Lemma transpose_source_in ds s i : size ds = size s -> distinct (size s) ds ->
  i \in idxs (pick s ds) -> transpose_source ds s i \in idxs s.
Proof.
move=> hs hd; rewrite !mem_idxs => hi; apply: inb_place => // d.
exact: distinct_cover.
Qed.

Lemma reverse_source_in ds s i : i \in idxs s -> reverse_source ds s i \in idxs s.
Proof.
rewrite !mem_idxs /reverse_source => hi; apply/inbP.
split=> [|k hk]; first by rewrite size_map size_first_dims.
rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims // Nnat.Nat2N.id.
have /N.ltb_lt h := inb_nth hi hk; case: ifP => _; apply/N.ltb_lt; lia.
Qed.

Lemma dot_source_in d s t i c : dot_fits d s t -> i \in idxs (result_shape d s t) ->
  c \in idxs (pick s (lhs_contracting d)) ->
  lhs_index d s i c \in idxs s /\ rhs_index d s t i c \in idxs t.
Proof.
case/and4P=> _ _ /eqP hb /eqP hc; rewrite !mem_idxs => hi hk.
have [ib [if_ [ig [ei sb sf sg]]]] := split_index (inb_size hi).
move: hi; rewrite ei /result_shape !inb_cat // => /and3P [h1 h2 h3].
rewrite /lhs_index /rhs_index -(size_pick s (lhs_batching d)) -(size_pick s (lhs_free d s)).
rewrite -sb -sf take_size_cat // drop_size_cat // take_size_cat //.
rewrite -size_cat [X in drop _ X]catA drop_size_cat //.
split; (apply: inb_place; first by move=> k; exact: others_cover).
  by rewrite !pick_cat !inb_cat // h1 h2.
by rewrite !pick_cat -hb -hc !inb_cat // h1 h3.
Qed.

Lemma inside_in s z j : inside s z = Some j -> j \in idxs s.
Proof.
rewrite mem_idxs; elim: s z j => [|n s ih] [|k z] j //=; first by case=> <-.
case: andP => // -[/Z.leb_le h0 /Z.ltb_lt h1]; case E: (inside s z) => [l|] //= [<-] /=.
by rewrite (ih _ _ E) andbT; apply/N.ltb_lt; lia.
Qed.

Lemma slide_cells_in ws s i j : j \in slide_cells ws s i -> j \in idxs s.
Proof. by rewrite mem_pmap => /mapP [o _ /esym /inside_in]. Qed.

Lemma pad_source_in ps s t i j : all_dims2 pad_fits ps s t -> i \in idxs t ->
  pad_source ps s i = Some j -> j \in idxs s.
Proof.
rewrite !mem_idxs; elim: ps s t i j => [|p ps ih] [|n s] [|m t] [|k i] j //=; first by move=> _ _ [<-].
move=> /andP [_ hd] /andP [_ hi]; set w := ConvWindow _ _ _ _ _.
have hw : N.ltb 0 (w_lhs_dilation w) by apply/N.ltb_lt; rewrite /=; lia.
case E: padded_cell => [x|] //=; case F: pad_source => [l|] //= [<-] /=.
rewrite (ih _ _ _ _ hd hi F) andbT; apply/N.ltb_lt.
by have [] := (padded_cellP _ _ _ hw).1 E.
Qed.

Lemma fibre_in s ds i r : r \in fibre s ds i -> r \in idxs s.
Proof. by rewrite mem_filter => /andP []. Qed.

Lemma rememberE (T : Type) (d : T) s f i : i \in idxs s -> remember d s f i = f i.
Proof. by move=> hi; rewrite /remember (nth_map [::]) ?index_mem // nth_index. Qed.

(** ** Ops *)
Section Twin.
Variable R : realType.

Lemma bounded_none (q : option Q) : ~~ q -> omap (q_real R) q = None.
Proof. by case: q. Qed.
Implicit Types (a : tensor R) (b : idx -> Q).
Local Notation same := (@same R).
Local Notation same_results := (@same_results R).

Lemma same_rationals x t b : same x (QArray t (Rationals b)) ->
  exists2 a, x = Array t (Reals a) & {in idxs (t_shape t), forall i, a i = q_real R (b i)}.
Proof. by case: x => t' [a|p|a] [/= -> h] //; exists a. Qed.
Lemma same_truths x t q : same x (QArray t (Truths q)) ->
  exists2 p, x = Array t (Booleans p) & {in idxs (t_shape t), forall i, p i = q i}.
Proof. by case: x => t' [a|p|a] [/= -> h] //; exists p. Qed.
Lemma same_bounded x t (b : idx -> option Q) : same x (QArray t (Bounded b)) ->
  exists2 a, x = Array t (Extended a) & {in idxs (t_shape t), forall i, a i = omap (q_real R) (b i)}.
Proof. by case: x => t' [a|p|a] [/= -> h] //; exists a. Qed.

Lemma same_type xs qs : List.Forall2 same xs qs -> map (@a_type R) xs = map q_type qs.
Proof. by elim=> //= x q ? ? [-> _] _ ->. Qed.

(** A tabulated result. *)
Lemma give s (a : tensor R) (f : idx -> Q) :
  {in idxs s, forall i, a i = q_real R (f i)} ->
  same_cells s (Reals a) (Rationals (q_remember s f)).
Proof. by move=> h i hi; rewrite /q_remember rememberE // h. Qed.

Lemma real_cells s a b (l : seq idx) : {in idxs s, forall i, a i = q_real R (b i)} ->
  {subset l <= idxs s} -> map (q_real R) (map b l) = map a l.
Proof. by move=> h hl; rewrite -map_comp; apply/eq_in_map => i /hl hi; rewrite /= h. Qed.

Lemma same_nil xs : List.Forall2 same xs [::] -> xs = [::].
Proof. by move=> h; inversion h. Qed.
Lemma same_cons xs q qs : List.Forall2 same xs (q :: qs) ->
  exists x xs', [/\ xs = x :: xs', same x q & List.Forall2 same xs' qs].
Proof. by move=> h; inversion h as [|x q' xs' qs' hx hn]; subst; exists x, xs'. Qed.

Lemma same_one xs t b : List.Forall2 same xs [:: QArray t (Rationals b)] ->
  exists2 a, xs = [:: Array t (Reals a)] & {in idxs (t_shape t), forall i, a i = q_real R (b i)}.
Proof.
by case/same_cons=> x [xs' [-> /same_rationals [a -> ha] /same_nil ->]]; exists a.
Qed.
Lemma same_two xs t b t' b' :
  List.Forall2 same xs [:: QArray t (Rationals b); QArray t' (Rationals b')] ->
  exists a a', [/\ xs = [:: Array t (Reals a); Array t' (Reals a')],
    {in idxs (t_shape t), forall i, a i = q_real R (b i)}
    & {in idxs (t_shape t'), forall i, a' i = q_real R (b' i)}].
Proof.
case/same_cons=> x [xs' [-> /same_rationals [a -> ha] /same_one [a' -> ha']]].
by exists a, a'.
Qed.

Lemma all_some_nth (T : Type) (f : idx -> option T) (d : T) js l i :
  all_some (map f js) = Some l -> i \in js -> f i = Some (nth d l (seq.index i js)).
Proof.
elim: js l => //= j js ih l; case E: (f j) => [y|] //=; case F: (all_some _) => [k|] //= [<-].
rewrite inE eq_sym; case: eqP => [<- _|_ /= hi] /=; first exact: E.
exact: ih F hi.
Qed.

Lemma same_reals xs qs bs : List.Forall2 same xs qs -> all_some (map rationals_of qs) = Some bs ->
  map fst bs = map t_shape (map q_type qs) /\
  exists2 vs, all_some (map (@reals_of R) xs) = Some vs
    & List.Forall2 (fun v w => v.1 = w.1 /\ {in idxs w.1, forall i, v.2 i = q_real R (w.2 i)}) vs bs.
Proof.
move=> h; elim: h bs => [|x q {}xs {}qs hx _ ih] bs /=.
  by case=> <-; split=> //; exists [::] => //; constructor.
case: q hx => t [b|p|b] hx //=; have [a -> ha] := same_rationals hx.
case E: (all_some _) => [l|] //= [<-]; have [es [vs ev hvs]] := ih _ E.
by split; rewrite /= ?es ?ev //; exists ((t_shape t, a) :: vs) => //; constructor.
Qed.

Lemma q_concatenate_sound k t xs qs d : q_op (Concatenate k) t qs = Some d -> List.Forall2 same xs qs ->
  fits (Concatenate k) (map q_type qs) t ->
  exists2 c, op_meaning (Concatenate k) t xs = Some c & same_cells (t_shape t) c d.
Proof.
rewrite /q_op /op_meaning; case A: (all_some _) => [bs|] //= [<-] h.
move=> /and3P [_ _ /and4P [/N.ltb_lt hk _ parts _]]; have [e [vs -> hvs]] := same_reals h A.
exists (Reals (concatenate 0 k vs)) => //; apply: give => i hi; rewrite -e in parts.
by apply: concatenate_like hvs hi => //; [apply/ssrnat.ltP; lia | rewrite q_real0].
Qed.

Lemma q_op_sound o t xs qs d : q_op o t qs = Some d -> List.Forall2 same xs qs ->
  fits o (map q_type qs) t ->
  exists2 c, op_meaning o t xs = Some c & same_cells (t_shape t) c d.
Proof.
case: o => [l|u|o|dir||dd|ds|r ds|ds||f|cd|ds|r ws|ps|ls|k];
  last exact: q_concatenate_sound;
  case: qs => [|[ta [a|p|a]] [|[tb [b|q|b]] [|[tc [c|w|c]] [|? ?]]]] //; try by case: r.
- rewrite /q_op; case E: (literal_value _ l) => [[n e|]|] // [<-] /same_nil -> _;
    rewrite /= E; first by exists (Reals (fun=> rational R n e)).
  by exists (Extended (fun=> None)).
- rewrite /q_op; case A: (all_some _) => [l|] // [<-] /same_one [x -> hx] /andP [_ /eqP /= e].
  subst ta; exists (Reals (fun i => unary_real u (x i))) => // i hi.
  rewrite hx //; apply: esym; apply: q_real_unary.
  exact: (all_some_nth (f := fun i => q_unary u (a i)) _ A hi).
- rewrite /q_op; case F: (q_binary o) => [f|] // [<-].
  move=> /same_two [x [y [-> hx hy]]] /and3P [_ /eqP /= e1 /eqP /= e2]; subst ta tb.
  exists (Reals (fun i => binary_real o (x i) (y i))) => //; apply: give => i hi.
  by rewrite (@q_real_binary R o f _ _ F) hx // hy.
- move=> [<-] /same_two [x [y [-> hx hy]]] /and3P [_ /eqP /= e1 /eqP /= e2]; subst tb t.
  exists (Booleans (fun i => direction_real dir (x i) (y i))) => // i hi.
  by rewrite rememberE // (q_real_direction R) hx // hy.
- move=> [<-] /same_cons [x0 [xs' [-> /same_bounded [x -> hx]]]].
  case/same_cons=> y0 [ys' [-> /same_bounded [y -> hy] /same_nil ->]].
  case/and3P=> _ /eqP /= e1 /eqP /= e2; subst tb t.
  exists (Booleans (fun i => direction_extended dir (x i) (y i))) => // i hi.
  rewrite rememberE // hx // hy //; case: (a i) => [v|]; case: (b i) => [w|] //=.
  by rewrite (q_real_direction R).
- move=> [<-] /same_cons [x [xs' [-> /same_truths [pr -> hp] /same_two [y [z [-> hy hz]]]]]].
  case/and4P=> _ /eqP /= e1 /eqP /= e2 /eqP /= e3; subst tb tc ta.
  exists (Reals (fun i => if pr i then y i else z i)) => //; apply: give => i hi.
  by rewrite hp //; case: (p i); [exact: hy | exact: hz].
- move=> [<-] /same_cons [x [xs' [-> /same_truths [pr -> hp] hrest]]].
  case/same_cons: hrest => y0 [ys' [-> /same_bounded [y -> hy]]].
  case/same_cons=> z0 [zs' [-> /same_bounded [z -> hz] /same_nil ->]].
  case/and4P=> _ /eqP /= e1 /eqP /= e2 /eqP /= e3; subst tb tc ta.
  exists (Extended (fun i => if pr i then y i else z i)) => // i hi.
  by rewrite rememberE // hp //; case: (p i); [exact: hy | exact: hz].
- move=> [<-] /same_two [x [y [-> hx hy]]] /and4P [_ _ hd /eqP ->].
  exists (Reals (dot_general dd (t_shape ta) (t_shape tb) x y)) => //; apply: give => i hi.
  rewrite q_real_sum big_map /dot_general !big_seq; apply: eq_bigr => k hk.
  have [h1 h2] := dot_source_in hd hi hk.
  by rewrite q_realM hx // hy.
- move=> [<-] /same_one [x -> hx] /and3P [_ _ hd].
  exists (Reals (broadcast_in_dim ds (t_shape ta) x)) => //; apply: give => i hi.
  by rewrite /broadcast_in_dim hx //; exact: broadcast_source_in hd hi.
- case: r => //; rewrite /q_op; case: ifP => // nz [<-].
  move=> /same_two [x [y [-> hx hy]]] /and4P [_ _ /eqP /= e /eqP ->]; subst tb.
  exists (Reals (reduce_add (t_shape ta) ds x)).
    by rewrite /= hy // -(q_real0 R) q_real_eq nz.
  apply: give => i hi; rewrite q_real_sum big_map /reduce_add.
  by rewrite big_seq [RHS]big_seq; apply: eq_bigr => j /fibre_in; exact: hx.
- case: r => //; rewrite /q_op; case: ifP => // nz [<-].
  case/andP: nz => bottom nz; case/same_cons=> x0 [xs' [-> /same_rationals [x -> hx]]].
  case/same_cons=> y0 [ys' [-> /same_bounded [y -> hy] /same_nil ->]].
  case/and4P=> _ _ /eqP /= et /eqP ->; subst tb.
  exists (Reals (reduce_maximum (t_shape ta) ds x)).
    by rewrite /= hy // (bounded_none bottom) nz.
  apply: give => i hi; rewrite /reduce_maximum /q_largest q_real_fold /largest.
  rewrite -(real_cells hx (l := fibre (t_shape ta) ds i)) => [|j]; last exact: fibre_in.
  by rewrite behead_map; case: (map a _) => //=; rewrite q_real0.
- move=> [<-] /same_one [x -> hx] /and4P [_ /eqP hs hd /eqP ->].
  exists (Reals (transpose ds (t_shape ta) x)) => //; apply: give => i hi.
  by rewrite /transpose hx //; exact: transpose_source_in.
- move=> [<-] /same_one [x -> hx] /and3P [_ _ /N.eqb_eq hs].
  exists (Reals (reshape (t_shape ta) (t_shape t) x)) => //; apply: give => i hi.
  by rewrite /reshape hx //; exact: same_place_in hs hi.
- move=> [<-] /same_two [x [y [-> hx hy]]] /and4P [_ _ hd /eqP ->].
  exists (Reals (convolution cd (t_shape ta) (t_shape tb) x y)) => //; apply: give => i hi.
  rewrite q_real_sum big_map /convolution !big_seq; apply: eq_bigr => k hk.
  have [h1 h2] := conv_index_in hd hi hk.
  case E: (conv_lhs_index _ _ _ _ _) => [j|]; last by rewrite q_real0 mul0r.
  by rewrite q_realM hx ?hy // h2.
- move=> [<-] /same_one [x -> hx] /and3P [_ hd /eqP <-].
  exists (Reals (reverse ds (t_shape ta) x)) => //; apply: give => i hi.
  by rewrite /reverse hx //; exact: reverse_source_in.
- case: r => //; rewrite /q_op; case: ifP => // nz [<-].
  move=> /same_two [x [y [-> hx hy]]] /and4P [_ _ /eqP /= e _]; subst tb.
  exists (Reals (window_add ws (t_shape ta) x)).
    by rewrite /= hy // -(q_real0 R) q_real_eq nz.
  apply: give => i hi; rewrite q_real_sum big_map /window_add.
  by rewrite big_seq [RHS]big_seq; apply: eq_bigr => j /slide_cells_in; exact: hx.
- case: r => //; rewrite /q_op; case: ifP => // /andP [bottom meets] [<-].
  case/same_cons=> x0 [xs' [-> /same_rationals [x -> hx]]].
  case/same_cons=> y0 [ys' [-> /same_bounded [y -> hy] /same_nil ->]].
  case/and4P=> _ _ /eqP /= et _; subst tb.
  exists (Reals (window_maximum ws (t_shape ta) x)).
    by rewrite /= hy // (bounded_none bottom) meets.
  apply: give => i hi; rewrite /window_maximum /q_largest q_real_fold /largest.
  rewrite -(real_cells hx (l := slide_cells ws (t_shape ta) i)) => [|j]; last exact: slide_cells_in.
  by rewrite behead_map; case: (map a _) => //=; rewrite q_real0.
- move=> [<-] /same_two [x [y [-> hx hy]]] /and4P [_ _ /eqP /= e hd]; subst tb.
  exists (Reals (pad ps (t_shape ta) x (y [::]))) => //; apply: give => i hi; rewrite /pad.
  by case E: (pad_source _ _ _) => [j|]; [rewrite hx // (pad_source_in hd hi E) | rewrite hy].
- move=> [<-] /same_cons [x0 [xs' [-> /same_rationals [x -> hx]]]].
  case/same_cons=> y0 [ys' [-> /same_bounded [y -> hy] /same_nil ->]].
  case/and4P=> _ _ /eqP /= e hd; subst tb.
  exists (Extended (pad ps (t_shape ta) (fun i => Some (x i)) (y [::]))) => // i hi.
  rewrite rememberE // /pad.
  by case E: (pad_source _ _ _) => [j|]; [rewrite hx // (pad_source_in hd hi E) | rewrite hy].
- move=> [<-] /same_one [x -> hx] /and3P [_ _ hd].
  exists (Reals (slice ls x)) => //; apply: give => i hi.
  by rewrite /slice hx //; exact: slice_source_in hd hi.
- move=> [<-] /same_cons [x0 [xs' [-> /same_bounded [x -> hx] /same_nil ->]]] /and3P [_ _ hd].
  exists (Extended (slice ls x)) => // i hi.
  by rewrite rememberE // /slice hx //; exact: slice_source_in hd hi.
Qed.

(** ** Functions *)

Lemma same_nth xs qs k q : List.Forall2 same xs qs -> List.nth_error qs k = Some q ->
  exists2 x, List.nth_error xs k = Some x & same x q.
Proof.
move=> h; elim: h k => [|x y ? ? hx _ ih] [|k] //=; last exact: ih.
by case=> <-; exists x.
Qed.

Lemma same_lookup args qargs rs qrs v q :
  List.Forall2 same args qargs -> List.Forall2 same rs qrs ->
  q_lookup qargs qrs v = Some q -> exists2 x, lookup args rs v = Some x & same x q.
Proof. by case: v => k ha hr; exact: same_nth. Qed.

Lemma same_lookups args qargs rs qrs vs qs :
  List.Forall2 same args qargs -> List.Forall2 same rs qrs ->
  all_some (map (q_lookup qargs qrs) vs) = Some qs ->
  exists2 xs, all_some (map (lookup args rs) vs) = Some xs & List.Forall2 same xs qs.
Proof.
move=> ha hr; elim: vs qs => [|v vs ih] qs /=; first by case=> <-; exists [::].
case E: (q_lookup _ _ v) => [q|] //=; have [x -> hx] := same_lookup ha hr E.
case F: (all_some _) => [l|] //= [<-]; have [xs -> hxs] := ih _ F.
by exists (x :: xs) => //; constructor.
Qed.

Lemma same_instruction call qcall args qargs rs qrs i y :
  (forall f, same_results (call f) (qcall f)) ->
  List.Forall2 same args qargs -> List.Forall2 same rs qrs ->
  q_instruction qcall qargs qrs i = Some y ->
  exists2 x, instruction_meaning call args rs i = Some x & same x y.
Proof.
move=> hc ha hr; rewrite /q_instruction /instruction_meaning.
case E: (all_some _) => [qs|] //; have [xs -> hxs] := same_lookups ha hr E.
rewrite /obind /oapp; case: i {E} => o vs t; rewrite [i_operation _]/= [i_type _]/=.
have [[f ->]|nc] : (exists f, o = Call f) \/ ~~ is_call o.
- by case: o; try (by right); move=> f; left; exists f.
- case E: (qcall f qs) => [l|] //; have [zs -> hz] := hc f _ _ _ hxs E.
  case: l {E} hz => [|q [|? ?]] // /same_cons [z [? [-> hz /same_nil ->]]].
  case: ifP => // /eqP e [<-]; exists z => //; by rewrite (proj1 hz) e eqxx.
have out : (if fits o (map q_type qs) t then omap (QArray t) (q_op o t qs) else None) = Some y ->
    exists2 x, (if fits o (map (@a_type R) xs) t then omap (Array t) (op_meaning o t xs) else None)
      = Some x & same x y.
  rewrite (same_type hxs); case: ifP => // hf.
  case Q: (q_op o t qs) => [d|] //= [<-]; have [c -> h] := q_op_sound Q hxs hf.
  by exists (Array t c).
by case: o nc out.
Qed.

Lemma Forall2_rcons xs qs x q : List.Forall2 same xs qs -> same x q ->
  List.Forall2 same (rcons xs x) (rcons qs q).
Proof. by elim=> [|? ? ? ? h _ ih] hx /=; constructor => //; exact: ih. Qed.

Lemma same_body call qcall args qargs body rs qrs ys :
  (forall f, same_results (call f) (qcall f)) ->
  List.Forall2 same args qargs -> List.Forall2 same rs qrs ->
  q_body qcall qargs qrs body = Some ys ->
  exists2 zs, body_meaning call args rs body = Some zs & List.Forall2 same zs ys.
Proof.
move=> hc ha; elim: body rs qrs => [|i body ih] rs qrs hr /=; first by case=> <-; exists rs.
case E: (q_instruction _ _ _ i) => [q|] //=; have [x -> hx] := same_instruction hc ha hr E.
by apply: ih; exact: Forall2_rcons.
Qed.

Lemma same_function call qcall f : (forall f, same_results (call f) (qcall f)) ->
  same_results (function_meaning call f) (q_function qcall f).
Proof.
move=> hc xs qs ys hx; rewrite /q_function /function_meaning /q_have_types /have_types.
rewrite (same_type hx); case: ifP => // _.
case B: (q_body _ _ _ _) => [rs|] //; have [zs -> hz] := same_body hc hx (List.Forall2_nil _) B.
rewrite /obind /oapp; case E: (all_some _) => [l|] //; have [ws -> hw] := same_lookups hx hz E.
by rewrite (same_type hw); case: ifP => // _ [<-]; exists ws.
Qed.

Theorem twin_sound m : same_results (@meaning R m) (q_meaning m).
Proof.
rewrite /q_meaning /meaning; case: (main_of m) => [f|] //; apply: same_function => name.
rewrite /q_call /call_of_private; case: (callee m name) => [g|] //.
by apply: same_function => ? ? ? ?.
Qed.
End Twin.
