(** * Squeeze-and-excitation as elaborated, and its gradients

    The means of a batch of images over their places, two 1 × 1 convolutions with
    biases, an activation behind each, and the images times the gate that comes
    out, as [FamiliesEfficientnet.squeeze_excite] has them: what reverse mode emits
    for these layers as a specification elaborates them, at all sizes, for any two
    activations, off their kinks if they have any. [x] is the input, [s] its means, [z], [a] what comes
    into and out of the first activation, [u], [g] of the second:

      [y = x g],  [du = gate' u Σ x dy],  [dW2 = aᵀ du],  [dz = act' z (du W2ᵀ)],
      [dW1 = sᵀ dz],  [dx = dy g + dz W1ᵀ / places].

    Glossary
      - [place_mean]       the mean of each channel of an image
      - [cell_linear], [cell_dense]  [x · w], [x · w + b] of each row, [w] a kernel of
                           one cell
      - [gated_by g x]     images, each channel times its number in [g]
      - [gate_back]        the cotangent of [g]: the sums over places of [x dy]
      - [mean_back]        of the images, from that of their means
      - [row_back], [cell_back], [sum_back]  of rows, kernel and bias, from that
                           of [cell_dense]
      - [Excite.block], [Excite.back]  the formula of the layers; its gradients, of
                           the images, the first kernel and bias, the second
      - [excite_params]    images, kernels and biases, numbered
      - [off_excite]       what comes into the activations is off their kinks
      - [excite_chain]     the layers as a specification has them
      - [excite_gradients], [squeeze_excite_gradients]  the theorem; for SiLU and
                           the logistic function, as in EfficientNet *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import DenoteFacts GradAdjoint Scalar Transpose Differential GradCorrect Computes Images ImagesSound TokensSound.
From Cotangent Require Import Spec Meaning MeaningJoinSound MeaningSound.
From Cotangent Require Import Families FamiliesLayers FamiliesChains FamiliesPartsFit FamiliesEfficientnet.
From Cotangent Require Import LayersGraphCells LayersGraphConv2d LayersGraphPointwise.
From Cotangent Require Import LayersGraphRules LayersGraphAttention LayersGraphMultiHead.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Formulas.
Variable R : realType.
Implicit Types (x g w b dy : tensor R).

Definition place_mean (h w : N) x : tensor R := fun i =>
  (\sum_(p <- Nrange h) \sum_(q <- Nrange w) x [:: nth 0%num i 0; p; q; nth 0%num i 1]) / int_real R (Z.of_N (h * w)).
Definition mean_back (h w : N) dy : tensor R := fun i =>
  dy [:: nth 0%num i 0; nth 0%num i 3] / int_real R (Z.of_N (h * w)).

(** [k] numbers go in, [m] come out, of [n] rows. *)
Definition cell_linear (k : N) w x : tensor R := fun i =>
  \sum_(a <- Nrange k) x [:: nth 0%num i 0; a] * w [:: 0%num; 0%num; a; nth 0%num i 1].
Definition cell_dense (k : N) w b x : tensor R := fun i => cell_linear k w x i + b [:: nth 0%num i 1].
Definition row_back (m : N) w dy : tensor R := fun i =>
  \sum_(o <- Nrange m) dy [:: nth 0%num i 0; o] * w [:: 0%num; 0%num; nth 0%num i 1; o].
Definition cell_back (n : N) x dy : tensor R := fun i =>
  \sum_(b <- Nrange n) x [:: b; nth 0%num i 2] * dy [:: b; nth 0%num i 3].
Definition sum_back (n : N) dy : tensor R := fun i => \sum_(b <- Nrange n) dy [:: b; nth 0%num i 0].

Definition gated_by g x : tensor R := fun i => x i * g [:: nth 0%num i 0; nth 0%num i 3].
Definition gate_back (h w : N) x dy : tensor R := fun i =>
  \sum_(p <- Nrange h) \sum_(q <- Nrange w)
    dy [:: nth 0%num i 0; p; q; nth 0%num i 1] * x [:: nth 0%num i 0; p; q; nth 0%num i 1].
End Formulas.

Module Excite.
Section Excite.
Variables (R : realType) (n h w c r : N) (act gate : Layer.pointwise).
Variables (x w1 b1 w2 b2 : tensor R).

Definition means : tensor R := place_mean h w x.
Definition squeezed : tensor R := cell_dense c w1 b1 means.
Definition active : tensor R := fun i => pointwise_meaning act (squeezed i).
Definition excited : tensor R := cell_dense r w2 b2 active.
Definition gates : tensor R := fun i => pointwise_meaning gate (excited i).
Definition block : tensor R := gated_by gates x.

Definition back (dy : tensor R) : seq (tensor R) :=
  let du : tensor R := fun i => pointwise_slope gate (excited i) * gate_back h w x dy i in
  let dz : tensor R := fun i => pointwise_slope act (squeezed i) * row_back c w2 du i in
  [:: tplus (gated_by gates dy) (mean_back h w (row_back r w1 dz));
      cell_back n means dz; sum_back n dz; cell_back n active du; sum_back n du].
End Excite.
End Excite.

Section Sums.
Variable R : realType.

Lemma sum_four a b c d (F : idx -> R) : \sum_(i <- idxs [:: a; b; c; d]) F i
  = \sum_(i <- Nrange a) \sum_(j <- Nrange b) \sum_(k <- Nrange c) \sum_(l <- Nrange d) F [:: i; j; k; l].
Proof. by rewrite sum_cons; apply: eq_bigr => i _; exact: (sum_three b c d (fun r => F (i :: r))). Qed.

Lemma places_inside h w c (F : N -> N -> N -> R) :
  \sum_(p <- Nrange h) \sum_(q <- Nrange w) \sum_(o <- Nrange c) F p q o
  = \sum_(o <- Nrange c) \sum_(p <- Nrange h) \sum_(q <- Nrange w) F p q o.
Proof. by rewrite [RHS]exchange_big; apply: eq_bigr => p _; rewrite [RHS]exchange_big. Qed.

Lemma mean_places n h w c (x : tensor R) b o : (b < n)%num -> (o < c)%num ->
  mean [:: n; h; w; c] [:: 1; 2]%num x [:: b; o] = place_mean h w x [:: b; o].
Proof.
move=> hb ho; rewrite /mean /place_mean /number; congr (_ / int_real R (Z.of_N _)); last first.
  by rewrite /size_of /pick /=; lia.
rewrite big_mkcond sum_four (@sum_range R n b) // => [|b' /negPf nb]; last first.
  apply: big1 => p _; apply: big1 => q _; apply: big1 => o' _; rewrite /pick /=.
  by case: eqP => // -[e _]; rewrite e eqxx in nb.
apply: eq_bigr => p _; apply: eq_bigr => q _.
rewrite (@sum_range R c o) // => [|o' /negPf no]; first by rewrite /pick /= eqxx.
by rewrite /pick /=; case: eqP => // -[e]; rewrite e eqxx in no.
Qed.
End Sums.

(** ** Rules *)
Section Rules.
Variables (R : realType) (V : normedModType R) (x0 : V) (n h w c : N).
Implicit Types (L : tensor R -> V -> R).

Lemma mean_pulls (X : V -> tensor R) LX : pulls x0 [:: n; h; w; c] X LX ->
  pulls x0 [:: n; c] (fun x => place_mean h w (X x)) (fun dy => LX (mean_back h w dy)).
Proof.
move=> /pullsE [dX mX eX]; apply: (@pulls_moves _ _ _ _ _ (fun v => place_mean h w (dX v))).
  move=> i0 /idxs2 [b [o [-> hb ho]]]; rewrite /place_mean /=.
  have d : is_diff x0 (fun x => \sum_(p <- Nrange h) \sum_(q <- Nrange w) X x [:: b; p; q; o] : R^o)
      (fun v => \sum_(p <- Nrange h) \sum_(q <- Nrange w) dX v [:: b; p; q; o] : R^o).
    apply: is_diff_sum => p; rewrite mem_Nrange => hp; apply: is_diff_sum => q; rewrite mem_Nrange => hq.
    by apply: mX; rewrite mem_idxs /= hb hp hq ho.
  apply: (is_diff_eq (is_diff_mul d (is_diff_const x0 _))); apply/funext => v.
  by rewrite mulr0 add0r mulrC.
move=> dy v; rewrite eX /tdot sum_four sum_two; apply: eq_bigr => b _.
rewrite places_inside; apply: eq_bigr => o _; rewrite /mean_back /place_mean /= mulrA mulrAC big_distrr.
by apply: eq_bigr => p _; rewrite big_distrr.
Qed.

Lemma gate_pulls (X G : V -> tensor R) LX LG : pulls x0 [:: n; h; w; c] X LX -> pulls x0 [:: n; c] G LG ->
  pulls x0 [:: n; h; w; c] (fun x => gated_by (G x) (X x))
    (fun dy v => LX (gated_by (G x0) dy) v + LG (gate_back h w (X x0) dy) v).
Proof.
move=> /pullsE [dX mX eX] /pullsE [dG mG eG].
apply: (@pulls_moves _ _ _ _ _ (fun v i => X x0 i * dG v [:: nth 0%num i 0; nth 0%num i 3]
    + G x0 [:: nth 0%num i 0; nth 0%num i 3] * dX v i)).
  move=> i0 /idxs4 [b [p [q [o [-> hb hp hq ho]]]]]; rewrite /gated_by /=; apply: is_diff_mul.
    by apply: mX; rewrite mem_idxs /= hb hp hq ho.
  by apply: mG; rewrite mem_idxs /= hb ho.
move=> dy v; rewrite eX eG /tdot !sum_four sum_two.
transitivity (\sum_(b <- Nrange n) \sum_(p <- Nrange h) \sum_(q <- Nrange w) \sum_(o <- Nrange c)
    dy [:: b; p; q; o] * G x0 [:: b; o] * dX v [:: b; p; q; o]
  + \sum_(b <- Nrange n) \sum_(p <- Nrange h) \sum_(q <- Nrange w) \sum_(o <- Nrange c)
    dy [:: b; p; q; o] * X x0 [:: b; p; q; o] * dG v [:: b; o]); last first.
  rewrite -big_split; apply: eq_bigr => b _; rewrite -big_split; apply: eq_bigr => p _.
  rewrite -big_split; apply: eq_bigr => q _; rewrite -big_split; apply: eq_bigr => o _ /=.
  by rewrite mulrDr addrC !mulrA.
congr (_ + _); apply: eq_bigr => b _; rewrite places_inside; apply: eq_bigr => o _.
rewrite /gate_back /= big_distrl; apply: eq_bigr => p _ /=.
by rewrite big_distrl.
Qed.

Variables (k m : N).
Lemma cell_pulls (X W B : V -> tensor R) LX LW LB : pulls x0 [:: n; k] X LX ->
  pulls x0 [:: 1; 1; k; m]%num W LW -> pulls x0 [:: m] B LB ->
  pulls x0 [:: n; m] (fun x => cell_dense k (W x) (B x) (X x))
    (fun dy v => LX (row_back m (W x0) dy) v + LW (cell_back n (X x0) dy) v + LB (sum_back n dy) v).
Proof.
move=> hX hW hB; have hb : pulls x0 [:: n; m] (fun x i => B x [:: nth 0%num i 1]) (fun dy => LB (sum_back n dy)).
  have [dB mB eB] := pullsE hB; apply: (@pulls_moves _ _ _ _ _ (fun v i => dB v [:: nth 0%num i 1])).
    by move=> i0 /idxs2 [b [o [-> hb ho]]]; apply: mB; rewrite mem_idxs /= ho.
  move=> dy v; rewrite eB /tdot sum_two sum_idxs1 exchange_big; apply: eq_bigr => o _.
  by rewrite big_distrl.
apply: pulls_add hb; have [dX mX eX] := pullsE hX; have [dW mW eW] := pullsE hW.
apply: (@pulls_moves _ _ _ _ _ (fun v i => \sum_(a <- Nrange k)
    (X x0 [:: nth 0%num i 0; a] * dW v [:: 0%num; 0%num; a; nth 0%num i 1]
     + W x0 [:: 0%num; 0%num; a; nth 0%num i 1] * dX v [:: nth 0%num i 0; a]))).
  move=> i0 /idxs2 [b [o [-> hb ho]]]; apply: is_diff_sum => a; rewrite mem_Nrange => ha.
  by apply: is_diff_mul; [apply: mX; rewrite mem_idxs /= hb ha | apply: mW; rewrite mem_idxs /= ha ho].
move=> dy v; rewrite eX eW /tdot !sum_two sum_four !big_seq1.
transitivity (\sum_(b <- Nrange n) \sum_(o <- Nrange m) \sum_(a <- Nrange k)
    dy [:: b; o] * W x0 [:: 0%num; 0%num; a; o] * dX v [:: b; a]
  + \sum_(b <- Nrange n) \sum_(o <- Nrange m) \sum_(a <- Nrange k)
    X x0 [:: b; a] * dy [:: b; o] * dW v [:: 0%num; 0%num; a; o]); last first.
  rewrite -big_split; apply: eq_bigr => b _; rewrite -big_split; apply: eq_bigr => o _.
  rewrite -big_split big_distrr; apply: eq_bigr => a _ /=.
  by rewrite mulrDr addrC !mulrA [dy _ * X _ _]mulrC.
congr (_ + _).
  apply: eq_bigr => b _; rewrite exchange_big; apply: eq_bigr => a _.
  by rewrite big_distrl.
transitivity (\sum_(b <- Nrange n) \sum_(a <- Nrange k) \sum_(o <- Nrange m)
    X x0 [:: b; a] * dy [:: b; o] * dW v [:: 0%num; 0%num; a; o]); last first.
  by apply: eq_bigr => b _; exact: exchange_big.
rewrite [RHS]exchange_big; apply: eq_bigr => a _; rewrite [RHS]exchange_big; apply: eq_bigr => o _.
by rewrite big_distrl.
Qed.
End Rules.

(** ** The rule of the layers *)
Definition excite_params (n h w c r : N) : seq (N * shape) :=
  [:: (0, [:: n; h; w; c]); (1, [:: 1; 1; c; r]); (2, [:: r]); (3, [:: 1; 1; r; c]); (4, [:: c])]%num.

Section Rule.
Variables (R : realType) (n h w c r : N) (act gate : Layer.pointwise) (e : env R).

Definition excite_of (e : env R) : tensor R :=
  Excite.block h w c r act gate (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num).
Definition excite_back : tensor R -> seq (tensor R) :=
  Excite.back n h w c r act gate (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num).

(** Nothing to ask where the activations have no kinks. *)
Definition off_excite : Prop :=
  (forall i, i \in idxs [:: n; r] -> off_points act (Excite.squeezed h w c (e 0%num) (e 1%num) (e 2%num) i)) /\
  (forall i, i \in idxs [:: n; c] ->
     off_points gate (Excite.excited h w c r act (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num) i)).

Lemma smooth_off_excite : (pointwise_kinks act).2 = [::] -> (pointwise_kinks gate).2 = [::] -> off_excite.
Proof. by rewrite /off_excite /off_points => -> ->. Qed.
Theorem excite_backward : off_excite ->
  is_backward (excite_params n h w c r) [:: n; h; w; c] excite_of e excite_back.
Proof.
move=> [off1 off2] V x0 E L e0 _ hL.
have h0 := hL 0%nat isT; have h1 := hL 1%nat isT; have h2 := hL 2%nat isT; have h3 := hL 3%nat isT.
have h4 := hL 4%nat isT; cbn [nth excite_params fst snd] in h0, h1, h2, h3, h4.
rewrite -e0 in off1 off2.
have hz := cell_pulls (mean_pulls h0) h1 h2.
have hu := cell_pulls (pulls_map (fun i hi => pointwise_derive (off1 i hi)) hz) h3 h4.
have hy := gate_pulls h0 (pulls_map (fun i hi => pointwise_derive (off2 i hi)) hu).
apply: pulls_eq hy => // dy v; rewrite e0 [iota 0 _]/= !big_cons big_nil addr0.
set b0 := L 0%nat (nth _ (excite_back dy) 0) v; have -> : b0 = _ + _ := pullsD _ _ v h0.
by rewrite -!addrA.
Qed.
End Rule.

(** ** The layers as elaborated: the images are value 0, kernels and biases 1 to 4 *)
Section Elaborated.
Variables (R : realType) (n h w c r : N) (act gate : Layer.pointwise) (name pool reduce first expand second : string).
Hypotheses (hn : (0 < n)%num) (hh : (0 < h)%num) (hw : (0 < w)%num) (hc : (0 < c)%num).
Let s : shape := [:: h; w; c].
Let cell (k : N) : shape := [:: 1; 1; k]%num.
Let conv_to (m : N) : Layer.t := Layer.Conv2d m (around 1 1) (around 1 1) 1 true.

Definition excite_layers : seq (chain -> chain) :=
  [:: Next pool (Token.Average true); conv r (around 1 1) 1 true reduce; Next first (Layer.Pointwise act);
      conv c (around 1 1) 1 true expand; Next second (Layer.Pointwise gate)].
Definition excite_chain : chain := in_turn (gated name excite_layers).

Let inner : chain := in_turn excite_layers.

Lemma conv_to_out k m : Layer.output (conv_to m) (cell k) = Some (cell m).
Proof.
by have [] := @conv_fits n 1 1 k m (around 1 1) (around 1 1) 1 true erefl erefl (one_divides k) (one_divides m).
Qed.

Lemma product_of_two : joined_shape Product [:: s; cell c] = Some s.
Proof.
rewrite /joined_shape /s /cell /= /widened /=.
case: (N.eqb_spec h 1) => [->|_]; case: (N.eqb_spec w 1) => [->|_]; case: (N.eqb_spec c 1) => [->|_];
  by rewrite /stretches /= ?N.eqb_refl ?orbT.
Qed.

Definition excite_kinks : seq kink :=
  kinks_of_layer first (Layer.Pointwise act) ++ kinks_of_layer second (Layer.Pointwise gate).

Lemma inside_leads : leads_by n excite_kinks excite_layers s (cell c).
Proof.
apply: leads_cons; first by apply: leads_one => //; exact: average_keep_fits (filled_image hn hh hw hc).
apply: leads_cons; first by apply: (@conv1_leads n r 1 1 true reduce 1 1 c) => //; exact: one_divides.
apply: leads_kinks; first exact: pointwise_fits.
apply: leads_cons; first by apply: (@conv1_leads n c 1 1 true expand 1 1 r) => //; exact: one_divides.
rewrite -[kinks_of_layer second _]cats0; apply: leads_kinks; first exact: pointwise_fits.
exact: leads_nil.
Qed.

Lemma inner_out : output_shape inner [::] s = Some (cell c).
Proof. by have [_ ->] := leads_in_turn inside_leads. Qed.

Lemma excite_leads : leads_by n excite_kinks (gated name excite_layers) s s.
Proof.
by apply: (leads_join (@leads_nil _ _) inside_leads) => //; apply: (@merged_fits Product); exact: product_of_two.
Qed.

(** *** What comes out of each layer *)
Section Values.
Variable e : env R.
Let average : tensor R := layer_meaning (Layer.Token (Token.Average true)) n s [::] (e 0%num).
Let squeezed : tensor R := layer_meaning (conv_to r) n (cell c) [:: e 1%num; e 2%num] average.
Let active : tensor R := layer_meaning (Layer.Pointwise act) n (cell r) [::] squeezed.
Let excited : tensor R := layer_meaning (conv_to c) n (cell r) [:: e 3%num; e 4%num] active.
Let gates : tensor R := layer_meaning (Layer.Pointwise gate) n (cell c) [::] excited.

Lemma cell_value k m (a b y y' : tensor R) i o : (i < n)%num -> (o < m)%num ->
  (forall j, (j < k)%num -> y [:: i; 0; 0; j]%num = y' [:: i; j]) ->
  layer_meaning (conv_to m) n (cell k) [:: a; b] y [:: i; 0; 0; o]%num = cell_dense k a b y' [:: i; o].
Proof.
move=> hi ho hy; rewrite /layer_meaning /conv_to /cell /conv2d /cell_dense /cell_linear; cbn [nth].
rewrite !N.div_1_r N.div_small // N.mul_0_l; congr (_ + _); rewrite !big_seq; apply: eq_bigr => j.
rewrite mem_Nrange => /N.ltb_lt hj.
by rewrite -hy // big_seq1 big_seq1.
Qed.

Lemma squeezed_value i o : (i < n)%num -> (o < r)%num ->
  squeezed [:: i; 0; 0; o]%num = Excite.squeezed h w c (e 0%num) (e 1%num) (e 2%num) [:: i; o].
Proof. by move=> hi ho; apply: cell_value => // j hj; exact: mean_places. Qed.

Lemma excited_value i o : (i < n)%num -> (o < c)%num ->
  excited [:: i; 0; 0; o]%num = Excite.excited h w c r act (e 0%num) (e 1%num) (e 2%num) (e 3%num) (e 4%num) [:: i; o].
Proof.
move=> hi ho; apply: cell_value => // j hj.
by congr (pointwise_meaning act _); exact: squeezed_value.
Qed.

Lemma joined_value : eqt (n :: s) (joined Product [:: (s, e 0%num); (cell c, gates)]) (excite_of h w c r act gate e).
Proof.
move=> i0 hi0; rewrite /joined /merged /combined -(stretched_same _ hi0).
case/idxs4: hi0 => b [p [q [o [-> /N.ltb_lt hb _ _ /N.ltb_lt ho]]]].
rewrite /excite_of /Excite.block /gated_by; congr (_ * pointwise_meaning gate _).
rewrite -excited_value //; congr (excited [:: _; _; _; _]).
by case: (N.eqb_spec c 1) => // ec; move: ho; rewrite ec => /N.lt_1_r ->.
Qed.

Lemma through_excite : through n e excite_chain [::] s 1 (Masks 5) (e 0%num)
  = joined Product [:: (s, e 0%num); (cell c, gates)].
Proof.
rewrite /excite_chain -/inner; cbn [gated in_turn foldr through output_shape]; rewrite -/inner inner_out.
cbn [rcons odflt oapp]; congr (joined Product [:: _; (_, _)]).
rewrite /inner /excite_layers /conv; cbn [in_turn foldr through].
rewrite -/(conv_to r) -/(conv_to c).
have -> : Layer.output (Layer.Token (Token.Average true)) s = Some (cell c) by [].
cbn [odflt oapp]; rewrite conv_to_out; cbn [odflt oapp].
have -> : Layer.output (Layer.Pointwise act) (cell r) = Some (cell r) by [].
cbn [odflt oapp]; rewrite conv_to_out; cbn [odflt oapp].
by [].
Qed.
End Values.

Lemma excite_shapes : [seq q.2 | q <- params_in excite_chain [::] s] = [seq q.2 | q <- behead (excite_params n h w c r)].
Proof.
have own l m k : [seq q.2 | q <- of_layer l (Layer.params (conv_to m) (cell k))] = [:: [:: 1; 1; k; m]; [:: m]]%num.
  by rewrite /= N.div_1_r.
rewrite -[excite_chain]/(Branch End (Branch inner (Join name Product End))).
rewrite (@params_branch End _ _ s s) // (params_branch _ _ inner_out) (@params_join _ _ _ _ s s) ?product_of_two // cats0.
rewrite -[params_in End _ _]/[::] cat0s /inner /excite_layers /conv; cbn [in_turn foldr].
rewrite (@params_next _ _ _ _ s (cell c)) // (params_next _ _ _ (conv_to_out _ _)).
rewrite (@params_next _ _ _ _ (cell r) (cell r)) // (params_next _ _ _ (conv_to_out _ _)).
by rewrite (@params_next _ _ _ _ (cell c) (cell c)) // !map_cat !own.
Qed.

Lemma excite_masks : masks_in excite_chain [::] s = [::].
Proof.
have inside : masks_in inner [::] s = [::].
  rewrite /inner /excite_layers /conv; cbn [in_turn foldr masks_in].
  rewrite -/(conv_to r) -/(conv_to c).
  have -> : Layer.output (Layer.Token (Token.Average true)) s = Some (cell c) by [].
  rewrite conv_to_out.
  have -> : Layer.output (Layer.Pointwise act) (cell r) = Some (cell r) by [].
  by rewrite conv_to_out.
rewrite -[excite_chain]/(Branch End (Branch inner (Join name Product End))).
cbn [masks_in output_shape]; rewrite inside inner_out; cbn [masks_in rcons].
by rewrite product_of_two.
Qed.

(** *** The kinks *)
Section Inputs.
Variables (V : normedModType R) (x0 : V) (E : V -> env R).
Let average v : tensor R := layer_meaning (Layer.Token (Token.Average true)) n s [::] (E v 0%num).
Let squeezed v : tensor R := layer_meaning (conv_to r) n (cell c) [:: E v 1%num; E v 2%num] (average v).
Let active v : tensor R := layer_meaning (Layer.Pointwise act) n (cell r) [::] (squeezed v).
Let excited v : tensor R := layer_meaning (conv_to c) n (cell r) [:: E v 3%num; E v 4%num] (active v).

Lemma excite_inputs : inputs_through n E excite_chain [::] s 1 5 (fun v => E v 0%num)
  = [:: (pool, n :: s, fun v => E v 0%num); (reduce, n :: cell c, average); (first, n :: cell r, squeezed);
        (expand, n :: cell r, active); (second, n :: cell c, excited)].
Proof.
rewrite -[excite_chain]/(Branch End (Branch inner (Join name Product End))); cbn [inputs_through cat].
rewrite /inner /excite_layers /conv; cbn [in_turn foldr inputs_through].
rewrite -/(conv_to r) -/(conv_to c).
have -> : Layer.output (Layer.Token (Token.Average true)) s = Some (cell c) by [].
cbn [odflt oapp]; rewrite conv_to_out; cbn [odflt oapp].
have -> : Layer.output (Layer.Pointwise act) (cell r) = Some (cell r) by [].
cbn [odflt oapp]; rewrite conv_to_out; cbn [odflt oapp].
by [].
Qed.

(** A layer whose name is its own among [inputs]. *)
Lemma cell_off inputs l (p : Layer.pointwise) k (x : V -> tensor R) :
  (forall b o, (b < n)%num -> (o < k)%num -> off_points p (x x0 [:: b; 0; 0; o]%num)) ->
  (forall s' x', List.In (l, s', x') inputs -> s' = n :: cell k /\ x' = x) ->
  forall q, List.In q (kinks_of_layer l (Layer.Pointwise p)) -> off_kink x0 inputs q.
Proof.
move=> off alone q; rewrite /kinks_of_layer; case ek: (pointwise_kinks p) => [kind points] /List.in_map_iff [z [<- hz]].
move=> s' x' /alone [-> ->] i.
move=> /idxs4 [b [p' [q' [o [-> /N.ltb_lt hb /N.ltb_lt /N.lt_1_r -> /N.ltb_lt /N.lt_1_r -> /N.ltb_lt ho]]]]].
by apply: off => //; rewrite ek.
Qed.

Lemma in2 a b i j : (i < a)%num -> (j < b)%num -> [:: i; j] \in idxs [:: a; b].
Proof. by move=> hi hj; rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)). Qed.

