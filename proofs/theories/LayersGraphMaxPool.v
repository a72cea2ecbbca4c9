(** * Maximum pools as their layer emits them

    For all images, windows, strides and paddings: what reverse mode emits for
    [Layer.emit]'s instruction gives the cotangent of every window to one cell,
    the first of the greatest ([max_pool_gradients]), which is the cell whose
    number the layer puts out ([selected_value]): a binary selection. Off ties
    this is the transposed derivative ([LayersGraphMore.max_pool_graph]).

    Glossary
      - [first_best f p l]    of [p] and [l], the first at which [f] is greatest
      - [selected h w v u x b a i j]  row and column of the cell that the window at
                              [i, j] selects, in channel [a] of image [b]; [None]
                              if none of its cells is in the image
      - [max_pool_gradient]   of a cell, the sum of the cotangents of the windows
                              that select it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Differential Computes SpecLayer Images ImagesSound PoolsSound LayersGraphCells LayersGraphConv2d.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Formulas.
Variable R : realType.

Fixpoint first_best (T : Type) (f : T -> R) (best : T) (l : seq T) : T :=
  if l is p :: l' then first_best f (if f best < f p then p else best) l' else best.

Definition selected (h w : N) (v u : Layer.window) (x : tensor R) (b a i j : N) : option (N * N) :=
  if window_cells h w v u i j is p :: l
  then Some (first_best (fun p => x [:: b; p.1; p.2; a]) p l) else None.

Definition max_pool_gradient (h w : N) (v u : Layer.window) (x dy : tensor R) (b p q a : N) : R :=
  windows v u h w (fun i j =>
    if selected h w v u x b a i j == Some (p, q) then dy [:: b; i; j; a] else 0).
End Formulas.

Section Pool.
Variable R : realType.
Implicit Types (e : env R) (x dy : tensor R).

Lemma first_greatest_map (T : Type) (place : T -> idx) x p l :
  first_greatest x (place p) [seq place q | q <- l] = place (first_best (x \o place) p l).
Proof. by elim: l p => //= q l ih p; rewrite -ih; case: ifP. Qed.

Lemma first_best_split (T : eqType) (f : T -> R) b l : exists pre post,
  [/\ b :: l = pre ++ first_best f b l :: post, {in pre, forall j, f j < f (first_best f b l)}
    & {in post, forall j, f j <= f (first_best f b l)}].
Proof.
elim: l b => [|j l ih] b /=; first by exists [::], [::].
case: ifP => [lt|/negbT nlt]; last first.
  have le : f j <= f b by rewrite leNgt.
  have [[|b' pre] [post [e hpre hpost]]] := ih b; move: e hpre hpost => /= -[<- e] hpre hpost.
    exists [::], (j :: post); split=> //; first by rewrite /= e.
    by move=> i; rewrite inE => /orP [/eqP ->|/hpost].
  exists [:: b, j & pre], post; split=> //; first by rewrite /= {1}e.
  have hb := hpre b (mem_head _ _).
  move=> i; rewrite !inE => /or3P [/eqP ->|/eqP ->|hi] //; first exact: le_lt_trans le hb.
  by apply: hpre; rewrite inE hi orbT.
have [pre [post [e hpre hpost]]] := ih j; exists (b :: pre), post; split=> //.
  by rewrite /= e.
have hj : f j <= f (first_best f j l).
  have : j \in pre ++ first_best f j l :: post by rewrite -e mem_head.
  by rewrite mem_cat inE => /or3P [/hpre/ltW|/eqP <-|/hpost].
by move=> i; rewrite inE => /orP [/eqP ->|/hpre //]; exact: lt_le_trans lt hj.
Qed.

Lemma sum_below m j (F : N -> R) : (j < m)%num ->
  (forall i, (i < m)%num -> i <> j -> F i = 0) -> \sum_(i <- Nrange m) F i = F j.
Proof.
move=> hj h; have hm : j \in Nrange m by rewrite mem_Nrange; apply/N.ltb_lt.
rewrite (bigD1_seq j) ?Nrange_uniq //= big_seq_cond big1 ?addr0 // => i /andP [].
by rewrite mem_Nrange => /N.ltb_lt hi /eqP; exact: h.
Qed.

Section Layer.
Variables (n h w c : N) (v u : Layer.window).
Let s : shape := [:: n; h; w; c].
Let out := Layer.pooled n h w c v u.

Lemma chosen_selected x b a i j : (b < n)%num -> (a < c)%num ->
  chosen s (Layer.pool_window v u) (Layer.pool_map v u) x [:: b; i; j; a]
  = omap (window_place b a) (selected h w v u x b a i j).
Proof.
move=> hb ha; rewrite /chosen cells_pool // /selected; case: window_cells => [|p l] //=.
by rewrite first_greatest_map.
Qed.

Theorem max_pool_gradients s' code e dy :
  Layer.output (Layer.MaxPool v u) [:: h; w; c] = Some s' ->
  Layer.emit (Layer.MaxPool v u) n [:: h; w; c] [::] 0 1 = Some code ->
  exists dx, gradients code 2 1 [:: (0%num, s)] e dy = [:: dx] /\
    forall b p q a, (b < n)%num -> (p < h)%num -> (q < w)%num -> (a < c)%num ->
      dx [:: b; p; q; a] = max_pool_gradient h w v u (e 0%num) dy b p q a.
Proof.
move=> _ [<-]; set code' := [:: _].
have [//|//|//|y] := @gradients_computes R code' 2 1 [:: (0%num, s)] 1 e dy.
rewrite [seq.map _ _]/= => -[-> hcode low h2]; exists (y 3%num); split=> // b p q a hb hp hq ha.
move: hcode; rewrite /code' /rev /= => /computes_cons [_] /computes_cons [h3 _].
have ch b' i j a' : (b' < n)%num -> (a' < c)%num -> (chosen s (Layer.pool_window v u) (Layer.pool_map v u) (e 0%num) [:: b'; i; j; a']
    == Some [:: b; p; q; a]) = [&& b' == b, a' == a & selected h w v u (e 0%num) b a i j == Some (p, q)].
  move=> hb' ha'; rewrite chosen_selected //.
  apply/eqP/and3P => [|[/eqP -> /eqP -> /eqP ->] //].
  case E: selected => [[p' q']|] // [eb ep eq' ea]; subst b' p' q' a'.
  by rewrite E !eqxx.
rewrite h3 /= h2 low // big_mkcond sum4 (sum_below hb) => [|b' hb' /eqP /negPf ne]; last first.
  rewrite big1 // => i _; rewrite big1 // => j _; rewrite big_seq big1 // => a'; rewrite mem_Nrange => /N.ltb_lt ha'.
  by rewrite ch // ne.
apply: eq_bigr => i _; apply: eq_bigr => j _.
by rewrite (sum_below ha) => [|a' ha' /eqP /negPf ne]; rewrite ch // ?eqxx ?ne.
Qed.

(** The selected cell is in the window, and no cell is greater; those before it
    are less. Its number is the layer's. *)
Theorem selected_value s' x b a i j :
  Layer.output (Layer.MaxPool v u) [:: h; w; c] = Some s' ->
  (b < n)%num -> (i < Layer.places v h)%num -> (j < Layer.places u w)%num -> (a < c)%num ->
  exists p pre post, [/\ selected h w v u x b a i j = Some p,
    window_cells h w v u i j = pre ++ p :: post,
    {in pre, forall r, x [:: b; r.1; r.2; a] < x [:: b; p.1; p.2; a]},
    {in post, forall r, x [:: b; r.1; r.2; a] <= x [:: b; p.1; p.2; a]}
    & max_pool h w v u x [:: b; i; j; a] = x [:: b; p.1; p.2; a]].
Proof.
rewrite /=; case: ifP => // /andP [fv fu] _ hb hi hj ha.
have hin : [:: b; i; j; a] \in idxs out by exact: in4.
have := @max_pool_sound n h w c v u R 0 (fun=> x) _ hin; rewrite /= chosen_selected // => vx.
have pos := window_cells_gt0 fv fu hi hj; move: vx; rewrite /selected.
case E: window_cells pos => [|r l] // _ vx; pose f (z : N * N) := x [:: b; z.1; z.2; a].
have [pre [post [e hpre hpost]]] := first_best_split f r l.
by exists (first_best f r l), pre, post; split.
Qed.
End Layer.
End Pool.
