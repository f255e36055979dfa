"""Reports that explain themselves: one HTML file with its figures inside."""

from .numbers import Shown as Shown
from .numbers import section_numbers as section_numbers
from .page import Link as Link
from .page import Page as Page
from .page import write_page as write_page
from .tables import CITATION as CITATION
from .tables import FROM_SOURCE as FROM_SOURCE
from .tables import misfit_table as misfit_table
from .tables import versions as versions
