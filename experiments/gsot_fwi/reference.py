"""What Deepwave 0.1.0 makes of the same problem (Richardson, its documentation's GSOT example)."""

import numpy as np

SHIFT_GRAPH_SPACE = {
    0: 0.0,
    1: 0.1805,
    2: 0.3633,
    3: 0.5977,
    4: 0.9318,
    5: 1.2009,
    8: 1.9549,
    10: 2.5418,
    15: 4.1439,
    20: 5.2441,
    25: 5.9341,
    26: 5.9841,
    30: 5.9841,
}
SHIFT_LEAST_SQUARES = {
    1: 1.394,
    2: 4.6953,
    3: 7.9551,
    4: 9.5898,
    5: 9.3047,
    8: 5.5603,
    9: 5.2901,
    10: 5.3932,
    20: 5.9841,
    30: 5.9841,
}
"""Misfits of the 25 Hz wavelet shifted by so many samples of 4 ms, with eta 0.003 per squared sample."""

FIRST = 110
# fmt: off
ARRIVAL = (
    0, 0, 0, -1, -8, -13, 70, 516, 1724, 3561,
    4241, 519, -8868, -18757, -19119, -4904, 16157, 29328, 26721, 12809,
    -2577, -12794, -16442, -15105, -11040, -6100, -1498, 2104, 4447, 5546,
    5587, 4849, 3636, 2232, 872, -279, -1122, -1625, -1808, -1731,
    -1477, -1125, -716, -255, 223, 605, 747, 619, 346, 102,
    -20, -35, -4, 23, 28, 14, -7, -28, -43, -50,
    -50, -45, -37, -25, -10, 10, 27, 34, 28, 14,
    1, -7, -8, -7, -4, -2, -1, 0, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 0, -1, -3,
)
# fmt: on
TRACE = np.concatenate([np.zeros(FIRST), 1e-5 * np.array(ARRIVAL)])
"""The trace of the true velocity, 200 samples, in single precision; nothing comes before `FIRST`."""
