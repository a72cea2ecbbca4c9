(** * A point, as the bytes of the numbers that are stored

    Arguments of a step at which something is certified: the tensors that are
    fixed, row by row, each number as the four bytes of a binary32 number, the
    highest first. To be read, not proved.

    Glossary
      - [words]          a row of numbers, as bytes
      - [float32]        mantissa [m] and exponent [e] of the number
                         [m 2^e / 2^150]; infinities and not-a-numbers have none
      - [literal]        an argument, its shape, its rows in row-major order. A
                         row may end early: the rest of it is not fixed
      - [at_point]       the arguments are these *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Coq Require Import Init.Byte Strings.Byte.
From Cotangent Require Import Ir Index Denote.
From Cotangent Require Export Words.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

(** Sign: one bit; exponent: eight; then the mantissa. *)
Definition float32 (a b c d : byte) : option (Z * N) :=
  let: (a, b, c, d) := (Strings.Byte.to_N a, Strings.Byte.to_N b, Strings.Byte.to_N c, Strings.Byte.to_N d) in
  let negative := N.leb 128 a in let odd := N.leb 128 b in
  let e := (2 * (if negative then a - 128 else a) + (if odd then 1 else 0))%num in
  let m := (256 * (256 * (if odd then b - 128 else b) + c) + d)%num in
  let signed (m : N) : Z := if negative then Z.opp (Z.of_N m) else Z.of_N m in
  if N.eqb e 255 then None
  else if N.eqb e 0 then Some (signed m, 1%num)
  else Some (signed (8388608 + m)%num, e).

Fixpoint floats (w : words) : seq (option (Z * N)) :=
  if w is F a b c d w' then float32 a b c d :: floats w' else [::].

Record literal := Literal { l_value : N; l_shape : shape; l_rows : seq words }.
Definition point := seq literal.

Section Real.
Variable R : realType.
Local Open Scope ring_scope.

Definition float_real (f : Z * N) : R := int_real R f.1 * 2%:R ^+ N.to_nat f.2 / 2%:R ^+ 150.

(** Entry [j] of row [i] is what is stored there. *)
Definition at_literal (a : N -> tensor R) (l : literal) : Prop :=
  forall i w, List.In (i, w) (zip (idxs (lead (l_shape l))) (l_rows l)) ->
  forall j f, nth None (floats w) j = Some f ->
  a (l_value l) (rcons i (N.of_nat j)) = float_real f.

Definition at_point (pt : point) (a : N -> tensor R) : Prop :=
  forall l, List.In l pt -> at_literal a l.
End Real.
