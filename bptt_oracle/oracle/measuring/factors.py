"""What f's gradient adds up in place of delta(t), or lets it meet in place of the state, as measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .fit import Columns, fit
from .laws import Key, columns
from .network import Network, outer_sum
from .numbers import Coefficient, Known, coefficients
from .terms import ABOVE, TERMS, inverse, other_states, output_terms, slopes

DELTA = "delta(t)"
BEFORE_SLOPE = f"({ABOVE} + H^T delta(t+1))"


@dataclass(frozen=True)
class Factor:
    """One of the two factors of the products that a gradient adds up.

    Attributes
    ----------
    side : "left", in place of delta(t), "right", in place of the state, or "beside", a multiple of the parameter
    entries : a slope ("" for none), a term and a coefficient of each of its parts
    """

    side: str
    entries: tuple[tuple[str, str, Coefficient], ...]


def factored(factor: Factor, net: Network, l: int, name: str, delta: Known, above: Known | None) -> Known | None:
    """The gradient that a factor gives, with the other one as it is right; None if it cannot be told."""
    if factor.side == "left":
        parts = _parts(net, l, delta, above)
        if not all(key in parts for key in _keys(factor)):
            return None
        sized = [(c.at(net.T), parts[s, term]) for s, term, c in factor.entries]
        value = sum((c * part.value for c, part in sized), np.zeros_like(delta.value))
        error = sum((abs(c) * part.error for c, part in sized), np.zeros_like(delta.value))
        return net.summed(Known(value, error), l, name)
    if factor.side == "beside":
        [(_, _, c)] = factor.entries
        right = net.summed(delta, l, name)
        return Known(right.value + c.at(net.T) * net.case.probe.params[l - 1][name], right.error)
    states = other_states(net, l, name)
    if not all(term in states for _, term, _ in factor.entries):
        return None
    width = net.states(l, name).shape[-1]
    state = sum((c.at(net.T) * states[term] for _, term, c in factor.entries), np.zeros((net.T, net.B, width)))
    return Known(outer_sum(delta.value, state), outer_sum(delta.error, abs(state)))


def _keys(factor: Factor) -> list[Key]:
    return [(s, term) for s, term, _ in factor.entries]


def _parts(net: Network, l: int, delta: Known, above: Known | None) -> dict[Key, Known]:
    """What may stand for delta(t): its own multiples, and what arrives at it."""
    if l == net.n:
        weight = net.setting.weights.max()
        return {("", key): Known.exactly(weight * term) for key, term in output_terms(net).items()}
    slope = slopes(net, l)
    parts = {(s, DELTA): Known(slope[s] * delta.value, abs(slope[s]) * delta.error) for s in slope}
    unsloped = inverse(net.setting.slopes[l])
    parts["1 / f'(z(t))", DELTA] = Known(unsloped * delta.value, abs(unsloped) * delta.error)
    if above is not None:
        parts |= columns(net, l, delta, above, [(s, term) for s in ("1", "f'(z(t))") for term in TERMS])
        a, b = parts["1", ABOVE], parts["1", "H^T"]
        parts["1", BEFORE_SLOPE] = Known(a.value + b.value, a.error + b.error)
    return parts


def search_factors(net: Network, l: int, name: str, delta: Known, above: Known | None) -> Iterator[Factor]:
    """The factors that give f's gradient; all that are given are the same on this network."""
    parts = _parts(net, l, delta, above)
    if found := _beside(net, l, name, delta):
        yield from _factors("beside", found, net.T)
    elif name not in ("H", "W"):
        for key in parts:
            [factor] = _factors("left", {key: Fraction(1)}, net.T)
            made = factored(factor, net, l, name, delta, above)
            if made is not None and net.agrees(made, l, name):
                yield factor
                return
    elif found := (
        multiple(net, l, name, delta)
        or _left(net, l, name, delta, {key: part for key, part in parts.items() if key[1] != DELTA})
        or _left(net, l, name, delta, parts)
    ):
        yield from _factors("left", found, net.T)
    elif (right := net.right_factors(l, name, delta)) is not None:
        seen = np.isfinite(right.error).all(axis=(1, 2))
        states = {("", key): Known.exactly(state[seen]) for key, state in other_states(net, l, name).items()}
        found = fit(Known(right.value[seen].ravel(), right.error[seen].ravel()), Columns.of(states))
        yield from _factors("right", found or {}, net.T)


def _beside(net: Network, l: int, name: str, delta: Known) -> dict[Key, Fraction] | None:
    """Which multiple of the parameter itself is added to the right sum."""
    parameter = net.case.probe.params[l - 1].get(name)
    if parameter is None:
        return None
    answered, right = net.gradient(l, name), net.summed(delta, l, name)
    rest = Known((answered.value - right.value).ravel(), (answered.error + right.error).ravel())
    return fit(rest, Columns.of({("", name): Known.exactly(parameter)}))


def multiple(net: Network, l: int, name: str, delta: Known) -> dict[Key, Fraction] | None:
    """By which slopes deltas are multiplied, in the gradient of H or W of a hidden layer."""
    parts = {} if l == net.n else _parts(net, l, delta, None)
    return _left(net, l, name, delta, parts) if parts and name in ("H", "W") else None


def _left(net: Network, l: int, name: str, delta: Known, parts: Mapping[Key, Known]) -> dict[Key, Fraction] | None:
    """Of which parts the left factors of a gradient are made up."""
    left = net.left_factors(l, name)
    if left is None:
        return None
    aligned = left.at(np.s_[:-1] if name == "H" else np.s_[1:])
    seen = np.isfinite(aligned.error).all(axis=1)
    target = aligned.at(seen)
    flat = Columns.of({key: part.at(seen) for key, part in parts.items()})
    return fit(Known(target.value.ravel(), target.error.ravel()), flat, delta.value[seen].ravel())


def _factors(side: str, found: Mapping[Key, Fraction], T: int) -> list[Factor]:
    entries = [
        tuple((*key, c) for key, c in zip(found, choice, strict=True)) for choice in coefficients([*found.values()], T)
    ]
    return [Factor(side, each) for each in entries if each]
