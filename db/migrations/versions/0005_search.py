"""What the search looks through; the index itself is made after the migrations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_search_text_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_text")),
    )
    op.create_index("ix_search_text_paper", "search_text", ["paper_id", "kind"], unique=False)
    op.create_index("ix_search_text_piece", "search_text", ["id", "paper_id", "kind"], unique=False)
    op.create_table(
        "search_stale",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_search_stale")),
    )
    # All that the catalog holds is new to the search. The text of files comes with their next
    # reading: only then is it known by page.
    op.execute("INSERT INTO search_stale (kind, key) SELECT 'paper', id FROM paper")


def downgrade() -> None:
    for trigger in (
        f"search_{table}_{moment}"
        for table in ("paper", "claim", "note", "place", "text")
        for moment in ("insert", "update", "delete")
    ):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    op.execute("DROP TABLE IF EXISTS search_index")
    op.drop_table("search_stale")
    op.drop_table("search_text")
