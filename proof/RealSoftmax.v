(* The document's loss: minus the logarithm of a softmax.  Equations (1),     *)
(* (2), (6), (7), and with them the equations of RealEquations.v for the      *)
(* document's own network.                                                    *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp functions.
From mathcomp.analysis Require Import reals topology normedtype derive realfun sequences exp.
From BPTT Require Import Inner Network Tangent Gamma RealCalculus RealNetwork RealGradient RealEquations.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Softmax.
Variables (R : realType) (m : nat).
Implicit Types y v : 'cV[R]_m.

Definition sum_exp v : R := \sum_(j < m) expR (v j 0).
Definition softmax v : 'cV[R]_m := \col_j (expR (v j 0) / sum_exp v).

(* the sum over j of -y_j log y^_j: the second line of (1) *)
Definition cross_entropy y v : R := \sum_(j < m) - y j 0 * ln (softmax v j 0).

Lemma sum_exp_gt0 v (k : 'I_m) : 0 < sum_exp v.
Proof.
rewrite /sum_exp (bigD1 k) //= ltr_paddr ?expR_gt0 ?sumr_ge0 // => j _.
exact/ltW/expR_gt0.
Qed.

(* (6), second line, as it should read: the print has the logarithm of the    *)
(* sum of z_j for that of the sum of exp z_j. *)
Theorem eq_06_line2_real v k : - ln (softmax v k 0) = - v k 0 + ln (sum_exp v).
Proof.
have S0 := sum_exp_gt0 v k.
by rewrite mxE ln_div ?posrE ?expR_gt0 // expK opprB addrC.
Qed.

(* (1), (2): for a target that is one class k, the cross-entropy is           *)
(* -log y^_k. *)
Theorem eq_02_real v k : cross_entropy (delta_mx k 0) v = - ln (softmax v k 0).
Proof.
rewrite /cross_entropy (bigD1 k) //= big1 ?addr0 => [|j jk].
  by rewrite mxE !eqxx mulN1r.
by rewrite mxE (negPf jk) /= oppr0 mul0r.
Qed.

Lemma cross_entropyE y v : \sum_(j < m) y j 0 = 1 ->
  cross_entropy y v = ln (sum_exp v) - \sum_(j < m) y j 0 * v j 0.
Proof.
move=> y1; rewrite -[X in X - _]mul1r -y1 mulr_suml -sumrB; apply: eq_bigr => j _.
by rewrite mulNr -mulrN eq_06_line2_real mulrDr mulrN addrC.
Qed.

(* The gradient of the cross-entropy is y^ - y, for targets that sum to 1. *)
Theorem eq_07_softmax_real y v : \sum_(j < m) y j 0 = 1 ->
  is_gradient (fun u => cross_entropy y (v + u)) (softmax v - y).
Proof.
move=> y1 X X' X0 dX.
have m0 : 'I_m.
  case: m y y1 {X X' X0 dX v} => [y|k *]; last exact: ord0.
  by rewrite big_ord0 => /esym/eqP; rewrite oner_eq0.
pose V u := v + X u.
have V0 : V 0 = v by rewrite /V X0 addr0.
have dV : is_dmx 0 V X' by exact: dmx_shift.
have dS : is_derive 0 (1 : R) (sum_exp \o V : R -> R) (\sum_(j < m) expR (v j 0) * X' j 0).
  rewrite (_ : _ \o V = \sum_(j < m) (expR \o (fun u => V u j 0))); last first.
    by apply/funext => u; rewrite fct_sumE.
  by apply: is_derive_sum => j; rewrite -V0; apply: is_derive1_comp; exact: dV.
have dL : is_derive 0 (1 : R) (@ln R \o (sum_exp \o V))
    ((sum_exp v)^-1 * \sum_(j < m) expR (v j 0) * X' j 0).
  by apply: is_derive1_comp; rewrite /= V0; apply: is_derive1_ln; exact: sum_exp_gt0.
rewrite (_ : _ \o X = (@ln R \o (sum_exp \o V)) - \sum_(j < m) (y j 0 \*: (fun u => V u j 0))); last first.
  by apply/funext => u; rewrite /= cross_entropyE // -[RHS]/(_ - _) fct_sumE.
rewrite (_ : inner _ _ = (sum_exp v)^-1 * (\sum_(j < m) expR (v j 0) * X' j 0)
    - \sum_(j < m) y j 0 *: X' j 0).
  by apply: (is_deriveB dL); apply: is_derive_sum => j; apply: is_deriveZ; exact: dV.
rewrite /inner /mxtrace big_ord1 mxE mulr_sumr -sumrB; apply: eq_bigr => j _.
by rewrite !mxE mulrBl mulrA [_^-1 * _]mulrC.
Qed.
End Softmax.

(* ---------------------------------------------------- the document's network *)
Section SoftmaxNetwork.
Variable R : realType.
Variables (d : nat -> nat) (n T : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (p : params R d) (y : nat -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Hypothesis T0 : (0 < T)%N.
Hypothesis f_diff : differentiable_at_z n T f f' x p.
Hypothesis y1 : forall t, (0 < t <= T)%N -> \sum_(j < d n) y t j 0 = 1.
Let z := pre n f x (tied p).

(* (3) *)
Definition y_hat t : 'cV[R]_(d n) := softmax (z n t).

Definition loss t (v : 'cV[R]_(d n)) : R := cross_entropy (y t) v.

Lemma softmax_error : error_at_output T f x p loss (fun t => y_hat t - y t).
Proof. by move=> i iT; apply: eq_07_softmax_real; exact: y1. Qed.

(* (7) *)
Theorem eq_07_real t : (0 < t <= T)%N -> is_delta f x p loss t t (y_hat t - y t).
Proof. exact: (eq_07_any_loss_real n0 f_diff softmax_error). Qed.

(* (6), last line: the derivative is the row vector (y^ - y)^T. *)
Theorem eq_06_real t : (0 < t <= T)%N -> forall X X', X 0 = 0 -> is_dmx 0 X X' ->
  is_derive 0 (1 : R) (J_of_z f x p loss t t (l := n) \o X) (((y_hat t - y t)^T *m X') 0 0).
Proof.
move=> tT X X' X0 dX; have := eq_07_real tT X0 dX.
by rewrite /inner /mxtrace big_ord1.
Qed.

(* (42): the gradients of each J^(t) at its own time satisfy the recursion. *)
Theorem eq_42_real (g : forall l, nat -> 'cV[R]_(d l)) :
  (forall l t, (0 < l <= n)%N -> (0 < t <= T)%N -> is_delta f x p loss t t (g l t)) ->
  recursion_42 T f f' x p (fun t => y_hat t - y t) g.
Proof. exact: (eq_42_any_loss_real n0 f_diff softmax_error). Qed.

(* (44)-(46) for the document's network: whatever a program computes by (42)  *)
(* and (43) from y^ - y, its sums are the gradients of J. *)
Theorem one_pass_softmax_real : one_pass_is_gradient T f f' x p loss (fun t => y_hat t - y t).
Proof. exact: (one_pass_any_loss_real n0 f_diff softmax_error T0). Qed.
End SoftmaxNetwork.
