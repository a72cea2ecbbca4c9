(** * The kinks of a program

    The instructions that are not smooth everywhere, as a list that computes:
    empty for a network of smooth ops, whose gradient theorem then holds at
    every point.

    Glossary
      - [has_kink o]  the op has points at which it is not differentiable
      - [kinks p]     the instructions of [p] that do, in order
      - [off_kinks p e]  at these instructions, the values of [e] are smooth
                      points; all that [smooth_run] asks ([off_kinksP]) *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Denote Grad Tangent.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Definition una_has_kink (u : unary) : bool := match u with
| Neg | Exp | Tanh | Logistic | Softplus => false
| Log | Sqrt | Rsqrt | Relu | Abs | Clamp _ _ _ _ => true
| Elu n d => ~~ Z.eqb n (Zpos d) end.    (** slope 1 on both sides *)

Definition has_kink (o : op) : bool := match o with
| Una _ u _ => una_has_kink u
| Bin _ Div _ _ | Bin _ Max _ _ | Sel _ _ _ _ _ _ => true
| _ => false end.

Definition kinks (p : prog) : seq instr := [seq i <- p | has_kink i.2].

Section Kinks.
Variable R : realType.
Implicit Types e : env R.

Fixpoint all_smooth (l : seq instr) e : Prop :=
  if l is i :: l' then smooth_op i.2 e /\ all_smooth l' e else True.

(** [e] holds the values of the whole run. *)
Definition off_kinks (p : prog) e : Prop := all_smooth (kinks p) e.

Lemma smooth_op_ext o e e' : (forall a, a \in oargs o -> e a.1 = e' a.1) ->
  smooth_op o e -> smooth_op o e'.
Proof.
move=> ha; have {ha} := @oargs_case o (fun a => e a = e' a) ha.
case: o => [s n d|s u a|s b x y|s c a b x y|box s f vs|s s' a|s a|s z y] //=.
- by move=> ->.
- by case: b => // -[hx hy]; rewrite ?hx ?hy.
- by move=> [-> -> _ _].
Qed.

Lemma smooth_no_kink o e : has_kink o = false -> smooth_op o e.
Proof.
case: o => //= [s u a|s []] //; case: u => // n d /negbFE /Z.eqb_eq -> i _; right.
by rewrite /rational divff // gt_eqF // pos_real_gt0.
Qed.

Theorem off_kinksP p k sh e : wf p k sh -> off_kinks p (run p e) <-> smooth_run p e.
Proof.
rewrite /off_kinks; elim: p k sh e => [|[d o] p ih] k sh e //= /wf_cons [-> ok ha w].
have same a : a \in oargs o -> run p (step e (k, o)) a.1 = e a.1.
  move=> /ha [hk _]; rewrite (run_stable _ w); last exact: N.lt_lt_succ_r.
  by rewrite /step updN //; exact: N.lt_neq.
have {}ih := ih _ _ (step e (k, o)) w.
case hk: (has_kink o) => /=; last first.
  by split=> [h|[_ h]]; [split; [exact: smooth_no_kink | exact/ih] | exact/ih].
split=> -[h1 h2]; split; try exact/ih.
  by apply: smooth_op_ext h1 => a /same.
by apply: smooth_op_ext h1 => a /same ->.
Qed.

Corollary smooth_everywhere p k sh e : wf p k sh -> kinks p = [::] -> smooth_run p e.
Proof. by move=> w h; apply/(off_kinksP _ w); rewrite /off_kinks h. Qed.
End Kinks.
