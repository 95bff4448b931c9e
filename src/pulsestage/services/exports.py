"""A tenant's questions, tags and teams for other programs, as JSON lines. None of them says who asked or voted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pulsestage.services.views import iso, iso_or_none, tag_refs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pulsestage.domain.question import Question
    from pulsestage.domain.tag import Tag
    from pulsestage.domain.team import Team
    from pulsestage.domain.tenant import Tenant
    from pulsestage.services.context import Context
    from pulsestage.services.views import TagRef


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """What every line has."""

    id: str
    created_at: str


class TenantLine(Line, frozen=True, kw_only=True, tag="tenant"):
    """The first line."""

    slug: str
    name: str


class TeamLine(Line, frozen=True, kw_only=True, tag="team"):
    slug: str
    name: str
    description: str | None
    is_active: bool


class TagLine(Line, frozen=True, kw_only=True, tag="tag"):
    name: str
    color: str
    description: str | None


class QuestionLine(Line, frozen=True, kw_only=True, tag="question"):
    """A question that was not removed, with its answer and how many votes it has."""

    team_id: str | None
    body: str
    upvotes: int
    status: str
    response_text: str | None
    responded_at: str | None
    updated_at: str
    pinned_at: str | None
    frozen_at: str | None
    tags: tuple[TagRef, ...]


async def export(context: Context, tenant: Tenant) -> AsyncIterator[Line]:
    """The tenant as it is at one moment: itself, its teams, its tags, then its questions, oldest first."""
    yield TenantLine(id=tenant.id, created_at=iso(tenant.created_at), slug=tenant.slug, name=tenant.name)
    async with context.unit_of_work.read(tenant.id) as tx:
        for team in await tx.teams.every():
            yield _team_line(team)
        for tag in await tx.tags.every():
            yield _tag_line(tag)
        page = await tx.questions.every(None)
        while page:
            for question in page:
                yield _question_line(question)
            page = await tx.questions.every(None, after=page[-1].id)


def _team_line(team: Team) -> TeamLine:
    return TeamLine(
        id=team.id,
        created_at=iso(team.created_at),
        slug=team.slug,
        name=team.name,
        description=team.description,
        is_active=team.is_active,
    )


def _tag_line(tag: Tag) -> TagLine:
    return TagLine(
        id=tag.id, created_at=iso(tag.created_at), name=tag.name, color=tag.color, description=tag.description
    )


def _question_line(question: Question) -> QuestionLine:
    return QuestionLine(
        id=question.id,
        created_at=iso(question.created_at),
        team_id=question.team_id,
        body=question.body,
        upvotes=question.upvotes,
        status=question.status.value,
        response_text=question.response_text,
        responded_at=iso_or_none(question.responded_at),
        updated_at=iso(question.updated_at),
        pinned_at=iso_or_none(question.pinned_at),
        frozen_at=iso_or_none(question.frozen_at),
        tags=tag_refs(question),
    )
