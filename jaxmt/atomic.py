"""Files that appear whole or not at all."""

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

FilePath = str | os.PathLike[str]

_PART = re.compile(r"\.(.+)\.[0-9a-f]{32}\.part")
"""The name of a temporary file, and of what it was to become."""


@contextlib.contextmanager
def atomic_path(path: FilePath) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`, renamed to `path` if the block succeeds.

    If the block raises, the temporary file is removed and whatever was at `path` stays. An `OSError`, as of
    a full disk, names the file that it was to become.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with naming(target, temporary):
            yield temporary
            os.replace(temporary, target)
    finally:
        # A file system that turned read-only has an error of its own for what is not there.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: Path, temporary: Path) -> Iterator[None]:
    """An `OSError` of the block that names no file, as of a full disk, or a temporary one names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)) and error.filename2 is None:
            error.filename = str(path)
        raise


def sweep(folder: FilePath, name: str | None = None) -> None:
    """Removes the temporary files that processes left in a folder when they were killed.

    - `name`: only those that were to become this file.

    No process may be writing there. What cannot be removed stays.
    """
    with contextlib.suppress(OSError):
        for file in list(Path(folder).iterdir()):
            found = _PART.fullmatch(file.name)
            if found is not None and name in (None, found[1]):
                file.unlink()
