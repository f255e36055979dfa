r"""What is held at the top of the air, where the TE mode has its source.

Far above the ground the field is that of a plane wave. With little air the two conditions differ: a uniform
magnetic field leaves the air free to carry a lateral change of $E_x$, and the impedance is that of the open
half-space above; a uniform electric field allows no lateral change at that height. TM needs no air.
"""

import abc
from typing import ClassVar

import equinox as eqx
from equinox import AbstractClassVar
from jaxtyping import Array, Complex, Float


class AbstractTop(eqx.Module):
    """The condition at the top of the air, for `Mesh(top=...)`.

    - `held`: rows of nodes at the top on which $E_x$ is one.
    """

    held: AbstractClassVar[int]

    @abc.abstractmethod
    def sides(self, electric: Complex[Array, "2 znode"]) -> Complex[Array, "2 znode"]:
        """$E_x$ on the two sides, from that of layered earths under a field $H_y = 1$ in the air."""

    @abc.abstractmethod
    def inflow(
        self,
        slope: Complex[Array, ""],
        widths: Float[Array, " col"],
        links: Float[Array, " col"],
    ) -> Complex[Array, " col"]:
        r"""What enters the first row of unknowns from above.

        - `slope`: $\partial_z E_x$ for $H_y = 1$, $-i\omega\mu_0$.
        - `widths`: m, of the dual cells. `links`: of the first row of nodes to the next.
        """


class UniformMagnetic(AbstractTop):
    """$H_y = 1$ at the top: E_x on its nodes is unknown."""

    held: ClassVar[int] = 0

    def sides(self, electric: Complex[Array, "2 znode"]) -> Complex[Array, "2 znode"]:
        """The same."""
        return electric

    def inflow(
        self, slope: Complex[Array, ""], widths: Float[Array, " col"], links: Float[Array, " col"]
    ) -> Complex[Array, " col"]:
        """The flux of the uniform field."""
        del links
        return -slope * widths.astype(slope.dtype)


class Dirichlet(AbstractTop):
    """$E_x = 1$ at the top, as in MTinv_OT (Liu, Chen, Bo & Tang 2026); it wants air as high as the mesh
    is wide.
    """

    held: ClassVar[int] = 1

    def sides(self, electric: Complex[Array, "2 znode"]) -> Complex[Array, "2 znode"]:
        """Scaled to one at the top."""
        return electric / electric[:, :1]

    def inflow(
        self, slope: Complex[Array, ""], widths: Float[Array, " col"], links: Float[Array, " col"]
    ) -> Complex[Array, " col"]:
        """What the held nodes give through their links."""
        del widths
        return links.astype(slope.dtype)


TOPS: dict[str | None, AbstractTop] = {type(top).__name__: top for top in (UniformMagnetic(), Dirichlet())}
"""Both by the name of their class, as files of results state it."""


def checked_top(top: object) -> AbstractTop:
    """The condition that `Mesh(top=...)` was given, by default `UniformMagnetic()`."""
    if top is None:
        return UniformMagnetic()
    if not isinstance(top, AbstractTop):
        raise ValueError(
            "`Mesh(top=...)` must be what TE has at the top of the air, `jaxmt.UniformMagnetic()` or "
            f"`jaxmt.Dirichlet()`. Got {top!r}."
        )
    return top
