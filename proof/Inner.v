(* The pairing <A, B> = sum of A_ij B_ij, and the two facts on which every    *)
(* gradient below rests: how it moves a matrix from one side to the other     *)
(* (inner_adj), and why a gradient in a matrix is an outer product            *)
(* (inner_outer).                                                             *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Inner.
Variable R : comRingType.

Definition inner m p (A B : 'M[R]_(m, p)) : R := \tr (A^T *m B).

Lemma innerDl m p (A B C : 'M[R]_(m, p)) : inner (A + B) C = inner A C + inner B C.
Proof. by rewrite /inner linearD mulmxDl mxtraceD. Qed.

Lemma innerDr m p (A B C : 'M[R]_(m, p)) : inner A (B + C) = inner A B + inner A C.
Proof. by rewrite /inner mulmxDr mxtraceD. Qed.

Lemma innerZl m p c (A B : 'M[R]_(m, p)) : inner (c *: A) B = c * inner A B.
Proof. by rewrite /inner linearZ -scalemxAl mxtraceZ. Qed.

Lemma inner0l m p (B : 'M[R]_(m, p)) : inner 0 B = 0.
Proof. by rewrite /inner trmx0 mul0mx mxtrace0. Qed.

Lemma inner0r m p (B : 'M[R]_(m, p)) : inner B 0 = 0.
Proof. by rewrite /inner mulmx0 mxtrace0. Qed.

Lemma inner_suml m p (r : seq nat) (P : pred nat) (F : nat -> 'M[R]_(m, p)) B :
  inner (\sum_(t <- r | P t) F t) B = \sum_(t <- r | P t) inner (F t) B.
Proof. by elim/big_rec2: _ => [|t x y _ <-]; rewrite ?inner0l ?innerDl. Qed.

(* <u, A v> = <A^T u, v> *)
Lemma inner_adj m p (A : 'M[R]_(m, p)) (u : 'cV_m) (v : 'cV_p) :
  inner u (A *m v) = inner (A^T *m u) v.
Proof. by rewrite /inner trmx_mul trmxK mulmxA. Qed.

(* <u v^T, A> = <u, A v> *)
Lemma inner_outer m p (A : 'M[R]_(m, p)) (u : 'cV_m) (v : 'cV_p) :
  inner (u *m v^T) A = inner u (A *m v).
Proof. by rewrite /inner trmx_mul trmxK -mulmxA mxtrace_mulC mulmxA. Qed.

(* The pairing with a matrix unit reads off an entry. *)
Lemma inner_unit m p (A : 'M[R]_(m, p)) a b : inner A (delta_mx a b) = A a b.
Proof.
rewrite /inner /mxtrace (bigD1 b) //= big1 ?addr0 => [|c cb].
  rewrite mxE (bigD1 a) //= big1 ?addr0 => [|c ca]; first by rewrite !mxE !eqxx mulr1.
  by rewrite !mxE (negPf ca) mulr0.
by rewrite mxE big1 // => k _; rewrite !mxE (negPf cb) andbF mulr0.
Qed.

(* A linear form given by its values on the matrix units: the matrix of its   *)
(* partial values.  If the form is <G, .>, the matrix is G.                   *)
Definition partials m p (phi : 'M[R]_(m, p) -> R) : 'M[R]_(m, p) :=
  \matrix_(a, b) phi (delta_mx a b).

Lemma partials_inner m p (phi : 'M[R]_(m, p) -> R) G :
  (forall V, phi V = inner G V) -> partials phi = G.
Proof. by move=> phiG; apply/matrixP => a b; rewrite mxE phiG inner_unit. Qed.

Lemma inner_partials m p (phi : 'M[R]_(m, p) -> R) G :
  (forall V, phi V = inner G V) -> forall V, phi V = inner (partials phi) V.
Proof. by move=> phiG V; rewrite (partials_inner phiG). Qed.

End Inner.

(* Sums with one term that is not zero. *)
Section OneTerm.
Variable V : zmodType.

Lemma sum_single (F : nat -> V) a b k : (a <= k < b)%N -> (forall j, j != k -> F j = 0) ->
  \sum_(a <= j < b) F j = F k.
Proof.
by move=> kab F0; rewrite (bigD1_seq k) ?iota_uniq ?mem_index_iota //= big1 ?addr0.
Qed.

Lemma sum_at (F : nat -> V) a b k : \sum_(a <= j < b | j == k) F j = if (a <= k < b)%N then F k else 0.
Proof.
case: ifP => kab.
  rewrite big_mkcond (sum_single (k := k)) ?eqxx // => j /negPf-> //.
rewrite big_nat_cond big_pred0 // => j.
by apply/negbTE; apply: contraFN kab => /andP[jab /eqP<-].
Qed.
End OneTerm.
