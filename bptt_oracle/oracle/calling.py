"""Calling somebody's backprop so that nothing it does can hold up or break the check."""

from __future__ import annotations

import contextvars
import ctypes
import inspect
import queue
import threading
import traceback
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, ClassVar

from .answers import Answer, Failure
from .arguments import arguments, changed
from .conventions import Conventions
from .probes import Probe
from .refusals import Refusal
from .returned import UnfitError, answer, clipped, what

Function = Callable[..., Any]

TIME_LIMIT = 10.0
"""Seconds that one call may take."""

RESERVE = 2.0
"""How many time limits all calls together may take beyond theirs: a compiler is slow at the first call of a shape."""

_LONGEST = 6000  # characters of a traceback that are shown
_FRAMES = 20
_GRACE = 0.05  # seconds that f gets to end when it is told to, each of a few times


class TimeUp(BaseException):
    """Raised inside f, which catches no such thing, when its time is over."""


class Callee:
    """Somebody's f(params, x, y) or f(params, x, y, h0=[...]), wrapped.

    f runs in a thread of its own, so that one that never returns is left behind. That cannot be done to C code which
    keeps the interpreter's lock to itself; against such, and against crashes, f must run in a process of its own.

    Parameters
    ----------
    f
        Called with fresh arrays every time.
    time_limit
        Seconds that one call may take; beyond it, all calls together have `RESERVE` times as many.
    precision
        Of the arrays that f is given.
    fresh
        Gives another f, with nothing left behind in it by earlier calls.

    Attributes
    ----------
    overwritten : networks by the name of the argument ("params", "x", "y", "h0") that f changed when asked about them
    remarks : on answers that are not quite in the contract's form
    reached : line of f that its last exception came from; 0 if it did not get so far
    calls, seconds : how often f was called, and the time that was spent in it
    """

    def __init__(
        self,
        f: Function,
        *,
        time_limit: float = TIME_LIMIT,
        precision: str = "float64",
        fresh: Callable[[], Function] | None = None,
    ) -> None:
        for name, given in (("f", f), *([] if fresh is None else [("fresh", fresh)])):
            if not callable(given):
                raise TypeError(
                    f"{name}: expected a function, but got {what(given)}; give f itself, without calling it"
                )
        self._f = self._first = f
        self._fresh = fresh
        self._is_stale = False
        self._time_limit = time_limit
        self._reserve = RESERVE * time_limit
        self._precision = precision
        self._context = contextvars.copy_context()  # numpy.errstate, for instance, is the caller's
        self._worker: _Worker | None = None
        self.overwritten: dict[str, list[str]] = {}
        self.remarks: dict[str, None] = {}
        self.reached = 0
        self.calls = 0
        self.seconds = 0.0

    def call(self, probe: Probe, conventions: Conventions) -> Answer | Failure:
        """What f says about one network, or why it does not say it.

        Parameters
        ----------
        probe
            As `Probe.reduced` gives it for these conventions.
        conventions
            The form in which f is asked.
        """
        if self._worker is None:
            self._worker = _Worker.take()
        given, pristine = (arguments(probe, conventions, self._precision, is_own=own) for own in (True, False))
        keywords = {} if given.h0 is None else {"h0": given.h0}

        def ask() -> Answer | Failure:
            self.calls += 1
            start = perf_counter()
            try:
                if self._is_stale and self._fresh is not None:
                    self._f, self._is_stale = self._fresh(), False
                returned = self._f(given.params, given.x, given.y, **keywords)
            except TimeUp:
                raise
            except Refusal as refusal:  # of a door that already knows
                return Failure(refusal.slug, refusal.message, refusal.detail)
            except BaseException as error:  # SystemExit too: to leave the interpreter is no answer
                return self._exception(error)
            finally:
                self.seconds += perf_counter() - start
            try:
                found, remarks = answer(returned, probe, conventions)
            except UnfitError as unfit:
                return unfit.failure
            except Exception as error:  # an object that cannot even be looked at
                return Failure("structure", f"what was returned cannot be read: {_last_line(error)}")
            self.remarks |= dict.fromkeys(remarks)
            return found

        allowed, start = self._time_limit + self._reserve, perf_counter()
        try:
            outcome: Answer | Failure | None = self._worker.run(lambda: self._context.copy().run(ask), allowed)
        except BaseException:  # Ctrl-C
            self.close()
            raise
        self._reserve = min(self._reserve, max(0.0, allowed - (perf_counter() - start)))
        if outcome is None:
            self.close()
            return Failure("time-limit", f"{allowed:.3g} s have passed")
        for name in changed(given, pristine):
            self.overwritten.setdefault(name, []).append(probe.name)
        return outcome

    @property
    def can_renew(self) -> bool:
        """Whether a fresh f can be had."""
        return self._fresh is not None

    def renew(self) -> None:
        """Call a fresh f from now on, if there is one."""
        self._is_stale = True

    def accepts_h0(self) -> bool | None:
        """Whether f has an argument h0; None if it takes any keyword, or cannot be asked."""
        try:
            parameters = inspect.signature(self._first).parameters
        except (TypeError, ValueError):
            return None
        if "h0" in parameters:
            return True
        return None if any(p.kind is p.VAR_KEYWORD for p in parameters.values()) else False

    def close(self) -> None:
        """Give the thread back; if f still runs in it, stop f where it can be stopped."""
        if self._worker is not None:
            self._worker.release()
            self._worker = None

    def _exception(self, error: BaseException) -> Failure:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        self.reached = trace.tb_lineno if trace is not None else 0
        traceback.clear_frames(trace)  # what f holds is not kept for a text that is seldom read
        return Failure("exception", _last_line(error), lambda: _traceback(error, trace))


