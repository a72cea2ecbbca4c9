(** * The printed bodies of pointwise functions denote their ops

    relu is a maximum with 0, clamp a maximum and a minimum. The derivative of erf
    has its factor from an arctangent, with no rounded constant. Softplus and elu
    take exponentials of numbers that are not positive, so none overflows in
    floating point.

    Statement: [pointwise_meaning]: called with an array of the type it is made
    for, the function returns the op's value. [RaiseRows.v] says it of softmax,
    cross-entropy and moments, by the facts about rows that begin this file.

    Glossary
      - [no_call]         a body calls no function *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp trigo.
From Coq Require Import NArith ZArith String Lia.
From Cotangent Require Import Ir DenoteFacts Atan2 Stablehlo Stablehlo_types Stablehlo_sem.
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

Lemma scalar_float t : is_float t -> is_float (scalar t).
Proof. by case: t => ? []. Qed.
Lemma row_float t : is_float t -> is_float (row t).
Proof. by case: t => ? []. Qed.

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
End Bodies.
