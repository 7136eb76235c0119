(* Derivatives without limits.  A dual number a + b eps, with eps^2 = 0, is   *)
(* the pair (a, b): a value and how it moves.  A function that is computed    *)
(* over dual numbers returns its value and its derivative, by algebra alone,  *)
(* over any commutative ring; f is extended by f(a + b eps) = f(a) + f'(a) b  *)
(* eps, where f' is any function.  This file builds the ring and proves that  *)
(* the forward pass of Network.v, run over it, carries the tangent system.    *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section DualRing.
Variable R : comRingType.
Definition dual : Type := (R * R)%type.
Canonical dual_eqType := [eqType of dual].
Canonical dual_choiceType := [choiceType of dual].
Canonical dual_zmodType := [zmodType of dual].

Definition dual_one : dual := (1, 0).
Definition dual_mul (a b : dual) : dual := (a.1 * b.1, a.1 * b.2 + a.2 * b.1).

Fact dual_mulA : associative dual_mul.
Proof.
move=> [a a'] [b b'] [c c']; rewrite /dual_mul /=; congr pair; first exact: mulrA.
by rewrite mulrDr mulrDl !mulrA addrA.
Qed.

Fact dual_mulC : commutative dual_mul.
Proof.
move=> [a a'] [b b']; rewrite /dual_mul /= (mulrC a b).
by rewrite (mulrC a b') (mulrC a' b) addrC.
Qed.

Fact dual_mul1 : left_id dual_one dual_mul.
Proof. by move=> [a a']; rewrite /dual_mul /= !mul1r mul0r addr0. Qed.

Fact dual_mulDl : left_distributive dual_mul +%R.
Proof.
move=> [a a'] [b b'] [c c']; rewrite /dual_mul /=.
by congr (_, _); rewrite /= ?mulrDl // addrACA.
Qed.

Fact dual_1neq0 : dual_one != 0.
Proof. by apply/eqP => -[/eqP]; rewrite oner_eq0. Qed.

Definition dual_ringMixin :=
  ComRingMixin dual_mulA dual_mulC dual_mul1 dual_mulDl dual_1neq0.
Canonical dual_ringType := Eval hnf in RingType dual dual_ringMixin.
Canonical dual_comRingType := Eval hnf in ComRingType dual dual_mulC.
End DualRing.

Notation dualR R := (dual_comRingType R).

Section DualMatrices.
Variable R : comRingType.

(* A + B eps, and its two parts *)
Definition lift m p (A B : 'M[R]_(m, p)) : 'M[dualR R]_(m, p) :=
  \matrix_(a, b) ((A a b, B a b) : dualR R).
Definition std m p (A : 'M[dualR R]_(m, p)) : 'M[R]_(m, p) := \matrix_(a, b) (A a b).1.
Definition eps m p (A : 'M[dualR R]_(m, p)) : 'M[R]_(m, p) := \matrix_(a, b) (A a b).2.

Lemma std_lift m p (A B : 'M[R]_(m, p)) : std (lift A B) = A.
Proof. by apply/matrixP => a b; rewrite !mxE. Qed.

Lemma eps_lift m p (A B : 'M[R]_(m, p)) : eps (lift A B) = B.
Proof. by apply/matrixP => a b; rewrite !mxE. Qed.

Lemma dual_sum_eps (r : seq nat) (F : nat -> dualR R) :
  (\sum_(k <- r) F k).2 = \sum_(k <- r) (F k).2.
Proof. by elim/big_rec2: _ => [|k y1 y2 _ <-]. Qed.

Lemma liftD m p (A A' B B' : 'M[R]_(m, p)) : lift A A' + lift B B' = lift (A + B) (A' + B').
Proof. by apply/matrixP => a b; rewrite !mxE. Qed.

(* the product rule *)
Lemma liftM m p q (A A' : 'M[R]_(m, p)) (B B' : 'M[R]_(p, q)) :
  lift A A' *m lift B B' = lift (A *m B) (A *m B' + A' *m B).
Proof.
apply/matrixP => a b; rewrite !mxE -big_split /=.
by elim/big_rec3: _ => [//|k y1 y2 y3 _ ->]; rewrite !mxE.
Qed.

(* f(a + b eps) = f(a) + f'(a) b eps *)
Definition fdual (f f' : R -> R) (a : dualR R) : dualR R := (f a.1, f' a.1 * a.2).

(* the chain rule *)
Lemma lift_map f f' m (a b : 'cV[R]_m) :
  map_mx (fdual f f') (lift a b) = lift (map_mx f a) (diag (map_mx f' a) *m b).
Proof. by apply/matrixP => j k; rewrite mul_diag_mx !mxE (ord1 k). Qed.

(* ell(z + w eps) = ell(z) + <ell'(z), w> eps *)
Definition elldual m (ell : nat -> 'cV[R]_m -> R) (ell' : nat -> 'cV[R]_m -> 'cV[R]_m)
    (i : nat) (v : 'cV[dualR R]_m) : dualR R :=
  (ell i (std v), inner (ell' i (std v)) (eps v)).
End DualMatrices.

Section DualForward.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).

Definition lift_params (dth : nat -> params R d) : nat -> params (dualR R) d := fun t => Params
  (fun l => lift (pH th l) (pH (dth t) l)) (fun l => lift (pW th l) (pW (dth t) l))
  (fun l => lift (pb th l) (pb (dth t) l)) (fun l => lift (ph0 th l) (ph0 (dth t) l)).
Definition lift_input t := lift (x t) 0.

Variable dth : nat -> params R d.
Let hdual := hid (fdual f f') lift_input (lift_params dth).

Lemma hid_dual l t : (l < n)%N -> hdual l t = lift (hid f x (tied th) l t) (dhid n f f' x th dth l t).
Proof.
elim: l t => [|l IHl] t ln //; elim: t => [|t IHt] //.
rewrite /hdual (@eq_04_hidden _ _ n) ?ln // eq_05_hidden //= -/hdual IHt IHl 1?ltnW //.
rewrite !liftM !liftD lift_map [in RHS]dhid_step ?ln // [in RHS](@eq_04_hidden _ _ n) ?ln //.
rewrite /Df [in RHS]eq_05_hidden // /dpre ln /=; congr (lift _ (_ *m _)).
by rewrite [pH (dth _) _ *m _ + _]addrC [pW (dth _) _ *m _ + _]addrC.
Qed.

Let zdual := pre n (fdual f f') lift_input (lift_params dth).

Lemma pre_dual l t : (0 < l <= n)%N ->
  zdual l t = lift (pre n f x (tied th) l t) (dpre n f f' x th dth l t).
Proof.
move=> /andP[l0 ln]; have l1n : (l.-1 < n)%N by rewrite prednK.
rewrite /zdual /pre /dpre -/hdual; case: ifP => ln' /=; rewrite !hid_dual // !liftM !liftD.
  by rewrite [pH (dth _) _ *m _ + _]addrC [pW (dth _) _ *m _ + _]addrC.
by rewrite [pW (dth _) _ *m _ + _]addrC.
Qed.

(* the derivative of z^(l)(t) in the direction dth *)
Definition dz l t : 'cV[R]_(d l) := eps (zdual l t).

Lemma dz_tangent l t : (0 < l <= n)%N -> dz l t = dpre n f f' x th dth l t.
Proof. by move=> ln; rewrite /dz pre_dual // eps_lift. Qed.

(* The derivative of J^(i) in the direction dth: the eps part of J^(i) run    *)
(* over dual numbers.                                                         *)
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Definition dJ i : R :=
  (Jstep (fdual f f') lift_input (lift_params dth) (elldual ell ell') i).2.

Lemma dJ_tangent i : (0 < n)%N ->
  dJ i = inner (ell' i (pre n f x (tied th) n i)) (dpre n f f' x th dth n i).
Proof. by move=> n0; rewrite /dJ /Jstep -/zdual pre_dual ?n0 ?leqnn //= std_lift eps_lift. Qed.

(* likewise the whole loss J, with the factor c of (1) *)
Definition dJtotal (T : nat) (c : R) : R :=
  (Jtotal (fdual f f') lift_input (lift_params dth) (elldual ell ell') T ((c, 0) : dualR R)).2.

Lemma dJtotal_sum T c : dJtotal T c = c * (\sum_(1 <= i < T.+1) dJ i).
Proof. by rewrite /dJtotal /Jtotal /= mul0r addr0 dual_sum_eps. Qed.
End DualForward.
