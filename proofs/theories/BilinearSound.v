(** * The instructions that enlarge an image compute the interpolation

    All along one dimension at a time, of tensors [P ++ [:: n] ++ Q].

    Glossary
      - [joined_at], [cut_at]  a concatenation, a run of lines at an index
      - [neighbours_sound]  of each line the one before it and the one after it
      - [phase_sound], [phases_sound]  one new line, all new lines that each line
                         gives
      - [line_sound]     what [Bilinear.line] emits computes
                         [Images.enlarged_line]
      - [bilinear_sound] what [Bilinear.emit] emits computes [Images.bilinear]
      - [bilinear_eqt]   the formula depends on the cells of the image alone
      - [bilinear_smooth]  no instruction has a kink *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Joins SmoothFacts Computes SpecLayer Images.
From Cotangent Require Import ConvolutionIndex JoinsSound RaiseLinear RaiseGrouped NormsSound TokensSound.
From Cotangent Require Import MeaningJoinSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma enlarged_line_eq (R : realType) ws n (l l' : N -> R) r : (forall i, (i < n)%num -> l i = l' i) ->
  (r < n * N.of_nat (size ws))%num -> enlarged_line ws n l r = enlarged_line ws n l' r.
Proof.
move=> h /split_below [hi _ _]; rewrite /enlarged_line /new_line.
move: (N.div r _) hi => i hi; rewrite !h //; lia.
Qed.
Section Place.
Variables (P Q : shape).
Notation sized := (Bilinear.sized P Q).
Let d := N.of_nat (size P).
Variables p q : idx.
Hypotheses (hp : p \in idxs P) (hq : q \in idxs Q).
Notation at_ l := (p ++ l ++ q).

Let sp : size p = size P. Proof. by move: hp; rewrite mem_idxs => /inb_size. Qed.

Lemma in_sized l i : i \in idxs l -> at_ i \in idxs (sized l).
Proof.
move: hp hq; rewrite !mem_idxs /Bilinear.sized => bp bq bi.
by rewrite inb_cat ?sp // bp inb_cat ?(inb_size bi) // bi bq.
Qed.

Lemma in_one a i : (i < a)%num -> at_ [:: i] \in idxs (sized [:: a]).
Proof. by move=> h; apply: in_sized; rewrite mem_idxs /= andbT; apply/N.ltb_lt. Qed.

Lemma nth_at i : nth 0%num (at_ [:: i]) (N.to_nat d) = i.
Proof. by rewrite /d Nnat.Nat2N.id nth_cat sp ltnn subnn. Qed.

Lemma nth_sized a : nth 0%num (sized [:: a]) (N.to_nat d) = a.
Proof. by rewrite /d Nnat.Nat2N.id nth_cat ltnn subnn. Qed.

Lemma set_cat (T : Type) (z : T) (a : seq T) b l v : set_nth z (a ++ b :: l) (size a) v = a ++ v :: l.
Proof. by elim: a => //= c a ->. Qed.

Lemma set_at i v : set_nth 0%num (at_ [:: i]) (N.to_nat d) v = at_ [:: v].
Proof. by rewrite /d Nnat.Nat2N.id -sp set_cat. Qed.

Lemma resizes_one n a : resizes d (sized [:: n]) (sized [:: a]).
Proof.
by rewrite /resizes !size_cat /= eqxx nth_sized /d Nnat.Nat2N.id set_cat eqxx.
Qed.

Lemma low n : (N.to_nat d < size (sized [:: n]))%nat.
Proof. by rewrite /d Nnat.Nat2N.id !size_cat /= -addSnnS leq_addr. Qed.

Variable R : realType.
Implicit Types (e : env R).

(** The first of some parts, or those behind it. *)
Lemma side_at a (x : tensor R) parts i :
  side_by_side d ((sized [:: a], x) :: parts) (at_ [:: i])
  = if N.ltb i a then x (at_ [:: i]) else side_by_side d parts (at_ [:: (i - a)%num]).
Proof. by rewrite /= nth_at nth_sized set_at. Qed.

(** What a concatenation gives. *)
Lemma joined_at n k ps e i : computes e (join d (sized [:: n]) k ps) -> (0 < size ps)%nat ->
  all (fun p => resizes d (sized [:: n]) p.2) ps -> (i < n)%num ->
  e (N.pred (next_id k (join d (sized [:: n]) k ps))) (at_ [:: i])
  = side_by_side d [seq (p.2, e p.1) | p <- ps] (at_ [:: i]).
Proof.
move=> hc pos hps hi; rewrite (computes_sum hc) ?size_part_pads //.
by rewrite (parts_sum (low n)) ?in_one // ?N.sub_0_r ?set_at ?nth_at //; exact: N.le_0_l.
Qed.

(** A run of lines from [j] on. *)
Lemma cut_at n j a x e i : (i < a)%num -> (j + a <= n)%num ->
  den (slice_of (part_steps (size (sized [:: n])) d j) (sized [:: n]) (sized [:: a]) x) e (at_ [:: i])
  = e x (at_ [:: (j + i)%num]).
Proof.
move=> hi fits; set s := sized [:: n]; rewrite den_slice_of ?in_one //.
have ss : size s = size (part_steps (size s) d j) by rewrite size_part_steps.
have -> // : at_map (steps_map (part_steps (size s) d j)) s (at_ [:: i]) = Some (at_ [:: (j + i)%num]).
apply/(steps_mapP _ _ ss); split; first by rewrite -mem_idxs in_one //; lia.
move=> k; rewrite size_part_steps => hk; rewrite part_step //= -(set_at i) nth_set_nth /=.
have further (a1 b1 : N) : Z.of_N (a1 + b1) = (Z.of_N a1 + Z.of_N 1 * Z.of_N b1)%Z by lia.
by case: eqP => [->|_]; [rewrite nth_at; exact: further | exact: part_same].
Qed.

Lemma neighbours_sound n x k e : computes e (Bilinear.neighbours P Q n x k) -> forall i, (i < n)%num ->
  e (Bilinear.before n x k) (at_ [:: i]) = e x (at_ [:: N.pred i]) /\
  e (Bilinear.after n x k) (at_ [:: i]) = e x (at_ [:: N.min (i + 1) (n - 1)]).
Proof.
rewrite /Bilinear.neighbours /Bilinear.before /Bilinear.after; case: N.eqb_spec => [->|ne].
  move=> _ i hi; have -> : i = 0%num by lia.
  by [].
move=> /computes_cat [/computes_cons [h0] /computes_cons [h1] /computes_cons [h2]].
move=> /computes_cons [h3 _] /computes_cat [hb ha] i hi; split.
- have := joined_at hb isT _ hi; rewrite [all _ _]/= !resizes_one [map _ _]/= => /(_ isT).
  rewrite (_ : N.pred _ = k + 6)%num; last by rewrite /next_id /=; lia.
  move=> ->; rewrite side_at side_at h0 h2; case: N.ltb_spec => h.
    by rewrite cut_at //; [congr (e x (at_ [:: _])); lia | lia].
  rewrite (proj2 (N.ltb_lt _ _)); last by lia.
  by rewrite cut_at; [congr (e x (at_ [:: _])) | |]; lia.
have := joined_at ha isT _ hi; rewrite [all _ _]/= !resizes_one [map _ _]/= => /(_ isT).
rewrite (_ : N.pred _ = k + 9)%num; last by rewrite /next_id /=; lia.
move=> ->; rewrite side_at side_at h1 h3; case: N.ltb_spec => h.
  by rewrite cut_at; [congr (e x (at_ [:: _])) | |]; lia.
rewrite (proj2 (N.ltb_lt _ _)); last by lia.
by rewrite cut_at; [congr (e x (at_ [:: _])) | |]; lia.
Qed.

(** The dimension of size 1 behind the lines. *)
Lemma apart_at n i : (i < n)%num ->
  same_place (sized [:: n]) (sized [:: n; 1%num]) (at_ [:: i; 0%num]) = at_ [:: i].
Proof.
move=> hi; have lt : N.ltb i (n * 1) by apply/N.ltb_lt; lia.
have := same_place_merged hp hq lt; rewrite N.mul_1_r N.div_1_r N.mod_1_r => <-.
rewrite same_placeK ?in_one //.
rewrite /size_of !foldr_cat; congr foldr.
by rewrite -[LHS]/(n * (1 * foldr N.mul 1 Q))%num N.mul_1_l.
Qed.

Lemma phase_sound n f j w x before after k e : computes e (Bilinear.phase P Q n f j w x before after k) ->
  forall i, (i < n)%num ->
  e before (at_ [:: i]) = e x (at_ [:: N.pred i]) ->
  e after (at_ [:: i]) = e x (at_ [:: N.min (i + 1) (n - 1)]) ->
  e (N.pred (next_id k (Bilinear.phase P Q n f j w x before after k))) (at_ [:: i; 0%num])
  = new_line w f j n (fun a => e x (at_ [:: a])) i.
Proof.
rewrite /Bilinear.phase /new_line; move: (2 * j + 1)%num => m hc i hi hb ha; move: hc; case: N.eqb_spec => [->|ne].
  move=> /computes_cons [h0 _]; rewrite (last_at (n := 0)) //= N.add_0_r h0 /= apart_at //.
  by rewrite N.compare_refl.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5 _].
