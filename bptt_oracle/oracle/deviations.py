"""One way in which a backward pass can deviate from the right one, as text and as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

TENSORS = ("H", "W", "b", "W-output", "b-output")
"""What an accumulator gathers: "H", "W", "b" of the hidden layers, W and b of the output layer."""

PLACES = (*TENSORS, *(f"{kind}-{which}" for kind in ("H", "W", "b") for which in ("first", "upper")))
"""What a deviation can be at: a kind of gradient, in all hidden layers, in the first, or in those above the first."""

LAYERS = ("first-layer", "lower-layers", "upper-layers", "top-layer", "output-layer")
"""What a deviation of the forward pass can be at, unless it is at all hidden layers: the first, all below the top, all
above the first, the top hidden layer, or the output layer."""

_FORM = re.compile(r"(?P<slug>[a-zA-Z0-9-]+)(\((?P<parameter>[^()@]+)\))?(@(?P<tensor>[A-Za-z-]+))?")


class DeviationError(ValueError):
    """A text that spells no deviation."""


@dataclass(frozen=True, order=True)
class Deviation:
    """A mistake of the catalogue, with what it leaves open.

    Attributes
    ----------
    slug : its name in the catalogue
    parameter : a number of steps, a threshold, a factor; as text
    tensor : for an accumulator, the gradients it is about, one of `PLACES`; in the forward pass, one of `LAYERS`
    """

    slug: str
    parameter: str = ""
    tensor: str = ""

    def __str__(self) -> str:
        parameter = f"({self.parameter})" if self.parameter else ""
        return f"{self.slug}{parameter}{f'@{self.tensor}' if self.tensor else ''}"

    @classmethod
    def parse(cls, text: str) -> Deviation:
        """The deviation that a text such as ``truncated-window(4)`` or ``first-step-skipped@W`` spells.

        Raises
        ------
        DeviationError
            If it spells none.
        """
        match = _FORM.fullmatch(text)
        if match is None or (match["tensor"] is not None and match["tensor"] not in (*PLACES, *LAYERS)):
            known = ", ".join((*PLACES, *LAYERS))
            raise DeviationError(f"expected slug, slug(parameter) or slug@place with one of {known}, but got {text!r}")
        return cls(match["slug"], match["parameter"] or "", match["tensor"] or "")


def role(name: str, l: int, n: int) -> str:
    """What a tensor of layer l is to an accumulator: one of `TENSORS`."""
    kind = "b" if name == "b_hh" else name
    return kind if l < n else f"{kind}-output"


def places(name: str, l: int, n: int) -> tuple[str, ...]:
    """The names under which a deviation can be at a tensor of layer l, of `PLACES`."""
    kind = role(name, l, n)
    return (kind,) if l == n else (kind, f"{kind}-{'first' if l == 1 else 'upper'}")
