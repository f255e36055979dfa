"""EDI files (SEG 1.0): the station of each."""

import re
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Complex, Float

from ..atomic import FilePath
from ..conventions import OHM_PER_PRACTICAL
from ..processing import rotate_tipper
from ..processing.site import Site
from .edi_blocks import EMPTY, EdiBlocks
from .free_format import BadFile
from .impedances import measured, opposite_sign, outside_quadrants, quadrants, without_zeros

TENSOR = (("XX", 0, 0), ("XY", 0, 1), ("YX", 1, 0), ("YY", 1, 1))
FLAG = 999.0
METRES_PER_FOOT = 0.3048
VARIANCES = ("variance", "standard_error")
ANGLE = re.compile(r"([+-]?)\s*(\d+\.?\d*|\.\d+)(?:\s*:\s*(\d+\.?\d*))?(?:\s*:\s*(\d+\.?\d*))?\s*([NSEW]?)")

Component = tuple[Complex[np.ndarray, " freq"], Float[np.ndarray, " freq"]]
Tensor = tuple[Complex[np.ndarray, "freq 2 2"], Float[np.ndarray, "freq 2 2"]]
Tipper = tuple[Complex[np.ndarray, "freq 2"], Float[np.ndarray, "freq 2"]]


def _number(text: str) -> float:
    """The number at the start of an option's text; NaN for none and for EMPTY."""
    match = re.match(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d{1,3})?", text)
    value = float(match[0].upper().replace("D", "E")) if match else np.nan
    return value if abs(value) < 0.99 * EMPTY else np.nan


def _angle(edi: EdiBlocks, key: str, limit: float) -> float:
    """Degrees of LAT or LONG in HEAD, else of the reference in DEFINEMEAS, else NaN."""
    for prefix, block in (("", "HEAD"), ("REF", "=DEFINEMEAS")):
        options = edi.options(block)
        text = options.get(prefix + key, options.get(prefix + key[:3], "")).upper()
        if text in ("", "NAN", "NONE") or re.fullmatch(r"[+-]?[\d.]+[ED]\+?3\d", text):
            continue
        match = ANGLE.fullmatch(text)
        if match is None:
            raise BadFile(
                f"{edi.path}: {prefix}{key}={text[:40]!r} is not an angle; write decimal degrees or "
                "degrees:minutes:seconds."
            )
        degrees, minutes, seconds = (float(part or 0) for part in match.groups()[1:4])
        value = degrees + minutes / 60 + seconds / 3600
        if minutes > 60 or seconds > 60 or value > limit:
            raise BadFile(
                f"{edi.path}: {prefix}{key}={text[:40]!r} is out of range; at most {limit:g} degrees, "
                "60 minutes and 60 seconds."
            )
        # The sign belongs to the whole angle: -0:30:00 is half a degree south.
        value = -value if match[1] == "-" or match[5] in ("S", "W") else value
        return value - 360 if value > 180 else value
    return np.nan


def _usable(frequencies: Float[np.ndarray, " freq"]) -> Bool[np.ndarray, " freq"]:
    """True for frequencies that are positive numbers and no flags.

    999.0 is the flag, unless it stands once, in order, within a decade of another frequency.
    """
    usable = frequencies > 0
    flags = frequencies == FLAG
    others = frequencies[usable & ~flags]
    if flags.sum() == 1 and np.any(np.abs(np.log10(others / FLAG)) < 1):
        steps = np.diff(frequencies[usable])
        flags &= not (np.all(steps > 0) or np.all(steps < 0))
    return usable & ~flags


def _component(edi: EdiBlocks, count: int, kind: str, names: Sequence[Sequence[str]]) -> Component:
    """Complex values, and the deviation of each part, from the blocks (real, imaginary, variance)."""
    real, imaginary, variance = (edi.numbers(spellings, count) for spellings in names)
    absent = np.full(count, np.nan)
    if real is None and imaginary is None:
        return absent + 0j, absent
    if real is None or imaginary is None:
        raise BadFile(
            f"{edi.path} holds only one of the blocks >{names[0][0]} and >{names[1][0]}; export both."
        )
    values = np.where(np.isfinite(real + imaginary), real + 1j * imaginary, np.nan)
    variance = absent if variance is None else np.where(variance > 0, variance, np.nan)
    deviation = np.sqrt(variance) if kind == "variance" else variance
    return values, deviation / np.sqrt(2)


