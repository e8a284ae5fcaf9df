"""`assay …`: a command opens the catalog, calls one workflow, prints.

Data goes to stdout, progress and errors to stderr. Exit status: 0 done, 1 some input failed,
2 wrong usage.
"""

from app.cli.main import main

__all__ = ["main"]
