(* Section 3.3 of the document, Conclusion: equations (26)-(35) repeat        *)
(* earlier ones.  Each is stated again in full and proved by the earlier      *)
(* theorem alone.                                                             *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals.
From BPTT Require Import Inner Network Tangent Dual Derivatives Deltas Parameters.
From BPTT Require Import RealCalculus RealNetwork RealGradient RealEquations RealSoftmax.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section OverRings.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Let H := pH th.
Let W := pW th.
Let h := hid f x (tied th).
Let z := pre n f x (tied th).
Let D := Df n f f' x th.
Let delta := delta f f' x th ell ell'.
Let gradH := gradH f f' x th ell ell'.
Let gradW := gradW f f' x th ell ell'.
Let gradb := gradb f f' x th ell ell'.

Theorem eq_26 t : (0 < t)%N -> delta n t t = ell' t (z n t).
Proof. exact: eq_07. Qed.

Theorem eq_27 t : (1 < n)%N -> (0 < t)%N ->
  delta n.-1 t t = D n.-1 t *m ((W n)^T *m delta n t t).
Proof. exact: eq_09. Qed.

Theorem eq_28 t c : (1 < n)%N -> (0 < c < t)%N ->
  delta n.-1 (t - c) t = D n.-1 (t - c) *m ((H n.-1)^T *m delta n.-1 (t - c).+1 t).
Proof. exact: eq_11. Qed.

Theorem eq_29 l t : (0 < l)%N -> (l < n.-1)%N -> (0 < t)%N ->
  delta l t t = D l t *m ((W l.+1)^T *m delta l.+1 t t).
Proof. exact: eq_13. Qed.

Theorem eq_30 l t c : (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N ->
  delta l (t - c) t =
  D l (t - c) *m ((H l)^T *m delta l (t - c).+1 t + (W l.+1)^T *m delta l.+1 (t - c) t).
Proof. exact: eq_15. Qed.

(* (31) as it should read: the print has delta^(l)(t), the same for all k. *)
Theorem eq_31 t l : (0 < t)%N -> (0 < l < n)%N ->
  gradH l predT t = \sum_(1 <= k < t.+1) delta l k t *m (h l k.-1)^T.
Proof. by move=> t0 ln; exact: eq_17. Qed.

Theorem eq_32 t : (0 < t)%N -> gradW n predT t = delta n t t *m (h n.-1 t)^T.
Proof. exact: eq_19. Qed.

Theorem eq_33 t l : (0 < t)%N -> (0 < l < n)%N ->
  gradW l predT t = \sum_(1 <= k < t.+1) delta l k t *m (h l.-1 k)^T.
Proof. by move=> t0 ln; exact: eq_21. Qed.

Theorem eq_34 t : (0 < t)%N -> gradb n predT t = delta n t t.
Proof. exact: eq_23. Qed.

Theorem eq_35 t l : (0 < t)%N -> (0 < l < n)%N ->
  gradb l predT t = \sum_(1 <= k < t.+1) delta l k t.
Proof. by move=> t0 ln; exact: eq_25. Qed.
End OverRings.

Section OverTheReals.
Variable R : realType.
Variables (d : nat -> nat) (n T : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (p : params R d) (y : nat -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Hypothesis f_diff : differentiable_at_z n T f f' x p.
Hypothesis y1 : forall t, (0 < t <= T)%N -> \sum_(j < d n) y t j 0 = 1.
Let H := pH p.
Let W := pW p.
Let h := hid f x (tied p).
Let z := pre n f x (tied p).
Let y_hat := y_hat n f x p.
Let loss := loss y.
Let is_delta := is_delta f x p loss.
Let error := softmax_error f x p y1.

Theorem eq_26_real t : (0 < t <= T)%N -> is_delta t t (y_hat t - y t).
Proof. exact: (eq_07_real n0 f_diff y1). Qed.

Theorem eq_27_real t g : (1 < n)%N -> (0 < t <= T)%N -> is_delta t t g ->
  is_delta t t (diag (map_mx f' (z n.-1 t)) *m ((W n)^T *m g)).
Proof. exact: (eq_09_real n0 f_diff error). Qed.

Theorem eq_28_real t c g : (1 < n)%N -> (0 < c < t)%N -> (t <= T)%N ->
  is_delta (t - c).+1 t g ->
  is_delta (t - c) t (diag (map_mx f' (z n.-1 (t - c))) *m ((H n.-1)^T *m g)).
Proof. exact: (eq_11_real n0 f_diff error). Qed.

Theorem eq_29_real l t g : (0 < l)%N -> (l < n.-1)%N -> (0 < t <= T)%N -> is_delta t t g ->
  is_delta t t (diag (map_mx f' (z l t)) *m ((W l.+1)^T *m g)).
Proof. exact: (eq_13_real n0 f_diff error). Qed.

Theorem eq_30_real l t c g_next g_above :
  (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N -> (t <= T)%N ->
  is_delta (t - c).+1 t g_next -> is_delta (t - c) t g_above ->
  is_delta (t - c) t
    (diag (map_mx f' (z l (t - c))) *m ((H l)^T *m g_next + (W l.+1)^T *m g_above)).
Proof. exact: (eq_15_real n0 f_diff error). Qed.

Theorem eq_31_real t l g : (0 < t <= T)%N -> (0 < l < n)%N -> are_deltas f x p loss t g ->
  is_gradient (J_of_H f x p loss predT t (l := l)) (\sum_(1 <= k < t.+1) g k *m (h l k.-1)^T).
Proof. by move=> tT ln dg; exact: (eq_17_real n0 f_diff error tT ln dg). Qed.

Theorem eq_32_real t g : (0 < t <= T)%N -> is_delta t t g ->
  is_gradient (J_of_W f x p loss predT t (l := n)) (g *m (h n.-1 t)^T).
Proof. by move=> tT dg; exact: (eq_19_real n0 f_diff error tT dg). Qed.

Theorem eq_33_real t l g : (0 < t <= T)%N -> (0 < l < n)%N -> are_deltas f x p loss t g ->
  is_gradient (J_of_W f x p loss predT t (l := l)) (\sum_(1 <= k < t.+1) g k *m (h l.-1 k)^T).
Proof. by move=> tT ln dg; exact: (eq_21_real n0 f_diff error tT ln dg). Qed.

Theorem eq_34_real t g : (0 < t <= T)%N -> is_delta t t g ->
  is_gradient (J_of_b f x p loss predT t (l := n)) g.
Proof. by move=> tT dg; exact: (eq_23_real n0 f_diff error tT dg). Qed.

Theorem eq_35_real t l g : (0 < t <= T)%N -> (0 < l < n)%N -> are_deltas f x p loss t g ->
  is_gradient (J_of_b f x p loss predT t (l := l)) (\sum_(1 <= k < t.+1) g k).
Proof. by move=> tT ln dg; exact: (eq_25_real n0 f_diff error tT ln dg). Qed.
End OverTheReals.
