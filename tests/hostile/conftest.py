from __future__ import annotations

from tests.app.conftest import assay, catalog

__all__ = ["assay", "catalog"]
