"""Whatever f answers, or does instead of answering, is contained and told."""

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from implementations import changed, textbook

from bptt_oracle import check
from bptt_oracle.oracle import calling
from bptt_oracle.oracle.answers import Answer, Failure
from bptt_oracle.oracle.calling import Callee
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.inquiry import MOST_TIMES_OUT
from bptt_oracle.oracle.probes import PLANS, draw
from bptt_oracle.oracle.refusals import Refusal
from bptt_oracle.oracle.result import Result

SHORT = 0.15


def slugs(result: Result) -> list[str]:
    return [mistake.slug for mistake in result.mistakes]


def found(f: Any, **options: Any) -> Result:
    return check(f, diagnose=False, **options)


# -------------------------------------------------------------------------------------------- structure and shape


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda j, g: None, "expected a list of dicts as gradients, but got None;"),
        (lambda j, g: g[0], 'expected a list of dicts as gradients, but got a dict with the keys "H", "W", "b";'),
        (lambda j, g: (j, *g), "expected a dict as the gradients of layer 1, but got numpy.float64 of shape ();"),
        (lambda j, g: (j, [g[0]]), "expected gradients for n = 2 layers, one dict each, but got 1 dict;"),
        (lambda j, g: (j, [list(g[0].values()), g[1]]), "gradients of layer 1, but got a list of 3: ndarray, ndarray,"),
        (
            lambda j, g: [{f"d{name}": a for name, a in layer.items()} for layer in g],
            'expected the gradients "H", "W", "b" of layer 1, but got "dH", "dW", "db"; name them as',
        ),
        (lambda j, g: (j, [g[0] | {"W": g[0]["W"] * 1j}, g[1]]), "dJ/dW^(1): expected real numbers, but got numpy"),
        (lambda j, g: (j, [g[0] | {"b": ["a", "b", "c", "d"]}, g[1]]), "dJ/db^(1): expected real numbers, but got a"),
        (lambda j, g: ("1.5", g), "J: expected real numbers, but got str"),
        (lambda j, g: (object(), g), "J: expected real numbers, but got object"),
        (lambda j, g: (j, Trap()), "what was returned cannot be read: ZeroDivisionError"),
    ],
)
def test_another_structure(answer: Callable[[Any, Any], Any], message: str) -> None:
    result = found(lambda params, x, y: answer(*textbook()(params, x, y)), batch="none")
    assert slugs(result) == ["structure"]
    assert message in result.mistakes[0].message


class Trap(list[Any]):
    """A list that cannot be looked at."""

    def __len__(self) -> int:
        return 1 // 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda j, g: (j, [g[0] | {"W": g[0]["W"].T}, g[1]]),
            "dJ/dW^(1): expected shape (d_1, d_0) = (4, 3), but got shape (3, 4): the transpose of what is expected",
        ),
        (
            lambda j, g: (j, [g[0], g[1] | {"b": 0.5}]),
            "dJ/db^(2): expected shape (d_2,) = (5,), but got shape () (a",
        ),
        (lambda j, g: (j, [g[0], g[1] | {"b": None}]), "dJ/db^(2): expected shape (d_2,) = (5,), but got None"),
        (lambda j, g: (np.ones(4), g), "J: expected one number, but got shape (4,)"),
        (lambda j, g: (j, [g[0] | {"H": np.broadcast_to(0.0, 10**9)}, g[1]]), "but got shape (1000000000,)"),
        (lambda j, g: (j, [g[0] | {"H": [[0.0] * 10**6]}, g[1]]), "but got shape (1, 1000000)"),
    ],
)
def test_another_shape(answer: Callable[[Any, Any], Any], message: str) -> None:
    result = found(lambda params, x, y: answer(*textbook()(params, x, y)), batch="none")
    assert slugs(result) == ["shape"]
    assert message in result.mistakes[0].message


def test_ten_thousand_layers_are_told_in_one_line() -> None:
    result = found(lambda params, x, y: [{"W": 0}] * 10**4)
    assert slugs(result) == ["structure"]
    assert "one dict each, but got 10000 dicts" in result.mistakes[0].message
    assert len(str(result)) < 2000


def test_lists_and_columns_and_foreign_arrays_are_taken() -> None:
    class Foreign:
        """An array of another library, with a graph from which it has to be detached."""

        def __init__(self, array: Any) -> None:
            self.shape, self._array, self._is_free = array.shape, array, False

        def detach(self) -> "Foreign":
            self._is_free = True
            return self

        def cpu(self) -> "Foreign":
            return self

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            assert self._is_free
            return self._array

    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> Any:
        first = {"H": grads[0]["H"].tolist(), "W": Foreign(grads[0]["W"]), "b": grads[0]["b"][:, None]}
        return [np.array([loss]), (first, grads[1] | {"x": None})]

    result = found(changed(textbook(), change))
    assert result.ok
    assert result.remarks == (
        "gradients of biases come in shape (d_l, 1); expected (d_l,)",
        '"x" in the gradients of layer 2: not asked for, and not checked',
    )


