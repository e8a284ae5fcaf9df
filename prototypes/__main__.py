"""`python -m prototypes`: list the prototypes, or measure them."""

import sys

from prototypes.harness.cli import main

if __name__ == "__main__":
    sys.exit(main())
