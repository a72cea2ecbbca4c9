(** * The premise can be met, and what follows is not trivial

    The theorem about gradients has a premise: that no kink is met. [not_vacuous]
    says, of a network, that there are parameters and inputs at which the premise
    holds, and at which the derivative is not 0 and depends on the input.
    [witness] is a boolean that computes with rational numbers; where it is true,
    [not_vacuous] holds ([witness_sound] in [WitnessSound.v]). [WitnessNets.v]
    computes it.

    Glossary
      - [emitted_gradient] what reverse mode's code computes, as a row vector
      - [not_vacuous net b]  the claim, over the reals
      - [layer_values]     which value of the program is the input of each layer;
                           [net_values] of a whole network
      - [argument s l]     a tensor from a list of rationals
      - [arguments l]      parameters, data, target, masks from lists of rationals
      - [q_gradient]       an entry of the emitted gradient, off all kinks
      - [q_off_kink]       the kink is not met; not known of maxima of branches
      - [witness net b args data j i]  the gradient at the first arguments, and
                           that at other [data], in parameter [j] at index [i]:
                           off all kinks, not 0, and different *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith String.
From Coq Require QArith_base.
From Cotangent Require Import Ir Index Denote Grad Gradient Number Twin Rational.
From Cotangent Require Import Spec Meaning Steps Check Certified.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.
Local Notation Q := QArith_base.Q.
Local Notation Qeq_bool := QArith_base.Qeq_bool.

(** ** What is claimed *)
Section Statement.
Variables (R : realType) (net : spec) (batch : N).
Let opts := Options batch Steps.Grad.

Definition emitted_gradient (other : env R) (θ : θ_space R net) : θ_space R net :=
  if elaborate net batch (position_of net Steps.Grad) is Some g then
    let: (back, gs) := loss_grad (g_prog g) (N.succ (g_loss g)) (g_loss g) (numbered_params net) in
    gradient (numbered_params net) gs (run (g_prog g ++ back) (at_θ other θ))
  else 0.
End Statement.

(** Two inputs, one target, one choice of masks, and parameters [θ]: no kink is met
    at either input, what is emitted is the gradient of the loss, and one of its
    entries is not 0, and differs between the inputs. *)
Definition not_vacuous (net : spec) (batch : N) : Prop := forall R : realType,
  let opts := Options batch Steps.Grad in
  exists (x y : env R) (θ : θ_space R net) (j : N) (i : idx),
  let gx := emitted_gradient batch x θ in let gy := emitted_gradient batch y θ in
  [/\ forall k, k <> data_at net Steps.Grad -> x k = y k,
      off_kinks opts (kinks_of net) x θ /\ off_kinks opts (kinks_of net) y θ,
      is_gradient (fun θ => loss_at net opts (at_θ x θ)) θ gx,
      is_gradient (fun θ => loss_at net opts (at_θ y θ)) θ gy
    & [/\ tensors_of gx j i != 0, tensors_of gy j i != 0 & tensors_of gx j i != tensors_of gy j i]].

(** ** The inputs of layers *)

(** Not the differences that a maximum of branches compares: no value of the
    program holds them, and [witness] is for networks without. *)
Fixpoint layer_values (batch : N) (c : chain) (ready : seq part) (s : shape) (p0 m0 x k : N)
    : seq (string * shape * N) :=
match c with
| End => [::]
| Next name l c' =>
    (name, batch :: s, x) ::
    if Layer.emit l batch s (own_values l s p0 (Masks m0)) x k is Some code then
      let k' := next_id k code in
      layer_values batch c' ready (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
        (past m0 (Layer.masks l s)) (N.pred k') k'
    else [::]
| Branch a c' =>
    if emit_layers batch a [::] s p0 (Masks m0) x k is Some (code, y, _) then
      layer_values batch a [::] s p0 m0 x k
        ++ layer_values batch c' (rcons ready (y, odflt [::] (output_shape a [::] s))) s
             (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) x (next_id k code)
    else [::]
| Join _ j c' =>
    let t := odflt [::] (joined_shape j (unzip2 ready)) in
    let: (code, y) := emit_join j batch t ready k in
    layer_values batch c' [::] t p0 m0 y (next_id k code)
| Again p _ a c' =>
    if emit_layers batch a [::] s p (Masks m0) x k is Some (code, y, _) then
      layer_values batch a [::] s p m0 x k
        ++ layer_values batch c' ready (odflt [::] (output_shape a [::] s)) p0
             (past m0 (masks_in a [::] s)) y (next_id k code)
    else [::]
end.

Definition net_values (net : spec) (batch masks : N) (at_ : position) : seq (string * shape * N) :=
  layer_values batch (layers net) [::] (input_shape net) 0 masks (at_data at_) (at_first at_).

(** ** Over the rationals *)
Definition argument (s : shape) (l : seq Q) : q_tensor :=
  let indices := idxs s in fun i => nth q_zero l (seq.index i indices).
Fixpoint arguments (k : N) (ss : seq shape) (l : seq (seq Q)) : point := match ss, l with
| s :: ss', x :: l' => set k (argument s x) (arguments (N.succ k) ss' l')
| _, _ => FMapPositive.PositiveMap.empty _ end.

Definition q_off_kink (m : point) (values : seq (string * shape * N)) (k : kink) : bool := match k with
| KinkAt layer _ z => all (fun v => ~~ String.eqb v.1.1 layer ||
    (isSome (get m v.2) && all (fun i => ~~ Qeq_bool (look m v.2 i) (QArith_base.Qmake z 1)) (idxs v.1.2)))
    values
| TiesAt layer w u => all (fun v => ~~ String.eqb v.1.1 layer ||
    if v.1.2 is [:: n; h; l; c] then
      isSome (get m v.2) && all (q_strict v.1.2 (Layer.pool_window w u) (Layer.pool_map w u) (look m v.2))
        (idxs (Layer.pooled n h l c w u))
    else true) values
| MeetAt _ => false
end.

(** No kink is met with the arguments [m]; the entry of the gradient. *)
Definition q_gradient (net : spec) (batch : N) (g : graph) (sh : shapes) (back : prog) (gs : seq N) (m : point)
    (n : nat) (i : idx) : option Q :=
  let values := net_values net batch (masks_at net Steps.Grad) (position_of net Steps.Grad) in
  let r := q_run (g_prog g) m in
  if [&& q_off (g_prog g) m, all (fun v => has_shape sh (v.2, v.1.2)) values
       & all (q_off_kink r values) (kinks_of net)] then
    omap (fun t => t i) (get (q_run back r) (nth 0%num gs n))
  else None.

Definition witness (net : spec) (batch : N) (args : seq (seq Q)) (data : seq Q) (n : nat) (i : idx) : bool :=
  let opts := Options batch Steps.Grad in
  let inputs := [seq port_shape a | a <- argument_ports net opts] in
  let nin := first_at net Steps.Grad in let x := data_at net Steps.Grad in
  let params := numbered_params net in
  let sh := shapes_from 0 inputs in
  let m := arguments 0 inputs args in
  let m' := set x (argument (shape_in sh x) data) m in
  if elaborate net batch (position_of net Steps.Grad) is Some g then
    let: (back, gs) := loss_grad (g_prog g) (N.succ (g_loss g)) (g_loss g) params in
    if (well_formed (g_prog g) nin sh, well_formed (g_prog g ++ back) nin sh) is (Some sg, Some sb) then
      [&& N.leb (N.of_nat (size inputs)) nin, N.ltb x nin, x \notin ids params,
          N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g)),
          params_ok (shape_in sh) nin params, targets_fixed (g_prog g) (ids params), N.ltb 0 (total params),
          (n < size params)%nat, has_shape sb (nth 0%num gs n, (nth (0%num, [::]) params n).2),
          inb (nth (0%num, [::]) params n).2 i
        & if (q_gradient net batch g sg back gs m n i, q_gradient net batch g sg back gs m' n i)
            is (Some a, Some b) then [&& ~~ Qeq_bool a q_zero, ~~ Qeq_bool b q_zero & ~~ Qeq_bool a b]
          else false]
    else false
  else false.
