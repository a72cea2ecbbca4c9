(** * The check that a certificate runs

    A boolean about a specification, options, a StableHLO module and a list of
    kinks: the module is, up to value numbering, the expected step. What
    follows when it is true is [check_sound] in [Main.v]; nothing here has to be
    believed.

    Glossary
      - [shapes]          the shape of every value, as a finite map; [shapes_from]
                          makes one, [shape_in], [has_shape] read it
      - [well_formed]     [Ir.wf] by finite maps, so that it is near linear;
                          gives the shapes of all values
      - [is_interface]    names, roles and shapes of arguments or results are these
      - [port_eqb], [window_eqb], [kink_eqb]  are equal
      - [same_value], [same_values]  results of two programs have the same numbers,
                          and their shapes
      - [reverse_ok]      what reverse mode asks of the forward pass
      - [check]           the whole check *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Grad Gradient.
From Cotangent Require Import Stablehlo Raise Interface Spec Meaning Optimizer Features Steps Number Canonical.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Well-formedness *)

Definition shapes := PositiveMap.t shape.
Definition shape_in (m : shapes) (j : N) : shape := odflt [::] (get m j).

Definition has_shape (m : shapes) (a : N * shape) : bool :=
  if get m a.1 is Some s then shape_eqb s a.2 else false.

Fixpoint well_formed (p : prog) (k : N) (m : shapes) : option shapes :=
  if p is (d, o) :: p' then
    let s := oshape o in
    (* computed by now, so that lazy reduction need not keep [m] for it *)
    let forced := if s is [::] then true else true in
    if [&& N.eqb d k, op_ok o, all (fun a => N.ltb a.1 k && has_shape m a) (oargs o) & forced]
    then well_formed p' (N.succ k) (set k s m) else None
  else Some m.

Fixpoint shapes_from (k : N) (l : seq shape) : shapes :=
  if l is s :: l' then set k s (shapes_from (N.succ k) l') else PositiveMap.empty _.

(** ** Equality *)

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

(** What reverse mode asks of the forward pass. *)
Definition reverse_ok (net : spec) (nin : N) (m : shapes) (x : expected) : bool :=
  let g := x_graph x in let past := next_id nin (x_back x) in
  [&& all (fun j => N.ltb j past) (x_grads x), N.eqb (nin + N.of_nat (size (g_prog g))) (N.succ (g_loss g)),
      params_in_order (shape_in m) nin (numbered_params net),
      targets_fixed (g_prog g) (ids (numbered_params net)) & N.ltb 0 (total (numbered_params net))].

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
