"""Arrays that know how they were written: running a reading over them gives the line with its numbers put in.

Only what the lines of the document need is here. A product or a sum that does not fit is written down all the same,
and remembered as the line's misfit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..manual import Elementwise, Undefined

_SUM, _PRODUCT, _ATOM = range(3)


class NotWrittenError(TypeError):
    """A line with an operation that is not written out here, such as the derivative of an expression."""


@dataclass(frozen=True, eq=False)
class Written:
    """A matrix and the LaTeX that gives it.

    Attributes
    ----------
    value : the matrix; None if what gives it does not fit together
    latex : how it was written
    binding : how tightly its last operation binds
    misfit : what does not fit, in words
    """

    value: Any
    latex: str
    binding: int = _ATOM
    misfit: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the matrix."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def T(self) -> Written:
        """The transpose; of a single number, the number."""
        if self.value is not None and self.value.size == 1:
            return self
        return self._with(lambda value: value.T, f"{{{self.at(_ATOM)}}}^T")

    @property
    def size(self) -> int:
        """Asked for by what takes derivatives of expressions alone."""
        raise NotWrittenError("the derivative of an expression is not written out")

    def at(self, binding: int) -> str:
        """The LaTeX, in brackets where something that binds as tightly as `binding` is done with it."""
        return self.latex if self.binding >= binding else rf"\left( {self.latex} \right)"

    def _with(self, operation: Callable[[Any], Any], latex: str, binding: int = _ATOM) -> Written:
        return Written(None if self.value is None else operation(self.value), latex, binding, self.misfit)

    def __getitem__(self, index: Any) -> Written:
        return self._with(lambda value: value[index], self.latex, self.binding)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """`numpy.diag` of a column, which is all that the document's lines use."""
        if function is np.diag:
            return self._with(np.diag, rf"diag\left[ {self.latex} \right]")
        return NotImplemented

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Written):
            return NotImplemented
        sign = r" \cdot " if "matrix" not in self.latex + other.latex else r" \, "
        latex = f"{self.at(_PRODUCT)}{sign}{other.at(_PRODUCT)}"
        misfit = self.misfit or other.misfit
        if misfit is None and self.shape[1] != other.shape[0]:
            misfit = f"it multiplies a {by(self.shape)} matrix by a {by(other.shape)} matrix"
        return Written(None if misfit else self.value @ other.value, latex, _PRODUCT, misfit)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Written):
            return NotImplemented
        latex = f"{self.latex} + {other.at(_SUM)}"
        misfit = self.misfit or other.misfit
        if misfit is None and self.shape != other.shape:
            misfit = f"it adds a {by(self.shape)} matrix and a {by(other.shape)} matrix"
        return Written(None if misfit else self.value + other.value, latex, _SUM, misfit)

    def __radd__(self, other: Any) -> Written:
        if isinstance(other, int) and other == 0:  # where `sum` starts
            return self
        raise NotWrittenError(f"{other!r} + a matrix is not written out")

    def __truediv__(self, number: int) -> Written:
        if number == 1:
            return self
        return self._with(lambda value: value / number, rf"\frac{{1}}{{{number}}} {self.at(_PRODUCT)}", _PRODUCT)


def elementwise(function: Elementwise, name: str) -> Elementwise:
    """A function of an arithmetic, with its derivative, over written arrays."""

    def over(plain: Callable[[Any], Any], symbol: str) -> Callable[[Any], Any]:
        def written(argument: Any) -> Any:
            if isinstance(argument, Undefined):
                return argument
            latex = argument.latex if "matrix" in argument.latex else rf"\left( {argument.latex} \right)"
            return argument._with(plain, f"{symbol}{latex}")

        return written

    return Elementwise(over(function.function, name), over(function.derivative, f"{name}'"))


def matrix(entries: Any, decimals: Callable[[Any], list[list[str]]]) -> Written:
    """A matrix written with its numbers; a single number without brackets."""
    return Written(entries, matrix_latex(decimals(entries)))


def matrix_latex(rows: list[list[str]]) -> str:
    """Rows of decimals as a matrix in LaTeX; a single number without brackets, a negative one with them."""
    if len(rows) == 1 and len(rows[0]) == 1:
        [[number]] = rows
        return rf"({number})" if number.startswith("-") else number
    return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{pmatrix}"


def by(shape: tuple[int, ...]) -> str:
    """A shape in words: "2 by 1"."""
    return " by ".join(map(str, shape))
