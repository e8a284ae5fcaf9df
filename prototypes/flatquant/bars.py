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
INT8 = 0.02
"""W8A8 with a learned transform against exact."""
ANY = 0.05
"""Any 8-bit product against exact, in `verify`, which baselines pass too: E4M3's own rounding of
both operands is 0.037."""
