"""Occam2D data and response files: apparent resistivities and phases along a profile."""

import re
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..conventions import IMPEDANCE, MODES, PHASE, RHO, TIPPER, rows_of
from ..data import ERRORS, LARGEST, Data, impedance_error_scale
from ..processing.floors import TIPPER_FLOOR, plausible
from ..processing.polarity import SIGNS
from ..simulation.survey import Survey
from .free_format import MOST_CELLS, FreeFormat, count_after, number
from .frequencies import possible
from .names import one_line

ROWS = {1: RHO[0], 2: PHASE[0], 3: TIPPER[0], 4: TIPPER[1], 5: RHO[1], 6: PHASE[1]}
"""Row of `COMPONENTS` of each type: log10 rho TE, phase TE, tipper, log10 rho TM, phase TM."""

LINEAR = {9: RHO[0], 10: RHO[1]}
"""Types of apparent resistivity in ohm m, TE and TM, and the rows of their logarithms."""

Table = Float[np.ndarray, "6 freq site"]

KINDS = "1-6, 9 and 10"
MOST = 100_000
"""More sites or frequencies than this are damage."""

MARGIN = 5.0
"""Degrees outside the first quadrant that phases may lie by their errors."""

COMPONENT_TYPES = (1, 2, 5, 6, 3, 4)
TABLE_HEADER = "SITE  FREQ  TYPE  DATUM  ERROR"


def _count(file: FreeFormat, key: str, most: int = MOST) -> int:
    """The number after `key:` on the next line."""
    text = file.line(f"the line {key}:")
    count = count_after(text, key, most)
    if count is None:
        raise file.bad(f"{text[:60]!r}; expected {key}: and how many there are, at most {most}.")
    return count


def _numbers(file: FreeFormat, key: str, count: int, valid: Callable[[float], bool]) -> list[float]:
    values = file.take(key, count)
    for value in values:
        if not valid(value):
            raise file.bad(f"{value:g} is not one of {key}.")
    return values


def read_occam2d(path: FilePath, signs: str = "mend") -> Data:
    r"""Data along a profile from an Occam2D data file (OCCAM2MTDATA_1.0).

    Types 1, 2 (log10 rho and phase, TE), 5, 6 (the same, TM), 3, 4 (tipper, real and imaginary) and 9,
    10 (rho in ohm m, TE and TM; its error becomes $\sigma/(\rho\ln 10)$). Offsets are y in m. Errors are
    the standard deviations that the file states. TM phases lie in the first quadrant there, as here; a
    mode whose phases all lie in the third is moved there, with a warning, or left, with `signs="keep"`; one
    with most of them outside the first is warned of. The file does not say which way its tippers point:
    they are kept as they are. Raises `BadFile`, with the line, for a file that is damaged, incomplete, or
    holds other types or a datum twice.
    """
    data, told = occam2d_data(path, signs)
    if told["sign"]:
        warnings.warn(f"{path}: {told['sign']}.", stacklevel=2)
    return data


