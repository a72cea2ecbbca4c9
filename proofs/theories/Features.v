(** * What a train step does around the optimiser

    Options of the Rust crate [step].

    Glossary
      - [features]   which of them a step has; [plain] has none *)
From mathcomp Require Import all_ssreflect.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Record features := Features {
  spared : bool    (** parameters of rank 0 and 1 are spared the weight decay *)
}.
Definition plain : features := Features false.
