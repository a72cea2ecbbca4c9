(** * Signs, and the ops that are smooth because of them

    A static analysis that Coq executes: which signs the elements of each value
    of a program can have, whatever the inputs are. Exponentials are positive,
    squares are not negative, a sum of positive terms is positive. Many ops are
    off their kinks for this alone: a division by [x · x + 1], a square root of
    a variance and an epsilon. [sites p given] lists the others, for which the
    gradient theorem asks. Nothing here mentions a real number; [SignsSound.v]
    proves that the list is enough.

    Glossary
      - [sign]           the signs that are possible: a set of [cls]
      - [image1], [image2]  of functions on signs
      - [una_cls], [bin_cls]  signs of results, from signs of operands
      - [sum_sign P each]  of sums of terms in [P]; [each] sum has a term
      - [inside box v]   the view reads cells that exist, at every place
      - [covers box out f]  every cell of the result gets a term
      - [sign_of m o]    of the elements of [o], its operands as in [m]
      - [settled m o]    [o] is off its kinks for what is known of signs
      - [sites p given]  the instructions of [p] that are not, in order;
                         [given] says what is known of inputs *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Kinks.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Sets of signs *)
Inductive cls := Negative | Zero | Positive.
Record sign := Sign { can_neg : bool; can_zero : bool; can_pos : bool }.

Definition anything : sign := Sign true true true.
Definition nonneg : sign := Sign false true true.
Definition only (c : cls) : sign := match c with
| Negative => Sign true false false
| Zero => Sign false true false
| Positive => Sign false false true end.

Definition can (s : sign) (c : cls) : bool := match c with
| Negative => can_neg s | Zero => can_zero s | Positive => can_pos s end.
Definition either (s t : sign) : sign :=
  Sign (can_neg s || can_neg t) (can_zero s || can_zero t) (can_pos s || can_pos t).
Definition when (b : bool) (s : sign) : sign := if b then s else Sign false false false.
Definition image1 (f : cls -> sign) (s : sign) : sign :=
  either (when (can_neg s) (f Negative)) (either (when (can_zero s) (f Zero)) (when (can_pos s) (f Positive))).
Definition image2 (f : cls -> cls -> sign) (s t : sign) : sign := image1 (fun c => image1 (f c) t) s.
Definition disjoint (s t : sign) : bool :=
  [&& ~~ (can_neg s && can_neg t), ~~ (can_zero s && can_zero t) & ~~ (can_pos s && can_pos t)].

