(** * Exact values of a network at a point

    Layers that are sums, products and maxima of stored numbers, computed in
    integers: a tensor is an exponent [e] and integers [z], which stand for
    [z / 2^e]. It is kept by rows, the last dimension; each row says which other
    row is the same function of the parameters, such as the places of an image
    that see the same background. Rows that a 0 multiplies are not looked at.
    Whatever else there is has no value, and no kink may depend on it.
    [ExactSound.v] proves it.

    Glossary
      - [row], [entry], [table]  integers; with the index of a row, its model,
                         that is equal to it near the point; all rows, by index
      - [fixed]          a tensor; [f_rectified]: where it is 0, it stays so
      - [tabulate]       a table, row after row; equal rows are found by a hash
      - [combine], [row_times]  a row, rows times a matrix
      - [decode]         stored numbers at a common exponent
      - [layer_value]    a layer
      - [problem]        why a kink's condition does not follow
      - [walk], [problems_at]  all of a chain, of a network *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String FMapPositive.
From Cotangent Require Import Ir Index Number Spec Meaning Images Steps Floats.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** ** Tables *)
Definition row := seq Z.
Definition entry := (idx * row)%type.
Definition table := PositiveMap.t (idx * entry).
Record fixed := Fixed { f_exponent : N; f_table : table; f_rectified : bool }.

(** Different for the indices of a tensor with no dimension above 4096; were
    they not, a row would be missing. *)
Definition key (i : idx) : N := foldl (fun k d => 4096 * k + d)%num 0%num i.

Definition look (t : table) (i : idx) : option entry :=
  if get t (key i) is Some (j, e) then if i == j then Some e else None else None.

Section Tabulate.
Variables (A : Type) (at_ : A -> idx) (hash : A -> N).
Variable f : table -> option idx -> A -> option entry.

Definition visit (st : table * PositiveMap.t idx) (a : A) : table * PositiveMap.t idx :=
  let h := hash a in let model := get st.2 h in
  if f st.1 model a is Some e then
    (set (key (at_ a)) (at_ a, e) st.1, if model is None then set h (at_ a) st.2 else st.2)
  else st.

Definition tabulate (l : seq A) : table :=
  (foldl visit (PositiveMap.empty _, PositiveMap.empty _) l).1.
End Tabulate.

Definition has_length (n : N) (r : row) : bool := N.eqb (N.of_nat (size r)) n.

(** ** Numbers *)
Fixpoint least (w : words) (n : N) : N := match w with
| Done => n
| F a b c d w' =>
    least w' (if float32 a b c d is Some (m, e) then if Z.eqb m 0 then n else N.min n e else n)
end.

(** The exponent [e0] that all have, at most 150. *)
Definition scale (l : literal) : N :=
  N.min 150 (foldl (fun n w => least w n) 150%num (l_rows l)).
Definition exponent_of (l : literal) : N := (150 - scale l)%num.

Fixpoint decode (e0 : N) (w : words) : row := match w with
| Done => [::]
| F a b c d w' =>
    if float32 a b c d is Some (m, e) then
      if Z.eqb m 0 then 0%Z :: decode e0 w'
      else if N.leb e0 e then Z.shiftl m (Z.of_N (e - e0)) :: decode e0 w' else [::]
    else [::]
end.

Fixpoint axpy (x : Z) (w acc : row) : row := match w, acc with
| a :: w', y :: acc' => Z.add y (Z.mul a x) :: axpy x w' acc'
| _, _ => [::]
end.

(** [acc + xs · ws] *)
Fixpoint combine (W : Type) (dec : W -> row) (xs : row) (ws : seq W) (acc : row) : row :=
match xs, ws with
| [::], _ => acc
| x :: xs', w :: ws' => combine dec xs' ws' (if Z.eqb x 0 then acc else axpy x (dec w) acc)
| _ :: _, [::] => [::]
end.

(** The same of several rows: the matrix is decoded once. *)
Definition row_times (once : bool) (e0 : N) (ws : seq words) (acc : row) : row -> row :=
  if once then fun xs => combine (decode e0) xs ws acc
  else let decoded := [seq decode e0 w | w <- ws] in fun xs => combine id xs decoded acc.

