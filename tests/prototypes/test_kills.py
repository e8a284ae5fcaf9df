"""SIGKILL of any process of a session, the moment drawn from a seed: a small `benchmarks.kills`."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from benchmarks.kills import carrying, kind
from prototypes.harness.status import Status

MARK = "SPECIMEN_SESSION"
SESSION = """
import sys
from pathlib import Path
from prototypes.harness import session
from prototypes.harness.declarations import Device
from prototypes.harness.document import Document
from prototypes.harness.plans import Settings, plan
from prototypes.harness.progress import Progress
from tests.prototypes.specimens.declaration import DECLARATION

settings = Settings(Device.CPU, quick=True, case="leaves-a-child", seconds=60)
plans = plan([DECLARATION], settings)
session.run(plans, settings, Document(Path(sys.argv[1])), Progress(1, None, quiet=True))
"""


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_nothing_is_left_and_the_document_is_whole(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    out, mark = tmp_path / "runs.json", uuid.uuid4().hex
    session = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(out)],
        env={**os.environ, MARK: mark},
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(draw.uniform(0.5, 6.0))
        family = carrying(MARK, mark)
        victim = draw.choice(sorted(family)) if family else None
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
        code = session.wait(timeout=120)
        deadline = time.monotonic() + 10
        while (left := carrying(MARK, mark)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == {}
        if out.exists():
            document = json.loads(out.read_text())
            assert all(Status(run["status"]) for run in document["runs"])
            assert all(
                (r["status"] == "ok") == (r["speedup"] is not None) for r in document["runs"]
            )
        if code == 0:
            assert document["complete"] is True
            assert len(document["runs"]) == 1
        else:  # the session itself, or the probe without which nothing can be measured
            assert victim == session.pid or kind(family[victim or 0]) == "measuring child"
    finally:
        for pid in carrying(MARK, mark):
            os.kill(pid, signal.SIGKILL)
        session.kill()
        session.wait()
