"""Every quantity that the document names, for one network, wherever its values come from.

The equations ask for `q.delta[l, t, i]`, `q.z[l, t]` and so on, with the document's own indices. `Quantities` looks
them up in a source: `Derivation` works each one out by the document's equations, and the verification can put
reference values in their place, so that one equation is judged alone.

| symbol | in code | shape |
|---|---|---|
| J, J^(t) | `q.J[()]`, `q.J[t]` | (1, 1) |
| y^^(t), h^(l)(t), z^(l)(t) | `q.y_hat[t]`, `q.h[l, t]`, `q.z[l, t]` | columns (d_l, 1) |
| dJ^(i)/dz^(l)(t) | `q.dJ_dz[l, t, i]` | row (1, d_l) |
| delta^(l)(t)(i), its transpose | `q.delta[l, t, i]` | column (d_l, 1) |
| gamma^(l)(t) | `q.gamma[l, t]` | column (d_l, 1) |
| dz^(m)(s)/dz^(l)(t), one step | `q.dz_dz[m, s, l, t]` | (d_m, d_l) |
| dz^(l)(k)/dH^(l) at copy k | `q.dz_dH[l, k]` | vector of d_l matrices (d_l, d_l) |
| dz^(l)(k)/dW^(l) at copy k | `q.dz_dW[l, k]` | vector of d_l matrices (d_{l-1}, d_l) |
| dz^(l)(k)/db^(l) at copy k | `q.dz_db[l, k]` | (d_l, d_l) |
| dJ^(i)/dH^(l) at copy k | `q.dJ_dH_summand[l, k, i]`; likewise W, b | (d_l, d_l); (d_{l-1}, d_l); (1, d_l) |
| dJ^(i)/dH^(l) | `q.dJ_dH[l, i]`; likewise W, b | as the summands |
| gradient of J^(i) in H^(l) | `q.grad_H[l, i]`; likewise W, b | (d_l, d_l); (d_l, d_{l-1}); (d_l, 1) |
| gradient of J in H^(l) | `q.grad_H[l]`; likewise W, b | as above |

Derivatives in numerator layout carry the transposed shape of their gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .calculus import Array
from .network import Network
from .undefined import Undefined

Find = Callable[[str, tuple[int, ...]], Any]


class Symbol:
    """One symbol of the document; indexed with the document's indices."""

    def __init__(self, name: str, find: Find) -> None:
        self._name = name
        self._find = find

    def __getitem__(self, indices: int | tuple[int, ...]) -> Any:
        return self._find(self._name, indices if isinstance(indices, tuple) else (indices,))


class Quantities:
    """The quantities of one network, looked up in `find(name, indices)`.

    Raises
    ------
    Nothing for a symbol outside the ranges in which the document defines it: it is `Undefined`, as a value.
    """

    def __init__(self, network: Network, find: Find) -> None:
        def defined(name: str, at: tuple[int, ...]) -> Any:
            return find(name, at) if self._exists(name, at) else Undefined(notation(name, at))

        self.network = network
        self.n, self.T, self.d = network.n, network.T, network.d
        self.H, self.W, self.b, self.x = network.H, network.W, network.b, network.x
        self.y = network.y
        self.f, self.exp, self.log, self.g = (
            network.functions.f,
            network.functions.exp,
            network.functions.log,
            network.functions.g,
        )
        self.f_prime = self.f.derivative
        self.J = Symbol("J", defined)
        self.y_hat = Symbol("y_hat", defined)
        self.h = Symbol("h", defined)
        self.z = Symbol("z", defined)
        self.dJ_dz = Symbol("dJ_dz", defined)
        self.delta = Symbol("delta", defined)
        self.gamma = Symbol("gamma", defined)
        self.dz_dz = Symbol("dz_dz", defined)
        self.dz_dH, self.dz_dW, self.dz_db = (Symbol(f"dz_d{p}", defined) for p in "HWb")
        self.dJ_dH_summand, self.dJ_dW_summand, self.dJ_db_summand = (
            Symbol(f"dJ_d{p}_summand", defined) for p in "HWb"
        )
        self.dJ_dH, self.dJ_dW, self.dJ_db = (Symbol(f"dJ_d{p}", defined) for p in "HWb")
        self.grad_H, self.grad_W, self.grad_b = (Symbol(f"grad_{p}", defined) for p in "HWb")

    def k(self, t: int) -> Any:
        """The k of (2), from 0: the class at time t; undefined unless y^(t) is one-hot."""
        k = self.network.class_at(t)
        return Undefined(f"k, for y^({t}) is not one-hot") if k is None else k

    def eye(self, size: int) -> Array:
        """The identity matrix, of the network's number type."""
        return np.eye(size, dtype=self.network.dtype)

    def zeros(self, rows: int, columns: int = 1) -> Array:
        """A zero matrix, of the network's number type."""
        return np.zeros((rows, columns), dtype=self.network.dtype)

    def unit(self, i: int, size: int) -> Array:
        """The document's epsilon_i: a unit column, i from 0."""
        return self.eye(size)[:, i : i + 1]

    def _exists(self, name: str, at: tuple[int, ...]) -> bool:
        """Whether the document's symbols exist at these indices: the ranges that follow from (3)-(5)."""
        n, T = self.n, self.T
        if name == "h":
            l, t = at
            return 1 <= t <= T if l == 0 else 0 < l < n and 0 <= t <= T
        if name in ("z", "gamma", "delta", "dJ_dz"):
            return 1 <= at[0] <= n and all(1 <= t <= T for t in at[1:])
        return True


def notation(name: str, at: tuple[int, ...]) -> str:
    """A quantity as a reader knows it, for messages: ``delta^(2)(1)(3)``."""
    indices = "".join(f"({i})" for i in at)
    if name.startswith("grad_"):
        loss = "J" if len(at) == 1 else f"J^({at[1]})"
        return f"gradient of {loss} in {name[-1]}^({at[0]})"
    if name.startswith("dJ_d") and name != "dJ_dz":
        copy = f" at copy ({at[1]})" if name.endswith("summand") else ""
        return f"dJ^({at[-1]})/d{name[4]}^({at[0]}){copy}"
    if name == "dJ_dz":
        return f"dJ^({at[2]})/dz^({at[0]})({at[1]})"
    if name == "dz_dz":
        return f"dz^({at[0]})({at[1]})/dz^({at[2]})({at[3]})"
    if name.startswith("dz_d"):
        return f"dz^({at[0]})({at[1]})/d{name[-1]}^({at[0]}) at copy ({at[1]})"
    return f"{name}^{indices}" if at else name
