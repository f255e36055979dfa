"""A posterior that is made up: nothing is sampled."""

import numpy as np

from jaxmt import Posterior


def made_up(mesh):
    """Two chains around 100 ohm m, a conductor of 3 ohm m in the middle; one chain is half a decade off in
    the cell at the upper left, and the lowest row is known.
    """
    rng = np.random.default_rng(0)
    centre = np.full(mesh.shape, 2.0)
    middle = mesh.n_y // 2
    centre[3:6, middle - 1 : middle + 1] = 0.5
    m = centre + 0.2 * rng.standard_normal((2, 40, *mesh.shape))
    m[1, :, 0, 0] += 0.5
    free = np.ones(mesh.shape, bool)
    free[-1] = False
    rhat = np.full(mesh.shape, 1.0)
    rhat[0, 0] = 1.8
    ones = np.ones((2, 40))
    return Posterior(
        mesh=mesh,
        free=free,
        log10_resistivity=m,
        log_density=-20 - 5 * rng.random((2, 40)),
        log_weight=0 * ones,
        error_scale=ones,
        static_shift=None,
        rhat=np.where(free, rhat, np.nan),
        ess=np.where(free, 30.0, np.nan),
        gradients=7 * ones.astype(int),
        warm_up=np.full(2, 100),
        divergent=ones < 0,
        mode=centre,
        laplace=np.full(mesh.shape, 0.2),
        determined=3.0,
        regularization_factor=0.1,
        independent=False,
    )
