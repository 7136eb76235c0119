"""Of what layers of any network a thing that was measured is true, and on how many networks it was confirmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from .explain import DELTA, Finding, Reading, Survey, law_holds, sum_holds
from .factors import Factor, factored
from .laws import RIGHT, Law, fed_in, followed
from .losses import Losses, taken_in
from .network import Network
from .numbers import BITS, Known
from .sums import Sum, gathered

Place = tuple[int, int, str]
"""The index of a survey, the layer, and what it is about."""


@dataclass(frozen=True)
class Role:
    """Some layers of any network: in words, by a letter or number, and as a condition on l and n."""

    text: str
    letter: str
    of: Callable[[int, int], bool]


HIDDEN = Role("every hidden layer", "l", lambda l, n: l < n)
OUTPUT = Role("the output layer", "n", lambda l, n: l == n)
TOP = Role("the top hidden layer", "n-1", lambda l, n: l == n - 1)
LOWER = Role("the hidden layers below the top", "l", lambda l, n: l < n - 1)
_ROLES = (
    HIDDEN,
    TOP,
    Role("layer 1", "1", lambda l, n: l == 1 < n),
    LOWER,
    Role("the hidden layers above the first", "l", lambda l, n: 1 < l < n),
    Role("layer 2", "2", lambda l, n: l == 2 < n),
)


@dataclass
class Claim:
    """Something measured, and the layers of any network that it is about.

    Attributes
    ----------
    subject : "delta", or the gradient that is summed
    readings : the ways in which it can be read; all fit what was seen
    role : of which layers
    places : where it was measured
    repeated : names of the networks, with no widths to measure in, whose gradients it gives
    tried : whether there was any such network
    """

    subject: str
    readings: list[Reading]
    role: Role
    places: list[Place]
    repeated: list[str] = field(default_factory=list)
    tried: bool = False


def claims(surveys: Sequence[Survey], known: Sequence[Finding]) -> tuple[list[Claim], list[Place]]:
    """What holds on every network where it should; and the places where something else is wrong.

    What was located on one network only because too little could be solved for there is part of what holds there.
    """
    found: list[Claim] = []
    unclear: list[Place] = []
    for finding in known:
        places = [
            (i, l, subject)
            for i, made in enumerate(surveys)
            for (l, subject), seen in made.findings.items()
            if seen is finding
        ]
        claim = next(filter(None, (_claim(surveys, finding, places, role) for role in _roles(finding))), None)
        if claim is not None:
            found.append(claim)
        else:
            unclear += places
    for i, made in enumerate(surveys):
        for l, subject in made.located:
            of = [c for c in found if c.subject == subject and c.role.of(l, made.net.n) and l in made.chosen]
            (of[0].places if of else unclear).append((i, l, subject))
    return found, unclear


def _roles(finding: Finding) -> Sequence[Role]:
    return (OUTPUT,) if finding.output else _ROLES


def _claim(surveys: Sequence[Survey], finding: Finding, places: list[Place], role: Role) -> Claim | None:
    """A finding as true of a role, if it is; the readings that hold in all of its layers."""
    readings = finding.readings
    for i, made in enumerate(surveys):
        for l in range(1, made.net.n + 1):
            place = (i, l, finding.subject)
            if not role.of(l, made.net.n):
                if place in places:
                    return None
            elif l in made.chosen and finding.subject in (DELTA, *made.net.names(l)):
                readings = [reading for reading in readings if _holds(reading, made, l, finding.subject)]
    return Claim(finding.subject, readings, role, places) if readings else None


def _holds(reading: Reading, made: Survey, l: int, subject: str) -> bool:
    """Whether something measured is true of a layer; where the right deltas explain all, whether its deltas do too."""
    delta, net = made.chosen[l], made.net
    if subject == DELTA and (l, DELTA) in made.right and not (isinstance(reading, Law) and not reading.elsewhere):
        above, error = made.chosen.get(l + 1, delta), made.chosen.get(net.n, delta)
        given = _deltas(net, l, above, error, reading)
        return all(net.explains(given, l, name) for name in net.names(l) if (l, name) in made.right)
    return law_holds(reading, made, l, delta) if subject == DELTA else sum_holds(reading, made, l, subject, delta)


# ---------------------------------------------------------------------------------------- on the other networks


def confirm(found: Sequence[Claim], unclear: Sequence[tuple[str, bool]], others: Sequence[Network]) -> set[str]:
    """Try what was measured on networks in which nothing can be solved for; keep the readings that do best.

    Parameters
    ----------
    found
        What was measured.
    unclear
        What is wrong besides, and whether at the output layer: what follows from it is left out.
    others
        The networks.

    Returns
    -------
    The names of the networks whose gradients are what was measured. None are tried if a law is not known at all steps.
    """
    nets = [net for net in others if any(not net.is_right(l, name) for l, name in net.case.tensors())]
    if not found or not nets or any(isinstance(r, Law) and not r.elsewhere for c in found for r in c.readings):
        return set()
    chosen = {id(claim): claim.readings[0] for claim in found}
    for claim in found:
        scored = []
        for reading in claim.readings:
            trial = {**chosen, id(claim): reading}
            scored.append((reading, {net.name for net in nets if reproduced(net, found, trial, unclear)}))
        best = max(len(names) for _, names in scored)
        claim.readings = [reading for reading, names in scored if len(names) == best]
        chosen[id(claim)] = claim.readings[0]
    repeated = {net.name for net in nets if reproduced(net, found, chosen, unclear)}
    for claim in found:
        about = [net for net in nets if any(claim.role.of(l, net.n) for l in range(1, net.n + 1))]
        claim.tried = bool(about)
        claim.repeated = [net.name for net in about if net.name in repeated]
    return repeated


def reproduced(
    net: Network, found: Sequence[Claim], chosen: dict[int, Reading], unclear: Sequence[tuple[str, bool]]
) -> bool:
    """Whether a right backward pass but for what was measured gives f's gradients, those that are wrong among them.

    Parameters
    ----------
    net
        Any network.
    found, chosen
        What was measured, and how each is to be read, by its id.
    unclear
        As of `confirm`.
    """

    def reading(l: int, subject: str) -> Reading | None:
        return next((chosen[id(c)] for c in found if c.subject == subject and c.role.of(l, net.n)), None)

    above = error = Known.exactly(net.output_error)
    changed, bits = False, 0.0
    for l in range(net.n, 0, -1):
        if (DELTA, l == net.n) in unclear:
            break
        delta = _deltas(net, l, above, error, reading(l, DELTA))
        error = delta if l == net.n else error
        for name in net.names(l):
            if (name, l == net.n) not in unclear:
                made = _gradient(net, l, name, delta, above, reading(l, name))
                agreement = -inf if made is None else net.agreement(made, l, name)
                if agreement < 0:
                    return False
                bits += agreement
                changed = changed or not net.is_right(l, name)
        above = delta
    return changed and bits >= BITS


def _deltas(net: Network, l: int, above: Known, error: Known, law: Reading | None) -> Known:
    if l == net.n:
        return fed_in(law, net) if isinstance(law, Law) else above
    if isinstance(law, Losses):
        return taken_in(law, net, l, error)
    return followed(law if isinstance(law, Law) else RIGHT, net, l, above)


def _gradient(net: Network, l: int, name: str, delta: Known, above: Known, reading: Reading | None) -> Known | None:
    if isinstance(reading, Sum):
        return gathered(reading, net, l, name, delta)
    if isinstance(reading, Factor):
        return factored(reading, net, l, name, delta, above)
    return net.summed(delta, l, name)
