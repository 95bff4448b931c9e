"""Tenants: finding the one a request is for, listing and founding them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pulsestage.domain import tenant as tenants
from pulsestage.domain.errors import SlugTaken, TenantNotFound
from pulsestage.domain.tenant import DEFAULT_SLUG, Tenant
from pulsestage.domain.text import slug_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulsestage.services.context import Context
    from pulsestage.services.ports import Directory


class CachedDirectory:
    """A Directory that remembers what it found for a few seconds: every request asks for its tenant.

    Only finds are remembered, so a tenant that was just founded is there at once.
    """

    def __init__(self, directory: Directory, seconds: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[float, Tenant]] = {}

    async def find(self, slug: str) -> Tenant | None:
        """The tenant with this slug, or None."""
        entry = self._known.get(slug)
        if entry is not None and self._clock() - entry[0] < self._seconds:
            return entry[1]
        tenant = await self._directory.find(slug)
        if tenant is None:
            self._known.pop(slug, None)
        else:
            self._known[slug] = (self._clock(), tenant)
        return tenant

    async def every(self) -> Sequence[Tenant]:
        """All tenants, by slug."""
        return await self._directory.every()

    async def add(self, tenant: Tenant) -> None:
        """Store a new tenant."""
        await self._directory.add(tenant)

    async def begin_deletion(self, tenant: Tenant) -> None:
        """Take a tenant from everybody."""
        self._known.pop(tenant.slug, None)
        await self._directory.begin_deletion(tenant)

    async def finish_deletions(self, progress: Callable[[int], None]) -> None:
        """Delete what there is of tenants whose deletion has begun."""
        await self._directory.finish_deletions(progress)

    async def check(self) -> None:
        """Raises Unavailable if the database doesn't answer."""
        await self._directory.check()

    @property
    def accepts_writes(self) -> bool:
        """Whether the database could write when it was last asked to."""
        return self._directory.accepts_writes


async def resolve(context: Context, slug: str) -> Tenant:
    """The tenant with this slug, in letters of any case. Raises TenantNotFound."""
    known = slug_of(slug)
    tenant = await context.directory.find(known) if known else None
    if tenant is None:
        raise TenantNotFound(f"There is no tenant {slug[:63]!r} here. {TenantNotFound.hint}")
    return tenant


async def found(context: Context, slug: str, name: str) -> Tenant:
    """Found a tenant. Raises SlugTaken, InvalidInput."""
    tenant = tenants.found(context.new_id(), slug, name, context.clock())
    await context.directory.add(tenant)
    return tenant


async def ensure_default(context: Context) -> None:
    """Requests that name no tenant are for `default`, so it always exists."""
    if await context.directory.find(DEFAULT_SLUG) is None:
        try:
            await found(context, DEFAULT_SLUG, "Main room")
        except SlugTaken:
            return  # another instance was starting at the same moment
