"""A relay through Redis or Valkey Pub/Sub: one connection per process both publishes and listens (RESP3 allows it)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NoReturn

from pulsestage.cluster.redis_connection import RedisConnection
from pulsestage.cluster.redis_dial import RedisDial
from pulsestage.cluster.redis_servers import parse_redis_url
from pulsestage.cluster.wire_relay import WireRelay

LIMIT: Final = 256 * 1024
"""Most bytes of one message. Redis takes more, but cuts off who reads slowly when too much waits for them."""
TURN_MESSAGES: Final = 32
"""After so many messages everything else on the loop has its turn."""


class RedisRelay(WireRelay):
    """Joins the hubs of all processes that have this Redis, this channel and this secret. Raises InvalidRelayUrl."""

    def __init__(self, url: str, *, channel: str, secret: bytes) -> None:
        servers = parse_redis_url(url)
        self._redis = RedisDial(servers)
        self._channel = channel.encode()
        super().__init__(self._dial_wire, name=servers.name, secret=secret, limit=LIMIT)

    @asynccontextmanager
    async def _dial_wire(self, on_message: Callable[[bytes], None]) -> AsyncIterator[RedisWire]:
        async with self._redis.connected() as connection:
            await connection.ask("SUBSCRIBE", self._channel)
            yield RedisWire(connection, self._channel, on_message)


class RedisWire:
    """A connection that listens to a channel and publishes to it."""

    def __init__(self, connection: RedisConnection, channel: bytes, on_message: Callable[[bytes], None]) -> None:
        self._connection = connection
        self._channel = channel
        self._on_message = on_message
        self.unheard = f"{connection.where} takes messages, but none comes back."

    async def send(self, messages: Sequence[bytes]) -> None:
        """Publish them in one write. What the server says to each comes to `listen`."""
        await self._connection.send(*(("PUBLISH", self._channel, message) for message in messages))

    async def listen(self) -> NoReturn:
        """Tell messages from answers."""
        while True:
            for _ in range(TURN_MESSAGES):
                match await self._connection.read():
                    case [b"message", _, message]:
                        self._on_message(message)
            await asyncio.sleep(0)  # what is read already doesn't wait for the loop by itself
