"""SIGTERM and SIGHUP end a command as Ctrl-C does: with the best model and a checkpoint on disk."""

import _thread
import _weakrefset
import gc
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

FROM_OUTSIDE = ("_handle", "__eq__", "__hash__", "__del__")
"""Functions that XLA, or the tables of JAX, call from C++: an exception that is not theirs may be lost
there, with a result that was never computed, or end the process. What Python calls when it collects
garbage loses every exception, too."""

WEAK = (weakref.__file__, _weakrefset.__file__)
"""Where Python calls what watches an object that dies, and loses every exception."""

AGAIN = 0.05
"""Seconds after which a signal that came inside of one of these is tried again."""

PATIENCE = 10.0
"""Seconds in which SIGTERM and SIGHUP do not disturb whoever saves: the system asks more than once. One
that comes later counts again, in case the first was lost in the code of others."""

_idle: list[Callable[[], bool]] = []
_received: list[int] = []
_since: list[float] = []


def listen(idle: Callable[[], bool] | None = None) -> None:
    """From now on these signals raise `KeyboardInterrupt`. One that is ignored, as by `nohup`, stays so.

    - `idle`: whether nothing is being done, so that the process shall end without a word: `SystemExit`.
    """
    _idle[:] = [] if idle is None else [idle]
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def forget() -> None:
    """What came to an earlier command of this process counts no more."""
    _received.clear()
    _since.clear()


def status() -> int:
    """The exit status of a command that was interrupted: 128 and the signal."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not threading.main_thread().is_alive():
        # Python tidies up before it ends, and nothing is left to save.
        return
    if _is_from_outside(frame):
        again = threading.Timer(AGAIN, send, [number])
        again.daemon = True
        again.start()
        return
    if number != signal.SIGINT:
        if _since and time.monotonic() - _since[-1] < PATIENCE:
            return
        _since.append(time.monotonic())
        if number != signal.SIGTERM:
            _leave_terminal()
    _received.append(number)
    if any(idle() for idle in _idle):
        raise SystemExit(128 + number)
    raise KeyboardInterrupt


def send(number: int) -> None:
    """A signal to the main thread of this process, which may be waiting."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _is_from_outside(frame: FrameType | None) -> bool:
    collectors = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None:
        code = frame.f_code
        if code.co_name in FROM_OUTSIDE or code in collectors or code.co_filename in WEAK:
            return True
        frame = frame.f_back
    return False


def _leave_terminal() -> None:
    """What is written to a terminal that was closed raises, and there is still something to save."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            os.dup2(nowhere, stream.fileno())
