"""Pillar 1: a paper in, facts with evidence out. Pure: no database, no web, no torch."""
