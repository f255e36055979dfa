"""The rows of a ModEM list file, converted to SI units and the time dependence of jaxmt."""

import dataclasses
import re

from ..atomic import FilePath
from .free_format import LINE_END, BadFile, text_of
from .frequencies import possible
from .units import ohm_per

NO_ERROR = 1e13
"""ModEM writes 1e13 or 2e15 for a datum without error."""

MISSING = 1e30
"""A value this large is missing; so is NaN."""

FARTHEST = 1e9
"""A coordinate (m) or a period (s) this large is damage."""

COLUMNS = "period code latitude longitude x y z component real imaginary error"
MOST_COLUMNS = 15
"""With the azimuths of Hx, Hy, Ex and Ey, degrees from the orientation in the header."""

NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[ED][+-]?\d{1,4})?|NAN", re.IGNORECASE)

DATA_TYPES = {
    "TE_Impedance": ("TE",),
    "TM_Impedance": ("TM",),
    "Tzy_Impedance": ("TY",),
    "Full_Impedance": ("ZXX", "ZXY", "ZYX", "ZYY"),
    "Off_Diagonal_Impedance": ("ZXY", "ZYX"),
    "Full_Vertical_Components": ("TX", "TY"),
}
DIMENSIONLESS = ("Tzy_Impedance", "Full_Vertical_Components")
PLANAR = ("TE_Impedance", "TM_Impedance", "Tzy_Impedance")


@dataclasses.dataclass(frozen=True)
class Header:
    r"""What the lines before a block of rows say.

    - `factor`: ohm (or 1, for tippers) of one unit of the file.
    - `conjugate`: True for $e^{-i\omega t}$.
    - `orientation`: degrees clockwise from north of the x axis.
    - `stations`: how many there are, or at most are; 0 if the header does not say.
    """

    keyword: str
    factor: float
    conjugate: bool
    orientation: float
    stations: int


@dataclasses.dataclass(frozen=True)
class Row:
    r"""One datum: s, degrees, m, and ohm (or 1) with $e^{+i\omega t}$.

    - `value`: NaN if missing. `error`: of the real and of the imaginary part each; NaN for none.
    - `line`: its number in the file, from 1.
    - `magnetic`, `electric`: degrees from the header's x axis of the sensors Hx, Hy and Ex, Ey.
    """

    header: Header
    line: int
    period: float
    code: str
    latitude: float
    longitude: float
    x: float
    y: float
    z: float
    component: str
    value: complex
    error: float
    magnetic: tuple[float, float]
    electric: tuple[float, float]


def _numbers(texts: list[str]) -> list[float] | None:
    """Numbers as Fortran writes them; None if one is none."""
    if not all(NUMBER.fullmatch(text) for text in texts):
        return None
    return [float("nan" if text.upper() == "NAN" else text.upper().replace("D", "E")) for text in texts]


def _header(where: str, lines: list[str]) -> Header:
    """The header from its six lines; the origin is not used."""
    keyword, sign, unit, orientation, _, counts = (line[1:].strip() for line in lines)
    names = {name.lower(): name for name in DATA_TYPES}
    if keyword.lower() not in names:
        raise BadFile(
            f"{where}: unknown data type {keyword[:40]!r}; expected one of {', '.join(DATA_TYPES)}."
        )
    name = names[keyword.lower()]
    if "exp" not in sign.lower():
        raise BadFile(
            f"{where}: the second header line is {sign[:40]!r}; expected the time dependence, "
            r"exp(+i\omega t) or exp(-i\omega t)."
        )
    factor = 1.0 if name in DIMENSIONLESS else ohm_per(unit)
    if factor is None:
        raise BadFile(
            f"{where}: unknown unit {unit[:40]!r} of {name}; expected [V/m]/[T], [mV/km]/[nT], "
            "[V/m]/[A/m] or Ohm."
        )
    degrees = _numbers(orientation.split()[:1])
    if not degrees or not abs(degrees[0]) <= 360:
        raise BadFile(
            f"{where}: the fourth header line is {orientation[:40]!r}; expected the orientation of the "
            "x axis in degrees."
        )
    stated = re.fullmatch(r"\d{1,9}\s+(\d{1,9})", counts)
    return Header(name, factor, "-" in sign, degrees[0], int(stated[1]) if stated else 0)


