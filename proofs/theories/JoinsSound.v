(** * What padding, slices and concatenation in the graph compute

    Statements: [den_slice_of], [den_pad_to]: a slice and a pad at an index;
    [run_sum_code], what adding up some ops gives; [join_sound]: the code of a
    concatenation computes one.

    Glossary
      - [no_step]            a default, for reading by position
      - [side_by_side d xs]  tensors with their shapes, one after the other along
                             dimension [d]; 0 behind all of them *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Joins RaiseLinear ConvolutionIndex.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

Definition no_step : Z * N := (0%Z, 0%num).

(** ** The index map *)

Lemma size_steps_map l : size (steps_map l) = size l.
Proof. by rewrite size_map size_zip size_iota minnn. Qed.

Lemma aff_at1 z k c r : aff_at (Aff z [:: (k, c)]) r = (z + c * Z.of_N (nth 0%num r (N.to_nat k)))%Z.
Proof. by rewrite /aff_at /= Z.add_comm. Qed.

Lemma nth_steps_map l d r : d < size l ->
  aff_at (nth a0 (steps_map l) d) r
  = ((nth no_step l d).1 + Z.of_N (nth no_step l d).2 * Z.of_N (nth 0%num r d))%Z.
Proof.
move=> hd; rewrite (nth_map (0, no_step)) ?size_zip ?size_iota ?minnn //.
by rewrite nth_zip ?size_iota // nth_iota // add0n aff_at1 Nnat.Nat2N.id.
Qed.

Lemma steps_mapP l s r j : size s = size l ->
  at_map (steps_map l) s r = Some j <->
  inb s j /\ forall d, d < size l ->
    Z.of_N (nth 0%num j d)
    = ((nth no_step l d).1 + Z.of_N (nth no_step l d).2 * Z.of_N (nth 0%num r d))%Z.
Proof.
move=> hs; rewrite at_mapE ?size_steps_map // hs.
split=> -[hj h]; split=> // d hd; first by rewrite -h // nth_steps_map.
by rewrite nth_steps_map // h.
Qed.

(** Cells that are apart go to different places. *)
Lemma steps_map_inj l s r r' j : size s = size l -> all (fun p => N.ltb 0 p.2) l ->
  size r = size l -> size r' = size l ->
  at_map (steps_map l) s r = Some j -> at_map (steps_map l) s r' = Some j -> r = r'.
Proof.
move=> hs apart hr hr' /(steps_mapP _ _ hs) [_ h] /(steps_mapP _ _ hs) [_ h'].
apply: (@eq_from_nth _ 0%num) => [|d]; first by rewrite hr hr'.
rewrite hr => hd; have := h d hd; rewrite (h' d hd).
have /N.ltb_lt := all_nthP no_step apart d hd; move: (nth _ l d) => [b c] /=.
have same (x y z : N) : (0 < z)%num -> (b + Z.of_N z * Z.of_N x = b + Z.of_N z * Z.of_N y)%Z -> y = x.
  by move=> *; nia.
exact: same.
Qed.

(** ** One op *)
Section Sound.
Variable R : realType.
Local Open Scope ring_scope.
Implicit Types (e : env R) (o : op).

Lemma den_slice_of l s t a e i : i \in idxs t ->
  den (slice_of l s t a) e i = if at_map (steps_map l) s i is Some j then e a j else 0.
Proof.
move=> hi; rewrite /slice_of [LHS]/= (sum_at (g := id)) => [|r]; last by rewrite mem_idxs => /at_map_id.
by rewrite sum_pick ?idxs_uniq // big_seq1.
Qed.

Lemma den_pad_to_sum l s t a e j :
  den (pad_to l s t a) e j = \sum_(i <- idxs s | at_map (steps_map l) t i == Some j) e a i.
Proof.
rewrite /pad_to [LHS]/= big_seq_cond [RHS]big_seq_cond; apply: eq_bigr => r /andP [hr _].
by rewrite big_seq1 /read at_map_id // -mem_idxs.
Qed.

(** The cell of the operand that is at [j]; 0 where there is none. *)
Lemma den_pad_to l s t a e j i : size t = size l -> size s = size l -> all (fun p => N.ltb 0 p.2) l ->
  i \in idxs s -> at_map (steps_map l) t i = Some j -> den (pad_to l s t a) e j = e a i.
Proof.
move=> ht hs apart hi at_i; rewrite den_pad_to_sum big_seq_cond.
rewrite (eq_bigl (fun r => (r \in idxs s) && (r == i))) => [|r].
  by rewrite -big_seq_cond sum_pick ?idxs_uniq.
case hr: (r \in idxs s) => //=; apply/eqP/eqP => [at_r|-> //].
have size_in k : k \in idxs s -> size k = size l by rewrite mem_idxs => /inb_size ->.
exact: steps_map_inj ht apart (size_in _ hr) (size_in _ hi) at_r at_i.
Qed.

Lemma den_pad_to0 l s t a e j : {in idxs s, forall i, at_map (steps_map l) t i <> Some j} ->
  den (pad_to l s t a) e j = 0.
Proof.
move=> h; rewrite den_pad_to_sum big_seq_cond big1 // => i /andP [hi /eqP at_i].
by case: (h i hi).
Qed.

(** ** Sums of ops *)

Lemma den_same o e e' : (forall a, a \in oargs o -> e a.1 = e' a.1) -> den o e =1 den o e'.
Proof.
have m0 (T : eqType) (x : T) l : x \in x :: l by exact: mem_head.
have m1 (T : eqType) (x y : T) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
have m2 (T : eqType) (x y z : T) l : z \in [:: x, y, z & l] by rewrite !inE eqxx !orbT.
have m3 (T : eqType) (x y z w : T) l : w \in [:: x, y, z, w & l] by rewrite !inE eqxx !orbT.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k m a|s out k m a ct
  |s ds a|s ds n d a] /= h i //;
  rewrite ?(h _ (m0 _ _ _)) ?(h _ (m1 _ _ _ _)) ?(h _ (m2 _ _ _ _ _)) ?(h _ (m3 _ _ _ _ _ _)) //.
