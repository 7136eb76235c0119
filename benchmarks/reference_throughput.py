"""How many random networks of mixed shapes are verified a second: manual one-pass gradients against JAX's.

Three ways to get JAX's gradients run in turn, on two processes: one program for a padded box of shapes, mapped over
256 networks; a program for every shape; and a program for every shape, mapped over 64 networks of it. Everything
that a verification takes is counted (drawing, padding, both sides, the comparison of all gradients, in H, W, b, h(0)
and x), except that the box is compiled once, before. Another table says what the exact evidence over the finite field
takes, and for what.

    python benchmarks/reference_throughput.py [--json PATH]

The comparison, of `bptt_oracle.batches`, has no tolerance: differences lie within error bounds that are proved. What
the bounds exceed for certain, worked out for a whole batch at once, allows most networks; the full bounds decide on the
others.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

from bptt_oracle import worlds
from bptt_oracle.arithmetic import balls
from bptt_oracle.batches import REFUSED, as_reference, by_hand, judge, least_limits, leaves, manual_bounds, verify
from bptt_oracle.evidence import Plan, field_evidence
from bptt_oracle.instances import Description, Instance, draw, random_description
from bptt_oracle.manual import ACTIVATIONS
from bptt_oracle.reference import padding, quantities
from bptt_oracle.report.files import as_json, write

PROCESSES = 2
BATCH = 256
BATCHES, SHAPES, FIELD = 4, 2, 4  # a process's share of one round
MAPPED = 64
CHECKED = 6
SEED = 2016
WAYS = {
    "one program for all shapes": "padded",
    "a program for each shape": "jit",
    f"a program for each shape, mapped over {MAPPED}": "vmap",
}


# ---- the networks


def descriptions(count: int, seed: int) -> list[Description]:
    """Random shapes: n = 1..6, T = 1..12, widths 1..10."""
    rng = np.random.default_rng([SEED, seed])
    return [
        random_description(
            rng,
            seed=number,
            depth=range(1, 7),
            steps=range(1, 13),
            widths=range(1, 11),
            activations=tuple(ACTIVATIONS),
            scales=["ordinary"],
        )
        for number in range(count)
    ]


# ---- the ways


def verify_padded(seed: int) -> Counter[str]:
    """One batch of mixed shapes in the box."""
    clock = Clock.running
    with clock("draw"):
        instances = [draw(description) for description in descriptions(BATCH, seed)]
    return Counter(verify(instances, part=clock))


def verify_jit(seed: int) -> Counter[str]:
    """Networks of random shapes, a program for each."""
    instances = [draw(description) for description in descriptions(SHAPES, seed)]
    return _verify_shape_by_shape([[instance] for instance in instances])


def verify_vmap(seed: int) -> Counter[str]:
    """Networks of one random shape, one program for them."""
    [description] = descriptions(1, seed)
    return _verify_shape_by_shape([[draw(replace(description, seed=number)) for number in range(MAPPED)]])


def _verify_shape_by_shape(groups: list[list[Instance]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in groups:
        cases = [as_reference(instance) for instance in group]
        given = jax.tree.map(lambda *a: np.stack(a), *[(c.params, c.x, c.y, list(c.h0)) for c in cases])
        run = partial(quantities.gradients, cases[0].f)
        options = {"xla_backend_optimization_level": "0"}  # a program that runs once is not worth optimizing
        if len(group) > 1:
            results = jax.jit(jax.vmap(run), compiler_options=options)(*given)
        else:
            one = jax.jit(run, compiler_options=options)(*jax.tree.map(lambda a: a[0], given))
            results = jax.tree.map(lambda a: a[None], one)
        results = jax.tree.map(np.asarray, results)
        limits = least_limits(group, padding.pad(cases))
        for number, (instance, limit) in enumerate(zip(group, limits, strict=True)):
            theirs = jax.tree.map(itemgetter(number), results)
            found[judge(instance, by_hand(instance.network()), theirs, limit)] += 1
    return found


def verify_field(seed: int) -> Counter[str]:
    """Exact evidence of every line of every equation, from random shapes over the finite field."""
    corners = len(Plan(field=0).descriptions("field"))
    for description in Plan(field=FIELD, seed=SEED + seed).descriptions("field")[corners:]:
        field_evidence(description)
    return Counter(evidence=FIELD)


# ---- timing


class Clock:
    """Processor seconds by name."""

    running: Clock

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


def watch(module: Any, function: str, name: str) -> None:
    """Count a module's function under a name from now on."""
    inner = getattr(module, function)

    def timed(*arguments: Any, **options: Any) -> Any:
        with Clock.running(name):
            return inner(*arguments, **options)

    setattr(module, function, timed)


