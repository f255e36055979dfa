"""The field workflow: from a folder of transfer functions to a section and a report.

Names are loaded when they are used, for the command shall open at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fit import Fit as Fit
    from .folder import Folder as Folder
    from .line import Line as Line
    from .outcome import Outcome as Outcome
    from .settings import Reference as Reference
    from .settings import Settings as Settings
    from .treatment import Treatment as Treatment
    from .workflow import invert_line as invert_line

_HOMES = {
    "Fit": "fit",
    "Folder": "folder",
    "Line": "line",
    "Treatment": "treatment",
    "Outcome": "outcome",
    "Reference": "settings",
    "Settings": "settings",
    "invert_line": "workflow",
}

__all__ = [
    "Fit",
    "Folder",
    "Line",
    "Outcome",
    "Reference",
    "Settings",
    "Treatment",
    "invert_line",
]


def __getattr__(name: str) -> Any:
    """The public name, or a module of this folder, loaded."""
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
