"""What f did where no known mistake explains its gradients: solved for, fitted, accounted for, or at least located.

From the answers alone. In a network whose widths are above T, a gradient of H or W is a sum over T independent states,
so that f's own deltas can be solved for; the law by which they follow from one another is then a matter of linear
algebra. A network at a time is gone through from the output layer down; what was measured on one has to hold on the
others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..answers import Case
from ..result import Mistake
from .claims import HIDDEN, LOWER, OUTPUT, TOP, Claim, Place, Role, claims, confirm
from .explain import DELTA, Finding, Reading, Survey
from .laws import Law
from .location import located, located_outside
from .losses import Losses
from .network import Network
from .steps import Steps
from .sum_words import equation_of, sum_sentence
from .sums import Sum
from .survey import survey
from .words import enumerated, error_sentence, law_sentence, losses_sentence

Tensor = tuple[str, int, str]
"""The name of a network, the layer and the name of a gradient: ("wide", 2, "H")."""

_EVERY_LAYER = Role("every layer", "l", lambda l, n: True)
_LAST = Steps("range", (0, 0))


def measure(cases: Sequence[Case], unexplained: Collection[Tensor]) -> list[Mistake]:
    """What f did to the gradients that nothing known explains.

    Parameters
    ----------
    cases
        Every network that f answered, right or wrong.
    unexplained
        The gradients to be explained, by network, layer and name. What concerns none of them is not told.

    Returns
    -------
    First what was measured: it holds to rounding, on every network where it could be tested. Then, for the gradients
    that are left, where they go wrong. Never empty if one of them is wrong.
    """
    if not unexplained:
        return []
    networks = [Network(case) for case in cases]
    known: list[Finding] = []
    surveys = [survey(net, known) for net in networks if net.is_wide]
    found, unclear = claims(surveys, known)
    besides = {(subject, l == surveys[i].net.n) for i, l, subject in unclear}
    others = [net for net in networks if not net.is_wide]
    repeated = confirm(found, sorted(besides), others)
    sure = [claim for claim in found if len({i for i, _, _ in claim.places}) > 1 or claim.repeated or not claim.tried]
    unclear += [place for claim in found if claim not in sure for place in claim.places]
    wanted = set(unexplained)
    for near in (_of_layer, _at_or_below):
        told = [_measured(group, surveys) for group in _grouped([c for c in sure if near(c.places, surveys, wanted)])]
        places = [place for place in unclear if near([place], surveys, wanted)]
        told += located(places, surveys)
        if told:
            break
    if not unclear and (not sure or any(claim.tried for claim in sure)):
        told += located_outside([net for net in others if net.name not in repeated], networks, wanted)
    return told or located_outside(networks, networks, wanted)


def _of_layer(places: Sequence[Place], surveys: Sequence[Survey], wanted: set[Tensor]) -> bool:
    """Whether something is about one of the gradients: deltas are, if no gradient of their layer is explained."""
    for i, l, subject in places:
        net = surveys[i].net
        about = [name for name in net.names(l) if not net.is_right(l, name)] if subject == DELTA else [subject]
        asked = [(net.name, l, name) in wanted for name in about]
        if any(asked) if l not in surveys[i].chosen else asked and all(asked):
            return True
    return False


def _at_or_below(places: Sequence[Place], surveys: Sequence[Survey], wanted: set[Tensor]) -> bool:
    """Whether one of the gradients follows from something."""
    return any(name == surveys[i].net.name and below <= l for i, l, _ in places for name, below, _ in wanted)


# ----------------------------------------------------------------------------------------------------- measured


def _grouped(found: Sequence[Claim]) -> Iterator[list[Claim]]:
    """Claims that one sentence tells: sums over the wrong steps alone, of several gradients and of all layers."""
    merged: dict[object, list[Claim]] = {}
    for claim in found:
        reading = claim.readings[0]
        plain = isinstance(reading, Sum) and reading.kind == "shift" and not reading.by and not reading.single
        key = reading if plain else id(claim)
        merged.setdefault(key, []).append(claim)
    for group in merged.values():
        roles = {claim.role for claim in group}
        names = {role: {claim.subject for claim in group if claim.role == role} for role in roles}
        if roles == {HIDDEN, OUTPUT} and names[HIDDEN] - {"H", "b_hh"} == names[OUTPUT]:
            yield [Claim(c.subject, c.readings, _EVERY_LAYER, c.places, c.repeated) for c in group]
        else:
            for role in sorted(roles, key=lambda role: role.text):
                yield [claim for claim in group if claim.role == role]


def _measured(group: list[Claim], surveys: Sequence[Survey]) -> Mistake:
    claim = group[0]
    names = list(dict.fromkeys(each.subject for each in group))
    sentences = [_sentence(reading, names, claim.role, surveys) for reading in claim.readings]
    (equation, message, remedy), *others = sentences
    others = [each for each in others if each[1] != message]
    fitted = sorted({surveys[i].net.name for each in group for i, _, _ in each.places})
    repeated = sorted({name for each in group for name in each.repeated})
    count = len(fitted) + len(repeated)
    detail = f"solved for on {enumerated(fitted)}"
    detail += f"; gives the gradients of {enumerated(repeated)}" if repeated else ""
    detail += f"\nnot told apart on these networks: {'; '.join(text for _, text, _ in others)}" if others else ""
    return Mistake(
        slug="measured",
        equation=equation,
        message=message,
        where=claim.role.text,
        remedy=remedy,
        certainty=f"measured on {count} network{'s' if count > 1 else ''}",
        detail=detail,
    )


def _sentence(reading: Reading, names: list[str], role: Role, surveys: Sequence[Survey]) -> tuple[int, str, str]:
    """Equation, message and remedy."""
    if isinstance(reading, Losses):
        number = 38 if role is LOWER else 37
        return number, *losses_sentence(reading, number, role.text)
    if not isinstance(reading, Law):
        return equation_of(names[0]), *sum_sentence(reading, names, role.letter)
    if role is OUTPUT:
        return 7, *error_sentence(reading)
    number = 36 if reading.steps == _LAST else 37 if role is TOP else 38 if role is LOWER else 43
    return number, *law_sentence(reading, number, surveys[0].net.case.conventions, role.text)
