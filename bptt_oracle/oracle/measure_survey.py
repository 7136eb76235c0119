"""The backward pass of f on one network, from the output layer down: what is right, measured, or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .measure_factors import Factor, factored, multiple, search_factors
from .measure_laws import RIGHT, Law, fed_in, followed, holds
from .measure_losses import Losses, search_losses, taken_in
from .measure_network import Network
from .measure_numbers import Known, meets
from .measure_search import search, search_error
from .measure_sums import NOTHING, Sum, coefficients_of, gathered, likely, readings

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


def survey(net: Network, known: list[Finding]) -> Survey:
    """Go through one network; findings that are new are added to those that are known from others."""
    made = Survey(net)
    for l in range(net.n, 0, -1):
        _deltas(made, l, known)
        for name in net.names(l) if l in made.chosen else []:
            _sum(made, l, name, known)
    return made


# ------------------------------------------------------------------------------------------------------- deltas


def predicted(made: Survey, l: int) -> Known | None:
    """The deltas of a layer as they follow, by the right law, from those of the layer above."""
    net = made.net
    if l == net.n:
        return Known.exactly(net.output_error)
    return followed(RIGHT, net, l, made.chosen[l + 1]) if l + 1 in made.chosen else None


def _deltas(made: Survey, l: int, known: list[Finding]) -> None:
    """Which deltas f has in a layer, and whether they are right, given those of the layer above."""
    net, right = made.net, predicted(made, l)
    if right is None:
        _locate(made, l)
        return
    own = net.own_deltas(l)
    sure = bool(own) and net.confirmed(own[0], l) > 1
    tried = own if sure or l < net.n else [*own, *net.completed_deltas(l)]
    follows = [delta for delta in own if l < net.n and holds(RIGHT, net, l, delta, made.chosen[l + 1])]
    support = _support(net, l, right), net.confirmed(right, l)
    rival = max((_support(net, l, delta) for delta in own), default=0), 0
    if support > rival or _multiplied(net, l, right):
        _take(made, l, right)
    elif follows:
        _take(made, l, follows[0])
    elif law := next(filter(None, (_known_law(made, l, delta, known) for delta in tried)), None):
        made.chosen[l], made.findings[l, DELTA] = law
    else:
        _unconfirmed(made, l, right, tried, known)


def _unconfirmed(made: Survey, l: int, right: Known, tried: list[Known], known: list[Finding]) -> None:
    """Decide between a new law of the deltas and right deltas that are summed wrongly, by what the layer below says.

    Where it says nothing, the sums: they are what they are, whatever the deltas.
    """
    laws: list[tuple[Known, Finding]] = []
    for delta in tried:
        found = _new_law(made, l, delta)
        if found is not None:
            laws.append(found)
            if found[1].whole:
                break
    law = max(laws, key=lambda each: each[1].whole, default=None)
    sums = _sums(made, l, right, known)
    of_sums = sums is not None and not all(isinstance(r, Sum) and r.alike for r in sums)
    if law is not None and of_sums:
        seen = l == 1 and all(any(reading in finding.readings for finding in known) for reading in sums or [])
        of_sums = seen if l == 1 else not _explains_below(made, l, *law, known)
    if law is not None and not of_sums:
        made.chosen[l], made.findings[l, DELTA] = law
        known.append(law[1])
    elif sums is not None or _support(made.net, l, right):
        _take(made, l, right)
    else:
        _locate(made, l)


def _explains_below(made: Survey, l: int, delta: Known, law: Finding, known: list[Finding]) -> bool:
    """Whether the layer below follows from deltas: by the right law, by the same, by one that is known, or by any."""
    net = made.net
    if net.confirmed(followed(RIGHT, net, l - 1, delta), l - 1):
        return True
    below, own = Survey(net, {**made.chosen, l: delta}), net.own_deltas(l - 1)
    if any(_known_law(below, l - 1, each, [law, *known], keep=True) for each in own):
        return True
    return any(found[1].whole for each in own if (found := _new_law(below, l - 1, each)))


def _take(made: Survey, l: int, delta: Known) -> None:
    made.chosen[l] = delta
    made.right.add((l, DELTA))


def _support(net: Network, l: int, delta: Known) -> int:
    """How many gradients deltas explain: those of their layer, and by the right law those of the layer below."""
    below = net.confirmed(followed(RIGHT, net, l - 1, delta), l - 1) if l > 1 else 0
    return net.confirmed(delta, l) + below


def _multiplied(net: Network, l: int, right: Known) -> bool:
    """Whether the gradients of H and W add up the same multiple of right deltas, by a slope that varies."""
    if l == net.n:
        return False
    H, W = (multiple(net, l, name, right) for name in ("H", "W"))
    return bool(H) and H == W and {s for s, _ in H or ()} != {"1"}


def _sums(made: Survey, l: int, delta: Known, known: list[Finding]) -> list[Reading] | None:
    """How all gradients of a layer that are not right are sums of the right products; None if one is not."""
    found: list[Reading] = []
    for name in made.net.names(l):
        if not made.net.explains(delta, l, name):
            seen = _known_sum(made, l, name, delta, known)
            ways = seen[1] if seen else _new_sum(made, l, name, delta, factors=False)
            if not ways:
                return None
            found.append(ways[0])
    return found


def _known_law(
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


def _new_law(made: Survey, l: int, delta: Known) -> tuple[Known, Finding] | None:
    net = made.net
    found: Sequence[Reading]
    if l == net.n:
        found = search_error(net, delta)
    else:
        found = search(net, l, delta, made.chosen[l + 1])
        if not found and net.n in made.chosen:
            found = search_losses(net, l, delta, made.chosen[net.n])
    return (delta, Finding(DELTA, l == net.n, list(found))) if found else None


def _locate(made: Survey, l: int) -> None:
    """Take the deltas on which gradients of a layer agree, though it is not known how they come about."""
    net = made.net
    made.located.append((l, DELTA))
    own = net.own_deltas(l)
    if own and net.confirmed(own[0], l) > 1:
        made.chosen[l] = own[0]


# --------------------------------------------------------------------------------------------------------- sums


def _sum(made: Survey, l: int, name: str, known: list[Finding]) -> None:
    """Whether a gradient is the right sum of f's own deltas, and if not, what it is."""
    net, delta = made.net, made.chosen[l]
    if net.explains(delta, l, name):
        made.right.add((l, name))
    elif found := _known_sum(made, l, name, delta, known):
        finding, kept = found
        finding.readings = kept
        made.findings[l, name] = finding
    elif ways := _new_sum(made, l, name, delta, factors=True):
        made.findings[l, name] = Finding(name, l == net.n, ways)
        known.append(made.findings[l, name])
    else:
        made.located.append((l, name))


def _known_sum(
    made: Survey, l: int, name: str, delta: Known, known: list[Finding]
) -> tuple[Finding, list[Reading]] | None:
    """Something known that explains a gradient, and how it may still be read."""
    for finding in known:
        if finding.subject == name and finding.output == (l == made.net.n):
            kept = [reading for reading in finding.readings if sum_holds(reading, made, l, name, delta)]
            if kept:
                return finding, kept
    return None


def _new_sum(made: Survey, l: int, name: str, delta: Known, *, factors: bool) -> list[Reading]:
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


def sum_holds(reading: Reading, made: Survey, l: int, name: str, delta: Known) -> bool:
    """Whether a gradient is what a reading makes of deltas."""
    net = made.net
    if isinstance(reading, Sum):
        return net.agrees(gathered(reading, net, l, name, delta), l, name)
    if isinstance(reading, Factor):
        found = factored(reading, net, l, name, delta, made.chosen.get(l + 1))
        return found is not None and net.agrees(found, l, name)
    return False
