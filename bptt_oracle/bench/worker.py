"""The process in which one table is measured, started with the settings of its libraries in its environment.

    python -m bptt_oracle.bench.worker TABLE THREADS quick|full

What it has to say are lines of JSON on standard output: {"done": n, "of": n}, then {"result": ..., "set": ...} or
{"error": "..."}. Whatever else would print there goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any


def main(table: str, threads: str, extent: str) -> int:
    """Measure one table; the exit status."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(**what: Any) -> None:
        print(json.dumps(what, allow_nan=False), file=lines, flush=True)

    from .agreement import DisagreementError
    from .machine import confine, set_here
    from .sums import VisitsError

    # Not throughput, whose processes have a core each, nor checks: JAX and its callback wait for each other on one.
    if threads == "1" and table in ("sums", "passes"):
        confine()
    try:
        measure = import_module(f".{table}", __package__).measure
        result = measure(threads, quick=extent == "quick", progress=lambda done, of: say(done=done, of=of))
    except (DisagreementError, VisitsError) as error:
        say(error=str(error))
        return 1
    say(result=result, set=set_here())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
