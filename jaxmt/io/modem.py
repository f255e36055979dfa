"""ModEM list files: stations of a 3-D file, a profile of a 2-D one."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Unpack

import numpy as np
from jaxtyping import Float, Int

from ..atomic import FilePath
from ..data import Data
from ..processing import Along, data_with_errors, profile
from ..processing.floors import TIPPER_FLOOR, plausible
from ..processing.resampling import NEGLIGIBLE
from ..processing.site import Site
from ..simulation.survey import Survey
from .free_format import MOST_CELLS, BadFile
from .frequencies import distinct
from .impedances import measured, without_zeros
from .modem_rows import PLANAR, Row, read_rows
from .sensors import NORTH_EAST, common_azimuth, parallel, turn_impedance, turn_tipper
from .statements import statements

PLACES = {"ZXX": (0, 0), "ZXY": (0, 1), "ZYX": (1, 0), "ZYY": (1, 1)}


def _stations(path: FilePath, rows: list[Row]) -> dict[str, list[Row]]:
    """Rows by station code, in the order of the file. Raises `ValueError` if a station moves."""
    stations: dict[str, list[Row]] = {}
    for row in rows:
        first = stations.setdefault(row.code, [row])[0]
        if abs(row.y - first.y) > 1e-3 or abs(row.x - first.x) > 1e-3:
            raise BadFile(
                f"{path}, line {row.line}: station {row.code} lies at x = {row.x} m, y = {row.y} m, but "
                f"in line {first.line} at x = {first.x} m, y = {first.y} m; rename one of the two."
            )
        if row is not first:
            stations[row.code].append(row)
    return stations


def _frequencies(rows: Sequence[Row]) -> tuple[Float[np.ndarray, " freq"], Int[np.ndarray, " row"]]:
    """Distinct frequencies, Hz, highest first, and the index of each row's in them."""
    return distinct(np.array([1 / row.period for row in rows]))


def _require(path: FilePath, rows: list[Row], planar: bool) -> None:
    """Raises `ValueError` unless the data types are those of a 2-D (`planar`) or of a 3-D file."""
    wrong = [row for row in rows if (row.header.keyword in PLANAR) != planar]
    if wrong:
        raise BadFile(
            f"{path}, line {wrong[0].line}: {wrong[0].header.keyword} belongs to a "
            f"{'3' if planar else '2'}-D list file; expected a {'2' if planar else '3'}-D one. Use "
            "`read_modem` for either, and split a file that mixes them."
        )


def _site(path: FilePath, name: str, rows: list[Row], geographic: bool) -> Site:
    frequencies, index = _frequencies(rows)
    count = frequencies.size
    z, z_error = np.full((count, 2, 2), np.nan + 0j), np.full((count, 2, 2), np.nan)
    tipper, tipper_error = np.full((count, 2), np.nan + 0j), np.full((count, 2), np.nan)
    # Azimuths of Ex and Ey, of Hx and Hy of the impedance, and of Hx and Hy of the tipper.
    sensors = np.full((3, count, 2), NORTH_EAST)
    for k, row in zip(index, rows, strict=True):
        if row.component in PLACES:
            z[k, *PLACES[row.component]] = row.value
            z_error[k, *PLACES[row.component]] = row.error
            sensors[:2, k] = row.electric, row.magnetic
        else:
            j = ("TX", "TY").index(row.component)
            tipper[k, j], tipper_error[k, j] = row.value, row.error
            sensors[2, k] = row.magnetic
    if parallel(sensors):
        raise BadFile(
            f"{path}, line {rows[0].line}: two sensors of {name} point the same way; correct their "
            "azimuths."
        )
    azimuth = np.full(count, rows[0].header.orientation)
    turned = bool(np.any((sensors - NORTH_EAST) % 360 != 0))
    alike = common_azimuth(sensors[0], sensors[1])
    if turned and alike is not None and not np.isfinite(z).all(axis=(1, 2)).any():
        # Zxy and Zyx without the diagonal cannot be turned; their axes can be stated.
        azimuth, note = azimuth + alike, "axes of the sensors kept, as their azimuths state"
    else:
        z, z_error, _ = turn_impedance(z, z_error, np.full(z.shape + (2, 2), np.nan + 0j), *sensors[:2])
        unknown = np.full((count, 2, 2), np.nan + 0j)
        tipper, tipper_error, _ = turn_tipper(tipper, tipper_error, unknown, sensors[2])
        note = "turned from the azimuths of the sensors to the axes of the header"
    header = rows[0].header
    conjugate, keyword, factor = header.conjugate, header.keyword, header.factor
    sign = "-" if conjugate else "+"
    return Site(
        name=name,
        latitude=rows[0].latitude if geographic else np.nan,
        longitude=rows[0].longitude if geographic else np.nan,
        elevation=np.nan,
        frequencies=frequencies,
        z=without_zeros(z),
        z_error=z_error,
        tipper=tipper,
        tipper_error=tipper_error,
        azimuth=azimuth,
        easting=rows[0].y,
        northing=rows[0].x,
        **statements(
            (f"time dependence exp({sign}i omega t) stated{'; conjugated' * conjugate}", conjugate),
            (f"{keyword} in units of {factor:.6g} ohm, converted to ohm", False),
            (note if turned else "", True),
        ),
    )


