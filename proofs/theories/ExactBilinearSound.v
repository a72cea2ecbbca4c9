(** * Bilinear enlargement on integers is that of numbers

    Where the rows of an image are what [ExactTable.v] says, so are those of the
    enlarged one.

    Glossary
      - [enlarged_sound] one new row of pixels
      - [bilinear_sound] the layer *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number SpecLayer Images.
From Cotangent Require Import ExactTable ExactNumbers ExactRows ExactLayers ExactBranches.
From Cotangent Require Import ExactSmooth ExactSmoothSound ExactSmoothLayer ExactBilinear.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Bilinear.
Variables (R : realType) (V : normedModType R) (x0 : V).
Notation holds := (holds_fixed x0).
Implicit Types (X Y : V -> tensor R) (x : fixed).

Section Line.
Variables (g c : N) (ws : seq Bilinear.weights) (n : N) (X : V -> tensor R) (x : fixed).
Hypothesis hX : holds X x.
Notation is_near := (@is_near R g).

Lemma near_row_sound i r : near_row g c x i = Some r -> size r = N.to_nat c /\ forall o, (o < size r)%nat ->
  continuous_at x0 (fun v => X v (rcons i (N.of_nat o))) /\ is_near (nth (0, 0)%Z r o) (X x0 (rcons i (N.of_nat o))).
Proof.
rewrite /near_row; case hl: look => [e|] //; case: ifP => // /N.eqb_eq hc [<-]; rewrite size_map -hc Nnat.Nat2N.id.
split=> // o ho; have [cont val _ _] := hX.2 _ _ hl o ho; split=> //.
by rewrite (nth_map 0%Z) //; exact: near_of_sound.
Qed.

Lemma enlarged_sound r source ps o : enlarged g c ws n x r source = Some ps -> (o < size ps)%nat ->
  let value v := enlarged_line ws n (fun p => X v (rcons (source p) (N.of_nat o))) r in
  continuous_at x0 value /\ is_near (nth (0, 0)%Z ps o) (value x0).
Proof.
rewrite /enlarged /enlarged_line /new_line /=; set f := N.of_nat _; set i := (r / f)%num; set j := (r mod f)%num.
set w := nth no_weights _ _; set A := near_rational _ _ _; set B := near_rational _ _ _.
have mixed k qs : (if (near_row g c x (source i), near_row g c x (source k)) is (Some a, Some b)
    then Some [seq near_add (near_mul g q.1 A) (near_mul g q.2 B) | q <- zip a b] else None) = Some qs ->
    (o < size qs)%nat ->
    let value v := X v (rcons (source i) (N.of_nat o)) * rational R (Bilinear.near w).1 (Bilinear.near w).2
      + X v (rcons (source k) (N.of_nat o)) * rational R (Bilinear.far w).1 (Bilinear.far w).2 in
    continuous_at x0 value /\ is_near (nth (0, 0)%Z qs o) (value x0).
  case ha: near_row => [a|] //; case hb: near_row => [b|] // [<-]; rewrite size_map size_zip => ho /=.
  have [sa va] := near_row_sound ha; have [sb vb] := near_row_sound hb; rewrite sa sb minnn in ho.
  have [ca na] := va o ltac:(by rewrite sa); have [cb nb] := vb o ltac:(by rewrite sb).
  split; first by apply: continuous_add; apply: continuous_mul => //; exact: continuous_const.
  rewrite (nth_map ((0, 0), (0, 0))%Z) ?size_zip ?sa ?sb ?minnn // nth_zip ?sa ?sb //=.
  by apply: near_add_sound; apply: near_mul_sound => //; exact: near_rational_sound.
case: N.compare => hs ho.
- by have [_ /(_ o ho)] := near_row_sound hs.
- exact: mixed hs ho.
exact: mixed hs ho.
Qed.

Lemma line_layer_sound number source places Y :
  (forall v i o, i \in places -> Y v (rcons i o)
     = enlarged_line ws n (fun p => X v (rcons (source i p) o)) (number i)) ->
  holds Y (line_layer g c ws n x number source places).
Proof.
move=> hY; apply: common_radius_sound; apply: look_tabulate => t model i en /In_mem hi _.
case he: enlarged => [ps|] //= [<-]; exists ps => // o ho.
have [cont val] := enlarged_sound he ho; have form v := hY v i (N.of_nat o) hi.
by split; [apply: continuous_near cont; exact: nearW form|rewrite form|exact: nearW].
Qed.
End Line.

Lemma bilinear_sound fraction batch h w c rows columns X x : holds X x ->
  holds (fun v => bilinear h w rows columns (X v)) (bilinear_layer fraction batch h w c rows columns x).
Proof.
move=> hX; apply: rounded_sound.
pose tall (v : V) : tensor R := fun i => enlarged_line rows h
  (fun p => X v [:: nth 0 i 0; p; nth 0 i 2; nth 0 i 3]%num) (nth 0%num i 1).
apply: (@line_layer_sound _ _ _ _ tall); last by move=> v i o /idxs3 [b [r [q [-> _ _ _]]]].
apply: (@line_layer_sound _ _ _ _ X x hX _ _ _ tall) => v i o /idxs3 [b [r [q [-> _ _ _]]]].
by rewrite /tall.
Qed.
End Bilinear.
