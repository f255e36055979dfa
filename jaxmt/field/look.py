"""What a folder of transfer functions holds, and what each rule would remove."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .. import plot
from ..conventions import OFF_DIAGONAL, RHO
from ..data import Data
from ..io import Reading, read
from ..processing import positions
from ..processing.screening import Rule, title
from ..processing.site import Site
from ..processing.stations import StationRule
from .line import Line, Treatment, counted
from .objects import treatment_of
from .options import RULES, STATION_RULES, complete

WIDTH, HEIGHT = 61, 17
"""Characters of the map: twice as high as wide each."""

ASPECT = 2.0
"""Height over width of a character."""

NOTED = ("strike", "warning", "sign")
"""Steps of a journal that are shown as they are."""

Row = Sequence[str]


def look(path: Path, told: Mapping[str, Any], out: Path | None) -> int:
    """`jaxmt look`: prints table, map and rules; writes nothing but the map to `out`. The exit status."""
    told = complete(told)
    treatment = treatment_of(told)
    reading = read(path, variance=treatment.variance, relative_error=treatment.floor)
    print(table(reading))
    for fault in reading.faults:
        print(f"not read: {fault}")
    for name, data in reading.lines.items():
        print(f"\n{line_table(Path(name).name, data)}")
    drawing = "" if not reading.sites else sketch(reading.sites)
    print(drawing, end="")
    status = 0
    try:
        line = Line.from_reading(path.resolve().stem, reading, treatment)
        print(f"\n{rules(line, treatment)}")
        line.require()
    except ValueError as error:
        line = None
        print(f"\nNothing to invert: {error}")
        status = 1
    if out is not None:
        draw(out, reading, line)
        print(f"The map is {out}")
    return status


def table(reading: Reading) -> str:
    """A row for each station with a tensor: name, place, frequencies, median errors."""
    if not reading.sites:
        return f"{len(reading.lines)} line(s), no station with a whole tensor"
    head = (
        "station",
        "latitude",
        "longitude",
        "elevation m",
        "frequencies Hz",
        "number",
        "Z error",
        "T error",
    )
    rows = [
        (
            site.name,
            _known(site.latitude, "{:.5f}"),
            _known(site.longitude, "{:.5f}"),
            _known(site.elevation, "{:.0f}"),
            _range(site.frequencies),
            str(site.frequencies.size),
            *errors(site),
        )
        for site in reading.sites
    ]
    return f"{len(rows)} station(s)\n{columns(head, rows)}"


def line_table(name: str, data: Data) -> str:
    """A row for each station of data that are along a profile already."""
    survey = data.survey
    head = ("station", "y km", "frequencies Hz", "data", "Z error")
    rows = []
    for k in np.argsort(survey.stations):
        known = data.mask[:, :, k]
        there = survey.frequencies[known.any(axis=0)]
        rho = data.errors[list(RHO), :, k][known[list(RHO)]]
        # The relative error of |Z| is half that of rho.
        relative = _percent(rho * np.log(10) / 2)
        place = f"{survey.stations[k] / 1e3:.3f}"
        rows.append((survey.names[k], place, _range(there), str(int(known.sum())), relative))
    return f"{name}: a line of {len(rows)} station(s)\n{columns(head, rows)}"


def errors(site: Site) -> tuple[str, str]:
    """Median relative error of Zxy and Zyx, and median error of the tipper, of a part each."""
    z = np.abs(site.z[:, *OFF_DIAGONAL])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = site.z_error[:, *OFF_DIAGONAL] / z
    tipper = site.tipper_error[np.isfinite(site.tipper)]
    tipper = tipper[np.isfinite(tipper)]
    return _percent(relative), f"{np.median(tipper):.3f}" if tipper.size else "-"


def _percent(relative: np.ndarray) -> str:
    known = relative[np.isfinite(relative)]
    return f"{100 * np.median(known):.1f} %" if known.size else "-"


def _known(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "-"


def _range(frequencies: np.ndarray) -> str:
    return f"{frequencies.max():.4g} to {frequencies.min():.4g}" if frequencies.size else "-"


def columns(head: Row, rows: Sequence[Row]) -> str:
    """Text in columns, the first to the left, the others to the right."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if k else cell.ljust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    )


def sketch(sites: Sequence[Site]) -> str:
    """A map of the stations in characters, north upward; nothing where fewer than two places are known."""
    place = positions(sites)
    place = place[np.isfinite(place).all(axis=1)]
    if len(place) < 2 or not np.ptp(place, axis=0).any():
        return ""
    low = place.min(axis=0)
    north, east = (place - low).T
    # Metres of a character's width.
    scale = max(east.max() / (WIDTH - 1), north.max() / (ASPECT * (HEIGHT - 1)))
    height = round(north.max() / (ASPECT * scale)) + 1
    grid = np.full((height, WIDTH), " ")
    grid[np.rint(north / (ASPECT * scale)).astype(int), np.rint(east / scale).astype(int)] = "v"
    lines = [f"|{''.join(row).rstrip()}" for row in grid[::-1]]
    size = f"{east.max() / 1e3:.3g} km east by {north.max() / 1e3:.3g} km north"
    return "\n" + "\n".join(["N", *lines, f"+{'-' * WIDTH} E", f" {size}"]) + "\n"


def rules(line: Line, treatment: Treatment) -> str:
    """A line for each rule with what it would remove, after those above it; and what is left."""
    losses, survey = line.journal.losses(), line.data.survey
    steps = {"band": "band"} | {title(rule): name_of(rule) for rule in treatment.rules}
    steps |= {f"station {type(r).__name__.lower()}": name_of(r) for r in treatment.station_rules}
    rows = []
    for step, name in steps.items() if line.sites else ():
        data, stations = losses.get(step, (0, 0))
        whole = step == "band" or step.startswith("station ")
        what = "station(s) left out" if whole else f"data of {stations} station(s)"
        rows.append(f"{name:16}{f'{stations if whole else data} {what}' if stations else 'nothing'}")
    text = "\n".join(rows)
    notes = [f"{e.step}, {e.subject}: {e.text}" for e in line.journal if e.step in NOTED]
    left = (
        f"Left to invert: {survey.stations.size} of {line.asked} station(s), {counted(survey)}, "
        f"{int(line.data.mask.sum())} data"
    )
    return "\n".join([*(["Each rule would remove:", text] if text else []), *notes, left])


def name_of(rule: Rule | StationRule) -> str:
    """The name by which `--skip` leaves a rule out; that of its class for a rule with none."""
    plain = type(rule).__name__.lower()
    names = {name.replace("-", ""): name for name in (*RULES, *STATION_RULES)}
    return names.get(plain, plain)


def draw(path: Path, reading: Reading, line: Line | None) -> None:
    """The stations from above, those left out hollow."""
    if not reading.sites:
        raise ValueError("there is no map of data that came along a profile: they have no coordinates.")
    figure = Figure(figsize=(9, 7), layout="constrained")
    kept = None if line is None else line.data.survey.names
    strike = None if line is None else line.strike
    plot.station_map(figure.add_subplot(), reading.sites, strike=strike, kept=kept)
    plot.save(figure, path)
