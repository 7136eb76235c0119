"""How much of the processor's time the parts of some work take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Processor seconds by name.

    Attributes
    ----------
    seconds : what was counted so far; 0 for any other name
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count a block under a name."""
        start = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] += time.process_time() - start
