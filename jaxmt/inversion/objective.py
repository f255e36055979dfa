"""What an inversion minimises: how far predicted data are from observed ones, how rough a section is."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ..data import Data
from ..fingerprint import Constant, fingerprint
from ..misfit import AbstractMisfit
from ..simulation.forward import simulate
from ..simulation.mesh import Mesh
from ..simulation.responses import Responses
from ..simulation.sharding import replicate
from ..simulation.solve import AbstractSolver
from .parametrisation import Earth
from .regularization import AbstractRegularization
from .static_shift import StaticShift, shifted

Parameters = Float[Array, " parameter"]


class Prediction(eqx.Module):
    """Responses of a section, the static shifts (TE, TM; decades) that the data ask for, and both together.

    - `components`: predicted data in the order of `COMPONENTS`, shifts included.
    """

    responses: Responses
    shifts: Float[Array, "mode site"]
    components: Float[Array, "comp freq site"]


class Problem(eqx.Module):
    """Data misfit and roughness as functions of the parameters of `Earth`.

    Two problems that differ only in the numbers of their data and their start share compiled functions.

    - `start`: ohm m; fixed cells keep it.
    - `prepared`: what the misfit made of the data.
    """

    data: Data
    start: Float[Array, "earth y"]
    misfit: AbstractMisfit
    prepared: PyTree[Any]
    constants: Constant[tuple[Earth, AbstractRegularization]]
    static_shift: StaticShift | None
    solver: AbstractSolver
    devices: tuple[Any, ...] | None

    @classmethod
    def build(
        cls,
        data: Data,
        start: Float[np.ndarray, "earth y"],
        misfit: AbstractMisfit,
        earth: Earth,
        regularization: AbstractRegularization,
        static_shift: StaticShift | None,
        solver: AbstractSolver,
        devices: Sequence[Any] | None,
    ) -> tuple["Problem", PyTree[Any]]:
        """The problem, its arrays where `devices` want them, and the misfit's first state."""
        prepared, misfit_state = misfit.prepare(data)
        arrays, rest = eqx.partition((data, start, prepared, misfit_state), _is_array)
        arrays = replicate(jax.tree.map(jnp.asarray, arrays), devices)
        data, section, prepared, misfit_state = eqx.combine(arrays, rest)
        kept = None if devices is None else tuple(devices)
        constants = Constant((earth, regularization))
        problem = cls(data, section, misfit, prepared, constants, static_shift, solver, kept)
        return problem, misfit_state

    @property
    def earth(self) -> Earth:
        """The parametrisation."""
        return self.constants.value[0]

    @property
    def mesh(self) -> Mesh:
        """That of the parametrisation."""
        return self.earth.mesh

    @property
    def regularization(self) -> AbstractRegularization:
        """What measures roughness."""
        return self.constants.value[1]

    def section(self, parameters: Parameters) -> Float[Array, "earth y"]:
        """log10 of the resistivity in ohm m."""
        return self.earth.log10_resistivity(parameters, self.start)

    def predict(self, parameters: Parameters) -> Prediction:
        """What the section would give at the stations."""
        resistivity = 10 ** self.section(parameters)
        survey = self.data.survey
        responses = simulate(self.mesh, survey, resistivity, solver=self.solver, devices=self.devices)
        components = responses.components
        if self.static_shift is None:
            return Prediction(responses, jnp.zeros((2, survey.stations.size)), components)
        shifts = self.static_shift(components, self.data)
        return Prediction(responses, shifts, shifted(components, shifts))

    def data_misfit(
        self, parameters: Parameters, misfit_state: PyTree[Any]
    ) -> tuple[Float[Array, ""], tuple[PyTree[Any], Prediction, Float[Array, ""]]]:
        """The misfit, with its next state, the prediction and the nRMS."""
        prediction = self.predict(parameters)
        value, misfit_state = self.misfit(prediction.components, self.prepared, misfit_state)
        return value, (misfit_state, prediction, self.data.nrms_of(prediction.components))

    def roughness(self, parameters: Parameters) -> Float[Array, ""]:
        """The regularisation, unweighted."""
        return self.regularization(self.section(parameters), self.mesh, self.earth.free)

    def fingerprint(self) -> str:
        """The same for the same data, start, misfit, earth, regularisation and static shift."""
        return fingerprint((self.data, self.start, self.misfit, self.constants.value, self.static_shift))


def _is_array(leaf: object) -> bool:
    return isinstance(leaf, np.ndarray | jax.Array)
