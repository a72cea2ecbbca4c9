(** * Reverse mode, as a program that writes a program

    [grad] walks a program backwards and emits, for every op met, the
    instructions of its vector-Jacobian product; cotangents that meet in one
    value are added. It computes with binary numbers and maps only, so that
    [vm_compute] runs it on programs of any size. Rules of ops:

      - pointwise ops          one multiplication or division by the derivative
      - [Sel]                  the cotangent, masked by the same comparison
      - [Contract]             the same contraction, index maps of result and
                               operand exchanged, for each operand in turn
      - [Reshape]              the reshape back
      - [Softmax]              [s · (ct - Σ ct·s)]
      - [SoftmaxCrossEntropy]  [((Σ t) · softmax z - t) · (ct / rows)]; no rule
                               for the targets, see [targets_fixed]
      - [Variance], [Normalize]  one correction per moment
      - [MaxPool]              each cotangent to the first greatest cell; no rule
                               for the cotangents of [MaxPoolGrad]

    Glossary
      - [st]            identifier to use next, code so far (last first), and
                        the cotangent of each value that has one
      - [emit o], [emits os]  append [o], the ops [os]
      - [una_back]      the code of a pointwise derivative
      - [acc j sh c]    add [c] to the cotangent of [j]
      - [push j sh o]   append [o], add its result to the cotangent of [j]
      - [vstep], [back] reverse one instruction, a program
      - [grad p base out params]  code and the identifiers of the gradients;
                        identifier [base] is the cotangent of [out]
      - [loss_grad]     the same, with 1 as cotangent
      - [held o]        the operand of [o] that has no rule
      - [targets_fixed p params]  no such operand depends on them
      - [amap], [aempty], [aget], [aset]  finite maps from identifiers
      - [id_map], [lead_map]  all coordinates; all but the last
      - [zero_like], [row_total], [row_spread], [row_count], [scalar_spread],
        [total_over], [spread_over], [mean_count]  ops that the rules use: zeros,
                        sums and their repetition, counts, over the last or any
                        dimensions
      - [una_rule], [bin_rule], [sel_rule], [contract_rule], [softmax_rule],
        [cross_entropy_rule], [variance_rule], [normalize_rule]  the rules
      - [settle]        a zero for a parameter without cotangent
      - [depends]       marks a value that is computed from marked ones;
                        [targets_fixed_from], from marked ones on *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive.
From Cotangent Require Import Ir Index.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Maps from identifiers *)
Definition amap := PositiveMap.t N.
Definition aempty : amap := PositiveMap.empty N.
Definition aget (m : amap) (j : N) : option N := PositiveMap.find (N.succ_pos j) m.
Definition aset (m : amap) (j c : N) : amap := PositiveMap.add (N.succ_pos j) c m.

(** ** Ops that the rules use *)
Definition id_map (s : shape) : imap := proj (first_dims (size s)).
Definition lead_map (s : shape) : imap := proj (first_dims (size s).-1).
Definition zero_like (s : shape) : op := Const s 0 1.
(** The sum over the last dimension; a value of the leading dimensions, and a
    scalar, repeated over [s]. *)
Definition row_total (s : shape) (a : N) : op :=
  Contract s (lead s) (lead_map s) [:: View a s (id_map s)].
Definition row_spread (s : shape) (a : N) : op :=
  Contract s s (id_map s) [:: View a (lead s) (lead_map s)].
Definition scalar_spread (s : shape) (a : N) : op :=
  Contract s s (id_map s) [:: View a [::] [::]].
Definition row_count (s : shape) : op := Const [::] (Z.of_N (size_of (lead s))) 1.

(** The sum over the dimensions [ds]; a value of the others, repeated; the
    number of cells that a mean over [ds] has. *)
Definition total_over (s : shape) (ds : seq N) (a : N) : op :=
  Contract s (pick s (kept s ds)) (proj (kept s ds)) [:: View a s (id_map s)].
Definition spread_over (s : shape) (ds : seq N) (a : N) : op :=
  Contract s s (id_map s) [:: View a (pick s (kept s ds)) (proj (kept s ds))].
Definition mean_count (s : shape) (ds : seq N) : op :=
  Const (pick s (kept s ds)) (Z.of_N (size_of (pick s ds))) 1.

(** ** The transform *)
Record st := St { nx : N; code : prog; adj : amap }.

Definition emit (o : op) (s : st) : st := St (N.succ (nx s)) ((nx s, o) :: code s) (adj s).

