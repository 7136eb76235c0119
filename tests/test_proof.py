"""The formal proof compiles, wrong readings do not; what it rests on; and that it is about this network."""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bptt_oracle import manual
from bptt_oracle.manual import Elementwise
from bptt_oracle.manual.backprop import deltas_of_step

ROOT = Path(__file__).resolve().parent.parent
PROOF = ROOT / "proof"
REPORT = ROOT / "reports" / "theorems.json"
RESTATED = {26: 7, 27: 9, 28: 11, 29: 13, 30: 15, 31: 17, 32: 19, 33: 21, 34: 23, 35: 25}
CLASSICAL = {
    "constructive_indefinite_description",
    "functional_extensionality_dep",
    "propositional_extensionality",
}


def why_no_coq() -> str | None:
    """Why the proof cannot be checked here, if it cannot."""
    coqc = shutil.which("coqc")
    if coqc is None:
        return "coqc is not installed: run proof/run, which installs Debian's coq and mathcomp"
    library = subprocess.run([coqc, "-where"], capture_output=True, text=True, check=True).stdout.strip()
    if not (Path(library) / "user-contrib" / "mathcomp" / "analysis").is_dir():
        return "mathcomp-analysis is not installed: run proof/run, which installs Debian's package"
    return None


NO_COQ = why_no_coq()
pytestmark = [pytest.mark.proof, pytest.mark.skipif(NO_COQ is not None, reason=NO_COQ or "")]


