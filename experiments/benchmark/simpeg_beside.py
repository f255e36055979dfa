"""The same value and gradient from SimPEG 0.25, with the best direct solver that it finds.

Its magnetic-field simulation (E across the section) is TE and its electric-field simulation TM when its
x axis is the profile; its impedances then have the signs of jaxmt. It counts rows upwards.
"""

import importlib
import warnings
from collections.abc import Callable

import numpy as np

from .case import Case
from .evaluation import Evaluation

AIR = 1e8
"""Resistivity of its air, ohm m."""


def evaluator(case: Case) -> tuple[Callable[[np.ndarray], Evaluation], str]:
    """What evaluates a section, and the name of the solver in use; needs SimPEG."""
    natural_source = importlib.import_module("simpeg.electromagnetics.natural_source")
    maps = importlib.import_module("simpeg.maps")
    discretize = importlib.import_module("discretize")
    solver = importlib.import_module("simpeg.utils.solver_utils").get_default_solver()
    # Its own calls into SciPy warn of types to come.
    warnings.filterwarnings("ignore", category=FutureWarning)
    mesh, survey = case.mesh(), case.survey()
    grid = discretize.TensorMesh(
        [mesh.dy, np.diff(mesh.z_nodes)[::-1]], x0=[mesh.y_nodes[0], -mesh.z_nodes[-1]]
    )
    earth = np.zeros((mesh.n_z, mesh.n_y), dtype=bool)
    earth[: mesh.n_earth] = True
    ground = np.column_stack([survey.stations, np.zeros(survey.stations.size)])
    weight = np.repeat(case.weight(), 2 * survey.stations.size)

    def simulation(kind: type, orientation: str, map_name: str, air: float):
        receivers = [
            natural_source.receivers.Impedance(
                ground, orientation=orientation, component=part, storeProjections=True
            )
            for part in ("real", "imag")
        ]
        sources = [natural_source.sources.Planewave(receivers, f) for f in survey.frequencies]
        cells = maps.InjectActiveCells(grid, earth.ravel(), air) * maps.ExpMap(nP=earth[earth].size)
        return kind(grid, survey=natural_source.Survey(sources), solver=solver, **{map_name: cells})

    te = simulation(natural_source.Simulation2DMagneticField, "yx", "rhoMap", AIR)
    tm = simulation(natural_source.Simulation2DElectricField, "xy", "sigmaMap", 1 / AIR)

    def mode(simulation, model: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        fields = simulation.fields(model)
        data = simulation.dpred(model, f=fields)
        gradient = simulation.Jtvec(model, weight * data, f=fields)
        parts = data.reshape(survey.frequencies.size, 2, survey.stations.size)
        return 0.5 * float(np.sum(weight * data**2)), gradient, parts[:, 0] + 1j * parts[:, 1]

    def evaluate(section: np.ndarray) -> Evaluation:
        model = section[::-1].ravel()
        value_te, gradient_te, z_xy = mode(te, model)
        value_tm, gradient_tm, z_yx = mode(tm, -model)
        gradient = (gradient_te - gradient_tm).reshape(section.shape)[::-1]
        return Evaluation(value_te + value_tm, gradient, z_xy, z_yx)

    return evaluate, solver.__name__
