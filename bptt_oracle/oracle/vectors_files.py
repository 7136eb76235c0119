"""The files of test vectors: JSON and npz for each network, an index, and the schemas beside them.

The same arguments give the same bytes on every machine: each number is rounded from an enclosure, JSON holds the
shortest decimal that reads as the same float64, and an npz is an archive without times and without compression.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from ..report.files import as_json, prepare, write
from .conventions import Conventions
from .deviations import Deviation
from .mistakes import catalogue, mistake
from .probes import PLANS, Array, draw
from .vectors import FORM, Vector, vector

VERSION = 1
"""Of the files. What is added later, in new keys, keeps it; anything that would break a reader raises it."""

SMALL = ("plain", "deep", "square", "tiny")
"""The networks of the set that is written unless others are named."""

SCHEMAS = ("vectors.schema.json", "answers.schema.json")


class VectorsError(ValueError):
    """Networks that do not exist. The message says what was expected and what came."""


def write_vectors(
    folder: Path, networks: Sequence[str] = SMALL, conventions: Conventions = FORM, seed: int = 2016
) -> list[Path]:
    """Write vectors, the index and the schemas.

    Parameters
    ----------
    folder
        Made if it does not exist; files of the same names are replaced, each in one step.
    networks
        Names of plans, as in `PLANS`.
    conventions
        The activation, and which J is differentiated.
    seed
        Of all networks.

    Returns
    -------
    The paths of what was written, the index first.

    Raises
    ------
    VectorsError
        For a network that does not exist, or that is named twice.
    PrecisionTooLowError
        If a number cannot be rounded: another seed has other numbers.
    OSError
        If nothing can be written there.
    """
    plans = {plan.name: plan for plan in PLANS}
    for name, count in Counter(networks).items():
        if name not in plans or count > 1:
            came = f"{name!r} twice" if count > 1 else repr(name)
            raise VectorsError(f"networks: expected some of {', '.join(plans)}, each once, but got {came}")
    prepare(folder)
    vectors = [vector(draw(plans[name], seed), conventions) for name in networks]
    contents: dict[str, str | bytes] = {}
    for each in vectors:
        contents[f"{each.probe.name}.json"] = as_text(each)
        contents[f"{each.probe.name}.npz"] = as_npz(each)
    contents["vectors.json"] = as_json(_index(vectors, conventions, seed, contents))
    for name in SCHEMAS:
        contents[name] = files(__package__).joinpath(name).read_text(encoding="utf-8")
    for name, content in contents.items():
        write(folder / name, content)
    first = ["vectors.json", *SCHEMAS]
    return [folder / name for name in [*first, *(name for name in contents if name not in first)]]


def as_text(found: Vector) -> str:
    """A vector as JSON: one line for each key, and one for each mistake."""
    return "".join(_lines(_data(found)))


def as_npz(found: Vector) -> bytes:
    """A vector as an npz file without any pickle, each array under a name with dots: ``grads.1.H``."""
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        for name, array in _arrays(found):
            entry = ZipInfo(f"{name}.npy")  # of 1980, the first year there is
            entry.create_system = 3  # that of Unix, wherever it is written
            content = BytesIO()
            little = array.astype(array.dtype.newbyteorder("<"), order="C")
            np.lib.format.write_array(content, little, version=(1, 0), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
    return stream.getvalue()


def _data(found: Vector) -> dict[str, Any]:
    probe = found.probe
    return {
        "format": "bptt-oracle vector",
        "version": VERSION,
        "id": probe.name,
        "seed": probe.seed,
        "conventions": asdict(found.conventions),
        "n": probe.n,
        "T": probe.T,
        "B": probe.B,
        "d": list(probe.d),
        "params": [_listed(layer) for layer in probe.params],
        "x": probe.x.tolist(),
        "y": probe.y.tolist(),
        "h0": [state.tolist() for state in probe.h0],
        "z": [array.tolist() for array in found.z],
        "h": [array.tolist() for array in found.h],
        "y_hat": found.y_hat.tolist(),
        "delta": [array.tolist() for array in found.delta],
        "gamma": [array.tolist() for array in found.gamma],
        "loss": float(found.loss),
        "grads": [_listed(layer) for layer in found.grads],
        "trap_for": found.trap_for,
        "hides": found.hides,
        "wrong": [
            {
                "mistakes": wrong.mistakes,
                "grads": [
                    _listed({name: array for name, array in layer.items() if (l, name) in wrong.differing})
                    for l, layer in enumerate(wrong.grads, start=1)
                ],
            }
            for wrong in found.wrong
        ],
    }


def _listed(layer: dict[str, Array]) -> dict[str, Any]:
    return {name: array.tolist() for name, array in layer.items()}


def _lines(data: dict[str, Any]) -> Iterator[str]:
    """A JSON object in lines: one for each key, and one for each entry of a list of objects that is the last key."""

    def compact(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    *most, (last, entries) = data.items()
    yield "{\n"
    for key, value in most:
        yield f' "{key}": {compact(value)},\n'
    yield f' "{last}": [\n'
    yield ",\n".join(f"  {compact(entry)}" for entry in entries)
    yield "\n ]\n}\n"


def _arrays(found: Vector) -> Iterator[tuple[str, Array]]:
    """The arrays of a vector with their names; the wrong gradients of a tensor are stacked."""
    probe = found.probe
    yield from _named("params", probe.params)
    yield "x", probe.x
    yield "y", probe.y
    for name, arrays in (("h0", probe.h0), ("z", found.z), ("h", found.h)):
        yield from ((f"{name}.{l}", array) for l, array in enumerate(arrays, start=1))
    yield "y_hat", found.y_hat
    for name, arrays in (("delta", found.delta), ("gamma", found.gamma)):
        yield from ((f"{name}.{l}", array) for l, array in enumerate(arrays, start=1))
    yield "loss", np.asarray(found.loss)
    yield from _named("grads", found.grads)
    yield "mistakes", np.array([" or ".join(wrong.mistakes) for wrong in found.wrong])
    for l, layer in enumerate(found.grads, start=1):
        for name in layer:
            chosen = [at for at, wrong in enumerate(found.wrong) if (l, name) in wrong.differing]
            yield f"wrong.{l}.{name}", np.stack([found.wrong[at].grads[l - 1][name] for at in chosen])
            yield f"wrong.{l}.{name}.mistake", np.array(chosen)


def _named(prefix: str, layers: Iterable[dict[str, Array]]) -> Iterator[tuple[str, Array]]:
    for l, layer in enumerate(layers, start=1):
        yield from ((f"{prefix}.{l}.{name}", array) for name, array in layer.items())


def _index(
    vectors: Sequence[Vector], conventions: Conventions, seed: int, contents: dict[str, str | bytes]
) -> dict[str, Any]:
    traps = Counter(slug for each in vectors for slug in each.trap_for)
    texts = dict.fromkeys(text for each in vectors for wrong in each.wrong for text in wrong.mistakes)
    return {
        "format": "bptt-oracle vectors",
        "version": VERSION,
        "seed": seed,
        "conventions": asdict(conventions),
        "vectors": [
            {
                "id": each.probe.name,
                "n": each.probe.n,
                "T": each.probe.T,
                "B": each.probe.B,
                "d": list(each.probe.d),
                "files": {
                    name: sha256(content.encode() if isinstance(content, str) else content).hexdigest()
                    for suffix in ("json", "npz")
                    for name in [f"{each.probe.name}.{suffix}"]
                    for content in [contents[name]]
                },
                "trap_for": each.trap_for,
                "only_trap_for": [slug for slug in each.trap_for if traps[slug] == 1],
                "hides": each.hides,
            }
            for each in vectors
        ],
        "mistakes": {text: _sentence(Deviation.parse(text)) for text in texts},
        "no_trap_for": [slug for slug, entry in catalogue().items() if entry.kind == "variation" and slug not in traps],
    }


def _sentence(deviation: Deviation) -> str:
    return mistake(deviation.slug, parameter=deviation.parameter).message
