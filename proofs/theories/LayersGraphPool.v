(** * The global average as its layer emits it, and its gradient

    For images of all sizes.

    Glossary
      - [global_average_gradients]  what reverse mode emits for [Layer.emit]'s
                         instructions gives every place of a channel an equal
                         share of its cotangent *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From Coq Require Import NArith ZArith Lia.
From Cotangent Require Import Ir DenoteFacts Grad Moments Computes SpecLayer LayersGraph LayersGraphCells.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Pool.
Variable R : realType.

Theorem global_average_gradients B H W C code (e : env R) dy :
  Layer.emit Layer.GlobalAvgPool B [:: H; W; C] [::] 0 1 = Some code ->
  exists dx, gradients code 4 3 [:: (0%num, [:: B; H; W; C])] e dy = [:: dx] /\
    forall b p q c, (b < B)%num -> (p < H)%num -> (q < W)%num -> (c < C)%num ->
      dx [:: b; p; q; c] = dy [:: b; c] / (N.to_nat (H * W))%:R.
Proof.
rewrite [Layer.emit _ _ _ _ _ _]/=; case: ifP => // _ [<-].
set code' := [:: _; _; _].
have [//|//|//|y] := @gradients_computes R code' 4 3 [:: (0%num, [:: B; H; W; C])] 1 e dy.
rewrite [seq.map _ _]/= => -[-> hc _ h4]; exists (y 9%num); split=> // b p q c hb hp hq hc'.
have hi : [:: b; p; q; c] \in idxs [:: B; H; W; C] by rewrite mem_idxs /= !(proj2 (N.ltb_lt _ _)).
have {hc} := hc; rewrite /code' /rev /=.
move=> /computes_cons [_] /computes_cons [h2] /computes_cons [_] /computes_cons [h5] /computes_cons [_].
move=> /computes_cons [_] /computes_cons [_] /computes_cons [h9 _].
rewrite h9; have -> := @den_spread_over R [:: B; H; W; C] [:: 1; 2]%num 5 y _ hi.
by rewrite h5 [LHS]/= h4 h2 /= /rational divr1 int_real_nat.
Qed.
End Pool.
