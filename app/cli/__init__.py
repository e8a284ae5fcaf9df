"""`assay …`: a command opens the catalog, calls one workflow, prints.

Data goes to stdout, progress and errors to stderr. Exit status: 0 done, 1 some input failed,
2 wrong usage.
"""

import gc

# A command lives for a moment, and most of its objects are modules that stay: collecting as eagerly
# as a server should is a fifth of the time that `assay list` takes.
gc.set_threshold(200_000, 20, 20)

from app.cli.main import main  # noqa: E402

__all__ = ["main"]
