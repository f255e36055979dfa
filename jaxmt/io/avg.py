"""AVG files that Zonge's MTEdit writes: magnitudes and phases of a station's transfer functions."""

import re

import numpy as np

from ..atomic import FilePath
from ..conventions import OHM_PER_PRACTICAL
from ..processing.site import Site
from .elements import ELEMENTS, Datum, tensors
from .free_format import FreeFormat, number
from .frequencies import possible
from .place import degrees_of, metres_of
from .statements import statements

SETTING = re.compile(r"\$\s*+([\w.:]++)\s*+=\s*+(.*)")
COLUMNS = ("FREQ", "Z.MAG", "Z.PHZ", "Z.PERR")


def _datum(file: FreeFormat, text: str, element: str, columns: dict[str, int]) -> Datum | None:
    """The datum of a row; None for a row that MTEdit skips."""
    cells = [cell.strip() for cell in text.split(",")]
    if len(cells) <= max(columns.values()):
        raise file.bad(f"malformed row {text[:60]!r}; expected {max(columns.values()) + 1} columns.")
    if "SKP" in columns and cells[columns["SKP"]] == "0":
        return None
    numbers = [number(cells[columns[name]]) for name in COLUMNS]
    frequency, magnitude, phase, error = (np.nan if n is None else n for n in numbers)
    if not possible(frequency) or np.isnan(magnitude) or np.isnan(phase):
        raise file.bad(f"malformed row {text[:60]!r}; expected a frequency, a magnitude and a phase.")
    if not 0 <= magnitude < 1e30 or not abs(phase) < 1e5:
        raise file.bad(f"magnitude {magnitude:g}, phase {phase:g} mrad; the row is damaged.")
    value = magnitude * np.exp(1e-3j * phase)
    # An error of the phase of so many mrad is one of as many thousandths of the magnitude.
    deviation = 1e-3 * error * magnitude
    return Datum(file.next, element, frequency, value, deviation if deviation > 0 else np.nan)


def _read(file: FreeFormat) -> tuple[dict[str, str], list[Datum]]:
    """The settings, the first of each name, and the rows of impedances and tippers."""
    settings: dict[str, str] = {}
    data: list[Datum] = []
    element, columns = "", {}
    while not file.ended:
        text = file.line("a row")
        if not text or text.startswith(("\\", "!")):
            continue
        if match := SETTING.match(text):
            settings.setdefault(match[1].upper(), match[2].strip().strip('"'))
            if match[1].upper() == "RX.CMP":
                element = match[2].strip().upper()
                element = element if element in ELEMENTS else element.removesuffix("R")
        elif text.upper().startswith("SKP"):
            names = [name.strip().upper() for name in text.split(",")]
            columns = {name: k for k, name in enumerate(names)}
            if missing := [name for name in COLUMNS if name not in columns]:
                raise file.bad(
                    f"the columns lack {', '.join(missing)}; only AVG files of MTEdit with tensors "
                    "(Rx.Cmp, Z.mag, Z.phz) can be read. Export an EDI file."
                )
        elif element in ELEMENTS and columns:
            datum = _datum(file, text, element, columns)
            data += [] if datum is None else [datum]
        elif not columns or not element:
            raise file.bad(
                f"{text[:60]!r} comes before $Rx.Cmp= and the names of the columns; only AVG files of "
                "MTEdit with tensors can be read. Export an EDI file."
            )
    return settings, data


def read_avg(path: FilePath, *, conjugate: bool | None = None) -> Site:
    r"""The station of an AVG file: ohm, $e^{+i\omega t}$, highest frequency first.

    - `conjugate`: True if the file uses $e^{-i\omega t}$; None decides by the quadrants.

    Magnitudes are in (mV/km)/nT, phases and their errors in mrad: an error of the phase of so many mrad
    means a deviation of the real and of the imaginary part each of as many thousandths of the magnitude.
    Rows that MTEdit skips (Skp 0) are left out. Raises `BadFile`, with the line, for a file that is
    damaged, or written by another program than MTEdit.
    """
    file = FreeFormat(path, "an AVG file of Zonge")
    settings, data = _read(file)
    found = tensors(file, data, conjugate)
    latitude = degrees_of(settings.get("GPS.LAT", ""), 90.0)
    longitude = degrees_of(settings.get("GPS.LON", ""), 360.0)
    centre = settings.get("RX.CENTER", "").split(":")
    return Site(
        name=settings.get("STN.NAME") or settings.get("RX.GDPSTN") or file.path.stem,
        latitude=np.nan if latitude is None else latitude,
        longitude=np.nan if longitude is None else longitude,
        elevation=metres_of(centre[2]) if len(centre) > 2 else np.nan,
        frequencies=found.frequencies,
        z=found.z * OHM_PER_PRACTICAL,
        z_error=found.z_error * OHM_PER_PRACTICAL,
        tipper=found.tipper,
        tipper_error=found.tipper_error,
        azimuth=np.zeros(found.frequencies.size),
        **statements(
            (found.sign, found.sign.endswith("conjugated")),
            ("impedances converted from (mV/km)/nT to ohm, errors from those of the phase", False),
            ("axes taken as north and east", True),
        ),
    )
