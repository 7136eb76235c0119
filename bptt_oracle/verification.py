"""The main job: gather all evidence, on every core, and hand it over for verdicts.

Every job is a pure function of its argument and runs in a process of its own; results are put together in the order
in which the jobs were planned, so that the outcome does not depend on which was done first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from .arithmetic.errors import MissingFlintError, RefusalError
from .checking import Outcome
from .environment import environment
from .jaxpr_walk import JaxprError
from .theorems import theorems
from .verdicts import Evidence, failing_lines

Progress = Callable[[str, int, int], None]
"""Told the name of a stage, how many of its jobs are done, and how many there are."""

FORMATS = ("float64", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Missing:
    """A job that could not run."""

    why: str


JOBS: Mapping[str, str] = {
    "field": "evidence.field_evidence",
    "balls": "evidence.ball_evidence",
    "uses": "evidence.recorded_uses",
    "certainty": "certainty.certainty",
    "nodes": "nodes.certificates",
    "claims": "claims.claims",
    "counterexamples": "counterexamples.smallest",
    "floating": "floating.floating_evidence",
    "growth": "growth.growth",
}
"""The function behind each stage. It is imported by the job itself, so that a package that is missing is a finding."""


def _run(stage: str, arguments: tuple[Any, ...]) -> Any:
    """One job, in whatever process. What an arithmetic or the evaluator refuses to do is a finding as well."""
    module, function = JOBS[stage].split(".")
    try:
        return getattr(import_module(f"bptt_oracle.{module}"), function)(*arguments)
    except (MissingFlintError, RefusalError, JaxprError) as error:
        return Missing(str(error))


@contextmanager
def workers() -> Iterator[Executor]:
    """A process for every core, started afresh since JAX does not survive a fork; jobs not begun are dropped."""
    cores = len(os.sched_getaffinity(0))
    executor = ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_share_an_accelerator)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _share_an_accelerator() -> None:
    """Let no process take the memory of an accelerator for itself, unless the environment says so."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


class _Stages:
    """Jobs by stage, with progress."""

    def __init__(self, executor: Executor, progress: Progress) -> None:
        self._executor = executor
        self._progress = progress
        self._jobs: dict[str, list[Future[Any]]] = {}

    def start(self, stage: str, arguments: Sequence[tuple[Any, ...]]) -> None:
        jobs = [self._executor.submit(_run, stage, each) for each in arguments]
        self._jobs[stage] = jobs
        self._progress(stage, 0, len(jobs))
        for job in jobs:
            job.add_done_callback(lambda _: self._progress(stage, sum(j.done() for j in jobs), len(jobs)))

    def results(self, stage: str) -> list[Any] | Missing:
        results = [job.result() for job in self._jobs[stage]]
        return next((result for result in results if isinstance(result, Missing)), results)


def gather(
    field: int, balls: int, floating: int, seed: int, progress: Progress = lambda stage, done, total: None
) -> Evidence:
    """Run everything.

    Parameters
    ----------
    field, balls, floating, seed
        As in `evidence.Plan`.
    progress
        Called from other threads as jobs end.

    Returns
    -------
    The evidence; what could not run, or decides nothing, is in `missing` with the reason.
    """
    try:
        from .evidence import Gathered, Plan
    except MissingFlintError as error:
        return _no_evidence(str(error), seed)

    plan = Plan(field, balls, floating, seed)
    missing: dict[str, str] = {}

    def take(stages: _Stages, stage: str) -> list[Any]:
        results = stages.results(stage)
        if isinstance(results, Missing):
            missing[stage] = results.why
            return []
        return results

    with workers() as executor:
        stages = _Stages(executor, progress)
        # the long jobs first
        stages.start("floating", [(plan.floating_descriptions(name), name) for name in FORMATS])
        stages.start("growth", [(name, seed) for name in FORMATS])
        stages.start("claims", [(seed,)])
        stages.start("certainty", [(plan.descriptions("field"),)])
        stages.start("nodes", [(seed,)])
        for world in ("field", "balls"):
            stages.start(world, [(description,) for description in plan.descriptions(world)])
        stages.start("uses", [(plan.descriptions("field")[-1],)])
        gathered = {}
        for world in ("field", "balls"):
            if results := take(stages, world):
                gathered[world] = Gathered()
                for result in results:
                    gathered[world].add(result)
                if undecided := gathered[world].undecided:
                    missing[world] = (
                        f"{len(undecided)} of {len(results)} instances decide nothing, because enclosures stay too "
                        f"wide or a divisor is zero, the first of them {undecided[0]}"
                    )
        failing = [
            (n, line, outcome) for (n, line), outcomes in failing_lines(gathered).items() for outcome in outcomes
        ]
        stages.start("counterexamples", failing)
        examples: dict[tuple[int, int, Outcome], Any] = dict(
            zip(failing, take(stages, "counterexamples"), strict=False)  # none at all if they could not run
        )
        return Evidence(
            gathered=gathered,
            floating=dict(zip(FORMATS, take(stages, "floating"), strict=False)),
            growth=[row for rows in take(stages, "growth") for row in rows],
            certainty=next(iter(take(stages, "certainty")), None),
            nodes=next(iter(take(stages, "nodes")), []),
            theorems=theorems(),
            counterexamples={key: example for key, example in examples.items() if example is not None},
            claims=tuple(next(iter(take(stages, "claims")), ())),
            seed=seed,
            missing=missing,
            uses=next(iter(take(stages, "uses")), frozenset()),
            environment=environment(),
        )


def _no_evidence(why: str, seed: int) -> Evidence:
    """What is known when nothing can run."""
    return Evidence(
        gathered={},
        floating={},
        growth=[],
        certainty=None,
        nodes=[],
        theorems=theorems(),
        counterexamples={},
        claims=(),
        seed=seed,
        missing={"all evidence": why},
        uses=frozenset(),
        environment=environment(),
    )
