"""The data of `benchmarks.json` as tables: the same for Markdown, for the terminal and for the page of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .contenders import JAX, NAMES, ONE_PASS, PRODUCTS, TORCH
from .machine import NOT_INSTALLED
from .timing import geometric_mean
from .words import figures, seconds, size_of, spread, timed

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    title : what it shows
    words : what to know, a sentence or more
    header, rows : its cells
    is_long : whether it is an appendix rather than a finding
    """

    title: str
    words: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_long: bool = False


def tables(data: Data, score: Data | None = None) -> list[Table]:
    """All tables.

    Parameters
    ----------
    data
        The content of `benchmarks.json`, whole or in part.
    score
        That of `oracle.json`, if it is there: what each check lets through.
    """
    makers: dict[str, Callable[[Data], Iterator[Table]]] = {
        "per_step_sum": _sums,
        "one_pass": _passes,
        "checks": _checks,
        "throughput": _throughput,
    }
    found = [_machine(data)]
    for name, make in makers.items():
        if name in data:
            found += make(data[name])
        if name == "checks" and name in data and score is not None and "checkers" in score:
            found.append(_let_through(score))
    return found


THREADS = {"1": "one thread", "all": "all cores"}


def _machine(data: Data) -> Table:
    machine = data["machine"]
    rows = [
        ("processor", f"{machine['processor']} ({machine['architecture']}), {machine['cores']} cores"),
        ("system", f"{machine['system']}, Python {machine['python']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in machine["versions"].items())),
    ]
    for threads, found in data["settings"].items():
        blas = "; ".join(
            f"{each['internal_api']} {each['version']}, kernel {each['architecture']}, {each['num_threads']} threads"
            for each in found["blas"]
        )
        rows.append((f"BLAS, {THREADS[threads]}", blas))
        confined = f"the process kept to {found['cores']} of the cores"
        variables = [f"{k}={v}" for k, v in found["variables"].items()]
        rows.append((f"set, {THREADS[threads]}", ", ".join([confined, *variables])))
    for threads, found in data.get("one_pass", {}).items():
        noise = found["noise"]
        edge, product = noise["product"]["size"], noise["product"]["seconds"]
        what = f"one product of {edge} by {edge}, {product['count']} times through the run"
        rows.append((f"noise, {THREADS[threads]}", f"{what}: {timed(product)}, {_range(product)}"))
        again = f"one pass against itself: ratios of medians {spread(noise['again'])}, "
        rows.append((f"noise, {THREADS[threads]}", again + _range(noise["again"], of=figures)))
        busy = _busy([each["processors"] for each in found["cells"]])
        rows.append((f"processors kept busy, {THREADS[threads]}", busy))
    return Table(
        "What it ran on",
        "Times are medians, with the quartiles of the rounds behind them. Noise is that of the same run.",
        ("what", "as it was"),
        tuple(rows),
    )


def _busy(measured: Sequence[Mapping[str, float]]) -> str:
    """By contender, processor time over time: the median of the sizes, and the most."""
    by_name = {name: [each[name] for each in measured] for name in NAMES if name in measured[0]}
    return ", ".join(f"{name} {median(each):.2f} (at most {max(each):.2f})" for name, each in by_name.items())


def _range(found: Data, of: Callable[[float], str] = seconds) -> str:
    return f"from {of(found['least'])} to {of(found['largest'])}"


def _sums(data: Data) -> Iterator[Table]:
    once, summed = data["seconds"]["one pass"], data["seconds"]["sum"]
    exponents, start = data["exponents"], data["fitted_from"]
    yield Table(
        "The sum over steps against one pass",
        f"“Correct but inefficient”, says the document of the sum. Fitted to T ≥ {start}, the seconds of one pass grow "
        f"as T to the power {exponents['one pass']:.2f}, those of the sum as T to the power {exponents['sum']:.2f}. "
        "Visits to a hidden layer are counted by what evaluates f′ and are T and T (T + 1) / 2, exactly.",
        ("T", "one pass: visits", "sum: visits", "one pass", "sum", "sum / one pass"),
        tuple(
            (
                T,
                f"{data['visits']['one pass'][T]:,}",
                f"{data['visits']['sum'][T]:,}",
                timed(once[T]),
                timed(summed[T]),
                figures(summed[T]["median"] / once[T]["median"]),
            )
            for T in once
        ),
    )


def _passes(data: Data) -> Iterator[Table]:
    for threads, found in data.items():
        yield _means(found, THREADS[threads])
        yield _worst(found, THREADS[threads])
    for threads, found in data.items():
        yield _cells(found, THREADS[threads])
        if found["left_out"]:
            yield Table(
                f"Sizes left out, {THREADS[threads]}",
                "In the grid, and not measured.",
                ("size", "why"),
                tuple((size_of(each["size"]), each["why"]) for each in found["left_out"]),
                is_long=True,
            )


def _means(found: Data, threads: str) -> Table:
    cells = found["cells"]
    wide = [each for each in cells if each["size"]["B"] > 1 and each["size"]["width"] >= 256]
    groups = {
        "all": cells,
        "B = 1": [each for each in cells if each["size"]["B"] == 1],
        "B > 1": [each for each in cells if each["size"]["B"] > 1],
        "B > 1, width ≥ 256": wide,
    }
    there = {title: group for title, group in groups.items() if group}
    names = [name for name in NAMES if name != ONE_PASS]
    compiling = [each["preparation"][JAX] for each in cells]
    return Table(
        f"One pass beside others, {threads}",
        "How many times the time of one pass each takes: geometric means over sizes. Above 1, one pass is faster. "
        "Before the times, all gradients are compared, within derived bounds. JAX has compiled before, "
        f"{seconds(min(compiling))} to {seconds(max(compiling))} a size, which is not counted.",
        ("contender", *(f"{title}, {len(group)} sizes" for title, group in there.items())),
        tuple((NAMES[name], *(_mean(group, name) for group in there.values())) for name in names),
    )


def _mean(cells: Sequence[Data], name: str) -> str:
    ratio = [each["times_one_pass"][name]["median"] for each in cells if name in each["times_one_pass"]]
    return figures(geometric_mean(ratio)) if ratio else NOT_INSTALLED


_WORST = 5


def _worst(found: Data, threads: str) -> Table:
    """The sizes at which one pass is worst beside another, and where its time goes there."""
    rows: list[tuple[str, ...]] = []
    for name in (TORCH, JAX, PRODUCTS):
        there = [(each["times_one_pass"][name], each) for each in found["cells"] if name in each["times_one_pass"]]
        there.sort(key=lambda pair: float(pair[0]["median"]))
        rows += [(name, size_of(each["size"]), spread(times), _where_time_goes(each)) for times, each in there[:_WORST]]
    return Table(
        f"The sizes at which one pass does worst, {threads}",
        f"Of each contender the {_WORST} smallest ratios to one pass, and what the time of one pass is for there.",
        ("contender", "size", "times one pass", "one pass"),
        tuple(rows),
    )


def _where_time_goes(cell: Data) -> str:
    size, whole = cell["size"], cell["seconds"][ONE_PASS]["median"]
    products = cell["seconds"][PRODUCTS]["median"]
    rest = max(0.0, whole - products) / (size["layers"] * size["T"])
    return f"products {100 * products / whole:.0f} % of it; the rest {seconds(rest)} a layer and step"


def _cells(found: Data, threads: str) -> Table:
    return Table(
        f"All sizes, {threads}",
        "Median seconds, with quartiles.",
        ("size", *NAMES, "JAX, compiling"),
        tuple(
            (
                size_of(each["size"]),
                *(timed(each["seconds"][name]) for name in NAMES),
                seconds(each["preparation"][JAX]),
            )
            for each in found["cells"]
        ),
        is_long=True,
    )


def _checks(data: Data) -> Iterator[Table]:
    sizes = data["sizes"]
    names = list(sizes[0]["checks"])
    extrapolated = any(_is_extrapolated(each["checks"][name]) for each in sizes for name in names)
    yield Table(
        "One check of a gradient",
        f"Of a plain loop with one hidden layer, T = {data['T']}, B = {data['B']}. `bptt_oracle.check` finds out by "
        "itself how it is written, and asks about one network of that size."
        + (
            f" What would take longer than {seconds(data['budget'])} was not run, and is marked ≈: the multiple is "
            "extrapolated as a power of the number of parameters, fitted to the sizes before."
            if extrapolated
            else ""
        ),
        ("check", *(f"{each['parameters']:,} parameters" for each in sizes), "times one gradient"),
        tuple(
            (
                name,
                *(_check_seconds(each, name) for each in sizes),
                ", ".join(_times(each["checks"][name]) for each in sizes),
            )
            for name in names
        ),
    )


def _is_extrapolated(check: Data | str) -> bool:
    return not isinstance(check, str) and bool(check["extrapolated"])


def _check_seconds(size: Data, name: str) -> str:
    check = size["checks"][name]
    if isinstance(check, str):
        return check
    if check["extrapolated"]:
        one = size["checks"]["one gradient"]["seconds"]["median"]
        return f"≈ {seconds(check['times_one_gradient'] * one)}"
    return timed(check["seconds"])


def _times(check: Data | str) -> str:
    if isinstance(check, str):
        return "-"
    return f"{'≈ ' if check['extrapolated'] else ''}{figures(check['times_one_gradient'])}"


def _let_through(score: Data) -> Table:
    checkers = score["checkers"]
    kinds, networks = ("mutants", "catalogue"), list(checkers["right backprops"])

    def of(kind: str, network: str) -> int:
        return int(checkers[kind]["wrong backprops"][network])

    def lets(name: str, kind: str, network: str) -> str:
        shown = checkers[kind]["let through although it shows"][name][network]
        if shown is None:
            return NOT_INSTALLED
        return f"{shown + checkers[kind]['hidden by the network'][network]} of {of(kind, network)}"

    columns = [(kind, network) for kind in kinds for network in networks]
    rows = [(name, *(lets(name, *column) for column in columns)) for name in checkers["rejected"]]
    backward = score["mutants"]["parts"]["backward"].values() if "mutants" in score else []
    accepted = sum(each["outcomes"]["accepted"] for each in backward)
    wrong = sum(each["populations"]["wrong"] for each in backward)
    return Table(
        "What each check lets through",
        "Wrong backprops that are let through on a network as gradients are mostly tried out on (typical) and on the "
        "deepest of the oracle's own (probing), those included that this network hides; from `oracle.json`, the "
        f"oracle's own score. The oracle, on its own networks, accepts {accepted} of {wrong} wrong mutants.",
        ("check", *(f"{kind}, {network}" for kind, network in columns)),
        tuple(rows),
    )


def _throughput(data: Data) -> Iterator[Table]:
    yield Table(
        "Verified instances a second",
        f"Random networks of mixed shapes, on {data['processes']} processes with one thread each; rounds: "
        f"{data['rounds']}. The box was compiled once, before, in {seconds(data['seconds_to_compile_the_box'])}.",
        ("way", "a second", "a second of processor time", "instances", "verified by", "ms for each"),
        tuple(
            (
                found["title"],
                spread(found["instances_per_second"]),
                spread(found["instances_per_second_of_processor_time"]),
                f"{found['instances']:,}",
                ", ".join(f"{how} {count:,}" for how, count in found["verified_by"].items()),
                ", ".join(f"{part} {figures(each)}" for part, each in found["milliseconds_each"].items()),
            )
            for found in data["ways"].values()
        ),
    )
