"""From data to a posterior: the door of the samplers."""

import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ..atomic import FilePath
from ..batch.tasks import Source, run_tasks
from ..data import Data
from ..fingerprint import fingerprint
from ..forking import refuse_forked
from ..inversion.appraisal import WORST_CONDITION, appraise, posterior
from ..inversion.objective import Objective, check_kind
from ..inversion.parametrisation import AbstractParametrisation, Cells
from ..inversion.regularization import AbstractRegularization, Smoothness
from ..inversion.result import Result
from ..inversion.static_shift import StaticShift
from ..misfit import AbstractMisfit, LeastSquares
from ..simulation.mesh import Mesh
from ..simulation.solve import AbstractSolver
from .chain import AbstractSampler, Segment, Task, perform, read
from .checks import check_counts, check_prior, likelihood_of
from .density import Density
from .mode import NEAR, Mode, mode, mode_at
from .nuts import NUTS
from .posterior import Posterior, diagnosed
from .randomise import RandomiseThenOptimise
from .shared import Shared, keep, kept

LEAST_DETERMINED = 0.01
"""Parameters that data must determine to be data of a posterior, all together."""


PILOT = 2**31 - 1
"""What makes the key of all that comes before the chains, whose keys are made by their numbers."""


class Sampled(NamedTuple):
    """How far sampling has come: draws of each chain, the largest R-hat and the fewest effective draws."""

    draws: int
    rhat: float
    ess: float
    gradients: int


def sample(
    data: Data,
    parametrisation: AbstractParametrisation | Mesh,
    start: Any,
    misfit: AbstractMisfit | None = None,
    *,
    prior: AbstractRegularization | None = None,
    regularization_factor: float | None = None,
    static_shift: StaticShift | None = None,
    error_scale: float | None = None,
    sampler: AbstractSampler | None = None,
    draws: int = 250,
    chains: int = 4,
    key: PRNGKeyArray | None = None,
    folder: FilePath | None = None,
    executor: Source = None,
    progress: Callable[[Sampled], None] | None = None,
    solver: AbstractSolver | None = None,
) -> Posterior:
    r"""Sections that fit the data as the prior lets them, each as often as it is probable.

    - `parametrisation`: `Cells`, `Blocks` or `Basis`; a mesh is `Cells(mesh)`.
    - `start`: where the search for the most probable section begins: the `Result` of an inversion, by any
      misfit, or what `invert(start=...)` takes.
    - `misfit`: the likelihood: `LeastSquares()`, the default, for Gaussian noise with the stated errors,
      `Huber()` or `Student()`.
    - `prior`: a regularisation, `Smoothness()` by default, times `regularization_factor`, lambda of the
      objective `LeastSquares()` + lambda `prior`; by default that of the highest evidence at the start
      (`appraise`). Else log10 of resistivity is uniform between the bounds of the parametrisation.
    - `static_shift`: shifts of log10 rho_a are integrated out, or with another likelihood than
      `LeastSquares()` sampled: Gaussian of mean zero by mode, without the bounds of `invert`.
    - `error_scale`: the errors have an unknown factor, log-normal with this standard deviation in decades.
    - `sampler`: `NUTS()` by default; `RandomiseThenOptimise()` for many cells.
    - `draws`: of each of the `chains`. `key`: `jax.random.key(0)` by default.
    - `folder`: keeps what is done, so that a call that was stopped goes on, and a call with more draws
      adds them. `executor`: as for `run_tasks`; a round of draws of a chain is a task.
    - `progress`: called after each round. `solver`: as for `simulate`.

    Raises `ValueError` for a misfit that is no likelihood, such as transport; a prior that is improper,
    so that there is no posterior; data that say nothing, or whose errors are so small that nothing else
    counts; fewer than 4 draws, or 8 of one chain; `FloatingPointError` for a start without a finite
    density; `ImportError` where the extra `sample` is not installed; `RuntimeError` where a chain failed.
    """
    refuse_forked()
    check_counts(draws, chains)
    sampler = NUTS() if sampler is None else sampler
    check_kind("sampler", sampler, AbstractSampler, "NUTS()", door="sample")
    check_kind("data", data, Data, "Data(survey, values, errors)", door="sample")
    if isinstance(parametrisation, Mesh):
        parametrisation = Cells(parametrisation)
    likelihood = likelihood_of(misfit)
    prior = Smoothness() if prior is None else prior
    if isinstance(start, Result):
        same = start.parametrisation is parametrisation
        start = start.parameters if same else np.asarray(start.resistivity)
    if error_scale is not None and not 0 < error_scale < np.inf:
        raise ValueError(
            "`sample(error_scale=...)` must be positive and finite, the standard deviation of the factor "
            f"of all errors in decades. Got {error_scale}."
        )
    check_kind("parametrisation", parametrisation, AbstractParametrisation, "Cells(mesh)", door="sample")
    parameters = parametrisation.start(start)
    section = np.asarray(parametrisation(parameters))
    check_prior(parametrisation, prior, parameters)
    if regularization_factor is not None and not 0 < regularization_factor < np.inf:
        raise ValueError(
            f"`sample(regularization_factor=...)` must be positive and finite. Got {regularization_factor}."
        )
    plain = isinstance(likelihood, LeastSquares) and error_scale is None
    if isinstance(sampler, RandomiseThenOptimise) and not plain:
        raise ValueError(
            "`sample(sampler=RandomiseThenOptimise())` needs Gaussian noise with the errors as stated: "
            "leave `misfit` and `error_scale` out, or sample by `NUTS()`."
        )
    objective = Objective(
        data, parametrisation, likelihood, prior, 1.0, static_shift=static_shift, solver=solver
    )
    key = jax.random.key(0) if key is None else key
    own = [jax.random.fold_in(key, c) for c in range(chains)]
    told = (regularization_factor, error_scale, sampler, np.asarray(jax.random.key_data(key)))
    identity = fingerprint((objective.identity(parameters), told))
    rounds = -(-draws // sampler.round)
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(_place(folder)))
        shared = kept(place, identity)
        factor = regularization_factor if shared is None else shared.factor
        if factor is None:
            # Data alone say how much: whatever likelihood they have.
            factor = appraise(
                data,
                parametrisation,
                10**section,
                regularization=prior,
                static_shift=static_shift,
                solver=solver,
            ).regularization_factor
        density = Density(objective.weighted(factor), error_scale)
        if shared is None:
            peak = _peak(density, density.joined(parameters))
            pilot = jax.random.fold_in(key, PILOT)
            shared = Shared(factor, *sampler.whitening(density, peak, pilot))
            keep(place, identity, shared)
        else:
            peak = mode_at(density, np.asarray(shared.whitening.centre))
        source = executor
        if callable(source) and not isinstance(source, Executor):
            source = stack.enter_context(source())
        found: list[list[Segment]] = [[] for _ in range(chains)]
        for k in range(rounds):
            tasks = {
                f"chain-{c}-{k}": Task(
                    density,
                    shared.whitening,
                    sampler,
                    f"chain-{c}-{k - 1}" if k else None,
                    np.asarray(jax.random.key_data(jax.random.fold_in(own[c], k))),
                )
                for c in range(chains)
            }
            run_tasks(perform, tasks, place, source).require()
            for c, name in enumerate(tasks):
                found[c].append(read(place / name))
            if progress is not None:
                made = _posterior(density, peak, sampler, found, (k + 1) * sampler.round, shared.gradients)
                counted = int(made.gradients.sum() + made.warm_up.sum()) + made.pilot_gradients
                worst = float(made.rhat[made.worst])
                progress(Sampled(made.gradients.shape[1], worst, made.fewest, counted))
    return _posterior(density, peak, sampler, found, draws, shared.gradients)


