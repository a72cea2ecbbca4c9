(** * The printed bodies of the private functions denote their ops

    relu is a maximum with 0, clamp a maximum and a minimum. The derivative of erf
    has its factor from an arctangent, with no rounded constant. Softplus and elu
    take exponentials of numbers that are not positive; softmax and cross-entropy
    subtract the maximum of each row first. So no exponential overflows in
    floating point; over the reals it changes nothing, for the last two whatever
    the maximum is.

    Statements: [pointwise_meaning], [softmax_meaning], [cross_entropy_meaning],
    [variance_meaning], [normalize_meaning]:
    called with arrays of the type it is made for, the function returns the
    op's value.

    Glossary
      - [no_call]         a body calls no function
      - [row_maximum], [shifted], [exponentials], [row_total]  of a softmax: the
                          greatest of a row; what is left when it is taken off;
                          the exponentials of that; their sum
      - [spread]          one value a row, repeated
      - [bottom]          what a maximum starts from
      - [seven], [ten]    the values after each instruction of a body *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp trigo.
From Coq Require Import NArith ZArith String Lia.
From Cotangent Require Import Ir Index Denote Atan2 Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** ** Shapes of rows *)

Lemma others_last n : others n.+1 [:: N.of_nat n] = first_dims n.
Proof.
rewrite /others /first_dims -addn1 iotaD map_cat filter_cat /= add0n inE eqxx cats0.
apply/all_filterP/allP => d; rewrite -/(first_dims n) mem_first_dims => h.
by rewrite inE; apply/eqP => e; move: h; rewrite e Nnat.Nat2N.id ltnn.
Qed.

Lemma others_all n : others n (first_dims n) = [::].
Proof.
rewrite /others -(filter_pred0 (first_dims n)); apply/eq_in_filter => d hd.
by rewrite hd.
Qed.

Lemma pick_lead l : pick l (first_dims (size l).-1) = lead l.
Proof. by rewrite /pick map_first_dims ?leq_pred. Qed.

Lemma distinct_last n : distinct n.+1 [:: N.of_nat n].
Proof. by rewrite /distinct /= mem_first_dims Nnat.Nat2N.id leqnn. Qed.

Lemma distinct_first m n : (m <= n)%nat -> distinct n (first_dims m).
Proof.
move=> h; rewrite /distinct map_inj_uniq ?iota_uniq; last exact: Nnat.Nat2N.inj.
by apply/allP => d; rewrite /= !mem_first_dims => hd; exact: leq_trans hd h.
Qed.

Section Bodies.
Variable R : realType.
Implicit Types (a b z : tensor R).

(** ** Rows *)

Lemma broadcast_row s a i : i \in idxs s ->
  broadcast_in_dim (first_dims (size s).-1) (lead s) a i = a (lead i).
Proof.
rewrite mem_idxs => hi; rewrite /broadcast_in_dim /broadcast_source.
by rewrite -(inb_size hi) pick_lead broadcast_index // inb_lead.
Qed.

Lemma fibre_row s i : (0 < size s)%nat ->
  fibre s [:: N.of_nat (size s).-1] i = [seq r <- idxs s | lead r == i].
Proof.
move=> hs; apply/eq_in_filter => r; rewrite mem_idxs => /inb_size hr.
by rewrite -(prednK hs) others_last -hr pick_lead.
Qed.

Lemma reduce_row s a i : (0 < size s)%nat ->
  reduce_add s [:: N.of_nat (size s).-1] a (lead i) = row_sum s a i.
Proof. by move=> hs; rewrite /reduce_add fibre_row // big_filter. Qed.

Lemma reduce_all s a i : reduce_add s (all_dims s) a i = if i == [::] then \sum_(r <- idxs s) a r else 0.
Proof.
rewrite /reduce_add /fibre others_all; case: eqP => [->|/eqP ne].
  by rewrite big_filter.
by rewrite big_filter big1 // => r /eqP e; rewrite -e in ne.
Qed.

(** The shift cancels: [m] is any number that is the same along the row. *)
Lemma row_sum_shift s z m i :
  row_sum s (fun j => expR (z j - m (lead j))) i
  = row_sum s (fun j => expR (z j)) i * expR (- m (lead i)).
