"""J-files (A. G. Jones, J-format 2.0, 1994): what BIRRP and other programs write for one station."""

import re

import numpy as np

from ..atomic import FilePath
from ..conventions import OHM_PER_PRACTICAL
from ..processing.site import Site
from .elements import ELEMENTS, Datum, Tensors, tensors
from .free_format import FreeFormat, number
from .frequencies import HIGHEST, LOWEST, possible
from .impedances import resistivities
from .place import degrees_of, metres_of
from .statements import statements

TYPE = re.compile(r"([A-Z][XYZ][XY])\b\s*+(.*)", re.IGNORECASE)
INFORMATION = re.compile(r">\s*+([A-Za-z]\w*+)\s*+=\s*+(.*)")

MISSING = -999.0
MOST = 100_000

LARGEST_RESISTIVITY = 1e6
"""ohm m: impedances that mean more are not in the unit they are taken in."""


def _row(file: FreeFormat, kind: str) -> Datum | None:
    """The datum of a row; None for a row that is missing."""
    text = file.line(f"a row of {kind}")
    numbers = [number(token) for token in text.split()]
    if len(numbers) < 4 or None in numbers:
        raise file.bad(f"malformed row {text[:60]!r}; expected period, real, imaginary, error of {kind}.")
    period, real, imaginary, error = (np.nan if n is None or n == MISSING else n for n in numbers[:4])
    weight = numbers[4] if len(numbers) > 4 else None
    if np.isnan(period) or (weight is not None and weight < 0):
        return None
    # The format writes a frequency as a negative period.
    frequency = np.inf if period == 0 else -period if period < 0 else 1 / period
    if not possible(frequency):
        raise file.bad(
            f"the period {period:g} s is damage; expected {1 / HIGHEST:g} to {1 / LOWEST:g} s. Correct it, "
            "or remove the row."
        )
    value = complex(real, imaginary) if abs(real) < 1e30 and abs(imaginary) < 1e30 else complex("nan")
    # The deviation is that of the complex number.
    return Datum(file.next, kind, frequency, value, error / np.sqrt(2) if 0 < error < 1e30 else np.nan)


def _rows(file: FreeFormat) -> tuple[dict[str, str], list[str], dict[str, str], list[Datum]]:
    """The information block, comments and names, the unit of each element, and the rows."""
    information: dict[str, str] = {}
    words: list[str] = []
    units: dict[str, str] = {}
    rows: list[Datum] = []
    while not file.ended:
        text = file.line("a block")
        if not text or text.startswith("#"):
            words += [text] if text else []
        elif match := INFORMATION.match(text):
            information.setdefault(match[1].upper(), match[2].strip())
        elif (match := TYPE.fullmatch(text)) and re.fullmatch(r"\d{1,6}", file.ahead):
            kind = match[1].upper()
            count = file.whole(f"how many rows {kind} has", 1, 0, MOST)[0]
            if kind in units:
                raise file.bad(f"a second block {kind}; the file must hold one station, remove one.")
            units[kind] = match[2].upper()
            if kind in ELEMENTS:
                rows += [row for row in (_row(file, kind) for _ in range(count)) if row is not None]
            else:
                for _ in range(count):
                    file.line(f"a row of {kind}")
        elif not rows and not text.startswith(">"):
            words.append(text)
        elif rows:
            raise file.bad(f"{text[:60]!r}; expected the name of an element and, below it, how many rows.")
    return information, words, units, rows


def _factor(words: list[str], units: dict[str, str], found: Tensors) -> float:
    """Ohm of one unit of impedance.

    The format knows SI (ohm) and field units, (mV/km)/nT. BIRRP writes S.I. for field units; so do others:
    where ohm would mean resistivities that no ground has, field units are taken.
    """
    stated = " ".join(unit for kind, unit in units.items() if kind.startswith("Z"))
    if "BIRRP" in " ".join(words).upper() or not re.search(r"S\.?I\b|OHM", stated):
        return OHM_PER_PRACTICAL
    in_ohm = resistivities(found.z, found.frequencies)
    large = in_ohm.size and np.median(in_ohm) > LARGEST_RESISTIVITY
    return OHM_PER_PRACTICAL if large else 1.0


def read_jfile(path: FilePath, *, conjugate: bool | None = None) -> Site:
    r"""The station of a J-file: ohm, $e^{+i\omega t}$, highest frequency first.

    - `conjugate`: True if the file uses $e^{-i\omega t}$; None decides by the quadrants.

    The error of a row is the deviation of the complex number; it is divided by $\sqrt 2$ here. Rows of
    -999 and rows of negative weight are missing. `azimuth` is AZIMUTH of the information block. Raises
    `BadFile`, with the line, for a file that is damaged or holds neither an impedance nor a tipper.
    """
    file = FreeFormat(path, "a J-file")
    information, words, units, rows = _rows(file)
    found = tensors(file, rows, conjugate)
    factor = _factor(words, units, found)
    names = [word for word in words if not word.startswith("#")]
    latitude = degrees_of(information.get("LATITUDE", ""), 90.0)
    longitude = degrees_of(information.get("LONGITUDE", ""), 360.0)
    azimuth = number(information.get("AZIMUTH", ""))
    azimuth = azimuth if azimuth is not None and abs(azimuth) <= 360 else 0.0
    return Site(
        name=re.sub(r"\s+[+-]?\d++\.\d*+$", "", names[-1]) if names else file.path.stem,
        latitude=np.nan if latitude is None else latitude,
        longitude=np.nan if longitude is None else longitude,
        elevation=metres_of(information.get("ELEVATION", "")),
        frequencies=found.frequencies,
        z=found.z * factor,
        z_error=found.z_error * factor,
        tipper=found.tipper,
        tipper_error=found.tipper_error,
        azimuth=np.full(found.frequencies.size, azimuth),
        **statements(
            (found.sign, found.sign.endswith("conjugated")),
            (f"impedances taken in units of {factor:.6g} ohm, errors divided by sqrt(2)", True),
            (f"x axis {azimuth:g} degrees from north (AZIMUTH)", azimuth != 0),
        ),
    )
