"""The smallest networks on which a printed line fails, and the lines of Python that repeat each of them."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bptt_oracle import counterexamples
from bptt_oracle.catalogue import equation
from bptt_oracle.checking import Outcome
from bptt_oracle.counterexamples import Counterexample, decimals, replay, smallest
from bptt_oracle.evidence import Gathered, field_evidence
from bptt_oracle.instances import Description
from bptt_oracle.manual import NetworkError
from bptt_oracle.verdicts import failing_lines

Claim = tuple[int, int, Outcome]

# Equal widths, so that a wrong layer goes unnoticed by shapes, and different ones; both deep enough for every line.
SHAPES = [Description(3, 4, (2, 2, 2, 2), seed=1), Description(3, 4, (2, 3, 1, 2), seed=2)]


@pytest.fixture(scope="module")
def examples() -> dict[Claim, Counterexample]:
    """The smallest counterexample to every line that fails, for every way in which it does."""
    gathered = Gathered()
    for description in SHAPES:
        gathered.add(field_evidence(description))
    found = {}
    for (number, line), outcomes in failing_lines({"field": gathered}).items():
        for outcome in outcomes:
            example = smallest(number, line, outcome)
            assert example is not None, (number, line, outcome)
            found[number, line, outcome] = example
    return found


def printed_by(program: str) -> str:
    """What a program prints, run in a namespace of its own."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(program, "counterexample", "exec"), {"__name__": "counterexample"})
    return out.getvalue()


def as_printed(example: Counterexample) -> str:
    """The text that repeating a counterexample has to print."""
    at = ", ".join(f"{name} = {value}" for name, value in example.at.items())
    return (
        f"equation ({example.number}), {example.variant}, line {example.line}, at {at}: {example.outcome}\n"
        f"autodiff: {example.left}\nthe line: {example.right}\n"
    )


def with_zeros(program: str) -> Iterator[str]:
    """A counterexample's program with each number of its H, W, b and x that is not 0 replaced by 0, one at a time."""
    for array in re.finditer(r'(?:"[HWb]": |x=)(\[[^"a-z]*\])', program):
        for number in re.finditer(r"-?[1-9]\d*", array[1]):
            start = array.start(1) + number.start()
            yield program[:start] + "0" + program[start + len(number[0]) :]


def test_every_way_of_failing_has_a_counterexample(examples: dict[Claim, Counterexample]) -> None:
    assert {(number, outcome) for number, _, outcome in examples} == {
        (4, "undefined"),
        (4, "shape"),
        (4, "differs"),
        (6, "differs"),
        (15, "shape"),
        (17, "shape"),
        (17, "differs"),
        (31, "differs"),
        (36, "differs"),
        (39, "undefined"),
    }


def test_its_python_repeats_every_counterexample(examples: dict[Claim, Counterexample]) -> None:
    for example in examples.values():
        assert printed_by(example.python()) == as_printed(example)


def test_python_that_was_tampered_with_prints_something_else(examples: dict[Claim, Counterexample]) -> None:
    example = examples[31, 1, "differs"]
    corrected = example.python().replace('"printed"', '"corrected"')
    assert ": agrees\n" in printed_by(corrected)
    earlier = example.python().replace("t=2", "t=1")
    assert ": agrees\n" in printed_by(earlier)
    assert printed_by(example.python().replace("y=[0, 0]", "y=[0, 1]")) != as_printed(example)


@pytest.mark.parametrize(
    ("claim", "n", "T", "widths"),
    [
        ((31, 1, "differs"), 2, 2, (1, 1, 2)),
        ((17, 1, "differs"), 3, 1, (1, 1, 1, 2)),
        ((36, 1, "differs"), 2, 2, (1, 1, 2)),
        ((6, 2, "differs"), 1, 1, (1, 2)),
        ((15, 2, "shape"), 3, 2, (1, 1, 2, 2)),
        ((39, 1, "undefined"), 2, 1, (1, 1, 2)),
        ((4, 1, "undefined"), 2, 1, (1, 1, 2)),
    ],
)
def test_the_smallest_has_the_least_depth_length_and_widths(
    examples: dict[Claim, Counterexample], claim: Claim, n: int, T: int, widths: tuple[int, ...]
) -> None:
    description = examples[claim].instance.description
    assert (description.n, description.T, description.d) == (n, T, widths)


def test_31_needs_three_steps_where_the_initial_states_are_zero() -> None:
    """Its terms differ at t = 2 in k = 1 alone, where they are multiplied by h(0)."""
    for T, h0, fails in [(2, "zero", False), (2, "random", True), (3, "zero", True)]:
        found = field_evidence(Description(3, T, (2, 2, 3, 2), h0=h0, seed=4), (31,))
        assert bool(failing_lines({"field": found})) == fails


def test_15_fails_by_its_shapes_and_hides_where_both_widths_are_1() -> None:
    """With one unit in layer l and in layer l+1 a transpose changes nothing."""
    for widths, outcomes in [((2, 1, 1, 2), None), ((2, 2, 2, 2), ["shape"]), ((2, 1, 2, 2), ["shape"])]:
        found = field_evidence(Description(3, 3, widths, seed=5), (15,))
        assert failing_lines({"field": found}).get((15, 2)) == outcomes


