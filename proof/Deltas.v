(* Section 3.1 of the document: the deltas.  delta l t i is the gradient of   *)
(* J^(i) in z^(l)(t), as a derivative (Derivatives.v); the equations say how  *)
(* it is computed.  Even numbers are the row vector of partial derivatives,   *)
(* odd numbers the gradient, its transpose.                                   *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Deltas.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Let H := pH th.
Let W := pW th.
Let z := pre n f x (tied th).
Let D := Df n f f' x th.
Let delta := delta f f' x th ell ell'.

Definition dJ_dz l t i : 'rV[R]_(d l) := (delta l t i)^T.

(* The Jacobian of z^(l)(t) in z^(k)(u). *)
Definition dz_dz l t k u : 'M[R]_(d l, d k) :=
  \matrix_(a, b) dz n f f' x th (dirz k u (delta_mx b 0)) l t a 0.

(* ---------------------------------------------- the local Jacobians of (5) *)
Lemma dz_dz_linear l t k u (A : 'M[R]_(d l, d k)) :
  (forall v, dz n f f' x th (dirz k u v) l t = A *m v) -> dz_dz l t k u = A.
Proof. by move=> Av; apply/matrixP => a b; rewrite mxE Av -colE mxE. Qed.

Lemma ph0_dirz l t (v : 'cV[R]_(d l)) k u : ph0 (dirz l t v u) k = 0.
Proof. by rewrite /dirz /at_times; case: ifP. Qed.

Lemma src_dirz l t (v : 'cV[R]_(d l)) k u : src n f x th (dirz l t v) k u =
  if u == t then only (r := d) (c := fun _ => 1%N) v k else 0.
Proof. exact: src_b. Qed.

(* Nothing in a layer below, or at a time before, depends on z^(l)(t). *)
Lemma dhid_elsewhere l t (v : 'cV[R]_(d l)) k u : (k < n)%N -> (k < l)%N || (u < t)%N ->
  dhid n f f' x th (dirz l t v) k u = 0.
Proof.
elim: k u => [|k IHk] u kn klut //.
elim: u klut => [|u IHu] klut; first by rewrite dhid_initial // ph0_dirz.
rewrite dhid_step ?kn // dpre_hidden // src_dirz /=.
rewrite IHu; last by case/orP: klut => [->//|/ltnW->]; rewrite orbT.
rewrite IHk ?(ltnW kn) //; last by case/orP: klut => [/ltnW->//|->]; rewrite orbT.
rewrite !mulmx0 !addr0; case: eqP klut => [->|_ _]; last by rewrite mulmx0.
by rewrite ltnn orbF => kl; rewrite only_other ?mulmx0 // ltn_eqF.
Qed.

Lemma dhid_here l t (v : 'cV[R]_(d l)) : (0 < l < n)%N -> (0 < t)%N ->
  dhid n f f' x th (dirz l t v) l t = D l t *m v.
Proof.
move=> /andP[l0 ln] t0; rewrite dhid_step ?l0 // dpre_hidden // src_dirz eqxx only_same.
rewrite !dhid_elsewhere ?mulmx0 ?addr0 //.
all: by rewrite ?prednK ?leqnn ?orbT // ltnW.
Qed.

(* z^(l)(t) reaches the same time through the layer above, by W diag[f'] ... *)
Lemma dz_dz_above l t : (0 < l.-1)%N -> (l <= n)%N -> (0 < t)%N ->
  dz_dz l t l.-1 t = W l *m D l.-1 t.
Proof.
case: l => [|l] //= l0 ln t0; apply: dz_dz_linear => v; rewrite dz_tangent ?ln //.
have here : dhid n f f' x th (dirz l t v) l t = D l t *m v by rewrite dhid_here ?l0.
have src0 : src n f x th (dirz l t v) l.+1 t = 0.
  by rewrite src_dirz eqxx only_other // neq_ltn ltnSn orbT.
rewrite -mulmxA -here dpre_src src0 add0r; case: ifP => ln'; last by rewrite add0r.
by rewrite dhid_elsewhere ?mulmx0 ?add0r // prednK // leqnn orbT.
Qed.

(* ... and the next time through its own layer, by H diag[f']. *)
Lemma dz_dz_next l t : (0 < l < n)%N -> (0 < t)%N -> dz_dz l t.+1 l t = H l *m D l t.
Proof.
move=> /andP[l0 ln] t0; apply: dz_dz_linear => v; rewrite dz_tangent ?l0 ?(ltnW ln) //.
rewrite dpre_hidden // src_dirz gtn_eqF // add0r /= dhid_here ?l0 //.
by rewrite dhid_elsewhere ?mulmx0 ?addr0 ?mulmxA ?prednK ?leqnn // ltnW.
Qed.

(* ------------------------------------------------------------- recursions *)
Lemma delta_same_time l t : (0 < l.-1)%N -> (l <= n)%N -> (0 < t)%N ->
  delta l.-1 t t = D l.-1 t *m ((W l)^T *m delta l t t).
Proof.
case: l => [|l] //= l0 ln t0.
by rewrite /delta !delta_carried ?l0 ?t0 ?leqnn ?(ltnW ln) // backward_same_time.
Qed.

Lemma delta_step l t i : (0 < l < n)%N -> (0 < t < i)%N ->
  delta l t i = D l t *m ((H l)^T *m delta l t.+1 i + (W l.+1)^T *m delta l.+1 t i).
Proof.
move=> /andP[l0 ln] /andP[t0 ti]; have i0 : (0 < i)%N by exact: leq_trans ti.
by rewrite /delta !delta_carried ?l0 ?t0 ?(ltnW ln) ?(ltnW ti) // backward_step.
Qed.

Lemma delta_output_before l t i : l = n -> (0 < t < i)%N -> delta l t i = 0.
Proof.
move=> -> /andP[t0 ti]; have i0 : (0 < i)%N by exact: leq_trans ti.
by rewrite /delta delta_carried ?n0 ?t0 ?leqnn ?(ltnW ti) // backward_output_before.
Qed.

(* ------------------------------------------------------ 3.1.1 output layer *)
(* (7) for any loss: the error at the output is the gradient of ell.  That it *)
(* is y^ - y for the softmax is eq_07_real. *)
Theorem eq_07 t : (0 < t)%N -> delta n t t = ell' t (z n t).
Proof. by move=> t0; rewrite /delta delta_carried ?n0 ?t0 ?leqnn // backward_output. Qed.

(* -------------------------------------------------- 3.1.2 top hidden layer *)
Theorem eq_09 t : (1 < n)%N -> (0 < t)%N ->
  delta n.-1 t t = D n.-1 t *m ((W n)^T *m delta n t t).
Proof. by move=> n1 t0; rewrite delta_same_time // -subn1 subn_gt0. Qed.

Theorem eq_08 t : (1 < n)%N -> (0 < t)%N -> dJ_dz n.-1 t t = dJ_dz n t t *m W n *m D n.-1 t.
Proof. by move=> n1 t0; rewrite /dJ_dz eq_09 // !trmx_mul trmxK tr_diag. Qed.

Theorem eq_08_chain t : (1 < n)%N -> (0 < t)%N ->
  dJ_dz n.-1 t t = dJ_dz n t t *m dz_dz n t n.-1 t.
Proof. by move=> n1 t0; rewrite eq_08 // dz_dz_above ?mulmxA // -subn1 subn_gt0. Qed.

Theorem eq_11 t c : (1 < n)%N -> (0 < c < t)%N ->
  delta n.-1 (t - c) t = D n.-1 (t - c) *m ((H n.-1)^T *m delta n.-1 (t - c).+1 t).
Proof.
move=> n1 /andP[c0 ct].
have l : (0 < n.-1 < n)%N by rewrite -subn1 subn_gt0 n1 ltn_subrL n0.
have u : (0 < t - c < t)%N by rewrite subn_gt0 ct ltn_subrL c0 (leq_ltn_trans _ ct).
by rewrite delta_step // (delta_output_before (l := n.-1.+1)) ?prednK // mulmx0 addr0.
Qed.

Theorem eq_10 t c : (1 < n)%N -> (0 < c < t)%N ->
  dJ_dz n.-1 (t - c) t = dJ_dz n.-1 (t - c).+1 t *m H n.-1 *m D n.-1 (t - c).
Proof. by move=> n1 ct; rewrite /dJ_dz eq_11 // !trmx_mul trmxK tr_diag. Qed.

Theorem eq_10_chain t c : (1 < n)%N -> (0 < c < t)%N ->
  dJ_dz n.-1 (t - c) t = dJ_dz n.-1 (t - c).+1 t *m dz_dz n.-1 (t - c).+1 n.-1 (t - c).
Proof.
move=> n1 ct; rewrite eq_10 // dz_dz_next ?mulmxA //.
  by rewrite -subn1 subn_gt0 n1 ltn_subrL n0.
by rewrite subn_gt0; case/andP: ct.
Qed.

(* ----------------------------------------------- 3.1.3 other hidden layers *)
Theorem eq_13 l t : (0 < l)%N -> (l < n.-1)%N -> (0 < t)%N ->
  delta l t t = D l t *m ((W l.+1)^T *m delta l.+1 t t).
Proof. by move=> l0 ln; apply: (@delta_same_time l.+1) => //; exact: leq_trans (leq_pred n). Qed.

Theorem eq_12 l t : (0 < l)%N -> (l < n.-1)%N -> (0 < t)%N ->
  dJ_dz l t t = dJ_dz l.+1 t t *m W l.+1 *m D l t.
Proof. by move=> l0 ln t0; rewrite /dJ_dz eq_13 // !trmx_mul trmxK tr_diag. Qed.

Theorem eq_12_chain l t : (0 < l)%N -> (l < n.-1)%N -> (0 < t)%N ->
  dJ_dz l t t = dJ_dz l.+1 t t *m dz_dz l.+1 t l t.
Proof.
move=> l0 ln t0; rewrite eq_12 // (dz_dz_above (l := l.+1)) ?mulmxA //.
by rewrite (leq_trans ln) ?leq_pred.
Qed.

(* (15) as it should read: the print has W^(l+1) (delta^(l+1)(t-c))^T, whose  *)
(* dimensions do not fit; transposed as in (30) they do. *)
Theorem eq_15 l t c : (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N ->
  delta l (t - c) t =
  D l (t - c) *m ((H l)^T *m delta l (t - c).+1 t + (W l.+1)^T *m delta l.+1 (t - c) t).
Proof.
move=> l0 ln /andP[c0 ct]; rewrite delta_step //.
  by rewrite l0 (leq_trans ln) ?leq_pred.
by rewrite subn_gt0 ct ltn_subrL c0 (leq_ltn_trans _ ct).
Qed.

Theorem eq_14 l t c : (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N ->
  dJ_dz l (t - c) t = dJ_dz l (t - c).+1 t *m H l *m D l (t - c)
                      + dJ_dz l.+1 (t - c) t *m W l.+1 *m D l (t - c).
Proof.
move=> l0 ln ct; rewrite /dJ_dz eq_15 // trmx_mul tr_diag linearD /= !trmx_mul !trmxK.
by rewrite mulmxDl.
Qed.

Theorem eq_14_sum l t c : (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N ->
  dJ_dz l (t - c) t =
  (dJ_dz l (t - c).+1 t *m H l + dJ_dz l.+1 (t - c) t *m W l.+1) *m D l (t - c).
Proof. by move=> l0 ln ct; rewrite eq_14 // mulmxDl. Qed.

(* the first line of (14): the chain rule through the two successors *)
Theorem eq_14_chain l t c : (0 < l)%N -> (l < n.-1)%N -> (0 < c < t)%N ->
  dJ_dz l (t - c) t = dJ_dz l (t - c).+1 t *m dz_dz l (t - c).+1 l (t - c)
                      + dJ_dz l.+1 (t - c) t *m dz_dz l.+1 (t - c) l (t - c).
Proof.
move=> l0 ln ct; have ln' : (l < n)%N by rewrite (leq_trans ln) ?leq_pred.
have u0 : (0 < t - c)%N by rewrite subn_gt0; case/andP: ct.
by rewrite eq_14 // dz_dz_next ?l0 // (dz_dz_above (l := l.+1)) // !mulmxA.
Qed.
End Deltas.