# ------------------------------------------------------------------------------------------------ not finite


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite(value: float) -> None:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> None:
        if len(x) == 7:
            grads[0]["H"][1, 2] = value

    result = found(changed(textbook(), change))
    assert slugs(result) == ["not-finite"]
    assert f"dJ/dH^(1): entry [1, 2] is {value}; expected finite numbers" in result.mistakes[0].message
    assert result.mistakes[0].where == "networks wide-one and square"


def test_that_one_gradient_alone_is_never_finite_is_told() -> None:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> None:
        grads[0]["H"][0, 1] = np.nan

    result = found(changed(textbook(), change))
    (mistake,) = result.mistakes
    assert mistake.slug == "not-finite"
    assert "dJ/dH^(1): entry [0, 1] is nan; expected finite numbers; all other gradients are finite" in mistake.message
    assert not mistake.looks_like.startswith("np.log(0)")
    assert result.remarks[0].startswith("f was asked in up to 24 forms and answered in some, but never with finite")


@pytest.mark.parametrize(
    ("names", "told"), [("b", "; not finite either: dJ/db^(2)"), ("HWb", "; no gradient is finite")]
)
def test_every_gradient_that_is_not_finite_is_told(names: str, told: str) -> None:
    def change(params: Any, x: Any, y: Any, loss: Any, grads: Any) -> None:
        for layer in grads:
            for name in set(names) & set(layer):
                layer[name][...] = np.inf

    assert told in found(changed(textbook(), change)).mistakes[0].message


def test_a_loss_that_is_not_finite() -> None:
    result = found(changed(textbook(), lambda p, x, y, j, g: (np.inf, g) if len(x) == 7 else None))
    assert slugs(result) == ["not-finite"]
    assert "J is inf; expected a finite number" in result.mistakes[0].message


# ------------------------------------------------------------------------------------ exceptions and time


def test_an_exception_is_told_with_its_traceback_and_the_rest_goes_on() -> None:
    result = found(textbook(("T = len(x)", "T = len(x)\n    if T == 8: raise KeyError('eight')")))
    assert slugs(result) == ["exception"]
    (mistake,) = result.mistakes
    assert mistake.message == "The call raises an exception: KeyError: 'eight'"
    assert mistake.detail.startswith('Traceback (most recent call last):\n  File "textbook.py", line 7, in backprop\n')
    assert mistake.detail.endswith("KeyError: 'eight'")
    assert "calling.py" not in mistake.detail
    assert [network.split()[0] for network in result.asked] == [
        *("plain", "wide-one", "long", "large", "tiny"),
        *("deep", "two", "wide", "wide-deep", "square"),
    ]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError(), RecursionError()])
def test_whatever_f_raises_is_an_exception(error: BaseException) -> None:
    def f(params: Any, x: Any, y: Any) -> Any:
        if len(x) == 8:
            raise error
        return textbook()(params, x, y)

    assert slugs(found(f)) == ["exception"]


def test_an_exception_whose_text_cannot_be_had_is_told() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError

    def f(params: Any, x: Any, y: Any) -> Any:
        raise MuteError

    assert slugs(found(f)) == ["exception"]


def test_a_refusal_keeps_its_name() -> None:
    def f(params: Any, x: Any, y: Any) -> Any:
        if len(x) == 8:
            raise Refusal("crash", "signal 11 ended it", "the last words")
        return textbook()(params, x, y)

    result = found(f)
    assert slugs(result) == ["crash"]
    assert result.mistakes[0].detail == "the last words"


def test_no_form_is_answered() -> None:
    result = found(lambda params, x, y: 1 / 0)
    assert slugs(result) == ["exception"]
    assert result.asked == ()
    assert result.remarks[0].startswith("f was asked in up to 24 forms and answered in none;")


def test_of_forms_that_fail_the_one_is_told_that_came_furthest() -> None:
    def f(params: Any, x: Any, y: Any) -> Any:
        T, B, _ = x.shape
        if T > B:
            return np.ones(5)[B + 10]
        return y[100]

    result = found(f)
    assert result.conventions.batch == "batch-first"
    assert "return y[100]" in result.mistakes[0].detail


@pytest.mark.parametrize("how", ["python", "python that catches all", "C"])
def test_no_answer_in_time(how: str) -> None:
    stop = threading.Event()

    def hang() -> None:
        if how == "C":
            stop.wait()
        while not stop.is_set():
            try:
                while not stop.is_set():
                    pass
            except BaseException:
                if how == "python":
                    raise

    def f(params: Any, x: Any, y: Any) -> Any:
        if len(x) == 8:
            hang()
        return textbook()(params, x, y)

    start = time.perf_counter()
    result = found(f, time_limit=SHORT)
    stop.set()
    assert time.perf_counter() - start < 10 * SHORT
    assert slugs(result) == ["time-limit"]
    assert result.mistakes[0].message == "There is no answer within the time limit: 0.45 s have passed"
    assert result.mistakes[0].where.startswith("network large (n=2, T=8,")