Proof.
rewrite /row_sum mulr_suml; apply: eq_bigr => j /eqP ->.
by rewrite expRD.
Qed.

Lemma row_sum_gt0 s z i : i \in idxs s -> 0 < row_sum s (fun j => expR (z j)) i.
Proof.
move=> hi; rewrite /row_sum big_mkcond (bigD1_seq i) ?idxs_uniq //= eqxx.
apply: ltr_paddr; last exact: expR_gt0.
by apply: sumr_ge0 => j _; case: ifP => // _; by rewrite ltW ?expR_gt0.
Qed.

Lemma softmax_shift s z m i :
  expR (z i - m (lead i)) / row_sum s (fun j => expR (z j - m (lead j))) i = softmax s z i.
Proof.
rewrite row_sum_shift expRD -mulf_div divff ?mulr1 //.
by rewrite gt_eqF // expR_gt0.
Qed.

Lemma log_softmax_shift s z m i : i \in idxs s ->
  z i - m (lead i) - ln (row_sum s (fun j => expR (z j - m (lead j))) i) = log_softmax s z i.
Proof.
move=> hi; rewrite row_sum_shift lnM ?posrE ?expR_gt0 ?row_sum_gt0 // expK.
by rewrite /log_softmax opprD opprK addrACA [- m _ + _]addrC subrr addr0.
Qed.

(** ** Running a body *)

Definition no_call : string -> procedure R := fun _ _ => None.

Lemma instruction_some call args results o vs t xs c :
  ~~ is_call o -> all_some (map (lookup args results) vs) = Some xs ->
  fits o (map (@a_type R) xs) t -> op_meaning o t xs = Some c ->
  instruction_meaning call args results (Instruction o vs t) = Some (Array t c).
