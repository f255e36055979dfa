"""The transfer functions of one station, as they come from a file."""

import dataclasses

import numpy as np
from jaxtyping import Complex, Float


@dataclasses.dataclass(frozen=True)
class Site:
    r"""Full impedance tensor and tipper of one station.

    - `name`; `latitude`, `longitude`: degrees, NaN if unknown; `elevation`: m above sea level.
    - `frequencies`: Hz.
    - `z`: impedance in ohm, $e^{+i\omega t}$, rows (Ex, Ey), columns (Hx, Hy), x north, y east
      unless `azimuth` says otherwise; NaN where missing.
    - `z_error`: ohm, the standard deviation of the real and of the imaginary part each.
    - `tipper`: Hz over (Hx, Hy), z down, with `tipper_error` likewise.
    - `azimuth`: degrees clockwise from north of the x axis, per frequency, as the file states it.
    - `easting`, `northing`: m in the file's own local coordinates, if it has any (else NaN).
    - `z_covariance`: ohm^2, $C_{ijkl} = E[\delta Z_{ij}\,\overline{\delta Z_{kl}}]$ of the complex
      errors, whose real and imaginary parts have $\sqrt{C_{ijij}/2}$ each; `tipper_covariance`
      likewise, $E[\delta T_i\,\overline{\delta T_j}]$. None if the file does not state them; errors of
      different elements are then taken as independent.
    - `declination`: degrees east, as the file states it; nothing here uses it. `rating`: the quality
      that the file claims, 0 to 5. NaN if unknown.
    - `folder`: that of its file, where several were read together.
    - `notes`: what the reader found out, assumed and converted, one sentence each; `routine`: what it does
      with every file of the format.
    """

    name: str
    latitude: float
    longitude: float
    elevation: float
    frequencies: Float[np.ndarray, " freq"]
    z: Complex[np.ndarray, "freq 2 2"]
    z_error: Float[np.ndarray, "freq 2 2"]
    tipper: Complex[np.ndarray, "freq 2"]
    tipper_error: Float[np.ndarray, "freq 2"]
    azimuth: Float[np.ndarray, " freq"]
    easting: float = np.nan
    northing: float = np.nan
    z_covariance: Complex[np.ndarray, "freq 2 2 2 2"] | None = None
    tipper_covariance: Complex[np.ndarray, "freq 2 2"] | None = None
    declination: float = np.nan
    rating: float = np.nan
    folder: str = ""
    notes: tuple[str, ...] = ()
    routine: tuple[str, ...] = ()