def coqc(folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    command = ["coqc", "-Q", str(folder), "BPTT", "-w", "none", str(source)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of proof/, compiled (with what is compiled already, if it is up to date)."""
    folder = tmp_path_factory.mktemp("proof") / "proof"
    shutil.copytree(PROOF, folder)
    done = subprocess.run(["make", "-j1"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


# ----------------------------------------------------------------------------------------- it compiles
def test_every_module_compiles(compiled: Path) -> None:
    sources = {source.stem for source in PROOF.glob("*.v")}
    assert sources == {binary.stem for binary in compiled.glob("*.vo")}
    assert sources == set(re.findall(r"^(\w+)\.v$", (PROOF / "_CoqProject").read_text(), re.MULTILINE))


def test_nothing_is_left_unproved() -> None:
    for source in PROOF.glob("*.v"):
        found = re.search(r"\b(Admitted|admit|Axiom|Conjecture|Parameter|Abort|TODO)\b", source.read_text())
        assert found is None, f"{source.name} contains {found and found[0]}"


# -------------------------------------------------------------------------- wrong readings are refused
@dataclass(frozen=True)
class WrongReading:
    """A change to the sources that makes an equation false, and the theorem that must then fail."""

    module: str
    right: str
    wrong: str
    theorem: str


WRONG_READINGS = {
    "43-drops-the-layer-above": WrongReading(
        "Gamma",
        "g l t = map_mx f' (z l t) ∘ ((H l)^T *m g l t.+1 + (W l.+1)^T *m g l.+1 t) }.",
        "g l t = map_mx f' (z l t) ∘ ((H l)^T *m g l t.+1) }.",
        "eq_43",
    ),
    "43-drops-the-next-time": WrongReading(
        "Gamma",
        "g l t = map_mx f' (z l t) ∘ ((H l)^T *m g l t.+1 + (W l.+1)^T *m g l.+1 t) }.",
        "g l t = map_mx f' (z l t) ∘ ((W l.+1)^T *m g l.+1 t) }.",
        "eq_43",
    ),
    "43-top-layer-drops-delta": WrongReading(
        "Gamma",
        "g n.-1 t = dl n.-1 t + map_mx f' (z n.-1 t) ∘ ((H n.-1)^T *m g n.-1 t.+1);",
        "g n.-1 t = map_mx f' (z n.-1 t) ∘ ((H n.-1)^T *m g n.-1 t.+1);",
        "eq_43",
    ),
    "44-h-at-t": WrongReading(
        "Total",
        "nabla_H l = c *: \\sum_(1 <= t < T.+1) g l t *m (h l t.-1)^T.",
        "nabla_H l = c *: \\sum_(1 <= t < T.+1) g l t *m (h l t)^T.",
        "eq_44",
    ),
    "39-h-at-t": WrongReading(
        "Total",
        "nabla_H l = c *: \\sum_(1 <= i < T.+1) gamma l i *m (h l i.-1)^T.",
        "nabla_H l = c *: \\sum_(1 <= i < T.+1) gamma l i *m (h l i)^T.",
        "eq_39",
    ),
    "44-over-the-reals-h-at-t": WrongReading(
        "RealEquations",
        "Theorem eq_44_real l : (0 < l < n)%N -> is_gradient (J_total_of_H T f x p ell (l := l))\n"
        "  (T%:R^-1 *: \\sum_(1 <= t < T.+1) g l t *m (h l t.-1)^T).",
        "Theorem eq_44_real l : (0 < l < n)%N -> is_gradient (J_total_of_H T f x p ell (l := l))\n"
        "  (T%:R^-1 *: \\sum_(1 <= t < T.+1) g l t *m (h l t)^T).",
        "eq_44_real",
    ),
    "36-one-step-early": WrongReading(
        "Gamma",
        "Theorem eq_36 l : gamma l T = delta l T T.",
        "Theorem eq_36 l : gamma l T.-1 = delta l T.-1 T.-1.",
        "eq_36",
    ),
    "31-as-printed": WrongReading(
        "Restatements",
        "gradH l predT t = \\sum_(1 <= k < t.+1) delta l k t *m (h l k.-1)^T.",
        "gradH l predT t = \\sum_(1 <= k < t.+1) delta l t t *m (h l k.-1)^T.",
        "eq_31",
    ),
    "5-without-recurrence": WrongReading(
        "Network",
        "if (l < n)%N then pH (th t) l *m hid l t.-1 + pW (th t) l *m hid l.-1 t + pb (th t) l",
        "if (l < n)%N then pW (th t) l *m hid l.-1 t + pb (th t) l",
        "eq_05_hidden",
    ),
}


@pytest.mark.parametrize("reading", WRONG_READINGS.values(), ids=WRONG_READINGS.keys())
def test_wrong_reading_fails_at_its_theorem(compiled: Path, tmp_path: Path, reading: WrongReading) -> None:
    folder = tmp_path / "proof"
    shutil.copytree(compiled, folder)
    source = folder / f"{reading.module}.v"
    text = source.read_text(encoding="utf-8")
    assert text.count(reading.right) == 1
    patched = text.replace(reading.right, reading.wrong)
    source.write_text(patched, encoding="utf-8")

    done = coqc(folder, source)

    assert done.returncode != 0
    failed_at = re.search(r"line (\d+), characters", done.stderr)
    assert failed_at is not None, done.stderr
    before = "\n".join(patched.splitlines()[: int(failed_at[1])])
    assert re.findall(r"^(?:Theorem|Lemma|Fact|Corollary) (\w+)", before, re.MULTILINE)[-1] == reading.theorem


# ------------------------------------------------------------------------------------ what it rests on
def gatherer() -> ModuleType:
    """proof/gather.py, which `make proof` runs: it asks Coq about every theorem, and writes the report."""
    spec = importlib.util.spec_from_file_location("gather", PROOF / "gather.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def all_theorems() -> Iterator[tuple[str, set[str]]]:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    for group in [*report["equations"].values(), *report["misprints"].values(), report["others"]]:
        for theorem in group:
            yield theorem["theorem"].rpartition(".")[2], set(theorem["assumptions"])


def test_the_report_is_of_these_sources() -> None:
    assert json.loads(REPORT.read_text(encoding="utf-8"))["sources"] == gatherer().digest(PROOF)


def test_the_digest_is_of_every_source(tmp_path: Path) -> None:
    folder = tmp_path / "proof"
    shutil.copytree(PROOF, folder)
    with (folder / "Total.v").open("a", encoding="utf-8") as source:
        source.write("\n")
    assert gatherer().digest(folder) != gatherer().digest(PROOF)


def test_a_theorem_that_rests_on_an_axiom_is_refused(compiled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "proof"
    shutil.copytree(compiled, folder)
    (folder / "_CoqProject").write_text("-Q . BPTT\nSmuggled.v\n", encoding="utf-8")
    source = folder / "Smuggled.v"
    source.write_text(
        "Axiom granted : 0 = 1.\n"
        "Theorem eq_44_again : 0 = 1. Proof. exact granted. Qed.\n"
        "Theorem eq_45_again : 1 = 1. Proof. reflexivity. Qed.\n",
        encoding="utf-8",
    )
    assert coqc(folder, source).returncode == 0
    gather = gatherer()
    wrong = gather.complaints(gather.gather(folder))
    assert "eq_44_again rests on granted, which is not expected of it" in wrong
    assert "equation (43) has no theorem" in wrong
    assert not any("eq_45_again" in line or "(45)" in line for line in wrong)


def test_ring_theorems_have_no_assumptions() -> None:
    theorems = dict(all_theorems())
    over_rings = {name for name in theorems if not name.endswith("_real") and name != "misprint_06"}
    assert {"eq_15", "eq_43", "eq_44", "eq_45_hidden", "eq_46_output", "misprint_17"} <= over_rings
    assert {name for name in over_rings if theorems[name]} == set()


def test_real_theorems_have_only_the_classical_assumptions() -> None:
    theorems = dict(all_theorems())
    assert {"eq_07_real", "eq_44_real", "one_pass_tanh_real", "one_pass_relu_real"} <= set(theorems)
    assert all(assumptions <= CLASSICAL for assumptions in theorems.values())


def test_equations_7_to_46_are_all_proved() -> None:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert {str(number) for number in range(7, 47)} <= set(report["equations"])
    assert report["restatements"] == {str(number): str(again) for number, again in RESTATED.items()}


# ------------------------------------------------------------------ it is about the document's network
Vector = list[int]
Matrix = list[Vector]


@dataclass(frozen=True)
class Network:
    """Integers for every parameter, indexed as in the document; item 0 of a list is not used."""

    T: int
    widths: list[int]
    H: list[Matrix]
    W: list[Matrix]
    b: list[Vector]
    h0: list[Vector]
    x: list[Vector]
    y: list[Vector]

    @property
    def n(self) -> int:
        return len(self.widths) - 1


def random_network(seed: int) -> Network:
    draw = random.Random(seed)
    n, T = draw.choice([(1, 2), (2, 2), (2, 3), (3, 2), (3, 3)])
    d = [draw.randint(1, 2) for _ in range(n + 1)]

    def vector(size: int) -> Vector:
        return [draw.randint(-2, 2) for _ in range(size)]

    def matrix(rows: int, columns: int) -> Matrix:
        return [vector(columns) for _ in range(rows)]

    hidden = range(1, n)
    return Network(
        T=T,
        widths=d,
        H=[[], *(matrix(d[l], d[l]) for l in hidden)],
        W=[[], *(matrix(d[l], d[l - 1]) for l in range(1, n + 1))],
        b=[[], *(vector(d[l]) for l in range(1, n + 1))],
        h0=[[], *(vector(d[l]) for l in hidden)],
        x=[[], *(vector(d[0]) for _ in range(T))],
        y=[[], *(vector(d[n]) for _ in range(T))],
    )


TABLES = ("h", "z", "delta", "H", "W", "b", "h0")


def values_in_coq(folder: Path, scratch: Path, networks: Sequence[Network]) -> list[dict[str, object]]:
    """Run the programs of Fidelity.v, which its theorems identify with the definitions, on each network."""

    def literal(value: object) -> str:
        return f"[:: {'; '.join(map(literal, value))}]" if isinstance(value, list) else f"({value})"

    def asked(network: Network) -> str:
        fields = [network.H, network.W, network.b, network.h0, network.x, network.y]
        made = f"(MakeNetwork {network.n}%nat {network.T}%nat {literal(network.widths)}%nat\n  "
        made += "\n  ".join(literal(field) for field in fields) + ")"
        return "".join(f"Eval vm_compute in {table}_table {made}.\n" for table in TABLES)

    source = scratch / "networks.v"
    source.write_text(
        "From Coq Require Import ZArith.\n"
        "From mathcomp Require Import all_ssreflect.\n"
        "From BPTT Require Import Fidelity.\n"
        "Open Scope Z_scope.\n" + "".join(map(asked, networks)),
        encoding="utf-8",
    )
    done = coqc(folder, source)
    assert done.returncode == 0, done.stderr
    answers = re.findall(r"^ +=(.*?)^ +: ", done.stdout, re.MULTILINE | re.DOTALL)
    assert len(answers) == len(TABLES) * len(networks)
    values = iter([ast.literal_eval(answer.replace("[::", "[").replace(";", ",").strip()) for answer in answers])
    return [{table: next(values) for table in TABLES} for _ in networks]


def expected_values(network: Network) -> dict[str, object]:
    """The same tables by the manual side, over fractions, with f(a) = a^2 - a and the sum of squares as the loss."""
    n, T, d = network.n, network.T, network.widths
    times, layers, hidden = range(1, T + 1), range(1, n + 1), range(1, n)

    def fractions(values: Any) -> Any:
        return np.array([[Fraction(value) for value in row] for row in values], dtype=object)

    def column(values: Vector) -> Any:
        return fractions([[value] for value in values])

    unused = Elementwise(lambda u: u, lambda u: u)  # in place of exp and log, of which only the loss makes use
    net = manual.Network(
        H={l: fractions(network.H[l]) for l in hidden},
        W={l: fractions(network.W[l]) for l in layers},
        b={l: column(network.b[l]) for l in layers},
        x={t: column(network.x[t]) for t in times},
        y={t: 2 * column(network.y[t]) for t in times},
        h0={l: column(network.h0[l]) for l in hidden},
        functions=manual.Functions(
            f=Elementwise(lambda u: u * u - u, lambda u: 2 * u - 1),
            exp=unused,
            log=unused,
            shift=manual.no_shift,
            g=lambda z: 2 * z,  # so that y^ - y is 2 (z - y), the derivative of the sum of squares
        ),
    )
    run = manual.forward_pass(net)
    delta = {i: deltas_of_step(net, run, i) for i in times}
    gradients = manual.one_pass(net)

    def vector(column: Any) -> Vector:
        return [whole(value) for value in column[:, 0]]

    def of_J(matrix: Any) -> Any:
        return [[whole(T * value) for value in row] for row in matrix]

    def flat(matrix: Any) -> Vector:
        return [value for row in of_J(matrix) for value in row]

    def delta_at(l: int, t: int, i: int) -> Vector:
        return vector(delta[i][l, t]) if (l, t) in delta[i] else [0] * d[l]

    return {
        "h": [[[0] * d[0], *(vector(run.h[0, t]) for t in times)]]  # layer 0 has no time 0
        + [[vector(run.h[l, t]) for t in range(T + 1)] for l in hidden],
        "z": [[vector(run.z[l, t]) for t in times] for l in layers],
        "delta": [[[delta_at(l, t, i) for i in times] for t in times] for l in layers],
        "H": [of_J(gradients.H[l]) for l in hidden],
        "W": [of_J(gradients.W[l]) for l in layers],
        "b": [flat(gradients.b[l]) for l in layers],
        "h0": [flat(gradients.h0[l]) for l in hidden],
    }


def whole(value: Fraction) -> int:
    assert value.denominator == 1
    return value.numerator


def test_coq_evaluates_the_network_of_the_document(compiled: Path, tmp_path: Path) -> None:
    networks = [random_network(seed) for seed in range(12)]
    for seed, values in enumerate(values_in_coq(compiled, tmp_path, networks)):
        assert values == expected_values(networks[seed]), f"seed {seed}"


# ------------------------------------------------------------------------------------ the page about it
def test_page_cites_only_theorems_that_exist() -> None:
    page = (ROOT / "docs" / "formal-proof.md").read_text(encoding="utf-8")
    stated = {name for name, _ in all_theorems()}
    cited = set(re.findall(r"`((?:eq|misprint|one_pass|initial_state)_\w+)`", page))
    assert len(cited) > 40
    assert cited <= stated