rewrite (last_at (n := 5)) // h5 [LHS]/= apart_at // h4 [LHS]/= h1 h3 [LHS]/= h0 h2 [LHS]/=.
case: N.ltb_spec => h; first by rewrite (proj2 (N.compare_lt_iff _ _) h) hb.
have gt : (f < m)%num by lia.
by rewrite (proj2 (N.compare_gt_iff _ _) gt) ha.
Qed.

Lemma phases_sound n f j ws x before after k c ys e :
  Bilinear.phases P Q n f j ws x before after k = (c, ys) -> computes e c ->
  forall i, (i < n)%num ->
  e before (at_ [:: i]) = e x (at_ [:: N.pred i]) ->
  e after (at_ [:: i]) = e x (at_ [:: N.min (i + 1) (n - 1)]) ->
  size ys = size ws /\ forall m, (m < size ws)%nat ->
    e (nth 0%num ys m) (at_ [:: i; 0%num])
    = new_line (nth no_weights ws m) f (j + N.of_nat m) n (fun a => e x (at_ [:: a])) i.
Proof.
move=> + + i hi hb ha; elim: ws j k c ys => [|w ws ih] j k c ys /=; first by case=> _ <-.
case E: Bilinear.phases => [c' ys'] [<- <-] /computes_cat [h0 /(ih _ _ _ _ E) [sz h]].
split=> [|[|m] hm]; first by rewrite /= sz.
  by rewrite N.add_0_r /=; exact: phase_sound h0 i hi hb ha.
