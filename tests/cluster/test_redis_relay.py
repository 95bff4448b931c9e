"""The relay through Redis under its contract, against a real server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from pulsestage.cluster.redis_relay import RedisRelay
from pulsestage.contracts.relay import Broker, RelayContract
from tests.servers.valkey import Valkey, valkey_server

CHANNEL = "pulsestage"
SECRET = b"a secret of thirty-two characters"


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    """A server of this module's own, since its tests stop it."""
    with valkey_server() as server:
        yield server


class RedisBroker:
    """A server, as the contract wants to treat it."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey

    def relay(self) -> RedisRelay:
        return RedisRelay(self.valkey.url, channel=CHANNEL, secret=SECRET)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self.valkey.stop()
        try:
            yield
        finally:
            await asyncio.to_thread(self.valkey.start)

    async def inject(self, data: bytes) -> bool:
        return bool(self.valkey.ask("PUBLISH", CHANNEL, data))


class TestRedisRelay(RelayContract):
    @pytest.fixture
    def broker(self, valkey: Valkey) -> Broker:
        return RedisBroker(valkey)
