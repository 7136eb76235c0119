"""How far a right program's loss and gradients may be from the truth, entry by entry.

A *right program* computes in a format of unit roundoff u the gradient of the given J, and may

* take every sum in any order, with or without fused multiply-add; add over steps, sequences and losses J^(i) one by
  one, T (T + 1) / 2 terms delta^(l)(t)(i) h^T a sequence, or in one pass over gamma, or over any groups of the losses;
* multiply by the weights 1 / T and 1 / B, rounded themselves, anywhere between y^ - y and the end;
* compute f and f' in any of the forms that `smoothness` lists; softmax with or without a shift, or as the exponential
  of log softmax; the loss as -log y^ or as log sum exp; as long as nothing overflows;
* round each elementary result a second time, when it is stored (`ROUNDINGS`). So k operations in a row have a relative
  error of at most gamma_k = 2 k u / (1 - 2 k u), and a sum of k products, in any order, errs by at most gamma_k times
  the sum of their sizes (Higham, Accuracy and Stability of Numerical Algorithms, chapters 3 and 4);
* lose, where numbers underflow, the format's eta in each operation;
* split b into b_ih + b_hh, where there are two, of the same sign.

The truth is such a program's result with u = 2^-53, and is off by at most 2^-53 / u times as much: each bound below is
a convex function of u that is 0 where u is, and eta shrinks faster than u.

The analysis is a running one. It has the truth's own z, h and f', called *seen* below, and bounds errors, computed
minus true, for program and truth alike; so any two of true, seen and computed are within the sum of two errors. Sizes
|.| and inequalities are meant entry by entry. All layers are stacked (`stacking`): z(t) = H h(t-1) + W h(t) + what is
given.

Forward
    If z errs by e, h errs by f'(seen z) e + r + v, with v the error of computing f, and

        |r| <= |e| (2 |e| (|f''(seen z)| + 2 |e| max |f'''|) + error of f'),

    since true and computed z are within 2 |e| of the seen one. Rounding, z(t) errs by rho, gamma_k times the sizes that
    are added. These errors travel as changes of h do, by R, the derivative of every z in every h, other things being
    equal (`Stack.derivatives`):

        |e| <= rho + |R| (v + r + |f'| rho).

    |R| is the size of products of Jacobians, not the product of their sizes: it grows only where the network does.
Softmax
    Logits that err by e multiply y^_j by exp(e_j) / sum_k y^_k exp(e_k). So y^_j errs, relative to itself, by at most

        sum over k != j of y^_k (x_j + x_k) exp(max |e|),    x = exp(|e|) - 1,

    and by what the exponentials, their arguments, the sum and the quotient err.
Backward
    What arrives at h(t) is a(t) = H^T delta(t+1) + W^T delta(t), and delta = f' a. The sum over i of |a|, each a of one
    loss J^(i), is at least what arrives for any groups of losses. If a errs by E and f' by psi, which is |f''| e and
    the error of computing f', then delta errs by |f'| E + lambda,

        lambda = psi E + (psi + gamma_1 (|f'| + 2 psi)) (|a| + 3 E),    E <= rho + |R|^T (lambda + |f'| rho),

    where rho is the rounding of a, and lambda of the output layer the error of y^ - y.
Gradients
    A sum of delta h^T errs by the sum of |error of delta| |h| + |delta| |error of h|, and by gamma_k times that of the
    sizes.

The errors stand on both sides, on the right multiplied by small numbers. By time and layer, each depends on earlier
ones alone. So if F, the right-hand side, has F(E') <= E' for some E', then, by induction, the errors are at most E',
and hence at most F(E'). Tried is E' = 2 F(0). Where that fails, or a z lies within its error of a relu's kink, nothing
is proved, and every bound is infinite.

R holds all times against all times, which a large network is too large for. If its H are small by rows, less than the
gradients need is enough: |R| is at most the sum, over all paths, of the products of the sizes (`Paths`). One sequence
stands for all, with the largest |h|, |f'|, |f''| and errors of any, and the sum of all |delta|; where no more than a
rounding depends on them, one step stands for all, too. Each law above grows with all of these, and is linear in delta
and its errors.

The bounds are sums of products of numbers that are not negative; no path in them has as many as 2^20 roundings, for
which `SLACK` makes up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, log
from typing import Any

import numpy as np

from ..arithmetic.errors import UndecidedError
from ..arithmetic.formats import FLOAT64, FORMATS
from ..manual import Batch, BatchForward
from .smoothness import Smoothness
from .stacking import Array, Paths, Reach, Stack, earlier, later

ROUNDINGS = 2
"""How often a result may be rounded: when it is computed, and once more when it is stored."""

LIBRARY = 16
"""How many u of its result a library's exp or log may be off: 8 ulps."""

