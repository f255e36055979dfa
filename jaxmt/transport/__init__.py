"""Optimal transport: entropic between clouds, unbalanced, of graphs, on a line, exact."""

from .all_pairs import plan_matrix as plan_matrix
from .assignment import assignment as assignment
from .assignment import exact_plan as exact_plan
from .clouds import entropic_cost as entropic_cost
from .clouds import sinkhorn_divergence as sinkhorn_divergence
from .cost import TransportCost as TransportCost
from .divergence import Divergence as Divergence
from .divergence import Status as Status
from .divergence import divergence as divergence
from .divergence import self_cost as self_cost
from .divergence import transport_cost as transport_cost
from .graph_space import graph_space_distance as graph_space_distance
from .grid import Grid as Grid
from .marginals import Balanced as Balanced
from .marginals import Partial as Partial
from .marginals import Relaxed as Relaxed
from .one_dimensional import partial_1d as partial_1d
from .one_dimensional import wasserstein_1d as wasserstein_1d
