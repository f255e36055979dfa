"""One computation for each frequency, shared out over devices of one host or of many.

Each device takes its own frequencies and a copy of the model; the results are gathered, so that every
device, and every host, holds all of them. In reverse each device keeps the cotangents of its own
frequencies, and the gradient of the model is summed over the devices.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, PyTree

Function = Callable[[Float[Array, " freq"], Any], PyTree[Array, "..."]]
"""From frequencies and a model, a PyTree of arrays, to arrays with a leading axis of frequencies."""


def replicate(tree: PyTree[Any], devices: Sequence[Any] | None) -> PyTree[Any]:
    """Copies of the arrays of `tree` on each of `devices`, where the results of `over_devices` live."""
    if devices is None:
        return tree
    everywhere = NamedSharding(_grid(devices), PartitionSpec())

    def place(leaf: Any) -> Array:
        if jax.process_count() == 1 or jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.device_put(leaf, everywhere)
        # `device_put` compares what the processes hold, and missing data are NaN, which equals nothing.
        mine = np.asarray(leaf)
        return jax.make_array_from_callback(mine.shape, everywhere, lambda index: mine[index])

    return jax.tree.map(place, tree)


def vary_alike(tree: PyTree[Array]) -> PyTree[Array]:
    """The arrays of `tree`, told to vary over the union of their axes of devices in `jax.shard_map`.

    What is the same on all devices becomes a copy on each; its cotangent is the sum over the devices.
    """
    axes = [set(jax.typeof(leaf).manual_axis_type.varying) for leaf in jax.tree.leaves(tree)]
    union = set().union(*axes)

    def copied(leaf: Array) -> Array:
        missing = union - set(jax.typeof(leaf).manual_axis_type.varying)
        return lax.pcast(leaf, tuple(sorted(missing, key=str)), to="varying")

    return jax.tree.map(copied, tree) if union else tree


def _grid(devices: Sequence[Any]) -> jax.sharding.Mesh:
    if not devices:
        raise ValueError("`simulate(devices=...)` must name at least one device. See `jax.devices()`.")
    return jax.sharding.Mesh(np.array(devices), ("device",))


def over_devices(function: Function, devices: Sequence[Any]) -> Function:
    """`function`, evaluated for equal shares of the frequencies on each of `devices`.

    Where the frequencies cannot be shared out equally the last one is repeated, and dropped again.
    """
    grid = _grid(devices)

    def share(frequencies: Float[Array, " freq"], model: Any) -> PyTree[Array, "..."]:
        mine = function(frequencies, model)
        return jax.tree.map(lambda z: lax.all_gather(z, "device", tiled=True), mine)

    def whole(frequencies: Float[Array, " freq"], model: Any) -> PyTree[Array, "..."]:
        n = frequencies.size
        padded = jnp.pad(frequencies, (0, -n % len(devices)), mode="edge")
        spread = jax.shard_map(
            share,
            mesh=grid,
            in_specs=(PartitionSpec("device"), PartitionSpec()),
            out_specs=PartitionSpec(),
            # A gathered array is the same everywhere, which the check cannot see.
            check_vma=False,
        )
        return jax.tree.map(lambda z: z[:n], spread(padded, model))

    return whole
