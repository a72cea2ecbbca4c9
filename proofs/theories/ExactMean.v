(** * Means on integers

    The mean of a window, or of an image, for each feature, rounded.

    Glossary
      - [total_row]      the sum of rows, feature by feature
      - [mean_layer]     at each place the sum of the rows at [sources], divided
                         by [count] of their number
      - [image_means]    of whole images *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index SpecLayer Images ExactTable.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition total_row (c : N) (es : seq entry) : row :=
  foldr (fun (e : entry) acc => zip_with Z.add e.2 acc) (nseq (N.to_nat c) 0%Z) es.

Section Mean.
Variables (fraction c : N) (sources : idx -> seq idx) (count : nat -> Z) (x : fixed).

Definition mean_exponent : N := N.max (f_exponent x) fraction.

(** A mean is of at least one number, and of no more than it divides by. What is
    above 0 is not rounded to 0. *)
Definition mean_row (es : seq entry) : row :=
  let n := count (size es) in
  if Z.ltb 0 n && Z.leb (Z.of_nat (size es)) n then
    [seq Z.opp (Z.div (Z.opp (Z.shiftl z (Z.of_N (mean_exponent - f_exponent x)))) n) | z <- total_row c es]
  else [::].

Definition mean_layer (places : seq idx) : fixed :=
  Fixed mean_exponent (shared (fun i => all_rows c x (sources i)) mean_row places) (nonnegative x)
    (Z.add (Z.shiftl (f_radius x) (Z.of_N (mean_exponent - f_exponent x))) 1).
End Mean.

Definition window_sources (h w : N) (v u : Layer.window) (i : idx) : seq idx :=
  [seq [:: nth 0%num i 0; p.1; p.2] | p <- window_cells h w v u (nth 0%num i 1) (nth 0%num i 2)].

Definition avg_pool (fraction batch h w c : N) (v u : Layer.window) (padding_counts : bool) (x : fixed) : fixed :=
  mean_layer fraction c (window_sources h w v u)
    (fun k => if padding_counts then Z.of_N (Layer.k_size v * Layer.k_size u) else Z.of_nat k) x
    (idxs [:: batch; Layer.places v h; Layer.places u w]).

(** Each of the images at these places. *)
Definition image_means (fraction h w c : N) (places : seq idx) (x : fixed) : fixed :=
  mean_layer fraction c (fun i => [seq [:: nth 0%num i 0; p; q] | p <- Nrange h, q <- Nrange w])
    (fun _ => Z.of_N (h * w)) x places.
Definition global_avg_pool (fraction batch h w c : N) : fixed -> fixed :=
  image_means fraction h w c (idxs [:: batch]).

(** The same, whose dimensions may stay. *)
Definition average (fraction batch h w c : N) (keep : bool) : fixed -> fixed :=
  image_means fraction h w c (idxs (if keep then [:: batch; 1; 1] else [:: batch])%num).
