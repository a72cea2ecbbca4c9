(** * What reverse mode emits for a convolution, in closed form

    At all sizes, strides, paddings and dilations: the cotangent of a kernel's
    cell sums the pixels it met, times the cotangents of where it met them; the
    cotangent of a pixel sums over the cells of the kernel that met it. That
    these are the transposed derivatives is [LayersGraphMore.emitted_backward].

    Glossary
      - [image_conv x k]   the convolution of [Layer.conv], of one group
      - [reach], [pixel]   as in [Images.v] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Backward ConvolutionIndex SpecLayer Images ImagesSound.
From Cotangent Require Import MeaningLayer MeaningLayerSound LayersGraph.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Conv.
Variables (n h w c m : N) (v u : Layer.window).
Let s : shape := [:: n; h; w; c].
Let t : shape := [:: Layer.k_size v; Layer.k_size u; c; m].
Let out : shape := [:: n; Layer.places v h; Layer.places u w; m].
Let box : shape := [:: n; c; m; Layer.places v h; Layer.places u w; Layer.k_size v; Layer.k_size u].
Let image_map : imap := [:: coord 0; Layer.reads v 3 5; Layer.reads u 4 6; coord 1].

Definition image_conv (x k : N) : op :=
  Contract box out (proj [:: 0; 3; 4; 2]%num)
    [:: View x s image_map; View k t (proj [:: 5; 6; 1; 2]%num)].

Lemma image_convE x k : Layer.conv n h w c m v u 1 x k = image_conv x k.
Proof. by rewrite /Layer.conv /= !N.div_1_r. Qed.

Variable R : realType.
Implicit Types (e : env R) (dy : tensor R).

Lemma in_box b a o i j p q : [:: b; a; o; i; j; p; q] \in idxs box ->
  [/\ (b < n)%num, (a < c)%num & (o < m)%num] /\
  [/\ (i < Layer.places v h)%num, (j < Layer.places u w)%num, (p < Layer.k_size v)%num & (q < Layer.k_size u)%num].
Proof.
rewrite mem_idxs /= => /and5P [h0 h1 h2 h3 /and4P [h4 h5 h6 _]].
by do 2 split; apply/N.ltb_lt.
Qed.

Lemma reads_at k place cell r : aff_at (Layer.reads k place cell) r
  = reach k (nth 0%num r (N.to_nat place)) (nth 0%num r (N.to_nat cell)).
Proof. by rewrite /aff_at /reach /=; lia. Qed.

Lemma coord_at k f d z r : (nth 0%num r (N.to_nat k) < d)%num ->
  at_map (coord k :: f) (d :: z) r = omap (cons (nth 0%num r (N.to_nat k))) (at_map f z r).
Proof.
move=> hk; rewrite [LHS]/= aff_at_coord N2Z.id.
rewrite (proj2 (Z.leb_le _ _) (N2Z.is_nonneg _)) (proj2 (Z.ltb_lt _ _)) //; lia.
Qed.

Lemma image_at b a o i j p q (y := reach v i p) (z := reach u j q) :
  [:: b; a; o; i; j; p; q] \in idxs box ->
  at_map image_map s [:: b; a; o; i; j; p; q]
  = if [&& Z.leb 0 y, Z.ltb y (Z.of_N h), Z.leb 0 z & Z.ltb z (Z.of_N w)]
    then Some [:: b; Z.to_N y; Z.to_N z; a] else None.
Proof.
case/in_box=> -[hb ha _] _; rewrite /image_map /s coord_at //.
set r := [:: b; a; o; i; j; p; q].
have step g f d l : at_map (g :: f) (d :: l) r
  = if Z.leb 0 (aff_at g r) && Z.ltb (aff_at g r) (Z.of_N d)
    then omap (cons (Z.to_N (aff_at g r))) (at_map f l r) else None by [].
rewrite step [in at_map (Layer.reads u 4 6 :: _) _ _]step !reads_at -[reach v _ _]/y -[reach u _ _]/z.
have -> : at_map [:: coord 1] [:: c] r = Some [:: a] by rewrite coord_at.
case: (Z.leb 0 y); case: (Z.ltb y _) => //=.
by case: (Z.leb 0 z); case: (Z.ltb z _).
Qed.

Lemma kernel_at b a o i j p q : [:: b; a; o; i; j; p; q] \in idxs box ->
  at_map (proj [:: 5; 6; 1; 2]%num) t [:: b; a; o; i; j; p; q] = Some [:: p; q; a; o].
Proof. by rewrite mem_idxs => hb; rewrite (at_map_proj (ks := [:: 5; 6; 1; 2]%num) hb). Qed.

Lemma out_at b a o i j p q : [:: b; a; o; i; j; p; q] \in idxs box ->
  at_map (proj [:: 0; 3; 4; 2]%num) out [:: b; a; o; i; j; p; q] = Some [:: b; i; j; o].
Proof. by rewrite mem_idxs => hb; rewrite (at_map_proj (ks := [:: 0; 3; 4; 2]%num) hb). Qed.

Lemma seven r : r \in idxs box -> exists b a o i j p q, r = [:: b; a; o; i; j; p; q].
Proof.
rewrite mem_idxs => /inb_size; case: r => [|b [|a [|o [|i [|j [|p [|q [|? ?]]]]]]]] // _.
by exists b, a, o, i, j, p, q.
Qed.

(** ** What is emitted *)
Theorem conv_graph_kernel e dy p q a o : [:: p; q; a; o] \in idxs t ->
  emitted [:: (2%num, Layer.conv n h w c m v u 1 0 1)] 3 2 1 t e dy [:: p; q; a; o]
  = \sum_(b <- Nrange n) \sum_(i <- Nrange (Layer.places v h)) \sum_(j <- Nrange (Layer.places u w))
      pixel h w (e 0%num) b (reach v i p) (reach u j q) a * dy [:: b; i; j; o].
Proof.
rewrite image_convE mem_idxs /= => /and5P [hp hq ha ho _].
pose ct := View 3 out (proj [:: 0; 3; 4; 2]%num).
transitivity (\sum_(r <- idxs box | at_map (proj [:: 5; 6; 1; 2]%num) t r == Some [:: p; q; a; o])
    (read e (View 0 s image_map) r * (read (upd e 3%num dy) ct r * 1))).
  by rewrite /emitted /= /step /=; apply: eq_bigr => r _; rewrite !big_cons big_nil.
transitivity (\sum_(z <- idxs [:: n; Layer.places v h; Layer.places u w])
    pixel h w (e 0%num) (nth 0%num z 0) (reach v (nth 0%num z 1) p) (reach u (nth 0%num z 2) q) a
    * dy [:: nth 0%num z 0; nth 0%num z 1; nth 0%num z 2; o]); last first.
  rewrite sum_cons; apply: eq_bigr => b _; rewrite sum_cons; apply: eq_bigr => i _.
  by rewrite sum_cons; apply: eq_bigr => j _; rewrite big_seq1.
apply: (sum_bij (h := fun r => [:: nth 0%num r 0; nth 0%num r 3; nth 0%num r 4])
  (g := fun z => [:: nth 0%num z 0; a; o; nth 0%num z 1; nth 0%num z 2; p; q]) (Q := predT)).
- exact: idxs_uniq.
- exact: idxs_uniq.
- move=> r hr; have [b [a' [o' [i [j [p' [q' er]]]]]]] := seven hr; subst r.
  rewrite kernel_at // => /eqP [ep eq' ea eo]; subst p' q' a' o'.
  have [[hb _ _] [hi hj _ _]] := in_box hr; split=> //.
    by rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)).
  rewrite /read image_at // out_at // /pixel mulr1; congr (_ * _).
  by case: ifP.
