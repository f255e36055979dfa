"""What do real data over a subduction zone say?

Inverts the CAFE-MT and MOCHA profile across Washington, or an east-west row of USArray stations:
`python -m experiments.cascadia [--row H] [--mesh published|designed] [--floors 0.2 0.05] [--quick]`.

The first floor is inverted from a uniform start, each further one from the model of the one before.
A floor is a relative error of apparent resistivity, 0.2 being 0.087 in log10 rho and 5.7 degrees.
"""

import argparse
import csv
import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.optimisers.descent import FIRST_STEP, LAST_STEP, normalised_adam

from . import machine
from .figures import draw_result

CAFE_STRIKE = -15.0
CAFE_START = 33.0
ROW_START = 50.0
SEA = 0.3
"""ohm m; the value that the 3-D model freezes in the Pacific."""
TARGET = 1.0
LATE_BLUR = 0.005
DEPTH = {"CAFE": 150e3, "row": 250e3}


def data_folder(given: Path | None) -> Path:
    """The folder of field data, or an error that says where to get it."""
    folder = given or Path(os.environ.get("JAXMT_DATA", ""))
    if not folder.is_dir() or folder == Path():
        raise SystemExit(
            f"No field data in {str(folder)!r}. Give --data DIR or set JAXMT_DATA to a folder that holds "
            "cafe_cascadia/edi (from github.com/MTinv-OT/MTinv_OT, folder Cascadia) and cascadia_modem "
            "(from github.com/magnetotellurics/ModEM-Examples, folder Magnetotelluric/3D_MT/Cascadia)."
        )
    return folder


def cafe_data(folder: Path) -> jaxmt.Data:
    """The 24 stations of the CAFE-MT and MOCHA profile, rotated to strike.

    The `.VAR` blocks of the land stations hold standard errors, those of the sea-floor stations
    variances: read so, both give relative errors of 0.3 to 1.3 %. The tensors are taken to be in
    geographic axes, which is how their phase tensors agree with those of USArray at this latitude.
    """
    paths = sorted((folder / "cafe_cascadia" / "edi").glob("*.edi"))
    if not paths:
        raise SystemExit(f"{folder / 'cafe_cascadia' / 'edi'} holds no EDI files.")
    sites = [
        jaxmt.io.read_edi_site(
            path, variance="standard_error" if path.stem.startswith("CAF") else "variance"
        )
        for path in paths
    ]
    return without_tipper(jaxmt.profile(sites, strike=CAFE_STRIKE))


def row_data(folder: Path, row: str) -> tuple[jaxmt.Data, float]:
    """The stations of a USArray row, and the easting (m) of the profile's y = 0."""
    stations = [
        line for line in read_table(folder / "cascadia_modem" / "profiles.csv") if line["profile"][0] == row
    ]
    names = [line["station"] for line in stations]
    data = jaxmt.io.read_modem(folder / "cascadia_modem" / "cascad_errfl5.dat", sites=names)
    eastings = dict(zip(names, (float(line["y_east_m"]) for line in stations), strict=True))
    return without_tipper(data), eastings[data.survey.names[0]] - float(data.survey.stations[0])


def without_tipper(data: jaxmt.Data) -> jaxmt.Data:
    """Impedances alone, as in the published inversion."""
    values = data.values.copy()
    values[4:] = np.nan
    return jaxmt.Data(data.survey, values, data.errors)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, or an exit that names it if it is missing."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing from the folder of field data.")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def section_3d(folder: Path, row: str, origin: float, mesh: jaxmt.Mesh) -> np.ndarray | None:
    """ModEM's 3-D section under a row, sampled on `mesh` in ohm m (NaN outside); None if not at hand."""
    paths = list((folder / "cascadia_modem").glob(f"modem3d_section_{row}_*.csv"))
    if not paths:
        return None
    cells = np.array([[float(v) for v in line.values()] for line in read_table(paths[0])])
    section = np.full(mesh.shape, np.nan)
    for y_low, y_high, z_low, z_high, log10_rho, _ in cells:
        rows = (mesh.z_centres >= z_low) & (mesh.z_centres < z_high)
        columns = (mesh.y_centres + origin >= y_low) & (mesh.y_centres + origin < y_high)
        section[np.ix_(rows, columns)] = 10**log10_rho
    return section


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


def sea_cells(section: np.ndarray | None, mesh: jaxmt.Mesh) -> np.ndarray:
    """True where the 3-D model has the Pacific; its westernmost column goes on to the mesh edge."""
    if section is None:
        return np.zeros(mesh.shape, bool)
    sea = np.isclose(section, SEA, rtol=1e-3)
    known = np.flatnonzero(np.isfinite(section[0]))
    sea[:, : known[0]] = sea[:, known[:1]]
    return sea


