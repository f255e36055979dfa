"""Files of other programs, converted to the units, signs and axes of jaxmt.

`write_inversion` is loaded when it is used: whoever reads data does not wait for misfits and optimisers.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .avg import read_avg as read_avg
from .convergence import read_misfits as read_misfits
from .coprod2 import read_coprod2 as read_coprod2
from .coprod2 import read_coprod2_model as read_coprod2_model
from .dataset import Results as Results
from .dataset import read_results as read_results
from .dataset import write_results as write_results
from .edi import read_edi_site as read_edi_site
from .edi_line import read_edi as read_edi
from .edi_writer import write_edi as write_edi
from .emtf_xml import read_emtf_site as read_emtf_site
from .free_format import BadFile as BadFile
from .geojson import write_line_geojson as write_line_geojson
from .geojson import write_sites_geojson as write_sites_geojson
from .jfile import read_jfile as read_jfile
from .mare2dem import write_emdata as write_emdata
from .mare2dem import write_mare2dem_run as write_mare2dem_run
from .modem import read_modem as read_modem
from .modem import read_modem_sites as read_modem_sites
from .modem_model import read_modem_model as read_modem_model
from .modem_model import write_modem_model as write_modem_model
from .modem_run import write_modem_control as write_modem_control
from .modem_run import write_modem_covariance as write_modem_covariance
from .modem_writer import write_modem as write_modem
from .modem_writer import write_modem_sites as write_modem_sites
from .occam2d import read_occam2d as read_occam2d
from .occam2d import read_occam2d_response as read_occam2d_response
from .occam2d import write_occam2d as write_occam2d
from .occam2d_model import read_occam2d_model as read_occam2d_model
from .occam2d_writer import write_occam2d_run as write_occam2d_run
from .other import as_sites as as_sites
from .other import read_other as read_other
from .profile_sites import profile_sites as profile_sites
from .reading import Reading as Reading
from .reading import detect as detect
from .reading import read as read
from .station_table import read_station_table as read_station_table
from .summary import write_summary as write_summary
from .tables import write_data_csv as write_data_csv
from .tables import write_section_csv as write_section_csv
from .tables import write_sites_csv as write_sites_csv
from .vtk import write_vtk as write_vtk
from .ws_model import Volume as Volume
from .ws_model import read_modem_mask as read_modem_mask
from .ws_model import read_ws_model as read_ws_model
from .ws_model import write_ws_model as write_ws_model
from .wsinv3d import read_wsinv3d as read_wsinv3d
from .zfile import read_zfile as read_zfile

if TYPE_CHECKING:
    from .inversion import write_inversion as write_inversion


def __getattr__(name: str) -> Any:
    if name == "write_inversion":
        return importlib.import_module(".inversion", __name__).write_inversion
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "write_inversion"})
