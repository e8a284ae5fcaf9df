"""Who did what beside correcting papers, and who asked for a job: for a workbench with a login."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index("ix_action_at", "action", ["at"], unique=False)
    op.add_column("job", sa.Column("asked_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "asked_by")
    op.drop_index("ix_action_at", table_name="action")
    op.drop_table("action")
