"""The checks, checked: every wrong reading is rejected, and no right one."""

from collections.abc import Callable
from functools import cache
from itertools import islice

import numpy as np
import pytest
from laws import METHODS, Claim, Comparisons, enclosed, exactly, failing, holds, in_float64, law
from strategies import PAIR, REGULAR, SHARE, WELL_CONDITIONED, descriptions, for_random_networks
from wrong_readings import REPORT, WRONG, WrongReading, first_rejection, networks, report

from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.rounded import Rounded, used
from bptt_oracle.catalogue import equations
from bptt_oracle.checking import MODES, Comparison
from bptt_oracle.floating import BITS, floating_evidence
from bptt_oracle.instances import Description

KINDS = ("dropped", "transpose", "index", "sign", "range", "scale", "relative error of 1e-12", "one term at one")
PLANTED = 1e-13
UNCANCELLED = ("tanh", "softplus", "identity")
"""Activations whose derivative is no sum in which digits are lost, as that of a mixture may be."""

each_wrong_reading = pytest.mark.parametrize("reading", WRONG, ids=lambda reading: reading.slug)
each_equation = pytest.mark.parametrize("number", equations())


@cache
def drawn(well_conditioned: bool) -> list[Description]:
    """What Hypothesis draws: for the property tests of every section, or of networks of good condition."""
    found: list[Description] = []

    def note(description: Description) -> bool:
        found.append(description)
        return True

    strategy, share = (WELL_CONDITIONED, 5) if well_conditioned else (descriptions(), SHARE)
    for_random_networks(note, strategy, share)
    return found


def test_every_equation_has_a_wrong_reading_of_some_kind_and_every_kind_occurs() -> None:
    assert len(WRONG) >= 50
    assert len({reading.slug for reading in WRONG}) == len(WRONG)
    assert {reading.number for reading in WRONG} == equations().keys()
    assert all(any(kind in reading.what for reading in WRONG) for kind in KINDS)


@each_wrong_reading
def test_wrong_reading_is_rejected_exactly_at_the_first_network_that_meets_it(reading: WrongReading) -> None:
    rejection = first_rejection(reading.claim, exactly, networks())
    assert rejection is not None
    assert rejection.examples == 1


@each_wrong_reading
def test_wrong_reading_is_rejected_by_enclosures(reading: WrongReading) -> None:
    assert first_rejection(reading.claim, enclosed, REGULAR) is not None


@each_wrong_reading
def test_wrong_reading_is_rejected_by_the_networks_of_the_property_tests(reading: WrongReading) -> None:
    assert first_rejection(reading.claim, exactly, drawn(well_conditioned=False)) is not None


@each_wrong_reading
def test_wrong_reading_is_rejected_by_bounds_in_float64(
    reading: WrongReading, record_property: Callable[[str, object], None]
) -> None:
    rejection = first_rejection(reading.claim, in_float64, drawn(well_conditioned=True))
    assert rejection is not None
    record_property("examples", rejection.examples)


@pytest.mark.parametrize("slug", ["gradient-in-output-b-is-negated", "step-gradient-W-with-last-delta"])
def test_wrong_reading_is_no_evidence_in_float64(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (reading,) = (reading for reading in WRONG if reading.slug == slug)
    stated = {"right": Claim.right(reading.number).function, "wrong": reading.claim.function}
    found = {}
    for name, function in stated.items():
        monkeypatch.setattr("bptt_oracle.floating.function_of", lambda *_, function=function: function)
        found[name] = floating_evidence(REGULAR[:PAIR], "float64", [reading.number], MODES)[reading.number].within
    assert found == {"right": True, "wrong": False}


@each_equation
def test_right_reading_is_not_rejected_where_wrong_ones_are(number: int) -> None:
    claim = Claim.right(number)
    assert first_rejection(claim, exactly, islice(networks(), 5)) is None
    assert first_rejection(claim, in_float64, drawn(well_conditioned=True)) is None


@pytest.mark.slow
@pytest.mark.parametrize("method", [exactly, enclosed])
@each_equation
def test_right_reading_is_never_rejected(number: int, method: Comparisons) -> None:
    assert first_rejection(Claim.right(number), method, drawn(well_conditioned=True)) is None


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@each_equation
def test_right_reading_holds_on_twice_as_many_networks(number: int, method: Comparisons) -> None:
    law(holds(Claim.right(number), method), share=SHARE // 2)()


@each_equation
def test_a_relative_error_of_1e_13_in_one_entry_breaks_the_bound_in_float64(number: int) -> None:
    for f in UNCANCELLED:
        description = Description(3, 4, (2, 3, 2, 3), f=f, scale="tiny", h0="random", seed=1)
        found = in_float64(Claim.right(number), description)
        assert not isinstance(found, str)
        assert not failing(found)
        met = set()
        with balls.precision(BITS):
            for comparison in found:
                for at in places(comparison):
                    wrong = comparison.value[at] * (1 + PLANTED)
                    assert used([wrong], [comparison.truth[at]])[0] > 1, (f, comparison.key, comparison.at, at)
                    met.add(comparison.key)
        assert met == {comparison.key for comparison in found}


def places(comparison: Comparison) -> list[tuple[int, ...]]:
    """The entries whose bound is below `PLANTED`, by a half so that the error already made cannot hide it."""

    def tight(bound: Rounded) -> bool:
        return bool(bound.error < abs(bound.truth) * PLANTED / 2)

    return [at for at in np.ndindex(*comparison.truth.shape) if tight(comparison.truth[at])]


def test_committed_report_is_up_to_date() -> None:
    assert report() == REPORT.read_text(encoding="utf-8")


def test_report_gives_the_examples_that_each_wrong_reading_took() -> None:
    assert report().count('"examples": 1,') == len(WRONG)
