"""Right backprops as people write them, kept as source text: what the mutants are made of.

Each file defines `f(params, x, y)` or `f(params, x, y, h0)` and imports NumPy alone. Comments say which part the lines
below them in a function belong to, ``# forward`` or ``# backward``, and at the end of a line which equations of the
document it carries out, ``# (43)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bptt_oracle.oracle.conventions import Conventions

Function = Callable[..., Any]

_INDICES = ("l", "t")
_KEYS = ("'H'", "'W'", "'b'")


@dataclass(frozen=True)
class Program:
    """One program, and what is known about it.

    Attributes
    ----------
    name : of its file
    conventions : those that it has
    hidden : the largest number of hidden layers that it takes; None for any
    kinds : names of the same kind, one of which somebody could write for another; with quotes, keys
    """

    name: str
    conventions: Conventions
    kinds: tuple[tuple[str, ...], ...]
    hidden: int | None = None

    @property
    def path(self) -> Path:
        """Its file."""
        return Path(__file__).parent / f"{self.name}.py"

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.path.read_text(encoding="utf-8")

    def depths(self) -> range:
        """Numbers of hidden layers at which it is scored: up to 3."""
        return range(1, (self.hidden or 3) + 1)


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "columns_lists",
            Conventions(h0=True),
            (("dz", "dh"), ("hs", "zs", "ps"), ("below", "dz"), _KEYS, _INDICES, ("dz_next", "h0")),
        ),
        Program(
            "rows_by_layer",
            Conventions(layout="rows"),
            (("dz", "dh", "carry"), ("h", "below"), ("dH", "dW"), _KEYS, ("d_scores", "probs", "scores")),
        ),
        Program(
            "cached_class",
            Conventions(h0=True, targets="rows"),
            (("delta", "da"), ("h", "h_prev", "a", "top"), ("dH", "dW", "db"), _KEYS, _INDICES, ("logits", "e")),
        ),
        Program(
            "per_step_sum",
            Conventions(h0=True),
            (("h", "delta"), ("dH", "dW"), _KEYS, ("l", "k", "i", "n"), ("y_hat", "s", "e"), ("total", "delta")),
        ),
        Program(
            "batch_time_first",
            Conventions(h0=True, batch="time-first"),
            (
                ("above", "future", "delta"),
                ("h", "z", "delta"),
                ("dH", "dW"),
                ("H", "W"),
                _KEYS,
                _INDICES,
                ("before", "h"),
            ),
        ),
        Program(
            "two_biases",
            Conventions(h0=True, batch="batch-first", biases=2, over_time="sum"),
            (
                ("dz", "dh", "dh_next"),
                ("h", "below"),
                ("dW_ih", "dW_hh"),
                ("'H'", "'W'"),
                ("'b_ih'", "'b_hh'"),
                ("T", "B"),
            ),
        ),
        Program(
            "layer_functions",
            Conventions(h0=True, batch="batch-first", layout="rows", over_time="sum"),
            (
                ("x", "prev_h", "next_h"),
                ("Wx", "Wh"),
                ("dx", "dprev_h"),
                ("dWx", "dWh"),
                ("dz", "dnext_h"),
                ("N", "T", "D"),
                ("h", "x"),
                ("dh", "dprev_h"),
            ),
        ),
        Program(
            "char_rnn",
            Conventions(h0=True, over_time="sum"),
            (
                ("dy", "dabove", "dh", "dhraw"),
                ("hs", "xs", "ps", "ys"),
                ("Wxh", "Whh"),
                ("dWxh", "dWhh"),
                _KEYS,
                _INDICES,
            ),
        ),
        Program(
            "logistic_dh_next",
            Conventions(h0=True, activation="logistic"),
            (("do", "da", "dz"), ("h", "x", "o"), ("dW", "dH"), _KEYS, _INDICES, ("s", "below"), ("a", "e")),
        ),
        Program(
            "float32_one_layer",
            Conventions(precision="float32"),
            (("t", "step"), ("s", "x", "o"), ("U", "W", "V"), ("dU", "dW", "dV"), ("db", "dc"), ("delta_o", "delta_t")),
            hidden=1,
        ),
        Program(
            "relu_rows",
            Conventions(h0=True, batch="time-first", layout="rows", activation="relu", over_batch="sum"),
            (("dz", "dh", "dnext"), ("hs", "probs"), ("below", "dz"), _KEYS, _INDICES, ("T", "B"), ("z", "below")),
        ),
        Program(
            "last_step_one_layer",
            Conventions(over_time="last"),
            (
                ("temp", "d_h", "d_y"),
                ("d_Whh", "d_Wxh"),
                ("d_bh", "d_by"),
                ("hs", "inputs"),
                _KEYS,
                ("t", "n"),
                ("hidden", "out"),
            ),
            hidden=1,
        ),
    )
}
"""All programs by name."""


def load(source: str, name: str, **replaced: Any) -> Function:
    """The function f that a source text defines, in a namespace of its own.

    Parameters
    ----------
    source
        The text of a program, mutated or not: code of this project, never something that was received.
    name
        What tracebacks call it.
    replaced
        What the text finds under these names from the start.
    """
    namespace: dict[str, Any] = {"__name__": name, **replaced}
    exec(compile(source, f"<{name}>", "exec", dont_inherit=True), namespace)
    function: Function = namespace["f"]
    return function
