"""Ways to solve the linear systems, one file each."""

from .superlu import SuperLU as SuperLU
