"""Tables of a line with a row for each station: where it is and how it fits, and what was done to it."""

from collections.abc import Sequence

import numpy as np

from ..plot.misfit import residuals, rms
from ..processing.journal import NAMED, Entry
from ..processing.site import Site
from .fit import Fit
from .line import Line

Row = list[str | float | int | None]


def station_table(line: Line, fits: Sequence[Fit]) -> tuple[list[str], list[Row]]:
    """Head and rows: name, latitude, longitude, elevation, y, data, kept or why not, nRMS by each misfit.

    Stations that were left out come last. What no station has, such as places where the data came along a
    profile already, has no column.
    """
    survey, mask = line.data.survey, line.data.mask
    sites = {site.name: site for site in line.sites}
    found = [rms(residuals("station_table", f.result.data, f.result.predicted), (0, 1)) for f in fits]
    rows: list[Row] = []
    for k in map(int, np.argsort(survey.stations, kind="stable")):
        name = survey.names[k]
        row: Row = [name, *_place(sites.get(name)), f"{survey.stations[k] / 1e3:.2f}"]
        rows.append([*row, int(mask[:, :, k].sum()), "yes", *(float(nrms[k]) for nrms in found)])
    distances = dict(zip((site.name for site in line.sites), line.distances, strict=False))
    for name, why in _left_out(line).items():
        y = distances.get(name, np.nan)
        row = [name, *_place(sites.get(name)), f"{y / 1e3:.2f}" if np.isfinite(y) else None]
        rows.append([*row, 0, f"no: {why}", *(None for _ in fits)])
    head = ["Station", "Latitude (\N{DEGREE SIGN})", "Longitude (\N{DEGREE SIGN})", "Elevation (m)"]
    head += [
        "y (km)",
        "data",
        "kept",
        *(["nRMS"] if len(fits) == 1 else [f"nRMS, {f.label}" for f in fits]),
    ]
    there = [k for k in range(len(head)) if not 0 < k < 4 or any(row[k] is not None for row in rows)]
    return [head[k] for k in there], [[row[k] for k in there] for row in rows]


def _place(site: Site | None) -> list[str | None]:
    """Latitude, longitude and elevation as text, None where unknown."""
    if site is None:
        return [None, None, None]
    values = ((site.latitude, 5), (site.longitude, 5), (site.elevation, 0))
    return [f"{value:.{digits}f}" if np.isfinite(value) else None for value, digits in values]


def _left_out(line: Line) -> dict[str, str]:
    """Why each station that is not inverted was left out, by its name."""
    names, found = set(line.data.survey.names), {}
    for entry in line.journal:
        if entry.text.startswith("left out") and entry.subject not in names:
            text = entry.text.removeprefix("left out").lstrip(":, ")
            found.setdefault(entry.subject, f"{entry.step.removeprefix('station ')}, {text}".rstrip(", "))
    for site in line.sites:
        if site.name not in names:
            found.setdefault(site.name, "no datum is left")
    return found


def processing_table(line: Line) -> tuple[list[str], list[Row]]:
    """Head and rows: station, data inverted, data removed and doubtful ones kept, and by which steps.

    Only stations that a step treats apart from most others have a row.
    """
    counts = dict(zip(line.data.survey.names, line.data.mask.sum(axis=(0, 1)).tolist(), strict=True))
    known = {*counts, *(site.name for site in line.sites)}
    shared: dict[tuple[str, str], int] = {}
    for entry in line.journal:
        shared[entry.step, entry.text] = shared.get((entry.step, entry.text), 0) + 1
    own: dict[str, list[Entry]] = {}
    for entry in line.journal:
        notable = entry.removed or entry.marked or entry.text.startswith("left out")
        alone = entry.step != "read" and shared[entry.step, entry.text] <= NAMED
        if entry.subject in known and (notable or alone):
            own.setdefault(entry.subject, []).append(entry)
    rows: list[Row] = []
    for name, entries in own.items():
        removed, marked = sum(e.removed for e in entries), sum(e.marked for e in entries)
        rows.append([name, counts.get(name, 0), removed or "", marked or "", _deeds(entries)])
    return ["Station", "data inverted", "removed", "doubtful, kept", "by"], rows


def _deeds(entries: Sequence[Entry]) -> str:
    """The steps of some entries, with what each removed and marked."""
    steps: dict[str, list[int]] = {}
    for entry in entries:
        sums = steps.setdefault(entry.step, [0, 0, 0])
        sums[0] += entry.removed
        sums[1] += entry.marked
        sums[2] += entry.text.startswith("left out")
    texts = []
    for step, (removed, marked, left) in steps.items():
        words = [f"{removed} removed"] * bool(removed) + [f"{marked} doubtful"] * bool(marked)
        words += ["left out"] * bool(left)
        texts.append(f"{step} ({', '.join(words)})" if words else step)
    return ", ".join(texts)
