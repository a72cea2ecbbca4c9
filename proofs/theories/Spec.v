(** * Networks as their authors declare them

    A specification is data; [elaborate] makes the program of its forward pass
    and loss. Nothing here mentions a real number: what a specification means
    is in [Meaning.v], and that [elaborate] computes it in [MeaningSound.v].

    Glossary
      - [spec]            a network: name, shape of one example, layers, loss
      - [chain]           layers one after the other, and branches, joined
      - [may_share]       whether a chain can use the parameters of another
      - [stats_fit]       whether each layer finds its own running statistics
      - [net_params]      all parameters, named [layer.parameter], in order;
                          [net_stats] all running statistics, [net_masks] all
                          random masks
      - [reading]         what layers read beside parameters
      - [output_of]       shape of the logits of one example
      - [position]        which values the parameters, the data, the target are
      - [graph]           the program of the forward pass and the loss
      - [in_turn]         a chain, written down
      - [output_shape]    shape of one example after a chain
      - [plan]            each layer with its own parameters, and what comes in;
                          [params_of], [stats_of] its tensors; [params_in],
                          [stats_in], [masks_in] those of a chain
      - [count_from], [past]  numbers from [k] on; the first one after a list
      - [own_values]      what a layer reads, [past_read], [shared_read] what the
                          layers after it, or in a chain used again, begin with
      - [emit_layers]     a chain as instructions, [g_prog] a graph's
      - [replaced]        new values for some numbers
      - [latest], [renewed]  the values of the running statistics, and some of
                          them new
      - [update_stats]    the running statistics after the batch, as instructions *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Grad.
From Cotangent Require Export SpecLayer SpecJoin SpecLoss.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(** Layers one after the other, and branches. Layers and joins carry their names:
    parameters, kinks and errors refer to them. *)
Inductive chain :=
| End
| Next of string & Layer.t & chain
| Branch of chain & chain
    (** the first on what comes in, a chain without layers giving the input itself;
        its output is kept, and what follows has the same input *)
| Join of string & joining & chain
    (** the outputs kept, joined, as what comes next *)
| Again of N & N & chain & chain.
    (** the first without parameters or running statistics of its own: it has the
        parameters from the first number on and the statistics from the second,
        counted among the network's, which are of layers before it; then what
        follows *)

(** As in a residual network:
    [in_turn [:: Next "a" l; Branch (in_turn [:: Next "b" m]); Branch (in_turn [::]); Join "c" Sum]]. *)
Definition in_turn (l : seq (chain -> chain)) : chain := foldr (fun f c => f c) End l.

Record spec := Spec {
  net_name : string;
  input_shape : shape;
  net_loss : Loss.t;
  layers : chain }.

(** ** Shapes and parameters *)

(** Shape of one example after all layers; [None] where a layer does not fit.
    [ready] are the shapes of the branches' outputs that wait to be joined. *)
Fixpoint output_shape (c : chain) (ready : seq shape) (s : shape) : option shape := match c with
| End => if ready is [::] then Some s else None
| Next _ l c' => obind (output_shape c' ready) (Layer.output l s)
| Branch a c' =>
    if output_shape a [::] s is Some t then output_shape c' (rcons ready t) s else None
| Join _ j c' => obind (output_shape c' [::]) (joined_shape j ready)
| Again _ _ a c' => obind (output_shape c' ready) (output_shape a [::] s)
end.

(** Each layer that has its own parameters, with the shape of one example coming
    in. *)
