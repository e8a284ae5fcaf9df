"""Compiles the steps for Hopper where there is no GPU: a module to run, without the interpreter.
What came out goes to stdout as JSON: products by name, the stack of a thread."""

from __future__ import annotations

import json
import re
from typing import Any

from prototypes.qspec import gluon_steps, launch
from tests.prototypes.compiled_weights import compiled

TYPES = {"x": "*i32", "x_scales": "*fp32", "codes": "*i32", "lower": "*i32"}


def main() -> None:
    made: dict[str, Any] = {}
    for name, form in (("upper", launch.UPPER), ("bytes", launch.BYTES)):
        split = launch.BEST[form]
        constants = {
            "FORM": form,
            "BLOCKS": split.blocks,
            "WAYS": split.ways,
            "STAGES": split.stages,
            "NW": split.warps,
            "EARLY": True,
        }
        options = {"num_warps": split.warps}
        if split.programs > 1:
            options["maxnreg"] = 65536 // (32 * split.warps * split.programs)
        made[name] = compiled(gluon_steps.step, TYPES, constants, options)
        text = gluon_steps._STEPS[form][0]
        made[name]["products"] = sorted(set(re.findall(r"mma\.sync\S+", text)))
    print(json.dumps(made))


if __name__ == "__main__":
    main()
