(** * The formulas of layers on tokens

    What they compute; to be read, not proved. A batch is
    [examples × tokens × features], so the index of a cell begins with its
    example and ends with its feature.

    Glossary
      - [linear], [dense]  [x · w], [x · w + b] of each token
      - [token_meaning]  a layer, from its parameters and its input *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecToken.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Tokens.
Variable R : realType.
Implicit Types (x w b : tensor R).

(** [x · w + b] of each token, which has [n] features; [x · w] without a bias. *)
Definition linear (n : N) (w x : tensor R) : tensor R := fun i =>
  \sum_(k <- Nrange n) x [:: nth 0%num i 0; nth 0%num i 1; k] * w [:: k; nth 0%num i 2].
Definition dense (n : N) (ps : seq (tensor R)) (x : tensor R) : tensor R := match ps with
| [:: w; b] => fun i => linear n w x i + b [:: nth 0%num i 2]
| [:: w] => linear n w x
| _ => fun _ => 0
end.

(** On [batch] examples of shape [s]. *)
Definition token_meaning (l : Token.t) (batch : N) (s : shape) (ps : seq (tensor R)) (x : tensor R)
    : tensor R :=
let example i := nth 0%num i 0 in let token i := nth 0%num i 1 in let feature i := last 0%num i in
match l, s, ps with
| Token.Dense _ _, [:: _; n], _ => dense n ps x
| Token.Scale, _, [:: w] => fun i => x i * w [:: feature i]
| Token.Position, _, [:: w] => fun i => x i + w [:: token i; feature i]
| Token.Reshape s', _, _ => fun i => x (same_place (batch :: s) (batch :: s') i)
| Token.Average _, _, _ => fun i =>
    mean (batch :: s) (Token.between s) x [:: example i; feature i]
| Token.Class, _, [:: w] => fun i =>
    if token i == 0%num then w [:: feature i]
    else x [:: example i; N.pred (token i); feature i]
| Token.Select k, _, _ => fun i => x [:: example i; k; feature i]
| Token.Upsample a b, _, _ => fun i =>
    x [:: example i; N.div (nth 0%num i 1) a; N.div (nth 0%num i 2) b; feature i]
| _, _, _ => fun _ => 0   (* does not occur: [elaborate] refuses it *)
end.
End Tokens.
