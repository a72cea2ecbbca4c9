From Cotangent Require Import Index Raise Grad Number.

(** Arguments of both modules: operands, then the cotangent of the result.
    Whether what [grad] makes of [forward], in the operands [wrt], is what
    [gradient] returns. *)
Definition agree (forward gradient : module) (wrt : seq N) : bool :=
  if (raise forward, raise gradient) is (Some f, Some g) then
    let p := r_program f in
    let types (r : raised) := map s_type (r_arguments r) in
    let shape k := nth [::]%SEQ (map t_shape (types f)) (N.to_nat k) in
    let nin := N.of_nat (size (types f)) in
    let ct := N.pred nin in
    let base := (nin + N.of_nat (size p))%num in
    if r_outputs f is [:: out]%SEQ then
      let: (code, gradients) := grad p base out (map (fun k => (k, shape k)) wrt) in
      let whole := (p ++ (base, Reshape (shape ct) (shape ct) ct) :: code)%SEQ in
      let known k := shape k in
      if number_two nin whole (r_program g) is Some (mine, theirs) then
        [&& types f == types g, wf whole nin known, wf (r_program g) nin known
          & list_eqb N.eqb (map (number_of mine) gradients)
              (map (number_of theirs) (r_outputs g))]
      else false
    else false
  else false.
