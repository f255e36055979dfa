"""Differentiable 2-D magnetotelluric simulation and inversion.

Every name is imported when it is first used: `import jaxmt` alone costs nothing, and whoever only simulates
does not wait for figures. `__init__.pyi` states the same names to static checkers.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

from . import forking as forking  # From here on it knows of forks.

_HOMES = {
    "batch": "Batch CrossValidation Processes cross_validate invert_all l_curve run_tasks",
    "data": "Data",
    "inversion.appraisal": "Uncertainty appraise",
    "inversion.checkpoint": "Checkpoint CheckpointWarning",
    "inversion.invert": "invert",
    "inversion.l_curve": "LCurve",
    "inversion.objective": "Objective",
    "inversion.optimisers": "OPTIMISERS Descent GaussNewton QuasiNewton",
    "inversion.optimisers.langevin": "langevin",
    "inversion.optimisers.restarts": "descend",
    "inversion.parametrisation": (
        "AbstractParametrisation Basis Blocks Cells Function grid_blocks growing_blocks"
    ),
    "inversion.progress": "ProgressBar",
    "inversion.regularization": "Smoothness",
    "inversion.result": "Ending Record Result",
    "inversion.static_shift": "StaticShift",
    "inversion.stopping": "Knee Stopping",
    "inversion.trade_off": "Cooling Discrepancy Fixed GradientRatio",
    "misfit": (
        "CloudTransport ComponentTransport GraphSpaceTransport HandOver Huber LeastSquares PairedClouds "
        "Student WeightedSum"
    ),
    "processing": "profile rotate",
    "program_cache": "keep_programs",
    "sampling.nuts": "NUTS",
    "sampling.posterior": "Posterior",
    "sampling.randomise": "RandomiseThenOptimise",
    "sampling.sample": "sample",
    "simulation.forward": "simulate",
    "simulation.mesh": "Mesh MeshWarning",
    "simulation.relief": "Relief drape",
    "simulation.responses": "Responses",
    "simulation.sensitivity": "jacobian jacobian_vector_product vector_jacobian_product",
    "simulation.solvers": "NestedDissection Pardiso SuperLU",
    "simulation.station_mesh": "station_mesh",
    "simulation.survey": "Survey",
    "simulation.top": "Dirichlet UniformMagnetic",
    "transport": "sinkhorn_divergence",
}
"""The public names of each module."""

_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

_ROOMS = (
    "batch benchmarks comparison conventions data field inversion io misfit plot processing report "
    "sampling simulation transport"
).split()
"""Submodules that are reached as attributes."""

__all__ = sorted([*_HOME, "__version__"])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOME:
        if f"{__name__}.{_HOME[name]}" not in sys.modules:
            # Some packages compute when they are imported.
            forking.refuse_forked()
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    elif name == "__version__":
        value = _version()
    else:
        text = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(text, name=name, obj=sys.modules[__name__])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})


def _version() -> str:
    """The version of the installed package; of a source tree that is not installed, that of its project."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:
        import tomllib

        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
        return project["project"]["version"]
