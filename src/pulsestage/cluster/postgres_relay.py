"""A relay through PostgreSQL's LISTEN and NOTIFY, on one connection of its own.

What is announced is committed already, and it is announced in no transaction of the service: NOTIFY makes those that
use it commit one after the other.

Through a pooler there are two connections, one to listen and one to notify. A pooler that gives each transaction
another connection of its own to the server takes LISTEN and forgets it; on one connection it would still seem to work
as long as nobody else uses the pooler.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Final, NoReturn, Protocol

import asyncpg

from pulsestage.cluster import trouble
from pulsestage.cluster.trouble import BrokerTrouble
from pulsestage.cluster.wire_relay import SILENCE_SECONDS, WireRelay

LIMIT: Final = 7999
"""Most bytes that NOTIFY carries."""

NOTIFY: Final = "SELECT count(pg_notify($1, message)) FROM unnest($2::text[]) AS message"


class PostgresAddress(Protocol):
    """Where the database is."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Arguments of `asyncpg.connect`."""

    @property
    def place(self) -> str:
        """Host and port, for people."""


class PostgresRelay(WireRelay):
    """Joins the hubs of all processes that have this database, this channel and this secret."""

    def __init__(self, database: PostgresAddress, *, channel: str, secret: bytes) -> None:
        self._options = database.options
        self._channel = channel
        self._where = database.place
        super().__init__(self._dial_wire, name=self._where, secret=secret, limit=LIMIT)

    @asynccontextmanager
    async def _dial_wire(self, on_message: Callable[[bytes], None]) -> AsyncIterator[PostgresWire]:
        async with AsyncExitStack() as stack:
            listening = await self._connect(stack)
            with _troubles(self._where):
                is_pooled = await listening.fetchval("SELECT pg_backend_pid()") != listening.get_server_pid()
            notifying = await self._connect(stack, statement_cache_size=0) if is_pooled else listening
            wire = PostgresWire(listening, notifying, self._channel, self._where)
            await wire.subscribe(on_message)
            yield wire

    async def _connect(self, stack: AsyncExitStack, **further: Any) -> Any:  # noqa: ANN401 - asyncpg has no types
        options = {"timeout": SILENCE_SECONDS, **self._options, "command_timeout": None, **further}
        with _troubles(self._where):
            connection = await asyncpg.connect(**options)
        stack.callback(connection.terminate)
        return connection


class PostgresWire:
    """A connection that listens to a channel, and one that notifies it: the same, if there is no pooler in between."""

    def __init__(self, listening: Any, notifying: Any, channel: str, where: str) -> None:  # noqa: ANN401 - likewise
        self._listening = listening
        self._notifying = notifying
        self._channel = channel
        self._where = where
        self._lost = asyncio.Event()
        self._silent = False
        self.unheard = f"{where} takes messages, but none comes back."
        if self._is_pooled:
            self.unheard = (
                f"A pooler in front of {where} gives each transaction another connection, so that what is announced"
                " through the database is not heard. Name a Redis or Valkey in PULSESTAGE_RELAY_URL, or the database's"
                " own address in PULSESTAGE_DATABASE_URL."
            )
        for connection in (listening, notifying):
            connection.add_termination_listener(lambda _: self._lost.set())

    @property
    def _is_pooled(self) -> bool:
        return self._listening is not self._notifying

    async def subscribe(self, on_message: Callable[[bytes], None]) -> None:
        """Returns when the server has confirmed it."""

        def hear(_connection: object, _pid: int, _channel: str, payload: str) -> None:
            on_message(payload.encode())

        with self._answering():
            await self._listening.add_listener(self._channel, hear)  # which quotes the name

    async def send(self, messages: Sequence[bytes]) -> None:
        """Notify of all in one statement, which is one transaction: that is what costs."""
        with self._answering():
            if self._is_pooled:  # the statement is prepared and run on the same connection only within a transaction
                async with self._notifying.transaction():
                    await self._notify(messages)
            else:
                await self._notify(messages)

    async def _notify(self, messages: Sequence[bytes]) -> None:
        await self._notifying.execute(NOTIFY, self._channel, [message.decode() for message in messages])

    async def listen(self) -> NoReturn:
        """Only see the connection end; asyncpg hands out what comes in."""
        await self._lost.wait()
        raise self._ended()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Give the server its time, and then cut it off: to cancel the statement would be to ask it once more."""
        deadline = asyncio.get_running_loop().call_later(SILENCE_SECONDS, self._cut_off)
        try:
            with _troubles(self._where):
                yield
        except BrokerTrouble as error:
            raise (self._ended() if self._lost.is_set() else error) from error
        finally:
            deadline.cancel()

    def _cut_off(self) -> None:
        self._silent = True
        self._listening.terminate()
        self._notifying.terminate()

    def _ended(self) -> BrokerTrouble:
        return trouble.silent(self._where) if self._silent else trouble.closed(self._where)


@contextmanager
def _troubles(where: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresConnectionError as error:
        raise trouble.closed(where) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.TargetServerAttributeNotMatched) as error:
        raise trouble.refused(where, error) from error
    except OSError as error:  # among them TimeoutError
        raise (trouble.network_trouble(error, where) or trouble.closed(where)) from error
