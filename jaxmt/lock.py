"""One run, or one batch of tasks, at a time in a folder: a file that names the process that writes there.

The lock of a process that died is known by its number and the time at which it started, on the same host;
that of another host is believed.
"""

import contextlib
import datetime
import errno
import json
import os
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .atomic import naming, sweep

LOCK = ".lock"
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""What a system says of a folder in which nobody, or not this user, may write."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder, made if need be, and sweeps what killed runs left half written.

    Raises `FileExistsError`, with the process that holds it, where another does, and `PermissionError`
    where nothing can be written.
    """
    made = not folder.exists()
    path, mine, held = folder / LOCK, _mine(), False
    try:
        _take(path, mine)
        held = True
        for place in (folder, *folder.glob("*/"), *folder.glob(".unfinished/*/")):
            # Another process may hold a folder within.
            if place == folder or not (place / LOCK).exists():
                sweep(place)
        yield
    finally:
        if held and _read(path) == mine:
            path.unlink(missing_ok=True)
        if made:
            # Where it came to nothing.
            with contextlib.suppress(OSError):
                folder.rmdir()


def _take(path: Path, mine: dict[str, Any]) -> None:
    """Makes a lock, and its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _written(path, mine):
            _remove_dead(path)
    except OSError as error:
        if error.errno not in CLOSED:
            raise
        closed = f"nothing can be written to {path.parent}. Give another folder."
        raise PermissionError(closed) from error


def is_held(folder: Path) -> bool:
    """Whether another process, which may live, holds a folder."""
    holder = _read(folder / LOCK)
    if holder is None or (holder["pid"], holder["host"]) == (os.getpid(), socket.gethostname()):
        return False
    return not _is_dead(holder)


def _mine() -> dict[str, Any]:
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    pid = os.getpid()
    return {"pid": pid, "host": socket.gethostname(), "began": _began(pid), "since": now}


def _began(pid: int) -> str:
    """When a process started, in a unit of the system's; "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name of the program, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        state, ticks = fields.split()[0], fields.split()[19]
    except (OSError, IndexError):
        return ""
    # A zombie holds nothing any more.
    return f"{boot} {'over' if state == 'Z' else ticks}"


def _written(path: Path, content: dict[str, Any]) -> bool:
    """Makes the file with its content at once; False where there is one."""
    # What a kill leaves of it is swept with the rest.
    temporary = path.with_name(f".{LOCK}.{uuid.uuid4().hex}.part")
    text = json.dumps(content) + "\n"
    try:
        with naming(path, temporary):
            temporary.write_text(text, encoding="utf-8")
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            except OSError:
                # A file system without links.
                return _written_slowly(path, text)
        return True
    finally:
        # A read-only file system has an error of its own for what is not there.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _written_slowly(path: Path, text: str) -> bool:
    """The same, where others may see the file before its content."""
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(text)
    except OSError:
        # An empty lock would name nobody, for ever.
        path.unlink(missing_ok=True)
        raise
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """The process that a lock names; None where it names none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(content, dict) and isinstance(content.get("pid"), int)
    return content if known and {"host", "began", "since"} <= content.keys() else None


def _remove_dead(path: Path) -> None:
    """Removes the lock of a process that died. Raises `FileExistsError` for one that may live."""
    holder = _read(path)
    if holder is None and not path.exists():
        return
    if holder is None or not _is_dead(holder):
        who = "a process that it does not name"
        if holder is not None:
            who = f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
        raise FileExistsError(
            f"{path.parent} is in use by {who}. Wait for it, give another folder, or remove {path} if no "
            "such process runs."
        )
    # Whoever removes a lock must not remove the next one's: it is moved first, and looked at again.
    aside = path.with_name(f"{LOCK}.{uuid.uuid4().hex}.old")
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, aside)
        if _read(aside) != holder:
            with contextlib.suppress(OSError):
                os.link(aside, path)
        aside.unlink()


def _is_dead(holder: dict[str, Any]) -> bool:
    """Whether a process ran on this host and does not any more."""
    if holder["host"] != socket.gethostname() or sys.platform == "win32":
        return False
    began = _began(holder["pid"])
    # Where processes of others are hidden, as by `hidepid`, only whether there is one is known.
    if holder["began"] and began:
        return holder["began"] != began
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