SLACK = 1 + 2.0**-32


@dataclass(frozen=True)
class Bounds:
    """Bounds on the loss and on its gradients, by layer."""

    loss: float
    H: Mapping[int, Array]
    W: Mapping[int, Array]
    b: Mapping[int, Array]


def bounds_of(
    net: Batch, run: BatchForward, smooth: Smoothness, precision: str, *, is_small_by_rows: bool = False
) -> Bounds:
    """How far a right program may be from the truth; everywhere infinite where nothing is proved.

    Parameters
    ----------
    net
        The network, its numbers exact in the format.
    run
        Its forward propagation in float64.
    smooth
        What is known of its activation.
    precision
        The format of the program: "float64" or "float32".
    is_small_by_rows
        Whether the sizes in each row of each H add up to about 1 at most, so that `Paths` is as good as `Reach`.
    """
    with np.errstate(all="ignore"):  # what overflows is infinite or undefined, and proves nothing
        try:
            return _Analysis(net, run, smooth, precision, is_whole=not is_small_by_rows).bounds()
        except UndecidedError:
            H, W, b = ({l: np.full(a.shape, inf) for l, a in layers.items()} for layers in (net.H, net.W, net.b))
            return Bounds(inf, H, W, b)


class _Analysis:
    """The running error analysis of one network with all its sequences."""

    def __init__(self, net: Batch, run: BatchForward, smooth: Smoothness, precision: str, *, is_whole: bool) -> None:
        self.net, self.run, self.smooth, self.is_whole = net, run, smooth, is_whole
        self.stack = stack = Stack(net)
        format = FORMATS[precision]
        self.u, self.eta = format.u, format.eta
        n, d, hidden = net.n, stack.d, stack.hidden
        layers = range(1, n)
        self.stands_for = 1 if is_whole else net.shares.size  # how many sequences each that is looked at stands for
        z = stack.rows({l: run.z[l] for l in layers}, hidden)
        h = stack.rows({l: run.h[l][1:] for l in layers}, hidden)
        slope = net.functions.f.derivative(z)
        curvature = smooth.curvature(z, h, slope)
        self.least_z = abs(z) if is_whole else abs(z).min(axis=0, keepdims=True)
        self.h, self.slope = self._largest(h), self._largest(slope)
        self.h_before = self._largest(stack.rows({l: run.h[l][:-1] for l in layers}, hidden))
        self.x = self._largest(net.x.swapaxes(0, 1))
        self.curvature = self._largest(curvature) + 512 * FLOAT64.u  # and what computing it lost
        self.H, self.W = abs(stack.H), abs(stack.W)
        self.given = abs(stack.row(net.b)) + np.zeros((*self.x.shape[:2], stack.D))
        self.given[:, :, stack.at[1]] += self.x @ abs(net.W[1]).T
        self.terms = stack.row({l: d[l - 1] + 2 + (d[l] if l < n else 0) for l in net.W})
        self.terms_back = stack.row({l: d[l] + d[l + 1] for l in layers})[:hidden]
        self.weights = net.shares[:, None, None] * net.weights[:, None]
        self.y, self.y_hat = net.y.swapaxes(0, 1), run.y_hat.swapaxes(0, 1)
        source = (self.y_hat - self.y) * self.weights
        self.source = self._summed(abs(source))
        self.reach = Reach(stack, slope, source) if is_whole else Paths(stack, self.slope, self.source)

    def _largest(self, array: Array) -> Array:
        """The sizes of an array (B, T, D), or the largest of all sequences."""
        return abs(array) if self.is_whole else abs(array).max(axis=0, keepdims=True)

    def _of_steps(self, sizes: Array) -> Array:
        """Sizes (B, T, D), or the largest of all steps."""
        return sizes if self.is_whole else sizes.max(axis=1, keepdims=True)

    def _summed(self, sizes: Array) -> Array:
        """Sizes (B, T, D), or their sum over all sequences."""
        return sizes if self.is_whole else sizes.sum(axis=0, keepdims=True)

    def gamma(self, operations: Any) -> Any:
        """The relative error of so many operations in a row."""
        share = ROUNDINGS * operations * self.u
        return share / (1 - share)

    def bounds(self) -> Bounds:
        """All of it."""
        hidden = self.stack.hidden
        error = _settled(self._z_error, self.given)
        e, top = error[:, :, :hidden], error[:, :, hidden:]
        if self.smooth.kinked and (self.least_z <= 2 * e).any():
            raise UndecidedError("a z lies within its error of the kink")
        top_error, loss = self._output_errors(top)
        psi = e * (self.curvature + 2 * self.smooth.third * e) + self._slope_error(e)
        arriving_error = _settled(lambda error: self._arriving_error(error, psi, top_error), self.slope)
        _, delta_error, delta = self._delta(arriving_error, psi, top_error)
        return self._gradients(self._h_error(e)[1], delta_error, delta, loss)

    def _slope_error(self, e: Array) -> Array:
        """How far a program's f' is from f' at the argument that it has."""
        a, c, e_h = self.smooth.slope
        error: Array = self.u * (a + c * (self.slope + 2 * e) + e_h * (self.h + 2 * e))
        return error

    def _h_error(self, e: Array) -> tuple[Array, Array]:
        """Both v + r and the errors of h, if those of the hidden z are at most e; (B, T, hidden)."""
        a, c = self.smooth.value
        drift = e * (2 * e * (self.curvature + 2 * self.smooth.third * e) + self._slope_error(e))
        moved = self.slope * e + drift
        value = self.u * (a + c * (self.h + 2 * moved)) / (1 - c * self.u) + self.eta
        return value + drift, value + moved

    def _z_error(self, error: Array) -> Array:
        """The errors of z, (B, T, D), if they are at most `error`."""
        hidden = self.stack.hidden
        source, h_error = self._h_error(error[:, :, :hidden])
        h_before, h = (self._of_steps(a) for a in (self.h_before + 2 * earlier(h_error), self.h + 2 * h_error))
        mass = h_before @ self.H.T + h @ self.W.T + self.given
        rounding = self.gamma(self.terms) * mass + self.terms * self.eta
        errors: Array = rounding + self.reach.forward(source + self.slope * rounding[:, :, :hidden])
        return errors

    def _output_errors(self, e: Array) -> tuple[Array, float]:
        """The errors of (y^ - y) times its weight, (B, T, |V|), and of J."""
        u, y, y_hat, classes = self.u, self.y, self.y_hat, e.shape[2]
        z = self.run.z[self.net.n].swapaxes(0, 1)
        largest, size = z.max(axis=-1, keepdims=True), abs(z).max(axis=-1, keepdims=True)
        own = ROUNDINGS * u * (size + (largest - z) + log(classes))  # the arguments of exp, with a shift or log sum exp
        own = own + LIBRARY * u * (2 + log(classes)) + self.gamma(classes + 1)
        relative = np.expm1(e + e.max(axis=-1, keepdims=True) + own)
        growth = 1 / (1 - relative.max(axis=-1, keepdims=True))  # from the seen y^ to the true one; and at least exp(e)
        if not (growth >= 1).all():
            raise UndecidedError("the errors of the logits are too large")
        x, cancelled = np.expm1(e), 2 * classes * FLOAT64.u
        others = (1 - y_hat + cancelled) * x + (y_hat * x).sum(axis=-1, keepdims=True) * (1 + cancelled) - y_hat * x
        moved, own = others * growth**2, np.expm1(own)
        error = y_hat * growth * (moved + own + moved * own)
        steps = self.gamma(classes + 6)
        source = self.weights * (error + steps * (abs(y_hat - y) + error)) + (classes + 6) * self.eta

        logarithm, lost = -np.log(y_hat), relative + classes * self.eta / y_hat
        rounding = (LIBRARY * u + self.gamma(classes + 4)) * (logarithm + size + log(classes))
        each = np.where(lost < 1, -np.log1p(-lost), inf) + rounding
        each, sizes = (np.where(y != 0, abs(y) * a, 0).sum(axis=-1, keepdims=True) for a in (each, logarithm))
        sums = self.gamma(sizes.size + classes + 6)
        counted = np.where(self.weights != 0, each + sums * (sizes + each), 0)
        return self._summed(source), float((self.weights * counted).sum())

    def _delta(self, error: Array, psi: Array, top: Array) -> tuple[Array, Array, Array]:
        """The lambda of the hidden layers; the errors of delta, and its size, (B, T, D); if a errs by `error`."""
        arriving = self.reach.arriving + 3 * error
        own = psi * error + (psi + self.gamma(1) * (self.slope + 2 * psi)) * arriving + self.stands_for * self.eta
        delta_error = np.concatenate([self.slope * error + own, top], axis=2)
        return own, delta_error, np.concatenate([self.slope * arriving + 2 * own, self.source + 2 * top], axis=2)

    def _arriving_error(self, error: Array, psi: Array, top: Array) -> Array:
        """The errors of a, (B, T, hidden), if they are at most `error`."""
        own, _, delta = self._delta(error, psi, top)
        underflow = self.stands_for * self.terms_back * self.eta
        after, delta = (self._of_steps(a) for a in (later(delta), delta))
        rounding = self.gamma(self.terms_back) * (after @ self.H + delta @ self.W) + underflow
        errors: Array = rounding + self.reach.backward(np.concatenate([own + self.slope * rounding, top], axis=2))
        return errors

    def _gradients(self, h_error: Array, delta_error: Array, delta: Array, loss: float) -> Bounds:
        """The bounds of the gradients, and so of everything, for a program and the truth together."""
        net, at = self.net, self.stack.at
        B, T, D = delta.shape
        terms = self.stands_for * B * T * (T + 1) / 2
        sizes = delta.reshape(B * T, D).T
        summed = delta_error.reshape(B * T, D).T + self.gamma(terms + 5) * sizes
        both = (1 + FLOAT64.u / self.u) * SLACK

        def bound(l: int, h: Array, error: Array, of: slice) -> Array:
            h, error = ((array.reshape(B * T, -1)[:, of]) for array in (h + 2 * error, error))
            return np.asarray((summed[at[l]] @ h + sizes[at[l]] @ error + terms * self.eta) * both)

        return Bounds(
            loss=loss * both,
            H={l: bound(l, self.h_before, earlier(h_error), at[l]) for l in net.H},
            W={1: bound(1, self.x, np.zeros_like(self.x), slice(None))}
            | {l: bound(l, self.h, h_error, at[l - 1]) for l in range(2, net.n + 1)},
            b={l: (summed[at[l]].sum(axis=1) + terms * self.eta) * both for l in net.b},
        )


def _settled(law: Callable[[Array], Array], like: Array) -> Array:
    """Errors that their own law bounds.

    Raises
    ------
    UndecidedError
        If twice the errors of first order do not bound themselves.
    """
    trial = 2 * law(np.zeros_like(like))
    bound = law(trial) * SLACK
    if not (bound <= trial).all():
        raise UndecidedError("the errors of second order are too large")
    return bound