def occam2d_data(
    path: FilePath, signs: str = "mend", relative_error: float | None = None
) -> tuple[Data, dict[str, str]]:
    """As `read_occam2d`, with what it says of signs and of errors in words; "" for nothing.

    - `relative_error`: of |Z|, instead of errors that are not positive or absurd; without it these are
      refused and kept.
    """
    if signs not in SIGNS:
        raise ValueError(f"`read_occam2d(signs=...)` must be one of {', '.join(SIGNS)}. Got {signs!r}.")
    file = FreeFormat(path, "an Occam2D data file")
    text = file.line("FORMAT: OCCAM2MTDATA_1.0")
    if "OCCAM2MTDATA" not in text.upper():
        raise file.bad(f"{text[:60]!r}; expected FORMAT: OCCAM2MTDATA_1.0.")
    if re.match(r"TITLE\s*:", file.ahead, re.IGNORECASE):
        file.line("the title")
    names = [file.line("the name of a site") for _ in range(_count(file, "SITES"))]
    text = file.line("OFFSETS (M):")
    if not re.fullmatch(r"OFFSETS\s*\(M\)\s*:", text, re.IGNORECASE):
        raise file.bad(f"{text[:60]!r}; expected OFFSETS (M): after {len(names)} names of sites.")
    offsets = _numbers(file, "the offsets in m", len(names), lambda y: abs(y) < 1e9)
    count = _count(file, "FREQUENCIES")
    frequencies = _numbers(file, "the frequencies in Hz", count, possible)
    if len(frequencies) * len(names) > MOST_CELLS:
        raise file.bad(f"{len(names)} sites and {count} frequencies; the file is damaged.")
    announced = _count(file, "DATA BLOCKS", 6 * MOST_CELLS)
    if file.line(TABLE_HEADER).upper().split() != TABLE_HEADER.split():
        raise file.bad(f"{file.lines[file.next - 1].strip()[:60]!r}; expected {TABLE_HEADER}.")
    shape = (6, len(frequencies), len(names))
    values, errors, first = np.full(shape, np.nan), np.full(shape, np.nan), {}
    while not file.ended:
        kind, f, s, value, error = _row(file, shape, refuse=relative_error is None)
        key = (ROWS | LINEAR)[kind], f, s
        if key in first:
            raise file.bad(f"site {s + 1}, frequency {f + 1} and type {kind} are in line {first[key]} too.")
        first[key] = file.next
        if kind in LINEAR:
            if not value > 0:
                raise file.bad(f"the apparent resistivity is {value:g} ohm m; expected a positive number.")
            value, error = np.log10(value), error / (value * np.log(10))
        values[key], errors[key] = value, error
    if len(first) != announced:
        raise file.bad(
            f"the file announces {announced} data but holds {len(first)}; it is damaged, copy it again."
        )
    modes = [m for m in MODES if np.isfinite(values[list(rows_of(m))]).any()]
    values, found = _first_quadrant(values, signs)
    told = {"sign": found, "error": ""}
    if relative_error is not None:
        errors, told["error"] = _plausible(values, errors, relative_error)
    return Data(Survey(frequencies, offsets, modes=modes, names=names), values, errors), told


def _plausible(values: Table, errors: Table, relative_error: float) -> tuple[Table, str]:
    """The errors, those that cannot be replaced by a floor, and how many."""
    scale = np.array([*impedance_error_scale(), 1.0, 1.0])[:, None, None]
    there, relative = np.isfinite(values), errors / scale
    parts = ((list(IMPEDANCE), "rho and phase", relative_error), (list(TIPPER), "the tipper", TIPPER_FLOOR))
    texts = []
    for rows, what, floor in parts:
        relative[rows], text = plausible(what, relative[rows], there[rows], floor)
        texts.append(text)
    return relative * scale, "; ".join(filter(None, texts))


def _first_quadrant(
    values: Float[np.ndarray, "6 freq site"], signs: str
) -> tuple[Float[np.ndarray, "6 freq site"], str]:
    """The data, phases of a mode that all lie in the third quadrant moved by 180 degrees to mend them; and
    what was found.
    """
    values, told = values.copy(), []
    for mode, row in zip(MODES, PHASE, strict=True):
        off = np.abs((values[row] - 45 + 180) % 360 - 180)
        known = int(np.isfinite(off).sum())
        outside = int((off > 45 + MARGIN).sum())
        if known and (off[np.isfinite(off)] > 90).all():
            deed = "left as they are, as asked"
            if signs == "mend":
                values[row] = (values[row] + 360) % 360 - 180
                deed = "moved by 180 degrees"
            told.append(f"all {known} phases of {mode.upper()} lie in the third quadrant; {deed}")
        elif 2 * outside > known:
            told.append(
                f"{outside} of {known} phases of {mode.upper()} lie outside the first quadrant; doubtful, "
                "not changed"
            )
    return values, "; ".join(told)


