"""Techniques from papers as runnable code, and the harness that measures them.

Needs torch (and triton on Linux) only, so that it runs on a bare GPU machine:

    python -m prototypes list
    python -m prototypes run sampling --device cuda --out runs.json

It knows nothing of the catalog, the analysis or the web pages: what it measured leaves as one JSON
document (`prototypes.harness.document`).
"""
