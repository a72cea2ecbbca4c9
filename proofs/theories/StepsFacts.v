(** * Items with their numbers

    [numbered_from] counts as it goes, so that its time is linear; as a list it is the
    numbers beside the items.

    Glossary
      - [numbered_fromE], [numbers_from0]  that; the numbers alone
      - [numbered_paramsE], [numbered_stateE]  of the parameters, and the rule's state *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith Lia.
From Cotangent Require Import Ir Spec Optimizer Steps.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

Lemma numbered_fromE (T : Type) (l : seq T) k :
  numbered_from k l = zip [seq (k + i)%num | i <- first_dims (size l)] l.
Proof.
elim: l k => [|x l ih] k //=; rewrite ih N.add_0_r; congr (_ :: zip _ _).
rewrite /first_dims (iotaDl 1) -!map_comp; apply: eq_map => i /=; lia.
Qed.

Lemma numbers_from0 (T : Type) (l : seq T) : [seq q.1 | q <- numbered_from 0 l] = first_dims (size l).
Proof.
rewrite numbered_fromE -/(unzip1 _) unzip1_zip ?size_map ?size_iota // -[RHS]map_id.
by apply: eq_map => i; rewrite N.add_0_l.
Qed.

Lemma numbered_paramsE net :
  numbered_params net = zip (first_dims (size (net_params net))) [seq q.2 | q <- net_params net].
Proof.
rewrite /numbered_params numbered_fromE size_map; congr (zip _ _).
by rewrite -[RHS]map_id; apply: eq_map => i; rewrite N.add_0_l.
Qed.

Lemma numbered_stateE net o :
  numbered_state net o
  = zip [seq (n_params net + i)%num | i <- first_dims (size (state o (net_params net)))]
        [seq q.2 | q <- state o (net_params net)].
Proof. by rewrite /numbered_state numbered_fromE size_map. Qed.
