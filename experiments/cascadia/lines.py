"""The lines: the CAFE-MT and MOCHA profile, and rows of USArray stations."""

import csv
import dataclasses
from pathlib import Path

import numpy as np

import jaxmt
from jaxmt.field import Line, Reference
from jaxmt.io import read_edi_site, read_modem_sites
from jaxmt.processing import Journal, Screening

MODEM_DATA = Path("cascadia_modem") / "cascad_errfl5.dat"
MODEM_MODEL = Path("cascadia_modem") / "cascad_half_inverse.ws"

CAFE_STRIKE = -15.0
DECLINATION = 15.0
"""Degrees east, of the magnetic reading of the CAFE files."""

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
    line = Line.from_sites(
        "CAFE-MT and MOCHA",
        sites,
        journal,
        stations=tuple(site.name for site in sites),
        strike=strike,
        declination=declination,
        floor=0.0,
        per_decade=None,
        screening=Screening.none(),
        signs="keep",
    )
    return dataclasses.replace(line.without_tipper(), cite=CITE["CAFE"])


def row_line(folder: Path, row: str) -> tuple[Line, Reference | None]:
    """The stations of a USArray row, and ModEM's section under them."""
    stations = [
        line for line in read_table(folder / "cascadia_modem" / "profiles.csv") if line["profile"][0] == row
    ]
    eastings = {line["station"]: float(line["y_east_m"]) for line in stations}
    path = folder / MODEM_DATA
    sites = [site for site in read_modem_sites(path) if site.name in eastings]
    line = Line.from_sites(
        f"USArray row {row}",
        sites,
        Journal().note("read", path.name, f"{len(sites)} stations of row {row}; errors floored at 5 %"),
        stations=tuple(site.name for site in sites),
        strike=0.0,
        floor=0.0,
        per_decade=None,
        screening=Screening.none(),
        signs="keep",
    )
    line = dataclasses.replace(line.without_tipper(), cite=CITE["row"])
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
    path = folder / MODEM_MODEL
    if not path.is_file():
        return None
    mesh, resistivity = jaxmt.io.read_ws_model(path).section(northing)
    mesh = jaxmt.Mesh(mesh.y_nodes - origin, mesh.z_nodes)
    return Reference("ModEM, 3-D (NLCG, rms 1.84)", mesh, resistivity)
