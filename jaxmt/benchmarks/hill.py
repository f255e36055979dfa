"""A hill, with published responses of the stations on it."""

import numpy as np

HILL_PROFILE = np.array([[-1000.0, -225.0, 225.0, 1000.0], [0.0, 450.0, 450.0, 0.0]])
"""Positions and elevations, m, of the trapezoidal hill of Wannamaker, Stodt & Rijo (1986), Geophysics 51,
2131-2144; its ground is 100 ohm m."""

HILL_RESPONSES = np.array(
    [
        [140, 2.055769, 47.04879, 1.430233, 51.76596],
        [300, 2.051597, 46.93474, 1.353154, 51.19302],
        [500, 2.036292, 46.27724, 1.631640, 49.13813],
        [700, 2.021302, 45.61024, 1.791553, 47.31740],
        [900, 2.006608, 44.90155, 1.988048, 45.51393],
        [1100, 1.997308, 44.45205, 2.187117, 44.42552],
        [1200, 1.996790, 44.47901, 2.121278, 44.38629],
        [1400, 1.996540, 44.56027, 2.068076, 44.36422],
    ]
)
"""At 2 Hz: y (m), log10 ohm m and degrees of TE, the same of TM with a level E, at stations on the ground.
The responses that come with MARE2DEM (Key 2016, Geophys. J. Int. 207, 571-588), whose finite elements are
refined to 1 %."""
