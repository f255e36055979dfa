"""One inversion of the study, named by all that it depends on."""

import dataclasses
import hashlib
import json

Start = float | str
"""A half-space in ohm m, or the name of another start: see `problem.starting_section`."""


@dataclasses.dataclass(frozen=True)
class Case:
    """An inversion.

    - `model`: name in `jaxmt.benchmarks.SYNTHETIC`. `method`: name in `methods.methods()`.
    - `noise`, `level`: kind and level of the noise, as in `noise.observe`. `seed`: of the noise.
    - `shift`: standard deviation of random static shifts at a third of the stations, decades.
    - `shift_parameters`: whether the inversion may shift stations, too.
    - `size`: "study", "published" or "quick", as in `problem.SIZES`.
    """

    model: str
    method: str
    start: Start = 100.0
    noise: str = "gaussian"
    level: float = 0.05
    seed: int = 0
    shift: float = 0.0
    shift_parameters: bool = False
    size: str = "study"

    @property
    def key(self) -> str:
        """The same for the same case, in any process."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @property
    def programs(self) -> tuple[str, str, str]:
        """The same for cases that share most of their compiled functions."""
        return self.size, self.model, self.method

    @property
    def digest(self) -> str:
        """A short name for files."""
        return hashlib.sha1(self.key.encode(), usedforsecurity=False).hexdigest()[:12]


def case_of(record: dict) -> Case:
    """The case of a stored record."""
    return Case(**record["case"])