move=> z; rewrite mem_idxs => hz _; have := inb_size hz; case: z hz => [|b [|i [|j [|? ?]]]] // hz _.
move: hz; rewrite /= => /and4P [hb hi hj _].
have hr : [:: b; a; o; i; j; p; q] \in idxs box by rewrite mem_idxs /= hb ha ho hi hj hp hq.
by have ek := kernel_at hr; split=> //; apply/eqP.
Qed.

Theorem conv_graph_image e dy b y z a : [:: b; y; z; a] \in idxs s ->
  emitted [:: (2%num, Layer.conv n h w c m v u 1 0 1)] 3 2 0 s e dy [:: b; y; z; a]
  = \sum_(x <- idxs [:: m; Layer.places v h; Layer.places u w; Layer.k_size v; Layer.k_size u]
       | Z.eqb (reach v (nth 0%num x 1) (nth 0%num x 3)) (Z.of_N y)
         && Z.eqb (reach u (nth 0%num x 2) (nth 0%num x 4)) (Z.of_N z))
      dy [:: b; nth 0%num x 1; nth 0%num x 2; nth 0%num x 0]
      * e 1%num [:: nth 0%num x 3; nth 0%num x 4; a; nth 0%num x 0].
Proof.
rewrite image_convE mem_idxs => hs.
have /and5P [hb hy hz ha _] : [&& N.ltb b n, N.ltb y h, N.ltb z w, N.ltb a c & true] := hs.
pose ct := View 3 out (proj [:: 0; 3; 4; 2]%num).
transitivity (\sum_(r <- idxs box | at_map image_map s r == Some [:: b; y; z; a])
    (read (upd e 3%num dy) ct r * (read e (View 1 t (proj [:: 5; 6; 1; 2]%num)) r * 1))).
  by rewrite /emitted /= /step /=; apply: eq_bigr => r _; rewrite !big_cons big_nil.
