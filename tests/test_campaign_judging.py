"""In every arithmetic a right gradient is verified, and a wrong one fails, is shrunk, and can be repeated."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from campaigns import doubled, raising
from strategies import PADDED

from bptt_oracle.campaign import judging, platform
from bptt_oracle.campaign.errors import CampaignError
from bptt_oracle.campaign.found import Found
from bptt_oracle.campaign.judging import certificate, gradient_named, judge_all, judge_named
from bptt_oracle.campaign.plan import BLOCKS, Plan
from bptt_oracle.campaign.shrinking import shrink, smaller
from bptt_oracle.campaign.work import do
from bptt_oracle.instances import Description
from bptt_oracle.manual import one_pass, per_step_sum
from bptt_oracle.reference import padded, padding, quantities


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size of batch that other tests compile, too."""
    monkeypatch.setattr(judging, "BATCH", PADDED)
    monkeypatch.setattr(platform, "BATCH", PADDED)


def drawn(arithmetic: str, count: int) -> list[Description]:
    plan = Plan(depth=4, steps=4, width=4)
    return [plan.description(arithmetic, i) for i in range(count)]


@pytest.mark.parametrize("arithmetic", BLOCKS)
@pytest.mark.parametrize("gradient", [one_pass, per_step_sum])
def test_a_right_gradient_is_verified(arithmetic: str, gradient: judging.Gradient) -> None:
    judgements = judge_all(arithmetic, drawn(arithmetic, 3), gradient)
    assert {judgement.outcome for judgement in judgements} <= {"verified", "undecided"}
    assert any(judgement.outcome == "verified" for judgement in judgements)
    assert all(judgement.comparisons for judgement in judgements if judgement.outcome == "verified")
    shares = [share for judgement in judgements for share in judgement.shares.values()]
    assert (max(shares) > 0) if arithmetic not in ("field", "balls") else not shares


WRONG = {
    "padded": "n=4,T=4,d=2.3.2.3.2",
    "field": "n=3,T=3,d=1.1.2.2",
    "balls": "n=3,T=3,d=1.1.1.2",
    "float64": "n=4,T=4,d=2.3.2.3.2",
    "float32": "n=4,T=4,d=2.3.2.3.2",
    "bfloat16": "n=3,T=3,d=2.3.2.2,scale=tiny",
    "float16": "n=3,T=3,d=2.3.2.2,scale=tiny",
}


@pytest.mark.parametrize("arithmetic", BLOCKS)
def test_a_wrong_gradient_fails_and_is_shrunk_to_the_least_network_that_shows_it(arithmetic: str) -> None:
    description = Description.parse(WRONG[arithmetic] + ",seed=5")
    [judgement] = judge_all(arithmetic, [description], doubled)
    assert judgement.outcome == "failed"
    assert judgement.why
    shrunk = shrink(arithmetic, description, doubled)
    assert (shrunk.n, shrunk.T) == (3, 3)
    assert judge_named(certificate(arithmetic, shrunk), doubled).outcome == "failed"
    assert judge_named(certificate(arithmetic, shrunk), one_pass).outcome == "verified"
    assert all(judge_all(arithmetic, [s], doubled)[0].outcome != "failed" for s in smaller(shrunk))


def test_what_is_shrunk_again_is_the_same() -> None:
    description = Description.parse(WRONG["float64"] + ",seed=5")
    assert shrink("float64", description, doubled) == shrink("float64", description, doubled)


@pytest.mark.parametrize("arithmetic", ["padded", "field", "float32"])
def test_a_gradient_that_raises_fails_with_what_it_says(arithmetic: str) -> None:
    [judgement] = judge_all(arithmetic, [Description(2, 3, (2, 2, 2))], raising)
    assert (judgement.outcome, judgement.why) == ("failed", "IndexError: list index out of range")


