"""How many random networks of mixed shapes are verified a second: manual one-pass gradients against JAX's.

Three ways to get JAX's gradients run in turn, on two processes: one program for a padded box of shapes, mapped over
256 networks; a program for every shape; and a program for every shape, mapped over 64 networks of it. Everything
that a verification takes is counted (drawing, padding, both sides, the comparison of all gradients, in H, W, b, h(0)
and x), except that the box is compiled once, before. Another table says what the exact evidence over the finite field
takes, and for what.

    python benchmarks/reference_throughput.py [--json PATH]

The comparison has no tolerance. |manual - JAX| has to lie within the sum of the two error bounds that
`bptt_oracle.arithmetic.rounded` proves. Those take some 20 ms for a network, so first it is compared with what they
exceed for certain, worked out for a whole batch at once (`LeastBounds`); the full bounds decide on the few networks
that do not pass.
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
from typing import Any, ClassVar

import jax
import numpy as np

from bptt_oracle import worlds
from bptt_oracle.arithmetic import balls
from bptt_oracle.arithmetic.errors import UndecidedError
from bptt_oracle.arithmetic.formats import FLOAT64
from bptt_oracle.arithmetic.rounded import errors, rounded, to_rounded
from bptt_oracle.evidence import Plan, field_evidence
from bptt_oracle.instances import Description, Instance, draw, random_description
from bptt_oracle.jaxprs import evaluate
from bptt_oracle.manual import ACTIVATIONS, Network, one_pass
from bptt_oracle.reference import output, padded, padding, quantities
from bptt_oracle.report.files import as_json, write

PROCESSES = 2
BATCH = 256
BATCHES, SHAPES, FIELD = 4, 2, 4  # a process's share of one round
MAPPED = 64
CHECKED = 6
SEED = 2016
REFUSED = ("outside", "undecided")
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


def as_reference(i: Instance) -> Any:
    """An instance in the reference's form."""
    return padding.Instance(i.description.f, i.coefficients, i.params, i.x, i.y, i.h0)


def by_hand(network: Network) -> dict[str, Any]:
    """The gradients of one pass, in the structure of the reference's."""
    found = one_pass(network)
    return {
        "dJ": found.as_params(),
        "dJ_dh0": [state[:, 0] for state in found.h0.values()],
        "dJ_dx": np.concatenate([column.T for column in found.x.values()]),
    }


def leaves(gradients: Any) -> list[Any]:
    """The arrays of gradients in a fixed order: of H, W and b by layer, of h(0), of x."""
    layers = [layer[name] for layer in gradients["dJ"] for name in ("H", "W", "b") if name in layer]
    return [*layers, *gradients["dJ_dh0"], gradients["dJ_dx"]]


# ---- what the error bound of the manual side exceeds for certain


