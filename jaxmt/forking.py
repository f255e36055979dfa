"""A process that was forked from one that computes cannot compute.

The threads of XLA and of the solvers on the host stay behind in the parent, and whatever waits for them
waits for ever. `os.fork` is how `multiprocessing` starts processes on Linux before Python 3.14.
"""

import os
import sys
from typing import Any

_forked = False


def _note() -> None:
    """In the child: whether the parent had threads of XLA."""
    global _forked
    bridge: Any = sys.modules.get("jax._src.xla_bridge")
    # There is no public way to ask that does not start them.
    _forked = _forked or (bridge is not None and bool(bridge._backends))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note)


def refuse_forked() -> None:
    """Raises `RuntimeError` in a process that was forked after JAX began to compute."""
    if _forked:
        raise RuntimeError(
            f"Process {os.getpid()} was forked from one in which JAX had begun to compute, and would hang. "
            'Start processes by "spawn" or "forkserver": multiprocessing.get_context("spawn"), or '
            'ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")).'
        )
