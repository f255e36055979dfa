"""What an inversion changes: from parameters, in any PyTree, to the resistivity of the earth cells."""

from .abstract import AbstractParametrisation as AbstractParametrisation
from .basis import Basis as Basis
from .blocks import Blocks as Blocks
from .blocks import grid_blocks as grid_blocks
from .blocks import growing_blocks as growing_blocks
from .cells import Cells as Cells
from .function import Function as Function
