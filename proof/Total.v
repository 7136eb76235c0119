(* Section 4 of the document, second half: the gradients of the whole loss J  *)
(* as sums over gamma.  (39)-(41) are statements about the gamma that is      *)
(* defined as a sum of deltas; (44)-(46) about anything that satisfies the    *)
(* recursions (42), (43), that is, about what a program computes in one pass. *)
(* c is the factor 1/T of (1); the equations hold for any c.                  *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives Deltas Parameters Gamma.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* The sum over the triangle 1 <= j <= i <= T, by rows and by columns. *)
Lemma exchange_triangle (V : zmodType) (F : nat -> nat -> V) T :
  \sum_(1 <= i < T.+1) \sum_(1 <= j < i.+1) F j i =
  \sum_(1 <= i < T.+1) \sum_(i <= j < T.+1) F i j.
Proof.
transitivity (\sum_(1 <= i < T.+1) \sum_(1 <= j < T.+1 | (j <= i)%N) F j i).
  by apply: eq_big_nat => i /andP[_ iT]; rewrite (big_nat_widen _ _ T.+1).
rewrite (exchange_big_dep_nat predT) //=.
by apply: eq_big_nat => i /andP[i1 _]; rewrite (big_nat_widenl i 1).
Qed.

Section Total.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Variables (T : nat) (c : R).
Hypothesis n0 : (0 < n)%N.
Let H := pH th.
Let h := hid f x (tied th).
Let z := pre n f x (tied th).
Let delta := delta f f' x th ell ell'.
Let gamma := gamma f f' x th ell ell' T.
Let derivative dth := dJtotal f f' x th dth ell ell' T c.

(* the gradients of J *)
Definition nabla_H l : 'M[R]_(d l) := partials (fun V => derivative (all_times (dirH l V))).
Definition nabla_W l : 'M[R]_(d l, d l.-1) :=
  partials (fun V => derivative (all_times (dirW l V))).
Definition nabla_b l : 'cV[R]_(d l) := partials (fun v => derivative (all_times (dirb l v))).
Definition nabla_h0 l : 'cV[R]_(d l) := partials (fun v => derivative (all_times (dirh0 l v))).

(* "calculate grad J^(t) for every time step and sum them up at last": the    *)
(* derivative of J in a direction is c times the sum of those of the J^(i).   *)
Lemma derivative_total dth m p (V : 'M[R]_(m, p)) G :
  (forall i, (0 < i)%N -> dJ f f' x th dth ell ell' i = inner (G i) V) ->
  derivative dth = inner (c *: \sum_(1 <= i < T.+1) G i) V.
Proof.
move=> dG; rewrite /derivative dJtotal_sum innerZl inner_suml; congr (_ * _).
by apply: eq_big_nat => i /andP[i0 _]; exact: dG.
Qed.

Lemma derivative_total_H l V : (0 < l < n)%N -> derivative (all_times (dirH l V)) =
  inner (c *: \sum_(1 <= i < T.+1) gradH f f' x th ell ell' l predT i) V.
Proof. by move=> ln; apply: derivative_total => i i0; exact: derivative_gradH. Qed.

Lemma derivative_total_W l V : (0 < l <= n)%N -> derivative (all_times (dirW l V)) =
  inner (c *: \sum_(1 <= i < T.+1) gradW f f' x th ell ell' l predT i) V.
Proof. by move=> ln; apply: derivative_total => i i0; exact: derivative_gradW. Qed.

Lemma derivative_total_b l v : (0 < l <= n)%N -> derivative (all_times (dirb l v)) =
  inner (c *: \sum_(1 <= i < T.+1) gradb f f' x th ell ell' l predT i) v.
Proof. by move=> ln; apply: derivative_total => i i0; exact: derivative_gradb. Qed.

Lemma derivative_total_h0 l v : (0 < l < n)%N -> derivative (all_times (dirh0 l v)) =
  inner (c *: \sum_(1 <= i < T.+1) gradh0 f f' x th ell ell' l i) v.
Proof. by move=> ln; apply: derivative_total => i i0; exact: derivative_gradh0. Qed.

(* Each is linear in its direction: the gradient gives all of it. *)
Lemma derivative_nabla_H l V : (0 < l < n)%N ->
  derivative (all_times (dirH l V)) = inner (nabla_H l) V.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_total_H V' ln)). Qed.

Lemma derivative_nabla_W l V : (0 < l <= n)%N ->
  derivative (all_times (dirW l V)) = inner (nabla_W l) V.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_total_W V' ln)). Qed.

Lemma derivative_nabla_b l v : (0 < l <= n)%N ->
  derivative (all_times (dirb l v)) = inner (nabla_b l) v.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_total_b V' ln)). Qed.

Lemma derivative_nabla_h0 l v : (0 < l < n)%N ->
  derivative (all_times (dirh0 l v)) = inner (nabla_h0 l) v.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_total_h0 V' ln)). Qed.

(* ------------------------------------------------------ (39), line by line *)
(* The first line of the print has h^(j-1) for h^(l)(j-1). *)
Theorem eq_39_line1 l : (0 < l < n)%N -> nabla_H l =
  c *: \sum_(1 <= i < T.+1) \sum_(1 <= j < i.+1) delta l j i *m (h l j.-1)^T.
Proof.
move=> ln; rewrite /nabla_H (partials_inner (fun V => derivative_total_H V ln)); congr (_ *: _).
by apply: eq_big_nat => i /andP[i0 _]; exact: eq_17.
Qed.

Theorem eq_39_line2 l : (0 < l < n)%N -> nabla_H l =
  c *: \sum_(1 <= i < T.+1) \sum_(i <= j < T.+1) delta l i j *m (h l i.-1)^T.
Proof. by move=> ln; rewrite eq_39_line1 // exchange_triangle. Qed.

Theorem eq_39 l : (0 < l < n)%N ->
  nabla_H l = c *: \sum_(1 <= i < T.+1) gamma l i *m (h l i.-1)^T.
Proof.
move=> ln; rewrite eq_39_line2 //; congr (_ *: _).
by apply: eq_big_nat => i _; rewrite mulmx_suml.
Qed.

(* ------------------------------------------------------ (40), line by line *)
Theorem eq_40_line1 l : (0 < l <= n)%N -> nabla_W l =
  c *: \sum_(1 <= i < T.+1) \sum_(1 <= j < i.+1) delta l j i *m (h l.-1 j)^T.
Proof.
move=> ln; rewrite /nabla_W (partials_inner (fun V => derivative_total_W V ln)); congr (_ *: _).
by apply: eq_big_nat => i /andP[i0 _]; rewrite gradW_delta.
Qed.

Theorem eq_40_line2 l : (0 < l <= n)%N -> nabla_W l =
  c *: \sum_(1 <= i < T.+1) \sum_(i <= j < T.+1) delta l i j *m (h l.-1 i)^T.
Proof. by move=> ln; rewrite eq_40_line1 // exchange_triangle. Qed.

Theorem eq_40 l : (0 < l <= n)%N ->
  nabla_W l = c *: \sum_(1 <= i < T.+1) gamma l i *m (h l.-1 i)^T.
Proof.
move=> ln; rewrite eq_40_line2 //; congr (_ *: _).
by apply: eq_big_nat => i _; rewrite mulmx_suml.
Qed.

(* ------------------------------------------------------ (41), line by line *)
Theorem eq_41_line1 l : (0 < l <= n)%N -> nabla_b l =
  c *: \sum_(1 <= i < T.+1) \sum_(1 <= j < i.+1) delta l j i.
Proof.
move=> ln; rewrite /nabla_b (partials_inner (fun v => derivative_total_b v ln)); congr (_ *: _).
by apply: eq_big_nat => i /andP[i0 _]; rewrite gradb_delta.
Qed.

Theorem eq_41_line2 l : (0 < l <= n)%N -> nabla_b l =
  c *: \sum_(1 <= i < T.+1) \sum_(i <= j < T.+1) delta l i j.
Proof. by move=> ln; rewrite eq_41_line1 // exchange_triangle. Qed.

Theorem eq_41 l : (0 < l <= n)%N -> nabla_b l = c *: \sum_(1 <= i < T.+1) gamma l i.
Proof. exact: eq_41_line2. Qed.

(* the gradient in the initial state, on which the document is silent *)
Theorem initial_state_gradient l : (0 < l < n)%N -> nabla_h0 l = c *: ((H l)^T *m gamma l 1).
Proof.
move=> ln; rewrite /nabla_h0 (partials_inner (fun v => derivative_total_h0 v ln)); congr (_ *: _).
by rewrite mulmx_sumr; apply: eq_big_nat => i /andP[i0 _]; rewrite gradh0_delta.
Qed.

(* ------------------------------------------------------------- one pass *)
Section OnePass.
Hypothesis T0 : (0 < T)%N.
Variables dl g : forall l, nat -> 'cV[R]_(d l).
Hypothesis r42 : recursion_42 T f f' x th (fun t => ell' t (z n t)) dl.
Hypothesis r43 : recursion_43 n T f f' x th dl g.

