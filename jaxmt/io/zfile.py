"""Z-files of EMTF (`.zmm`, `.zrr`, `.zss`): a station with its full covariances (Egbert 1997)."""

import re

import numpy as np
from jaxtyping import Complex, Float

from ..atomic import FilePath
from ..conventions import OHM_PER_PRACTICAL
from ..processing.rotation import deviation
from ..processing.site import Site
from .free_format import BadFile, FreeFormat, number
from .frequencies import possible
from .impedances import measured, opposite_sign, quadrants, without_zeros
from .sensors import parallel, turn_impedance, turn_tipper
from .statements import statements

HEADER = 60
"""Lines within which the first period must begin."""

MOST_CHANNELS = 20
OUTPUTS = ("EX", "EY", "HZ")
PLACE = re.compile(r"(?:coordinate|location)s?\s*:?\s*+(\S+)\s+(\S+)(?:\s+declination\s*+(\S+))?", re.I)
SENSOR = re.compile(r"\d+\s+(\S+)\s+(\S+)\s+(?:\S.*\s)?(\w+)")
PERIOD = re.compile(r"period\s*:\s*+(\S+)", re.I)


def _header(file: FreeFormat) -> tuple[str, list[float], list[tuple[str, float]]]:
    """Name, degrees of latitude, longitude and declination, and (kind, azimuth) of each channel."""
    name, place, sensors = "", [np.nan] * 3, []
    listed = False
    while not PERIOD.match(file.ahead):
        if file.next > HEADER or file.ended:
            raise BadFile(
                f"{file.path} is not a Z-file of EMTF: it holds no line with a period in its first "
                f"{HEADER}; copy it again."
            )
        text = file.line("the header")
        if match := PLACE.match(text):
            numbers = [number(part or "") for part in match.groups()]
            place = [np.nan if value is None else value for value in numbers]
        elif re.match(r"station\b", text, re.I):
            name = text.split(":")[-1].strip()
        elif file.next == 4 and not name:
            name = text
        elif text.lower().startswith("orientation"):
            listed = True
        elif listed and (match := SENSOR.fullmatch(text)):
            azimuth = number(match[1])
            if azimuth is None or not abs(azimuth) <= 720:
                raise file.bad(f"{text[:60]!r}; expected channel, azimuth and tilt in degrees, name, kind.")
            sensors.append((match[3].upper(), azimuth))
    kinds = [kind for kind, _ in sensors]
    if kinds[:2] != ["HX", "HY"] or not 3 <= len(kinds) <= MOST_CHANNELS:
        raise file.bad(f"the channels are {kinds[:7]}; expected Hx, Hy and then Hz, Ex, Ey.")
    return name, place, sensors


def _matrix(file: FreeFormat, what: str, rows: int, columns: int) -> Complex[np.ndarray, "rows columns"]:
    """A full matrix of complex numbers, a row on a line."""
    values = np.array([file.take(what, 2 * columns) for _ in range(rows)]).reshape(rows, columns, 2)
    return values[..., 0] + 1j * values[..., 1]


def _hermitian(file: FreeFormat, what: str, size: int) -> Complex[np.ndarray, "size size"]:
    """A Hermitian matrix from its lower triangle."""
    matrix = np.zeros((size, size), dtype=complex)
    for i in range(size):
        parts = np.array(file.take(what, 2 * (i + 1)))
        matrix[i, : i + 1] = parts[0::2] + 1j * parts[1::2]
        matrix[: i + 1, i] = matrix[i, : i + 1].conj()
        matrix[i, i] = parts[-2]
    return matrix


def _title(file: FreeFormat, title: str) -> None:
    text = file.line(f"the line {title}")
    if title.split()[-1].lower() not in text.lower():
        raise file.bad(f"{text[:60]!r}; expected {title}.")


def _periods(
    file: FreeFormat, outputs: int
) -> tuple[
    Float[np.ndarray, " freq"], Complex[np.ndarray, "freq out 2"], Complex[np.ndarray, "freq out 2 out 2"]
]:
    """Periods, transfer functions in the file's units, and their covariances."""
    periods: list[float] = []
    functions, covariances = [], []
    while not file.ended:
        text = file.line("a period")
        if not text:
            continue
        match = PERIOD.match(text)
        period = None if match is None else number(match[1])
        if period is None or not (period > 0 and possible(1 / period)) or period in periods[-1:]:
            raise file.bad(f"{text[:60]!r}; expected period : seconds, another one than before.")
        file.line("the number of data")
        _title(file, "Transfer Functions")
        functions.append(_matrix(file, "transfer functions", outputs, 2))
        _title(file, "Inverse Coherent Signal Power Matrix")
        signal = _hermitian(file, "the inverse signal power", 2)
        _title(file, "Residual Covariance")
        residual = _hermitian(file, "the residual covariance", outputs)
        covariances.append(np.einsum("ik,lj->ijkl", residual, signal))
        periods.append(period)
    return np.array(periods), np.array(functions), np.array(covariances)


