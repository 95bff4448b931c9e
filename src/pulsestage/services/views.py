"""What a client is shown of the domain: the shapes of `GET` answers, snapshots and event data.

These structs are the contract's one definition: the JSON is encoded from them, and the OpenAPI document describes
them. No author and no voter is in any of them. Times are ISO 8601, UTC, with milliseconds and `Z`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from pulsestage.domain.policy import Role

if TYPE_CHECKING:
    from pulsestage.domain.question import Question
    from pulsestage.domain.tag import Tag
    from pulsestage.domain.team import Team
    from pulsestage.domain.tenant import Millis

Id = Annotated[str, Meta(description="A UUID.", extra_json_schema={"format": "uuid"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
RoleName = Annotated[str, Meta(title="Role", extra_json_schema={"enum": [role.slug for role in Role]})]
Status = Annotated[str, Meta(title="QuestionStatus", extra_json_schema={"enum": ["OPEN", "ANSWERED"]})]


class TagRef(Struct, frozen=True, rename="camel"):
    """A tag as a question carries it."""

    id: Id
    name: str
    color: str


class TagView(Struct, frozen=True, rename="camel"):
    """A tag."""

    id: Id
    tenant_id: Id
    name: str
    color: str
    description: str | None
    created_at: Time


class TeamView(Struct, frozen=True, rename="camel"):
    """A team. An inactive one takes no new questions."""

    id: Id
    tenant_id: Id
    name: str
    slug: str
    description: str | None
    is_active: bool
    created_at: Time


class QuestionView(Struct, frozen=True, rename="camel"):
    """A question, with what the person asking for it has to do with it (`hasUpvoted`, `isMine`).

    `pinnedBy` and `frozenBy` are null for all but moderators.
    """

    id: Id
    tenant_id: Id
    team_id: Id | None
    body: str
    upvotes: int
    status: Status
    response_text: str | None
    responded_at: Time | None
    created_at: Time
    updated_at: Time
    is_pinned: bool
    pinned_by: Id | None
    pinned_at: Time | None
    is_frozen: bool
    frozen_by: Id | None
    frozen_at: Time | None
    tags: tuple[TagRef, ...]
    has_upvoted: bool
    is_mine: bool


class SnapshotView(Struct, frozen=True, rename="camel"):
    """All that a stream's filter covers."""

    questions: tuple[QuestionView, ...]
    tags: tuple[TagView, ...]
    teams: tuple[TeamView, ...]


@lru_cache(maxsize=4096)  # the same questions' times are shown again and again
def iso(millis: Millis) -> str:
    """`1696765800000` → `2023-10-08T11:50:00.000Z`."""
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(millis: Millis | None) -> str | None:
    """Like `iso`; None stays None."""
    return None if millis is None else iso(millis)


def tag_refs(question: Question) -> tuple[TagRef, ...]:
    """All the tags the question has."""
    return tuple(TagRef(tag.id, tag.name, tag.color) for tag in question.tags)


def tag_view(tag: Tag) -> TagView:
    """A tag for everybody."""
    return TagView(tag.id, tag.tenant_id, tag.name, tag.color, tag.description, iso(tag.created_at))


def team_view(team: Team) -> TeamView:
    """A team for everybody."""
    return TeamView(
        team.id, team.tenant_id, team.name, team.slug, team.description, team.is_active, iso(team.created_at)
    )


def question_view(question: Question, *, has_upvoted: bool, is_mine: bool, moderates: bool) -> QuestionView:
    """A question for one person."""
    return QuestionView(
        id=question.id,
        tenant_id=question.tenant_id,
        team_id=question.team_id,
        body=question.body,
        upvotes=question.upvotes,
        status=question.status.value,
        response_text=question.response_text,
        responded_at=iso_or_none(question.responded_at),
        created_at=iso(question.created_at),
        updated_at=iso(question.updated_at),
        is_pinned=question.pinned_at is not None,
        pinned_by=question.pinned_by if moderates else None,
        pinned_at=iso_or_none(question.pinned_at),
        is_frozen=question.frozen_at is not None,
        frozen_by=question.frozen_by if moderates else None,
        frozen_at=iso_or_none(question.frozen_at),
        tags=tag_refs(question),
        has_upvoted=has_upvoted,
        is_mine=is_mine,
    )
