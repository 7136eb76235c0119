"""The same blocks on a Dask cluster: a real scheduler, two worker processes, and one of them killed half-way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from campaigns import quick, slow

from bptt_oracle.campaign import workers
from bptt_oracle.campaign.errors import CampaignError
from bptt_oracle.campaign.journal import Journal
from bptt_oracle.campaign.plan import Plan
from bptt_oracle.campaign.running import State, run
from bptt_oracle.campaign.summary import as_data, markdown, text_json
from bptt_oracle.campaign.workers import dask
from bptt_oracle.cli import main

distributed = pytest.importorskip("distributed")

PLAN = Plan(instances=20_000)


def report(plan: Plan, state: State) -> str:
    data = as_data(plan, state)
    return text_json(data) + markdown(data)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where workers find the tasks
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address="localhost:0", silence_logs=50
    ) as cluster:
        yield cluster


def test_a_worker_that_is_killed_loses_nothing_and_nothing_is_counted_twice(cluster: Any, tmp_path: Path) -> None:
    killed: list[int] = []

    def progress(state: State) -> None:
        if state.instances > PLAN.instances // 2 and not killed:  # type: ignore[operator]
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    with dask(cluster.scheduler_address) as (executor, count), Journal(tmp_path / "j", PLAN) as journal:
        assert count == 2
        state = run(PLAN, executor, journal, workers=count, progress=progress, task=slow)
        blocks = [done.number for done, _ in journal.blocks()]
    assert killed
    assert sorted(blocks) == list(range(PLAN.blocks or 0))
    with ThreadPoolExecutor(1) as threads:
        alone = run(PLAN, threads, task=quick)
    assert report(PLAN, state) == report(PLAN, alone)


def test_the_command_hands_real_blocks_to_a_cluster(cluster: Any, tmp_path: Path) -> None:
    options = ["campaign", "--arithmetic", "float16", "--instances", "24", "--depth", "2", "--steps", "2"]
    assert main([*options, "--scheduler", cluster.scheduler_address, "--report", str(tmp_path / "dask")]) == 0
    plan = Plan(instances=24, arithmetics=("float16",), depth=2, steps=2)
    with ThreadPoolExecutor(1) as threads:
        alone = run(plan, threads)
    assert (tmp_path / "dask.json").read_text(encoding="utf-8") == text_json(as_data(plan, alone))


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "TIME_LIMIT", 1)
    with pytest.raises(CampaignError, match=r"--scheduler: expected a Dask scheduler at tcp://127\.0\.0\.1:9, but"):
        dask("tcp://127.0.0.1:9").__enter__()


def test_a_scheduler_without_workers_is_named() -> None:
    with (
        distributed.LocalCluster(
            n_workers=0, processes=True, dashboard_address="localhost:0", silence_logs=50
        ) as empty,
        pytest.raises(CampaignError, match=r"the Dask scheduler at tcp://.* has no workers; start some"),
    ):
        dask(empty.scheduler_address).__enter__()


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CampaignError, match=r"Install it with: pip install 'bptt-oracle\[dask\]'"):
        dask("tcp://127.0.0.1:9").__enter__()
