"""What a command is doing, for whoever waits."""

import contextlib
import time
from collections.abc import Iterator


@contextlib.contextmanager
def step(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Says on one line what is being done before it begins, and how long it took when it ends."""
    if quiet:
        yield
        return
    begin, ended = time.perf_counter(), ""
    print(f"{what} ...", end="", flush=True)
    try:
        yield
        ended = f" {time.perf_counter() - begin:.1f} s"
    finally:
        print(ended, flush=True)
