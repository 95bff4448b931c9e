"""Finding tenants: what is remembered, and for how long."""

from collections.abc import Callable, Sequence

import pytest

from pulsestage.domain.errors import TenantNotFound
from pulsestage.domain.tenant import Tenant
from pulsestage.services import tenants
from pulsestage.services.context import Context
from pulsestage.services.tenants import CachedDirectory
from tests.domain.examples import NOW


class CountingDirectory:
    """A directory that counts the questions it is asked, and knows what a test puts into it."""

    def __init__(self) -> None:
        self.known: dict[str, Tenant] = {}
        self.asked = 0

    async def find(self, slug: str) -> Tenant | None:
        self.asked += 1
        return self.known.get(slug)

    async def every(self) -> Sequence[Tenant]:
        return list(self.known.values())

    async def add(self, tenant: Tenant) -> None:
        self.known[tenant.slug] = tenant

    async def begin_deletion(self, tenant: Tenant) -> None:
        del self.known[tenant.slug]

    async def finish_deletions(self, progress: Callable[[int], None]) -> None:
        """Nothing is left."""

    async def check(self) -> None:
        """Always there."""

    @property
    def accepts_writes(self) -> bool:
        return True


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def named(name: str) -> Tenant:
    return Tenant("t1", "acme", name, NOW)


async def test_a_find_is_remembered_for_five_seconds_and_then_asked_for_again() -> None:
    directory, clock = CountingDirectory(), Clock()
    cached = CachedDirectory(directory, clock=clock)
    for round_ in range(2):  # what is remembered the second time ages too
        directory.known["acme"] = named(f"Acme {round_}")
        assert await cached.find("acme") == named(f"Acme {round_}")
        directory.known["acme"] = named("Renamed")
        clock.seconds += 4.9
        assert await cached.find("acme") == named(f"Acme {round_}")
        assert directory.asked == 2 * round_ + 1
        clock.seconds += 0.2
        assert await cached.find("acme") == named("Renamed")
        clock.seconds += 5.1


async def test_a_tenant_that_is_not_there_is_asked_for_each_time() -> None:
    directory, clock = CountingDirectory(), Clock()
    cached = CachedDirectory(directory, clock=clock)
    assert await cached.find("acme") is None
    await cached.add(named("Acme"))
    assert await cached.find("acme") == named("Acme")
    directory.known.clear()
    clock.seconds += 6
    assert await cached.find("acme") is None
    assert directory.asked == 3


async def test_a_tenant_that_was_deleted_here_is_not_remembered() -> None:
    directory = CountingDirectory()
    cached = CachedDirectory(directory)
    await cached.add(named("Acme"))
    assert await cached.find("acme") == named("Acme")
    await cached.begin_deletion(named("Acme"))
    assert await cached.find("acme") is None


@pytest.mark.parametrize("slug", ["acme", "ACME", "Acme"])
async def test_a_slug_is_found_in_letters_of_any_case(context: Context, slug: str) -> None:
    assert (await tenants.resolve(context, slug)).id == "t1"


@pytest.mark.parametrize("slug", ["nobody", "no slug", "x" * 64])
async def test_an_unknown_slug_is_named(context: Context, slug: str) -> None:
    with pytest.raises(TenantNotFound, match=slug[:63]):
        await tenants.resolve(context, slug)


async def test_the_default_tenant_is_founded_once(context: Context) -> None:
    await tenants.ensure_default(context)
    await tenants.ensure_default(context)
    assert [tenant.slug for tenant in await context.directory.every()] == ["acme", "default"]