apply: eq_bigr => r _; elim: vs h => [|v vs ih] h; first by rewrite !big_nil.
rewrite !big_cons ih => [|w hw]; last by apply: h; rewrite inE hw orbT.
by rewrite /read (h _ (m0 _ _ _)).
Qed.

(** Ops whose operands are below [k]. *)
Definition below (k : N) (os : seq op) : bool :=
  all (fun o => all (fun a => N.ltb a.1 k) (oargs o)) os.

Lemma run_values_before k os e j : (j < k)%num -> run (values k os) e j = e j.
Proof.
elim: os k e => //= o os ih k e hj; rewrite -[LHS]/(run (values (N.succ k) os) (step e (k, o)) j).
by rewrite ih /step /= ?updN //; lia.
Qed.

Lemma run_values k n os e j : (n <= k)%num -> below n os -> (j < size os)%nat ->
  run (values k os) e (k + N.of_nat j)%num =1 den (nth (Const [::] 0 1) os j) e.
Proof.
elim: os k j e => //= o os ih k j e le /andP [ho hb] hj i.
rewrite -[LHS]/(run (values (N.succ k) os) (step e (k, o)) (k + N.of_nat j)%num i).
case: j hj => [|j] hj.
  by rewrite N.add_0_r run_values_before /step /= ?updE //; lia.
have -> : (k + N.of_nat j.+1 = N.succ k + N.of_nat j)%num by lia.
rewrite ih //=; last by lia.
apply: den_same => a ha; rewrite /step /= updN //.
have /allP /(_ _ ha) /N.ltb_lt := all_nthP (Const [::] 0 1) hb j hj => lt.
exact: N.lt_neq (N.lt_le_trans _ _ _ lt le).
Qed.

Lemma run_sum_up s x k xs e i : all (fun y => N.ltb y k) (x :: xs) ->
  run (sum_up s x k xs) e (if xs is [::] then x else k + N.of_nat (size xs) - 1)%num i
  = \sum_(y <- x :: xs) e y i.
Proof.
elim: xs x k e => [|y xs ih] x k e; first by rewrite big_seq1.
move=> /and3P [/N.ltb_lt hx /N.ltb_lt hy hxs]; rewrite [sum_up _ _ _ _]/= /run [foldl _ _ _]/= -/(run _ _).
set e' := step _ _.
have := ih k (N.succ k) e'; rewrite [all _ _]/=.
have -> : N.ltb k (N.succ k) by apply/N.ltb_lt; lia.
have -> /= : all (fun y => N.ltb y (N.succ k)) xs.
  by apply: sub_all hxs => z /N.ltb_lt h; apply/N.ltb_lt; lia.
move=> /(_ isT) h.
have at_end : (if xs is [::] then k else N.succ k + N.of_nat (size xs) - 1)%num
    = (k + N.of_nat (size xs).+1 - 1)%num.
  by case: (xs) => [|? ?]; rewrite [size _]/=; lia.
rewrite -at_end h !big_cons /e' /step /= updE addrA /=; congr (_ + _).
rewrite !big_seq; apply: eq_bigr => z hz; rewrite updN //=.
by have /N.ltb_lt := allP hxs z hz; lia.
Qed.

