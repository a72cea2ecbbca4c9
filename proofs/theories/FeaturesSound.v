(** * The stages of an update compute their formulas

    Accumulation, clipping, the rule, the averages and the choice by [apply],
    each by equations between values. All of them together are in
    [UpdateSound.v].

    Glossary
      - [holds e sts js]     in [e], the values [js] are the tensors [sts]
      - [stands e params x js]  in [e], the values [js] are [x] of the parameters *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad.
From Cotangent Require Import Spec Optimizer Features Steps Textbook OptimizerSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section FeaturesSound.
Variable R : realType.
Implicit Types (e a g : env R).

Definition holds e (sts : seq (shape * tensor R)) (js : seq N) : Prop :=
  List.Forall2 (fun st j => eqt st.1 (e j) st.2) sts js.

(** ** The update at equal tensors *)
Lemma textbook_eqt o s (lr : R) power (p p' g g' : tensor R) slot slot' :
  eqt s p p' -> eqt s g g' -> slots_eqt s slot slot' -> size slot = size (slots o) ->
  let new := textbook o s lr power p g slot in let new' := textbook o s lr power p' g' slot' in
  eqt s new.1 new'.1 /\ slots_eqt s new.2 new'.2.
Proof.
move=> hp hg [hs hl].
case: o => [decay|mu decay|mu decay|b1 b2 eps decay|b1 b2 eps decay|alpha eps mu decay|b1 b2 eps decay] /=.
- by move=> _; split=> // i hi; rewrite hp // hg.
- case: slot hs hl => [|v []] //; case: slot' => [|v' []] // _ hl _.
  have hv : eqt s v v' := hl 0%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hv.
  by apply: slots_eqt1 => i hi; rewrite hp // hg // hv.
- case: slot hs hl => [|v []] //; case: slot' => [|v' []] // _ hl _.
  have hv : eqt s v v' := hl 0%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hv.
  by apply: slots_eqt1 => i hi; rewrite hp // hg // hv.
- case: slot hs hl => [|m [|v []]] //; case: slot' => [|m' [|v' []]] // _ hl _.
  have hm : eqt s m m' := hl 0%nat; have hv : eqt s v v' := hl 1%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hm // hv.
  by apply: slots_eqt2 => i hi; rewrite hp // hg // ?hm // ?hv.
- case: slot hs hl => [|m [|v []]] //; case: slot' => [|m' [|v' []]] // _ hl _.
  have hm : eqt s m m' := hl 0%nat; have hv : eqt s v v' := hl 1%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hm // hv.
  by apply: slots_eqt2 => i hi; rewrite hg // ?hm // ?hv.
- case: slot hs hl => [|v l] //; first by case: is_zero.
  case: slot' => [|v' l'] // [hs] hl size_ok; have hv : eqt s v v' := hl 0%nat.
  case: l hs hl size_ok => [|u [|? ?]]; case: l' => [|u' [|? ?]] // _ hl; last by case: is_zero.
    split=> [i hi|] /=; first by rewrite hp // hg // hv.
    by apply: slots_eqt1 => i hi; rewrite hp // hg // hv.
  have hu : eqt s u u' := hl 1%nat.
  split=> [i hi|] /=; first by rewrite hp // hg // hv // hu.
  by apply: slots_eqt2 => i hi; rewrite hp // hg // hv // ?hu.
case: slot hs hl => [|m [|v []]] //; case: slot' => [|m' [|v' []]] // _ hl _.
have hm : eqt s m m' := hl 0%nat; have hv : eqt s v v' := hl 1%nat.
split; last by apply: slots_eqt2 => i hi; rewrite hg // ?hm // ?hv.
move=> i hi /=; set t := trust _ _ _; set t' := trust _ _ _.
have -> : t = t' by apply: trust_eqt => // j hj; rewrite hp // hg // hm // hv.
by rewrite hp // hg // hm // hv.
Qed.

Lemma size_textbook o s (lr : R) power (p g : tensor R) slot : size slot = size (slots o) ->
  size (textbook o s lr power p g slot).2 = size (slots o).
Proof.
case: o => [decay|mu decay|mu decay|b1 b2 eps decay|b1 b2 eps decay|alpha eps mu decay|b1 b2 eps decay] //=.
1, 2: by case: slot => [|v []].
1, 2, 4: by case: slot => [|m [|v []]].
by case: is_zero; case: slot => [|v [|u []]].
Qed.

(** ** All parameters *)