Lemma excite_off e : off_excite n h w c r act gate e -> (forall j, (j < 5)%num -> E x0 j = e j) ->
  List.NoDup [:: pool; reduce; first; expand; second] ->
  forall q, List.In q excite_kinks -> off_kink x0 (inputs_through n E excite_chain [::] s 1 5 (fun v => E v 0%num)) q.
Proof.
move=> [off1 off2] low.
move=> /List.NoDup_cons_iff [n1 /List.NoDup_cons_iff [n2 /List.NoDup_cons_iff [n3 /List.NoDup_cons_iff [n4 _]]]].
have e0 := low 0%num erefl; have e1 := low 1%num erefl; have e2 := low 2%num erefl; have e3 := low 3%num erefl.
have e4 := low 4%num erefl.
rewrite excite_inputs /excite_kinks => q /(@List.in_app_or _ _ _ _) [].
- apply: (cell_off (x := squeezed) (k := r)) => [b o hb ho|s' x' hin].
    have -> : squeezed x0 [:: b; 0; 0; o]%num = _ := squeezed_value (E x0) hb ho.
    by rewrite e0 e1 e2; apply: off1; exact: in2.
  case: hin => [[ef _ _]|[[ef _ _]|[[<- <-]|[[ef _ _]|[[ef _ _]|[]]]]]] //;
    by exfalso; move: n1 n2 n3; rewrite ef /=; tauto.
