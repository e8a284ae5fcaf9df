"""`python -m app.jobs` with the tests' kinds of job."""

import sys

from app.jobs.__main__ import main
from tests.app.jobs import selftest_task

if __name__ == "__main__":
    selftest_task.register()
    sys.exit(main(idle_s=1.0))
