"""The whole derivation, executed: every quantity of one network worked out by the document's own equations.

Sections 3.1, 3.3 and 4 each state the recursion of the deltas; `Route` says which of the statements to go by. Every
look-up of a quantity that an equation makes is recorded as an edge from that equation to the one that gave it, so
that the graph of the derivation is what ran, not what somebody wrote down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import conclusion, deltas, forward, gradients, loss, trick
from .calculus import diag
from .network import Network
from .quantities import Quantities
from .registry import indices, right_reading, value

__all__ = ["ROUTES", "Derivation", "Route", "conclusion", "deltas", "forward", "gradients", "loss", "trick"]


@dataclass(frozen=True)
class Route:
    """The equation that gives each case of delta and of gamma.

    Attributes
    ----------
    output, top, top_back, hidden, hidden_back
        delta of layer n; of n-1 at the loss's own time and back through time; of the layers below, likewise.
    gamma_last, gamma_top, gamma_hidden
        gamma at t = T; before, of layer n-1 and of the layers below.
    """

    output: int
    top: int
    top_back: int
    hidden: int
    hidden_back: int
    gamma_last: int
    gamma_top: int
    gamma_hidden: int


ROUTES = {
    "3.1": Route(7, 9, 11, 13, 15, 36, 37, 38),
    "3.3": Route(26, 27, 28, 29, 30, 36, 37, 38),
    "4": Route(42, 42, 28, 42, 30, 43, 43, 43),
}
"""The three statements of the recursion, by the section that makes them."""

_DERIVATIVE_IN_z = Route(6, 8, 10, 12, 14, 36, 37, 38)
_FORWARD = {"h": 4, "z": 5, "y_hat": 3}
_GRADIENTS_OF_STEPS = {  # of a hidden layer, of the output layer
    "dJ_dH": (16, 16),
    "dJ_dW": (20, 18),
    "dJ_db": (24, 22),
    "grad_H": (17, 17),
    "grad_W": (21, 19),
    "grad_b": (25, 23),
}
_GRADIENTS_OF_J = {"grad_H": 44, "grad_W": 45, "grad_b": 46}


class Derivation(Quantities):
    """The quantities of a network, each worked out once, by the corrected reading of its equation.

    Parameters
    ----------
    network
        The network, over any numbers.
    route
        Which section's statement of the recursion to go by.

    Attributes
    ----------
    uses : set of (equation, equation)
        (M, N) if a value of equation (N) was looked up while equation (M) was evaluated.
    """

    def __init__(self, network: Network, route: Route = ROUTES["3.1"]) -> None:
        self.route = route
        self.uses: set[tuple[int, int]] = set()
        self._evaluating: list[int] = []
        self._known: dict[tuple[str, tuple[int, ...]], tuple[int | None, Any]] = {}
        super().__init__(network, self._find)

    def evaluate(self, number: int, reading: Callable[..., Any], *at: int) -> Any:
        """All lines of a reading of equation `number`, as a generator, with its look-ups recorded."""
        lines = reading(self, *at)
        while True:
            self._evaluating.append(number)
            try:
                line = next(lines, None)
            finally:
                self._evaluating.pop()
            if line is None:
                return
            yield line

    def _find(self, name: str, at: tuple[int, ...]) -> Any:
        key = (name, at)
        if key not in self._known:
            self._known[key] = self._work_out(name, at)
        number, found = self._known[key]
        if number is not None and self._evaluating and self._evaluating[-1] != number:
            self.uses.add((self._evaluating[-1], number))
        return found

    def _equation(self, number: int, **at: int) -> tuple[int, Any]:
        reading = right_reading(number)
        arguments = [at[index] for index in indices(reading)]
        self._evaluating.append(number)
        try:
            return number, value(reading, self, *arguments)
        finally:
            self._evaluating.pop()

    def _work_out(self, name: str, at: tuple[int, ...]) -> tuple[int | None, Any]:
        n, T = self.n, self.T
        if name == "h" and at[1] == 0:
            return None, self.network.h0[at[0]]
        if name in _FORWARD:
            return self._equation(_FORWARD[name], l=at[0], t=at[-1])
        if name == "J":
            return self._loss(at)
        if name == "delta":
            return self._delta(self.route, at, zero=self.zeros(self.d[at[0]]))
        if name == "dJ_dz":
            return self._delta(_DERIVATIVE_IN_z, at, zero=self.zeros(1, self.d[at[0]]))
        if name == "gamma":
            l, t = at
            route = self.route
            number = route.gamma_last if t == T else route.gamma_top if l == n - 1 else route.gamma_hidden
            return self._equation(number, l=l, t=t)
        if name in _GRADIENTS_OF_J and len(at) == 1:
            return self._equation(_GRADIENTS_OF_J[name], l=at[0])
        if name in _GRADIENTS_OF_STEPS:
            hidden, output = _GRADIENTS_OF_STEPS[name]
            return self._equation(output if at[0] == n else hidden, l=at[0], t=at[1])
        return None, self._one_step(name, at)

    def _loss(self, at: tuple[int, ...]) -> tuple[int, Any]:
        """(2) and (1), or for soft targets, of which they do not speak, the first two lines of (1)."""
        steps = at or tuple(range(1, self.T + 1))
        if all(self.network.class_at(t) is not None for t in steps):
            return self._equation(2, t=at[0]) if at else self._equation(1)
        if at:
            return 1, -(self.y[at[0]].T @ self.log(self.y_hat[at[0]]))
        return 1, sum(self.J[t] for t in steps) / self.T

    def _delta(self, route: Route, at: tuple[int, ...], zero: Any) -> tuple[int | None, Any]:
        l, t, i = at
        if i < t or (l == self.n and i != t):
            return None, zero  # z^(l)(t) has no influence on J^(i)
        top = l == self.n - 1
        if t == i:
            number = route.output if l == self.n else route.top if top else route.hidden
            return self._equation(number, l=l, t=t)
        return self._equation(route.top_back if top else route.hidden_back, l=l, t=i, c=i - t)

    def _one_step(self, name: str, at: tuple[int, ...]) -> Any:
        """Jacobians of the single step (5), and the summands |_(k): each read off from its own expression."""
        if name == "dz_dz":
            to, _, l, t = at
            outer = self.H[l] if to == l else self.W[to]
            return outer @ diag(self.f_prime(self.z[l, t]))
        l, k = at[:2]
        if name == "dz_db":
            return self.eye(self.d[l])
        if name == "dJ_db_summand":
            return self.delta[at].T
        below = self.h[l, k - 1] if name.startswith(("dz_dH", "dJ_dH")) else self.h[l - 1, k]
        if name.endswith("summand"):
            return below @ self.delta[at].T
        return gradients.stack(below @ self.unit(i, self.d[l]).T for i in range(self.d[l]))
