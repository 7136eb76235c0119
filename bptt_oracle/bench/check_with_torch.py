"""`torch.autograd.gradcheck` of a backprop in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..oracle.probes import Array
from .differences import At

torch: Any = import_module("torch")  # optional, and so not there to type checkers


def slow(at: At, leaves: Sequence[Array]) -> bool:
    """Whether the slow mode, the default, lets it through."""
    return _gradcheck(at, leaves, fast_mode=False)


def fast(at: At, leaves: Sequence[Array]) -> bool:
    """Whether the fast mode lets it through; its random directions are those of one seed."""
    return _gradcheck(at, leaves, fast_mode=True)


def _gradcheck(at: At, leaves: Sequence[Array], *, fast_mode: bool) -> bool:
    class Backprop(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            loss, ctx.gradients = at([tensor.detach().numpy() for tensor in tensors])
            return torch.tensor(loss, dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, *outgoing: Any) -> Any:
            return tuple(outgoing[0] * torch.from_numpy(gradient.copy()) for gradient in ctx.gradients)

    torch.manual_seed(2016)
    tensors = tuple(torch.tensor(leaf, dtype=torch.float64, requires_grad=True) for leaf in leaves)
    return bool(torch.autograd.gradcheck(Backprop.apply, tensors, raise_exception=False, fast_mode=fast_mode))
