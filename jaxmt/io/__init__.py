"""Files of other programs, converted to the units, signs and axes of jaxmt."""

from .edi import read_edi_site as read_edi_site
from .edi_line import read_edi as read_edi
from .free_format import BadFile as BadFile
from .modem import read_modem as read_modem
from .modem import read_modem_sites as read_modem_sites
from .modem import write_modem as write_modem
from .modem_model import read_modem_model as read_modem_model
from .modem_model import write_modem_model as write_modem_model
from .results import write_result as write_result
from .results import write_summary as write_summary
