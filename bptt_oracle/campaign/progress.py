"""A campaign on a terminal, while it runs: how many instances, how fast, how many failed."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .plan import Plan
from .running import State


class Live:
    """A bar with a live count and rate, on the error stream."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._state = State()
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]} instances, {task.fields[rate]} a second, {task.fields[failed]} failed"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        total = plan.seconds if plan.instances is None else plan.instances
        self._task = self._bar.add_task("campaign", total=total, count="0", rate="0", failed="0")

    def __enter__(self) -> Live:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the terminal alone."""
        self._bar.stop()

    @property
    def instances(self) -> int:
        """How many are done."""
        return self._state.instances

    def update(self, state: State) -> None:
        """Show how far the campaign is."""
        self._state = state
        self._bar.update(
            self._task,
            completed=state.seconds if self._plan.instances is None else state.instances,
            count=f"{state.instances:,}",
            rate=f"{self._rate():,.0f}",
            failed=f"{state.failed:,}",
        )

    def _rate(self) -> float:
        elapsed = time.monotonic() - self._began
        return self._state.here / elapsed if elapsed > 0 else 0.0

    def rates(self, workers: int) -> str:
        """What this run took, and by arithmetic how it compares with the implementation under test alone."""
        state = self._state
        text = f"This run: {state.here:,} instances, {self._rate():,.0f} a second, {workers} at a time."
        shares = [f"{state.alone[name] / busy:.0%} for {name}" for name, busy in state.busy.items() if busy]
        if shares:
            text += (
                " Drawing the networks and the implementation under test were, of the processor time, "
                f"{', '.join(shares)}; the rest was JAX and the comparison."
            )
        return text
