"""The L-curve."""

import numpy as np
from matplotlib.axes import Axes

from ..inversion.l_curve import LCurve
from .station_labels import Labels
from .symbols import SMALL, heading, legend_beside
from .ticks import log_axis, plain


def l_curve(ax: Axes, curve: LCurve, *, title: str | None = None) -> Axes:
    """Draws roughness over data misfit, both logarithmic, with lambda at each point and the corner."""
    ax.loglog(curve.losses, curve.roughnesses, "o-", color="black", lw=1.5, ms=5)
    style = {"textcoords": "offset points", "fontsize": SMALL, "va": "center"}
    labels = [
        ax.annotate(plain(float(f"{factor:.2g}")), (loss, roughness), xytext=(6, 4), **style)
        for factor, loss, roughness in zip(curve.factors, curve.losses, curve.roughnesses, strict=True)
    ]
    points = np.stack([curve.losses, curve.roughnesses], axis=1).astype(float)
    ax.add_artist(Labels(ax, labels, points, 0.0, 7.0 * np.array([[1.0, 0.6], [-1.0, -0.6], [1.0, -1.2]])))
    k = curve.corner
    corner = f"corner: lambda {curve.factors[k]:.2g}, nRMS {curve.nrms[k]:.2f}"
    ax.plot(
        curve.losses[k], curve.roughnesses[k], "o", color="#CC3311", ms=10, mfc="none", mew=2, label=corner
    )
    # Room for what stands at the last point.
    ax.margins(x=0.1)
    ax.set(xlabel="Data misfit", ylabel="Roughness")
    log_axis(ax.xaxis)
    log_axis(ax.yaxis)
    ax.grid(color="0.9", lw=0.8, which="both")
    ax.set_axisbelow(True)
    legend_beside(ax)
    heading(ax, title)
    return ax
