(** * The arguments and results of a module

    How tensors stand for the arguments and results of [@main], and what its
    slots say of them.

    Glossary
      - [no_slot], [no_tensor]  defaults, for reading lists by position
      - [argument_arrays]  tensors with the types of a list of slots
      - [input_env xs]     the environment in which value [k] is the [k]-th of [xs]
      - [port_of_slot]     name, role and shape of an argument or result, from the
                           attributes and the type of its slot
      - [interface]        those of all *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith String.
From Cotangent Require Import Denote Stablehlo Stablehlo_sem Steps.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope ring_scope.

(** ** Tensors as arrays *)

Definition no_slot : slot := Slot (Tensor [::] F32) [::].

Section Arrays.
Variable R : realType.
Definition no_tensor : tensor R := fun _ => 0.

Definition argument_arrays (slots : seq slot) (xs : seq (tensor R)) : seq (array R) :=
  [seq Array (s_type p.1) (Reals p.2) | p <- zip slots xs].
Definition input_env (xs : seq (tensor R)) : env R := fun k => nth no_tensor xs (N.to_nat k).
End Arrays.

(** ** Names, roles and shapes *)

Definition port_of_slot (s : slot) : option port :=
  if (text_of (s_attributes s) "cotangent.name", text_of (s_attributes s) "cotangent.role")
    is (Some name, Some role) then Some (Port name role (t_shape (s_type s))) else None.

Definition interface (l : seq slot) : option (seq port) := all_some [seq port_of_slot s | s <- l].
