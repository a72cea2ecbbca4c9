(** * What it means to join branches

    As functions of real tensors, whose first index is the example.

    Glossary
      - [stretched s y]   [y], of shape [s] for one example, with its dimensions of
                          size 1 repeated
      - [merged]          a tensor merged with others, element by element
      - [concatenated]    the features of tensors, one after the other
      - [joined]          branches, with their shapes, joined
      - [kinks_of_join]   the kinks of a join
      - [join_inputs]     where a maximum takes sides: each branch's difference
                          from those before *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Denote SpecJoin AttentionFormula MeaningLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Definition kinks_of_join (name : string) (j : joining) : seq kink :=
  if j is Merged Maximum then [:: MeetAt name] else [::].

Section MeaningJoin.
Variable R : realType.

(** A dimension of size 1 has index 0 only. *)
Definition stretched (s : shape) (y : tensor R) : tensor R := fun i =>
  y (head 0%num i :: [seq if N.eqb q.1 1 then 0%num else q.2 | q <- zip s (behead i)]).

Definition combined (m : merging) (x y : R) : R := match m with
| Sum => x + y
| Product => x * y
| Maximum => Num.max x y
end.

Fixpoint merged (m : merging) (y : tensor R) (parts : seq (shape * tensor R)) : tensor R :=
  if parts is (s, z) :: parts' then merged m (fun i => combined m (y i) (stretched s z i)) parts'
  else y.

(** The entry at [i] and feature [k] of those of the parts, one after the other. *)
Fixpoint concatenated (parts : seq (shape * tensor R)) (i : idx) (k : N) : R :=
  if parts is (s, y) :: parts' then
    if N.ltb k (feature_count s) then y (rcons i k) else concatenated parts' i (k - feature_count s)
  else 0.

Definition joined (j : joining) (parts : seq (shape * tensor R)) : tensor R := match j, parts with
| Merged m, (s, y) :: parts' => merged m (stretched s y) parts'
| Merged _, [::] => fun _ => 0
| Concat, _ => fun i => concatenated parts (lead i) (last 0%num i)
| Attend heads, [:: ([:: u; _], kv); ([:: _; m], q)] => cross_attention u m (N.div m heads) kv q
| Attend _, _ => fun _ => 0   (* does not occur: [elaborate] refuses it *)
end.

(** [y] is the maximum so far. The shape [z] is that of the result. *)
Fixpoint maximum_inputs (V : Type) (name : string) (z : shape) (y : V -> tensor R)
    (parts : seq (shape * (V -> tensor R))) : seq (string * shape * (V -> tensor R)) :=
  if parts is (s, w) :: parts' then
    (name, z, fun v i => y v i - stretched s (w v) i)
      :: maximum_inputs name z (fun v i => Num.max (y v i) (stretched s (w v) i)) parts'
  else [::].

Definition join_inputs (V : Type) (name : string) (j : joining) (z : shape)
    (parts : seq (shape * (V -> tensor R))) : seq (string * shape * (V -> tensor R)) :=
  if (j, parts) is (Merged Maximum, (s, y) :: parts')
  then maximum_inputs name z (fun v => stretched s (y v)) parts' else [::].
End MeaningJoin.
