"""The backward pass of f on one network, from the output layer down: what is right, measured, or unknown."""

from __future__ import annotations

from dataclasses import replace

from .explain import (
    DELTA,
    Finding,
    Survey,
    known_law,
    known_sum,
    new_law,
    new_sum,
    sums_of,
)
from .factors import multiple
from .laws import RIGHT, Law, fed_in, followed, holds
from .network import Network
from .numbers import Known
from .steps import EVERY
from .sums import Sum


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
    tried = own if sure else [*own, *net.shifted_deltas(l)]
    follows = [delta for delta in own if l < net.n and holds(RIGHT, net, l, delta, made.chosen[l + 1])]
    support = _support(net, l, right), net.confirmed(right, l)
    rival = max((_support(net, l, delta) for delta in own), default=0), 0
    if support > rival or _multiplied(net, l, right):
        _take(made, l, right)
    elif follows:
        _take(made, l, follows[0])
    elif law := _known_law_of(made, l, tried, known):
        made.chosen[l], made.findings[l, DELTA] = law
    elif _only_known_sums(made, l, right, known):
        _take(made, l, right)
    else:
        _unconfirmed(made, l, right, tried, known)


def _unconfirmed(made: Survey, l: int, right: Known, tried: list[Known], known: list[Finding]) -> None:
    """Decide between a new law of the deltas and right deltas that are summed wrongly, by what the layer below says.

    Where it says nothing, the sums: they are what they are, whatever the deltas.
    """
    laws = [_extended(made, l, *law, known) for delta in tried if (law := new_law(made, l, delta))]
    law = max(laws, key=lambda each: (each[1].whole, _support(made.net, l, each[0])), default=None)
    sums = sums_of(made, l, right, known)
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


def _extended(made: Survey, l: int, delta: Known, law: Finding, known: list[Finding]) -> tuple[Known, Finding]:
    """A law that holds on some steps, taken to hold on all, if the gradients then lack the other steps alone."""
    whole = [replace(r, steps=EVERY, elsewhere=True) for r in law.readings if isinstance(r, Law) and not r.elsewhere]
    if law.whole or not whole:
        return delta, law
    net = made.net
    given = fed_in(whole[0], net) if l == net.n else followed(whole[0], net, l, made.chosen[l + 1])
    if sums_of(made, l, given, known) is None:
        return delta, law
    return given, Finding(DELTA, law.output, list(dict.fromkeys(whole)))


def _explains_below(made: Survey, l: int, delta: Known, law: Finding, known: list[Finding]) -> bool:
    """Whether the layer below follows from deltas: by the right law, by the same, by one that is known, or by any."""
    net = made.net
    if net.confirmed(followed(RIGHT, net, l - 1, delta), l - 1):
        return True
    below, own = Survey(net, {**made.chosen, l: delta}), net.own_deltas(l - 1)
    if any(known_law(below, l - 1, each, [law, *known], keep=True) for each in own):
        return True
    return any(found[1].whole for each in own if (found := new_law(below, l - 1, each)))


def _known_law_of(made: Survey, l: int, tried: list[Known], known: list[Finding]) -> tuple[Known, Finding] | None:
    """A known law that measured deltas follow, or of whose deltas the gradients are sums in known wrong ways."""
    net = made.net
    for delta in tried:
        if found := known_law(made, l, delta, known):
            return found
    for finding in known:
        if finding.subject == DELTA and finding.output == (l == net.n) and isinstance(law := finding.readings[0], Law):
            given = fed_in(law, net) if l == net.n else followed(law, net, l, made.chosen[l + 1])
            if _only_known_sums(made, l, given, known):
                return given, finding
    return None


def _only_known_sums(made: Survey, l: int, delta: Known, known: list[Finding]) -> bool:
    """Whether all gradients of a layer are sums of deltas in ways that are right or known, the wrong ones not alike."""
    sums = sums_of(made, l, delta, known)
    seen = [reading for finding in known for reading in finding.readings]
    if sums is None or all(isinstance(r, Sum) and r.alike for r in sums):
        return sums == []
    return all(reading in seen for reading in sums)


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
    elif found := known_sum(made, l, name, delta, known):
        finding, kept = found
        finding.readings = kept
        made.findings[l, name] = finding
    elif ways := new_sum(made, l, name, delta, factors=True):
        made.findings[l, name] = Finding(name, l == net.n, ways)
        known.append(made.findings[l, name])
    else:
        made.located.append((l, name))
