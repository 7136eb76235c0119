"""One network as large as it may be: the manual side's one pass against JAX's gradients, entry by entry.

Its weights are small by rows (`oracle.probes`), so that what rounding can do in it is known at any size: the bound on
each entry (`oracle.bounds`) is derived from sums along all paths, and takes the memory of a few copies of z.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..instances import Description, DescriptionError
from ..manual import Batch, forward_batch, one_pass_batch
from ..oracle.answers import Answer, Grads
from ..oracle.comparison import outside, pairs
from ..oracle.conventions import Conventions
from ..oracle.probes import draw, sized
from ..oracle.truth import batch_of, decided, truth_of


@dataclass(frozen=True)
class Large:
    """What one network says.

    Attributes
    ----------
    description : of the network
    comparisons : how many numbers were compared
    outside : names of gradients that lie outside their bounds, of J too
    decided : whether every number has a finite bound
    share : the largest error in units of its bound
    relative : the largest bound of each gradient in units of its largest entry, the largest of all
    """

    description: str
    comparisons: int
    outside: tuple[str, ...]
    decided: bool
    share: float
    relative: float

    def __str__(self) -> str:
        verdict = "undecided" if not self.decided else "outside" if self.outside else "within"
        which = {"outside": f": {', '.join(self.outside)}"}.get(verdict, "")
        return (
            f"{self.description}\n{self.comparisons:,} numbers, J and its gradients, against JAX: {verdict} their "
            f"bounds{which}\nlargest error / bound: {self.share:.3g}; largest bound, relative to its gradient: "
            f"{self.relative:.3g}"
        )


def by_one_pass(net: Batch) -> tuple[float, Grads]:
    """J and its gradients, by the manual side."""
    run = forward_batch(net)
    found = one_pass_batch(net, run)
    layers = [{"W": found.W[l], "b": found.b[l]} | ({"H": found.H[l]} if l in found.H else {}) for l in sorted(net.W)]
    return float(run.loss), layers


def check_large(text: str, gradient: Callable[[Batch], tuple[float, Grads]] = by_one_pass) -> Large:
    """Check one network.

    Parameters
    ----------
    text
        n, T, d and seed as `instances.Description` reads them; f is tanh.
    gradient
        The implementation under test.

    Raises
    ------
    DescriptionError
        If the text describes no network, or one that is not of this kind.
    """
    description = Description.parse(text)
    if description != Description(description.n, description.T, description.d, seed=description.seed):
        raise DescriptionError(f"expected n, T, d and seed alone, since all else is fixed here, but got {text!r}")
    probe, conventions = draw(sized(description.d, description.T, 1), description.seed), Conventions()
    answer = Answer(*gradient(batch_of(probe, conventions)))
    truth = truth_of(probe, conventions, source="jax")
    comparisons, share, relative = 0, 0.0, 0.0
    for _, yours, right, bound in pairs(answer, truth):
        comparisons += right.size
        with np.errstate(all="ignore"):
            share = max(share, float(np.where(yours == right, 0, abs(yours - right) / bound).max()))
            relative = max(relative, float(bound.max() / abs(right).max()))
    return Large(str(probe), comparisons, tuple(sorted(outside(answer, truth))), decided(truth), share, relative)


def peak_memory() -> int:
    """The most bytes that this process had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
