"""What is done to transfer functions on the way to a line."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..atomic import FilePath
from ..io import Reading, read
from ..processing import Screening
from ..processing.frequencies import PER_DECADE
from ..processing.site import Site
from .choice import Choice, Found, find
from .selection import Selection


@dataclasses.dataclass(frozen=True)
class Treatment:
    """What is done to transfer functions on the way to a line.

    - `strike`: degrees from north; None finds it. `declination`: degrees east, of magnetic axes.
    - `band`: Hz, the lowest and the highest frequency kept. `floor`: least relative error of |Z|.
    - `per_decade`: frequencies a decade at which fields are computed where more are measured; None
      computes at every one.
    - `screening`, `signs`: as in `processing.prepare`.
    - `line`: which of several lines, by its name or that of its file; None takes one by default.
    - `variance`: what `.VAR` blocks of EDI files hold, as in `io.read`.
    - `stations`: names to keep, with `*` and `?` for any characters; `drop`: names to leave out.
    - `tipper`: whether to keep the tippers.
    - `recursive`: whether sub-folders are read, too, as in `io.read`.
    - `azimuth`, `segment`, `corridor`, `positions`, `spacing`: as in `Selection`.
    """

    strike: float | None = None
    declination: float = 0.0
    band: tuple[float, float] = (0.0, np.inf)
    floor: float = 0.05
    per_decade: int | None = PER_DECADE
    screening: Screening = Screening()
    signs: str = "mend"
    line: str | None = None
    variance: str = "variance"
    stations: Sequence[str] = ("*",)
    drop: Sequence[str] = ()
    tipper: bool = False
    azimuth: float | None = None
    segment: tuple[tuple[float, float], tuple[float, float]] | None = None
    corridor: float | None = None
    positions: Path | None = None
    spacing: float | None = None
    recursive: bool = False

    @property
    def selection(self) -> Selection:
        """Which stations are asked for, and where they are."""
        return Selection(*(getattr(self, field.name) for field in dataclasses.fields(Selection)))

    def read(self, path: FilePath) -> Reading:
        """What a file or a folder holds. Raises `BadFile` as `io.read` does."""
        return read(
            path,
            variance=self.variance,
            relative_error=self.floor,
            signs=self.signs,
            recursive=self.recursive,
        )

    def find(self, sites: Sequence[Site]) -> Found:
        """The stations that are asked for, and their lines. Raises `ValueError` as `choice.find` does."""
        return find(
            sites,
            self.selection,
            strike=self.strike,
            band=self.band,
            declination=self.declination,
            signs=self.signs,
        )

    def choice(self, sites: Sequence[Site]) -> Choice:
        """The stations of the line. Raises `ValueError` as `find` and `Found.taken` do."""
        return self.find(sites).taken(self.line)
