"""Observed data: values, errors, and which of them exist."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PRNGKeyArray
from numpy.typing import ArrayLike

from .conventions import COMPONENTS, IMPEDANCE, PERIODS, PHASE, RHO, TIPPER, UNITS
from .labelled import dataframe
from .noise import KINDS, drawn
from .simulation.responses import Responses, log10_and_phase, numpy_of, parts
from .simulation.survey import Survey

Values = Float[np.ndarray, "comp freq site"]
Impedance = Complex[np.ndarray, "freq site"]
Errors = Float[np.ndarray, "freq site"]
Components = Float[Array | np.ndarray, "comp freq site"]

LARGEST = (20.0, 3600.0, 20.0, 3600.0, 1e3, 1e3)
"""Size beyond which a value of `COMPONENTS` is none: 1e20 ohm m, ten turns, a tipper of 1,000."""

ERRORS = (1e-12, 1e12)
"""Least and largest error in the units of `COMPONENTS`: beyond them lies no measurement, nor a weight."""


class Data(eqx.Module):
    r"""Observations at the stations of a survey.

    - `values`: real data in the order of `COMPONENTS` (log10 ohm m, degrees, log10 ohm m, degrees,
      tipper real and imaginary part). NaN marks a datum that does not exist.
    - `errors`: one standard deviation of each, same units and shape; positive where a datum exists.

    Raises `ValueError` for shapes that differ, values that are infinite or beyond `LARGEST`, errors that
    are not positive or beyond `ERRORS`, or no datum at all.
    """

    survey: Survey
    values: Values = eqx.field(converter=lambda v: np.array(v, dtype=float))
    errors: Values = eqx.field(converter=lambda v: np.array(v, dtype=float))

    def __check_init__(self) -> None:
        shape = (len(COMPONENTS), self.survey.frequencies.size, self.survey.stations.size)
        for name, array in (("values", self.values), ("errors", self.errors)):
            if array.shape != shape:
                raise ValueError(
                    f"`Data({name}=...)` must have shape (component, frequency, station) = {shape}. "
                    f"Got {array.shape}."
                )
        if not self.mask.any():
            raise ValueError("`Data(values=...)` holds no datum: every value is NaN.")
        bad = np.argwhere(np.abs(self.values) > np.array(LARGEST)[:, None, None])
        if bad.size:
            (row, f, s), unit = bad[0].tolist(), "" if UNITS[bad[0][0]] == "1" else f" {UNITS[bad[0][0]]}"
            raise ValueError(
                f"`Data(values=...)` of {COMPONENTS[row]} must lie within {LARGEST[row]:g}{unit} of zero. "
                f"Got {len(bad)} values beyond, the first {self.values[row, f, s]:g} at frequency {f}, "
                f"station {s}; NaN marks what is missing."
            )
        errors = self.errors[self.mask]
        bad = errors[~((errors >= ERRORS[0]) & (errors <= ERRORS[1]))]
        if bad.size:
            raise ValueError(
                f"`Data(errors=...)` must be {ERRORS[0]:g} to {ERRORS[1]:g} decades, degrees or 1 where a "
                f"value exists. Got {bad.size} that are not, the first {bad[0]}; set an error floor."
            )

    @property
    def mask(self) -> np.ndarray:
        """True where a datum exists; shape (component, frequency, station)."""
        return np.isfinite(self.values)

    @property
    def count(self) -> Float[Array, ""] | float:
        """Number of data that exist; works under `jit`."""
        xp = numpy_of(self.values)
        return xp.sum(xp.isfinite(self.values), dtype=float)

    @classmethod
    def from_responses(
        cls,
        responses: Responses,
        relative_error: float = 0.05,
        tipper_error: float | None = None,
    ) -> "Data":
        r"""Noise-free data from simulated responses.

        - `relative_error`: e, the standard deviation of Re Z and of Im Z over |Z|, so that
          $\sigma(\log_{10}\rho_a) = 2e/\ln 10$ and $\sigma(\phi) = e$ rad.
        - `tipper_error`: standard deviation of the tipper's real and imaginary part; None leaves
          tippers out.
        """
        if not relative_error > 0:
            raise ValueError(
                "`Data.from_responses(relative_error=...)` must be positive, a fraction of |Z|. "
                f"Got {relative_error}."
            )
        values = np.array(responses.components)
        if tipper_error is None:
            values[list(TIPPER)] = np.nan
        scale = impedance_error_scale()
        scale = np.array([*(relative_error * scale), *[tipper_error or 1.0] * 2])
        return cls(responses.surveyed(), values, np.broadcast_to(scale[:, None, None], values.shape))

    @classmethod
    def from_impedance(
        cls,
        survey: Survey,
        z_xy: Impedance,
        z_xy_error: Errors,
        z_yx: Impedance,
        z_yx_error: Errors,
        tipper: Impedance | None = None,
        tipper_error: Errors | None = None,
    ) -> "Data":
        r"""Data from impedances.

        - `z_xy`, `z_yx`: ohm, $e^{+i\omega t}$, (frequency, station); NaN where missing.
        - `z_xy_error`, `z_yx_error`: ohm, the standard deviation of the real and of the imaginary
          part each.
        - `tipper`, `tipper_error`: Hz/Hy and the standard deviation of its real and imaginary part.
        """
        if (tipper is None) != (tipper_error is None):
            raise ValueError(
                "`Data.from_impedance(tipper=..., tipper_error=...)` go together: give both or neither."
            )
        absent = np.full(np.shape(z_xy), np.nan)
        # The logarithm of an impedance of zero is infinite, and so is its relative error: no value.
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.stack([z_xy_error / np.abs(z_xy)] * 2 + [z_yx_error / np.abs(z_yx)] * 2)
            components = np.concatenate(
                [
                    *(log10_and_phase(z, survey.frequencies) for z in (z_xy, -z_yx)),
                    parts(absent + 0j if tipper is None else tipper),
                ]
            )
        scale = impedance_error_scale()[:, None, None]
        tipper_error = absent if tipper_error is None else tipper_error
        errors = np.concatenate([relative * scale, [tipper_error, tipper_error]])
        values = np.where(np.isfinite(errors), components, np.nan)
        return cls(survey, values, errors)

    def with_floor(self, relative: float, phase: float | None = None) -> "Data":
        r"""The same data with errors no smaller than a floor.

        - `relative`: floor of the relative error e of |Z|, as in `from_responses`.
        - `phase`: floor of the phase error in degrees, if it shall differ from e rad.
        """
        floor = np.array([*(relative * impedance_error_scale()), 0.0, 0.0])
        if phase is not None:
            floor[list(PHASE)] = phase
        return dataclasses.replace(self, errors=np.maximum(self.errors, floor[:, None, None]))

    def with_noise(self, key: PRNGKeyArray, level: float = 0.05, kind: str = "gaussian") -> "Data":
        r"""The same data with random noise added; the stated errors stay as they are.

        - `level`: the standard deviation of the noise of Re Z and Im Z over |Z|; it becomes noise of
          log10 rho and phase by the rule of `from_responses`. Tippers get `level` itself.
        - `kind`: "gaussian"; "student" (Student's t with 3 degrees of freedom, scaled by `level`);
          "outliers" (Gaussian, and one datum in ten has ten times the noise).
        """
        if kind not in KINDS:
            raise ValueError(
                f"`Data.with_noise(kind=...)` must be 'gaussian', 'student' or 'outliers'. Got {kind!r}."
            )
        if not level >= 0:
            raise ValueError(
                f"`Data.with_noise(level=...)` must not be negative, a fraction of |Z|. Got {level}."
            )
        scale = np.array([*(level * impedance_error_scale()), level, level])
        noise = drawn(kind, key, self.values.shape)
        return dataclasses.replace(self, values=self.values + scale[:, None, None] * noise)

    def select(
        self,
        *,
        frequencies: ArrayLike | None = None,
        stations: ArrayLike | None = None,
        components: Sequence[str] | None = None,
    ) -> "Data":
        """Part of the data; what is not named stays whole.

        - `frequencies`, `stations`: indices to keep, or one boolean for each; their survey follows, as by
          `Survey.at`.
        - `components`: names out of `COMPONENTS` to keep; values of the others become NaN.

        Raises `ValueError` for an unknown component, booleans of the wrong length, or if no datum is left.
        """
        survey = self.survey
        at = _indices("frequencies", frequencies, survey.frequencies.size)
        of = _indices("stations", stations, survey.stations.size)
        unknown = [] if components is None else [name for name in components if name not in COMPONENTS]
        if unknown:
            raise ValueError(
                f"`Data.select(components=...)` must name some of {', '.join(COMPONENTS)}. "
                f"Got {unknown[0]!r}."
            )
        kept = np.array([components is None or name in components for name in COMPONENTS])
        part = dataclasses.replace(
            survey if frequencies is None else survey.at(survey.frequencies[at]),
            stations=survey.stations[of],
            names=tuple(survey.names[k] for k in of),
            depths=survey.depths[of],
        )
        values, errors = (array[:, at][:, :, of] for array in (self.values, self.errors))
        return Data(part, np.where(kept[:, None, None], values, np.nan), errors)

    def complete(self) -> "Data | None":
        """The data without lone ones: rho without its phase, a real part without its imaginary part.

        What is left can be written as complex numbers. None if nothing is left.
        """
        values = self.values.copy()
        for pair in (*zip(RHO, PHASE, strict=True), TIPPER):
            rows = list(pair)
            values[rows] = np.where(np.isfinite(values[rows]).all(axis=0), values[rows], np.nan)
        return Data(self.survey, values, self.errors) if np.isfinite(values).any() else None

    def without_tipper(self) -> "Data":
        """The data of impedances alone. Raises `ValueError` if there are none."""
        return self.select(components=[COMPONENTS[row] for row in IMPEDANCE])

    def median_resistivity(self, guess: float = 100.0) -> float:
        """Median of all apparent resistivities, ohm m: a first look at the ground; `guess` without any."""
        rows = list(RHO)
        known = self.values[rows][self.mask[rows]]
        return float(10 ** np.median(known)) if known.size else guess

    def nrms(self, responses: Responses) -> float:
        r"""$\sqrt{\mathrm{mean}(((d - F)/\sigma)^2)}$ over the data that exist."""
        return float(self.nrms_of(responses.components))

    def nrms_of(self, predicted: Components) -> Float[Array, ""] | float:
        """`nrms` of predicted data in the order of `COMPONENTS`; works under `jit`."""
        xp = numpy_of(self.values, predicted)
        return xp.sqrt(xp.sum(xp.square(known_residuals(self, predicted))) / self.count)

    def to_dataframe(self) -> Any:
        """A `pandas.DataFrame` with a row for each datum, as `jaxmt.labelled.dataframe` makes it."""
        return dataframe(self.survey, self.values, self.errors)

    def residuals(self, responses: Responses) -> Values:
        """(d - F) / sigma, phases taken modulo 360 degrees; NaN where no datum exists."""
        return np.array(normalised_residuals(self, responses.components))


def _indices(name: str, chosen: ArrayLike | None, size: int) -> Int[np.ndarray, " kept"]:
    """Indices out of `size`, from indices or booleans; all for None."""
    if chosen is None:
        return np.arange(size)
    array = np.asarray(chosen)
    if array.dtype == bool and array.shape != (size,):
        raise ValueError(
            f"`Data.select({name}=...)` must hold {size} booleans, or indices. Got shape {array.shape}."
        )
    if array.size and array.dtype != bool and not (array.min() >= -size and array.max() < size):
        raise ValueError(
            f"`Data.select({name}=...)` must hold indices below {size}. Got {array.min()} to {array.max()}."
        )
    picked = np.arange(size)[array.astype(int) if array.dtype != bool else array]
    if not picked.size:
        raise ValueError(f"`Data.select({name}=...)` leaves none of {size}.")
    return picked


def impedance_error_scale() -> Float[np.ndarray, " 4"]:
    r"""Standard deviation of log10 rho (2/ln 10) and phase (180/pi degrees) for a relative error 1."""
    return np.array([2 / np.log(10), 180 / np.pi] * 2)


def nearest_turn(
    values: Float[Array | np.ndarray, "comp ..."], to: Float[Array | np.ndarray, "comp ..."]
) -> Float[Array | np.ndarray, "comp ..."]:
    """`values` with each phase shifted by whole turns of 360 degrees until it is nearest to that in `to`.

    Where `to` is NaN values stay. Rows are in the order of `COMPONENTS`; the shift is a constant under
    differentiation.
    """
    xp = numpy_of(values, to)
    turns = np.array(PERIODS).reshape(-1, *[1] * (values.ndim - 1))
    # Rounding has no derivative.
    count = xp.round((to - values) / np.where(turns > 0, turns, 1.0))
    return values + xp.where((turns > 0) & xp.isfinite(count), turns * count, 0.0)


def normalised_residuals(data: Data, predicted: Components) -> Components:
    """(d - F) / sigma with phases taken modulo 360 degrees; NaN where no datum exists."""
    return (data.values - nearest_turn(predicted, data.values)) / data.errors


def known_residuals(data: Data, predicted: Components) -> Components:
    """(d - F) / sigma as in `normalised_residuals`, zero where no datum exists."""
    xp = numpy_of(data.values, predicted)
    known = xp.isfinite(data.values)
    # Replace before subtracting, too: the gradient of a masked NaN would be NaN.
    residuals = normalised_residuals(data, xp.where(known, predicted, 0.0))
    return xp.where(known, residuals, 0.0)
