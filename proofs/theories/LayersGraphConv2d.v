(** * Convolutions with groups and biases, as their layer emits them

    For all batches, images, kernels, strides, paddings, dilations, groups and
    features: what reverse mode emits for [Layer.emit]'s instructions. The
    cotangent of a kernel's cell sums the pixels that it met times the
    cotangents of where it met them; that of the image is the convolution of
    the cotangents, transposed ([Images.conv_transpose2d]); that of a bias sums
    over all places. Depthwise convolutions have as many groups as channels. That
    these are the cotangents times partial derivatives is
    [LayersGraphCells.gradients_partial].

    Glossary
      - [windows v u h w F]  a sum over all places of a window, row and column
      - [spike i]           1 at [i], 0 elsewhere
      - [two a b]           the operands 0 and 1
      - [second_operand]    the gradient of a contraction of two, by what it
                            computes of a spike
      - [den_collect]       the sum over the dimensions that are left out
      - [kernel_gradient], [image_gradient], [place_gradient]  of one cell *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Transpose Computes SpecLayer Images ImagesSound TransposedSound RaiseLinear LayersGraphCells.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Formulas.
Variable R : realType.

Definition windows (v u : Layer.window) (h w : N) (F : N -> N -> R) : R :=
  \sum_(i <- Nrange (Layer.places v h)) \sum_(j <- Nrange (Layer.places u w)) F i j.

(** Cell [p, q] of channel [a] of its group, for feature [o]. *)
Definition kernel_gradient (n h w c m : N) (v u : Layer.window) (g : N) (x dy : tensor R) (p q a o : N) : R :=
  let channel := (N.div o (N.div m g) * N.div c g + a)%num in
  \sum_(b <- Nrange n) windows v u h w (fun i j =>
    pixel h w x b (reach v i p) (reach u j q) channel * dy [:: b; i; j; o]).

Definition image_gradient (h w c m : N) (v u : Layer.window) (g : N) (k dy : tensor R) : tensor R :=
  conv_transpose2d (Layer.places v h) (Layer.places u w) m c v u g dy k.

(** One number for each feature, of [n] images of [h] times [w] places. *)
Definition place_gradient (n h w : N) (dy : tensor R) (o : N) : R :=
  \sum_(b <- Nrange n) \sum_(i <- Nrange h) \sum_(j <- Nrange w) dy [:: b; i; j; o].

(** Depthwise: feature [o] sees channel [o] alone. *)
Definition depthwise_kernel_gradient (n h w : N) (v u : Layer.window) (x dy : tensor R) (p q o : N) : R :=
  \sum_(b <- Nrange n) windows v u h w (fun i j =>
    pixel h w x b (reach v i p) (reach u j q) o * dy [:: b; i; j; o]).
Definition depthwise_image_gradient (h w : N) (v u : Layer.window) (k dy : tensor R) (b y z a : N) : R :=
  windows v u h w (fun i j =>
    \sum_(p <- Nrange (Layer.k_size v) | Z.eqb (reach v i p) (Z.of_N y))
    \sum_(q <- Nrange (Layer.k_size u) | Z.eqb (reach u j q) (Z.of_N z))
      dy [:: b; i; j; a] * k [:: p; q; 0%num; a]).

Definition spike (i : idx) : tensor R := fun j => if j == i then 1 else 0.
Definition two (a b : tensor R) : env R := fun j => if N.eqb j 0 then a else b.
End Formulas.

(** ** Contractions of two *)
Section Two.
Variables (R : realType) (box out s t : shape) (f mx mk : imap).
Implicit Types (y : env R).
Let forward := Contract box out f [:: View 0 s mx; View 1 t mk].

Lemma second_operand y ct k c :
  den (Contract box t mk [:: View k s mx; View ct out f]) y c
  = \sum_(i <- idxs out) y ct i * den forward (two (y k) (spike R c)) i.
Proof.
apply: etrans (esym (@sum_fiber R (idxs box) (idxs out) (at_map f out) (y ct)
  (fun r => \prod_(v <- [:: View 0 s mx; View 1 t mk]) read (two (y k) (spike R c)) v r)
  (idxs_uniq out) (fun r i => @at_map_in f out r i))).
rewrite [LHS]/= big_mkcond; apply: eq_bigr => r _; rewrite !big_cons !big_nil !mulr1 /read /=.
case: (at_map mk t r) => [i|]; last by rewrite !mulr0.
rewrite -[two _ _ 1%num _]/(if i == c then 1 else 0) -[Some i == Some c]/(i == c).
by case: (i == c); [rewrite mulr1 [RHS]mulrC | rewrite !mulr0].
Qed.
End Two.

Section Conv.
Variable R : realType.
Implicit Types (e y : env R) (dy : tensor R).

(** The only summand that counts. *)
Lemma sum_only (T : eqType) (r : seq T) j (F : T -> R) : uniq r -> j \in r ->
  (forall i, i != j -> F i = 0) -> \sum_(i <- r) F i = F j.
Proof. by move=> u hj h; rewrite (bigD1_seq j) //= big1 ?addr0 // => i /h. Qed.

Lemma sum_range n j (F : N -> R) : (j < n)%num ->
  (forall i, i != j -> F i = 0) -> \sum_(i <- Nrange n) F i = F j.
Proof. by move=> hj; apply: sum_only; rewrite ?Nrange_uniq // mem_Nrange; apply/N.ltb_lt. Qed.

Lemma sum4 n h w m (F : idx -> R) : \sum_(i <- idxs [:: n; h; w; m]) F i
  = \sum_(b <- Nrange n) \sum_(i <- Nrange h) \sum_(j <- Nrange w) \sum_(o <- Nrange m) F [:: b; i; j; o].
Proof.
rewrite sum_cons; apply: eq_bigr => b _; rewrite sum_cons; apply: eq_bigr => i _.
rewrite sum_cons; apply: eq_bigr => j _; rewrite sum_cons; apply: eq_bigr => o _.
by rewrite big_seq1.
Qed.

Lemma in4 n h w m b i j o : (b < n)%num -> (i < h)%num -> (j < w)%num -> (o < m)%num ->
  [:: b; i; j; o] \in idxs [:: n; h; w; m].
Proof. by move=> *; rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)). Qed.

