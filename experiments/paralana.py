"""Does the section agree with Occam2D's from the same data?

Inverts the Paralana line (University of Adelaide, 2010) on Occam2D's data, errors and mesh, to nRMS 1, and
sets it beside Occam2D's result: `python -m experiments.paralana [--misfit cloud l2] [--mesh occam2d|ours]`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import jaxmt
from jaxmt.field import Line, Reference, Settings, invert_line
from jaxmt.field.line import found_strike
from jaxmt.processing import Journal
from jaxmt.processing.site import Site

from . import options as command

TARGET = 1.0
STRIKE = 7.0
START = 100.0
"""ohm m; what Occam2D started from."""

RANGE = (1.0, 1000.0)
CITE = (
    "Data and Occam2D result: University of Adelaide, Paralana, May 2010, as handed on with mtpy "
    "(github.com/MTgeophysics/mtpy). Occam2D: deGroot-Hedlin & Constable (1990), Geophysics 55, 1613-1624.",
)


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "20 iterations")
    parser.add_argument("--mesh", choices=("occam2d", "ours"), default="occam2d")
    parser.add_argument("--depth", type=float, default=7e3, help="m shown; default 7000")
    command.add_inversion(parser, iterations=300)
    command.add_data(parser)
    options = parser.parse_args()
    root = command.data_folder(options.data, ["paralana_occam2d"]) / "paralana_occam2d"
    run = root / "occam2d"
    data = jaxmt.io.read_occam2d(run / "OccamDataFile.dat")
    model = jaxmt.io.read_occam2d_model(run / "Occam2DMesh", run / "Occam2DModel", run / "ITER12.iter")
    reading = jaxmt.io.read(root / "edi")
    journal = Journal().note(
        "read", "OccamDataFile.dat", f"Occam2D data: {int(data.mask.sum())}, own errors"
    )
    journal = journal.note(
        "read", "edi", f"{len(reading.sites)} stations, for the map and phase tensors alone"
    )
    line = Line("Paralana", data, journal, cite=CITE, strike=STRIKE, **along(reading.sites, data))
    mesh = model[0]
    if options.mesh == "ours":
        mesh = jaxmt.station_mesh(data.survey, *RANGE, column=0.5)
    misfits, chosen = command.chosen(parser, options)
    settings = Settings(
        mesh=mesh,
        start=START,
        **chosen,
        depth=options.depth,
        target=TARGET,
        iterations=20 if options.quick else options.iterations,
        limits=(1.0, 1000.0),
        reference=Reference("Occam2D, iteration 12, rms 1.00", *model),
        stated=(("errors", "of the Occam2D data file: 10 % of rho, 2.87 degrees, and more"),),
    )
    name = f"paralana{'' if options.mesh == 'occam2d' else '_ours'}{'_quick' if options.quick else ''}"
    outcome = invert_line(line, misfits, settings, folder=command.run_folder(options, name))
    for done in outcome.fits:
        met = done.agreement(settings.reference)
        print(
            f"{done.name}: against Occam2D, correlation of log10 rho {met['correlation_log10_rho']:.2f}, "
            f"rms difference {met['rms_log10_rho']:.2f} decades"
        )


def along(sites: Sequence[Site], data: jaxmt.Data) -> dict[str, Any]:
    """The stations of the EDI files with the offsets that Occam2D's file gives them."""
    offsets = dict(zip(data.survey.names, data.survey.stations, strict=True))
    distances = np.array([offsets.get(site.name, np.nan) for site in sites])
    return {"sites": tuple(sites), "distances": distances, "found": found_strike(sites)}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
