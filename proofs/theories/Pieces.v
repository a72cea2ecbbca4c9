(** * The text of a module as Coq prints it

    Coq's own output of long strings and lists overflows its stack; so the text
    is printed in [pieces] of at most 400 bytes.

    Glossary
      - [groups n l]  [l] in lists of [n.+1]
      - [pieces m]    the lines of [m], each with its end, in groups of pieces *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import String Ascii.
From Cotangent Require Import Ir Literals Stablehlo Printer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Local Open Scope string_scope.

Fixpoint groups (T : Type) (fuel n : nat) (l : seq T) : seq (seq T) :=
  if fuel is fuel'.+1 then
    if drop n.+1 l is [::] then [:: l] else take n.+1 l :: groups fuel' n (drop n.+1 l)
  else [:: l].

Definition newline : string := String "010" EmptyString.
Definition line_pieces (line : string) : seq piece :=
  let l := list_byte_of_string (line ++ newline) in
  [seq of_bytes g | g <- groups (size l) 399 l].
Definition pieces (m : module) : seq (seq piece) :=
  let l := flatten [seq line_pieces line | line <- print m] in
  groups (size l) 49 l.

Lemma groups_flatten (T : Type) fuel n (l : seq T) : flatten (groups fuel n l) = l.
Proof.
elim: fuel l => [|fuel ih] l; first by rewrite /= cats0.
rewrite /groups -/groups; case E: drop => [|x l']; first by rewrite /= cats0.
by rewrite -E [LHS]/= ih cat_take_drop.
Qed.

Lemma string_of_bytes_cat a b :
  string_of_list_byte (a ++ b)%SEQ = string_of_list_byte a ++ string_of_list_byte b.
Proof. by elim: a => //= x a ih; congr String. Qed.

(** What is printed are the lines, each with its end. *)
Theorem pieces_text m :
  string_of_list_byte (flatten [seq bytes p | p <- flatten (pieces m)])
  = text [seq line ++ newline | line <- print m].
Proof.
rewrite /pieces groups_flatten; elim: (print m) => // line l ih.
rewrite /= map_cat flatten_cat string_of_bytes_cat ih; congr (_ ++ _).
rewrite /line_pieces -map_comp; set b := list_byte_of_string _.
have -> : [seq (bytes \o of_bytes) g | g <- groups (size b) 399 b] = groups (size b) 399 b.
  by rewrite -[RHS]map_id; apply: eq_map => g; exact: of_bytesK.
by rewrite groups_flatten string_of_list_byte_of_string.
Qed.
