(** * The analysis of signs is right

    Whatever the inputs are, the elements of every value have the signs that
    [Signs.v] computes; hence, of all the conditions under which a program is
    differentiable, those at the instructions in [sites p given] imply the rest
    ([off_sitesP]). Where the list is empty there is no condition
    ([smooth_by_signs], [gradient_everywhere]).

    Glossary
      - [sign_at x]       the sign of [x]; [has_signE] when it is in a set *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals topology normedtype derive sequences exp trigo.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import DenoteFacts Moments SmoothFacts Differential Grad Vjp GradAdjoint GradCorrect RowVector Kinks.
From Cotangent Require Export Sites.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section HasSign.
Variable R : realType.
Implicit Types (x y : R) (s t p : sign) (c : cls).

(** ** Sets of signs *)
Definition sign_at x : cls := if x < 0 then Negative else if x == 0 then Zero else Positive.

Inductive cls_spec x : cls -> Prop :=
| SpecNegative of x < 0 : cls_spec x Negative
| SpecZero of x = 0 : cls_spec x Zero
| SpecPositive of 0 < x : cls_spec x Positive.

Lemma sign_atP x : cls_spec x (sign_at x).
Proof. by rewrite /sign_at; case: (ltgtP x 0) => h; constructor. Qed.

Lemma has_signE s x : has_sign s x = can s (sign_at x).
Proof.
rewrite /has_sign; case: sign_atP => h /=.
- by rewrite h lt_eqF // lt_gtF // !andbF !orbF andbT.
- by rewrite h eqxx ltxx !andbF andbT orbF.
by rewrite h gt_eqF // lt_gtF // !andbF andbT.
Qed.

Lemma has_pos x : has_sign (only Positive) x = (0 < x).
Proof. by rewrite /has_sign. Qed.
Lemma has_anything x : has_sign anything x.
Proof. by rewrite has_signE; case: sign_at. Qed.
Lemma has_self x : has_sign (only (sign_at x)) x.
Proof. by rewrite has_signE; case: sign_at. Qed.
Lemma sign_at_unique c x : cls_spec x c -> sign_at x = c.
Proof.
by rewrite /sign_at; case=> h; rewrite ?h ?ltxx ?eqxx // lt_gtF // gt_eqF.
Qed.

Lemma has_either s t x : has_sign (either s t) x = has_sign s x || has_sign t x.
Proof. by rewrite !has_signE; case: sign_at. Qed.

Lemma image1P f s x y : has_sign s x -> has_sign (f (sign_at x)) y -> has_sign (image1 f s) y.
Proof.
by rewrite has_signE /image1 !has_either; case: (sign_at x) => /= -> h; rewrite /when h ?orbT.
Qed.

Lemma image2P f s t x x' y : has_sign s x -> has_sign t x' ->
  has_sign (f (sign_at x) (sign_at x')) y -> has_sign (image2 f s t) y.
Proof. by move=> hx hx' h; apply: (image1P hx); apply: image1P hx' h. Qed.

Lemma disjointP s t x y : disjoint s t -> has_sign s x -> has_sign t y -> x != y.
Proof.
move=> d hx hy; apply: contraTneq hy => <-; rewrite has_signE in hx; rewrite has_signE.
by move: d hx; rewrite /disjoint; case: sign_at => /= /and3P [h1 h2 h3] hx; move: hx h1 h2 h3 => ->.
Qed.

(** ** Signs of results *)
Lemma sign_at_pos q : sign_at (pos_real R q) = Positive.
Proof. by apply: sign_at_unique; constructor; exact: pos_real_gt0. Qed.

Lemma sign_atN x : sign_at (- x) = opposite (sign_at x).
Proof.
apply: sign_at_unique; case: sign_atP => h; constructor; first by rewrite oppr_gt0.
  by rewrite h oppr0.
by rewrite oppr_lt0.
Qed.

Lemma sign_atM x y : sign_at (x * y) = times (sign_at x) (sign_at y).
Proof.
apply: sign_at_unique; case: (sign_atP x) => hx; case: (sign_atP y) => hy /=; constructor;
  rewrite ?hx ?hy ?mul0r ?mulr0 //.
- by rewrite nmulr_rgt0.
- by rewrite nmulr_rlt0.
- by rewrite pmulr_rlt0.
by rewrite pmulr_rgt0.
Qed.

Lemma sign_atV x : sign_at x^-1 = sign_at x.
Proof.
apply: sign_at_unique; case: (sign_atP x) => h; constructor; rewrite ?invr_lt0 ?invr_gt0 //.
by rewrite h invr0.
Qed.

Lemma sign_at_max x y : sign_at (Num.max x y) = greater (sign_at x) (sign_at y).
Proof.
apply: sign_at_unique; case: (sign_atP x) => hx; case: (sign_atP y) => hy /=; constructor;
  rewrite ?lt_maxl ?lt_maxr ?hx ?hy ?orbT //.
- by rewrite max_r // ltW.
- by rewrite max_l // ltW.
by rewrite maxxx.
Qed.

Lemma sign_at_min x y : sign_at (Num.min x y) = lesser (sign_at x) (sign_at y).
Proof. by rewrite -[Num.min x y]opprK oppr_min sign_atN sign_at_max !sign_atN. Qed.

Lemma sign_at_rational n d : sign_at (rational R n d) = cls_of n.
Proof.
rewrite /rational sign_atM sign_atV sign_at_pos; case: n => [|p|p] /=.
- by rewrite (sign_at_unique (SpecZero erefl)).
- by rewrite sign_at_pos.
by rewrite sign_atN sign_at_pos.
Qed.

Lemma has_plus x y : has_sign (plus (sign_at x) (sign_at y)) (x + y).
Proof.
case: (sign_atP x) => hx; case: (sign_atP y) => hy /=; rewrite ?has_anything // /has_sign /=;
  rewrite ?hx ?hy ?addr0 ?add0r ?eqxx ?orbT ?hx ?hy //=.
- by rewrite -oppr_gt0 opprD addr_gt0 ?oppr_gt0.
by rewrite (addr_gt0 hx hy).
Qed.

Lemma exp_lt1 x : x < 0 -> expR x < 1.
Proof. by move=> h; rewrite -(@expR0 R) ltr_expR. Qed.

Lemma erf_grad_gt0 x : 0 < erf_grad x :> R.
Proof.
by rewrite /erf_grad mulr_gt0 ?expR_gt0 // divr_gt0 ?ltr0n // sqrtr_gt0 pi_gt0.
Qed.

Lemma una_has u x : has_sign (una_cls u (sign_at x)) (una_real u x).
Proof.
case: u => [|||||||||||| n d|n d m e] /=; rewrite ?has_pos ?has_anything //.
- by rewrite -sign_atN has_self.
- exact: expR_gt0.
- suff <- : sign_at (Num.sqrt x) = greater (sign_at x) Zero by exact: has_self.
  apply: sign_at_unique; case: (sign_atP x) => h; constructor.
  + by rewrite ler0_sqrtr // ltW.
  + by rewrite h sqrtr0.
  + by rewrite sqrtr_gt0.
- suff <- : sign_at (Num.sqrt x)^-1 = greater (sign_at x) Zero by exact: has_self.
  apply: sign_at_unique; case: (sign_atP x) => h; constructor.
  + by rewrite ler0_sqrtr ?invr0 // ltW.
  + by rewrite h sqrtr0 invr0.
  + by rewrite invr_gt0 sqrtr_gt0.
- suff <- : sign_at ((expR x - expR (- x)) / (expR x + expR (- x))) = sign_at x by exact: has_self.
  have p : sign_at (expR x + expR (- x)) = Positive.
    by apply: sign_at_unique; constructor; rewrite addr_gt0 ?expR_gt0.
  rewrite sign_atM sign_atV p; suff -> : sign_at (expR x - expR (- x)) = sign_at x by case: sign_at.
  apply: sign_at_unique; case: (sign_atP x) => h; constructor.
  + by rewrite subr_lt0 ltr_expR (lt_trans h) // oppr_gt0.
  + by rewrite h oppr0 subrr.
  + by rewrite subr_gt0 ltr_expR (lt_trans _ h) // oppr_lt0.
- by rewrite invr_gt0 addr_gt0 ?ltr01 ?expR_gt0.
- by rewrite ln_gt0 ?ltr_addl ?expR_gt0.
- exact: erf_grad_gt0.
- suff -> : greater (sign_at x) Zero = sign_at (Num.max x 0) by exact: has_self.
  by rewrite sign_at_max (@sign_at_unique Zero 0) //; constructor.
- suff -> : times (sign_at x) (sign_at x) = sign_at `|x| by exact: has_self.
  symmetry; apply: sign_at_unique; case: (sign_atP x) => h; constructor.
  + by rewrite normr_gt0 lt_eqF.
  + by rewrite h normr0.
  + by rewrite normr_gt0 gt_eqF.
- case: (sign_atP x) => h.
  + rewrite lt_gtF //.
    suff <- : sign_at (rational R n d * (expR x - 1)) = opposite (cls_of n) by exact: has_self.
    rewrite sign_atM sign_at_rational.
    have -> : sign_at (expR x - 1) = Negative by apply: sign_at_unique; constructor; rewrite subr_lt0 exp_lt1.
    by case: cls_of.
  + by rewrite h ltxx expR0 subrr mulr0 /has_sign /= eqxx.
  + by rewrite h has_pos.
suff -> : lesser (greater (sign_at x) (cls_of n)) (cls_of m)
  = sign_at (Num.min (Num.max x (rational R n d)) (rational R m e)) by exact: has_self.
by rewrite sign_at_min sign_at_max !sign_at_rational.
Qed.

Lemma bin_has b x y : has_sign (bin_cls b (sign_at x) (sign_at y)) (bin_real b x y).
Proof.
case: b => /=; first exact: has_plus.
- by rewrite -sign_atN; exact: has_plus.
- by rewrite -sign_atM has_self.
- by rewrite -[sign_at y]sign_atV -sign_atM has_self.
by rewrite -sign_at_max has_self.
Qed.

(** ** Sums *)
Lemma has_total_add p x y : has_sign p x -> has_sign (sum_sign p false) y -> has_sign (sum_sign p true) (x + y).
Proof.
move=> hx hy; have := image2P hx hy (has_plus x y); rewrite !has_signE.
by case: (sign_at (x + y)) => {hx hy}; case: p => [[] [] []].
Qed.

Lemma has_total_weak p each x : has_sign (sum_sign p each) x -> has_sign (sum_sign p false) x.
Proof. by rewrite !has_signE; case: sign_at => //=; rewrite orbT. Qed.

Lemma has_sum (T : eqType) p (l : seq T) (q : pred T) (F : T -> R) :
  (forall r, r \in l -> q r -> has_sign p (F r)) -> has_sign (sum_sign p (has q l)) (\sum_(r <- l | q r) F r).
Proof.
elim: l => [|r l ih] h; first by rewrite big_nil has_signE (sign_at_unique (SpecZero erefl)) /= orbT.
have {ih}hl : has_sign (sum_sign p (has q l)) (\sum_(r <- l | q r) F r).
  by apply: ih => a ha; apply: h; rewrite inE ha orbT.
rewrite big_cons /=; case: ifP => hq //=.
by apply: has_total_add; [apply: h; rewrite ?mem_head | exact: has_total_weak hl].
Qed.
End HasSign.

(** ** Contractions *)
Lemma range_step c u w lo hi z : (0 <= u -> u <= w -> lo <= z /\ z <= hi ->
  Z.min 0 (c * w) + lo <= c * u + z /\ c * u + z <= Z.max 0 (c * w) + hi)%Z.
Proof.
move=> h0 hw [hl hu]; case: (Z.le_ge_cases 0 c) => hc; split; nia.
Qed.

Lemma range_sound box a r : inb box r ->
  ((range box a).1 <= aff_at a r)%Z /\ (aff_at a r <= (range box a).2)%Z.
Proof.
move=> hr; rewrite /range /aff_at; elim: (aff_terms a) => [|[k c] l ih] /=; first by split; apply: Z.le_refl.
have hk : (Z.of_N (nth 0%num r (N.to_nat k)) <= Z.of_N (N.pred (nth 0%num box (N.to_nat k))))%Z.
  case: (leqP (size box) (N.to_nat k)) => hs.
    by rewrite nth_default ?(inb_size hr) //; lia.
  by have /N.ltb_lt := inb_nth hr hs; lia.
by apply: range_step => //; exact: N2Z.is_nonneg.
Qed.

Lemma fits_box_sound box m s r : fits_box box m s -> inb box r -> at_map m s r.
Proof.
move=> h hr; elim: m s h => [|a m ih] [|d s] //= /and3P [/Z.leb_le h0 /Z.ltb_lt h1 /ih {}ih].
have [hl hu] := range_sound a hr.
have -> : Z.leb 0 (aff_at a r) by apply/Z.leb_le; exact: Z.le_trans h0 hl.
have -> : Z.ltb (aff_at a r) (Z.of_N d) by apply/Z.ltb_lt; exact: Z.le_lt_trans hu h1.
by case: at_map ih.
Qed.

Lemma picks_proj f ks : picks f = Some ks -> f = proj ks.
Proof.
elim: f ks => [|a f ih] ks /=; first by case=> <-.
case E: (picked a) => [k|] //; case F: (picks f) => [l|] //= [<-] /=; rewrite (ih _ F); congr (_ :: _).
by move: E; case: a => [[|?|?] [|[j [|[?|?|]|?]] [|? ?]]] //= [<-].
Qed.

Lemma inb_cat2 s t i j : inb s i -> inb t j -> inb (s ++ t) (i ++ j).
Proof. by elim: s i => [|d s ih] [|k i] //= /andP [-> /ih h] /h. Qed.

Lemma inb_zeros s : all (N.ltb 0) s -> inb s (nseq (size s) 0%num).
Proof. by elim: s => //= d s ih /andP [-> /ih]. Qed.

Lemma covers_sound box out f i : covers box out f -> i \in idxs out ->
  has (fun r => at_map f out r == Some i) (idxs box).
Proof.
rewrite /covers; case E: picks => [ks|] // /andP [ok /eqP ->] hi; rewrite (picks_proj E).
have ho := kept_order ok; have /and3P [_ hks hpos] := ok.
have : nseq (size (kept box ks)) 0%num ++ i \in idxs (pick box (kept box ks ++ ks)).
  rewrite pick_cat mem_idxs; apply: inb_cat2; last by rewrite -mem_idxs.
  rewrite -(size_map (fun d => nth 0%num box (N.to_nat d))) -/(pick _ _); apply: inb_zeros.
  apply/allP => d /mapP [k hk ->]; apply: (allP hpos); apply: mem_nth.
  by have /allP := kept_lt box ks; apply.
rewrite (perm_mem (idxs_pick ho)) => /mapP [r hr e]; apply/hasP; exists r => //.
rewrite mem_idxs in hr; rewrite (@at_map_proj box ks r) //.
  apply/eqP; congr Some; move: e; rewrite pick_cat => /esym/eqP; rewrite eqseq_cat ?size_map ?size_nseq //.
  by move=> /andP [_ /eqP].
by apply/allP => k /(allP hks) /N.ltb_lt h; apply/ssrnat.ltP; lia.
Qed.

Lemma succ_pos_inj j k : N.succ_pos j = N.succ_pos k -> j = k.
Proof. by move=> h; have := N.succ_pos_spec j; rewrite h N.succ_pos_spec => /N.succ_inj. Qed.

(** ** One op *)
Section Op.
Variable R : realType.
Implicit Types (e : env R) (m : facts).

(** What is known of a value, with its shape, is true in [e]. *)
Definition knows m e (a : N * shape) : Prop :=
  forall i, i \in idxs a.2 -> has_sign (known m a.1) (e a.1 i).

Lemma has_product m box e vs r : inb box r ->
  (forall a, a \in [seq (v_id v, v_shape v) | v <- vs] -> knows m e a) ->
  has_sign (product_sign m box vs) (\prod_(v <- vs) read e v r).
Proof.
move=> hr; elim: vs => [|v vs ih] h; first by rewrite big_nil has_pos ltr01.
rewrite big_cons [product_sign _ _ _]/=; apply: (@image2P _ _ _ _ (read e v r) (\prod_(w <- vs) read e w r)).
- rewrite /view_sign has_either /read; case E: at_map => [i|].
    by rewrite (h (v_id v, v_shape v)) ?mem_head //; exact: at_map_in E.
  case hi: (inside box v); first by have := fits_box_sound hi hr; rewrite E.
  by rewrite [has_sign (when _ _) _]/has_sign /= eqxx orbT.
- by apply: ih => a ha; apply: h; rewrite inE ha orbT.
by rewrite -sign_atM has_self.
Qed.

Lemma has_total_imp p (each each' : bool) (x : R) : (each -> each') ->
  has_sign (sum_sign p each') x -> has_sign (sum_sign p each) x.
Proof. by case: each => [/(_ isT) ->|_ /has_total_weak]. Qed.

Theorem sign_of_sound m o e : op_ok o -> (forall a, a \in oargs o -> knows m e a) ->
  knows (learn m 0 (sign_of m o)) (fun _ => den o e) (0%num, oshape o).
Proof.
have m0 (T : eqType) (x : T) l : x \in x :: l by exact: mem_head.
have m1 (T : eqType) (x y : T) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
have m2 (T : eqType) (x y z : T) l : z \in [:: x, y, z & l] by rewrite !inE eqxx !orbT.
have m3 (T : eqType) (x y z w : T) l : w \in [:: x, y, z, w & l] by rewrite !inE eqxx !orbT.
move=> ok h i; rewrite [_.2]/= [_.1]/= => hi; rewrite /known PositiveMap.gss [odflt _ _]/=.
case: o ok h hi => [s n d|s u a|s b x y|s c a b x y|box s f vs|s t a|s a|s z t|s out k w a|s out k w a ct
  |s ds a|s ds n d a] ok h hi; rewrite [sign_of _ _]/= ?has_anything //.
- by rewrite -(sign_at_rational R n d) has_self.
- by apply: image1P (una_has u _); exact: (h _ (m0 _ _ _)).
- have hx := h _ (m0 _ _ _) i hi; have hy := h _ (m1 _ _ _ _) i hi.
  rewrite /bin_sign; case: b {ok h hi} => /=; try exact: (image2P hx hy (bin_has _ _ _)).
  case: N.eqb_spec => [e1|_]; last exact: (image2P hx hy (bin_has Mul _ _)).
  by apply: (image1P hx); rewrite -e1 -sign_atM has_self.
- rewrite has_either /=; case: cmp_real; first by rewrite (h _ (m2 _ _ _ _ _) i hi).
  by rewrite (h _ (m3 _ _ _ _ _ _) i hi) orbT.
- apply: (@has_total_imp _ _ (has (fun r => at_map f s r == Some i) (idxs box))).
    by move=> hc; exact: covers_sound hc hi.
  by apply: has_sum => r hr _; apply: has_product => //; rewrite -mem_idxs.
- by apply: (h _ (m0 _ _ _)); apply: same_place_in => //; exact/N.eqb_eq.
- by rewrite has_pos divr_gt0 ?expR_gt0 // row_sum_exp_gt0.
- rewrite has_either /=; case E: chosen => [j|]; last by rewrite [has_sign (only Zero) _]/has_sign /= eqxx orbT.
  by rewrite (h _ (m0 _ _ _)) //; exact: cells_in (chosen_in E).
- apply: (@has_total_imp _ _ (has (fun r => chosen s k w (e a) r == Some i) (idxs out))) => //.
  by apply: has_sum => r hr _; exact: (h _ (m1 _ _ _ _)).
by have := variance_ge0 (e a) i ok; rewrite /has_sign /= le_eqVlt eq_sym.
Qed.
End Op.

(** ** Conditions that hold *)
Section Sites.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types (E : V -> env R) (m : facts) (given : seq (N * sign)).

Lemma has_nonzero s (x : R) : ~~ can_zero s -> has_sign s x -> x != 0.
Proof. by move=> hz; apply: contraTneq => ->; rewrite has_signE (sign_at_unique (SpecZero erefl)). Qed.

Lemma has_other s n d (x : R) : ~~ can s (cls_of n) -> has_sign s x -> x != rational R n d.
Proof. by move=> hz; apply: contraTneq => ->; rewrite has_signE sign_at_rational. Qed.

Lemma una_settled_sound u s (x : R) : una_settled u s -> has_sign s x -> una_smooth u x.
Proof.
have pos : ~~ can_neg s && ~~ can_zero s -> has_sign s x -> 0 < x.
  by rewrite has_signE => /andP [/negPf hn /negPf hz]; case: sign_atP => //= _; rewrite ?hn ?hz.
case: u => //= [||n d|n d k e] h hx.
- exact: has_nonzero h hx.
- exact: has_nonzero h hx.
- by left; exact: has_nonzero h hx.
by have /andP [h1 h2] := h; split; exact: has_other hx.
Qed.

Lemma one_cell s k w X i : N.leb (size_of k) 1 -> stays_greatest x0 s k w X i.
Proof.
move=> /N.leb_le hk c j /chosen_in; rewrite /cells.
have : (size (idxs k) <= 1)%nat by rewrite size_idxs; apply/ssrnat.leP; lia.
case: (idxs k) => [|o [|? ?]] //= _; case: at_map => [q|] //=; rewrite !inE => /eqP -> /eqP ->.
by apply: filterE => x.
Qed.

Theorem settled_sound m o E : settled m o -> (forall a, a \in oargs o -> knows m (E x0) a) ->
  smooth_op x0 o E.
Proof.
have m0 (T : eqType) (x : T) l : x \in x :: l by exact: mem_head.
have m1 (T : eqType) (x y : T) l : y \in [:: x, y & l] by rewrite !inE eqxx orbT.
case/orP => [/negbTE hk _|]; first exact: smooth_no_kink.
case: o => //= [s u a|s b x y|s c a b x y|s out k w a|s out k w a ct] h hs.
- by move=> i hi; apply: una_settled_sound h _; exact: (hs _ (m0 _ _ _)).
- case: b h => // h i hi; have hx := hs _ (m0 _ _ _) i hi; have hy := hs _ (m1 _ _ _ _) i hi.
    exact: has_nonzero h hy.
  exact: disjointP h hx hy.
- by move=> i hi; exact: disjointP h (hs _ (m0 _ _ _) i hi) (hs _ (m1 _ _ _ _) i hi).
- by move=> i _; exact: one_cell.
by move=> i _; exact: one_cell.
Qed.

(** ** Programs *)
Lemma sites_from_sound p k sh m E : wf p k sh ->
  (forall j, (j < k)%num -> knows m (E x0) (j, sh j)) ->
  all_smooth x0 (sites_from p m) (fun x => run p (E x)) <-> smooth_run x0 p E.
Proof.
elim: p k sh m E => [|[d o] p ih] k sh m E //= w0 hm; have [hd ok ha w] := wf_cons w0; subst d.
have same a : a \in oargs o -> forall x, run p (step (E x) (k, o)) a.1 = E x a.1.
  move=> /ha [hk _] x; rewrite (run_stable _ w); last exact: N.lt_lt_succ_r.
  by rewrite /step updN //; exact: N.lt_neq.
have hargs a : a \in oargs o -> knows m (E x0) a.
  by case: a => a t hao; have [/= hk <-] := ha _ hao; exact: hm hk.
have {}ih := ih _ _ (learn m k (sign_of m o)) (fun x => step (E x) (k, o)) w.
have {}ih := ih _.
have hnext j : (j < N.succ k)%num ->
    knows (learn m k (sign_of m o)) (step (E x0) (k, o)) (j, upd sh k (oshape o) j).
  move=> hj i; rewrite [_.2]/= [_.1]/= /step [_.1]/= [_.2]/=; have [->|ne] := N.eq_dec j k.
    rewrite !updE => hi; have := sign_of_sound ok hargs hi.
    by rewrite /known !PositiveMap.gss.
  rewrite !updN // => hi; rewrite /known PositiveMap.gso; last by move=> /succ_pos_inj.
  by apply: (hm j) => //; lia.
case hs: (settled m o) => /=.
  split=> [h|[_ h]]; last exact/(ih hnext).
  by split; [exact: settled_sound hs hargs | exact/(ih hnext)].
split=> -[h1 h2]; split; try exact/(ih hnext).
  by apply: smooth_op_ext h1 => a /same.
by apply: smooth_op_ext h1 => a /same h x; rewrite h.
Qed.

Local Notation off_sites := (off_sites x0).

Lemma agrees_knows sh given (e : env R) j : agrees sh given e -> knows (facts_of given) e (j, sh j).
Proof.
move=> h i; rewrite [_.2]/= [_.1]/= => hi; elim: given h => [|[l s] given ih] h /=.
  by rewrite /known PositiveMap.gempty has_anything.
rewrite /known /learn /=; have [e1|ne] := N.eq_dec j l.
  by subst l; rewrite PositiveMap.gss; apply: (h j s) => //; left.
rewrite PositiveMap.gso; last by move=> /succ_pos_inj.
by apply: ih => j' s' hin; apply: h; right.
Qed.

Theorem off_sitesP p k sh given E : wf p k sh -> agrees sh given (E x0) ->
  off_sites p given (fun x => run p (E x)) <-> smooth_run x0 p E.
Proof. by move=> w h; apply: sites_from_sound w _ => j _; exact: agrees_knows. Qed.

Corollary smooth_by_signs p k sh given E : wf p k sh -> agrees sh given (E x0) ->
  sites p given = [::] -> smooth_run x0 p E.
Proof. by move=> w h es; apply/(off_sitesP w h); rewrite /off_sites es. Qed.
End Sites.

(** Sites are kinks. *)
Lemma sites_kinks p given i : List.In i (sites p given) -> List.In i (kinks p).
Proof.
rewrite /sites; elim: p (facts_of given) => //= -[d o] p ih m.
have -> : settled m o = ~~ has_kink o || settled m o by rewrite /settled; case: has_kink.
case: (has_kink o) => /=; last by move/ih.
by case: settled => [/ih h|/= [->|/ih h]]; [right|left|right].
Qed.

(** ** The gradient, with the conditions at the sites only *)
Section Gradient.
Variables (R : realType) (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape)) (base out : N).
Variables (bwd : prog) (gs : seq N) (given : seq (N * sign)).
Hypothesis ck : checks p nin sh params base out = true.
Hypothesis pos : N.ltb 0 (total params) = true.
Hypothesis scalar : shrun p sh out = [::].
Hypothesis emitted : loss_grad p base out params = (bwd, gs).
Variables (x : env R) (θ : 'rV[R]_(dim params).+1).
Hypothesis as_given : agrees sh given (inputs x θ).

Theorem gradient_by_sites : off_sites θ p given (fun θ => run p (inputs x θ)) ->
  differentiable (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ /\
  forall v, 'd (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ v = dot (computed p bwd gs x θ) v.
Proof.
have [w _ _ _ _] := and5P ck.
by move=> /(off_sitesP w as_given) sm; exact: (loss_gradient ck pos scalar emitted sm).
Qed.

Corollary gradient_by_signs : sites p given = [::] ->
  differentiable (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ /\
  forall v, 'd (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ v = dot (computed p bwd gs x θ) v.
Proof. by move=> es; apply: gradient_by_sites; rewrite /off_sites es. Qed.
End Gradient.

(** Nothing is known of the inputs, and nothing is asked: at all inputs and all
    parameters. *)
Theorem gradient_everywhere (R : realType) p nin sh params base out bwd gs :
  checks p nin sh params base out = true -> N.ltb 0 (total params) = true ->
  shrun p sh out = [::] -> loss_grad p base out params = (bwd, gs) -> sites p [::] = [::] ->
  forall (x : env R) (θ : 'rV[R]_(dim params).+1),
  differentiable (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ /\
  forall v, 'd (loss p out x : 'rV[R]_(dim params).+1 -> R^o) θ v = dot (computed p bwd gs x θ) v.
Proof. by move=> ck pos s0 eg es x θ; exact: (gradient_by_signs ck pos s0 eg (given := [::])). Qed.