Proof.
move=> hc hx hf ho.
rewrite /instruction_meaning [i_operands _]/= hx [i_operation _]/= [i_type _]/=.
by case: o hc hf ho => [l|u|o|d||d|ds|r ds|ds||f|c'|ds|r ws|ps|ls|d] // _ hf ho; rewrite /obind /oapp hf ho.
Qed.

Lemma run_instruction call args results o vs t xs c rest :
  ~~ is_call o -> all_some (map (lookup args results) vs) = Some xs ->
  fits o (map (@a_type R) xs) t -> op_meaning o t xs = Some c ->
  body_meaning call args results (Instruction o vs t :: rest)
  = body_meaning call args (rcons results (Array t c)) rest.
Proof. by move=> hc hx hf ho; rewrite [LHS]/= (instruction_some _ hc hx hf ho). Qed.

Lemma run_function f ts body t r args results y :
  is_function f ts body t r -> map (@a_type R) args = ts ->
  body_meaning no_call args [::] body = Some results ->
  lookup args results (Res r) = Some y -> a_type y = t ->
  function_meaning no_call f args = Some [:: y].
Proof.
case/and4P=> /eqP ha /eqP hb /eqP hr /eqP hv hargs run out ty.
rewrite /function_meaning /have_types ha hargs eqxx hb run hv.
by rewrite /obind /oapp /= -/(lookup args results (Res r)) out /= hr ty eqxx.
Qed.

Lemma zero_meaning t : is_float t ->
  op_meaning zero t [::] = Some (Reals (fun _ => rational R 0 1)).
Proof. by case: t => s []. Qed.

Lemma zero_fits t : is_float t -> fits zero [::] t.
Proof. by case: t => s []. Qed.

Lemma one_value t : is_float t -> literal_value (t_element t) (Decimal 1 0) = Some (Finite 1 1).
Proof. by case: t => s []. Qed.

(** *** Pointwise ops *)
Section Pointwise.
Variables (f : function) (t : type) (a : tensor R).
Hypothesis ft : is_float t.
Let cell (x : tensor R) : array R := Array t (Reals x).
Let zeros : tensor R := fun _ => rational R 0 1.

Let run1 args rs v x u rest : lookup args rs v = Some (cell x) ->
  body_meaning no_call args rs (Instruction (Unary u) [:: v] t :: rest)
  = body_meaning no_call args (rcons rs (cell (fun i => unary_real u (x i)))) rest.
Proof.
by move=> h; rewrite (run_instruction _ (xs := [:: cell x])
  (c := Reals (fun i => unary_real u (x i)))) //= ?h // ft eqxx.
Qed.

Let run2 args rs v w x y o rest : lookup args rs v = Some (cell x) -> lookup args rs w = Some (cell y) ->
  body_meaning no_call args rs (Instruction (Binary o) [:: v; w] t :: rest)
  = body_meaning no_call args (rcons rs (cell (fun i => binary_real o (x i) (y i)))) rest.
Proof.
by move=> h k; rewrite (run_instruction _ (xs := [:: cell x; cell y])
  (c := Reals (fun i => binary_real o (x i) (y i)))) //= ?h ?k // ft !eqxx.
Qed.

Let run_constant args rs l n d rest : literal_value (t_element t) l = Some (Finite n d) ->
  body_meaning no_call args rs (Instruction (Constant l) [::] t :: rest)
  = body_meaning no_call args (rcons rs (cell (fun _ => rational R n d))) rest.
Proof.
by move=> h; rewrite (run_instruction _ (xs := [::]) (c := Reals (fun _ => rational R n d))) //=
  h.
Qed.

Let run_zero args rs rest :
  body_meaning no_call args rs (Instruction zero [::] t :: rest)
  = body_meaning no_call args (rcons rs (cell zeros)) rest.
Proof. by rewrite (run_instruction _ (xs := [::]) _ _ _ (zero_fits ft) (zero_meaning ft)). Qed.

Let returns_at body r rs y : is_function f [:: t] body t r ->
  body_meaning no_call [:: cell a] [::] body = Some rs ->
  lookup [:: cell a] rs (Res r) = Some (cell y) ->
  function_meaning no_call f [:: cell a] = Some [:: cell y].
Proof. by move=> hf run out; apply: (run_function hf _ run out). Qed.

Lemma relu_meaning : is_function f [:: t] (relu_body t) t 1 ->
  exists2 y, function_meaning no_call f [:: cell a] = Some [:: cell y]
    & forall i, y i = una_real Relu (a i).
Proof.
move=> hf; exists (fun i => Num.max (a i) (zeros i)); last first.
  by move=> i; rewrite /zeros rational0.
by apply: (returns_at hf); first by rewrite /relu_body run_zero (run2 _ (x := a) (y := zeros)).
Qed.

Lemma softplus_real (x : R) : Num.max x 0 + ln (1 + expR (- `|x|)) = ln (1 + expR x).
Proof.
have pos (y : R) : 0 < 1 + expR y by rewrite addr_gt0 ?ltr01 ?expR_gt0.
have [h|h] := lerP 0 x; last by rewrite ltr0_norm // opprK add0r.
rewrite ger0_norm // -{1}[x]expK -lnM ?posrE ?expR_gt0 //.
by rewrite mulrDr mulr1 -expRD subrr expR0 addrC.
Qed.

Lemma softplus_meaning : is_function f [:: t] (softplus_body t) t 6 ->
  exists2 y, function_meaning no_call f [:: cell a] = Some [:: cell y]
    & forall i, y i = una_real Softplus (a i).
Proof.
move=> hf.
exists (fun i => Num.max (a i) (zeros i) + ln (1 + expR (- `|a i|))); last first.
  by move=> i; rewrite /zeros rational0 softplus_real.
apply: (returns_at hf).
  rewrite /softplus_body run_zero (run2 _ (x := a) (y := zeros)) // (run1 _ (x := a)) //.
  rewrite (run1 _ (x := fun i => `|a i|)) // (run1 _ (x := fun i => - `|a i|)) //.
  rewrite (run1 _ (x := fun i => expR (- `|a i|))) //.
  by rewrite (run2 _ (x := fun i => Num.max (a i) (zeros i))
    (y := fun i => ln (1 + expR (- `|a i|)))).
by [].
Qed.

