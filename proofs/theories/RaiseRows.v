(** * The printed bodies of functions of rows and of moments denote their ops

    Softmax and cross-entropy subtract the maximum of each row first, so no
    exponential overflows in floating point; over the reals it changes nothing,
    whatever the maximum is.

    Statements: [softmax_meaning], [cross_entropy_meaning], [variance_meaning],
    [normalize_meaning]: called with arrays of the type it is made for, the
    function returns the op's value.

    Glossary
      - [row_maximum], [shifted], [exponentials], [row_total]  of a softmax: the
                          greatest of a row; what is left when it is taken off;
                          the exponentials of that; their sum
      - [spread]          one value a row, repeated
      - [bottom]          what a maximum starts from
      - [seven], [ten]    the values after each instruction of a body *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp trigo.
From Coq Require Import NArith ZArith String Lia.
From Cotangent Require Import Ir DenoteFacts Atan2 Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Rows.
Variable R : realType.
Implicit Types (a b z : tensor R).
Local Notation no_call := (@no_call R).
Let zero_meaning := @zero_meaning R.

(** ** Rows shifted by their maximum *)
Section Shifted.
Variables (t : type) (z : tensor R).
Hypotheses (ft : is_float t) (rows_t : has_rows t).
Let s := t_shape t.

Let rank_gt0 : (0 < size s)%nat. Proof. by case/andP: rows_t. Qed.

Lemma last_gt0 : N.ltb 0 (nth 0%num s (N.to_nat (last_dim t))).
Proof.
have /andP [/allP pos _] := rows_t; apply: pos; apply: mem_nth.
by rewrite Nnat.Nat2N.id prednK.
Qed.


Lemma reduce_row_fits r : fits (Reduce r [:: last_dim t]) [:: t; scalar t] (row t).
Proof.
rewrite /= ft /last_dim -/s -(prednK rank_gt0) distinct_last others_last eqxx.
by rewrite /row pick_lead eqxx.
Qed.

Lemma over_last_fits : fits (over_last t) [:: row t] t.
Proof.
rewrite /= (row_float ft) eqxx /broadcast_fits /= -/s size_first_dims size_takel ?leq_pred // eqxx.
rewrite distinct_first ?leq_pred //= pick_lead; apply/allP => -[x y].
by rewrite -/(lead s); move: (lead s) => l; elim: l => //= k l ih; rewrite inE => /orP [/eqP [-> ->]|/ih //]; rewrite eqxx orbT.
Qed.

Definition row_maximum : tensor R := reduce_maximum s [:: last_dim t] z.
Definition spread (a : tensor R) : tensor R := broadcast_in_dim (first_dims (size s).-1) (lead s) a.
Definition shifted : tensor R := fun i => z i - spread row_maximum i.
Definition exponentials : tensor R := fun i => expR (shifted i).
Definition row_total : tensor R := reduce_add s [:: last_dim t] exponentials.

Definition bottom (t : type) : array R := Array (scalar t) (Extended (fun _ => None)).
Definition seven : seq (array R) := [::
  bottom t;
  Array (row t) (Reals row_maximum);
  Array t (Reals (spread row_maximum));
  Array t (Reals shifted);
  Array t (Reals exponentials);
  Array (scalar t) (Reals (fun _ => rational R 0 1));
  Array (row t) (Reals row_total)].

Lemma run_shifted args rest :
  body_meaning no_call (Array t (Reals z) :: args) [::] (shifted_exponentials t ++ rest)
  = body_meaning no_call (Array t (Reals z) :: args) seven rest.
Proof.
rewrite /shifted_exponentials; cbv zeta; rewrite !cat_cons cat0s.
rewrite (run_instruction no_call (xs := [::]) (c := Extended (fun _ => None))) //; first last.
- by case: t ft => ? [].
- by case: t ft => ? [].
rewrite (run_instruction no_call (xs := [:: Array t (Reals z); bottom t])
  (c := Reals row_maximum)) ?reduce_row_fits //; last first.
  by rewrite /= ifT // -/s inE eq_sym; apply/eqP => h; have := last_gt0; rewrite h.
rewrite (run_instruction no_call (xs := [:: Array (row t) (Reals row_maximum)])
  (c := Reals (spread row_maximum))) ?over_last_fits //.
rewrite (run_instruction no_call (c := Reals shifted)
  (xs := [:: Array t (Reals z); Array t (Reals (spread row_maximum))])) //;
  last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [:: Array t (Reals shifted)])
  (c := Reals exponentials)) //; last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits (scalar_float ft))
  (zero_meaning (scalar_float ft))) //.
