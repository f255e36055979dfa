"""Sections to test with: published models with their published responses, and synthetic ones to recover."""

from .commemi import COMMEMI as COMMEMI
from .commemi import COMMEMI_2D_0 as COMMEMI_2D_0
from .commemi import COMMEMI_2D_1 as COMMEMI_2D_1
from .commemi import COMMEMI_2D_2 as COMMEMI_2D_2
from .commemi import COMMEMI_2D_3 as COMMEMI_2D_3
from .commemi import COMMEMI_2D_4 as COMMEMI_2D_4
from .commemi import Benchmark as Benchmark
from .commemi import Entry as Entry
from .commemi import control_model_tm as control_model_tm
from .hill import HILL_PROFILE as HILL_PROFILE
from .hill import HILL_RESPONSES as HILL_RESPONSES
from .region import PERFECT_CONDUCTOR as PERFECT_CONDUCTOR
from .region import Region as Region
from .synthetic import SYNTHETIC as SYNTHETIC
from .synthetic import Synthetic as Synthetic
from .synthetic import published_mesh as published_mesh
