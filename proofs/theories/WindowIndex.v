(** * Which cells windows, padding and slices read

    The index formulas of reduce_window, pad and slice, dimension by dimension,
    and the index map of a window ([RaiseOps.slide_map]).

    Statements: [slide_mapP], [slide_sourceE], [pad_sourceP]; for the gradients
    of pooling [put_sumE], [around_imageE] (what a slice of the padded image holds) and
    [put_backE] (which window a cell of the image is in, as its cell [o]).

    Glossary
      - [no_slide], [no_pad], [no_slice]  defaults, for reading by position
      - [over w i o j]   cell [o] of the window at [i] is [j], in one dimension *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir IndexFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
From Cotangent Require Import RaiseLinear ConvolutionIndex.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition no_slide : slide_dim := SlideDim 0 0 0 0.
Definition no_pad : pad_dim := PadDim 0 0 0.
Definition no_slice : slice_dim := SliceDim 0 0 0.

Definition over_cell (w : slide_dim) (i o j : N) : Prop :=
  Z.of_N j = (Z.of_N (i * d_stride w + o) - d_low w)%Z.

(** ** Lists side by side *)

Lemma size_zip3 (T U V W : Type) (f : T -> U -> V -> W) a b c :
  size b = size a -> size c = size a -> size (zip3 f a b c) = size a.
Proof. by move=> hb hc; rewrite size_map !size_zip hb hc !minnn. Qed.

Lemma nth_zip3 (T U V W : Type) (f : T -> U -> V -> W) x y z w a b c d :
  size b = size a -> size c = size a -> d < size a ->
  nth w (zip3 f a b c) d = f (nth x a d) (nth y b d) (nth z c d).
Proof.
move=> hb hc hd; rewrite (nth_map (x, (y, z))) ?size_zip ?hb ?hc ?minnn //.
by rewrite nth_zip ?size_zip ?hb ?hc ?minnn // nth_zip ?hb ?hc.
Qed.

Lemma nth_zip_map (T U W : Type) (f : T -> U -> W) x y w a b d :
  size b = size a -> d < size a ->
  nth w [seq f p.1 p.2 | p <- zip a b] d = f (nth x a d) (nth y b d).
Proof.
by move=> hb hd; rewrite (nth_map (x, y)) ?size_zip ?hb ?minnn // nth_zip ?hb.
Qed.

Lemma size_zip_map (T U W : Type) (f : T -> U -> W) (a : seq T) (b : seq U) :
  size b = size a -> size [seq f p.1 p.2 | p <- zip a b] = size a.
Proof. by move=> hb; rewrite size_map size_zip hb minnn. Qed.

Lemma size_slice_source ls i : size i = size ls -> size (slice_source ls i) = size ls.
Proof. by move=> h; rewrite size_map size_zip h minnn. Qed.
Lemma nth_slice_source ls i d (l := nth no_slice ls d) : size i = size ls -> d < size ls ->
  nth 0%num (slice_source ls i) d = (l_start l + nth 0%num i d * l_stride l)%num.
Proof.
move=> h hd; rewrite (nth_map (no_slice, 0%num)) ?size_zip ?h ?minnn //.
by rewrite nth_zip ?h.
Qed.

(** ** Windows *)

Lemma size_slide_map ws : size (slide_map ws) = size ws.
Proof. by rewrite size_map size_zip size_iota minnn. Qed.

Lemma slide_mapP ws s i o j : size s = size ws -> size i = size ws -> size o = size ws ->
  at_map (slide_map ws) s (i ++ o) = Some j <->
  inb s j /\ forall d, d < size ws ->
    over_cell (nth no_slide ws d) (nth 0%num i d) (nth 0%num o d) (nth 0%num j d).
Proof.
move=> hs hi ho.
have e d : d < size ws -> aff_at (nth a0 (slide_map ws) d) (i ++ o)
    = (Z.of_N (nth 0%num i d * d_stride (nth no_slide ws d) + nth 0%num o d)
       - d_low (nth no_slide ws d))%Z.
  move=> hd; rewrite (nth_map (0, no_slide)) ?size_zip ?size_iota ?minnn // nth_zip ?size_iota //.
  rewrite nth_iota // add0n aff_at2 !Nnat.Nat2N.id Z.mul_1_l !nth_cat hi hd /=.
  by rewrite ltnNge leq_addr /= addKn; nia.
rewrite at_mapE ?size_slide_map // hs; split=> -[hj h]; split=> // d hd.
  by rewrite /over_cell -(h d hd) e.
by rewrite e // -(h d hd).
Qed.

Lemma insideP s z j : size z = size s ->
  inside s z = Some j <->
  inb s j /\ forall d, d < size s -> Z.of_N (nth 0%num j d) = nth 0%Z z d.
Proof.
elim: s z j => [|n s ih] [|k z] j //=; first by split=> [[<-]|[]] //; case: j.
move=> [hz].
have [/andP [/Z.leb_le h0 /Z.ltb_lt h1]|hk] := boolP (Z.leb 0 k && Z.ltb k (Z.of_N n)); last first.
  split=> // -[]; case: j => //= x j /andP [/N.ltb_lt hx _] /(_ 0 isT) /= e.
  by move: hk; rewrite -e => /nandP [] /negP []; [apply/Z.leb_le|apply/Z.ltb_lt]; lia.
split.
  case E: (inside s z) => [l|] //= [<-]; have [hl h] := (ih _ _ hz).1 E.
  split=> [|[|d]] //=; last exact: h.
    by rewrite hl andbT; apply/N.ltb_lt; lia.
  by move=> _; rewrite Z2N.id.
case: j => [|x j] [] //= /andP [hx hj] h.
have -> : inside s z = Some j by apply/(ih _ _ hz); split=> // d hd; exact: (h d.+1).
by have /= <- := h 0 isT; rewrite N2Z.id.
Qed.

Lemma slide_sourceE ws s i o : size s = size ws -> size i = size ws -> size o = size ws ->
  slide_source ws s i o = at_map (slide_map ws) s (i ++ o).
Proof.
move=> hs hi ho; apply: some_iff => j; rewrite slide_mapP // /slide_source.
have hz : size (zip i o) = size ws by rewrite size_zip hi ho minnn.
rewrite insideP; last by rewrite size_map size_zip hz minnn hs.
have e d : d < size ws ->
    nth 0%Z [seq (Z.of_N (p.2.1 * d_stride p.1 + p.2.2) - d_low p.1)%Z | p <- zip ws (zip i o)] d
    = (Z.of_N (nth 0%num i d * d_stride (nth no_slide ws d) + nth 0%num o d)
       - d_low (nth no_slide ws d))%Z.
  move=> hd; rewrite (nth_map (no_slide, (0, 0)%num)) ?size_zip ?hi ?ho ?minnn //.
  by rewrite nth_zip ?hz // /= nth_zip ?hi ?ho.
rewrite hs; split=> -[hj h]; split=> // d hd; have := h d hd; by rewrite /over_cell e.
Qed.

Lemma slide_cellsE ws s i : size s = size ws -> size i = size ws ->
  slide_cells ws s i = Index.cells s (map d_size ws) (slide_map ws) i.
Proof.
move=> hs hi; rewrite /slide_cells /Index.cells.
suff h l : {subset l <= idxs (map d_size ws)} ->
    pmap (slide_source ws s i) l = pmap (fun o => at_map (slide_map ws) s (i ++ o)) l by exact: h.
elim: l => //= o l ih h; rewrite ih => [|x hx]; last by apply: h; rewrite inE hx orbT.
have := h o (mem_head _ _); rewrite mem_idxs => /inb_size; rewrite size_map => ho.
by rewrite slide_sourceE.
Qed.

(** ** Padding *)

Lemma pad_sourceP ps s i j : size s = size ps -> size i = size ps ->
  pad_source ps s i = Some j <->
  inb s j /\ forall d, d < size ps ->
    (Z.of_N (nth 0%num j d * (p_interior (nth no_pad ps d) + 1))
     = Z.of_N (nth 0%num i d) - p_low (nth no_pad ps d))%Z.
Proof.
elim: ps s i j => [|p ps ih] [|n s] [|k i] j //=; first by split=> [[<-]|[]] //; case: j.
move=> [hs] [hi]; set w := ConvWindow _ _ _ _ _.
have hw : N.ltb 0 (w_lhs_dilation w) by apply/N.ltb_lt; rewrite /=; lia.
split.
  case E: padded_cell => [x|] //=; case F: pad_source => [l|] //= [<-].
  have [hx ex] := (padded_cellP _ _ _ hw).1 E; have [hl h] := (ih _ _ _ hs hi).1 F.
  split=> [|[|d]] /=; [by rewrite hl andbT; apply/N.ltb_lt | | exact: h].
  by move=> _; rewrite -ex /= N2Z.inj_mul.
case: j => [|x j] [] //= /andP [/N.ltb_lt hx hj] h.
have -> : padded_cell w n (Z.of_N k) = Some x.
  by apply/(padded_cellP _ _ _ hw); split=> //; have /= := h 0 isT; rewrite N2Z.inj_mul.
by have -> : pad_source ps s i = Some j by apply/ih => //; split=> // d hd; exact: (h d.+1).
Qed.

(** ** The gradient of a window's sum *)
Section Sum.
Variables (ws : seq slide_dim) (s out : shape).
Hypotheses (hs : size s = size ws) (hout : size out = size ws).
Hypothesis ok : all (fun w => N.ltb 0 (d_size w) && N.ltb 0 (d_stride w)) ws.
Let k := map d_size ws.
Let padded : shape := [seq (p.2 + N.pred (d_size p.1))%num | p <- zip ws s].

(** Windows that move by one cell; the cells of the old ones, backwards. *)
Lemma put_sumE o j : inb k o -> inb s j ->
  exists2 q, slide_source (map back_slide ws) padded j o = Some q &
    forall i, pad_source (zip3 back_pad ws s out) out q = Some i <->
      inb out i /\ at_map (slide_map ws) s (i ++ flip k o) = Some j.
Proof.
move=> ko hj; have ho := inb_size ko; have sj := inb_size hj; rewrite hs in sj.
rewrite size_map in ho; pose q : idx := [seq (p.1 + p.2)%num | p <- zip j o].
have hq : size q = size ws by rewrite size_map size_zip sj ho minnn.
have eq d : d < size ws -> nth 0%num q d = (nth 0%num j d + nth 0%num o d)%num.
  move=> hd; rewrite (nth_map (0, 0)%num) ?size_zip ?sj ?ho ?minnn //.
  by rewrite nth_zip ?sj ?ho.
have ok_at d : d < size ws -> let w := nth no_slide ws d in
    [/\ (0 < d_size w)%num, (0 < d_stride w)%num & (nth 0%num o d < d_size w)%num].
  move=> hd; have /andP [/N.ltb_lt h1 /N.ltb_lt h2] := all_nthP no_slide ok d hd.
  split=> //; apply/N.ltb_lt; rewrite -(nth_map _ 0%num d_size) //.
  by apply: inb_nth ko _; rewrite size_map.
have hp : size padded = size ws by rewrite size_map size_zip hs minnn.
exists q.
  have [e1 e2 e3] : [/\ size padded = size (map back_slide ws), size j = size (map back_slide ws)
    & size o = size (map back_slide ws)] by rewrite size_map.
  rewrite slide_sourceE //; apply/(slide_mapP q e1 e2 e3); rewrite size_map.
  split=> [|d hd]; last by rewrite /over_cell (nth_map no_slide) //= eq //; lia.
  apply/inbP; split=> [|d]; rewrite hp // => hd; rewrite eq // /padded.
  rewrite (nth_map (no_slide, 0%num)) ?size_zip ?hs ?minnn // nth_zip ?hs //=.
  have /N.ltb_lt h1 : N.ltb (nth 0%num j d) (nth 0%num s d) by apply: inb_nth hj _; rewrite hs.
  by have [] := ok_at d hd; move=> *; apply/N.ltb_lt; lia.
move=> i; have hz : size (zip3 back_pad ws s out) = size ws by rewrite size_zip3.
have P := @pad_sourceP (zip3 back_pad ws s out) out q i; rewrite hz in P; have {}P := P hout hq.
have hf : size (flip k o) = size ws by rewrite size_flip ?size_map.
have cell d : d < size ws -> nth 0%num (flip k o) d = (d_size (nth no_slide ws d) - 1 - nth 0%num o d)%num.
  by move=> hd; rewrite nth_flip ?size_map // (nth_map no_slide).
split=> [/P [hi h]|[hi]].
  split=> //; apply/(slide_mapP j hs (etrans (inb_size hi) hout) hf).
  split=> // d hd; have := h d hd; have [] := ok_at d hd.
  by rewrite (nth_zip3 _ no_slide 0%num 0%num) //= /over_cell eq // cell //; nia.
case/(slide_mapP j hs (etrans (inb_size hi) hout) hf)=> _ h; apply/P; split=> // d hd.
have := h d hd; have [] := ok_at d hd.
by rewrite (nth_zip3 _ no_slide 0%num 0%num) //= /over_cell eq // cell //; nia.
Qed.
End Sum.

(** ** The gradient of a maximum over windows *)
Section Pooling.
Variables (ws : seq slide_dim) (s out : shape).
Hypotheses (hs : size s = size ws) (hout : size out = size ws).
Hypothesis ok : all (fun w => [&& N.ltb 0 (d_size w), N.ltb 0 (d_stride w) & Z.leb 0 (d_low w)]) ws.
Let k := map d_size ws.

Let ok_at d : d < size ws -> let w := nth no_slide ws d in
  [/\ (0 < d_size w)%num, (0 < d_stride w)%num & (0 <= d_low w)%Z].
Proof.
move=> hd; have /and3P [/N.ltb_lt ? /N.ltb_lt ? /Z.leb_le ?] // := all_nthP no_slide ok d hd.
Qed.

Lemma size_in t i : size t = size ws -> inb t i -> size i = size ws.
Proof. by move=> ht /inb_size ->. Qed.

Lemma around_imageE i o : inb out i -> inb k o ->
  pad_source (map around_image ws) s (slice_source (zip3 cell_slice ws out o) i)
  = at_map (slide_map ws) s (i ++ o).
Proof.
move=> /(size_in hout) hi /inb_size; rewrite size_map => ho; apply: some_iff => j.
have hz : size (zip3 cell_slice ws out o) = size ws by rewrite size_zip3.
have hq : size (slice_source (zip3 cell_slice ws out o) i) = size ws.
  by rewrite size_slice_source ?hz.
have P := @pad_sourceP (map around_image ws) s (slice_source (zip3 cell_slice ws out o) i) j.
rewrite size_map in P; have {}P := P hs hq; have M := slide_mapP j hs hi ho.
split=> [/P|/M] [hj h]; [apply/M|apply/P]; split=> // d hd; have := h d hd;
  rewrite /over_cell (nth_map no_slide) // nth_slice_source ?hz //;
  by rewrite (nth_zip3 _ no_slide 0%num 0%num) //=; nia.
Qed.

Lemma put_backE o i j : inb k o -> inb s j ->
  (pad_source [seq cell_pad p.1 p.2.1 p.2.2.1 p.2.2.2 | p <- zip ws (zip s (zip out o))] out
     (slice_source [seq off_padding p.1 p.2 | p <- zip ws s] j) = Some i)
  <-> (inb out i /\ at_map (slide_map ws) s (i ++ o) = Some j).
Proof.
move=> /inb_size; rewrite size_map => ho hj; have sj := size_in hs hj.
have h1 : size (zip out o) = size ws by rewrite size_zip hout ho minnn.
have h2 : size (zip s (zip out o)) = size ws by rewrite size_zip hs h1 minnn.
set ps := map _ _; have hp : size ps = size ws by rewrite size_map size_zip h2 minnn.
set q := slice_source _ _.
have hl : size [seq off_padding p.1 p.2 | p <- zip ws s] = size ws.
  by rewrite (size_zip_map (fun w n => off_padding w n)).
have hq : size q = size ws by rewrite /q size_slice_source ?hl.
have e d : d < size ws -> let w := nth no_slide ws d in
    p_low (nth no_pad ps d) = Z.of_N (nth 0%num o d) /\
    p_interior (nth no_pad ps d) = N.pred (d_stride w) /\
    nth 0%num q d = (Z.to_N (d_low w) + nth 0%num j d)%num.
  move=> hd; rewrite /ps (nth_map (no_slide, (0, (0, 0)))%num) ?size_zip ?hs ?hout ?ho ?minnn //.
  rewrite nth_zip ?h2 // nth_zip ?hs ?h1 // nth_zip ?hout ?ho //=; split=> //; split=> //.
  rewrite /q nth_slice_source ?hl // (nth_zip_map (fun w n => off_padding w n) no_slide 0%num) //=.
  by lia.
have P := @pad_sourceP ps out q i; rewrite hp in P; have {}P := P hout hq.
split=> [/P [hi h]|[hi]].
  split=> //; apply/slide_mapP => //; first exact: size_in hi.
  split=> // d hd; have := h d hd; have [-> [-> ->]] := e d hd; have [] := ok_at hd.
  by rewrite /over_cell; nia.
case/(slide_mapP j hs (size_in hout hi) ho)=> _ h; apply/P; split=> // d hd.
have := h d hd; have [-> [-> ->]] := e d hd; have [] := ok_at hd.
by rewrite /over_cell; nia.
Qed.
End Pooling.
