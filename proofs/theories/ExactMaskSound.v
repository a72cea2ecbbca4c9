(** * Masks on integers are masks

    Where a tensor and its mask are what [ExactTable.v] says, so is what is left
    of the tensor.

    Glossary
      - [masked_sound]   times a mask of its shape
      - [mask_value_sound], [path_value_sound]  a mask that is stored; one number
                         for each example *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Scalar Number RaiseGrouped CheckSound.
From Cotangent Require Import Floats Exact ExactNumbers ExactRows ExactLayers ExactBranches.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma shifted_eq0 k z : shifted k z = 0%Z -> z = 0%Z.
Proof. by rewrite /shifted; case: Z.eqb_spec => [->|//]; case: Z.eqb_spec. Qed.

Section Mask.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Variables (fraction constant_from : N).
Hypothesis theta_constant : forall k v, (constant_from <= k)%num -> theta v k = theta x0 k.

Lemma ball_shifted e k r z v : ball (e + k) r z v ->
  ball e (Z.shiftr r (Z.of_N k) + 2) (shifted k z) v.
Proof.
move=> h; have := ball_round h; rewrite /shifted; case: Z.eqb_spec => //= q0; case: Z.eqb_spec => //= z0 _.
have pos : (0 < 2 ^ Z.of_N k)%Z by apply: Z.pow_pos_nonneg => //; exact: N2Z.is_nonneg.
have sl a : Z.shiftl a (Z.of_N k) = (a * 2 ^ Z.of_N k)%Z by apply: Z.shiftl_mul_pow2; exact: N2Z.is_nonneg.
have sr a : Z.shiftr a (Z.of_N k) = (a / 2 ^ Z.of_N k)%Z by apply: Z.shiftr_div_pow2; exact: N2Z.is_nonneg.
rewrite -(ball_shift e k) !sl; move: q0; rewrite !sr => q0.
have := Z.div_mod z (2 ^ Z.of_N k) ltac:(lia); have := Z.mod_pos_bound z (2 ^ Z.of_N k) pos.
have := Z.div_mod r (2 ^ Z.of_N k) ltac:(lia); have := Z.mod_pos_bound r (2 ^ Z.of_N k) pos.
rewrite q0; move: (2 ^ Z.of_N k)%Z pos (r / _)%Z => p pos q hr er hz ez.
have d : (Z.abs (z - 1 * p) <= p)%Z by lia.
rewrite /ExactNumbers.ball -(subrKA (dyadic R (e + k) z)); apply: le_trans (ler_norm_add _ _) _.
apply: le_trans (ler_add h (_ : _ <= dyadic R (e + k) p)) _.
  by rewrite -dyadicB dyadic_norm; exact: dyadic_leP.
by rewrite -dyadicD; apply: dyadic_leP; nia.
Qed.

Lemma rounded_apart_sound X x : holds X x -> holds X (rounded_apart fraction x).
Proof.
rewrite /rounded_apart; case: ifP => [//|/negbT]; rewrite negb_or => /andP [_ /N.leb_spec0 big] [r0 hX].
split=> [|i en]; first by have := Z.shiftr_nonneg (f_radius x) (Z.of_N (f_exponent x - fraction)); rewrite /=; lia.
move=> /look_map [r /hX h er] j; rewrite er size_map => hj; have [c val near zero] := h j hj.
rewrite (nth_map 0%Z) //; split=> //; last by move=> rect /shifted_eq0; exact: zero.
by apply: ball_shifted; move: val; congr (ball _ _ _ _); rewrite /=; lia.
Qed.

Lemma masked_sound s X Y x m : holds X x -> holds Y m ->
  holds (fun v i => X v i * Y v i) (masked fraction s x m).
Proof. by move=> hX hY; apply: rounded_apart_sound; exact: product_sound. Qed.

Lemma mask_value_sound k s m : mask_value constant_from pt k s = Some m -> holds (fun v => theta v k) m.
Proof.
rewrite /mask_value; case: N.leb_spec => // hk; apply: (data_sound theta_at) => v.
exact: theta_constant.
Qed.

Lemma path_value_sound k batch s m y : (0 < size s)%nat -> mask_value constant_from pt k [:: batch] = Some m ->
  every_entry (batch :: s) m = Some y -> holds (fun v i => theta v k [:: nth 0%num i 0]) y.
Proof.
move=> s0 hm; have hM := mask_value_sound hm; rewrite /every_entry; case hl: look => [[j r]|] // [<-].
have fixed_k v : theta v k = theta x0 k.
  by apply: theta_constant; move: hm; rewrite /mask_value; case: N.leb_spec.
apply: constants_sound => [v|i row o]; first by rewrite fixed_k.
move=> hin ho; have [b [i' [ei er hb]]] : exists b i', [/\ i = b :: i',
    row = nseq (N.to_nat (last 0%num (batch :: s))) (nth 0%Z r (N.to_nat b)) & (N.to_nat b < size r)%nat].
  case/List.in_map_iff: hin => i' [[<- <-]]; rewrite In_mem mem_filter => /andP [/N.ltb_lt lt].
  rewrite mem_idxs => /inb_size si; case: i' lt si => [|b i'] lt si.
    by case: (s) s0 si => //= d [].
  by exists b, i'; split=> //; apply/ssrnat.ltP; rewrite /= in lt; lia.
rewrite er size_nseq in ho; rewrite er ei nth_nseq ho rcons_cons /=.
have [_ val _ _] := entry_at hM hl hb; rewrite /= in val.
have radius : f_radius m = 0%Z.
  by move: hm; rewrite /mask_value /data_value; case: ifP => // _; case: literal_at => // l [<-].
by rewrite radius in val; exact: ball0 val.
Qed.
End Mask.
