"""Writing ModEM list files: a profile as 2-D data, stations as 3-D data."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..atomic import FilePath, atomic_path
from ..conventions import MU_0, OHM_PER_PRACTICAL, PHASE, RHO, TIPPER
from ..data import Data
from ..processing import Table, positions
from ..processing.georeference import Georeference, mean_degrees
from ..processing.site import Site
from ..simulation.responses import Responses
from .modem import PLACES
from .modem_rows import PLANAR
from .names import words

NO_ERROR = 2e15
Place = tuple[float, float, float, float, float]


def impedance_of(data: Data, mode: int) -> Table:
    """Impedance in ohm and error of a mode (0 TE, 1 TM); NaN where rho or phase is missing."""
    rho, phase = data.values[RHO[mode]], data.values[PHASE[mode]]
    rho_error, phase_error = data.errors[RHO[mode]], data.errors[PHASE[mode]]
    omega_mu = 2 * np.pi * MU_0 * data.survey.frequencies[:, None]
    modulus = np.sqrt(omega_mu * 10.0**rho)
    relative = np.fmax(rho_error * np.log(10) / 2, np.deg2rad(phase_error))
    turn = np.exp(1j * np.deg2rad(phase)) * (-1.0 if mode else 1.0)
    return modulus * turn, modulus * relative


def _tables(data: Data | Responses) -> list[Table]:
    """TE, TM and tipper with their errors, NaN where there is none."""
    if isinstance(data, Data):
        real, imaginary = TIPPER
        hz = data.values[real] + 1j * data.values[imaginary]
        hz_error = np.fmax(data.errors[real], data.errors[imaginary])
        return [impedance_of(data, 0), impedance_of(data, 1), (hz, hz_error)]
    absent = np.full((data.survey.frequencies.size, data.survey.stations.size), np.nan)
    parts = (data.z_xy, data.z_yx, data.tipper)
    return [(absent + 0j if part is None else np.asarray(part), absent) for part in parts]


def _header(
    keyword: str,
    orientation: float,
    periods: int,
    sites: int,
    origin: tuple[float, float] = (0.0, 0.0),
    comment: str = "Written by jaxmt",
) -> list[str]:
    unit = "[]" if keyword in ("Tzy_Impedance", "Full_Vertical_Components") else "[mV/km]/[nT]"
    return [
        f"# {comment}",
        "# Period(s) Code GG_Lat GG_Lon X(m) Y(m) Z(m) Component Real Imag Error",
        f"> {keyword}",
        r"> exp(+i\omega t)",
        f"> {unit}",
        f"> {orientation:.2f}",
        f"> {origin[0]:.6f} {origin[1]:.6f}",
        f"> {periods} {sites}",
    ]


def _row(period: float, name: str, place: Place, component: str, value: complex, error: float) -> str:
    latitude, longitude, x, y, z = place
    error = error if np.isfinite(error) else NO_ERROR
    return (
        f"{period:.12E} {name} {latitude:.6f} {longitude:.6f} {x:.3f} {y:.3f} {z:.3f} {component} "
        f"{value.real:.9E} {value.imag:.9E} {error:.9E}"
    )


def _write(path: FilePath, lines: Iterable[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_modem(
    path: FilePath,
    data: Data | Responses,
    *,
    left_edge: float = 0.0,
    place: Georeference | None = None,
) -> None:
    r"""Writes a 2-D list file: TE_Impedance, TM_Impedance and Tzy_Impedance, as far as they exist.

    - `data`: of `Data`, impedances are rebuilt from apparent resistivity and phase, and are left out
      where one of the two is missing; the relative error is the larger of those that the two errors
      mean. `Responses` have the error 2e15, ModEM's word for none.
    - `left_edge`: m, the y of the model's left edge, from which ModEM counts: `mesh.y_nodes[0]`. The
      first line of the file states it.
    - `place`: where the profile lies: latitude and longitude of the stations, of the origin of the file,
      which is the left edge, and the strike as the orientation; 0 without it, or where they are unknown.

    Impedances are in [mV/km]/[nT] with $e^{+i\omega t}$, Z is the depth of a station. The file appears
    whole or not at all. The format knows names of one word, which `names.words` makes of them.
    """
    survey = data.survey
    places = list(zip(words(survey.names), survey.stations - left_edge, survey.depths, strict=True))
    degrees, origin, strike = np.zeros((survey.stations.size, 2)), (0.0, 0.0), 0.0
    if place is not None and place.geographic:
        degrees = np.stack([place.latitude, place.longitude], axis=1)
        latitude, longitude = place.degrees(np.array([left_edge]))
        origin, strike = (float(latitude[0]), float(longitude[0])), place.strike
    comment = f"Written by jaxmt. y = 0 is the left edge of the model, {left_edge:.3f} m on the profile"
    lines: list[str] = []
    for keyword, (values, errors) in zip(PLANAR, _tables(data), strict=True):
        exists = np.isfinite(values)
        if not exists.any():
            continue
        tipper = keyword == "Tzy_Impedance"
        factor = 1.0 if tipper else 1 / OHM_PER_PRACTICAL
        counts = int(exists.any(axis=1).sum()), int(exists.any(axis=0).sum())
        lines += _header(keyword, strike, *counts, origin, comment)
        lines += [
            _row(
                float(survey.periods[i]),
                name,
                (*degrees[k], 0.0, y, z),
                "Ty" if tipper else keyword[:2],
                values[i, k] * factor,
                errors[i, k] * factor,
            )
            for k, (name, y, z) in enumerate(places)
            for i in np.argsort(survey.periods)
            if exists[i, k]
        ]
    if not lines:
        raise ValueError("`write_modem(data=...)` holds no complete impedance or tipper.")
    _write(path, lines)


def write_modem_sites(
    path: FilePath, sites: Sequence[Site], *, origin: tuple[float, float] | None = None
) -> None:
    r"""Writes a 3-D list file: Full_Impedance and Full_Vertical_Components, as far as they exist.

    - `sites`: all in the same axes at all frequencies; x and y of the file are their northing and
      easting, or latitude and longitude projected by `local_metres`.
    - `origin`: latitude and longitude of x = y = 0 in the latter case; by default the mean of the sites.
      The header states it.

    Impedances are in [mV/km]/[nT] with $e^{+i\omega t}$, to 10 digits; a missing error is 2e15, ModEM's
    word for none. The orientation of the header is the azimuth of the sites' x axis. The file appears
    whole or not at all. Names are made words as `write_modem` does. Raises `ValueError` for different axes,
    or sites without position.
    """
    caller = "`write_modem_sites(sites=...)`"
    if not sites:
        raise ValueError(f"{caller} must hold at least one site. Got none.")
    azimuths = np.concatenate([site.azimuth for site in sites])
    if np.ptp(azimuths) > 1e-6:
        raise ValueError(
            f"{caller} must share their axes. Got x axes from {azimuths.min():g} to {azimuths.max():g} "
            "degrees; rotate them first."
        )
    origin = _origin(sites, origin)
    places, names = _places(caller, sites, origin), words([site.name for site in sites])
    stated = (0.0, 0.0) if origin is None else origin
    lines: list[str] = []
    for keyword, components in (
        ("Full_Impedance", PLACES),
        ("Full_Vertical_Components", {"TX": 0, "TY": 1}),
    ):
        rows: list[str] = []
        periods, codes = set(), set()
        factor = 1 / OHM_PER_PRACTICAL if keyword == "Full_Impedance" else 1.0
        for site, name, place in zip(sites, names, places, strict=True):
            values = site.z if keyword == "Full_Impedance" else site.tipper
            errors = site.z_error if keyword == "Full_Impedance" else site.tipper_error
            for i in np.argsort(-site.frequencies, kind="stable"):
                for component, at in components.items():
                    value = values[i][at]
                    if np.isfinite(value):
                        period = float(1 / site.frequencies[i])
                        error = float(errors[i][at]) * factor
                        rows.append(_row(period, name, place, component, complex(value) * factor, error))
                        periods.add(period)
                        codes.add(name)
        if rows:
            lines += [*_header(keyword, float(azimuths[0]), len(periods), len(codes), stated), *rows]
    if not lines:
        raise ValueError(f"{caller} hold no impedance or tipper.")
    _write(path, lines)


def _origin(sites: Sequence[Site], origin: tuple[float, float] | None) -> tuple[float, float] | None:
    """Latitude and longitude of x = y = 0; None where x and y are of a grid of the sites' own."""
    local = np.isfinite([(site.northing, site.easting) for site in sites]).all()
    degrees = np.array([(site.latitude, site.longitude) for site in sites])
    known = bool(np.isfinite(degrees).all())
    return mean_degrees(degrees) if origin is None and known and not local else origin


def _places(caller: str, sites: Sequence[Site], origin: tuple[float, float] | None) -> list[Place]:
    """Latitude, longitude, x, y and z of each site as the file states them; 0 for unknown degrees."""
    degrees = np.array([(site.latitude, site.longitude) for site in sites])
    local = positions(sites, origin)
    for site, place in zip(sites, local, strict=True):
        if np.isnan(place).any():
            raise ValueError(f"{caller}: {site.name} has no position; set latitude and longitude.")
    known = np.nan_to_num(degrees)
    return [(float(a), float(b), float(x), float(y), 0.0) for a, b, x, y in np.hstack([known, local])]
