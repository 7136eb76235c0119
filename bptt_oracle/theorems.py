"""What Coq proved of each equation, as `make proof` gathered it; or why that is not known here.

`reports/theorems.json` is written by running Coq on the sources in `proof/`. It counts only where Coq is installed, so
that it can be made again, and only for the very sources that it was made from.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOT_RUN = "not run here"


@dataclass(frozen=True)
class Theorems:
    """The theorems by equation.

    Attributes
    ----------
    status : "checked by Coq", or "not run here" with the reason
    equations : for each number, its theorems: "theorem" (name), "statement", "assumptions"
    misprints : for each number, the theorems that the print is false
    restatements : the equation that another one repeats
    """

    status: str
    equations: Mapping[int, list[dict[str, Any]]] = field(default_factory=dict)
    misprints: Mapping[int, list[dict[str, Any]]] = field(default_factory=dict)
    restatements: Mapping[int, int] = field(default_factory=dict)

    @property
    def checked(self) -> bool:
        """Whether Coq has checked the sources that are here."""
        return not self.status.startswith(NOT_RUN)

    def of(self, number: int) -> dict[str, Any]:
        """What is known of one equation, as the reports hold it."""
        return {
            "status": self.status,
            "theorems": self.equations.get(number, []),
            "print_is_false": self.misprints.get(number, []),
            "restates": self.restatements.get(number),
        }


def theorems(root: Path = ROOT) -> Theorems:
    """The theorems that Coq checked, for a checkout at `root`.

    Returns
    -------
    `Theorems` whose status says why there are none, if there are none: no sources, no Coq, or not gathered from these
    sources.
    """
    sources, report = root / "proof", root / "reports" / "theorems.json"
    if not sources.is_dir():
        return Theorems(f"{NOT_RUN}: an installed package has no proof sources")
    if shutil.which("coqc") is None:
        return Theorems(f"{NOT_RUN}: coqc is not installed; `make proof` installs and runs it")
    if not report.is_file():
        return Theorems(f"{NOT_RUN}: nothing was gathered; run `make proof`")
    found = json.loads(report.read_text(encoding="utf-8"))
    if found.get("sources") != digest(sources):
        return Theorems(f"{NOT_RUN}: the sources have changed since; run `make proof`")
    return Theorems(
        status="checked by Coq",
        equations={int(number): proved for number, proved in found["equations"].items()},
        misprints={int(number): proved for number, proved in found["misprints"].items()},
        restatements={int(number): int(of) for number, of in found["restatements"].items()},
    )


def digest(folder: Path) -> str:
    """SHA-256 of the Coq sources in a folder, as `proof/gather.py` writes it."""
    hashed = hashlib.sha256()
    for source in sorted(folder.glob("*.v")):
        hashed.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return hashed.hexdigest()
