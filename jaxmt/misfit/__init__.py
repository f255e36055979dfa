r"""How far predicted data are from observed ones: a number and its gradient.

A misfit is prepared once for a set of data (`prepare`) and then called with predicted data and a state
that it hands from one iteration to the next: the potentials that warm-start transport, the blur, and
which of several misfits is in force. All take phases modulo 360 degrees.
"""

from .abstract import AbstractMisfit as AbstractMisfit
from .catalogue import MISFITS as MISFITS
from .catalogue import Named as Named
from .catalogue import named as named
from .cloud import CloudTransport as CloudTransport
from .component import ComponentTransport as ComponentTransport
from .graph_space import GraphSpaceTransport as GraphSpaceTransport
from .hand_over import HandOver as HandOver
from .paired import PairedClouds as PairedClouds
from .pointwise import Huber as Huber
from .pointwise import LeastSquares as LeastSquares
from .pointwise import Student as Student
from .weighted_sum import WeightedSum as WeightedSum
