(* Evaluating the definitions on numbers.  Matrices of mathcomp are made to   *)
(* be reasoned about, not run; here the same network is written entry by      *)
(* entry, as a program, and proved equal to the definitions of Network.v and  *)
(* Derivatives.v.                                                             *)
From mathcomp Require Import all_ssreflect all_algebra.
From BPTT Require Import Inner Network Tangent Adjoint Dual Derivatives Total.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Sum.
Variable K : ringType.
Fixpoint sum_below m (F : nat -> K) : K := if m is m'.+1 then sum_below m' F + F m' else 0.

Lemma sum_belowE m (F : nat -> K) : \sum_(k < m) F k = sum_below m F.
Proof. by elim: m => [|m IH]; rewrite ?big_ord0 // big_ord_recr /= IH. Qed.
End Sum.

(* The entries of H^(l), W^(l), b^(l), h^(l)(0), by layer, row and column. *)
Record entries (K : Type) := Entries {
  eH : nat -> nat -> nat -> K;
  eW : nat -> nat -> nat -> K;
  eb : nat -> nat -> K;
  eh0 : nat -> nat -> K }.

Section Forward.
Variables (K : comRingType) (d : nat -> nat) (n : nat) (f : K -> K).
Variables (xs : nat -> nat -> K) (E : nat -> entries K).

