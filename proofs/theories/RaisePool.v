(** * Windows: sums, maxima, and the printed bodies of their gradients

    Statements: [den_window_add], [den_window_max]: what reduce_window is raised
    to denotes it; [window_sum_grad_meaning], [max_pool_grad_meaning]: called
    with arrays of the types they are made for, the private functions return
    the gradients.

    The gradient of a maximum keeps, for all windows at once, the greatest cell
    so far and its number; a cell in the padding is minus infinity, which is
    greater than nothing. So at the end the number is that of the first greatest
    cell that lies in the image ([choose_best]), and what the window gives goes
    there; a window without such a cell gives it to the padding, which is cut
    off.

    Glossary
      - [source i o]       cell [o] of the window at [i]; [None] in the padding
      - [best x l]         the first greatest of the cells [l]
      - [choose_step]      one cell more: maxima and numbers of all windows *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear ConvolutionIndex RaiseBodies WindowIndex.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma all_dims2_size (T : Type) (f : T -> N -> N -> bool) ds s t : all_dims2 f ds s t ->
  size s = size ds /\ size t = size ds.
Proof. by elim: ds s t => [|d ds ih] [|n s] [|m t] //= /andP [_ /ih [-> ->]]. Qed.

Section Windows.
Variable R : realType.
Implicit Types (a c : tensor R) (e : env R).

Lemma sum_pmap (T U : Type) (f : T -> option U) (F : U -> R) l :
  \sum_(x <- pmap f l) F x = \sum_(o <- l) (if f o is Some x then F x else 0).
Proof.
elim: l => [|o l ih] /=; first by rewrite !big_nil.
by rewrite big_cons; case: (f o) => [x|] /=; rewrite ?big_cons ih ?add0r.
Qed.

(** ** reduce_window *)

Lemma den_sum_over s out ks mp x e i : i \in idxs out ->
  den (Contract (out ++ ks) out (proj (all_dims out)) [:: View x s mp]) e i
  = \sum_(o <- idxs ks) (if at_map mp s (i ++ o) is Some j then e x j else 0).
Proof.
move=> hi; rewrite [LHS]/=.
have e1 r : r \in idxs (out ++ ks) -> at_map (proj (all_dims out)) out r = Some (take (size out) r).
  rewrite mem_idxs => hr; rewrite -{2}(take_size_cat (s1 := out) ks erefl).
  by apply: (at_map_first hr); rewrite size_cat leq_addr.
rewrite (sum_at (g := take (size out))) //.
rewrite -(sum_box_cat ks (fun r => if at_map mp s r is Some j then e x j else 0) hi).
by apply: eq_bigr => r _; rewrite big_seq1.
Qed.

Theorem den_window_add ws s out x e : all_dims2 slide_fits ws s out ->
  {in idxs out, den (contract_window ws s out x) e =1 window_add ws s (e x)}.
Proof.
move=> /all_dims2_size [hs ho] i hi; rewrite /contract_window den_sum_over // /window_add slide_cellsE //.
  by rewrite /Index.cells sum_pmap.
by move: hi; rewrite mem_idxs => /inb_size ->.
Qed.

Lemma foldr_max (x y : R) l :
  foldr Num.max (Num.max x y) l = Num.max y (foldr Num.max x l).
Proof. by elim: l => [|z l ih] /=; [rewrite maxC | rewrite ih maxCA]. Qed.

Lemma largest_first a b l : largest [seq a r | r <- b :: l] = a (first_greatest a b l).
Proof.
rewrite /largest /=; elim: l b => //= j l ih b; rewrite -ih.
have -> : a (if a b < a j then j else b) = Num.max (a b) (a j) by case: ltP.
by rewrite foldr_max.
Qed.

Theorem den_window_max ws s out x e : all_dims2 slide_fits ws s out ->
  {in idxs out, den (window_max ws s out x) e =1 window_maximum ws s (e x)}.
Proof.
move=> /all_dims2_size [hs ho] i hi; rewrite /window_maximum slide_cellsE //; last first.
  by move: hi; rewrite mem_idxs => /inb_size ->.
by rewrite /= /chosen; case: Index.cells => // b l; rewrite largest_first.
Qed.

(** ** The gradient of a window's sum *)

Lemma den_window_back ws s out y e j : size s = size ws -> size out = size ws ->
  den (contract_window_back ws s out y) e j
  = \sum_(o <- idxs (map d_size ws)) \sum_(i <- idxs out)
      (if at_map (slide_map ws) s (i ++ o) == Some j then e y i else 0).
Proof.
move=> hs ho; rewrite exchange_big /= big_mkcond idxs_cat big_allpairs_dep /=.
rewrite big_seq [RHS]big_seq; apply: eq_bigr => i hi.
rewrite big_seq [RHS]big_seq; apply: eq_bigr => o hk.
case: ifP => // _; rewrite big_seq1 /read /=.
move: hi hk; rewrite !mem_idxs => hi hk.
have hr : inb (out ++ map d_size ws) (i ++ o) by rewrite inb_cat ?hi ?(inb_size hi).
have := at_map_first (n := size out) hr; rewrite take_size_cat // size_cat leq_addr => -> //.
by rewrite take_size_cat // (inb_size hi).
Qed.

Lemma sum_flip k (F : idx -> R) : \sum_(o <- idxs k) F (flip k o) = \sum_(o <- idxs k) F o.
Proof.
rewrite -(big_map (flip k) predT F); apply: perm_big; apply: uniq_perm; rewrite ?idxs_uniq //.
  rewrite map_inj_in_uniq ?idxs_uniq // => x y; rewrite !mem_idxs => hx hy h.
  by rewrite -(flipK hx) h flipK.
move=> o; rewrite mem_idxs; apply/mapP/idP => [[x]|ho].
  by rewrite mem_idxs => hx ->; exact: inb_flip.
by exists (flip k o); rewrite ?mem_idxs ?inb_flip ?flipK.
Qed.

(** What stands at one place, of what was put back. *)
Lemma sum_put (out : shape) (P : idx -> bool) (f : option idx) c :
  (forall i, f = Some i <-> inb out i /\ P i) ->
  (if f is Some i then c i else 0) = \sum_(i <- idxs out) (if P i then c i else 0).
Proof.
move=> h; case E: f => [i|].
  have [hi hP] := (h i).1 E.
  rewrite (bigD1_seq i) ?idxs_uniq ?mem_idxs //= hP big1_seq ?addr0 // => j /andP [ne hj].
  case: ifP => // hPj; have : f = Some j by apply/h; rewrite -mem_idxs.
  by rewrite E => -[e]; rewrite e eqxx in ne.
rewrite big1_seq // => i /andP [_ hi]; case: ifP => // hP.
by have : f = Some i by [apply/h; rewrite -mem_idxs]; rewrite E.
Qed.

Theorem window_sum_grad_meaning f ws ct t c y e : is_float t -> t_element ct = t_element t ->
  size ws = size (t_shape t) -> size ws = size (t_shape ct) ->
  all (fun w => N.ltb 0 (d_size w) && N.ltb 0 (d_stride w)) ws ->
  is_function f [:: ct] (window_sum_grad_body ws ct t) t 3 ->
  (if window_sum_grad_body ws ct t is [:: _; Instruction o1 _ u; _; Instruction o2 _ _]
   then fits o1 [:: ct; scalar t] u && fits o2 [:: u; scalar t] t else false) ->
  eqt (t_shape ct) c (e y) ->
  exists2 z, function_meaning (@no_call R) f [:: Array ct (Reals c)] = Some [:: Array t (Reals z)]
    & eqt (t_shape t) z (den (contract_window_back ws (t_shape t) (t_shape ct) y) e).
Proof.
move=> ft ec hs ho ok hf /andP [f1 f2] hc.
set s := t_shape t in hs f1 *; set out := t_shape ct in ho f1 *.
set padded := Tensor _ _ in f1 f2.
have fs := scalar_float ft.
pose zeros : array R := Array (scalar t) (Reals (fun _ => rational R 0 1)).
pose p := pad (zip3 back_pad ws s out) out c (rational R 0 1).
pose z := window_add (map back_slide ws) (t_shape padded) p.
exists z => [|j]; last first.
  rewrite mem_idxs => hj; rewrite den_window_back //.
  rewrite /z /window_add slide_cellsE; first last.
  - by rewrite size_map (inb_size hj).
  - by rewrite size_map size_map size_zip hs minnn.
  have -> : map d_size (map back_slide ws) = map d_size ws by rewrite -map_comp.
  rewrite /Index.cells sum_pmap.
  rewrite -[RHS](sum_flip (map d_size ws) (fun o => \sum_(i <- idxs out)
    (if at_map (slide_map ws) s (i ++ o) == Some j then e y i else 0))).
  rewrite big_seq [RHS]big_seq; apply: eq_bigr => o; rewrite mem_idxs => hk.
  have [q hq h] := put_sumE (esym hs) (esym ho) ok hk hj.
  have [e1 e2 e3] : [/\ size (t_shape padded) = size (map back_slide ws),
      size j = size (map back_slide ws) & size o = size (map back_slide ws)].
    by rewrite (inb_size hk) (inb_size hj) !size_map size_zip hs minnn.
  rewrite (slide_sourceE e1 e2 e3) in hq; rewrite hq /p /pad rational0.
  rewrite (sum_put (P := fun i => at_map (slide_map ws) s (i ++ flip (map d_size ws) o) == Some j)
    (out := out)) => [|i]; last first.
    by rewrite h; split=> -[? ?]; split=> //; apply/eqP.
  by rewrite big_seq [RHS]big_seq; apply: eq_bigr => i hi; rewrite hc.
pose rs := [:: zeros; Array padded (Reals p); zeros; Array t (Reals z)].
suff run : body_meaning (@no_call R) [:: Array ct (Reals c)] [::] (window_sum_grad_body ws ct t)
    = Some rs by apply: (run_function hf _ run).
rewrite /window_sum_grad_body.
rewrite (run_instruction _ (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning R fs)) //.
rewrite (run_instruction _ (xs := [:: Array ct (Reals c); zeros]) (c := Reals p)) //.
rewrite (run_instruction _ (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning R fs)) //.
by rewrite (run_instruction _ (xs := [:: Array padded (Reals p); zeros]) (c := Reals z)) //=
  rational0 eqxx.
Qed.
End Windows.
