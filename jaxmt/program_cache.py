"""Compiled programs that are kept on disk from run to run, so that only the first run waits for them.

JAX does the keeping, in its persistent compilation cache; here it gets a folder of the user's and a bound.
A program can be kept unless it is bound to the process that compiled it, as by JAX's callbacks: solvers on
the host are called by name (`simulation/solvers/host_call.py`), so that no inversion but by graph-space
transport is. A program is found again by its text, by the versions of JAX and XLA, and by the folder, which
is one for each kind of processor.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import sys
import uuid
import warnings
import zlib
from pathlib import Path

import jax

from .atomic import FilePath

MOST_BYTES = 1_000_000_000
"""Size of the folder at which the programs that were used the longest ago are removed."""

LEAST_FREE = 200_000_000
"""Bytes that must be free on the disk: less than that is the user's."""


def keep_programs(folder: FilePath | None = None) -> Path:
    """Keeps compiled programs in a folder, for this process from now on, and returns the folder.

    - `folder`: made if it is not there; by default one for jaxmt in the user's folder of caches. A folder
      that JAX knows already, from `JAX_COMPILATION_CACHE_DIR` say, takes its place, and has no bound.

    The folder holds at most 1 GB when a process begins: what was used the longest ago goes first. It may be
    removed at any time. What is in it is run: it must be the user's own, and writable by nobody else.
    Raises `OSError` where it is not, where it cannot be made or written, or where the disk has less than
    200 MB free; JAX then keeps nothing.
    """
    known = jax.config.values.get("jax_compilation_cache_dir")
    try:
        place = _known_folder(known) if known else _own_folder(folder)
    except OSError:
        # It would say so of each program.
        jax.config.update("jax_compilation_cache_dir", None)
        raise
    # JAX says it of each program, and compiles what it cannot read.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")
    # Small programs, too: they are many.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if not known:
        jax.config.update("jax_compilation_cache_dir", str(place))
    return place


def _known_folder(known: str) -> Path:
    """The folder that JAX was told, which may be on no disk but in a cloud."""
    place = Path(known)
    if "://" not in known:
        place.mkdir(parents=True, exist_ok=True)
        _check(place)
    return place


def _own_folder(folder: FilePath | None) -> Path:
    """A folder of the user's with room in it."""
    try:
        place = (default_folder() if folder is None else Path(folder)).expanduser() / _processor()
    except RuntimeError as error:
        raise OSError(f"there is no home folder ({error})") from error
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = place.stat()
    if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
        why = "belongs to another user" if state.st_uid != os.getuid() else "may be written by others"
        raise OSError(f"{place} {why}, and what is in it would be run; chmod go-w or choose another folder")
    _check(place)
    _make_room(place, MOST_BYTES)
    return place


def _check(place: Path) -> None:
    """Removes what was cut short. Raises `OSError` for a folder that cannot be written or has no room."""
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE:
        raise OSError(f"{place} has {free / 1e6:.0f} MB free; {LEAST_FREE / 1e6:.0f} are wanted")
    probe = place / f".{uuid.uuid4().hex}.part"
    try:
        probe.write_bytes(b"")
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    _sweep(place)


def default_folder() -> Path:
    """The folder for jaxmt among the user's caches, where this system has them."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local") / "jaxmt" / "cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/jaxmt")
    # As its specification has it, a path that is relative counts as none.
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given if os.path.isabs(given) else "~/.cache") / "jaxmt"


def _processor() -> str:
    """Processors of one name run each other's programs: a home folder may be shared by several kinds."""
    about = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        about += [line for line in lines if line.startswith(("model name", "flags", "Features"))][:2]
    return f"{platform.machine() or 'machine'}-{hashlib.sha256(''.join(about).encode()).hexdigest()[:12]}"


def _sweep(folder: Path) -> None:
    """Removes programs that were cut short by a kill or a full disk: JAX would never write them again.

    Looks at those that came since the last time, of which `.swept` is the mark.
    """
    mark = folder / ".swept"
    last = mark.stat().st_mtime if mark.exists() else 0.0
    mark.touch()
    for file in folder.glob("*-cache"):
        # Another process may remove it first.
        with contextlib.suppress(OSError):
            if file.stat().st_mtime >= last and not _is_whole(file):
                file.unlink()


def _is_whole(file: Path) -> bool:
    """Whether a file has its end, if it is compressed by zlib, as by JAX where there is no `zstandard`."""
    content = file.read_bytes()
    if not content.startswith(b"x"):
        return len(content) > 0
    unpacked = zlib.decompressobj()
    try:
        unpacked.decompress(content)
    except zlib.error:
        return False
    return unpacked.eof


def _make_room(folder: Path, most: int) -> None:
    """Removes the files that were used the longest ago until the folder holds three quarters of `most`."""
    found = []
    for file in folder.iterdir():
        # Another process may be making room, too.
        with contextlib.suppress(OSError):
            state = file.stat()
            found.append((max(state.st_atime, state.st_mtime), state.st_size, file))
    total = sum(size for _, size, _ in found)
    if total <= most:
        return
    for _, size, file in sorted(found, key=lambda one: one[0]):
        if total <= 0.75 * most:
            break
        with contextlib.suppress(OSError):
            file.unlink()
            total -= size
