(** * The printed gradients of a convolution are convolutions

    The private functions that [Raise.recognise_conv] accepts: one convolution,
    or a convolution by a kernel that is reversed first.

    Statements: [conv_meaning], [reversed_meaning]: called with arrays of the
    types it is made for, the function returns that convolution; and
    [recognised_conv], what [recognise_conv] has then checked. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Index Denote Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies RaiseConvolution.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition conv_body (c : conv_dims) (t : type) : seq instruction :=
  [:: Instruction (Convolution c) [:: Arg 0; Arg 1] t].
Definition reversed_body (c : conv_dims) (b t : type) : seq instruction :=
  [:: Instruction (Reverse (n_spatial (c_rhs c))) [:: Arg 1] b;
      Instruction (Convolution c) [:: Arg 0; Res 0] t].

(** What is known of an op that was recognised. *)
Lemma recognised_conv f t ts o : recognise_conv f t ts = Some o ->
  exists a x b y c flipped,
    [/\ ts = [:: (a, x); (b, y)], solvable flipped c, fits (Convolution c) [:: a; b] t,
        o = contract_conv flipped c (t_shape a) (t_shape b) x y
      & if flipped then is_function f [:: a; b] (reversed_body c b t) t 1
        else is_function f [:: a; b] (conv_body c t) t 0].
Proof.
case: ts => [|[a x] [|[b y] [|? ?]]] //=; case: (f_body f) => [|[op vs t1] rest] //.
case: op => // [c|ds]; case: rest => [|[op' vs' t'] [|? ?]] //; try by case: op'.
  case: ifP => // /and4P [_ h1 h2 h3] [<-].
  by exists a, x, b, y, c, false.
case: op' => // c; case: ifP => // /andP [/eqP e /and4P [_ h1 h2 h3]] [<-].
by exists a, x, b, y, c, true; split=> //; rewrite /reversed_body -e.
Qed.

Section Meaning.
Variable R : realType.
Implicit Types (u v : tensor R).

Lemma conv_meaning c f a b t u v : is_function f [:: a; b] (conv_body c t) t 0 ->
  fits (Convolution c) [:: a; b] t ->
  function_meaning (@no_call R) f [:: Array a (Reals u); Array b (Reals v)]
  = Some [:: Array t (Reals (convolution c (t_shape a) (t_shape b) u v))].
Proof.
move=> hf ft; pose xs := [:: Array a (Reals u); Array b (Reals v)].
pose y := Reals (convolution c (t_shape a) (t_shape b) u v).
suff run : body_meaning (@no_call R) xs [::] (conv_body c t) = Some [:: Array t y].
  by apply: (run_function hf _ run).
by rewrite (run_instruction _ (xs := xs) (c := y)).
Qed.

Lemma reversed_meaning c f a b t u v : is_function f [:: a; b] (reversed_body c b t) t 1 ->
  fits (Convolution c) [:: a; b] t ->
  function_meaning (@no_call R) f [:: Array a (Reals u); Array b (Reals v)]
  = Some [:: Array t (Reals (convolution c (t_shape a) (t_shape b) u
               (reverse (n_spatial (c_rhs c)) (t_shape b) v)))].
Proof.
move=> hf ft; pose xs := [:: Array a (Reals u); Array b (Reals v)].
set w := reverse _ _ _; pose y := Reals (convolution c (t_shape a) (t_shape b) u w).
suff run : body_meaning (@no_call R) xs [::] (reversed_body c b t)
    = Some [:: Array b (Reals w); Array t y].
  by apply: (run_function hf _ run).
have fb : fits (Reverse (n_spatial (c_rhs c))) [:: b] b.
  move: ft => /and4P [fa /eqP el /and5P [_ h2 _ /eqP ss _] _].
  rewrite /= /is_float -el -/(is_float a) fa eqxx andbT -/(is_true _).
  move: h2 => /and3P [/distinctP [hu hd] _ _]; rewrite ss /distinct.
  move: hu => /= /and3P [_ _ ->]; apply/allP => d hs; rewrite /= mem_first_dims; apply: hd.
  by rewrite !inE hs !orbT.
rewrite (run_instruction _ (xs := [:: Array b (Reals v)]) (c := Reals w)) //.
by rewrite (run_instruction _ (xs := [:: Array a (Reals u); Array b (Reals w)]) (c := y)).
Qed.
End Meaning.
