"""Options become methods of inversion: misfits and settings, as the library takes them."""

from collections.abc import Mapping
from typing import Any

from ..inversion.optimisers import OPTIMISERS
from ..inversion.static_shift import StaticShift
from ..misfit import AbstractMisfit
from ..misfit.catalogue import named
from .options import Refusal
from .run_file import TOLD
from .settings import Settings

GROWTH, QUICK_GROWTH = 0.12, 0.3
"""Growth of the cells of the mesh away from the stations, and with `--quick`."""


def misfits_of(
    told: Mapping[str, Any], arguments: Mapping[str, Mapping[str, Any]]
) -> dict[str, AbstractMisfit]:
    """The misfits by name; `arguments`: those of some of them."""
    made = {}
    for name in {**dict.fromkeys(told["misfit"]), **arguments}:
        try:
            made[name] = named(name, **arguments.get(name, {}))
        except (ValueError, TypeError) as error:
            raise Refusal(f"[misfit.{name}] {error}") from None
    chosen = {name: made[name] for name in told["misfit"]}
    if OPTIMISERS[told["optimiser"]]().long_steps:
        chosen = {name: misfit.for_long_steps() for name, misfit in chosen.items()}
    return chosen


def settings_of(told: Mapping[str, Any]) -> Settings:
    """How the line is inverted."""
    decades = told["static-shift"]
    return Settings(
        growth=QUICK_GROWTH if told["quick"] else GROWTH,
        optimiser=OPTIMISERS[told["optimiser"]](),
        static_shift=StaticShift(decades) if decades else None,
        target=told["target"],
        iterations=told["iterations"],
        quick=told["quick"],
        sample=told["sample"],
        stated=(("error floor", f"{told['floor']:g} of |Z|"),),
        **shown_of(told),
    )


def shown_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was told of the figures and of the first page of the report, as fields of `Settings`."""
    found: dict[str, Any] = {}
    if told.get("depth") is not None:
        found["depth"] = 1e3 * told["depth"]
    if told.get("limits") is not None:
        found["limits"] = tuple(told["limits"])
    if "colours" in told:
        found["colours"] = told["colours"]
    if "format" in told:
        found["formats"] = tuple(told["format"])
    return found | {name: told[name] for name in TOLD["report"] if told.get(name) is not None}
