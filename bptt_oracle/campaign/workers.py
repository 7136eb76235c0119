"""Where blocks are done: the standard pool of processes, or an existing Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

from .errors import CampaignError

TIME_LIMIT = 10
"""Seconds in which a scheduler has to answer."""

SETTINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""What a worker finds in its environment unless it is set: a process for each core, and an accelerator for all."""

XLA_FLAG = "--xla_cpu_multi_thread_eigen=false"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


class Pool:
    """The standard pool: processes started afresh, since JAX does not survive a fork.

    Parameters
    ----------
    workers
        How many.

    Raises
    ------
    CampaignError
        If there are none.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise CampaignError(f"--processes: expected at least 1, but got {workers}")
        self.workers = workers
        self._executor: ProcessPoolExecutor | None = None
        self._environment = dict(os.environ)

    def __enter__(self) -> Pool:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {XLA_FLAG}".strip()
        return self

    def __exit__(self, *_: object) -> None:
        os.environ.clear()
        os.environ.update(self._environment)
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def executor(self) -> Executor:
        """A new pool, in place of a broken one."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"), initializer=_at_start)
        return self._executor


def _at_start() -> None:
    """End with the campaign, however that ends, and leave interruptions to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def dask(address: str) -> Iterator[tuple[Executor, int]]:
    """The workers of a Dask cluster as an executor, and how many blocks they can do at a time.

    When a worker dies, the cluster's scheduler repeats its blocks elsewhere.

    Raises
    ------
    CampaignError
        If Dask is not installed, the scheduler cannot be reached, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise CampaignError(
            f"--scheduler needs Dask ({error}). Install it with: pip install 'bptt-oracle[dask]'"
        ) from error
    connect: Any = Client  # of which no types are known
    try:
        client = connect(address, timeout=TIME_LIMIT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CampaignError(f"--scheduler: expected a Dask scheduler at {address}, but: {error}") from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise CampaignError(f"--scheduler: the Dask scheduler at {address} has no workers; start some")
        yield client.get_executor(pure=False), threads
