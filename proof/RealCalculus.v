(* Derivatives over the reals, for matrices.  A curve of matrices is          *)
(* differentiable when each of its entries is; is_gradient F G says that G is *)
(* the gradient at 0 of F, a function of a matrix.                            *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp functions.
From mathcomp.analysis Require Import reals topology normedtype derive realfun.
From BPTT Require Import Inner Network Tangent.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section RealCalculus.
Variable R : realType.

(* the curve A has derivative A' at s, entry by entry *)
Definition is_dmx m p (s : R) (A : R -> 'M[R]_(m, p)) (A' : 'M[R]_(m, p)) : Prop :=
  forall a b, is_derive s (1 : R) (fun u => A u a b : R) (A' a b).

Lemma dmx_ext m p s (A B : R -> 'M[R]_(m, p)) A' B' :
  is_dmx s A A' -> (forall u, A u = B u) -> A' = B' -> is_dmx s B B'.
Proof.
move=> dA AB <- a b; rewrite (_ : (fun u => B u a b) = (fun u => A u a b)) //.
by apply/funext => u; rewrite AB.
Qed.

Lemma dmx_cst m p s (A : 'M[R]_(m, p)) : is_dmx s (fun _ => A) 0.
Proof. by move=> a b; rewrite mxE; exact: is_derive_cst. Qed.

Lemma dmxD m p s (A B : R -> 'M[R]_(m, p)) A' B' :
  is_dmx s A A' -> is_dmx s B B' -> is_dmx s (fun u => A u + B u) (A' + B').
Proof.
move=> dA dB a b; rewrite mxE.
rewrite (_ : (fun u => _) = (fun u => A u a b) + (fun u => B u a b)); last first.
  by apply/funext => u; rewrite mxE.
exact: is_deriveD.
Qed.

(* the product rule *)
Lemma dmxM m p q s (A : R -> 'M[R]_(m, p)) (B : R -> 'M[R]_(p, q)) A' B' :
  is_dmx s A A' -> is_dmx s B B' ->
  is_dmx s (fun u => A u *m B u) (A s *m B' + A' *m B s).
Proof.
move=> dA dB a b; rewrite !mxE -big_split /=.
rewrite (_ : (fun u => _) =
  \sum_(k < p) ((fun u => A u a k) * (fun u => B u k b))); last first.
  by apply/funext => u; rewrite mxE fct_sumE.
apply: is_derive_sum => k; rewrite [A' a k * _]mulrC.
exact: is_deriveM.
Qed.

(* the chain rule; f need be differentiable only where it is evaluated *)
Lemma dmx_map m (f f' : R -> R) s (v : R -> 'cV[R]_m) v' :
  (forall j, is_derive (v s j 0) (1 : R) f (f' (v s j 0))) -> is_dmx s v v' ->
  is_dmx s (fun u => map_mx f (v u)) (diag (map_mx f' (v s)) *m v').
Proof.
move=> df dv a b; rewrite mul_diag_mx !mxE.
rewrite (_ : (fun u => _) = f \o (fun u => v u a 0)); last first.
  by apply/funext => u; rewrite mxE (ord1 b).
by rewrite (ord1 b); apply: is_derive1_comp; exact: dv.
Qed.

(* a straight line *)
Lemma dmx_line m p (V : 'M[R]_(m, p)) : is_dmx 0 (fun u => u *: V) V.
Proof.
move=> a b; rewrite (_ : (fun u => _) = V a b \*: id); last first.
  by apply/funext => u; rewrite !mxE mulrC.
by apply: is_derive_eq; exact: mulr1.
Qed.

(* G is the gradient of F at 0: along every differentiable curve X through 0, *)
(* F has derivative <G, X'>. *)
Definition is_gradient m p (F : 'M[R]_(m, p) -> R) (G : 'M[R]_(m, p)) : Prop :=
  forall X X', X 0 = 0 -> is_dmx 0 X X' -> is_derive 0 (1 : R) (F \o X) (inner G X').

(* Its entries are the partial derivatives, *)
Lemma gradient_partial m p (F : 'M[R]_(m, p) -> R) G : is_gradient F G ->
  forall a b, is_derive 0 (1 : R) (fun u => F (u *: delta_mx a b)) (G a b).
Proof. by move=> FG a b; rewrite -inner_unit; apply: FG; [rewrite scale0r | exact: dmx_line]. Qed.

(* so that there is only one. *)
Lemma gradient_unique m p (F : 'M[R]_(m, p) -> R) G1 G2 :
  is_gradient F G1 -> is_gradient F G2 -> G1 = G2.
Proof.
move=> FG1 FG2; apply/matrixP => a b.
have d1 := @derive_val _ _ _ _ _ _ _ (gradient_partial FG1 a b).
by rewrite -d1; exact: (@derive_val _ _ _ _ _ _ _ (gradient_partial FG2 a b)).
Qed.
End RealCalculus.
