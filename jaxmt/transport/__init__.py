"""Optimal transport between clouds: entropic on a grid or in general, unbalanced, one-dimensional, exact."""

from .divergence import Divergence as Divergence
from .divergence import Outcome as Outcome
from .divergence import Term as Term
from .divergence import divergence as divergence
from .divergence import self_term as self_term
from .grid import Grid as Grid
from .clouds import sinkhorn_divergence as sinkhorn_divergence
