(** * Integers and rationals as real numbers

    Reading them as reals commutes with the operations of the executable twin.

    Glossary
      - [int..], [q_real..]  of integers, of rationals: order, sums, products, ... *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith QArith_base Qreduction Qabs Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Twin.
From Cotangent Require Export TwinSame.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Close Scope Q_scope.
Local Open Scope ring_scope.

Section Numbers.
Variable R : realType.

(** ** Integers *)

Lemma int_nat z m n : z = (Z.of_nat m - Z.of_nat n)%Z -> int_real R z = m%:R - n%:R.
Proof.
case: z => [|p|p] h /=.
- have -> : m = n by lia.
  by rewrite subrr.
- have -> : m = (Pos.to_nat p + n)%nat by rewrite -plusE; lia.
  by rewrite natrD addrK pos_real_nat.
- have -> : n = (Pos.to_nat p + m)%nat by rewrite -plusE; lia.
  by rewrite natrD opprD addrCA subrr addr0 pos_real_nat.
Qed.

Lemma int_parts z : z = (Z.of_nat (Z.to_nat z) - Z.of_nat (Z.to_nat (- z)))%Z.
Proof. lia. Qed.

Lemma intD a b : int_real R (a + b) = int_real R a + int_real R b.
Proof.
rewrite (int_nat (int_parts a)) (int_nat (int_parts b)) addrACA -opprD -!natrD.
by apply: int_nat; rewrite -plusE; lia.
Qed.

Lemma intN a : int_real R (- a) = - int_real R a.
Proof. by case: a => [|p|p] /=; rewrite ?oppr0 ?opprK. Qed.

Lemma intM a b : int_real R (a * b) = int_real R a * int_real R b.
Proof.
have pm p q : pos_real R (p * q) = pos_real R p * pos_real R q.
  by rewrite !pos_real_nat Pos2Nat.inj_mul natrM.
by case: a => [|p|p]; case: b => [|q|q] /=; rewrite ?mul0r ?mulr0 ?pm ?mulNr ?mulrN ?opprK.
Qed.

Lemma int_ge0 a : (0 <= int_real R a) = (Z.leb 0 a).
Proof.
case: a => [|p|p] /=; first exact: lexx.
  by rewrite ltW // pos_real_gt0.
by rewrite oppr_ge0 leNgt pos_real_gt0.
Qed.

Lemma int_le a b : (int_real R a <= int_real R b) = Z.leb a b.
Proof.
rewrite -subr_ge0 -intN -intD int_ge0; apply/idP/idP => /Z.leb_le h; apply/Z.leb_le; lia.
Qed.

(** ** Rationals *)
Local Notation q_real := (@q_real R).

Lemma q_realE q : q_real q = int_real R (Qnum q) / int_real R (Zpos (Qden q)).
Proof. by []. Qed.

Lemma den_gt0 (q : Q) : 0 < int_real R (Zpos (Qden q)).
Proof. exact: pos_real_gt0. Qed.

Lemma q_real_le p q : (q_real p <= q_real q) = Qle_bool p q.
Proof.
rewrite /Qle_bool !q_realE ler_pdivr_mulr ?den_gt0 // mulrAC ler_pdivl_mulr ?den_gt0 //.
by rewrite -!intM int_le.
Qed.

Lemma q_real_eq p q : (q_real p == q_real q) = Qeq_bool p q.
Proof.
rewrite eq_le !q_real_le; apply/andP/idP => [[]|].
  by move=> /Qle_bool_iff h1 /Qle_bool_iff h2; apply/Qeq_bool_iff; exact: Qle_antisym.
move=> /Qeq_bool_iff h; split; apply/Qle_bool_iff; rewrite h; exact: Qle_refl.
Qed.

Lemma q_real_Qeq p q : Qeq p q -> q_real p = q_real q.
Proof. by move=> h; apply/eqP; rewrite q_real_eq; apply/Qeq_bool_iff. Qed.

Lemma q_real_red q : q_real (Qred q) = q_real q.
Proof. exact: q_real_Qeq (Qred_correct q). Qed.

Lemma q_realD p q : q_real (Qplus p q) = q_real p + q_real q.
Proof.
rewrite !q_realE addf_div ?gt_eqF ?den_gt0 //= intD !intM.
by congr (_ / _); rewrite -[pos_real R (_ * _)]/(int_real R (Zpos _)) Pos2Z.inj_mul intM.
Qed.

Lemma q_realN q : q_real (Qopp q) = - q_real q.
Proof. by rewrite !q_realE /= intN mulNr. Qed.

Lemma q_realM p q : q_real (Qmult p q) = q_real p * q_real q.
Proof.
rewrite !q_realE mulf_div /= intM.
by congr (_ / _); rewrite -[pos_real R (_ * _)]/(int_real R (Zpos _)) Pos2Z.inj_mul intM.
Qed.

Lemma q_realV q : q_real (Qinv q) = (q_real q)^-1.
Proof.
case: q => [[|p|p] d]; rewrite !q_realE /= ?mul0r ?invr0 // invfM invrK mulrC //.
by rewrite invrN mulrN mulNr.
Qed.

Lemma q_real_max p q : q_real (q_max p q) = Num.max (q_real p) (q_real q).
Proof. by rewrite /q_max -q_real_le; case: leP. Qed.

Lemma q_real_min p q : q_real (q_min p q) = Num.min (q_real p) (q_real q).
Proof. by rewrite /q_min -q_real_le; case: leP. Qed.

Lemma q_real_abs q : q_real (Qabs q) = `|q_real q|.
Proof.
case: q => n d; rewrite /Qabs !q_realE normrM normfV [`|int_real R (Zpos _)|]gtr0_norm ?den_gt0 //.
by congr (_ / _); case: n => [|p|p] /=; rewrite ?normrN ?normr0 ?gtr0_norm ?pos_real_gt0.
Qed.