by rewrite /= h // (_ : j + 1 + N.of_nat m = j + N.of_nat m.+1)%num //; lia.
Qed.
End Place.

(** The phases, side by side: a dimension further. *)
Lemma phases_at (R : realType) P Q p q n i j ys (e : env R) : p \in idxs P -> q \in idxs Q -> (i < n)%num ->
  (j < size ys)%nat ->
  side_by_side (N.of_nat (size P) + 1) [seq (Bilinear.sized P Q [:: n; 1%num], e y) | y <- ys]
    (p ++ [:: i; N.of_nat j] ++ q)
  = e (nth 0%num ys j) (p ++ [:: i; 0%num] ++ q).
Proof.
move=> hp hq hi; have hp' : p ++ [:: i] \in idxs (P ++ [:: n]).
  by have := @in_one P [::] p [::] hp isT n i hi; rewrite /Bilinear.sized !cats0.
have ed : (N.of_nat (size P) + 1 = N.of_nat (size (P ++ [:: n])))%num by rewrite size_cat addn1; lia.
rewrite ed; elim: ys j => // y ys ih j hj; rewrite [map _ _]/=.
have := @side_at _ Q _ q hp' R 1%num (e y) [seq (Bilinear.sized P Q [:: n; 1%num], e y) | y <- ys] (N.of_nat j).
rewrite /Bilinear.sized -!catA !cat1s => ->.
case: j hj => [|j] // hj; rewrite (_ : N.ltb _ 1 = false); last by apply/N.ltb_ge; lia.
by rewrite (_ : N.of_nat j.+1 - 1 = N.of_nat j)%num; [exact: ih | lia].
Qed.

