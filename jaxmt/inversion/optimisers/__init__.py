"""How the parameters of an inversion move: one iteration of a descent, of L-BFGS or of Gauss-Newton."""

from collections.abc import Callable

from .abstract import AbstractOptimiser as AbstractOptimiser
from .abstract import Report as Report
from .abstract import State as State
from .descent import Descent as Descent
from .descent import normalised_adam as normalised_adam
from .gauss_newton import GaussNewton as GaussNewton
from .quasi_newton import QuasiNewton as QuasiNewton

OPTIMISERS: dict[str, Callable[..., AbstractOptimiser]] = {
    "adam": Descent,
    "lbfgs": QuasiNewton,
    "gauss-newton": GaussNewton,
}
"""The optimisers by the names that commands take."""