def _declination_note(declination: float) -> str:
    """What became of the declination of a header; nothing without one."""
    if not (np.isfinite(declination) and declination):
        return ""
    return (
        f"the file states a declination of {declination:g} degrees, which is not applied: its azimuths are "
        f"taken as from true north. If they count from magnetic north, give --declination {declination:g}"
    )


def read_zfile(path: FilePath, *, conjugate: bool | None = None) -> Site:
    r"""The station of a Z-file: ohm, $e^{+i\omega t}$, highest frequency first, axes north and east.

    - `conjugate`: True if the file uses $e^{-i\omega t}$; None decides by the quadrants.

    Transfer functions are in (mV/km)/nT between the sensors; they are turned by the azimuths that the file
    states. The covariances are $\mathrm{Cov}(Z_{ij}, \overline{Z_{kl}}) = N_{ik} S_{lj}$ with the residual
    covariance N and the inverse signal power S. Elevation is unknown. Raises `BadFile`, with the line, for
    a file that is damaged.
    """
    file = FreeFormat(path, "a Z-file of EMTF")
    name, (latitude, longitude, declination), sensors = _header(file)
    periods, functions, covariances = _periods(file, len(sensors) - 2)
    order = np.argsort(periods, kind="stable")
    count = periods.size
    values = np.full((count, 3, 2), np.nan + 0j)
    covariance = np.full((count, 3, 2, 3, 2), np.nan + 0j)
    kinds = [kind for kind, _ in sensors[2:]]
    azimuths = dict(reversed(sensors))
    found = [(i, kinds.index(kind)) for i, kind in enumerate(OUTPUTS) if kind in kinds]
    for i, k in found:
        values[:, i] = functions[order, k]
        for j, m in found:
            covariance[:, i, :, j] = covariances[order, k, :, m]
    magnetic = np.tile([azimuths["HX"], azimuths["HY"]], (count, 1))
    electric = np.tile([azimuths.get("EX", 0.0), azimuths.get("EY", 90.0)], (count, 1))
    if parallel(magnetic) or parallel(electric):
        raise BadFile(f"{path}: two of its sensors point the same way; correct their azimuths.")
    error = deviation(covariance, "fijij->fij")
    z, z_error, z_covariance = turn_impedance(
        values[:, :2], error[:, :2], covariance[:, :2, :, :2], electric, magnetic
    )
    tipper, tipper_error, tipper_covariance = turn_tipper(
        values[:, 2], error[:, 2], covariance[:, 2, :, 2], magnetic
    )
    if not measured(z, tipper):
        raise BadFile(f"{path} holds no transfer function: every value is missing or zero; leave it out.")
    aside = bool(np.any(np.abs(np.concatenate([magnetic, electric], 1) - [0, 90, 0, 90]) > 0))
    sign = quadrants(z)
    if opposite_sign(z) if conjugate is None else conjugate:
        z, tipper, sign = z.conj(), tipper.conj(), f"{sign}; conjugated"
        z_covariance, tipper_covariance = z_covariance.conj(), tipper_covariance.conj()
    return Site(
        name=name or file.path.stem,
        latitude=latitude if abs(latitude) <= 90 else np.nan,
        longitude=longitude - 360 if longitude > 180 else longitude,
        elevation=np.nan,
        frequencies=1 / periods[order],
        z=without_zeros(z) * OHM_PER_PRACTICAL,
        z_error=z_error * OHM_PER_PRACTICAL,
        tipper=tipper,
        tipper_error=tipper_error,
        azimuth=np.zeros(count),
        z_covariance=z_covariance * OHM_PER_PRACTICAL**2 if np.isfinite(z_covariance).any() else None,
        tipper_covariance=tipper_covariance if np.isfinite(tipper_covariance).any() else None,
        declination=declination,
        **statements(
            (sign, sign.endswith("conjugated")),
            ("impedances converted from (mV/km)/nT to ohm, covariances from S and N", False),
            ("axes: turned from the sensors' azimuths to north and east", aside),
            (_declination_note(declination), True),
        ),
    )