@dataclass(frozen=True)
class Share:
    """What one process did in one round: networks by how they were verified, and processor seconds by part."""

    counts: Counter[str]
    seconds: float
    parts: dict[str, float]


WORK: dict[str, tuple[Callable[[int], Counter[str]], int, str]] = {
    "padded": (verify_padded, BATCHES, "other"),
    "jit": (verify_jit, 1, "all"),
    "vmap": (verify_vmap, 1, "all"),
    "field": (verify_field, 1, "compare"),
}
"""For each way: the work, how often a process does it in a round, and what the time is for that is not under a name."""


def work(way: str, seed: int) -> Share:
    """One process's share of a round."""
    Clock.running = Clock()
    function, times, rest = WORK[way]
    start = time.process_time()
    counts: Counter[str] = Counter()
    for number in range(times):
        counts += function(100 * seed + number)
    seconds, parts = time.process_time() - start, Clock.running.seconds
    return Share(counts, seconds, {**parts, rest: seconds - sum(parts.values())})


def set_up(seed: int) -> float:
    """Compile the box, load everything else, and watch the parts of the field evidence; the seconds of the first."""
    jax.config.update("jax_enable_compilation_cache", False)  # type: ignore[no-untyped-call]
    Clock.running = Clock()
    start = time.perf_counter()
    verify_padded(seed)
    compiling = time.perf_counter() - start
    field_evidence(Plan(field=1).descriptions("field")[0])
    watch(quantities, "trace", "trace")
    watch(worlds, "evaluate", "evaluate")
    watch(worlds, "field_network", "draw")
    return compiling


def self_check(seed: int) -> Counter[str]:
    """On how many networks the limits lie below the full bounds, and on how many a planted error is found.

    The error is 2^-40 of the largest entry, in networks with small weights, where bounds are far below that.
    """
    found = Counter(networks=CHECKED)
    shapes = descriptions(CHECKED, 10**6 + seed)
    for scale in ("ordinary", "tiny"):
        instances = [draw(replace(shape, scale=scale, d=(*shape.d[:-1], max(2, shape.d[-1])))) for shape in shapes]
        limits = least_limits(instances, padding.pad([as_reference(instance) for instance in instances]))
        for instance, limit in zip(instances, limits, strict=True):
            ours, spoilt = by_hand(instance.network()), by_hand(instance.network())
            if scale == "ordinary":
                with balls.precision(96):
                    bounds = manual_bounds(instance)
                found["below"] += all((a <= b).all() for a, b in zip(leaves(limit), bounds, strict=True))
            else:
                largest = max(leaves(spoilt), key=lambda leaf: float(abs(leaf).max()))
                largest[np.unravel_index(abs(largest).argmax(), largest.shape)] *= 1 + 2.0**-40
                found["spoilt"] += judge(instance, spoilt, ours, limit) == "outside"
    return found


# ---- the report


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": median(values), "least": min(values), "largest": max(values)}


