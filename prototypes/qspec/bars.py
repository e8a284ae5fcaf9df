"""The bars of both gates, set before anything was measured, with their reasons."""

from __future__ import annotations

from prototypes.qspec.prepared import FOUR_OF_SIXTEEN, PLANE, W4A4

FIDELITY = {"cuda": 1e-3, "cpu": 6e-3}
"""float16 has 11 bits; bfloat16 has 8, to which a CPU rounds results and, in places, scales."""
ANYONE = 6e-3
"""Any contestant against float64 over the verifier's weights: torch's 4-bit product rounds
scales and result to bfloat16."""
QUALITY = 0.2
"""The verifier against the weights before rounding: half a step of 4-bit codes is 0.11 of drawn
weights with a scale for 128, 0.17 with one for a whole row of 14336 (whose largest is 4.3 standard
deviations)."""
DRAFT = {W4A4: 0.3, PLANE: 0.5, FOUR_OF_SIXTEEN: 0.2}
"""The draft against its verifier, drawn rows and weights. 4-bit activations: half a step where the
largest of 14336 becomes 7 is 0.18. Two bits: four equal bins of which the inner ones hold most
weights, 0.42."""
