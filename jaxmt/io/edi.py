"""EDI files (SEG 1.0): the station of each."""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Complex, Float

from ..atomic import FilePath
from ..conventions import OHM_PER_PRACTICAL
from ..processing import rotate_tipper
from ..processing.rotation import deviation
from ..processing.site import Site
from .edi_blocks import EMPTY, EdiBlocks
from .edi_place import angle_of, elevation_of
from .edi_sensors import sensor_azimuth
from .edi_spectra import has_spectra, transfer_functions
from .free_format import NUMBER, BadFile
from .frequencies import HIGHEST, LOWEST, possible
from .impedances import measured, opposite_sign, outside_quadrants, quadrants, without_zeros
from .statements import statements
from .units import ohm_per

TENSOR = (("XX", 0, 0), ("XY", 0, 1), ("YX", 1, 0), ("YY", 1, 1))
FLAG = 999.0
VARIANCES = ("variance", "standard_error")

Component = tuple[Complex[np.ndarray, " freq"], Float[np.ndarray, " freq"]]
Tensor = tuple[Complex[np.ndarray, "freq 2 2"], Float[np.ndarray, "freq 2 2"]]
Tipper = tuple[Complex[np.ndarray, "freq 2"], Float[np.ndarray, "freq 2"]]


def _number(text: str) -> float:
    """The number at the start of an option's text; NaN for none and for EMPTY."""
    match = NUMBER.match(text)
    value = float(match[0].upper().replace("D", "E")) if match else np.nan
    return value if abs(value) < 0.99 * EMPTY else np.nan


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
    factor = _factor(edi)
    return without_zeros(z * factor), z_error * factor


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


def _factor(edi: EdiBlocks) -> float:
    """Ohm of one unit of impedance: the standard's, unless a header names another."""
    block = edi.find(*(f"Z{ij}{part}" for ij, _, _ in TENSOR for part in "RI"))
    stated = "" if block is None else block.options.get("UNITS", "")
    if stated and ohm_per(stated) is None and block is not None:
        raise BadFile(
            f"{edi.path}, line {block.line}: unknown unit {stated[:40]!r} of impedances; expected "
            "[mV/km]/[nT], [V/m]/[T] or Ohm."
        )
    # UNITS of HEAD is that of lengths by the standard; some programs state there that of impedances.
    for text in (stated, edi.options("HEAD").get("UNITS", ""), edi.options("INFO").get("UNITS", "")):
        if (factor := ohm_per(text)) is not None:
            return factor
    return OHM_PER_PRACTICAL


def _refusal(edi: EdiBlocks) -> str:
    """Why a file without frequencies or transfer functions is of no use, and the remedy."""
    names = {block.name for block in edi.blocks}
    if "FREQ" in names and names & {"RHOXY", "RHOYX"}:
        return (
            f"{edi.path} holds apparent resistivities but no impedances. Export the blocks >ZXYR, "
            ">ZXYI, ... too: rotation to strike needs the whole tensor."
        )
    lacks = "impedances (blocks >ZXYR, >ZXYI, ...)" if "FREQ" in names else "a >FREQ block"
    return f"{edi.path} lacks {lacks}; export the transfer functions of the station again."


@dataclasses.dataclass(frozen=True)
class _Functions:
    """What a file holds, in its order, with the line of each frequency; covariances None without any."""

    frequencies: Float[np.ndarray, " freq"]
    lines: list[int]
    z: Complex[np.ndarray, "freq 2 2"]
    z_error: Float[np.ndarray, "freq 2 2"]
    tipper: Complex[np.ndarray, "freq 2"]
    tipper_error: Float[np.ndarray, "freq 2"]
    azimuth: Float[np.ndarray, " freq"]
    errors: str
    z_covariance: Complex[np.ndarray, "freq 2 2 2 2"] | None = None
    tipper_covariance: Complex[np.ndarray, "freq 2 2"] | None = None
    layout: str = ""


def _northward(edi: EdiBlocks) -> bool:
    """True if a block of impedances says that it was turned to north."""
    block = edi.find("ZXYR", "ZYXR")
    return block is not None and block.options.get("ROT", "").upper().startswith("NORTH")


