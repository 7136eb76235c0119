"""The source of each equation's functions, and of the tests that check it, found in the files themselves."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup, escape
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, Operator

from ... import manual, reference
from ...catalogue import Variant
from ...checking import function_of
from ...manual import registry

ROOT = Path(__file__).resolve().parents[3]
"""Of a checkout: the folder with `tests/`. An installed package has no tests to show."""


@dataclass(frozen=True)
class Source:
    """A piece of Python.

    Attributes
    ----------
    name : its name; of a function of `manual/` with its module
    code : highlighted
    """

    name: str
    code: Markup


@dataclass(frozen=True)
class Checks:
    """The tests of one module that are run for each of its equations."""

    path: str
    functions: tuple[Source, ...]


_CLASSES = {
    Comment: "c",
    Keyword: "k",
    Operator.Word: "k",
    Literal.String: "s",
    Name.Decorator: "d",
    Name.Function: "f",
}
"""The tokens that are told apart on the page; all others are plain."""


@lru_cache(maxsize=256)
def python(code: str) -> Markup:
    """Python with its keywords, strings, comments, decorators and names of functions in classes."""
    parts = []
    for kind, text in PythonLexer().get_tokens(code.rstrip()):
        name = next((name for token, name in _CLASSES.items() if kind in token), None)
        parts.append(Markup('<span class="{}">{}</span>').format(name, text) if name else escape(text))
    return Markup("").join(parts).rstrip()


def function_source(number: int, variant: Variant) -> Source:
    """The function that states a reading of an equation."""
    function = function_of(number, variant)
    return Source(f"{function.__module__}.{function.__qualname__}", python(inspect.getsource(function)))


def checks_of_equations(root: Path) -> dict[int, Checks]:
    """For each equation the tests that are run for it: those with its number as their parameter.

    A module of the tests names the module of `manual/` whose equations it is about, ``numbers_in("deltas")``.
    """
    found: dict[int, Checks] = {}
    for path in sorted((root / "tests").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "numbers_in(" not in text:
            continue
        tree = ast.parse(text)
        module = _module_of(tree)
        functions = tuple(
            Source(node.name, python(_with_decorators(text, node)))
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and _is_run_for_each_number(node)
        )
        if module and functions:
            checks = Checks(f"{path.parent.name}/{path.name}", functions)
            found |= dict.fromkeys(_numbers_in(module), checks)
    return found


def objects() -> dict[str, str]:
    """The names that git gives to the sources of both sides and to the catalogue, by their paths in the repository.

    They follow from the content alone: in a clone, ``git rev-parse COMMIT:manual`` prints the same for each commit with
    these sources.
    """
    catalogue = Path(str(files("bptt_oracle").joinpath("catalogue.toml")))
    return {
        "manual": git_tree(Path(str(manual.__file__)).parent),
        "reference": git_tree(Path(str(reference.__file__)).parent),
        "bptt_oracle/catalogue.toml": _git_object(b"blob", catalogue.read_bytes()),
    }


def git_tree(folder: Path) -> str:
    """The name that git gives to a folder of modules."""
    entries = [
        b"100644 " + path.name.encode() + b"\0" + bytes.fromhex(_git_object(b"blob", path.read_bytes()))
        for path in sorted(folder.iterdir())
        if path.suffix in (".py", ".typed")
    ]
    return _git_object(b"tree", b"".join(entries))


def _git_object(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(kind + b" %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _numbers_in(module: str) -> Iterator[int]:
    for number, function in registry.PRINTED.items():
        if function.__module__.rsplit(".", 1)[-1] == module:
            yield number


def _module_of(tree: ast.Module) -> str | None:
    """The argument of ``NUMBERS = numbers_in("...")``."""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="NUMBERS")],
                value=ast.Call(func=ast.Name(id="numbers_in"), args=[ast.Constant(value=str() as module)]),
            ):
                return module
    return None


def _is_run_for_each_number(test: ast.FunctionDef) -> bool:
    """Whether ``@pytest.mark.parametrize("number", NUMBERS)`` is among a test's decorators."""
    for decorator in test.decorator_list:
        match decorator:
            case ast.Call(
                func=ast.Attribute(attr="parametrize"), args=[ast.Constant(value="number"), ast.Name(id="NUMBERS")]
            ):
                return True
    return False


def _with_decorators(text: str, node: ast.FunctionDef) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
