(* The adjoint system: one error e, made at the output at time i, carried     *)
(* down the layers and back through time by the recursion that (9), (11),     *)
(* (13), (15) state.  The theorem of this file, backward_adjoint, says that   *)
(* the pairing of e with the motion of z^(n)(i) is the sum, over all layers   *)
(* and times, of the pairings of the carried error with the direct sources.   *)
(* All gradients of the document follow from it by choosing a direction       *)
(* (Gradient.v).                                                              *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* One layer through time.  v is moved by u and remembers itself through H;   *)
(* a is what the layer above asks of v; g is the error carried backwards.     *)
Section OneLayer.
Variables (R : comRingType) (k i : nat) (H : 'M[R]_k) (D : nat -> 'M[R]_k).
Variables (a g u v : nat -> 'cV[R]_k).
Hypothesis vS : forall t, v t.+1 = D t.+1 *m (H *m v t + u t.+1).
Hypothesis gS : forall t, (0 < t < i)%N -> g t = (D t)^T *m (H^T *m g t.+1 + a t).
Hypothesis gi : (0 < i)%N -> g i = (D i)^T *m a i.

Lemma one_layer_upto s : (s < i)%N ->
  \sum_(1 <= t < s.+1) inner (a t) (v t) + inner (g s.+1) (H *m v s)
  = \sum_(1 <= t < s.+1) inner (g t) (u t) + inner (g 1%N) (H *m v 0%N).
Proof.
elim: s => [|s IH] si; first by rewrite !big_geq.
rewrite big_nat_recr //= [in RHS]big_nat_recr //= [RHS]addrAC -IH; last exact: ltnW.
rewrite -!addrA; congr (_ + _).
rewrite inner_adj -innerDl (addrC (a _)) vS inner_adj -gS ?si //.
by rewrite innerDr.
Qed.

Lemma one_layer : (0 < i)%N ->
  \sum_(1 <= t < i.+1) inner (a t) (v t)
  = \sum_(1 <= t < i.+1) inner (g t) (u t) + inner (g 1%N) (H *m v 0%N).
Proof.
case: i gi one_layer_upto => // s gs upto _.
rewrite big_nat_recr //= [in RHS]big_nat_recr //= [RHS]addrAC -upto // -addrA; congr (_ + _).
by rewrite vS inner_adj -gs // innerDr.
Qed.
End OneLayer.

Section Backward.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (i : nat) (e : 'cV[R]_(d n)).
Let H := pH th.
Let W := pW th.
Let D := Df n f f' x th.

(* k: the number of layers above l; r: the number of steps from t to i *)
Fixpoint carried (k l : nat) : nat -> nat -> 'cV[R]_(d l) :=
  match k with
  | 0 => fun r _ => if r is 0 then conform_mx 0 e else 0
  | k'.+1 => fix back r t := match r with
     | 0 => D l t *m ((W l.+1)^T *m carried k' l.+1 r t)
     | r'.+1 => D l t *m ((H l)^T *m back r' t.+1 + (W l.+1)^T *m carried k' l.+1 r t)
     end
  end.
Definition backward l t := carried (n - l) l (i - t) t.

Lemma backward_output : backward n i = e.
Proof. by rewrite /backward !subnn /= conform_mx_id. Qed.

Lemma backward_output_before t : (t < i)%N -> backward n t = 0.
Proof. by move=> ti; rewrite /backward subnn -(subnSK ti). Qed.

Lemma backward_same_time l : (l < n)%N ->
  backward l i = D l i *m ((W l.+1)^T *m backward l.+1 i).
Proof. by move=> ln; rewrite /backward -(subnSK ln) subnn. Qed.

Lemma backward_step l t : (l < n)%N -> (t < i)%N ->
  backward l t = D l t *m ((H l)^T *m backward l t.+1 + (W l.+1)^T *m backward l.+1 t).
Proof. by move=> ln ti; rewrite /backward -(subnSK ln) -(subnSK ti). Qed.

Variable dth : nat -> params R d.
Let dh := dhid n f f' x th dth.
Let dz := dpre n f f' x th dth.
Let s := src n f x th dth.

(* what the initial state of layer l contributes *)
Definition initial l : R := inner ((H l)^T *m backward l 1) (ph0 (dth 0) l).

Lemma backward_layer l : (0 < i)%N -> (l.+1 < n)%N ->
  \sum_(1 <= t < i.+1) inner ((W l.+2)^T *m backward l.+2 t) (dh l.+1 t) =
  \sum_(1 <= t < i.+1) inner (backward l.+1 t) (s l.+1 t) + initial l.+1 +
  \sum_(1 <= t < i.+1) inner ((W l.+1)^T *m backward l.+1 t) (dh l t).
Proof.
move=> i0 ln; pose u t := s l.+1 t + W l.+1 *m dh l t.
rewrite (@one_layer _ _ i (H l.+1) (D l.+1) _ (backward l.+1) u (dh l.+1)) //.
- rewrite [RHS]addrAC -big_split /=; congr (_ + _); last by rewrite inner_adj.
  by apply: eq_bigr => t _; rewrite /u innerDr -inner_adj.
- move=> t; rewrite /dh dhid_step ?ln // -/dh dpre_hidden // /u.
  by rewrite addrA; congr (_ *m (_ + _)); rewrite addrC.
- by move=> t /andP[_ ti]; rewrite tr_diag -/(D _ _) backward_step // ltnW.
- by move=> _; rewrite tr_diag -/(D _ _) backward_same_time // ltnW.
Qed.

(* all hidden layers below l *)
Lemma backward_stack l : (0 < i)%N -> (0 < l <= n)%N ->
  \sum_(1 <= t < i.+1) inner ((W l)^T *m backward l t) (dh l.-1 t) =
  \sum_(1 <= k < l) (\sum_(1 <= t < i.+1) inner (backward k t) (s k t) + initial k).
Proof.
move=> i0; case: l => // l; elim: l => [|l IH] ln /=.
  by rewrite [RHS]big_geq // big1 // => t _; rewrite inner0r.
by rewrite backward_layer // [RHS]big_nat_recr //= -IH ?(ltnW ln) // addrC.
Qed.

Theorem backward_adjoint : (0 < n)%N -> (0 < i)%N ->
  inner e (dz n i) =
  \sum_(1 <= l < n.+1) \sum_(1 <= t < i.+1) inner (backward l t) (s l t)
  + \sum_(1 <= l < n) initial l.
Proof.
move=> n0 i0; rewrite /dz dpre_output innerDr -/dh -/s.
rewrite [in RHS]big_nat_recr //= [in RHS]addrAC -[in RHS]big_split /=.
have -> : \sum_(1 <= t < i.+1) inner (backward n t) (s n t) = inner e (s n i).
  rewrite big_nat_recr //= backward_output big_nat big1 ?add0r // => t /andP[_ ti].
  by rewrite backward_output_before // inner0l.
rewrite addrC; congr (_ + _).
rewrite -backward_stack ?n0 //=.
rewrite big_nat_recr //= backward_output big_nat big1 ?add0r -?inner_adj // => t /andP[_ ti].
by rewrite backward_output_before // mulmx0 inner0l.
Qed.
End Backward.
