(** * The update code computes the textbook update

    The formulas are in [Textbook.v].

    Glossary
      - [slots_eqt]         slots are equal on the parameter's index set
      - [updates]           what the code of one parameter has to do *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Computes Grad Canonical Optimizer Textbook.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Implicit Types (e : env R).
Notation real := (@real R).

(** After [t] steps from 1, the state holds the [t]-th powers. *)
Lemma textbook_powers_iter o beta1 beta2 eps decay (t : nat) :
  [\/ o = Adam beta1 beta2 eps decay, o = AdamW beta1 beta2 eps decay
    | o = Lamb beta1 beta2 eps decay] ->
  ssrnat.iter t (textbook_powers o) [:: 1; 1] = [:: real beta1 ^+ t; real beta2 ^+ t].
Proof.
by move=> h; elim: t => [|t ih]; rewrite ?expr0 // iterS ih !exprSr; case: h => ->.
Qed.

(** ** The code *)

Lemma den_scalar_spread s a e i : i \in idxs s -> den (scalar_spread s a) e i = e a [::].
Proof.
move=> hi; have hb : inb s i by rewrite -mem_idxs.
rewrite /= big_seq_cond (eq_bigl (fun r => (r \in idxs s) && (r == i))) => [|r]; last first.
  case hr: (r \in idxs s) => //=; have hrb : inb s r by rewrite -mem_idxs.
  by rewrite /id_map at_map_id //; apply/eqP/eqP => [[->]|->].
by rewrite -big_seq_cond sum_pick ?idxs_uniq // big_seq1.
Qed.

Lemma den_const s c e i : den (const s c) e i = real c.
Proof. by case: c. Qed.

Lemma real_zero c : is_zero c -> real c = 0.
Proof. by case: c => n d /= /Z.eqb_eq ->; rewrite /rational mul0r. Qed.

Lemma coupled_sound e s decay p g k g' c : coupled s decay p g k = (g', c) ->
  computes e (write k c) -> eqt s (e g') (fun i => e g i + real decay * e p i).
Proof.
rewrite /coupled; case: ifP => [hz [<- <-] _ i _|_ [<- <-]].
  by rewrite (real_zero hz) mul0r addr0.
rewrite /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
by rewrite h2 /= h1 /= h0 den_const.
Qed.

Lemma decoupled_sound e s decay lr p k q c : decoupled s decay lr p k = (q, c) ->
  computes e (write k c) -> eqt s (e q) (fun i => e p i - e lr [::] * real decay * e p i).
Proof.
rewrite /decoupled; case: ifP => [hz [<- <-] _ i _|_ [<- <-]].
  by rewrite (real_zero hz) mulr0 mul0r subr0.
rewrite /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4 _] i hi.
by rewrite h4 /= h3 /= h2 den_scalar_spread // h1 /= h0 den_const.
Qed.

Lemma descend_sound e s lr p direction k : computes e (write k (descend s lr p direction k)) ->
  eqt s (e (k + 2)%num) (fun i => e p i - e lr [::] * e direction i).
Proof.
rewrite /descend /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
by rewrite h2 /= h1 /= h0 den_scalar_spread.
Qed.

Lemma pushed_sound e s mu v d k : computes e (write k (pushed s mu v d k)) ->
  eqt s (e (k + 2)%num) (fun i => real mu * e v i + e d i).
Proof.
rewrite /pushed /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
by rewrite h2 /= h1 /= h0 den_const.
Qed.

Lemma complement_sound e beta k : computes e (write k (complement beta k)) ->
  e (k + 2)%num [::] = 1 - real beta.
Proof.
rewrite /complement /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _].
by rewrite h2 /= h0 h1 den_const /= /rational divr1.
Qed.

Lemma moment_sound e beta last k : computes e (write k (moment beta last k)) ->
  [/\ e (k + 2)%num [::] = 1 - real beta, e (k + 3)%num [::] = e last [::] * real beta
    & e (k + 4)%num [::] = 1 - e last [::] * real beta].
