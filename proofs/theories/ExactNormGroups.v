(** * Group norm on integers

    The entries of an example's group, over all places, have statistics of their
    own, as in [ExactNormRows.v]. Each is computed once.

    Glossary
      - [group_cells]    the entries of a group, [per] features at each place
      - [numbers]        what is there; [None] if something is missing
      - [group_stats], [example_stats]  the numbers of a group, and their feature;
                         those of an example, by group
      - [group_norm_value]  of all examples *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index SpecLayer ExactTable ExactNorm ExactNormRows.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Definition group_cells (h w per b q : N) : seq idx :=
  [seq [:: b; nth 0%num l 0; nth 0%num l 1; (q * per + nth 0%num l 2)%num] | l <- idxs [:: h; w; per]].

Fixpoint numbers (x : fixed) (l : seq idx) : option row := match l with
| [::] => Some [::]
| j :: l' =>
    if look (f_table x) (lead j) is Some (_, r) then
      let k := N.to_nat (last 0%num j) in
      if k < size r then omap (cons (nth 0%Z r k)) (numbers x l') else None
    else None
end.

Section Groups.
Variables (fraction batch h w c g : N) (eps_n : Z) (eps_d : positive) (x : fixed).
Let per := N.div c g.

Definition group_stats (b q : N) : option (row * feature) :=
  obind (fun zs => omap (pair zs) (statistics fraction eps_n eps_d (f_exponent x) (f_radius x) zs))
    (numbers x (group_cells h w per b q)).
Definition example_stats (b : N) : option (seq (row * feature)) :=
  gather (fun q => group_stats b (N.of_nat q)) (iota 0 (N.to_nat g)).

Definition group_norm_value : option fixed :=
  if (Layer.divides g c, gather (fun b => example_stats (N.of_nat b)) (iota 0 (N.to_nat batch)))
    is (true, Some all) then
    let one (groups : seq (row * feature)) (q : Z * nat) :=
      let: (zs, ft) := nth ([::], Feature 0 0 0 0) groups (N.to_nat (N.of_nat q.2 / per)) in
      standard (f_exponent x) zs ft q.1 in
    let f (_ : table) (_ : option idx) i :=
      if look (f_table x) i is Some (_, r) then
        if has_length c r then
          Some (i, [seq one (nth [::] all (N.to_nat (head 0%num i))) q | q <- zip r (iota 0 (size r))])
        else None
      else None in
    Some (Fixed fraction (tabulate id key f (idxs [:: batch; h; w])) false
      (foldr (fun s r => Z.max (ft_radius s.2) r) 0%Z (flatten all)))
  else None.
End Groups.

(** Two groups of one feature at two places: of 1 and 3 become -1 and 1, of 7 and 5
    the opposite; not as in one group, where the mean is 4. *)
Example two_groups :
  let rows i := match i with [:: _; _; 0%num] => [:: 1; 7]%Z | _ => [:: 3; 5]%Z end in
  let x := Fixed 0 (tabulate id key (fun _ _ i => Some (i, rows i)) (idxs [:: 1; 1; 2]%num)) false 0 in
  let near g i j v := if group_norm_value 64 1 1 2 2 g 0 1 x is Some y then
    if look (f_table y) i is Some (_, r) then
      Z.leb (Z.abs (nth 0%Z r j - Z.shiftl v 64)) (f_radius y) && Z.ltb (f_radius y) 16 else false else false in
  let first := [:: 0; 0; 0]%num in let second := [:: 0; 0; 1]%num in
  [&& near 2%num first 0%N (-1)%Z, near 2%num second 0%N 1%Z, near 2%num first 1%N 1%Z, near 2%num second 1%N (-1)%Z
    & ~~ near 1%num first 0%N (-1)%Z].
Proof. by vm_compute. Qed.
