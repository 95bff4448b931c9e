"""Rate limits that hold for all instances together, in Redis; at each one alone while Redis is out.

The algorithm is that of `services.limits`, by Redis's clock. Checks that come together travel together, as votes do.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from pulsestage.domain.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

    from pulsestage.services.limits import Rate, RateLimits

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 500
PAUSE_SECONDS: Final = 1.0
"""After Redis did not answer, nobody waits for it for so long."""

# Answers for each key how many microseconds too early it comes; zero, if it is counted.
SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local busy_until = math.max(tonumber(redis.call('GET', key) or 0), now) + interval
  local early = busy_until - now - interval * burst
  if early <= 0 then
    redis.call('SET', key, string.format('%.0f', busy_until), 'PX', math.ceil((busy_until - now) / 1000))
  end
  answers[i] = math.max(0, math.ceil(early))
end
return answers
"""


@dataclass(slots=True)
class _Check:
    key: str
    rate: Rate
    answer: asyncio.Future[float | None]
    """How many seconds too early; None if Redis didn't say."""


class RedisLimits:
    """The Limits port. `spawn` starts a background task; `alone` counts while Redis is out."""

    def __init__(
        self,
        client: Redis | RedisCluster,
        rates: Mapping[str, Rate],
        *,
        alone: RateLimits,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        channel: str,
        key: bytes,
    ) -> None:
        self._ask = client.register_script(SCRIPT)
        self._rates = rates
        self._alone = alone
        self._spawn = spawn
        # In braces, so that a cluster keeps them all in one place, where one script can reach them.
        self._prefix = f"{{{channel}}}:limit"
        self._key = hashlib.blake2b(key).digest()
        self._waiting: deque[_Check] = deque()
        self._asking = False
        self._out_until = -math.inf
        self._out = False

    async def check(self, action: str, person_id: str) -> None:
        """Count one action of a person. Raises TooManyRequests when it comes too early, and then doesn't count it."""
        rate = self._rates[action]
        if rate.per_minute <= 0:
            return
        early = await self._early(f"{self._prefix}:{action}:{self._hash(person_id)}", rate)
        if early is None:
            self._alone.take(action, person_id)
        elif early > 0:
            raise TooManyRequests(math.ceil(early))

    async def _early(self, key: str, rate: Rate) -> float | None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._out_until:
            return None
        check = _Check(key, rate, loop.create_future())
        self._waiting.append(check)
        if not self._asking:
            self._asking = True
            self._spawn(self._ask_for_all())
        return await check.answer

    async def _ask_for_all(self) -> None:
        """Ask for all that wait, until nobody does."""
        batch: list[_Check] = []
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
                for check, answer in zip(batch, await self._answers(batch), strict=True):
                    if not check.answer.done():  # whoever asked may be gone
                        check.answer.set_result(answer)
        finally:
            self._asking = False
            for check in (*batch, *self._waiting):  # nobody, unless this was cancelled
                if not check.answer.done():
                    check.answer.set_result(None)
            self._waiting.clear()

    async def _answers(self, batch: Sequence[_Check]) -> Sequence[float | None]:
        terms = [term for check in batch for term in (60_000_000 / check.rate.per_minute, check.rate.burst)]
        try:
            answers = await self._ask(keys=[check.key for check in batch], args=terms)
        except (RedisError, OSError) as error:
            self._out_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
            if not self._out:
                log.warning("rate limits hold at each instance alone now: %s", error)
            self._out = True
            return [None] * len(batch)
        if self._out:
            log.info("rate limits hold for all instances together again")
        self._out = False
        return [early / 1_000_000 for early in answers]

    def _hash(self, person_id: str) -> str:
        """Stands for the person: who does what is nobody's business in Redis."""
        return hashlib.blake2b(person_id.encode(), key=self._key, digest_size=16).hexdigest()
