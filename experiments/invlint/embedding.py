r"""Pictures integrated against Gaussian kernels: few numbers that the data determine nearly linearly.

$Y_m = \int y\,\Psi_m$ with $\Psi_m$ a Gaussian of unit mass, its centres on a uniform grid of the picture,
their spacing as standard deviation. A picture is constant on its pixels, so that the integral is exact: a
product of one matrix for each axis.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr


@dataclasses.dataclass(frozen=True)
class Kernels:
    """Integrals of the kernels over each pixel, along each axis."""

    down: Float[np.ndarray, "kernelrow row"]
    across: Float[np.ndarray, "kernelcolumn column"]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.down) * len(self.across)

    def embed(self, pictures: Float[np.ndarray, "model row column"]) -> Float[np.ndarray, "model kernel"]:
        """The integrals of pictures."""
        pictures = np.asarray(pictures, dtype=float)
        return (self.down @ pictures @ self.across.T).reshape(len(pictures), -1)


def kernels(shape: tuple[int, int], number: tuple[int, int]) -> Kernels:
    """`number` of kernels down and across pictures of `shape`."""
    return Kernels(*(_masses(pixels, count) for pixels, count in zip(shape, number, strict=True)))


def _masses(pixels: int, count: int) -> Float[np.ndarray, "kernel pixel"]:
    """Mass of each kernel on each pixel of a line; what lies beyond its ends is lost."""
    spacing = pixels / count
    centres = spacing * (np.arange(count) + 0.5)
    return np.diff(ndtr((np.arange(pixels + 1) - centres[:, None]) / spacing), axis=1)
