"""Mutants: right programs, each with one slip in its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from types import CodeType
from typing import Any

from .operators import OPERATORS
from .programs import Program
from .text import Text

PARTS = ("backward", "forward")


@dataclass(frozen=True)
class Mutant:
    """One program with one slip.

    Attributes
    ----------
    id : "program:operator:line:column", and which of several replacements it is
    program, operator, part, line : where it comes from
    equations : those that the changed statement is marked with, or that add to the same variable as it does now
    source : the mutated text
    """

    id: str
    program: Program
    operator: str
    part: str
    line: int
    equations: frozenset[int]
    source: str

    def diff(self) -> str:
        """What was changed, as a unified diff without its heading."""
        lines = unified_diff(self.program.source.splitlines(), self.source.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))


def compiled(source: str) -> Any:
    """What a source text is compiled to: equal for texts that differ in form alone."""

    def instructions(code: CodeType) -> Any:
        constants = [instructions(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
        return code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, tuple(constants)

    return instructions(compile(source, "program", "exec", dont_inherit=True))


def mutants_of(program: Program, part: str) -> Iterator[Mutant]:
    """Every mutant of one part of a program, each only once.

    Parameters
    ----------
    program
        Whose source is mutated.
    part
        "backward" or "forward".
    """
    text = Text(program.source)
    seen = {compiled(program.source)}
    ids: Counter[str] = Counter()  # a - b - c starts where a - b does
    for node in text.nodes(part):
        for operator, changes in OPERATORS.items():
            for change in changes(text, node, program.kinds):
                source = text.replaced(change.node, change.text)
                code = compiled(source)
                if code in seen:
                    continue
                seen.add(code)
                name = f"{program.name}:{operator}:{change.node.lineno}:{change.node.col_offset}"
                name += f":{change.variant}" if change.variant else ""
                ids[name] += 1
                yield Mutant(
                    id=name if ids[name] == 1 else f"{name}:{ids[name]}",
                    program=program,
                    operator=operator,
                    part=part,
                    line=change.node.lineno,
                    equations=text.equations(change.node) | text.added_to(change.node, change.text),
                    source=source,
                )
