(* Section 3.2 of the document: the gradients of J^(i) in H, W, b, one time   *)
(* step's loss.  Even numbers are the document's Jacobians in numerator       *)
(* layout, odd numbers the gradients, their transposes.                       *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives Deltas.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Parameters.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Variable i : nat.
Hypothesis i0 : (0 < i)%N.
Let H := pH th.
Let h := hid f x (tied th).
Let delta := delta f f' x th ell ell'.
Let gradH := gradH f f' x th ell ell'.
Let gradW := gradW f f' x th ell ell'.
Let gradb := gradb f f' x th ell ell'.

(* A gradient in the copies of the times in P, written as a sum over P, is    *)
(* the sum of the gradients in the copies one at a time.                      *)
Lemma sum_of_copies m p (S : pred nat -> 'M[R]_(m, p)) F :
  (forall P, S P = \sum_(1 <= k < i.+1 | P k) F k) -> S predT = \sum_(1 <= k < i.+1) S (pred1 k).
Proof. by move=> SF; rewrite SF; apply: eq_big_nat => k ki; rewrite SF sum_at ki. Qed.

(* ---------------------------------------------------- H, for 0 < l < n *)
(* (16), first line: the gradient is the sum of the copies' |_(k). *)
Theorem eq_16_copies l : (0 < l < n)%N ->
  (gradH l predT i)^T = \sum_(1 <= k < i.+1) (gradH l (pred1 k) i)^T.
Proof.
move=> ln; rewrite -linear_sum; congr (_^T).
apply: (sum_of_copies (S := gradH l ^~ i) (F := fun k => delta l k i *m (h l k.-1)^T)) => P.
by rewrite /gradH gradH_delta.
Qed.

Theorem eq_17 l : (0 < l < n)%N ->
  gradH l predT i = \sum_(1 <= k < i.+1) delta l k i *m (h l k.-1)^T.
Proof. by move=> ln; rewrite /gradH gradH_delta. Qed.

Theorem eq_16 l : (0 < l < n)%N ->
  (gradH l predT i)^T = \sum_(1 <= k < i.+1) h l k.-1 *m (delta l k i)^T.
Proof.
by move=> ln; rewrite eq_17 // linear_sum; apply: eq_bigr => k _; rewrite /= trmx_mul trmxK.
Qed.

(* ------------------------------------------------------ W, output layer *)
Lemma sum_output m (F : nat -> 'cV[R]_(d n) -> 'M[R]_(d n, m)) : (forall k, F k 0 = 0) ->
  \sum_(1 <= k < i.+1) F k (delta n k i) = F i (delta n i i).
Proof.
move=> F0; rewrite big_nat_recr //= big_nat big1 ?add0r // => k ki.
by rewrite /delta delta_output_before.
Qed.

Theorem eq_19 : gradW n predT i = delta n i i *m (h n.-1 i)^T.
Proof.
rewrite /gradW gradW_delta ?n0 ?leqnn //.
by rewrite (sum_output (F := fun k v => v *m (h n.-1 k)^T)) // => k; rewrite mul0mx.
Qed.

Theorem eq_18 : (gradW n predT i)^T = h n.-1 i *m (delta n i i)^T.
Proof. by rewrite eq_19 trmx_mul trmxK. Qed.

(* ---------------------------------------------------- W, hidden layers *)
Theorem eq_20_copies l : (0 < l < n)%N ->
  (gradW l predT i)^T = \sum_(1 <= k < i.+1) (gradW l (pred1 k) i)^T.
Proof.
move=> /andP[l0 ln]; rewrite -linear_sum; congr (_^T).
apply: (sum_of_copies (S := gradW l ^~ i) (F := fun k => delta l k i *m (h l.-1 k)^T)) => P.
by rewrite /gradW gradW_delta ?l0 // ltnW.
Qed.

Theorem eq_21 l : (0 < l < n)%N ->
  gradW l predT i = \sum_(1 <= k < i.+1) delta l k i *m (h l.-1 k)^T.
Proof. by move=> /andP[l0 ln]; rewrite /gradW gradW_delta ?l0 // ltnW. Qed.

Theorem eq_20 l : (0 < l < n)%N ->
  (gradW l predT i)^T = \sum_(1 <= k < i.+1) h l.-1 k *m (delta l k i)^T.
Proof.
by move=> ln; rewrite eq_21 // linear_sum; apply: eq_bigr => k _; rewrite /= trmx_mul trmxK.
Qed.

(* ------------------------------------------------------ b, output layer *)
Theorem eq_23 : gradb n predT i = delta n i i.
Proof. by rewrite /gradb gradb_delta ?n0 ?leqnn // (sum_output (F := fun _ => id)). Qed.

Theorem eq_22 : (gradb n predT i)^T = (delta n i i)^T.
Proof. by rewrite eq_23. Qed.

(* ---------------------------------------------------- b, hidden layers *)
Theorem eq_24_copies l : (0 < l < n)%N ->
  (gradb l predT i)^T = \sum_(1 <= k < i.+1) (gradb l (pred1 k) i)^T.
Proof.
move=> /andP[l0 ln]; rewrite -linear_sum; congr (_^T).
apply: (sum_of_copies (S := gradb l ^~ i) (F := fun k => delta l k i)) => P.
by rewrite /gradb gradb_delta ?l0 // ltnW.
Qed.

Theorem eq_25 l : (0 < l < n)%N -> gradb l predT i = \sum_(1 <= k < i.+1) delta l k i.
Proof. by move=> /andP[l0 ln]; rewrite /gradb gradb_delta ?l0 // ltnW. Qed.

Theorem eq_24 l : (0 < l < n)%N -> (gradb l predT i)^T = \sum_(1 <= k < i.+1) (delta l k i)^T.
Proof. by move=> ln; rewrite eq_25 // linear_sum. Qed.
End Parameters.
