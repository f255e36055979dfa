"""The command `jaxmt`, as `python -m jaxmt`."""

import sys

from .field.command import main

if __name__ == "__main__":
    sys.exit(main())