def main() -> None:
    """Runs the experiment from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", choices=tuple("CDEFGHIJ"), help="a USArray row instead of CAFE")
    parser.add_argument("--mesh", choices=("published", "designed"), default="published")
    parser.add_argument(
        "--floors", type=float, nargs="+", default=[0.2, 0.05], help="of apparent resistivity"
    )
    parser.add_argument("--misfit", choices=("cloud", "l2"), default="cloud")
    parser.add_argument("--te-weight", type=float, help="of TE in the cloud; default 3, for a row 1")
    parser.add_argument(
        "--trade-off", type=float, help="pull of smoothness over that of data; default 0.1, for a row 1"
    )
    parser.add_argument("--iterations", type=int, default=200, help="at most, for each floor")
    parser.add_argument("--quick", action="store_true", help="a coarse mesh and few iterations: a minute")
    parser.add_argument("--data", type=Path, help="folder of field data; default $JAXMT_DATA")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results")
    machine.add_options(parser)
    options = parser.parse_args()
    devices = machine.start(options)
    folder = data_folder(options.data)
    if options.row:
        data, origin = row_data(folder, options.row)
        name, start, depth = f"row {options.row}", ROW_START, DEPTH["row"]
        # Stations 70 km apart constrain little between them.
        te_weight, trade_off = 1.0, 1.0
    else:
        data, origin = cafe_data(folder), 0.0
        name, start, depth = "CAFE-MT and MOCHA", CAFE_START, DEPTH["CAFE"]
        te_weight, trade_off = 3.0, 0.1
    te_weight = te_weight if options.te_weight is None else options.te_weight
    trade_off = trade_off if options.trade_off is None else options.trade_off
    kind = "quick" if options.quick else "designed" if options.row else options.mesh
    if kind == "published":
        mesh = published_mesh()
    else:
        mesh = jaxmt.Mesh.design(data.survey, start, growth=0.3 if options.quick else 0.12)
    reference = section_3d(folder, options.row, origin, mesh) if options.row else None
    sea = sea_cells(reference, mesh)
    section = np.where(sea, SEA, start)
    earth = jaxmt.Earth(mesh, low=0.1, high=1e5, fixed=sea)
    print(
        f"{name}: {data.survey.stations.size} stations, {data.survey.frequencies.size} frequencies, "
        f"{int(data.mask.sum())} data, mesh {mesh.n_z} x {mesh.n_y}, {int(sea.sum())} cells of sea"
    )
    iterations = 15 if options.quick else options.iterations
    tag = f"cascadia_{options.row or 'cafe'}_{options.misfit}_{kind}"
    for number, floor in enumerate(options.floors[:1] if options.quick else options.floors):
        floored = data.with_floor(floor / 2)
        # A later floor starts from a model that fits roughly: small steps, and no blur to undo it.
        first = number == 0
        misfit = (
            jaxmt.CloudTransport(te_weight=te_weight, start_blur=0.05 if first else LATE_BLUR)
            if options.misfit == "cloud"
            else jaxmt.LeastSquares()
        )
        with jaxmt.ProgressBar(iterations) as bar:
            result = jaxmt.invert(
                floored,
                mesh,
                section,
                misfit,
                earth=earth,
                trade_off=trade_off,
                optimiser=normalised_adam(FIRST_STEP if first else LAST_STEP),
                target=TARGET,
                max_iterations=iterations,
                devices=devices,
                progress=bar,
            )
        steps = max(1, len(result.history["iteration"]) - 1)
        seconds = (result.history["seconds"][-1] - result.history["seconds"][min(2, steps)]) / max(
            1, steps - 2
        )
        print(
            f"{name}, floor {floor:g}: {result.message}; nRMS {result.nrms:.3f}, "
            f"{seconds:.2f} s an iteration"
        )
        out = options.out / f"{tag}_floor{100 * floor:g}"
        jaxmt.io.write_result(
            out,
            result,
            {
                "profile": name,
                "floor_rho": floor,
                "misfit": options.misfit,
                "te_weight": te_weight,
                "trade_off": trade_off,
                "start_ohm_m": start,
                "strike_deg": 0.0 if options.row else CAFE_STRIKE,
                "mesh": [mesh.n_z, mesh.n_y],
                "seconds_per_iteration": seconds,
            },
        )
        draw_result(
            out,
            result,
            target=TARGET,
            depth=depth,
            title=f"{name}, floor {100 * floor:g} %, nRMS {result.nrms:.2f}",
            limits=(1.0, 1000.0),
        )
        if reference is not None:
            figure = Figure(figsize=(12, 9))
            jaxmt.plot.comparison(
                figure,
                mesh,
                reference,
                result.resistivity,
                stations=data.survey.stations,
                names=data.survey.names,
                depth=depth,
                limits=(1.0, 1000.0),
                titles=("ModEM, 3-D (NLCG, rms 1.84)", f"jaxmt, 2-D, nRMS {result.nrms:.2f}"),
            )
            jaxmt.plot.save(figure, out / "beside_3d.png")
        section = result.resistivity
        print(f"Results are in {out}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