by rewrite (run_instruction no_call (c := Reals row_total)
  (xs := [:: Array t (Reals exponentials); Array (scalar t) (Reals (fun _ => rational R 0 1))]))
  ?reduce_row_fits //= rational0 eqxx.
Qed.

(** What the seven values are, on the index set. *)
Lemma spread_total i : i \in idxs s -> spread row_total i = row_sum s exponentials i.
Proof. by move=> hi; rewrite /spread broadcast_row // /row_total reduce_row. Qed.

Lemma shiftedE i : i \in idxs s -> shifted i = z i - row_maximum (lead i).
Proof. by move=> hi; rewrite /shifted /spread broadcast_row. Qed.

Lemma total_shift i :
  row_sum s exponentials i = row_sum s (fun j => expR (z j - row_maximum (lead j))) i.
Proof. by apply: row_sum_eqt => j hj; rewrite /exponentials shiftedE. Qed.
End Shifted.

(** ** softmax *)
Theorem softmax_meaning f t z : is_float t -> has_rows t ->
  is_function f [:: t] (softmax_body t) t 8 ->
  exists2 y, function_meaning no_call f [:: Array t (Reals z)] = Some [:: Array t (Reals y)]
    & eqt (t_shape t) y (softmax (t_shape t) z).
Proof.
move=> ft rt hf; set s := t_shape t.
pose sums := spread t (row_total t z); pose y i := exponentials t z i / sums i.
exists y => [|i hi]; last first.
  rewrite /y /sums spread_total // total_shift // /exponentials shiftedE //.
  exact: softmax_shift.
pose rs := seven t z ++ [:: Array t (Reals sums); Array t (Reals y)].
suff run : body_meaning no_call [:: Array t (Reals z)] [::] (softmax_body t) = Some rs.
  by apply: (run_function hf _ run).
rewrite /softmax_body run_shifted //.
rewrite (run_instruction no_call (xs := [:: Array (row t) (Reals (row_total t z))])
  (c := Reals sums)) ?over_last_fits //.
by rewrite (run_instruction no_call (c := Reals y)
  (xs := [:: Array t (Reals (exponentials t z)); Array t (Reals sums)])) //= ft !eqxx.
Qed.

(** ** softmax cross-entropy *)
Theorem cross_entropy_meaning f t z w : is_float t -> has_rows t -> stores_row_count t ->
  is_function f [:: t; t] (cross_entropy_body t) (scalar t) 15 ->
  exists2 y, function_meaning no_call f [:: Array t (Reals z); Array t (Reals w)]
               = Some [:: Array (scalar t) (Reals y)]
    & eqt [::] y (fun _ => cross_entropy (t_shape t) z w).
Proof.
move=> ft rt /eqP hn hf; set s := t_shape t.
pose logs i := ln (row_total t z i); pose log_sums := spread t logs.
pose log_soft i := shifted t z i - log_sums i; pose products i := w i * log_soft i.
pose total := reduce_add s (all_dims s) products.
pose number : tensor R := fun _ => rational R (row_count t) 1.
pose mean i := total i / number i; pose y i := - mean i.
exists y => [|i]; last first.
  rewrite mem_seq1 => /eqP ->; rewrite /y /mean /number /total reduce_all eqxx.
  rewrite /cross_entropy mulNr; congr (- (_ / _)); last first.
    by rewrite /rational /= divr1.
  rewrite !big_seq; apply: eq_bigr => j hj; congr (_ * _).
  rewrite /log_soft /log_sums /logs /spread broadcast_row // shiftedE //.
  rewrite -(log_softmax_shift z (row_maximum t z) hj); congr (_ - ln _).
  by rewrite -total_shift // -(spread_total z rt hj) /spread broadcast_row.
pose cell t (a : tensor R) := Array t (Reals a).
pose rs := seven t z ++ [:: cell (row t) logs; cell t log_sums; cell t log_soft; cell t products;
  cell (scalar t) (fun _ => rational R 0 1); cell (scalar t) total; cell (scalar t) number;
  cell (scalar t) mean; cell (scalar t) y].
