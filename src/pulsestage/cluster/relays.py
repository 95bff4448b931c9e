"""The relay that a URL names. Redis' driver is imported only for its relay: it takes a tenth of a program's start."""

from __future__ import annotations

import re
from typing import Protocol

from pulsestage.cluster.postgres_relay import PostgresAddress, PostgresRelay
from pulsestage.cluster.trouble import InvalidRelayUrl
from pulsestage.realtime import Relay

__all__ = ["InvalidRelayUrl", "ProcessRelay", "make_relay"]

FORMS = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"


class ProcessRelay(Relay, Protocol):
    """A relay between processes: it can say what is wrong."""

    @property
    def trouble(self) -> str | None:
        """Why it is not healthy now, in a short sentence without a password."""


def make_relay(url: str, *, channel: str, secret: bytes, database: PostgresAddress | None) -> ProcessRelay:
    """A relay that isn't listening yet. `database` is the service's, if it is PostgreSQL. Raises InvalidRelayUrl."""
    if url == "postgres":
        if database is None:
            raise InvalidRelayUrl("The relay `postgres` needs a database that is PostgreSQL, and this one is not.")
        return PostgresRelay(database, channel=channel, secret=secret)
    if re.match(r"(rediss?(\+sentinel|\+cluster)?|unix)://", url):
        from pulsestage.cluster.redis_relay import RedisRelay  # noqa: PLC0415 - as said above

        return RedisRelay(url, channel=channel, secret=secret)
    raise InvalidRelayUrl(f"A relay is `postgres`, `memory`, or a URL with {FORMS}.")
