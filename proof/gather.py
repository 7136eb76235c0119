"""Ask Coq what was proved, and under which assumptions.

Reads the names of the theorems from what Coq recorded when it compiled the library (the ``.glob`` files),
then has Coq state each one and print its assumptions.  Nothing is typed here but the naming convention:

* ``eq_NN...``: a theorem about equation (NN) of the document; in ``Restatements.v``, one that repeats one;
* ``misprint_NN...``: what is printed at (NN) is false;
* ``one_pass_...`` and ``initial_state_...``: the gradients together, and the one in h(0).

Writes ``reports/theorems.json`` and prints a table.  Fails if a theorem rests on an assumption that is not
expected of it, or if one of the equations (7)-(46) has no theorem.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLASSICAL = frozenset(
    {
        "functional_extensionality_dep",
        "propositional_extensionality",
        "constructive_indefinite_description",
    }
)
"""The axioms of classical logic on which mathcomp-analysis builds the real numbers."""

NUMBERS = range(7, 47)
NAMED = re.compile(r"(eq|misprint)_(\d\d)(?:_\w+)?|(one_pass|initial_state)_\w+")


@dataclass(frozen=True)
class Theorem:
    """A theorem as Coq knows it."""

    module: str
    name: str
    statement: str
    assumptions: tuple[str, ...]
    uses: tuple[int, ...]
    """Numbers of the equations whose theorems its proof term names, for a restatement."""

    @property
    def number(self) -> int | None:
        """Number of its equation, if it is named by one."""
        match = NAMED.fullmatch(self.name)
        return int(match[2]) if match and match[2] else None

    def as_json(self) -> dict[str, object]:
        """What the report says about it."""
        return {
            "theorem": f"BPTT.{self.module}.{self.name}",
            "statement": self.statement,
            "assumptions": list(self.assumptions),
        }


def modules(folder: Path) -> list[str]:
    """Modules in the order of ``_CoqProject``."""
    lines = (folder / "_CoqProject").read_text(encoding="utf-8").split()
    return [line.removesuffix(".v") for line in lines if line.endswith(".v")]


def theorem_names(folder: Path, module: str) -> list[str]:
    """Named theorems that Coq recorded when it compiled the module, in its order."""
    glob = folder / f"{module}.glob"
    if not glob.exists():
        raise SystemExit(f"gather: {glob.name} is missing: the library is not compiled; run `make` in proof/")
    proofs = re.findall(r"^prf \d+:\d+ <> (\S+)$", glob.read_text(encoding="utf-8"), re.MULTILINE)
    return [name for name in proofs if NAMED.fullmatch(name)]


def ask_coq(folder: Path, questions: list[str]) -> list[str]:
    """Answers of one Coq process to the given commands, one text for each."""
    marker = "@@ answer"
    separator = f'Goal True. idtac "{marker}". exact I. Qed.'
    script = "\n".join(
        [
            "From mathcomp Require Import all_ssreflect all_algebra.",
            "From mathcomp.analysis Require Import reals topology normedtype derive.",
            f"From BPTT Require Import {' '.join(modules(folder))}.",
            "Local Open Scope ring_scope.",
            "Set Printing Width 110.",
            "Unset Printing Implicit Defensive.",
            *(f"{separator}\n{question}" for question in questions),
        ]
    )
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "questions.v"
        source.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["coqc", "-Q", str(folder), "BPTT", "-w", "none", str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"gather: Coq refused the questions:\n{done.stderr}")
    return [answer.strip() for answer in done.stdout.split(f"{marker}\n")[1:]]


def parse_assumptions(answer: str) -> tuple[str, ...]:
    """Names of the axioms in what ``Print Assumptions`` printed."""
    if answer.startswith("Closed under the global context"):
        return ()
    if not answer.startswith("Axioms:"):
        raise SystemExit(f"gather: unexpected answer of Print Assumptions:\n{answer}")
    names = re.findall(r"^([A-Za-z_][\w.']*)", answer.removeprefix("Axioms:"), re.MULTILINE)
    return tuple(sorted(name.rpartition(".")[2] for name in names))


def parse_statement(answer: str) -> str:
    """The type in what ``Check`` printed, on one line."""
    return " ".join(answer.split(":", 1)[1].split())


def gather(folder: Path) -> list[Theorem]:
    """Every named theorem of the compiled library."""
    found = [(module, name) for module in modules(folder) for name in theorem_names(folder, module)]
    questions = [
        question
        for module, name in found
        for question in (
            f"Check @BPTT.{module}.{name}.",
            f"Print Assumptions BPTT.{module}.{name}.",
            f"Print BPTT.{module}.{name}." if module == "Restatements" else "",
        )
    ]
    answers = ask_coq(folder, questions)
    theorems = []
    for place, (module, name) in enumerate(found):
        checked, assumed, printed = answers[3 * place : 3 * place + 3]
        named = {int(number) for number in re.findall(r"\beq_(\d\d)", printed)}
        own = re.match(r"eq_(\d\d)", name)
        theorems.append(
            Theorem(
                module=module,
                name=name,
                statement=parse_statement(checked),
                assumptions=parse_assumptions(assumed),
                uses=tuple(sorted(named - {int(own[1])} if own else named)),
            )
        )
    return theorems


def complaints(theorems: list[Theorem]) -> list[str]:
    """What is not as it should be: an unexpected assumption, an equation without a theorem."""
    wrong = []
    for theorem in theorems:
        about_reals = theorem.name.endswith("_real") or theorem.name == "misprint_06"
        expected = CLASSICAL if about_reals else frozenset()
        wrong += [
            f"{theorem.name} rests on {assumption}, which is not expected of it"
            for assumption in theorem.assumptions
            if assumption not in expected
        ]
        if theorem.module == "Restatements" and len(theorem.uses) != 1:
            wrong.append(f"{theorem.name} is not the restatement of one equation but of {theorem.uses}")
    stated = {theorem.number for theorem in theorems if theorem.name.startswith("eq_")}
    wrong += [f"equation ({number}) has no theorem" for number in NUMBERS if number not in stated]
    return wrong


def digest(folder: Path) -> str:
    """SHA-256 of the sources, by which a reader of the report knows that it is about them."""
    hashed = hashlib.sha256()
    for source in sorted(folder.glob("*.v")):
        hashed.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return hashed.hexdigest()


def report(theorems: list[Theorem], sources: str) -> dict[str, object]:
    """What goes into ``reports/theorems.json``."""
    equations: dict[str, list[dict[str, object]]] = {}
    misprints: dict[str, list[dict[str, object]]] = {}
    others: list[dict[str, object]] = []
    restatements: dict[str, str] = {}
    for theorem in sorted(theorems, key=lambda theorem: theorem.number or 0):
        if theorem.number is None:
            others.append(theorem.as_json())
        elif theorem.name.startswith("misprint"):
            misprints.setdefault(str(theorem.number), []).append(theorem.as_json())
        else:
            equations.setdefault(str(theorem.number), []).append(theorem.as_json())
            if theorem.module == "Restatements":
                restatements[str(theorem.number)] = str(theorem.uses[0])
    return {
        "sources": sources,
        "equations": equations,
        "restatements": restatements,
        "misprints": misprints,
        "others": others,
    }


def write_atomically(path: Path, text: str) -> None:
    """Write the file so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as scratch:
        scratch.write(text)
    Path(scratch.name).chmod(0o644)
    Path(scratch.name).replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Gather, complain, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--proof", type=Path, default=HERE, help="folder of the compiled library")
    parser.add_argument("--output", type=Path, default=HERE.parent / "reports" / "theorems.json")
    options = parser.parse_args(arguments)
    theorems = gather(options.proof)
    for theorem in theorems:
        print(f"{theorem.module + '.' + theorem.name:48} {', '.join(theorem.assumptions) or 'no assumption'}")
    wrong = complaints(theorems)
    for line in wrong:
        print(f"gather: {line}", file=sys.stderr)
    if wrong:
        return 1
    write_atomically(
        options.output, json.dumps(report(theorems, digest(options.proof)), indent=1, ensure_ascii=False) + "\n"
    )
    print(f"{len(theorems)} theorems; written to {options.output.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
