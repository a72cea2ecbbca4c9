(** * The printed gradient of a maximum over windows

    Statement: [max_pool_grad_meaning]: called with arrays of the types it is
    made for, the private function returns the gradient.

    The function keeps, for all windows at once, the greatest cell so far and
    its number. A cell in the padding is minus infinity, which is greater than
    nothing; so at the end the number is that of the first greatest cell in the
    image ([choose_best]), and the window's cotangent goes there. A window
    without a cell in the image gives it to the padding, which is cut off.

    Glossary
      - [around]           the image with minus infinity around it
      - [candidate o]      cell [o] of each window
      - [cell_tensor n]    the number [n] everywhere
      - [choose_step]      one cell more: maxima and numbers
      - [placed J (n, o)]  what cell [o], of number [n], gets, in place
      - [source i o]       cell [o] of the window at [i]; [None] in the padding
      - [best i l]         the first greatest of the cells [l] of that window *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem.
From Cotangent Require Import Raise RaiseLinear RaiseBodies RaiseRows WindowIndex RaisePool.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Local Arguments lookup : simpl never.
(** Positions, as numbers. *)
Local Ltac place := repeat match goal with x := N.of_nat _ |- _ => subst x end; simpl N.of_nat; lia.

Section Numbered.
Variable R : realType.

Lemma rational_nat n : rational R (Z.of_N (N.of_nat n)) 1 = n%:R.
Proof.
rewrite /rational /= divr1.
have pos p : pos_real R p = (Pos.to_nat p)%:R.
  elim: p => [p ih|p ih|] //=; rewrite ih.
    by rewrite Pos2Nat.inj_xI -natrM -mulrS.
  by rewrite Pos2Nat.inj_xO -natrM.
by case: n => // n; rewrite -[LHS]/(pos_real R (Pos.of_succ_nat n)) pos SuccNat2Pos.id_succ.
Qed.

Lemma numbered_cellsE first l : numbered_cells first l
  = [seq (N.of_nat (first + n)%nat, nth [::] l n) | n <- iota 0 (size l)].
Proof.
rewrite /numbered_cells; elim: l first => //= o l ih first; rewrite ih addn0; congr cons.
rewrite -[in RHS]add1n iotaDl -map_comp; apply: eq_map => n /=.
by rewrite addSn addnS.
Qed.

Lemma numbered_rcons first l o :
  numbered_cells first (rcons l o) = rcons (numbered_cells first l) (N.of_nat (first + size l), o).
Proof.
rewrite !numbered_cellsE size_rcons -addn1 iotaD map_cat /= cats1 add0n nth_rcons ltnn eqxx.
congr rcons; apply/eq_in_map => n; rewrite mem_iota add0n => /= hn.
by rewrite nth_rcons hn.
Qed.
End Numbered.

(** ** Running a body, one instruction after the other *)
Section Run.
Variables (R : realType) (args : seq (array R)).
Implicit Types (rs l : seq (array R)).

Lemma run_at rs l o vs u xs c rest : ~~ is_call o ->
  all_some (map (lookup args (rs ++ l)) vs) = Some xs ->
  fits o (map (@a_type R) xs) u -> op_meaning o u xs = Some c ->
  body_meaning (@no_call R) args (rs ++ l) (Instruction o vs u :: rest)
  = body_meaning (@no_call R) args (rs ++ rcons l (Array u c)) rest.
Proof. by rewrite -rcons_cat; exact: run_instruction. Qed.

Lemma lookup_new rs l k j : k = (N.of_nat (size rs) + N.of_nat j)%num ->
  lookup args (rs ++ l) (Res k) = List.nth_error l j.
Proof.
move=> ->; rewrite /lookup Nnat.N2Nat.inj_add !Nnat.Nat2N.id.
by elim: rs => //= x rs ih.
Qed.

Lemma lookup_old rs l v y : lookup args rs v = Some y -> lookup args (rs ++ l) v = Some y.
Proof.
case: v => // k; rewrite /lookup => h; rewrite -h; apply: List.nth_error_app1.
by apply/List.nth_error_Some; rewrite h.
Qed.
End Run.

Section MaxPoolGrad.
Variables (R : realType) (ws : seq slide_dim) (t ct : type) (a c : tensor R).
Hypothesis ok : max_pool_grad_fits ws t ct.
Let s := t_shape t.
Let out := t_shape ct.
Let k := map d_size ws.
Let padded := padded_image ws t.
Let args : seq (array R) := [:: Array t (Reals a); Array ct (Reals c)].
Let mask := Tensor out I1.
Let none := @no_call R.

Definition around : idx -> option R := pad (map around_image ws) s (fun i => Some (a i)) None.
Definition candidate (o : idx) : idx -> option R := slice (zip3 cell_slice ws out o) around.
Definition cell_tensor (n : N) : tensor R := fun _ => rational R (Z.of_N n) 1.
Definition greater (o : idx) (X : idx -> option R) : idx -> bool := fun i =>
  direction_extended GT (candidate o i) (X i).
Definition choose_step (st : (idx -> option R) * tensor R) (cell : N * idx) :=
  (fun i => if greater cell.2 st.1 i then candidate cell.2 i else st.1 i,
   fun i => if greater cell.2 st.1 i then cell_tensor cell.1 i else st.2 i).
Definition zero_tensor : tensor R := fun _ => rational R 0 1.
Definition own (J : tensor R) (n : N) : tensor R := fun i =>
  if J i == cell_tensor n i then c i else zero_tensor i.
Definition put (o : idx) : seq pad_dim :=
  [seq cell_pad p.1 p.2.1 p.2.2.1 p.2.2.2 | p <- zip ws (zip s (zip out o))].
Definition placed (J : tensor R) (cell : N * idx) : tensor R :=
  pad (put cell.2) out (own J cell.1) (rational R 0 1).
Definition deal_step (J T : tensor R) (cell : N * idx) : tensor R := fun i =>
  T i + placed J cell i.

Let ft : is_float t. Proof. by case/and5P: ok. Qed.
Let ect : t_element ct = t_element t. Proof. by case/and5P: ok => _ /eqP. Qed.
Let fct : is_float ct. Proof. by rewrite /is_float ect. Qed.
Let windows_ok : all (fun w => [&& N.ltb 0 (d_size w), N.ltb 0 (d_stride w) & Z.leb 0 (d_low w)]) ws.
Proof. by case/and5P: ok. Qed.
Let hs : size ws = size s. Proof. by case/and5P: ok => _ _ _ /eqP. Qed.
Let hout : size ws = size out. Proof. by case/and5P: ok => _ _ _ _ /andP [/eqP]. Qed.
Let around_fits : fits (Pad (map around_image ws)) [:: t; scalar t] padded.
Proof. by case/and5P: ok => _ _ _ _ /and5P []. Qed.
Let image_fits : fits (take_image ws t) [:: padded] t.
Proof. by case/and5P: ok => _ _ _ _ /and5P []. Qed.
Let cell_fits o : o \in window_cells ws ->
  fits (take_cell ws ct o) [:: padded] ct /\ fits (put_cell ws t ct o) [:: ct; scalar t] padded.
Proof. by case/and5P: ok => _ _ _ _ /and5P [_ _ _ /allP h _] /h /andP. Qed.
Let number_stored n : (n < size (window_cells ws))%nat ->
  literal_value (t_element t) (Decimal (Z.of_N (N.of_nat n)) 0) = Some (Finite (Z.of_N (N.of_nat n)) 1).
Proof.
case/and5P: ok => _ _ _ _ /and5P [_ _ _ _ /allP h] hn; apply/eqP/(h (N.of_nat n)).
by apply: map_f; rewrite mem_iota.
Qed.

Let number_meaning n : (n < size (window_cells ws))%nat ->
  op_meaning (cell_number (N.of_nat n)) ct [::] = Some (Reals (cell_tensor (N.of_nat n))).
Proof. by move=> hn; rewrite /= ect number_stored. Qed.
Let number_fits n : (n < size (window_cells ws))%nat -> fits (cell_number (N.of_nat n)) [::] ct.
Proof. by move=> hn; rewrite /= ect number_stored. Qed.

(** *** Choosing *)
Lemma choose_run offs c0 rs X J rest : (size rs).+1 = (5 * c0)%nat ->
  {subset offs <= window_cells ws} -> (c0 + size offs <= size (window_cells ws))%nat ->
  lookup args rs (Res 1) = Some (Array padded (Extended around)) ->
  lookup args rs (Res (N.of_nat (size rs) - 2)) = Some (Array ct (Extended X)) ->
  lookup args rs (Res (N.of_nat (size rs) - 1)) = Some (Array ct (Reals J)) ->
  exists l, [/\ body_meaning none args rs
        (choose_cells ws ct (numbered_cells c0 offs) (N.of_nat (size rs)) ++ rest)
      = body_meaning none args (rs ++ l) rest,
    size l = (5 * size offs)%nat,
    lookup args (rs ++ l) (Res (N.of_nat (size (rs ++ l)) - 1))
      = Some (Array ct (Reals (foldl choose_step (X, J) (numbered_cells c0 offs)).2))
  & forall n, (c0 <= n < c0 + size offs)%nat -> lookup args (rs ++ l) (number_at (N.of_nat n))
      = Some (Array ct (Reals (cell_tensor (N.of_nat n))))].
Proof.
elim: offs c0 rs X J => [|o offs ih] c0 rs X J hc sub hn hi hX hJ.
  exists [::]; rewrite cats0; split=> //= n; rewrite addn0 => /andP [h1 h2].
  by have := leq_ltn_trans h1 h2; rewrite ltnn.
have hcN : (N.of_nat (size rs) + 1 = 5 * N.of_nat c0)%num.
  by move/(congr1 N.of_nat): hc; rewrite Nnat.Nat2N.inj_succ Nnat.Nat2N.inj_mul; lia.
have ho : o \in window_cells ws by apply: sub; exact: mem_head.
have [f1 _] := cell_fits ho; have lt0 : (c0 < size (window_cells ws))%nat.
  by apply: leq_trans hn; rewrite /= addnS ltnS leq_addr.
set next := N.of_nat (size rs).
pose st := choose_step (X, J) (N.of_nat c0, o).
pose l := [:: Array ct (Extended (candidate o)); Array ct (Reals (cell_tensor (N.of_nat c0)));
  Array mask (Booleans (greater o X)); Array ct (Extended st.1); Array ct (Reals st.2)].
have run more : body_meaning none args rs
    (choose_cells ws ct (numbered_cells c0 (o :: offs)) next ++ more)
    = body_meaning none args (rs ++ l)
        (choose_cells ws ct (numbered_cells c0.+1 offs) (next + 5) ++ more).
  rewrite /numbered_cells [zip _ _]/= [choose_cells _ _ (_ :: _) _]/= !cat_cons -/(numbered_cells _ _).
  rewrite -[rs in LHS]cats0.
  rewrite (run_at (xs := [:: Array padded (Extended around)]) (c := Extended (candidate o))) //;
    last by rewrite /= (lookup_old _ hi).
  rewrite (run_at (xs := [::]) (c := Reals (cell_tensor (N.of_nat c0)))) //;
    [|exact: number_fits|exact: number_meaning].
  rewrite (run_at (xs := [:: Array ct (Extended (candidate o)); Array ct (Extended X)])
    (c := Booleans (greater o X))) //; last by rewrite /= fct !eqxx.
  2: by rewrite [map _ _]/= (lookup_old _ hX) (@lookup_new _ _ _ _ _ 0) //; place.
  rewrite (run_at (xs := [:: Array mask (Booleans (greater o X));
    Array ct (Extended (candidate o)); Array ct (Extended X)]) (c := Extended st.1)) //;
    last by rewrite /= fct !eqxx.
  2: rewrite [map _ _]/= (lookup_old _ hX) (@lookup_new _ _ _ _ _ 2); last place.
  2: by rewrite (@lookup_new _ _ _ _ _ 0) //; place.
  rewrite (run_at (xs := [:: Array mask (Booleans (greater o X));
    Array ct (Reals (cell_tensor (N.of_nat c0))); Array ct (Reals J)]) (c := Reals st.2)) //;
    last by rewrite /= fct !eqxx.
  rewrite [map _ _]/= (lookup_old _ hJ) (@lookup_new _ _ _ _ _ 2); last place.
  by rewrite (@lookup_new _ _ _ _ _ 1) //; place.
have sz : size (rs ++ l) = (size rs + 5)%nat by rewrite size_cat.
have szN : N.of_nat (size (rs ++ l)) = (N.of_nat (size rs) + 5)%num by rewrite sz Nnat.Nat2N.inj_add.
have [|o' ho'|||||l' [run' sl' last' nums']] := ih c0.+1 (rs ++ l) st.1 st.2.
- by rewrite sz -addSn hc -mulnSr.
- by apply: sub; rewrite inE ho' orbT.
- by move: hn => /=; rewrite addnS addSn.
- exact: lookup_old hi.
- by rewrite (@lookup_new _ _ _ _ _ 3) // szN; lia.
- by rewrite (@lookup_new _ _ _ _ _ 4) // szN; lia.
exists (l ++ l'); rewrite catA; split.
- by rewrite run -run' szN.
- by rewrite size_cat sl' /= mulnS.
- by rewrite last'.
move=> n /andP [h1 h2]; case: (ltngtP c0 n) h1 => // [h1 _|<- _].
  by apply: nums'; rewrite h1 /=; move: h2 => /=; rewrite addnS addSn.
apply: lookup_old; rewrite /number_at ifF; last by apply/N.eqb_neq; lia.
by rewrite (@lookup_new _ _ _ _ _ 1) //; place.
Qed.

(** *** Dealing *)
Section Deal.
Variables (J : tensor R) (index zeros : value).

Let deal_list (n : N) (o : idx) : seq (array R) := [::
  Array mask (Booleans (fun i => direction_real EQ (J i) (cell_tensor n i)));
  Array ct (Reals (own J n)); Array (scalar t) (Reals zero_tensor);
  Array padded (Reals (placed J (n, o)))].

Lemma deal_one_run n o rs rest : o \in window_cells ws ->
  lookup args rs index = Some (Array ct (Reals J)) ->
  lookup args rs zeros = Some (Array ct (Reals zero_tensor)) ->
  lookup args rs (number_at n) = Some (Array ct (Reals (cell_tensor n))) ->
  body_meaning none args rs (deal_one ws t ct index zeros n o (N.of_nat (size rs)) ++ rest)
  = body_meaning none args (rs ++ deal_list n o) rest.
Proof.
move=> ho hJ hz hn; have [_ f2] := cell_fits ho; have fs := scalar_float ft.
set next := N.of_nat (size rs); rewrite /deal_one !cat_cons cat0s -[rs in LHS]cats0.
rewrite (run_at (xs := [:: Array ct (Reals J); Array ct (Reals (cell_tensor n))])
  (c := Booleans (fun i => direction_real EQ (J i) (cell_tensor n i)))) //;
  [|by rewrite [map _ _]/= !(lookup_old _ hJ) !(lookup_old _ hn)|by rewrite /= fct !eqxx].
rewrite (run_at (xs := [:: Array mask (Booleans (fun i => direction_real EQ (J i) (cell_tensor n i)));
  Array ct (Reals c); Array ct (Reals zero_tensor)]) (c := Reals (own J n))) //;
  last by rewrite /= fct !eqxx.
2: by rewrite [map _ _]/= (lookup_old _ hz) (@lookup_new _ _ _ _ _ 0); last place.
rewrite (run_at (xs := [::]) _ _ _ (zero_fits fs) (zero_meaning R fs)) //.
rewrite (run_at (xs := [:: Array ct (Reals (own J n)); Array (scalar t) (Reals zero_tensor)])
  (c := Reals (placed J (n, o)))) //.
rewrite [map _ _]/= (@lookup_new _ _ _ _ _ 1); last place.
rewrite (@lookup_new _ _ _ _ _ 2) //; place.
Qed.

Lemma deal_run offs c0 rs T rest : {subset offs <= window_cells ws} ->
  lookup args rs index = Some (Array ct (Reals J)) ->
  lookup args rs zeros = Some (Array ct (Reals zero_tensor)) ->
  (forall n, (c0 <= n < c0 + size offs)%nat ->
     lookup args rs (number_at (N.of_nat n)) = Some (Array ct (Reals (cell_tensor (N.of_nat n))))) ->
  (0 < size rs)%nat ->
  lookup args rs (Res (N.of_nat (size rs) - 1)) = Some (Array padded (Reals T)) ->
  exists l, [/\ body_meaning none args rs
        (deal_cells ws t ct index zeros (numbered_cells c0 offs) (N.of_nat (size rs)) ++ rest)
      = body_meaning none args (rs ++ l) rest,
    size l = (5 * size offs)%nat
  & lookup args (rs ++ l) (Res (N.of_nat (size (rs ++ l)) - 1))
      = Some (Array padded (Reals (foldl (deal_step J) T (numbered_cells c0 offs))))].
Proof.
elim: offs c0 rs T => [|o offs ih] c0 rs T sub hJ hz hn pos hT.
  by exists [::]; rewrite cats0; split.
have ho : o \in window_cells ws by apply: sub; exact: mem_head.
have hn0 := hn c0; rewrite leqnn /= addnS ltnS leq_addr in hn0; have {}hn0 := hn0 isT.
pose T' := deal_step J T (N.of_nat c0, o).
pose l := rcons (deal_list (N.of_nat c0) o) (Array padded (Reals T')).
have fp : is_float padded by exact: ft.
have run more : body_meaning none args rs
    (deal_cells ws t ct index zeros (numbered_cells c0 (o :: offs)) (N.of_nat (size rs)) ++ more)
    = body_meaning none args (rs ++ l)
        (deal_cells ws t ct index zeros (numbered_cells c0.+1 offs) (N.of_nat (size rs) + 5) ++ more).
  set next := N.of_nat (size rs); have -> : deal_cells ws t ct index zeros (numbered_cells c0 (o :: offs)) next
    = deal_one ws t ct index zeros (N.of_nat c0) o next
      ++ Instruction (Binary Addition) [:: Res (next - 1); Res (next + 3)] padded
      :: deal_cells ws t ct index zeros (numbered_cells c0.+1 offs) (next + 5) by [].
  rewrite -catA (deal_one_run _ ho hJ hz hn0) cat_cons.
  rewrite (run_at (xs := [:: Array padded (Reals T); Array padded (Reals (placed J (N.of_nat c0, o)))])
    (c := Reals T')) //; last by rewrite /= fp !eqxx.
  rewrite [map _ _]/= (lookup_old _ hT) (@lookup_new _ _ _ _ _ 3) //; place.
have sz : size (rs ++ l) = (size rs + 5)%nat by rewrite size_cat.
have szN : N.of_nat (size (rs ++ l)) = (N.of_nat (size rs) + 5)%num by rewrite sz Nnat.Nat2N.inj_add.
have [o' ho'|||n' hn'|||l' [run' sl' last']] := ih c0.+1 (rs ++ l) T'.
- by apply: sub; rewrite inE ho' orbT.
- exact: lookup_old hJ.
- exact: lookup_old hz.
- apply: lookup_old; apply: hn; move: hn' => /andP [h1 h2]; rewrite (ltnW h1) /=.
  by move: h2; rewrite addSn addnS.
- by rewrite sz addn_gt0 pos.
- by rewrite (@lookup_new _ _ _ _ _ 4) // szN; lia.
exists (l ++ l'); rewrite catA; split.
- by rewrite run -run' szN.
- by rewrite size_cat sl' /= mulnS.
- by rewrite last'.
Qed.
End Deal.
(** *** Which cell is chosen *)
Definition source (i o : idx) : option idx := at_map (slide_map ws) s (i ++ o).
Definition best (i : idx) (l : seq idx) : option idx :=
  if pmap (source i) l is j :: l' then Some (first_greatest a j l') else None.

Lemma first_greatest_rcons j l j' : first_greatest a j (rcons l j')
  = let b := first_greatest a j l in if a b < a j' then j' else b.
Proof. by elim: l j => //= x l ih j; rewrite ih. Qed.

Lemma best_rcons i l o : best i (rcons l o) =
  if source i o is Some j then
    Some (if best i l is Some b then if a b < a j then j else b else j)
  else best i l.
Proof.
rewrite /best -cats1 pmap_cat /=; case: (source i o) => [j|] /=; last by rewrite cats0.
case: (pmap _ l) => //= x l'; by rewrite cats1 first_greatest_rcons.
Qed.

Lemma candidateE i o : inb out i -> o \in window_cells ws ->
  candidate o i = omap a (source i o).
Proof.
rewrite mem_idxs => hi ho; rewrite /candidate /slice /around /pad.
rewrite (around_imageE (esym hs) (esym hout) hi ho) /source.
by case: at_map.
Qed.

Variables (first : idx) (others : seq idx).
Hypothesis cellsE : window_cells ws = first :: others.
Let last_state (l : seq idx) :=
  foldl choose_step (candidate first, cell_tensor 0) (numbered_cells 1 l).

Lemma choose_best i l : inb out i -> {subset first :: l <= window_cells ws} ->
  (last_state l).1 i = omap a (best i (first :: l)) /\
  exists2 n, (n < (size l).+1)%nat & (last_state l).2 i = n%:R
    /\ source i (nth [::] (first :: l) n) = best i (first :: l).
Proof.
move=> hi; elim/last_ind: l => [|l o ih] sub.
  have hf := candidateE hi (sub _ (mem_head _ _)).
  have e : best i [:: first] = source i first by rewrite /best /=; case: source.
  rewrite /last_state /= hf e; split=> //; exists 0%nat => //; split=> //.
  exact: (rational_nat R 0).
have [|e1 [n hn [e2 e3]]] := ih.
  move=> x hx; apply: sub; move: hx; rewrite !inE mem_rcons inE.
  by case/orP=> ->; rewrite ?orbT.
have ho : o \in window_cells ws by apply: sub; rewrite inE mem_rcons mem_head orbT.
rewrite -rcons_cons best_rcons.
have -> : last_state (rcons l o) = choose_step (last_state l) (N.of_nat (1 + size l), o).
  by rewrite /last_state numbered_rcons foldl_rcons.
rewrite [(choose_step _ _).1 i]/= [(choose_step _ _).2 i]/= /greater e1 candidateE //.
have new : nth [::] (rcons (first :: l) o) (size l).+1 = o.
  by rewrite nth_rcons /= ltnn eqxx.
have old : nth [::] (rcons (first :: l) o) n = nth [::] (first :: l) n.
  by rewrite nth_rcons /= hn.
have ltn : (n < (size (rcons l o)).+1)%nat by rewrite size_rcons ltnW.
case E: (source i o) => [j|]; case F: (best i (first :: l)) => [b|] /=.
- have [h|h] := ltrP (a b) (a j); split=> //.
    exists (size l).+1; rewrite ?size_rcons ?new ?E //; split=> //.
    exact: (rational_nat R (1 + size l)).
  by exists n; rewrite ?old ?e3.
- split=> //; exists (size l).+1; rewrite ?size_rcons ?new ?E //; split=> //.
  exact: (rational_nat R (1 + size l)).
- by split=> //; exists n; rewrite ?old ?e3.
by split=> //; exists n; rewrite ?old ?e3.
Qed.

(** *** The sum *)
Let J := (last_state others).2.
Let total := foldl (deal_step J) (placed J (0%num, first)) (numbered_cells 1 others).
Definition from_image : seq slice_dim := [seq off_padding p.1 p.2 | p <- zip ws s].

Lemma totalE q : total q = \sum_(cell <- numbered_cells 0 (window_cells ws)) placed J cell q.
Proof.
rewrite cellsE /numbered_cells /= big_cons -/(numbered_cells 1 others) /total.
elim/last_ind: (numbered_cells 1 others) => [|l x ih]; first by rewrite big_nil addr0.
by rewrite foldl_rcons /deal_step ih -cats1 big_cat /= big_seq1 addrA.
Qed.

Lemma placedE n o j : o \in window_cells ws -> inb s j ->
  placed J (n, o) (slice_source from_image j)
  = \sum_(i <- idxs out) (if source i o == Some j then own J n i else 0).
Proof.
rewrite mem_idxs => ho hj; rewrite /placed /pad rational0; apply: sum_put => i.
by rewrite (put_backE (esym hs) (esym hout) windows_ok i ho hj); split=> -[h1 h2]; split=> //;
  apply/eqP.
Qed.

Lemma total_grad j : inb s j -> slice from_image total j
  = \sum_(i <- idxs out | chosen s k (slide_map ws) a i == Some j) c i.
Proof.
move=> hj; rewrite /slice totalE.
transitivity (\sum_(cell <- numbered_cells 0 (window_cells ws)) \sum_(i <- idxs out)
    (if source i cell.2 == Some j then own J cell.1 i else 0)).
  rewrite numbered_cellsE !big_map big_seq [RHS]big_seq; apply: eq_bigr => n.
  by rewrite mem_iota add0n => /= hn; rewrite placedE // mem_nth.
rewrite exchange_big /= [RHS]big_mkcond big_seq [RHS]big_seq; apply: eq_bigr => i.
rewrite mem_idxs => hi; have [|_ [n hn [eJ eb]]] := @choose_best i others hi.
  by rewrite -cellsE => x.
have -> : chosen s k (slide_map ws) a i = best i (window_cells ws) by [].
rewrite numbered_cellsE big_map cellsE -eb.
rewrite (bigD1_seq n) ?iota_uniq ?mem_iota //= big1_seq ?addr0 => [|m /andP [ne _]].
  by rewrite /own /cell_tensor rational_nat [J i]eJ eqxx.
rewrite /own /cell_tensor rational_nat [J i]eJ eqr_nat [n == m]eq_sym (negPf ne) /zero_tensor rational0.
by case: ifP.
Qed.

(** *** The function *)
Theorem max_pool_grad_run f : is_function f [:: t; ct] (max_pool_grad_body ws t ct) t
    (10 * N.of_nat (size (window_cells ws)) - 1) ->
  function_meaning none f args = Some [:: Array t (Reals (slice from_image total))].
Proof.
move=> hf; have fs := scalar_float ft; set n := size (window_cells ws) in hf *.
have en : n = (size others).+1 by rewrite /n cellsE.
have h0 : first \in window_cells ws by rewrite cellsE mem_head.
have sub : {subset others <= window_cells ws} by move=> x hx; rewrite cellsE inE hx orbT.
have lt0 : (0 < size (window_cells ws))%nat by rewrite cellsE.
have [f0 _] := cell_fits h0.
pose start : seq (array R) := [:: bottom R t; Array padded (Extended around);
  Array ct (Extended (candidate first)); Array ct (Reals (cell_tensor 0))].
have [||||||l1 [run1 s1 index_at numbers_at]] := @choose_run others 1 start (candidate first)
  (cell_tensor 0) (Instruction zero [::] ct
    :: deal_one ws t ct (Res (5 * N.of_nat n - 2)) (Res (5 * N.of_nat n - 1)) 0 first (5 * N.of_nat n)
    ++ deal_cells ws t ct (Res (5 * N.of_nat n - 2)) (Res (5 * N.of_nat n - 1))
         (numbered_cells 1 others) (5 * N.of_nat n + 4)
    ++ [:: Instruction (take_image ws t) [:: Res (10 * N.of_nat n - 2)] t]) => //.
  by rewrite cellsE.
pose rs1 := rcons (start ++ l1) (Array ct (Reals zero_tensor)).
have z1 : N.of_nat (size (start ++ l1)) = (5 * N.of_nat n - 1)%num.
  rewrite size_cat s1 en Nnat.Nat2N.inj_add Nnat.Nat2N.inj_mul.
  by change (size start) with 4%nat; change (N.of_nat 5) with 5%num; set m := size others; lia.
have z2 : N.of_nat (size rs1) = (5 * N.of_nat n)%num.
  by rewrite size_rcons Nnat.Nat2N.inj_succ z1 en; lia.
have at_index : lookup args rs1 (Res (5 * N.of_nat n - 2)) = Some (Array ct (Reals J)).
  rewrite /rs1 -cats1; apply: lookup_old; rewrite -index_at z1; congr (lookup _ _ (Res _)); lia.
have at_zeros : lookup args rs1 (Res (5 * N.of_nat n - 1)) = Some (Array ct (Reals zero_tensor)).
  by rewrite /rs1 -cats1 (@lookup_new _ _ _ _ _ 0) // z1; lia.
have at_number m : (m < n)%nat -> lookup args rs1 (number_at (N.of_nat m))
    = Some (Array ct (Reals (cell_tensor (N.of_nat m)))).
  case: m => [|m] hm; rewrite /rs1 -cats1; apply: lookup_old; first exact: lookup_old.
  by apply: numbers_at; rewrite /= add1n -en.
pose dealt := [:: Array mask (Booleans (fun i => direction_real EQ (J i) (cell_tensor 0 i)));
  Array ct (Reals (own J 0)); Array (scalar t) (Reals zero_tensor);
  Array padded (Reals (placed J (0%num, first)))].
pose rs2 := rs1 ++ dealt.
have z3 : N.of_nat (size rs2) = (5 * N.of_nat n + 4)%num.
  by rewrite size_cat Nnat.Nat2N.inj_add z2.
have [||m hm|||l2 [run2 s2 total_at]] := @deal_run J (Res (5 * N.of_nat n - 2))
  (Res (5 * N.of_nat n - 1)) others 1 rs2 (placed J (0%num, first))
  [:: Instruction (take_image ws t) [:: Res (10 * N.of_nat n - 2)] t] sub.
- exact: lookup_old.
- exact: lookup_old.
- by apply: lookup_old; apply: at_number; move: hm; rewrite add1n -en => /andP [].
- by rewrite size_cat addnS.
- by rewrite (@lookup_new _ _ _ _ _ 3) // z3 z2; lia.
have z4 : N.of_nat (size (rs2 ++ l2)) = (10 * N.of_nat n - 1)%num.
  rewrite size_cat s2 Nnat.Nat2N.inj_add z3 Nnat.Nat2N.inj_mul en.
  by change (N.of_nat 5) with 5%num; set m := size others; lia.
pose results := rcons (rs2 ++ l2) (Array t (Reals (slice from_image total))).
suff run : body_meaning none args [::] (max_pool_grad_body ws t ct) = Some results.
  apply: (run_function hf _ run) => //.
  by rewrite /results -cats1 (@lookup_new _ _ _ _ _ 0) // z4; lia.
rewrite /max_pool_grad_body -/n cellsE [head _ _]/= [behead _]/=.
rewrite cat_cons (run_instruction none (xs := [::]) (c := Extended (fun _ => None))) //; first last.
- by case: (t) ft => ? [].
- by case: (t) ft => ? [].
rewrite cat_cons (run_instruction none (xs := [:: Array t (Reals a); bottom R t]) (c := Extended around)) //.
rewrite cat_cons (run_instruction none (xs := [:: Array padded (Extended around)])
  (c := Extended (candidate first))) //.
rewrite cat_cons (run_instruction none (xs := [::]) (c := Reals (cell_tensor 0))) //;
  [|exact: (number_fits lt0)|exact: (number_meaning lt0)].
rewrite cat0s [LHS]run1.
rewrite (run_instruction none (xs := [::]) _ _ _ (zero_fits fct) (zero_meaning R fct)) //.
have run12 more := deal_one_run more h0 at_index at_zeros (at_number 0%nat lt0).
rewrite z2 in run12; rewrite z3 in run2; rewrite -/rs1 run12 -/rs2 run2.
rewrite (run_instruction none (xs := [:: Array padded (Reals total)])
  (c := Reals (slice from_image total))) //.
have -> : (10 * N.of_nat n - 2 = N.of_nat (size (rs2 ++ l2)) - 1)%num by rewrite z4; lia.
by rewrite [map _ _]/= total_at.
Qed.
End MaxPoolGrad.

Theorem max_pool_grad_meaning (R : realType) f ws t ct (a c : tensor R) x y (e : env R) :
  max_pool_grad_fits ws t ct ->
  is_function f [:: t; ct] (max_pool_grad_body ws t ct) t
    (10 * N.of_nat (size (window_cells ws)) - 1) ->
  eqt (t_shape t) a (e x) -> eqt (t_shape ct) c (e y) ->
  exists2 z, function_meaning (@no_call R) f [:: Array t (Reals a); Array ct (Reals c)]
      = Some [:: Array t (Reals z)]
    & eqt (t_shape t) z
        (den (MaxPoolGrad (t_shape t) (t_shape ct) (map d_size ws) (slide_map ws) x y) e).
Proof.
move=> ok hf hx hy; case E: (window_cells ws) => [|first others].
  case/and5P: (ok) => _ _ pos _ _; move/(congr1 size): E; rewrite /window_cells size_idxs /=.
  have : (0 < size_of (map d_size ws))%num.
    elim: (ws) pos => //= w l ih /andP [/and3P [/N.ltb_lt h _ _] /ih h'].
    exact: N.mul_pos_pos.
  lia.
exists (slice (from_image ws t) (foldl (deal_step ws t ct c (foldl (choose_step ws t ct a)
    (candidate ws t ct a first, cell_tensor R 0) (numbered_cells 1 others)).2)
    (placed ws t ct c (foldl (choose_step ws t ct a) (candidate ws t ct a first, cell_tensor R 0)
      (numbered_cells 1 others)).2 (0%num, first)) (numbered_cells 1 others))).
  exact: max_pool_grad_run.
move=> j; rewrite mem_idxs => hj; rewrite (total_grad a c ok E hj) /=.
rewrite [LHS]big_seq_cond [RHS]big_seq_cond; apply: eq_big => [i|i /andP [hi _]]; last exact: hy.
by rewrite (chosen_eqt _ _ _ hx).
Qed.
