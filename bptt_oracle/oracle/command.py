"""A backprop that is a program: called like a function, it asks the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .lines import answer, longest_answer, request
from .program import Program
from .refusals import Refusal

TIME_LIMIT = 30.0
"""Seconds for an answer, the start of the program counted in: what an interpreter and its libraries may need."""

MOST_FAILURES = {"crash": 200, "garbage": 3, "time-limit": 3, "too-large": 3}
"""How often a program may fail for each reason until only forms that it has answered in are asked.

A program that crashes may do so in every form but its own: in up to 48 others, while its conventions are found out.
"""


class Command:
    """A program as a backprop f(params, x, y, h0=...), which returns (loss, grads), or grads.

    The program is started once, and again after it has crashed, hung or printed what is no answer.

    Parameters
    ----------
    argv
        The program and its arguments.
    time_limit
        Seconds for each answer.
    hexadecimal
        Whether floats are sent in C hex instead of the shortest decimal.

    Raises
    ------
    ProgramError
        If the program cannot be started.
    """

    def __init__(self, argv: Sequence[str], *, time_limit: float = TIME_LIMIT, hexadecimal: bool = False) -> None:
        self.argv = tuple(argv)
        self.time_limit = time_limit
        self.hexadecimal = hexadecimal
        self._asked = 0
        self._failures: list[Refusal] = []
        self._forms: set[tuple[Any, ...]] = set()
        self._started: list[Command] = []
        self._program: Program | None = Program(self.argv)

    @property
    def longest_call(self) -> float:
        """Seconds that a call takes at most: the limit, and what it takes to end a program and start it."""
        return self.time_limit + 5

    def fresh(self) -> Command:
        """The same program, started anew; it ends with this one, or when the next is started."""
        self._close_started()
        other = Command(self.argv, time_limit=self.time_limit, hexadecimal=self.hexadecimal)
        other._failures, other._forms = self._failures, self._forms
        self._started.append(other)
        return other

    def __call__(
        self, params: Sequence[Mapping[str, ArrayLike]], x: ArrayLike, y: ArrayLike, **states: Sequence[ArrayLike]
    ) -> Any:
        """Ask the program about one network.

        Parameters
        ----------
        params, x, y
            As the program takes them.
        states
            h0 or nothing: that the program knows initial states cannot be seen from here.

        Raises
        ------
        Refusal
            If it gives no answer, with the reason.
        """
        form = _form(params, x, y, states)
        self._expect_patience(form)
        self._asked += 1
        line = request(self._asked, params, x, y, **states, hexadecimal=self.hexadecimal)
        if self._program is None:
            self._program = Program(self.argv)
        try:
            said = self._program.ask(line, longest_answer(params), self.time_limit)
            loss, grads = answer(said, self._asked)
        except Refusal as refusal:
            if refusal.slug in MOST_FAILURES:
                self._failures.append(refusal)
                self._kill()
            raise
        except BaseException:  # interrupted: an answer that comes later must not be taken for the next one
            self._kill()
            raise
        self._forms.add(form)
        return grads if loss is None else (loss, grads)

    def _expect_patience(self, form: tuple[Any, ...]) -> None:
        """Refuse for the reason of the last time, if the program failed too often to be started again."""
        counts = Counter(refusal.slug for refusal in self._failures)
        too_often = {slug for slug, most in MOST_FAILURES.items() if counts[slug] >= most}
        if "time-limit" in too_often or (too_often and form not in self._forms):
            last = self._failures[-1]
            raise Refusal(
                last.slug,
                f"not started again after {len(self._failures)} failures, the last of them: {last.message}",
                last.detail,
            )

    def _kill(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program = None

    def close(self) -> None:
        """End the program, and those started anew from here."""
        self._close_started()
        if self._program is not None:
            self._program.end()
            self._program = None

    def _close_started(self) -> None:
        for other in self._started:
            other.close()
        self._started.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _form(
    params: Sequence[Mapping[str, ArrayLike]], x: ArrayLike, y: ArrayLike, states: Mapping[str, Any]
) -> tuple[Any, ...]:
    """The form of a request, as far as it shows: biases, batch, targets, h0, and rows or columns."""
    top = params[-1]
    is_columns = np.shape(top["W"])[0] == np.size(top["b"])
    return (*params[0], np.ndim(x), np.ndim(y), *states, is_columns)