def _azimuth(
    edi: EdiBlocks, count: int, angles: Sequence[str], rotated: Sequence[str]
) -> Float[np.ndarray, " freq"] | None:
    """Degrees from a block of angles, or from ROT=<degrees> of a rotated block; None without either."""
    values = edi.numbers(angles, count)
    if values is None:
        block = edi.find(*rotated)
        degrees = np.nan if block is None else _number(block.options.get("ROT", ""))
        return None if np.isnan(degrees) else np.full(count, degrees)
    return np.where(np.isfinite(values), values, 0.0)


def _tensor(edi: EdiBlocks, count: int, kind: str) -> Tensor:
    """Impedance in ohm and its deviation; zeros off the diagonal are missing values."""
    z, z_error = np.full((count, 2, 2), np.nan + 0j), np.full((count, 2, 2), np.nan)
    for ij, i, j in TENSOR:
        names = [[f"Z{ij}R"], [f"Z{ij}I"], [f"Z{ij}.VAR", f"Z{ij}VAR"]]
        z[:, i, j], z_error[:, i, j] = _component(edi, count, kind, names)
    return without_zeros(z * OHM_PER_PRACTICAL), z_error * OHM_PER_PRACTICAL


def _tipper(edi: EdiBlocks, count: int, kind: str, azimuth: Float[np.ndarray, " freq"]) -> Tipper:
    """Tipper and its deviation, in the axes of `azimuth`; zeros without variance are missing values."""
    tipper, tipper_error = np.full((count, 2), np.nan + 0j), np.full((count, 2), np.nan)
    for j, axis in enumerate("XY"):
        names = [[f"T{axis}{e}.EXP", f"T{axis}{e}", f"T{axis}.{e}"] for e in ("R", "I", "VAR")]
        tipper[:, j], tipper_error[:, j] = _component(edi, count, kind, names)
    tipper = np.where((tipper == 0) & np.isnan(tipper_error), np.nan, tipper)
    own = _azimuth(edi, count, ["TROT.EXP", "TROT"], ["TXR.EXP", "TXR"])
    if own is None:
        return tipper, tipper_error
    return rotate_tipper(tipper, tipper_error, azimuth - own)


def _refusal(edi: EdiBlocks) -> str:
    """Why a file without frequencies or impedances is of no use, and the remedy."""
    names = {block.name for block in edi.blocks}
    if names & {"SPECTRA", "=SPECTRASECT"}:
        return (
            f"{edi.path} holds cross-power spectra, not impedances. Convert it to an EDI file with "
            "impedances first, for example with `TF(path).read()` and `write()` of mt_metadata."
        )
    if "FREQ" in names and names & {"RHOXY", "RHOYX"}:
        return (
            f"{edi.path} holds apparent resistivities but no impedances. Export the blocks >ZXYR, "
            ">ZXYI, ... too: rotation to strike needs the whole tensor."
        )
    lacks = "impedances (blocks >ZXYR, >ZXYI, ...)" if "FREQ" in names else "a >FREQ block"
    return f"{edi.path} lacks {lacks}; export the transfer functions of the station again."


def _azimuth_note(azimuth: Float[np.ndarray, " freq"]) -> str:
    """What ZROT says, if it names other axes than north and east; else nothing."""
    if not np.any(azimuth % 360 != 0):
        return ""
    return (
        f"the file states that its x axis points {azimuth.min():g} to {azimuth.max():g} degrees clockwise "
        "from north (ZROT). Programs disagree on what that means; check it, and give `azimuth=...` if it "
        "is wrong."
    )


