"""What do real data over a subduction zone say?

Inverts the CAFE-MT and MOCHA profile across Washington, or an east-west row of USArray stations:
`python -m experiments.cascadia [--row H] [--mesh published|designed] [--floors 0.2 0.05]
[--misfit cloud l2] [--readings] [--quick]`.

The first floor is inverted from a uniform start, each further one from the model of the one before.
A floor is a relative error of apparent resistivity, 0.2 being 0.087 in log10 rho and 5.7 degrees.

`--readings` repeats the first floor for each way to read the CAFE files. Their `.VAR` blocks of land
stations may be variances as the standard has it, or standard errors; their north may be geographic or
magnetic (15 degrees east), and then the strike may be that of the map or that of the published axes.
"""

import argparse
import csv
import dataclasses
import itertools
from pathlib import Path

import numpy as np

import jaxmt
from jaxmt.io import read_edi_site, read_modem_sites
from jaxmt.optimisers.descent import FIRST_STEP, LAST_STEP
from jaxmt.processing import Journal

from . import machine
from . import options as command
from .line import Line, from_sites, without_tipper
from .outcome import Outcome, Reference
from .pipeline import Plan, invert_line, inverted

CAFE_STRIKE = -15.0
CAFE_START = 33.0
DECLINATION = 15.0
"""Degrees east, of the magnetic reading of the CAFE files."""

ROW_START = 50.0
SEA = 0.3
"""ohm m; the value that the 3-D model freezes in the Pacific."""
TARGET = 1.0
LATE_BLUR = 0.005
DEPTH = {"CAFE": 150e3, "row": 250e3}
LIMITS = (1.0, 1000.0)

VARIANCES = ("standard_error", "variance")
"""What the `.VAR` blocks of the land stations hold; those of the sea floor hold variances."""

NORTHS = {
    "geographic": (0.0, CAFE_STRIKE),
    "magnetic, strike of the map": (DECLINATION, CAFE_STRIKE),
    "magnetic, strike of the axes": (DECLINATION, CAFE_STRIKE + DECLINATION),
}
"""Declination and strike, degrees from true north, of each reading of the CAFE files' north."""

CITE = {
    "CAFE": (
        "CAFE-MT: McGary et al. (2014), Nature 511, 338-340. MOCHA and the files: Liu, Chen, Bo & Tang "
        "(2026), github.com/MTinv-OT/MTinv_OT.",
    ),
    "row": (
        "Data: USArray TA magnetotelluric transfer functions, doi:10.17611/DP/EMTF/USARRAY/TA. 3-D model: "
        "the Cascadia example of ModEM; Patro & Egbert (2008), Geophys. Res. Lett. 35, L20311.",
    ),
}


def cafe_line(folder: Path, variance: str = "standard_error", north: str = "geographic") -> Line:
    """The 24 stations of the CAFE-MT and MOCHA profile, rotated to strike.

    By default the `.VAR` blocks of the land stations are standard errors, those of the sea-floor stations
    variances: read so, both give relative errors of 0.3 to 1.3 %. And the tensors are in geographic axes,
    which is how their phase tensors agree with those of USArray at this latitude.
    """
    paths = sorted((folder / "cafe_cascadia" / "edi").glob("*.edi"))
    if not paths:
        raise SystemExit(f"{folder / 'cafe_cascadia' / 'edi'} holds no EDI files.")
    sites = [
        read_edi_site(path, variance=variance if path.stem.startswith("CAF") else "variance")
        for path in paths
    ]
    declination, strike = NORTHS[north]
    journal = Journal().note("read", "all", f"{len(sites)} EDI files; VAR of CAF stations: {variance}")
    journal = journal.note("north", "all", f"axes taken to be {north}")
    line = from_sites(
        "CAFE-MT and MOCHA",
        sites,
        journal,
        angle=strike,
        declination=declination,
        floor=0.0,
        per_decade=None,
        rules=(),
        station_rules=(),
    )
    return dataclasses.replace(without_tipper(line), cite=CITE["CAFE"])


