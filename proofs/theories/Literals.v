(** * How Step.v writes strings and numbers

    A character of a [string] is nine constructors, a number a dozen, and Coq
    goes over all of them several times when it reads a literal or prints one.
    Where this file is imported, most bytes of a string come eight to a function,
    and a number is one function a digit; the literals mean what they always do.
    Nothing here is trusted: a module that was read wrongly prints as another
    file.

    Glossary
      - [piece]       some bytes; [bytes p] are they, and what Coq prints
                      between the quotation marks ([Pieces.v])
      - [of_bytes l]  the piece that is [l]
      - [byte_then], [eight_then]  a string with bytes before it
      - [digit_3 n]   the number whose digits are those of [n], then 3;
                      literals are [Decimal.uint], the last digit first *)
From Coq Require Import NArith String Ascii Init.Byte Decimal DecimalN.
From mathcomp Require Import all_ssreflect.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Inductive piece :=
| Nothing
| One of byte & piece
| Eight of byte & byte & byte & byte & byte & byte & byte & byte & piece.

Fixpoint bytes (p : piece) : list byte := match p with
| Nothing => [::]
| One a p => a :: bytes p
| Eight a b c d e f g h p => [:: a, b, c, d, e, f, g, h & bytes p]
end.

Fixpoint of_bytes (l : list byte) : piece := match l with
| [::] => Nothing
| [:: a, b, c, d, e, f, g, h & l'] => Eight a b c d e f g h (of_bytes l')
| a :: l' => One a (of_bytes l')
end.

Declare Scope piece_scope.
Delimit Scope piece_scope with piece.
String Notation piece of_bytes bytes : piece_scope.

Lemma of_bytesK l : bytes (of_bytes l) = l.
Proof.
have [n] := ubnP (size l); elim: n l => // n ih.
case=> [|a [|b [|c [|d [|e [|f [|g [|h l]]]]]]]] // sz; rewrite /= ih //.
by apply: leq_trans (_ : _ <= (size l).+4.+4) sz; rewrite -[X in _ <= X]/(7 + (size l).+1) leq_addl.
Qed.

(** ** Literals *)

Definition no_bytes : string := EmptyString.
Definition byte_then (a : byte) (s : string) : string := String (ascii_of_byte a) s.
Definition eight_then (a b c d e f g h : byte) (s : string) : string :=
  byte_then a (byte_then b (byte_then c (byte_then d
    (byte_then e (byte_then f (byte_then g (byte_then h s))))))).

String Notation string of_bytes bytes
  (via piece mapping [no_bytes => Nothing, byte_then => One, eight_then => Eight]) : string_scope.

Local Open Scope N_scope.

Definition no_digits : N := 0.
Definition digit_0 (n : N) : N := 10 * n.
Definition digit_1 (n : N) : N := 10 * n + 1.
Definition digit_2 (n : N) : N := 10 * n + 2.
Definition digit_3 (n : N) : N := 10 * n + 3.
Definition digit_4 (n : N) : N := 10 * n + 4.
Definition digit_5 (n : N) : N := 10 * n + 5.
Definition digit_6 (n : N) : N := 10 * n + 6.
Definition digit_7 (n : N) : N := 10 * n + 7.
Definition digit_8 (n : N) : N := 10 * n + 8.
Definition digit_9 (n : N) : N := 10 * n + 9.

Definition of_number (n : Number.uint) : Decimal.uint := Decimal.rev match n with
| Number.UIntDecimal d => d
| Number.UIntHexadecimal d => N.to_uint (N.of_hex_uint d)
end.
Definition to_number (d : Decimal.uint) : Number.uint := Number.UIntDecimal (Decimal.rev d).

Number Notation N of_number to_number
  (via Decimal.uint mapping [no_digits => Decimal.Nil, digit_0 => D0, digit_1 => D1, digit_2 => D2,
   digit_3 => D3, digit_4 => D4, digit_5 => D5, digit_6 => D6, digit_7 => D7, digit_8 => D8,
   digit_9 => D9]) : N_scope.

Example digits : (1234, 0x1F) = (N.of_nat 1234, N.of_nat 31).
Proof. by vm_compute. Qed.
Example letters : ("emitted, ""quoted""" = String "e" ("mitted, " ++ """quoted"""))%string.
Proof. by vm_compute. Qed.
