(** * The embedding of patches, as its layers emit it

    A convolution with a bias whose places become tokens, a class token before
    them, and positions: the first four layers of a vision transformer, as a
    specification elaborates them. What reverse mode emits for all batches, sizes,
    channels and features: the gradients of image, kernel, bias, class token and
    positions. [embed_gradients] has any windows. Where they move by their own
    size, cell [p, q] of patch [i, j] is pixel [i · height + p, j · width + q]
    ([patch_kernel]).

    Glossary
      - [embedding]         the layers
      - [embedding_inputs]  kernel, bias, class token, positions, images
      - [patches k]         a window of [k] cells that moves by as many
      - [of_patches W dy]   the cotangents of the tokens behind the first, by
                            row and column of their patch
      - [patch_kernel_gradient]  of a cell
      - [token_gradient]    the sum over the batch, of a token
      - [embed_ops], [embed_code]  the instructions, and those emitted for them,
                            whatever the sizes and the convolution's maps *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Grad Transpose Computes Joins JoinsSound Spec Images ImagesSound TransposedSound TokensSound.
From Cotangent Require Import LayersGraphCells LayersGraphConv2d LayersGraphMaxPool.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Definition embedding (m : N) (v u : Layer.window) (tokens : N) : chain := in_turn
  [:: Next "projection" (Layer.Conv2d m v u 1 true); Next "tokens" (Token.Reshape [:: tokens; m]);
      Next "class" Token.Class; Next "positions" Token.Position].
(** A window that moves by its own size. *)
Definition patches (k : N) : Layer.window := Layer.Window k k 0 0 1.
Definition embedding_inputs (n h w c m : N) (v u : Layer.window) (tokens : N) : seq (N * shape) :=
  [:: (0, [:: Layer.k_size v; Layer.k_size u; c; m]); (1, [:: m]); (2, [:: m]); (3, [:: tokens + 1; m]);
      (4, [:: n; h; w; c])]%num.

Section Formulas.
Variable R : realType.

Definition of_patches (W : N) (dy : tensor R) : tensor R := fun i =>
  dy [:: nth 0%num i 0; (1 + (nth 0%num i 1 * W + nth 0%num i 2))%num; nth 0%num i 3].

(** [rows] times [columns] patches, each [ph] times [pw] pixels. *)
Definition patch_kernel_gradient (n rows columns ph pw : N) (x dy : tensor R) (p q a o : N) : R :=
  \sum_(b <- Nrange n) \sum_(i <- Nrange rows) \sum_(j <- Nrange columns)
    x [:: b; (i * ph + p)%num; (j * pw + q)%num; a] * dy [:: b; (1 + (i * columns + j))%num; o].

Definition token_gradient (n : N) (dy : tensor R) (t o : N) : R := \sum_(b <- Nrange n) dy [:: b; t; o].
End Formulas.

Lemma token_below i t : (i < t)%num -> (1 + i < t + 1)%num. Proof. lia. Qed.
Lemma class_below t : (0 + 0 < t + 1)%num. Proof. lia. Qed.
Lemma place_below p q h w : (p < h)%num -> (q < w)%num -> (p * w + q < h * w)%num. Proof. nia. Qed.

Lemma patch_reach k i p : reach (patches k) i p = Z.of_N (i * k + p).
Proof. by rewrite /reach /=; lia. Qed.

Lemma patch_inside k l i p : Layer.window_fits (patches k) l -> (i < Layer.places (patches k) l)%num -> (p < k)%num ->
  (i * k + p < l)%num.
Proof.
case/and4P=> /= _ /N.ltb_lt hk _ /N.leb_le; rewrite /Layer.places /Layer.span /= => hf hi hp.
have := N.mul_div_le (l + 0 + 0 - (N.pred k * 1 + 1)) k; move: hi; move: (_ / _)%num => d; nia.
Qed.

Section Embed.
Variable R : realType.

Lemma sum3 n t m (F : idx -> R) : \sum_(i <- idxs [:: n; t; m]) F i
  = \sum_(b <- Nrange n) \sum_(i <- Nrange t) \sum_(o <- Nrange m) F [:: b; i; o].
Proof.
rewrite sum_cons; apply: eq_bigr => b _; rewrite sum_cons; apply: eq_bigr => i _.
by rewrite sum_cons; apply: eq_bigr => o _; rewrite big_seq1.
Qed.

Lemma in3 n t m b i o : (b < n)%num -> (i < t)%num -> (o < m)%num -> [:: b; i; o] \in idxs [:: n; t; m].
Proof. by move=> *; rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)). Qed.

