r"""From responses to a cloud of points: one point, or several, for each frequency and station.

A point has the coordinates (log frequency, station position, log10 rho_xy, phase_xy, log10 rho_yx,
phase_yx), and real and imaginary part of the tipper where there are any. Frequencies and positions are
scaled to [0, 1] over the survey, log10 rho by eight decades, phase by 90 degrees and tippers by 2, so that
every coordinate of a usual data set spans one at most; the weights then stretch the axes. The scales of
resistivity and phase are those of Liu, Chen, Bo & Tang (2026), MTinv_OT.

A cloud is not periodic, but phases are. Observed phases are taken within half a turn of their mean
direction, component by component, so that the cut between -180 and 180 degrees never runs through the data;
a predicted phase is taken within half a turn of the observed one of its frequency and station.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..conventions import COMPONENTS, IMPEDANCE, TIPPER, rows_of
from ..data import Data, nearest_turn
from .interpolation import Interpolation

VALUE_SCALE = np.array([8.0, 90.0, 8.0, 90.0, 2.0, 2.0])
"""What maps to 1, in the order of `COMPONENTS`: decades of apparent resistivity, degrees, 1."""

SINGULAR = 1e-10
"""Up to this eigenvalue a correlation matrix counts as singular: rounding could have made it of zero."""


CLEAR = 1e-6
"""Length of the mean of unit vectors below which they are taken to point in no direction."""


def _unit(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Values shifted and scaled to [0, 1]; zero if all are equal."""
    span = np.ptp(values)
    return (values - values.min()) / (span if span > 0 else 1.0)


