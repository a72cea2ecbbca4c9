(** * Branches, joined

    What becomes of the outputs of several chains on the same input: shapes, and
    instructions. Nothing here mentions a real number.

    Glossary
      - [joining]         how branches come together
      - [part]            a branch's output: value, and shape of one example
      - [stretches s t]   [s] is [t] but for dimensions of size 1
      - [feature_count]   the last dimension
      - [joined_shape]    shape of one example after branches of these shapes
      - [stretch]         a value whose dimensions of size 1 are repeated
      - [emit_join]       branches as instructions, joined
      - [merging], [merging_op]  sum, product, maximum; the op of each
      - [widened], [concat_shape]  the shapes of merged, of concatenated branches
      - [same_dims]       which dimensions are alike
      - [merge_parts]     a value merged with branches, one after the other *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Joins SpecLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Inductive merging := Sum | Product | Maximum.
Inductive joining :=
| Merged of merging
    (** element by element; dimensions of size 1 are repeated where another branch
        is larger *)
| Concat
    (** one after the other along the last dimension, the features *)
| Attend of N.
    (** of two: in so many heads the tokens of the second, as queries, look at those
        of the first, whose features are keys and then values *)
Coercion Merged : merging >-> joining.

Definition part := (N * shape)%type.

(** ** Shapes *)

Definition stretches (s t : shape) : bool :=
  (size s == size t) && all (fun q => N.eqb q.1 1 || N.eqb q.1 q.2) (zip s t).

Definition widened (s t : shape) : shape := [seq if N.eqb q.1 1 then q.2 else q.1 | q <- zip s t].

(** Dimensions that are the same, then as many features as there are together. *)
Definition feature_count (s : shape) : N := last 0%num s.
Definition concat_shape (s : shape) (ss : seq shape) : shape :=
  rcons (lead s) (foldr N.add 0%num [seq feature_count u | u <- ss]).

Definition joined_shape (j : joining) (ss : seq shape) : option shape := match j, ss with
| _, [::] => None
| Merged _, s :: ss' =>
    let t := foldl widened s ss' in if all (fun u => stretches u t) ss then Some t else None
| Concat, s :: _ =>
    if all (fun u => (size u == size s) && (lead u == lead s)) ss && (0 < size s)
    then Some (concat_shape s ss) else None
| Attend heads, [:: [:: _; m2]; [:: t; m]] =>
    if Attention.fits heads m && N.eqb m2 (2 * m) then Some [:: t; m] else None
| Attend _, _ => None
end.

(** ** Instructions *)

(** Which dimensions are as large there as here. *)
Definition same_dims (s t : shape) : seq bool := [seq N.eqb q.1 q.2 | q <- zip s t].

(** [y], of shape [batch :: s], as one of shape [batch :: t]: the dimensions that
    differ are dropped, then made anew. Code from [k] on, and the value. *)
Definition stretch (batch : N) (s t : shape) (y k : N) : prog * N :=
  if s == t then ([::], y) else
    let u := batch :: t in let m := same_dims (batch :: s) u in let z := mask m (batch :: s) in
    ([:: (k, Reshape (batch :: s) z y);
         (k + 1, Contract u u (proj (first_dims (size u)))
                   [:: View k z (proj (mask m (first_dims (size u))))])], k + 1)%num.

Definition merging_op (m : merging) : binary :=
  match m with Sum => Add | Product => Mul | Maximum => Max end.

(** Value [y] merged with one part after the other. *)
Fixpoint merge_parts (b : binary) (batch : N) (t : shape) (y : N) (parts : seq part) (k : N)
    : prog * N :=
  if parts is (z, s) :: parts' then
    let: (c, z') := stretch batch s t z k in
    let k' := next_id k c in
    let: (c', w) := merge_parts b batch t k' parts' (N.succ k') in
    (c ++ (k', Bin (batch :: t) b y z') :: c', w)
  else ([::], y).

(** The parts joined to shape [batch :: t]. *)
Definition emit_join (j : joining) (batch : N) (t : shape) (parts : seq part) (k : N) : prog * N :=
  match j, parts with
  | _, [::] => ([::], 0%num)
  | Merged m, (y, s) :: parts' =>
      let: (c, y') := stretch batch s t y k in
      let: (c', w) := merge_parts (merging_op m) batch t y' parts' (next_id k c) in
      (c ++ c', w)
  | Concat, [:: (y, _)] => ([::], y)
  | Concat, _ =>
      let c := join (N.of_nat (size t)) (batch :: t) k [seq (p.1, batch :: p.2) | p <- parts] in
      (c, N.pred (next_id k c))
  | Attend heads, [:: (kv, [:: u; _]); (q, [:: count; m])] =>
      let c := Attention.across batch count u heads (N.div m heads) q kv k in
      (c, N.pred (next_id k c))
  | Attend _, _ => ([::], 0%num)
  end.
