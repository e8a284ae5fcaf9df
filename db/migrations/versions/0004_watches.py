"""Saved arXiv queries, what they found, and decisions about new papers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("every", sa.String(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("covered_to", sa.String(), nullable=True),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("removed_at", sa.String(), nullable=True),
        sa.CheckConstraint("every IN ('day', 'week')", name=op.f("ck_watch_every")),
        sa.CheckConstraint("most >= 1", name=op.f("ck_watch_most")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
        sa.UniqueConstraint("name", name=op.f("uq_watch_name")),
    )
    op.create_index("ix_watch_due", "watch", ["due_at"], unique=False)
    op.create_table(
        "watch_find",
        sa.Column("watch_id", sa.Integer(), nullable=False),
        sa.Column("arxiv_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('new', 'version', 'known', 'failed')",
            name=op.f("ck_watch_find_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watch.id"], name=op.f("fk_watch_find_watch_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_watch_find_paper_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("watch_id", "arxiv_id", "version", name=op.f("pk_watch_find")),
    )
    op.create_index(op.f("ix_watch_find_paper_id"), "watch_find", ["paper_id"], unique=False)
    op.create_index("ix_watch_find_at", "watch_find", ["at"], unique=False)
    op.create_table(
        "inbox_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("status_before", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("undone_at", sa.String(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('keep', 'reject', 'later')", name=op.f("ck_inbox_decision")
        ),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_inbox_decision_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_decision")),
    )
    op.create_index(
        op.f("ix_inbox_decision_paper_id"), "inbox_decision", ["paper_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("inbox_decision")
    op.drop_table("watch_find")
    op.drop_table("watch")
