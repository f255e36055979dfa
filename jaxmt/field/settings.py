"""How a line is inverted and shown, with defaults made from the line."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import optax
from jaxtyping import Float

from ..comparison import on_mesh
from ..data import Data
from ..inversion.appraisal import Uncertainty
from ..inversion.optimisers import AbstractOptimiser
from ..inversion.parametrisation import AbstractParametrisation
from ..inversion.regularization import AbstractRegularization
from ..inversion.static_shift import StaticShift
from ..inversion.stopping import Stopping
from ..inversion.trade_off import AbstractTradeOff
from ..misfit import AbstractMisfit
from ..processing.bostick import penetration
from ..simulation.mesh import Mesh
from .line import Line

Section = Float[np.ndarray, "earth y"]
Pair = tuple[float, float]

DEEPEST, PART = 0.9, 0.5
"""Quantile of the depths that stations see down to which a section is shown, and the depth of a section at
most over the length of its line."""

LIMITS = (1e-6, 1e12)
"""ohm m; the least and the most that colours can show."""

ROUND = np.outer(10.0 ** np.arange(-6, 13), (1.0, 2.0, 5.0)).ravel()
"""ohm m; at which the colours of a single section end."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """Another code's section: what it is, its mesh, ohm m."""

    title: str
    mesh: Mesh
    resistivity: Section

    def on(self, mesh: Mesh) -> Section:
        """Its values at the cell centres of another mesh, ohm m; NaN outside."""
        return on_mesh(self.mesh, self.resistivity, mesh)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a line is inverted, and what its figures show. What is None is made from the line.

    - `start`: ohm m, a number or a section, or one of them for each misfit by name; by default the median
      apparent resistivity. `mesh`: by default `Mesh.design` for the start, with `growth`.
    - `parametrisation`, `optimiser`, `static_shift`, `regularization`, `trade_off`, `stopping`: as for
      `invert`.
    - `target`: nRMS at which to stop; `iterations`: at most.
    - `depth`: m, how far down to show sections; `limits`: ohm m, of the colours of resistivities. Where
      they are None, `shown` makes them.
    - `colours`: of resistivities, as for `plot.section`. `formats`: of figures, of `FORMATS`.
    - `reference`: another code's model to set beside. `stated`: whatever else the report shall state.
    - `title`, `client`, `author`: of the report; the title is by default the name of the line.
    - `quick`: whether mesh and iterations are those of a first look, which the advice says.
    - `sample`: draws of each of four chains from the posterior; None for no posterior.
    - `timed`: whether to measure the share of transport in an iteration, which compiles the misfit again.
    """

    mesh: Mesh | None = None
    start: float | Section | Mapping[str, float | Section] | None = None
    growth: float = 0.12
    parametrisation: AbstractParametrisation | None = None
    optimiser: AbstractOptimiser | optax.GradientTransformation | None = None
    static_shift: StaticShift | None = StaticShift()
    regularization: AbstractRegularization | None = None
    trade_off: AbstractTradeOff | None = None
    stopping: Stopping | None = None
    target: float = 1.05
    iterations: int = 200
    depth: float | None = None
    limits: Pair | None = None
    colours: str = "red-blue"
    formats: tuple[str, ...] = ("png",)
    reference: Reference | None = None
    stated: tuple[tuple[str, str], ...] = ()
    quick: bool = False
    sample: int | None = None
    timed: bool = False
    title: str = ""
    client: str = ""
    author: str = ""

    def for_line(self, line: Line) -> "Settings":
        """The settings with start and mesh made from a line where they are None."""
        median = line.data.median_resistivity()
        start = median if self.start is None else self.start
        mesh = self.mesh
        if mesh is None and self.parametrisation is not None:
            mesh = self.parametrisation.mesh
        if mesh is None:
            level = start if isinstance(start, float | int) else median
            mesh = Mesh.design(line.data.survey, level, growth=self.growth)
        return dataclasses.replace(self, start=start, mesh=mesh)

    def shown(self, data: Data, uncertainty: Uncertainty, *sections: Section) -> "Settings":
        """The settings with depth and limits of the figures made where they are None.

        - `uncertainty`: of the first inversion, which says what the depths of all are, and what the data
          see of the `sections` (ohm m), which say what the limits are.
        """
        depth, limits = self.depth, self.limits
        depth = float(depth_shown(data, uncertainty) if depth is None else depth)
        if limits is None:
            limits = seen_limits(uncertainty, data, depth, sections)
        return dataclasses.replace(self, depth=depth, limits=limits)

    def start_of(self, name: str) -> float | Section:
        """Where the inversion by a misfit starts, ohm m."""
        start = self.start[name] if isinstance(self.start, Mapping) else self.start
        if start is None:
            raise ValueError("`Settings(start=...)` is None: take those of `Settings.for_line`.")
        return start

    def facts(self, misfits: Mapping[str, AbstractMisfit]) -> tuple[tuple[str, str], ...]:
        """What a report states about the inversion."""
        mesh, start = self.mesh, self.start
        if mesh is None:
            raise ValueError("`Settings(mesh=...)` is None: take those of `Settings.for_line`.")
        depth = f"z {mesh.z_nodes[-1] / 1e3:.4g} km"
        facts = [
            ("mesh", f"{mesh.n_z} x {mesh.n_y} cells, {mesh.n_air} rows of them air"),
            ("smallest cells", f"{mesh.dy.min():.3g} m wide, {mesh.dz.min():.3g} m high"),
            ("mesh reaches", f"y {mesh.y_nodes[0] / 1e3:.4g} to {mesh.y_nodes[-1] / 1e3:.4g} km, {depth}"),
            ("target nRMS", f"{self.target:g}"),
            ("iterations at most", str(self.iterations)),
            ("optimiser", "Descent" if self.optimiser is None else type(self.optimiser).__name__),
        ]
        if isinstance(start, float | int):
            facts.append(("start", f"{start:.4g} ohm m"))
        if isinstance(start, Mapping):
            facts.append(("start", "a section of its own for each misfit"))
        if self.static_shift is not None:
            facts.append(("static shift", f"{self.static_shift.decades:g} decades, standard deviation"))
        facts += [(f"misfit {name}", described(misfit)) for name, misfit in misfits.items()]
        return (*facts, *self.stated)


def depth_shown(data: Data, uncertainty: Uncertainty) -> float:
    """How far down to show a section, m: as deep as a tenth of the stations see, and half the line is long.

    What stations see ends with their lowest frequency, by Bostick's depth, and under a tenth of the columns
    between them at the depth of investigation.
    """
    mesh, stations = uncertainty.mesh, data.survey.stations
    reach, found = penetration(data), uncertainty.depth_of_investigation()
    under = (mesh.y_centres >= stations.min()) & (mesh.y_centres <= stations.max())
    bounds = [float(np.quantile(found[under] if under.any() else found, DEEPEST))]
    if np.isfinite(reach).any():
        bounds.append(float(np.nanquantile(reach, DEEPEST)))
    if np.ptp(stations) > 0:
        bounds.append(PART * float(np.ptp(stations)))
    # Data that see nothing leave a section of a few rows.
    return max(min(bounds), float(mesh.earth_nodes[min(4, mesh.n_earth)]))


def seen_limits(uncertainty: Uncertainty, data: Data, depth: float, sections: Sequence[Section]) -> Pair:
    """Limits of the colours of resistivities, ohm m: round numbers around nearly all that the data see."""
    mesh, stations = uncertainty.mesh, data.survey.stations
    under = (mesh.y_nodes[1:] > stations.min()) & (mesh.y_nodes[:-1] < stations.max())
    seen = under & (mesh.z_centres <= depth)[:, None] & (uncertainty.trust() > 0) & ~mesh.air
    # A section on another mesh is taken whole.
    values = [np.log10(s[seen] if s.shape == seen.shape else s.ravel()) for s in sections]
    known = np.concatenate([np.zeros(0), *values])
    known = known[np.isfinite(known)]
    low, high = np.percentile(known, [1.0, 99.0]) if known.size else (1.5, 2.5)
    apart, middle = max(high - low, 1.0), (low + high) / 2
    low, high = np.clip(10 ** (middle + apart * np.array([-0.5, 0.5])), *LIMITS)
    below, above = ROUND[ROUND <= low * (1 + 1e-9)], ROUND[high * (1 - 1e-9) <= ROUND]
    return float(below[-1]), float(above[0])


def described(misfit: AbstractMisfit) -> str:
    """A misfit with the numbers and words it was made with: Huber(threshold=1.5)."""
    parts = []
    for field in dataclasses.fields(misfit):
        value = getattr(misfit, field.name)
        if isinstance(value, AbstractMisfit):
            parts.append(described(value))
        elif isinstance(value, bool | int | float | str):
            parts.append(f"{field.name}={value:g}" if isinstance(value, float) else f"{field.name}={value}")
    return f"{type(misfit).__name__}({', '.join(parts)})"
