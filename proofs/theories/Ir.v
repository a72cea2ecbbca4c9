(** * The graph as data

    A program is a list of instructions, an instruction a destination and an
    op, an op the shapes it works on and the identifiers of its operands. All
    numbers are binary, so that a program of any size is checked by
    [vm_compute]; nothing here mentions a real number.

    Glossary
      - [shape], [idx]   dimensions of a tensor; a multi-index into it
      - [aff], [imap]    an affine form over a multi-index; a list of them,
                         read as a partial map between index sets
      - [first_dims], [pick], [others], [kept]  lists of dimensions
      - [view]           an operand of a contraction: value, shape, index map
      - [op], [instr]    operations; [(destination, op)]
      - [oshape], [oargs]  shape of the result; operands with their shapes
      - [op_ok], [wf]    well-formed op; well-formed program
      - [coord], [proj]  the map that reads one coordinate; those at some positions
      - [unary], [binary], [comparison]  pointwise functions
      - [prog]           instructions, one after the other
      - [size_of]        how many elements
      - [averaged]       dimensions over which there is a mean
      - [upd e k x]      [e], but [x] at [k] *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition shape := seq N.
Definition idx := seq N.

(** The first [n] dimensions; the entries of [l] at [ds]; the dimensions below
    [n] that are not in [ds]; of a shape, those that are left without [ds]. *)
Definition first_dims (n : nat) : seq N := map N.of_nat (iota 0 n).
Definition pick (l ds : seq N) : seq N := [seq nth 0%num l (N.to_nat d) | d <- ds].
Definition others (n : nat) (ds : seq N) : seq N := [seq d <- first_dims n | d \notin ds].
Definition kept (s : shape) (ds : seq N) : seq N := others (size s) ds.

(** [base + Σ coefficient · r_position], over a multi-index [r]. *)
Record aff := Aff { aff_base : Z; aff_terms : seq (N * Z) }.

(** One form per dimension of the target. A value outside the target's bounds
    makes the map undefined at [r]; such a point contributes nothing. *)
Definition imap := seq aff.

(** The coordinate [r_k]. *)
Definition coord (k : N) : aff := Aff 0 [:: (k, 1%Z)].
Definition proj (ks : seq N) : imap := [seq coord k | k <- ks].

Record view := View { v_id : N; v_shape : shape; v_map : imap }.

(** Constants are numerator and denominator. *)
Inductive unary :=
| Neg | Exp | Log | Sqrt
| Rsqrt                                    (** [1 / sqrt x] *)
| Tanh | Logistic | Softplus
| Erf | ErfGrad                            (** Gauss's error function; its derivative *)
| Relu | Abs
| Elu of Z & positive                      (** below 0 times this *)
| Clamp of Z & positive & Z & positive.    (** between the first and the second *)
Inductive binary := Add | Sub | Mul | Div | Max.
Inductive comparison := CEq | CGt | CGe.

Inductive op :=
| Const of shape & Z & positive
    (** every element is [numerator / denominator] *)
| Una of shape & unary & N
| Bin of shape & binary & N & N
| Sel of shape & comparison & N & N & N & N
    (** [Sel s c a b x y]: pointwise, [x] where [a c b], else [y] *)
| Contract of shape & shape & imap & seq view
    (** [Contract box out f vs]: [out[f r] += Π_(v in vs) v[v_map r]], [r] in [box] *)
| Reshape of shape & shape & N
    (** [Reshape from to a]: the same elements in row-major order *)
| Softmax of shape & N
    (** over the last dimension *)
| SoftmaxCrossEntropy of shape & N & N
    (** logits, targets; the mean over all but the last dimension *)
| MaxPool of shape & shape & shape & imap & N
    (** [MaxPool s out k m a]: at [i] in [out], the greatest [a[m (i ++ o)]] over
        the offsets [o] in [k] that [m] sends into [s] *)
| MaxPoolGrad of shape & shape & shape & imap & N & N
    (** the same and a cotangent, each entry of which goes to the first greatest
        cell of its window *)
| Variance of shape & seq N & N
    (** over these dimensions, which it drops: the mean of [(a - mean a)^2] *)
| Normalize of shape & seq N & Z & positive & N.
    (** [Normalize s ds n d a]: [(a - mean a) / sqrt (variance a + n / d)] over [ds] *)


Definition instr := (N * op)%type.
Definition prog := seq instr.

Definition size_of (s : shape) : N := foldr N.mul 1%num s.

Definition oshape (o : op) : shape := match o with
| Const s _ _ | Una s _ _ | Bin s _ _ _ | Sel s _ _ _ _ _ | Softmax s _ => s
| Contract _ s _ _ => s
| Reshape _ s _ => s
| SoftmaxCrossEntropy _ _ _ => [::]
| MaxPool _ out _ _ _ => out
| MaxPoolGrad s _ _ _ _ _ | Normalize s _ _ _ _ => s
| Variance s ds _ => pick s (kept s ds)
end.

Definition oargs (o : op) : seq (N * shape) := match o with
| Const _ _ _ => [::]
| Una s _ a => [:: (a, s)]
| Bin s _ a b => [:: (a, s); (b, s)]
| Sel s _ a b x y => [:: (a, s); (b, s); (x, s); (y, s)]
| Contract _ _ _ vs => [seq (v_id v, v_shape v) | v <- vs]
| Reshape s _ a => [:: (a, s)]
| Softmax s a => [:: (a, s)]
| SoftmaxCrossEntropy s z t => [:: (z, s); (t, s)]
| MaxPool s _ _ _ a => [:: (a, s)]
| MaxPoolGrad s out _ _ a ct => [:: (a, s); (ct, out)]
| Variance s _ a | Normalize s _ _ _ a => [:: (a, s)]
end.

(** A mean is over different dimensions, of cells that exist. *)
Definition averaged (s : shape) (ds : seq N) : bool :=
  [&& uniq ds, all (fun d => N.ltb d (N.of_nat (size s))) ds & all (N.ltb 0) s].

(** What an op asks of its own attributes. *)
Definition op_ok (o : op) : bool := match o with
| Contract _ s f vs =>
    (size f == size s) && all (fun v => size (v_map v) == size (v_shape v)) vs
| Reshape s t _ => N.eqb (size_of s) (size_of t)
| Softmax s _ | SoftmaxCrossEntropy s _ _ => all (N.ltb 0) s && (0 < size s)
| Variance s ds _ => averaged s ds
| Normalize s ds n _ _ => averaged s ds && Z.ltb 0 n
| _ => true
end.

Definition upd (T : Type) (e : N -> T) (k : N) (x : T) : N -> T :=
  fun j => if N.eqb j k then x else e j.

(** Destinations count up from [k]; operands are defined earlier, at the shape
    the op says. *)
Fixpoint wf (p : prog) (k : N) (sh : N -> shape) : bool := match p with
| [::] => true
| (d, o) :: p' =>
  [&& N.eqb d k, op_ok o, all (fun a => N.ltb a.1 k && (sh a.1 == a.2)) (oargs o)
    & wf p' (N.succ k) (upd sh k (oshape o))] end.
