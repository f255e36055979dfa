"""Options become objects: what a run was told, as the library takes it."""

from collections.abc import Mapping
from typing import Any

from ..inversion.optimisers import OPTIMISERS
from ..inversion.static_shift import StaticShift
from ..misfit import AbstractMisfit
from ..misfit.catalogue import named
from ..processing import RULES, STATION_RULES
from .line import Treatment
from .options import Refusal
from .settings import Settings

GROWTH, QUICK_GROWTH = 0.12, 0.3
"""Growth of the cells of the mesh away from the stations, and with `--quick`."""


def treatment_of(told: Mapping[str, Any]) -> Treatment:
    """What is done to the transfer functions."""
    skipped = {name.replace("-", "") for name in told["skip"]}

    def left(rules: tuple) -> tuple:
        return tuple(rule for rule in rules if type(rule).__name__.lower() not in skipped)

    return Treatment(
        strike=None if told["strike"] == "auto" else told["strike"],
        declination=told["declination"],
        band=tuple(told["band"]),
        floor=told["floor"],
        per_decade=None if told["per-decade"] == "all" else told["per-decade"],
        rules=left(RULES),
        station_rules=left(STATION_RULES),
        signs=told["signs"],
        line=told["line"],
        variance=told["variance"],
        stations=tuple(told["stations"]),
        drop=tuple(told["drop"]),
        tipper=told["tipper"],
    )


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
        stated=(("error floor", f"{told['floor']:g} of |Z|"),),
    )
