(** * Values with the same number are equal

    [number_two_sound]: if value [i] of one program and value [j] of another,
    over the same inputs, get the same number, they are equal, whatever the
    inputs hold.

    Glossary
      - [models e t]      the values [e] are those of the numbered ops
      - [honest t]        what the table finds is an op it has
      - [ordered]         a program whose identifiers are in order, from [k] on *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith FMapPositive Lia.
From Cotangent Require Import Ir DenoteFacts Computes Number Canonical.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sound.
Variable R : realType.
Implicit Types (e : env R) (o : op).

(** ** The table *)

Lemma get_set (T : Type) (m : PositiveMap.t T) k x j :
  get (set k x m) j = if N.eqb j k then Some x else get m j.
Proof.
rewrite /get /set; case: N.eqb_spec => [->|ne]; first exact: PositiveMap.gss.
by apply: PositiveMap.gso => h; apply: ne; lia.
Qed.

(** [e] gives every number of the table the value of its op. *)
Definition models e (t : numbering) : Prop := forall k o, List.In (k, o) (entries t) -> e k =1 den o e.

(** Whatever is looked up is in the table. *)
Definition honest (t : numbering) : Prop :=
  (forall k o, get (defs t) k = Some o -> List.In (k, o) (entries t)) /\
  (forall p l k o, PositiveMap.find p (places t) = Some l -> List.In (o, k) l ->
     List.In (k, o) (entries t)).

(** The entries are a program: numbers count up, operands come earlier. *)
Fixpoint ordered (nin : N) (c : prog) (k : N) : Prop := match c with
| [::] => k = nin
| (d, o) :: c' =>
   [/\ k = N.succ d, forall a, a \in oargs o -> (a.1 < d)%num & ordered nin c' d] end.

Lemma honest_no_entries nin : honest (no_entries nin).
Proof. by split=> [k o|p l k o]; rewrite /get ?PositiveMap.gempty. Qed.

Lemma forced_true o k bucket all defs : forced o k bucket all defs.
Proof.
rewrite /forced op_eqb_refl /=; case: k => [|?]; case: bucket => [|[? ?] ?] /=;
  case: all => [|[? ?] [|? ?]] /=; by case: defs.
Qed.

Lemma lookupP o l k : lookup o l = Some k -> List.In (o, k) l.
Proof.
elim: l => //= -[p j] l ih; case: ifP => [/op_eqbP -> [->]|_ /ih]; by [left|right].
Qed.

Lemma enterP o t t' k nin : enter o t = Some (t', k) -> honest t -> ordered nin (entries t) (fresh t) ->
  [/\ honest t', ordered nin (entries t') (fresh t'), List.In (k, o) (entries t') &
      forall x, List.In x (entries t) -> List.In x (entries t')].
Proof.
rewrite /enter; set here := odflt _ _; case hl: lookup => [j|].
  case=> <- <- [hd hp] ho; split=> //; move/lookupP: hl; rewrite /here.
  by case hf: PositiveMap.find => [l|] //; exact: hp hf.
case: ifP => // /andP [/allP ha _] [<- <-] [hd hp] ho; split=> /=; [|by split=> // a /ha /N.ltb_lt|by left|by right].
split=> [j p|q l j p] /=.
  have [->|] : (if o is Contract _ _ _ _ then set (fresh t) o (defs t) else defs t) = set (fresh t) o (defs t)
    \/ (if o is Contract _ _ _ _ then set (fresh t) o (defs t) else defs t) = defs t by case: (o); by [left|right].
    by rewrite get_set; case: N.eqb_spec => [->|_ /hd]; [case=> ->; left|right].
  by move=> -> /hd; right.
have [->|ne] := Pos.eq_dec q (key o); last first.
  by rewrite PositiveMap.gso // => hf /(hp _ _ _ _ hf); right.
rewrite PositiveMap.gss => -[<-] [[-> ->]|]; first by left.
by rewrite /here; case hf: PositiveMap.find => [l'|] // /(hp _ _ _ _ hf); right.
Qed.

Lemma number_opP o t m t' k nin : number_op o t m = Some (t', k) ->
  honest t -> ordered nin (entries t) (fresh t) ->
  [/\ honest t', ordered nin (entries t') (fresh t'),
      forall x, List.In x (entries t) -> List.In x (entries t') &
      forall e, models e t' ->
        eqt (oshape o) (den o (fun j => e (number_of m j))) (e k)].
Proof.
rewrite /number_op; set o' := canonical _ _ => h ht ho.
have hs : oshape o' = oshape o by rewrite oshape_canonical oshape_rename.
have canon e : models e t -> eqt (oshape o) (den o (fun j => e (number_of m j))) (den o' e).
  move=> me i hi; rewrite den_canonical ?oshape_rename ?den_rename // => j p /(proj1 ht).
  exact: me.
move: h; case ha: alias => [a|].
  case=> <- <-; split=> // e me; apply: eqt_trans (canon e me) _.
  by rewrite -hs; exact: aliasP.
move=> /enterP -/(_ nin) [] // ht' ho' hk sub; split=> // e me.
apply: eqt_trans (canon e _) _ => [j p /sub|i _]; [exact: me|by rewrite -(me _ _ hk)].
Qed.

Lemma numberP p k sh t m t' m' nin : number p t m = Some (t', m') -> wf p k sh ->
  honest t -> ordered nin (entries t) (fresh t) ->
  [/\ honest t', ordered nin (entries t') (fresh t'),
      forall x, List.In x (entries t) -> List.In x (entries t') &
      forall r e, models e t' ->
        (forall j, (j < k)%num -> eqt (sh j) (r j) (e (number_of m j))) ->
        forall j, (j < k + N.of_nat (size p))%num ->
          eqt (shrun p sh j) (run p r j) (e (number_of m' j))].
Proof.
elim: p k sh t m => [|[d o] p ih] k sh t m /=.
  by case=> <- <- _ ht ho; split=> // r e _ h j; rewrite N.add_0_r; exact: h.
case hn: number_op => [[t1 c]|] // hp /(@wf_cons d o p k sh) [E ok ha w] ht ho; subst d.
have [ht1 ho1 sub1 eq1] := number_opP hn ht ho.
have [ht' ho' sub' eq'] := ih _ _ _ _ hp w ht1 ho1.
split=> // [x /sub1|r e me h j]; first exact: sub'.
have me1 : models e t1 by move=> i q /sub' /me.
rewrite /shrun /run /= -/(run _ _) -/(shrun _ _) => hj.
apply: (eq' (step r (k, o)) e me) => [i hi|]; last lia.
rewrite /number_of get_set /step /upd /=; case: N.eqb_spec => [_|ne] /=; last by apply: (h i); lia.
apply: eqt_trans (eq1 e me1); apply: den_eqt => // a /ha [hk <-]; exact: h.
Qed.

(** Running the table's entries makes such an [e]. *)
Lemma ordered_below nin c k j o : ordered nin c k -> List.In (j, o) c ->
  (j < k)%num /\ forall a, a \in oargs o -> (a.1 < j)%num.
Proof.
elim: c k => //= -[d p] c ih k [-> ha hc] [[<- <-]|/(ih _ hc) [hj h]]; first by split=> //; lia.
by split=> //; lia.
Qed.

Lemma ordered_run nin c k (r : env R) : ordered nin c k ->
  (forall j o, List.In (j, o) c -> run (rev c) r j =1 den o (run (rev c) r)) /\
  (forall j, (j < nin)%num -> run (rev c) r j = r j) /\ (nin <= k)%num.
Proof.
elim: c k => [|[d o] c ih] k /=; first by move=> ->; split=> //; split=> //; lia.
case=> -> ha hc; have [hm [hi hd]] := ih _ hc.
have hr : run (rev ((d, o) :: c)) r = upd (run (rev c) r) d (den o (run (rev c) r)).
  by rewrite rev_cons -cats1 run_cat.
rewrite hr; split; last by split=> [j hj|]; [rewrite updN ?hi //; lia|lia].
move=> j p [[<- <-]|hp] i.
  rewrite updE; apply: den_ext => a /ha la; rewrite updN //; exact: N.lt_neq la.
have [hj hb] := ordered_below hc hp; rewrite updN ?(hm _ _ hp); last lia.
by apply: den_ext => a /hb la; rewrite updN //; exact: N.lt_neq (N.lt_trans _ _ _ la hj).
Qed.
End Sound.

(** ** Two programs *)

Theorem number_two_sound (R : realType) nin p q sh m m' (r : env R) :
  number_two nin p q = Some (m, m') -> wf p nin sh -> wf q nin sh ->
  forall i j, (i < nin + N.of_nat (size p))%num -> (j < nin + N.of_nat (size q))%num ->
    number_of m i = number_of m' j -> shrun p sh i = shrun q sh j ->
    eqt (shrun p sh i) (run p r i) (run q r j).
Proof.
rewrite /number_two; case hp: number => [[t m1]|] //; case hq: number => [[t' m2]|] // -[<- <-].
move=> wp wq i j hi hj e es.
have [ht ho _ eq1] := @numberP R _ _ _ _ _ _ _ _ hp wp (honest_no_entries nin) erefl.
have [ht' ho' sub eq2] := @numberP R _ _ _ _ _ _ _ _ hq wq ht ho.
have [hm [hin _]] := ordered_run r ho'; set e' := run _ r in hm hin.
have input k : (k < nin)%num -> eqt (sh k) (r k) (e' (number_of (PositiveMap.empty N) k)).
  by move=> hk; rewrite /number_of /get PositiveMap.gempty /= hin.
have me : models e' t by move=> k o /sub /hm.
apply: eqt_trans (eq1 r e' me input _ hi) _; rewrite es e.
exact: eqt_sym (eq2 r e' hm input _ hj).
Qed.
