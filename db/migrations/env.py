"""Alembic's entry: runs the migrations on the connection that `db.schema` hands over."""

from __future__ import annotations

from alembic import context

from db.models import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Migrations run through Assay: type `assay db upgrade`.")
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
)
context.run_migrations()
