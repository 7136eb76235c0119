"""Gradients that are wrong, and tasks that are quick, for the tests of campaigns; workers import them by name."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from bptt_oracle.campaign.found import Done, Failure, Found
from bptt_oracle.campaign.plan import Plan
from bptt_oracle.campaign.work import do
from bptt_oracle.environment import environment
from bptt_oracle.instances import draw
from bptt_oracle.manual import Gradients, Network, one_pass


def doubled(net: Network) -> Gradients:
    """Right but for networks with two hidden layers or more and three steps or more: there b^(n) is twice as large."""
    right = one_pass(net)
    return replace(right, b={**right.b, net.n: right.b[net.n] * 2}) if net.n > 2 and net.T > 2 else right


def laborious(net: Network) -> Gradients:
    """The right gradients, at many times their cost."""
    return [one_pass(net) for _ in range(50)][-1]


def raising(net: Network) -> Gradients:
    """No gradient at all for networks of more than one step."""
    if net.T > 1:
        raise IndexError("list index out of range")
    return one_pass(net)


def quick(plan: Plan, number: int) -> Done:
    """A block in no time, from its number alone; each 13th instance fails."""
    block = plan.block(number)
    numbers = range(block.first, block.first + block.count)
    failures = [Failure(i, f"{block.arithmetic}:{i}", "unlucky") for i in numbers if i % 13 == 0]
    found = Found(
        outcomes=Counter(verified=block.count - len(failures), failed=len(failures)),
        comparisons=sum(numbers),
        shapes=Counter(f"{1 + i % 6},{1 + i % 12}" for i in numbers),
        widths=Counter(str(1 + i % 10) for i in numbers),
        activations=Counter(tanh=block.count),
        largest={"manual": 1 / (1 + number % 7)},
        failures=failures,
    )
    return Done(number, block.arithmetic, found, environment())


def swift(plan: Plan, number: int) -> Done:
    """A block whose instances cost nothing at all; one of each block fails."""
    block = plan.block(number)
    found = Found(
        outcomes=Counter(verified=block.count - 1, failed=1),
        comparisons=block.count,
        shapes=Counter({f"{1 + number % 6},{1 + number % 12}": block.count}),
        widths=Counter({str(1 + number % 10): block.count}),
        activations=Counter(tanh=block.count),
        failures=[Failure(block.first, f"{block.arithmetic}:{number}", "unlucky")],
    )
    return Done(number, block.arithmetic, found, environment())


def slow(plan: Plan, number: int) -> Done:
    """The same, after a while."""
    time.sleep(0.02)
    return quick(plan, number)


def deadly(plan: Plan, number: int) -> Done:
    """The same; but block 3 ends its worker, once for each file that is left in a folder that the environment names."""
    if number == 3:
        for path in sorted(Path(os.environ["DEATHS"]).iterdir()):
            path.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    return quick(plan, number)


def resident() -> int:
    """How many bytes of memory this process has, once all that is free is given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def keeping(plan: Plan, number: int) -> Done:
    """A real block, whose instances stay in memory."""
    block = plan.block(number)
    KEPT.extend(draw(plan.description(block.arithmetic, block.first + i)) for i in range(block.count))
    return do(plan, number)


KEPT: list[object] = []


def elsewhere(plan: Plan, number: int) -> Done:
    """The same, from a worker with another NumPy."""
    return replace(quick(plan, number), versions=environment() | {"numpy": "1.0"})


def broken(plan: Plan, number: int) -> Done:
    """A task with a mistake of its own."""
    raise LookupError("no block")
