"""What keeps the two sides apart, and what packaging has to list by hand.

Each rule is a function of a folder or a text, so that the tests can show it both the project and an offence.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Imports that the import statements do not show.
HIDDEN_IMPORTS = {"importlib", "pkgutil", "runpy", "__import__", "eval", "exec"}

DERIVATIVE_RULES = {
    *("custom_jvp", "custom_vjp", "custom_gradient", "custom_transpose"),
    *("custom_root", "custom_linear_solve", "stop_gradient"),
    *("defjvp", "defjvps", "defjvp2", "defvjp", "deflinear", "deflinear2", "defbilinear"),
    *("primitive_jvps", "primitive_transposes", "fancy_transposes"),
}
DERIVATIVE_NAME = re.compile(r"(^|_)(derivatives?|prime)(_|$)", re.IGNORECASE)


def modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every module of a folder, parsed."""
    paths = sorted(folder.rglob("*.py"))
    assert paths, f"no module in {folder}"
    for path in paths:
        yield path, ast.parse(path.read_text(), str(path))


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that a module of `package` imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            start = [*above, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*start, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Name) and node.id in HIDDEN_IMPORTS:
            yield node.lineno, node.id


def foreign_imports(folder: Path, package: str, *allowed: str) -> list[str]:
    """What the modules of a folder import beside the standard library, the package itself and `allowed`."""
    inside = (package, *allowed, *(sys.stdlib_module_names - HIDDEN_IMPORTS))
    found = []
    for path, tree in modules(folder):
        parents = path.relative_to(folder).parent.parts
        for line, name in imported(tree, ".".join([package, *parents])):
            if not any(name == root or name.startswith(f"{root}.") for root in inside):
                found.append(f"{path.name}:{line} imports {name}")
    return found


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every identifier of a module."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        for field in ("id", "attr", "name", "asname", "arg"):
            text = getattr(node, field, None)
            if isinstance(text, str):
                yield line, text
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield line, node.value  # getattr(jax, "custom_jvp")


def hand_written_derivatives(folder: Path, *allowed: str) -> list[str]:
    """Where the modules of a folder give JAX a derivative, or name something as one."""
    found = []
    for path, tree in modules(folder):
        if path.name not in allowed:
            for line, name in names(tree):
                if name in DERIVATIVE_RULES or DERIVATIVE_NAME.search(name):
                    found.append(f"{path.name}:{line} {name}")
    return found


def loaded_by(module: str, folder: Path) -> set[str]:
    """The modules that a fresh interpreter, started in `folder`, has after importing one."""
    program = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    done = subprocess.run(program, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return set(done.stdout.split())


def package_folders(root: Path, setuptools: Mapping[str, Any]) -> dict[str, Path]:
    """Every folder with modules below those that `package-dir` names, by its name when installed."""
    found = {}
    for package, folder in setuptools["package-dir"].items():
        for path in (root / folder).rglob("*.py"):
            within = path.parent.relative_to(root / folder).parts
            found[".".join([package, *within])] = path.parent
    return found


def data_left_out(root: Path, setuptools: Mapping[str, Any]) -> list[str]:
    """Files in the packages that are neither modules nor met by a pattern of `package-data`."""
    patterns = setuptools["package-data"]["*"]
    return sorted(
        str(path.relative_to(root))
        for folder in package_folders(root, setuptools).values()
        for path in folder.iterdir()
        if path.is_file() and path.suffix not in {".py", ".pyc"}
        if not any(fnmatch(path.name, pattern) for pattern in patterns)
    )


def pins(text: str) -> dict[str, str]:
    """The version of each package in a constraints file, which may hold nothing else."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9A-Za-z.!+]+)", line)
        assert match, f"constraints.txt: expected name==version, got {line!r}"
        found[canonicalize_name(match[1])] = match[2]
    return found


def unmet(pyproject: Mapping[str, Any], pinned: Mapping[str, str]) -> list[str]:
    """The requirements of a project that a set of pins does not name, or does not satisfy."""
    project = pyproject["project"]
    build, run = pyproject["build-system"]["requires"], project["dependencies"]
    found = []
    for requirement in map(Requirement, chain(build, run, *project["optional-dependencies"].values())):
        name = canonicalize_name(requirement.name)
        if name != project["name"] and not requirement.specifier.contains(pinned.get(name, "0")):
            found.append(f"{requirement}, pinned: {pinned.get(name)}")
    return found


# ------------------------------------------------------------------------------------------------ the project


def test_manual_imports_numpy_alone() -> None:
    assert foreign_imports(ROOT / "manual", "bptt_oracle.manual", "numpy") == []


def test_reference_imports_jax_and_numpy_alone() -> None:
    assert foreign_imports(ROOT / "reference", "bptt_oracle.reference", "jax", "numpy") == []


def test_reference_holds_no_derivative_written_by_hand() -> None:
    assert hand_written_derivatives(ROOT / "reference", "symbolic.py") == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("bptt_oracle", {"jax", "flint"}),
        ("bptt_oracle.manual", {"jax", "flint", "bptt_oracle.reference"}),
        ("bptt_oracle.reference.padded", {"flint", "bptt_oracle.manual"}),
    ],
)
def test_importing_one_side_loads_nothing_of_the_other(module: str, absent: set[str], tmp_path: Path) -> None:
    loaded = loaded_by(module, tmp_path)
    assert module in loaded
    assert loaded & absent == set()


def test_every_package_is_listed() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    assert package_folders(ROOT, setuptools).keys() == set(setuptools["packages"])


def test_every_file_of_data_is_packaged() -> None:
    assert data_left_out(ROOT, PYPROJECT["tool"]["setuptools"]) == []


def test_constraints_meet_every_requirement() -> None:
    assert unmet(PYPROJECT, pins((ROOT / "constraints.txt").read_text())) == []


# ------------------------------------------------------------------------------- each rule, shown an offence


def write(folder: Path, **files: str) -> Path:
    """The folder, with a module of each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import jax", "jax"),
        ("import jax.numpy as jnp", "jax.numpy"),
        ("def late():\n    from jax import grad", "jax.grad"),
        ("import numpy, scipy", "scipy"),
        ("import numpy_financial", "numpy_financial"),
        ("from bptt_oracle.reference import model", "bptt_oracle.reference.model"),
        ("from bptt_oracle import reference", "bptt_oracle.reference"),
        ("from ..reference import model", "bptt_oracle.reference.model"),
        ("from .. import worlds", "bptt_oracle.worlds"),
        ("from ... import reference", "reference"),
        ("import importlib", "importlib"),
        ("jax = __import__('j' + 'ax')", "__import__"),
    ],
)
def test_an_import_from_outside_is_found(tmp_path: Path, source: str, named: str) -> None:
    folder = write(tmp_path, good="import math\nimport numpy as np\nfrom .other import name\n", bad=source)
    [found] = foreign_imports(folder, "bptt_oracle.manual", "numpy")
    assert re.fullmatch(rf"bad\.py:\d imports {re.escape(named)}", found)