def _from_blocks(edi: EdiBlocks, variance: str) -> _Functions:
    """Impedance and tipper from their own blocks. Raises `BadFile` without either."""
    frequencies = edi.numbers(["FREQ"])
    wanted = [f"Z{ij}{part}" for ij, _, _ in TENSOR for part in "RI"]
    wanted += [f"T{axis}{part}{end}" for axis in "XY" for part in "RI" for end in (".EXP", "")]
    if frequencies is None or edi.find(*wanted) is None:
        raise BadFile(_refusal(edi))
    z, z_error = _tensor(edi, frequencies.size, variance)
    azimuth = _azimuth(edi, frequencies.size, ["ZROT"], ["ZXYR", "ZYXR"])
    if azimuth is None and not np.isfinite(z).any():
        azimuth = _azimuth(edi, frequencies.size, ["TROT.EXP", "TROT"], ["TXR.EXP", "TXR"])
    layout = ""
    if azimuth is None:
        x, layout = (0.0, "") if _northward(edi) else sensor_azimuth(edi)
        azimuth = np.full(frequencies.size, x)
    tipper, tipper_error = _tipper(edi, frequencies.size, variance, azimuth)
    lines = [edi.line_of("FREQ", k) for k in range(frequencies.size)]
    errors = f"errors from .VAR blocks taken as {variance.replace('_', ' ')} of complex numbers"
    return _Functions(frequencies, lines, z, z_error, tipper, tipper_error, azimuth, errors, layout=layout)


def _from_spectra(edi: EdiBlocks) -> _Functions:
    """Impedance and tipper, with their covariances, from cross-power spectra."""
    frequencies, functions, covariance, azimuth, lines = transfer_functions(edi)
    factor = _factor(edi)
    error = deviation(covariance, "fijij->fij")
    z, tipper = without_zeros(functions[:, :2] * factor), functions[:, 2]
    return _Functions(
        frequencies,
        lines,
        z,
        np.where(np.isfinite(z), error[:, :2] * factor, np.nan),
        tipper,
        np.where(np.isfinite(tipper), error[:, 2], np.nan),
        azimuth,
        "from cross-power spectra, errors from what they leave unpredicted and AVGT",
        covariance[:, :2, :, :2] * factor**2,
        covariance[:, 2, :, 2],
    )


def _azimuth_note(azimuth: Float[np.ndarray, " freq"]) -> str:
    """What ZROT says, if it names other axes than north and east; else nothing."""
    if not np.any(azimuth % 360 != 0):
        return ""
    return (
        f"the file states that its x axis points {azimuth.min():g} to {azimuth.max():g} degrees clockwise "
        "from north (ZROT, ROTSPEC, AZM). Programs disagree on what that means; check it, and give "
        "`azimuth=...` if it is wrong."
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
    Axes are those of the file: `azimuth` is its ZROT, without one that of its sensors (AZM) where they
    agree, else 0. Unless it is 0 there is a warning, because programs disagree on its meaning; a tipper
    with another TROT is rotated to ZROT. A warning also names Zxy or Zyx if it lies outside its quadrant
    at half of its frequencies or more.
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
    impedances = edi.find(*(f"Z{ij}R" for ij, _, _ in TENSOR)) is not None
    found = _from_spectra(edi) if has_spectra(edi) and not impedances else _from_blocks(edi, variance)
    usable = _usable(found.frequencies)
    for frequency, line in zip(found.frequencies[usable], np.array(found.lines)[usable], strict=True):
        if not possible(frequency):
            raise BadFile(
                f"{edi.path}, line {line}: the frequency {frequency:g} Hz is damage; expected {LOWEST:g} "
                f"to {HIGHEST:g} Hz. Correct it, or remove it and its values."
            )
    keep = np.flatnonzero(usable)
    keep = keep[np.argsort(-found.frequencies[keep], kind="stable")]
    z, tipper = found.z[keep], found.tipper[keep]
    if not measured(z, tipper):
        raise BadFile(
            f"{edi.path} holds no transfer function: at each of its {found.frequencies.size} frequencies "
            "all values are missing or zero, or the frequency is not positive; leave the file out."
        )
    covariances = [c if c is None else c[keep] for c in (found.z_covariance, found.tipper_covariance)]
    sign = f"{quadrants(z)}; the standard says exp(+i omega t)"
    if opposite_sign(z) if conjugate is None else conjugate:
        z, tipper, sign = z.conj(), tipper.conj(), f"{sign}; conjugated"
        covariances = [c if c is None else c.conj() for c in covariances]
    factor = _factor(edi)
    unit = "(mV/km)/nT" if factor == OHM_PER_PRACTICAL else f"units of {factor:.6g} ohm, as stated,"
    return Site(
        name=edi.options("HEAD").get("DATAID") or edi.options("=MTSECT").get("SECTID") or edi.path.stem,
        latitude=angle_of(edi, "LAT", 90.0),
        longitude=angle_of(edi, "LONG", 360.0),
        elevation=elevation_of(edi),
        frequencies=found.frequencies[keep],
        z=z,
        z_error=found.z_error[keep],
        tipper=tipper,
        tipper_error=found.tipper_error[keep],
        azimuth=found.azimuth[keep],
        z_covariance=covariances[0],
        tipper_covariance=covariances[1],
        **statements(
            (sign, sign.endswith("conjugated")),
            (f"impedances converted from {unit} to ohm", factor != OHM_PER_PRACTICAL),
            (found.errors, has_spectra(edi) or variance != "variance"),
            (found.layout or _azimuth_note(found.azimuth[keep]), True),
        ),
    )
