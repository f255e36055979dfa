"""Ways to solve the linear systems."""

from .dissection import NestedDissection as NestedDissection
from .pardiso import Pardiso as Pardiso
from .superlu import SuperLU as SuperLU
