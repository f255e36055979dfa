"""How much memory a process has used, and how much it may use."""

import math
import resource
import sys
from pathlib import Path

PROCESS, MACHINE = Path("/proc/self/status"), Path("/proc/meminfo")


def peak() -> float:
    """The largest resident memory of this process so far, MiB.

    On Linux a program inherits `ru_maxrss` from the one that started it; `VmHWM` is its own.
    """
    if PROCESS.exists():
        return _kibibytes(PROCESS, "VmHWM") / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def available() -> float:
    """Memory of the machine that is free now, MiB; infinite where it is not known."""
    return _kibibytes(MACHINE, "MemAvailable") / 1024 if MACHINE.exists() else math.inf


def limit(mebibytes: float) -> None:
    """Lets this process fail when it asks for more, rather than the machine."""
    size = int(mebibytes * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _kibibytes(path: Path, name: str) -> int:
    return next(int(row.split()[1]) for row in path.read_text().splitlines() if row.startswith(name))