def test_no_number_of_a_counterexample_can_be_replaced_by_zero(examples: dict[Claim, Counterexample]) -> None:
    tried = 0
    for example in examples.values():
        for smaller in with_zeros(example.python()):
            tried += 1
            with contextlib.suppress(ValueError):  # a divisor that is zero decides nothing
                assert f": {example.outcome}\n" not in printed_by(smaller)
    assert tried > 0


def test_zeros_are_put_in_place_of_parameters_and_inputs_alone() -> None:
    program = 'params = [\n {"W": [[2], [0]], "b": [0, -1]},\n]\nprint(replay(6, "printed", params, x=[[3]], y=[1]))'
    assert list(with_zeros(program)) == [
        program.replace("[[2], [0]]", "[[0], [0]]"),
        program.replace("[0, -1]", "[0, 0]"),
        program.replace("x=[[3]]", "x=[[0]]"),
    ]


def test_the_same_counterexample_is_found_again(examples: dict[Claim, Counterexample]) -> None:
    claims: list[Claim] = [(6, 2, "differs"), (31, 1, "differs"), (36, 1, "differs")]
    for claim in claims:
        again = smallest(*claim)
        assert again is not None
        assert again.python() == examples[claim].python()


def test_numbers_are_small_integers(examples: dict[Claim, Counterexample]) -> None:
    for example in examples.values():
        arrays = [array for layer in example.instance.params for array in layer.values()]
        for array in [*arrays, example.instance.x, *example.instance.h0]:
            assert np.isin(array, [-1, 0, 1, 2]).all()


def test_a_line_that_holds_has_no_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [Description(2, T, (1, 2, 2), f="identity") for T in (1, 2, 3)]
    monkeypatch.setattr(counterexamples, "_shapes", lambda: iter(shapes))
    assert smallest(31, 1, "differs") is not None
    assert smallest(31, 1, "differs", "corrected") is None
    assert smallest(33, 1, "differs") is None
    assert smallest(31, 1, "shape") is None


def test_a_replay_outside_an_equations_ranges_is_refused() -> None:
    network: dict[str, Any] = {
        "params": [{"W": [[1], [0]], "b": [0, 0]}],
        "x": [[1]],
        "y": [0],
        "h0": [],
        "f": "tanh",
    }
    assert ": differs\n" in replay(6, "printed", **network, line=2, t=1)
    with pytest.raises(ValueError, match=r"^equation \(6\) is not stated for \{'t': 2\} on this network$"):
        replay(6, "printed", **network, line=2, t=2)
    with pytest.raises(ValueError, match=r"^equation \(7\): there is no corrected reading$"):
        replay(7, "corrected", **network, line=1, t=1)


def test_decimals_are_rounded_and_say_no_more_than_they_know() -> None:
    assert decimals(np.array([[1.0, -0.25], [2 / 3, 0.0]])) == "[[1, -0.25], [0.666667, 0]]"
    assert decimals(np.array([[-1e-9]])) == "[[0]]"


def test_the_corrections_hold_on_the_counterexamples(examples: dict[Claim, Counterexample]) -> None:
    for (number, _, _), example in examples.items():
        assert equation(number).corrected is not None
        if number == 36:  # its correction is not claimed for these indices
            with pytest.raises(ValueError, match=r"^equation \(36\) is not stated for"):
                printed_by(example.python().replace('"printed"', '"corrected"'))
        else:
            assert ": agrees\n" in printed_by(example.python().replace('"printed"', '"corrected"'))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [-1]}, "y: expected class indices 0..1"),
        ({"y": [7]}, "y: expected class indices 0..1"),
        ({"params": []}, "params: expected at least one layer"),
        ({"params": [{"W": [1, 0], "b": [0, 0]}]}, r'params\[0\]\["W"\]: expected rank 2'),
        ({"f": "cube"}, "functions: expected one of"),
    ],
)
def test_a_replay_of_what_is_no_network_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"params": [{"W": [[1], [0]], "b": [0, 0]}], "x": [[1]], "y": [0], "h0": [], "f": "tanh"}
    with pytest.raises(NetworkError, match=f"^{message}"):
        replay(6, "printed", **(given | change), line=2, t=1)


@pytest.mark.parametrize(
    ("number", "variant", "at", "message"),
    [
        (
            31,
            "Printed",
            {"line": 1, "l": 1, "t": 1},
            'expected the reading "printed" or "corrected", but got \'Printed\'',
        ),
        (31, "printed", {"line": 1, "l": 1}, r"equation \(31\): expected the indices l, t, but got l"),
        (31, "printed", {"line": 2, "l": 1, "t": 1}, r"line: equation \(31\) has the lines 1..1, but got 2"),
    ],
)
def test_a_replay_of_what_is_not_stated_is_refused(number: int, variant: Any, at: Any, message: str) -> None:
    hidden: dict[str, Any] = {"H": [[0]], "W": [[0]], "b": [0]}
    given: dict[str, Any] = {"params": [hidden, {"W": [[0], [1]], "b": [0, 0]}], "x": [[0]], "y": [0], "h0": [[1]]}
    with pytest.raises(ValueError, match=f"^{message}$"):
        replay(number, variant, **given, f="identity", **at)
