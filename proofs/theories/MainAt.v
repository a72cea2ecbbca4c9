(** * From a certificate to a point

    [at_sound]: where [discharged] computes to true, what is [certified] is
    [certified_at] the point ([CertifiedAt.v]). A certificate proves it from its
    [certified] and this one more computation.

    Glossary
      - [coherent]       the numbers fit the arguments; [row_length] counts a row's
      - [discharged]     at the point every kink's condition holds, by what balls
                         of so many bits say; any number is sound
      - [problem_text]   where one does not, in words; [integer_text], [index_text]
                         are those of numbers and places *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive.
From Coq Require Import NArith ZArith Lia String DecimalString.
From Cotangent Require Import Ir DenoteFacts Grad GradAdjoint GradCorrect RowVector Stablehlo StepsFacts StepSound CheckSound.
From Cotangent Require Import Number Canonical Exact ExactNumbers ExactRows ExactLayers ExactSound.
From Cotangent Require Export CertifiedAt Main.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** The computation *)

(** The literals are of different arguments, and have their shapes. *)
Definition row_length (w : words) : N := N.of_nat (size (floats w)).
Definition coherent (net : spec) (pt : point) : bool :=
  let params := numbered_params net in
  let fits (l : literal) := [&& (0 < size (l_shape l))%nat,
    all (fun w => N.leb (row_length w) (last 0%num (l_shape l))) (l_rows l)
    & all (fun q => (l_value l != q.1) || (l_shape l == q.2)) params] in
  [&& uniq [seq l_value l | l <- pt], all fits pt, uniq (ids params) & N.ltb 0 (total params)].

Definition discharged (fraction : N) (net : spec) (opts : options) (ks : seq kink) (pt : point) : bool :=
  [&& if which opts is Forward then false else true, list_eqb kink_eqb ks (kinks_of net),
      coherent net pt & nilp (problems_at fraction net opts pt)].

Definition integer_text (z : Z) : string := DecimalString.NilZero.string_of_int (Z.to_int z).
Definition index_text (i : idx) : string :=
  ("[" ++ String.concat ", " [seq integer_text (Z.of_N k) | k <- i] ++ "]")%string.
Definition problem_text (p : problem) : string := match p with
| OnKink layer i z => (layer ++ ": entry " ++ index_text i ++ " is " ++ integer_text z)%string
| NearKink layer i z k => (layer ++ ": entry " ++ index_text i ++ " is within 2^" ++ integer_text (- k)
    ++ " of " ++ integer_text z ++ ", too close to tell")%string
| Tied layer i => (layer ++ ": the greatest cells of the window at " ++ index_text i ++ " are tied")%string
| NearlyTied layer i => (layer ++ ": cells of the window at " ++ index_text i
    ++ " are too close to tell which is greatest")%string
| Meets layer i => (layer ++ ": at " ++ index_text i ++ " a branch equals the maximum of those before it")%string
| NearlyMeets layer i => (layer ++ ": at " ++ index_text i
    ++ " a branch and the maximum of those before it are too close to tell which is greater")%string
| NotExact layer => (layer ++ ": what comes into it has no value")%string
end.

(** ** There are such arguments *)
Lemma filter_one (T : eqType) (U : Type) (f : U -> T) l x : uniq [seq f y | y <- l] -> List.In x l ->
  seq.filter (fun y => f y == f x) l = [:: x].
Proof.
have none l' : f x \notin [seq f y | y <- l'] -> seq.filter (fun y => f y == f x) l' = [::].
  elim: l' => //= y l' ih; rewrite inE negb_or => /andP [ne /ih ->].
  by rewrite eq_sym (negPf ne).
elim: l => //= y l ih /andP [hy u] [e|hx]; first by subst; rewrite eqxx none.
rewrite ih //; case: eqP => // e; case/negP: hy; rewrite e.
by elim: l hx {ih u} => //= z l ih [->|/ih h]; rewrite inE ?eqxx ?h ?orbT.
Qed.

Lemma zip_at (A B : Type) (a : A) (b : B) a0 b0 l l' : List.In (a, b) (zip l l') ->
  exists2 k, (k < size l)%nat & nth a0 l k = a /\ nth b0 l' k = b.
Proof.
elim: l l' => [|x l ih] [|y l'] //= [[-> ->]|/ih [k hk e]]; first by exists 0%nat.
by exists k.+1.
Qed.

Lemma Forall2_self (A B : Type) (P : A -> B -> Prop) (f : A -> B) l :
  List.Forall2 P l [seq f x | x <- l] -> forall x, List.In x l -> P x (f x).
Proof. by elim: l => //= x l ih h y [<-|hy]; inversion h; subst; [|exact: ih]. Qed.

