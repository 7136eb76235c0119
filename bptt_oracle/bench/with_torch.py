"""The same network as people write it for torch, which is optional."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from .agreement import Found
from .contenders import Contender
from .machine import cores
from .networks import Data

torch: Any = import_module("torch")  # optional, and so not there to type checkers


def contender(data: Data, threads: str) -> Contender:
    """`nn.RNN` with `nn.Linear`, with the parameters of the network; b_hh is zero and stays."""
    torch.set_num_threads(1 if threads == "1" else cores())
    size, hidden = data.size, data.params[:-1]
    dtype = getattr(torch, size.dtype)
    rnn = torch.nn.RNN(size.width, size.width, num_layers=len(hidden), nonlinearity="tanh", dtype=dtype)
    linear = torch.nn.Linear(size.width, size.classes, dtype=dtype)
    with torch.no_grad():
        for l, layer in enumerate(hidden):
            getattr(rnn, f"weight_ih_l{l}").copy_(torch.from_numpy(layer["W"]))
            getattr(rnn, f"weight_hh_l{l}").copy_(torch.from_numpy(layer["H"]))
            getattr(rnn, f"bias_ih_l{l}").copy_(torch.from_numpy(layer["b"]))
            getattr(rnn, f"bias_hh_l{l}").zero_().requires_grad_(False)
        linear.weight.copy_(torch.from_numpy(data.params[-1]["W"]))
        linear.bias.copy_(torch.from_numpy(data.params[-1]["b"]))
    x = torch.from_numpy(data.x.copy()).requires_grad_()
    h0 = torch.from_numpy(np.stack(data.h0)).requires_grad_()
    y = torch.from_numpy(data.y.reshape(-1))
    inputs = [x, h0, *(p for p in [*rnn.parameters(), *linear.parameters()] if p.requires_grad)]

    def work() -> None:
        for tensor in inputs:
            tensor.grad = None
        states, _ = rnn(x, h0)
        torch.nn.functional.cross_entropy(linear(states).reshape(-1, size.classes), y).backward()

    def result(_: None) -> Found:
        params = [
            {
                name: getattr(rnn, f"{of}_l{l}").grad.numpy()
                for name, of in (("H", "weight_hh"), ("W", "weight_ih"), ("b", "bias_ih"))
            }
            for l in range(len(hidden))
        ]
        params.append({"W": linear.weight.grad.numpy(), "b": linear.bias.grad.numpy()})
        return Found(params, list(h0.grad.numpy()), x.grad.numpy())

    return Contender(work, result)