Fixpoint zip_with (f : Z -> Z -> Z) (a b : row) : row := match a, b with
| x :: a', y :: b' => f x y :: zip_with f a' b'
| _, _ => [::]
end.

Definition align (k : N) (r : row) : row :=
  if N.eqb k 0 then r else [seq Z.shiftl z (Z.of_N k) | z <- r].

(** A bias has an exponent of its own. *)
Definition out_exponent (e : N) (bias : option (N * row)) : N :=
  if bias is Some (eb, _) then N.max e eb else e.
Definition out_row (e : N) (bias : option (N * row)) (r : row) : row :=
  if bias is Some (eb, b) then
    let e' := N.max e eb in zip_with Z.add (align (e' - e) r) (align (e' - eb) b)
  else r.

(** ** Layers *)
Section Exact.
Variables (batch : N) (pt : point).

Definition literal_at (k : N) (s : shape) : option literal :=
  let fits l := [&& N.eqb (l_value l) k, l_shape l == s
                  & N.eqb (N.of_nat (size (l_rows l))) (size_of (lead s))] in
  if filter fits pt is l :: _ then Some l else None.

Definition bias_at (k m : N) : option (option (N * row)) :=
  if literal_at k [:: m] is Some l then
    if l_rows l is w :: _ then Some (Some (exponent_of l, decode (scale l) w)) else None
  else None.

Definition rows_of (s : shape) : seq idx := idxs (lead s).

(** The data. *)
Definition row_hash (a : idx * row) : N :=
  if a.1 is [:: _; _; _] then foldl (fun h z => 4294967296 * h + Z.abs_N z)%num 1%num a.2 else key a.1.
Definition data_value (k : N) (s : shape) : option fixed :=
  if literal_at k s is Some l then
    let e0 := scale l in
    let f (t : table) model (a : idx * row) := Some (
      if model is Some j then
        if look t j is Some (m, r) then if list_eqb Z.eqb a.2 r then (m, r) else a else a
      else a) in
    Some (Fixed (exponent_of l)
      (tabulate fst row_hash f (zip (rows_of s) [seq decode e0 w | w <- l_rows l])) false)
  else None.

Definition dense (n m : N) (w : literal) (bias : option (N * row)) (x : fixed) : fixed :=
  let e := (f_exponent x + exponent_of w)%num in let zeros := nseq (N.to_nat m) 0%Z in
  let times := row_times (N.leb batch 1) (scale w) (l_rows w) zeros in
  let f (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (_, r) then
      if has_length n r then Some (i, out_row e bias (times r)) else None
    else None in
  Fixed (out_exponent e bias) (tabulate id key f (rows_of [:: batch; m])) false.

Definition relu (s : shape) (x : fixed) : fixed :=
  let f (_ : table) (_ : option idx) i :=
    if look (f_table x) i is Some (model, r) then
      if has (Z.eqb 0) r then None else Some (model, [seq Z.max z 0 | z <- r])
    else None in
  Fixed (f_exponent x) (tabulate id key f (rows_of s)) true.

(** Of the images of [x], what place [i] of a convolution sees by the cell
    [p, q] of the kernel. *)
Section Conv.
Variables (h w c m : N) (v u : Layer.window) (k : literal) (bias : option (N * row)) (x : fixed).
Let cells := idxs [:: Layer.k_size v; Layer.k_size u].

Definition seen (i : idx) (p q : N) : option idx :=
  let r := reach v (nth 0%num i 1) p in let s := reach u (nth 0%num i 2) q in
  if [&& Z.leb 0 r, Z.ltb r (Z.of_N h), Z.leb 0 s & Z.ltb s (Z.of_N w)]
  then Some [:: nth 0%num i 0; Z.to_N r; Z.to_N s] else None.

Definition seen_row (i : idx) (p q : N) : option (option entry) :=
  if seen i p q is Some j then
    if look (f_table x) j is Some e then if has_length c e.2 then Some (Some e) else None else None
  else Some None.

Definition whole (i : idx) : bool := all (fun l => seen_row i (nth 0%num l 0) (nth 0%num l 1)) cells.
Definition models (i : idx) : seq (option idx) :=
  [seq if seen_row i (nth 0%num l 0) (nth 0%num l 1) is Some (Some e) then Some e.1 else None | l <- cells].
Definition pixels (box : seq idx) (i : idx) : row :=
  [seq if seen_row i (nth 0%num l 0) (nth 0%num l 1) is Some (Some e)
       then nth 0%Z e.2 (N.to_nat (nth 0%num l 2)) else 0%Z | l <- box].
Definition models_hash (i : idx) : N :=
  foldl (fun n o => 1099511627776 * n + if o is Some j then key j + 1 else 0)%num 1%num (models i).

Definition conv : fixed :=
  let e := (f_exponent x + exponent_of k)%num in let zeros := nseq (N.to_nat m) 0%Z in
  let e0 := scale k in let ws := [seq decode e0 w | w <- l_rows k] in
  let box := idxs [:: Layer.k_size v; Layer.k_size u; c] in
  let direct i := Some (i, out_row e bias (combine id (pixels box i) ws zeros)) in
  let f (t : table) (model : option idx) i :=
    if whole i then
      if model is Some j then if whole j && (models i == models j) then look t j else direct i
      else direct i
    else None in
  Fixed (out_exponent e bias)
    (tabulate id models_hash f (idxs [:: batch; Layer.places v h; Layer.places u w])) false.
End Conv.

(** Rows of length [c]; [None] if one is missing. *)
Fixpoint all_rows (c : N) (x : fixed) (l : seq idx) : option (seq entry) := match l with
| [::] => Some [::]
| i :: l' =>
    if look (f_table x) i is Some e then
      if has_length c e.2 then omap (cons e) (all_rows c x l') else None
    else None
end.

Definition window_rows (h w c : N) (v u : Layer.window) (x : fixed) (i : idx) : option (seq entry) :=
  all_rows c x [seq [:: nth 0%num i 0; p.1; p.2]
               | p <- window_cells h w v u (nth 0%num i 1) (nth 0%num i 2)].

Definition max_pool (h w c : N) (v u : Layer.window) (x : fixed) : fixed :=
  let f (_ : table) (_ : option idx) i :=
    if window_rows h w c v u x i is Some (e :: es)
    then Some (i, foldr (fun e r => zip_with Z.max e.2 r) e.2 es) else None in
  Fixed (f_exponent x) (tabulate id key f (idxs [:: batch; Layer.places v h; Layer.places u w])) false.

Definition flatten_rows (s : shape) (x : fixed) : fixed :=
  let places := idxs (lead s) in
  let f (_ : table) (_ : option idx) (i : idx) :=
    omap (fun es => (i, flatten [seq e.2 | e <- es]))
      (all_rows (last 0%num s) x [seq i ++ l | l <- places]) in
  Fixed (f_exponent x) (tabulate id key f (idxs [:: batch])) false.

Definition layer_value (l : Layer.t) (s : shape) (ps : seq N) (x : fixed) : option fixed :=
match l, s, ps with
| Layer.Dense m true, [:: n], [:: w; b] =>
    if (literal_at w [:: n; m], bias_at b m) is (Some w, Some b) then Some (dense n m w b x) else None
| Layer.Dense m false, [:: n], [:: w] =>
    if literal_at w [:: n; m] is Some w then Some (dense n m w None x) else None
| Layer.Pointwise Layer.Relu, _, _ => Some (relu (batch :: s) x)
| Layer.Conv2d m v u g true, [:: h; w; c], [:: k; b] =>
    if (N.eqb g 1, literal_at k [:: Layer.k_size v; Layer.k_size u; c; m], bias_at b m)
      is (true, Some k, Some b) then Some (conv h w c m v u k b x) else None
| Layer.Conv2d m v u g false, [:: h; w; c], [:: k] =>
    if (N.eqb g 1, literal_at k [:: Layer.k_size v; Layer.k_size u; c; m])
      is (true, Some k) then Some (conv h w c m v u k None x) else None
| Layer.MaxPool v u, [:: h; w; c], _ => Some (max_pool h w c v u x)
| Layer.Flatten, d :: s', _ => Some (flatten_rows (d :: s') x)
| _, _, _ => None
end.

(** ** Kinks *)

(** Layer and entry of its input; layer and place of the window; a layer whose
    input has no exact value. *)
Inductive problem := OnKink of string & idx & Z | Tied of string & idx | NotExact of string.

Definition point_problems (name : string) (s : shape) (z : Z) (x : fixed) : seq problem :=
  let target := Z.shiftl z (Z.of_N (f_exponent x)) in
  flatten [seq
    if look (f_table x) i is Some (_, r) then
      if has_length (last 0%num s) r then
        if has (Z.eqb target) r then [:: OnKink name (rcons i (N.of_nat (find (Z.eqb target) r))) z]
        else [::]
      else [:: NotExact name]
    else [:: NotExact name] | i <- rows_of s].

(** Rows that are equal nearby, or differ everywhere but where they stay 0. *)
Definition apart (zero_stays : bool) (a b : entry) : bool :=
  (a.1 == b.1) || all (fun q => (zero_stays && Z.eqb q.1 0) || ~~ Z.eqb q.1 q.2) (zip a.2 b.2).

Definition tie_problems (name : string) (n h w c : N) (v u : Layer.window) (x : fixed) : seq problem :=
  flatten [seq
    if window_rows h w c v u x i is Some es then
      if all (fun a => all (apart (f_rectified x) a) es) es then [::] else [:: Tied name i]
    else [:: NotExact name] | i <- idxs [:: n; Layer.places v h; Layer.places u w]].

Variable ks : seq kink.

Definition layer_of (k : kink) : string := match k with KinkAt n _ _ | TiesAt n _ _ | MeetAt n => n end.

(** Of the layer [name], whose input is [x]. *)
Definition layer_problems (name : string) (s : shape) (x : option fixed) : seq problem :=
  flatten [seq
    if x is Some x then match k, s with
      | KinkAt _ _ z, _ => point_problems name s z x
      | TiesAt _ v u, [:: n; h; w; c] => tie_problems name n h w c v u x
      | TiesAt _ _ _, _ => [::]
      | MeetAt _, _ => [:: NotExact name]
      end
    else [:: NotExact name] | k <- ks & String.eqb (layer_of k) name].

(** No kink of the list has this name; none is in the chain. *)
Definition nameless (name : string) : bool := all (fun k => ~~ String.eqb (layer_of k) name) ks.
Fixpoint idle (c : chain) : bool := match c with
| End => true
| Next name _ c' | Join name _ c' => nameless name && idle c'
| Branch a c' | Again _ _ a c' => idle a && idle c'
end.

(** What is wrong, and the value, if it is needed. [ready] are the shapes of the
    branches that wait; what they are joined to has no exact value. *)
Fixpoint walk (need : bool) (c : chain) (ready : seq shape) (s : shape) (p0 m0 : N) (x : option fixed)
    : seq problem * option fixed := match c with
| End => ([::], x)
| Next name l c' =>
    let here := layer_problems name (batch :: s) x in
    if ~~ need && idle c' then (here, None) else
    let: (rest, y) := walk need c' ready (odflt [::] (Layer.output l s)) (past p0 (Layer.params l s))
      (past m0 (Layer.masks l s)) (obind (layer_value l s (own_values l s p0 (Masks m0))) x) in
    (here ++ rest, y)
| Branch a c' =>
    let: (pa, _) := walk false a [::] s p0 m0 x in
    let: (pc, y) := walk need c' (rcons ready (odflt [::] (output_shape a [::] s))) s
      (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) x in
    (pa ++ pc, y)
| Join name j c' =>
    let: (pc, y) := walk need c' [::] (odflt [::] (joined_shape j ready)) p0 m0 None in
    ((if nameless name then [::] else [:: NotExact name]) ++ pc, y)
| Again p _ a c' =>
    let: (pa, _) := walk false a [::] s p m0 x in
    let: (pc, y) := walk need c' ready (odflt [::] (output_shape a [::] s)) p0
      (past m0 (masks_in a [::] s)) None in
    (pa ++ pc, y)
end.
End Exact.

Definition problems_at (net : spec) (opts : options) (pt : point) : seq problem :=
  let batch := batch_size opts in
  (walk batch pt (kinks_of net) false (layers net) [::] (input_shape net) 0 (masks_at net (which opts))
    (data_value pt (data_at net (which opts)) (batch :: input_shape net))).1.
