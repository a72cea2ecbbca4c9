(** * Convolutions of images, in formulas

    What a convolutional layer computes; to be read, not proved. Images are
    tensors [batch × height × width × channels], kernels
    [height × width × channels of a group × features].

    Glossary
      - [reach v o k]    where cell [k] of window [v] lies, at place [o]
      - [pixel h w x]    the image, with zeros around it
      - [conv2d]         the convolution *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote Spec.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(** Counted from the first row (or column) of the image; negative before it. *)
Definition reach (v : Layer.window) (o k : N) : Z :=
  (Z.of_N (o * Layer.k_stride v + k * Layer.k_dilation v) - Z.of_N (Layer.k_low v))%Z.

Section Images.
Variable R : realType.

Definition pixel (h w : N) (x : tensor R) (image : N) (row column : Z) (channel : N) : R :=
  if [&& Z.leb 0 row, Z.ltb row (Z.of_N h), Z.leb 0 column & Z.ltb column (Z.of_N w)]
  then x [:: image; Z.to_N row; Z.to_N column; channel] else 0.

(** Output feature [o] belongs to group [o / (features / groups)], which sees
    its own share of the channels. *)
Definition conv2d (h w c m : N) (v u : Layer.window) (g : N) (x kernel : tensor R) : tensor R :=
fun i =>
  let image := nth 0%num i 0 in let row := nth 0%num i 1 in
  let column := nth 0%num i 2 in let o := nth 0%num i 3 in
  let channels := N.div c g in
  let group := N.div o (N.div m g) in
  \sum_(a <- Nrange channels) \sum_(p <- Nrange (Layer.k_size v)) \sum_(q <- Nrange (Layer.k_size u))
    pixel h w x image (reach v row p) (reach u column q) (group * channels + a)
    * kernel [:: p; q; a; o].
End Images.
