"""WSINV3DMT data and response files: impedances of stations on a plane."""

import re

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath
from ..processing.site import Site
from .free_format import FreeFormat
from .frequencies import possible
from .impedances import without_zeros

MOST = 100_000


def _table(file: FreeFormat, what: str, sites: int, columns: int) -> Float[np.ndarray, "site columns"]:
    return np.array(file.take(what, sites * columns)).reshape(sites, columns)


def read_wsinv3d(path: FilePath) -> list[Site]:
    r"""The stations of a WSINV3DMT data or response file: ohm, $e^{+i\omega t}$, highest frequency first.

    Eight real numbers a station and period: real and imaginary part of Zxx, Zxy, Zyx and Zyy, in ohm
    with $e^{-i\omega t}$, conjugated here. The error of a part is its own, times its entry in the error
    map; that of an element here is the larger of its two parts'. A response file has none. Stations have
    no names: they are numbered from 000. Raises `BadFile`, with the line, if the file is damaged.
    """
    file = FreeFormat(path, "a WSINV3DMT file")
    sizes = file.whole("the numbers of sites, periods and responses", 3, 1, MOST)
    if sizes[2] != 8:
        raise file.bad(f"{sizes[2]} responses; only full tensors of 8 numbers can be read.")
    sites, count = sizes[:2]
    places: dict[str, list[float]] = {}
    for direction in ("N-S", "E-W"):
        text = file.line(f"Station_Location: {direction}")
        if text.replace(" ", "").upper() != f"STATION_LOCATION:{direction}":
            raise file.bad(f"{text[:60]!r}; expected Station_Location: {direction}.")
        places[direction] = file.take("the locations in m", sites)
    tables: dict[str, dict[float, Float[np.ndarray, "site 8"]]] = {"DATA": {}, "ERROR": {}, "ERMAP": {}}
    while not file.ended:
        text = file.line("a period")
        if text.startswith("#"):
            continue
        match = re.fullmatch(r"(DATA|ERROR|ERMAP)_Period\s*:\s*([\d.EeDd+-]+)", text, re.IGNORECASE)
        try:
            period = float(match[2]) if match is not None else np.nan
        except ValueError:
            period = np.nan
        if match is None or not (period > 0 and possible(1 / period)):
            raise file.bad(f"{text[:60]!r}; expected DATA_Period:, ERROR_Period: or ERMAP_Period: seconds.")
        kind = match[1].upper()
        if period in tables[kind]:
            raise file.bad(f"{kind}_Period {period:g} s occurs twice; remove one.")
        tables[kind][period] = _table(file, f"8 numbers of each of {sites} sites", sites, 8)
    data = tables["DATA"]
    lost = [kind for kind in ("ERROR", "ERMAP") if tables[kind] and set(tables[kind]) != set(data)]
    if len(data) != count or lost:
        raise file.bad(
            f"{count} periods are announced, {len(data)} have data, and the blocks {lost} are incomplete; "
            "the file is damaged."
        )
    periods = sorted(data)
    values = np.array([data[period] for period in periods])
    errors = np.full(values.shape, np.nan)
    if tables["ERROR"]:
        errors = np.array([np.abs(tables["ERROR"][p]) * tables["ERMAP"].get(p, 1.0) for p in periods])
    z = (values[..., 0::2] - 1j * values[..., 1::2]).reshape(count, sites, 2, 2)
    error = np.fmax(errors[..., 0::2], errors[..., 1::2]).reshape(count, sites, 2, 2)
    error = np.where(error > 0, error, np.nan)
    absent = np.full((count, 2), np.nan)
    return [
        Site(
            name=f"{k:03d}",
            latitude=np.nan,
            longitude=np.nan,
            elevation=np.nan,
            frequencies=1 / np.array(periods),
            z=without_zeros(z[:, k]),
            z_error=error[:, k],
            tipper=absent + 0j,
            tipper_error=absent,
            azimuth=np.zeros(count),
            easting=places["E-W"][k],
            northing=places["N-S"][k],
            routine=("time dependence exp(-i omega t) by the format; conjugated", "impedances in ohm"),
        )
        for k in range(sites)
    ]
