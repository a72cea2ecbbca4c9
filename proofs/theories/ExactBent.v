(** * Other rectifiers on integers

    ReLU6 and leaky ReLU, where no entry is near one of their kinks.

    Glossary
      - [clear]          the ball of [z] does not reach any of these numbers
      - [bent]           an activation of each entry *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index ExactTable.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition clear (e : N) (r : Z) (points : seq Z) (z : Z) : bool :=
  all (fun p => Z.ltb r (Z.abs (Z.sub z (Z.shiftl p (Z.of_N e))))) points.

(** The result has exponent [e] and radius [r]. *)
Definition bent (points : seq Z) (f : Z -> Z) (e : N) (r : Z) (rectified : bool) (s : shape) (x : fixed) : fixed :=
  let g (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (model, row) then
      if all (clear (f_exponent x) (f_radius x) points) row then Some (model, [seq f z | z <- row]) else None
    else None in
  Fixed e (tabulate id key g (idxs (lead s))) rectified r.

Definition relu6 (s : shape) (x : fixed) : fixed :=
  let six := Z.shiftl 6 (Z.of_N (f_exponent x)) in
  bent [:: 0; 6]%Z (fun z => Z.min (Z.max z 0) six) (f_exponent x) (f_radius x) true s x.

(** A number below 0 times [n / d], rounded. *)
Definition leaky_relu (fraction : N) (n : Z) (d : positive) (s : shape) (x : fixed) : fixed :=
  let e := N.max (f_exponent x) fraction in
  let fine z := Z.shiftl z (Z.of_N (e - f_exponent x)) in
  bent [:: 0%Z] (fun z => if Z.ltb 0 z then fine z else Z.div (Z.mul (fine z) n) (Zpos d)) e
    (Z.add (Z.max (fine (f_radius x)) (Z.div (Z.mul (fine (f_radius x)) (Z.abs n)) (Zpos d) + 1)) 1) false s x.
