"""The tenant's teams."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.errors import SlugTaken, TeamNotFound
from pulsestage.domain.order import by_name
from pulsestage.domain.team import Team
from pulsestage.storage.prepared import Prepared, Row
from pulsestage.storage.scoped import TENANT, Scoped
from pulsestage.storage.tables import teams

_mine = select(teams).where(teams.c.tenant_id == TENANT)
_one = _mine.where(teams.c.id == bindparam("team"))
_by_id = Prepared(_one)
_by_id_locked = Prepared(_one.with_for_update(read=True))
_by_id_or_slug = Prepared(_mine.where(or_(teams.c.id == bindparam("team"), teams.c.slug == bindparam("team"))))
_every = Prepared(_mine)
_add = Prepared(insert(teams).values(tenant_id=TENANT))
_save = Prepared(update(teams).where(teams.c.tenant_id == TENANT, teams.c.id == bindparam("team")))


class SqlTeams(Scoped):
    """The Teams port for one tenant."""

    async def get(self, team_id: str) -> Team:
        """The team with this id. Raises TeamNotFound."""
        # Locked, or else it could be deactivated while it is asked. Those who ask don't wait for each other.
        return _found(await self._first(_by_id_locked if self._locking else _by_id, team=team_id))

    async def find(self, id_or_slug: str) -> Team:
        """The team with this id or slug. Raises TeamNotFound."""
        return _found(await self._first(_by_id_or_slug, team=id_or_slug))

    async def every(self) -> tuple[Team, ...]:
        """All of them, by name."""
        found = map(_to_team, await self._run(_every))
        return tuple(sorted(found, key=lambda team: by_name(team.name, team.id)))

    async def add(self, team: Team) -> None:
        """Store a new one. Raises SlugTaken."""
        try:
            await self._run(_add, id=team.id, **_columns(team))
        except IntegrityError:
            raise SlugTaken from None

    async def save(self, team: Team) -> None:
        """Store a changed one. Raises SlugTaken."""
        try:
            await self._run(_save, team=team.id, **_columns(team))
        except IntegrityError:
            raise SlugTaken from None


def _found(row: Row | None) -> Team:
    if row is None:
        raise TeamNotFound
    return _to_team(row)


def _columns(team: Team) -> dict[str, object]:
    return {
        "name": team.name,
        "slug": team.slug,
        "description": team.description,
        "is_active": team.is_active,
        "created_at": team.created_at,
    }


def _to_team(row: Row) -> Team:
    return Team(row.id, row.tenant_id, row.name, row.slug, row.description, row.is_active, row.created_at)