Lemma sum_size_gt0 os : (0 < size os)%nat -> (0 < sum_size os)%num.
Proof. by case: os => // o os _; rewrite /sum_size [size _]/=; lia. Qed.

Lemma run_sum_up_before s x k xs e j : (j < k)%num -> run (sum_up s x k xs) e j = e j.
Proof.
elim: xs x k e => //= y xs ih x k e hj.
rewrite -[LHS]/(run (sum_up s k (N.succ k) xs) (step e (k, Bin s Add x y)) j).
by rewrite ih /step /= ?updN //; lia.
Qed.

Lemma run_sum_before s k os e j : (j < k)%num -> run (sum_code s k os) e j = e j.
Proof.
move=> hj; rewrite /sum_code run_cat; case: (rev _) => [|x xs].
  exact: run_values_before.
by rewrite run_sum_up_before ?run_values_before //; lia.
Qed.

Theorem run_sum_code s k os e i : below k os -> (0 < size os)%nat ->
  run (sum_code s k os) e (N.pred (k + sum_size os)) i = \sum_(o <- os) den o e i.
Proof.
move=> hb pos; rewrite /sum_code run_cat; set e' := run (values _ _) e.
set n := size os in pos *; set ids := rev _.
have sz : size ids = n by rewrite size_rev size_map size_iota.
have total : \sum_(y <- ids) e' y i = \sum_(o <- os) den o e i.
  rewrite /ids (perm_big _ (permEl (perm_rev _))) /= big_map.
  rewrite [RHS](big_nth (Const [::] 0 1)) big_nat_rev /index_iota subn0 add0n -/n.
  rewrite big_seq [RHS]big_seq; apply: eq_bigr => j; rewrite mem_iota add0n => /= hj.
  have low : below k (rev os) by rewrite /below all_rev.
  by rewrite -nth_rev //; apply: (run_values e (N.le_refl k) low _ i); rewrite size_rev.
have single : n = 1%nat -> head 0%num ids = k by rewrite /ids => ->; rewrite /= N.add_0_r.
rewrite -total; have below_ids : all (fun y => N.ltb y (k + N.of_nat n)) ids.
  rewrite all_rev; apply/allP => y /mapP [j]; rewrite mem_iota add0n => /andP [_ /ltP hj] ->.
  by apply/N.ltb_lt; lia.