def _row(where: str, line: int, text: str, header: Header) -> Row:
    tokens = text.split()
    most = 11 if header.keyword in PLANAR else MOST_COLUMNS
    numbers = _numbers(tokens[:1] + tokens[2:7] + tokens[8:]) if 11 <= len(tokens) <= most else None
    if numbers is None:
        raise BadFile(
            f"{where}: malformed row {text.strip()[:60]!r}; expected 11 columns: {COLUMNS}"
            + ("." if most == 11 else ", and up to four azimuths of Hx, Hy, Ex and Ey.")
        )
    period, latitude, longitude, x, y, z, real, imaginary, error, *azimuths = numbers
    if not 0 < period < FARTHEST or not possible(1 / period):
        raise BadFile(f"{where}: the period is {tokens[0][:40]} s; expected a positive number.")
    if not all(abs(azimuth) <= 720 for azimuth in azimuths):
        raise BadFile(f"{where}: azimuths {azimuths} of the sensors; expected degrees.")
    magnetic, electric = _sensors(azimuths)
    places = zip(("x", "y", "z", "latitude", "longitude"), (x, y, z, latitude, longitude), strict=True)
    for name, value in places:
        if not abs(value) < FARTHEST:
            raise BadFile(f"{where}: {name} is {value:g}; expected m for x, y, z, degrees else.")
    component = tokens[7].upper()
    if component not in DATA_TYPES[header.keyword]:
        raise BadFile(
            f"{where}: component {tokens[7][:20]!r}; {header.keyword} has "
            f"{', '.join(DATA_TYPES[header.keyword])}."
        )
    value = complex(real, -imaginary if header.conjugate else imaginary)
    exists = abs(real) < MISSING and abs(imaginary) < MISSING
    return Row(
        header,
        line,
        period,
        tokens[1],
        latitude,
        longitude,
        x,
        y,
        z,
        component,
        value * header.factor if exists else complex("nan"),
        error * header.factor if 0 < error < NO_ERROR else float("nan"),
        magnetic,
        electric,
    )


def _sensors(azimuths: list[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Azimuths of (Hx, Hy) and (Ex, Ey) from the columns there are, as ModEM completes them."""
    hx = azimuths[0] if azimuths else 0.0
    hy = azimuths[1] if len(azimuths) > 1 else hx + 90.0
    ex = azimuths[2] if len(azimuths) > 2 else hx
    return (hx, hy), (ex, azimuths[3] if len(azimuths) > 3 else ex + 90.0)


def read_rows(path: FilePath) -> list[Row]:
    """Every row of every block, in the order of the file.

    Raises `ValueError`, with file, line and what was expected, for a header that is incomplete or
    unknown, a row that is malformed or occurs twice, or a file without rows.
    """
    text = text_of(path, "a ModEM list file")
    rows: list[Row] = []
    header: Header | None = None
    opening: list[str] = []
    seen: dict[tuple, int] = {}
    for k, line in enumerate(LINE_END.split(text)):
        where, line = f"{path}, line {k + 1}", line.strip()
        if not line or (line.startswith("+") and header is None and not opening):
            continue
        if opening and not line.startswith(">"):
            raise BadFile(
                f"{where}: the header ends after {len(opening)} lines; expected six that start with "
                "'>': data type, time dependence, unit, orientation, origin, counts."
            )
        if line.startswith("#"):
            header = None
        elif line.startswith(">") and header is None:
            opening.append(line)
            if len(opening) == 6:
                header, opening = _header(where, opening), []
        elif header is None:
            raise BadFile(
                f"{where}: {line[:40]!r} comes before a header; expected a comment that starts with "
                "'#', then six lines that start with '>'."
            )
        else:
            row = _row(where, k + 1, line, header)
            key = (header.keyword, row.code, row.period, row.component)
            if key in seen:
                raise BadFile(
                    f"{where}: station {row.code} has {row.component} at {row.period:g} s already in "
                    f"line {seen[key]}; remove one."
                )
            seen[key] = k + 1
            rows.append(row)
    if opening or not rows:
        raise BadFile(
            f"{path} ends {'inside a header' if opening else 'without a row of data'}; expected a ModEM "
            f"list file: headers, then rows of {COLUMNS}."
        )
    return rows
