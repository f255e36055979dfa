"""Any differentiable function of any parameters, such as a neural network."""

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ...simulation.mesh import Mesh
from .abstract import AbstractParametrisation, Parameters


class Function(AbstractParametrisation):
    """log10 of resistivity is what a function gives for its parameters.

    - `f`: from parameters, a PyTree of arrays of real numbers, to log10 of resistivity in ohm m of every
      cell, of shape `mesh.shape`; what it gives above the surface does not count. JAX differentiates it.

    A neural network of Equinox is taken apart first:

        net, static = eqx.partition(eqx.nn.MLP(2, "scalar", 32, 2, key=key), eqx.is_inexact_array)
        f = lambda net: jax.vmap(eqx.combine(net, static))(points).reshape(mesh.shape)
        result = jaxmt.invert(data, jaxmt.Function(mesh, f), start=net, optimiser=optax.adam(3e-3))

    Arrays that `f` holds are constants of the compiled program. Inversions that share one `Function` share
    compiled programs. It starts from the parameters themselves. Raises `ValueError` for parameters that are
    no arrays of real numbers, and for a section of the wrong shape or not finite.
    """

    mesh: Mesh
    f: Callable[[Any], Any]
    has_cells: ClassVar[bool] = False

    def __check_init__(self) -> None:
        if not callable(self.f):
            raise ValueError(
                "`Function(f=...)` must be a function from parameters to log10 of resistivity in ohm m. "
                f"Got a {type(self.f).__name__}."
            )

    def start(self, given: PyTree[Any]) -> Parameters:
        """The parameters, once their section is known to be one."""
        leaves = jax.tree.leaves(given)
        strange = [leaf for leaf in leaves if not _is_real_array(leaf)]
        if strange or not leaves:
            found = _named(strange[0]) if strange else "none"
            raise ValueError(
                "`invert(start=...)` of a `Function` must be the parameters of its `f`, a PyTree of arrays "
                f"of real numbers. Got {found} among them; use `jnp.asarray`, or for a network "
                "`eqx.partition(net, eqx.is_inexact_array)`."
            )
        parameters = jax.tree.map(jnp.asarray, given)
        section = np.asarray(self(parameters))
        if not np.all(np.isfinite(section)):
            row, column = np.argwhere(~np.isfinite(section))[0]
            raise ValueError(
                "`Function(f=...)` must give finite log10 of resistivity in ohm m. For the start it gives "
                f"{section[row, column]} in row {row}, column {column}."
            )
        return parameters

    def __call__(self, parameters: Parameters) -> Float[Array, "earth y"]:
        """log10 of the section in ohm m. Raises `ValueError` for one of the wrong shape."""
        section = jnp.asarray(self.f(parameters))
        if section.shape != self.mesh.shape or not jnp.issubdtype(section.dtype, jnp.floating):
            raise ValueError(
                "`Function(f=...)` must give log10 of resistivity in ohm m, real numbers of shape (earth "
                f"rows, columns) = {self.mesh.shape}. Got {section.dtype} of shape {section.shape}."
            )
        return section.astype(float)

    def identity(self, parameters: Parameters) -> object:
        """The mesh, and the program that `f` compiles to with its constants: alike in every process."""
        program = jax.jit(self.f).lower(parameters).as_text()
        return "Function", self.mesh, hashlib.sha256(program.encode()).hexdigest()


def _named(leaf: Any) -> str:
    is_array = isinstance(leaf, np.ndarray | jax.Array)
    return f"an array of {leaf.dtype}" if is_array else f"a {type(leaf).__name__}"


def _is_real_array(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray | jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating)
