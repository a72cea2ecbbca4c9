(** * Layers on tokens, as instructions

    An example is [tokens × features]. Some of these layers take a tensor of any
    rank, whose last dimension are its features, and one an image
    [height × width × features]. What they mean is in
    [Tokens.v], and that the instructions compute it in [TokensSound.v].

    Glossary
      - [Token.output], [Token.params], [Token.emit]  as in [SpecLayer.v]
      - [product out c vs]   at each place of [out], the sum over [c] of the
                             product of the operands [vs]
      - [repeat_over s ds v]  [v], whose dimensions are those of [s] at [ds],
                             repeated over all of [s]; also a transposition *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Grad Joins.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** The box has the dimensions of [out], then those of [c]. *)
Definition product (out c : shape) (vs : seq view) : op :=
  Contract (out ++ c) out (proj (first_dims (size out))) vs.
Definition repeat_over (s : shape) (ds : seq N) (v : N) : op :=
  Contract s s (id_map s) [:: View v (pick s ds) (proj ds)].

(** The first number after a program that starts at [k]. *)
Definition next_id (k : N) (p : prog) : N := (k + N.of_nat (size p))%num.

Module Token.

Inductive t :=
| Dense of N & bool     (** of each token: features; whether there is a bias *)
| Scale                 (** each feature times a learned number; any rank *)
| Position              (** a learned number added to each feature of each token *)
| Reshape of shape      (** any rank, to this shape of one example *)
| Average of bool       (** the mean of each feature; any rank; whether the other
                            dimensions stay, of size 1 *)
| Class                 (** a learned token in front of the others *)
| Select of N           (** one token *)
| Upsample of N & N.    (** an image, each pixel repeated over so many rows, columns *)

(** A learned vector for each symbol, of which a token is an indicator. *)
Definition Embedding (features : N) : t := Dense features false.

(** All dimensions of a batch between the example and the feature. *)
Definition between (s : shape) : seq N := behead (first_dims (size s)).

Definition output (l : t) (s : shape) : option shape := match l, s with
| Dense features _, [:: count; _] => Some [:: count; features]
| Scale, _ :: _ => Some s
| Position, [:: _; _] => Some s
| Reshape s', _ => if N.eqb (size_of s') (size_of s) then Some s' else None
| Average keep, _ :: s' =>
    Some ((if keep then nseq (size s') 1%num else [::]) ++ [:: last 0%num s])
| Class, [:: count; features] => Some [:: (count + 1)%num; features]
| Select k, [:: count; features] => if N.ltb k count then Some [:: features] else None
| Upsample a b, [:: h; w; c] =>
    if N.ltb 0 a && N.ltb 0 b then Some [:: (h * a)%num; (w * b)%num; c] else None
| _, _ => None
end.

Definition params (l : t) (s : shape) : seq (string * shape) := match l, s with
| Dense features bias, [:: _; inputs] =>
    ("weight"%string, [:: inputs; features])
    :: (if bias then [:: ("bias"%string, [:: features])] else [::])
| Scale, _ => [:: ("gamma"%string, [:: last 0%num s])]
| Position, _ => [:: ("weight"%string, s)]
| Class, [:: _; features] => [:: ("weight"%string, [:: features])]
| _, _ => [::]
end.

(** [x · w], for [x : n × t × k] and [w : k × m] *)
Definition matmul (n t k m x w : N) : op :=
  product [:: n; t; m] [:: k]
    [:: View x [:: n; t; k] (proj [:: 0; 1; 3]%num); View w [:: k; m] (proj [:: 3; 2]%num)].

(** Of three instructions, or one. *)
Definition dense (n t k m x : N) (ps : seq N) (first : N) : option prog := match ps with
| [:: w; b] => Some
    [:: (first, matmul n t k m x w);
        (first + 1, repeat_over [:: n; t; m] [:: 2] b);
        (first + 2, Bin [:: n; t; m] Add first (first + 1))]%num
| [:: w] => Some [:: (first, matmul n t k m x w)]
| _ => None
end.

(** The number of parameters of a dense layer. *)
Definition dense_count (bias : bool) : nat := if bias then 2 else 1.

(** Each row [a] times; each column. A copy where [a] is 1. *)
Definition rows (n h w c a x k : N) : prog :=
  if N.eqb a 1 then [:: (k, Ir.Reshape [:: n; h; w; c] [:: n; h; w; c] x)] else
  [:: (k, repeat_over [:: n; h; a; w; c] [:: 0; 1; 3; 4] x);
      (k + 1, Ir.Reshape [:: n; h; a; w; c] [:: n; h * a; w; c] k)]%num.
Definition columns (n h w c a x k : N) : prog :=
  if N.eqb a 1 then [:: (k, Ir.Reshape [:: n; h; w; c] [:: n; h; w; c] x)] else
  [:: (k, repeat_over [:: n; h; w; a; c] [:: 0; 1; 2; 4] x);
      (k + 1, Ir.Reshape [:: n; h; w; a; c] [:: n; h; w * a; c] k)]%num.

Definition emit (l : t) (batch : N) (s : shape) (ps : seq N) (x k : N) : option prog :=
let z := batch :: s in
match l, s, ps with
| Dense m bias, [:: t; n], _ =>
    if size ps == dense_count bias then dense batch t n m x ps k else None
| Scale, _ :: _, [:: w] => Some
    [:: (k, repeat_over z [:: N.of_nat (size s)] w); (k + 1, Bin z Mul x k)]%num
| Position, [:: _; _], [:: w] => Some
    [:: (k, repeat_over z [:: 1; 2] w); (k + 1, Bin z Add x k)]%num
| Reshape s', _, [::] => Some [:: (k, Ir.Reshape z (batch :: s') x)]
| Average keep, _ :: s', [::] =>
    let ds := between s in let c := pick z (kept z ds) in
    if averaged z ds then Some
      ([:: (k, total_over z ds x); (k + 1, mean_count z ds); (k + 2, Bin c Div k (k + 1))]%num
         ++ (if keep
             then [:: (k + 3, Ir.Reshape [:: batch; last 0 s]
                         (batch :: nseq (size s') 1 ++ [:: last 0 s]) (k + 2))]%num
             else [::]))
    else None
| Class, [:: count; m], [:: w] =>
    Some ((k, repeat_over [:: batch; 1; m] [:: 2] w)
      :: join 1 [:: batch; count + 1; m] (k + 1) [:: (k, [:: batch; 1; m]); (x, z)])%num
| Select j, [:: count; m], [::] => Some
    [:: (k, slice_of (part_steps 3 1 j) z [:: batch; 1; m] x);
        (k + 1, Ir.Reshape [:: batch; 1; m] [:: batch; m] k)]%num
| Upsample a b, [:: h; w; c], [::] =>
    let tall := rows batch h w c a x k in let k' := next_id k tall in
    Some (tall ++ columns batch (h * a) w c b (N.pred k') k')
| _, _, _ => None
end.
End Token.
