(** * Value numbering

    Two programs over the same inputs are brought to one table of canonical
    ops, each op entered once; a value's number is its place in the table. Two
    values with the same number are equal ([NumberSound.v]). So a step that
    was reordered, shares subexpressions or computes them twice, carries dead
    code, or writes a contraction another way is still recognised.

    What is chosen here by search (an order of dimensions, a transposition) is
    tested before it is used, so that the proof never looks at the search.

    Glossary
      - [op_eqb]        structural equality of ops
      - [by_id]         views sorted by their values
      - [reorder]       a contraction with its iteration dimensions in another order
      - [canonical]     the form in which an op is entered
      - [transposed]    how an op permutes the dimensions of its one operand
      - [alias]         the value that an op merely copies
      - [forced]       is computed by now: true
      - [numbering]     the table; [number] enters a program into it *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index Dims.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Equality of ops *)

Fixpoint list_eqb (T : Type) (e : T -> T -> bool) (a b : seq T) : bool := match a, b with
| [::], [::] => true
| x :: a', y :: b' => e x y && list_eqb e a' b'
| _, _ => false end.

Definition shape_eqb : shape -> shape -> bool := list_eqb N.eqb.
Definition term_eqb (a b : N * Z) : bool := N.eqb a.1 b.1 && Z.eqb a.2 b.2.
Definition aff_eqb (a b : aff) : bool :=
  Z.eqb (aff_base a) (aff_base b) && list_eqb term_eqb (aff_terms a) (aff_terms b).
Definition imap_eqb : imap -> imap -> bool := list_eqb aff_eqb.
Definition view_eqb (a b : view) : bool :=
  [&& N.eqb (v_id a) (v_id b), shape_eqb (v_shape a) (v_shape b) & imap_eqb (v_map a) (v_map b)].

Definition unary_eqb (a b : unary) : bool := match a, b with
| Neg, Neg | Exp, Exp | Log, Log | Sqrt, Sqrt | Rsqrt, Rsqrt | Tanh, Tanh | Logistic, Logistic
| Softplus, Softplus | Erf, Erf | ErfGrad, ErfGrad | Relu, Relu | Abs, Abs => true
| Elu n d, Elu n' d' => Z.eqb n n' && Pos.eqb d d'
| Clamp n d m e, Clamp n' d' m' e' => [&& Z.eqb n n', Pos.eqb d d', Z.eqb m m' & Pos.eqb e e']
| _, _ => false end.
Definition binary_eqb (a b : binary) : bool := match a, b with
| Add, Add | Sub, Sub | Mul, Mul | Div, Div | Max, Max => true | _, _ => false end.
Definition comparison_eqb (a b : comparison) : bool := match a, b with
| CEq, CEq | CGt, CGt | CGe, CGe => true | _, _ => false end.

Definition op_eqb (o p : op) : bool := match o, p with
| Const s n d, Const s' n' d' => [&& Z.eqb n n', Pos.eqb d d' & shape_eqb s s']
| Una s u a, Una s' u' a' => [&& unary_eqb u u', N.eqb a a' & shape_eqb s s']
| Bin s b x y, Bin s' b' x' y' =>
    [&& binary_eqb b b', N.eqb x x', N.eqb y y' & shape_eqb s s']
| Sel s c a b x y, Sel s' c' a' b' x' y' =>
    [&& comparison_eqb c c', N.eqb a a', N.eqb b b', N.eqb x x', N.eqb y y' & shape_eqb s s']
| Contract box s f vs, Contract box' s' f' vs' =>
    [&& list_eqb view_eqb vs vs', shape_eqb box box', shape_eqb s s' & imap_eqb f f']
