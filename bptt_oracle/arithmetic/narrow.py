"""Arrays of a narrow format that stay in it.

NumPy has no matrix product for bfloat16: it takes that of float32, and hands back float32. From there on a program
runs in float32 without a word. `Narrow` arrays round every result of an operation back to their own format.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class Narrow(np.ndarray[Any, np.dtype[Any]]):
    """A bfloat16 array whose products, sums and functions are bfloat16 again."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            raise TypeError(f"{ufunc.__name__}: expected an operation that makes a new array, but got out=")
        plain = [np.asarray(value) if isinstance(value, Narrow) else value for value in inputs]
        return _narrowed(getattr(ufunc, method)(*plain, **options))


def narrow(array: NDArray[Any]) -> Narrow:
    """An array of the same shape, rounded to bfloat16, that stays there."""
    return array.astype(BFLOAT16).view(Narrow)


def _narrowed(result: Any) -> Any:
    if not isinstance(result, np.ndarray | np.generic) or result.dtype.kind not in "fV":
        return result
    return np.asarray(result).astype(BFLOAT16).view(Narrow)
