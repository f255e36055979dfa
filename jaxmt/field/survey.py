"""From a folder of transfer functions to a section and a report, with one command.

`python -m experiments.survey DIR [--strike auto|DEG] [--band LO HI] [--floor 0.05] [--misfit cloud l2]
[--dry-run]`. DIR holds EDI or EMTF XML files, or is a ModEM list, an Occam2D data file or COPROD2's
list. A dry run says what was read, found, removed and left, and inverts nothing.
"""

import argparse
import dataclasses
import warnings
from pathlib import Path

import numpy as np

import jaxmt

from ..conventions import MU_0
from ..processing import RULES, STATION_RULES
from . import options as command
from .line import Line, from_sites, median_resistivity, reading_of, without_tipper
from .workflow import Plan, invert_line

TARGET = 1.05


def angle(text: str) -> float | None:
    """Degrees, or None for "auto"."""
    return None if text == "auto" else float(text)


def line_of(reading: jaxmt.io.Reading, name: str, options: argparse.Namespace) -> Line:
    """The data of a file that is along a profile already, in the band and with the floor asked for."""
    file, data = next(iter(reading.lines.items()))
    journal = reading.journal
    for other in list(reading.lines)[1:]:
        journal = journal.note("pass over", Path(other).name, f"one line at a time: {Path(file).name}")
    low, high = options.band
    survey = data.survey
    keep = (survey.frequencies >= low) & (survey.frequencies <= high)
    if not keep.any():
        raise ValueError(f"no frequency of {file} lies between {low:g} and {high:g} Hz; widen --band.")
    survey = dataclasses.replace(survey, frequencies=survey.frequencies[keep])
    data = jaxmt.Data(survey, data.values[:, keep], data.errors[:, keep])
    journal = journal.note("band", file, f"frequencies from {low:g} to {high:g} Hz kept")
    journal = journal.note("floor", file, f"relative error of |Z| at least {options.floor:g}")
    return Line(name, data.with_floor(options.floor), journal)


def prepared(options: argparse.Namespace) -> Line:
    """Data and journal of everything that was read and done."""
    name = options.path.resolve().stem
    reading = reading_of(options.path, variance=options.variance, relative_error=options.floor)
    if reading.lines and not reading.sites:
        return line_of(reading, name, options)
    skipped = {name.replace("-", "") for name in options.skip}
    return from_sites(
        name,
        reading.sites,
        reading.journal,
        angle=options.strike,
        declination=options.declination,
        band=tuple(options.band),
        floor=options.floor,
        per_decade=options.per_decade,
        rules=[rule for rule in RULES if type(rule).__name__.lower() not in skipped],
        station_rules=[rule for rule in STATION_RULES if type(rule).__name__.lower() not in skipped],
        repair=options.repair,
    )


def read(options: argparse.Namespace) -> Line:
    """`prepared`, with the warnings on the way in its journal; an exit if there is nothing to invert."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            line = prepared(options)
        except ValueError as error:
            raise SystemExit(f"Nothing to invert: {error}") from None
    for warning in caught:
        noted = line.journal.note("warning", "all", str(warning.message))
        line = dataclasses.replace(line, journal=noted)
    return line


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Adds what `read` can be told, but for the path."""
    names = [type(rule).__name__ for rule in (*RULES, *STATION_RULES)]
    parser.add_argument("--strike", type=angle, default=None, help="degrees from north, or auto (default)")
    parser.add_argument("--declination", type=float, default=0.0, help="degrees east, of magnetic axes")
    parser.add_argument(
        "--band", type=float, nargs=2, default=(0.0, np.inf), metavar=("LO", "HI"), help="Hz"
    )
    command.add_floor(parser)
    parser.add_argument("--per-decade", type=int, default=6, help="frequencies; default 6")
    parser.add_argument("--skip", nargs="*", default=[], help=f"rules to leave out of {', '.join(names)}")
    parser.add_argument("--repair", action="store_true", help="mend flipped electric cables")
    parser.add_argument("--variance", choices=("variance", "standard_error"), default="variance")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = command.parser(__doc__, "a coarse mesh and 15 iterations")
    parser.add_argument("path", type=Path, metavar="DIR", help="folder or file of transfer functions")
    add_reading(parser)
    parser.add_argument("--tipper", action="store_true", help="invert the tippers too")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, invert nothing")
    command.add_inversion(parser)
    return parser.parse_args()


def main() -> None:
    """Runs the experiment from the command line."""
    options = parsed()
    line = read(options)
    line = line if options.tipper else without_tipper(line)
    print(line.journal)
    start = median_resistivity(line.data)
    survey = line.data.survey
    mesh = jaxmt.Mesh.design(survey, start, growth=0.3 if options.quick else 0.12)
    if options.dry_run:
        print(
            f"{survey.stations.size} stations, {survey.frequencies.size} frequencies, "
            f"{int(line.data.mask.sum())} data; start {start:.3g} ohm m, mesh {mesh.n_z} x {mesh.n_y}\n"
            "Dry run: nothing was inverted or written."
        )
        return
    plan = Plan(
        mesh=mesh,
        start=start,
        **command.chosen(options),
        # Twice the depth of Bostick at the lowest frequency.
        depth=2 * float(np.sqrt(start / (2 * np.pi * survey.frequencies.min() * MU_0))),
        target=TARGET,
        iterations=15 if options.quick else options.iterations,
        settings=(("error floor", f"{options.floor:g} of |Z|"),),
    )
    invert_line(line, plan, options.out / f"survey_{line.name}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
