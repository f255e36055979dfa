r"""Published 2-D models and their published responses.

COMMEMI is the comparison of modelling methods of Zhdanov, Varentsov, Weaver, Golubev & Krylov (1997),
J. Appl. Geophys. 37, 133-271. 2D-0 is the control model of Weaver, LeQuang & Fischer (1985, 1986),
Geophys. J. R. astr. Soc. 82, 263-277 and 87, 917-948, whose TM responses have a closed form. The
tabulated values are those of the column "3 Canada" (Weaver) for 2D-1 and 2D-4.
"""

import dataclasses
import math

import numpy as np
from jaxtyping import Complex, Float

from ..conventions import MU_0
from ..simulation.mesh import Mesh
from ..simulation.survey import Survey
from .region import PERFECT_CONDUCTOR, Region, contacts, paint


@dataclasses.dataclass(frozen=True)
class Entry:
    """A published apparent resistivity: mode, station (m), value (ohm m), half the last digit printed."""

    mode: str
    station: float
    resistivity: float
    half_digit: float


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A published model: `regions` painted one over the other, and its table at one period (s).

    - `beside`: m, negative to the left: at a contact that reaches the ground TM jumps, and the table gives
      the value on one side. A station there is compared this far from the contact.
    """

    name: str
    regions: tuple[Region, ...]
    period: float
    table: tuple[Entry, ...] = ()
    exceptions: str = ""
    beside: float = 0.0

    @property
    def y_contacts(self) -> tuple[float, ...]:
        """Positions of the vertical contacts, m."""
        return contacts(self.regions, "left", "right")

    @property
    def z_contacts(self) -> tuple[float, ...]:
        """Depths of the horizontal contacts, m, without the ground."""
        return tuple(z for z in contacts(self.regions, "top", "bottom", "bottom_right") if z > 0)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest resistivity, ohm m, perfect conductors left out."""
        values = [r.resistivity for r in self.regions if r.resistivity > PERFECT_CONDUCTOR]
        return min(values), max(values)

    @property
    def survey(self) -> Survey:
        """The period of the table, and the stations of its entries."""
        return Survey([1 / self.period], sorted({entry.station for entry in self.table}))

    @property
    def compared(self) -> Survey:
        """The same survey with each station on a contact shifted to the side that the table took."""
        stations = self.survey.stations
        shift = np.where(np.isin(stations, self.y_contacts), self.beside, 0.0)
        return Survey(self.survey.frequencies, stations + shift)

    def design(self, survey: Survey | None = None, growth: float = 0.06) -> Mesh:
        """A mesh with nodes on every contact, fine enough for the published digits.

        A perfect conductor is one row a metre high: were it higher, the half of it that belongs to
        the nodes on its surface would deepen the conductor.
        """
        mesh = Mesh.design(
            self.survey if survey is None else survey,
            self.range,
            y_contacts=self.y_contacts,
            z_contacts=self.z_contacts,
            growth=growth,
        )
        floor = [r.top for r in self.regions if r.resistivity == PERFECT_CONDUCTOR]
        if not floor:
            return mesh
        above = mesh.z_nodes[mesh.z_nodes <= floor[0]]
        return Mesh(mesh.y_nodes, [*above, floor[0] + 1.0])

    def resistivity(self, mesh: Mesh, samples: int = 8) -> Float[np.ndarray, "earth y"]:
        """The model on a mesh, ohm m; a cell that a contact cuts gets the mean of log resistivity.

        The mean is over `samples` times `samples` points in each cell.
        """
        return paint(self.regions, mesh, samples)


def _table(te: dict[int | float, str], tm: dict[int | float, str]) -> tuple[Entry, ...]:
    """Entries from values as printed, stations in km."""
    entries = []
    for mode, column in (("te", te), ("tm", tm)):
        for km, printed in column.items():
            decimals = len(printed.partition(".")[2])
            entries.append(Entry(mode, 1000.0 * km, float(printed), 0.5 * 10.0**-decimals))
    return tuple(entries)


INF = math.inf

COMMEMI_2D_0 = Benchmark(
    "2D-0",
    (
        Region(-INF, -10e3, 0.0, 50e3, 10.0),
        Region(-10e3, 10e3, 0.0, 50e3, 1.0),
        Region(10e3, INF, 0.0, 50e3, 2.0),
        Region(-INF, INF, 50e3, INF, PERFECT_CONDUCTOR),
    ),
    300.0,
    _table(
        {-25: "8.0", -15: "4.7", -7: "1.5", 7: "1.1", 10: "1.3", 15: "1.7", 30: "2.0"},
        {-25: "11.21", -15: "12.64", -10: "16.12", 7: "0.98", 10: "0.67", 15: "2.11", 30: "2.01"},
    ),
    "TE has two digits. TM jumps at -10 and +10 km, the contacts: these values are those on their left.",
    beside=-1.0,
)

COMMEMI_2D_1 = Benchmark(
    "2D-1",
    (Region(-INF, INF, 0.0, INF, 100.0), Region(-500.0, 500.0, 250.0, 2250.0, 0.5)),
    0.1,
    _table(
        {0: "8.07", 0.5: "14.10", 1: "51.50", 2: "95.71", 4: "104.00", 8: "100.00", 16: "100.00"},
        {0: "9.86", 0.5: "46.40", 1: "94.80", 2: "98.30", 4: "99.70", 8: "100.00", 16: "100.00"},
    ),
)