Lemma holds_map (T U : Type) (f : T -> shape * tensor R) (h : U -> N) (P : T -> U -> Prop) e l l' :
  List.Forall2 P l l' -> (forall x y, P x y -> eqt (f x).1 (e (h y)) (f x).2) ->
  holds e [seq f x | x <- l] [seq h y | y <- l'].
Proof. by move=> hl hP; elim: hl => [|x y {}l {}l' hx _ ih]; constructor => //; exact: hP. Qed.

Lemma holds_cat e l js l' js' : holds e l js -> holds e l' js' -> holds e (l ++ l') (js ++ js').
Proof. exact: List.Forall2_app. Qed.

Lemma holds_flatten e (ns : seq nat) (f : nat -> seq (shape * tensor R)) (h : nat -> seq N) :
  (forall j, j \in ns -> holds e (f j) (h j)) ->
  holds e (flatten [seq f j | j <- ns]) (flatten [seq h j | j <- ns]).
Proof.
elim: ns => [|j ns ih] hj /=; first by constructor.
apply: holds_cat; first by apply: hj; rewrite inE eqxx.
by apply: ih => k hk; apply: hj; rewrite inE hk orbT.
Qed.

Lemma update_all_sound e spared o cs power power' scalars lr ps k c r :
  update_scalars o power scalars = (cs, power') -> computes e cs -> size power = size (powers o) ->
  update_all spared o scalars lr ps k = (c, r) -> computes e c ->
  all (fun p => size (p_slots p) == size (slots o)) ps ->
  List.Forall2 (fun p q =>
    let new := textbook (rule_for spared o (p_shape p)) (p_shape p) (e lr [::]) [seq e j [::] | j <- power]
                 (e (p_value p)) (e (p_grad p)) [seq e j | j <- p_slots p] in
    eqt (p_shape p) (e q.1) new.1 /\ slots_eqt (p_shape p) [seq e j | j <- q.2] new.2) ps r.
Proof.
move=> hsc hcs hpw; elim: ps k c r => [|p ps ih] k c r /=.
  by case=> _ <- _ _; constructor.
case h1: update_one => [c1 [p' slot']]; case h2: update_all => [c2 r2].
move=> /pair_equal_spec [<- <-] /computes_cat [e1 e2] /andP [/eqP hs ha].
constructor; last exact: ih h2 e2 ha.
have [eq_sl eq_pw eq_sc _] := rule_for_same R spared o (p_shape p).
apply: update_one_sound hcs _ h1 e1 _; last by rewrite eq_sl.
  by rewrite eq_sc; exact: hsc.
by rewrite eq_pw.
Qed.

Lemma Forall2_zip (T U V W : Type) (mk : T * U -> V) (A : T -> U -> Prop) (B : V -> W -> Prop)
    (C : T -> W -> Prop) l us ws :
  List.Forall2 A l us -> List.Forall2 B [seq mk q | q <- zip l us] ws ->
  (forall q u w, List.In q l -> A q u -> B (mk (q, u)) w -> C q w) -> List.Forall2 C l ws.
Proof.
move=> hA; elim: hA ws => [|q u {}l {}us ha _ ih] ws h hC; inversion h; subst; constructor.
  by apply: hC ha _ => //; left.
by apply: ih => // q' u' w' hq; apply: hC; right.
Qed.

(** ** Stages *)

Definition stands e (params : seq (N * shape)) (x : env R) (js : seq N) : Prop :=
  List.Forall2 (fun q j => eqt q.2 (x q.1) (e j)) params js.

Lemma Forall2_mapr (T U V : Type) (P : T -> U -> Prop) (Q : T -> V -> Prop) (h : U -> V) l l' :
  List.Forall2 P l l' -> (forall x y, P x y -> Q x (h y)) -> List.Forall2 Q l [seq h y | y <- l'].
Proof. by move=> hl hP; elim: hl => [|x y {}l {}l' hx _ ih]; constructor => //; exact: hP. Qed.

Lemma stands_holds e params x js : stands e params x js -> holds e [seq (q.2, x q.1) | q <- params] js.
Proof.
by move=> h; rewrite -[js]map_id; apply: holds_map h _ => q j; exact: eqt_sym.
Qed.

Lemma each_sound (T : Type) (make : T -> N -> seq op) l k c starts e :
  each make l k = (c, starts) -> computes e c ->
  List.Forall2 (fun x j => computes e (write j (make x j))) l starts.
Proof.
elim: l k c starts => [|x l ih] k c starts /=; first by case=> _ <-.
case h: each => [c' starts'] /pair_equal_spec [<- <-] /computes_cat [hx hl].
by constructor => //; exact: ih h hl.
Qed.


Lemma map_zip_snd (T U V : Type) (F : T * U -> V) (G : V -> U) (P : T -> U -> Prop) l us :
  List.Forall2 P l us -> (forall q, G (F q) = q.2) -> [seq G v | v <- [seq F q | q <- zip l us]] = us.
Proof. by move=> h hF; elim: h => //= x u {}l {}us _ _ ->; rewrite hF. Qed.

Lemma accumulated_sound e count params (at_ : N -> N) grads k c sums means (old g : env R)
    (sum := fun j i => old j i + g j i) :
  accumulated count [seq (q.1.2, (at_ q.1.1, q.2)) | q <- zip params grads] k = (c, (sums, means)) ->
  computes e c -> stands e params g grads ->
  (forall n q, count = Some n -> List.In q params -> e (at_ q.1) = old q.1) ->
  (if count is Some _ then stands e params sum sums else True)
  /\ stands e params (fun j i => if count is Some n then sum j i / real R n else g j i) means.
Proof.
rewrite /accumulated; case: count => [n|]; last first.
  move=> /pair_equal_spec [_ /pair_equal_spec [_ <-]] _ hg; split=> //.
  by rewrite (map_zip_snd (F := fun q => (q.1.2, (at_ q.1.1, q.2))) (G := fun v => v.2.2) hg).
set make := (X in each X); case h: each => [c' starts].
move=> /pair_equal_spec [<- /pair_equal_spec [<- <-]] hc hg ho.
have F : List.Forall2 (fun q j => eqt q.2 (sum q.1) (e j) /\
    eqt q.2 (fun i => sum q.1 i / real R n) (e (j + 2)%num)) params starts.
  apply: Forall2_zip hg (each_sound h hc) _ => -[j s] i u hq /= hi.
  rewrite /write -!N.add_1_r -!N.add_assoc.
  move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _].
  have hs : eqt s (sum j) (e u) by move=> r hr; rewrite h0 /= /sum hi // -(ho _ _ erefl hq).
  by split=> // r hr; rewrite h2 /= h1 den_const hs.
split; last by apply: Forall2_mapr F _ => q j [].
by rewrite -[starts]map_id; apply: Forall2_mapr F _ => q j [].
Qed.

Lemma squares_from_sound e sum l k c r : squares_from sum l k = (c, r) -> computes e c ->
  e r [::] = e sum [::] + \sum_(q <- l) sum_of_squares q.1 (e q.2).
Proof.
elim: l sum k c r => [|[s x] l ih] sum k c r /=; first by case=> _ <-; rewrite big_nil addr0.
case h: squares_from => [c' r'] /pair_equal_spec [<- <-].
rewrite -!N.add_1_r -!N.add_assoc => /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 hl].
rewrite (ih _ _ _ _ h hl).
rewrite h2 /= h1 den_grand_total big_cons -addrA; congr (_ + (_ + _)).
by apply: eq_bigr => i _; rewrite h0 /= expr2.
Qed.

Lemma norm_of_sound e l k c r : norm_of l k = (c, r) -> computes e c ->
  e r [::] = Num.sqrt (\sum_(q <- l) sum_of_squares q.1 (e q.2)).
Proof.
case: l => [|[s x] l].
  move=> /pair_equal_spec [<- <-] /computes_cons [h _].
  by rewrite h /= rational0 big_nil sqrtr0.
rewrite /norm_of; case h: squares_from => [c' r']; move: (k + 2 + _)%num => last.
move=> /pair_equal_spec [<- <-] /computes_cat [hx] /computes_cat [hl /computes_cons [hr _]].
rewrite hr /= (squares_from_sound h hl) big_cons; congr (Num.sqrt (_ + _)).
move: hx; rewrite /write -!N.add_1_r => /computes_cons [h0] /computes_cons [h1 _].
by rewrite h1 den_grand_total; apply: eq_bigr => i _; rewrite h0 /= expr2.
Qed.

Lemma clip_factor_sound e largest eps norm k : computes e (write k (clip_factor largest eps norm k)) ->
  e (k + 5)%num [::] = Num.min 1 (real R largest / (e norm [::] + real R eps)).
Proof.
rewrite /clip_factor /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4] /computes_cons [h5 _].
have e3 : e (k + 3)%num [::] = real R largest / (e norm [::] + real R eps).
  by rewrite h3 /= h2 den_const h1 /= h0 den_const.
by rewrite h5 /= h4 /= rational1 e3 minC.
Qed.

Lemma clipped_sound e c params means k code given (x : env R) :
  clipped c [seq (q.1.2, q.2) | q <- zip params means] k = (code, given) -> computes e code ->
  stands e params x means ->
  stands e params
    (if c is Some (largest, eps) then clip_to (real R largest) (real R eps) params x else x) given.
Proof.
rewrite /clipped; case: c => [[largest eps]|]; last first.
  move=> /pair_equal_spec [_ <-] _ hx.
  by rewrite (map_zip_snd (F := fun q => (q.1.2, q.2)) (G := fun v => v.2) hx).
case hn: norm_of => [squares norm]; move: (k + _)%num => k1; set make := (X in each X).
case h: each => [c' starts] /pair_equal_spec [<- <-] /computes_cat [hs] /computes_cat [hf hc] hx.
have en : e norm [::] = Num.sqrt (\sum_(q <- params) sum_of_squares q.2 (x q.1)).
  rewrite (norm_of_sound hn hs); congr (Num.sqrt _); move: hx {hn h}; rewrite /stands.
  elim=> [|[j s] i l js hi _ ih]; rewrite ?big_nil //= !big_cons ih; congr (_ + _).
  by rewrite /sum_of_squares big_seq [RHS]big_seq; apply: eq_bigr => r hr; rewrite /= hi.
apply: (Forall2_mapr (P := fun q j => eqt q.2 (clip_to (real R largest) (real R eps) params x q.1)
  (e (j + 1)%num))) => //.
apply: Forall2_zip hx (each_sound h hc) _ => -[j s] i u _ /= hi.
rewrite /write -!N.add_1_r => /computes_cons [h0] /computes_cons [h1 _] r hr.
by rewrite h1 /= h0 den_scalar_spread // (clip_factor_sound hf) en -hi.
Qed.

Lemma averaged_sound e d params (at_ : N -> N) (old : env R) (r : seq (N * seq N))
    (new : N * shape -> tensor R) k c js :
  averaged (Some d) [seq (q.1.2, (at_ q.1.1, q.2.1)) | q <- zip params r] k = (c, js) -> computes e c ->
  List.Forall2 (fun q u => eqt q.2 (e u.1) (new q)) params r ->
  (forall q, List.In q params -> e (at_ q.1) = old q.1) ->
  holds e [seq (q.2, fun i => real R d * old q.1 i + (1 - real R d) * new q i) | q <- params] js.
Proof.
rewrite /averaged; set make := (X in each X); case h: each => [c' starts] /pair_equal_spec [<- <-].
move=> /computes_cat [/complement_sound hd hc] hn ho.
apply: (holds_map (P := fun q j => eqt q.2 (e (j + 4)%num)
  (fun i => real R d * old q.1 i + (1 - real R d) * new q i))) => //.
apply: Forall2_zip hn (each_sound h hc) _ => -[j s] u v hq /= hu /average_sound hv i hi.
by rewrite hv // hd hu // -(ho _ hq).
Qed.

Lemma applied_sound e apply (news olds : seq (shape * tensor R)) js ks k c r :
  [seq st.1 | st <- olds] = [seq st.1 | st <- news] -> holds e news js -> holds e olds ks ->
  applied apply (zip [seq st.1 | st <- news] (zip js ks)) k = (c, r) -> computes e c ->
  holds e (if 0 < e apply [::] then news else olds) r.
Proof.
rewrite /applied; set make := (X in each X) => hs hn ho.
case h: each => [c' starts] /pair_equal_spec [<- <-] /(each_sound h) {h}.
elim: hn olds ks ho hs starts => [|[s x] j {}news {}js hx _ ih] olds ks ho hs starts.
  case: olds ho hs => // ho _ h; rewrite if_same.
  by inversion ho; subst; inversion h; constructor.
case: olds ho hs => // -[s' y] olds ho [es hs]; subst s'; inversion ho as [|? i ? is' hy ho']; subst.
rewrite /=; inversion 1 as [|? u ? starts' hu hstarts]; subst; rewrite /=.
have {ih}hl := ih _ _ ho' hs _ hstarts.
move: hu; rewrite /= -!N.add_1_r -!N.add_assoc => /computes_cons [h0] /computes_cons [h1].
move=> /computes_cons [h2 _].
have hv : eqt s (e (u + 2)%num) (if 0 < e apply [::] then x else y).
  move=> q hq; rewrite h2 /= h1 /= rational0 h0 den_scalar_spread //.
  by case: ifP => _; [exact: hx|exact: hy].
by move: hl hv; case: ifP => _ hl hv; constructor.
Qed.

Lemma zeros_sound e (l : seq (N * shape)) k c zeros :
  each (fun s _ => [:: zero_like s]) [seq q.2 | q <- l] k = (c, zeros) -> computes e c ->
  holds e [seq (q.2, fun _ => 0) | q <- l] zeros.
Proof.
move=> h hc; have {h hc} := each_sound h hc; elim: l zeros => [|q l ih] zeros h.
  by inversion h; constructor.
inversion h as [|? z ? zs hz hzs]; subst; constructor; last exact: ih.
by move: hz => /computes_cons [hz _] i _; rewrite /= hz /= rational0.
Qed.
End FeaturesSound.
