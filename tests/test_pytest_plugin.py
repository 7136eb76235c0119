"""The pytest plugin: what its fixture and its marker do in somebody's tests, and what a failure shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bptt_oracle.oracle.options import OPTIONS
from bptt_oracle.oracle.verdict import check

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
PLUGIN = (
    *("-p", "no:bptt_oracle", "-p", "bptt_oracle.pytest_plugin"),
    *("-W", "ignore:Module already imported so cannot be rewritten"),  # by the tests that ran before in this process
)
"""Loads the plugin, whether or not the installation that is tested declares it."""

MODULE = re.findall(r"```python\n(.*?)\nfor line in", PAGE, re.DOTALL)[0]
"""A right backprop, `backprop(params, x, y)`."""

TRANSPOSE = ("H.T @ delta", "H @ delta")
QUICK = 'layers=1, layout="columns", batch="none", diagnose=False'


@pytest.fixture
def user(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a right backprop and a wrong one."""
    monkeypatch.setenv("COLUMNS", "200")
    assert MODULE.count(TRANSPOSE[0]) == 1
    pytester.makepyfile(right=MODULE, wrong=MODULE.replace(*TRANSPOSE))
    return pytester


def run(user: pytest.Pytester, test: str, *arguments: str) -> pytest.RunResult:
    """Run a module of tests with the plugin."""
    user.makepyfile(f"import pytest\nimport right, wrong\n{test}")
    return user.runpytest(*arguments, *PLUGIN)  # what is ignored comes after what is an error


def shown(result: pytest.RunResult) -> str:
    """What stands below the name of the only test that failed."""
    text = result.stdout.str().split("FAILURES")[1].split("short test summary info")[0]
    return "\n".join(text.splitlines()[2:-1])


# ---- the fixture


def test_the_fixture_passes_a_right_backprop_and_fails_a_wrong_one(user: pytest.Pytester) -> None:
    done = run(
        user,
        f"""
def test_right(bptt_oracle): bptt_oracle.assert_correct(right.backprop, {QUICK})
def test_wrong(bptt_oracle): bptt_oracle.assert_correct(wrong.backprop, {QUICK})
def test_result(bptt_oracle): assert not bptt_oracle.check(wrong.backprop, {QUICK}).ok
""",
    )
    done.assert_outcomes(passed=2, failed=1)


def test_a_failure_is_the_diagnosis_and_no_traceback(user: pytest.Pytester) -> None:
    source = "def test_wrong(bptt_oracle): bptt_oracle.assert_correct(wrong.backprop, layers=1)"
    done = run(user, source)
    done.assert_outcomes(failed=1)
    namespace: dict[str, object] = {}
    exec(MODULE.replace(*TRANSPOSE), namespace)
    result = check(namespace["backprop"], layers=1)  # type: ignore[arg-type]
    assert not result.ok
    assert shown(done).strip() == str(result).strip()
    done.stdout.fnmatch_lines(["FAILED test_*.py::test_wrong - *GradientError: *"])


def test_an_error_that_is_not_about_gradients_keeps_its_traceback(user: pytest.Pytester) -> None:
    done = run(user, "def test_other(bptt_oracle): assert right is wrong")
    done.assert_outcomes(failed=1)
    assert "> " in shown(done)


# ---- the marker


def test_a_marked_test_checks_what_it_returns(user: pytest.Pytester) -> None:
    done = run(
        user,
        f"""
@pytest.fixture
def module(): return right

@pytest.mark.bptt_oracle({QUICK})
def test_right(module): return module.backprop

@pytest.mark.bptt_oracle({QUICK})
def test_wrong(): return wrong.backprop

@pytest.mark.bptt_oracle({QUICK})
class TestModel:
    def test_right(self): return right.backprop

    @pytest.mark.parametrize("module", [right, wrong])
    def test_both(self, module): return module.backprop
""",
        "--strict-markers",
        "-Werror",
    )
    done.assert_outcomes(passed=3, failed=2)


def test_a_marked_test_is_called_again_for_a_fresh_backprop(user: pytest.Pytester) -> None:
    done = run(
        user,
        f"""
built = []

class Model:
    def __init__(self): built.append(self)
    def backprop(self, params, x, y): return right.backprop(params, x, y)

@pytest.mark.bptt_oracle({QUICK})
def test_model(): return Model().backprop

def test_it_was_built_again(): assert len(built) > 1
""",
    )
    done.assert_outcomes(passed=2)


def test_the_marker_gives_options_to_the_fixture(user: pytest.Pytester) -> None:
    done = run(
        user,
        f"""
@pytest.mark.bptt_oracle({QUICK}, over_time="sum")
def test_sum(bptt_oracle): bptt_oracle.assert_correct(right.backprop)

@pytest.mark.bptt_oracle({QUICK})
def test_mean(bptt_oracle): bptt_oracle.assert_correct(right.backprop, over_time="mean")
""",
    )
    done.assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "@pytest.mark.bptt_oracle\ndef test_it(): right.backprop",
            "the marker bptt_oracle: expected a test that returns the backprop or uses the fixture bptt_oracle, "
            "but it returned None",
        ),
        (
            "@pytest.mark.bptt_oracle\ndef test_it(bptt_oracle): return 7",
            "the marker bptt_oracle: expected a test that returns the backprop or uses the fixture bptt_oracle, "
            "but it returned 7",
        ),
        (
            "@pytest.mark.bptt_oracle(lay_out='rows')\ndef test_it(): return right.backprop",
            f"the marker bptt_oracle: expected one of the options {', '.join(OPTIONS)}, but got 'lay_out'",
        ),
        (
            "@pytest.mark.bptt_oracle('rows')\ndef test_it(): return right.backprop",
            "the marker bptt_oracle: expected options by name, but got 'rows'",
        ),
    ],
)
def test_a_marker_that_can_check_nothing_fails_its_test(user: pytest.Pytester, source: str, message: str) -> None:
    done = run(user, source)
    done.assert_outcomes(failed=1)
    assert shown(done) == message


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.bptt_oracle\nasync def test_it(): return right.backprop",
        "import unittest\nclass TestIt(unittest.TestCase):\n"
        "    @pytest.mark.bptt_oracle\n    def test_it(self): return right.backprop",
    ],
)
def test_a_marker_on_a_test_that_cannot_return_is_an_error(user: pytest.Pytester, source: str) -> None:
    done = run(user, source)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        [
            "the marker bptt_oracle: expected a plain test function, which returns the backprop, but got a coroutine "
            "or a method of unittest.TestCase; use the fixture bptt_oracle, or call bptt_oracle.assert_correct"
        ]
    )