def measure(rounds: int) -> dict[str, Any]:
    """Everything, as data."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    executors = [ProcessPoolExecutor(1, mp_context=get_context("spawn")) for _ in range(PROCESSES)]

    def everywhere(function: Callable[..., Any], *given: Any, seed: int) -> list[Any]:
        jobs = [e.submit(function, *given, PROCESSES * seed + i) for i, e in enumerate(executors)]
        return [job.result() for job in jobs]

    try:
        compiling = max(everywhere(set_up, seed=10**5))
        checked = sum(everywhere(self_check, seed=0), Counter[str]())
        wall: dict[str, list[float]] = {way: [] for way in WORK}
        processor: dict[str, list[float]] = {way: [] for way in WORK}
        counts: dict[str, Counter[str]] = {way: Counter() for way in WORK}
        parts: dict[str, dict[str, float]] = {way: defaultdict(float) for way in WORK}
        for number in range(rounds):
            for way in WORK:
                start = time.perf_counter()
                shares = everywhere(work, way, seed=number)
                elapsed = time.perf_counter() - start
                done = sum(n for share in shares for how, n in share.counts.items() if how not in REFUSED)
                wall[way].append(done / elapsed)
                processor[way].append(done / max(share.seconds for share in shares))
                for share in shares:
                    counts[way] += share.counts
                    for part, seconds in share.parts.items():
                        parts[way][part] += seconds
    finally:
        for executor in executors:
            executor.shutdown(cancel_futures=True)

    def ways(names: Sequence[str]) -> dict[str, Any]:
        return {
            way: {
                "instances_per_second": spread(wall[way]),
                "instances_per_second_of_processor_time": spread(processor[way]),
                "instances": counts[way].total(),
                "verified_by": dict(counts[way]),
                "milliseconds_each": {
                    part: 1000 * seconds / counts[way].total() for part, seconds in parts[way].items()
                },
            }
            for way in names
        }

    return {
        "processes": PROCESSES,
        "rounds": rounds,
        "batch": BATCH,
        "seconds_to_compile_the_box": compiling,
        "limits_below_full_bounds": [checked["below"], checked["networks"]],
        "planted_errors_found": [checked["spoilt"], checked["networks"]],
        "verification": ways(list(WAYS.values())),
        "field_evidence": ways(["field"])["field"],
    }


def report(data: dict[str, Any]) -> str:
    """The same as a table."""
    lines = [
        f"Random networks verified a second on {data['processes']} processes, {data['rounds']} rounds in turn: "
        "median (least .. largest)",
        "",
        f"{'':<46}{'wall clock':<28}{'processor time':<28}networks",
    ]

    def rates(found: dict[str, Any]) -> str:
        cells = []
        for key in ("instances_per_second", "instances_per_second_of_processor_time"):
            middle, least, largest = (
                f"{found[key][name]:,.{0 if found[key]['median'] >= 100 else 1}f}"
                for name in ("median", "least", "largest")
            )
            cells.append(f"{middle:>8} {f'({least} .. {largest})':<19}")
        return "".join(cells) + f"{found['instances']:>8,}"

    for title, way in WAYS.items():
        lines.append(f"{title:<46}{rates(data['verification'][way])}")
    padded = data["verification"]["padded"]
    allowed = ", ".join(
        f"{padded['verified_by'].get(kind, 0):,} {words}"
        for kind, words in (
            ("least", "by what the bound exceeds for certain"),
            ("manual", "by the manual side's full bound"),
            ("both", "by both sides' bounds"),
            ("undecided", "undecided"),
            ("outside", "outside"),
        )
    )

    def took(found: dict[str, Any]) -> str:
        return ", ".join(f"{part} {each:.2f} ms" for part, each in found["milliseconds_each"].items())

    return "\n".join(
        [
            *lines,
            "",
            f"the box, compiled once: {data['seconds_to_compile_the_box']:.1f} s",
            f"of a network in it: {took(padded)}",
            f"allowed: {allowed}",
            "limits below the full bounds: {} of {} networks".format(*data["limits_below_full_bounds"]),
            "errors of 2^-40 of the largest entry, planted: {} of {} found".format(*data["planted_errors_found"]),
            "",
            "Exact evidence of all lines of all equations over the finite field, every shape new",
            "",
            f"{'instances a second':<46}{rates(data['field_evidence'])}",
            f"of an instance: {took(data['field_evidence'])}",
        ]
    )


def main() -> int:
    """Measure, print, and write the figures if asked to; 1 if a difference lies outside its bound."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each way runs (default: 3)")
    options = parser.parse_args()
    data = measure(options.rounds)
    print(report(data))
    if options.json is not None:
        write(options.json, as_json(data))
    good = data["limits_below_full_bounds"][0] == data["limits_below_full_bounds"][1]
    good &= data["planted_errors_found"][0] == data["planted_errors_found"][1]
    return 0 if good and all("outside" not in way["verified_by"] for way in data["verification"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
