"""QSpec: drafting and verifying with two precisions of one set of 4-bit weights."""
