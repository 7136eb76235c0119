"""The bound on a false pass: what `bptt_oracle.certainty` claims of degrees, measured."""

from __future__ import annotations

import pytest

from bptt_oracle.arithmetic.degree import difference_degree
from bptt_oracle.catalogue import equations
from bptt_oracle.certainty import Certainty, certainty, degree_world
from bptt_oracle.checking import compare_all
from bptt_oracle.instances import Description


def degrees(n: int, T: int, width: int) -> dict[int, int]:
    found: Certainty = certainty([Description(n, T, (width,) * (n + 1))])
    return {number: found.degree(number) for number in equations()}


@pytest.fixture(scope="module")
def small() -> dict[int, int]:
    return degrees(3, 4, 2)


def test_degrees_grow_with_depth_and_length(small: dict[int, int]) -> None:
    deeper, longer = degrees(4, 4, 2), degrees(3, 5, 2)
    for larger in (deeper, longer):
        assert all(larger[number] >= small[number] for number in small)
    assert longer[44] > small[44]


def test_more_units_and_steps_make_a_false_pass_likelier() -> None:
    narrow, wide = (certainty([Description(3, 4, (2, width, width, 2))]) for width in (2, 8))
    assert wide.chance(44) > narrow.chance(44) > 0


def test_degrees_do_not_depend_on_the_hidden_widths() -> None:
    """`certainty` takes hidden width 2 for all; here a degree world is measured at others."""
    assert measured((2, 2, 2, 3)) == measured((3, 2, 3, 3)) == measured((2, 4, 3, 3))


def test_degrees_grow_with_the_classes_of_soft_targets() -> None:
    assert measured((2, 2, 2, 4))[44] > measured((2, 2, 2, 2))[44]


def measured(d: tuple[int, ...]) -> dict[int, int]:
    """The largest degree of each equation on one network of widths d, with soft targets."""
    world, _ = degree_world(Description(3, 4, d, y="soft"))
    found: dict[int, int] = {}
    for comparison in compare_all(world):
        if comparison.outcome == "differs":
            bound = difference_degree(comparison.value, comparison.truth)
            found[comparison.key.number] = max(found.get(comparison.key.number, 0), bound)
    return found
