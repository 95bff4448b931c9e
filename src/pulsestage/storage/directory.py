"""The list of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from pulsestage.domain.errors import SlugTaken
from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import Tenant, TenantSettings
from pulsestage.storage import deletion
from pulsestage.storage.event_log import new_epoch
from pulsestage.storage.tables import logs, tenants

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row

    from pulsestage.storage.database import Database


class SqlDirectory:
    """The Directory port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, slug: str) -> Tenant | None:
        """The tenant with this slug, or None."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(tenants).where(tenants.c.slug == slug))).one_or_none()
        return None if row is None else _to_tenant(row)

    async def every(self) -> list[Tenant]:
        """All tenants, by slug."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(tenants).where(deletion.not_deleted))).all()
        return sorted(map(_to_tenant, rows), key=lambda tenant: tenant.slug)

    async def add(self, tenant: Tenant) -> None:
        """Store a new tenant and begin its log, in an epoch of its own. Raises SlugTaken."""
        settings = {
            "questionMinLength": tenant.settings.question_min_length,
            "questionMaxLength": tenant.settings.question_max_length,
            "guestRole": tenant.settings.guest_role.slug,
        }
        row = {
            "id": tenant.id,
            "slug": tenant.slug,
            "name": tenant.name,
            "settings": msgspec.json.encode(settings).decode(),
            "created_at": tenant.created_at,
        }
        async with self._database.write() as connection:
            try:
                await connection.execute(insert(tenants), row)
            except IntegrityError:
                raise SlugTaken from None
            row = {"tenant_id": tenant.id, "epoch": new_epoch(), "floor": 0, "head": 0}
            await connection.execute(insert(logs), row)

    async def begin_deletion(self, tenant: Tenant) -> None:
        """Take a tenant from everybody."""
        await deletion.begin(self._database, tenant.id)

    async def finish_deletions(self, progress: Callable[[int], None]) -> None:
        """Delete what there is of tenants whose deletion has begun."""
        await deletion.finish(self._database, progress)

    async def check(self) -> None:
        """Raises Unavailable if the database doesn't answer."""
        async with self._database.read() as connection:
            await connection.execute(select(tenants.c.id).limit(1))

    @property
    def accepts_writes(self) -> bool:
        """Whether the database could write when it was last asked to."""
        return self._database.accepts_writes


def _to_tenant(row: Row[Any]) -> Tenant:
    stored = msgspec.json.decode(row.settings)
    settings = TenantSettings(
        question_min_length=stored["questionMinLength"],
        question_max_length=stored["questionMaxLength"],
        guest_role=Role.parse(stored["guestRole"]),
    )
    return Tenant(row.id, row.slug, row.name, row.created_at, settings)