| Reshape s t a, Reshape s' t' a' => [&& N.eqb a a', shape_eqb s s' & shape_eqb t t']
| Softmax s a, Softmax s' a' => N.eqb a a' && shape_eqb s s'
| SoftmaxCrossEntropy s z t, SoftmaxCrossEntropy s' z' t' =>
    [&& N.eqb z z', N.eqb t t' & shape_eqb s s']
| MaxPool s t k m a, MaxPool s' t' k' m' a' =>
    [&& N.eqb a a', shape_eqb s s', shape_eqb t t', shape_eqb k k' & imap_eqb m m']
| MaxPoolGrad s t k m a c, MaxPoolGrad s' t' k' m' a' c' =>
    [&& N.eqb a a', N.eqb c c', shape_eqb s s', shape_eqb t t', shape_eqb k k' & imap_eqb m m']
| Variance s ds a, Variance s' ds' a' => [&& N.eqb a a', shape_eqb s s' & list_eqb N.eqb ds ds']
| Normalize s ds n d a, Normalize s' ds' n' d' a' =>
    [&& N.eqb a a', Z.eqb n n', Pos.eqb d d', shape_eqb s s' & list_eqb N.eqb ds ds']
| _, _ => false end.

(** ** Canonical form *)

Definition place (ks : seq N) (k : N) : N := N.of_nat (index k ks).

(** The dimensions that a map reads. *)
Definition reads (m : imap) : seq N := flatten [seq [seq t.1 | t <- aff_terms a] | a <- m].

(** Those that a coordinate of it is, by itself. *)
Definition reads_alone (m : imap) : seq N := reads [seq a <- m | if aff_terms a is [:: _] then true else false].

(** Terms by their dimension. *)
Fixpoint insert_term (t : N * Z) (l : seq (N * Z)) : seq (N * Z) :=
  if l is u :: l' then if N.leb t.1 u.1 then t :: l else u :: insert_term t l' else [:: t].
Definition sort_terms : seq (N * Z) -> seq (N * Z) := foldr insert_term [::].

Definition relabel (ks : seq N) (m : imap) : imap :=
  [seq Aff (aff_base a) (sort_terms [seq (place ks t.1, t.2) | t <- aff_terms a]) | a <- m].

Definition relabel_view (ks : seq N) (v : view) : view :=
  View (v_id v) (v_shape v) (relabel ks (v_map v)).

(** The dimensions in the order of their first use, alone and then beside others: the terms
    of a form may stand in any order. *)
Definition first_use (f : imap) (vs : seq view) (n : nat) : seq N :=
  foldl (fun seen k => if has (N.eqb k) seen then seen else rcons seen k) [::]
    (reads_alone f ++ flatten [seq reads_alone (v_map v) | v <- vs] ++
     reads f ++ flatten [seq reads (v_map v) | v <- vs] ++ first_dims n).

Definition reorder (box out : shape) (f : imap) (vs : seq view) : op :=
  let ks := first_use f vs (size box) in
  if is_order ks (size box) && all (fun m => all (fun k => k \in ks) (reads m)) (f :: map v_map vs)
  then Contract (pick box ks) out (relabel ks f) (map (relabel_view ks) vs)
  else Contract box out f vs.

Fixpoint insert (v : view) (vs : seq view) : seq view :=
  if vs is w :: vs' then if N.leb (v_id v) (v_id w) then v :: vs else w :: insert v vs' else [:: v].
Definition by_id (vs : seq view) : seq view := foldr insert [::] vs.

(** The permutation [ks] with [result[i] = operand[pick i ks]], if that is all
    the op does. *)
Definition transposed (o : op) : option (seq N * view) :=
  if o is Contract box out f [:: v] then
    let n := size out in
    let ks := flatten [seq [seq t.1 | t <- aff_terms a] | a <- v_map v] in
    if [&& shape_eqb box out, imap_eqb f (proj (first_dims n)), is_order ks n,
           imap_eqb (v_map v) (proj ks) & shape_eqb (v_shape v) (pick out ks)]
    then Some (ks, v) else None
  else None.

(** A transposed contraction is a contraction. *)
Definition fuse (def : N -> option op) (o : op) : op :=
  if (o, transposed o) is (Contract _ out _ _, Some (ks, v)) then
    if def (v_id v) is Some (Contract box s f vs) then
      if shape_eqb s (v_shape v) && (size f == size s) then
        reorder box out [seq nth (Aff 0 [::]) f (index k ks) | k <- first_dims (size out)] vs
      else o
    else o
  else o.

Fixpoint power_of_two (d : positive) : bool := match d with
| xH => true | xO d' => power_of_two d' | xI _ => false end.

(** In lowest terms; those of the format's numbers are seen to be. *)
Definition constant (s : shape) (n : Z) (d : positive) : op :=
  if Pos.eqb d 1 || Z.odd n && power_of_two d then Const s n d else
  let: (_, (n', d')) := Z.ggcd n (Zpos d) in
  if d' is Zpos d' then
    if Z.eqb (n * Zpos d') (n' * Zpos d) then Const s n' d' else Const s n d
  else Const s n d.

Definition canonical (def : N -> option op) (o : op) : op := match o with
| Const s n d => constant s n d
| Bin s Add a b => if N.ltb b a then Bin s Add b a else o
| Bin s Mul a b => if N.ltb b a then Bin s Mul b a else o
| Contract box out f vs => fuse def (reorder box out f (by_id vs))
| _ => o end.

Definition alias (o : op) : option N := match o with
| Reshape s t a => if shape_eqb s t then Some a else None
| _ => if transposed o is Some (ks, v) then
         if list_eqb N.eqb ks (first_dims (size ks)) then Some (v_id v) else None
       else None
end.

Definition rename (num : N -> N) (o : op) : op := match o with
| Const s n d => Const s n d
| Una s u a => Una s u (num a)
| Bin s b x y => Bin s b (num x) (num y)
| Sel s c a b x y => Sel s c (num a) (num b) (num x) (num y)
| Contract box s f vs => Contract box s f [seq View (num (v_id v)) (v_shape v) (v_map v) | v <- vs]
| Reshape s t a => Reshape s t (num a)
| Softmax s a => Softmax s (num a)
| SoftmaxCrossEntropy s z t => SoftmaxCrossEntropy s (num z) (num t)
| MaxPool s t k m a => MaxPool s t k m (num a)
| MaxPoolGrad s t k m a c => MaxPoolGrad s t k m (num a) (num c)
| Variance s ds a => Variance s ds (num a)
| Normalize s ds n d a => Normalize s ds n d (num a)
end.

(** ** The table *)

(** The binary digits of [n], then those of [p]. *)
Fixpoint append_digits (n p : positive) : positive := match n with
| xH => xI p | xO n' => xO (append_digits n' p) | xI n' => xI (append_digits n' p) end.
Definition append (n : N) (p : positive) : positive :=
  if n is Npos n' then append_digits n' p else xO p.

Definition tag (o : op) : N := match o with
| Const _ n _ => N.double (Z.abs_N n)
| Una _ u _ => match u with
    Neg => 1 | Exp => 3 | Log => 5 | Sqrt => 7 | Relu => 9 | Rsqrt => 29 | Tanh => 31
  | Logistic => 33 | Softplus => 35 | Abs => 37 | Elu _ _ => 39 | Clamp _ _ _ _ => 41
  | Erf => 53 | ErfGrad => 55 end
| Bin _ b _ _ => match b with Add => 11 | Sub => 13 | Mul => 15 | Div => 17 | Max => 43 end
| Sel _ _ _ _ _ _ => 19
| Contract _ _ _ _ => 21
| Reshape _ _ _ => 23
| Softmax _ _ => 25
| SoftmaxCrossEntropy _ _ _ => 27
| MaxPool _ _ _ _ _ => 45
| MaxPoolGrad _ _ _ _ _ _ => 47
| Variance _ _ _ => 49
| Normalize _ _ _ _ _ => 51
end%num.

(** Where an op is looked up; ops at one place are told apart by [op_eqb]. Short: what is
    looked up in a map costs as many steps as its key has digits. *)
Definition key (o : op) : positive :=
  let mix := foldr (fun a n => a.1 + N.double n)%num (foldr N.add 0%num (oshape o)) (oargs o) in
  append (tag o) (N.succ_pos mix).

Definition get (T : Type) (m : PositiveMap.t T) (k : N) : option T := PositiveMap.find (N.succ_pos k) m.
Definition set (T : Type) (k : N) (x : T) (m : PositiveMap.t T) : PositiveMap.t T :=
  PositiveMap.add (N.succ_pos k) x m.

Record numbering := Numbering {
  fresh : N;                                (** the next number *)
  entries : prog;                           (** canonical ops, last first *)
  places : PositiveMap.t (seq (op * N));    (** number of an op, by [key] *)
  defs : PositiveMap.t op }.                (** op of a number, if it is a contraction *)

(** The inputs are the numbers below [nin]. *)
Definition no_entries (nin : N) : numbering :=
  Numbering nin [::] (PositiveMap.empty _) (PositiveMap.empty _).

Fixpoint lookup (o : op) (l : seq (op * N)) : option N :=
  if l is (p, k) :: l' then if op_eqb o p then Some k else lookup o l' else None.

(** Always true ([forced_true]). To ask makes lazy reduction, by which [coqchk] computes, compute this
    much, so that it need not keep all earlier tables until somebody asks. *)
Definition forced (o : op) (k : N) (bucket : seq (op * N)) (all : prog) (defs : PositiveMap.t op) : bool :=
  [&& op_eqb o o, if k is 0%num then true else true,
      if bucket is (_, _) :: _ then true else true,
      if all is (_, _) :: rest then if rest is [::] then true else true else true
    & if defs is PositiveMap.Leaf then true else true].

Definition enter (o : op) (t : numbering) : option (numbering * N) :=
  let here := odflt [::] (PositiveMap.find (key o) (places t)) in
  if lookup o here is Some k then Some (t, k)
  else
    let k := fresh t in let bucket := (o, k) :: here in let all_entries := (k, o) :: entries t in
    let contractions := if o is Contract _ _ _ _ then set k o (defs t) else defs t in
    if all (fun a => N.ltb a.1 k) (oargs o) && forced o k bucket all_entries contractions then
      Some (Numbering (N.succ k) all_entries (PositiveMap.add (key o) bucket (places t)) contractions, k)
    else None.

(** The numbers of a program's values; an input is its own number. *)
Definition numbers := PositiveMap.t N.
Definition number_of (m : numbers) (j : N) : N := odflt j (get m j).

Definition number_op (o : op) (t : numbering) (m : numbers) : option (numbering * N) :=
  let o := canonical (get (defs t)) (rename (number_of m) o) in
  if alias o is Some a then Some (t, a) else enter o t.

Fixpoint number (p : prog) (t : numbering) (m : numbers) : option (numbering * numbers) :=
  if p is (d, o) :: p' then
    if number_op o t m is Some (t', k) then number p' t' (set d k m) else None
  else Some (t, m).

Definition number_two (nin : N) (p q : prog) : option (numbers * numbers) :=
  if number p (no_entries nin) (PositiveMap.empty N) is Some (t, m) then
    if number q t (PositiveMap.empty N) is Some (_, m') then Some (m, m') else None
  else None.
