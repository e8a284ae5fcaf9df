"""Trains the small target and its drafts and keeps them: `python -m prototypes.speculation.train`.

Minutes on a CPU. They go to `ASSAY_HOME`/speculation, where runs find them.
"""

from __future__ import annotations

import os
import sys
import time

import torch

from prototypes.speculation import draft, training


def main() -> int:
    """Train what isn't kept yet; return the exit status."""
    if not os.environ.get("ASSAY_HOME"):
        print("Set ASSAY_HOME to the folder that the weights are to be kept in.", file=sys.stderr)
        return 2
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    start = time.monotonic()
    target = training.target(device)
    print(f"target: {time.monotonic() - start:.0f} s", flush=True)
    for kind in draft.KINDS:
        draft.trained(target, kind)
        print(f"{kind.name}: {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