(** What is spread over more dimensions collects over them. *)
Lemma den_collect z ks a y i : all (fun k => N.to_nat k < size z)%nat ks ->
  den (Contract z (pick z ks) (proj ks) [:: View a z (id_map z)]) y i
  = \sum_(r <- idxs z | pick r ks == i) y a r.
Proof.
move=> hk; rewrite /den big_seq_cond [RHS]big_seq_cond; apply: eq_big => r; last first.
  by move=> /andP [hr _]; rewrite big_seq1 read_id.
case hr: (r \in idxs z) => //=; rewrite mem_idxs in hr.
by rewrite /pick (at_map_proj hr hk); apply/eqP/eqP => [[->]|->].
Qed.

(** A vector that is at every place. *)
Lemma every_place_back n h w m ct y o : (o < m)%num ->
  den (Contract [:: n; h; w; m] [:: m] (proj [:: 3]%num) [:: View ct [:: n; h; w; m] (proj [:: 0; 1; 2; 3]%num)]) y [:: o]
  = place_gradient n h w (y ct) o.
Proof.
move=> ho; rewrite (@den_collect [:: n; h; w; m] [:: 3]%num) // big_mkcond sum4.
apply: eq_bigr => b _; apply: eq_bigr => i _; apply: eq_bigr => j _.
rewrite (@sum_range m o) //= ?eqxx // => o' /negPf ne.
by rewrite /pick /=; case: eqP => // -[eo]; rewrite eo eqxx in ne.
Qed.

Section Groups.
Variables (n h w c m : N) (v u : Layer.window) (g : N).
Hypotheses (hv : Layer.window_fits v h) (hu : Layer.window_fits u w).
Hypotheses (hc : Layer.divides g c) (hm : Layer.divides g m).
Let s : shape := [:: n; h; w; c].
Let t : shape := [:: Layer.k_size v; Layer.k_size u; N.div c g; m].
Let out : shape := [:: n; Layer.places v h; Layer.places u w; m].
Let box : shape := [:: n; N.div c g; N.div m g; Layer.places v h; Layer.places u w; Layer.k_size v; Layer.k_size u]
  ++ (if N.eqb g 1 then [::] else [:: g]).
Let f : imap := [:: coord 0; coord 3; coord 4; Layer.grouped g (N.div m g) 2].
Let mx : imap := [:: coord 0; Layer.reads v 3 5; Layer.reads u 4 6; Layer.grouped g (N.div c g) 1].
Let mk : imap := [:: coord 5; coord 6; coord 1; Layer.grouped g (N.div m g) 2].

(** What is emitted for the kernel and for the image. *)
Lemma kernel_back y ct k p q a o :
  (p < Layer.k_size v)%num -> (q < Layer.k_size u)%num -> (a < N.div c g)%num -> (o < m)%num ->
  den (Contract box t mk [:: View k s mx; View ct out f]) y [:: p; q; a; o]
  = kernel_gradient n h w c m v u g (y k) (y ct) p q a o.