COMMEMI_2D_2 = Benchmark(
    "2D-2",
    (
        Region(-INF, INF, 0.0, 75e3, 100.0),
        Region(-INF, INF, 75e3, INF, 10.0),
        Region(-22e3, -4e3, 7e3, 9e3, 0.1),
        Region(10e3, 22e3, 7e3, 9e3, 0.1),
    ),
    100.0,
)

COMMEMI_2D_3 = Benchmark(
    "2D-3",
    (
        Region(-INF, -20e3, 0.0, 10e3, 10.0),
        Region(-20e3, 0.0, 0.0, 10e3, 1.0),
        Region(0.0, 20e3, 0.0, 10e3, 100.0),
        Region(20e3, INF, 0.0, 10e3, 1000.0),
        Region(-INF, INF, 10e3, 30e3, 100.0),
        Region(-INF, INF, 30e3, INF, 0.1),
    ),
    100.0,
)

COMMEMI_2D_4 = Benchmark(
    "2D-4",
    (
        Region(-INF, INF, 500.0, 25e3, 1000.0),
        Region(-INF, INF, 0.0, 500.0, 25.0),
        Region(-INF, -6e3, 500.0, 2e3, 10.0),
        Region(-6e3, 2e3, 500.0, 4e3, 2.5),
        Region(2e3, 5e3, 500.0, 4e3, 2.5, bottom_right=1e3),
        Region(5e3, INF, 500.0, 1e3, 2.5),
        Region(-INF, INF, 25e3, INF, 5.0),
    ),
    1.0,
    _table(
        {-10: "12.70", -7: "12.00", -6: "8.80", -5: "6.84", 2: "6.67", 5: "6.25"},
        {-10: "11.40", -7: "11.50", -6: "9.03", -5: "6.78", 2: "6.80", 5: "5.71"},
    ),
)

COMMEMI = {b.name: b for b in (COMMEMI_2D_0, COMMEMI_2D_1, COMMEMI_2D_2, COMMEMI_2D_3, COMMEMI_2D_4)}
"""The five models by name, "2D-0" to "2D-4"."""


def control_model_tm(
    stations: Float[np.ndarray, " site"], period: float = 300.0, terms: int = 20000
) -> Complex[np.ndarray, " site"]:
    r"""Closed-form TM impedance $E_y/H_x$ (ohm, $e^{+i\omega t}$) of the control model 2D-0.

    - `stations`: y in m; one on a contact belongs to its right-hand side.

    Three segments of a slab of thickness d lie on a perfect conductor. In segment s with
    $k_s^2 = i\omega\mu_0/\rho_s$,
    $H_x = \frac{\cosh k_s(d-z)}{\cosh k_sd}
    + \sum_n (a_n e^{\alpha_n y} + b_n e^{-\alpha_n y})\sin\gamma_n z$
    with $\gamma_n = (n+\frac12)\pi/d$ and $\alpha_n^2 = \gamma_n^2 + k_s^2$. The sines are the same in all
    segments, so continuity of $H_x$ and of $E_z = -\rho\,\partial_y H_x$ at the two contacts decouples
    into a 4 x 4 system for each n (after Weaver, LeQuang & Fischer 1985). The series is cut after
    `terms`; on a contact it converges like 1/terms, elsewhere exponentially.
    """
    rho = np.array([r.resistivity for r in COMMEMI_2D_0.regions[:3]])
    half, d = 10e3, 50e3
    i_omega_mu = 2j * np.pi / period * MU_0
    k2 = i_omega_mu / rho
    gamma = (np.arange(terms) + 0.5) * np.pi / d
    alpha = np.sqrt(gamma**2 + k2[:, None])
    # Sine coefficients of the 1-D fields; only their differences at the contacts matter.
    layer = 2 / d * gamma / (gamma**2 + k2[:, None])
    far = np.exp(-2 * half * alpha[1])
    slope = rho[:, None] * alpha
    one, zero = np.ones_like(far), np.zeros_like(far)
    # Unknowns: left e^{alpha(y+L)}, middle e^{-alpha(y+L)} and e^{alpha(y-L)}, right e^{-alpha(y-L)}.
    matrix = np.array(
        [
            [one, -one, -far, zero],
            [slope[0], slope[1], -slope[1] * far, zero],
            [zero, -far, -one, one],
            [zero, -slope[1] * far, slope[1], slope[2]],
        ]
    )
    jump = np.array([layer[1] - layer[0], zero, layer[1] - layer[2], zero])
    left, decay, grow, right = np.linalg.solve(matrix.transpose(2, 0, 1), jump.T[..., None])[..., 0].T
    y = np.asarray(stations, dtype=float)
    segment = np.searchsorted([-half, half], y, side="right")
    k = np.sqrt(k2)[segment]
    result = -rho[segment] * k * np.tanh(k * d)
    for s, waves in enumerate(
        (
            ((left, 1, -half),),
            ((decay, -1, -half), (grow, 1, half)),
            ((right, -1, half),),
        )
    ):
        here = segment == s
        for amplitude, sign, origin in waves:
            wave = np.exp(sign * np.outer(y[here] - origin, alpha[s]))
            result[here] += rho[s] * (wave @ (amplitude * gamma))
    return result