# ---- options


def test_the_call_wins_over_markers_over_the_command_line_over_the_configuration(user: pytest.Pytester) -> None:
    user.makeini(
        "[pytest]\nbptt_oracle =\n    seed = 1\n    layers=1\n    diagnose=false\n    layout=columns\n    batch=none"
    )
    source = """
def test_default(bptt_oracle): assert bptt_oracle.check(right.backprop).seed == {default}

@pytest.mark.bptt_oracle(seed=3)
class TestMarked:
    def test_outer(self, bptt_oracle): assert bptt_oracle.check(right.backprop).seed == 3

    @pytest.mark.bptt_oracle(seed=4)
    def test_inner(self, bptt_oracle):
        assert bptt_oracle.check(right.backprop).seed == 4
        assert bptt_oracle.check(right.backprop, seed=5).seed == 5
"""
    run(user, source.format(default=1)).assert_outcomes(passed=3)
    run(user, source.format(default=2), "--bptt-seed", "2").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("setting", "arguments", "message"),
    [
        ("layout", (), "bptt_oracle in the configuration: expected NAME=VALUE, but got 'layout'"),
        (
            "width=3",
            (),
            f"bptt_oracle in the configuration: expected one of the options {', '.join(OPTIONS)}, but got 'width'",
        ),
        ("layout=diagonal", (), "layout: expected one of columns, rows, but got 'diagonal'"),
        ("h0=maybe", (), "h0: expected true or false, but got 'maybe'"),
        ("", ("--bptt-seed", "x"), "seed: expected an integer of at least 0, but got 'x'"),
        ("", ("--bptt-time-limit", "inf"), "time_limit: expected a number of seconds above 0, but got 'inf'"),
    ],
)
def test_an_option_that_does_not_exist_ends_the_run_with_one_line(
    user: pytest.Pytester, setting: str, arguments: tuple[str, ...], message: str
) -> None:
    user.makeini(f"[pytest]\nbptt_oracle = {setting}")
    done = run(user, "def test_it(): ...", *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.lines == [f"ERROR: {message}", ""]


def test_the_properties_of_a_verdict_are_in_the_report_for_a_ci_service(user: pytest.Pytester) -> None:
    source = f"@pytest.mark.bptt_oracle({QUICK}, seed=7)\ndef test_wrong(): return wrong.backprop"
    run(user, source, "--junitxml", "report.xml").assert_outcomes(failed=1)
    root = ET.parse(user.path / "report.xml").getroot()
    found = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert found["bptt_oracle.verdict"] == "wrong"
    assert found["bptt_oracle.seed"] == "7"
    assert found.keys() == {f"bptt_oracle.{key}" for key in ("verdict", "mistakes", "conventions", "truth", "seed")}


def test_marker_fixture_and_options_are_listed(user: pytest.Pytester) -> None:
    user.runpytest(*PLUGIN, "--markers").stdout.fnmatch_lines(["@pytest.mark.bptt_oracle(**options): *"])
    user.runpytest(*PLUGIN, "--fixtures").stdout.fnmatch_lines(["bptt_oracle -- *"])
    user.runpytest(*PLUGIN, "--help").stdout.fnmatch_lines(["*--bptt-seed=N*"])


# ---- what it costs those who do not use it


def fresh_python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python anew, in a folder, with no plugin of pytest but those that are named."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )


def test_a_run_that_checks_nothing_loads_neither_numpy_nor_jax(tmp_path: Path) -> None:
    seen = tmp_path / "modules"
    (tmp_path / "test_it.py").write_text(
        f"import sys\ndef test_it(): open({str(seen)!r}, 'w').write(' '.join(sys.modules))\n"
    )
    fresh_python("-m", "pytest", *PLUGIN, "-q", "test_it.py", folder=tmp_path)
    loaded = set(seen.read_text().split())
    assert "bptt_oracle.pytest_plugin" in loaded
    assert loaded & {"numpy", "jax", "flint", "rich", "bptt_oracle.manual", "bptt_oracle.oracle.conventions"} == set()


def test_loading_the_plugin_costs_less_than_20_ms(tmp_path: Path) -> None:
    def milliseconds() -> float:
        done = fresh_python("-X", "importtime", "-c", "import pytest, bptt_oracle.pytest_plugin", folder=tmp_path)
        [ours] = [each for each in done.stderr.splitlines() if each.endswith(" bptt_oracle.pytest_plugin")]
        return int(ours.split("|")[1]) / 1000  # with all that it imports

    assert min(milliseconds() for _ in range(3)) < 20


def test_the_plugin_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"bptt_oracle": "bptt_oracle.pytest_plugin"}
