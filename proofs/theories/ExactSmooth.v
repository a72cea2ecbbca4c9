(** * Exponentials on integers

    Balls [(z, r)], one for each entry, that share an exponent; and functions of
    single entries that are made of exponentials, logarithms, products and quotients.

    For the exponential of [u] at most 2^-8 from 0, [terms] terms of its series
    are within a unit of the last place. Others are halved so often before, and
    squared as often after.

    Glossary
      - [near], [near_mul], [near_inverse], [near_exp], …  a ball, and operations on them
      - [series]         of a number [a / 2^h] that is not negative, at exponent [g]
      - [newton], [margin], [near_log]  a logarithm that is guessed, how far it may
                         be off, and that it is not further
      - [smooth]         an activation of a ball
      - [common_radius]  a tensor of rows that their radii follow: the greatest
      - [smooth_value]   of each entry *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index SpecLayer ExactTable.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope Z_scope.

Definition near := (Z * Z)%type.

(** What halving and squaring loses, and a little more. *)
Definition guard : N := 24.
(** So many halvings are enough for what is below 2^16. *)
Definition halvings : N := 24.

Section Near.
Variable g : N.
Let one : Z := Z.shiftl 1 (Z.of_N g).

(** Another exponent. *)
Definition near_of (e : N) (b : near) : near :=
  if N.leb e g then (Z.shiftl b.1 (Z.of_N (g - e)), Z.shiftl b.2 (Z.of_N (g - e)))
  else (Z.shiftr b.1 (Z.of_N (e - g)), Z.shiftr b.2 (Z.of_N (e - g)) + 2).

Definition near_rational (n : Z) (d : positive) : near := (Z.shiftl n (Z.of_N g) / Zpos d, 1).
Definition near_int (n : Z) : near := (Z.shiftl n (Z.of_N g), 0).
Definition near_add (a b : near) : near := (a.1 + b.1, a.2 + b.2).
Definition near_opp (a : near) : near := (- a.1, a.2).
Definition near_mul (a b : near) : near :=
  (Z.shiftr (a.1 * b.1) (Z.of_N g),
   Z.shiftr (Z.abs a.1 * b.2 + Z.abs b.1 * a.2 + a.2 * b.2) (Z.of_N g) + 2).

(** Of what is above 0. *)
Definition near_inverse (a : near) : option near :=
  if Z.ltb 0 (a.1 - a.2) then
    let top := Z.shiftl 1 (Z.of_N (g + g)) in
    let low := top / (a.1 + a.2) in Some (low, top / (a.1 - a.2) + 1 - low)
  else None.

(** [1 + u (1 + u / 2 (1 + u / 3 (…)))], from [1 + u / j] on. *)
Fixpoint series (h : N) (a : Z) (j terms : nat) : Z :=
  if terms is t.+1 then one + Z.shiftr (series h a j.+1 t * a) (Z.of_N h) / Z.of_nat j else one.
Definition terms : nat := (N.to_nat g %/ 8).+1.

(** Of [z / 2^h] up to [r / 2^h]. *)
Definition exp_small (h : N) (b : near) : option near :=
  if Z.leb (Z.shiftl (Z.abs b.1 + b.2) 8) (Z.shiftl 1 (Z.of_N h)) then
    let up := (series h (Z.abs b.1) 1 terms, 5) in
    let spread (p : near) := (p.1, p.2 + Z.shiftr (Z.shiftl b.2 (Z.of_N (g + 1))) (Z.of_N h) + 1) in
    omap spread (if Z.ltb b.1 0 then near_inverse up else Some up)
  else None.

Fixpoint squared (k : nat) (b : near) : near := if k is k'.+1 then squared k' (near_mul b b) else b.

(** A ball at exponent [e]. *)
Definition near_exp (e : N) (b : near) : option near :=
  let k := Z.to_N (Z.max 0 (Z.log2 (Z.abs b.1 + b.2) + 9 - Z.of_N e)) in
  if N.leb k halvings then omap (squared (N.to_nat k)) (exp_small (e + k) b) else None.

(** ** Activations *)
Definition near_sigmoid (e : N) (b : near) : option near :=
  obind (fun x => near_inverse (near_add (near_int 1) x)) (near_exp e (near_opp b)).

(** [1 - 2 / (1 + exp (2 x))] *)
Definition near_tanh (e : N) (b : near) : option near :=
  obind (fun x => omap (fun y => near_add (near_int 1) (near_opp (near_add y y)))
                    (near_inverse (near_add (near_int 1) x)))
    (near_exp e (near_add b b)).

Definition near_hard_sigmoid (e : N) (b : near) : near :=
  let c := near_of e b in
  let clamped := Z.min (Z.max (c.1 + Z.shiftl 3 (Z.of_N g)) 0) (Z.shiftl 6 (Z.of_N g)) in
  near_mul (clamped, c.2) (near_rational 1 6).

(** What it is above 0; below, [n / d] times [exp x - 1]. *)
Definition near_elu (n : Z) (d : positive) (e : N) (b : near) : option near :=
  omap (fun x => near_add (near_of e (Z.max b.1 0, b.2))
                   (near_mul (near_rational n d) (near_add x (near_int (-1)))))
    (near_exp e (Z.min b.1 0, b.2)).

(** The logarithm of [t]: Newton's steps, which double the digits that are right,
    then a test that it is between the exponentials of what is a little less and a
    little more. *)
Fixpoint newton (k : nat) (t y : Z) : Z :=
  if k is k'.+1 then
    if near_exp g (- y, 0) is Some x then newton k' t (y + Z.shiftr (t * x.1) (Z.of_N g) - one) else y
  else y.
Definition margin (t : near) (y : Z) : Z := if near_exp g (y, 0) is Some x then t.2 + 4 * x.2 + 16 else 0.
Definition near_log (t : near) : option near :=
  let y := newton (N.to_nat (N.log2 g) + 4) t.1 0 in let more := margin t y in
  if (near_exp g (y - more, 0), near_exp g (y + more, 0)) is (Some a, Some b) then
    if Z.leb (a.1 + a.2) (t.1 - t.2) && Z.leb (t.1 + t.2) (b.1 - b.2) then Some (y, more) else None
  else None.

(** The greater of [x] and 0, and [log (1 + exp (- |x|))]. *)
Definition near_softplus (e : N) (b : near) : option near :=
  obind (fun x => omap (near_add (near_of e (Z.max b.1 0, b.2))) (near_log (near_add (near_int 1) x)))
    (near_exp e (- Z.abs b.1, b.2)).

(** The ball is at exponent [e], the result at [g]. *)
Definition smooth (p : Layer.pointwise) (e : N) (b : near) : option near := match p with
| Layer.Sigmoid => near_sigmoid e b
| Layer.Tanh => near_tanh e b
| Layer.Elu n d => near_elu n d e b
| Layer.Softplus => near_softplus e b
| Layer.Silu => omap (near_mul (near_of e b)) (near_sigmoid e b)
| Layer.HardSigmoid => Some (near_hard_sigmoid e b)
| Layer.HardSwish => Some (near_mul (near_of e b) (near_hard_sigmoid e b))
| Layer.GeluTanh n d m q =>
    let x := near_of e b in
    let inner := near_mul (near_add x (near_mul (near_mul (near_mul x x) x) (near_rational n d))) (near_rational m q) in
    omap (fun t => near_mul (near_mul x (near_rational 1 2)) (near_add (near_int 1) t)) (near_tanh g inner)
| _ => None
end.
End Near.

(** Rows that their radii follow. *)
Definition common_radius (g : N) (t : table) : fixed :=
  let half (r : row) := (size r)./2 in
  let radii r := drop (half r) r in
  let greatest := PositiveMap.fold (fun _ (q : idx * entry) m => foldr Z.max m (radii q.2.2)) t 0 in
  let keep r := if all (fun z => Z.leb z greatest) (radii r) then take (half r) r else [::] in
  Fixed g (PositiveMap.map (fun q : idx * entry => (q.1, (q.2.1, keep q.2.2))) t) false greatest.

Section Value.
Variables (g : N) (f : N -> near -> option near) (s : shape) (x : fixed).

Fixpoint all_near (r : row) : option (seq near) := match r with
| [::] => Some [::]
| z :: r' => if f (f_exponent x) (z, f_radius x) is Some p then omap (cons p) (all_near r') else None
end.