Lemma line_sound (R : realType) P Q n ws x k (e : env R) p q r : computes e (Bilinear.line P Q n ws x k) ->
  p \in idxs P -> q \in idxs Q -> (r < n * N.of_nat (size ws))%num ->
  e (N.pred (next_id k (Bilinear.line P Q n ws x k))) (p ++ [:: r] ++ q)
  = enlarged_line ws n (fun a => e x (p ++ [:: a] ++ q)) r.
Proof.
move=> + hp hq; rewrite /Bilinear.line /enlarged_line; set f := N.of_nat _; case: N.eqb_spec => [-> + hr|ne].
  rewrite N.mul_1_r in hr; move=> /computes_cons [h0 _].
  rewrite (last_at (n := 0)) //= N.add_0_r h0 /= same_place_id ?(in_one hp hq) //.
  by rewrite N.div_1_r N.mod_1_r.
set c := Bilinear.neighbours _ _ _ _ _; set k1 := next_id k c.
case F: Bilinear.phases => [c1 ys]; set k2 := next_id k1 c1; set c2 := join _ _ _ _; set k3 := next_id k2 c2.
move=> /computes_cat [hc /computes_cat [hc1 /computes_cat [hc2 /computes_cons [h0 _]]]] hr.
have [hi hj er] := split_below hr; have [hb ha] := neighbours_sound hp hq hc hi.
have [sz hy] := phases_sound hp hq F hc1 hi hb ha.
rewrite (next_id_cat _ c) (next_id_cat _ c1) (next_id_cat _ c2) -/k1 -/k2 -/k3 (last_at (n := 0)) //.
rewrite N.add_0_r h0 [LHS]/=.
have lt : N.ltb r (n * f) by apply/N.ltb_lt.
have := same_place_merged hp hq lt; rewrite /= => ->.
have jlt : (N.to_nat (N.modulo r f) < size ws)%nat by apply/ssrnat.ltP; rewrite /f in hj *; lia.
set i := N.div r f in hi hy *; set j := N.modulo r f in hj jlt *.
have := hy _ jlt; rewrite N.add_0_l Nnat.N2Nat.id => <-.
have hp' : p ++ [:: i] \in idxs (P ++ [:: n]).
  by have := @in_one P [::] p [::] hp isT n i hi; rewrite /Bilinear.sized !cats0.
have ed : (N.of_nat (size P) + 1 = N.of_nat (size (P ++ [:: n])))%num by rewrite size_cat addn1; lia.
have := @joined_at _ Q _ q hp' hq R f k2 [seq (y, Bilinear.sized P Q [:: n; 1%num]) | y <- ys] e j.
have es a : Bilinear.sized (P ++ [:: n]) Q [:: a] = Bilinear.sized P Q [:: n; a].
  by rewrite /Bilinear.sized -catA.
have ep l : (p ++ [:: i]) ++ [:: l] ++ q = p ++ [:: i; l] ++ q by rewrite -catA.
rewrite -ed es !ep -/c2 -/k3 => -> //.
- rewrite -map_comp -[j in LHS]Nnat.N2Nat.id.
  by have := @phases_at R P Q p q n i (N.to_nat j) ys e hp hq hi; rewrite sz => ->.
- by rewrite size_map sz; case: (size ws) jlt.
rewrite all_map; apply/allP => y _ /=.
by have := @resizes_one (P ++ [:: n]) Q f 1; rewrite -ed !es.
Qed.

