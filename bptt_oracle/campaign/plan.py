"""What a campaign verifies: instance number i, and the block of work that it belongs to, follow from the plan alone.

Blocks go round the arithmetics, and each is about as much work as any other: 1024 networks of the padded batch take as
long as four of which every line of every equation is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ..instances import NAMED, Description, random_description, small_first
from ..manual import ACTIVATIONS
from .errors import CampaignError

BLOCKS: Mapping[str, int] = MappingProxyType(
    {"padded": 1024, "field": 4, "balls": 2, "float64": 16, "float32": 16, "bfloat16": 16, "float16": 16}
)
"""How many instances of each arithmetic make a block."""

ON_THE_PLATFORM = "platform"
"""What `--platform` adds to the arithmetics: JAX's own digits wherever it runs."""

SIZES: Mapping[str, int] = MappingProxyType({**BLOCKS, ON_THE_PLATFORM: 64})

NARROW = ("bfloat16", "float16")
"""Formats in which the bound soon exceeds the value, and says nothing, unless networks are small and tame."""

SMOOTH = tuple(f for f in NAMED if f != "relu")
"""ReLU's kink is a question of the derivative, not of rounding."""

LARGEST = MappingProxyType({"depth": 6, "steps": 12, "width": 10})
"""The largest shapes, which are those of `reference.padding.Box`."""

GRADIENT = "bptt_oracle.manual:one_pass"
"""The implementation under test."""


@dataclass(frozen=True)
class Block:
    """Consecutive instances of one arithmetic."""

    number: int
    arithmetic: str
    first: int
    count: int


@dataclass(frozen=True)
class Plan:
    """A campaign.

    Attributes
    ----------
    instances : how many, or None if time decides
    seconds : how long all its runs together may take, or None if the number decides
    seed : of all draws
    arithmetics : keys of `SIZES`, in the order of the blocks
    depth, steps, width : the largest n, T and d_l
    gradient : the implementation under test, as "module:function" of a `manual.Network`
    """

    instances: int | None = 10_000
    seconds: float | None = None
    seed: int = 2016
    arithmetics: tuple[str, ...] = tuple(BLOCKS)
    depth: int = LARGEST["depth"]
    steps: int = LARGEST["steps"]
    width: int = LARGEST["width"]
    gradient: str = GRADIENT

    def __post_init__(self) -> None:
        if (self.instances is None) == (self.seconds is None):
            raise CampaignError(
                f"expected a number of instances or a time, but got instances={self.instances}, seconds={self.seconds}"
            )
        for name, value in (("instances", self.instances), ("seconds", self.seconds)):
            if value is not None and not value > 0:
                raise CampaignError(f"{name}: expected more than 0, but got {value}")
        if self.seed < 0:
            raise CampaignError(f"seed: expected at least 0, but got {self.seed}")
        unknown = [name for name in self.arithmetics if name not in SIZES]
        if unknown or not self.arithmetics or len(set(self.arithmetics)) < len(self.arithmetics):
            raise CampaignError(
                f"arithmetics: expected some of {', '.join(SIZES)}, each once, but got {', '.join(self.arithmetics)!r}"
            )
        for name, largest in LARGEST.items():
            if not 1 <= getattr(self, name) <= largest:
                raise CampaignError(f"{name}: expected 1 to {largest}, but got {getattr(self, name)}")

    def as_data(self) -> dict[str, Any]:
        """The plan as JSON has it."""
        return asdict(self) | {"arithmetics": list(self.arithmetics)}

    @property
    def blocks(self) -> int | None:
        """How many blocks there are; None if time decides."""
        if self.instances is None:
            return None
        rounds, left = divmod(self.instances, self._in_a_round)
        count = rounds * len(self.arithmetics)
        for arithmetic in self.arithmetics:
            if left <= 0:
                break
            left -= SIZES[arithmetic]
            count += 1
        return count

    @property
    def _in_a_round(self) -> int:
        return sum(SIZES[arithmetic] for arithmetic in self.arithmetics)

    def block(self, number: int) -> Block:
        """Block `number`, counted from 0; the last one of the plan may be shorter than the others."""
        rounds, place = divmod(number, len(self.arithmetics))
        before = sum(SIZES[arithmetic] for arithmetic in self.arithmetics[:place])
        first, arithmetic = rounds * self._in_a_round + before, self.arithmetics[place]
        count = SIZES[arithmetic]
        if self.instances is not None:
            count = min(count, self.instances - first)
        return Block(number, arithmetic, first, count)

    def description(self, arithmetic: str, number: int) -> Description:
        """Instance `number`, which is one of an arithmetic's."""
        rng = np.random.default_rng([self.seed, number])
        seed = self.seed + number
        if arithmetic in NARROW:
            return random_description(
                rng,
                seed,
                depth=range(1, min(self.depth, 3) + 1),
                steps=range(1, min(self.steps, 4) + 1),
                widths=range(1, min(self.width, 3) + 1),
                activations=("tanh", "sine"),
                scales=["tiny"],
                targets=["one-hot"],
            )
        widths = range(1, self.width + 1)
        if arithmetic in ("padded", ON_THE_PLATFORM):
            return random_description(
                rng,
                seed,
                depth=range(1, self.depth + 1),
                steps=range(1, self.steps + 1),
                widths=widths,
                activations=[f for f in ACTIVATIONS if arithmetic == "padded" or f in SMOOTH],
                scales=["ordinary"],
            )
        # the small are likelier, since the program that JAX derived is walked step by step
        depth, steps = (
            range(size, size + 1)
            for size in (1 + int(rng.choice(most, p=small_first(most))) for most in (self.depth, self.steps))
        )
        activations = NAMED if arithmetic in ("field", "balls") else SMOOTH
        return random_description(rng, seed, depth=depth, steps=steps, widths=widths, activations=tuple(activations))
