"""Files of other programs: what each reader returns is in jaxmt's units, signs and axes."""

from .edi import read_edi as read_edi, read_edi_site as read_edi_site
from .modem import (
    read_modem as read_modem,
    read_modem_sites as read_modem_sites,
    write_modem as write_modem,
)
from .modem_model import (
    read_modem_model as read_modem_model,
    write_modem_model as write_modem_model,
)
