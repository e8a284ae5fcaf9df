from __future__ import annotations

from tests.app.conftest import assay, catalog, closed_engines, seeded

__all__ = ["assay", "catalog", "closed_engines", "seeded"]
