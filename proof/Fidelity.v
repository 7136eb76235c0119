(* Networks of integers, to be run: given lists of numbers, the values of     *)
(* h^(l)(t), z^(l)(t) and of every gradient, by the programs of Evaluation.v, *)
(* which the theorems below identify with the definitions that the rest of    *)
(* this folder is about.  tests/test_proof.py holds them against an           *)
(* independent evaluation of the document's formulas.                         *)
(*                                                                            *)
(* The activation is f(a) = a^2 - a, the loss the sum of squared errors; both *)
(* need no division.  So that the factor 1/T needs none either, gradients of  *)
(* J are given for c = 1: they are T times the document's.                    *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives Total Integers Evaluation.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Definition f (a : Z) : Z := Z.sub (Z.mul a a) a.
Definition f' (a : Z) : Z := Z.pred (Z.add a a).

(* Lists are indexed as in the document: the first item of H, W, b, h0 (layer *)
(* 0) and of x, y (time 0) is not used. *)
Record network := MakeNetwork {
  depth : nat;                     (* n *)
  steps : nat;                     (* T *)
  widths : seq nat;                (* of layers 0 .. n *)
  Hs : seq (seq (seq Z));
  Ws : seq (seq (seq Z));
  bs : seq (seq Z);
  h0s : seq (seq Z);
  xs : seq (seq Z);
  ys : seq (seq Z) }.

Section Values.
Variable N : network.
Let n := depth N.
Let T := steps N.
Let d l := nth 0%N (widths N) l.

Definition vector_item (s : seq (seq Z)) l a : Z := nth Z0 (nth [::] s l) a.
Definition matrix_item (s : seq (seq (seq Z))) l a b : Z := nth Z0 (nth [::] (nth [::] s l) a) b.
Let E : entries Z :=
  Entries (matrix_item (Hs N)) (matrix_item (Ws N)) (vector_item (bs N)) (vector_item (h0s N)).
Let x_item := vector_item (xs N).
Let y_item := vector_item (ys N).

(* -------------------------------------------------------------- programs *)
Definition h_value : nat -> nat -> nat -> Z := h_entry d f x_item (fun _ => E).
Definition z_value : nat -> nat -> nat -> Z := z_entry d n f x_item (fun _ => E).
Definition derivative_value P dE i : Z := dJ_entry d n f f' x_item y_item E P dE i.
Definition delta_value (l t i a : nat) : Z := derivative_value (pred1 t) (one_b _ l a) i.
Definition total_value dE : Z := sum_below T (fun i => derivative_value predT dE i.+1).

Definition h_table := [seq [seq mkseq (h_value l t) (d l) | t <- iota 0 T.+1] | l <- iota 0 n].
Definition z_table := [seq [seq mkseq (z_value l t) (d l) | t <- iota 1 T] | l <- iota 1 n].
Definition delta_table :=
  [seq [seq [seq mkseq (delta_value l t i) (d l) | i <- iota 1 T] | t <- iota 1 T] | l <- iota 1 n].
Definition H_table :=
  [seq mkseq (fun a => mkseq (fun b => total_value (one_H _ l a b)) (d l)) (d l) | l <- iota 1 n.-1].
Definition W_table :=
  [seq mkseq (fun a => mkseq (fun b => total_value (one_W _ l a b)) (d l.-1)) (d l) | l <- iota 1 n].
Definition b_table := [seq mkseq (fun a => total_value (one_b _ l a)) (d l) | l <- iota 1 n].
Definition h0_table := [seq mkseq (fun a => total_value (one_h0 _ l a)) (d l) | l <- iota 1 n.-1].

(* ------------------------------------------- what the programs compute is *)
(* what the theorems are about *)
Definition th : params Z_ringType d := Params
  (fun l => \matrix_(a, b) eH E l a b) (fun l => \matrix_(a, b) eW E l a b)
  (fun l => \col_a eb E l a) (fun l => \col_a eh0 E l a).
Definition x t : 'cV[Z]_(d 0) := \col_j x_item t j.

Lemma network_entries : entries_of x_item (fun _ => E) x (tied th).
Proof. by split=> *; rewrite mxE. Qed.

Theorem h_value_correct l t j : hid f x (tied th) l t j 0 = h_value l t j.
Proof. exact: (h_entryE _ network_entries). Qed.

Theorem z_value_correct l t j : pre n f x (tied th) l t j 0 = z_value l t j.
Proof. exact: (z_entryE _ _ network_entries). Qed.

Definition loss := square_error (d := d) (n := n) y_item.
Definition loss' := square_error' (d := d) (n := n) y_item.

Theorem delta_value_correct l t i a : delta f f' x th loss loss' l t i a 0 = delta_value l t i a.
Proof. exact: (delta_entry _ _ _ _ network_entries). Qed.

Lemma total_value_correct p dE : direction_of dE p ->
  dJtotal f f' x th (all_times p) loss loss' T 1 = total_value dE.
Proof.
move=> dEp; rewrite dJtotal_sum mul1r big_add1 /= big_mkord /total_value -sum_belowE.
by apply: eq_bigr => i _; exact: (dJ_entryE _ _ _ _ network_entries).
Qed.

Theorem H_value_correct l a b : nabla_H f f' x th loss loss' T 1 l a b = total_value (one_H _ l a b).
Proof. by rewrite mxE; apply: total_value_correct; exact: direction_H. Qed.

Theorem W_value_correct l a b : nabla_W f f' x th loss loss' T 1 l a b = total_value (one_W _ l a b).
Proof. by rewrite mxE; apply: total_value_correct; exact: direction_W. Qed.

Theorem b_value_correct l a : nabla_b f f' x th loss loss' T 1 l a 0 = total_value (one_b _ l a).
Proof. by rewrite mxE; apply: total_value_correct; exact: direction_b. Qed.

Theorem h0_value_correct l a : nabla_h0 f f' x th loss loss' T 1 l a 0 = total_value (one_h0 _ l a).
Proof. by rewrite mxE; apply: total_value_correct; exact: direction_h0. Qed.
End Values.

Arguments loss : clear implicits.
Arguments loss' : clear implicits.
