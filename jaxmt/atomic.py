"""Files that appear whole or not at all."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

FilePath = str | os.PathLike[str]


@contextlib.contextmanager
def atomic_path(path: FilePath) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`, renamed to `path` if the block succeeds.

    If the block raises, the temporary file is removed and whatever was at `path` stays.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
