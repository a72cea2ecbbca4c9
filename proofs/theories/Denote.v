(** * What a program computes, over the reals

    A tensor is a total function on multi-indices, read only on the index set
    of its shape; an environment gives every value its tensor. A program runs
    by adding one value after the other. [DenoteFacts.v] has the lemmas.

    Glossary
      - [tensor], [env]      a tensor; the tensors of all values
      - [eqt s a b]          equal on the index set of [s]
      - [pos_real], [int_real]  integers as real numbers
      - [rational n d]       the real number [n / d]
      - [una_real], [bin_real], [cmp_real]  the functions of pointwise ops
      - [read e v r]         the element that view [v] sees at [r]; 0 outside
      - [row_sum s x i]      the sum of [x] over the row (last dimension) of [i]
      - [softmax], [log_softmax], [cross_entropy]  of rows; the last divides by
                             their number, [rows]
      - [mean], [centred], [variance], [deviation], [normalize]  over some
                             dimensions, of which [number] cells are averaged:
                             the mean, what is left without it, the mean of its
                             squares, the root of that and eps, the quotient
      - [den], [step], [run] meaning of an op, an instruction, a program
      - [chosen s k m x i]   the first greatest cell of the window at [i]
      - [first_greatest]     the first of the greatest elements of a list
      - [shrun p sh]         the shapes of all values after [p] *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith.
From Cotangent Require Export Ir Index Erf.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Denote.
Variable R : realType.

Definition tensor := idx -> R.
Definition env := N -> tensor.

Definition eqt (s : shape) (a b : tensor) : Prop := {in idxs s, a =1 b}.

(** Binary, so that no unary number arises however large the constant. *)
Fixpoint pos_real (p : positive) : R := match p with
| xH => 1 | xO q => 2%:R * pos_real q | xI q => 1 + 2%:R * pos_real q end.
Definition int_real (z : Z) : R := match z with
| Z0 => 0 | Zpos p => pos_real p | Zneg p => - pos_real p end.
Definition rational (n : Z) (d : positive) : R := int_real n / pos_real d.

Definition una_real (u : unary) (x : R) : R := match u with
| Neg => - x
| Exp => expR x
| Log => ln x
| Sqrt => Num.sqrt x
| Rsqrt => (Num.sqrt x)^-1
| Tanh => (expR x - expR (- x)) / (expR x + expR (- x))
| Logistic => (1 + expR (- x))^-1
| Softplus => ln (1 + expR x)
| Erf => erf x
| ErfGrad => erf_grad x
| Relu => Num.max x 0
| Abs => `|x|
| Elu n d => if 0 < x then x else rational n d * (expR x - 1)
| Clamp n d m e => Num.min (Num.max x (rational n d)) (rational m e) end.
Definition bin_real (b : binary) (x y : R) : R := match b with
| Add => x + y | Sub => x - y | Mul => x * y | Div => x / y | Max => Num.max x y end.
Definition cmp_real (c : comparison) (x y : R) : bool := match c with
| CEq => x == y | CGt => y < x | CGe => y <= x end.

Definition read (e : env) (v : view) (r : idx) : R :=
  if at_map (v_map v) (v_shape v) r is Some i then e (v_id v) i else 0.

Definition row_sum (s : shape) (x : tensor) (i : idx) : R :=
  \sum_(j <- idxs s | lead j == lead i) x j.

Definition softmax (s : shape) (z : tensor) : tensor :=
  fun i => expR (z i) / row_sum s (fun j => expR (z j)) i.

Definition log_softmax (s : shape) (z : tensor) : tensor :=
  fun i => z i - ln (row_sum s (fun j => expR (z j)) i).

(** The number of rows, as a real number. *)
Definition rows (s : shape) : R := int_real (Z.of_N (size_of (lead s))).

Definition cross_entropy (s : shape) (z t : tensor) : R :=
  - (\sum_(i <- idxs s) t i * log_softmax s z i) / rows s.

(** The mean over the dimensions [ds] of the cells whose other coordinates are
    [c]; what is left of [x] without it; the biased variance. *)
Definition number (s : shape) (ds : seq N) : R := int_real (Z.of_N (size_of (pick s ds))).
Definition mean (s : shape) (ds : seq N) (x : tensor) (c : idx) : R :=
  (\sum_(j <- idxs s | pick j (kept s ds) == c) x j) / number s ds.
Definition centred (s : shape) (ds : seq N) (x : tensor) : tensor :=
  fun j => x j - mean s ds x (pick j (kept s ds)).
Definition variance (s : shape) (ds : seq N) (x : tensor) (c : idx) : R :=
  mean s ds (fun j => centred s ds x j * centred s ds x j) c.
Definition deviation (s : shape) (ds : seq N) (eps : R) (x : tensor) (c : idx) : R :=
  Num.sqrt (variance s ds x c + eps).
Definition normalize (s : shape) (ds : seq N) (eps : R) (x : tensor) : tensor :=
  fun j => centred s ds x j / deviation s ds eps x (pick j (kept s ds)).

(** The first of the greatest elements of [x] at [best] and at [l]. *)
Fixpoint first_greatest (x : tensor) (best : idx) (l : seq idx) : idx :=
  if l is j :: l' then first_greatest x (if x best < x j then j else best) l' else best.

(** The cell that a maximum over the window at [i] comes from. *)
Definition chosen (s k : shape) (m : imap) (x : tensor) (i : idx) : option idx :=
  if cells s k m i is j :: l then Some (first_greatest x j l) else None.

Definition den (o : op) (e : env) : tensor := match o with
| Const _ n d => fun _ => rational n d
| Una _ u a => fun i => una_real u (e a i)
| Bin _ b x y => fun i => bin_real b (e x i) (e y i)
| Sel _ c a b x y => fun i => if cmp_real c (e a i) (e b i) then e x i else e y i
| Contract box s f vs => fun i =>
    \sum_(r <- idxs box | at_map f s r == Some i) \prod_(v <- vs) read e v r
| Reshape s t a => fun i => e a (same_place s t i)
| Softmax s a => softmax s (e a)
| SoftmaxCrossEntropy s z t => fun _ => cross_entropy s (e z) (e t)
| MaxPool s _ k m a => fun i => if chosen s k m (e a) i is Some j then e a j else 0
| MaxPoolGrad s out k m a ct => fun j =>
    \sum_(i <- idxs out | chosen s k m (e a) i == Some j) e ct i
| Variance s ds a => variance s ds (e a)
| Normalize s ds n d a => normalize s ds (rational n d) (e a)
end.

Definition step (e : env) (i : instr) : env := upd e i.1 (den i.2 e).
Definition run (p : prog) (e : env) : env := foldl step e p.

Definition shrun (p : prog) (sh : N -> shape) : N -> shape :=
  foldl (fun sh (i : instr) => upd sh i.1 (oshape i.2)) sh p.
End Denote.
