"""An hour of work by several people while processes are killed: see `python -m benchmarks.soak`."""
