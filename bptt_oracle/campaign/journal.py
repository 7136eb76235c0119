"""The journal of a campaign: what each block found, a line each, so that a campaign can stop at any moment.

A line is a JSON object ``{"crc": ..., "record": ...}``, the former the CRC-32 of the latter's own text, in hexadecimal.
The first record is the header: the journal's version, the plan, and the versions of the packages that decide. Every
other record is a block.

Lines are only ever added, each by one write. What a process has written outlives it, so a campaign that is killed loses
the blocks it was at, and no other. So that a machine that fails loses little more, the file is forced to the disk
(fsync) once in `SYNC_EVERY` seconds, and at the end. A last line that is torn, or was never whole on the disk, is
dropped, and its block repeated; a damaged line with whole ones after it is no such thing, and is refused.

A journal in use is locked, until its process ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..environment import environment
from .errors import CampaignError
from .found import Done, Found
from .plan import Plan

VERSION = 1
SYNC_EVERY = 1.0


class Journal:
    """An open journal, locked. It is made if it is not there.

    Parameters
    ----------
    path
        The file.
    plan
        The campaign's.

    Raises
    ------
    CampaignError
        If another campaign is running on it, it belongs to another plan, or it is damaged or no journal.
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path = path
        self._header = {"journal": VERSION, "plan": plan.as_data(), "versions": environment()}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._synced = time.monotonic()
        try:
            self._lock()
            self._mend()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        os.fsync(self._file)
        os.close(self._file)

    def blocks(self) -> Iterator[tuple[Done, float]]:
        """The blocks that are done, in the order in which they were, and how long the campaign had run by then."""
        with self.path.open("rb") as file:
            next(file)
            for line in file:
                record = _read(line)
                if record is None:
                    raise CampaignError(f"{self.path}: was changed while it was locked")
                found = Found.from_data(record["found"])
                yield Done(record["block"], record["arithmetic"], found, {}), record["at"]

    def add(self, done: Done, at: float) -> None:
        """Add a block, done after the campaign had run for so many seconds."""
        self._write(
            {
                "block": done.number,
                "at": at,
                "arithmetic": done.arithmetic,
                "found": done.found.as_data(),
            }
        )
        if time.monotonic() - self._synced > SYNC_EVERY:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CampaignError(
                f"{self.path}: another campaign is running on this journal; wait for its end, or name another one"
            ) from None

    def _mend(self) -> None:
        """Drop what is torn at the end; hold the header against the plan, or write it into an empty file."""
        whole, first, damaged = 0, None, 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                record = _read(line)
                if record is None:
                    damaged = damaged or number
                elif damaged:
                    raise CampaignError(
                        f"{self.path}: line {damaged} is damaged, and lines after it are not; use another journal"
                    )
                else:
                    whole += len(line)
                    first = record if first is None else first
        if first is None and damaged and not self._is_torn_header():
            raise CampaignError(f"{self.path}: expected the journal of a campaign, but got something else")
        os.truncate(self._file, whole)
        if first is None:
            self._write(self._header)
            os.fsync(self._file)
        elif first != self._header:
            raise CampaignError(
                f"{self.path}: expected the journal of this campaign, but it is another's: "
                f"{_difference(first, self._header)}; use another journal"
            )

    def _is_torn_header(self) -> bool:
        """Whether the file is the beginning of a header, and nothing else."""
        content = os.pread(self._file, 1 << 16, 0)
        return b"\n" not in content and (content.startswith(_BEGINNING) or _BEGINNING.startswith(content))

    def _write(self, record: Mapping[str, Any]) -> None:
        line = _line(record)
        if os.write(self._file, line) != len(line):
            raise OSError(f"{self.path}: no room to write on")


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":"), allow_nan=False)
    return f'{{"crc":"{zlib.crc32(text.encode()):08x}","record":{text}}}\n'.encode()


_BEGINNING = b'{"crc":"'
_PREFIX = len(_line({})) - len("{}}\n")


def _read(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None if it is not whole."""
    crc, text = line[len(_BEGINNING) : len(_BEGINNING) + 8], line[_PREFIX:-2]
    if not line.endswith(b"}\n") or f"{zlib.crc32(text):08x}".encode() != crc:
        return None
    record = json.loads(text)
    return record if isinstance(record, dict) else None


def _difference(theirs: Any, ours: Any) -> str:
    """Where two headers differ."""
    found = [f"{name} is {there!r}, not {here!r}" for name, there, here in _compared(theirs, ours) if there != here]
    return ", ".join(found)


def _compared(theirs: Any, ours: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys([*theirs, *ours]):
        there, here = theirs.get(name), ours.get(name)
        if isinstance(there, dict) and isinstance(here, dict):
            yield from _compared(there, here)
        else:
            yield name, there, here
