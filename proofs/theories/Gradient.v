(** * The parameters of a program

    The words of the central theorem ([RowVector.v]): what is checked of a program
    and its parameters; all parameters as one row vector [θ], one after the other,
    each in row-major order, while the other inputs stay fixed; the output as a
    function of [θ], and what the code that reverse mode emits computes there.

    Glossary
      - [ids params]        the identifiers of the parameters
      - [params_ok sh nin params]  they are distinct inputs, at their shapes
      - [checks p nin sh params base out]  all that is to be checked of a
                            program; it computes
      - [shaped_as k sh params l]  [l] are values below [k], of the shapes of the
                            parameters
      - [total params]      the number of parameters, binary
      - [dim params]        the same less one: row vectors are ['rV_(dim + 1)]
      - [place params c x]  the inputs [x], the parameters replaced by the
                            consecutive numbers [c 0], [c 1], ...
      - [inputs params x θ] the same, from a row vector, whose [entries] they are
      - [row_of n l]        a list as a row vector
      - [concat l]          the elements of tensors, one after the other
      - [gradient ...]      the row vector of what the identifiers hold
      - [loss], [computed]  of the parameters: the output, and what program and
                            emitted code compute *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals normedtype.
From Coq Require Import NArith.
From Cotangent Require Import Denote Grad.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(** ** What is checked *)

Definition ids (params : seq (N * shape)) : seq N := [seq q.1 | q <- params].

Definition params_ok (sh : N -> shape) (nin : N) (params : seq (N * shape)) : bool :=
  uniq (ids params) && all (fun q => N.ltb q.1 nin && (sh q.1 == q.2)) params.

Definition checks (p : prog) (nin : N) (sh : N -> shape) (params : seq (N * shape))
    (base out : N) : bool :=
  [&& wf p nin sh, N.eqb (nin + N.of_nat (size p)) base, N.ltb out base,
      params_ok sh nin params & targets_fixed p (ids params)].

Definition shaped_as (k : N) (sh : N -> shape) (params : seq (N * shape)) (l : seq N) : Prop :=
  List.Forall2 (fun q j => (j < k)%num /\ sh j = q.2) params l.

(** ** One row vector *)

Definition total (params : seq (N * shape)) : N :=
  foldr (fun q n => N.add (size_of q.2) n) 0%num params.
Definition dim (params : seq (N * shape)) : nat := (N.to_nat (total params)).-1.

Section RowVector.
Variable R : realType.
Notation env := (env R).
Notation tensor := (tensor R).

Fixpoint place (params : seq (N * shape)) (c : nat -> R) (x : env) : env := match params with
| [::] => x
| (j, s) :: params' =>
    upd (place params' (fun k => c (size (idxs s) + k)%nat) x) j (fun i => c (index i (idxs s)))
end.

Definition entries n (θ : 'rV[R]_n.+1) (k : nat) : R := θ 0 (inord k).

Definition inputs (params : seq (N * shape)) (x : env) (θ : 'rV[R]_(dim params).+1) : env :=
  place params (entries θ) x.

Definition concat (l : seq (shape * tensor)) : seq R :=
  flatten [seq [seq st.2 i | i <- idxs st.1] | st <- l].

Definition row_of n (l : seq R) : 'rV[R]_n.+1 := \row_k nth 0 l k.

(** What the identifiers [gs] hold in [e], as one row vector. *)
Definition gradient (params : seq (N * shape)) (gs : seq N) (e : env) : 'rV[R]_(dim params).+1 :=
  row_of _ (concat [seq (q.1.2, e q.2) | q <- zip params gs]).

(** ** Loss and gradient *)
Section Computed.
Variables (p : prog) (params : seq (N * shape)) (out : N) (bwd : prog) (gs : seq N) (x : env).

Definition loss (θ : 'rV[R]_(dim params).+1) : R^o := run p (inputs x θ) out [::].

(** What the whole program, forward and backward, computes at [θ]. *)
Definition computed (θ : 'rV[R]_(dim params).+1) : 'rV[R]_(dim params).+1 :=
  gradient params gs (run (p ++ bwd) (inputs x θ)).
End Computed.
End RowVector.
