"""The pytest plugin: a fixture and a marker that check a hand-written backprop in somebody's own tests.

With the fixture:

    def test_my_backprop(bptt_oracle):
        bptt_oracle.assert_correct(my_backprop, layout="rows")

With the marker, for a test that returns the backprop; a fresh object is what the test returns when it is called again:

    @pytest.mark.bptt_oracle(layout="rows")
    def test_my_model():
        return Model().backprop

What fails says what is wrong, without a traceback. Options are those of `bptt_oracle.check`. They come from the
configuration (`bptt_oracle = ["layout=rows"]`), the command line (`--bptt-seed 7`), the markers of module, class and
function, and the call; the later of these wins. The plugin imports NumPy with the first check, not before.

PYTEST_DONT_REWRITE: it has no assertions, and pytest warns of a plugin that was imported before it could rewrite it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Generator
from typing import TYPE_CHECKING, Any

import pytest

from .oracle.options import OPTIONS, OptionError, known

if TYPE_CHECKING:
    from .oracle.result import Result

_NAME = "bptt_oracle"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting `bptt_oracle` and an option for each thing that is no convention of a backprop."""
    parser.addini(_NAME, "options of the bptt_oracle fixture and marker, each as NAME=VALUE", type="linelist")
    group = parser.getgroup(_NAME, "hand-written backpropagation through time")
    for option in OPTIONS.values():
        if not option.is_convention:
            shown = (
                "|".join(map(str, option.choices))
                or {int: "N", float: "SECONDS", bool: "true|false", tuple: "D,D,D"}[option.kind]
            )
            group.addoption(f"--bptt-{option.name.replace('_', '-')}", metavar=shown, help=option.help)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and read the options that are the same for all tests."""
    config.addinivalue_line(
        "markers",
        "bptt_oracle(**options): check the backprop that this test returns, or gives the fixture, with these options",
    )
    try:
        config.stash[_DEFAULTS] = _defaults(config)
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None


_DEFAULTS: pytest.StashKey[dict[str, Any]] = pytest.StashKey()


def _defaults(config: pytest.Config) -> dict[str, Any]:
    """The options of the configuration, and over them those of the command line."""
    given = {}
    for text in config.getini(_NAME):
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise OptionError(f"{_NAME} in the configuration: expected NAME=VALUE, but got {text!r}")
        given[name] = value
    known(given, f"{_NAME} in the configuration")
    for name in OPTIONS:
        if (value := config.getoption(f"--bptt-{name.replace('_', '-')}", None)) is not None:
            given[name] = value
    return {name: OPTIONS[name].read(value) for name, value in given.items()}


class Oracle:
    """The fixture `bptt_oracle`: `check` and `assert_correct` with the options of one test.

    Parameters
    ----------
    node
        The test, whose markers hold options and which gets the properties of what was found.
    """

    def __init__(self, node: pytest.Item) -> None:
        self._node = node

    def check(self, f: Callable[..., Any], **options: Any) -> Result:
        """The verdict on a backprop; see `bptt_oracle.check`."""
        from .oracle.junit import properties_of
        from .oracle.verdict import check

        result = check(f, **self._options() | options)
        self._node.user_properties.extend((f"{_NAME}.{key}", value) for key, value in properties_of(result).items())
        return result

    def assert_correct(self, f: Callable[..., Any], **options: Any) -> None:
        """Fail the test with what is wrong, if a backprop is not right; see `bptt_oracle.assert_correct`."""
        from .oracle.verdict import GradientError

        result = self.check(f, **options)
        if not result.ok:
            raise GradientError(result)

    def _options(self) -> dict[str, Any]:
        """Those of the configuration, the command line and the markers, the nearest marker last."""
        defaults = self._node.config.stash[_DEFAULTS]
        options = dict(defaults)
        for marker in reversed(list(self._node.iter_markers(_NAME))):
            if marker.args:
                raise OptionError(f"the marker {_NAME}: expected options by name, but got {marker.args[0]!r}")
            options |= known(marker.kwargs, f"the marker {_NAME}")
        return options


@pytest.fixture
def bptt_oracle(request: pytest.FixtureRequest) -> Oracle:
    """Check a hand-written backprop: `bptt_oracle.assert_correct(f, **options)`, or `.check(f)` for the result."""
    return Oracle(request.node)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker on a test that nothing can be returned from, unless it uses the fixture."""
    if item.get_closest_marker(_NAME) is not None and not _can_return(item) and _NAME not in _fixtures(item):
        raise OptionError(
            f"the marker {_NAME}: expected a plain test function, which returns the backprop, but got a coroutine or a "
            f"method of unittest.TestCase; use the fixture {_NAME}, or call bptt_oracle.assert_correct"
        )


def _can_return(item: pytest.Item) -> bool:
    import unittest

    is_plain = isinstance(item, pytest.Function) and not inspect.iscoroutinefunction(item.obj)
    return is_plain and not issubclass(getattr(item, "cls", None) or object, unittest.TestCase)


def _fixtures(item: pytest.Item) -> Collection[str]:
    return getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Check what a marked test returns."""
    test = pyfuncitem.obj
    if pyfuncitem.get_closest_marker(_NAME) is None or not _can_return(pyfuncitem):
        return (yield)

    @functools.wraps(test)
    def checked(**arguments: Any) -> None:
        returned = test(**arguments)
        if callable(returned):
            Oracle(pyfuncitem).assert_correct(returned, fresh=lambda: test(**arguments))
        elif returned is not None or _NAME not in _fixtures(pyfuncitem):
            raise OptionError(
                f"the marker {_NAME}: expected a test that returns the backprop or uses the fixture {_NAME}, "
                f"but it returned {returned!r}"
            )

    pyfuncitem.obj = checked
    try:
        return (yield)
    finally:
        pyfuncitem.obj = test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what is wrong with a backprop, or with an option, without a traceback."""
    report = yield
    verdict = sys.modules.get("bptt_oracle.oracle.verdict")
    shown = (OptionError, *([verdict.GradientError] if verdict else []))
    if call.excinfo is not None and isinstance(call.excinfo.value, shown):
        report.longrepr = call.excinfo.getrepr(style="value")
    return report
