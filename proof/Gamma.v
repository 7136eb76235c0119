(* Section 4 of the document, first half: gamma^(l)(t), the sum over i of the *)
(* deltas of J^(i), and the recursion that computes it in one pass.           *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives Deltas.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* The recursions (42) and (43), as properties of any two families of         *)
(* vectors: dl l t stands for delta^(l)(t)(t), g l t for gamma^(l)(t), e t    *)
(* for the error at the output, y^(t) - y.                                    *)
Section Recursions.
Variables (R : comRingType) (d : nat -> nat) (n T : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d) (e : nat -> 'cV[R]_(d n)).
Let H := pH th.
Let W := pW th.
Let z := pre n f x (tied th).

Record recursion_42 (dl : forall l, nat -> 'cV[R]_(d l)) : Prop := Recursion42 {
  rec42_output : forall t, (0 < t <= T)%N -> dl n t = e t;
  rec42_hidden : forall l t, (0 < l < n)%N -> (0 < t <= T)%N ->
    dl l t = map_mx f' (z l t) ∘ ((W l.+1)^T *m dl l.+1 t) }.

Record recursion_43 (dl g : forall l, nat -> 'cV[R]_(d l)) : Prop := Recursion43 {
  rec43_last : forall l, (0 < l < n)%N -> g l T = dl l T;
  rec43_top : forall t, (1 < n)%N -> (0 < t < T)%N ->
    g n.-1 t = dl n.-1 t + map_mx f' (z n.-1 t) ∘ ((H n.-1)^T *m g n.-1 t.+1);
  rec43_others : forall l t, (0 < l)%N -> (l < n.-1)%N -> (0 < t < T)%N ->
    g l t = map_mx f' (z l t) ∘ ((H l)^T *m g l t.+1 + (W l.+1)^T *m g l.+1 t) }.
End Recursions.

Section Gamma.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d).
Variables (ell : nat -> 'cV[R]_(d n) -> R) (ell' : nat -> 'cV[R]_(d n) -> 'cV[R]_(d n)).
Hypothesis n0 : (0 < n)%N.
Variable T : nat.
Hypothesis T0 : (0 < T)%N.
Let H := pH th.
Let W := pW th.
Let z := pre n f x (tied th).
Let D := Df n f f' x th.
Let delta := delta f f' x th ell ell'.
Let e t := ell' t (z n t).

Definition gamma l t : 'cV[R]_(d l) := \sum_(t <= i < T.+1) delta l t i.

Lemma gamma_first l t : (t <= T)%N ->
  gamma l t = delta l t t + \sum_(t.+1 <= i < T.+1) delta l t i.
Proof. by move=> tT; rewrite /gamma big_ltn. Qed.

Lemma gamma_output t : (0 < t <= T)%N -> gamma n t = delta n t t.
Proof.
move=> /andP[t0 tT]; rewrite gamma_first // big_nat big1 ?addr0 // => i /andP[ti _].
by rewrite /delta delta_output_before ?t0.
Qed.

(* (36), for t = T; the print has t = T - 1. *)
Theorem eq_36 l : gamma l T = delta l T T.
Proof. by rewrite /gamma big_nat1. Qed.

(* ------------------------------------------------ (37), line after line *)
Section Eq37.
Variable t : nat.
Hypotheses (n1 : (1 < n)%N) (tT : (0 < t < T)%N).
Let l := n.-1.

Theorem eq_37_line1 : gamma l t = \sum_(t <= i < T.+1) delta l t i.
Proof. by []. Qed.

Theorem eq_37_line2 : gamma l t = delta l t t + \sum_(t.+1 <= i < T.+1) delta l t i.
Proof. by rewrite gamma_first // ltnW //; case/andP: tT. Qed.

Theorem eq_37_line3 : gamma l t =
  delta l t t + \sum_(t.+1 <= i < T.+1) D l t *m ((H l)^T *m delta l t.+1 i).
Proof.
rewrite eq_37_line2; congr (_ + _); apply: eq_big_nat => i /andP[ti _].
have ci : (0 < i - t < i)%N.
  by rewrite subn_gt0 ti ltn_subrL (leq_ltn_trans _ ti) // andbT; case/andP: tT.
by have := eq_11 f f' x th ell ell' n0 n1 ci; rewrite subKn // ltnW.
Qed.

Theorem eq_37_line4 : gamma l t =
  delta l t t + D l t *m ((H l)^T *m \sum_(t.+1 <= i < T.+1) delta l t.+1 i).
Proof. by rewrite eq_37_line3 !mulmx_sumr. Qed.

Theorem eq_37_line5 : gamma l t = delta l t t + D l t *m ((H l)^T *m gamma l t.+1).
Proof. exact: eq_37_line4. Qed.

Theorem eq_37 :
  gamma l t = delta l t t + map_mx f' (z l t) ∘ ((H l)^T *m gamma l t.+1).
Proof. by rewrite eq_37_line5 diag_hadamard. Qed.
End Eq37.

(* ------------------------------------------------ (38), line after line *)
Section Eq38.
Variables l t : nat.
Hypotheses (l0 : (0 < l)%N) (ln : (l < n.-1)%N) (tT : (0 < t < T)%N).
Let W' := (W l.+1)^T.

Fact hidden : (0 < l < n)%N. Proof. by rewrite l0 (leq_trans ln) ?leq_pred. Qed.
Fact time : (0 < t <= T)%N. Proof. by case/andP: tT => -> /ltnW. Qed.

Theorem eq_38_line1 : gamma l t = \sum_(t <= i < T.+1) delta l t i.
Proof. by []. Qed.

(* At i = t the first term is zero: J^(t) does not depend on z^(l)(t+1). *)
Theorem eq_38_line2 : gamma l t =
  \sum_(t <= i < T.+1) D l t *m ((H l)^T *m delta l t.+1 i + W' *m delta l.+1 t i).
Proof.
apply: eq_big_nat => i /andP[]; case/andP: time => t0 _.
rewrite leq_eqVlt => /predU1P[<- _|ti _]; last by rewrite /delta delta_step ?hidden ?t0.
rewrite {2}/delta delta_later ?mulmx0 ?add0r //; last by case/andP: hidden => -> /ltnW.
exact: eq_13.
Qed.

Theorem eq_38_line3 : gamma l t = delta l t t + \sum_(t.+1 <= i < T.+1) delta l t i.
Proof. by rewrite gamma_first; case/andP: time. Qed.

Theorem eq_38_line4 : gamma l t = delta l t t +
  \sum_(t.+1 <= i < T.+1) D l t *m ((H l)^T *m delta l t.+1 i + W' *m delta l.+1 t i).
Proof.
rewrite eq_38_line3; congr (_ + _); apply: eq_big_nat => i /andP[ti _].
by rewrite /delta delta_step ?hidden //; case/andP: time => ->.
Qed.

Theorem eq_38_line5 : gamma l t = delta l t t +
  D l t *m ((H l)^T *m (\sum_(t.+1 <= i < T.+1) delta l t.+1 i)
            + W' *m (\sum_(t.+1 <= i < T.+1) delta l.+1 t i)).
Proof. by rewrite eq_38_line4 -mulmx_sumr big_split -!mulmx_sumr. Qed.

Theorem eq_38_line6 : gamma l t = delta l t t + map_mx f' (z l t) ∘
  ((H l)^T *m gamma l t.+1 + W' *m (gamma l.+1 t - delta l.+1 t t)).
Proof.
rewrite eq_38_line5 diag_hadamard (gamma_first l.+1); last by case/andP: time.
by rewrite [in W' *m (_ + _ - _)]addrAC subrr add0r.
Qed.

Theorem eq_38 : gamma l t =
  map_mx f' (z l t) ∘ ((H l)^T *m gamma l t.+1 + W' *m gamma l.+1 t).
Proof.
rewrite eq_38_line6 -!diag_hadamard -/(D l t).
have -> : delta l t t = D l t *m (W' *m delta l.+1 t t) by apply: eq_13; case/andP: time.
by rewrite -mulmxDr addrCA -mulmxDr [delta _ _ _ + _]addrC subrK.
Qed.
End Eq38.

(* ------------------------------------------------------- (42) and (43) *)
Theorem eq_42 : recursion_42 T f f' x th e (fun l t => delta l t t).
Proof.
split=> [t /andP[t0 _]|l t /andP[l0 ln] /andP[t0 _]]; first exact: eq_07.
by rewrite -diag_hadamard; apply: (@delta_same_time _ _ _ _ _ _ _ _ _ n0 l.+1).
Qed.

Theorem eq_43 : recursion_43 n T f f' x th (fun l t => delta l t t) gamma.
Proof. by split=> *; [exact: eq_36 | exact: eq_37 | exact: eq_38]. Qed.

(* The recursions determine delta^(l)(t)(t) and gamma: whatever satisfies     *)
(* them is what the document defines as gradients and as their sums.          *)
Theorem eq_42_converse dl : recursion_42 T f f' x th e dl ->
  forall l t, (0 < l <= n)%N -> (0 < t <= T)%N -> dl l t = delta l t t.
Proof.
move=> r l t /andP[l0 ln] tT; have [k] := ubnP (n - l); elim: k l l0 ln => // k IH l l0.
rewrite leq_eqVlt => /predU1P[->|ln] kl; first by rewrite (rec42_output r) ?(rec42_output eq_42).
rewrite (rec42_hidden r) ?l0 // (rec42_hidden eq_42) ?l0 //; congr (_ ∘ (_ *m _)).
by apply: IH; rewrite // -ltnS (subnSK ln).
Qed.

Theorem eq_43_converse dl g : recursion_42 T f f' x th e dl -> recursion_43 n T f f' x th dl g ->
  forall l t, (0 < l < n)%N -> (0 < t <= T)%N -> g l t = gamma l t.
Proof.
move=> r42 r43 l t; have [k] := ubnP (n - l); elim: k l t => // k IHk l t kl ln.
have [m] := ubnP (T - t); elim: m t => // m IHm t tm /andP[t0 tT].
move: (tT); rewrite leq_eqVlt => /predU1P[tE|tT'].
  by rewrite tE (rec43_last r43) // eq_36 (eq_42_converse r42) ?T0 ?leqnn //; case/andP: ln => -> /ltnW.
have tT2 : (0 < t < T)%N by rewrite t0.
have next : g l t.+1 = gamma l t.+1 by apply: IHm; rewrite ?tT' // -ltnS (subnSK tT').
case/andP: (ln) => l0 ln'.
have : (l <= n.-1)%N by rewrite -ltnS prednK.
rewrite leq_eqVlt => /predU1P[lE|ln2].
  have n1 : (1 < n)%N by exact: leq_trans ln'.
  move: next; rewrite lE => next.
  rewrite (rec43_top r43) // (rec43_top eq_43) // next (eq_42_converse r42) ?t0 //.
  by rewrite -lE l0 ltnW.
rewrite (rec43_others r43) // (rec43_others eq_43) // next; congr (_ ∘ (_ + _ *m _)).
apply: IHk; rewrite ?t0 -?ltn_predRL //.
by rewrite -ltnS (subnSK ln').
Qed.
End Gamma.
