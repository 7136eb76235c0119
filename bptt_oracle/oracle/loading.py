"""Finding a backprop by name: `path.py:function` or `module:function`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_FORM = "path.py:function or module:function"
_SHOWN = 12


class LoadingError(ValueError):
    """A backprop that cannot be found, or cannot be imported.

    Attributes
    ----------
    detail : the traceback, where the user's own code raised
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


@dataclass(frozen=True)
class Target:
    """What a text `path.py:name` or `module:name` stands for.

    Attributes
    ----------
    text : as it was given
    value : the function, or whatever else has the name
    spec : what its module is loaded from
    name : its name there, which may have dots
    """

    text: str
    value: Any
    spec: ModuleSpec
    name: str

    @property
    def function(self) -> Callable[..., Any]:
        """The value, if it can be called.

        Raises
        ------
        LoadingError
            If it cannot.
        """
        if not callable(self.value):
            raise LoadingError(f"{self.text}: expected a function, but {self.name} is {_a(self.value)}")
        function: Callable[..., Any] = self.value
        return function

    def fresh(self) -> Callable[..., Any]:
        """The function of its module executed once more: with globals of its own, and nothing kept from before."""
        module = importlib.util.module_from_spec(self.spec)
        _execute(lambda: _loader(self.spec).exec_module(module), self.text)
        return Target(self.text, _attribute(module, self.name, self.text), self.spec, self.name).function


def load(text: str) -> Target:
    """Import what a text `path.py:name` or `module:name` stands for.

    A file is executed as a module, with its own folder first on `sys.path`, as `python path.py` has it; a module is
    imported from `sys.path` or the current folder.

    Raises
    ------
    LoadingError
        For a text of another form, no such file or module, a module that raises, or no such name in it.
    """
    place, colon, name = text.rpartition(":")
    if not colon or not place or not all(part.isidentifier() for part in name.split(".")):
        raise LoadingError(f"expected {_FORM}, but got {text!r}")
    module, spec = _file(Path(place), text) if place.endswith(".py") else _module(place, text)
    return Target(text, _attribute(module, name, text), spec, name)


def _file(path: Path, text: str) -> tuple[ModuleType, ModuleSpec]:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise LoadingError(f"{text}: expected a file with Python code, but there is {what} {str(path)!r}")
    path = path.resolve()
    name = path.stem if path.stem not in sys.modules else f"{path.stem} of {path.parent}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # its name ends in .py
    _first_on_path(path.parent)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    try:
        _execute(lambda: _loader(spec).exec_module(module), text)
    except BaseException:
        del sys.modules[name]
        raise
    return module, spec


def _module(name: str, text: str) -> tuple[ModuleType, ModuleSpec]:
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadingError(f"{text}: expected {_FORM}, but {name!r} is neither a file *.py nor the name of a module")
    _first_on_path(Path.cwd())
    module: ModuleType = _execute(lambda: importlib.import_module(name), text)
    if module.__spec__ is None or module.__spec__.origin is None:
        raise LoadingError(f"{text}: expected a module with code, but {name} is a folder without any")
    return module, module.__spec__


def _execute(run: Callable[[], Any], text: str) -> Any:
    """What `run` returns, which executes the user's code."""
    try:
        return run()
    except (Exception, SystemExit) as error:
        said = " ".join("".join(traceback.format_exception_only(error)[-1:]).split())
        raise LoadingError(f"{text}: importing it raised {said}", _traceback(error)) from error


def _traceback(error: BaseException) -> str:
    """The traceback, from the user's first frame on."""
    ours = (__file__, importlib.__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _attribute(module: ModuleType, name: str, text: str) -> Any:
    try:
        return reduce(getattr, name.split("."), module)
    except AttributeError:
        here = [
            each
            for each, value in vars(module).items()
            if callable(value) and not each.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
        shown = ", ".join(here[:_SHOWN]) + (", ..." if len(here) > _SHOWN else "")
        raise LoadingError(
            f"{text}: expected a function {name}, but the functions there are: {shown or 'none'}"
        ) from None


def _first_on_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _loader(spec: ModuleSpec) -> Any:
    return spec.loader


def _a(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
