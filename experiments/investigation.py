r"""How deep the data see: the change of all data by a body as large as its depth.

For a body of side z at depth z the data change by about $J z^2/A$, with J the column of the Jacobian of a
cell of area A, so $S = \sqrt{\sum_i (J_i/\sigma_i)^2}\,z^2/A$ standard deviations for a decade of
resistivity. The sum over data is estimated with random signs: $E[(J^T\Sigma^{-1/2}u)^2]$.
"""

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt

PROBES = 8
SEEN, UNSEEN = 10.0, 2.0
"""Standard deviations of all data together: a body of a decade's contrast is trusted from SEEN on, and not
at all below UNSEEN, where the noise alone would make it."""


def detectability(result: jaxmt.Result) -> np.ndarray:
    """S of every cell for a decade of resistivity, of the shape of the section."""
    mesh, data = result.mesh, result.data
    weight = jnp.where(data.mask, 1 / jnp.asarray(data.errors), 0.0)

    @jax.jit
    def probe(log10_rho, signs):
        def product(m):
            predicted = jaxmt.simulate(mesh, data.survey, 10**m).components
            return jnp.sum(jnp.where(data.mask, predicted, 0.0) * jnp.where(data.mask, weight, 0.0) * signs)

        return jax.grad(product)(log10_rho)

    log10_rho = jnp.log10(jnp.asarray(result.resistivity))
    keys = jax.random.split(jax.random.key(0), PROBES)
    squares = [np.square(probe(log10_rho, jax.random.rademacher(k, data.mask.shape, float))) for k in keys]
    area = mesh.dz[:, None] * mesh.dy
    return np.sqrt(np.mean(squares, axis=0)) * mesh.z_centres[:, None] ** 2 / area


def trust(result: jaxmt.Result) -> np.ndarray:
    """Between 0 and 1, from UNSEEN to SEEN in logarithm; what lies above something trusted is trusted too.

    For near the ground a body as large as its depth is small, and few see it.
    """
    seen = np.log(np.maximum(detectability(result), 1e-12))
    # Probes scatter: the mean over neighbouring columns and rows.
    padded = np.pad(seen, 1, mode="edge")
    rows, columns = seen.shape
    smooth = np.mean([padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0)
    part = np.clip((smooth - np.log(UNSEEN)) / np.log(SEEN / UNSEEN), 0, 1)
    return np.maximum.accumulate(part[::-1], axis=0)[::-1]
