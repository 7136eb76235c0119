"""What gradients were measured to add up, in sentences."""

from __future__ import annotations

import re

from .factors import Factor
from .numbers import text_of
from .steps import step
from .sums import Sum
from .words import ONE, arriving, combination, documented, enumerated, grouped

_EQUATIONS = {"H": 44, "W": 45, "b": 46}


def equation_of(name: str) -> int:
    """The number of the equation of a gradient."""
    return _EQUATIONS[name[0]]


def sum_sentence(reading: Sum | Factor, names: list[str], layer: str) -> tuple[str, str]:
    """What gradients add up, and what to write instead.

    Parameters
    ----------
    reading
        What was measured.
    names
        The gradients of which it is true: one, or several if only the weights of the steps are wrong.
    layer
        "l", "n" or a number.
    """
    name, number = names[0], equation_of(names[0])
    right = _product(name, layer, "k", _index(name, 0))
    remedy = f"Add up {right} over k = 1..T, each once."
    tensors = enumerated(f"dJ/d{each}^({layer})" for each in names)
    if isinstance(reading, Factor) and reading.side == "beside":
        [(_, parameter, size)] = reading.entries
        return (
            f"{tensors} adds {size} {parameter}^({layer}) to what ({number}) has",
            f"{remedy} A penalty on {parameter} is no part of J.",
        )
    if isinstance(reading, Factor):
        return f"{tensors} adds up {_of_factor(reading, name, layer)}, where ({number}) has {right}", remedy
    if len(names) > 1:
        numbers = enumerated(dict.fromkeys(f"({equation_of(each)})" for each in names))
        return (
            f"{tensors} are summed{_how(reading)}, where {numbers} have every k once",
            "Add up every step k = 1..T once.",
        )
    if reading.weights.usual.fraction == 0 and reading.weights.steps is None and not reading.single:
        return f"{tensors} is zero, where ({number}) adds up {right}", remedy
    terms = _terms(reading, name, layer)
    extra = "".join(
        f" and {'' if c == 1 else text_of(c) + ' '}{_product(name, layer, step(k), _state(j))}"
        for k, j, c in reading.single
    )
    if reading.beside:
        by, c = reading.beside
        extra += f" and {'' if c == 1 else text_of(c) + ' '}{_product(name, layer, 'k', _index(name, by))}"
    instead = "every k once" if terms == right and not extra else right
    return f"{tensors} adds up {terms}{_how(reading)}{extra}, where ({number}) has {instead}", remedy


def _product(name: str, layer: str, k: str, j: str) -> str:
    """delta(k) times a state: "delta^(l)(k) h^(l)(k-1)^T"."""
    text = f"delta^({layer})({k})"
    if name == "H":
        return f"{text} h^({layer})({j})^T"
    return f"{text} h^({_moved(layer, -1)})({j})^T" if name == "W" else text


def _moved(layer: str, by: int) -> str:
    """The layer some layers further up: "l", "n", "n-1" or a number."""
    if layer.isdigit():
        return str(int(layer) + by)
    by += int(layer[1:] or 0)
    return f"{layer[0]}{by:+d}" if by else layer[0]


def _index(name: str, by: int) -> str:
    """The time of the state that delta(k) meets, `by` steps from the right one."""
    total = by - (name == "H")
    return "k" if total == 0 else f"k{total:+d}"


def _state(j: int) -> str:
    return str(j) if j >= 0 else step(j + 1)


def _terms(reading: Sum, name: str, layer: str) -> str:
    """The products that are added up."""
    match reading.kind:
        case "shift":
            return _product(name, layer, "k", _index(name, reading.by))
        case "reversed":
            by = reading.by + (name != "H")
            return _product(name, layer, "k", f"T{by:+d}-k" if by else "T-k")
        case "state":
            return _product(name, layer, "k", _state(reading.by))
        case "delta":
            return _product(name, layer, step(reading.by), _index(name, 0))
    times = {"all": "every j", "earlier": "every j <= k", "later": "every j >= k"}[reading.kind]
    return f"{_product(name, layer, 'k', _index(name, 0).replace('k', 'j'))} for {times}"


def _how(reading: Sum) -> str:
    """With which weights."""
    w = reading.weights
    scale = "" if w.usual == ONE else f", {w.usual} times"
    if w.ramp:
        return f", {w.ramp} times" if w.usual == ONE else f", {w.usual} ({w.ramp}) times"
    if w.steps is None:
        return scale
    steps = w.steps.text("k")
    if w.other == 0:
        return f" without {steps}{scale}"
    times = "" if w.other == 1 else f", {text_of(w.other)} times"
    if w.usual.fraction == 0:
        return f" for {steps} alone{times}"
    return f"{scale}, but {'once' if w.other == 1 else text_of(w.other) + ' times'} for {steps}"


def _of_factor(factor: Factor, name: str, layer: str) -> str:
    """The products that are added up with another factor in them."""
    parts = []
    for slope, term, c in factor.entries:
        shown = term if slope in ("", "1") else f"{slope} * {arriving(term)}"
        parts.append((c, arriving(term) if slope == "1" else shown))
    text = grouped(combination(parts))
    if factor.side == "left":
        states = {"H": " h(t-1)^T", "W": " h_below(t)^T"}
        text = f"{text}{states.get(name, '')}"
    else:
        text = f"delta(t) {text}^T"
    text = text.replace("(t", "(k").replace("T+1-t", "T+1-k").replace("s>t", "s>k")
    return re.sub(
        r"\^\(l(?P<by>[+-]1)?\)", lambda found: f"^({_moved(layer, int(found['by'] or 0))})", documented(text)
    )
