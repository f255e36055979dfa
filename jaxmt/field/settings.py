"""How a line is inverted and shown, with defaults made from the line."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import optax
from jaxtyping import Float

from ..comparison import on_mesh
from ..conventions import skin_depth
from ..data import Data
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
    - `depth`: m, how far down to show sections; by default Bostick's depth of the lowest frequencies, and
      no more than the length of the line. `limits`: ohm m, of their colours.
    - `reference`: another code's model to set beside. `stated`: whatever else the report shall state.
    - `title`, `client`, `author`: of the report; the title is by default the name of the line.
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
    reference: Reference | None = None
    stated: tuple[tuple[str, str], ...] = ()
    timed: bool = False
    title: str = ""
    client: str = ""
    author: str = ""

    def for_line(self, line: Line) -> "Settings":
        """The settings with start, mesh and depth made from a line where they are None."""
        median = line.data.median_resistivity()
        start = median if self.start is None else self.start
        mesh, depth = self.mesh, self.depth
        if mesh is None and self.parametrisation is not None:
            mesh = self.parametrisation.mesh
        if mesh is None:
            level = start if isinstance(start, float | int) else median
            mesh = Mesh.design(line.data.survey, level, growth=self.growth)
        if depth is None:
            depth = _shown(line.data, median)
        return dataclasses.replace(self, start=start, mesh=mesh, depth=float(depth))

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


def _shown(data: Data, median: float) -> float:
    """How far down to show a section, m: as far as a tenth of the stations see, and as the line is long."""
    reach = penetration(data)
    # Without resistivities, as with tippers alone, those of the median: the skin depth over root two.
    seen = skin_depth(median, float(data.survey.frequencies.min())) / np.sqrt(2)
    seen = float(np.nanquantile(reach, 0.9)) if np.isfinite(reach).any() else seen
    length = float(np.ptp(data.survey.stations))
    return min(seen, length) if length > 0 else seen


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
