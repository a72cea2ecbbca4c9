(** * Squeeze-and-excitation, as emitted

    The whole block as a graph with symbolic sizes: the mean of every channel,
    two dense layers with SiLU between them and a sigmoid after, and the product
    of every channel with its gate. What reverse mode emits for it is
    [LayersPooling.squeeze_excite_vjp]'s form. Rows are the places of an image,
    columns its channels.

    Glossary
      - [row_of n]         the shape of one row
      - [mean_ops], [gate_ops]  the means; from the gates on
      - [excite_graph]     the image is input 0; weights and biases are 1 to 4 *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive sequences realfun exp.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Vjp DenoteFacts Grad GradAdjoint SmoothFacts GradCorrect Computes.
From Cotangent Require Import Layers LayersRules LayersPointwise LayersPooling SpecLayer TokensSound MeaningLayerSound LayersGraph.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Gate.
Variable R : realType.
Notation mat m n := 'M[R]_(m.+1, n.+1).
Implicit Types (y : env R).

(** A dense layer, of three instructions. *)
Lemma dense_values k n m y x w b u v z : y u =1 den (Layer.matmul (d k) (d n) (d m) x w) y ->
  y v =1 den (Layer.every_row (d k) (d m) b) y -> y z =1 (fun i => y u i + y v i) ->
  as_mx (table k m) (y z)
  = dense (as_mx (table k n) (y x)) (as_mx (table n m) (y w)) (as_mx (list_of m) (y b)).
Proof.
move=> hu hv hz; apply/matrixP => i j; have hin := cell_in (table k m) i j.
rewrite mxE hz hu hv matmul_sound // every_row_sound // /= sum_ord !mxE big_ord1 !mxE mul1r.
by congr (_ + _); apply: eq_bigr => c _; rewrite !mxE.
Qed.

Variables (m n r : nat).
Definition row_of (k : nat) : shape := [:: d 0; d k].
Notation image := [:: d m; d n].
Notation l := (table m n).

Definition mean_ops : prog :=
  [:: (5, Contract [:: d 0; d n; d m] (row_of n) (proj [:: 0; 1]) [:: View 0 image (proj [:: 2; 1])]);
      (6, Const (row_of n) (Z.of_N (d m)) 1);
      (7, Bin (row_of n) Div 5 6)]%num.
Definition gate_ops : prog :=
  [:: (16, Una (row_of n) Logistic 15);
      (17, Contract image image (id_map image) [:: View 16 (row_of n) [:: Aff 0 [::]; coord 1]]);
      (18, Bin image Mul 0 17)]%num.
Definition excite_graph : prog := mean_ops
  ++ [:: (8, Layer.matmul (d 0) (d n) (d r) 7 1); (9, Layer.every_row (d 0) (d r) 2);
         (10, Bin (row_of r) Add 8 9); (11, Una (row_of r) Logistic 10); (12, Bin (row_of r) Mul 10 11);
         (13, Layer.matmul (d 0) (d r) (d n) 12 3); (14, Layer.every_row (d 0) (d n) 4);
         (15, Bin (row_of n) Add 13 14)]%num ++ gate_ops.
Definition excite_inputs (j : N) : shape :=
  nth [::] [:: image; [:: d n; d r]; [:: d r]; [:: d r; d n]; [:: d n]] (N.to_nat j).

Lemma count_real : rational R (Z.of_N (d m)) 1 = m.+1%:R.
Proof. by rewrite rational_int int_real_nat /d Nnat.Nat2N.id. Qed.

Lemma mean_values y : computes y mean_ops -> as_mx (table 0 n) (y 7%num) = average (as_mx l (y 0%num)).
Proof.
move=> /computes_cons [h5] /computes_cons [h6] /computes_cons [h7 _].
apply/matrixP => i j; rewrite (ord1 i) !mxE h7.
have e5 : y 5%num (table 0 n 0 j) = \sum_(k < m.+1) y 0%num (l k j).
  rewrite h5 /den sum_box; [|exact/N.ltb_lt/(@ord_lt 0)|exact/N.ltb_lt/ord_lt].
  rewrite sum_ord; apply: eq_bigr => k _; rewrite big_seq1.
  by rewrite (@read_proj _ _ _ _ [:: d 0; d n; d m]) //= !ord_lt.
rewrite [LHS]/= e5 h6 [X in _ / X]count_real; congr (_ / _).
by apply: eq_bigr => k _; rewrite mxE.
Qed.

Lemma spread_values y i j : computes y gate_ops ->
  y 17%num (l i j) = sigmoid (y 15%num (table 0 n 0 j)).
Proof.
move=> /computes_cons [h16] /computes_cons [h17 _]; rewrite h17 den_view ?cell_in // /read.
have e : at_map [:: coord 1] [:: d n] (l i j) = Some [:: N.of_nat j].
  by rewrite -[coord 1]/(Aff (Z.of_N 0) [:: (1%num, 1%Z)]) at_step /= ord_lt.
transitivity (if omap (cons 0%num) (at_map [:: coord 1] [:: d n] (l i j)) is Some k then y 16%num k else 0).
  by [].
by rewrite e /= h16.
Qed.

Variables (W1 : mat n r) (b1 : 'rV[R]_r.+1) (W2 : mat r n) (b2 : 'rV[R]_n.+1) (e : env R).
Hypothesis hW1 : as_mx (table n r) (e 1%num) = W1.
Hypothesis hb1 : as_mx (list_of r) (e 2%num) = b1.
Hypothesis hW2 : as_mx (table r n) (e 3%num) = W2.
Hypothesis hb2 : as_mx (list_of n) (e 4%num) = b2.

Lemma excite_checks : checks excite_graph 5%num excite_inputs [:: (0%num, image)] 19 18 = true.
Proof. by rewrite /checks /= ?eqxx //= /params_ok /= ?eqxx. Qed.

Lemma excite_values X : as_mx l (run excite_graph (upd e 0%num (as_tensor l X)) 18%num)
  = squeeze_excite W1 b1 W2 b2 X.
Proof.
have [w _] := andP excite_checks; set e' := upd _ _ _.
have kept j : (j < 5)%num -> run excite_graph e' j = e' j by exact: run_stable w.
have := wf_computes e' w; set y := run _ _ in kept *.
move=> /computes_cat [hm] /computes_cat [hd hg].
move: hd => /computes_cons [h8] /computes_cons [h9] /computes_cons [h10] /computes_cons [h11].
move=> /computes_cons [h12] /computes_cons [h13] /computes_cons [h14] /computes_cons [h15 _].
have := dense_values h8 h9 h10; rewrite (mean_values hm) (kept 0%num) // (kept 1%num) // (kept 2%num) // /e' updE !updN // as_tensorK hW1 hb1 => e10.
have e12 : as_mx (table 0 r) (y 12%num) = map_mx (@silu R) (squeezed W1 b1 X).
  apply/matrixP => i j; rewrite mxE h12 /= h11 /= [RHS]mxE /squeezed -e10 mxE.
  by rewrite /silu /sigmoid.
have := dense_values h13 h14 h15; rewrite e12 (kept 3%num) // (kept 4%num) // /e' !updN // hW2 hb2 => e15.
apply/matrixP => i j; rewrite [LHS]mxE [RHS]mxE; have [_ /computes_cons [_ /computes_cons [h18 _]]] := computes_cons hg.
rewrite h18 /= (spread_values _ _ hg) (kept 0%num) // /e' updE as_tensorE; congr (_ * _).
by rewrite [RHS]mxE /excited -e15 mxE.
Qed.

Theorem squeeze_excite_graph X dy (dY := as_mx l dy) :
  as_mx l (emitted excite_graph 19 18 0 image (upd e 0%num (as_tensor l X)) dy)
  = \matrix_(i, j) (dY i j * excitation W1 b1 W2 b2 X 0 j)
    + excitation_back W1 b1 W2 b2 X (\row_j \sum_i dY i j * X i j).
Proof.
apply: (emitted_form (l' := l) (F := squeeze_excite W1 b1 W2 b2) (back := fun dY : mat m n =>
  \matrix_(i, j) (dY i j * excitation W1 b1 W2 b2 X 0 j)
  + excitation_back W1 b1 W2 b2 X (\row_j \sum_i dY i j * X i j)) excite_checks) => //.
- exact: excite_values.
- exact: squeeze_excite_vjp.
do 2 split=> //; split=> // i _.
by rewrite -[X in X != 0]/(rational R (Z.of_N (d m)) 1) count_real pnatr_eq0.
Qed.
End Gate.
