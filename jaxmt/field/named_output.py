"""What several processes say on one terminal, each line behind the name of who says it."""

import contextlib
import io
import sys
import threading
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm


class NamedLines(io.StringIO):
    """Writes lines behind a name, each at once; a bar, which is drawn again and again, is left out."""

    def __init__(self, name: str, target: Any) -> None:
        super().__init__()
        self._name, self._target, self._begun = name, target, ""

    def write(self, text: str, /) -> int:
        """Keeps what is no whole line yet."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip() and "\r" not in line:
                self._target.write(f"{self._name}: {line}\n")
        return len(text)

    def flush(self) -> None:
        """Flushes what was written of whole lines."""
        self._target.flush()


@contextlib.contextmanager
def named_output(name: str) -> Iterator[None]:
    """Everything that is printed within stands behind a name."""
    # The lock that tqdm would make is one of the system, which outlives a process that is killed.
    tqdm.set_lock(threading.RLock())
    with (
        contextlib.redirect_stdout(NamedLines(name, sys.stdout)),
        contextlib.redirect_stderr(NamedLines(name, sys.stderr)),
    ):
        yield