def read_edi_site(path: FilePath, *, variance: str = "variance", conjugate: bool = False) -> Site:
    r"""The station of an EDI file: impedance in ohm, $e^{+i\omega t}$, highest frequency first.

    - `variance`: what the `.VAR` blocks hold. "variance", as the standard says: the variance of the
      complex number, so that its real and its imaginary part have the deviation
      $\sqrt{\mathrm{VAR}/2}$ each. "standard_error": its square root, so that they have
      $\mathrm{VAR}/\sqrt 2$; some programs write that.
    - `conjugate`: True if the file uses $e^{-i\omega t}$ against the standard. The reader warns if
      the quadrants say so, and never conjugates unasked.

    Missing values, zero impedances (what some programs write for missing ones) and variances that
    are not positive become NaN; frequencies that are not positive, or the flag 999, are dropped.
    Axes are those of the file: `azimuth` is its ZROT (0 without one), with a warning unless 0,
    because programs disagree on its meaning; a tipper with another TROT is rotated to ZROT. A warning
    also names Zxy or Zyx if it lies outside its quadrant at half of its frequencies or more.
    Raises `BadFile`, a `ValueError`, for a file that is damaged or has no impedances.
    """
    site = edi_site(path, variance=variance, conjugate=conjugate)
    if opposite_sign(site.z):
        warnings.warn(
            f"{path}: {quadrants(site.z)}, but jaxmt takes them as exp(+i omega t). Read the file with "
            "`conjugate=True` if it was written with the other sign.",
            stacklevel=2,
        )
    elif rows := outside_quadrants(site.z):
        warnings.warn(
            f"{path}: {rows}. A cable the wrong way round, other axes, or noise.",
            stacklevel=2,
        )
    if note := _azimuth_note(site.azimuth):
        warnings.warn(f"{path}: {note}", stacklevel=2)
    return site


def edi_site(path: FilePath, *, variance: str = "variance", conjugate: bool | None = None) -> Site:
    """As `read_edi_site`, without a warning: the notes, or the journal of `read`, say the same.

    - `conjugate`: None conjugates if the quadrants of the impedances show the other time dependence.
    """
    if variance not in VARIANCES:
        raise ValueError(
            f"`read_edi_site(variance=...)` must be 'variance' or 'standard_error'. Got {variance!r}."
        )
    edi = EdiBlocks.read(path)
    frequencies = edi.numbers(["FREQ"])
    if frequencies is None or edi.find(*(f"Z{ij}{part}" for ij, _, _ in TENSOR for part in "RI")) is None:
        raise BadFile(_refusal(edi))
    z, z_error = _tensor(edi, frequencies.size, variance)
    azimuth = _azimuth(edi, frequencies.size, ["ZROT"], ["ZXYR", "ZYXR"])
    azimuth = np.zeros(frequencies.size) if azimuth is None else azimuth
    tipper, tipper_error = _tipper(edi, frequencies.size, variance, azimuth)
    keep = np.flatnonzero(_usable(frequencies))
    keep = keep[np.argsort(-frequencies[keep], kind="stable")]
    if not measured(z[keep], tipper[keep]):
        raise BadFile(
            f"{edi.path} holds no transfer function: at each of its {frequencies.size} frequencies "
            "all values are missing or zero, or the frequency is not positive; leave the file out."
        )
    sign = f"{quadrants(z[keep])}; the standard says exp(+i omega t)"
    if opposite_sign(z[keep]) if conjugate is None else conjugate:
        z, tipper, sign = z.conj(), tipper.conj(), f"{sign}; conjugated"
    head, measurements = edi.options("HEAD"), edi.options("=DEFINEMEAS")
    elevation = _number(head.get("ELEV") or measurements.get("REFELEV", ""))
    return Site(
        name=head.get("DATAID") or edi.options("=MTSECT").get("SECTID") or edi.path.stem,
        latitude=_angle(edi, "LAT", 90.0),
        longitude=_angle(edi, "LONG", 360.0),
        elevation=elevation * (METRES_PER_FOOT if head.get("UNITS", "").upper() == "FT" else 1.0),
        frequencies=frequencies[keep],
        z=z[keep],
        z_error=z_error[keep],
        tipper=tipper[keep],
        tipper_error=tipper_error[keep],
        azimuth=azimuth[keep],
        notes=(
            sign,
            "impedances converted from (mV/km)/nT to ohm",
            f"errors from .VAR blocks taken as {variance.replace('_', ' ')} of complex numbers",
            *filter(None, [_azimuth_note(azimuth[keep])]),
        ),
    )
