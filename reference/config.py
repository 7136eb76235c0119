"""The settings of JAX that the reference rests on, made in this one place.

Importing any module of `bptt_oracle.reference` makes them, before the first array exists.
"""

from collections.abc import Callable
from pathlib import Path

import jax

_set: Callable[[str, object], None] = jax.config.update

# float32 stays available: a computation has the type of its inputs.
_set("jax_enable_x64", True)
# float32 and float64 never mix unseen: an operation on both raises.
_set("jax_numpy_dtype_promotion", "strict")
# Accelerators multiply float32 matrices in fewer bits unless told otherwise.
_set("jax_default_matmul_precision", "highest")


def enable_compilation_cache(path: str | Path) -> None:
    """Keep what XLA compiles in a folder, so that a later process loads it instead of compiling again.

    Every program is kept, however small and however quickly compiled.

    Parameters
    ----------
    path
        The folder. It is made when it does not exist.

    Raises
    ------
    OSError
        If the folder can not be made.

    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    _set("jax_compilation_cache_dir", str(folder))
    _set("jax_persistent_cache_min_compile_time_secs", 0)
    _set("jax_persistent_cache_min_entry_size_bytes", 0)
