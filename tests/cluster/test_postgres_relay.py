"""The relay through PostgreSQL under its contract, against a real server, and what it does that others don't."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest
from sqlalchemy import make_url

from pulsestage.cluster import postgres_relay, wire_relay
from pulsestage.cluster.relays import ProcessRelay, make_relay
from pulsestage.contracts.relay import PATIENCE_SECONDS, Broker, Member, RelayContract, gets_through, head, with_events
from pulsestage.storage.location import PostgresServer, locate
from tests.cluster.proxy import Proxy, proxied
from tests.servers.pgbouncer import running_pgbouncer

CHANNEL = 'pulse"Stage:1'
SECRET = b"a secret of thirty-two characters"


def relay_at(url: str) -> ProcessRelay:
    server = locate(url)
    assert isinstance(server, PostgresServer)
    return make_relay("postgres", channel=CHANNEL, secret=SECRET, database=server)


class PostgresBroker:
    """A database behind a proxy, as the contract wants to treat it."""

    def __init__(self, url: str, proxy: Proxy) -> None:
        self.direct_url = url.replace("+asyncpg", "")
        self.proxy = proxy
        self.url = make_url(url).set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)

    def relay(self) -> ProcessRelay:
        return relay_at(self.url)

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


def member(broker: PostgresBroker) -> tuple[ProcessRelay, Member]:
    relay = broker.relay()
    return relay, Member(relay)


async def says(relay: ProcessRelay, words: str) -> None:
    """Wait until this is the trouble."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in (relay.trouble or ""):  # noqa: ASYNC110 - a relay has no event for it
            await asyncio.sleep(0.01)


async def test_a_silent_server_is_noticed_and_got_over(broker: PostgresBroker) -> None:
    (one, first), (other, second) = member(broker), member(broker)
    async with first.listening(), second.listening():
        async with broker.proxy.silence():
            for number in range(5000):
                one.announce(head(number))
                if number % 100 == 0:
                    await asyncio.sleep(0)
            assert one.stats().dropped > 0
            await says(one, f"No answer from 127.0.0.1:{broker.proxy.port}.")
            await says(other, f"No answer from 127.0.0.1:{broker.proxy.port}.")
        await first.becomes_healthy()
        await second.becomes_healthy()
        await gets_through(first, second)


async def test_a_connection_that_the_server_ends_is_made_anew(broker: PostgresBroker) -> None:
    relay, hearer = member(broker)
    connection = await asyncpg.connect(broker.direct_url)
    try:
        async with hearer.listening():
            ended = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            assert len(ended) == 1, "one connection listens and announces"
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not relay.stats().reconnects:  # noqa: ASYNC110 - likewise
                    await asyncio.sleep(0.01)
            await hearer.becomes_healthy()
    finally:
        await connection.close()


async def test_what_gathers_is_one_transaction(broker: PostgresBroker) -> None:
    (one, first), (_, second) = member(broker), member(broker)
    async with first.listening(), second.listening():
        for number in (1, 1, 1, 2):
            one.announce(head(number))
        # Within one transaction, and only there, PostgreSQL tells the same thing once.
        assert await second.hears(head(2)) == [head(1), head(2)]


async def test_events_are_left_out_just_where_they_are_too_much(broker: PostgresBroker) -> None:
    (one, first), (_, second) = member(broker), member(broker)
    said = [with_events(size) for size in range(7500, 8000, 10)]
    async with first.listening(), second.listening():
        for announcement in said:
            one.announce(announcement)
        one.announce(head(8))
        *heard, _ = await second.hears(head(8))
        whole = len(heard) - 1  # PostgreSQL tells the heads that go alone once, they are the same
        assert 0 < whole < len(said)
        assert heard == [*said[:whole], head(7)]
        assert one.stats().reconnects == 0


async def test_of_a_burst_the_newest_arrive(broker: PostgresBroker) -> None:
    (one, first), (_, second) = member(broker), member(broker)
    async with first.listening(), second.listening():
        for number in range(5000):
            one.announce(head(number))
        assert await second.hears(head(4999)) == [head(number) for number in range(4500, 5000)]
        assert one.stats().dropped == 4500


async def test_what_has_no_seal_is_counted_and_ignored(broker: PostgresBroker) -> None:
    (one, first), (other, second) = member(broker), member(broker)
    async with first.listening(), second.listening():
        await broker.inject(head(66).encode())
        one.announce(head(1))
        assert await second.hears(head(1)) == [head(1)]
        assert other.stats().malformed == 1


async def test_its_own_echo_is_neither_told_nor_counted(broker: PostgresBroker) -> None:
    (one, first), (other, second) = member(broker), member(broker)
    async with first.listening(), second.listening():
        one.announce(head(1))
        await second.hears(head(1))
        other.announce(head(2))
        assert await first.hears(head(2)) == [head(2)]
        assert one.stats().received == 1


async def test_an_error_of_the_server_is_said_without_the_password(broker: PostgresBroker) -> None:
    url = make_url(broker.url).set(username="nobody_at_all", password="hunter2").render_as_string(hide_password=False)
    relay = relay_at(url)
    async with relay.listening(print):
        await says(relay, f'127.0.0.1:{broker.proxy.port} says: role "nobody_at_all" does not exist.')


async def test_a_server_that_is_none_of_those_asked_for_is_no_defect(
    broker: PostgresBroker, caplog: pytest.LogCaptureFixture
) -> None:
    relay = relay_at(f"{broker.url}?target_session_attrs=standby")
    async with relay.listening(print):
        await says(relay, "match the target attribute requirement")
    assert not [record for record in caplog.records if record.exc_info]


async def test_nobody_there_is_said() -> None:
    url = "postgresql+asyncpg://pulsestage:hunter2@127.0.0.1:1/pulsestage"
    relay = relay_at(url)
    async with relay.listening(print):
        await says(relay, "Connection refused by 127.0.0.1:1.")


@pytest.mark.parametrize("turns", range(10))
async def test_it_can_be_left_at_any_moment(broker: PostgresBroker, turns: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        relay, hearer = member(broker)
        async with hearer.listening():
            relay.announce(head(1))
            for _ in range(turns):
                await asyncio.sleep(0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that takes its broker for dead sooner, so that tests need not wait."""
    for module in (wire_relay, postgres_relay):
        monkeypatch.setattr(module, "SILENCE_SECONDS", 0.5)


async def test_a_pooler_that_gives_each_transaction_another_connection_is_named(
    postgres_url: str, impatient: None
) -> None:
    with running_pgbouncer(postgres_url, "transaction") as url:
        relay = relay_at(url)
        async with relay.listening(print):
            await says(relay, "A pooler in front of 127.0.0.1:")
            assert "PULSESTAGE_RELAY_URL" in (relay.trouble or "")
            assert not relay.healthy


async def test_a_pooler_that_gives_each_client_a_connection_is_no_trouble(postgres_url: str) -> None:
    with running_pgbouncer(postgres_url, "session") as url:
        first, second = Member(relay_at(url)), Member(relay_at(postgres_url))
        async with first.listening(), second.listening():
            await gets_through(first, second)
            await gets_through(second, first)
