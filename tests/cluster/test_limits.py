"""Rate limits that hold for all instances together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pulsestage.cluster.limits import RedisLimits
from pulsestage.cluster.redis_servers import redis_client
from pulsestage.domain.errors import TooManyRequests
from pulsestage.services.limits import Rate, RateLimits
from tests.servers.valkey import Valkey, valkey_server

RATES = {"ask": Rate(per_minute=6, burst=3), "vote": Rate(per_minute=60, burst=50), "free": Rate(0, 1)}


@asynccontextmanager
async def instance(url: str, channel: str, key: bytes = b"key") -> AsyncIterator[RedisLimits]:
    here = RateLimits(RATES, time.monotonic)
    async with redis_client(url) as client, asyncio.TaskGroup() as tasks:
        yield RedisLimits(client, RATES, alone=here, spawn=tasks.create_task, channel=channel, key=key)


async def allowed(limits: RedisLimits, times: int, action: str = "ask", person: str = "ann") -> int:
    results = await asyncio.gather(*(limits.check(action, person) for _ in range(times)), return_exceptions=True)
    assert all(result is None or isinstance(result, TooManyRequests) for result in results)
    return results.count(None)


async def test_instances_count_together(redis_url: str, request: pytest.FixtureRequest) -> None:
    name = request.node.name
    async with instance(redis_url, name) as one, instance(redis_url, name) as other:
        assert await allowed(one, 2) == 2
        assert await allowed(other, 5) == 1
        with pytest.raises(TooManyRequests) as refused:
            await one.check("ask", "ann")
        assert 9 <= refused.value.retry_after_seconds <= 10
        assert await allowed(one, 2, person="bob") == 2
        assert await allowed(one, 100, "free") == 100


async def test_thousands_at_once_are_counted_exactly(redis_url: str, request: pytest.FixtureRequest) -> None:
    name = request.node.name
    async with instance(redis_url, name) as one, instance(redis_url, name) as other:
        counts = await asyncio.gather(*(allowed(each, 1000, "vote") for each in (one, other)))
    assert 50 <= sum(counts) <= 52  # one more for each second that this takes


async def test_another_service_on_the_same_redis_counts_apart(redis_url: str, request: pytest.FixtureRequest) -> None:
    name = request.node.name
    async with instance(redis_url, name) as one, instance(redis_url, f"{name}.staging") as other:
        assert await allowed(one, 3) == 3
        assert await allowed(other, 3) == 3


async def test_redis_does_not_learn_who_it_is_and_forgets_them() -> None:
    with valkey_server() as valkey:
        async with instance(valkey.url, "here") as limits:
            await limits.check("ask", "ann")
        [key] = valkey.ask("KEYS", "*")
        assert key.startswith(b"{here}:limit:ask:")
        assert b"ann" not in key
        assert 0 < valkey.ask("PTTL", key) <= 10_000


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_without_redis_each_instance_counts_alone(how: str, caplog: pytest.LogCaptureFixture) -> None:
    with valkey_server() as valkey:
        async with instance(valkey.url, "here") as limits:
            assert await allowed(limits, 1) == 1
            with getattr(valkey, how)():
                assert await allowed(limits, 5) == 3
            await back(limits, valkey)
            assert "alone now" in caplog.text


async def back(limits: RedisLimits, valkey: Valkey) -> None:
    """Wait until what is counted is counted there again."""
    async with asyncio.timeout(20):
        for number in range(1000):
            await limits.check("ask", f"person {number}")
            if limits._hash(f"person {number}") in str(valkey.ask("KEYS", "*")):
                return
            await asyncio.sleep(0.05)
    raise AssertionError