apply: (sum_bij (h := fun r => [:: nth 0%num r 2; nth 0%num r 3; nth 0%num r 4; nth 0%num r 5; nth 0%num r 6])
  (g := fun x => [:: b; a; nth 0%num x 0; nth 0%num x 1; nth 0%num x 2; nth 0%num x 3; nth 0%num x 4])
  (Q := fun x => Z.eqb (reach v (nth 0%num x 1) (nth 0%num x 3)) (Z.of_N y)
         && Z.eqb (reach u (nth 0%num x 2) (nth 0%num x 4)) (Z.of_N z)));
  try exact: idxs_uniq.
- move=> r hr; have [b' [a' [o [i [j [p [q er]]]]]]] := seven hr; subst r.
  rewrite image_at //; case: ifP => // /and4P [/Z.leb_le y0 _ /Z.leb_le z0 _] /eqP [eb ey ez ea]; subst b' a'.
  have [[_ _ ho] [hi hj hp hq]] := in_box hr; split=> //.
  + by rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)).
  + by rewrite -ey -ez /= !Z2N.id // !Z.eqb_refl.
  by rewrite /read kernel_at // out_at // mulr1.
move=> x; rewrite mem_idxs => hx; have := inb_size hx.
case: x hx => [|o [|i [|j [|p [|q [|? ?]]]]]] // hx _ /= /andP [/Z.eqb_eq ey /Z.eqb_eq ez].
move: hx => /= /and5P [ho hi hj hp /andP [hq _]].
have hr : [:: b; a; o; i; j; p; q] \in idxs box by rewrite mem_idxs /= hb ha ho hi hj hp hq.
have ei := image_at hr; rewrite /= in ey ez; rewrite ey ez !N2Z.id in ei.
split=> //; apply/eqP; apply: etrans ei _.
move/N.ltb_lt: hy => hy; move/N.ltb_lt: hz => hz.
have -> : [&& Z.leb 0 (Z.of_N y), Z.ltb (Z.of_N y) (Z.of_N h), Z.leb 0 (Z.of_N z) & Z.ltb (Z.of_N z) (Z.of_N w)].
  by apply/and4P; split; [apply/Z.leb_le|apply/Z.ltb_lt|apply/Z.leb_le|apply/Z.ltb_lt]; lia.
by [].
Qed.
End Conv.
