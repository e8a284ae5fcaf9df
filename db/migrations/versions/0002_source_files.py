"""Files that were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_file",
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_source_file_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_source_file")),
    )
    op.create_index(op.f("ix_source_file_paper_id"), "source_file", ["paper_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_source_file_paper_id"), table_name="source_file")
    op.drop_table("source_file")
