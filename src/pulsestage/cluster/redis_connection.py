"""One connection to Redis, on redis-py's, which leaves most of its own untyped: here is what is used of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from pulsestage.cluster import trouble


class RedisConnection:
    """Connected while its block lasts. Everything raises BrokerTrouble, also when the server is silent for so long."""

    def __init__(self, connection: AbstractConnection, where: str, seconds: float) -> None:
        self.where = where
        self._seconds = seconds
        self._connection: Any = connection
        self._transport: asyncio.Transport

    async def __aenter__(self) -> Self:
        # Silent about what comes in: redis-py would write every message into its debug log.
        self._connection._parser.set_pubsub_push_handler(_as_it_is)  # noqa: SLF001 - nothing public does it
        try:
            with self._troubles():
                async with asyncio.timeout(self._seconds):
                    await self._connection.connect()
        except BaseException:
            await self._connection.disconnect(nowait=True)
            raise
        self._transport = self._connection._writer.transport  # noqa: SLF001 - likewise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # At once: a mere close would wait until a frozen server has taken what is left.
        with suppress(AttributeError):  # asyncio's own: a transport that is lost already has forgotten its loop
            self._transport.abort()
        await self._connection.disconnect(nowait=True)

    async def send(self, *commands: Sequence[str | bytes]) -> None:
        """Write these at once. Returns when there is room for more."""
        with self._troubles():
            if not self._connection.is_connected:
                raise ConnectionResetError  # redis-py would connect anew, and nobody would have subscribed
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    async def read(self) -> Any:  # noqa: ANN401 - whatever the server says
        """The next thing that the server says, be it an answer or a message. An error is raised."""
        with self._troubles():
            async with asyncio.timeout(self._seconds):
                return await self._connection.read_response(disable_decoding=True, push_request=True)

    async def ask(self, *command: str | bytes) -> Any:  # noqa: ANN401 - likewise
        """The answer to this, where nothing else can come in."""
        await self.send(command)
        return await self.read()

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except (ResponseError, AuthenticationError, BusyLoadingError) as error:
            raise trouble.refused(self.where, error) from error
        except (RedisTimeoutError, TimeoutError) as error:
            raise trouble.silent(self.where) from error
        except (RedisError, OSError) as error:
            raise (trouble.network_trouble(error, self.where) or trouble.closed(self.where)) from error


async def _as_it_is(response: Any) -> Any:  # noqa: ANN401 - passed on
    return response