Lemma rsqrt_quarter_pi : (Num.sqrt (pi / 4%:R))^-1 = 2%:R / Num.sqrt pi :> R.
Proof.
have -> : 4%:R^-1 = 2%:R^-1 ^+ 2 :> R by rewrite exprVn -natrX.
have h : 0 <= 2%:R^-1 :> R by rewrite invr_ge0 ler0n.
by rewrite sqrtrM ?pi_ge0 // sqrtr_sqr (ger0_norm h) [in LHS]invfM invrK mulrC.
Qed.

Lemma erf_grad_meaning : is_function f [:: t] (erf_grad_body t) t 6 ->
  exists2 y, function_meaning no_call f [:: cell a] = Some [:: cell y]
    & forall i, y i = una_real ErfGrad (a i).
Proof.
move=> hf; pose one : tensor R := fun _ => rational R 1 1.
pose slope : tensor R := fun i => (Num.sqrt (atan2 (one i) (one i)))^-1.
exists (fun i => slope i * expR (- (a i * a i))).
  apply: (returns_at hf).
    rewrite /erf_grad_body (run_constant _ _ _ (one_value ft)) (run2 _ (x := one) (y := one)) //.
    rewrite (run1 _ (x := fun i => atan2 (one i) (one i))) // (run2 _ (x := a) (y := a)) //.
    rewrite (run1 _ (x := fun i => a i * a i)) // (run1 _ (x := fun i => - (a i * a i))) //.
    by rewrite (run2 _ (x := slope) (y := fun i => expR (- (a i * a i)))).
  by [].
by move=> i; rewrite /slope /one rational1 atan2_11 rsqrt_quarter_pi.
Qed.

Lemma elu_meaning l n d : is_function f [:: t] (elu_body l t) t 6 ->
  literal_value (t_element t) l = Some (Finite n d) ->
  exists2 y, function_meaning no_call f [:: cell a] = Some [:: cell y]
    & forall i, y i = una_real (Elu n d) (a i).
Proof.
move=> hf hl; pose on i := a i > zeros i; pose low i := Num.min (a i) (zeros i).
pose below i := rational R n d * (expR (low i) - 1).
exists (fun i => if on i then a i else below i); last first.
  move=> i; rewrite /on /below /low /zeros rational0 /=; case: ifP => // /negbT.
  by rewrite -leNgt => h; rewrite min_l.
pose mask : array R := Array (Tensor (t_shape t) I1) (Booleans on).
apply: (returns_at hf).
  rewrite /elu_body run_zero.
  rewrite (run_instruction _ (xs := [:: cell a; cell zeros]) (c := Booleans on)) //;
    last by rewrite /= ft !eqxx.
  rewrite (run2 _ (x := a) (y := zeros)) // (run1 _ (x := low)) // (run_constant _ _ _ hl).
  rewrite (run2 _ (x := fun _ => rational R n d) (y := fun i => expR (low i) - 1)) //.
  by rewrite (run_instruction _ (xs := [:: mask; cell a; cell below])
    (c := Reals (fun i => if on i then a i else below i))) //= ft !eqxx.
by [].
Qed.

Lemma clamp_meaning l h n d m e : is_function f [:: t] (clamp_body l h t) t 3 ->
  literal_value (t_element t) l = Some (Finite n d) ->
  literal_value (t_element t) h = Some (Finite m e) ->
  exists2 y, function_meaning no_call f [:: cell a] = Some [:: cell y]
    & forall i, y i = una_real (Clamp n d m e) (a i).
Proof.
move=> hf hl hh; pose low : tensor R := fun _ => rational R n d.
pose high : tensor R := fun _ => rational R m e; pose raised i := Num.max (a i) (low i).
exists (fun i => Num.min (raised i) (high i)) => //.
apply: (returns_at hf).
  rewrite /clamp_body (run_constant _ _ _ hl) (run2 _ (x := a) (y := low)) //.
  by rewrite (run_constant _ _ _ hh) (run2 _ (x := raised) (y := high)).
by [].
Qed.

Theorem pointwise_meaning u : pointwise_of f t = Some u ->
  exists2 y, function_meaning no_call f [:: cell a] = Some [:: cell y]
    & forall i, y i = una_real u (a i).
