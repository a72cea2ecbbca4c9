(** * pad, slice and concatenate are the graph's

    Wherever the attributes fit the shapes.

    Glossary
      - [slice_source_in]  a slice reads indices in range
      - [concatenate_like]  a concatenation reads its operands on their index
                         sets alone
      - [den_slice], [den_pad]  a slice, a pad with zeros is raised to a
                         contraction that denotes it
      - [run_concatenate]  a concatenation is raised to instructions that compute
                         it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Joins Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear ConvolutionIndex WindowIndex RaisePool JoinsSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

Lemma slice_source_in ls s t i : all_dims2 slice_fits ls s t -> i \in idxs t ->
  slice_source ls i \in idxs s.
Proof.
rewrite !mem_idxs; elim: ls s t i => [|l ls ih] [|n s] [|m t] [|k i] //=.
move=> /andP [/and4P [/N.leb_le h1 /N.leb_le h2 /N.ltb_lt h3 /N.eqb_eq ->] hd] /andP [/N.ltb_lt hk hi].
rewrite (ih _ _ _ hd hi) andbT; apply/N.ltb_lt; move: hk; rewrite /slice_count => hk.
have h4 := N.mul_div_le (l_limit l - l_start l + (l_stride l - 1)) (l_stride l).
have {}h4 := h4 (N.neq_sym _ _ (N.lt_neq _ _ h3)).
set d := N.div _ _ in hk h4; nia.
Qed.

(** Numbers of one dimension. *)
Lemma sliced (z a i : N) : z = (a + i)%num -> Z.of_N z = (Z.of_N a + Z.of_N i)%Z.
Proof. lia. Qed.
Lemma spread (i j c : N) (low : Z) :
  (Z.of_N (i * c) = Z.of_N j - low)%Z <-> (Z.of_N j = low + Z.of_N c * Z.of_N i)%Z.
Proof. by split; nia. Qed.

(** A concatenation reads its operands on their index sets alone. *)
Lemma concatenate_like (T U : Type) (f : U -> T) x0 y0 d t xs ys i :
  (N.to_nat d < size t)%nat -> x0 = f y0 -> all (resizes d t) (map fst ys) ->
  List.Forall2 (fun x y => x.1 = y.1 /\ {in idxs y.1, forall i, x.2 i = f (y.2 i)}) xs ys ->
  i \in idxs t -> concatenate x0 d xs i = f (concatenate y0 d ys i).
Proof.
move=> hd e0 hs h; rewrite mem_idxs => hi.
have {hi} : size i = size t /\
    forall j, j != N.to_nat d -> (j < size t)%nat -> N.ltb (nth 0%num i j) (nth 0%num t j).
  by split=> [|j _]; [exact: inb_size | exact: inb_nth].
elim: h hs i => //= -[s a] [s' b] {}xs {}ys [/= -> hab] _ ih /andP [/andP [/eqP ss /eqP st] hs] i [si hi].
case: ifP => [hk|_].
  apply: hab; rewrite mem_idxs; apply: inb_from_nth => [|j]; first by rewrite si ss.
  rewrite ss => hj; have [->|ne] := eqVneq j (N.to_nat d); first exact: hk.
  suff -> : nth 0%num s' j = nth 0%num t j by exact: hi.
  by rewrite -[in RHS]st nth_set_nth /= (negPf ne).
apply: ih => //; split=> [|j ne hj]; first by rewrite size_set_nth si; exact/maxn_idPr.
by rewrite nth_set_nth /= (negPf ne) hi.
Qed.

Section Joins.
Variable R : realType.
Local Open Scope ring_scope.
Implicit Types (e : env R).

Theorem den_slice ls s t x e : all_dims2 slice_fits ls s t ->
  {in idxs t, den (contract_slice ls s t x) e =1 slice ls (e x)}.
Proof.
move=> fit i hi; have [hs ht] := all_dims2_size fit; rewrite /contract_slice den_slice_of //.
set l := map _ _; have hl : size l = size ls by rewrite size_map.
have si : size i = size ls by move: hi; rewrite mem_idxs => /inb_size ->.
have -> : at_map (steps_map l) s i = Some (slice_source ls i); last by [].
apply/steps_mapP; rewrite hl //; split=> [|d hd]; first by rewrite -mem_idxs (slice_source_in fit).
rewrite nth_slice_source // /l (nth_map no_slice) // -N2Z.inj_mul N.mul_comm; exact: sliced.
Qed.

Theorem den_pad ps s t x e : all_dims2 pad_fits ps s t ->
  {in idxs t, den (contract_pad ps s t x) e =1 pad ps s (e x) 0}.
Proof.
move=> fit j hj; have [hs ht] := all_dims2_size fit; rewrite /contract_pad /pad.
set l := map _ _; have hl : size l = size ps by rewrite size_map.
have tl : size t = size l by rewrite hl.
have apart : all (fun p : Z * N => N.ltb 0 p.2) l.
  by rewrite all_map; elim: (ps) => //= p q ->; rewrite andbT; apply/N.ltb_lt; lia.
have sj : size j = size ps by move: hj; rewrite mem_idxs => /inb_size ->.
have bj : inb t j by rewrite -mem_idxs.
have same i : inb s i -> at_map (steps_map l) t i = Some j <-> pad_source ps s j = Some i.
  move=> hi; rewrite steps_mapP // pad_sourceP // hl.
  split=> -[_ h]; split=> // d hd.
    by apply/spread; have := h d hd; rewrite /l (nth_map no_pad).
  by rewrite /l (nth_map no_pad) //; apply/spread; exact: h.
case E: (pad_source ps s j) => [i|].
  have [hi _] := (pad_sourceP _ hs sj).1 E.
  by apply: den_pad_to; rewrite ?hl ?mem_idxs //; apply/same.
by apply: den_pad_to0 => i; rewrite mem_idxs => hi /same; rewrite E => /(_ hi).
Qed.

Lemma concatenateE d xs i : concatenate 0 d xs i = side_by_side (R := R) d xs i.
Proof. by elim: xs i => //= -[s a] xs ih i; rewrite ih. Qed.

(** The values [xs] are operands of these types. *)
Theorem run_concatenate d t k xs e :
  concatenate_fits d [seq t_shape x.1 | x <- xs] t -> all (fun x => N.ltb x.2 k) xs ->
  {in idxs t,
    run (sum_code t k (contract_parts d t xs)) e (N.pred (k + sum_size (contract_parts d t xs)))
    =1 concatenate 0 d [seq (t_shape x.1, e x.2) | x <- xs]}.
Proof.
case/and4P=> /N.ltb_lt hd; rewrite size_map => pos parts _ low i hi.
have hd' : (N.to_nat d < size t)%nat by apply/ltP; lia.
have := @join_sound R d t hd' k [seq (x.2, t_shape x.1) | x <- xs] e i.
rewrite size_map !all_map -map_comp concatenateE; apply=> //.
by rewrite all_map in parts.
Qed.
End Joins.
