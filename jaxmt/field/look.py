"""What a folder of transfer functions holds, and what each rule would remove."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..conventions import OFF_DIAGONAL, RHO
from ..data import Data
from ..io import Reading
from ..io.reading import DATA_SUFFIXES, data_folders
from ..processing import RULES, STATION_RULES, UNUSABLE, Journal, Screening, dimensionality, phase_tensor
from ..processing.screening import Rule, title
from ..processing.site import Site
from ..processing.stations import StationRule, station_step
from . import options
from .choice import Choice
from .line import A_DATUM, Line, counted, line_names
from .objects import treatment_of
from .options import ALL, FAILED, Refusal, command, complete
from .survey_map import draw, line_rows, sketch
from .text_table import columns

LEGEND = (
    "Latitude and longitude are in degrees. Medians over the frequencies: Z error, the standard deviation "
    "of a real or imaginary part in percent of the modulus of Zxy and Zyx; T error, that of the tipper, "
    "without a unit; skew, of the phase tensor, degrees. The last numbers are the shares of the tensors "
    "that ask for a 1-D, a 2-D and a 3-D earth."
)
"""What the columns of a table of stations are."""

RATED = 3
"""Ratings of files below it are remarked, of 5."""


def look(path: Path, told: Mapping[str, Any], out: Path | None, *, verbose: bool = False) -> int:
    """`jaxmt look`: prints table, map and rules; writes nothing but the map to `out`. The exit status.

    - `verbose`: whether to print every entry of the journal.
    """
    told = complete(told)
    treatment = treatment_of(told)
    alone = path.is_dir() and not treatment.recursive and not _has_files(path)
    if alone and (folders := data_folders(path)):
        rows = [(name, str(count), command("look", path / name)) for name, count in folders.items()]
        print(f"{path} holds folders of data, and none itself. Look at one of them:")
        print(columns(("folder", "files", ""), rows))
        print(f"or at all of them together: {command('look', path, '--recursive')}")
        return FAILED
    every = told["line"] == ALL
    reading = treatment.read(path)
    if out is not None and not reading.sites:
        raise Refusal("-o: there is no map of data that came along a profile: they have no coordinates.")
    found, choice, impossible = None, None, None
    try:
        if reading.sites:
            found = treatment.find(reading.sites)
            choice = found.taken(None if every else treatment.line)
    except Refusal:
        raise
    except ValueError as error:
        impossible = error
    print(table(reading, choice))
    for fault in reading.faults:
        print(f"not read: {fault}")
    for name, data in reading.lines.items():
        print(f"\n{line_table(Path(name).name, data)}")
    if impossible is not None:
        print(f"{sketch(reading.sites)}\nNothing to invert: {impossible}")
        return FAILED
    if choice is not None:
        print(f"{sketch(reading.sites, choice)}\n{line_rows(choice)}")
    if every and found is not None:
        print(found.in_words())
    status, strike = 0, None
    for name in line_names(reading, found) if every else (treatment.line,):
        each = dataclasses.replace(treatment, line=name)
        print(f"\nLine {name}" if every else "")
        try:
            taken = found.taken(name) if every and found is not None else choice
            line = Line.from_reading(path.resolve().stem, reading, each, taken)
            if not every or (choice is not None and name == choice.line.name):
                strike = line.strike
            print(f"{notes(line.journal, verbose=verbose)}\n\n{rules(line, each.screening)}")
            line.require()
        except Refusal:
            raise
        except ValueError as error:
            print(f"\nNothing to invert: {error}")
            status = FAILED
    if out is not None and choice is not None:
        draw(out, choice, strike)
        print(f"The map is {out}")
    return status


def _has_files(path: Path) -> bool:
    return any(f.is_file() and f.suffix.lower() in DATA_SUFFIXES for f in path.iterdir())


def notes(journal: Journal, *, verbose: bool = False) -> str:
    """The journal, folded unless every entry is asked for; without those of rules and files unless so."""
    if verbose:
        return str(journal)
    told = {"read", *(title(rule) for rule in RULES), *(f"enlarged {title(rule)}" for rule in RULES)}
    told |= {station_step(rule) for rule in (*UNUSABLE, *STATION_RULES)}
    return str(Journal(tuple(e for e in journal if e.step not in told)).folded())


def table(reading: Reading, choice: Choice | None = None) -> str:
    """A row for each station with a tensor: name, place, frequencies, median errors, skew, dimension.

    - `choice`: a line among these stations; it adds a column with the line that each is in, and has the
      places that are used, be they from the files or from a table.
    """
    if not reading.sites:
        return f"{len(reading.lines)} line(s), no station with a whole tensor"
    head = (
        "station",
        *(() if choice is None else ("line",)),
        "latitude",
        "longitude",
        "elevation m",
        "frequencies Hz",
        "number",
        "Z error",
        "T error",
        "skew",
        "1-D/2-D/3-D %",
        "remarks",
    )
    placed = reading.sites if choice is None else choice.survey
    rows = [
        (
            site.name,
            *(() if choice is None else (_lines_of(k, choice),)),
            _known(at.latitude, "{:.5f}"),
            _known(at.longitude, "{:.5f}"),
            _known(at.elevation, "{:.0f}"),
            _range(site.frequencies),
            str(site.frequencies.size),
            *errors(site),
            *dimensions(site),
            remarks(site),
        )
        for k, (site, at) in enumerate(zip(reading.sites, placed, strict=True))
    ]
    return f"{len(rows)} station(s)\n{columns(head, rows)}\n{LEGEND}"


def _lines_of(station: int, choice: Choice) -> str:
    """The names of the lines that a station is in, "-" for none."""
    return ",".join(line.name for line in choice.lines.lines if station in line.stations) or "-"


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
    legend = "Z error: the median standard deviation of the moduli of Zxy and Zyx, in percent of them."
    return f"{name}: a line of {len(rows)} station(s)\n{columns(head, rows)}\n{legend}"


def errors(site: Site) -> tuple[str, str]:
    """Median relative error of Zxy and Zyx, and median error of the tipper, of a part each."""
    z = np.abs(site.z[:, *OFF_DIAGONAL])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = site.z_error[:, *OFF_DIAGONAL] / z
    tipper = site.tipper_error[np.isfinite(site.tipper)]
    tipper = tipper[np.isfinite(tipper)]
    return _percent(relative), f"{np.median(tipper):.3f}" if tipper.size else "-"


def dimensions(site: Site) -> tuple[str, str]:
    """Median modulus of the skew, degrees, and how many percent of the tensors ask for each dimension."""
    tensor = phase_tensor(site)
    skew = np.abs(tensor.beta[np.isfinite(tensor.beta)])
    kind = dimensionality(tensor)
    known = kind[kind > 0]
    if not known.size:
        return "-", "-"
    return f"{np.median(skew):.1f}", "/".join(f"{100 * np.mean(known == d):.0f}" for d in (1, 2, 3))


def remarks(site: Site) -> str:
    """What is missing."""
    z, found = np.isfinite(site.z), []
    if not z.any():
        found.append("tipper alone")
    elif not z[:, [0, 1], [0, 1]].any():
        found.append("no Zxx, Zyy")
    for name, c in (("Zxy", (0, 1)), ("Zyx", (1, 0))):
        if z.any() and not z[:, *c].any():
            found.append(f"no {name}")
    if z.any() and not (site.z_error[z] > 0).any():
        found.append("no errors")
    if np.isfinite(site.rating) and site.rating < RATED:
        found.append(f"rated {site.rating:g}")
    return "; ".join(found) or "-"


def _percent(relative: np.ndarray) -> str:
    known = relative[np.isfinite(relative)]
    return f"{100 * np.median(known):.1f} %" if known.size else "-"


def _known(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "-"


def _range(frequencies: np.ndarray) -> str:
    return f"{frequencies.max():.4g} to {frequencies.min():.4g}" if frequencies.size else "-"


def rules(line: Line, screening: Screening) -> str:
    """A line for each rule with what it removed and what it marked; and what is left."""
    losses, marks, survey = line.journal.losses(), line.journal.marks(), line.data.survey
    data_rules = (*screening.geology, *screening.remove, *screening.doubts, *screening.enlarge)
    station_rules = (*UNUSABLE, *screening.station_doubts, *screening.station_remove)
    steps = {"band": "band"} | {title(rule): name_of(rule) for rule in data_rules}
    steps |= {station_step(rule): name_of(rule) for rule in station_rules}
    rows = []
    for step, name in steps.items() if line.sites else ():
        parts = []
        for (data, stations), deed in (
            (losses.get(step, (0, 0)), "removed"),
            (marks.get(step, (0, 0)), "marked"),
            (marks.get(f"enlarged {step}", (0, 0)), "with larger errors"),
        ):
            if stations:
                whole = step == "band" or step.startswith("station ")
                parts.append(
                    f"{f'{stations}' if whole else f'{data} data of {stations}'} station(s) {deed}"
                )
        if parts:
            rows.append(f"{name:16}{', '.join(parts)}")
    nothing = [
        name for step, name in steps.items() if {step, f"enlarged {step}"}.isdisjoint(losses | marks)
    ]
    text = "\n".join(
        [*rows, *([f"nothing to say: {', '.join(nothing)}"] if nothing and line.sites else [])]
    )
    left = (
        f"Left to invert: {survey.stations.size} of {line.asked} station(s), {counted(survey)}, "
        f"{int(line.data.mask.sum())} data"
    )
    head = (
        f"Rules, and what they did. {A_DATUM} What is marked stays: --remove RULE takes it, --enlarge RULE "
        "gives it 3 times the errors, --skip RULE forgets it; -v names the stations."
    )
    return "\n".join([*([head, text] if text else []), left])


def name_of(rule: Rule | StationRule) -> str:
    """The name by which `--skip` leaves a rule out; that of its class for a rule with none."""
    plain = type(rule).__name__.lower()
    names = {name.replace("-", ""): name for name in (*options.RULES, *options.STATION_RULES)}
    return names.get(plain, plain)
