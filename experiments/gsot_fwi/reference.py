"""What Deepwave 0.1.0 makes of the same problem (Richardson, its documentation's GSOT example)."""

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
