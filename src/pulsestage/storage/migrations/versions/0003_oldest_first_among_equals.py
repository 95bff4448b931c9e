"""Popular questions: of those with as many votes the oldest first."""

import sqlalchemy as sa
from alembic import op

tolerated_from = "0001"

_INDEXES: dict[str, list[str | sa.TextClause]] = {
    "ix_questions_popular": ["tenant_id"],
    "ix_questions_status_popular": ["tenant_id", "status"],
    "ix_questions_team_popular": ["tenant_id", "team_id"],
}


def upgrade() -> None:
    visible = sa.text("removed_at IS NULL")
    for name, columns in _INDEXES.items():
        op.drop_index(name, "questions")
        order = [*columns, sa.text("is_pinned DESC"), sa.text("upvotes DESC"), "id"]
        op.create_index(name, "questions", order, sqlite_where=visible, postgresql_where=visible)