def slow_at(lengths: tuple[int, ...], seconds: float) -> Callable[..., Any]:
    """Right, but the first call of each of these lengths takes long, as if something were compiled for it."""
    known: set[int] = set()

    def f(params: Any, x: Any, y: Any) -> Any:
        if len(x) in lengths and len(x) not in known:
            known.add(len(x))
            time.sleep(seconds)
        return textbook()(params, x, y)

    return f


def test_first_calls_that_take_longer_than_the_time_limit_are_waited_for() -> None:
    assert found(slow_at((3, 48), 1.5 * SHORT), time_limit=SHORT).ok


def test_calls_that_take_longer_again_and_again_are_told() -> None:
    result = found(slow_at((48, 8), 2.5 * SHORT), time_limit=SHORT)
    assert slugs(result) == ["time-limit"]
    assert result.mistakes[0].where.startswith("network large (n=2, T=8,")  # the one with T = 48 was asked about before


def test_after_too_many_calls_without_an_answer_no_more_are_made() -> None:
    calls = [0]

    def f(params: Any, x: Any, y: Any) -> Any:
        if len(x) > 4:
            calls[0] += 1
            time.sleep(10)
        return textbook(("T = len(x)", "T = len(x)\n    y = y % len(params[1]['b'])"))(params, x, y)

    result = found(f, time_limit=SHORT)
    assert slugs(result) == ["time-limit"]
    assert calls == [MOST_TIMES_OUT]
    assert result.limits[-1].endswith("were not asked about: too many calls took too long")


def test_an_interrupt_of_the_check_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    callee = Callee(textbook())
    c = Conventions()
    assert isinstance(callee.call(draw(PLANS[0], 1).reduced(c), c), Answer)

    def interrupted(self: Any, task: Any, seconds: float) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(calling._Worker, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check(textbook())


def test_the_thread_of_a_check_does_not_end_and_serves_the_next() -> None:
    threads: list[threading.Thread] = []

    def f(params: Any, x: Any, y: Any) -> Any:
        threads.append(threading.current_thread())
        return textbook()(params, x, y)

    for _ in range(3):
        found(f)
    assert len({thread.ident for thread in threads}) == 1
    assert threads[0].is_alive()


def test_a_thread_in_which_f_was_stopped_serves_the_next_check() -> None:
    threads: list[threading.Thread] = []

    def f(params: Any, x: Any, y: Any) -> Any:
        threads.append(threading.current_thread())
        while True:
            time.sleep(1 / 1000)

    assert slugs(found(f, time_limit=SHORT)) == ["time-limit"]
    assert found(textbook()).ok
    assert len({thread.ident for thread in threads}) == 1
    assert threads[0].is_alive()


FORKS = """
import os
from test_oracle_calling import SHORT, found, textbook

assert found(textbook()).ok
if (child := os.fork()) == 0:
    os._exit(0 if found(textbook(), time_limit=SHORT).ok else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_the_child_of_a_fork_does_not_wait_for_a_thread_that_it_lacks() -> None:
    # a process of its own: JAX, which other tests load, is not to be forked; from 3.12 on, Python warns of every fork
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", FORKS]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_f_prints_and_warns_of_gets_through(capsys: pytest.CaptureFixture[str]) -> None:
    def f(params: Any, x: Any, y: Any) -> Any:
        print("so far", len(x))
        warnings.warn("it overflows", RuntimeWarning, stacklevel=1)
        return textbook()(params, x, y)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("error")
        assert found(f).ok
        assert warnings.filters[0][0] == "error"
    assert "so far 48" in capsys.readouterr().out
    assert {str(warning.message) for warning in seen} == {"it overflows"}


def test_the_settings_of_numpy_are_those_of_the_caller() -> None:
    def f(params: Any, x: Any, y: Any) -> Any:
        np.float64(1) / np.zeros(1)
        return textbook()(params, x, y)

    with np.errstate(all="raise"):
        assert slugs(found(f)) == ["exception"]
    with np.errstate(all="ignore"):
        assert found(f).ok


@pytest.mark.parametrize("wrong", [{"f": 3}, {"f": textbook(), "fresh": 3}])
def test_what_is_no_function_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"(f|fresh): expected a function.*, but got int"):
        check(**wrong)


def test_a_failure_is_no_answer() -> None:
    c = Conventions()
    outcome = Callee(lambda params, x, y: None).call(draw(PLANS[0], 1).reduced(c), c)
    assert isinstance(outcome, Failure)
