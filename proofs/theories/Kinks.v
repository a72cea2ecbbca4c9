(** * The kinks of a program

    The instructions that are not smooth everywhere, as a list that computes:
    empty for a network of smooth ops, whose gradient theorem then holds at
    every point.

    Glossary
      - [has_kink o]  the op has points at which it is not differentiable
      - [kinks p]     the instructions of [p] that do, in order
      - [off_kinks p E]  at these instructions, the values [E x0] are smooth
                      points; all that [smooth_run] asks ([off_kinksP]) *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import DenoteFacts SmoothFacts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Definition una_has_kink (u : unary) : bool := match u with
| Neg | Exp | Tanh | Logistic | Softplus | Erf | ErfGrad => false
| Log | Sqrt | Rsqrt | Relu | Abs | Clamp _ _ _ _ => true
| Elu n d => ~~ Z.eqb n (Zpos d) end.    (** slope 1 on both sides *)

Definition has_kink (o : op) : bool := match o with
| Una _ u _ => una_has_kink u
| Bin _ Div _ _ | Bin _ Max _ _ | Sel _ _ _ _ _ _ => true
| MaxPool _ _ _ _ _ | MaxPoolGrad _ _ _ _ _ _ => true
| _ => false end.

Definition kinks (p : prog) : seq instr := [seq i <- p | has_kink i.2].

Section Kinks.
Variables (R : realType) (V : normedModType R) (x0 : V).
Implicit Types E : V -> env R.

Fixpoint all_smooth (l : seq instr) E : Prop :=
  if l is i :: l' then smooth_op x0 i.2 E /\ all_smooth l' E else True.

(** [E x] holds the values of the whole run. *)
Definition off_kinks (p : prog) E : Prop := all_smooth (kinks p) E.

Lemma smooth_no_kink o E : has_kink o = false -> smooth_op x0 o E.
Proof.
case: o => //= [s u a|s []] //; case: u => // n d /negbFE /Z.eqb_eq -> i _; right.
by rewrite /rational divff // gt_eqF // pos_real_gt0.
Qed.

Theorem off_kinksP p k sh E : wf p k sh ->
  off_kinks p (fun x => run p (E x)) <-> smooth_run x0 p E.
Proof.
rewrite /off_kinks; elim: p k sh E => [|[d o] p ih] k sh E //= /wf_cons [-> ok ha w].
have same a : a \in oargs o -> forall x, run p (step (E x) (k, o)) a.1 = E x a.1.
  move=> /ha [hk _] x; rewrite (run_stable _ w); last exact: N.lt_lt_succ_r.
  by rewrite /step updN //; exact: N.lt_neq.
have {}ih := ih _ _ (fun x => step (E x) (k, o)) w.
case hk: (has_kink o) => /=; last first.
  by split=> [h|[_ h]]; [split; [exact: smooth_no_kink | exact/ih] | exact/ih].
split=> -[h1 h2]; split; try exact/ih.
  by apply: smooth_op_ext h1 => a /same.
by apply: smooth_op_ext h1 => a /same h x; rewrite h.
Qed.

Corollary smooth_everywhere p k sh E : wf p k sh -> kinks p = [::] -> smooth_run x0 p E.
Proof. by move=> w h; apply/(off_kinksP _ w); rewrite /off_kinks h. Qed.
End Kinks.
