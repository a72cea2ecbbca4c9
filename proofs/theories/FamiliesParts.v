(** * What the families of networks are made of

    The words in which [Families*.v] declare networks of any depth: windows that
    cut an image into patches or move over it padded on both sides alike, layers
    that several of the families have, by their names in
    [crates/net/src/blocks], branches that are joined, and stages of blocks, of
    which the first may make the image smaller and change the features.

    Glossary
      - [patch n]         a window of [n] cells that moves by as many
      - [around k s]      one of [k] cells that moves by [s], with half of [k] zeros
                          on each side; [strided s n] is at how many places of [n]
                          it is, where [k] is odd
      - [normalised], [batch_normalised], [gelu], [silu], [relu], [relu6], [conv]
                          layers of these kinds
      - [relu_kinks], [relu6_kinks]  the kinks of two of them
      - [many b p q]      [b] images of [p] times [q] places have more than one
                          place: a variance is of more than one number
      - [scaled scales]   a scale for each feature, if there are scales
      - [dropped rate]    stochastic depth, if there is a rate
      - [numbered2 a i b j]  the name [a], number [i], [b], number [j]
      - [stack block n rest]  [n] blocks, numbered from 0, then [rest]
      - [plus name a rest] the sum of what comes in and of what [a] makes of it,
                          then [rest]
      - [numbered a i]    the name [a], number [i]
      - [summed name a b] what [a] and [b] make of what comes in, added
      - [residual name a] what comes in, and what [a] makes of it, added
      - [gated name a]    the same, multiplied
      - [blocks], [stride], [features]  of a stage: how many blocks, stride of
                          the first, features that they give
      - [block i k st c]  block [k] of stage [st], number [i], on [c] channels;
                          [kinks_of_block i k st] its kinks
      - [stages_from i l c]  the stages [l], of which the first is number [i];
                          [stages_kinks i l] their kinks
      - [features_after], [size_after]  of a stage, from those before it *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String DecimalString.
From Cotangent Require Import Ir Spec Meaning.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

(** ** Names, windows *)
Definition numbered (name : string) (i : nat) : string :=
  name ++ NilZero.string_of_uint (Nat.to_uint i).
Definition numbered2 (a : string) (i : nat) (b : string) (j : nat) : string := numbered (numbered a i ++ b) j.

Definition patch (n : N) : Layer.window := Layer.Window n n 0 0 1.
Definition around (k s : N) : Layer.window := Layer.Window k s (k / 2) (k / 2) 1.
Definition strided (s n : N) : N := (n - 1) / s + 1.

(** ** Layers *)
Definition normalised (eps : Z) (eps_d : positive) (name : string) : chain -> chain :=
  Next name (Layer.LayerNorm eps eps_d true true).
Definition gelu (root : Z) (root_d : positive) (name : string) : chain -> chain := Next name (Layer.Gelu root root_d).
Definition silu (name : string) : chain -> chain := Next name Layer.Silu.
Definition relu (name : string) : chain -> chain := Next name Layer.Relu.
Definition relu6 (name : string) : chain -> chain := Next name Layer.Relu6.
Definition relu_kinks (name : string) : seq kink := [:: KinkAt name "relu" 0].
Definition relu6_kinks (name : string) : seq kink := [:: KinkAt name "relu6" 0; KinkAt name "relu6" 6].
(** With the constants in the order of the specification: epsilon, momentum. *)
Definition batch_normalised (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive) (name : string) :
  chain -> chain := Next name (Layer.BatchNorm eps eps_d mom mom_d true).
Definition scaled (scales : bool) (name : string) : seq (chain -> chain) :=
  if scales then [:: Next name Token.Scale] else [::].
Definition dropped (rate : option (Z * positive)) (name : string) : seq (chain -> chain) :=
  if rate is Some (n, d) then [:: Next name (Layer.DropPath n d)] else [::].

(** [f] features, a window both ways, [g] groups. *)
Definition conv (f : N) (v : Layer.window) (g : N) (bias : bool) (name : string) : chain -> chain :=
  Next name (Layer.Conv2d f v v g bias).

Definition many (batch p q : N) : Prop := 1 < batch * (p * q).

(** ** Blocks *)
Definition stack (block : nat -> chain -> chain) (n : nat) (rest : chain) : chain :=
  foldr block rest (iota 0 n).

(** What comes in, and what a chain makes of it, added. *)
Definition plus (name : string) (a rest : chain) : chain := Branch a (Branch End (Join name Sum rest)).

Definition summed (name : string) (a b : seq (chain -> chain)) : seq (chain -> chain) :=
  [:: Branch (in_turn a); Branch (in_turn b); Join name Sum].
Definition residual (name : string) (a : seq (chain -> chain)) : seq (chain -> chain) := summed name a [::].
Definition gated (name : string) (a : seq (chain -> chain)) : seq (chain -> chain) :=
  [:: Branch (in_turn [::]); Branch (in_turn a); Join name Product].

(** ** Stages *)
Section Stages.
Variables (stage : Type) (blocks : stage -> nat) (stride features : stage -> N).

Definition features_after (c : N) (st : stage) : N := if blocks st is 0%nat then c else features st.
Definition size_after (n : N) (st : stage) : N := if blocks st is 0%nat then n else strided (stride st) n.
Definition stride_of (st : stage) (k : nat) : N := if k is 0%nat then stride st else 1.

Variables (block : nat -> nat -> stage -> N -> seq (chain -> chain)).
Variables (kinks_of_block : nat -> nat -> stage -> seq kink).

Fixpoint stages_from (i : nat) (l : seq stage) (c : N) : seq (chain -> chain) :=
  if l is st :: l' then
    (flatten [seq block i k st (if k is 0%nat then c else features st) | k <- iota 0 (blocks st)]
     ++ stages_from i.+1 l' (features_after c st))%SEQ
  else [::].
Fixpoint stages_kinks (i : nat) (l : seq stage) : seq kink :=
  if l is st :: l' then
    (flatten [seq kinks_of_block i k st | k <- iota 0 (blocks st)] ++ stages_kinks i.+1 l')%SEQ
  else [::].
End Stages.
