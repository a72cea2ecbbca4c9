(** * Transposed convolutions on integers are transposed convolutions

    Where the rows of the image are what [ExactTable.v] says, so are those of the
    result.

    Glossary
      - [readerP]        the row that [reader] names is the only one that reaches
                         the place by the cell
      - [transposed_box] a place of the result is a sum over cells and channels
                         of the kernel
      - [kernel_rows_sound], [pieces_sound]  the integers of the kernel, of what
                         a place sees
      - [conv_transpose_sound]  a transposed convolution, of any groups *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir IndexFacts Dims DenoteFacts Scalar Number SpecLayer RaiseGrouped.
From Cotangent Require Import CheckSound Images Floats Exact ExactNumbers ExactRows ExactLayers ExactTransposed.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Lemma all_some_sound (A T : Type) (f : A -> option T) l ts : all_some [seq f a | a <- l] = Some ts ->
  List.Forall2 (fun a t => f a = Some t) l ts.
Proof.
elim: l ts => [|a l ih] ts /=; first by case=> <-; constructor.
by case e: (f a) => [t|] //; case: all_some ih => //= ts' /(_ _ erefl) h [<-]; constructor.
Qed.

Lemma Forall2_weaken_in (A B : Type) (P Q : A -> B -> Prop) l l' :
  (forall a b, List.In a l -> P a b -> Q a b) -> List.Forall2 P l l' -> List.Forall2 Q l l'.
Proof.
move=> h hF; elim: hF h => [|a b {}l {}l' hp _ ih] h; constructor; first by apply: h hp; left.
by apply: ih => a' b' ha; apply: h; right.
Qed.

Lemma readerP v n place p y : (y < n)%num -> (0 < Layer.k_stride v)%num ->
  Z.eqb (reach v y p) (Z.of_N place) = (reader v n place p == Some y).
Proof.
move=> hy hs; rewrite /reader; set z := Z.to_N _.
have same : reach v y p = Z.of_N place -> y = z.
  rewrite /reach /z => e; have -> : (Z.of_N (place + Layer.k_low v) - Z.of_N (p * Layer.k_dilation v)
      = Z.of_N y * Z.of_N (Layer.k_stride v))%Z by lia.
  by rewrite Z.div_mul ?N2Z.id //; lia.
have -> : N.ltb 0 (Layer.k_stride v) by exact/N.ltb_lt.
case: Z.eqb_spec => [e|ne].
  have ez := same e; rewrite -ez; have -> : N.ltb y n by exact/N.ltb_lt.
  by rewrite e Z.eqb_refl eqxx.
case: ifP => [/and3P [_ _ /Z.eqb_eq e]|_]; last by [].
by apply/esym/negbTE/eqP => -[ez]; case: ne; rewrite -ez.
Qed.

Lemma strides_fitP c m g v u : strides_fit c m g v u ->
  [/\ (0 < c / g)%num, (0 < m / g)%num, (g * (c / g) = c)%num, (g * (m / g) = m)%num
    & (0 < Layer.k_stride v)%num /\ (0 < Layer.k_stride u)%num].
Proof.
by case/and5P => /N.ltb_lt ? /N.ltb_lt ? /N.eqb_eq ? /N.eqb_eq ? /andP [/N.ltb_lt ? /N.ltb_lt ?].
Qed.

(** Those of one group, of all. *)
Lemma group_sum (R : realType) g n k (F : N -> R) : (0 < n)%num -> (k < g)%num ->
  \sum_(a <- Nrange n) F (k * n + a)%num = \sum_(a <- Nrange (g * n)) (if N.eqb (a / n) k then F a else 0).
Proof.
move=> n0 hk; rewrite -big_mkcond -[RHS]big_filter -(big_map (fun a => (k * n + a)%num) xpredT F).
apply: perm_big; apply: uniq_perm; first by rewrite map_inj_uniq ?Nrange_uniq // => a b /N.add_cancel_l.
  by rewrite filter_uniq // Nrange_uniq.
move=> a; rewrite mem_filter mem_Nrange; apply/mapP/andP => [[e he ->]|[/N.eqb_eq hq /N.ltb_lt ha]].
  move: he; rewrite mem_Nrange => /N.ltb_lt he; split; last by apply/N.ltb_lt; nia.
  by apply/N.eqb_eq; apply/esym; apply: (N.div_unique _ _ _ e) => //; lia.
exists (a mod n)%num; last by have := N.div_mod' a n; rewrite hq; lia.
by rewrite mem_Nrange; apply/N.ltb_lt; apply: N.mod_lt; lia.
Qed.

Section Transposed.
Variables (R : realType) (V : normedModType R) (x0 : V) (theta : V -> N -> tensor R) (pt : point).
Hypothesis theta_continuous : forall k i, continuous_at x0 (fun v => theta v k i).
Hypothesis theta_at : at_point pt (theta x0).
Notation dyadic := (dyadic R).
Notation ball := (@ball R).
Notation holds := (holds_fixed x0).
Variables (batch h w c m : N) (v u : Layer.window) (extra extra' g kk : N) (k : literal) (bias : option (N * row)).
Variables (bf : V -> tensor R) (x : fixed) (X : V -> tensor R).
Let kh := Layer.k_size v.
Let kw := Layer.k_size u.
Hypothesis groups : strides_fit c m g v u.
Hypothesis hk : literal_at pt kk [:: kh; kw; (m / g)%num; c] = Some k.
Hypothesis hX : holds X x.
Hypothesis bf_continuous : forall i, continuous_at x0 (fun v => bf v i).
Hypothesis bf_at : forall j, has_bias bias j -> bf x0 [:: N.of_nat j] = bias_value R bias j.

(** What a place sees by a cell and channel. *)
Let seen (z : V) (i l : idx) : R :=
  if (reader v h (nth 0%num i 1) (nth 0%num l 0), reader u w (nth 0%num i 2) (nth 0%num l 1))
    is (Some y, Some y') then X z [:: nth 0%num i 0; y; y'; nth 0%num l 2] else 0.

(** What feature [o] gets of it. *)
Let kernel (z : V) (l : idx) (o : N) : R :=
  if N.eqb (nth 0 l 2 / (c / g))%num (o / (m / g))%num
  then theta z kk [:: nth 0 l 0; nth 0 l 1; o mod (m / g); nth 0 l 2]%num else 0.

Let F (z : V) : tensor R := fun i => conv_transpose2d h w c m v u g (X z) (theta z kk) i + bf z [:: nth 0%num i 3].

Lemma reader_sum (win : Layer.window) n place p (G : N -> R) : (0 < Layer.k_stride win)%num ->
  \sum_(y <- Nrange n) (if Z.eqb (reach win y p) (Z.of_N place) then G y else 0)
  = if reader win n place p is Some y then G y else 0.
Proof.
move=> hs; have step y : y \in Nrange n ->
    (if Z.eqb (reach win y p) (Z.of_N place) then G y else 0) = if reader win n place p == Some y then G y else 0.
  by rewrite mem_Nrange => /N.ltb_lt hy; rewrite (readerP _ _ hy hs).
rewrite (eq_big_seq _ step); case e: reader => [y|]; last by rewrite big1.
have hy : y \in Nrange n.
  by move: e; rewrite /reader mem_Nrange; case: ifP => // /and3P [_ hy _] [<-].
rewrite (bigD1_seq y) ?Nrange_uniq //= eqxx big1 ?addr0 // => y' ne.
by case: eqP => // -[e']; rewrite e' eqxx in ne.
Qed.

Lemma pull (A B C D : seq N) (H : N -> N -> N -> N -> R) :
  \sum_(a <- A) \sum_(b <- B) \sum_(c <- C) \sum_(d <- D) H a b c d
  = \sum_(d <- D) \sum_(a <- A) \sum_(b <- B) \sum_(c <- C) H a b c d.
Proof.
rewrite [RHS]exchange_big /=; apply: eq_bigr => a _; rewrite [RHS]exchange_big /=; apply: eq_bigr => b _.
by rewrite exchange_big.
Qed.

Lemma transposed_box z b r q o : (o < m)%num ->
  F z [:: b; r; q; o] = \sum_(l <- idxs [:: kh; kw; c]) seen z [:: b; r; q] l * kernel z l o + bf z [:: o].
Proof.
have [c0 m0 ec em [s1 s2]] := strides_fitP groups => ho.
set box := idxs _; rewrite /F /conv_transpose2d /=; congr (_ + _).
set n := (c / g)%num in c0 ec *; set k0 := (o / (m / g))%num; set o' := (o mod (m / g))%num.
have hk0 : (k0 < g)%num by apply: N.div_lt_upper_bound; lia.
pose G a y y' p p' := X z [:: b; y; y'; a] * theta z kk [:: p; p'; o'; a].
pose T a y y' p p' := if Z.eqb (reach v y p) (Z.of_N r) then if Z.eqb (reach u y' p') (Z.of_N q) then G a y y' p p' else 0 else 0.
transitivity (\sum_(a <- Nrange n) \sum_(y <- Nrange h) \sum_(y' <- Nrange w) \sum_(p <- Nrange kh) \sum_(p' <- Nrange kw)
    T (k0 * n + a)%num y y' p p').
  do 3! (apply: eq_bigr => ? _); rewrite big_mkcond; apply: eq_bigr => p _; rewrite /T; case: Z.eqb.
    by rewrite big_mkcond.
  by rewrite big1.
rewrite pull; have idxsE e s : idxs (e :: s) = [seq a :: l | a <- Nrange e, l <- idxs s] by [].
rewrite /box idxsE big_allpairs_dep; apply: eq_bigr => p _; rewrite pull idxsE big_allpairs_dep; apply: eq_bigr => p' _.
pose S a := seen z [:: b; r; q] [:: p; p'; a] * theta z kk [:: p; p'; o'; a].
transitivity (\sum_(a <- Nrange n) S (k0 * n + a)%num).
  apply: eq_bigr => a _; rewrite /T /S /seen /=.
  transitivity (\sum_(y <- Nrange h) (if Z.eqb (reach v y p) (Z.of_N r) then
      \sum_(y' <- Nrange w) (if Z.eqb (reach u y' p') (Z.of_N q) then G (k0 * n + a)%num y y' p p' else 0) else 0)).
    by apply: eq_bigr => y _; case: Z.eqb => //; rewrite big1.
  rewrite (reader_sum _ _ _ _ s1); case: reader => [y|]; last by rewrite mul0r.
  by rewrite (reader_sum _ _ _ _ s2); case: reader => [y'|] //; rewrite mul0r.
rewrite (group_sum _ c0 hk0) ec idxs1 big_map; apply: eq_bigr => a _.
by rewrite /S /kernel /= -/n -/k0; case: N.eqb => //; rewrite mulr0.
Qed.

Lemma kernel_rows_sound ws : kernel_rows c m v u g k = Some ws ->
  List.Forall2 (fun l r => forall j, (j < size r)%nat ->
      kernel x0 l (N.of_nat j) = dyadic (exponent_of k) (nth 0%Z r j)) (idxs [:: kh; kw; c]) ws.
Proof.
move=> /all_some_sound; apply: Forall2_weaken_in => l r /In_mem /idxs3 [p [q [a [-> _ _ ha]]]].
move=> /all_some_sound hF j hj; have [sz /(_ j)] := Forall2_nth 0%num 0%Z hF; rewrite sz => /(_ hj).
have {1 2}-> : nth 0%num (Nrange m) j = N.of_nat j.
  have hm : (j < size (iota 0 (N.to_nat m)))%nat by move: sz; rewrite /Nrange size_map => ->.
  by rewrite /Nrange (nth_map 0%nat) // nth_iota ?add0n //; rewrite size_iota in hm.
rewrite /kernel /=; case: N.eqb; last by case=> <-; rewrite dyadic0.
set o' := (_ mod _)%num; case hl: look => [e|] //; case: ifP => // hc [<-].
pose P i (en : entry) := forall o, (o < size en.2)%nat ->
  theta x0 kk (rcons i (N.of_nat o)) = dyadic (exponent_of k) (nth 0%Z en.2 o).
have at_e : P [:: p; q; o'] e.
  move: hl; apply: look_tabulate => t model [i r'] en hin _ [<-] o /= ho.
  have := literal_sound theta_at hk; move: hin; rewrite /rows_of -[lead _]/[:: kh; kw; (m / g)%num].
  move: (idxs _) (l_rows k) => L W hin hF'; elim: hF' hin => //= i' w' {}L {}W hw _ ih; case=> [[e1 e2]|]; last exact: ih.
  by subst; exact: hw.
by have := at_e _ (length_lt hc ha); rewrite Nnat.N2Nat.id.
Qed.

Lemma pieces_sound b r q xs : pieces h w c v u x [:: b; r; q] = Some xs ->
  List.Forall2 (fun l z => continuous_at x0 (fun v => seen v [:: b; r; q] l)
    /\ ball (f_exponent x) (f_radius x) z (seen x0 [:: b; r; q] l)) (idxs [:: kh; kw; c]) xs.
Proof.
rewrite /pieces; case ha: all_some => [rs|] // [<-]; rewrite idxs_rows //; apply: Forall2_flatten.
apply: Forall2_of_map; apply: Forall2_weaken_in (all_some_sound ha) => cell row /In_mem; rewrite mem_idxs.
case: cell => [|p [|p' [|? ?]]] //=; rewrite ?andbF // => _ hp.
apply: (@Forall2_of_map _ _ _ _ (fun a => rcons [:: p; p'] a)).
have zero n : (n < size (nseq (N.to_nat c) 0%Z))%nat -> ball (f_exponent x) (f_radius x) (nth 0%Z (nseq (N.to_nat c) 0%Z) n) 0.
  rewrite size_nseq => hn; rewrite nth_nseq hn -(dyadic0 R (f_exponent x)); apply: ball_self; exact: hX.1.
move: hp; rewrite /piece /seen /=; case: reader => [y|]; last first.
  case=> <-; apply: (@Nrange_Forall2 _ _ 0%Z) => [|n hn]; first by rewrite size_nseq Nnat.N2Nat.id.
  by split; [exact: continuous_const|exact: zero].
case: reader => [y'|]; last first.
  case=> <-; apply: (@Nrange_Forall2 _ _ 0%Z) => [|n hn]; first by rewrite size_nseq Nnat.N2Nat.id.
  by split; [exact: continuous_const|exact: zero].
case hl: look => [en|] //; case: ifP => // hc [<-]; have /N.eqb_eq hc' := hc.
apply: (@Nrange_Forall2 _ _ 0%Z) => // n hn.
by have [cont val _ _] := hX.2 _ _ hl n hn.
Qed.

Lemma conv_transpose_sound y : conv_transpose batch h w c m v u extra extra' g k bias x = Some y -> holds F y.
Proof.
rewrite /conv_transpose; case hw: kernel_rows => [ws|] //; case ht: spread => [rad|] //= [<-]; split.
  by apply: spread_ge0 ht; exact: hX.1.
move=> i en /=; apply: look_tabulate => t model {}i {}en /In_mem /idxs3 [b [r [q [-> _ _ _]]]] _.
case hp: pieces => [xs|] //= [<-]; have hF := pieces_sound hp.
apply: at_entry_own => j hj; have [hj' _ _] := out_row_sound R hj.
have hm : (N.of_nat j < m)%num.
  have := leq_trans hj' (combine_size _ _ _ _); rewrite size_nseq => /ssrnat.ltP; lia.
have [|||||||| cont val] := @cell_sound _ _ x0 _ (idxs [:: kh; kw; c]) (fun z l => seen z [:: b; r; q] l)
    (fun z l => kernel z l (N.of_nat j)) (fun z => bf z [:: N.of_nat j]) _ id
    (f_exponent x) (exponent_of k) bias xs ws m j (f_radius x) rad _ _ _ _ _ _ _ _ hj.
- by move=> l hl; have [z _ []] := Forall2_In hF hl.
- by move=> l; rewrite /kernel; case: N.eqb; [exact: theta_continuous|exact: continuous_const].
- exact: bf_continuous.
- exact: bf_at.
- exact: hX.1.
- exact: ht.
- by apply: Forall2_weaken hF => l z [].
- by apply: Forall2_weaken (kernel_rows_sound hw) => l r' h' hj0; exact: h'.
split; last by rewrite /= transposed_box.
by apply: continuous_near cont; apply: nearW => z; rewrite /= transposed_box.
Qed.
End Transposed.
