"""An `nn.RNN` with an `nn.Linear` on top, as the oracle sees it: parameters in the document's form, and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from .as_it_stands import Standing, UncheckableError
from .conventions import ConventionError, Conventions
from .probes import Array

try:
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise ModuleNotFoundError(
        "bptt_oracle.torch: expected PyTorch, but it is not installed; pip install torch", name="torch"
    ) from None

Loss = Callable[[Any, Any], Any]
"""loss(logits, y), of shapes (T, B, |V|) and (T, B), or (B, T, |V|) and (B, T): a tensor of one number."""

NAMED_LOSSES = {"mean": ("mean", "mean"), "sum": ("sum", "sum"), "last": ("last", "mean")}
"""What J is over the steps and over the batch."""

_PRECISIONS = {torch.float64: "float64", torch.float32: "float32"}
_IN_CONVENTIONS = {"b_ih": "b"}


class Model:
    """Stacked `nn.RNN`s, usually one, with an `nn.Linear` on top.

    Attributes
    ----------
    rnns, linear : the modules
    layers : the parameters of the layers 1..n: "W", "H", "b_ih", "b_hh", of the last "W" and "b"; fewer without biases
    """

    def __init__(self, rnns: Sequence[nn.RNN], linear: nn.Linear) -> None:
        for rnn in rnns:
            _expect_rnn(rnn)
        if not isinstance(linear, nn.Linear):
            raise UncheckableError(f"linear: expected an nn.Linear, but got {type(linear).__name__}")
        self.rnns, self.linear = list(rnns), linear
        self.layers: list[dict[str, Any]] = [
            dict(zip(("W", "H", "b_ih", "b_hh"), weights, strict=False)) for rnn in rnns for weights in rnn.all_weights
        ]
        self.layers.append({"W": linear.weight} | ({} if linear.bias is None else {"b": linear.bias}))
        _expect_parameters(self.layers)

    @property
    def has_biases(self) -> bool:
        """Whether every layer has biases."""
        return self.linear.bias is not None and all("b_hh" in layer for layer in self.layers[:-1])

    def conventions(self, loss: str) -> Conventions:
        """The form in which an `nn.RNN` takes its arguments, and the J of a named loss."""
        first = self.rnns[0]
        over_time, over_batch = NAMED_LOSSES[loss]
        return Conventions(
            batch="batch-first" if first.batch_first else "time-first",
            biases=2 if first.bias else 1,
            over_time=over_time,
            over_batch=over_batch,
            activation=first.nonlinearity,
            h0=True,
            precision=_PRECISIONS[self.linear.weight.dtype],
        )

    def standing(self) -> Standing:
        """Its own parameters in the document's form."""
        params, biases, left_out = [], [], {}
        for l, layer in enumerate(self.layers, start=1):
            arrays = {name: p.detach().cpu().double().numpy() for name, p in layer.items()}
            summands = [array for name, array in arrays.items() if name.startswith("b")]
            zero = np.zeros(len(arrays["W"]))
            params.append({name: arrays[name] for name in ("H", "W") if name in arrays} | {"b": sum(summands, zero)})
            biases.append(sum(map(abs, summands), zero))
            for name in () if summands else ("b",):
                left_out[l, name] = "the model has no such parameter"
            for name, p in layer.items():
                if not p.requires_grad:
                    left_out[l, _IN_CONVENTIONS.get(name, name)] = "its requires_grad is False"
        return Standing(params, biases, left_out)

    def load(self, params: Sequence[Mapping[str, Array]]) -> None:
        """Take over parameters of the same shapes."""
        with torch.no_grad():
            for layer, given in zip(self.layers, params, strict=True):
                for name, p in layer.items():
                    p.copy_(torch.as_tensor(given[name]))

    def gradients(
        self, loss: Loss, x: Array, y: Array, h0: Sequence[Array] | None = None
    ) -> tuple[float, list[dict[str, Array]]]:
        """J and what autograd gives for its gradients, zero for what J does not depend on; no h0 where all is zero."""
        like = self.linear.weight
        has_states = h0 is not None and any(state.any() for state in h0)
        states = [torch.as_tensor(state).to(like) for state in h0 or ()] if has_states else []
        signal, classes = torch.as_tensor(x).to(like), torch.as_tensor(y).to(like.device)
        with torch.enable_grad():
            for rnn in self.rnns:
                initial, states = states[: rnn.num_layers], states[rnn.num_layers :]
                signal = rnn(signal, torch.stack(initial))[0] if initial else rnn(signal)[0]
            J = loss(self.linear(signal), classes)
            asked = [p for layer in self.layers for p in layer.values() if p.requires_grad]
            found = iter(torch.autograd.grad(J, asked, allow_unused=True, materialize_grads=True))
        grads = [
            {name: (next(found) if p.requires_grad else torch.zeros_like(p)).cpu().numpy() for name, p in layer.items()}
            for layer in self.layers
        ]
        for layer in grads:
            if not layer.keys() & {"b", "b_ih"}:
                layer["b"] = np.zeros(len(layer["W"]))  # of the form that is expected; never looked at
        return J.item(), grads

    @contextmanager
    def left_as_it_was(self) -> Iterator[Callable[[], list[str]]]:
        """Put parameters and buffers back at the end; gives what tells the parameters that are not as they were."""
        tensors = [t for module in (*self.rnns, self.linear) for t in (*module.parameters(), *module.buffers())]
        before = {id(t): (t, t.detach().clone()) for t in tensors}

        def changed() -> list[str]:
            return [name for name, p in _named(self.layers) if not torch.equal(*before[id(p)])]

        try:
            yield changed
        finally:
            with torch.no_grad():
                for t, was in before.values():
                    if not torch.equal(t, was):
                        t.copy_(was)


