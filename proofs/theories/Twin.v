(** * The executable twin of the meaning, over the rationals

    [Stablehlo_sem.v] again, op for op, with rational numbers, so that Coq can
    run a module: exponentials, logarithms, hyperbolic tangents, sigmoids, error
    functions and arctangents have no rational meaning here, square roots where
    they are rational. [TwinSound.v] proves that it computes
    the meaning; tests compare it with XLA.

    A tensor is tabulated as soon as it is computed, so that no element is
    computed twice.

    Glossary
      - [q_array]        a type and cells: rationals, booleans, or rationals and
                         minus infinity, which is [None]
      - [remember s f]   [f], tabulated on the index set of [s]
      - [q_op], [q_function], [q_meaning]  as in [Stablehlo_sem.v]
      - [q_input], [q_output]  cells from and to lists in row-major order *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import NArith ZArith QArith_base Qreduction Qabs String.
From Cotangent Require Import Ir Index Stablehlo Stablehlo_types Stablehlo_sem.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope nat_scope.

Inductive q_cells :=
| Rationals of (idx -> Q)
| Truths of (idx -> bool)
| Bounded of (idx -> option Q).    (** [None] is minus infinity *)
Record q_array := QArray { q_type : type; q_data : q_cells }.

Definition remember (T : Type) (d : T) (s : shape) (f : idx -> T) : idx -> T :=
  let indices := idxs s in
  let cells := map f indices in
  fun i => nth d cells (seq.index i indices).
Definition q_remember : shape -> (idx -> Q) -> idx -> Q := remember (0 # 1)%Q.

Definition q_sum (l : seq Q) : Q := foldr (fun x y => Qred (Qplus x y)) (0 # 1)%Q l.
Definition q_max (x y : Q) : Q := if Qle_bool x y then y else x.
Definition q_min (x y : Q) : Q := if Qle_bool x y then x else y.

(** The square root of a square. *)
Definition q_sqrt (q : Q) : option Q :=
  let: (n # d)%Q := Qred q in
  let root := (Z.sqrt n # Pos.sqrt d)%Q in
  if Qeq_bool (Qmult root root) q then Some root else None.

Definition q_unary (u : unary_op) (q : Q) : option Q := match u with
| Negate => Some (Qopp q)
| SquareRoot => q_sqrt q
| ReciprocalRoot => omap Qinv (q_sqrt q)
| AbsoluteValue => Some (Qabs q)
| Exponential | Logarithm | ExponentialMinusOne | LogarithmPlusOne
| HyperbolicTangent | Sigmoid | ErrorFunction => None
end.
Definition q_binary (b : binary_op) : option (Q -> Q -> Q) := match b with
| Addition => Some (fun x y => Qred (Qplus x y))
| Subtraction => Some (fun x y => Qred (Qminus x y))
| Multiplication => Some (fun x y => Qred (Qmult x y))
| Division => Some (fun x y => Qred (Qdiv x y))
| Maximum => Some q_max
| Minimum => Some q_min
| Arctangent2 => None
end.
Definition q_direction (d : direction) (x y : Q) : bool := match d with
| EQ => Qeq_bool x y
| GT => ~~ Qle_bool x y
| GE => Qle_bool y x
end.

Definition q_direction_bounded (d : direction) (x y : option Q) : bool := match x, y with
| Some a, Some b => q_direction d a b
| Some _, None => if d is EQ then false else true
| None, Some _ => false
| None, None => if d is GT then false else true
end.

Definition q_largest (l : seq Q) : Q := foldr q_max (head (0 # 1)%Q l) (behead l).

Definition rationals_of (x : q_array) : option (shape * (idx -> Q)) :=
  if q_data x is Rationals a then Some (t_shape (q_type x), a) else None.

Definition q_op (o : operation) (t : type) (xs : seq q_array) : option q_cells :=
  let s := t_shape t in
  match o, xs with
  | Constant l, [::] => match literal_value (t_element t) l with
    | Some (Finite n d) => Some (Rationals (fun _ => n # d)%Q)
    | Some MinusInfinity => Some (Bounded (fun _ => None))
    | None => None
    end
  | Unary u, [:: QArray _ (Rationals a)] =>
      omap (fun l => Rationals (fun i => nth (0 # 1)%Q l (seq.index i (idxs s))))
        (all_some [seq q_unary u (a i) | i <- idxs s])
  | Binary o, [:: QArray _ (Rationals a); QArray _ (Rationals b)] =>
      omap (fun f => Rationals (q_remember s (fun i => f (a i) (b i)))) (q_binary o)
  | Compare d, [:: QArray _ (Rationals a); QArray _ (Rationals b)] =>
      Some (Truths (remember false s (fun i => q_direction d (a i) (b i))))
  | Select, [:: QArray _ (Truths p); QArray _ (Rationals a); QArray _ (Rationals b)] =>
      Some (Rationals (q_remember s (fun i => if p i then a i else b i)))
  | DotGeneral d, [:: QArray ta (Rationals a); QArray tb (Rationals b)] =>
      let sa := t_shape ta in
      Some (Rationals (q_remember s (fun i =>
        q_sum [seq Qmult (a (lhs_index d sa i c)) (b (rhs_index d sa (t_shape tb) i c))
              | c <- idxs (pick sa (lhs_contracting d))])))
  | BroadcastInDim ds, [:: QArray ta (Rationals a)] =>
      Some (Rationals (q_remember s (fun i => a (broadcast_source ds (t_shape ta) i))))
  | Reduce ReduceAdd ds, [:: QArray ta (Rationals a); QArray _ (Rationals init)] =>
      if Qeq_bool (init [::]) (0 # 1)%Q then
        Some (Rationals (q_remember s (fun i =>
          q_sum [seq a r | r <- fibre (t_shape ta) ds i])))
      else None
  | Reduce ReduceMaximum ds, [:: QArray ta (Rationals a); QArray _ (Bounded init)] =>
      if ~~ init [::] && (0%num \notin pick (t_shape ta) ds) then
        Some (Rationals (q_remember s (fun i =>
          q_largest [seq a r | r <- fibre (t_shape ta) ds i])))
      else None
  | Transpose ds, [:: QArray ta (Rationals a)] =>
      Some (Rationals (q_remember s (fun i => a (transpose_source ds (t_shape ta) i))))
  | ReshapeOp, [:: QArray ta (Rationals a)] =>
      Some (Rationals (q_remember s (fun i => a (reshape_source (t_shape ta) s i))))
  | Convolution c, [:: QArray ta (Rationals a); QArray tb (Rationals b)] =>
      let sa := t_shape ta in let sb := t_shape tb in
      Some (Rationals (q_remember s (fun i =>
        q_sum [seq (if conv_lhs_index c sa sb i r is Some l
                    then Qmult (a l) (b (conv_rhs_index c sb i r)) else (0 # 1)%Q)
              | r <- idxs (conv_summed c sb)])))
  | Reverse ds, [:: QArray ta (Rationals a)] =>
      Some (Rationals (q_remember s (fun i => a (reverse_source ds (t_shape ta) i))))
  | ReduceWindow ReduceAdd ws, [:: QArray ta (Rationals a); QArray _ (Rationals init)] =>
      if Qeq_bool (init [::]) (0 # 1)%Q then
        Some (Rationals (q_remember s (fun i =>
          q_sum [seq a r | r <- slide_cells ws (t_shape ta) i])))
      else None
  | ReduceWindow ReduceMaximum ws, [:: QArray ta (Rationals a); QArray _ (Bounded init)] =>
      if ~~ init [::] && all_dims2 slide_meets ws (t_shape ta) s then
        Some (Rationals (q_remember s (fun i =>
          q_largest [seq a r | r <- slide_cells ws (t_shape ta) i])))
      else None
  | Pad ps, [:: QArray ta (Rationals a); QArray _ (Rationals fill)] =>
      Some (Rationals (q_remember s (pad ps (t_shape ta) a (fill [::]))))
  | Pad ps, [:: QArray ta (Rationals a); QArray _ (Bounded fill)] =>
      Some (Bounded (remember None s (pad ps (t_shape ta) (fun i => Some (a i)) (fill [::]))))
  | Slice ls, [:: QArray _ (Rationals a)] => Some (Rationals (q_remember s (slice ls a)))
  | Slice ls, [:: QArray _ (Bounded a)] => Some (Bounded (remember None s (slice ls a)))
  | Concatenate d, xs =>
      omap (fun xs => Rationals (q_remember s (concatenate (0 # 1)%Q d xs)))
        (all_some (map rationals_of xs))
  | Compare d, [:: QArray _ (Bounded a); QArray _ (Bounded b)] =>
      Some (Truths (remember false s (fun i => q_direction_bounded d (a i) (b i))))
  | Select, [:: QArray _ (Truths p); QArray _ (Bounded a); QArray _ (Bounded b)] =>
      Some (Bounded (remember None s (fun i => if p i then a i else b i)))
  | _, _ => None
  end.

(** ** Functions *)
Definition q_procedure := seq q_array -> option (seq q_array).

Definition q_lookup (args results : seq q_array) (v : value) : option q_array := match v with
| Arg n => List.nth_error args (N.to_nat n)
| Res n => List.nth_error results (N.to_nat n)
end.

Definition q_instruction (call : string -> q_procedure) (args results : seq q_array)
    (i : instruction) : option q_array :=
  let t := i_type i in
  obind (fun xs => match i_operation i with
    | Call f =>
        if call f xs is Some [:: y] then if q_type y == t then Some y else None else None
    | o => if fits o (map q_type xs) t then omap (QArray t) (q_op o t xs) else None
    end) (all_some (map (q_lookup args results) (i_operands i))).

Fixpoint q_body (call : string -> q_procedure) (args results : seq q_array)
    (body : seq instruction) : option (seq q_array) := match body with
| [::] => Some results
| i :: rest =>
    obind (fun x => q_body call args (rcons results x) rest) (q_instruction call args results i)
end.

Definition q_have_types (xs : seq q_array) (slots : seq slot) : bool :=
  map q_type xs == map s_type slots.

Definition q_function (call : string -> q_procedure) (f : function) : q_procedure := fun args =>
  if q_have_types args (f_arguments f) then
    obind (fun results =>
      obind (fun ys => if q_have_types ys (f_results f) then Some ys else None)
        (all_some (map (q_lookup args results) (f_returns f))))
      (q_body call args [::] (f_body f))
  else None.

Definition q_call (m : module) (name : string) : q_procedure :=
  if callee m name is Some f then q_function (fun _ _ => None) f else fun _ => None.

Definition q_meaning (m : module) : q_procedure :=
  if main_of m is Some f then q_function (q_call m) f else fun _ => None.

(** ** In and out *)
Definition q_input (t : type) (l : seq Q) : q_array :=
  QArray t (Rationals (fun i => nth (0 # 1)%Q l (seq.index i (idxs (t_shape t))))).

(** Numerators and denominators; booleans as 0 and 1; minus infinity has no
    number, and no result of a step has it. *)
Definition q_output (x : q_array) : seq (Z * positive) := match q_data x with
| Rationals a => [seq let q := Qred (a i) in (Qnum q, Qden q) | i <- idxs (t_shape (q_type x))]
| Truths p => [seq ((if p i then 1 else 0)%Z, 1%positive) | i <- idxs (t_shape (q_type x))]
| Bounded _ => [::]
end.

Definition q_run (m : module) (inputs : seq (seq Z)) : option (seq (seq (Z * positive))) :=
  obind (fun f =>
    let args := [seq q_input (s_type p.1) [seq (n # 1)%Q | n <- p.2]
                | p <- zip (f_arguments f) inputs] in
    omap (map q_output) (q_meaning m args)) (main_of m).
