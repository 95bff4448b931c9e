"""The relay through Redis under its contract, against a real server, and what it does that others don't."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trustme

from pulsestage.cluster.redis_dial import RedisDial
from pulsestage.cluster.redis_relay import RedisRelay
from pulsestage.cluster.redis_servers import parse_redis_url
from pulsestage.cluster.trouble import BrokerTrouble
from pulsestage.contracts.relay import PATIENCE_SECONDS, Broker, Member, RelayContract, gets_through, head, with_events
from pulsestage.realtime import Relay
from tests.cluster.proxy import Proxy, proxied
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


def relay(url: str, *, secret: bytes = SECRET) -> RedisRelay:
    return RedisRelay(url, channel=CHANNEL, secret=secret)


async def says(relay: Relay, words: str) -> None:
    """Wait until this is the trouble."""
    assert isinstance(relay, RedisRelay)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in (relay.trouble or ""):  # noqa: ASYNC110 - a relay has no event for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def announced_through(*urls: str) -> AsyncIterator[list[Member]]:
    """Two members, or more, of which the first is heard by the second."""
    members = [Member(relay(url)) for url in urls]
    async with members[0].listening(), members[1].listening():
        members[0].relay.announce(head(1))
        await members[1].hears(head(1))
        yield members


@asynccontextmanager
async def in_front_of(valkey: Valkey, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    async with proxied(lambda: asyncio.open_unix_connection(str(valkey.socket)), tls) as proxy:
        yield proxy


# ---- Ways to a server ------------------------------------------------------------------------------


async def test_one_connection_publishes_and_listens(valkey: Valkey) -> None:
    async with in_front_of(valkey) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/7"
        async with announced_through(url, url):
            assert proxy.accepted == 2


async def test_through_a_socket_of_this_machine(valkey: Valkey) -> None:
    async with announced_through(f"unix://{valkey.socket}", f"unix://{valkey.socket}?db=3"):
        pass


async def test_as_a_user_who_may_do_nothing_else(valkey: Valkey) -> None:
    rights = ["-@all", "+hello", "+subscribe", "+publish", "+ping", f"&{CHANNEL}"]
    valkey.ask("ACL", "SETUSER", "announcer", "reset", "on", ">hunter2%", *rights)
    url = valkey.url.replace("//", "//announcer:hunter2%25@") + "/7"  # not even to choose a database
    async with announced_through(url, url):
        pass


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_through_tls(valkey: Valkey, authority: trustme.CA, tls: ssl.SSLContext, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with in_front_of(valkey, tls) as proxy:
        url = f"rediss://127.0.0.1:{proxy.port}?ssl_ca_certs={tmp_path / 'ca.pem'}"
        async with announced_through(url, url):
            pass


async def test_a_certificate_of_a_strangers_is_not_accepted(valkey: Valkey, tls: ssl.SSLContext) -> None:
    async with in_front_of(valkey, tls) as proxy:
        stranger = Member(relay(f"rediss://127.0.0.1:{proxy.port}"))
        async with stranger.relay.listening(stranger.hear):
            await says(stranger.relay, f"The certificate of 127.0.0.1:{proxy.port} is not accepted")


async def test_a_lost_connection_is_not_made_anew_behind_the_relays_back(valkey: Valkey) -> None:
    async with in_front_of(valkey) as proxy:
        dial = RedisDial(parse_redis_url(f"redis://127.0.0.1:{proxy.port}"))
        async with dial.connected() as connection:
            proxy.cut()
            for _ in range(2):  # it would have subscribed to nothing
                with pytest.raises(BrokerTrouble, match="has closed the connection"):
                    await connection.ask("PING")
        assert proxy.accepted == 1


# ---- What is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["nobody:hunter2@", "default:hunter2@"])
async def test_a_wrong_password_is_named_and_not_told(
    valkey: Valkey, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    valkey.ask("ACL", "SETUSER", "default", ">right")
    try:
        wrong = relay(valkey.url.replace("//", f"//{user}"))
        async with wrong.listening(print):
            await says(wrong, "invalid username-password pair")
            assert f"127.0.0.1:{valkey.port} says:" in (wrong.trouble or "")
            assert "hunter2" not in f"{wrong.trouble}{caplog.text}"
    finally:
        valkey.ask_as("right", "ACL", "SETUSER", "default", "nopass")


@pytest.mark.parametrize("right", ["publish", "subscribe"])
async def test_who_may_not_do_both_is_not_healthy(valkey: Valkey, right: str) -> None:
    valkey.ask("ACL", "SETUSER", "half", "reset", "on", "nopass", "+@all", f"-{right}", "allchannels")
    half = relay(valkey.url.replace("//", "//half:x@"))
    async with half.listening(print):
        await says(half, f"no permissions to run the '{right}' command")
        assert not half.healthy


async def test_nobody_there_is_said_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    attempts = asyncio.Semaphore(0)

    async def refuse(_: object, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        attempts.release()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        lonely = relay(f"redis://127.0.0.1:{port}")
        with caplog.at_level(logging.INFO, "pulsestage.cluster"):
            async with lonely.listening(print), asyncio.timeout(PATIENCE_SECONDS):
                for _ in range(3):
                    await attempts.acquire()
                lonely.announce(head(1))
                server.close()
                await says(lonely, f"Connection refused by 127.0.0.1:{port}.")
    assert (lonely.stats().announced, lonely.stats().dropped) == (1, 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"127.0.0.1:{port} has closed the connection." in caplog.text


async def test_a_restart_is_got_over_and_logged_once(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pulsestage.cluster"):
        async with announced_through(valkey.url, valkey.url) as (one, other):
            caplog.clear()
            with valkey.stopped():
                await one.becomes_healthy(healthy=False)
                await other.becomes_healthy(healthy=False)
            await one.becomes_healthy()
            await other.becomes_healthy()
            await gets_through(one, other)
            assert (one.relay.stats().reconnects, other.relay.stats().reconnects) == (1, 1)
    assert sorted(record.levelname for record in caplog.records) == ["INFO", "INFO", "WARNING", "WARNING"]


async def test_a_frozen_server_is_noticed_and_got_over(valkey: Valkey) -> None:
    async with announced_through(valkey.url, valkey.url) as (one, other):
        with valkey.frozen():
            for number in range(5000):
                one.relay.announce(with_events(5000))
                if number % 100 == 0:
                    await asyncio.sleep(0)
            assert one.relay.stats().dropped > 0
            await says(one.relay, "No answer from")
            await says(other.relay, "No answer from")
            one.relay.announce(head(2))
        await one.becomes_healthy()
        await other.becomes_healthy()
        await gets_through(one, other)
    assert one.relay.stats().malformed == other.relay.stats().malformed == 0


async def test_leaving_a_frozen_server_does_not_wait_for_it(valkey: Valkey) -> None:
    with ExitStack() as stack:
        async with announced_through(valkey.url, valkey.url) as (one, _):
            stack.enter_context(valkey.frozen())
            for _ in range(400):
                one.relay.announce(with_events(50_000))
            await asyncio.sleep(0.1)  # until the socket is full


@pytest.mark.parametrize("turns", range(10))
async def test_it_can_be_left_at_any_moment(valkey: Valkey, turns: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        member = Member(relay(valkey.url))
        async with member.listening():
            member.relay.announce(head(1))
            for _ in range(turns):
                await asyncio.sleep(0)


# ---- Strangers, bursts, the slow -------------------------------------------------------------------


async def test_what_has_another_secret_or_none_is_counted_and_ignored(valkey: Valkey) -> None:
    foreign = Member(relay(valkey.url, secret=b"of a staging copy"))
    async with announced_through(valkey.url, valkey.url) as (one, other), foreign.listening():
        before = other.relay.stats().malformed
        foreign.relay.announce(head(66))
        valkey.ask("PUBLISH", CHANNEL, head(67).encode())
        one.relay.announce(head(2))
        assert await other.hears(head(2)) == [head(1), head(2)]
        assert other.relay.stats().malformed == before + 2
        assert other.relay.healthy
        assert foreign.heard == []


async def test_its_own_echo_is_neither_told_nor_counted(valkey: Valkey) -> None:
    async with announced_through(valkey.url, valkey.url) as (one, other):
        other.relay.announce(head(2))
        await one.hears(head(2))  # and its own came before
        assert one.heard == [head(2)]
        assert one.relay.stats().received == 1


async def test_of_a_burst_the_newest_arrive(valkey: Valkey) -> None:
    async with announced_through(valkey.url, valkey.url) as (one, other):
        for number in range(2, 5002):
            one.relay.announce(head(number))
        *_, last = await other.hears(head(5001))
        assert last == head(5001)
        assert one.relay.stats().dropped == 5000 - (len(other.heard) - 1)
        assert one.relay.stats().dropped == 4500


async def test_who_reads_too_slowly_is_cut_off_and_comes_back(valkey: Valkey) -> None:
    valkey.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
    try:
        async with in_front_of(valkey) as proxy:
            one, slow = Member(relay(valkey.url)), Member(relay(f"redis://127.0.0.1:{proxy.port}"))
            async with one.listening(), slow.listening():
                async with proxy.silence():
                    for number in range(400):
                        one.relay.announce(with_events(50_000))
                        one.relay.announce(head(number))
                        await asyncio.sleep(0)
                    await slow.becomes_healthy(healthy=False)
                    assert one.relay.healthy
                await slow.becomes_healthy()
                await gets_through(one, slow)
    finally:
        valkey.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")
