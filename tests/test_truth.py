"""The reference's values under the document's names: every name and index, and no other index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest

from bptt_oracle.arithmetic import field
from bptt_oracle.instances import Description
from bptt_oracle.manual import PRINTED, ROUTES, Derivation, Network, notation
from bptt_oracle.manual.quantities import Symbol
from bptt_oracle.reference import output, symbolic
from bptt_oracle.truth import Truth
from bptt_oracle.worlds import exactly_equal, field_network, reference_values

At = tuple[int, ...]
Values = dict[str, Any]

DESCRIPTIONS = [  # widths that differ, so that a transpose shows
    Description(3, 4, (2, 3, 4, 5), seed=1),
    Description(3, 3, (5, 4, 2, 3), y="soft", seed=2),
    Description(2, 1, (2, 3, 4), seed=3),
    Description(1, 2, (3, 2), y="soft", seed=4),
]
UNREAD = {"dJ_dh0", "dJ_dx"}  # gradients that the document has no name for


# ---- what there is, by the document


def ranges(n: int, T: int) -> dict[str, set[At]]:
    """The indices at which each quantity exists."""
    times, layers, hidden = range(1, T + 1), range(1, n + 1), range(1, n)
    by_parameter = {"H": hidden, "W": layers, "b": layers}
    found: dict[str, set[At]] = {
        "J": {(), *product(times)},
        "y_hat": set(product(times)),
        "h": {*product([0], times), *product(hidden, [0, *times])},
        "z": set(product(layers, times)),
        "dJ_dz": set(product(layers, times, times)),
        "delta": set(product(layers, times, times)),
        "gamma": set(product(layers, times)),
        "dz_dz": {(l + 1, t, l, t) for l in hidden for t in times}
        | {(l, t + 1, l, t) for l in hidden for t in times if t < T},
    }
    for parameter, its_layers in by_parameter.items():
        found[f"dz_d{parameter}"] = set(product(its_layers, times))
        found[f"dJ_d{parameter}_summand"] = set(product(its_layers, times, times))
        found[f"dJ_d{parameter}"] = set(product(its_layers, times))
        found[f"grad_{parameter}"] = {*product(its_layers), *product(its_layers, times)}
    return found


def shape(name: str, at: At, d: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a quantity, by the table in `manual/quantities.py`."""
    if name == "J":
        return (1, 1)
    if name == "y_hat":
        return (d[-1], 1)
    l = at[0]
    if name == "dz_dz":
        return (d[l], d[at[2]])
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("h", "z", "delta", "gamma", "grad_b"), (d[l], 1)),
        **dict.fromkeys(("dJ_dz", "dJ_db", "dJ_db_summand"), (1, d[l])),
        **dict.fromkeys(("dJ_dH", "dJ_dH_summand", "grad_H", "dz_db"), (d[l], d[l])),
        **dict.fromkeys(("dJ_dW", "dJ_dW_summand"), (d[l - 1], d[l])),
        "grad_W": (d[l], d[l - 1]),
        "dz_dH": (d[l], d[l], d[l]),
        "dz_dW": (d[l], d[l - 1], d[l]),
    }
    return shapes[name]


def every_quantity(network: Network) -> Iterator[tuple[str, At]]:
    for name, where in ranges(network.n, network.T).items():
        yield from ((name, at) for at in sorted(where))


# ---- what is found


@pytest.fixture(scope="module")
def evaluated() -> Callable[[Description], tuple[Network, Values]]:
    """The network of a description over the field, and what the reference gives for it."""
    known: dict[Description, tuple[Network, Values]] = {}

    def of(description: Description) -> tuple[Network, Values]:
        if description not in known:
            network, oracles = field_network(description)
            functions = dict(oracles.functions())
            values = reference_values(network, symbolic.f, output.SOFTMAX_ALGEBRAIC, functions, field.element)
            known[description] = network, values
        return known[description]

    return of


Evaluated = Callable[[Description], tuple[Network, Values]]

every_network = pytest.mark.parametrize("description", DESCRIPTIONS, ids=str)


def worked_out(derivation: Derivation, name: str, at: At) -> Any:
    """A quantity by the document's own equations.

    gamma^(n)(t), which none gives, is the one delta that it sums; J is (1)'s first line, since the last one speaks of
    the class k.
    """
    if name == "J" and not at:
        return next(PRINTED[1](derivation))
    if name == "gamma" and at[0] == derivation.n:
        return derivation.delta[derivation.n, at[1], at[1]]
    return getattr(derivation, name)[at]


