"""The rows of a ModEM list file, converted to SI units and the time dependence of jaxmt."""

import dataclasses
import re

from ..atomic import FilePath
from ..conventions import MU_0, OHM_PER_PRACTICAL
from .free_format import LINE_END, BadFile, text_of

NO_ERROR = 1e15
"""ModEM writes 2e15 for a datum without error."""

MISSING = 1e30
"""A value this large is missing; so is NaN."""

FARTHEST = 1e9
"""A coordinate (m) or a period (s) this large is damage."""

COLUMNS = "period code latitude longitude x y z component real imaginary error"
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[ED][+-]?\d+)?|NAN", re.IGNORECASE)

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
OHM_PER_UNIT = {
    "[v/m]/[t]": MU_0,
    "[mv/km]/[nt]": OHM_PER_PRACTICAL,
    "[v/m]/[a/m]": 1.0,
    "ohm": 1.0,
    "[ohm]": 1.0,
}


@dataclasses.dataclass(frozen=True)
class Header:
    r"""What the lines before a block of rows say.

    - `factor`: ohm (or 1, for tippers) of one unit of the file.
    - `conjugate`: True for $e^{-i\omega t}$.
    - `orientation`: degrees clockwise from north of the x axis.
    """

    keyword: str
    factor: float
    conjugate: bool
    orientation: float


@dataclasses.dataclass(frozen=True)
class Row:
    r"""One datum: s, degrees, m, and ohm (or 1) with $e^{+i\omega t}$.

    - `value`: NaN if missing. `error`: of the real and of the imaginary part each; NaN for none.
    - `line`: its number in the file, from 1.
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


def _numbers(texts: list[str]) -> list[float] | None:
    """Numbers as Fortran writes them; None if one is none."""
    if not all(NUMBER.fullmatch(text) for text in texts):
        return None
    return [float("nan" if text.upper() == "NAN" else text.upper().replace("D", "E")) for text in texts]


def _header(where: str, lines: list[str]) -> Header:
    """The header from its six lines; origin and counts are not used."""
    keyword, sign, unit, orientation, _, _ = (line[1:].strip() for line in lines)
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
    compact = unit.replace(" ", "").lower()
    if name not in DIMENSIONLESS and compact not in OHM_PER_UNIT:
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
    factor = 1.0 if name in DIMENSIONLESS else OHM_PER_UNIT[compact]
    return Header(name, factor, "-" in sign, degrees[0])


def _row(where: str, line: int, text: str, header: Header) -> Row:
    tokens = text.split()
    numbers = _numbers(tokens[:1] + tokens[2:7] + tokens[8:]) if len(tokens) == 11 else None
    if numbers is None:
        raise BadFile(f"{where}: malformed row {text.strip()[:60]!r}; expected 11 columns: {COLUMNS}.")
    period, latitude, longitude, x, y, z, real, imaginary, error = numbers
    if not 0 < period < FARTHEST or not 1 / period < FARTHEST:
        raise BadFile(f"{where}: the period is {tokens[0]} s; expected a positive number.")
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
    )


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
