"""Where a gradient goes wrong, if it could not be measured what was done: tensor, layer and step."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Mistake
from .claims import Place
from .explain import DELTA, Survey
from .laws import misses, violated
from .network import Network
from .numbers import Known
from .steps import forms
from .sum_words import equation_of
from .sums import coefficients_of, offset_of
from .words import enumerated

_CERTAINTY = "located, not named"


def located(unclear: Sequence[Place], surveys: Sequence[Survey]) -> list[Mistake]:
    """One mistake for each kind of thing that is wrong: the deltas of the hidden layers, a gradient, ..."""
    kinds: dict[tuple[str, bool], list[Place]] = {}
    for i, l, subject in unclear:
        kinds.setdefault((subject, l == surveys[i].net.n), []).append((i, l, subject))
    return [_of_kind(places, surveys) for places in kinds.values()]


def _of_kind(places: list[Place], surveys: Sequence[Survey]) -> Mistake:
    i, l, subject = places[0]
    made = surveys[i]
    equation = (7 if l == made.net.n else 43) if subject == DELTA else equation_of(subject)
    sentence = _deltas(made, l, equation) if subject == DELTA else _sum(made, l, subject, equation)
    return Mistake(
        slug="located",
        equation=equation,
        message=f"{sentence} (network {made.net.name}, T = {made.net.T})",
        where=", ".join(dict.fromkeys(f"layer {at} of {surveys[index].net.name}" for index, at, _ in places)),
        remedy=f"Compare the code of layer {l} with ({equation}).",
        certainty=_CERTAINTY,
    )


def _deltas(made: Survey, l: int, equation: int) -> str:
    net = made.net
    tensors = enumerated(f"dJ/d{name}^({l})" for name in net.names(l))
    if l not in made.chosen:
        return f"{tensors} are not made of any common delta^({l})(t), so that ({equation}) cannot be followed"
    if l < net.n and l + 1 not in made.chosen:
        return f"{tensors} come from the same delta^({l})(t), but those of the layer above are not known"
    own = made.chosen[l]
    right = Known.exactly(net.output_error)
    wrong = misses(own, right) if l == net.n else violated(net, l, own, made.chosen[l + 1])
    if l == net.n:
        return f"{tensors} come from a delta^({l})(t) that is not ({equation}){_for(wrong, net.T, 't')}"
    last = max(wrong, default=net.T)
    if last == net.T:
        return f"{tensors} come from a delta^({l})(t) that is not ({equation}) of those around it, from t = T on"
    return f"going back in time, delta^({l})(t) follows ({equation}) down to t = {last + 1}, but not at t = {last}"


def _sum(made: Survey, l: int, name: str, equation: int) -> str:
    net, tensor = made.net, f"dJ/d{name}^({l})"
    delta = made.chosen[l]
    given = f"delta^({l})(t) is known, but {tensor} is not its sum ({equation})"
    table = coefficients_of(net, l, name, delta)
    if table is not None:
        offset = offset_of(name)
        right = [[int(len(row) == 1 or j == k + offset) for j in range(len(row))] for k, row in enumerate(table, 1)]
        off = {
            k
            for k, (row, expected) in enumerate(zip(table, right, strict=True), start=1)
            if any(c is not None and c != e for c, e in zip(row, expected, strict=True))
        }
        return f"{given}{_for(off, net.T, 'k')}"
    left = net.left_factors(l, name) if name in ("H", "W") else None
    if left is None:
        return given
    rows = left.at(slice(None, -1) if name == "H" else slice(1, None))
    wrong = misses(Known(rows.value[:, None], rows.error[:, None]), delta)
    return f"{given}: what meets the state is not delta^({l})(k){_for(wrong, net.T, 'k')}" if wrong else given


def _for(steps: set[int], T: int, letter: str) -> str:
    return f", for {forms(steps, T)[0].text(letter)}" if steps else ""


def located_outside(
    outside: Sequence[Network], networks: Sequence[Network], wanted: set[tuple[str, int, str]]
) -> list[Mistake]:
    """The gradients that are wrong in networks where nothing can be solved for, the nearest to the output first."""
    places = sorted(
        (net.n - l, i, l, name)
        for i, net in enumerate(outside)
        for l, name in net.case.tensors()
        if (net.name, l, name) in wanted and not net.is_right(l, name)
    )
    if not places:
        return []
    _, i, l, name = places[0]
    equation = equation_of(name)
    names = dict.fromkeys(outside[i].name for _, i, _, _ in places)
    others = [net.name for net in networks if net.name not in names]
    message = f"dJ/d{name}^({l}) is the wrong gradient nearest to the output on {outside[i].name}"
    message += f"; it is right, or explained, on {enumerated(others)}" if others else ""
    return [
        Mistake(
            slug="located",
            equation=equation,
            message=message,
            where=", ".join(f"dJ/d{name}^({l}) of {outside[i].name}" for _, i, l, name in places),
            remedy=f"Compare the code with ({equation}), on a network like {outside[i].name}.",
            certainty=_CERTAINTY,
        )
    ]