Proof.
rewrite /pointwise_of; case: ifP => [h [<-]|_]; first exact: relu_meaning.
case: ifP => [h [<-]|_]; first exact: softplus_meaning.
case: ifP => [h [<-]|_]; first exact: erf_grad_meaning.
case: ifP => [h|_].
  by case E: literal_value => [[n d|]|] // [<-]; exact: elu_meaning h E.
case: ifP => // h; case E: (literal_value _ (literal_at f 0)) => [[n d|]|] //.
by case F: (literal_value _ _) => [[m e|]|] // [<-]; exact: clamp_meaning h E F.
Qed.
End Pointwise.

(** *** Rows shifted by their maximum *)
Section Shifted.
Variables (t : type) (z : tensor R).
Hypotheses (ft : is_float t) (rows_t : has_rows t).
Let s := t_shape t.

Let rank_gt0 : (0 < size s)%nat. Proof. by case/andP: rows_t. Qed.

Lemma last_gt0 : N.ltb 0 (nth 0%num s (N.to_nat (last_dim t))).
Proof.
have /andP [/allP pos _] := rows_t; apply: pos; apply: mem_nth.
by rewrite Nnat.Nat2N.id prednK.
Qed.

Lemma scalar_float : is_float (scalar t). Proof. by case: t ft => ? []. Qed.
Lemma row_float : is_float (row t). Proof. by case: t ft => ? []. Qed.

Lemma reduce_row_fits r : fits (Reduce r [:: last_dim t]) [:: t; scalar t] (row t).
Proof.
rewrite /= ft /last_dim -/s -(prednK rank_gt0) distinct_last others_last eqxx.
by rewrite /row pick_lead eqxx.
Qed.

Lemma over_last_fits : fits (over_last t) [:: row t] t.
Proof.
rewrite /= row_float eqxx /broadcast_fits /= -/s size_first_dims size_takel ?leq_pred // eqxx.
rewrite distinct_first ?leq_pred //= pick_lead; apply/allP => -[x y].
by rewrite -/(lead s); move: (lead s) => l; elim: l => //= k l ih; rewrite inE => /orP [/eqP [-> ->]|/ih //]; rewrite eqxx orbT.
Qed.

Definition row_maximum : tensor R := reduce_maximum s [:: last_dim t] z.
Definition spread (a : tensor R) : tensor R := broadcast_in_dim (first_dims (size s).-1) (lead s) a.
Definition shifted : tensor R := fun i => z i - spread row_maximum i.
Definition exponentials : tensor R := fun i => expR (shifted i).
Definition row_total : tensor R := reduce_add s [:: last_dim t] exponentials.

Definition bottom (t : type) : array R := Array (scalar t) (Extended (fun _ => None)).
Definition seven : seq (array R) := [::
  bottom t;
  Array (row t) (Reals row_maximum);
  Array t (Reals (spread row_maximum));
  Array t (Reals shifted);
  Array t (Reals exponentials);
  Array (scalar t) (Reals (fun _ => rational R 0 1));
  Array (row t) (Reals row_total)].

Lemma run_shifted args rest :
  body_meaning no_call (Array t (Reals z) :: args) [::] (shifted_exponentials t ++ rest)
  = body_meaning no_call (Array t (Reals z) :: args) seven rest.
Proof.
rewrite /shifted_exponentials; cbv zeta; rewrite !cat_cons cat0s.
rewrite (run_instruction no_call (xs := [::]) (c := Extended (fun _ => None))) //; first last.
- by case: t ft => ? [].
- by case: t ft => ? [].
rewrite (run_instruction no_call (xs := [:: Array t (Reals z); bottom t])
  (c := Reals row_maximum)) ?reduce_row_fits //; last first.
  by rewrite /= ifT // -/s inE eq_sym; apply/eqP => h; have := last_gt0; rewrite h.
rewrite (run_instruction no_call (xs := [:: Array (row t) (Reals row_maximum)])
  (c := Reals (spread row_maximum))) ?over_last_fits //.
rewrite (run_instruction no_call (c := Reals shifted)
  (xs := [:: Array t (Reals z); Array t (Reals (spread row_maximum))])) //;
  last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [:: Array t (Reals shifted)])
  (c := Reals exponentials)) //; last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits scalar_float)
  (zero_meaning scalar_float)) //.
