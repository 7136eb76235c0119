"""The subcommand `campaign`: as many random instances as asked, on every core."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plan import Plan

EPILOG = """\
Killed or stopped, the same command with the same --journal goes on where it was, and ends with the same report.

exit status: 0 nothing failed, 1 an instance failed, 2 could not run or was interrupted
"""

INSTANCES = 10_000
"""How many there are unless a number or a time is given."""

ARITHMETICS = ("padded", "field", "balls", "float64", "float32", "bfloat16", "float16")
"""As in `plan`, which takes NumPy to import."""

BLOCK = 1024
"""How many instances the largest block holds."""

LARGEST = "n=5,T=1000,d=512.512.512.512.512.10000,seed=2016"
"""Four hidden layers of 512 units, 1000 steps, 10,000 classes."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of a command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "campaign",
        help="verify as many random networks as asked, in every arithmetic, on every core",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--instances", type=int, metavar="N", help=f"how many (default: {INSTANCES})")
    amount.add_argument(
        "--for", dest="seconds", type=_duration, metavar="DURATION", help="how long instead, such as 90s, 10m, 8h"
    )
    amount.add_argument(
        "--large",
        nargs="?",
        const=LARGEST,
        metavar="NETWORK",
        help=f"check one large network against JAX instead, and say what memory it took (default: {LARGEST})",
    )
    amount.add_argument("--repeat", metavar="ID", help="repeat one instance, which a report names")
    parser.add_argument("--seed", type=int, default=2016, metavar="N", help="of every draw (default: 2016)")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep what is done there, and go on from there")
    parser.add_argument("--report", type=Path, metavar="NAME", help="write the report to NAME.json and NAME.md")
    parser.add_argument(
        "--arithmetic",
        action="append",
        metavar="NAME",
        help=f"one of {', '.join(ARITHMETICS)}; may be repeated (default: all, in turn, in blocks of up to {BLOCK})",
    )
    for name, symbol in (("depth", "n"), ("steps", "T"), ("width", "d_l")):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"the largest {symbol}")
    parser.add_argument("--platform", action="store_true", help="count JAX's digits on the platform that it finds, too")
    workers = parser.add_mutually_exclusive_group()
    workers.add_argument("--processes", type=int, metavar="N", help="how many (default: one for each core)")
    workers.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster's, such as tcp://host:8786")
    parser.set_defaults(run=_campaign)


def _duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected a time such as 90s, 10m, 8h or 2d, but got {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def _campaign(options: argparse.Namespace) -> int:
    if options.repeat is not None:
        return _repeat(options.repeat)
    if options.large is not None:
        return _large(options.large)
    from ..report.files import write
    from .journal import Journal
    from .progress import Live
    from .running import run
    from .summary import as_data, markdown, text_json
    from .workers import Pool, cores, dask

    plan = plan_of(options)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(options.journal, plan)) if options.journal else None
        if options.scheduler is not None:
            executor, workers = stack.enter_context(dask(options.scheduler))
            renew = None
        else:
            workers = cores() if options.processes is None else options.processes
            pool = stack.enter_context(Pool(workers))
            executor, renew = pool.executor(), pool.executor
        live = stack.enter_context(Live(plan))
        try:
            state = run(plan, executor, journal, workers=workers, renew=renew, progress=live.update)
        except KeyboardInterrupt:
            live.stop()
            then = "the same command goes on from here" if journal else "without --journal, nothing is kept"
            print(f"bptt-oracle: interrupted after {live.instances:,} instances; {then}", file=sys.stderr)
            return 2
    data = as_data(plan, state)
    text = markdown(data)
    print(text, end="")
    print(live.rates(workers))
    if options.report is not None:
        paths = [options.report.with_name(f"{options.report.name}.{suffix}") for suffix in ("json", "md")]
        for path, content in zip(paths, (text_json(data), text), strict=True):
            write(path, content)
        print(f"written: {', '.join(map(str, paths))}")
    return 1 if data["outcomes"]["failed"] else 0


def plan_of(options: argparse.Namespace) -> Plan:
    """What the options of a campaign ask for.

    Raises
    ------
    CampaignError
        If there is no such campaign.
    """
    from .plan import BLOCKS, GRADIENT, ON_THE_PLATFORM, Plan

    arithmetics = tuple(options.arithmetic or BLOCKS)
    limits = {
        name: getattr(options, name) for name in ("depth", "steps", "width") if getattr(options, name) is not None
    }
    return Plan(
        instances=INSTANCES if options.instances is options.seconds is None else options.instances,
        seconds=options.seconds,
        seed=options.seed,
        arithmetics=(*arithmetics, ON_THE_PLATFORM) if options.platform else arithmetics,
        gradient=GRADIENT,
        **limits,
    )


def _large(text: str) -> int:
    from .large import check_large, peak_memory

    found = check_large(text)
    print(f"{found}\npeak memory: {peak_memory() / 2**30:.2f} GiB")
    return 1 if found.outside else 0 if found.decided else 2


def _repeat(name: str) -> int:
    from .judging import gradient_named, judge_named
    from .plan import GRADIENT

    judgement = judge_named(name, gradient_named(GRADIENT))
    shares = "".join(f", largest error / bound {share:.3g} ({side})" for side, share in judgement.shares.items())
    print(f"{name}\n{judgement.outcome}: {judgement.comparisons} numbers compared{shares}")
    if judgement.outcome != "verified":
        print(judgement.why)
    return {"verified": 0, "failed": 1}.get(judgement.outcome, 2)