Lemma patch_place n r c m b p q o : (b < n)%num -> (p < r)%num -> (q < c)%num -> (o < m)%num ->
  same_place [:: n; (r * c)%num; m] [:: n; r; c; m] [:: b; p; q; o] = [:: b; (p * c + q)%num; o].
Proof.
move=> hb hp hq ho; have lt := place_below hp hq.
have hs : size_of [:: n; r; c; m] = size_of [:: n; (r * c)%num; m] by rewrite /size_of /foldr -!N.mul_assoc.
have back := same_placeK hs (in3 hb lt ho).
have in_b : [:: b] \in idxs [:: n] by rewrite mem_idxs /= (proj2 (N.ltb_lt _ _) hb).
have in_o : [:: o] \in idxs [:: m] by rewrite mem_idxs /= (proj2 (N.ltb_lt _ _) ho).
have := same_place_merged in_b in_o (proj2 (N.ltb_lt _ _) lt); rewrite /cat => e.
have pos : c <> 0%num by lia.
rewrite -[RHS]back e; congr (same_place _ _ [:: _; _; _; _]).
  by rewrite N.div_add_l // N.div_small // N.add_0_r.
by rewrite N.add_comm N.mod_add // N.mod_small.
Qed.

Lemma token_back n t m a (y : env R) i o : (i < t)%num -> (o < m)%num ->
  den (Contract [:: n; t; m] [:: t; m] (proj [:: 1; 2]%num) [:: View a [:: n; t; m] (id_map [:: n; t; m])]) y [:: i; o]
  = token_gradient n (y a) i o.
Proof.
move=> hi ho; rewrite (@den_collect R [:: n; t; m] [:: 1; 2]%num) // big_mkcond sum3.
apply: eq_bigr => b _; rewrite (@sum_range R t i) // => [|i' /negPf ne]; last first.
  by rewrite big1 // => o' _; rewrite /pick /=; case: eqP => // -[e _]; rewrite e eqxx in ne.
rewrite (@sum_range R m o) // => [|o' /negPf ne]; first by rewrite /pick /= eqxx.
by rewrite /pick /=; case: eqP => // -[e]; rewrite e eqxx in ne.
Qed.

Lemma feature_back n m a (y : env R) o : (o < m)%num ->
  den (Contract [:: n; 1; m]%num [:: m] (proj [:: 2]%num) [:: View a [:: n; 1; m]%num (id_map [:: n; 1; m]%num)]) y [:: o]
  = token_gradient n (y a) 0 o.
Proof.
move=> ho; rewrite (@den_collect R [:: n; 1; m]%num [:: 2]%num) // big_mkcond sum3.
apply: eq_bigr => b _; rewrite big_seq1 (@sum_range R m o) // => [|o' /negPf ne]; first by rewrite /pick /= eqxx.
by rewrite /pick /=; case: eqP => // -[e]; rewrite e eqxx in ne.
Qed.
(** Cotangents of a part along the tokens, from [j] on. *)
Lemma part_back n t t' m j a (y : env R) b i o : (b < n)%num -> (i < t')%num -> (o < m)%num -> (j + i < t)%num ->
  den (Contract [:: n; t'; m] [:: n; t'; m] (proj (first_dims 3)) [:: View a [:: n; t; m] (steps_map (part_steps 3 1 j))])
    y [:: b; i; o] = y a [:: b; (j + i)%num; o].