by rewrite (run_instruction no_call (c := Reals row_total)
  (xs := [:: Array t (Reals exponentials); Array (scalar t) (Reals (fun _ => rational R 0 1))]))
  ?reduce_row_fits //= rational0 eqxx.
Qed.

(** What the seven values are, on the index set. *)
Lemma spread_total i : i \in idxs s -> spread row_total i = row_sum s exponentials i.
Proof. by move=> hi; rewrite /spread broadcast_row // /row_total reduce_row. Qed.

Lemma shiftedE i : i \in idxs s -> shifted i = z i - row_maximum (lead i).
Proof. by move=> hi; rewrite /shifted /spread broadcast_row. Qed.

Lemma total_shift i :
  row_sum s exponentials i = row_sum s (fun j => expR (z j - row_maximum (lead j))) i.
Proof. by apply: row_sum_eqt => j hj; rewrite /exponentials shiftedE. Qed.
End Shifted.

(** *** softmax *)
Theorem softmax_meaning f t z : is_float t -> has_rows t ->
  is_function f [:: t] (softmax_body t) t 8 ->
  exists2 y, function_meaning no_call f [:: Array t (Reals z)] = Some [:: Array t (Reals y)]
    & eqt (t_shape t) y (softmax (t_shape t) z).
Proof.
move=> ft rt hf; set s := t_shape t.
pose sums := spread t (row_total t z); pose y i := exponentials t z i / sums i.
exists y => [|i hi]; last first.
  rewrite /y /sums spread_total // total_shift // /exponentials shiftedE //.
  exact: softmax_shift.
pose rs := seven t z ++ [:: Array t (Reals sums); Array t (Reals y)].
suff run : body_meaning no_call [:: Array t (Reals z)] [::] (softmax_body t) = Some rs.
  by apply: (run_function hf _ run).
rewrite /softmax_body run_shifted //.
rewrite (run_instruction no_call (xs := [:: Array (row t) (Reals (row_total t z))])
  (c := Reals sums)) ?over_last_fits //.
by rewrite (run_instruction no_call (c := Reals y)
  (xs := [:: Array t (Reals (exponentials t z)); Array t (Reals sums)])) //= ft !eqxx.
Qed.

(** *** softmax cross-entropy *)
Theorem cross_entropy_meaning f t z w : is_float t -> has_rows t -> stores_row_count t ->
  is_function f [:: t; t] (cross_entropy_body t) (scalar t) 15 ->
  exists2 y, function_meaning no_call f [:: Array t (Reals z); Array t (Reals w)]
               = Some [:: Array (scalar t) (Reals y)]
    & eqt [::] y (fun _ => cross_entropy (t_shape t) z w).
Proof.
move=> ft rt /eqP hn hf; set s := t_shape t.
pose logs i := ln (row_total t z i); pose log_sums := spread t logs.
pose log_soft i := shifted t z i - log_sums i; pose products i := w i * log_soft i.
pose total := reduce_add s (all_dims s) products.
pose number : tensor R := fun _ => rational R (row_count t) 1.
pose mean i := total i / number i; pose y i := - mean i.
exists y => [|i]; last first.
  rewrite mem_seq1 => /eqP ->; rewrite /y /mean /number /total reduce_all eqxx.
  rewrite /cross_entropy mulNr; congr (- (_ / _)); last first.
    by rewrite /rational /= divr1.
  rewrite !big_seq; apply: eq_bigr => j hj; congr (_ * _).
  rewrite /log_soft /log_sums /logs /spread broadcast_row // shiftedE //.
  rewrite -(log_softmax_shift z (row_maximum t z) hj); congr (_ - ln _).
  by rewrite -total_shift // -(spread_total z rt hj) /spread broadcast_row.
pose cell t (a : tensor R) := Array t (Reals a).
pose rs := seven t z ++ [:: cell (row t) logs; cell t log_sums; cell t log_soft; cell t products;
  cell (scalar t) (fun _ => rational R 0 1); cell (scalar t) total; cell (scalar t) number;
  cell (scalar t) mean; cell (scalar t) y].
