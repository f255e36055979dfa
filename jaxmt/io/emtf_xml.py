"""EMTF XML files (Kelbert 2020, Geophysics 85, F1-F17): a station with its full covariances."""

import re
from collections.abc import Callable

import numpy as np
from jaxtyping import Complex, Float

from ..atomic import FilePath
from ..processing.rotation import deviation
from ..processing.site import Site
from .edi_blocks import EMPTY
from .free_format import BadFile, number
from .frequencies import possible
from .impedances import measured, opposite_sign, quadrants, without_zeros
from .place import unit_of
from .sensors import NORTH_EAST, parallel, turn_impedance, turn_tipper
from .statements import statements
from .units import PRACTICAL, ohm_per
from .xml_tree import Element, parse_xml

ELECTRIC, MAGNETIC = ("Ex", "Ey"), ("Hx", "Hy")
LIMITS = {"Latitude": 90.0, "Longitude": 360.0, "Elevation": 1e5, "Declination": 180.0}

Matrix = Complex[np.ndarray, "rows columns"]
Fail = Callable[[Element, str], BadFile]


def _value(element: Element, limit: float, fail: Fail) -> float:
    """The number in an element, NaN if it is empty. Raises `BadFile` beyond `limit`."""
    text = element.text.strip()
    value = number(text) if text else np.nan
    if value is None or abs(value) > limit:
        raise fail(element, f"<{element.tag}> holds {text[:40]!r}; expected a number up to {limit:g}")
    return value


def _matrix(
    period: Element, name: str, rows: tuple[str, ...], columns: tuple[str, ...], fail: Fail
) -> Matrix | None:
    """The block `name` of a period by its output and input channels; None without it, NaN for holes."""
    block = period.find(name)
    if block is None:
        return None
    matrix = np.full((len(rows), len(columns)), np.nan + 0j)
    for value in block.all("value"):
        try:
            i = rows.index(value.attributes.get("output", "").title())
            j = columns.index(value.attributes.get("input", "").title())
        except ValueError:
            raise fail(value, f"<{name}> relates channels other than {rows} and {columns}") from None
        numbers = [number(text) for text in value.text.split()]
        if not 1 <= len(numbers) <= 2 or None in numbers:
            raise fail(value, f"<{name}> holds {value.text.strip()[:40]!r}; expected one or two numbers")
        parts = [np.nan if part is None else part for part in [*numbers, 0.0][:2]]
        if not np.isnan(matrix[i, j]):
            raise fail(value, f"<{name}> states {rows[i]}, {columns[j]} twice; remove one")
        exists = all(abs(part) < 0.99 * EMPTY for part in parts)
        matrix[i, j] = complex(*parts) if exists else np.nan
    return matrix


def _covariance(
    period: Element, name: str, outputs: tuple[str, ...], fail: Fail
) -> Complex[np.ndarray, "rows 2 rows 2"] | None:
    r"""$N_{ik} S_{lj}$ from the residual covariance N and the inverse signal power S, None without."""
    signal = _matrix(period, f"{name}.INVSIGCOV", MAGNETIC, MAGNETIC, fail)
    residual = _matrix(period, f"{name}.RESIDCOV", outputs, outputs, fail)
    return None if signal is None or residual is None else np.einsum("ik,lj->ijkl", residual, signal)


def _factor(block: Element, fail: Fail) -> float:
    unit = block.attributes.get("units", PRACTICAL)
    factor = ohm_per(unit)
    if factor is None:
        raise fail(block, f"unknown unit {unit[:40]!r}; expected [mV/km]/[nT], [V/m]/[T] or Ohm")
    return factor


def _layout(root: Element) -> dict[str, float]:
    """Azimuths of the sensors by their names, as far as the site layout states them."""
    azimuths = {}
    for prefix in ("", "Site/"):
        for kind in ("Input", "Output"):
            group = root.find(f"{prefix}SiteLayout/{kind}Channels")
            for channel in [] if group is None else group.children:
                azimuth = number(channel.attributes.get("orientation", ""))
                if azimuth is not None and np.isfinite(azimuth):
                    azimuths.setdefault(channel.attributes.get("name", "").title(), azimuth)
    return azimuths


