"""The catalogue of mistakes, and how one of them is told."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .result import Mistake

_KINDS = ("variation", "forward", "contract")
_FILES = ("mistakes.toml", "forward/mistakes.toml")


@dataclass(frozen=True)
class Entry:
    """One mistake that has a name.

    Attributes
    ----------
    slug : its name
    kind : "variation" of the backward pass, of the "forward" pass and the loss, or a finding of a "contract" check
    sentence : what is wrong
    equation : the number of the equation that it violates; None where it violates none
    where : layers and times
    looks_like, remedy : what the code probably looks like, and what to write instead
    hidden_by : the networks that do not show it
    """

    slug: str
    kind: str
    sentence: str
    equation: int | None = None
    where: str = ""
    looks_like: str = ""
    remedy: str = ""
    hidden_by: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"{self.slug}: expected a kind of {', '.join(_KINDS)}, but got {self.kind!r}")


@cache
def catalogue() -> Mapping[str, Entry]:
    """All entries, by slug, in the order of the files."""
    texts = [files(__package__).joinpath(*name.split("/")).read_text(encoding="utf-8") for name in _FILES]
    return {slug: Entry(slug, **fields) for text in texts for slug, fields in tomllib.loads(text).items()}


def mistake(
    slug: str,
    *,
    where: str = "",
    certainty: str = "",
    alternatives: tuple[str, ...] = (),
    detail: str = "",
    equation: int | None = None,
    last_equation: int | None = None,
    deviations: tuple[str, ...] = (),
    **values: str,
) -> Mistake:
    """A mistake of the catalogue, as found.

    Parameters
    ----------
    slug
        Its name in the catalogue.
    where, certainty, alternatives, detail, last_equation, deviations
        As in `Mistake`; `where` replaces the catalogue's.
    equation
        Where it depends on the gradient; else the catalogue's.
    values
        What fills the places in braces: "parameter", "tensors", "layers"; and with it "undone", how to take the
        parameter out again if it is a factor.
    """
    entry = catalogue()[slug]
    filled = {"parameter": "", "tensors": "all gradients", "layers": "every hidden layer"} | values
    filled["undone"] = _undone(filled["parameter"])

    def fill(text: str) -> str:
        for name, value in filled.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    return Mistake(
        slug=slug,
        equation=entry.equation if equation is None else equation,
        last_equation=last_equation,
        message=fill(entry.sentence),
        where=where or fill(entry.where),
        looks_like=fill(entry.looks_like),
        remedy=fill(entry.remedy),
        certainty=certainty,
        alternatives=alternatives,
        detail=detail,
        deviations=deviations,
    )


def _undone(factor: str) -> str:
    """What to do about a factor that does not belong there: "Divide by 2 T", "Multiply by T" if it is 1 / T."""
    above, _, below = factor.partition(" / ")
    if below and above == "1":
        is_bracketed = below.startswith("(") and below.endswith(")")
        return f"Multiply by {below[1:-1] if is_bracketed else below}"
    return f"Multiply by -{below}" if below and above == "-1" else f"Divide by {factor}"
