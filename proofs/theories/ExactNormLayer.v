(** * Batch norm as a layer on integers

    Where the rows of its input are what [ExactTable.v] says, so are those of its
    output.

    Glossary
      - [feature_mean], [feature_var]  mean and variance of one feature
      - [normalize_front]  an entry of [normalize] is made from its feature alone
      - [batch_norm_sound]  normalised by the batch, then scaled and shifted *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype realfun.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number TwinNumbers Norms NormsSound SpecLayer RaiseGrouped CheckSound.
From Cotangent Require Import Floats ExactTable ExactNumbers ExactNorm ExactRows ExactLayers ExactNormSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma gather_sound (T : Type) (f : nat -> option T) l ts : gather f l = Some ts ->
  size ts = size l /\ forall k d, (k < size l)%nat -> f (nth 0%nat l k) = Some (nth d ts k).
Proof.
elim: l ts => [|a l ih] ts /=; first by case=> <-.
case E: (f a) => [t|] //; case: gather ih => // ts' /(_ _ erefl) [e h] [<-] /=.
by rewrite e; split=> // -[|k] d hk //=; exact: h.
Qed.

Lemma norm_row_nth n den fts zs j d : (j < size (norm_row n den fts zs))%nat ->
  [/\ (j < size fts)%nat, (j < size zs)%nat
    & nth 0%Z (norm_row n den fts zs) j = norm_entry n den (nth d fts j) (nth 0%Z zs j)].
Proof.
elim: fts zs j => [|ft fts ih] [|z zs] [|j] //= /ih; first by case.
Qed.

Section Continuous.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types f : V -> R.

Lemma continuous_sub f g : continuous_at x0 f -> continuous_at x0 g -> continuous_at x0 (fun v => f v - g v).
Proof. exact: continuousB. Qed.

Lemma continuous_inv_sqrt f : continuous_at x0 f -> 0 < f x0 -> continuous_at x0 (fun v => (Num.sqrt (f v))^-1).
Proof.
move=> cf f0; have r0 : Num.sqrt (f x0) != 0 by rewrite gt_eqF // sqrtr_gt0.
have cs : {for x0, continuous ((fun v => Num.sqrt (f v)) : V -> R^o)}.
  exact: (continuous_comp cf (@sqrt_continuous R _)).
exact: (continuous_comp cs (inv_continuous r0)).
Qed.
End Continuous.

Section Front.
Variables (R : realType) (z : shape).
Hypothesis z0 : (0 < size z)%nat.
Let ds := first_dims (size z).-1.

Lemma size_lead : size (lead z) = (size z).-1.
Proof. by rewrite /lead size_takel // leq_pred. Qed.

Lemma pick_front : pick z ds = lead z.
Proof.
rewrite /ds /lead /first_dims /pick -map_comp; apply: (@eq_from_nth _ 0%num).
  by rewrite size_map size_iota -/(lead z) size_lead.
move=> k; rewrite size_map size_iota => hk.
by rewrite (nth_map 0%nat) ?size_iota // nth_iota //= add0n Nnat.Nat2N.id nth_take.
Qed.

Lemma pick_feature (i : idx) o : size i = size (lead z) -> pick (rcons i o) (kept z ds) = [:: o].
Proof. by move=> hi; rewrite kept_front //= Nnat.Nat2N.id -size_lead -hi nth_rcons ltnn eqxx. Qed.

Lemma size_place i : i \in idxs (lead z) -> size i = size (lead z).
Proof. by rewrite mem_idxs => /inb_size. Qed.

Lemma mean_front (x : tensor R) o : (o < last 0%num z)%num ->
  mean z ds x [:: o] = (\sum_(l <- idxs (lead z)) x (rcons l o)) / int_real R (Z.of_nat (size (idxs (lead z)))).
Proof.
move=> ho; rewrite /mean /Denote.number pick_front size_idxs N_nat_Z; congr (_ / _).
rewrite (idxs_rows z0) big_flatten /= big_map; apply: eq_big_seq => l /size_place hl.
rewrite big_map -big_filter (eq_filter (a2 := pred1 o)); last first.
  by move=> a /=; rewrite pick_feature // eqseq_cons andbT.
rewrite filter_pred1_uniq ?Nrange_uniq ?big_seq1 // mem_Nrange; exact/N.ltb_lt.
Qed.

(** A feature's entry, from the entries of that feature alone. *)
Definition feature_mean (x : tensor R) (o : N) : R :=
  (\sum_(l <- idxs (lead z)) x (rcons l o)) / int_real R (Z.of_nat (size (idxs (lead z)))).
Definition feature_var (x : tensor R) (o : N) : R :=
  (\sum_(l <- idxs (lead z)) (x (rcons l o) - feature_mean x o) * (x (rcons l o) - feature_mean x o))
  / int_real R (Z.of_nat (size (idxs (lead z)))).

Lemma normalize_front eps (x : tensor R) i o : size i = size (lead z) -> (o < last 0%num z)%num ->
  normalize z ds eps x (rcons i o) = (x (rcons i o) - feature_mean x o) / Num.sqrt (feature_var x o + eps).
Proof.
move=> hi ho; rewrite /normalize /centred /deviation /variance pick_feature // !mean_front //.
congr (_ / Num.sqrt (_ + _)); rewrite /feature_var; congr (_ / _); apply: eq_big_seq => l /size_place hl.
by rewrite /centred pick_feature // mean_front.
Qed.
End Front.

Section Layer.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).

Lemma batch_norm_sound fraction z (X G B : V -> tensor R) eps_n eps_d scale shift x y : (0 < size z)%nat ->
  (forall i, continuous_at x0 (fun v => G v i)) -> (forall i, continuous_at x0 (fun v => B v i)) ->
  (forall j, (j < size scale.2)%nat -> G x0 [:: N.of_nat j] = dyadic R scale.1 (nth 0%Z scale.2 j)) ->
  (forall j, (j < size shift.2)%nat -> B x0 [:: N.of_nat j] = dyadic R shift.1 (nth 0%Z shift.2 j)) ->
  holds X x ->
  ExactNorm.batch_norm fraction (last 0%num z) (idxs (lead z)) eps_n eps_d scale shift x = Some y ->
  holds (fun v i => normalize z (first_dims (size z).-1) (rational R eps_n eps_d) (X v) i * G v [:: last 0%num i]
                    + B v [:: last 0%num i]) y.
Proof.
move=> z0 cG cB hG hB hX; rewrite /ExactNorm.batch_norm; case he: all_rows => [es|] //.
case hl: (has_length _ _ && _) => //; have /andP [hs1 hs2] := hl.
case hg: gather => [fts|] // [<-]; have hF := all_rows_sound he.
have [sz ft_of] := gather_sound hg; rewrite size_iota in sz.
pose c := last 0%num z; pose fd := Feature 0 0 0 0.
have [count _] := Forall2_nth [::] ([::], [::]) hF.
have max_le j : (j < size fts)%nat -> (ft_radius (nth fd fts j) <= foldr (fun ft r => Z.max (ft_radius ft) r) 0 fts)%Z.
  elim: (fts) j => //= ft l ih [|j] hj /=; first by lia.
  by have := ih j hj; lia.
split=> [|i en /=]; first by rewrite /=; elim: (fts) => //= *; lia.
apply: look_tabulate => t model {}i {}en hi _; case hk: look => [[m r]|] //= [<-] j /= hj.
have [hj1 hj2 ->] := norm_row_nth fd hj.
have hjc : (j < N.to_nat c)%nat by rewrite -sz.
have ho : (N.of_nat j < c)%num by have /ssrnat.ltP := hjc; lia.
have hi' := (In_mem _ _).1 hi; have si := size_place hi'.
have := ft_of j fd; rewrite size_iota => /(_ hjc); rewrite nth_iota // add0n.
set zs := [seq nth 0%Z _ _ | _ <- _] => hft.
have near : List.Forall2 (fun l q => ball (f_exponent x) (f_radius x) q (X x0 (rcons l (N.of_nat j))))
    (idxs (lead z)) zs.
  rewrite /zs; apply: Forall2_mapr; apply: Forall2_weaken hF => l e [hle hce].
  have hje : (j < size e.2)%nat by have := length_lt hce ho; rewrite Nnat.Nat2N.id.
  by have [] := hX.2 _ _ hle j hje.
have ez : Z.of_nat (size es) = Z.of_nat (size zs) by rewrite size_map.
have [hcont hval hnear _] := hX.2 _ _ hk j hj2; rewrite /= in hcont hval hnear.
have [w' [w bounds]] : exists w' w, inverse_root fraction (f_exponent x) (f_radius x) (Z.of_nat (size es)) eps_n eps_d
    (deviations (Z.of_nat (size es)) zs) = Some (w, w').
  by move: hft; rewrite /feature_of; case: inverse_root => [[w w']|] // _; exists w', w.
have [_ var0 _ _ _] := inverse_rootP near ez bounds.
have val := entry_sound near ez bounds hft hval.
rewrite -count -/(feature_mean z (X x0) (N.of_nat j)) in var0 val.
rewrite -/(feature_var z (X x0) (N.of_nat j)) in var0 val.
have form v : normalize z (first_dims (size z).-1) (rational R eps_n eps_d) (X v) (rcons i (N.of_nat j))
    = (X v (rcons i (N.of_nat j)) - feature_mean z (X v) (N.of_nat j))
      / Num.sqrt (feature_var z (X v) (N.of_nat j) + rational R eps_n eps_d) by exact: normalize_front.
have cX l : List.In l (idxs (lead z)) -> continuous_at x0 (fun v => X v (rcons l (N.of_nat j))).
  move=> hin; have [e _ [hle hce]] := Forall2_In hF hin.
  have hje : (j < size e.2)%nat by have := length_lt hce ho; rewrite Nnat.Nat2N.id.
  by have [] := hX.2 _ _ hle j hje.
have cM : continuous_at x0 (fun v => feature_mean z (X v) (N.of_nat j)).
  apply: continuous_mul; [exact: continuous_sum|exact: continuous_const].
have cV : continuous_at x0 (fun v => feature_var z (X v) (N.of_nat j) + rational R eps_n eps_d).
  apply: continuous_add; last exact: continuous_const.
  apply: continuous_mul; last exact: continuous_const; apply: continuous_sum => l hl'.
  by apply: continuous_mul; apply: continuous_sub => //; exact: cX.
split=> //.
- apply: continuous_add; last exact: cB; apply: continuous_mul; last exact: cG.
  apply: (@continuous_near _ _ _ _ (fun v => (X v (rcons i (N.of_nat j)) - feature_mean z (X v) (N.of_nat j))
      / Num.sqrt (feature_var z (X v) (N.of_nat j) + rational R eps_n eps_d))); first by apply: nearW => v; exact: form.
  by apply: continuous_mul; [exact: continuous_sub|exact: continuous_inv_sqrt].
- rewrite form last_rcons; apply: ball_weaken (max_le _ hj1) _.
  have l1 := length_lt hs1 ho; have l2 := length_lt hs2 ho; rewrite Nnat.Nat2N.id in l1 l2.
  rewrite hG // hB // -count; apply: val.
  have [e he2 [hke _]] := Forall2_In hF hi; rewrite hke in hk; rewrite (_ : r = e.2); last by case: hk => ->.
  by rewrite /zs; move: he2; elim: (es) => //= e' es' ih [->|/ih]; [left|right].
case: Nat.eqb_spec => [em|_]; last exact: nearW.
apply: filterS hnear => v ev; rewrite form normalize_front //; last by rewrite em.
by rewrite ev !last_rcons.
Qed.
End Layer.
