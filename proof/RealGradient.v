(* The gradients over the reals: J, as a function of one z^(l)(t), H^(l),     *)
(* W^(l), b^(l) or h^(l)(0) with all else fixed, has for gradient (in the     *)
(* sense of RealCalculus.v) the one that Derivatives.v defines over dual      *)
(* numbers.  All equations over the reals follow from this file and from      *)
(* their counterparts over rings.                                             *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp functions.
From mathcomp.analysis Require Import reals topology normedtype derive realfun.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives Total.
From BPTT Require Import RealCalculus RealNetwork.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

(* ------------------------------------------------- curves of parameters -- *)
Section Curves.
Variables (R : realType) (d : nat -> nat) (p : params R d).

(* q is a differentiable curve of directions through 0, with velocity dq. *)
Record curve (q : R -> nat -> params R d) (dq : nat -> params R d) : Prop := Curve {
  curve_start : q 0 = fun _ => dir0 R d;
  curve_H : forall l t, is_dmx 0 (fun u => pH (q u t) l) (pH (dq t) l);
  curve_W : forall l t, is_dmx 0 (fun u => pW (q u t) l) (pW (dq t) l);
  curve_b : forall l t, is_dmx 0 (fun u => pb (q u t) l) (pb (dq t) l);
  curve_h0 : forall l t, is_dmx 0 (fun u => ph0 (q u t) l) (ph0 (dq t) l) }.

Lemma plus_dir0 : plus_dir p (fun _ => dir0 R d) = tied p.
Proof.
apply/funext => t; rewrite /plus_dir /tied; case: p => H W b h0 /=.
by congr Params; apply/functional_extensionality_dep => l; rewrite addr0.
Qed.

Lemma dmx_shift m k (A : 'M[R]_(m, k)) B B' : is_dmx 0 B B' -> is_dmx 0 (fun u => A + B u) B'.
Proof. by move=> dB; apply: (dmx_ext (dmxD (dmx_cst 0 A) dB)); rewrite ?add0r. Qed.

Lemma only0 (r c : nat -> nat) l : only (r := r) (c := c) (0 : 'M[R]_(r l, c l)) = fun _ => 0.
Proof.
apply/functional_extensionality_dep => k; case: (k =P l) => [->|/eqP kl].
  by rewrite only_same.
by rewrite only_other.
Qed.

Lemma only_derive (r c : nat -> nat) l (X : R -> 'M[R]_(r l, c l)) X' k : is_dmx 0 X X' ->
  is_dmx 0 (fun u => only (r := r) (c := c) (X u) k) (only (r := r) (c := c) X' k).
Proof.
move=> dX; case: (k =P l) => [->|/eqP kl].
  by apply: (dmx_ext dX) => [u|]; rewrite only_same.
by apply: (dmx_ext (dmx_cst 0 (0 : 'M[R]_(r k, c k)))) => [u|]; rewrite only_other.
Qed.

Lemma curve_at_times P (q : R -> params R d) dq :
  curve (fun u _ => q u) (fun _ => dq) -> curve (fun u => at_times P (q u)) (at_times P dq).
Proof.
case=> q0 qH qW qb qh; split; rewrite /at_times.
- by apply/funext => t; case: ifP => // _; exact: (congr1 (@^~ t) q0).
- by move=> l t; case: (P t); [exact: qH | exact: dmx_cst].
- by move=> l t; case: (P t); [exact: qW | exact: dmx_cst].
- by move=> l t; case: (P t); [exact: qb | exact: dmx_cst].
- by move=> l t; case: (P t); [exact: qh | exact: dmx_cst].
Qed.

Section OneMatrix.
Variable l : nat.

Lemma curve_dirH (X : R -> 'M[R]_(d l)) X' : X 0 = 0 -> is_dmx 0 X X' ->
  curve (fun u _ => dirH l (X u)) (fun _ => dirH l X').
Proof.
move=> X0 dX; split=> [|k t|k t|k t|k t]; try exact: dmx_cst; last exact: only_derive.
by rewrite X0 /dirH only0.
Qed.

Lemma curve_dirW (X : R -> 'M[R]_(d l, d l.-1)) X' : X 0 = 0 -> is_dmx 0 X X' ->
  curve (fun u _ => dirW l (X u)) (fun _ => dirW l X').
Proof.
move=> X0 dX; split=> [|k t|k t|k t|k t]; try exact: dmx_cst; last exact: only_derive.
by rewrite X0 /dirW (only0 d (fun k => d k.-1)).
Qed.

Lemma curve_dirb (X : R -> 'cV[R]_(d l)) X' : X 0 = 0 -> is_dmx 0 X X' ->
  curve (fun u _ => dirb l (X u)) (fun _ => dirb l X').
Proof.
move=> X0 dX; split=> [|k t|k t|k t|k t]; try exact: dmx_cst; last exact: only_derive.
by rewrite X0 /dirb (only0 d (fun _ => 1%N)).
Qed.

Lemma curve_dirh0 (X : R -> 'cV[R]_(d l)) X' : X 0 = 0 -> is_dmx 0 X X' ->
  curve (fun u _ => dirh0 l (X u)) (fun _ => dirh0 l X').
Proof.
move=> X0 dX; split=> [|k t|k t|k t|k t]; try exact: dmx_cst; last exact: only_derive.
by rewrite X0 /dirh0 (only0 d (fun _ => 1%N)).
Qed.
End OneMatrix.
End Curves.

(* -------------------------------------------------------------- gradients *)
Section RealGradient.
Variable R : realType.
Variables (d : nat -> nat) (n T : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (p : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (e : nat -> 'cV[R]_(d n)).

(* J^(i) and J, with something added to the parameters *)
Definition J_along i (q : nat -> params R d) : R := Jstep f x (plus_dir p q) ell i.
Definition J_total_along (q : nat -> params R d) : R := Jtotal f x (plus_dir p q) ell T T%:R^-1.

(* J^(i) as a function of what is added to z^(l)(t); to H^(l), W^(l), b^(l)   *)
(* in the copies of the times in P; to h^(l)(0) *)
Definition J_of_z l t i (v : 'cV[R]_(d l)) := J_along i (dirz l t v).
Definition J_of_H l P i (V : 'M[R]_(d l)) := J_along i (at_times P (dirH l V)).
Definition J_of_W l P i (V : 'M[R]_(d l, d l.-1)) := J_along i (at_times P (dirW l V)).
Definition J_of_b l P i (v : 'cV[R]_(d l)) := J_along i (at_times P (dirb l v)).

(* J as a function of what is added to H^(l), W^(l), b^(l), h^(l)(0) *)
Definition J_total_of_H l (V : 'M[R]_(d l)) := J_total_along (all_times (dirH l V)).
Definition J_total_of_W l (V : 'M[R]_(d l, d l.-1)) := J_total_along (all_times (dirW l V)).
Definition J_total_of_b l (v : 'cV[R]_(d l)) := J_total_along (all_times (dirb l v)).
Definition J_total_of_h0 l (v : 'cV[R]_(d l)) := J_total_along (all_times (dirh0 l v)).

Hypothesis n0 : (0 < n)%N.
Hypothesis f_diff : differentiable_at_z n T f f' x p.
Hypothesis e_grad : error_at_output T f x p ell e.
Let ell' t (_ : 'cV[R]_(d n)) := e t.

Lemma curve_derive q dq i : curve q dq -> (0 < i <= T)%N ->
  is_derive 0 (1 : R) (fun u => J_along i (q u)) (dJ f f' x p dq ell ell' i).
Proof.
case=> q0 qH qW qb qh iT; apply: (dual_is_real f_diff _ _ _ _ _ e_grad n0 iT).
- by rewrite q0 plus_dir0.
- by move=> l t; exact: dmx_shift.
- by move=> l t; exact: dmx_shift.
- by move=> l t; exact: dmx_shift.
- by move=> l t; exact: dmx_shift.
Qed.

Lemma curve_derive_total q dq : curve q dq ->
  is_derive 0 (1 : R) (fun u => J_total_along (q u)) (dJtotal f f' x p dq ell ell' T T%:R^-1).
Proof.
case=> q0 qH qW qb qh; apply: (dual_is_real_total f_diff _ _ _ _ _ e_grad _ n0).
- by rewrite q0 plus_dir0.
- by move=> l t; exact: dmx_shift.
- by move=> l t; exact: dmx_shift.
- by move=> l t; exact: dmx_shift.
- by move=> l t; exact: dmx_shift.
Qed.

Lemma delta_is_gradient l t i : (0 < l <= n)%N -> (0 < t)%N -> (0 < i <= T)%N ->
  is_gradient (@J_of_z l t i) (delta f f' x p ell ell' l t i).
Proof.
move=> ln t0 iT X X' X0 dX; rewrite -derivative_delta //; last by case/andP: iT.
by apply: curve_derive => //; apply: curve_at_times; exact: curve_dirb.
Qed.

Lemma gradH_is_gradient l P i : (0 < l < n)%N -> (0 < i <= T)%N ->
  is_gradient (@J_of_H l P i) (gradH f f' x p ell ell' l P i).
Proof.
move=> ln iT X X' X0 dX; rewrite -derivative_gradH //; last by case/andP: iT.
by apply: curve_derive => //; apply: curve_at_times; exact: curve_dirH.
Qed.

Lemma gradW_is_gradient l P i : (0 < l <= n)%N -> (0 < i <= T)%N ->
  is_gradient (@J_of_W l P i) (gradW f f' x p ell ell' l P i).
Proof.
move=> ln iT X X' X0 dX; rewrite -derivative_gradW //; last by case/andP: iT.
by apply: curve_derive => //; apply: curve_at_times; exact: curve_dirW.
Qed.

Lemma gradb_is_gradient l P i : (0 < l <= n)%N -> (0 < i <= T)%N ->
  is_gradient (@J_of_b l P i) (gradb f f' x p ell ell' l P i).
Proof.
move=> ln iT X X' X0 dX; rewrite -derivative_gradb //; last by case/andP: iT.
by apply: curve_derive => //; apply: curve_at_times; exact: curve_dirb.
Qed.

Let c : R := T%:R^-1.

Lemma nabla_H_is_gradient l : (0 < l < n)%N ->
  is_gradient (@J_total_of_H l) (nabla_H f f' x p ell ell' T c l).
Proof.
move=> ln X X' X0 dX; rewrite -derivative_nabla_H //.
by apply: curve_derive_total; apply: curve_at_times; exact: curve_dirH.
Qed.

Lemma nabla_W_is_gradient l : (0 < l <= n)%N ->
  is_gradient (@J_total_of_W l) (nabla_W f f' x p ell ell' T c l).
Proof.
move=> ln X X' X0 dX; rewrite -derivative_nabla_W //.
by apply: curve_derive_total; apply: curve_at_times; exact: curve_dirW.
Qed.

Lemma nabla_b_is_gradient l : (0 < l <= n)%N ->
  is_gradient (@J_total_of_b l) (nabla_b f f' x p ell ell' T c l).
Proof.
move=> ln X X' X0 dX; rewrite -derivative_nabla_b //.
by apply: curve_derive_total; apply: curve_at_times; exact: curve_dirb.
Qed.

Lemma nabla_h0_is_gradient l : (0 < l < n)%N ->
  is_gradient (@J_total_of_h0 l) (nabla_h0 f f' x p ell ell' T c l).
Proof.
move=> ln X X' X0 dX; rewrite -derivative_nabla_h0 //.
by apply: curve_derive_total; apply: curve_at_times; exact: curve_dirh0.
Qed.
End RealGradient.
