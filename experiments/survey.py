"""From a folder of transfer functions to a section, with one command.

`python -m experiments.survey DIR [--strike auto|DEG] [--band LO HI] [--floor 0.05] [--misfit cloud]
[--dry-run]`. DIR holds EDI or EMTF XML files, or is a ModEM list, an Occam2D data file or COPROD2's
list. A dry run says what was read, found, removed and left, and inverts nothing.
"""

import argparse
import dataclasses
import warnings
from pathlib import Path

import numpy as np

import jaxmt
from jaxmt.conventions import MU_0
from jaxmt.processing import RULES, STATION_RULES, Journal, prepare

from .figures import draw_result

TARGET = 1.05


def angle(text: str) -> float | None:
    """Degrees, or None for "auto"."""
    return None if text == "auto" else float(text)


def line_of(
    reading: jaxmt.io.Reading, options: argparse.Namespace, journal: Journal
) -> tuple[jaxmt.Data, Journal]:
    """The data of a file that is along a profile already, in the band and with the floor asked for."""
    name, data = next(iter(reading.lines.items()))
    low, high = options.band
    survey = data.survey
    keep = (survey.frequencies >= low) & (survey.frequencies <= high)
    if not keep.any():
        raise ValueError(f"no frequency of {name} lies between {low:g} and {high:g} Hz; widen --band.")
    survey = dataclasses.replace(survey, frequencies=survey.frequencies[keep])
    data = jaxmt.Data(survey, data.values[:, keep], data.errors[:, keep])
    journal = journal.note("band", name, f"frequencies from {low:g} to {high:g} Hz kept")
    journal = journal.note("floor", name, f"relative error of |Z| at least {options.floor:g}")
    return data.with_floor(options.floor), journal


def prepared(options: argparse.Namespace) -> tuple[jaxmt.Data, Journal]:
    """Data and journal of everything that was read and done."""
    reading = jaxmt.io.read(options.path, variance=options.variance, relative_error=options.floor)
    if reading.lines and not reading.sites:
        return line_of(reading, options, reading.journal)
    skipped = {name.replace("-", "") for name in options.skip}
    done = prepare(
        reading.sites,
        angle=options.strike,
        declination=options.declination,
        band=tuple(options.band),
        floor=options.floor,
        per_decade=options.per_decade,
        rules=[rule for rule in RULES if type(rule).__name__.lower() not in skipped],
        station_rules=[rule for rule in STATION_RULES if type(rule).__name__.lower() not in skipped],
        repair=options.repair,
    )
    return done.data, reading.journal + done.journal


def main() -> None:
    """Runs the experiment from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [type(rule).__name__ for rule in (*RULES, *STATION_RULES)]
    parser.add_argument("path", type=Path, metavar="DIR", help="folder or file of transfer functions")
    parser.add_argument("--strike", type=angle, default=None, help="degrees from north, or auto (default)")
    parser.add_argument("--declination", type=float, default=0.0, help="degrees east, of magnetic axes")
    parser.add_argument(
        "--band", type=float, nargs=2, default=(0.0, np.inf), metavar=("LO", "HI"), help="Hz"
    )
    parser.add_argument("--floor", type=float, default=0.05, help="relative error of |Z|; default 0.05")
    parser.add_argument("--per-decade", type=int, default=6, help="frequencies; default 6")
    parser.add_argument("--skip", nargs="*", default=[], help=f"rules to leave out of {', '.join(names)}")
    parser.add_argument("--repair", action="store_true", help="mend flipped electric cables")
    parser.add_argument("--variance", choices=("variance", "standard_error"), default="variance")
    parser.add_argument("--misfit", choices=("cloud", "l2"), default="cloud")
    parser.add_argument("--iterations", type=int, default=200, help="at most")
    parser.add_argument("--quick", action="store_true", help="a coarse mesh and 15 iterations")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, invert nothing")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results")
    options = parser.parse_args()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            data, journal = prepared(options)
        except ValueError as error:
            raise SystemExit(f"Nothing to invert: {error}") from None
    for warning in caught:
        journal = journal.note("warning", "all", str(warning.message))
    print(journal)
    # A first look at the ground: the median of all apparent resistivities.
    start = float(10 ** np.nanmedian(data.values[[0, 2]]))
    mesh = jaxmt.Mesh.design(data.survey, start, growth=0.3 if options.quick else 0.12)
    survey = data.survey
    print(
        f"{survey.stations.size} stations, {survey.frequencies.size} frequencies, {int(data.mask.sum())} "
        f"data; start {start:.3g} ohm m, mesh {mesh.n_z} x {mesh.n_y}"
    )
    if options.dry_run:
        print("Dry run: nothing was inverted or written.")
        return
    iterations = 15 if options.quick else options.iterations
    with jaxmt.ProgressBar(iterations) as bar:
        result = jaxmt.invert(
            data,
            mesh,
            start,
            jaxmt.CloudTransport() if options.misfit == "cloud" else jaxmt.LeastSquares(),
            target=TARGET,
            max_iterations=iterations,
            progress=bar,
        )
    print(f"{result.message}; nRMS {result.nrms:.3f}")
    out = options.out / f"survey_{options.path.stem}_{options.misfit}"
    summary = {
        "path": options.path.name,
        "floor": options.floor,
        "misfit": options.misfit,
        "start_ohm_m": start,
    }
    jaxmt.io.write_result(out, result, summary, journal)
    # The depth of Bostick at the lowest frequency.
    depth = float(np.sqrt(start / (2 * np.pi * survey.frequencies.min() * MU_0)))
    draw_result(
        out, result, target=TARGET, depth=depth, title=f"{options.path.stem}, nRMS {result.nrms:.2f}"
    )
    print(f"Results are in {out}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
