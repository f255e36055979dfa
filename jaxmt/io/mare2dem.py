"""MARE2DEM: data files (EMData_2.2) and the files of a model, from which it starts at a section."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from ..atomic import FilePath, atomic_path
from ..conventions import PHASE, RHO, TIPPER
from ..data import Data
from ..processing.georeference import Georeference
from ..simulation.mesh import Mesh
from .bricks import Bricks
from .names import words

TYPES = {RHO[0]: 123, PHASE[0]: 104, RHO[1]: 125, PHASE[1]: 106, TIPPER[0]: 133, TIPPER[1]: 134}
"""Codes of log10 rho and phase of TE and of TM, and of the tipper, by rows of `COMPONENTS`."""

BELOW = 0.1
"""m by which receivers lie in the ground; on the boundary itself MARE2DEM cannot tell its side."""

AIR = 1e12
"""ohm m."""


def write_emdata(path: FilePath, data: Data, place: Georeference | None = None) -> None:
    """Writes a data file: log10 rho and phase of TE and TM, and the tipper, as far as they exist.

    - `place`: where the profile lies; y = 0 of the file is then stated in UTM, with the strike.

    Receivers are 0.1 m below their depth, at x = 0, their axes level; static shifts are not solved for.
    Phases of both modes lie in the first quadrant and z points down, there as here. Nine digits are
    printed, thirteen of frequencies, and lengths to the millimetre. Names become words as in `write_modem`.
    """
    survey = data.survey
    rows = [
        f"{TYPES[c]:7d} {f + 1:7d} {s + 1:7d} {s + 1:7d} {data.values[c, f, s]:16.8E} "
        f"{data.errors[c, f, s]:16.8E}"
        for f in range(survey.frequencies.size)
        for s in range(survey.stations.size)
        for c in TYPES
        if data.mask[c, f, s]
    ]
    receivers = [
        f"{0.0:12.3f} {y:14.3f} {z + BELOW:12.3f} 0.00 0.00 0.00 0.00 0 {name}"
        for y, z, name in zip(survey.stations, survey.depths, words(survey.names), strict=True)
    ]
    lines = ["Format:  EMData_2.2"]
    if place is not None and place.geographic:
        north, east = place.metres(np.zeros(1))
        number, southern = place.zone
        lines.append(
            f"UTM of x,y origin (UTM zone, N, E, 2D strike): {number}{'S' if southern else 'N'} "
            f"{north[0]:.3f} {east[0]:.3f} {(place.direction - 90) % 360:.4f}"
        )
    lines += [
        f"# MT Frequencies: {survey.frequencies.size}",
        *(f"{f:.12E}" for f in survey.frequencies),
        f"# MT Receivers: {survey.stations.size}",
        "!        X              Y            Z  Theta Alpha Beta Length SolveStatic Name",
        *receivers,
        f"# Data: {len(rows)}",
        "!  Type  Freq #    Tx #    Rx #             Data           StdErr",
        *rows,
    ]
    _write(Path(path), lines)


def write_mare2dem_run(
    folder: FilePath,
    data: Data,
    mesh: Mesh,
    resistivity: Float[np.ndarray, "earth y"],
    *,
    name: str = "jaxmt",
    place: Georeference | None = None,
    fixed: Bool[np.ndarray, "earth y"] | None = None,
    target: float = 1.0,
    iterations: int = 100,
) -> None:
    """Writes NAME.emdata, .poly, .0.resistivity, .penalty and mare2dem.settings.

    - `resistivity`: ohm m, of shape `mesh.shape`. `fixed`: True for cells that keep it, such as the sea.
    - `target`: the nRMS at which MARE2DEM stops; `iterations`: at most.

    The ground is made of the cells, as `Bricks` has them: those that it cuts are joined with the first
    below, and those much wider than high, as beyond the stations, are joined downward, or triangles would
    be too many. The outermost ones reach 100 km farther, as jaxmt continues the section. The penalty is
    that of first differences across each shared side, by its length over the distance of the centres.
    Raises `ValueError` for stations in the air and resistivities that are not positive and finite.
    """
    mesh.check_stations(data.survey)
    bricks = Bricks.of(mesh, np.asarray(resistivity), fixed)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    name = words([name])[0]
    write_emdata(folder / f"{name}.emdata", data, place)
    _write(folder / f"{name}.poly", _poly(bricks))
    _write(folder / f"{name}.penalty", _penalty(bricks))
    _write(folder / f"{name}.0.resistivity", _resistivity(name, bricks, target, iterations))
    settings = (
        "Tolerance (%):            1",
        "MT receivers per group:   40",
        "MT frequencies per group: 1",
    )
    _write(folder / "mare2dem.settings", settings)


def _poly(bricks: Bricks) -> list[str]:
    """Nodes, sides and a point inside each region, the air first, in the format of Triangle."""
    nodes, sides = bricks.graph()
    points = [bricks.air_point, *bricks.centres.tolist()]
    return [
        f"{len(nodes)} 2 0 0",
        *(f"{k + 1} {y:.4f} {z:.4f}" for k, (y, z) in enumerate(nodes)),
        f"{len(sides)} 1",
        *(f"{k + 1} {a + 1} {b + 1} 1" for k, (a, b) in enumerate(sides)),
        "0",
        str(len(points)),
        *(f"{k + 1} {y:.4f} {z:.4f} {k + 1} -1" for k, (y, z) in enumerate(points)),
    ]


def _resistivity(name: str, bricks: Bricks, target: float, iterations: int) -> list[str]:
    heads = (
        ("Format:", "mare2dem_1.1"),
        ("Model File:", f"{name}.poly"),
        ("Data File:", f"{name}.emdata"),
        ("Settings File:", "mare2dem.settings"),
        ("Penalty File:", f"{name}.penalty"),
        ("Maximum Iterations:", str(iterations)),
        ("Bounds Transform:", "bandpass"),
        ("Global Bounds:", f"{bricks.lowest:g}, {bricks.highest:g}"),
        ("Print Level:", "1"),
        ("Target Misfit:", f"{target:.6g}"),
        ("Misfit Decrease Threshold:", "0.85"),
        ("Converge Slowly:", "no"),
        ("Lagrange Value:", "5"),
        ("Model Roughness:", ""),
        ("Model Misfit:", ""),
        ("Date/Time:", ""),
        ("Anisotropy:", "isotropic"),
        ("Number of regions:", str(bricks.resistivity.size + 1)),
    )
    numbers = bricks.numbers
    rows = [f"{1:8d} {AIR:.10E} {0:8d} 0 0 0 0"]
    rows += [f"{k + 2:8d} {rho:.10E} {numbers[k]:8d} 0 0 0 0" for k, rho in enumerate(bricks.resistivity)]
    head = "!#       Rho              Param    Lower Upper Prej Weight"
    return [*(f"{key:<28}{value}" for key, value in heads), head, *rows]


def _penalty(bricks: Bricks) -> list[str]:
    """Rows with two entries each, compressed: column and value of each, then where rows begin, from 1."""
    pairs, weights = bricks.penalties()
    entries = [
        line
        for (a, b), weight in zip(pairs, weights, strict=True)
        for line in (f"{a} {weight:.8E}", f"{b} {-weight:.8E}")
    ]
    starts = [str(2 * k + 1) for k in range(len(pairs) + 1)]
    return ["Format: CSR_penalty_1.0", f"{2 * len(pairs)} {len(pairs)}", *entries, *starts]


def _write(path: Path, lines: Sequence[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