class LeastBounds:
    """Lower limits of the error bounds that `rounded` proves for `one_pass` in float64, for a batch at once.

    Whatever is at most such a limit is at most the bound, and so is allowed by it. The bounds are sums and products of
    non-negative terms, and some of these terms are worked out here, from computed values in place of the true ones:
    a computed a' lies within the bound e_a of the true a, so that |a'| <= |a| + e_a. With u = 2^-53, and a limit for
    each e, the bound of

    * a product, |a| e_b + |b| e_a + e_a e_b and more, is at least |a'| e_b, and at least |b'| e_a: the larger one;
    * a sum of k terms that are not 0 is at least the sum of their e, and (k - 1) u times the sum of their sizes;
    * exp, tanh and sine has the library's 8 ulps, 16 u |f|; of logistic and softplus, which end in a quotient and in
      a sum, it has 2 u |f| and u |f|; of 1 - h h, for h = tanh z, it has |h| times h's 16 u |h|;
    * softmax has the 16 u of the exponentials above the line and of those below it, 32 u y^;
    * f(z) has, of an e of z: all of e |f'| for relu and identity; half of it for tanh, whose values at z - e and z + e
      the bound spans from the middle (z' lies between them, e or more from one of them, and up to there f changes by
      e (f' - e) at least), and for sine, where it is e (|cos z| + e / 2) and |cos z| >= |cos z'| - e; half of that
      again for softplus, log1p of exp; an eighth for logistic, exp in a quotient whose divisor is known to a factor
      of 2, squared.

    The division by T divides the error. `SHARE` makes up for rounding here, and for terms of the order of u e.
    """

    OWN: ClassVar = {"tanh": 16, "sine": 16, "logistic": 2, "softplus": 1, "relu": 0, "identity": 0}
    PASSED_ON: ClassVar = {"tanh": 1 / 2, "sine": 1 / 2, "logistic": 1 / 8, "softplus": 1 / 4, "relu": 1, "identity": 1}
    SHARE = 1 - 2.0**-30

    def __init__(self, instances: Sequence[Instance], batch: Any) -> None:
        # the batch is the last axis everywhere, which NumPy runs along fastest
        last = partial(np.moveaxis, source=0, destination=-1)
        self.u = 2.0**-53
        self.params = [{name: np.ascontiguousarray(last(a)) for name, a in layer.items()} for layer in batch.params]
        self.x, self.y, self.live, self.active = map(last, (batch.x, batch.y, batch.live, batch.active))
        self.h0 = [last(state) for state in batch.h0]
        self.top, self.T = len(self.params), len(self.live)
        names = np.array([instance.description.f for instance in instances])
        self.groups = [(f, np.flatnonzero(names == f)) for f in ACTIVATIONS]
        self.own, self.passed_on = (np.array([table[f] for f in names]) for table in (self.OWN, self.PASSED_ON))
        self.own_of_slope = np.where(names == "tanh", 16, 0)
        self.real = self._real([instance.description.d for instance in instances])
        self.sizes = [{name: abs(a) for name, a in layer.items()} for layer in self.params]
        self.filled = [
            {(name, axis): (a != 0).sum(axis=axis) for name, a in layer.items() if name in "HW" for axis in (0, 1)}
            for layer in self.params
        ]

    def _real(self, widths: Sequence[tuple[int, ...]]) -> list[Any]:
        """For the layers 0..n of the box, which units belong to the network; those it lacks are as wide as x."""
        layers = []
        for l in range(self.top + 1):
            size = (self.y if l == self.top else self.x).shape[1]
            width = np.array([d[max(0, len(d) - 1 + l - self.top)] for d in widths])
            layers.append(np.arange(size)[:, None] < width)
        return layers

    def product(self, name: str, l: int, v: Any, e: Any, *, transposed: bool = False) -> tuple[Any, ...]:
        """A matrix times v: its value, and of its terms the sum of sizes, of errors, and at least how many are not 0.

        What lies outside the network is multiplied by zeros, and counted among neither.
        """
        matrix, size = self.params[l - 1][name], self.sizes[l - 1][name]
        how = "jib,jb->ib" if transposed else "ijb,jb->ib"
        zeros = (v == 0) & self.real[l if transposed or name == "H" else l - 1]
        nonzero = self.filled[l - 1][name, 0 if transposed else 1] - zeros.sum(axis=0)
        return np.einsum(how, matrix, v), np.einsum(how, size, abs(v)), np.einsum(how, size, e), nonzero

    def sum(self, *products: tuple[Any, ...]) -> tuple[Any, Any]:
        """A sum of all terms of some products, and the limit of its error."""
        value, size, error, count = (sum(parts) for parts in zip(*products, strict=True))
        return value, error + np.maximum(count - 1, 0) * self.u * size

    def functions(self, z: Any) -> tuple[Any, Any]:
        """f(z) and f'(z), for each network its own."""
        f, f_prime = np.empty_like(z), np.empty_like(z)
        for name, which in self.groups:
            f[:, which], f_prime[:, which] = ACTIVATIONS[name](z[:, which]), ACTIVATIONS[name].derivative(z[:, which])
        return f, f_prime

    def limits(self) -> dict[str, Any]:
        """The limits, in the structure and the box of `padded.gradients`."""
        top, times = self.top, range(1, self.T + 1)
        zero = np.zeros_like(self.x[0])
        h: dict[tuple[int, int], Any] = {(0, t): self.x[t - 1] for t in times}
        h |= {(l, 0): state for l, state in enumerate(self.h0, start=1)}
        e = dict.fromkeys(h, zero)
        slope, slope_error, y_hat = {}, {}, {}
        for t in times:
            for l in range(1, top):
                bias = self.params[l - 1]["b"]
                z, error = self.sum(
                    self.product("H", l, h[l, t - 1], e[l, t - 1]),
                    self.product("W", l, h[l - 1, t], e[l - 1, t]),
                    (bias, abs(bias), 0, bias != 0),
                )
                value, slope[l, t] = self.functions(z)
                slope_error[l, t] = self.own_of_slope * self.u * value * value
                moved = self.passed_on * error * np.maximum(abs(slope[l, t]) - error, 0)
                exists = self.active[l - 1]
                h[l, t] = np.where(exists, value, h[l - 1, t])
                e[l, t] = np.where(exists, moved + self.own * self.u * abs(value), e[l - 1, t])
            logits = self.product("W", top, h[top - 1, t], e[top - 1, t])[0] + self.params[-1]["b"]
            exponentials = np.exp(logits - logits.max(axis=0))
            y_hat[t] = exponentials / exponentials.sum(axis=0)

        gamma: dict[tuple[int, int], Any] = {}
        g: dict[tuple[int, int], Any] = {}
        for t in reversed(times):
            live = self.live[t - 1]
            gamma[top, t], g[top, t] = live * (y_hat[t] - self.y[t - 1]), live * 32 * self.u * y_hat[t]
            for l in range(top - 1, -1, -1):
                parts = [self.product("W", l + 1, gamma[l + 1, t], g[l + 1, t], transposed=True)]
                if l > 0 and t < self.T:
                    parts.append(self.product("H", l, gamma[l, t + 1], g[l, t + 1], transposed=True))
                arriving, error = self.sum(*parts)
                if l + 1 < top:  # a layer that does not exist hands down what arrives
                    arriving = np.where(self.active[l], arriving, gamma[l + 1, t])
                    error = np.where(self.active[l], error, g[l + 1, t])
                if l > 0:
                    exists = self.active[l - 1]
                    kept = np.maximum(abs(slope[l, t]) * error, slope_error[l, t] * abs(arriving))
                    arriving = np.where(exists, slope[l, t] * arriving, arriving)
                    error = np.where(exists, kept, error)
                gamma[l, t], g[l, t] = arriving, error
        return self._gradients(h, e, gamma, g)

    def _gradients(self, h: Any, e: Any, gamma: Any, g: Any) -> dict[str, Any]:
        def over_time(values: Any, l: int, before: int = 0) -> Any:
            return np.stack([values[l, t - before] for t in range(1, self.T + 1)])

        def outer(l: int, below: int, before: int = 0) -> Any:
            a, e_a = abs(over_time(gamma, l)), over_time(g, l)
            b, e_b = abs(over_time(h, below, before)), over_time(e, below, before)

            def total(left: Any, right: Any) -> Any:
                return np.einsum("tib,tjb->ijb", left, right)

            additions = np.maximum(total((a > 0) * 1.0, (b > 0) * 1.0) - 1, 0)
            return share(np.maximum(total(e_a, b), total(a, e_b)) + additions * self.u * total(a, b))

        def share(limit: Any) -> Any:
            return np.moveaxis(limit / self.live.sum(axis=0) * self.SHARE, -1, 0)

        dJ = []
        for l in range(1, self.top + 1):
            a, e_a = abs(over_time(gamma, l)), over_time(g, l)
            additions = np.maximum((a > 0).sum(axis=0) - 1, 0)
            layer = {"W": outer(l, l - 1), "b": share(e_a.sum(axis=0) + additions * self.u * a.sum(axis=0))}
            dJ.append(({"H": outer(l, l, before=1)} if l < self.top else {}) | layer)
        h0 = [self.sum(self.product("H", l, gamma[l, 1], g[l, 1], transposed=True))[1] for l in range(1, self.top)]
        return {"dJ": dJ, "dJ_dh0": [share(limit) for limit in h0], "dJ_dx": share(over_time(g, 0))}


