(** * Group norm on integers is group norm

    Glossary
      - [in_group]       the cells of a group, with the group as a dimension
      - [mean_group]     a mean over a group is one over its cells
      - [group_norm_cells]  an entry is made from its group alone
      - [group_norm_value_sound]  where the rows of its input are what
                         [ExactTable.v] says, so are those of its output *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Scalar Number Norms NormsSound SpecLayer RaiseGrouped CheckSound.
From Cotangent Require Import Exact ExactNormGroups ExactNumbers ExactRows ExactLayers ExactNormSound ExactNormLayer ExactBranches ExactNormRowsSound.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Formula.
Variables (R : realType) (n h w c g : N).
Hypothesis divided : Layer.divides g c.
Let per := N.div c g.
Let t : shape := [:: n; h; w; g; per].
Let ds : seq N := [:: 1; 2; 4]%num.
Let box := idxs [:: h; w; per].

Definition in_group (b q : N) : seq idx := [seq [:: b; nth 0%num l 0; nth 0%num l 1; q; nth 0%num l 2] | l <- box].

Lemma pick_group j0 j1 j2 q a : pick [:: j0; j1; j2; q; a] (kept t ds) = [:: j0; q].
Proof. by []. Qed.

Lemma sum_group (F : idx -> R) b q : (b < n)%num -> (q < g)%num ->
  \sum_(j <- idxs t | pick j (kept t ds) == [:: b; q]) F j = \sum_(j <- in_group b q) F j.
Proof.
move=> hb hq; rewrite -big_filter; apply: perm_big; apply: uniq_perm.
- by rewrite filter_uniq // idxs_uniq.
- rewrite map_inj_in_uniq ?idxs_uniq // => l l' /idxs3 [p [r [a [-> _ _ _]]]] /idxs3 [p' [r' [a' [-> _ _ _]]]].
  by case=> -> -> ->.
move=> j; rewrite mem_filter; apply/andP/mapP => [[ej hj]|[l /idxs3 [p [r [a [-> hp hr ha]]]] ->]]; last first.
  rewrite pick_group eqxx; split=> //; rewrite mem_idxs /= andbT.
  by apply/and5P; split; apply/N.ltb_lt.
have hs := hj; rewrite mem_idxs in hs; have := inb_size hs; move: ej hs.
case: j hj => [|j0 [|j1 [|j2 [|j3 [|j4 [|? ?]]]]]] // hj; rewrite pick_group => /eqP [-> ->] hs _.
exists [:: j1; j2; j4] => //; move: hs; rewrite mem_idxs /= !andbT => /and5P [_ h1 h2 _ h4].
by rewrite h1 h2 h4.
Qed.

Lemma mean_group (F : idx -> R) b q : (b < n)%num -> (q < g)%num ->
  mean t ds F [:: b; q] = row_mean (in_group b q) F.
Proof.
move=> hb hq; rewrite /mean /row_mean sum_group // size_map size_idxs N_nat_Z; congr (_ / _).
Qed.

Let join (j : idx) : idx := match j with
  | [:: n0; p; q; g0; f] => [:: n0; p; q; (g0 * per + f)%num] | _ => j end.

Lemma join_group b q : [seq join j | j <- in_group b q] = group_cells h w per b q.
Proof. by rewrite /in_group /group_cells -map_comp. Qed.

Lemma group_norm_cells eps (x : tensor R) b p r f : (b < n)%num -> (f < c)%num ->
  group_norm n h w c g eps x [:: b; p; r; f]
  = (x [:: b; p; r; f] - row_mean (group_cells h w per b (f / per)) x)
    / Num.sqrt (row_var (group_cells h w per b (f / per)) x + eps).
Proof.
move=> hb hf; have ec := groups_size divided; rewrite -/per in ec.
have pos : (0 < per)%num by move: hf; rewrite -ec; case: per => //; rewrite N.mul_0_r; lia.
have hq : (f / per < g)%num by apply: N.div_lt_upper_bound; [lia|rewrite N.mul_comm ec].
rewrite /group_norm -/per /normalize /centred /deviation /variance pick_group !mean_group //.
have em : row_mean (in_group b (f / per)) (fun j => x (join j)) = row_mean (group_cells h w per b (f / per)) x.
  by rewrite /row_mean -join_group size_map big_map.
rewrite -/join.
have -> : (f / per * per + f mod per)%num = f by rewrite N.mul_comm -N.div_mod //; lia.
rewrite em; congr (_ / Num.sqrt (_ + _)); rewrite /row_mean /row_var -join_group size_map big_map.
congr (_ / _); apply: eq_big_seq => j /mapP [l _ ->].
by rewrite /centred pick_group mean_group // em join_group.
Qed.
End Formula.

Section Value.
Variables (R : realType) (V : normedModType R) (x0 : V) (fraction batch h w c g : N) (eps_n : Z) (eps_d : positive).
Notation holds := (holds_fixed x0).
Notation ball := (@ball R).
Let per := N.div c g.

Lemma numbers_sound (X : V -> tensor R) x l zs : holds X x -> numbers x l = Some zs -> all (fun j => (0 < size j)%nat) l ->
  List.Forall2 (fun j z => continuous_at x0 (fun v => X v j) /\ ball (f_exponent x) (f_radius x) z (X x0 j)) l zs.
Proof.
move=> hX; elim: l zs => [|j l ih] zs /=; first by case=> <-; constructor.
case hl: look => [[m r]|] //; case: ifP => // hk; case hn: numbers => [zs'|] //= [<-] /andP [hj hall].
constructor; last exact: ih.
have [cj vj _ _] := hX.2 _ _ hl _ hk; rewrite /= Nnat.N2Nat.id in cj vj.
have ej : rcons (lead j) (last 0%num j) = j.
  by case/lastP: j hj {hl hk cj vj} => // j a _; rewrite last_rcons lead_rcons.
by rewrite ej in cj vj.
Qed.

Lemma numbers_In x l zs j m r : numbers x l = Some zs -> List.In j l -> look (f_table x) (lead j) = Some (m, r) ->
  List.In (nth 0%Z r (N.to_nat (last 0%num j))) zs.
Proof.
elim: l zs => //= j' l ih zs; case hl: look => [[m' r']|] //; case: ifP => // _.
case hn: numbers => [zs'|] //= [<-] [e|hj] hk; last by right; exact: ih hn hj hk.
by left; move: hl; rewrite e hk => -[_ ->].
Qed.

Lemma greatest_radius (l : seq (row * feature)) s : List.In s l ->
  (ft_radius s.2 <= foldr (fun s r => Z.max (ft_radius s.2) r) 0 l)%Z.
Proof. by elim: l => //= a l ih [->|/ih]; lia. Qed.

Lemma In_flatten (T : Type) (ll : seq (seq T)) l a : List.In a l -> List.In l ll -> List.In a (flatten ll).
Proof.
by move=> ha; elim: ll => //= l' ll ih [->|/ih hl]; apply: List.in_or_app; [left|right].
Qed.

Lemma group_norm_value_sound (X : V -> tensor R) x y : holds X x ->
  group_norm_value fraction batch h w c g eps_n eps_d x = Some y ->
  holds (fun v => group_norm batch h w c g (rational R eps_n eps_d) (X v)) y.
Proof.
move=> hX; rewrite /group_norm_value; case hd: Layer.divides => //; case ha: gather => [allg|] // [<-].
have [sz of_b] := gather_sound ha; rewrite size_iota in sz of_b.
split=> [|i en /=]; first by rewrite /=; elim: (flatten _) => //= *; lia.
apply: look_tabulate => k model {}i {}en /In_mem /idxs3 [b [p [r [-> hb hp hr]]]] _.
case hl: look => [[m zs]|] //; case: ifP => // /N.eqb_eq hc [<-]; apply: at_entry_own => j.
rewrite size_map size_zip size_iota minnn => hj.
have hf : (N.of_nat j < c)%num by move/ssrnat.ltP: hj; lia.
have ec := groups_size hd; rewrite -/per in ec.
have pos : (0 < per)%num by move: hf; rewrite -ec; case: per => //; rewrite N.mul_0_r; lia.
have hq : (N.of_nat j / per < g)%num by apply: N.div_lt_upper_bound; [lia|rewrite N.mul_comm ec].
have hb' : (N.to_nat b < N.to_nat batch)%nat by apply/ssrnat.ltP; lia.
have := of_b (N.to_nat b) [::] hb'; rewrite nth_iota // add0n Nnat.N2Nat.id; set groups := nth [::] allg _.
move=> hgroups; have [sg of_q] := gather_sound hgroups; rewrite size_iota in sg of_q.
have hq' : (N.to_nat (N.of_nat j / per) < N.to_nat g)%nat by apply/ssrnat.ltP; lia.
have := of_q _ ([::], Feature 0 0 0 0) hq'; rewrite nth_iota // add0n Nnat.N2Nat.id /group_stats.
case hn: numbers => [ys|] //=; case hs: statistics => [ft|] //= [eft].
have hF := numbers_sound hX hn; set L := group_cells _ _ _ _ _ in hn hF.
have {}hF := hF (_ : all _ L); have {}hF := hF ltac:(by rewrite /L /group_cells all_map; apply/allP).
have [cj vj _ _] := hX.2 _ _ hl j hj; rewrite /= in cj vj.
rewrite (nth_map (0%Z, 0%nat)) ?size_zip ?size_iota ?minnn // nth_zip ?size_iota // nth_iota // add0n /= -/per -/groups.
rewrite -eft.
have hm : (N.of_nat j mod per < per)%num by apply: N.mod_lt; lia.
have in_cell : List.In (nth 0%Z zs j) ys.
  have := @numbers_In x L ys [:: b; p; r; N.of_nat j] m zs hn; rewrite /= Nnat.Nat2N.id; apply; last by [].
  apply/In_mem/mapP; exists [:: p; r; (N.of_nat j mod per)%num].
    by rewrite mem_idxs /= andbT; apply/and3P; split; apply/N.ltb_lt.
  rewrite /=.
  by rewrite N.mul_comm -N.div_mod //; lia.
have [l hin||cont val] := @standard_sound _ _ x0 _ L (fun v l => X v l) fraction eps_n eps_d
    (f_exponent x) (f_radius x) ys ft (nth 0%Z zs j) (fun v => X v [:: b; p; r; N.of_nat j]) _ _ hs cj vj in_cell.
- by have [e _ []] := Forall2_In hF hin.
- by apply: Forall2_weaken hF => l e [].
have form v : group_norm batch h w c g (rational R eps_n eps_d) (X v) [:: b; p; r; N.of_nat j] = _ :=
  group_norm_cells h w hd (rational R eps_n eps_d) (X v) p r hb hf.
split; first by apply: continuous_near cont; apply: nearW => v; rewrite form.
rewrite form; apply: ball_weaken val; apply: (greatest_radius (s := (ys, ft))).
apply: (@In_flatten _ _ groups).
  by rewrite eft; apply: In_nth; rewrite sg.
by rewrite /groups; apply: In_nth; rewrite sz.
Qed.
End Value.
