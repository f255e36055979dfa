"""The units of the experiment, in which everything is of the order of one."""

KILOMETRES = 100.0
"""Length of a unit, the side of the cube, km."""

SECONDS = 10.0
"""Length of a unit of time, s; a unit of speed is therefore 10 km/s."""

SLOWEST, FASTEST = 0.5, 2.5
"""Wave speed: 5 and 25 km/s."""
