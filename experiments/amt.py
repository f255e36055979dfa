"""What do audio-magnetotelluric data over a sedimentary cover say?

Inverts a line of the East Tennant survey (Geoscience Australia, 2019) from 10 kHz to 1 Hz:
`python -m experiments.amt [--line L3|L1|L2] [--misfit cloud l2] [--floor 0.05] [--blocks] [--quick]`.
"""

import dataclasses

import numpy as np

import jaxmt
from jaxmt.field import Line, Settings, invert_line
from jaxmt.processing import RULES, STATION_RULES, Screening, bostick_section

from . import options as command

BAND = (1.0, 10_500.0)
STRIKE = 44.0
"""Degrees: across the lines, whose azimuths are 129 to 134."""

RANGE = (10.0, 1000.0)
"""ohm m; its ends set the finest cells and how far the mesh reaches."""

SCREENING = Screening(remove=RULES, station_remove=STATION_RULES)
"""The workflow of the survey's publication: what asks for a 3-D earth goes, like all that is doubtful."""

TARGET = 1.05
CITE = (
    "Data: Geoscience Australia (2019), East Tennant magnetotelluric survey, Exploring for the Future, "
    "doi:10.26186/5df80d8615367, as handed on with mtpy (github.com/MTgeophysics/mtpy).",
)


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "every third station, fields at 4 frequencies a decade, 10 iterations")
    parser.add_argument("--line", choices=("L1", "L2", "L3"), default="L3")
    command.add_floor(parser)
    parser.add_argument("--per-decade", type=int, default=8, help="fields computed; default 8")
    parser.add_argument("--depth", type=float, default=3e3, help="m shown; default 3000")
    command.add_inversion(parser)
    command.add_blocks(parser)
    command.add_data(parser)
    options = parser.parse_args()
    folder = command.data_folder(options.data, ["east_tennant"]) / "east_tennant" / options.line
    reading = jaxmt.io.read(folder)
    sites = reading.sites[::3] if options.quick else reading.sites
    line = Line.from_sites(
        f"East Tennant {options.line}",
        sites,
        reading.journal,
        stations=tuple(site.name for site in sites),
        strike=STRIKE,
        band=BAND,
        floor=options.floor,
        screening=SCREENING,
        per_decade=4 if options.quick else options.per_decade,
    )
    line = dataclasses.replace(line.without_tipper(), cite=CITE)
    mesh = jaxmt.station_mesh(line.data.survey, *RANGE, growth=0.25 if options.quick else 0.15, spread=1.2)
    misfits, chosen = command.chosen(parser, options)
    settings = Settings(
        mesh=mesh,
        start=bostick_section(line.data, mesh),
        parametrisation=jaxmt.Blocks(mesh, jaxmt.growing_blocks(mesh)) if options.blocks else None,
        **chosen,
        depth=options.depth,
        target=TARGET,
        limits=(1.0, 1e4),
        iterations=10 if options.quick else options.iterations,
        stated=(
            ("start", "Niblett-Bostick transform of the data"),
            ("error floor", f"{options.floor:g} of the geometric mean of |Zxy| and |Zyx|"),
        ),
    )
    name = f"amt_{options.line}{'_quick' if options.quick else ''}"
    outcome = invert_line(line, misfits, settings, folder=command.run_folder(options, name))
    for fit in outcome.fits:
        low, high = np.percentile(fit.result.resistivity, [5, 95])
        print(
            f"{fit.name}: nRMS {fit.result.nrms:.3f}, resistivity {low:.3g} to {high:.3g} ohm m (5 to 95 %)"
        )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
