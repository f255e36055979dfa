r"""From responses to a cloud of points: one point for each frequency and station.

A point has the coordinates (log frequency, station position, log10 rho_xy, phase_xy, log10 rho_yx,
phase_yx). Frequencies and positions are scaled to [0, 1] over the survey, log10 rho by eight decades,
phase by 90 degrees, so that every coordinate of a usual data set lies in the unit interval; the weights
then stretch the axes. The scales are those of Liu, Chen, Bo & Tang (2026), MTinv_OT.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .data import Data

VALUE_SCALE = np.array([8.0, 90.0, 8.0, 90.0])
"""What maps to 1: decades of apparent resistivity, degrees of phase."""


def _unit(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Values shifted and scaled to [0, 1]; zero if all are equal."""
    span = np.ptp(values)
    return (values - values.min()) / (span if span > 0 else 1.0)


class Embedding(eqx.Module):
    r"""The map from real data (comp freq site) to a weighted cloud.

    - `axes`: weighted frequency and station coordinates of each point.
    - `errors`: median error of each component after scaling, infinite if it has no datum.
    - `mode_weight`: weight of each component for its mode.
    - `present`: which components of a point exist. The others have no weight, and so no cost.
    - `index`: the points used, in the flattened (frequency, station) grid: those with any datum.
    - `observed`: scaled values of each point.

    A component is multiplied by its mode's weight over $\max(\mathrm{error}, \mathrm{blur})$, normalised
    so that the largest factor is one: a blur that is larger than the errors makes all components weigh
    alike, and as it shrinks the weights become those of the noise. Values are never stretched against
    the axes, or mass would slide to another frequency or station rather than pull on the model.
    """

    axes: Float[np.ndarray, "point 2"]
    errors: Float[np.ndarray, " 4"]
    mode_weight: Float[np.ndarray, " 4"]
    present: Bool[np.ndarray, "point 4"]
    index: Int[np.ndarray, " point"]
    observed: Float[np.ndarray, "point 4"]

    @classmethod
    def from_data(
        cls,
        data: Data,
        *,
        frequency_weight: float = 1.0,
        station_weight: float = 1.0,
        te_weight: float = 1.0,
        tm_weight: float = 1.0,
    ) -> "Embedding":
        """The embedding for a set of observations; weights multiply coordinates, not costs."""
        shape = data.values.shape
        values = (data.values[:4] / VALUE_SCALE[:, None, None]).reshape(4, -1).T
        present = np.isfinite(values)
        index = np.flatnonzero(present.any(axis=1))
        if not index.size:
            raise ValueError(
                "The 6-D cloud needs apparent resistivities or phases, and `Data(values=...)` holds "
                "none: tippers are not part of it. Use `LeastSquares()`."
            )
        errors = (data.errors[:4] / VALUE_SCALE[:, None, None]).reshape(4, -1).T
        exists = present.any(axis=0)
        middle = np.full(4, np.inf)
        middle[exists] = [np.median(errors[present[:, c], c]) for c in np.flatnonzero(exists)]
        axes = np.stack(
            np.meshgrid(
                frequency_weight * _unit(np.log10(data.survey.frequencies)),
                station_weight * _unit(data.survey.stations),
                indexing="ij",
            ),
            axis=-1,
        ).reshape(shape[1] * shape[2], 2)
        present = present[index]
        mode_weight = np.array([te_weight, te_weight, tm_weight, tm_weight])
        observed = np.where(present, values[index], 0.0)
        return cls(axes[index], middle, mode_weight, present, index, observed)

    def _weight(self, blur: Float[Array, ""]) -> Float[Array, "point 4"]:
        precision = jnp.asarray(self.mode_weight) / jnp.maximum(jnp.asarray(self.errors), blur)
        return jnp.where(self.present, precision / jnp.max(precision), 0.0)

    def predicted_cloud(
        self, values: Float[Array, "comp freq site"], blur: Float[Array, ""]
    ) -> Float[Array, "point 6"]:
        """The cloud of predicted data, weighted for a blur."""
        scaled = values[:4].reshape(4, -1).T[self.index] / VALUE_SCALE
        # A mode that was not simulated is NaN and has no weight: keep the NaN out of the gradient.
        scaled = jnp.where(self.present, scaled, 0.0)
        return jnp.concatenate([jnp.asarray(self.axes), scaled * self._weight(blur)], axis=1)

    def observed_cloud(self, blur: Float[Array, ""]) -> Float[Array, "point 6"]:
        """The cloud of observed data, weighted for a blur."""
        return jnp.concatenate([jnp.asarray(self.axes), self.observed * self._weight(blur)], axis=1)
