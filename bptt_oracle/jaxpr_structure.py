"""Rules of the evaluator that move entries without computing: shapes, slices, padding, gather and scatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any

import numpy as np
from jax.lax import GatherScatterMode

from bptt_oracle.arithmetic.arrays import Array
from bptt_oracle.jaxpr_walk import (
    OutOfBoundsError,
    Run,
    UnknownPrimitiveError,
    filled,
    is_floating,
    refuse_elements,
    rule,
)


@rule("copy", "copy_p", "stop_gradient")
def _copy(run: Run, a: Array, **_: Any) -> Any:
    return a


@rule("optimization_barrier")
def _barrier(run: Run, *arrays: Array, **_: Any) -> list[Any]:
    return list(arrays)


@rule("convert_element_type")
def _convert_element_type(run: Run, a: Array, *, new_dtype: Any, **_: Any) -> Any:
    if a.dtype != object:
        return run.bring(a, new_dtype)
    if not is_floating(new_dtype):
        refuse_elements("convert_element_type to an integer", a)
    return a  # another floating type holds the same real number


@rule("iota")
def _iota(run: Run, *, dtype: Any, shape: tuple[int, ...], dimension: int, **_: Any) -> Any:
    counts = np.arange(shape[dimension]).reshape([-1 if axis == dimension else 1 for axis in range(len(shape))])
    return run.bring(np.broadcast_to(counts, shape), dtype)


@rule("transpose")
def _transpose(run: Run, a: Array, *, permutation: Any, **_: Any) -> Any:
    return a.transpose(permutation)


@rule("reshape")
def _reshape(run: Run, a: Array, *, new_sizes: tuple[int, ...], dimensions: Any, **_: Any) -> Any:
    if dimensions is not None:
        raise UnknownPrimitiveError("no rule for reshape with dimensions: transpose first")
    return a.reshape(new_sizes)


@rule("squeeze")
def _squeeze(run: Run, a: Array, *, dimensions: tuple[int, ...], **_: Any) -> Any:
    return np.squeeze(a, axis=tuple(dimensions))


@rule("expand_dims")
def _expand_dims(run: Run, a: Array, *, dimensions: tuple[int, ...], **_: Any) -> Any:
    return np.expand_dims(a, tuple(dimensions))


@rule("broadcast_in_dim")
def _broadcast_in_dim(
    run: Run, a: Array, *, shape: tuple[int, ...], broadcast_dimensions: tuple[int, ...], **_: Any
) -> Any:
    aligned = [1] * len(shape)
    for axis, target in enumerate(broadcast_dimensions):
        aligned[target] = a.shape[axis]
    return np.broadcast_to(a.reshape(aligned), shape)


@rule("concatenate")
def _concatenate(run: Run, *arrays: Array, dimension: int, **_: Any) -> Any:
    return np.concatenate(arrays, axis=dimension)


@rule("stack")
def _stack(run: Run, *arrays: Array, axis: int, **_: Any) -> Any:
    return np.stack(arrays, axis=axis)


@rule("unstack")
def _unstack(run: Run, a: Array, *, axis: int, **_: Any) -> list[Any]:
    return [np.take(a, position, axis=axis) for position in range(a.shape[axis])]


@rule("split")
def _split(run: Run, a: Array, *, sizes: tuple[int, ...], axis: int, **_: Any) -> list[Any]:
    return list(np.split(a, np.cumsum(sizes)[:-1], axis=axis))


@rule("rev")
def _rev(run: Run, a: Array, *, dimensions: tuple[int, ...], **_: Any) -> Any:
    return np.flip(a, axis=tuple(dimensions))


@rule("slice")
def _slice(run: Run, a: Array, *, start_indices: Any, limit_indices: Any, strides: Any, **_: Any) -> Any:
    steps = [1] * a.ndim if strides is None else strides
    return a[tuple(starmap(slice, zip(start_indices, limit_indices, steps, strict=True)))]


@rule("pad")
def _pad(run: Run, a: Array, value: Array, *, padding_config: Any, **_: Any) -> Any:
    shape, inside, kept = [], [], []
    for size, (low, high, interior) in zip(a.shape, padding_config, strict=True):
        spread = size + max(size - 1, 0) * interior
        before, after = max(low, 0), max(high, 0)
        shape.append(before + spread + after)
        inside.append(slice(before, before + spread, interior + 1))
        kept.append(slice(max(-low, 0), shape[-1] - max(-high, 0)))  # what negative padding leaves
    result = filled(tuple(shape), value[()], a.dtype)
    result[tuple(inside)] = a
    return result[tuple(kept)]


@rule("dynamic_slice")
def _dynamic_slice(run: Run, a: Array, *starts: Array, slice_sizes: tuple[int, ...], **_: Any) -> Any:
    return a[_window([int(s) for s in starts], slice_sizes, a.shape)]


@rule("dynamic_update_slice")
def _dynamic_update_slice(run: Run, a: Array, update: Array, *starts: Array, **_: Any) -> Any:
    result = a.copy()
    result[_window([int(s) for s in starts], update.shape, a.shape)] = update
    return result


def _window(starts: Sequence[int], sizes: Sequence[int], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The window of the given sizes, moved inside the array as JAX does."""
    inside = [min(max(s, 0), whole - size) for s, size, whole in zip(starts, sizes, shape, strict=True)]
    return tuple(slice(s, s + size) for s, size in zip(inside, sizes, strict=True))


