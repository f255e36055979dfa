"""What a report tabulates: the misfit by station and component, versions, how to cite."""

import importlib.metadata
import platform

import numpy as np
from jaxtyping import Array, Float

from ..conventions import COMPONENTS
from ..data import Data
from ..plot.misfit import LABELS, residuals, rms

PACKAGES = ("jaxmt", "jax", "equinox", "optax", "ott-jax", "numpy", "scipy", "matplotlib", "py-mkl-pardiso")

FROM_SOURCE = "from source"
"""The version of jaxmt that runs without being installed."""

CITATION = (
    "The jaxmt developers (2026). jaxmt: differentiable 2-D magnetotelluric simulation and inversion in JAX"
)
"""How to cite the program, without its version."""


def misfit_table(
    data: Data, predicted: Float[np.ndarray | Array, "comp freq site"]
) -> tuple[list[str], list[list[str | float | int]]]:
    """Head and rows of the nRMS of each station, in the order of y, by component; the last row is all.

    - `predicted`: the responses of a model in the order of `COMPONENTS`.

    Columns are name, y in km, number of data, the components that exist, and all of them; NaN where a
    station has no datum.
    """
    residual = residuals("misfit_table", data, predicted)
    exists = [c for c in range(len(COMPONENTS)) if data.mask[c].any()]
    head = ["Station", "y (km)", "data", *(LABELS[c] for c in exists), "all"]
    by_station, by_component = rms(residual, (1,)), rms(residual, (1, 2))
    rows: list[list[str | float | int]] = [
        [
            data.survey.names[k],
            f"{data.survey.stations[k] / 1e3:.1f}",
            int(data.mask[:, :, k].sum()),
            *(float(by_station[c, k]) for c in exists),
            float(rms(residual[:, :, k], (0, 1))),
        ]
        for k in map(int, np.argsort(data.survey.stations))
    ]
    total = float(rms(residual, (0, 1, 2)))
    rows.append(["all", "", int(data.mask.sum()), *(float(by_component[c]) for c in exists), total])
    return head, rows


def versions() -> list[tuple[str, str]]:
    """Python, the machine and the packages that the results rest on, with their versions."""
    found = [
        ("Python", platform.python_version()),
        ("machine", f"{platform.system()} {platform.machine()}"),
    ]
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append((name, FROM_SOURCE if name == "jaxmt" else "not installed"))
    return found
