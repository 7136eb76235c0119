"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import Any


def prepare(folder: Path) -> None:
    """Make the folder, and find out before the work rather than after it whether files can be written there.

    Raises
    ------
    OSError
        If they cannot; the message says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        came = "it is a file" if folder.is_file() else f"it cannot be: {error.strerror}"
        raise OSError(f"{folder}: expected a folder, or a name for one, to write in, but {came}") from error


def write(path: Path, content: str | bytes) -> None:
    """Write a file in one step: the old content stays until the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def as_json(data: Any) -> str:
    """Data as JSON, the same text for the same data."""
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
