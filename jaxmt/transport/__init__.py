"""Optimal transport: entropic between clouds, unbalanced, of graphs, on a line, exact."""

from .clouds import sinkhorn_divergence as sinkhorn_divergence
from .divergence import Divergence as Divergence
from .divergence import Outcome as Outcome
from .divergence import divergence as divergence
from .divergence import self_term as self_term
from .grid import Grid as Grid
from .marginals import Balanced as Balanced
from .marginals import Partial as Partial
from .marginals import Relaxed as Relaxed
from .term import Term as Term
