"""The same small inversion by SimPEG, as a user's script: `python fit_simpeg.py PROBLEM`.

Gauss-Newton with at most 30 conjugate gradients, a trade-off that falls by 3 at each iteration, and for the
rest the defaults of SimPEG 0.25. Simulations and signs are those of `simpeg_beside`.
"""

import sys
import warnings

import discretize
import numpy as np
from simpeg import data as observed
from simpeg import (
    data_misfit,
    directives,
    inverse_problem,
    inversion,
    maps,
    optimization,
    regularization,
)
from simpeg.electromagnetics import natural_source as nsem

# Its own calls into SciPy and NumPy warn of types to come.
warnings.filterwarnings("ignore", category=FutureWarning)

AIR = 1e8
"""Resistivity of the air, ohm m."""

problem = np.load(sys.argv[1])
y, z, target = problem["y_nodes"], problem["z_nodes"], float(problem["target"])
grid = discretize.TensorMesh([np.diff(y), np.diff(z)[::-1]], x0=[y[0], -z[-1]])
earth = grid.cell_centers[:, 1] < 0
start = np.full(earth.sum(), np.log(float(problem["start"])))
ground = np.column_stack([problem["stations"], np.zeros(problem["stations"].size)])


def misfit(
    kind: type, orientation: str, impedance: np.ndarray, error: np.ndarray, **cells: maps.IdentityMap
):
    """The misfit of one mode."""
    receivers = [
        nsem.receivers.Impedance(ground, orientation=orientation, component=part, storeProjections=True)
        for part in ("real", "imag")
    ]
    survey = nsem.Survey([nsem.sources.Planewave(receivers, f) for f in problem["frequencies"]])
    values = np.stack([impedance.real, impedance.imag], axis=1).ravel()
    deviation = np.stack([error, error], axis=1).ravel()
    data = observed.Data(survey, dobs=values, standard_deviation=deviation)
    return data_misfit.L2DataMisfit(data=data, simulation=kind(grid, survey=survey, **cells))


resistivity = maps.ExpMap(nP=start.size)
conductivity = maps.ReciprocalMap(nP=start.size) * resistivity
fit = misfit(
    nsem.Simulation2DMagneticField,
    "yx",
    problem["z_xy"],
    problem["error_xy"],
    rhoMap=maps.InjectActiveCells(grid, earth, AIR) * resistivity,
) + misfit(
    nsem.Simulation2DElectricField,
    "xy",
    problem["z_yx"],
    problem["error_yx"],
    sigmaMap=maps.InjectActiveCells(grid, earth, 1 / AIR) * conductivity,
)
smooth = regularization.WeightedLeastSquares(grid, active_cells=earth, reference_model=start)
steps = optimization.InexactGaussNewton(maxIter=40, cg_maxiter=30, cg_rtol=1e-2)
number = 4 * problem["z_xy"].size
rules = [
    # The largest eigenvalue of the roughness is that of the margin's cells: 10, as is usual, is too little.
    directives.BetaEstimate_ByEig(beta0_ratio=300.0, random_seed=0),
    directives.BetaSchedule(coolingFactor=3.0, coolingRate=1),
    directives.TargetMisfit(target=target**2 * number),
]
whole = inverse_problem.BaseInvProblem(fit, smooth, steps)
found = inversion.BaseInversion(whole, directiveList=rules).run(start)
print(f"nRMS {np.sqrt(fit(found) / number):.2f}, {steps.iter} iterations")
