(** * Which places and cells of a convolution meet

    Index maps dimension by dimension, the window as a system of equations, and
    the points of the box of [RaiseOps.contract_conv]. [meeting_cell]: in either
    form of that contraction, the maps are defined at a point, with a given
    result, where the cell of the kernel lies over a cell of lhs, and only there.

    Glossary
      - [a0]               the form that is 0
      - [over w j q k]     cell [k] of the kernel, window at [q], is over cell [j]
      - [flip sizes k]     cell [k] of a kernel of these sizes, counted backwards
      - [kernel_of]        the cell of the kernel that an iteration point reads,
                           as the definition of the convolution counts it
      - [point]            an index of the box, by its parts *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Stablehlo Stablehlo_types Stablehlo_sem Raise.
From Cotangent Require Import RaiseLinear.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.

Notation a0 := (Aff 0 [::]).

(** ** Index maps, dimension by dimension *)

Lemma at_mapE m s r j : size m = size s ->
  (at_map m s r = Some j) <->
  (inb s j /\ forall k, k < size s -> aff_at (nth a0 m k) r = Z.of_N (nth 0%num j k)).
Proof.
elim: m s j => [|a m ih] [|d s] j //=.
  by move=> _; split=> [[<-]|[]]; [split | case: j].
case=> hs; split=> [|[hj h]].
  case: ifP => // /andP [/Z.leb_le h0 /Z.ltb_lt h1]; case E: (at_map m s r) => [q|] //= [<-].
  have [hq hk] := (ih s q hs).1 E; split.
    by rewrite /= hq andbT; apply/N.ltb_lt; lia.
  by case=> [|k] hk'; [rewrite /=; lia | exact: hk].
case: j hj h => [|x j] //= /andP [/N.ltb_lt hx hj] h.
have /= -> := h 0 isT; have -> : Z.leb 0 (Z.of_N x) by apply/Z.leb_le; lia.
have -> /= : Z.ltb (Z.of_N x) (Z.of_N d) by apply/Z.ltb_lt; lia.
by rewrite N2Z.id (ih s j hs).2 //; split=> // k hk; exact: (h k.+1).
Qed.

Lemma some_iff (T : Type) (a b : option T) :
  (forall x, a = Some x <-> b = Some x) -> a = b.
Proof.
case: a => [x|] h; first by rewrite (proj1 (h x)).
by case: b h => // y h; have := proj2 (h y) erefl.
Qed.

Lemma at_map_placed ns m s r : distinct (size s) ns -> size ns = size s -> size m = size s ->
  at_map (place_forms ns m (size s)) s r
  = omap (fun l => place ns l (size s)) (at_map m (pick s ns) r).
Proof.
move=> hd hn hm; have cover := distinct_cover hd hn.
have sp : size (place_forms ns m (size s)) = size s by rewrite size_map size_first_dims.
have sm : size m = size (pick s ns) by rewrite size_pick hn.
have form k : k < size s ->
    nth a0 (place_forms ns m (size s)) k = nth a0 m (seq.index (N.of_nat k) ns).
  by move=> hk; rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims.
have at_ k : k < size s -> seq.index (N.of_nat k) ns < size ns.
  by move=> hk; rewrite index_mem; apply: cover; rewrite Nnat.Nat2N.id.
apply: some_iff => j; split=> [/(at_mapE _ _ sp) [hj h]|].
  have -> : at_map m (pick s ns) r = Some (pick j ns).
    apply/(at_mapE _ _ sm); split; first by apply: inb_pick => // d; exact: (distinctP hd).2.
    move=> k; rewrite size_pick => hk; rewrite (nth_map 0%num) // -h; last first.
      by apply: (distinctP hd).2; rewrite mem_nth.
    have hkd : N.to_nat (nth 0%num ns k) < size s by apply: (distinctP hd).2; rewrite mem_nth.
    by rewrite form // Nnat.N2Nat.id index_uniq //; case: (distinctP hd).
  by rewrite /= -(inb_size hj) place_pick // (inb_size hj).
case E: (at_map _ _ _) => [l|] //= [<-]; have [hl h] := (at_mapE _ _ sm).1 E.
apply/(at_mapE _ _ sp); split=> [|k hk]; first exact: inb_place.
by rewrite form // h ?size_pick ?at_ // nth_place.
Qed.

(** ** The window *)

Lemma padded_cellP w n z j : N.ltb 0 (w_lhs_dilation w) ->
  padded_cell w n z = Some j <->
  (j < n)%num /\ (Z.of_N j * Z.of_N (w_lhs_dilation w) = z - w_low w)%Z.
Proof.
move=> /N.ltb_lt hl; rewrite /padded_cell; split=> [|[hj e]].
  case: ifP => // /and3P [/Z.eqb_eq e /Z.leb_le h0 /Z.ltb_lt h1] [<-].
  by rewrite Z2N.id //; split=> //; lia.
have -> : Z.div (z - w_low w) (Z.of_N (w_lhs_dilation w)) = Z.of_N j.
  by rewrite -e Z.div_mul //; lia.
rewrite e Z.eqb_refl N2Z.id.
have -> : Z.leb 0 (Z.of_N j) by apply/Z.leb_le; lia.
by have -> : Z.ltb (Z.of_N j) (Z.of_N n) by apply/Z.ltb_lt; lia.
Qed.

(** Cell [k] of the kernel, with the window at [q], is over cell [j] of lhs. *)
Definition over (w : conv_window) (j q k : N) : Prop :=
  (Z.of_N j * Z.of_N (w_lhs_dilation w)
   = Z.of_N q * Z.of_N (w_stride w) + Z.of_N k * Z.of_N (w_rhs_dilation w) - w_low w)%Z.

Lemma window_cellP ws n q k j : all window_ok ws ->
  size n = size ws -> size q = size ws -> size k = size ws ->
  window_cell ws n q k = Some j <->
  (inb n j /\ forall d, d < size ws ->
     over (nth no_window ws d) (nth 0%num j d) (nth 0%num q d) (nth 0%num k d)).
Proof.
elim: ws n q k j => [|w ws ih] [|n ns] [|q qs] [|k ks] j //=.
  by move=> _ _ _ _; split=> [[<-]|[]]; [split | case: j].
move=> /andP [/and3P [_ hl _] hw] [sn] [sq] [sk]; set z := Z.of_N _.
have zE : z = (Z.of_N q * Z.of_N (w_stride w) + Z.of_N k * Z.of_N (w_rhs_dilation w))%Z.
  by rewrite /z; lia.
split=> [|[hj h]].
  case E: (padded_cell _ _ _) => [x|] //=; have [hx e] := (padded_cellP _ _ _ hl).1 E.
  case F: (window_cell _ _ _ _) => [l|] //= [<-]; have [hi h] := (ih _ _ _ _ hw sn sq sk).1 F.
  split; first by rewrite /= hi andbT; apply/N.ltb_lt.
  by case=> [|d] hd; [rewrite /over /= e zE | exact: h].
case: j hj h => [|x j] //= /andP [/N.ltb_lt hx hj] h.
have -> /= : padded_cell w n z = Some x.
  by apply/(padded_cellP _ _ _ hl); split=> //; have := h 0 isT; rewrite /over /= zE.
by rewrite (proj2 (ih _ _ _ j hw sn sq sk)) //; split=> // d hd; exact: (h d.+1).
Qed.

(** ** Kernels counted backwards *)

Definition flip (sizes k : seq N) : seq N := [seq (p.1 - 1 - p.2)%num | p <- zip sizes k].

Lemma size_flip s k : size k = size s -> size (flip s k) = size s.
Proof. by move=> h; rewrite size_map size_zip h minnn. Qed.

Lemma nth_flip s k d : size k = size s -> d < size s ->
  nth 0%num (flip s k) d = (nth 0%num s d - 1 - nth 0%num k d)%num.
Proof.
by move=> h hd; rewrite (nth_map (0%num, 0%num)) ?size_zip ?h ?minnn // nth_zip.
Qed.

Lemma inb_flip s k : inb s k -> inb s (flip s k).
Proof.
elim: s k => [|n s ih] [|x k] //= /andP [/N.ltb_lt hx /ih ->]; rewrite andbT.
by apply/N.ltb_lt; lia.
Qed.

Lemma flipK s k : inb s k -> flip s (flip s k) = k.
Proof.
elim: s k => [|n s ih] [|x k] //= /andP [/N.ltb_lt hx /ih {2}<-].
by rewrite /flip /=; congr cons; lia.
Qed.

Definition kernel_of (flipped : bool) (sizes k : seq N) : seq N := if flipped then flip sizes k else k.

Lemma inb_kernel_of f s k : inb s k -> inb s (kernel_of f s k).
Proof. by case: f => //; exact: inb_flip. Qed.
Lemma kernel_ofK f s k : inb s k -> kernel_of f s (kernel_of f s k) = k.
Proof. by case: f => //; exact: flipK. Qed.

(** ** Iteration points *)

Section Points.
Variable n : nat.
Definition point (b c o : N) (p k g : seq N) : idx := [:: b, c, o & p ++ k ++ g].
Variables (b c o : N) (p k g : seq N).
Hypotheses (hp : size p = n) (hk : size k = n).
Let r := point b c o p k g.

Lemma point_place d : d < n -> nth 0%num r (3 + d) = nth 0%num p d.
Proof. by move=> hd; rewrite /r /point /= nth_cat hp hd. Qed.
Lemma point_cell d : d < n -> nth 0%num r (3 + (n + d)) = nth 0%num k d.
Proof.
by move=> hd; rewrite /r /point /= nth_cat hp ltnNge leq_addr /= addKn nth_cat hk hd.
Qed.
Lemma point_group : nth 0%num r (3 + (n + n)) = nth 0%num g 0.
Proof.
rewrite /r /point /= nth_cat hp ltnNge leq_addr /= addKn nth_cat hk ltnn subnn.
by [].
Qed.

Lemma point_cells : take n (drop (3 + n) r) = k.
Proof. by rewrite /r /point /= drop_size_cat // take_size_cat. Qed.
End Points.

Lemma aff_at1 z x u r :
  aff_at (Aff z [:: (x, u)]) r = (z + u * Z.of_N (nth 0%num r (N.to_nat x)))%Z.
Proof. rewrite /aff_at /=; lia. Qed.
Lemma aff_at2 z x u y v r : aff_at (Aff z [:: (x, u); (y, v)]) r
  = (z + u * Z.of_N (nth 0%num r (N.to_nat x)) + v * Z.of_N (nth 0%num r (N.to_nat y)))%Z.
Proof. rewrite /aff_at /=; lia. Qed.

Lemma aff_at_in_group gs dim share within r :
  aff_at (in_group gs dim share within) r
  = Z.of_N ((if N.eqb gs 1 then 0 else nth 0 r dim) * share + nth 0 r (N.to_nat within))%num.
Proof.
by rewrite /in_group; case: N.eqb; rewrite ?aff_at1 ?aff_at2 ?Nnat.Nat2N.id; lia.
Qed.

(** Places and cells that meet, in either form of the contraction. *)
Lemma meeting_cell flipped ws J Q K q p k r j (n := size ws) :
  all window_ok ws ->
  all (fun w => N.eqb (if flipped then w_stride w else w_lhs_dilation w) 1) ws ->
  size J = n -> size Q = n -> size K = n -> inb Q q -> inb K k ->
  inb (if flipped then J else Q) p ->
  (forall d, d < n -> nth 0%num r (3 + d) = nth 0%num p d) ->
  (forall d, d < n -> nth 0%num r (3 + (n + d)) = nth 0%num k d) ->
  let places := [seq coord (N.of_nat (3 + d)) | d <- iota 0 n] in
  let met := [seq meeting flipped n d (nth no_window ws d) (nth 0%num K d) | d <- iota 0 n] in
  (at_map (if flipped then met else places) Q r = Some q /\
   at_map (if flipped then places else met) J r = Some j) <->
  (window_cell ws J q (kernel_of flipped K k) = Some j /\ p = if flipped then j else q).
Proof.
move=> ok one sJ sQ sK hq hk hp rp rk places met.
have sp : size places = n by rewrite size_map size_iota.
have sm : size met = n by rewrite size_map size_iota.
have places_at S x : size S = n -> inb S p -> at_map places S r = Some x <-> x = p.
  move=> sS hS; rewrite at_mapE ?sp ?sS //; split=> [[hx h]|->].
    apply: (@eq_from_nth _ 0%num); rewrite (inb_size hx) ?(inb_size hS) ?sS // => d hd.
    have := h d hd; rewrite (nth_map 0) ?size_iota // nth_iota // add0n aff_at_coord.
    by rewrite Nnat.Nat2N.id rp // => /N2Z.inj.
  split=> // d hd; rewrite (nth_map 0) ?size_iota // nth_iota // add0n aff_at_coord.
  by rewrite Nnat.Nat2N.id rp.
have form d : d < n -> aff_at (nth a0 met d) r =
    ((if flipped then w_low (nth no_window ws d)
        - (Z.of_N (nth 0%num K d) - 1) * Z.of_N (w_rhs_dilation (nth no_window ws d))
      else - w_low (nth no_window ws d))
     + Z.of_N (nth 0%num p d)
       * Z.of_N (if flipped then w_lhs_dilation (nth no_window ws d) else w_stride (nth no_window ws d))
     + Z.of_N (nth 0%num k d) * Z.of_N (w_rhs_dilation (nth no_window ws d)))%Z.
  move=> hd; rewrite (nth_map 0) ?size_iota // nth_iota // add0n /meeting aff_at2.
  by rewrite !Nnat.Nat2N.id rp // rk //; ring.
have sk : size (kernel_of flipped K k) = n.
  by case: (flipped) => /=; rewrite ?size_flip ?(inb_size hk).
have cellP : window_cell ws J q (kernel_of flipped K k) = Some j <-> _ :=
  window_cellP j ok sJ (etrans (inb_size hq) sQ) sk.
have one_at d : d < n -> (if flipped then w_stride (nth no_window ws d)
    else w_lhs_dilation (nth no_window ws d)) = 1%num.
  by move=> hd; have /N.eqb_eq := all_nthP no_window one d hd.
have backwards d : d < n -> Z.of_N (nth 0%num K d - 1 - nth 0%num k d)
    = (Z.of_N (nth 0%num K d) - 1 - Z.of_N (nth 0%num k d))%Z.
  by move=> hd; have := inb_nth hk (n := d); rewrite sK => /(_ hd) /N.ltb_lt; lia.
case: flipped hp met sm form cellP one_at sk {one} => hp met sm form cellP one_at sk /=.
- rewrite at_mapE ?sm ?sQ // places_at //; split=> [[[_ h] e]|[/cellP [hj h] e]].
    split=> //; apply/cellP; rewrite e; split=> // d hd; have := h d hd; rewrite form // /over /= one_at //.
    rewrite nth_flip ?sK ?(inb_size hk) // backwards //; lia.
  split=> //; split=> // d hd; have := h d hd; rewrite form // e /over /= one_at //.
  rewrite nth_flip ?sK ?(inb_size hk) // backwards //; lia.
- rewrite places_at // at_mapE ?sm ?sJ //; split=> [[e [hj h]]|[/cellP [hj h] e]].
    split=> //; apply/cellP; split=> // d hd; rewrite e; have := h d hd; rewrite form // /over /= one_at //; lia.
  split=> //; split=> // d hd; have := h d hd; rewrite form // e /over /= one_at //; lia.
Qed.

(** ** Kernels reversed *)

Lemma reverse_place nk t c o k : distinct (size t) (numbers nk) -> size (numbers nk) = size t ->
  size k = size (n_spatial nk) ->
  reverse_source (n_spatial nk) t (place (numbers nk) [:: c, o & k] (size t))
  = place (numbers nk) [:: c, o & flip (spatial_sizes nk t) k] (size t).
Proof.
move=> hd hn hk; have cover := distinct_cover hd hn.
have sK : size (spatial_sizes nk t) = size (n_spatial nk) by rewrite size_pick.
apply: (@eq_from_nth _ 0%num); first by rewrite size_place size_map size_first_dims.
move=> d; rewrite size_map size_first_dims => hdt.
rewrite (nth_map 0%num) ?size_first_dims // nth_first_dims // Nnat.Nat2N.id !nth_place //.
have : N.of_nat d \in numbers nk by apply: cover; rewrite Nnat.Nat2N.id.
have [/= /and3P [h1 h2 _] _] := distinctP hd; rewrite !inE [seq.index _ _]/=.
rewrite -!(eq_sym (N.of_nat d)); have [e|n1] := eqVneq (N.of_nat d) (n_first nk).
  by move=> _; rewrite ifF //; apply/negP => h; move: h1; rewrite -e inE h orbT.
have [e|n2] := eqVneq (N.of_nat d) (n_second nk).
  by move=> _; rewrite ifF //; apply/negP => h; move: h2; rewrite -e h.
move=> /= hs; rewrite hs.
rewrite nth_flip ?sK ?index_mem //; congr (_ - _ - _)%num.
by rewrite /spatial_sizes (nth_map 0%num) ?index_mem // nth_index // Nnat.Nat2N.id.
Qed.

(** ** Sums *)

Lemma at_map_cons a m d s r v : aff_at a r = Z.of_N v -> (v < d)%num ->
  at_map (a :: m) (d :: s) r = omap (cons v) (at_map m s r).
Proof.
move=> /= -> h; have -> : Z.leb 0 (Z.of_N v) by apply/Z.leb_le; lia.
have -> /= : Z.ltb (Z.of_N v) (Z.of_N d) by apply/Z.ltb_lt; lia.
by rewrite N2Z.id.
Qed.

Lemma sum_bij (R : ringType) (T U : eqType) (A : seq T) (B : seq U) (P : pred T) (Q : pred U)
    (h : T -> U) (g : U -> T) (F : T -> R) (G : U -> R) :
  uniq A -> uniq B ->
  {in A, forall r, P r -> [/\ h r \in B, Q (h r), g (h r) = r & F r = G (h r)]} ->
  {in B, forall u, Q u -> [/\ g u \in A, P (g u) & h (g u) = u]} ->
  (\sum_(r <- A | P r) F r = \sum_(u <- B | Q u) G u)%R.
Proof.
move=> uA uB hA hB; rewrite -big_filter -[RHS]big_filter.
have perm : perm_eq [seq h r | r <- [seq r <- A | P r]] [seq u <- B | Q u].
  apply: uniq_perm => [||u]; last 1 first.
  - apply/mapP/idP => [[r]|]; rewrite mem_filter => /andP [p m].
      by have [m' q _ _] := hA _ m p => ->; rewrite mem_filter q.
    have [m' q e] := hB _ m p; exists (g u); last exact: esym e.
    by rewrite mem_filter q.
  - rewrite map_inj_in_uniq ?filter_uniq // => r r'; rewrite !mem_filter.
    move=> /andP [p m] /andP [p' m'] e; have [_ _ k _] := hA _ m p.
    by have [_ _ k' _] := hA _ m' p'; rewrite -k e k'.
  - exact: filter_uniq.
rewrite -(perm_big _ perm) big_map big_seq [RHS]big_seq; apply: eq_bigr => r.
by rewrite mem_filter => /andP [p m]; have [_ _ _ ->] := hA _ m p.
Qed.
