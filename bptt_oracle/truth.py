"""The reference's values under the document's names: what autodiff gives for `q.delta[l, t, i]` and the rest.

The reference keeps plain arrays, gradients and Jacobians with the vector's axis first; the document has columns, and
derivatives in numerator layout. This is the one place where the two meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .manual import Network, Quantities

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
        """The quantity `name` at the document's indices, in the document's shape."""
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

    def _gradient(self, parameter: str, at: tuple[int, ...]) -> Any:
        if len(at) == 1:
            gradient = self._values["dJ"][at[0] - 1][parameter]
        else:
            gradient = self._values["dJ_at"][at[0] - 1][parameter][at[1] - 1]
        return gradient[:, None] if gradient.ndim == 1 else gradient


def _numerator_layout(gradient: Any) -> Any:
    """The transpose of a gradient; a row for a vector."""
    return gradient[None, :] if gradient.ndim == 1 else gradient.T
