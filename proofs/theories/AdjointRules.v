(** * Every rule gives its share

    When reverse mode visits the value of an op, its rule adds to the operands'
    cotangents what makes up for the share that the value takes out of the sum:
    [Σ ct · tangent]. One lemma per op.

    Glossary
      - [share o s ct]  that share, for an op [o] with the cotangent [ct]
      - [.._grows]      the rule of an op adds it *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import DenoteFacts Grad Tangent Transpose Moments.
From Cotangent Require Export AdjointState.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Rules.
Variable R : realType.
Variables (e0 t : env R) (sh : N -> shape) (base k : N).
Hypothesis k_base : (k < base)%num.
Local Notation good := (good e0 t sh).
Local Notation senv := (senv e0).
Local Notation sinv := (sinv e0 base).
Local Notation ext := (ext e0).
Local Notation grows := (grows e0 t sh base).
Local Notation ext_refl := (ext_refl e0).
Local Notation ext_emit := (ext_emit e0).
Local Notation grows_refl := (grows_refl t sh).
Local Notation emit_grows := (emit_grows t sh).
Local Notation emits_grows := (emits_grows t sh).
Local Notation acc_grows := (acc_grows t).
Local Notation push_grows := (push_grows t).

Definition share (o : op) (s : st) (ct : N) : R := tdot (oshape o) (senv s ct) (tangent o e0 t).

Lemma senv_below s a : sinv s -> (a < k)%num -> senv s a = e0 a.
Proof. by move=> I h; apply: (sinv_run I); lia. Qed.
Lemma below s a : sinv s -> (a <= k)%num -> (a < nx s)%num.
Proof. by move=> I h; have := sinv_next I; lia. Qed.
Lemma senv_result o s : sinv s -> good k o -> forall i, senv s k i = den o e0 i.
Proof. by move=> I g i; rewrite (sinv_run I) // (good_value g). Qed.

Lemma una_grows z u a s ct : sinv s -> (ct < nx s)%num -> good k (Una z u a) ->
  grows s (una_rule z u a k ct s) k (share (Una z u a) s ct).
Proof.
move=> I hct g; have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
have hk := below I (N.le_refl k); have ha := below I (N.lt_le_incl _ _ ka).
rewrite /una_rule; case E: (una_back z u a k ct (nx s)) => [os o].
have sc : scoped os (nx s).
  by case: u E {g} => [||||||||||||n d|n d n' d'] [<- _] /=; repeat split; lia.
have [G1 H] := emits_grows k I sc; have [I1 E1 _] := G1.
apply: grows_eq (grows_trans G1 (push_grows o I1 ka sa)) _.
rewrite add0r sa /share; apply: tdot_eq => i _; have {H} := H _ (ext_refl _).
rewrite /= mulrA -(proj2 E1 _ hct); set e := senv (emits os s) => H; congr (_ * _).
have ea : e a i = e0 a i by rewrite /e (senv_below I1).
have ek : e k i = una_real u (e0 a i) by rewrite /e (senv_result I1 g).
case: u E ek H {g sc G1 I1 E1} => [||||||||||||n d|n d n' d'] [<- <-] ek /=.
- by rewrite mulrN1.
- by rewrite ek.
- by rewrite ea.
- by move=> [-> _]; rewrite /= ek.
- by move=> [H0 [H1 [-> _]]]; rewrite /= H0 H1 /= ek ea mulrN mulrA.
- by move=> [H0 [H1 [-> _]]]; rewrite /= H0 H1 /= ek rational1.
- by move=> [H0 [H1 [-> _]]]; rewrite /= H1 /= H0 ek rational1.
- by move=> [-> _]; rewrite /= ea.
- by move=> [-> _]; rewrite /= ea.
- by move=> [H0 [H1 [-> _]]]; rewrite /= H1 /= H0 /= ek ea.
- by move=> [-> _]; rewrite rational0 ea; case: ifP; rewrite ?mulr1 ?mulr0.
- move=> [H0 [H1 [-> _]]]; rewrite H0 rational0 ea H1.
  by case: ifP => _; rewrite ?mulr1 //; case: ifP; rewrite ?mulrN1 ?mulr0.
- move=> [H0 [H1 [H2 [-> _]]]]; rewrite H2 H1 H0 rational0 ea ek /=.
  by case: (0 < _); rewrite ?mulr1 // mulrBr mulr1 subrK.
- move=> [H0 [H1 [H2 [-> _]]]]; rewrite H0 rational0 H1 H2 ea.
  by case: ifP => _; [case: ifP => _|]; rewrite ?mulr1 ?mulr0.
Qed.

Lemma max_grows z x y s ct : sinv s -> (ct < nx s)%num -> good k (Bin z Max x y) ->
  grows s (bin_rule z Max x y k ct s) k (share (Bin z Max x y) s ct).
Proof.
move=> I hct g; have [kx sx] : (x < k)%num /\ sh x = z := good_args g (mem_head _ _).
have [ky sy] : (y < k)%num /\ sh y = z by apply: (good_args g (a := (y, z))); rewrite !inE eqxx orbT.
have hx := below I (N.lt_le_incl _ _ kx); have hy := below I (N.lt_le_incl _ _ ky).
rewrite /share /bin_rule; cbv zeta; set os := [:: _; _; _; _]; set rest := N.succ _.
have sc : scoped os (nx s) by repeat split; rewrite /=; lia.
have [G1 H] := emits_grows k I sc; have [I1 E1 _] := G1.
set s1 := emits os s in G1 I1 E1 H *; have G2 := push_grows (Sel z CGt x y ct rest) I1 kx sx.
set s2 := push _ _ _ _ in G2 *; have [I2 E2 _] := G2; have E12 := ext_trans E1 E2.
apply: grows_eq (grows_trans (grows_trans G1 G2) (push_grows _ I2 ky sy)) _.
rewrite add0r sx sy; apply: tdotD => i _; rewrite /=.
have [H0 [H1 [H2 [H3 _]]]] := H _ (ext_refl _); have [F0 [F1 [F2 [F3 _]]]] := H _ E2.
rewrite H3 F3 /= H2 F2 /= H1 F1 H0 F0 !den_zero_like /=.
rewrite (senv_below I1 kx) (senv_below I1 ky) (senv_below I2 kx) (senv_below I2 ky)
  (proj2 E1 _ hct) (proj2 E12 _ hct).
rewrite -[rational R 2 1]/(2%:R * 1 / 1) mulr1 divr1.
have [lt|gt|eq] := ltgtP (e0 x i) (e0 y i); rewrite ?mul0r ?addr0 ?add0r //.
by rewrite mulrA mulrDr mulrDl !(mulrAC _ _ 2%:R^-1).
Qed.

Lemma bin_grows z b x y s ct : sinv s -> (ct < nx s)%num -> good k (Bin z b x y) ->
  grows s (bin_rule z b x y k ct s) k (share (Bin z b x y) s ct).
Proof.
move=> I hct g; have [kx sx] : (x < k)%num /\ sh x = z := good_args g (mem_head _ _).
have [ky sy] : (y < k)%num /\ sh y = z by apply: (good_args g (a := (y, z))); rewrite !inE eqxx orbT.
have ek := senv_result I g.
rewrite /share; case: b g ek => g ek /=; last exact: max_grows I hct g.
- have G1 := acc_grows I kx hct sx; have [I1 E1 _] := G1.
  have hct1 := N.lt_le_trans _ _ _ hct (proj1 E1).
  apply: grows_eq (grows_trans G1 (acc_grows I1 ky hct1 sy)) _.
  rewrite (proj2 E1 _ hct) sx sy; apply: tdotD => i _ /=.
  by rewrite mulrDr.
- have G1 := acc_grows I kx hct sx; have [I1 E1 _] := G1.
  apply: grows_eq (grows_trans G1 (push_grows _ I1 ky sy)) _.
  rewrite sx sy; apply: tdotD => i _ /=.
  by rewrite (proj2 E1 _ hct) mulrBr mulNr.
- have G1 := push_grows (Bin z Mul ct y) I kx sx; have [I1 E1 _] := G1.
  apply: grows_eq (grows_trans G1 (push_grows _ I1 ky sy)) _.
  rewrite sx sy; apply: tdotD => i _ /=.
  rewrite (proj2 E1 _ hct) (senv_below I1 kx) (senv_below I ky).
  by rewrite mulrDr !mulrA addrC.
have G1 := push_grows (Bin z Div ct y) I kx sx; have [I1 E1 _] := G1.
set s1 := push _ _ _ _ in G1 I1 E1 *.
have hct1 := N.lt_le_trans _ _ _ hct (proj1 E1).
have G2 := emit_grows (Bin z Mul ct k) k I1; have [I2 E2 _] := G2.
set s2 := emit _ _ in G2 I2 E2 *.
have G3 := emit_grows (Bin z Div (nx s1) y) k I2; have [I3 E3 _] := G3.
set s3 := emit _ _ in G3 I3 E3 *.
have E23 := ext_trans E2 E3; have E123 := ext_trans E1 E23.
apply: grows_eq (grows_trans (grows_trans (grows_trans G1 G2) G3) (push_grows _ I3 ky sy)) _.
rewrite !addr0 sx sy; apply: tdotD => i _ /=.
rewrite (senv_new (ext_refl s3)) /= => [|q]; last first.
  by rewrite !inE => /orP [] /eqP -> /=; [lia | apply: (below I2); lia].
rewrite (senv_new E3) /= => [|q]; last first.
  by rewrite !inE => /orP [] /eqP -> //=; apply: (below I1); lia.
rewrite (proj2 E123 _ hct) (senv_below I3 ky) (senv_below I ky).
rewrite (sinv_run I3) // (good_value g) /=.
rewrite mulrBr mulNr; congr (_ - _); first by rewrite mulrAC mulrA.
by rewrite mulrAC !mulrA.
Qed.

Lemma sel_grows z c a b x y s ct : sinv s -> (ct < nx s)%num -> good k (Sel z c a b x y) ->
  grows s (sel_rule z c a b x y ct s) k (share (Sel z c a b x y) s ct).
Proof.
move=> I hct g; have ga j : j \in [:: a; b; x; y] -> (j < k)%num /\ sh j = z.
  by move=> hj; apply: (good_args g (a := (j, z))); exact: (map_f (fun j => (j, z)) hj).
have [ka _] := ga a (mem_head _ _).
have [kb _] : (b < k)%num /\ sh b = z by apply: ga; rewrite !inE eqxx orbT.
have [kx sx] : (x < k)%num /\ sh x = z by apply: ga; rewrite !inE eqxx !orbT.
have [ky sy] : (y < k)%num /\ sh y = z by apply: ga; rewrite !inE eqxx !orbT.
rewrite /share /sel_rule.
have G1 := emit_grows (zero_like z) k I; have [I1 E1 _] := G1.
have G2 := push_grows (Sel z c a b ct (nx s)) I1 kx sx; have [I2 E2 _] := G2.
apply: grows_eq (grows_trans (grows_trans G1 G2) (push_grows _ I2 ky sy)) _.
rewrite add0r sx sy; apply: tdotD => i _.
have z1 : senv (emit (zero_like z) s) (nx s) i = 0.
  by rewrite (senv_new (ext_refl _)) ?den_zero_like.
have hz : (nx s < nx (emit (zero_like z) s))%num by rewrite /=; lia.
rewrite /= (proj2 E2 _ hz) z1 (proj2 (ext_trans E1 E2) _ hct) (proj2 E1 _ hct).
rewrite !(senv_below I1) // !(senv_below I2) //.
by case: ifP => _; rewrite mul0r ?addr0 ?add0r.
Qed.

Lemma contract_rule_grows box ct pre vs s : sinv s -> (v_id ct < nx s)%num ->
  (forall v, v \in [seq (v_id w, v_shape w) | w <- pre ++ vs] -> (v.1 < k)%num /\ sh v.1 = v.2) ->
  grows s (contract_rule box ct pre vs s) k
    (\sum_(r <- idxs box)
       read (senv s) ct r * (\prod_(w <- pre) read e0 w r) * prod_tangent e0 t vs r).
Proof.
elim: vs pre s => [|v vs ih] pre s I hct ha.
  apply: grows_eq (grows_refl _ I) _; rewrite big1 // => r _; exact: mulr0.
have [kv sv] : (v_id v < k)%num /\ sh (v_id v) = v_shape v.
  by apply: (ha (v_id v, v_shape v)); rewrite map_cat mem_cat !inE eqxx orbT.
have G1 := push_grows (Contract box (v_shape v) (v_map v) (pre ++ ct :: vs)) I kv sv.
have [I1 E1 _] := G1.
have {ih} G2 := ih (rcons pre v) _ I1 (N.lt_le_trans _ _ _ hct (proj1 E1)).
apply: grows_eq (grows_trans G1 (G2 _)) _ => [w|]; first by rewrite cat_rcons; exact: ha.
have eq_e0 ws r : {subset [seq (v_id w, v_shape w) | w <- ws]
                     <= [seq (v_id w, v_shape w) | w <- pre ++ v :: vs]} ->
    \prod_(w <- ws) read (senv s) w r = \prod_(w <- ws) read e0 w r.
  by move=> sub; apply: prod_read_ext => q /sub /ha [hq _]; exact: (senv_below I).
rewrite sv view_transpose -big_split; apply: eq_bigr => r _ /=.
rewrite big_cat big_cons /= !eq_e0; last 2 first.
- by move=> q hq; rewrite map_cat mem_cat inE hq !orbT.
- by move=> q hq; rewrite map_cat mem_cat hq.
rewrite (@read_ext _ _ (senv s) ct) ?(proj2 E1 _ hct) // -cats1 big_cat big_seq1 /= mulrDr addrC.
congr (_ + _); first by rewrite -!mulrA; congr (_ * _); rewrite mulrCA mulrA.
by rewrite [in RHS]mulrA; congr (_ * _); rewrite mulrCA mulrA.
Qed.

Lemma contract_grows box z f vs s ct : sinv s -> (ct < nx s)%num -> good k (Contract box z f vs) ->
  grows s (contract_rule box (View ct z f) [::] vs s) k (share (Contract box z f vs) s ct).
Proof.
move=> I hct g.
apply: grows_eq (contract_rule_grows (ct := View ct z f) (pre := [::]) box I hct _) _.
  by move=> v hv; exact: (good_args g hv).
rewrite /share /= contract_transpose; apply: eq_bigr => r _.
by rewrite big_nil mulr1.
Qed.

Lemma softmax_grows z a s ct : sinv s -> (ct < nx s)%num -> good k (Softmax z a) ->
  grows s (softmax_rule z a k ct s) k (share (Softmax z a) s ct).
Proof.
move=> I hct g; have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
have hk := below I (N.le_refl k).
rewrite /softmax_rule; set s1 := emit (Bin z Mul ct k) s.
set s2 := emit (row_total z (nx s)) s1; set s3 := emit (row_spread z (nx s1)) s2.
set s4 := emit (Bin z Sub ct (nx s2)) s3.
have G1 := emit_grows (Bin z Mul ct k) k I; have [I1 _ _] := G1.
have G2 := emit_grows (row_total z (nx s)) k I1; have [I2 _ _] := G2.
have G3 := emit_grows (row_spread z (nx s1)) k I2; have [I3 _ _] := G3.
have G4 := emit_grows (Bin z Sub ct (nx s2)) k I3; have [I4 _ _] := G4.
rewrite -/s1 -/s2 -/s3 -/s4 in G1 I1 G2 I2 G3 I3 G4 I4.
have E4 : ext s4 s4 := ext_refl _; have E3 : ext s3 s4 := ext_emit _ _.
have E2 : ext s2 s4 := ext_trans (ext_emit _ _) E3.
have E1 : ext s1 s4 := ext_trans (ext_emit _ _) E2.
have E0 : ext s s4 := ext_trans (ext_emit _ _) E1.
apply: grows_eq (grows_trans (grows_trans (grows_trans (grows_trans G1 G2) G3) G4)
                             (push_grows _ I4 ka sa)) _.
rewrite !add0r sa /share /= softmax_transpose; apply: tdot_eq => i hi /=.
rewrite (senv_new E4) /= => [|q]; last by rewrite !inE => /orP [] /eqP -> /=; lia.
rewrite (senv_new E3) => [|q]; last by rewrite !inE => /eqP -> /=; lia.
rewrite den_row_spread // (senv_new E2) => [|q]; last by rewrite !inE => /eqP -> /=; lia.
rewrite den_row_total // (proj2 E0 _ hct) (sinv_run I4) // (good_value g) /=.
congr (_ * (_ - _) * _); apply: eq_bigr => j _.
rewrite (senv_new E1) /= => [|q]; last by rewrite !inE => /orP [] /eqP ->.
by rewrite (proj2 E0 _ hct) (sinv_run I4) // (good_value g).
Qed.

Lemma cross_entropy_grows z a y s ct : sinv s -> (ct < nx s)%num ->
  good k (SoftmaxCrossEntropy z a y) ->
  grows s (cross_entropy_rule z a y ct s) k (share (SoftmaxCrossEntropy z a y) s ct).
Proof.
move=> I hct g; have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
have [ky _] : (y < k)%num /\ sh y = z by apply: (good_args g (a := (y, z))); rewrite !inE eqxx orbT.
have ha := below I (N.lt_le_incl _ _ ka); have hy := below I (N.lt_le_incl _ _ ky).
rewrite /cross_entropy_rule; set s1 := emit (Softmax z a) s.
set s2 := emit (row_total z y) s1; set s3 := emit (row_spread z (nx s1)) s2.
set s4 := emit (Bin z Mul (nx s2) (nx s)) s3; set s5 := emit (Bin z Sub (nx s3) y) s4.
set s6 := emit (row_count z) s5; set s7 := emit (Bin [::] Div ct (nx s5)) s6.
set s8 := emit (scalar_spread z (nx s6)) s7.
have G1 := emit_grows (Softmax z a) k I; have [I1 _ _] := G1.
have G2 := emit_grows (row_total z y) k I1; have [I2 _ _] := G2.
have G3 := emit_grows (row_spread z (nx s1)) k I2; have [I3 _ _] := G3.
have G4 := emit_grows (Bin z Mul (nx s2) (nx s)) k I3; have [I4 _ _] := G4.
have G5 := emit_grows (Bin z Sub (nx s3) y) k I4; have [I5 _ _] := G5.
have G6 := emit_grows (row_count z) k I5; have [I6 _ _] := G6.
have G7 := emit_grows (Bin [::] Div ct (nx s5)) k I6; have [I7 _ _] := G7.
have G8 := emit_grows (scalar_spread z (nx s6)) k I7; have [I8 _ _] := G8.
rewrite -/s1 -/s2 -/s3 -/s4 -/s5 -/s6 -/s7 -/s8 in G1 I1 G2 I2 G3 I3 G4 I4 G5 I5 G6 I6 G7 I7 G8 I8.
have E8 : ext s8 s8 := ext_refl _; have E7 : ext s7 s8 := ext_emit _ _.
have E6 : ext s6 s8 := ext_trans (ext_emit _ _) E7.
have E5 : ext s5 s8 := ext_trans (ext_emit _ _) E6.
have E4 : ext s4 s8 := ext_trans (ext_emit _ _) E5.
have E3 : ext s3 s8 := ext_trans (ext_emit _ _) E4.
have E2 : ext s2 s8 := ext_trans (ext_emit _ _) E3.
have E1 : ext s1 s8 := ext_trans (ext_emit _ _) E2.
have E0 : ext s s8 := ext_trans (ext_emit _ _) E1.
have G := grows_trans (grows_trans (grows_trans (grows_trans (grows_trans (grows_trans
  (grows_trans G1 G2) G3) G4) G5) G6) G7) G8.
apply: grows_eq (grows_trans G (push_grows _ I8 ka sa)) _.
rewrite !add0r sa /share /= [RHS]/tdot big_seq1 cross_entropy_transpose; last first.
  exact: (good_target g).
apply: tdot_eq => i hi /=; congr (_ * _ * _).
- rewrite (senv_new E5) /= => [|q]; last by rewrite !inE => /orP [] /eqP -> /=; lia.
  rewrite (senv_below I8 ky) (senv_new E4) /= => [|q]; last by rewrite !inE => /orP [] /eqP -> /=; lia.
  rewrite (senv_new E3) => [|q]; last by rewrite !inE => /eqP -> /=; lia.
  rewrite den_row_spread // (senv_new E2) => [|q]; last by rewrite !inE => /eqP -> /=; lia.
  rewrite den_row_total // (senv_below I8 ky) (senv_new E1) => [|q]; last by rewrite !inE => /eqP ->.
  by rewrite /= (senv_below I8 ka).
rewrite (senv_new E8) => [|q]; last by rewrite !inE => /eqP -> /=; lia.
rewrite den_scalar_spread // (senv_new E7) => [|q]; last first.
  by rewrite !inE => /orP [] /eqP -> /=; lia.
by rewrite [LHS]/= (senv_new E6) // den_row_count (proj2 E0 _ hct).
Qed.

Lemma variance_grows z ds a s ct : sinv s -> (ct < nx s)%num -> good k (Variance z ds a) ->
  grows s (variance_rule z ds a ct s) k (share (Variance z ds a) s ct).
Proof.
move=> I hct g; have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
have ha := below I (N.lt_le_incl _ _ ka).
rewrite /variance_rule; cbv zeta; set os := (X in emits X s); set o := Bin z Mul _ _.
have sc : scoped os (nx s) by repeat split; rewrite /=; lia.
have [G1 H] := emits_grows k I sc; set s1 := emits os s in G1 H *; have [I1 E1 _] := G1.
apply: grows_eq (grows_trans G1 (push_grows o I1 ka sa)) _.
rewrite add0r sa /share [oshape _]/= [tangent _ _ _]/= variance_transpose.
apply: tdot_eq => j hj; congr (_ * _).
have [H0 [H1 [H2 [H3 [H4 [H5 [H6 [H7 _]]]]]]]] := H _ (ext_refl _).
have ea : senv s1 a = e0 a := senv_below I1 ka.
have sp v i : i \in idxs z -> den (spread_over z ds v) (senv s1) i = senv s1 v (pick i (kept z ds)).
  by move=> hi; exact: den_spread_over.
rewrite [LHS]/= H4 [den _ _ _]/= H3 sp // H2 [den _ _ _]/= H0 den_total_over H1 den_mean_count.
rewrite H7 sp // H6 [den _ _ _]/= H5 [den _ _ _]/= H1 den_mean_count.
by rewrite (proj2 E1 _ hct) ea.
Qed.

Lemma normalize_grows z ds n d a s ct : sinv s -> (ct < nx s)%num -> good k (Normalize z ds n d a) ->
  grows s (normalize_rule z ds n d a k ct s) k (share (Normalize z ds n d a) s ct).
Proof.
move=> I hct g; have [ka sa] : (a < k)%num /\ sh a = z := good_args g (mem_head _ _).
have hk := below I (N.le_refl k); have ha := below I (N.lt_le_incl _ _ ka).
rewrite /normalize_rule; cbv zeta; set os := (X in emits X s); set o := Bin z Mul _ _.
have sc : scoped os (nx s) by repeat split; rewrite /=; lia.
have [G1 H] := emits_grows k I sc; set s1 := emits os s in G1 H *; have [I1 E1 _] := G1.
apply: grows_eq (grows_trans G1 (push_grows o I1 ka sa)) _.
rewrite add0r sa /share [oshape _]/= [tangent _ _ _]/= normalize_transpose.
apply: tdot_eq => j hj; congr (_ * _).
move: (H _ (ext_refl _)) => [H0 [H1 [H2 [H3 [H4 [H5 [H6 [H7 [H8 [H9 [H10 [H11 [H12 [H13 [H14 [H15 _]]]]]]]]]]]]]]]].
have ea : senv s1 a = e0 a := senv_below I1 ka.
have ect : senv s1 ct = senv s ct := proj2 E1 _ hct.
have ek i : senv s1 k i = normalize z ds (rational R n d) (e0 a) i.
  by rewrite (sinv_run I1) // (good_value g).
have sp v i : i \in idxs z -> den (spread_over z ds v) (senv s1) i = senv s1 v (pick i (kept z ds)).
  by move=> hi; exact: den_spread_over.
rewrite [LHS]/= H4 sp // H3 [den _ _ _]/= H2 [den _ _ _]/= H0 H1 /= ea; congr (_ * _).
rewrite H15 [den _ _ _]/= H14 [den _ _ _]/= H8 sp // H7 [den _ _ _]/= H5 H6.
rewrite den_total_over den_mean_count H13 [den _ _ _]/= H12 sp // H11 [den _ _ _]/= H10 H6.
rewrite den_total_over den_mean_count ek ect; congr (_ - _ * (_ / _)).
by apply: eq_bigr => i _; rewrite H9 /= ek ect.
Qed.
End Rules.
