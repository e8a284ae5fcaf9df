"""The roof: all that a person touches. The only part that knows the three pillars."""
