"""The course of a campaign: blocks handed to workers, and what they find written down and added up.

What is kept grows with the number of workers, not with that of instances: blocks are handed out in order, and no
further ahead of the first one that is not done than `AHEAD` blocks for each worker.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from itertools import islice

from ..environment import environment
from .errors import CampaignError
from .found import Done, Found
from .journal import Journal
from .plan import Plan
from .work import do

AHEAD = 8

TRIES = 3
"""How often a block may end a worker that was at work on nothing else."""

Task = Callable[[Plan, int], Done]


@dataclass
class State:
    """How far a campaign is.

    Attributes
    ----------
    found : by arithmetic, what the blocks that are done say
    first : the first block that is not done
    beyond : blocks after it that are
    seconds : how long it had run, earlier runs included, when the last block was done: what its journal says too, so
        that a campaign that has had its time has had it when it is started again
    instances : how many are done, those of earlier runs among them
    here : how many were done in this run
    busy, alone : by arithmetic, processor seconds of this run's blocks, those apart that compile, and how many of them
        are of drawing and the implementation under test
    """

    found: dict[str, Found] = field(default_factory=dict)
    first: int = 0
    beyond: set[int] = field(default_factory=set)
    seconds: float = 0.0
    instances: int = 0
    here: int = 0
    busy: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    alone: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def failed(self) -> int:
        """How many instances failed."""
        return sum(found.outcomes["failed"] for found in self.found.values())

    def timed(self, done: Done) -> None:
        """Count what a block of this run took."""
        self.here += done.found.instances
        self.busy[done.arithmetic] += done.seconds
        self.alone[done.arithmetic] += done.alone

    def add(self, done: Done) -> None:
        """Add a block."""
        self.found.setdefault(done.arithmetic, Found()).add(done.found)
        self.instances += done.found.instances
        self.beyond.add(done.number)
        while self.first in self.beyond:
            self.beyond.remove(self.first)
            self.first += 1


def run(
    plan: Plan,
    executor: Executor,
    journal: Journal | None = None,
    *,
    workers: int = 2,
    renew: Callable[[], Executor] | None = None,
    progress: Callable[[State], None] = lambda state: None,
    task: Task = do,
) -> State:
    """Verify what a plan says, from where its journal ends.

    Parameters
    ----------
    plan
        The campaign.
    executor
        Where blocks run: any `concurrent.futures.Executor` whose workers have this package in the same versions.
    journal
        Its journal. Without one, nothing outlives this call.
    workers
        How many blocks can be at work at a time; as many more are handed out.
    renew
        Makes another executor when one is broken because a worker died; without it that is an error.
    progress
        Told after each block how far the campaign is.
    task
        What does a block.

    Raises
    ------
    CampaignError
        If workers have other versions, or die again and again over the same blocks.
    """
    state = State()
    for done, at in journal.blocks() if journal else ():
        state.add(done)
        state.seconds = max(state.seconds, at)
    progress(state)
    began = time.monotonic() - state.seconds
    hands = _Hands(plan, executor, renew, task)
    while True:
        for block in _next_blocks(plan, state, hands.at_work(), hands.room(workers), AHEAD * workers):
            hands.submit(block)
        if not hands.at_work():
            return state
        for done in hands.collect():
            state.seconds = round(time.monotonic() - began, 3)
            if journal:
                journal.add(done, state.seconds)
            state.add(done)
            state.timed(done)
            progress(state)


def _next_blocks(plan: Plan, state: State, at_work: set[int], room: int, ahead: int) -> Iterator[int]:
    """The blocks to hand out now, as many as there is room for."""
    end = state.first + ahead
    if plan.blocks is not None:
        end = min(end, plan.blocks)
    elif (
        plan.seconds is not None and state.seconds >= plan.seconds
    ):  # only what is missing between blocks that are done
        end = max(state.beyond, default=0)
    missing = (block for block in range(state.first, end) if block not in state.beyond and block not in at_work)
    yield from islice(missing, room)


class _Hands:
    """Blocks at work.

    When a worker dies, the executor is broken, and nobody knows whose fault it was. The blocks that were at work are
    repeated one by one, so that a block that kills its worker is found.
    """

    def __init__(self, plan: Plan, executor: Executor, renew: Callable[[], Executor] | None, task: Task) -> None:
        self._plan, self._executor, self._renew, self._task = plan, executor, renew, task
        self._futures: dict[Future[Done], int] = {}
        self._suspects: list[int] = []
        self._deaths = 0
        self._versions = environment()

    def at_work(self) -> set[int]:
        """The blocks that are handed out, or are to be repeated."""
        return {*self._futures.values(), *self._suspects}

    def room(self, workers: int) -> int:
        """How many blocks may be handed out now."""
        return 0 if self._deaths else 2 * workers - len(self._futures)

    def submit(self, block: int) -> None:
        """Hand out a block."""
        try:
            future = self._executor.submit(self._task, self._plan, block)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._futures[future] = block

    def collect(self) -> Iterator[Done]:
        """The blocks that are done, once one is."""
        if self._suspects and not self._futures:
            self.submit(self._suspects.pop(0))
        broken: BrokenExecutor | None = None
        for future in wait(self._futures, return_when=FIRST_COMPLETED).done:
            block = self._futures[future]
            try:
                done = future.result()
            except BrokenExecutor as error:
                broken = error
                continue
            except (Exception, CancelledError) as error:
                raise CampaignError(
                    f"{self._named(block)} could not be done: {type(error).__name__}: {error}"
                ) from error
            del self._futures[future]
            if done.versions != self._versions:
                raise CampaignError(f"expected workers with {self._versions}, but one has {done.versions}")
            yield done
            if self._deaths and not self._suspects and not self._futures:
                self._deaths = 0
        if broken:
            self._mend(broken)

    def _mend(self, broken: BrokenExecutor) -> None:
        """Another executor in place of a broken one, and everything that was at work there to be repeated."""
        if self._renew is None:
            raise broken
        wait(self._futures)
        lost = {future: block for future, block in self._futures.items() if future.exception() is not None}
        for future in lost:
            del self._futures[future]
        alone = bool(self._deaths) and len(lost) == 1
        self._deaths = self._deaths + 1 if alone else 1
        if self._deaths > TRIES:
            raise CampaignError(
                f"{self._named(next(iter(lost.values())))} ended the worker, {TRIES} times alone: {broken}"
            ) from broken
        self._suspects = [*lost.values(), *self._suspects]
        self._executor = self._renew()

    def _named(self, number: int) -> str:
        block = self._plan.block(number)
        return f"block {number}, {block.count} instances of {block.arithmetic} from number {block.first} on,"
