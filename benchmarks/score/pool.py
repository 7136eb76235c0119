"""Many independent tasks over a few processes, with progress; results in the order of the tasks."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import Progress

Task = TypeVar("Task")
Done = TypeVar("Done")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def each(function: Callable[[Task], Done], tasks: Sequence[Task], processes: int, title: str) -> list[Done]:
    """The function's value for every task.

    Parameters
    ----------
    function, tasks
        Both can be pickled.
    processes
        How many work at once; each is a new interpreter with one thread for linear algebra.
    title
        Beside the bar on the standard error stream.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    found: dict[int, Done] = {}
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_quiet) as pool,
        Progress(console=Console(stderr=True)) as progress,
    ):
        bar = progress.add_task(title, total=len(tasks))
        futures = {pool.submit(function, task): index for index, task in enumerate(tasks)}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            progress.advance(bar)
    return [found[index] for index in range(len(tasks))]


def _quiet() -> None:
    """Wrong backprops overflow and divide by zero; that is for the check to say."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
