(** * Operations that are programs of others

    The vocabulary has no op of its own for the logarithm of a softmax, for the
    maximum over dimensions and for the reversal of dimensions. They are programs of
    its ops, so [GradCorrect.grad_correct] is about them; here is what these compute
    and the closed form of what reverse mode emits, at all shapes.

    Glossary
      - [log_softmax_ops s]   the logarithm of a softmax over the last dimension
      - [reduce_max front back]  the maximum over the dimensions [back]: a maximum
                              pool whose window is as large as they are; any
                              others are brought there by a transposition
      - [reverse s ds]        the dimensions [ds] backwards: a contraction with one
                              operand and an affine map
      - [backwards s ds d], [reverse_map]  that map
      - [reversed s ds i]     the index it reads *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Transpose Differential Computes ConvolutionIndex SpecLayer TokensSound LayersGraphCells LayersGraphMaxPool.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Definition log_softmax_ops (s : shape) : prog := [:: (1, Softmax s 0); (2, Una s Log 1)]%num.
Definition reduce_max (front back : shape) (a : N) : op :=
  MaxPool (front ++ back) front back (id_map (front ++ back)) a.

(** Dimension [d] of [n] cells, from its last cell on. *)
Definition backwards (s : shape) (ds : seq N) (d : N) : aff :=
  if d \in ds then Aff (Z.of_N (nth 0%num s (N.to_nat d)) - 1) [:: (d, (-1)%Z)] else coord d.
Definition reverse_map (s : shape) (ds : seq N) : imap := [seq backwards s ds d | d <- first_dims (size s)].
Definition reverse (s : shape) (ds : seq N) (a : N) : op :=
  Contract s s (id_map s) [:: View a s (reverse_map s ds)].
Definition reversed (s : shape) (ds : seq N) (i : idx) : idx :=
  [seq if d \in ds then (nth 0%num s (N.to_nat d) - 1 - nth 0%num i (N.to_nat d))%num else nth 0%num i (N.to_nat d)
  | d <- first_dims (size s)].

Section Ops.
Variable R : realType.
Implicit Types (e y : env R) (x dy : tensor R).

(** ** The logarithm of a softmax *)
Lemma softmax_gt0 s x i : i \in idxs s -> 0 < softmax s x i.
Proof. by move=> hi; rewrite /softmax divr_gt0 ?expR_gt0 ?row_sum_exp_gt0. Qed.

Theorem log_softmax_value s e : eqt s (run (log_softmax_ops s) e 2%num) (log_softmax s (e 0%num)).
Proof.
move=> i hi; rewrite /log_softmax.
have -> : run (log_softmax_ops s) e 2%num i = ln (softmax s (e 0%num) i) by [].
by rewrite /softmax lnM ?posrE ?invr_gt0 ?expR_gt0 ?row_sum_exp_gt0 // expK lnV ?posrE ?row_sum_exp_gt0.
Qed.

Theorem log_softmax_gradients s e dy : exists dx,
  gradients (log_softmax_ops s) 3 2 [:: (0%num, s)] e dy = [:: dx] /\
  forall i, i \in idxs s -> dx i = dy i - softmax s (e 0%num) i * row_sum s dy i.
Proof.
have [//|//|//|y] := @gradients_computes R (log_softmax_ops s) 3 2 [:: (0%num, s)] 1 e dy.
rewrite [seq.map _ _]/= => -[-> hcode low h3]; exists (y 9%num); split=> // i hi.
move: hcode; rewrite /log_softmax_ops /rev /=.
move=> /computes_cons [h1] /computes_cons [_] /computes_cons [h4] /computes_cons [h5] /computes_cons [h6].
move=> /computes_cons [h7] /computes_cons [h8] /computes_cons [h9 _].
have y1 j : y 1%num j = softmax s (e 0%num) j by rewrite h1 /= low.
have y5 : eqt s (y 5%num) dy.
  move=> j hj; rewrite h5 /= h4 /= h3 y1; apply: divfK; exact: lt0r_neq0 (softmax_gt0 _ hj).
rewrite h9 /= h8 /= h7 den_row_spread // h6 den_row_total // (row_sum_eqt _ y5) h4 /= h3 y1 mulrBr mulrC.
by rewrite divfK // lt0r_neq0 // softmax_gt0.
Qed.

(** ** Maxima over dimensions *)
Section Reduce.
Variables (front back : shape).
Let s : shape := front ++ back.

Lemma reduce_cells i : i \in idxs front -> Index.cells s back (id_map s) i = [seq i ++ o | o <- idxs back].
Proof.
move=> hi; rewrite /Index.cells; have : {subset idxs back <= idxs back} by [].
elim: {-2}(idxs back) => //= o l ih h.
have ho : o \in idxs back by apply: h; rewrite inE eqxx.
have hio : i ++ o \in idxs s by rewrite idxs_cat; apply/allpairsP; exists (i, o).
rewrite /id_map at_map_id -?mem_idxs //= ih // => r hr; apply: h; by rewrite inE hr orbT.
Qed.

(** The greatest of the cells behind [i]. *)
Theorem reduce_max_value a e i o : i \in idxs front -> o \in idxs back ->
  e a (i ++ o) <= den (reduce_max front back a) e i
  /\ exists2 q, q \in idxs back & den (reduce_max front back a) e i = e a (i ++ q).
Proof.
move=> hi ho; rewrite /= /chosen reduce_cells //.
case E: (idxs back) ho => [|r l] //= ho.
rewrite (first_greatest_map (fun o => i ++ o)).
set f := _ \o _; set best := first_best f r l.
have [pre [post [e1 hpre hpost]]] := first_best_split f r l.
split; last by exists best => //; rewrite e1 mem_cat mem_head orbT.
move: ho; rewrite e1 mem_cat inE => /or3P [/hpre /ltW|/eqP ->|/hpost] //.
Qed.

(** Each cotangent goes to one cell. *)
Theorem reduce_max_gradients e dy : exists dx,
  gradients [:: (1%num, reduce_max front back 0)] 2 1 [:: (0%num, s)] e dy = [:: dx] /\
  forall i o, i \in idxs front -> o \in idxs back ->
    dx (i ++ o) = if chosen s back (id_map s) (e 0%num) i == Some (i ++ o) then dy i else 0.
Proof.
have [//|//|//|y] := @gradients_computes R [:: (1%num, reduce_max front back 0)] 2 1 [:: (0%num, s)] 1 e dy.
rewrite [seq.map _ _]/= => -[-> hcode low h2]; exists (y 3%num); split=> // i o hi ho.
move: hcode; rewrite /rev /= => /computes_cons [_] /computes_cons [h3 _].
rewrite h3 /= h2 low // big_mkcond (bigD1_seq i) ?idxs_uniq //= [X in _ + X]big1_seq ?addr0 // => j /andP [ne hj].
case: eqP => // /chosen_in; rewrite reduce_cells // => /mapP [q _ eq_]; move: ne.
have size_in k : k \in idxs front -> size k = size front by rewrite mem_idxs => /inb_size.
have := congr1 (take (size front)) eq_; rewrite !take_size_cat ?size_in // => ->.
by rewrite eqxx.
Qed.
End Reduce.

(** ** Dimensions backwards *)
Section Reverse.
Variables (s : shape) (ds : seq N).

Lemma nth_reversed i k : (k < size s)%nat -> nth 0%num (reversed s ds i) k
  = if N.of_nat k \in ds then (nth 0%num s k - 1 - nth 0%num i k)%num else nth 0%num i k.
Proof.
by move=> hk; rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims // Nnat.Nat2N.id.
Qed.

Lemma size_reversed i : size (reversed s ds i) = size s.
Proof. by rewrite size_map size_first_dims. Qed.

Lemma below_back (d k : N) : (k < d)%num -> (d - 1 - k < d)%num. Proof. lia. Qed.
Lemma back_back (d k : N) : (k < d)%num -> (d - 1 - (d - 1 - k))%num = k. Proof. lia. Qed.
Lemma back_aff (d k : N) : (k < d)%num -> (Z.of_N d - 1 + -1 * Z.of_N k)%Z = Z.of_N (d - 1 - k). Proof. lia. Qed.

Lemma reversed_in i : i \in idxs s -> reversed s ds i \in idxs s.
Proof.
rewrite !mem_idxs => hi; apply: inb_from_nth; first exact: size_reversed.
move=> k hk; rewrite nth_reversed //; have lt := inb_nth hi hk.
by case: ifP => _ //; apply/N.ltb_lt; apply: below_back; exact/N.ltb_lt.
Qed.

Lemma reversedK i : i \in idxs s -> reversed s ds (reversed s ds i) = i.
Proof.
rewrite mem_idxs => hi; apply: (@eq_from_nth _ 0%num) => [|k]; rewrite size_reversed ?(inb_size hi) // => hk.
rewrite !nth_reversed //; case hd: (N.of_nat k \in ds) => //; apply: back_back; apply/N.ltb_lt; exact: inb_nth hi hk.
Qed.

Lemma at_reverse i : i \in idxs s -> at_map (reverse_map s ds) s i = Some (reversed s ds i).
Proof.
move=> hi; apply/at_mapE; first by rewrite size_map size_first_dims.
split; first by rewrite -mem_idxs reversed_in.
move=> k hk; rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims // nth_reversed // /backwards.
have lt : (nth 0%num i k < nth 0%num s k)%num by apply/N.ltb_lt; apply: inb_nth hk; rewrite -mem_idxs.
case: ifP => _; last by rewrite aff_at_coord Nnat.Nat2N.id.
by rewrite Nnat.Nat2N.id -back_aff // /aff_at /= Nnat.Nat2N.id Z.add_comm.
Qed.

Theorem reverse_value a e : eqt s (den (reverse s ds a) e) (fun i => e a (reversed s ds i)).
Proof. by move=> i hi; rewrite /reverse den_view // /read [v_map _]/= [v_shape _]/= at_reverse. Qed.

Theorem reverse_gradients e dy : exists dx,
  gradients [:: (1%num, reverse s ds 0)] 2 1 [:: (0%num, s)] e dy = [:: dx] /\
  eqt s dx (fun i => dy (reversed s ds i)).
Proof.
have [//|//|//|y] := @gradients_computes R [:: (1%num, reverse s ds 0)] 2 1 [:: (0%num, s)] 1 e dy.
rewrite [seq.map _ _]/= => -[-> hcode low h2]; exists (y 3%num); split=> // i hi.
move: hcode; rewrite /rev /= => /computes_cons [_] /computes_cons [h3 _].
rewrite h3 /den big_seq_cond -h2.
rewrite (eq_bigl (fun r => (r \in idxs s) && (r == reversed s ds i))) => [|r].
  by rewrite -big_seq_cond sum_pick ?idxs_uniq ?reversed_in // big_seq1 read_id ?reversed_in.
case hr: (r \in idxs s) => //=; rewrite at_reverse //; apply/eqP/eqP => [[<-]|->].
  by rewrite reversedK.
by rewrite reversedK.
Qed.
End Reverse.
End Ops.
