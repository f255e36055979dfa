"""What an inversion minimises: how far predicted data are from observed ones, how rough a section is."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, PyTree

from ..conventions import rows_of
from ..data import Data
from ..fingerprint import Constant, fingerprint
from ..forking import refuse_forked
from ..misfit import AbstractMisfit, CloudTransport
from ..programs import compiled
from ..simulation.forward import default_solver, simulate
from ..simulation.mesh import Mesh
from ..simulation.responses import Responses
from ..simulation.sharding import replicate
from ..simulation.solve import AbstractSolver
from .parametrisation import AbstractParametrisation, Cells
from .parametrisation.abstract import Parameters
from .regularization import AbstractRegularization, Smoothness
from .static_shift import StaticShift, shifted


class Prediction(eqx.Module):
    """Responses of a section, the static shifts (TE, TM; decades) that the data ask for, and both together.

    - `components`: predicted data in the order of `COMPONENTS`, shifts included.
    """

    responses: Responses
    shifts: Float[Array, "mode site"]
    components: Float[Array, "comp freq site"]


class Objective(eqx.Module):
    r"""$\Phi(p) = \phi(p) + \lambda R(p)$: data misfit plus weighted roughness, of parameters.

    `objective(parameters)` is a differentiable scalar for any optimiser; it works under `jax.jit`,
    `jax.grad` and `jax.vmap`. `invert` minimises this same object.

    - `parametrisation`: from parameters to log10 of resistivity; a mesh means `Cells(mesh)`. Parameters to
      start from are `parametrisation.start(...)`.
    - `misfit`: $\phi$, by default `CloudTransport()`. `regularization`: R, by default `Smoothness()`.
    - `weight`: $\lambda$, in the unit of the misfit over squared decades.
    - `static_shift`: allows shifts of log10 rho_a by station and mode; none by default.
    - `solver`, `devices`, `forward_mode`: as for `simulate`. `jax.jvp`, `jax.jacfwd` and `jax.hessian` of
      an objective need `forward_mode=True`.

    Some misfits have a state: the blur of a transport and the plans it starts from, or which of two misfits
    is in force. An objective holds it fixed, so that it is one function. It begins with the first state of
    the misfit; `objective.state` is the present one, `objective.describe()` says it in numbers, and
    `objective.following(parameters)` is the objective at the next state, which an outer loop takes whenever
    it likes. `invert` takes it in every iteration.

    Raises `ValueError` for a weight that is negative or not finite, for stations outside the mesh, and for
    data of a mode that `data.survey` leaves out.
    """

    data: Data
    misfit: AbstractMisfit
    prepared: PyTree[Any]
    state: PyTree[Any]
    weight: Float[Array, ""]
    static_shift: StaticShift | None
    solver: AbstractSolver
    devices: tuple[Any, ...] | None
    forward_mode: bool = eqx.field(static=True)
    _parametrisation: Constant[AbstractParametrisation]
    _regularization: Constant[AbstractRegularization]

    def __init__(
        self,
        data: Data,
        parametrisation: AbstractParametrisation | Mesh,
        misfit: AbstractMisfit | None = None,
        regularization: AbstractRegularization | None = None,
        weight: ArrayLike = 0.1,
        *,
        static_shift: StaticShift | None = None,
        solver: AbstractSolver | None = None,
        devices: Sequence[Any] | None = None,
        forward_mode: bool = False,
    ) -> None:
        refuse_forked()
        if isinstance(parametrisation, Mesh):
            parametrisation = Cells(parametrisation)
        misfit = CloudTransport() if misfit is None else misfit
        regularization = Smoothness() if regularization is None else regularization
        check_kind("parametrisation", parametrisation, AbstractParametrisation, "Cells(mesh)")
        check_kind("misfit", misfit, AbstractMisfit, "LeastSquares()")
        check_kind("regularization", regularization, AbstractRegularization, "Smoothness()")
        if static_shift is not None:
            check_kind("static_shift", static_shift, StaticShift, "StaticShift(0.3)")
        parametrisation.mesh.check_stations(data.survey)
        _check_weight(weight)
        check_modes(data, "invert")
        self.misfit = misfit
        prepared, state = self.misfit.prepare(data)
        # What is an array is traced, so that objectives of other numbers share compiled functions.
        arrays, rest = eqx.partition((data, prepared, state), _is_array)
        arrays = replicate(jax.tree.map(_on_device, arrays), devices)
        self.data, self.prepared, self.state = eqx.combine(arrays, rest)
        self.weight = jnp.asarray(weight, dtype=float)
        self.static_shift = static_shift
        self.solver = default_solver() if solver is None else solver
        self.devices = None if devices is None else tuple(devices)
        self.forward_mode = forward_mode
        self._parametrisation = Constant(parametrisation)
        self._regularization = Constant(regularization)

    @property
    def parametrisation(self) -> AbstractParametrisation:
        """From parameters to the section."""
        return self._parametrisation.value

    @property
    def regularization(self) -> AbstractRegularization:
        """What measures roughness."""
        return self._regularization.value

    @property
    def mesh(self) -> Mesh:
        """The mesh of the parametrisation."""
        return self.parametrisation.mesh

    def __call__(self, parameters: Parameters) -> Float[Array, ""]:
        r"""$\phi + \lambda R$ at the present state of the misfit."""
        value, _ = self.data_misfit(parameters)
        return value + self.weight * self.roughness(parameters)

    def section(self, parameters: Parameters) -> Float[Array, "earth y"]:
        """log10 of the resistivity in ohm m."""
        refuse_forked()
        return self.parametrisation(parameters)

    def predict(self, parameters: Parameters) -> Prediction:
        """What the section would give at the stations."""
        return self.predicted(self.simulated(parameters))

    def simulated(self, parameters: Parameters) -> Responses:
        """The responses of the section."""
        return simulate(
            self.mesh,
            self.data.survey,
            10 ** self.section(parameters),
            solver=self.solver,
            devices=self.devices,
            forward_mode=self.forward_mode,
        )

    def predicted(self, responses: Responses) -> Prediction:
        """The responses with the shifts that the data ask for."""
        components = responses.components
        if self.static_shift is None:
            return Prediction(responses, jnp.zeros((2, self.data.survey.stations.size)), components)
        shifts = self.static_shift(components, self.data)
        return Prediction(responses, shifts, shifted(components, shifts))

    def data_misfit(
        self, parameters: Parameters
    ) -> tuple[Float[Array, ""], tuple[PyTree[Any], Prediction, Float[Array, ""]]]:
        """The misfit, with its next state, the prediction and the nRMS."""
        prediction = self.predict(parameters)
        value, state = self.misfit(prediction.components, self.prepared, self.state)
        return value, (state, prediction, jnp.asarray(self.data.nrms_of(prediction.components)))

    def roughness(self, parameters: Parameters) -> Float[Array, ""]:
        """The regularisation, unweighted."""
        return self.regularization(self.section(parameters), self.mesh, self.parametrisation.free)

    def at(self, state: PyTree[Any], weight: ArrayLike | None = None) -> "Objective":
        """The same objective with another state of its misfit, and another weight if one is given."""
        changed = eqx.tree_at(lambda o: o.state, self, state, is_leaf=lambda x: x is None)
        return changed if weight is None else changed.weighted(weight)

    def weighted(self, weight: ArrayLike) -> "Objective":
        """The same objective with another weight of the roughness."""
        return eqx.tree_at(lambda o: o.weight, self, jnp.asarray(weight, dtype=float))

    def following(self, parameters: Parameters) -> "Objective":
        """The objective at the state of its misfit after these parameters: the blur follows the fit."""
        _, (state, _, _) = self.data_misfit(parameters)
        return self.at(state)

    def describe(self) -> dict[str, float]:
        """The weight, the stage of the misfit and what it says of its state, such as its blur."""
        stage = float(self.misfit.stage(self.state))
        return {"weight": float(self.weight), "stage": stage, **self.misfit.describe(self.state)}

    def identity(self, start: Parameters) -> dict[str, str]:
        """Digests of all parts that change the numbers of an inversion, by name; alike in all processes."""
        parts = {
            "data": self.data,
            "start": [(jax.tree_util.keystr(p), v) for p, v in jax.tree_util.tree_leaves_with_path(start)],
            "misfit": self.misfit,
            "parametrisation": self.parametrisation.identity(start),
            "regularization": self.regularization,
            "static_shift": self.static_shift,
        }
        return {name: fingerprint(part) for name, part in parts.items()}


@compiled
def section_of(objective: Objective, parameters: Parameters) -> Float[Array, "earth y"]:
    """`Objective.section` by one program."""
    return objective.section(parameters)


def check_kind(argument: str, given: object, kind: type, example: str, door: str = "invert") -> None:
    """Raises `ValueError`, naming argument, function and an example, unless an object is of a kind."""
    if not isinstance(given, kind):
        what = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        raise ValueError(
            f"`{door}({argument}=...)` must be an instance of `{kind.__name__}`, such as "
            f"`jaxmt.{example}`. "
            f"Got {what}."
        )


def _check_weight(weight: ArrayLike) -> None:
    if not isinstance(weight, Tracer) and not 0 <= float(np.asarray(weight)) < np.inf:
        raise ValueError(f"`Objective(weight=...)` must be finite and not negative. Got {weight}.")


def check_modes(data: Data, door: str) -> None:
    """Raises `ValueError`, naming the function `door`, for data of a mode that their survey leaves out."""
    for mode in ("te", "tm"):
        if mode not in data.survey.modes and data.mask[list(rows_of(mode))].any():
            raise ValueError(
                f"`{door}(data=...)` holds {mode.upper()} data, but `Survey(modes=...)` is "
                f'{data.survey.modes}. Add "{mode}" to it, or set those values to NaN.'
            )


def _on_device(leaf: Any) -> jax.Array:
    """Without a program to compile, as `jnp.asarray` may take."""
    return leaf if isinstance(leaf, jax.Array) else jax.device_put(leaf)


def _is_array(leaf: object) -> bool:
    return isinstance(leaf, np.ndarray | jax.Array)
