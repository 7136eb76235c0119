"""A program that runs beside the oracle, is asked in lines and answers in lines; and everything it may do instead.

It may end, crash, hang, print what is no answer, print without an end, flood its standard error, leave children behind.
Each has a limit, and at the end of a program its whole process group is ended.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import IO

from .lines import ANSWERS_ALONE
from .reading import printable
from .refusals import Refusal

_CHUNK = 1 << 16
_KEPT = 1 << 12
_LAST_LINES = 10
_GRACE = 1.0
"""Seconds that a program has to end by itself, once its standard input or output is closed."""


class ProgramError(ValueError):
    """A program that cannot be started. The message says what was expected and what came."""


class Program:
    """One started program.

    Parameters
    ----------
    argv
        The program and its arguments; no shell reads them.

    Raises
    ------
    ProgramError
        If it cannot be started.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        if sys.platform == "win32":
            raise ProgramError("expected a POSIX system, whose process groups can be ended, but this is Windows")
        if not argv:
            raise ProgramError("expected a program and its arguments, but got nothing")
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a null byte in an argument
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise ProgramError(f"expected a program that can be started, but {argv[0]!r} cannot: {why}") from error
        self._out = bytearray()
        self._err = bytearray()
        for pipe in self._pipes():
            os.set_blocking(pipe.fileno(), False)

    def ask(self, line: str, longest: int, seconds: float) -> bytes:
        """Send a line and wait for the line that answers it.

        Parameters
        ----------
        line
            The request, without its line break.
        longest
            Bytes that the answer may have.
        seconds
            How long to wait for it.

        Raises
        ------
        Refusal
            "garbage" if it prints before it is asked or after its answer, "too-large" for a line that is too long,
            "time-limit", or "crash" if it ends. The program is of no use afterwards, and has to be ended.
        """
        stdin, stdout, stderr = self._pipes()
        self._read(stdout, self._out, longest)
        self._expect_silence("before it was asked")
        deadline = monotonic() + seconds
        to_send = memoryview(f"{line}\n".encode())
        with selectors.DefaultSelector() as waiting:
            waiting.register(stdin, selectors.EVENT_WRITE)
            waiting.register(stdout, selectors.EVENT_READ)
            waiting.register(stderr, selectors.EVENT_READ)
            while True:
                remaining = deadline - monotonic()
                if remaining <= 0:
                    raise self._too_late(seconds)
                for key, _ in waiting.select(remaining):
                    if key.fileobj is stdin:
                        to_send = self._send(to_send)
                        if not to_send:
                            waiting.unregister(stdin)
                    elif key.fileobj is stderr:
                        if not self._read(stderr, self._err, _CHUNK):
                            waiting.unregister(stderr)
                        del self._err[:-_KEPT]
                    else:
                        is_open = self._read(stdout, self._out, longest)
                        answered = self._line(longest)
                        if answered is not None:
                            self._expect_silence("after its answer")
                            return answered
                        if not is_open:
                            raise self._ended()

    def end(self) -> None:
        """Close its standard input, let it end by itself for a moment, and end what is left of its process group."""
        stdin, *_ = self._pipes()
        with suppress(OSError):
            stdin.close()
        self._wait()
        for pipe in self._pipes():
            with suppress(OSError):
                pipe.close()

    def kill(self) -> None:
        """End its process group at once."""
        self._kill_group()
        self.end()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        return process.stdin, process.stdout, process.stderr

    def _read(self, pipe: IO[bytes], into: bytearray, most: int) -> bool:
        """Read what is there, up to a little more than `most` bytes; whether the pipe is still open."""
        while len(into) <= most:
            try:
                chunk = os.read(pipe.fileno(), _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            into += chunk
        return True

    def _send(self, rest: memoryview) -> memoryview:
        """What is left to be sent; nothing, if the program no longer reads."""
        try:
            return rest[os.write(self._pipes()[0].fileno(), rest) :]
        except BlockingIOError:
            return rest
        except BrokenPipeError:
            return rest[:0]

    def _line(self, longest: int) -> bytes | None:
        """The first line that is not blank, taken out of what was read, if it is complete."""
        while (end := self._out.find(b"\n")) >= 0 and end <= longest:
            line = bytes(self._out[:end])
            del self._out[: end + 1]
            if line.strip():
                return line
        if len(self._out) > longest:
            raise Refusal(
                "too-large",
                f"expected an answer of at most {longest} bytes, far more than its numbers need, "
                "but the line goes on; the rest was not read",
            )
        return None

    def _expect_silence(self, when: str) -> None:
        if said := bytes(self._out).strip():
            shown = printable(said.splitlines()[0][:_CHUNK].decode(errors="replace"), 60)
            raise Refusal(
                "garbage",
                f"expected one line for each request and nothing else, but {when} it printed: {shown}",
                ANSWERS_ALONE,
            )

    def _too_late(self, seconds: float) -> Refusal:
        begun = f", though {len(self._out)} bytes came" if self._out else ""
        return Refusal(
            "time-limit",
            f"expected an answer within {seconds:g} s, but no line was complete{begun}; "
            "end the answer with a line break and flush standard output, or allow more time",
            self._last_words(),
        )

    def _ended(self) -> Refusal:
        """Why the program closed its standard output."""
        status = self._wait()
        self._read(self._pipes()[2], self._err, _CHUNK)
        begun = " in the middle of its answer" if self._out else " without an answer"
        if status is None:
            how = "it closed its standard output and went on"
        elif status < 0:
            how = f"{_signal(-status)} ended it"
        else:
            how = f"it ended with status {status}"
            if status > 128 and (name := _signal(status - 128)):
                how += f" (128 + {status - 128}: what a shell says of {name})"
        hint = "; it has to answer line after line until its standard input ends" if status == 0 else ""
        return Refusal("crash", f"{how}{begun}{hint}", self._last_words())

    def _wait(self) -> int | None:
        """Wait for a moment, end what is left of the group; the status if it ended by itself."""
        status: int | None = None
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(_GRACE)
        self._kill_group()
        self._process.wait()
        return status

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a zombie is left
            os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        """The last lines of what it wrote to its standard error."""
        lines = self._err.decode(errors="replace").splitlines()[-_LAST_LINES:]
        return (
            "\n".join(["the end of its standard error:", *(f"  {printable(line, 200)}" for line in lines)])
            if lines
            else ""
        )


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name} ({signal.strsignal(number)})"
