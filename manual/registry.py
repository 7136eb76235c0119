"""Which function states which numbered equation.

`@equation(N)` marks the reading of equation (N) as it is printed, `@correction(N)` the corrected reading beside it.
A reading is a generator that yields one value for every `=` of the print, in its order; the last one is the value
that the rest of the derivation uses. Its parameters after the first, `q` (the quantities of one network), are named
with the document's own indices.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .quantities import Quantities

Reading = Callable[..., Iterator[Any]]

_printed: dict[int, Reading] = {}
_corrected: dict[int, Reading] = {}

PRINTED: Mapping[int, Reading] = MappingProxyType(_printed)
CORRECTED: Mapping[int, Reading] = MappingProxyType(_corrected)


def equation(number: int) -> Callable[[Reading], Reading]:
    """Register a function as equation `number` as it is printed; ValueError if there is one already."""
    return _register(_printed, number)


def correction(number: int) -> Callable[[Reading], Reading]:
    """Register a function as the corrected reading of equation `number`; ValueError if there is one already."""
    return _register(_corrected, number)


def _register(readings: dict[int, Reading], number: int) -> Callable[[Reading], Reading]:
    def register(reading: Reading) -> Reading:
        if number in readings:
            raise ValueError(f"equation ({number}) is already stated by {readings[number].__name__}")
        readings[number] = reading
        return reading

    return register


def right_reading(number: int) -> Reading:
    """The corrected reading of equation `number` where there is one, else the printed one."""
    return CORRECTED.get(number, PRINTED[number])


@cache
def indices(reading: Reading) -> tuple[str, ...]:
    """The document's indices that a reading takes, in order: ("l", "t", "c") for equation (14)."""
    return tuple(inspect.signature(reading).parameters)[1:]


def value(reading: Reading, q: Quantities, *at: int) -> Any:
    """The last line of a reading at the given indices: what the rest of the derivation uses."""
    *_, last = reading(q, *at)
    return last