@rule("gather")
def _gather(
    run: Run,
    a: Array,
    indices: Array,
    *,
    dimension_numbers: Any,
    slice_sizes: tuple[int, ...],
    mode: Any,
    **_: Any,
) -> Any:
    numbers = dimension_numbers
    windows = _windows(
        "gather", indices, a.shape, slice_sizes, numbers.start_index_map,
        numbers.operand_batching_dims, numbers.start_indices_batching_dims, mode,
    )  # fmt: skip
    dropped = tuple(sorted((*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)))
    batch = indices.shape[:-1]
    window_shape = tuple(size for axis, size in enumerate(slice_sizes) if axis not in dropped)
    result: Array = np.empty(batch + window_shape, dtype=a.dtype)
    for at, window in windows:
        if window is None:
            raise OutOfBoundsError(f"gather: the index {indices[at]} lies outside the shape {a.shape}")
        where: Any = (*at, ...)
        result[where] = np.squeeze(a[window], axis=dropped)
    return np.moveaxis(result, range(len(batch), result.ndim), numbers.offset_dims)


@rule("scatter-add", "scatter_add")
def _scatter_add(run: Run, a: Array, indices: Array, updates: Array, **params: Any) -> Any:
    return _scattered(a, indices, updates, np.add, **params)


@rule("scatter")
def _scatter(run: Run, a: Array, indices: Array, updates: Array, **params: Any) -> Any:
    return _scattered(a, indices, updates, lambda old, new: new, **params)


def _scattered(
    a: Array,
    indices: Array,
    updates: Array,
    combine: Callable[[Any, Any], Any],
    *,
    dimension_numbers: Any,
    mode: Any,
    **_: Any,
) -> Any:
    numbers = dimension_numbers
    inserted = tuple(sorted((*numbers.inserted_window_dims, *numbers.operand_batching_dims)))
    batch = indices.shape[:-1]
    ordered = np.moveaxis(updates, numbers.update_window_dims, range(len(batch), updates.ndim))
    sizes = list(ordered.shape[len(batch) :])
    for axis in inserted:
        sizes.insert(axis, 1)
    result = a.copy()
    windows = _windows(
        "scatter", indices, a.shape, sizes, numbers.scatter_dims_to_operand_dims,
        numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, mode,
    )  # fmt: skip
    for at, window in windows:
        if window is not None:
            where: Any = (*at, ...)
            result[window] = combine(result[window], ordered[where].reshape(sizes))
    return result


def _windows(
    name: str,
    indices: Array,
    shape: tuple[int, ...],
    sizes: Sequence[int],
    index_map: Sequence[int],
    batching: Sequence[int],
    indices_batching: Sequence[int],
    mode: Any,
) -> list[tuple[tuple[int, ...], tuple[slice, ...] | None]]:
    """For each index vector, its position and the window it names; None where JAX fills or drops."""
    found: list[tuple[tuple[int, ...], tuple[slice, ...] | None]] = []
    for at in np.ndindex(*indices.shape[:-1]):
        starts = [0] * len(shape)
        for axis, start in zip(index_map, indices[at], strict=True):
            starts[axis] = int(start)
        for axis, source in zip(batching, indices_batching, strict=True):
            starts[axis] = at[source]
        inside = all(0 <= s <= whole - size for s, size, whole in zip(starts, sizes, shape, strict=True))
        if not inside and mode == GatherScatterMode.PROMISE_IN_BOUNDS:
            raise OutOfBoundsError(f"{name}: the index {indices[at]} lies outside the shape {shape}")
        kept = inside or mode == GatherScatterMode.CLIP
        found.append((at, _window(starts, sizes, shape) if kept else None))
    return found
