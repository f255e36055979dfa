"""Geoelectric strike of a site or a line, and the tipper that tells it from the direction across."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float

from .phase_tensor import axis, phase_tensor
from .site import Site

MAX_BETA = 5.0
"""Skew angle, in degrees, of the data that a strike is estimated from."""

SETTLED_WITHIN = 30.0
"""The arrows decide if they lie within so many degrees of one of the two axes."""

LEAST_RESULTANT = 0.3
"""Resultant length below which a mean direction means nothing."""

CLEAR = 0.5
"""Resultant length of phase tensors below which a strike is ill determined: they scatter by 17 degrees."""


@dataclasses.dataclass(frozen=True)
class Strike:
    """Directions in degrees clockwise from north, in the axes that `Site.azimuth` refers to.

    - `angle`: the strike; `other`: `angle` + 90, which impedances alone cannot tell from it.
    - `error`: one standard deviation of `angle`, from the scatter of the data; NaN for a single datum.
    - `spread`: one standard deviation of `angle`, from the scatter of the stations: data of one station err
      together. NaN for a single station.
    - `resultant`: length of the mean direction modulo 90 degrees, 1 if all agree, 0 if none do.
    - `count`: tensors used.
    - `settled`: True if induction arrows chose between the two, and point to no other without any one
      station; else `angle` is the one nearer north.
    - `arrow`: mean axis of the real induction arrows, -90 to 90, NaN without; `arrow_resultant` its
      resultant length modulo 180 degrees.
    """

    angle: float
    other: float
    error: float
    resultant: float
    count: int
    settled: bool
    arrow: float
    arrow_resultant: float
    spread: float = np.nan

    def __str__(self) -> str:
        found = (
            f"strike {self.angle:.1f} +- {np.fmax(self.error, self.spread):.1f} degrees from north "
            f"(resultant {self.resultant:.2f} of {self.count} phase tensors)"
        )
        if self.settled:
            return f"{found}; the induction arrows at {self.arrow:.0f} degrees exclude {self.other:.1f}"
        arrows = "no tipper" if np.isnan(self.arrow) else f"arrows at {self.arrow:.0f} degrees undecided"
        return f"{found}, or {self.other:.1f}: ambiguous by 90 degrees, {arrows}"


def strike(
    sites: Sequence[Site],
    *,
    band: tuple[float, float] = (0.0, np.inf),
    max_beta: float = MAX_BETA,
) -> Strike:
    r"""The strike that phase tensors and induction arrows agree on, of one site or of all of a line.

    - `band`: Hz, the lowest and the highest frequency used.
    - `max_beta`: degrees; tensors of larger skew ask for a 3-D earth and are left out.

    The axes $\theta$ of `PhaseTensor.azimuth` are averaged modulo 90 degrees, $\frac14\arg\sum w
    e^{4i\theta}$ with w the ellipticity, 1 at most: a 1-D tensor has no axes. The larger phase may
    belong to TE or to TM, so the mean is the strike or at right angles to it. Real induction arrows
    (Parkinson or Wiese) are perpendicular to strike: the axis nearer to the normal of their mean is
    taken, if both means are clear and nearer than 30 degrees, and still the nearer one without any one of
    three stations or more: no single one shall exchange TE and TM. Raises `ValueError` if no tensor is
    left.
    """
    if not sites:
        raise ValueError("`strike(sites=...)` must hold at least one site. Got none.")
    low, high = band
    if not 0 <= low < high:
        raise ValueError(f"`strike(band=...)` must be two frequencies in Hz, lowest first. Got {band}.")
    own = [tensor_axes([site], band=band, max_beta=max_beta) for site in sites]
    azimuths, weight = (np.concatenate(part) for part in zip(*own, strict=True))
    theta = np.deg2rad(azimuths)
    if not np.any(weight > 0):
        raise ValueError(
            f"`strike(sites=..., band=({low:g}, {high:g}), max_beta={max_beta:g})`: no phase tensor is "
            "left; widen the band or allow more skew."
        )
    mean = np.sum(weight * np.exp(4j * theta)) / weight.sum()
    angle, resultant = np.rad2deg(np.angle(mean)) / 4, float(np.abs(mean))
    # The scatter across the mean direction, over the length of the mean.
    across = weight * np.sin(4 * (theta - np.deg2rad(angle)))
    error = np.rad2deg(np.sqrt(np.sum(across**2)) / (weight.sum() * max(resultant, 1e-300))) / 4
    axes = np.array([_sum(*part) for part in own])
    squared, lengths = (np.array(part) for part in zip(*(_arrow(s, low, high) for s in sites), strict=True))
    arrow, arrow_resultant = _mean_arrow(squared.sum(), float(lengths.sum()))
    turn = _turn(angle, arrow)
    aslant = abs(float(axis(np.array([angle + turn - arrow - 90.0]))[0]))
    settled = min(resultant, arrow_resultant) >= LEAST_RESULTANT and aslant <= SETTLED_WITHIN
    for k in range(len(sites)) if len(sites) > 2 and settled else ():
        rest = np.arange(len(sites)) != k
        part = float(np.rad2deg(np.angle(axes[rest].sum()))) / 4
        without = part + _turn(part, _mean_arrow(squared[rest].sum(), 1.0)[0])
        settled = settled and abs(float(axis(np.array([without - angle - turn]))[0])) <= 45
    angle = float(axis(np.array([angle + turn]))[0]) if settled else angle
    return Strike(
        angle=float(angle),
        other=float(axis(np.array([angle + 90.0]))[0]),
        error=float(min(error, 45.0)) if weight.size > 1 else np.nan,
        resultant=resultant,
        count=weight.size,
        settled=bool(settled),
        arrow=arrow,
        arrow_resultant=arrow_resultant,
        spread=_spread(axes),
    )


def tensor_axes(
    sites: Sequence[Site],
    *,
    band: tuple[float, float] = (0.0, np.inf),
    max_beta: float = MAX_BETA,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The axes that `strike` averages and their weights: `PhaseTensor.azimuth`, ellipticity up to 1.

    - `band`, `max_beta`: as in `strike`. What has no phase tensor or too much skew is left out.
    """
    low, high = band
    azimuths, weights = [np.zeros(0)], [np.zeros(0)]
    for site in sites:
        tensor = phase_tensor(site)
        keep = (site.frequencies >= low) & (site.frequencies <= high)
        keep &= (np.abs(tensor.beta) < max_beta) & np.isfinite(tensor.ellipticity)
        azimuths.append(tensor.azimuth[keep])
        weights.append(np.minimum(tensor.ellipticity[keep], 1.0))
    return np.concatenate(azimuths), np.concatenate(weights)


