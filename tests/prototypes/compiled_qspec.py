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
        cut = launch.best(form, 1)
        constants = {
            "FORM": form,
            "BLOCKS": 2,
            "PASSES": 1,
            "KEEPS": False,
            "X_PLACES": 3,
            "ROOM": 1,
            "STAGES": 3,
            "REFILLS": True,
            "NW": cut.warps,
            "EARLY": True,
        }
        options = {"num_warps": cut.warps, "maxnreg": launch.registers(cut.warps)}
        made[name] = compiled(gluon_steps.step, TYPES, constants, options)
        text = gluon_steps._STEPS[form][0]
        made[name]["products"] = sorted(set(re.findall(r"mma\.sync\S+", text)))
    print(json.dumps(made))


if __name__ == "__main__":
    main()