def disagreeing(network: Network, values: Mapping[str, Any], derivation: Derivation) -> set[str]:
    """The names under which a value or its shape is not what the document's own recursion gives."""
    truth = Truth(network, values)
    return {
        name
        for name, at in every_quantity(network)
        if not exactly_equal(truth.find(name, at), worked_out(derivation, name, at))
    }


def test_every_name_is_asked_for(evaluated: Evaluated) -> None:
    network, values = evaluated(DESCRIPTIONS[0])
    q = Truth(network, values).quantities()
    assert {name for name, value in vars(q).items() if isinstance(value, Symbol)} == ranges(3, 4).keys()


@every_network
@pytest.mark.parametrize("section", ROUTES)
def test_every_name_has_the_value_that_the_whole_derivation_gives(
    evaluated: Evaluated, description: Description, section: str
) -> None:
    network, values = evaluated(description)
    assert disagreeing(network, values, Derivation(network, ROUTES[section])) == set()


@every_network
def test_every_name_has_the_shape_that_the_document_gives_it(evaluated: Evaluated, description: Description) -> None:
    network, values = evaluated(description)
    find = Truth(network, values).find
    shapes = {(name, at): find(name, at).shape for name, at in every_quantity(network)}
    assert shapes == {(name, at): shape(name, at, network.d) for name, at in shapes}


@every_network
def test_other_layers_and_times_are_refused_by_name(evaluated: Evaluated, description: Description) -> None:
    network, values = evaluated(description)
    find, n, T = Truth(network, values).find, network.n, network.T
    around = {"l": range(-1, n + 2), "t": range(-1, T + 2)}
    for name, where in ranges(n, T).items():
        kinds = {"J": ["t"], "y_hat": ["t"], "dz_dz": ["ltlt"], "delta": ["ltt"], "dJ_dz": ["ltt"]}.get(
            name, ["l", "lt"] if name.startswith("grad_") else ["ltt"] if name.endswith("summand") else ["lt"]
        )
        for at in (at for kind in kinds for at in product(*(around[index] for index in kind))):
            if at not in where:
                with pytest.raises(IndexError, match=rf"^{re.escape(notation(name, at))}: expected "):
                    find(name, at)


@pytest.mark.parametrize(
    ("name", "at", "message"),
    [
        ("y_hat", (0,), "y_hat^(0): expected times 1..4, for n = 3 and T = 4"),
        ("J", (5,), "J^(5): expected times 1..4, for n = 3 and T = 4"),
        ("delta", (2, 0, 3), "delta^(2)(0)(3): expected layers 1..3 and times 1..4, for n = 3 and T = 4"),
        ("gamma", (1, 5), "gamma^(1)(5): expected layers 1..3 and times 1..4, for n = 3 and T = 4"),
        ("h", (0, 0), "h^(0)(0): expected layers 0..2 and times 1..4, for n = 3 and T = 4"),
        ("h", (1, -1), "h^(1)(-1): expected layers 0..2 and times 0..4, for n = 3 and T = 4"),
        ("grad_H", (3,), "gradient of J in H^(3): expected layers 1..2, for n = 3 and T = 4"),
        (
            "dz_dz",
            (1, 3, 1, 1),
            "dz^(1)(3)/dz^(1)(1): expected one step, from z^(l)(t) to z^(l+1)(t) or z^(l)(t+1), with l in 1..2 "
            "and times 1..4, for n = 3 and T = 4",
        ),
    ],
)
def test_what_is_refused_is_named(evaluated: Evaluated, name: str, at: At, message: str) -> None:
    network, values = evaluated(DESCRIPTIONS[0])
    with pytest.raises(IndexError) as raised:
        Truth(network, values).find(name, at)
    assert str(raised.value) == message


# ---- that a wrong value is noticed


def incremented(array: Any) -> Any:
    """The arrays in lists and dicts, each entry one more."""
    if isinstance(array, list):
        return [incremented(part) for part in array]
    if isinstance(array, dict):
        return {name: incremented(part) for name, part in array.items()}
    return np.asarray(array + 1)


def test_every_value_of_the_reference_is_read_under_some_name(evaluated: Evaluated) -> None:
    network, values = evaluated(DESCRIPTIONS[0])
    derivation = Derivation(network)
    read = {key for key in values if disagreeing(network, values | {key: incremented(values[key])}, derivation)}
    assert read == values.keys() - UNREAD


def test_times_that_are_interchanged_are_noticed(evaluated: Evaluated) -> None:
    network, values = evaluated(DESCRIPTIONS[0])
    interchanged = [array.swapaxes(0, 1) for array in values["dJ_dz"]]
    wrong = disagreeing(network, values | {"dJ_dz": interchanged}, Derivation(network))
    assert wrong == {"dJ_dz", "delta", "gamma"}
