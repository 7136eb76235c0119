(* The forward pass over the reals, along a differentiable curve of           *)
(* parameters: its derivative is the tangent system.  Hence the derivative    *)
(* over dual numbers, of which all theorems over rings speak, is the          *)
(* derivative of analysis.                                                    *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp functions.
From mathcomp.analysis Require Import reals topology normedtype derive realfun.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives RealCalculus.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section RealNetwork.
Variable R : realType.
Variables (d : nat -> nat) (n T : nat) (f f' : R -> R).
Variables (x : nat -> 'cV[R]_(d 0)) (p : params R d).
Let z := pre n f x (tied p).

(* f' is the derivative of f wherever the network evaluates it.  (For ReLU:   *)
(* no pre-activation is zero.) *)
Definition differentiable_at_z : Prop := forall l t j, (0 < l < n)%N -> (0 < t <= T)%N ->
  is_derive (z l t j 0) (1 : R) f (f' (z l t j 0)).
Hypothesis f_diff : differentiable_at_z.

(* a curve of parameters, a copy for each time, through p at 0 *)
Variables (th : R -> nat -> params R d) (dth : nat -> params R d).
Hypothesis th0 : th 0 = tied p.
Hypothesis dH : forall l t, is_dmx 0 (fun u => pH (th u t) l) (pH (dth t) l).
Hypothesis dW : forall l t, is_dmx 0 (fun u => pW (th u t) l) (pW (dth t) l).
Hypothesis db : forall l t, is_dmx 0 (fun u => pb (th u t) l) (pb (dth t) l).
Hypothesis dh0 : forall l t, is_dmx 0 (fun u => ph0 (th u t) l) (ph0 (dth t) l).

Lemma hid_derive l t : (l < n)%N -> (t <= T)%N ->
  is_dmx 0 (fun u => hid f x (th u) l t) (dhid n f f' x p dth l t).
Proof.
elim: l t => [|l IHl] t ln tT; first exact: dmx_cst.
elim: t tT => [|t IHt] tT; first exact: dh0.
have dz := dmxD (dmxD (dmxM (@dH l.+1 t.+1) (IHt (ltnW tT)))
                      (dmxM (@dW l.+1 t.+1) (IHl t.+1 (ltnW ln) tT))) (@db l.+1 t.+1).
have zE : pH (th 0 t.+1) l.+1 *m hid f x (th 0) l.+1 t
          + pW (th 0 t.+1) l.+1 *m hid f x (th 0) l t.+1 + pb (th 0 t.+1) l.+1 = z l.+1 t.+1.
  by rewrite /z eq_05_hidden // th0.
have df j : is_derive (z l.+1 t.+1 j 0) (1 : R) f (f' (z l.+1 t.+1 j 0)) by apply: f_diff; rewrite ?ln.
apply: (dmx_ext (dmx_map (f' := f') _ dz)) => [j|//|]; first by rewrite zE.
rewrite zE [in RHS]dhid_step ?ln // /dpre ln /= th0 /tied; congr (_ *m _).
by rewrite [pH (dth _) _ *m _ + _]addrC [pW (dth _) _ *m _ + _]addrC.
Qed.

Lemma out_derive t : (0 < n)%N -> (t <= T)%N ->
  is_dmx 0 (fun u => pre n f x (th u) n t) (dpre n f f' x p dth n t).
Proof.
move=> n0 tT; have ln : (n.-1 < n)%N by rewrite prednK.
apply: (dmx_ext (dmxD (dmxM (@dW n t) (hid_derive ln tT)) (@db n t))) => [u|].
  by rewrite eq_05_output.
by rewrite /dpre ltnn th0 /tied [pW (dth t) n *m _ + _]addrC.
Qed.

(* e t is the gradient of J^(t) at the output. *)
Variables (ell : nat -> 'cV[R]_(d n) -> R) (e : nat -> 'cV[R]_(d n)).
Definition error_at_output : Prop := forall i, (0 < i <= T)%N ->
  is_gradient (fun v => ell i (z n i + v)) (e i).
Hypothesis e_grad : error_at_output.

Theorem dual_is_real i : (0 < n)%N -> (0 < i <= T)%N ->
  is_derive 0 (1 : R) (fun u => Jstep f x (th u) ell i) (dJ f f' x p dth ell (fun t _ => e t) i).
Proof.
move=> n0 /andP[i0 iT]; rewrite dJ_tangent //.
pose Z u := pre n f x (th u) n i - z n i.
have Z0 : Z 0 = 0 by rewrite /Z th0 subrr.
have dZ : is_dmx 0 Z (dpre n f f' x p dth n i).
  apply: (dmx_ext (dmxD (out_derive n0 iT) (dmx_cst 0 (- z n i)))) => //.
  by rewrite addr0.
have := e_grad (introT andP (conj i0 iT)) Z0 dZ.
rewrite (_ : _ \o Z = fun u => Jstep f x (th u) ell i) //.
by apply/funext => u; rewrite /= /Z addrC subrK.
Qed.

Theorem dual_is_real_total c : (0 < n)%N ->
  is_derive 0 (1 : R) (fun u => Jtotal f x (th u) ell T c)
    (dJtotal f f' x p dth ell (fun t _ => e t) T c).
Proof.
move=> n0; rewrite dJtotal_sum big_add1 /= big_mkord.
rewrite (_ : (fun u => _) = c \*: \sum_(i < T) (fun u => Jstep f x (th u) ell i.+1)); last first.
  by apply/funext => u; rewrite /Jtotal big_add1 big_mkord /= fct_sumE.
by apply: is_deriveZ; apply: is_derive_sum => i; apply: dual_is_real => //=.
Qed.
End RealNetwork.
