"""Finding the Redis server to connect to: it is known, or sentinels know it, or any node of a cluster will do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pulsestage.cluster.redis_connection import RedisConnection
from pulsestage.cluster.redis_servers import Address, Options, RedisServers, named
from pulsestage.cluster.trouble import BrokerTrouble
from pulsestage.cluster.wire_relay import SILENCE_SECONDS

ASKING_SECONDS: Final = 1.0
"""How long one of several servers may take before the next one is asked."""


class RedisDial:
    """Finds the server anew at each attempt."""

    def __init__(self, servers: RedisServers) -> None:
        self._servers = servers
        self._turn = 0

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[RedisConnection]:
        """A connection to the server, until the block ends. Raises BrokerTrouble."""
        async with await self._server() as connection:
            if self._servers.kind == "sentinel":
                await _check_is_master(connection)
            yield connection

    async def _server(self) -> RedisConnection:
        options = self._servers.options
        match self._servers.kind:
            case "server":
                return self._connection(options, None, SILENCE_SECONDS)
            case "sentinel":
                return self._connection(options, await self._master(), SILENCE_SECONDS)
            case "cluster":  # all nodes carry all messages; the next one each time, in case this one is lost
                return self._connection(options, self._next_address(), SILENCE_SECONDS)

    def _connection(self, options: Options, address: Address | None, seconds: float) -> RedisConnection:
        # No timeout of redis-py's for the socket: it uses `wait_for`, which can lose a cancellation in Python 3.11.
        options = {**options, "protocol": 3, "socket_timeout": None, "socket_connect_timeout": seconds}
        options.pop("db", None)  # Pub/Sub knows no databases, and who may not SELECT may still announce
        if address is not None:
            options["host"], options["port"] = address
        where = named(address) if address else self._servers.name
        return RedisConnection(self._servers.connection_class(**options), where, seconds)

    def _next_address(self) -> Address:
        address = self._servers.addresses[self._turn % len(self._servers.addresses)]
        self._turn += 1
        return address

    async def _master(self) -> Address:
        """Where the master is, from the first sentinel that knows."""
        trouble = BrokerTrouble(f"No sentinel of {self._servers.name} knows the master.")
        for _ in self._servers.addresses:
            address = self._next_address()
            try:
                async with self._connection(self._servers.sentinel_options or {}, address, ASKING_SECONDS) as sentinel:
                    answer = await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._servers.service)
            except BrokerTrouble as error:
                trouble = error
                continue
            if answer is not None:
                self._turn -= 1  # it is asked first the next time too
                host, port = answer
                return host.decode(), int(port)
        raise trouble


async def _check_is_master(connection: RedisConnection) -> None:
    """Sentinels may not know yet; what is published on a replica would stay there."""
    try:
        role, *_ = await connection.ask("ROLE")
    except BrokerTrouble:
        return  # not everybody may ask
    if role != b"master":
        raise BrokerTrouble(f"{connection.where} is not the master any more.")
