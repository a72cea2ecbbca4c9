(** * What a certificate at a point says

    [certified_at net opts m pt]: the StableHLO module [m] is the step [opts] of
    the network [net], as in [certified] ([Main.v]); and at the numbers that
    [pt] holds, bit for bit, whatever the arguments are that it leaves open, the
    gradient that the step computes with is the derivative of the loss: no
    condition about kinks is left.

    A certificate proves it from its [certified] and one more computation,
    [discharged], through [at_sound].

    Glossary
      - [discharged]     at the point every kink's condition holds
      - [problem_text]   where one does not, in words *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String DecimalString.
From Cotangent Require Import Ir Index Denote Grad GradAdjoint GradCorrect RowVector Stablehlo StepSound.
From Cotangent Require Import Number Canonical Exact ExactNumbers ExactRows ExactLayers ExactSound.
From Cotangent Require Export Floats Main.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Definition certified_at (net : spec) (opts : options) (m : module) (pt : point) : Prop :=
  [/\ exists n, classes net = Some n,
      options_ok opts,
      has_interface m (argument_ports net opts) (result_ports net opts)
    & forall (R : realType) (other : N -> tensor R) (θ : θ_space R net),
      let a := at_θ other θ in
      at_point pt a ->
      exists2 g : θ_space R net,
        is_gradient (fun θ => loss_at net opts (at_θ other θ)) θ g
      & returns net opts m a match which opts with
          | Train o => textbook_step net o a (tensors_of g) ++ stats_at_step net opts a
                         ++ [:: loss_result net opts a; logits_result net opts a]
          | _ => gradient_results g ++ [:: loss_result net opts a]
          end].

(** ** The computation *)
Definition discharged (net : spec) (opts : options) (ks : seq kink) (pt : point) : bool :=
  [&& if which opts is Forward then false else true, list_eqb kink_eqb ks (kinks_of net)
    & nilp (problems_at net opts pt)].

Definition number_text (n : N) : string := DecimalString.NilZero.string_of_int (Z.to_int (Z.of_N n)).
Definition index_text (i : idx) : string :=
  ("[" ++ String.concat ", " [seq number_text k | k <- i] ++ "]")%string.
Definition problem_text (p : problem) : string := match p with
| OnKink layer i z => (layer ++ ": entry " ++ index_text i ++ " is "
    ++ DecimalString.NilZero.string_of_int (Z.to_int z))%string
| Tied layer i => (layer ++ ": the greatest cells of the window at " ++ index_text i ++ " are tied")%string
| NotExact layer => (layer ++ ": what comes into it has no exact value")%string
end.

(** ** It is enough *)
Section Sound.
Variables (R : realType) (net : spec) (opts : options) (pt : point).
Variables (other : N -> tensor R) (θ : θ_space R net).
Hypothesis here : at_point pt (at_θ other θ).

Lemma at_θ_continuous k i : continuous_at θ (fun v : θ_space R net => at_θ other v k i).
Proof.
have [d _] := inputs_diff other θ k i.
exact: (differentiable_continuous d).
Qed.

Lemma data_fixed (v : θ_space R net) :
  at_θ other v (data_at net (which opts)) = other (data_at net (which opts)).
Proof.
rewrite /at_θ /inputs place_other //; apply/negP.
rewrite /numbered_params /ids -/(unzip1 _) unzip1_zip; last by rewrite !size_map size_iota.
move=> /mapP [n]; rewrite mem_iota add0n /= => /ssrnat.ltP hn e.
suff : (data_at net (which opts) < n_params net)%num by rewrite /data_at /stats_at; lia.
by rewrite e /n_params; lia.
Qed.

Lemma problems_sound : problems_at net opts pt = [::] -> off_kinks opts (kinks_of net) other θ.
Proof.
rewrite /problems_at; case hw: walk => [p y] /= ep k hk; rewrite {}ep in hw.
have hX f : data_value pt (data_at net (which opts)) (batch_size opts :: input_shape net) = Some f ->
    holds_fixed θ (fun v : θ_space R net => at_θ other v (data_at net (which opts))) f.
  by apply: (data_sound (@at_θ_continuous) here) => v; rewrite !data_fixed.
have [off _] := walk_sound (@at_θ_continuous) here hX hw.
exact: off.
Qed.
End Sound.

Theorem at_sound net opts m ks pt : certified net opts m ks -> discharged net opts ks pt = true ->
  certified_at net opts m pt.
Proof.
move=> [c1 c2 c3 h] /and3P [hw /(list_eqbP kink_eqbP) ek /nilP hp]; split=> // R other θ a here.
have off := problems_sound here hp; rewrite -ek in off.
have := h R; rewrite /computes_step; case: (which opts) hw => [|_|o _] // /(_ other θ) [g hg ret];
  by exists g => //; exact: hg.
Qed.