suff run : body_meaning no_call [:: cell t z; cell t w] [::] (cross_entropy_body t) = Some rs.
  by apply: (run_function hf _ run).
have fr := row_float ft; have fs := scalar_float ft.
rewrite /cross_entropy_body run_shifted //.
rewrite (run_instruction no_call (xs := [:: cell (row t) (row_total t z)]) (c := Reals logs)) //;
  last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (row t) logs]) (c := Reals log_sums))
  ?over_last_fits //.
rewrite (run_instruction no_call (xs := [:: cell t (shifted t z); cell t log_sums])
  (c := Reals log_soft)) //; last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [:: cell t w; cell t log_soft])
  (c := Reals products)) //; last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning fs)) //.
rewrite (run_instruction no_call (c := Reals total)
  (xs := [:: cell t products; cell (scalar t) (fun _ => rational R 0 1)])) //; first last.
- by rewrite /= rational0 eqxx.
- by rewrite /= ft distinct_first // others_all /scalar !eqxx.
rewrite (run_instruction no_call (xs := [::]) (c := Reals number)) //; last first.
- by rewrite /= hn.
- by rewrite /= hn.
rewrite (run_instruction no_call (xs := [:: cell (scalar t) total; cell (scalar t) number])
  (c := Reals mean)) //; last by rewrite /= fs !eqxx.
by rewrite (run_instruction no_call (xs := [:: cell (scalar t) mean]) (c := Reals y)) //= fs !eqxx.
Qed.

(** *** Moments *)
Section Moments.
Variables (ds : seq N) (t : type) (x : tensor R).
Hypotheses (ft : is_float t) (fit : can_average ds t).
Let s := t_shape t.
Let cell t (a : tensor R) := Array t (Reals a).
Let spread (a : tensor R) := broadcast_in_dim (kept s ds) (pick s (kept s ds)) a.
Let sum (a : tensor R) := reduce_add s ds a.
Let zeros : tensor R := fun _ => rational R 0 1.
Let count : tensor R := fun _ => rational R (cell_count ds t) 1.
Let means : tensor R := fun i => sum x i / count i.
Let centre : tensor R := fun i => x i - spread means i.
Let squares : tensor R := fun i => centre i * centre i.
Let variances : tensor R := fun i => sum squares i / count i.

Let fr : is_float (rest ds t). Proof. by case: t ft => ? []. Qed.
Let fs : is_float (scalar t). Proof. by case: t ft => ? []. Qed.

Lemma reduce_fits : fits (Reduce ReduceAdd ds) [:: t; scalar t] (rest ds t).
Proof. by case/andP: fit => d _; rewrite /= ft d !eqxx. Qed.

Lemma over_kept_fits : fits (over_kept ds t) [:: rest ds t] t.
Proof.
rewrite /= fr eqxx /broadcast_fits /= size_map eqxx.
have -> : distinct (size (t_shape t)) (kept (t_shape t) ds).
  rewrite /distinct filter_uniq ?map_inj_uniq ?iota_uniq //; last exact: Nnat.Nat2N.inj.
  by apply/allP => d; rewrite mem_filter => /andP [].
apply/allP => -[p q]; move: (pick _ _) => l.
by elim: l => //= k l ih; rewrite inE => /orP [/eqP [-> ->]|/ih //]; rewrite eqxx orbT.
Qed.

Definition ten : seq (array R) := [::
  cell (scalar t) zeros; cell (rest ds t) (sum x); cell (rest ds t) count; cell (rest ds t) means;
  cell t (spread means); cell t centre; cell t squares; cell (scalar t) zeros;
  cell (rest ds t) (sum squares); cell (rest ds t) variances].

Lemma run_variance more :
  body_meaning no_call [:: cell t x] [::] (variance_body ds t ++ more)
  = body_meaning no_call [:: cell t x] ten more.
Proof.
have [_ /eqP hn] := andP fit; rewrite /variance_body !cat_cons cat0s.
have z : rational R 0 1 == 0 by rewrite rational0.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning fs)) //.
rewrite (run_instruction no_call (xs := [:: cell t x; cell (scalar t) zeros])
  (c := Reals (sum x))) ?reduce_fits //; last by rewrite /= z.
