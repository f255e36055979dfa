"""What the numbers were measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = (
    "jaxmt",
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "py-mkl-pardiso",
    "simpeg",
    "discretize",
    "pymatsolver",
    "pydiso",
    "python-mumps",
)
CPU = Path("/proc/cpuinfo")


def machine() -> dict:
    """Processor, cores that this process may use, system, and the versions of what is installed."""
    models = CPU.read_text().splitlines() if CPU.exists() else []
    named = [row.partition(": ")[2] for row in models if row.startswith("model name")]
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "processor": named[0] if named else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version for name, version in versions.items() if version},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
