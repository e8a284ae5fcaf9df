"""The harness: it finds prototypes, holds them to their gates, and times what passes.

Reading order: `declarations` (what a prototype says of itself), `registry` (finding them), `cli`,
`plans`, `survey` and `session` (the parent: one child a measurement), `places`, `isolation` and
`child` (the process boundary), `measure` (what happens in the child), `gates`, `timing`,
`statistics`, `roofline`, `environment`.

The parent never imports torch: `list` is quick, and a device that hangs takes only a child with it.
"""
