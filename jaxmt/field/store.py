"""Arrays of a run on disk: the line, its stations, and the section set beside."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_path
from ..io import Results, read_results, write_results
from ..io.dataset import DAMAGE
from ..processing.site import Site
from ..simulation.mesh import Mesh
from .folder import LINE, SITES, USABLE, Folder, summary_of
from .line import Line, found_strike
from .run_file import NAME, RunFile
from .settings import Reference

SCALARS = (
    "name",
    "latitude",
    "longitude",
    "elevation",
    "easting",
    "northing",
    "declination",
    "rating",
    "folder",
)
ARRAYS = ("frequencies", "z", "z_error", "tipper", "tipper_error", "azimuth")
TEXTS = ("notes", "routine")
COVARIANCES = ("z_covariance", "tipper_covariance")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises `ValueError`, with the name of the file, whatever it is that one cut short raises."""
    try:
        yield
    except DAMAGE as error:
        text = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is damaged, copy it again: {text or type(error).__name__}.") from error


def folders_of_lines(path: Path, whole: str) -> list[Path]:
    """The folders of results of the lines of a run of all lines.

    - `whole`: the identity of that run; folders of another run are passed over.
    """
    found = []
    for place in sorted(path.iterdir()):
        if summary_of(place) is not None:
            told = RunFile.read(place / NAME) if (place / NAME).is_file() else None
            # Runs of older versions do not say.
            if told is None or told.of in ("", whole):
                found.append(place)
    return found


def read_line(folder: Folder) -> Line:
    """The line of a folder of results."""
    path = folder.path / LINE
    if not path.is_file():
        raise ValueError(f"{folder.path} is not whole: {LINE} is missing.")
    stored = read_results(path)
    about = stored.attributes
    sites, distances = (), np.zeros(0)
    if (folder.path / SITES).is_file():
        sites, distances = read_sites(folder.path / SITES)
    return Line(
        about["name"],
        stored.data,
        stored.journal,
        sites,
        distances,
        float(about["strike"]),
        found_strike(sites) if sites else None,
        int(about["asked"]),
        *(tuple(map(_frozen, json.loads(about[name]))) for name in ("facts", "cite")),
        usable=read_results(folder.path / USABLE).data if (folder.path / USABLE).is_file() else None,
        direction=json.loads(about.get("direction", "null")),
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def write_line(folder: Folder, line: Line) -> None:
    """The line with its stations as measured, exactly."""
    about = {"run": folder.identity, "name": line.name, "strike": repr(float(line.strike))}
    texts = {name: json.dumps(getattr(line, name)) for name in ("facts", "cite", "direction")}
    attributes = {**about, **texts, "asked": str(line.asked)}
    write_results(folder.path / LINE, Results(line.data, journal=line.journal, attributes=attributes))
    if line.usable is not None:
        write_results(folder.path / USABLE, Results(line.usable, attributes=about))
    if line.sites:
        write_sites(folder.path / SITES, line)


def write_sites(path: Path, line: Line) -> None:
    """The stations of a line as measured, exactly."""
    arrays: dict[str, np.ndarray] = {"distances": np.asarray(line.distances)}
    for k, site in enumerate(line.sites):
        for name in (*SCALARS, *ARRAYS, *COVARIANCES, *TEXTS):
            value = getattr(site, name)
            if value is not None:
                arrays[f"{k}.{name}"] = np.array(value)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        entries: dict[str, Any] = arrays
        np.savez_compressed(file, **entries)


def read_sites(path: Path) -> tuple[tuple[Site, ...], np.ndarray]:
    """What `write_sites` wrote. Raises `ValueError` if it is damaged."""
    with reading(path), path.open("rb") as content, np.load(content) as file:
        return _sites(dict(file))


def _sites(arrays: dict[str, np.ndarray]) -> tuple[tuple[Site, ...], np.ndarray]:
    sites = []
    while f"{len(sites)}.name" in arrays:
        k = len(sites)
        fields: dict[str, Any] = {
            name: arrays[f"{k}.{name}"].item() for name in SCALARS if f"{k}.{name}" in arrays
        }
        fields |= {name: arrays[f"{k}.{name}"] for name in ARRAYS}
        fields |= {name: arrays[f"{k}.{name}"] for name in COVARIANCES if f"{k}.{name}" in arrays}
        fields |= {name: tuple(map(str, arrays.get(f"{k}.{name}", ()))) for name in TEXTS}
        sites.append(Site(**fields))
    return tuple(sites), arrays["distances"]


def write_reference(path: Path, reference: Reference) -> None:
    """Another code's section."""
    mesh = reference.mesh
    nodes = {name: getattr(mesh, name) for name in ("y_nodes", "z_nodes", "surface")}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, title=reference.title, resistivity=reference.resistivity, **nodes)


def read_reference(path: Path) -> Reference:
    """What `write_reference` wrote. Raises `ValueError` if it is damaged."""
    with reading(path), path.open("rb") as content, np.load(content) as file:
        mesh = Mesh(file["y_nodes"], file["z_nodes"], file["surface"])
        return Reference(str(file["title"]), mesh, file["resistivity"])