def test_what_smaller_gives_is_smaller_in_one_thing() -> None:
    description = Description(3, 4, (2, 3, 1, 4), f="sine", scale="tiny", y="soft", seed=9)
    for candidate in smaller(description):
        changed = {name for name, value in vars(candidate).items() if value != vars(description)[name]}
        assert len(changed - {"d"} if candidate.n < description.n else changed) == 1
        assert (candidate.n, candidate.T, candidate.d) <= (description.n, description.T, description.d)
    assert list(smaller(Description(1, 1, (1, 1), h0="zero"))) == []


def test_a_block_records_its_failures_and_goes_on() -> None:
    plan = Plan(instances=40, arithmetics=("float64",), gradient="campaigns:doubled", seed=3)
    done = do(plan, 0)
    assert done.found == do(plan, 0).found
    found = done.found
    assert found.instances == 16
    assert 0 < found.outcomes["failed"] < 16
    assert len(found.failures) == found.outcomes["failed"]
    assert [failure.number for failure in found.failures] == sorted(failure.number for failure in found.failures)
    for failure in found.failures:
        assert judge_named(failure.certificate, doubled).outcome == "failed"
    assert found.failures[0].shrunk.startswith("float64:n=3,T=3,")
    assert Found.from_data(found.as_data()) == found


def test_the_time_of_the_implementation_alone_is_part_of_the_whole() -> None:
    plan = Plan(instances=12, arithmetics=("padded",), depth=2, steps=2)
    do(plan, 0)  # a process's first block compiles
    done = do(plan, 0)
    assert 0 < done.alone < done.seconds


@pytest.fixture
def small_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """A box and a batch that just hold the networks below: XLA compiles them for every setting and number of copies."""
    monkeypatch.setattr(platform, "BATCH", 4)
    monkeypatch.setattr(padding, "pad", partial(padding.pad, box=padding.Box(hidden=1, T=4, width=4, classes=4)))


@pytest.mark.usefixtures("small_box")
@pytest.mark.parametrize(
    ("copies", "settings"),
    [
        (1, platform.SETTINGS[::3]),
        (platform.COPIES[-1], platform.SETTINGS[::3]),
        pytest.param(1, platform.SETTINGS, marks=pytest.mark.slow),
    ],
)
def test_jax_has_the_digits_of_the_format_on_this_platform(
    copies: int, settings: tuple[tuple[str, str], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "COPIES", (copies,))
    monkeypatch.setattr(platform, "SETTINGS", settings)
    plan = Plan(depth=2, steps=4, width=4)
    described = [plan.description("platform", i) for i in range(3)]
    alone = Description(2, 2, (2, 2, 1))  # one class alone has no gradient
    *found, nothing = platform.digits_of([*(replace(d, d=(*d.d[:-1], 3)) for d in described), alone])
    assert set(nothing.values()) == {platform.MOST}
    for digits in found:
        assert digits.keys() == {f"cpu, {copies}, {format}, {setting}" for format, setting in settings}
        for name, tenths in digits.items():
            assert tenths > 130 if "float64" in name else 50 < tenths < 100


def test_digits_are_asked_for_in_each_format_of_one_sequence_and_of_copies() -> None:
    assert {format for format, _ in platform.SETTINGS[::3]} == {"float64", "float32"}
    assert {setting for _, setting in platform.SETTINGS} == {"highest", "high", "default"}
    assert platform.COPIES[0] == 1 < platform.COPIES[-1]


@pytest.mark.usefixtures("small_box")
def test_digits_that_are_lost_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "COPIES", (1,))
    right = padded.gradients_side_by_side

    def spoilt(batch: padding.Batch, copies: int) -> quantities.Quantities:
        found = right(batch, copies)
        return found | {"dJ_dx": found["dJ_dx"] * (1 + 2.0**-10)}

    monkeypatch.setattr(padded, "gradients_side_by_side", spoilt)
    [digits] = platform.digits_of([Description(2, 2, (2, 2, 2))])
    assert set(digits.values()) == {30}


@pytest.mark.parametrize("name", ["os:no_such", "no_such_module:f", "one_pass", ""])
def test_a_gradient_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(CampaignError, match="expected module:function of a gradient, but got"):
        gradient_named(name)
