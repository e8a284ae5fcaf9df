"""A prototype that misbehaves in every way there is, for the harness's own tests."""
