"""The tenant's teams."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.errors import SlugTaken, TeamNotFound
from pulsestage.domain.team import Team
from pulsestage.storage.tables import teams

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection


class SqlTeams:
    """The Teams port for one tenant."""

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._mine = teams.c.tenant_id == tenant_id

    async def get(self, team_id: str) -> Team:
        """The team with this id. Raises TeamNotFound."""
        return await self._one(teams.c.id == team_id)

    async def find(self, id_or_slug: str) -> Team:
        """The team with this id or slug. Raises TeamNotFound."""
        return await self._one(or_(teams.c.id == id_or_slug, teams.c.slug == id_or_slug))

    async def _one(self, which: ColumnElement[bool]) -> Team:
        row = (await self._connection.execute(select(teams).where(self._mine, which))).first()
        if row is None:
            raise TeamNotFound
        return _to_team(row)

    async def every(self) -> tuple[Team, ...]:
        """All of them, by name."""
        rows = await self._connection.execute(select(teams).where(self._mine).order_by(teams.c.name, teams.c.id))
        return tuple(map(_to_team, rows))

    async def add(self, team: Team) -> None:
        """Store a new one. Raises SlugTaken."""
        try:
            await self._connection.execute(insert(teams).values(**asdict(team)))
        except IntegrityError:
            raise SlugTaken from None

    async def save(self, team: Team) -> None:
        """Store a changed one. Raises SlugTaken."""
        try:
            await self._connection.execute(
                update(teams).where(self._mine, teams.c.id == team.id).values(**asdict(team))
            )
        except IntegrityError:
            raise SlugTaken from None


def _to_team(row: Row[Any]) -> Team:
    return Team(row.id, row.tenant_id, row.name, row.slug, row.description, row.is_active, row.created_at)
