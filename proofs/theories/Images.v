(** * Convolutions, pools and interpolation of images, in formulas

    What layers on images compute; to be read, not proved. Images are
    tensors [batch × height × width × channels], kernels
    [height × width × channels of a group × features]; those of a transposed
    convolution, [height × width × features of a group × channels].

    Glossary
      - [reach v o k]    where cell [k] of window [v] lies, at place [o]
      - [pixel h w x]    the image, with zeros around it
      - [conv2d]         the convolution
      - [conv_transpose2d]  the convolution transposed
      - [new_line], [enlarged_line]  a pixel of a line enlarged by interpolation
      - [bilinear]       the image enlarged, rows and columns
      - [window_cells]   the cells of a window that lie in the image
      - [greatest l]     the maximum of a list that is not empty
      - [max_pool], [avg_pool]  their maximum, their mean *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** Counted from the first row (or column) of the image; negative before it. *)
Definition reach (v : Layer.window) (o k : N) : Z :=
  (Z.of_N (o * Layer.k_stride v + k * Layer.k_dilation v) - Z.of_N (Layer.k_low v))%Z.

(** Rows and columns; the window's first row first. *)
Definition window_cells (h w : N) (v u : Layer.window) (row column : N) : seq (N * N) :=
  let all := [seq (reach v row p, reach u column q)
             | p <- Nrange (Layer.k_size v), q <- Nrange (Layer.k_size u)] in
  [seq (Z.to_N z.1, Z.to_N z.2) | z <- all
  & [&& Z.leb 0 z.1, Z.ltb z.1 (Z.of_N h), Z.leb 0 z.2 & Z.ltb z.2 (Z.of_N w)]].

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

(** Each number [y, z] of the input puts a copy of the kernel, times itself, on the
    result: its cell [p, q] on the row [reach v y p] and the column [reach u z q].
    Copies that overlap are added; what is put beside the result, is lost. *)
Definition conv_transpose2d (h w c m : N) (v u : Layer.window) (g : N) (x kernel : tensor R)
    : tensor R := fun i =>
  let image := nth 0%num i 0 in let row := nth 0%num i 1 in
  let column := nth 0%num i 2 in let o := nth 0%num i 3 in
  let channels := N.div c g in let features := N.div m g in
  let group := N.div o features in
  \sum_(a <- Nrange channels) \sum_(y <- Nrange h) \sum_(z <- Nrange w)
    \sum_(p <- Nrange (Layer.k_size v) | Z.eqb (reach v y p) (Z.of_N row))
    \sum_(q <- Nrange (Layer.k_size u) | Z.eqb (reach u z q) (Z.of_N column))
      x [:: image; y; z; (group * channels + a)%num]
      * kernel [:: p; q; N.modulo o features; (group * channels + a)%num].

(** Of each of [n] pixels in a line become [f]. The centre of the [j]-th of them
    lies [(2 j + 1 - f) / 2 f] of a pixel behind that of pixel [i], before it if
    this is negative. At a distance of [d] it is [1 - d] times pixel [i] and [d]
    times the next pixel on that side, which at the border is pixel [i] itself.
    [near] and [far] are what the file's element type stores for [1 - d] and [d];
    where [f] is a power of two, that is the same. *)
Definition new_line (w : Bilinear.weights) (f j n : N) (line : N -> R) (i : N) : R :=
  let mixed other := line i * rational R (Bilinear.near w).1 (Bilinear.near w).2
    + other * rational R (Bilinear.far w).1 (Bilinear.far w).2 in
  match N.compare (2 * j + 1) f with
  | Lt => mixed (line (N.pred i))
  | Eq => line i
  | Gt => mixed (line (N.min (i + 1) (n - 1)))
  end.
Definition no_weights : Bilinear.weights := Bilinear.Weights (0%Z, 1%positive) (0%Z, 1%positive).
Definition enlarged_line (ws : seq Bilinear.weights) (n : N) (line : N -> R) (r : N) : R :=
  let f := N.of_nat (size ws) in let i := N.div r f in let j := N.modulo r f in
  new_line (nth no_weights ws (N.to_nat j)) f j n line i.

Definition bilinear (h w : N) (rows columns : seq Bilinear.weights) (x : tensor R) : tensor R := fun i =>
  let image := nth 0%num i 0 in let row := nth 0%num i 1 in
  let column := nth 0%num i 2 in let channel := nth 0%num i 3 in
  enlarged_line columns w
    (fun q => enlarged_line rows h (fun p => x [:: image; p; q; channel]) row) column.

Definition greatest (l : seq R) : R := foldr Num.max (head 0 l) (behead l).

(** Values of the cells, at a place of a channel. *)
Definition window_values (h w : N) (v u : Layer.window) (x : tensor R) (i : idx) : seq R :=
  let image := nth 0%num i 0 in let channel := nth 0%num i 3 in
  [seq x [:: image; p.1; p.2; channel] | p <- window_cells h w v u (nth 0%num i 1) (nth 0%num i 2)].

Definition max_pool (h w : N) (v u : Layer.window) (x : tensor R) : tensor R := fun i =>
  greatest (window_values h w v u x i).

(** The zeros around the image count, or they do not. *)
Definition avg_pool (h w : N) (v u : Layer.window) (padding_counts : bool) (x : tensor R) : tensor R :=
fun i =>
  let values := window_values h w v u x i in
  (\sum_(y <- values) y)
  / (if padding_counts then int_real R (Z.of_N (Layer.k_size v * Layer.k_size u))
     else (size values)%:R).
End Images.
