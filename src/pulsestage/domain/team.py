"""A team: a part of a tenant that questions can be addressed to."""

from dataclasses import dataclass, replace

from pulsestage.domain.tenant import Millis
from pulsestage.domain.text import clean_slug, clean_text


@dataclass(frozen=True, slots=True)
class Team:
    """A team. Its slug is unique in the tenant. An inactive one keeps its questions but takes no new ones."""

    id: str
    tenant_id: str
    name: str
    slug: str
    description: str | None
    is_active: bool
    created_at: Millis


def create(team_id: str, tenant_id: str, name: str, slug: str, description: str | None, now: Millis) -> Team:
    """A new, active team. Raises InvalidInput."""
    blank = Team(team_id, tenant_id, "", "", None, is_active=True, created_at=now)
    return edit(blank, name=name, slug=slug, description=description)


def edit(
    team: Team,
    *,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> Team:
    """The team with what is given changed; an empty description removes it. Raises InvalidInput."""
    if name is not None:
        team = replace(team, name=clean_text("name", name, shortest=1, longest=80))
    if slug is not None:
        team = replace(team, slug=clean_slug("slug", slug))
    if description is not None:
        team = replace(team, description=clean_text("description", description, shortest=0, longest=500) or None)
    if is_active is not None:
        team = replace(team, is_active=is_active)
    return team
