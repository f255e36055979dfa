"""Optimal transport between clouds: entropic on a grid or in general, unbalanced, one-dimensional, exact."""

from .clouds import sinkhorn_divergence as sinkhorn_divergence
from .divergence import Divergence as Divergence
from .divergence import Outcome as Outcome
from .divergence import divergence as divergence
from .divergence import self_term as self_term
from .grid import Grid as Grid
from .term import Term as Term
