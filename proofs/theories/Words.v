(** * Rows of bytes

    Stored numbers, four bytes each, the highest first. [Floats.v] says what
    they are; this file imports nothing, so that files that hold many of them
    compile quickly.

    Glossary
      - [words]           four bytes, and more of them *)
From Coq Require Import Init.Byte.

Inductive words := Done | F (_ _ _ _ : byte) (_ : words).
