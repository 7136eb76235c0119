(* The tangent system: how z^(l)(t) and h^(l)(t) move when the parameters     *)
(* move in a direction dth (which may differ from one time to the next).      *)
(* That this is the derivative is proved in Dual.v over any commutative ring, *)
(* and in RealNetwork.v over the reals.                                       *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* u ∘ v, the entrywise product of (37), (38), (42), (43) *)
Definition hadamard (R : ringType) m (u v : 'cV[R]_m) : 'cV[R]_m := \col_j (u j 0 * v j 0).
Notation "u ∘ v" := (hadamard u v) (at level 40, left associativity).

(* diag[v] *)
Definition diag (R : ringType) m (v : 'cV[R]_m) : 'M[R]_m := diag_mx v^T.

Lemma diag_hadamard (R : ringType) m (u v : 'cV[R]_m) : diag u *m v = u ∘ v.
Proof. by apply/matrixP => i j; rewrite mul_diag_mx !mxE (ord1 j). Qed.

Lemma tr_diag (R : ringType) m (v : 'cV[R]_m) : (diag v)^T = diag v.
Proof. exact: tr_diag_mx. Qed.

Section Tangent.
Variables (R : comRingType) (d : nat -> nat) (n : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (th : params R d) (dth : nat -> params R d).
Let H := pH th.
Let W := pW th.
Let h := hid f x (tied th).
Let z := pre n f x (tied th).

(* diag[f'(z^(l)(t))] *)
Definition Df l t : 'M[R]_(d l) := diag (map_mx f' (z l t)).

(* the motion of h^(l)(t) *)
Fixpoint dhid (l : nat) : nat -> 'cV[R]_(d l) :=
  match l with
  | 0 => fun _ => 0
  | l'.+1 => fix dht t := match t with
     | 0 => ph0 (dth 0) l'.+1
     | t'.+1 => Df l'.+1 t'.+1 *m
         ((pH (dth t'.+1) l'.+1 *m h l'.+1 t' + H l'.+1 *m dht t')
          + (pW (dth t'.+1) l'.+1 *m h l' t'.+1 + W l'.+1 *m dhid l' t'.+1)
          + pb (dth t'.+1) l'.+1)
     end
  end.

(* the motion of z^(l)(t) *)
Definition dpre l t : 'cV[R]_(d l) :=
  if (l < n)%N then
    (pH (dth t) l *m h l t.-1 + H l *m dhid l t.-1)
    + (pW (dth t) l *m h l.-1 t + W l *m dhid l.-1 t) + pb (dth t) l
  else (pW (dth t) l *m h l.-1 t + W l *m dhid l.-1 t) + pb (dth t) l.

(* its part that comes from the direction itself, not through h *)
Definition src l t : 'cV[R]_(d l) :=
  if (l < n)%N then pH (dth t) l *m h l t.-1 + pW (dth t) l *m h l.-1 t + pb (dth t) l
  else pW (dth t) l *m h l.-1 t + pb (dth t) l.

Lemma dhid_step l t : (0 < l < n)%N -> (0 < t)%N -> dhid l t = Df l t *m dpre l t.
Proof. by case: l t => // l [|t] //= ln _; rewrite /dpre ln. Qed.

Lemma dhid_initial l : (0 < l)%N -> dhid l 0 = ph0 (dth 0) l.
Proof. by case: l. Qed.

Lemma dpre_src l t : dpre l t =
  src l t + (if (l < n)%N then H l *m dhid l t.-1 else 0) + W l *m dhid l.-1 t.
Proof.
rewrite /dpre /src; case: ifP => _; last by rewrite addr0 addrAC.
rewrite -!addrA; congr (_ + _); rewrite [H l *m _ + _]addrC -!addrA; congr (_ + _).
by rewrite addrA [_ + pb _ _]addrC addrAC addrA.
Qed.

Lemma dpre_hidden l t : (l < n)%N ->
  dpre l t = src l t + H l *m dhid l t.-1 + W l *m dhid l.-1 t.
Proof. by rewrite dpre_src => ->. Qed.

Lemma dpre_output t : dpre n t = src n t + W n *m dhid n.-1 t.
Proof. by rewrite dpre_src ltnn addr0. Qed.
End Tangent.

Arguments dhid : simpl never.
