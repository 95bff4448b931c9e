"""The tenant's accounts, and its one-time tokens that have been used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.member import Member
from pulsestage.domain.policy import Role
from pulsestage.storage.prepared import Prepared
from pulsestage.storage.scoped import TENANT, Scoped
from pulsestage.storage.tables import members, spent_tokens

if TYPE_CHECKING:
    from pulsestage.domain.tenant import Millis


_find = Prepared(select(members).where(members.c.tenant_id == TENANT, members.c.id == bindparam("member")))
_add = Prepared(insert(members).values(tenant_id=TENANT))
_spend = Prepared(insert(spent_tokens).values(tenant_id=TENANT))


class SqlMembers(Scoped):
    """The Members port for one tenant."""

    async def find(self, member_id: str) -> Member | None:
        """The member, or None."""
        row = await self._first(_find, member=member_id)
        return None if row is None else Member(row.id, row.tenant_id, Role.parse(row.role), row.created_at)

    async def add(self, member: Member) -> None:
        """Store a new one."""
        await self._run(_add, id=member.id, role=member.role.slug, created_at=member.created_at)


class SqlSpentTokens(Scoped):
    """The SpentTokens port for one tenant."""

    async def spend(self, token_id: str, expires_at: Millis) -> bool:
        """Mark it used; the primary key decides who was first."""
        try:
            await self._run(_spend, token_id=token_id, expires_at=expires_at)
        except IntegrityError:
            return False
        return True
