(** * Off the kinks

    The points at which every op that a program meets is differentiable. The
    values of a program depend on a point [x] of a normed module; most
    conditions are about the values at [x0] alone. A maximum over a window is
    differentiable where its first greatest cell stays greatest near [x0]: one
    strict maximum is enough ([strictly_greatest] in [SmoothFacts.v]), and so are
    tied cells that are the same function of [x], as behind rectifiers that are
    off.

    Glossary
      - [una_smooth u x]  the pointwise function [u] is differentiable at [x]
      - [stays_greatest s k m X i]  in the window at [i], it does
      - [smooth_op o E]   [o] is off its kinks, its operands being [E x]
      - [smooth_run p E]  so are all ops of [p], run from [E x] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import BinNums.
From Cotangent Require Import Denote.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope. Local Open Scope classical_set_scope.

(** Where a pointwise function is differentiable. With slope 1 at 0 from below,
    an ELU has no kink there. *)
Definition una_smooth (R : realType) (u : unary) (x : R) : Prop := match u with
| Log | Sqrt | Rsqrt => 0 < x
| Relu | Abs => x != 0
| Elu n d => x != 0 \/ rational R n d = 1
| Clamp n d m e => x != rational R n d /\ x != rational R m e
| _ => True end.

Section Smooth.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

(** In the window at [i], the first greatest cell stays greatest. *)
Definition stays_greatest (s k : shape) (m : imap) (X : V -> tensor R) (i : idx) : Prop :=
  forall c j, chosen s k m (X x0) i = Some c -> j \in cells s k m i ->
  \forall x \near x0, X x j <= X x c.

Definition smooth_op (o : op) E : Prop := match o with
| Una s u a => forall i, i \in idxs s -> una_smooth u (E x0 a i)
| Bin s Div _ b => forall i, i \in idxs s -> E x0 b i != 0
| Bin s Max a b => forall i, i \in idxs s -> E x0 a i != E x0 b i
| Sel s _ a b _ _ => forall i, i \in idxs s -> E x0 a i != E x0 b i
| MaxPool s out k m a | MaxPoolGrad s out k m a _ =>
    forall i, i \in idxs out -> stays_greatest s k m (fun x => E x a) i
| _ => True end.

Fixpoint smooth_run (p : prog) E : Prop := match p with
| [::] => True
| i :: p' => smooth_op i.2 E /\ smooth_run p' (fun x => step (E x) i) end.
End Smooth.
