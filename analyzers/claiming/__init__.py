"""The rules behind `analyzers.claims`: numbers, metrics, ownership, baselines, subjects."""