rewrite (run_instruction no_call (xs := [::]) (c := Reals count)) //; first last.
- by rewrite /= hn.
- by rewrite /= hn.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) (sum x); cell (rest ds t) count])
  (c := Reals means)) //; last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) means]) (c := Reals (spread means)))
  ?over_kept_fits //.
rewrite (run_instruction no_call (xs := [:: cell t x; cell t (spread means)]) (c := Reals centre)) //;
  last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [:: cell t centre; cell t centre]) (c := Reals squares)) //;
  last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning fs)) //.
rewrite (run_instruction no_call (xs := [:: cell t squares; cell (scalar t) zeros])
  (c := Reals (sum squares))) ?reduce_fits //; last by rewrite /= z.
by rewrite (run_instruction no_call
  (xs := [:: cell (rest ds t) (sum squares); cell (rest ds t) count]) (c := Reals variances)) //;
  last by rewrite /= fr !eqxx.
Qed.

Lemma sum_mean (a : tensor R) c : sum a c / count c = mean s ds a c.
Proof. by rewrite /sum /reduce_add /fibre big_filter /mean /number /count /rational /= divr1. Qed.

Lemma spreadE (a : tensor R) j : j \in idxs s -> spread a j = a (pick j (kept s ds)).
Proof.
rewrite mem_idxs => hj; rewrite /spread /broadcast_in_dim /broadcast_source broadcast_index //.
apply: inb_pick => // d; rewrite mem_filter => /andP [_].
by rewrite mem_first_dims.
Qed.

Lemma centreE : eqt s centre (centred s ds x).
Proof. by move=> j hj; rewrite /centre spreadE // /means sum_mean. Qed.

Lemma variancesE c : variances c = variance s ds x c.
Proof.
rewrite /variances sum_mean /variance; apply: mean_eqt => j hj.
by rewrite /squares centreE.
Qed.

Theorem variance_meaning f : is_function f [:: t] (variance_body ds t) (rest ds t) 9 ->
  exists2 y, function_meaning no_call f [:: cell t x] = Some [:: cell (rest ds t) y]
    & eqt (t_shape (rest ds t)) y (variance s ds x).
Proof.
move=> hf; exists variances; last by move=> c _; exact: variancesE.
have run : body_meaning no_call [:: cell t x] [::] (variance_body ds t) = Some ten.
  by rewrite -[variance_body ds t]cats0 run_variance.
by apply: (run_function hf _ run).
Qed.

Theorem normalize_meaning f l n d : is_function f [:: t] (normalize_body ds l t) t 14 ->
  literal_value (t_element t) l = Some (Finite n d) ->
  exists2 y, function_meaning no_call f [:: cell t x] = Some [:: cell t y]
    & eqt s y (normalize s ds (rational R n d) x).
Proof.
move=> hf hl; pose eps : tensor R := fun _ => rational R n d.
pose shifted i := variances i + eps i; pose scale i := (Num.sqrt (shifted i))^-1.
exists (fun i => centre i * spread scale i); last first.
  by move=> j hj; rewrite centreE // spreadE // /scale /shifted variancesE.
pose rs := ten ++ [:: cell (rest ds t) eps; cell (rest ds t) shifted; cell (rest ds t) scale;
  cell t (spread scale); cell t (fun i => centre i * spread scale i)].
suff run : body_meaning no_call [:: cell t x] [::] (normalize_body ds l t) = Some rs.
  by apply: (run_function hf _ run).
rewrite /normalize_body run_variance.
rewrite (run_instruction no_call (xs := [::]) (c := Reals eps)) //; first last.
- by rewrite /= hl.
- by rewrite /= hl.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) variances; cell (rest ds t) eps])
  (c := Reals shifted)) //; last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) shifted]) (c := Reals scale)) //;
  last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) scale]) (c := Reals (spread scale)))
  ?over_kept_fits //.
by rewrite (run_instruction no_call (xs := [:: cell t centre; cell t (spread scale)])
  (c := Reals (fun i => centre i * spread scale i))) //= ft !eqxx.
Qed.
End Moments.
End Bodies.
