"""From the transfer functions of stations to data along a profile."""

from .phase_tensor import PhaseTensor as PhaseTensor
from .phase_tensor import dimensionality as dimensionality
from .phase_tensor import phase_tensor as phase_tensor
from .profile import Frequencies as Frequencies
from .profile import Table as Table
from .profile import data_with_errors as data_with_errors
from .profile import profile as profile
from .rotation import rotate as rotate
from .rotation import rotate_tipper as rotate_tipper
from .strike import Strike as Strike
from .strike import strike as strike