def _sites(path: FilePath, rows: list[Row]) -> list[Site]:
    _require(path, rows, planar=False)
    orientation = rows[0].header.orientation
    if orientation % 360 != 0:
        warnings.warn(
            f"{path}: orientation {orientation:g} in the header is taken as the azimuth of the data's x "
            "axis, while x and y of the stations are taken as north and east; check both.",
            stacklevel=3,
        )
    geographic = any(row.latitude != 0 or row.longitude != 0 for row in rows)
    stations = _stations(path, rows)
    stated = max(row.header.stations for row in rows)
    cut = ()
    if stated > len(stations):
        cut = (f"the header states {stated} stations, the file holds {len(stations)}: it may be cut off",)
    sites = [_site(path, name, own, geographic) for name, own in stations.items()]
    sites = [dataclasses.replace(site, notes=(*cut, *site.notes)) for site in sites]
    sites = [site for site in sites if measured(site.z, site.tipper)]
    if not sites:
        raise BadFile(f"{path} holds no Zxy, Zyx or tipper: every value is missing or zero; leave it out.")
    return sites


def read_modem_sites(path: FilePath) -> list[Site]:
    r"""The stations of a 3-D list file, in its order: ohm, $e^{+i\omega t}$, highest frequency first.

    Reads Full_Impedance, Off_Diagonal_Impedance and Full_Vertical_Components in any unit and sign
    convention; stations without any value are left out. The error is that of the real and of the
    imaginary part each, as in `Site`; NaN where the file has 2e15 or 0. `northing` and `easting` are x
    and y; latitude and longitude are NaN if the file has zeros throughout. `azimuth` is the orientation
    of the header. Elevation is unknown.
    """
    return _sites(path, read_rows(path))


def planar_data(path: FilePath, relative_error: float | None) -> tuple[Data, str]:
    """The data of a 2-D list file, and what was done to errors in words.

    - `relative_error`: of |Z|, instead of errors that are missing or absurd, with the floor of tippers;
      without it these are refused and kept.
    """
    rows = read_rows(path)
    _require(path, rows, planar=True)
    if relative_error is None:
        return _planar(path, rows, None, None), ""
    texts: list[str] = []
    data = _planar(path, rows, relative_error, TIPPER_FLOOR, texts)
    return data, "; ".join(texts)


