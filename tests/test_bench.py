"""The benchmarks: what is said of times, who computes what, and what is written. No test asserts anything of a time."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bptt_oracle import cli
from bptt_oracle.bench import agreement, contenders, machine, passes, run, sums, timing
from bptt_oracle.bench.agreement import DisagreementError, Found
from bptt_oracle.bench.grid import BATCHES, CLASSES, DTYPES, LAYERS, STEPS, WIDTHS, balanced, every, grid
from bptt_oracle.bench.networks import Size, draw
from bptt_oracle.bench.plain import CONVENTIONS, plain
from bptt_oracle.bench.recorded import check, read, schema
from bptt_oracle.bench.run import BenchmarkError, Part
from bptt_oracle.manual import Gradients, Network, one_pass

SMALL = [
    Size(1, 8, 5, 1, 7, "float64"),
    Size(3, 6, 4, 3, 5, "float64"),
    Size(2, 16, 12, 4, 9, "float32"),
    Size(4, 8, 60, 2, 30, "float32"),
]
small = pytest.mark.parametrize("size", SMALL, ids=str)

# ---- times


def ticking(seconds: dict[str, float], log: list[str]) -> tuple[dict[str, Callable[[], None]], Callable[[], float]]:
    """Work that takes as long as it is said to, and the clock that says so."""
    now = [0.0]

    def work(name: str) -> Callable[[], None]:
        def done() -> None:
            now[0] += seconds[name]
            log.append(name)

        return done

    return {name: work(name) for name in seconds}, lambda: now[0]


def test_each_contender_has_its_turn_in_every_round_and_each_begins() -> None:
    rounds = [list(order) for order in timing.in_turn("abc", 6)]
    assert [sorted(order) for order in rounds] == [["a", "b", "c"]] * 6
    assert rounds == [list(order) for order in ("abc", "cba", "bca", "acb", "cab", "bac")]


def test_samples_are_seconds_of_one_call_in_turn() -> None:
    log: list[str] = []
    works, clock = ticking({"slow": 1.0, "slower": 3.0}, log)
    samples = timing.alternate(works, timing.Effort(seconds=17.0), clock)
    assert samples == {"slow": [1.0] * 4, "slower": [3.0] * 4}
    assert log == ["slow", "slower", "slower", "slow", "slower", "slow", "slow", "slower"]


def test_quick_work_is_repeated_within_a_sample() -> None:
    log: list[str] = []
    works, clock = ticking({"quick": 0.25, "slow": 2.0}, log)
    samples = timing.alternate(works, timing.Effort(seconds=0.0, least=3, sample=1.0), clock)
    assert samples == {"quick": [0.25] * 3, "slow": [2.0] * 3}
    assert log.count("slow") == 3
    assert log.count("quick") == 2 + 3 * (1 + 4)  # twice to find out, then one not counted before four


def test_the_number_of_rounds_is_that_of_the_effort() -> None:
    for seconds, rounds in ((0.0, 3), (5.0, 5), (50.0, 7)):
        works, clock = ticking({"one": 1.0}, [])
        assert len(timing.alternate(works, timing.Effort(seconds, least=3, most=7), clock)["one"]) == rounds


def test_progress_is_told_after_every_round() -> None:
    told: list[tuple[int, int]] = []
    works, clock = ticking({"one": 1.0, "two": 2.0}, [])
    timing.alternate(works, timing.Effort(seconds=0.0, least=3), clock, lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_all_lengths_of_the_sums_have_their_turns_in_the_same_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[set[tuple[str, str]]] = []

    def alternate(works: Any, effort: Any, **keywords: Any) -> Any:
        together.append(set(works))
        return {(way, T): [float(int(T) ** (2 if way == "sum" else 1))] * 3 for way, T in works}

    monkeypatch.setattr(sums, "LENGTHS", {True: (1, 64, 65)})
    monkeypatch.setattr(sums, "alternate", alternate)
    found = sums.measure("1", quick=True, progress=lambda done, of: None)
    assert together == [{(way, T) for way in ("sum", "one pass") for T in ("1", "64", "65")}]
    assert found["exponents"] == {"sum": 2, "one pass": 1}
    assert found["seconds"]["sum"]["64"]["median"] == 64**2
    assert found["visits"] == {"sum": {"1": 1, "64": 2080, "65": 2145}, "one pass": {"1": 1, "64": 64, "65": 65}}


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    found = timing.spread([4.0, 1.0, 3.0, 2.0, 100.0])
    assert found == {"count": 5, "median": 3.0, "lower": 2.0, "upper": 4.0, "least": 1.0, "largest": 100.0}
    assert timing.spread([1.23456])["median"] == 1.235


@pytest.mark.parametrize("exponent", [1.0, 2.0, 1.5])
def test_the_exponent_of_a_power_is_found(exponent: float) -> None:
    power = timing.fitted([(T, 3 * T**exponent) for T in (64, 128, 256, 512)])
    assert timing.digits(power.exponent) == exponent
    assert timing.digits(power.factor) == 3
    assert timing.digits(power(100)) == timing.digits(3 * 100**exponent)


def test_noise_that_is_balanced_does_not_move_the_exponent() -> None:
    points = [(T, noise * T**2) for T in (64, 128) for noise in (0.5, 2.0)]
    assert timing.digits(timing.fitted(points).exponent) == 2


def test_only_lengths_from_64_on_are_fitted() -> None:
    seconds = {str(T): {"median": float(T**2) if T >= 64 else 1.0} for T in (8, 16, 64, 128, 256)}
    assert sums.exponent(seconds) == 2


def test_no_power_fits_one_point() -> None:
    with pytest.raises(ValueError, match="expected points at two different x or more, but got 2 points"):
        timing.fitted([(3.0, 1.0), (3.0, 2.0)])


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_1() -> None:
    assert timing.geometric_mean([4.0, 0.25]) == 1


# ---- visits


def test_visits_are_those_of_the_document() -> None:
    for T in (1, 2, 5, 9):
        data = draw(Size(2, 4, T, 1, 3, "float64"), 1)
        assert sums.counted(data) == {"sum": T * (T + 1) // 2, "one pass": T}


def test_a_way_that_visits_a_layer_twice_is_refused() -> None:
    def twice(net: Network) -> Gradients:
        one_pass(net)
        return one_pass(net)

    with pytest.raises(sums.VisitsError, match=r"one pass: T = 3: expected 3 visits .* evaluated 6 times in 1 of them"):
        sums.counted(draw(Size(1, 4, 3, 1, 3, "float64"), 1), {"one pass": twice})


def test_a_way_that_says_another_number_of_visits_is_refused() -> None:
    with pytest.raises(sums.VisitsError, match="4 visits are reported"):
        sums.counted(
            draw(Size(1, 4, 3, 1, 3, "float64"), 1), {"one pass": lambda net: replace(one_pass(net), visits=4)}
        )


def test_a_sum_that_is_wrong_is_refused() -> None:
    def halved(net: Network) -> Gradients:
        found = one_pass(net)
        return replace(found, H={l: a / 2 for l, a in found.H.items()})

    with pytest.raises(DisagreementError, match=r"one pass: .*: H of layer 1: expected a gradient within"):
        sums.counted(draw(Size(1, 4, 3, 1, 3, "float64"), 1), {"one pass": halved})


# ---- contenders


def test_one_pass_is_timed_with_the_gradient_in_the_inputs_like_the_others() -> None:
    gradients = contenders.one_pass(draw(Size(1, 3, 2, 2, 3, "float64"), 1)).work()
    assert gradients.x.shape == (2, 2, 3)


@small
def test_all_contenders_compute_the_same(size: Size) -> None:
    data = draw(size, 7)
    there = {name: each for name, each in contenders.contenders(data, "1").items() if each is not None}
    assert there.keys() >= {contenders.ONE_PASS, contenders.AGAIN, contenders.JAX, contenders.PLAIN}
    results = {name: each.result(each.work()) for name, each in there.items()}
    shares = agreement.compare(data, results[contenders.ONE_PASS], results)
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares[contenders.PLAIN] > 0  # another order of rounding, so that something was compared
    assert agreement.strength(data, results[contenders.ONE_PASS]) < 1


@small
@pytest.mark.parametrize("tensor", ["H", "W", "b", "h0", "x"])
def test_a_wrong_contender_is_caught_in_every_gradient(size: Size, tensor: str) -> None:
    data = draw(size, 7)
    right = contenders.one_pass(data)
    found = right.result(right.work())
    if tensor == "x":
        assert found.x is not None
        wrong = replace(found, x=-found.x)
    elif tensor == "h0":
        assert found.h0 is not None
        wrong = replace(found, h0=[2 * a for a in found.h0])
    else:
        layer = found.params[0]
        spoilt = layer[tensor] - layer[tensor].mean(axis=0)  # what a wrong sum over units would leave out
        wrong = replace(found, params=[{**layer, tensor: spoilt}, *found.params[1:]])
    with pytest.raises(DisagreementError, match=rf"wrong: .*: {tensor}.*: expected a gradient within"):
        agreement.compare(data, found, {"wrong": wrong})


@small
def test_an_entry_that_is_off_by_a_little_more_than_the_bound_is_caught(size: Size) -> None:
    data = draw(size, 7)
    right = contenders.one_pass(data)
    found = right.result(right.work())
    assert found.deltas is not None
    for name, bound in agreement.bounds(data, found.deltas).items():
        gradient = found.leaves()[name].astype(np.float64)
        moved = gradient.copy()
        moved.flat[0] += 3 * bound
        assert agreement.distance(name, moved, gradient) > 2 * bound
    moved_b = found.params[-1]["b"].astype(np.float64)
    moved_b[0] += 3 * agreement.bounds(data, found.deltas)[f"b of layer {len(found.params)}"]
    wrong = Found([*found.params[:-1], {**found.params[-1], "b": moved_b}])
    with pytest.raises(DisagreementError):
        agreement.compare(data, found, {"wrong": wrong})


@pytest.mark.parametrize("spoil", [lambda a: a * np.nan, lambda a: a[:-1]])
def test_what_is_no_number_or_has_another_shape_is_caught(spoil: Callable[[Any], Any]) -> None:
    data = draw(SMALL[0], 7)
    right = contenders.one_pass(data)
    found = right.result(right.work())
    wrong = Found([{**found.params[0], "H": spoil(found.params[0]["H"])}, found.params[1]])
    with pytest.raises(DisagreementError, match=r"wrong: .* H of layer 1: expected a gradient"):
        agreement.compare(data, found, {"wrong": wrong})


def test_a_network_in_which_errors_may_grow_has_no_bound() -> None:
    data = draw(SMALL[0], 7)
    data.params[0]["H"] *= 8
    assert set(agreement.bounds(data, {1: 1.0, 2: 2.0}).values()) == {np.inf}
    right = contenders.one_pass(data)
    with pytest.raises(DisagreementError, match="expected a gradient within inf"):
        agreement.compare(data, right.result(right.work()), {"right": right.result(right.work())})


def test_a_wrong_contender_makes_its_size_fail() -> None:
    def made(data: Any, threads: str) -> dict[str, Any]:
        found = contenders.contenders(data, threads)
        plain_loop = contenders.plain_loop(data)

        def halved(result: Any) -> Found:
            right = plain_loop.result(result)
            return replace(right, params=[{name: a / 2 for name, a in layer.items()} for layer in right.params])

        return {**found, contenders.PLAIN: replace(plain_loop, result=halved)}

    with pytest.raises(DisagreementError, match=r"plain loop: 1 hidden of 8"):
        passes.cell(SMALL[0], "1", timing.Effort(0.0, sample=0.0), made)


def test_what_is_not_installed_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "find_spec", lambda name: None)
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name == "torch" else object())
    cell = passes.cell(SMALL[0], "1", timing.Effort(0.0, sample=0.0))
    assert cell["seconds"][contenders.TORCH] == "not installed"
    assert contenders.TORCH not in cell["times_one_pass"]
    assert passes.means([cell])[contenders.TORCH] is None
    assert machine.described()["versions"]["torch"] == "not installed"


def test_the_plain_loop_is_right_by_the_oracle() -> None:
    from bptt_oracle import check as oracle

    result = oracle(plain, batch=CONVENTIONS.batch, h0=CONVENTIONS.h0)
    assert result.ok, str(result)


# ---- sizes


def test_the_grid_is_a_balanced_half() -> None:
    half = balanced("1")
    assert 2 * len(half) == len(every()) == len(set(every()))
    for values, field in ((LAYERS, "layers"), (WIDTHS, "width"), (STEPS, "T"), (BATCHES, "B"), (CLASSES, "classes")):
        counts = [sum(getattr(size, field) == value for size in half) for value in values]
        assert len(set(counts)) == 1
    without_dtype = {replace(size, dtype=DTYPES[0]) for size in half}
    assert len(without_dtype) == len(half)
    assert 2 * len(balanced("all")) == len(half)
    assert set(balanced("all")) < set(half)


@pytest.mark.parametrize("threads", machine.THREADS)
def test_nothing_is_left_out_without_a_reason(threads: str) -> None:
    chosen, left_out = grid(threads, quick=False)
    assert sorted(map(str, [*chosen, *(each.size for each in left_out)])) == sorted(map(str, balanced(threads)))
    assert all(each.why for each in left_out)
    assert {size.layers for size in chosen} == set(LAYERS)
    assert {size.width for size in chosen} == set(WIDTHS)
    assert set(grid(threads, quick=True)[0]) <= set(every())


# ---- processes


def test_settings_reach_the_process_and_a_kernel_that_was_forced_does_not() -> None:
    given = {"OPENBLAS_CORETYPE": "Prescott", "OPENBLAS_L2_SIZE": "1", "OMP_NUM_THREADS": "7", "HOME": "/home"}
    found = machine.environment("1", given)
    assert "OPENBLAS_CORETYPE" not in found
    assert "OPENBLAS_L2_SIZE" not in found
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == "1"
    assert found["HOME"] == "/home"
    assert machine.environment("all", given)["OPENBLAS_NUM_THREADS"] == str(machine.cores())


def test_what_is_to_run_on_one_thread_is_kept_to_one_core() -> None:
    program = (
        "from bptt_oracle.bench import machine;"
        "before = machine.cores(); machine.confine(1);"
        "print(before, machine.cores(), machine.set_here()['cores'])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, after, said = map(int, found.stdout.split())
    assert before == machine.cores()
    assert after == said == (1 if hasattr(os, "sched_setaffinity") else before)


def test_processors_kept_busy_are_processor_time_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "process_time", iter([1.0, 4.0]).__next__)
    monkeypatch.setattr(timing, "perf_counter", iter([10.0, 12.0]).__next__)
    assert timing.busy(lambda: "done") == ("done", 1.5)


def test_a_process_that_fails_is_reported_with_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BenchmarkError, match="sums, 1 thread: expected figures, but its process ended with status 1"):
        run.in_process(Part("sums", "1"), quick=True, progress=lambda part, done, of: None)


def test_only_one_pass_runs_on_all_cores_too() -> None:
    found = run.parts(["passes", "sums"], machine.THREADS)
    assert found == [Part("sums", "1"), Part("passes", "1"), Part("passes", "all")]


# ---- the door


def test_an_interrupted_run_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "benchmarks.json").write_text("old")

    def interrupted(*given: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "in_process", interrupted)
    assert cli.main(["bench", "--quick", "--reports", str(tmp_path)]) == 2
    assert "interrupted" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["benchmarks.json"]
    assert (tmp_path / "benchmarks.json").read_text() == "old"


def test_a_disagreement_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*given: Any, **options: Any) -> None:
        raise BenchmarkError("passes, 1 thread: plain loop: H of layer 1:\nexpected")

    monkeypatch.setattr(run, "in_process", wrong)
    assert cli.main(["bench", "--quick", "--reports", str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err.splitlines()[-1] == "bptt-oracle: passes, 1 thread: plain loop: H of layer 1: expected"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "speed"], "argument --only: invalid choice: 'speed'"),
        (["--threads", "3"], "argument --threads: invalid choice: '3'"),
        (["--json"], "argument --json: expected one argument"),
    ],
)
def test_a_bad_argument_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["bench", *arguments])
    assert stop.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


# ---- the data


def test_the_schema_is_one() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads(schema()))


def test_what_is_no_data_is_refused(tmp_path: Path) -> None:
    from bptt_oracle.report.recorded import RecordedError

    with pytest.raises(RecordedError, match="no such file; run `bptt-oracle bench`"):
        read(tmp_path / "benchmarks.json")
    (tmp_path / "benchmarks.json").write_text("{")
    with pytest.raises(RecordedError, match="expected JSON"):
        read(tmp_path / "benchmarks.json")
    with pytest.raises(RecordedError, match=r"breaks its schema at \$"):
        check({}, "benchmarks.json")


def test_only_checks_that_ask_for_every_parameter_are_extrapolated(monkeypatch: pytest.MonkeyPatch) -> None:
    from bptt_oracle.bench import checks

    monkeypatch.setattr(checks, "PARAMETERS", (30, 60, 200))
    monkeypatch.setattr(checks, "BUDGET", {True: 0.0})
    found = checks.measure("1", quick=True, progress=lambda done, of: None)
    extrapolated = [
        [name for name, each in size["checks"].items() if each != "not installed" and each["extrapolated"]]
        for size in found["sizes"]
    ]
    installed = [name for name in checks.FOR_EACH_PARAMETER if found["sizes"][0]["checks"][name] != "not installed"]
    assert extrapolated == [[], [], installed]