def row_line(folder: Path, row: str) -> tuple[Line, Reference | None]:
    """The stations of a USArray row, and ModEM's section under them."""
    stations = [
        line for line in read_table(folder / "cascadia_modem" / "profiles.csv") if line["profile"][0] == row
    ]
    eastings = {line["station"]: float(line["y_east_m"]) for line in stations}
    path = folder / "cascadia_modem" / "cascad_errfl5.dat"
    sites = [site for site in read_modem_sites(path) if site.name in eastings]
    line = from_sites(
        f"USArray row {row}",
        sites,
        Journal().note("read", path.name, f"{len(sites)} stations of row {row}; errors floored at 5 %"),
        angle=0.0,
        floor=0.0,
        per_decade=None,
        rules=(),
        station_rules=(),
    )
    line = dataclasses.replace(without_tipper(line), cite=CITE["row"])
    survey = line.data.survey
    origin = eastings[survey.names[0]] - float(survey.stations[0])
    northing = float(np.mean([site.northing for site in sites]))
    return line, section_3d(folder, northing, origin)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, or an exit that names it if it is missing."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing from the folder of field data.")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def section_3d(folder: Path, northing: float, origin: float) -> Reference | None:
    """ModEM's 3-D section along the row, in the profile's own y; None if the model is not at hand."""
    path = folder / "cascadia_modem" / "cascad_half_inverse.ws"
    if not path.is_file():
        return None
    mesh, resistivity = jaxmt.io.read_ws_model(path).section(northing)
    mesh = jaxmt.Mesh(mesh.y_nodes - origin, mesh.z_nodes)
    return Reference("ModEM, 3-D (NLCG, rms 1.84)", mesh, resistivity)


def published_mesh() -> jaxmt.Mesh:
    """90 x 240 cells: 80 earth rows, 10 m to 300 km; 2.5 km columns to +-250 km, padding to 950 km.

    The ten air rows reach as high as the mesh is wide, not the published 50 km, which is a fraction of
    a skin depth at the longest period.
    """
    pad = 250e3 + np.cumsum(graded(20, 2.5e3, 700e3))
    y = np.concatenate([-pad[::-1], np.linspace(-250e3, 250e3, 201), pad])
    z = np.concatenate([[0.0], np.geomspace(10.0, 300e3, 80)])
    air = -np.cumsum(graded(10, 10.0, 1900e3))[::-1]
    return jaxmt.Mesh(y, np.concatenate([air, z]))


def graded(count: int, first: float, total: float) -> np.ndarray:
    """`count` steps in geometric progression from `first`, with the sum `total`."""
    low, high = 1.0, 10.0
    for _ in range(60):
        ratio = 0.5 * (low + high)
        low, high = (ratio, high) if np.sum(first * ratio ** np.arange(count)) < total else (low, ratio)
    return first * low ** np.arange(count)


def sea_cells(known: Reference | None, mesh: jaxmt.Mesh) -> np.ndarray:
    """True where the 3-D model has the Pacific; its westernmost column goes on to the mesh edge."""
    if known is None:
        return np.zeros(mesh.shape, bool)
    section = known.on(mesh)
    sea = np.isclose(section, SEA, rtol=1e-3)
    inside = np.flatnonzero(np.isfinite(section[0]))
    sea[:, : inside[0]] = sea[:, inside[:1]]
    return sea


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = command.parser(__doc__, "a coarse mesh and few iterations: a minute")
    parser.add_argument("--row", choices=tuple("CDEFGHIJ"), help="a USArray row instead of CAFE")
    parser.add_argument("--mesh", choices=("published", "designed"), default="published")
    parser.add_argument(
        "--floors", type=float, nargs="+", default=[0.2, 0.05], help="of apparent resistivity"
    )
    parser.add_argument("--te-weight", type=float, help="of TE in the cloud; default 3, for a row 1")
    parser.add_argument("--readings", action="store_true", help="each reading of the CAFE files")
    command.add_inversion(parser)
    command.add_data(parser)
    machine.add_options(parser)
    options = parser.parse_args()
    if options.row and options.readings:
        parser.error("--readings are those of the CAFE files; leave out --row")
    return options