def _sum(azimuths: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]) -> complex:
    """The axes of a station together, modulo 90 degrees."""
    return complex(np.sum(weights * np.exp(4j * np.deg2rad(azimuths))))


def _spread(axes: Complex[np.ndarray, " site"]) -> float:
    """Standard deviation of the mean axis of all stations, degrees, from the axes of each, `_sum`.

    To first order that of the means without one of them, the jackknife's; 45 degrees at most.
    """
    mean = axes.sum()
    count = int(np.count_nonzero(axes))
    if count < 2 or not abs(mean) > 0:
        return np.nan
    across = np.imag(axes * np.conj(mean) / np.abs(mean))
    deviation = np.sqrt(np.sum(across**2) * count / (count - 1)) / np.abs(mean)
    return float(min(np.rad2deg(deviation) / 4, 45.0))


def _turn(angle: float, arrow: float) -> float:
    """0 or 90 degrees from an axis to that of the two which is nearer to the normal of an arrow."""
    return 90.0 if abs(float(axis(np.array([angle - arrow - 90.0]))[0])) > 45 else 0.0


def _arrow(site: Site, low: float, high: float) -> tuple[complex, float]:
    """The real induction arrows of a station together, from north, and the sum of their weights."""
    keep = (site.frequencies >= low) & (site.frequencies <= high) & np.isfinite(site.tipper).all(axis=1)
    north, east = np.real(site.tipper[keep]).T
    # Squared, an arrow and its reverse are the same; its weight is the squared length.
    squared = (north + 1j * east) ** 2 * np.exp(2j * np.deg2rad(site.azimuth[keep]))
    return complex(squared.sum()), float(np.sum(north**2 + east**2))


def _mean_arrow(squared: complex, weight: float) -> tuple[float, float]:
    """Mean axis of arrows, degrees from north, and its resultant; NaN without any."""
    if not weight > 0:
        return np.nan, np.nan
    return float(np.rad2deg(np.angle(squared)) / 2), float(np.abs(squared / weight))