class Embedding(eqx.Module):
    r"""The map from real data (comp freq site) to a weighted cloud.

    - `components`: which of `COMPONENTS` follow them, by their place.
    - `mode_weight`: weight of each component for its mode.
    - `mixing`: the factor of W that makes correlated noise uncorrelated, of norm one; None if it is.
    - `interpolation`: from the flattened (frequency, station) grid of samples to the points used, those
      with any datum.
    - `units`: decades of frequency, and spacings of the stations, in a unit of either axis; NaN for an
      axis of one sample.
    - `soft_blur`, `stiffening`: at a blur b the axes weigh `(soft_blur / b) ** stiffening` times as much.
    - `observed`: the data, phases within half a turn of their mean direction; NaN where there is none.

    A component is multiplied by its mode's weight over $\max(\mathrm{error}, \mathrm{blur})$, normalised
    so that the largest factor is one: a blur that is larger than the errors makes all components weigh
    alike, and as it shrinks the weights become those of the noise. Values are never stretched against
    the axes, or mass would slide to another frequency or station rather than pull on the model.
    """

    components: tuple[int, ...] = eqx.field(static=True)
    mode_weight: Float[np.ndarray, " value"]
    mixing: Float[np.ndarray, "value value"] | None
    interpolation: Interpolation
    units: Float[np.ndarray, "2"]
    soft_blur: float = eqx.field(static=True)
    stiffening: float = eqx.field(static=True)
    observed: Float[np.ndarray, "comp freq site"]

    @classmethod
    def from_data(
        cls,
        data: Data,
        *,
        frequency_weight: float,
        station_weight: float,
        te_weight: float,
        tm_weight: float,
        error_floor_ratio: float,
        components: Sequence[str] | None,
        point_errors: bool,
        correlation: Float[np.ndarray, "value value"] | None,
        points_per_sample: tuple[int, int],
        soft_blur: float,
        stiffening: float,
    ) -> "Embedding":
        r"""The embedding for a set of observations; weights multiply coordinates, not costs.

        `CloudTransport` has the defaults; its `embedding(data)` calls this.

        - `te_weight`: also of tippers.
        - `error_floor_ratio`: errors count as no less than this times the smallest median error of a
          component, so that components weigh more alike than their errors say; 1 leaves errors as they are.
        - `components`: names out of `COMPONENTS`; by default resistivities and phases, and tippers where
          there are any.
        - `point_errors`: whether each value has the weight of its own error, instead of that of the median
          error of its component; mass that moves between points of different errors then pays for it.
        - `correlation`: R, the correlation of the noise of the components. W is then $L^{-1}D^{-1}$ with
          $R = LL^T$ and D the errors, so that $|W(x - y)|^2$ is the quadratic form of their covariance.
        - `points_per_sample`: points along frequency and along the line that each sample is spread over.
        - `soft_blur`, `stiffening`: as above.

        Raises `ValueError` for unknown components, if none of them has a datum, or if R is no
        correlation matrix.
        """
        chosen = _chosen(data, components)
        count = len(chosen)
        present = np.moveaxis(data.mask[chosen], 0, -1)
        if not present.any():
            raise ValueError(
                "The cloud holds no datum: `Data(values=...)` is NaN for all of "
                f"{[COMPONENTS[c] for c in chosen]}. Choose other `components`."
            )
        logs, stations = np.log10(data.survey.frequencies), data.survey.stations
        errors = np.moveaxis(data.errors[chosen], 0, -1) / VALUE_SCALE[chosen]
        known = [errors[..., k][present[..., k]] for k in range(count)]
        middle = np.array([np.median(e) if e.size else np.inf for e in known])
        if not point_errors:
            errors = np.broadcast_to(middle, errors.shape)
        if error_floor_ratio > 1:
            errors = np.maximum(errors, error_floor_ratio * middle.min())
        weighted = (frequency_weight * _unit(logs), station_weight * _unit(stations))
        errors = np.where(present, errors, np.inf)
        interpolation = Interpolation.between(weighted, errors, points_per_sample)
        by_mode = np.full(len(COMPONENTS), te_weight)
        by_mode[list(rows_of("tm"))] = tm_weight
        lengths = (np.ptp(logs) / frequency_weight, (stations.size - 1) / station_weight)
        units = np.where(np.array([logs.size, stations.size]) > 1, lengths, np.nan)
        return cls(
            tuple(chosen),
            by_mode[chosen],
            _mixing(correlation, count),
            interpolation,
            units,
            soft_blur,
            stiffening,
            _around_mean_direction(data.values),
        )

    @property
    def axes(self) -> Float[np.ndarray | Array, "point 2"]:
        """Weighted frequency and station coordinates of each point."""
        return self.interpolation.axes

    @property
    def errors(self) -> Float[np.ndarray | Array, "point value"]:
        """The error of each value after scaling."""
        return self.interpolation.errors

    @property
    def present(self) -> Bool[np.ndarray | Array, "point value"]:
        """Which components of a point exist; the others have no weight, and so no cost."""
        return self.interpolation.present

    @property
    def smallest_error(self) -> float:
        """The smallest error of a value that exists, after scaling."""
        return float(np.min(np.where(self.present, self.errors, np.inf)))

    def _weights(self, blur: Float[Array, ""]) -> Float[Array, "point value"]:
        precision = jnp.asarray(self.mode_weight) / jnp.maximum(jnp.asarray(self.errors), blur)
        return jnp.where(self.present, precision / jnp.max(precision), 0.0)

    def _weighted(
        self, scaled: Float[Array, "point value"], blur: Float[Array, ""]
    ) -> Float[Array, "point d"]:
        values = scaled * self._weights(blur)
        if self.mixing is not None:
            values = values @ self.mixing.T
        return jnp.concatenate([self.stiffness(blur) * jnp.asarray(self.axes), values], axis=1)

    def units_at(self, blur: Float[Array, ""]) -> Float[Array, "2"]:
        """Decades of frequency and spacings of the stations in a unit of either axis of a cloud."""
        return jnp.asarray(self.units) / self.stiffness(blur)

    def stiffness(self, blur: Float[Array, ""]) -> Float[Array, ""]:
        """Factor of both axes at a blur: one at `soft_blur`, more below it."""
        return (self.soft_blur / blur) ** self.stiffening

    def _scaled(self, values: Float[Array, "comp freq site"]) -> Float[Array, "point value"]:
        chosen = list(self.components)
        # A mode that was not simulated is NaN and has no weight: the interpolation leaves it out.
        return self.interpolation(
            values[jnp.asarray(chosen)].reshape(len(chosen), -1).T / VALUE_SCALE[chosen]
        )

    def predicted_cloud(
        self, values: Float[Array, "comp freq site"], blur: Float[Array, ""]
    ) -> Float[Array, "point d"]:
        """The cloud of predicted data, weighted for a blur; phases modulo 360 degrees."""
        return self._weighted(self._scaled(jnp.asarray(nearest_turn(values, self.observed))), blur)

    def observed_cloud(self, blur: Float[Array, ""]) -> Float[Array, "point d"]:
        """The cloud of observed data, weighted for a blur."""
        return self._weighted(self._scaled(jnp.asarray(self.observed)), blur)

    def squared_slopes(
        self, like: Float[Array, "comp freq site"], blur: Float[Array, ""]
    ) -> Float[Array, "comp freq site"]:
        """A bound on how far the points of the cloud move for a unit of each datum, squared and summed.

        It is met where every point is a sample; between samples, squares of sums stay below it (Jensen).
        """
        chosen = list(self.components)
        columns = np.ones(len(chosen)) if self.mixing is None else np.sum(self.mixing**2, axis=0)
        squares = jnp.square(self._weights(blur) / VALUE_SCALE[chosen]) * columns
        spread = self.interpolation.spread(squares, like.shape[1] * like.shape[2])
        whole = jnp.zeros((like.shape[0], like.shape[1] * like.shape[2]), squares.dtype)
        return whole.at[jnp.asarray(chosen)].set(spread.T).reshape(like.shape)


