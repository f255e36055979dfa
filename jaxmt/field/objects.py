"""Options become objects: what is done to transfer functions, as the library takes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..processing import DOUBTS, RULES, STATION_RULES, Screening
from ..processing.screening import GEOLOGY
from .options import Refusal
from .treatment import Treatment


def treatment_of(told: Mapping[str, Any]) -> Treatment:
    """What is done to the transfer functions."""
    return Treatment(
        strike=None if told["strike"] == "auto" else told["strike"],
        declination=told["declination"],
        band=tuple(told["band"]),
        floor=told["floor"],
        per_decade=None if told["per-decade"] == "all" else told["per-decade"],
        screening=screening_of(told),
        signs=told["signs"],
        line=told["line"],
        variance=told["variance"],
        stations=tuple(told["stations"]),
        drop=tuple(told["drop"]),
        tipper=told["tipper"],
        recursive=told["recursive"],
        **placement_of(told),
    )


def placement_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Where the stations are, and along what they are projected. Raises `Refusal` for what contradicts."""
    segment = [f"--{name}" for name in ("from", "to") if told[name] is not None]
    if len(segment) == 1:
        raise Refusal(f"{segment[0]} gives one end of a profile alone: give --from LAT,LON --to LAT,LON.")
    if told["corridor"] is not None and not segment:
        raise Refusal("--corridor is the width about --from LAT,LON --to LAT,LON: give these.")
    for name in ("azimuth", "line"):
        if segment and told[name] is not None:
            raise Refusal(f"--from and --to choose line and direction: leave --{name} out.")
    if told["positions"] is not None and told["spacing"] is not None:
        raise Refusal("--positions and --spacing both say where stations are: give one of them.")
    return {
        "azimuth": told["azimuth"],
        "segment": (tuple(told["from"]), tuple(told["to"])) if segment else None,
        "corridor": None if told["corridor"] is None else 1e3 * told["corridor"],
        "positions": None if told["positions"] is None else Path(told["positions"]),
        "spacing": told["spacing"],
    }


def screening_of(told: Mapping[str, Any]) -> Screening:
    """What becomes of doubtful data. Raises `Refusal` for a rule that is told two things."""
    deeds = {deed: {name.replace("-", "") for name in told[deed]} for deed in ("remove", "enlarge", "skip")}
    for name in sorted(set().union(*deeds.values())):
        twice = [f"--{deed}" for deed, names in deeds.items() if name in names]
        if len(twice) > 1:
            raise Refusal(f"{' and '.join(twice)} both name {name}: give it to one of them.")

    def of(rules: tuple, *told: str, but: bool = False) -> tuple:
        named = set().union(*(deeds[deed] for deed in told))
        return tuple(rule for rule in rules if (type(rule).__name__.lower() in named) is not but)

    if stations := of(STATION_RULES, "enlarge"):
        name = type(stations[0]).__name__
        raise Refusal(f"--enlarge {name}: the rule is about whole stations, which are removed or kept.")
    other = ("remove", "enlarge", "skip")
    return Screening(
        remove=of(RULES, "remove"),
        enlarge=of(RULES, "enlarge"),
        doubts=of(DOUBTS, *other, but=True),
        geology=of(GEOLOGY, *other, but=True),
        station_remove=of(STATION_RULES, "remove"),
        station_doubts=of(STATION_RULES, "remove", "skip", but=True),
    )