def within_least(ours: Any, theirs: Any, limits: Any) -> bool:
    """Whether no entry differs by more than its limit."""
    return all(
        bool((abs(a - b) <= limit).all()) for a, b, limit in zip(*map(leaves, (ours, theirs, limits)), strict=True)
    )


# ---- the full bounds


def manual_bounds(instance: Instance) -> list[Any]:
    """The error bounds of `one_pass`, by leaf."""
    gradients = by_hand(instance.network().over(lambda a: to_rounded(a, FLOAT64), instance.functions()))
    return [errors(leaf) for leaf in leaves(gradients)]


def reference_bounds(instance: Instance) -> list[Any]:
    """The error bounds of the gradients' program as JAX derived it, by leaf."""
    i = as_reference(instance)
    traced = quantities.trace(i.f, i.params, i.x, i.y, i.h0, output.SOFTMAX, quantities.gradients)
    inputs = [to_rounded(a, FLOAT64) for a in traced.flatten(i.params, i.x, i.y, i.h0)]
    found = traced.unflatten(evaluate(traced.jaxpr, *inputs, constants=lambda number: rounded(number, FLOAT64)))
    return [errors(leaf) for leaf in leaves(found)]


def within_full(instance: Instance, ours: Any, theirs: Any) -> str:
    """Whose bound allows the differences, "manual" or "both"; "outside" if none does, "undecided" if there is none."""
    differences = [abs(a - b) for a, b in zip(leaves(ours), leaves(theirs), strict=True)]
    with balls.precision(96):
        try:
            bounds = manual_bounds(instance)
            if all((d <= bound).all() for d, bound in zip(differences, bounds, strict=True)):
                return "manual"
            bounds = [a + b for a, b in zip(bounds, reference_bounds(instance), strict=True)]
        except UndecidedError:  # relu within rounding of its kink: either side may be the one or the other
            return "undecided"
    return "both" if all((d <= bound).all() for d, bound in zip(differences, bounds, strict=True)) else "outside"


