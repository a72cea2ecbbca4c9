(** * Integers with an exponent are numbers

    Tables of rows, sums and products of integers that share an exponent, and
    decoded bytes: what [Exact.v] computes with, over the real numbers.

    Glossary
      - [dyadic e z]     the real number [z / 2^e]
      - [ball e r z]     the numbers at most [r / 2^e] away from it
      - [column]         of a matrix, the sum of the absolute values *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Number NumberSound TwinSound Floats ExactTable.
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

Lemma look_map (g : row -> row) t i e :
  look (PositiveMap.map (fun q : idx * entry => (q.1, (q.2.1, g q.2.2))) t) i = Some e ->
  exists2 r, look t i = Some (e.1, r) & e.2 = g r.
Proof.
rewrite /look /get /PositiveMap.map PositiveMap.gmapi.
case: PositiveMap.find => [[j [m r]]|] //=; case: eqP => // _ [<-] /=.
by exists r.
Qed.

Lemma everywhere_look p x i e : everywhere p x -> look (f_table x) i = Some e -> all p e.2.
Proof.
rewrite /everywhere PositiveMap.fold_1 /look /get; case hf: PositiveMap.find => [[j e']|] //.
have := PositiveMap.elements_correct _ _ hf; case: eqP => // _ + + [<-].
have stuck l : List.fold_left (fun a (q : PositiveMap.key * (idx * entry)) => if a then all p q.2.2.2 else false) l false
    = false by elim: l.
elim: (PositiveMap.elements _) => //= q l ih [->|/ih h] /=; last by case: (all p _); rewrite ?stuck.
by case: (all p e'.2) => //; rewrite stuck.
Qed.

Lemma look_shared sources make places (P : idx -> entry -> Prop) :
  (forall i es, List.In i places -> sources i = Some es -> P i (i, make es)) ->
  (forall i j es es' e, List.In i places -> sources i = Some es -> sources j = Some es' ->
     [seq q.1 | q <- es] = [seq q.1 | q <- es'] -> P j e -> P i e) ->
  forall i e, look (shared sources make places) i = Some e -> P i e.
Proof.
move=> own same i e; apply: look_tabulate => t model {}i {}e hi ih.
case hs: sources => [es|] //; case: model => [j|] /=; last by case=> <-; exact: own.
case hs': (sources j) => [es'|]; last by case=> <-; exact: own.
case: eqP => [em /ih|_]; last by case=> <-; exact: own.
exact: same em.
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
Lemma dyadic_max e a b : dyadic e (Z.max a b) = Num.max (dyadic e a) (dyadic e b).
Proof.
case: (Z.leb_spec a b) => h.
  by rewrite Z.max_r // max_r // dyadic_le; apply/Z.leb_le.
by rewrite Z.max_l; [rewrite max_l // dyadic_le; apply/Z.leb_le|]; lia.
Qed.
Lemma dyadicN e a : dyadic e (- a) = - dyadic e a.
Proof. by apply/eqP; rewrite -addr_eq0 -dyadicD Z.add_opp_diag_l dyadic0. Qed.
Lemma dyadicB e a b : dyadic e (a - b) = dyadic e a - dyadic e b.
Proof. by rewrite -dyadicN -dyadicD. Qed.
Lemma dyadic_ge0 e a : (0 <= a)%Z -> 0 <= dyadic e a.
Proof. by move=> h; rewrite -(dyadic0 e) dyadic_le; apply/Z.leb_le. Qed.
Lemma dyadic_leP e a b : (a <= b)%Z -> dyadic e a <= dyadic e b.
Proof. by move=> h; rewrite dyadic_le; apply/Z.leb_le. Qed.
Lemma dyadic_norm e a : `|dyadic e a| = dyadic e (Z.abs a).
Proof.
case: (Z.leb_spec 0 a) => h; first by rewrite Z.abs_eq // ger0_norm // dyadic_ge0.
by rewrite Z.abs_neq ?dyadicN ?ler0_norm //; [rewrite -(dyadic0 e); apply: dyadic_leP; lia|lia].
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

End Combine.

(** ** Balls *)
Definition ball (e : N) (r z : Z) : pred R := fun v => `|v - dyadic e z| <= dyadic e r.

Lemma ball0 e z v : ball e 0 z v -> v = dyadic e z.
Proof. by rewrite /ball dyadic0 normr_le0 subr_eq0 => /eqP. Qed.
Lemma ball_exact e z : ball e 0 z (dyadic e z). Proof. by rewrite /ball subrr normr0 dyadic0. Qed.
Lemma ball_self e r z : (0 <= r)%Z -> ball e r z (dyadic e z).
Proof. by move=> h; rewrite /ball subrr normr0 dyadic_ge0. Qed.
Lemma ball_radius e r z v : ball e r z v -> (0 <= r)%Z.
Proof. by move=> h; apply/Z.leb_le; rewrite -(dyadic_le e) dyadic0; apply: le_trans h; exact: normr_ge0. Qed.
Lemma ball_weaken e r r' z v : (r <= r')%Z -> ball e r z v -> ball e r' z v.
Proof. by move=> h b; apply: le_trans b _; exact: dyadic_leP. Qed.
Lemma ball_add e r r' z z' v v' : ball e r z v -> ball e r' z' v' -> ball e (r + r') (z + z') (v + v').
Proof.
move=> h h'; rewrite /ball !dyadicD opprD addrACA; apply: le_trans (ler_norm_add _ _) _.
exact: ler_add.
Qed.
Lemma ball_shift e k r z v : ball (e + k) (Z.shiftl r (Z.of_N k)) (Z.shiftl z (Z.of_N k)) v = ball e r z v.
Proof. by rewrite /ball !dyadic_shift. Qed.

(** A ball lies on one side of what its radius does not reach. *)
Lemma ball_gt e r z y v : ball e r z v -> (r < z - y)%Z -> dyadic e y < v.
Proof.
rewrite /ball ler_distl => /andP [h _] lt; apply: lt_le_trans h; rewrite -dyadicB dyadic_lt.
by apply/Z.ltb_lt; lia.
Qed.
Lemma ball_lt e r z y v : ball e r z v -> (r < y - z)%Z -> v < dyadic e y.
Proof.
rewrite /ball ler_distl => /andP [_ h] lt; apply: le_lt_trans h _; rewrite -dyadicD dyadic_lt.
by apply/Z.ltb_lt; lia.
Qed.

Lemma max_lipschitz (a b c d : R) t : `|a - c| <= t -> `|b - d| <= t -> `|Num.max a b - Num.max c d| <= t.
Proof.
rewrite !ler_distl => /andP [h1 h2] /andP [h3 h4]; apply/andP; split.
  rewrite ler_subl_addr; case: (lerP c d) => _.
    by rewrite -ler_subl_addr; apply: le_trans h3 _; rewrite le_maxr lexx orbT.
  by rewrite -ler_subl_addr; apply: le_trans h1 _; rewrite le_maxr lexx.
rewrite le_maxl; apply/andP; split; [apply: le_trans h2 _|apply: le_trans h4 _].
  by rewrite ler_add2r le_maxr lexx.
by rewrite ler_add2r le_maxr lexx orbT.
Qed.
Lemma ball_max e r a b v w : ball e r a v -> ball e r b w -> ball e r (Z.max a b) (Num.max v w).
Proof. by rewrite /ball dyadic_max => h h'; exact: max_lipschitz. Qed.

(** Fewer bits. *)
Lemma ball_round e k r z v : ball (e + k) r z v ->
  ball e (Z.shiftr r (Z.of_N k) + 2) (Z.shiftr z (Z.of_N k)) v.
Proof.
have pos : (0 < 2 ^ Z.of_N k)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
have sl a : Z.shiftl a (Z.of_N k) = (a * 2 ^ Z.of_N k)%Z by apply: Z.shiftl_mul_pow2; exact: N2Z.is_nonneg.
have sh a : exists2 d, (0 <= d < 2 ^ Z.of_N k)%Z & a = (Z.shiftr a (Z.of_N k) * 2 ^ Z.of_N k + d)%Z.
  exists (a mod 2 ^ Z.of_N k)%Z; first exact: Z.mod_pos_bound.
  rewrite Z.shiftr_div_pow2; last exact: N2Z.is_nonneg.
  by rewrite Z.mul_comm; apply: Z.div_mod; lia.
have [d hd ed] := sh z; have [d' hd' ed'] := sh r.
rewrite -(ball_shift e k) !sl; move: (Z.shiftr z _) (Z.shiftr r _) ed ed' => a b -> ->.
move: (2 ^ Z.of_N k)%Z pos hd hd' => p pos hd hd'; rewrite /ball dyadicD opprD addrA => h.
rewrite -(subrK (dyadic (e + k) d) (v - _)); apply: le_trans (ler_norm_add _ _) _.
apply: le_trans (ler_add h _) _; first by rewrite dyadic_norm; exact: lexx.
by rewrite -dyadicD; apply: dyadic_leP; nia.
Qed.

Lemma ball_round_entry e k r z v : ball (e + k) r z v ->
  ball e (Z.shiftr r (Z.of_N k) + 2) (round_entry (Z.of_N k) z) v.
Proof.
have pos : (0 < 2 ^ Z.of_N k)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
rewrite /round_entry; case: Z.eqb_spec => [->|z0].
  by move=> /ball_round; rewrite Z.shiftr_0_l.
case: Z.eqb_spec => [q0|_]; last exact: ball_round.
move: q0; rewrite Z.shiftr_div_pow2; last exact: N2Z.is_nonneg.
have := Z.div_mod z (2 ^ Z.of_N k); have := Z.mod_pos_bound z (2 ^ Z.of_N k) pos.
move=> hm hd q0; have hz : (0 < z < 2 ^ Z.of_N k)%Z by nia.
have sl a : Z.shiftl a (Z.of_N k) = (a * 2 ^ Z.of_N k)%Z by apply: Z.shiftl_mul_pow2; exact: N2Z.is_nonneg.
rewrite -(ball_shift e k) !sl Z.shiftr_div_pow2; last exact: N2Z.is_nonneg.
have := Z.div_mod r (2 ^ Z.of_N k); have := Z.mod_pos_bound r (2 ^ Z.of_N k) pos.
move: (2 ^ Z.of_N k)%Z (r / _)%Z (r mod _)%Z pos hz => p q d pos hz hd' er h.
rewrite /ball; have -> : dyadic (e + k) (1 * p) = dyadic (e + k) z + dyadic (e + k) (p - z).
  by rewrite -dyadicD; congr dyadic; lia.
rewrite opprD addrA; apply: le_trans (ler_norm_sub _ _) _.
apply: le_trans (ler_add h _) _; first by rewrite dyadic_norm; exact: lexx.
by rewrite -dyadicD; apply: dyadic_leP; have := er; nia.
Qed.

Lemma round_entry0 k z : round_entry k z = 0%Z -> z = 0%Z.
Proof. by rewrite /round_entry; case: Z.eqb_spec => // _; case: Z.eqb_spec. Qed.

(** ** Matrices *)
Definition column (W : Type) (dec : W -> row) (j : nat) (ws : seq W) : Z :=
  foldr (fun w z => (Z.abs (nth 0%Z (dec w) j) + z)%Z) 0%Z ws.

Lemma columns_nth (W : Type) (dec : W -> row) m ws j : (j < size (columns dec m ws))%nat ->
  all (fun w => (j < size (dec w))%nat) ws /\ nth 0%Z (columns dec m ws) j = column dec j ws.
Proof.
elim: ws => [|w ws ih] /=; first by rewrite size_nseq => hj; rewrite nth_nseq hj.
move=> hj; have := hj; rewrite zip_with_size leq_min => /andP [h1 h2].
by have [-> e] := ih h2; rewrite h1 zip_with_nth // e.
Qed.

Lemma fold_max (l : row) j : (j < size l)%nat -> (nth 0%Z l j <= foldr Z.max 0%Z l)%Z.
Proof. by elim: l j => [|a l ih] [|j] //= hj; [lia|have := ih j hj; lia]. Qed.

Section Ball.
Variables (W : Type) (dec : W -> row) (T : Type) (ex ew : N) (x y : T -> R) (r : Z).

Lemma combine_ball L xs ws acc j : List.Forall2 (fun l z => ball ex r z (x l)) L xs ->
  List.Forall2 (fun l w => (j < size (dec w))%nat -> y l = dyadic ew (nth 0%Z (dec w) j)) L ws ->
  r = 0%Z \/ all (fun w => (j < size (dec w))%nat) ws ->
  (j < size (combine dec xs ws acc))%nat ->
  `|\sum_(l <- L) x l * y l + dyadic (ex + ew) (nth 0%Z acc j)
    - dyadic (ex + ew) (nth 0%Z (combine dec xs ws acc) j)| <= dyadic (ex + ew) (r * column dec j ws).
Proof.
move=> hx; elim: hx ws acc => [|l z {}L {}xs hz _ ih] ws acc /=.
  move=> hw _ _; inversion hw; subst.
  by rewrite big_nil add0r subrr normr0 Z.mul_0_r dyadic0.
move=> hw full; inversion hw as [|? w ? ws' h1 h2 e1 e2]; subst => hj; rewrite /=.
have full' : r = 0%Z \/ all (fun w => (j < size (dec w))%nat) ws'.
  by case: full => [->|/andP [_ h]]; [left|right].
set acc' := if Z.eqb z 0 then acc else axpy z (dec w) acc in hj *.
have := ih ws' acc' h2 full' hj; rewrite big_cons => bound.
rewrite Z.mul_add_distr_l dyadicD.
have one : `|x l * y l + dyadic (ex + ew) (nth 0%Z acc j) - dyadic (ex + ew) (nth 0%Z acc' j)|
    <= dyadic (ex + ew) (r * Z.abs (nth 0%Z (dec w) j)).
  have known : (j < size (dec w))%nat -> `|x l * y l - dyadic (ex + ew) (nth 0%Z (dec w) j * z)|
      <= dyadic (ex + ew) (r * Z.abs (nth 0%Z (dec w) j)).
    move=> /h1 ->; rewrite Z.mul_comm !dyadicM -mulrBl normrM -dyadic_norm.
    by apply: ler_wpmul2r => //; exact: normr_ge0.
  move: hj {bound}; rewrite /acc'; case: Z.eqb_spec => [e|_] hj.
    rewrite addrK; case: full => [r0|/andP [hw' _]].
      by move: hz; rewrite r0 => /ball0 ->; rewrite e dyadic0 mul0r normr0 dyadic0.
    by have := known hw'; rewrite e Z.mul_0_r dyadic0 subr0.
  have hj' := leq_trans hj (combine_size _ _ _ _).
  rewrite axpy_nth // dyadicD opprD addrA addrK.
  rewrite axpy_size leq_min in hj'; have /andP [hjw _] := hj'.
  exact: known.
have -> : x l * y l + \sum_(j0 <- L) x j0 * y j0 + dyadic (ex + ew) (nth 0%Z acc j)
    - dyadic (ex + ew) (nth 0%Z (combine dec xs ws' acc') j)
  = (x l * y l + dyadic (ex + ew) (nth 0%Z acc j) - dyadic (ex + ew) (nth 0%Z acc' j))
    + (\sum_(j0 <- L) x j0 * y j0 + dyadic (ex + ew) (nth 0%Z acc' j)
       - dyadic (ex + ew) (nth 0%Z (combine dec xs ws' acc') j)).
  by rewrite [RHS]addrACA addrA; congr (_ - _); rewrite addrA addrK addrAC.
by apply: le_trans (ler_norm_add _ _) _; exact: ler_add.
Qed.
End Ball.

(** [t] is what [spread] says. *)
Lemma spread_ball (W : Type) (dec : W -> row) m (ws : seq W) r t j : (0 <= r)%Z ->
  spread dec m ws r = Some t -> (j < N.to_nat m)%nat ->
  (r = 0%Z \/ all (fun w => (j < size (dec w))%nat) ws) /\ (r * column dec j ws <= t)%Z.
Proof.
rewrite /spread => h0; case: Z.eqb_spec => [-> [<-] _|_]; first by split; [left|lia].
case: ifP => // /N.eqb_eq hc [<-] hj.
have hj' : (j < size (columns dec m ws))%nat by apply/ssrnat.ltP; move/ssrnat.ltP: hj; lia.
have [full e] := columns_nth hj'; split; first by right.
have := fold_max hj'; rewrite e; nia.
Qed.

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