def test_an_import_from_a_folder_below_is_read_from_there(tmp_path: Path) -> None:
    write(tmp_path / "below", good="from ..network import network\n", bad="from ...worlds import World\n")
    found = foreign_imports(tmp_path, "bptt_oracle.manual", "numpy")
    assert found == ["bad.py:1 imports bptt_oracle.worlds.World"]


@pytest.mark.parametrize(
    "source",
    [
        "import jax\n@jax.custom_jvp\ndef tanh(u): ...",
        "from jax import custom_vjp as rule",
        "tanh.defjvp(rule)",
        "tanh.defvjp(forward, backward)",
        "ad.primitive_jvps[F] = rule",
        "y = lax.stop_gradient(x)",
        "rule = getattr(jax, 'custom_jvp')",
        "def f_prime(u): ...",
        "def tanh_derivative(u): ...",
        "derivative_of_tanh = lambda u: 1 - u * u",
        "def step(z, *, f_prime): ...",
        "from .symbolic import f_prime",
    ],
)
def test_a_derivative_written_by_hand_is_found(tmp_path: Path, source: str) -> None:
    good = '"""The derivative f_prime is JAX\'s."""\nimport jax\ngradient = jax.vjp(loss, primes)\n'
    folder = write(tmp_path, good=good, bad=source, symbolic=source)
    found = hand_written_derivatives(folder, "symbolic.py")
    assert found
    assert all(place.startswith("bad.py:") for place in found)


def test_an_import_at_second_hand_is_found(tmp_path: Path) -> None:
    write(tmp_path, door="import hall", hall="def late():\n    import colorsys\nlate()")
    assert {"door", "hall", "colorsys"} <= loaded_by("door", tmp_path)


def test_a_package_that_is_not_listed_is_found(tmp_path: Path) -> None:
    setuptools = {"package-dir": {"a": "a", "a.b": "side"}, "package-data": {"*": ["py.typed"]}}
    for folder in ("a", "a/c", "a/c/d", "side"):
        write(tmp_path / folder, module="")
    assert package_folders(tmp_path, setuptools).keys() == {"a", "a.b", "a.c", "a.c.d"}
    (tmp_path / "a/c/py.typed").touch()
    assert data_left_out(tmp_path, setuptools) == []
    (tmp_path / "side/table.json").touch()
    assert data_left_out(tmp_path, setuptools) == ["side/table.json"]


def test_a_pin_that_breaks_or_misses_a_requirement_is_found() -> None:
    pyproject = {
        "build-system": {"requires": ["backend>=2"]},
        "project": {
            "name": "this",
            "dependencies": ["old>=2", "exact-name>=1"],
            "optional-dependencies": {"dev": ["this[test]", "none>=1"], "test": ["new<3"]},
        },
    }
    pinned = pins("backend==2.0\nold==1.9\nExact_Name==1.0\nnew==3.0")
    assert unmet(pyproject, pinned) == ["old>=2, pinned: 1.9", "none>=1, pinned: None", "new<3, pinned: 3.0"]


@pytest.mark.parametrize("line", ["jax", "jax>=0.6", "jax==0.6 --hash=sha256:0", "-e .", "jax @ file:///jax", ""])
def test_constraints_hold_pins_alone(line: str) -> None:
    with pytest.raises(AssertionError, match=r"expected name==version, got"):
        pins(f"numpy==2.1.0\n{line}\nrich==13.7")
