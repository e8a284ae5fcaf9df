"""The priority report: one model of what it says, and renderers that write it down.

`app.workflows.report` fills the model from the catalog. A format is one file in `formats/`: its
module's name is the format's name, and it holds a `FORMAT` and nothing that needs the catalog.
"""
