"""Files of other programs, converted to the units, signs and axes of jaxmt."""

from .convergence import read_misfits as read_misfits
from .coprod2 import read_coprod2 as read_coprod2
from .coprod2 import read_coprod2_model as read_coprod2_model
from .edi import read_edi_site as read_edi_site
from .edi_line import read_edi as read_edi
from .edi_writer import write_edi as write_edi
from .emtf_xml import read_emtf_site as read_emtf_site
from .free_format import BadFile as BadFile
from .modem import read_modem as read_modem
from .modem import read_modem_sites as read_modem_sites
from .modem_model import read_modem_model as read_modem_model
from .modem_model import write_modem_model as write_modem_model
from .modem_writer import write_modem as write_modem
from .modem_writer import write_modem_sites as write_modem_sites
from .occam2d import read_occam2d as read_occam2d
from .occam2d import read_occam2d_response as read_occam2d_response
from .occam2d import write_occam2d as write_occam2d
from .occam2d_model import read_occam2d_model as read_occam2d_model
from .other import read_other as read_other
from .results import write_result as write_result
from .results import write_summary as write_summary
from .ws_model import Volume as Volume
from .ws_model import read_modem_mask as read_modem_mask
from .ws_model import read_ws_model as read_ws_model
from .ws_model import write_ws_model as write_ws_model
from .wsinv3d import read_wsinv3d as read_wsinv3d