def _around_mean_direction(values: Float[np.ndarray, "comp freq site"]) -> Float[np.ndarray, "comp _ _"]:
    """Values, phases shifted by whole turns to within half a turn of the mean direction of their row."""
    radians = np.deg2rad(np.where(np.isfinite(values), values, 0.0))
    directions = np.where(np.isfinite(values), np.exp(1j * radians), 0.0)
    total = directions.sum(axis=(1, 2), keepdims=True)
    # Directions that cancel have no mean, and what is left of them is rounding.
    clear = np.abs(total) > CLEAR * np.abs(directions).sum(axis=(1, 2), keepdims=True)
    middle = np.where(clear, np.angle(total, deg=True), 0.0)
    return np.asarray(nearest_turn(values, middle))


def _chosen(data: Data, components: Sequence[str] | None) -> list[int]:
    if components is None:
        return [*IMPEDANCE, *TIPPER] if data.mask[list(TIPPER)].any() else list(IMPEDANCE)
    check_components(components)
    return [COMPONENTS.index(name) for name in components]


def check_components(components: Sequence[str]) -> None:
    """Raises `ValueError` unless some of `COMPONENTS` are named, each once."""
    unknown = [name for name in components if name not in COMPONENTS]
    if unknown or not components or len(set(components)) < len(components):
        raise ValueError(
            f"`components` must name some of {COMPONENTS}, each once. Got {tuple(components)}."
        )


def _mixing(
    correlation: Float[np.ndarray, "value value"] | None, count: int
) -> Float[np.ndarray, "value value"] | None:
    if correlation is None:
        return None
    matrix = np.asarray(correlation, dtype=float)
    if (
        matrix.shape != (count, count)
        or not np.allclose(matrix, matrix.T)
        or not np.allclose(np.diag(matrix), 1.0)
        or not np.all(np.linalg.eigvalsh(matrix) > SINGULAR)
    ):
        raise ValueError(
            f"`correlation` must be a correlation matrix of {count} components: symmetric, positive "
            f"definite, with a diagonal of ones. Got {matrix.tolist()}."
        )
    mixing = np.linalg.inv(np.linalg.cholesky(matrix))
    return mixing / np.linalg.norm(mixing, 2)
