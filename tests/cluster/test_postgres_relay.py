"""The relay through PostgreSQL under its contract, against a real server, and what it does that others don't."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest
from sqlalchemy import make_url

from pulsestage.cluster.relays import ProcessRelay, make_relay
from pulsestage.contracts.relay import Broker, RelayContract
from tests.cluster.proxy import Proxy, proxied

CHANNEL = 'pulse"Stage:1'
SECRET = b"a secret of thirty-two characters"


class PostgresBroker:
    """A database behind a proxy, as the contract wants to treat it."""

    def __init__(self, url: str, proxy: Proxy) -> None:
        self.direct_url = url.replace("+asyncpg", "")
        self.proxy = proxy
        self.url = make_url(url).set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)

    def relay(self) -> ProcessRelay:
        return make_relay("postgres", channel=CHANNEL, secret=SECRET, database_url=self.url)

    def outage(self) -> AbstractAsyncContextManager[None]:
        return self.proxy.outage()

    async def inject(self, data: bytes) -> bool:
        connection = await asyncpg.connect(self.direct_url)
        try:
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, data.decode())
        except (UnicodeDecodeError, asyncpg.CharacterNotInRepertoireError):
            return False
        finally:
            await connection.close()
        return True


@pytest.fixture
async def broker(postgres_url: str) -> AsyncIterator[PostgresBroker]:
    url = make_url(postgres_url)
    directory = url.query.get("host")

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(directory, str):
            return await asyncio.open_unix_connection(f"{directory}/.s.PGSQL.5432")
        return await asyncio.open_connection(url.host, url.port or 5432)

    async with proxied(connect) as proxy:
        yield PostgresBroker(postgres_url, proxy)


class TestPostgresRelay(RelayContract):
    @pytest.fixture
    def broker(self, broker: PostgresBroker) -> Broker:
        return broker
