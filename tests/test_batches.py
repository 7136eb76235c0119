"""Batches of networks of mixed shapes: verified within proved bounds, and rejected outside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from strategies import PADDED

from bptt_oracle import batches
from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.errors import UndecidedError
from bptt_oracle.batches import as_reference, by_hand, judge, judgements, least_limits, leaves, manual_bounds, verify
from bptt_oracle.instances import Instance, draw, random_description
from bptt_oracle.manual import ACTIVATIONS, Gradients, Network, one_pass
from bptt_oracle.reference import padding

SIZE = 12


def instances(scale: str = "ordinary", count: int = SIZE) -> list[Instance]:
    rng = np.random.default_rng(7)
    drawn = [
        random_description(rng, seed, activations=tuple(ACTIVATIONS), scales=[scale], widths=range(1, 9))
        for seed in range(count)
    ]
    return [draw(replace(d, d=(*d.d[:-1], max(2, d.d[-1])))) for d in drawn]  # one class alone has no gradient


def test_right_gradients_are_verified_in_every_shape() -> None:
    given = instances()
    assert len({(i.description.n, i.description.T) for i in given}) > SIZE / 2
    assert set(verify(given, size=PADDED)) <= {"least", "manual", "both"}


def test_a_batch_with_room_left_gives_what_a_full_one_gives() -> None:
    given = instances()
    full = (given * PADDED)[:PADDED]
    assert verify(given[:5], size=PADDED) == verify(full)[:5]


def truncated(net: Network) -> Gradients:
    """The gradient that forgets what the last step hands back to the one before."""
    right = one_pass(net)
    b = {l: gradient + (0 if l == net.n else right.h0[l].mean()) for l, gradient in right.b.items()}
    return replace(right, b=b)


def test_a_wrong_gradient_is_outside() -> None:
    given = [i for i in instances() if i.description.n > 1]
    found = judgements(given, size=PADDED, gradient=truncated)
    assert {judgement.how for judgement in found} == {"outside"}
    assert min(judgement.share for judgement in found) > 1


@pytest.mark.parametrize("scale", ["tiny", "ordinary", "saturated"])
def test_what_the_bounds_exceed_lies_below_them(scale: str) -> None:
    given = instances(scale)
    limits = least_limits(given, padding.pad([as_reference(i) for i in given]))
    largest = []
    with balls.precision(batches.BITS):
        for instance, limit in zip(given, limits, strict=True):
            try:
                bounds = manual_bounds(instance)
            except UndecidedError:  # relu at its kink, where nothing is proved
                continue
            for least, bound in zip(leaves(limit), bounds, strict=True):
                assert (least <= bound).all()
                largest += [(least[bound > 0] / bound[bound > 0]).max(initial=0)]
    assert max(largest) > 1 / 2  # twice as much would be no lower limit


def test_an_error_of_few_bits_is_outside() -> None:
    given = instances("tiny")[:6]
    for instance, limit in zip(given, least_limits(given, padding.pad([as_reference(i) for i in given])), strict=True):
        ours, spoilt = (by_hand(instance.network()) for _ in range(2))
        largest = max(leaves(spoilt), key=lambda leaf: float(abs(leaf).max()))
        largest[np.unravel_index(abs(largest).argmax(), largest.shape)] *= 1 + 2.0**-40
        assert judge(instance, ours, ours, limit) == "least"
        assert judge(instance, spoilt, ours, limit) == "outside"


def flat(net: Network) -> Any:
    """Gradients of H as rows."""
    right = one_pass(net)
    return replace(right, H={l: gradient.reshape(1, -1) for l, gradient in right.H.items()})


def refusing(net: Network) -> Any:
    raise KeyError("no such layer")


def not_a_number(net: Network) -> Gradients:
    right = one_pass(net)
    return replace(right, W={l: np.full_like(gradient, np.nan) for l, gradient in right.W.items()})


@pytest.mark.parametrize(
    ("gradient", "why"),
    [(flat, "gradients of the shapes "), (refusing, "KeyError: 'no such layer'"), (not_a_number, "")],
)
def test_what_gives_no_gradients_is_outside_and_the_batch_goes_on(gradient: Any, why: str) -> None:
    given = [i for i in instances() if min(i.description.d[1:-1], default=1) > 1 and i.description.n > 1][:2]

    def once(net: Network) -> Any:
        return (gradient if net.d == given[0].description.d else one_pass)(net)

    wrong, right = judgements(given, size=PADDED, gradient=once)
    assert (wrong.how, right.how) == ("outside", "least")
    assert wrong.why.startswith(why)
    assert wrong.share > 1 >= right.share > 0


def test_a_clock_sees_every_part() -> None:
    parts: list[str] = []

    @contextmanager
    def clock(name: str) -> Iterator[Any]:
        parts.append(name)
        with nullcontext() as nothing:
            yield nothing

    verify(instances()[:2], size=PADDED, part=clock)
    assert parts == ["pad", "JAX", "manual", "compare"]
