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

Section Mask.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Variables (fraction constant_from : N).
Hypothesis theta_constant : forall k v, (constant_from <= k)%num -> theta v k = theta x0 k.

Lemma masked_sound s X Y x m : holds X x -> holds Y m ->
  holds (fun v i => X v i * Y v i) (masked fraction s x m).
Proof. by move=> hX hY; apply: rounded_sound; exact: product_sound. Qed.

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
