From Cotangent Require Import Index Raise Grad Number.

(** Arguments of both programs, of these shapes: operands, then the cotangent
    of the result. Whether what [grad] makes of [p] and its result [out], in the
    operands [wrt], is what [q] computes as [outputs]. *)
Definition agree_programs (shapes : seq shape) (p : prog) (out : N) (q : prog) (outputs wrt : seq N)
    : bool :=
  let shape k := nth [::]%SEQ shapes (N.to_nat k) in
  let nin := N.of_nat (size shapes) in
  let ct := N.pred nin in
  let base := (nin + N.of_nat (size p))%num in
  let: (code, gradients) := grad p base out (map (fun k => (k, shape k)) wrt) in
  let whole := (p ++ (base, Reshape (shape ct) (shape ct) ct) :: code)%SEQ in
  if number_two nin whole q is Some (mine, theirs) then
    [&& wf whole nin shape, wf q nin shape
      & list_eqb N.eqb (map (number_of mine) gradients) (map (number_of theirs) outputs)]
  else false.

(** The same of modules, and that the forward pass has an op of this name. *)
Definition agree (name : string) (forward gradient : module) (wrt : seq N) : bool :=
  if (raise forward, raise gradient) is (Some f, Some g) then
    let types (r : raised) := map s_type (r_arguments r) in
    if r_outputs f is [:: out]%SEQ then
      has (fun i => has (String.eqb name) (op_names i.2)) (r_program f)
      && (types f == types g)
      && agree_programs (map t_shape (types f)) (r_program f) out (r_program g) (r_outputs g) wrt
    else false
  else false.
