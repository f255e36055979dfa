"""What becomes of data and stations that the rules find doubtful: a rule proposes, the user disposes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from .journal import Journal
from .screening import DOUBTS, ENLARGEMENT, GEOLOGY, LITTLE, Rule, enlarge, screen
from .site import Site
from .stations import STATION_RULES, UNUSABLE, StationRule, screen_stations


@dataclasses.dataclass(frozen=True)
class Screening:
    """Which rules act, and how. What nobody can use goes always: stations without a datum, and copies.

    - `remove`, `station_remove`: rules whose data and whose stations go, however many. None by default.
    - `enlarge`: rules whose data get `factor` times their errors.
    - `doubts`: rules whose data go where they are at most `little` of a station's, and stay, marked in the
      journal, where they are more.
    - `geology`, `station_doubts`: rules whose data and whose stations are marked and stay.

    A rule that removes or enlarges does not mark as well.
    """

    remove: tuple[Rule, ...] = ()
    enlarge: tuple[Rule, ...] = ()
    doubts: tuple[Rule, ...] = DOUBTS
    geology: tuple[Rule, ...] = GEOLOGY
    station_remove: tuple[StationRule, ...] = ()
    station_doubts: tuple[StationRule, ...] = STATION_RULES
    factor: float = ENLARGEMENT
    little: float = LITTLE

    @classmethod
    def none(cls) -> "Screening":
        """No rule at all."""
        return cls(doubts=(), geology=(), station_doubts=())

    def __call__(self, sites: Sequence[Site], floored: Sequence[Site]) -> tuple[list[Site], Journal]:
        """The sites that are left, and what was done.

        - `sites`: rotated to strike, with the errors and covariances as measured, by which the rules judge.
        - `floored`: the same with their floors, on which they act.
        """
        acting = (*self.remove, *self.enlarge)
        geology, doubts = (_without(rules, acting) for rules in (self.geology, self.doubts))
        station_doubts = _without(self.station_doubts, self.station_remove)
        kept, journal = screen_stations(sites, UNUSABLE)
        _, shown = screen(kept, geology, most=0.0)
        # The rules that are asked for see all data; a doubt sees what is left.
        judged, removed = screen(kept, self.remove)
        judged, doubted = screen(judged, doubts, most=self.little)
        partners = [f for site, f in zip(sites, floored, strict=True) if any(site is k for k in kept)]
        acted = [dataclasses.replace(f, z=site.z) for site, f in zip(judged, partners, strict=True)]
        acted, enlarged = enlarge(acted, judged, self.enlarge, self.factor)
        _, marked = screen_stations(acted, station_doubts, keep=True)
        left, taken = screen_stations(acted, self.station_remove)
        left, emptied = screen_stations(left, UNUSABLE)
        return left, journal + shown + removed + doubted + enlarged + marked + taken + emptied


def _without(rules: tuple[Any, ...], others: tuple[Any, ...]) -> tuple[Any, ...]:
    """The rules that are not among others, whatever their limits."""
    return tuple(rule for rule in rules if _kind(rule) not in {_kind(other) for other in others})


def _kind(rule: Any) -> Any:
    """The class of a rule with limits, and any other rule itself."""
    return type(rule) if dataclasses.is_dataclass(rule) else rule
