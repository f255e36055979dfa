"""A mark on values that reverse mode may pass and forward mode may not, which names the remedy.

JAX has no tangent of a `jax.custom_vjp`: it raises in forward mode, in `jax.jit` only when it compiles, and
cannot say what to do. Reverse mode transposes tangents and never computes them. So the tangent of a marked
value can be transposed, and raises where it is to be computed.
"""

from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, PyTree


def reverse_only(values: PyTree[Array]) -> PyTree[Array]:
    """The same values; `TypeError` where a tangent of them is to be computed."""
    return jax.tree.map(_value.bind, values)


def _same(value: Any) -> Any:
    return value


def _refuse(*_: Any) -> Any:
    raise TypeError(
        "Forward mode (jax.jvp, jax.jacfwd, jax.hessian, jax.linearize) through `simulate` needs "
        "`simulate(..., forward_mode=True)`, or `Objective(..., forward_mode=True)`: the default, the "
        "adjoint state, has reverse mode only."
    )


_value = Primitive("reverse_only")
_value.def_impl(_same)
_value.def_abstract_eval(_same)
mlir.register_lowering(_value, lambda _, value: [value])
batching.defvectorized(_value)

_tangent = Primitive("reverse_only_tangent")
_tangent.def_impl(_refuse)
_tangent.def_abstract_eval(_same)
mlir.register_lowering(_tangent, _refuse)
batching.primitive_batchers[_tangent] = _refuse
ad.deflinear(_tangent, lambda cotangent: [cotangent])
ad.defjvp(_value, lambda tangent, value: _tangent.bind(tangent))