def named_loss(loss: str | Loss, *, batch_first: bool) -> Loss:
    """The function that a loss stands for.

    Raises
    ------
    ConventionError
        If there is none of this name.
    """
    if callable(loss):
        return loss
    if loss not in NAMED_LOSSES:
        raise ConventionError(
            f"loss: expected one of {', '.join(NAMED_LOSSES)}, or a function loss(logits, y), but got {loss!r}"
        )

    def cross_entropies(logits: Any, y: Any) -> Any:
        if loss == "last":
            logits, y = (logits[:, -1], y[:, -1]) if batch_first else (logits[-1], y[-1])
        reduction = "sum" if loss == "sum" else "mean"
        return cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1), reduction=reduction)

    return cross_entropies


def stack_like(rnn: nn.RNN, linear: nn.Linear) -> Callable[[tuple[int, ...]], tuple[list[Any], Any]]:
    """What makes modules of the same options for other widths: one `nn.RNN` where all are equal, else one a layer.

    Raises
    ------
    UncheckableError
        If they are of another class, whose options cannot be known.
    """
    for module, of in ((rnn, nn.RNN), (linear, nn.Linear)):
        if type(module) is not of:
            raise UncheckableError(
                f"expected an nn.{of.__name__} itself, but got {type(module).__name__}; "
                "give build=, a function of the widths"
            )
    kind: dict[str, Any] = {"dtype": linear.weight.dtype, "device": linear.weight.device}
    options = kind | {"nonlinearity": rnn.nonlinearity, "batch_first": rnn.batch_first}

    def build(d: tuple[int, ...]) -> tuple[list[Any], Any]:
        hidden = d[1:-1]
        if len(set(hidden)) == 1:
            rnns = [nn.RNN(d[0], hidden[0], num_layers=len(hidden), **options)]
        else:
            rnns = [nn.RNN(below, width, **options) for below, width in pairwise(d[:-1])]
        return rnns, nn.Linear(d[-2], d[-1], **kind)

    return build


def _expect_rnn(rnn: Any) -> None:
    if not isinstance(rnn, nn.RNN):
        raise UncheckableError(f"rnn: expected an nn.RNN, but got {type(rnn).__name__}, whose gradients are different")
    if rnn.bidirectional:
        raise UncheckableError("rnn: expected one direction, but got bidirectional=True; check each direction alone")
    if rnn.dropout and rnn.training and rnn.num_layers > 1:
        raise UncheckableError(
            f"rnn: expected no dropout between the layers, but got dropout={rnn.dropout} in training mode; "
            "call rnn.eval() or set rnn.dropout = 0 for the check"
        )


def _expect_parameters(layers: Sequence[Mapping[str, Any]]) -> None:
    named = list(_named(layers))
    for name, p in named:
        if not isinstance(p, nn.Parameter):
            raise UncheckableError(
                f"{name}: expected a parameter, but got {type(p).__name__}; remove its parametrization"
            )
        if not bool(torch.isfinite(p).all()):
            raise UncheckableError(f"{name}: expected finite numbers, but it holds inf or nan")
    kinds = sorted({f"{p.dtype} on {p.device}" for _, p in named})
    if len(kinds) > 1 or named[0][1].dtype not in _PRECISIONS:
        raise UncheckableError(
            f"expected parameters all of float64 or all of float32, on one device, but got {', '.join(kinds)}; "
            "convert the model"
        )
    if len({id(p) for _, p in named}) < len(named):
        raise UncheckableError("expected parameters of its own in every layer, but two layers share one")
    if not any(p.requires_grad for _, p in named):
        raise UncheckableError("expected a parameter that has a gradient, but got requires_grad=False in all")
    for l, (layer, above) in enumerate(pairwise(layers), start=1):
        width, taken = len(layer["W"]), above["W"].shape[1]
        if width != taken:
            raise UncheckableError(
                f"expected layer {l + 1} to take the {width} units of layer {l}, but it takes {taken}"
            )


def _named(layers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Every parameter, by its name in messages."""
    for l, layer in enumerate(layers, start=1):
        yield from ((f"{name}^({l})", p) for name, p in layer.items())
