"""EAGLE-3: trees of drafted tokens, built, verified by one pass of attention, and committed."""
