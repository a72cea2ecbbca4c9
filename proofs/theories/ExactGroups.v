(** * Products by columns

    Where the columns of a matrix belong to groups, each has a row of its own.

    Glossary
      - [combine_rows_at]  an entry of [combine_rows] is the one of [combine]
                         with what its column sees
      - [out_row_as]     with its bias, it depends on no other entry
      - [of_groups_nth]  each feature of a group sees the group's channel [a] *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir ExactTable ExactNumbers.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Lemma fma_size x w acc : size (fma x w acc) = minn (size x) (minn (size w) (size acc)).
Proof.
elim: x w acc => [|a x ih] [|b w] [|y acc] //=; rewrite ?min0n ?minn0 //.
by rewrite ih !minnSS.
Qed.

Lemma fma_nth x w acc j : (j < size (fma x w acc))%nat ->
  nth 0%Z (fma x w acc) j = (nth 0 acc j + nth 0 x j * nth 0 w j)%Z.
Proof. by elim: x w acc j => [|a x ih] [|b w] [|y acc] [|j] //=; exact: ih. Qed.

Lemma combine_rows_size xs ws acc : (size (combine_rows xs ws acc) <= size acc)%nat.
Proof.
elim: xs ws acc => [|x xs ih] [|w ws] acc //=; apply: leq_trans (ih _ _) _.
by case: ifP => // _; rewrite fma_size !geq_min leqnn !orbT.
Qed.

Lemma combine_rows_at xs ws acc acc' j : (j < size (combine_rows xs ws acc))%nat ->
  (j < size acc')%nat -> nth 0%Z acc j = nth 0%Z acc' j ->
  let r := combine id [seq nth 0%Z x j | x <- xs] ws acc' in
  (j < size r)%nat /\ nth 0%Z (combine_rows xs ws acc) j = nth 0%Z r j.
Proof.
elim: xs ws acc acc' => [|x xs ih] [|w ws] acc acc' //= hj ha e.
have hf := leq_trans hj (combine_rows_size _ _ _).
case: ifP hj hf => [/all_nthP zero|_] hj hf.
  have -> : Z.eqb (nth 0%Z x j) 0 = true; last exact: ih.
  apply/Z.eqb_eq; case: (ltnP j (size x)) => h; last by rewrite nth_default.
  by have /Z.eqb_eq := zero 0%Z j h.
move: (hf); rewrite fma_size !leq_min => /and3P [_ hw _].
apply: ih => //; first by case: ifP => // _; rewrite axpy_size leq_min hw.
rewrite fma_nth // e; case: Z.eqb_spec => [->|_]; first by lia.
by rewrite axpy_nth ?axpy_size ?leq_min ?hw //; lia.
Qed.

Lemma out_row_as e bias r r' j : (j < size (out_row e bias r))%nat ->
  (j < size r')%nat -> nth 0%Z r j = nth 0%Z r' j ->
  (j < size (out_row e bias r'))%nat
  /\ nth 0%Z (out_row e bias r) j = nth 0%Z (out_row e bias r') j.
Proof.
have align_nth n (l : row) : nth 0%Z (align n l) j = Z.shiftl (nth 0%Z l j) (Z.of_N n).
  rewrite /align; case: N.eqb_spec => [->|_]; first by rewrite Z.shiftl_0_r.
  case: (ltnP j (size l)) => h; first by rewrite (nth_map 0%Z).
  by rewrite !nth_default ?size_map // Z.shiftl_0_l.
have align_sz n (l : row) : size (align n l) = size l.
  by rewrite /align; case: ifP => // _; rewrite size_map.
case: bias => [[eb b]|] //= h h' en; move: (h); rewrite zip_with_size !align_sz leq_min => /andP [_ hb].
have hs : (j < size (zip_with Z.add (align (N.max e eb - e) r') (align (N.max e eb - eb) b)))%nat.
  by rewrite zip_with_size !align_sz leq_min h' hb.
by split=> //; rewrite !zip_with_nth // !align_nth en.
Qed.

Lemma of_groups_nth features channels a g r q o : (o < features)%nat -> (q < g)%nat ->
  nth 0%Z (of_groups features channels a g r) (q * features + o) = nth 0%Z r (q * channels + a).
Proof.
move=> ho; elim: g r q => [|g ih] r [|q] //= hq; rewrite nth_cat size_nseq.
  by rewrite ho nth_nseq ho.
rewrite mulSn -addnA ltnNge leq_addr /= addKn ih // nth_drop; congr nth.
by rewrite mulSn addnA.
Qed.
