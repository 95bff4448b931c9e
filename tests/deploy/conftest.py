"""Two instances over one PostgreSQL, and the real proxies in front of them, one after the other."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.chaos.site import Site
from tests.deploy.proxies import KINDS, Proxy
from tests.servers.postgres import Postgres

STREAMS_PER_ADDRESS, STREAMS_PER_PERSON = 40, 3
"""Of the first so many that tests don't meet it by chance: streams of an instance that left count on for a while."""


@pytest.fixture(scope="module")
async def site(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Two instances, and the room `acme`."""
    with postgres.database() as url:
        directory = tmp_path_factory.mktemp("site")
        limits = {"max_streams_per_address": STREAMS_PER_ADDRESS, "max_streams_per_person": STREAMS_PER_PERSON}
        site = Site(directory, 2, "pulsestage", database_url=url, heartbeat_seconds=1, census_seconds=0.5, **limits)
        await site.found(acme="Acme")
        await site.start()
        yield site
        await site.stop()


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """In front of both."""
    name: str = request.param
    proxy = Proxy(tmp_path_factory.mktemp(name), name, [each.port for each in site.instances])
    yield proxy
    proxy.stop()
