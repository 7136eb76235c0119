"""The main job: gather all evidence, on every core, and hand it over for verdicts.

Every job is a pure function of its argument and runs in a process of its own; results are put together in the order
in which the jobs were planned, so that the outcome does not depend on which was done first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from platform import python_version_tuple
from typing import Any

from .arithmetic.errors import MissingFlintError
from .checking import Outcome
from .verdicts import Evidence, failing_lines

Progress = Callable[[str, int, int], None]
"""Told the name of a stage, how many of its jobs are done, and how many there are."""

FORMATS = ("float64", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Missing:
    """A job that could not run."""

    why: str


def _run(stage: str, argument: Any) -> Any:
    """One job, in whatever process; what it needs is imported here, so that a missing package is a finding."""
    try:
        if stage == "field":
            from .evidence import field_evidence

            return field_evidence(argument)
        if stage == "balls":
            from .evidence import ball_evidence

            return ball_evidence(argument)
        if stage == "certainty":
            from .certainty import certainty

            return certainty(argument)
        if stage == "claims":
            from .claims import claims

            return tuple(claims(argument))
        if stage == "uses":
            from .evidence import recorded_uses

            return recorded_uses(argument)
        if stage == "counterexamples":
            from .counterexamples import smallest

            return smallest(*argument)
        from .floating import floating_evidence

        return floating_evidence(argument, stage)
    except MissingFlintError as error:
        return Missing(str(error))


@contextmanager
def workers() -> Iterator[Executor]:
    """A process for every core, started afresh, since JAX does not survive a fork; jobs not begun are dropped at the end."""
    executor = ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn"))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


class _Stages:
    """Jobs by stage, with progress."""

    def __init__(self, executor: Executor, progress: Progress) -> None:
        self._executor = executor
        self._progress = progress
        self._jobs: dict[str, list[Future[Any]]] = {}

    def start(self, stage: str, arguments: list[Any]) -> None:
        jobs = [self._executor.submit(_run, stage, argument) for argument in arguments]
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
    """
    from .evidence import Gathered, Plan

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
        for name in FORMATS:  # first, since each is one long job
            stages.start(name, [plan.floating_descriptions(name)])
        stages.start("claims", [seed])
        stages.start("certainty", [plan.descriptions("field")])
        for world in ("field", "balls"):
            stages.start(world, list(plan.descriptions(world)))
        stages.start("uses", [plan.descriptions("field")[-1]])
        gathered = {}
        for world in ("field", "balls"):
            if results := take(stages, world):
                gathered[world] = Gathered()
                for result in results:
                    gathered[world].add(result)
        failing = [(n, line, outcome) for (n, line), outcomes in failing_lines(gathered).items() for outcome in outcomes]
        stages.start("counterexamples", failing)
        examples: dict[tuple[int, int, Outcome], Any] = dict(zip(failing, take(stages, "counterexamples"), strict=True))
        return Evidence(
            gathered=gathered,
            floating={name: result for name in FORMATS for result in take(stages, name)},
            certainty=next(iter(take(stages, "certainty")), None),
            counterexamples={key: example for key, example in examples.items() if example is not None},
            claims=next(iter(take(stages, "claims")), ()),
            seed=seed,
            missing=missing,
            uses=next(iter(take(stages, "uses")), frozenset()),
            environment=environment(),
        )


def environment() -> dict[str, str]:
    """Versions of what decides the verdicts; no word of the machine."""
    packages = ("bptt-oracle", "jax", "numpy", "python-flint")
    return {"python": ".".join(python_version_tuple()[:2])} | {name: version(name) for name in packages}
