(* The equations over the reals, for any differentiable loss.  Each says that *)
(* whatever the gradients on its right-hand side are, the expression in them  *)
(* is the gradient on its left-hand side.  No dual number occurs in a         *)
(* statement: only the forward pass and the derivatives of analysis.          *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp functions.
From mathcomp.analysis Require Import reals topology normedtype derive realfun.
From BPTT Require Import Inner Network Tangent Derivatives Deltas Parameters Gamma Total.
From BPTT Require Import RealCalculus RealNetwork RealGradient.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section RealEquations.
Variable R : realType.
Variables (d : nat -> nat) (n T : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (p : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (e : nat -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Hypothesis f_diff : differentiable_at_z n T f f' x p.
Hypothesis e_grad : error_at_output T f x p ell e.
Let H := pH p.
Let W := pW p.
Let h := hid f x (tied p).
Let z := pre n f x (tied p).
Let ell' t (_ : 'cV[R]_(d n)) := e t.
Let dual_delta := delta f f' x p ell ell'.

(* g is the gradient of J^(i) in z^(l)(t). *)
Definition is_delta l t i (g : 'cV[R]_(d l)) : Prop := is_gradient (J_of_z f x p ell t i (l := l)) g.

Lemma is_deltaP l t i g : (0 < l <= n)%N -> (0 < t)%N -> (0 < i <= T)%N ->
  is_delta t i g -> g = dual_delta l t i.
Proof. by move=> ln t0 iT dg; apply: gradient_unique dg _; exact: (delta_is_gradient n0 f_diff e_grad). Qed.

Lemma dual_is_delta l t i : (0 < l <= n)%N -> (0 < t)%N -> (0 < i <= T)%N ->
  is_delta t i (dual_delta l t i).
Proof. exact: (delta_is_gradient n0 f_diff e_grad). Qed.

(* --------------------------------------------------- 3.1, the deltas *)
(* (7) for any loss; for the softmax see eq_07_real. *)
Theorem eq_07_any_loss_real t : (0 < t <= T)%N -> is_delta t t (e t).
Proof.
move=> tT; case/andP: (tT) => t0 _; have -> : e t = dual_delta n t t by rewrite /dual_delta eq_07.
by apply: dual_is_delta; rewrite ?n0 ?leqnn.
Qed.

Theorem eq_09_real t g : (1 < n)%N -> (0 < t <= T)%N -> is_delta t t g ->
  is_delta t t (diag (map_mx f' (z n.-1 t)) *m ((W n)^T *m g)).
Proof.
move=> n1 tT dg; case/andP: (tT) => t0 _.
have -> : g = dual_delta n t t by apply: (is_deltaP _ _ _ dg); rewrite ?n0 ?leqnn.
rewrite -[X in is_delta _ _ X](eq_09 f f' x p ell ell' n0 n1 t0).
by apply: dual_is_delta => //; rewrite -subn1 subn_gt0 n1 leq_subr.
Qed.

Theorem eq_11_real t c g : (1 < n)%N -> (0 < c < t)%N -> (t <= T)%N ->
  is_delta (t - c).+1 t g ->
  is_delta (t - c) t (diag (map_mx f' (z n.-1 (t - c))) *m ((H n.-1)^T *m g)).
Proof.
move=> n1 ct tT dg; have t0 : (0 < t)%N by case/andP: ct => _; exact: leq_trans.
have ln : (0 < n.-1 <= n)%N by rewrite -subn1 subn_gt0 n1 leq_subr.
have -> : g = dual_delta n.-1 (t - c).+1 t by apply: (is_deltaP _ _ _ dg); rewrite ?t0.
rewrite -[X in is_delta _ _ X](eq_11 f f' x p ell ell' n0 n1 ct).
by apply: dual_is_delta; rewrite ?t0 // subn_gt0; case/andP: ct.
Qed.

Theorem eq_13_real l t g : (0 < l)%N -> (l < n.-1)%N -> (0 < t <= T)%N -> is_delta t t g ->
  is_delta t t (diag (map_mx f' (z l t)) *m ((W l.+1)^T *m g)).
Proof.
move=> l0 ln tT dg; case/andP: (tT) => t0 _; have ln' : (l < n)%N by rewrite (leq_trans ln) ?leq_pred.
have -> : g = dual_delta l.+1 t t by apply: (is_deltaP _ _ _ dg).
rewrite -[X in is_delta _ _ X](eq_13 f f' x p ell ell' n0 l0 ln t0).
by apply: dual_is_delta; rewrite ?l0 ?(ltnW ln').
Qed.

Theorem eq_15_real l t c g_next g_above : (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N -> (t <= T)%N ->
  is_delta (t - c).+1 t g_next -> is_delta (t - c) t g_above ->
  is_delta (t - c) t
    (diag (map_mx f' (z l (t - c))) *m ((H l)^T *m g_next + (W l.+1)^T *m g_above)).
Proof.
move=> l0 ln ct tT dnext dabove; have t0 : (0 < t)%N by case/andP: ct => _; exact: leq_trans.
have ln' : (l < n)%N by rewrite (leq_trans ln) ?leq_pred.
have u0 : (0 < t - c)%N by rewrite subn_gt0; case/andP: ct.
have -> : g_next = dual_delta l (t - c).+1 t.
  by apply: (is_deltaP _ _ _ dnext); rewrite ?l0 ?t0 ?(ltnW ln').
have -> : g_above = dual_delta l.+1 (t - c) t by apply: (is_deltaP _ _ _ dabove); rewrite ?t0.
rewrite -[X in is_delta _ _ X](eq_15 f f' x p ell ell' n0 l0 ln ct).
by apply: dual_is_delta; rewrite ?l0 ?t0 ?(ltnW ln').
Qed.

(* ------------------------------- 3.2, the gradients of one time step's loss *)
Section OneStep.
Variable i : nat.
Hypothesis iT : (0 < i <= T)%N.
Fact i0 : (0 < i)%N. Proof. by case/andP: iT. Qed.

(* g k is the gradient in z^(l)(k), for k = 1 .. i *)
Definition are_deltas l (g : nat -> 'cV[R]_(d l)) : Prop :=
  forall k, (0 < k <= i)%N -> is_delta k i (g k).

Lemma sum_are_deltas l g m q (F : nat -> 'cV[R]_(d l) -> 'M[R]_(m, q)) : (0 < l <= n)%N ->
  are_deltas g -> \sum_(1 <= k < i.+1) F k (g k) = \sum_(1 <= k < i.+1) F k (dual_delta l k i).
Proof.
move=> ln dg; apply: eq_big_nat => k ki; rewrite (is_deltaP _ _ _ (dg k ki)) //.
by case/andP: ki.
Qed.

Theorem eq_17_real l g : (0 < l < n)%N -> are_deltas g ->
  is_gradient (J_of_H f x p ell predT i (l := l)) (\sum_(1 <= k < i.+1) g k *m (h l k.-1)^T).
Proof.
move=> ln dg; rewrite (sum_are_deltas (fun k v => v *m (h l k.-1)^T) _ dg).
  by rewrite -(eq_17 f f' x p ell ell' n0 i0 ln); exact: (gradH_is_gradient n0 f_diff e_grad).
by case/andP: ln => -> /ltnW.
Qed.

Theorem eq_19_real g : is_delta i i g ->
  is_gradient (J_of_W f x p ell predT i (l := n)) (g *m (h n.-1 i)^T).
Proof.
move=> dg; have -> : g = dual_delta n i i by apply: (is_deltaP _ _ _ dg); rewrite ?n0 ?leqnn //; exact: i0.
by rewrite -(eq_19 f f' x p ell ell' n0 i0); apply: (gradW_is_gradient n0 f_diff e_grad); rewrite ?n0 ?leqnn.
Qed.

Theorem eq_21_real l g : (0 < l < n)%N -> are_deltas g ->
  is_gradient (J_of_W f x p ell predT i (l := l)) (\sum_(1 <= k < i.+1) g k *m (h l.-1 k)^T).
Proof.
move=> ln dg; have ln' : (0 < l <= n)%N by case/andP: ln => -> /ltnW.
rewrite (sum_are_deltas (fun k v => v *m (h l.-1 k)^T) ln' dg).
by rewrite -(eq_21 f f' x p ell ell' n0 i0 ln); exact: (gradW_is_gradient n0 f_diff e_grad).
Qed.

Theorem eq_23_real g : is_delta i i g -> is_gradient (J_of_b f x p ell predT i (l := n)) g.
Proof.
move=> dg; have -> : g = dual_delta n i i by apply: (is_deltaP _ _ _ dg); rewrite ?n0 ?leqnn //; exact: i0.
rewrite /dual_delta -(eq_23 f f' x p ell ell' n0 i0).
by apply: (gradb_is_gradient n0 f_diff e_grad); rewrite ?n0 ?leqnn.
Qed.

Theorem eq_25_real l g : (0 < l < n)%N -> are_deltas g ->
  is_gradient (J_of_b f x p ell predT i (l := l)) (\sum_(1 <= k < i.+1) g k).
Proof.
move=> ln dg; have ln' : (0 < l <= n)%N by case/andP: ln => -> /ltnW.
rewrite (sum_are_deltas (fun k v => v) ln' dg).
by rewrite -(eq_25 f f' x p ell ell' n0 i0 ln); exact: (gradb_is_gradient n0 f_diff e_grad).
Qed.
End OneStep.

(* ------------------------------------------- 4, the gradients of the loss J *)
Section Total.
Variable l : nat.
Variable g : nat -> nat -> 'cV[R]_(d l).
Hypothesis dg : forall j i, (0 < j <= i)%N -> (i <= T)%N -> is_delta j i (g j i).

(* gamma^(l)(t), the sum over i of the gradients of J^(i) in z^(l)(t) *)
Let gamma t := \sum_(t <= i < T.+1) g t i.

Lemma gammaP t : (0 < l <= n)%N -> (0 < t)%N -> gamma t = Gamma.gamma f f' x p ell ell' T l t.
Proof.
move=> ln t0; apply: eq_big_nat => i /andP[ti iT].
have i0 : (0 < i)%N by exact: leq_trans ti.
by apply: is_deltaP (dg _ _); rewrite ?t0 ?i0.
Qed.

Theorem eq_39_real : (0 < l < n)%N -> is_gradient (J_total_of_H T f x p ell (l := l))
  (T%:R^-1 *: \sum_(1 <= i < T.+1) gamma i *m (h l i.-1)^T).
Proof.
move=> ln; have ln' : (0 < l <= n)%N by case/andP: ln => -> /ltnW.
rewrite (_ : _ *: _ = nabla_H f f' x p ell ell' T T%:R^-1 l).
  exact: (nabla_H_is_gradient n0 f_diff e_grad).
by rewrite eq_39 //; congr (_ *: _); apply: eq_big_nat => i /andP[i0 _]; rewrite gammaP.
Qed.

Theorem eq_40_real : (0 < l <= n)%N -> is_gradient (J_total_of_W T f x p ell (l := l))
  (T%:R^-1 *: \sum_(1 <= i < T.+1) gamma i *m (h l.-1 i)^T).
Proof.
move=> ln; rewrite (_ : _ *: _ = nabla_W f f' x p ell ell' T T%:R^-1 l).
  exact: (nabla_W_is_gradient n0 f_diff e_grad).
by rewrite eq_40 //; congr (_ *: _); apply: eq_big_nat => i /andP[i0 _]; rewrite gammaP.
Qed.

Theorem eq_41_real : (0 < l <= n)%N -> is_gradient (J_total_of_b T f x p ell (l := l))
  (T%:R^-1 *: \sum_(1 <= i < T.+1) gamma i).
Proof.
move=> ln; rewrite (_ : _ *: _ = nabla_b f f' x p ell ell' T T%:R^-1 l).
  exact: (nabla_b_is_gradient n0 f_diff e_grad).
by rewrite eq_41 //; congr (_ *: _); apply: eq_big_nat => i /andP[i0 _]; rewrite gammaP.
Qed.
End Total.

(* The real gradients of each J^(t) at its own time satisfy (42). *)
Theorem eq_42_any_loss_real (g : forall l, nat -> 'cV[R]_(d l)) :
  (forall l t, (0 < l <= n)%N -> (0 < t <= T)%N -> is_delta t t (g l t)) ->
  recursion_42 T f f' x p e g.
Proof.
move=> dg; have gE l t : (0 < l <= n)%N -> (0 < t <= T)%N -> g l t = dual_delta l t t.
  by move=> ln tT; apply: (is_deltaP _ _ _ (dg l t ln tT)) => //; case/andP: tT.
have [output hidden] := eq_42 f f' x p ell ell' n0 T.
split=> [t tT|l t /andP[l0 ln] tT]; first by rewrite gE ?n0 ?leqnn //; exact: output.
by rewrite !gE ?l0 ?(ltnW ln) //; apply: hidden; rewrite ?l0.
Qed.

(* The sums of the real gradients satisfy (43), with real gradients for (42). *)
Theorem eq_43_real (g : forall l, nat -> nat -> 'cV[R]_(d l)) : (0 < T)%N ->
  (forall l j i, (0 < l <= n)%N -> (0 < j <= i)%N -> (i <= T)%N -> is_delta j i (g l j i)) ->
  recursion_43 n T f f' x p (fun l t => g l t t) (fun l t => \sum_(t <= i < T.+1) g l t i).
Proof.
move=> T0 dg; have gE l t i : (0 < l <= n)%N -> (0 < t <= i)%N -> (i <= T)%N ->
    g l t i = dual_delta l t i.
  move=> ln /andP[t0 ti] iT; apply: is_deltaP (dg _ _ _ _ _ _); rewrite ?t0 ?ti ?iT //.
  by rewrite (leq_trans t0).
have sumE l t : (0 < l <= n)%N -> (0 < t)%N ->
    \sum_(t <= i < T.+1) g l t i = Gamma.gamma f f' x p ell ell' T l t.
  by move=> ln t0; apply: eq_big_nat => i /andP[ti iT]; rewrite gE ?t0.
have [last top others] := eq_43 f f' x p ell ell' n0 T.
split=> [l /andP[l0 ln]|t n1 /andP[t0 tT]|l t l0 ln /andP[t0 tT]].
- by rewrite sumE ?l0 ?(ltnW ln) // last ?l0 // gE ?l0 ?T0 ?leqnn ?(ltnW ln).
- have ln : (0 < n.-1 <= n)%N by rewrite -subn1 subn_gt0 n1 leq_subr.
  by rewrite !sumE // top ?t0 // gE ?t0 ?leqnn ?(ltnW tT).
have ln' : (l < n)%N by rewrite (leq_trans ln) ?leq_pred.
by rewrite !sumE ?l0 ?(ltnW ln') // others ?t0.
Qed.

(* ------------------------------------------------ (44) - (46), one pass *)
Section OnePass.
Hypothesis T0 : (0 < T)%N.
Variables dl g : forall l, nat -> 'cV[R]_(d l).
Hypothesis r42 : recursion_42 T f f' x p e dl.
Hypothesis r43 : recursion_43 n T f f' x p dl g.
Let r42' : recursion_42 T f f' x p (fun t => ell' t (z n t)) dl := r42.

Theorem eq_44_real l : (0 < l < n)%N -> is_gradient (J_total_of_H T f x p ell (l := l))
  (T%:R^-1 *: \sum_(1 <= t < T.+1) g l t *m (h l t.-1)^T).
Proof.
by move=> ln; rewrite -(eq_44 ell _ n0 T0 r42' r43 ln); exact: (nabla_H_is_gradient n0 f_diff e_grad).
Qed.

Theorem eq_45_output_real : is_gradient (J_total_of_W T f x p ell (l := n))
  (T%:R^-1 *: \sum_(1 <= t < T.+1) dl n t *m (h n.-1 t)^T).
Proof.
rewrite -(eq_45_output ell _ n0 r42').
by apply: (nabla_W_is_gradient n0 f_diff e_grad); rewrite ?n0 ?leqnn.
Qed.

Theorem eq_45_hidden_real l : (0 < l < n)%N -> is_gradient (J_total_of_W T f x p ell (l := l))
  (T%:R^-1 *: \sum_(1 <= t < T.+1) g l t *m (h l.-1 t)^T).
Proof.
move=> ln; rewrite -(eq_45_hidden ell _ n0 T0 r42' r43 ln).
by apply: (nabla_W_is_gradient n0 f_diff e_grad) => //; case/andP: ln => -> /ltnW.
Qed.

Theorem eq_46_output_real : is_gradient (J_total_of_b T f x p ell (l := n))
  (T%:R^-1 *: \sum_(1 <= t < T.+1) dl n t).
Proof.
rewrite -(eq_46_output ell _ n0 r42').
by apply: (nabla_b_is_gradient n0 f_diff e_grad); rewrite ?n0 ?leqnn.
Qed.

Theorem eq_46_hidden_real l : (0 < l < n)%N -> is_gradient (J_total_of_b T f x p ell (l := l))
  (T%:R^-1 *: \sum_(1 <= t < T.+1) g l t).
Proof.
move=> ln; rewrite -(eq_46_hidden ell _ n0 T0 r42' r43 ln).
by apply: (nabla_b_is_gradient n0 f_diff e_grad) => //; case/andP: ln => -> /ltnW.
Qed.

Theorem initial_state_real l : (0 < l < n)%N -> is_gradient (J_total_of_h0 T f x p ell (l := l))
  (T%:R^-1 *: ((H l)^T *m g l 1%N)).
Proof.
move=> ln; rewrite -(one_pass_initial_state ell _ n0 T0 r42' r43 ln).
exact: (nabla_h0_is_gradient n0 f_diff e_grad).
Qed.

(* Entry by entry: each partial derivative, of one weight with all else fixed. *)
Corollary eq_44_partial_real l a b : (0 < l < n)%N ->
  is_derive 0 (1 : R) (fun u => J_total_of_H T f x p ell (u *: delta_mx a b : 'M_(d l)))
    ((T%:R^-1 *: \sum_(1 <= t < T.+1) g l t *m (h l t.-1)^T) a b).
Proof. by move=> ln; apply: gradient_partial; exact: eq_44_real. Qed.

Corollary eq_45_output_partial_real a b :
  is_derive 0 (1 : R) (fun u => J_total_of_W T f x p ell (u *: delta_mx a b : 'M_(d n, d n.-1)))
    ((T%:R^-1 *: \sum_(1 <= t < T.+1) dl n t *m (h n.-1 t)^T) a b).
Proof. by apply: gradient_partial; exact: eq_45_output_real. Qed.

Corollary eq_45_hidden_partial_real l a b : (0 < l < n)%N ->
  is_derive 0 (1 : R) (fun u => J_total_of_W T f x p ell (u *: delta_mx a b : 'M_(d l, d l.-1)))
    ((T%:R^-1 *: \sum_(1 <= t < T.+1) g l t *m (h l.-1 t)^T) a b).
Proof. by move=> ln; apply: gradient_partial; exact: eq_45_hidden_real. Qed.

Corollary eq_46_output_partial_real a :
  is_derive 0 (1 : R) (fun u => J_total_of_b T f x p ell (u *: delta_mx a 0 : 'cV_(d n)))
    ((T%:R^-1 *: \sum_(1 <= t < T.+1) dl n t) a 0).
Proof. by apply: gradient_partial; exact: eq_46_output_real. Qed.

Corollary eq_46_hidden_partial_real l a : (0 < l < n)%N ->
  is_derive 0 (1 : R) (fun u => J_total_of_b T f x p ell (u *: delta_mx a 0 : 'cV_(d l)))
    ((T%:R^-1 *: \sum_(1 <= t < T.+1) g l t) a 0).
Proof. by move=> ln; apply: gradient_partial; exact: eq_46_hidden_real. Qed.

Corollary initial_state_partial_real l a : (0 < l < n)%N ->
  is_derive 0 (1 : R) (fun u => J_total_of_h0 T f x p ell (u *: delta_mx a 0 : 'cV_(d l)))
    ((T%:R^-1 *: ((H l)^T *m g l 1%N)) a 0).
Proof. by move=> ln; apply: gradient_partial; exact: initial_state_real. Qed.
End OnePass.

(* (44)-(46) together *)
Definition one_pass_is_gradient : Prop :=
  forall dl g : forall l, nat -> 'cV[R]_(d l),
  recursion_42 T f f' x p e dl -> recursion_43 n T f f' x p dl g ->
  [/\ is_gradient (J_total_of_W T f x p ell (l := n))
        (T%:R^-1 *: \sum_(1 <= t < T.+1) dl n t *m (h n.-1 t)^T),
      is_gradient (J_total_of_b T f x p ell (l := n)) (T%:R^-1 *: \sum_(1 <= t < T.+1) dl n t) &
      forall l, (0 < l < n)%N ->
      [/\ is_gradient (J_total_of_H T f x p ell (l := l))
            (T%:R^-1 *: \sum_(1 <= t < T.+1) g l t *m (h l t.-1)^T),
          is_gradient (J_total_of_W T f x p ell (l := l))
            (T%:R^-1 *: \sum_(1 <= t < T.+1) g l t *m (h l.-1 t)^T),
          is_gradient (J_total_of_b T f x p ell (l := l))
            (T%:R^-1 *: \sum_(1 <= t < T.+1) g l t) &
          is_gradient (J_total_of_h0 T f x p ell (l := l)) (T%:R^-1 *: ((H l)^T *m g l 1%N))]].

Theorem one_pass_any_loss_real : (0 < T)%N -> one_pass_is_gradient.
Proof.
move=> T0 dl g r42 r43; split; [exact: eq_45_output_real | exact: eq_46_output_real |].
move=> l ln; split; [exact: (eq_44_real T0 r42) | exact: (eq_45_hidden_real T0 r42)
  | exact: (eq_46_hidden_real T0 r42) | exact: (initial_state_real T0 r42)].
Qed.
End RealEquations.
