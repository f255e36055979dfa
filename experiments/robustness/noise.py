"""Observations: responses with noise of many kinds, always the same for the same seed."""

import dataclasses

import numpy as np

import jaxmt
from jaxmt.conventions import COMPONENTS
from jaxmt.noise import OUTLIER_FACTOR, STUDENT_FREEDOM

STATED = 0.05
"""Relative error of |Z| that the data state, where `level` does not say it."""
BAND = 0.5
"""Decades of frequency over which the noise of correlated bands is alike."""
UNEVEN = (3.0, 10.0, 20.0)
"""How many times larger some errors of "uneven" noise are than the others."""
SHIFTED = 1 / 3
"""Fraction of the stations that are shifted."""


def _gaussian(rng: np.random.Generator, data: jaxmt.Data, level: float) -> np.ndarray:
    del level
    return rng.standard_normal(data.values.shape)


def _student(rng: np.random.Generator, data: jaxmt.Data, level: float) -> np.ndarray:
    del level
    return rng.standard_t(STUDENT_FREEDOM, data.values.shape)


def _outliers(rng: np.random.Generator, data: jaxmt.Data, level: float) -> np.ndarray:
    """Gaussian, and a fraction `level` of the data has ten times the noise."""
    noise = rng.standard_normal(data.values.shape)
    return noise * np.where(rng.random(noise.shape) < level, OUTLIER_FACTOR, 1.0)


def _bands(rng: np.random.Generator, data: jaxmt.Data, level: float) -> np.ndarray:
    """Gaussian of unit variance, correlated over half a decade of frequency at each station."""
    del level
    logs = np.log10(data.survey.frequencies)
    correlation = np.exp(-np.square(np.subtract.outer(logs, logs) / BAND) / 2)
    factor = np.linalg.cholesky(correlation + 1e-9 * np.eye(logs.size))
    return np.einsum("fg,cgs->cfs", factor, rng.standard_normal(data.values.shape))


def _missing(rng: np.random.Generator, data: jaxmt.Data, level: float) -> np.ndarray:
    """Gaussian; whole stations, and a run of frequencies at each of the others, lack a fraction `level`."""
    noise = rng.standard_normal(data.values.shape)
    count, stations = data.values.shape[1:]
    absent = rng.choice(stations, round(level / 2 * stations), replace=False)
    noise[:, :, absent] = np.nan
    run = round(level / 2 * count)
    for station in range(stations):
        first = rng.integers(0, count - run + 1)
        noise[:, first : first + run, station] = np.nan
    return noise


KINDS = {
    "gaussian": _gaussian,
    "student": _student,
    "outliers": _outliers,
    "bands": _bands,
    "missing": _missing,
    "uneven": _gaussian,
}
"""Noise in units of the stated errors; NaN takes a datum away."""


def observe(
    clean: jaxmt.Responses, kind: str, level: float, seed: int, shift: float = 0.0
) -> tuple[jaxmt.Data, jaxmt.Data]:
    """Noisy data, and the same without static shifts.

    - `level`: of "gaussian" and "bands" the relative error of |Z|, which is the stated one, too; of
      "outliers" and "missing" the fraction of the data; of "student" the stated error; of "uneven" the
      fraction of the frequencies and stations whose errors, stated as they are, are 3 to 20 times larger.
    - `shift`: standard deviation, decades of apparent resistivity, of each mode at a third of the stations.
    """
    stated = STATED if kind in ("outliers", "missing", "uneven") else level
    data = jaxmt.Data.from_responses(clean, stated)
    rng = np.random.default_rng([seed, *kind.encode()])
    if kind == "uneven":
        shape = data.values.shape[1:]
        factor = np.where(rng.random(shape) < level, rng.choice(UNEVEN, shape), 1.0)
        data = dataclasses.replace(data, errors=data.errors * factor)
    unshifted = dataclasses.replace(data, values=data.values + data.errors * KINDS[kind](rng, data, level))
    stations = clean.survey.stations.size
    chosen = rng.choice(stations, round(SHIFTED * stations), replace=False)
    values = unshifted.values.copy()
    for name in ("log10_rho_xy", "log10_rho_yx"):
        values[COMPONENTS.index(name)][:, chosen] += shift * rng.standard_normal(chosen.size)
    return dataclasses.replace(unshifted, values=values), unshifted
