"""What is refused before anything is sampled: misfits that are no likelihoods, priors that are none."""

from typing import Any

import numpy as np

from ..inversion.objective import check_kind
from ..inversion.parametrisation import AbstractParametrisation
from ..inversion.regularization import AbstractRegularization
from ..misfit import AbstractMisfit, LeastSquares
from ..misfit.pointwise import AbstractPointwise
from .posterior import FEWEST

FLAT = 1e-9
"""Curvature of a penalty along a pattern, over the largest, below which it has none."""


def check_counts(draws: int, chains: int) -> None:
    """Raises `ValueError` for chains of which nothing could be said."""
    least = 2 * FEWEST if chains == 1 else FEWEST
    if draws < least:
        raise ValueError(
            f"`sample(draws=...)` must be at least {least} for each chain: fewer have no spread, and no "
            f"R-hat says whether they may be believed. Got {draws}; 250 or more are usual."
        )
    if chains < 1:
        raise ValueError(f"`sample(chains=...)` must be at least 1; R-hat needs several. Got {chains}.")


def likelihood_of(misfit: AbstractMisfit | None) -> AbstractPointwise:
    """The misfit, if it is minus twice the logarithm of a density of data."""
    if misfit is None:
        return LeastSquares()
    check_kind("misfit", misfit, AbstractMisfit, "LeastSquares()", door="sample")
    name = type(misfit).__name__
    if not isinstance(misfit, AbstractPointwise):
        raise ValueError(
            f"`sample(misfit={name}(...))`: a posterior needs a likelihood, the density of data with their "
            f"stated errors, and `{name}` is the logarithm of none: a distance between clouds says which "
            "section is nearer, not how probable noise would make the difference. Invert by it, give the "
            "result as `sample(start=...)`, and sample by `LeastSquares()`, `Huber()` or `Student()`."
        )
    if misfit.phase_weight != 1:
        raise ValueError(
            f"`sample(misfit={name}(phase_weight=...))` must be 1: a likelihood weighs by the stated "
            f"errors. Got {misfit.phase_weight}; change `Data(errors=...)` of the phases instead."
        )
    return misfit


def check_prior(
    parametrisation: AbstractParametrisation, prior: AbstractRegularization, parameters: Any
) -> None:
    """Raises `ValueError` for a prior that is improper, or unknown."""
    check_kind("prior", prior, AbstractRegularization, "Smoothness()", door="sample")
    name = type(parametrisation).__name__
    volume, tangent = parametrisation.log_volume(parameters), parametrisation.tangent(parameters)
    if volume is None or tangent is None:
        raise ValueError(
            f"`sample` needs a parametrisation whose prior is known; the parameters of `{name}` have no "
            "bounds, and a prior of the section says nothing of them one by one: an improper prior. Use "
            "`Cells`, `Blocks` or `Basis`."
        )
    far_out = parametrisation.log_volume(parameters + 1e3)
    if far_out is not None and float(far_out) < float(volume) - 1e2:
        # Bounds alone are a proper prior.
        return
    mesh, free = parametrisation.mesh, parametrisation.free
    curved = prior.curvature(np.asarray(parametrisation(parameters)), mesh, free)
    values, vectors = np.linalg.eigh((tangent.T @ curved @ tangent).toarray())
    near, far = (
        float(prior(parametrisation(parameters + s * vectors[:, 0]), mesh, free)) for s in (1e2, 1e4)
    )
    if not (values[0] > FLAT * values[-1] and far > 10 * near):
        raise ValueError(
            f"`sample(prior={type(prior).__name__}(...))` is improper for a `{name}`, which has no bounds: "
            "along one of its patterns, or a sum of them, the penalty does not grow, so that no section is "
            "too extreme for it. Add a `Smallness` by `Penalties`, or use `Cells` or `Blocks`, which have "
            "bounds."
        )
