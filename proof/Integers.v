(* Coq's binary integers as a commutative ring of mathcomp, so that networks  *)
(* can be evaluated.                                                          *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.

Definition Z_code (a : Z) : bool * nat := (Z.ltb a 0, Z.abs_nat a).
Definition Z_decode (c : bool * nat) : Z := if c.1 then Z.opp (Z.of_nat c.2) else Z.of_nat c.2.

Lemma Z_codeK : cancel Z_code Z_decode.
Proof. by case=> // p; rewrite /Z_decode /= positive_nat_Z. Qed.

Definition Z_eqMixin := EqMixin Z.eqb_spec.
Canonical Z_eqType := EqType Z Z_eqMixin.
Canonical Z_choiceType := ChoiceType Z (CanChoiceMixin Z_codeK).
Definition Z_zmodMixin := ZmodMixin Z.add_assoc Z.add_comm Z.add_0_l Z.add_opp_diag_l.
Canonical Z_zmodType := ZmodType Z Z_zmodMixin.

Fact Z_1neq0 : Zpos xH != Z0.
Proof. by []. Qed.

Definition Z_ringMixin :=
  ComRingMixin Z.mul_assoc Z.mul_comm Z.mul_1_l Z.mul_add_distr_r Z_1neq0.
Canonical Z_ringType := RingType Z Z_ringMixin.
Canonical Z_comRingType := ComRingType Z Z.mul_comm.