suff run : body_meaning no_call [:: cell t z; cell t w] [::] (cross_entropy_body t) = Some rs.
  by apply: (run_function hf _ run).
have fr := row_float ft; have fs := scalar_float ft.
rewrite /cross_entropy_body run_shifted //.
rewrite (run_instruction no_call (xs := [:: cell (row t) (row_total t z)]) (c := Reals logs)) //;
  last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (row t) logs]) (c := Reals log_sums))
  ?over_last_fits //.
rewrite (run_instruction no_call (xs := [:: cell t (shifted t z); cell t log_sums])
  (c := Reals log_soft)) //; last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [:: cell t w; cell t log_soft])
  (c := Reals products)) //; last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning fs)) //.
rewrite (run_instruction no_call (c := Reals total)
  (xs := [:: cell t products; cell (scalar t) (fun _ => rational R 0 1)])) //; first last.
- by rewrite /= rational0 eqxx.
- by rewrite /= ft distinct_first // others_all /scalar !eqxx.
rewrite (run_instruction no_call (xs := [::]) (c := Reals number)) //; last first.
- by rewrite /= hn.
- by rewrite /= hn.
rewrite (run_instruction no_call (xs := [:: cell (scalar t) total; cell (scalar t) number])
  (c := Reals mean)) //; last by rewrite /= fs !eqxx.
by rewrite (run_instruction no_call (xs := [:: cell (scalar t) mean]) (c := Reals y)) //= fs !eqxx.
Qed.

(** ** Moments *)
Section Moments.
Variables (ds : seq N) (t : type) (x : tensor R).
Hypotheses (ft : is_float t) (fit : can_average ds t).
Let s := t_shape t.
Let cell t (a : tensor R) := Array t (Reals a).
Let spread (a : tensor R) := broadcast_in_dim (kept s ds) (pick s (kept s ds)) a.
Let sum (a : tensor R) := reduce_add s ds a.
Let zeros : tensor R := fun _ => rational R 0 1.
Let count : tensor R := fun _ => rational R (cell_count ds t) 1.
Let means : tensor R := fun i => sum x i / count i.
Let centre : tensor R := fun i => x i - spread means i.
Let squares : tensor R := fun i => centre i * centre i.
Let variances : tensor R := fun i => sum squares i / count i.

Let fr : is_float (rest ds t). Proof. by case: t ft => ? []. Qed.
Let fs : is_float (scalar t). Proof. by case: t ft => ? []. Qed.

Lemma reduce_fits : fits (Reduce ReduceAdd ds) [:: t; scalar t] (rest ds t).
Proof. by case/andP: fit => d _; rewrite /= ft d !eqxx. Qed.

Lemma over_kept_fits : fits (over_kept ds t) [:: rest ds t] t.
Proof.
rewrite /= fr eqxx /broadcast_fits /= size_map eqxx.
have -> : distinct (size (t_shape t)) (kept (t_shape t) ds).
  rewrite /distinct filter_uniq ?map_inj_uniq ?iota_uniq //; last exact: Nnat.Nat2N.inj.
  by apply/allP => d; rewrite mem_filter => /andP [].
apply/allP => -[p q]; move: (pick _ _) => l.
by elim: l => //= k l ih; rewrite inE => /orP [/eqP [-> ->]|/ih //]; rewrite eqxx orbT.
Qed.

Definition ten : seq (array R) := [::
  cell (scalar t) zeros; cell (rest ds t) (sum x); cell (rest ds t) count; cell (rest ds t) means;
  cell t (spread means); cell t centre; cell t squares; cell (scalar t) zeros;
  cell (rest ds t) (sum squares); cell (rest ds t) variances].

Lemma run_variance more :
  body_meaning no_call [:: cell t x] [::] (variance_body ds t ++ more)
  = body_meaning no_call [:: cell t x] ten more.
Proof.
have [_ /eqP hn] := andP fit; rewrite /variance_body !cat_cons cat0s.
have z : rational R 0 1 == 0 by rewrite rational0.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning fs)) //.
rewrite (run_instruction no_call (xs := [:: cell t x; cell (scalar t) zeros])
  (c := Reals (sum x))) ?reduce_fits //; last by rewrite /= z.
