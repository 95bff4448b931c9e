"""A relay through PostgreSQL's LISTEN and NOTIFY, on one connection of its own.

What is announced is committed already, and it is announced in no transaction of the service: NOTIFY makes those that
use it commit one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NoReturn

import asyncpg
from sqlalchemy.engine import URL

from pulsestage.cluster import trouble
from pulsestage.cluster.trouble import BrokerTrouble
from pulsestage.cluster.wire_relay import SILENCE_SECONDS, WireRelay

LIMIT: Final = 7999
"""Most bytes that NOTIFY carries."""

NOTIFY: Final = "SELECT count(pg_notify($1, message)) FROM unnest($2::text[]) AS message"

_SQLALCHEMYS_OWN: Final = {"async_fallback", "prepared_statement_cache_size", "prepared_statement_name_func"}


class PostgresRelay(WireRelay):
    """Joins the hubs of all processes that have this database, this channel and this secret."""

    def __init__(self, url: URL, *, channel: str, secret: bytes) -> None:
        _, options = url.get_dialect()().create_connect_args(url)
        self._options = {name: value for name, value in options.items() if name not in _SQLALCHEMYS_OWN}
        self._channel = channel
        self._where = _place(self._options)
        super().__init__(self._dial_wire, name=self._where, secret=secret, limit=LIMIT)

    @asynccontextmanager
    async def _dial_wire(self, on_message: Callable[[bytes], None]) -> AsyncIterator[PostgresWire]:
        options = {**self._options, "timeout": SILENCE_SECONDS, "command_timeout": None}
        with _troubles(self._where):
            connection = await asyncpg.connect(**options)
        try:
            wire = PostgresWire(connection, self._channel, self._where)
            await wire.subscribe(on_message)
            yield wire
        finally:
            connection.terminate()


class PostgresWire:
    """A connection that listens to a channel and notifies it."""

    def __init__(self, connection: Any, channel: str, where: str) -> None:  # noqa: ANN401 - asyncpg has no types
        self._connection = connection
        self._channel = channel
        self._where = where
        self._lost = asyncio.Event()
        self._silent = False
        connection.add_termination_listener(lambda _: self._lost.set())

    async def subscribe(self, on_message: Callable[[bytes], None]) -> None:
        """Returns when the server has confirmed it."""

        def hear(_connection: object, _pid: int, _channel: str, payload: str) -> None:
            on_message(payload.encode())

        with self._answering():
            await self._connection.add_listener(self._channel, hear)  # which quotes the name

    async def send(self, messages: Sequence[bytes]) -> None:
        """Notify of all in one statement, which is one transaction: that is what costs."""
        with self._answering():
            await self._connection.execute(NOTIFY, self._channel, [message.decode() for message in messages])

    async def ping(self) -> None:
        """Wait for an answer to nothing."""
        with self._answering():
            await self._connection.execute("SELECT 1")

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
            raise (self._ended() if self._connection.is_closed() else error) from error
        finally:
            deadline.cancel()

    def _cut_off(self) -> None:
        self._silent = True
        self._connection.terminate()

    def _ended(self) -> BrokerTrouble:
        return trouble.silent(self._where) if self._silent else trouble.closed(self._where)


@contextmanager
def _troubles(where: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresConnectionError as error:
        raise trouble.closed(where) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise trouble.refused(where, error) from error
    except OSError as error:  # among them TimeoutError
        raise (trouble.network_trouble(error, where) or trouble.closed(where)) from error


def _place(options: Mapping[str, Any]) -> str:
    """Where the database is, without user and password."""
    host, port = options.get("host", "localhost"), options.get("port", 5432)
    if isinstance(host, list):
        return ",".join(map(str, host))
    return host if host.startswith("/") else f"{host}:{port}"
