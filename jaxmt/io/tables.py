"""Transfer functions, data and sections as CSV tables, a line for each of them, for any other program."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..conventions import COMPONENTS
from ..data import Data
from ..processing.georeference import Georeference
from ..processing.site import Site
from ..simulation.mesh import Mesh
from .names import one_line

ELEMENTS = {"z_xx": (0, 0), "z_xy": (0, 1), "z_yx": (1, 0), "z_yy": (1, 1)}
TIPPERS = {"t_x": 0, "t_y": 1}


def write_sites_csv(path: FilePath, sites: Sequence[Site]) -> None:
    r"""A row for each station and frequency: place, then each element with its error.

    Degrees, m, Hz, ohm ($e^{+i\omega t}$, axes as `azimuth_deg` says); an error is the standard deviation
    of the real and of the imaginary part each; what is missing is nan.
    """
    place = ("latitude", "longitude", "elevation")
    head = ["station", "latitude_deg", "longitude_deg", "elevation_m", "frequency_hz", "azimuth_deg"]
    for name in (*ELEMENTS, *TIPPERS):
        unit = "_ohm" if name in ELEMENTS else ""
        head += [f"{name}_real{unit}", f"{name}_imag{unit}", f"{name}_error{unit}"]
    rows = []
    for site in sites:
        where = [one_line(site.name), *(float(getattr(site, name)) for name in place)]
        for i, frequency in enumerate(site.frequencies):
            values = [(site.z[i][at], site.z_error[i][at]) for at in ELEMENTS.values()]
            values += [(site.tipper[i, at], site.tipper_error[i, at]) for at in TIPPERS.values()]
            numbers = [part for v, e in values for part in (float(v.real), float(v.imag), float(e))]
            rows.append([*where, float(frequency), float(site.azimuth[i]), *numbers])
    _write(path, head, rows)


def write_data_csv(
    path: FilePath,
    data: Data,
    predicted: Float[np.ndarray, "comp freq site"] | None = None,
    place: Georeference | None = None,
) -> None:
    """A row for each datum: station, y (m), frequency (Hz), component, value and error in its own unit.

    - `predicted`: of a model, in a column more. `place`: latitude and longitude of the stations, in two.
    """
    survey = data.survey
    head = ["station", "y_m", "frequency_hz", "component", "value", "error"]
    head += [] if predicted is None else ["predicted"]
    head += [] if place is None else ["latitude_deg", "longitude_deg"]
    rows = []
    for c, f, s in np.argwhere(data.mask).tolist():
        numbers = [data.values[c, f, s], data.errors[c, f, s]]
        numbers += [] if predicted is None else [predicted[c, f, s]]
        numbers += [] if place is None else [place.latitude[s], place.longitude[s]]
        where = [one_line(survey.names[s]), float(survey.stations[s]), float(survey.frequencies[f])]
        rows.append([*where, COMPONENTS[c], *map(float, numbers)])
    _write(path, head, rows)


def write_section_csv(
    path: FilePath,
    mesh: Mesh,
    resistivity: Float[np.ndarray, "earth y"],
    place: Georeference | None = None,
) -> None:
    """A row for each earth cell: centre and size (m), resistivity (ohm m).

    - `place`: where the profile lies; latitude and longitude (degrees), easting and northing (m, in the
      grid that `place.grid` names) of the centre are then five columns more, the last the EPSG number of
      the grid.
    """
    head = ["y_m", "z_m", "width_m", "height_m", "resistivity_ohm_m"]
    where, grid = np.zeros((mesh.n_y, 0)), []
    if place is not None:
        head += ["latitude_deg", "longitude_deg", "easting_m", "northing_m", "epsg"]
        (north, east), y = place.metres(mesh.y_centres), mesh.y_centres
        where, grid = np.stack([*place.degrees(y), east, north], axis=1), [place.epsg]
    rows = [
        [*(float(v) for v in (y, z, width, height, resistivity[i, j], *where[j])), *grid]
        for i, (z, height) in enumerate(zip(mesh.z_centres, mesh.dz, strict=True))
        for j, (y, width) in enumerate(zip(mesh.y_centres, mesh.dy, strict=True))
        if not mesh.air[i, j]
    ]
    _write(path, head, rows)


def _write(path: FilePath, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes the file, whole or not at all; numbers are exact."""
    with atomic_path(Path(path)) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
