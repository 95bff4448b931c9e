"""The first schema."""

import sqlalchemy as sa
from alembic import op

tolerated_from = "0001"

visible = sa.text("removed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("slug", name="uq_tenants_slug"),
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=36), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("variants", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_events_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name="pk_events"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "logs",
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_logs_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_logs"),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_members_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
    )
    op.create_table(
        "spent_tokens",
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("token_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_spent_tokens_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "token_id", name="pk_spent_tokens"),
    )
    op.create_index("ix_spent_tokens_expires_at", "spent_tokens", ["expires_at"])
    op.create_table(
        "tags",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_tags_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("tenant_id", "folded_name", name="uq_tags_tenant_id_folded_name"),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_teams_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.UniqueConstraint("tenant_id", "slug", name="uq_teams_tenant_id_slug"),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("team_id", sa.String(length=36), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author_key", sa.String(length=22), nullable=False),
        sa.Column("upvotes", sa.Integer(), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("response_text", sa.Text(), nullable=True),
        sa.Column("responded_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=True),
        sa.Column("pinned_by", sa.String(length=36), nullable=True),
        sa.Column("frozen_at", sa.BigInteger(), nullable=True),
        sa.Column("frozen_by", sa.String(length=36), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_questions_team_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_questions_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_questions"),
    )
    op.create_index(
        "ix_questions_popular",
        "questions",
        ["tenant_id", "is_pinned", "upvotes", "id"],
        sqlite_where=visible,
        postgresql_where=visible,
    )
    op.create_index(
        "ix_questions_recent", "questions", ["tenant_id", "id"], sqlite_where=visible, postgresql_where=visible
    )
    op.create_index(
        "ix_questions_status_popular",
        "questions",
        ["tenant_id", "status", "is_pinned", "upvotes", "id"],
        sqlite_where=visible,
        postgresql_where=visible,
    )
    op.create_index(
        "ix_questions_status_recent",
        "questions",
        ["tenant_id", "status", "id"],
        sqlite_where=visible,
        postgresql_where=visible,
    )
    op.create_index(
        "ix_questions_team_popular",
        "questions",
        ["tenant_id", "team_id", "is_pinned", "upvotes", "id"],
        sqlite_where=visible,
        postgresql_where=visible,
    )
    op.create_index(
        "ix_questions_team_recent",
        "questions",
        ["tenant_id", "team_id", "id"],
        sqlite_where=visible,
        postgresql_where=visible,
    )
    op.create_table(
        "question_tags",
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("question_id", sa.String(length=36), nullable=False),
        sa.Column("tag_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["questions.id"], name="fk_question_tags_question_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_question_tags_tag_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_question_tags_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("question_id", "tag_id", name="pk_question_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_question_tags_tag_id", "question_tags", ["tag_id", "question_id"])
    op.create_table(
        "question_terms",
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column(
            "term", sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("question_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["questions.id"], name="fk_question_terms_question_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_question_terms_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "term", "question_id", name="pk_question_terms"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_question_terms_question_id", "question_terms", ["question_id"])
    op.create_table(
        "votes",
        sa.Column("tenant_id", sa.String(length=36), nullable=False),
        sa.Column("question_id", sa.String(length=36), nullable=False),
        sa.Column("voter_key", sa.String(length=22), nullable=False),
        sa.ForeignKeyConstraint(["question_id"], ["questions.id"], name="fk_votes_question_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("question_id", "voter_key", name="pk_votes"),
        sqlite_with_rowid=False,
    )