Proof.
rewrite /moment /complement /write /cat -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4 _]; have one : e k [::] = 1 by rewrite h0 /= /rational divr1.
have hb : e (k + 1)%num [::] = real beta by rewrite h1 den_const.
have hp : e (k + 3)%num [::] = e last [::] * real beta by rewrite h3 /= hb.
by split=> //; [rewrite h2 /= one hb|rewrite h4 /= one hp].
Qed.

Lemma average_sound e s beta rest old new k :
  computes e (write k (average s beta rest old new k)) ->
  eqt s (e (k + 4)%num) (fun i => real beta * e old i + e rest [::] * e new i).
Proof.
rewrite /average /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3].
move=> /computes_cons [h4 _] i hi.
by rewrite h4 /= h1 /= h0 den_const h3 /= h2 den_scalar_spread.
Qed.

Lemma corrected_sound e s correction a k : computes e (write k (corrected s correction a k)) ->
  eqt s (e (k + 1)%num) (fun i => e a i / e correction [::]).
Proof.
rewrite /corrected /write -!N.add_1_r.
move=> /computes_cons [h0] /computes_cons [h1 _] i hi.
by rewrite h1 /= h0 den_scalar_spread.
Qed.

Lemma root_plus_sound e s eps v k : computes e (write k (root_plus s eps v k)) ->
  eqt s (e (k + 2)%num) (fun i => Num.sqrt (e v i) + real eps).
Proof.
rewrite /root_plus /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _] i hi.
by rewrite h2 /= h0 /= h1 den_const.
Qed.

Lemma descend_quotient_sound e s lr p numerator denominator k :
  computes e (write k (descend_quotient s lr p numerator denominator k)) ->
  eqt s (e (k + 3)%num) (fun i => e p i - e lr [::] * e numerator i / e denominator i).
Proof.
rewrite /descend_quotient /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /computes_cons [h3 _] i hi.
by rewrite h3 /= h2 /= h1 /= h0 den_scalar_spread.
Qed.

Definition moment_scalars (b1 b2 : ratio) (p1 p2 k : N) : prog :=
  write k (moment b1 p1 k) ++ write (k + 5)%num (moment b2 p2 (k + 5)%num).

