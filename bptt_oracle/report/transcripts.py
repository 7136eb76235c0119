"""Transcripts in a page: commands with what they print, made by running them.

A transcript stands between the lines `BEGIN` and `END`, in a fenced block, its commands after "$ "; of one that ends
in " | head -N" the first N lines are shown. Each is run in a folder of its own, which holds the examples and vectors
of this checkout and an empty folder `build`. Numbers with many digits are shortened; `masked` hides them, since the
last digits of a float belong to a machine.

Run as a module in a checkout, it puts what the commands print now into `PAGES`. A transcript whose tools are
not installed stays as it is.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from .files import write

BEGIN = "<!-- transcript: written by `python -m bptt_oracle.report.transcripts` -->\n```console\n"
END = "```\n<!-- /transcript -->\n"
PROMPT = "$ "
PAGES = ("README.md", "docs/oracle.md", "docs/vectors.md")

_DIGITS = 4
_NUMBER = re.compile(r"-?\b\d+\.\d+(?:e[-+]?\d+)?|-?\b\d+e[-+]?\d+")
_NEEDS = {"cc": "cc", "examples/javascript": "node", "examples/vectors": "node"}


def transcripts(page: str) -> list[str]:
    """The transcripts of a page: commands and what they printed.

    Raises
    ------
    ValueError
        If one has no end, or no command.
    """
    found = []
    for part in page.split(BEGIN)[1:]:
        transcript, end, _ = part.partition(END)
        if not end or not transcript.startswith(PROMPT):
            raise ValueError(
                f"transcript: expected a command after {PROMPT!r}, and an end, but got {transcript[:60]!r}"
            )
        found.append(transcript)
    return found


def commands(transcript: str) -> list[str]:
    """The commands of a transcript."""
    return [line.removeprefix(PROMPT) for line in transcript.splitlines() if line.startswith(PROMPT)]


def missing(transcript: str) -> str | None:
    """What a transcript needs that is not installed."""
    for command in commands(transcript):
        for part, tool in _NEEDS.items():
            if part in command and shutil.which(tool) is None:
                return tool
        if "examples/torch" in command and find_spec("torch") is None:
            return "torch"
    return None


def repeated(transcript: str, root: Path) -> str:
    """A transcript with what its commands print now.

    Parameters
    ----------
    transcript
        Its commands, with or without what they printed.
    root
        The checkout with the examples and vectors.
    """
    lines = []
    with TemporaryDirectory() as folder:
        (Path(folder) / "build").mkdir()
        for name in ("examples", "vectors"):
            (Path(folder) / name).symlink_to(root / name)
        for command in commands(transcript):
            lines += [f"{PROMPT}{command}\n", shortened(_printed(command, Path(folder)))]
    return "".join(lines)


def _printed(command: str, folder: Path) -> str:
    """What a command prints to its standard output, and its exit status if that is not 0."""
    command, _, lines = command.partition(" | head -")
    program, *rest = shlex.split(command)
    here = {"bptt-oracle": [sys.executable, "-m", "bptt_oracle.cli"], "python": [sys.executable]}
    done = subprocess.run(
        [*here.get(program, [program]), *rest],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if lines:
        return "".join(done.stdout.splitlines(keepends=True)[: int(lines)])
    return done.stdout + (f"[exit status {done.returncode}]\n" if done.returncode else "")


def shortened(text: str) -> str:
    """A text with its numbers of many digits rounded to four."""

    def short(number: re.Match[str]) -> str:
        return number[0] if len(number[0]) <= 8 else f"{float(number[0]):.{_DIGITS}g}"

    return _NUMBER.sub(short, text)


def masked(text: str) -> str:
    """A text without its numbers that are not whole, and without its line breaks, which depend on their lengths."""
    return " ".join(_NUMBER.sub("#", text).split())


def with_transcripts(page: str, root: Path) -> str:
    """A page with its transcripts repeated, where their tools are installed."""
    for transcript in transcripts(page):
        if missing(transcript) is None:
            page = page.replace(f"{BEGIN}{transcript}{END}", f"{BEGIN}{repeated(transcript, root)}{END}")
    return page


if __name__ == "__main__":
    for path in map(Path, PAGES):
        write(path, with_transcripts(path.read_text(encoding="utf-8"), Path.cwd()))
