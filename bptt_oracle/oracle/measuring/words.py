"""What was measured, in sentences: with the document's symbols, and the equation that has it otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

from ..conventions import Conventions
from .laws import Law
from .losses import Losses
from .numbers import Coefficient
from .steps import EVERY, step
from .terms import ABOVE, ALONE, CARRIED, RIGHT_SLOPE

ONE = Coefficient(Fraction(1))
RIGHT_POLYNOMIALS: Mapping[str, tuple[str, dict[str, Coefficient]]] = {
    "tanh": ("1 - h(t)^2", {"1": ONE, "h(t)^2": Coefficient(Fraction(-1))}),
    "logistic": ("h(t) - h(t)^2", {"h(t)": ONE, "h(t)^2": Coefficient(Fraction(-1))}),
    "identity": ("1", {"1": ONE}),
}
"""f' in powers of h, for the activations that have it so."""

_DOCUMENT = (
    (r"\bW\^T", "(W^(l+1))^T"),
    (r"\bH\^T", "(H^(l))^T"),
    (r"\bH(?= )", "H^(l)"),
    (r"\bdelta_above\(", "delta^(l+1)("),
    (r"\bdelta\(", "delta^(l)("),
    (r"\b([hz])_above\(", r"\1^(l+1)("),
    (r"\b([hz])_below\(", r"\1^(l-1)("),
    (r"\b([hz])\(", r"\1^(l)("),
)
RIGHT_RECURSION = "f'(z^(l)(t)) * ((W^(l+1))^T delta^(l+1)(t) + (H^(l))^T delta^(l)(t+1))"


def documented(text: str) -> str:
    """A short text with the layers that the document writes."""
    for short, full in _DOCUMENT:
        text = re.sub(short, full, text)
    return text


def combination(parts: Iterable[tuple[Coefficient, str]]) -> str:
    """A sum of multiples: "1 - h(t) h(t-1)", "H^T + 0.5 I", "0"; one that is not negative comes first."""
    text = ""
    ordered = list(parts)
    if ordered and ordered[0][0].fraction < 0:
        ordered.sort(key=lambda part: part[0].fraction < 0)
    for c, symbol in ordered:
        size = Coefficient(abs(c.fraction), c.power)
        if symbol == "1":
            shown = str(size)
        elif size == ONE:
            shown = symbol
        elif symbol.startswith("1/"):
            shown = f"{size}{symbol[1:]}"
        else:
            shown = f"{size} {symbol}"
        sign = "-" if c.fraction < 0 else "+"
        text += f" {sign} {shown}" if text else f"{'-' if sign == '-' else ''}{shown}"
    return text or "0"


