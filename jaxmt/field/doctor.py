"""What jaxmt runs on here, and what to install for more."""

import importlib.util
import os

import jax
import numpy as np

from ..program_cache import keep_programs
from ..report import versions
from ..simulation.forward import default_solver
from ..simulation.solvers import Pardiso

EXTRAS = {
    "io": (("mt_metadata", "xarray"), "NetCDF, and formats that jaxmt does not read itself"),
    "geo": (("ppigrf",), "the declination of a place and a day"),
    "sample": (("blackjax", "arviz_stats", "arviz_base"), "posteriors, such as by `jaxmt invert --sample`"),
}
"""Extras of the package: what they bring in, and what for."""


def doctor() -> int:
    """`jaxmt doctor`: prints versions, solver, devices, precision, cores and programs; the exit status."""
    rows = versions()
    double = jax.dtypes.canonicalize_dtype(float) == np.float64
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    rows += [
        ("solver", type(default_solver()).__name__),
        ("devices", ", ".join(f"{device.device_kind} ({device.platform})" for device in jax.devices())),
        ("precision", "double" if double else "single: set JAX_ENABLE_X64=1"),
        ("cores", f"{cores} of {os.cpu_count()}"),
        ("compiled programs", _programs()),
        ("field data", os.environ.get("JAXMT_DATA") or "JAXMT_DATA is not set; only scripts need it"),
    ]
    width = max(len(name) for name, _ in rows) + 2
    print("\n".join(f"{name:{width}}{value}" for name, value in rows))
    for text in remedies():
        print(text)
    return 0 if double else 1


def _programs() -> str:
    """Where compiled programs are kept from run to run, and their size; or why they are not."""
    if not jax.config.values["jax_enable_compilation_cache"]:
        return "not kept: JAX_ENABLE_COMPILATION_CACHE is off"
    try:
        folder = keep_programs()
    except OSError as error:
        return f"not kept: {error}"
    size = sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
    return f"{size / 1e6:.0f} MB in {folder}"


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
