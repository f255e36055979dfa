"""What is made within a folder until it is whole, and then takes the place of what was there.

The list of what moves is written first: whoever opens the folder next ends a move that was cut short.
"""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..io import write_summary
from ..lock import is_held

UNFINISHED, REDRAWN, MOVING = ".unfinished", ".redrawn", "moving.json"
"""Where a run that replaces an earlier one is made, where a report is drawn again, and the list."""


def emptied(place: Path) -> Path:
    """A folder with nothing in it."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    return place


def link(file: Path, target: Path) -> None:
    """The same file at another place; a copy where a file system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


def move(made: Path, path: Path, old: Iterable[Path], last: str) -> None:
    """Moves all files of a folder within to `path`, and removes those of `old` that none of them replaces.

    - `last`: the file that moves last: until then the earlier run is the one that names itself.
    """
    files = [str(file.relative_to(made)) for file in made.rglob("*") if file.is_file()]
    new = sorted(files, key=lambda name: name == last)
    write_summary(made / MOVING, {"old": [str(file.relative_to(path)) for file in old], "new": new})
    end_move(path)


def discard(made: Path) -> None:
    """Removes a folder within that came to nothing; one whose move has begun stays."""
    if not (made / MOVING).is_file():
        shutil.rmtree(made, ignore_errors=True)


def end_move(path: Path) -> None:
    """Ends the moves to a folder that were begun; any number of times."""
    for made in (path / UNFINISHED, path / REDRAWN):
        moving = _listed(made / MOVING)
        # Whoever began to move is moving.
        if moving is None or is_held(path):
            continue
        for name in moving["new"]:
            if (made / name).is_file():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(made / name, path / name)
        for name in set(moving["old"]) - set(moving["new"]):
            (path / name).unlink(missing_ok=True)
        for place in {(path / name).parent for name in moving["old"]} - {path}:
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
        shutil.rmtree(made)


def _listed(path: Path) -> dict[str, list[str]] | None:
    """What moves; None where nothing does. Raises `ValueError` for a list that leads out of the folder."""
    try:
        moving = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        # It was cut short where a rename is not atomic, and nothing has moved.
        return None
    lists = [moving.get(key) for key in ("old", "new")] if isinstance(moving, dict) else [None]
    if not all(isinstance(names, list) and all(map(_is_inside, names)) for names in lists):
        raise ValueError(
            f"{path} lists files that are not of this folder, and no jaxmt wrote it: remove it."
        )
    return moving


def _is_inside(name: object) -> bool:
    return isinstance(name, str) and not Path(name).is_absolute() and ".." not in Path(name).parts
