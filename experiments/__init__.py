"""One question a script: `python -m experiments.NAME [--quick] [--out DIR]`."""

import jax

jax.config.update("jax_enable_x64", True)
