"""Instance number i, and its block, follow from the plan alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from bptt_oracle.campaign.errors import CampaignError
from bptt_oracle.campaign.judging import certificate, read_certificate
from bptt_oracle.campaign.plan import BLOCKS, SIZES, Plan
from bptt_oracle.instances import DescriptionError
from bptt_oracle.reference import padding

IN_A_ROUND = sum(BLOCKS.values())


@pytest.mark.parametrize("instances", [1, 1024, 1025, 1030, IN_A_ROUND - 1, IN_A_ROUND, IN_A_ROUND + 1, 3333])
def test_blocks_hold_every_instance_once(instances: int) -> None:
    plan = Plan(instances=instances)
    assert plan.blocks is not None
    blocks = [plan.block(number) for number in range(plan.blocks)]
    numbers = [i for block in blocks for i in range(block.first, block.first + block.count)]
    assert numbers == list(range(instances))
    assert all(block.count == SIZES[block.arithmetic] for block in blocks[:-1])


def test_a_plan_by_time_has_the_blocks_of_one_by_number() -> None:
    by_time, by_number = Plan(instances=None, seconds=60.0), Plan(instances=10**6)
    assert by_time.blocks is None
    assert [by_time.block(k) for k in range(40)] == [by_number.block(k) for k in range(40)]


def test_an_instance_does_not_depend_on_how_many_there_are() -> None:
    few, many = Plan(instances=10), Plan(instances=10**9, arithmetics=("padded",))
    assert [few.description("padded", i) for i in range(20)] == [many.description("padded", i) for i in range(20)]
    assert few.description("padded", 1) != replace(few, seed=1).description("padded", 1)


@pytest.mark.parametrize("arithmetic", SIZES)
def test_instances_differ_fit_the_box_and_stay_within_limits(arithmetic: str) -> None:
    plan = Plan(depth=2, steps=3, width=4)
    drawn = [plan.description(arithmetic, i) for i in range(200)]
    assert len({str(d) for d in drawn}) == 200
    assert {d.n for d in drawn} == {1, 2}
    assert {d.T for d in drawn} == {1, 2, 3}
    assert max(max(d.d) for d in drawn) <= 4
    box, largest = padding.Box(), [Plan().description(arithmetic, i) for i in range(300)]
    assert max(d.n - 1 for d in largest) <= box.hidden
    assert max(d.T for d in largest) <= box.T
    assert max(max(d.d) for d in largest) <= min(box.width, box.classes)


def test_every_shape_and_activation_is_reached() -> None:
    drawn = [Plan().description("padded", i) for i in range(4000)]
    assert len({(d.n, d.T) for d in drawn}) == 72
    assert len({d.f for d in drawn}) == 6
    exact = Counter(d.f for d in (Plan().description("field", i) for i in range(400)))
    assert len(exact) == 7


def test_a_certificate_is_read_as_it_is_written() -> None:
    plan = Plan()
    for arithmetic, i in zip(SIZES, count(17)):
        description = plan.description(arithmetic, i)
        assert read_certificate(certificate(arithmetic, description)) == (arithmetic, description)


@pytest.mark.parametrize("text", ["n=1,T=1,d=1.1", "float8:n=1,T=1,d=1.1", "", "field"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError, match=r"^expected a"):
        read_certificate(text)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"instances": None}, "expected a number of instances or a time"),
        ({"seconds": 3.0}, "expected a number of instances or a time"),
        ({"instances": 0}, "instances: expected more than 0, but got 0"),
        ({"instances": None, "seconds": 0.0}, "seconds: expected more than 0"),
        ({"seed": -1}, "seed: expected at least 0, but got -1"),
        ({"arithmetics": ("field", "float8")}, "arithmetics: expected some of padded, field"),
        ({"arithmetics": ("field", "field")}, "arithmetics: expected some of padded, field"),
        ({"arithmetics": ()}, "arithmetics: expected some of padded, field"),
        ({"depth": 7}, "depth: expected 1 to 6, but got 7"),
        ({"width": 0}, "width: expected 1 to 10, but got 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(CampaignError, match=message):
        replace(Plan(), **wrong)  # type: ignore[arg-type]
