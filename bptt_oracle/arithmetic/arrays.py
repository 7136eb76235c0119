"""Object arrays: NumPy's containers for elements of any arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ObjectArray = npt.NDArray[np.object_]


def elementwise(function: Callable[..., Any], *arrays: Array) -> ObjectArray:
    """Object array of a function's values over arrays that broadcast.

    Parameters
    ----------
    function
        Takes one entry of each array.
    arrays
        At least one; of any shapes that broadcast, () included.

    Returns
    -------
    Array of the common shape; unlike NumPy's own functions, a 0-d array for 0-d arrays.
    """
    together = arrays if len(arrays) == 1 else np.broadcast_arrays(*arrays)
    result = np.empty(together[0].shape, dtype=object)
    flat = result.reshape(-1)
    for position, values in enumerate(zip(*(array.flat for array in together), strict=True)):
        flat[position] = function(*values)
    return result
