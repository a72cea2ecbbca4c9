(** * Means, variances and normalisation

    What the rules and the differentials of [Variance] and [Normalize] rest on.

    Glossary
      - [mean_scale]     a factor that is the same along the mean comes out of it
      - [mean_centred]   the mean of the deviations from a mean is 0
      - [mean_centred2]  of products of deviations, centring one factor is enough
      - [mean_transpose] a mean, spread again, is its own transpose
      - [den_total_over], [den_mean_count], [den_spread_over]  the ops that the
                         rules are made of
      - [variance_transpose], [normalize_transpose]  the transposes of the
                         derivatives *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Moments.
Variable R : realType.
Notation env := (env R).
Notation tensor := (tensor R).
Implicit Types (e : env) (x y dx ct : tensor).

(** ** Means *)
Lemma mean_scale s ds x (w : idx -> R) c :
  mean s ds (fun j => x j * w (pick j (kept s ds))) c = mean s ds x c * w c.
Proof.
rewrite /mean [RHS]mulrAC; congr (_ / _); rewrite mulr_suml.
by apply: eq_bigr => j /eqP ->.
Qed.

Lemma meanB s ds x y c : mean s ds (fun j => x j - y j) c = mean s ds x c - mean s ds y c.
Proof. by rewrite /mean sumrB mulrBl. Qed.

Lemma meanD s ds x y c : mean s ds (fun j => x j + y j) c = mean s ds x c + mean s ds y c.
Proof. by rewrite /mean big_split mulrDl. Qed.

Lemma number_gt0 s ds : averaged s ds -> 0 < number R s ds.
Proof.
case/and3P=> _ /allP hd /allP hs; rewrite /number int_real_nat ltr0n.
have : N.ltb 0 (size_of (pick s ds)).
  elim: ds hd => //= d ds ih hd; apply/N.ltb_lt/N.mul_pos_pos; apply/N.ltb_lt.
    have /N.ltb_lt h := hd d (mem_head _ _).
    have hn : (N.to_nat d < size s)%nat by apply/ssrnat.ltP; lia.
    by apply: hs; exact: mem_nth.
  by apply: ih => k hk; apply: hd; rewrite inE hk orbT.
by move=> /N.ltb_lt h; apply/ssrnat.ltP; lia.
Qed.

Lemma mean_const s ds (a : R) c : averaged s ds -> c \in idxs (pick s (kept s ds)) ->
  mean s ds (fun _ => a) c = a.
Proof.
move=> ok hc; have n0 := lt0r_neq0 (number_gt0 ok); rewrite /mean.
have -> : \sum_(j <- idxs s | pick j (kept s ds) == c) a = a * number R s ds.
  rewrite /number int_real_nat -(sum_fibre R ok hc) mulr_sumr.
  by apply: eq_bigr => j _; rewrite mulr1.
by rewrite mulfK.
Qed.

Lemma mean_centred s ds x c : averaged s ds -> c \in idxs (pick s (kept s ds)) ->
  mean s ds (centred s ds x) c = 0.
Proof.
move=> ok hc; rewrite /centred meanB.
have -> : mean s ds (fun j => mean s ds x (pick j (kept s ds))) c = mean s ds (fun _ => mean s ds x c) c.
  by rewrite /mean; congr (_ / _); apply: eq_bigr => j /eqP ->.
by rewrite mean_const // subrr.
Qed.

(** Centring one factor is enough. *)
Lemma mean_centred2 s ds x y c : averaged s ds -> c \in idxs (pick s (kept s ds)) ->
  mean s ds (fun j => centred s ds x j * centred s ds y j) c
  = mean s ds (fun j => centred s ds x j * y j) c.
Proof.
move=> ok hc; rewrite [in LHS]/centred.
have -> : mean s ds (fun j => (x j - mean s ds x (pick j (kept s ds)))
      * (y j - mean s ds y (pick j (kept s ds)))) c
    = mean s ds (fun j => centred s ds x j * y j - centred s ds x j * mean s ds y (pick j (kept s ds))) c.
  by rewrite /mean; congr (_ / _); apply: eq_bigr => j _; rewrite mulrBr.
by rewrite meanB mean_scale mean_centred // mul0r subr0.
Qed.

Lemma mean_transpose s ds x y :
  tdot s x (fun j => mean s ds y (pick j (kept s ds)))
  = tdot s (fun j => mean s ds x (pick j (kept s ds))) y.
Proof.
rewrite /tdot /mean.
under eq_bigr do rewrite mulrA big_mkcond mulr_sumr mulr_suml.
under [RHS]eq_bigr do rewrite mulrAC big_mkcond mulr_suml mulr_suml.
rewrite exchange_big; apply: eq_bigr => j _; apply: eq_bigr => i _.
by rewrite eq_sym; case: ifP => _; rewrite ?mulr0 ?mul0r.
Qed.

Lemma variance_ge0 s ds x c : averaged s ds -> 0 <= variance s ds x c.
Proof.
move=> ok; apply: divr_ge0; last exact/ltW/number_gt0.
by apply: sumr_ge0 => j _; rewrite -expr2 sqr_ge0.
Qed.

(** ** The ops that the rules are made of *)
Lemma sum_over s ds (X : idx -> R) c :
  \sum_(r <- idxs s | at_map (proj (kept s ds)) (pick s (kept s ds)) r == Some c) X r
  = \sum_(j <- idxs s | pick j (kept s ds) == c) X j.
Proof.
rewrite big_seq_cond [RHS]big_seq_cond; apply: eq_bigl => r; case hr: (r \in idxs s) => //=.
by rewrite at_key -?mem_idxs //; apply/eqP/eqP => [[]|->].
Qed.

Lemma den_total_over s ds a e c :
  den (total_over s ds a) e c = \sum_(j <- idxs s | pick j (kept s ds) == c) e a j.
Proof.
rewrite /= sum_over big_seq_cond [RHS]big_seq_cond; apply: eq_bigr => r /andP [hr _].
by rewrite big_seq1 read_id.
Qed.

Lemma den_mean_count s ds e c : den (mean_count s ds) e c = number R s ds.
Proof. by rewrite /= /rational divr1. Qed.

Lemma den_spread_over s ds a e j : j \in idxs s ->
  den (spread_over s ds a) e j = e a (pick j (kept s ds)).
Proof.
move=> hj; rewrite /= sum_id_map // big_seq1 /read at_key //.
by rewrite -mem_idxs.
Qed.

(** ** Transposes *)
Lemma variance_transpose s ds x ct dx :
  tdot (pick s (kept s ds)) ct (variance_tangent s ds x dx)
  = tdot s (fun j => centred s ds x j
      * ((ct (pick j (kept s ds)) + ct (pick j (kept s ds))) / number R s ds)) dx.
Proof.
transitivity (\sum_(c <- idxs (pick s (kept s ds))) ((ct c + ct c) / number R s ds)
    * \sum_(r <- idxs s | at_map (proj (kept s ds)) (pick s (kept s ds)) r == Some c)
        centred s ds x r * dx r).
  apply: eq_bigr => c _; rewrite sum_over /variance_tangent /mean -mulrDl mulrA mulrDr mulrDl.
  by rewrite -mulrDl mulrAC -mulrDl.
apply: etrans (contract_transpose _ _ _ _ _) _.
rewrite /tdot !big_seq; apply: eq_bigr => r hr; rewrite at_key -?mem_idxs //.
by rewrite mulrA [_ * centred _ _ _ _]mulrC.
Qed.

Lemma normalize_transpose s ds eps x ct dx (y := normalize s ds eps x) :
  tdot s ct (normalize_tangent s ds eps x dx)
  = tdot s (fun j => (deviation s ds eps x (pick j (kept s ds)))^-1
      * (ct j - mean s ds ct (pick j (kept s ds))
         - y j * mean s ds (fun k => ct k * y k) (pick j (kept s ds)))) dx.
Proof.
pose w c := (deviation s ds eps x c)^-1; pose key j := pick j (kept s ds).
pose a j := ct j * w (key j).
transitivity (tdot s a dx - tdot s a (fun j => mean s ds dx (key j))
    - tdot s (fun j => a j * y j) (fun j => mean s ds (fun k => y k * dx k) (key j))).
  rewrite /tdot -!sumrB; apply: eq_bigr => j _.
  rewrite /normalize_tangent /centred /a -/(w _) -/(key _) -/y.
  by rewrite [X in _ * X]mulrC mulrA !mulrBr !mulrA.
rewrite !mean_transpose /tdot -!sumrB; apply: eq_bigr => j _.
rewrite /a -/(w _) -/(key _) !mean_scale.
have -> : mean s ds (fun k => ct k * w (key k) * y k) (key j)
    = mean s ds (fun k => ct k * y k) (key j) * w (key j).
  rewrite -mean_scale; congr (_ / _); apply: eq_bigr => k _; exact: mulrAC.
have alg (p q r u v d : R) : p * v * d - q * v * d - r * v * (u * d) = v * (p - q - u * r) * d.
  by rewrite [v * _]mulrC !mulrBl; congr (_ - _); rewrite mulrA [r * v * u]mulrC mulrA.
exact: alg.
Qed.
End Moments.