Lemma carried_gamma l t : (0 < l < n)%N -> (0 < t <= T)%N -> gamma l t = g l t.
Proof. by move=> ln tT; rewrite (eq_43_converse ell n0 T0 r42 r43). Qed.

Lemma carried_delta t : (0 < t <= T)%N -> gamma n t = dl n t.
Proof. by move=> tT; rewrite (eq_42_converse ell n0 r42) ?n0 ?leqnn //; exact: gamma_output. Qed.

Theorem eq_44 l : (0 < l < n)%N ->
  nabla_H l = c *: \sum_(1 <= t < T.+1) g l t *m (h l t.-1)^T.
Proof.
move=> ln; rewrite eq_39 //; congr (_ *: _).
by apply: eq_big_nat => t tT; rewrite carried_gamma.
Qed.

Theorem eq_45_output : nabla_W n = c *: \sum_(1 <= t < T.+1) dl n t *m (h n.-1 t)^T.
Proof.
rewrite eq_40 ?n0 ?leqnn //; congr (_ *: _).
by apply: eq_big_nat => t tT; rewrite carried_delta.
Qed.

Theorem eq_45_hidden l : (0 < l < n)%N ->
  nabla_W l = c *: \sum_(1 <= t < T.+1) g l t *m (h l.-1 t)^T.
Proof.
move=> ln; rewrite eq_40; last by case/andP: ln => -> /ltnW.
by congr (_ *: _); apply: eq_big_nat => t tT; rewrite carried_gamma.
Qed.

Theorem eq_46_output : nabla_b n = c *: \sum_(1 <= t < T.+1) dl n t.
Proof.
rewrite eq_41 ?n0 ?leqnn //; congr (_ *: _).
by apply: eq_big_nat => t tT; rewrite carried_delta.
Qed.

Theorem eq_46_hidden l : (0 < l < n)%N -> nabla_b l = c *: \sum_(1 <= t < T.+1) g l t.
Proof.
move=> ln; rewrite eq_41; last by case/andP: ln => -> /ltnW.
by congr (_ *: _); apply: eq_big_nat => t tT; rewrite carried_gamma.
Qed.

Theorem one_pass_initial_state l : (0 < l < n)%N -> nabla_h0 l = c *: ((H l)^T *m g l 1%N).
Proof. by move=> ln; rewrite initial_state_gradient // carried_gamma. Qed.
End OnePass.
End Total.
