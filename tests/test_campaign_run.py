"""The course of a campaign: stopped anywhere it ends with the same report, and nothing is lost or counted twice."""

from __future__ import annotations

import gc
import itertools
import struct
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from campaigns import broken, deadly, elsewhere, keeping, quick, resident, swift

from bptt_oracle.campaign import running
from bptt_oracle.campaign.errors import CampaignError
from bptt_oracle.campaign.found import KEPT, Done, Found
from bptt_oracle.campaign.journal import Journal
from bptt_oracle.campaign.plan import BLOCKS, GRADIENT, Plan
from bptt_oracle.campaign.progress import Live
from bptt_oracle.campaign.running import AHEAD, State, run
from bptt_oracle.campaign.summary import as_data, markdown, text_json
from bptt_oracle.campaign.work import do
from bptt_oracle.campaign.workers import Pool

PLAN = Plan(instances=20_000)


class AtOnce(Executor):
    """Does each task as it is handed over."""

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


class Shuffled(ThreadPoolExecutor):
    """Does four tasks at a time, which take as long as chance has it."""

    def __init__(self, seed: int) -> None:
        super().__init__(4)
        self._rng = np.random.default_rng(seed)

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        def late(delay: float) -> Any:
            time.sleep(delay)
            return task(*arguments, **options)

        return super().submit(late, float(self._rng.uniform(0, 0.01)))


class StoppedError(Exception):
    """Raised by a progress function, to stop a campaign."""


def report(plan: Plan, state: State) -> str:
    data = as_data(plan, state)
    return text_json(data) + markdown(data)


def reference() -> str:
    return report(PLAN, run(PLAN, AtOnce(), task=quick))


def test_the_report_counts_every_instance_once() -> None:
    data = as_data(PLAN, run(PLAN, AtOnce(), task=quick))
    assert data["instances"] == 20_000
    assert data["outcomes"] == {"verified": 20_000 - 1539, "undecided": 0, "failed": 1539}
    assert data["comparisons"] == sum(range(20_000))
    assert [failure["number"] for failure in data["failures"]] == [13 * i for i in range(KEPT)]


def test_a_share_below_1_is_not_printed_as_1() -> None:
    data = as_data(PLAN, State(found={"padded": Found(Counter(verified=2), widths=Counter({"1": 1}))}))
    for share, text in ((0.99999, "0.999"), (1.0, "1.000"), (0.25, "0.250")):
        data["arithmetics"]["padded"]["largest"] = {"manual and JAX": share}
        assert f"| {text} (manual and JAX) |" in markdown(data)


@pytest.mark.parametrize(("instances", "left"), [(300, 6), (1024, 6), (1025, 5), (1078, 1), (1079, 0)])
def test_arithmetics_that_were_not_reached_are_named(instances: int, left: int) -> None:
    plan = Plan(instances=instances)
    text = markdown(as_data(plan, run(plan, AtOnce(), task=quick)))
    assert ("\nNot reached: " in text) == (left > 0)
    if left:
        names = ", ".join(list(BLOCKS)[-left:])
        assert (
            f"\nNot reached: {names}. Blocks of instances go round the arithmetics, 1,024 (padded), 4 (field), " in text
        )
        assert "; from 1,079 instances on all of them are reached" in text


@pytest.mark.parametrize("seed", range(4))
def test_the_order_in_which_blocks_are_done_does_not_matter(seed: int, tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PLAN) as journal, Shuffled(seed) as executor:
        state = run(PLAN, executor, journal, task=quick)
        order = [done.number for done, _ in journal.blocks()]
    assert order != sorted(order)
    assert report(PLAN, state) == reference()


