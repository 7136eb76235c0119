"""A backprop is found by name, and what cannot be found or imported is one clear error."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bptt_oracle.oracle.loading import LoadingError, load

SOURCE = """\
import pickle
from dataclasses import dataclass
from math import tau
from helper_of_the_user import scale

calls = []
number = 7

def backprop(params, x, y):
    calls.append(1)
    return len(calls) * scale, []

def other(params, x, y): ...
def _private(): ...

@dataclass
class Model:
    width: int = 3
    @staticmethod
    def backprop(params, x, y): return "of the class"
"""


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Each test has its own folder, and leaves no module and no path behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the user's, which imports another one beside it."""
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "helper_of_the_user.py").write_text("scale = 10\n")
    (folder / "rnn.py").write_text(SOURCE)
    return folder / "rnn.py"


def error_of(text: str) -> LoadingError:
    """Why something cannot be loaded."""
    with pytest.raises(LoadingError) as caught:
        load(text)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_function_of_a_file_is_found_with_what_stands_beside_it(path: Path) -> None:
    target = load(f"{path}:backprop")
    assert target.function([], [], []) == (10, [])
    assert target.function([], [], []) == (20, [])


def test_a_function_of_a_module_is_found_in_the_current_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert load("rnn:backprop").function([], [], []) == (10, [])
    assert load("os.path:join").function("a", "b") == str(Path("a") / "b")


def test_a_function_in_a_class_is_found_by_its_dotted_name(path: Path) -> None:
    assert load(f"{path}:Model.backprop").function([], [], []) == "of the class"


@pytest.mark.parametrize("by", ["file", "module"])
def test_a_fresh_function_has_globals_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.chdir(path.parent)
    target = load(f"{path}:backprop" if by == "file" else "rnn:backprop")
    assert [target.function([], [], [])[0] for _ in range(2)] == [10, 20]
    assert [target.fresh()([], [], [])[0] for _ in range(2)] == [10, 10]
    assert target.function([], [], [])[0] == 30


def test_a_class_of_a_loaded_file_can_be_pickled(path: Path) -> None:
    model = load(f"{path}:Model").function()
    assert pickle.loads(pickle.dumps(model)) == model


def test_a_file_may_have_the_name_of_a_module_of_the_library(path: Path) -> None:
    import json

    shadowing = path.with_name("json.py")
    shadowing.write_text("def backprop(params, x, y): return 'the user'\n")
    assert load(f"{shadowing}:backprop").function([], [], []) == "the user"
    assert sys.modules["json"] is json


def test_a_file_may_have_a_name_that_is_no_identifier(path: Path) -> None:
    odd = path.with_name("my rnn-2.0.py")
    odd.write_text("def backprop(params, x, y): return 2\n")
    assert load(f"{odd}:backprop").function([], [], []) == 2


def test_a_file_is_not_executed_as_the_main_program(path: Path) -> None:
    path.write_text("def backprop(params, x, y): ...\nif __name__ == '__main__': raise SystemExit('trained')\n")
    load(f"{path}:backprop")


@pytest.mark.parametrize("text", ["", "rnn", "rnn.py", ":f", "rnn.py:", "rnn.py:f()", "rnn:1", "rnn.py:a..b"])
def test_another_form_says_what_is_expected(text: str) -> None:
    assert str(error_of(text)) == f"expected path.py:function or module:function, but got {text!r}"


def test_a_file_or_module_that_is_not_there_is_named(path: Path) -> None:
    (path.parent / "folder.py").mkdir()
    (path.parent / "empty").mkdir()
    assert str(error_of("none.py:f")) == "none.py:f: expected a file with Python code, but there is no file 'none.py'"
    folder = f"{path.parent}/folder.py"
    assert (
        str(error_of(f"{folder}:f"))
        == f"{folder}:f: expected a file with Python code, but there is a folder '{folder}'"
    )
    assert str(error_of("none_at_all:f")) == (
        "none_at_all:f: importing it raised ModuleNotFoundError: No module named 'none_at_all'"
    )
    assert str(error_of("course.empty:f")) == (
        "course.empty:f: expected a module with code, but course.empty is a folder without any"
    )
    assert str(error_of("course/rnn:f")) == (
        "course/rnn:f: expected path.py:function or module:function, "
        "but 'course/rnn' is neither a file *.py nor the name of a module"
    )


def test_a_name_that_is_not_there_lists_those_that_are(path: Path) -> None:
    there = "but the functions there are: backprop, other, Model"
    assert str(error_of(f"{path}:backward")) == f"{path}:backward: expected a function backward, {there}"
    assert str(error_of(f"{path}:Model.go")) == f"{path}:Model.go: expected a function Model.go, {there}"
    path.write_text("")
    assert str(error_of(f"{path}:f")) == f"{path}:f: expected a function f, but the functions there are: none"


def test_what_cannot_be_called_is_refused(path: Path) -> None:
    target = load(f"{path}:number")
    assert target.value == 7
    with pytest.raises(LoadingError) as caught:
        _ = target.function
    assert str(caught.value) == f"{path}:number: expected a function, but number is an int"


def test_an_error_of_the_file_is_shown_with_the_frames_of_the_user_alone(path: Path) -> None:
    path.write_text("def setup():\n    return [][3]\n\nsetup()\n")
    error = error_of(f"{path}:backprop")
    assert str(error) == f"{path}:backprop: importing it raised IndexError: list index out of range"
    marks = set("~^ ")  # which versions of Python put under different lines
    assert [line for line in error.detail.splitlines() if set(line) - marks] == [
        "Traceback (most recent call last):",
        f'  File "{path}", line 4, in <module>',
        "    setup()",
        f'  File "{path}", line 2, in setup',
        "    return [][3]",
        "IndexError: list index out of range",
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(:", "SyntaxError: invalid syntax"),
        ("import package_that_is_not_there", "ModuleNotFoundError: No module named 'package_that_is_not_there'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("a\0b", "SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(path: Path, source: str, said: str) -> None:
    path.write_text(source)
    error = error_of(f"{path}:f")
    assert str(error) == f"{path}:f: importing it raised {said}"
    assert error.detail.endswith(said)
    assert "loading.py" not in error.detail
    assert path.stem not in sys.modules


def test_a_fresh_import_that_fails_says_why(path: Path) -> None:
    target = load(f"{path}:backprop")
    path.write_text("1 / 0")
    with pytest.raises(LoadingError, match=r"importing it raised ZeroDivisionError: division by zero$"):
        target.fresh()