(** A row, and then its radii. *)
Definition with_radii : table :=
  let make (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (model, r) then
      omap (fun ps => (model, [seq p.1 | p <- ps] ++ [seq p.2 | p <- ps])) (all_near r)
    else None in
  tabulate id key make (idxs (lead s)).

Definition smooth_value : fixed := common_radius g with_radii.
End Value.

Definition smooth_layer (fraction : N) (p : Layer.pointwise) (s : shape) (x : fixed) : fixed :=
  let g := (fraction + guard)%num in rounded fraction (smooth_value g (smooth g p) s x).

(** Between 2.718 and 2.719; of -1, between 0.367 and 0.368; both within 2^-39. *)
Example exp_1 : let thousandths (z k : Z) := if near_exp 88 0 (z, 0) is Some (y, r) then
    Z.ltb (2718 * r) (Z.shiftl 1 60) && Z.eqb (y * 1000 / Z.shiftl 1 88) k else false in
  thousandths 1 2718 && thousandths (-1) 367.
Proof. by vm_compute. Qed.

(** Softplus of 0 is the logarithm of 2, between 0.693 and 0.694; of 20 it is a
    little more than that; twice elu of -1, and of 1. *)
Example softplus_0 : let thousandths (p : Layer.pointwise) (z k : Z) := if smooth 88 p 0 (z, 0) is Some (y, r) then
    Z.ltb (2718 * r) (Z.shiftl 1 60) && Z.eqb (y * 1000 / Z.shiftl 1 88) k else false in
  [&& thousandths Layer.Softplus 0 693, thousandths Layer.Softplus 20 20000, thousandths Layer.Softplus (-3) 48,
      thousandths (Layer.Elu 2 1) (-1) (-1265), thousandths (Layer.Elu 2 1) 1 1000
    & ~~ thousandths Layer.Softplus 0 694].
Proof. by vm_compute. Qed.
