"""The units of the experiment, in which everything is of the order of one."""

KILOMETRES = 100.0
"""In a unit of length: the side of the cube."""

SECONDS = 10.0
"""In a unit of time; so a unit of speed is 10 km/s."""

SLOWEST, FASTEST = 0.5, 2.5
"""Wave speed: 5 and 25 km/s."""
