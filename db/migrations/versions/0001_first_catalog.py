"""The first catalog: all tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "value", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "environment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("device_name", sa.String(), nullable=False),
        sa.Column("device_class", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("record", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment")),
    )
    op.create_index(op.f("ix_environment_device_id"), "environment", ["device_id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("dedupe_key", sa.String(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("message", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("outcome", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("retry_of", sa.String(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=True),
        sa.Column("finished_at", sa.String(), nullable=True),
        sa.CheckConstraint("state != 'running' OR owner IS NOT NULL", name="ck_job_running_owned"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', "
            "'lost')",
            name="ck_job_state",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_state", "job", ["state"], unique=False)
    op.create_index(
        "uq_job_active_dedupe",
        "job",
        ["dedupe_key"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'running')"),
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(
        "uq_job_running_device",
        "job",
        ["device"],
        unique=True,
        sqlite_where=sa.text("state='running'"),
        postgresql_where=sa.text("state='running'"),
    )
    op.create_table(
        "paper",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("arxiv_id", sa.String(), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_key", sa.String(), nullable=False),
        sa.Column("authors", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("published", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("venue", sa.String(), nullable=True),
        sa.Column("abstract", sa.String(), nullable=True),
        sa.Column("is_seed", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("source_path", sa.String(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("read", sa.String(), nullable=True),
        sa.Column("analysis", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper")),
        sa.UniqueConstraint("arxiv_id", name=op.f("uq_paper_arxiv_id")),
    )
    op.create_index(op.f("ix_paper_content_hash"), "paper", ["content_hash"], unique=False)
    op.create_index(op.f("ix_paper_title_key"), "paper", ["title_key"], unique=False)
    op.create_table(
        "reading",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("date", sa.String(), nullable=True),
        sa.Column("title", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
    )
    op.create_table(
        "removed_paper",
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("arxiv_id", sa.String(), nullable=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("paper_id", name=op.f("pk_removed_paper")),
    )
    op.create_index(op.f("ix_removed_paper_arxiv_id"), "removed_paper", ["arxiv_id"], unique=False)
    op.create_table(
        "runner",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("heartbeat_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runner")),
    )
    op.create_table(
        "claim",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("value_high", sa.Double(), nullable=True),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("bound", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("part", sa.String(), nullable=True),
        sa.Column("regime", sa.String(), nullable=True),
        sa.Column("baseline", sa.String(), nullable=True),
        sa.Column("baseline_kind", sa.String(), nullable=False),
        sa.Column("weak_baseline", sa.Boolean(), nullable=False),
        sa.Column("overtaken_baseline", sa.Boolean(), nullable=False),
        sa.Column("hardware", sa.String(), nullable=True),
        sa.Column("own_result", sa.Boolean(), nullable=False),
        sa.Column("in_abstract", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("locator", sa.String(), nullable=True),
        sa.CheckConstraint("source IN ('seed', 'analysis', 'person')", name="ck_claim_source"),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_claim_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_claim")),
    )
    op.create_index(op.f("ix_claim_paper_id"), "claim", ["paper_id"], unique=False)
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("text", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("date", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_correction_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
        sa.UniqueConstraint("paper_id", "key", name="uq_correction"),
    )
    op.create_index(op.f("ix_correction_paper_id"), "correction", ["paper_id"], unique=False)
    op.create_table(
        "fact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("reading_id", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("who", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("reverted_at", sa.String(), nullable=True),
        sa.Column("reverted_by", sa.String(), nullable=True),
        sa.Column("reverted_why", sa.String(), nullable=True),
        sa.CheckConstraint(
            "source != 'person' OR (who IS NOT NULL AND why IS NOT NULL)", name="ck_fact_person"
        ),
        sa.CheckConstraint("source IN ('seed', 'analysis', 'person')", name="ck_fact_source"),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_fact_paper_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name=op.f("fk_fact_reading_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact")),
    )
    op.create_index(
        "ix_fact_paper_reading_field", "fact", ["paper_id", "reading_id", "field"], unique=False
    )
    op.create_index("ix_fact_reading", "fact", ["reading_id"], unique=False)
    op.create_table(
        "note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_note_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    op.create_index(op.f("ix_note_paper_id"), "note", ["paper_id"], unique=False)
    op.create_table(
        "prototype_link",
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("prototype", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_prototype_link_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paper_id", "prototype", name=op.f("pk_prototype_link")),
    )
    op.create_table(
        "report_snapshot",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reading_id", sa.String(), nullable=False),
        sa.Column("date", sa.String(), nullable=False),
        sa.Column("title", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("record", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["reading.id"], name=op.f("fk_report_snapshot_reading_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_snapshot")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("environment_id", sa.String(), nullable=False),
        sa.Column("prototype", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("implementation", sa.String(), nullable=False),
        sa.Column("shipped", sa.Boolean(), nullable=False),
        sa.Column("target_weight", sa.Double(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("fidelity_pass", sa.Boolean(), nullable=True),
        sa.Column("quality_pass", sa.Boolean(), nullable=True),
        sa.Column("time_us", sa.Double(), nullable=True),
        sa.Column("speedup", sa.Double(), nullable=True),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("record", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint(
            "speedup IS NULL OR (fidelity_pass IS TRUE AND quality_pass IS TRUE AND status = 'ok')",
            name="ck_run_speedup_needs_gates",
        ),
        sa.CheckConstraint(
            "time_us IS NULL OR (fidelity_pass IS TRUE AND quality_pass IS TRUE AND status = 'ok')",
            name="ck_run_time_needs_gates",
        ),
        sa.CheckConstraint("speedup IS NULL OR speedup > 0", name="ck_run_speedup_positive"),
        sa.CheckConstraint("target_weight >= 0", name="ck_run_target_weight"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environment.id"], name=op.f("fk_run_environment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_environment", "run", ["environment_id"], unique=False)
    op.create_index("ix_run_prototype_device", "run", ["prototype", "device_id"], unique=False)
    op.create_table(
        "score",
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("record", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_score_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paper_id", "target", "kind", name=op.f("pk_score")),
    )
    op.create_table(
        "score_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("before", sa.Double(), nullable=True),
        sa.Column("after", sa.Double(), nullable=True),
        sa.Column("cause", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name=op.f("fk_score_change_paper_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_change")),
    )
    op.create_index(op.f("ix_score_change_paper_id"), "score_change", ["paper_id"], unique=False)
    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("boxes", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_key"],
            ["claim.key"],
            name=op.f("fk_place_claim_key"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
    )
    op.create_index(op.f("ix_place_claim_key"), "place", ["claim_key"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_place_claim_key"), table_name="place")
    op.drop_table("place")
    op.drop_index(op.f("ix_score_change_paper_id"), table_name="score_change")
    op.drop_table("score_change")
    op.drop_table("score")
    op.drop_index("ix_run_prototype_device", table_name="run")
    op.drop_index("ix_run_environment", table_name="run")
    op.drop_table("run")
    op.drop_table("report_snapshot")
    op.drop_table("prototype_link")
    op.drop_index(op.f("ix_note_paper_id"), table_name="note")
    op.drop_table("note")
    op.drop_index("ix_fact_reading", table_name="fact")
    op.drop_index("ix_fact_paper_reading_field", table_name="fact")
    op.drop_table("fact")
    op.drop_index(op.f("ix_correction_paper_id"), table_name="correction")
    op.drop_table("correction")
    op.drop_index(op.f("ix_claim_paper_id"), table_name="claim")
    op.drop_table("claim")
    op.drop_table("runner")
    op.drop_index(op.f("ix_removed_paper_arxiv_id"), table_name="removed_paper")
    op.drop_table("removed_paper")
    op.drop_table("reading")
    op.drop_index(op.f("ix_paper_title_key"), table_name="paper")
    op.drop_index(op.f("ix_paper_content_hash"), table_name="paper")
    op.drop_table("paper")
    op.drop_index(
        "uq_job_running_device", table_name="job", sqlite_where=sa.text("state='running'")
    )
    op.drop_index(
        "uq_job_active_dedupe",
        table_name="job",
        sqlite_where=sa.text("state IN ('queued', 'running')"),
    )
    op.drop_index("ix_job_state", table_name="job")
    op.drop_table("job")
    op.drop_index(op.f("ix_environment_device_id"), table_name="environment")
    op.drop_table("environment")
    op.drop_table("counter")
