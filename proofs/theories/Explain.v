(** * Why there is no certificate

    [explain net opts m]: the first difference between the module and the
    expected step, in words. It only speaks when [check] has said no; nothing
    is concluded from it.

    Both programs are numbered into one table, as in [Check.v]. A value of the
    file that is used but is not in the expected step's part of the table does
    not match; what is missing is the first value of the expected step that the
    file does not compute although it has its operands. It need not be what the
    instruction that does not match was.

    Glossary
      - [mark]         the number at which a part of the expected step starts,
                       and the part's name; marks are listed last first
      - [line]         an instruction of [@main]: position, itself, and the
                       value of the program that it became
      - [used]         numbers on which results depend
      - [op_text]      an op in words; contractions by their indices
      - [difference]   the first difference in the programs *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith FMapPositive String Ascii.
From Cotangent Require Import Ir Stablehlo Stablehlo_types Raise Printer Spec Meaning Grad Optimizer Features.
From Cotangent Require Import Steps Number Interface Check.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.

Definition quoted (s : string) : string := text [:: "`"; s; "`"].

(** ** Parts of the expected step *)

Definition mark := (N * string)%type.
Definition part_at (marks : seq mark) (d : N) : string :=
  odflt "" (ohead [seq a.2 | a <- marks & N.leb a.1 d]).

Definition the_loss : string := "the loss".
Definition layer_text (name : string) : string :=
  if String.eqb name the_loss then name else "layer " ++ name.
Definition layer_of (g : graph) (d : N) : string :=
  layer_text (odflt "" (ohead [seq a.2 | a <- g_origin g & N.eqb a.1 d])).

Definition forward_marks (g : graph) : seq mark :=
  rev [seq (i.1, layer_of g i.1) | i <- g_prog g].

(** The instructions that [back] emits for each instruction. *)
Definition backward_marks (g : graph) (params : seq (N * shape)) : seq mark :=
  let base := N.succ (g_loss g) in
  let start := St (N.succ base) [::] (aset aempty (g_loss g) base) in
  let step i (r : st * seq mark) :=
    (vstep i r.1, (nx r.1, layer_of g i.1 ++ ", backwards") :: r.2) in
  let: (s, marks) := foldr step (start, [:: (base, the_loss ++ ", backwards")]) (g_prog g) in
  (nx s, "parameters that the loss does not depend on") :: marks.

Fixpoint parameter_marks (spared : bool) (o : optimizer) (scalars lr : N) (ps : seq (string * trained)) (k : N)
    : seq mark :=
  if ps is (name, p) :: ps' then
    let c := (update_one (rule_for spared o (p_shape p)) scalars lr (p_shape p) (p_value p) (p_grad p) (p_slots p) k).1 in
    rcons (parameter_marks spared o scalars lr ps' (next_id k c)) (k, "the update of " ++ name)
  else [::].

Definition update_marks (net : spec) (o : optimizer) (f : features) (grads : seq N) (k : N) : seq mark :=
  let powers := powers_at net o in
  let names := [seq q.1 | q <- net_params net] in
  rcons
    (parameter_marks (spared f) o k (rate_at net (Train o f)) (zip names (trained_params net o grads))
       (next_id k (update_scalars o powers k).1))
    (k, "the optimiser").

(** Where each stage of the update starts. *)
Fixpoint starts (k : N) (stages : seq prog) : seq N :=
  if stages is c :: stages' then k :: starts (next_id k c) stages' else [:: k].

Definition marks_of (net : spec) (w : what) (x : expected) : seq mark :=
  let g := x_graph x in
  (if w is Train o f then
     let k := next_id (first_at net w) (x_back x) in
     let ks := starts k (update_stages net o f (x_grads x) k).1 in
     let at_stage j name := (nth 0%num ks j, name) in
     let rest := (size ks).-1 in
     let choice := if accumulate f is Some _ then [:: at_stage 4%nat "the choice by `apply`"] else [::] in
     (at_stage rest "the running statistics" :: choice)
     ++ at_stage 3 "the moving average of the parameters"
        :: update_marks net o f (x_grads x) (nth 0%num ks 2)
     ++ [:: at_stage 1%nat "the clipping of the gradient"; at_stage 0%nat "the accumulation of gradients"]
   else [::])%SEQ
  ++ backward_marks g (numbered_params net) ++ forward_marks g.

(** ** Ops in words *)
Section Words.
Variable name : N -> string.

(** Coordinates of the iteration are [i], [j], [k], .. *)
Definition letter (k : N) : string :=
  if N.ltb k 18 then String (ascii_of_N (105 + k)) "" else "i" ++ nat_text k.
Definition term_text (t : N * Z) : string :=
  (if Z.eqb t.2 1 then "" else int_text t.2) ++ letter t.1.
Definition form_text (a : aff) : string :=
  let base := if Z.eqb (aff_base a) 0 then [::] else [:: int_text (aff_base a)] in
  let parts := (base ++ map term_text (aff_terms a))%SEQ in
  if parts is [::] then "0" else String.concat "+" parts.
Definition map_text (m : imap) : string := text [:: "["; String.concat "," (map form_text m); "]"].

Definition rational_text (n : Z) (d : positive) : string :=
  int_text n ++ (if Pos.eqb d 1 then "" else "/" ++ nat_text (Npos d)).
Definition unary_name (u : unary) : string := match u with
| Neg => "negate" | Exp => "exponential" | Log => "log" | Sqrt => "sqrt" | Ir.Rsqrt => "rsqrt"
| Tanh => "tanh" | Logistic => "logistic" | Softplus => "softplus" | Ir.Relu => "relu"
| Abs => "abs" | Erf => "erf" | ErfGrad => "erf_grad"
| Elu n d => "elu " ++ rational_text n d
| Clamp n d m e => text [:: "clamp "; rational_text n d; " "; rational_text m e]
end.
Definition binary_name (b : binary) : string := match b with
| Add => "add" | Sub => "subtract" | Mul => "multiply" | Div => "divide" | Max => "maximum"
end.
Definition comparison_text (c : comparison) : string := match c with
| CEq => " = " | CGt => " > " | CGe => " >= "
end.
Definition shape_text (s : shape) : string := list_text s.

Definition op_text (o : op) : string := match o with
| Const s n d =>
    "constant " ++ rational_text n d
| Una _ u a => text [:: unary_name u; " "; name a]
| Bin _ b x y => text [:: binary_name b; " "; name x; ", "; name y]
| Sel _ c a b x y =>
    text [:: "select "; name x; " where "; name a; comparison_text c; name b; ", else "; name y]
| Contract box s f vs =>
    let read v := name (v_id v) ++ map_text (v_map v) in
    text [:: map_text f; if size box == size s then " = " else " = sum of ";
             String.concat " * " (map read vs)]
| Reshape _ _ a => "reshape " ++ name a
| Softmax _ a => "softmax " ++ name a
| SoftmaxCrossEntropy _ z t => text [:: "softmax_cross_entropy "; name z; ", "; name t]
| MaxPool _ _ k m a =>
    text [:: "maximum of "; name a; map_text m; " over windows "; shape_text k]
| MaxPoolGrad _ _ k m a ct =>
    text [:: "gradient of the maximum of "; name a; map_text m; " over windows "; shape_text k;
             " at "; name ct]
| Variance _ ds a => text [:: "variance of "; name a; " over "; list_text ds]
| Normalize _ ds n d a =>
    text [:: "normalize "; name a; " over "; list_text ds; ", epsilon "; rational_text n d]
end.
Definition shaped_text (o : op) : string := text [:: op_text o; ", of shape "; shape_text (oshape o)].
End Words.

(** ** The programs *)

(** What stands at each position of [@main], and the values of the graph that it
    became, its own first; how far it could be raised. *)
Definition line := (N * instruction * seq N)%type.
Definition value_of (l : line) : option N := ohead l.2.

Fixpoint raise_lines (m : module) (body : seq instruction) (k : N) (s : Raise.state) (done : seq line)
    : seq line * Raise.state * option (N * instruction) :=
  if body is i :: rest then
    if raise_instruction m i s is Some s' then
      let made := [seq (N.pred (st_next s') - N.of_nat j)%num
        | j <- iota 0 (N.to_nat (st_next s' - st_next s))] in
      raise_lines m rest (N.succ k) s' ((k, i, made) :: done)
    else (rev done, s, Some (k, i))
  else (rev done, s, None).

Definition place_text (k : N) : string := "%" ++ nat_text k.
Definition line_text (i : N * instruction) : string :=
  quoted (text [:: place_text i.1; " = "; application i.2]).

Definition numbers_set := PositiveMap.t bool.
Definition has_number (m : numbers_set) (k : N) : bool := isSome (get m k).
Definition add_numbers (l : seq N) (m : numbers_set) : numbers_set :=
  foldl (fun m k => set k true m) m l.

Definition results_of (i : instruction) : seq N :=
  pmap (fun v => if v is Res k then Some k else None) (i_operands i).

(** [entries], last first: users come before what they use. *)
Definition used (entries : prog) (roots : seq N) : numbers_set :=
  foldl (fun m i => if has_number m i.1 then add_numbers [seq a.1 | a <- oargs i.2] m else m)
    (add_numbers roots (PositiveMap.empty bool)) entries.

(** For each number the first value that has it. *)
Definition first_with (m : numbers) (values : seq (N * N)) : PositiveMap.t N :=
  foldr (fun v found => set (number_of m v.2) v.1 found) (PositiveMap.empty N) values.

Definition why_not_raised (m : module) (i : instruction) : string := match i_operation i with
| Call f =>
    if callee m f is Some _ then
      text [:: "@"; f; " is not the body of relu, softplus, erf_grad, elu, clamp, variance, normalize, ";
               "softmax, softmax_cross_entropy or the gradient of a convolution or pool at these types"]
    else text [:: "there is no private function @"; f]
| Unary ExponentialMinusOne | Unary LogarithmPlusOne | Binary Minimum | Binary Arctangent2 =>
    "it occurs in private functions only"
| Pad _ => "its padding is no constant 0, or its operands or its type do not fit"
| _ => "its operands or its type do not fit"
end.

Definition expected_text (words : seq string) : string := "expected: " ++ text words.

Section Difference.
Variables (net : spec) (opts : options) (m : module) (f : function) (x : expected).
Let w := which opts.
Let nin := first_at net w.
Let argument_names := [seq port_name a | a <- argument_ports net opts].

(** [found] is the number of a value of the file. *)
Definition difference (lines : seq line) (code : prog) (stuck : option (N * instruction))
    (outputs : seq N) : seq string :=
  if number (x_prog x) (no_entries nin) (PositiveMap.empty N) is Some (t, theirs) then
  if number code t (PositiveMap.empty N) is Some (t', mine) then
    let made := pmap (fun l : line => omap (fun d => (l.1.1, d)) (value_of l)) lines in
    let position := first_with mine made in
    let found := add_numbers (map (number_of mine) (flatten (map snd lines)))
      (PositiveMap.empty bool) in
    let origin := first_with theirs [seq (i.1, i.1) | i <- x_prog x] in
    let marks := marks_of net w x in
    let part k := if get origin k is Some d then part_at marks d else "the arguments" in
    let name k :=
      if N.ltb k nin then quoted (nth "" argument_names (N.to_nat k))
      else if get position k is Some p then place_text p
      else "a value of " ++ part k in
    let ops := foldl (fun ops i => set i.1 i.2 ops) (PositiveMap.empty op) (entries t') in
    let describe k :=
      if get ops k is Some o then text [:: shaped_text name o; ", in "; part k] else name k in
    let wanted := used (entries t) (map (number_of theirs) (x_results x)) in
    let computed k := N.ltb k nin || has_number found k in
    let missing := ohead [seq i.1 | i <- rev (entries t)
      & [&& has_number wanted i.1, ~~ computed i.1 & all (fun a => computed a.1) (oargs i.2)]] in
    let at_missing := if missing is Some k then [:: text [:: "missing: "; describe k]] else [::] in
    if stuck is Some i then
      [:: line_text i ++ " is not an instruction of this step: " ++ why_not_raised m i.2]
        ++ at_missing
    else
    let returned := used (entries t') (map (number_of mine) outputs) in
    let foreign (l : line) := if value_of l is Some d then N.leb (fresh t) (number_of mine d) else false in
    let proper (l : line) := isSome (value_of l) && ~~ foreign l in
    (* the zero that a matching reduction starts from is no value of the graph *)
    let starts := add_numbers (flatten [seq results_of l.1.2 | l <- lines & proper l])
      (PositiveMap.empty bool) in
    let blamed (l : line) := if value_of l is Some d then
        [&& foreign l, has_number returned (number_of mine d) & ~~ has_number starts l.1.1]
      else false in
    match [seq l.1 | l <- lines & blamed l], missing with
    | i :: _, Some _ => (line_text i ++ " does not match") :: at_missing
    | _, _ =>
        let results := zip (result_ports net opts) (zip (f_returns f) (zip (x_results x) outputs)) in
        let differ (r : port * (value * (N * N))) :=
          ~~ N.eqb (number_of theirs r.2.2.1) (number_of mine r.2.2.2) in
        if [seq r | r <- results & differ r] is (p, (v, (j, _))) :: _ then
          [:: text [:: "result "; quoted (port_name p); " is "; quoted (value_text v);
                       ", which does not match"];
              expected_text [:: let n := number_of theirs j in
                if computed n then text [:: name n; ", "; describe n] else describe n]]
        else [:: "no difference found"]
    end
  else [:: "the file uses a value before it is defined"]
  else [:: "the specification is not well formed"].

(** ** The interface *)

Definition port_text (p : port) : string :=
  text [:: quoted (port_name p); ", role "; quoted (port_role p); ", shape ";
           shape_text (port_shape p)].
Definition slot_text (s : slot) : string :=
  if port_of_slot s is Some p then port_text p else "one without name or role".

Fixpoint interface_difference (of_what : string) (k : N) (slots : seq slot) (ps : seq port)
    : seq string := match slots, ps with
| s :: slots', p :: ps' =>
    if is_interface [:: s] [:: p] then interface_difference of_what (N.succ k) slots' ps'
    else [:: text [:: of_what; " "; nat_text k; " of @main is "; slot_text s];
             expected_text [:: port_text p]]
| [::], p :: _ =>
    [:: text [:: "@main has no "; of_what; " "; nat_text k]; expected_text [:: port_text p]]
| s :: _, [::] =>
    [:: text [:: of_what; " "; nat_text k; " of @main is "; slot_text s];
        expected_text [:: "no such "; of_what]]
| [::], [::] => [::]
end.

Definition explain_main : seq string :=
  let arguments := interface_difference "argument" 0 (f_arguments f) (argument_ports net opts) in
  let results := interface_difference "result" 0 (f_results f) (result_ports net opts) in
  if (arguments ++ results)%SEQ is l :: ls then l :: ls
  else if ~~ all (fun a => is_float (s_type a)) (f_arguments f) then
    [:: "an argument of @main is not of floating point"]
  else
    let: (lines, s, stuck) := raise_lines m (f_body f) 0 (initial f) [::] in
    let outputs := all_some [seq obind real_of (Raise.find s v) | v <- f_returns f] in
    match stuck, outputs with
    | None, None => [:: "@main returns what is not a real value"]
    | None, Some l =>
        if map fst l == map s_type (f_results f)
        then difference lines (rev (st_code s)) None (map snd l)
        else [:: "@main returns values of other types than it says"]
    | _, _ => difference lines (rev (st_code s)) stuck [::]
    end.
End Difference.

Definition explain (net : spec) (opts : options) (m : module) : seq string :=
  if ~~ options_ok opts then [:: "the batch is empty, or a constant of the optimiser or of a feature is out of range"]
  else if expected_step net opts is Some x then
    if main_of m is Some f then explain_main net opts m f x
    else [:: "the file has no single public function @main"]
  else [:: "the layers of the specification do not fit each other"].
