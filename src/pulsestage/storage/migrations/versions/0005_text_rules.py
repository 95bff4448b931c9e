"""Which rules for text made a question's terms and a tag's folded name; ids in the order of code points."""

import sqlalchemy as sa
from alembic import op

tolerated_from = "0001"


def upgrade() -> None:
    visible = sa.text("removed_at IS NULL")
    op.add_column("questions", sa.Column("text_rules", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_questions_text_rules", "questions", ["text_rules"], sqlite_where=visible, postgresql_where=visible
    )
    op.add_column("tags", sa.Column("folded_from", sa.Text()))
    op.create_index("ix_question_terms_question_id_term", "question_terms", ["question_id", "term"])
    op.drop_index("ix_question_terms_question_id", "question_terms")


def finish() -> None:
    # Not before: programs that have statements prepared fail once when the type of a column they read changes.
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("questions", "id", type_=sa.String(length=36, collation="C"))