Fixpoint plan (c : chain) (ready : seq shape) (s : shape) : seq (string * Layer.t * shape) :=
match c with
| End => [::]
| Next name l c' =>
    (name, l, s) :: (if Layer.output l s is Some s' then plan c' ready s' else [::])
| Branch a c' =>
    plan a [::] s
      ++ (if output_shape a [::] s is Some t then plan c' (rcons ready t) s else [::])
| Join _ j c' => if joined_shape j ready is Some t then plan c' [::] t else [::]
| Again _ _ a c' => if output_shape a [::] s is Some t then plan c' ready t else [::]
end.

Definition params_of (p : string * Layer.t * shape) : seq (string * shape) :=
  let: (name, l, s) := p in of_layer name (Layer.params l s).
Definition stats_of (p : string * Layer.t * shape) : seq (string * shape) :=
  let: (name, l, s) := p in of_layer name (Layer.stats l s).

(** Of the chain on an example of this shape. *)
Definition params_in (c : chain) (ready : seq shape) (s : shape) : seq (string * shape) :=
  flatten [seq params_of p | p <- plan c ready s].
Definition stats_in (c : chain) (ready : seq shape) (s : shape) : seq (string * shape) :=
  flatten [seq stats_of p | p <- plan c ready s].
(** A chain that is used again has masks of its own. *)
Fixpoint masks_in (c : chain) (ready : seq shape) (s : shape) : seq (string * shape) := match c with
| End => [::]
| Next name l c' =>
    of_layer name (Layer.masks l s)
      ++ (if Layer.output l s is Some s' then masks_in c' ready s' else [::])
| Branch a c' =>
    masks_in a [::] s
      ++ (if output_shape a [::] s is Some t then masks_in c' (rcons ready t) s else [::])
| Join _ j c' => if joined_shape j ready is Some t then masks_in c' [::] t else [::]
| Again _ _ a c' =>
    masks_in a [::] s
      ++ (if output_shape a [::] s is Some t then masks_in c' ready t else [::])
end.

Definition net_params (net : spec) : seq (string * shape) :=
  params_in (layers net) [::] (input_shape net).
Definition net_stats (net : spec) : seq (string * shape) :=
  stats_in (layers net) [::] (input_shape net).
Definition net_masks (net : spec) : seq (string * shape) :=
  masks_in (layers net) [::] (input_shape net).

Definition output_of (net : spec) : option shape := output_shape (layers net) [::] (input_shape net).

(** ** Elaboration *)

(** What layers read beside parameters, in order: in evaluation the running
    statistics, which start at a value, from a number on; in training the random
    masks, from a value on. *)
Inductive reading := Running of N & N | Masks of N.

(** Parameters are the values from 0 on, in order. *)
Record position := At { at_reading : reading; at_data : N; at_target : N; at_first : N }.

Record graph := Graph {
  g_forward : prog;
  g_logits : N;
  g_loss_code : prog;             (** the loss, from the logits *)
  g_loss : N;                     (** its last instruction *)
  g_origin : seq (N * string) }.  (** the layer of each instruction *)

Definition g_prog (g : graph) : prog := g_forward g ++ g_loss_code g.

(** What a layer reads: its own parameters, of which the first is [p0], and its
    own running statistics or masks. *)
Definition count_from (k : N) (n : nat) : seq N := [seq (k + N.of_nat i)%num | i <- iota 0 n].
Definition past (T : Type) (k : N) (l : seq T) : N := (k + N.of_nat (size l))%num.
Definition own_values (l : Layer.t) (s : shape) (p0 : N) (r : reading) : seq N :=
  count_from p0 (size (Layer.params l s))
  ++ match r with
     | Running first t => count_from (first + t) (size (Layer.stats l s))
     | Masks m => count_from m (size (Layer.masks l s))
     end.

(** Past these running statistics, or these masks. *)
Definition past_read (T : Type) (r : reading) (stats masks : seq T) : reading := match r with
| Running first t => Running first (past t stats)
| Masks m => Masks (past m masks)
end.

(** In a chain that is used again: its running statistics, from number [t] on. *)
Definition shared_read (r : reading) (t : N) : reading :=
  if r is Running first _ then Running first t else r.

(** Whether the chain can have the parameters from [p] on when those so far are
    below [p0]. *)
Definition may_share (a : chain) (s : shape) (p p0 : N) : bool :=
  N.leb (past p (params_in a [::] s)) p0.

(** Whether each layer finds running statistics of its shapes where it reads
    them: from number [t0] on, among all of the network, whose shapes are [ss]. A
    chain that is used again has those of layers before it. *)
Fixpoint stats_fit (ss : seq shape) (c : chain) (ready : seq shape) (s : shape) (t0 : N) : bool :=
match c with
| End => true
| Next _ l c' =>
    let own := [seq q.2 | q <- Layer.stats l s] in
    (take (size own) (drop (N.to_nat t0) ss) == own)
    && (if Layer.output l s is Some s' then stats_fit ss c' ready s' (past t0 (Layer.stats l s))
        else false)
| Branch a c' =>
    stats_fit ss a [::] s t0
    && (if output_shape a [::] s is Some t
        then stats_fit ss c' (rcons ready t) s (past t0 (stats_in a [::] s)) else false)
| Join _ j c' => if joined_shape j ready is Some t then stats_fit ss c' [::] t t0 else false
| Again _ st a c' =>
    N.leb (past st (stats_in a [::] s)) t0 && stats_fit ss a [::] s st
    && (if output_shape a [::] s is Some t then stats_fit ss c' ready t t0 else false)
end.

(** The layers on [x], parameters from [p0], running statistics or masks as [t0]
    says, results from [k]; [ready] are the branches' outputs that wait. The program, its last
    value, the layers' names. *)
Fixpoint emit_layers (batch : N) (c : chain) (ready : seq part) (s : shape) (p0 : N) (t0 : reading)
    (x k : N) : option (prog * N * seq (N * string)) :=
match c with
| End => if ready is [::] then Some ([::], x, [::]) else None
| Next name l c' =>
    if Layer.output l s is Some s' then
      if Layer.emit l batch s (own_values l s p0 t0) x k is Some code then
        let k' := next_id k code in
        if emit_layers batch c' ready s' (past p0 (Layer.params l s))
             (past_read t0 (Layer.stats l s) (Layer.masks l s)) (N.pred k') k' is Some (code', y, o)
        then Some (code ++ code', y, [seq (i.1, name) | i <- code] ++ o)
        else None
      else None
    else None
| Branch a c' =>
    if output_shape a [::] s is Some t then
      if emit_layers batch a [::] s p0 t0 x k is Some (code, y, o) then
        if emit_layers batch c' (rcons ready (y, t)) s (past p0 (params_in a [::] s))
             (past_read t0 (stats_in a [::] s) (masks_in a [::] s)) x (next_id k code) is Some (code', z, o')
        then Some (code ++ code', z, o ++ o')
        else None
      else None
    else None
| Join name j c' =>
    if joined_shape j (unzip2 ready) is Some t then
      let: (code, y) := emit_join j batch t ready k in
      if emit_layers batch c' [::] t p0 t0 y (next_id k code) is Some (code', z, o)
      then Some (code ++ code', z, [seq (i.1, name) | i <- code] ++ o)
      else None
    else None
| Again p st a c' =>
    if may_share a s p p0 then
      if output_shape a [::] s is Some t then
        if emit_layers batch a [::] s p (shared_read t0 st) x k is Some (code, y, o) then
          if emit_layers batch c' ready t p0 (past_read t0 [::] (masks_in a [::] s)) y (next_id k code)
               is Some (code', z, o')
          then Some (code ++ code', z, o ++ o')
          else None
        else None
      else None
    else None
end.

Definition elaborate (net : spec) (batch : N) (at_ : position) : option graph :=
  if (emit_layers batch (layers net) [::] (input_shape net) 0 (at_reading at_) (at_data at_) (at_first at_),
      output_of net) is (Some (c, z, o), Some s) then
    let k := next_id (at_first at_) c in
    let loss := Loss.emit (net_loss net) (batch :: s) z (at_target at_) k in
    let stats := [seq q.2 | q <- net_stats net] in
    if Loss.fits (net_loss net) (batch :: s) && stats_fit stats (layers net) [::] (input_shape net) 0
    then Some (Graph c z loss (N.pred (next_id k loss))
                 (o ++ [seq (i.1, "the loss"%string) | i <- loss]))
    else None
  else None.

(** [l] from number [k] on, elsewhere [f]. *)
Definition replaced (T : Type) (f : N -> T) (k : N) (l : seq T) : N -> T := fun i =>
  if N.leb k i && N.ltb i (past k l) then nth (f i) l (N.to_nat (i - k)) else f i.

(** Running statistic number [i]: a value that has replaced it, or the argument. A
    map, so that it is found in a few steps however many statistics there are. *)
Definition latest (first : N) (now : amap) (i : N) : N := odflt (first + i)%num (aget now i).
Fixpoint renewed (now : amap) (k : N) (l : seq N) : amap :=
  if l is x :: l' then renewed (aset now k x) (N.succ k) l' else now.

(** The running statistics after the batch, in training. Number [i] is value
    [latest first now i]; each layer in turn replaces its own, which start at number [t0]. A
    chain that is used again replaces those of its first use, as they are by then.
    What the layers read is as in [emit_layers], the first of the masks is [m0];
    code from [q] on. *)
Fixpoint update_stats (batch first : N) (c : chain) (ready : seq part) (s : shape) (p0 m0 t0 : N)
    (now : amap) (x k q : N) : prog * amap :=
match c with
| End => ([::], now)
| Next _ l c' =>
    if Layer.emit l batch s (own_values l s p0 (Masks m0)) x k is Some code then
      let st := [seq latest first now i | i <- count_from t0 (size (Layer.stats l s))] in
      let: (u, new) := Layer.new_stats l batch s st x q in
      let k' := next_id k code in
      let: (u', now') := update_stats batch first c' ready (odflt [::] (Layer.output l s))
        (past p0 (Layer.params l s)) (past m0 (Layer.masks l s)) (past t0 (Layer.stats l s))
        (renewed now t0 new) (N.pred k') k' (next_id q u) in
      (u ++ u', now')
    else ([::], now)
| Branch a c' =>
    if emit_layers batch a [::] s p0 (Masks m0) x k is Some (code, y, _) then
      let: (u, now1) := update_stats batch first a [::] s p0 m0 t0 now x k q in
      let: (u', now2) := update_stats batch first c' (rcons ready (y, odflt [::] (output_shape a [::] s))) s
        (past p0 (params_in a [::] s)) (past m0 (masks_in a [::] s)) (past t0 (stats_in a [::] s))
        now1 x (next_id k code) (next_id q u) in
      (u ++ u', now2)
    else ([::], now)
| Join _ j c' =>
    let t := odflt [::] (joined_shape j (unzip2 ready)) in
    let: (code, y) := emit_join j batch t ready k in
    update_stats batch first c' [::] t p0 m0 t0 now y (next_id k code) q
| Again p st a c' =>
    if emit_layers batch a [::] s p (Masks m0) x k is Some (code, y, _) then
      let: (u, now1) := update_stats batch first a [::] s p m0 st now x k q in
      let: (u', now2) := update_stats batch first c' ready (odflt [::] (output_shape a [::] s)) p0
        (past m0 (masks_in a [::] s)) t0 now1 y (next_id k code) (next_id q u) in
      (u ++ u', now2)
    else ([::], now)
end.
