"""Figures: functions that draw on the axes or the figure given to them and return the axes.

None of them uses pyplot or changes matplotlib's settings. Lengths come in m and appear in km;
red is conductive, TE is red with circles, TM blue with squares.
"""

from .arrows import induction_arrows as induction_arrows
from .convergence import convergence as convergence
from .curves import fit_curves as fit_curves
from .curves import response_profile as response_profile
from .figure import save as save
from .l_curve import l_curve as l_curve
from .landscape import basin as basin
from .landscape import landscape as landscape
from .landscape import landscape_map as landscape_map
from .landscape import local_minima as local_minima
from .landscape import minima_of_map as minima_of_map
from .misfit import misfit_by as misfit_by
from .posterior import posterior_columns as posterior_columns
from .posterior import posterior_sections as posterior_sections
from .posterior import posterior_traces as posterior_traces
from .pseudosection import pseudosection as pseudosection
from .pseudosection import pseudosections as pseudosections
from .rose import strike_by_period as strike_by_period
from .rose import strike_rose as strike_rose
from .section import comparison as comparison
from .section import section as section
from .station_map import station_map as station_map
from .tensors import dimensionality_section as dimensionality_section
from .tensors import tensor_section as tensor_section
from .transport import misfit_gradients as misfit_gradients
from .transport import moved_mass as moved_mass
from .transport import transport_plan as transport_plan
from .uncertainty import uncertainty as uncertainty
