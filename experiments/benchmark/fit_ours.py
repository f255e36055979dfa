"""A whole small inversion by jaxmt, as a user's script: `python fit_ours.py PROBLEM [OPTIMISER]`.

PROBLEM is a file of `start.write_problem`; the last line printed is what was reached.
"""

import sys

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
import jaxmt  # noqa: E402 - precision comes first

jaxmt.keep_programs()
problem = np.load(sys.argv[1])
data = jaxmt.Data.from_impedance(
    jaxmt.Survey(problem["frequencies"], problem["stations"]),
    *(problem[name] for name in ("z_xy", "error_xy", "z_yx", "error_yx")),
)
optimiser = {"optimiser": getattr(jaxmt, sys.argv[2])()} if len(sys.argv) > 2 else {}
result = jaxmt.invert(
    data,
    jaxmt.Mesh(problem["y_nodes"], problem["z_nodes"]),
    float(problem["start"]),
    jaxmt.LeastSquares(),
    target=float(problem["target"]),
    **optimiser,
)
print(f"nRMS {result.nrms:.2f}, {int(max(result.history['iteration']))} iterations")