def _peak(density: Density, x: np.ndarray) -> Mode:
    """The mode. Raises `ValueError` for data that say nothing, or everything."""
    try:
        peak = mode(density, x)
    except FloatingPointError as error:
        raise FloatingPointError(
            f"`sample(start=...)`: {error} Look at the data, and at `simulate(mesh, data.survey, start)`."
        ) from error
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"`sample(regularization_factor=...)` of {float(density.objective.weight):.3g} outweighs the "
            "bounds, or the data, beyond what numbers hold. Leave it out to have one found from the start."
        ) from error
    errors = density.objective.data.errors[density.objective.data.mask]
    if peak.laplace.squares.max(initial=0.0) > WORST_CONDITION:
        raise ValueError(
            "`sample(data=...)` has errors so small that the data outweigh the prior more than "
            f"{WORST_CONDITION:g} times, the smallest {errors.min():.3g}; set an error floor."
        )
    if peak.laplace.determined < LEAST_DETERMINED:
        raise ValueError(
            f"`sample(data=...)` says nothing: its errors, {errors.min():.3g} and more, are so large that "
            f"the data determine {peak.laplace.determined:.2g} parameters, and the posterior would be the "
            "prior. State the errors in the units of the data, decades and degrees."
        )
    if peak.left > NEAR:
        warnings.warn(
            "`sample(start=...)`: the search for the most probable section ended where the next step would "
            f"raise the logarithm of its density by {peak.left:.2g}. Chains begin there, and Laplace's "
            "deviation is that there. Start from the result of an inversion by `GaussNewton()`.",
            stacklevel=3,
        )
    return peak


@contextlib.contextmanager
def _place(folder: FilePath | None) -> Iterator[FilePath]:
    """The folder, or one that is thrown away."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield temporary


def _posterior(
    density: Density,
    peak: Mode,
    sampler: AbstractSampler,
    found: list[list[Segment]],
    draws: int,
    spent: int,
) -> Posterior:
    """The posterior of the rounds so far. `spent`: gradients before any chain began."""

    def joined(name: str) -> np.ndarray:
        return np.stack([np.concatenate([part[name] for part in chain])[:draws] for chain in found])

    x = jax.numpy.asarray(joined("x"))
    parametrisation, free = density.objective.parametrisation, density.objective.parametrisation.free
    sections = jax.vmap(jax.vmap(density.section))(x)
    _, scales, free_shifts = jax.vmap(jax.vmap(density.split))(x)
    shifts = jax.vmap(jax.vmap(density.shifts))(free_shifts)
    sections = np.asarray(sections)
    rhat, ess = diagnosed(sections, free)
    _, left, _, _ = posterior(peak.laplace.rows, peak.around.precision, peak.around.tangent)
    zeros = np.zeros(x.shape[:2])
    return Posterior(
        mesh=parametrisation.mesh,
        free=free,
        log10_resistivity=sections,
        log_density=joined("log_density"),
        log_weight=joined("log_weight") if "log_weight" in found[0][0] else zeros,
        error_scale=np.exp(np.asarray(scales)),
        static_shift=np.asarray(shifts) if density.shift_count else None,
        rhat=rhat,
        ess=ess,
        gradients=joined("gradients"),
        warm_up=np.array([chain[0]["warm_up_gradients"] for chain in found]),
        divergent=joined("divergent"),
        mode=np.asarray(density.section(jax.numpy.asarray(peak.x))),
        laplace=np.where(free, np.sqrt(left).reshape(free.shape), 0.0),
        determined=peak.laplace.determined,
        regularization_factor=float(density.objective.weight),
        independent=sampler.independent,
        pilot_gradients=spent,
    )
