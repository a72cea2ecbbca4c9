(** * The printed gradients of a convolution are convolutions

    The private functions that [Raise.recognise_conv] accepts: one convolution,
    or a convolution by a kernel that is reversed first, or also rearranged.

    Glossary
      - [plain], [grouped]  what is known of an op that was recognised: by the
                         kernel or its reverse; by the rearranged one
      - [recognised_conv]  what [recognise_conv] accepts is one of these
      - [conv_meaning], [reversed_meaning], [grouped_meaning]  called with arrays
                         of the types it is made for, the function returns that
                         convolution *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies RaiseConvolution RaiseGrouped.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** What is known of an op that was recognised. *)
Definition plain (f : function) (a b t : type) (x y : N) (o : op) : Prop :=
  exists c flipped,
    [/\ solvable flipped c, fits (Convolution c) [:: a; b] t,
        o = contract_conv flipped c (t_shape a) (t_shape b) x y
      & if flipped then is_function f [:: a; b] (reversed_body c b t) t 1
        else is_function f [:: a; b] (conv_body c t) t 0].

Definition grouped (f : function) (a b t : type) (x y : N) (o : op) : Prop :=
  exists c k inputs outputs (n := size (c_windows c)) (g := c_feature_groups c)
      (of_shape := fun s => Tensor (k ++ s) (t_element b))
      (parts := of_shape [:: inputs; g; outputs])
      (exchanged := of_shape [:: outputs; g; inputs])
      (joined := of_shape [:: outputs; (g * inputs)%num]),
    [/\ size k = n, b = of_shape [:: inputs; (g * outputs)%num],
        numbers (c_rhs c) = numbers (kernel_numbers n), c_batch_groups c = 1%num
      & solvable true c] /\
    [/\ is_function f [:: a; b] (grouped_body c b parts exchanged joined t) t 4,
        [/\ fits (Reverse (n_spatial (c_rhs c))) [:: b] b, fits ReshapeOp [:: b] parts,
            fits (Transpose (exchange n)) [:: parts] exchanged
          & fits ReshapeOp [:: exchanged] joined],
        fits (Convolution c) [:: a; joined] t
      & o = contract_grouped c (t_shape a) k inputs outputs x y].

Lemma recognised_conv f t ts o : recognise_conv f t ts = Some o ->
  exists a x b y, ts = [:: (a, x); (b, y)] /\ (plain f a b t x y o \/ grouped f a b t x y o).
Proof.
case: ts => [|[a x] [|[b y] [|? ?]]] //=.
case: (f_body f) => [|i1 [|i2 [|? [|? [|i5 [|? ?]]]]]] //=.
- case: (conv_of i1) => //= c; case: ifP => // /and3P [h1 h2 h3] [<-].
  by exists a, x, b, y; split=> //; left; exists c, false.
- case: (conv_of i2) => //= c; case: ifP => // /and3P [h1 h2 h3] [<-].
  by exists a, x, b, y; split=> //; left; exists c, true.
case: (conv_of i5) => //= c; rewrite /recognise_grouped; case: ifP => //.
move=> /and5P [/eqP h1 /eqP h2 /eqP h3 /N.eqb_eq h4 /and5P [h5 h6 h7 h8 /and3P [h9 h10 h11]]] [<-].
exists a, x, b, y; split=> //; right.
exists c, (take (size (c_windows c)) (t_shape b)), (nth 0%num (t_shape b) (size (c_windows c))),
  (N.div (nth 0%num (t_shape b) (size (c_windows c)).+1) (c_feature_groups c)).
by split; split.
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

Lemma grouped_meaning c f k inputs outputs a b t u v (n := size (c_windows c))
    (g := c_feature_groups c) (of_shape := fun s => Tensor (k ++ s) (t_element b))
    (parts := of_shape [:: inputs; g; outputs]) (exchanged := of_shape [:: outputs; g; inputs])
    (joined := of_shape [:: outputs; (g * inputs)%num]) :
  size k = n -> b = of_shape [:: inputs; (g * outputs)%num] -> n_spatial (c_rhs c) = first_dims n ->
  is_function f [:: a; b] (grouped_body c b parts exchanged joined t) t 4 ->
  [/\ fits (Reverse (n_spatial (c_rhs c))) [:: b] b, fits ReshapeOp [:: b] parts,
      fits (Transpose (exchange n)) [:: parts] exchanged
    & fits ReshapeOp [:: exchanged] joined] ->
  fits (Convolution c) [:: a; joined] t ->
  function_meaning (@no_call R) f [:: Array a (Reals u); Array b (Reals v)]
  = Some [:: Array t (Reals (convolution c (t_shape a) (t_shape joined) u
               (rearranged n k inputs g outputs v)))].
Proof.
move=> sk eb es hf [f1 f2 f3 f4] f5; pose xs := [:: Array a (Reals u); Array b (Reals v)].
pose w1 := reverse (n_spatial (c_rhs c)) (t_shape b) v.
pose w2 := reshape (t_shape b) (t_shape parts) w1.
pose w3 := transpose (exchange n) (t_shape parts) w2.
pose w4 := reshape (t_shape exchanged) (t_shape joined) w3.
have -> : rearranged n k inputs g outputs v = w4.
  by rewrite /rearranged /w4 /w3 /w2 /w1 es eb.
pose y := Reals (convolution c (t_shape a) (t_shape joined) u w4).
suff run : body_meaning (@no_call R) xs [::] (grouped_body c b parts exchanged joined t)
    = Some [:: Array b (Reals w1); Array parts (Reals w2); Array exchanged (Reals w3);
               Array joined (Reals w4); Array t y].
  by apply: (run_function hf _ run).
rewrite (run_instruction _ (xs := [:: Array b (Reals v)]) (c := Reals w1)) //.
rewrite (run_instruction _ (xs := [:: Array b (Reals w1)]) (c := Reals w2)) //.
rewrite (run_instruction _ (xs := [:: Array parts (Reals w2)]) (c := Reals w3)) //.
rewrite (run_instruction _ (xs := [:: Array exchanged (Reals w3)]) (c := Reals w4)) //.
by rewrite (run_instruction _ (xs := [:: Array a (Reals u); Array joined (Reals w4)]) (c := y)).
Qed.
End Meaning.
