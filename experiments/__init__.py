"""One question a script: `python -m experiments.NAME [--quick] [--out DIR]`."""

import jax

from jaxmt.field import machine

jax.config.update("jax_enable_x64", True)
machine.keep_programs()
