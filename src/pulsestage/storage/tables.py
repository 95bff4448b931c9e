"""The schema. Migrations make exactly this; a test compares the two.

Ids are UUIDs as text; times are integer milliseconds. Indexes are partial where removed questions would only be in
the way, and each serves one order of `GET /questions` (see `questions.py`).
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# Databases sort text by the rules of a language. These are compared by code points, as Python and the page do.
_by_code_points = {size: String(size).with_variant(String(size, collation="C"), "postgresql") for size in (36, 40)}


def _id(name: str) -> Column[str]:
    return Column(name, String(36), nullable=False)


def _tenant_id() -> Column[str]:
    return Column("tenant_id", String(36), ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False)


def _millis(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


tenants = Table(
    "tenants",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("settings", Text, nullable=False),
    _millis("created_at"),
)

# The head of each tenant's log. Its row is the lock under which events take their numbers.
logs = Table(
    "logs",
    metadata,
    Column("tenant_id", String(36), ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", String(32), nullable=False),
    Column("floor", BigInteger, nullable=False),
    Column("head", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("tenant_id", String(36), ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", String(64), nullable=False),
    Column("topic", String(36)),
    Column("key", String(64)),
    _millis("timestamp"),
    Column("variants", Text, nullable=False),
    sqlite_with_rowid=False,
)

teams = Table(
    "teams",
    metadata,
    Column("id", String(36), primary_key=True),
    _tenant_id(),
    Column("name", Text, nullable=False),
    Column("slug", String(63), nullable=False),
    Column("description", Text),
    Column("is_active", Boolean, nullable=False),
    _millis("created_at"),
    UniqueConstraint("tenant_id", "slug"),
)

tags = Table(
    "tags",
    metadata,
    Column("id", String(36), primary_key=True),
    _tenant_id(),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("color", String(7), nullable=False),
    Column("description", Text),
    _millis("created_at"),
    # Of what and by which rules `folded_name` was made; versions that know nothing of it don't change it.
    Column("folded_from", Text),
    UniqueConstraint("tenant_id", "folded_name"),
)

questions = Table(
    "questions",
    metadata,
    Column("id", _by_code_points[36], primary_key=True),
    _tenant_id(),
    Column("team_id", String(36), ForeignKey("teams.id")),
    Column("body", Text, nullable=False),
    Column("author_key", String(22), nullable=False),
    Column("upvotes", Integer, nullable=False),
    # Derived from pinned_at and responded_at, stored for the indexes.
    Column("is_pinned", Boolean, nullable=False),
    Column("status", String(8), nullable=False),
    Column("response_text", Text),
    _millis("responded_at", nullable=True),
    _millis("created_at"),
    _millis("updated_at"),
    _millis("pinned_at", nullable=True),
    Column("pinned_by", String(36)),
    _millis("frozen_at", nullable=True),
    Column("frozen_by", String(36)),
    _millis("removed_at", nullable=True),
    # By which rules (`domain/words.py`) its terms were made; versions from before there were any leave the 0.
    Column("text_rules", Integer, nullable=False, server_default="0"),
)

_VISIBLE = text("removed_at IS NULL")


_POPULAR = (questions.c.is_pinned.desc(), questions.c.upvotes.desc())


def _order(name: str, *columns: ColumnElement[Any]) -> Index:
    return Index(
        name, questions.c.tenant_id, *columns, questions.c.id, sqlite_where=_VISIBLE, postgresql_where=_VISIBLE
    )


_order("ix_questions_popular", *_POPULAR)
_order("ix_questions_status_popular", questions.c.status, *_POPULAR)
_order("ix_questions_team_popular", questions.c.team_id, *_POPULAR)
_order("ix_questions_recent")
_order("ix_questions_status_recent", questions.c.status)
_order("ix_questions_team_recent", questions.c.team_id)
Index("ix_questions_text_rules", questions.c.text_rules, sqlite_where=_VISIBLE, postgresql_where=_VISIBLE)

question_terms = Table(
    "question_terms",
    metadata,
    Column("tenant_id", String(36), ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    # A prefix is a range of these.
    Column("term", _by_code_points[40], primary_key=True),
    Column("question_id", String(36), ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)
Index("ix_question_terms_question_id_term", question_terms.c.question_id, question_terms.c.term)

question_tags = Table(
    "question_tags",
    metadata,
    _id("tenant_id"),
    Column("question_id", String(36), ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", String(36), ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)
Index("ix_question_tags_tag_id", question_tags.c.tag_id, question_tags.c.question_id)

votes = Table(
    "votes",
    metadata,
    _id("tenant_id"),
    Column("question_id", String(36), ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True),
    Column("voter_key", String(22), primary_key=True),
    sqlite_with_rowid=False,
)

members = Table(
    "members",
    metadata,
    Column("id", String(36), primary_key=True),
    _tenant_id(),
    Column("role", String(16), nullable=False),
    _millis("created_at"),
)

spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("tenant_id", String(36), ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True),
    Column("token_id", String(64), primary_key=True),
    _millis("expires_at"),
)
Index("ix_spent_tokens_expires_at", spent_tokens.c.expires_at)

NOT_COPIED = {"copied": False}
"""The `info` of a table whose rows mean nothing in a copy of the database."""

# Who serves this database now. Not a tenant's, and each row is written anew all the time.
instances = Table(
    "instances",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
    info=NOT_COPIED,
)

# Which instance does a job for all of them. Not a tenant's, and a lease ends by itself.
leases = Table(
    "leases",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("holder", String(36), nullable=False),
    _millis("expires_at"),
    info=NOT_COPIED,
)
