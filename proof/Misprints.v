(* The misprints of the document, each with a small network on which what is  *)
(* printed is false.  The correct readings are the theorems of these numbers. *)
(*                                                                            *)
(* Three misprints are not even false, since what is printed has no meaning:  *)
(*   (15) W^(l+1) (delta^(l+1)(t-c))^T.  W^(l+1) has as many columns as layer *)
(*        l has units, the row (delta^(l+1)(t-c))^T is one row: the product   *)
(*        exists only if layer l has one unit, and can then be added to       *)
(*        (H^(l))^T delta^(l)(t-c+1) only if layer l+1 has one unit too.  The *)
(*        transposes are on the wrong factor; (30) has them right.            *)
(*   (39) h^(j-1) in the first line: an h with one index, without a layer.    *)
(*        The next line has h^(l)(i-1).                                       *)
(*   (4)  h^(l)(t) = f(z^(l-1)(t)) for l = 1: there is no z^(0).  For l > 1   *)
(*        see misprint_04.                                                    *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Coq Require Import ZArith.
From BPTT Require Import RealSoftmax Inner Network Dual Derivatives Gamma.
From BPTT Require Import Integers Evaluation Fidelity.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* Four layers of one unit each, two time steps. *)
Definition N : network := MakeNetwork 3 2 [:: 1; 1; 1; 1]%nat
  [:: [::]; [:: [:: 1]]; [:: [:: 2]]]%Z
  [:: [::]; [:: [:: 1]]; [:: [:: 2]]; [:: [:: 1]]]%Z
  [:: [::]; [:: 1]; [:: 1]; [:: 0]]%Z
  [:: [::]; [:: 1]; [:: 2]]%Z
  [:: [::]; [:: 1]; [:: 2]]%Z
  [:: [::]; [:: 1]; [:: 0]]%Z.

Local Notation h := (hid f (x N) (tied (th N))).
Local Notation z := (pre 3 f (x N) (tied (th N))).
Local Notation delta := (delta f f' (x N) (th N) (loss N) (loss' N)).
Local Notation gamma := (gamma f f' (x N) (th N) (loss N) (loss' N) 2).
Local Notation gradH := (gradH f f' (x N) (th N) (loss N) (loss' N)).

(* All widths being 1, a vector or matrix has one entry. *)
Definition entry (A : 'M[Z]_1) : Z := A 0 0.

Lemma entry_map g (v : 'cV[Z]_1) : entry (map_mx g v) = g (entry v).
Proof. by rewrite /entry mxE. Qed.

Lemma entryD (A B : 'M[Z]_1) a b : entry A = a -> entry B = b -> entry (A + B) = a + b.
Proof. by rewrite /entry mxE => -> ->. Qed.

Lemma entry_outer (u v : 'cV[Z]_1) a b : entry u = a -> entry v = b -> entry (u *m v^T) = a * b.
Proof. by rewrite /entry mxE big_ord1 mxE => -> ->. Qed.

Lemma entry_h2 t : entry (h 2 t) = h_value N 2 t 0.
Proof. exact: (@h_value_correct N 2 t ord0). Qed.

Lemma entry_z1 t : entry (z 1 t) = z_value N 1 t 0.
Proof. exact: (@z_value_correct N 1 t ord0). Qed.

Lemma entry_delta1 t i : entry (delta 1 t i) = delta_value N 1 t i 0.
Proof. exact: (@delta_value_correct N 1 t i ord0). Qed.
Lemma entry_delta2 t i : entry (delta 2 t i) = delta_value N 2 t i 0.
Proof. exact: (@delta_value_correct N 2 t i ord0). Qed.
Lemma entry_gradH2 i : entry (gradH 2 predT i) = derivative_value N predT (one_H _ 2 0 0) i.
Proof. exact: (gradH_entry _ _ _ _ (network_entries N)). Qed.

Lemma entry_outer_sum (u v : nat -> 'cV[Z]_1) a1 a2 b1 b2 :
  entry (u 1%N) = a1 -> entry (u 2%N) = a2 -> entry (v 0%N) = b1 -> entry (v 1%N) = b2 ->
  entry (\sum_(1 <= k < 3) u k *m (v k.-1)^T) = a1 * b1 + a2 * b2.
Proof.
by move=> ua1 ua2 vb1 vb2; rewrite big_nat_recl // big_nat1; apply: entryD; exact: entry_outer.
Qed.

(* (4): h^(l)(t) = f(z^(l-1)(t)), for l = 2 *)
Theorem misprint_04 : h 2 1 <> map_mx f (z 1 1).
Proof. by move/(congr1 entry); rewrite entry_h2 entry_map entry_z1; vm_compute. Qed.

(* (17): the sum of delta^(1)(k) (h^(l)(k-1))^T, for l = 2 *)
Theorem misprint_17 : gradH 2 predT 2 <> \sum_(1 <= k < 3) delta 1 k 2 *m (h 2 k.-1)^T.
Proof.
have right := entry_outer_sum (u := fun k => delta 1 k 2) (v := h 2)
  (entry_delta1 1 2) (entry_delta1 2 2) (entry_h2 0) (entry_h2 1).
move=> /(congr1 entry) print.
by have := etrans (etrans (esym (entry_gradH2 2)) print) right; vm_compute.
Qed.

(* (31): the sum over k of delta^(l)(t) (h^(l)(k-1))^T, for l = t = 2 *)
Theorem misprint_31 : gradH 2 predT 2 <> \sum_(1 <= k < 3) delta 2 2 2 *m (h 2 k.-1)^T.
Proof.
have right := entry_outer_sum (u := fun k => delta 2 2 2) (v := h 2)
  (entry_delta2 2 2) (entry_delta2 2 2) (entry_h2 0) (entry_h2 1).
move=> /(congr1 entry) print.
by have := etrans (etrans (esym (entry_gradH2 2)) print) right; vm_compute.
Qed.

(* (36): gamma^(l)(t) = delta^(l)(t)(t) for t = T - 1; here T = 2 *)
Theorem misprint_36 : gamma 2 1 <> delta 2 1 1.
Proof.
have right := entryD (entry_delta2 1 1) (entry_delta2 1 2).
rewrite /Gamma.gamma big_nat_recl // big_nat1 => /(congr1 entry) print.
by have := etrans (etrans (esym right) print) (entry_delta2 1 1); vm_compute.
Qed.

(* (6), second line: -z_k plus the logarithm of the sum of the z_j.  For      *)
(* z = (1, 0) and k the second class the print gives 0 + log 1 = 0, where     *)
(* -log y^_k is log(e + 1). *)
Theorem misprint_06 (R : realType) : exists (v : 'cV[R]_2) (k : 'I_2),
  - ln (softmax v k 0) <> - v k 0 + ln (\sum_(j < 2) v j 0).
Proof.
exists (\col_j (j == 0)%:R), 1; rewrite eq_06_line2_real /sum_exp !big_ord_recl !big_ord0 !mxE /=.
rewrite !addr0 ln1 oppr0 !add0r; apply/eqP; rewrite gt_eqF // ln_gt0 //.
by rewrite expR0 ltr_addr expR_gt0.
Qed.
