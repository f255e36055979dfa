"""Sections as probable as the data and a prior make them: samplers of a posterior, and what they say."""

from .chain import AbstractSampler as AbstractSampler
from .nuts import NUTS as NUTS
from .posterior import Posterior as Posterior
from .posterior import Verdict as Verdict
from .randomise import RandomiseThenOptimise as RandomiseThenOptimise
from .sample import sample as sample
