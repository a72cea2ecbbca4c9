(** * The formulas of normalisation

    What the layers that normalise compute; to be read, not proved. Means,
    variances and [normalize] are in [Denote.v]:

      [normalize s ds eps x] is [(x - mean) / sqrt (variance + eps)], mean and
      biased variance over the dimensions [ds] of a tensor of shape [s].

    Features are the last dimension.

    Glossary
      - [affine]       scaled and shifted, by a number for each feature
      - [rms_norm]     [x / sqrt (mean x² + eps)]
      - [batch_norm]   normalised over everything but the features; its running
                       statistics after a batch are [new_running]
      - [group_norm]   normalised over places and the features of a group;
                       group [g] of [features / groups] each is the [g]-th run *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Index Denote SpecLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Norms.
Variable R : realType.

(** Other lists of parameters do not occur: [elaborate] refuses them. *)
Definition affine (scale shift : bool) (ps : seq (tensor R)) (y : tensor R) : tensor R :=
let feature i := [:: last 0%num i] in
match scale, shift, ps with
| true, true, [:: w; b] => fun i => y i * w (feature i) + b (feature i)
| true, false, [:: w] => fun i => y i * w (feature i)
| false, true, [:: b] => fun i => y i + b (feature i)
| _, _, _ => y
end.

Definition rms_norm (s : shape) (ds : seq N) (eps : R) (x : tensor R) : tensor R :=
  fun i => x i / Num.sqrt (mean s ds (fun j => x j * x j) (pick i (kept s ds)) + eps).

(** In evaluation: with the running mean and variance of each feature. *)
Definition standardize (eps : R) (mean variance x : tensor R) : tensor R :=
  fun i => (x i - mean [:: last 0%num i]) / Num.sqrt (variance [:: last 0%num i] + eps).

(** Over all dimensions but the features, in training with the batch's own
    statistics, in evaluation with those in [running]. *)
Definition batch_norm (s : shape) (eps : R) (running : seq (tensor R)) (x : tensor R) : tensor R :=
  if running is [:: mean; variance] then standardize eps mean variance x
  else normalize s (first_dims (size s).-1) eps x.

(** A running statistic and that of the batch, with momentum [m]. *)
Definition moved (m old new : R) : R := (1 - m) * old + m * new.
(** Running mean and variance of the features [c] after the batch [x]; the
    batch's variance is the unbiased one. *)
Definition new_running (s : shape) (m : R) (running : seq (tensor R)) (x : tensor R)
    : seq (tensor R) :=
  let ds := first_dims (size s).-1 in let count := number R s ds in
  if running is [:: mean'; variance'] then
    [:: fun c => moved m (mean' c) (mean s ds x c);
        fun c => moved m (variance' c) (variance s ds x c * count / (count - 1))]
  else [::].

(** Image [batch × h × w × c], read as [batch × h × w × groups × features]. *)
Definition group_norm (batch h w c groups : N) (eps : R) (x : tensor R) : tensor R :=
  let per := N.div c groups in
  let split i := match i with
    | [:: n; p; q; f] => [:: n; p; q; N.div f per; N.modulo f per] | _ => i end in
  let join j := match j with
    | [:: n; p; q; g; f] => [:: n; p; q; (g * per + f)%num] | _ => j end in
  fun i => normalize [:: batch; h; w; groups; per] [:: 1; 2; 4]%num eps (fun j => x (join j)) (split i).
End Norms.