def _planar(
    path: FilePath,
    rows: list[Row],
    relative_error: float | None,
    tipper_error: float | None,
    told: list[str] | None = None,
) -> Data:
    """Data of a 2-D list file, stations in the order of y.

    - `told`: takes in what is done to errors; with it those that are absurd are replaced, too.
    """
    stations = sorted(_stations(path, rows).items(), key=lambda item: item[1][0].y)
    places = {name: k for k, (name, _) in enumerate(stations)}
    frequencies, index = _frequencies(rows)
    y, z = np.array([(own[0].y, own[0].z) for _, own in stations]).T
    if np.any(z < 0):
        warnings.warn(
            f"{path}: {np.sum(z < 0)} stations lie above z = 0, to {-z.min():g} m; they are put at 0.",
            stacklevel=4,
        )
    shape = (frequencies.size, len(places))
    if shape[0] * shape[1] > MOST_CELLS:
        raise BadFile(f"{path} holds {shape[1]} stations and {shape[0]} periods; the file is damaged.")
    survey = Survey(frequencies, y, names=tuple(places), depths=np.maximum(z, 0.0))
    tables = {}
    for component, fallback in (("TE", relative_error), ("TM", relative_error), ("TY", tipper_error)):
        values, errors = np.full(shape, np.nan + 0j), np.full(shape, np.nan)
        for k, row in zip(index, rows, strict=True):
            if row.component == component:
                values[k, places[row.code]] = row.value
                errors[k, places[row.code]] = row.error
        if component != "TY":
            values = np.where(np.abs(values) > NEGLIGIBLE, values, np.nan)
        lost = np.isfinite(values) & np.isnan(errors)
        if lost.any() and fallback is None:
            remedy = "tipper_error" if component == "TY" else "relative_error"
            raise BadFile(
                f"{path}: {lost.sum()} of {np.isfinite(values).sum()} data {component} have no error "
                f"(2e15 or 0); give `read_modem({remedy}=...)`."
            )
        if fallback is not None:
            scale = np.ones(shape) if component == "TY" else np.abs(values)
            relative, text = plausible(f"{component} data", errors / scale, np.isfinite(values), fallback)
            if told is None:
                errors = np.where(lost, fallback * scale, errors)
            else:
                errors = relative * scale
                told += [text] * bool(text)
        tables[component] = values, errors
    return data_with_errors("read_modem", survey, tables["TE"], tables["TM"], tables["TY"])


def read_modem(
    path: FilePath,
    *,
    sites: Sequence[str] | None = None,
    **along: Unpack[Along],
) -> Data:
    r"""Data along a profile from a ModEM list file, 2-D or 3-D.

    - `sites`: names of the stations to use; by default all.
    - `along`: the keyword arguments of `profile`. A 2-D file is a profile already and takes only
      `relative_error`, the deviation of Re Z and of Im Z over |Z| where the file has no error (2e15),
      and `tipper_error`, that of the tipper's real and imaginary part likewise.

    Of a 2-D file (TE_Impedance, TM_Impedance, Tzy_Impedance) y is kept as it is: ModEM counts it from
    the left edge of the model, as `read_modem_model` does; z is the stations' depth. TE
    is Zxy, TM is Zyx with its minus sign. Every unit and sign convention is converted. Raises
    `ValueError` if a 2-D file lacks errors and none is given.
    """
    rows = read_rows(path)
    if sites is not None:
        codes = {row.code for row in rows}
        unknown = [name for name in sites if name not in codes]
        if unknown or not sites:
            raise ValueError(
                f"`read_modem(sites=...)`: {path} has no station {unknown[0] if unknown else sites!r}; it "
                f"has {len(codes)}, among them {', '.join(sorted(codes)[:5])}."
            )
        rows = [row for row in rows if row.code in sites]
    errors = {name: along.get(name) for name in ("relative_error", "tipper_error")}
    for name, value in errors.items():
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"`read_modem({name}=...)` must be positive and finite. Got {value}.")
    if rows[0].header.keyword in PLANAR:
        _require(path, rows, planar=True)
        others = (along.get(name) for name in ("origin", "azimuth", "frequencies"))
        if along.get("strike", 0.0) != 0.0 or any(value is not None for value in others):
            raise ValueError(
                f"`read_modem(strike=..., origin=..., azimuth=..., frequencies=...)`: {path} is a 2-D "
                "file, already along its profile; leave these arguments out."
            )
        return _planar(path, rows, along.get("relative_error"), along.get("tipper_error"))
    return profile(_sites(path, rows), **along)
