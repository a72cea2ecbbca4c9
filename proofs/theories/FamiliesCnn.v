(** * Convolutional networks, of any stages

    The networks of [crates/zoo/src/mnist.rs], [cifar.rs] and [vgg.rs] that are
    stages of convolutions with rectifiers, normalised or not, and a maximum
    pool, then dense layers with rectifiers and dropout, name by name. For all
    stages, features, odd kernels, pools, dense layers, sizes of image and
    batches: the specification elaborates, what is emitted is the derivative of
    the loss off the kinks, and the kinks are a formula in the stages. Without
    stages it is a perceptron.

    Glossary
      - [conv_unit i j f]  convolution [j] of all, in stage [i], to [f] features
      - [cnn_stages i j l] the stages [l], each so many convolutions to so many
                           features, the first of which is number [i], its first
                           convolution number [j]; [cnn_stages_kinks] their kinks
      - [dense_layers j k l]  dense layers to so many features, and one to the
                           classes; the first is number [k], its rectifier [j]
      - [pooled k n]       the size that [k] pools leave of [n]
      - [cnn l d], [cnn_kinks l d]  the network of stages [l] and dense layers [d];
                           its kinks *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith ZArith Lia String.
From Cotangent Require Import Ir DenoteFacts Computes Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Spec Meaning Steps StepSound Main Witness.
From Cotangent Require Import Families FamiliesNets FamiliesLayers FamiliesChains FamiliesPartsFit.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.
Local Open Scope N_scope.

Section Cnn.
(** Name; image and channels; classes; kernel of the convolutions, size of the
    pools; whether layers have shifts, and convolutions are normalised; whether
    all cells go to the dense layers, or their means; rate of dropout. *)
Variables (name : string) (h w c classes_ kernel pool : N) (bias normalises all_cells : bool).
Variables (rate : option (Z * positive)).
(** Names of convolutions and normalisations, from the stage and how many were
    before; of the dense layers, and of normalisations between these, if there
    are any. *)
Variables (conv_name norm_name : nat -> nat -> string).
Variables (dense_name : nat -> string) (dense_norm : option (nat -> string)).
Variables (eps : Z) (eps_d : positive) (mom : Z) (mom_d : positive).

Definition conv_unit (i j : nat) (f : N) : seq (chain -> chain) :=
  ([:: conv f (around kernel 1) 1 bias (conv_name i j)]
   ++ (if normalises then [:: batch_normalised eps eps_d mom mom_d (norm_name i j)] else [::])
   ++ [:: relu (numbered "relu_" j.+1)])%SEQ.

Fixpoint cnn_stages (i j : nat) (l : seq (nat * N)) : seq (chain -> chain) :=
  if l is (n, f) :: l' then
    (flatten [seq conv_unit i k f | k <- iota j n]
     ++ Next (numbered "max_pool_" i.+1) (Layer.MaxPool (patch pool) (patch pool))
     :: cnn_stages i.+1 (j + n) l')%SEQ
  else [::].
Fixpoint cnn_stages_kinks (i j : nat) (l : seq (nat * N)) : seq kink :=
  if l is (n, f) :: l' then
    (flatten [seq relu_kinks (numbered "relu_" k.+1) | k <- iota j n]
     ++ TiesAt (numbered "max_pool_" i.+1) (patch pool) (patch pool)
     :: cnn_stages_kinks i.+1 (j + n) l')%SEQ
  else [::].

Fixpoint dense_layers (j k : nat) (l : seq N) : seq (chain -> chain) :=
  if l is f :: l' then
    ([:: Next (dense_name k) (Layer.Dense f bias)]
     ++ (if dense_norm is Some norm then [:: batch_normalised eps eps_d mom mom_d (norm k)] else [::])
     ++ [:: relu (numbered "relu_" j.+1)]
     ++ (if rate is Some (n, d) then [:: Next (numbered "dropout_" k.+1) (Layer.Dropout n d)] else [::])
     ++ dense_layers j.+1 k.+1 l')%SEQ
  else [:: Next (dense_name k) (Layer.Dense classes_ true)].
Definition dense_kinks (j : nat) (l : seq N) : seq kink :=
  flatten [seq relu_kinks (numbered "relu_" k.+1) | k <- iota j (size l)].

Definition cells : chain -> chain :=
  if all_cells then Next "flatten_1" Layer.Flatten else Next "global_avg_pool_1" Layer.GlobalAvgPool.

Definition cnn (l : seq (nat * N)) (dense : seq N) : spec := Spec name [:: h; w; c] Loss.SoftmaxCrossEntropy
  (in_turn (cnn_stages 0 0 l ++ cells :: dense_layers (sumn (unzip1 l)) 0 dense)%SEQ).

Definition cnn_kinks (l : seq (nat * N)) (dense : seq N) : seq kink :=
  (cnn_stages_kinks 0 0 l ++ dense_kinks (sumn (unzip1 l)) dense)%SEQ.

Definition stage_fits (s : nat * N) : bool := (0 < s.1)%nat && N.ltb 0 s.2.

Fixpoint pooled (k : nat) (n : N) : N := if k is k'.+1 then pooled k' (n / pool) else n.

Variable batch : N.
Hypotheses (hb : 0 < batch) (heps : Z.ltb 0 eps) (hkernel : N.odd kernel) (hpool : 0 < pool).

Lemma pooled_le k n : pooled k n <= n.
Proof.
elim: k n => [|k ih] n /=; first by lia.
by apply: N.le_trans (ih _) _; apply: N.div_le_upper_bound; nia.
Qed.

Lemma pooled_pos k n : 0 < pooled k.+1 n -> pool <= n.
Proof.
have := @pooled_le k (n / pool); rewrite /= => le pos; apply/N.nlt_ge => small.
by move: le pos; rewrite N.div_small //; lia.
Qed.

Lemma conv_unit_leads i j f p q k : 0 < p -> 0 < q -> 0 < f -> (normalises -> many batch p q) ->
  leads_by batch (relu_kinks (numbered "relu_" j.+1)) (conv_unit i j f) [:: p; q; k] [:: p; q; f].
Proof.
move=> hp hq hf hm; rewrite /conv_unit.
apply: leads_cat; first by apply: conv1_leads => //; exact: one_divides.
apply: (@leads_cat _ _ _ _ _ [:: p; q; f]).
  by move: hm; case: (normalises) => [/(_ isT) hm|_]; [exact: batch_normalised_leads | exact: leads_nil].
by rewrite -[relu_kinks _]cats0; apply: relu_leads; exact: leads_nil.
Qed.

Lemma cnn_stages_lead l i j p q k : all stage_fits l -> 0 < k ->
  0 < pooled (size l) p -> 0 < pooled (size l) q ->
  (normalises -> many batch (pooled (size l) p) (pooled (size l) q)) ->
  exists2 f, 0 < f & leads_by batch (cnn_stages_kinks i j l) (cnn_stages i j l)
    [:: p; q; k] [:: pooled (size l) p; pooled (size l) q; f].
Proof.
elim: l i j p q k => [|[n f] l ih] i j p q k.
  by move=> _ hk *; exists k => //; exact: leads_nil.
move=> /= /andP [/andP [/= hn /N.ltb_lt hf] fits] hk p1 q1 hm.
have [hp hq] := (@pooled_pos (size l) p p1, @pooled_pos (size l) q q1).
have [g hg ls] := ih i.+1 (j + n)%nat (p / pool) (q / pool) f fits hf p1 q1 hm; exists g => //.
have [p0 q0] : 0 < p /\ 0 < q by lia.
have before : normalises -> many batch p q.
  by move=> /hm; apply: many_le; [exact: (@pooled_le (size l).+1 p) | exact: (@pooled_le (size l).+1 q)].
apply: (@leads_by_cat _ _ _ _ _ _ [:: p; q; f]).
  case: n hn {ls} => // n _; rewrite [iota j n.+1]/= !map_cons.
  apply: leads_by_cat (conv_unit_leads i j k p0 q0 hf before) _.
  by apply: leads_blocks_by => m; exact: conv_unit_leads.
move: ls; rewrite -(patch_places hpool hp) -(patch_places hpool hq).
exact: (leads_kinks _ (max_pool_fits batch f (patch_pools hpool hp) (patch_pools hpool hq))).
Qed.

Lemma dense_layers_lead l j k n : all (N.ltb 0) l -> (dense_norm -> 1 < batch) ->
  leads_by batch (dense_kinks j l) (dense_layers j k l) [:: n] [:: classes_].
Proof.
move=> hl hm; elim: l hl j k n => [|f l ih] hl j k n; first by apply: leads_one => //; exact: dense_fits.
have [/N.ltb_lt hf hl'] := andP hl.
apply: leads_layer (dense_fits _ _ _ _) _ _ => //; apply: (@leads_cat _ _ _ _ _ [:: f]).
  move: hm; case: (dense_norm) => [norm /(_ isT) hm|_]; last exact: leads_nil.
  by apply: leads_one => //; exact: norm_rows_fits.
apply: relu_leads; apply: (@leads_cat _ _ _ _ _ [:: f]); last exact: ih.
by case: (rate) => [[m d]|]; [apply: leads_one => //; exact: dropout_fits | exact: leads_nil].
Qed.

Hypotheses (hc : 0 < c) (hclasses : 0 < classes_).

Theorem cnn_gradient l dense : all stage_fits l -> all (N.ltb 0) dense ->
  0 < pooled (size l) h -> 0 < pooled (size l) w ->
  (normalises -> 1 < batch * (pooled (size l) h * pooled (size l) w)) -> (dense_norm -> 1 < batch) ->
  forall (R : realType) (other : env R) (θ : θ_space R (cnn l dense)),
  off_kinks (Options batch Steps.Grad) (cnn_kinks l dense) other θ ->
  is_gradient (fun θ => loss_at (cnn l dense) (Options batch Steps.Grad) (at_θ other θ)) θ
    (emitted_gradient batch other θ).
Proof.
move=> fits hd p1 q1 hm hn R other θ.
have [p0 q0] : 0 < h /\ 0 < w.
  by have := @pooled_le (size l) h; have := @pooled_le (size l) w; lia.
apply: (@chain_gradient (cnn l dense) batch classes_ _ erefl hb _ hclasses _ R other θ).
  have [f hf ls] := cnn_stages_lead 0 0 fits hc p1 q1 hm.
  apply: leads_in_turn; apply: leads_by_cat ls _; rewrite /cells; case: (all_cells).
    by apply: leads_layer (flatten_fits _ _) _ _ => //; apply: dense_layers_lead.
  by apply: leads_layer (average_fits _ _ p1 q1) _ _ => //; apply: dense_layers_lead.
have k0 : 0 < kernel by case: (kernel) hkernel.
case: l fits p1 q1 {hm θ} => [|[[//|n] f] l] /= fits _ _.
  have [m hm [b [rest e]]] : exists2 m, 0 < m & exists b rest,
      dense_layers 0 0 dense = Next (dense_name 0%nat) (Layer.Dense m b) :: rest.
    by case: dense hd => [|m l] /= => [_|/andP [/N.ltb_lt hm _]]; [exists classes_ | exists m] => //; do 2 eexists.
  have [n n0 out] : exists2 n, 0 < n & exists name l, cells = Next name l /\
      Layer.params l [:: h; w; c] = [::] /\ Layer.output l [:: h; w; c] = Some [:: n].
    rewrite /cells; case: (all_cells).
      exists (size_of [:: h; w; c]); last by do 2 eexists.
      by rewrite /=; do 3 (apply: N.mul_pos_pos => //).
    exists c => //; do 2 eexists; split=> //; split=> //=.
    by rewrite (proj2 (N.ltb_lt _ _) (N.mul_pos_pos _ _ p0 q0)).
  have [cells_name [cells_layer [ce [cp co]]]] := out.
  apply: (first_param (net := cnn [::] dense)).
    rewrite /net_params [layers _]/= e ce [in_turn _]/= (params_next _ _ _ co) cp; reflexivity.
  by rewrite -[size_of _]/(n * (m * 1)) N.mul_1_r; exact: N.mul_pos_pos.
have [/andP [_ /N.ltb_lt hf] _] := andP fits.
apply: (first_param (net := cnn ((n.+1, f) :: l) dense)).
  by rewrite /net_params /params_in /=; reflexivity.
rewrite -[size_of _]/(kernel * (kernel * (c / 1 * (f * 1)))) N.div_1_r N.mul_1_r.
by do 3 (apply: N.mul_pos_pos => //).
Qed.
End Cnn.
