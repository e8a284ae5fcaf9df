"""How long the command line takes to answer, beside Python itself and a bare table reader.

python -m benchmarks.startup
"""

from __future__ import annotations

import os
import tempfile

from benchmarks.timing import command, print_times, seconds_of

ASSAY = "from app.cli import main; main()"
CREATE = "from app.workflows.opening import create_catalog; create_catalog()"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"ASSAY_HOME": home}
        command("-c", CREATE, environment=environment)()

        def assay(*arguments: str) -> list[float]:
            script = f"import sys; sys.argv = ['assay', *{list(arguments)!r}]; {ASSAY}"
            return seconds_of(command("-c", script, environment=environment))

        print_times(
            [
                ("python -c pass", seconds_of(command("-c", "pass"))),
                ("assay --help", assay("--help")),
                ("assay list --json", assay("list", "--json")),
                ("assay list", assay("list")),
                ("assay show sampling", assay("show", "sampling")),
                ("import sqlalchemy.orm", seconds_of(command("-c", "import sqlalchemy.orm"))),
                ("import pandas (a spreadsheet)", seconds_of(command("-c", "import pandas"))),
            ]
        )


if __name__ == "__main__":
    main()
