"""What jaxmt runs on here, and what to install for more."""

import importlib.util
import os

import jax
import numpy as np

from ..report import versions
from ..simulation.forward import default_solver
from ..simulation.solvers import Pardiso

EXTRAS = {
    "io": (("mt_metadata", "xarray"), "NetCDF, and formats that jaxmt does not read itself"),
    "geo": (("ppigrf",), "the declination of a place and a day"),
}
"""Extras of the package: what they bring in, and what for."""


def doctor() -> int:
    """`jaxmt doctor`: prints versions, solver, devices, precision, cores and cache; the exit status."""
    rows = versions()
    double = jax.dtypes.canonicalize_dtype(float) == np.float64
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    rows += [
        ("solver", type(default_solver()).__name__),
        ("devices", ", ".join(f"{device.device_kind} ({device.platform})" for device in jax.devices())),
        ("precision", "double" if double else "single: set JAX_ENABLE_X64=1"),
        ("cores", f"{cores} of {os.cpu_count()}"),
        (
            "compilation cache",
            jax.config.values["jax_compilation_cache_dir"] or "none: set JAX_COMPILATION_CACHE_DIR",
        ),
        ("field data", os.environ.get("JAXMT_DATA") or "JAXMT_DATA is not set; only scripts need it"),
    ]
    width = max(len(name) for name, _ in rows) + 2
    print("\n".join(f"{name:{width}}{value}" for name, value in rows))
    for text in remedies():
        print(text)
    return 0 if double else 1


def remedies() -> list[str]:
    """What to install for more, a line each."""
    lines = []
    if jax.default_backend() == "cpu" and not Pardiso.is_installed():
        lines.append("A faster solver on Intel and AMD processors: pip install 'jaxmt[fast]'")
    for extra, (modules, what) in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            lines.append(f"For {what} ({', '.join(missing)} missing): pip install 'jaxmt[{extra}]'")
    return lines
