"""Random networks: each one a pure function of a description that can be read back from its own text."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_oracle.instances import (
    NAMED,
    SCALES,
    STATES,
    TARGETS,
    Description,
    DescriptionError,
    Instance,
    draw,
    dyadic,
    random_description,
)

EXAMPLE = "expected a description such as n=2,T=3,d=1.2.3,f=tanh,scale=ordinary,h0=random,y=one-hot,seed=0"
SHAPE = "expected n >= 1, T >= 1 and n + 1 widths of at least 1"


@st.composite
def descriptions(draw: st.DrawFn) -> Description:
    n = draw(st.integers(1, 6))
    return Description(
        n=n,
        T=draw(st.integers(1, 12)),
        d=tuple(draw(st.lists(st.integers(1, 10), min_size=n + 1, max_size=n + 1))),
        f=draw(st.sampled_from(NAMED)),
        scale=draw(st.sampled_from(list(SCALES))),
        h0=draw(st.sampled_from(STATES)),
        y=draw(st.sampled_from(TARGETS)),
        seed=draw(st.integers(0, 2**40)),
    )


def arrays(instance: Instance) -> list[Any]:
    """Everything that was drawn."""
    layers = [array for layer in instance.params for array in layer.values()]
    return [*layers, instance.x, instance.y, *instance.h0, np.array(instance.coefficients)]


def is_dyadic(array: Any) -> bool:
    """Whether all numbers are multiples of 2^-12."""
    return all((Fraction(float(number)) * 2**12).denominator == 1 for number in array.flat)


def sums_to_1(row: Any) -> bool:
    """Whether the rational numbers that a row's floats are sum to 1."""
    return sum(Fraction(float(number)) for number in row) == 1


# ---- descriptions


@given(descriptions())
def test_a_description_reads_back_from_its_text(description: Description) -> None:
    assert Description.parse(str(description)) == description


def test_a_description_spells_everything_that_determines_it() -> None:
    text = "n=3,T=4,d=2.3.1.4,f=sine,scale=tiny,h0=zero,y=soft,seed=17"
    spelt = Description(3, 4, (2, 3, 1, 4), "sine", "tiny", "zero", "soft", 17)
    assert str(spelt) == text
    assert Description.parse(text) == spelt


def test_what_a_description_leaves_out_has_a_default() -> None:
    assert Description.parse("d=2.3,T=4,n=1") == Description(1, 4, (2, 3), "tanh", "ordinary", "random", "one-hot", 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "dictionary update sequence element #0 has length 1; 2 is required"),
        ("n=2;T=3", "invalid literal for int() with base 10: '2;T=3'"),
        ("n=2,T=3,d=1.2.x", "invalid literal for int() with base 10: 'x'"),
        ("n=two,T=3,d=1.2.3", "invalid literal for int() with base 10: 'two'"),
        ("n=2,T=3,d=1.2.3,depth=2,Seed=1", "unknown: Seed, depth"),
        ("n=0,T=3,d=1", f"{SHAPE}, but got n=0, T=3, d=(1,)"),
        ("n=2,T=0,d=1.2.3", f"{SHAPE}, but got n=2, T=0, d=(1, 2, 3)"),
        ("n=2,T=3,d=1.2", f"{SHAPE}, but got n=2, T=3, d=(1, 2)"),
        ("n=2,T=3,d=1.0.3", f"{SHAPE}, but got n=2, T=3, d=(1, 0, 3)"),
        (
            "n=1,T=1,d=1.2,f=swish",
            "f: expected one of tanh, logistic, relu, softplus, sine, identity, mixture, but got 'swish'",
        ),
        ("n=1,T=1,d=1.2,scale=huge", "scale: expected one of tiny, ordinary, saturated, but got 'huge'"),
        ("n=1,T=1,d=1.2,h0=one", "h0: expected one of zero, random, but got 'one'"),
        ("n=1,T=1,d=1.2,y=hard", "y: expected one of one-hot, soft, but got 'hard'"),
    ],
)
def test_what_is_no_description_is_refused(text: str, why: str) -> None:
    with pytest.raises(DescriptionError) as raised:
        Description.parse(text)
    assert str(raised.value) == f"{EXAMPLE}, but got {text!r} ({why})"


def test_a_description_without_a_shape_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"but got 'n=2,T=3' \(.*missing 1 required .* 'd'\)$"):
        Description.parse("n=2,T=3")


