"""The ranking's rows apart from the scores' long records: a hundred thousand are read at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_CHUNK = 500
_UNPLACED = "place IS NULL AND kind != 'report'"


def upgrade() -> None:
    listing = op.create_table(
        "listing",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("recommendation", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("technique", sa.String(), nullable=True),
        sa.Column("complexity", sa.String(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("run_high", sa.Double(), nullable=True),
        sa.Column("points", _JSON, nullable=False),
        sa.Column("row", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_listing_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("target", "paper_id", name=op.f("pk_listing")),
    )
    op.create_index(op.f("ix_listing_paper_id"), "listing", ["paper_id"], unique=False)
    op.create_index("ix_score_order", "score", ["target", "kind", "rank", "paper_id", "low"])
    op.create_index(
        "ix_score_unplaced",
        "score",
        ["target"],
        sqlite_where=sa.text(_UNPLACED),
        postgresql_where=sa.text(_UNPLACED),
    )
    op.create_index("ix_paper_listed", "paper", ["id", "status", "published", "is_seed"])
    _take_rows_out_of_records(listing)


def _take_rows_out_of_records(listing: sa.Table) -> None:
    connection = op.get_bind()
    score = sa.table(
        "score",
        sa.column("paper_id", sa.String()),
        sa.column("target", sa.String()),
        sa.column("kind", sa.String()),
        sa.column("record", _JSON),
    )
    here = sa.and_(score.c.kind == "believed", score.c.target == sa.bindparam("b_target"))
    targets = connection.scalars(sa.select(score.c.target).distinct()).all()
    for target in targets:
        ids = connection.scalars(
            sa.select(score.c.paper_id).where(here).order_by(score.c.paper_id),
            {"b_target": target},
        ).all()
        for first in range(0, len(ids), _CHUNK):
            chosen = sa.and_(here, score.c.paper_id.in_(ids[first : first + _CHUNK]))
            found = connection.execute(
                sa.select(score.c.paper_id, score.c.record).where(chosen), {"b_target": target}
            ).all()
            taken = [_listed(target, paper_id, record) for paper_id, record in found]
            if rows := [row for row in taken if row is not None]:
                connection.execute(listing.insert(), rows)
            for paper_id, record in found:
                if isinstance(record, dict) and record.pop("row", None) is not None:
                    connection.execute(
                        sa.update(score)
                        .where(here, score.c.paper_id == sa.bindparam("b_paper"))
                        .values(record=sa.bindparam("b_record", type_=_JSON)),
                        {"b_target": target, "b_paper": paper_id, "b_record": record},
                    )


def _listed(target: str, paper_id: str, record: object) -> dict[str, object] | None:
    """Return a row out of its score's record; None for one of a version that kept none there."""
    row = record.get("row") if isinstance(record, dict) else None
    if not isinstance(row, dict) or not isinstance(row.get("recommendation"), str):
        return None  # scored again the next time the catalog is opened
    assert isinstance(record, dict)
    breakdown = record.get("breakdown") or ()
    interval = row.get("run_interval") or (None, None)
    return {
        "target": target,
        "paper_id": paper_id,
        "recommendation": row["recommendation"],
        "verdict": row.get("verdict") or "untested",
        "technique": row.get("technique"),
        "complexity": row.get("complexity"),
        "device": row.get("device"),
        "run_high": interval[1],
        "points": [c.get(name) for name in ("points", "low") for c in breakdown],
        "row": row,
    }


def downgrade() -> None:
    op.drop_index("ix_paper_listed", table_name="paper")
    op.drop_index("ix_score_unplaced", table_name="score")
    op.drop_index("ix_score_order", table_name="score")
    op.drop_table("listing")
