r"""From responses to a cloud of points: one point for each frequency and station.

A point has the coordinates (log frequency, station position, log10 rho_xy, phase_xy, log10 rho_yx,
phase_yx). Frequencies and positions are scaled to [0, 1] over the survey, log10 rho by eight decades,
phase by 90 degrees, so that every coordinate of a usual data set lies in the unit interval; the weights
then stretch the axes. The scales are those of Liu, Chen, Bo & Tang (2026), MTinv_OT.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from .data import Data

VALUE_SCALE = np.array([8.0, 90.0, 8.0, 90.0])
"""What maps to 1: decades of apparent resistivity, degrees of phase."""

ERROR_FLOOR = 0.03
"""Smallest error, after scaling, that gains weight."""


def _unit(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Values shifted and scaled to [0, 1]; zero if all are equal."""
    span = np.ptp(values)
    return (values - values.min()) / (span if span > 0 else 1.0)


class Embedding(eqx.Module):
    """The map from real data (comp freq site) to a weighted cloud.

    - `axes`: weighted frequency and station coordinates of each point.
    - `weight`: factor on each scaled value of each point; zero where a datum is missing, so that it
      has no cost.
    - `index`: the points used, in the flattened (frequency, station) grid: those with any datum.
    """

    axes: Float[np.ndarray, "point 2"]
    weight: Float[np.ndarray, "point 4"]
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
        r"""The embedding for a set of observations.

        Weights multiply coordinates, so they enter the cost squared. The weight of each component
        is its inverse median error, floored at `ERROR_FLOOR` after scaling, normalised so that the
        squared weights average one, times the weight of its mode.
        """
        shape = data.values.shape
        values = (data.values[:4] / VALUE_SCALE[:, None, None]).reshape(4, -1).T
        present = np.isfinite(values)
        index = np.flatnonzero(present.any(axis=1))
        errors = (data.errors[:4] / VALUE_SCALE[:, None, None]).reshape(4, -1).T
        precision = np.zeros(4)
        for c in range(4):
            if present[:, c].any():
                precision[c] = 1 / max(float(np.median(errors[present[:, c], c])), ERROR_FLOOR)
        used = precision > 0
        precision[used] /= np.sqrt(np.mean(precision[used] ** 2))
        precision *= np.array([te_weight, te_weight, tm_weight, tm_weight])
        axes = np.stack(
            np.meshgrid(
                frequency_weight * _unit(np.log10(data.survey.frequencies)),
                station_weight * _unit(data.survey.stations),
                indexing="ij",
            ),
            axis=-1,
        ).reshape(shape[1] * shape[2], 2)
        present = present[index]
        return cls(axes[index], precision * present, index, np.where(present, values[index], 0.0))

    def predicted_cloud(self, values: Float[Array, "comp freq site"]) -> Float[Array, "point 6"]:
        """The cloud of predicted data."""
        scaled = values[:4].reshape(4, -1).T[self.index] / VALUE_SCALE
        # A mode that was not simulated is NaN and has no weight: keep the NaN out of the gradient.
        scaled = jnp.where(self.weight > 0, scaled, 0.0)
        return jnp.concatenate([jnp.asarray(self.axes), scaled * self.weight], axis=1)

    def observed_cloud(self) -> Float[Array, "point 6"]:
        """The cloud of observed data."""
        return jnp.concatenate([jnp.asarray(self.axes), jnp.asarray(self.observed * self.weight)], axis=1)