Proof.
move=> hb hi ho hj; rewrite (@den_view R [:: n; t'; m]) ?in3 // /read [v_map _]/= [v_shape _]/= [v_id _]/=.
have := @at_part1 j n t m b i o; rewrite !(proj2 (N.ltb_lt _ _)) // => h.
by rewrite h.
Qed.

(** The instructions; sizes and the convolution's maps are any. *)
Section Graph.
Variables (n rows columns tokens more m : N) (box s t : shape) (f mx mk : imap).
Notation out := [:: n; rows; columns; m].
Notation all := [:: n; more; m].
Definition embed_ops : prog :=
  [:: (5, Contract box out f [:: View 4 s mx; View 0 t mk]); (6, Layer.every_place n rows columns m 1);
      (7, Bin out Add 5 6); (8, Ir.Reshape out [:: n; tokens; m] 7); (9, repeat_over [:: n; 1; m] [:: 2] 2);
      (10, pad_to (part_steps 3 1 1) [:: n; tokens; m] all 8);
      (11, pad_to (part_steps 3 1 0) [:: n; 1; m] all 9); (12, Bin all Add 11 10);
      (13, repeat_over all [:: 1; 2] 3); (14, Bin all Add 12 13)]%num.

Definition embed_code : prog :=
  [:: (16, Contract all [:: more; m] (proj [:: 1; 2]) [:: View 15 all (id_map all)]);
      (17, Contract [:: n; 1; m] [:: n; 1; m] (proj (first_dims 3)) [:: View 15 all (steps_map (part_steps 3 1 0))]);
      (18, Contract [:: n; tokens; m] [:: n; tokens; m] (proj (first_dims 3)) [:: View 15 all (steps_map (part_steps 3 1 1))]);
      (19, Contract [:: n; 1; m] [:: m] (proj [:: 2]) [:: View 17 [:: n; 1; m] (id_map [:: n; 1; m])]);
      (20, Ir.Reshape [:: n; tokens; m] out 18);
      (21, Contract out [:: m] (proj [:: 3]) [:: View 20 out (proj [:: 0; 1; 2; 3])]);
      (22, Contract box s mx [:: View 20 out f; View 0 t mk]);
      (23, Contract box t mk [:: View 4 s mx; View 20 out f])]%num.

Lemma embed_grad z0 z1 z2 z3 z4 :
  grad embed_ops 15 14 [:: (0, z0); (1, z1); (2, z2); (3, z3); (4, z4)]%num = (embed_code, [:: 23; 21; 19; 16; 22]%num).
Proof. by vm_compute. Qed.

Lemma embed_values z0 z1 z2 z3 z4 (e : env R) dy : exists y : env R,
  [/\ gradients embed_ops 15 14 [:: (0, z0); (1, z1); (2, z2); (3, z3); (4, z4)]%num e dy = [:: y 23; y 21; y 19; y 16; y 22]%num,
    y 15%num = dy /\ (forall j, (j < 5)%num -> y j = e j) & computes y embed_code].
Proof.
have eg := embed_grad z0 z1 z2 z3 z4.
have w1 : ordered embed_ops 5 by vm_compute.
have w2 : ordered embed_code (N.succ 15) by vm_compute.
have := @gradients_computes R embed_ops 15 14 [:: (0, z0); (1, z1); (2, z2); (3, z3); (4, z4)]%num 5 e dy.
rewrite eg => /(_ w1 erefl w2) [y [-> hc low h15]].
by exists y; split; [| split; [exact: h15 | exact: low] | exact: (computes_cat hc).2].
Qed.
End Graph.

Section Any.
Variables (n h w c m : N) (v u : Layer.window).
Let rows := Layer.places v h.
Let columns := Layer.places u w.
Let tokens := (rows * columns)%num.
Let s : shape := [:: n; h; w; c].

Definition embed_graph : prog :=
  [:: (5, Layer.conv n h w c m v u 1 4 0); (6, Layer.every_place n rows columns m 1);
      (7, Bin [:: n; rows; columns; m] Add 5 6); (8, Ir.Reshape [:: n; rows; columns; m] [:: n; tokens; m] 7);
      (9, repeat_over [:: n; 1; m] [:: 2] 2);
      (10, pad_to (part_steps 3 1 1) [:: n; tokens; m] [:: n; tokens + 1; m] 8);
      (11, pad_to (part_steps 3 1 0) [:: n; 1; m] [:: n; tokens + 1; m] 9);
      (12, Bin [:: n; tokens + 1; m] Add 11 10);
      (13, repeat_over [:: n; tokens + 1; m] [:: 1; 2] 3);
      (14, Bin [:: n; tokens + 1; m] Add 12 13)]%num.

Lemma emit_embedding code out names :
  emit_layers n (embedding m v u tokens) [::] [:: h; w; c] 0 (Masks 0) 4 5 = Some (code, out, names) ->
  [/\ Layer.window_fits v h, Layer.window_fits u w, Layer.divides 1 c & Layer.divides 1 m]
  /\ code = embed_graph /\ out = 14%num.
Proof.
have out1 : Layer.output (Layer.Conv2d m v u 1 true) [:: h; w; c] = if [&& Layer.window_fits v h, Layer.window_fits u w, Layer.divides 1 c & Layer.divides 1 m]
  then Some [:: rows; columns; m] else None by [].
have out2 : Token.output (Token.Reshape [:: tokens; m]) [:: rows; columns; m] = Some [:: tokens; m].
  have et : N.eqb (size_of [:: tokens; m]) (size_of [:: rows; columns; m]).
    by apply/N.eqb_eq; rewrite /tokens /size_of /foldr -!N.mul_assoc.
  by rewrite /Token.output et.
rewrite /embedding /in_turn /foldr /emit_layers out1; case: ifP => // /and4P fits.
rewrite -[Layer.output (Token.Reshape _) _]/(Token.output (Token.Reshape [:: tokens; m]) [:: rows; columns; m]) out2.
move=> e; split=> //; move: e.
set lhs := (X in X = _ -> _); pose l := lhs; hnf in l; rewrite -[lhs]/l /l.
by move=> -[<- <- _].
Qed.
Theorem embed_gradients code out names (e : env R) dy :
  emit_layers n (embedding m v u tokens) [::] [:: h; w; c] 0 (Masks 0) 4 5 = Some (code, out, names) ->
  exists dk db dclass dpos dx,
  [/\ gradients code 15 out (embedding_inputs n h w c m v u tokens) e dy = [:: dk; db; dclass; dpos; dx]
      /\ eqt s dx (image_gradient h w c m v u 1 (e 0%num) (of_patches columns dy)),
   forall p q a o, (p < Layer.k_size v)%num -> (q < Layer.k_size u)%num -> (a < c)%num -> (o < m)%num ->
     dk [:: p; q; a; o] = kernel_gradient n h w c m v u 1 (e 4%num) (of_patches columns dy) p q a o,
   forall o, (o < m)%num -> db [:: o] = place_gradient n rows columns (of_patches columns dy) o,
   forall o, (o < m)%num -> dclass [:: o] = token_gradient n dy 0 o
   & forall t o, (t < tokens + 1)%num -> (o < m)%num -> dpos [:: t; o] = token_gradient n dy t o].
Proof.
move=> /emit_embedding [[hv hu hc hm] [-> ->]].
have [y [eg [h15 low] hcode]] := embed_values n rows columns tokens (tokens + 1) m
  ([:: n; N.div c 1; N.div m 1; rows; columns; Layer.k_size v; Layer.k_size u] ++ [::]) s
  [:: Layer.k_size v; Layer.k_size u; N.div c 1; m]
  [:: coord 0; coord 3; coord 4; Layer.grouped 1 (N.div m 1) 2]
  [:: coord 0; Layer.reads v 3 5; Layer.reads u 4 6; Layer.grouped 1 (N.div c 1) 1]
  [:: coord 5; coord 6; coord 1; Layer.grouped 1 (N.div m 1) 2]
  [:: Layer.k_size v; Layer.k_size u; c; m] [:: m] [:: m] [:: (tokens + 1)%num; m] s e dy.
move: hcode => /computes_cons [h16] /computes_cons [h17] /computes_cons [h18] /computes_cons [h19].
move=> /computes_cons [h20] /computes_cons [h21] /computes_cons [h22] /computes_cons [h23 _].
have y18 b i o : (b < n)%num -> (i < tokens)%num -> (o < m)%num -> y 18%num [:: b; i; o] = dy [:: b; (1 + i)%num; o].
  by move=> hb hi ho; rewrite h18 -h15; exact: part_back hb hi ho (token_below hi).
have y20 : eqt [:: n; rows; columns; m] (y 20%num) (of_patches columns dy).
  move=> i /idxs4 [b [p [q [o [-> hb hp hq ho]]]]]; rewrite h20 [LHS]/=.
  move/N.ltb_lt: hb => hb; move/N.ltb_lt: hp => hp; move/N.ltb_lt: hq => hq; move/N.ltb_lt: ho => ho.
  rewrite (patch_place hb hp hq ho); exact: (y18 _ _ _ hb (place_below hp hq) ho).
exists (y 23%num), (y 21%num), (y 19%num), (y 16%num), (y 22%num); split.
- split; first exact: eg.
  move=> i hi; rewrite h22.
  have back := image_back hv hu hc hm y 20 0 hi; rewrite (low 0%num erefl) in back.
  apply: etrans back _; have [ea e1] := enlarged_back hv; have [eb e2] := enlarged_back hu.
  have same := @conv_transpose2d_eqt n rows columns m c v u ea eb 1 hm hc R _ _ (e 0%num) y20.
  rewrite /rows /columns e1 e2 in same; exact: same hi.
- move=> p q a o hp hq ha ho; rewrite h23.
  have ha' : (a < N.div c 1)%num by rewrite N.div_1_r.
  have back := kernel_back n hv hu hc hm y 20 4 hp hq ha' ho; rewrite (low 4%num erefl) in back.
  apply: etrans back _; rewrite /kernel_gradient big_seq [RHS]big_seq; apply: eq_bigr => b; rewrite mem_Nrange => /N.ltb_lt hb.
  rewrite /windows big_seq [RHS]big_seq; apply: eq_bigr => i; rewrite mem_Nrange => /N.ltb_lt hi.
  rewrite big_seq [RHS]big_seq; apply: eq_bigr => j; rewrite mem_Nrange => /N.ltb_lt hj.
  by congr (_ * _); apply: y20; exact: in4.
- move=> o ho; rewrite h21 (every_place_back _ _ _ _ _ ho) /place_gradient big_seq [RHS]big_seq; apply: eq_bigr => b; rewrite mem_Nrange => /N.ltb_lt hb.
  rewrite big_seq [RHS]big_seq; apply: eq_bigr => i; rewrite mem_Nrange => /N.ltb_lt hi.
  rewrite big_seq [RHS]big_seq; apply: eq_bigr => j; rewrite mem_Nrange => /N.ltb_lt hj.
  by apply: y20; exact: in4.
- move=> o ho; rewrite h19 (feature_back _ _ _ ho) /token_gradient big_seq [RHS]big_seq; apply: eq_bigr => b; rewrite mem_Nrange => /N.ltb_lt hb.
  by rewrite h17 -h15; exact: part_back hb (erefl : (0 < 1)%num) ho (class_below tokens).
by move=> t o ht ho; rewrite h16 -h15; exact: token_back.
Qed.
End Any.

Theorem patch_kernel n h w c m ph pw (x dy : tensor R) p q a o
    (rows := Layer.places (patches ph) h) (columns := Layer.places (patches pw) w) :
  Layer.window_fits (patches ph) h -> Layer.window_fits (patches pw) w -> (p < ph)%num -> (q < pw)%num -> (o < m)%num ->
  kernel_gradient n h w c m (patches ph) (patches pw) 1 x (of_patches columns dy) p q a o
  = patch_kernel_gradient n rows columns ph pw x dy p q a o.
Proof.
move=> fv fu hp hq ho; rewrite /kernel_gradient /patch_kernel_gradient; apply: eq_bigr => b _.
have -> : N.div o (N.div m 1) = 0%num by rewrite N.div_1_r; exact: N.div_small.
rewrite /windows big_seq [RHS]big_seq; apply: eq_bigr => i; rewrite mem_Nrange => /N.ltb_lt hi.
rewrite big_seq [RHS]big_seq; apply: eq_bigr => j; rewrite mem_Nrange => /N.ltb_lt hj.
rewrite /pixel !patch_reach !N2Z.id; have in_h := patch_inside fv hi hp; have in_w := patch_inside fu hj hq.
have -> : [&& Z.leb 0 (Z.of_N (i * ph + p)), Z.ltb (Z.of_N (i * ph + p)) (Z.of_N h),
    Z.leb 0 (Z.of_N (j * pw + q)) & Z.ltb (Z.of_N (j * pw + q)) (Z.of_N w)].
  by apply/and4P; split; [apply/Z.leb_le | apply/Z.ltb_lt | apply/Z.leb_le | apply/Z.ltb_lt]; lia.
by [].
Qed.
End Embed.