def judge(instance: Instance, ours: Any, theirs: Any, limits: Any) -> str:
    """How one network is verified: "least", "manual", "both"; or "outside" or "undecided"."""
    return "least" if within_least(ours, theirs, limits) else within_full(instance, ours, theirs)


# ---- the ways


def verify_padded(seed: int) -> Counter[str]:
    """One batch of mixed shapes in the box."""
    clock = Clock.running
    with clock("draw"):
        instances = [draw(description) for description in descriptions(BATCH, seed)]
        cases = [as_reference(instance) for instance in instances]
    with clock("pad"):
        batch = padding.pad(cases)
    with clock("JAX"):
        found = padded.gradients(batch)
        found["dJ_dx"].block_until_ready()
    with clock("pad"):
        theirs = padding.unpad(found, cases)
    with clock("manual"):
        ours = [by_hand(instance.network()) for instance in instances]
    with clock("compare"):
        limits = padding.unpad(LeastBounds(instances, batch).limits(), cases)
        return Counter(map(judge, instances, ours, theirs, limits))


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
        limits = padding.unpad(LeastBounds(group, padding.pad(cases)).limits(), cases)
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
        cases = [as_reference(instance) for instance in instances]
        batch = padding.pad(cases)
        limits = padding.unpad(LeastBounds(instances, batch).limits(), cases)
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
