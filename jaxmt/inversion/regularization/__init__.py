r"""What a section should look like where the data do not say.

A penalty is a sum of norms of sparse rows: of differences between neighbours, or from a given section. It
goes to any optimiser as a value with its gradient, and to Gauss-Newton as the matrix `curvature`.
"""

from .abstract import AbstractRegularization as AbstractRegularization
from .norms import L1 as L1
from .norms import L2 as L2
from .norms import AbstractNorm as AbstractNorm
from .norms import MinimumSupport as MinimumSupport
from .norms import TotalVariation as TotalVariation
from .penalties import Penalties as Penalties
from .smallness import Smallness as Smallness
from .smoothness import Smoothness as Smoothness
