"""The bars, set before any measurement, each with its reason."""

from __future__ import annotations

DIFFERING = 1e-3
"""Share of integers that may be another one than the emulation's, by one at most: the first product
is rounded to 16 bits, and another order of summation rounds a few sums the other way."""
SCALE = 3e-4
"""Root mean square of the scales' relative difference, for the same reason; scales that were kept
in bfloat16 would be 1.6e-3 off."""
LINEAR = 4e-3
"""The linear layer against its emulation: an output in bfloat16 is off by 1.7e-3 by itself."""

TRANSFORMED = 0.015
"""Transform and INT8 against exact: a step of max/127, the largest 4.2 deviations, is 0.0095."""
LAYER = {"torch_w8a8": 0.02, "gluon_w8a8": 0.02, "gluon_w4a8": 0.1}
"""The linear layer with a learned transform against exact; 4-bit weights without one: 0.16."""
ANY = 0.1
"""Any way of rounding against exact, in `verify`, which all pass: E4M3's own rounding of both
operands is 0.037, and 4-bit weights have their bar."""
