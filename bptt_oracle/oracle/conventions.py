"""What a backprop may do in more than one right way: its layout, its batch, its biases, its loss, its activation.

A convention is not a mistake. Each is declared by the caller or found out, and every result names them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..manual import ACTIVATIONS, Elementwise, Functions, NetworkError

CHOICES: dict[str, tuple[Any, ...]] = {
    "layout": ("columns", "rows"),
    "batch": ("none", "time-first", "batch-first"),
    "biases": (1, 2),
    "over_time": ("mean", "sum", "last"),
    "over_batch": ("mean", "sum"),
    "activation": tuple(ACTIVATIONS),
    "targets": ("classes", "rows"),
    "h0": (False, True),
    "precision": ("float64", "float32"),
}
"""What each convention can be; the first is what is tried first."""


class ConventionError(NetworkError):
    """A convention that does not exist. The message says what was expected and what came."""


@dataclass(frozen=True)
class Conventions:
    """How one backprop takes a network, and which loss it differentiates.

    Attributes
    ----------
    layout : "columns" (W of shape (d_l, d_{l-1}), z = W h, as in the document) or "rows" (the transpose, z = h W)
    batch : "none" (x of shape (T, d_0)), "time-first" (T, B, d_0) or "batch-first" (B, T, d_0)
    biases : 1 ("b") or 2 ("b_ih" and "b_hh", which are added, in the hidden layers; the output layer has "b")
    over_time : J is the "mean" or the "sum" of the J^(t), or J^(T), the "last"
    over_batch : the losses of the sequences of a batch are averaged ("mean") or added ("sum")
    activation : the name of an activation, or a pair (f, f')
    targets : y holds "classes", (T,) or (T, B), or "rows" that sum to 1, (T, |V|) or (T, B, |V|)
    h0 : whether initial states are passed, as the argument `h0`
    precision : "float64", or "float32" if anything inside is no more exact than that
    """

    layout: str = "columns"
    batch: str = "none"
    biases: int = 1
    over_time: str = "mean"
    over_batch: str = "mean"
    activation: str | Elementwise = "tanh"
    targets: str = "classes"
    h0: bool = False
    precision: str = "float64"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known and not (name == "activation" and isinstance(value, Elementwise)):
                hint = "; for another one give a pair (f, f')" if name == "activation" else ""
                raise ConventionError(f"{name}: expected one of {', '.join(map(str, known))}, but got {value!r}{hint}")

    def replace(self, **changed: Any) -> Conventions:
        """The same conventions but for those given."""
        return replace(self, **changed)

    @property
    def functions(self) -> Functions:
        """The activation and its derivative, with softmax, for the manual side."""
        f = self.activation
        return Functions(f=ACTIVATIONS[f] if isinstance(f, str) else f)

    def __str__(self) -> str:
        activation = self.activation if isinstance(self.activation, str) else "the given activation"
        parts = [
            {"columns": "columns (z = W h)", "rows": "rows (z = h W)"}[self.layout],
            {"none": "no batch", "time-first": "batch of shape (T, B, d_0)", "batch-first": "batch (B, T, d_0)"}[
                self.batch
            ],
            "one bias" if self.biases == 1 else "two biases, b_ih + b_hh",
            activation,
            {"mean": "mean over t", "sum": "sum over t", "last": "the last step alone"}[self.over_time],
        ]
        if self.batch != "none":
            parts.append(f"{self.over_batch} over the batch")
        parts += [f"y as {self.targets}", "h(0) passed as h0" if self.h0 else "h(0) = 0", self.precision]
        return ", ".join(parts)