Lemma moments_sound e b1 b2 eps p1 p2 scalars s m v g k
    (m' := fun i => real b1 * e m i + (1 - real b1) * e g i)
    (v' := fun i => real b2 * e v i + (1 - real b2) * (e g i * e g i)) :
  computes e (moment_scalars b1 b2 p1 p2 scalars) ->
  computes e (moments b1 b2 eps scalars s m v g k) ->
  [/\ eqt s (e (k + 4)%num) m', eqt s (e (k + 10)%num) v',
      eqt s (e (k + 12)%num) (fun i => m' i / (1 - e p1 [::] * real b1))
    & eqt s (e (k + 17)%num) (fun i => Num.sqrt (v' i / (1 - e p2 [::] * real b2)) + real eps)].
Proof.
have plus a b : (k + a + b = k + (a + b))%num by lia.
have plus' a b : (scalars + a + b = scalars + (a + b))%num by lia.
move=> /computes_cat [/moment_sound [c1 _ r1] /moment_sound []]; rewrite !plus' => c2 _ r2.
move=> /computes_cat [/average_sound hm] /computes_cat [sq] /computes_cat [/average_sound hv].
move=> /computes_cat [/corrected_sound hmh] /computes_cat [/corrected_sound hvh /root_plus_sound hr].
rewrite !plus in hv hmh hvh hr.
have {}sq : e (k + 5)%num =1 fun i => e g i * e g i by move: sq => /computes_cons [].
have em : eqt s (e (k + 4)%num) m' by move=> i hi; rewrite hm // c1.
have ev : eqt s (e (k + 10)%num) v' by move=> i hi; rewrite hv // sq c2.
split=> // i hi; first by rewrite hmh // em // r1.
by rewrite hr // hvh // ev // r2.
Qed.

Definition slots_eqt s (a b : seq (tensor R)) : Prop :=
  size a = size b /\ forall j, eqt s (nth (fun _ => 0) a j) (nth (fun _ => 0) b j).

Lemma slots_eqt1 s a b : eqt s a b -> slots_eqt s [:: a] [:: b].
Proof. by move=> h; split=> // -[|[]]. Qed.

Lemma slots_eqt2 s a b c d : eqt s a b -> eqt s c d -> slots_eqt s [:: a; c] [:: b; d].
Proof. by move=> h h'; split=> // -[|[|[]]]. Qed.

Lemma update_scalars_sound o power k c power' e : update_scalars o power k = (c, power') ->
  computes e c -> [seq e j [::] | j <- power'] = textbook_powers o [seq e j [::] | j <- power].
Proof.
have both b1 b2 p1 p2 : computes e (moment_scalars b1 b2 p1 p2 k) ->
    [seq e j [::] | j <- [:: (k + 3)%num; (k + 8)%num]]
    = [:: e p1 [::] * real b1; e p2 [::] * real b2].
  move=> /computes_cat [/moment_sound [_ e1 _] /moment_sound [_ + _]].
  by rewrite -N.add_assoc /= e1 => ->.
rewrite /update_scalars; case: o => [decay|mu decay|mu decay|b1 b2 eps decay|b1 b2 eps decay|alpha eps mu decay|b1 b2 eps decay];
  try by move=> /pair_equal_spec [_ <-].
all: case: power => [|p1 [|p2 [|p3 l]]]; try by move=> /pair_equal_spec [_ <-].
all: by move=> /pair_equal_spec [<- <-] /both.
Qed.

(** What the code of one parameter has to do. *)
Definition updates e o power lr s p g slot (p' : N) (slot' : seq N) : Prop :=
  let new := textbook o s (e lr [::]) [seq e j [::] | j <- power] (e p) (e g) [seq e j | j <- slot] in
  eqt s (e p') new.1 /\ slots_eqt s [seq e j | j <- slot'] new.2.

Lemma adam_sound e b1 b2 eps decay p1 p2 scalars lr s p g m v k c p' slot' (o := Adam b1 b2 eps decay) :
  computes e (moment_scalars b1 b2 p1 p2 scalars) ->
  update_one o scalars lr s p g [:: m; v] k = (c, (p', slot')) -> computes e c ->
  updates e o [:: p1; p2] lr s p g [:: m; v] p' slot'.
Proof.
move=> hs; rewrite /o /update_one; case hc: coupled => [g' c'] /pair_equal_spec [<- /pair_equal_spec [<- <-]].
move=> /computes_cat [/(coupled_sound hc) hg] /computes_cat [/(moments_sound hs) [hm hv hmh hd]].
move=> /descend_quotient_sound hp; split=> [i hi|] /=; first by rewrite hp // hmh // hd // hg.
by apply: slots_eqt2 => i hi; rewrite ?hm ?hv // hg.
Qed.

Lemma adamw_sound e b1 b2 eps decay p1 p2 scalars lr s p g m v k c p' slot' (o := AdamW b1 b2 eps decay) :
  computes e (moment_scalars b1 b2 p1 p2 scalars) ->
  update_one o scalars lr s p g [:: m; v] k = (c, (p', slot')) -> computes e c ->
  updates e o [:: p1; p2] lr s p g [:: m; v] p' slot'.
Proof.
move=> hs; rewrite /o /update_one; case hc: decoupled => [q c'] /pair_equal_spec [<- /pair_equal_spec [<- <-]].
move=> /computes_cat [/(moments_sound hs) [hm hv hmh hd]] /computes_cat [/(decoupled_sound hc) hq].
move=> /descend_quotient_sound hp; split=> [i hi|] /=; first by rewrite hp // hmh // hd // hq.
exact: slots_eqt2.
Qed.

Lemma rmsprop_sound e alpha eps mu decay power scalars lr s p g slot k c p' slot'
    (o := RmsProp alpha eps mu decay) :
  computes e (write scalars (complement alpha scalars)) -> size slot = size (slots o) ->
  update_one o scalars lr s p g slot k = (c, (p', slot')) -> computes e c ->
  updates e o power lr s p g slot p' slot'.
Proof.
move=> /complement_sound hs; rewrite /o /slots /update_one; case: slot => [|v velocity]; first by case: is_zero.
move=> size_ok; case hc: coupled => [g' c']; move: (after k c') => k1.
set start := write k c' ++ _; set v' := (k1 + 1 + 4)%num; set q := (k1 + 1 + 5 + 3)%num.
have sound : computes e start ->
    [/\ eqt s (e g') (fun i => e g i + real decay * e p i),
        eqt s (e v') (fun i => real alpha * e v i + (1 - real alpha) * (e g' i * e g' i))
      & eqt s (e q) (fun i => e g' i / (Num.sqrt (e v' i) + real eps))].
  move=> /computes_cat [/(coupled_sound hc) hg] /computes_cat [/computes_cons [sq _]].
  move=> /computes_cat [/average_sound hv] /computes_cat [/root_plus_sound hr /computes_cons [hq _]].
  split=> // i hi; first by rewrite hv // sq hs.
  by rewrite hq /= hr.
case: velocity size_ok => [|u [|u' l]] size_ok; last by move: size_ok; case: is_zero.
  move=> /pair_equal_spec [<- /pair_equal_spec [<- <-]] /computes_cat [/sound [hg hv hq] /descend_sound hp].
  split=> [i hi|] /=; first by rewrite hp // hq // hv // hg.
  by apply: slots_eqt1 => i hi; rewrite hv // hg.
move=> /pair_equal_spec [<- /pair_equal_spec [<- <-]] /computes_cat [/sound [hg hv hq]].
move=> /computes_cat [/pushed_sound hu /descend_sound hp].
have plus a b : (k1 + 1 + 5 + 4 + a + b = k1 + 1 + 5 + 4 + (a + b))%num by lia.
rewrite plus in hp; split=> [i hi|] /=; first by rewrite hp // hu // hq // hv // hg.
by apply: slots_eqt2 => i hi; rewrite ?hu // ?hq // hv // hg.
Qed.

Lemma den_grand_total e s a : den (grand_total s a) e [::] = \sum_(j <- idxs s) e a j.
Proof.
rewrite /= big_seq [RHS]big_seq; apply: eq_bigr => r; rewrite mem_idxs => hr.
by rewrite big_seq1 /read /= at_map_id.
Qed.

Lemma norm_code_sound e s x k : computes e (write k (norm_code s x k)) ->
  e (k + 2)%num [::] = norm s (e x).
Proof.
rewrite /norm_code /write -!N.add_1_r -!N.add_assoc.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _].
rewrite h2 /= h1 den_grand_total /norm /sum_of_squares; congr (Num.sqrt _).
by apply: eq_bigr => i _; rewrite h0 /= expr2.
Qed.

Lemma norm_eqt s (x y : tensor R) : eqt s x y -> norm s x = norm s y.
Proof.
move=> h; rewrite /norm /sum_of_squares big_seq [in RHS]big_seq; congr (Num.sqrt _).
by apply: eq_bigr => i hi; rewrite h.
Qed.

Lemma trust_eqt s (p p' r r' : tensor R) : eqt s p p' -> eqt s r r' -> trust s p r = trust s p' r'.
Proof. by move=> /norm_eqt hp /norm_eqt hr; rewrite /trust hp hr. Qed.

Lemma trust_code_sound e s p r k : computes e (trust_code s p r k) ->
  e (k + 10)%num [::] = trust s (e p) (e r).
Proof.
have plus a b : (k + a + b = k + (a + b))%num by lia.
move=> /computes_cat [/norm_code_sound hp] /computes_cat [/norm_code_sound hr].
rewrite /write -!N.add_1_r !plus in hr *; move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2].
move=> /computes_cons [h3] /computes_cons [h4 _].
rewrite h4 /= hp h0 /= rational0 h3 /= hr h0 /= rational0 h2 /= hp hr h1 /= rational1 /trust.
by case: ltP => //= _; case: ltP.
Qed.

Lemma lamb_sound e b1 b2 eps decay p1 p2 scalars lr s p g m v k c p' slot' (o := Lamb b1 b2 eps decay) :
  computes e (moment_scalars b1 b2 p1 p2 scalars) ->
  update_one o scalars lr s p g [:: m; v] k = (c, (p', slot')) -> computes e c ->
  updates e o [:: p1; p2] lr s p g [:: m; v] p' slot'.
Proof.
move=> hs; rewrite /o /update_one; case hc: coupled => [r c'].
set k1 := after _ c'; move=> /pair_equal_spec [<- /pair_equal_spec [<- <-]].
move=> /computes_cat [/(moments_sound hs) [hm hv hmh hd]] /computes_cat [/computes_cons [hq _]].
move=> /computes_cat [/(coupled_sound hc) hr] /computes_cat [/trust_code_sound ht].
move=> /computes_cat [/computes_cons [hl _] /descend_sound hp].
have plus a b : (k1 + a + b = k1 + (a + b))%num by lia.
rewrite plus in hp; split; last exact: slots_eqt2.
rewrite /=; set rho := (X in trust s _ X).
have er : eqt s (e r) rho by move=> i hi; rewrite hr // hq /= hmh // hd.
by move=> i hi; rewrite hp // hl /= ht er // (trust_eqt (eqt_refl _) er).
Qed.

Theorem update_one_sound e o power scalars cs power' lr s p g slot k c p' slot' :
  update_scalars o power scalars = (cs, power') -> computes e cs -> size power = size (powers o) ->
  update_one o scalars lr s p g slot k = (c, (p', slot')) -> computes e c ->
  size slot = size (slots o) ->
  let new := textbook o s (e lr [::]) [seq e j [::] | j <- power] (e p) (e g) [seq e j | j <- slot] in
  eqt s (e p') new.1 /\ slots_eqt s [seq e j | j <- slot'] new.2.
Proof.
case: o => [decay|mu decay|mu decay|b1 b2 eps decay|b1 b2 eps decay|alpha eps mu decay|b1 b2 eps decay].
- move=> _ _ _; rewrite /update_one; case hc: coupled => [g' c'] /pair_equal_spec [<- /pair_equal_spec [<- <-]] /computes_cat [h1 h2] hs.
  split=> // i hi /=; rewrite (descend_sound h2) //.
  by rewrite (coupled_sound hc h1).
- case: slot => [|v []] // _ _ _; rewrite /update_one; case hc: coupled => [g' c'] /pair_equal_spec [<- /pair_equal_spec [<- <-]].
  move=> /computes_cat [/(coupled_sound hc) hg] /computes_cat [/pushed_sound hv /descend_sound hp] _.
  split=> [i hi|] /=; first by rewrite hp // hv // hg.
  by apply: slots_eqt1 => i hi; rewrite hv // hg.
- case: slot => [|v []] // _ _ _; rewrite /update_one; case hc: coupled => [g' c'] /pair_equal_spec [<- /pair_equal_spec [<- <-]].
  move=> /computes_cat [/(coupled_sound hc) hg] /computes_cat [/pushed_sound hv].
  move=> /computes_cat [/pushed_sound ha /descend_sound hp] _.
  split=> [i hi|] /=; first by rewrite hp // ha // hv // hg // [X in _ * X]addrC.
  by apply: slots_eqt1 => i hi; rewrite hv // hg.
- case: power => [|p1 [|p2 []]] // /pair_equal_spec [<- _] hs _; case: slot => [|m [|v []]] // hu hc _.
  exact: adam_sound hs hu hc.
- case: power => [|p1 [|p2 []]] // /pair_equal_spec [<- _] hs _; case: slot => [|m [|v []]] // hu hc _.
  exact: adamw_sound hs hu hc.
- move=> /pair_equal_spec [<- _] hs _ hu hc hsl; exact: rmsprop_sound hs hsl hu hc.
case: power => [|p1 [|p2 []]] // /pair_equal_spec [<- _] hs _; case: slot => [|m [|v []]] // hu hc _.
exact: lamb_sound hs hu hc.
Qed.

(** Sparing a parameter the decay changes neither the state nor the scalars. *)
Lemma rule_for_same spared o s : let rule := rule_for spared o s in
  [/\ slots rule = slots o, powers rule = powers o, update_scalars rule =2 update_scalars o
    & textbook_powers (R := R) rule =1 textbook_powers o].
Proof. by rewrite /rule_for; case: ifP => // _; case: o. Qed.
End Sound.