Lemma q_real_sum l : q_real (q_sum l) = \sum_(x <- l) q_real x.
Proof.
elim: l => [|x l ih]; first by rewrite big_nil; exact: mul0r.
by rewrite big_cons -ih -q_realD -[RHS]q_real_red.
Qed.

Lemma q_real_fold x l :
  q_real (foldr q_max x l) = foldr Num.max (q_real x) (map q_real l).
Proof. by elim: l => //= y l ih; rewrite q_real_max ih. Qed.

Lemma q_real0 : q_real (0 # 1)%Q = 0. Proof. exact: mul0r. Qed.

Lemma q_real_sqrt q r : q_sqrt q = Some r -> q_real r = Num.sqrt (q_real q).
Proof.
rewrite /q_sqrt; case: (Qred q) => n d; case: ifP => // /Qeq_bool_iff h [<-].
rewrite -(q_real_Qeq h) q_realM -expr2 sqrtr_sqr ger0_norm //.
rewrite /q_real /rational /= divr_ge0 ?int_ge0 ?ltW ?pos_real_gt0 //.
by apply/Z.leb_le; exact: Z.sqrt_nonneg.
Qed.

Lemma q_real_unary u q r : q_unary u q = Some r -> q_real r = unary_real u (q_real q).
Proof.
case: u => //= [[<-]|/q_real_sqrt //||[<-]]; first exact: q_realN.
  by case E: q_sqrt => [s|] //= [<-]; rewrite q_realV (q_real_sqrt E).
exact: q_real_abs.
Qed.

Lemma q_real_binary b f p q : q_binary b = Some f ->
  q_real (f p q) = binary_real b (q_real p) (q_real q).
Proof.
case: b => // /Some_inj <-; rewrite /binary_real ?q_real_red ?q_real_max ?q_real_min //.
- exact: q_realD.
- by rewrite /Qminus q_realD q_realN.
- exact: q_realM.
- by rewrite /Qdiv q_realM q_realV.
Qed.

Lemma q_real_direction d p q :
  q_direction d p q = direction_real d (q_real p) (q_real q).
Proof. by case: d => /=; rewrite ?q_real_eq ?q_real_le // ltNge q_real_le. Qed.
End Numbers.
