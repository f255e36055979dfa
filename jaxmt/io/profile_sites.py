"""Data along a profile as stations with tensors, such as EDI files hold."""

import dataclasses

import numpy as np

from ..conventions import TIPPER
from ..data import Data
from ..processing.georeference import Georeference
from ..processing.site import Site
from .modem_writer import impedance_of


def profile_sites(data: Data, strike: float, place: Georeference | None = None) -> tuple[Site, ...]:
    r"""The stations of a profile: Zxy and Zyx, and Ty, in the axes of the strike.

    - `strike`: degrees clockwise from north, the azimuth of x. `place`: where the stations are; without it
      they are nowhere.

    Impedances are rebuilt from apparent resistivity and phase and are missing where one of the two is; the
    relative error is the larger of those that the two errors mean. Zxx, Zyy and Tx are missing: data along
    a profile have none. Frequencies at which a station has nothing are left out.
    """
    survey = data.survey
    (xy, xy_error), (yx, yx_error) = impedance_of(data, 0), impedance_of(data, 1)
    real, imaginary = TIPPER
    ty = data.values[real] + 1j * data.values[imaginary]
    ty_error = np.fmax(data.errors[real], data.errors[imaginary])
    sites = []
    for k, name in enumerate(survey.names):
        there = np.isfinite(xy[:, k]) | np.isfinite(yx[:, k]) | np.isfinite(ty[:, k])
        count = int(there.sum())
        z, z_error = np.full((count, 2, 2), np.nan + 0j), np.full((count, 2, 2), np.nan)
        z[:, 0, 1], z_error[:, 0, 1] = xy[there, k], xy_error[there, k]
        z[:, 1, 0], z_error[:, 1, 0] = yx[there, k], yx_error[there, k]
        tipper, tipper_error = np.full((count, 2), np.nan + 0j), np.full((count, 2), np.nan)
        tipper[:, 1], tipper_error[:, 1] = ty[there, k], ty_error[there, k]
        site = Site(
            name=name,
            latitude=np.nan,
            longitude=np.nan,
            elevation=np.nan,
            frequencies=survey.frequencies[there],
            z=z,
            z_error=np.where(np.isfinite(z), z_error, np.nan),
            tipper=tipper,
            tipper_error=np.where(np.isfinite(tipper), tipper_error, np.nan),
            azimuth=np.full(count, strike % 360),
        )
        if place is not None:
            degrees = float(place.latitude[k]), float(place.longitude[k])
            where = dict(zip(("latitude", "longitude"), degrees, strict=True))
            site = dataclasses.replace(site, **where, elevation=float(place.elevation[k]))
        if count:
            sites.append(site)
    return tuple(sites)
