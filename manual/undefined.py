"""Symbols that the document uses but never defines."""

from __future__ import annotations

from typing import Any


class Undefined:
    """The value of an expression with an undefined symbol in it: any operation on it is undefined too.

    Parameters
    ----------
    symbol
        The symbol, as the document writes it, for instance ``h^(2)`` with one superscript.
    """

    __array_ufunc__ = None  # NumPy's operators leave the work to the reflected ones below

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def _undefined(self, *_: Any) -> Undefined:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _undefined
    __matmul__ = __rmatmul__ = __truediv__ = __rtruediv__ = __neg__ = __getitem__ = _undefined

    @property
    def T(self) -> Undefined:
        """The transpose of something undefined."""
        return self

    def __repr__(self) -> str:
        return f"undefined: {self.symbol}"
