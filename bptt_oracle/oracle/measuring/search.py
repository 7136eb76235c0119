"""How the law that measured deltas follow is found: by least squares over lists of products, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np

from ..probes import Array
from .fit import Columns, fit
from .laws import RIGHT, Key, Law, applied, columns, fed_in, followed, misses, violated
from .network import Network
from .numbers import Known, coefficients
from .steps import classes, forms
from .terms import ABOVE, ALONE, CARRIED, OTHERS, RIGHT_SLOPE, TERMS, output_terms, slopes

_INSIDE = (ABOVE, "H^T")
_LIKELIEST = 6
"""How many lists are tried on sets of steps without the first or last."""


def _stages(names: list[str]) -> Iterator[Sequence[tuple[Key, ...]]]:
    """Lists of columns to try; a column is a product, or the sum of several. `names` are those of the slopes."""
    yield [((s, term),) for s in ("1", RIGHT_SLOPE) for term in _INSIDE]
    yield [tuple((s, term) for term in _INSIDE) for s in names]
    yield [((RIGHT_SLOPE, term),) for term in TERMS]
    yield [((s, term),) for s in ("1", RIGHT_SLOPE) for term in TERMS]
    yield [((s, term),) for s in names for term in _INSIDE]
    yield [((s, term),) for s in ("1", RIGHT_SLOPE) for term in _INSIDE] + [((s, ALONE),) for s in names]
    for carried in (*CARRIED, *OTHERS):
        yield [((s, term),) for s in names for term in (ABOVE, carried)]
    for s in names:
        yield [((s, term),) for term in TERMS]


def search(net: Network, l: int, own: Known, above: Known) -> list[Law]:
    """The laws that measured deltas of a hidden layer follow; all that are given are the same on this network."""
    wrong = violated(net, l, own, above)
    keys = [(s, term) for s in slopes(net, l) for term in (*TERMS, ALONE)]
    made = columns(net, l, own, above, keys)
    right = followed(RIGHT, net, l, above)
    for i, steps in enumerate(_sets(wrong, net.T)):
        if not steps & wrong:
            continue  # the right law holds there
        chosen = np.array([t in steps for t in range(1, net.T + 1)])
        parts = Columns.of({key: part.at(chosen) for key, part in made.items()})
        target = Known(own.value[chosen].ravel(), own.error[chosen].ravel())
        stages = _stages(list(slopes(net, l)))
        found = _fitted(target, parts, stages if i < 2 else islice(stages, _LIKELIEST), right.value[chosen].ravel())
        if found is not None:
            return _laws(found, wrong, lambda law: misses(own, applied(law, net, l, own, above)), net.T)
    return []


def _fitted(
    target: Known, parts: Columns[Key], stages: Iterator[Sequence[tuple[Key, ...]]], size: Array
) -> dict[Key, Fraction] | None:
    index = {key: i for i, key in enumerate(parts.keys)}
    for stage in stages:
        groups = [group for group in stage if all(key in index for key in group)]
        if 3 * len(groups) > 2 * target.value.size:
            continue
        at = np.array([[index[key] for key in group] for group in groups])
        summed = Columns(groups, parts.value[:, at].sum(axis=2), parts.error[:, at].sum(axis=2))
        found = fit(target, summed, size)
        if found is not None:
            return {key: c for group, c in found.items() for key in group}
    return None


def search_error(net: Network, own: Known) -> list[Law]:
    """The laws that measured deltas of the output layer follow."""
    weight = net.setting.weights.max()
    wrong = misses(own, Known.exactly(net.output_error))
    for steps in _sets(wrong, net.T):
        chosen = np.array([t in steps for t in range(1, net.T + 1)])
        target = Known(own.value[chosen].ravel(), own.error[chosen].ravel())
        terms = {key: Known.exactly(weight * term[chosen]) for key, term in output_terms(net).items()}
        right = (weight * (net.setting.y_hat - net.setting.y))[chosen].ravel()
        for names in (["y_hat(t)", "y(t)"], ["y_hat(t)", "y(t)", "y(t+1)", "y(t-1)", "1/|V|"], list(terms)):
            if 3 * len(names) > 2 * target.value.size:
                continue
            found = fit(target, Columns.of({("", key): terms[key] for key in names}), right)
            if found is not None:
                return _laws(found, wrong, lambda law: misses(own, fed_in(law, net)), net.T)
    return []


def _sets(wrong: set[int], T: int) -> list[set[int]]:
    """The sets of steps on which a law is looked for: all; those that are wrong; all but the ends."""
    every = set(range(1, T + 1))
    sets = [every, wrong, every - {T}, every - {1}, every - {1, T}]
    return [steps for i, steps in enumerate(sets) if steps and steps not in sets[:i]]


def _laws(found: dict[Key, Fraction], wrong: set[int], missed: Callable[[Law], set[int]], T: int) -> list[Law]:
    """The readings of a law that was found, on the simplest sets of steps on which it holds.

    If it holds wherever the right law does not, the right law holds on all other steps; else nothing is said of them.
    """
    laws = []
    for choice in coefficients(list(found.values()), T):
        law = Law(tuple((*key, c) for key, c in zip(found, choice, strict=True)))
        holding = set(range(1, T + 1)) - missed(law)
        sets = [steps for steps in _sets(wrong, T) if steps <= holding]
        whole = [steps for steps in sets if wrong <= steps]
        for steps in whole[: 1 if wrong <= holding and len(sets[0]) == T else 2] or sets[:1] or [holding]:
            laws += [replace(law, steps=place, elsewhere=wrong <= steps) for place in forms(steps, T)]
        if len(sets[0] if sets else ()) < T:
            periodic = [place for place in classes(T) if wrong <= place.at(T) <= holding]
            laws += [replace(law, steps=place) for place in periodic]
    return laws
