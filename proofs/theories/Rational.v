(** * Programs over the rationals

    The meaning of a program again, op for op, with rational numbers, where it
    is rational: so Coq can run a network and what reverse mode emits for it, at
    one point. Square roots are rational of some numbers; the softmax of a row
    is where all its entries are equal; exponentials and the loss itself are
    not, and are left out. Also: whether each op is off its kinks there.
    [RationalSound.v] proves that this is the meaning.

    Glossary
      - [point]          what is known of the values: a tensor of some
      - [q_den o q]      the meaning of an op, its operands being [q]; [None]
                         where it is not rational
      - [q_run p m]      the values of [p], as far as they are rational
      - [q_smooth o q]   [o] is off its kinks; windows have one greatest cell
      - [q_off p m]      so is every op of [p] that has kinks *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith QArith_base Qreduction Qabs FMapPositive.
From Cotangent Require Import Ir Index Kinks Number Twin.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Notation q_tensor := (idx -> Q).
Notation q_env := (N -> q_tensor).
Notation q_zero := (0 # 1)%Q.
Notation q_one := (1 # 1)%Q.

Definition q_lt (x y : Q) : bool := ~~ Qle_bool y x.

(** ** Ops *)
Definition q_una (u : unary) (x : Q) : option Q := match u with
| Neg => Some (Qopp x)
| Sqrt => q_sqrt x
| Rsqrt => omap Qinv (q_sqrt x)
| Relu => Some (q_max x q_zero)
| Abs => Some (Qabs x)
| Elu _ _ => if q_lt q_zero x then Some x else None
| Clamp n d m e => Some (q_min (q_max x (n # d)%Q) (m # e)%Q)
| _ => None end.
Definition q_bin (b : binary) (x y : Q) : Q := match b with
| Add => Qplus x y | Sub => Qminus x y | Mul => Qmult x y | Div => Qdiv x y | Max => q_max x y end.
Definition q_cmp (c : comparison) (x y : Q) : bool := match c with
| CEq => Qeq_bool x y | CGt => q_lt y x | CGe => Qle_bool y x end.

Definition q_read (q : q_env) (v : view) (r : idx) : Q :=
  if at_map (v_map v) (v_shape v) r is Some i then q (v_id v) i else q_zero.
Definition q_product (q : q_env) (vs : seq view) (r : idx) : Q :=
  foldr (fun v z => Qmult (q_read q v r) z) q_one vs.

Definition q_count (n : N) : Q := (Z.of_N n # 1)%Q.
Definition q_mean (s : shape) (ds : seq N) (x : q_tensor) (c : idx) : Q :=
  Qdiv (q_sum [seq x j | j <- [seq j <- idxs s | pick j (kept s ds) == c]]) (q_count (size_of (pick s ds))).
Definition q_centred (s : shape) (ds : seq N) (x : q_tensor) : q_tensor :=
  fun j => Qminus (x j) (q_mean s ds x (pick j (kept s ds))).
Definition q_variance (s : shape) (ds : seq N) (x : q_tensor) (c : idx) : Q :=
  q_mean s ds (fun j => Qmult (q_centred s ds x j) (q_centred s ds x j)) c.

Fixpoint q_first_greatest (x : q_tensor) (best : idx) (l : seq idx) : idx :=
  if l is j :: l' then q_first_greatest x (if q_lt (x best) (x j) then j else best) l' else best.
Definition q_chosen (s k : shape) (m : imap) (x : q_tensor) (i : idx) : option idx :=
  if cells s k m i is j :: l then Some (q_first_greatest x j l) else None.

(** Defined on all of [s]. *)
Definition q_each (s : shape) (f : idx -> option Q) : option q_tensor :=
  if all (fun i => isSome (f i)) (idxs s) then Some (fun i => odflt q_zero (f i)) else None.

Definition q_row (s : shape) (i : idx) : seq idx := [seq j <- idxs s | lead j == lead i].
Definition q_softmax (s : shape) (z : q_tensor) (i : idx) : option Q :=
  if all (fun j => Qeq_bool (z j) (z i)) (q_row s i)
  then Some (Qinv (q_count (N.of_nat (size (q_row s i))))) else None.

Definition q_den (o : op) (q : q_env) : option q_tensor := match o with
| Const _ n d => Some (fun _ => (n # d)%Q)
| Una s u a => q_each s (fun i => q_una u (q a i))
| Bin _ b x y => Some (fun i => q_bin b (q x i) (q y i))
| Sel _ c a b x y => Some (fun i => if q_cmp c (q a i) (q b i) then q x i else q y i)
| Contract box s f vs => Some (fun i =>
    q_sum [seq q_product q vs r | r <- [seq r <- idxs box | at_map f s r == Some i]])
| Reshape s t a => Some (fun i => q a (same_place s t i))
| Softmax s a => q_each s (q_softmax s (q a))
| SoftmaxCrossEntropy _ _ _ => None
| MaxPool s _ k m a => Some (fun i => if q_chosen s k m (q a) i is Some j then q a j else q_zero)
| MaxPoolGrad s out k m a ct => Some (fun j =>
    q_sum [seq q ct i | i <- [seq i <- idxs out | q_chosen s k m (q a) i == Some j]])
| Variance s ds a => Some (q_variance s ds (q a))
| Normalize s ds n d a => q_each s (fun j =>
    omap (Qdiv (q_centred s ds (q a) j))
      (q_sqrt (Qplus (q_variance s ds (q a) (pick j (kept s ds))) (n # d)%Q))) end.

(** ** Programs *)
Definition point := PositiveMap.t q_tensor.
Definition look (m : point) : q_env := fun j => odflt (fun _ => q_zero) (get m j).
Definition seen (m : point) (o : op) : bool := all (fun a => isSome (get m a.1)) (oargs o).

(** In lowest terms, and computed once. *)
Definition tabulate (s : shape) (t : q_tensor) : q_tensor :=
  q_remember s (fun i => Qred (t i)).
Definition q_step (m : point) (i : instr) : point :=
  if seen m i.2 then
    if q_den i.2 (look m) is Some t then set i.1 (tabulate (oshape i.2) t) m else m
  else m.
Definition q_run (p : prog) (m : point) : point := foldl q_step m p.

(** ** Kinks *)
Definition q_una_smooth (u : unary) (x : Q) : bool := match u with
| Log | Sqrt | Rsqrt => q_lt q_zero x
| Relu | Abs => ~~ Qeq_bool x q_zero
| Elu n d => ~~ Qeq_bool x q_zero || Z.eqb n (Zpos d)
| Clamp n d m e => ~~ Qeq_bool x (n # d)%Q && ~~ Qeq_bool x (m # e)%Q
| _ => true end.
Definition q_strict (s k : shape) (m : imap) (x : q_tensor) (i : idx) : bool :=
  if q_chosen s k m x i is Some c then all (fun j => (j == c) || q_lt (x j) (x c)) (cells s k m i)
  else true.
Definition q_smooth (o : op) (q : q_env) : bool := match o with
| Una s u a => all (fun i => q_una_smooth u (q a i)) (idxs s)
| Bin s Div _ b => all (fun i => ~~ Qeq_bool (q b i) q_zero) (idxs s)
| Bin s Max a b | Sel s _ a b _ _ => all (fun i => ~~ Qeq_bool (q a i) (q b i)) (idxs s)
| MaxPool s out k m a | MaxPoolGrad s out k m a _ => all (q_strict s k m (q a)) (idxs out)
| _ => true end.

Fixpoint q_off (p : prog) (m : point) : bool := match p with
| [::] => true
| i :: p' => (~~ has_kink i.2 || (seen m i.2 && q_smooth i.2 (look m))) && q_off p' (q_step m i) end.