(** ** Signs of results *)
Definition cls_of (n : Z) : cls := match n with Z0 => Zero | Zpos _ => Positive | Zneg _ => Negative end.
Definition opposite (c : cls) : cls := match c with
| Negative => Positive | Zero => Zero | Positive => Negative end.
Definition times (c c' : cls) : cls := match c, c' with
| Zero, _ | _, Zero => Zero
| Positive, d | d, Positive => d
| Negative, Negative => Positive end.
Definition plus (c c' : cls) : sign := match c, c' with
| Zero, d | d, Zero => only d
| Positive, Positive => only Positive
| Negative, Negative => only Negative
| _, _ => anything end.
Definition greater (c c' : cls) : cls := match c, c' with
| Positive, _ | _, Positive => Positive
| Zero, _ | _, Zero => Zero
| Negative, Negative => Negative end.
Definition lesser (c c' : cls) : cls := opposite (greater (opposite c) (opposite c')).

(** Where an op has no value, its meaning is still a number: the root of a
    negative number is 0, and so is the inverse of 0. *)
Definition una_cls (u : unary) (c : cls) : sign := match u with
| Neg => only (opposite c)
| Exp | Logistic | Softplus | ErfGrad => only Positive
| Log | Erf => anything
| Sqrt | Rsqrt | Relu => only (greater c Zero)
| Tanh => only c
| Abs => only (times c c)
| Elu n _ => only (if c is Negative then opposite (cls_of n) else c)
| Clamp n _ m _ => only (lesser (greater c (cls_of n)) (cls_of m)) end.
Definition bin_cls (b : binary) (c c' : cls) : sign := match b with
| Add => plus c c'
| Sub => plus c (opposite c')
| Mul | Div => only (times c c')
| Max => only (greater c c') end.

(** A product with itself is a square. *)
Definition bin_sign (b : binary) (x y : N) (s t : sign) : sign :=
  if b is Mul then
    if N.eqb x y then image1 (fun c => only (times c c)) s else image2 (bin_cls b) s t
  else image2 (bin_cls b) s t.

(** ** Contractions *)
Definition sum_sign (p : sign) (each : bool) : sign :=
  Sign (can_neg p) [|| can_zero p, ~~ each | can_neg p && can_pos p] (can_pos p).

(** The least and the greatest value of a form over a box. *)
Definition range (box : shape) (a : aff) : Z * Z :=
  foldr (fun t r => let w := (t.2 * Z.of_N (N.pred (nth 0%num box (N.to_nat t.1))))%Z in
           ((Z.min 0 w + r.1)%Z, (Z.max 0 w + r.2)%Z))
    (aff_base a, aff_base a) (aff_terms a).
Fixpoint fits_box (box : shape) (m : imap) (s : shape) : bool := match m, s with
| [::], [::] => true
| a :: m', d :: s' =>
    let r := range box a in [&& Z.leb 0 r.1, Z.ltb r.2 (Z.of_N d) & fits_box box m' s']
| _, _ => false end.
Definition inside (box : shape) (v : view) : bool := fits_box box (v_map v) (v_shape v).

(** The dimensions that a map picks, if it does no more. *)
Definition picked (a : aff) : option N :=
  if a is Aff 0%Z [:: (k, 1%Z)] then Some k else None.
Fixpoint picks (f : imap) : option (seq N) :=
  if f is a :: f' then
    if picked a is Some k then omap (cons k) (picks f') else None
  else Some [::].
Definition covers (box out : shape) (f : imap) : bool :=
  if picks f is Some ks then averaged box ks && (out == pick box ks) else false.

(** ** The analysis *)
Definition facts := PositiveMap.t sign.
Definition known (m : facts) (j : N) : sign :=
  odflt anything (PositiveMap.find (N.succ_pos j) m).
Definition learn (m : facts) (j : N) (s : sign) : facts := PositiveMap.add (N.succ_pos j) s m.

Definition view_sign (m : facts) (box : shape) (v : view) : sign :=
  either (known m (v_id v)) (when (~~ inside box v) (only Zero)).
Definition product_sign (m : facts) (box : shape) (vs : seq view) : sign :=
  foldr (fun v => image2 (fun c d => only (times c d)) (view_sign m box v)) (only Positive) vs.

Definition sign_of (m : facts) (o : op) : sign := match o with
| Const _ n _ => only (cls_of n)
| Una _ u a => image1 (una_cls u) (known m a)
| Bin _ b x y => bin_sign b x y (known m x) (known m y)
| Sel _ _ _ _ x y => either (known m x) (known m y)
| Contract box s f vs => sum_sign (product_sign m box vs) (covers box s f)
| Reshape _ _ a => known m a
| Softmax _ _ => only Positive
| MaxPool _ _ _ _ a => either (known m a) (only Zero)
| MaxPoolGrad _ _ _ _ _ ct => sum_sign (known m ct) false
| Variance _ _ _ => nonneg
| SoftmaxCrossEntropy _ _ _ | Normalize _ _ _ _ _ => anything end.

(** Off its kinks: the sign is known where a function needs a positive number,
    and differs from the sign of the kink where it has one. A window of one cell
    has no ties. *)
Definition una_settled (u : unary) (s : sign) : bool := match u with
| Log | Sqrt | Rsqrt => ~~ can_neg s && ~~ can_zero s
| Relu | Abs | Elu _ _ => ~~ can_zero s
| Clamp n _ m _ => ~~ can s (cls_of n) && ~~ can s (cls_of m)
| _ => false end.
Definition settled (m : facts) (o : op) : bool := ~~ has_kink o || match o with
| Una _ u a => una_settled u (known m a)
| Bin _ Div _ b => ~~ can_zero (known m b)
| Bin _ Max a b | Sel _ _ a b _ _ => disjoint (known m a) (known m b)
| MaxPool _ _ k _ _ | MaxPoolGrad _ _ k _ _ _ => N.leb (size_of k) 1
| _ => false end.

Fixpoint sites_from (p : prog) (m : facts) : seq instr := match p with
| [::] => [::]
| i :: p' =>
    let rest := sites_from p' (learn m i.1 (sign_of m i.2)) in
    if settled m i.2 then rest else i :: rest end.

Definition facts_of (given : seq (N * sign)) : facts :=
  foldr (fun g m => learn m g.1 g.2) (PositiveMap.empty sign) given.
Definition sites (p : prog) (given : seq (N * sign)) : seq instr := sites_from p (facts_of given).
