"""Is the conductor under the Williston Basin found where the literature has it?

Inverts TE and TM of COPROD2 together: `python -m experiments.coprod2 [--misfit cloud l2] [--blocks]
[--quick]`. The North American Central Plains conductor lies in the lower crust under y = 60 to 140 km,
order 15 to 25 km deep, below some 3 ohm m of sediments (Jones 1993, J. Geomag. Geoelectr. 45, 933-955;
deGroot-Hedlin & Constable 1993, the same volume).
"""

import dataclasses

import numpy as np

import jaxmt
from jaxmt.comparison import under_stations
from jaxmt.field import Line, Settings, invert_line
from jaxmt.processing import Journal, bostick_section

from . import options as command

TARGET = 1.2
"""Below it the section breaks into pillars that do nothing but fit; 1.06 can be reached."""

ERROR_FLOOR_RATIO = 1.0
"""Its errors are measured, no floor: with heavier phases 1.2 takes 168 iterations instead of 91."""

RANGE = (2.0, 100.0)
"""ohm m; its ends set the finest cells and how far the mesh reaches."""

DEPTH, CONDUCTOR_Y, CONDUCTOR_Z = 60e3, (60e3, 140e3), (10e3, 40e3)
CITE = (
    "Data: A. G. Jones (1993), The COPROD2 dataset: tectonic setting, recorded MT data, and comparison of "
    "models, J. Geomag. Geoelectr. 45, 933-955; the 20 sites handed on with github.com/CUG-EMI/HMCMT2D.",
)


def conductor(result: jaxmt.Result) -> dict[str, float]:
    """Where in the middle and lower crust the section is most conductive, and how it differs around."""
    mesh, rho = result.mesh, result.resistivity
    deep = (mesh.z_centres >= CONDUCTOR_Z[0]) & (mesh.z_centres <= CONDUCTOR_Z[1])
    under = under_stations(mesh, result.data.survey.stations).any(axis=0)
    part = np.log10(rho[np.ix_(deep, under)])
    y, z = mesh.y_centres[under], mesh.z_centres[deep]
    row, column = np.unravel_index(np.argmin(part), part.shape)
    inside = (y >= CONDUCTOR_Y[0]) & (y <= CONDUCTOR_Y[1])
    weight = mesh.dz[deep][:, None] * mesh.dy[under]
    mean = [float(np.average(part[:, c], weights=weight[:, c])) for c in (inside, ~inside)]
    return {
        "y_km": float(y[column] / 1e3),
        "z_km": float(z[row] / 1e3),
        "ohm_m": float(10 ** part[row, column]),
        "decades_below_surroundings": mean[1] - mean[0],
    }


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "a coarse mesh and 20 iterations")
    command.add_inversion(parser)
    command.add_blocks(parser)
    command.add_data(parser)
    options = parser.parse_args()
    path = command.data_folder(options.data, ["coprod2"]) / "coprod2" / "coprod2data.dat"
    data = jaxmt.io.read_coprod2(path)
    journal = Journal().note(
        "read", path.name, f"COPROD2 list: {int(data.mask.sum())} data, errors as stated"
    )
    journal = journal.note("static shift", "all", "corrected by A. G. Jones before the data were released")
    line = Line("COPROD2", data, journal, cite=CITE)
    mesh = jaxmt.station_mesh(data.survey, *RANGE, growth=0.25 if options.quick else 0.15, spread=1.2)
    misfits, chosen = command.chosen(parser, options)
    if "cloud" in misfits:
        misfits["cloud"] = dataclasses.replace(misfits["cloud"], error_floor_ratio=ERROR_FLOOR_RATIO)
    settings = Settings(
        mesh=mesh,
        start=bostick_section(data, mesh),
        parametrisation=jaxmt.Blocks(mesh, jaxmt.growing_blocks(mesh)) if options.blocks else None,
        **chosen,
        depth=DEPTH,
        target=TARGET,
        iterations=20 if options.quick else options.iterations,
        limits=(1.0, 1000.0),
        stated=(
            ("start", "Niblett-Bostick transform of the data"),
            ("errors", "as stated in the file, 2.5 % of |Z| and more"),
        ),
    )
    folder = command.run_folder(options, f"coprod2{'_quick' if options.quick else ''}")
    outcome = invert_line(line, misfits, settings, folder=folder)
    found = {fit.name: conductor(fit.result) for fit in outcome.fits}
    for name, place in found.items():
        print(
            f"{name}: lowest between 10 and 40 km: {place['ohm_m']:.2g} ohm m at y = {place['y_km']:.0f} "
            f"km, z = {place['z_km']:.0f} km; under y = 60 to 140 km "
            f"{place['decades_below_surroundings']:.2f} decades below the rest of the line"
        )
    jaxmt.io.write_summary(folder.path / "conductor.json", found)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