def _sensors(root: Element, needs: tuple[bool, bool], fail: Fail) -> list[Float[np.ndarray, "2"]]:
    """Azimuths of the electric and of the magnetic sensors that the site layout states.

    - `needs`: whether each kind is needed; along north and east if not. Raises `BadFile` without them.
    """
    azimuths, pairs = _layout(root), []
    for names, needed in zip((ELECTRIC, MAGNETIC), needs, strict=True):
        if needed and not set(names) <= set(azimuths):
            raise fail(
                root, f"the axes are the sensors', but the site layout lacks orientations of {names}"
            )
        pairs.append(np.array([azimuths[name] for name in names] if needed else NORTH_EAST))
        if parallel(pairs[-1]):
            raise fail(root, f"the sensors {names} of the site layout are parallel")
    return pairs


def _elevation(element: Element, fail: Fail) -> float:
    """Metres above sea level, in the unit that the element states."""
    stated = element.attributes.get("units", "meters")
    unit = unit_of(stated)
    if unit is None:
        raise fail(element, f"unknown unit {stated[:40]!r} of the elevation; expected meters or feet")
    return _value(element, LIMITS["Elevation"], fail) * unit


def read_emtf_site(path: FilePath) -> Site:
    r"""The station of an EMTF XML file: ohm, $e^{+i\omega t}$, highest frequency first.

    The covariances are those of the file, $\mathrm{Cov}(Z_{ij}, \overline{Z_{kl}}) = N_{ik} S_{lj}$ with
    the residual covariance N (RESIDCOV) and the inverse signal power S (INVSIGCOV); the error of the
    real and of the imaginary part each is $\sqrt{\mathrm{VAR}/2}$, and VAR the diagonal of that if the
    file has no VAR. The time dependence is the one that the file states. With the orientation
    "orthogonal", `azimuth` is its angle to geographic north and the site layout plays no part; with
    "sitelayout", and without an orientation, the sensors' azimuths are used to turn everything to north
    and east. Declination and rating are kept, not used. Raises `BadFile` for a file that is
    damaged or holds no impedance.
    """
    root = parse_xml(path)

    def fail(element: Element, message: str) -> BadFile:
        return BadFile(f"{path}, line {element.line}: {message}.")

    if root.tag != "EM_TF":
        raise fail(root, f"the root is <{root.tag[:40]}>; expected <EM_TF>, an EMTF XML file")
    periods = [period for data in root.all("Data") for period in data.all("Period")]
    if not periods:
        raise fail(root, "the file holds no <Data><Period>; export the transfer functions again")
    count = len(periods)
    seconds = np.array([number(p.attributes.get("value", "")) or np.nan for p in periods], dtype=float)
    z, z_error = np.full((count, 2, 2), np.nan + 0j), np.full((count, 2, 2), np.nan)
    t, t_error = np.full((count, 2), np.nan + 0j), np.full((count, 2), np.nan)
    z_cov, t_cov = np.full((count, 2, 2, 2, 2), np.nan + 0j), np.full((count, 2, 2), np.nan + 0j)
    seen: set[float] = set()
    for k, period in enumerate(periods):
        in_seconds = period.attributes.get("units", "secs")[:1].lower() == "s"
        if not (in_seconds and seconds[k] > 0 and possible(1 / seconds[k])):
            raise fail(period, f"the period is {str(period.attributes)[:60]}; expected a number of seconds")
        if seconds[k] in seen:
            raise fail(period, f"the period {seconds[k]:g} s occurs twice; remove one")
        seen.add(seconds[k])
        block = period.find("Z")
        matrix = _matrix(period, "Z", ELECTRIC, MAGNETIC, fail)
        if block is not None and matrix is not None:
            factor = _factor(block, fail)
            z[k] = matrix * factor
            covariance = _covariance(period, "Z", ELECTRIC, fail)
            z_cov[k] = np.nan if covariance is None else covariance * factor**2
            variance = _matrix(period, "Z.VAR", ELECTRIC, MAGNETIC, fail)
            z_error[k] = deviation(z_cov[k], "ijij->ij") if variance is None else _sigma(variance) * factor
        matrix = _matrix(period, "T", ("Hz",), MAGNETIC, fail)
        if matrix is not None:
            t[k] = matrix[0]
            covariance = _covariance(period, "T", ("Hz",), fail)
            t_cov[k] = np.nan if covariance is None else covariance[0, :, 0]
            variance = _matrix(period, "T.VAR", ("Hz",), MAGNETIC, fail)
            t_error[k] = deviation(t_cov[k], "ii->i") if variance is None else _sigma(variance)[0]
    if not measured(z, t):
        raise fail(root, "the file holds no transfer function: every value is missing; leave it out")
    stated = root.words("ProcessingInfo/SignConvention")
    conjugate = "-" in stated if stated else opposite_sign(z)
    if conjugate:
        z, t, z_cov, t_cov = z.conj(), t.conj(), z_cov.conj(), t_cov.conj()
    azimuth, axes = 0.0, "north and east, as nothing else is stated"
    orientation = root.find("Site/Orientation")
    said = "" if orientation is None else re.sub(r"\s", "", orientation.text).lower()
    needs = bool(np.isfinite(z).any()), True
    wanted = {*MAGNETIC, *(ELECTRIC if needs[0] else ())}
    # Without an orientation the axes are those of the sensors, as EMTF-FCU reads such files.
    if said == "sitelayout" or (orientation is None and wanted <= set(_layout(root))):
        electric, magnetic = (np.tile(pair, (count, 1)) for pair in _sensors(root, needs, fail))
        z, z_error, z_cov = turn_impedance(z, z_error, z_cov, electric, magnetic)
        t, t_error, t_cov = turn_tipper(t, t_error, t_cov, magnetic)
        axes = "turned from the sensors' azimuths in the site layout to north and east"
    elif orientation is not None:
        text = orientation.attributes.get("angle_to_geographic_north", "0")
        turned = number(text)
        if turned is None or not abs(turned) <= 360:
            raise fail(orientation, f"the angle to geographic north is {text[:40]!r}; expected degrees")
        azimuth, axes = turned, f"x axis {turned:g} degrees from geographic north, as the file states"
    location = root.find("Site/Location")
    place = {name: np.nan for name in LIMITS}
    for name in LIMITS if location is not None else ():
        if location is not None and (element := location.find(name)) is not None:
            height = name == "Elevation"
            place[name] = _elevation(element, fail) if height else _value(element, LIMITS[name], fail)
    sign = f"time dependence {stated!r} stated{'; conjugated' if conjugate else ''}"
    if not stated:
        sign = f"no time dependence stated; {quadrants(z)}{' once conjugated' if conjugate else ''}"
    rating = root.find("Site/DataQualityNotes/Rating")
    order = np.argsort(seconds, kind="stable")
    return Site(
        name=root.words("Site/Id") or root.words("ProductId") or str(path),
        latitude=place["Latitude"],
        longitude=place["Longitude"] - 360 if place["Longitude"] > 180 else place["Longitude"],
        elevation=place["Elevation"],
        frequencies=1 / seconds[order],
        z=without_zeros(z)[order],
        z_error=z_error[order],
        tipper=t[order],
        tipper_error=t_error[order],
        azimuth=np.full(count, azimuth),
        z_covariance=z_cov[order] if np.isfinite(z_cov).any() else None,
        tipper_covariance=t_cov[order] if np.isfinite(t_cov).any() else None,
        declination=place["Declination"],
        rating=np.nan if rating is None else _value(rating, 5.0, fail),
        **statements(
            (sign, conjugate or not stated),
            ("impedances converted to ohm; errors are sqrt(VAR/2), covariances from S and N", False),
            (f"axes: {axes}", orientation is None or azimuth != 0 or axes.startswith("turned")),
        ),
    )


def _sigma(variance: Matrix) -> Float[np.ndarray, "rows columns"]:
    """Deviation of the real and of the imaginary part from the variance of the complex number."""
    real = np.real(variance)
    return np.sqrt(np.where(real > 0, real, np.nan) / 2)
