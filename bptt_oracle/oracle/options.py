"""What can be declared to `check` at a command line, in a configuration file or in a marker.

This module imports the standard library alone, so that a door that is never used costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


class OptionError(ValueError):
    """An option that does not exist, or a value that it cannot have. The message says what was expected."""


@dataclass(frozen=True)
class Option:
    """One argument of `check`.

    Attributes
    ----------
    name : of the argument
    kind : of its value: str, int, float, bool or tuple (of integers)
    choices : what it can be, if only few things
    help : what it means, in a phrase
    is_convention : whether it says how the backprop is written, rather than how it is to be checked
    """

    name: str
    kind: type
    help: str
    choices: tuple[Any, ...] = ()
    is_convention: bool = True

    @property
    def flag(self) -> str:
        """The name as an option of a command line."""
        return f"--{self.name.replace('_', '-')}"

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises
        ------
        OptionError
            If it stands for none.
        """
        value: Any = None
        if self.kind is bool:
            value = {"true": True, "false": False}.get(text.lower())
        else:
            with suppress(ValueError):
                value = tuple(map(int, text.split(","))) if self.kind is tuple else self.kind(text)
        if value is None or (self.choices and value not in self.choices) or not self._is_in_range(value):
            raise OptionError(f"{self.name}: expected {self.expected}, but got {text!r}")
        return value

    @property
    def expected(self) -> str:
        """What it can be, in words."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        if self.kind is bool:
            return "true or false"
        if self.kind is int:
            return f"an integer of at least {_LEAST[self.name]}"
        if self.kind is tuple:
            return "at least three integers from 1, with commas"
        return "a number of seconds above 0" if self.kind is float else "a text"

    def _is_in_range(self, value: Any) -> bool:
        if self.kind is int and not self.choices:
            return bool(value >= _LEAST[self.name])
        if self.kind is tuple:
            return len(value) >= 3 and min(value) >= 1
        return self.kind is not float or 0 < value < float("inf")


_LEAST = {"seed": 0, "layers": 1, "T": 1, "B": 1}

OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        Option("layout", str, "W of shape (d_l, d_{l-1}), z = W h; or the transpose, z = h W", ("columns", "rows")),
        Option(
            "batch",
            str,
            "x of shape (T, d_0), (T, B, d_0) or (B, T, d_0)",
            ("none", "time-first", "batch-first"),
        ),
        Option("biases", int, "b; or b_ih and b_hh, which are added, in the hidden layers", (1, 2)),
        Option("over_time", str, "J is the mean or the sum of the J^(t), or the last", ("mean", "sum", "last")),
        Option("over_batch", str, "the losses of a batch are averaged or added", ("mean", "sum")),
        Option(
            "activation",
            str,
            "tanh, logistic, relu, softplus, sine, identity; or a pair (f, f'), as path.py:name or module:name",
        ),
        Option("targets", str, "y holds classes from 0, or rows that sum to 1", ("classes", "rows")),
        Option("h0", bool, "whether h(0) is passed, as the argument h0"),
        Option("precision", str, "float32 if anything inside is no more exact", ("float64", "float32")),
        Option("layers", int, "the largest number of hidden layers that it takes"),
        Option("widths", tuple, "d_0, ..., d_n of the one network to ask about", is_convention=False),
        Option("T", int, "the steps of that network", is_convention=False),
        Option("B", int, "its sequences", is_convention=False),
        Option("truth", str, "what the answers are held against", ("manual", "jax"), is_convention=False),
        Option("seed", int, "of every network", is_convention=False),
        Option("time_limit", float, "for each answer", is_convention=False),
        Option("diagnose", bool, "whether the mistake is looked for", is_convention=False),
    )
}


def known(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options, if all of them exist.

    Raises
    ------
    OptionError
        If one does not; `where` it came from is in the message.
    """
    for name in options:
        if name not in OPTIONS:
            raise OptionError(f"{where}: expected one of the options {', '.join(OPTIONS)}, but got {name!r}")
    return dict(options)
