"""Random networks: the dimensions first, so that they shrink to n = 1, T = 1 and width 1, then a seed for the values.

Everything that a draw determines is in its `Description`, whose text a failure prints.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import cycle
from typing import Any

import numpy as np
from hypothesis import event, given, seed, settings
from hypothesis import strategies as st

from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.errors import UndecidedError
from bptt_oracle.arithmetic.formats import Format
from bptt_oracle.arithmetic.rounded import to_rounded
from bptt_oracle.floating import BITS
from bptt_oracle.instances import NAMED, STATES, TARGETS, Description
from bptt_oracle.instances import draw as instance_of
from bptt_oracle.manual import forward_pass

SCALES = ("ordinary", "tiny", "saturated")
SMOOTH = tuple(name for name in NAMED if name != "relu")
KINKED = ("relu", "logistic", "softplus")
"""Activations that compare their argument with 0, on the one side or on the other."""

PADDED, PAIR = 64, 2
"""The one size of batches that the tests compile, since XLA takes long: for gradients, and for all quantities."""

SEED = 2016
SHARE = 16
"""Of a profile's examples, a property of whole networks gets one in so many."""


@dataclass(frozen=True)
class Room:
    """How large a network may be.

    Attributes
    ----------
    steps : the largest n T^2, which is what JAX takes time to trace
    products : the largest n T^2 d^5, d a hidden width, which is what the third lines of (16) and (20) multiply
    """

    steps: int
    products: int

    def times(self, n: int) -> int:
        """The largest T, of 1..12."""
        return max(T for T in range(1, 13) if T == 1 or n * T * T <= self.steps)

    def width(self, n: int, T: int) -> int:
        """The largest width, of 1..10."""
        return max(d for d in range(1, 11) if d == 1 or n * T * T * d**5 <= self.products)


ROOM = {"default": Room(steps=320, products=300_000), "thorough": Room(steps=6 * 12**2, products=5_000_000)}


def room() -> Room:
    """The room in the profile that runs. Every n, T and width fits by itself; only the thorough one has all three."""
    return ROOM["default" if settings().derandomize else "thorough"]


@st.composite
def descriptions(
    draw: st.DrawFn,
    *,
    depths: tuple[int, int] = (1, 6),
    times: tuple[int, int] = (1, 12),
    widths: tuple[int, int] = (1, 10),
    activations: tuple[str, ...] = NAMED,
    scales: tuple[str, ...] = SCALES,
    targets: tuple[str, ...] = TARGETS,
) -> Description:
    """Networks: depth, length, widths, then activation, scale, initial states, targets, and the seed of the values.

    Parameters
    ----------
    depths, times, widths
        The least and the greatest n, T and width, as far as there is `room`.
    activations, scales, targets
        To choose from; the first is the simplest.
    """
    n = draw(st.integers(*depths), label="n")
    T = draw(st.integers(times[0], max(times[0], min(times[1], room().times(n)))), label="T")
    most = max(widths[0], min(widths[1], room().width(n, T)))
    d = tuple(draw(st.integers(widths[0], most), label=f"d_{l}") for l in range(n + 1))
    return Description(
        n=n,
        T=T,
        d=d,
        f=draw(st.sampled_from(activations), label="f"),
        scale=draw(st.sampled_from(scales), label="scale"),
        h0=draw(st.sampled_from(STATES), label="h0"),
        y=draw(st.sampled_from(targets), label="y"),
        seed=draw(st.integers(0, 2**32 - 1), label="seed"),
    )


WELL_CONDITIONED = descriptions(
    depths=(1, 4), times=(1, 5), widths=(2, 3), activations=SMOOTH, scales=("tiny", "ordinary")
)
"""Small networks, in which rounding errors grow little, with two classes at least."""


REGULAR = [
    Description(3, 4, (2, 3, 2, 3), f=f, scale=scale, h0=h0, seed=SEED)
    for f, scale, h0 in zip(NAMED, cycle(("ordinary", "tiny")), cycle(("random", "random", "zero")), strict=False)
]
"""A network for each activation, in which every line of every equation has something to say."""


@dataclass
class Drawn:
    """What a property met, over all of its examples.

    Attributes
    ----------
    examples : how many networks it was asked of
    informative : how many of them gave it something to say that was not 0 = 0
    rejected : why others were left out, and how often
    """

    examples: int = 0
    informative: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def add(self, answer: bool | str) -> str:
        """Count an answer, and say how it was counted."""
        if isinstance(answer, str):
            self.rejected[answer] = self.rejected.get(answer, 0) + 1
            return f"rejected: {answer}"
        self.examples += 1
        self.informative += answer
        return "something to say" if answer else "degenerate: nothing asked, or 0 = 0"


Property = Callable[[Description], bool | str]
"""Raises if it fails; else says whether it had anything to say, or, as text, why it could not be asked."""


def for_random_networks(
    holds: Property, networks: st.SearchStrategy[Description] | None = None, share: int = SHARE
) -> Drawn:
    """Ask a property of random networks, and if it holds for them, of the `REGULAR` ones.

    In the default profile these are the same networks for every property, whose traces they then share.

    Parameters
    ----------
    holds
        The property.
    networks
        What to draw from; `descriptions()` if left out.
    share
        Which part of the profile's examples to draw: 1 / share.

    Returns
    -------
    What it met. An example that is left out, or in which everything is zero, is an event in Hypothesis's statistics
    and counted here: a property that nothing was asked of is not shown.
    """
    drawn = Drawn()

    @settings(max_examples=settings().max_examples // share)
    @given(descriptions() if networks is None else networks)
    def ask(description: Description) -> None:
        event(drawn.add(holds(description)))

    if settings().derandomize:
        ask = seed(SEED)(ask)
    ask()
    for description in REGULAR if networks is None else []:
        drawn.add(holds(description))
    return drawn


@lru_cache(maxsize=512)
def far_from_kinks(description: Description, format: Format) -> bool:
    """Whether rounding in `format` leaves every z of a hidden layer on its side of 0.

    At the kink of ReLU there is no derivative to compare, and next to it two correct programs may be on different
    sides. For other activations it makes no difference which side's formula is taken, but no bound can be worked out.
    """
    if description.f not in KINKED:
        return True
    instance = instance_of(description)
    with balls.precision(BITS):
        try:
            network = instance.network().over(lambda a: to_rounded(a, format), instance.functions())
            run = forward_pass(network)
            for (l, _), z in run.z.items():
                if l < network.n:
                    np.vectorize(lambda u: u > 0, otypes=[bool])(z)
        except UndecidedError:
            return False
    return True


def some_nonzero(entries: Iterable[Any]) -> bool:
    """Whether an entry is certainly not 0, in any arithmetic: what is all zero shows nothing."""
    return any(bool(entry != 0) for entry in entries)
