(** * The instructions of a loss compute its meaning

    First the kinds of losses, then parts of a loss, then their sum.

    Glossary
      - [part_meaning]   the loss of the part that begins at feature [n], with
                         its weight
      - [own_total]      the number of features of some parts
      - [last_sum]       the value of the sum so far, where there are no more
                         parts
      - [loss_meaning_eqt]  a loss depends on the cells of the logits alone
      - [emitted_loss_sound]  its instructions compute it
      - [emitted_loss_shape]  the last of them gives a scalar
      - [emitted_loss_smooth]  they are off their kinks, wherever they run *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype sequences exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Joins Moments SmoothFacts Computes SpecLayer SpecLoss.
From Cotangent Require Import MeaningLoss NormsSound Dims RaiseLinear JoinsSound MeaningJoinSound RingTactic.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Add Ring real_ring : (real_ring R).
Implicit Types (e : env R).

Lemma cross_entropy_eqt s (z z' y y' : tensor R) : Loss.some_logits s -> eqt s z z' -> eqt s y y' ->
  cross_entropy s z y = cross_entropy s z' y'.
Proof.
move=> ok hz hy.
pose e (z y : tensor R) : env R := fun k => if N.eqb k 0 then z else y.
apply: (@den_eqt R (SoftmaxCrossEntropy s 0 1) (e z y) (e z' y') ok _ [::]) => // a.
by rewrite !inE => /orP [] /eqP ->.
Qed.

(** ** The mean of all elements *)

Lemma kept_none s : kept s (first_dims (size s)) = [::].
Proof.
apply/eqP; rewrite -(negbK (_ == _)) -has_filter; apply/hasPn => d hd.
by rewrite negbK.
Qed.

Lemma average_eqt s (x x' : tensor R) : eqt s x x' -> average s x = average s x'.
Proof. by move=> h; rewrite /average !big_seq; congr (_ / _); apply: eq_bigr. Qed.

Lemma count_all s : number R s (first_dims (size s)) = int_real R (Z.of_N (size_of s)).
Proof. by rewrite /number pick_first_dims. Qed.

Lemma mean_of_all_sound s x k e : computes e (Loss.mean_of_all s x k) ->
  e (k + 2)%num [::] = average s (e x).
Proof.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2 _].
rewrite h2 [LHS]/= h0 h1 den_total_over den_mean_count count_all kept_none.
by congr (_ / _); apply: eq_bigl => j.
Qed.

Lemma size_of_gt0 s : all (N.ltb 0) s -> (0 < size_of s)%num.
Proof.
elim: s => //= n s ih /andP [/N.ltb_lt hn /ih hs]; exact: N.mul_pos_pos.
Qed.

Lemma mean_of_all_smooth (V : normedModType R) (x0 : V) (E : V -> env R) s x k : all (N.ltb 0) s ->
  (forall v, computes (E v) (Loss.mean_of_all s x k)) -> smooth_in x0 E (Loss.mean_of_all s x k).
Proof.
move=> pos /(_ x0) /computes_cons [_] /computes_cons [h1 _] d o /=.
case=> [[_ <-] //|]; case=> [[_ <-] //|]; case=> [[_ <-]|//] i _ /=.
rewrite h1 den_mean_count count_all; have := size_of_gt0 pos.
by case: (size_of s) => // p _; rewrite gt_eqF //= pos_real_gt0.
Qed.

(** ** Binary cross-entropy *)

Lemma softplus_sigmoid (y z : R) :
  ln (1 + expR z) - y * z = - (y * ln (sigmoid z) + (1 - y) * ln (1 - sigmoid z)).
Proof.
have pos x : 1 + expR x \in Num.pos by rewrite posrE addr_gt0 ?ltr01 ?expR_gt0.
have posE x : expR x \in Num.pos by rewrite posrE expR_gt0.
have hz : ln (1 + expR z) = z + ln (1 + expR (- z)).
  rewrite -{2}[z]expK -lnM ?posE ?pos //; congr ln.
  by rewrite mulrDr mulr1 expRxMexpNx_1 addrC.
have h1 : ln (sigmoid z) = - ln (1 + expR (- z)) by rewrite /sigmoid div1r lnV ?pos.
have h2 : ln (1 - sigmoid z) = - z - ln (1 + expR (- z)).
  rewrite -[X in X - ln _ ]expK -ln_div ?pos ?posE //; congr ln; rewrite /sigmoid.
  have ne : 1 + expR (- z) != 0 by rewrite lt0r_neq0 // -posrE pos.
  by rewrite -{1}(divff ne) -mulrBl addrAC subrr add0r.
rewrite h1 h2 hz; move: (ln _) => l; reals R.
Qed.

(** ** One loss *)

(** What it depends on. *)
Lemma kind_meaning_eqt l s (z z' y y' : tensor R) : Loss.some_logits s -> eqt s z z' -> eqt s y y' ->
  kind_meaning l s z y = kind_meaning l s z' y'.
Proof.
case: l => ok hz hy; first exact: cross_entropy_eqt.
  by apply: average_eqt => i hi; rewrite hz ?hy.
by apply: average_eqt => i hi; rewrite hz ?hy.
Qed.

Lemma emitted_kind_sound l s z y k e : computes e (Loss.emit_kind l s z y k) ->
  e (N.pred (next_id k (Loss.emit_kind l s z y k))) [::] = kind_meaning l s (e z) (e y).
Proof.
case: l => /=.
- by move=> /computes_cons [h _]; rewrite (last_at (n := 0)) //= N.add_0_r h.
- move=> /computes_cons [h0] /computes_cons [h1] /mean_of_all_sound h.
  rewrite (last_at (n := 4)) //= (_ : k + 4 = k + 2 + 2)%num; last by lia.
  by rewrite h; apply: average_eqt => i _; rewrite h1 /= h0 /= expr2.
move=> /computes_cons [h0] /computes_cons [h1] /computes_cons [h2] /mean_of_all_sound h.
rewrite (last_at (n := 5)) //= (_ : k + 5 = k + 3 + 2)%num; last by lia.
by rewrite h; apply: average_eqt => i _; rewrite h2 /= h0 h1 /= softplus_sigmoid.
Qed.

Lemma emitted_kind_shape l s z y k sh :
  shrun (Loss.emit_kind l s z y k) sh (N.pred (next_id k (Loss.emit_kind l s z y k))) = [::].
Proof.
case: l; rewrite /shrun.
- by rewrite (last_at (n := 0)) //= N.add_0_r updE.
- by rewrite (last_at (n := 4)) //= (_ : k + 4 = k + 2 + 2)%num ?updE //; lia.
by rewrite (last_at (n := 5)) //= (_ : k + 5 = k + 3 + 2)%num ?updE //; lia.
Qed.

Lemma emitted_kind_smooth (V : normedModType R) (x0 : V) (E : V -> env R) l s z y k : Loss.some_logits s ->
  (forall v, computes (E v) (Loss.emit_kind l s z y k)) -> smooth_in x0 E (Loss.emit_kind l s z y k).
Proof.
case: l => /andP [ok _] hc; first by move=> d o /= [[_ <-]|].
  apply: smooth_in_cat; first by move=> d o /= [[_ <-]|[[_ <-]|]].
  by apply: mean_of_all_smooth => // v; have [] := computes_cat (hc v).
apply: smooth_in_cat; first by move=> d o /= [[_ <-]|[[_ <-]|[[_ <-]|]]].
by apply: mean_of_all_smooth => // v; have [] := computes_cat (hc v).
Qed.

(** ** A part *)

Lemma own_logits s p : Loss.some_logits s -> Loss.some_part p -> Loss.some_logits (Loss.own_shape s p).
Proof.
move=> /andP [ok pos] /andP [hf _]; rewrite /Loss.some_logits /Loss.own_shape size_rcons andbT all_rcons hf.
by move: ok; rewrite {1}(rconsP pos) all_rcons => /andP [].
Qed.

Lemma nth_last_apart (s : seq N) k : (0 < size s)%nat ->
  nth 0%num s k = if (k < size (lead s))%nat then nth 0%num (lead s) k
    else if k == size (lead s) then last 0%num s else 0%num.
Proof. by move=> pos; rewrite {1}(rconsP pos) nth_rcons. Qed.

Lemma part_further (a b : N) : Z.of_N (a + b) = (Z.of_N a + Z.of_N 1 * Z.of_N b)%Z.
Proof. lia. Qed.

(** Cell [i] of a part. *)
Lemma cut_at s p first x e : (0 < size s)%nat -> (first + Loss.features p <= last 0%num s)%num ->
  eqt (Loss.own_shape s p) (den (Loss.cut s p first x) e) (features_from first (e x)).
Proof.
move=> pos fits i hi; rewrite /Loss.cut den_slice_of //; set d := N.of_nat _.
have hd : (N.to_nat d < size s)%nat by rewrite Nnat.Nat2N.id prednK.
have ss : size s = size (part_steps (size s) d first) by rewrite size_part_steps.
have si : size i = size s.
  by move: hi; rewrite mem_idxs => /inb_size ->; rewrite size_rcons size_takel ?leq_pred // prednK.
have posi : (0 < size i)%nat by rewrite si.
have hl : size (lead i) = (size s).-1 by rewrite size_takel ?leq_pred // si.
have hb : inb (lead s) (lead i) && N.ltb (last 0%num i) (Loss.features p).
  by move: hi; rewrite mem_idxs /Loss.own_shape {1}(rconsP posi) inb_rcons.
have -> // : at_map (steps_map (part_steps (size s) d first)) s i
    = Some (rcons (lead i) (first + last 0%num i)%num).
apply/(steps_mapP _ _ ss); split.
  move: hb => /andP [hb /N.ltb_lt lt]; rewrite {1}(rconsP pos) inb_rcons hb /=; apply/N.ltb_lt; lia.
move=> k; rewrite size_part_steps => hk; rewrite part_step // Nnat.Nat2N.id.
rewrite nth_rcons hl (nth_last_apart k posi) hl.
case: ltngtP => [lt|gt|eq].
- exact: part_same.
- by move: hk; rewrite ltnNge -(prednK pos) gt.
exact: part_further.
Qed.

Definition part_meaning (p : Loss.part) (s : shape) (n : N) (z y : tensor R) : R :=
  rational R (Loss.weight_num p) (Loss.weight_den p)
    * kind_meaning (Loss.kind_of p) (Loss.own_shape s p) (features_from n z) (features_from n y).

Lemma part_last p s first z y k : next_id k (Loss.emit_part p s first z y k)
  = N.succ (next_id (k + 2) (Loss.emit_kind (Loss.kind_of p) (Loss.own_shape s p) k (k + 1) (k + 2)) + 1).
Proof. by rewrite /next_id /Loss.emit_part /= size_cat /= -plusE; lia. Qed.

Lemma emitted_part_sound p s first z y k e : Loss.some_logits s -> Loss.some_part p ->
  (first + Loss.features p <= last 0%num s)%num -> computes e (Loss.emit_part p s first z y k) ->
  e (N.pred (next_id k (Loss.emit_part p s first z y k))) [::] = part_meaning p s first (e z) (e y).
Proof.
move=> ok hp fits /computes_cons [h0] /computes_cons [h1] /computes_cat [hc] /computes_cons [h2]
  /computes_cons [h3 _].
rewrite part_last N.pred_succ h3 /= h2 (emitted_kind_sound hc) mulrC; congr (_ * _).
have pos : (0 < size s)%nat by case/andP: ok.
have cut x n : e n =1 den (Loss.cut s p first x) e -> eqt (Loss.own_shape s p) (e n) (features_from first (e x)).
  by move=> h i hi; rewrite h cut_at.
by apply: kind_meaning_eqt; [exact: own_logits | exact: cut | exact: cut].
Qed.

Lemma emitted_part_smooth (V : normedModType R) (x0 : V) (E : V -> env R) p s first z y k :
  Loss.some_logits s -> Loss.some_part p -> (forall v, computes (E v) (Loss.emit_part p s first z y k)) ->
  smooth_in x0 E (Loss.emit_part p s first z y k).
Proof.
move=> ok hp hc; apply: smooth_in_cat; first by move=> d o /= [[_ <-]|[[_ <-]|]].
apply: smooth_in_cat; last by move=> d o /= [[_ <-]|[[_ <-]|]].
apply: emitted_kind_smooth => [|v]; first exact: own_logits.
by have [_ /computes_cat []] := computes_cat (p := [:: _; _]) (hc v).
Qed.

(** ** Parts, added up *)
Definition own_total (ps : seq Loss.part) : N := foldr N.add 0%num [seq Loss.features p | p <- ps].

Lemma next_cons k k' (c c' : prog) i : k' = next_id k c ->
  next_id k (c ++ i :: c') = next_id (N.succ k') c'.
Proof. by move=> ->; rewrite /next_id size_cat /= -plusE; lia. Qed.

(** The value of the sum so far, where there are no more parts. *)
Definition last_sum (c : prog) (sum k : N) : N := if c is [::] then sum else N.pred (next_id k c).

Lemma last_sum_cons (c c' : prog) i sum k :
  last_sum (c ++ i :: c') sum k = last_sum c' (next_id k c) (N.succ (next_id k c)).
Proof.
rewrite /last_sum (next_cons _ _ erefl); case: c => [|j c] /=; case: c' => [|i' c'] //;
  by rewrite /next_id /= ?N.add_0_r ?N.pred_succ.
Qed.

Lemma add_partsE p ps s first z y sum k : Loss.add_parts (p :: ps) s first z y sum k
  = let own := Loss.emit_part p s first z y k in
    own ++ (next_id k own, Bin [::] Add sum (N.pred (next_id k own)))
      :: Loss.add_parts ps s (first + Loss.features p) z y (next_id k own) (N.succ (next_id k own)).
Proof. by []. Qed.

Lemma added_parts_sound ps s first z y sum k e : Loss.some_logits s -> all Loss.some_part ps ->
  (first + own_total ps <= last 0%num s)%num -> computes e (Loss.add_parts ps s first z y sum k) ->
  e (last_sum (Loss.add_parts ps s first z y sum k) sum k) [::]
  = e sum [::] + sum_of_parts ps s first (e z) (e y).
Proof.
move=> ok; elim: ps first sum k => [|p ps ih] first sum k; first by rewrite addr0.
move=> /andP [hp hps] fits /computes_cat [hc] /computes_cons [h hr].
rewrite add_partsE last_sum_cons ih //; last by move: fits; rewrite /own_total /=; lia.
rewrite h /= -addrA emitted_part_sound //; move: fits; rewrite /own_total /=; lia.
Qed.

Lemma added_parts_shape ps s first z y sum k sh : sh sum = [::] ->
  let c := Loss.add_parts ps s first z y sum k in shrun c sh (last_sum c sum k) = [::].
Proof.
elim: ps first sum k sh => [|p ps ih] first sum k sh hs //; rewrite add_partsE => c.
by rewrite /c last_sum_cons /shrun foldl_cat; apply: ih; rewrite updE.
Qed.

Lemma added_parts_smooth (V : normedModType R) (x0 : V) (E : V -> env R) ps s first z y sum k :
  Loss.some_logits s -> all Loss.some_part ps ->
  (forall v, computes (E v) (Loss.add_parts ps s first z y sum k)) ->
  smooth_in x0 E (Loss.add_parts ps s first z y sum k).
Proof.
move=> ok; elim: ps first sum k => [|p ps ih] first sum k; first by move=> _ _ d o [].
move=> /andP [hp hps] hc; apply: smooth_in_cat.
  by apply: emitted_part_smooth => // v; have [] := computes_cat (hc v).
move=> d o [[_ <-] //|]; apply: ih => // v.
by have [_ /computes_cons []] := computes_cat (hc v).
Qed.

(** ** All losses *)

Lemma emit_partsE p ps s z y k : Loss.emit (Loss.Parts (p :: ps)) s z y k
  = let own := Loss.emit_part p s 0 z y k in
    own ++ Loss.add_parts ps s (Loss.features p) z y (N.pred (next_id k own)) (next_id k own).
Proof. by []. Qed.

Lemma next_cat k (c c' : prog) : next_id k (c ++ c') = next_id (next_id k c) c'.
Proof. by rewrite /next_id size_cat -plusE; lia. Qed.

Lemma last_of_parts k (c c' : prog) : N.pred (next_id k (c ++ c'))
  = last_sum c' (N.pred (next_id k c)) (next_id k c).
Proof. by rewrite next_cat /last_sum; case: c' => [|? ?] //; rewrite /next_id /= N.add_0_r. Qed.

(** Parts take no more features than there are. *)
Lemma parts_fit p ps s : Loss.fits (Loss.Parts (p :: ps)) s ->
  [/\ Loss.some_logits s, Loss.some_part p, all Loss.some_part ps
    & (Loss.features p + own_total ps <= last 0%num s)%num].
Proof. by move=> /and4P [ok _ /andP [hp hps] /N.eqb_eq <-]; split=> //; exact: N.le_refl. Qed.

Lemma sum_of_parts_eqt ps s n (z z' y y' : tensor R) : Loss.some_logits s -> all Loss.some_part ps ->
  (n + own_total ps <= last 0%num s)%num -> eqt s z z' -> eqt s y y' ->
  sum_of_parts ps s n z y = sum_of_parts ps s n z' y'.
Proof.
move=> ok; elim: ps n => [|p ps ih] n //= /andP [hp hps] fits hz hy.
have pos : (0 < size s)%nat by case/andP: ok.
have own (x x' : tensor R) : eqt s x x' ->
    eqt (Loss.own_shape s p) (features_from n x) (features_from n x').
  move=> h i hi; apply: h; move: hi; rewrite !mem_idxs => hi.
  have posi : (0 < size i)%nat by rewrite (inb_size hi) size_rcons.
  move: hi; rewrite {1}(rconsP posi) {2}(rconsP pos) !inb_rcons => /andP [-> /N.ltb_lt lt] /=.
  by apply/N.ltb_lt; move: fits; rewrite /own_total /=; lia.
congr (_ * _ + _); first by apply: kind_meaning_eqt; [exact: own_logits | exact: own | exact: own].
by apply: ih => //; move: fits; rewrite /own_total /=; lia.
Qed.

(** What a loss depends on. *)
Lemma loss_meaning_eqt l s (z z' y : tensor R) : Loss.fits l s -> eqt s z z' ->
  loss_meaning l s z y = loss_meaning l s z' y.
Proof.
case: l => [l|[|p ps]] // fit h; first by apply: kind_meaning_eqt => //; case/andP: fit.
have [ok hp hps fits] := parts_fit fit.
by apply: sum_of_parts_eqt; rewrite //= ?hp.
Qed.

Lemma emitted_loss_sound l s z y k e : Loss.fits l s -> computes e (Loss.emit l s z y k) ->
  e (N.pred (next_id k (Loss.emit l s z y k))) [::] = loss_meaning l s (e z) (e y).
Proof.
case: l => [l|[|p ps]]; [by move=> _; exact: emitted_kind_sound | by rewrite /Loss.fits /= andbF |].
move=> /parts_fit [ok hp hps fits] /computes_cat [hc hr].
rewrite emit_partsE last_of_parts added_parts_sound // emitted_part_sound //=; lia.
Qed.

(** The last instruction gives the loss, a scalar. *)
Lemma emitted_loss_shape l s z y k sh : Loss.fits l s ->
  shrun (Loss.emit l s z y k) sh (N.pred (next_id k (Loss.emit l s z y k))) = [::].
Proof.
case: l => [l|[|p ps]]; [by move=> _; exact: emitted_kind_shape | by rewrite /Loss.fits /= andbF |].
move=> _; rewrite emit_partsE last_of_parts /shrun foldl_cat; apply: added_parts_shape.
by rewrite part_last N.pred_succ /Loss.emit_part foldl_cat /= foldl_cat /= updE.
Qed.

Lemma emitted_loss_smooth (V : normedModType R) (x0 : V) (E : V -> env R) l s z y k : Loss.fits l s ->
  (forall v, computes (E v) (Loss.emit l s z y k)) -> smooth_in x0 E (Loss.emit l s z y k).
Proof.
case: l => [l|[|p ps]] fit; [|by move=> _ d o [] |].
  by apply: emitted_kind_smooth; case/andP: fit.
have [ok hp hps _] := parts_fit fit; move=> hc; apply: smooth_in_cat.
  by apply: emitted_part_smooth => // v; have [] := computes_cat (hc v).
by apply: added_parts_smooth => // v; have [] := computes_cat (hc v).
Qed.
End Sound.