def enumerated(parts: Iterable[str]) -> str:
    """A list in words: "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


# --------------------------------------------------------------------------------------------------------- laws


def law_sentence(law: Law, equation: int, conventions: Conventions, layers: str) -> tuple[str, str]:
    """What a law of the hidden layers says, and what to write instead."""
    activation = conventions.activation if isinstance(conventions.activation, str) else ""
    right_slope, right_polynomial = RIGHT_POLYNOMIALS.get(activation, ("", {}))
    has_slope = f"f'(z(t)) = {right_slope}" if right_slope else "f'(z(t))"
    where = "" if layers == "every hidden layer" else f" at {layers}"
    if law.steps != EVERY:
        where += f", for {law.steps.text()}"
    remedy = f"Write delta^(l)(t) = {RIGHT_RECURSION}."
    split = factored_law(law, right_polynomial)
    if split is not None:
        slope, inside = split
        carried = {term: c for term, c in inside.items() if term in CARRIED}
        right_inside = inside == {ABOVE: ONE, "H^T": ONE}
        your_slope = f"your f' is {combination((c, name) for name, c in slope.items())}"
        your_carry = f"your carry matrix is {combination((c, name) for name, c in carried.items())}"
        if right_inside:
            return f"{your_slope}{where}, where ({equation}) has {has_slope}", f"Multiply by {has_slope}."
        if {term for term in inside if term not in CARRIED} == {ABOVE} and inside[ABOVE] == ONE:
            if slope == {RIGHT_SLOPE: ONE}:
                return f"{your_carry}{where}, where ({equation}) has H^T", remedy
            return f"{your_slope} and {your_carry}{where}, where ({equation}) has {has_slope} and H^T", remedy
    right = RIGHT_RECURSION
    return (
        f"your delta^(l)(t) is {law_text(law, split, right_polynomial)}{where}, where ({equation}) has {right}",
        remedy,
    )


def factored_law(
    law: Law, right_polynomial: Mapping[str, Coefficient]
) -> tuple[dict[str, Coefficient], dict[str, Coefficient]] | None:
    """A law as one slope times one sum of terms, if it is that; the scale belongs to the slope, or to a wrong carry."""
    slopes = by_term(law, right_polynomial)
    if not slopes or ALONE in slopes:
        return None
    (first, slope), *others = sorted(slopes.items(), key=lambda each: _order(each[0]))
    inside = {first: ONE}
    for term, other in others:
        ratios = {other[s].over(slope[s]) for s in slope} if other.keys() == slope.keys() else set()
        if len(ratios) != 1:
            return None
        inside[term] = ratios.pop()
    if slope.keys() == {RIGHT_SLOPE} and inside != {ABOVE: ONE, "H^T": ONE}:
        return {RIGHT_SLOPE: ONE}, {term: slope[RIGHT_SLOPE] * c for term, c in inside.items()}
    return slope, inside


def by_term(law: Law, right_polynomial: Mapping[str, Coefficient]) -> dict[str, dict[str, Coefficient]]:
    """The slope of each term, in powers of h where f' is such a polynomial; multiples of the right slope as f'."""
    found: dict[str, dict[str, Coefficient]] = {}
    for (s, term), c in law.products().items():
        found.setdefault(term, {})[s] = c
    return {term: _as_slope(slope, right_polynomial) for term, slope in found.items()}


def _as_slope(slope: dict[str, Coefficient], right: Mapping[str, Coefficient]) -> dict[str, Coefficient]:
    if not right:
        return slope
    if slope.keys() == right.keys():
        ratios = {slope[s].over(right[s]) for s in slope}
        return {RIGHT_SLOPE: ratios.pop()} if len(ratios) == 1 else slope
    if len(slope) > 1 and RIGHT_SLOPE in slope and slope[RIGHT_SLOPE].power == 0:
        powers = {s: c for s, c in slope.items() if s != RIGHT_SLOPE}
        for s, c in right.items():
            total = powers.get(s, Coefficient(Fraction(0))).fraction + (slope[RIGHT_SLOPE] * c).fraction
            powers[s] = Coefficient(total)
        return {s: c for s, c in powers.items() if c.fraction}
    return slope


def _order(term: str) -> int:
    return 0 if term == ABOVE else 1 if term == "H^T" else 2


def law_text(
    law: Law,
    split: tuple[dict[str, Coefficient], dict[str, Coefficient]] | None,
    right_polynomial: Mapping[str, Coefficient],
) -> str:
    """A law in full."""
    if not law.entries:
        return "zero"
    if split is not None:
        slope, inside = split
        factor = combination((c, name) for name, c in slope.items())
        terms = combination((c, arriving(name)) for name, c in inside.items())
        whole = terms if factor == "1" else f"{grouped(factor)} * {grouped(terms)}"
        return documented(whole)
    parts = []
    for term, slope in sorted(by_term(law, right_polynomial).items(), key=lambda each: _order(each[0])):
        if term == ALONE:
            parts += [(c, s) for s, c in slope.items()]
        elif len(slope) == 1:
            [(s, c)] = slope.items()
            parts.append((c, arriving(term) if s == "1" else f"{s} * {arriving(term)}"))
        else:
            factor = combination((c, s) for s, c in slope.items())
            parts.append((ONE, f"({factor}) * {arriving(term)}"))
    return documented(combination(parts))


def arriving(term: str) -> str:
    """A term, or what a carry matrix makes of delta(t+1)."""
    if term not in CARRIED:
        return term
    return "delta(t+1)" if term == "I" else f"{term} delta(t+1)"


def grouped(text: str) -> str:
    """A text in brackets, if it is a sum."""
    return f"({text})" if re.search(r" [+-] ", text) or text.startswith("-") else text


def error_sentence(law: Law) -> tuple[str, str]:
    """What a law of the error fed in says, and what to write instead."""
    text = combination((c, term) for _, term, c in law.entries)
    steps = "" if law.steps == EVERY else f" for {law.steps.text()}"
    return (
        f"the error fed in at the output is {text}{steps}, where (7) has y_hat(t) - y(t)",
        "Start from delta^(n)(t) = y_hat(t) - y(t), the same t for both, with the weight that J^(t) has in J.",
    )


def losses_sentence(losses: Losses, equation: int, layers: str) -> tuple[str, str]:
    """Which losses deltas take in, and what to do instead."""
    of = "delta^(l)(t)" if layers == "every hidden layer" else f"delta^(l)(t) at {layers}"
    if losses.missing is not None:
        seen = f"does not take in J^(i) for {losses.missing.text('i')}"
    else:
        seen = f"takes in J^(i) for t <= i < t + {step(losses.window)} alone"
    return (
        f"{of} {seen}, where ({equation}) sums over i = t..T",
        "Let the error of every later loss arrive: carry delta^(l)(t+1) back through all steps.",
    )
