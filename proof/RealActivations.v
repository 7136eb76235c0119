(* Activations for which the hypothesis of the real theorems holds: tanh and  *)
(* the logistic function everywhere, ReLU where no pre-activation is zero.    *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals topology normedtype derive realfun sequences exp.
From BPTT Require Import Inner Network Tangent RealCalculus RealNetwork RealEquations RealSoftmax.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Import numFieldNormedType.Exports.
Local Open Scope classical_set_scope.
Local Open Scope ring_scope.

Section Activations.
Variable R : realType.
Implicit Types a v : R.

Lemma expRN_derive a : is_derive a (1 : R) (fun v => expR (- v) : R) (- expR (- a)).
Proof.
rewrite -mulrN1; apply: (@is_derive1_comp _ expR (fun v => - v)); exact: is_deriveN.
Qed.

(* ----------------------------------------------------------- the logistic *)
Definition logistic v : R := (1 + expR (- v))^-1.
Definition logistic' v : R := logistic v * (1 - logistic v).

Lemma logistic_derive a : is_derive a (1 : R) logistic (logistic' a).
Proof.
have D0 : 1 + expR (- a) != 0 by apply/lt0r_neq0/addr_gt0; [exact: ltr01 | exact: expR_gt0].
have dD := is_deriveD (is_derive_cst (1 : R) a 1) (expRN_derive a).
have := is_deriveV (f := cst 1 + (fun v => expR (- v))) D0 dD.
move/is_derive_eq; apply; rewrite sub0r scalerN scaleNr opprK /logistic' /logistic.
have -> : 1 - (1 + expR (- a))^-1 = (1 + expR (- a))^-1 * expR (- a).
  by rewrite -{1}(mulVf D0) -[X in _ - X]mulr1 -mulrBr [1 + _ - _]addrAC subrr add0r.
by rewrite mulrA -expr2 exprVn.
Qed.

(* ------------------------------------------------------------------- tanh *)
Definition tanh v : R := (expR v - expR (- v)) / (expR v + expR (- v)).
Definition tanh' v : R := 1 - tanh v ^+ 2.

Lemma tanh_derive a : is_derive a (1 : R) tanh (tanh' a).
Proof.
have D0 : expR a + expR (- a) != 0 by apply/lt0r_neq0/addr_gt0; exact: expR_gt0.
have dN := is_deriveB (is_derive_expR a) (expRN_derive a).
have dD := is_deriveD (is_derive_expR a) (expRN_derive a).
have := is_deriveM dN (is_deriveV (f := expR + (fun v => expR (- v))) D0 dD).
move/is_derive_eq; apply; rewrite /tanh' /tanh /= opprK.
rewrite -[_ *: _]/(_ * _) -![_ *: _]/(_ * _) mulNr mulrN mulVf // addrC; congr (_ - _).
by rewrite exprMn exprVn [_ ^- 2 * _]mulrC mulrA -expr2.
Qed.

(* ------------------------------------------------------------------- ReLU *)
Definition relu v : R := Num.max 0 v.
Definition relu' v : R := if 0 < v then 1 else 0.

(* A derivative depends only on the values near the point. *)
Lemma is_derive_near (f g : R -> R) a l : (\forall v \near a, f v = g v) ->
  is_derive a (1 : R) f l -> is_derive a (1 : R) g l.
Proof.
move=> fg [df Df]; have ga : g a = f a by rewrite (nbhs_singleton fg).
pose q (k : R -> R) (u : R) := u^-1 *: ((k \o shift a) (u *: (1 : R)) - k a).
have fg0 : \forall u \near (0 : R), f (u + a) = g (u + a).
  by move: fg; rewrite (near_shift (0 : R)) subr0.
have qq : {near 0^', q f =1 q g}.
  rewrite near_withinE; apply: filterS fg0 => u fgu _.
  by rewrite /q /= ga -[u *: _]/(u * 1) mulr1 fgu.
have lim_f : q f @ 0^' --> l by rewrite -Df.
have lim_g : q g @ 0^' --> l by exact: cvg_trans (near_eq_cvg qq) lim_f.
by split; [exact: cvgP lim_g | exact: cvg_lim lim_g].
Qed.

Lemma relu_derive a : a != 0 -> is_derive a (1 : R) relu (relu' a).
Proof.
rewrite neq_lt /relu' => /orP[a0|a0].
  rewrite ltNge (ltW a0) /=; apply: is_derive_near (is_derive_cst (0 : R) a 1).
  apply: filterS (open_nbhs_nbhs (conj (@open_lt R 0) a0)) => v v0.
  by rewrite /relu max_l // ltW.
rewrite a0; apply: is_derive_near (is_derive_id a 1).
apply: filterS (open_nbhs_nbhs (conj (@open_gt R 0) a0)) => v v0.
by rewrite /relu max_r // ltW.
Qed.
End Activations.

(* (44)-(46) for the document's network with these activations *)
Section Instances.
Variables (R : realType) (d : nat -> nat) (n T : nat).
Variables (x : nat -> 'cV[R]_(d 0)) (p : params R d) (y : nat -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Hypothesis T0 : (0 < T)%N.
Hypothesis y1 : forall t, (0 < t <= T)%N -> \sum_(j < d n) y t j 0 = 1.

Theorem one_pass_tanh_real : one_pass_is_gradient T (@tanh R) (@tanh' R) x p (loss y)
  (fun t => y_hat n (@tanh R) x p t - y t).
Proof.
have f_diff : differentiable_at_z n T (@tanh R) (@tanh' R) x p.
  by move=> l t j _ _; exact: tanh_derive.
exact: (one_pass_softmax_real n0 T0 f_diff y1).
Qed.

Theorem one_pass_logistic_real : one_pass_is_gradient T (@logistic R) (@logistic' R) x p (loss y)
  (fun t => y_hat n (@logistic R) x p t - y t).
Proof.
have f_diff : differentiable_at_z n T (@logistic R) (@logistic' R) x p.
  by move=> l t j _ _; exact: logistic_derive.
exact: (one_pass_softmax_real n0 T0 f_diff y1).
Qed.

(* ReLU, away from its kink: no pre-activation of a hidden layer is zero. *)
Theorem one_pass_relu_real :
  (forall l t j, (0 < l < n)%N -> (0 < t <= T)%N -> pre n (@relu R) x (tied p) l t j 0 != 0) ->
  one_pass_is_gradient T (@relu R) (@relu' R) x p (loss y) (fun t => y_hat n (@relu R) x p t - y t).
Proof.
move=> z0; have f_diff : differentiable_at_z n T (@relu R) (@relu' R) x p.
  by move=> l t j ln tT; apply: relu_derive; exact: z0.
exact: (one_pass_softmax_real n0 T0 f_diff y1).
Qed.
End Instances.
