"""Pillar 3: the catalog. SQLAlchemy models, migrations, queries and the seed; no web, no torch."""