Section Layer.
Variables (R : realType) (n h w c : N) (rows columns : seq Bilinear.weights).
Let out : shape := [:: n; (h * N.of_nat (size rows))%num; (w * N.of_nat (size columns))%num; c].

Lemma bilinear_sound x k (e : env R) : computes e (Bilinear.emit n h w c rows columns x k) ->
  eqt out (e (N.pred (next_id k (Bilinear.emit n h w c rows columns x k)))) (bilinear h w rows columns (e x)).
Proof.
move=> /computes_cat [h1 h2] i /idxs4 [b [row [column [ch [-> hb hr hc hch]]]]].
rewrite next_id_cat; set y := N.pred (next_id k _) in h2 *.
have hbr : [:: b; row] \in idxs [:: n; (h * N.of_nat (size rows))%num] by rewrite mem_idxs /= hb hr.
have hq : [:: ch] \in idxs [:: c] by rewrite mem_idxs /= hch.
have := line_sound h2 hbr hq (proj1 (N.ltb_lt _ _) hc); rewrite [_ ++ _]/= => ->.
apply: enlarged_line_eq (proj1 (N.ltb_lt _ _) hc) => a ha.
have hb1 : [:: b] \in idxs [:: n] by rewrite mem_idxs /= hb.
have hq1 : [:: a; ch] \in idxs [:: w; c] by rewrite mem_idxs /= hch andbT; apply/andP; split=> //; apply/N.ltb_lt.
exact: (line_sound h1 hb1 hq1 (proj1 (N.ltb_lt _ _) hr)).
Qed.

Lemma bilinear_eqt (x y : tensor R) : eqt [:: n; h; w; c] x y -> eqt out (bilinear h w rows columns x) (bilinear h w rows columns y).
Proof.
move=> hx i /idxs4 [b [row [column [ch [-> hb hr hc hch]]]]].
apply: enlarged_line_eq (proj1 (N.ltb_lt _ _) hc) => q hq; apply: enlarged_line_eq (proj1 (N.ltb_lt _ _) hr) => p hp.
by apply: hx; rewrite mem_idxs /= hb hch !(proj2 (N.ltb_lt _ _)).
Qed.

Section Smooth.
Variables (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Lemma line_smooth P Q d ws x k E : smooth_in x0 E (Bilinear.line P Q d ws x k).
Proof.
rewrite /Bilinear.line; case: N.eqb => [d' o [[_ <-] //|//]|].
have phase_smooth f j wt y before after k' : smooth_in x0 E (Bilinear.phase P Q d f j wt y before after k').
  by rewrite /Bilinear.phase; case: N.eqb => d' o /=; repeat case=> [[_ <-] //|].
have phases_smooth f j y before after k' : smooth_in x0 E (Bilinear.phases P Q d f j ws y before after k').1.
  elim: ws j k' => [|wt ws' ih] j k' /=; first by move=> d' o [].
  case F: Bilinear.phases => [c' ys]; apply: smooth_in_cat => //.
  by have := ih (j + 1)%num (next_id k' (Bilinear.phase P Q d f j wt y before after k')); rewrite F.
set c0 := Bilinear.neighbours _ _ _ _ _; case F: Bilinear.phases => [c1 ys].
have := phases_smooth (N.of_nat (size ws)) 0%num x (Bilinear.before d x k) (Bilinear.after d x k) (next_id k c0).
rewrite F => s1.
apply: smooth_in_cat; last first.
  apply: smooth_in_cat => //; apply: smooth_in_cat; first exact: join_smooth.
  by move=> d' o [[_ <-]|//].
rewrite /c0 /Bilinear.neighbours; case: (N.eqb d 1); first by move=> d' o /= [].
apply: smooth_in_cat; first by move=> d' o /=; repeat case=> [[_ <-] //|].
by apply: smooth_in_cat; exact: join_smooth.
Qed.

Lemma bilinear_smooth x k E : smooth_in x0 E (Bilinear.emit n h w c rows columns x k).
Proof. by apply: smooth_in_cat; exact: line_smooth. Qed.
End Smooth.
End Layer.