class _Worker:
    """A daemon thread that runs one thing after the other, and then waits for more: it never ends.

    What libraries keep for a thread, they clear away when it ends, and want the interpreter's lock for it: if the
    interpreter ends at the same time, the process aborts. To join the thread is not enough, because it is joined before
    that. So the thread of a check that is over waits for the next check.
    """

    _idle: ClassVar[list[_Worker]] = []

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        self._outcome: queue.SimpleQueue[Any] | None = None
        self._thread = threading.Thread(target=self._serve, name="bptt-oracle", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls) -> _Worker:
        """One that has nothing to do."""
        while cls._idle:
            try:
                worker = cls._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if worker._thread.is_alive():  # not so in the child of a fork
                return worker
        return cls()

    def run(self, task: Callable[[], Any], seconds: float) -> Any:
        """What the task returns, never None; None if it does not return in time."""
        self._outcome = queue.SimpleQueue()
        self._tasks.put((task, self._outcome))
        try:
            result, error = self._outcome.get(timeout=seconds)
        except queue.Empty:
            return None
        self._outcome = None
        if error is not None:
            raise error
        return result

    def release(self) -> None:
        """Let others use it. Python code that still runs in it gets `TimeUp`; C code is left alone, thread and all."""
        if self._outcome is None or self._is_stopped(self._outcome):
            self._outcome = None
            self._idle.append(self)

    def _is_stopped(self, outcome: queue.SimpleQueue[Any]) -> bool:
        for _ in range(4):
            self._raise(ctypes.py_object(TimeUp))
            try:
                outcome.get(timeout=_GRACE)
            except queue.Empty:
                continue
            self._raise(None)  # what was not raised yet never is
            return True
        return False

    def _raise(self, error: Any) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident or 0), error)

    def _serve(self) -> None:
        while True:
            outcome = None
            try:
                task, outcome = self._tasks.get()
                outcome.put((task(), None))
            except BaseException as error:  # not of f: that is an outcome. `TimeUp` comes at any place
                if outcome is not None:
                    outcome.put((None, error))


def _last_line(error: BaseException) -> str:
    lines = traceback.format_exception_only(error)
    return clipped(" ".join("".join(lines[-1:]).split()), 300)


def _traceback(error: BaseException, trace: TracebackType | None) -> str:
    told = traceback.TracebackException(type(error), error, trace, limit=-_FRAMES, compact=True)
    return clipped("".join(told.format()).rstrip(), _LONGEST)
