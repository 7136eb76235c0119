(* The gradients of the document, defined as what they are, derivatives, and  *)
(* computed in terms of the carried error of Adjoint.v.                       *)
(*                                                                            *)
(* dJ dth i (Dual.v) is the derivative of J^(i) in the direction dth.  From   *)
(* it: delta l t i, the gradient of J^(i) in z^(l)(t) (the document's         *)
(* delta^(l)(t)(i)), and the gradients in H^(l), W^(l), b^(l), h^(l)(0).      *)
(* Those in parameters take a set P of times: the derivative in the copies of *)
(* these times alone.  P = all times gives the gradient, P = {k} the          *)
(* document's summand |_(k).                                                  *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Derivatives.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Let H := pH th.
Let h := hid f x (tied th).
Let z := pre n f x (tied th).
Let derivative dth i := dJ f f' x th dth ell ell' i.
Let s := src n f x th.

Definition delta l (t i : nat) : 'cV[R]_(d l) := partials (fun v => derivative (dirz l t v) i).
Definition gradH l P i : 'M[R]_(d l) := partials (fun V => derivative (at_times P (dirH l V)) i).
Definition gradW l P i : 'M[R]_(d l, d l.-1) :=
  partials (fun V => derivative (at_times P (dirW l V)) i).
Definition gradb l P i : 'cV[R]_(d l) := partials (fun v => derivative (at_times P (dirb l v)) i).
Definition gradh0 l i : 'cV[R]_(d l) := partials (fun v => derivative (all_times (dirh0 l v)) i).

(* ------------------------------------------- in terms of the carried error *)
Hypothesis n0 : (0 < n)%N.
Variable i : nat.
Hypothesis i0 : (0 < i)%N.
Let carried_error := backward f f' x th i (ell' i (z n i)).

Lemma derivative_sources dth :
  derivative dth i =
  \sum_(1 <= l < n.+1) \sum_(1 <= t < i.+1) inner (carried_error l t) (s dth l t)
  + \sum_(1 <= l < n) inner ((H l)^T *m carried_error l 1%N) (ph0 (dth 0%N) l).
Proof. by rewrite /derivative dJ_tangent // (backward_adjoint f f'). Qed.

(* a direction with sources in one layer *)
Lemma derivative_one_layer dth l : (0 < l <= n)%N ->
  (forall k t, k != l -> s dth k t = 0) -> (forall k, ph0 (dth 0%N) k = 0) ->
  derivative dth i = \sum_(1 <= t < i.+1) inner (carried_error l t) (s dth l t).
Proof.
move=> ln sl0 init0; rewrite derivative_sources.
rewrite [X in _ + X]big1 => [|k _]; last by rewrite init0 inner0r.
rewrite addr0 (sum_single (k := l)) // => k kl.
by apply: big1 => t _; rewrite sl0 // inner0r.
Qed.

Lemma src_H P l (V : 'M[R]_(d l)) k t : s (at_times P (dirH l V)) k t =
  if P t && (k < n)%N then only (r := d) (c := d) V k *m h k t.-1 else 0.
Proof.
by rewrite /s /src /at_times; case: (P t); case: (k < n)%N; rewrite /= ?mul0mx ?addr0.
Qed.

Lemma src_W P l (V : 'M[R]_(d l, d l.-1)) k t : s (at_times P (dirW l V)) k t =
  if P t then only (r := d) (c := fun l => d l.-1) V k *m h k.-1 t else 0.
Proof.
by rewrite /s /src /at_times; case: (P t); case: (k < n)%N; rewrite /= ?mul0mx ?addr0 ?add0r.
Qed.

Lemma src_b P l (v : 'cV[R]_(d l)) k t : s (at_times P (dirb l v)) k t =
  if P t then only (r := d) (c := fun _ => 1%N) v k else 0.
Proof.
by rewrite /s /src /at_times; case: (P t); case: (k < n)%N; rewrite /= ?mul0mx ?addr0 ?add0r.
Qed.

Lemma src_h0 l (v : 'cV[R]_(d l)) k t : s (all_times (dirh0 l v)) k t = 0.
Proof. by rewrite /s /src /=; case: ifP => _; rewrite !mul0mx !addr0. Qed.

Lemma no_initial P (p : params R d) : (forall l, ph0 p l = 0) -> forall l, ph0 (at_times P p 0%N) l = 0.
Proof. by rewrite /at_times => p0 l; case: ifP. Qed.

Lemma derivative_H P l V : (0 < l < n)%N -> derivative (at_times P (dirH l V)) i =
  inner (\sum_(1 <= k < i.+1 | P k) carried_error l k *m (h l k.-1)^T) V.
Proof.
move=> /andP[l0 ln]; rewrite (@derivative_one_layer _ l) ?l0 ?(ltnW ln) //.
- rewrite inner_suml [RHS]big_mkcond /=; apply: eq_bigr => t _.
  by rewrite src_H ln andbT only_same; case: ifP; rewrite ?inner0r ?inner_outer.
- by move=> k t kl; rewrite src_H only_other // mul0mx if_same.
- exact: no_initial.
Qed.

Lemma derivative_W P l V : (0 < l <= n)%N -> derivative (at_times P (dirW l V)) i =
  inner (\sum_(1 <= k < i.+1 | P k) carried_error l k *m (h l.-1 k)^T) V.
Proof.
move=> ln; rewrite (@derivative_one_layer _ l) //.
- rewrite inner_suml [RHS]big_mkcond /=; apply: eq_bigr => t _.
  by rewrite src_W only_same; case: ifP; rewrite ?inner0r ?inner_outer.
- by move=> k t kl; rewrite src_W only_other // mul0mx if_same.
- exact: no_initial.
Qed.

Lemma derivative_b P l v : (0 < l <= n)%N -> derivative (at_times P (dirb l v)) i =
  inner (\sum_(1 <= k < i.+1 | P k) carried_error l k) v.
Proof.
move=> ln; rewrite (@derivative_one_layer _ l) //.
- rewrite inner_suml [RHS]big_mkcond /=; apply: eq_bigr => t _.
  by rewrite src_b only_same; case: ifP; rewrite ?inner0r.
- by move=> k t kl; rewrite src_b only_other // if_same.
- exact: no_initial.
Qed.

Lemma derivative_h0 l v : (0 < l < n)%N -> derivative (all_times (dirh0 l v)) i =
  inner ((H l)^T *m carried_error l 1%N) v.
Proof.
move=> ln; rewrite derivative_sources big1 => [|k _]; last first.
  by apply: big1 => t _; rewrite src_h0 inner0r.
rewrite add0r (sum_single (k := l)) //= ?only_same // => k kl.
by rewrite only_other // inner0r.
Qed.

Lemma derivative_z l t v : (0 < l <= n)%N -> (0 < t <= i)%N ->
  derivative (dirz l t v) i = inner (carried_error l t) v.
Proof.
by move=> ln ti; rewrite derivative_b // sum_at ltnS ti.
Qed.

Lemma derivative_z_later l t v : (0 < l <= n)%N -> (i < t)%N -> derivative (dirz l t v) i = 0.
Proof.
by move=> ln ti; rewrite derivative_b // sum_at ltnS [(t <= i)%N]leqNgt ti andbF inner0l.
Qed.

(* --------------------------------------------- the gradients, so evaluated *)
Lemma delta_carried l t : (0 < l <= n)%N -> (0 < t <= i)%N -> delta l t i = carried_error l t.
Proof. by move=> ln ti; apply: partials_inner => v; rewrite derivative_z. Qed.

(* Before t, nothing depends on z^(l)(t). *)
Lemma delta_later l t : (0 < l <= n)%N -> (i < t)%N -> delta l t i = 0.
Proof. by move=> ln ti; apply: partials_inner => v; rewrite derivative_z_later // inner0l. Qed.

Lemma carried_sum P l m p (G : nat -> 'cV[R]_(d l) -> 'M[R]_(m, p)) : (0 < l <= n)%N ->
  \sum_(1 <= k < i.+1 | P k) G k (carried_error l k) = \sum_(1 <= k < i.+1 | P k) G k (delta l k i).
Proof.
move=> ln; rewrite big_nat_cond [RHS]big_nat_cond.
by apply: eq_bigr => k /andP[ki _]; rewrite delta_carried.
Qed.

Lemma gradH_delta P l : (0 < l < n)%N ->
  gradH l P i = \sum_(1 <= k < i.+1 | P k) delta l k i *m (h l k.-1)^T.
Proof.
move=> ln; rewrite -(carried_sum _ (fun k g => g *m (h l k.-1)^T)).
  by apply: partials_inner => V; rewrite derivative_H.
by case/andP: ln => -> /ltnW.
Qed.

Lemma gradW_delta P l : (0 < l <= n)%N ->
  gradW l P i = \sum_(1 <= k < i.+1 | P k) delta l k i *m (h l.-1 k)^T.
Proof.
move=> ln; rewrite -(carried_sum _ (fun k g => g *m (h l.-1 k)^T)) //.
by apply: partials_inner => V; rewrite derivative_W.
Qed.

Lemma gradb_delta P l : (0 < l <= n)%N -> gradb l P i = \sum_(1 <= k < i.+1 | P k) delta l k i.
Proof.
move=> ln; rewrite -(carried_sum _ (fun k g => g)) //.
by apply: partials_inner => v; rewrite derivative_b.
Qed.

Lemma gradh0_delta l : (0 < l < n)%N -> gradh0 l i = (H l)^T *m delta l 1 i.
Proof.
move=> ln; rewrite delta_carried ?i0 //.
  by apply: partials_inner => v; rewrite derivative_h0.
by case/andP: ln => -> /ltnW.
Qed.

(* Each derivative is linear in its direction: the gradient gives all of it,  *)
(* not only its entries. *)
Lemma derivative_delta l t v : (0 < l <= n)%N -> (0 < t)%N ->
  derivative (dirz l t v) i = inner (delta l t i) v.
Proof.
move=> ln t0; case: (leqP t i) => ti; first by rewrite delta_carried ?t0 ?derivative_z ?t0.
by rewrite delta_later // derivative_z_later // inner0l.
Qed.

Lemma derivative_gradH P l V : (0 < l < n)%N ->
  derivative (at_times P (dirH l V)) i = inner (gradH l P i) V.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_H P V' ln)). Qed.

Lemma derivative_gradW P l V : (0 < l <= n)%N ->
  derivative (at_times P (dirW l V)) i = inner (gradW l P i) V.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_W P V' ln)). Qed.

Lemma derivative_gradb P l v : (0 < l <= n)%N ->
  derivative (at_times P (dirb l v)) i = inner (gradb l P i) v.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_b P V' ln)). Qed.

Lemma derivative_gradh0 l v : (0 < l < n)%N ->
  derivative (all_times (dirh0 l v)) i = inner (gradh0 l i) v.
Proof. by move=> ln; exact: (inner_partials (fun V' => derivative_h0 V' ln)). Qed.
End Derivatives.
