"""The MT2D lists that carry COPROD2: data (MT2DData_1.0) and models (EM2DModelFile)."""

import re

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath
from ..conventions import OFF_DIAGONAL
from ..data import Data
from ..processing import data_with_errors
from ..processing.floors import plausible
from ..simulation.mesh import Mesh
from ..simulation.survey import Survey
from .free_format import MOST_CELLS, FreeFormat, count_after, number
from .frequencies import possible
from .impedances import opposite_sign

IMPEDANCES = ("ZXY", "ZYX")
MOST = 100_000


def _count(file: FreeFormat, key: str, most: int = MOST) -> int:
    """The number after `key:`; comment lines before it are skipped."""
    text = file.line(f"the line {key}:")
    while text.startswith("#") or not text:
        text = file.line(f"the line {key}:")
    count = count_after(text, key, most)
    if count is None:
        raise file.bad(f"{text[:60]!r}; expected {key}: and how many there are, at most {most}.")
    return count


def _skip_comments(file: FreeFormat) -> None:
    while file.ahead.startswith("#"):
        file.line("a comment")


def read_coprod2(path: FilePath) -> Data:
    r"""Data along a profile from a list of impedances, as COPROD2 is handed on (MT2DData_1.0).

    ZXY is TE, ZYX is TM, in ohm; y in m; one error for the real and for the imaginary part each. The
    format does not state its time dependence: impedances in the quadrants of $e^{-i\omega t}$ are
    conjugated. Raises `BadFile`, with the line, for a file that is damaged.
    """
    return coprod2_data(path)[0]


def coprod2_data(path: FilePath, relative_error: float | None = None) -> tuple[Data, str]:
    """As `read_coprod2`, and what was done to errors in words.

    - `relative_error`: of |Z|, instead of errors that are not positive or absurd; without it these are
      refused and kept.
    """
    file = FreeFormat(path, "a list MT2DData_1.0")
    text = file.line("Format: MT2DData_1.0")
    if "MT2DDATA" not in text.upper():
        raise file.bad(f"{text[:60]!r}; expected Format: MT2DData_1.0.")
    places = _count(file, "Receiver Location (m)")
    _skip_comments(file)
    y = [_pair(file) for _ in range(places)]
    frequencies = file.take("the frequencies in Hz", _count(file, "Frequencies (Hz)"))
    if not all(possible(f) for f in frequencies):
        raise file.bad("a frequency is not positive, or too large; expected Hz.")
    kind = file.line("DataType: Impedance")
    if "IMPEDANCE" not in kind.upper():
        raise file.bad(f"{kind[:60]!r}; expected DataType: Impedance.")
    components = [file.line("a component").upper() for _ in range(_count(file, "DataComp"))]
    if set(components) - set(IMPEDANCES) or len(set(components)) != len(components):
        raise file.bad(f"components {components}; expected ZXY, ZYX or both.")
    if len(frequencies) * places > MOST_CELLS:
        raise file.bad(f"{places} receivers and {len(frequencies)} frequencies; the file is damaged.")
    announced = _count(file, "Data Block", 2 * MOST_CELLS)
    _skip_comments(file)
    z = np.full((2, len(frequencies), places), np.nan + 0j)
    errors = np.full(z.shape, np.nan)
    for _ in range(announced):
        text = file.line(f"one of {announced} data")
        numbers = [number(token) for token in text.split()]
        if len(numbers) != 6 or None in numbers or not np.all(np.isfinite(np.array(numbers, dtype=float))):
            raise file.bad(f"malformed row {text[:60]!r}; expected FreqNo RxNo DataType Real Imag Error.")
        f, s, c, real, imaginary, error = (float(n) for n in numbers if n is not None)
        sizes = (len(frequencies), places, len(components))
        if any(n not in range(1, size + 1) for n, size in zip((f, s, c), sizes, strict=True)):
            raise file.bad(f"frequency {f:g}, receiver {s:g}, component {c:g}; there are {sizes}.")
        at = IMPEDANCES.index(components[int(c) - 1]), int(f) - 1, int(s) - 1
        if np.isfinite(z[at]):
            raise file.bad(f"frequency {f:g}, receiver {s:g}, component {c:g} occur twice; remove one.")
        damaged = relative_error is None and not 0 < error < 1e9
        if damaged or not 0 < abs(complex(real, imaginary)) < 1e9:
            raise file.bad(f"the datum is {real:g}, {imaginary:g} +- {error:g} ohm; the row is damaged.")
        z[at], errors[at] = complex(real, imaginary), error
    if not file.ended:
        raise file.bad(f"expected the end of the file after {announced} data.", file.next + 1)
    tensor = np.full((z[0].size, 2, 2), np.nan + 0j)
    tensor[:, *OFF_DIAGONAL] = z.reshape(2, -1).T
    z = z.conj() if opposite_sign(tensor) else z
    text = ""
    if relative_error is not None:
        relative, text = plausible("Z", errors / np.abs(z), np.isfinite(z), relative_error)
        errors = relative * np.abs(z)
    absent = np.full(z[0].shape, np.nan)
    survey = Survey(frequencies, y)
    tables = (z[0], errors[0]), (z[1], errors[1]), (absent + 0j, absent)
    return data_with_errors("read_coprod2", survey, *tables), text


