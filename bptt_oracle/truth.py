"""The reference's values under the document's names: what autodiff gives for `q.delta[l, t, i]` and the rest.

The reference keeps plain arrays, gradients and Jacobians with the vector's axis first; the document has columns, and
derivatives in numerator layout. This is the one place where the two meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .manual import Network, Quantities, notation

_PARAMETER = slice(-1, None)


class Truth:
    """Look-ups in what `bptt_oracle.reference.quantities` returned, for one network.

    Parameters
    ----------
    network
        The network that the values belong to.
    values
        The reference's dict, of arrays over the same numbers.
    """

    def __init__(self, network: Network, values: Mapping[str, Any]) -> None:
        self._network = network
        self._values = values

    def quantities(self) -> Quantities:
        """All quantities of the document with the reference's values: the neighbours of an equation judged alone."""
        return Quantities(self._network, self.find)

    def find(self, name: str, at: tuple[int, ...]) -> Any:
        """The quantity `name` at the document's indices, in the document's shape.

        Parameters
        ----------
        name
            As in `Quantities`.
        at
            Layers and times as the document counts them; the order of the indices is that of `Quantities`.

        Raises
        ------
        IndexError
            If the quantity has no such layer or time.
        """
        self._expect_indices(name, at)
        values = self._values
        if name == "J":
            return (values["J_at"][at[0] - 1 : at[0]] if at else values["J"]).reshape(1, 1)
        if name == "y_hat":
            return values["y_hat"][at[0] - 1][:, None]
        if name == "h":
            l, t = at
            return self._network.h0[l] if t == 0 else values["h"][l][t - 1][:, None]
        if name == "z":
            l, t = at
            return values["z"][l - 1][t - 1][:, None]
        if name in ("dJ_dz", "delta"):
            l, t, i = at
            row = values["dJ_dz"][l - 1][i - 1, t - 1][None, :]
            return row if name == "dJ_dz" else row.T
        if name == "gamma":  # its definition: the sum of delta^(l)(t)(i) over i from t to T
            l, t = at
            return sum(self.find("delta", (l, t, i)) for i in range(t, self._network.T + 1))
        if name == "dz_dz":
            to, _, l, t = at
            return values["dz_dz_next" if to == l else "dz_dz_above"][l - 1][t - 1]
        if name.startswith("grad_"):
            return self._gradient(name[_PARAMETER], at)
        parameter = name.removesuffix("_summand")[_PARAMETER]
        if name.endswith("_summand"):
            l, k, i = at
            return _numerator_layout(values["summands"][l - 1][parameter][i - 1, k - 1])
        if name.startswith("dJ_d"):
            l, i = at
            return _numerator_layout(values["dJ_at"][l - 1][parameter][i - 1])
        l, k = at
        step = values["dz_d"][l - 1][parameter][k - 1]
        return step if parameter == "b" else step.transpose(0, 2, 1)

    def _expect_indices(self, name: str, at: tuple[int, ...]) -> None:
        """Refuse what Python would count from the end of an array."""
        n, T = self._network.n, self._network.T
        layers, times = range(1, n + 1), range(1, T + 1)
        if name == "dz_dz":
            to, later, l, t = at
            steps = {(l + 1, t)} | ({(l, t + 1)} if t < T else set())
            if l not in range(1, n) or t not in times or (to, later) not in steps:
                raise IndexError(
                    f"{notation(name, at)}: expected one step, from z^(l)(t) to z^(l+1)(t) or z^(l)(t+1), "
                    f"with l in 1..{n - 1} and times 1..{T}, for n = {n} and T = {T}"
                )
            return
        if name == "h":
            layers, times = range(n), range(0 if at[0] else 1, T + 1)
        elif name.removesuffix("_summand").endswith("H"):
            layers = range(1, n)
        of_layer, of_time = ((), at) if name in ("J", "y_hat") else (at[:1], at[1:])
        if not (all(l in layers for l in of_layer) and all(t in times for t in of_time)):
            expected = [f"layers {layers.start}..{layers.stop - 1}"] if of_layer else []
            expected += [f"times {times.start}..{times.stop - 1}"] if of_time else []
            raise IndexError(f"{notation(name, at)}: expected {' and '.join(expected)}, for n = {n} and T = {T}")

    def _gradient(self, parameter: str, at: tuple[int, ...]) -> Any:
        if len(at) == 1:
            gradient = self._values["dJ"][at[0] - 1][parameter]
        else:
            gradient = self._values["dJ_at"][at[0] - 1][parameter][at[1] - 1]
        return gradient[:, None] if gradient.ndim == 1 else gradient


def _numerator_layout(gradient: Any) -> Any:
    """The transpose of a gradient; a row for a vector."""
    return gradient[None, :] if gradient.ndim == 1 else gradient.T
