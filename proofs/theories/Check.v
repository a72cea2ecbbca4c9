(** * The check that a certificate runs

    A boolean about a specification, options, a StableHLO module and a list of
    kinks: the module is, up to value numbering, the expected step. What
    follows when it is true is [check_sound] in [Main.v].

    Glossary
      - [shapes]          the shape of every value, as a finite map; [shapes_from]
                          makes one, [shape_in], [has_shape] read it
      - [well_formed]     [Ir.wf] by finite maps, so that it is near linear;
                          gives the shapes of all values
      - [interface]       names, roles and shapes of arguments or results, each
                          from its slot ([port_of_slot]); [is_interface]: they are these
      - [port_eqb], [window_eqb], [kink_eqb]  are equal
      - [same_value], [same_values]  results of two programs have the same numbers,
                          and their shapes
      - [reverse_ok]      what reverse mode asks of the forward pass
      - [options_ok]      there are examples; constants and features are fit
      - [check]           the whole check *)
From mathcomp Require Import all_ssreflect.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Index Denote Grad GradAdjoint GradCorrect RowVector.
From Cotangent Require Import Stablehlo Raise Spec Meaning Optimizer Features Steps FeaturesSound UpdateSound StepSound.
From Cotangent Require Import Number Canonical NumberSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Well-formedness *)

Definition shapes := PositiveMap.t shape.
Definition shape_in (m : shapes) (j : N) : shape := odflt [::] (get m j).

Definition has_shape (m : shapes) (a : N * shape) : bool :=
  if get m a.1 is Some s then shape_eqb s a.2 else false.

Fixpoint well_formed (p : prog) (k : N) (m : shapes) : option shapes :=
  if p is (d, o) :: p' then
    if [&& N.eqb d k, op_ok o & all (fun a => N.ltb a.1 k && has_shape m a) (oargs o)]
    then well_formed p' (N.succ k) (set k (oshape o) m) else None
  else Some m.

Fixpoint shapes_from (k : N) (l : seq shape) : shapes :=
  if l is s :: l' then set k s (shapes_from (N.succ k) l') else PositiveMap.empty _.

Lemma wf_ext p k sh sh' : (forall j, sh j = sh' j) -> wf p k sh -> wf p k sh'.
Proof.
elim: p k sh sh' => //= -[d o] p ih k sh sh' h /and4P [-> -> ha w] /=; apply/andP; split.
  by rewrite -(eq_all (a1 := fun a => N.ltb a.1 k && (sh a.1 == a.2))) // => a; rewrite h.
by apply: ih w => j; rewrite /upd h.
Qed.

Lemma shrun_ext p sh sh' : (forall j, sh j = sh' j) -> forall j, shrun p sh j = shrun p sh' j.
Proof.
elim: p sh sh' => //= -[d o] p ih sh sh' h j.
by apply: ih => i; rewrite /upd h.
Qed.

Lemma well_formedP p k m m' : well_formed p k m = Some m' ->
  wf p k (shape_in m) /\ forall j, shrun p (shape_in m) j = shape_in m' j.
Proof.
elim: p k m => [|[d o] p ih] k m /=; first by case=> ->.
case: ifP => // /and3P [/N.eqb_eq -> -> /allP ha] /ih [w s].
have e j : shape_in (set k (oshape o) m) j = upd (shape_in m) k (oshape o) j.
  by rewrite /shape_in get_set /upd; case: N.eqb.
split; last by move=> j; rewrite -s; apply: shrun_ext => i; rewrite e.
rewrite N.eqb_refl /=; apply/andP; split; last exact: wf_ext e w.
apply/allP => a /ha /andP [-> /=]; rewrite /has_shape /shape_in.
by case: get => // s' /shape_eqbP ->.
Qed.

(** ** The interface *)

Definition port_of_slot (s : slot) : option port :=
  if (text_of (s_attributes s) "cotangent.name", text_of (s_attributes s) "cotangent.role")
    is (Some name, Some role) then Some (Port name role (t_shape (s_type s))) else None.

Definition interface (l : seq slot) : option (seq port) := all_some [seq port_of_slot s | s <- l].

Definition port_eqb (a b : port) : bool :=
  [&& String.eqb (port_name a) (port_name b), String.eqb (port_role a) (port_role b)
    & shape_eqb (port_shape a) (port_shape b)].