rewrite (run_instruction no_call (xs := [::]) (c := Reals count)) //; first last.
- by rewrite /= hn.
- by rewrite /= hn.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) (sum x); cell (rest ds t) count])
  (c := Reals means)) //; last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) means]) (c := Reals (spread means)))
  ?over_kept_fits //.
rewrite (run_instruction no_call (xs := [:: cell t x; cell t (spread means)]) (c := Reals centre)) //;
  last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [:: cell t centre; cell t centre]) (c := Reals squares)) //;
  last by rewrite /= ft !eqxx.
rewrite (run_instruction no_call (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning fs)) //.
rewrite (run_instruction no_call (xs := [:: cell t squares; cell (scalar t) zeros])
  (c := Reals (sum squares))) ?reduce_fits //; last by rewrite /= z.
by rewrite (run_instruction no_call
  (xs := [:: cell (rest ds t) (sum squares); cell (rest ds t) count]) (c := Reals variances)) //;
  last by rewrite /= fr !eqxx.
Qed.

Lemma sum_mean (a : tensor R) c : sum a c / count c = mean s ds a c.
Proof. by rewrite /sum /reduce_add /fibre big_filter /mean /number /count /rational /= divr1. Qed.

Lemma spreadE (a : tensor R) j : j \in idxs s -> spread a j = a (pick j (kept s ds)).
Proof.
rewrite mem_idxs => hj; rewrite /spread /broadcast_in_dim /broadcast_source broadcast_index //.
apply: inb_pick => // d; rewrite mem_filter => /andP [_].
by rewrite mem_first_dims.
Qed.

Lemma centreE : eqt s centre (centred s ds x).
Proof. by move=> j hj; rewrite /centre spreadE // /means sum_mean. Qed.

Lemma variancesE c : variances c = variance s ds x c.
Proof.
rewrite /variances sum_mean /variance; apply: mean_eqt => j hj.
by rewrite /squares centreE.
Qed.

Theorem variance_meaning f : is_function f [:: t] (variance_body ds t) (rest ds t) 9 ->
  exists2 y, function_meaning no_call f [:: cell t x] = Some [:: cell (rest ds t) y]
    & eqt (t_shape (rest ds t)) y (variance s ds x).
Proof.
move=> hf; exists variances; last by move=> c _; exact: variancesE.
have run : body_meaning no_call [:: cell t x] [::] (variance_body ds t) = Some ten.
  by rewrite -[variance_body ds t]cats0 run_variance.
by apply: (run_function hf _ run).
Qed.

Theorem normalize_meaning f l n d : is_function f [:: t] (normalize_body ds l t) t 14 ->
  literal_value (t_element t) l = Some (Finite n d) ->
  exists2 y, function_meaning no_call f [:: cell t x] = Some [:: cell t y]
    & eqt s y (normalize s ds (rational R n d) x).
Proof.
move=> hf hl; pose eps : tensor R := fun _ => rational R n d.
pose shifted i := variances i + eps i; pose scale i := (Num.sqrt (shifted i))^-1.
exists (fun i => centre i * spread scale i); last first.
  by move=> j hj; rewrite centreE // spreadE // /scale /shifted variancesE.
pose rs := ten ++ [:: cell (rest ds t) eps; cell (rest ds t) shifted; cell (rest ds t) scale;
  cell t (spread scale); cell t (fun i => centre i * spread scale i)].
suff run : body_meaning no_call [:: cell t x] [::] (normalize_body ds l t) = Some rs.
  by apply: (run_function hf _ run).
rewrite /normalize_body run_variance.
rewrite (run_instruction no_call (xs := [::]) (c := Reals eps)) //; first last.
- by rewrite /= hl.
- by rewrite /= hl.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) variances; cell (rest ds t) eps])
  (c := Reals shifted)) //; last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) shifted]) (c := Reals scale)) //;
  last by rewrite /= fr !eqxx.
rewrite (run_instruction no_call (xs := [:: cell (rest ds t) scale]) (c := Reals (spread scale)))
  ?over_kept_fits //.
by rewrite (run_instruction no_call (xs := [:: cell t centre; cell t (spread scale)])
  (c := Reals (fun i => centre i * spread scale i))) //= ft !eqxx.
Qed.
End Moments.
End Rows.