def _pair(file: FreeFormat) -> float:
    """Y of a receiver, m; its z must be 0."""
    y, z = file.take("y and z of a receiver in m", 2)
    if not abs(y) < 1e9 or z != 0:
        raise file.bad(f"a receiver at y = {y:g} m, z = {z:g} m; expected one at the ground.")
    return y


def read_coprod2_model(path: FilePath) -> tuple[Mesh, Float[np.ndarray, "earth y"]]:
    """Mesh and resistivity, ohm m, of shape `mesh.shape`, from a model file EM2DModelFile.

    The file has its own air, which is kept, and its origin, so that y is that of the data list. Raises
    `BadFile`, with the line, for a file that is damaged or holds anything but linear conductivities.
    """
    file = FreeFormat(path, "an EM2DModelFile")
    if "EM2DMODELFILE" not in file.line("Format: EM2DModelFile").upper():
        raise file.bad("expected Format: EM2DModelFile.", 1)
    widths = file.steps("the column widths", _count(file, "NY"))
    air = file.steps("the heights of the air rows", _count(file, "NAIR"))
    heights = file.steps("the row heights", _count(file, "NZ"))
    for key, expected in (("Resistivity Type", "conductivity"), ("Model Type", "linear")):
        text = file.line(f"{key}: {expected}")
        if text.lower().replace(" ", "") != f"{key}:{expected}".lower().replace(" ", ""):
            raise file.bad(f"{text[:60]!r}; expected {key}: {expected}.")
    section = np.array([file.take(f"row {k + 1} of the section", len(widths)) for k in range(len(heights))])
    if not np.all(section > 0):
        raise file.bad("a conductivity is not positive; expected S/m.")
    match = re.fullmatch(r"Origin\s*\(m\)\s*:\s*(\S+)\s+(\S+)", file.line("Origin (m):"), re.IGNORECASE)
    origin = [None] if match is None else [number(text) for text in match.groups()]
    if None in origin or not np.all(np.isfinite(np.array(origin, dtype=float))):
        raise file.bad("expected Origin (m): y and z.")
    y0, z0 = (float(n) for n in origin if n is not None)
    depth = np.concatenate([-np.cumsum(air)[::-1], [0.0], np.cumsum(heights)])
    if z0 != 0 or len(widths) < 2 or len(heights) < 2:
        raise file.bad(f"origin at z = {z0:g} m; expected 0, and at least 2 rows and columns.")
    return Mesh(np.concatenate([[0.0], np.cumsum(widths)]) - y0, depth), 1 / section
