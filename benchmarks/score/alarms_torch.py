"""Right backprops that torch derives: a stack of `nn.RNN` where it has the activation, plain tensors elsewhere."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bptt_oracle.oracle.conventions import Conventions

from .programs import Function

torch: Any = import_module("torch")  # optional, and so not there to type checkers

_ACTIVATIONS = {
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
    "relu": torch.relu,
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),  # torch's own is the identity above 20: off by 2e-9
    "identity": lambda z: z,
}


def autograd(c: Conventions) -> Function:
    """The loss of these conventions, written in torch, and its gradient."""
    dtype = getattr(torch, c.precision)

    def backprop(params: Any, x: Any, y: Any, h0: Any = None) -> Any:
        leaves = [
            {name: torch.tensor(a, dtype=dtype, requires_grad=True) for name, a in layer.items()} for layer in params
        ]
        loss = _loss(c, leaves, torch.tensor(x, dtype=dtype), torch.tensor(y), h0)
        loss.backward()
        return loss, [{name: leaf.grad for name, leaf in layer.items()} for layer in leaves]

    return backprop if c.h0 else lambda params, x, y: backprop(params, x, y)


def _loss(c: Conventions, layers: Any, x: Any, y: Any, h0: Any) -> Any:
    if c.batch == "none":
        x, y = x[:, None], y[:, None]
    elif c.batch == "batch-first":
        x, y = x.transpose(0, 1), y.transpose(0, 1)
    B = x.shape[1]
    states = x
    for l, layer in enumerate(layers[:-1]):
        W, H = (layer["W"].T, layer["H"].T) if c.layout == "rows" else (layer["W"], layer["H"])
        zero = torch.zeros(len(H), dtype=x.dtype)
        biases = (layer["b_ih"], layer["b_hh"]) if c.biases == 2 else (layer["b"], zero)
        start = (
            torch.zeros(B, len(H), dtype=x.dtype)
            if h0 is None
            else torch.tensor(h0[l], dtype=x.dtype).reshape(B, len(H))
        )
        states = _states(str(c.activation), states, start, (W, H, *biases))
    W = layers[-1]["W"].T if c.layout == "rows" else layers[-1]["W"]
    logits = states @ W.T + layers[-1]["b"]
    targets = torch.nn.functional.one_hot(y, logits.shape[2]) if c.targets == "classes" else y.to(x.dtype)
    losses = -(torch.log_softmax(logits, dim=2) * targets).sum(dim=2)
    over_time = losses[-1] if c.over_time == "last" else losses.mean(0) if c.over_time == "mean" else losses.sum(0)
    return over_time.mean() if c.over_batch == "mean" else over_time.sum()


def _states(activation: str, below: Any, start: Any, weights: tuple[Any, ...]) -> Any:
    """h(1), ..., h(T) of one layer."""
    W, H, b_ih, b_hh = weights
    if activation in ("tanh", "relu"):
        rnn = torch.nn.RNN(W.shape[1], W.shape[0], nonlinearity=activation, dtype=W.dtype)
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        replaced = dict(zip(names, (W, H, b_ih, b_hh), strict=True))
        return torch.func.functional_call(rnn, replaced, (below, start[None]))[0]
    f, h, found = _ACTIVATIONS[activation], start, []
    for x_t in below:
        h = f(x_t @ W.T + b_ih + h @ H.T + b_hh)
        found.append(h)
    return torch.stack(found)