apply: (cell_off (x := excited) (k := c)) => [b o hb ho|s' x' hin].
  have -> : excited x0 [:: b; 0; 0; o]%num = _ := excited_value (E x0) hb ho.
  by rewrite e0 e1 e2 e3 e4; apply: off2; exact: in2.
case: hin => [[ef _ _]|[[ef _ _]|[[ef _ _]|[[ef _ _]|[[<- <-]|[]]]]]] //;
  by exfalso; move: n1 n2 n3 n4; rewrite ef /=; tauto.
Qed.
End Inputs.

(** Kinks go by the names of their layers, which then must differ. *)
Theorem excite_gradients (e : env R) dy code y o (params := excite_params n h w c r) :
  emit_layers n excite_chain [::] s 1 (Masks 5) 0 5 = Some (code, y, o) ->
  off_excite n h w c r act gate e ->
  excite_kinks = [::] \/ List.NoDup [:: pool; reduce; first; expand; second] ->
  agree_on params (gradients code (next_id 5 code) y params e dy) (excite_back n h w c r act gate e dy).
Proof.
move=> he off names; have [fits ho hk] := leads_in_turn excite_leads.
pose sh (j : N) : shape := (nth (0%num, [::]) params (N.to_nat j)).2.
have np : size (params_in excite_chain [::] s) = 4%nat by rewrite -(size_map (fun q => q.2)) excite_shapes.
have pl : placed sh 1 (params_in excite_chain [::] s).
  move=> j; rewrite np => hj; rewrite -(nth_map _ [::] (fun q => q.2)) ?np // excite_shapes.
  by do 4 (case: j hj => [|j] hj //).
have le5 : (past 1 (params_in excite_chain [::] s) <= 5)%num by rewrite /past np.
have lm5 : (past 5 (masks_in excite_chain [::] s) <= 5)%num by rewrite excite_masks.
have ml : placed sh 5 (with_batch n (masks_in excite_chain [::] s)) by rewrite excite_masks.
have [code' [y' [o' [s' [he' ho' wf_ lt [es nt]]]]]] :=
  @emit_layers_wf n excite_chain [::] s 1 5 0 5 sh fits erefl erefl (List.Forall_nil _) le5 pl lm5 ml.