Proof.
move=> hp hq ha ho; rewrite second_operand.
rewrite (eq_big_seq (fun i => y ct i * conv2d h w c m v u g (y k) (spike R [:: p; q; a; o]) i)) => [|i hi].
  rewrite sum4; apply: eq_bigr => b _; apply: eq_bigr => i _; apply: eq_bigr => j _.
  have no r : r != [:: p; q; a; o] -> spike R [:: p; q; a; o] r = 0 by move=> /negPf h0; rewrite /spike h0.
  rewrite (@sum_range m o) // => [|o' /eqP ho']; last first.
    rewrite /conv2d big1 ?mulr0 // => a' _; rewrite big1 // => p' _; rewrite big1 // => q' _.
    by rewrite no ?mulr0 //; apply/eqP => -[_ _ _ /ho'].
  rewrite mulrC; congr (_ * _); rewrite /conv2d /=.
  rewrite (@sum_range _ a) // => [|a' /eqP ha']; last first.
    rewrite big1 // => p' _; rewrite big1 // => q' _.
    by rewrite no ?mulr0 //; apply/eqP => -[_ _ /ha'].
  rewrite (@sum_range _ p) // => [|p' /eqP hp']; last first.
    by rewrite big1 // => q' _; rewrite no ?mulr0 //; apply/eqP => -[/hp'].
  rewrite (@sum_range _ q) // => [|q' /eqP hq']; last first.
    by rewrite no ?mulr0 //; apply/eqP => -[/hq'].
  by rewrite /spike eqxx mulr1.
congr (_ * _); exact: (@conv_sound n h w c m v u g hv hu hc hm R 0 1 (two (y k) (spike R _)) i hi).
Qed.

Lemma enlarged_back z l : Layer.window_fits z l -> exists extra, Layer.enlarged z extra (Layer.places z l) = l.
Proof.
case/and4P=> _ /N.ltb_lt hs _ /N.leb_le hf.
pose k := (N.pred (Layer.places z l) * Layer.k_stride z + Layer.span z)%num.
exists (l + Layer.k_low z + Layer.k_high z - k)%num.
rewrite /Layer.enlarged /Layer.covered -/k.
have hk : (k <= l + Layer.k_low z + Layer.k_high z)%num.
  rewrite /k /Layer.places N.add_1_r N.pred_succ.
  have := N.mul_div_le (l + Layer.k_low z + Layer.k_high z - Layer.span z) (Layer.k_stride z).
  move: (_ / _)%num => d; nia.
lia.
Qed.

Lemma image_back y ct k : eqt s
  (den (Contract box s mx [:: View ct out f; View k t mk]) y)
  (image_gradient h w c m v u g (y k) (y ct)).
Proof.
have [a ea] := enlarged_back hv; have [b eb] := enlarged_back hu.
have := @conv_transpose_sound n (Layer.places v h) (Layer.places u w) m c v u a b g hm hc R ct k y.
by rewrite /Layer.conv_transpose ea eb => back; exact: back.
Qed.
End Groups.

