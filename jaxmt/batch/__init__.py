"""Many inversions at once: on the cores of this machine, or wherever an executor sends them."""

from .cross_validation import CrossValidation as CrossValidation
from .cross_validation import cross_validate as cross_validate
from .inversions import invert_all as invert_all
from .l_curve import l_curve as l_curve
from .processes import Processes as Processes
from .tasks import Batch as Batch
from .tasks import run_tasks as run_tasks
