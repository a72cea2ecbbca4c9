(** * Raising keeps the meaning

    [raise_sound]: if [raise] gives a program for a module, then on all argument
    tensors of the argument types the module has a meaning, and it is what the
    program computes, on the index set of every result. [RaiseOutcome.v] says it
    of one instruction.

    Glossary
      - [program_env st]   the values of the program so far
      - [sound]            all StableHLO values agree with what they are bound to *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import NArith ZArith String Lia FMapPositive.
From Cotangent Require Import Ir DenoteFacts Joins Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies RaiseConvolution RaiseGrouped RaiseGradients.
From Cotangent Require Import RaisePool RaiseMaxPool JoinsSound RaiseJoin RaiseOutcome.
From Cotangent Require Export Interface.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Local Notation no_tensor := (@no_tensor R).
Local Notation argument_arrays := (@argument_arrays R).
Local Notation input_env := (@input_env R).

Implicit Types (e : env R) (a : tensor R) (args results : seq (array R)).

(** ** All values so far *)

Section Run.
Variables (m : module) (e0 : env R).

Definition program_env (st : state) : env R := run (rev (st_code st)) e0.

Definition sound (st : state) args results : Prop :=
  st_result st = N.of_nat (size results) /\
  forall v b, find st v = Some b -> exists2 x, lookup args results v = Some x
    & agrees (program_env st) (st_next st) b x.

Lemma value_key_inj v w : value_key v = value_key w -> v = w.
Proof.
case: v w => n [] k //= [] h; congr (_ _); have := congr1 N.pos h; rewrite !N.succ_pos_spec; lia.
Qed.

Lemma find_bind st w b v r n code :
  find (State (bind w b st) r n code) v = if v == w then Some b else find st v.
Proof.
rewrite /find; case: eqP => [->|ne]; first exact: PositiveMap.gss.
by apply: PositiveMap.gso => /value_key_inj.
Qed.

Lemma lookup_rcons args results x v y :
  lookup args results v = Some y -> lookup args (rcons results x) v = Some y.
Proof.
case: v => //= k h; rewrite -cats1 -h; apply: List.nth_error_app1.
by apply/List.nth_error_Some; rewrite h.
Qed.

Lemma lookup_last args results x :
  lookup args (rcons results x) (Res (N.of_nat (size results))) = Some x.
Proof.
rewrite /= Nnat.Nat2N.id; elim: results => //= y l ih; exact: ih.
Qed.

(** A new value of the graph changes none below it. *)
Lemma agrees_later e e' next next' b x : (next <= next')%num ->
  (forall n, (n < next)%num -> e' n = e n) -> agrees e next b x -> agrees e' next' b x.
Proof.
move=> le he; case: b => [t n z|//|t c n k] /=.
  by case=> hn [a -> ha]; split; [lia | exists a => //; rewrite he].
by case=> hn [hk [p -> hp]]; split; [lia | split; [lia | exists p => //; rewrite !he]].
Qed.

Lemma operands_agree st args results vs bs : sound st args results ->
  all_some (map (find st) vs) = Some bs ->
  exists2 xs, all_some (map (lookup args results) vs) = Some xs
    & List.Forall2 (agrees (program_env st) (st_next st)) bs xs.
Proof.
move=> [_ h]; elim: vs bs => [|v vs ih] bs /=; first by case=> <-; exists [::].
case E: (find st v) => [b|] //=; have [x -> hx] := h _ _ E.
case F: (all_some _) => [l|] //= [<-]; have [xs -> hxs] := ih _ F.
by exists (x :: xs) => //; constructor.
Qed.

Lemma agree_types e next bs xs : List.Forall2 (agrees e next) bs xs ->
  map (@a_type R) xs = map bound_type bs.
Proof. by elim=> //= b x ? ? h _ ->; rewrite (agrees_type h). Qed.

Lemma one_instruction i bs out e next args results :
  is_call (i_operation i) || fits (i_operation i) (map bound_type bs) (i_type i) ->
  outcome_of m (i_operation i) (i_type i) bs = Some out ->
  forall xs, all_some (map (lookup args results) (i_operands i)) = Some xs ->
  List.Forall2 (agrees e next) bs xs ->
  exists2 c, instruction_meaning (@call_of_private R m) args results i = Some (Array (i_type i) c)
    & outcome_agrees e next (i_type i) out c.
Proof.
case: i => o vs t hf ho xs hx hb; move: hf ho hx => /= hf ho hx.
have [C|C] := boolP (is_call o).
  clear hf; case: o C ho => // f _ /=; case G: (callee m f) => [g|] //=.
  case A: (all_some (map real_of bs)) => [ts|] //= hr.
  have [o [eo [y run hy]]] : exists o, Some out = Some (Emit o false) /\
      exists2 y, function_meaning (@no_call R) g xs = Some [:: Array t (Reals y)]
        & eqt (t_shape t) y (den o e).
    move: hr; case E: (recognise g t ts) => [o|] /=.
      by case=> <-; exists o; split=> //; exact: recognise_meaning A E hb.
    case E': (recognise_conv g t ts) => [o|] /=.
      by case=> <-; exists o; split=> //; exact: recognise_conv_meaning A E' hb.
    case E'': (recognise_pool g t ts) => [o|] //= [<-].
    by exists o; split=> //; exact: recognise_pool_meaning A E'' hb.
  case: eo => ->.
  exists (Reals y); last by exists y.
  by rewrite /instruction_meaning /= hx /= /call_of_private G run /= eqxx.
rewrite (negbTE C) /= in hf.
have [c hm hc] := outcome_meaning C ho hf hb.
exists c => //; apply: (@instruction_some R _ _ _ _ _ _ xs) => //.
by rewrite (agree_types hb).
Qed.

Lemma instruction_step i st st' args results :
  sound st args results -> raise_instruction m i st = Some st' ->
  exists2 x, instruction_meaning (@call_of_private R m) args results i = Some x
    & sound st' args (rcons results x).
Proof.
case: st => bounds result next code; set st := State _ _ _ _ => hs.
rewrite /raise_instruction -/st; case E: (all_some _) => [bs|] //=.
case: ifP => // hf; case O: (outcome_of _ _ _ _) => [out|] //= [<-].
have [xs hx hb] := operands_agree hs E.
have [c hm hc] := one_instruction hf O hx hb.
exists (Array (i_type i) c) => //; case: hs => hr h; rewrite /= in hr.
case: out {O} hc => [o z|os|r n k|] hc.
- have later n : (n < next)%num -> program_env (State (bind (Res result)
      (Real (i_type i) next z) st) (N.succ result) (N.succ next) ((next, o) :: code)) n
      = program_env st n.
    move=> hn; rewrite /program_env /= rev_cons /run foldl_rcons /step /= updN //; lia.
  split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind.
  case: eqP => [-> [<-]|_ /h [x found ha]].
    exists (Array (i_type i) c); first by rewrite hr lookup_last.
    split; first by rewrite /=; lia.
    case: hc => a -> ha; exists a => //.
    by rewrite /program_env /= rev_cons /run foldl_rcons /step /= updE.
  exists x; first exact: lookup_rcons.
  by apply: agrees_later ha => //=; lia.
- case: hc => pos [a -> ha]; set code' := sum_code _ _ _; set after := (next + sum_size os)%num.
  have lt : (next < after)%num by have := sum_size_gt0 pos; rewrite /after; lia.
  set b' := Real _ _ _; have env' : program_env (State (bind (Res result) b' st)
      (N.succ result) after (catrev code' code)) = run code' (program_env st).
    by rewrite /program_env /= catrevE rev_cat revK run_cat.
  split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind; case: eqP => [-> [<-]|_ /h [x found hx']].
    exists (Array (i_type i) (Reals a)); first by rewrite hr lookup_last.
    by split; [rewrite /=; lia | exists a => //; rewrite env'].
  exists x; first exact: lookup_rcons.
  apply: agrees_later hx' => [|n hn]; first by rewrite /=; lia.
  by rewrite env' run_sum_before.
- split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind.
  case: eqP => [-> [<-]|_ /h [x found ha]].
    exists (Array (i_type i) c); first by rewrite hr lookup_last.
    by case: hc => hn [hk [p -> hp]]; split=> //; split=> //; exists p.
  by exists x => //; exact: lookup_rcons.
- split=> [|v b]; first by rewrite /= size_rcons hr; lia.
  rewrite find_bind.
  case: eqP => [-> [<-]|_ /h [x found ha]]; last by exists x => //; exact: lookup_rcons.
  exists (Array (i_type i) c); first by rewrite hr lookup_last.
  by rewrite hc.
Qed.

Lemma body_steps body st st' args results :
  sound st args results -> raise_body m body st = Some st' ->
  exists2 rs, body_meaning (@call_of_private R m) args results body = Some rs
    & sound st' args rs.
Proof.
elim: body st results => [|i body ih] st results hs /=; first by case=> <-; exists results.
case E: (raise_instruction m i st) => [st1|] //=; case: ifP => // _ hb.
have [x -> hx] := instruction_step hs E.
exact: ih hx hb.
Qed.
End Run.

(** ** The module *)

Lemma find_arguments ts k bounds v b :
  PositiveMap.find (value_key v) (bind_arguments ts k bounds) = Some b ->
  (exists2 j, (j < size ts)%nat &
     v = Arg (k + N.of_nat j) /\ b = Real (nth (scalar (Tensor [::] F32)) ts j) (k + N.of_nat j) false)
  \/ PositiveMap.find (value_key v) bounds = Some b.
Proof.
elim: ts k bounds => [|t ts ih] k bounds; first by right.
case/(ih (N.succ k) (PositiveMap.add (value_key (Arg k)) (Real t k false) bounds))
  => [[j hj [-> ->]]|].
  left; exists j.+1 => //; have -> : (k + N.of_nat j.+1 = N.succ k + N.of_nat j)%num by lia.
  by [].
have [->|/eqP ne] := eqVneq v (Arg k).
  rewrite PositiveMap.gss => -[<-]; left; exists 0%nat => //.
  by rewrite N.add_0_r.
by rewrite PositiveMap.gso => [|/value_key_inj //]; right.
Qed.

Lemma nth_error_arguments slots xs k : size xs = size slots -> (k < size slots)%nat ->
  List.nth_error (argument_arrays slots xs) k
  = Some (Array (s_type (nth no_slot slots k)) (Reals (nth no_tensor xs k))).
Proof. by elim: slots xs k => [|s slots ih] [|x xs] [|k] //= [hs] hk; exact: ih. Qed.

Lemma initial_sound f xs : size xs = size (f_arguments f) ->
  sound (input_env xs) (initial f) (argument_arrays (f_arguments f) xs) [::].
Proof.
move=> hs; split=> // v b; rewrite /find /initial /=.
case/find_arguments => [[j hj [-> ->]]|]; last by rewrite PositiveMap.gempty.
rewrite size_map in hj; rewrite N.add_0_l /= Nnat.Nat2N.id.
exists (Array (s_type (nth no_slot (f_arguments f) j)) (Reals (nth no_tensor xs j))).
  exact: nth_error_arguments.
split; first by move/ssrnat.ltP: hj => hj; rewrite size_map; lia.
exists (nth no_tensor xs j); first by rewrite (nth_map no_slot).
by split=> // i _; rewrite /program_env /= /input_env Nnat.Nat2N.id.
Qed.

Lemma returns_agree st e0 args results vs outs :
  sound e0 st args results -> all_some [seq obind real_of (find st v) | v <- vs] = Some outs ->
  exists2 ys, all_some (map (lookup args results) vs)
      = Some [seq Array p.1 (Reals p.2) | p <- zip (map fst outs) ys]
    & size ys = size outs /\ forall k, (k < size ys)%nat ->
        eqt (t_shape (nth (scalar (Tensor [::] F32)) (map fst outs) k)) (nth no_tensor ys k)
          (program_env e0 st (nth 0%num (map snd outs) k)).
Proof.
move=> [_ h]; elim: vs outs => [|v vs ih] outs /=; first by case=> <-; exists [::].
case E: (find st v) => [[t n z|?|]|] //=; have [x -> [_ [a -> [ha _]]]] := h _ _ E.
case F: (all_some _) => [l|] //= [<-]; have [ys -> [hs hy]] := ih _ F.
exists (a :: ys) => //=; split; first by rewrite hs.
by case=> [|k] //; exact: hy.
Qed.

Lemma have_arguments slots xs : size xs = size slots ->
  have_types (argument_arrays slots xs) slots.
Proof.
move=> hs; apply/eqP; rewrite /argument_arrays -map_comp.
by elim: slots xs hs => [|s slots ih] [|x xs] //= [/ih ->].
Qed.

Lemma forced_true st : forced st.
Proof.
rewrite /forced; case: st => bounds result next code.
by repeat match goal with |- context [match ?x with _ => _ end] => destruct x end.
Qed.

Theorem raise_sound m r xs : raise m = Some r -> size xs = size (r_arguments r) ->
  exists2 ys, meaning m (argument_arrays (r_arguments r) xs)
      = Some (argument_arrays (r_results r) ys)
    & size ys = size (r_results r) /\ size (r_outputs r) = size (r_results r) /\
      forall k, (k < size ys)%nat ->
        eqt (t_shape (s_type (nth no_slot (r_results r) k))) (nth no_tensor ys k)
          (run (r_program r) (input_env xs) (nth 0%num (r_outputs r) k)).
Proof.
rewrite /raise /meaning; case: (main_of m) => [f|] //=; case: ifP => // _.
case B: (raise_body m (f_body f) (initial f)) => [st|] //=.
case O: (all_some _) => [outs|] //=; case: eqP => // ht [<-] /= hs.
have [rs run hst] := body_steps (initial_sound hs) B.
have [ys hys [sy hy]] := returns_agree hst O.
have sizes : size outs = size (f_results f) by rewrite -(size_map fst) ht size_map.
exists ys; last first.
  rewrite sy size_map sizes; split=> //; split=> // k hk.
  have := hy k; rewrite sy sizes => /(_ hk).
  by rewrite ht (nth_map no_slot).
rewrite /function_meaning have_arguments // run /= hys /= ht.
have -> : [seq Array p.1 (Reals p.2) | p <- zip (map s_type (f_results f)) ys]
    = argument_arrays (f_results f) ys.
  rewrite /argument_arrays; elim: (f_results f) ys {hys hy sy} => [|s l ih] [|y ys] //=.
  by rewrite ih.
by rewrite have_arguments // sy.
Qed.
End Sound.