(** ** The layer *)
Section Layer.
Variables (n h w c m : N) (v u : Layer.window) (g : N) (s' : shape) (e : env R) (dy : tensor R).
Let s : shape := [:: n; h; w; c].
Let t : shape := [:: Layer.k_size v; Layer.k_size u; N.div c g; m].

Let fits_output b : Layer.output (Layer.Conv2d m v u g b) [:: h; w; c] = Some s' ->
  [/\ Layer.window_fits v h, Layer.window_fits u w, Layer.divides g c & Layer.divides g m].
Proof. by rewrite /=; case: ifP => // /and4P []. Qed.

Theorem conv2d_gradients code :
  Layer.output (Layer.Conv2d m v u g true) [:: h; w; c] = Some s' ->
  Layer.emit (Layer.Conv2d m v u g true) n [:: h; w; c] [:: 1; 2]%num 0 3 = Some code ->
  exists dx dk db,
  [/\ gradients code 6 5 [:: (0, s); (1, t); (2, [:: m])]%num e dy = [:: dx; dk; db],
   eqt s dx (image_gradient h w c m v u g (e 1%num) dy),
   forall p q a o, (p < Layer.k_size v)%num -> (q < Layer.k_size u)%num -> (a < N.div c g)%num -> (o < m)%num ->
     dk [:: p; q; a; o] = kernel_gradient n h w c m v u g (e 0%num) dy p q a o
   & forall o, (o < m)%num -> db [:: o] = place_gradient n (Layer.places v h) (Layer.places u w) dy o].
Proof.
move=> /fits_output [hv hu hc hm] [<-]; set code' := [:: _; _; _].
have [//|//|//|y] := @gradients_computes R code' 6 5 [:: (0, s); (1, t); (2, [:: m])]%num 3 e dy.
rewrite [seq.map _ _]/= => -[-> hcode low h6].
move: hcode; rewrite /code' /rev /=.
move=> /computes_cons [_] /computes_cons [_] /computes_cons [_] /computes_cons [h7] /computes_cons [h8] /computes_cons [h9 _].
exists (y 8%num), (y 9%num), (y 7%num); split=> //.
- by move=> i hi; rewrite h8 -h6 -(low 1%num) //; exact: (image_back hv hu hc hm y 6 1 hi).
- move=> p q a o hp hq ha ho; rewrite h9 -h6 -(low 0%num) //.
  exact: (kernel_back n hv hu hc hm y 6 0 hp hq ha ho).
by move=> o ho; rewrite h7 -h6; exact: every_place_back.
Qed.

(** Without a bias. *)
Theorem conv2d_gradients_unbiased code :
  Layer.output (Layer.Conv2d m v u g false) [:: h; w; c] = Some s' ->
  Layer.emit (Layer.Conv2d m v u g false) n [:: h; w; c] [:: 1]%num 0 2 = Some code ->
  exists dx dk,
  [/\ gradients code 3 2 [:: (0, s); (1, t)]%num e dy = [:: dx; dk],
   eqt s dx (image_gradient h w c m v u g (e 1%num) dy)
   & forall p q a o, (p < Layer.k_size v)%num -> (q < Layer.k_size u)%num -> (a < N.div c g)%num -> (o < m)%num ->
     dk [:: p; q; a; o] = kernel_gradient n h w c m v u g (e 0%num) dy p q a o].
Proof.
move=> /fits_output [hv hu hc hm] [<-]; set code' := [:: _].
have [//|//|//|y] := @gradients_computes R code' 3 2 [:: (0, s); (1, t)]%num 2 e dy.
rewrite [seq.map _ _]/= => -[-> hcode low h3].
move: hcode; rewrite /code' /rev /=.
move=> /computes_cons [_] /computes_cons [h4] /computes_cons [h5 _].
exists (y 4%num), (y 5%num); split=> //.
- by move=> i hi; rewrite h4 -h3 -(low 1%num) //; exact: (image_back hv hu hc hm y 3 1 hi).
move=> p q a o hp hq ha ho; rewrite h5 -h3 -(low 0%num) //.
exact: (kernel_back n hv hu hc hm y 3 0 hp hq ha ho).
Qed.
End Layer.

(** ** As many groups as channels *)
Section Depthwise.
Variables (n h w c : N) (v u : Layer.window) (s' : shape) (e : env R) (dy : tensor R).
Let s : shape := [:: n; h; w; c].
Let t : shape := [:: Layer.k_size v; Layer.k_size u; 1%num; c].

Theorem depthwise_gradients code :
  Layer.output (Layer.Conv2d c v u c true) [:: h; w; c] = Some s' ->
  Layer.emit (Layer.Conv2d c v u c true) n [:: h; w; c] [:: 1; 2]%num 0 3 = Some code ->
  exists dx dk db,
  [/\ gradients code 6 5 [:: (0, s); (1, t); (2, [:: c])]%num e dy = [:: dx; dk; db],
   forall b i j a, (b < n)%num -> (i < h)%num -> (j < w)%num -> (a < c)%num ->
     dx [:: b; i; j; a] = depthwise_image_gradient h w v u (e 1%num) dy b i j a,
   forall p q o, (p < Layer.k_size v)%num -> (q < Layer.k_size u)%num -> (o < c)%num ->
     dk [:: p; q; 0%num; o] = depthwise_kernel_gradient n h w v u (e 0%num) dy p q o
   & forall o, (o < c)%num -> db [:: o] = place_gradient n (Layer.places v h) (Layer.places u w) dy o].
Proof.
move=> ho hcode; have hpos : (0 < c)%num.
  by move: ho; rewrite /=; case: ifP => // /and4P [_ _ _ /andP [/N.ltb_lt]].
have one : N.div c c = 1%num by apply: N.div_same; lia.
have [dx [dk [db]]] := @conv2d_gradients n h w c c v u c s' e dy code ho hcode.
rewrite one => -[-> hx hk hb]; exists dx, dk, db; split=> //.
- move=> b i j a h1 h2 h3 h4; rewrite hx ?in4 //.
  rewrite /image_gradient /conv_transpose2d /= one big_seq1 N.div_1_r N.mod_1_r N.mul_1_r N.add_0_r.
  by [].
move=> p q o h1 h2 h3; rewrite hk // /kernel_gradient /depthwise_kernel_gradient /= one N.div_1_r N.mul_1_r N.add_0_r.
by [].
Qed.
End Depthwise.
End Conv.
