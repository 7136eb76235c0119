(* Forward propagation: equations (3), (4), (5) of the document, and the loss *)
(* (1), (2).                                                                  *)
(*                                                                            *)
(* Layers are 0 .. n and times 1 .. T, as in the document; layer l has width  *)
(* d l, any function of l.  Everything is defined over any commutative ring,  *)
(* so that the same text can be read over the reals (the network), over dual  *)
(* numbers (its derivative, Dual.v) and over the integers (Fidelity.v).       *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* H^(l), W^(l), b^(l), and the initial state h^(l)(0).  The same record      *)
(* holds a direction in the space of parameters.                              *)
Record params (K : ringType) (d : nat -> nat) := Params {
  pH : forall l, 'M[K]_(d l);
  pW : forall l, 'M[K]_(d l, d l.-1);
  pb : forall l, 'cV[K]_(d l);
  ph0 : forall l, 'cV[K]_(d l) }.

Section Forward.
Variables (K : comRingType) (d : nat -> nat) (n : nat) (f : K -> K).
Variable x : nat -> 'cV[K]_(d 0).

(* Each time step has its own copy th t of the parameters.  The document's    *)
(* network has one copy for all times (tied, below); separate copies give a   *)
(* meaning to its "|_(k)", the derivative in the copy of time k alone, and to *)
(* the derivative in one pre-activation z^(l)(t): that in b^(l) at time t.    *)
Variable th : nat -> params K d.

(* h^(l)(t) *)
Fixpoint hid (l : nat) : nat -> 'cV[K]_(d l) :=
  match l with
  | 0 => x
  | l'.+1 => fix ht t := match t with
     | 0 => ph0 (th 0) l'.+1
     | t'.+1 => map_mx f (pH (th t'.+1) l'.+1 *m ht t' + pW (th t'.+1) l'.+1 *m hid l' t'.+1
                          + pb (th t'.+1) l'.+1)
     end
  end.

(* z^(l)(t): equation (5).  Only the output layer n has no recurrent term. *)
Definition pre l t : 'cV[K]_(d l) :=
  if (l < n)%N then pH (th t) l *m hid l t.-1 + pW (th t) l *m hid l.-1 t + pb (th t) l
  else pW (th t) l *m hid l.-1 t + pb (th t) l.

Theorem eq_05_hidden l t : (l < n)%N ->
  pre l t = pH (th t) l *m hid l t.-1 + pW (th t) l *m hid l.-1 t + pb (th t) l.
Proof. by rewrite /pre => ->. Qed.

Theorem eq_05_output t : pre n t = pW (th t) n *m hid n.-1 t + pb (th t) n.
Proof. by rewrite /pre ltnn. Qed.

(* (4) as it should read: h^(l)(t) = f(z^(l)(t)), not f(z^(l-1)(t)), of which *)
(* not even the length fits. *)
Theorem eq_04_input t : hid 0 t = x t. Proof. by []. Qed.

Theorem eq_04_hidden l t : (0 < l < n)%N -> (0 < t)%N -> hid l t = map_mx f (pre l t).
Proof. by case: l t => // l [|t] //= ln _; rewrite /pre ln. Qed.

(* J^(i) is some function ell i of z^(n)(i).  The document's own is minus the *)
(* logarithm of a softmax (Softmax.v). *)
Variable ell : nat -> 'cV[K]_(d n) -> K.
Definition Jstep i : K := ell i (pre n i).

(* (1) is Jtotal T c with c = 1/T. *)
Definition Jtotal (T : nat) (c : K) : K := c * (\sum_(1 <= i < T.+1) Jstep i).
End Forward.

Arguments hid : simpl never.

(* The document's network: the same parameters at all times. *)
Definition tied (K : ringType) d (p : params K d) : nat -> params K d := fun _ => p.

(* ------------------------------------------------------------ directions -- *)
Section Directions.
Variables (K : ringType) (d : nat -> nat).

(* X at layer l0, zero at every other one *)
Definition only (r c : nat -> nat) l0 (X : 'M[K]_(r l0, c l0)) l : 'M[K]_(r l, c l) :=
  if l == l0 then conform_mx 0 X else 0.

Lemma only_same r c l (X : 'M[K]_(r l, c l)) : only X l = X.
Proof. by rewrite /only eqxx conform_mx_id. Qed.

Lemma only_other r c l0 (X : 'M[K]_(r l0, c l0)) l : l != l0 -> only X l = 0.
Proof. by rewrite /only => /negPf->. Qed.

Definition dir0 : params K d := Params (fun _ => 0) (fun _ => 0) (fun _ => 0) (fun _ => 0).
Definition dirH l (X : 'M[K]_(d l)) : params K d :=
  Params (only (r := d) (c := d) X) (fun _ => 0) (fun _ => 0) (fun _ => 0).
Definition dirW l (X : 'M[K]_(d l, d l.-1)) : params K d :=
  Params (fun _ => 0) (only (r := d) (c := fun l => d l.-1) X) (fun _ => 0) (fun _ => 0).
Definition dirb l (X : 'cV[K]_(d l)) : params K d :=
  Params (fun _ => 0) (fun _ => 0) (only (r := d) (c := fun _ => 1%N) X) (fun _ => 0).
Definition dirh0 l (X : 'cV[K]_(d l)) : params K d :=
  Params (fun _ => 0) (fun _ => 0) (fun _ => 0) (only (r := d) (c := fun _ => 1%N) X).

(* a direction in the copies of the times in P alone; with P = all times it   *)
(* moves the document's parameters, with P = {k} it is its |_(k)              *)
Definition at_times (P : pred nat) (p : params K d) : nat -> params K d :=
  fun t => if P t then p else dir0.

(* the direction that adds X to z^(l)(t) and to nothing else *)
Definition dirz l (t : nat) (X : 'cV[K]_(d l)) : nat -> params K d :=
  at_times (pred1 t) (dirb X).

(* parameters moved in a direction *)
Definition plus_dir (p : params K d) (dp : nat -> params K d) : nat -> params K d := fun t => Params
  (fun l => pH p l + pH (dp t) l) (fun l => pW p l + pW (dp t) l)
  (fun l => pb p l + pb (dp t) l) (fun l => ph0 p l + ph0 (dp t) l).
End Directions.

Arguments dirH {K d} l X.
Arguments dirW {K d} l X.
Arguments dirb {K d} l X.
Arguments dirh0 {K d} l X.
Arguments dirz {K d} l t X.
Notation all_times := (at_times predT).
Notation at_time k := (at_times (pred1 k)).