# ---- what is drawn


@given(descriptions())
def test_an_instance_has_the_shape_of_its_description(description: Description) -> None:
    instance = draw(description)
    n, T, d = description.n, description.T, description.d
    assert (instance.network().n, instance.network().T, instance.network().d) == (n, T, d)
    assert ["H" in layer for layer in instance.params] == [True] * (n - 1) + [False]
    assert all(array.dtype == np.float64 for array in arrays(instance))
    assert all((state == 0).all() for state in instance.h0) or description.h0 == "random"


@given(descriptions())
def test_every_number_drawn_is_a_multiple_of_2_to_the_minus_12(description: Description) -> None:
    assert all(map(is_dyadic, arrays(draw(description))))


@given(descriptions())
def test_targets_sum_to_1_exactly(description: Description) -> None:
    y = draw(description).y
    assert all(map(sums_to_1, y))
    assert (y >= 0).all()
    assert description.y == "soft" or all(sorted(row)[-1] == 1 for row in y)


def test_soft_targets_are_soft() -> None:
    instance = draw(Description(1, 6, (2, 5), y="soft"))
    assert all(instance.network().class_at(t) is None for t in range(1, 7))
    assert all(draw(Description(1, 6, (2, 5))).network().class_at(t) is not None for t in range(1, 7))


def test_numbers_that_are_not_dyadic_and_rows_that_do_not_sum_to_1_are_found() -> None:
    assert not is_dyadic(np.array([0.5, 0.1]))
    assert is_dyadic(dyadic(np.array([0.5, 0.1])))
    assert not is_dyadic(np.array([2.0**-13]))
    assert not sums_to_1(np.array([0.1] * 10))  # although the floating sum is within rounding of 1
    assert not sums_to_1(np.array([0.5, 0.5, 2.0**-60]))


@given(descriptions())
def test_the_same_description_draws_the_same_instance(description: Description) -> None:
    assert all(map(np.array_equal, arrays(draw(description)), arrays(draw(description))))


def digest() -> str:
    """A digest of some instances, to the last bit."""
    digests = sha256()
    for text in ("n=3,T=4,d=2.3.1.4,seed=17", "n=1,T=2,d=3.3,y=soft,scale=saturated", "n=2,T=1,d=1.2.2,h0=zero"):
        for array in arrays(draw(Description.parse(text))):
            digests.update(array.tobytes())
    return digests.hexdigest()


def test_another_process_draws_the_same_instance() -> None:
    program = [sys.executable, "-c", "from test_instances import digest; print(digest())"]
    done = subprocess.run(
        program,
        cwd=__file__.rpartition("/")[0],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == digest()


@pytest.mark.parametrize("other", ["n=2,T=3,d=2.3.4,seed=2", "n=2,T=4,d=2.3.4,seed=1", "n=2,T=3,d=2.3.5,seed=1"])
def test_another_seed_or_shape_draws_other_values(other: str) -> None:
    one, another = draw(Description(2, 3, (2, 3, 4), seed=1)), draw(Description.parse(other))
    assert not np.array_equal(one.params[0]["W"], another.params[0]["W"])


def test_scales_differ_by_their_factors_alone() -> None:
    widths = (3, 3, 3)
    sizes = {scale: abs(draw(Description(2, 3, widths, scale=scale, seed=5)).params[0]["W"]).max() for scale in SCALES}
    half_a_step = 2.0**-13  # the rounding to multiples of 2^-12
    for scale, factor in SCALES.items():
        assert abs(sizes[scale] - factor * sizes["ordinary"]) <= half_a_step * (1 + factor)


def test_random_descriptions_keep_to_their_ranges_and_follow_from_the_generator() -> None:
    def some() -> list[Description]:
        rng = np.random.default_rng(3)
        return [
            random_description(rng, i, depth=[2, 3], steps=[5], widths=range(2, 4), activations=["sine"])
            for i in range(200)
        ]

    assert some() == some()
    assert {d.n for d in some()} == {2, 3}
    assert {width for d in some() for width in d.d} == {2, 3}
    assert {(d.T, d.f) for d in some()} == {(5, "sine")}
    assert [d.seed for d in some()] == list(range(200))
    assert {(d.scale, d.h0, d.y) for d in some()} == {(s, h, y) for s in SCALES for h in STATES for y in TARGETS}


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"^seed: expected at least 0, but got -1$"):
        Description(1, 1, (1, 1), seed=-1)