move: he'; rewrite [X in X = _]he => -[ec ey _]; subst code' y'.
have es' : s' = s by move: ho'; rewrite [X in X = _]ho => -[].
rewrite {}es' in es; clear ho'.
have gv : gives code 5 sh y (n :: s) by split.
have none j : (5 <= j)%num -> (j < 5 + mask_count excite_chain [::] s)%num -> False.
  by move=> h1; rewrite /mask_count excite_masks N.add_0_r => h2; lia.
apply: (formula_gradients_off (f := excite_of h w c r act gate) (G := excite_back n h w c r act gate e) gv).
- by rewrite /params_ok /sh /params /= !eqxx.
- move=> e' low cs; have e0 : eqt (n :: s) (run code e' 0%num) (e' 0%num) by rewrite low.
  have ap : agree (run code e') e' 0 (1 + param_count excite_chain [::] s).
    by move=> j _; rewrite /param_count np => hj; exact: low.
  have am : agree_chain (run code e') e' (Masks 5) excite_chain [::] s by move=> j h1 h2; case: (none j h1 h2).
  have [s2 ho2 hs] := emit_layers_sound he cs e0 (List.Forall2_nil _) ap am.
  have es2 : s2 = s by move: ho2; rewrite [X in X = _]ho => -[].
  by rewrite es2 through_excite in hs; apply: eqt_trans hs _; exact: joined_value.
- move=> V x0 E low cs.
  have nil : holds_family n E ([::] : seq part) [::] by exact: List.Forall2_nil.
  apply: (emit_layers_smooth (theta := E) (xm := fun v => E v 0%num) he cs _ nil) => [v|v j|v j h1 h2|q].
  + by [].
  + by [].
  + by case: (none j h1 h2).
  rewrite hk; case: names => [-> []|names].
  exact: excite_off off low names q.
- exact: excite_backward.
by [].
Qed.
End Elaborated.

(** ** As in EfficientNet *)
Theorem squeeze_excite_gradients (R : realType) n h w c r se (e : env R) dy code y o (params := excite_params n h w c r) :
  (0 < n)%num -> (0 < h)%num -> (0 < w)%num -> (0 < c)%num ->
  emit_layers n (in_turn (squeeze_excite se c r)) [::] [:: h; w; c] 1 (Masks 5) 0 5 = Some (code, y, o) ->
  agree_on params (gradients code (next_id 5 code) y params e dy)
    (excite_back n h w c r Layer.Silu Layer.Sigmoid e dy).
Proof.
move=> hn hh hw hc he.
have off := @smooth_off_excite R n h w c r Layer.Silu Layer.Sigmoid e erefl erefl.
exact: (excite_gradients hn hh hw hc dy he off (or_introl erefl)).
Qed.
