"""The law by which f's deltas follow from one another, as measured: what it is made of, and what it gives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..probes import Array
from .network import Network
from .numbers import Coefficient, Known, meets
from .steps import EVERY, Steps
from .terms import ABOVE, ALONE, RIGHT_SLOPE, TERMS, around, output_terms, slopes

Key = tuple[str, str]
"""A slope and what it multiplies; for the error at the output, "" and a term."""


@dataclass(frozen=True)
class Law:
    """What f's deltas are, as a sum of coefficient x slope x term; on some steps, and on the others as it is right.

    Attributes
    ----------
    entries : the slope, the term and the coefficient of each product
    steps : where it holds
    elsewhere : whether the right law holds on all other steps; else nothing is said of them
    """

    entries: tuple[tuple[str, str, Coefficient], ...]
    steps: Steps = EVERY
    elsewhere: bool = True

    def products(self) -> dict[Key, Coefficient]:
        """The coefficient of every product."""
        return {(slope, term): c for slope, term, c in self.entries}


RIGHT = Law(tuple((RIGHT_SLOPE, term, Coefficient(Fraction(1))) for term in (ABOVE, "H^T")))


def columns(net: Network, l: int, own: Known, above: Known, keys: Collection[Key]) -> dict[Key, Known]:
    """The products of slopes and terms around delta^(l), those that there are."""
    value, error = around(net, l, own, above)
    slope = slopes(net, l)
    terms = {}
    for name in {term for _, term in keys}:
        if name == ALONE:
            terms[name] = (np.ones_like(own.value), np.zeros_like(own.value))
            continue
        made, bound = TERMS[name](value), TERMS[name](error)
        if made is not None and bound is not None:
            terms[name] = (made, bound)
    return {
        (s, term): Known(slope[s] * terms[term][0], abs(slope[s]) * terms[term][1]) for s, term in keys if term in terms
    }


def applied(law: Law, net: Network, l: int, own: Known, above: Known) -> Known:
    """What a law makes of what stands around delta^(l), at every step."""
    products = {key: c.at(net.T) for key, c in law.products().items()}
    made = columns(net, l, own, above, products)
    value, error = np.zeros_like(own.value), np.zeros_like(own.value)
    for key, c in products.items():
        if key in made:
            value = value + c * made[key].value
            error = error + abs(c) * made[key].error
    if law.steps != EVERY:
        other = applied(RIGHT, net, l, own, above)
        chosen = mask(law.steps, net)[:, None, None]
        value, error = np.where(chosen, value, other.value), np.where(chosen, error, other.error)
    return Known(value, error)


def mask(steps: Steps, net: Network) -> Array:
    """Which of the steps 1..T are chosen."""
    chosen = steps.at(net.T)
    return np.array([t in chosen for t in range(1, net.T + 1)])


def holds(law: Law, net: Network, l: int, own: Known, above: Known) -> bool:
    """Whether deltas follow a law, given what stands around them."""
    steps = mask(EVERY if law.elsewhere else law.steps, net)
    made = applied(law, net, l, own, above).at(steps)
    measured = own.at(steps)
    return meets(measured.value - made.value, measured.error + made.error, measured.value)


def misses(measured: Known, made: Known) -> set[int]:
    """The steps at which deltas are not what a law makes."""
    wrong = np.any(abs(measured.value - made.value) > measured.error + made.error, axis=(1, 2))
    return {t for t in range(1, len(measured.value) + 1) if wrong[t - 1]}


def violated(net: Network, l: int, own: Known, above: Known) -> set[int]:
    """The steps at which deltas do not follow the right law, given what stands around them."""
    return misses(own, applied(RIGHT, net, l, own, above))


def followed(law: Law, net: Network, l: int, above: Known) -> Known:
    """The deltas that a law gives from those of the layer above: delta(t) after delta(t+1), or the other way."""
    zero = np.zeros((*above.value.shape[:2], net.setting.d[l]))
    own = Known(zero, zero)
    for _ in range(net.T):  # each time one more step is as it will stay, from whichever end the law begins
        before, own = own, applied(law, net, l, own, above)
        if (own.value == before.value).all() and (own.error == before.error).all():
            break
    return own


def fed_in(law: Law, net: Network) -> Known:
    """The delta^(n)(t) that a law gives, with the weights of the losses."""
    weight = net.setting.weights.max()
    terms = output_terms(net)
    value = sum((c.at(net.T) * weight * terms[term] for _, term, c in law.entries), np.zeros_like(net.output_error))
    return Known.exactly(np.where(mask(law.steps, net)[:, None, None], value, net.output_error))