(* h^(l)(t)_j and z^(l)(t)_j *)
Fixpoint h_entry (l : nat) : nat -> nat -> K :=
  match l with
  | 0 => xs
  | l'.+1 => fix ht t j := match t with
     | 0 => eh0 (E 0) l'.+1 j
     | t'.+1 => f (sum_below (d l'.+1) (fun k => eH (E t'.+1) l'.+1 j k * ht t' k)
                   + sum_below (d l') (fun k => eW (E t'.+1) l'.+1 j k * h_entry l' t'.+1 k)
                   + eb (E t'.+1) l'.+1 j)
     end
  end.
Definition z_entry l t j : K :=
  let input := sum_below (d l.-1) (fun k => eW (E t) l j k * h_entry l.-1 t k) + eb (E t) l j in
  if (l < n)%N then sum_below (d l) (fun k => eH (E t) l j k * h_entry l t.-1 k) + input else input.

Variables (x : nat -> 'cV[K]_(d 0)) (th : nat -> params K d).

(* E lists the entries of th, xs those of x. *)
Record entries_of : Prop := EntriesOf {
  of_x : forall t j, x t j 0 = xs t j;
  of_H : forall t l a b, pH (th t) l a b = eH (E t) l a b;
  of_W : forall t l a b, pW (th t) l a b = eW (E t) l a b;
  of_b : forall t l a, pb (th t) l a 0 = eb (E t) l a;
  of_h0 : forall t l a, ph0 (th t) l a 0 = eh0 (E t) l a }.
Hypothesis EO : entries_of.

Lemma mul_entries m k (A : 'M[K]_(m, k)) (v : 'cV_k) (A' v' : nat -> K) j :
  (forall b : 'I_k, A j b = A' b) -> (forall b : 'I_k, v b 0 = v' b) ->
  (A *m v) j 0 = sum_below k (fun b => A' b * v' b).
Proof. by move=> AE vE; rewrite mxE -sum_belowE; apply: eq_bigr => b _; rewrite AE vE. Qed.

Theorem h_entryE l t j : hid f x th l t j 0 = h_entry l t j.
Proof.
elim: l t j => [|l IHl] t j; first exact: (of_x EO).
elim: t j => [|t IHt] j; first exact: (of_h0 EO).
rewrite mxE /=; congr f; rewrite 2!mxE (of_b EO); congr (_ + _ + _).
  by apply: mul_entries => b; [exact: (of_H EO) | exact: IHt].
by apply: mul_entries => b; [exact: (of_W EO) | exact: IHl].
Qed.

Theorem z_entryE l t j : pre n f x th l t j 0 = z_entry l t j.
Proof.
have wE : (pW (th t) l *m hid f x th l.-1 t) j 0
    = sum_below (d l.-1) (fun k => eW (E t) l j k * h_entry l.-1 t k).
  by apply: mul_entries => b; [exact: (of_W EO) | exact: h_entryE].
rewrite /pre /z_entry; case: ifP => _; rewrite !mxE (of_b EO) -?wE ?mxE // -addrA.
congr (_ + _); rewrite -sum_belowE.
by apply: eq_bigr => b _; rewrite (of_H EO) h_entryE.
Qed.
End Forward.

(* --------------------------------------- gradients, by dual numbers as above *)
Section Gradients.
Variables (K : comRingType) (d : nat -> nat) (n : nat) (f f' : K -> K).
Variables (xs ys : nat -> nat -> K) (E : entries K).

(* The loss is sum_j (z_j - y_j)^2, which needs no division. *)
Definition square_error (i : nat) (v : 'cV[K]_(d n)) : K := \sum_(j < d n) (v j 0 - ys i j) ^+ 2.
Definition square_error' (i : nat) (v : 'cV[K]_(d n)) : 'cV[K]_(d n) :=
  \col_(j < d n) ((v j 0 - ys i j) *+ 2).

(* the entries of a direction, zero but for one entry of one layer *)
Definition one_H (l a b : nat) : entries K :=
  Entries (fun k i j => if [&& k == l, i == a & j == b] then 1 else 0) (fun _ _ _ => 0)
          (fun _ _ => 0) (fun _ _ => 0).
Definition one_W (l a b : nat) : entries K :=
  Entries (fun _ _ _ => 0) (fun k i j => if [&& k == l, i == a & j == b] then 1 else 0)
          (fun _ _ => 0) (fun _ _ => 0).
Definition one_b (l a : nat) : entries K :=
  Entries (fun _ _ _ => 0) (fun _ _ _ => 0)
          (fun k i => if (k == l) && (i == a) then 1 else 0) (fun _ _ => 0).
Definition one_h0 (l a : nat) : entries K :=
  Entries (fun _ _ _ => 0) (fun _ _ _ => 0) (fun _ _ => 0)
          (fun k i => if (k == l) && (i == a) then 1 else 0).

(* The network over dual numbers, moved in a direction at the times in P. *)
Definition dual_entries (P : pred nat) (dE : entries K) (t : nat) : entries (dualR K) :=
  let move (dv : K) := if P t then dv else 0 in
  Entries (fun l a b => (eH E l a b, move (eH dE l a b)) : dualR K)
          (fun l a b => (eW E l a b, move (eW dE l a b)) : dualR K)
          (fun l a => (eb E l a, move (eb dE l a)) : dualR K)
          (fun l a => (eh0 E l a, move (eh0 dE l a)) : dualR K).

Definition z_dual P dE : nat -> nat -> nat -> dualR K :=
  z_entry d n (fdual f f') (fun t j => (xs t j, 0) : dualR K) (dual_entries P dE).

(* the derivative of J^(i) *)
Definition dJ_entry P dE i : K :=
  sum_below (d n) (fun j => ((z_dual P dE n i j).1 - ys i j) *+ 2 * (z_dual P dE n i j).2).

Variables (x : nat -> 'cV[K]_(d 0)) (th : params K d).
Hypothesis EO : entries_of xs (fun _ => E) x (tied th).

(* dE lists the entries of the direction p. *)
Record direction_of (dE : entries K) (p : params K d) : Prop := DirectionOf {
  dir_H : forall l a b, pH p l a b = eH dE l a b;
  dir_W : forall l a b, pW p l a b = eW dE l a b;
  dir_b : forall l a, pb p l a 0 = eb dE l a;
  dir_h0 : forall l a, ph0 p l a 0 = eh0 dE l a }.

Theorem dJ_entryE P dE p i : direction_of dE p ->
  dJ f f' x th (at_times P p) square_error square_error' i = dJ_entry P dE i.
Proof.
move=> dEp; rewrite /dJ /Jstep /elldual /= /inner /mxtrace big_ord1 mxE /dJ_entry -sum_belowE.
apply: eq_bigr => j _; rewrite !mxE.
suff -> : pre n (fdual f f') (lift_input x) (lift_params th (at_times P p)) n i j 0
        = z_dual P dE n i j by [].
apply: z_entryE; split.
- by move=> t k; rewrite !mxE (of_x EO).
- by move=> t l a b; rewrite /= !mxE (of_H EO 0) /at_times; case: (P t); rewrite /= ?(dir_H dEp) ?mxE.
- by move=> t l a b; rewrite /= !mxE (of_W EO 0) /at_times; case: (P t); rewrite /= ?(dir_W dEp) ?mxE.
- by move=> t l a; rewrite /= !mxE (of_b EO 0) /at_times; case: (P t); rewrite /= ?(dir_b dEp) ?mxE.
- by move=> t l a; rewrite /= !mxE (of_h0 EO 0) /at_times; case: (P t); rewrite /= ?(dir_h0 dEp) ?mxE.
Qed.

Lemma only_unit (r c : nat -> nat) l a b k i j :
  only (r := r) (c := c) (delta_mx a b : 'M[K]_(r l, c l)) k i j =
  if [&& k == l, i == a :> nat & j == b :> nat] then 1 else 0.
Proof.
case: (k =P l) i j => [-> i j|/eqP kl i j]; last by rewrite only_other // mxE.
by rewrite only_same mxE -!val_eqE /=; case: (_ && _).
Qed.

Lemma direction_H l (a b : 'I_(d l)) : direction_of (one_H l a b) (dirH l (delta_mx a b)).
Proof. by split=> *; rewrite ?mxE //; exact: only_unit. Qed.

Lemma direction_W l (a : 'I_(d l)) (b : 'I_(d l.-1)) :
  direction_of (one_W l a b) (dirW l (delta_mx a b)).
Proof. by split=> *; rewrite ?mxE //; exact: (only_unit (c := fun l => d l.-1)). Qed.

Lemma direction_b l (a : 'I_(d l)) : direction_of (one_b l a) (dirb l (delta_mx a 0)).
Proof.
split=> *; rewrite ?mxE //=; rewrite (only_unit (c := fun _ => 1%N)) /= eqxx andbT.
by [].
Qed.

Lemma direction_h0 l (a : 'I_(d l)) : direction_of (one_h0 l a) (dirh0 l (delta_mx a 0)).
Proof.
split=> *; rewrite ?mxE //=; rewrite (only_unit (c := fun _ => 1%N)) /= eqxx andbT.
by [].
Qed.

Theorem delta_entry l t i a :
  delta f f' x th square_error square_error' l t i a 0 = dJ_entry (pred1 t) (one_b l a) i.
Proof. by rewrite mxE; apply: dJ_entryE; exact: direction_b. Qed.

Theorem gradH_entry P l i a b : gradH f f' x th square_error square_error' l P i a b
  = dJ_entry P (one_H l a b) i.
Proof. by rewrite mxE; apply: dJ_entryE; exact: direction_H. Qed.
End Gradients.
