(** * The derivative of a loss in a direction, as code

    It is the inner product of the gradient with the direction, and its gradient
    is the Hessian times the direction ([Hessian.v]).

    Glossary
      - [along params gs vs k]  code, numbered from [k]: the inner product of
                         the gradients [gs] and the values [vs]
      - [last_of k p]    the last value of [p], numbered from [k]
      - [slope_code], [slope_at]  the program with its gradient and the inner
                         product; the identifier of that, before [slope_base]
      - [slope]          the derivative of the loss in the direction
      - [hessian_direction]  what the code emitted for [slope_code] computes *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Denote Grad Gradient.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** The sum so far is the value before [k]. *)
Fixpoint along_from (params : seq (N * shape)) (gs vs : seq N) (k : N) : prog :=
  match params, gs, vs with
  | q :: params', g :: gs', v :: vs' =>
      [:: (k, Contract q.2 [::] [::] [:: View g q.2 (id_map q.2); View v q.2 (id_map q.2)]),
          (N.succ k, Bin [::] Add (N.pred k) k)
        & along_from params' gs' vs' (N.succ (N.succ k))]
  | _, _, _ => [::] end.
Definition along (params : seq (N * shape)) (gs vs : seq N) (k : N) : prog :=
  (k, Const [::] 0 1) :: along_from params gs vs (N.succ k).
Definition last_of (k : N) (p : prog) : N := N.pred (k + N.of_nat (size p)).

Section Slope.
Variables (p : prog) (nin : N) (params : seq (N * shape)) (base out : N).
(** The direction: inputs of the parameters' shapes, that are not parameters. *)
Variable vs : seq N.

Let g := loss_grad p base out params.
Let p1 := p ++ g.1.
Let k1 := (nin + N.of_nat (size p1))%num.
Definition slope_code : prog := p1 ++ along params g.2 vs k1.
Definition slope_at : N := last_of k1 (along params g.2 vs k1).
Definition slope_base : N := N.succ slope_at.

Variables (R : realType) (x : env R).
Notation point := 'rV[R]_(dim params).+1.
Let direction : point := gradient params vs x.
Definition slope (θ : point) : R^o := 'd (loss p out x : point -> R^o) θ direction.
Definition hessian_direction (θ : point) : point :=
  let g' := loss_grad slope_code slope_base slope_at params in computed slope_code g'.1 g'.2 x θ.
End Slope.
