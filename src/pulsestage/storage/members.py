"""The tenant's accounts, and its one-time tokens that have been used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.member import Member
from pulsestage.domain.policy import Role
from pulsestage.storage.tables import members, spent_tokens

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pulsestage.domain.tenant import Millis


class SqlMembers:
    """The Members port for one tenant."""

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def find(self, member_id: str) -> Member | None:
        """The member, or None."""
        query = select(members).where(members.c.tenant_id == self._tenant_id, members.c.id == member_id)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else Member(row.id, row.tenant_id, Role.parse(row.role), row.created_at)

    async def add(self, member: Member) -> None:
        """Store a new one."""
        await self._connection.execute(
            insert(members).values(
                id=member.id, tenant_id=member.tenant_id, role=member.role.slug, created_at=member.created_at
            )
        )


class SqlSpentTokens:
    """The SpentTokens port for one tenant."""

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def spend(self, token_id: str, expires_at: Millis) -> bool:
        """Mark it used; the primary key decides who was first."""
        row = {"tenant_id": self._tenant_id, "token_id": token_id, "expires_at": expires_at}
        try:
            await self._connection.execute(insert(spent_tokens), row)
        except IntegrityError:
            return False
        return True
