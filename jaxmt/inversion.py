r"""The inversion: problem -> loop -> result.

Each iteration takes the gradient of data misfit + $\lambda$ roughness with respect to the parameters of
`Earth` and hands it to an optax optimiser. $\lambda$ is `trade_off` times the ratio of the two gradients'
norms, so that both terms pull alike, and it only ever decreases: a step never undoes what the data
have shown (Liu, Chen, Bo & Tang 2026).
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Bool, Float, PyTree

from .data import Data
from .earth import Earth
from .forward import default_solver, memory_errors_explained, simulate
from .mesh import Mesh
from .misfit import AbstractMisfit, CloudTransport
from .regularization import AbstractRegularization, Smoothness
from .responses import Responses
from .sharding import replicate
from .solve import AbstractSolver

FIRST_STEP, LAST_STEP, STEP_DECAY = 0.1, 0.02, 100
"""Decades of resistivity that a step of the default optimiser changes a cell by: at first, in the end,
and the number of iterations from one to the other."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One iteration: the state before its step.

    - `loss`: data misfit; `roughness`: regularisation, both unweighted; `regularization_factor`:
      lambda; `blur`: of the transport, NaN for others; `seconds`: since the start.
    """

    iteration: int
    loss: float
    nrms: float
    roughness: float
    regularization_factor: float
    blur: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Result:
    """What an inversion found.

    - `resistivity`: ohm m, earth cells; the model of the lowest nRMS met, also after a failure.
    - `nrms`: of that model. `responses`: its responses.
    - `history`: a `Record` field name -> list over iterations.
    - `converged`: whether the target was reached; `message`: why it stopped, in words.
    """

    mesh: Mesh
    data: Data
    resistivity: Float[np.ndarray, "earth y"]
    responses: Responses
    nrms: float
    history: dict[str, list[float]]
    converged: bool
    message: str


class _State(eqx.Module):
    """What the loop carries from one iteration to the next."""

    parameters: Float[Array, " parameter"]
    optimiser: PyTree[Any]
    misfit: PyTree[Any]
    factor: Float[Array, ""]


class _Step(eqx.Module):
    """What one iteration reports besides the next state."""

    responses: Responses
    loss: Float[Array, ""]
    nrms: Float[Array, ""]
    roughness: Float[Array, ""]
    factor: Float[Array, ""]
    finite: Bool[Array, ""]


def default_optimiser(first_step: float = FIRST_STEP) -> optax.GradientTransformation:
    """Adam on normalised gradients, its step falling from `first_step` to `LAST_STEP`.

    - `first_step`: decades; `LAST_STEP` suits a start that already fits to some extent.

    Normalised, because a misfit falls by orders of magnitude, and Adam's memory of the first gradients
    would throttle the steps long after: three times as many iterations on COMMEMI 2D-4.
    """
    rate = LAST_STEP / first_step
    schedule = optax.exponential_decay(first_step, STEP_DECAY, rate, end_value=LAST_STEP)
    return optax.chain(optax.normalize_by_update_norm(), optax.adam(schedule))


def invert(
    data: Data,
    mesh: Mesh,
    start: ArrayLike = 100.0,
    misfit: AbstractMisfit | None = None,
    *,
    earth: Earth | None = None,
    regularization: AbstractRegularization | None = None,
    trade_off: float = 0.1,
    optimiser: optax.GradientTransformation | None = None,
    target: float = 1.05,
    max_iterations: int = 300,
    solver: AbstractSolver | None = None,
    devices: Sequence[Any] | None = None,
    progress: Callable[[Record], None] | None = None,
) -> Result:
    """The smooth resistivity section whose responses fit the data.

    - `start`: ohm m; a half-space, or a section of shape `mesh.shape`.
    - `misfit`: `CloudTransport()` by default.
    - `earth`: bounds, fixed cells and parameter blocks; by default every cell is free.
    - `regularization`: `Smoothness()` by default.
    - `trade_off`: regularisation gradient over data gradient, dimensionless.
    - `optimiser`: by default Adam on normalised gradients, with steps of 0.1 to 0.02 decades.
    - `target`: nRMS at which to stop, over all data that exist.
    - `solver`, `devices`: as for `simulate`.
    - `progress`: called with the `Record` of each iteration; a `jaxmt.ProgressBar` draws a bar.

    Stops at the target, after `max_iterations`, when a number ceases to be finite, or on an
    interrupt from the keyboard, and says which in `Result.message`; the best model so far is
    returned in any case. Raises `ValueError` for a start of the wrong shape or out of bounds, or data of
    a mode that `data.survey` leaves out; `FloatingPointError` if the start itself has no finite misfit;
    `MemoryError` when a device runs out of it.
    """
    section = _start(mesh, start)
    mesh.check_stations(data.survey)
    mesh.warn(data.survey, section)
    earth = Earth(mesh) if earth is None else earth
    if earth.mesh != mesh:
        raise ValueError("`invert(earth=...)` was made for another mesh than `invert(mesh=...)`.")
    if not (np.isfinite(target) and target > 0):
        raise ValueError(f"`invert(target=...)` must be a positive nRMS. Got {target}.")
    if max_iterations < 1:
        raise ValueError(f"`invert(max_iterations=...)` must be at least 1. Got {max_iterations}.")
    for mode, rows in (("te", [0, 1, 4, 5]), ("tm", [2, 3])):
        if mode not in data.survey.modes and data.mask[rows].any():
            raise ValueError(
                f"`invert(data=...)` holds {mode.upper()} data, but `Survey(modes=...)` is "
                f'{data.survey.modes}. Add "{mode}" to it, or set those values to NaN.'
            )
    misfit = CloudTransport() if misfit is None else misfit
    regularization = Smoothness() if regularization is None else regularization
    optimiser = default_optimiser() if optimiser is None else optimiser
    solver = default_solver() if solver is None else solver
    parameters = earth.parameters(section)
    prepared, misfit_state = misfit.prepare(data)
    free = earth.free

    def data_loss(p: Float[Array, " parameter"], state: PyTree[Any]) -> tuple[Float[Array, ""], Any]:
        resistivity = 10 ** earth.log10_resistivity(p, section)
        responses = simulate(mesh, data.survey, resistivity, solver=solver, devices=devices)
        predicted = responses.components
        loss, state = misfit(predicted, prepared, state)
        return loss, (state, responses, data.nrms_of(predicted))

    def roughness(p: Float[Array, " parameter"]) -> Float[Array, ""]:
        return regularization(earth.log10_resistivity(p, section), mesh, free)

    @jax.jit
    def step(state: _State) -> tuple[_State, _Step]:
        (loss, (misfit_state, responses, nrms)), pull = jax.value_and_grad(data_loss, has_aux=True)(
            state.parameters, state.misfit
        )
        rough, push = jax.value_and_grad(roughness)(state.parameters)
        size = jnp.linalg.norm(push)
        ratio = trade_off * jnp.linalg.norm(pull) / jnp.where(size > 0, size, 1.0)
        factor = jnp.where(size > 0, jnp.minimum(state.factor, ratio), state.factor)
        gradient = pull + jnp.where(size > 0, factor, 0.0) * push
        # optax raises reals to integer powers, which strict promotion forbids.
        with jax.numpy_dtype_promotion("standard"):
            updates, optimiser_state = optimiser.update(gradient, state.optimiser, state.parameters)
        moved = jax.tree.map(jnp.add, state.parameters, updates)
        following = _State(moved, optimiser_state, misfit_state, factor)
        finite = jnp.isfinite(loss) & jnp.all(jnp.isfinite(gradient))
        return following, _Step(responses, loss, nrms, rough, factor, finite)

    state = _State(parameters, optimiser.init(parameters), misfit_state, jnp.asarray(np.inf, dtype=float))
    # Where the following states will be, so that the step is compiled once.
    state = replicate(state, devices)
    history: dict[str, list[float]] = {f.name: [] for f in dataclasses.fields(Record)}
    best: tuple[_State, _Step] | None = None
    lowest = np.inf
    message = f"stopped after {max_iterations} iterations above the target nRMS of {target:g}"
    begin = time.perf_counter()
    try:
        for iteration in range(max_iterations + 1):
            with memory_errors_explained():
                following, report = step(state)
                finite = bool(report.finite)
            if not finite:
                message = f"stopped at iteration {iteration}: the misfit or its gradient is not finite"
                break
            nrms = float(report.nrms)
            record = Record(
                iteration,
                float(report.loss),
                nrms,
                float(report.roughness),
                float(report.factor),
                misfit.blur(state.misfit),
                time.perf_counter() - begin,
            )
            for name, value in dataclasses.asdict(record).items():
                history[name].append(float(value))
            if nrms < lowest:
                best, lowest = (state, report), nrms
            if progress is not None:
                progress(record)
            if nrms <= target:
                message = f"reached the target nRMS of {target:g} in {iteration} iterations"
                break
            state = following
    except KeyboardInterrupt:
        if best is None:
            raise
        message = f"interrupted from the keyboard after {len(history['nrms'])} iterations"
    if best is None:
        raise FloatingPointError(
            "`invert(start=...)`: the misfit of the starting model or its gradient is not finite. Look at "
            "the data and at `simulate(mesh, data.survey, start)`."
        )
    model, report = best
    return Result(
        mesh,
        data,
        10 ** np.array(earth.log10_resistivity(model.parameters, section)),
        report.responses,
        lowest,
        history,
        lowest <= target,
        message,
    )


def _start(mesh: Mesh, start: ArrayLike) -> Float[np.ndarray, "earth y"]:
    section = np.asarray(start, dtype=float)
    if section.ndim == 0:
        section = np.full(mesh.shape, float(section))
    if section.shape != mesh.shape:
        raise ValueError(
            "`invert(start=...)` must be a number or have shape (earth rows, columns) = "
            f"{mesh.shape}, in ohm m. Got {section.shape}."
        )
    if not np.all(np.isfinite(section) & (section > 0)):
        bad = section[~(np.isfinite(section) & (section > 0))]
        raise ValueError(f"`invert(start=...)` must be positive and finite, in ohm m. Got {bad[0]}.")
    return section
