(** * Integers with an exponent are numbers

    Tables of rows, sums and products of integers that share an exponent, and
    decoded bytes: what [Exact.v] computes with, over the real numbers.

    Glossary
      - [dyadic e z]     the real number [z / 2^e] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir Index Denote Number NumberSound TwinSound Floats Exact.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Tables *)
(** A row that was overwritten is gone; the others are as they were. *)
Lemma look_set t i e j e' : look (set (key i) (i, e) t) j = Some e' ->
  (j = i /\ e' = e) \/ look t j = Some e'.
Proof.
rewrite /look get_set; case: ifP => [_|_]; last by right.
by case: eqP => // -> [<-]; left.
Qed.

Lemma look_tabulate (A : Type) (at_ : A -> idx) hash f l (P : idx -> entry -> Prop) :
  (forall t m a e, List.In a l -> (forall i e, look t i = Some e -> P i e) ->
     f t m a = Some e -> P (at_ a) e) ->
  forall i e, look (tabulate at_ hash f l) i = Some e -> P i e.
Proof.
rewrite /tabulate; have : forall i e, look (PositiveMap.empty (idx * entry), PositiveMap.empty idx).1 i = Some e -> P i e.
  by move=> i e; rewrite /look /get /= PositiveMap.gempty.
move: (PositiveMap.empty _, PositiveMap.empty _) => st.
elim: l st => [|a l ih] st h0 hf //=; apply: ih; last by move=> t m b e hb; apply: hf; right.
move=> i e; rewrite /visit; case E: f => [e'|]; last exact: h0.
by move=> /= /look_set [[-> ->]|]; [apply: hf E; [left|exact: h0]|exact: h0].
Qed.

Lemma zip_with_size f a b : size (zip_with f a b) = minn (size a) (size b).
Proof. by elim: a b => [|x a ih] [|y b] //=; rewrite ih minnSS. Qed.

Lemma zip_with_nth f a b j : (j < size (zip_with f a b))%nat ->
  nth 0%Z (zip_with f a b) j = f (nth 0%Z a j) (nth 0%Z b j).
Proof. by elim: a b j => [|x a ih] [|y b] [|j] //=; exact: ih. Qed.

Lemma row_timesE once e0 ws acc xs : row_times once e0 ws acc xs = combine (decode e0) xs ws acc.
Proof. by case: once => //=; elim: xs ws acc => [|x xs ih] [|w ws] acc //=; rewrite ih. Qed.

Section Exact.
Variable R : realType.

Definition dyadic (e : N) (z : Z) : R := int_real R z / 2%:R ^+ N.to_nat e.

Let two_neq0 n : 2%:R ^+ n != 0 :> R. Proof. by rewrite expf_neq0 // pnatr_eq0. Qed.
Let two_gt0 n : 0 < 2%:R ^+ n :> R. Proof. by rewrite exprn_gt0 // ltr0n. Qed.

Lemma int_pow2 n : int_real R (2 ^ Z.of_N n) = 2%:R ^+ N.to_nat n.
Proof.
elim/N.peano_ind: n => [|n ih]; first by rewrite expr0.
rewrite N2Z.inj_succ Z.pow_succ_r; last exact: N2Z.is_nonneg.
by rewrite intM ih Nnat.N2Nat.inj_succ exprS /= mulr1.
Qed.

Lemma int_shift z n : int_real R (Z.shiftl z (Z.of_N n)) = int_real R z * 2%:R ^+ N.to_nat n.
Proof. by rewrite Z.shiftl_mul_pow2 ?intM ?int_pow2 //; exact: N2Z.is_nonneg. Qed.

Lemma dyadic0 e : dyadic e 0 = 0. Proof. exact: mul0r. Qed.
Lemma dyadicD e a b : dyadic e (a + b) = dyadic e a + dyadic e b.
Proof. by rewrite /dyadic intD mulrDl. Qed.
Lemma dyadicM e e' a b : dyadic (e + e') (a * b) = dyadic e a * dyadic e' b.
Proof. by rewrite /dyadic intM Nnat.N2Nat.inj_add exprD invfM mulrACA. Qed.
Lemma dyadic_shift e k z : dyadic (e + k) (Z.shiftl z (Z.of_N k)) = dyadic e z.
Proof. by rewrite /dyadic int_shift Nnat.N2Nat.inj_add exprD invfM mulrACA divff ?mulr1. Qed.
Lemma dyadic_le e a b : (dyadic e a <= dyadic e b) = Z.leb a b.
Proof. by rewrite /dyadic ler_pmul2r ?invr_gt0 // int_le. Qed.
Lemma dyadic_lt e a b : (dyadic e a < dyadic e b) = Z.ltb a b.
Proof. by rewrite ltNge dyadic_le Z.ltb_antisym. Qed.
Lemma dyadic_inj e a b : dyadic e a = dyadic e b -> a = b.
Proof.
by move=> h; apply: Z.le_antisymm; apply/Z.leb_le; rewrite -(dyadic_le e) h lexx.
Qed.
Lemma dyadic_max e a b : dyadic e (Z.max a b) = Num.max (dyadic e a) (dyadic e b).
Proof.
case: (Z.leb_spec a b) => h.
  by rewrite Z.max_r // max_r // dyadic_le; apply/Z.leb_le.
by rewrite Z.max_l; [rewrite max_l // dyadic_le; apply/Z.leb_le|]; lia.
Qed.
Lemma dyadic_int e z : dyadic e (Z.shiftl z (Z.of_N e)) = int_real R z.
Proof. by rewrite /dyadic int_shift mulfK. Qed.

(** ** Rows *)

Lemma decode_sound e0 w j : (e0 <= 150)%num -> (j < size (decode e0 w))%nat ->
  exists2 f, nth None (floats w) j = Some f &
    dyadic (150 - e0) (nth 0%Z (decode e0 w) j) = float_real R f.
Proof.
move=> h; elim: w j => [|a b c d w ih] j //=; case: float32 => [[m e]|] //.
case: Z.eqb_spec => [->|_].
  case: j => [_|j]; last exact: ih.
  by exists (0%Z, e) => //=; rewrite dyadic0 /float_real /= mul0r mul0r.
case: N.leb_spec => // he; case: j => [_|j]; last exact: ih.
exists (m, e) => //=; rewrite /dyadic int_shift /float_real /=.
have -> : 150%nat = (N.to_nat e0 + N.to_nat (150 - e0))%nat by rewrite -plusE; lia.
have {1}-> : N.to_nat e = (N.to_nat e0 + N.to_nat (e - e0))%nat by rewrite -plusE; lia.
rewrite !exprD invfM -!mulrA; congr (_ * _); rewrite mulrCA; congr (_ * _).
by rewrite mulrA divff ?mul1r.
Qed.

Lemma axpy_size x w acc : size (axpy x w acc) = minn (size w) (size acc).
Proof. by elim: w acc => [|a w ih] [|y acc] //=; rewrite ih minnSS. Qed.

Lemma axpy_nth x w acc j : (j < size (axpy x w acc))%nat ->
  nth 0%Z (axpy x w acc) j = (nth 0 acc j + nth 0 w j * x)%Z.
Proof. by elim: w acc j => [|a w ih] [|y acc] [|j] //=; exact: ih. Qed.

Section Combine.
Variables (W : Type) (dec : W -> row) (T : Type) (ex ew : N) (x y : T -> R).

Lemma combine_size xs ws acc : (size (combine dec xs ws acc) <= size acc)%nat.
Proof.
elim: xs ws acc => [|z xs ih] [|w ws] acc //=; apply: leq_trans (ih _ _) _.
by case: ifP => // _; rewrite axpy_size geq_minr.
Qed.

Lemma combine_sound L xs ws acc j : List.Forall2 (fun l z => x l = dyadic ex z) L xs ->
  List.Forall2 (fun l w => (j < size (dec w))%nat -> y l = dyadic ew (nth 0%Z (dec w) j)) L ws ->
  (j < size (combine dec xs ws acc))%nat ->
  dyadic (ex + ew) (nth 0%Z (combine dec xs ws acc) j)
  = \sum_(l <- L) x l * y l + dyadic (ex + ew) (nth 0%Z acc j).
Proof.
move=> hx; elim: hx ws acc => [|l z {}L {}xs hz _ ih] ws acc /=.
  by move=> _ _; rewrite big_nil add0r.
move=> hw; inversion hw as [|? w ? ws' h1 h2 e1 e2]; subst => hj.
rewrite ih // big_cons -addrA addrCA; congr (_ + _); case: Z.eqb_spec hj => [e|_] hj.
  by rewrite hz e dyadic0 mul0r add0r.
have hj' := leq_trans hj (combine_size _ _ _).
rewrite axpy_nth // dyadicD addrC; congr (_ + _).
rewrite axpy_size leq_min in hj'; have /andP [hjw _] := hj'.
by rewrite (h1 hjw) hz N.add_comm dyadicM mulrC.
Qed.
End Combine.

Lemma align_size k r : size (align k r) = size r.
Proof. by rewrite /align; case: N.eqb; rewrite ?size_map. Qed.

Lemma align_sound e k r j : (j < size r)%nat ->
  dyadic (e + k) (nth 0%Z (align k r) j) = dyadic e (nth 0%Z r j).
Proof.
rewrite /align; case: N.eqb_spec => [->|_] h; first by rewrite N.add_0_r.
by rewrite (nth_map 0%Z) // dyadic_shift.
Qed.

Definition bias_value (bias : option (N * row)) (j : nat) : R :=
  if bias is Some (e, b) then dyadic e (nth 0%Z b j) else 0.
Definition has_bias (bias : option (N * row)) (j : nat) : bool :=
  if bias is Some (_, b) then (j < size b)%nat else true.

Lemma out_row_sound e bias r j : (j < size (out_row e bias r))%nat ->
  [/\ (j < size r)%nat, has_bias bias j &
  dyadic (out_exponent e bias) (nth 0%Z (out_row e bias r) j)
  = dyadic e (nth 0%Z r j) + bias_value bias j].
Proof.
case: bias => [[eb b]|] /=; last by move=> ->; rewrite addr0.
move=> h; have := h; rewrite zip_with_size !align_size leq_min => /andP [hr hb]; split=> //.
rewrite zip_with_nth // dyadicD; congr (_ + _).
  have {1}-> : N.max e eb = (e + (N.max e eb - e))%num by lia.
  exact: align_sound.
have {1}-> : N.max e eb = (eb + (N.max e eb - eb))%num by lia.
exact: align_sound.
Qed.
End Exact.