@pytest.mark.parametrize("seed", range(3))
def test_a_campaign_stopped_again_and_again_ends_with_the_same_report(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    runs = 0
    while True:
        left = int(rng.integers(1, 30))

        def progress(state: State) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StoppedError

        runs += 1
        with Journal(tmp_path / "j", PLAN) as journal, Shuffled(seed) as executor:
            try:
                state = run(PLAN, executor, journal, task=quick, progress=progress)
            except StoppedError:
                continue
            blocks = [done.number for done, _ in journal.blocks()]
        break
    assert runs > 3
    assert sorted(blocks) == list(range(PLAN.blocks or 0))
    assert report(PLAN, state) == reference()


@pytest.mark.parametrize("arithmetic", ["padded", "field", "balls", "float16"])
def test_the_time_of_the_implementation_under_test_is_told_from_that_of_its_verification(arithmetic: str) -> None:
    alone = []
    for gradient in (GRADIENT, "campaigns:laborious"):
        plan = Plan(instances=12, arithmetics=(arithmetic,), depth=2, steps=2, width=3, gradient=gradient)
        do(plan, 0)  # compiles and imports, if none did before
        done = do(plan, 0)
        assert 0 < done.alone < done.seconds
        alone.append(done.alone)
    assert alone[0] * 2 < alone[1]


def test_what_a_run_prints_of_its_time_is_by_arithmetic() -> None:
    plan = Plan(instances=20)
    state, live = State(), Live(plan)
    for arithmetic, seconds, alone in (
        ("padded", 0.0, 0.0),
        ("padded", 3.0, 2.0),
        ("padded", 1.0, 1.0),
        ("field", 2.0, 0.1),
    ):
        state.timed(Done(0, arithmetic, Found(Counter(verified=5)), {}, seconds, alone))
    live.update(state)
    text = live.rates(2)
    assert text.startswith("This run: 20 instances, ")
    assert "were, of the processor time, 75% for padded, 5% for field; the rest was JAX" in text
    live.update(State())
    assert "processor time" not in live.rates(2)


def test_a_campaign_by_time_stops_and_says_what_one_by_number_says(tmp_path: Path) -> None:
    plan = Plan(instances=None, seconds=0.3)
    with Journal(tmp_path / "j", plan) as journal:
        state = run(plan, AtOnce(), journal, task=quick)
    assert state.seconds >= 0.3
    assert state.first > 0
    assert not state.beyond
    same = run(Plan(instances=state.instances), AtOnce(), task=quick)
    assert as_data(plan, state) | {"plan": None} == as_data(plan, same) | {"plan": None}
    with Journal(tmp_path / "j", plan) as journal:
        again = run(plan, AtOnce(), journal, task=quick)
    assert again.here == 0
    assert report(plan, again) == report(plan, state)


@pytest.mark.parametrize("step", [0.01, 0.0301, 0.0999, 0.1499, 0.2999, 0.5])
def test_a_campaign_that_has_had_its_time_does_no_more(
    step: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the moment at which its time was up: as a block was done, or between two."""
    ticks = itertools.count()
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(ticks) * step))
    plan = Plan(instances=None, seconds=0.3)
    with Journal(tmp_path / "j", plan) as journal:
        state = run(plan, AtOnce(), journal, task=quick)
    assert state.first > 0
    with Journal(tmp_path / "j", plan) as journal:
        again = run(plan, AtOnce(), journal, task=quick)
    assert (again.here, again.instances, again.seconds) == (0, state.instances, state.seconds)


def test_time_of_earlier_runs_counts(tmp_path: Path) -> None:
    plan = Plan(instances=None, seconds=100.0)
    with Journal(tmp_path / "j", plan) as journal:
        for number in (0, 1, 4):
            journal.add(quick(plan, number), 99.9 + number / 10)
        state = run(plan, AtOnce(), journal, task=quick)
    assert state.first == 5  # what is missing before block 4, and nothing beyond it
    assert 0 < state.here < state.instances


def test_no_block_is_handed_out_far_ahead() -> None:
    handed: list[int] = []
    first = 0

    class Watched(AtOnce):
        def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
            handed.append(arguments[1])
            if arguments[1] == 0 and len(handed) == 1:
                stuck.append(Future())
                return stuck[0]
            assert arguments[1] < first + AHEAD * 2
            if len(handed) == AHEAD * 2:
                stuck[0].set_result(quick(PLAN, 0))
            return super().submit(task, *arguments, **options)

    stuck: list[Future[Any]] = []

    def progress(state: State) -> None:
        nonlocal first
        first = state.first

    assert report(PLAN, run(PLAN, Watched(), task=quick, progress=progress)) == reference()


def kept_for_each_block(plan: Plan, journal: Journal, task: Callable[..., Any]) -> float:
    """How many bytes more there are for each block, from a fifth of a plan to its end, once cycles are collected."""
    marks: list[tuple[int, int]] = []
    assert plan.blocks is not None
    places = (plan.blocks // 5, plan.blocks)

    def progress(state: State) -> None:
        if len(marks) < len(places) and state.first >= places[len(marks)]:
            gc.collect()
            marks.append((state.first, tracemalloc.get_traced_memory()[0]))

    tracemalloc.start()
    try:
        run(plan, AtOnce(), journal, progress=progress, task=task)
    finally:
        tracemalloc.stop()
    (first, before), (last, after) = marks
    return (after - before) / (last - first)


REFERENCE = struct.calcsize("P")


def test_memory_does_not_grow_with_the_instances(tmp_path: Path) -> None:
    plan = Plan(instances=300_000)
    with Journal(tmp_path / "j", plan) as journal:
        assert kept_for_each_block(plan, journal, swift) < REFERENCE / 2
        tracemalloc.start()
        try:
            resumed = run(plan, AtOnce(), journal, task=swift)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert resumed.instances == 300_000
    assert resumed.here == 0
    assert peak < (tmp_path / "j").stat().st_size / 2  # one line at a time


def test_memory_that_grows_by_no_more_than_a_reference_for_each_block_shows(tmp_path: Path) -> None:
    kept: list[None] = []

    def leaking(plan: Plan, number: int) -> Done:
        kept.append(None)
        return swift(plan, number)

    plan = Plan(instances=300_000)
    with Journal(tmp_path / "j", plan) as journal:
        assert kept_for_each_block(plan, journal, leaking) > REFERENCE / 2


def kept_by_a_worker(task: Callable[..., Any]) -> float:
    """How many bytes more a worker has for each instance of real blocks, once caches of networks' shapes are full.

    Of ten rounds it is the median: what is kept of each instance shows in every round; an arena that a thread
    takes once (8 MB) does not count.
    """
    plan = Plan(instances=1_000_000, arithmetics=("padded", "field", "float16"), depth=2, steps=1, width=2)
    a_round = len(plan.arithmetics)
    with Pool(1) as pool:
        executor = pool.executor()

        def after(rounds: range) -> tuple[int, int]:
            blocks = range(rounds.start * a_round, rounds.stop * a_round)
            for future in [executor.submit(task, plan, block) for block in blocks]:
                assert future.result().found.outcomes["failed"] == 0
            return plan.block(blocks.stop).first, executor.submit(resident).result()

        marks = [after(range(20)), *(after(range(r, r + 1)) for r in range(20, 30))]
    return median((later - sooner) / (last - first) for (first, sooner), (last, later) in itertools.pairwise(marks))


LEAST = 4 * sys.getsizeof(np.empty(0))  # of any instance, for W, b, x and y alone


@pytest.mark.slow
def test_memory_of_a_worker_does_not_grow_with_the_instances() -> None:
    assert kept_by_a_worker(do) < LEAST


@pytest.mark.slow
def test_memory_of_a_worker_that_keeps_its_instances_shows() -> None:
    assert kept_by_a_worker(keeping) > LEAST


def test_a_worker_that_dies_is_replaced_and_its_blocks_are_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deaths").mkdir()
    for number in range(2):
        (tmp_path / "deaths" / str(number)).touch()
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    made = []
    with Pool(2) as pool:

        def renew() -> Executor:
            made.append(1)
            return pool.executor()

        state = run(PLAN, pool.executor(), renew=renew, task=deadly)
    assert len(made) == 2
    assert not list((tmp_path / "deaths").iterdir())
    assert report(PLAN, state) == reference()


def test_a_block_that_always_ends_its_worker_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deaths").mkdir()
    for number in range(9):
        (tmp_path / "deaths" / str(number)).touch()
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(2))
        stack.enter_context(
            pytest.raises(
                CampaignError, match=r"^block 3, 16 instances of float64 from number 1030 on, ended the worker"
            )
        )
        run(PLAN, pool.executor(), renew=pool.executor, task=deadly)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (elsewhere, "expected workers with .*, but one has .*'numpy': '1.0'"),
        (broken, "block 0, 1024 instances of padded from number 0 on, could not be done: LookupError: no block"),
    ],
)
def test_workers_that_do_not_work_are_named(task: Callable[..., Any], message: str) -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(CampaignError, match=message):
        run(PLAN, executor, task=task)