Definition is_interface (l : seq slot) (ps : seq port) : bool :=
  if interface l is Some qs then list_eqb port_eqb qs ps else false.

Definition window_eqb (v u : Layer.window) : bool :=
  [&& N.eqb (Layer.k_size v) (Layer.k_size u), N.eqb (Layer.k_stride v) (Layer.k_stride u),
      N.eqb (Layer.k_low v) (Layer.k_low u), N.eqb (Layer.k_high v) (Layer.k_high u)
    & N.eqb (Layer.k_dilation v) (Layer.k_dilation u)].
Definition kink_eqb (a b : kink) : bool := match a, b with
| KinkAt x c z, KinkAt y d w => [&& String.eqb x y, String.eqb c d & Z.eqb z w]
| TiesAt x v u, TiesAt y w t => [&& String.eqb x y, window_eqb v w & window_eqb u t]
| MeetAt x, MeetAt y => String.eqb x y
| _, _ => false
end.

Lemma port_eqbP a b : port_eqb a b -> a = b.
Proof.
case: a b => n r s [n' r' s'] /and3P [/= /String.eqb_eq -> /String.eqb_eq -> /shape_eqbP ->].
by [].
Qed.

Lemma window_eqbP v u : window_eqb v u -> v = u.
Proof.
case: v u => a b c d e [a' b' c' d' e'] /and5P [/N.eqb_eq /= -> /N.eqb_eq /= -> /N.eqb_eq /= ->].
by move=> /N.eqb_eq /= -> /N.eqb_eq /= ->.
Qed.

Lemma kink_eqbP a b : kink_eqb a b -> a = b.
Proof.
case: a b => [x c z|x v u|x] [y d w|y w t|y] //.
- by move=> /and3P [/String.eqb_eq -> /String.eqb_eq -> /Z.eqb_eq ->].
- by move=> /and3P [/String.eqb_eq -> /window_eqbP -> /window_eqbP ->].
by move=> /String.eqb_eq ->.
Qed.

Lemma is_interfaceP l ps : is_interface l ps -> interface l = Some ps.
Proof. by rewrite /is_interface; case: interface => // qs /(list_eqbP port_eqbP) ->. Qed.

(** ** The check *)

(** Value [i] of one program, value [j] of the other, of a shape; [n], [k] are
    past the programs' values. *)
Definition same_value (a b : numbers) (sa sb : shapes) (n k : N) (q : shape * (N * N)) : bool :=
  let: (s, (i, j)) := q in
  [&& N.eqb (number_of a i) (number_of b j), N.ltb i n, N.ltb j k,
      has_shape sa (i, s) & has_shape sb (j, s)].

Definition same_values (nin : N) (inputs results : seq shape) (p q : prog) (js ks : seq N) : bool :=
  let m := shapes_from 0 inputs in
  if (well_formed p nin m, well_formed q nin m, number_two nin p q)
    is (Some sa, Some sb, Some (a, b)) then
    [&& size js == size results, size ks == size results
      & all (same_value a b sa sb (next_id nin p) (next_id nin q)) (zip results (zip js ks))]
  else false.

(** [params_ok], of parameters in the order of their values: no two are compared
    that do not follow each other. *)
Definition params_in_order (sh : N -> shape) (nin : N) (params : seq (N * shape)) : bool :=
  sorted N.ltb (ids params) && all (fun q => N.ltb q.1 nin && (sh q.1 == q.2)) params.

Lemma params_in_orderP sh nin params : params_in_order sh nin params -> params_ok sh nin params.
Proof.
case/andP => order fits; rewrite /params_ok fits andbT; apply: sorted_uniq order => //.
- by move=> j i k /N.ltb_lt h1 /N.ltb_lt h2; apply/N.ltb_lt; exact: N.lt_trans h1 h2.
by move=> i; apply/negbTE/negP => /N.ltb_lt; exact: N.lt_irrefl.
Qed.

(** What reverse mode asks of the forward pass. *)
Definition reverse_ok (net : spec) (nin : N) (m : shapes) (x : expected) : bool :=
  let g := x_graph x in let past := next_id nin (x_back x) in
  [&& all (fun j => N.ltb j past) (x_grads x), N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g)),
      params_in_order (shape_in m) nin (numbered_params net),
      targets_fixed (g_prog g) (ids (numbered_params net)) & N.ltb 0 (total (numbered_params net))].

Definition options_ok (opts : options) : bool :=
  N.ltb 0 (batch_size opts) && (if which opts is Train o f then constants_ok o && features_ok f else true).

Definition check (net : spec) (opts : options) (m : module) (kinks : seq kink) : bool :=
  let arguments := argument_ports net opts in
  let results := result_ports net opts in
  let inputs := [seq port_shape a | a <- arguments] in
  let nin := first_at net (which opts) in
  if (expected_step net opts, raise m) is (Some x, Some r) then
    [&& options_ok opts,
        list_eqb kink_eqb kinks (kinks_of net),
        is_interface (r_arguments r) arguments,
        is_interface (r_results r) results,
        N.eqb (N.of_nat (size arguments)) nin,
        reads_arguments net (which opts),
        (if which opts is Forward then true else reverse_ok net nin (shapes_from 0 inputs) x)
      & same_values nin inputs [seq port_shape p | p <- results]
          (x_prog x) (r_program r) (x_results x) (r_outputs r)]
  else false.

(** ** What follows *)

Lemma nth_Forall2 (T U : Type) (P : T -> U -> Prop) t u l l' : size l = size l' ->
  (forall k, (k < size l)%nat -> P (nth t l k) (nth u l' k)) -> List.Forall2 P l l'.
Proof.
elim: l l' => [|x l ih] [|y l'] //= [sz] h; constructor; first exact: (h 0%nat).
by apply: ih => // k hk; exact: (h k.+1).
Qed.

Lemma Forall2_nth (T U : Type) (P : T -> U -> Prop) t u l l' : List.Forall2 P l l' ->
  size l = size l' /\ forall k, (k < size l)%nat -> P (nth t l k) (nth u l' k).
Proof.
elim=> [|x y {}l {}l' hx _ [sz h]] //=; split; first by rewrite sz.
by case=> [|k] //; exact: h.
Qed.

Lemma interface_shapes l ps : interface l = Some ps ->
  [seq t_shape (s_type s) | s <- l] = [seq port_shape p | p <- ps].
Proof.
rewrite /interface; elim: l ps => [|s l ih] ps /=; first by case=> <-.
rewrite /port_of_slot; case: text_of => [n|] //; case: text_of => [r|] //=.
by case h: all_some => [qs|] //= [<-] /=; rewrite (ih _ h).
Qed.

Section Same.
Variable R : realType.

Lemma same_valuesP nin inputs results p q js ks (a : env R) :
  same_values nin inputs results p q js ks ->
  let sh := shape_in (shapes_from 0 inputs) in
  [/\ wf p nin sh, wf q nin sh, size js = size results, size ks = size results
    & forall k, (k < size results)%nat -> eqt (nth [::] results k)
        (run p a (nth 0%num js k)) (run q a (nth 0%num ks k))
      /\ nth [::] results k = shrun q sh (nth 0%num ks k) /\ (nth 0%num ks k < next_id nin q)%num].
Proof.
rewrite /same_values; case hp: well_formed => [sa|] //; case hq: well_formed => [sb|] //.
case hn: number_two => [[m m']|] // /and3P [/eqP sj /eqP sk /allP h].
set sh := shape_in (shapes_from 0 inputs).
have [wp ep] := well_formedP hp; have [wq eq] := well_formedP hq.
split=> // k hk; have sz : size results = size (zip js ks) by rewrite size_zip sj sk minnn.
have hin : nth ([::], (0%num, 0%num)) (zip results (zip js ks)) k \in zip results (zip js ks).
  by rewrite mem_nth // !size_zip sj sk !minnn.
have := h _ hin; rewrite nth_zip // nth_zip ?sj ?sk //.
move=> /and5P [/N.eqb_eq e /N.ltb_lt hi /N.ltb_lt hj /= hsa hsb].
have sa_eq : shrun p sh (nth 0%num js k) = nth [::] results k.
  by rewrite ep /shape_in; move: hsa; rewrite /has_shape; case: get => //= s /shape_eqbP.
have sb_eq : shrun q sh (nth 0%num ks k) = nth [::] results k.
  by rewrite eq /shape_in; move: hsb; rewrite /has_shape; case: get => //= s /shape_eqbP.
split; last by rewrite sb_eq.
by rewrite -sa_eq; apply: (number_two_sound a hn wp wq hi hj e); rewrite sa_eq sb_eq.
Qed.
End Same.
