from prototypes.harness.declarations import (
    Baseline,
    Case,
    Declaration,
    Device,
    Implementation,
    Role,
)

BEHAVIOURS = (
    "honest",
    "wrong",
    "writes-nothing",
    "writes-nan",
    "overwrites-input",
    "remembers-by-address",
    "stops-working-when-timed",
    "below-quality",
    "misses-on-some-inputs",
    "misses-when-called-often",
    "impossible",
    "raises",
    "not-runnable",
    "sleeps",
    "crashes",
    "exits",
    "hoards",
    "prints",
    "leaves-a-child",
)

DECLARATION = Declaration(
    name="specimens",
    title="Doubling numbers, rightly and wrongly",
    paper="none",
    part="sampling",
    module="tests.prototypes.specimens.workload",
    implements="y = 2 x",
    deviates=(),
    cases=tuple(
        Case(b, {"behaviour": b}, seed=1, devices=(Device.CPU,), quick=True) for b in BEHAVIOURS
    ),
    implementations=(Implementation("doubling", Device.CPU, "under test", shipped=True),),
    baselines=(
        Baseline("slow", "the same eight times", (Role.PAPER,)),
        Baseline("slower", "the same forty times", (Role.ENGINE,)),
        Baseline("missing", "a library that isn't here"),
        Baseline("cheating", "fast, and wrong"),
    ),
    technique_checks=("loss of one call",),
)
