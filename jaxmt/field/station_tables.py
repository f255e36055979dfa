"""Tables of a line with a row for each station: where it is and how it fits, and what was done to it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..plot.misfit import residuals, rms
from ..processing.journal import NAMED, Entry
from .fit import Fit
from .line import Line

Row = list[str | float | int | None]


def station_table(line: Line, fits: Sequence[Fit]) -> tuple[list[str], list[Row]]:
    """Head and rows: name, latitude, longitude, elevation, y, data, kept or why not, nRMS by each misfit.

    Stations that were left out come last. What no station has, such as places where the data came along a
    profile already, has no column.
    """
    survey, mask = line.data.survey, line.data.mask
    found = [rms(residuals("station_table", f.result.data, f.result.predicted), (0, 1)) for f in fits]
    rows: list[Row] = []
    matched = line.matched
    for k in map(int, np.argsort(survey.stations, kind="stable")):
        row: Row = [survey.names[k], *_place(line, matched[k]), f"{survey.stations[k] / 1e3:.2f}"]
        rows.append([*row, int(mask[:, :, k].sum()), "yes", *(float(nrms[k]) for nrms in found)])
    for name, step, why, k in left_out(line):
        y = np.nan if k is None else line.distances[k]
        row = [name, *_place(line, k), f"{y / 1e3:.2f}" if np.isfinite(y) else None]
        reason = ", ".join(part for part in (step, why) if part)
        rows.append([*row, 0, f"no: {reason}", *(None for _ in fits)])
    head = ["Station", "Latitude (\N{DEGREE SIGN})", "Longitude (\N{DEGREE SIGN})", "Elevation (m)"]
    head += [
        "y (km)",
        "data",
        "kept",
        *(["nRMS"] if len(fits) == 1 else [f"nRMS, {f.label}" for f in fits]),
    ]
    there = [k for k in range(len(head)) if not 0 < k < 4 or any(row[k] is not None for row in rows)]
    return [head[k] for k in there], [[row[k] for k in there] for row in rows]


def _place(line: Line, index: int | None) -> list[str | None]:
    """Latitude, longitude and elevation of a site as text, None where unknown."""
    if index is None:
        return [None, None, None]
    site = line.sites[index]
    values = ((site.latitude, 5), (site.longitude, 5), (site.elevation, 0))
    return [f"{value:.{digits}f}" if np.isfinite(value) else None for value, digits in values]


def left_out(line: Line) -> list[tuple[str, str, str, int | None]]:
    """Name, step, reason and index among the sites of each station that is not inverted.

    The index is None for one that is not among the sites. Of stations of one name each has a row.
    """
    inverted, names = set(line.matched), set(line.data.survey.names)
    free: dict[str, list[int]] = {}
    for k, site in enumerate(line.sites):
        if k not in inverted:
            free.setdefault(site.name, []).append(k)
    found: list[tuple[str, str, str, int | None]] = []
    for entry in line.journal:
        name, same = entry.subject, free.get(entry.subject, [])
        if entry.text.startswith("left out") and (same or name not in {*names, *(row[0] for row in found)}):
            text = entry.text.removeprefix("left out").lstrip(":, ")
            found.append((name, entry.step.removeprefix("station "), text, same.pop(0) if same else None))
    return found + [(name, "", "no datum is left", k) for name, rest in free.items() for k in rest]


def processing_table(line: Line) -> tuple[list[str], list[Row]]:
    """Head and rows: station, data inverted, data removed and doubtful ones kept, and by which steps.

    Only stations that a step treats apart from most others have a row.
    """
    # Stations of one name share the entries of the journal, and a row.
    counts = Counter[str]()
    for name, count in zip(line.data.survey.names, line.data.mask.sum(axis=(0, 1)).tolist(), strict=True):
        counts[name] += count
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
