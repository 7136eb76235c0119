"""What the benchmarks run on, and how its libraries are set; no name, no path and no time of the machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

NOT_INSTALLED = "not installed"
THREADS = ("1", "all")

_SET = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "JAX_COMPILATION_CACHE_DIR", "PYTHONPATH")
"""OpenBLAS is to choose its kernel by itself, and JAX to compile, not to load; modules come from where they are."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def confine(number: int = 0) -> None:
    """Keep this process, and what it starts, to one of its cores from now on, where the system lets it.

    Not every library heeds a number of threads: JAX runs parts of a program beside each other whatever is set.
    """
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {mine[number % len(mine)]})


def settings(threads: str) -> dict[str, str]:
    """The variables that have the libraries use one thread, "1", or as many as there are cores, "all"."""
    count = "1" if threads == "1" else str(cores())
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" if threads == "1" else ""
    return {**dict.fromkeys(_SET, count), "XLA_FLAGS": flags}


def environment(threads: str, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that measures: the given one, with these settings."""
    return {name: value for name, value in given.items() if name not in _UNSET} | settings(threads)


def described() -> dict[str, Any]:
    """The machine and the versions."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": cores(),
        "python": platform.python_version(),
        "versions": {
            name: version(name) if find_spec(name) else NOT_INSTALLED for name in ("numpy", "jax", "jaxlib", "torch")
        }
        | {"bptt-oracle": version("bptt-oracle"), "python-flint": version("python-flint")},
    }


def set_here() -> dict[str, Any]:
    """How this process is set: its cores, the variables, and the BLAS that NumPy has, with its kernel."""
    float(np.ones((2, 2)).dot(np.ones((2, 2)))[0, 0])  # has the library loaded
    variables = {name: os.environ[name] for name in sorted(os.environ) if re.match(r"(OPENBLAS|OMP|MKL|XLA)_", name)}
    blas = [
        {key: pool.get(key) for key in ("internal_api", "version", "architecture", "threading_layer", "num_threads")}
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    return {"cores": cores(), "variables": variables, "blas": blas}


def _processor() -> str:
    """The processor's model as the system calls it."""
    path = Path("/proc/cpuinfo")
    if path.is_file():
        lines = path.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
        fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "model name" in fields:
            family, model = fields.get("cpu family"), fields.get("model")
            return f"{fields['model name']}, family {family}, model {model}"
    return platform.processor() or platform.machine()
