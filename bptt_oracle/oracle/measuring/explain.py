"""What explains the deltas of a layer, or a gradient, on one network: something known from others, or something new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .factors import Factor, factored, search_factors
from .laws import Law, fed_in, holds
from .losses import Losses, search_losses, taken_in
from .network import Network
from .numbers import Known, meets
from .search import search, search_error
from .sums import NOTHING, Sum, coefficients_of, gathered, likely, readings

Reading = Law | Losses | Sum | Factor
DELTA = "delta"


@dataclass
class Finding:
    """Something that f does, in all the ways in which it can be read for other networks.

    Attributes
    ----------
    subject : "delta", or the gradient that is summed: "H", "W", "b", "b_hh"
    output : whether it is about the output layer
    readings : all the same on the networks where it was met
    """

    subject: str
    output: bool
    readings: list[Reading]

    @property
    def whole(self) -> bool:
        """Whether it says what happens at every step."""
        return not any(isinstance(reading, Law) and not reading.elsewhere for reading in self.readings)


@dataclass
class Survey:
    """What was found out on one network.

    Attributes
    ----------
    net : the network
    chosen : by layer, the deltas that f is taken to have
    right : what is right, given what f has around it: (l, subject)
    findings : what is not right but was measured, by (l, subject)
    located : what else is not right
    """

    net: Network
    chosen: dict[int, Known] = field(default_factory=dict)
    right: set[tuple[int, str]] = field(default_factory=set)
    findings: dict[tuple[int, str], Finding] = field(default_factory=dict)
    located: list[tuple[int, str]] = field(default_factory=list)


# ------------------------------------------------------------------------------------------------------- deltas


def known_law(
    made: Survey, l: int, delta: Known, known: list[Finding], *, keep: bool = False
) -> tuple[Known, Finding] | None:
    """The known law that deltas follow; its readings that they do not follow are dropped, unless `keep`."""
    for finding in known:
        if finding.subject == DELTA and finding.output == (l == made.net.n):
            kept = [reading for reading in finding.readings if law_holds(reading, made, l, delta)]
            if kept:
                finding.readings = finding.readings if keep else kept
                return delta, finding
    return None


def law_holds(reading: Reading, made: Survey, l: int, delta: Known) -> bool:
    """Whether deltas of a layer follow a law, given what f has around them."""
    net = made.net
    if isinstance(reading, Losses):
        return net.n in made.chosen and _same(taken_in(reading, net, l, made.chosen[net.n]), delta)
    if not isinstance(reading, Law):
        return False
    if l == net.n:
        return _same(fed_in(reading, net), delta)
    return l + 1 in made.chosen and holds(reading, net, l, delta, made.chosen[l + 1])


def _same(made: Known, delta: Known) -> bool:
    """Whether deltas are those measured, at all steps."""
    return meets(delta.value - made.value, delta.error + made.error, delta.value)


def new_law(made: Survey, l: int, delta: Known) -> tuple[Known, Finding] | None:
    """The law that measured deltas follow, if there is one to be found, and the deltas."""
    net = made.net
    found: Sequence[Reading]
    if l == net.n:
        found = search_error(net, delta)
    else:
        found = search(net, l, delta, made.chosen[l + 1])
        if not found and net.n in made.chosen:
            found = search_losses(net, l, delta, made.chosen[net.n])
    return (delta, Finding(DELTA, l == net.n, list(found))) if found else None


# --------------------------------------------------------------------------------------------------------- sums


def known_sum(
    made: Survey, l: int, name: str, delta: Known, known: list[Finding]
) -> tuple[Finding, list[Reading]] | None:
    """Something known that explains a gradient, and how it may still be read."""
    for finding in known:
        if finding.subject == name and finding.output == (l == made.net.n):
            kept = [reading for reading in finding.readings if sum_holds(reading, made, l, name, delta)]
            if kept:
                return finding, kept
    return None


def new_sum(made: Survey, l: int, name: str, delta: Known, *, factors: bool) -> list[Reading]:
    """How a gradient is made from deltas, if not by the right sum; with other `factors`, or by other coefficients."""
    net = made.net
    found: list[Reading] = []
    if not net.gradient(l, name).value.any():
        found = [NOTHING]
    elif table := coefficients_of(net, l, name, delta):
        found = list(readings(table, net.T, name))
    elif factors:
        found = list(search_factors(net, l, name, delta, made.chosen.get(l + 1)))
    return [reading for reading in found or likely(net.T, name) if sum_holds(reading, made, l, name, delta)]


def sums_of(made: Survey, l: int, delta: Known, known: list[Finding]) -> list[Reading] | None:
    """How all gradients of a layer that are not right are sums of the right products; None if one is not."""
    found: list[Reading] = []
    for name in made.net.names(l):
        if not made.net.explains(delta, l, name):
            seen = known_sum(made, l, name, delta, known)
            ways = seen[1] if seen else new_sum(made, l, name, delta, factors=False)
            if not ways:
                return None
            found.append(ways[0])
    return found


def sum_holds(reading: Reading, made: Survey, l: int, name: str, delta: Known) -> bool:
    """Whether a gradient is what a reading makes of deltas."""
    net = made.net
    if isinstance(reading, Sum):
        return net.agrees(gathered(reading, net, l, name, delta), l, name)
    if isinstance(reading, Factor):
        found = factored(reading, net, l, name, delta, made.chosen.get(l + 1))
        return found is not None and net.agrees(found, l, name)
    return False