def plan_of(options: argparse.Namespace, line: Line, known: Reference | None) -> Plan:
    """Mesh, start and settings of the first floor."""
    kind = "quick" if options.quick else "designed" if options.row else options.mesh
    start = ROW_START if options.row else CAFE_START
    if kind == "published":
        mesh = published_mesh()
    else:
        mesh = jaxmt.Mesh.design(line.data.survey, start, growth=0.3 if options.quick else 0.12)
    sea = sea_cells(known, mesh)
    te_weight = 1.0 if options.row else 3.0
    return Plan(
        mesh=mesh,
        start=np.where(sea, SEA, start),
        misfits=options.misfit,
        depth=DEPTH["row" if options.row else "CAFE"],
        target=TARGET,
        iterations=15 if options.quick else options.iterations,
        resume=options.resume,
        earth=jaxmt.Earth(mesh, low=0.1, high=1e5, fixed=sea),
        te_weight=te_weight if options.te_weight is None else options.te_weight,
        first_step=FIRST_STEP,
        limits=LIMITS,
        reference=known,
        settings=(("start", f"{start:g} ohm m"), ("cells of sea", f"{int(sea.sum())} at {SEA:g} ohm m")),
    )


def floors(options: argparse.Namespace, line: Line, plan: Plan, name: str, devices: tuple | None) -> None:
    """One inversion after the other, each from the model of the one before."""
    for number, floor in enumerate(options.floors[:1] if options.quick else options.floors):
        floored = dataclasses.replace(line, data=line.data.with_floor(floor / 2))
        stated = dataclasses.replace(plan, settings=(*plan.settings, ("error floor of rho", f"{floor:g}")))
        if number:
            # It fits roughly: small steps, and no blur to undo it.
            stated = dataclasses.replace(stated, first_step=LAST_STEP, start_blur=LATE_BLUR)
        outcome = invert_line(floored, stated, options.out / f"{name}_floor{100 * floor:g}", devices)
        plan = dataclasses.replace(plan, start=sections(outcome))


def sections(outcome: Outcome) -> dict[str, np.ndarray]:
    """The section of each misfit."""
    return {run.name: np.asarray(run.result.resistivity) for run in outcome.runs}


def readings(options: argparse.Namespace, folder: Path, devices: tuple | None) -> None:
    """The same inversion for each way to read the files; prints and writes what comes of them."""
    table = []
    for variance, north in itertools.product(VARIANCES, NORTHS):
        line = cafe_line(folder, variance, north)
        # The deviation of a phase in radians is the relative error of |Z|.
        relative = float(np.nanmedian(np.deg2rad(line.data.errors[[1, 3]])))
        line = dataclasses.replace(line, data=line.data.with_floor(options.floors[0] / 2))
        plan = plan_of(options, line, None)
        for name in options.misfit:
            # A checkpoint for each.
            out = command.results(options, f"cascadia_readings/{variance}, {north}, {name}")
            result, _ = inverted(name, line, plan, out, devices)
            table.append(
                {
                    "variance": variance,
                    "north": north,
                    "misfit": name,
                    "nrms": result.nrms,
                    "iterations": len(result.history["nrms"]) - 1,
                    "median_relative_error": relative,
                }
            )
            print(f"{variance}, {north}, {name}: nRMS {result.nrms:.3f}")
    print(f"{'VAR holds':16}{'north':32}{'misfit':8}{'nRMS':>8}{'iterations':>12}")
    for row in table:
        print(
            f"{row['variance']:16}{row['north']:32}{row['misfit']:8}{row['nrms']:8.3f}{row['iterations']:12}"
        )
    jaxmt.io.write_summary(
        command.results(options, "cascadia_readings") / "summary.json", {"readings": table}
    )


def main() -> None:
    """Runs the experiment from the command line."""
    options = parsed()
    devices = machine.start(options)
    folder = command.data_folder(options.data, ["cascadia_modem" if options.row else "cafe_cascadia"])
    if options.readings:
        readings(options, folder, devices)
        return
    line, known = row_line(folder, options.row) if options.row else (cafe_line(folder), None)
    plan = plan_of(options, line, known)
    kind = "quick" if options.quick else "designed" if options.row else options.mesh
    floors(options, line, plan, f"cascadia_{options.row or 'cafe'}_{kind}", devices)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