Lemma point_exists net pt : coherent net pt -> forall R : realType,
  exists (other : N -> tensor R) (θ : θ_space R net), at_point pt (at_θ other θ).
Proof.
move=> /and4P [u fits up pos] R.
pose value (l : literal) (i : idx) : R :=
  if nth None (floats (nth Done (l_rows l) (seq.index (lead i) (idxs (lead (l_shape l))))))
       (N.to_nat (last 0%num i)) is Some f then float_real R f else 0.
pose a (k : N) : tensor R := if [seq l <- pt | l_value l == k] is l :: _ then value l else fun _ => 0.
exists a, (gradient (numbered_params net) (ids (numbered_params net)) a).
move=> l hl i w hiw j f hf; have /and3P [s0 /all_in lengths /all_in shapes] := all_in fits hl.
have [p hp [ei ew]] := zip_at [::] Done hiw.
have hi : i \in idxs (lead (l_shape l)) by rewrite -ei mem_nth.
have el : lead (rcons i (N.of_nat j)) = i by rewrite /lead size_rcons /= -cats1 take_size_cat.
have ea : a (l_value l) (rcons i (N.of_nat j)) = float_real R f.
  rewrite /a (filter_one u hl) /value el last_rcons Nnat.Nat2N.id -ei index_uniq ?idxs_uniq // ew hf.
  by [].
have hin : rcons i (N.of_nat j) \in idxs (l_shape l).
  rewrite idxs_rows //; apply/flattenP.
  exists [seq rcons i b | b <- Nrange (last 0%num (l_shape l))]; first exact: map_f.
  apply: map_f; rewrite mem_Nrange; apply/N.ltb_lt.
  have hw : List.In w (l_rows l).
    by elim: (idxs _) (l_rows l) hiw => [|x L ih] [|y W] //= [[_ ->]|/ih]; [left|right].
  have /N.leb_le := lengths _ hw; have : (j < size (floats w))%nat.
    by rewrite ltnNge; apply/negP => h; rewrite nth_default in hf.
  by rewrite /row_length => /ssrnat.ltP; lia.
rewrite -ea; case hk: (l_value l \in ids (numbered_params net)); last first.
  by rewrite /at_θ /inputs place_other ?hk.
have /mapP [q hq eq] := hk; have /orP [] := shapes _ ((In_mem _ _).2 hq); first by rewrite eq eqxx.
move=> /eqP es; rewrite eq; apply: (Forall2_self (every_argument a up _) ((In_mem _ _).2 hq)).
  exact/N.ltb_lt.
by rewrite -es.
Qed.

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

Lemma data_fixed (v : θ_space R net) k : (data_at net (which opts) <= k)%num -> at_θ other v k = other k.
Proof.
move=> hk; rewrite /at_θ /inputs place_other //; apply/negP.
rewrite numbered_paramsE /ids -/(unzip1 _) unzip1_zip; last by rewrite !size_map size_iota.
move=> /mapP [n]; rewrite mem_iota add0n /= => /ssrnat.ltP hn e.
suff : (k < n_params net)%num by move: hk; rewrite /data_at /stats_at; lia.
by rewrite e /n_params; lia.
Qed.

Lemma problems_sound fraction : problems_at fraction net opts pt = [::] -> off_kinks opts (kinks_of net) other θ.
Proof.
rewrite /problems_at; case hw: walk => [p y] /= ep k hk; rewrite {}ep in hw.
have hX f : data_value pt (data_at net (which opts)) (batch_size opts :: input_shape net) = Some f ->
    holds_fixed θ (fun v : θ_space R net => at_θ other v (data_at net (which opts))) f.
  by apply: (data_sound here) => v; rewrite !data_fixed //; lia.
have masks j (v : θ_space R net) : (masks_at net (which opts) <= j)%num -> at_θ other v j = at_θ other θ j.
  move=> hj; have le : (data_at net (which opts) <= j)%num by apply: N.le_trans hj; exact: N.le_add_r.
  by rewrite (data_fixed v le) (data_fixed θ le).
have [off _] := walk_sound (@at_θ_continuous) here masks (rm := [::]) hX (List.Forall2_nil _) hw.
exact: off.
Qed.
End Sound.

Theorem at_sound fraction net opts m ks pt : certified net opts m ks -> discharged fraction net opts ks pt = true ->
  certified_at net opts m pt.
Proof.
move=> [c1 c2 c3 h] /and4P [hw /(list_eqbP kink_eqbP) ek hc /nilP hp]; split=> //.
  exact: point_exists hc.
move=> R other θ a here.
have off := problems_sound here hp; rewrite -ek in off.
have := h R; rewrite /computes_step; case: (which opts) hw => [|_|o f _] // /(_ other θ) [g hg ret];
  by exists g => //; exact: hg.
Qed.