Definition acc (j : N) (sh : shape) (c : N) (s : st) : st :=
  match aget (adj s) j with
  | None => St (nx s) (code s) (aset (adj s) j c)
  | Some d => let s' := emit (Bin sh Add d c) s in
              St (nx s') (code s') (aset (adj s') j (nx s))
  end.

Definition push (j : N) (sh : shape) (o : op) (s : st) : st := acc j sh (nx s) (emit o s).

Definition emits (os : seq op) (s : st) : st := foldl (fun s o => emit o s) s os.

(** Code numbered from [n], then the op whose result is the cotangent of [a].
    [result] is the value of the op itself, which some derivatives reuse. *)
Definition una_back (sh : shape) (u : unary) (a result ct n : N) : seq op * op :=
let n1 := N.succ n in let n2 := N.succ n1 in let n3 := N.succ n2 in
match u with
| Neg => ([::], Una sh Neg ct)
| Exp => ([::], Bin sh Mul ct result)
| Log => ([::], Bin sh Div ct a)
| Sqrt => ([:: Bin sh Add result result], Bin sh Div ct n)
| Rsqrt => ([:: Bin sh Mul ct result; Bin sh Add a a; Bin sh Div n n1], Una sh Neg n2)
| Tanh => ([:: Const sh 1 1; Bin sh Mul result result; Bin sh Sub n n1], Bin sh Mul ct n2)
| Logistic => ([:: Const sh 1 1; Bin sh Sub n result; Bin sh Mul result n1], Bin sh Mul ct n2)
| Softplus => ([:: Una sh Logistic a], Bin sh Mul ct n)
| Erf => ([:: Una sh ErfGrad a], Bin sh Mul ct n)
| ErfGrad => ([:: Bin sh Add a a; Bin sh Mul n result; Una sh Neg n1], Bin sh Mul ct n2)
| Relu => ([:: zero_like sh], Sel sh CGt a n ct n)
| Abs => ([:: zero_like sh; Una sh Neg ct; Sel sh CGt n a n1 n], Sel sh CGt a n ct n2)
| Elu p q => ([:: zero_like sh; Const sh p q; Bin sh Add result n1; Bin sh Mul ct n2],
              Sel sh CGt a n ct n3)
| Clamp p q p' q' => ([:: zero_like sh; Const sh p q; Const sh p' q'; Sel sh CGt n2 a ct n],
                      Sel sh CGt a n1 n3 n)
end.

Definition una_rule (sh : shape) (u : unary) (a result ct : N) (s : st) : st :=
  let: (os, o) := una_back sh u a result ct (nx s) in push a sh o (emits os s).

Definition bin_rule (sh : shape) (b : binary) (x y result ct : N) (s : st) : st := match b with
| Add => acc y sh ct (acc x sh ct s)
| Sub => push y sh (Una sh Neg ct) (acc x sh ct s)
| Mul => push y sh (Bin sh Mul ct x) (push x sh (Bin sh Mul ct y) s)
| Div =>
    let s1 := push x sh (Bin sh Div ct y) s in
    let scaled := nx s1 in let s2 := emit (Bin sh Mul ct result) s1 in
    let quotient := nx s2 in let s3 := emit (Bin sh Div scaled y) s2 in
    push y sh (Una sh Neg quotient) s3
| Max =>    (* all to the greater, half to each where they are equal *)
    let zero := nx s in let two := N.succ zero in
    let half := N.succ two in let rest := N.succ half in
    push y sh (Sel sh CGt y x ct rest) (push x sh (Sel sh CGt x y ct rest)
      (emits [:: zero_like sh; Const sh 2 1; Bin sh Div ct two; Sel sh CEq x y half zero] s))
end.

Definition sel_rule (sh : shape) (c : comparison) (a b x y ct : N) (s : st) : st :=
  let zero := nx s in
  push y sh (Sel sh c a b zero ct) (push x sh (Sel sh c a b ct zero) (emit (zero_like sh) s)).

(** One operand of [pre ++ v :: vs] after the other. *)
Fixpoint contract_rule (box : shape) (ct : view) (pre vs : seq view) (s : st) : st :=
  match vs with
  | [::] => s
  | v :: vs' =>
      contract_rule box ct (rcons pre v) vs'
        (push (v_id v) (v_shape v) (Contract box (v_shape v) (v_map v) (pre ++ ct :: vs')) s)
  end.

Definition softmax_rule (sh : shape) (a result ct : N) (s : st) : st :=
  let weighted := nx s in let s1 := emit (Bin sh Mul ct result) s in
  let total := nx s1 in let s2 := emit (row_total sh weighted) s1 in
  let spread := nx s2 in let s3 := emit (row_spread sh total) s2 in
  let centred := nx s3 in let s4 := emit (Bin sh Sub ct spread) s3 in
  push a sh (Bin sh Mul result centred) s4.

Definition cross_entropy_rule (sh : shape) (z t ct : N) (s : st) : st :=
  let sm := nx s in let s1 := emit (Softmax sh z) s in
  let total := nx s1 in let s2 := emit (row_total sh t) s1 in
  let mass := nx s2 in let s3 := emit (row_spread sh total) s2 in
  let expected := nx s3 in let s4 := emit (Bin sh Mul mass sm) s3 in
  let excess := nx s4 in let s5 := emit (Bin sh Sub expected t) s4 in
  let count := nx s5 in let s6 := emit (row_count sh) s5 in
  let share := nx s6 in let s7 := emit (Bin [::] Div ct count) s6 in
  let scale := nx s7 in let s8 := emit (scalar_spread sh share) s7 in
  push z sh (Bin sh Mul excess scale) s8.

(** [2 (a - mean a) ct / N] *)
Definition variance_rule (sh : shape) (ds : seq N) (a ct : N) (s : st) : st :=
  let z := pick sh (kept sh ds) in
  let total := nx s in let count := N.succ total in let mean := N.succ count in
  let spread := N.succ mean in let centred := N.succ spread in let twice := N.succ centred in
  let share := N.succ twice in let shares := N.succ share in
  push a sh (Bin sh Mul centred shares) (emits
    [:: total_over sh ds a; mean_count sh ds; Bin z Div total count; spread_over sh ds mean;
        Bin sh Sub a spread; Bin z Add ct ct; Bin z Div twice count; spread_over sh ds share] s).

(** [(ct - mean ct - y · mean (ct · y)) / sqrt (variance a + ε)], [y] the result *)
Definition normalize_rule (sh : shape) (ds : seq N) (n : Z) (d : positive) (a result ct : N)
    (s : st) : st :=
  let z := pick sh (kept sh ds) in
  let moment := nx s in let eps := N.succ moment in let shifted := N.succ eps in
  let root := N.succ shifted in let scale := N.succ root in
  let total := N.succ scale in let count := N.succ total in let mean := N.succ count in
  let means := N.succ mean in let product := N.succ means in let sum := N.succ product in
  let along := N.succ sum in let spread := N.succ along in let part := N.succ spread in
  let centred := N.succ part in let rest := N.succ centred in
  push a sh (Bin sh Mul scale rest) (emits
    [:: Variance sh ds a; Const z n d; Bin z Add moment eps; Una z Rsqrt shifted;
        spread_over sh ds root; total_over sh ds ct; mean_count sh ds; Bin z Div total count;
        spread_over sh ds mean; Bin sh Mul ct result; total_over sh ds product;
        Bin z Div sum count; spread_over sh ds along; Bin sh Mul result spread;
        Bin sh Sub ct means; Bin sh Sub centred part] s).

Definition vstep (i : instr) (s : st) : st :=
  match aget (adj s) i.1 with None => s | Some ct =>
  match i.2 with
  | Const _ _ _ => s
  | Una sh u a => una_rule sh u a i.1 ct s
  | Bin sh b x y => bin_rule sh b x y i.1 ct s
  | Sel sh c a b x y => sel_rule sh c a b x y ct s
  | Contract box sh f vs => contract_rule box (View ct sh f) [::] vs s
  | Reshape sh to a => push a sh (Reshape to sh ct) s
  | Softmax sh a => softmax_rule sh a i.1 ct s
  | SoftmaxCrossEntropy sh z t => cross_entropy_rule sh z t ct s
  | MaxPool sh out k m a => push a sh (MaxPoolGrad sh out k m a ct) s
  | Variance sh ds a => variance_rule sh ds a ct s
  | Normalize sh ds n d a => normalize_rule sh ds n d a i.1 ct s
  | MaxPoolGrad _ _ _ _ _ _ => s    (* which cell is greatest does not change *)
  end end.

Definition back (p : prog) (s : st) : st := foldr vstep s p.

(** A parameter on which [out] does not depend gets a zero. *)
Definition settle (q : N * shape) (s : st) : st :=
  match aget (adj s) q.1 with None => push q.1 q.2 (zero_like q.2) s | Some _ => s end.

Definition grad (p : prog) (base out : N) (params : seq (N * shape)) : prog * seq N :=
  let s := foldr settle (back p (St (N.succ base) [::] (aset aempty out base))) params in
  (rev (code s), [seq odflt 0%num (aget (adj s) q.1) | q <- params]).

Definition loss_grad (p : prog) (base out : N) (params : seq (N * shape)) : prog * seq N :=
  let g := grad p base out params in ((base, Const [::] 1 1) :: g.1, g.2).

(** ** Targets are constants *)
(** The operand that has no rule. *)
Definition held (o : op) : option N := match o with
| SoftmaxCrossEntropy _ _ t => Some t
| MaxPoolGrad _ _ _ _ _ ct => Some ct
| _ => None end.

Definition depends (m : amap) (i : instr) : amap :=
  if has (fun a => isSome (aget m a.1)) (oargs i.2) then aset m i.1 0%num else m.

Fixpoint targets_fixed_from (p : prog) (m : amap) : bool := match p with
| [::] => true
| i :: p' =>
    (if held i.2 is Some t then ~~ isSome (aget m t) else true)
    && targets_fixed_from p' (depends m i) end.

Definition targets_fixed (p : prog) (params : seq N) : bool :=
  targets_fixed_from p (foldr (fun j m => aset m j 0%num) aempty params).