case: ids sz below_ids single {total} => [|x xs]; first by move=> /= h; rewrite -h in pos.
move=> /= sx hx single; rewrite -(run_sum_up s e' i hx); congr (run _ _ _ _).
rewrite /sum_size -/n -sx /=.
case: xs sx {hx} => [|y xs] /= sx; last by lia.
by rewrite single //; lia.
Qed.

(** ** Concatenation *)

Fixpoint side_by_side (d : N) (xs : seq (shape * tensor R)) (i : idx) : R :=
  if xs is (s, a) :: rest then
    let k := nth 0%num i (N.to_nat d) in let n := nth 0%num s (N.to_nat d) in
    if N.ltb k n then a i
    else side_by_side d rest (set_nth 0%num i (N.to_nat d) (k - n)%num)
  else 0.

(** The parts are as the whole, but along [d]. *)
Definition resizes (d : N) (t s : shape) : bool :=
  (size s == size t) && (set_nth 0%num s (N.to_nat d) (nth 0%num t (N.to_nat d)) == t).

Section Parts.
Variables (d : N) (t : shape).
Hypothesis hd : (N.to_nat d < size t)%nat.
Let c := N.to_nat d.

Lemma part_step k j : (j < size t)%nat ->
  nth no_step (part_steps (size t) d k) j = (if j == c then Z.of_N k else 0%Z, 1%num).
Proof.
move=> hj; rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims //; congr (_, _).
case: N.eqb_spec => [e|ne]; case: eqP => // e'.
  by case: e'; rewrite /c -e Nnat.Nat2N.id.
by case: ne; rewrite e' /c Nnat.N2Nat.id.
Qed.

Lemma size_part_steps k : size (part_steps (size t) d k) = size t.
Proof. by rewrite size_map size_first_dims. Qed.

Lemma part_nat (i k n r : N) : Z.of_N i = (Z.of_N k + Z.of_N 1 * Z.of_N r)%Z -> (r < n)%num ->
  (k <= i)%num /\ (i - k < n)%num.
Proof. lia. Qed.

Lemma part_back (x k : N) : (k <= x)%num -> Z.of_N x = (Z.of_N k + Z.of_N 1 * Z.of_N (x - k))%Z.
Proof. lia. Qed.
Lemma part_same (x : N) : Z.of_N x = (0 + Z.of_N 1 * Z.of_N x)%Z.
Proof. lia. Qed.

Lemma den_part k s a e i : resizes d t s -> i \in idxs t ->
  let x := nth 0%num i c in
  den (pad_to (part_steps (size t) d k) s t a) e i
  = if N.leb k x && N.ltb (x - k) (nth 0%num s c) then e a (set_nth 0%num i c (x - k)%num) else 0.
Proof.
move=> /andP [/eqP ss /eqP st] hi x; have ht := esym (size_part_steps k).
have bi : inb t i by rewrite -mem_idxs.
have si : size i = size t by exact: inb_size.
have P r := @steps_mapP (part_steps (size t) d k) t r i ht.
case: ifP => [/andP [/N.leb_le hx /N.ltb_lt hn]|no].
  apply: den_pad_to => //; first by rewrite size_part_steps.
  - by rewrite all_map; apply/allP => j _.
  - rewrite mem_idxs; apply: inb_from_nth => [|j hj].
      by rewrite size_set_nth si ss; apply/maxn_idPr.
    rewrite nth_set_nth /=; case: eqP => [->|ne]; first exact/N.ltb_lt.
    have -> : nth 0%num s j = nth 0%num t j by rewrite -st nth_set_nth /=; case: eqP ne.
    by apply: inb_nth bi _; rewrite -ss.
  - apply/P; split=> // j; rewrite size_part_steps => hj; rewrite part_step // nth_set_nth /=.
    by case: eqP => [->|_]; [exact: part_back | exact: part_same].
apply: den_pad_to0 => r; rewrite mem_idxs => hr /P [_ h].
have := h c; rewrite size_part_steps part_step // eqxx => /(_ hd) /= e1.
have := inb_nth hr (n := c); rewrite ss => /(_ hd) /N.ltb_lt hn.
have [/N.leb_le h1 /N.ltb_lt h2] := part_nat e1 hn.
by move: no; rewrite /x h1 h2.
Qed.

(** Before a part there is nothing of it, nor of the parts behind it. *)
Lemma parts_before k ps e i : all (fun p => resizes d t p.2) ps -> i \in idxs t ->
  (nth 0%num i c < k)%num -> \sum_(o <- part_pads d t k ps) den o e i = 0.
Proof.
elim: ps k => [|[a s] ps ih] k; first by rewrite big_nil.
move=> /= /andP [hs hps] hi hk; rewrite big_cons den_part //.
have -> : N.leb k (nth 0%num i c) = false by apply/N.leb_gt.
by rewrite add0r ih //; lia.
Qed.

Theorem parts_sum k ps e i : all (fun p => resizes d t p.2) ps -> i \in idxs t ->
  (k <= nth 0%num i c)%num ->
  \sum_(o <- part_pads d t k ps) den o e i
  = side_by_side d [seq (p.2, e p.1) | p <- ps] (set_nth 0%num i c (nth 0%num i c - k)%num).
Proof.
elim: ps k => [|[a s] ps ih] k; first by rewrite big_nil.
move=> /= /andP [hs hps] hi hk; rewrite big_cons den_part // -/c nth_set_nth /= eqxx.
have -> : N.leb k (nth 0%num i c) by apply/N.leb_le.
case: N.ltb_spec => [lt|ge] /=.
  by rewrite parts_before ?addr0 //; lia.
rewrite add0r ih //; last by lia.
rewrite set_set_nth eqxx; congr (side_by_side _ _ (set_nth _ _ _ _)); lia.
Qed.

Lemma below_part_pads n k ps : all (fun p => N.ltb p.1 n) ps -> below n (part_pads d t k ps).
Proof. by elim: ps k => //= -[a s] ps ih k /= /andP [-> /ih]; exact. Qed.

Lemma size_part_pads k ps : size (part_pads d t k ps) = size ps.
Proof. by elim: ps k => //= -[a s] ps ih k /=; rewrite ih. Qed.

Theorem join_sound k ps e i : all (fun p => resizes d t p.2) ps -> (0 < size ps)%nat ->
  all (fun p => N.ltb p.1 k) ps -> i \in idxs t ->
  run (join d t k ps) e (N.pred (k + sum_size (part_pads d t 0 ps))) i
  = side_by_side d [seq (p.2, e p.1) | p <- ps] i.
Proof.
move=> hps pos low hi; rewrite /join run_sum_code ?size_part_pads ?below_part_pads //.
rewrite parts_sum //; last by lia.
rewrite N.sub_0_r; congr (side_by_side _ _ _).
have hc : (c < size i)%nat by move: hi; rewrite mem_idxs => /inb_size ->.
apply: (@eq_from_nth _ 0%num); first by rewrite size_set_nth; exact/maxn_idPr.
by move=> j _; rewrite nth_set_nth /=; case: eqP => [->|].
Qed.
End Parts.
End Sound.
