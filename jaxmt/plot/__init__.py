"""Figures: functions that draw on the axes or the figure given to them and return the axes.

None of them uses pyplot or changes matplotlib's settings. Lengths come in m and appear in km;
red is conductive, TE is red with circles, TM blue with squares.
"""

from .convergence import convergence as convergence
from .curves import fit_curves as fit_curves
from .curves import response_profile as response_profile
from .figure import save as save
from .landscape import landscape as landscape
from .landscape import local_minima as local_minima
from .misfit import misfit_by as misfit_by
from .pseudosection import pseudosection as pseudosection
from .pseudosection import pseudosections as pseudosections
from .rose import strike_rose as strike_rose
from .section import comparison as comparison
from .section import section as section
from .station_map import station_map as station_map
from .tensors import dimensionality_section as dimensionality_section
from .tensors import tensor_section as tensor_section
