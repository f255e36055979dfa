"""Differentiable 2-D magnetotelluric simulation and inversion."""

from .data import Data as Data
from .forward import simulate as simulate
from .mesh import Mesh as Mesh, MeshWarning as MeshWarning
from .responses import Responses as Responses
from .sensitivity import (
    jacobian_vector_product as jacobian_vector_product,
    vector_jacobian_product as vector_jacobian_product,
)
from .survey import Survey as Survey