def _row(
    file: FreeFormat, shape: tuple[int, int, int], *, refuse: bool
) -> tuple[int, int, int, float, float]:
    """Type, frequency and site (from 0), datum and error of the next row.

    - `refuse`: whether an error that is not positive, or beyond all numbers, is damage.
    """
    text = file.line("a datum")
    numbers = [number(token) for token in text.split()]
    if len(numbers) != 5 or None in numbers or not np.all(np.isfinite(np.array(numbers, dtype=float))):
        raise file.bad(f"malformed row {text[:60]!r}; expected {TABLE_HEADER}.")
    s, f, kind, value, error = (float(n) for n in numbers if n is not None)
    if kind not in ROWS | LINEAR:
        raise file.bad(f"type {kind:g}; those that are read are {KINDS}.")
    if s not in range(1, shape[2] + 1) or f not in range(1, shape[1] + 1):
        raise file.bad(f"site {s:g}, frequency {f:g}; there are {shape[2]} sites, {shape[1]} frequencies.")
    if refuse and not error > 0:
        raise file.bad(f"the error is {error:g}; expected a positive standard deviation.")
    most = 1e6 if kind in LINEAR else LARGEST[ROWS[int(kind)]]
    if not (abs(value) < most and (error < ERRORS[1] or not refuse)):
        raise file.bad(f"the datum is {value:g} +- {error:g}; the row is damaged.")
    return int(kind), int(f) - 1, int(s) - 1, value, error


def read_occam2d_response(path: FilePath, data: Data) -> Float[np.ndarray, "comp freq site"]:
    """Predicted data of an Occam2D response file, in the order of `COMPONENTS`; NaN where it has none.

    - `data`: from the data file of the same run; it names the sites and frequencies that rows count.

    A row holds site, frequency, type, 0, datum, response and residual over error; Occam2D prints five
    digits. Raises `BadFile`, with the line, for a row that is damaged or no datum of `data`.
    """
    file = FreeFormat(path, "an Occam2D response file")
    predicted = np.full(data.values.shape, np.nan)
    while not file.ended:
        text = file.line("a response")
        numbers = [number(token) for token in text.split()]
        if len(numbers) != 7 or None in numbers:
            raise file.bad(f"malformed row {text[:60]!r}; expected site, frequency, type and 4 numbers.")
        s, f, kind, _, _, response, _ = (float(n) for n in numbers if n is not None)
        shape = data.values.shape
        known = kind in ROWS | LINEAR and s in range(1, shape[2] + 1) and f in range(1, shape[1] + 1)
        if not known or not data.mask[(ROWS | LINEAR)[int(kind)], int(f) - 1, int(s) - 1]:
            raise file.bad(f"site {s:g}, frequency {f:g}, type {kind:g}: the data have no such datum.")
        if kind in LINEAR:
            response = np.log10(response) if response > 0 else np.nan
        predicted[(ROWS | LINEAR)[int(kind)], int(f) - 1, int(s) - 1] = response
    return predicted


def write_occam2d(path: FilePath, data: Data, *, title: str = "written by jaxmt") -> None:
    """Writes an Occam2D data file: types 1, 2, 5, 6, and 3, 4 for tippers, as far as they exist.

    Data and errors are printed to nine digits, offsets to the millimetre. Depths of stations have no
    place in the file, which appears whole or not at all. Names and title are put on a line each, without
    blanks around them.
    """
    survey = data.survey
    rows = [
        f"{s + 1:4d} {f + 1:4d} {kind:4d} {data.values[c, f, s]: .8E} {data.errors[c, f, s]:.8E}"
        for s in range(survey.stations.size)
        for f in range(survey.frequencies.size)
        for c, kind in enumerate(COMPONENT_TYPES)
        if data.mask[c, f, s]
    ]
    lines = [
        "FORMAT:           OCCAM2MTDATA_1.0",
        f"TITLE:            {one_line(title)}",
        *_section("SITES:", [one_line(name) for name in survey.names]),
        "OFFSETS (M):",
        *(f"   {y:.3f}" for y in survey.stations),
        *_section("FREQUENCIES:", [f"{f:.12E}" for f in survey.frequencies]),
        f"DATA BLOCKS:      {len(rows)}",
        TABLE_HEADER,
        *rows,
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _section(key: str, entries: Sequence[str]) -> list[str]:
    return [f"{key:<18}{len(entries)}", *(f"   {entry}" for entry in entries)]
