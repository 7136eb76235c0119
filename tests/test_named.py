"""Every quantity that the document names is compared, and a wrong one is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from bptt_oracle.checking import Sources
from bptt_oracle.instances import Description
from bptt_oracle.manual import Quantities
from bptt_oracle.manual.quantities import Symbol
from bptt_oracle.named import compare_named
from bptt_oracle.truth import Truth
from bptt_oracle.worlds import World, field_world

DESCRIPTION = Description(3, 3, (2, 3, 2, 3), y="soft")


@pytest.fixture(scope="module")
def world() -> World:
    return field_world(DESCRIPTION)


def names(q: Quantities) -> set[str]:
    return {name for name, value in vars(q).items() if isinstance(value, Symbol)}


def test_every_name_is_compared_and_agrees(world: World) -> None:
    counts = compare_named(world, Sources(world))
    assert set(counts) == names(world.local())
    assert all(count.comparisons > 0 and count.disagreements == 0 for count in counts.values())


@pytest.mark.parametrize("name", sorted(names(field_world(DESCRIPTION).local())))
def test_one_wrong_entry_of_the_reference_is_noticed(name: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Truth.find

    def wrong(truth: Truth, of: str, at: tuple[int, ...]) -> Any:
        value = right(truth, of, at)
        if of != name:
            return value
        changed = value.copy()
        changed.reshape(-1)[-1] += 1
        return changed

    monkeypatch.setattr(Truth, "find", wrong)
    counts = compare_named(world, Sources(world))
    assert {of for of, count in counts.items() if count.disagreements} == (
        {name, "gamma"} if name == "delta" else {name}
    )
