r"""The colours of resistivity: red where the ground conducts, blue where it resists.

`RED_BLUE` is made in CIELAB, where equal steps look equal. Its lightness rises from dark red to pale
yellow and falls as much to dark blue, so that in print without colour both ends are dark and the middle is
pale; hue tells the ends apart, also for the colour-blind, who confuse red with green but not yellow with
blue. The middle is not white: white is what is not trusted.
"""

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.colors import Colormap, ListedColormap

DARK, PALE, ROUND = 30.0, 88.0, 0.12
"""Lightness at the ends and in the middle, and how round its ridge is there, in halves of the scale."""

HUES = (
    (46.0, 36.0),
    (46.4, 46.8),
    (40.6, 55.8),
    (31.2, 61.3),
    (20.5, 63.3),
    (9.7, 62.0),
    (-0.2, 57.4),
    (-7.9, 49.7),
    (-12.2, 39.6),
    (-16.9, 28.4),
    (-20.9, 16.4),
    (-23.3, 4.0),
    (-22.9, -8.6),
    (-18.2, -20.2),
    (-10.2, -29.9),
    (-0.5, -38.1),
    (10.0, -45.0),
)
"""Greenness to redness and blueness to yellowness, a* and b*, at equal steps from the red end."""

WHITE = (0.95047, 1.0, 1.08883)
"""X, Y, Z of the white of sRGB, D65."""

LINEAR = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
"""From X, Y, Z to linear sRGB (IEC 61966-2-1)."""


def srgb(lab: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Red, green and blue, 0 to 1, of L*, a*, b* (CIE 1976, D65); what a screen cannot show is clipped."""
    lightness, a, b = lab.T
    y = (lightness + 16) / 116
    root = np.stack([y + a / 500, y, y - b / 200], axis=1)
    cube = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29))
    linear = np.clip(cube * np.array(WHITE) @ np.array(LINEAR).T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _red_blue(count: int = 256) -> ListedColormap:
    """The map, of `count` colours."""
    place = np.linspace(-1.0, 1.0, count)
    ridge = (np.hypot(place, ROUND) - ROUND) / (np.hypot(1.0, ROUND) - ROUND)
    hues = np.array(HUES)
    across = np.linspace(-1.0, 1.0, len(hues))
    a, b = (np.interp(place, across, hues[:, k]) for k in (0, 1))
    return ListedColormap(srgb(np.stack([PALE - (PALE - DARK) * ridge, a, b], axis=1)), "red-blue")


RED_BLUE = _red_blue()


def resistivity_colours(name: str = "red-blue") -> Colormap:
    """A colour map for log10 resistivity: "red-blue", or one of matplotlib's, such as "turbo_r".

    Raises `ValueError` for a name that neither knows.
    """
    if name == RED_BLUE.name:
        return RED_BLUE
    if name not in mpl.colormaps:
        raise ValueError(
            f"`colours` must be {RED_BLUE.name!r} or a colour map of matplotlib, such as 'turbo_r'. "
            f"Got {name!r}."
        )
    return mpl.colormaps[name]
